// Rounds constants to integers, channel by channel.
#include "Weights.h"

#include "Ranges.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

/// The elements of one channel: [outer][channel][inner].
struct ChannelView {
  int64_t outer = 1, channels = 1, inner = 1;
  ChannelView(RankedTensorType type, int64_t axis) {
    for (int64_t d = 0; d < type.getRank(); ++d)
      (d < axis ? outer : d == axis ? channels : inner) *= type.getDimSize(d);
  }
  template <typename Fn> void each(int64_t channel, Fn fn) const {
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i)
        fn((o * channels + channel) * inner + i);
  }
};

float rounded(float w, float inverse) { return nearest(std::clamp(w * inverse, -kLargestSigned, kLargestSigned)); }

} // namespace

ByteWeights laic::quantizeChannels(llvm::ArrayRef<float> w, RankedTensorType type, int64_t axis) {
  constexpr int kSteps = 11; // down to 0.8 of the largest magnitude
  ChannelView view(type, axis);
  ByteWeights result{std::vector<int8_t>(w.size()), std::vector<float>(view.channels, 1.0f)};
  std::vector<float> line(view.outer * view.inner); // a channel, its elements side by side
  for (int64_t channel = 0; channel < view.channels; ++channel) {
    float largest = 0;
    size_t count = 0;
    view.each(channel, [&](int64_t at) {
      line[count++] = w[at];
      largest = std::max(largest, std::abs(w[at]));
    });
    if (!(largest > 127e-30f) || !std::isfinite(largest))
      continue; // all zeros
    double least = INFINITY;
    for (int step = 0; step < kSteps; ++step) {
      float scale = largest / 127 * (1 - 0.02f * step), inverse = 1 / scale;
      double error = 0;
      for (float value : line) {
        double difference = rounded(value, inverse) * scale - value;
        error += difference * difference;
      }
      if (error < least) {
        least = error;
        result.scales[channel] = scale;
      }
    }
    float inverse = 1 / result.scales[channel];
    view.each(channel, [&](int64_t at) { result.values[at] = static_cast<int8_t>(rounded(w[at], inverse)); });
  }
  return result;
}
