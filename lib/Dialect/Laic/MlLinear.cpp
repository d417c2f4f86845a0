// LinearRegressor, LinearClassifier, SVMRegressor, SVMClassifier: products with tables that are made when compiling.
#include "DynamicSizes.h"
#include "MlScores.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "WeightTensor.h"
#include "laic/Dialect/Laic/MlLinearOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

// f64 operands are computed in f64, all others in f32.
Type computeType(LowerContext &ctx) { return ctx.element(0).isF64() ? ctx.element(0) : Type(ctx.b.getF32Type()); }

// Operand 0 as a matrix of computeType.
Sized matrix(LowerContext &ctx) {
  Type type = computeType(ctx);
  Sized x = sizedOperand(ctx, 0);
  if (x.element != type) {
    x.value = ctx.generic(x.shape, type, x.value, ctx.b.getMultiDimIdentityMap(2),
                          [&](ScalarBuilder &s, ValueRange in) { return s.cast(in[0], type, false, false); });
    x.element = type;
  }
  return x;
}

Sized table(LowerContext &ctx, const std::vector<float> &values, llvm::ArrayRef<int64_t> shape) {
  Type type = computeType(ctx);
  Value tensor = type.isF64() ? weightTensor<double>(ctx, std::vector<double>(values.begin(), values.end()), shape)
                              : weightTensor<float>(ctx, values, shape);
  SymShape sizes;
  for (int64_t size : shape)
    sizes.push_back(ctx.cst(size));
  return {tensor, sizes, type};
}

// [columns, rows] as [rows, columns].
std::vector<float> transposed(llvm::ArrayRef<float> values, int64_t columns) {
  int64_t rows = static_cast<int64_t>(values.size()) / columns;
  std::vector<float> result;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c)
      result.push_back(values[c * rows + r]);
  return result;
}

// x [rows, n] times a table [n, columns], plus a value for each column where `offsets` has one.
Sized affine(LowerContext &ctx, Sized x, const std::vector<float> &factors, int64_t columns, llvm::ArrayRef<float> offsets) {
  SymShape shape{x.shape[0], ctx.cst(columns)};
  Sized sums =
      matrixProduct(ctx, x, table(ctx, factors, {static_cast<int64_t>(factors.size()) / columns, columns}), shape, x.element);
  if (offsets.empty())
    return sums;
  Sized bias = table(ctx, std::vector<float>(offsets.begin(), offsets.end()), {columns});
  AffineMap column = AffineMap::get(2, 0, {ctx.b.getAffineDimExpr(1)}, ctx.b.getContext());
  sums.value = ctx.generic(shape, x.element, {sums.value, bias.value}, {ctx.b.getMultiDimIdentityMap(2), column},
                           [](ScalarBuilder &s, ValueRange in) { return s.add(in[0], in[1]); });
  return sums;
}

// Column `c` of a matrix.
Value columnOf(LowerContext &ctx, Sized m, int64_t c) {
  AffineMap map = AffineMap::get(1, 0, {ctx.b.getAffineDimExpr(0), ctx.b.getAffineConstantExpr(c)}, ctx.b.getContext());
  return ctx.generic({m.shape[0]}, m.element, m.value, map, [](ScalarBuilder &, ValueRange in) { return in[0]; });
}

// The input is a matrix of `features` columns; coefficients are given for `rows` of them.
LogicalResult checkCoefficients(ShapeContext &ctx, size_t count, int64_t rows) {
  if (failed(expectRank(ctx, 0, 2, "the input")))
    return failure();
  if (count == 0 || rows < 1 || count % rows != 0)
    return ctx.fail("expects as many coefficients for each of " + Twine(rows) + " rows, got " + Twine(count) + " in all");
  return expectSize(ctx, ctx.shape(0)[1], ctx.cst(count / rows), "dim 1 of the input", "coefficients in a row");
}

