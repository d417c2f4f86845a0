// ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, Normalizer, OneHotEncoder, Scaler.
#include "HostFunctions.h"
#include "IndexBuilder.h"
#include "ShapeChecks.h"
#include "WeightTensor.h"
#include "laic/Dialect/Laic/MlFeaturesOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

constexpr int32_t kBadIndex = 1; // LAIC_KERNEL_INDEX_OUT_OF_RANGE

// Maps a vector with a value for each feature, or one for all, to loops whose last dim is the features.
AffineMap featureMap(MLIRContext *mlir, unsigned rank, size_t values) {
  AffineExpr feature = values == 1 ? getAffineConstantExpr(0, mlir) : getAffineDimExpr(rank - 1, mlir);
  return AffineMap::get(rank, 0, {feature}, mlir);
}

LogicalResult expectPerFeature(ShapeContext &ctx, size_t values, llvm::StringRef what) {
  if (values == 1)
    return success();
  return expectSize(ctx, ctx.shape(0).back(), ctx.cst(values), "the last dim of the input", ("values in " + what).str());
}

// f64 operands are computed in f64, all others in f32.
Type computeType(LowerContext &ctx, unsigned i = 0) { return ctx.element(i).isF64() ? ctx.element(i) : Type(ctx.b.getF32Type()); }

Value numberTable(LowerContext &ctx, llvm::ArrayRef<float> values, Type type) {
  if (type.isF64())
    return weightTensor<double>(ctx, std::vector<double>(values.begin(), values.end()));
  return weightTensor<float>(ctx, values);
}

} // namespace

// ---- ArrayFeatureExtractor: columns of the last dim ----

LogicalResult ArrayFeatureExtractorOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 1, "the input")))
    return failure();
  if (!ctx.element(1).isSignlessInteger(64))
    return ctx.fail("expects indices of type int64");
  SymShape shape(ctx.shape(0).drop_back());
  if (shape.empty())
    shape.push_back(ctx.cst(1)); // a vector is one row
  shape.push_back(ctx.product(ctx.shape(1)));
  ctx.set(0, shape, ctx.element(0));
  return success();
}

LogicalResult ArrayFeatureExtractorOp::lower(LowerContext &ctx) {
  SymShape flat{ctx.resultShape().back()};
  Value indices = ctx.reshape(ctx.operand(1), ctx.shape(1), flat), bound = ctx.size(ctx.shape(0).back());
  ctx.set(0, ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) -> Value {
    IndexBuilder ib(s.b, s.loc);
    Value column = ib.checked(tensor::ExtractOp::create(s.b, s.loc, indices, ValueRange{at.back()}), bound);
    llvm::SmallVector<Value> from;
    if (ctx.rank(0) > 1)
      llvm::append_range(from, at.drop_back());
    from.push_back(column);
    return tensor::ExtractOp::create(s.b, s.loc, ctx.operand(0), from);
  }));
  return success();
}

// ---- Binarizer ----

LogicalResult BinarizerOp::inferShapes(ShapeContext &ctx) { return ctx.same(0); }

LogicalResult BinarizerOp::lower(LowerContext &ctx) {
  double threshold = getThreshold().convertToDouble();
  // An integer is above a number when it is above the integer below it.
  if (!isa<FloatType>(ctx.element(0)))
    threshold = std::floor(threshold);
  unsigned rank = ctx.rank(0);
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), ctx.operand(0), ctx.b.getMultiDimIdentityMap(rank),
                         [&](ScalarBuilder &s, ValueRange in) {
                           return s.select(s.gt(in[0], s.cst(threshold, in[0])), s.cst(1, in[0]), s.cst(0, in[0]));
                         }));
  return success();
}

// ---- FeatureVectorizer: columns of matrices side by side, each cut or filled up with zeros to its width ----

