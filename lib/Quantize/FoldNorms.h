// BatchNormalization behind a layer.
#ifndef LAIC_LIB_QUANTIZE_FOLDNORMS_H
#define LAIC_LIB_QUANTIZE_FOLDNORMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace laic {

/// Makes BatchNormalization with constant statistics part of the weights and the bias of the Conv or Gemm whose result it alone reads:
/// channels are quantised as they leave the two together, and the bias shift of the layer reaches what follows.
void foldNorms(mlir::func::FuncOp main);

} // namespace laic
#endif
