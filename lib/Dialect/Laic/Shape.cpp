// Shape, Size, Reshape, Flatten, Squeeze, Unsqueeze, Expand, Tile: sizes as values and the same elements in other shapes.
#include "Contents.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/ShapeOps.h"

using namespace mlir;
using namespace laic;

// ---- sizes as values ----

LogicalResult ShapeOp::inferShapes(ShapeContext &ctx) {
  int64_t rank = ctx.rank(0);
  auto bound = [&](int64_t v) { return std::clamp<int64_t>(v < 0 ? v + rank : v, 0, rank); };
  int64_t start = bound(static_cast<int64_t>(getStart()));
  int64_t end = getEnd() ? bound(static_cast<int64_t>(*getEnd())) : rank;
  llvm::ArrayRef<AffineExpr> dims = ctx.shape(0).slice(start, std::max<int64_t>(end - start, 0));
  ctx.set(0, {ctx.cst(dims.size())}, IntegerType::get(getContext(), 64));
  ctx.setInts(0, dims);
  return success();
}

LogicalResult SizeOfOp::inferShapes(ShapeContext &ctx) {
  ctx.set(0, {}, IntegerType::get(getContext(), 64));
  ctx.setInts(0, {ctx.product(ctx.shape(0))});
  return success();
}

// ---- Reshape ----

namespace {

// The dim that makes the element counts agree. Dims that occur on both sides cancel before anything is multiplied out.
FailureOr<AffineExpr> remainingDim(ShapeContext &ctx, llvm::ArrayRef<AffineExpr> from, llvm::ArrayRef<AffineExpr> known) {
  SymShape numerator(from), denominator;
  for (AffineExpr e : known) {
    auto it = llvm::find(numerator, e);
    if (it != numerator.end() && constantSize(e) != 0)
      numerator.erase(it);
    else
      denominator.push_back(e);
  }
  AffineExpr total = ctx.product(numerator), divisor = ctx.product(denominator);
  auto totalCount = constantSize(total), divisorCount = constantSize(divisor);
  if (divisorCount == 0)
    return ctx.fail("cannot tell the size that -1 stands for, since another dim is 0");
  if (totalCount && divisorCount && *totalCount % *divisorCount != 0)
    return ctx.fail("cannot divide " + Twine(*totalCount) + " elements into rows of " + Twine(*divisorCount));
  return ctx.symbols.floorDiv(total, divisor);
}

// Sizes of 'shape' that are data of the call: 0 copies a dim unless `allowZero`, and one may be -1.
SymShape resolveAtRunTime(ShapeContext &ctx, llvm::ArrayRef<AffineExpr> target, bool allowZero) {
  SizeSymbols &symbols = ctx.symbols;
  AffineExpr zero = ctx.cst(0), one = ctx.cst(1);
  SymShape result, known;
  for (auto [i, e] : llvm::enumerate(target)) {
    bool copies = !allowZero && i < static_cast<size_t>(ctx.rank(0));
    result.push_back(copies ? symbols.select(symbols.equal(e, zero), ctx.shape(0)[i], e) : e);
    known.push_back(symbols.select(symbols.less(result.back(), zero), one, result.back()));
  }
  AffineExpr rest = symbols.floorDiv(ctx.product(ctx.shape(0)), symbols.max(ctx.product(known), one));
  for (AffineExpr &e : result)
    e = symbols.select(symbols.less(e, zero), rest, e);
  return result;
}

LogicalResult checkElements(ShapeContext &ctx, llvm::ArrayRef<AffineExpr> result) {
  AffineExpr from = ctx.product(ctx.shape(0)), to = ctx.product(result);
  return ctx.equal(to, from, "'shape' must have as many elements as the operand",
                   "expects 'shape' to have " + Twine(constantSize(from).value_or(0)) + " elements as the operand has, got " +
                       Twine(constantSize(to).value_or(0)));
}

} // namespace

LogicalResult ReshapeOp::inferShapes(ShapeContext &ctx) {
  auto target = ctx.sizes(1, "shape", ctx.declaredRank(0));
  if (failed(target))
    return failure();
  if (llvm::any_of(*target, [&](AffineExpr e) { return ctx.symbols.isData(e); })) {
    SymShape result = resolveAtRunTime(ctx, *target, getAllowzero() != 0);
    if (failed(checkElements(ctx, result)))
      return failure();
    ctx.set(0, result, ctx.element(0));
    return success();
  }
  SymShape result;
  SymShape known;
  std::optional<size_t> open;
  for (auto [i, e] : llvm::enumerate(*target)) {
    auto c = constantSize(e);
    if (c == -1) {
      if (open)
        return ctx.fail("expects at most one -1 in 'shape'");
      open = i;
      result.push_back(e);
      continue;
    }
    if (c && *c < -1)
      return ctx.fail("expects sizes >= -1 in 'shape', got " + Twine(*c));
    if (c == 0 && getAllowzero() == 0) {
      if (i >= static_cast<size_t>(ctx.rank(0)))
        return ctx.fail("copies dim " + Twine(i) + " of an operand of rank " + Twine(ctx.rank(0)));
      e = ctx.shape(0)[i];
    }
    result.push_back(e);
    known.push_back(e);
  }
  if (open) {
    auto dim = remainingDim(ctx, ctx.shape(0), known);
    if (failed(dim))
      return failure();
    result[*open] = *dim;
  }
  if (failed(checkElements(ctx, result)))
    return failure();
  ctx.set(0, result, ctx.element(0));
  keepContents(ctx, 0, 0);
  return success();
}

