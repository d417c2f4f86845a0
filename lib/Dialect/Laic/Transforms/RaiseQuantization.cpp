// Q(move(x)) -> move(Q(x)).
#include "QuantizedConstants.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/Passes.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"

#include <cmath>

namespace laic {
#define GEN_PASS_DEF_LAICRAISEQUANTIZATION
#include "laic/Dialect/Laic/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

Type elementOf(Value v) { return getElementTypeOrSelf(v.getType()); }

/// To bytes, with one scale for all elements.
bool isUniform(QuantizeLinearOp op) {
  auto scale = dyn_cast<RankedTensorType>(op.getYScale().getType());
  return elementOf(op.getY()).isInteger(8) && scale && scale.hasStaticShape() && scale.getNumElements() == 1 &&
         op.getBlockSize() == 0;
}

/// Does rounding keep the order of elements? With a negative scale it turns it around.
bool keepsOrder(QuantizeLinearOp op) {
  auto scale = valuesOf<float>(op.getYScale(), elementOf(op.getYScale()).isF32());
  return scale && scale->size() == 1 && scale->front() > 0;
}

/// The operands whose elements the operation moves, all of them; none of operations that do more. Slice leaves elements out, which would be
/// rounded in vain.
OperandRange movedBy(Operation *op) {
  if (isa<ConcatOp>(op))
    return op->getOperands();
  bool movesFirst = isa<ReshapeOp, FlattenOp, TransposeOp, SqueezeOp, UnsqueezeOp, DepthToSpaceOp, SpaceToDepthOp>(op);
  if (auto pool = dyn_cast<MaxPoolOp>(op)) // its operand is the larger tensor: rounded once, by what computes it
    movesFirst = pool.getIndices().use_empty() && pool.getX().hasOneUse() && pool.getX().getDefiningOp();
  return op->getOperands().take_front(movesFirst ? 1 : 0);
}

/// Equal constants, by which what was multiplied can be divided without loss.
bool sameScale(Value x, Value y) {
  auto a = valuesOf<float>(x, elementOf(x).isF32()), b = valuesOf<float>(y, elementOf(y).isF32());
  return a && b && a->size() == 1 && *a == *b && std::isnormal(a->front()) && a->front() > 0 && std::isfinite(256 * a->front());
}

/// The zero point as a byte, 0 where there is none; nothing where it is not known.
std::optional<uint8_t> zeroOf(Value zero) {
  if (isAbsent(zero))
    return 0;
  auto bytes = valuesOf<uint8_t>(zero, elementOf(zero).isInteger(8));
  return bytes && bytes->size() == 1 ? std::optional<uint8_t>(bytes->front()) : std::nullopt;
}

bool sameZero(Value x, Value y) {
  std::optional<uint8_t> a = zeroOf(x), b = zeroOf(y);
  return a && a == b;
}

class Raiser {
public:
  explicit Raiser(IRRewriter &rewriter) : rewriter(rewriter) {}

  void run(func::FuncOp func) {
    func.walk([&](QuantizeLinearOp op) { waiting.push_back(op); });
    while (!waiting.empty())
      raise(waiting.pop_back_val());
  }

private:
  void raise(QuantizeLinearOp op) {
    if (!isUniform(op))
      return;
    absorbRelu(op);
    if (undo(op))
      return;
    Operation *mover = op.getX().getDefiningOp();
    Type element = elementOf(op.getY());
    auto moved = mover ? movedBy(mover) : OperandRange(op->getOperands().take_front(0));
    if (moved.empty() || !op.getX().hasOneUse() || mover->getBlock() != op->getBlock() ||
        (isa<MaxPoolOp>(mover) && !keepsOrder(op)))
      return;
    rewriter.setInsertionPoint(op);
    IRMapping mapping;
    SmallVector<Value> operands(mover->getOperands());
    for (unsigned i = 0; i < moved.size(); ++i) {
      auto quantize = cast<QuantizeLinearOp>(rewriter.clone(*op));
      quantize.getXMutable().assign(operands[i]);
      quantize.getY().setType(withElement(operands[i].getType(), element));
      quantize->setLoc(mover->getLoc());
      operands[i] = quantize.getY();
      waiting.push_back(quantize);
    }
    Operation *raised = rewriter.clone(*mover);
    raised->setOperands(operands);
    raised->getResult(0).setType(op.getY().getType());
    rewriter.replaceOp(op, raised->getResult(0));
    rewriter.eraseOp(mover);
  }

  static Type withElement(Type type, Type element) {
    auto tensor = cast<TensorType>(type);
    return tensor.hasRank() ? TensorType(RankedTensorType::get(tensor.getShape(), element)) : UnrankedTensorType::get(element);
  }

  /// Rounding clamps at the least integer: Relu does nothing where that is 0.
  void absorbRelu(QuantizeLinearOp op) {
    Type element = elementOf(op.getY());
    auto relu = op.getX().getDefiningOp<ReluOp>();
    if (!relu || !relu->hasOneUse() || !keepsOrder(op) ||
        zeroOf(op.getYZeroPoint()) != (element.isUnsignedInteger() ? 0 : 128)) // -128 as a byte
      return;
    op.getXMutable().assign(relu.getX());
    rewriter.eraseOp(relu);
  }

  /// Integers that were dequantised with the same scale are what they were.
  bool undo(QuantizeLinearOp op) {
    auto dequantize = op.getX().getDefiningOp<DequantizeLinearOp>();
    if (!dequantize || dequantize.getBlockSize() != 0 || dequantize.getX().getType() != op.getY().getType() ||
        !sameScale(dequantize.getXScale(), op.getYScale()) || !sameZero(dequantize.getXZeroPoint(), op.getYZeroPoint()))
      return false;
    rewriter.replaceOp(op, dequantize.getX());
    if (dequantize->use_empty())
      rewriter.eraseOp(dequantize);
    return true;
  }

  IRRewriter &rewriter;
  SmallVector<QuantizeLinearOp> waiting;
};

struct RaiseQuantizationPass : public laic::impl::LaicRaiseQuantizationBase<RaiseQuantizationPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    Raiser(rewriter).run(getOperation());
  }
};

} // namespace
