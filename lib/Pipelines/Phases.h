// The passes of the phases that are the same for every target.
#ifndef LAIC_PIPELINES_PHASES_H
#define LAIC_PIPELINES_PHASES_H

#include "laic/Pipelines/Compile.h"
#include "mlir/Pass/PassManager.h"

namespace laic {
/// The graph as its operators are, with control flow resolved and the shapes of all values.
void buildSimplifyPhase(mlir::OpPassManager &pm);
/// Composed operators become simpler ones: the first step behind the quantize phase, which knows and keeps whole operators.
void buildDecomposition(mlir::OpPassManager &pm);
/// What follows the quantize phase of a module that is written as ONNX: what has no form there becomes what has one, where it can.
void buildOnnxForm(mlir::OpPassManager &pm);
void buildFusePhase(mlir::OpPassManager &pm);
} // namespace laic
#endif
