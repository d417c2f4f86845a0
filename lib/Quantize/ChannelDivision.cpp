// Walks from a tensor to the constants that make its channels as large as they are.
#include "ChannelDivision.h"

#include "GraphEdit.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ContribNormOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/NormOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"

using namespace mlir;
using namespace laic;

namespace {

bool isConstant(Value value) {
  std::vector<char> scratch;
  return !floatsOf(value, scratch).empty();
}

/// Divides a constant along an axis; the operand gets a constant of its own.
void divideConstant(OpOperand &operand, int64_t axis, llvm::ArrayRef<float> by) {
  std::vector<char> scratch;
  std::vector<float> values = floatsOf(operand.get(), scratch).vec();
  auto type = cast<RankedTensorType>(operand.get().getType());
  int64_t inner = 1;
  for (int64_t d = axis + 1; d < type.getRank(); ++d)
    inner *= type.getDimSize(d);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] *= 1 / by[i / inner % by.size()];
  OpBuilder b(operand.getOwner());
  operand.set(GraphEditor(b, operand.get().getLoc()).floats(values, type.getShape()));
}

int64_t rankOf(Value x) { return cast<RankedTensorType>(x.getType()).getRank(); }

/// Negative where it is not known.
int64_t sizeAt(Value x, int64_t axis) { return cast<RankedTensorType>(x.getType()).getDimSize(axis); }

/// The axis of an operand that broadcasts to `axis` of `x`, if it has all of the channels there.
std::optional<int64_t> axisIn(Value operand, Value x, int64_t axis) {
  auto type = dyn_cast<RankedTensorType>(operand.getType()), whole = cast<RankedTensorType>(x.getType());
  int64_t own = type ? axis - (whole.getRank() - type.getRank()) : -1;
  if (own < 0 || ShapedType::isDynamic(whole.getDimSize(axis)) || type.getDimSize(own) != whole.getDimSize(axis))
    return std::nullopt;
  return own;
}

bool isNext(Value operand) { return operand.hasOneUse() && isa<RankedTensorType>(operand.getType()); }

} // namespace

void laic::multiplyInputs(Layer &layer, llvm::ArrayRef<float> factors) {
  std::vector<char> scratch;
  std::vector<float> w = floatsOf(layer.weights, scratch).vec();
  layer.eachWeight([&](int64_t at, int64_t, int64_t input) { w[at] *= factors[input]; });
  OpBuilder b(layer.op);
  layer.weights = GraphEditor(b, layer.weights.getLoc()).floats(w, layer.weightsType().getShape());
  layer.op->setOperand(layer.weightsOperand(), layer.weights);
}

void laic::divideOutputs(Layer &layer, llvm::ArrayRef<float> by) {
  divideConstant(layer.op->getOpOperand(layer.weightsOperand()), layer.channelAxis, by);
  layer.weights = layer.op->getOperand(layer.weightsOperand());
}

bool ChannelDivision::canDivide(Value x, int64_t axis, llvm::ArrayRef<const Layer *> readers) {
  bool alone = llvm::all_of(x.getUses(), [&](OpOperand &use) {
    return llvm::any_of(
        readers, [&](const Layer *layer) { return layer->op == use.getOwner() && layer->xOperand() == use.getOperandNumber(); });
  });
  return alone && walk(x, axis, {});
}

void ChannelDivision::divide(Value x, int64_t axis, llvm::ArrayRef<float> by) { walk(x, axis, by); }

// Without divisors it is tried only.
bool ChannelDivision::walk(Value x, int64_t axis, llvm::ArrayRef<float> by) {
  Operation *op = x.getDefiningOp();
  bool isPool = isa_and_nonnull<MaxPoolOp, AveragePoolOp, GlobalAveragePoolOp>(op) && x == op->getResult(0) && axis == 1 &&
                llvm::all_of(op->getResults().drop_front(), [](Value other) { return other.use_empty(); });
  if (isPool || isa_and_nonnull<ReluOp, LeakyReluOp>(op))
    return isNext(op->getOperand(0)) && walk(op->getOperand(0), axis, by);
  if (isa_and_nonnull<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp, IdentityOp>(op)) {
    // With the same number of channels along the last axis on both sides, they stay apart.
    Value before = op->getOperand(0);
    return isNext(before) && axis == rankOf(x) - 1 && rankOf(before) > 0 && sizeAt(x, axis) > 0 &&
           sizeAt(x, axis) == sizeAt(before, rankOf(before) - 1) && walk(before, rankOf(before) - 1, by);
  }
  return walkConcat(x, axis, by) || walkProduct(x, axis, by) || walkSum(x, axis, by) || divideNorm(x, axis, by) ||
         divideLayer(x, axis, by);
}

