// From an emitted kernel to the words of a SPIR-V module.
#ifndef LAIC_LIB_TARGETS_VULKAN_LOWERTOSPIRV_H
#define LAIC_LIB_TARGETS_VULKAN_LOWERTOSPIRV_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <string>

namespace laic::vulkan {

/// Optional device features that code may use, beside Vulkan 1.1.
struct Features {
  bool float16 = false; // shaderFloat16 and storageBuffer16BitAccess
  bool int64 = false;   // shaderInt64
  bool float64 = false; // shaderFloat64
};

/// Lowers a module with one kernel and serialises it; the entry point is named `main`. Consumes the module's contents. Returns failure
/// with the reason in `whyNot`.
llvm::FailureOr<llvm::SmallVector<uint32_t, 0>> lowerToSPIRV(mlir::gpu::GPUModuleOp module, const Features &features,
                                                             std::string &whyNot);

void registerDialects(mlir::DialectRegistry &registry);

} // namespace laic::vulkan
#endif
