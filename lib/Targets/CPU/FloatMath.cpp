// Mathematical functions in f64 by range reduction and series; conversions of narrow float formats.
#include "FloatMath.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace laic::cpu;
using V = Value;

static constexpr double kPi = 3.14159265358979323846;

V FloatMath::bits(int64_t value) { return constant(shaped(b.getI32Type()), b.getI32IntegerAttr(value)); }
V FloatMath::float32(float value) { return constant(shaped(b.getF32Type()), b.getF32FloatAttr(value)); }

V FloatMath::exp(V x) {
  // x = n ln 2 + r, |r| <= ln 2 / 2; e^r by its series to r^13; 2^n in two factors, so that small results do not vanish.
  V clamped = clamp(x, -746, 710);
  V n = nearest(mul(clamped, number(1.44269504088896340736)));
  V r = fma(n, number(-6.93147180369123816490e-01), clamped);
  r = fma(n, number(-1.90821492927058770002e-10), r);
  llvm::SmallVector<double> series;
  for (int k = 13; k >= 0; --k)
    series.push_back(1 / std::tgamma(k + 1.0));
  V half = nearest(mul(n, number(0.5)));
  return mul(mul(polynomial(r, series), powerOfTwo(integerOf(half))), powerOfTwo(integerOf(sub(n, half))));
}

V FloatMath::log(V x) {
  // x = 2^e m, sqrt(1/2) <= m < sqrt(2); s = (m - 1) / (m + 1); log m = 2 s (1 + s^2/3 + s^4/5 + ...).
  Type i64 = b.getI64Type();
  V tiny = less(x, number(2.2250738585072014e-308));
  V scaled = select(tiny, mul(x, number(18014398509481984.0)), x);
  V raw = make<arith::SubIOp>(cast(scaled, i64), integer(0x3fe6a09e667f3bcd)); // sqrt(1/2)
  V exponent = make<arith::ShRSIOp>(raw, integer(52));
  V mantissa = make<arith::AddIOp>(make<arith::AndIOp>(raw, integer(0x000fffffffffffff)), integer(0x3fe6a09e667f3bcd));
  V m = cast(mantissa, b.getF64Type());
  V e = floatOf(exponent);
  e = select(tiny, sub(e, number(54)), e);
  V s = div(sub(m, number(1)), add(m, number(1)));
  llvm::SmallVector<double> series;
  for (int k = 12; k >= 1; --k)
    series.push_back(2.0 / (2 * k + 1));
  V z = mul(s, s);
  V tail = fma(e, number(1.90821492927058770002e-10), mul(mul(s, z), polynomial(z, series)));
  V result = fma(e, number(6.93147180369123816490e-01), add(add(s, s), tail));
  return logarithm(x, result);
}

V FloatMath::log1p(V x) {
  // log u for u = 1 + x as it was rounded, and the rounding's part: log(u + d) = log u + d / u + ...
  V u = add(number(1), x);
  V lost = div(sub(x, sub(u, number(1))), u);
  V infinity = number(std::numeric_limits<double>::infinity());
  V plain = arith::OrIOp::create(b, loc, equal(u, infinity), equal(u, number(0)));
  return select(equal(x, number(0)), x, add(log(u), select(plain, number(0), lost)));
}

