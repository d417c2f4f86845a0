// Attention: inference, and decomposition into two products with a masked softmax between them.
//
// What has the element type of the queries is rounded to it, step by step, as the operator's definition does: f16 results depend on it.
#include "GroupedHeads.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/AttentionOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/ShapeOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

using V = Value;

//===-- grouped heads -------------------------------------------------------------------------------------------===//

HeadCounts laic::headCounts(const Decomposer &d, V query, V key, std::optional<int64_t> queryHeads,
                            std::optional<int64_t> sharedHeads) {
  bool known = queryHeads && sharedHeads.value_or(0) > 0;
  return {d.size(query, 1), d.size(key, 1), known ? *queryHeads / *sharedHeads : 0};
}

HeadCounts laic::headCounts(const Decomposer &d, V query, V key) {
  auto known = [](V x) {
    int64_t size = cast<RankedTensorType>(x.getType()).getDimSize(1);
    return ShapedType::isDynamic(size) ? std::nullopt : std::optional(size);
  };
  return headCounts(d, query, key, known(query), known(key));
}

HeadCounts laic::headCounts(const Decomposer &d, int64_t query, int64_t shared) {
  return {d.ints({query}), d.ints({shared}), query / shared};
}

V laic::splitHeads(const Decomposer &d, V x, int64_t heads) { return d.transpose(d.reshape(x, {0, 0, heads, -1}), {0, 2, 1, 3}); }

V laic::mergeHeads(const Decomposer &d, V x) { return d.reshape(d.transpose(x, {0, 2, 1, 3}), {0, 0, -1}); }

// Every head of x once for each query head that shares it. Nothing is copied: targets see what is repeated.
static V repeated(const Decomposer &d, V x, const HeadCounts &heads) {
  if (heads.times == 1)
    return x;
  V wide = d.make<ExpandOp>(Decomposer::elementOf(x), d.unsqueeze(x, {2}), d.ints({1, 1, heads.times, 1, 1}));
  return d.reshape(wide, d.concat({d.ints({0}), heads.query, d.ints({-1}), d.size(x, 3)}, 0));
}

// Where the number of heads is not known, the rows of all query heads that share keys lie behind each other, and one product serves them.
static V withHeads(const Decomposer &d, V x, V heads) { return d.reshape(x, d.concat({d.ints({0}), heads, d.ints({-1, 0})}, 0)); }

static V product(const Decomposer &d, V left, V right, const HeadCounts &heads) {
  return withHeads(d, d.matmul(withHeads(d, left, heads.shared), right), heads.query);
}

V laic::groupedScores(const Decomposer &d, V query, V key, const HeadCounts &heads) {
  std::initializer_list<int64_t> columns = {0, 1, 3, 2};
  return heads.times ? d.matmul(query, d.transpose(repeated(d, key, heads), columns))
                     : product(d, query, d.transpose(key, columns), heads);
}

V laic::groupedValues(const Decomposer &d, V weights, V value, const HeadCounts &heads) {
  return heads.times ? d.matmul(weights, repeated(d, value, heads)) : product(d, weights, value, heads);
}

V laic::capScores(const Decomposer &d, V scores, double softcap) {
  if (softcap == 0)
    return scores;
  V cap = d.number(softcap, Decomposer::elementOf(scores));
  return d.mul(d.tanh(d.div(scores, cap)), cap);
}

V laic::visible(const Decomposer &d, const Visibility &rule) {
  V allowed;
  if (rule.keyCount)
    allowed = d.less(rule.key, rule.keyCount);
  if (rule.right >= 0) {
    V last = rule.right == 0 ? rule.query : d.add(rule.query, d.scalar(rule.right));
    allowed = d.both(allowed, d.lessOrEqual(rule.key, last));
  }
  if (rule.left >= 0)
    allowed = d.both(allowed, d.lessOrEqual(d.sub(rule.query, d.scalar(rule.left)), rule.key));
  return allowed;
}

FailureOr<SymShape> laic::headShape(ShapeContext &ctx, unsigned i, int64_t heads, StringRef name) {
  ArrayRef<AffineExpr> shape = ctx.shape(i);
  if (shape.size() == 4)
    return SymShape(shape);
  std::string what = ("the last dim of " + name + " to be a multiple of its " + Twine(heads) + " heads").str();
  if (failed(ctx.multiple(shape[2], heads, "expects " + what,
                          "expects " + what + ", got " + Twine(constantSize(shape[2]).value_or(0)))))
    return failure();
  return SymShape{shape[0], ctx.cst(heads), shape[1], ctx.symbols.floorDiv(shape[2], ctx.cst(heads))};
}

