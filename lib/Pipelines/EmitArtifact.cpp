// The last phases, one after the other.
#include "laic/Pipelines/EmitArtifact.h"

#include "ProgramBuilder.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/Programs.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Transforms/Passes.h"
#include "laic/Transforms/SymbolicShapes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace laic;

static LogicalResult checkCount(ModuleOp module, const Target &target, const CodegenResult &code, size_t kernels) {
  if (code.infos.size() == kernels)
    return success();
  return module.emitError("target '") << target.getName() << "' returned code for " << code.infos.size() << " of " << kernels
                                      << " kernels";
}

static void annotate(func::FuncOp kernel, const KernelInfo &info) {
  auto set = [&](llvm::StringRef name, AffineMap map) {
    if (map)
      kernel->setAttr(name, AffineMapAttr::get(map));
    else
      kernel->removeAttr(name);
  };
  set(kTilesAttr, info.tiles);
  set(kWorkspaceAttr, info.workspace);
  set(kParametersAttr, info.parameters);
}

/// Gives what the device has no code for to the host.
static LogicalResult generateHostCode(ModuleOp module, llvm::ArrayRef<func::FuncOp> kernels, const TargetChoice &host,
                                      PlanCode &code) {
  llvm::FailureOr<CodegenResult> made = host.target->codegen(kernels, host.options);
  if (failed(made) || failed(checkCount(module, *host.target, *made, kernels.size())))
    return failure();
  code.host = std::move(*made);
  llvm::StringSet<> names;
  for (auto [kernel, info] : llvm::zip(kernels, code.host.infos)) {
    annotate(kernel, info);
    names.insert(func::FuncOp(kernel).getSymName());
  }
  module.walk([&](plan::DispatchOp dispatch) {
    if (names.contains(dispatch.getKernel()))
      dispatch.setDevice(host.target->getName());
  });
  return success();
}

/// Kernels that some dispatch runs on sizes which the call itself computes: those of a device are settled before it starts.
static llvm::FailureOr<llvm::StringSet<>> kernelsOfLateSizes(ModuleOp module) {
  llvm::StringSet<> names;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.getOps<ReadSizesOp>().empty())
    return names;
  llvm::FailureOr<SymbolicShapes> shapes = SymbolicShapes::compute(main);
  if (failed(shapes))
    return failure();
  for (auto dispatch : main.getOps<plan::DispatchOp>()) {
    bool late = llvm::any_of(dispatch.getSizes(), [&](Value v) {
      AffineExpr size = shapes->index(v);
      return size && shapes->symbols().isLate(size);
    });
    for (Value v : llvm::concat<Value>(llvm::to_vector(dispatch.getInputs()), llvm::to_vector(dispatch.getOutputs())))
      late |= llvm::any_of(shapes->shape(v), [&](AffineExpr size) { return shapes->symbols().isLate(size); });
    if (late)
      names.insert(dispatch.getKernel());
  }
  return names;
}

/// Gives branches and loops that the host runs kernels of their own: those that @main uses too are copied. Returns their names.
static llvm::StringSet<> separateHostKernels(ModuleOp module) {
  llvm::StringSet<> shared, names;
  llvm::StringMap<std::string> copies;
  for (func::FuncOp program : programsOf(module))
    for (auto dispatch : program.getOps<plan::DispatchOp>()) {
      auto kernel = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
      if (kernel.isExternal()) // a function of the runtime
        continue;
      if (!program->hasAttr(kProgramAttr)) {
        shared.insert(dispatch.getKernel());
        continue;
      }
      if (!shared.contains(dispatch.getKernel())) {
        names.insert(dispatch.getKernel());
        continue;
      }
      std::string &copy = copies[dispatch.getKernel()];
      if (copy.empty()) {
        auto clone = cast<func::FuncOp>(kernel->clone());
        copy = (dispatch.getKernel() + "_host").str();
        for (int n = 1; module.lookupSymbol(copy); ++n)
          copy = (dispatch.getKernel() + "_host" + llvm::Twine(n)).str();
        clone.setName(copy);
        module.insert(std::next(kernel->getIterator()), clone);
        names.insert(copy);
      }
      dispatch.setKernel(copy);
    }
  return names;
}

