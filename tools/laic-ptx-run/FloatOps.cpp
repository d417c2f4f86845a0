// f32, f64 and f32x2 arithmetic: add, sub, mul, fma, mad, div, rcp, sqrt, rsqrt, neg, abs, min, max, ex2, lg2, sin, cos, tanh, copysign,
// testp.
//
// Approximate instructions give the correctly rounded result where the host's library does: hardware may be off by what PTX allows.
#include "Lanes.h"
#include "Numbers.h"

using namespace laic::ptx;

namespace {

struct Add {
  template <typename T> static T apply(T a, T b) { return a + b; }
};
struct Sub {
  template <typename T> static T apply(T a, T b) { return a - b; }
};
struct Mul {
  template <typename T> static T apply(T a, T b) { return a * b; }
};
struct Div {
  template <typename T> static T apply(T a, T b) { return a / b; }
};
struct Fma {
  template <typename T> static T apply(T a, T b, T c) { return std::fma(a, b, c); }
};
struct Neg {
  template <typename T> static T apply(T a) { return -a; }
};
struct Abs {
  template <typename T> static T apply(T a) { return std::fabs(a); }
};
struct Sqrt {
  template <typename T> static T apply(T a) { return std::sqrt(a); }
};
struct Rcp {
  template <typename T> static T apply(T a) { return T(1) / a; }
};
// The others are evaluated in double: one rounding to f32 at the end.
struct Rsqrt {
  template <typename T> static T apply(T a) { return static_cast<T>(1.0 / std::sqrt(static_cast<double>(a))); }
};
struct Ex2 {
  template <typename T> static T apply(T a) { return static_cast<T>(std::exp2(static_cast<double>(a))); }
};
struct Lg2 {
  template <typename T> static T apply(T a) { return static_cast<T>(std::log2(static_cast<double>(a))); }
};
struct Sin {
  template <typename T> static T apply(T a) { return static_cast<T>(std::sin(static_cast<double>(a))); }
};
struct Cos {
  template <typename T> static T apply(T a) { return static_cast<T>(std::cos(static_cast<double>(a))); }
};
struct Tanh {
  template <typename T> static T apply(T a) { return static_cast<T>(std::tanh(static_cast<double>(a))); }
};
struct CopySign { // the sign of the first, the rest of the second
  template <typename T> static T apply(T a, T b) { return std::copysign(b, a); }
};

// Flushes and saturates, and rounds as the host is told to. `volatile` keeps the arithmetic between the changes of the mode.
template <typename F, typename T, unsigned Sources> void careful(Warp &warp, const Instruction &i, uint32_t mask) {
  const RoundingScope scope(i.rounding);
  T out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    volatile T in[3] = {};
    for (unsigned source = 0; source < Sources; ++source) {
      const T value = warp.lanes<T>(i.operands[1 + source])[lane];
      in[source] = i.flush ? flushed(value) : value;
    }
    volatile T result;
    if constexpr (Sources == 1)
      result = F::template apply<T>(in[0]);
    else if constexpr (Sources == 2)
      result = F::template apply<T>(in[0], in[1]);
    else
      result = F::template apply<T>(in[0], in[1], in[2]);
    const T value = i.flush ? flushed(T(result)) : T(result);
    out[lane] = i.saturate ? saturated(value) : value;
  }
  storeLanes(warp, i.operands[0], out, mask);
}

// Two f32 in one register of 64 bits: 64 values in a row.
template <typename F, unsigned Sources> void pairs(Warp &warp, const Instruction &i, uint32_t mask) {
  constexpr unsigned kValues = 2 * kWarpSize;
  float in[3][kValues] = {}, out[kValues];
  for (unsigned source = 0; source < Sources; ++source)
    for (unsigned at = 0; at < kValues; ++at) {
      const float value = warp.lanes<float>(i.operands[1 + source])[at];
      in[source][at] = i.flush ? flushed(value) : value;
    }
  for (unsigned at = 0; at < kValues; ++at) {
    if constexpr (Sources == 2)
      out[at] = F::template apply<float>(in[0][at], in[1][at]);
    else
      out[at] = F::template apply<float>(in[0][at], in[1][at], in[2][at]);
    out[at] = i.flush ? flushed(out[at]) : out[at];
  }
  uint64_t words[kWarpSize];
  memcpy(words, out, sizeof words);
  storeLanes(warp, i.operands[0], words, mask);
}

