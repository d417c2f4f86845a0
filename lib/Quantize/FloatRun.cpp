// Watches the layers of a float model while it runs on the samples.
#include "FloatRun.h"

#include "GraphEdit.h"
#include "laic/Dialect/Laic/DataMovementOps.h"

#include <algorithm>
#include <chrono>

using namespace mlir;
using namespace laic;

func::FuncOp laic::mainOf(ModuleOp module) { return module.lookupSymbol<func::FuncOp>("main"); }

std::vector<std::string> laic::resultNames(func::FuncOp main) {
  std::vector<std::string> names;
  for (unsigned i = 0; i < main.getNumResults(); ++i) {
    auto name = main.getResultAttrOfType<StringAttr>(i, "laic.name");
    names.push_back(name ? name.getValue().str() : std::to_string(i));
  }
  return names;
}

LogicalResult laic::reportRun(ModuleOp module, const std::string &problem) {
  return mainOf(module).emitError() << "--calibration: the model fails on the samples: " << problem;
}

void ChannelMoments::start(const Activation &of) {
  for (std::vector<double> *moments : {&x, &square, &error, &errorSquare})
    moments->resize(of.channels);
  lo.resize(of.channels, INFINITY);
  hi.resize(of.channels, -INFINITY);
}

void ChannelMoments::addRow(llvm::ArrayRef<float> row) {
  for (size_t c = 0; c < row.size(); ++c) {
    x[c] += row[c];
    square[c] += double(row[c]) * row[c];
    lo[c] = std::min(lo[c], row[c]);
    hi[c] = std::max(hi[c], row[c]);
  }
  ++count;
}

// `low` and `high`: the ends of the integers, the zero point taken off.
void ChannelMoments::addErrors(llvm::ArrayRef<float> row, AffineScale scale, float low, float high) {
  float inverse = 1 / scale.scale;
  for (size_t c = 0; c < row.size(); ++c) {
    float difference = nearest(std::clamp(row[c] * inverse, low, high)) * scale.scale - row[c];
    error[c] += difference;
    errorSquare[c] += double(difference) * difference;
  }
}

void ChannelMoments::add(const Activation &of, const AffineScale *rounding) {
  start(of);
  for (size_t at = 0; at + of.channels <= of.values.size(); at += of.channels) {
    llvm::ArrayRef<float> row = of.values.slice(at, of.channels);
    addRow(row);
    if (rounding)
      addErrors(row, *rounding, static_cast<float>(-rounding->zeroPoint), static_cast<float>(255 - rounding->zeroPoint));
  }
}

void ChannelMoments::addRows(const Activation &of) {
  start(of);
  for (size_t at = 0; at + of.channels <= of.values.size(); at += of.channels) {
    llvm::ArrayRef<float> row = of.values.slice(at, of.channels);
    addRow(row);
    float largest = 0;
    for (float v : row)
      largest = std::max(largest, std::abs(v));
    addErrors(row, {std::max(largest / kLargestSigned, kLeastRowScale), 0}, -kLargestSigned, kLargestSigned);
  }
}

Activation laic::divided(const Activation &activation, llvm::ArrayRef<float> divisors, std::vector<float> &storage) {
  if (divisors.empty())
    return activation;
  storage.assign(activation.values.begin(), activation.values.end());
  for (size_t row = 0; row + divisors.size() <= storage.size(); row += divisors.size())
    for (size_t c = 0; c < divisors.size(); ++c)
      storage[row + c] /= divisors[c];
  Activation result = activation;
  result.values = storage;
  return result;
}

/// With the channels last, which is how convolutions compute: so nothing is moved for the sake of being watched.
static Value channelsLast(Value value, int64_t axis) {
  auto type = cast<RankedTensorType>(value.getType());
  if (axis == type.getRank() - 1)
    return value;
  llvm::SmallVector<int64_t> order, shape;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (d != axis)
      order.push_back(d);
  order.push_back(axis);
  for (int64_t d : order)
    shape.push_back(type.getDimSize(d));
  OpBuilder b(value.getContext());
  b.setInsertionPointAfterValue(value);
  return TransposeOp::create(b, value.getLoc(), type.clone(shape), value, b.getDenseI64ArrayAttr(order));
}

