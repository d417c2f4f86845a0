// laic.call: what is known of the results of programs that only the call of the model chooses or repeats.
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/LowerContext.h"

using namespace mlir;
using namespace laic;

LogicalResult CallOp::verify() {
  bool isLoop = getKind() == "loop";
  if (!isLoop && getKind() != "if")
    return emitOpError("expects kind \"if\" or \"loop\", got \"") << getKind() << "\"";
  if (getPrograms().size() != (isLoop ? 1 : 2))
    return emitOpError("expects ") << (isLoop ? "1 program" : "2 programs") << ", got " << getPrograms().size();
  if (getNumOperands() < (isLoop ? 2 + getCarried() : 1))
    return emitOpError("expects a condition, and for loops a trip count and carried values, before what it captures");
  int64_t dims = 0, late = 0;
  for (Type type : getResultTypes()) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    if (!ranked)
      return emitOpError("expects results of known rank, got ") << type;
    dims += ranked.getRank();
  }
  if (static_cast<int64_t>(getDims().size()) != 2 * dims)
    return emitOpError("expects two numbers in 'dims' for each of ") << dims << " dims, got " << getDims().size();
  for (int64_t i = 0; i < dims; ++i)
    if (getDims()[2 * i] == kLate && getDims()[2 * i + 1] != late++)
      return emitOpError("expects late dims to be numbered in their order");
  if (late > 0 && static_cast<int64_t>(getRead()) < 0)
    return emitOpError("has late dims, but no read");
  return success();
}

llvm::SmallVector<int64_t> CallOp::getLateDims() {
  llvm::SmallVector<int64_t> late;
  for (int64_t i = 0; i < static_cast<int64_t>(getDims().size()) / 2; ++i)
    if (getDims()[2 * i] == kLate)
      late.push_back(i);
  return late;
}

LogicalResult CallOp::inferShapes(ShapeContext &ctx) {
  llvm::ArrayRef<int64_t> next = getDims();
  for (OpResult result : getResults()) {
    auto type = cast<RankedTensorType>(result.getType());
    SymShape shape;
    for (int64_t d = 0; d < type.getRank(); ++d, next = next.drop_front(2)) {
      int64_t from = next[0], value = next[1];
      shape.push_back(from == kConstant ? ctx.cst(value)
                      : from == kLate   ? ctx.symbols.readElement(static_cast<int64_t>(getRead()), value)
                                        : ctx.shape(static_cast<unsigned>(from))[value]);
    }
    ctx.set(result.getResultNumber(), shape, type.getElementType());
  }
  return success();
}

LogicalResult CallOp::lower(LowerContext &ctx) {
  llvm::SmallVector<Value> operands;
  llvm::SmallVector<Type> types;
  llvm::SmallVector<Attribute> shapes;
  for (unsigned i = 0; i < ctx.operandCount(); ++i)
    operands.push_back(ctx.operand(i));
  for (unsigned i = 0; i < getNumResults(); ++i) {
    types.push_back(ctx.type(ctx.resultShape(i), ctx.resultElement(i)));
    shapes.push_back(AffineMapAttr::get(ctx.symbols.map(ctx.resultShape(i))));
  }
  auto call = CallOp::create(ctx.b, types, getKindAttr(), getProgramsAttr(), operands, getCarriedAttr(), getFirstAttr(),
                             getReadAttr(), getDimsAttr(), ctx.b.getArrayAttr(shapes));
  for (auto [i, result] : llvm::enumerate(call.getResults()))
    ctx.set(i, result);
  return success();
}
