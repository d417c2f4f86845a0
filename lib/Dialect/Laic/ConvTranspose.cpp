// ConvTranspose: one small convolution per phase of the stride, and their results interleaved.
//
// Along one dim, output o = s * q + r (phase r < s) gets x[i] * w[k] for i * s + k * d = o + low. The taps k of a phase are
// k0, k0 + s / g, ... with g = gcd(s, d), and they meet inputs q + shift, q + shift - d / g, ...: a correlation with the
// reversed taps, dilated by d / g. No zeros are inserted. Where all phases read the same inputs (a kernel that is a
// multiple of the stride without dilation and offset), they become output channels of one convolution.
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ConvOps.h"

#include <numeric>

using namespace mlir;
using namespace laic;

namespace {

// One spatial dim.
struct Spread {
  AffineExpr in, out;
  AffineExpr low; // of the full result [0, s * (in - 1) + extent), how much is cut off in front
  int64_t kernel, stride = 1, dilation = 1;
};

// The taps of one phase of a dim, in the order of a correlation (reversed).
struct Phase {
  int64_t taps = 0, lastTap = 0, step = 0; // tap j reads w[lastTap - j * step]
  int64_t dilation = 1;
  int64_t first = 0; // output q reads x[q + first + j * dilation]
};

LogicalResult checkCount(std::optional<ArrayRef<int64_t>> values, size_t count, StringRef name, Failure fail) {
  if (!values || values->empty() || values->size() == count)
    return success();
  return fail("expects attribute '" + name + "' to have " + Twine(count) + " values, got " + Twine(values->size()));
}

int64_t valueAt(std::optional<ArrayRef<int64_t>> values, size_t i, int64_t otherwise) {
  return values && !values->empty() ? (*values)[i] : otherwise;
}

// Sizes of the full result minus cut borders, by the operator's rules for pads, output_shape and auto_pad.
void sizeOutput(ConvTransposeOp op, SizeSymbols &symbols, Spread &dim, size_t i, size_t rank) {
  int64_t outputPadding = valueAt(op.getOutputPadding(), i, 0);
  AffineExpr full = (dim.in - 1) * dim.stride + ((dim.kernel - 1) * dim.dilation + 1 + outputPadding);
  bool same = op.getAutoPad().starts_with("SAME");
  std::optional<ArrayRef<int64_t>> shape = op.getOutputShape();
  if (!same && (!shape || shape->empty())) {
    bool padded = op.getAutoPad() == "NOTSET";
    int64_t low = padded ? valueAt(op.getPads(), i, 0) : 0, high = padded ? valueAt(op.getPads(), i + rank, 0) : 0;
    dim.low = symbols.constant(low);
    dim.out = canonicalSize(full - low - high);
    return;
  }
  // output_shape may list batch and channels too.
  dim.out = shape && !shape->empty() ? symbols.constant((*shape)[shape->size() - rank + i]) : canonicalSize(dim.in * dim.stride);
  AffineExpr total = symbols.max(canonicalSize(full - dim.out), symbols.constant(0));
  AffineExpr half = symbols.floorDiv(total, symbols.constant(2));
  dim.low = op.getAutoPad() == "SAME_UPPER" ? half : canonicalSize(total - half);
}

FailureOr<SmallVector<Spread, 3>> makeSpreads(ConvTransposeOp op, SizeSymbols &symbols, ArrayRef<AffineExpr> in,
                                              ArrayRef<AffineExpr> kernel, Failure fail) {
  size_t rank = in.size();
  if (failed(checkCount(op.getStrides(), rank, "strides", fail)) ||
      failed(checkCount(op.getDilations(), rank, "dilations", fail)) ||
      failed(checkCount(op.getPads(), 2 * rank, "pads", fail)) ||
      failed(checkCount(op.getKernelShape(), rank, "kernel_shape", fail)) ||
      failed(checkCount(op.getOutputPadding(), rank, "output_padding", fail)))
    return failure();
  if (std::optional<ArrayRef<int64_t>> shape = op.getOutputShape())
    if (shape->size() != rank + 2 && failed(checkCount(shape, rank, "output_shape", fail)))
      return failure();
  SmallVector<Spread, 3> dims;
  for (size_t i = 0; i < rank; ++i) {
    std::optional<int64_t> size = constantSize(kernel[i]);
    if (!size)
      return LogicalResult(fail("needs the weights' spatial dims to be known when compiling"));
    if (op.getKernelShape() && !op.getKernelShape()->empty() && (*op.getKernelShape())[i] != *size)
      return LogicalResult(fail("expects a window of " + Twine((*op.getKernelShape())[i]) +
                                " (attribute 'kernel_shape'), got weights of " + Twine(*size)));
    Spread dim;
    dim.in = in[i];
    dim.kernel = *size;
    dim.stride = valueAt(op.getStrides(), i, 1);
    dim.dilation = valueAt(op.getDilations(), i, 1);
    if (dim.stride < 1 || dim.dilation < 1)
      return LogicalResult(fail("expects strides and dilations of at least 1"));
    sizeOutput(op, symbols, dim, i, rank);
    if (std::optional<int64_t> out = constantSize(dim.out); out && *out < 1)
      return LogicalResult(fail("pads leave nothing of spatial dim " + Twine(i)));
    if (!constantSize(dim.low))
      return LogicalResult(fail("padding in spatial dim " + Twine(i) + " depends on the input's size; give the input's dims"));
    dims.push_back(dim);
  }
  return dims;
}

Phase phaseOf(const Spread &dim, int64_t r) {
  int64_t low = *constantSize(dim.low), common = std::gcd(dim.stride, dim.dilation);
  Phase phase;
  phase.step = dim.stride / common;
  phase.dilation = dim.dilation / common;
  for (int64_t k = 0; k < dim.kernel; ++k) {
    if ((r + low - k * dim.dilation) % dim.stride != 0)
      continue;
    ++phase.taps;
    phase.lastTap = k;
    phase.first = (r + low - k * dim.dilation) / dim.stride;
  }
  return phase;
}

class ConvTransposeLowering {
public:
  ConvTransposeLowering(LowerContext &ctx, ArrayRef<Spread> dims, int64_t group)
      : ctx(ctx), dims(dims), group(group), rank(dims.size()), x(sizedOperand(ctx, 0)), w(sizedOperand(ctx, 1)),
        compute(ctx.accumulator(x.element)) {}

