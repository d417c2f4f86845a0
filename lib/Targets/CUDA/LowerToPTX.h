// From an emitted kernel to PTX text.
#ifndef LAIC_LIB_TARGETS_CUDA_LOWERTOPTX_H
#define LAIC_LIB_TARGETS_CUDA_LOWERTOPTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <string>

namespace laic::cuda {

/// Lowers a module with one kernel for a chip ("sm_80"); the entry is named `main` and takes one pointer per operand, aligned to 16
/// bytes. Needs no toolkit and no library: a kernel that would call one is refused. Consumes the module's contents. Returns failure with
/// the reason in `whyNot`.
llvm::FailureOr<std::string> lowerToPTX(mlir::gpu::GPUModuleOp module, llvm::StringRef chip, std::string &whyNot);

void registerDialects(mlir::DialectRegistry &registry);

} // namespace laic::cuda
#endif
