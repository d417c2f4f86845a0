// Normalisations: inference and lowering to reductions and elementwise generics.
#include "NormReductions.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/NormOps.h"

using namespace mlir;
using namespace laic;

namespace {

// Indices of a per-channel vector in loops over [N, C, ...].
AffineMap channelMap(MLIRContext *mlir, unsigned rank) { return AffineMap::get(rank, 0, {getAffineDimExpr(1, mlir)}, mlir); }

SmallVector<int64_t> axesFrom(int64_t first, int64_t rank) { return llvm::to_vector(llvm::seq<int64_t>(first, rank)); }

LogicalResult inferChannelNorm(ShapeContext &ctx, ArrayRef<std::pair<unsigned, StringRef>> vectors) {
  if (failed(expectMinRank(ctx, 0, 2, "the input")))
    return failure();
  for (auto [operand, name] : vectors)
    if (failed(expectVector(ctx, operand, ctx.shape(0)[1], name, "channels")))
      return failure();
  return ctx.same(0);
}

// Operand i, with its map, for a computation over `shape` that broadcasts it.
std::pair<Value, AffineMap> broadcastOperand(LowerContext &ctx, unsigned i, ArrayRef<AffineExpr> shape) {
  if (ctx.needsDynamicBroadcast(ctx.shape(i), shape))
    return {ctx.dynamicBroadcast(ctx.operand(i), ctx.shape(i), shape), ctx.broadcastMap(shape, shape)};
  return {ctx.operand(i), ctx.broadcastMap(ctx.shape(i), shape)};
}

// Statistics of the kept dims, with 1 for the reduced ones.
Value keepDims(LowerContext &ctx, AxisReduction &axes, Value value, Type from, unsigned result) {
  Type to = ctx.resultElement(result);
  if (lowerElement(to) != from)
    value = axes.mapKept(to, value, [&](ScalarBuilder &s, ValueRange in) {
      Value v = in[0];
      if (from.getIntOrFloatBitWidth() > 32)
        v = s.cast(v, s.b.getF32Type(), false, false);
      return ctx.toStorage(s, v, to);
    });
  return ctx.reshape(value, axes.keptShape(), ctx.resultShape(result));
}

} // namespace

//===-- BatchNormalization --------------------------------------------------------------------------------------===//

LogicalResult BatchNormalizationOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 1, "the input")))
    return failure();
  AffineExpr channels = ctx.rank(0) > 1 ? ctx.shape(0)[1] : ctx.cst(1);
  static constexpr StringRef names[] = {"scale", "bias", "mean", "variance"};
  for (unsigned i = 1; i <= 4; ++i)
    if (failed(expectVector(ctx, i, channels, names[i - 1], "channels")))
      return failure();
  ctx.set(0, ctx.shape(0), ctx.element(0));
  for (unsigned i = 1; i < getNumResults(); ++i)
    ctx.set(i, {channels}, ctx.element(3));
  return success();
}

namespace {

// Mean and variance of each channel, as f64 for f64 and f32 otherwise.
struct ChannelStatistics {
  Value mean, variance;
  Type type;
};

// Those of the batch: over all dims but the channels'.
ChannelStatistics batchStatistics(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Type compute = ctx.accumulator(x.element);
  int64_t rank = x.shape.size();
  SmallVector<int64_t> axes = axesFrom(std::min<int64_t>(2, rank), rank);
  axes.insert(axes.begin(), 0);
  AxisReduction reduction(ctx, x.shape, axes);
  auto wide = [&](ScalarBuilder &s, Value v) { return toAccumulator(ctx, s, v, x.element, compute); };
  auto mean = [&](Value sum) {
    return reduction.mapKept(compute, sum, [&](ScalarBuilder &s, ValueRange in) { return reduction.mean(s, in[0]); });
  };
  Value sum =
      reduction.reduce(compute, 0, x.value, {}, [&](ScalarBuilder &s, ValueRange in) { return s.add(in[1], wide(s, in[0])); });
  Value centre = mean(sum);
  Value squares = reduction.reduce(compute, 0, x.value, centre, [&](ScalarBuilder &s, ValueRange in) {
    Value centred = s.sub(wide(s, in[0]), in[1]);
    return s.add(in[2], s.mul(centred, centred));
  });
  // x of rank 1 is one channel: what is left has no dim, the vectors have one of size 1.
  auto perChannel = [&](Value v) { return ctx.reshape(v, reduction.keptShape(), ctx.shape(3)); };
  return {perChannel(centre), perChannel(mean(squares)), compute};
}

// running * momentum + batch * (1 - momentum), of the running operand's type.
Value blend(LowerContext &ctx, unsigned running, Value batch, Type type, double momentum) {
  AffineMap identity = AffineMap::getMultiDimIdentityMap(1, ctx.b.getContext());
  Type element = ctx.element(running);
  return ctx.generic(ctx.shape(running), element, {ctx.operand(running), batch}, {identity, identity},
                     [&](ScalarBuilder &s, ValueRange in) {
                       Value old = toAccumulator(ctx, s, in[0], element, type);
                       Value y = s.add(s.mul(old, s.cst(momentum, old)), s.mul(in[1], s.cst(1 - momentum, old)));
                       return ctx.toStorage(s, y, element);
                     });
}

} // namespace

