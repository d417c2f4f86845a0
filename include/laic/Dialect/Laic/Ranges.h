// Where calibration leaves the range that a float tensor has been seen to take.
#ifndef LAIC_DIALECT_LAIC_RANGES_H
#define LAIC_DIALECT_LAIC_RANGES_H

#include "mlir/IR/BuiltinAttributes.h"

namespace laic {

/// An array of two f64, least and greatest element: on an operation for its first result, and on arguments of @main.
constexpr llvm::StringLiteral kRangeAttr = "laic.range";

} // namespace laic
#endif