void setMatrix(ShapeContext &ctx, unsigned result, int64_t columns) {
  ctx.set(result, {ctx.shape(0)[0], ctx.cst(columns)}, Float32Type::get(ctx.element(0).getContext()));
}
void setLabels(ShapeContext &ctx, const ClassLabels &labels) {
  ctx.set(0, {ctx.shape(0)[0]}, labels.element(ctx.element(0).getContext()));
}

void storeMatrix(LowerContext &ctx, unsigned result, Value scores) {
  ctx.set(result, storeScores(ctx, scores, ctx.resultShape(result), ctx.resultElement(result)));
}

} // namespace

// ---- LinearRegressor ----

LogicalResult LinearRegressorOp::inferShapes(ShapeContext &ctx) {
  int64_t targets = static_cast<int64_t>(getTargets());
  if (failed(checkPostTransform(ctx, getPostTransform())) || failed(checkCoefficients(ctx, getCoefficients().size(), targets)))
    return failure();
  if (getIntercepts() && !getIntercepts()->empty() && static_cast<int64_t>(getIntercepts()->size()) != targets)
    return ctx.fail("expects " + Twine(targets) + " intercepts, got " + Twine(getIntercepts()->size()));
  setMatrix(ctx, 0, targets);
  return success();
}

LogicalResult LinearRegressorOp::lower(LowerContext &ctx) {
  int64_t targets = static_cast<int64_t>(getTargets());
  Sized y = affine(ctx, matrix(ctx), transposed(getCoefficients(), targets), targets,
                   getIntercepts().value_or(llvm::ArrayRef<float>()));
  storeMatrix(ctx, 0, postTransform(ctx, y.value, y.shape, getPostTransform()));
  return success();
}

// ---- LinearClassifier ----

namespace {
// Rows of coefficients: as many as classes, or one for two classes.
int64_t classifierRows(LinearClassifierOp op) {
  if (op.getIntercepts() && !op.getIntercepts()->empty())
    return op.getIntercepts()->size();
  return ClassLabels(op.getClasslabelsInts(), op.getClasslabelsStrings()).size();
}
} // namespace

LogicalResult LinearClassifierOp::inferShapes(ShapeContext &ctx) {
  ClassLabels labels(getClasslabelsInts(), getClasslabelsStrings());
  if (failed(checkLabels(ctx, labels)) || failed(checkPostTransform(ctx, getPostTransform())))
    return failure();
  int64_t classes = labels.size(), rows = classifierRows(*this);
  if (rows != classes && !(rows == 1 && classes == 2))
    return ctx.fail("expects " + Twine(classes) + " intercepts, one for each class, got " + Twine(rows));
  if (failed(checkCoefficients(ctx, getCoefficients().size(), rows)))
    return failure();
  setLabels(ctx, labels);
  setMatrix(ctx, 1, classes);
  return success();
}

LogicalResult LinearClassifierOp::lower(LowerContext &ctx) {
  int64_t rows = classifierRows(*this);
  Sized scores =
      affine(ctx, matrix(ctx), transposed(getCoefficients(), rows), rows, getIntercepts().value_or(llvm::ArrayRef<float>()));
  ClassLabels labels(getClasslabelsInts(), getClasslabelsStrings());
  if (rows == 1) {
    Value score = columnOf(ctx, scores, 0);
    ctx.set(0, thresholdLabel(ctx, score, scores.shape[0], 0, labels));
    storeMatrix(ctx, 1, bothClasses(ctx, score, scores.shape[0], /*complement=*/true, getPostTransform()));
    return success();
  }
  ctx.set(0, largestLabel(ctx, scores.value, scores.shape, labels));
  storeMatrix(ctx, 1, postTransform(ctx, scores.value, scores.shape, getPostTransform()));
  return success();
}

// ---- kernels of support vector machines ----

