// Softmax and LogSoftmax: maximum, exponentials, sum, result.
#include "NormReductions.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/NormOps.h"

using namespace mlir;
using namespace laic;

namespace {

LogicalResult inferSoftmax(ShapeContext &ctx, int64_t axis) {
  if (failed(ctx.axis(axis, ctx.rank(0))))
    return failure();
  return ctx.same(0);
}

// Maxima along the axis, in the accumulator's type. NaN may be passed over: its exponential makes the whole row NaN.
Value maxima(LowerContext &ctx, AxisReduction &axes, Sized x, Type compute) {
  return axes.reduce(compute, -std::numeric_limits<double>::infinity(), x.value, {}, [&](ScalarBuilder &s, ValueRange in) {
    Value v = toAccumulator(ctx, s, in[0], x.element, compute);
    return s.select(s.gt(v, in[1]), v, in[1]);
  });
}

// The operator's function holds exponentials and their sum in the tensor's own type, and f16 results are compared with those: they are
// rounded to it where a sum of so many cannot overflow.
bool roundsSteps(Sized x, int64_t axis) {
  constexpr int64_t largestF16 = 65504;
  std::optional<int64_t> count = constantSize(x.shape[axis]);
  return x.element.isF16() && count && *count < largestF16;
}

} // namespace

LogicalResult SoftmaxOp::inferShapes(ShapeContext &ctx) { return inferSoftmax(ctx, getAxis()); }

LogicalResult SoftmaxOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Type compute = ctx.accumulator(x.element);
  int64_t axis = int64_t(getAxis()) < 0 ? getAxis() + int64_t(x.shape.size()) : getAxis();
  AxisReduction axes(ctx, x.shape, axis);
  Value largest = maxima(ctx, axes, x, compute);
  bool rounds = roundsSteps(x, axis);
  auto rounded = [&](ScalarBuilder &s, Value v) {
    return rounds ? ctx.toCompute(s, ctx.toStorage(s, v, x.element), x.element) : v;
  };
  Value powers =
      ctx.generic(x.shape, compute, {x.value, largest}, {axes.identity(), axes.keptMap()}, [&](ScalarBuilder &s, ValueRange in) {
        return rounded(s, s.exp(s.exactSub(toAccumulator(ctx, s, in[0], x.element, compute), in[1])));
      });
  Value sums = axes.reduce(compute, 0, powers, {}, [](ScalarBuilder &s, ValueRange in) { return s.add(in[1], in[0]); });
  ctx.set(
      0, ctx.generic(x.shape, x.element, {powers, sums}, {axes.identity(), axes.keptMap()}, [&](ScalarBuilder &s, ValueRange in) {
        // One division for a row: the product with it is within 1.5 units of f32.
        Value quotient =
            compute.isF32() && !rounds ? s.mul(in[0], s.div(s.cst(1.0, compute), in[1])) : s.div(in[0], rounded(s, in[1]));
        return ctx.toStorage(s, quotient, x.element);
      }));
  return success();
}

LogicalResult LogSoftmaxOp::inferShapes(ShapeContext &ctx) { return inferSoftmax(ctx, getAxis()); }

LogicalResult LogSoftmaxOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Type compute = ctx.accumulator(x.element);
  int64_t axis = int64_t(getAxis()) < 0 ? getAxis() + int64_t(x.shape.size()) : getAxis();
  AxisReduction axes(ctx, x.shape, axis);
  Value largest = maxima(ctx, axes, x, compute);
  Value sums = axes.reduce(compute, 0, x.value, largest, [&](ScalarBuilder &s, ValueRange in) {
    return s.add(in[2], s.exp(s.exactSub(toAccumulator(ctx, s, in[0], x.element, compute), in[1])));
  });
  ctx.set(0, ctx.generic(x.shape, x.element, {x.value, largest, sums}, {axes.identity(), axes.keptMap(), axes.keptMap()},
                         [&](ScalarBuilder &s, ValueRange in) {
                           Value v = s.exactSub(toAccumulator(ctx, s, in[0], x.element, compute), in[1]);
                           return ctx.toStorage(s, s.sub(v, s.log(in[2])), x.element);
                         }));
  return success();
}
