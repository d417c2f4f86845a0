// Post-transforms and labels of ai.onnx.ml.
#include "MlScores.h"

#include "DynamicSizes.h"
#include "HostFunctions.h"
#include "IndexBuilder.h"
#include "WeightTensor.h"
#include "laic/Dialect/Laic/StructuredOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

LogicalResult laic::checkPostTransform(ShapeContext &ctx, llvm::StringRef name) {
  if (llvm::is_contained({"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}, name))
    return success();
  return ctx.fail("unknown post_transform '" + name + "'");
}

ClassLabels::ClassLabels(std::optional<llvm::ArrayRef<int64_t>> ints, std::optional<ArrayAttr> strings)
    : ints(ints.value_or(llvm::ArrayRef<int64_t>())), strings(stringsOf(strings)) {}

Type ClassLabels::element(MLIRContext *mlir) const {
  return strings.empty() ? Type(IntegerType::get(mlir, 64)) : Type(StringType::get(mlir));
}

LogicalResult laic::checkLabels(ShapeContext &ctx, const ClassLabels &labels) {
  if (labels.size() < 2)
    return ctx.fail("expects at least two class labels");
  if (!labels.ints.empty() && !labels.strings.empty())
    return ctx.fail("expects class labels that are integers or strings, got both");
  return success();
}

namespace {

AffineMap rowMap(MLIRContext *mlir) { return AffineMap::get(2, 0, {getAffineDimExpr(0, mlir)}, mlir); }

Type elementOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()).getElementType(); }

// The inverse of the normal distribution by Winitzki's approximation of the inverse error function, which ONNX's runtimes use.
Value probit(ScalarBuilder &s, Value p) {
  constexpr double kA = 0.147, kPi = 3.14159265358979323846;
  Value x = s.sub(s.mul(s.cst(2, p), p), s.cst(1, p)), one = s.cst(1, p);
  Value log = s.log(s.mul(s.sub(one, x), s.add(one, x)));
  Value v = s.add(s.cst(2 / (kPi * kA), p), s.mul(s.cst(0.5, p), log));
  Value root = s.sqrt(s.sub(s.mul(v, v), s.mul(s.cst(1 / kA, p), log)));
  Value size = s.sqrt(s.sub(root, v));
  Value inverse = s.select(s.lt(x, s.cst(0, p)), s.neg(size), size);
  return s.mul(s.cst(std::sqrt(2.0), p), inverse);
}

Value softmax(LowerContext &ctx, Value scores, llvm::ArrayRef<AffineExpr> shape, bool keepsZeros) {
  Type type = elementOf(scores);
  AffineMap all = ctx.b.getMultiDimIdentityMap(2), row = rowMap(ctx.b.getContext());
  llvm::ArrayRef<AffineExpr> rows = shape.take_front(1);
  Value most =
      ctx.reduce(rows, type, -INFINITY, 1, scores, all, [](ScalarBuilder &s, ValueRange in) { return s.max(in[1], in[0]); });
  Value powers = ctx.generic(shape, type, {scores, most}, {all, row}, [&](ScalarBuilder &s, ValueRange in) -> Value {
    Value power = s.exp(s.sub(in[0], in[1]));
    if (!keepsZeros)
      return power;
    constexpr double kZero = 1e-7;
    Value isZero = s.le(s.abs(in[0]), s.cst(kZero, type));
    return s.select(isZero, s.mul(in[0], s.exp(s.neg(in[1]))), power);
  });
  Value sum = ctx.reduce(rows, type, 0, 1, powers, all, [](ScalarBuilder &s, ValueRange in) { return s.add(in[1], in[0]); });
  return ctx.generic(shape, type, {powers, sum}, {all, row}, [&](ScalarBuilder &s, ValueRange in) -> Value {
    Value share = s.div(in[0], in[1]);
    return keepsZeros ? s.select(s.eq(in[1], s.cst(0, type)), s.cst(0.5, type), share) : share;
  });
}

} // namespace

Value laic::postTransform(LowerContext &ctx, Value scores, llvm::ArrayRef<AffineExpr> shape, llvm::StringRef name) {
  if (name == "NONE")
    return scores;
  if (name == "SOFTMAX" || name == "SOFTMAX_ZERO")
    return softmax(ctx, scores, shape, name == "SOFTMAX_ZERO");
  return ctx.generic(shape, elementOf(scores), scores, ctx.b.getMultiDimIdentityMap(shape.size()),
                     [&](ScalarBuilder &s, ValueRange in) { return name == "LOGISTIC" ? s.sigmoid(in[0]) : probit(s, in[0]); });
}

static Value labelTable(LowerContext &ctx, const ClassLabels &labels) {
  return labels.strings.empty() ? weightTensor<int64_t>(ctx, labels.ints) : stringTable(ctx, labels.strings);
}

Value laic::largestLabel(LowerContext &ctx, Value scores, llvm::ArrayRef<AffineExpr> shape, const ClassLabels &labels) {
  SymShape rows(shape.take_front(1));
  Type i64 = ctx.b.getI64Type();
  auto best = ArgReduceRowsOp::create(ctx.b, ctx.type(rows, i64), scores, dynamicSizes(ctx, rows), /*smallest=*/false,
                                      /*last_index=*/false, /*is_unsigned=*/false);
  return pick(ctx, labelTable(ctx, labels), best.getIndex(), rows, labels.element(ctx.b.getContext()));
}

Value laic::thresholdLabel(LowerContext &ctx, Value score, AffineExpr rows, double threshold, const ClassLabels &labels) {
  Type i64 = ctx.b.getI64Type();
  if (!labels.strings.empty()) {
    Value table = labelTable(ctx, labels);
    return ctx.generic({rows}, labels.element(i64.getContext()), score, ctx.b.getMultiDimIdentityMap(1),
                       [&](ScalarBuilder &s, ValueRange in) -> Value {
                         IndexBuilder ib(s.b, s.loc);
                         Value position = ib.select(s.gt(in[0], s.cst(threshold, in[0])), ib.cst(1), ib.cst(0));
                         return tensor::ExtractOp::create(s.b, s.loc, table, position);
                       });
  }
  auto label = [&](ScalarBuilder &s, int64_t value) -> Value {
    return arith::ConstantOp::create(s.b, s.loc, s.b.getI64IntegerAttr(value));
  };
  return ctx.generic({rows}, i64, score, ctx.b.getMultiDimIdentityMap(1), [&](ScalarBuilder &s, ValueRange in) {
    return s.select(s.gt(in[0], s.cst(threshold, in[0])), label(s, labels.ints[1]), label(s, labels.ints[0]));
  });
}

Value laic::bothClasses(LowerContext &ctx, Value score, AffineExpr rows, bool complement, llvm::StringRef transform) {
  Type type = elementOf(score);
  SymShape shape{rows, ctx.cst(2)};
  Value both = ctx.generic(shape, type, score, rowMap(ctx.b.getContext()), [&](ScalarBuilder &s, ValueRange in) {
    Value isSecond = arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::ne, linalg::IndexOp::create(s.b, s.loc, 1),
                                           arith::ConstantIndexOp::create(s.b, s.loc, 0));
    bool fromOne = complement && transform != "LOGISTIC";
    Value other = fromOne ? s.sub(s.cst(1, in[0]), in[0]) : s.neg(in[0]);
    return s.select(isSecond, in[0], other);
  });
  return transform == "LOGISTIC" || transform == "PROBIT" ? postTransform(ctx, both, shape, transform) : both;
}

Value laic::storeScores(LowerContext &ctx, Value scores, llvm::ArrayRef<AffineExpr> shape, Type element) {
  if (elementOf(scores) == element)
    return scores;
  return ctx.generic(shape, element, scores, ctx.b.getMultiDimIdentityMap(shape.size()),
                     [&](ScalarBuilder &s, ValueRange in) { return s.cast(in[0], element, false, false); });
}
