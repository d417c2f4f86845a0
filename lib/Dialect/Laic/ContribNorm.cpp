// Normalisations of com.microsoft, decomposed into a sum and a normalisation of the standard.
#include "Decomposer.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ContribNormOps.h"
#include "laic/Dialect/Laic/NormOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"

using namespace mlir;
using namespace laic;

using V = Value;

namespace {

V rmsNorm(const Decomposer &d, V x, V scale, int64_t axis, FloatAttr epsilon) {
  return d.make<RMSNormalizationOp>(Decomposer::elementOf(scale), x, scale, d.rewriter.getI64IntegerAttr(axis), epsilon,
                                    d.rewriter.getI64IntegerAttr(1));
}

// y, mean, inverse deviation.
ResultRange layerNorm(const Decomposer &d, V x, V gamma, V beta, FloatAttr epsilon) {
  Type any = UnrankedTensorType::get(Decomposer::elementOf(x)), stats = UnrankedTensorType::get(d.f32());
  auto op = LayerNormalizationOp::create(d.rewriter, d.loc, TypeRange{any, stats, stats}, x, gamma, beta,
                                         d.rewriter.getI64IntegerAttr(-1), epsilon, d.rewriter.getI64IntegerAttr(1));
  return op->getResults();
}

// 1 / sqrt(mean(x^2) + epsilon) over the dims from `axis` on.
V inverseRoot(const Decomposer &d, V x, int64_t axis, double epsilon) {
  int64_t rank = cast<RankedTensorType>(d.op->getOperand(0).getType()).getRank();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq(axis < 0 ? axis + rank : axis, rank));
  V wide = d.cast(x, d.f32());
  V mean = d.make<ReduceMeanOp>(d.f32(), d.mul(wide, wide), d.ints(axes), /*keepdims=*/1);
  return d.power(d.add(mean, d.number(epsilon, d.f32())), d.number(-0.5, d.f32()));
}

// Input, skip and bias, which may be absent; skip may lack the batch or have one row of it.
LogicalResult checkSkip(ShapeContext &ctx, unsigned bias) {
  ArrayRef<AffineExpr> x = ctx.shape(0), skip = ctx.shape(1);
  if (failed(expectMinRank(ctx, 0, 2, "the input")))
    return failure();
  if (skip.size() > x.size())
    return ctx.fail("expects skip to have at most " + Twine(x.size()) + " dims, got " + Twine(skip.size()));
  for (unsigned i = 0; i < skip.size(); ++i)
    if (failed(expectOneOr(ctx, skip[i], x[x.size() - skip.size() + i], "dim " + Twine(i) + " of skip", "as the input")))
      return failure();
  return ctx.has(bias) ? expectVector(ctx, bias, x.back(), "bias", "the input's last dim") : success();
}

LogicalResult inferSkip(ShapeContext &ctx, ArrayRef<std::pair<unsigned, StringRef>> vectors, unsigned bias) {
  if (failed(checkSkip(ctx, bias)))
    return failure();
  for (auto [i, name] : vectors)
    if (ctx.has(i) && failed(expectVector(ctx, i, ctx.shape(0).back(), name, "the input's last dim")))
      return failure();
  SymShape stats(ctx.shape(0));
  stats.back() = ctx.cst(1);
  Type f32 = Float32Type::get(ctx.element(0).getContext());
  ctx.set(0, ctx.shape(0), ctx.element(0));
  ctx.set(1, stats, f32);
  ctx.set(2, stats, f32);
  ctx.set(3, ctx.shape(0), ctx.element(0));
  return success();
}

template <typename Op> V skipSum(const Decomposer &d, Op op) {
  V sum = d.add(op.getInput(), op.getSkip());
  return isAbsent(op.getBias()) ? sum : d.add(sum, op.getBias());
}

} // namespace

//===-- layer normalisations ------------------------------------------------------------------------------------===//

LogicalResult SkipLayerNormalizationOp::inferShapes(ShapeContext &ctx) {
  return inferSkip(ctx, {{2, "gamma"}, {3, "beta"}}, /*bias=*/4);
}

LogicalResult SkipLayerNormalizationOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V sum = skipSum(d, *this);
  ResultRange normal = layerNorm(d, sum, getGamma(), getBeta(), getEpsilonAttr());
  d.replace({normal[0], normal[1], normal[2], sum});
  return success();
}

LogicalResult SkipSimplifiedLayerNormalizationOp::inferShapes(ShapeContext &ctx) {
  if (!getMean().use_empty())
    return ctx.fail("does not support result 'mean', which the operator does not compute");
  return inferSkip(ctx, {{2, "gamma"}}, /*bias=*/3);
}

