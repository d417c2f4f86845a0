// Symbolic shape inference: one forward walk over a function.
#include "laic/Dialect/Laic/Facts.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxForm.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/Passes.h"
#include "laic/Dialect/Laic/WeightStore.h"

namespace laic {
#define GEN_PASS_DEF_LAICINFERSHAPES
#include "laic/Dialect/Laic/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

// Integer inputs of rank 0 or 1 with this many elements may be used as shapes.
constexpr int64_t kMaxShapeInput = 16;

ValueFacts constantFacts(ConstantOp op, SizeSymbols &symbols, WeightStore &store) {
  auto type = cast<RankedTensorType>(op.getType());
  ValueFacts facts;
  facts.element = type.getElementType();
  facts.shape.emplace();
  for (int64_t d : type.getShape())
    facts.shape->push_back(symbols.constant(d));
  facts.constant = op.getValue();
  int64_t count = type.getNumElements();
  if (count > ShapeContext::kMaxContents || elementBytes(facts.element) == 0)
    return facts;
  std::vector<char> scratch;
  llvm::ArrayRef<char> bytes = constantBytes(store, op.getValue(), scratch);
  int64_t size = elementBytes(facts.element);
  if (static_cast<int64_t>(bytes.size()) != count * size)
    return facts;
  if (isa<IntegerType>(facts.element)) {
    unsigned width = facts.element.getIntOrFloatBitWidth();
    bool isSigned = !facts.element.isUnsignedInteger() && width > 1;
    facts.ints.emplace();
    for (int64_t i = 0; i < count; ++i) {
      uint64_t raw = 0;
      std::memcpy(&raw, bytes.data() + i * size, size);
      int64_t value = raw;
      if (isSigned && size < 8)
        value = static_cast<int64_t>(raw << (64 - 8 * size)) >> (64 - 8 * size);
      facts.ints->push_back(symbols.constant(value));
    }
    return facts;
  }
  auto floatType = dyn_cast<FloatType>(facts.element);
  if (!floatType || isNarrowFloat(floatType)) // whose contents nothing reads
    return facts;
  facts.floats.emplace();
  for (int64_t i = 0; i < count; ++i) {
    uint64_t raw = 0;
    std::memcpy(&raw, bytes.data() + i * size, size);
    APFloat value(floatType.getFloatSemantics(), APInt(floatType.getWidth(), raw));
    bool lost;
    value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
    facts.floats->push_back(value.convertToDouble());
  }
  return facts;
}

RankedTensorType typeOf(const ValueFacts &facts) { return RankedTensorType::get(staticShape(*facts.shape), facts.element); }

// Refuses an element type that the operator's record does not claim.
LogicalResult checkElement(Operation &op, llvm::ArrayRef<ValueFacts *> operands) {
  const OnnxOpRow *row = findOnnxOp(op.getName());
  size_t typed = row ? typedOperand(*row) : 0;
  if (!row || typed >= operands.size() || !operands[typed]->element)
    return success();
  std::string element = elementTypeName(operands[typed]->element);
  if (acceptsElement(*row, element)) {
    bool takesStrings = acceptsElement(*row, "string");
    for (auto [i, operand] : llvm::enumerate(operands))
      if (!takesStrings && isa_and_nonnull<StringType>(operand->element))
        return op.emitError() << "does not take strings, which operand " << i << " has";
    return success();
  }
  return op.emitError() << "expects " << (typed == 0 ? "its operand" : "operand " + std::to_string(typed))
                        << " to have one of the element types " << row->dtypes << ", got " << element;
}

struct InferShapesPass : public laic::impl::LaicInferShapesBase<InferShapesPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || func.isPrivate())
      return;
    SizeSymbols symbols = SizeSymbols::load(func);
    FactsMap facts;
    if (failed(inferFacts(func, symbols, facts, /*refineTypes=*/true)))
      return signalPassFailure();
    symbols.store(func);
    auto results = func.front().getTerminator()->getOperandTypes();
    func.setFunctionType(FunctionType::get(&getContext(), func.getArgumentTypes(), results));
  }
};

} // namespace

ValueFacts laic::argumentFacts(BlockArgument arg, func::FuncOp func, SizeSymbols &symbols) {
  ValueFacts facts;
  if (auto tensor = dyn_cast<TensorType>(arg.getType()))
    facts.element = tensor.getElementType();
  auto type = dyn_cast<RankedTensorType>(arg.getType());
  if (!type)
    return facts;
  unsigned number = arg.getArgNumber();
  facts.shape.emplace();
  auto dims = func.getArgAttrOfType<ArrayAttr>(number, "laic.dims");
  for (auto [i, d] : llvm::enumerate(type.getShape())) {
    if (!ShapedType::isDynamic(d)) {
      facts.shape->push_back(symbols.constant(d));
      continue;
    }
    std::string name = ("arg" + llvm::Twine(number) + "_dim" + llvm::Twine(i)).str();
    if (dims && i < dims.size())
      if (auto text = dyn_cast<StringAttr>(dims[i]))
        name = text.getValue().str();
    facts.shape->push_back(symbols.inputDim(name, number, i));
  }
  bool integer = facts.element.isSignlessInteger(64) || facts.element.isSignlessInteger(32);
  addReadContents(arg, facts, symbols);
  if (!facts.ints && integer && type.hasStaticShape() && type.getRank() <= 1 && type.getNumElements() <= kMaxShapeInput) {
    facts.ints.emplace();
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      facts.ints->push_back(symbols.inputElement(number, i));
  }
  if (integer && type.getRank() == 1 && type.isDynamicDim(0))
    facts.argument = number;
  return facts;
}

