// Which operators are computed in 16-bit floats, and how.
#ifndef LAIC_LIB_QUANTIZE_HALFOPERATORS_H
#define LAIC_LIB_QUANTIZE_HALFOPERATORS_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace laic {

/// What an operator does with its elements. All of them compute in f32 whatever their tensors hold, and round what they yield.
enum class HalfManner {
  Sum,     // sums of products, norms, softmax, means of windows: worth converting wherever they stand
  Element, // per element, or a reduction
  Move     // elements as they are; in the type of what is moved
};

/// How large a result may be.
enum class HalfRange {
  Any,
  Operands, // in magnitude at most as large as the largest operand
  One       // in magnitude at most 1
};

/// An operator that has a form in 16 bits. Bit i of the masks: operand (result) i stays as it is.
struct HalfOperator {
  const char *mnemonic;
  HalfManner manner;
  HalfRange range = HalfRange::Any;
  uint32_t wideOperands = 0, wideResults = 0;

  /// Those that change their type: tensors of f32 that no mask names.
  llvm::SmallVector<mlir::OpOperand *> operands(mlir::Operation *op) const;
  llvm::SmallVector<mlir::OpResult> results(mlir::Operation *op) const;
};

/// The entry of an operation whose record accepts this element type; null where there is none.
const HalfOperator *findHalfOperator(mlir::Operation *op, mlir::Type narrow);
bool isFloatTensor(mlir::Value value);

} // namespace laic
#endif