//===-- inference -----------------------------------------------------------------------------------------------===//

namespace {

enum Operand : unsigned { Q, K, Val, Mask, PastKey, PastValue, KeyCount };

struct HeadShapes {
  SymShape q, k, v; // [batch, heads, sequence, head]
};

LogicalResult expectHeads(ShapeContext &ctx, std::optional<int64_t> heads, StringRef name) {
  if (!heads)
    return ctx.fail("expects attribute '" + name + "', since the operands have rank 3");
  return *heads > 0 ? success() : LogicalResult(ctx.fail("expects '" + name + "' to be at least 1, got " + Twine(*heads)));
}

FailureOr<HeadShapes> headShapes(ShapeContext &ctx, AttentionOp op) {
  int64_t rank = ctx.rank(Q);
  if ((rank != 3 && rank != 4) || ctx.rank(K) != rank || ctx.rank(Val) != rank)
    return LogicalResult(ctx.fail("expects Q, K and V to have rank 3 or to have rank 4, got ranks " + Twine(rank) + ", " +
                                  Twine(ctx.rank(K)) + " and " + Twine(ctx.rank(Val))));
  if (rank == 3 && (failed(expectHeads(ctx, op.getQNumHeads(), "q_num_heads")) ||
                    failed(expectHeads(ctx, op.getKvNumHeads(), "kv_num_heads"))))
    return failure();
  int64_t queryHeads = op.getQNumHeads().value_or(0), sharedHeads = op.getKvNumHeads().value_or(0);
  auto q = headShape(ctx, Q, queryHeads, "Q"), k = headShape(ctx, K, sharedHeads, "K"), v = headShape(ctx, Val, sharedHeads, "V");
  if (failed(q) || failed(k) || failed(v))
    return failure();
  return HeadShapes{*q, *k, *v};
}

LogicalResult checkHeads(ShapeContext &ctx, const HeadShapes &shapes) {
  const auto &[q, k, v] = shapes;
  if (failed(expectSize(ctx, k[0], q[0], "the batch of K", "as that of Q")) ||
      failed(expectSize(ctx, v[0], q[0], "the batch of V", "as that of Q")) ||
      failed(expectSize(ctx, v[1], k[1], "the number of heads of V", "as that of K")) ||
      failed(expectSize(ctx, v[2], k[2], "the sequence of V", "as that of K")) ||
      failed(expectSize(ctx, k[3], q[3], "the head size of K", "as that of Q")))
    return failure();
  std::optional<int64_t> shared = constantSize(k[1]);
  if (!shared)
    return success();
  if (*shared < 1)
    return ctx.fail("expects K to have at least one head");
  std::string what = ("the heads of Q to be a multiple of the " + Twine(*shared) + " heads of K").str();
  return ctx.multiple(q[1], *shared, "expects " + what, "expects " + what + ", got " + Twine(constantSize(q[1]).value_or(0)));
}

// A cache [batch, heads, past, head] in front of keys or values.
LogicalResult checkPast(ShapeContext &ctx, unsigned i, ArrayRef<AffineExpr> shape, const Twine &name) {
  if (failed(expectRank(ctx, i, 4, name.str())))
    return failure();
  for (unsigned dim : {0, 1, 3})
    if (failed(expectSize(ctx, ctx.shape(i)[dim], shape[dim], "dim " + Twine(dim) + " of " + name, "as what follows it")))
      return failure();
  return success();
}

LogicalResult checkCache(ShapeContext &ctx, const HeadShapes &shapes) {
  if (ctx.has(PastKey) != ctx.has(PastValue))
    return ctx.fail("expects both past_key and past_value, or neither");
  if (ctx.has(PastKey)) {
    if (ctx.has(KeyCount))
      return ctx.fail("does not take nonpad_kv_seqlen together with past_key and past_value");
    if (failed(checkPast(ctx, PastKey, shapes.k, "past_key")) || failed(checkPast(ctx, PastValue, shapes.v, "past_value")))
      return failure();
    return expectSize(ctx, ctx.shape(PastValue)[2], ctx.shape(PastKey)[2], "dim 2 of past_value", "as past_key");
  }
  return ctx.has(KeyCount) ? expectVector(ctx, KeyCount, shapes.q[0], "nonpad_kv_seqlen", "the batch") : success();
}

LogicalResult checkMask(ShapeContext &ctx, ArrayRef<AffineExpr> scores) {
  if (!ctx.has(Mask))
    return success();
  ArrayRef<AffineExpr> mask = ctx.shape(Mask);
  if (!ctx.element(Mask).isInteger(1) && !isa<FloatType>(ctx.element(Mask)))
    return ctx.fail("expects attn_mask to have element type bool or a float type, got " + elementTypeName(ctx.element(Mask)));
  if (mask.empty() || mask.size() > 4)
    return ctx.fail("expects attn_mask to have 1 to 4 dims, got " + Twine(mask.size()));
  for (unsigned i = 0; i + 1 < mask.size(); ++i)
    if (failed(expectOneOr(ctx, mask[i], scores[4 - mask.size() + i], "dim " + Twine(i) + " of attn_mask", "as the scores")))
      return failure();
  AffineExpr keys = scores[3];
  return ctx.atLeast(keys, mask.back(), "the last dim of attn_mask must not be larger than the number of keys",
                     "expects the last dim of attn_mask to be at most " + Twine(constantSize(keys).value_or(0)) +
                         " (the number of keys), got " + Twine(constantSize(mask.back()).value_or(0)));
}

LogicalResult checkAttributes(ShapeContext &ctx, AttentionOp op) {
  for (auto [name, bound] :
       {std::pair("left_window_size", op.getLeftWindowSize()), {"right_window_size", op.getRightWindowSize()}})
    if (static_cast<int64_t>(bound) < -1)
      return ctx.fail("expects '" + Twine(name) + "' to be -1 or larger, got " + Twine(static_cast<int64_t>(bound)));
  if (op.getQkMatmulOutputMode() > 3)
    return ctx.fail("expects 'qk_matmul_output_mode' to be 0, 1, 2 or 3, got " +
                    Twine(static_cast<int64_t>(op.getQkMatmulOutputMode())));
  if (op.getSoftmaxPrecision() && !isa_and_nonnull<FloatType>(onnxElementType(op.getContext(), *op.getSoftmaxPrecision())))
    return ctx.fail("expects 'softmax_precision' to be a float type (1, 10, 11 or 16), got " +
                    Twine(static_cast<int64_t>(*op.getSoftmaxPrecision())));
  return success();
}

} // namespace

