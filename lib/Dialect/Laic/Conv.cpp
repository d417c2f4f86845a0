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

LogicalResult ConvOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0), w = sizedOperand(ctx, 1);
  auto windows = makeWindows(ctx.symbols, ArrayRef(x.shape).drop_front(2), ArrayRef(w.shape).drop_front(2), convAttributes(*this),
                             [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(x.element)));
  std::tie(x.value, x.shape) = padWindows(ctx, x.value, x.shape, *windows, zero);
  Sized sums = convolve(ctx, x, w, *windows, getGroup(), ctx.accumulator(x.element));
  std::optional<Sized> bias;
  if (ctx.has(2))
    bias = sizedOperand(ctx, 2);
  ctx.set(0, finishSums(ctx, sums, bias, ctx.resultElement()));
  return success();
}
