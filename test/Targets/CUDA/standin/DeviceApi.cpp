// The driver API's initialisation, errors, devices and contexts.
#include "Driver.h"

#include <cstdio>
#include <cstring>

using namespace laic;
using namespace laic::standin;

namespace {

constexpr int kVersion = 13000; // CUDA 13.0

struct ErrorRow {
  CUresult error;
  const char *name, *text;
};

constexpr ErrorRow kErrors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {CUDA_ERROR_LAUNCH_TIMEOUT, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {CUDA_ERROR_ILLEGAL_INSTRUCTION, "CUDA_ERROR_ILLEGAL_INSTRUCTION", "an illegal instruction was encountered"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

const ErrorRow *findError(CUresult error) {
  for (const ErrorRow &row : kErrors)
    if (row.error == error)
      return &row;
  return nullptr;
}

bool isDevice(const Driver &state, CUdevice device) { return device >= 0 && device < state.settings.devices; }

int attributeOf(const Driver &state, CUdevice_attribute attribute, bool &known) {
  known = true;
  switch (attribute) {
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_X:
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Y:
    return 1024;
  case CU_DEVICE_ATTRIBUTE_MAX_BLOCK_DIM_Z:
    return 64;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X:
    return INT32_MAX;
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y:
  case CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z:
    return 65535;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK:
    return 48 * 1024;
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
    return state.sharedOptIn();
  case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR:
    return state.sharedOptIn() + 1024;
  case CU_DEVICE_ATTRIBUTE_TOTAL_CONSTANT_MEMORY:
    return 64 * 1024;
  case CU_DEVICE_ATTRIBUTE_WARP_SIZE:
    return 32;
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK:
  case CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR:
    return 65536;
  case CU_DEVICE_ATTRIBUTE_CLOCK_RATE:
  case CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE:
    return 1'000'000; // kHz
  case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT:
    return 4;
  case CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH:
    return 256;
  case CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE:
    return 4 << 20;
  case CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR:
    return state.settings.sm == 80 || state.settings.sm == 90 || state.settings.sm == 100 ? 2048 : 1536;
  case CU_DEVICE_ATTRIBUTE_ASYNC_ENGINE_COUNT:
  case CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING:
  case CU_DEVICE_ATTRIBUTE_CONCURRENT_KERNELS:
    return 1;
  case CU_DEVICE_ATTRIBUTE_INTEGRATED:
  case CU_DEVICE_ATTRIBUTE_MANAGED_MEMORY:
  case CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED:
    return 0;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
    return state.settings.sm / 10;
  case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
    return state.settings.sm % 10;
  }
  known = false;
  return 0;
}

} // namespace

CUresult cuInit(unsigned flags) {
  return call("cuInit", Needs::Nothing, [&](Driver &state) {
    if (!state.settings.problem.empty()) {
      fprintf(stderr, "stand-in: %s\n", state.settings.problem.c_str());
      return CUDA_ERROR_UNKNOWN;
    }
    if (flags)
      return CUDA_ERROR_INVALID_VALUE;
    if (!state.settings.devices)
      return CUDA_ERROR_NO_DEVICE;
    state.initialized = true;
    return CUDA_SUCCESS;
  });
}

CUresult cuDriverGetVersion(int *version) {
  return call("cuDriverGetVersion", Needs::Nothing, [&](Driver &) {
    if (!version)
      return CUDA_ERROR_INVALID_VALUE;
    *version = kVersion;
    return CUDA_SUCCESS;
  });
}

CUresult cuGetErrorName(CUresult error, const char **name) {
  const ErrorRow *row = findError(error);
  if (name)
    *name = row ? row->name : nullptr;
  return row && name ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  const ErrorRow *row = findError(error);
  if (text)
    *text = row ? row->text : nullptr;
  return row && text ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuDeviceGetCount(int *count) {
  return call("cuDeviceGetCount", Needs::Init, [&](Driver &state) {
    if (!count)
      return CUDA_ERROR_INVALID_VALUE;
    *count = state.settings.devices;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  return call("cuDeviceGet", Needs::Init, [&](Driver &state) {
    if (!device)
      return CUDA_ERROR_INVALID_VALUE;
    if (!isDevice(state, ordinal))
      return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetName(char *name, int length, CUdevice device) {
  return call("cuDeviceGetName", Needs::Init, [&](Driver &state) {
    if (!isDevice(state, device))
      return CUDA_ERROR_INVALID_DEVICE;
    if (!name || length <= 0)
      return CUDA_ERROR_INVALID_VALUE;
    snprintf(name, static_cast<size_t>(length), "PTX interpreter, sm_%d", state.settings.sm);
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
  return call("cuDeviceGetAttribute", Needs::Init, [&](Driver &state) {
    if (!isDevice(state, device))
      return CUDA_ERROR_INVALID_DEVICE;
    bool known = false;
    const int found = attributeOf(state, attribute, known);
    if (!value || !known)
      return CUDA_ERROR_INVALID_VALUE;
    *value = found;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) {
  return call("cuDeviceTotalMem_v2", Needs::Init, [&](Driver &state) {
    if (!isDevice(state, device))
      return CUDA_ERROR_INVALID_DEVICE;
    if (!bytes)
      return CUDA_ERROR_INVALID_VALUE;
    *bytes = state.settings.memory;
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  return call("cuDevicePrimaryCtxRetain", Needs::Init, [&](Driver &state) {
    if (!isDevice(state, device))
      return CUDA_ERROR_INVALID_DEVICE;
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    ++state.retained;
    *context = reinterpret_cast<CUcontext>(&state);
    return CUDA_SUCCESS;
  });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  return call("cuDevicePrimaryCtxRelease_v2", Needs::Init, [&](Driver &state) {
    if (!isDevice(state, device))
      return CUDA_ERROR_INVALID_DEVICE;
    if (!state.retained)
      return CUDA_ERROR_INVALID_CONTEXT;
    if (--state.retained == 0)
      state.reset();
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSetCurrent(CUcontext context) {
  return call("cuCtxSetCurrent", Needs::Init, [&](Driver &state) {
    if (context && (context != reinterpret_cast<CUcontext>(&state) || !state.retained))
      return CUDA_ERROR_INVALID_CONTEXT;
    setCurrent(context != nullptr);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxGetCurrent(CUcontext *context) {
  return call("cuCtxGetCurrent", Needs::Init, [&](Driver &state) {
    if (!context)
      return CUDA_ERROR_INVALID_VALUE;
    *context = isCurrent() ? reinterpret_cast<CUcontext>(&state) : nullptr;
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxSynchronize() {
  return call("cuCtxSynchronize", Needs::Context, [](Driver &) { return CUDA_SUCCESS; });
}
