// The `laic` dialect, its core operations, and the importer's table. Operators are included by family: ConvOps.h, NormOps.h, ...
#ifndef LAIC_DIALECT_LAIC_LAIC_H
#define LAIC_DIALECT_LAIC_LAIC_H

#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/LaicDialect.h"

namespace laic {

/// Constants up to this many bytes are ordinary attributes; larger ones refer to the WeightStore.
constexpr int64_t kInlineConstantBytes = 1024;

/// One row of the importer table that laic-tblgen makes from the operator records.
struct OnnxAttributeRow {
  enum Kind { Int, Float, String, Ints, Floats, Strings, Tensor, Type, Graph }; // a Graph is a region, in the order of the rows
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