std::pair<V, V> FloatMath::reduceLarge(V single) {
  auto widen = [&](V x) -> V { return arith::ExtUIOp::create(b, loc, shaped(b.getI64Type()), x); };
  // |x| = m 2^(e - 150). Of 2/pi those 96 bits count whose product with m 2^(e - 150) is below 4 quarter turns and not below 2^-94 of
  // one; the product mod 2^96 is the angle mod 4 quarter turns (Payne and Hanek 1983). Valid for e >= 120 (|x| >= 2^-7).
  V raw = cast(single, b.getI32Type());
  V magnitude = make<arith::AndIOp>(raw, bits(0x7fffffff));
  V offset = make<arith::SubIOp>(make<arith::ShRUIOp>(magnitude, bits(23)), bits(120));
  V wide = widen(make<arith::OrIOp>(make<arith::AndIOp>(raw, bits(0x7fffff)), bits(0x800000)));
  V word = make<arith::ShRUIOp>(offset, bits(5)), shift = widen(make<arith::AndIOp>(offset, bits(31)));
  // The binary digits of 2/pi behind a word of zeros.
  static constexpr uint32_t kDigits[] = {0, 0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  auto digits = [&](int64_t at) {
    V chosen = integer(kDigits[at]);
    for (int64_t i = 1; i + 3 < 8; ++i) {
      V here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, word, bits(i));
      chosen = select(here, integer(kDigits[at + i]), chosen);
    }
    return chosen;
  };
  V low32 = integer(0xffffffff), c32 = integer(32);
  V next = digits(0);
  V window[3];
  for (int64_t i = 0; i < 3; ++i) {
    V pair = make<arith::OrIOp>(make<arith::ShLIOp>(next, c32), digits(i + 1));
    next = digits(i + 1);
    window[i] = make<arith::AndIOp>(make<arith::ShRUIOp>(make<arith::ShLIOp>(pair, shift), c32), low32);
  }
  V top = make<arith::ShLIOp>(make<arith::MulIOp>(wide, window[0]), c32);
  top = make<arith::AddIOp>(top, make<arith::MulIOp>(wide, window[1]));
  top = make<arith::AddIOp>(top, make<arith::ShRUIOp>(make<arith::MulIOp>(wide, window[2]), c32));
  V turns = make<arith::ShRUIOp>(make<arith::AddIOp>(top, integer(int64_t{1} << 61)), integer(62));
  V rest = make<arith::SubIOp>(top, make<arith::ShLIOp>(turns, integer(62)));
  V angle = mul(arith::SIToFPOp::create(b, loc, shaped(b.getF64Type()), rest), number(kPi / 2 / 0x1p62));
  V negative = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, raw, bits(0));
  return {select(negative, make<arith::SubIOp>(integer(0), turns), turns), select(negative, neg(angle), angle)};
}

V FloatMath::sinOrCos(V x, V single, int64_t quadrant) {
  // x = n pi/2 + r, pi/2 in three parts (Cody and Waite); the quadrant chooses series and sign.
  V n = nearest(mul(x, number(2 / kPi)));
  V r = fma(n, number(-1.57079632673412561417e+00), x);
  r = fma(n, number(-6.07710050630396597660e-11), r);
  r = fma(n, number(-2.02226624879595063154e-21), r);
  V turns = integerOf(n);
  if (single) {
    V a = abs(x), finite = less(a, number(std::numeric_limits<double>::infinity()));
    V large = arith::AndIOp::create(b, loc, finite, less(number(0x1p19), a)), any = large;
    if (isa<VectorType>(like))
      any = vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, large);
    // Rare, and as long as all the rest: branched around.
    auto branch = scf::IfOp::create(
        b, loc, any,
        [&](OpBuilder &, Location) {
          auto [largeTurns, largeRest] = reduceLarge(single);
          scf::YieldOp::create(b, loc, ValueRange{select(large, largeTurns, turns), select(large, largeRest, r)});
        },
        [&](OpBuilder &, Location) { scf::YieldOp::create(b, loc, ValueRange{turns, r}); });
    turns = branch.getResult(0);
    r = branch.getResult(1);
  }
  V z = mul(r, r);
  llvm::SmallVector<double> sines, cosines;
  for (int k = 8; k >= 0; --k) {
    sines.push_back((k % 2 ? -1 : 1) / std::tgamma(2 * k + 2.0));
    cosines.push_back((k % 2 ? -1 : 1) / std::tgamma(2 * k + 1.0));
  }
  V sine = mul(r, polynomial(z, sines)), cosine = polynomial(z, cosines);
  V q = make<arith::AddIOp>(turns, integer(quadrant));
  auto bit = [&](int64_t mask) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, make<arith::AndIOp>(q, integer(mask)), integer(0));
  };
  V result = select(bit(1), cosine, sine);
  return select(bit(2), neg(result), result);
}

V FloatMath::atan(V x) {
  // To [0, tan(pi/8)] by atan t = pi/2 - atan(1/t) and atan t = pi/4 + atan((t - 1) / (t + 1)); then the series.
  V a = abs(x), one = number(1);
  V large = less(one, a);
  V t = select(large, div(one, a), a);
  V middle = less(number(0.41421356237309503), t);
  t = select(middle, div(sub(t, one), add(t, one)), t);
  llvm::SmallVector<double> series;
  for (int k = 22; k >= 0; --k)
    series.push_back((k % 2 ? -1.0 : 1.0) / (2 * k + 1));
  V angle = mul(t, polynomial(mul(t, t), series));
  angle = select(middle, add(angle, number(kPi / 4)), angle);
  angle = select(large, sub(number(kPi / 2), angle), angle);
  return copySign(angle, x);
}