namespace {
LogicalResult lowerReshape(LowerContext &ctx) {
  ctx.set(0, ctx.reshape(ctx.operand(0), ctx.shape(0), ctx.resultShape()));
  return success();
}
} // namespace

LogicalResult ReshapeOp::lower(LowerContext &ctx) { return lowerReshape(ctx); }

// ---- Flatten, Squeeze, Unsqueeze ----

LogicalResult FlattenOp::inferShapes(ShapeContext &ctx) {
  int64_t rank = ctx.rank(0), axis = static_cast<int64_t>(getAxis());
  if (axis < -rank || axis > rank)
    return ctx.fail("expects an axis in [" + Twine(-rank) + ", " + Twine(rank) + "], got " + Twine(axis));
  axis = axis < 0 ? axis + rank : axis;
  llvm::ArrayRef<AffineExpr> dims = ctx.shape(0);
  ctx.set(0, {ctx.product(dims.take_front(axis)), ctx.product(dims.drop_front(axis))}, ctx.element(0));
  keepContents(ctx, 0, 0);
  return success();
}
LogicalResult FlattenOp::lower(LowerContext &ctx) { return lowerReshape(ctx); }

namespace {

// The axes of operand i, each once, as a mask over `rank` dims.
FailureOr<SymShape> distinctAxes(ShapeContext &ctx, unsigned i, int64_t rank, int64_t count) {
  auto axes = ctx.sizes(i, "axes", count);
  if (failed(axes))
    return failure();
  auto mask = ctx.axisMask(*axes, rank);
  if (failed(mask))
    return failure();
  AffineExpr total = ctx.cst(0);
  for (AffineExpr flag : *mask)
    total = canonicalSize(total + flag);
  if (failed(ctx.equal(total, ctx.cst(axes->size()), "'axes' must name each axis once", "names an axis twice")))
    return failure();
  return mask;
}

} // namespace

namespace {
// How many axes there are: as many as the operand says, otherwise what the declared rank of the result leaves.
FailureOr<int64_t> axisCount(ShapeContext &ctx, int64_t otherwise) {
  if (auto count = contentCount(ctx.shape(1)))
    return *count;
  if (otherwise >= 0)
    return otherwise;
  return ctx.fail("expects a known number of 'axes'");
}
} // namespace

LogicalResult SqueezeOp::inferShapes(ShapeContext &ctx) {
  int64_t rank = ctx.rank(0), count = 0;
  SymShape drop(rank, ctx.cst(0));
  if (ctx.has(1)) {
    auto known = axisCount(ctx, rank - ctx.declaredRank(0).value_or(rank + 1));
    if (failed(known))
      return failure();
    count = *known;
    auto mask = distinctAxes(ctx, 1, rank, count);
    if (failed(mask))
      return failure();
    drop = *mask;
  } else {
    for (int64_t d = 0; d < rank; ++d)
      if (constantSize(ctx.shape(0)[d]) == 1) {
        drop[d] = ctx.cst(1);
        ++count;
      }
  }
  for (int64_t d = 0; d < rank; ++d) {
    AffineExpr gone = ctx.symbols.select(drop[d], ctx.shape(0)[d], ctx.cst(1));
    if (failed(ctx.equal(gone, ctx.cst(1), "axis " + Twine(d) + " is squeezed away and must be 1",
                         "cannot squeeze axis " + Twine(d) + " of size " + Twine(constantSize(gone).value_or(0)))))
      return failure();
  }
  ctx.set(0, ctx.compact(ctx.shape(0), drop, rank - count), ctx.element(0));
  keepContents(ctx, 0, 0);
  return success();
}
LogicalResult SqueezeOp::lower(LowerContext &ctx) { return lowerReshape(ctx); }

LogicalResult UnsqueezeOp::inferShapes(ShapeContext &ctx) {
  auto count = axisCount(ctx, ctx.declaredRank(0).value_or(-1) - ctx.rank(0));
  if (failed(count))
    return failure();
  int64_t rank = ctx.rank(0) + *count;
  auto isNew = distinctAxes(ctx, 1, rank, *count);
  if (failed(isNew))
    return failure();
  SymShape result;
  AffineExpr taken = ctx.cst(0); // dims of the operand that have found their place
  for (int64_t d = 0; d < rank; ++d) {
    AffineExpr next = ctx.cst(1);
    for (auto [i, dim] : llvm::enumerate(ctx.shape(0)))
      next = ctx.symbols.select(ctx.symbols.equal(taken, ctx.cst(i)), dim, next);
    result.push_back(ctx.symbols.select((*isNew)[d], ctx.cst(1), next));
    taken = canonicalSize(taken + ctx.symbols.equal((*isNew)[d], ctx.cst(0)));
  }
  ctx.set(0, result, ctx.element(0));
  keepContents(ctx, 0, 0);
  return success();
}
LogicalResult UnsqueezeOp::lower(LowerContext &ctx) { return lowerReshape(ctx); }

