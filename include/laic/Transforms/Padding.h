// What of a tensor.pad the kernel before it can write.
#ifndef LAIC_TRANSFORMS_PADDING_H
#define LAIC_TRANSFORMS_PADDING_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/STLExtras.h"

namespace laic {

/// Are all dims known but for the first one?
inline bool hasKnownInnerDims(mlir::RankedTensorType type) {
  return type.getRank() > 0 && !llvm::is_contained(type.getShape().drop_front(), mlir::ShapedType::kDynamic);
}

/// Known amounts of one value around a tensor that is not empty, none of them before or after the last dim: rows stay whole, and what
/// writes them may put them into the middle of the result. Sizes are known, but perhaps for a first dim that is not padded.
inline bool isAroundRows(mlir::tensor::PadOp pad) {
  auto fixed = [](llvm::ArrayRef<int64_t> amounts) {
    return !amounts.empty() && amounts.back() == 0 && llvm::all_of(amounts, [](int64_t amount) { return amount >= 0; });
  };
  mlir::RankedTensorType source = pad.getSourceType();
  if (!pad.getConstantPaddingValue() || !fixed(pad.getStaticLow()) || !fixed(pad.getStaticHigh()) || !hasKnownInnerDims(source))
    return false;
  bool sameBatches = pad.getStaticLow().front() == 0 && pad.getStaticHigh().front() == 0;
  return !llvm::is_contained(source.getShape(), 0) && (!source.isDynamicDim(0) || sameBatches);
}

} // namespace laic
#endif
