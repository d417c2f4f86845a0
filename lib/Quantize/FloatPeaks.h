// How large the values of the model in floats become on the samples.
#ifndef LAIC_LIB_QUANTIZE_FLOATPEAKS_H
#define LAIC_LIB_QUANTIZE_FLOATPEAKS_H

#include "FloatRun.h"

namespace laic {

/// Runs a copy of a module on all samples.
class FloatPeaks {
public:
  FloatPeaks(mlir::ModuleOp module, GraphRunner &runner, const Samples &samples)
      : module(module), runner(runner), samples(samples) {}

  /// The largest finite magnitude of each of these values of @main (tensors of f32), infinity where it was NaN; and the outputs.
  llvm::LogicalResult run(llvm::ArrayRef<mlir::Value> values);
  llvm::ArrayRef<double> getPeaks() const { return peaks; }
  const Reference &getReference() const { return *reference; }

private:
  mlir::ModuleOp module;
  GraphRunner &runner;
  const Samples &samples;
  std::vector<double> peaks;
  std::optional<Reference> reference;
};

} // namespace laic
#endif
