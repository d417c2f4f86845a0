// The passes of the phases that are the same for every target.
#ifndef LAIC_PIPELINES_PHASES_H
#define LAIC_PIPELINES_PHASES_H

#include "laic/Pipelines/Compile.h"
#include "mlir/Pass/PassManager.h"

namespace laic {
void buildSimplifyPhase(mlir::OpPassManager &pm);
void buildFusePhase(mlir::OpPassManager &pm);
} // namespace laic
#endif
