// Constants of few bits.
#ifndef LAIC_LIB_QUANTIZE_WEIGHTS_H
#define LAIC_LIB_QUANTIZE_WEIGHTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace laic {

/// Symmetric integers with one scale per index of an axis: w is about values * scale.
struct ByteWeights {
  std::vector<int8_t> values;
  std::vector<float> scales;
};

/// s8 in [-127, 127]. Each scale is the one with the least mean square error among those that clip at most a fifth of the range; it is
/// never 0.
ByteWeights quantizeChannels(llvm::ArrayRef<float> weights, mlir::RankedTensorType type, int64_t axis);

} // namespace laic
#endif
