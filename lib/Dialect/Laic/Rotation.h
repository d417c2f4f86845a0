// Rotary positions, which several operators apply.
#ifndef LAIC_LIB_DIALECT_LAIC_ROTATION_H
#define LAIC_LIB_DIALECT_LAIC_ROTATION_H

#include "GroupedHeads.h"

namespace laic {

/// Pairs of elements that are rotated: neighbours, or an element of the first half with its place in the second. What lies behind
/// twice the caches' last dim is left as it is where the rotation is partial.
struct Rotation {
  bool isInterleaved, isPartial;
};

/// x [.., .., .., head] rotated by angles whose cosine and sine broadcast to [.., .., .., half].
mlir::Value rotate(const Decomposer &d, mlir::Value x, mlir::Value cosine, mlir::Value sine, Rotation kind);

/// Operand numbers of the caches: [positions, half], or without positions [batch, sequence, half].
struct RotationOperands {
  unsigned cosine, sine;
  bool hasPositions;
};
/// The first `rotated` / 2 columns of a cache, which may have those of a whole head; all of them for 0.
mlir::Value rotatedColumns(const Decomposer &d, mlir::Value cache, int64_t rotated);
/// Checks them against an input [batch, heads, sequence, head] of which `rotated` elements of a head are rotated (0: all).
llvm::LogicalResult checkRotation(ShapeContext &ctx, const RotationOperands &operands, llvm::ArrayRef<mlir::AffineExpr> x,
                                  int64_t rotated);

} // namespace laic
#endif
