// Drives the compilation of kernel functions.
#include "Codegen.h"

llvm::FailureOr<laic::CodegenResult> laic::cpu::generateCode(llvm::ArrayRef<mlir::func::FuncOp> kernels,
                                                             const TargetOptions &options) {
  return llvm::failure();
}