LogicalResult BatchNormalizationOp::lower(LowerContext &ctx) {
  MLIRContext *mlir = getContext();
  Type element = ctx.element(0), compute = ctx.accumulator(element);
  double epsilon = getEpsilon().convertToDouble(), momentum = getMomentum().convertToDouble();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(1, mlir);
  bool training = getTrainingMode() != 0;
  auto in32 = [&](ScalarBuilder &s, Value v, unsigned operand) {
    return toAccumulator(ctx, s, v, ctx.element(operand), compute);
  };
  Value mean = ctx.operand(3), variance = ctx.operand(4);
  if (training) {
    ChannelStatistics batch = batchStatistics(ctx);
    mean = batch.mean;
    variance = batch.variance;
  }
  auto statistic = [&](ScalarBuilder &s, Value v, unsigned operand) { return training ? v : in32(s, v, operand); };
  // y = x * factor + offset with factor = scale / sqrt(variance + epsilon), offset = bias - mean * factor.
  Value factor =
      ctx.generic(ctx.shape(1), compute, {ctx.operand(1), variance}, {identity, identity}, [&](ScalarBuilder &s, ValueRange in) {
        Value v = statistic(s, in[1], 4);
        Value deviation = s.sqrt(s.add(v, s.cst(epsilon, v)));
        return s.div(in32(s, in[0], 1), deviation);
      });
  Value offset = ctx.generic(
      ctx.shape(1), compute, {ctx.operand(2), mean, factor}, {identity, identity, identity},
      [&](ScalarBuilder &s, ValueRange in) { return s.sub(in32(s, in[0], 2), s.mul(statistic(s, in[1], 3), in[2])); });
  unsigned rank = ctx.rank(0);
  AffineExpr channel = rank > 1 ? getAffineDimExpr(1, mlir) : getAffineConstantExpr(0, mlir);
  AffineMap perChannel = AffineMap::get(rank, 0, {channel}, mlir);
  ctx.set(0, ctx.generic(ctx.resultShape(), element, {ctx.operand(0), factor, offset},
                         {AffineMap::getMultiDimIdentityMap(rank, mlir), perChannel, perChannel},
                         [&](ScalarBuilder &s, ValueRange in) {
                           return ctx.toStorage(s, s.add(s.mul(in32(s, in[0], 0), in[1]), in[2]), element);
                         }));
  ctx.set(1, training ? blend(ctx, 3, mean, compute, momentum) : ctx.operand(3));
  ctx.set(2, training ? blend(ctx, 4, variance, compute, momentum) : ctx.operand(4));
  return success();
}

//===-- InstanceNormalization, GroupNormalization ---------------------------------------------------------------===//

namespace {

// y = (x - mean) * inverse * scale[channel] + bias[channel]; `channel` maps the loops to the vectors' indices.
Value scaleByChannel(LowerContext &ctx, AxisReduction &axes, Sized x, Moments stats, Value scale, Value bias, AffineMap channel) {
  Type compute = ctx.accumulator(x.element);
  return ctx.generic(axes.shape(), x.element, {x.value, stats.mean, stats.inverse, scale, bias},
                     {axes.identity(), axes.keptMap(), axes.keptMap(), channel, channel}, [&](ScalarBuilder &s, ValueRange in) {
                       auto wide = [&](Value v) { return toAccumulator(ctx, s, v, x.element, compute); };
                       Value y = s.mul(s.sub(wide(in[0]), in[1]), in[2]);
                       return ctx.toStorage(s, s.add(s.mul(y, wide(in[3])), wide(in[4])), x.element);
                     });
}

} // namespace

