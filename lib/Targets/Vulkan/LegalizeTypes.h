// Types that a Vulkan device may lack, in terms of those that every device has.
#ifndef LAIC_LIB_TARGETS_VULKAN_LEGALIZETYPES_H
#define LAIC_LIB_TARGETS_VULKAN_LEGALIZETYPES_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace laic::vulkan {

/// Rewrites the kernels of a module so that elements below 32 bits lie in 32-bit words and are computed in 32 bits:
///
///     in memory (words)                    in registers
///     i8, i16     4 or 2 per word          i32, always sign-extended from their width
///     f16         2 per word               f32, rounded when stored; with `float16` left alone, in memory and in registers
///     bf16        2 per word               f32, rounded when stored
///
/// Upstream's lowering would compute nonsense for 16-bit floats without saying so. Stores of small elements must be vector.store of
/// whole words. Fails without a diagnostic where an operation has no rule.
llvm::LogicalResult legalizeTypes(mlir::gpu::GPUModuleOp module, bool float16);

} // namespace laic::vulkan
#endif
