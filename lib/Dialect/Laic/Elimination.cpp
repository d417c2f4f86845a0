// Det and Inverse: Gaussian elimination in f64.
#include "DynamicSizes.h"
#include "LoopBuilder.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/EliminationOps.h"

using namespace mlir;
using namespace laic;

namespace {

LogicalResult expectSquareMatrices(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 2, "the input")))
    return failure();
  ArrayRef<AffineExpr> x = ctx.shape(0);
  return expectSize(ctx, x.back(), x[x.size() - 2], "the last dim", "square matrices");
}

// Operand 0 in f64 as a list of matrices.
struct Matrices {
  Value values;
  SymShape shape; // count, n, n

  explicit Matrices(LowerContext &ctx) {
    ArrayRef<AffineExpr> x = ctx.shape(0);
    Type element = ctx.element(0), f64 = ctx.b.getF64Type();
    AffineExpr count = ctx.cst(1), n = x[x.size() - 2];
    for (AffineExpr dim : x.drop_back(2))
      count = ctx.symbols.mul(count, dim);
    shape = {count, n, n};
    values =
        ctx.generic(shape, f64, {ctx.reshape(ctx.operand(0), x, shape)}, {ctx.b.getMultiDimIdentityMap(3)},
                    [&](ScalarBuilder &s, ValueRange in) { return s.cast(ctx.toCompute(s, in[0], element), f64, false, false); });
  }
};

// f64 values of this shape as result 0.
void setFromWide(LowerContext &ctx, Value wide, ArrayRef<AffineExpr> shape) {
  Type element = ctx.element(0);
  Value result = ctx.generic(shape, element, {wide}, {ctx.b.getMultiDimIdentityMap(shape.size())},
                             [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, in[0], element); });
  ctx.set(0, ctx.reshape(result, shape, ctx.resultShape()));
}

} // namespace

LogicalResult DetOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectSquareMatrices(ctx)))
    return failure();
  ctx.set(0, ctx.shape(0).drop_back(2), ctx.element(0));
  return success();
}

LogicalResult DetOp::lower(LowerContext &ctx) {
  Matrices matrices(ctx);
  Type f64 = ctx.b.getF64Type();
  SymShape counts = {matrices.shape[0]};
  SymShape sizes(matrices.shape);
  sizes.push_back(counts[0]);
  auto op = EliminateOp::create(ctx.b, TypeRange{ctx.type(matrices.shape, f64), ctx.type(counts, f64)}, matrices.values,
                                dynamicSizes(ctx, sizes));
  setFromWide(ctx, op.getDeterminant(), counts);
  return success();
}

LogicalResult InverseOp::inferShapes(ShapeContext &ctx) { return failed(expectSquareMatrices(ctx)) ? failure() : ctx.same(0); }

LogicalResult InverseOp::lower(LowerContext &ctx) {
  Matrices matrices(ctx);
  Type type = ctx.type(matrices.shape, ctx.b.getF64Type());
  SymShape sizes(matrices.shape);
  sizes.append(matrices.shape);
  auto op = InvertOp::create(ctx.b, TypeRange{type, type}, matrices.values, dynamicSizes(ctx, sizes));
  setFromWide(ctx, op.getInverse(), matrices.shape);
  return success();
}

//===-- eliminate -----------------------------------------------------------------------------------------------===//

AffineMap EliminateOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}
AffineMap InvertOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}

namespace {

// One of [count, n, n] matrices.
struct Matrix {
  const LoopBuilder &lb;
  Value buffer, tile;

