// Activations and other simple operators of com.microsoft, decomposed into those of the standard.
#include "Decomposer.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ContribElementwiseOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"

using namespace mlir;
using namespace laic;

using V = Value;

namespace {

V gelu(const Decomposer &d, V x, StringRef approximate = "none") {
  return d.make<GeluOp>(Decomposer::elementOf(x), x, d.rewriter.getStringAttr(approximate));
}

// A vector that is added along the last dim; may be absent.
LogicalResult inferBiased(ShapeContext &ctx, unsigned bias) {
  if (!ctx.has(bias))
    return ctx.same(0);
  if (failed(expectMinRank(ctx, 0, 1, "the input")) ||
      failed(expectVector(ctx, bias, ctx.shape(0).back(), "the bias", "the input's last dim")))
    return failure();
  return ctx.same(0);
}

V biased(const Decomposer &d, V x, V bias) { return isAbsent(bias) ? x : d.add(x, bias); }

} // namespace

LogicalResult ContribGeluOp::inferShapes(ShapeContext &ctx) { return ctx.same(0); }
LogicalResult ContribGeluOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  d.replace(gelu(d, getX()));
  return success();
}

LogicalResult BiasGeluOp::inferShapes(ShapeContext &ctx) { return inferBiased(ctx, 1); }
LogicalResult BiasGeluOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  d.replace(gelu(d, biased(d, getX(), getBias())));
  return success();
}

LogicalResult FastGeluOp::inferShapes(ShapeContext &ctx) { return inferBiased(ctx, 1); }
LogicalResult FastGeluOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  d.replace(gelu(d, biased(d, getX(), getBias()), "tanh"));
  return success();
}

LogicalResult QuickGeluOp::inferShapes(ShapeContext &ctx) { return ctx.same(0); }
LogicalResult QuickGeluOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  d.replace(d.make<SwishOp>(Decomposer::elementOf(getX()), getX(), getAlphaAttr()));
  return success();
}

LogicalResult BiasSplitGeluOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferBiased(ctx, 1)))
    return failure();
  SymShape shape(ctx.shape(0));
  std::string what = "the last dim to be a multiple of 2";
  if (failed(ctx.multiple(shape.back(), 2, "expects " + what,
                          "expects " + what + ", got " + Twine(constantSize(shape.back()).value_or(0)))))
    return failure();
  shape.back() = ctx.symbols.floorDiv(shape.back(), ctx.cst(2));
  ctx.set(0, shape, ctx.element(0));
  return success();
}
LogicalResult BiasSplitGeluOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V x = d.add(getX(), getBias()), half = d.div(d.size(getX(), -1), d.ints({2}));
  V first = d.slice(x, d.ints({0}), half, -1), second = d.slice(x, half, d.ints({INT64_MAX}), -1);
  d.replace(d.mul(first, gelu(d, second)));
  return success();
}

LogicalResult ContribTriluOp::inferShapes(ShapeContext &ctx) {
  return failed(expectMinRank(ctx, 0, 2, "the input")) ? failure() : ctx.same(0);
}
LogicalResult ContribTriluOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  d.replace(d.make<TriluOp>(Decomposer::elementOf(getX()), getX(), getK(), getUpperAttr()));
  return success();
}
