// Casts around layers of f16 and bf16.
#include "HalfLayers.h"

#include "FoldWeights.h"
#include "GraphEdit.h"
#include "HalfConstants.h"
#include "Layers.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"

using namespace mlir;
using namespace laic;

static constexpr llvm::StringLiteral kHalf =
    "laic.half_layer"; // on a layer that computes in f32 for a while: its own element type

static Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

namespace {

/// Gives operations operands and a result of another element type. What several of them read changes once.
class Retyper {
public:
  Retyper(Type from, Type to) : from(from), to(to) {}

  /// Puts a copy in the place of `op`.
  Operation *retype(Operation *op) {
    OpBuilder b(op);
    llvm::SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(elementOf(operand) == from ? converted(operand) : operand);
    Operation *copy = b.insert(op->clone());
    copy->setOperands(operands);
    Value result = copy->getResult(0), old = op->getResult(0);
    result.setType(cast<TensorType>(old.getType()).cloneWith(std::nullopt, to));
    for (Operation *user : llvm::make_early_inc_range(old.getUsers()))
      if (narrows() && isa<CastOp>(user) && elementOf(user->getResult(0)) == to) {
        user->getResult(0).replaceAllUsesWith(result);
        user->erase();
      }
    if (!old.use_empty())
      old.replaceAllUsesWith(GraphEditor(b, op->getLoc()).castTo(result, from));
    op->erase();
    return copy;
  }

private:
  bool narrows() const { return to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth(); }

  Value converted(Value value) {
    Value &form = forms[value];
    if (form)
      return form;
    auto wide = value.getDefiningOp<CastOp>();
    if (narrows() && wide && elementOf(wide.getX()) == to)
      return form = wide.getX();
    OpBuilder b(value.getContext());
    b.setInsertionPointAfterValue(value);
    GraphEditor edit(b, value.getLoc());
    std::vector<char> scratch;
    if (llvm::ArrayRef<float> values = floatsOf(value, scratch); narrows() && !values.empty())
      return form = edit.constant(llvm::ArrayRef(roundToHalves(values, to).bits),
                                  cast<RankedTensorType>(value.getType()).getShape(), to);
    return form = edit.castTo(value, to);
  }

  Type from, to;
  llvm::DenseMap<Value, Value> forms;
};

} // namespace

void laic::halfLayersToFloats(func::FuncOp main) {
  llvm::DenseSet<Value> constants = constantsOf(main);
  llvm::MapVector<Type, llvm::SmallVector<Operation *>> layers;
  for (Operation &op : main.getBody().front()) {
    OperandRange wanted = constantOperandsOf(&op);
    if (wanted.empty() || !constants.contains(wanted.front()) || constants.contains(op.getResult(0)))
      continue;
    if (Type element = elementOf(wanted.front()); element.isF16() || element.isBF16())
      layers[element].push_back(&op);
  }
  for (auto &[from, all] : layers) {
    Retyper retyper(from, Float32Type::get(main.getContext()));
    for (Operation *op : all)
      retyper.retype(op)->setAttr(kHalf, TypeAttr::get(from));
  }
  eraseUnused(main);
}

void laic::floatsToHalfLayers(func::FuncOp main) {
  llvm::MapVector<Type, llvm::SmallVector<Operation *>> layers;
  for (Operation &op : main.getBody().front())
    if (auto own = op.getAttrOfType<TypeAttr>(kHalf)) {
      op.removeAttr(kHalf);
      OperandRange wanted = constantOperandsOf(&op);
      if (!wanted.empty() && wanted.front().getDefiningOp<ConstantOp>())
        layers[own.getValue()].push_back(&op);
    }
  for (auto &[own, all] : layers) {
    Retyper retyper(Float32Type::get(main.getContext()), own);
    for (Operation *op : all)
      retyper.retype(op);
  }
  eraseUnused(main);
}
