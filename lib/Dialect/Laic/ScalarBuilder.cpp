// Scalar computations on arith and math.
#include "laic/Dialect/Laic/ScalarBuilder.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using V = mlir::Value;

namespace {
// FMA formation is allowed; nothing else that changes results.
constexpr arith::FastMathFlags kContract = arith::FastMathFlags::contract;
} // namespace

bool ScalarBuilder::isFloat(V x) { return isa<FloatType>(x.getType()); }

V ScalarBuilder::cst(double value, Type type) {
  if (auto f = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(b, loc, b.getFloatAttr(f, value));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, static_cast<int64_t>(value)));
}
V ScalarBuilder::cst(double value, V like) { return cst(value, like.getType()); }
V ScalarBuilder::boolean(bool value) { return arith::ConstantOp::create(b, loc, b.getBoolAttr(value)); }

V ScalarBuilder::add(V x, V y) {
  if (isFloat(x))
    return arith::AddFOp::create(b, loc, x, y, kContract);
  return arith::AddIOp::create(b, loc, x, y);
}
V ScalarBuilder::sub(V x, V y) {
  if (isFloat(x))
    return arith::SubFOp::create(b, loc, x, y, kContract);
  return arith::SubIOp::create(b, loc, x, y);
}
V ScalarBuilder::exactSub(V x, V y) { return arith::SubFOp::create(b, loc, x, y); }
V ScalarBuilder::mul(V x, V y) {
  if (isFloat(x))
    return arith::MulFOp::create(b, loc, x, y, kContract);
  return arith::MulIOp::create(b, loc, x, y);
}
V ScalarBuilder::div(V x, V y) {
  if (isFloat(x))
    return arith::DivFOp::create(b, loc, x, y);
  V zero = cst(0, y), one = cst(1, y);
  V bad = eq(y, zero);
  V safe = select(bad, one, y);
  if (isUnsigned)
    return select(bad, zero, arith::DivUIOp::create(b, loc, x, safe));
  // INT_MIN / -1 traps on some machines: negate instead.
  V minusOne = eq(safe, cst(-1, y));
  V quotient = arith::DivSIOp::create(b, loc, x, select(minusOne, one, safe));
  return select(bad, zero, select(minusOne, sub(zero, x), quotient));
}
V ScalarBuilder::mod(V x, V y, bool fmod) {
  if (isFloat(x)) {
    V r = arith::RemFOp::create(b, loc, x, y);
    if (fmod)
      return r;
    // Python's sign rule: the result has the divisor's sign.
    V zero = cst(0, x);
    V differs = xori(lt(r, zero), lt(y, zero));
    V nonzero = noti(eq(r, zero));
    return select(andi(differs, nonzero), add(r, y), r);
  }
  V zero = cst(0, y), one = cst(1, y);
  V bad = eq(y, zero);
  V safe = select(bad, one, y);
  if (isUnsigned)
    return select(bad, zero, arith::RemUIOp::create(b, loc, x, safe));
  V minusOne = eq(safe, cst(-1, y));
  V r = arith::RemSIOp::create(b, loc, x, select(minusOne, one, safe));
  if (!fmod) {
    V differs = xori(lt(r, zero), lt(y, zero));
    r = select(andi(differs, noti(eq(r, zero))), add(r, y), r);
  }
  return select(bad, zero, r);
}
V ScalarBuilder::neg(V x) {
  if (isFloat(x))
    return arith::NegFOp::create(b, loc, x);
  return sub(cst(0, x), x);
}
V ScalarBuilder::abs(V x) {
  if (isFloat(x))
    return math::AbsFOp::create(b, loc, x);
  return isUnsigned ? x : V(math::AbsIOp::create(b, loc, x));
}
V ScalarBuilder::sign(V x) {
  V zero = cst(0, x);
  V s = select(lt(zero, x), cst(1, x), select(lt(x, zero), isUnsigned ? zero : cst(-1, x), zero));
  return isFloat(x) ? select(isnan(x), x, s) : s;
}
V ScalarBuilder::max(V x, V y) {
  if (isFloat(x)) {
    // One compare and a select in the order that is one max instruction; NaN in x stays, NaN in y needs the second select.
    V greater = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, y, x);
    V result = select(greater, y, x);
    return matchConstant(y) ? result : select(isnan(y), y, result);
  }
  if (isUnsigned)
    return arith::MaxUIOp::create(b, loc, x, y);
  return arith::MaxSIOp::create(b, loc, x, y);
}
V ScalarBuilder::min(V x, V y) {
  if (isFloat(x)) {
    V less = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, y, x);
    V result = select(less, y, x);
    return matchConstant(y) ? result : select(isnan(y), y, result);
  }
  if (isUnsigned)
    return arith::MinUIOp::create(b, loc, x, y);
  return arith::MinSIOp::create(b, loc, x, y);
}
bool ScalarBuilder::matchConstant(V x) { return x.getDefiningOp<arith::ConstantOp>() != nullptr; }

