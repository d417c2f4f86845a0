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

using namespace mlir;
using namespace laic;

namespace {

constexpr int64_t kByte = 8;

/// A scale and a zero point for one block.
struct Grid {
  float scale = 1;
  int32_t zero = 0;
};

/// Candidates for a block, the widest first, which holds every weight.
llvm::SmallVector<Grid> gridsOf(llvm::ArrayRef<float> block, int64_t bits, bool asymmetric, int steps) {
  constexpr float kStep = 0.035f, kSmallest = 1e-30f;
  float lo = 0, hi = 0;
  for (float w : block) {
    lo = std::min(lo, w);
    hi = std::max(hi, w);
  }
  int32_t levels = (1 << bits) - 1, middle = 1 << (bits - 1);
  llvm::SmallVector<Grid> grids;
  if (std::max(-lo, hi) < kSmallest * static_cast<float>(levels))
    return {{1, middle}};
  for (int step = 0; step < steps; ++step) {
    float factor = 1 - kStep * static_cast<float>(step);
    if (asymmetric) {
      float scale = (hi - lo) * factor / static_cast<float>(levels);
      grids.push_back({scale, static_cast<int32_t>(std::clamp(std::nearbyint(-lo * factor / scale), 0.0f, float(levels)))});
      continue;
    }
    // The side with more room, -2^(bits - 1), is for the largest magnitude, whatever its sign.
    float largest = -lo > hi ? lo : hi;
    grids.push_back({largest * factor / static_cast<float>(-middle), middle});
  }
  return grids;
}

int32_t roundTo(Grid grid, float w, int32_t levels) {
  return static_cast<int32_t>(std::clamp(std::nearbyint(w / grid.scale) + static_cast<float>(grid.zero), 0.0f, float(levels)));
}

/// Places integers of few bits one behind the other, the first in the lowest bits.
class Packer {
public:
  Packer(std::vector<uint8_t> &bytes, int64_t bits) : bytes(bytes), bits(bits) {}
  void put(size_t firstByte, int64_t number, int32_t value) {
    int64_t at = number * bits;
    bytes[firstByte + at / kByte] |= static_cast<uint8_t>(value << at % kByte);
  }

private:
  std::vector<uint8_t> &bytes;
  int64_t bits;
};

/// The weights of a product with a row per output channel.
std::vector<float> rowsOf(const Layer &layer) {
  std::vector<char> scratch;
  llvm::ArrayRef<float> w = floatsOf(layer.weights, scratch);
  if (layer.channelAxis == 0)
    return w.vec();
  int64_t k = layer.weightsType().getDimSize(0), n = layer.weightsType().getDimSize(1);
  std::vector<float> rows(w.size());
  constexpr int64_t kTile = 32;
  for (int64_t r = 0; r < k; r += kTile)
    for (int64_t c = 0; c < n; ++c)
      for (int64_t i = r; i < std::min(r + kTile, k); ++i)
        rows[c * k + i] = w[i * n + c];
  return rows;
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

/// Rounds one row after the other.
class BlockRounder {
public:
  BlockRounder(int64_t rows, int64_t columns, BlockForm form, llvm::ArrayRef<double> importance)
      : blocks(llvm::divideCeil(columns, form.blockSize)), form(form), importance(importance), integers(result.packed, form.bits),
        zeros(result.zeros, form.bits) {
    result.packed.resize(rows * blocks * blockBytes());
    result.scales.resize(rows * blocks);
    if (form.asymmetric)
      result.zeros.resize(rows * zeroBytes());
  }

  /// `w`: the weights of the row from `first` on, a whole number of blocks or up to the row's end; changed with `u`, which is ErrorFeedback's
  /// window that starts there, or empty.
  void round(int64_t row, int64_t first, llvm::MutableArrayRef<float> w, llvm::ArrayRef<float> u) {
    auto size = static_cast<int64_t>(w.size());
    for (int64_t from = 0; from < size; from += form.blockSize) {
      int64_t count = std::min(form.blockSize, size - from), block = (first + from) / form.blockSize;
      int64_t number = row * blocks + block;
      Grid grid = choose(w.slice(from, count), first + from);
      result.scales[number] = grid.scale;
      if (form.asymmetric)
        zeros.put(row * zeroBytes(), block, grid.zero);
      for (int64_t i = 0; i < form.blockSize; ++i) {
        float value = i < count ? w[from + i] : 0.0f;
        int32_t q = roundTo(grid, value, levels());
        integers.put(number * blockBytes(), i, q);
        if (i < count && !u.empty())
          passOn(w, u, from + i, value - static_cast<float>(q - grid.zero) * grid.scale);
      }
    }
  }

  /// The integers of a row as numbers.
  float valueOf(int64_t row, int64_t column) const {
    int64_t block = column / form.blockSize, number = row * blocks + block, at = column % form.blockSize * form.bits;
    int32_t mask = levels(), zero = 1 << (form.bits - 1);
    if (form.asymmetric)
      zero = result.zeros[row * zeroBytes() + block * form.bits / kByte] >> (block * form.bits % kByte) & mask;
    int32_t q = result.packed[number * blockBytes() + at / kByte] >> (at % kByte) & mask;
    return static_cast<float>(q - zero) * result.scales[number];
  }

  BlockWeights result;

private:
  int64_t blockBytes() const { return form.blockSize * form.bits / kByte; }
  int64_t zeroBytes() const { return llvm::divideCeil(blocks * form.bits, kByte); }
  int32_t levels() const { return (1 << form.bits) - 1; }

  // Clipping the largest weights has less error on the whole, but outputs gain from that only where it is known which inputs matter: gpt2_124m's
  // logits lose 0.2 dB by it.
  Grid choose(llvm::ArrayRef<float> block, int64_t first) const {
    constexpr int kSteps = 9;
    if (importance.empty())
      return gridsOf(block, form.bits, form.asymmetric, 1).front();
    Grid best;
    double least = INFINITY;
    for (Grid grid : gridsOf(block, form.bits, form.asymmetric, kSteps)) {
      double error = 0;
      for (auto [i, w] : llvm::enumerate(block)) {
        double d = static_cast<float>(roundTo(grid, w, levels()) - grid.zero) * grid.scale - w;
        error += d * d * importance[first + i];
      }
      if (error < least) {
        least = error;
        best = grid;
      }
    }
    return best;
  }

  static void passOn(llvm::MutableArrayRef<float> w, llvm::ArrayRef<float> u, int64_t at, float error) {
    auto size = static_cast<int64_t>(w.size());
    const float *line = u.data() + at * size;
    float factor = error / line[at];
    for (int64_t j = at + 1; j < size; ++j)
      w[j] -= factor * line[j];
  }

  int64_t blocks;
  BlockForm form;
  llvm::ArrayRef<double> importance;
  Packer integers, zeros;
};

/// How much the correlations of a window may be trusted: as much as rounds a few rows by one half of the samples best for the other half.
double chooseTrust(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, int64_t first, BlockForm form,
                   llvm::ArrayRef<double> importance, const ErrorFeedback &feedback) {
  if (!feedback.hasHalves())
    return feedback.safeTrust(first);
  constexpr double kTrusts[] = {0, 0.5, 0.95};
  constexpr int64_t kJudged = 16;
  int64_t size = feedback.windowSize(first), judged = std::min(rows, kJudged);
  double best = 0, least = INFINITY;
  std::vector<float> part, errors(judged * size);
  for (double trust : kTrusts) {
    std::vector<float> u = feedback.window(first, trust, ErrorFeedback::Part::First);
    BlockRounder rounder(judged, columns, form, importance);
    for (int64_t row = 0; row < judged; ++row) {
      llvm::ArrayRef<float> w = matrix.slice(row * rows / judged * columns + first, size);
      part.assign(w.begin(), w.end());
      rounder.round(row, first, part, u);
      for (int64_t i = 0; i < size; ++i)
        errors[row * size + i] = rounder.valueOf(row, first + i) - w[i];
    }
    if (double error = feedback.energy(first, errors, ErrorFeedback::Part::Second); error < least) {
      least = error;
      best = trust;
    }
  }
  return best;
}

} // namespace

BlockWeights laic::quantizeBlocks(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, BlockForm form,
                                  llvm::ArrayRef<double> importance, const ErrorFeedback *feedback) {
  BlockRounder rounder(rows, columns, form, importance);
  std::vector<float> part;
  for (int64_t first = 0; first < columns; first += ErrorFeedback::kWindow) { // whole blocks
    int64_t size = std::min(ErrorFeedback::kWindow, columns - first);
    std::vector<float> u;
    if (feedback)
      u = feedback->window(first, chooseTrust(matrix, rows, columns, first, form, importance, *feedback));
    for (int64_t row = 0; row < rows; ++row) {
      llvm::ArrayRef<float> w = matrix.slice(row * columns + first, size);
      part.assign(w.begin(), w.end());
      rounder.round(row, first, part, u);
    }
  }
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      double w = matrix[row * columns + column], d = rounder.valueOf(row, column) - w;
      rounder.result.signal += w * w;
      rounder.result.noise += d * d;
    }
  return std::move(rounder.result);
}

