// MatMul, Gemm: inference and lowering to one contraction each.
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/LinearOps.h"

using namespace mlir;
using namespace laic;

LogicalResult laic::inferMatrixProduct(ShapeContext &ctx, unsigned ia, unsigned ib, Type element) {
  ArrayRef<AffineExpr> a = ctx.shape(ia), b = ctx.shape(ib);
  if (a.empty() || b.empty())
    return ctx.fail("expects operands of at least one dim, got a scalar");
  unsigned row = b.size() == 1 ? 0 : b.size() - 2;
  if (failed(expectSize(ctx, b[row], a.back(), "dim " + Twine(row) + " of B", "last dim of A")))
    return failure();
  auto batch = [](ArrayRef<AffineExpr> shape) { return shape.drop_back(std::min<size_t>(2, shape.size())); };
  FailureOr<SymShape> common = ctx.broadcast(batch(a), batch(b));
  if (failed(common))
    return failure();
  ctx.set(0, matmulShape(a, b, *common), element);
  return success();
}

LogicalResult MatMulOp::inferShapes(ShapeContext &ctx) { return inferMatrixProduct(ctx, 0, 1, ctx.element(0)); }

LogicalResult MatMulOp::lower(LowerContext &ctx) {
  Type element = ctx.resultElement();
  Sized sums = matrixProduct(ctx, sizedOperand(ctx, 0), sizedOperand(ctx, 1), ctx.resultShape(), ctx.accumulator(element));
  ctx.set(0, finishSums(ctx, sums, std::nullopt, element));
  return success();
}

//===-- Gemm ----------------------------------------------------------------------------------------------------===//

LogicalResult laic::inferGemm(ShapeContext &ctx, GemmOperands operands, bool transA, bool transB, Type element) {
  if (failed(expectRank(ctx, operands.a, 2, "A")) || failed(expectRank(ctx, operands.b, 2, "B")))
    return failure();
  ArrayRef<AffineExpr> a = ctx.shape(operands.a), b = ctx.shape(operands.b);
  AffineExpr m = a[transA], k = a[!transA], n = b[!transB];
  if (failed(expectSize(ctx, b[transB], k, "dim " + Twine(int(transB)) + " of B", transA ? "dim 0 of A" : "dim 1 of A")))
    return failure();
  if (ctx.has(operands.c)) {
    SymShape result = {m, n};
    ArrayRef<AffineExpr> c = ctx.shape(operands.c);
    if (c.size() > 2)
      return ctx.fail("expects C to have at most 2 dims, got " + Twine(c.size()));
    for (unsigned i = 0; i < c.size(); ++i)
      if (failed(expectOneOr(ctx, c[i], result[2 - c.size() + i], "dim " + Twine(i) + " of C", "as the product")))
        return failure();
  }
  ctx.set(0, {m, n}, element);
  return success();
}

LogicalResult GemmOp::inferShapes(ShapeContext &ctx) {
  if (isa<IntegerType>(ctx.element(0)) && (!getAlpha().isInteger() || !getBeta().isInteger()))
    return ctx.fail("expects whole numbers for alpha and beta of an integer product");
  return inferGemm(ctx, {0, 1, 2}, getTransA(), getTransB(), ctx.element(0));
}

LogicalResult GemmOp::lower(LowerContext &ctx) {
  MLIRContext *mlir = getContext();
  Type element = ctx.resultElement(), accumulator = ctx.accumulator(element);
  ArrayRef<AffineExpr> shape = ctx.resultShape();
  AffineExpr m = getAffineDimExpr(0, mlir), n = getAffineDimExpr(1, mlir), k = getAffineDimExpr(2, mlir);
  AffineExpr a[] = {getTransA() ? k : m, getTransA() ? m : k}, b[] = {getTransB() ? n : k, getTransB() ? k : n};
  Value sums = ctx.reduce(shape, accumulator, 0, 1, {ctx.operand(0), ctx.operand(1)},
                          {AffineMap::get(3, 0, a, mlir), AffineMap::get(3, 0, b, mlir)}, [&](ScalarBuilder &s, ValueRange in) {
                            Value x = toAccumulator(ctx, s, in[0], element, accumulator);
                            Value y = toAccumulator(ctx, s, in[1], element, accumulator);
                            return s.add(in[2], s.mul(x, y));
                          });
  double alpha = getAlpha().convertToDouble(), beta = getBeta().convertToDouble();
  bool addC = ctx.has(2) && beta != 0;
  if (!addC && alpha == 1) {
    ctx.set(0, finishSums(ctx, {sums, SymShape(shape), accumulator}, std::nullopt, element));
    return success();
  }
  SmallVector<Value> inputs = {sums};
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(2, mlir)};
  if (addC) {
    bool dynamic = ctx.needsDynamicBroadcast(ctx.shape(2), shape);
    inputs.push_back(dynamic ? ctx.dynamicBroadcast(ctx.operand(2), ctx.shape(2), shape) : ctx.operand(2));
    maps.push_back(ctx.broadcastMap(dynamic ? shape : ctx.shape(2), shape));
  }
  ctx.set(0, ctx.generic(shape, element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value y = in[0];
    if (alpha != 1)
      y = s.mul(y, s.cst(alpha, y));
    if (addC) {
      Value c = toAccumulator(ctx, s, in[1], element, accumulator);
      y = s.add(y, beta == 1 ? c : s.mul(c, s.cst(beta, c)));
    }
    return ctx.toStorage(s, y, element);
  }));
  return success();
}
