// TfIdfVectorizer: a tree of the pool's n-grams, made when compiling; count_ngrams walks it. NGramRepeatBlock: comparisons.
#include "Decomposer.h"
#include "DynamicSizes.h"
#include "HostFunctions.h"
#include "LoopBuilder.h"
#include "ShapeChecks.h"
#include "WeightTensor.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/NgramOps.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
using namespace laic;

namespace {

// A node of the tree while it is made.
struct Node {
  std::map<int64_t, size_t> children; // item -> node
  int32_t column = -1;
};

// What count_ngrams reads.
struct Tree {
  std::vector<int64_t> keys;
  std::vector<int32_t> first, column;
};

Tree flatten(const std::vector<Node> &nodes) {
  Tree tree;
  std::vector<size_t> order = {0}; // breadth first, so that the edges below a node are neighbours
  for (size_t i = 0; i < order.size(); ++i) {
    const Node &node = nodes[order[i]];
    tree.first.push_back(static_cast<int32_t>(tree.keys.size()));
    tree.column.push_back(node.column);
    for (auto [key, child] : node.children) {
      tree.keys.push_back(key);
      order.push_back(child);
    }
  }
  tree.first.push_back(static_cast<int32_t>(tree.keys.size()));
  if (tree.keys.empty())
    tree.keys.push_back(0); // a tensor of no element is no constant
  return tree;
}

// The n-grams that a node of the operator may count. `ngram_counts` says where in the pool those of 1, 2, ... items begin.
Tree poolTree(TfIdfVectorizerOp op, llvm::ArrayRef<int64_t> pool) {
  llvm::ArrayRef<int64_t> starts = op.getNgramCounts(), columns = op.getNgramIndexes();
  std::vector<Node> nodes(1);
  size_t ngram = 0;
  for (size_t k = 0; k < starts.size(); ++k) {
    size_t length = k + 1, end = k + 1 < starts.size() ? starts[k + 1] : pool.size();
    bool counts = static_cast<int64_t>(length) >= static_cast<int64_t>(op.getMinGramLength()) &&
                  static_cast<int64_t>(length) <= static_cast<int64_t>(op.getMaxGramLength());
    for (size_t at = starts[k]; at + length <= end; at += length, ++ngram) {
      if (!counts)
        continue;
      size_t here = 0;
      for (int64_t item : pool.slice(at, length)) {
        auto [child, isNew] = nodes[here].children.try_emplace(item, nodes.size());
        here = child->second;
        if (isNew)
          nodes.emplace_back();
      }
      nodes[here].column = static_cast<int32_t>(columns[ngram]);
    }
  }
  return flatten(nodes);
}

// The number of n-grams in the pool, or a diagnostic.
FailureOr<size_t> checkPool(ShapeContext &ctx, size_t pool, llvm::ArrayRef<int64_t> starts) {
  size_t ngrams = 0;
  for (size_t k = 0; k < starts.size(); ++k) {
    int64_t end = k + 1 < starts.size() ? starts[k + 1] : static_cast<int64_t>(pool);
    if (starts[k] < 0 || end < starts[k] || end > static_cast<int64_t>(pool))
      return ctx.fail("expects 'ngram_counts' to ascend within the pool");
    ngrams += (end - starts[k]) / (k + 1);
  }
  return ngrams;
}

int64_t columnsOf(llvm::ArrayRef<int64_t> indexes) { return indexes.empty() ? 0 : *llvm::max_element(indexes) + 1; }

} // namespace

LogicalResult TfIdfVectorizerOp::inferShapes(ShapeContext &ctx) {
  bool isText = isString(ctx.element(0));
  if (isText ? !getPoolStrings() || getPoolInt64s() : !getPoolInt64s() || getPoolStrings())
    return ctx.fail("expects a pool of the input's items alone: 'pool_strings' for strings, 'pool_int64s' for integers");
  if (ctx.rank(0) < 1 || ctx.rank(0) > 2)
    return ctx.fail("expects an input of rank 1 or 2, got rank " + Twine(ctx.rank(0)));
  if (!llvm::is_contained({"TF", "IDF", "TFIDF"}, getMode()))
    return ctx.fail("expects mode 'TF', 'IDF' or 'TFIDF', got '" + getMode() + "'");
  int64_t shortest = static_cast<int64_t>(getMinGramLength()), longest = static_cast<int64_t>(getMaxGramLength());
  if (shortest < 1 || longest < shortest || static_cast<int64_t>(getMaxSkipCount()) < 0)
    return ctx.fail("expects 1 <= min_gram_length <= max_gram_length and max_skip_count >= 0");
  auto ngrams = checkPool(ctx, isText ? getPoolStrings()->size() : getPoolInt64s()->size(), getNgramCounts());
  if (failed(ngrams))
    return failure();
  bool negative = llvm::any_of(getNgramIndexes(), [](int64_t i) { return i < 0 || i > INT32_MAX; });
  if (getNgramIndexes().size() < *ngrams || negative)
    return ctx.fail("expects 'ngram_indexes' to have a column for each of the " + Twine(*ngrams) + " n-grams");
  int64_t columns = columnsOf(getNgramIndexes());
  if (getWeights() && static_cast<int64_t>(getWeights()->size()) < columns)
    return ctx.fail("expects 'weights' to have a value for each of the " + Twine(columns) + " columns");
  SymShape result(ctx.shape(0).drop_back());
  result.push_back(ctx.cst(columns));
  ctx.set(0, result, Float32Type::get(getContext()));
  return success();
}

