// The target's part of a compilation.
#include "laic/Pipelines/Backend.h"

#include "laic/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"

using namespace mlir;
using namespace laic;

namespace {

LogicalResult runOne(ModuleOp module, std::unique_ptr<Pass> pass) {
  PassManager pm(module.getContext());
  pm.addPass(std::move(pass));
  return pm.run(module);
}

} // namespace

LogicalResult Backend::dispatch() {
  if (failed(target.prepare(*module, options)))
    return failure();
  return runOne(*module, createFormDispatches({target.getName().str()}));
}

LogicalResult Backend::codegen() {
  if (failed(foldConstantDispatches(*module, target, options)))
    return failure();
  llvm::FailureOr<CodegenResult> result = generateCode(*module, target, options);
  if (failed(result))
    return failure();
  code = std::move(*result);
  return success();
}

LogicalResult Backend::schedule() { return runOne(*module, createScheduleProgram({target.getName().str()})); }
