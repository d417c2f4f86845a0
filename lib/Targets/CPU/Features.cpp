// Parses feature levels and compares them with the machine that compiles.
#include "Features.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <algorithm>
#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace laic::cpu;
using llvm::StringRef;

namespace {

struct KnownFeature {
  const char *name;
  bool x86;
};
constexpr KnownFeature kFeatures[] = {{"avx512vnni", true}, {"avx512bf16", true}, {"avx512fp16", true}, {"avxvnni", true},
                                      {"amx-int8", true},   {"amx-bf16", true},   {"dotprod", false},   {"i8mm", false},
                                      {"fp16", false},      {"bf16", false}};

// The features by which LLVM's host detection tells the x86-64 levels apart.
constexpr const char *kV2[] = {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16"};
constexpr const char *kV3[] = {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"};
constexpr const char *kV4[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"};

template <size_t N> bool hasAll(const llvm::StringMap<bool> &host, const char *const (&names)[N]) {
  return std::all_of(std::begin(names), std::end(names), [&](const char *name) { return host.lookup(name); });
}

int hostX86Level() {
  if (!llvm::Triple(llvm::sys::getProcessTriple()).isX86())
    return 0;
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  if (!hasAll(host, kV2))
    return 1;
  if (!hasAll(host, kV3))
    return 2;
  return hasAll(host, kV4) ? 4 : 3;
}

// Linux keeps the state of tiles for processes that ask for it, and may refuse.
bool mayUseTiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr int kRequestPermission = 0x1023, kTileData = 18; // ARCH_REQ_XCOMP_PERM, the number of an XSAVE component
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool hostIsAArch64() { return llvm::Triple(llvm::sys::getProcessTriple()).isAArch64(); }

// The best level that the runtime can check for. Features that code generation has no use for are not required, nor AMX, whose speed nobody has
// measured.
std::string nativeLevel() {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  std::string text;
  auto addFeatures = [&](std::initializer_list<const char *> names) {
    for (const char *name : names)
      if (host.lookup(name))
        text += std::string("+") + name;
    return text;
  };
  if (hostIsAArch64()) {
    text = "aarch64:v8";
    return addFeatures({"dotprod", "i8mm", "bf16"});
  }
  int level = std::max(hostX86Level(), 1);
  text = "x86-64-v" + std::to_string(level);
  if (level == 4)
    return addFeatures({"avx512vnni", "avx512bf16"});
  return level == 3 ? addFeatures({"avxvnni"}) : text;
}

void describeX86(Level &level, int version) {
  level.triple = "x86_64-unknown-linux-gnu";
  level.vectorBytes = version >= 4 ? 64 : version == 3 ? 32 : 16;
  level.registers = version >= 4 ? 32 : 16;
  level.masks = version >= 4;
  level.f16 = level.fma = version >= 3;
  level.pairsOfBytes = version >= 2;
}

void describeAArch64(Level &level) {
  level.triple = "aarch64-unknown-linux-gnu";
  level.vectorBytes = 16;
  level.registers = 32;
  level.f16 = level.fma = true;
}

std::optional<int> x86Version(StringRef base) {
  if (base == "x86-64" || base == "v1" || base == "x86-64-v1")
    return 1;
  base.consume_front("x86-64-");
  if (base == "v2" || base == "v3" || base == "v4")
    return base[1] - '0';
  return std::nullopt;
}

bool isAArch64Version(StringRef base) {
  static const char *const versions[] = {"v8", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v9"};
  return std::find(std::begin(versions), std::end(versions), base) != std::end(versions);
}

std::string join(const std::vector<std::string> &words) { return llvm::join(words, ", "); }

} // namespace

bool Level::has(StringRef feature) const {
  return std::find(requires_.begin(), requires_.end(), ("+" + feature).str()) != requires_.end();
}

std::vector<std::string> laic::cpu::knownLevels() {
  return {"native",
          "x86-64-v1",
          "x86-64-v2",
          "x86-64-v3",
          "x86-64-v4",
          "aarch64:v8",
          "aarch64:v8.2",
          "x86-64-v4+avx512vnni+avx512bf16",
          "x86-64-v4+avx512vnni+avx512bf16+amx-int8+amx-bf16",
          "aarch64:v8.2+dotprod"};
}

std::optional<Level> laic::cpu::parseLevel(StringRef text, std::string &error) {
  StringRef whole = text;
  std::string native;
  if (text == "native" || text.starts_with("native+")) {
    native = nativeLevel() + text.drop_front(6).str();
    text = native;
  }
  auto [head, tail] = text.split('+');
  bool arm = head.consume_front("aarch64:");
  if (!arm)
    head.consume_front("x86-64:");
  std::optional<int> version = arm ? std::nullopt : x86Version(head);
  if (arm ? !isAArch64Version(head) : !version) {
    error = "unknown CPU level '" + whole.str() + "'; known are " + join(knownLevels());
    return std::nullopt;
  }
  Level level;
  if (arm)
    describeAArch64(level);
  else
    describeX86(level, *version);
  std::string base = arm ? ("aarch64:" + head).str() : "x86-64-v" + std::to_string(*version);
  level.name = base;
  level.requires_.push_back(base);
  level.chip = arm ? "generic" : *version == 1 ? "x86-64" : base;
  std::vector<std::string> llvmFeatures;
  if (arm)
    llvmFeatures.push_back(("+" + head + "a").str());
  llvm::SmallVector<StringRef> extras;
  tail.split(extras, '+', -1, /*KeepEmpty=*/false);
  llvm::sort(extras);
  extras.erase(std::unique(extras.begin(), extras.end()), extras.end());
  for (StringRef extra : extras) {
    auto known = std::find_if(std::begin(kFeatures), std::end(kFeatures),
                              [&](const KnownFeature &f) { return extra == f.name && f.x86 == !arm; });
    if (known == std::end(kFeatures)) {
      std::vector<std::string> names;
      for (const KnownFeature &f : kFeatures)
        if (f.x86 == !arm)
          names.push_back(f.name);
      error = "unknown CPU feature '+" + extra.str() + "' in '" + whole.str() + "'; known are " + join(names);
      return std::nullopt;
    }
    level.name += "+" + extra.str();
    level.requires_.push_back("+" + extra.str());
    llvmFeatures.push_back("+" + (extra == "fp16" ? std::string("fullfp16") : extra.str()));
  }
  level.features = llvm::join(llvmFeatures, ",");
  level.dotsUnsignedSigned = arm                       ? level.has("i8mm")
                             : level.vectorBytes == 64 ? level.has("avx512vnni")
                                                       : level.vectorBytes == 32 && level.has("avxvnni");
  level.dotsSigned = arm && level.has("dotprod");
  level.dotsBF16 = arm ? level.has("bf16") : level.vectorBytes == 64 && level.has("avx512bf16");
  level.tilesBytes = !arm && level.has("amx-int8");
  level.tilesBF16 = !arm && level.has("amx-bf16");
  return level;
}

bool laic::cpu::hostRuns(const Level &level) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  if (level.isX86()) {
    std::optional<int> version = x86Version(StringRef(level.requires_[0]));
    if (hostX86Level() < version.value_or(5))
      return false;
  } else if (!hostIsAArch64() || level.requires_[0] != "aarch64:v8") {
    return false;
  }
  for (size_t i = 1; i < level.requires_.size(); ++i)
    if (!host.lookup(StringRef(level.requires_[i]).drop_front()))
      return false;
  return !(level.tilesBytes || level.tilesBF16) || mayUseTiles();
}
