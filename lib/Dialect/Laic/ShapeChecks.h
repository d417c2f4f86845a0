// Diagnostics that the inference of several operator families shares.
#ifndef LAIC_LIB_DIALECT_LAIC_SHAPECHECKS_H
#define LAIC_LIB_DIALECT_LAIC_SHAPECHECKS_H

#include "laic/Dialect/Laic/ShapeContext.h"

namespace laic {

/// Sizes that must be equal: "expects weights dim 1 to be 64 (input channels / group), got 32" where both are constants, otherwise
/// a check of each call.
inline llvm::LogicalResult expectSize(ShapeContext &ctx, mlir::AffineExpr got, mlir::AffineExpr want, const llvm::Twine &what,
                                      llvm::StringRef why) {
  return ctx.equal(got, want, what + " must fit: " + why,
                   "expects " + what + " to be " + llvm::Twine(constantSize(want).value_or(0)) + " (" + why + "), got " +
                       llvm::Twine(constantSize(got).value_or(0)));
}

/// A size that is 1 or `want`, so that the operand broadcasts without enlarging what it is broadcast to.
inline llvm::LogicalResult expectOneOr(ShapeContext &ctx, mlir::AffineExpr got, mlir::AffineExpr want, const llvm::Twine &what,
                                       llvm::StringRef why) {
  SizeSymbols &symbols = ctx.symbols;
  if (constantSize(got))
    return constantSize(got) == 1 ? llvm::success() : expectSize(ctx, got, want, what, why);
  return expectSize(ctx, got, symbols.select(symbols.equal(got, ctx.cst(1)), ctx.cst(1), want), what, why);
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
  return ctx.fail("expects " + name + " to have at least " + llvm::Twine(rank) + " dims, got " + llvm::Twine(ctx.rank(i)));
}

/// Fails unless operand i is one-dimensional with `size` elements.
inline llvm::LogicalResult expectVector(ShapeContext &ctx, unsigned i, mlir::AffineExpr size, llvm::StringRef name,
                                        llvm::StringRef why) {
  if (llvm::failed(expectRank(ctx, i, 1, name)))
    return llvm::failure();
  return expectSize(ctx, ctx.shape(i)[0], size, "dim 0 of " + name, why);
}

/// The shape that a concatenation of these operands (at least one) has; fails unless they agree in rank, in element type and in every
/// other dim.
llvm::FailureOr<SymShape> concatShape(ShapeContext &ctx, llvm::ArrayRef<unsigned> operands, int64_t axis);

/// Operand 0's shape after a reduction over `axes`. Without axes all dims are reduced, or with `noop` none; `keep` leaves them as ones.
llvm::FailureOr<SymShape> reducedShape(ShapeContext &ctx, llvm::ArrayRef<mlir::AffineExpr> axes, bool keep, bool noop);

} // namespace laic
#endif
