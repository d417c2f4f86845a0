// Accumulates X^T X by windows and factors its inverse.
#include "ErrorFeedback.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cmath>

using namespace laic;

void ErrorFeedback::add(const Activation &x) {
  inputs = x.channels;
  size_t half = samples++ % 2;
  std::vector<std::vector<float>> &sums = products[half];
  if (sums.empty())
    for (int64_t first = 0; first < inputs; first += kWindow)
      sums.emplace_back(windowSize(first) * windowSize(first));
  // Rows of a few at a time share what is read and written of the sums.
  constexpr int64_t kTogether = 4;
  std::vector<const float *> finite; // rows with infinity or NaN say nothing
  for (size_t at = 0; at + inputs <= x.values.size(); at += inputs)
    if (llvm::all_of(x.values.slice(at, inputs), [](float value) { return std::isfinite(value); }))
      finite.push_back(x.values.data() + at);
  auto count = static_cast<int64_t>(finite.size());
  rows[half] += count;
  for (size_t w = 0; w < sums.size(); ++w) {
    int64_t first = static_cast<int64_t>(w) * kWindow, n = windowSize(first);
    for (int64_t row = 0; row < count; row += kTogether) {
      int64_t together = std::min(kTogether, count - row);
      for (int64_t i = 0; i < n; ++i) {
        float left[kTogether] = {};
        const float *right[kTogether];
        for (int64_t r = 0; r < kTogether; ++r) {
          right[r] = finite[row + std::min(r, together - 1)] + first;
          left[r] = r < together ? right[r][i] : 0.0f;
        }
        float *sum = sums[w].data() + i * n;
        for (int64_t j = i; j < n; ++j)
          sum[j] += left[0] * right[0][j] + left[1] * right[1][j] + left[2] * right[2][j] + left[3] * right[3][j];
      }
    }
  }
}

void ErrorFeedback::divide(llvm::ArrayRef<float> by) {
  for (std::vector<std::vector<float>> &half : products)
    for (auto [w, sum] : llvm::enumerate(half)) {
      int64_t first = static_cast<int64_t>(w) * kWindow, n = windowSize(first);
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = i; j < n; ++j)
          sum[i * n + j] /= by[first + i] * by[first + j];
    }
}

std::vector<float> ErrorFeedback::sumOf(int64_t first, Part part) const {
  std::vector<float> sum(windowSize(first) * windowSize(first));
  for (size_t half = 0; half < 2; ++half)
    if (rows[half] > 0 && part != (half == 0 ? Part::Second : Part::First))
      for (auto [total, value] : llvm::zip_equal(sum, products[half][first / kWindow]))
        total += value;
  return sum;
}

double ErrorFeedback::energy(int64_t first, llvm::ArrayRef<float> errors, Part part) const {
  std::vector<float> h = sumOf(first, part);
  int64_t n = windowSize(first);
  double total = 0;
  for (llvm::ArrayRef<float> d = errors; !d.empty(); d = d.drop_front(n))
    for (int64_t i = 0; i < n; ++i) {
      float line = 0;
      for (int64_t j = i + 1; j < n; ++j)
        line += h[i * n + j] * d[j];
      total += double(d[i]) * (double(h[i * n + i]) * d[i] + 2.0 * line);
    }
  return total;
}

double ErrorFeedback::safeTrust(int64_t first) const {
  auto seen = static_cast<double>(rows[0] + rows[1]);
  return seen / (seen + static_cast<double>(windowSize(first)));
}

// With J the reversal of order, J H J = L L^T gives H = M M^T for M = J L J, which is upper triangular, and the inverse of H is U^T U for
// U = M^-1, upper triangular as well.
std::vector<float> ErrorFeedback::window(int64_t first, double trust, Part part) const {
  int64_t n = windowSize(first);
  std::vector<float> h = sumOf(first, part);
  double mean = 0;
  for (int64_t i = 0; i < n; ++i)
    mean += h[i * n + i] / static_cast<double>(n);
  double damping = 0.01 * mean + 1e-12;
  if (trust == 0) { // nothing is passed on
    std::vector<float> u(n * n);
    for (int64_t i = 0; i < n; ++i)
      u[i * n + i] = 1;
    return u;
  }
  // L transposed, in the upper half of the reversed matrix: row after row is finished and taken off those below it.
  std::vector<double> l(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i; j < n; ++j) {
      int64_t a = n - 1 - j, b = n - 1 - i; // a <= b: in the upper half
      l[i * n + j] = i == j ? h[a * n + a] + damping : h[a * n + b] * trust;
    }
  for (int64_t k = 0; k < n; ++k) {
    double *line = l.data() + k * n;
    line[k] = std::sqrt(std::max(line[k], damping * 1e-3));
    for (int64_t j = k + 1; j < n; ++j)
      line[j] /= line[k];
    for (int64_t i = k + 1; i < n; ++i) {
      double *below = l.data() + i * n, factor = line[i];
      for (int64_t j = i; j < n; ++j)
        below[j] -= factor * line[j];
    }
  }
  std::vector<double> inverse(n * n); // of L, lower triangular
  for (int64_t i = 0; i < n; ++i) {
    double *row = inverse.data() + i * n;
    for (int64_t k = 0; k < i; ++k) {
      double factor = l[k * n + i];
      for (int64_t j = 0; j <= k; ++j)
        row[j] -= factor * inverse[k * n + j];
    }
    for (int64_t j = 0; j < i; ++j)
      row[j] /= l[i * n + i];
    row[i] = 1 / l[i * n + i];
  }
  std::vector<float> u(n * n);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i; j < n; ++j)
      u[i * n + j] = static_cast<float>(inverse[(n - 1 - i) * n + (n - 1 - j)]);
  return u;
}
