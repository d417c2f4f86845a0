// RoiAlign, MaxRoiPool: onto structured operations over regions.
#include "Sampler.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/DetectionOps.h"

using namespace mlir;
using namespace laic;

namespace {

LogicalResult expectPositive(ShapeContext &ctx, int64_t value, StringRef name) {
  return value >= 1 ? success() : ctx.fail("expects attribute '" + name + "' to be at least 1, got " + Twine(value));
}

// Images [N, C, H, W] and regions [R, columns]; sets the result to [R, C, height, width].
LogicalResult inferRegions(ShapeContext &ctx, int64_t columns, int64_t height, int64_t width) {
  if (failed(expectRank(ctx, 0, 4, "the input")) || failed(expectRank(ctx, 1, 2, "the regions")) ||
      failed(expectSize(ctx, ctx.shape(1)[1], ctx.cst(columns), "dim 1 of the regions", "numbers of a region")))
    return failure();
  if (ctx.element(1) != ctx.element(0))
    return ctx.fail("expects regions of the input's element type");
  if (failed(expectElements(ctx, 0, 2)))
    return failure();
  ctx.set(0, {ctx.shape(1)[0], ctx.shape(0)[1], ctx.cst(height), ctx.cst(width)}, ctx.element(0));
  return success();
}

Value widen(LowerContext &ctx, unsigned i) {
  Type element = ctx.element(i), compute = ctx.accumulator(element);
  if (lowerElement(element) == compute)
    return ctx.operand(i);
  return ctx.generic(ctx.shape(i), compute, {ctx.operand(i)}, {ctx.b.getMultiDimIdentityMap(ctx.rank(i))},
                     [&](ScalarBuilder &s, ValueRange in) { return ctx.toCompute(s, in[0], element); });
}

Value narrow(LowerContext &ctx, Value y) {
  Type element = ctx.resultElement();
  if (lowerElement(element) == cast<RankedTensorType>(y.getType()).getElementType())
    return y;
  return ctx.generic(ctx.resultShape(), element, {y}, {ctx.b.getMultiDimIdentityMap(4)},
                     [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, in[0], element); });
}

SmallVector<Value> dynamicSizes(LowerContext &ctx) {
  SmallVector<Value> sizes;
  for (AffineExpr dim : ctx.resultShape())
    if (!constantSize(dim))
      sizes.push_back(ctx.size(dim));
  return sizes;
}

} // namespace

LogicalResult RoiAlignOp::inferShapes(ShapeContext &ctx) {
  if (getMode() != "avg" && getMode() != "max")
    return ctx.fail("expects mode 'avg' or 'max', got '" + getMode() + "'");
  StringRef coordinates = getCoordinateTransformationMode();
  if (coordinates != "half_pixel" && coordinates != "output_half_pixel")
    return ctx.fail("unknown coordinate_transformation_mode '" + coordinates + "'");
  if (failed(expectPositive(ctx, getOutputHeight(), "output_height")) ||
      failed(expectPositive(ctx, getOutputWidth(), "output_width")))
    return failure();
  if (int64_t(getSamplingRatio()) < 0)
    return ctx.fail("expects attribute 'sampling_ratio' to be at least 0, got " + Twine(int64_t(getSamplingRatio())));
  if (failed(inferRegions(ctx, 4, getOutputHeight(), getOutputWidth())))
    return failure();
  if (!ctx.element(2).isInteger(64))
    return ctx.fail("expects batch indices of type int64");
  return expectVector(ctx, 2, ctx.shape(1)[0], "the batch indices", "regions");
}

LogicalResult RoiAlignOp::lower(LowerContext &ctx) {
  Type compute = ctx.accumulator(ctx.element(0));
  double scale = getSpatialScale().convertToDouble();
  auto op = AlignRoisOp::create(ctx.b, ctx.type(ctx.resultShape(), compute), widen(ctx, 0), widen(ctx, 1), ctx.operand(2),
                                dynamicSizes(ctx), llvm::APFloat(scale), getSamplingRatio(),
                                getCoordinateTransformationMode() == "half_pixel", getMode() == "max");
  ctx.set(0, narrow(ctx, op.getY()));
  return success();
}

LogicalResult MaxRoiPoolOp::inferShapes(ShapeContext &ctx) {
  ArrayRef<int64_t> shape = getPooledShape();
  if (shape.size() != 2)
    return ctx.fail("expects attribute 'pooled_shape' to have 2 values, got " + Twine(shape.size()));
  if (failed(expectPositive(ctx, shape[0], "pooled_shape")) || failed(expectPositive(ctx, shape[1], "pooled_shape")))
    return failure();
  return inferRegions(ctx, 5, shape[0], shape[1]);
}

LogicalResult MaxRoiPoolOp::lower(LowerContext &ctx) {
  Type compute = ctx.accumulator(ctx.element(0));
  double scale = getSpatialScale().convertToDouble();
  auto op = PoolRoisOp::create(ctx.b, ctx.type(ctx.resultShape(), compute), widen(ctx, 0), widen(ctx, 1), dynamicSizes(ctx),
                               llvm::APFloat(scale));
  ctx.set(0, narrow(ctx, op.getY()));
  return success();
}
