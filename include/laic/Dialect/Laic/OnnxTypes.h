// ONNX element types and MLIR's: booleans are i1, signed integers signless, unsigned ones ui<N>.
#ifndef LAIC_DIALECT_LAIC_ONNXTYPES_H
#define LAIC_DIALECT_LAIC_ONNXTYPES_H

#include "mlir/IR/BuiltinTypes.h"

namespace laic {

/// The element type for an onnx.TensorProto.DataType number; null for types that tensors here cannot have.
mlir::Type onnxElementType(mlir::MLIRContext *ctx, int64_t type);
/// The number of an element type; 0 when ONNX has none.
int64_t onnxElementCode(mlir::Type type);

} // namespace laic
#endif