/// Functions of the runtime are the host's, whatever the device.
static void leaveCallsToHost(ModuleOp module, const Target &host) {
  module.walk([&](plan::DispatchOp dispatch) {
    auto function = module.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    if (!function.isExternal())
      return;
    dispatch.setDevice(host.getName());
    function->setAttr(kWhyHostAttr, StringAttr::get(module.getContext(), "it is a function of the runtime"));
  });
}

/// Why no device but the host's gets the kernel, whatever it has code for; empty: nothing is in the way.
static llvm::StringRef whyHostAlone(func::FuncOp kernel, const llvm::StringSet<> &late) {
  auto isText = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.getElementType().isInteger(128);
  };
  if (llvm::any_of(kernel.getArgumentTypes(), isText) || llvm::any_of(kernel.getResultTypes(), isText))
    return "its strings are in host memory";
  return late.contains(kernel.getName()) ? "its sizes depend on data that the call computes" : "";
}

llvm::FailureOr<PlanCode> laic::generateCode(ModuleOp module, const TargetChoice &device, const TargetChoice &host) {
  bool leavesSteps = host.target && host.target != device.target;
  llvm::FailureOr<llvm::StringSet<>> late = leavesSteps ? kernelsOfLateSizes(module) : llvm::StringSet<>();
  if (failed(late))
    return failure();
  llvm::StringSet<> called = leavesSteps ? separateHostKernels(module) : llvm::StringSet<>();
  llvm::SmallVector<func::FuncOp> kernels, left;
  for (auto function : module.getOps<func::FuncOp>()) {
    if (!function.isPrivate() || function.isDeclaration())
      continue;
    bool isCalled = called.contains(function.getName());
    llvm::StringRef why = leavesSteps ? whyHostAlone(function, *late) : "";
    if (!isCalled && why.empty()) {
      kernels.push_back(function);
      continue;
    }
    if (!isCalled) // otherwise the step that runs the program says why
      function->setAttr(kWhyHostAttr, StringAttr::get(module.getContext(), why));
    left.push_back(function);
  }
  if (leavesSteps)
    leaveCallsToHost(module, *host.target);
  PlanCode code;
  if (kernels.empty() && left.empty())
    return code;
  if (!kernels.empty()) {
    llvm::FailureOr<CodegenResult> made = device.target->codegen(kernels, device.options);
    if (failed(made) || failed(checkCount(module, *device.target, *made, kernels.size())))
      return failure();
    code.device = std::move(*made);
  }
  LogicalResult status = success();
  for (auto [kernel, info] : llvm::zip(kernels, code.device.infos)) {
    if (info.whyNot.empty()) {
      annotate(kernel, info);
      continue;
    }
    if (!host.target || host.target == device.target)
      status = kernel.emitError() << "kernel '" << kernel.getName() << "' has no code for " << device.target->getName() << ": "
                                  << info.whyNot;
    kernel->setAttr(kWhyHostAttr, StringAttr::get(module.getContext(), info.whyNot));
    left.push_back(kernel);
  }
  if (failed(status) || (!left.empty() && failed(generateHostCode(module, left, host, code))))
    return failure();
  return code;
}

static LogicalResult report(llvm::ArrayRef<PlanSource> plans, const std::string &error) {
  if (error.empty())
    return success();
  ModuleOp module = plans.front().module;
  return emitError(UnknownLoc::get(module.getContext())) << error;
}

LogicalResult laic::writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, llvm::StringRef path) {
  ProgramBuilder program(plans, options);
  if (failed(program.build()))
    return failure();
  return report(plans, artifact::writeArtifact(path.str(), program.data(), program.size(), program.segments()));
}

LogicalResult laic::writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, std::vector<uint8_t> &bytes) {
  ProgramBuilder program(plans, options);
  if (failed(program.build()))
    return failure();
  return report(plans, artifact::serializeArtifact(program.data(), program.size(), program.segments(), bytes));
}