LogicalResult SkipSimplifiedLayerNormalizationOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V sum = skipSum(d, *this), inverse = inverseRoot(d, sum, -1, getEpsilon().convertToDouble());
  // Nobody reads the mean.
  d.replace({rmsNorm(d, sum, getGamma(), -1, getEpsilonAttr()), inverse, inverse, sum});
  return success();
}

LogicalResult SimplifiedLayerNormalizationOp::inferShapes(ShapeContext &ctx) {
  FailureOr<int64_t> axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0));
  if (failed(axis))
    return failure();
  SymShape stats(ctx.shape(0).take_front(*axis));
  stats.resize(ctx.rank(0), ctx.cst(1));
  ctx.set(0, ctx.shape(0), ctx.element(1));
  ctx.set(1, stats, Float32Type::get(getContext()));
  return success();
}

LogicalResult SimplifiedLayerNormalizationOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  int64_t axis = static_cast<int64_t>(getAxis());
  d.replace(
      {rmsNorm(d, getX(), getScale(), axis, getEpsilonAttr()), inverseRoot(d, getX(), axis, getEpsilon().convertToDouble())});
  return success();
}

//===-- EmbedLayerNormalization ---------------------------------------------------------------------------------===//

LogicalResult EmbedLayerNormalizationOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { Ids, Segments, Words, Positions, SegmentTable, Gamma, Beta, Mask, PositionIds };
  if (ctx.has(Segments) != ctx.has(SegmentTable))
    return ctx.fail("expects both segment_ids and segment_embedding, or neither");
  if (failed(expectRank(ctx, Ids, 2, "input_ids")) || failed(expectRank(ctx, Words, 2, "word_embedding")) ||
      failed(expectRank(ctx, Positions, 2, "position_embedding")))
    return failure();
  ArrayRef<AffineExpr> ids = ctx.shape(Ids);
  AffineExpr hidden = ctx.shape(Words)[1];
  for (auto [i, name] :
       {std::pair(unsigned(Segments), "segment_ids"), {unsigned(Mask), "mask"}, {unsigned(PositionIds), "position_ids"}})
    for (unsigned dim = 0; dim < 2 && ctx.has(i); ++dim)
      if (failed(expectRank(ctx, i, 2, name)) ||
          failed(expectOneOr(ctx, ctx.shape(i)[dim], ids[dim], "dim " + Twine(dim) + " of " + name, "as input_ids")))
        return failure();
  for (auto [i, name] : {std::pair(unsigned(Gamma), "gamma"), {unsigned(Beta), "beta"}})
    if (failed(expectVector(ctx, i, hidden, name, "as word_embedding")))
      return failure();
  if (failed(expectSize(ctx, ctx.shape(Positions)[1], hidden, "dim 1 of position_embedding", "as word_embedding")) ||
      (!ctx.has(PositionIds) &&
       failed(ctx.atLeast(ctx.shape(Positions)[0], ids[1], "the sequence must not be longer than position_embedding",
                          "expects a sequence that is not longer than position_embedding"))))
    return failure();
  ctx.set(0, {ids[0], ids[1], hidden}, ctx.element(Words));
  ctx.set(1, {ids[0]}, ctx.element(Ids));
  ctx.set(2, {ids[0], ids[1], hidden}, ctx.element(Words));
  return success();
}

LogicalResult EmbedLayerNormalizationOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V sum = d.gather(getWordEmbedding(), getInputIds());
  V places = isAbsent(getPositionIds()) ? d.slice(getPositionEmbedding(), d.ints({0}), d.size(getInputIds(), 1), 0)
                                        : d.gather(getPositionEmbedding(), getPositionIds());
  sum = d.add(sum, places);
  if (!isAbsent(getSegmentIds()))
    sum = d.add(sum, d.gather(getSegmentEmbedding(), getSegmentIds()));
  Type number = Decomposer::elementOf(getInputIds());
  // How many elements of a row count; without a mask the result is zeros.
  V source = isAbsent(getMask()) ? getInputIds() : getMask();
  V counted = isAbsent(getMask()) ? d.mul(source, d.number(0, number)) : d.cast(d.equal(source, d.number(1, number)), number);
  V count = d.make<ReduceSumOp>(number, counted, d.ints({1}), /*keepdims=*/0);
  d.replace({layerNorm(d, sum, getGamma(), getBeta(), getEpsilonAttr())[0], count, sum});
  return success();
}

//===-- GroupNorm, SkipGroupNorm --------------------------------------------------------------------------------===//

