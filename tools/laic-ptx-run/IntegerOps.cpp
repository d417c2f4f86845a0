// Integer arithmetic: add, sub, mul, mad, mul24, div, rem, neg, abs, min, max, sad, dp4a, dp2a.
#include "Lanes.h"

#include <algorithm>
#include <limits>

using namespace laic::ptx;

namespace {

// Unsigned and at least 32 bits, so that overflow wraps.
template <typename T> using Wrap = std::conditional_t<(sizeof(T) > 4), uint64_t, uint32_t>;
template <typename T>
using Double = std::conditional_t<sizeof(T) == 2, std::conditional_t<std::is_signed_v<T>, int32_t, uint32_t>,
                                  std::conditional_t<sizeof(T) == 4, std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>,
                                                     std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>>>;

struct Add {
  template <typename T> static T apply(T a, T b) { return static_cast<T>(Wrap<T>(a) + Wrap<T>(b)); }
};
struct Sub {
  template <typename T> static T apply(T a, T b) { return static_cast<T>(Wrap<T>(a) - Wrap<T>(b)); }
};
struct AddSaturated {
  static int32_t apply(int32_t a, int32_t b) { return clamp(int64_t(a) + b); }
  static int32_t clamp(int64_t value) { return static_cast<int32_t>(std::clamp<int64_t>(value, INT32_MIN, INT32_MAX)); }
};
struct SubSaturated {
  static int32_t apply(int32_t a, int32_t b) { return AddSaturated::clamp(int64_t(a) - b); }
};
struct MulLow {
  template <typename T> static T apply(T a, T b) { return static_cast<T>(Wrap<T>(a) * Wrap<T>(b)); }
};
struct MulHigh {
  template <typename T> static T apply(T a, T b) {
    return static_cast<T>((static_cast<Double<T>>(a) * static_cast<Double<T>>(b)) >> (8 * sizeof(T)));
  }
};
struct MulWide {
  template <typename T> static Double<T> apply(T a, T b) { return static_cast<Double<T>>(a) * static_cast<Double<T>>(b); }
};
template <typename Mul> struct Mad {
  template <typename T, typename C> static C apply(T a, T b, C c) { return Add::apply<C>(Mul::apply(a, b), c); }
};
struct MadHighSaturated {
  static int32_t apply(int32_t a, int32_t b, int32_t c) { return AddSaturated::apply(MulHigh::apply(a, b), c); }
};
template <bool High> struct Mul24 {
  static int64_t narrow(int32_t a) { return static_cast<int32_t>(static_cast<uint32_t>(a) << 8) >> 8; }
  static uint64_t narrow(uint32_t a) { return a & 0xffffff; }
  template <typename T> static T apply(T a, T b) { return static_cast<T>((narrow(a) * narrow(b)) >> (High ? 16 : 0)); }
};
// Division by zero is no fault in PTX; the hardware gives all ones, and the remainder is the dividend.
struct Div {
  template <typename T> static T apply(T a, T b) {
    if (b == 0)
      return static_cast<T>(~T(0));
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return Sub::apply<T>(0, a); // the most negative number stays itself
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <typename T> static T apply(T a, T b) {
    if (b == 0)
      return a;
    if (std::is_signed_v<T> && b == static_cast<T>(-1))
      return 0;
    return static_cast<T>(a % b);
  }
};
struct Neg {
  template <typename T> static T apply(T a) { return Sub::apply<T>(0, a); }
};
struct Abs {
  template <typename T> static T apply(T a) { return a < 0 ? Sub::apply<T>(0, a) : a; }
};
struct Min {
  template <typename T> static T apply(T a, T b) { return a < b ? a : b; }
};
struct Max {
  template <typename T> static T apply(T a, T b) { return a > b ? a : b; }
};
struct Sad {
  template <typename T> static T apply(T a, T b, T c) { return Add::apply<T>(a < b ? Sub::apply(b, a) : Sub::apply(a, b), c); }
};
// Two 16-bit operations in one register.
template <typename F, typename Half> struct Packed {
  static uint32_t apply(uint32_t a, uint32_t b) {
    const auto low = static_cast<uint16_t>(F::apply(static_cast<Half>(a), static_cast<Half>(b)));
    const auto high = static_cast<uint16_t>(F::apply(static_cast<Half>(a >> 16), static_cast<Half>(b >> 16)));
    return low | uint32_t(high) << 16;
  }
};
template <typename A, typename B, typename C> struct DotFour {
  static C apply(uint32_t a, uint32_t b, C c) {
    uint32_t sum = static_cast<uint32_t>(c);
    for (unsigned i = 0; i < 32; i += 8)
      sum += static_cast<uint32_t>(static_cast<A>(a >> i) * static_cast<B>(b >> i));
    return static_cast<C>(sum);
  }
};
template <typename A, typename B, typename C, unsigned Half> struct DotTwo {
  static C apply(uint32_t a, uint32_t b, C c) {
    uint32_t sum = static_cast<uint32_t>(c);
    for (unsigned i = 0; i < 2; ++i)
      sum += static_cast<uint32_t>(static_cast<A>(a >> (16 * i)) * static_cast<B>(b >> (8 * i + 16 * Half)));
    return static_cast<C>(sum);
  }
};

template <typename F> Handler madInteger(Type type) {
  switch (type) {
  case Type::U16:
    return ternary<F, uint16_t, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return ternary<F, int16_t, int16_t, int16_t, int16_t>;
  case Type::U32:
    return ternary<F, uint32_t, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return ternary<F, int32_t, int32_t, int32_t, int32_t>;
  case Type::U64:
    return ternary<F, uint64_t, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return ternary<F, int64_t, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

Handler mulWide(Type type) {
  switch (type) {
  case Type::U16:
    return binary<MulWide, uint32_t, uint16_t, uint16_t>;
  case Type::S16:
    return binary<MulWide, int32_t, int16_t, int16_t>;
  case Type::U32:
    return binary<MulWide, uint64_t, uint32_t, uint32_t>;
  case Type::S32:
    return binary<MulWide, int64_t, int32_t, int32_t>;
  default:
    return nullptr;
  }
}

Handler madWide(Type type) {
  switch (type) {
  case Type::U16:
    return ternary<Mad<MulWide>, uint32_t, uint16_t, uint16_t, uint32_t>;
  case Type::S16:
    return ternary<Mad<MulWide>, int32_t, int16_t, int16_t, int32_t>;
  case Type::U32:
    return ternary<Mad<MulWide>, uint64_t, uint32_t, uint32_t, uint64_t>;
  case Type::S32:
    return ternary<Mad<MulWide>, int64_t, int32_t, int32_t, int64_t>;
  default:
    return nullptr;
  }
}

Type widened(Type type) {
  switch (type) {
  case Type::U16:
    return Type::U32;
  case Type::S16:
    return Type::S32;
  case Type::U32:
    return Type::U64;
  default:
    return Type::S64;
  }
}

void finishOperands(Decoding &d, Handler handler, Type result, std::initializer_list<Type> sources) {
  if (!handler)
    d.unsupported();
  d.out.execute = handler;
  d.expectCount(1 + sources.size());
  d.destination(0, result);
  size_t i = 1;
  for (Type source : sources)
    d.source(i++, source);
}

void decodeMul(Decoding &d, bool mad) {
  const int part = d.takeOneOf({"lo", "hi", "wide"});
  const bool saturated = d.take("sat");
  const Type type = d.takeType();
  if (part < 0)
    d.refuse("expects .lo, .hi or .wide");
  if (saturated && !(mad && part == 1 && type == Type::S32))
    d.unsupported();
  const Type result = part == 2 ? widened(type) : type;
  if (!mad)
    return finishOperands(d,
                          part == 0   ? binaryInteger<MulLow>(type)
                          : part == 1 ? binaryInteger<MulHigh>(type)
                                      : mulWide(type),
                          result, {type, type});
  const Handler handler = saturated   ? ternary<MadHighSaturated, int32_t, int32_t, int32_t, int32_t>
                          : part == 0 ? madInteger<Mad<MulLow>>(type)
                          : part == 1 ? madInteger<Mad<MulHigh>>(type)
                                      : madWide(type);
  finishOperands(d, handler, result, {type, type, result});
}

template <bool High> Handler mad24(Type type) {
  return type == Type::S32 ? ternary<Mad<Mul24<High>>, int32_t, int32_t, int32_t, int32_t>
                           : ternary<Mad<Mul24<High>>, uint32_t, uint32_t, uint32_t, uint32_t>;
}

template <bool High> Handler mul24(Type type) {
  return type == Type::S32 ? binary<Mul24<High>, int32_t, int32_t, int32_t> : binary<Mul24<High>, uint32_t, uint32_t, uint32_t>;
}

void decodeMul24(Decoding &d, bool mad) {
  const bool high = d.take("hi");
  d.take("lo");
  const Type type = d.takeType();
  const bool known = type == Type::S32 || type == Type::U32;
  if (mad)
    finishOperands(d, !known ? nullptr : high ? mad24<true>(type) : mad24<false>(type), type, {type, type, type});
  else
    finishOperands(d, !known ? nullptr : high ? mul24<true>(type) : mul24<false>(type), type, {type, type});
}

template <template <typename, typename, typename> class Dot> Handler dot(Type a, Type b) {
  if (isSigned(a))
    return isSigned(b) ? ternary<Dot<int8_t, int8_t, int32_t>, int32_t, uint32_t, uint32_t, int32_t>
                       : ternary<Dot<int8_t, uint8_t, int32_t>, int32_t, uint32_t, uint32_t, int32_t>;
  return isSigned(b) ? ternary<Dot<uint8_t, int8_t, int32_t>, int32_t, uint32_t, uint32_t, int32_t>
                     : ternary<Dot<uint8_t, uint8_t, uint32_t>, uint32_t, uint32_t, uint32_t, uint32_t>;
}
template <unsigned Half> Handler dotTwo(Type a, Type b) {
  if (isSigned(a))
    return isSigned(b) ? ternary<DotTwo<int16_t, int8_t, int32_t, Half>, int32_t, uint32_t, uint32_t, int32_t>
                       : ternary<DotTwo<int16_t, uint8_t, int32_t, Half>, int32_t, uint32_t, uint32_t, int32_t>;
  return isSigned(b) ? ternary<DotTwo<uint16_t, int8_t, int32_t, Half>, int32_t, uint32_t, uint32_t, int32_t>
                     : ternary<DotTwo<uint16_t, uint8_t, uint32_t, Half>, uint32_t, uint32_t, uint32_t, uint32_t>;
}

void decodeDot(Decoding &d) {
  const bool two = d.is("dp2a");
  const int half = two ? d.takeOneOf({"lo", "hi"}) : 0;
  const Type a = d.takeType(), b = d.takeType();
  if (half < 0 || sizeOf(a) != 4 || sizeOf(b) != 4 || isFloat(a) || isFloat(b))
    d.unsupported();
  finishOperands(d,
                 !two        ? dot<DotFour>(a, b)
                 : half == 0 ? dotTwo<0>(a, b)
                             : dotTwo<1>(a, b),
                 Type::B32, {Type::B32, Type::B32, Type::B32});
}

// add, sub, min and max of two 16-bit integers in one register.
bool decodePacked(Decoding &d) {
  const bool isS = d.has("s16x2");
  if (!isS && !d.has("u16x2"))
    return false;
  Handler handler = nullptr;
  if (d.is("add"))
    handler = binary<Packed<Add, uint16_t>, uint32_t, uint32_t, uint32_t>;
  else if (d.is("sub"))
    handler = binary<Packed<Sub, uint16_t>, uint32_t, uint32_t, uint32_t>;
  else if (d.is("min"))
    handler = isS ? binary<Packed<Min, int16_t>, uint32_t, uint32_t, uint32_t>
                  : binary<Packed<Min, uint16_t>, uint32_t, uint32_t, uint32_t>;
  else if (d.is("max"))
    handler = isS ? binary<Packed<Max, int16_t>, uint32_t, uint32_t, uint32_t>
                  : binary<Packed<Max, uint16_t>, uint32_t, uint32_t, uint32_t>;
  d.take(isS ? "s16x2" : "u16x2");
  finishOperands(d, handler, Type::B32, {Type::B32, Type::B32});
  return true;
}

void decodeTwo(Decoding &d) {
  const bool saturated = d.take("sat");
  const Type type = d.takeType();
  Handler handler = nullptr;
  if (saturated)
    handler = type != Type::S32 ? nullptr
              : d.is("add")     ? binary<AddSaturated, int32_t, int32_t, int32_t>
              : d.is("sub")     ? binary<SubSaturated, int32_t, int32_t, int32_t>
                                : nullptr;
  else if (d.is("add"))
    handler = binaryInteger<Add>(type);
  else if (d.is("sub"))
    handler = binaryInteger<Sub>(type);
  else if (d.is("div"))
    handler = binaryInteger<Div>(type);
  else if (d.is("rem"))
    handler = binaryInteger<Rem>(type);
  else if (d.is("min"))
    handler = binaryInteger<Min>(type);
  else if (d.is("max"))
    handler = binaryInteger<Max>(type);
  finishOperands(d, handler, type, {type, type});
}

} // namespace

bool laic::ptx::decodeInteger(Decoding &d) {
  if ((d.is("add") || d.is("sub") || d.is("min") || d.is("max")) && decodePacked(d))
    return true;
  const std::optional<Type> last = d.lastType();
  if (!last || isFloat(*last) || *last == Type::Pred)
    return false;
  if (d.is("dp4a") || d.is("dp2a")) {
    decodeDot(d);
  } else if (d.is("mul") || d.is("mad")) {
    decodeMul(d, d.is("mad"));
  } else if (d.is("mul24") || d.is("mad24")) {
    decodeMul24(d, d.is("mad24"));
  } else if (d.is("neg") || d.is("abs")) {
    const Type type = d.takeType();
    finishOperands(d, d.is("neg") ? unaryInteger<Neg>(type) : unaryInteger<Abs>(type), type, {type});
  } else if (d.is("sad")) {
    const Type type = d.takeType();
    finishOperands(d, madInteger<Sad>(type), type, {type, type, type});
  } else if (d.is("add") || d.is("sub") || d.is("div") || d.is("rem") || d.is("min") || d.is("max")) {
    decodeTwo(d);
  } else {
    return false;
  }
  return true;
}
