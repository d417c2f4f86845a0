// Casts around layers of f16 and bf16.
#include "WidenLayers.h"

#include "FoldWeights.h"
#include "GraphEdit.h"
#include "HalfConstants.h"
#include "Layers.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LinearOps.h"

using namespace mlir;
using namespace laic;

static constexpr llvm::StringLiteral kWidenedFrom = "laic.widened_from"; // on a widened layer: the element type that it had

static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

/// Puts a copy in the place of `op`, with operands and a result of the element type `to` for those of `from`.
static Operation *retype(Operation *op, Type from, Type to) {
  OpBuilder b(op);
  GraphEditor edit(b, op->getLoc());
  bool narrows = to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth();
  llvm::SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    auto widened = operand.getDefiningOp<CastOp>();
    std::vector<char> scratch;
    if (elementOf(operand) != from)
      operands.push_back(operand);
    else if (llvm::ArrayRef<float> values = floatsOf(operand, scratch); narrows && !values.empty())
      operands.push_back(edit.constant(llvm::ArrayRef(roundToHalves(values, to).bits),
                                       cast<RankedTensorType>(operand.getType()).getShape(), to));
    else if (narrows && widened && elementOf(widened.getX()) == to)
      operands.push_back(widened.getX());
    else
      operands.push_back(edit.cast(operand, to));
  }
  Operation *copy = b.insert(op->clone());
  copy->setOperands(operands);
  Value result = copy->getResult(0), old = op->getResult(0);
  result.setType(cast<TensorType>(old.getType()).cloneWith(std::nullopt, to));
  for (Operation *user : llvm::make_early_inc_range(old.getUsers()))
    if (narrows && isa<CastOp>(user) && elementOf(user->getResult(0)) == to) {
      user->getResult(0).replaceAllUsesWith(result);
      user->erase();
    }
  if (!old.use_empty())
    old.replaceAllUsesWith(edit.cast(result, from));
  op->erase();
  return copy;
}

/// The operand that holds the weights, or the table.
static Value weightsOf(Operation &op) {
  if (isa<ConvOp, MatMulOp, GemmOp>(op))
    return op.getOperand(1);
  return isa<GatherOp>(op) ? op.getOperand(0) : Value();
}

void laic::widenLayers(func::FuncOp main) {
  llvm::DenseSet<Value> constants = constantsOf(main);
  llvm::SmallVector<Operation *> layers;
  for (Operation &op : main.getBody().front())
    if (Value weights = weightsOf(op); weights && constants.contains(weights) && !constants.contains(op.getResult(0)) &&
                                       (elementOf(weights).isF16() || elementOf(weights).isBF16()))
      layers.push_back(&op);
  for (Operation *op : layers) {
    Type from = elementOf(op->getResult(0));
    retype(op, from, Float32Type::get(main.getContext()))->setAttr(kWidenedFrom, TypeAttr::get(from));
  }
}

void laic::narrowLayers(func::FuncOp main) {
  llvm::SmallVector<std::pair<Operation *, Type>> layers;
  for (Operation &op : main.getBody().front())
    if (auto from = op.getAttrOfType<TypeAttr>(kWidenedFrom)) {
      op.removeAttr(kWidenedFrom);
      if (weightsOf(op) && weightsOf(op).getDefiningOp<ConstantOp>())
        layers.push_back({&op, from.getValue()});
    }
  for (auto [op, from] : layers)
    retype(op, Float32Type::get(main.getContext()), from);
}
