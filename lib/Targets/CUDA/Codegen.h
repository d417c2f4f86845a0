// Makes PTX of kernel functions.
#ifndef LAIC_LIB_TARGETS_CUDA_CODEGEN_H
#define LAIC_LIB_TARGETS_CUDA_CODEGEN_H

#include "laic/Target/Target.h"

namespace laic::cuda {

/// The architectures that code can be made for, oldest first. Code for one runs on every later one, which the user's driver compiles it
/// for.
constexpr llvm::StringLiteral kChips[] = {"sm_70", "sm_72", "sm_75", "sm_80",  "sm_86",
                                          "sm_87", "sm_89", "sm_90", "sm_100", "sm_120"};
constexpr llvm::StringLiteral kDefaultChip = "sm_80";

/// One PTX text per kernel and chip, ended by a zero byte, with the entry `main` (LowerToPTX.h).
llvm::FailureOr<CodegenResult> generateCode(llvm::ArrayRef<mlir::func::FuncOp> kernels, const TargetOptions &options);

} // namespace laic::cuda
#endif
