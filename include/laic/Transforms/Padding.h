// What of a tensor.pad the kernel before it can write.
#ifndef LAIC_TRANSFORMS_PADDING_H
#define LAIC_TRANSFORMS_PADDING_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

namespace laic {

/// Known amounts of one value around a tensor of known size that is not empty, none of them before or after the last dim: rows stay
/// whole, and what writes them may put them into the middle of the result.
inline bool isAroundRows(mlir::tensor::PadOp pad) {
  auto fixed = [](llvm::ArrayRef<int64_t> amounts) {
    return !amounts.empty() && amounts.back() == 0 && llvm::all_of(amounts, [](int64_t amount) { return amount >= 0; });
  };
  return pad.getConstantPaddingValue() && fixed(pad.getStaticLow()) && fixed(pad.getStaticHigh()) &&
         pad.getSourceType().hasStaticShape() && pad.getSourceType().getNumElements() > 0;
}

} // namespace laic
#endif
