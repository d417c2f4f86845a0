// The size operands of structured operations.
#ifndef LAIC_LIB_DIALECT_LAIC_DYNAMICSIZES_H
#define LAIC_LIB_DIALECT_LAIC_DYNAMICSIZES_H

#include "laic/Dialect/Laic/LowerContext.h"

namespace laic {

/// The sizes of a shape's dynamic dims, in order, as structured operations take them for each result.
inline llvm::SmallVector<mlir::Value> dynamicSizes(LowerContext &ctx, llvm::ArrayRef<mlir::AffineExpr> shape) {
  llvm::SmallVector<mlir::Value> sizes;
  for (mlir::AffineExpr e : shape)
    if (!constantSize(e))
      sizes.push_back(ctx.size(e));
  return sizes;
}

} // namespace laic
#endif
