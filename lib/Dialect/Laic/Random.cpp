// RandomUniform, RandomNormal, their Like forms, Bernoulli, Multinomial, Dropout.
#include "DynamicSizes.h"
#include "IndexBuilder.h"
#include "Philox.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/RandomOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

namespace {

LogicalResult checkDtype(ShapeContext &ctx, Type element, bool floats) {
  if (element && element.isIntOrFloat() && (!floats || isa<FloatType>(element)))
    return success();
  return ctx.fail("has an unsupported 'dtype'");
}

// A tensor of the size in attribute `shape`.
LogicalResult inferShaped(ShapeContext &ctx, llvm::ArrayRef<int64_t> sizes, Type element) {
  if (failed(checkDtype(ctx, element, true)))
    return failure();
  SymShape shape;
  for (int64_t size : sizes) {
    if (size < 0)
      return ctx.fail("expects sizes >= 0 in 'shape', got " + Twine(size));
    shape.push_back(ctx.cst(size));
  }
  ctx.set(0, shape, element);
  return success();
}

// A tensor like operand 0, of `dtype` where that is given.
LogicalResult inferLike(ShapeContext &ctx, std::optional<int64_t> dtype, bool floats) {
  Type element = dtype ? onnxElementType(ctx.element(0).getContext(), *dtype) : ctx.element(0);
  if (failed(checkDtype(ctx, element, floats)))
    return failure();
  ctx.set(0, ctx.shape(0), element);
  return success();
}

// Random bits that a uniform number of the type has.
unsigned uniformBits(Type element) { return element.isF64() ? 53 : element.isF16() ? 11 : element.isBF16() ? 8 : 24; }

using Draw = llvm::function_ref<Value(ScalarBuilder &s, llvm::ArrayRef<Value> words, Type type)>;

// A tensor of independent numbers, each made of the four words at its position.
Value draw(LowerContext &ctx, llvm::ArrayRef<AffineExpr> shape, Type element, PhiloxKey key, Draw number) {
  llvm::SmallVector<Value> sizes;
  for (AffineExpr e : shape)
    sizes.push_back(ctx.size(e));
  return ctx.gather(shape, element, [&](ScalarBuilder &s, ValueRange at) {
    IndexBuilder ib(s.b, s.loc);
    Value flat = ib.cst(0);
    for (auto [size, i] : llvm::zip_equal(sizes, at))
      flat = ib.add(ib.mul(flat, size), i);
    std::array<Value, 4> words = philox(s, key, flat);
    return ctx.toStorage(s, number(s, words, ctx.computeElement(element)), element);
  });
}

template <typename Op> LogicalResult lowerUniform(Op op, LowerContext &ctx) {
  double low = op.getLow().convertToDouble(), high = op.getHigh().convertToDouble();
  Type element = ctx.resultElement();
  ctx.set(0, draw(ctx, ctx.resultShape(), element, philoxKey(op, op.getSeed()),
                  [&](ScalarBuilder &s, llvm::ArrayRef<Value> words, Type type) {
                    Value u = uniform(s, words, type, uniformBits(element));
                    return s.add(s.cst(low, type), s.mul(u, s.cst(high - low, type)));
                  }));
  return success();
}

template <typename Op> LogicalResult lowerNormal(Op op, LowerContext &ctx) {
  double mean = op.getMean().convertToDouble(), scale = op.getScale().convertToDouble();
  ctx.set(0, draw(ctx, ctx.resultShape(), ctx.resultElement(), philoxKey(op, op.getSeed()),
                  [&](ScalarBuilder &s, llvm::ArrayRef<Value> words, Type type) {
                    return s.add(s.cst(mean, type), s.mul(normal(s, words, type), s.cst(scale, type)));
                  }));
  return success();
}

} // namespace

// ---- RandomUniform, RandomNormal ----

LogicalResult RandomUniformOp::inferShapes(ShapeContext &ctx) {
  return inferShaped(ctx, getShape(), onnxElementType(getContext(), static_cast<int64_t>(getDtype())));
}
LogicalResult RandomUniformOp::lower(LowerContext &ctx) { return lowerUniform(*this, ctx); }
LogicalResult RandomUniformLikeOp::inferShapes(ShapeContext &ctx) { return inferLike(ctx, getDtype(), true); }
LogicalResult RandomUniformLikeOp::lower(LowerContext &ctx) { return lowerUniform(*this, ctx); }

LogicalResult RandomNormalOp::inferShapes(ShapeContext &ctx) {
  return inferShaped(ctx, getShape(), onnxElementType(getContext(), static_cast<int64_t>(getDtype())));
}
LogicalResult RandomNormalOp::lower(LowerContext &ctx) { return lowerNormal(*this, ctx); }
LogicalResult RandomNormalLikeOp::inferShapes(ShapeContext &ctx) { return inferLike(ctx, getDtype(), true); }
LogicalResult RandomNormalLikeOp::lower(LowerContext &ctx) { return lowerNormal(*this, ctx); }

