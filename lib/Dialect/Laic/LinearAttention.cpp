// LinearAttention and CausalConvWithState.
#include "Decomposer.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/LinearAttentionOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

using V = Value;

//===-- LinearAttention -----------------------------------------------------------------------------------------===//

namespace {

enum Operand : unsigned { Query, Key, Val, Past, Decay, Beta };

template <typename Op> bool isGated(Op op) { return op.getUpdateRule() == "gated" || op.getUpdateRule() == "gated_delta"; }
template <typename Op> bool isDelta(Op op) { return op.getUpdateRule() == "delta" || op.getUpdateRule() == "gated_delta"; }

template <typename Op> LogicalResult checkRule(ShapeContext &ctx, Op op) {
  if (!llvm::is_contained({"linear", "gated", "delta", "gated_delta"}, op.getUpdateRule()))
    return ctx.fail("expects 'update_rule' to be linear, gated, delta or gated_delta, got '" + op.getUpdateRule() + "'");
  for (auto [i, name, isNeeded] : {std::tuple(unsigned(Decay), "decay", isGated(op)), {unsigned(Beta), "beta", isDelta(op)}})
    if (ctx.has(i) != isNeeded)
      return ctx.fail("with update_rule '" + op.getUpdateRule() + "' " + (isNeeded ? "needs " : "does not take ") + name);
  int64_t heads = op.getQNumHeads(), shared = op.getKvNumHeads();
  if (shared < 1 || heads < 1 || heads % shared != 0)
    return ctx.fail("expects q_num_heads to be a multiple of kv_num_heads, got " + Twine(heads) + " and " + Twine(shared));
  return success();
}

// The size of one of `heads` heads in the last dim.
FailureOr<AffineExpr> headSize(ShapeContext &ctx, unsigned i, int64_t heads, StringRef name) {
  std::string what = ("the last dim of " + name + " to be a multiple of its " + Twine(heads) + " heads").str();
  AffineExpr size = ctx.shape(i)[2];
  if (failed(ctx.multiple(size, heads, "expects " + what, "expects " + what + ", got " + Twine(constantSize(size).value_or(0)))))
    return failure();
  return ctx.symbols.floorDiv(size, ctx.cst(heads));
}

// [batch, steps, ...] as the queries have it.
LogicalResult checkSteps(ShapeContext &ctx, unsigned i, StringRef name) {
  if (failed(expectRank(ctx, i, 3, name)))
    return failure();
  for (unsigned dim : {0, 1})
    if (failed(expectSize(ctx, ctx.shape(i)[dim], ctx.shape(Query)[dim], "dim " + Twine(dim) + " of " + name, "as query")))
      return failure();
  return success();
}

// One factor per head, or one for each of `each`; which of both must be known.
LogicalResult checkFactors(ShapeContext &ctx, unsigned i, int64_t heads, AffineExpr each, StringRef name) {
  if (!ctx.has(i))
    return success();
  if (failed(checkSteps(ctx, i, name)))
    return failure();
  AffineExpr size = ctx.shape(i)[2];
  if (constantSize(size) == heads || size == each)
    return success();
  if (!constantSize(size))
    return ctx.fail("needs the last dim of " + name + " to be known when compiling");
  return expectSize(ctx, size, each, "the last dim of " + name, i == Beta ? "one, or one per head" : "as key, or one per head");
}

template <typename Op> LogicalResult inferLinearAttention(ShapeContext &ctx, Op op) {
  if (failed(checkRule(ctx, op)) || failed(checkSteps(ctx, Query, "query")) || failed(checkSteps(ctx, Key, "key")) ||
      failed(checkSteps(ctx, Val, "value")))
    return failure();
  int64_t heads = op.getQNumHeads(), shared = op.getKvNumHeads();
  auto queries = headSize(ctx, Query, heads, "query"), keys = headSize(ctx, Key, shared, "key");
  auto values = headSize(ctx, Val, shared, "value");
  if (failed(queries) || failed(keys) || failed(values) ||
      failed(expectSize(ctx, *keys, *queries, "the head size of key", "as query")) ||
      failed(checkFactors(ctx, Decay, shared, ctx.shape(Key)[2], "decay")) ||
      failed(checkFactors(ctx, Beta, shared, ctx.cst(1), "beta")))
    return failure();
  if (op.getScale().isZero() && !constantSize(*queries))
    return ctx.fail("needs the head size to be known when compiling, since 'scale' is not given");
  AffineExpr batch = ctx.shape(Query)[0];
  SymShape state = {batch, ctx.cst(shared), *keys, *values};
  if (ctx.has(Past)) {
    if (failed(expectRank(ctx, Past, 4, "past_state")))
      return failure();
    for (unsigned dim = 0; dim < 4; ++dim)
      if (failed(expectSize(ctx, ctx.shape(Past)[dim], state[dim], "dim " + Twine(dim) + " of past_state", "as the heads")))
        return failure();
  }
  ctx.set(0, {batch, ctx.shape(Query)[1], canonicalSize(*values * heads)}, ctx.element(Query));
  ctx.set(1, state, ctx.has(Past) ? ctx.element(Past) : ctx.element(Query));
  return success();
}

} // namespace

