// Scales and zero points that are constants.
#ifndef LAIC_LIB_DIALECT_LAIC_TRANSFORMS_QUANTIZEDCONSTANTS_H
#define LAIC_LIB_DIALECT_LAIC_TRANSFORMS_QUANTIZEDCONSTANTS_H

#include "../Decomposer.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/WeightStore.h"

#include <cstring>
#include <optional>

namespace laic {

/// The values of a constant of this element type, or nothing.
template <typename T> std::optional<llvm::SmallVector<T>> valuesOf(mlir::Value v, bool isElement) {
  auto constant = v.getDefiningOp<ConstantOp>();
  if (!constant || !isElement)
    return std::nullopt;
  WeightStore &store = v.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  std::vector<char> scratch;
  llvm::ArrayRef<char> bytes = constantBytes(store, constant.getValue(), scratch);
  if (bytes.size() != llvm::cast<mlir::RankedTensorType>(v.getType()).getNumElements() * sizeof(T))
    return std::nullopt; // a source that is not there
  llvm::SmallVector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

} // namespace laic
#endif
