// The last phases: fold constants on compiled kernels, generate code, schedule, write the artifact.
//
// All functions take a module in which laic-form-dispatches has run, report errors as diagnostics, and leave
// the module in an unspecified but valid state when they fail.
#ifndef LAIC_PIPELINES_EMITARTIFACT_H
#define LAIC_PIPELINES_EMITARTIFACT_H

#include "laic/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <string>
#include <vector>

namespace laic {

struct EmitOptions {
  TargetOptions target;
  std::string model;                                         // graph name, kept in the artifact
  std::string producer = "laic";                             // kept in the artifact
  std::vector<std::pair<std::string, std::string>> metadata; // kept in the artifact, in this order
};

/// Runs every dispatch whose operands are constants on this machine and replaces it by its result. Kernels
/// that nobody calls any more are erased. Dispatches that would blow small constants up beyond all measure
/// stay.
llvm::LogicalResult foldConstantDispatches(mlir::ModuleOp module, const Target &target, const TargetOptions &options);

/// Code for the kernels that dispatches call; they get `laic.tiles` and `laic.workspace` for the schedule.
llvm::FailureOr<CodegenResult> generateCode(mlir::ModuleOp module, const Target &target, const TargetOptions &options);

/// Writes a scheduled module and its code; the file appears whole or not at all.
llvm::LogicalResult writeProgram(mlir::ModuleOp module, const CodegenResult &code, const EmitOptions &options,
                                 llvm::StringRef path);
/// The same into memory.
llvm::LogicalResult writeProgram(mlir::ModuleOp module, const CodegenResult &code, const EmitOptions &options,
                                 std::vector<uint8_t> &bytes);

} // namespace laic
#endif
