// cuGetProcAddress: functions by name, without the suffix of their version.
#include "Driver.h"

#include <cstring>

using namespace laic;
using namespace laic::standin;

namespace {

struct Symbol {
  const char *name;
  void *address;
};

#define SYMBOL(name) {#name, reinterpret_cast<void *>(&name)}
#define SYMBOL_V2(name) {#name, reinterpret_cast<void *>(&name##_v2)}

const Symbol kSymbols[] = {
    SYMBOL(cuInit),
    SYMBOL(cuDriverGetVersion),
    SYMBOL(cuGetErrorName),
    SYMBOL(cuGetErrorString),
    SYMBOL_V2(cuGetProcAddress),
    SYMBOL(cuDeviceGetCount),
    SYMBOL(cuDeviceGet),
    SYMBOL(cuDeviceGetName),
    SYMBOL(cuDeviceGetAttribute),
    SYMBOL_V2(cuDeviceTotalMem),
    SYMBOL(cuDevicePrimaryCtxRetain),
    SYMBOL_V2(cuDevicePrimaryCtxRelease),
    SYMBOL(cuCtxSetCurrent),
    SYMBOL(cuCtxGetCurrent),
    SYMBOL(cuCtxSynchronize),
    SYMBOL(cuModuleLoadData),
    SYMBOL(cuModuleLoadDataEx),
    SYMBOL(cuModuleUnload),
    SYMBOL(cuModuleGetFunction),
    SYMBOL(cuFuncSetAttribute),
    SYMBOL(cuFuncGetAttribute),
    SYMBOL(cuLaunchKernel),
    SYMBOL_V2(cuMemAlloc),
    SYMBOL_V2(cuMemFree),
    SYMBOL_V2(cuMemGetInfo),
    SYMBOL(cuMemHostAlloc),
    SYMBOL(cuMemFreeHost),
    SYMBOL_V2(cuMemcpyHtoD),
    SYMBOL_V2(cuMemcpyDtoH),
    SYMBOL_V2(cuMemcpyDtoD),
    SYMBOL_V2(cuMemcpyHtoDAsync),
    SYMBOL_V2(cuMemcpyDtoHAsync),
    SYMBOL_V2(cuMemcpyDtoDAsync),
    SYMBOL_V2(cuMemsetD8),
    SYMBOL(cuMemsetD8Async),
    SYMBOL(cuMemsetD32Async),
    SYMBOL(cuStreamCreate),
    SYMBOL_V2(cuStreamDestroy),
    SYMBOL(cuStreamSynchronize),
    SYMBOL(cuStreamWaitEvent),
    SYMBOL(cuEventCreate),
    SYMBOL(cuEventRecord),
    SYMBOL(cuEventSynchronize),
    SYMBOL(cuEventElapsedTime),
    SYMBOL_V2(cuEventDestroy),
};

#undef SYMBOL
#undef SYMBOL_V2

} // namespace

CUresult cuGetProcAddress_v2(const char *name, void **function, int, uint64_t, CUdriverProcAddressQueryResult *status) {
  return call("cuGetProcAddress_v2", Needs::Nothing, [&](Driver &) {
    if (!name || !function)
      return CUDA_ERROR_INVALID_VALUE;
    *function = nullptr;
    for (const Symbol &symbol : kSymbols)
      if (strcmp(name, symbol.name) == 0)
        *function = symbol.address;
    if (status)
      *status = *function ? CU_GET_PROC_ADDRESS_SUCCESS : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    return *function ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND;
  });
}
