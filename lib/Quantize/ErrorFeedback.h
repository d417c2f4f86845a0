// Which later weights make up for the rounding of an earlier one.
#ifndef LAIC_LIB_QUANTIZE_ERRORFEEDBACK_H
#define LAIC_LIB_QUANTIZE_ERRORFEEDBACK_H

#include "FloatRun.h"

namespace laic {

/// Sums of products of the inputs that a layer reads, X^T X, and what follows from them for rounding its weights one input after the other
/// (Frantar et al., "GPTQ", 2022). Inputs are taken in windows of neighbours: memory and time stay linear in their number. The samples are
/// summed in two halves, so that what one of them says can be judged by the other.
class ErrorFeedback {
public:
  static constexpr int64_t kWindow = 512;
  enum class Part { First, Second, Both };

  /// Adds one sample. Its channels are the inputs.
  void add(const Activation &x);
  /// As if each input had been divided by a number of its own.
  void divide(llvm::ArrayRef<float> by);
  bool empty() const { return inputs == 0; }
  bool hasHalves() const { return rows[0] > 0 && rows[1] > 0; }

  /// The window that starts at input `first`: U, upper triangular, row by row, with U^T U the inverse of H, that part of X^T X, damped by a
  /// hundredth of its mean diagonal; of what is off the diagonal the share `trust` counts. When input i has been rounded with the error e,
  /// weights j > i take off e * U[i][j] / U[i][i].
  std::vector<float> window(int64_t first, double trust, Part part = Part::Both) const;
  /// The sum of d^T H d: the square error that errors d of a window's weights make, in rows one behind the other.
  double energy(int64_t first, llvm::ArrayRef<float> errors, Part part) const;
  /// A share of the correlations that is safe without a judge: fewer rows than inputs leave directions in which no row has looked.
  double safeTrust(int64_t first) const;
  int64_t windowSize(int64_t first) const { return std::min(kWindow, inputs - first); }

private:
  /// The upper half.
  std::vector<float> sumOf(int64_t first, Part part) const;

  int64_t inputs = 0;
  size_t samples = 0;
  int64_t rows[2] = {0, 0};
  std::vector<std::vector<float>> products[2]; // per window: [n][n], the upper half
};

} // namespace laic
#endif
