// Turns MLIR's diagnostics into laic's: model, node, operator and opset first, one lower-case sentence, notes with the cure.
#ifndef LAIC_PIPELINES_DIAGNOSTICS_H
#define LAIC_PIPELINES_DIAGNOSTICS_H

#include "laic/Pipelines/Compile.h"
#include "mlir/IR/Diagnostics.h"

namespace laic {

class DiagnosticBridge {
public:
  DiagnosticBridge(mlir::MLIRContext *context, const CompileOptions &options, std::string model);
  bool sawError() const { return errors > 0; }
  /// An error that only a defect of ours can cause: an operation that does not verify, say.
  bool sawDefect() const { return defect; }
  void report(Severity severity, const std::string &message, const std::string &note);

private:
  void handle(mlir::Diagnostic &diagnostic);
  const CompileOptions &options;
  std::string model;
  unsigned errors = 0;
  bool defect = false;
  mlir::ScopedDiagnosticHandler handler;
};

/// "node 'conv1' (Conv, opset 11)" for a location of the importer's, fused ones joined by " + "; "" for none.
std::string describeLocation(mlir::Location loc);

} // namespace laic
#endif
