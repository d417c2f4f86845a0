// Outlines every operation of a program that moves or computes data into a kernel function and a plan.dispatch.
#include "laic/Transforms/Passes.h"

#include "KernelNames.h"
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/HostCallsOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Laic/Programs.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Transforms/Padding.h"
#include "laic/Transforms/SymbolicShapes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace laic {
#define GEN_PASS_DEF_FORMDISPATCHES
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

bool isView(Operation *op) { return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op); }

/// An init operand, or what is inserted into: its producer may be repeated in the kernel.
bool isInit(OpOperand &use) {
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(use.getOwner()))
    return dps.isDpsInit(&use);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner()))
    return use.get() == insert.getDest();
  return false;
}

/// pad(contract), perhaps with a reshape in between, or pad(transpose), where nobody else sees what is padded: what is before the pad.
llvm::SmallVector<Operation *, 2> paddedRoot(tensor::PadOp pad) {
  llvm::SmallVector<Operation *, 2> chain;
  if (!isAroundRows(pad))
    return {};
  Operation *op = pad.getSource().getDefiningOp();
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op)) {
    // The last dim stays alone: tiles end at its end.
    if (!expand->hasOneUse() || !hasKnownInnerDims(expand.getSrcType()) || expand.getReassociationIndices().back().size() != 1)
      return {};
    chain.push_back(expand);
    op = expand.getSrc().getDefiningOp();
  }
  if (!op || !(isa<ContractOp>(op) || (isa<linalg::TransposeOp>(op) && chain.empty())) || !op->hasOneUse() ||
      op->getParentOp() != pad->getParentOp())
    return {};
  chain.push_back(op);
  return chain;
}

/// Stays in @main or is repeated in kernels; everything else becomes a kernel.
bool isRoot(Operation *op) {
  if (isView(op) || isa<ConstantOp, tensor::EmptyOp, PanelsOp, plan::DispatchOp, CallOp>(op) ||
      op->hasTrait<OpTrait::IsTerminator>())
    return false;
  if (llvm::none_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return false;
  if (isa<linalg::FillOp>(op))
    return !llvm::all_of(op->getUses(), isInit);
  return true;
}

/// One kernel while it is being outlined.
struct Outline {
  llvm::SmallVector<Value> tensors; // operands of the dispatch
  llvm::SmallVector<AffineExpr> sizes;
  func::FuncOp func;
};

/// Kernels that the programs of a module share, by what they do.
struct Kernels {
  explicit Kernels(ModuleOp module) : names(module) {}
  KernelNames names;
  llvm::DenseMap<llvm::hash_code, llvm::SmallVector<func::FuncOp, 1>> byHash;
  llvm::SmallVector<func::FuncOp> declared; // functions of the runtime
};

class Outliner {
public:
  Outliner(ModuleOp module, func::FuncOp main, SymbolicShapes &shapes, llvm::StringRef device, bool padded, Kernels &kernels)
      : module(module), main(main), shapes(shapes), device(device), padded(padded), kernels(kernels) {}

  LogicalResult run();

private:
  LogicalResult outline(Operation *root);
  void callHost(HostCallOp call);
  func::FuncOp declare(HostCallOp call);
  void replace(Operation *root, llvm::StringRef kernel, ValueRange tensors, llvm::ArrayRef<AffineExpr> sizes);
  LogicalResult collect(Value value, Outline &outline, bool init);
  LogicalResult collectOperands(Operation *op, Outline &outline);
  void buildKernel(Operation *root, Outline &outline);
  func::FuncOp unique(func::FuncOp kernel, Operation *named);
  void joinPads();
  Value sizeValue(AffineExpr expr);
  void eraseDead();

  ModuleOp module;
  func::FuncOp main;
  SymbolicShapes &shapes;
  llvm::StringRef device;
  bool padded;
  Kernels &kernels;
  /// What becomes part of the kernel of the tensor.pad behind it, and what that pad's kernel is named after.
  llvm::DenseSet<Operation *> joined;
  llvm::DenseMap<Operation *, Operation *> rootOf;
  /// What the current root's kernel repeats, in order of dependence.
  llvm::SetVector<Operation *> repeated;
  llvm::DenseMap<AffineExpr, Value> sizeValues;
};

} // namespace

