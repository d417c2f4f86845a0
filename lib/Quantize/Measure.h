// How far outputs are from what they should be.
#ifndef LAIC_LIB_QUANTIZE_MEASURE_H
#define LAIC_LIB_QUANTIZE_MEASURE_H

#include "Samples.h"

#include <string>
#include <vector>

namespace laic {

/// 10 log10(signal / noise), at most 200: also where nothing differs, or nothing could be compared.
double decibels(double signal, double noise);

/// One float output over all samples.
struct OutputLoss {
  std::string name;
  double signal = 0, noise = 0;   // sums of squares: of the output, and of its error
  int64_t rows = 0, agreeing = 0; // rows along the last axis whose largest element stays the same
  double worst = 200;             // SQNR of the worst sample
  size_t worstSample = 0;

  double sqnr() const { return decibels(signal, noise); }
  double agreement() const { return rows ? 100.0 * agreeing / rows : 100; } // percent
};

/// The outputs of a model on all samples, kept to compare others with.
class Reference {
public:
  explicit Reference(std::vector<std::string> names) : names(std::move(names)) {}
  /// The outputs of the next sample; those behind the names are left out.
  void add(llvm::ArrayRef<TensorView> outputs);
  /// Runs `graph` on the samples. Losses of the float outputs; an error text, empty on success.
  std::string compare(RunnableGraph &graph, const Samples &samples, std::vector<OutputLoss> &losses) const;

private:
  struct Kept {
    TensorView view;
    std::vector<char> bytes;
  };
  std::vector<std::string> names;
  std::vector<std::vector<Kept>> samples;
};

} // namespace laic
#endif
