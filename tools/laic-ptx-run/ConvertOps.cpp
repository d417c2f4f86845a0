// Conversions: cvt between integers, floats, f16, bf16 and tf32, and the packing forms to f16x2 and bf16x2.
#include "Lanes.h"
#include "Numbers.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

// Integers travel as 64 bits, sign-extended where their type is signed; floats as double, which holds every one of them exactly.
struct Values {
  uint64_t integers[kWarpSize];
  double floats[kWarpSize];
};

bool isInteger(Type type) { return !isFloat(type); }

template <typename T> void loadIntegers(Warp &warp, const Operand &operand, Values &values) {
  T narrow[kWarpSize];
  loadWide(warp, operand, narrow);
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    values.integers[lane] = static_cast<uint64_t>(narrow[lane]);
}

void load(Warp &warp, const Operand &operand, Type type, Values &values) {
  switch (type) {
  case Type::S8:
    return loadIntegers<int8_t>(warp, operand, values);
  case Type::S16:
    return loadIntegers<int16_t>(warp, operand, values);
  case Type::S32:
    return loadIntegers<int32_t>(warp, operand, values);
  case Type::U8:
  case Type::B8:
    return loadIntegers<uint8_t>(warp, operand, values);
  case Type::U16:
  case Type::B16:
    return loadIntegers<uint16_t>(warp, operand, values);
  case Type::U32:
  case Type::B32:
    return loadIntegers<uint32_t>(warp, operand, values);
  case Type::F16:
    loadIntegers<uint16_t>(warp, operand, values);
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      values.floats[lane] = halfToFloat(static_cast<uint16_t>(values.integers[lane]));
    return;
  case Type::BF16:
    loadIntegers<uint16_t>(warp, operand, values);
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      values.floats[lane] = bfloatToFloat(static_cast<uint16_t>(values.integers[lane]));
    return;
  case Type::F32:
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      values.floats[lane] = warp.lanes<float>(operand)[lane];
    return;
  case Type::F64:
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      values.floats[lane] = warp.lanes<double>(operand)[lane];
    return;
  default:
    return loadIntegers<uint64_t>(warp, operand, values);
  }
}

void storeIntegers(Warp &warp, const Operand &operand, Type type, const uint64_t (&values)[kWarpSize], uint32_t mask) {
  const auto as = [&](auto example) {
    decltype(example) narrow[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      narrow[lane] = static_cast<decltype(example)>(values[lane]);
    storeWide(warp, operand, narrow, mask);
  };
  switch (type) {
  case Type::S8:
    return as(int8_t());
  case Type::S16:
    return as(int16_t());
  case Type::S32:
    return as(int32_t());
  case Type::U8:
  case Type::B8:
    return as(uint8_t());
  case Type::U16:
  case Type::B16:
  case Type::F16:
  case Type::BF16:
    return as(uint16_t());
  case Type::U32:
  case Type::B32:
    return as(uint32_t());
  default:
    return as(uint64_t());
  }
}

double integral(double value, Rounding rounding) {
  switch (rounding) {
  case Rounding::Zero:
    return std::trunc(value);
  case Rounding::Down:
    return std::floor(value);
  case Rounding::Up:
    return std::ceil(value);
  default:
    return std::nearbyint(value); // the host rounds to nearest, ties to even
  }
}

struct Limits {
  double least, most;
  uint64_t leastBits, mostBits;
};

Limits limitsOf(Type type) {
  const unsigned bits = 8 * sizeOf(type);
  if (isSigned(type))
    return {-std::ldexp(1.0, static_cast<int>(bits - 1)), std::ldexp(1.0, static_cast<int>(bits - 1)), ~0ull << (bits - 1),
            (1ull << (bits - 1)) - 1};
  return {0, std::ldexp(1.0, static_cast<int>(bits)), 0, bits == 64 ? ~0ull : (1ull << bits) - 1};
}

// Out of range saturates, NaN gives 0.
uint64_t toInteger(double value, const Limits &limits, bool isSignedType) {
  if (std::isnan(value))
    return 0;
  if (value < limits.least)
    return limits.leastBits;
  if (value >= limits.most)
    return limits.mostBits;
  return isSignedType ? static_cast<uint64_t>(static_cast<int64_t>(value)) : static_cast<uint64_t>(value);
}

void integerToInteger(Warp &warp, const Instruction &i, uint32_t mask) {
  Values values;
  load(warp, i.operands[1], i.source, values);
  if (i.saturate) {
    const Limits limits = limitsOf(i.type);
    for (uint64_t &value : values.integers) {
      const bool negative = isSigned(i.source) && static_cast<int64_t>(value) < 0;
      if (negative)
        value = static_cast<uint64_t>(std::max(static_cast<int64_t>(value), static_cast<int64_t>(limits.leastBits)));
      else
        value = std::min(value, limits.mostBits);
    }
  }
  storeIntegers(warp, i.operands[0], i.type, values.integers, mask);
}

void floatToInteger(Warp &warp, const Instruction &i, uint32_t mask) {
  Values values;
  load(warp, i.operands[1], i.source, values);
  const Limits limits = limitsOf(i.type);
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const double value = i.flush ? flushed(static_cast<float>(values.floats[lane])) : values.floats[lane];
    values.integers[lane] = toInteger(integral(value, i.rounding), limits, isSigned(i.type));
  }
  storeIntegers(warp, i.operands[0], i.type, values.integers, mask);
}

