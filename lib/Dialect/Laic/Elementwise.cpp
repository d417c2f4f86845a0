// What the elementwise records cannot say in one expression: Cast's types.
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxTypes.h"

using namespace mlir;
using namespace laic;

Type laic::onnxElementType(MLIRContext *ctx, int64_t type) {
  Builder b(ctx);
  auto unsignedType = [&](unsigned width) { return IntegerType::get(ctx, width, IntegerType::Unsigned); };
  switch (type) {
  case 1:
    return b.getF32Type();
  case 2:
    return unsignedType(8);
  case 3:
    return b.getI8Type();
  case 4:
    return unsignedType(16);
  case 5:
    return b.getI16Type();
  case 6:
    return b.getI32Type();
  case 7:
    return b.getI64Type();
  case 9:
    return b.getI1Type();
  case 10:
    return b.getF16Type();
  case 11:
    return b.getF64Type();
  case 12:
    return unsignedType(32);
  case 13:
    return unsignedType(64);
  case 16:
    return b.getBF16Type();
  default:
    return {};
  }
}

int64_t laic::onnxElementCode(Type type) {
  if (type.isF32())
    return 1;
  if (type.isF16())
    return 10;
  if (type.isF64())
    return 11;
  if (type.isBF16())
    return 16;
  auto i = dyn_cast<IntegerType>(type);
  if (!i)
    return 0;
  bool u = i.isUnsigned();
  switch (i.getWidth()) {
  case 1:
    return 9;
  case 8:
    return u ? 2 : 3;
  case 16:
    return u ? 4 : 5;
  case 32:
    return u ? 12 : 6;
  case 64:
    return u ? 13 : 7;
  default:
    return 0;
  }
}

std::string laic::elementTypeName(Type type) {
  if (type.isInteger(1))
    return "bool";
  std::string text;
  llvm::raw_string_ostream os(text);
  type.print(os);
  return type.isUnsignedInteger() ? "u" + text.substr(2) : text; // ui8
}

Type CastOp::targetElement() { return onnxElementType(getContext(), getTo()); }
Type CastOp::computeType() {
  Type target = targetElement();
  if (target.isF16() || target.isBF16())
    return Float32Type::get(getContext());
  return target.isInteger(1) ? target : lowerElement(target);
}
bool CastOp::sourceUnsigned() {
  Type element = cast<ShapedType>(getX().getType()).getElementType();
  return element.isUnsignedInteger() || element.isInteger(1);
}
bool CastOp::targetUnsigned() { return targetElement().isUnsignedInteger(); }
