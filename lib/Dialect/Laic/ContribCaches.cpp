// GroupQueryAttention and RotaryEmbedding of com.microsoft: attention over a cache that new keys are written into.
#include "GroupedHeads.h"
#include "Rotation.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/AttentionOps.h"
#include "laic/Dialect/Laic/ContribAttentionOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

using V = Value;

static int64_t rankOf(V x) { return cast<RankedTensorType>(x.getType()).getRank(); }

//===-- RotaryEmbedding -----------------------------------------------------------------------------------------===//

LogicalResult ContribRotaryEmbeddingOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { X, Positions, Cosine, Sine };
  int64_t rank = ctx.rank(X), heads = static_cast<int64_t>(getNumHeads());
  if (rank != 3 && rank != 4)
    return ctx.fail("expects an input of rank 3 or 4, got rank " + Twine(rank));
  if (getIsPackedBatching() || getScale().convertToFloat() != 1)
    return ctx.fail("does not support is_packed_batching, nor a scale other than 1");
  if (failed(expectRank(ctx, Cosine, 2, "cos_cache")))
    return failure();
  SymShape x(ctx.shape(X));
  if (rank == 3 && heads == 0) {
    // The caches alone tell how large a head is.
    std::optional<int64_t> half = constantSize(ctx.shape(Cosine)[1]), hidden = constantSize(x[2]);
    if (!half || !hidden || *half == 0)
      return ctx.fail("needs the hidden size and the caches' last dim to be known when compiling, since num_heads is 0");
    heads = *hidden / (2 * *half);
  }
  if (rank == 3 && heads < 1)
    return ctx.fail("expects a head to be no larger than the hidden size");
  auto split = headShape(ctx, X, heads, "the input");
  if (failed(split) || failed(checkRotation(ctx, {Cosine, Sine, true}, *split, static_cast<int64_t>(getRotaryEmbeddingDim()))))
    return failure();
  if (ctx.rank(Positions) == 1)
    return failed(expectVector(ctx, Positions, ctx.cst(1), "position_ids", "the first position")) ? failure() : ctx.same(0);
  if (failed(expectRank(ctx, Positions, 2, "position_ids")) ||
      failed(expectSize(ctx, ctx.shape(Positions)[0], (*split)[0], "dim 0 of position_ids", "the batch")) ||
      failed(expectSize(ctx, ctx.shape(Positions)[1], (*split)[2], "dim 1 of position_ids", "the sequence")))
    return failure();
  return ctx.same(0);
}

LogicalResult ContribRotaryEmbeddingOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  bool isFlat = rankOf(getInput()) == 3;
  V x = getInput();
  if (isFlat && getNumHeads() > 0)
    x = d.reshape(x, {0, 0, static_cast<int64_t>(getNumHeads()), -1});
  else if (isFlat)
    x = d.reshape(x, {0, 0, -1, 2 * cast<RankedTensorType>(getCosCache().getType()).getDimSize(1)});
  V positions = getPositionIds();
  bool isOffset = rankOf(positions) == 1;
  if (isOffset)
    positions = d.add(positions, d.positions(d.scalarSize(getInput(), isFlat ? 1 : 2)));
  int64_t rotated = static_cast<int64_t>(getRotaryEmbeddingDim());
  auto spread = [&](V cache) {
    cache = rotatedColumns(d, cache, rotated);
    V rows = d.gather(cache, positions);
    // [sequence, half] of all rows of the batch, or [batch, sequence, half]; the heads of a flat input stand behind the sequence.
    return isFlat ? d.unsqueeze(rows, {isOffset ? 1 : 2}) : isOffset ? rows : d.unsqueeze(rows, {1});
  };
  V y = rotate(d, x, spread(getCosCache()), spread(getSinCache()), {getInterleaved() != 0, rotated != 0});
  d.replace(isFlat ? d.reshape(y, {0, 0, -1}) : y);
  return success();
}

//===-- GroupQueryAttention -------------------------------------------------------------------------------------===//

