// The second stage of import: a validated ONNX model becomes `laic` operations.
#ifndef LAIC_IMPORT_IMPORTMODEL_H
#define LAIC_IMPORT_IMPORTMODEL_H

#include "laic/Import/Onnx/Model.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <memory>
#include <string>

namespace laic {

struct ImportOptions {
  std::map<std::string, int64_t> dims; // --dim NAME=VALUE: symbolic input dims that become static
};

/// Builds `func.func @main`. Weights stay where they are: the context's WeightStore refers to them and keeps `model` alive.
/// Lists ALL nodes that laic does not support, as errors at their locations; then returns null.
/// Locations are NameLoc(node name, NameLoc("<Operator>, opset <n>")).
mlir::OwningOpRef<mlir::ModuleOp> importModel(std::shared_ptr<onnx::Model> model, const ImportOptions &options,
                                              mlir::MLIRContext *context);

} // namespace laic
#endif