// add.f32.f16 and the like: all sources but the last are of a half's format, the sum is f32.
template <typename F, unsigned Sources> void mixed(Warp &warp, const Instruction &i, uint32_t mask) {
  const RoundingScope scope(i.rounding);
  float out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    volatile float in[Sources];
    for (unsigned source = 0; source + 1 < Sources; ++source) {
      const uint16_t bits = warp.lanes<uint16_t>(i.operands[1 + source])[lane];
      in[source] = i.source == Type::F16 ? halfToFloat(bits) : bfloatToFloat(bits);
    }
    in[Sources - 1] = warp.lanes<float>(i.operands[Sources])[lane];
    volatile float result;
    if constexpr (Sources == 2)
      result = F::template apply<float>(in[0], in[1]);
    else
      result = F::template apply<float>(in[0], in[1], in[2]);
    out[lane] = i.saturate ? saturated(float(result)) : float(result);
  }
  storeLanes(warp, i.operands[0], out, mask);
}

template <bool Max, typename T> void extremum(Warp &warp, const Instruction &i, uint32_t mask) {
  T out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    T value = warp.lanes<T>(i.operands[1])[lane];
    value = i.flush ? flushed(value) : value;
    for (size_t source = 2; source < i.operands.size(); ++source) {
      const T other = warp.lanes<T>(i.operands[source])[lane];
      value =
          Max ? maximum(value, i.flush ? flushed(other) : other, i.nan) : minimum(value, i.flush ? flushed(other) : other, i.nan);
    }
    out[lane] = value;
  }
  storeLanes(warp, i.operands[0], out, mask);
}

#if defined(__x86_64__) && defined(__GNUC__)
// The compiler's base architecture has no fused multiply-add; a call for each lane would cost ten times as much.
__attribute__((target("avx,fma"))) void fmaWithHardware(Warp &warp, const Instruction &i, uint32_t mask) {
  const float *a = warp.lanes<float>(i.operands[1]), *b = warp.lanes<float>(i.operands[2]), *c = warp.lanes<float>(i.operands[3]);
  float out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = __builtin_fmaf(a[lane], b[lane], c[lane]);
  storeLanes(warp, i.operands[0], out, mask);
}
Handler fastFma() { return __builtin_cpu_supports("fma") ? fmaWithHardware : ternary<Fma, float, float, float, float>; }
#else
Handler fastFma() { return ternary<Fma, float, float, float, float>; }
#endif

enum class Property : uint8_t { Finite, Infinite, Number, NotANumber, Normal, Subnormal };

template <typename T> bool holds(T value, Property property) {
  switch (property) {
  case Property::Finite:
    return std::isfinite(value);
  case Property::Infinite:
    return std::isinf(value);
  case Property::Number:
    return !std::isnan(value);
  case Property::NotANumber:
    return std::isnan(value);
  case Property::Normal:
    return std::isnormal(value) || value == 0; // zero counts as normal in PTX
  case Property::Subnormal:
    return std::fpclassify(value) == FP_SUBNORMAL;
  }
  return false;
}

template <typename T> void testProperty(Warp &warp, const Instruction &i, uint32_t mask) {
  const T *in = warp.lanes<T>(i.operands[1]);
  uint32_t out = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out |= uint32_t(holds(in[lane], static_cast<Property>(i.mode))) << lane;
  warp.setPredicate(i.operands[0], out, mask);
}

bool isPlain(const Instruction &i) { return i.rounding == Rounding::Nearest && !i.flush && !i.saturate; }

template <typename F> Handler oneSource(const Instruction &i) {
  if (i.type == Type::F64)
    return isPlain(i) ? unary<F, double, double> : careful<F, double, 1>;
  return isPlain(i) ? unary<F, float, float> : careful<F, float, 1>;
}
template <typename F> Handler twoSources(const Instruction &i) {
  if (i.type == Type::F64)
    return isPlain(i) ? binary<F, double, double, double> : careful<F, double, 2>;
  return isPlain(i) ? binary<F, float, float, float> : careful<F, float, 2>;
}
Handler fused(const Instruction &i) {
  if (i.type == Type::F64)
    return isPlain(i) ? ternary<Fma, double, double, double, double> : careful<Fma, double, 3>;
  return isPlain(i) ? fastFma() : careful<Fma, float, 3>;
}

struct Row {
  const char *name;
  unsigned sources;
  Handler (*handler)(const Instruction &);
  const char *needs; // a modifier without which the instruction does not exist for f32
};