LogicalResult FeatureVectorizerOp::inferShapes(ShapeContext &ctx) {
  llvm::ArrayRef<int64_t> widths = getInputdimensions();
  if (ctx.operandCount() == 0 || widths.size() != ctx.operandCount())
    return ctx.fail("expects 'inputdimensions' to have a width for each of " + Twine(ctx.operandCount()) + " inputs");
  int64_t width = 0;
  for (unsigned i = 0; i < ctx.operandCount(); ++i) {
    if (ctx.rank(i) < 1 || ctx.rank(i) > 2)
      return ctx.fail("expects inputs of rank 1 or 2, got rank " + Twine(ctx.rank(i)));
    if (widths[i] < 0)
      return ctx.fail("expects widths >= 0 in 'inputdimensions', got " + Twine(widths[i]));
    if (failed(expectSize(ctx, ctx.shape(i)[0], ctx.shape(0)[0], "dim 0 of each input", "rows")))
      return failure();
    width += widths[i];
  }
  ctx.set(0, {ctx.shape(0)[0], ctx.cst(width)}, Float32Type::get(getContext()));
  return success();
}

LogicalResult FeatureVectorizerOp::lower(LowerContext &ctx) {
  llvm::SmallVector<Value> parts;
  for (auto [i, width] : llvm::enumerate(getInputdimensions())) {
    Type element = ctx.element(i);
    SymShape matrix{ctx.shape(i)[0], ctx.rank(i) == 2 ? ctx.shape(i)[1] : ctx.cst(1)};
    Value x = ctx.reshape(ctx.operand(i), ctx.shape(i), matrix), columns = ctx.size(matrix[1]);
    auto read = [&](ScalarBuilder &s, Value v) { return s.cast(ctx.toCompute(s, v, element), s.b.getF32Type(), false, false); };
    SymShape part{matrix[0], ctx.cst(width)};
    if (width == 0)
      continue;
    if (matrix[1] == part[1]) {
      parts.push_back(ctx.generic(part, ctx.b.getF32Type(), x, ctx.b.getMultiDimIdentityMap(2),
                                  [&](ScalarBuilder &s, ValueRange in) { return read(s, in[0]); }));
      continue;
    }
    parts.push_back(ctx.gather(part, ctx.b.getF32Type(), [&](ScalarBuilder &s, ValueRange at) {
      IndexBuilder ib(s.b, s.loc);
      Value column = ib.min(at[1], ib.max(ib.sub(columns, ib.cst(1)), ib.cst(0)));
      Value v = read(s, tensor::ExtractOp::create(s.b, s.loc, x, ValueRange{at[0], column}));
      return s.select(ib.lt(at[1], columns), v, s.cst(0, v));
    }));
  }
  if (parts.empty())
    ctx.set(0, ctx.empty(ctx.resultShape(), ctx.resultElement()));
  else if (parts.size() == 1)
    ctx.set(0, parts[0]);
  else
    ctx.set(0, tensor::ConcatOp::create(ctx.b, ctx.type(ctx.resultShape(), ctx.resultElement()), 1, parts));
  return success();
}

// ---- Imputer ----

LogicalResult ImputerOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 1, "the input")))
    return failure();
  bool isFloat = isa<FloatType>(ctx.element(0));
  size_t values = isFloat ? (getImputedValueFloats() ? getImputedValueFloats()->size() : 0)
                          : (getImputedValueInt64s() ? getImputedValueInt64s()->size() : 0);
  if (values == 0)
    return ctx.fail(isFloat ? "expects 'imputed_value_floats'" : "expects 'imputed_value_int64s'");
  if (failed(expectPerFeature(ctx, values, "the imputed values")))
    return failure();
  return ctx.same(0);
}

