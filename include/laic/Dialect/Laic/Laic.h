// The `laic` dialect: operations, attributes, interfaces, and the bytes of large constants.
#ifndef LAIC_DIALECT_LAIC_LAIC_H
#define LAIC_DIALECT_LAIC_LAIC_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributeInterfaces.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <memory>

namespace laic {
class ShapeContext;
class LowerContext;
class ScalarBuilder;
class WeightStore;
class LaicDialect;
// Generated with the sharded operation definitions.
void registerLaicDialectOperations(LaicDialect *dialect);
void registerLaicDialectOperations0(LaicDialect *dialect);
void registerLaicDialectOperations1(LaicDialect *dialect);
void registerLaicDialectOperations2(LaicDialect *dialect);
void registerLaicDialectOperations3(LaicDialect *dialect);
} // namespace laic

#include "laic/Dialect/Laic/LaicDialect.h.inc"

#define GET_ATTRDEF_CLASSES
#include "laic/Dialect/Laic/LaicAttrs.h.inc"

#include "laic/Dialect/Laic/LaicInterfaces.h.inc"

#define GET_OP_CLASSES
#include "laic/Dialect/Laic/LaicOps.h.inc"

namespace laic {

/// Constants up to this many bytes are ordinary attributes; larger ones refer to the WeightStore.
constexpr int64_t kInlineConstantBytes = 1024;

/// One row of the importer table that laic-tblgen makes from the operator records.
struct OnnxAttributeRow {
  enum Kind { Int, Float, String, Ints, Floats, Strings, Tensor };
  const char *name;
  Kind kind;
  bool required;
};
struct OnnxOpRow {
  const char *domain;
  const char *onnx;     // operator name
  int since;            // newest version; the importer upgrades to it
  const char *mnemonic; // "laic.conv"
  int operands;         // fixed operands; the last may be variadic
  bool variadicOperands;
  int results; // -1: variadic
  const char *dtypes;
  const OnnxAttributeRow *attributes;
  int attributeCount;
};
/// All rows, sorted by (domain, onnx).
llvm::ArrayRef<OnnxOpRow> getOnnxOpTable();
/// The row of an operator, or null.
const OnnxOpRow *findOnnxOp(llvm::StringRef domain, llvm::StringRef onnx);

} // namespace laic
#endif
