// MultiHeadAttention, Attention and QAttention of com.microsoft: projections, masks of several kinds, and a cache that grows.
#include "GroupedHeads.h"
#include "Quantized.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ContribAttentionOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/QuantOps.h"

#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace laic;

using V = Value;

namespace {

//===-- what the operators share --------------------------------------------------------------------------------===//

/// A padding mask: [batch] counts keys, others are 0 where a key is padding.
LogicalResult checkPadding(ShapeContext &ctx, unsigned i, ArrayRef<AffineExpr> scores, StringRef name) {
  if (!ctx.has(i))
    return success();
  if (!isa<IntegerType>(ctx.element(i)))
    return ctx.fail("expects integers in '" + name + "'");
  int64_t rank = ctx.rank(i);
  if (rank < 1 || rank > 3)
    return ctx.fail("expects " + name + " to have rank 1, 2 or 3, got rank " + Twine(rank));
  SymShape want = {scores[0]};
  if (rank > 1)
    want.push_back(rank == 2 ? scores[3] : scores[2]);
  if (rank > 2)
    want.push_back(scores[3]);
  for (int64_t dim = 0; dim < rank; ++dim)
    if (failed(expectSize(ctx, ctx.shape(i)[dim], want[dim], "dim " + Twine(dim) + " of " + name, "batch, queries, keys")))
      return failure();
  return success();
}

LogicalResult checkBias(ShapeContext &ctx, unsigned i, ArrayRef<AffineExpr> scores) {
  if (!ctx.has(i))
    return success();
  if (failed(expectRank(ctx, i, 4, "attention_bias")))
    return failure();
  for (unsigned dim = 0; dim < 4; ++dim)
    if (failed(expectOneOr(ctx, ctx.shape(i)[dim], scores[dim], "dim " + Twine(dim) + " of attention_bias", "as the scores")))
      return failure();
  return success();
}

LogicalResult needHeads(ShapeContext &ctx, AffineExpr hidden, int64_t heads) {
  std::optional<int64_t> size = constantSize(hidden);
  if (!size)
    return ctx.fail("needs the hidden size to be known when compiling");
  if (heads < 1 || *size % heads != 0)
    return ctx.fail("expects the hidden size to be a multiple of num_heads " + Twine(heads) + ", got " + Twine(*size));
  return success();
}

/// One attention over heads [batch, heads, sequence, head] that are as many for keys as for queries.
struct HeadAttention {
  const Decomposer &d;
  V query, key, value;   // keys with their past
  V padding, bias, past; // null where absent; `past` counts the keys that precede the queries
  double filter;         // what padding adds to a score
  bool isCausal;

  static V present(V x) { return isAbsent(x) ? V() : x; }

  V mask(Type element) const {
    V open = d.number(0, element), sum = bias;
    auto add = [&](V part) { sum = sum ? d.add(sum, part) : part; };
    V keys = d.positions(d.scalarSize(key, 2));
    if (padding) {
      int64_t rank = cast<RankedTensorType>(padding.getType()).getRank();
      V shown = padding;
      if (rank == 1)
        shown = d.less(keys, d.unsqueeze(d.cast(padding, d.i64()), {1, 2, 3}));
      else
        shown = d.unsqueeze(d.less(d.number(0, Decomposer::elementOf(padding)), padding),
                            rank == 2 ? ArrayRef<int64_t>{1, 2} : ArrayRef<int64_t>{1});
      add(d.select(shown, open, d.number(filter, element)));
    }
    if (isCausal) {
      V queries = d.unsqueeze(d.positions(d.scalarSize(query, 2)), {1});
      Visibility rule;
      rule.query = past ? d.add(queries, past) : queries;
      rule.key = keys;
      rule.right = 0;
      add(d.select(visible(d, rule), open, d.number(-INFINITY, element)));
    }
    return sum;
  }

  // [batch, sequence, heads * head]
  V run(double scale) const {
    Type element = Decomposer::elementOf(query);
    HeadCounts heads = headCounts(d, 1, 1);
    V scores = groupedScores(d, d.scale(query, scale), key, heads);
    if (V added = mask(element))
      scores = d.add(scores, added);
    return mergeHeads(d, groupedValues(d, d.softmax(scores), value, heads));
  }
};

double scaleOf(std::optional<APFloat> given, int64_t headSize) {
  return given ? given->convertToDouble() : 1 / std::sqrt(static_cast<double>(headSize));
}

} // namespace

//===-- MultiHeadAttention --------------------------------------------------------------------------------------===//