LogicalResult TfIdfVectorizerOp::lower(LowerContext &ctx) {
  // Strings are counted by where they stand among the pool's; others are a number that no n-gram has.
  llvm::SmallVector<llvm::StringRef> texts = stringsOf(getPoolStrings());
  SortedStrings vocabulary(texts);
  llvm::SmallVector<int64_t> pool(getPoolInt64s().value_or(llvm::ArrayRef<int64_t>()));
  Value x = ctx.operand(0);
  if (getPoolStrings()) {
    for (llvm::StringRef text : texts)
      pool.push_back(vocabulary.position(text));
    x = findStrings(ctx, x, ctx.shape(0), vocabulary);
  }
  Tree tree = poolTree(*this, pool);
  Type f32 = ctx.b.getF32Type();
  AffineExpr n = ctx.shape(0).back(), columns = ctx.resultShape().back();
  AffineExpr batch = ctx.rank(0) == 2 ? ctx.shape(0)[0] : ctx.cst(1);
  SymShape rows{batch, n}, counts{batch, columns};
  auto op = CountNgramsOp::create(ctx.b, ctx.type(counts, f32), ctx.reshape(x, ctx.shape(0), rows),
                                  weightTensor<int64_t>(ctx, tree.keys), weightTensor<int32_t>(ctx, tree.first),
                                  weightTensor<int32_t>(ctx, tree.column), dynamicSizes(ctx, counts),
                                  static_cast<int64_t>(getMinGramLength()), static_cast<int64_t>(getMaxGramLength()),
                                  static_cast<int64_t>(getMaxSkipCount()));
  Value found = ctx.reshape(op.getCounts(), counts, ctx.resultShape());
  if (getMode() == "TF") {
    ctx.set(0, found);
    return success();
  }
  unsigned rank = ctx.resultShape().size();
  std::vector<float> weights(constantSize(columns).value_or(0), 1.0f);
  if (getWeights())
    std::copy_n(getWeights()->begin(), weights.size(), weights.begin());
  AffineMap column = AffineMap::get(rank, 0, {ctx.b.getAffineDimExpr(rank - 1)}, getContext());
  ctx.set(0, ctx.generic(ctx.resultShape(), f32, {found, weightTensor<float>(ctx, weights)},
                         {ctx.b.getMultiDimIdentityMap(rank), column}, [&](ScalarBuilder &s, ValueRange in) -> Value {
                           if (getMode() == "TFIDF")
                             return s.mul(in[0], in[1]);
                           return s.select(s.gt(in[0], s.cst(0, f32)), in[1], s.cst(0, f32));
                         }));
  return success();
}

// ---- count_ngrams: a row is a tile ----

AffineMap CountNgramsOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}

namespace {

// The node that the edge with `item` below `node` leads to, or -1.
Value follow(const LoopBuilder &lb, ValueRange buffers, Value node, Value item, unsigned steps) {
  Value keys = buffers[1], first = buffers[2], one = lb.cst(1);
  Value low = lb.toIndex(lb.load(first, {node})), high = lb.toIndex(lb.load(first, {lb.add(node, one)}));
  Value end = high;
  // The first edge whose key is not below the item.
  auto found = lb.loop(lb.cst(0), lb.cst(steps), one, {low, high}, [&](Value, ValueRange range) {
    Value middle = lb.div(lb.add(range[0], range[1]), lb.cst(2)), open = lb.lt(range[0], range[1]);
    Value safe = lb.min(middle, lb.sub(lb.dim(keys, 0), one));
    Value below = lb.both(open, lb.lt(lb.load(keys, {safe}), item));
    return LoopBuilder::Values{lb.select(below, lb.add(middle, one), range[0]), lb.select(below, range[1], middle)};
  });
  Value edge = found[0], safe = lb.min(edge, lb.sub(lb.dim(keys, 0), one));
  Value hit = lb.both(lb.lt(edge, end), lb.eq(lb.load(keys, {safe}), item));
  return lb.select(hit, lb.add(edge, one), lb.cst(-1));
}

} // namespace