namespace {

LogicalResult checkKernel(ShapeContext &ctx, llvm::StringRef type, std::optional<llvm::ArrayRef<float>> parameters) {
  if (!llvm::is_contained({"LINEAR", "POLY", "RBF", "SIGMOID"}, type))
    return ctx.fail("unknown kernel_type '" + type + "'");
  if (type != "LINEAR" && (!parameters || parameters->size() < 3))
    return ctx.fail("expects three kernel_params: gamma, coef0 and degree");
  return success();
}

// K[row, v] of each row of x and each support vector.
template <typename Op> Sized kernel(LowerContext &ctx, Op op, Sized x, int64_t vectors) {
  llvm::StringRef type = op.getKernelType();
  std::vector<float> columns = transposed(*op.getSupportVectors(), vectors);
  llvm::ArrayRef<float> parameters = op.getKernelParams().value_or(llvm::ArrayRef<float>());
  if (type == "LINEAR")
    return affine(ctx, x, columns, vectors, {});
  double gamma = parameters[0], offset = parameters[1], degree = std::trunc(parameters[2]);
  MLIRContext *mlir = ctx.b.getContext();
  SymShape shape{x.shape[0], ctx.cst(vectors)};
  Sized sums{Value(), shape, x.element};
  if (type == "RBF") {
    AffineExpr row = getAffineDimExpr(0, mlir), vector = getAffineDimExpr(1, mlir), feature = getAffineDimExpr(2, mlir);
    Sized supports = table(ctx, columns, {static_cast<int64_t>(columns.size()) / vectors, vectors});
    sums.value = ctx.reduce(shape, x.element, 0, 1, {x.value, supports.value},
                            {AffineMap::get(3, 0, {row, feature}, mlir), AffineMap::get(3, 0, {feature, vector}, mlir)},
                            [](ScalarBuilder &s, ValueRange in) {
                              Value far = s.sub(in[0], in[1]);
                              return s.add(in[2], s.mul(far, far));
                            });
  } else {
    sums = affine(ctx, x, columns, vectors, {});
  }
  sums.value = ctx.generic(shape, x.element, sums.value, ctx.b.getMultiDimIdentityMap(2), [&](ScalarBuilder &s, ValueRange in) {
    auto cst = [&](double v) { return s.cst(v, in[0]); };
    if (type == "RBF")
      return s.exp(s.mul(cst(-gamma), in[0]));
    Value shifted = s.add(s.mul(cst(gamma), in[0]), cst(offset));
    return type == "SIGMOID" ? s.tanh(shifted) : s.pow(shifted, cst(degree));
  });
  return sums;
}

} // namespace

// ---- SVMRegressor ----

LogicalResult SVMRegressorOp::inferShapes(ShapeContext &ctx) {
  int64_t vectors = static_cast<int64_t>(getNSupports());
  if (failed(checkPostTransform(ctx, getPostTransform())) || failed(checkKernel(ctx, getKernelType(), getKernelParams())))
    return failure();
  if (getRho().empty())
    return ctx.fail("expects a value in 'rho'");
  size_t given = vectors > 0 && getSupportVectors() ? getSupportVectors()->size() : getCoefficients().size();
  if (failed(checkCoefficients(ctx, given, std::max<int64_t>(vectors, 1))))
    return failure();
  if (vectors > 0 && (!getSupportVectors() || static_cast<int64_t>(getCoefficients().size()) != vectors))
    return ctx.fail("expects a coefficient for each of " + Twine(vectors) + " support vectors");
  setMatrix(ctx, 0, 1);
  return success();
}

LogicalResult SVMRegressorOp::lower(LowerContext &ctx) {
  int64_t vectors = static_cast<int64_t>(getNSupports());
  Sized x = matrix(ctx);
  if (vectors > 0)
    x = kernel(ctx, *this, x, vectors);
  llvm::ArrayRef<float> coefficients = getCoefficients();
  Sized y = affine(ctx, x, std::vector<float>(coefficients.begin(), coefficients.end()), 1, getRho().take_front(1));
  if (getOneClass())
    y.value = ctx.generic(y.shape, y.element, y.value, ctx.b.getMultiDimIdentityMap(2), [](ScalarBuilder &s, ValueRange in) {
      return s.select(s.gt(in[0], s.cst(0, in[0])), s.cst(1, in[0]), s.cst(-1, in[0]));
    });
  storeMatrix(ctx, 0, postTransform(ctx, y.value, y.shape, getPostTransform()));
  return success();
}

