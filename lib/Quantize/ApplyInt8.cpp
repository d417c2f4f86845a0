// Puts what a plan says into the graph.
#include "Int8.h"

#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"

#include <algorithm>

using namespace mlir;
using namespace laic;

namespace {

/// The addition of a constant per channel behind a product that has no bias of its own; its operand.
OpOperand *addedBias(const Layer &layer) {
  Value y = layer.op->getResult(0);
  auto add = y.hasOneUse() ? dyn_cast<AddOp>(*y.user_begin()) : AddOp();
  if (layer.bias || !add || layer.kind == "Conv")
    return nullptr;
  OpOperand &other = add->getOpOperand(add->getOperand(0) == y ? 1 : 0);
  return isBias(other.get(), layer.channels()) ? &other : nullptr;
}

class Applier {
public:
  explicit Applier(func::FuncOp main) : main(main), b(main.getContext()) {}

  void apply(const Int8Plan &plan) {
    std::vector<Layer> layers = findLayers(main, {});
    for (auto [layer, decided] : llvm::zip(layers, plan.layers))
      if (decided.kept.empty())
        quantizeLayer(layer, decided, plan.perRow);
    for (auto [table, decided] : llvm::zip_equal(findTables(main), llvm::ArrayRef(plan.layers).drop_front(layers.size())))
      if (decided.kept.empty()) {
        b.setInsertionPoint(table.op);
        table.op->setOperand(
            0, GraphEditor(b, table.op->getLoc()).dequantized(*decided.weights, table.type().getShape(), /*axis=*/0));
      }
    if (plan.perRow)
      return;
    for (auto [x, pair] : pairs)
      narrowSums(x, pair);
    for (auto [x, pair] : pairs)
      absorbClamps(pair);
  }

private:
  void quantizeLayer(const Layer &layer, const LayerPlan &decided, bool perRow) {
    auto [it, isNew] = pairs.try_emplace(layer.x);
    if (isNew) {
      b.setInsertionPointAfterValue(layer.x);
      Location loc = layer.x.getDefiningOp() ? layer.x.getLoc() : layer.op->getLoc();
      GraphEditor edit(b, loc);
      it->second = perRow ? edit.quantizedRows(layer.x, layer.weightsType().getDimSize(1 - layer.channelAxis))
                          : edit.quantized(layer.x, decided.x);
    }
    b.setInsertionPoint(layer.op);
    GraphEditor edit(b, layer.op->getLoc());
    layer.op->setOperand(layer.xOperand(), it->second);
    layer.op->setOperand(layer.weightsOperand(),
                         edit.dequantized(*decided.weights, layer.weightsType().getShape(), layer.channelAxis));
    quantizeBias(layer, decided, perRow, edit);
    products.insert(layer.op);
  }

  // In units of the sums, as i32; as floats where it is too large for that, or where each row has another unit.
  void quantizeBias(const Layer &layer, const LayerPlan &decided, bool perRow, GraphEditor &edit) {
    std::vector<char> scratch;
    OpOperand *added = addedBias(layer);
    Value old = added ? added->get() : layer.bias;
    bool hasOther = layer.kind == "MatMul" || !isa<NoneType>(layer.op->getOperand(2).getType()); // no bias of ours to write
    if (!old && (hasOther || decided.biasShift.empty()))
      return;
    std::vector<float> bias(layer.channels(), 0.0f);
    if (old)
      bias = floatsOf(old, scratch).vec();
    for (size_t c = 0; c < decided.biasShift.size(); ++c)
      bias[c] -= decided.biasShift[c];
    llvm::SmallVector<int64_t> shape = {layer.channels()};
    if (old)
      shape.assign(cast<RankedTensorType>(old.getType()).getShape().begin(),
                   cast<RankedTensorType>(old.getType()).getShape().end());
    if (added)
      return added->set(edit.floats(bias, shape));
    if (layer.op->getNumOperands() < 3)
      return;
    if (perRow)
      return layer.op->setOperand(2, edit.floats(bias, shape));
    constexpr double kLimit = 1 << 30;
    std::vector<int32_t> integers;
    std::vector<float> scales;
    for (auto [value, scale] : llvm::zip_equal(bias, decided.weights->scales)) {
      scales.push_back(scale * decided.x.scale);
      double q = std::nearbyint(double(value) / scales.back());
      if (!(std::abs(q) <= kLimit))
        return layer.op->setOperand(2, edit.floats(bias, shape));
      integers.push_back(static_cast<int32_t>(q));
    }
    layer.op->setOperand(2, edit.dequantized(integers, scales, shape));
  }

  // A sum of a convolution and an activation that is quantised anyway reads the bytes.
  void narrowSums(Value x, Value dequantized) {
    x.replaceUsesWithIf(dequantized, [&](OpOperand &use) {
      auto add = dyn_cast<AddOp>(use.getOwner());
      if (!add)
        return false;
      Operation *other = add->getOperand(1 - use.getOperandNumber()).getDefiningOp();
      return other && isa<ConvOp>(other) && products.contains(other);
    });
  }

  // Rounding to bytes from 0 on clamps at 0, and at the end of their range.
  void absorbClamps(Value dequantized) {
    auto quantize = dequantized.getDefiningOp<DequantizeLinearOp>().getX().getDefiningOp<QuantizeLinearOp>();
    std::vector<char> scratch;
    auto zero = cast<DenseElementsAttr>(quantize.getYZeroPoint().getDefiningOp<ConstantOp>().getValue());
    if (!zero.getSplatValue<APInt>().isZero())
      return;
    float most = 255 * floatsOf(quantize.getYScale(), scratch)[0];
    Operation *clamp = quantize.getX().getDefiningOp();
    if (!isa_and_nonnull<ReluOp, ClipOp>(clamp) || !clamp->hasOneUse() || clamp->getOperand(0).getDefiningOp<ConstantOp>())
      return;
    if (isa<ReluOp>(clamp) || clampsAround(clamp, most)) {
      quantize->setOperand(0, clamp->getOperand(0));
      clamp->erase();
    }
  }

  // From 0, to what bytes cannot exceed.
  static bool clampsAround(Operation *clip, float most) {
    std::vector<char> low, high;
    llvm::ArrayRef<float> from = floatsOf(clip->getOperand(1), low), to = floatsOf(clip->getOperand(2), high);
    return from.size() == 1 && from[0] == 0 && to.size() == 1 && most <= to[0] * 1.0001f;
  }

  func::FuncOp main;
  OpBuilder b;
  llvm::MapVector<Value, Value> pairs; // an activation: itself after a round trip through u8
  llvm::DenseSet<Operation *> products;
};

} // namespace

void laic::applyInt8(func::FuncOp main, const Int8Plan &plan) { Applier(main).apply(plan); }
