// What each phase is made of: the whole way of a model on one screen.
#include "Phases.h"

#include "laic/Dialect/Laic/Passes.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;

const char *laic::phaseName(Phase phase) {
  static const char *const names[kPhaseCount] = {"import",   "simplify", "quantize", "fuse",
                                                 "dispatch", "codegen",  "schedule", "emit"};
  return names[static_cast<int>(phase)];
}

std::optional<Phase> laic::parsePhase(const std::string &name) {
  for (int i = 0; i < kPhaseCount; ++i)
    if (name == phaseName(static_cast<Phase>(i)))
      return static_cast<Phase>(i);
  return std::nullopt;
}

// ONNX semantics with symbols.
void laic::buildSimplifyPhase(OpPassManager &pm) {
  pm.addPass(createLaicResolveControlFlow());
  pm.addNestedPass<func::FuncOp>(createLaicInferShapes());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
}

// A decomposition may use operations that decompose; attention into softmax into reductions is the deepest.
void laic::buildDecomposition(OpPassManager &pm) {
  for (int depth = 0; depth < 3; ++depth) {
    pm.addNestedPass<func::FuncOp>(createLaicInferShapes());
    pm.addNestedPass<func::FuncOp>(createLaicDecomposeOps());
  }
  pm.addNestedPass<func::FuncOp>(createLaicInferShapes());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
}

void laic::buildOnnxForm(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createLaicDecomposeOps({/*foreignOnly=*/true}));
  pm.addNestedPass<func::FuncOp>(createLaicInferShapes());
}

// The last form that all targets share.
void laic::buildFusePhase(OpPassManager &pm) {
  pm.addNestedPass<func::FuncOp>(createLaicRaiseQuantization());
  pm.addNestedPass<func::FuncOp>(createLaicFormIntegerProducts());
  pm.addNestedPass<func::FuncOp>(createLaicInferShapes());
  pm.addPass(createLaicLowerToLinalg());
  pm.addNestedPass<func::FuncOp>(createCSEPass());
  pm.addNestedPass<func::FuncOp>(createFuseElementwise());
}
