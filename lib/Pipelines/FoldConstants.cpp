// Runs dispatches on constants while compiling, on kernels that the host target makes for this machine.
#include "laic/Pipelines/EmitArtifact.h"

#include "KernelRunner.h"
#include "NodeNames.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/Programs.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Dialect/Plan/Plan.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace laic;

namespace {

/// Results this much larger than their operands count as blown up ...
constexpr int64_t kBlowUp = 8;
/// ... and all of them together may have so many bytes.
constexpr int64_t kBlowUpBudget = int64_t(512) << 20;

Value skipViews(Value v) {
  while (Operation *def = v.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(def))
      break;
    v = def->getOperand(0);
  }
  return v;
}

int64_t bytesOf(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  return type.getNumElements() * elementBytes(type.getElementType());
}

/// A tensor whose bytes are known while folding.
struct Known {
  llvm::ArrayRef<char> bytes;
  std::vector<char> owned;
  unsigned readers = 0; // dispatches that are still to be folded and read it
  bool needed = false;  // something that stays reads it
};

class Folder {
public:
  Folder(ModuleOp module, func::FuncOp main, const TargetChoice &host, bool keepSources)
      : module(module), main(main), target(*host.target), options(host.options), keepSources(keepSources),
        store(module.getContext()->getLoadedDialect<LaicDialect>()->getWeights()) {}
  LogicalResult run();

private:
  void findFoldable();
  bool isFoldable(plan::DispatchOp dispatch);
  void countReaders();
  void countReaders(Value tensor, Known &known);
  LogicalResult compile();
  LogicalResult fold(plan::DispatchOp dispatch);
  LogicalResult load(Value tensor);
  void release(Value tensor);
  void countSources();
  void replace(plan::DispatchOp dispatch);

  ModuleOp module;
  func::FuncOp main;
  const Target &target;
  const TargetOptions &options;
  bool keepSources;
  WeightStore &store;
  llvm::SetVector<Operation *> foldable;
  llvm::DenseMap<Value, Known> known;
  llvm::DenseMap<Attribute, unsigned> sourceUsers; // constants per source of bytes
  int64_t blownUp = 0;
  CodegenResult code;
  llvm::StringMap<unsigned> kernelIndex;
  std::unique_ptr<KernelRunner> runner;
};

} // namespace

bool Folder::isFoldable(plan::DispatchOp dispatch) {
  if (!dispatch.getSizes().empty() || module.lookupSymbol<func::FuncOp>(dispatch.getKernel()).isExternal())
    return false;
  int64_t in = 0, out = 0;
  for (Value input : dispatch.getInputs()) {
    Operation *def = skipViews(input).getDefiningOp();
    if (!def || !(isa<ConstantOp>(def) || foldable.contains(def)))
      return false;
    if (!cast<RankedTensorType>(input.getType()).hasStaticShape())
      return false;
    in += bytesOf(input);
  }
  for (Value output : dispatch.getOutputs()) {
    if (!cast<RankedTensorType>(output.getType()).hasStaticShape())
      return false;
    out += bytesOf(output);
  }
  if (out > kBlowUp * in && out > kInlineConstantBytes) {
    if (out > kBlowUpBudget - blownUp)
      return false;
    blownUp += out;
  }
  return true;
}

void Folder::findFoldable() {
  for (auto dispatch : main.getBody().front().getOps<plan::DispatchOp>())
    if (isFoldable(dispatch))
      foldable.insert(dispatch);
}

void Folder::countReaders(Value tensor, Known &entry) {
  for (Operation *user : tensor.getUsers()) {
    if (foldable.contains(user))
      ++entry.readers;
    else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(user))
      countReaders(user->getResult(0), entry);
    else
      entry.needed = true;
  }
}

void Folder::countReaders() {
  for (Operation *op : foldable) {
    for (Value result : op->getResults())
      countReaders(result, known[result]);
    for (Value input : cast<plan::DispatchOp>(op).getInputs())
      if (Value source = skipViews(input); isa<ConstantOp>(source.getDefiningOp()) && known.try_emplace(source).second)
        countReaders(source, known[source]);
  }
}

LogicalResult Folder::compile() {
  llvm::SetVector<Operation *> unique;
  for (Operation *op : foldable)
    unique.insert(module.lookupSymbol<func::FuncOp>(cast<plan::DispatchOp>(op).getKernel()));
  llvm::SmallVector<func::FuncOp> kernels;
  for (Operation *kernel : unique)
    kernels.push_back(cast<func::FuncOp>(kernel));
  for (auto [i, kernel] : llvm::enumerate(kernels))
    kernelIndex[kernel.getSymName()] = i;

  TargetOptions here = options;
  here.levels = {target.levelOfThisMachine(options.levels)};
  llvm::FailureOr<CodegenResult> result = target.codegen(kernels, here);
  if (failed(result))
    return failure();
  code = std::move(*result);
  std::string error;
  runner = KernelRunner::create(code.blobs.front().bytes, options.threads, error);
  return runner ? success() : LogicalResult(module.emitError(error));
}

