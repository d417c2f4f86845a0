// Scales weights and moves biases by what BatchNormalization does to each channel.
#include "FoldNorms.h"

#include "GraphEdit.h"
#include "Layers.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/NormOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

/// y = x * factor + offset, for each channel.
struct ChannelMap {
  std::vector<double> factor, offset;
};

/// Empty where a statistic is no constant, or the batch's own.
ChannelMap mapOf(BatchNormalizationOp norm, size_t channels) {
  std::vector<char> scratch[4];
  llvm::ArrayRef<float> scale = floatsOf(norm.getScale(), scratch[0]), bias = floatsOf(norm.getB(), scratch[1]),
                        mean = floatsOf(norm.getInputMean(), scratch[2]), variance = floatsOf(norm.getInputVar(), scratch[3]);
  bool constant = llvm::all_of(llvm::ArrayRef{scale, bias, mean, variance},
                               [&](llvm::ArrayRef<float> values) { return values.size() == channels; });
  ChannelMap map;
  for (size_t c = 0; constant && norm.getTrainingMode() == 0 && c < channels; ++c) {
    double factor = scale[c] / std::sqrt(variance[c] + double(norm.getEpsilon().convertToFloat()));
    map.factor.push_back(factor);
    map.offset.push_back(bias[c] - mean[c] * factor);
  }
  return map;
}

/// The norm that alone reads the layer's result; null: there is none, or a layer's bias has another form than one number per channel.
BatchNormalizationOp normBehind(const Layer &layer) {
  Operation *op = layer.op;
  bool biasFits = op->getNumOperands() < 3 || isa<NoneType>(op->getOperand(2).getType()) || layer.bias;
  if (!isa<ConvOp, GemmOp>(op) || !layer.kept.empty() || !biasFits || !op->hasOneUse())
    return {};
  auto norm = dyn_cast<BatchNormalizationOp>(*op->user_begin());
  bool isInput = norm && norm.getX() == op->getResult(0) && norm.getRunningMean().use_empty() && norm.getRunningVar().use_empty();
  return isInput && getElementTypeOrSelf(norm.getY().getType()).isF32() ? norm : BatchNormalizationOp();
}

bool fold(const Layer &layer, BatchNormalizationOp norm) {
  std::vector<char> weightBytes, biasBytes;
  llvm::ArrayRef<float> weights = floatsOf(layer.weights, weightBytes),
                        bias = layer.bias ? floatsOf(layer.bias, biasBytes) : llvm::ArrayRef<float>();
  ChannelMap map = mapOf(norm, layer.channels());
  if (weights.empty() || map.factor.empty())
    return false;
  std::vector<float> scaled(weights.size()), moved(map.offset.begin(), map.offset.end());
  layer.eachWeight(
      [&](int64_t at, int64_t channel, int64_t) { scaled[at] = static_cast<float>(weights[at] * map.factor[channel]); });
  for (auto [c, value] : llvm::enumerate(bias))
    moved[c] = static_cast<float>(value * map.factor[c] + map.offset[c]);
  auto finite = [](float x) { return std::isfinite(x); };
  if (!llvm::all_of(scaled, finite) || !llvm::all_of(moved, finite))
    return false;
  OpBuilder b(layer.op);
  GraphEditor edit(b, layer.op->getLoc());
  layer.op->setOperand(layer.weightsOperand(), edit.floats(scaled, layer.weightsType().getShape()));
  layer.op->setOperand(2, edit.floats(moved, {layer.channels()}));
  norm.getY().replaceAllUsesWith(layer.op->getResult(0));
  norm.erase();
  return true;
}

} // namespace

void laic::foldNorms(func::FuncOp main) {
  bool folded = false;
  for (const Layer &layer : findLayers(main, {}))
    if (BatchNormalizationOp norm = normBehind(layer))
      folded |= fold(layer, norm);
  if (folded)
    eraseUnused(main);
}
