// The last phases: fold constants on compiled kernels, generate code, write the artifact.
//
// All functions report errors as diagnostics and leave their modules in an unspecified but valid state when they fail.
#ifndef LAIC_PIPELINES_EMITARTIFACT_H
#define LAIC_PIPELINES_EMITARTIFACT_H

#include "laic/Target/Target.h"
#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <string>
#include <vector>

namespace laic {

struct EmitOptions {
  std::string model;                                         // graph name, kept in the artifact
  std::string producer = "laic";                             // kept in the artifact
  std::vector<std::pair<std::string, std::string>> metadata; // kept in the artifact, in this order
};

/// What one target has made of the model: a scheduled module and the code of its kernels.
struct PlanSource {
  mlir::ModuleOp module;
  const CodegenResult *code;
};

/// Takes a module in which laic-form-dispatches has run. Runs every dispatch whose operands are constants on this machine and
/// replaces it by its result. Kernels that nobody calls any more are erased. Dispatches that would blow small constants up beyond all
/// measure stay.
llvm::LogicalResult foldConstantDispatches(mlir::ModuleOp module, const Target &target, const TargetOptions &options);

/// Takes the same. Code for the kernels that dispatches call; they get `laic.tiles` and `laic.workspace` for the schedule.
llvm::FailureOr<CodegenResult> generateCode(mlir::ModuleOp module, const Target &target, const TargetOptions &options);

/// Writes one plan per source, in that order, with equal weights once; the file appears whole or not at all. The modules are of one
/// model: inputs and outputs are those of the first.
llvm::LogicalResult writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, llvm::StringRef path);
/// The same into memory.
llvm::LogicalResult writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, std::vector<uint8_t> &bytes);

} // namespace laic
#endif
