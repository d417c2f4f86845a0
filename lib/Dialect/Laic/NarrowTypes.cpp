// Narrow types by integer arithmetic: any target can run it, and it vectorises.
#include "NarrowTypes.h"

#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/OnnxTypes.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

constexpr unsigned kF32Mantissa = 23, kF32Bias = 127, kF64Mantissa = 52, kF64Bias = 1023;
constexpr uint64_t kF32Infinity = 0x7f800000, kF32NaN = 0x7fc00000;
constexpr uint64_t kMaxPower = 254, kNoPower = 255; // f8E8M0: codes of 2^127 and of NaN

// A sign, then an exponent, then a mantissa.
struct FloatForm {
  // What the largest exponent means: infinities and NaNs; a NaN with the largest mantissa alone; numbers, and the code of
  // minus zero is NaN; numbers.
  enum Special { Ieee, OneNaN, MinusZeroNaN, Finite };
  unsigned exponent, mantissa;
  int bias;
  Special special;

  unsigned magnitudeBits() const { return exponent + mantissa; }
  uint64_t infinity() const { return ((uint64_t{1} << exponent) - 1) << mantissa; } // Ieee
  uint64_t largest() const {
    uint64_t all = (uint64_t{1} << magnitudeBits()) - 1;
    return special == Ieee ? infinity() - 1 : special == OneNaN ? all - 1 : all;
  }
  // Without its sign. Types without NaN make it zero, as the onnx package does.
  uint64_t nan() const {
    return special == Ieee           ? infinity() | uint64_t{1} << (mantissa - 1)
           : special == OneNaN       ? largest() + 1
           : special == MinusZeroNaN ? uint64_t{1} << magnitudeBits()
                                     : 0;
  }
  uint64_t beyond(bool saturate) const {
    return saturate || special == Finite ? largest() : special == Ieee ? infinity() : nan();
  }
};

FloatForm formOf(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return {4, 3, 7, FloatForm::OneNaN};
  if (isa<Float8E4M3FNUZType>(type))
    return {4, 3, 8, FloatForm::MinusZeroNaN};
  if (isa<Float8E5M2Type>(type))
    return {5, 2, 15, FloatForm::Ieee};
  if (isa<Float8E5M2FNUZType>(type))
    return {5, 2, 16, FloatForm::MinusZeroNaN};
  if (type.isF16())
    return {5, 10, 15, FloatForm::Ieee};
  if (type.isBF16())
    return {8, 7, 127, FloatForm::Ieee};
  assert(isa<Float4E2M1FNType>(type) && "every other float has a path of its own");
  return {2, 1, 1, FloatForm::Finite};
}

// Operations on words that hold the bits of a float of their width.
class Bits {
public:
  Bits(ScalarBuilder &s, unsigned width) : s(s), type(s.b.getIntegerType(width)) {}

  Value of(Value x) { return arith::BitcastOp::create(s.b, s.loc, type, x); }
  Value asFloat(Value bits) {
    Type f = type.getIntOrFloatBitWidth() == 32 ? Type(s.b.getF32Type()) : Type(s.b.getF64Type());
    return arith::BitcastOp::create(s.b, s.loc, f, bits);
  }
  Value cst(uint64_t value) {
    APInt bits(type.getIntOrFloatBitWidth(), value, /*isSigned=*/false, /*implicitTrunc=*/true);
    return arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(type, bits));
  }
  Value land(Value x, uint64_t mask) { return s.andi(x, cst(mask)); }
  Value left(Value x, unsigned by) { return arith::ShLIOp::create(s.b, s.loc, x, cst(by)); }
  Value right(Value x, unsigned by) { return arith::ShRUIOp::create(s.b, s.loc, x, cst(by)); }
  Value above(Value x, uint64_t limit) { return arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::ugt, x, cst(limit)); }
  Value pick(Value condition, uint64_t value, Value otherwise) { return s.select(condition, cst(value), otherwise); }

private:
  ScalarBuilder &s;
  Type type;
};

