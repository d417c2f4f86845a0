// Sliding windows over images: their geometry and the stage that brings the elements of one window after the other.
#ifndef LAIC_LIB_TARGETS_HLS_WINDOW_H
#define LAIC_LIB_TARGETS_HLS_WINDOW_H

#include "GraphConverter.h"

namespace laic::hls {

/// Of a convolution or pooling over one or two spatial dims; with one, height and the numbers that belong to it are 1 (pads 0).
struct Window {
  int64_t channels, height, width; // of the image
  int64_t outHeight, outWidth;     // windows
  int64_t kernel[2], stride[2], dilation[2];
  int64_t padLow[2], padHigh[2];     // as the operator has them
  int64_t paddedHeight, paddedWidth; // with what ceil_mode adds

  int64_t taps() const { return kernel[0] * kernel[1]; }
  int64_t windows() const { return outHeight * outWidth; }
  bool isPadded() const { return paddedHeight > height || paddedWidth > width; }
  /// A window that covers every element once, in order: a stream brings it as it is.
  bool isIdentity() const { return taps() == 1 && stride[0] == 1 && stride[1] == 1 && !isPadded(); }
  /// How many taps of each window fall on the image, or with `withPads` on it and the operator's own pads.
  std::vector<int64_t> counts(bool withPads) const;
};

/// Reads the attributes of a conv or pool; `image` and `result` are their static types, N x C x spatial. Refuses what is no window over
/// one or two spatial dims of a batch of 1.
llvm::FailureOr<Window> windowOf(GraphConverter &g, mlir::Operation *op, mlir::RankedTensorType image,
                                 mlir::RankedTensorType result, llvm::ArrayRef<int64_t> kernel);

/// Streams every window: for each, tap by tap, its channels in words of `lanes`. Pads are the raw number `fill`.
Flow streamWindows(GraphConverter &g, mlir::Location loc, Flow image, const Window &window, unsigned lanes, int64_t fill);

} // namespace laic::hls
#endif
