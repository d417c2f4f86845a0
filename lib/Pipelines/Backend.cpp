// The target's part of a compilation.
#include "laic/Pipelines/Backend.h"

#include "laic/Pipelines/EmitArtifact.h"
#include "laic/Pipelines/Explain.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace laic;

namespace {

LogicalResult runOne(ModuleOp module, std::unique_ptr<Pass> pass) {
  PassManager pm(module.getContext());
  pm.addPass(std::move(pass));
  return pm.run(module);
}

} // namespace

LogicalResult Backend::dispatch(ModuleOp module) {
  if (failed(target.prepare(module, options)))
    return failure();
  return runOne(module, createFormDispatches());
}

LogicalResult Backend::codegen(ModuleOp module) {
  if (failed(foldConstantDispatches(module, target, options)))
    return failure();
  llvm::FailureOr<CodegenResult> result = generateCode(module, target, options);
  if (failed(result))
    return failure();
  code = std::move(*result);
  return success();
}

LogicalResult Backend::schedule(ModuleOp module) { return runOne(module, createScheduleProgram()); }

LogicalResult Backend::emit(ModuleOp module, CompileOutput &output) {
  EmitOptions emit;
  emit.target = options;
  if (auto model = module->getAttrOfType<StringAttr>("laic.model"))
    emit.model = llvm::sys::path::filename(model.getValue()).str();
  if (options.explain)
    output.explanation = formatExplanation(explainSchedule(module));
  if (!output.path.empty())
    return writeProgram(module, code, emit, output.path);
  std::vector<uint8_t> bytes;
  if (failed(writeProgram(module, code, emit, bytes)))
    return failure();
  output.bytes.assign(bytes.begin(), bytes.end());
  return success();
}