LogicalResult InstanceNormalizationOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 3, "the input")))
    return failure();
  return inferChannelNorm(ctx, {{1, "scale"}, {2, "bias"}});
}

LogicalResult InstanceNormalizationOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  AxisReduction axes(ctx, x.shape, axesFrom(2, x.shape.size()));
  Moments stats = moments(ctx, axes, x, getEpsilon().convertToDouble());
  ctx.set(0, scaleByChannel(ctx, axes, x, stats, ctx.operand(1), ctx.operand(2), channelMap(getContext(), x.shape.size())));
  return success();
}

LogicalResult GroupNormalizationOp::inferShapes(ShapeContext &ctx) {
  int64_t groups = getNumGroups();
  if (failed(inferChannelNorm(ctx, {{1, "scale"}, {2, "bias"}})))
    return failure();
  std::optional<int64_t> channels = constantSize(ctx.shape(0)[1]);
  std::string what = ("channels to be a multiple of num_groups " + Twine(groups)).str();
  if (groups < 1)
    return ctx.fail("expects " + what);
  return ctx.multiple(ctx.shape(0)[1], groups, "expects " + what, "expects " + what + ", got " + Twine(channels.value_or(0)));
}

LogicalResult GroupNormalizationOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  AffineExpr groups = ctx.cst(getNumGroups()), perGroup = ctx.symbols.floorDiv(x.shape[1], groups);
  SymShape split = {x.shape[0], groups, perGroup}, vector = {groups, perGroup};
  llvm::append_range(split, ArrayRef(x.shape).drop_front(2));
  Sized grouped = {ctx.reshape(x.value, x.shape, split), split, x.element};
  AxisReduction axes(ctx, split, axesFrom(2, split.size()));
  Moments stats = moments(ctx, axes, grouped, getEpsilon().convertToDouble());
  MLIRContext *mlir = getContext();
  AffineMap channel = AffineMap::get(split.size(), 0, {getAffineDimExpr(1, mlir), getAffineDimExpr(2, mlir)}, mlir);
  Value y = scaleByChannel(ctx, axes, grouped, stats, ctx.reshape(ctx.operand(1), ctx.shape(1), vector),
                           ctx.reshape(ctx.operand(2), ctx.shape(2), vector), channel);
  ctx.set(0, ctx.reshape(y, split, ctx.resultShape()));
  return success();
}

//===-- LayerNormalization, RMSNormalization --------------------------------------------------------------------===//

namespace {

// Operands that broadcast to the input's shape without enlarging it.
LogicalResult expectBroadcast(ShapeContext &ctx, unsigned i, StringRef name) {
  ArrayRef<AffineExpr> x = ctx.shape(0), own = ctx.shape(i);
  if (own.size() > x.size())
    return ctx.fail("expects " + name + " to have at most " + Twine(x.size()) + " dims, got " + Twine(own.size()));
  for (unsigned d = 0; d < own.size(); ++d)
    if (failed(expectOneOr(ctx, own[d], x[x.size() - own.size() + d], "dim " + Twine(d) + " of " + name, "as the input")))
      return failure();
  return success();
}

} // namespace

LogicalResult LayerNormalizationOp::inferShapes(ShapeContext &ctx) {
  FailureOr<int64_t> axis = ctx.axis(getAxis(), ctx.rank(0));
  if (failed(axis) || failed(expectBroadcast(ctx, 1, "scale")) || (ctx.has(2) && failed(expectBroadcast(ctx, 2, "bias"))))
    return failure();
  SymShape stats(ctx.shape(0).take_front(*axis));
  stats.resize(ctx.rank(0), ctx.cst(1));
  Type statsElement = getStashType() == 16 ? Type(BFloat16Type::get(getContext())) : Float32Type::get(getContext());
  ctx.set(0, ctx.shape(0), ctx.element(0));
  for (unsigned i = 1; i < getNumResults(); ++i)
    ctx.set(i, stats, statsElement);
  return success();
}

