// What was seen of a float tensor, and the range that quantised integers should span.
#ifndef LAIC_LIB_QUANTIZE_RANGES_H
#define LAIC_LIB_QUANTIZE_RANGES_H

#include "laic/Quantize/Quantize.h"
#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

namespace laic {

/// An integer q stands for (q - zeroPoint) * scale.
struct AffineScale {
  float scale = 1;
  int32_t zeroPoint = 0;
};

/// s8 around 0 go to here on both sides.
constexpr float kLargestSigned = 127;
/// No row gets a smaller scale: a row of zeros has one, too.
constexpr float kLeastRowScale = 1e-30f;

/// `value`, whose magnitude is below 2^22, to the nearest integer, ties to even: the sum leaves no room for a fraction. What nearbyint does, in two
/// instructions that loops over vectors take.
inline float nearest(float value) {
  constexpr float kRoom = 0x1.8p23f;
  return (value + kRoom) - kRoom;
}

/// The scale with which u8 span [lo, hi], widened to hold 0, which one integer stands for exactly. A range of nothing gives a scale of 1.
AffineScale scaleOfBytes(double lo, double hi);

/// Collects the finite elements of one tensor over all samples: least, greatest, and a histogram around 0 whose range doubles when an element
/// lies outside of it. What it holds depends on the elements and their order alone.
class RangeObserver {
public:
  void add(llvm::ArrayRef<float> values);

  int64_t count() const { return total; }
  double lowest() const { return total ? lo : 0; }
  double highest() const { return total ? hi : 0; }
  /// The range that u8 should span.
  ///   MinMax      all that was seen
  ///   Percentile  all but 0.001 % at each end, as onnxruntime has it
  ///   MeanSquare  the least mean square of rounding and clipping errors
  ///   Entropy     the least Kullback-Leibler divergence of the quantised from the true distribution of |x| (Migacz, "8-bit inference with
  ///               TensorRT", 2017)
  std::array<double, 2> chooseRange(RangeMethod method) const;
  /// The share of elements outside of a range.
  double shareOutside(double from, double to) const;
  /// Counts in this many bins of equal width over [lowest, highest], for people to look at.
  std::vector<int64_t> summary(size_t bins) const;

private:
  static constexpr int64_t kHalf = 4096; // bins on either side of 0
  double centre(int64_t bin) const { return (bin - kHalf + 0.5) * radius / kHalf; }
  void widen();
  double meanSquare(AffineScale scale) const;
  std::array<double, 2> leastMeanSquare() const;
  std::array<double, 2> percentile() const;
  double leastDivergence() const;

  std::vector<int64_t> bins = std::vector<int64_t>(2 * kHalf); // over [-radius, radius)
  double radius = 0, lo = INFINITY, hi = -INFINITY;
  int64_t total = 0, zeros = 0; // zeros are in no bin
};

} // namespace laic
#endif
