// The CPU target's dispatch phase as a sequence of passes.
#include "laic/Targets/CPU/Prepare.h"

#include "laic/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;

void laic::cpu::buildPrepare(OpPassManager &functions) {
  functions.addPass(createNormalizeRoots());
  functions.addPass(createPropagateLayout());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  functions.addPass(createFormContracts());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  functions.addPass(createNormalizeRoots());
}

LogicalResult laic::cpu::prepare(ModuleOp module) {
  PassManager manager(module.getContext());
  buildPrepare(manager.nest<func::FuncOp>());
  return manager.run(module);
}