// The bits of a 64-bit integer as T under the host's rounding mode.
template <typename T> T fromInteger(uint64_t value, bool isSignedType) {
  volatile int64_t asSigned = static_cast<int64_t>(value);
  volatile uint64_t asUnsigned = value;
  volatile T out;
  if (isSignedType)
    out = static_cast<T>(asSigned);
  else
    out = static_cast<T>(asUnsigned);
  return out;
}

void integerToFloat(Warp &warp, const Instruction &i, uint32_t mask) {
  Values values;
  load(warp, i.operands[1], i.source, values);
  const bool isSignedType = isSigned(i.source);
  const RoundingScope scope(i.rounding);
  if (i.type == Type::F64) {
    double out[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      out[lane] = fromInteger<double>(values.integers[lane], isSignedType);
    return storeLanes(warp, i.operands[0], out, mask);
  }
  if (i.type == Type::F32) {
    float out[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      out[lane] = fromInteger<float>(values.integers[lane], isSignedType);
    return storeLanes(warp, i.operands[0], out, mask);
  }
  uint16_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    // Integers beyond 2^53 lose digits in double, but keep a trace of them for the last rounding.
    const uint64_t value = values.integers[lane];
    const RoundingScope nearest(Rounding::Nearest);
    const double high = isSignedType ? static_cast<double>(static_cast<int64_t>(value) >> 32) : static_cast<double>(value >> 32);
    const double exact = addOdd(high * 0x1p32, static_cast<double>(value & 0xffffffff));
    out[lane] = i.type == Type::F16 ? toHalf(exact, i.rounding) : toBfloat(exact, i.rounding);
  }
  storeWide(warp, i.operands[0], out, mask);
}

double adjusted(const Instruction &i, double value) {
  if (i.flush && (i.source == Type::F32 || i.source == Type::F64))
    value = i.source == Type::F32 ? flushed(static_cast<float>(value)) : value;
  if (i.integral)
    value = integral(value, i.rounding);
  if (i.saturate)
    value = saturated(value);
  if (i.relu)
    value = std::isnan(value) ? value : std::max(value, 0.0);
  return value;
}

float toSingle(double value, Rounding rounding) {
  const RoundingScope scope(rounding);
  volatile double in = value;
  volatile float out = static_cast<float>(in);
  return out;
}

void floatToFloat(Warp &warp, const Instruction &i, uint32_t mask) {
  Values values;
  load(warp, i.operands[1], i.source, values);
  for (double &value : values.floats)
    value = adjusted(i, value);
  const Rounding rounding = i.integral ? Rounding::Nearest : i.rounding;
  if (i.type == Type::F64)
    return storeLanes(warp, i.operands[0], values.floats, mask);
  if (i.type == Type::F32) {
    float out[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      out[lane] =
          rounding == Rounding::Nearest ? static_cast<float>(values.floats[lane]) : toSingle(values.floats[lane], rounding);
      out[lane] = i.flush ? flushed(out[lane]) : out[lane];
    }
    return storeLanes(warp, i.operands[0], out, mask);
  }
  uint16_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = i.type == Type::F16 ? toHalf(values.floats[lane], rounding) : toBfloat(values.floats[lane], rounding);
  storeWide(warp, i.operands[0], out, mask);
}

// .satfinite of the packing forms and of f32: no infinity, NaN stays one.
double finite(double value, double largest) { return std::isnan(value) ? value : std::clamp(value, -largest, largest); }

// cvt.rn.f16x2.f32 d, a, b: a becomes the upper half.
void packHalves(Warp &warp, const Instruction &i, uint32_t mask) {
  const float *a = warp.lanes<float>(i.operands[1]), *b = warp.lanes<float>(i.operands[2]);
  const bool brain = i.type == Type::BF16x2;
  const auto narrow = [&](float value) {
    if (i.relu)
      value = maximum(value, 0.0f, true);
    const double in = i.saturate ? finite(value, brain ? 0x1.fep127 : 65504) : static_cast<double>(value);
    if (i.rounding == Rounding::Nearest)
      return brain ? floatToBfloat(static_cast<float>(in)) : floatToHalf(static_cast<float>(in));
    return brain ? toBfloat(in, i.rounding) : toHalf(in, i.rounding);
  };
  uint32_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = narrow(b[lane]) | static_cast<uint32_t>(narrow(a[lane])) << 16;
  storeLanes(warp, i.operands[0], out, mask);
}

// cvt.rn.satfinite.e4m3x2.f32 d, a, b: a becomes the upper byte.
void packBytes(Warp &warp, const Instruction &i, uint32_t mask) {
  const float *a = warp.lanes<float>(i.operands[1]), *b = warp.lanes<float>(i.operands[2]);
  const auto narrow = [&](float value) {
    value = i.relu ? maximum(value, 0.0f, true) : value;
    return i.type == Type::E4M3x2 ? toE4m3(value) : toE5m2(value);
  };
  uint16_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = static_cast<uint16_t>(narrow(b[lane]) | narrow(a[lane]) << 8);
  storeLanes(warp, i.operands[0], out, mask);
}

// cvt.rn.f16x2.e4m3x2: every value of the 8-bit formats is one of f16.
void unpackBytes(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint8_t *in = warp.lanes<uint8_t>(i.operands[1]);
  uint32_t out[kWarpSize];
  const auto widen = [&](uint8_t bits) {
    const float value = i.source == Type::E4M3x2 ? e4m3ToFloat(bits) : e5m2ToFloat(bits);
    return floatToHalf(i.relu ? maximum(value, 0.0f, true) : value);
  };
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = widen(in[2 * lane]) | static_cast<uint32_t>(widen(in[2 * lane + 1])) << 16;
  storeLanes(warp, i.operands[0], out, mask);
}

void toTensorFloat(Warp &warp, const Instruction &i, uint32_t mask) {
  const float *in = warp.lanes<float>(i.operands[1]);
  float out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    float value = i.relu ? maximum(in[lane], 0.0f, true) : in[lane];
    value = static_cast<float>(roundTo(value, 10, -126, 0x1.ffcp127, i.rounding));
    out[lane] = i.saturate ? static_cast<float>(finite(value, 0x1.ffcp127)) : value;
  }
  storeLanes(warp, i.operands[0], out, mask);
}