LogicalResult FloatRun::compile(llvm::ArrayRef<std::string> keepFloat, size_t passes) {
  this->passes = passes;
  kept.resize(samples.size());
  OwningOpRef<ModuleOp> clone = cast<ModuleOp>(module->clone());
  func::FuncOp main = mainOf(*clone);
  samples.bindSizes(main);
  returnFloats(main);
  llvm::MapVector<std::pair<Value, int64_t>, size_t> tensors; // each once; where channels differ, they are two
  llvm::SmallVector<Value> results, layerResults;
  for (const Layer &layer : findLayers(main, keepFloat)) {
    auto [it, isNew] = tensors.try_emplace({layer.x, layer.xAxis()}, tensors.size());
    if (isNew)
      results.push_back(channelsLast(layer.x, layer.xAxis()));
    watched.push_back({it->second, {}});
    layerResults.push_back(channelsLast(layer.op->getResult(0), layer.resultAxis()));
  }
  ownResults = main.getNumResults();
  tensorCount = tensors.size();
  reference.emplace(resultNames(main));
  llvm::append_range(results, layerResults);
  addResults(main, results);
  graph = runner.compile(std::move(clone), passes * samples.size());
  return success(graph != nullptr);
}

LogicalResult FloatRun::run(size_t sample, llvm::SmallVectorImpl<TensorView> &outputs) {
  if (std::string problem = graph->run(samples[sample], outputs); !problem.empty())
    return reportRun(module, "sample " + std::to_string(sample) + ": " + problem);
  return success();
}

static Activation activation(const TensorView &view, size_t number) { return {number, view.floats(), view.shape.back()}; }

LogicalResult FloatRun::observe(llvm::function_ref<void(const Activation &)> take) {
  using Clock = std::chrono::steady_clock;
  llvm::SmallVector<TensorView> outputs;
  for (size_t sample = 0; sample < samples.size(); ++sample) {
    workers.each(kept[sample].size(), [&](size_t i) {
      if (const KeptTensor &tensor = kept[sample][i]; !tensor.values.empty())
        take({i, tensor.values, tensor.channels});
    });
    if (!kept[sample].empty())
      continue;
    Clock::time_point begun = Clock::now();
    if (failed(run(sample, outputs)))
      return failure();
    double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    workers.each(tensorCount, [&](size_t i) {
      if (Activation x = activation(outputs[ownResults + i], i); !x.values.empty())
        take(x);
    });
    if (observed)
      continue;
    reference->add(llvm::ArrayRef(outputs).take_front(ownResults));
    workers.each(watched.size(),
                 [&](size_t i) { addEnergies(activation(outputs[ownResults + tensorCount + i], i), watched[i].energies); });
    if (passes > 1)
      keep(sample, llvm::ArrayRef(outputs).slice(ownResults, tensorCount), seconds);
  }
  observed = true;
  return success();
}

// Memory is what users have least of, so that it must save time. What is kept decides nothing but that.
void FloatRun::keep(size_t sample, llvm::ArrayRef<TensorView> tensors, double seconds) {
  constexpr double kBytesPerSecond = 300e6;
  constexpr size_t kMostBytes = size_t(1) << 30;
  size_t bytes = 0;
  for (const TensorView &tensor : tensors)
    bytes += tensor.bytes.size();
  if (static_cast<double>(bytes) > seconds * kBytesPerSecond || keptBytes + bytes > kMostBytes)
    return;
  keptBytes += bytes;
  for (const TensorView &tensor : tensors)
    kept[sample].push_back({tensor.floats().vec(), tensor.shape.back()});
}

std::vector<llvm::SmallVector<size_t>> FloatRun::readers() const {
  std::vector<llvm::SmallVector<size_t>> readers(tensorCount);
  for (auto [i, layer] : llvm::enumerate(watched))
    readers[layer.tensor].push_back(i);
  return readers;
}

void FloatRun::release() {
  graph.reset();
  kept.clear();
  kept.resize(samples.size());
}

// The mean over samples of the mean square of each channel.
void FloatRun::addEnergies(const Activation &y, std::vector<double> &energies) const {
  energies.resize(y.channels);
  double share = static_cast<double>(y.channels) / (static_cast<double>(y.values.size()) * static_cast<double>(samples.size()));
  for (size_t row = 0; row + y.channels <= y.values.size(); row += y.channels)
    for (int64_t c = 0; c < y.channels; ++c)
      energies[c] += double(y.values[row + c]) * y.values[row + c] * share;
}