// ---- Bernoulli ----

LogicalResult BernoulliOp::inferShapes(ShapeContext &ctx) { return inferLike(ctx, getDtype(), false); }

LogicalResult BernoulliOp::lower(LowerContext &ctx) {
  llvm::ArrayRef<AffineExpr> shape = ctx.resultShape();
  Type element = ctx.element(0), to = ctx.resultElement();
  Type compute = element.isF64() ? element : Type(ctx.b.getF32Type());
  Value u = draw(ctx, shape, compute, philoxKey(*this, getSeed()), [&](ScalarBuilder &s, llvm::ArrayRef<Value> words, Type type) {
    return uniform(s, words, type, uniformBits(compute));
  });
  AffineMap map = ctx.b.getMultiDimIdentityMap(shape.size());
  ctx.set(0, ctx.generic(shape, to, {u, ctx.operand(0)}, {map, map}, [&](ScalarBuilder &s, ValueRange in) {
    Value hit = s.lt(in[0], ctx.toCompute(s, in[1], element));
    return s.select(hit, s.cst(1, lowerElement(to)), s.cst(0, lowerElement(to)));
  }));
  return success();
}

// ---- Multinomial ----

LogicalResult MultinomialOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectRank(ctx, 0, 2, "the input")))
    return failure();
  Type element = onnxElementType(getContext(), static_cast<int64_t>(getDtype()));
  if (!element || !(element.isSignlessInteger(32) || element.isSignlessInteger(64)))
    return ctx.fail("expects a 'dtype' of int32 or int64");
  int64_t samples = static_cast<int64_t>(getSampleSize());
  if (samples < 0)
    return ctx.fail("expects a 'sample_size' >= 0, got " + Twine(samples));
  if (constantSize(ctx.shape(0)[1]) == 0)
    return ctx.fail("has no class to choose");
  ctx.set(0, {ctx.shape(0)[0], ctx.cst(samples)}, element);
  return success();
}

// Each row of the input holds logarithms of weights. A sample is the number of classes whose running sum of weights lies below a
// number that is uniform in [0, sum of all).
LogicalResult MultinomialOp::lower(LowerContext &ctx) {
  MLIRContext *mlir = getContext();
  Type element = ctx.element(0), compute = element.isF64() ? element : Type(ctx.b.getF32Type()), i64 = ctx.b.getI64Type();
  AffineExpr rows = ctx.shape(0)[0], classes = ctx.shape(0)[1], samples = ctx.resultShape()[1];
  AffineExpr d0 = getAffineDimExpr(0, mlir), d1 = getAffineDimExpr(1, mlir), d2 = getAffineDimExpr(2, mlir);
  AffineMap row = AffineMap::get(2, 0, {d0}, mlir), both = AffineMap::get(2, 0, {d0, d1}, mlir);
  auto wide = [&](ScalarBuilder &s, Value v) { return ctx.toCompute(s, v, element); };
  Value most = ctx.reduce({rows}, compute, -INFINITY, 1, ctx.operand(0), both,
                          [&](ScalarBuilder &s, ValueRange in) { return s.max(in[1], wide(s, in[0])); });
  Value weights = ctx.generic({rows, classes}, compute, {ctx.operand(0), most}, {both, row},
                              [&](ScalarBuilder &s, ValueRange in) { return s.exp(s.sub(wide(s, in[0]), in[1])); });
  SymShape around{rows, classes, ctx.cst(1)};
  auto scan = ScanOp::create(ctx.b, ctx.type(around, compute), ctx.reshape(weights, {rows, classes}, around),
                             dynamicSizes(ctx, around), /*exclusive=*/false, /*reverse=*/false, /*product=*/false);
  Value sums = ctx.reshape(scan.getY(), around, {rows, classes});
  Value total =
      ctx.reduce({rows}, compute, 0, 1, sums, both, [&](ScalarBuilder &s, ValueRange in) { return s.max(in[1], in[0]); });
  Value u = draw(
      ctx, ctx.resultShape(), compute, philoxKey(*this, getSeed()),
      [&](ScalarBuilder &s, llvm::ArrayRef<Value> words, Type type) { return uniform(s, words, type, uniformBits(compute)); });
  AffineMap sumAt = AffineMap::get(3, 0, {d0, d2}, mlir), totalAt = AffineMap::get(3, 0, {d0}, mlir);
  AffineMap sampleAt = AffineMap::get(3, 0, {d0, d1}, mlir);
  Value below =
      ctx.reduce({rows, samples}, i64, 0, 1, {sums, u, total}, {sumAt, sampleAt, totalAt}, [&](ScalarBuilder &s, ValueRange in) {
        Value passed = s.le(in[0], s.mul(in[1], in[2]));
        return s.add(in[3], s.select(passed, s.cst(1, i64), s.cst(0, i64)));
      });
  // Rounding may bring the number up to the sum of all.
  Value last = ctx.size(classes - 1);
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), below, both, [&](ScalarBuilder &s, ValueRange in) {
    IndexBuilder ib(s.b, s.loc);
    return s.cast(s.min(in[0], ib.toInt(last, i64)), ctx.resultElement(), false, false);
  }));
  return success();
}

