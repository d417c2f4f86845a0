// Estimates what a division of the channels would gain, and moves it into constants.
#include "Smoothing.h"

#include "GraphEdit.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/NormOps.h"

#include <algorithm>

using namespace mlir;
using namespace laic;

namespace {

/// The magnitude of the weights of each input channel, over all layers.
std::vector<double> weightReach(llvm::ArrayRef<const Layer *> layers, size_t channels) {
  std::vector<double> reach(channels);
  for (const Layer *layer : layers) {
    std::vector<char> scratch;
    llvm::ArrayRef<float> w = floatsOf(layer->weights, scratch);
    layer->eachWeight(
        [&](int64_t at, int64_t, int64_t input) { reach[input] = std::max<double>(reach[input], std::abs(w[at])); });
  }
  return reach;
}

/// Mean squares of what rounding adds to the outputs of a layer: an element of x in steps of its range / 255, a weight in steps of its
/// channel's reach / 127, both evenly distributed.
double noiseOf(const Layer &layer, const ChannelMoments &moments, llvm::ArrayRef<double> s) {
  std::vector<char> scratch;
  llvm::ArrayRef<float> w = floatsOf(layer.weights, scratch);
  double lo = 0, hi = 0, count = std::max<double>(moments.count, 1);
  for (size_t c = 0; c < s.size(); ++c) {
    lo = std::min(lo, moments.lo[c] / s[c]);
    hi = std::max(hi, moments.hi[c] / s[c]);
  }
  std::vector<double> reach(layer.channels()), energy(layer.channels());
  double sum = 0;
  layer.eachWeight([&](int64_t at, int64_t channel, int64_t input) {
    double scaled = w[at] * s[input];
    reach[channel] = std::max(reach[channel], std::abs(scaled));
    energy[channel] += moments.square[input] / count / (s[input] * s[input]);
    sum += scaled * scaled;
  });
  double step = (hi - lo) / 255, noise = sum * step * step / 12;
  for (auto [r, e] : llvm::zip_equal(reach, energy))
    noise += e * (r / 127) * (r / 127) / 12;
  return noise;
}

bool isConstant(Value value) {
  std::vector<char> scratch;
  return !floatsOf(value, scratch).empty();
}

/// Multiplies a constant along an axis; the operand gets a constant of its own.
void scaleConstant(OpOperand &operand, int64_t axis, llvm::ArrayRef<float> factors) {
  std::vector<char> scratch;
  std::vector<float> values = floatsOf(operand.get(), scratch).vec();
  auto type = cast<RankedTensorType>(operand.get().getType());
  int64_t inner = 1;
  for (int64_t d = axis + 1; d < type.getRank(); ++d)
    inner *= type.getDimSize(d);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] *= factors[i / inner % factors.size()];
  OpBuilder b(operand.getOwner());
  operand.set(GraphEditor(b, operand.get().getLoc()).floats(values, type.getShape()));
}

} // namespace

