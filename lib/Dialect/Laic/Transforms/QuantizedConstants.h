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

/// An absent zero point, or a constant whose elements are all `value`.
inline bool isZeroPoint(mlir::Value zero, int value) {
  if (isAbsent(zero))
    return value == 0;
  auto type = llvm::cast<mlir::ShapedType>(zero.getType()).getElementType();
  if (type.isInteger(32)) {
    auto values = valuesOf<int32_t>(zero, true);
    return values && llvm::all_of(*values, [&](int32_t v) { return v == value; });
  }
  auto values = valuesOf<uint8_t>(zero, type.isInteger(8));
  return values && llvm::all_of(*values, [&](uint8_t v) { return v == static_cast<uint8_t>(value); });
}

} // namespace laic
#endif