LogicalResult ImputerOp::lower(LowerContext &ctx) {
  unsigned rank = ctx.rank(0);
  bool isFloat = isa<FloatType>(ctx.element(0));
  size_t count = isFloat ? getImputedValueFloats()->size() : getImputedValueInt64s()->size();
  Value values =
      isFloat ? numberTable(ctx, *getImputedValueFloats(), ctx.element(0)) : weightTensor<int64_t>(ctx, *getImputedValueInt64s());
  double replaced = getReplacedValueFloat().convertToDouble();
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), {ctx.operand(0), values},
                         {ctx.b.getMultiDimIdentityMap(rank), featureMap(getContext(), rank, count)},
                         [&](ScalarBuilder &s, ValueRange in) -> Value {
                           Value hit;
                           if (!isFloat)
                             hit = s.eq(in[0],
                                        arith::ConstantOp::create(
                                            s.b, s.loc, s.b.getI64IntegerAttr(static_cast<int64_t>(getReplacedValueInt64()))));
                           else
                             hit = std::isnan(replaced) ? s.isnan(in[0]) : s.eq(in[0], s.cst(replaced, in[0]));
                           return s.select(hit, in[1], in[0]);
                         }));
  return success();
}

// ---- Normalizer ----

LogicalResult NormalizerOp::inferShapes(ShapeContext &ctx) {
  if (ctx.rank(0) < 1 || ctx.rank(0) > 2)
    return ctx.fail("expects an input of rank 1 or 2, got rank " + Twine(ctx.rank(0)));
  if (!llvm::is_contained({"MAX", "L1", "L2"}, getNorm()))
    return ctx.fail("unknown norm '" + getNorm() + "'");
  ctx.set(0, ctx.shape(0), Float32Type::get(getContext()));
  return success();
}

// A row whose norm is 0 stays as it is.
LogicalResult NormalizerOp::lower(LowerContext &ctx) {
  MLIRContext *mlir = getContext();
  unsigned rank = ctx.rank(0);
  Type type = computeType(ctx), element = ctx.element(0);
  SymShape kept(ctx.shape(0).drop_back());
  llvm::SmallVector<AffineExpr> rows;
  for (unsigned d = 0; d + 1 < rank; ++d)
    rows.push_back(getAffineDimExpr(d, mlir));
  bool isMax = getNorm() == "MAX", isSquare = getNorm() == "L2";
  auto read = [&](ScalarBuilder &s, Value v) { return s.cast(v, type, isUnsignedElement(element), false); };
  Value norm = ctx.reduce(kept, type, isMax ? -INFINITY : 0.0, 1, ctx.operand(0), ctx.b.getMultiDimIdentityMap(rank),
                          [&](ScalarBuilder &s, ValueRange in) {
                            Value v = read(s, in[0]);
                            if (isMax)
                              return s.max(in[1], v);
                            return s.add(in[1], isSquare ? s.mul(v, v) : s.abs(v));
                          });
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), {ctx.operand(0), norm},
                         {ctx.b.getMultiDimIdentityMap(rank), AffineMap::get(rank, 0, rows, mlir)},
                         [&](ScalarBuilder &s, ValueRange in) {
                           Value v = read(s, in[0]), size = isSquare ? s.sqrt(in[1]) : in[1];
                           Value scaled = s.select(s.eq(size, s.cst(0, size)), v, s.div(v, size));
                           return s.cast(scaled, s.b.getF32Type(), false, false);
                         }));
  return success();
}

// ---- OneHotEncoder ----

LogicalResult OneHotEncoderOp::inferShapes(ShapeContext &ctx) {
  size_t ints = getCatsInt64s() ? getCatsInt64s()->size() : 0, texts = getCatsStrings() ? getCatsStrings()->size() : 0;
  if (isString(ctx.element(0)) ? ints || !texts : texts || !ints)
    return ctx.fail("expects categories of the input's kind alone: 'cats_strings' for strings, 'cats_int64s' for numbers");
  SymShape shape(ctx.shape(0));
  shape.push_back(ctx.cst(ints + texts));
  ctx.set(0, shape, Float32Type::get(getContext()));
  return success();
}

