// Post-training quantisation to activations in bytes and s8 weights.
//
//   observe    the float model runs on the samples; every activation that a layer reads gets a histogram
//   smooth     where channels of an activation differ much, the float model is rewritten so that the weights take some of that
//   choose     a range per activation, a scale per output channel of the weights
//   estimate   from the moments of what is rounded: the noise that each layer adds, and the mean error of its channels, which the bias
//              takes off
//   widen      layers return to floats, most sensitive per byte first, until the outputs of the whole keep the loss that is allowed
//
// Where rows are scaled when the model runs, ranges are not needed, and without samples scales of the weights are all that is chosen.
#include "Int8.h"

#include "Widening.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "mlir/IR/IRMapping.h"

#include <algorithm>

using namespace mlir;
using namespace laic;

LogicalResult Int8::run() {
  plan.perRow = options.kind == QuantizeKind::Int8Dynamic;
  makePlan();
  constexpr size_t kPasses = 3; // ranges, ranges of divided channels, rounding errors
  if (samples && (failed(floats->compile(options.keepFloat, kPasses)) || failed(observe())))
    return failure();
  chooseScales();
  addTables();
  if (samples && (failed(estimateNoise()) || failed(widen())))
    return failure();
  if (samples && !options.report.empty() && failed(measureContext()))
    return failure();
  applyInt8(mainOf(module), plan);
  return success();
}

// The first pass over the samples, and where channels are divided, a second one for what they are then.
LogicalResult Int8::observe() {
  observers.resize(floats->tensors());
  std::vector<ChannelMoments> moments(floats->tensors());
  if (failed(floats->observe([&](const Activation &x) {
        observers[x.tensor].add(x.values);
        moments[x.tensor].add(x, nullptr);
      })))
    return failure();
  llvm::SmallVector<bool> wanted;
  for (const LayerPlan &layer : plan.layers)
    wanted.push_back(layer.kept.empty());
  smoothing->apply(moments, wanted);
  llvm::ArrayRef<std::vector<float>> divisors = smoothing->getDivisors();
  if (llvm::all_of(divisors, [](const std::vector<float> &s) { return s.empty(); }))
    return success();
  for (size_t i = 0; i < observers.size(); ++i)
    if (!divisors[i].empty())
      observers[i] = RangeObserver();
  return floats->observe([&](const Activation &x) {
    std::vector<float> storage;
    if (!divisors[x.tensor].empty())
      observers[x.tensor].add(divided(x, divisors[x.tensor], storage).values);
  });
}

bool Int8::leavesIntegers(const Layer &layer) const {
  constexpr int64_t kMost = (int64_t(1) << 31) - 1, kLargestWeight = 127;
  int64_t products = layer.weightsType().getNumElements() / std::max<int64_t>(layer.channels(), 1);
  return products * (plan.perRow ? 127 : 255) * kLargestWeight > kMost;
}

void Int8::makePlan() {
  for (const Layer &layer : findLayers(mainOf(module), options.keepFloat)) {
    LayerPlan decided;
    decided.name = layer.name;
    decided.kind = layer.kind;
    decided.kept = layer.kept;
    if (decided.kept.empty() && leavesIntegers(layer))
      decided.kept = "sums of so many products could leave 32 bits";
    if (plan.perRow && decided.kept.empty() && layer.xType().getRank() < 2)
      decided.kept = "its activation is one vector, which has no rows";
    if (plan.perRow && decided.kept.empty() && layer.kind == "Conv")
      decided.kept = "convolutions have no rows with scales of their own; --quantize=int8 learns one scale from samples";
    if (plan.perRow && decided.kept.empty() && layer.weightsType().getNumElements() < kFewWeights)
      decided.kept = kHasFewWeights;
    decided.weightBytes = layer.weightsType().getNumElements() * 4;
    plan.layers.push_back(std::move(decided));
  }
}

