// Conversions between the types that kernels compute in and those that they only store: floats of at most 8 bits (as codes),
// integers of 4 and 2 bits (as values in 8 bits).
#ifndef LAIC_LIB_DIALECT_LAIC_NARROWTYPES_H
#define LAIC_LIB_DIALECT_LAIC_NARROWTYPES_H

#include "laic/Dialect/Laic/ScalarBuilder.h"

namespace laic {

/// Where a float goes that f8E8M0, which has powers of two alone, cannot hold.
enum class PowerRounding { Up, Down, Nearest }; // Nearest: halves up

/// How ONNX Cast treats what lies outside the target.
struct CastRules {
  bool saturate = true; // 8-bit floats: the largest number instead of infinity or NaN
  PowerRounding rounding = PowerRounding::Up;
};

/// The f32 that a code (i8) of a narrow float means; exact.
mlir::Value decodeNarrowFloat(ScalarBuilder &s, mlir::Value code, mlir::Type narrow);
/// The code (i8) of the nearest narrow float, ties to even, of x (f32 or f64).
mlir::Value encodeNarrowFloat(ScalarBuilder &s, mlir::Value x, mlir::Type narrow, CastRules rules = {});
/// The nearest f16 or bf16 of an f64, rounded once.
mlir::Value roundDouble(ScalarBuilder &s, mlir::Value x, mlir::Type half);
/// An i8 cut to 4 or 2 bits, and extended again as the type's sign says; i8 of any other type stays.
mlir::Value wrapNarrowInteger(ScalarBuilder &s, mlir::Value x, mlir::Type element);
/// ONNX Cast of a scalar, as LowerContext::toCompute gives it, to what toStorage takes. Both types are ONNX element types.
mlir::Value castElement(ScalarBuilder &s, mlir::Value x, mlir::Type from, mlir::Type to, CastRules rules = {});

} // namespace laic
#endif