  Value get(Value row, Value column) const { return lb.load(buffer, {tile, row, column}); }
  void put(Value v, Value row, Value column) const { lb.store(v, buffer, {tile, row, column}); }
  Value size() const { return lb.dim(buffer, 1); }
  void fill(llvm::function_ref<Value(Value row, Value column)> element) const {
    lb.nest({size(), size()}, [&](llvm::ArrayRef<Value> at) { put(element(at[0], at[1]), at[0], at[1]); });
  }
  void exchange(Value a, Value b) const {
    lb.loop(lb.cst(0), size(), [&](Value column) {
      Value x = get(a, column), y = get(b, column);
      put(y, a, column);
      put(x, b, column);
    });
  }
  // row -= factor * other, from this column on.
  void subtract(ScalarBuilder &s, Value factor, Value other, Value row, Value from) const {
    lb.loop(from, size(), [&](Value column) { put(s.sub(get(row, column), s.mul(factor, get(other, column))), row, column); });
  }
};

// The row from `step` on whose element of column `step` is the largest.
Value findPivot(ScalarBuilder &s, const Matrix &m, Value step) {
  const LoopBuilder &lb = m.lb;
  auto best =
      lb.loop(lb.add(step, lb.cst(1)), m.size(), lb.cst(1), {s.abs(m.get(step, step)), step}, [&](Value row, ValueRange have) {
        Value size = s.abs(m.get(row, step)), larger = s.gt(size, have[0]);
        return LoopBuilder::Values{s.select(larger, size, have[0]), s.select(larger, row, have[1])};
      });
  return best[1];
}

// Reduces the matrix to rows whose elements left of the diagonal are 0.
Value determinant(ScalarBuilder &s, const Matrix &m) {
  const LoopBuilder &lb = m.lb;
  Value one = s.cst(1, lb.b.getF64Type());
  auto product = lb.loop(lb.cst(0), m.size(), lb.cst(1), {one}, [&](Value step, ValueRange have) {
    Value row = findPivot(s, m, step);
    m.exchange(step, row);
    Value diagonal = m.get(step, step);
    // With 0 on the diagonal all of the column is 0, and so is the determinant.
    lb.when(s.noti(s.eq(diagonal, s.cst(0, diagonal))), [&] {
      lb.loop(lb.add(step, lb.cst(1)), m.size(),
              [&](Value below) { m.subtract(s, s.div(m.get(below, step), diagonal), step, below, step); });
    });
    Value signedDiagonal = s.select(lb.eq(row, step), diagonal, s.neg(diagonal));
    return LoopBuilder::Values{s.mul(have[0], signedDiagonal)};
  });
  return product[0];
}

// Makes the unit matrix of `m`, and what `inverse` was (the unit matrix) the inverse.
void invert(ScalarBuilder &s, const Matrix &m, const Matrix &inverse) {
  const LoopBuilder &lb = m.lb;
  Value zero = lb.cst(0);
  lb.loop(zero, m.size(), [&](Value step) {
    Value row = findPivot(s, m, step);
    for (const Matrix *side : {&m, &inverse})
      side->exchange(step, row);
    Value diagonal = m.get(step, step);
    for (const Matrix *side : {&m, &inverse})
      lb.loop(zero, m.size(), [&](Value column) { side->put(s.div(side->get(step, column), diagonal), step, column); });
    lb.loop(zero, m.size(), [&](Value other) {
      lb.when(s.noti(lb.eq(other, step)), [&] {
        Value factor = m.get(other, step);
        m.subtract(s, factor, step, other, step);
        inverse.subtract(s, factor, step, other, zero);
      });
    });
  });
}

} // namespace

LogicalResult EliminateOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  ScalarBuilder s(b, getLoc());
  lb.loop(begin, end, [&](Value tile) {
    Matrix x{lb, buffers[0], tile}, reduced{lb, buffers[1], tile};
    reduced.fill([&](Value row, Value column) { return x.get(row, column); });
    lb.store(determinant(s, reduced), buffers[2], {tile});
  });
  return success();
}

LogicalResult InvertOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  ScalarBuilder s(b, getLoc());
  Type f64 = b.getF64Type();
  lb.loop(begin, end, [&](Value tile) {
    Matrix x{lb, buffers[0], tile}, reduced{lb, buffers[1], tile}, inverse{lb, buffers[2], tile};
    reduced.fill([&](Value row, Value column) { return x.get(row, column); });
    inverse.fill([&](Value row, Value column) { return s.select(lb.eq(row, column), s.cst(1, f64), s.cst(0, f64)); });
    invert(s, reduced, inverse);
  });
  return success();
}
