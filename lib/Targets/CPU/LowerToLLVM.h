// Emitted kernels (scf, memref, vector, arith, math) to the LLVM dialect.
#ifndef LAIC_LIB_TARGETS_CPU_LOWERTOLLVM_H
#define LAIC_LIB_TARGETS_CPU_LOWERTOLLVM_H

#include "Features.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"

namespace laic::cpu {

/// Everything that emission and lowering make or need, for the context's registry.
void registerCodegenDialects(mlir::DialectRegistry &registry);
/// Loads it, so that several threads may lower modules of one context.
void loadCodegenDialects(mlir::MLIRContext *context);
/// Replaces math functions by arithmetic (no mathematical library exists at run time) and narrow float conversions by what
/// the level has.
llvm::LogicalResult expandMath(mlir::ModuleOp module, const Level &level);
/// Lowers a module of emitted kernels.
llvm::LogicalResult lowerToLLVM(mlir::ModuleOp module, const Level &level);

} // namespace laic::cpu
#endif