  Value run();

private:
  SmallVector<Phase> phasesOf(int64_t index) const;
  bool uniform() const;
  Value phaseWeights(ArrayRef<Phase> phases, SymShape &shape);
  std::pair<Sized, SmallVector<Window>> cutInput(ArrayRef<Phase> phases);
  Value phase(ArrayRef<Phase> phases);
  Value allPhases();
  Value interleave(Value stacked, bool phasesFirst);
  Value finish(Sized sums, Value bias) {
    std::optional<Sized> added;
    if (bias)
      added = Sized{bias, {sums.shape[1]}, x.element};
    return finishSums(ctx, sums, added, x.element);
  }

  LowerContext &ctx;
  ArrayRef<Spread> dims;
  int64_t group;
  unsigned rank;
  Sized x, w;
  Type compute;
  int64_t phaseCount = 1;
  SymShape phaseSizes; // spatial sizes of one phase
};

// Phases of all dims for a flat phase number, last dim fastest.
SmallVector<Phase> ConvTransposeLowering::phasesOf(int64_t index) const {
  SmallVector<Phase> phases(rank);
  for (unsigned d = rank; d-- > 0;) {
    phases[d] = phaseOf(dims[d], index % dims[d].stride);
    index /= dims[d].stride;
  }
  return phases;
}

bool ConvTransposeLowering::uniform() const {
  for (const Spread &dim : dims) {
    Phase first = phaseOf(dim, 0);
    for (int64_t r = 1; r < dim.stride; ++r) {
      Phase phase = phaseOf(dim, r);
      if (phase.taps != first.taps || phase.first != first.first)
        return false;
    }
  }
  return group == 1;
}

// Weights [C, F / group, k...] as those of a phase's convolution: [F, C / group, taps...].
Value ConvTransposeLowering::phaseWeights(ArrayRef<Phase> phases, SymShape &shape) {
  MLIRContext *mlir = ctx.b.getContext();
  AffineExpr perGroup = ctx.symbols.floorDiv(w.shape[0], ctx.cst(group));
  SymShape split(w.shape), result = {ctx.cst(group), w.shape[1], perGroup};
  split[0] = perGroup;
  split.insert(split.begin(), ctx.cst(group));
  auto dim = [&](unsigned i) { return getAffineDimExpr(i, mlir); };
  SmallVector<AffineExpr> indices = {dim(0), dim(2), dim(1)};
  shape = {canonicalSize(ctx.symbols.mul(w.shape[1], ctx.cst(group))), perGroup};
  for (auto [i, phase] : llvm::enumerate(phases)) {
    indices.push_back(phase.lastTap - dim(3 + i) * phase.step);
    result.push_back(ctx.cst(phase.taps));
    shape.push_back(ctx.cst(phase.taps));
  }
  Value source = ctx.reshape(w.value, w.shape, split);
  Value picked = ctx.generic(result, w.element, {source}, {AffineMap::get(3 + rank, 0, indices, mlir)},
                             [](ScalarBuilder &, ValueRange in) { return in[0]; });
  return ctx.reshape(picked, result, shape);
}

// Exactly the inputs that a phase reads, zeros outside, and the windows over them.
std::pair<Sized, SmallVector<Window>> ConvTransposeLowering::cutInput(ArrayRef<Phase> phases) {
  unsigned full = rank + 2;
  SymShape low(full, ctx.cst(0)), high = low, padded(x.shape), cut(x.shape);
  SmallVector<OpFoldResult> offsets(full, ctx.b.getIndexAttr(0)), strides(full, ctx.b.getIndexAttr(1));
  SmallVector<Window> windows;
  bool slice = false;
  for (auto [i, phase] : llvm::enumerate(phases)) {
    AffineExpr size = dims[i].in, needed = canonicalSize(phaseSizes[i] + (phase.taps - 1) * phase.dilation);
    low[2 + i] = ctx.cst(std::max<int64_t>(-phase.first, 0));
    int64_t skipped = std::max<int64_t>(phase.first, 0);
    high[2 + i] = ctx.symbols.max(canonicalSize(needed + phase.first - size), ctx.cst(0));
    padded[2 + i] = canonicalSize(size + low[2 + i] + high[2 + i]);
    cut[2 + i] = needed;
    offsets[2 + i] = ctx.b.getIndexAttr(skipped);
    slice |= skipped != 0 || padded[2 + i] != needed;
    Window window;
    window.in = needed;
    window.kernel = ctx.cst(phase.taps);
    window.out = phaseSizes[i];
    window.low = window.high = ctx.cst(0);
    window.dilation = phase.dilation;
    windows.push_back(window);
  }
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(x.element)));
  Value value = ctx.pad(x.value, low, high, padded, zero);
  if (slice)
    value = tensor::ExtractSliceOp::create(ctx.b, ctx.type(cut, x.element), value, offsets, ctx.folds(cut), strides);
  return {Sized{value, cut, x.element}, windows};
}

