// Tensors, sequences, optionals and maps by operator.
#include "ValueTypes.h"

#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/MlMapsOps.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/SequenceOps.h"

using namespace mlir;
using namespace laic;

namespace {

// Stands for every tensor until its shape and element type are inferred.
Type anyTensor(MLIRContext *context) { return UnrankedTensorType::get(Float32Type::get(context)); }

// A type of the same kind: what is no sequence and no optional is a tensor.
Type sameKind(Type type) { return isa<SequenceType, OptionalType>(type) ? type : anyTensor(type.getContext()); }

template <typename... Ops> bool isOne(OperationName name) { return ((name.getStringRef() == Ops::getOperationName()) || ...); }

Type optionalOf(const OperationState &state) {
  auto declared = dyn_cast_or_null<TypeAttr>(state.attributes.get("type"));
  return OptionalType::get(state.getContext(), declared ? declared.getValue() : sameKind(state.operands[0].getType()));
}

Type elementOf(const OperationState &state) {
  Type type = state.operands[0].getType();
  if (auto optional = dyn_cast<OptionalType>(type))
    type = optional.getElement();
  return sameKind(type);
}

} // namespace

Type laic::declaredType(MLIRContext *context, const onnx::ValueInfo &info) {
  Type element = info.type == onnx::DataType::Undefined ? Float32Type::get(context)
                                                        : onnxElementType(context, static_cast<int64_t>(info.type));
  if (!element || info.kind == onnx::ValueInfo::Kind::Other || info.kind == onnx::ValueInfo::Kind::Map)
    return {};
  Type type = UnrankedTensorType::get(element);
  if (info.kind == onnx::ValueInfo::Kind::Sequence || info.ofSequence)
    type = SequenceType::get(context, type);
  return info.kind == onnx::ValueInfo::Kind::Optional ? OptionalType::get(context, type) : type;
}

llvm::SmallVector<Type> laic::resultTypes(const OperationState &state, unsigned count) {
  MLIRContext *context = state.getContext();
  llvm::SmallVector<Type> types(count, anyTensor(context));
  if (isOne<SequenceConstructOp, SequenceEmptyOp, SequenceInsertOp, SequenceEraseOp, SplitToSequenceOp, SequenceMapOp>(
          state.name))
    types.assign(count, SequenceType::get(context, anyTensor(context)));
  if (isOne<OptionalOp>(state.name))
    types.assign(count, optionalOf(state));
  if (isOne<OptionalGetElementOp>(state.name))
    types.assign(count, elementOf(state));
  if (isOne<LoopOp>(state.name))
    for (unsigned i = 0; i < count && i + 2 < state.operands.size(); ++i)
      types[i] = sameKind(state.operands[i + 2].getType());
  if (isOne<IfOp>(state.name)) {
    auto outputs = state.regions.front()->front().getTerminator()->getOperandTypes();
    for (unsigned i = 0; i < count && i < outputs.size(); ++i)
      types[i] = sameKind(outputs[i]);
  }
  return types;
}

llvm::SmallVector<Type> laic::subgraphInputTypes(const OperationState &state, unsigned count) {
  llvm::SmallVector<Type> types(count, anyTensor(state.getContext()));
  if (isOne<LoopOp>(state.name))
    for (unsigned i = 2; i < count && i < state.operands.size(); ++i)
      types[i] = sameKind(state.operands[i].getType());
  if (isOne<SequenceMapOp>(state.name))
    for (unsigned i = 0; i < count && i < state.operands.size(); ++i)
      if (!isa<SequenceType>(state.operands[i].getType()))
        types[i] = sameKind(state.operands[i].getType());
  return types;
}

bool laic::takesMaps(const OperationState &state) { return isOne<CastMapOp, DictVectorizerOp>(state.name); }

bool laic::makesMaps(const OperationState &state) { return isOne<ZipMapOp>(state.name); }
