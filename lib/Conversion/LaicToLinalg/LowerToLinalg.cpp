// Lowers `laic` operations, one forward walk: each operation's own `lower` does the work.
//
// Shape arithmetic never becomes code: a value whose contents inference knows is replaced by a constant or by sizes
// that the host computes.
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/Facts.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/Passes.h"
#include "laic/Dialect/Laic/Programs.h"
#include "laic/Dialect/Laic/WeightStore.h"

namespace laic {
#define GEN_PASS_DEF_LAICLOWERTOLINALG
#include "laic/Dialect/Laic/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

// Sizes tensors beyond this many elements are computed by kernels after all.
constexpr size_t kMaxSizesTensor = 64;

class FunctionLowering {
public:
  FunctionLowering(func::FuncOp source, ModuleOp module)
      : source(source), builder(module.getContext()), symbols(SizeSymbols::load(source)),
        store(module.getContext()->getOrLoadDialect<LaicDialect>()->getWeights()) {}

  LogicalResult run() {
    for (Operation &op : source.front().without_terminator())
      if (!isa<NoneOp, ConstantOp, ReadSizesOp, OnnxOpInterface>(op))
        return op.emitError("is not an ONNX operation and cannot be lowered");
    if (failed(inferFacts(source, symbols, facts, /*refineTypes=*/false)))
      return failure();
    createTarget();
    LogicalResult status = success();
    findNeeded();
    for (Operation &op : source.front().without_terminator())
      if (needed.contains(&op) && failed(lower(op)))
        status = failure();
    if (failed(status)) {
      target.erase();
      return failure();
    }
    finish();
    return success();
  }

private:
  RankedTensorType loweredType(const ValueFacts &f) {
    return RankedTensorType::get(staticShape(*f.shape), lowerElement(f.element));
  }

  void createTarget() {
    builder.setInsertionPoint(source);
    llvm::SmallVector<Type> arguments, results;
    for (BlockArgument arg : source.getArguments())
      arguments.push_back(loweredType(facts[arg]));
    for (Value v : source.front().getTerminator()->getOperands())
      results.push_back(loweredType(facts[v]));
    auto type = builder.getFunctionType(arguments, results);
    target = func::FuncOp::create(builder, source.getLoc(), source.getName(), type);
    target->setDiscardableAttrs(source->getDiscardableAttrDictionary());
    for (unsigned i = 0; i < arguments.size(); ++i) {
      target.setArgAttrs(i, source.getArgAttrDict(i));
      target.setArgAttr(i, "laic.element", TypeAttr::get(facts[source.getArgument(i)].element));
    }
    for (auto [i, v] : llvm::enumerate(source.front().getTerminator()->getOperands())) {
      target.setResultAttrs(i, source.getResultAttrDict(i));
      target.setResultAttr(i, "laic.element", TypeAttr::get(facts[v].element));
    }
    Block *block = target.addEntryBlock();
    for (auto [from, to] : llvm::zip(source.getArguments(), block->getArguments()))
      mapping[from] = to;
    builder.setInsertionPointToStart(block);
  }

  bool contentsKnown(Value v) {
    const ValueFacts &f = facts[v];
    if (f.constant || !f.shape || isReadBack(v, f, symbols))
      return false;
    if (f.floats)
      return true;
    if (!f.ints)
      return false;
    bool allConstant = llvm::all_of(*f.ints, [](AffineExpr e) { return constantSize(e).has_value(); });
    bool sizeType = f.element.isInteger(64) || f.element.isInteger(32);
    return allConstant || (sizeType && f.ints->size() <= kMaxSizesTensor);
  }

  // Operations that a result, or a needed operation without known contents, uses as data.
  void findNeeded() {
    llvm::SmallVector<Value> work(source.front().getTerminator()->getOperands());
    llvm::DenseSet<Value> seen;
    for (auto read : source.front().getOps<ReadSizesOp>())
      if (seen.insert(read.getTensor()).second && isReadBack(read.getTensor(), facts[read.getTensor()], symbols)) {
        needed.insert(read);
        work.push_back(read.getTensor());
      }
    for (auto call : source.front().getOps<CallOp>())
      if (int64_t read = call.getRead(); read >= 0) {
        needed.insert(call);
        work.append(call->operand_begin(), call->operand_end());
      }
    while (!work.empty()) {
      Operation *op = work.pop_back_val().getDefiningOp();
      if (!op || !needed.insert(op).second)
        continue;
      bool allKnown = llvm::all_of(op->getResults(), [&](Value v) { return contentsKnown(v); });
      if (!allKnown)
        work.append(op->operand_begin(), op->operand_end());
    }
  }