Value ConvTransposeLowering::phase(ArrayRef<Phase> phases) {
  Value bias = ctx.has(2) ? ctx.operand(2) : Value();
  SymShape result = {x.shape[0], ctx.resultShape()[1]};
  llvm::append_range(result, phaseSizes);
  if (llvm::any_of(phases, [](const Phase &phase) { return phase.taps == 0; }))
    return finish({ctx.filled(result, compute, 0), result, compute}, bias);
  SymShape shape;
  Value weights = phaseWeights(phases, shape);
  auto [cut, windows] = cutInput(phases);
  return finish(convolve(ctx, cut, {weights, shape, w.element}, windows, group, compute), bias);
}

// All phases as output channels [phase, F] of one convolution.
Value ConvTransposeLowering::allPhases() {
  MLIRContext *mlir = ctx.b.getContext();
  unsigned loops = rank + 2 + rank; // (r..., f, c, tap...)
  SymShape split, shape;
  SmallVector<AffineExpr> indices = {getAffineDimExpr(rank + 1, mlir), getAffineDimExpr(rank, mlir)};
  SmallVector<Phase> phases = phasesOf(0);
  for (const Spread &dim : dims)
    split.push_back(ctx.cst(dim.stride));
  split.push_back(w.shape[1]);
  split.push_back(w.shape[0]);
  shape = {canonicalSize(ctx.symbols.mul(w.shape[1], ctx.cst(phaseCount))), w.shape[0]};
  for (auto [i, phase] : llvm::enumerate(phases)) {
    // Uniform phases: the next phase reads the next tap.
    indices.push_back(getAffineDimExpr(i, mlir) + (phase.lastTap - getAffineDimExpr(rank + 2 + i, mlir) * phase.step));
    split.push_back(ctx.cst(phase.taps));
    shape.push_back(ctx.cst(phase.taps));
  }
  Value weights = ctx.generic(split, w.element, {w.value}, {AffineMap::get(loops, 0, indices, mlir)},
                              [](ScalarBuilder &, ValueRange in) { return in[0]; });
  weights = ctx.reshape(weights, split, shape);
  Value bias;
  if (ctx.has(2)) {
    SymShape repeated = {ctx.cst(phaseCount), w.shape[1]};
    bias = ctx.generic(repeated, x.element, {ctx.operand(2)}, {AffineMap::get(2, 0, {getAffineDimExpr(1, mlir)}, mlir)},
                       [](ScalarBuilder &, ValueRange in) { return in[0]; });
    bias = ctx.reshape(bias, repeated, shape[0]);
  }
  auto [cut, windows] = cutInput(phases);
  return finish(convolve(ctx, cut, {weights, shape, w.element}, windows, 1, compute), bias);
}