struct Source {
  unsigned width, mantissa, bias;
  explicit Source(Value x)
      : width(x.getType().getIntOrFloatBitWidth()), mantissa(width == 32 ? kF32Mantissa : kF64Mantissa),
        bias(width == 32 ? kF32Bias : kF64Bias) {}
  uint64_t infinity() const { return uint64_t{2 * bias + 1} << mantissa; }
  uint64_t magnitudeMask() const { return (uint64_t{1} << (width - 1)) - 1; }
};

// The code of |x| rounded to nearest even, as if exponents had no end upwards. `magnitude`: the bits of |x|.
Value roundMagnitude(ScalarBuilder &s, Bits &bits, Value magnitude, const Source &from, const FloatForm &to) {
  unsigned shift = from.mantissa - to.mantissa;
  // Half an ulp less one, plus one where the last bit that stays is odd: carries run into the exponent.
  Value odd = bits.land(bits.right(magnitude, shift), 1);
  uint64_t rebias = uint64_t(from.bias - to.bias) << from.mantissa, half = (uint64_t{1} << (shift - 1)) - 1;
  Value normal = bits.right(s.add(s.add(magnitude, bits.cst(half - rebias)), odd), shift);
  // Adding a number whose ulp is the smallest subnormal leaves the code in the lowest bits, rounded by the addition itself.
  int exponent = 1 - to.bias - static_cast<int>(to.mantissa) + static_cast<int>(from.mantissa);
  Value magic = bits.cst(uint64_t(exponent + static_cast<int>(from.bias)) << from.mantissa);
  Value sum = arith::AddFOp::create(s.b, s.loc, bits.asFloat(magnitude), bits.asFloat(magic));
  Value subnormal = s.sub(bits.of(sum), magic);
  uint64_t smallestNormal = uint64_t(static_cast<int>(from.bias) + 1 - to.bias) << from.mantissa;
  return s.select(bits.above(magnitude, smallestNormal - 1), normal, subnormal);
}

// The whole code, in a word as wide as x.
Value encode(ScalarBuilder &s, Value x, const FloatForm &to, bool saturate) {
  Source from(x);
  Bits bits(s, from.width);
  Value word = bits.of(x), magnitude = bits.land(word, from.magnitudeMask());
  Value code = roundMagnitude(s, bits, magnitude, from, to);
  code = bits.pick(bits.above(code, to.largest()), to.beyond(saturate), code);
  Value isNaN = bits.above(magnitude, from.infinity());
  Value sign = bits.left(bits.right(word, from.width - 1), to.magnitudeBits());
  if (to.special != FloatForm::MinusZeroNaN)
    return s.ori(bits.pick(isNaN, to.nan(), code), sign);
  // Zero has no sign, and NaN is what minus zero would be.
  Value isZero = s.eq(code, bits.cst(0));
  return bits.pick(isNaN, to.nan(), bits.pick(isZero, 0, s.ori(code, sign)));
}

// Powers of two are nothing but an exponent. In f64, whose normal numbers hold the whole range.
Value encodePower(ScalarBuilder &s, Value x, CastRules rules) {
  x = s.cast(x, s.b.getF64Type(), false, false);
  Source from(x);
  Bits bits(s, from.width);
  Value magnitude = bits.land(bits.of(x), from.magnitudeMask());
  uint64_t carry = rules.rounding == PowerRounding::Up        ? (uint64_t{1} << kF64Mantissa) - 1
                   : rules.rounding == PowerRounding::Nearest ? uint64_t{1} << (kF64Mantissa - 1)
                                                              : 0;
  uint64_t smallest = uint64_t(kF64Bias - kF32Bias) << kF64Mantissa;
  Value code = bits.right(s.sub(s.add(magnitude, bits.cst(carry)), bits.cst(smallest)), kF64Mantissa);
  code = bits.pick(bits.above(code, kMaxPower), rules.saturate ? kMaxPower : kNoPower, code);
  code = s.select(bits.above(magnitude, smallest - 1), code, bits.cst(rules.saturate ? 0 : kNoPower));
  return bits.pick(bits.above(magnitude, from.infinity()), kNoPower, code);
}

Value decodePower(ScalarBuilder &s, Value code) {
  Bits bits(s, 32);
  constexpr uint64_t kSmallest = 0x00400000; // 2^-127 is subnormal in f32
  Value power = bits.pick(s.eq(code, bits.cst(0)), kSmallest, bits.left(code, kF32Mantissa));
  return bits.asFloat(bits.pick(s.eq(code, bits.cst(kNoPower)), kF32NaN, power));
}

} // namespace

