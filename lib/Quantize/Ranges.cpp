// Histograms of activations and the four ways to choose a range from one.
#include "Ranges.h"

#include "llvm/Support/Compiler.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace laic;

AffineScale laic::scaleOfBytes(double lo, double hi) {
  constexpr double kSmallest = 1e-30; // far from denormal scales, whose reciprocal overflows
  lo = std::min(lo, 0.0);
  hi = std::max(hi, 0.0);
  AffineScale result;
  if (hi - lo < 255 * kSmallest)
    return result;
  result.scale = static_cast<float>((hi - lo) / 255);
  result.zeroPoint = static_cast<int32_t>(std::clamp(std::nearbyint(-lo / result.scale), 0.0, 255.0));
  return result;
}

void RangeObserver::widen() {
  std::vector<int64_t> wide(2 * kHalf);
  for (int64_t bin = 0; bin < 2 * kHalf; ++bin)
    wide[kHalf / 2 + bin / 2] += bins[bin];
  bins = std::move(wide);
  radius *= 2;
}

constexpr float kLargestFloat = std::numeric_limits<float>::max();

void RangeObserver::add(llvm::ArrayRef<float> values) {
  float least = INFINITY, greatest = -INFINITY;
  int64_t finite = 0, none = 0;
  for (float value : values) {
    none += value == 0;
    bool counts = std::abs(value) <= kLargestFloat; // no NaN, no infinity
    finite += counts;
    least = counts && value < least ? value : least;
    greatest = counts && value > greatest ? value : greatest;
  }
  if (finite == 0)
    return;
  constexpr int kSmallest = -100; // what is below is as good as 0
  double reach = std::max(std::abs(least), std::abs(greatest));
  lo = std::min<double>(lo, least);
  hi = std::max<double>(hi, greatest);
  total += finite;
  if (radius == 0 && reach > 0)
    radius = std::ldexp(1.0, std::max(std::ilogb(reach) + 1, kSmallest));
  while (reach >= radius && reach > 0)
    widen();
  if (reach == 0) {
    zeros += finite;
    return;
  }
  float factor = static_cast<float>(kHalf / radius); // a power of two
  constexpr auto kMiddle = static_cast<float>(kHalf);
  // Zeros, of which a ReLU leaves many, are counted with the others, which costs no jump, and taken off afterwards.
  for (float value : values)
    if (LLVM_LIKELY(std::abs(value) <= kLargestFloat)) {
      auto bin = static_cast<int32_t>(value * factor + kMiddle); // positive, so that the cut goes down
      ++bins[std::min<int32_t>(bin, 2 * kHalf - 1)];
    }
  bins[kHalf] -= none;
  zeros += none;
}

double RangeObserver::shareOutside(double from, double to) const {
  int64_t outside = 0;
  for (int64_t bin = 0; bin < 2 * kHalf; ++bin)
    if (centre(bin) < from || centre(bin) > to)
      outside += bins[bin];
  return total ? static_cast<double>(outside) / total : 0;
}

std::vector<int64_t> RangeObserver::summary(size_t count) const {
  std::vector<int64_t> result(count);
  double width = (hi - lo) / count;
  auto add = [&](double value, int64_t number) {
    auto at = width > 0 ? static_cast<int64_t>((value - lo) / width) : 0;
    result[std::clamp<int64_t>(at, 0, count - 1)] += number;
  };
  for (int64_t bin = 0; bin < 2 * kHalf; ++bin)
    if (bins[bin])
      add(centre(bin), bins[bin]);
  if (zeros)
    add(0, zeros);
  return result;
}

double RangeObserver::meanSquare(AffineScale scale) const {
  double sum = 0, inverse = 1.0 / scale.scale;
  for (int64_t bin = 0; bin < 2 * kHalf; ++bin) {
    if (!bins[bin])
      continue;
    double x = centre(bin);
    float q = std::clamp(nearest(static_cast<float>(x * inverse)) + static_cast<float>(scale.zeroPoint), 0.0f, 255.0f);
    double error = (q - scale.zeroPoint) * scale.scale - x;
    sum += error * error * bins[bin];
  }
  return sum;
}

