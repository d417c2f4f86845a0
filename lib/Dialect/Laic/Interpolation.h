// Resampling along one axis: which input elements an output element mixes, and with what weights.
#ifndef LAIC_LIB_DIALECT_LAIC_INTERPOLATION_H
#define LAIC_LIB_DIALECT_LAIC_INTERPOLATION_H

#include "laic/Dialect/Laic/LowerContext.h"

namespace laic {

/// One axis that Resize changes.
struct ResizeAxis {
  int64_t dim;
  mlir::AffineExpr in, out;
  std::optional<float> scale; // absent: out / in, known at run time only
  float roiStart = 0, roiEnd = 1;
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

/// True when a nearest resize by the whole factor only repeats every element `factor` times.
bool onlyRepeats(const ResizeRule &rule, int64_t factor);

} // namespace laic
#endif