bool ChannelDivision::walkConcat(Value x, int64_t axis, llvm::ArrayRef<float> by) {
  auto concat = x.getDefiningOp<ConcatOp>();
  if (!concat)
    return false;
  int64_t joined = static_cast<int64_t>(concat.getAxis()), first = 0;
  if ((joined < 0 ? joined + rankOf(x) : joined) != axis)
    return false;
  return llvm::all_of(concat->getOperands(), [&](Value part) {
    int64_t channels = isNext(part) ? cast<RankedTensorType>(part.getType()).getDimSize(axis) : ShapedType::kDynamic;
    if (channels == ShapedType::kDynamic)
      return false;
    bool divided = walk(part, axis, by.empty() ? by : by.slice(first, channels));
    first += channels;
    return divided;
  });
}

// One of two factors: a constant, or what can be divided further back.
bool ChannelDivision::walkProduct(Value x, int64_t axis, llvm::ArrayRef<float> by) {
  auto product = x.getDefiningOp<MulOp>();
  if (!product)
    return false;
  for (OpOperand &factor : product->getOpOperands()) {
    std::optional<int64_t> own = axisIn(factor.get(), x, axis);
    if (!own)
      continue;
    if (isConstant(factor.get())) {
      if (!by.empty())
        divideConstant(factor, *own, by);
      return true;
    }
    if (isNext(factor.get()) && walk(factor.get(), *own, by))
      return true;
  }
  return false;
}

// A sum with a constant: both of them.
bool ChannelDivision::walkSum(Value x, int64_t axis, llvm::ArrayRef<float> by) {
  auto sum = x.getDefiningOp<AddOp>();
  if (!sum)
    return false;
  for (unsigned i = 0; i < 2; ++i) {
    OpOperand &constant = sum->getOpOperand(i);
    Value other = sum->getOperand(1 - i);
    std::optional<int64_t> own = axisIn(constant.get(), x, axis), further = axisIn(other, x, axis);
    if (!isConstant(constant.get()) || !own || !further || !isNext(other) || !walk(other, *further, by))
      continue;
    if (!by.empty())
      divideConstant(constant, *own, by);
    return true;
  }
  return false;
}

// Factors and offsets that are vectors along the last axis, as which alone the channels may lie.
bool ChannelDivision::divideNorm(Value x, int64_t axis, llvm::ArrayRef<float> by) {
  llvm::SmallVector<unsigned, 2> operands; // those with an element per channel; the first one must be there
  Operation *op = x.getDefiningOp();
  if (isa_and_nonnull<LayerNormalizationOp>(op))
    operands = {1, 2};
  else if (isa_and_nonnull<RMSNormalizationOp, SimplifiedLayerNormalizationOp>(op))
    operands = {1};
  else if (isa_and_nonnull<SkipLayerNormalizationOp>(op))
    operands = {2, 3};
  else if (isa_and_nonnull<SkipSimplifiedLayerNormalizationOp>(op))
    operands = {2};
  else
    return false;
  auto type = cast<RankedTensorType>(x.getType());
  auto isThere = [&](unsigned i) { return i < op->getNumOperands() && !isa<NoneType>(op->getOperand(i).getType()); };
  auto isVector = [&](Value v) {
    auto vector = dyn_cast<RankedTensorType>(v.getType());
    return isConstant(v) && vector.getRank() == 1 && vector.getDimSize(0) == type.getDimSize(axis);
  };
  if (x != op->getResult(0) || axis != type.getRank() - 1 || !isThere(operands.front()))
    return false;
  llvm::erase_if(operands, [&](unsigned i) { return !isThere(i); });
  if (!llvm::all_of(operands, [&](unsigned i) { return isVector(op->getOperand(i)); }))
    return false;
  if (!by.empty())
    for (unsigned i : operands)
      divideConstant(op->getOpOperand(i), 0, by);
  return true;
}

bool ChannelDivision::divideLayer(Value x, int64_t axis, llvm::ArrayRef<float> by) {
  constexpr unsigned kBias = 2;
  Operation *op = x.getDefiningOp();
  auto *producer = llvm::find_if(layers, [&](const Layer &layer) { return layer.op == op; });
  if (producer == layers.end() || !producer->kept.empty() || producer->resultAxis() != axis)
    return false;
  bool hasBias = op->getNumOperands() > kBias && !isa<NoneType>(op->getOperand(kBias).getType());
  std::optional<int64_t> biasAxis;
  if (hasBias)
    biasAxis = producer->kind == "Conv" ? 0 : axisIn(op->getOperand(kBias), x, axis);
  if (hasBias && (!biasAxis || !isConstant(op->getOperand(kBias))))
    return false;
  if (by.empty())
    return true;
  if (!leaveWeights)
    divideOutputs(*producer, by);
  if (hasBias) {
    divideConstant(op->getOpOperand(kBias), *biasAxis, by);
    if (producer->bias)
      producer->bias = op->getOperand(kBias);
  }
  outputDivisors[producer - layers.begin()] = by.vec();
  return true;
}
