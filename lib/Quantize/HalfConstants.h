// Constants in 16-bit floats.
#ifndef LAIC_LIB_QUANTIZE_HALFCONSTANTS_H
#define LAIC_LIB_QUANTIZE_HALFCONSTANTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace laic {

/// The largest finite f16.
constexpr double kLargestF16 = 65504;

/// Constants rounded to nearest, ties to even, and what that costs. Infinity and NaN stay what they are and do not count.
struct HalfConstants {
  std::vector<uint16_t> bits;
  double largest = 0;            // magnitude of a finite element, as f32
  double signal = 0, noise = 0;  // sums of squares: of the constants, and of their rounding errors, without what becomes infinite
  int64_t nonZero = 0, lost = 0; // `lost`: of those, the ones that become zero
};

/// `narrow`: f16 or bf16.
HalfConstants roundToHalves(llvm::ArrayRef<float> values, mlir::Type narrow);

} // namespace laic
#endif
