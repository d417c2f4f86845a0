// Computes the scalar bodies of roots, for one element or for a vector of neighbours.
#include "KernelEmitter.h"
#include "laic/kernel_abi.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

#include <cstddef>
#include <numeric>

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

static Value laneNumbers(OpBuilder &b, Location loc, int64_t lanes) {
  SmallVector<int64_t> numbers(lanes);
  std::iota(numbers.begin(), numbers.end(), 0);
  return arith::ConstantOp::create(b, loc, b.getIndexVectorAttr(numbers));
}

Value KernelEmitter::asVector(LaneValue v, int64_t lanes) {
  if (v.vector)
    return v.vector;
  Value vector = splat(v.scalar, lanes);
  if (!v.iota)
    return vector;
  Value numbers = laneNumbers(b, loc, lanes);
  if (!v.scalar.getType().isIndex())
    numbers = arith::IndexCastOp::create(b, loc, vector.getType(), numbers);
  return arith::AddIOp::create(b, loc, vector, numbers);
}

LaneValue KernelEmitter::loadLanes(const Access &access, ArrayRef<Value> ivs, int vectorDim, int64_t lanes, Value mask) {
  if (access.isScalar())
    return access.scalar;
  Value at = address(access, ivs);
  if (lanes == 0 || isZero(access.coefficients[vectorDim]))
    return load(access.buffer, at);
  if (isOne(access.coefficients[vectorDim]))
    return LaneValue::ofVector(loadVector(access.buffer, at, lanes, mask));
  SmallVector<Value> elements;
  Value step = value(access.coefficients[vectorDim]);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value offset = mul(step, lane);
    // Lanes that are off may lie outside the buffer: they read what the first lane reads, which is always on.
    if (mask && lane > 0)
      offset = arith::SelectOp::create(b, loc, vector::ExtractOp::create(b, loc, mask, lane), offset, index(0));
    elements.push_back(load(access.buffer, add(at, offset)));
  }
  return LaneValue::ofVector(fromElements(elements));
}

void KernelEmitter::storeLanes(LaneValue v, const Access &access, ArrayRef<Value> ivs, int64_t lanes, Value mask) {
  if (!access.buffer.memref)
    return; // a result that nobody asked for
  Value at = address(access, ivs);
  if (lanes == 0)
    store(v.scalar, access.buffer, at);
  else
    storeVector(asVector(v, lanes), access.buffer, at, mask);
}

FailureOr<SmallVector<LaneValue>> KernelEmitter::emitBody(Block &block, ArrayRef<LaneValue> args, IndexOf indexOf,
                                                          int64_t lanes) {
  llvm::DenseMap<Value, LaneValue> known;
  for (auto [arg, value] : llvm::zip(block.getArguments(), args))
    known[arg] = value;
  auto operandsOf = [&](Operation *op) -> FailureOr<SmallVector<LaneValue>> {
    SmallVector<LaneValue> operands;
    for (Value operand : op->getOperands()) {
      if (isa<TensorType>(operand.getType())) {
        operands.emplace_back();
        continue;
      }
      auto it = known.find(operand);
      if (it != known.end()) {
        operands.push_back(it->second);
        continue;
      }
      FailureOr<Value> outside = scalarOf(operand);
      if (failed(outside))
        return fail("its body uses a value that is neither a constant nor an index argument");
      operands.push_back(*outside);
    }
    return operands;
  };
  for (Operation &op : block.without_terminator()) {
    FailureOr<SmallVector<LaneValue>> operands = operandsOf(&op);
    if (failed(operands))
      return failure();
    if (auto indexOp = dyn_cast<linalg::IndexOp>(op)) {
      known[indexOp] = indexOf(indexOp.getDim());
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      FailureOr<LaneValue> element = emitExtract(extract, llvm::ArrayRef(*operands).drop_front(), lanes);
      if (failed(element))
        return failure();
      known[extract] = *element;
    } else if (auto check = dyn_cast<CheckIndexOp>(op)) {
      known[check] = emitCheckIndex(check, *operands, lanes);
    } else if (op.getNumResults() == 1 && op.getNumRegions() == 0) {
      known[op.getResult(0)] = emitOp(&op, *operands, lanes);
    } else {
      return fail("its body holds '" + op.getName().getStringRef() + "'");
    }
  }
  return operandsOf(block.getTerminator());
}

