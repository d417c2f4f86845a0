// Names and sizes of PTX's fundamental types.
#include "Types.h"

using namespace laic::ptx;

namespace {

struct Row {
  const char *name;
  Type type;
  unsigned size;
};

constexpr Row kTypes[] = {
    {"pred", Type::Pred, 4}, {"b8", Type::B8, 1},         {"b16", Type::B16, 2},       {"b32", Type::B32, 4},
    {"b64", Type::B64, 8},   {"b128", Type::B128, 16},    {"u8", Type::U8, 1},         {"u16", Type::U16, 2},
    {"u32", Type::U32, 4},   {"u64", Type::U64, 8},       {"s8", Type::S8, 1},         {"s16", Type::S16, 2},
    {"s32", Type::S32, 4},   {"s64", Type::S64, 8},       {"f16", Type::F16, 2},       {"f16x2", Type::F16x2, 4},
    {"bf16", Type::BF16, 2}, {"bf16x2", Type::BF16x2, 4}, {"tf32", Type::TF32, 4},     {"e4m3", Type::E4M3, 1},
    {"e5m2", Type::E5M2, 1}, {"e4m3x2", Type::E4M3x2, 2}, {"e5m2x2", Type::E5M2x2, 2}, {"f32", Type::F32, 4},
    {"f64", Type::F64, 8},   {"f32x2", Type::F32x2, 8},
};

const Row &rowOf(Type type) { return kTypes[static_cast<unsigned>(type)]; }

} // namespace

std::optional<Type> laic::ptx::typeNamed(std::string_view text) {
  for (const Row &row : kTypes)
    if (text == row.name)
      return row.type;
  return std::nullopt;
}

const char *laic::ptx::nameOf(Type type) { return rowOf(type).name; }

unsigned laic::ptx::sizeOf(Type type) { return rowOf(type).size; }

bool laic::ptx::isSigned(Type type) { return type >= Type::S8 && type <= Type::S64; }

bool laic::ptx::isFloat(Type type) { return type >= Type::F16; }

const char *laic::ptx::nameOf(Space space) {
  switch (space) {
  case Space::Generic:
    return "generic";
  case Space::Global:
    return "global";
  case Space::Shared:
    return "shared";
  case Space::Local:
    return "local";
  case Space::Param:
    return "param";
  case Space::Const:
    return "const";
  }
  return "";
}

std::string laic::ptx::toString(const Diagnostics &diagnostics) {
  std::string text;
  for (const Diagnostic &diagnostic : diagnostics) {
    if (!text.empty())
      text += "\n";
    if (diagnostic.line)
      text += "line " + std::to_string(diagnostic.line) + ": ";
    text += diagnostic.message;
  }
  return text;
}
