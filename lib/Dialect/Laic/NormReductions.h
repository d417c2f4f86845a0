// Statistics over axes of a tensor, and maps that bring them back to the tensor's rank.
#ifndef LAIC_LIB_DIALECT_LAIC_NORMREDUCTIONS_H
#define LAIC_LIB_DIALECT_LAIC_NORMREDUCTIONS_H

#include "Products.h"

namespace laic {

/// Reduction of a tensor over some axes. Statistics have the shape of the kept dims alone.
class AxisReduction {
public:
  AxisReduction(LowerContext &ctx, llvm::ArrayRef<mlir::AffineExpr> shape, llvm::ArrayRef<int64_t> axes);

  /// Reduces `x` (of the full shape) and further inputs that have the kept shape. The body gets x, the others, the accumulator.
  mlir::Value reduce(mlir::Type accumulator, double init, mlir::Value x, mlir::ValueRange kept, LowerContext::Body body);
  /// sum / count, for a sum in a body; `count` is the number of reduced elements.
  mlir::Value mean(ScalarBuilder &s, mlir::Value sum);
  /// A generic over the kept shape.
  mlir::Value mapKept(mlir::Type element, mlir::ValueRange inputs, LowerContext::Body body);

  llvm::ArrayRef<mlir::AffineExpr> shape() const { return full; }
  llvm::ArrayRef<mlir::AffineExpr> keptShape() const { return kept; }
  /// From the tensor's indices to a statistic's.
  mlir::AffineMap keptMap() const;
  mlir::AffineMap identity() const;

private:
  LowerContext &ctx;
  SymShape full, kept;
  llvm::SmallVector<bool, 6> reduced;
  std::optional<int64_t> count;
  mlir::Value countValue;
};

/// Mean and 1 / sqrt(variance + epsilon) over the axes, in two passes; both of the accumulator's type.
struct Moments {
  mlir::Value mean, inverse;
};
Moments moments(LowerContext &ctx, AxisReduction &axes, Sized x, double epsilon);

} // namespace laic
#endif
