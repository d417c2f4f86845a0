// MultiThreshold: a reduction that counts.
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/FinnOps.h"
#include "laic/Dialect/Laic/LowerContext.h"

using namespace mlir;
using namespace laic;

namespace {

// The dim that holds the channels.
int64_t channelDim(llvm::StringRef layout, int64_t rank) {
  return layout.ends_with("C") ? rank - 1 : std::min<int64_t>(rank - 1, 1);
}

LogicalResult inferThreshold(ShapeContext &ctx, llvm::StringRef layout) {
  if (!llvm::is_contained({"NCHW", "NHWC", "NC", "NCW", "NWC"}, layout))
    return ctx.fail("unknown data_layout '" + layout + "'");
  if (failed(expectMinRank(ctx, 0, 1, "the input")) || failed(expectRank(ctx, 1, 2, "thresholds")))
    return failure();
  if (!isa<FloatType>(ctx.element(1)))
    return ctx.fail("expects thresholds of a float type");
  AffineExpr channels = ctx.shape(0)[channelDim(layout, ctx.rank(0))];
  if (failed(expectOneOr(ctx, ctx.shape(1)[0], channels, "dim 0 of thresholds", "channels")))
    return failure();
  ctx.set(0, ctx.shape(0), isa<FloatType>(ctx.element(0)) ? ctx.element(0) : ctx.element(1));
  return success();
}

template <typename Op> LogicalResult lowerThreshold(Op op, LowerContext &ctx) {
  MLIRContext *mlir = op.getContext();
  unsigned rank = ctx.rank(0);
  llvm::ArrayRef<AffineExpr> shape = ctx.resultShape();
  Type element = ctx.element(0), i32 = ctx.b.getI32Type(), to = ctx.resultElement();
  int64_t channel = channelDim(op.getDataLayout(), rank);
  bool wide = element.isF64() || ctx.element(1).isF64() || element.isInteger(32) || element.isInteger(64);
  Type compute = wide ? Type(ctx.b.getF64Type()) : Type(ctx.b.getF32Type());
  auto widen = [&](ScalarBuilder &s, Value v, Type type) {
    return s.cast(ctx.toCompute(s, v, type), compute, isUnsignedElement(type), false);
  };
  llvm::SmallVector<AffineExpr> kept;
  for (unsigned d = 0; d < rank; ++d)
    kept.push_back(getAffineDimExpr(d, mlir));
  Value thresholds = ctx.operand(1);
  SymShape from(ctx.shape(1)), full{shape[channel], from[1]};
  if (ctx.needsDynamicBroadcast(from, full)) {
    thresholds = ctx.dynamicBroadcast(thresholds, from, full);
    from = full;
  }
  AffineExpr row = constantSize(from[0]) == 1 ? getAffineConstantExpr(0, mlir) : kept[channel];
  AffineMap data = AffineMap::get(rank + 1, 0, kept, mlir);
  AffineMap steps = AffineMap::get(rank + 1, 0, {row, getAffineDimExpr(rank, mlir)}, mlir);
  Value count = ctx.reduce(shape, i32, 0, 1, {ctx.operand(0), thresholds}, {data, steps}, [&](ScalarBuilder &s, ValueRange in) {
    Value reached = s.le(widen(s, in[1], ctx.element(1)), widen(s, in[0], element));
    return s.add(in[2], s.select(reached, s.cst(1, i32), s.cst(0, i32)));
  });
  double scale = op.getOutScale().convertToDouble(), bias = op.getOutBias().convertToDouble();
  ctx.set(0, ctx.generic(shape, to, count, ctx.b.getMultiDimIdentityMap(rank), [&](ScalarBuilder &s, ValueRange in) {
    Value n = s.cast(in[0], ctx.computeElement(to), false, false);
    return ctx.toStorage(s, s.add(s.mul(n, s.cst(scale, n)), s.cst(bias, n)), to);
  }));
  return success();
}

} // namespace

LogicalResult MultiThresholdOp::inferShapes(ShapeContext &ctx) { return inferThreshold(ctx, getDataLayout()); }
LogicalResult MultiThresholdOp::lower(LowerContext &ctx) { return lowerThreshold(*this, ctx); }
LogicalResult FinnMultiThresholdOp::inferShapes(ShapeContext &ctx) { return inferThreshold(ctx, getDataLayout()); }
LogicalResult FinnMultiThresholdOp::lower(LowerContext &ctx) { return lowerThreshold(*this, ctx); }