V ScalarBuilder::exp(V x) { return math::ExpOp::create(b, loc, x); }
V ScalarBuilder::log(V x) { return math::LogOp::create(b, loc, x); }
V ScalarBuilder::log1p(V x) { return math::Log1pOp::create(b, loc, x); }
V ScalarBuilder::sqrt(V x) { return math::SqrtOp::create(b, loc, x); }
V ScalarBuilder::rsqrt(V x) { return div(cst(1, x), sqrt(x)); }
V ScalarBuilder::reciprocal(V x) { return div(cst(1, x), x); }
V ScalarBuilder::integerPower(V x, V y, bool unsignedExponent) {
  Type type = x.getType(), i64 = b.getI64Type();
  V e = cast(y, i64, unsignedExponent, false);
  V zero = cst(0, e), one = cst(1, e), odd = andi(e, one);
  // Only 0, 1 and -1 have powers beyond the 62nd that fit: of those the parity alone counts.
  V last = add(cst(62, e), odd);
  V fits = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, e, last);
  V negative = unsignedExponent ? boolean(false) : V(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, e, zero));
  V power = cast(x, i64, false, false), result = one, rest = select(fits, e, last);
  for (int bit = 0; bit < 6; ++bit) {
    V clear = eq(andi(rest, cst(int64_t{1} << bit, e)), zero);
    result = select(clear, result, mul(result, power));
    power = mul(power, power);
  }
  V base = cast(x, i64, false, false), minusOne = cst(-1, e);
  V inverse = select(eq(base, one), one, select(eq(base, minusOne), select(eq(odd, zero), one, minusOne), zero));
  return cast(select(negative, inverse, result), type, false, false);
}
V ScalarBuilder::pow(V x, V y, bool unsignedExponent) {
  Type result = x.getType();
  if (!isFloat(x) && !isFloat(y))
    return integerPower(x, y, unsignedExponent);
  if (!isFloat(x)) {
    Type f64 = b.getF64Type();
    V power = math::PowFOp::create(b, loc, cast(x, f64, false, false), cast(y, f64, false, false));
    return cast(power, result, false, false);
  }
  if (auto constant = y.getDefiningOp<arith::ConstantOp>()) {
    double e = NAN;
    if (auto f = dyn_cast<FloatAttr>(constant.getValue()))
      e = f.getValueAsDouble();
    else if (auto i = dyn_cast<IntegerAttr>(constant.getValue()))
      e = static_cast<double>(i.getInt());
    if (e == 2)
      return mul(x, x);
    if (e == 3)
      return mul(mul(x, x), x);
    if (e == 1)
      return x;
    if (e == 0.5)
      return sqrt(x);
    if (e == -1)
      return reciprocal(x);
  }
  return math::PowFOp::create(b, loc, x, cast(y, result, unsignedExponent, false));
}
V ScalarBuilder::tanh(V x) { return math::TanhOp::create(b, loc, x); }
V ScalarBuilder::erf(V x) { return math::ErfOp::create(b, loc, x); }
V ScalarBuilder::gelu(V x) {
  V one = cst(1, x);
  if (x.getType().isF64())
    return mul(mul(cst(0.5, x), x), math::ErfcOp::create(b, loc, mul(x, cst(-0.70710678118654752440, x))));
  // Beside max(x, 0), x Phi(x) is -a Phi(-a) = -e^(-a^2 / 2) a r(a), a = |x|. Of a^2 / 2 the part that rounding takes counts too: e^lost is
  // 1 + lost.
  V a = min(abs(x), cst(15, x)); // Phi(-15) is 0
  V scaled = mul(a, cst(-0.5, x)), power = mul(scaled, a);
  V lost = math::FmaOp::create(b, loc, scaled, a, neg(power));
  V gauss = exp(power);
  // a r(a) = v p(v - 1), v = a / (3/2 + 3 a / 8), with p a minimax fit (Lawson's weights, coefficients rounded one by one) of relative error
  // 2^-26.5 for a <= 14.3. Even and odd powers are summed apart down to the square, so that neither sum waits for the other.
  V v = div(a, add(mul(a, cst(0.375, x)), cst(1.5, x))), w = sub(v, one), square = mul(w, w);
  V even = cst(1.79700692e-05, x), odd = cst(-3.66169047e-06, x);
  for (double c : {-0.000385465071, 0.00779842306, 0.116146445})
    even = add(mul(even, square), cst(c, x));
  for (double c : {4.55402733e-05, -3.68924666e-05, -0.0396032482})
    odd = add(mul(odd, square), cst(c, x));
  V p = add(mul(odd, w), even);
  for (double c : {-0.236344829, 0.350479543})
    p = add(mul(p, w), cst(c, x));
  V tail = mul(gauss, mul(add(mul(v, lost), v), p));
  return sub(mul(x, select(lt(x, cst(0, x)), cst(0, x), one)), tail);
}
V ScalarBuilder::sigmoid(V x) {
  // Without overflow: 1 / (1 + e^-x) for x >= 0, e^x / (1 + e^x) below.
  V one = cst(1, x), e = exp(neg(abs(x)));
  return div(select(lt(x, cst(0, x)), e, one), add(one, e));
}
V ScalarBuilder::softplus(V x) {
  // log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): no overflow.
  return add(max(x, cst(0, x)), log1p(exp(neg(abs(x)))));
}
V ScalarBuilder::shrink(V x, double lambd, double bias) {
  V f = isFloat(x) ? x : cast(x, b.getF64Type(), isUnsigned, false);
  V inner = select(lt(cst(lambd, f), f), sub(f, cst(bias, f)), cst(0, f));
  V result = select(lt(f, cst(-lambd, f)), add(f, cst(bias, f)), inner);
  return isFloat(x) ? result : cast(result, x.getType(), false, isUnsigned);
}
V ScalarBuilder::sin(V x) { return math::SinOp::create(b, loc, x); }
V ScalarBuilder::cos(V x) { return math::CosOp::create(b, loc, x); }
V ScalarBuilder::tan(V x) { return div(sin(x), cos(x)); }
V ScalarBuilder::asin(V x) { return math::AsinOp::create(b, loc, x); }
V ScalarBuilder::acos(V x) { return math::AcosOp::create(b, loc, x); }
V ScalarBuilder::atan(V x) { return math::AtanOp::create(b, loc, x); }
V ScalarBuilder::sinh(V x) {
  // (e^x - e^-x) / 2 loses everything near 0: there the series x + x^3/6 + x^5/120 + x^7/5040 + ... (Abramowitz & Stegun 4.5.62).
  // e^x is a square, for its half may be finite where it is not.
  V root = exp(mul(cst(0.5, x), x));
  V big = sub(mul(mul(cst(0.5, x), root), root), div(div(cst(0.5, x), root), root));
  V x2 = mul(x, x), series = cst(0, x);
  for (double n : {362880.0, 5040.0, 120.0, 6.0})
    series = mul(x2, add(series, cst(1 / n, x)));
  return select(lt(abs(x), cst(1, x)), add(x, mul(x, series)), big);
}
V ScalarBuilder::cosh(V x) {
  V root = exp(mul(cst(0.5, x), x));
  return add(mul(mul(cst(0.5, x), root), root), div(div(cst(0.5, x), root), root));
}
V ScalarBuilder::asinh(V x) {
  // sign(x) log(|x| + sqrt(x^2 + 1)) = sign(x) log1p(|x| + x^2 / (1 + sqrt(x^2 + 1))); for large |x| sign(x) log(2 |x|).
  V a = abs(x), one = cst(1, x), large = lt(cst(1e8, x), a);
  V bounded = select(large, one, a), square = mul(bounded, bounded);
  V near = log1p(add(bounded, div(square, add(one, sqrt(add(square, one))))));
  V result = select(large, add(log(a), cst(0.69314718055994530942, x)), near);
  return math::CopySignOp::create(b, loc, result, x);
}
V ScalarBuilder::acosh(V x) {
  // log(x + sqrt(x^2 - 1)) = log1p(t + sqrt(t (t + 2))), t = x - 1; for large x log(2 x).
  V one = cst(1, x), large = lt(cst(1e8, x), x);
  V t = sub(select(large, one, x), one);
  V near = log1p(add(t, mul(sqrt(t), sqrt(add(t, cst(2, x)))))); // NaN for t < 0
  return select(large, add(log(x), cst(0.69314718055994530942, x)), near);
}
V ScalarBuilder::atanh(V x) {
  // log((1 + |x|) / (1 - |x|)) / 2 = log1p(2 |x| / (1 - |x|)) / 2.
  V a = abs(x);
  V result = mul(cst(0.5, x), log1p(div(add(a, a), sub(cst(1, x), a))));
  return math::CopySignOp::create(b, loc, result, x);
}
V ScalarBuilder::floor(V x) { return isFloat(x) ? V(math::FloorOp::create(b, loc, x)) : x; }
V ScalarBuilder::ceil(V x) { return isFloat(x) ? V(math::CeilOp::create(b, loc, x)) : x; }
V ScalarBuilder::round(V x) { return isFloat(x) ? V(math::RoundEvenOp::create(b, loc, x)) : x; }