LaneValue KernelEmitter::emitOp(Operation *op, ArrayRef<LaneValue> operands, int64_t lanes) {
  bool uniform = llvm::all_of(operands, [](const LaneValue &v) { return v.isUniform(); });
  // base + lane stays base + lane under addition and changes of integer type.
  bool iota = !uniform &&
              ((isa<arith::AddIOp>(op) && operands[0].iota != operands[1].iota && !operands[0].vector && !operands[1].vector) ||
               (isa<arith::SubIOp>(op) && operands[0].iota && operands[1].isUniform()) ||
               (isa<arith::IndexCastOp>(op) && operands[0].iota &&
                op->getResult(0).getType().getIntOrFloatBitWidth() >= 64 - 64 * op->getResult(0).getType().isIndex()));
  bool vectorise = !uniform && !iota;
  auto operand = [&](unsigned i) { return vectorise ? asVector(operands[i], lanes) : operands[i].scalar; };
  auto wrap = [&](Value v) {
    LaneValue result = vectorise ? LaneValue::ofVector(v) : LaneValue(v);
    result.iota = iota;
    return result;
  };
  // max(x, c) by compare and select: one instruction on x86 instead of three, and NaN stays NaN.
  if (isa<arith::MaximumFOp, arith::MinimumFOp>(op)) {
    FloatAttr constant;
    for (unsigned i : {0u, 1u}) {
      if (!operands[i].isUniform() || !matchPattern(operands[i].scalar, m_Constant(&constant)) || constant.getValue().isNaN())
        continue;
      Value c = operand(i), x = operand(1 - i);
      auto predicate = isa<arith::MaximumFOp>(op) ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
      Value wins = arith::CmpFOp::create(b, loc, predicate, c, x);
      return wrap(arith::SelectOp::create(b, loc, wins, c, x));
    }
  }
  IRMapping mapping;
  for (auto [i, old] : llvm::enumerate(op->getOperands()))
    mapping.map(old,
                vectorise && isa<arith::SelectOp>(op) && i == 0 && operands[0].isUniform() ? operands[0].scalar : operand(i));
  Operation *clone = b.clone(*op, mapping);
  clone->setLoc(loc);
  if (vectorise)
    clone->getResult(0).setType(VectorType::get(lanes, op->getResult(0).getType()));
  return wrap(clone->getResult(0));
}

FailureOr<SmallVector<Access>> KernelEmitter::epilogueOperands(Operation *root, OperandRange extras, ArrayAttr maps,
                                                               unsigned loops) {
  SmallVector<Access> accesses;
  for (auto [extra, map] : llvm::zip(extras, maps.getAsValueRange<AffineMapAttr>())) {
    FailureOr<Access> access = accessOf(extra, AffineMap::get(loops, 0, map.getResults(), context), loops);
    if (failed(access) || access->nonLinear)
      return fail("an epilogue operand of its " + root->getName().getStringRef() + " cannot be read");
    accesses.push_back(*access);
  }
  return accesses;
}

FailureOr<LaneValue> KernelEmitter::emitEpilogue(Block &block, LaneValue sum, ArrayRef<Access> extras, ArrayRef<Value> ivs,
                                                 int vectorDim, int64_t lanes, Value mask) {
  SmallVector<LaneValue> args = {sum};
  for (const Access &extra : extras)
    args.push_back(loadLanes(extra, ivs, vectorDim, lanes, mask));
  FailureOr<SmallVector<LaneValue>> results = emitBody(block, args, [](unsigned) { return LaneValue(); }, lanes);
  if (failed(results))
    return failure();
  return results->front();
}

