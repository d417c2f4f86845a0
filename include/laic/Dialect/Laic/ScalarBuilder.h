// Builds the scalar computations of elementwise operations on arith and math, in the right compute type.
#ifndef LAIC_DIALECT_LAIC_SCALARBUILDER_H
#define LAIC_DIALECT_LAIC_SCALARBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace laic {

/// f16 and bf16 operands arrive extended to f32 and results are truncated by the caller. Booleans are i1. `isUnsigned` says
/// how signless integers are meant. Binary functions need operands of one type.
class ScalarBuilder {
public:
  ScalarBuilder(mlir::OpBuilder &b, mlir::Location loc, bool isUnsigned = false) : b(b), loc(loc), isUnsigned(isUnsigned) {}
  using V = mlir::Value;

  V cst(double value, V like); // a constant of like's type
  V cst(double value, mlir::Type type);
  V boolean(bool value);
  V add(V x, V y);
  V sub(V x, V y);
  V exactSub(V x, V y); // never part of an FMA: x - x is 0 even where x is recomputed by fusion
  V mul(V x, V y);
  V div(V x, V y);            // floats; integers: truncating, x / 0 = 0 (checked division is the caller's)
  V mod(V x, V y, bool fmod); // ONNX Mod: sign of the divisor for integers, of the dividend with fmod
  V neg(V x);
  V abs(V x);
  V sign(V x);
  V min(V x, V y); // NaN wins, as numpy.minimum
  V max(V x, V y);
  V clamp(V x, V lo, V hi) { return min(max(x, lo), hi); }
  V exp(V x);
  V log(V x);
  V log1p(V x); // log(1 + x)
  V sqrt(V x);
  V rsqrt(V x);
  V reciprocal(V x);
  /// x signed or float. Integers with integers are exact and wrap; negative exponents round toward zero as 1 / x^|y| does.
  V pow(V x, V y, bool unsignedExponent = false);
  V tanh(V x);
  V erf(V x);
  V gelu(V x); // x Phi(x), Phi the distribution function of the normal distribution; exact in its tail too
  V sigmoid(V x);
  V softplus(V x);
  /// x + bias below -lambd, x - bias above lambd, else 0. Integers: computed in f64 and truncated.
  V shrink(V x, double lambd, double bias);
  V sin(V x);
  V cos(V x);
  V tan(V x);
  V asin(V x);
  V acos(V x);
  V atan(V x);
  V sinh(V x);
  V cosh(V x);
  V asinh(V x);
  V acosh(V x);
  V atanh(V x);
  V floor(V x);
  V ceil(V x);
  V round(V x); // to nearest even
  V eq(V x, V y);
  V lt(V x, V y);
  V le(V x, V y);
  V gt(V x, V y) { return lt(y, x); }
  V ge(V x, V y) { return le(y, x); }
  V andi(V x, V y); // bitwise; also for booleans
  V ori(V x, V y);
  V xori(V x, V y);
  V shl(V x, V y);
  V shr(V x, V y);
  V noti(V x);
  V isnan(V x);
  V isinf(V x, bool positive, bool negative);
  V select(V cond, V x, V y);
  /// ONNX Cast: float to integer truncates, to bool is != 0, integers wrap.
  V cast(V x, mlir::Type to, bool fromUnsigned, bool toUnsigned);

  bool isFloat(V x);
  bool matchConstant(V x); // an arith.constant
  mlir::OpBuilder &b;
  mlir::Location loc;
  bool isUnsigned;

private:
  V integerPower(V x, V y, bool unsignedExponent);
};

} // namespace laic
#endif
