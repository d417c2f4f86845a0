// Contractions that several operators lower to: matrix product, convolution, and what follows a sum.
#ifndef LAIC_LIB_DIALECT_LAIC_PRODUCTS_H
#define LAIC_LIB_DIALECT_LAIC_PRODUCTS_H

#include "Window.h"
#include "laic/Dialect/Laic/LowerContext.h"

namespace laic {

/// A tensor with what is known of it.
struct Sized {
  mlir::Value value;
  SymShape shape;
  mlir::Type element; // ONNX element type
};
inline Sized sizedOperand(LowerContext &ctx, unsigned i) { return {ctx.operand(i), SymShape(ctx.shape(i)), ctx.element(i)}; }

/// numpy.matmul's result shape; dims of different size are the caller's to refuse.
SymShape matmulShape(llvm::ArrayRef<mlir::AffineExpr> a, llvm::ArrayRef<mlir::AffineExpr> b,
                     llvm::ArrayRef<mlir::AffineExpr> batch);
/// Indices of A (or B) in the loops (batch..., m, n, k) of a matrix product of `resultRank` dims; 1-d operands lack m or n.
mlir::AffineMap matmulMap(mlir::MLIRContext *ctx, llvm::ArrayRef<mlir::AffineExpr> operand,
                          llvm::ArrayRef<mlir::AffineExpr> result, bool isA, bool otherIsVector);
/// Checks operands of a matrix product and sets result 0 to numpy.matmul's shape.
llvm::LogicalResult inferMatrixProduct(ShapeContext &ctx, unsigned a, unsigned b, mlir::Type element);
/// Operand numbers of Gemm; c may be absent.
struct GemmOperands {
  unsigned a, b, c;
};
/// Checks Gemm's operands and sets result 0 to [m, n].
llvm::LogicalResult inferGemm(ShapeContext &ctx, GemmOperands operands, bool transA, bool transB, mlir::Type element);
/// The operand with batch dims that may be 1 at run time expanded to the result's.
Sized expandBatch(LowerContext &ctx, Sized operand, llvm::ArrayRef<mlir::AffineExpr> batch);
/// A @ B with numpy's broadcasting, of the accumulator's type.
Sized matrixProduct(LowerContext &ctx, Sized a, Sized b, llvm::ArrayRef<mlir::AffineExpr> result, mlir::Type accumulator);

/// Correlation of x [N, C, in...] (padded already) with w [F, C / group, kernel...]: sums [N, F, out...].
Sized convolve(LowerContext &ctx, Sized x, Sized w, llvm::ArrayRef<Window> windows, int64_t group, mlir::Type accumulator);

/// Operand numbers of a convolution; bias may be absent.
struct ConvOperands {
  unsigned x, w, bias;
};
/// Checks a convolution's operands and sets result 0.
llvm::LogicalResult inferConvolution(ShapeContext &ctx, ConvOperands operands, const WindowAttributes &attributes, int64_t group,
                                     mlir::Type element);
/// The attributes of an operation that has all of a convolution's.
template <typename Op> WindowAttributes convAttributes(Op op) {
  return {op.getAutoPad(), op.getStrides(), op.getDilations(), op.getPads(), op.getKernelShape(), false};
}

/// Sums [N, F, ...] plus bias [F] (optional) in the storage type of `element`. Nothing is emitted where nothing changes.
mlir::Value finishSums(LowerContext &ctx, Sized sums, std::optional<Sized> bias, mlir::Type element);

/// Extends a storage scalar to an accumulator's type (f16 -> f32, ui8 -> i32).
mlir::Value toAccumulator(LowerContext &ctx, ScalarBuilder &s, mlir::Value v, mlir::Type onnxElement, mlir::Type accumulator);

} // namespace laic
#endif