LogicalResult Folder::load(Value tensor) {
  Known &entry = known[tensor];
  auto constant = tensor.getDefiningOp<ConstantOp>();
  if (!constant || entry.bytes.data())
    return success();
  entry.bytes = constantBytes(store, constant.getValue(), entry.owned);
  if (int64_t(entry.bytes.size()) < bytesOf(tensor))
    return constant.emitError("the bytes of this constant are not available");
  return success();
}

void Folder::release(Value tensor) {
  Known &entry = known[tensor];
  if (--entry.readers != 0 || entry.needed)
    return;
  entry.bytes = {};
  std::vector<char>().swap(entry.owned);
  auto constant = tensor.getDefiningOp<ConstantOp>();
  auto weight = constant ? dyn_cast<WeightAttr>(constant.getValue()) : WeightAttr();
  if (weight && !keepSources && --sourceUsers[weight.getSource()] == 0)
    store.release(weight);
}

void Folder::countSources() {
  for (func::FuncOp program : programsOf(module))
    for (auto constant : program.getBody().front().getOps<ConstantOp>())
      if (auto weight = dyn_cast<WeightAttr>(constant.getValue()))
        ++sourceUsers[weight.getSource()];
}

LogicalResult Folder::fold(plan::DispatchOp dispatch) {
  KernelCall call;
  int64_t bytes = 0;
  for (Value input : dispatch.getInputs()) {
    Value source = skipViews(input);
    if (failed(load(source)))
      return failure();
    call.addInput(cast<RankedTensorType>(input.getType()).getShape(), known[source].bytes.data());
    bytes += bytesOf(input);
  }
  for (Value output : dispatch.getOutputs()) {
    Known &entry = known[output];
    entry.owned.resize(std::max<int64_t>(bytesOf(output), 1));
    entry.bytes = llvm::ArrayRef<char>(entry.owned).take_front(bytesOf(output));
    call.addOutput(cast<RankedTensorType>(output.getType()).getShape(), entry.owned.data());
    bytes += bytesOf(output);
  }
  unsigned index = kernelIndex.lookup(dispatch.getKernel());
  const KernelInfo &info = code.infos[index];
  auto value = [](AffineMap map, int64_t otherwise) {
    auto c = map ? dyn_cast<AffineConstantExpr>(map.getResult(0)) : AffineConstantExpr();
    return c ? c.getValue() : otherwise;
  };
  std::string error =
      runner->run(code.blobs.front().kernels[index].offset, call, value(info.tiles, 1), value(info.workspace, 0), bytes);
  if (!error.empty()) {
    std::string names = nodeNames(dispatch.getLoc());
    return dispatch.emitError("node '") << (names.empty() ? dispatch.getKernel().str() : names)
                                        << "' cannot be computed from its constants: " << error;
  }
  for (Value input : dispatch.getInputs())
    release(skipViews(input));
  replace(dispatch);
  return success();
}

/// Results that stay become constants; the others live on in `known` until their last reader has run.
void Folder::replace(plan::DispatchOp dispatch) {
  OpBuilder b(dispatch);
  for (Value output : dispatch.getOutputs()) {
    Known &entry = known[output];
    if (!entry.needed)
      continue;
    auto type = cast<RankedTensorType>(output.getType());
    TypedAttr value;
    if (int64_t(entry.bytes.size()) > kInlineConstantBytes) {
      WeightAttr weight = store.addOwned(std::move(entry.owned), type);
      entry.bytes = store.lookup(weight);
      value = weight;
    } else {
      value = makeConstant(store, entry.bytes, type);
    }
    auto constant = ConstantOp::create(b, dispatch.getLoc(), type, value);
    output.replaceUsesWithIf(constant.getResult(), [&](OpOperand &use) { return !foldable.contains(use.getOwner()); });
  }
}

LogicalResult Folder::run() {
  findFoldable();
  if (foldable.empty())
    return success();
  countReaders();
  countSources();
  if (failed(compile()))
    return failure();
  for (Operation *op : foldable)
    if (failed(fold(cast<plan::DispatchOp>(op))))
      return failure();
  return success();
}

static void eraseUnused(ModuleOp module, llvm::ArrayRef<func::FuncOp> programs) {
  llvm::StringSet<> used;
  for (func::FuncOp program : programs) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(program.getBody().front())))
      if (isOpTriviallyDead(&op))
        op.erase();
    for (auto dispatch : program.getBody().front().getOps<plan::DispatchOp>())
      used.insert(dispatch.getKernel());
  }
  for (auto kernel : llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (kernel.isPrivate() && !used.contains(kernel.getSymName()))
      kernel.erase();
}

LogicalResult laic::foldConstantDispatches(ModuleOp module, const TargetChoice &host, bool keepSources) {
  llvm::SmallVector<func::FuncOp> programs = programsOf(module);
  for (func::FuncOp program : programs)
    if (host.target && failed(Folder(module, program, host, keepSources).run()))
      return failure();
  if (!programs.empty())
    eraseUnused(module, programs);
  return success();
}
