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

/// A target with what was asked of it.
struct TargetChoice {
  const Target *target = nullptr;
  TargetOptions options;
};

/// Code of a plan's kernels: the target's own, and the host's for what the target has none for.
struct PlanCode {
  CodegenResult device, host;
};

/// What one target has made of the model: a scheduled module and the code of its kernels.
struct PlanSource {
  mlir::ModuleOp module;
  const PlanCode *code;
};

/// Takes a module in which laic-form-dispatches has run. Runs every dispatch whose operands are constants on this machine, with the
/// code of `host`, and replaces it by its result. Kernels that nobody calls any more are erased. Dispatches that would blow small
/// constants up beyond all measure stay, and all do where `host` has no target. `keepSources`: other modules use the same constants, so
/// none is let go of.
llvm::LogicalResult foldConstantDispatches(mlir::ModuleOp module, const TargetChoice &host, bool keepSources);

/// Takes the same. Code for the kernels that dispatches call; they get `laic.tiles`, `laic.workspace` and `laic.parameters` for the
/// schedule. Kernels that `device` has no code for get the host's, the attribute `laic.why_host`, and their dispatches move there.
llvm::FailureOr<PlanCode> generateCode(mlir::ModuleOp module, const TargetChoice &device, const TargetChoice &host);

/// Writes one plan per source, in that order, with equal weights once; the file appears whole or not at all. The modules are of one
/// model: inputs and outputs are those of the first.
llvm::LogicalResult writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, llvm::StringRef path);
/// The same into memory.
llvm::LogicalResult writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, std::vector<uint8_t> &bytes);

} // namespace laic
#endif
