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
  /// Takes over a module that the fuse phase, or a later one of this target, has left. `host` folds constants and runs what `device`
  /// has no code for; it may be the same target, or none. `alone`: no other module uses the constants of this one.
  Backend(TargetChoice device, TargetChoice host, mlir::OwningOpRef<mlir::ModuleOp> module, bool alone)
      : device(std::move(device)), host(std::move(host)), module(std::move(module)), alone(alone) {}
  llvm::LogicalResult dispatch();
  /// Folds dispatches of constants, then makes code for the others.
  llvm::LogicalResult codegen();
  llvm::LogicalResult schedule();

  mlir::ModuleOp getModule() { return *module; }
  const Target &getTarget() const { return *device.target; }
  /// For writeProgram, once all phases have run. Lives as long as this object.
  PlanSource getPlan() { return {*module, &code}; }

private:
  TargetChoice device, host;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  bool alone;
  PlanCode code;
};

} // namespace laic
#endif
