// Divides the channels of a tensor by changing constants that it is computed with.
#ifndef LAIC_LIB_QUANTIZE_CHANNELDIVISION_H
#define LAIC_LIB_QUANTIZE_CHANNELDIVISION_H

#include "Layers.h"

namespace laic {

/// Goes from a tensor back through what is linear in each channel, or positively homogeneous (ReLU, pooling, products of two tensors), and moves
/// data channel by channel, to constants that have one factor per channel: weights and biases of a layer, factors of a normalisation, vectors
/// that are multiplied or added. Nothing else may read what lies between.
class ChannelDivision {
public:
  /// `layers`: of the module, whose weights and biases follow what is changed. `leaveWeights`: getOutputDivisors alone says what the weights of
  /// layers are to be divided by.
  explicit ChannelDivision(llvm::MutableArrayRef<Layer> layers, bool leaveWeights = false)
      : layers(layers), outputDivisors(layers.size()), leaveWeights(leaveWeights) {}

  /// Whether the channels of x, along `axis`, can be divided; `readers` are those for whom that is done, and nobody else may read x.
  bool canDivide(mlir::Value x, int64_t axis, llvm::ArrayRef<const Layer *> readers);
  /// Divides what canDivide has approved.
  void divide(mlir::Value x, int64_t axis, llvm::ArrayRef<float> by);
  /// What the channels of each layer's output were divided by; empty where they were not.
  llvm::ArrayRef<std::vector<float>> getOutputDivisors() const { return outputDivisors; }

private:
  bool walk(mlir::Value x, int64_t axis, llvm::ArrayRef<float> by);
  bool walkConcat(mlir::Value x, int64_t axis, llvm::ArrayRef<float> by);
  bool walkProduct(mlir::Value x, int64_t axis, llvm::ArrayRef<float> by);
  bool walkSum(mlir::Value x, int64_t axis, llvm::ArrayRef<float> by);
  bool divideNorm(mlir::Value x, int64_t axis, llvm::ArrayRef<float> by);
  bool divideLayer(mlir::Value x, int64_t axis, llvm::ArrayRef<float> by);

  llvm::MutableArrayRef<Layer> layers;
  std::vector<std::vector<float>> outputDivisors;
  bool leaveWeights;
};

/// Multiplies the weights of a layer by a factor per input channel; they become a constant of its own.
void multiplyInputs(Layer &layer, llvm::ArrayRef<float> factors);
/// Divides them by one per output channel.
void divideOutputs(Layer &layer, llvm::ArrayRef<float> by);

} // namespace laic
#endif
