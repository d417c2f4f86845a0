// From a kernel function on tensors to a gpu.func: one root's work shared out over workgroups and threads.
#ifndef LAIC_CONVERSION_KERNELTOGPU_H
#define LAIC_CONVERSION_KERNELTOGPU_H

#include "laic/Conversion/MatrixUnit.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/AffineMap.h"

#include <string>

namespace laic {

/// What a host must know to launch an emitted kernel.
///
/// Operands of the gpu.func: one memref<?xT> per tensor argument and per result (dense, row-major, element types as in the
/// tensors), then the call record, memref<?xi32>:
///
///     word 0      error code: 0, or LAIC_KERNEL_*; kernels raise it, the host zeroes it before the call
///     words 1, 2  the value of the error, low word first
///     word 3      number of workgroups that have work
///     words 4...  the parameters
///
/// Workgroups are numbered block_id.x + block_id.y * grid_dim.x; those from word 3 on do nothing, so that a host may round a large
/// grid up to a rectangle. Stores of elements below 32 bits may write the rest of the last 32-bit word of a result.
struct GpuKernel {
  mlir::gpu::GPUFuncOp function;
  int64_t threads = 0; // in x; y and z are 1
  /// Symbols of both: first every DYNAMIC dim of arguments, then of results, tensor by tensor, dim by dim; then the index arguments.
  mlir::AffineMap groups;     // -> (number of workgroups)
  mlir::AffineMap parameters; // -> (words 4... of the call record, each below 2^31)
};

constexpr int64_t kCallRecordError = 0, kCallRecordGroups = 3, kCallRecordParameters = 4;

struct GpuKernelOptions {
  int64_t threads = 128; // per workgroup: a power of two, at least 64
  /// Take the lanes of a vector in registers one by one in code instead of in a loop, where a loop would index registers by a variable:
  /// right where that means memory (PTX), four times as long to compile where it does not (SPIR-V drivers pick lanes by selects).
  bool unrollLanes = false;
  /// Computes sums of products of f16 where they are large enough; null: arithmetic does. Such kernels have as
  /// many threads as their tiles need, up to 256.
  const MatrixUnit *matrixUnit = nullptr;
};

/// Emits `kernel` (one root, which is only read) into `module`. Sizes are `index`: a lowering chooses their width. Uses the dialects
/// arith, gpu, math, memref, scf and vector; workgroup memory is a memref.alloc in memory space 3. Returns failure with the reason
/// in `whyNot` where there is no way to compute the root; the module may then hold a part of it.
llvm::FailureOr<GpuKernel> emitGpuKernel(mlir::func::FuncOp kernel, mlir::gpu::GPUModuleOp module,
                                         const GpuKernelOptions &options, std::string &whyNot);

/// Replaces mathematical functions by arithmetic on f32 that is good to some units in the last place, on every device alike: what
/// devices offer under the same names may err by 2^-11. Functions that are exact or nearly so everywhere stay: abs, sqrt, floor, ceil,
/// trunc, roundeven, fma, copysign. Fails without a diagnostic where another function is left (those of f64). Then simplifies the
/// kernels.
llvm::LogicalResult expandGpuMath(mlir::gpu::GPUModuleOp module);

} // namespace laic
#endif