namespace {

enum Multi : unsigned { Query, Key, Val, Bias, Padding, AttentionBias, PastKey, PastValue, PastLength, Indirection };

// The shapes [batch, sequence, hidden] of query, key and value; a key with heads has none to split.
struct FlatShapes {
  SymShape q, k, v;
};

FailureOr<FlatShapes> flatShapes(ShapeContext &ctx, int64_t heads) {
  AffineExpr count = ctx.cst(heads);
  auto hidden = [&](ArrayRef<AffineExpr> shape) { return canonicalSize(shape[2] * shape[4]); };
  auto fromHeads = [&](ArrayRef<AffineExpr> shape) { return SymShape{shape[0], shape[2], canonicalSize(shape[1] * shape[3])}; };
  SymShape q(ctx.shape(Query));
  if (!ctx.has(Key)) {
    if (failed(expectRank(ctx, Query, 5, "a query that holds key and value")) ||
        failed(expectSize(ctx, q[2], count, "dim 2 of the query", "num_heads")) ||
        failed(expectSize(ctx, q[3], ctx.cst(3), "dim 3 of the query", "query, key and value")))
      return failure();
    SymShape all = {q[0], q[1], hidden(q)};
    return FlatShapes{all, all, all};
  }
  if (failed(expectRank(ctx, Query, 3, "the query")))
    return failure();
  SymShape k(ctx.shape(Key));
  if (!ctx.has(Val)) {
    if (failed(expectRank(ctx, Key, 5, "a key that holds the value")) ||
        failed(expectSize(ctx, k[2], count, "dim 2 of the key", "num_heads")) ||
        failed(expectSize(ctx, k[3], ctx.cst(2), "dim 3 of the key", "key and value")))
      return failure();
    SymShape both = {k[0], k[1], hidden(k)};
    return FlatShapes{q, both, both};
  }
  SymShape v(ctx.shape(Val));
  if ((k.size() != 3 && k.size() != 4) || v.size() != k.size())
    return LogicalResult(ctx.fail("expects key and value to have rank 3 or to have rank 4, got ranks " + Twine(k.size()) +
                                  " and " + Twine(v.size())));
  return k.size() == 3 ? FlatShapes{q, k, v} : FlatShapes{q, fromHeads(k), fromHeads(v)};
}

} // namespace

LogicalResult MultiHeadAttentionOp::inferShapes(ShapeContext &ctx) {
  int64_t heads = getNumHeads();
  if (ctx.has(PastLength) || ctx.has(Indirection))
    return ctx.fail("does not support past_sequence_length and cache_indirection");
  auto flat = flatShapes(ctx, heads);
  if (failed(flat))
    return failure();
  auto &[q, k, v] = *flat;
  if (failed(needHeads(ctx, q[2], heads)) || failed(needHeads(ctx, v[2], heads)) ||
      failed(expectSize(ctx, k[2], q[2], "the hidden size of the key", "as the query")) ||
      failed(expectSize(ctx, k[0], q[0], "the batch of the key", "as the query")) ||
      failed(expectSize(ctx, v[0], q[0], "the batch of the value", "as the query")) ||
      failed(expectSize(ctx, v[1], k[1], "the sequence of the value", "as the key")))
    return failure();
  if (ctx.has(Bias) && failed(expectVector(ctx, Bias, canonicalSize(q[2] + k[2] + v[2]), "bias", "query, key and value")))
    return failure();
  if (ctx.has(PastKey) != ctx.has(PastValue))
    return ctx.fail("expects both past_key and past_value, or neither");
  AffineExpr count = ctx.cst(heads), keys = k[1];
  AffineExpr keySize = ctx.symbols.floorDiv(q[2], count), valueSize = ctx.symbols.floorDiv(v[2], count);
  if (ctx.has(PastKey)) {
    if (failed(expectRank(ctx, PastKey, 4, "past_key")) || failed(expectRank(ctx, PastValue, 4, "past_value")))
      return failure();
    keys = canonicalSize(keys + ctx.shape(PastKey)[2]);
  }
  SymShape scores = {q[0], count, q[1], keys};
  if (failed(checkPadding(ctx, Padding, scores, "key_padding_mask")) || failed(checkBias(ctx, AttentionBias, scores)))
    return failure();
  ctx.set(0, {q[0], q[1], v[2]}, ctx.element(Query));
  ctx.set(1, {q[0], count, keys, keySize}, ctx.element(Query));
  ctx.set(2, {q[0], count, keys, valueSize}, ctx.element(Query));
  return success();
}

