// RotaryEmbedding, SwiGLU, TensorScatter: what stands around the attention of a decoder.
#include "DynamicSizes.h"
#include "IndexBuilder.h"
#include "Rotation.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/AttentionOps.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

using V = Value;

//===-- RotaryEmbedding -----------------------------------------------------------------------------------------===//

V laic::rotate(const Decomposer &d, V x, V cosine, V sine, Rotation kind) {
  constexpr int64_t last = 3; // of [.., .., .., head]
  V half = d.size(cosine, -1), whole = d.add(half, half), zero = d.ints({0}), one = d.ints({1});
  V a = kind.isInterleaved ? d.slice(x, zero, whole, last, 2) : d.slice(x, zero, half, last);
  V b = kind.isInterleaved ? d.slice(x, one, whole, last, 2) : d.slice(x, half, whole, last);
  V real = d.sub(d.mul(cosine, a), d.mul(sine, b)), imaginary = d.add(d.mul(sine, a), d.mul(cosine, b));
  V y;
  if (kind.isInterleaved)
    y = d.reshape(d.concat({d.unsqueeze(real, {last + 1}), d.unsqueeze(imaginary, {last + 1})}, last + 1), {0, 0, 0, -1});
  else
    y = d.concat({real, imaginary}, last);
  return kind.isPartial ? d.concat({y, d.slice(x, whole, d.ints({INT64_MAX}), last)}, last) : y;
}

V laic::rotatedColumns(const Decomposer &d, V cache, int64_t rotated) {
  int64_t columns = cast<RankedTensorType>(cache.getType()).getShape().back();
  return rotated == 0 || columns == rotated / 2 ? cache : d.slice(cache, 0, rotated / 2, -1);
}

LogicalResult laic::checkRotation(ShapeContext &ctx, const RotationOperands &operands, ArrayRef<AffineExpr> x, int64_t rotated) {
  if (rotated < 0)
    return ctx.fail("expects 'rotary_embedding_dim' to be at least 0, got " + Twine(rotated));
  AffineExpr width = rotated > 0 ? ctx.cst(rotated) : x[3];
  std::string what = "the number of rotated elements of a head to be even";
  if (failed(ctx.multiple(width, 2, "expects " + what, "expects " + what + ", got " + Twine(constantSize(width).value_or(0)))) ||
      failed(ctx.atLeast(x[3], width, "a head must be as large as rotary_embedding_dim",
                         "expects a head to be at least as large as rotary_embedding_dim " + Twine(rotated) + ", got " +
                             Twine(constantSize(x[3]).value_or(0)))))
    return failure();
  AffineExpr half = ctx.symbols.floorDiv(width, ctx.cst(2)), halfHead = ctx.symbols.floorDiv(x[3], ctx.cst(2));
  for (auto [i, name] : {std::pair(operands.cosine, "cos_cache"), {operands.sine, "sin_cache"}}) {
    if (failed(expectRank(ctx, i, operands.hasPositions ? 2 : 3, name)))
      return failure();
    // Caches of whole heads are what some exporters hand over though they rotate less.
    AffineExpr columns = ctx.shape(i).back();
    if (columns != halfHead &&
        failed(expectSize(ctx, columns, half, "the last dim of " + Twine(name), "half of what is rotated")))
      return failure();
    for (unsigned dim = 0; dim < 2 && !operands.hasPositions; ++dim)
      if (failed(expectSize(ctx, ctx.shape(i)[dim], x[dim == 0 ? 0 : 2], "dim " + Twine(dim) + " of " + name, "as the input")))
        return failure();
  }
  if (failed(expectSize(ctx, ctx.shape(operands.sine).back(), ctx.shape(operands.cosine).back(), "the last dim of sin_cache",
                        "as cos_cache")))
    return failure();
  return operands.hasPositions
             ? expectSize(ctx, ctx.shape(operands.sine)[0], ctx.shape(operands.cosine)[0], "dim 0 of sin_cache", "as cos_cache")
             : success();
}

LogicalResult RotaryEmbeddingOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { X, Cosine, Sine, Positions };
  int64_t rank = ctx.rank(X), heads = static_cast<int64_t>(getNumHeads().value_or(0));
  if (rank != 3 && rank != 4)
    return ctx.fail("expects an input of rank 3 or 4, got rank " + Twine(rank));
  if (rank == 3 && heads < 1)
    return ctx.fail("expects attribute 'num_heads' to be at least 1, since the input has rank 3");
  auto x = headShape(ctx, X, heads, "the input");
  if (failed(x))
    return failure();
  if (failed(checkRotation(ctx, {Cosine, Sine, ctx.has(Positions)}, *x, static_cast<int64_t>(getRotaryEmbeddingDim()))))
    return failure();
  if (ctx.has(Positions)) {
    if (failed(expectRank(ctx, Positions, 2, "position_ids")) ||
        failed(expectSize(ctx, ctx.shape(Positions)[0], (*x)[0], "dim 0 of position_ids", "the batch")) ||
        failed(expectSize(ctx, ctx.shape(Positions)[1], (*x)[2], "dim 1 of position_ids", "the sequence")))
      return failure();
  }
  return ctx.same(0);
}

LogicalResult RotaryEmbeddingOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  bool isFlat = cast<RankedTensorType>(getX().getType()).getRank() == 3;
  V x = isFlat ? d.reshape(getX(), {0, 0, static_cast<int64_t>(*getNumHeads()), -1}) : getX();
  // Caches lie on the dims batch, sequence and head.
  int64_t rotated = static_cast<int64_t>(getRotaryEmbeddingDim());
  auto spread = [&](V cache) {
    cache = rotatedColumns(d, cache, rotated);
    V rows = isAbsent(getPositionIds()) ? cache : d.gather(cache, getPositionIds());
    return d.unsqueeze(rows, {isFlat ? 2 : 1});
  };
  V y = rotate(d, x, spread(getCosCache()), spread(getSinCache()), {getInterleaved() != 0, rotated != 0});
  d.replace(isFlat ? d.reshape(y, {0, 0, -1}) : y);
  return success();
}

