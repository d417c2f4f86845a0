// Which element types the operator records claim, and how records, messages and the support matrix spell them.
#ifndef LAIC_DIALECT_LAIC_ONNXELEMENTS_H
#define LAIC_DIALECT_LAIC_ONNXELEMENTS_H

#include "laic/Dialect/Laic/Laic.h"

namespace laic {

/// f32, bf16, i8, u64, bool, ...
std::string elementTypeName(mlir::Type type);
/// The row that an operation of the dialect stands for, or null.
const OnnxOpRow *findOnnxOp(mlir::OperationName name);
/// The operand whose element type `row.dtypes` speaks of: the first, but where that is an index or a condition.
unsigned typedOperand(const OnnxOpRow &row);
/// Whether the record claims that element type for its typed operand.
bool acceptsElement(const OnnxOpRow &row, llvm::StringRef element);

} // namespace laic
#endif
