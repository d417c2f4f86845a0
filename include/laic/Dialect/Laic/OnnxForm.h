// What can be written as ONNX, and functions in which operators stay whole for that.
#ifndef LAIC_DIALECT_LAIC_ONNXFORM_H
#define LAIC_DIALECT_LAIC_ONNXFORM_H

#include "laic/Dialect/Laic/Laic.h"

namespace laic {

/// On functions that will be written as ONNX: inference replaces no operator by others. laic-decompose-ops takes it away.
constexpr llvm::StringLiteral kOnnxAttr = "laic.onnx";
/// Whether the operation is in such a function.
bool keepsOnnx(mlir::Operation *op);

/// On a laic.resize whose inputs are no longer those of ONNX's Resize.
constexpr llvm::StringLiteral kLateScales = "laic.late_scales";

/// Whether it is an ONNX operator, a constant, or nothing that a graph would have to say.
bool hasOnnxForm(mlir::Operation *op);
/// Whether it makes a constant tensor of strings, as createStrings does.
bool isStringConstant(mlir::Operation *op);

} // namespace laic
#endif
