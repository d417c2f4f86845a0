// Opens libvulkan and finds its functions.
#include "Loader.h"

#include "../../core/Status.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

using namespace laic;
using namespace laic::rt;

template <typename T> static T asFunction(void *symbol) {
  T function;
  static_assert(sizeof function == sizeof symbol);
  memcpy(&function, &symbol, sizeof function);
  return function;
}

laic_status_t *vulkan::loadGlobal(Functions &functions) {
  const char *chosen = getenv("LAIC_VULKAN_LIBRARY");
  const char *name = chosen && *chosen ? chosen : "libvulkan.so.1";
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(LAIC_UNSUPPORTED, "there is no Vulkan loader (%s): install the Vulkan driver of the GPU", dlerror());
  functions.GetInstanceProcAddr = asFunction<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr"));
  if (!functions.GetInstanceProcAddr)
    return fail(LAIC_UNSUPPORTED, "'%s' is no Vulkan loader: it lacks vkGetInstanceProcAddr", name);
#define LAIC_VULKAN_FIND(function)                                                                                               \
  functions.function = reinterpret_cast<PFN_vk##function>(functions.GetInstanceProcAddr(nullptr, "vk" #function));               \
  if (!functions.function)                                                                                                       \
    return fail(LAIC_UNSUPPORTED, "the Vulkan loader '%s' is too old: it lacks vk" #function, name);
  LAIC_VULKAN_GLOBAL_FUNCTIONS(LAIC_VULKAN_FIND)
#undef LAIC_VULKAN_FIND
  return nullptr;
}

laic_status_t *vulkan::loadInstance(Functions &functions, VkInstance instance) {
#define LAIC_VULKAN_FIND(function)                                                                                               \
  functions.function = reinterpret_cast<PFN_vk##function>(functions.GetInstanceProcAddr(instance, "vk" #function));              \
  if (!functions.function)                                                                                                       \
    return fail(LAIC_UNSUPPORTED, "the Vulkan driver lacks vk" #function);
  LAIC_VULKAN_INSTANCE_FUNCTIONS(LAIC_VULKAN_FIND)
#undef LAIC_VULKAN_FIND
  return nullptr;
}

laic_status_t *vulkan::loadDevice(Functions &functions, VkDevice device) {
#define LAIC_VULKAN_FIND(function)                                                                                               \
  functions.function = reinterpret_cast<PFN_vk##function>(functions.GetDeviceProcAddr(device, "vk" #function));                  \
  if (!functions.function)                                                                                                       \
    return fail(LAIC_UNSUPPORTED, "the Vulkan driver lacks vk" #function);
  LAIC_VULKAN_DEVICE_FUNCTIONS(LAIC_VULKAN_FIND)
#undef LAIC_VULKAN_FIND
  return nullptr;
}

laic_status_t *vulkan::callFailed(const char *call, VkResult result) {
  switch (result) {
  case VK_ERROR_OUT_OF_HOST_MEMORY:
    return fail(LAIC_OUT_OF_MEMORY, "%s: the Vulkan driver has no host memory left", call);
  case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    return fail(LAIC_OUT_OF_MEMORY, "%s: the GPU has no memory left: close other programs on it, or use a smaller model or batch",
                call);
  case VK_ERROR_DEVICE_LOST:
    return fail(LAIC_DEVICE_ERROR, "%s: the GPU was lost: its driver was reset, or a kernel ran too long", call);
  case VK_ERROR_INCOMPATIBLE_DRIVER:
    return fail(LAIC_UNSUPPORTED, "%s: there is no Vulkan driver here: install that of the GPU", call);
  default:
    return fail(LAIC_DEVICE_ERROR, "%s failed with VkResult %d", call, static_cast<int>(result));
  }
}
