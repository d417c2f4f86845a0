// Models of f16 and bf16: what is quantised computes in f32.
#ifndef LAIC_LIB_QUANTIZE_HALFLAYERS_H
#define LAIC_LIB_QUANTIZE_HALFLAYERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace laic {

/// Conv, MatMul, Gemm and Gather whose weights are f16 or bf16 and depend on constants alone become those of f32, with casts of all that goes
/// in and out: products of the same kind as those of f32 models. Their constants are to be folded then.
void halfLayersToFloats(mlir::func::FuncOp main);
/// Of these, what has not been quantised has its own type again, and so have its constants.
void floatsToHalfLayers(mlir::func::FuncOp main);

} // namespace laic
#endif
