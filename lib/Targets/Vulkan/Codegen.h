// Makes SPIR-V modules of kernel functions.
#ifndef LAIC_LIB_TARGETS_VULKAN_CODEGEN_H
#define LAIC_LIB_TARGETS_VULKAN_CODEGEN_H

#include "laic/Target/Target.h"

namespace laic::vulkan {

/// Levels: which optional features code may use. `base` needs Vulkan 1.1 alone, `fp16` also 16-bit floats in memory and in registers.
constexpr llvm::StringLiteral kLevels[] = {"fp16", "base"};

/// One SPIR-V module per kernel and level, with the entry point `main` and bindings 0... of set 0 in the order of GpuKernel's operands
/// (laic/Conversion/KernelToGPU.h). Kernels that use 64-bit integers or floats need `+int64` or `+float64` beside their level.
llvm::FailureOr<CodegenResult> generateCode(llvm::ArrayRef<mlir::func::FuncOp> kernels, const TargetOptions &options);

} // namespace laic::vulkan
#endif