// Without `zeros` a value that is no category is an error of the call.
LogicalResult OneHotEncoderOp::lower(LowerContext &ctx) {
  MLIRContext *mlir = getContext();
  unsigned rank = ctx.rank(0);
  Type i64 = ctx.b.getI64Type(), f32 = ctx.b.getF32Type(), element = ctx.element(0);
  Value x = ctx.operand(0);
  llvm::SmallVector<int64_t> numbers(getCatsInt64s().value_or(llvm::ArrayRef<int64_t>()));
  if (isString(element)) { // by where they stand among the sorted ones
    llvm::SmallVector<llvm::StringRef> texts = stringsOf(getCatsStrings());
    SortedStrings sorted(texts);
    for (llvm::StringRef text : texts)
      numbers.push_back(sorted.position(text));
    x = findStrings(ctx, x, ctx.shape(0), sorted);
    element = i64;
  }
  Value categories = weightTensor<int64_t>(ctx, numbers);
  AffineMap value = AffineMap::getMultiDimIdentityMap(rank + 1, mlir).getMajorSubMap(rank);
  AffineMap category = AffineMap::get(rank + 1, 0, {getAffineDimExpr(rank, mlir)}, mlir);
  auto number = [&](ScalarBuilder &s, Value v) { return s.cast(v, i64, isUnsignedElement(element), false); };
  if (rank == 0)
    value = AffineMap::get(1, 0, mlir);
  if (!getZeros()) {
    int64_t count = numbers.size();
    Value places = ctx.reduce(ctx.shape(0), i64, -1, 1, {x, categories}, {value, category}, [&](ScalarBuilder &s, ValueRange in) {
      Value place = arith::IndexCastOp::create(s.b, s.loc, i64, linalg::IndexOp::create(s.b, s.loc, rank));
      return s.select(s.eq(number(s, in[0]), in[1]), place, in[2]);
    });
    ctx.set(0, ctx.generic(ctx.resultShape(), f32, places, value, [&](ScalarBuilder &s, ValueRange in) {
      IndexBuilder ib(s.b, s.loc);
      Value place = CheckIndexOp::create(s.b, s.loc, s.b.getIndexType(), ib.toIndex(in[0]), ib.cst(count), in[0],
                                         s.b.getI32IntegerAttr(kBadIndex));
      return s.select(ib.eq(place, linalg::IndexOp::create(s.b, s.loc, rank)), s.cst(1, f32), s.cst(0, f32));
    }));
    return success();
  }
  ctx.set(0, ctx.generic(ctx.resultShape(), f32, {x, categories}, {value, category}, [&](ScalarBuilder &s, ValueRange in) {
    return s.select(s.eq(number(s, in[0]), in[1]), s.cst(1, f32), s.cst(0, f32));
  }));
  return success();
}

// ---- Scaler ----

LogicalResult ScalerOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 1, "the input")))
    return failure();
  if (getOffset().empty() || getScale().empty())
    return ctx.fail("expects values in 'offset' and 'scale'");
  if (failed(expectPerFeature(ctx, getOffset().size(), "'offset'")) ||
      failed(expectPerFeature(ctx, getScale().size(), "'scale'")))
    return failure();
  ctx.set(0, ctx.shape(0), Float32Type::get(getContext()));
  return success();
}

LogicalResult ScalerOp::lower(LowerContext &ctx) {
  unsigned rank = ctx.rank(0);
  Type type = computeType(ctx);
  Value offset = numberTable(ctx, getOffset(), type), scale = numberTable(ctx, getScale(), type);
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), {ctx.operand(0), offset, scale},
                         {ctx.b.getMultiDimIdentityMap(rank), featureMap(getContext(), rank, getOffset().size()),
                          featureMap(getContext(), rank, getScale().size())},
                         [&](ScalarBuilder &s, ValueRange in) {
                           Value x = s.cast(in[0], type, false, false);
                           return s.cast(s.mul(s.sub(x, in[1]), in[2]), s.b.getF32Type(), false, false);
                         }));
  return success();
}
