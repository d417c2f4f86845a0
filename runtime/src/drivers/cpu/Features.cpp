// Feature detection through CPUID and XGETBV, or the kernel's HWCAP.
#include "Features.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

using namespace laic::rt::cpu;

namespace {

struct Named {
  const char *name;
  uint64_t bits; // all of them make up the name
};

#if defined(__x86_64__)

enum Bit : uint64_t {
  Sse3 = 1ull << 0,
  Ssse3 = 1ull << 1,
  Cx16 = 1ull << 2,
  Sse41 = 1ull << 3,
  Sse42 = 1ull << 4,
  Popcnt = 1ull << 5,
  Lahf = 1ull << 6,
  Avx = 1ull << 7,
  Avx2 = 1ull << 8,
  Bmi = 1ull << 9,
  Bmi2 = 1ull << 10,
  F16c = 1ull << 11,
  Fma = 1ull << 12,
  Lzcnt = 1ull << 13,
  Movbe = 1ull << 14,
  Avx512f = 1ull << 15,
  Avx512bw = 1ull << 16,
  Avx512cd = 1ull << 17,
  Avx512dq = 1ull << 18,
  Avx512vl = 1ull << 19,
  Avx512vnni = 1ull << 20,
  Avx512bf16 = 1ull << 21,
  Avx512fp16 = 1ull << 22,
  Avx512vbmi = 1ull << 23,
  Avx512vbmi2 = 1ull << 24,
  Avx512ifma = 1ull << 25,
  Avx512bitalg = 1ull << 26,
  Avx512vpopcntdq = 1ull << 27,
  Avxvnni = 1ull << 28,
  Avxifma = 1ull << 29,
  Avxneconvert = 1ull << 30,
  Avxvnniint8 = 1ull << 31,
  Gfni = 1ull << 32,
  Vaes = 1ull << 33,
  AmxInt8 = 1ull << 34,
  AmxBf16 = 1ull << 35
};

constexpr uint64_t kV2 = Sse3 | Ssse3 | Cx16 | Sse41 | Sse42 | Popcnt | Lahf;
constexpr uint64_t kV3 = kV2 | Avx | Avx2 | Bmi | Bmi2 | F16c | Fma | Lzcnt | Movbe;
constexpr uint64_t kV4 = kV3 | Avx512f | Avx512bw | Avx512cd | Avx512dq | Avx512vl;

constexpr Named kLevels[] = {{"generic", 0},     {"x86-64", 0},      {"x86-64-v1", 0},
                             {"x86-64-v2", kV2}, {"x86-64-v3", kV3}, {"x86-64-v4", kV4}};

constexpr Named kFeatures[] = {{"sse3", Sse3},
                               {"ssse3", Ssse3},
                               {"cx16", Cx16},
                               {"sse4.1", Sse41},
                               {"sse4.2", Sse42},
                               {"popcnt", Popcnt},
                               {"sahf", Lahf},
                               {"avx", Avx},
                               {"avx2", Avx2},
                               {"bmi", Bmi},
                               {"bmi2", Bmi2},
                               {"f16c", F16c},
                               {"fma", Fma},
                               {"lzcnt", Lzcnt},
                               {"movbe", Movbe},
                               {"avx512f", Avx512f},
                               {"avx512bw", Avx512bw},
                               {"avx512cd", Avx512cd},
                               {"avx512dq", Avx512dq},
                               {"avx512vl", Avx512vl},
                               {"avx512vnni", Avx512vnni},
                               {"avx512bf16", Avx512bf16},
                               {"avx512fp16", Avx512fp16},
                               {"avx512vbmi", Avx512vbmi},
                               {"avx512vbmi2", Avx512vbmi2},
                               {"avx512ifma", Avx512ifma},
                               {"avx512bitalg", Avx512bitalg},
                               {"avx512vpopcntdq", Avx512vpopcntdq},
                               {"avxvnni", Avxvnni},
                               {"avxifma", Avxifma},
                               {"avxneconvert", Avxneconvert},
                               {"avxvnniint8", Avxvnniint8},
                               {"gfni", Gfni},
                               {"vaes", Vaes},
                               {"amx-int8", AmxInt8},
                               {"amx-bf16", AmxBf16}};

struct Leaf {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  Leaf(unsigned leaf, unsigned subleaf) { __get_cpuid_count(leaf, subleaf, &eax, &ebx, &ecx, &edx); }
};

uint64_t when(unsigned word, int bit, uint64_t feature) { return (word >> bit) & 1 ? feature : 0; }

// State components that the operating system saves: without them the registers must not be touched.
uint64_t enabledState(const Leaf &one) {
  if (!((one.ecx >> 27) & 1)) // OSXSAVE
    return 0;
  unsigned low, high;
  __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | static_cast<uint64_t>(high) << 32;
}

uint64_t vectorFeatures(const Leaf &one, const Leaf &seven, const Leaf &sevenOne) {
  return when(one.ecx, 28, Avx) | when(one.ecx, 12, Fma) | when(one.ecx, 29, F16c) | when(seven.ebx, 5, Avx2) |
         when(seven.ecx, 9, Vaes) | when(sevenOne.eax, 4, Avxvnni) | when(sevenOne.eax, 23, Avxifma) |
         when(sevenOne.edx, 4, Avxvnniint8) | when(sevenOne.edx, 5, Avxneconvert);
}

uint64_t wideFeatures(const Leaf &seven, const Leaf &sevenOne) {
  return when(seven.ebx, 16, Avx512f) | when(seven.ebx, 17, Avx512dq) | when(seven.ebx, 21, Avx512ifma) |
         when(seven.ebx, 28, Avx512cd) | when(seven.ebx, 30, Avx512bw) | when(seven.ebx, 31, Avx512vl) |
         when(seven.ecx, 1, Avx512vbmi) | when(seven.ecx, 6, Avx512vbmi2) | when(seven.ecx, 11, Avx512vnni) |
         when(seven.ecx, 12, Avx512bitalg) | when(seven.ecx, 14, Avx512vpopcntdq) | when(seven.edx, 23, Avx512fp16) |
         when(sevenOne.eax, 5, Avx512bf16);
}

uint64_t tileFeatures(const Leaf &seven) {
  return when(seven.edx, 24, when(seven.edx, 25, AmxInt8) | when(seven.edx, 22, AmxBf16));
}

// The kernel keeps the state of tiles for processes that ask for it, and may refuse. Only where code with tiles is at hand, since signal frames
// grow by it.
bool granted(uint64_t bits) {
  if (!(bits & (AmxInt8 | AmxBf16)))
    return true;
#if defined(__linux__)
  constexpr long kRequestPermission = 0x1023, kTileData = 18; // ARCH_REQ_XCOMP_PERM, the number of an XSAVE component
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

uint64_t detectBits() {
  Leaf one(1, 0), seven(7, 0), sevenOne(7, 1), extended(0x80000001u, 0);
  uint64_t bits = when(one.ecx, 0, Sse3) | when(one.ecx, 9, Ssse3) | when(one.ecx, 13, Cx16) | when(one.ecx, 19, Sse41) |
                  when(one.ecx, 20, Sse42) | when(one.ecx, 22, Movbe) | when(one.ecx, 23, Popcnt) | when(seven.ebx, 3, Bmi) |
                  when(seven.ebx, 8, Bmi2) | when(seven.ecx, 8, Gfni) | when(extended.ecx, 0, Lahf) |
                  when(extended.ecx, 5, Lzcnt);
  constexpr uint64_t kAvxState = 0x6, kAvx512State = 0xe6, kTileState = 0x60000;
  uint64_t state = enabledState(one);
  if ((state & kAvxState) == kAvxState)
    bits |= vectorFeatures(one, seven, sevenOne);
  if ((state & kAvx512State) == kAvx512State)
    bits |= wideFeatures(seven, sevenOne);
  if ((state & kTileState) == kTileState)
    bits |= tileFeatures(seven);
  return bits;
}

#elif defined(__aarch64__)

// Bits of HWCAP as they are; of HWCAP2 moved up by 32.
constexpr uint64_t hwcap(int bit) { return 1ull << bit; }
constexpr uint64_t hwcap2(int bit) { return 1ull << (32 + bit); }
constexpr uint64_t kSimd = hwcap(0) | hwcap(1), kCrc = hwcap(7), kLse = hwcap(8), kFp16 = hwcap(9) | hwcap(10), kRdm = hwcap(12),
                   kRcpc = hwcap(15), kDot = hwcap(20), kSve = hwcap(22), kFlagM = hwcap(27), kSve2 = hwcap2(1),
                   kI8mm = hwcap2(13), kBf16 = hwcap2(14);

constexpr Named kLevels[] = {{"generic", 0},
                             {"aarch64", kSimd},
                             {"aarch64:v8", kSimd},
                             {"aarch64:v8.1", kSimd | kCrc | kLse | kRdm},
                             {"aarch64:v8.2", kSimd | kCrc | kLse | kRdm},
                             {"aarch64:v8.4", kSimd | kCrc | kLse | kRdm | kDot | kRcpc | kFlagM},
                             {"aarch64:v8.6", kSimd | kCrc | kLse | kRdm | kDot | kRcpc | kFlagM | kI8mm | kBf16}};

constexpr Named kFeatures[] = {{"neon", kSimd},        {"crc", kCrc},   {"lse", kLse},     {"fullfp16", kFp16},
                               {"rdm", kRdm},          {"rcpc", kRcpc}, {"dotprod", kDot}, {"sve", kSve},
                               {"sve2", kSve | kSve2}, {"i8mm", kI8mm}, {"bf16", kBf16}};

bool granted(uint64_t) { return true; }
uint64_t detectBits() { return (getauxval(AT_HWCAP) & 0xffffffffull) | (static_cast<uint64_t>(getauxval(AT_HWCAP2)) << 32); }

#else

constexpr Named kLevels[] = {{"generic", 0}};
constexpr Named kFeatures[] = {{"none", ~0ull}};
bool granted(uint64_t) { return true; }
uint64_t detectBits() { return 0; }

#endif

template <size_t N> const Named *find(const Named (&table)[N], const char *name, size_t length) {
  for (const Named &row : table)
    if (strlen(row.name) == length && memcmp(row.name, name, length) == 0)
      return &row;
  return nullptr;
}

// Calls visit(part, length, row) for the level (if any) and each feature of a requirement; row is NULL for an unknown one.
template <typename Visitor> void forEachPart(const char *requirement, Visitor visit) {
  for (const char *part = requirement; *part;) {
    bool feature = *part == '+';
    const char *begin = part + (feature ? 1 : 0);
    size_t length = strcspn(begin, "+");
    visit(part, length + (feature ? 1 : 0), feature ? find(kFeatures, begin, length) : find(kLevels, begin, length));
    part = begin + length;
  }
}

} // namespace

Features laic::rt::cpu::detect() {
  Features features = {detectBits()};
  if (const char *limit = getenv("LAIC_CPU")) {
    uint64_t allowed = 0;
    forEachPart(limit, [&](const char *, size_t, const Named *row) { allowed |= row ? row->bits : 0; });
    features.bits &= allowed;
  }
  return features;
}

bool laic::rt::cpu::satisfies(Features features, const char *requirement, char *missing, size_t capacity) {
  bool all = true;
  forEachPart(requirement, [&](const char *part, size_t length, const Named *row) {
    if (!all || (row && (features.bits & row->bits) == row->bits && granted(row->bits)))
      return;
    all = false;
    snprintf(missing, capacity, "%.*s", static_cast<int>(length < 64 ? length : 64), part);
  });
  return all;
}