// ---- SVMClassifier ----

namespace {

int64_t vectorsOf(SVMClassifierOp op) {
  int64_t vectors = 0;
  for (int64_t count : op.getVectorsPerClass().value_or(llvm::ArrayRef<int64_t>()))
    vectors += count;
  return vectors;
}

int64_t pairsOf(int64_t classes) { return classes * (classes - 1) / 2; }

// What decides between the classes of each pair (i < j) is a weighted sum over the support vectors of both:
//   score[pair] = sum of K[v] coefficients[j - 1, v] over the vectors of i + sum of K[v] coefficients[i, v] over those of j + rho[pair]
// This is the table [vectors, pairs] of the weights.
std::vector<float> pairWeights(SVMClassifierOp op, int64_t classes) {
  llvm::ArrayRef<int64_t> counts = *op.getVectorsPerClass();
  llvm::ArrayRef<float> coefficients = op.getCoefficients();
  int64_t vectors = vectorsOf(op), pairs = pairsOf(classes);
  std::vector<int64_t> first(1, 0);
  for (int64_t count : counts)
    first.push_back(first.back() + count);
  std::vector<float> weights(vectors * pairs, 0.0f);
  int64_t pair = 0;
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = i + 1; j < classes; ++j, ++pair) {
      for (int64_t v = first[i]; v < first[i + 1]; ++v)
        weights[v * pairs + pair] = coefficients[(j - 1) * vectors + v];
      for (int64_t v = first[j]; v < first[j + 1]; ++v)
        weights[v * pairs + pair] = coefficients[i * vectors + v];
    }
  return weights;
}

// Each pair votes for its first class where its score is positive, else for its second: votes [rows, classes].
Sized votes(LowerContext &ctx, Sized scores, int64_t classes) {
  int64_t pairs = pairsOf(classes), pair = 0;
  std::vector<float> first(pairs * classes, 0.0f), second(pairs * classes, 0.0f);
  for (int64_t i = 0; i < classes; ++i)
    for (int64_t j = i + 1; j < classes; ++j, ++pair) {
      first[pair * classes + i] = 1;
      second[pair * classes + j] = 1;
    }
  MLIRContext *mlir = ctx.b.getContext();
  AffineExpr row = getAffineDimExpr(0, mlir), choice = getAffineDimExpr(1, mlir), of = getAffineDimExpr(2, mlir);
  AffineMap score = AffineMap::get(3, 0, {row, of}, mlir), vote = AffineMap::get(3, 0, {of, choice}, mlir);
  SymShape shape{scores.shape[0], ctx.cst(classes)};
  Value sums = ctx.reduce(shape, scores.element, 0, 1,
                          {scores.value, table(ctx, first, {pairs, classes}).value, table(ctx, second, {pairs, classes}).value},
                          {score, vote, vote}, [](ScalarBuilder &s, ValueRange in) {
                            Value positive = s.gt(in[0], s.cst(0, in[0]));
                            return s.add(in[3], s.select(positive, in[1], in[2]));
                          });
  return {sums, shape, scores.element};
}

// Platt's scaling: the probability of the first class of each pair, kept off 0 and 1.
Sized probabilities(LowerContext &ctx, Sized scores, llvm::ArrayRef<float> a, llvm::ArrayRef<float> b) {
  constexpr double kLeast = 1e-7;
  int64_t pairs = constantSize(scores.shape[1]).value_or(1);
  AffineMap all = ctx.b.getMultiDimIdentityMap(2);
  AffineMap column = AffineMap::get(2, 0, {ctx.b.getAffineDimExpr(1)}, ctx.b.getContext());
  auto perPair = [&](llvm::ArrayRef<float> values) { return table(ctx, values.take_front(pairs).vec(), {pairs}).value; };
  scores.value = ctx.generic(scores.shape, scores.element, {scores.value, perPair(a), perPair(b)}, {all, column, column},
                             [&](ScalarBuilder &s, ValueRange in) {
                               Value p = s.sigmoid(s.neg(s.add(s.mul(in[0], in[1]), in[2])));
                               return s.clamp(p, s.cst(kLeast, p), s.cst(1 - kLeast, p));
                             });
  return scores;
}

