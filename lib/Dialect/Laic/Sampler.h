// Reads tensors at fractional positions that are data, in bodies.
#ifndef LAIC_LIB_DIALECT_LAIC_SAMPLER_H
#define LAIC_LIB_DIALECT_LAIC_SAMPLER_H

#include "Products.h"

namespace laic {

/// Fails unless operand i has elements along every dim from `first` on: positions that are data always read something.
llvm::LogicalResult expectElements(ShapeContext &ctx, unsigned i, int64_t first);

/// What lies outside: zeros, the nearest element, or the image mirrored at its borders.
enum class Beyond { Zeros, Border, Reflection };

/// Samples the last dims of a tensor. Positions are in units of elements; any number is safe, NaN included. Borders of a mirror lie at
/// the corner elements' centres with `alignCorners`, otherwise at their outer edges.
class Sampler {
public:
  /// The last `spatial` dims of `x` are sampled, in type `compute` (f32 or f64).
  Sampler(LowerContext &ctx, Sized x, unsigned spatial, Beyond beyond, bool alignCorners, mlir::Type compute);

  using V = mlir::Value;
  /// `outer`: indices of the dims before the sampled ones. `position`: one float each, in the order of the dims.
  V nearest(ScalarBuilder &s, mlir::ValueRange outer, mlir::ValueRange position) const;
  V linear(ScalarBuilder &s, mlir::ValueRange outer, mlir::ValueRange position) const;
  V cubic(ScalarBuilder &s, mlir::ValueRange outer, mlir::ValueRange position) const;

private:
  using Weights = llvm::function_ref<llvm::SmallVector<V, 4>(V fraction)>;
  /// An index, and whether the element counts (null: always).
  struct Place {
    V index, inside;
  };
  Place place(ScalarBuilder &s, unsigned dim, V position) const;
  V reflect(ScalarBuilder &s, unsigned dim, V position) const;
  V read(ScalarBuilder &s, mlir::ValueRange outer, llvm::ArrayRef<Place> at) const;
  V mix(ScalarBuilder &s, mlir::ValueRange outer, mlir::ValueRange position, int64_t first, Weights weights) const;

  LowerContext &ctx;
  Sized x;
  Beyond beyond;
  bool alignCorners;
  mlir::Type compute;
  llvm::SmallVector<V, 3> sizes; // index
};

} // namespace laic
#endif
