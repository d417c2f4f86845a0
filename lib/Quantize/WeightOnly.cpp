// Rounds constant matrices block by block and replaces the products and tables that read them.
//
//   MatMul(A, W) or Gemm(A, W, C)  ->  MatMulNBits(A, blocks of W transposed) (+ C)
//   Gather(W, rows)                ->  GatherBlockQuantized(blocks of W, rows)
#include "WeightOnly.h"

#include "GraphEdit.h"
#include "Widening.h"
#include "laic/Dialect/Laic/ContribLinearOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LinearOps.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

constexpr int64_t kByte = 8;

/// The weights of a product with a row per output channel; every `step`th of these.
std::vector<float> rowsOf(const Layer &layer, int64_t step = 1) {
  std::vector<char> scratch;
  llvm::ArrayRef<float> w = floatsOf(layer.weights, scratch);
  int64_t n = layer.channels(), k = layer.weightsType().getDimSize(1 - layer.channelAxis), count = llvm::divideCeil(n, step);
  std::vector<float> rows(count * k);
  if (layer.channelAxis == 0) {
    for (int64_t row = 0; row < count; ++row)
      std::copy_n(w.begin() + row * step * k, k, rows.begin() + row * k);
    return rows;
  }
  constexpr int64_t kTile = 32;
  for (int64_t r = 0; r < k; r += kTile)
    for (int64_t row = 0; row < count; ++row)
      for (int64_t i = r; i < std::min(r + kTile, k); ++i)
        rows[row * k + i] = w[i * n + row * step];
  return rows;
}

void multiplyColumns(std::vector<float> &rows, llvm::ArrayRef<float> factors) {
  for (size_t i = 0; i < rows.size() && !factors.empty(); ++i)
    rows[i] *= factors[i % factors.size()];
}

/// Mean squares of the inputs: how much an error of their weights matters. Those that were infinite or NaN on some sample count as the others do
/// on average.
std::vector<double> importanceOf(const ChannelMoments &moments) {
  double sum = 0, count = std::max<double>(moments.count, 1);
  int64_t finite = 0;
  for (double square : moments.square)
    if (std::isfinite(square)) {
      sum += square;
      ++finite;
    }
  std::vector<double> importance;
  for (double square : moments.square)
    importance.push_back((std::isfinite(square) ? square : sum / std::max<double>(finite, 1)) / count + 1e-12);
  return importance;
}

class BlockApplier {
public:
  BlockApplier(func::FuncOp main, int64_t bits, int64_t blockSize) : b(main.getContext()), bits(bits), blockSize(blockSize) {}

  void product(const Layer &layer, const BlockWeights &weights) {
    b.setInsertionPoint(layer.op);
    GraphEditor edit(b, layer.op->getLoc());
    int64_t n = layer.channels(), k = layer.weightsType().getDimSize(1 - layer.channelAxis);
    int64_t blocks = llvm::divideCeil(k, blockSize);
    Value y = layer.op->getResult(0);
    Value product = MatMulNBitsOp::create(b, layer.op->getLoc(), y.getType(), layer.op->getOperand(layer.xOperand()),
                                          bytes(edit, weights.packed, {n, blocks, blockSize * bits / kByte}),
                                          edit.floats(weights.scales, {n, blocks}),
                                          zeros(edit, weights, {n, int64_t(llvm::divideCeil(blocks * bits, kByte))}), edit.none(),
                                          edit.none(), k, n, /*accuracy_level=*/0, bits, blockSize, /*weight_prepacked=*/0);
    if (layer.op->getNumOperands() > 2 && !isa<NoneType>(layer.op->getOperand(2).getType()))
      product = AddOp::create(b, layer.op->getLoc(), y.getType(), product, layer.op->getOperand(2));
    y.replaceAllUsesWith(product);
    layer.op->erase();
  }

