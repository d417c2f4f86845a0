// Which values of a graph are tensors, sequences, optionals or maps: the types that import gives them before shapes are inferred.
#ifndef LAIC_LIB_IMPORT_VALUETYPES_H
#define LAIC_LIB_IMPORT_VALUETYPES_H

#include "laic/Import/Onnx/Model.h"
#include "mlir/IR/OperationSupport.h"

namespace laic {

/// A declared type; element types of tensors are what the declaration says (f32 where it says nothing), ranks are left open.
/// Null where laic has no such type.
mlir::Type declaredType(mlir::MLIRContext *context, const onnx::ValueInfo &info);

/// The types of an operation's results, with its operands, attributes and regions in place.
llvm::SmallVector<mlir::Type> resultTypes(const mlir::OperationState &state, unsigned count);

/// The types of the `count` inputs of a subgraph of the operation, with its operands in place.
llvm::SmallVector<mlir::Type> subgraphInputTypes(const mlir::OperationState &state, unsigned count);

/// Whether each operand of the ONNX operator is a map, which is two operands of the operation: its keys and its values.
bool takesMaps(const mlir::OperationState &state);

/// Whether the ONNX operator's output is a sequence of maps: the operation's results are the keys of all of them and the values.
bool makesMaps(const mlir::OperationState &state);

} // namespace laic
#endif