void Smoothing::apply(llvm::ArrayRef<ChannelMoments> moments, llvm::ArrayRef<bool> wanted) {
  layers = findLayers(mainOf(module), {});
  divisors.assign(floats.tensors(), {});
  outputDivisors.assign(layers.size(), {});
  std::vector<std::vector<size_t>> readers(floats.tensors());
  for (size_t i = 0; i < layers.size(); ++i)
    readers[floats.layers()[i].tensor].push_back(i);
  for (size_t tensor = 0; tensor < readers.size(); ++tensor) {
    bool all = llvm::all_of(readers[tensor], [&](size_t layer) { return wanted[layer]; });
    if (!all || moments[tensor].count == 0)
      continue;
    Value x = layers[readers[tensor].front()].x;
    bool foldable = fold(tensor, x, /*tryOnly=*/true);
    choose(tensor, moments[tensor], readers[tensor], foldable);
    if (divisors[tensor].empty())
      continue;
    Value divided = x;
    if (foldable) { // all of it: parts alone must not be divided
      fold(tensor, x, /*tryOnly=*/false);
    } else {
      OpBuilder b(x.getContext());
      b.setInsertionPointAfterValue(x);
      llvm::SmallVector<float> factors;
      for (float s : divisors[tensor])
        factors.push_back(1 / s);
      const Layer &first = layers[readers[tensor].front()];
      llvm::SmallVector<int64_t> shape = {static_cast<int64_t>(factors.size())};
      shape.append(first.xType().getRank() - 1 - first.xAxis(), 1);
      Location loc = first.op->getLoc();
      divided = MulOp::create(b, loc, x.getType(), x, GraphEditor(b, loc).floats(factors, shape));
    }
    for (size_t number : readers[tensor]) {
      Layer &layer = layers[number];
      layer.op->setOperand(layer.xOperand(), divided);
      std::vector<char> scratch;
      std::vector<float> w = floatsOf(layer.weights, scratch).vec();
      layer.eachWeight([&](int64_t at, int64_t, int64_t input) { w[at] *= divisors[tensor][input]; });
      OpBuilder b(layer.op);
      layer.weights = GraphEditor(b, layer.weights.getLoc()).floats(w, layer.weightsType().getShape());
      layer.op->setOperand(layer.weightsOperand(), layer.weights);
    }
  }
}

void Smoothing::choose(size_t tensor, const ChannelMoments &moments, llvm::ArrayRef<size_t> readers, bool foldable) {
  constexpr double kShares[] = {0.5, 0.65, 0.8}; // of the spread that go into the weights
  // A channel that was small on all samples need not be so on others: none is taken for smaller than this part of the largest.
  constexpr double kSmallest = 1.0 / 8;
  // A multiplication of its own must earn its time.
  const double most = foldable ? 0.8 : 0.5;
  llvm::SmallVector<const Layer *> of;
  for (size_t number : readers)
    of.push_back(&layers[number]);
  size_t channels = moments.x.size();
  std::vector<double> reach = weightReach(of, channels), ones(channels, 1.0);
  auto noise = [&](llvm::ArrayRef<double> s) {
    double total = 0;
    for (size_t number : readers) {
      double signal = 1e-30;
      for (double energy : floats.layers()[number].energies)
        signal += energy;
      total += noiseOf(layers[number], moments, s) / signal;
    }
    return total;
  };
  double largest = 0;
  for (size_t c = 0; c < channels; ++c)
    largest = std::max<double>({largest, std::abs(moments.lo[c]), std::abs(moments.hi[c])});
  double least = most * noise(ones);
  for (double share : kShares) {
    std::vector<double> s(channels, 1.0);
    for (size_t c = 0; c < channels; ++c) {
      double x = std::max<double>({std::abs(moments.lo[c]), std::abs(moments.hi[c]), kSmallest * largest});
      constexpr double kNothing = 1e-5, kFarthest = 1e4;
      if (x > kNothing && reach[c] > kNothing)
        s[c] = std::clamp(std::pow(x, share) / std::pow(reach[c], 1 - share), 1 / kFarthest, kFarthest);
    }
    if (double now = noise(s); now < least) {
      least = now;
      divisors[tensor].assign(s.begin(), s.end());
    }
  }
}

// Divides the channels of x by changing the constants that it is computed with. False where there are none, or others read x.
bool Smoothing::fold(size_t tensor, Value x, bool tryOnly) {
  llvm::DenseSet<Operation *> readers;
  int64_t axis = 0; // of the channels, as the readers see it
  for (auto [layer, watched] : llvm::zip_equal(layers, floats.layers()))
    if (watched.tensor == tensor) {
      readers.insert(layer.op);
      axis = layer.xAxis();
    }
  auto isReader = [&](OpOperand &use) { return use.getOperandNumber() == 0 && readers.contains(use.getOwner()); };
  return llvm::all_of(x.getUses(), isReader) && divide(x, axis, divisors[tensor], tryOnly);
}