namespace {

enum Operand : unsigned { Query, Key, Val, PastKey, PastValue, Lengths, Total, Cosine, Sine, Positions, AttentionBias, Sink };

LogicalResult checkGroupOptions(ShapeContext &ctx, GroupQueryAttentionOp op) {
  int64_t heads = op.getNumHeads(), shared = op.getKvNumHeads();
  if (heads < 1 || shared < 1 || heads % shared != 0)
    return ctx.fail("expects num_heads to be a multiple of kv_num_heads, got " + Twine(heads) + " and " + Twine(shared));
  if (ctx.has(Key) != ctx.has(Val))
    return ctx.fail("expects both key and value, or neither");
  if (ctx.has(PastKey) != ctx.has(PastValue))
    return ctx.fail("expects both past_key and past_value, or neither");
  if (op.getDoRotary() && (!ctx.has(Cosine) || !ctx.has(Sine)))
    return ctx.fail("expects cos_cache and sin_cache, since do_rotary is 1");
  return success();
}

// The size of a head, which must be known.
FailureOr<int64_t> groupHeadSize(ShapeContext &ctx, int64_t heads, int64_t shared) {
  if (failed(expectRank(ctx, Query, 3, "the query")))
    return failure();
  std::optional<int64_t> hidden = constantSize(ctx.shape(Query)[2]);
  int64_t columns = ctx.has(Key) ? heads : heads + 2 * shared;
  if (!hidden)
    return LogicalResult(ctx.fail("needs the last dim of the query to be known when compiling"));
  if (*hidden < 1 || *hidden % columns != 0)
    return LogicalResult(ctx.fail("expects the last dim of the query to be a multiple of its " + Twine(columns) + " heads, got " +
                                  Twine(*hidden)));
  return *hidden / columns;
}

LogicalResult checkNewKeys(ShapeContext &ctx, AffineExpr hidden) {
  for (auto [i, name] : {std::pair(unsigned(Key), "key"), {unsigned(Val), "value"}})
    if (ctx.has(i) &&
        (failed(expectRank(ctx, i, 3, name)) ||
         failed(expectSize(ctx, ctx.shape(i)[0], ctx.shape(Query)[0], "the batch of " + Twine(name), "as the query")) ||
         failed(expectSize(ctx, ctx.shape(i)[1], ctx.shape(Query)[1], "the sequence of " + Twine(name), "as the query")) ||
         failed(expectSize(ctx, ctx.shape(i)[2], hidden, "the last dim of " + Twine(name), "the shared heads"))))
      return failure();
  return success();
}

} // namespace

LogicalResult GroupQueryAttentionOp::inferShapes(ShapeContext &ctx) {
  int64_t heads = getNumHeads(), shared = getKvNumHeads();
  if (failed(checkGroupOptions(ctx, *this)))
    return failure();
  auto head = groupHeadSize(ctx, heads, shared);
  auto total = ctx.sizes(Total, "total_sequence_length");
  if (failed(head) || failed(total) || failed(checkNewKeys(ctx, ctx.cst(shared * *head))))
    return failure();
  AffineExpr batch = ctx.shape(Query)[0], sequence = ctx.shape(Query)[1], keys = sequence;
  if (total->size() != 1)
    return ctx.fail("expects total_sequence_length to be one number");
  if (ctx.has(PastKey)) {
    SymShape want = {batch, ctx.cst(shared), ctx.shape(PastKey)[2], ctx.cst(*head)};
    for (auto [i, name] : {std::pair(unsigned(PastKey), "past_key"), {unsigned(PastValue), "past_value"}})
      for (unsigned dim = 0; dim < 4; ++dim)
        if (failed(expectRank(ctx, i, 4, name)) ||
            failed(
                expectSize(ctx, ctx.shape(i)[dim], want[dim], "dim " + Twine(dim) + " of " + name, "batch, heads, past, head")))
          return failure();
    keys = ctx.symbols.max(want[2], total->front());
  } else if (failed(ctx.equal(total->front(), sequence, "total_sequence_length must be that of the query where there is no past",
                              "expects total_sequence_length to be that of the query, since there is no past"))) {
    return failure();
  }
  // seqlens_k comes as a vector, or as one of its columns.
  if (ctx.rank(Lengths) < 1 || ctx.rank(Lengths) > 2 ||
      failed(expectSize(ctx, ctx.shape(Lengths)[0], batch, "dim 0 of seqlens_k", "the batch")))
    return ctx.rank(Lengths) == 1 || ctx.rank(Lengths) == 2 ? failure()
                                                            : LogicalResult(ctx.fail("expects seqlens_k to have rank 1 or 2"));
  if (getDoRotary() && failed(checkRotation(ctx, {Cosine, Sine, true}, {batch, ctx.cst(heads), sequence, ctx.cst(*head)},
                                            2 * constantSize(ctx.shape(Cosine).back()).value_or(0))))
    return failure();
  SymShape cache = {batch, ctx.cst(shared), keys, ctx.cst(*head)};
  ctx.set(0, {batch, sequence, ctx.cst(heads * *head)}, ctx.element(Query));
  ctx.set(1, cache, ctx.element(Query));
  ctx.set(2, cache, ctx.element(Query));
  return success();
}

namespace {

class GroupSteps {
public:
  GroupSteps(GroupQueryAttentionOp op, RewriterBase &rewriter)
      : op(op), d(rewriter, op), element(Decomposer::elementOf(op.getQuery())), heads(op.getNumHeads()),
        shared(op.getKvNumHeads()), headSize(cast<RankedTensorType>(op.getPresentKey().getType()).getDimSize(3)) {}

  void run() {
    sequence = d.scalarSize(op.getQuery(), 1);
    total = d.reshape(d.cast(op.getTotalSequenceLength(), d.i64()), ArrayRef<int64_t>{});
    preceding = precedingKeys();
    auto [q, k, v] = load();
    V keys = join(op.getPastKey(), k), values = join(op.getPastValue(), v);
    HeadCounts counts = headCounts(d, heads, shared);
    double scale = op.getScale() && op.getScale()->convertToDouble() != 0 ? op.getScale()->convertToDouble()
                                                                          : 1 / std::sqrt(double(headSize));
    V scores = capScores(d, groupedScores(d, d.scale(q, scale), keys, counts), op.getSoftcap().convertToDouble());
    scores = d.add(scores, bias(keys));
    V y = mergeHeads(d, groupedValues(d, weights(scores), values, counts));
    d.replace({y, keys, values});
  }

private:
  struct Heads {
    V q, k, v;
  };

