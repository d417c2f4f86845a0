// The way back: a module of `laic` operations that stand for ONNX operators becomes an ONNX model.
#ifndef LAIC_EXPORT_EXPORTMODEL_H
#define LAIC_EXPORT_EXPORTMODEL_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <string>
#include <vector>

namespace laic {

struct ExportOptions {
  std::string producerVersion;
  /// Bytes of constants above which a model keeps them in a file of its own, `<path>.data`: protobuf ends at 2 GB.
  uint64_t mostInside = uint64_t{3} << 29;
};

/// Writes `@main` of a module that the import, simplify or quantize phase has left. The operator set is the lowest that gives every
/// node its meaning (laic/Import/Onnx/Versions.h). Names: inputs and outputs as the model had them, nodes by their locations, values
/// by their nodes. Equal modules give equal bytes. Reports every operation that has no form in ONNX at its location. Files appear
/// whole or not at all: the data first, then the model that refers to them.
llvm::LogicalResult exportModel(mlir::ModuleOp module, const ExportOptions &options, const std::string &path);
/// The same into memory; refuses models whose constants need a file of their own.
llvm::LogicalResult exportModel(mlir::ModuleOp module, const ExportOptions &options, std::vector<char> &bytes);

} // namespace laic
#endif