V FloatMath::asin(V x) { return atan(div(x, sqrt(mul(sub(number(1), x), add(number(1), x))))); }

V FloatMath::acos(V x) {
  V half = atan(sqrt(div(sub(number(1), x), add(number(1), x))));
  return add(half, half);
}

V FloatMath::tanh(V x) {
  V a = abs(x);
  V e = exp(mul(a, number(-2)));
  V big = copySign(div(sub(number(1), e), add(number(1), e)), x);
  // Near 0 the quotient cancels: x - x^3/3 + 2 x^5/15 - 17 x^7/315 + ...
  V z = mul(x, x);
  V small = mul(x, polynomial(z, {-1382.0 / 155925, 62.0 / 2835, -17.0 / 315, 2.0 / 15, -1.0 / 3, 1.0}));
  return select(less(a, number(0.06)), small, big);
}

FloatMath::ErrorFunction FloatMath::errorFunction(V a) {
  // erf = 2/sqrt(pi) e^(-a^2) a sum (2 a^2)^k / (2k + 1)!!; erfc by its continued fraction (Abramowitz & Stegun 7.1.6 and 7.1.14).
  V z = mul(a, a);
  V gauss = exp(neg(z));
  llvm::SmallVector<double> series;
  double term = 1;
  for (int k = 0; k <= 50; ++k) {
    series.insert(series.begin(), term);
    term *= 2.0 / (2 * k + 3);
  }
  V near = mul(mul(mul(gauss, a), number(2 / std::sqrt(kPi))), polynomial(z, series));
  V fraction = a;
  for (int k = 24; k >= 1; --k)
    fraction = add(a, div(number(k / 2.0), fraction));
  return {near, div(gauss, mul(fraction, number(std::sqrt(kPi))))};
}

V FloatMath::erf(V x) {
  V a = abs(x);
  ErrorFunction e = errorFunction(a);
  V result = select(less(a, number(3)), e.near, sub(number(1), e.tail));
  result = select(less(a, number(6)), result, number(1));
  return select(isNaN(x), x, copySign(result, x));
}

V FloatMath::erfc(V x) {
  V a = abs(x), large = number(30); // erfc 27 is the last that is not 0
  V clamped = select(less(large, a), large, a);
  ErrorFunction e = errorFunction(clamped);
  V tail = select(less(a, number(3)), sub(number(1), e.near), e.tail);
  V result = select(less(x, number(0)), sub(number(2), tail), tail);
  return select(isNaN(x), x, result);
}

// x^y for an integer 0 <= y < 64 by repeated squaring: exact where the product is.
V FloatMath::smallPower(V x, V y) {
  V n = integerOf(y);
  V result = number(1), square = x;
  for (int bit = 0; bit < 6; ++bit) {
    V set = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, make<arith::AndIOp>(n, integer(1ll << bit)), integer(0));
    result = select(set, mul(result, square), result);
    square = mul(square, square);
  }
  return result;
}

V FloatMath::pow(V x, V y) {
  V a = abs(y), whole = equal(math::FloorOp::create(b, loc, y), y);
  V infinity = number(std::numeric_limits<double>::infinity());
  V small = arith::AndIOp::create(b, loc, whole, less(a, number(64)));
  V power = smallPower(x, select(small, a, number(0)));
  power = select(less(y, number(0)), div(number(1), power), power);
  V size = abs(x);
  V general = exp(mul(y, log(size)));
  general = select(equal(size, number(1)), number(1), general); // 1 to an infinite power too
  V halved = mul(y, number(0.5));
  V even = equal(math::FloorOp::create(b, loc, halved), halved);
  V odd = arith::AndIOp::create(b, loc, whole, arith::XOrIOp::create(b, loc, even, truth(true)));
  V ofNegative = select(odd, neg(general), general);
  // Only finite numbers below 0 have no fractional powers.
  V finite = arith::AndIOp::create(b, loc, less(x, number(0)), less(size, infinity));
  V none = arith::AndIOp::create(b, loc, finite, arith::XOrIOp::create(b, loc, whole, truth(true)));
  ofNegative = select(none, number(std::numeric_limits<double>::quiet_NaN()), ofNegative);
  V negative = equal(math::CopySignOp::create(b, loc, number(1), x), number(-1));
  V result = select(small, power, select(negative, ofNegative, general));
  return select(equal(x, number(1)), number(1), result);
}