void takeConversionRounding(Decoding &d) {
  const int mode = d.takeOneOf({"rn", "rz", "rm", "rp", "rna", "rni", "rzi", "rmi", "rpi"});
  constexpr Rounding kModes[] = {Rounding::Nearest, Rounding::Zero, Rounding::Down, Rounding::Up, Rounding::NearestAway};
  d.out.integral = mode >= 5;
  d.out.rounding = mode < 0 ? Rounding::Nearest : kModes[d.out.integral ? mode - 5 : mode];
}

void decodePacking(Decoding &d) {
  d.out.saturate = d.take("satfinite");
  d.expectCount(3);
  if (d.out.source != Type::F32 || d.out.integral)
    d.unsupported();
  d.destination(0, d.out.type);
  d.source(1, Type::F32);
  d.source(2, Type::F32);
  d.out.execute = packHalves;
}

void decodeBytePacking(Decoding &d) {
  d.out.saturate = d.take("satfinite");
  if (d.out.source != Type::F32 || d.out.rounding != Rounding::Nearest || !d.out.saturate)
    d.unsupported();
  d.expectCount(3);
  d.destination(0, d.out.type);
  d.source(1, Type::F32);
  d.source(2, Type::F32);
  d.out.execute = packBytes;
}

void decodeByteUnpacking(Decoding &d) {
  if (d.out.type != Type::F16x2)
    d.unsupported();
  d.expectCount(2);
  d.destination(0, Type::F16x2);
  d.source(1, d.out.source);
  d.out.execute = unpackBytes;
}

void decodeTensorFloat(Decoding &d) {
  d.out.saturate = d.take("satfinite");
  d.expectCount(2);
  if (d.out.source != Type::F32 || d.out.integral)
    d.unsupported();
  d.destination(0, Type::TF32);
  d.source(1, Type::F32);
  d.out.execute = toTensorFloat;
}

} // namespace

bool laic::ptx::decodeConvert(Decoding &d) {
  if (!d.is("cvt"))
    return false;
  takeConversionRounding(d);
  d.out.flush = d.take("ftz");
  d.out.saturate = d.take("sat");
  d.out.relu = d.take("relu");
  d.out.type = d.takeType();
  d.out.source = d.takeType();
  if (d.out.type == Type::E4M3x2 || d.out.type == Type::E5M2x2)
    return decodeBytePacking(d), true;
  if (d.out.source == Type::E4M3x2 || d.out.source == Type::E5M2x2)
    return decodeByteUnpacking(d), true;
  if (d.out.type == Type::F16x2 || d.out.type == Type::BF16x2)
    return decodePacking(d), true;
  if (d.out.type == Type::TF32)
    return decodeTensorFloat(d), true;
  const auto known = [](Type type) {
    return type == Type::F16 || type == Type::BF16 || type == Type::F32 || type == Type::F64 ||
           (isInteger(type) && type != Type::Pred && type != Type::B128);
  };
  if (!known(d.out.type) || !known(d.out.source))
    d.unsupported();
  d.expectCount(2);
  d.wideDestination(d.syntax(0), d.out.type);
  d.wideSource(d.syntax(1), d.out.source);
  if (isInteger(d.out.type))
    d.out.execute = isInteger(d.out.source) ? integerToInteger : floatToInteger;
  else
    d.out.execute = isInteger(d.out.source) ? integerToFloat : floatToFloat;
  if (d.out.execute == floatToInteger && !d.out.integral)
    d.refuse("expects .rni, .rzi, .rmi or .rpi");
  return true;
}
