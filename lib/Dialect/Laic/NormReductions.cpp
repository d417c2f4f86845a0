// Statistics over axes of a tensor.
#include "NormReductions.h"

using namespace mlir;
using namespace laic;

AxisReduction::AxisReduction(LowerContext &ctx, ArrayRef<AffineExpr> shape, ArrayRef<int64_t> axes)
    : ctx(ctx), full(shape), reduced(shape.size(), false) {
  for (int64_t axis : axes)
    reduced[axis] = true;
  AffineExpr elements = ctx.cst(1);
  for (auto [dim, isReduced] : llvm::zip_equal(shape, reduced)) {
    if (isReduced)
      elements = ctx.symbols.mul(elements, dim);
    else
      kept.push_back(dim);
  }
  count = constantSize(elements);
  if (!count)
    countValue = ctx.size(elements);
}

AffineMap AxisReduction::identity() const { return AffineMap::getMultiDimIdentityMap(full.size(), ctx.b.getContext()); }

AffineMap AxisReduction::keptMap() const {
  SmallVector<AffineExpr> indices;
  for (auto [i, isReduced] : llvm::enumerate(reduced))
    if (!isReduced)
      indices.push_back(getAffineDimExpr(i, ctx.b.getContext()));
  return AffineMap::get(full.size(), 0, indices, ctx.b.getContext());
}

Value AxisReduction::reduce(Type accumulator, double init, Value x, ValueRange others, LowerContext::Body body) {
  MLIRContext *mlir = ctx.b.getContext();
  // Loops: kept dims in order, then reduced dims in order.
  SmallVector<AffineExpr> indices;
  unsigned nextKept = 0, nextReduced = kept.size();
  for (bool isReduced : reduced)
    indices.push_back(getAffineDimExpr(isReduced ? nextReduced++ : nextKept++, mlir));
  SmallVector<AffineMap> maps = {AffineMap::get(full.size(), 0, indices, mlir)};
  SmallVector<AffineExpr> keptDims;
  for (size_t d = 0; d < kept.size(); ++d)
    keptDims.push_back(getAffineDimExpr(d, mlir));
  SmallVector<Value> inputs = {x};
  for (Value other : others) {
    inputs.push_back(other);
    maps.push_back(AffineMap::get(full.size(), 0, keptDims, mlir)); // also where nothing is kept: () -> ()
  }
  return ctx.reduce(kept, accumulator, init, full.size() - kept.size(), inputs, maps, body);
}

Value AxisReduction::mean(ScalarBuilder &s, Value sum) {
  if (count)
    return s.div(sum, s.cst(*count, sum));
  Value wide = arith::IndexCastOp::create(s.b, s.loc, s.b.getI64Type(), countValue);
  return s.div(sum, arith::SIToFPOp::create(s.b, s.loc, sum.getType(), wide));
}

Value AxisReduction::mapKept(Type element, ValueRange inputs, LowerContext::Body body) {
  SmallVector<AffineMap> maps(inputs.size(), AffineMap::getMultiDimIdentityMap(kept.size(), ctx.b.getContext()));
  return ctx.generic(kept, element, inputs, maps, body);
}

Moments laic::moments(LowerContext &ctx, AxisReduction &axes, Sized x, double epsilon) {
  Type compute = ctx.accumulator(x.element);
  Value sum = axes.reduce(compute, 0, x.value, {}, [&](ScalarBuilder &s, ValueRange in) {
    return s.add(in[1], toAccumulator(ctx, s, in[0], x.element, compute));
  });
  Value mean = axes.mapKept(compute, sum, [&](ScalarBuilder &s, ValueRange in) { return axes.mean(s, in[0]); });
  Value squares = axes.reduce(compute, 0, x.value, mean, [&](ScalarBuilder &s, ValueRange in) {
    Value centred = s.sub(toAccumulator(ctx, s, in[0], x.element, compute), in[1]);
    return s.add(in[2], s.mul(centred, centred));
  });
  Value inverse = axes.mapKept(compute, squares, [&](ScalarBuilder &s, ValueRange in) {
    Value variance = axes.mean(s, in[0]);
    return s.rsqrt(s.add(variance, s.cst(epsilon, variance)));
  });
  return {mean, inverse};
}