//===-- SwiGLU --------------------------------------------------------------------------------------------------===//

LogicalResult SwiGLUOp::inferShapes(ShapeContext &ctx) {
  if (ctx.element(0) != ctx.element(1))
    return ctx.fail("expects A and B of one element type, got " + elementTypeName(ctx.element(0)) + " and " +
                    elementTypeName(ctx.element(1)));
  if (failed(expectRank(ctx, 1, ctx.rank(0), "B")))
    return failure();
  for (int64_t dim = 0; dim < ctx.rank(0); ++dim)
    if (failed(expectSize(ctx, ctx.shape(1)[dim], ctx.shape(0)[dim], "dim " + Twine(dim) + " of B", "as A")))
      return failure();
  return ctx.same(0);
}

LogicalResult SwiGLUOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V gate = d.make<SwishOp>(Decomposer::elementOf(getA()), getA(), getAlphaAttr());
  d.replace(d.mul(gate, getB()));
  return success();
}

//===-- TensorScatter -------------------------------------------------------------------------------------------===//

LogicalResult TensorScatterOp::inferShapes(ShapeContext &ctx) {
  ArrayRef<AffineExpr> cache = ctx.shape(0), update = ctx.shape(1);
  FailureOr<int64_t> axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0));
  if (failed(axis) || failed(expectRank(ctx, 1, ctx.rank(0), "update")))
    return failure();
  if (*axis == 0)
    return ctx.fail("expects an axis other than 0, the batch");
  if (getMode() != "linear" && getMode() != "circular")
    return ctx.fail("expects mode 'linear' or 'circular', got '" + getMode() + "'");
  for (int64_t dim = 0; dim < ctx.rank(0); ++dim)
    if (dim != *axis && failed(expectSize(ctx, update[dim], cache[dim], "dim " + Twine(dim) + " of update", "as past_cache")))
      return failure();
  std::string dim = ("dim " + Twine(*axis) + " of update").str();
  auto got = [&](unsigned i) { return Twine(constantSize(ctx.shape(i)[*axis]).value_or(0)).str(); };
  if (failed(ctx.atLeast(cache[*axis], update[*axis], dim + " must not be larger than that of past_cache",
                         "expects " + dim + " to be at most " + got(0) + " (that of past_cache), got " + got(1))) ||
      failed(ctx.atLeast(update[*axis], ctx.cst(1), dim + " must be at least 1", "expects " + dim + " to be at least 1, got 0")))
    return failure();
  if (ctx.element(0) != ctx.element(1))
    return ctx.fail("expects past_cache and update of one element type, got " + elementTypeName(ctx.element(0)) + " and " +
                    elementTypeName(ctx.element(1)));
  if (ctx.has(2) && failed(expectVector(ctx, 2, cache[0], "write_indices", "the batch")))
    return failure();
  return ctx.same(0);
}

// Elements of 16 bits are chosen as bits: a choice between floats would be computed in f32.
static V selectBits(ScalarBuilder &s, V condition, V x, V y) {
  Type type = x.getType(), bits = s.b.getI16Type();
  if (!isa<FloatType>(type) || type.getIntOrFloatBitWidth() != 16)
    return arith::SelectOp::create(s.b, s.loc, condition, x, y);
  auto asBits = [&](V v) { return arith::BitcastOp::create(s.b, s.loc, bits, v); };
  V chosen = arith::SelectOp::create(s.b, s.loc, condition, asBits(x), asBits(y));
  return arith::BitcastOp::create(s.b, s.loc, type, chosen);
}

LogicalResult TensorScatterOp::lower(LowerContext &ctx) {
  int64_t rank = ctx.rank(0), axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + rank : axis;
  if (getMode() == "linear") {
    V positions = ctx.has(2) ? ctx.operand(2) : ctx.filled({ctx.shape(0)[0]}, ctx.b.getI64Type(), 0);
    auto op = AppendOp::create(ctx.b, ctx.type(ctx.resultShape(), ctx.resultElement()), ctx.operand(0), ctx.operand(1), positions,
                               dynamicSizes(ctx, ctx.resultShape()), axis);
    ctx.set(0, op.getResult());
    return success();
  }
  AffineExpr length = ctx.shape(0)[axis], count = ctx.shape(1)[axis];
  V size = ctx.size(length), updates = ctx.size(count);
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, getContext());
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), ctx.operand(0), identity, [&](ScalarBuilder &s, ValueRange in) {
    IndexBuilder ib(s.b, s.loc);
    SmallVector<V> at;
    for (int64_t dim = 0; dim < rank; ++dim)
      at.push_back(linalg::IndexOp::create(s.b, s.loc, dim));
    V start = ib.cst(0);
    if (ctx.has(2)) {
      V raw = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(2), at[0]);
      start = ib.floorMod(ib.toIndex(raw, isUnsignedElement(ctx.element(2))), size);
    }
    // Where the element would lie in `update`.
    V offset = ib.sub(at[axis], start);
    offset = ib.select(ib.lt(offset, ib.cst(0)), ib.add(offset, size), offset);
    V isUpdated = ib.lt(offset, updates);
    at[axis] = ib.select(isUpdated, offset, ib.cst(0));
    V update = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(1), at);
    return selectBits(s, isUpdated, update, in[0]);
  }));
  return success();
}
