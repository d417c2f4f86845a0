// Names and sizes of element types.
#include "laic/runtime.h"

namespace {
struct TypeRow {
  const char *name;
  unsigned char size;
};
// Indexed by laic_type_t. Types below a byte take one byte per element in memory.
constexpr TypeRow kTypes[] = {{nullptr, 0},      {"f32", 4},    {"u8", 1},         {"i8", 1},    {"u16", 2},  {"i16", 2},
                              {"i32", 4},        {"i64", 8},    {"str", 16},       {"bool", 1},  {"f16", 2},  {"f64", 8},
                              {"u32", 4},        {"u64", 8},    {nullptr, 0},      {nullptr, 0}, {"bf16", 2}, {"f8e4m3fn", 1},
                              {"f8e4m3fnuz", 1}, {"f8e5m2", 1}, {"f8e5m2fnuz", 1}, {"u4", 1},    {"i4", 1},   {"f4e2m1", 1},
                              {"f8e8m0", 1},     {"u2", 1},     {"i2", 1}};

const TypeRow *find(laic_type_t type) {
  unsigned index = static_cast<unsigned>(type);
  return index < sizeof kTypes / sizeof kTypes[0] && kTypes[index].name ? &kTypes[index] : nullptr;
}
} // namespace

extern "C" {

const char *laic_type_name(laic_type_t type) {
  const TypeRow *row = find(type);
  return row ? row->name : "?";
}

size_t laic_type_size(laic_type_t type) {
  const TypeRow *row = find(type);
  return row ? row->size : 0;
}

} // extern "C"
