// Learns the ranges of float tensors by running the graph on typical inputs while compiling.
#ifndef LAIC_LIB_PIPELINES_CALIBRATE_H
#define LAIC_LIB_PIPELINES_CALIBRATE_H

#include "laic/Pipelines/EmitArtifact.h"

namespace laic {

/// Takes a simplified module with static sizes; with others it does nothing. `path`: an npz file with all inputs by name, each of the input's
/// shape or with a multiple of its first dim, which are as many frames. Sets `laic.range` on every operation whose first result is a float
/// tensor that depends on an input, and on float arguments. Errors are diagnostics.
llvm::LogicalResult calibrate(mlir::ModuleOp module, const TargetChoice &host, const std::string &path);

} // namespace laic
#endif