V FloatMath::fmod(V x, V y) {
  V a = abs(x), d = abs(y);
  V q = math::FloorOp::create(b, loc, div(a, d));
  V r = fma(neg(q), d, a);
  r = select(less(r, number(0)), add(r, d), r); // the quotient was rounded up,
  r = select(less(r, d), r, sub(r, d));         // or down
  r = select(less(a, d), a, r);
  V infinite = equal(d, number(std::numeric_limits<double>::infinity()));
  return copySign(select(infinite, a, r), x);
}

V FloatMath::extendHalf(V x) {
  V h = arith::ExtUIOp::create(b, loc, shaped(b.getI32Type()), cast(x, b.getI16Type()));
  V sign = make<arith::ShLIOp>(make<arith::AndIOp>(h, bits(0x8000)), bits(16));
  V magnitude = make<arith::ShLIOp>(make<arith::AndIOp>(h, bits(0x7fff)), bits(13));
  V scaled = cast(mul(cast(magnitude, b.getF32Type()), float32(0x1p112f)), b.getI32Type());
  V special = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge, magnitude, bits(0x0f800000));
  V result = select(special, make<arith::OrIOp>(magnitude, bits(0x7f800000)), scaled);
  return cast(make<arith::OrIOp>(result, sign), b.getF32Type());
}

V FloatMath::truncateToHalf(V x) {
  V all = cast(x, b.getI32Type());
  V magnitude = make<arith::AndIOp>(all, bits(0x7fffffff));
  auto compare = [&](arith::CmpIPredicate p, int64_t with) -> V {
    return arith::CmpIOp::create(b, loc, p, magnitude, bits(with));
  };
  V special = select(compare(arith::CmpIPredicate::ugt, 0x7f800000), bits(0x7e00), bits(0x7c00));
  V tiny = make<arith::SubIOp>(cast(add(cast(magnitude, b.getF32Type()), float32(0.5f)), b.getI32Type()), bits(0x3f000000));
  V odd = make<arith::AndIOp>(make<arith::ShRUIOp>(magnitude, bits(13)), bits(1));
  V rounded = make<arith::AddIOp>(make<arith::AddIOp>(magnitude, bits(0xfff - (112 << 23))), odd);
  V normal = make<arith::ShRUIOp>(rounded, bits(13));
  V result = select(compare(arith::CmpIPredicate::ult, 0x38800000), tiny, normal);
  result = select(compare(arith::CmpIPredicate::uge, 0x47800000), special, result);
  V sign = make<arith::AndIOp>(make<arith::ShRUIOp>(all, bits(16)), bits(0x8000));
  V narrow = arith::TruncIOp::create(b, loc, shaped(b.getI16Type()), make<arith::OrIOp>(result, sign));
  return cast(narrow, b.getF16Type());
}

V FloatMath::extendBrain(V x) {
  V wide = arith::ExtUIOp::create(b, loc, shaped(b.getI32Type()), cast(x, b.getI16Type()));
  return cast(make<arith::ShLIOp>(wide, bits(16)), b.getF32Type());
}

V FloatMath::truncateToBrain(V x) {
  V all = cast(x, b.getI32Type());
  V odd = make<arith::AndIOp>(make<arith::ShRUIOp>(all, bits(16)), bits(1));
  V rounded = make<arith::ShRUIOp>(make<arith::AddIOp>(make<arith::AddIOp>(all, bits(0x7fff)), odd), bits(16));
  V quiet = make<arith::OrIOp>(make<arith::ShRUIOp>(all, bits(16)), bits(0x40));
  V narrow = arith::TruncIOp::create(b, loc, shaped(b.getI16Type()), select(isNaN(x), quiet, rounded));
  return cast(narrow, b.getBF16Type());
}
