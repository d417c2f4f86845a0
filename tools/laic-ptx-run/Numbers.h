// Conversions between floating-point formats, rounding and flushing, bit for bit as PTX defines them.
#ifndef LAIC_PTX_NUMBERS_H
#define LAIC_PTX_NUMBERS_H

#include "Instruction.h"

#include <cfenv>
#include <cmath>
#include <cstring>

namespace laic {
namespace ptx {

template <typename To, typename From> To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "a bit cast keeps the size");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

constexpr uint32_t kCanonicalNan = 0x7fffffff; // of f32; 0x7fff of f16 and bf16

// binary16, written without branches so that loops over it vectorise.
inline float halfToFloat(uint16_t half) {
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  const uint32_t finite = bitCast<uint32_t>(bitCast<float>(magnitude) * 0x1p112f);
  const uint32_t special = magnitude | 0x7f800000;
  const uint32_t bits = (half & 0x7c00) == 0x7c00 ? special : finite;
  return bitCast<float>(bits | static_cast<uint32_t>(half & 0x8000) << 16);
}

inline float bfloatToFloat(uint16_t bits) { return bitCast<float>(static_cast<uint32_t>(bits) << 16); }

// The 8-bit formats: e5m2 is a shorter binary16; e4m3 has no infinity, and one NaN of each sign.
inline float e5m2ToFloat(uint8_t bits) { return halfToFloat(static_cast<uint16_t>(bits << 8)); }
inline float e4m3ToFloat(uint8_t bits) {
  const uint32_t magnitude = bits & 0x7f;
  // Four bits of exponent, biased by 7: as f32 with the bias 127, a factor of 2^120 too small.
  const float value = magnitude == 0x7f ? bitCast<float>(kCanonicalNan) : bitCast<float>(magnitude << 20) * 0x1p120f;
  return bits & 0x80 ? -value : value;
}
// With saturation: beyond the largest finite value that one; NaN stays NaN.
uint8_t toE4m3(double value);
uint8_t toE5m2(double value);

inline uint16_t floatToHalf(float value) {
  const uint32_t bits = bitCast<uint32_t>(value), magnitude = bits & 0x7fffffff;
  // Rounding at 2^-24 for what becomes subnormal; else half of the lost bits plus the tie's parity.
  const uint32_t small = bitCast<uint32_t>(bitCast<float>(magnitude) + 0.5f) - 0x3f000000;
  const uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
  uint32_t out = magnitude < 0x38800000 ? small : normal;
  out = magnitude >= 0x477ff000 ? 0x7c00 : out; // 65520 and above round to infinity
  out = magnitude > 0x7f800000 ? 0x7fff : out;
  return static_cast<uint16_t>(out | (magnitude > 0x7f800000 ? 0 : bits >> 16 & 0x8000));
}

inline uint16_t floatToBfloat(float value) {
  const uint32_t bits = bitCast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return static_cast<uint16_t>((bits & 0x7fffffff) > 0x7f800000 ? 0x7fff : rounded);
}

// A float that carries in its last bit whether anything was lost, so that a second rounding to at most 22 bits is right.
inline float toFloatOdd(double value) {
  const float nearest = static_cast<float>(value);
  const double back = nearest;
  if (back == value || std::isnan(value))
    return nearest;
  uint32_t bits = bitCast<uint32_t>(nearest);
  if (std::fabs(back) > std::fabs(value)) // truncate first
    --bits;
  return bitCast<float>(bits | 1);
}

// The sum of two doubles with the same property.
inline double addOdd(double a, double b) {
  const double sum = a + b;
  if (!std::isfinite(sum))
    return sum;
  const double part = sum - a;
  const double error = (a - (sum - part)) + (b - part);
  if (error == 0 || (bitCast<uint64_t>(sum) & 1))
    return sum;
  return bitCast<double>(bitCast<uint64_t>(sum) + ((error > 0) == (sum > 0) ? 1 : -1ull));
}

// Rounds to a format of `mantissa` explicit bits, exponents from `least` and magnitudes up to `largest`; every rounding mode.
// Overflow gives infinity or `largest`, as the mode says.
double roundTo(double value, int mantissa, int least, double largest, Rounding rounding);

uint16_t toHalf(double value, Rounding rounding);
uint16_t toBfloat(double value, Rounding rounding);

// -0 is less than +0; a NaN loses unless `nan` holds.
template <typename T> T minimum(T a, T b, bool nan) {
  if (std::isnan(a) || std::isnan(b)) {
    if (nan || (std::isnan(a) && std::isnan(b)))
      return bitCast<T>(sizeof(T) == 4 ? static_cast<std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>(kCanonicalNan)
                                       : static_cast<std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>(0x7fffffffffffffff));
    return std::isnan(a) ? b : a;
  }
  if (a == b)
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
template <typename T> T maximum(T a, T b, bool nan) {
  if (std::isnan(a) || std::isnan(b))
    return minimum(a, b, nan);
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

inline float flushed(float value) { return std::fabs(value) < 0x1p-126f ? std::copysign(0.0f, value) : value; }
inline double flushed(double value) { return value; } // .ftz is of f32 alone

// To [0, 1]; NaN becomes 0.
template <typename T> T saturated(T value) { return value > 0 ? (value < 1 ? value : T(1)) : T(0); }

// Sets the host's rounding for directed arithmetic.
class RoundingScope {
public:
  explicit RoundingScope(Rounding rounding) : before(fegetround()) {
    fesetround(rounding == Rounding::Zero   ? FE_TOWARDZERO
               : rounding == Rounding::Down ? FE_DOWNWARD
               : rounding == Rounding::Up   ? FE_UPWARD
                                            : FE_TONEAREST);
  }
  ~RoundingScope() { fesetround(before); }
  RoundingScope(const RoundingScope &) = delete;
  RoundingScope &operator=(const RoundingScope &) = delete;

private:
  int before;
};

} // namespace ptx
} // namespace laic
#endif
