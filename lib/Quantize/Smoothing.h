// Moves the spread of an activation's channels into the weights that multiply them.
#ifndef LAIC_LIB_QUANTIZE_SMOOTHING_H
#define LAIC_LIB_QUANTIZE_SMOOTHING_H

#include "ChannelDivision.h"
#include "FloatRun.h"

namespace laic {

/// x W = (x / s) (s W) for any positive s per channel of x. One scale for all channels of x rounds those that are small coarsely; the weights
/// have a scale per output, and can take some of the spread (Xiao et al., "SmoothQuant", 2022; between two convolutions, Nagel et al.,
/// "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019).
class Smoothing {
public:
  Smoothing(mlir::ModuleOp module, const FloatRun &floats) : module(module), floats(floats) {}

  /// Chooses s for every tensor where the noise that rounding adds, as estimated from the moments, falls by enough; then rewrites the float
  /// module, which stays the same function: s goes into the weights, 1 / s into what computes the tensor where ChannelDivision finds a way,
  /// and otherwise into a multiplication.
  void apply(llvm::ArrayRef<ChannelMoments> moments, llvm::ArrayRef<bool> wanted);

  /// s of each tensor; empty where it stays as it was.
  llvm::ArrayRef<std::vector<float>> getDivisors() const { return divisors; }
  /// What the channels of each layer's output were divided by, likewise.
  llvm::ArrayRef<std::vector<float>> getOutputDivisors() const { return outputDivisors; }

private:
  void choose(size_t tensor, const ChannelMoments &moments, llvm::ArrayRef<size_t> readers, bool foldable);

  mlir::ModuleOp module;
  const FloatRun &floats;
  std::vector<Layer> layers;
  std::vector<std::vector<float>> divisors, outputDivisors;
};

} // namespace laic
#endif
