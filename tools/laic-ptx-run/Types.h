// PTX's fundamental types, state spaces and the diagnostics that every stage shares.
#ifndef LAIC_PTX_TYPES_H
#define LAIC_PTX_TYPES_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace laic {
namespace ptx {

constexpr unsigned kWarpSize = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

enum class Type : uint8_t {
  Pred,
  B8,
  B16,
  B32,
  B64,
  B128,
  U8,
  U16,
  U32,
  U64,
  S8,
  S16,
  S32,
  S64,
  F16,
  F16x2,
  BF16,
  BF16x2,
  TF32,
  E4M3,
  E5M2,
  E4M3x2,
  E5M2x2,
  F32,
  F64,
  F32x2,
};

enum class Space : uint8_t { Generic, Global, Shared, Local, Param, Const };

// The type that `text` (without its dot) names, or nothing.
std::optional<Type> typeNamed(std::string_view text);
const char *nameOf(Type type);
unsigned sizeOf(Type type); // in bytes; a predicate takes 4: one bit for each lane of a warp
bool isSigned(Type type);
bool isFloat(Type type); // any of the floating-point formats, packed ones too
const char *nameOf(Space space);

// One complaint about the text of a module.
struct Diagnostic {
  unsigned line; // 1-based; 0: about the module as a whole
  std::string message;
};
using Diagnostics = std::vector<Diagnostic>;

// "line 7: ..." for each, one a line, without a newline at the end.
std::string toString(const Diagnostics &diagnostics);

} // namespace ptx
} // namespace laic
#endif