// ---- Dropout ----

namespace {

// What is known of `training_mode`; nullopt: it comes with the call.
std::optional<bool> isTraining(const ValueFacts &facts) {
  if (!facts.element)
    return false;
  if (!facts.ints || facts.ints->empty())
    return std::nullopt;
  auto value = constantSize(facts.ints->front());
  return value ? std::optional<bool>(*value != 0) : std::nullopt;
}

bool isZeroRatio(const ValueFacts &facts) {
  return facts.element && facts.floats && !facts.floats->empty() && facts.floats->front() == 0;
}

constexpr double kDefaultRatio = 0.5;

} // namespace

LogicalResult DropoutOp::inferShapes(ShapeContext &ctx) {
  for (unsigned i = 1; i < 3; ++i)
    if (ctx.has(i) && llvm::any_of(ctx.shape(i), [](AffineExpr dim) { return constantSize(dim) != 1; }))
      return ctx.fail("expects 'ratio' and 'training_mode' to be scalars");
  bool inference = !ctx.has(2) || isTraining(ctx.facts(2)) == false || (ctx.has(1) && isZeroRatio(ctx.facts(1)));
  ctx.set(1, ctx.shape(0), IntegerType::get(getContext(), 1));
  return ctx.same(0, /*contents=*/inference);
}

LogicalResult DropoutOp::lower(LowerContext &ctx) {
  std::optional<bool> training = ctx.has(2) ? isTraining(ctx.facts(2)) : std::optional<bool>(false);
  if (training == false || (ctx.has(1) && isZeroRatio(ctx.facts(1)))) {
    ctx.set(0, ctx.operand(0));
    ctx.set(1, ctx.filled(ctx.resultShape(1), ctx.resultElement(1), 1));
    return success();
  }
  llvm::ArrayRef<AffineExpr> shape = ctx.resultShape();
  Type element = ctx.element(0), f64 = ctx.b.getF64Type(), flag = ctx.b.getI1Type();
  SymShape flat{ctx.cst(1)};
  for (AffineExpr dim : shape)
    flat[0] = ctx.symbols.mul(flat[0], dim);
  int64_t seed = getSeed().value_or(0);
  auto numbers = MersenneUniformOp::create(ctx.b, ctx.type(flat, f64), dynamicSizes(ctx, flat), seed);
  Value u = ctx.reshape(numbers.getNumbers(), flat, shape);

  AffineMap identity = ctx.b.getMultiDimIdentityMap(shape.size());
  llvm::SmallVector<Value> scalars;
  llvm::SmallVector<AffineMap> scalarMaps;
  for (unsigned i = 1; i < 3; ++i) {
    if (!ctx.has(i))
      continue;
    scalars.push_back(ctx.operand(i));
    llvm::SmallVector<AffineExpr> zeros(ctx.rank(i), ctx.b.getAffineConstantExpr(0));
    scalarMaps.push_back(AffineMap::get(shape.size(), 0, zeros, getContext()));
  }
  // The ratio that is in force: 0, which keeps everything, outside of training.
  auto ratio = [&](ScalarBuilder &s, ValueRange in) -> Value {
    Value given =
        ctx.has(1) ? s.cast(ctx.toCompute(s, in.front(), ctx.element(1)), f64, false, false) : s.cst(kDefaultRatio, f64);
    return s.select(s.cast(in.back(), flag, true, false), given, s.cst(0, f64));
  };
  llvm::SmallVector<Value> inputs{u};
  llvm::append_range(inputs, scalars);
  llvm::SmallVector<AffineMap> maps{identity};
  llvm::append_range(maps, scalarMaps);
  Value mask = ctx.generic(shape, flag, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    return ctx.toStorage(s, s.le(ratio(s, in.drop_front()), in[0]), flag);
  });
  inputs[0] = mask;
  inputs.insert(inputs.begin(), ctx.operand(0));
  maps.insert(maps.begin(), identity);
  ctx.set(0, ctx.generic(shape, element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value x = ctx.toCompute(s, in[0], element);
    Value scale = s.div(s.cst(1, f64), s.sub(s.cst(1, f64), ratio(s, in.drop_front(2))));
    Value kept = s.mul(x, s.cast(scale, x.getType(), false, false));
    return ctx.toStorage(s, s.select(s.cast(in[1], flag, true, false), kept, s.cst(0, x)), element);
  }));
  ctx.set(1, mask);
  return success();
}
