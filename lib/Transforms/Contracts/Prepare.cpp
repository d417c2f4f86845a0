// Layouts and contractions as a sequence of passes, before dispatches are formed.
#include "laic/Transforms/Contracts/Prepare.h"

#include "laic/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;

void laic::contracts::buildPrepare(OpPassManager &functions, const PrepareOptions &options) {
  functions.addPass(createFormBlockProducts({options.blockProducts, options.roundRows}));
  functions.addPass(createNormalizeRoots());
  functions.addPass(createPropagateLayout());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  functions.addPass(createFormContracts({options.panels, options.group, options.depthwise}));
  if (options.depthwise)
    functions.addPass(createFormDepthwise());
  if (options.panels)
    functions.addPass(createFormPointwise());
  if (options.winograd)
    functions.addPass(createFormWinograd());
  if (options.bf16)
    functions.addPass(createNarrowWeights());
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  functions.addPass(createNormalizeRoots());
  if (options.rows)
    functions.addPass(createFormRows());
}

LogicalResult laic::contracts::prepare(ModuleOp module, const PrepareOptions &options) {
  PassManager manager(module.getContext());
  manager.enableVerifier(false); // the passes that follow do
  buildPrepare(manager.nest<func::FuncOp>(), options);
  return manager.run(module);
}
