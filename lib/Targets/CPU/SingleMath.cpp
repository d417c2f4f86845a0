// Mathematical functions in f32 by range reduction and polynomials. Their coefficients are minimax fits made for these intervals (Remez, or
// least squares with Lawson's weights), each rounded to f32 before the higher ones were fitted again.
#include "FloatMath.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace laic::cpu;
using V = Value;

// ln 2 in two parts: the first has so few bits that its products with exponents are exact.
static constexpr double kLn2 = 0.69314718055994530942, kLn2High = 0x1.62e4p-1, kLn2Low = kLn2 - kLn2High;
static constexpr double kLog2E = 1.44269504088896340736;

// Even and odd powers apart, down to the square: two chains that wait half as long for each other's sums. The last two powers follow one by one,
// for there rounding counts.
V SingleMath::polynomialInHalves(V x, llvm::ArrayRef<double> coefficients) {
  auto upper = coefficients.drop_back(2);
  V square = mul(x, x), sums[2] = {number(upper[0]), number(upper[1])};
  for (size_t i = 2; i < upper.size(); ++i)
    sums[i % 2] = fma(sums[i % 2], square, number(upper[i]));
  V sum = upper.size() % 2 ? fma(sums[1], x, sums[0]) : fma(sums[0], x, sums[1]);
  for (double c : coefficients.take_back(2))
    sum = fma(sum, x, number(c));
  return sum;
}

V SingleMath::expNearZero(V r) { // error 2^-28
  return polynomial(r, {0.00138222368, 0.00836909469, 0.0416682512, 0.166665167, 0.49999994, 1, 1});
}

V SingleMath::exp(V x) {
  // x = n ln 2 + r, |r| <= ln 2 / 2; 2^n in two factors, so that small results do not vanish and large ones overflow only where they do.
  V clamped = clamp(x, -105, 89);
  Whole n = whole(clamped, kLog2E, 2 * 127);
  V r = fma(n.number, number(-kLn2Low), fma(n.number, number(-kLn2High), clamped));
  V half = make<arith::ShRUIOp>(n.bits, integer(1)), rest = make<arith::SubIOp>(n.bits, half);
  return mul(mul(expNearZero(r), powerOfLowBits(half)), powerOfLowBits(rest));
}

V SingleMath::scaledExp(V x, int64_t scale) {
  V clamped = atLeast(x, -105);
  Whole n = whole(clamped, kLog2E, 127 + scale);
  V r = fma(n.number, number(-kLn2Low), fma(n.number, number(-kLn2High), clamped));
  return mul(expNearZero(r), powerOfLowBits(n.bits));
}

V SingleMath::expOfNonPositive(V x) { return mul(scaledExp(x, 30), number(0x1p-30)); }

V SingleMath::sigmoid(V x) {
  // 1 / (1 + e^-x) for x >= 0, e^x / (1 + e^x) below; both terms times 2^30, so that e^-|x| is exact where it is subnormal.
  V e = scaledExp(neg(abs(x)), 30), one = number(0x1p30);
  return div(select(isNegative(x), e, one), add(one, e));
}

SingleMath::Growth SingleMath::growth(V x) {
  // x = n ln 2 + r. What one constant for ln 2 leaves out is at most 2^-29 |n|: little beside e^x - 1. Relative error of the polynomial: 2^-26.
  Whole n = whole(x, kLog2E, 127);
  V r = fma(n.number, number(-kLn2), x);
  V q = polynomial(r, {0.00138820545, 0.00836709607, 0.0416673906, 0.16666539, 0.49999997});
  return {powerOfLowBits(n.bits), fma(mul(r, r), q, r)};
}

V SingleMath::logOfScaled(V f, V exponent) {
  V p = polynomial(f, {-0.0763450290965, 0.127615773481, -0.131601804663, 0.142017579983, -0.16623357535, 0.200012268731,
                       -0.250008210285, 0.333333317078});
  V e = arith::SIToFPOp::create(b, loc, shaped(element), exponent), square = mul(f, f);
  V tail = fma(e, number(kLn2Low * 0x1p-23), fma(mul(square, f), p, mul(square, number(-0.5))));
  return fma(e, number(kLn2High * 0x1p-23), add(f, tail));
}

static constexpr int64_t kSqrtHalf = 0x3f3504f3, kExponent = 0xff800000 - (int64_t{1} << 32);

V SingleMath::log(V x) {
  // x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2).
  V tiny = less(x, number(0x1p-126));
  V bits = cast(select(tiny, mul(x, number(0x1p24)), x), integerType());
  V exponent = make<arith::AndIOp>(make<arith::SubIOp>(bits, integer(kSqrtHalf)), integer(kExponent));
  V f = sub(cast(make<arith::SubIOp>(bits, exponent), element), number(1));
  exponent = make<arith::SubIOp>(exponent, select(tiny, integer(24 << 23), integer(0)));
  return logarithm(x, logOfScaled(f, exponent));
}

V SingleMath::log1p(V x) {
  // 1 + x = 2^e (1 + f) with e from the rounded sum and f from x itself: 2^-e x - (1 - 2^-e), whose parts are exact. 2^-e is made as 2^(2 - e),
  // for e may be 128.
  V u = add(number(1), x);
  V exponent = make<arith::AndIOp>(make<arith::SubIOp>(cast(u, integerType()), integer(kSqrtHalf)), integer(kExponent));
  V scaled = cast(make<arith::SubIOp>(cast(x, integerType()), exponent), element);
  V inverse = cast(make<arith::SubIOp>(integer((127 + 2) << 23), exponent), element);
  V f = sub(scaled, fma(inverse, number(-0.25), number(1)));
  return select(equal(x, number(0)), x, logarithm(u, logOfScaled(f, exponent)));
}

V SingleMath::log1pOfFraction(V x) { // relative error of the polynomial: 2^-27
  return mul(x, polynomialInHalves(x, {-0.00329041644, 0.0200861115, -0.057457123, 0.106611252, -0.153448805, 0.196921021,
                                       -0.24958019, 0.333304644, -0.499999315, 1}));
}

V SingleMath::tanh(V x) {
  // (e^2a - 1) / (e^2a + 1), a = |x|; from 9.02 on it rounds to 1.
  V a = atMost(abs(x), 9.02);
  Growth g = growth(add(a, a));
  V e = fma(g.power, g.near, sub(g.power, number(1)));
  return copySign(div(e, add(e, number(2))), x);
}

V SingleMath::erf(V x) {
  // log(1 - erf a), a = |x|, is nearly a parabola: -a (c + q(a)), c = 2 / sqrt(pi) in f32, with erf's relative error 2^-24.7. From 3.93 on erf
  // rounds to 1.
  V a = atMost(abs(x), 3.93);
  V q = polynomialInHalves(a, {-4.0661158e-05, 0.000380615907, -0.00125059905, -0.00020729861, 0.0193227641, -0.102814719,
                               -0.636616468, 1.87366549e-08});
  Growth g = growth(fma(a, number(-1.12837922573), mul(a, q)));
  return copySign(fma(neg(g.power), g.near, sub(number(1), g.power)), x);
}