Value KernelEmitter::gatherLanes(const Buffer &buffer, Value at, int64_t lanes) {
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < lanes; ++lane)
    elements.push_back(load(buffer, vector::ExtractOp::create(b, loc, at, lane)));
  return fromElements(elements);
}

FailureOr<LaneValue> KernelEmitter::emitExtract(tensor::ExtractOp op, ArrayRef<LaneValue> indices, int64_t lanes) {
  FailureOr<Buffer> buffer = bufferOf(op.getTensor());
  if (failed(buffer))
    return fail("its body reads a tensor that is no operand");
  Value base = index(0), varying;
  bool row = false; // neighbours in memory
  for (auto [i, at] : llvm::enumerate(indices)) {
    Value stride = value(buffer->stride(i));
    if (at.isUniform() || (at.iota && isOne(buffer->stride(i)))) {
      row |= at.iota;
      base = add(base, mul(at.scalar, stride));
      continue;
    }
    Value term = arith::MulIOp::create(b, loc, asVector(at, lanes), splat(stride, lanes));
    varying = varying ? arith::AddIOp::create(b, loc, varying, term).getResult() : term;
  }
  if (!varying && !row)
    return LaneValue(load(*buffer, base));
  if (!varying)
    return LaneValue::ofVector(loadVector(*buffer, base, lanes));
  LaneValue start(base);
  start.iota = row;
  return LaneValue::ofVector(gatherLanes(*buffer, arith::AddIOp::create(b, loc, varying, asVector(start, lanes)), lanes));
}

LaneValue KernelEmitter::emitCheckIndex(CheckIndexOp op, ArrayRef<LaneValue> operands, int64_t lanes) {
  LaneValue at = operands[0], bound = operands[1], original = operands[2];
  if (at.isUniform() && bound.isUniform()) {
    Value value = original.vector ? vector::ExtractOp::create(b, loc, original.vector, 0).getResult() : original.scalar;
    return LaneValue(CheckIndexOp::create(b, loc, b.getIndexType(), at.scalar, bound.scalar, value, op.getCodeAttr()));
  }
  // Lanes one by one keep the first error the first.
  Value indices = asVector(at, lanes), bounds = asVector(bound, lanes), values = asVector(original, lanes);
  SmallVector<Value> checked;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    auto get = [&](Value v) { return vector::ExtractOp::create(b, loc, v, lane); };
    checked.push_back(CheckIndexOp::create(b, loc, b.getIndexType(), get(indices), get(bounds), get(values), op.getCodeAttr()));
  }
  return LaneValue::ofVector(fromElements(checked));
}

void KernelEmitter::recordError(Value bad, int32_t code, Value original) {
  usesError = true;
  when(bad, [&] {
    Type i32 = b.getI32Type();
    Value none = arith::ConstantIntOp::create(b, loc, i32, 0);
    Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, LLVM::LoadOp::create(b, loc, i32, error), none);
    when(first, [&] {
      LLVM::StoreOp::create(b, loc, arith::ConstantIntOp::create(b, loc, i32, code), error);
      Value at = LLVM::GEPOp::create(b, loc, error.getType(), b.getI8Type(), error,
                                     ArrayRef<LLVM::GEPArg>{int32_t(offsetof(laic_kernel_error_t, value))});
      LLVM::StoreOp::create(b, loc, original, at);
    });
  });
}

void KernelEmitter::lowerCheckIndex() {
  SmallVector<CheckIndexOp> checks;
  function.walk([&](CheckIndexOp op) { checks.push_back(op); });
  for (CheckIndexOp op : checks) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(op);
    // One unsigned comparison covers both ends: bounds are not negative.
    Value bad = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, op.getIndex(), op.getBound());
    recordError(bad, op.getCode(), op.getOriginal());
    op.replaceAllUsesWith(arith::SelectOp::create(b, loc, bad, index(0), op.getIndex()).getResult());
    op.erase();
  }
}
