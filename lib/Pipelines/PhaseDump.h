// Phase dumps: the module as text beside a weights file, and reading them back (--dump-phases, --from).
#ifndef LAIC_PIPELINES_PHASEDUMP_H
#define LAIC_PIPELINES_PHASEDUMP_H

#include "laic/Pipelines/Compile.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace laic {

/// Writes DIR/<n>-<phase>.mlir and DIR/<n>-<phase>.weights: a line of JSON (source -> [offset, length]), a newline, the bytes. With
/// `target` that stands behind the phase. Returns what went wrong, or nothing.
std::optional<std::string> dumpPhase(mlir::ModuleOp module, Phase phase, const std::string &folder, llvm::StringRef target = "");

/// Reads a dump back and registers its weights. Errors go to the context's diagnostics.
mlir::OwningOpRef<mlir::ModuleOp> readPhaseDump(const std::string &path, mlir::MLIRContext *context);

} // namespace laic
#endif
