// A shape as three dims around one axis: what operators along an axis are lowered on.
#ifndef LAIC_LIB_DIALECT_LAIC_AROUND_H
#define LAIC_LIB_DIALECT_LAIC_AROUND_H

#include "laic/Dialect/Laic/LowerContext.h"

namespace laic {

/// A shape seen as [outer, n, inner] around one axis.
struct Around {
  mlir::AffineExpr outer, n, inner;
  SymShape shape() const { return {outer, n, inner}; }
};

/// `axis` in [0, rank) may be a size that only a call knows.
inline Around around(LowerContext &ctx, llvm::ArrayRef<mlir::AffineExpr> shape, mlir::AffineExpr axis) {
  SizeSymbols &s = ctx.symbols;
  mlir::AffineExpr one = ctx.cst(1);
  Around result{one, one, one};
  for (auto [d, dim] : llvm::enumerate(shape)) {
    result.outer = s.mul(result.outer, s.select(s.less(ctx.cst(d), axis), dim, one));
    result.n = s.select(s.equal(axis, ctx.cst(d)), dim, result.n);
    result.inner = s.mul(result.inner, s.select(s.less(axis, ctx.cst(d)), dim, one));
  }
  return result;
}
inline Around around(LowerContext &ctx, llvm::ArrayRef<mlir::AffineExpr> shape, int64_t axis) {
  return around(ctx, shape, ctx.cst(axis));
}

} // namespace laic
#endif