Value couple(LowerContext &ctx, Sized pairs, llvm::ArrayRef<AffineExpr> shape) {
  auto op = CouplePairsOp::create(ctx.b, ctx.type(shape, pairs.element), pairs.value, dynamicSizes(ctx, shape));
  return op.getProbabilities();
}

} // namespace

LogicalResult SVMClassifierOp::inferShapes(ShapeContext &ctx) {
  ClassLabels labels(getClasslabelsInts(), getClasslabelsStrings());
  if (failed(checkLabels(ctx, labels)) || failed(checkPostTransform(ctx, getPostTransform())) ||
      failed(checkKernel(ctx, getKernelType(), getKernelParams())))
    return failure();
  int64_t classes = labels.size(), vectors = vectorsOf(*this), pairs = pairsOf(classes);
  bool linear = vectors == 0;
  size_t given = linear ? getCoefficients().size() : getSupportVectors() ? getSupportVectors()->size() : 0;
  if (failed(checkCoefficients(ctx, given, linear ? classes : vectors)))
    return failure();
  if (getRho().empty() || (!linear && static_cast<int64_t>(getRho().size()) < pairs))
    return ctx.fail("expects a value in 'rho' for each of " + Twine(linear ? 1 : pairs) + " pairs of classes");
  bool fits = linear || (static_cast<int64_t>(getVectorsPerClass()->size()) == classes &&
                         static_cast<int64_t>(getCoefficients().size()) == vectors * (classes - 1));
  if (!fits)
    return ctx.fail("expects 'vectors_per_class' for " + Twine(classes) + " classes and " + Twine(classes - 1) +
                    " coefficients for each vector");
  bool probabilities = !linear && getProbA() && !getProbA()->empty();
  if (probabilities &&
      (static_cast<int64_t>(getProbA()->size()) < pairs || !getProbB() || getProbB()->size() < getProbA()->size()))
    return ctx.fail("expects values in 'prob_a' and 'prob_b' for each of " + Twine(pairs) + " pairs of classes");
  setLabels(ctx, labels);
  setMatrix(ctx, 1, linear || probabilities || classes == 2 ? classes : pairs);
  return success();
}

LogicalResult SVMClassifierOp::lower(LowerContext &ctx) {
  ClassLabels labels(getClasslabelsInts(), getClasslabelsStrings());
  int64_t classes = labels.size(), vectors = vectorsOf(*this), pairs = pairsOf(classes);
  Sized x = matrix(ctx);
  if (vectors == 0) {
    std::vector<float> offsets(classes, getRho()[0]);
    Sized scores = affine(ctx, x, transposed(getCoefficients(), classes), classes, offsets);
    ctx.set(0, largestLabel(ctx, scores.value, scores.shape, labels));
    storeMatrix(ctx, 1, postTransform(ctx, scores.value, scores.shape, getPostTransform()));
    return success();
  }
  Sized scores = affine(ctx, kernel(ctx, *this, x, vectors), pairWeights(*this, classes), pairs, getRho().take_front(pairs));
  Sized ballots = votes(ctx, scores, classes);
  ctx.set(0, largestLabel(ctx, ballots.value, ballots.shape, labels));
  llvm::ArrayRef<AffineExpr> shape = ctx.resultShape(1);
  Value final = scores.value;
  if (getProbA() && !getProbA()->empty())
    final = couple(ctx, probabilities(ctx, scores, *getProbA(), *getProbB()), shape);
  else if (classes == 2)
    final = bothClasses(ctx, columnOf(ctx, scores, 0), shape[0], /*complement=*/false, "NONE");
  storeMatrix(ctx, 1, postTransform(ctx, final, shape, getPostTransform()));
  return success();
}
