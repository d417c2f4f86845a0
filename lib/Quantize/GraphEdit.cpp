// Builds the operations that quantisation adds.
#include "GraphEdit.h"

#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace laic;

Value GraphEditor::constantOf(llvm::ArrayRef<char> bytes, RankedTensorType type) {
  WeightStore &store = b.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  return ConstantOp::create(b, loc, type, makeConstant(store, bytes, type));
}

Value GraphEditor::none() { return NoneOp::create(b, loc, b.getNoneType()); }

Value GraphEditor::castTo(Value x, Type element) {
  auto type = cast<TensorType>(x.getType()).cloneWith(std::nullopt, element);
  return CastOp::create(b, loc, type, x, onnxElementCode(element));
}

Value GraphEditor::quantized(Value x, AffineScale scale) {
  Type u8 = b.getIntegerType(8, /*isSigned=*/false);
  Value factor = floats(scale.scale, {});
  Value zero = constant(llvm::ArrayRef(static_cast<uint8_t>(scale.zeroPoint)), {}, u8);
  auto type = cast<RankedTensorType>(x.getType());
  Value bytes =
      QuantizeLinearOp::create(b, loc, type.clone(u8), x, factor, zero, /*axis=*/1, /*block_size=*/0, /*output_dtype=*/0,
                               /*precision=*/0, /*saturate=*/1);
  return DequantizeLinearOp::create(b, loc, type, bytes, factor, zero, /*axis=*/1, /*block_size=*/0, /*output_dtype=*/0);
}

Value GraphEditor::quantizedRows(Value x, int64_t size) {
  constexpr int64_t kInt8 = 3; // onnx.TensorProto.INT8
  auto type = cast<RankedTensorType>(x.getType());
  llvm::SmallVector<int64_t> one(type.getShape());
  one.back() = 1;
  Type scaleType = type.clone(one);
  Value magnitude = AbsOp::create(b, loc, type, x);
  Value largest = ReduceMaxOp::create(b, loc, scaleType, magnitude, ints({-1}), /*keepdims=*/1, /*noop_with_empty_axes=*/0);
  Value scale = MulOp::create(b, loc, scaleType, largest, floats(1 / kLargestSigned, {}));
  scale = MaxOp::create(b, loc, scaleType, ValueRange{scale, floats(kLeastRowScale, {})});
  Value bytes = QuantizeLinearOp::create(b, loc, type.clone(b.getI8Type()), x, scale, none(), /*axis=*/-1, size, kInt8,
                                         /*precision=*/0, /*saturate=*/1);
  return DequantizeLinearOp::create(b, loc, type, bytes, scale, none(), /*axis=*/-1, size, /*output_dtype=*/0);
}

template <typename T> Value GraphEditor::dequantize(Value x, llvm::ArrayRef<float> scales, int64_t axis) {
  auto count = static_cast<int64_t>(scales.size());
  auto type = cast<RankedTensorType>(x.getType());
  // Zero points of zero are written out: onnxruntime's rewrites of bytes take those that are not there for one number.
  Value zeros = constant(llvm::ArrayRef(std::vector<T>(count)), {count}, type.getElementType());
  return DequantizeLinearOp::create(b, loc, type.clone(b.getF32Type()), x, floats(scales, {count}), zeros, axis, /*block_size=*/0,
                                    /*output_dtype=*/0);
}

Value GraphEditor::dequantized(const ByteWeights &weights, llvm::ArrayRef<int64_t> shape, int64_t axis) {
  return dequantize<int8_t>(constant(llvm::ArrayRef(weights.values), shape, b.getI8Type()), weights.scales, axis);
}

Value GraphEditor::dequantized(llvm::ArrayRef<int32_t> values, llvm::ArrayRef<float> scales, llvm::ArrayRef<int64_t> shape) {
  return dequantize<int32_t>(constant(values, shape, b.getI32Type()), scales, static_cast<int64_t>(shape.size()) - 1);
}

void laic::eraseUnused(func::FuncOp main) {
  llvm::SmallVector<Operation *> all;
  for (Operation &op : main.getBody().front().without_terminator())
    all.push_back(&op);
  for (Operation *op : llvm::reverse(all))
    if (op->use_empty() && isMemoryEffectFree(op))
      op->erase();
}

void laic::addResults(func::FuncOp main, llvm::ArrayRef<Value> values) {
  Operation *end = main.getBody().front().getTerminator();
  llvm::SmallVector<DictionaryAttr> attributes;
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    attributes.push_back(main.getResultAttrDict(i));
  OpBuilder b(end);
  for (auto [i, value] : llvm::enumerate(values)) {
    attributes.push_back(b.getDictionaryAttr(b.getNamedAttr("laic.name", b.getStringAttr("watched/" + Twine(i)))));
    end->insertOperands(end->getNumOperands(), value);
  }
  main.setFunctionType(b.getFunctionType(main.getArgumentTypes(), end->getOperandTypes()));
  main.setAllResultAttrs(attributes);
}

void laic::returnFloats(func::FuncOp main) {
  Operation *end = main.getBody().front().getTerminator();
  OpBuilder b(end);
  for (OpOperand &result : end->getOpOperands()) {
    Type element = getElementTypeOrSelf(result.get());
    if (element.isF16() || element.isBF16())
      result.set(GraphEditor(b, result.get().getLoc()).castTo(result.get(), b.getF32Type()));
  }
  main.setFunctionType(b.getFunctionType(main.getArgumentTypes(), end->getOperandTypes()));
}
