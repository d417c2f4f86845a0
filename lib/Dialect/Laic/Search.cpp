// ArgMax, ArgMin, Hardmax, TopK, CumSum, CumProd: onto structured operations along one axis.
#include "Around.h"
#include "Contents.h"
#include "DynamicSizes.h"
#include "IndexBuilder.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

namespace {

// f16 and bf16 as f32; everything else as it is.
Value widen(LowerContext &ctx, Value value, llvm::ArrayRef<AffineExpr> shape, Type element) {
  if (!element.isF16() && !element.isBF16())
    return value;
  return ctx.generic(shape, ctx.b.getF32Type(), value, ctx.b.getMultiDimIdentityMap(shape.size()),
                     [&](ScalarBuilder &s, ValueRange in) { return ctx.toCompute(s, in[0], element); });
}

Value narrow(LowerContext &ctx, Value value, llvm::ArrayRef<AffineExpr> shape, Type element) {
  if (!element.isF16() && !element.isBF16())
    return value;
  return ctx.generic(shape, element, value, ctx.b.getMultiDimIdentityMap(shape.size()),
                     [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, in[0], element); });
}

bool comparesUnsigned(Type element) { return isUnsignedElement(element) || element.isInteger(1); }

// The index of the extreme element along `axis`: shape [outer, inner], i64.
Value argReduce(LowerContext &ctx, int64_t axis, bool smallest, bool last) {
  Around a = around(ctx, ctx.shape(0), axis);
  Type element = ctx.element(0), i64 = ctx.b.getI64Type();
  Value x = widen(ctx, ctx.operand(0), ctx.shape(0), element);
  bool isUnsigned = comparesUnsigned(element);
  if (constantSize(a.inner) == 1) {
    SymShape rows{a.outer, a.n}, result{a.outer};
    auto op = ArgReduceRowsOp::create(ctx.b, ctx.type(result, i64), ctx.reshape(x, ctx.shape(0), rows), dynamicSizes(ctx, result),
                                      smallest, last, isUnsigned);
    return ctx.reshape(op.getIndex(), result, {a.outer, a.inner});
  }
  SymShape result{a.outer, a.inner};
  auto op = ArgReduceColumnsOp::create(ctx.b, ctx.type(result, i64), ctx.reshape(x, ctx.shape(0), a.shape()),
                                       dynamicSizes(ctx, result), smallest, last, isUnsigned);
  return op.getIndex();
}

LogicalResult inferArgReduce(ShapeContext &ctx, int64_t axis, bool keep) {
  auto a = ctx.axis(axis, ctx.rank(0));
  if (failed(a))
    return failure();
  SymShape result(ctx.shape(0));
  if (constantSize(result[*a]) == 0)
    return ctx.fail("has no element to choose along axis " + Twine(*a));
  if (keep)
    result[*a] = ctx.cst(1);
  else
    result.erase(result.begin() + *a);
  ctx.set(0, result, IntegerType::get(ctx.element(0).getContext(), 64));
  return success();
}

LogicalResult lowerArgReduce(LowerContext &ctx, int64_t axis, bool smallest, bool last) {
  axis = axis < 0 ? axis + ctx.rank(0) : axis;
  Around a = around(ctx, ctx.shape(0), axis);
  ctx.set(0, ctx.reshape(argReduce(ctx, axis, smallest, last), {a.outer, a.inner}, ctx.resultShape()));
  return success();
}

} // namespace

// ---- ArgMax, ArgMin, Hardmax ----

LogicalResult ArgMaxOp::inferShapes(ShapeContext &ctx) {
  return inferArgReduce(ctx, static_cast<int64_t>(getAxis()), getKeepdims());
}
LogicalResult ArgMaxOp::lower(LowerContext &ctx) {
  return lowerArgReduce(ctx, static_cast<int64_t>(getAxis()), false, getSelectLastIndex());
}
LogicalResult ArgMinOp::inferShapes(ShapeContext &ctx) {
  return inferArgReduce(ctx, static_cast<int64_t>(getAxis()), getKeepdims());
}
LogicalResult ArgMinOp::lower(LowerContext &ctx) {
  return lowerArgReduce(ctx, static_cast<int64_t>(getAxis()), true, getSelectLastIndex());
}

LogicalResult HardmaxOp::inferShapes(ShapeContext &ctx) {
  if (failed(ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0))))
    return failure();
  return ctx.same(0);
}

LogicalResult HardmaxOp::lower(LowerContext &ctx) {
  int64_t axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + ctx.rank(0) : axis;
  Around a = around(ctx, ctx.shape(0), axis);
  Value best = argReduce(ctx, axis, false, false);
  AffineExpr d0 = ctx.b.getAffineDimExpr(0), d2 = ctx.b.getAffineDimExpr(2);
  AffineMap map = AffineMap::get(3, 0, {d0, d2}, getContext());
  Value hot = ctx.generic(a.shape(), ctx.resultElement(), best, map, [&](ScalarBuilder &s, ValueRange in) {
    IndexBuilder ib(s.b, s.loc);
    Value hit = ib.eq(ib.toIndex(in[0]), linalg::IndexOp::create(s.b, s.loc, 1));
    Type type = lowerElement(ctx.resultElement());
    return s.select(hit, s.cst(1, type), s.cst(0, type));
  });
  ctx.set(0, ctx.reshape(hot, a.shape(), ctx.resultShape()));
  return success();
}