V ScalarBuilder::eq(V x, V y) {
  if (isFloat(x))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y);
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
}
V ScalarBuilder::lt(V x, V y) {
  if (isFloat(x))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y);
  return arith::CmpIOp::create(b, loc, isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, x, y);
}
V ScalarBuilder::le(V x, V y) {
  if (isFloat(x))
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLE, x, y);
  return arith::CmpIOp::create(b, loc, isUnsigned ? arith::CmpIPredicate::ule : arith::CmpIPredicate::sle, x, y);
}
V ScalarBuilder::andi(V x, V y) { return arith::AndIOp::create(b, loc, x, y); }
V ScalarBuilder::ori(V x, V y) { return arith::OrIOp::create(b, loc, x, y); }
V ScalarBuilder::xori(V x, V y) { return arith::XOrIOp::create(b, loc, x, y); }
V ScalarBuilder::noti(V x) { return xori(x, cst(-1, x)); }
namespace {
// Shift amounts of the type's width or more (or negative ones) are poison in LLVM; ONNX defines them.
V clampedShift(ScalarBuilder &s, V y, double width) {
  V limit = s.cst(width - 1, y);
  return arith::MinUIOp::create(s.b, s.loc, y, limit);
}
} // namespace
V ScalarBuilder::shl(V x, V y) {
  double width = x.getType().getIntOrFloatBitWidth();
  V tooFar = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, y, cst(width, y));
  return select(tooFar, cst(0, x), arith::ShLIOp::create(b, loc, x, clampedShift(*this, y, width)));
}
V ScalarBuilder::shr(V x, V y) {
  double width = x.getType().getIntOrFloatBitWidth();
  V amount = clampedShift(*this, y, width);
  if (!isUnsigned)
    return arith::ShRSIOp::create(b, loc, x, amount);
  V tooFar = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, y, cst(width, y));
  return select(tooFar, cst(0, x), arith::ShRUIOp::create(b, loc, x, amount));
}
V ScalarBuilder::isnan(V x) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x); }
V ScalarBuilder::isinf(V x, bool positive, bool negative) {
  V result = boolean(false);
  if (positive)
    result = ori(result, eq(x, cst(INFINITY, x)));
  if (negative)
    result = ori(result, eq(x, cst(-INFINITY, x)));
  return result;
}
V ScalarBuilder::select(V cond, V x, V y) { return arith::SelectOp::create(b, loc, cond, x, y); }

