// The target's part of a compilation.
#include "Backend.h"

#include "laic/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

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

LogicalResult Backend::codegen(ModuleOp module) { return module.emitError("codegen is not integrated"); }
LogicalResult Backend::schedule(ModuleOp module) { return runOne(module, createScheduleProgram()); }
LogicalResult Backend::emit(ModuleOp module, CompileOutput &output) { return success(); }
