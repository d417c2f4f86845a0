// Builds the operations that quantisation adds.
#include "GraphEdit.h"

#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/QuantOps.h"

using namespace mlir;
using namespace laic;

Value GraphEditor::constantOf(llvm::ArrayRef<char> bytes, RankedTensorType type) {
  WeightStore &store = b.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  return ConstantOp::create(b, loc, type, makeConstant(store, bytes, type));
}

Value GraphEditor::none() { return NoneOp::create(b, loc, b.getNoneType()); }

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

Value GraphEditor::dequantize(Value x, llvm::ArrayRef<float> scales, int64_t axis) {
  Value factors = floats(scales, {static_cast<int64_t>(scales.size())});
  auto type = cast<RankedTensorType>(x.getType()).clone(b.getF32Type());
  return DequantizeLinearOp::create(b, loc, type, x, factors, none(), axis, /*block_size=*/0, /*output_dtype=*/0);
}

Value GraphEditor::dequantized(const ByteWeights &weights, llvm::ArrayRef<int64_t> shape, int64_t axis) {
  return dequantize(constant(llvm::ArrayRef(weights.values), shape, b.getI8Type()), weights.scales, axis);
}

Value GraphEditor::dequantized(llvm::ArrayRef<int32_t> values, llvm::ArrayRef<float> scales, llvm::ArrayRef<int64_t> shape) {
  return dequantize(constant(values, shape, b.getI32Type()), scales, static_cast<int64_t>(shape.size()) - 1);
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
