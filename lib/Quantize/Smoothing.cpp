// Estimates what a division of the channels would gain, and moves it into constants.
#include "Smoothing.h"

#include "GraphEdit.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"

#include <algorithm>

using namespace mlir;
using namespace laic;

namespace {

/// The magnitude of the weights of each input channel, over all layers.
std::vector<double> weightReach(llvm::ArrayRef<const Layer *> layers, size_t channels) {
  std::vector<double> reach(channels);
  for (const Layer *layer : layers) {
    std::vector<char> scratch;
    llvm::ArrayRef<float> w = floatsOf(layer->weights, scratch);
    layer->eachWeight(
        [&](int64_t at, int64_t, int64_t input) { reach[input] = std::max<double>(reach[input], std::abs(w[at])); });
  }
  return reach;
}

/// Mean squares of what rounding adds to the outputs of a layer: an element of x in steps of its range / 255, a weight in steps of its
/// channel's reach / 127, both evenly distributed.
double noiseOf(const Layer &layer, const ChannelMoments &moments, llvm::ArrayRef<double> s) {
  std::vector<char> scratch;
  llvm::ArrayRef<float> w = floatsOf(layer.weights, scratch);
  double lo = 0, hi = 0, count = std::max<double>(moments.count, 1);
  for (size_t c = 0; c < s.size(); ++c) {
    lo = std::min(lo, moments.lo[c] / s[c]);
    hi = std::max(hi, moments.hi[c] / s[c]);
  }
  std::vector<double> reach(layer.channels()), energy(layer.channels());
  double sum = 0;
  layer.eachWeight([&](int64_t at, int64_t channel, int64_t input) {
    double scaled = w[at] * s[input];
    reach[channel] = std::max(reach[channel], std::abs(scaled));
    energy[channel] += moments.square[input] / count / (s[input] * s[input]);
    sum += scaled * scaled;
  });
  double step = (hi - lo) / 255, noise = sum * step * step / 12;
  for (auto [r, e] : llvm::zip_equal(reach, energy))
    noise += e * (r / 127) * (r / 127) / 12;
  return noise;
}

} // namespace

void Smoothing::apply(llvm::ArrayRef<ChannelMoments> moments, llvm::ArrayRef<bool> wanted) {
  layers = findLayers(mainOf(module), {});
  divisors.assign(floats.tensors(), {});
  ChannelDivision division(layers);
  std::vector<llvm::SmallVector<size_t>> readers = floats.readers();
  for (size_t tensor = 0; tensor < readers.size(); ++tensor) {
    bool all = llvm::all_of(readers[tensor], [&](size_t layer) { return wanted[layer]; });
    if (!all || moments[tensor].count == 0)
      continue;
    auto of = llvm::map_to_vector(readers[tensor], [&](size_t number) -> const Layer * { return &layers[number]; });
    Value x = of.front()->x;
    std::optional<ChannelDivision::Way> way = division.find(x, of.front()->xAxis(), of);
    choose(tensor, moments[tensor], readers[tensor], /*foldable=*/way.has_value());
    if (divisors[tensor].empty())
      continue;
    Value divided = x;
    if (way) {
      division.divide(*way, divisors[tensor]);
    } else {
      OpBuilder b(x.getContext());
      b.setInsertionPointAfterValue(x);
      llvm::SmallVector<float> factors;
      for (float s : divisors[tensor])
        factors.push_back(1 / s);
      const Layer &first = *of.front();
      llvm::SmallVector<int64_t> shape = {static_cast<int64_t>(factors.size())};
      shape.append(first.xType().getRank() - 1 - first.xAxis(), 1);
      Location loc = first.op->getLoc();
      divided = MulOp::create(b, loc, x.getType(), x, GraphEditor(b, loc).floats(factors, shape));
    }
    for (size_t number : readers[tensor]) {
      layers[number].op->setOperand(layers[number].xOperand(), divided);
      multiplyInputs(layers[number], divisors[tensor]);
    }
  }
  outputDivisors = division.getOutputDivisors().vec();
}

void Smoothing::choose(size_t tensor, const ChannelMoments &moments, llvm::ArrayRef<size_t> readers, bool foldable) {
  constexpr double kShares[] = {0.5, 0.65, 0.8}; // of the spread that go into the weights
  // A channel that was small on all samples need not be so on others: none is taken for smaller than this part of the largest,
  // and one that was never there for as large as that.
  constexpr double kSmallest = 1.0 / 8;
  // A multiplication of its own must earn its time.
  const double most = foldable ? 0.8 : 0.5;
  llvm::SmallVector<const Layer *> of;
  for (size_t number : readers)
    of.push_back(&layers[number]);
  size_t channels = moments.x.size();
  std::vector<double> reach = weightReach(of, channels), ones(channels, 1.0);
  auto noise = [&](llvm::ArrayRef<double> s) {
    double total = 0;
    for (size_t number : readers) {
      double signal = 1e-30;
      for (double energy : floats.layers()[number].energies)
        signal += energy;
      total += noiseOf(layers[number], moments, s) / signal;
    }
    return total;
  };
  double largest = 0;
  for (size_t c = 0; c < channels; ++c)
    largest = std::max<double>({largest, std::abs(moments.lo[c]), std::abs(moments.hi[c])});
  double least = most * noise(ones);
  for (double share : kShares) {
    std::vector<double> s(channels, 1.0);
    for (size_t c = 0; c < channels; ++c) {
      double x = std::max<double>(std::abs(moments.lo[c]), std::abs(moments.hi[c]));
      x = x == 0 ? largest : std::max(x, kSmallest * largest);
      constexpr double kNothing = 1e-5, kFarthest = 1e4;
      if (x > kNothing && reach[c] > kNothing)
        s[c] = std::clamp(std::pow(x, share) / std::pow(reach[c], 1 - share), 1 / kFarthest, kFarthest);
    }
    if (double now = noise(s); now < least) {
      least = now;
      divisors[tensor].assign(s.begin(), s.end());
    }
  }
}
