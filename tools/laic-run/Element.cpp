// Decoding and encoding of elements. Small floats share one description: exponent bits, mantissa bits, bias, special values.
#include "Element.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace laic;
using namespace laic::run;

namespace {

enum class Special { Ieee, NanOnly, NanIsMinusZero, None };

struct SmallFloat {
  int exponentBits;
  int mantissaBits;
  int bias;
  Special special;
};

bool describe(laic_type_t type, SmallFloat &out) {
  switch (type) {
  case LAIC_F16:
    out = {5, 10, 15, Special::Ieee};
    return true;
  case LAIC_BF16:
    out = {8, 7, 127, Special::Ieee};
    return true;
  case LAIC_F8E4M3FN:
    out = {4, 3, 7, Special::NanOnly};
    return true;
  case LAIC_F8E4M3FNUZ:
    out = {4, 3, 8, Special::NanIsMinusZero};
    return true;
  case LAIC_F8E5M2:
    out = {5, 2, 15, Special::Ieee};
    return true;
  case LAIC_F8E5M2FNUZ:
    out = {5, 2, 16, Special::NanIsMinusZero};
    return true;
  case LAIC_F4E2M1:
    out = {2, 1, 1, Special::None};
    return true;
  default:
    return false;
  }
}

double decodeSmall(const SmallFloat &form, uint32_t bits) {
  const uint32_t mantissa = bits & ((1u << form.mantissaBits) - 1);
  const uint32_t top = (1u << form.exponentBits) - 1;
  const uint32_t exponent = (bits >> form.mantissaBits) & top;
  const bool negative = (bits >> (form.mantissaBits + form.exponentBits)) & 1;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  double value;
  if (form.special == Special::NanIsMinusZero && negative && exponent == 0 && mantissa == 0)
    return nan;
  if (form.special == Special::NanOnly && exponent == top && mantissa == (1u << form.mantissaBits) - 1)
    return nan;
  if (form.special == Special::Ieee && exponent == top) {
    if (mantissa)
      return nan;
    value = std::numeric_limits<double>::infinity();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<double>(mantissa), 1 - form.bias - form.mantissaBits);
  } else {
    value = std::ldexp(static_cast<double>(mantissa | 1u << form.mantissaBits),
                       static_cast<int>(exponent) - form.bias - form.mantissaBits);
  }
  return negative ? -value : value;
}

// Halves the range of magnitudes until two neighbours are left: codes of one sign are ordered.
uint32_t encodeSmall(const SmallFloat &form, double value) {
  const uint32_t sign = 1u << (form.mantissaBits + form.exponentBits);
  const double magnitude = std::fabs(value);
  uint32_t low = 0, high = sign - 1;
  while (high > 0 && !std::isfinite(decodeSmall(form, high)))
    --high;
  while (high - low > 1) {
    uint32_t middle = (low + high) / 2;
    (decodeSmall(form, middle) <= magnitude ? low : high) = middle;
  }
  bool up = decodeSmall(form, high) - magnitude < magnitude - decodeSmall(form, low);
  uint32_t code = up ? high : low;
  return value < 0 && code ? code | sign : code;
}

template <typename T> T load(const void *element) {
  T value;
  memcpy(&value, element, sizeof value);
  return value;
}

template <typename T> void storeAs(double value, void *element) {
  T typed = static_cast<T>(value);
  memcpy(element, &typed, sizeof typed);
}

} // namespace

NpyForm run::npyForm(laic_type_t type) {
  switch (type) {
  case LAIC_F32:
  case LAIC_F16:
  case LAIC_F64:
    return {'f', laic_type_size(type)};
  case LAIC_BOOL:
    return {'b', 1};
  case LAIC_STRING:
    return {'U', 0}; // of any width, or S
  default:
    return {isSigned(type) ? 'i' : 'u', laic_type_size(type)};
  }
}

bool run::isFloat(laic_type_t type) {
  SmallFloat form;
  return type == LAIC_F32 || type == LAIC_F64 || type == LAIC_F8E8M0 || describe(type, form);
}

bool run::isSigned(laic_type_t type) {
  return type == LAIC_I8 || type == LAIC_I16 || type == LAIC_I32 || type == LAIC_I64 || type == LAIC_I4 || type == LAIC_I2;
}

uint64_t run::decodeInteger(laic_type_t type, const void *element) {
  switch (type) {
  case LAIC_I8:
  case LAIC_I4:
  case LAIC_I2:
    return static_cast<uint64_t>(static_cast<int64_t>(load<int8_t>(element)));
  case LAIC_I16:
    return static_cast<uint64_t>(static_cast<int64_t>(load<int16_t>(element)));
  case LAIC_I32:
    return static_cast<uint64_t>(static_cast<int64_t>(load<int32_t>(element)));
  case LAIC_U16:
    return load<uint16_t>(element);
  case LAIC_U32:
    return load<uint32_t>(element);
  case LAIC_I64:
  case LAIC_U64:
    return load<uint64_t>(element);
  default:
    return load<uint8_t>(element);
  }
}

double run::decode(laic_type_t type, const void *element) {
  SmallFloat form;
  if (type == LAIC_F32)
    return load<float>(element);
  if (type == LAIC_F64)
    return load<double>(element);
  if (type == LAIC_F8E8M0) {
    const int exponent = load<uint8_t>(element);
    return exponent == 255 ? std::numeric_limits<double>::quiet_NaN() : std::ldexp(1.0, exponent - 127);
  }
  if (describe(type, form))
    return decodeSmall(form, laic_type_size(type) == 2 ? load<uint16_t>(element) : load<uint8_t>(element));
  const uint64_t bits = decodeInteger(type, element);
  return isSigned(type) ? static_cast<double>(static_cast<int64_t>(bits)) : static_cast<double>(bits);
}

void run::encode(laic_type_t type, double value, void *element) {
  SmallFloat form;
  if (type == LAIC_F32)
    return storeAs<float>(value, element);
  if (type == LAIC_F64)
    return storeAs<double>(value, element);
  if (type == LAIC_F8E8M0)
    return storeAs<uint8_t>(127 + std::round(std::log2(std::fabs(value) + 0x1p-20)), element);
  if (describe(type, form)) {
    uint32_t code = encodeSmall(form, value);
    return laic_type_size(type) == 2 ? storeAs<uint16_t>(code, element) : storeAs<uint8_t>(code, element);
  }
  switch (laic_type_size(type)) {
  case 1:
    return isSigned(type) ? storeAs<int8_t>(value, element) : storeAs<uint8_t>(value, element);
  case 2:
    return isSigned(type) ? storeAs<int16_t>(value, element) : storeAs<uint16_t>(value, element);
  case 4:
    return isSigned(type) ? storeAs<int32_t>(value, element) : storeAs<uint32_t>(value, element);
  default:
    return isSigned(type) ? storeAs<int64_t>(value, element) : storeAs<uint64_t>(value, element);
  }
}

bool run::isValid(laic_type_t type, const void *element) {
  const int value = isSigned(type) ? load<int8_t>(element) : load<uint8_t>(element);
  switch (type) {
  case LAIC_BOOL:
    return value <= 1;
  case LAIC_I4:
    return value >= -8 && value <= 7;
  case LAIC_U4:
  case LAIC_F4E2M1:
    return value <= 15;
  case LAIC_I2:
    return value >= -2 && value <= 1;
  case LAIC_U2:
    return value <= 3;
  default:
    return true;
  }
}
