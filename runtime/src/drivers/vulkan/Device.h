// One Vulkan device, opened for one plan.
#ifndef LAIC_RUNTIME_VULKAN_DEVICE_H
#define LAIC_RUNTIME_VULKAN_DEVICE_H

#include "../../core/Device.h"
#include "Loader.h"

namespace laic {
namespace rt {
namespace vulkan {

// Optional features that kernel variants may require; all that the device has are enabled.
struct Features {
  bool float16; // shaderFloat16 and storageBuffer16BitAccess
  bool int64;
  bool float64;
};

// Host-visible memory through which bytes travel to and from memory that the host cannot see.
struct Staging {
  VkBuffer buffer;
  VkDeviceMemory memory;
  void *mapped;
  VkCommandPool pool;
  VkCommandBuffer commands;
  VkFence fence;
};

struct Device {
  explicit Device(const Allocator &source) : allocator(source) {}
  Allocator allocator; // under `lock`
  Functions call = {};
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical = VK_NULL_HANDLE;
  VkPhysicalDeviceProperties properties = {};
  VkPhysicalDeviceMemoryProperties memory = {};
  Features features = {};
  VkDevice device = VK_NULL_HANDLE;
  uint32_t queueFamily = 0;
  VkQueue queue = VK_NULL_HANDLE;
  VkPipelineCache cache = VK_NULL_HANDLE;
  size_t cachedBytes = 0; // of the cache file when it was read
  Staging staging = {};
  pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // the queue and the staging memory
};

// A pipeline and its layout.
struct Kernel {
  VkDescriptorSetLayout sets;
  VkPipelineLayout layout;
  VkPipeline pipeline;
};

// Behind DeviceMemory::handle.
struct Allocation {
  VkBuffer buffer;
  VkDeviceMemory memory;
  void *mapped; // NULL: the host cannot see it
};

inline Device &deviceOf(void *device) { return *static_cast<Device *>(device); }

// ---- Device.cpp ----
laic_status_t *openDevice(laic_module &module, int32_t ordinal, void **out);
void closeDevice(laic_module &module, void *device);

// ---- Cache.cpp: compiled pipelines in a file of the user's cache folder ----
laic_status_t *openCache(Device &device); // a missing or foreign file is an empty cache
void saveCache(Device &device);

// ---- Memory.cpp ----
laic_status_t *allocate(void *device, uint64_t bytes, DeviceMemory *out);
void release(void *device, DeviceMemory *memory);
laic_status_t *write(void *device, const DeviceMemory &to, uint64_t offset, const void *from, uint64_t bytes);
laic_status_t *read(void *device, const DeviceMemory &from, uint64_t offset, void *to, uint64_t bytes);
void releaseStaging(Device &device);

// ---- Queue.cpp ----
laic_status_t *createQueue(void *device, laic_context &context, void **queue);
void destroyQueue(void *device, laic_context &context, void *queue);
laic_status_t *record(void *queue, const DeviceStep *steps, const uint32_t *first, uint32_t batches);
laic_status_t *run(void *queue, uint32_t batch);
// Submits and waits; one caller at a time per fence.
laic_status_t *submit(Device &device, VkCommandBuffer commands, VkFence fence);

} // namespace vulkan
} // namespace rt
} // namespace laic
#endif