// ---- Expand, Tile ----

namespace {
// What a shape of unknown length asks for the dims of a result of known rank. It is aligned at the end, so every length puts
// its elements elsewhere.
FailureOr<llvm::SmallVector<AffineExpr, 4>> expandTarget(ShapeContext &ctx) {
  auto rank = ctx.declaredRank(0);
  const ValueFacts &facts = ctx.facts(1);
  if (facts.ints || !facts.argument || !rank)
    return ctx.sizes(1, "shape");
  AffineExpr length = ctx.shape(1)[0];
  llvm::StringRef what = "'shape' must have at most as many elements as the result has dims";
  if (failed(ctx.atLeast(ctx.cst(*rank), length, what, what)))
    return failure();
  llvm::SmallVector<AffineExpr, 4> target(*rank, ctx.cst(1));
  for (int64_t d = 0; d < *rank; ++d)
    for (int64_t n = *rank - d; n <= *rank; ++n)
      target[d] = ctx.symbols.select(ctx.symbols.equal(length, ctx.cst(n)),
                                     ctx.symbols.inputElement(*facts.argument, n - (*rank - d)), target[d]);
  return target;
}
} // namespace

LogicalResult ExpandOp::inferShapes(ShapeContext &ctx) {
  auto target = expandTarget(ctx);
  if (failed(target))
    return failure();
  auto result = ctx.broadcast(ctx.shape(0), *target);
  if (failed(result))
    return failure();
  ctx.set(0, *result, ctx.element(0));
  auto from = staticShape(ctx.shape(0));
  auto strides = rowMajorStrides(from);
  size_t skip = result->size() - from.size();
  moveContents(ctx, 0, 0, *result, [&](llvm::ArrayRef<int64_t> at) {
    int64_t flat = 0;
    for (size_t d = 0; d < from.size(); ++d)
      flat += from[d] == 1 ? 0 : at[skip + d] * strides[d];
    return flat;
  });
  return success();
}

LogicalResult ExpandOp::lower(LowerContext &ctx) {
  llvm::ArrayRef<AffineExpr> from = ctx.shape(0), to = ctx.resultShape();
  if (from == to) {
    ctx.set(0, ctx.operand(0));
    return success();
  }
  if (ctx.needsDynamicBroadcast(from, to)) {
    ctx.set(0, ctx.dynamicBroadcast(ctx.operand(0), from, to));
    return success();
  }
  ctx.set(0, ctx.generic(to, ctx.resultElement(), ctx.operand(0), ctx.broadcastMap(from, to),
                         [](ScalarBuilder &, ValueRange in) { return in[0]; }));
  return success();
}

LogicalResult TileOp::inferShapes(ShapeContext &ctx) {
  auto repeats = ctx.sizes(1, "repeats", ctx.rank(0));
  if (failed(repeats))
    return failure();
  if (repeats->size() != static_cast<size_t>(ctx.rank(0)))
    return ctx.fail("expects " + Twine(ctx.rank(0)) + " repeats, one per dim, got " + Twine(repeats->size()));
  SymShape result;
  for (auto [dim, count] : llvm::zip(ctx.shape(0), *repeats))
    result.push_back(ctx.symbols.mul(dim, count));
  ctx.set(0, result, ctx.element(0));
  auto from = staticShape(ctx.shape(0));
  auto strides = rowMajorStrides(from);
  moveContents(ctx, 0, 0, result, [&](llvm::ArrayRef<int64_t> at) {
    int64_t flat = 0;
    for (size_t d = 0; d < from.size(); ++d)
      flat += at[d] % from[d] * strides[d];
    return flat;
  });
  return success();
}

// [a, b] repeated [r, s] times is a broadcast to [r, a, s, b], reshaped: no index arithmetic per element.
LogicalResult TileOp::lower(LowerContext &ctx) {
  if (llvm::any_of(ctx.resultShape(), [](AffineExpr e) { return constantSize(e) == 0; })) {
    ctx.set(0, ctx.filled(ctx.resultShape(), ctx.resultElement(), 0));
    return success();
  }
  SymShape shape;
  llvm::SmallVector<AffineExpr> from;
  for (int64_t d = 0; d < ctx.rank(0); ++d) {
    AffineExpr count = ctx.facts(1).elements()[d];
    if (constantSize(count) != 1)
      shape.push_back(count);
    from.push_back(ctx.b.getAffineDimExpr(shape.size()));
    shape.push_back(ctx.shape(0)[d]);
  }
  Value result = ctx.operand(0);
  if (shape.size() != from.size())
    result = ctx.generic(shape, ctx.resultElement(), result, AffineMap::get(shape.size(), 0, from, getContext()),
                         [](ScalarBuilder &, ValueRange in) { return in[0]; });
  ctx.set(0, ctx.reshape(result, shape, ctx.resultShape()));
  return success();
}
