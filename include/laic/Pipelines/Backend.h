// The phases that one target takes part in: dispatch, codegen, schedule, emit.
#ifndef LAIC_PIPELINES_BACKEND_H
#define LAIC_PIPELINES_BACKEND_H

#include "laic/Pipelines/Compile.h"
#include "laic/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"

namespace laic {

/// Runs them one after the other on one module. All report errors as diagnostics and leave the module in an unspecified but
/// valid state when they fail.
class Backend {
public:
  Backend(const Target &target, const TargetOptions &options) : target(target), options(options) {}
  llvm::LogicalResult dispatch(mlir::ModuleOp module);
  /// Folds dispatches of constants, then makes code for the others; it is kept here for `emit`.
  llvm::LogicalResult codegen(mlir::ModuleOp module);
  llvm::LogicalResult schedule(mlir::ModuleOp module);
  /// Writes the artifact to output.path, or into output.bytes where there is none.
  llvm::LogicalResult emit(mlir::ModuleOp module, CompileOutput &output);

private:
  const Target &target;
  TargetOptions options;
  CodegenResult code;
};

} // namespace laic
#endif
