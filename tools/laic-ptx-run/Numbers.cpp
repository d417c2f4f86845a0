// Rounding to narrow formats in every mode.
#include "Numbers.h"

using namespace laic::ptx;

double laic::ptx::roundTo(double value, int mantissa, int least, double largest, Rounding rounding) {
  if (!std::isfinite(value) || value == 0)
    return value;
  int exponent;
  frexp(value, &exponent); // value = m * 2^exponent, m in [0.5, 1)
  const int unit = std::max(exponent - 1, least) - mantissa;
  const double scaled = ldexp(std::fabs(value), -unit);
  const double below = std::floor(scaled), rest = scaled - below;
  const bool negative = std::signbit(value);
  bool up = false;
  switch (rounding) {
  case Rounding::Nearest:
    up = rest > 0.5 || (rest == 0.5 && std::fmod(below, 2) != 0);
    break;
  case Rounding::NearestAway:
    up = rest >= 0.5;
    break;
  case Rounding::Zero:
    break;
  case Rounding::Down:
    up = rest > 0 && negative;
    break;
  case Rounding::Up:
    up = rest > 0 && !negative;
    break;
  }
  double magnitude = ldexp(below + (up ? 1 : 0), unit);
  if (magnitude > largest) {
    const bool toInfinity = rounding == Rounding::Nearest || rounding == Rounding::NearestAway ||
                            (rounding == Rounding::Down && negative) || (rounding == Rounding::Up && !negative);
    magnitude = toInfinity ? INFINITY : largest;
  }
  return negative ? -magnitude : magnitude;
}

uint16_t laic::ptx::toHalf(double value, Rounding rounding) {
  if (rounding == Rounding::Nearest)
    return floatToHalf(toFloatOdd(value));
  return floatToHalf(static_cast<float>(roundTo(value, 10, -14, 65504, rounding)));
}

uint16_t laic::ptx::toBfloat(double value, Rounding rounding) {
  if (rounding == Rounding::Nearest)
    return floatToBfloat(toFloatOdd(value));
  return floatToBfloat(static_cast<float>(roundTo(value, 7, -126, 0x1.fep127, rounding)));
}

uint8_t laic::ptx::toE4m3(double value) {
  constexpr double kLargest = 448;
  if (std::isnan(value))
    return 0x7f;
  const double rounded = roundTo(std::fmin(std::fabs(value), kLargest), 3, -6, kLargest, Rounding::Nearest);
  const uint32_t bits = bitCast<uint32_t>(static_cast<float>(rounded) * 0x1p-120f) >> 20;
  return static_cast<uint8_t>(bits | (std::signbit(value) ? 0x80 : 0));
}

uint8_t laic::ptx::toE5m2(double value) {
  constexpr double kLargest = 57344;
  if (std::isnan(value))
    return 0x7f;
  const double rounded = roundTo(std::fmin(std::fabs(value), kLargest), 2, -14, kLargest, Rounding::Nearest);
  return static_cast<uint8_t>(floatToHalf(static_cast<float>(rounded)) >> 8 | (std::signbit(value) ? 0x80 : 0));
}