LogicalResult LinearAttentionOp::inferShapes(ShapeContext &ctx) { return inferLinearAttention(ctx, *this); }

LogicalResult ContribLinearAttentionOp::inferShapes(ShapeContext &ctx) {
  if (getStateWindow() != 0)
    return ctx.fail("does not support state_window");
  return inferLinearAttention(ctx, *this);
}

LogicalResult ContribLinearAttentionOp::decompose(RewriterBase &rewriter) {
  rewriter.replaceOpWithNewOp<LinearAttentionOp>(*this, getResultTypes(), getQuery(), getKey(), getValue(), getPastState(),
                                                 getDecay(), getBeta(), getChunkSizeAttr(), getKvNumHeadsAttr(),
                                                 getQNumHeadsAttr(), getScaleAttr(), getUpdateRuleAttr());
  return success();
}

namespace {

// Operand i in f32 (as a factor where it is a decay), with its last dim split into heads.
V wideHeads(LowerContext &ctx, unsigned i, ArrayRef<AffineExpr> shape) {
  Type f32 = ctx.b.getF32Type();
  V value = ctx.operand(i);
  if (ctx.element(i) != f32 || i == Decay)
    value =
        ctx.generic(ctx.shape(i), f32, value, ctx.b.getMultiDimIdentityMap(ctx.rank(i)), [&](ScalarBuilder &s, ValueRange in) {
          V wide = toAccumulator(ctx, s, in[0], ctx.element(i), f32);
          return i == Decay ? s.exp(wide) : wide;
        });
  return ctx.reshape(value, ctx.shape(i), shape);
}

V narrow(LowerContext &ctx, V value, unsigned result) {
  Type element = ctx.resultElement(result);
  if (element.isF32())
    return value;
  ArrayRef<AffineExpr> shape = ctx.resultShape(result);
  return ctx.generic(shape, element, value, ctx.b.getMultiDimIdentityMap(shape.size()),
                     [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, in[0], element); });
}

} // namespace

LogicalResult LinearAttentionOp::lower(LowerContext &ctx) {
  ArrayRef<AffineExpr> state = ctx.resultShape(1);
  AffineExpr batch = state[0], steps = ctx.shape(Query)[1], heads = ctx.cst(getQNumHeads()), shared = state[1];
  V query = wideHeads(ctx, Query, {batch, steps, heads, state[2]}), key = wideHeads(ctx, Key, {batch, steps, shared, state[2]});
  V value = wideHeads(ctx, Val, {batch, steps, shared, state[3]}), past = ctx.has(Past) ? wideHeads(ctx, Past, state) : V();
  V decay, beta;
  if (ctx.has(Decay)) {
    bool isPerHead = ctx.shape(Decay)[2] == shared;
    decay = wideHeads(ctx, Decay, {batch, steps, shared, isPerHead ? ctx.cst(1) : state[2]});
  }
  if (ctx.has(Beta))
    beta = wideHeads(ctx, Beta, ctx.shape(Beta));
  double scale = getScale().convertToDouble();
  if (scale == 0)
    scale = 1 / std::sqrt(static_cast<double>(*constantSize(state[2])));
  SymShape y = {batch, steps, heads, state[3]};
  SmallVector<V> sizes;
  for (ArrayRef<AffineExpr> shape : {ArrayRef<AffineExpr>(y), state})
    for (AffineExpr size : shape)
      if (!constantSize(size))
        sizes.push_back(ctx.size(size));
  Type f32 = ctx.b.getF32Type();
  auto op = LinearRecurrenceOp::create(ctx.b, ctx.type(y, f32), ctx.type(state, f32), query, key, value, past, decay, beta, sizes,
                                       APFloat(static_cast<float>(scale)));
  ctx.set(0, narrow(ctx, ctx.reshape(op.getY(), y, ctx.resultShape(0)), 0));
  ctx.set(1, narrow(ctx, op.getState(), 1));
  return success();
}