LogicalResult CountNgramsOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  ScalarBuilder s(b, getLoc());
  Value x = buffers[0], column = buffers[3], counts = buffers[4], n = lb.dim(x, 1), zero = lb.cst(0), one = lb.cst(1);
  int64_t shortest = getShortest(), longest = getLongest();
  // Enough halvings for all edges below one node.
  unsigned steps = llvm::Log2_64_Ceil(cast<MemRefType>(buffers[1].getType()).getDimSize(0) + 1) + 1;
  lb.loop(begin, end, [&](Value row) {
    lb.loop(zero, lb.dim(counts, 1), [&](Value j) { lb.store(s.cst(0, b.getF32Type()), counts, {row, j}); });
    lb.loop(one, lb.cst(static_cast<int64_t>(getSkips()) + 2), [&](Value distance) {
      // One item has no distance; it counts at the first one only.
      Value from = lb.max(lb.cst(shortest), lb.select(lb.eq(distance, one), one, lb.cst(2)));
      lb.loop(zero, n, [&](Value start) {
        lb.loop(zero, lb.cst(longest), one, {zero}, [&](Value k, ValueRange state) {
          Value at = lb.add(start, lb.mul(k, distance));
          Value alive = lb.both(lb.le(zero, state[0]), lb.lt(at, n));
          auto step = scf::IfOp::create(b, getLoc(), TypeRange{b.getIndexType()}, alive, true);
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToStart(step.thenBlock());
          Value item = s.cast(lb.load(x, {row, at}), b.getI64Type(), false, false);
          Value next = follow(lb, buffers, state[0], item, steps);
          Value target = lb.toIndex(lb.load(column, {lb.max(next, zero)}));
          Value hit = lb.both(lb.both(lb.le(zero, next), lb.le(zero, target)), lb.le(from, lb.add(k, one)));
          lb.when(hit, [&] {
            Value old = lb.load(counts, {row, target});
            lb.store(s.add(old, s.cst(1, old)), counts, {row, target});
          });
          scf::YieldOp::create(b, getLoc(), next);
          b.setInsertionPointToStart(step.elseBlock());
          scf::YieldOp::create(b, getLoc(), lb.cst(-1));
          return LoopBuilder::Values{step.getResult(0)};
        });
      });
    });
  });
  return success();
}

//===-- NGramRepeatBlock ----------------------------------------------------------------------------------------===//

LogicalResult NGramRepeatBlockOp::inferShapes(ShapeContext &ctx) {
  int64_t size = static_cast<int64_t>(getNgramSize());
  if (size < 1 || size > 64)
    return ctx.fail("expects ngram_size in [1, 64], got " + Twine(size));
  if (failed(expectRank(ctx, 0, 2, "input_ids")) || failed(expectRank(ctx, 1, 2, "scores")) ||
      failed(expectSize(ctx, ctx.shape(1)[0], ctx.shape(0)[0], "the batch of scores", "as that of input_ids")))
    return failure();
  ctx.set(0, ctx.shape(1), ctx.element(1));
  return success();
}

// Each token, and whether the size - 1 tokens before it are those at the end of the row. What stands before the first token is -1,
// which no token equals.
LogicalResult NGramRepeatBlockOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  Value ids = getInputIds(), scores = getScores(), length = d.size(ids, 1);
  int64_t before = static_cast<int64_t>(getNgramSize()) - 1;
  Value padded = d.pad(ids, d.ints({0, before, 0, 0}), d.number(-1, Decomposer::elementOf(ids)));
  Value repeats = d.equal(ids, ids);
  for (int64_t k = 0; k < before; ++k) {
    Value from = d.ints({k}), to = d.add(length, from);
    repeats = d.both(repeats, d.equal(d.slice(padded, from, to, 1), d.slice(padded, to, d.add(to, d.ints({1})), 1)));
  }
  Type element = Decomposer::elementOf(scores);
  Value least = d.select(repeats, d.number(-INFINITY, element), d.number(INFINITY, element));
  d.replace(d.make<ScatterElementsOp>(element, scores, ids, least, /*axis=*/1, rewriter.getStringAttr("min")));
  return success();
}