LogicalResult WeightOnly::run() {
  if (samples) {
    floats.emplace(module, runner, *samples);
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

LogicalResult WeightOnly::decide() {
  std::vector<ChannelMoments> moments;
  std::vector<ErrorFeedback> feedback;
  if (floats) {
    std::vector<bool> wanted(floats->tensors()); // read by a product that gets blocks
    for (auto [layer, watched] : llvm::zip_equal(findLayers(mainOf(module), options.keepFloat), floats->layers()))
      if (layer.kind != "Conv" && layer.kept.empty())
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
  }
  for (auto [i, layer] : llvm::enumerate(findLayers(mainOf(module), options.keepFloat))) {
    BlockPlan decided{layer.name, layer.kind, layer.kept, nullptr, layer.weightsType().getNumElements() * 4};
    if (layer.kind == "Conv")
      decided.kept = "convolutions have no form in blocks";
    else if (decided.kept.empty() && layer.weightsType().getNumElements() < kFewWeights)
      decided.kept = kHasFewWeights;
    else if (decided.kept.empty() && !isFinite(layer.weights))
      decided.kept = kNotFinite;
    if (decided.kept.empty()) {
      std::vector<double> importance;
      if (floats) {
        const ChannelMoments &of = moments[floats->layers()[i].tensor];
        for (double square : of.square)
          importance.push_back(square / std::max<double>(of.count, 1) + 1e-12);
      }
      int64_t n = layer.channels(), k = layer.weightsType().getDimSize(1 - layer.channelAxis);
      const ErrorFeedback *of = floats ? &feedback[floats->layers()[i].tensor] : nullptr;
      decided.weights = std::make_shared<BlockWeights>(
          quantizeBlocks(rowsOf(layer), n, k, form(), importance, of && !of->empty() ? of : nullptr));
      decided.noise = decided.weights->noise;
    }
    plan.push_back(std::move(decided));
  }
  for (const Table &table : findTables(mainOf(module))) {
    RankedTensorType type = table.type();
    BlockPlan decided{table.name, "Gather", "", nullptr, type.getNumElements() * 4};
    bool isWhole = type.getDimSize(1) % options.blockSize == 0;
    decided.kept = isWhole ? whyKept(table, options.keepFloat) : "its rows are not whole blocks";
    if (decided.kept.empty()) {
      std::vector<char> scratch;
      decided.weights = std::make_shared<BlockWeights>(
          quantizeBlocks(floatsOf(table.data, scratch), type.getDimSize(0), type.getDimSize(1), form()));
      decided.noise = decided.weights->noise;
    }
    plan.push_back(std::move(decided));
  }
  return success();
}

void WeightOnly::apply(func::FuncOp main, llvm::ArrayRef<BlockPlan> decided) const {
  BlockApplier applier(main, form().bits, form().blockSize);
  std::vector<Layer> layers = findLayers(main, {});
  std::vector<Table> tables = findTables(main);
  for (auto [layer, one] : llvm::zip(layers, decided))
    if (one.kept.empty())
      applier.product(layer, *one.weights);
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
