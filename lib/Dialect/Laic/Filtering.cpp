// NonZero, Compress, Unique, NonMaxSuppression: what there is in front of a result of the largest size, then a Slice to the count.
#include "Around.h"
#include "Decomposer.h"
#include "DynamicSizes.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/DetectionOps.h"
#include "laic/Dialect/Laic/FilteringOps.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/SelectionOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

Type unranked(Type element) { return UnrankedTensorType::get(element); }

// The axis that the attribute names; without one the operand is seen as a vector.
FailureOr<int64_t> axisOrVector(ShapeContext &ctx, std::optional<uint64_t> axis) {
  return axis ? ctx.axis(static_cast<int64_t>(*axis), ctx.rank(0)) : FailureOr<int64_t>(0);
}

SmallVector<Value> sizesOf(LowerContext &ctx, ArrayRef<SymShape> shapes) {
  SmallVector<Value> sizes;
  for (const SymShape &shape : shapes)
    llvm::append_range(sizes, dynamicSizes(ctx, shape));
  return sizes;
}

} // namespace

// ---- NonZero ----

LogicalResult NonZeroOp::inferShapes(ShapeContext &ctx) {
  return ctx.replace([&](RewriterBase &rewriter) -> SmallVector<Value> {
    Decomposer d(rewriter, *this);
    // A scalar that is not 0 has one index of no elements: [0, 1]. Seen as a vector it is found, and the row of its index cut off.
    bool scalar = ctx.rank(0) == 0;
    Value x = scalar ? d.reshape(getX(), ArrayRef<int64_t>{1}) : getX();
    auto filled = FillNonZeroOp::create(rewriter, getLoc(), unranked(d.i64()), unranked(d.i64()), x);
    Value indices = d.slice(filled.getIndices(), d.ints({0}), filled.getCount(), 1);
    return {scalar ? d.slice(indices, d.ints({0}), d.ints({0}), 0) : indices};
  });
}

LogicalResult FillNonZeroOp::inferShapes(ShapeContext &ctx) {
  Type i64 = IntegerType::get(getContext(), 64);
  ctx.set(0, {ctx.cst(ctx.rank(0)), ctx.product(ctx.shape(0))}, i64);
  ctx.set(1, {ctx.cst(1)}, i64);
  return success();
}

LogicalResult FillNonZeroOp::lower(LowerContext &ctx) {
  SymShape indices(ctx.resultShape(0));
  auto op = NonZeroIndicesOp::create(ctx.b, ctx.type(indices, ctx.resultElement(0)),
                                     ctx.type(ctx.resultShape(1), ctx.resultElement(1)), ctx.operand(0), sizesOf(ctx, {indices}));
  ctx.set(0, op.getIndices());
  ctx.set(1, op.getCount());
  return success();
}

// ---- Compress ----

LogicalResult CompressOp::inferShapes(ShapeContext &ctx) {
  if (ctx.rank(1) != 1 || !ctx.element(1).isInteger(1))
    return ctx.fail("expects a 'condition' of booleans and rank 1");
  auto axis = axisOrVector(ctx, getAxis());
  if (failed(axis))
    return failure();
  return ctx.replace([&](RewriterBase &rewriter) -> SmallVector<Value> {
    Decomposer d(rewriter, *this);
    Value data = getAxis() ? getInput() : d.reshape(getInput(), ArrayRef<int64_t>{-1});
    auto filled = FillCompressedOp::create(rewriter, getLoc(), unranked(d.elementOf(data)), unranked(d.i64()), data,
                                           getCondition(), rewriter.getI64IntegerAttr(*axis));
    return {d.slice(filled.getSelected(), d.ints({0}), filled.getCount(), *axis)};
  });
}

LogicalResult FillCompressedOp::inferShapes(ShapeContext &ctx) {
  ctx.set(0, ctx.shape(0), ctx.element(0));
  ctx.set(1, {ctx.cst(1)}, IntegerType::get(getContext(), 64));
  return success();
}

LogicalResult FillCompressedOp::lower(LowerContext &ctx) {
  SymShape shape = around(ctx, ctx.shape(0), static_cast<int64_t>(getAxis())).shape();
  auto op =
      SelectSlicesOp::create(ctx.b, ctx.type(shape, ctx.resultElement(0)), ctx.type(ctx.resultShape(1), ctx.resultElement(1)),
                             ctx.reshape(ctx.operand(0), ctx.shape(0), shape), ctx.operand(1), sizesOf(ctx, {shape}));
  ctx.set(0, ctx.reshape(op.getSelected(), shape, ctx.resultShape(0)));
  ctx.set(1, op.getCount());
  return success();
}

// ---- Unique ----

LogicalResult UniqueOp::inferShapes(ShapeContext &ctx) {
  auto axis = axisOrVector(ctx, getAxis());
  if (failed(axis))
    return failure();
  return ctx.replace([&](RewriterBase &rewriter) -> SmallVector<Value> {
    Decomposer d(rewriter, *this);
    Value data = getAxis() ? getX() : d.reshape(getX(), ArrayRef<int64_t>{-1});
    Type i64 = unranked(d.i64());
    auto filled = FillUniqueOp::create(rewriter, getLoc(), unranked(d.elementOf(data)), i64, i64, i64, i64, data,
                                       static_cast<uint64_t>(*axis), getSorted() != 0);
    auto cut = [&](Value v, int64_t along) { return d.slice(v, d.ints({0}), filled.getCount(), along); };
    return {cut(filled.getSlices(), *axis), cut(filled.getIndices(), 0), filled.getInverse(), cut(filled.getCounts(), 0)};
  });
}

