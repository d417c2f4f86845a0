// CPU feature levels: what the user may write, what the machine has, and what code generation makes of it.
#ifndef LAIC_LIB_TARGETS_CPU_FEATURES_H
#define LAIC_LIB_TARGETS_CPU_FEATURES_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>
#include <vector>

namespace laic::cpu {

/// One feature level: "x86-64-v4+avx512vnni" or "aarch64:v8.2+dotprod".
struct Level {
  std::string name;                   // canonical text
  std::string triple, chip;           // for LLVM
  std::string features;               // for LLVM: "+avx512vnni,+..."
  std::vector<std::string> requires_; // for the runtime: {"x86-64-v4", "+avx512vnni"}
  unsigned vectorBytes = 16;          // native register width
  unsigned registers = 16;            // vector registers
  bool masks = false;                 // masked loads and stores of every element type are cheap (AVX-512)
  bool f16 = false;                   // f16 <-> f32 conversions in hardware
  bool fma = false;
  // Instructions that add products of neighbours to sums of 32 bits, in vectors of the native width.
  bool dotsUnsignedSigned = false; // four bytes, unsigned by signed
  bool dotsSigned = false;         // four signed bytes
  bool dotsBF16 = false;           // two bf16
  bool pairsOfBytes = false;       // products of two bytes, unsigned by signed, to saturated sums of 16 bits
  // Instructions that multiply tiles of up to 16 rows of 64 bytes and add to tiles of 32 bits (AMX).
  bool tilesBytes = false; // bytes of any sign
  bool tilesBF16 = false;
  bool isX86() const { return triple[0] == 'x'; }

  bool has(llvm::StringRef feature) const;
};

/// Parses one level; `native` stands for the best that this machine has. On failure returns nothing and sets `error`.
std::optional<Level> parseLevel(llvm::StringRef text, std::string &error);
/// True when this machine can run code of that level.
bool hostRuns(const Level &level);
/// What --help lists.
std::vector<std::string> knownLevels();

} // namespace laic::cpu
#endif
