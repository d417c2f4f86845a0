// Runs the constant part of a graph once, before anything is quantised.
#include "FoldWeights.h"

#include "FloatRun.h"
#include "GraphEdit.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace laic;

namespace {

/// A result of an operation, by its number in the block.
struct Foldable {
  unsigned operation = 0, result = 0;
};

/// Weights, tables and biases.
llvm::SmallVector<Foldable> findFoldable(func::FuncOp main) {
  llvm::DenseSet<Value> constants = constantsOf(main);
  llvm::SmallVector<Foldable> found;
  llvm::SetVector<Value> wanted;
  for (Operation &op : main.getBody().front())
    for (Value value : constantOperandsOf(&op)) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      if (type && type.hasStaticShape() && type.getElementType().isF32() && constants.contains(value) &&
          !value.getDefiningOp<ConstantOp>())
        wanted.insert(value);
    }
  for (auto [i, op] : llvm::enumerate(main.getBody().front()))
    for (OpResult result : op.getResults())
      if (wanted.contains(result))
        found.push_back({static_cast<unsigned>(i), result.getResultNumber()});
  return found;
}

Operation *operationAt(func::FuncOp main, unsigned number) { return &*std::next(main.getBody().front().begin(), number); }

/// A copy whose @main takes nothing and returns these.
OwningOpRef<ModuleOp> constantPart(ModuleOp module, llvm::ArrayRef<Foldable> found) {
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  func::FuncOp main = mainOf(*copy);
  llvm::SmallVector<Value> results;
  for (Foldable one : found)
    results.push_back(operationAt(main, one.operation)->getResult(one.result));
  Block &block = main.getBody().front();
  block.getTerminator()->setOperands({});
  main.setResAttrsAttr(ArrayAttr());
  main.setFunctionType(FunctionType::get(main.getContext(), main.getArgumentTypes(), {}));
  addResults(main, results);
  llvm::SmallVector<Operation *> all;
  for (Operation &op : block.without_terminator())
    all.push_back(&op);
  for (Operation *op : llvm::reverse(all))
    if (op->use_empty())
      op->erase();
  block.eraseArguments(0, block.getNumArguments());
  main.setArgAttrsAttr(ArrayAttr());
  for (StringRef aboutArguments : {"laic.symbols", "laic.size_checks"})
    main->removeAttr(aboutArguments);
  main.setFunctionType(FunctionType::get(main.getContext(), {}, block.getTerminator()->getOperandTypes()));
  return copy;
}

/// A stack of one matrix, [1, K, N], is the matrix.
void unstackMatrices(func::FuncOp main) {
  for (auto op : main.getOps<MatMulOp>()) {
    auto a = dyn_cast<RankedTensorType>(op.getA().getType()), w = dyn_cast<RankedTensorType>(op.getB().getType());
    std::vector<char> scratch;
    if (!a || !w || w.getRank() < 3 || a.getRank() < w.getRank() || // the result has as many dims as the longer of both
        !llvm::all_of(w.getShape().drop_back(2), [](int64_t size) { return size == 1; }))
      continue;
    if (llvm::ArrayRef<float> values = floatsOf(op.getB(), scratch); !values.empty()) {
      OpBuilder b(op);
      op->setOperand(1, GraphEditor(b, op.getB().getLoc()).floats(values, w.getShape().take_back(2)));
    }
  }
}

/// The runtime computes them.
LogicalResult foldConstants(ModuleOp module, GraphRunner &runner) {
  func::FuncOp main = mainOf(module);
  llvm::SmallVector<Foldable> found = findFoldable(main);
  if (found.empty())
    return success();
  std::unique_ptr<RunnableGraph> graph = runner.compile(constantPart(module, found), 1);
  if (!graph)
    return failure();
  llvm::SmallVector<TensorView> outputs;
  if (std::string problem = graph->run({}, outputs); !problem.empty())
    return main.emitError() << "--quantize: the model's weights cannot be computed: " << problem;
  llvm::SmallVector<OpResult> folded;
  for (Foldable one : found)
    folded.push_back(operationAt(main, one.operation)->getResult(one.result));
  for (auto [result, view] : llvm::zip_equal(folded, outputs)) {
    OpBuilder b(result.getOwner());
    result.replaceAllUsesWith(GraphEditor(b, result.getLoc()).floats(view.floats(), view.shape));
  }
  eraseUnused(main);
  return success();
}

} // namespace

OperandRange laic::constantOperandsOf(Operation *op) {
  if (isa<ConvOp, MatMulOp, GemmOp>(op))
    return op->getOperands().drop_front();
  return isa<GatherOp>(op) ? op->getOperands().take_front() : op->getOperands().take_front(0);
}

llvm::DenseSet<Value> laic::constantsOf(func::FuncOp main) {
  llvm::DenseSet<Value> constants;
  for (Operation &op : main.getBody().front())
    if (isMemoryEffectFree(&op) && op.getNumRegions() == 0 && op.getNumResults() > 0 && !isa<DequantizeLinearOp>(op) &&
        llvm::all_of(op.getOperands(), [&](Value v) { return constants.contains(v); }))
      constants.insert(op.result_begin(), op.result_end());
  return constants;
}

LogicalResult laic::foldWeights(ModuleOp module, GraphRunner &runner) {
  if (failed(foldConstants(module, runner)))
    return failure();
  unstackMatrices(mainOf(module));
  return success();
}
