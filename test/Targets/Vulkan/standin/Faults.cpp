// A Vulkan loader in front of the real one: calls fail, and devices lack things, as the environment says.
//
//   LAIC_FAULT=vkName:N:RESULT   the Nth call (from 1) of a function returns VkResult RESULT and does nothing
//   LAIC_FAULT=vkName            the function does not exist
//   LAIC_LACK=word,...           what devices lack: float16, int64, float64, version (Vulkan 1.0 devices), loader (a Vulkan 1.0 loader),
//                                compute (no compute queue), alignment (256 bytes), threads (64 per workgroup), range (1 KiB per buffer),
//                                bindings (2 per kernel), devices (none), visible (memory that the host sees lies outside the device's)
//   LAIC_FAULT_LOG=FILE          gets the name of every function that returned a VkResult, one line per call
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <type_traits>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

namespace {

#define LAIC_WRAPPED(X)                                                                                                          \
  X(CreateInstance)                                                                                                              \
  X(EnumerateInstanceVersion)                                                                                                    \
  X(CreateDevice)                                                                                                                \
  X(EnumerateDeviceExtensionProperties)                                                                                          \
  X(EnumeratePhysicalDevices)                                                                                                    \
  X(AllocateCommandBuffers)                                                                                                      \
  X(AllocateDescriptorSets)                                                                                                      \
  X(AllocateMemory)                                                                                                              \
  X(BeginCommandBuffer)                                                                                                          \
  X(BindBufferMemory)                                                                                                            \
  X(CreateBuffer)                                                                                                                \
  X(CreateCommandPool)                                                                                                           \
  X(CreateComputePipelines)                                                                                                      \
  X(CreateDescriptorPool)                                                                                                        \
  X(CreateDescriptorSetLayout)                                                                                                   \
  X(CreateFence)                                                                                                                 \
  X(CreatePipelineCache)                                                                                                         \
  X(CreatePipelineLayout)                                                                                                        \
  X(CreateShaderModule)                                                                                                          \
  X(DeviceWaitIdle)                                                                                                              \
  X(EndCommandBuffer)                                                                                                            \
  X(GetPipelineCacheData)                                                                                                        \
  X(MapMemory)                                                                                                                   \
  X(QueueSubmit)                                                                                                                 \
  X(ResetCommandPool)                                                                                                            \
  X(ResetDescriptorPool)                                                                                                         \
  X(ResetFences)                                                                                                                 \
  X(WaitForFences)

enum Index {
#define LAIC_INDEX(name) k##name,
  LAIC_WRAPPED(LAIC_INDEX)
#undef LAIC_INDEX
      kCount
};

const char *const kNames[] = {
#define LAIC_NAME(name) "vk" #name,
    LAIC_WRAPPED(LAIC_NAME)
#undef LAIC_NAME
};

PFN_vkVoidFunction real[kCount];
int calls[kCount];

std::string setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

bool lacks(const char *word) {
  std::string all = "," + setting("LAIC_LACK") + ",";
  return all.find("," + std::string(word) + ",") != std::string::npos;
}

// The result that this call of a function shall have, if it shall fail.
bool faulty(int index, VkResult *out) {
  if (std::string log = setting("LAIC_FAULT_LOG"); !log.empty())
    if (FILE *file = fopen(log.c_str(), "a")) {
      fprintf(file, "%s\n", kNames[index]);
      fclose(file);
    }
  ++calls[index];
  std::string fault = setting("LAIC_FAULT");
  size_t colon = fault.find(':'), second = colon == std::string::npos ? colon : fault.find(':', colon + 1);
  if (second == std::string::npos || fault.substr(0, colon) != kNames[index] || atoi(fault.c_str() + colon + 1) != calls[index])
    return false;
  *out = static_cast<VkResult>(atoi(fault.c_str() + second + 1));
  return true;
}

template <int index, typename Function> struct Wrapper;
template <int index, typename... Args> struct Wrapper<index, VkResult (*)(Args...)> {
  static VkResult call(Args... args) {
    VkResult result;
    if (faulty(index, &result))
      return result;
    result = reinterpret_cast<VkResult (*)(Args...)>(real[index])(args...);
    return adjust(result, args...);
  }

  static VkResult adjust(VkResult result, Args... args) {
    if constexpr (index == kEnumerateInstanceVersion) {
      if (lacks("loader"))
        (*args, ...) = VK_API_VERSION_1_0;
    } else if constexpr (index == kEnumeratePhysicalDevices) {
      if (lacks("devices"))
        return none(args...);
    }
    return result;
  }
  static VkResult none(VkInstance, uint32_t *count, VkPhysicalDevice *) {
    *count = 0;
    return VK_SUCCESS;
  }
  template <typename... Other> static VkResult none(Other...) { return VK_SUCCESS; }
};

PFN_vkGetPhysicalDeviceProperties realProperties;
void properties(VkPhysicalDevice device, VkPhysicalDeviceProperties *out) {
  realProperties(device, out);
  if (lacks("version"))
    out->apiVersion = VK_API_VERSION_1_0;
  if (lacks("alignment"))
    out->limits.minStorageBufferOffsetAlignment = 256;
  if (lacks("threads"))
    out->limits.maxComputeWorkGroupInvocations = 64;
  if (lacks("range"))
    out->limits.maxStorageBufferRange = 1024;
  if (lacks("bindings"))
    out->limits.maxPerStageDescriptorStorageBuffers = 2;
}

PFN_vkGetPhysicalDeviceFeatures2 realFeatures;
void features(VkPhysicalDevice device, VkPhysicalDeviceFeatures2 *out) {
  realFeatures(device, out);
  if (lacks("int64"))
    out->features.shaderInt64 = VK_FALSE;
  if (lacks("float64"))
    out->features.shaderFloat64 = VK_FALSE;
  for (auto *next = static_cast<VkBaseOutStructure *>(out->pNext); next && lacks("float16"); next = next->pNext)
    if (next->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES)
      reinterpret_cast<VkPhysicalDeviceShaderFloat16Int8Features *>(next)->shaderFloat16 = VK_FALSE;
}

PFN_vkGetPhysicalDeviceQueueFamilyProperties realFamilies;
void families(VkPhysicalDevice device, uint32_t *count, VkQueueFamilyProperties *out) {
  realFamilies(device, count, out);
  for (uint32_t i = 0; out && i < *count && lacks("compute"); ++i)
    out[i].queueFlags &= ~VkQueueFlags(VK_QUEUE_COMPUTE_BIT);
}

// A card whose own memory the host does not see: type 0 is the device's, the real type follows as memory of the host.
PFN_vkGetPhysicalDeviceMemoryProperties realMemory;
void memory(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties *out) {
  realMemory(device, out);
  if (!lacks("visible"))
    return;
  for (uint32_t i = 0; i < out->memoryTypeCount; ++i)
    out->memoryTypes[i].propertyFlags &= ~VkMemoryPropertyFlags(VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  out->memoryTypes[out->memoryTypeCount++] = {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0};
}

// The added type is the first one in disguise.
PFN_vkGetBufferMemoryRequirements realRequirements;
void requirements(VkDevice device, VkBuffer buffer, VkMemoryRequirements *out) {
  realRequirements(device, buffer, out);
  if (lacks("visible"))
    out->memoryTypeBits |= out->memoryTypeBits << 1;
}

PFN_vkAllocateMemory allocateOf(PFN_vkVoidFunction found) { return reinterpret_cast<PFN_vkAllocateMemory>(found); }
VkResult allocate(VkDevice device, const VkMemoryAllocateInfo *info, const VkAllocationCallbacks *callbacks,
                  VkDeviceMemory *out) {
  VkMemoryAllocateInfo own = *info;
  if (lacks("visible"))
    own.memoryTypeIndex = 0;
  VkResult result;
  if (faulty(kAllocateMemory, &result))
    return result;
  return allocateOf(real[kAllocateMemory])(device, &own, callbacks, out);
}

template <typename Function, typename Own> PFN_vkVoidFunction replace(Function &slot, PFN_vkVoidFunction found, Own own) {
  slot = reinterpret_cast<Function>(found);
  return reinterpret_cast<PFN_vkVoidFunction>(own);
}

PFN_vkVoidFunction wrap(const char *name, PFN_vkVoidFunction found);

PFN_vkGetDeviceProcAddr realDeviceProc;
PFN_vkVoidFunction deviceProc(VkDevice device, const char *name) { return wrap(name, realDeviceProc(device, name)); }

PFN_vkVoidFunction wrap(const char *name, PFN_vkVoidFunction found) {
  if (!found || setting("LAIC_FAULT") == name)
    return nullptr;
  if (!strcmp(name, "vkGetPhysicalDeviceProperties"))
    return replace(realProperties, found, properties);
  if (!strcmp(name, "vkGetPhysicalDeviceFeatures2"))
    return replace(realFeatures, found, features);
  if (!strcmp(name, "vkGetPhysicalDeviceQueueFamilyProperties"))
    return replace(realFamilies, found, families);
  if (!strcmp(name, "vkGetPhysicalDeviceMemoryProperties"))
    return replace(realMemory, found, memory);
  if (!strcmp(name, "vkGetBufferMemoryRequirements"))
    return replace(realRequirements, found, requirements);
  if (!strcmp(name, "vkGetDeviceProcAddr"))
    return replace(realDeviceProc, found, deviceProc);
  if (!strcmp(name, "vkAllocateMemory"))
    return replace(real[kAllocateMemory], found, allocate);
#define LAIC_WRAP(function)                                                                                                      \
  if (!strcmp(name, "vk" #function))                                                                                             \
    return replace(real[k##function], found, Wrapper<k##function, PFN_vk##function>::call);
  LAIC_WRAPPED(LAIC_WRAP)
#undef LAIC_WRAP
  return found;
}

} // namespace

extern "C" __attribute__((visibility("default"))) PFN_vkVoidFunction vkGetInstanceProcAddr(VkInstance instance,
                                                                                           const char *name) {
  static auto next = [] {
    void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    return library ? reinterpret_cast<PFN_vkGetInstanceProcAddr>(dlsym(library, "vkGetInstanceProcAddr")) : nullptr;
  }();
  return next ? wrap(name, next(instance, name)) : nullptr;
}