LogicalResult LayerNormalizationOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Type compute = ctx.accumulator(x.element);
  int64_t rank = x.shape.size(), axis = int64_t(getAxis()) < 0 ? getAxis() + rank : getAxis();
  AxisReduction axes(ctx, x.shape, axesFrom(axis, rank));
  Moments stats = moments(ctx, axes, x, getEpsilon().convertToDouble());
  SmallVector<Value> inputs = {x.value, stats.mean, stats.inverse};
  SmallVector<AffineMap> maps = {axes.identity(), axes.keptMap(), axes.keptMap()};
  for (unsigned i = 1; i <= 2 && ctx.has(i); ++i) {
    auto [value, map] = broadcastOperand(ctx, i, x.shape);
    inputs.push_back(value);
    maps.push_back(map);
  }
  ctx.set(0, ctx.generic(x.shape, x.element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value y = s.mul(s.sub(toAccumulator(ctx, s, in[0], x.element, compute), in[1]), in[2]);
    y = s.mul(y, toAccumulator(ctx, s, in[3], x.element, compute));
    if (in.size() > 4)
      y = s.add(y, toAccumulator(ctx, s, in[4], x.element, compute));
    return ctx.toStorage(s, y, x.element);
  }));
  ctx.set(1, keepDims(ctx, axes, stats.mean, compute, 1));
  ctx.set(2, keepDims(ctx, axes, stats.inverse, compute, 2));
  return success();
}

LogicalResult RMSNormalizationOp::inferShapes(ShapeContext &ctx) {
  if (failed(ctx.axis(getAxis(), ctx.rank(0))) || failed(expectBroadcast(ctx, 1, "scale")))
    return failure();
  ctx.set(0, ctx.shape(0), ctx.element(1));
  return success();
}

LogicalResult RMSNormalizationOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Type compute = ctx.accumulator(x.element), result = ctx.resultElement();
  double epsilon = getEpsilon().convertToDouble();
  int64_t rank = x.shape.size(), axis = int64_t(getAxis()) < 0 ? getAxis() + rank : getAxis();
  AxisReduction axes(ctx, x.shape, axesFrom(axis, rank));
  Value squares = axes.reduce(compute, 0, x.value, {}, [&](ScalarBuilder &s, ValueRange in) {
    Value v = toAccumulator(ctx, s, in[0], x.element, compute);
    return s.add(in[1], s.mul(v, v));
  });
  Value inverse = axes.mapKept(compute, squares, [&](ScalarBuilder &s, ValueRange in) {
    Value mean = axes.mean(s, in[0]);
    return s.rsqrt(s.add(mean, s.cst(epsilon, mean)));
  });
  auto [scale, scaleMap] = broadcastOperand(ctx, 1, x.shape);
  ctx.set(0, ctx.generic(x.shape, result, {x.value, inverse, scale}, {axes.identity(), axes.keptMap(), scaleMap},
                         [&](ScalarBuilder &s, ValueRange in) {
                           Value y = s.mul(toAccumulator(ctx, s, in[0], x.element, compute), in[1]);
                           y = s.mul(y, toAccumulator(ctx, s, in[2], ctx.element(1), compute));
                           if (isa<FloatType>(result) && result.getIntOrFloatBitWidth() == 64 && !y.getType().isF64())
                             y = s.cast(y, s.b.getF64Type(), false, false);
                           return ctx.toStorage(s, y, result);
                         }));
  return success();
}

//===-- LRN, LpNormalization, MeanVarianceNormalization ---------------------------------------------------------===//

LogicalResult LRNOp::inferShapes(ShapeContext &ctx) {
  if (getSize() < 1)
    return ctx.fail("expects attribute 'size' to be at least 1, got " + Twine(getSize()));
  return inferChannelNorm(ctx, {});
}

