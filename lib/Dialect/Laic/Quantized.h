// Scalars and maps that quantised operators share.
#ifndef LAIC_LIB_DIALECT_LAIC_QUANTIZED_H
#define LAIC_LIB_DIALECT_LAIC_QUANTIZED_H

#include "Products.h"

namespace laic {

/// Fails unless operand i is an 8 bit integer tensor.
llvm::LogicalResult expectByte(ShapeContext &ctx, unsigned i, llvm::StringRef name);
/// A rank-0 tensor or a vector of one element.
bool isSingle(llvm::ArrayRef<mlir::AffineExpr> shape);
/// Indices of a single element.
mlir::AffineMap singleMap(mlir::MLIRContext *ctx, unsigned loops, llvm::ArrayRef<mlir::AffineExpr> shape);
/// A quantised storage scalar as i32, and one of any type as f32 (f64 stays).
mlir::Value asI32(ScalarBuilder &s, mlir::Value v, mlir::Type onnxElement);
mlir::Value asFloat(LowerContext &ctx, ScalarBuilder &s, mlir::Value v, mlir::Type onnxElement);
/// saturate(round(value) + zeroPoint) in the storage of `element`: ties to even, NaN to the lowest. zeroPoint (i32) may be null.
mlir::Value requantize(ScalarBuilder &s, mlir::Value value, mlir::Value zeroPoint, mlir::Type element);
/// True when operand i is absent or known to hold zeros only.
bool isZeroPointZero(LowerContext &ctx, unsigned i);

} // namespace laic
#endif