void Int8::chooseScales() {
  std::vector<std::array<double, 2>> ranges(observers.size());
  workers.each(observers.size(), [&](size_t i) { ranges[i] = observers[i].chooseRange(options.method); });
  for (auto [low, high] : ranges)
    scales.push_back(scaleOfBytes(low, high));
  std::vector<Layer> layers = findLayers(mainOf(module), {});
  for (auto [i, decided] : llvm::enumerate(plan.layers)) {
    if (samples) {
      size_t tensor = floats->layers()[i].tensor;
      decided.observed = &observers[tensor];
      decided.range = ranges[tensor];
      decided.x = scales[tensor];
      llvm::ArrayRef<float> divided = smoothing->getOutputDivisors()[i];
      for (auto [c, energy] : llvm::enumerate(floats->layers()[i].energies))
        decided.signal += divided.empty() ? energy : energy / (divided[c] * divided[c]);
      if (decided.kept.empty() && !plan.perRow && decided.observed->lowest() == decided.observed->highest())
        decided.kept = "its activation had one value on all samples";
    }
  }
  workers.each(layers.size(), [&](size_t i) {
    LayerPlan &decided = plan.layers[i];
    std::vector<char> scratch;
    llvm::ArrayRef<float> weights = floatsOf(layers[i].weights, scratch);
    if (!isFinite(layers[i].weights))
      decided.kept = kNotFinite;
    if (decided.kept.empty())
      decided.weights = std::make_shared<ByteWeights>(quantizeChannels(weights, layers[i].weightsType(), layers[i].channelAxis));
  });
}

// A scale per row. How far rounding moves the rows is known without a run.
void Int8::addTables() {
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

LogicalResult Int8::estimateNoise() {
  std::vector<ChannelMoments> moments(floats->tensors());
  if (failed(floats->observe([&](const Activation &x) {
        std::vector<float> storage;
        Activation now = divided(x, smoothing->getDivisors()[x.tensor], storage);
        plan.perRow ? moments[x.tensor].addRows(now) : moments[x.tensor].add(now, &scales[x.tensor]);
      })))
    return failure();
  floats->release();
  std::vector<Layer> layers = findLayers(mainOf(module), {});
  workers.each(layers.size(), [&](size_t i) {
    if (plan.layers[i].kept.empty())
      if (const ChannelMoments &of = moments[floats->layers()[i].tensor]; of.count > 0) // not where it was empty on all samples
        estimateNoise(layers[i], plan.layers[i], of);
  });
  return success();
}

// With e the rounding error of x and d that of w, both small and independent: the mean error of a channel of y is
// sum w' E[x + e] - w E[x], its variance sum w'^2 Var[e] + d^2 E[x^2]. Elements in the padding count as others do.
void Int8::estimateNoise(const Layer &layer, LayerPlan &decided, const ChannelMoments &moments) {
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

LogicalResult Int8::widen() {
  std::vector<Candidate> candidates;
  for (auto [i, layer] : llvm::enumerate(plan.layers))
    if (layer.kept.empty())
      candidates.push_back({i, layer.noise / std::max(layer.signal, 1e-30), layer.weightBytes});
  Widening search(module, options, runner, *samples, floats->getReference());
  if (failed(search.widen(plan.layers, std::move(candidates), [&](ModuleOp copy, std::vector<LayerPlan> layers) {
        applyInt8(mainOf(copy), {plan.perRow, std::move(layers)});
      })))
    return failure();
  losses = search.getLosses().vec();
  return success();
}

// Float and quantised model side by side, of the same inputs: for each layer what the one is and how far the other is from it. Not where
// sizes come from data, which one function knows by one name.
LogicalResult Int8::measureContext() {
  if (!mainOf(module).getOps<ReadSizesOp>().empty())
    return success();
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  func::FuncOp main = mainOf(*copy);
  samples->bindSizes(main);
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
  std::unique_ptr<RunnableGraph> graph = runner.compile(std::move(copy), samples->size());
  if (!graph)
    return failure();
  llvm::SmallVector<TensorView> outputs;
  for (size_t sample = 0; sample < samples->size(); ++sample) {
    if (std::string problem = graph->run((*samples)[sample], outputs); !problem.empty())
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

std::vector<LayerReport> Int8::report() const {
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
    if (layer.kept.empty() && layer.observed && !plan.perRow) {
      one.range = {(0 - layer.x.zeroPoint) * double(layer.x.scale), (255 - layer.x.zeroPoint) * double(layer.x.scale)};
      one.scale = layer.x.scale;
      one.zeroPoint = layer.x.zeroPoint;
      one.saturated = layer.observed->shareOutside(layer.range[0], layer.range[1]);
    }
    if (layer.weights && layer.signal > 0) // also of a layer that was widened: why
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