namespace {

struct GroupNormAttributes {
  int64_t activation, groups;
  bool channelsLast;
};
template <typename Op> GroupNormAttributes attributesOf(Op op) {
  return {static_cast<int64_t>(op.getActivation()), static_cast<int64_t>(op.getGroups()), op.getChannelsLast() != 0};
}

LogicalResult checkGroupNorm(ShapeContext &ctx, GroupNormAttributes attributes) {
  if (attributes.activation != 0 && attributes.activation != 1)
    return ctx.fail("expects 'activation' to be 0 (none) or 1 (SiLU), got " + Twine(attributes.activation));
  if (failed(expectMinRank(ctx, 0, 3, "the input")))
    return failure();
  AffineExpr channels = attributes.channelsLast ? ctx.shape(0).back() : ctx.shape(0)[1];
  std::string what = ("channels to be a multiple of groups " + Twine(attributes.groups)).str();
  if (attributes.groups < 1)
    return ctx.fail("expects " + what);
  if (failed(ctx.multiple(channels, attributes.groups, "expects " + what,
                          "expects " + what + ", got " + Twine(constantSize(channels).value_or(0)))))
    return failure();
  for (auto [i, name] : {std::pair(1u, "gamma"), {2u, "beta"}})
    if (failed(expectVector(ctx, i, channels, name, "channels of the input")))
      return failure();
  return success();
}

// In f32, whatever the types of input and parameters.
template <typename Op> V groupNorm(const Decomposer &d, Op op, V x) {
  GroupNormAttributes attributes = attributesOf(op);
  int64_t rank = cast<RankedTensorType>(op.getX().getType()).getRank();
  SmallVector<int64_t> first = {0, rank - 1}, last = {0};
  for (int64_t i = 1; i + 1 < rank; ++i)
    first.push_back(i);
  for (int64_t i = 2; i < rank; ++i)
    last.push_back(i);
  last.push_back(1);
  Type wide = Decomposer::elementOf(x).isF64() ? Decomposer::elementOf(x) : d.f32();
  V y = d.cast(x, wide);
  y = attributes.channelsLast ? d.transpose(y, first) : y;
  y = d.make<GroupNormalizationOp>(wide, y, d.cast(op.getGamma(), wide), d.cast(op.getBeta(), wide), op.getEpsilonAttr(),
                                   op.getGroupsAttr(), d.rewriter.getI64IntegerAttr(1));
  if (attributes.activation == 1)
    y = d.make<SwishOp>(wide, y);
  y = attributes.channelsLast ? d.transpose(y, last) : y;
  return d.cast(y, Decomposer::elementOf(x));
}

} // namespace

LogicalResult GroupNormOp::inferShapes(ShapeContext &ctx) {
  return failed(checkGroupNorm(ctx, attributesOf(*this))) ? failure() : ctx.same(0);
}
LogicalResult GroupNormOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  d.replace(groupNorm(d, *this, getX()));
  return success();
}

LogicalResult SkipGroupNormOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { X, Gamma, Beta, Skip, Bias };
  if (failed(checkGroupNorm(ctx, attributesOf(*this))))
    return failure();
  if (!getChannelsLast())
    return ctx.fail("does not support channels_last = 0; expects the channels in the last dim");
  ArrayRef<AffineExpr> x = ctx.shape(X), skip = ctx.shape(Skip);
  if (skip.size() != x.size() && skip.size() != 2)
    return ctx.fail("expects skip to have rank 2 or " + Twine(x.size()) + ", got rank " + Twine(skip.size()));
  for (unsigned i = 0; i < skip.size(); ++i)
    if (failed(expectOneOr(ctx, skip[i], i + 1 == skip.size() ? x.back() : x[i], "dim " + Twine(i) + " of skip", "as the input")))
      return failure();
  if (ctx.has(Bias) && failed(expectVector(ctx, Bias, x.back(), "bias", "channels of the input")))
    return failure();
  ctx.set(0, x, ctx.element(X));
  ctx.set(1, x, ctx.element(X));
  return success();
}
LogicalResult SkipGroupNormOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  int64_t rank = cast<RankedTensorType>(getX().getType()).getRank();
  V skip = getSkip();
  if (cast<RankedTensorType>(skip.getType()).getRank() != rank)
    skip = d.unsqueeze(skip, llvm::to_vector(llvm::seq<int64_t>(1, rank - 1)));
  V sum = d.add(getX(), skip);
  sum = isAbsent(getBias()) ? sum : d.add(sum, getBias());
  d.replace({groupNorm(d, *this, sum), sum});
  return success();
}
