// Runs graphs while compiling: through all phases for this machine, and by the runtime.
#ifndef LAIC_LIB_PIPELINES_RUNTIMERUNNER_H
#define LAIC_LIB_PIPELINES_RUNTIMERUNNER_H

#include "laic/Pipelines/EmitArtifact.h"
#include "laic/Quantize/GraphRunner.h"

namespace laic {

/// `host`: the target whose code runs here. What the phases remark about these graphs is of no interest to users and dropped.
class RuntimeRunner : public GraphRunner {
public:
  explicit RuntimeRunner(const TargetChoice &host) : host(host) {}
  std::unique_ptr<RunnableGraph> compile(mlir::OwningOpRef<mlir::ModuleOp> module, std::optional<size_t> runs) override;

private:
  /// `quick`: as TargetOptions has it.
  std::unique_ptr<RunnableGraph> compileNow(mlir::OwningOpRef<mlir::ModuleOp> module, bool quick);
  const TargetChoice &host;
};

} // namespace laic
#endif