// By what leaves the order and the sum of a channel's elements alone, to where constants are. Without divisors it is tried only.
bool Smoothing::divide(Value x, int64_t axis, llvm::ArrayRef<float> by, bool tryOnly) {
  Operation *op = x.getDefiningOp();
  auto isNext = [&](Value operand) { return operand.hasOneUse() && isa<RankedTensorType>(operand.getType()); };
  bool isPool = isa_and_nonnull<MaxPoolOp, AveragePoolOp, GlobalAveragePoolOp>(op) && x == op->getResult(0) && axis == 1 &&
                llvm::all_of(op->getResults().drop_front(), [](Value other) { return other.use_empty(); });
  if (isPool || isa_and_nonnull<ReluOp, LeakyReluOp>(op))
    return isNext(op->getOperand(0)) && divide(op->getOperand(0), axis, by, tryOnly);
  if (auto concat = dyn_cast_or_null<ConcatOp>(op)) {
    int64_t rank = cast<RankedTensorType>(x.getType()).getRank(), joined = static_cast<int64_t>(concat.getAxis()), first = 0;
    if ((joined < 0 ? joined + rank : joined) != axis)
      return false;
    return llvm::all_of(op->getOperands(), [&](Value part) {
      int64_t channels = isNext(part) ? cast<RankedTensorType>(part.getType()).getDimSize(axis) : ShapedType::kDynamic;
      if (channels == ShapedType::kDynamic)
        return false;
      bool divided = divide(part, axis, by.empty() ? by : by.slice(first, channels), tryOnly);
      first += channels;
      return divided;
    });
  }
  return divideNorm(x, axis, by, tryOnly) || divideConvolution(x, axis, by, tryOnly);
}

static llvm::SmallVector<float> reciprocals(llvm::ArrayRef<float> divisors) {
  return llvm::map_to_vector(divisors, [](float s) { return 1 / s; });
}

bool Smoothing::divideNorm(Value x, int64_t axis, llvm::ArrayRef<float> by, bool tryOnly) {
  auto norm = x.getDefiningOp<LayerNormalizationOp>();
  if (!norm)
    return false;
  auto type = cast<RankedTensorType>(x.getType());
  bool hasBias = norm->getNumOperands() > 2 && !isa<NoneType>(norm->getOperand(2).getType());
  auto isVector = [&](Value v) {
    auto vector = dyn_cast<RankedTensorType>(v.getType());
    return isConstant(v) && vector.getRank() == 1 && vector.getDimSize(0) == type.getDimSize(axis);
  };
  bool isLast = axis == type.getRank() - 1;
  if (x != norm->getResult(0) || !isLast || !isVector(norm->getOperand(1)) || (hasBias && !isVector(norm->getOperand(2))))
    return false;
  if (!tryOnly)
    for (unsigned i = 1; i <= (hasBias ? 2u : 1u); ++i)
      scaleConstant(norm->getOpOperand(i), 0, reciprocals(by));
  return true;
}

bool Smoothing::divideConvolution(Value x, int64_t axis, llvm::ArrayRef<float> by, bool tryOnly) {
  Operation *op = x.getDefiningOp();
  auto producer = llvm::find_if(layers, [&](const Layer &layer) { return layer.op == op; });
  if (producer == layers.end() || producer->kind != "Conv" || !producer->kept.empty() || producer->resultAxis() != axis)
    return false;
  bool hasBias = !isa<NoneType>(op->getOperand(2).getType());
  if (hasBias && !isConstant(op->getOperand(2)))
    return false;
  if (tryOnly)
    return true;
  scaleConstant(op->getOpOperand(1), producer->channelAxis, reciprocals(by));
  producer->weights = op->getOperand(1);
  if (hasBias) {
    scaleConstant(op->getOpOperand(2), 0, reciprocals(by));
    producer->bias = op->getOperand(2);
  }
  outputDivisors[producer - layers.begin()] = by.vec();
  return true;
}
