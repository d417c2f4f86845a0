// Tensor cores and asynchronous copies: what KernelToGPU knows as a matrix unit.
#ifndef LAIC_LIB_TARGETS_CUDA_TENSORCORES_H
#define LAIC_LIB_TARGETS_CUDA_TENSORCORES_H

#include "laic/Conversion/MatrixUnit.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"

namespace laic::cuda {

/// The unit that every one of `chips` has, or null: mma.sync m16n8k16, ldmatrix and cp.async exist from sm_80 on.
const MatrixUnit *tensorCoresOf(llvm::ArrayRef<std::string> chips);

/// Lowers to NVVM what the unit emits. Indices may be of 32 bits.
void populateTensorCorePatterns(mlir::LLVMTypeConverter &converter, mlir::RewritePatternSet &patterns);

} // namespace laic::cuda
#endif
