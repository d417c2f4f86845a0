// The phases that one target takes part in: dispatch, codegen, schedule, emit.
#ifndef LAIC_PIPELINES_BACKEND_H
#define LAIC_PIPELINES_BACKEND_H

#include "laic/Pipelines/Compile.h"
#include "laic/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"

namespace laic {

class Backend {
public:
  Backend(const Target &target, const TargetOptions &options) : target(target), options(options) {}
  llvm::LogicalResult dispatch(mlir::ModuleOp module);
  llvm::LogicalResult codegen(mlir::ModuleOp module);
  llvm::LogicalResult schedule(mlir::ModuleOp module);
  llvm::LogicalResult emit(mlir::ModuleOp module, CompileOutput &output);

private:
  const Target &target;
  TargetOptions options;
  CodegenResult code;
};

} // namespace laic
#endif
