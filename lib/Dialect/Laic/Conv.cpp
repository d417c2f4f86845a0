// Conv: inference and lowering to padding, one contraction and a bias.
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
  SmallVector<OpFoldResult> ones(w.shape.size(), ctx.b.getIndexAttr(1));
  w.value = tensor::ExtractSliceOp::create(ctx.b, w.value, ctx.folds(offsets), ctx.folds(sizes), ones);
  w.shape = sizes;
}

LogicalResult ConvOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0), w = sizedOperand(ctx, 1);
  auto windows = makeWindows(ctx.symbols, ArrayRef(x.shape).drop_front(2), ArrayRef(w.shape).drop_front(2), convAttributes(*this),
                             [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  trimTaps(ctx, w, *windows);
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(x.element)));
  std::tie(x.value, x.shape) = padWindows(ctx, x.value, x.shape, *windows, zero);
  Sized sums = convolve(ctx, x, w, *windows, getGroup(), ctx.accumulator(x.element));
  std::optional<Sized> bias;
  if (ctx.has(2))
    bias = sizedOperand(ctx, 2);
  ctx.set(0, finishSums(ctx, sums, bias, ctx.resultElement()));
  return success();
}
