// ONNX element types and MLIR's: booleans are i1, signed integers signless, unsigned ones ui<N>.
//
// Types of less than a byte take one byte per element everywhere behind the importer: integers as their value in 8 bits, f4E2M1 as
// its code.
#ifndef LAIC_DIALECT_LAIC_ONNXTYPES_H
#define LAIC_DIALECT_LAIC_ONNXTYPES_H

#include "mlir/IR/BuiltinTypes.h"

namespace laic {

/// The element type for an onnx.TensorProto.DataType number; null for types that tensors here cannot have.
mlir::Type onnxElementType(mlir::MLIRContext *ctx, int64_t type);
/// The number of an element type; 0 when ONNX has none.
int64_t onnxElementCode(mlir::Type type);
/// Floats of at most 8 bits: nothing computes in them, so kernels see their codes, as i8.
bool isNarrowFloat(mlir::Type type);

} // namespace laic
#endif
