// How data movement carries known contents along.
#ifndef LAIC_DIALECT_LAIC_CONTENTS_H
#define LAIC_DIALECT_LAIC_CONTENTS_H

#include "laic/Dialect/Laic/ShapeContext.h"

namespace laic {

/// Number of elements of a static shape that is small enough to have contents.
std::optional<int64_t> contentCount(llvm::ArrayRef<mlir::AffineExpr> shape);
/// Row-major strides of a static shape.
llvm::SmallVector<int64_t> rowMajorStrides(llvm::ArrayRef<int64_t> shape);
/// The indices of a flat row-major position.
llvm::SmallVector<int64_t> unflatten(int64_t flat, llvm::ArrayRef<int64_t> shape);

/// When operand `operand` has contents and the result's shape is static: result element at `indices` is the operand's flat
/// element `pick(indices)`. The result's shape must be set.
void moveContents(ShapeContext &ctx, unsigned operand, unsigned result, llvm::ArrayRef<mlir::AffineExpr> resultShape,
                  llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> pick);
/// The result has the operand's contents in the same row-major order.
void keepContents(ShapeContext &ctx, unsigned operand, unsigned result);

} // namespace laic
#endif
