// Binary search over the cycles of the slowest layer.
#include "Folding.h"

using namespace laic::hls;

constexpr int64_t kMostLanes = 64; // a word of 64 numbers of 16 bits is 1024 bits wide, as wide as a bus gets

int64_t laic::hls::cyclesOf(const LinearLayer &layer, Folding f) {
  return layer.pixels * (layer.outputs / f.pe) * (layer.taps * layer.inputs / f.simd);
}

static llvm::SmallVector<int64_t> divisors(int64_t of) {
  llvm::SmallVector<int64_t> all;
  for (int64_t d = 1; d <= std::min(of, kMostLanes); ++d)
    if (of % d == 0)
      all.push_back(d);
  return all;
}

/// The smallest folding of at most `cycles`, or the largest one there is.
static Folding smallest(const LinearLayer &layer, int64_t cycles) {
  Folding best{layer.outputs, layer.inputs};
  bool found = false;
  for (int64_t pe : divisors(layer.outputs))
    for (int64_t simd : divisors(layer.inputs)) {
      Folding f{pe, simd};
      if (pe * simd > ForOp::kMaxUnroll)
        continue;
      bool fits = cyclesOf(layer, f) <= cycles;
      bool better = fits ? !found || pe * simd < best.pe * best.simd ||
                               (pe * simd == best.pe * best.simd && cyclesOf(layer, f) < cyclesOf(layer, best))
                         : !found && cyclesOf(layer, f) < cyclesOf(layer, best);
      // Until one fits, `best` starts as a folding that may be too wide to build.
      if (!found && (best.pe > kMostLanes || best.simd > kMostLanes || best.pe * best.simd > ForOp::kMaxUnroll))
        better = true;
      if (better)
        best = f;
      found |= fits;
    }
  return best;
}

std::vector<Folding> laic::hls::solveFolding(llvm::ArrayRef<LinearLayer> layers, int64_t multipliers) {
  int64_t low = 0, high = 1; // below `low` cycles no folding helps
  for (const LinearLayer &layer : layers) {
    low = std::max(low, cyclesOf(layer, smallest(layer, 0)) - 1);
    high = std::max(high, cyclesOf(layer, {}));
  }
  auto multipliersFor = [&](int64_t cycles) {
    int64_t all = 0;
    for (const LinearLayer &layer : layers) {
      Folding f = smallest(layer, cycles);
      all += f.pe * f.simd;
    }
    return all;
  };
  while (high - low > 1) {
    int64_t middle = low + (high - low) / 2;
    (multipliersFor(middle) <= multipliers ? high : low) = middle;
  }
  std::vector<Folding> foldings;
  for (const LinearLayer &layer : layers)
    foldings.push_back(smallest(layer, high));
  return foldings;
}