  void table(const Table &table, const BlockWeights &weights) {
    auto op = cast<GatherOp>(table.op);
    b.setInsertionPoint(op);
    GraphEditor edit(b, op.getLoc());
    int64_t rows = table.type().getDimSize(0), columns = table.type().getDimSize(1), blocks = columns / blockSize;
    Value result = GatherBlockQuantizedOp::create(b, op.getLoc(), op.getResult().getType(),
                                                  bytes(edit, weights.packed, {rows, columns * bits / kByte}), op.getIndices(),
                                                  edit.floats(weights.scales, {rows, blocks}),
                                                  zeros(edit, weights, {rows, int64_t(llvm::divideCeil(blocks * bits, kByte))}),
                                                  bits, blockSize, /*gather_axis=*/0, /*quantize_axis=*/1);
    op.getResult().replaceAllUsesWith(result);
    op.erase();
  }

private:
  Value bytes(GraphEditor &edit, llvm::ArrayRef<uint8_t> values, llvm::ArrayRef<int64_t> shape) {
    return edit.constant(values, shape, b.getIntegerType(8, /*isSigned=*/false));
  }
  Value zeros(GraphEditor &edit, const BlockWeights &weights, llvm::ArrayRef<int64_t> shape) {
    return weights.zeros.empty() ? edit.none() : bytes(edit, weights.zeros, shape);
  }

  OpBuilder b;
  int64_t bits, blockSize;
};

} // namespace

LogicalResult WeightOnly::run() {
  if (samples) {
    floats.emplace(module, runner, *samples, workers);
    if (failed(floats->compile(options.keepFloat, /*passes=*/1)))
      return failure();
  }
  if (failed(decide()))
    return failure();
  if (samples && failed(widen()))
    return failure();
  apply(mainOf(module), plan);
  return success();
}

std::string WeightOnly::whyKept(const Layer &layer) const {
  if (layer.kind == "Conv")
    return "convolutions have no form in blocks";
  if (!layer.kept.empty())
    return layer.kept;
  if (matchesGlob(options.keepFloat, layer.name))
    return kNamed.str();
  if (layer.weightsType().getNumElements() < kFewWeights)
    return kHasFewWeights.str();
  return isFinite(layer.weights) ? "" : kNotFinite.str();
}

LogicalResult WeightOnly::decide() {
  std::vector<Layer> layers = findLayers(mainOf(module), {});
  for (const Layer &layer : layers) {
    plan.emplace_back();
    plan.back().name = layer.name;
    plan.back().kind = layer.kind;
    plan.back().kept = whyKept(layer);
    plan.back().weightBytes = layer.weightsType().getNumElements() * 4;
  }
  if (floats) {
    if (failed(observe()))
      return failure();
    scale(layers);
  }
  workers.each(layers.size(), [&](size_t i) {
    if (plan[i].kept.empty())
      round(layers[i], i);
  });
  addTables();
  return success();
}

LogicalResult WeightOnly::observe() {
  std::vector<bool> wanted(floats->tensors()); // read by a product that gets blocks
  for (auto [decided, watched] : llvm::zip_equal(plan, floats->layers()))
    if (decided.kept.empty())
      wanted[watched.tensor] = true;
  moments.resize(floats->tensors());
  feedback.resize(floats->tensors());
  if (failed(floats->observe([&](const Activation &x) {
        moments[x.tensor].add(x, nullptr);
        if (wanted[x.tensor])
          feedback[x.tensor].add(x);
      })))
    return failure();
  floats->release();
  return success();
}

void WeightOnly::round(const Layer &layer, size_t number) {
  BlockPlan &decided = plan[number];
  std::vector<double> importance;
  const ErrorFeedback *of = nullptr;
  if (floats) {
    size_t tensor = floats->layers()[number].tensor;
    importance = importanceOf(moments[tensor]);
    of = feedback[tensor].empty() ? nullptr : &feedback[tensor];
  }
  std::vector<float> rows = rowsOf(layer);
  multiplyColumns(rows, decided.inputFactors);
  int64_t n = layer.channels(), k = static_cast<int64_t>(rows.size()) / n;
  for (size_t at = 0; at < rows.size() && !decided.outputDivisors.empty(); ++at)
    rows[at] /= decided.outputDivisors[at / k];
  decided.weights = std::make_shared<BlockWeights>(quantizeBlocks(rows, n, k, form(), importance, of));
  decided.noise = decided.weights->noise;
}

