// Which later weights make up for the rounding of an earlier one.
#ifndef LAIC_LIB_QUANTIZE_ERRORFEEDBACK_H
#define LAIC_LIB_QUANTIZE_ERRORFEEDBACK_H

#include "FloatRun.h"

namespace laic {

/// Sums of products of the inputs that a layer reads, X^T X, and what follows from them for rounding its weights one input after the other
/// (Frantar et al., "GPTQ", 2022). Inputs are taken in windows of neighbours: memory and time stay linear in their number.
class ErrorFeedback {
public:
  static constexpr int64_t kWindow = 512;

  /// Adds one sample. Its channels are the inputs.
  void add(const Activation &x);
  bool empty() const { return inputs == 0; }

  /// The window that starts at input `first`: U, upper triangular, row by row, with U^T U the inverse of that part of X^T X, damped by a
  /// hundredth of its mean diagonal. When input i has been rounded with the error e, weights j > i take off e * U[i][j] / U[i][i].
  std::vector<float> window(int64_t first) const;
  int64_t windowSize(int64_t first) const { return std::min(kWindow, inputs - first); }

private:
  int64_t inputs = 0;
  std::vector<std::vector<float>> products; // per window: [n][n], the upper half
};

} // namespace laic
#endif
