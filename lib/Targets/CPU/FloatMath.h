// Arithmetic for mathematical functions in f64 and for narrow float formats, on scalars or vectors.
#ifndef LAIC_LIB_TARGETS_CPU_FLOATMATH_H
#define LAIC_LIB_TARGETS_CPU_FLOATMATH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace laic::cpu {

/// All values have one shape: scalars, or vectors of one length. Errors are some units in the last place of f64.
class FloatMath {
public:
  using V = mlir::Value;
  FloatMath(mlir::OpBuilder &b, mlir::Location loc, mlir::Type like, bool hasFma);

  V exp(V x);
  V log(V x);
  V sin(V x) { return sinOrCos(x, 0); }
  V cos(V x) { return sinOrCos(x, 1); }
  V atan(V x);
  V asin(V x);
  V acos(V x);
  V tanh(V x);
  V erf(V x);
  V pow(V x, V y);
  V fmod(V x, V y); // sign of x; exact while x / y is below 2^53

  // f32 <-> f16 and bf16 by integer arithmetic, ties to even.
  V extendHalf(V x);
  V truncateToHalf(V x);
  V extendBrain(V x);
  V truncateToBrain(V x);

private:
  V sinOrCos(V x, int64_t quadrant);
  V smallPower(V x, V y);
  mlir::Type shaped(mlir::Type element);
  V number(double value);
  V integer(int64_t value); // i64
  V bits(int64_t value);    // i32
  V float32(float value);
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
  V select(V c, V x, V y);
  V cast(V x, mlir::Type element);                        // bitcast
  V polynomial(V x, llvm::ArrayRef<double> coefficients); // highest power first
  V nearest(V x);                                         // to an integer, |x| < 2^51
  V powerOfTwo(V n);                                      // n integral, normal range
  V copySign(V magnitude, V sign);
  template <typename Op> V make(V x, V y) { return Op::create(b, loc, x, y); }

  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type like;
  bool hasFma;
};

} // namespace laic::cpu
#endif
