// Det: Gaussian elimination in f64.
#include "LoopBuilder.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/DeterminantOps.h"

using namespace mlir;
using namespace laic;

LogicalResult DetOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 2, "the input")))
    return failure();
  ArrayRef<AffineExpr> x = ctx.shape(0);
  if (failed(expectSize(ctx, x.back(), x[x.size() - 2], "the last dim", "square matrices")))
    return failure();
  ctx.set(0, x.drop_back(2), ctx.element(0));
  return success();
}

LogicalResult DetOp::lower(LowerContext &ctx) {
  ArrayRef<AffineExpr> x = ctx.shape(0);
  Type element = ctx.element(0), f64 = ctx.b.getF64Type();
  AffineExpr count = ctx.cst(1), n = x[x.size() - 2];
  for (AffineExpr dim : x.drop_back(2))
    count = ctx.symbols.mul(count, dim);
  SymShape matrices = {count, n, n}, counts = {count};
  SmallVector<Value> sizes;
  for (AffineExpr dim : {count, n, n, count})
    if (!constantSize(dim))
      sizes.push_back(ctx.size(dim));
  Value wide =
      ctx.generic(matrices, f64, {ctx.reshape(ctx.operand(0), x, matrices)}, {ctx.b.getMultiDimIdentityMap(3)},
                  [&](ScalarBuilder &s, ValueRange in) { return s.cast(ctx.toCompute(s, in[0], element), f64, false, false); });
  auto op = EliminateOp::create(ctx.b, TypeRange{ctx.type(matrices, f64), ctx.type(counts, f64)}, wide, sizes);
  Value result = ctx.generic(counts, element, {op.getDeterminant()}, {ctx.b.getMultiDimIdentityMap(1)},
                             [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, in[0], element); });
  ctx.set(0, ctx.reshape(result, counts, ctx.resultShape()));
  return success();
}

//===-- eliminate -----------------------------------------------------------------------------------------------===//

AffineMap EliminateOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}

namespace {

// One matrix, reduced in place.
struct Elimination {
  const LoopBuilder &lb;
  ScalarBuilder s;
  Value matrix, tile, n;

  Value get(Value row, Value column) const { return lb.load(matrix, {tile, row, column}); }
  void put(Value v, Value row, Value column) const { lb.store(v, matrix, {tile, row, column}); }

  // The row from `step` on whose element of column `step` is the largest.
  Value pivot(Value step) {
    auto best = lb.loop(lb.add(step, lb.cst(1)), n, lb.cst(1), {s.abs(get(step, step)), step}, [&](Value row, ValueRange have) {
      Value size = s.abs(get(row, step)), larger = s.gt(size, have[0]);
      return LoopBuilder::Values{s.select(larger, size, have[0]), s.select(larger, row, have[1])};
    });
    return best[1];
  }
  void exchange(Value a, Value b) const {
    lb.loop(lb.cst(0), n, [&](Value column) {
      Value x = get(a, column), y = get(b, column);
      put(y, a, column);
      put(x, b, column);
    });
  }
  // Takes the multiple of row `step` from the rows below that makes their element of this column 0.
  void clear(Value step, Value diagonal) {
    lb.loop(lb.add(step, lb.cst(1)), n, [&](Value row) {
      Value factor = s.div(get(row, step), diagonal);
      lb.loop(step, n, [&](Value column) { put(s.sub(get(row, column), s.mul(factor, get(step, column))), row, column); });
    });
  }
  Value determinant() {
    Value one = s.cst(1, lb.b.getF64Type());
    auto product = lb.loop(lb.cst(0), n, lb.cst(1), {one}, [&](Value step, ValueRange have) {
      Value row = pivot(step);
      exchange(step, row);
      Value diagonal = get(step, step);
      // With 0 on the diagonal all of the column is 0, and so is the determinant.
      lb.when(s.noti(s.eq(diagonal, s.cst(0, diagonal))), [&] { clear(step, diagonal); });
      Value signedDiagonal = s.select(lb.eq(row, step), diagonal, s.neg(diagonal));
      return LoopBuilder::Values{s.mul(have[0], signedDiagonal)};
    });
    return product[0];
  }
};

} // namespace

LogicalResult EliminateOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value x = buffers[0], reduced = buffers[1], result = buffers[2], n = lb.dim(x, 1);
  lb.loop(begin, end, [&](Value tile) {
    lb.nest({n, n}, [&](llvm::ArrayRef<Value> at) { lb.store(lb.load(x, {tile, at[0], at[1]}), reduced, {tile, at[0], at[1]}); });
    Elimination elimination{lb, ScalarBuilder(b, getLoc()), reduced, tile, n};
    lb.store(elimination.determinant(), result, {tile});
  });
  return success();
}