LogicalResult AttentionOp::inferShapes(ShapeContext &ctx) {
  auto shapes = headShapes(ctx, *this);
  if (failed(shapes) || failed(checkHeads(ctx, *shapes)) || failed(checkCache(ctx, *shapes)) ||
      failed(checkAttributes(ctx, *this)))
    return failure();
  auto &[q, k, v] = *shapes;
  SymShape keys = k, values = v, y = {q[0], q[1], q[2], v[3]};
  if (ctx.has(PastKey))
    keys[2] = values[2] = canonicalSize(k[2] + ctx.shape(PastKey)[2]);
  SymShape scores = {q[0], q[1], q[2], keys[2]};
  if (failed(checkMask(ctx, scores)))
    return failure();
  if (ctx.rank(Q) == 3)
    y = {q[0], q[2], ctx.symbols.mul(q[1], v[3])};
  ctx.set(0, y, ctx.element(Q));
  ctx.set(1, keys, ctx.element(K));
  ctx.set(2, values, ctx.element(Val));
  ctx.set(3, scores, ctx.element(Q));
  return success();
}

//===-- decomposition -------------------------------------------------------------------------------------------===//

namespace {

/// The steps of one attention. Tensors have the shape [batch, heads, sequence, head] from `load` on.
class AttentionSteps {
public:
  AttentionSteps(AttentionOp op, RewriterBase &rewriter)
      : op(op), d(rewriter, op), element(Decomposer::elementOf(op.getQ())),
        isFlat(cast<RankedTensorType>(op.getQ().getType()).getRank() == 3) {}

  void run() {
    HeadCounts heads = isFlat ? headCounts(d, *op.getQNumHeads(), *op.getKvNumHeads()) : headCounts(d, op.getQ(), op.getK());
    V q = load(op.getQ(), op.getQNumHeads());
    V key = join(op.getPastKey(), load(op.getK(), op.getKvNumHeads()));
    V value = join(op.getPastValue(), load(op.getV(), op.getKvNumHeads()));
    V products = scaledScores(q, key, heads);
    V capped = capScores(d, products, op.getSoftcap().convertToDouble());
    V bias = this->bias(q, key);
    V biased = bias ? d.add(capped, bias) : capped;
    V weights = this->weights(biased, bias);
    V y = groupedValues(d, weights, d.cast(value, element), heads);
    V inside[] = {products, capped, biased, weights};
    d.replace({isFlat ? mergeHeads(d, y) : y, key, value, inside[op.getQkMatmulOutputMode()]});
  }

private:
  V load(V x, std::optional<uint64_t> heads) { return isFlat ? splitHeads(d, x, *heads) : x; }
  V join(V past, V now) { return isAbsent(past) ? now : d.concat({past, now}, 2); }