V ScalarBuilder::cast(V x, Type to, bool fromUnsigned, bool toUnsigned) {
  Type from = x.getType();
  if (from == to)
    return x;
  auto fromFloat = dyn_cast<FloatType>(from), toFloat = dyn_cast<FloatType>(to);
  if (to.isInteger(1))
    return fromFloat ? V(arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x, cst(0, x)))
                     : V(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, cst(0, x)));
  if (fromFloat && toFloat) {
    if (toFloat.getWidth() > fromFloat.getWidth())
      return arith::ExtFOp::create(b, loc, to, x);
    if (toFloat.getWidth() < fromFloat.getWidth())
      return arith::TruncFOp::create(b, loc, to, x);
    return arith::TruncFOp::create(b, loc, to, arith::ExtFOp::create(b, loc, b.getF32Type(), x).getResult());
  }
  if (fromFloat) {
    // Narrow integers go through i64 so that out-of-range values wrap as C does, instead of being poison.
    unsigned width = to.getIntOrFloatBitWidth();
    Type wide = width < 64 ? b.getI64Type() : to;
    V w = toUnsigned && width == 64 ? V(arith::FPToUIOp::create(b, loc, wide, x)) : V(arith::FPToSIOp::create(b, loc, wide, x));
    return width < 64 ? V(arith::TruncIOp::create(b, loc, to, w)) : w;
  }
  bool isUnsignedSource = fromUnsigned || from.isInteger(1);
  if (toFloat)
    return isUnsignedSource ? V(arith::UIToFPOp::create(b, loc, to, x)) : V(arith::SIToFPOp::create(b, loc, to, x));
  unsigned fromWidth = from.getIntOrFloatBitWidth(), toWidth = to.getIntOrFloatBitWidth();
  if (toWidth < fromWidth)
    return arith::TruncIOp::create(b, loc, to, x);
  if (toWidth == fromWidth)
    return x;
  return isUnsignedSource ? V(arith::ExtUIOp::create(b, loc, to, x)) : V(arith::ExtSIOp::create(b, loc, to, x));
}
