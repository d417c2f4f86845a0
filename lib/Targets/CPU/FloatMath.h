// Mathematical functions as arithmetic on scalars or vectors: in f64, in f32, and the conversions of narrow float formats.
#ifndef LAIC_LIB_TARGETS_CPU_FLOATMATH_H
#define LAIC_LIB_TARGETS_CPU_FLOATMATH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace laic::cpu {

/// Arithmetic on floats of one type. All values have one shape: that of `like`, a scalar or a vector.
class FloatArithmetic {
public:
  using V = mlir::Value;

protected:
  FloatArithmetic(mlir::OpBuilder &b, mlir::Location loc, mlir::Type like, mlir::Type element, bool hasFma)
      : b(b), loc(loc), like(like), element(element), hasFma(hasFma) {}

  mlir::Type shaped(mlir::Type element);
  V constant(mlir::Type type, mlir::TypedAttr element);
  mlir::IntegerType integerType(); // as wide as the floats
  V number(double value);
  V integer(int64_t value);
  V truth(bool value);
  V add(V x, V y);
  V sub(V x, V y);
  V mul(V x, V y);
  V div(V x, V y);
  V fma(V x, V y, V z); // x * y + z
  V abs(V x);
  V neg(V x);
  V sqrt(V x);
  V less(V x, V y);
  V equal(V x, V y);
  V isNaN(V x);
  V select(V c, V x, V y);
  V cast(V x, mlir::Type element);                        // bitcast
  V polynomial(V x, llvm::ArrayRef<double> coefficients); // highest power first
  V nearest(V x);                                         // to an integer, |x| < 2^51 (f64), 2^22 (f32)
  V integerOf(V n);                                       // n integral, in the range of nearest
  V floatOf(V n);                                         // the same back
  V powerOfTwo(V n);                                      // n an integer, normal range
  V copySign(V magnitude, V sign);                        // magnitude >= 0
  V atLeast(V x, double low);                             // one instruction, as the next; NaN stays
  V atMost(V x, double high);
  V clamp(V x, double low, double high) { return atMost(atLeast(x, low), high); }
  V isNegative(V x);          // its sign bit is set
  V logarithm(V x, V finite); // `finite` is right where x and log x are finite
  struct Whole {
    V bits;   // an integer whose low bits hold n + bias
    V number; // n
  };
  Whole whole(V x, double factor, int64_t bias); // n = x * factor rounded to an integer, as in nearest; |bias| small
  V powerOfLowBits(V bits);                      // 2^(k - exponent bias), k the low bits
  template <typename Op> V make(V x, V y) { return Op::create(b, loc, x, y); }

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type like;
  mlir::Type element;
  bool hasFma;

private:
  double rounder();
  int64_t rounderBits();
};

/// Functions of f64. Errors are some units in the last place.
class FloatMath : public FloatArithmetic {
public:
  FloatMath(mlir::OpBuilder &b, mlir::Location loc, mlir::Type like, bool hasFma)
      : FloatArithmetic(b, loc, like, b.getF64Type(), hasFma) {}

  V exp(V x);
  V log(V x);
  V log1p(V x);
  /// `single`, where the argument was one, is it before it was extended: arguments of any size are then reduced exactly. Without
  /// it, errors grow from 2^20 on.
  V sin(V x, V single = nullptr) { return sinOrCos(x, single, 0); }
  V cos(V x, V single = nullptr) { return sinOrCos(x, single, 1); }
  V atan(V x);
  V asin(V x);
  V acos(V x);
  V tanh(V x);
  V erf(V x);
  V erfc(V x);
  V pow(V x, V y);
  V fmod(V x, V y); // sign of x; exact while x / y is below 2^53

  // f32 <-> f16 and bf16 by integer arithmetic, ties to even.
  V extendHalf(V x);
  V truncateToHalf(V x);
  V extendBrain(V x);
  V truncateToBrain(V x);

private:
  struct ErrorFunction {
    V near, tail; // erf|x| below 3, erfc|x| from 3 on
  };
  ErrorFunction errorFunction(V magnitude);
  V sinOrCos(V x, V single, int64_t quadrant);
  std::pair<V, V> reduceLarge(V single); // quarter turns mod 4 as i64, and what is left in radians
  V smallPower(V x, V y);
  V bits(int64_t value); // i32
  V float32(float value);
};

/// Functions of f32 within 3 units in the last place, subnormal numbers included.
class SingleMath : public FloatArithmetic {
public:
  SingleMath(mlir::OpBuilder &b, mlir::Location loc, mlir::Type like, bool hasFma)
      : FloatArithmetic(b, loc, like, b.getF32Type(), hasFma) {}

  V exp(V x);
  V expOfNonPositive(V x); // x <= 0 or NaN
  V log(V x);
  V log1p(V x);
  V log1pOfFraction(V x); // 0 <= x <= 1 or NaN
  V tanh(V x);
  V erf(V x);
  V sigmoid(V x);

private:
  struct Growth {
    V power, near; // 2^n and e^r - 1: e^x - 1 = power * near + power - 1
  };
  V expNearZero(V r);                        // |r| <= ln 2 / 2
  V scaledExp(V nonPositive, int64_t scale); // e^x 2^scale, scale >= 25: never subnormal
  Growth growth(V x);                        // |x| < 80
  V logOfScaled(V f, V exponent);            // log(1 + f) + e ln 2, exponent = 2^23 e, sqrt(1/2) <= 1 + f < sqrt(2)
  V polynomialInHalves(V x, llvm::ArrayRef<double> coefficients);
};

} // namespace laic::cpu
#endif