  // The factor of the scores; where it is to be applied to both sides of the product, its square root.
  V factor(V q, bool root) {
    int64_t size = cast<RankedTensorType>(op.getQ().getType()).getShape().back();
    if (isFlat && !ShapedType::isDynamic(size))
      size /= static_cast<int64_t>(*op.getQNumHeads());
    if (op.getScale() || !ShapedType::isDynamic(size)) {
      double scale = op.getScale() ? op.getScale()->convertToDouble() : 1 / std::sqrt(static_cast<double>(size));
      return d.number(root ? std::sqrt(scale) : scale, element);
    }
    V exponent = d.number(root ? -0.25 : -0.5, d.f32());
    return d.cast(d.power(d.cast(d.scalarSize(q, 3), d.f32()), exponent), element);
  }

  // Half-precision operands are both scaled by the root, lest the product overflows.
  V scaledScores(V q, V key, const HeadCounts &heads) {
    bool root = element.getIntOrFloatBitWidth() < 32;
    V scale = factor(q, root);
    key = d.cast(key, element);
    return groupedScores(d, d.mul(q, scale), root ? d.mul(key, scale) : key, heads);
  }

  // attn_mask with as many columns as there are keys: further ones let nothing pass.
  V fullMask(V key) {
    V mask = op.getAttnMask();
    auto type = cast<RankedTensorType>(mask.getType());
    int64_t keys =
        isAbsent(op.getPastKey()) ? cast<RankedTensorType>(op.getK().getType()).getDimSize(isFlat ? 1 : 2) : ShapedType::kDynamic;
    if (keys != ShapedType::kDynamic && type.getShape().back() == keys)
      return mask;
    V none = d.number(type.getElementType().isInteger(1) ? 0 : -INFINITY, type.getElementType());
    V missing = d.sub(d.size(key, 2), d.size(mask, -1));
    SmallVector<int64_t> zeros(2 * type.getRank() - 1, 0);
    return d.pad(mask, d.concat({d.ints(zeros), missing}, 0), none);
  }

  // True where position, window and padding let a query see a key; null where they always do.
  V seen(V q, V key) {
    Visibility rule;
    rule.left = static_cast<int64_t>(op.getLeftWindowSize());
    rule.right = op.getIsCausal() ? 0 : static_cast<int64_t>(op.getRightWindowSize());
    rule.key = d.positions(d.scalarSize(key, 2));
    rule.query = d.unsqueeze(d.positions(d.scalarSize(q, 2)), {1});
    if (!isAbsent(op.getNonpadKvSeqlen())) {
      rule.keyCount = d.unsqueeze(op.getNonpadKvSeqlen(), {1, 2, 3});
      rule.query = d.add(rule.query, d.sub(rule.keyCount, d.scalarSize(q, 2)));
    } else if (!isAbsent(op.getPastKey())) {
      rule.query = d.add(rule.query, d.scalarSize(op.getPastKey(), 2));
    }
    return visible(d, rule);
  }

  // What is added to the scores: attn_mask, and minus infinity where a query must not see a key. Null where nothing is.
  V bias(V q, V key) {
    V open = d.number(0, element), closed = d.number(-INFINITY, element);
    V allowed = seen(q, key), added;
    if (!isAbsent(op.getAttnMask())) {
      V mask = fullMask(key);
      if (Decomposer::elementOf(mask).isInteger(1))
        allowed = d.both(allowed, mask);
      else
        added = d.cast(mask, element);
    }
    if (!allowed)
      return added;
    return d.select(allowed, added ? added : open, closed);
  }

  // Rows in which the bias lets nothing pass are zeros.
  V weights(V scores, V bias) {
    Type precision = op.getSoftmaxPrecision() ? onnxElementType(op.getContext(), *op.getSoftmaxPrecision()) : element;
    V result = d.cast(d.softmax(d.cast(scores, precision)), element);
    if (!bias)
      return result;
    V isBlocked = d.equal(d.reduceMax(bias, -1), d.number(-INFINITY, element));
    return d.select(isBlocked, d.number(0, element), result);
  }

  AttentionOp op;
  Decomposer d;
  Type element;
  bool isFlat;
};

} // namespace

LogicalResult AttentionOp::decompose(RewriterBase &rewriter) {
  AttentionSteps(*this, rewriter).run();
  return success();
}
