// One NVIDIA GPU, opened for one plan.
#ifndef LAIC_RUNTIME_CUDA_DEVICE_H
#define LAIC_RUNTIME_CUDA_DEVICE_H

#include "../../core/Device.h"
#include "Loader.h"

namespace laic {
namespace rt {
namespace cuda {

struct Device {
  Functions call;
  DeviceNumber number;
  ContextHandle context; // the primary one, shared with whoever else uses the GPU in this process
  int capability;        // 80 for sm_80
  int driverVersion;     // 13000 for 13.0
  char name[128];
};

// A module of one kernel.
struct Kernel {
  ModuleHandle module;
  FunctionHandle function;
  uint32_t threads;
};

inline Device &deviceOf(void *device) { return *static_cast<Device *>(device); }
inline DevicePointer addressOf(const DeviceMemory &memory) { return reinterpret_cast<uintptr_t>(memory.handle); }

// ---- Device.cpp ----
laic_status_t *openDevice(laic_module &module, int32_t ordinal, void **out);
void closeDevice(laic_module &module, void *device);
laic_status_t *allocate(void *device, uint64_t bytes, DeviceMemory *out);
void release(void *device, DeviceMemory *memory);
laic_status_t *write(void *device, const DeviceMemory &to, uint64_t offset, const void *from, uint64_t bytes);
laic_status_t *read(void *device, const DeviceMemory &from, uint64_t offset, void *to, uint64_t bytes);

// ---- Queue.cpp ----
laic_status_t *createQueue(void *device, laic_context &context, void **queue);
void destroyQueue(void *device, laic_context &context, void *queue);
laic_status_t *record(void *queue, const DeviceStep *steps, const uint32_t *first, uint32_t batches);
laic_status_t *run(void *queue, uint32_t batch);

} // namespace cuda
} // namespace rt
} // namespace laic
#endif
