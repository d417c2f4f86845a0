// Rounds f32 to f16 and bf16 by integer arithmetic.
#include "HalfConstants.h"

#include "llvm/ADT/bit.h"

#include <algorithm>
#include <cmath>

using namespace laic;

namespace {

constexpr uint32_t kSign = 0x80000000;
constexpr uint32_t kInfinity = 0x7f800000;

/// f32 loses its last 16 bits.
struct ToBF16 {
  static uint16_t round(float x) {
    auto bits = llvm::bit_cast<uint32_t>(x);
    if ((bits & ~kSign) > kInfinity)
      return static_cast<uint16_t>(bits >> 16 | 0x40); // a quiet NaN
    return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  static float widen(uint16_t half) { return llvm::bit_cast<float>(static_cast<uint32_t>(half) << 16); }
};

/// 10 bits of fraction, 5 of exponent.
struct ToF16 {
  static uint16_t round(float x) {
    constexpr uint32_t kLeastInfinite = 0x477ff000; // 65520, the middle between the largest finite f16 and the next power of two
    constexpr uint32_t kLeastNormal = 0x38800000;   // 2^-14
    constexpr uint32_t kLost = 13;                  // bits of the fraction
    constexpr uint32_t kRebias = (127 - 15) << 23;
    auto bits = llvm::bit_cast<uint32_t>(x);
    auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
    bits &= ~kSign;
    if (bits > kInfinity)
      return sign | 0x7e00;
    if (bits >= kLeastInfinite)
      return sign | 0x7c00;
    if (bits < kLeastNormal) { // the last bit of 0.5 + |x| in f32 is the unit of subnormal f16
      float shifted = llvm::bit_cast<float>(bits) + 0.5f;
      return sign | static_cast<uint16_t>(llvm::bit_cast<uint32_t>(shifted) - llvm::bit_cast<uint32_t>(0.5f));
    }
    bits += 0xfff + (bits >> kLost & 1);
    return sign | static_cast<uint16_t>((bits - kRebias) >> kLost);
  }
  /// Of a finite one.
  static float widen(uint16_t half) {
    float magnitude = llvm::bit_cast<float>((half & 0x7fffU) << 13) * 0x1p112f;
    return half & 0x8000 ? -magnitude : magnitude;
  }
};

template <typename To> HalfConstants roundAll(llvm::ArrayRef<float> values, double greatest) {
  HalfConstants result;
  result.bits.reserve(values.size());
  for (float x : values) {
    uint16_t half = To::round(x);
    result.bits.push_back(half);
    if (!std::isfinite(x))
      continue;
    double magnitude = std::abs(x);
    result.largest = std::max(result.largest, magnitude);
    result.nonZero += x != 0;
    if (magnitude > greatest)
      continue;
    double rounded = To::widen(half), difference = rounded - x;
    result.lost += x != 0 && rounded == 0;
    result.signal += double(x) * x;
    result.noise += difference * difference;
  }
  return result;
}

} // namespace

HalfConstants laic::roundToHalves(llvm::ArrayRef<float> values, mlir::Type narrow) {
  constexpr double kLargestBF16 = 0x1.fep127;
  return narrow.isF16() ? roundAll<ToF16>(values, kLargestF16) : roundAll<ToBF16>(values, kLargestBF16);
}
