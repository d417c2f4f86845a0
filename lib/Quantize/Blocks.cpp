// Rounds matrices to blocks of few bits.
#include "Blocks.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace laic;

namespace {

constexpr int64_t kByte = 8;

/// A scale and a zero point for one block.
struct Grid {
  float scale = 1;
  int32_t zero = 0;
};

/// Candidates for a block, the widest first, which holds every weight.
llvm::SmallVector<Grid> gridsOf(llvm::ArrayRef<float> block, int64_t bits, bool asymmetric, int steps) {
  constexpr float kStep = 0.035f, kSmallest = 1e-30f;
  float lo = 0, hi = 0;
  for (float w : block) {
    lo = std::min(lo, w);
    hi = std::max(hi, w);
  }
  int32_t levels = (1 << bits) - 1, middle = 1 << (bits - 1);
  llvm::SmallVector<Grid> grids;
  if (std::max(-lo, hi) < kSmallest * static_cast<float>(levels))
    return {{1, middle}};
  for (int step = 0; step < steps; ++step) {
    float factor = 1 - kStep * static_cast<float>(step);
    if (asymmetric) {
      float scale = (hi - lo) * factor / static_cast<float>(levels);
      grids.push_back({scale, static_cast<int32_t>(std::clamp(std::nearbyint(-lo * factor / scale), 0.0f, float(levels)))});
      continue;
    }
    // The side with more room, -2^(bits - 1), is for the largest magnitude, whatever its sign.
    float largest = -lo > hi ? lo : hi;
    grids.push_back({largest * factor / static_cast<float>(-middle), middle});
  }
  return grids;
}

int32_t roundTo(Grid grid, float w, int32_t levels) {
  return static_cast<int32_t>(std::clamp(std::nearbyint(w / grid.scale) + static_cast<float>(grid.zero), 0.0f, float(levels)));
}

/// Places integers of few bits one behind the other, the first in the lowest bits.
class Packer {
public:
  Packer(std::vector<uint8_t> &bytes, int64_t bits) : bytes(bytes), bits(bits) {}
  void put(size_t firstByte, int64_t number, int32_t value) {
    int64_t at = number * bits;
    bytes[firstByte + at / kByte] |= static_cast<uint8_t>(value << at % kByte);
  }

private:
  std::vector<uint8_t> &bytes;
  int64_t bits;
};

/// Rounds one row after the other.
class BlockRounder {
public:
  BlockRounder(int64_t rows, int64_t columns, BlockForm form, llvm::ArrayRef<double> importance)
      : blocks(llvm::divideCeil(columns, form.blockSize)), form(form), importance(importance), integers(result.packed, form.bits),
        zeros(result.zeros, form.bits) {
    result.packed.resize(rows * blocks * blockBytes());
    result.scales.resize(rows * blocks);
    if (form.asymmetric)
      result.zeros.resize(rows * zeroBytes());
  }

  /// `w`: the weights of the row from `first` on, a whole number of blocks or up to the row's end; changed with `u`, which is ErrorFeedback's
  /// window that starts there, or empty.
  void round(int64_t row, int64_t first, llvm::MutableArrayRef<float> w, llvm::ArrayRef<float> u) {
    auto size = static_cast<int64_t>(w.size());
    for (int64_t from = 0; from < size; from += form.blockSize) {
      int64_t count = std::min(form.blockSize, size - from), block = (first + from) / form.blockSize;
      int64_t number = row * blocks + block;
      Grid grid = choose(w.slice(from, count), first + from);
      result.scales[number] = grid.scale;
      if (form.asymmetric)
        zeros.put(row * zeroBytes(), block, grid.zero);
      for (int64_t i = 0; i < form.blockSize; ++i) {
        float value = i < count ? w[from + i] : 0.0f;
        int32_t q = roundTo(grid, value, levels());
        integers.put(number * blockBytes(), i, q);
        if (i < count && !u.empty())
          passOn(w, u, from + i, value - static_cast<float>(q - grid.zero) * grid.scale);
      }
    }
  }

  /// The integers of a row as numbers.
  float valueOf(int64_t row, int64_t column) const {
    int64_t block = column / form.blockSize, number = row * blocks + block, at = column % form.blockSize * form.bits;
    int32_t mask = levels(), zero = 1 << (form.bits - 1);
    if (form.asymmetric)
      zero = result.zeros[row * zeroBytes() + block * form.bits / kByte] >> (block * form.bits % kByte) & mask;
    int32_t q = result.packed[number * blockBytes() + at / kByte] >> (at % kByte) & mask;
    return static_cast<float>(q - zero) * result.scales[number];
  }

