// Arithmetic that the functions of f32 and f64 share.
#include "FloatMath.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;
using namespace laic::cpu;
using V = Value;

Type FloatArithmetic::shaped(Type element) {
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(element);
  return element;
}

V FloatArithmetic::constant(Type type, TypedAttr element) {
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, static_cast<Attribute>(element)));
  return arith::ConstantOp::create(b, loc, element);
}

IntegerType FloatArithmetic::integerType() { return b.getIntegerType(element.getIntOrFloatBitWidth()); }
V FloatArithmetic::number(double value) { return constant(shaped(element), b.getFloatAttr(element, value)); }
V FloatArithmetic::integer(int64_t value) { return constant(shaped(integerType()), b.getIntegerAttr(integerType(), value)); }
V FloatArithmetic::truth(bool value) { return constant(shaped(b.getI1Type()), b.getBoolAttr(value)); }
V FloatArithmetic::add(V x, V y) { return make<arith::AddFOp>(x, y); }
V FloatArithmetic::sub(V x, V y) { return make<arith::SubFOp>(x, y); }
V FloatArithmetic::mul(V x, V y) { return make<arith::MulFOp>(x, y); }
V FloatArithmetic::div(V x, V y) { return make<arith::DivFOp>(x, y); }
V FloatArithmetic::fma(V x, V y, V z) { return hasFma ? V(math::FmaOp::create(b, loc, x, y, z)) : add(mul(x, y), z); }
V FloatArithmetic::abs(V x) { return math::AbsFOp::create(b, loc, x); }
V FloatArithmetic::neg(V x) { return arith::NegFOp::create(b, loc, x); }
V FloatArithmetic::sqrt(V x) { return math::SqrtOp::create(b, loc, x); }
V FloatArithmetic::less(V x, V y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y); }
V FloatArithmetic::equal(V x, V y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, y); }
V FloatArithmetic::isNaN(V x) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x); }
V FloatArithmetic::select(V c, V x, V y) { return arith::SelectOp::create(b, loc, c, x, y); }
V FloatArithmetic::cast(V x, Type to) { return arith::BitcastOp::create(b, loc, shaped(to), x); }
// Not by copysign, nor by masks, which the code generator takes for it: it would narrow the sign's f64 to f16 by a library's function.
V FloatArithmetic::copySign(V magnitude, V sign) { return select(isNegative(sign), neg(magnitude), magnitude); }

V FloatArithmetic::polynomial(V x, llvm::ArrayRef<double> coefficients) {
  V sum = number(coefficients[0]);
  for (double c : coefficients.drop_front())
    sum = fma(sum, x, number(c));
  return sum;
}

// 1.5 * 2^52 (f64) or 1.5 * 2^23 (f32): adding it rounds to an integer, which is then in the low bits.
double FloatArithmetic::rounder() { return element.isF64() ? 6755399441055744.0 : 12582912.0; }
int64_t FloatArithmetic::rounderBits() { return element.isF64() ? 0x4338000000000000 : 0x4b400000; }

V FloatArithmetic::nearest(V x) { return sub(add(x, number(rounder())), number(rounder())); }
V FloatArithmetic::integerOf(V n) {
  return make<arith::SubIOp>(cast(add(n, number(rounder())), integerType()), integer(rounderBits()));
}
V FloatArithmetic::floatOf(V n) { return sub(cast(make<arith::AddIOp>(n, integer(rounderBits())), element), number(rounder())); }

V FloatArithmetic::powerOfTwo(V n) {
  bool wide = element.isF64();
  return cast(make<arith::ShLIOp>(make<arith::AddIOp>(n, integer(wide ? 1023 : 127)), integer(wide ? 52 : 23)), element);
}

FloatArithmetic::Whole FloatArithmetic::whole(V x, double factor, int64_t bias) {
  V biased = number(rounder() + static_cast<double>(bias)), sum = fma(x, number(factor), biased);
  return {cast(sum, integerType()), sub(sum, biased)};
}

V FloatArithmetic::powerOfLowBits(V bits) { return cast(make<arith::ShLIOp>(bits, integer(element.isF64() ? 52 : 23)), element); }

V FloatArithmetic::atLeast(V x, double low) { return select(less(x, number(low)), number(low), x); }
V FloatArithmetic::atMost(V x, double high) { return select(less(number(high), x), number(high), x); }

V FloatArithmetic::isNegative(V x) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, cast(x, integerType()), integer(0));
}

V FloatArithmetic::logarithm(V x, V finite) {
  double infinity = std::numeric_limits<double>::infinity();
  V result = select(equal(x, number(infinity)), x, finite);
  result = select(equal(x, number(0)), number(-infinity), result);
  V valid = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGE, x, number(0));
  return select(valid, result, number(std::numeric_limits<double>::quiet_NaN()));
}
