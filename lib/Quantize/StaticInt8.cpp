// Post-training quantisation to u8 activations and s8 weights.
//
//   observe    the float model runs on the samples; every activation that a layer reads gets a histogram
//   smooth     where channels of an activation differ much, the float model is rewritten so that the weights take some of that
//   choose     a range per activation, a scale per output channel of the weights
//   estimate   from the moments of what is rounded: the noise that each layer adds, and the mean error of its channels, which the bias
//              takes off
//   widen      layers return to floats, most sensitive per byte first, until the outputs of the whole keep the loss that is allowed
#include "StaticInt8.h"

#include "Widening.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"
#include "mlir/IR/IRMapping.h"

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
        quantizeLayer(layer, decided);
    for (auto [table, decided] : llvm::zip_equal(findTables(main), llvm::ArrayRef(plan.layers).drop_front(layers.size())))
      if (decided.kept.empty()) {
        b.setInsertionPoint(table.op);
        table.op->setOperand(
            0, GraphEditor(b, table.op->getLoc()).dequantized(*decided.weights, table.type().getShape(), /*axis=*/0));
      }
    for (auto [x, pair] : pairs)
      narrowSums(x, pair);
    for (auto [x, pair] : pairs)
      absorbClamps(pair);
  }

private:
  void quantizeLayer(const Layer &layer, const LayerPlan &decided) {
    auto [it, isNew] = pairs.try_emplace(layer.x);
    if (isNew) {
      b.setInsertionPointAfterValue(layer.x);
      Location loc = layer.x.getDefiningOp() ? layer.x.getLoc() : layer.op->getLoc();
      it->second = GraphEditor(b, loc).quantized(layer.x, decided.x);
    }
    b.setInsertionPoint(layer.op);
    GraphEditor edit(b, layer.op->getLoc());
    layer.op->setOperand(layer.xOperand(), it->second);
    layer.op->setOperand(layer.weightsOperand(),
                         edit.dequantized(*decided.weights, layer.weightsType().getShape(), layer.channelAxis));
    quantizeBias(layer, decided, edit);
    products.insert(layer.op);
  }

  // In units of the sums, as i32; as floats where it is too large for that.
  void quantizeBias(const Layer &layer, const LayerPlan &decided, GraphEditor &edit) {
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

LogicalResult StaticInt8::run() {
  makePlan();
  if (failed(floats.compile(options.keepFloat)))
    return failure();
  if (failed(observe()))
    return failure();
  chooseScales();
  addTables();
  if (failed(estimateNoise()) || failed(widen()))
    return failure();
  if (!options.report.empty() && failed(measureContext()))
    return failure();
  applyInt8(mainOf(module), plan);
  return success();
}

// The first pass over the samples, and where channels are divided, a second one for what they are then.
LogicalResult StaticInt8::observe() {
  observers.resize(floats.tensors());
  std::vector<ChannelMoments> moments(floats.tensors());
  if (failed(floats.observe([&](const Activation &x) {
        observers[x.tensor].add(x.values);
        moments[x.tensor].add(x, nullptr);
      })))
    return failure();
  llvm::SmallVector<bool> wanted;
  for (const LayerPlan &layer : plan.layers)
    wanted.push_back(layer.kept.empty());
  smoothing.apply(moments, wanted);
  llvm::ArrayRef<std::vector<float>> divisors = smoothing.getDivisors();
  if (llvm::all_of(divisors, [](const std::vector<float> &s) { return s.empty(); }))
    return success();
  for (size_t i = 0; i < observers.size(); ++i)
    if (!divisors[i].empty())
      observers[i] = RangeObserver();
  std::vector<float> storage;
  return floats.observe([&](const Activation &x) {
    if (!divisors[x.tensor].empty())
      observers[x.tensor].add(divided(x, divisors[x.tensor], storage).values);
  });
}

void StaticInt8::makePlan() {
  for (const Layer &layer : findLayers(mainOf(module), options.keepFloat)) {
    LayerPlan decided;
    decided.name = layer.name;
    decided.kind = layer.kind;
    decided.kept = layer.kept;
    decided.weightBytes = layer.weightsType().getNumElements() * 4;
    plan.layers.push_back(std::move(decided));
  }
}

void StaticInt8::chooseScales() {
  std::vector<std::array<double, 2>> ranges;
  for (const RangeObserver &observer : observers) {
    ranges.push_back(observer.chooseRange(options.method));
    scales.push_back(scaleOfBytes(ranges.back()[0], ranges.back()[1]));
  }
  std::vector<Layer> layers = findLayers(mainOf(module), {});
  for (auto [i, decided] : llvm::enumerate(plan.layers)) {
    size_t tensor = floats.layers()[i].tensor;
    decided.observed = &observers[tensor];
    decided.range = ranges[tensor];
    decided.x = scales[tensor];
    llvm::ArrayRef<float> divided = smoothing.getOutputDivisors()[i];
    for (auto [c, energy] : llvm::enumerate(floats.layers()[i].energies))
      decided.signal += divided.empty() ? energy : energy / (divided[c] * divided[c]);
    if (decided.kept.empty() && decided.observed->lowest() == decided.observed->highest())
      decided.kept = "its activation had one value on all samples";
    std::vector<char> scratch;
    llvm::ArrayRef<float> weights = floatsOf(layers[i].weights, scratch);
    if (!isFinite(layers[i].weights))
      decided.kept = kNotFinite;
    if (decided.kept.empty())
      decided.weights = std::make_shared<ByteWeights>(quantizeChannels(weights, layers[i].weightsType(), layers[i].channelAxis));
  }
}

// A scale per row. How far rounding moves the rows is known without a run.
void StaticInt8::addTables() {
  for (const Table &table : findTables(mainOf(module))) {
    LayerPlan decided;
    decided.name = table.name;
    decided.kind = "Gather";
    decided.weightBytes = table.type().getNumElements() * 4;
    std::vector<char> scratch;
    llvm::ArrayRef<float> w = floatsOf(table.data, scratch);
    decided.kept = whyKept(table, options.keepFloat);
    if (decided.kept.empty()) {
      decided.weights = std::make_shared<ByteWeights>(quantizeChannels(w, table.type(), 0));
      int64_t columns = table.type().getDimSize(1);
      for (size_t i = 0; i < w.size(); ++i) {
        double d = decided.weights->values[i] * decided.weights->scales[i / columns] - w[i];
        decided.signal += double(w[i]) * w[i];
        decided.noise += d * d;
      }
    }
    plan.layers.push_back(std::move(decided));
  }
}

LogicalResult StaticInt8::estimateNoise() {
  std::vector<ChannelMoments> moments(floats.tensors());
  std::vector<float> storage;
  if (failed(floats.observe([&](const Activation &x) {
        moments[x.tensor].add(divided(x, smoothing.getDivisors()[x.tensor], storage), &scales[x.tensor]);
      })))
    return failure();
  floats.release();
  for (auto [i, layer] : llvm::enumerate(findLayers(mainOf(module), {})))
    if (plan.layers[i].kept.empty())
      estimateNoise(layer, plan.layers[i], moments[floats.layers()[i].tensor]);
  return success();
}

// With e the rounding error of x and d that of w, both small and independent: the mean error of a channel of y is
// sum w' E[x + e] - w E[x], its variance sum w'^2 Var[e] + d^2 E[x^2]. Elements in the padding count as others do.
void StaticInt8::estimateNoise(const Layer &layer, LayerPlan &decided, const ChannelMoments &moments) {
  std::vector<char> scratch;
  llvm::ArrayRef<float> w = floatsOf(layer.weights, scratch);
  const ByteWeights &rounded = *decided.weights;
  std::vector<double> shift(layer.channels());
  double count = std::max<double>(moments.count, 1);
  layer.eachWeight([&](int64_t at, int64_t channel, int64_t input) {
    double exact = w[at], near = rounded.values[at] * rounded.scales[channel], d = near - exact;
    double mean = moments.x[input] / count, error = moments.error[input] / count;
    double variance = std::max(0.0, moments.errorSquare[input] / count - error * error);
    shift[channel] += near * (mean + error) - exact * mean;
    decided.noise += near * near * variance + d * d * (moments.square[input] / count);
  });
  if (llvm::all_of(shift, [](double s) { return std::isfinite(s); })) // not where an activation is infinite
    decided.biasShift.assign(shift.begin(), shift.end());
  if (std::isnan(decided.noise))
    decided.noise = INFINITY;
}

LogicalResult StaticInt8::widen() {
  std::vector<Candidate> candidates;
  for (auto [i, layer] : llvm::enumerate(plan.layers))
    if (layer.kept.empty())
      candidates.push_back({i, layer.noise / std::max(layer.signal, 1e-30), layer.weightBytes});
  auto widened = [&](llvm::ArrayRef<Candidate> wide) {
    Int8Plan result = plan;
    for (const Candidate &one : wide)
      result.layers[one.layer].kept = kWidened.str();
    return result;
  };
  Widening search(module, options, runner, samples, floats.getReference());
  FailureOr<std::vector<Candidate>> wide = search.search(
      std::move(candidates), [&](ModuleOp copy, llvm::ArrayRef<Candidate> some) { applyInt8(mainOf(copy), widened(some)); });
  if (failed(wide))
    return failure();
  losses = search.getLosses().vec();
  plan = widened(*wide);
  return success();
}

// Float and quantised model side by side, of the same inputs: for each layer what the one is and how far the other is from it. Not where
// sizes come from data, which one function knows by one name.
LogicalResult StaticInt8::measureContext() {
  if (!mainOf(module).getOps<ReadSizesOp>().empty())
    return success();
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  func::FuncOp main = mainOf(*copy);
  samples.bindSizes(main);
  std::vector<Value> quantized;
  for (const Layer &layer : findLayers(main, {}))
    quantized.push_back(layer.op->getResult(0));
  applyInt8(main, plan);
  OpBuilder b(main.getBody().front().getTerminator());
  IRMapping mapping;
  mapping.map(mainOf(module).getArguments(), main.getArguments());
  for (Operation &op : mainOf(module).getBody().front().without_terminator())
    b.clone(op, mapping);
  llvm::SmallVector<Value> results;
  for (auto [layer, y] : llvm::zip_equal(findLayers(mainOf(module), {}), quantized)) {
    Location loc = layer.op->getLoc();
    GraphEditor edit(b, loc);
    Value want = mapping.lookup(layer.op->getResult(0));
    Value error = SubOp::create(b, loc, want.getType(), y, want);
    for (Value one : {want, error}) {
      Value square = MulOp::create(b, loc, one.getType(), one, one);
      results.push_back(edit.reduceAllBut<ReduceMeanOp>(square, layer.resultAxis()));
    }
  }
  size_t own = main.getNumResults();
  addResults(main, results);
  std::unique_ptr<RunnableGraph> graph = runner.compile(std::move(copy));
  if (!graph)
    return failure();
  llvm::SmallVector<TensorView> outputs;
  for (size_t sample = 0; sample < samples.size(); ++sample) {
    if (std::string problem = graph->run(samples[sample], outputs); !problem.empty())
      return reportRun(module, problem);
    for (size_t i = 0; i < quantized.size(); ++i) {
      LayerPlan &layer = plan.layers[i];
      for (float energy : outputs[own + 2 * i].floats())
        layer.contextSignal += energy;
      for (float energy : outputs[own + 2 * i + 1].floats())
        layer.contextNoise += energy;
    }
  }
  return success();
}

std::vector<LayerReport> StaticInt8::report() const {
  constexpr size_t kBins = 64;
  std::vector<LayerReport> result;
  for (const LayerPlan &layer : plan.layers) {
    LayerReport one;
    one.name = layer.name;
    one.kind = layer.kind;
    one.kept = layer.kept;
    one.floatBytes = one.bytes = layer.weightBytes;
    if (layer.kept.empty())
      one.bytes = static_cast<int64_t>(layer.weights->values.size() + 4 * layer.weights->scales.size());
    if (layer.kept.empty() && layer.observed) {
      one.range = {(0 - layer.x.zeroPoint) * double(layer.x.scale), (255 - layer.x.zeroPoint) * double(layer.x.scale)};
      one.scale = layer.x.scale;
      one.zeroPoint = layer.x.zeroPoint;
      one.saturated = layer.observed->shareOutside(layer.range[0], layer.range[1]);
    }
    if (layer.weights) // also of a layer that was widened: why
      one.alone = decibels(layer.signal, layer.noise);
    if (layer.contextSignal > 0)
      one.inContext = decibels(layer.contextSignal, layer.contextNoise);
    if (layer.observed) {
      one.seen = {layer.observed->lowest(), layer.observed->highest()};
      one.histogram = layer.observed->summary(kBins);
    }
    result.push_back(std::move(one));
  }
  return result;
}
