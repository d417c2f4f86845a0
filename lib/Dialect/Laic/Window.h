// Geometry of sliding windows (convolution and pooling), symbolic sizes included.
#ifndef LAIC_LIB_DIALECT_LAIC_WINDOW_H
#define LAIC_LIB_DIALECT_LAIC_WINDOW_H

#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/ShapeContext.h"

namespace laic {

/// One spatial dim: output o reads inputs o * stride + k * dilation - low, 0 <= k < kernel.
struct Window {
  mlir::AffineExpr in, kernel, out;
  mlir::AffineExpr low, high; // zeros (or lowest values) before and after the input; never negative
  mlir::AffineExpr padded;    // low + in + high without what ceil mode adds to high
  int64_t stride = 1, dilation = 1;
};

/// The attributes that convolutions and poolings share.
struct WindowAttributes {
  llvm::StringRef autoPad;
  std::optional<llvm::ArrayRef<int64_t>> strides, dilations, pads, kernelShape;
  bool ceilMode = false;
};

using Failure = llvm::function_ref<llvm::LogicalResult(const llvm::Twine &)>;

/// Geometry of every spatial dim; `fail` gets what contradicts. With ceilMode `high` includes what the last window needs.
llvm::FailureOr<llvm::SmallVector<Window, 3>> makeWindows(SizeSymbols &symbols, llvm::ArrayRef<mlir::AffineExpr> in,
                                                          llvm::ArrayRef<mlir::AffineExpr> kernel,
                                                          const WindowAttributes &attributes, Failure fail);

/// kernel_shape as sizes.
SymShape kernelSizes(SizeSymbols &symbols, llvm::ArrayRef<int64_t> kernelShape);

/// The input [N, C, in...] with its borders filled with `scalar`, and its new shape. No operation when no dim is padded.
std::pair<mlir::Value, SymShape> padWindows(LowerContext &ctx, mlir::Value x, llvm::ArrayRef<mlir::AffineExpr> shape,
                                            llvm::ArrayRef<Window> windows, mlir::Value scalar);

/// Indices of the input for loops (n, c, out..., window...): the map every pooling reads its input by.
mlir::AffineMap poolMap(mlir::MLIRContext *ctx, llvm::ArrayRef<Window> windows);

} // namespace laic
#endif