bool laic::isStructural(Operation *op) { return op->hasTrait<StructuralOp>(); }

static Inferred inferResults(OnnxOpInterface op, llvm::ArrayRef<ValueFacts *> operands, llvm::MutableArrayRef<ValueFacts> results,
                             SizeSymbols &symbols) {
  ShapeContext ctx(op, symbols, operands, results);
  if (failed(op.inferShapes(ctx)))
    return Inferred::No;
  return ctx.wasReplaced() ? Inferred::Replaced : Inferred::Yes;
}

// The same where the operation stays, whatever inference would put in its place: that is put before it, seen what its results are, and
// erased again.
static Inferred inferKept(Operation &op, llvm::ArrayRef<ValueFacts *> operands, llvm::MutableArrayRef<ValueFacts> results,
                          SizeSymbols &symbols, FactsMap &facts) {
  OpBuilder builder(&op);
  Operation *before = op.getPrevNode(), *copy = builder.clone(op);
  llvm::SmallVector<Value> used; // only what the operation is asked for: some refuse to compute more
  llvm::SmallVector<unsigned> numbers;
  for (OpResult result : op.getResults())
    if (!result.use_empty()) {
      used.push_back(copy->getResult(result.getResultNumber()));
      numbers.push_back(result.getResultNumber());
    }
  auto holder = UnrealizedConversionCastOp::create(builder, op.getLoc(), TypeRange{}, used);
  Inferred inferred = inferResults(cast<OnnxOpInterface>(copy), operands, results, symbols);
  auto parts = [&] { // the copy, or what has replaced it
    llvm::SmallVector<Operation *> list;
    for (Operation *at = before ? before->getNextNode() : &op.getBlock()->front(); at != holder; at = at->getNextNode())
      list.push_back(at);
    return list;
  };
  if (inferred == Inferred::Replaced) {
    LogicalResult status = success();
    for (Operation *part : parts())
      (void)inferOperation(*part, symbols, facts, status);
    for (auto [value, number] : llvm::zip(holder.getInputs(), numbers))
      results[number] = facts.lookup(value);
    inferred = failed(status) ? Inferred::No : Inferred::Yes;
  }
  llvm::SmallVector<Operation *> all = parts(); // with what inference has added
  holder->erase();
  for (Operation *part : llvm::reverse(all)) {
    for (Value value : part->getResults())
      facts.erase(value);
    part->erase();
  }
  return inferred;
}

Inferred laic::inferOperation(Operation &op, SizeSymbols &symbols, FactsMap &facts, LogicalResult &status) {
  if (isa<NoneOp>(op)) {
    facts[op.getResult(0)] = ValueFacts();
    return Inferred::Yes;
  }
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    WeightStore &store = op.getContext()->getOrLoadDialect<LaicDialect>()->getWeights();
    facts[constant.getResult()] = constantFacts(constant, symbols, store);
    return Inferred::Yes;
  }
  auto onnx = dyn_cast<OnnxOpInterface>(op);
  if (!onnx)
    return Inferred::Yes;
  if (isStructural(&op)) {
    ShapeContext ctx(&op, symbols, {}, {});
    status = onnx.inferShapes(ctx); // refuses
    return Inferred::No;
  }
  llvm::SmallVector<ValueFacts *> operands;
  for (Value v : op.getOperands()) {
    auto it = facts.find(v);
    if (it == facts.end())
      return Inferred::No;
    operands.push_back(&it->second);
    if (it->second.element && !it->second.shape) {
      op.emitError("needs the rank of its operands to be known");
      status = failure();
      return Inferred::No;
    }
  }
  llvm::SmallVector<ValueFacts> results(op.getNumResults());
  Inferred inferred = Inferred::No;
  if (succeeded(checkElement(op, operands)))
    inferred = keepsOnnx(&op) && hasOnnxForm(&op) ? inferKept(op, operands, results, symbols, facts)
                                                  : inferResults(onnx, operands, results, symbols);
  if (inferred == Inferred::No)
    status = failure();
  if (inferred != Inferred::Yes)
    return inferred;
  for (auto [value, result] : llvm::zip(op.getResults(), results)) {
    if (!result.element)
      continue;
    addReadContents(value, result, symbols);
    facts[value] = std::move(result);
  }
  return Inferred::Yes;
}

LogicalResult laic::inferFacts(func::FuncOp func, SizeSymbols &symbols, FactsMap &facts, bool refineTypes) {
  for (BlockArgument arg : func.getArguments())
    facts[arg] = argumentFacts(arg, func, symbols);
  LogicalResult status = success();
  Block &block = func.front();
  for (auto at = block.begin(), end = block.end(); at != end;) {
    // What takes the place of a replaced operation stands behind the one before it.
    Operation *before = at->getPrevNode();
    Operation &op = *at++;
    Inferred inferred = inferOperation(op, symbols, facts, status);
    if (inferred == Inferred::Replaced)
      at = before ? std::next(before->getIterator()) : block.begin();
    if (inferred != Inferred::Yes || !refineTypes || isa<NoneOp, ConstantOp>(op))
      continue;
    for (Value result : op.getResults())
      if (auto it = facts.find(result); it != facts.end() && it->second.shape)
        result.setType(typeOf(it->second));
  }
  return status;
}
