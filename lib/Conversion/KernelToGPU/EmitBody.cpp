// Computes the scalar bodies of roots for one element.
#include "Emitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace laic;
using namespace laic::gpu;

FailureOr<SmallVector<Value>> Emitter::emitBody(Block &block, ArrayRef<Value> args, IndexOf indexOf) {
  IRMapping known;
  for (auto [arg, value] : llvm::zip(block.getArguments(), args))
    if (value)
      known.map(arg, value);
  auto operandsOf = [&](Operation *op) -> FailureOr<SmallVector<Value>> {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      if (isa<TensorType>(operand.getType())) {
        operands.emplace_back();
        continue;
      }
      Value value = known.lookupOrNull(operand);
      if (!value) {
        FailureOr<Value> outside = scalarOf(operand);
        if (failed(outside))
          return fail("its body uses a value that is neither a constant nor an index argument");
        value = *outside;
        known.map(operand, value);
      }
      operands.push_back(value);
    }
    return operands;
  };
  for (Operation &op : block.without_terminator()) {
    FailureOr<SmallVector<Value>> operands = operandsOf(&op);
    if (failed(operands))
      return failure();
    if (auto indexOp = dyn_cast<linalg::IndexOp>(op)) {
      known.map(indexOp.getResult(), indexOf(indexOp.getDim()));
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      FailureOr<Operand> from = operandOf(extract.getTensor());
      if (failed(from))
        return fail("its body reads a tensor that is no operand");
      known.map(extract.getResult(), load(*from, ArrayRef(*operands).drop_front()));
    } else if (auto check = dyn_cast<CheckIndexOp>(op)) {
      known.map(check.getResult(), emitCheckIndex(check, *operands));
    } else if (op.getNumRegions() == 0) {
      b.clone(op, known)->setLoc(loc);
    } else {
      return fail("its body holds '" + op.getName().getStringRef() + "'");
    }
  }
  return operandsOf(block.getTerminator());
}

/// One unsigned comparison covers both ends: bounds are not negative. The host reads the error after the call.
Value Emitter::emitCheckIndex(CheckIndexOp op, ArrayRef<Value> operands) {
  Value at = operands[0], bound = operands[1], original = operands[2];
  Type i32 = b.getI32Type();
  Value bad = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, at, bound);
  when(bad, [&] {
    Value low, high;
    Value narrow = original;
    if (auto extend = original.getDefiningOp<arith::ExtSIOp>(); extend && extend.getIn().getType() == i32)
      narrow = extend.getIn();
    else if (auto cast = original.getDefiningOp<arith::IndexCastOp>(); cast && cast.getIn().getType().isIndex())
      narrow = arith::IndexCastOp::create(b, loc, i32, cast.getIn());
    if (narrow.getType() == i32) { // no 64-bit integers for what came as 32 bits
      low = narrow;
      high = arith::ShRSIOp::create(b, loc, low, arith::ConstantIntOp::create(b, loc, i32, 31));
    } else {
      low = arith::TruncIOp::create(b, loc, i32, original);
      Value shift = arith::ConstantIntOp::create(b, loc, original.getType(), 32);
      high = arith::TruncIOp::create(b, loc, i32, arith::ShRSIOp::create(b, loc, original, shift));
    }
    Value code = arith::ConstantIntOp::create(b, loc, i32, int64_t(op.getCode()));
    memref::AtomicRMWOp::create(b, loc, arith::AtomicRMWKind::maxu, code, record, ValueRange{index(kCallRecordError)});
    memref::StoreOp::create(b, loc, low, record, index(kCallRecordError + 1));
    memref::StoreOp::create(b, loc, high, record, index(kCallRecordError + 2));
  });
  return arith::SelectOp::create(b, loc, bad, index(0), at);
}