void WeightOnly::addTables() {
  for (const Table &table : findTables(mainOf(module))) {
    RankedTensorType type = table.type();
    BlockPlan decided;
    decided.name = table.name;
    decided.kind = "Gather";
    decided.weightBytes = type.getNumElements() * 4;
    bool isWhole = type.getDimSize(1) % options.blockSize == 0;
    decided.kept = isWhole ? laic::whyKept(table, options.keepFloat) : "its rows are not whole blocks";
    if (decided.kept.empty()) {
      std::vector<char> scratch;
      decided.weights = std::make_shared<BlockWeights>(
          quantizeBlocks(floatsOf(table.data, scratch), type.getDimSize(0), type.getDimSize(1), form()));
      decided.noise = decided.weights->noise;
    }
    plan.push_back(std::move(decided));
  }
}

// x W = (x / s) (s W) for any positive s per channel of x: where s is larger than those of its neighbours in a block, the weights are rounded in
// steps that are smaller beside them (Lin et al., "AWQ", 2023). Only where dividing x costs nothing.
void WeightOnly::scale(llvm::MutableArrayRef<Layer> layers) {
  ChannelDivision division(layers, /*leaveWeights=*/true);
  std::vector<llvm::SmallVector<size_t>> readers = floats->readers();
  std::vector<llvm::SmallVector<const Layer *>> rounded(readers.size()); // those that choose s
  std::vector<std::optional<ChannelDivision::Way>> ways(readers.size());
  for (auto [tensor, numbers] : llvm::enumerate(readers)) {
    if (!feedback[tensor].hasHalves())
      continue;
    auto of = llvm::map_to_vector(numbers, [&](size_t number) -> const Layer * { return &layers[number]; });
    bool all = llvm::all_of(numbers, [&](size_t number) { // those that are not kept are known to be finite
      return layers[number].kept.empty() && (plan[number].kept.empty() || isFinite(layers[number].weights));
    });
    if (!all)
      continue;
    ways[tensor] = division.find(of.front()->x, of.front()->xAxis(), of);
    if (!ways[tensor])
      continue;
    for (size_t number : numbers)
      if (plan[number].kept.empty())
        rounded[tensor].push_back(&layers[number]);
  }
  std::vector<std::vector<float>> factors(readers.size());
  workers.each(rounded.size(), [&](size_t tensor) {
    if (!rounded[tensor].empty())
      factors[tensor] = chooseFactors(rounded[tensor], tensor);
  });
  for (auto [tensor, s] : llvm::enumerate(factors)) {
    if (s.empty())
      continue;
    division.divide(*ways[tensor], s);
    feedback[tensor].divide(s);
    for (auto [square, divisor] : llvm::zip_equal(moments[tensor].square, s))
      square /= divisor * divisor;
    for (size_t number : readers[tensor])
      plan[number].inputFactors = s;
  }
  for (auto [decided, divisors] : llvm::zip_equal(plan, division.getOutputDivisors()))
    decided.outputDivisors = divisors;
}