// [phases, N, F, q...] (or [N, phases * F, q...]) to [N, F, q * s + r...], cut to the result's sizes.
Value ConvTransposeLowering::interleave(Value stacked, bool phasesFirst) {
  SymShape flat, split;
  AffineExpr batch = x.shape[0], channels = ctx.resultShape()[1];
  if (phasesFirst)
    flat = {ctx.cst(phaseCount), batch, channels};
  else
    flat = {batch, canonicalSize(ctx.symbols.mul(channels, ctx.cst(phaseCount)))};
  llvm::append_range(flat, phaseSizes);
  if (!phasesFirst)
    split.push_back(batch);
  for (const Spread &dim : dims)
    split.push_back(ctx.cst(dim.stride));
  if (phasesFirst)
    split.push_back(batch);
  split.push_back(channels);
  llvm::append_range(split, phaseSizes);
  SmallVector<int64_t> permutation = {phasesFirst ? rank : 0, rank + 1};
  SymShape moved = {batch, channels}, whole = moved;
  for (unsigned i = 0; i < rank; ++i) {
    permutation.push_back(rank + 2 + i);
    permutation.push_back(phasesFirst ? i : i + 1);
    moved.push_back(phaseSizes[i]);
    moved.push_back(ctx.cst(dims[i].stride));
    whole.push_back(canonicalSize(ctx.symbols.mul(phaseSizes[i], ctx.cst(dims[i].stride))));
  }
  Value value = ctx.transpose(ctx.reshape(stacked, flat, split), permutation);
  value = ctx.reshape(value, moved, whole);
  if (ArrayRef(whole) == ctx.resultShape())
    return value;
  SmallVector<OpFoldResult> zeros(whole.size(), ctx.b.getIndexAttr(0)), ones(whole.size(), ctx.b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(ctx.b, ctx.type(ctx.resultShape(), x.element), value, zeros, ctx.folds(ctx.resultShape()),
                                        ones);
}

Value ConvTransposeLowering::run() {
  for (const Spread &dim : dims) {
    phaseCount *= dim.stride;
    phaseSizes.push_back(canonicalSize(ctx.symbols.floorDiv(dim.out + (dim.stride - 1), ctx.cst(dim.stride))));
  }
  if (phaseCount == 1)
    return phase(phasesOf(0));
  if (uniform())
    return interleave(allPhases(), /*phasesFirst=*/false);
  SymShape one = {ctx.cst(1), x.shape[0], ctx.resultShape()[1]}, each(ArrayRef(one).drop_front());
  llvm::append_range(one, phaseSizes);
  llvm::append_range(each, phaseSizes);
  SmallVector<Value> parts;
  for (int64_t i = 0; i < phaseCount; ++i)
    parts.push_back(ctx.reshape(phase(phasesOf(i)), each, one));
  return interleave(tensor::ConcatOp::create(ctx.b, /*dim=*/0, parts), /*phasesFirst=*/true);
}

} // namespace

LogicalResult ConvTransposeOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 3, "the input")) || failed(expectRank(ctx, 1, ctx.rank(0), "weights")))
    return failure();
  int64_t group = getGroup();
  ArrayRef<AffineExpr> x = ctx.shape(0), w = ctx.shape(1);
  if (failed(expectSize(ctx, w[0], x[1], "weights dim 0", "input channels")))
    return failure();
  std::optional<int64_t> in = constantSize(w[0]);
  if (group < 1 || (in && *in % group != 0))
    return ctx.fail("expects input channels to be a multiple of group " + Twine(group));
  AffineExpr channels = canonicalSize(ctx.symbols.mul(w[1], ctx.cst(group)));
  if (ctx.has(2) && failed(expectVector(ctx, 2, channels, "bias", "output channels")))
    return failure();
  auto dims =
      makeSpreads(*this, ctx.symbols, x.drop_front(2), w.drop_front(2), [&](const Twine &message) { return ctx.fail(message); });
  if (failed(dims))
    return failure();
  SymShape result = {x[0], channels};
  for (const Spread &dim : *dims)
    result.push_back(dim.out);
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult ConvTransposeOp::lower(LowerContext &ctx) {
  auto dims = makeSpreads(*this, ctx.symbols, ctx.shape(0).drop_front(2), ctx.shape(1).drop_front(2),
                          [&](const Twine &message) { return ctx.fail(message); });
  if (failed(dims))
    return failure();
  ctx.set(0, ConvTransposeLowering(ctx, *dims, getGroup()).run());
  return success();
}
