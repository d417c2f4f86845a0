// Mathematical functions in f32 by range reduction and polynomials. Their coefficients are minimax fits (Remez) of relative error below
// 2^-27, made for these intervals.
#include "FloatMath.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace laic::cpu;
using V = Value;

// ln 2 in two parts: the first has so few bits that its products with exponents are exact.
static constexpr double kLn2High = 0x1.62e4p-1, kLn2Low = 0.69314718055994530942 - kLn2High;

V SingleMath::exp(V x) {
  // x = n ln 2 + r, |r| <= ln 2 / 2; 2^n in two factors, so that small results do not vanish and large ones overflow only where they do.
  V clamped = clamp(x, -105, 89);
  V n = nearest(mul(clamped, number(1.44269504088896340736)));
  V r = fma(n, number(-kLn2Low), fma(n, number(-kLn2High), clamped));
  V p = polynomial(r, {0.00138131450813, 0.00836941883576, 0.0416684567767, 0.166665147914, 0.499999930508});
  V result = add(number(1), fma(mul(r, r), p, r));
  V whole = integerOf(n), half = make<arith::ShRSIOp>(whole, integer(1));
  return mul(mul(result, powerOfTwo(half)), powerOfTwo(make<arith::SubIOp>(whole, half)));
}

V SingleMath::log(V x) {
  // x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2).
  V tiny = less(x, number(0x1p-126));
  V raw = make<arith::SubIOp>(cast(select(tiny, mul(x, number(0x1p24)), x), integerType()), integer(0x3f3504f3)); // sqrt(1/2)
  V e = floatOf(make<arith::ShRSIOp>(raw, integer(23)));
  e = select(tiny, sub(e, number(24)), e);
  V f = sub(cast(make<arith::AddIOp>(make<arith::AndIOp>(raw, integer(0x7fffff)), integer(0x3f3504f3)), element), number(1));
  V p = polynomial(f, {-0.0763450290965, 0.127615773481, -0.131601804663, 0.142017579983, -0.16623357535, 0.200012268731,
                       -0.250008210285, 0.333333317078});
  V square = mul(f, f);
  V tail = fma(e, number(kLn2Low), fma(mul(square, f), p, mul(square, number(-0.5))));
  V result = fma(e, number(kLn2High), add(f, tail));
  return logarithm(x, result);
}

V SingleMath::tanh(V x) {
  V a = abs(x), z = mul(x, x);
  V big = sub(number(1), div(number(2), add(exp(add(a, a)), number(1))));
  V p = polynomial(z, {-0.00570498699346, 0.0206390872447, -0.0537397150858, 0.133314421982, -0.33333281942});
  return copySign(select(less(a, number(0.625)), fma(mul(a, z), p, a), big), x);
}

V SingleMath::erf(V x) {
  // Near 0 odd in x; beyond, -log(1 - erf|x|) is nearly a parabola.
  V a = abs(x), z = mul(x, x);
  V p = polynomial(z, {7.8538611801e-5, -0.000801019356926, 0.00518832767868, -0.026853811931, 0.112835851485, -0.376126258242,
                       0.128379165727});
  V edge = number(4); // erf 4 rounds to 1
  V t = select(less(edge, a), edge, a);
  V q = polynomial(t, {2.14455355118e-5, -0.000438529597508, 0.00419085417323, -0.0251718046896, 0.108361546421, 0.633272418967,
                       1.12955203891, -0.000182459685383});
  V big = sub(number(1), exp(neg(q)));
  return copySign(select(less(a, number(0.975)), fma(a, p, a), big), x);
}