constexpr Row kFamily[] = {{"add", 2, twoSources<Add>, nullptr},
                           {"sub", 2, twoSources<Sub>, nullptr},
                           {"mul", 2, twoSources<Mul>, nullptr},
                           {"div", 2, twoSources<Div>, nullptr},
                           {"copysign", 2, twoSources<CopySign>, nullptr},
                           {"fma", 3, fused, nullptr},
                           {"mad", 3, fused, nullptr},
                           {"neg", 1, oneSource<Neg>, nullptr},
                           {"abs", 1, oneSource<Abs>, nullptr},
                           {"sqrt", 1, oneSource<Sqrt>, nullptr},
                           {"rcp", 1, oneSource<Rcp>, nullptr},
                           {"rsqrt", 1, oneSource<Rsqrt>, "approx"},
                           {"ex2", 1, oneSource<Ex2>, "approx"},
                           {"lg2", 1, oneSource<Lg2>, "approx"},
                           {"sin", 1, oneSource<Sin>, "approx"},
                           {"cos", 1, oneSource<Cos>, "approx"},
                           {"tanh", 1, oneSource<Tanh>, "approx"}};

bool decodePairs(Decoding &d) {
  const bool three = d.is("fma");
  d.out.execute = d.is("add")   ? pairs<Add, 2>
                  : d.is("sub") ? pairs<Sub, 2>
                  : d.is("mul") ? pairs<Mul, 2>
                  : three       ? pairs<Fma, 3>
                                : Handler(nullptr);
  if (!d.out.execute)
    return false;
  d.takeFloatModifiers();
  if (d.out.rounding != Rounding::Nearest || d.out.saturate)
    d.unsupported();
  const Type type = d.takeType();
  d.expectCount(three ? 4 : 3);
  d.destination(0, type);
  for (size_t i = 1; i < d.count(); ++i)
    d.source(i, type);
  return true;
}

bool decodeMixed(Decoding &d) {
  const bool three = d.is("fma");
  d.out.execute = d.is("add") ? mixed<Add, 2> : d.is("sub") ? mixed<Sub, 2> : three ? mixed<Fma, 3> : Handler(nullptr);
  if (!d.out.execute)
    return false;
  d.takeFloatModifiers();
  d.takeType();
  d.out.source = d.takeType();
  if (d.out.flush)
    d.unsupported();
  d.expectCount(three ? 4 : 3);
  d.destination(0, Type::F32);
  for (size_t i = 1; i < d.count(); ++i)
    d.source(i, i + 1 < d.count() ? d.out.source : Type::F32);
  return true;
}

void decodeExtremum(Decoding &d) {
  d.out.nan = d.take("NaN");
  d.out.flush = d.take("ftz");
  d.out.type = d.takeType();
  d.expectCount(3, 4);
  d.destination(0, d.out.type);
  for (size_t i = 1; i < d.count(); ++i)
    d.source(i, d.out.type);
  if (d.out.type == Type::F64)
    d.out.execute = d.is("max") ? extremum<true, double> : extremum<false, double>;
  else
    d.out.execute = d.is("max") ? extremum<true, float> : extremum<false, float>;
}

void decodeTest(Decoding &d) {
  const int property = d.takeOneOf({"finite", "infinite", "number", "notanumber", "normal", "subnormal"});
  if (property < 0)
    d.unsupported();
  const Type type = d.takeType();
  d.out.mode = static_cast<uint8_t>(property);
  d.out.execute = type == Type::F64 ? testProperty<double> : testProperty<float>;
  d.expectCount(2);
  d.predicateDestination(d.syntax(0));
  d.source(1, type);
}

} // namespace

bool laic::ptx::decodeFloat(Decoding &d) {
  const std::optional<Type> type = d.lastType();
  if (d.has("f32") && (type == Type::F16 || type == Type::BF16) && decodeMixed(d))
    return true;
  if (type == Type::F32x2)
    return decodePairs(d);
  if (type != Type::F32 && type != Type::F64)
    return false;
  if (d.is("min") || d.is("max"))
    return decodeExtremum(d), true;
  if (d.is("testp"))
    return decodeTest(d), true;
  for (const Row &row : kFamily) {
    if (!d.is(row.name))
      continue;
    if (row.needs && !d.has(row.needs))
      d.unsupported();
    d.takeFloatModifiers();
    d.take("approx");
    d.take("full"); // div.full: a division whose error is bounded
    d.out.type = d.takeType();
    d.expectCount(1 + row.sources);
    d.destination(0, d.out.type);
    for (size_t i = 1; i < d.count(); ++i)
      d.source(i, d.out.type);
    d.out.execute = row.handler(d.out);
    return true;
  }
  return false;
}