/// Decides for a value that the root or something repeated uses: repeat its producer, or make it an argument.
LogicalResult Outliner::collect(Value value, Outline &outline, bool init) {
  Operation *def = value.getDefiningOp();
  if (isa<RankedTensorType>(value.getType())) {
    bool repeat = def && (isa<tensor::EmptyOp, PanelsOp>(def) || (init && isa<linalg::FillOp>(def)) || joined.contains(def));
    if (!repeat) {
      if (!llvm::is_contained(outline.tensors, value))
        outline.tensors.push_back(value);
      return success();
    }
  } else if (AffineExpr size = shapes.index(value); size && value.getType().isIndex()) {
    if (!constantSize(size) && !llvm::is_contained(outline.sizes, size))
      outline.sizes.push_back(size);
    return success();
  }
  if (!def || def->getNumRegions() > (isa<linalg::FillOp>(def) || joined.contains(def) ? 1u : 0u))
    return emitError(value.getLoc(), "expects a tensor, a size or a constant, got a value of type ") << value.getType();
  if (repeated.contains(def))
    return success();
  if (failed(collectOperands(def, outline)))
    return failure();
  repeated.insert(def);
  return success();
}

LogicalResult Outliner::collectOperands(Operation *op, Outline &outline) {
  for (OpOperand &operand : op->getOpOperands())
    if (failed(collect(operand.get(), outline, isInit(operand))))
      return failure();
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (Value value : captured)
    if (failed(collect(value, outline, /*init=*/false)))
      return failure();
  return success();
}

void Outliner::buildKernel(Operation *root, Outline &outline) {
  MLIRContext *ctx = module.getContext();
  llvm::SmallVector<Type> inputs;
  for (Value v : outline.tensors)
    inputs.push_back(v.getType());
  inputs.append(outline.sizes.size(), IndexType::get(ctx));
  outline.func = func::FuncOp::create(root->getLoc(), "kernel", FunctionType::get(ctx, inputs, root->getResultTypes()));
  outline.func.setPrivate();
  Block *block = outline.func.addEntryBlock();
  OpBuilder b = OpBuilder::atBlockEnd(block);

  IRMapping mapping;
  llvm::DenseMap<AffineExpr, Value> sizes;
  for (auto [value, arg] : llvm::zip(outline.tensors, block->getArguments()))
    mapping.map(value, arg);
  for (auto [expr, arg] : llvm::zip(outline.sizes, block->getArguments().drop_front(outline.tensors.size())))
    sizes[expr] = arg;

  auto mapSizes = [&](ValueRange values) {
    for (Value v : values) {
      AffineExpr expr = shapes.index(v);
      if (!expr || !v.getType().isIndex() || mapping.contains(v))
        continue;
      Value &size = sizes[expr];
      if (auto c = constantSize(expr); c && !size)
        size = arith::ConstantIndexOp::create(b, root->getLoc(), *c);
      mapping.map(v, size);
    }
  };
  auto copy = [&](Operation *op) {
    mapSizes(op->getOperands());
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    mapSizes(captured.getArrayRef());
    return b.clone(*op, mapping);
  };
  for (Operation *op : repeated)
    copy(op);
  Operation *body = copy(root);
  func::ReturnOp::create(b, root->getLoc(), body->getResults());
}

/// An equal kernel that exists already, or this one under a new name.
func::FuncOp Outliner::unique(func::FuncOp kernel, Operation *named) {
  llvm::hash_code hash = llvm::hash_value(kernel.getFunctionType().getAsOpaquePointer());
  kernel.getBody().walk([&](Operation *op) {
    hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(op, OperationEquivalence::ignoreHashValue,
                                                                      OperationEquivalence::ignoreHashValue,
                                                                      OperationEquivalence::IgnoreLocations));
  });
  auto &candidates = kernels.byHash[hash];
  for (func::FuncOp other : candidates) {
    if (other.getFunctionType() == kernel.getFunctionType() &&
        OperationEquivalence::isRegionEquivalentTo(&other.getBody(), &kernel.getBody(), OperationEquivalence::IgnoreLocations)) {
      kernel.erase();
      return other;
    }
  }
  kernel.setName(kernels.names.make(named));
  module.push_back(kernel);
  candidates.push_back(kernel);
  return kernel;
}

/// Sizes depend on symbols alone, so they all stand at the start of @main.
Value Outliner::sizeValue(AffineExpr expr) {
  Value &value = sizeValues[expr];
  if (!value) {
    OpBuilder b = OpBuilder::atBlockBegin(&main.getBody().front());
    value = SizeOp::create(b, main.getLoc(), b.getIndexType(), AffineMapAttr::get(shapes.symbols().map(expr)));
    shapes.setIndex(value, expr);
  }
  return value;
}

