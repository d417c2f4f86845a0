// Products of com.microsoft that something was fused into, decomposed into a product of the standard and what follows it.
#include "Decomposer.h"
#include "Products.h"
#include "Quantized.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ContribLinearOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"

using namespace mlir;
using namespace laic;

using V = Value;

//===-- FusedMatMul ---------------------------------------------------------------------------------------------===//

namespace {

// How one operand of a matrix product is permuted first: batches come from behind the first dim, then the matrix is transposed. A
// vector stays.
SmallVector<int64_t> operandOrder(int64_t rank, bool transposed, bool batchTransposed) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (rank < 2)
    return order;
  if (batchTransposed)
    std::rotate(order.begin(), order.begin() + 1, order.end() - 1);
  if (transposed)
    std::swap(order[rank - 1], order[rank - 2]);
  return order;
}

SymShape permuted(ArrayRef<AffineExpr> shape, ArrayRef<int64_t> order) {
  return SymShape(llvm::map_range(order, [&](int64_t dim) { return shape[dim]; }));
}

V permute(const Decomposer &d, V x, ArrayRef<int64_t> order) { return llvm::is_sorted(order) ? x : d.transpose(x, order); }

int64_t rankOf(V x) { return cast<RankedTensorType>(x.getType()).getRank(); }

} // namespace

LogicalResult FusedMatMulOp::inferShapes(ShapeContext &ctx) {
  SymShape a = permuted(ctx.shape(0), operandOrder(ctx.rank(0), getTransA(), getTransBatchA()));
  SymShape b = permuted(ctx.shape(1), operandOrder(ctx.rank(1), getTransB(), getTransBatchB()));
  if (a.empty() || b.empty())
    return ctx.fail("expects operands of at least one dim, got a scalar");
  AffineExpr rows = b[b.size() < 2 ? 0 : b.size() - 2];
  if (failed(expectSize(ctx, rows, a.back(), "the rows of B", "the columns of A")))
    return failure();
  auto batch = [](ArrayRef<AffineExpr> shape) { return shape.drop_back(std::min<size_t>(2, shape.size())); };
  FailureOr<SymShape> common = ctx.broadcast(batch(a), batch(b));
  if (failed(common))
    return failure();
  ctx.set(0, matmulShape(a, b, *common), ctx.element(0));
  return success();
}

LogicalResult FusedMatMulOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V a = permute(d, getA(), operandOrder(rankOf(getA()), getTransA(), getTransBatchA()));
  V b = permute(d, getB(), operandOrder(rankOf(getB()), getTransB(), getTransBatchB()));
  d.replace(d.scale(d.matmul(a, b), getAlpha().convertToDouble()));
  return success();
}

//===-- FusedGemm, FusedConv ------------------------------------------------------------------------------------===//

namespace {

struct Activation {
  StringRef name;
  std::optional<float> alpha, beta;
};

LogicalResult checkActivation(ShapeContext &ctx, const Activation &activation) {
  if (llvm::is_contained({"", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip", "HardSigmoid"}, activation.name))
    return success();
  return ctx.fail("expects 'activation' to be Relu, Sigmoid, Tanh, LeakyRelu, Clip or HardSigmoid, got '" + activation.name +
                  "'");
}

V activate(const Decomposer &d, V x, const Activation &activation) {
  Type element = Decomposer::elementOf(x);
  auto number = [&](float value) { return d.rewriter.getF32FloatAttr(value); };
  if (activation.name == "Relu")
    return d.make<ReluOp>(element, x);
  if (activation.name == "Sigmoid")
    return d.sigmoid(x);
  if (activation.name == "Tanh")
    return d.tanh(x);
  if (activation.name == "LeakyRelu")
    return d.make<LeakyReluOp>(element, x, number(activation.alpha.value_or(0.01f)));
  if (activation.name == "HardSigmoid")
    return d.make<HardSigmoidOp>(element, x, number(activation.alpha.value_or(0.2f)), number(activation.beta.value_or(0.5f)));
  if (activation.name == "Clip")
    return d.make<ClipOp>(element, x, activation.alpha ? d.number(*activation.alpha, element) : d.none(),
                          activation.beta ? d.number(*activation.beta, element) : d.none());
  return x;
}

Activation activationOf(FusedGemmOp op) {
  auto number = [](std::optional<APFloat> value) { return value ? std::optional<float>(value->convertToFloat()) : std::nullopt; };
  return {op.getActivation(), number(op.getActivationAlpha()), number(op.getActivationBeta())};
}

Activation activationOf(FusedConvOp op) {
  Activation result = {op.getActivation(), std::nullopt, std::nullopt};
  ArrayRef<float> params = op.getActivationParams().value_or(ArrayRef<float>());
  if (!params.empty())
    result.alpha = params[0];
  if (params.size() > 1)
    result.beta = params[1];
  return result;
}

} // namespace

LogicalResult FusedGemmOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkActivation(ctx, activationOf(*this))))
    return failure();
  return inferGemm(ctx, {0, 1, 2}, getTransA(), getTransB(), ctx.element(0));
}

LogicalResult FusedGemmOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V sum = d.make<GemmOp>(Decomposer::elementOf(getA()), getA(), getB(), getC(), getAlphaAttr(), getBetaAttr(), getTransAAttr(),
                         getTransBAttr());
  d.replace(activate(d, sum, activationOf(*this)));
  return success();
}

