// The CUDA driver: kernels are PTX inside the artifact, which the user's driver compiles for the GPU that is there.
#include "Device.h"

#include "../../core/Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::cuda;

namespace {

// "sm_80" -> 80; 0 for another word.
int capabilityOf(const char *word) {
  if (strncmp(word, "sm_", 3) != 0)
    return 0;
  int value = 0;
  for (const char *at = word + 3; *at; ++at) {
    if (*at < '0' || *at > '9' || value > 1000)
      return 0;
    value = value * 10 + (*at - '0');
  }
  return value;
}

// The first variant that the GPU runs: PTX for an architecture runs on every later one.
const artifact::Variant *pickVariant(const Device &device, const artifact::Kernel &kernel) {
  for (uint32_t i = 0; i < count(kernel.variants()); ++i) {
    const artifact::Variant &variant = *kernel.variants()->Get(i);
    bool holds = true;
    for (uint32_t k = 0; k < count(variant.requires_()); ++k) {
      int needed = capabilityOf(variant.requires_()->Get(k)->c_str());
      holds &= needed > 0 && needed <= device.capability;
    }
    if (holds)
      return &variant;
  }
  return nullptr;
}

laic_status_t *loadKernel(Device &device, const char *name, const char *ptx, Kernel &out) {
  char log[1024] = "";
  int options[] = {kJitErrorBuffer, kJitErrorBufferSize};
  void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
  Result result = device.call.loadModule(&out.module, ptx, 2, options, values);
  log[sizeof log - 1] = 0;
  if (result == kUnsupportedPtx)
    return fail(LAIC_UNSUPPORTED,
                "kernel '%s': the NVIDIA driver %d.%d is too old for this code; update it, or compile with an older "
                "--chip",
                name, device.driverVersion / 1000, device.driverVersion % 1000 / 10);
  if (result == kInvalidPtx)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: the NVIDIA driver refuses the code of kernel '%s': %s", name, log);
  if (result != kSuccess)
    return callFailed(device.call, "cuModuleLoadDataEx", result);
  LAIC_CUDA_TRY(device.call, function, &out.function, out.module, "main");
  return nullptr;
}

void closeKernel(void *opaque, laic_module &module, void *handle) {
  Device &device = deviceOf(opaque);
  Kernel *kernel = static_cast<Kernel *>(handle);
  if (kernel->module && device.call.setContext(device.context) == kSuccess)
    device.call.unloadModule(kernel->module);
  destroy(module.allocator, kernel);
}

laic_status_t *openKernel(void *opaque, laic_module &module, const artifact::Kernel &kernel, uint32_t, void **out) {
  Device &device = deviceOf(opaque);
  const char *name = kernel.name()->c_str();
  const artifact::Variant *variant = pickVariant(device, kernel);
  if (!variant)
    return fail(LAIC_UNSUPPORTED, "kernel '%s' has no code for '%s' (sm_%d): compile with --chip=sm_%d or an older one", name,
                device.name, device.capability, device.capability);
  const char *ptx = reinterpret_cast<const char *>(module.segments[variant->segment()].data + variant->offset());
  if (variant->size() == 0 || ptx[variant->size() - 1] != 0 || variant->threads() == 0 || variant->threads() > 1024)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: the code of kernel '%s' is no PTX text", name);
  LAIC_CUDA_TRY(device.call, setContext, device.context);
  Kernel *made = create<Kernel>(module.allocator);
  if (!made)
    return outOfMemory();
  *made = {nullptr, nullptr, variant->threads()};
  if (laic_status_t *status = loadKernel(device, name, ptx, *made)) {
    closeKernel(opaque, module, made);
    return status;
  }
  *out = made;
  return nullptr;
}

const DeviceApi kApi = {openDevice, closeDevice, openKernel,  closeKernel,  allocate, release,
                        write,      read,        createQueue, destroyQueue, record,   run};

} // namespace

namespace laic {
namespace rt {
extern const Driver cudaDriver;
const Driver cudaDriver = deviceDriver("cuda", &kApi);
} // namespace rt
} // namespace laic
