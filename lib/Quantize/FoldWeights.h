// Weights that the model computes from constants: transposed, reshaped, scaled.
#ifndef LAIC_LIB_QUANTIZE_FOLDWEIGHTS_H
#define LAIC_LIB_QUANTIZE_FOLDWEIGHTS_H

#include "laic/Quantize/GraphRunner.h"

namespace laic {

/// Computes what products take as weights and gather as tables, where that depends on constants alone, and makes it constants of their own. Weights
/// of MatMul that are a stack of one matrix lose their leading dims.
llvm::LogicalResult foldWeights(mlir::ModuleOp module, GraphRunner &runner);

} // namespace laic
#endif
