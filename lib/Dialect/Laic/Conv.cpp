// Conv: inference and lowering to padding, one contraction and a bias; where most taps meet padding, to several without any.
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ConvOps.h"

using namespace mlir;
using namespace laic;

LogicalResult laic::inferConvolution(ShapeContext &ctx, ConvOperands operands, const WindowAttributes &attributes, int64_t group,
                                     Type element) {
  if (failed(expectMinRank(ctx, operands.x, 3, "the input")) ||
      failed(expectRank(ctx, operands.w, ctx.rank(operands.x), "weights")))
    return failure();
  if (group < 1)
    return ctx.fail("expects attribute 'group' to be at least 1, got " + Twine(group));
  ArrayRef<AffineExpr> x = ctx.shape(operands.x), w = ctx.shape(operands.w);
  for (auto [size, what] : {std::make_pair(x[1], "input channels"), std::make_pair(w[0], "output channels")})
    if (failed(ctx.multiple(size, group, "expects " + Twine(what) + " to be a multiple of group " + Twine(group),
                            "expects " + Twine(what) + " to be a multiple of group " + Twine(group) + ", got " +
                                Twine(constantSize(size).value_or(0)))))
      return failure();
  AffineExpr perGroup = ctx.symbols.floorDiv(x[1], ctx.cst(group));
  if (failed(expectSize(ctx, w[1], perGroup, "weights dim 1", "input channels / group")))
    return failure();
  if (ctx.has(operands.bias) && failed(expectVector(ctx, operands.bias, w[0], "bias", "output channels")))
    return failure();
  auto windows = makeWindows(ctx.symbols, x.drop_front(2), w.drop_front(2), attributes,
                             [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  SymShape result = {x[0], w[0]};
  for (const Window &window : *windows)
    result.push_back(window.out);
  ctx.set(0, result, element);
  return success();
}

LogicalResult ConvOp::inferShapes(ShapeContext &ctx) {
  return inferConvolution(ctx, {0, 1, 2}, convAttributes(*this), getGroup(), ctx.element(0));
}

static Sized slice(LowerContext &ctx, const Sized &from, ArrayRef<AffineExpr> offsets, ArrayRef<AffineExpr> sizes) {
  SmallVector<OpFoldResult> ones(offsets.size(), ctx.b.getIndexAttr(1));
  Value value = tensor::ExtractSliceOp::create(ctx.b, from.value, ctx.folds(offsets), ctx.folds(sizes), ones);
  return {value, SymShape(sizes), from.element};
}

// Taps at either end of the kernel that meet nothing but padding, whatever the output, are cut off with the padding that they read:
// dilations as large as the image leave the middle one.
static void trimTaps(LowerContext &ctx, Sized &w, MutableArrayRef<Window> windows) {
  SymShape offsets(w.shape.size(), ctx.cst(0)), sizes(w.shape);
  bool trims = false;
  for (unsigned i = 0; i < windows.size(); ++i) {
    Window &window = windows[i];
    auto in = constantSize(window.in), kernel = constantSize(window.kernel), out = constantSize(window.out),
         low = constantSize(window.low);
    if (!in || !kernel || !out || !low || *in < 1 || *out < 1)
      continue;
    // Output o reads o * stride + k * dilation - low.
    auto isLive = [&](int64_t k) {
      int64_t start = k * window.dilation - *low;
      int64_t o =
          start < 0 ? llvm::divideCeil(-start, window.stride) : 0; // the first output for which it is not before the input
      return o < *out && o * window.stride + start < *in;
    };
    int64_t first = 0, last = *kernel - 1;
    while (first < last && !isLive(first) && (first + 1) * window.dilation <= *low)
      ++first;
    while (last > first && !isLive(last))
      --last;
    if (first == 0 && last == *kernel - 1)
      continue;
    trims = true;
    int64_t before = *low - first * window.dilation, taps = last - first + 1;
    int64_t reads = (*out - 1) * window.stride + (taps - 1) * window.dilation + 1;
    window.kernel = ctx.cst(taps);
    window.low = ctx.cst(before);
    window.high = ctx.cst(std::max<int64_t>(0, reads - before - *in));
    window.padded = canonicalSize(window.in + window.low + window.high);
    offsets[2 + i] = ctx.cst(first);
    sizes[2 + i] = window.kernel;
  }
  if (!trims)
    return;
  w = slice(ctx, w, offsets, sizes);
}

namespace {

/// Outputs [begin, end) of one dim whose windows meet the input with the same taps [first, last].
struct Interval {
  int64_t begin, end, first, last;
};

/// A convolution cut where the taps that meet padding change: each region is a convolution of fewer taps without padding.
class Regions {
public:
  Regions(LowerContext &ctx, Sized x, Sized w, ArrayRef<Window> windows, int64_t group, std::optional<Sized> bias)
      : ctx(ctx), x(x), w(w), windows(windows), group(group), bias(bias) {}

  /// False where sizes are unknown or too little work would be saved to make up for the dispatches and the code of every region.
  bool worthIt() {
    constexpr double kShare = 0.6, kSaved = 1 << 20; // multiply-adds, about 20 us
    constexpr size_t kMost = 25;
    double share = 1, all = double(constantSize(w.shape[0]).value_or(0)) * double(constantSize(w.shape[1]).value_or(0));
    size_t count = 1;
    for (const Window &window : windows) {
      if (!split(window))
        return false;
      double work = 0;
      for (const Interval &i : intervals.back())
        work += double(i.end - i.begin) * double(i.last - i.first + 1);
      double whole = double(*constantSize(window.out)) * double(*constantSize(window.kernel));
      share *= work / whole;
      all *= whole;
      count *= intervals.back().size();
    }
    return count > 1 && count <= kMost && share <= kShare && (1 - share) * all >= kSaved;
  }

  /// The finished convolution.
  Value build() {
    SmallVector<const Interval *> chosen;
    return build(chosen).value;
  }

private:
  /// Appends the intervals of one dim.
  bool split(const Window &window) {
    auto in = constantSize(window.in), kernel = constantSize(window.kernel), out = constantSize(window.out),
         low = constantSize(window.low);
    if (!in || !kernel || !out || !low || *in < 1 || *out < 1 || *kernel < 1)
      return false;
    SmallVector<Interval> &found = intervals.emplace_back();
    for (int64_t o = 0; o < *out; ++o) { // reads o * stride + k * dilation - low
      int64_t start = o * window.stride - *low;
      int64_t first = start < 0 ? int64_t(llvm::divideCeil(-start, window.dilation)) : 0;
      int64_t last = *in - 1 < start ? -1 : std::min(*kernel - 1, (*in - 1 - start) / window.dilation);
      if (first > last)
        return false;
      if (!found.empty() && found.back().first == first && found.back().last == last)
        ++found.back().end;
      else
        found.push_back({o, o + 1, first, last});
    }
    return true;
  }

  Sized build(SmallVectorImpl<const Interval *> &chosen) {
    unsigned dim = chosen.size();
    if (dim == windows.size())
      return region(chosen);
    SmallVector<Value> parts;
    Sized result;
    for (const Interval &interval : intervals[dim]) {
      chosen.push_back(&interval);
      result = build(chosen);
      chosen.pop_back();
      parts.push_back(result.value);
    }
    if (parts.size() > 1) {
      result.shape[2 + dim] = windows[dim].out;
      result.value = tensor::ConcatOp::create(ctx.b, ctx.type(result.shape, result.element), 2 + dim, parts);
    }
    return result;
  }

  Sized region(ArrayRef<const Interval *> chosen) {
    SymShape inOffsets(x.shape.size(), ctx.cst(0)), inSizes(x.shape), tapOffsets(w.shape.size(), ctx.cst(0)), tapSizes(w.shape);
    SmallVector<Window> here(windows);
    for (auto [i, interval] : llvm::enumerate(chosen)) {
      Window &window = here[i];
      int64_t taps = interval->last - interval->first + 1, outputs = interval->end - interval->begin;
      int64_t reads = (outputs - 1) * window.stride + (taps - 1) * window.dilation + 1;
      inOffsets[2 + i] = ctx.cst(interval->begin * window.stride + interval->first * window.dilation - *constantSize(window.low));
      inSizes[2 + i] = window.in = window.padded = ctx.cst(reads);
      tapOffsets[2 + i] = ctx.cst(interval->first);
      tapSizes[2 + i] = window.kernel = ctx.cst(taps);
      window.out = ctx.cst(outputs);
      window.low = window.high = ctx.cst(0);
    }
    Sized sums = convolve(ctx, slice(ctx, x, inOffsets, inSizes), slice(ctx, w, tapOffsets, tapSizes), here, group,
                          ctx.accumulator(x.element));
    SymShape shape = sums.shape;
    return {finishSums(ctx, sums, bias, ctx.resultElement()), shape, ctx.resultElement()};
  }

  LowerContext &ctx;
  Sized x, w;
  ArrayRef<Window> windows;
  int64_t group;
  std::optional<Sized> bias;
  SmallVector<SmallVector<Interval>> intervals; // per spatial dim
};

} // namespace

LogicalResult ConvOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0), w = sizedOperand(ctx, 1);
  auto windows = makeWindows(ctx.symbols, ArrayRef(x.shape).drop_front(2), ArrayRef(w.shape).drop_front(2), convAttributes(*this),
                             [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  trimTaps(ctx, w, *windows);
  std::optional<Sized> bias;
  if (ctx.has(2))
    bias = sizedOperand(ctx, 2);
  if (Regions regions(ctx, x, w, *windows, getGroup(), bias); regions.worthIt()) {
    ctx.set(0, regions.build());
    return success();
  }
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(x.element)));
  std::tie(x.value, x.shape) = padWindows(ctx, x.value, x.shape, *windows, zero);
  Sized sums = convolve(ctx, x, w, *windows, getGroup(), ctx.accumulator(x.element));
  ctx.set(0, finishSums(ctx, sums, bias, ctx.resultElement()));
  return success();
}
