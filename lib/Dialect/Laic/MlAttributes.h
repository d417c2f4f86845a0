// Numbers of attributes of ai.onnx.ml.
#ifndef LAIC_LIB_DIALECT_LAIC_MLATTRIBUTES_H
#define LAIC_LIB_DIALECT_LAIC_MLATTRIBUTES_H

#include "laic/Dialect/Laic/WeightStore.h"

#include <cstring>
#include <optional>
#include <vector>

namespace laic {

/// The elements of an attribute of tensor kind in type T; none where it has an element type that is not read here.
template <typename T> std::vector<T> numbersOf(mlir::MLIRContext *mlir, mlir::Attribute value) {
  std::vector<char> scratch;
  llvm::ArrayRef<char> bytes = constantBytes(mlir->getOrLoadDialect<LaicDialect>()->getWeights(), value, scratch);
  mlir::Type element = mlir::cast<mlir::RankedTensorType>(mlir::cast<mlir::TypedAttr>(value).getType()).getElementType();
  std::vector<T> numbers;
  auto read = [&](auto zero) {
    using Stored = decltype(zero);
    for (size_t at = 0; at + sizeof(Stored) <= bytes.size(); at += sizeof(Stored)) {
      Stored number;
      memcpy(&number, bytes.data() + at, sizeof(Stored));
      numbers.push_back(static_cast<T>(number));
    }
  };
  bool isUnsigned = element.isUnsignedInteger();
  if (element.isF64())
    read(double());
  else if (element.isF32())
    read(float());
  else if (element.isInteger(8))
    isUnsigned ? read(uint8_t()) : read(int8_t());
  else if (element.isInteger(16))
    isUnsigned ? read(uint16_t()) : read(int16_t());
  else if (element.isInteger(32))
    isUnsigned ? read(uint32_t()) : read(int32_t());
  else if (element.isInteger(64))
    isUnsigned ? read(uint64_t()) : read(int64_t());
  return numbers;
}

/// Those of a pair of attributes, one of floats and one of tensor kind, of which one is given at most.
inline std::vector<double> numbersOf(mlir::MLIRContext *mlir, std::optional<llvm::ArrayRef<float>> floats,
                                     std::optional<mlir::Attribute> tensor) {
  if (floats)
    return std::vector<double>(floats->begin(), floats->end());
  return tensor ? numbersOf<double>(mlir, *tensor) : std::vector<double>();
}

} // namespace laic
#endif
