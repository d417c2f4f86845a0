// libcuda, the driver's own library, opened at run time. Its few functions are declared here, so that no toolkit is needed.
#ifndef LAIC_RUNTIME_CUDA_LOADER_H
#define LAIC_RUNTIME_CUDA_LOADER_H

#include "laic/runtime.h"

#include <stddef.h>
#include <stdint.h>

namespace laic {
namespace rt {
namespace cuda {

// Types and numbers of the driver interface (CUDA Driver API reference), which are stable.
using Result = int; // CUresult
using DeviceNumber = int;
using ContextHandle = struct CUctx_st *;
using ModuleHandle = struct CUmod_st *;
using FunctionHandle = struct CUfunc_st *;
using StreamHandle = struct CUstream_st *;
using DevicePointer = unsigned long long;

constexpr Result kSuccess = 0, kOutOfMemory = 2, kNoDevice = 100, kInvalidPtx = 218, kUnsupportedPtx = 222;
constexpr int kAttributeMajor = 75, kAttributeMinor = 76;   // CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*
constexpr int kJitErrorBuffer = 5, kJitErrorBufferSize = 6; // CU_JIT_ERROR_LOG_BUFFER*

// X(member, symbol, parameters)
#define LAIC_CUDA_FUNCTIONS(X)                                                                                                   \
  X(init, "cuInit", (unsigned))                                                                                                  \
  X(driverVersion, "cuDriverGetVersion", (int *))                                                                                \
  X(errorName, "cuGetErrorName", (Result, const char **))                                                                        \
  X(errorString, "cuGetErrorString", (Result, const char **))                                                                    \
  X(deviceCount, "cuDeviceGetCount", (int *))                                                                                    \
  X(device, "cuDeviceGet", (DeviceNumber *, int))                                                                                \
  X(deviceName, "cuDeviceGetName", (char *, int, DeviceNumber))                                                                  \
  X(deviceAttribute, "cuDeviceGetAttribute", (int *, int, DeviceNumber))                                                         \
  X(deviceMemory, "cuDeviceTotalMem_v2", (size_t *, DeviceNumber))                                                               \
  X(retainContext, "cuDevicePrimaryCtxRetain", (ContextHandle *, DeviceNumber))                                                  \
  X(releaseContext, "cuDevicePrimaryCtxRelease_v2", (DeviceNumber))                                                              \
  X(setContext, "cuCtxSetCurrent", (ContextHandle))                                                                              \
  X(loadModule, "cuModuleLoadDataEx", (ModuleHandle *, const void *, unsigned, int *, void **))                                  \
  X(unloadModule, "cuModuleUnload", (ModuleHandle))                                                                              \
  X(function, "cuModuleGetFunction", (FunctionHandle *, ModuleHandle, const char *))                                             \
  X(allocate, "cuMemAlloc_v2", (DevicePointer *, size_t))                                                                        \
  X(release, "cuMemFree_v2", (DevicePointer))                                                                                    \
  X(fill, "cuMemsetD8_v2", (DevicePointer, unsigned char, size_t))                                                               \
  X(write, "cuMemcpyHtoD_v2", (DevicePointer, const void *, size_t))                                                             \
  X(read, "cuMemcpyDtoH_v2", (void *, DevicePointer, size_t))                                                                    \
  X(copyAsync, "cuMemcpyDtoDAsync_v2", (DevicePointer, DevicePointer, size_t, StreamHandle))                                     \
  X(createStream, "cuStreamCreate", (StreamHandle *, unsigned))                                                                  \
  X(destroyStream, "cuStreamDestroy_v2", (StreamHandle))                                                                         \
  X(synchronize, "cuStreamSynchronize", (StreamHandle))                                                                          \
  X(launch, "cuLaunchKernel",                                                                                                    \
    (FunctionHandle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, StreamHandle, void **, void **))

struct Functions {
#define LAIC_CUDA_MEMBER(name, symbol, parameters) Result(*name) parameters;
  LAIC_CUDA_FUNCTIONS(LAIC_CUDA_MEMBER)
#undef LAIC_CUDA_MEMBER
};

// Opens the library that LAIC_CUDA_LIBRARY names, otherwise libcuda.so.1, and finds its functions. It stays open.
laic_status_t *load(Functions &functions);

// A status for a call that failed: LAIC_OUT_OF_MEMORY or LAIC_DEVICE_ERROR, with the driver's name for the result and its meaning.
laic_status_t *callFailed(const Functions &functions, const char *call, Result result);

#define LAIC_CUDA_TRY(functions, name, ...)                                                                                      \
  do {                                                                                                                           \
    ::laic::rt::cuda::Result result_ = (functions).name(__VA_ARGS__);                                                            \
    if (result_ != ::laic::rt::cuda::kSuccess)                                                                                   \
      return ::laic::rt::cuda::callFailed(functions, #name, result_);                                                            \
  } while (0)

} // namespace cuda
} // namespace rt
} // namespace laic
#endif
