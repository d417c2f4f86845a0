// Resampling along one axis: which input elements an output element mixes, and with what weights.
#ifndef LAIC_LIB_DIALECT_LAIC_INTERPOLATION_H
#define LAIC_LIB_DIALECT_LAIC_INTERPOLATION_H

#include "laic/Dialect/Laic/LowerContext.h"

namespace laic {

/// One axis that Resize changes.
struct ResizeAxis {
  int64_t dim;
  mlir::AffineExpr in, out;
  std::optional<float> scale; // absent: known at run time only, numerator / denominator
  mlir::AffineExpr numerator, denominator;
  bool givenScale = false; // by the operand 'scales': the resized length is then in * scale, which may be no integer
  float roiStart = 0, roiEnd = 1;
  mlir::Value roi = {}; // where the region of interest is known at run time only: its tensor; start and end are elements of it
  int64_t roiStartAt = 0, roiEndAt = 0;

  /// True when everything that a filter's table depends on is known when compiling.
  bool isStatic() const { return scale && constantSize(in) && constantSize(out) && !roi; }
};

/// How Resize maps output to input coordinates, and what it does there.
struct ResizeRule {
  llvm::StringRef mode, coordinates, nearest;
  float cubicA = -0.75f, extrapolation = 0;
  bool excludeOutside = false, antialias = false;
  bool crops() const { return coordinates == "tf_crop_and_resize"; }
};

/// Vectors over the outputs of an axis, one pair per tap: input index (i64) and weight (f32; none for nearest). Where
/// the rule crops, index 0 is -1 for outputs that lie outside the input.
struct Taps {
  llvm::SmallVector<mlir::Value> index, weight;
};

/// Emits the vectors as small generics (constants after folding where sizes are static).
Taps makeTaps(LowerContext &ctx, const ResizeAxis &axis, const ResizeRule &rule);

/// Weights of an antialiased axis of static sizes: [taps][outputs], with the first input index of every output.
struct FilterTable {
  int64_t taps = 0;
  std::vector<float> weights;
  std::vector<int64_t> indices; // same layout, within the input
};
FilterTable makeFilterTable(int64_t in, int64_t out, float scale, const ResizeAxis &axis, const ResizeRule &rule);

/// The same table as tensors that are computed at run time: indices (i64) and weights (f32), [taps, outputs].
struct FilterTensors {
  mlir::Value indices, weights;
};
FilterTensors makeFilterTensors(LowerContext &ctx, const ResizeAxis &axis, const ResizeRule &rule);

/// Keys' cubic kernel, in t's type: weights of the four elements around a position that lies `t` behind the second of them.
llvm::SmallVector<mlir::Value, 4> cubicWeights(ScalarBuilder &s, mlir::Value t, double a);

/// True when a nearest resize by the whole factor only repeats every element `factor` times.
bool onlyRepeats(const ResizeRule &rule, int64_t factor);

} // namespace laic
#endif