Value laic::decodeNarrowFloat(ScalarBuilder &s, Value code, Type narrow) {
  code = s.cast(code, s.b.getI32Type(), /*fromUnsigned=*/true, false);
  if (isa<Float8E8M0FNUType>(narrow))
    return decodePower(s, code);
  FloatForm form = formOf(narrow);
  Bits bits(s, 32);
  unsigned shift = kF32Mantissa - form.mantissa;
  Value magnitude = bits.land(code, (uint64_t{1} << form.magnitudeBits()) - 1);
  Value normal = s.add(bits.left(magnitude, shift), bits.cst(uint64_t(kF32Bias - form.bias) << kF32Mantissa));
  Value count = s.cast(magnitude, s.b.getF32Type(), false, false);
  Value subnormal = bits.of(s.mul(count, s.cst(std::ldexp(1.0, 1 - form.bias - static_cast<int>(form.mantissa)), count)));
  Value word = s.select(bits.above(magnitude, (uint64_t{1} << form.mantissa) - 1), normal, subnormal);
  if (form.special == FloatForm::Ieee) {
    Value payload = bits.left(bits.land(magnitude, (uint64_t{1} << form.mantissa) - 1), shift);
    word = s.select(bits.above(magnitude, form.largest()), s.ori(payload, bits.cst(kF32Infinity)), word);
  } else if (form.special == FloatForm::OneNaN) {
    word = bits.pick(bits.above(magnitude, form.largest()), kF32NaN, word);
  }
  word = s.ori(word, bits.left(bits.right(code, form.magnitudeBits()), 31));
  if (form.special == FloatForm::MinusZeroNaN)
    word = bits.pick(s.eq(code, bits.cst(form.nan())), kF32NaN, word);
  return bits.asFloat(word);
}

Value laic::encodeNarrowFloat(ScalarBuilder &s, Value x, Type narrow, CastRules rules) {
  Value code = isa<Float8E8M0FNUType>(narrow) ? encodePower(s, x, rules) : encode(s, x, formOf(narrow), rules.saturate);
  return s.cast(code, s.b.getI8Type(), false, false);
}

Value laic::roundDouble(ScalarBuilder &s, Value x, Type half) {
  Value code = s.cast(encode(s, x, formOf(half), /*saturate=*/false), s.b.getIntegerType(16), false, false);
  return arith::BitcastOp::create(s.b, s.loc, half, code);
}

Value laic::wrapNarrowInteger(ScalarBuilder &s, Value x, Type element) {
  unsigned width = element.getIntOrFloatBitWidth();
  if (!isa<IntegerType>(element) || width >= 8)
    return x;
  if (isUnsignedElement(element))
    return s.andi(x, s.cst(static_cast<double>((1u << width) - 1), x));
  Value by = s.cst(8 - width, x);
  return arith::ShRSIOp::create(s.b, s.loc, arith::ShLIOp::create(s.b, s.loc, x, by), by);
}

Value laic::castElement(ScalarBuilder &s, Value x, Type from, Type to, CastRules rules) {
  bool fromUnsigned = isUnsignedElement(from) || from.isInteger(1);
  if (isNarrowFloat(from))
    x = decodeNarrowFloat(s, x, from);
  if (isNarrowFloat(to)) {
    bool isWide = x.getType().isInteger(32) || x.getType().isInteger(64);
    if (!s.isFloat(x))
      x = s.cast(x, isWide ? Type(s.b.getF64Type()) : Type(s.b.getF32Type()), fromUnsigned, false);
    return encodeNarrowFloat(s, x, to, rules);
  }
  if (to.isF16() || to.isBF16())
    return x.getType().isF64() ? roundDouble(s, x, to) : s.cast(x, s.b.getF32Type(), fromUnsigned, false);
  if (to.isInteger(1))
    return s.cast(x, to, fromUnsigned, false);
  return wrapNarrowInteger(s, s.cast(x, lowerElement(to), fromUnsigned, isUnsignedElement(to)), to);
}