  BlockWeights result;

private:
  int64_t blockBytes() const { return form.blockSize * form.bits / kByte; }
  int64_t zeroBytes() const { return llvm::divideCeil(blocks * form.bits, kByte); }
  int32_t levels() const { return (1 << form.bits) - 1; }

  // Clipping the largest weights has less error on the whole, but outputs gain from that only where it is known which inputs matter: gpt2_124m's
  // logits lose 0.2 dB by it.
  Grid choose(llvm::ArrayRef<float> block, int64_t first) const {
    constexpr int kSteps = 9;
    if (importance.empty())
      return gridsOf(block, form.bits, form.asymmetric, 1).front();
    llvm::SmallVector<Grid> grids = gridsOf(block, form.bits, form.asymmetric, kSteps);
    Grid best = grids.front();
    double least = INFINITY;
    for (Grid grid : grids) {
      double error = 0;
      for (auto [i, w] : llvm::enumerate(block)) {
        double d = static_cast<float>(roundTo(grid, w, levels()) - grid.zero) * grid.scale - w;
        error += d * d * importance[first + i];
      }
      if (error < least) {
        least = error;
        best = grid;
      }
    }
    return best;
  }

  static void passOn(llvm::MutableArrayRef<float> w, llvm::ArrayRef<float> u, int64_t at, float error) {
    auto size = static_cast<int64_t>(w.size());
    const float *line = u.data() + at * size;
    float factor = error / line[at];
    for (int64_t j = at + 1; j < size; ++j)
      w[j] -= factor * line[j];
  }

  int64_t blocks;
  BlockForm form;
  llvm::ArrayRef<double> importance;
  Packer integers, zeros;
};

/// How much the correlations of a window may be trusted, and the square error that the second half of the samples then sees.
struct Trust {
  double share = 0, error = 0;
};

/// As much as rounds a few rows by one half of the samples best for the other half.
Trust chooseTrust(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, int64_t first, BlockForm form,
                  llvm::ArrayRef<double> importance, const ErrorFeedback &feedback) {
  if (!feedback.hasHalves())
    return {feedback.safeTrust(first), 0};
  constexpr double kTrusts[] = {0, 0.5, 0.95};
  constexpr int64_t kJudged = 16;
  int64_t size = feedback.windowSize(first), judged = std::min(rows, kJudged);
  Trust best = {0, INFINITY};
  std::vector<float> part, errors(judged * size);
  for (double trust : kTrusts) {
    std::vector<float> u = feedback.window(first, trust, ErrorFeedback::Part::First);
    BlockRounder rounder(judged, columns, form, importance);
    for (int64_t row = 0; row < judged; ++row) {
      llvm::ArrayRef<float> w = matrix.slice(row * rows / judged * columns + first, size);
      part.assign(w.begin(), w.end());
      rounder.round(row, first, part, u);
      for (int64_t i = 0; i < size; ++i)
        errors[row * size + i] = rounder.valueOf(row, first + i) - w[i];
    }
    if (double error = feedback.energy(first, errors, ErrorFeedback::Part::Second); error < best.error)
      best = {trust, error};
  }
  return best;
}

} // namespace

BlockWeights laic::quantizeBlocks(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, BlockForm form,
                                  llvm::ArrayRef<double> importance, const ErrorFeedback *feedback) {
  BlockRounder rounder(rows, columns, form, importance);
  std::vector<float> part;
  for (int64_t first = 0; first < columns; first += ErrorFeedback::kWindow) { // whole blocks
    int64_t size = std::min(ErrorFeedback::kWindow, columns - first);
    std::vector<float> u;
    if (feedback)
      u = feedback->window(first, chooseTrust(matrix, rows, columns, first, form, importance, *feedback).share);
    for (int64_t row = 0; row < rows; ++row) {
      llvm::ArrayRef<float> w = matrix.slice(row * columns + first, size);
      part.assign(w.begin(), w.end());
      rounder.round(row, first, part, u);
    }
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      double w = matrix[row * columns + column], d = rounder.valueOf(row, column) - w;
      rounder.result.signal += w * w;
      rounder.result.noise += d * d;
    }
  return std::move(rounder.result);
}

double laic::judgeBlocks(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, BlockForm form,
                         llvm::ArrayRef<double> importance, const ErrorFeedback &feedback) {
  constexpr int64_t kJudged = 2; // windows: the others are alike
  int64_t windows = llvm::divideCeil(columns, ErrorFeedback::kWindow), step = llvm::divideCeil(windows, kJudged);
  double error = 0;
  for (int64_t window = 0; window < windows; window += step)
    error += chooseTrust(matrix, rows, columns, window * ErrorFeedback::kWindow, form, importance, feedback).error;
  return error;
}
