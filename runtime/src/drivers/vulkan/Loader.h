// libvulkan, opened at run time.
#ifndef LAIC_RUNTIME_VULKAN_LOADER_H
#define LAIC_RUNTIME_VULKAN_LOADER_H

#include "laic/runtime.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

#include <stdint.h>

namespace laic {
namespace rt {
namespace vulkan {

#define LAIC_VULKAN_GLOBAL_FUNCTIONS(X)                                                                                          \
  X(CreateInstance)                                                                                                              \
  X(EnumerateInstanceVersion)
#define LAIC_VULKAN_INSTANCE_FUNCTIONS(X)                                                                                        \
  X(CreateDevice)                                                                                                                \
  X(DestroyInstance)                                                                                                             \
  X(EnumerateDeviceExtensionProperties)                                                                                          \
  X(EnumeratePhysicalDevices)                                                                                                    \
  X(GetDeviceProcAddr)                                                                                                           \
  X(GetPhysicalDeviceFeatures2)                                                                                                  \
  X(GetPhysicalDeviceMemoryProperties)                                                                                           \
  X(GetPhysicalDeviceProperties)                                                                                                 \
  X(GetPhysicalDeviceQueueFamilyProperties)
#define LAIC_VULKAN_DEVICE_FUNCTIONS(X)                                                                                          \
  X(AllocateCommandBuffers)                                                                                                      \
  X(AllocateDescriptorSets)                                                                                                      \
  X(AllocateMemory)                                                                                                              \
  X(BeginCommandBuffer)                                                                                                          \
  X(BindBufferMemory)                                                                                                            \
  X(CmdBindDescriptorSets)                                                                                                       \
  X(CmdBindPipeline)                                                                                                             \
  X(CmdCopyBuffer)                                                                                                               \
  X(CmdDispatch)                                                                                                                 \
  X(CmdPipelineBarrier)                                                                                                          \
  X(CreateBuffer)                                                                                                                \
  X(CreateCommandPool)                                                                                                           \
  X(CreateComputePipelines)                                                                                                      \
  X(CreateDescriptorPool)                                                                                                        \
  X(CreateDescriptorSetLayout)                                                                                                   \
  X(CreateFence)                                                                                                                 \
  X(CreatePipelineCache)                                                                                                         \
  X(CreatePipelineLayout)                                                                                                        \
  X(CreateShaderModule)                                                                                                          \
  X(DestroyBuffer)                                                                                                               \
  X(DestroyCommandPool)                                                                                                          \
  X(DestroyDescriptorPool)                                                                                                       \
  X(DestroyDescriptorSetLayout)                                                                                                  \
  X(DestroyDevice)                                                                                                               \
  X(DestroyFence)                                                                                                                \
  X(DestroyPipeline)                                                                                                             \
  X(DestroyPipelineCache)                                                                                                        \
  X(DestroyPipelineLayout)                                                                                                       \
  X(DestroyShaderModule)                                                                                                         \
  X(DeviceWaitIdle)                                                                                                              \
  X(EndCommandBuffer)                                                                                                            \
  X(FreeMemory)                                                                                                                  \
  X(GetBufferMemoryRequirements)                                                                                                 \
  X(GetDeviceQueue)                                                                                                              \
  X(GetPipelineCacheData)                                                                                                        \
  X(MapMemory)                                                                                                                   \
  X(QueueSubmit)                                                                                                                 \
  X(ResetCommandPool)                                                                                                            \
  X(ResetDescriptorPool)                                                                                                         \
  X(ResetFences)                                                                                                                 \
  X(UpdateDescriptorSets)                                                                                                        \
  X(WaitForFences)

struct Functions {
  PFN_vkGetInstanceProcAddr GetInstanceProcAddr;
#define LAIC_VULKAN_MEMBER(name) PFN_vk##name name;
  LAIC_VULKAN_GLOBAL_FUNCTIONS(LAIC_VULKAN_MEMBER)
  LAIC_VULKAN_INSTANCE_FUNCTIONS(LAIC_VULKAN_MEMBER)
  LAIC_VULKAN_DEVICE_FUNCTIONS(LAIC_VULKAN_MEMBER)
#undef LAIC_VULKAN_MEMBER
};

// Opens the library that LAIC_VULKAN_LIBRARY names, otherwise libvulkan.so.1, and finds the functions that need no instance. The library
// stays open: drivers start threads that outlive an instance.
laic_status_t *loadGlobal(Functions &functions);
laic_status_t *loadInstance(Functions &functions, VkInstance instance);
laic_status_t *loadDevice(Functions &functions, VkDevice device);

// A status for a call that failed: LAIC_OUT_OF_MEMORY or LAIC_DEVICE_ERROR, with the name of the result and what it means.
laic_status_t *callFailed(const char *call, VkResult result);

#define LAIC_VULKAN_TRY(functions, name, ...)                                                                                    \
  do {                                                                                                                           \
    VkResult result_ = (functions).name(__VA_ARGS__);                                                                            \
    if (result_ != VK_SUCCESS)                                                                                                   \
      return callFailed("vk" #name, result_);                                                                                    \
  } while (0)

// A structure of that type, otherwise zero.
template <typename T> T info(VkStructureType type) {
  T value = {};
  value.sType = type;
  return value;
}

} // namespace vulkan
} // namespace rt
} // namespace laic
#endif