//===-- CausalConvWithState -------------------------------------------------------------------------------------===//

template <typename Op> static LogicalResult inferCausalConv(ShapeContext &ctx, Op op) {
  enum : unsigned { Input, Weight, Bias, State };
  if (!llvm::is_contained({"none", "silu", "swish"}, op.getActivation()))
    return ctx.fail("expects 'activation' to be none, silu or swish, got '" + op.getActivation() + "'");
  if (failed(expectRank(ctx, Input, 3, "the input")) || failed(expectRank(ctx, Weight, 3, "weight")))
    return failure();
  ArrayRef<AffineExpr> x = ctx.shape(Input), w = ctx.shape(Weight);
  if (!constantSize(w[0]))
    return ctx.fail("needs dim 0 of weight (the channels) to be known when compiling");
  if (failed(expectSize(ctx, x[1], w[0], "dim 1 of the input", "the channels of weight")) ||
      failed(expectSize(ctx, w[1], ctx.cst(1), "dim 1 of weight", "one kernel per channel")) ||
      (ctx.has(Bias) && failed(expectVector(ctx, Bias, w[0], "bias", "the channels"))))
    return failure();
  SymShape state = {x[0], w[0], canonicalSize(w[2] - 1)};
  if (ctx.has(State)) {
    if (failed(expectRank(ctx, State, 3, "past_state")))
      return failure();
    for (unsigned dim = 0; dim < 3; ++dim)
      if (failed(expectSize(ctx, ctx.shape(State)[dim], state[dim], "dim " + Twine(dim) + " of past_state",
                            "batch, channels, kernel - 1")))
        return failure();
  }
  ctx.set(0, {x[0], w[0], x[2]}, ctx.element(Input));
  ctx.set(1, state, ctx.element(Input));
  return success();
}

LogicalResult CausalConvWithStateOp::inferShapes(ShapeContext &ctx) { return inferCausalConv(ctx, *this); }

LogicalResult ContribCausalConvWithStateOp::inferShapes(ShapeContext &ctx) {
  if (getChannelsLast() != 0 || getDilation() != 1 || getNdim() != 1 || getStateWindow() != 0 ||
      static_cast<int64_t>(getStateChannelsLast()) == 1)
    return ctx.fail("supports one spatial dim behind the channels, without dilation and state_window");
  return inferCausalConv(ctx, *this);
}

LogicalResult ContribCausalConvWithStateOp::decompose(RewriterBase &rewriter) {
  rewriter.replaceOpWithNewOp<CausalConvWithStateOp>(*this, getResultTypes(), getInput(), getWeight(), getBias(), getPastState(),
                                                     getActivationAttr());
  return success();
}

LogicalResult CausalConvWithStateOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  Type element = Decomposer::elementOf(getInput());
  V kept = d.sub(d.size(getWeight(), 2), d.ints({1})), all;
  if (isAbsent(getPastState()))
    all = d.pad(getInput(), d.concat({d.ints({0, 0}), kept, d.ints({0, 0, 0})}, 0), d.number(0, element));
  else
    all = d.concat({getPastState(), getInput()}, 2);
  int64_t channels = cast<RankedTensorType>(getWeight().getType()).getDimSize(0);
  V y = d.make<ConvOp>(element, all, getWeight(), getBias(), rewriter.getStringAttr("NOTSET"), DenseI64ArrayAttr(),
                       rewriter.getI64IntegerAttr(channels), DenseI64ArrayAttr(), DenseI64ArrayAttr(), DenseI64ArrayAttr());
  if (getActivation() != "none")
    y = d.make<SwishOp>(element, y);
  V state = d.slice(all, d.sub(d.size(all, 2), kept), d.size(all, 2), 2);
  d.replace({y, state});
  return success();
}
