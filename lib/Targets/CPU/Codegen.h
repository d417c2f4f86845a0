// From kernel functions to machine code.
#ifndef LAIC_LIB_TARGETS_CPU_CODEGEN_H
#define LAIC_LIB_TARGETS_CPU_CODEGEN_H

#include "laic/Target/Target.h"

namespace laic::cpu {

/// Compiles every kernel for every level of `options` (default: native) on `options.threads` threads. The bytes do not
/// depend on the number of threads. Kernels are only read.
llvm::FailureOr<CodegenResult> generateCode(llvm::ArrayRef<mlir::func::FuncOp> kernels, const TargetOptions &options);

} // namespace laic::cpu
#endif