LogicalResult FusedConvOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { X, W, Bias, Addend };
  if (failed(checkActivation(ctx, activationOf(*this))))
    return failure();
  if (failed(inferConvolution(ctx, {X, W, Bias}, convAttributes(*this), static_cast<int64_t>(getGroup()), ctx.element(X))))
    return failure();
  return ctx.has(Addend) ? expectRank(ctx, Addend, ctx.rank(X), "Z") : success();
}

LogicalResult FusedConvOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V sum = d.make<ConvOp>(Decomposer::elementOf(getX()), getX(), getW(), getB(), getAutoPadAttr(), getDilationsAttr(),
                         getGroupAttr(), getKernelShapeAttr(), getPadsAttr(), getStridesAttr());
  sum = isAbsent(getZ()) ? sum : d.add(sum, getZ());
  d.replace(activate(d, sum, activationOf(*this)));
  return success();
}

//===-- integer products with float results ---------------------------------------------------------------------===//

namespace {

/// Operand numbers of an integer product; what is absent in the operator has the number of no operand.
struct IntegerOperands {
  unsigned a, b, scale, zero, bias;
};

LogicalResult inferIntegerProduct(ShapeContext &ctx, IntegerOperands operands) {
  if (failed(expectByte(ctx, operands.b, "B")))
    return failure();
  Type f32 = Float32Type::get(ctx.element(0).getContext());
  if (failed(inferMatrixProduct(ctx, operands.a, operands.b, f32)))
    return failure();
  AffineExpr columns = ctx.shape(operands.b).back();
  for (auto [i, name] : {std::pair(operands.scale, "the scale of B"), {operands.zero, "the zero point of B"}})
    if (ctx.has(i) && !isSingle(ctx.shape(i)) &&
        failed(expectSize(ctx, ctx.shape(i).back(), columns, "the last dim of " + Twine(name), "the columns of B")))
      return failure();
  return ctx.has(operands.bias) ? expectVector(ctx, operands.bias, columns, "the bias", "the columns of B") : success();
}

// (A - its zero point) (B - its zero point) scale + bias.
V scaledProduct(const Decomposer &d, V a, V b, V aZero, V bZero, V scale, V bias) {
  V sums = d.cast(d.make<MatMulIntegerOp>(d.rewriter.getI32Type(), a, b, aZero, bZero), d.f32());
  V y = d.mul(sums, scale);
  return isAbsent(bias) ? y : d.add(y, bias);
}

} // namespace

LogicalResult DynamicQuantizeMatMulOp::inferShapes(ShapeContext &ctx) { return inferIntegerProduct(ctx, {0, 1, 2, 3, 4}); }

LogicalResult DynamicQuantizeMatMulOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  Type byte = rewriter.getIntegerType(8, /*isSigned=*/false);
  auto any = [](Type element) { return UnrankedTensorType::get(element); };
  auto a = DynamicQuantizeLinearOp::create(rewriter, getLoc(), TypeRange{any(byte), any(d.f32()), any(byte)}, getA());
  V scale = d.mul(getBScale(), a->getResult(1));
  d.replace(scaledProduct(d, a->getResult(0), getB(), a->getResult(2), getBZeroPoint(), scale, getBias()));
  return success();
}

LogicalResult MatMulIntegerToFloatOp::inferShapes(ShapeContext &ctx) {
  enum : unsigned { A, B, AScale, BScale, AZero, BZero, Bias };
  if (!isSingle(ctx.shape(AScale)) || (ctx.has(AZero) && !isSingle(ctx.shape(AZero))))
    return ctx.fail("expects one scale and one zero point for all of A");
  return inferIntegerProduct(ctx, {A, B, BScale, BZero, Bias});
}

LogicalResult MatMulIntegerToFloatOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V scale = d.mul(getAScale(), getBScale());
  d.replace(scaledProduct(d, getA(), getB(), getAZeroPoint(), getBZeroPoint(), scale, getBias()));
  return success();
}

//===-- CDist ---------------------------------------------------------------------------------------------------===//

LogicalResult CDistOp::inferShapes(ShapeContext &ctx) {
  if (getMetric() != "sqeuclidean" && getMetric() != "euclidean")
    return ctx.fail("expects 'metric' to be sqeuclidean or euclidean, got '" + getMetric() + "'");
  if (failed(expectRank(ctx, 0, 2, "A")) || failed(expectRank(ctx, 1, 2, "B")) ||
      failed(expectSize(ctx, ctx.shape(1)[1], ctx.shape(0)[1], "dim 1 of B", "as A")))
    return failure();
  ctx.set(0, {ctx.shape(0)[0], ctx.shape(1)[0]}, ctx.element(0));
  return success();
}

LogicalResult CDistOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  Type element = Decomposer::elementOf(getA());
  V difference = d.sub(d.unsqueeze(getA(), {1}), getB());
  bool isRoot = getMetric() == "euclidean";
  V axes = d.ints({2});
  if (isRoot)
    d.replace(d.make<ReduceL2Op>(element, difference, axes, /*keepdims=*/0));
  else
    d.replace(d.make<ReduceSumSquareOp>(element, difference, axes, /*keepdims=*/0));
  return success();
}
