// Scalar factors of the operands of a product become one step behind it.
#include "FormContracts.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace {

/// A linalg.generic that multiplies every element by one constant.
struct Scaling {
  linalg::GenericOp op;
  APFloat factor;
};

/// Products of factors beyond 2^kRange or below 2^-kRange stay: behind the product they would take more of the exponent's range from its sum.
constexpr int kRange = 8;

bool isModerate(const APFloat &factor) {
  double size = std::abs(factor.convertToDouble());
  return size >= std::ldexp(1.0, -kRange) && size <= std::ldexp(1.0, kRange);
}

std::optional<Scaling> matchScaling(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || op.getNumDpsInputs() != 1 || op.getNumResults() != 1 || op.getNumReductionLoops() != 0 ||
      !llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) { return map.isIdentity(); }) ||
      op.getInputs()[0].getType() != value.getType())
    return std::nullopt;
  auto product = op.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::MulFOp>();
  if (!product)
    return std::nullopt;
  BlockArgument element = op.getBody()->getArgument(0);
  if (product.getLhs() != element && product.getRhs() != element)
    return std::nullopt;
  APFloat factor(0.0f);
  if (!matchPattern(product.getLhs() == element ? product.getRhs() : product.getLhs(), m_ConstantFloat(&factor)) ||
      !factor.isFiniteNonZero())
    return std::nullopt;
  return Scaling{op, factor};
}

/// The one scaling of an operand, behind operations that only move elements and that nothing else reads.
std::optional<Scaling> scalingOf(Value operand) {
  for (Value value = operand; value.hasOneUse();) {
    if (std::optional<Scaling> scaling = matchScaling(value))
      return scaling;
    Operation *op = value.getDefiningOp();
    if (!isa_and_nonnull<linalg::TransposeOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    value = op->getOperand(0);
  }
  return std::nullopt;
}

void dropScaling(IRRewriter &rewriter, Scaling scaling) { rewriter.replaceOp(scaling.op, scaling.op.getInputs()[0]); }

/// Every element of a tensor times `factor`.
linalg::GenericOp scale(IRRewriter &rewriter, Location loc, Value tensor, Value like, const APFloat &factor) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  Value by = arith::ConstantOp::create(rewriter, loc, rewriter.getFloatAttr(getElementTypeOrSelf(tensor), factor));
  return linalg::GenericOp::create(rewriter, loc, tensor.getType(), tensor, like, ArrayRef<AffineMap>{identity, identity},
                                   iterators, [&](OpBuilder &nested, Location loc, ValueRange arguments) {
                                     Value scaled = arith::MulFOp::create(nested, loc, arguments[0], by);
                                     linalg::YieldOp::create(nested, loc, scaled);
                                   });
}

} // namespace

void laic::contracts::moveFactors(func::FuncOp func, IRRewriter &rewriter) {
  for (auto op : llvm::make_early_inc_range(func.getBody().front().getOps<linalg::GenericOp>())) {
    StringRef why;
    FailureOr<Contraction> contraction = matchContraction(op, Prefer::Innermost, why, /*fewRows=*/true);
    if (failed(contraction) || !getElementTypeOrSelf(op.getInputs()[0]).isF32())
      continue;
    auto fill = op.getOutputs()[0].getDefiningOp<linalg::FillOp>();
    if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
      continue;
    std::optional<Scaling> ofB = scalingOf(op.getInputs()[contraction->b]);
    if (!ofB)
      continue; // a factor of A alone costs no more where it is, and often is part of what makes A
    std::optional<Scaling> ofA = scalingOf(op.getInputs()[contraction->a]);
    APFloat factor = ofB->factor;
    if (ofA)
      factor.multiply(ofA->factor, APFloat::rmNearestTiesToEven);
    if (!isModerate(ofB->factor) || (ofA && !isModerate(ofA->factor)) || !isModerate(factor))
      continue;
    if (ofA)
      dropScaling(rewriter, *ofA);
    dropScaling(rewriter, *ofB);
    // A transpose of the result is none of the product's if something stands between them.
    Value result = op.getResult(0), like = fill.getOutputs()[0];
    auto transpose = result.hasOneUse() ? dyn_cast<linalg::TransposeOp>(*op->user_begin()) : linalg::TransposeOp();
    if (transpose && transpose.getInput() == result) {
      result = transpose.getResult()[0];
      like = transpose.getInit();
    }
    rewriter.setInsertionPointAfterValue(result);
    linalg::GenericOp scaled = scale(rewriter, op.getLoc(), result, like, factor);
    rewriter.replaceAllUsesExcept(result, scaled.getResult(0), scaled);
  }
}
