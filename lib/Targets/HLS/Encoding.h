// How streams stand for tensors: numbers for real values, and the order of a tensor's elements.
#ifndef LAIC_LIB_TARGETS_HLS_ENCODING_H
#define LAIC_LIB_TARGETS_HLS_ENCODING_H

#include "laic/Targets/HLS/HLS.h"

#include <optional>

namespace laic::hls {

/// real = (raw - zero) * scale.
struct Encoding {
  NumType type;
  double scale = 1;
  int64_t zero = 0;
  bool fixed = false; // the type's binary point says the scale: 2^-fraction; the zero point is 0

  bool operator==(const Encoding &other) const {
    return type == other.type && scale == other.scale && zero == other.zero && fixed == other.fixed;
  }
  /// The nearest raw integer, halves up, saturated.
  int64_t quantize(double real) const;
  /// Signed fixed point of `width` bits that holds [lo, hi] `margin` times over.
  static Encoding forRange(mlir::MLIRContext *context, unsigned width, double lo, double hi, double margin = 1);
  /// For tensors whose range was measured: other inputs than those reach further.
  static constexpr double kMeasuredMargin = 4;
};

/// Bits of the least signed integer type that holds magnitudes up to this.
unsigned signedBits(double magnitude);

/// Bounds of a fused activation, in real numbers.
struct Clamp {
  std::optional<double> lo, hi;
  void atLeast(double bound) { lo = lo ? std::max(*lo, bound) : bound; }
  void atMost(double bound) { hi = hi ? std::min(*hi, bound) : bound; }
};

/// From integer accumulators to quantised numbers: the attributes of hls.requantize.
///
/// multiplier[i] = floor(factor[i] * 2^shift + 1/2), where shift is the greatest of 0 to 62 that leaves all of them less than 2^bits, with
/// bits = min(31, 63 - width of the accumulator); then common factors of two are taken out of multipliers and shift. No
/// result changes by that.
struct Requantization {
  llvm::SmallVector<int64_t> multipliers; // one, or one per channel
  int64_t shift = 0;
  unsigned bits = 1; // that every multiplier fits, unsigned
  int64_t lowest = 0, highest = 0;
};
/// `factors`: real value of an accumulator's unit over the scale of `out`; positive.
Requantization requantization(NumType acc, llvm::ArrayRef<double> factors, const Encoding &out, const Clamp &clamp);

/// The order in which a stream brings the elements of a row-major tensor: axes (size, stride) from the slowest to the fastest. Axes of
/// size 1 are left out and neighbours that count on are one, so that equal orders are equal lists.
class Order {
public:
  Order() = default;
  explicit Order(llvm::ArrayRef<std::pair<int64_t, int64_t>> axes);
  static Order rowMajor(int64_t elements) { return Order({{elements, 1}}); }
  /// N, spatial dims, channels, for a tensor N x C x spatial; row-major below rank 3.
  static Order channelsLast(llvm::ArrayRef<int64_t> shape);
  /// A tensor with its axes in another order, `permutation` slowest first.
  static Order permuted(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> permutation);

  /// The order whose `indices` are these; nothing where they are no nest of axes.
  static std::optional<Order> fromIndices(std::vector<int64_t> indices);

  bool operator==(const Order &other) const { return axes == other.axes; }
  int64_t elements() const;
  llvm::ArrayRef<std::pair<int64_t, int64_t>> getAxes() const { return axes; }
  /// As hls.port has it.
  llvm::SmallVector<int64_t> flat() const;
  /// Row-major index of each element, in the order of the stream.
  std::vector<int64_t> indices() const;

private:
  llvm::SmallVector<std::pair<int64_t, int64_t>> axes;
};

} // namespace laic::hls
#endif
