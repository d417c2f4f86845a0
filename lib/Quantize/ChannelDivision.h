// Divides the channels of a tensor by changing constants that it is computed with.
#ifndef LAIC_LIB_QUANTIZE_CHANNELDIVISION_H
#define LAIC_LIB_QUANTIZE_CHANNELDIVISION_H

#include "Layers.h"

namespace laic {

/// Goes from a tensor back through what is linear in each channel or a ReLU, and through what moves data channel by channel, to constants that
/// have one factor per channel: weights and biases of a layer, factors of a normalisation, vectors that are multiplied or added. A product of
/// two tensors is linear in one of them, which is divided. Nothing else may read what lies between.
class ChannelDivision {
public:
  /// What is to be divided so that a tensor is.
  struct Step {
    mlir::OpOperand *constant = nullptr; // along `axis`
    int64_t axis = 0;
    Layer *layer = nullptr;    // or the outputs of this one, but for its bias
    size_t first = 0, end = 0; // by these of the tensor's divisors
  };
  using Way = llvm::SmallVector<Step>;

  /// `layers`: of the module, whose weights and biases follow what is changed. `leaveWeights`: getOutputDivisors alone says what the weights of
  /// layers are to be divided by.
  explicit ChannelDivision(llvm::MutableArrayRef<Layer> layers, bool leaveWeights = false)
      : layers(layers), outputDivisors(layers.size()), leaveWeights(leaveWeights) {}

  /// How the channels of x, along `axis`, can be divided; `readers` are those for whom that is done, and nobody else may read x. Nothing where
  /// they cannot. Holds until an operation on the way is replaced.
  std::optional<Way> find(mlir::Value x, int64_t axis, llvm::ArrayRef<const Layer *> readers);
  void divide(const Way &way, llvm::ArrayRef<float> by);
  /// What the channels of each layer's output were divided by; empty where they were not.
  llvm::ArrayRef<std::vector<float>> getOutputDivisors() const { return outputDivisors; }

private:
  /// Part of a tensor's channels, by their divisors.
  struct Part {
    int64_t axis;
    size_t first, end;
  };
  bool walk(mlir::Value x, Part part, Way &way);
  bool walkConcat(mlir::Value x, Part part, Way &way);
  bool walkProduct(mlir::Value x, Part part, Way &way);
  bool walkSum(mlir::Value x, Part part, Way &way);
  bool divideNorm(mlir::Value x, Part part, Way &way);
  bool divideLayer(mlir::Value x, Part part, Way &way);

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
