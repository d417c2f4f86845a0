// Finds a GPU; its memory.
#include "Device.h"

#include "../../core/Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::cuda;

namespace {

laic_status_t *describe(Device &device, int ordinal, DeviceNumber *number, int *capability, char *name, int length) {
  int major = 0, minor = 0;
  LAIC_CUDA_TRY(device.call, device, number, ordinal);
  LAIC_CUDA_TRY(device.call, deviceName, name, length, *number);
  LAIC_CUDA_TRY(device.call, deviceAttribute, &major, kAttributeMajor, *number);
  LAIC_CUDA_TRY(device.call, deviceAttribute, &minor, kAttributeMinor, *number);
  *capability = major * 10 + minor;
  return nullptr;
}

laic_status_t *open(Device &device, laic_module &module, int32_t ordinal) {
  LAIC_TRY(load(device.call));
  Result started = device.call.init(0);
  int found = 0;
  if (started == kSuccess)
    LAIC_CUDA_TRY(device.call, deviceCount, &found);
  if (started == kNoDevice || (started == kSuccess && found == 0))
    return fail(LAIC_UNSUPPORTED, "the NVIDIA driver finds no GPU");
  if (started != kSuccess)
    return callFailed(device.call, "cuInit", started);
  LAIC_CUDA_TRY(device.call, driverVersion, &device.driverVersion);
  if (ordinal >= found)
    return fail(LAIC_UNSUPPORTED, "there is no NVIDIA GPU number %d, the driver finds %d", ordinal, found);
  for (int i = 0; i < found; ++i) {
    if (ordinal >= 0 && i != ordinal)
      continue;
    DeviceNumber number;
    int capability;
    char name[sizeof device.name];
    LAIC_TRY(describe(device, i, &number, &capability, name, sizeof name));
    module.explain.append(module.allocator, "cuda:%d is '%s' (sm_%d)\n", i, name, capability);
    if (capability > device.capability) {
      device.number = number;
      device.capability = capability;
      memcpy(device.name, name, sizeof name);
    }
  }
  module.explain.append(module.allocator, "using '%s', driver %d.%d\n", device.name, device.driverVersion / 1000,
                        device.driverVersion % 1000 / 10);
  LAIC_CUDA_TRY(device.call, retainContext, &device.context, device.number);
  LAIC_CUDA_TRY(device.call, setContext, device.context);
  return nullptr;
}

} // namespace

laic_status_t *cuda::openDevice(laic_module &module, int32_t ordinal, void **out) {
  Device *device = create<Device>(module.allocator);
  if (!device)
    return outOfMemory();
  *device = {};
  if (laic_status_t *status = open(*device, module, ordinal)) {
    closeDevice(module, device);
    return status;
  }
  *out = device;
  return nullptr;
}

void cuda::closeDevice(laic_module &module, void *opaque) {
  Device &device = deviceOf(opaque);
  if (device.context)
    device.call.releaseContext(device.number);
  destroy(module.allocator, &device);
}

laic_status_t *cuda::allocate(void *opaque, uint64_t bytes, DeviceMemory *out) {
  Device &device = deviceOf(opaque);
  *out = {};
  LAIC_CUDA_TRY(device.call, setContext, device.context);
  DevicePointer address = 0;
  Result result = device.call.allocate(&address, bytes);
  if (result == kOutOfMemory) {
    size_t total = 0;
    device.call.deviceMemory(&total, device.number);
    return fail(LAIC_OUT_OF_MEMORY,
                "out of device memory: '%s' has no %llu bytes left of %llu; close other programs on it, or use a "
                "smaller model or batch",
                device.name, static_cast<unsigned long long>(bytes), static_cast<unsigned long long>(total));
  }
  if (result != kSuccess)
    return callFailed(device.call, "cuMemAlloc", result);
  *out = {reinterpret_cast<void *>(static_cast<uintptr_t>(address)), bytes};
  // Kernels may load the whole aligned chunk that a small element lies in: what is behind a tensor must have been written, or
  // compute-sanitizer reports it.
  if (Result filled = device.call.fill(address, 0, bytes); filled != kSuccess) {
    release(opaque, out);
    return callFailed(device.call, "cuMemsetD8", filled);
  }
  return nullptr;
}

void cuda::release(void *opaque, DeviceMemory *memory) {
  Device &device = deviceOf(opaque);
  if (memory->handle && device.call.setContext(device.context) == kSuccess)
    device.call.release(addressOf(*memory));
  *memory = {};
}

laic_status_t *cuda::write(void *opaque, const DeviceMemory &to, uint64_t offset, const void *from, uint64_t bytes) {
  Device &device = deviceOf(opaque);
  LAIC_CUDA_TRY(device.call, setContext, device.context);
  LAIC_CUDA_TRY(device.call, write, addressOf(to) + offset, from, bytes);
  return nullptr;
}

laic_status_t *cuda::read(void *opaque, const DeviceMemory &from, uint64_t offset, void *to, uint64_t bytes) {
  Device &device = deviceOf(opaque);
  LAIC_CUDA_TRY(device.call, setContext, device.context);
  LAIC_CUDA_TRY(device.call, read, to, addressOf(from) + offset, bytes);
  return nullptr;
}
