// Layouts and fusion that the CPU's code generation wants.
#ifndef LAIC_LIB_TARGETS_CPU_PREPARE_H
#define LAIC_LIB_TARGETS_CPU_PREPARE_H

#include "laic/Target/Target.h"

namespace laic {

/// Brings a lowered module into the layouts of the CPU target; afterwards every tensor operation that moves data is one root.
llvm::LogicalResult prepareForCPU(mlir::ModuleOp module, const TargetOptions &options);

} // namespace laic
#endif