// ---- TopK ----

LogicalResult TopKOp::inferShapes(ShapeContext &ctx) {
  auto axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0));
  if (failed(axis))
    return failure();
  auto k = ctx.sizes(1, "K", 1);
  if (failed(k))
    return failure();
  if (k->size() != 1)
    return ctx.fail("expects one 'K', got " + Twine(k->size()));
  SymShape result(ctx.shape(0));
  auto count = constantSize(k->front()), have = constantSize(result[*axis]);
  if (count && (*count < 0 || (have && *count > *have)))
    return ctx.fail("asks for " + Twine(*count) + " elements of an axis" + (have ? " of size " + Twine(*have) : Twine("")));
  result[*axis] = k->front();
  ctx.set(0, result, ctx.element(0));
  ctx.set(1, result, IntegerType::get(getContext(), 64));
  return success();
}

LogicalResult TopKOp::lower(LowerContext &ctx) {
  int64_t rank = ctx.rank(0), axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + rank : axis;
  // The axis goes last; the permutation that swaps it with the last dim is its own inverse.
  llvm::SmallVector<int64_t> perm;
  for (int64_t d = 0; d < rank; ++d)
    perm.push_back(d);
  std::swap(perm[axis], perm[rank - 1]);
  auto permuted = [&](llvm::ArrayRef<AffineExpr> shape) {
    SymShape result(shape);
    std::swap(result[axis], result[rank - 1]);
    return result;
  };
  Type element = ctx.element(0);
  SymShape from = permuted(ctx.shape(0)), to = permuted(ctx.resultShape());
  Value x = widen(ctx, ctx.transpose(ctx.operand(0), perm), from, element);
  Around a = around(ctx, from, rank - 1);
  SymShape rows{a.outer, a.n}, best{a.outer, to.back()};
  llvm::SmallVector<Value> sizes = dynamicSizes(ctx, best);
  llvm::append_range(sizes, llvm::SmallVector<Value>(sizes));
  Type compute = cast<RankedTensorType>(x.getType()).getElementType();
  auto op = TopKRowsOp::create(ctx.b, ctx.type(best, compute), ctx.type(best, ctx.b.getI64Type()), ctx.reshape(x, from, rows),
                               sizes, !getLargest(), comparesUnsigned(element));
  Value values = narrow(ctx, ctx.reshape(op.getValues(), best, to), to, element);
  ctx.set(0, ctx.transpose(values, perm));
  ctx.set(1, ctx.transpose(ctx.reshape(op.getIndices(), best, to), perm));
  return success();
}

// ---- CumSum, CumProd ----

namespace {

// The axis may be a size that only a call tells; its range is then checked there.
LogicalResult inferScan(ShapeContext &ctx) {
  int64_t rank = ctx.rank(0);
  if (rank == 1)
    return ctx.same(0); // whatever the axis says, there is one
  auto axis = ctx.sizes(1, "axis", 1);
  if (failed(axis))
    return failure();
  if (axis->size() != 1)
    return ctx.fail("expects one 'axis'");
  if (failed(ctx.axis(axis->front(), rank)))
    return failure();
  return ctx.same(0);
}

LogicalResult lowerScan(LowerContext &ctx, bool exclusive, bool reverse, bool product) {
  AffineExpr axis = ctx.rank(0) == 1 ? ctx.cst(0) : ctx.symbols.wrapAxis(ctx.facts(1).elements().front(), ctx.rank(0));
  Around a = around(ctx, ctx.shape(0), axis);
  SymShape shape = a.shape();
  Value x = widen(ctx, ctx.operand(0), ctx.shape(0), ctx.element(0));
  Type compute = cast<RankedTensorType>(x.getType()).getElementType();
  auto op = ScanOp::create(ctx.b, ctx.type(shape, compute), ctx.reshape(x, ctx.shape(0), shape), dynamicSizes(ctx, shape),
                           exclusive, reverse, product);
  Value y = ctx.reshape(op.getY(), shape, ctx.resultShape());
  ctx.set(0, narrow(ctx, y, ctx.resultShape(), ctx.resultElement()));
  return success();
}

} // namespace

LogicalResult CumSumOp::inferShapes(ShapeContext &ctx) { return inferScan(ctx); }
LogicalResult CumSumOp::lower(LowerContext &ctx) { return lowerScan(ctx, getExclusive() != 0, getReverse() != 0, false); }
LogicalResult CumProdOp::inferShapes(ShapeContext &ctx) { return inferScan(ctx); }
LogicalResult CumProdOp::lower(LowerContext &ctx) { return lowerScan(ctx, getExclusive() != 0, getReverse() != 0, true); }