// Powers of the inputs' magnitudes, as the second half of the samples judges them.
std::vector<float> WeightOnly::chooseFactors(llvm::ArrayRef<const Layer *> readers, size_t tensor) const {
  constexpr double kPowers[] = {0.2, 0.4, 0.6, 0.8, 1};
  // Less than that is within what two halves of few samples, seen by some rows, differ by: gpt2_124m with random weights gains nothing where they
  // say a twentieth.
  constexpr double kEnough = 0.9;
  constexpr double kFarthest = 32;
  constexpr int64_t kJudged = 16; // rows of each layer
  std::vector<double> importance = importanceOf(moments[tensor]);
  // A channel that was small on the samples need not be so on others: none is taken for smaller than an eighth of the middle one, and one that
  // was never there for as large as that.
  std::vector<double> seen;
  for (double square : moments[tensor].square)
    if (square > 0 && std::isfinite(square))
      seen.push_back(std::sqrt(square));
  if (seen.empty())
    return {};
  constexpr double kSmallest = 1.0 / 8;
  std::nth_element(seen.begin(), seen.begin() + seen.size() / 2, seen.end());
  double middle = seen[seen.size() / 2];
  auto sizeOf = [&](double square) {
    return square > 0 && std::isfinite(square) ? std::max(std::sqrt(square) / middle, kSmallest) : 1.0;
  };
  std::vector<std::vector<float>> some;
  for (const Layer *layer : readers)
    some.push_back(rowsOf(*layer, llvm::divideCeil(layer->channels(), kJudged)));
  auto judge = [&](llvm::ArrayRef<float> factors) {
    ErrorFeedback scaled = feedback[tensor];
    std::vector<double> weights = importance;
    if (!factors.empty()) {
      scaled.divide(factors);
      for (auto [weight, s] : llvm::zip_equal(weights, factors))
        weight /= s * s;
    }
    double error = 0;
    for (std::vector<float> rows : some) {
      multiplyColumns(rows, factors);
      auto columns = static_cast<int64_t>(importance.size());
      error += judgeBlocks(rows, static_cast<int64_t>(rows.size()) / columns, columns, form(), weights, scaled);
    }
    return error;
  };
  std::vector<float> best;
  double least = judge({}), enough = kEnough * least;
  for (double power : kPowers) {
    std::vector<float> factors;
    for (double square : moments[tensor].square)
      factors.push_back(static_cast<float>(std::clamp(std::pow(sizeOf(square), power), 1 / kFarthest, kFarthest)));
    double error = judge(factors);
    if (error >= least) // larger powers are rarely better then
      break;
    least = error;
    if (error < enough)
      best = std::move(factors);
  }
  return best;
}

void WeightOnly::apply(func::FuncOp main, llvm::ArrayRef<BlockPlan> decided) const {
  BlockApplier applier(main, form().bits, form().blockSize);
  std::vector<Layer> layers = findLayers(main, {});
  std::vector<Table> tables = findTables(main);
  for (auto [layer, one] : llvm::zip(layers, decided)) {
    if (one.kept.empty()) {
      applier.product(layer, *one.weights);
      continue;
    }
    if (!one.inputFactors.empty())
      multiplyInputs(layer, one.inputFactors);
    if (!one.outputDivisors.empty())
      divideOutputs(layer, one.outputDivisors);
  }
  for (auto [table, one] : llvm::zip_equal(tables, decided.drop_front(layers.size())))
    if (one.kept.empty())
      applier.table(table, *one.weights);
}

LogicalResult WeightOnly::widen() {
  std::vector<Candidate> candidates;
  for (auto [i, one] : llvm::enumerate(plan))
    if (one.kept.empty())
      candidates.push_back({i, one.noise / std::max(one.weights->signal, 1e-30), one.weightBytes});
  Widening search(module, options, runner, *samples, floats->getReference());
  if (failed(search.widen(plan, std::move(candidates),
                          [&](ModuleOp copy, const std::vector<BlockPlan> &decided) { apply(mainOf(copy), decided); })))
    return failure();
  losses = search.getLosses().vec();
  return success();
}

std::vector<LayerReport> WeightOnly::report() const {
  std::vector<LayerReport> result;
  for (const BlockPlan &layer : plan) {
    LayerReport one;
    one.name = layer.name;
    one.kind = layer.kind;
    one.kept = layer.kept;
    one.floatBytes = one.bytes = layer.weightBytes;
    if (layer.weights)
      one.alone = decibels(layer.weights->signal, layer.weights->noise);
    if (layer.kept.empty())
      one.bytes =
          static_cast<int64_t>(layer.weights->packed.size() + 4 * layer.weights->scales.size() + layer.weights->zeros.size());
    result.push_back(std::move(one));
  }
  return result;
}