LogicalResult LRNOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  MLIRContext *mlir = getContext();
  Type compute = ctx.accumulator(x.element);
  int64_t size = getSize(), rank = x.shape.size();
  SymShape low(rank, ctx.cst(0)), high = low, padded(x.shape);
  low[1] = ctx.cst((size - 1) / 2);
  high[1] = ctx.cst(size / 2);
  padded[1] = canonicalSize(x.shape[1] + (size - 1));
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(x.element)));
  Value wide = size > 1 ? ctx.pad(x.value, low, high, padded, zero) : x.value;
  SmallVector<AffineExpr> indices;
  for (int64_t i = 0; i < rank; ++i)
    indices.push_back(getAffineDimExpr(i, mlir));
  indices[1] = indices[1] + getAffineDimExpr(rank, mlir);
  AffineMap maps[] = {AffineMap::get(rank + 1, 0, indices, mlir),
                      AffineMap::get(rank + 1, 0, {getAffineDimExpr(rank, mlir)}, mlir)};
  Value window = ctx.empty({ctx.cst(size)}, ctx.b.getF32Type());
  Value squares = ctx.reduce(x.shape, compute, 0, 1, {wide, window}, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value v = toAccumulator(ctx, s, in[0], x.element, compute);
    return s.add(in[2], s.mul(v, v));
  });
  double alpha = getAlpha().convertToDouble() / size, beta = getBeta().convertToDouble();
  double bias = getBias().convertToDouble();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, mlir);
  ctx.set(0, ctx.generic(x.shape, x.element, {x.value, squares}, {identity, identity}, [&](ScalarBuilder &s, ValueRange in) {
    Value v = toAccumulator(ctx, s, in[0], x.element, compute);
    Value base = s.add(s.mul(in[1], s.cst(alpha, in[1])), s.cst(bias, in[1]));
    return ctx.toStorage(s, s.mul(v, s.pow(base, s.cst(-beta, base))), x.element);
  }));
  return success();
}

LogicalResult LpNormalizationOp::inferShapes(ShapeContext &ctx) {
  if (getP() != 1 && getP() != 2)
    return ctx.fail("expects attribute 'p' to be 1 or 2, got " + Twine(getP()));
  if (failed(ctx.axis(getAxis(), ctx.rank(0))))
    return failure();
  return ctx.same(0);
}

LogicalResult LpNormalizationOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Type compute = ctx.accumulator(x.element);
  int64_t rank = x.shape.size(), axis = int64_t(getAxis()) < 0 ? getAxis() + rank : getAxis();
  AxisReduction axes(ctx, x.shape, axis);
  bool euclidean = getP() == 2;
  Value sums = axes.reduce(compute, 0, x.value, {}, [&](ScalarBuilder &s, ValueRange in) {
    Value v = toAccumulator(ctx, s, in[0], x.element, compute);
    return s.add(in[1], euclidean ? s.mul(v, v) : s.abs(v));
  });
  ctx.set(0, ctx.generic(x.shape, x.element, {x.value, sums}, {axes.identity(), axes.keptMap()},
                         [&](ScalarBuilder &s, ValueRange in) {
                           Value v = toAccumulator(ctx, s, in[0], x.element, compute);
                           Value norm = euclidean ? s.sqrt(in[1]) : in[1], zero = s.cst(0, norm);
                           return ctx.toStorage(s, s.select(s.eq(norm, zero), zero, s.div(v, norm)), x.element);
                         }));
  return success();
}

// The default axes of the operator are 0, 2, 3.
static FailureOr<SmallVector<int64_t>> varianceAxes(std::optional<ArrayRef<int64_t>> axes, int64_t rank) {
  static constexpr int64_t defaults[] = {0, 2, 3};
  SmallVector<int64_t> result;
  for (int64_t axis : axes ? *axes : ArrayRef<int64_t>(defaults)) {
    int64_t positive = axis < 0 ? axis + rank : axis;
    if (positive < 0 || positive >= rank)
      return failure();
    result.push_back(positive);
  }
  return result;
}

LogicalResult MeanVarianceNormalizationOp::inferShapes(ShapeContext &ctx) {
  if (failed(varianceAxes(getAxes(), ctx.rank(0))))
    return ctx.fail("expects attribute 'axes' to lie within rank " + Twine(ctx.rank(0)));
  return ctx.same(0);
}

LogicalResult MeanVarianceNormalizationOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Type compute = ctx.accumulator(x.element);
  FailureOr<SmallVector<int64_t>> list = varianceAxes(getAxes(), x.shape.size());
  if (failed(list))
    return failure();
  AxisReduction axes(ctx, x.shape, *list);
  // The operator's function adds 1e-9 to the deviation; the square of it here keeps constant inputs at 0.
  Moments stats = moments(ctx, axes, x, 1e-18);
  ctx.set(0, ctx.generic(x.shape, x.element, {x.value, stats.mean, stats.inverse},
                         {axes.identity(), axes.keptMap(), axes.keptMap()}, [&](ScalarBuilder &s, ValueRange in) {
                           Value v = toAccumulator(ctx, s, in[0], x.element, compute);
                           return ctx.toStorage(s, s.mul(s.sub(v, in[1]), in[2]), x.element);
                         }));
  return success();
}