  Value knownContents(Location loc, const ValueFacts &f) {
    RankedTensorType type = loweredType(f);
    std::vector<char> bytes;
    int64_t size = elementBytes(type.getElementType());
    auto push = [&](const APInt &value) {
      uint64_t raw = value.getZExtValue();
      bytes.insert(bytes.end(), reinterpret_cast<char *>(&raw), reinterpret_cast<char *>(&raw) + size);
    };
    if (f.floats) {
      auto floatType = cast<FloatType>(type.getElementType());
      for (double d : *f.floats) {
        APFloat value(d);
        bool lost;
        value.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
        push(value.bitcastToAPInt());
      }
      return ConstantOp::create(builder, loc, type, makeConstant(store, bytes, type));
    }
    unsigned width = type.getElementTypeBitWidth();
    bool allConstant = llvm::all_of(*f.ints, [](AffineExpr e) { return constantSize(e).has_value(); });
    if (allConstant) {
      for (AffineExpr e : *f.ints)
        push(APInt(64, static_cast<uint64_t>(*constantSize(e))).trunc(width));
      return ConstantOp::create(builder, loc, type, makeConstant(store, bytes, type));
    }
    llvm::SmallVector<Value> elements;
    for (AffineExpr e : *f.ints)
      elements.push_back(sizeValue(loc, e));
    return SizesTensorOp::create(builder, loc, type, elements);
  }

  Value sizeValue(Location loc, AffineExpr e) {
    if (auto c = constantSize(e))
      return arith::ConstantIndexOp::create(builder, loc, *c);
    return SizeOp::create(builder, loc, builder.getIndexType(), AffineMapAttr::get(symbols.map({e})));
  }

  LogicalResult lower(Operation &op) {
    if (isa<NoneOp>(op))
      return success();
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      mapping[constant.getResult()] = lowerConstant(constant);
      return success();
    }
    if (auto read = dyn_cast<ReadSizesOp>(op)) {
      Value tensor = mapping.lookup(read.getTensor());
      if (tensor)
        ReadSizesOp::create(builder, op.getLoc(), tensor, read.getRead());
      return success(static_cast<bool>(tensor));
    }
    auto onnx = cast<OnnxOpInterface>(op);
    bool allKnown = llvm::all_of(op.getResults(), [&](Value v) { return contentsKnown(v) || v.use_empty(); });
    if (allKnown) {
      for (Value v : op.getResults())
        if (!v.use_empty())
          mapping[v] = knownContents(op.getLoc(), facts[v]);
      return success();
    }
    llvm::SmallVector<Value> operands;
    llvm::SmallVector<const ValueFacts *> operandFacts, resultFacts;
    for (Value v : op.getOperands()) {
      operandFacts.push_back(&facts[v]);
      // An operand that failed to lower was reported; what follows from it is not news.
      operands.push_back(mapping.lookup(v));
      if (operandFacts.back()->element && !operands.back())
        return failure();
    }
    for (Value v : op.getResults())
      resultFacts.push_back(&facts[v]);
    LowerContext ctx(&op, builder, symbols, operandFacts, operands, resultFacts);
    if (failed(onnx.lower(ctx)))
      return failure();
    for (auto [from, to] : llvm::zip(op.getResults(), ctx.getResults())) {
      if (!to)
        continue;
      RankedTensorType type = loweredType(facts[from]);
      mapping[from] = to.getType() == type ? to : Value(tensor::CastOp::create(builder, op.getLoc(), type, to));
    }
    return success();
  }

  Value lowerConstant(ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    auto lowered = RankedTensorType::get(type.getShape(), lowerElement(type.getElementType()));
    if (auto weight = dyn_cast<WeightAttr>(op.getValue())) {
      auto attr = WeightAttr::get(op.getContext(), weight.getSource(), weight.getOffset(), weight.getLength(), lowered);
      return ConstantOp::create(builder, op.getLoc(), lowered, attr);
    }
    if (lowered == type)
      return ConstantOp::create(builder, op.getLoc(), type, op.getValue());
    std::vector<char> scratch;
    llvm::ArrayRef<char> bytes = constantBytes(store, op.getValue(), scratch);
    return ConstantOp::create(builder, op.getLoc(), lowered, makeConstant(store, bytes, lowered));
  }

  void finish() {
    auto terminator = source.front().getTerminator();
    llvm::SmallVector<Value> results;
    for (Value v : terminator->getOperands())
      results.push_back(mapping[v]);
    func::ReturnOp::create(builder, terminator->getLoc(), results);
    symbols.store(target);
    source.erase();
  }

  func::FuncOp source, target;
  OpBuilder builder;
  SizeSymbols symbols;
  WeightStore &store;
  FactsMap facts;
  llvm::DenseMap<Value, Value> mapping;
  llvm::DenseSet<Operation *> needed;
};

struct LowerToLinalgPass : public laic::impl::LaicLowerToLinalgBase<LowerToLinalgPass> {
  void runOnOperation() override {
    llvm::SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    LogicalResult status = success();
    for (func::FuncOp func : functions)
      if (failed(FunctionLowering(func, getOperation()).run()))
        status = failure();
    if (failed(status))
      return signalPassFailure();
    eraseUncalled(getOperation());
  }

  // Programs whose call was not needed.
  static void eraseUncalled(ModuleOp module) {
    llvm::SmallVector<func::FuncOp> programs = programsOf(module);
    llvm::DenseSet<Attribute> called;
    for (func::FuncOp program : programs) {
      if (program->hasAttr(kProgramAttr) && !called.contains(program.getSymNameAttr())) {
        program.erase();
        continue;
      }
      for (auto call : program.front().getOps<CallOp>())
        for (auto name : call.getPrograms().getAsRange<FlatSymbolRefAttr>())
          called.insert(name.getAttr());
    }
  }
};

} // namespace