LogicalResult FillUniqueOp::inferShapes(ShapeContext &ctx) {
  Type i64 = IntegerType::get(getContext(), 64);
  ctx.set(0, ctx.shape(0), ctx.element(0));
  for (unsigned i = 1; i < 4; ++i)
    ctx.set(i, {ctx.shape(0)[getAxis()]}, i64);
  ctx.set(4, {ctx.cst(1)}, i64);
  return success();
}

LogicalResult FillUniqueOp::lower(LowerContext &ctx) {
  Around a = around(ctx, ctx.shape(0), static_cast<int64_t>(getAxis()));
  SymShape shape = a.shape();
  SymShape vector{a.n};
  SmallVector<Type> types{ctx.type(shape, ctx.resultElement(0))};
  for (unsigned i = 1; i < 5; ++i)
    types.push_back(ctx.type(ctx.resultShape(i), ctx.resultElement(i)));
  auto op = UniqueSlicesOp::create(ctx.b, types[0], types[1], types[2], types[3], types[4],
                                   ctx.reshape(ctx.operand(0), ctx.shape(0), shape),
                                   sizesOf(ctx, {shape, vector, vector, vector}), getSorted(), isUnsignedElement(ctx.element(0)));
  ctx.set(0, ctx.reshape(op.getSlices(), shape, ctx.resultShape(0)));
  for (unsigned i = 1; i < 5; ++i)
    ctx.set(i, op.getResult(i));
  return success();
}

// ---- NonMaxSuppression ----

LogicalResult NonMaxSuppressionOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectRank(ctx, 0, 3, "'boxes'")) || failed(expectRank(ctx, 1, 3, "'scores'")))
    return failure();
  if (failed(expectSize(ctx, ctx.shape(0)[2], ctx.cst(4), "dim 2 of 'boxes'", "two corners")) ||
      failed(expectSize(ctx, ctx.shape(1)[0], ctx.shape(0)[0], "dim 0 of 'scores'", "batch")) ||
      failed(expectSize(ctx, ctx.shape(1)[2], ctx.shape(0)[1], "dim 2 of 'scores'", "boxes")))
    return failure();
  if (ctx.has(2) && !ctx.element(2).isInteger(64))
    return ctx.fail("expects 'max_output_boxes_per_class' to have element type i64, got " + elementTypeName(ctx.element(2)));
  if (getCenterPointBox() > 1)
    return ctx.fail("expects 'center_point_box' to be 0 or 1");
  return ctx.replace([&](RewriterBase &rewriter) -> SmallVector<Value> {
    Decomposer d(rewriter, *this);
    auto vector = [&](Value given, Value otherwise) {
      return d.reshape(isAbsent(given) ? otherwise : given, ArrayRef<int64_t>{1});
    };
    Value limit = vector(getMaxOutputBoxesPerClass(), d.scalar(0));
    Value overlap = vector(getIouThreshold(), d.number(0, d.f32()));
    Value least = vector(getScoreThreshold(), d.number(-INFINITY, d.f32()));
    auto filled = FillKeptBoxesOp::create(rewriter, getLoc(), unranked(d.i64()), unranked(d.i64()), getBoxes(), getScores(),
                                          limit, overlap, least, getCenterPointBox() != 0);
    return {d.slice(filled.getKept(), d.ints({0}), filled.getCount(), 0)};
  });
}

LogicalResult FillKeptBoxesOp::inferShapes(ShapeContext &ctx) {
  Type i64 = IntegerType::get(getContext(), 64);
  AffineExpr perClass = ctx.shape(0)[1];
  if (ctx.facts(2).ints && !ctx.facts(2).ints->empty() && !ctx.symbols.isLate(ctx.facts(2).ints->front()))
    perClass = ctx.symbols.min(perClass, ctx.symbols.max(ctx.facts(2).ints->front(), ctx.cst(0)));
  ctx.set(0, {ctx.symbols.mul(ctx.symbols.mul(ctx.shape(0)[0], ctx.shape(1)[1]), perClass), ctx.cst(3)}, i64);
  ctx.set(1, {ctx.cst(1)}, i64);
  return success();
}

LogicalResult FillKeptBoxesOp::lower(LowerContext &ctx) {
  SymShape kept(ctx.resultShape(0)), open{ctx.shape(0)[1]};
  Type i8 = ctx.b.getI8Type();
  auto op = SelectBoxesOp::create(ctx.b, ctx.type(kept, ctx.resultElement(0)), ctx.type(ctx.resultShape(1), ctx.resultElement(1)),
                                  ctx.type(open, i8), ctx.operand(0), ctx.operand(1), ctx.operand(2), ctx.operand(3),
                                  ctx.operand(4), sizesOf(ctx, {kept, open}), getCenterPointBox());
  ctx.set(0, op.getKept());
  ctx.set(1, op.getCount());
  return success();
}