LogicalResult MultiHeadAttentionOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  int64_t heads = getNumHeads();
  // One of the tensors that stand side by side in dim 3.
  auto packed = [&](V x, int64_t i) { return d.reshape(d.slice(x, i, i + 1, 3), {0, 0, -1}); };
  bool hasKey = !isAbsent(getKey()), hasValue = !isAbsent(getValue());
  V q = hasKey ? getQuery() : packed(getQuery(), 0);
  V k = !hasKey ? packed(getQuery(), 1) : hasValue ? getKey() : packed(getKey(), 0);
  V v = !hasKey ? packed(getQuery(), 2) : hasValue ? getValue() : packed(getKey(), 1);
  bool isSplit = hasKey && hasValue && cast<RankedTensorType>(getKey().getType()).getRank() == 4;
  V start = d.ints({0});
  // Adds its part of the bias, the next one in order, and splits the heads.
  auto load = [&](V x) {
    if (!isAbsent(getBias())) {
      V end = d.add(start, d.size(x, 2));
      x = d.add(x, d.slice(getBias(), start, end, 0));
      start = end;
    }
    return splitHeads(d, x, heads);
  };
  q = load(q);
  if (!isSplit) {
    k = load(k);
    v = load(v);
  }
  V past;
  if (!isAbsent(getPastKey())) {
    past = d.scalarSize(getPastKey(), 2);
    k = d.concat({getPastKey(), k}, 2);
    v = d.concat({getPastValue(), v}, 2);
  }
  auto present = HeadAttention::present;
  HeadAttention attention{d,
                          q,
                          k,
                          v,
                          present(getKeyPaddingMask()),
                          present(getAttentionBias()),
                          past,
                          getMaskFilterValue().convertToDouble(),
                          getUnidirectional() != 0};
  int64_t headSize = cast<RankedTensorType>(getPresentKey().getType()).getDimSize(3);
  d.replace({attention.run(scaleOf(getScale(), headSize)), k, v});
  return success();
}

//===-- Attention, QAttention -----------------------------------------------------------------------------------===//

namespace {

/// Operand numbers of what Attention and QAttention share.
struct AttentionOperands {
  unsigned weights, bias, mask, past, attentionBias;
};

template <typename Op> LogicalResult checkOptions(ShapeContext &ctx, Op op) {
  if (op.getDoRotary() || op.getPastPresentShareBuffer())
    return ctx.fail("does not support do_rotary and past_present_share_buffer");
  return success();
}

// The widths of query, key and value in the projections' columns.
FailureOr<SmallVector<int64_t>> projectedSizes(ShapeContext &ctx, AffineExpr columns, std::optional<ArrayRef<int64_t>> given) {
  std::optional<int64_t> total = constantSize(columns);
  if (!total)
    return LogicalResult(ctx.fail("needs the columns of the weights to be known when compiling"));
  SmallVector<int64_t> sizes = given && !given->empty() ? SmallVector<int64_t>(*given) : SmallVector<int64_t>(3, *total / 3);
  if (sizes.size() != 3 || sizes[0] != sizes[1] || sizes[0] < 1 || sizes[0] + sizes[1] + sizes[2] != *total)
    return LogicalResult(
        ctx.fail("expects the columns of the weights to be those of query, key and value, got " + Twine(*total)));
  return sizes;
}

LogicalResult inferProjected(ShapeContext &ctx, AttentionOperands operands, int64_t heads, std::optional<ArrayRef<int64_t>> given,
                             Type element) {
  if (failed(expectRank(ctx, 0, 3, "the input")) || failed(expectRank(ctx, operands.weights, 2, "the weights")) ||
      failed(expectSize(ctx, ctx.shape(operands.weights)[0], ctx.shape(0)[2], "dim 0 of the weights", "the input's last dim")))
    return failure();
  AffineExpr columns = ctx.shape(operands.weights)[1], batch = ctx.shape(0)[0], queries = ctx.shape(0)[1], keys = queries;
  auto sizes = projectedSizes(ctx, columns, given);
  if (failed(sizes) || failed(needHeads(ctx, ctx.cst((*sizes)[0]), heads)) ||
      failed(needHeads(ctx, ctx.cst((*sizes)[2]), heads)) ||
      (ctx.has(operands.bias) && failed(expectVector(ctx, operands.bias, columns, "the bias", "the columns of the weights"))))
    return failure();
  if (ctx.has(operands.past)) {
    if (failed(expectRank(ctx, operands.past, 5, "past")))
      return failure();
    keys = canonicalSize(queries + ctx.shape(operands.past)[3]);
  }
  SymShape scores = {batch, ctx.cst(heads), queries, keys};
  if (failed(checkPadding(ctx, operands.mask, scores, "mask_index")) || failed(checkBias(ctx, operands.attentionBias, scores)))
    return failure();
  ctx.set(0, {batch, queries, ctx.cst((*sizes)[2])}, element);
  ctx.set(1, {ctx.cst(2), batch, ctx.cst(heads), keys, ctx.cst((*sizes)[0] / heads)}, element);
  return success();
}

// `projected` [batch, sequence, query + key + value] with its bias.
template <typename Op>
void attendProjected(const Decomposer &d, Op op, V projected, std::optional<ArrayRef<int64_t>> given, V mask, V bias, V cache) {
  int64_t heads = op.getNumHeads(), values = cast<RankedTensorType>(op.getOutput().getType()).getDimSize(2);
  int64_t headSize = cast<RankedTensorType>(op.getPresent().getType()).getDimSize(4), queries = heads * headSize;
  V q = splitHeads(d, d.slice(projected, 0, queries, 2), heads);
  V k = splitHeads(d, d.slice(projected, queries, 2 * queries, 2), heads);
  V v = splitHeads(d, d.slice(projected, 2 * queries, 2 * queries + values, 2), heads);
  V past;
  if (!isAbsent(cache)) {
    // One of the two caches that stand behind each other in dim 0.
    auto part = [&](int64_t i) {
      return d.reshape(d.slice(cache, i, i + 1, 0), d.concat({d.size(cache, 1), d.ints({heads, -1}), d.size(cache, 4)}, 0));
    };
    past = d.scalarSize(cache, 3);
    k = d.concat({part(0), k}, 2);
    v = d.concat({part(1), v}, 2);
  }
  auto present = HeadAttention::present;
  HeadAttention attention{
      d, q, k, v, present(mask), bias, past, op.getMaskFilterValue().convertToDouble(), op.getUnidirectional() != 0};
  V y = attention.run(scaleOf(op.getScale(), headSize));
  // Without a reader the caches may even differ in size.
  V both = op.getPresent().use_empty() && values != queries ? V() : d.concat({d.unsqueeze(k, {0}), d.unsqueeze(v, {0})}, 0);
  if (!both)
    both = d.concat({d.unsqueeze(k, {0}), d.unsqueeze(k, {0})}, 0);
  d.replace({y, both});
}

} // namespace

