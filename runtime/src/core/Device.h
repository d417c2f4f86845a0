// Drivers of devices with memory of their own: what is common to all of them, and what each one implements.
//
// A plan for a device has steps on the device, steps on the host, and copies between the two (artifact.fbs). Device.cpp keeps weights and
// arena in device memory, cuts the steps into batches, and walks batches, copies and host steps in order; a driver only knows memory,
// kernels and batches.
#ifndef LAIC_RUNTIME_DEVICE_H
#define LAIC_RUNTIME_DEVICE_H

#include "Context.h"

namespace laic {
namespace rt {

// A piece of device memory; `handle` is the driver's. What it holds at first is undefined.
struct DeviceMemory {
  void *handle;
  uint64_t bytes;
};

struct DeviceOperand {
  const DeviceMemory *memory;
  uint64_t offset; // a multiple of kTensorAlignment
  uint64_t bytes;  // may be 0
};

// One step of a batch. Operands of a dispatch are those of the kernel (laic/Conversion/KernelToGPU.h), the call record at the end.
struct DeviceStep {
  void *kernel; // as openKernel returned it; NULL: copies operands[0] to operands[1], which have equal sizes
  const DeviceOperand *operands;
  uint32_t operandCount;
  uint32_t groups; // workgroups, at least 1
  bool barrier;    // waits for the steps before it
};

struct DeviceApi {
  // Finds the device for a plan (ordinal -1: the best) and appends to module.explain which one and why.
  laic_status_t *(*open)(laic_module &module, int32_t ordinal, void **device);
  void (*close)(laic_module &module, void *device);

  // Chooses a variant and makes it runnable. `operands` as in DeviceStep. Kernels are closed before their device.
  laic_status_t *(*openKernel)(void *device, laic_module &module, const artifact::Kernel &kernel, uint32_t operands, void **out);
  void (*closeKernel)(void *device, laic_module &module, void *kernel);

  laic_status_t *(*allocate)(void *device, uint64_t bytes, DeviceMemory *out);
  void (*release)(void *device, DeviceMemory *memory); // accepts memory without a handle
  laic_status_t *(*write)(void *device, const DeviceMemory &to, uint64_t offset, const void *from, uint64_t bytes);
  laic_status_t *(*read)(void *device, const DeviceMemory &from, uint64_t offset, void *to, uint64_t bytes);

  // What one context needs to run batches; used by one thread at a time, as are write and read between its batches.
  laic_status_t *(*createQueue)(void *device, laic_context &context, void **queue);
  void (*destroyQueue)(void *device, laic_context &context, void *queue); // accepts NULL
  // Replaces all batches. `steps` stay where they are until the next call; first[i] to first[i + 1] are batch i's.
  laic_status_t *(*record)(void *queue, const DeviceStep *steps, const uint32_t *first, uint32_t batches);
  // Runs a batch to its end.
  laic_status_t *(*run)(void *queue, uint32_t batch);
};

// The functions of a Driver whose `device` is set.
laic_status_t *openDevicePlan(const Driver &driver, laic_module &module, const artifact::Plan &plan, int32_t ordinal,
                              void **state);
void closeDevicePlan(const Driver &driver, laic_module &module, void *state);
laic_status_t *attachDevice(laic_context &context);
void detachDevice(laic_context &context);
laic_status_t *prepareDevice(laic_context &context);
void bindDevice(laic_context &context);
laic_status_t *runDevice(laic_context &context);
void deviceMemory(const laic_context &context, laic_memory_info_t &out);

constexpr Driver deviceDriver(const char *name, const DeviceApi *api) {
  return {name,         false,         api,        openDevicePlan, closeDevicePlan, attachDevice,
          detachDevice, prepareDevice, bindDevice, runDevice,      nullptr,         deviceMemory};
}

} // namespace rt
} // namespace laic
#endif