  // How many keys each row of the batch has, the new ones included.
  V counts() { return d.add(d.reshape(d.cast(op.getSeqlensK(), d.i64()), {-1}), d.scalar(1)); }

  // How many keys of the cache each row of the batch has before the new ones. A first prompt has none, whatever its padding.
  V precedingKeys() { return d.select(d.equal(sequence, total), d.scalar(0), d.sub(counts(), sequence)); }

  // Query, key and value with their heads split, rotated to their positions.
  Heads load() {
    V q = op.getQuery(), k = op.getKey(), v = op.getValue();
    if (isAbsent(k)) {
      int64_t first = heads * headSize, second = first + shared * headSize;
      v = d.slice(q, second, second + shared * headSize, 2);
      k = d.slice(q, first, second, 2);
      q = d.slice(q, 0, first, 2);
    }
    q = splitHeads(d, q, heads), k = splitHeads(d, k, shared), v = splitHeads(d, v, shared);
    if (!op.getDoRotary())
      return {q, k, v};
    V positions = isAbsent(op.getPositionIds()) ? d.add(d.unsqueeze(preceding, {1}), d.positions(sequence)) : op.getPositionIds();
    auto angles = [&](V cache) { return d.unsqueeze(d.gather(cache, positions), {1}); };
    V cosine = angles(op.getCosCache()), sine = angles(op.getSinCache());
    bool isPartial = cast<RankedTensorType>(op.getCosCache().getType()).getDimSize(1) * 2 != headSize;
    Rotation kind = {op.getRotaryInterleaved() != 0, isPartial};
    return {rotate(d, q, cosine, sine, kind), rotate(d, k, cosine, sine, kind), v};
  }

  // The cache with the new keys written behind those that each row has.
  V join(V past, V now) {
    if (isAbsent(past))
      return now;
    // Zeros for what the cache has no room for; a Pad of unknown sign would copy it twice.
    V size = d.size(past, 2), want = d.make<MaxOp>(d.i64(), ValueRange{size, d.unsqueeze(total, {0})});
    V shape = d.concat({d.size(past, 0), d.ints({shared}), d.sub(want, size), d.ints({headSize})}, 0);
    V cache = d.concat({past, d.make<ExpandOp>(element, d.number(0, element), shape)}, 2);
    return d.make<TensorScatterOp>(element, cache, now, preceding, d.rewriter.getI64IntegerAttr(2),
                                   d.rewriter.getStringAttr("linear"));
  }

  // What is added to the scores: minus infinity where a query must not see a key, and attention_bias.
  V bias(V keys) {
    Visibility rule;
    rule.key = d.positions(d.scalarSize(keys, 2));
    rule.query = d.add(d.unsqueeze(d.positions(sequence), {1}), d.unsqueeze(preceding, {1, 2, 3}));
    rule.keyCount = d.unsqueeze(counts(), {1, 2, 3});
    rule.right = 0;
    int64_t window = static_cast<int64_t>(op.getLocalWindowSize());
    rule.left = window < 1 ? -1 : window - 1;
    V hidden = d.select(visible(d, rule), d.number(0, element), d.number(-INFINITY, element));
    if (isAbsent(op.getAttentionBias()))
      return hidden;
    V missing = d.sub(d.size(keys, 2), d.size(op.getAttentionBias(), 3));
    return d.add(d.pad(op.getAttentionBias(), d.concat({d.ints({0, 0, 0, 0, 0, 0, 0}), missing}, 0), d.number(0, element)),
                 hidden);
  }

  // A sink is one more score of every row, whose weight nobody gets.
  V weights(V scores) {
    bool isSmooth = static_cast<int64_t>(op.getSmoothSoftmax()) == 1;
    if (isAbsent(op.getHeadSink()) && !isSmooth)
      return d.softmax(scores);
    V sink = isAbsent(op.getHeadSink()) ? d.number(0, element) : d.reshape(op.getHeadSink(), {1, heads, 1, 1});
    V column = d.concat({d.size(scores, 0), d.size(scores, 1), d.size(scores, 2), d.ints({1})}, 0);
    V all = d.concat({scores, d.make<ExpandOp>(element, sink, column)}, 3);
    return d.slice(d.softmax(all), d.ints({0}), d.size(scores, 3), 3);
  }

  GroupQueryAttentionOp op;
  Decomposer d;
  Type element;
  int64_t heads, shared, headSize;
  V sequence, total, preceding; // preceding: [batch]
};

} // namespace

LogicalResult GroupQueryAttentionOp::decompose(RewriterBase &rewriter) {
  GroupSteps(*this, rewriter).run();
  return success();
}
