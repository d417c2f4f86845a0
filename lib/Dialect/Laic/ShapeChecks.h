// Diagnostics that the inference of several operator families shares.
#ifndef LAIC_LIB_DIALECT_LAIC_SHAPECHECKS_H
#define LAIC_LIB_DIALECT_LAIC_SHAPECHECKS_H

#include "laic/Dialect/Laic/ShapeContext.h"

namespace laic {

/// Fails where both sizes are constants and differ: "expects weights dim 1 to be 64 (input channels / group), got 32".
inline llvm::LogicalResult expectSize(ShapeContext &ctx, mlir::AffineExpr got, mlir::AffineExpr want,
                                      const llvm::Twine &what, llvm::StringRef why) {
  std::optional<int64_t> gotSize = constantSize(got), wantSize = constantSize(want);
  if (!gotSize || !wantSize || *gotSize == *wantSize)
    return llvm::success();
  return ctx.fail("expects " + what + " to be " + llvm::Twine(*wantSize) + " (" + why + "), got " +
                  llvm::Twine(*gotSize));
}

/// Fails unless operand i has `rank` dims.
inline llvm::LogicalResult expectRank(ShapeContext &ctx, unsigned i, int64_t rank, llvm::StringRef name) {
  if (ctx.rank(i) == rank)
    return llvm::success();
  return ctx.fail("expects " + name + " to have rank " + llvm::Twine(rank) + ", got rank " + llvm::Twine(ctx.rank(i)));
}

/// Fails unless operand i has at least `rank` dims.
inline llvm::LogicalResult expectMinRank(ShapeContext &ctx, unsigned i, int64_t rank, llvm::StringRef name) {
  if (ctx.rank(i) >= rank)
    return llvm::success();
  return ctx.fail("expects " + name + " to have at least " + llvm::Twine(rank) + " dims, got " +
                  llvm::Twine(ctx.rank(i)));
}

/// Fails unless operand i is one-dimensional with `size` elements.
inline llvm::LogicalResult expectVector(ShapeContext &ctx, unsigned i, mlir::AffineExpr size, llvm::StringRef name,
                                        llvm::StringRef why) {
  if (llvm::failed(expectRank(ctx, i, 1, name)))
    return llvm::failure();
  return expectSize(ctx, ctx.shape(i)[0], size, "dim 0 of " + name, why);
}

} // namespace laic
#endif
