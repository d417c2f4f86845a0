// The phases that one target takes part in: dispatch, codegen, schedule.
#ifndef LAIC_PIPELINES_BACKEND_H
#define LAIC_PIPELINES_BACKEND_H

#include "laic/Pipelines/EmitArtifact.h"
#include "mlir/IR/OwningOpRef.h"

namespace laic {

/// Runs them one after the other on the target's own module. All report errors as diagnostics and leave the module in an
/// unspecified but valid state when they fail.
class Backend {
public:
  /// Takes over a module that the fuse phase, or a later one of this target, has left.
  Backend(const Target &target, const TargetOptions &options, mlir::OwningOpRef<mlir::ModuleOp> module)
      : target(target), options(options), module(std::move(module)) {}
  llvm::LogicalResult dispatch();
  /// Folds dispatches of constants, then makes code for the others.
  llvm::LogicalResult codegen();
  llvm::LogicalResult schedule();

  mlir::ModuleOp getModule() { return *module; }
  const Target &getTarget() const { return target; }
  /// For writeProgram, once all phases have run. Lives as long as this object.
  PlanSource getPlan() { return {*module, &code}; }

private:
  const Target &target;
  TargetOptions options;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  CodegenResult code;
};

} // namespace laic
#endif
