// Names and sizes of the element types.
#include "laic/Import/Onnx/Model.h"

namespace laic {
namespace onnx {

namespace {
struct Row {
  const char *name;
  unsigned bits;
};
// Indexed by DataType.
constexpr Row kRows[] = {{"?", 0},          {"f32", 32},   {"u8", 8},         {"i8", 8},     {"u16", 16},  {"i16", 16},
                         {"i32", 32},       {"i64", 64},   {"string", 0},     {"bool", 8},   {"f16", 16},  {"f64", 64},
                         {"u32", 32},       {"u64", 64},   {"c64", 64},       {"c128", 128}, {"bf16", 16}, {"f8E4M3FN", 8},
                         {"f8E4M3FNUZ", 8}, {"f8E5M2", 8}, {"f8E5M2FNUZ", 8}, {"u4", 4},     {"i4", 4},    {"f4E2M1", 4},
                         {"f8E8M0", 8},     {"u2", 2},     {"i2", 2},         {"f6E2M3", 6}, {"f6E3M2", 6}};
} // namespace

static const Row &row(DataType type) {
  size_t index = static_cast<size_t>(type);
  return kRows[index < std::size(kRows) ? index : 0];
}

const char *dataTypeName(DataType type) { return row(type).name; }

unsigned dataTypeBits(DataType type) { return row(type).bits; }

const Attribute *Node::attribute(const std::string &name) const {
  for (const Attribute &attribute : attributes)
    if (attribute.name == name)
      return &attribute;
  return nullptr;
}

} // namespace onnx
} // namespace laic
