// Element types by number, and what records and messages call them.
#include "laic/Dialect/Laic/OnnxTypes.h"

#include "laic/Dialect/Laic/LaicDialect.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "mlir/IR/Builders.h"

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
  case 8:
    return StringType::get(ctx);
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
  case 17:
    return Float8E4M3FNType::get(ctx);
  case 18:
    return Float8E4M3FNUZType::get(ctx);
  case 19:
    return Float8E5M2Type::get(ctx);
  case 20:
    return Float8E5M2FNUZType::get(ctx);
  case 21:
    return unsignedType(4);
  case 22:
    return b.getIntegerType(4);
  case 23:
    return Float4E2M1FNType::get(ctx);
  case 24:
    return Float8E8M0FNUType::get(ctx);
  case 25:
    return unsignedType(2);
  case 26:
    return b.getIntegerType(2);
  default:
    return {};
  }
}

int64_t laic::onnxElementCode(Type type) {
  constexpr int64_t kString = 8, kLast = 26;
  if (type.isSignlessInteger(128)) // as it is lowered
    return kString;
  for (int64_t code = 1; code <= kLast; ++code)
    if (Type known = onnxElementType(type.getContext(), code); known && known == type)
      return code;
  return 0;
}

bool laic::isNarrowFloat(Type type) { return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8; }

std::string laic::elementTypeName(Type type) {
  if (type.isInteger(1))
    return "bool";
  if (isa<StringType>(type))
    return "string";
  if (isa<Float4E2M1FNType>(type))
    return "f4E2M1";
  if (isa<Float8E8M0FNUType>(type))
    return "f8E8M0";
  std::string text;
  llvm::raw_string_ostream os(text);
  type.print(os);
  return type.isUnsignedInteger() ? "u" + text.substr(2) : text; // ui8
}