LogicalResult Outliner::outline(Operation *root) {
  if (auto call = dyn_cast<HostCallOp>(root)) {
    callHost(call);
    return success();
  }
  Outline outline;
  repeated.clear();
  if (failed(collectOperands(root, outline)))
    return failure();
  buildKernel(root, outline);
  Operation *inner = rootOf.lookup(root);
  func::FuncOp kernel = unique(outline.func, inner ? inner : root);
  replace(root, kernel.getSymName(), outline.tensors, outline.sizes);
  return success();
}

/// The declaration of the function for operands of these types.
func::FuncOp Outliner::declare(HostCallOp call) {
  llvm::SmallVector<Type> inputs(call.getInputs().getTypes());
  inputs.append(call.getParameters().size(), IndexType::get(module.getContext()));
  auto type = FunctionType::get(module.getContext(), inputs, call.getOutputs().getTypes());
  for (func::FuncOp known : kernels.declared)
    if (known->getAttr(kHostFunctionAttr) == call.getFunctionAttr() && known.getFunctionType() == type)
      return known;
  std::string name = "laic_host_" + std::to_string(kernels.declared.size());
  auto function = func::FuncOp::create(call.getLoc(), name, type);
  function.setPrivate();
  function->setAttr(kHostFunctionAttr, call.getFunctionAttr());
  module.push_back(function);
  kernels.declared.push_back(function);
  return function;
}

/// laic.host_call "text.f"(%x) {parameters = [2]}  ->  plan.dispatch @laic_host_0(%x)[%two]
void Outliner::callHost(HostCallOp call) {
  llvm::SmallVector<AffineExpr> parameters;
  for (int64_t parameter : call.getParameters())
    parameters.push_back(shapes.symbols().constant(parameter));
  replace(call, declare(call).getSymName(), call.getInputs(), parameters);
}

void Outliner::replace(Operation *root, llvm::StringRef kernel, ValueRange tensors, llvm::ArrayRef<AffineExpr> exprs) {
  llvm::SmallVector<Value> sizes;
  for (AffineExpr e : exprs)
    sizes.push_back(sizeValue(e));
  OpBuilder b(root);
  llvm::SmallVector<Attribute> maps;
  for (Value result : root->getResults())
    maps.push_back(AffineMapAttr::get(shapes.symbols().map(shapes.shape(result))));
  auto dispatch =
      plan::DispatchOp::create(b, root->getLoc(), root->getResultTypes(), kernel, tensors, sizes, device, b.getArrayAttr(maps));
  for (auto [from, to] : llvm::zip(root->getResults(), dispatch.getResults())) {
    shapes.set(to, SymShape(shapes.shape(from)));
    from.replaceAllUsesWith(to);
  }
  root->erase();
}

void Outliner::eraseDead() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(main.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

/// What writes into the middle of what a tensor.pad makes shares its kernel, and its place in the model.
void Outliner::joinPads() {
  for (auto pad : main.getBody().front().getOps<tensor::PadOp>()) {
    llvm::SmallVector<Operation *, 2> chain = paddedRoot(pad);
    if (chain.empty())
      continue;
    joined.insert(chain.begin(), chain.end());
    rootOf[pad] = chain.back();
    pad->setLoc(FusedLoc::get(main.getContext(), {chain.back()->getLoc(), pad.getLoc()}));
  }
}

LogicalResult Outliner::run() {
  if (padded)
    joinPads();
  for (Operation &op : llvm::make_early_inc_range(main.getBody().front()))
    if (isRoot(&op) && !joined.contains(&op) && failed(outline(&op)))
      return failure();
  eraseDead();
  return success();
}

namespace {
struct FormDispatches : public laic::impl::FormDispatchesBase<FormDispatches> {
  using FormDispatchesBase::FormDispatchesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    Kernels kernels(module);
    for (func::FuncOp program : programsOf(module)) {
      turnDenseConstants(program);
      llvm::FailureOr<SymbolicShapes> shapes = SymbolicShapes::compute(program);
      if (failed(shapes) || failed(Outliner(module, program, *shapes, device, padded, kernels).run()))
        return signalPassFailure();
      shapes->symbols().store(program);
      IRRewriter rewriter(&getContext());
      DominanceInfo dominance;
      eliminateCommonSubExpressions(rewriter, dominance, program);
    }
  }

  /// arith.constant of a tensor, which upstream folders leave behind -> laic.constant.
  static void turnDenseConstants(func::FuncOp main) {
    for (auto constant : llvm::make_early_inc_range(main.getBody().front().getOps<arith::ConstantOp>())) {
      if (!isa<RankedTensorType>(constant.getType()))
        continue;
      OpBuilder b(constant);
      constant.replaceAllUsesWith(ConstantOp::create(b, constant.getLoc(), constant.getType(), constant.getValue()).getResult());
      constant.erase();
    }
  }
};
} // namespace