// One end after the other, from all that was seen inwards; an error that is flat is left at the wider end.
std::array<double, 2> RangeObserver::leastMeanSquare() const {
  std::array<double, 2> best = {std::min(lo, 0.0), std::max(hi, 0.0)};
  double least = meanSquare(scaleOfBytes(best[0], best[1]));
  constexpr int kSteps = 48, kRounds = 2;
  const double ends[2] = {best[0], best[1]};
  for (int round = 0; round < kRounds; ++round)
    for (int end : {1, 0})
      for (int step = 0; step < kSteps && ends[end] != 0; ++step) {
        std::array<double, 2> range = best;
        range[end] = ends[end] * std::pow(0.95, step);
        double error = meanSquare(scaleOfBytes(range[0], range[1]));
        if (error < least) {
          least = error;
          best = range;
        }
      }
  return best;
}

std::array<double, 2> RangeObserver::percentile() const {
  constexpr double kShare = 1e-5; // beyond each end
  auto allowed = static_cast<int64_t>(kShare * total);
  int64_t first = 0, last = 2 * kHalf - 1;
  for (int64_t beyond = bins[first]; beyond <= allowed && first < kHalf; beyond += bins[++first]) {
  }
  for (int64_t beyond = bins[last]; beyond <= allowed && last > kHalf; beyond += bins[--last]) {
  }
  double width = radius / kHalf;
  return {std::max(lo, centre(first) - width / 2), std::min(hi, centre(last) + width / 2)};
}

// The threshold T of |x|: what lies beyond is counted at T; 128 levels of equal width stand for the bins below.
double RangeObserver::leastDivergence() const {
  constexpr int64_t kLevels = 128;
  std::vector<double> magnitude(kHalf);
  for (int64_t bin = 0; bin < kHalf; ++bin)
    magnitude[bin] = static_cast<double>(bins[kHalf + bin] + bins[kHalf - 1 - bin]);
  double all = std::accumulate(magnitude.begin(), magnitude.end(), 0.0), least = INFINITY;
  if (all == 0)
    return 0;
  int64_t best = kHalf;
  for (int64_t used = kLevels; used <= kHalf; used += 8) {
    double inside = 0, divergence = 0, after = std::accumulate(magnitude.begin() + used, magnitude.end(), 0.0);
    for (int64_t bin = 0; bin < used; ++bin)
      inside += magnitude[bin];
    if (inside == 0)
      continue;
    for (int64_t level = 0; level < kLevels; ++level) {
      int64_t from = level * used / kLevels, to = (level + 1) * used / kLevels, full = 0;
      double sum = 0;
      for (int64_t bin = from; bin < to; ++bin) {
        sum += magnitude[bin];
        full += magnitude[bin] > 0;
      }
      for (int64_t bin = from; bin < to; ++bin) {
        double p = (magnitude[bin] + (bin == used - 1 ? after : 0)) / all;
        double q = magnitude[bin] > 0 ? sum / full / inside : 1e-4 / all;
        if (p > 0)
          divergence += p * std::log(p / q);
      }
    }
    if (divergence < least) {
      least = divergence;
      best = used;
    }
  }
  return best * radius / kHalf;
}

std::array<double, 2> RangeObserver::chooseRange(RangeMethod method) const {
  if (total == 0 || radius == 0)
    return {0, 0};
  switch (method) {
  case RangeMethod::MinMax:
    return {lo, hi};
  case RangeMethod::Percentile:
    return percentile();
  case RangeMethod::MeanSquare:
    return leastMeanSquare();
  case RangeMethod::Entropy: {
    double threshold = leastDivergence();
    return {std::max(lo, -threshold), std::min(hi, threshold)};
  }
  }
  return {lo, hi};
}
