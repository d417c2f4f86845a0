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
  if (failed(device.target->prepare(*module, device.options)))
    return failure();
  PassManager pm(module->getContext()); // verifies what prepare() has left, too
  // GPUs bind few buffers at a time, some no more than 8; code for the host does not care.
  constexpr unsigned kHostOperands = 40, kDeviceOperands = 8;
  pm.addNestedPass<func::FuncOp>(createShareKernels({device.target->isHost() ? kHostOperands : kDeviceOperands}));
  if (device.target->isHost())
    pm.addNestedPass<func::FuncOp>(createFormAppends());
  pm.addPass(createFormDispatches({device.target->getName().str(), /*padded=*/device.target->isHost()}));
  if (device.target->isHost())
    pm.addPass(createGrowInPlace());
  return pm.run(*module);
}

LogicalResult Backend::codegen() {
  if (failed(foldConstantDispatches(*module, host, !alone)))
    return failure();
  llvm::FailureOr<PlanCode> result = generateCode(*module, device, host);
  if (failed(result))
    return failure();
  code = std::move(*result);
  return success();
}

LogicalResult Backend::schedule() {
  std::string name = device.target->getName().str();
  if (device.target->isHost())
    return runOne(*module, createScheduleProgram({name, ""}));
  std::string hostName = host.target ? host.target->getName().str() : "host";
  if (failed(runOne(*module, createInsertTransfers({name, hostName}))))
    return failure();
  return runOne(*module, createScheduleProgram({name, hostName}));
}
