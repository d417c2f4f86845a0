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

constexpr unsigned kBias = 2; // of a layer: its operand

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

std::optional<ChannelDivision::Way> ChannelDivision::find(Value x, int64_t axis, llvm::ArrayRef<const Layer *> readers) {
  bool alone = llvm::all_of(x.getUses(), [&](OpOperand &use) {
    return llvm::any_of(
        readers, [&](const Layer *layer) { return layer->op == use.getOwner() && layer->xOperand() == use.getOperandNumber(); });
  });
  Way way;
  int64_t channels = sizeAt(x, axis);
  if (!alone || channels < 0 || !walk(x, {axis, 0, static_cast<size_t>(channels)}, way))
    return std::nullopt;
  return way;
}

void ChannelDivision::divide(const Way &way, llvm::ArrayRef<float> by) {
  for (const Step &step : way) {
    llvm::ArrayRef<float> some = by.slice(step.first, step.end - step.first);
    if (step.layer) {
      outputDivisors[step.layer - layers.begin()] = some.vec();
      if (!leaveWeights)
        divideOutputs(*step.layer, some);
      continue;
    }
    divideConstant(*step.constant, step.axis, some);
    for (Layer &layer : layers)
      if (layer.op == step.constant->getOwner() && layer.bias && step.constant->getOperandNumber() == kBias)
        layer.bias = step.constant->get();
  }
}

// A way that ends where nothing can be divided leaves no steps behind.
bool ChannelDivision::walk(Value x, Part part, Way &way) {
  Operation *op = x.getDefiningOp();
  size_t before = way.size();
  auto found = [&] {
    bool isPool = isa_and_nonnull<MaxPoolOp, AveragePoolOp, GlobalAveragePoolOp>(op) && x == op->getResult(0) && part.axis == 1 &&
                  llvm::all_of(op->getResults().drop_front(), [](Value other) { return other.use_empty(); });
    if (isPool || isa_and_nonnull<ReluOp, LeakyReluOp>(op))
      return isNext(op->getOperand(0)) && walk(op->getOperand(0), part, way);
    if (isa_and_nonnull<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp, IdentityOp>(op)) {
      // With the same number of channels along the last axis on both sides, they stay apart.
      Value source = op->getOperand(0);
      if (!isNext(source) || part.axis != rankOf(x) - 1 || rankOf(source) == 0 || sizeAt(x, part.axis) < 0 ||
          sizeAt(x, part.axis) != sizeAt(source, rankOf(source) - 1))
        return false;
      return walk(source, {rankOf(source) - 1, part.first, part.end}, way);
    }
    return walkConcat(x, part, way) || walkProduct(x, part, way) || walkSum(x, part, way) || divideNorm(x, part, way) ||
           divideLayer(x, part, way);
  };
  if (found())
    return true;
  way.truncate(before);
  return false;
}

bool ChannelDivision::walkConcat(Value x, Part part, Way &way) {
  auto concat = x.getDefiningOp<ConcatOp>();
  if (!concat)
    return false;
  auto joined = static_cast<int64_t>(concat.getAxis());
  if ((joined < 0 ? joined + rankOf(x) : joined) != part.axis)
    return false;
  size_t first = part.first;
  return llvm::all_of(concat->getOperands(), [&](Value operand) {
    int64_t channels = isNext(operand) ? sizeAt(operand, part.axis) : ShapedType::kDynamic;
    if (channels < 0)
      return false;
    Part here = {part.axis, first, first + channels};
    first = here.end;
    return walk(operand, here, way);
  });
}

// One of two factors: a constant, or what can be divided further back.
bool ChannelDivision::walkProduct(Value x, Part part, Way &way) {
  auto product = x.getDefiningOp<MulOp>();
  if (!product)
    return false;
  return llvm::any_of(product->getOpOperands(), [&](OpOperand &factor) {
    std::optional<int64_t> own = axisIn(factor.get(), x, part.axis);
    if (!own)
      return false;
    if (!isConstant(factor.get()))
      return isNext(factor.get()) && walk(factor.get(), {*own, part.first, part.end}, way);
    way.push_back({&factor, *own, nullptr, part.first, part.end});
    return true;
  });
}

// A sum with a constant: both of them.
bool ChannelDivision::walkSum(Value x, Part part, Way &way) {
  auto sum = x.getDefiningOp<AddOp>();
  if (!sum)
    return false;
  for (unsigned i = 0; i < 2; ++i) {
    OpOperand &constant = sum->getOpOperand(i);
    Value other = sum->getOperand(1 - i);
    std::optional<int64_t> own = axisIn(constant.get(), x, part.axis), further = axisIn(other, x, part.axis);
    if (!isConstant(constant.get()) || !own || !further || !isNext(other) || !walk(other, {*further, part.first, part.end}, way))
      continue;
    way.push_back({&constant, *own, nullptr, part.first, part.end});
    return true;
  }
  return false;
}

// Factors and offsets that are vectors along the last axis, as which alone the channels may lie.
bool ChannelDivision::divideNorm(Value x, Part part, Way &way) {
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
  auto isThere = [&](unsigned i) { return i < op->getNumOperands() && !isa<NoneType>(op->getOperand(i).getType()); };
  auto isVector = [&](Value v) { return isConstant(v) && rankOf(v) == 1 && sizeAt(v, 0) == sizeAt(x, part.axis); };
  if (x != op->getResult(0) || part.axis != rankOf(x) - 1 || !isThere(operands.front()))
    return false;
  llvm::erase_if(operands, [&](unsigned i) { return !isThere(i); });
  if (!llvm::all_of(operands, [&](unsigned i) { return isVector(op->getOperand(i)); }))
    return false;
  for (unsigned i : operands)
    way.push_back({&op->getOpOperand(i), 0, nullptr, part.first, part.end});
  return true;
}

bool ChannelDivision::divideLayer(Value x, Part part, Way &way) {
  Operation *op = x.getDefiningOp();
  auto *producer = llvm::find_if(layers, [&](const Layer &layer) { return layer.op == op; });
  if (producer == layers.end() || !producer->kept.empty() || producer->resultAxis() != part.axis)
    return false;
  if (op->getNumOperands() > kBias && !isa<NoneType>(op->getOperand(kBias).getType())) {
    std::optional<int64_t> axis =
        producer->kind == "Conv" ? std::optional<int64_t>(0) : axisIn(op->getOperand(kBias), x, part.axis);
    if (!axis || !isConstant(op->getOperand(kBias)))
      return false;
    way.push_back({&op->getOpOperand(kBias), *axis, nullptr, part.first, part.end});
  }
  way.push_back({nullptr, 0, producer, part.first, part.end});
  return true;
}