LogicalResult ContribAttentionOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { Input, Weights, Bias, Mask, Past, AttentionBias, PastLength };
  if (failed(checkOptions(ctx, *this)))
    return failure();
  if (ctx.has(PastLength))
    return ctx.fail("does not support past_sequence_length");
  return inferProjected(ctx, {Weights, Bias, Mask, Past, AttentionBias}, getNumHeads(), getQkvHiddenSizes(), ctx.element(Input));
}

LogicalResult ContribAttentionOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V projected = d.matmul(getInput(), getWeights());
  projected = isAbsent(getBias()) ? projected : d.add(projected, getBias());
  attendProjected(d, *this, projected, getQkvHiddenSizes(), getMaskIndex(), HeadAttention::present(getAttentionBias()),
                  getPast());
  return success();
}

LogicalResult QAttentionOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { Input, Weights, Bias, InputScale, WeightScale, Mask, InputZero, WeightZero, Past, None };
  if (failed(checkOptions(ctx, *this)) || failed(expectByte(ctx, Weights, "the weights")))
    return failure();
  if (!isSingle(ctx.shape(InputScale)) || (ctx.has(InputZero) && !isSingle(ctx.shape(InputZero))))
    return ctx.fail("expects one scale and one zero point for the whole input");
  for (auto [i, name] : {std::pair(unsigned(WeightScale), "weight_scale"), {unsigned(WeightZero), "weight_zero_point"}})
    if (ctx.has(i) && !isSingle(ctx.shape(i)) &&
        failed(expectVector(ctx, i, ctx.shape(Weights).back(), name, "the columns of the weights")))
      return failure();
  return inferProjected(ctx, {Weights, Bias, Mask, Past, None}, getNumHeads(), std::nullopt, ctx.element(Bias));
}

LogicalResult QAttentionOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V sums = d.make<MatMulIntegerOp>(rewriter.getI32Type(), getInput(), getWeight(), getInputZeroPoint(), getWeightZeroPoint());
  V projected = d.mul(d.cast(sums, d.f32()), d.mul(getInputScale(), getWeightScale()));
  attendProjected(d, *this, d.add(projected, getBias()), std::nullopt, getMaskIndex(), V(), getPast());
  return success();
}
