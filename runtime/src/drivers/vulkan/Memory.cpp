// Device memory, and how bytes get there and back.
#include "Device.h"

#include "../../core/Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::vulkan;

namespace {

constexpr uint64_t kStagingBytes = uint64_t{16} << 20;
constexpr VkMemoryPropertyFlags kHost = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;

uint64_t largestDeviceHeap(const Device &device) {
  uint64_t largest = 0;
  for (uint32_t i = 0; i < device.memory.memoryHeapCount; ++i)
    if ((device.memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) && device.memory.memoryHeaps[i].size > largest)
      largest = device.memory.memoryHeaps[i].size;
  return largest;
}

// How much a memory type suits tensors; 0: not at all. Memory of the device that the host sees as a whole saves the staging; a small
// window of it (256 MiB on many cards) is left to others.
int suitability(const Device &device, uint32_t type) {
  const VkMemoryType &of = device.memory.memoryTypes[type];
  bool local = of.propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, host = (of.propertyFlags & kHost) == kHost;
  bool whole = device.memory.memoryHeaps[of.heapIndex].size >= largestDeviceHeap(device);
  if (of.propertyFlags & (VK_MEMORY_PROPERTY_PROTECTED_BIT | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT))
    return 0;
  if (local && host && whole)
    return of.propertyFlags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT ? 5 : 4;
  if (local && !host)
    return 3;
  if (local)
    return 2;
  return host ? 1 : 0;
}

laic_status_t *createBuffer(Device &device, uint64_t bytes, VkBuffer *out) {
  auto create = info<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO);
  create.size = bytes;
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  LAIC_VULKAN_TRY(device.call, CreateBuffer, device.device, &create, nullptr, out);
  return nullptr;
}

// Memory of the best type that has room; `hostOnly`: any that the host sees.
laic_status_t *bindMemory(Device &device, VkBuffer buffer, bool hostOnly, VkDeviceMemory *memory, void **mapped) {
  VkMemoryRequirements needs;
  device.call.GetBufferMemoryRequirements(device.device, buffer, &needs);
  uint32_t tried = 0;
  VkResult last = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  for (;;) {
    int best = 0;
    uint32_t type = 0;
    for (uint32_t i = 0; i < device.memory.memoryTypeCount; ++i) {
      bool host = (device.memory.memoryTypes[i].propertyFlags & kHost) == kHost;
      int suits = hostOnly ? (host ? 6 - suitability(device, i) : 0) : suitability(device, i);
      if ((needs.memoryTypeBits >> i & 1) && !(tried >> i & 1) && suits > best) {
        best = suits;
        type = i;
      }
    }
    if (!best)
      break;
    tried |= uint32_t{1} << type;
    auto request = info<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO);
    request.allocationSize = needs.size;
    request.memoryTypeIndex = type;
    last = device.call.AllocateMemory(device.device, &request, nullptr, memory);
    if (last != VK_SUCCESS)
      continue;
    LAIC_VULKAN_TRY(device.call, BindBufferMemory, device.device, buffer, *memory, 0);
    *mapped = nullptr;
    if ((device.memory.memoryTypes[type].propertyFlags & kHost) == kHost)
      LAIC_VULKAN_TRY(device.call, MapMemory, device.device, *memory, 0, VK_WHOLE_SIZE, 0, mapped);
    return nullptr;
  }
  if (last == VK_ERROR_OUT_OF_DEVICE_MEMORY || last == VK_ERROR_OUT_OF_HOST_MEMORY)
    return fail(LAIC_OUT_OF_MEMORY,
                "out of device memory: '%s' has no %llu bytes left of %llu; close other programs on it, or use a "
                "smaller model or batch",
                device.properties.deviceName, static_cast<unsigned long long>(needs.size),
                static_cast<unsigned long long>(largestDeviceHeap(device)));
  return callFailed("vkAllocateMemory", last);
}

void freeAllocation(Device &device, VkBuffer buffer, VkDeviceMemory memory) {
  if (buffer)
    device.call.DestroyBuffer(device.device, buffer, nullptr);
  if (memory)
    device.call.FreeMemory(device.device, memory, nullptr);
}

laic_status_t *createStaging(Device &device) {
  Staging &staging = device.staging;
  if (staging.fence)
    return nullptr;
  releaseStaging(device);
  LAIC_TRY(createBuffer(device, kStagingBytes, &staging.buffer));
  LAIC_TRY(bindMemory(device, staging.buffer, true, &staging.memory, &staging.mapped));
  auto pool = info<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
  pool.queueFamilyIndex = device.queueFamily;
  LAIC_VULKAN_TRY(device.call, CreateCommandPool, device.device, &pool, nullptr, &staging.pool);
  auto commands = info<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
  commands.commandPool = staging.pool;
  commands.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  commands.commandBufferCount = 1;
  LAIC_VULKAN_TRY(device.call, AllocateCommandBuffers, device.device, &commands, &staging.commands);
  auto fence = info<VkFenceCreateInfo>(VK_STRUCTURE_TYPE_FENCE_CREATE_INFO);
  LAIC_VULKAN_TRY(device.call, CreateFence, device.device, &fence, nullptr, &staging.fence);
  return nullptr;
}

laic_status_t *copyThrough(Device &device, VkBuffer from, uint64_t fromOffset, VkBuffer to, uint64_t toOffset, uint64_t bytes) {
  const Staging &staging = device.staging;
  LAIC_VULKAN_TRY(device.call, ResetCommandPool, device.device, staging.pool, 0);
  auto begin = info<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  LAIC_VULKAN_TRY(device.call, BeginCommandBuffer, staging.commands, &begin);
  auto barrier = info<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
  barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
  auto wait = [&](VkPipelineStageFlags before, VkPipelineStageFlags after) {
    device.call.CmdPipelineBarrier(staging.commands, before, after, 0, 1, &barrier, 0, nullptr, 0, nullptr);
  };
  wait(VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT);
  VkBufferCopy region = {fromOffset, toOffset, bytes};
  device.call.CmdCopyBuffer(staging.commands, from, to, 1, &region);
  wait(VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT);
  LAIC_VULKAN_TRY(device.call, EndCommandBuffer, staging.commands);
  return submit(device, staging.commands, staging.fence);
}

laic_status_t *writeLocked(Device &device, VkBuffer to, uint64_t offset, const uint8_t *from, uint64_t bytes) {
  LAIC_TRY(createStaging(device));
  for (uint64_t done = 0; done < bytes;) {
    uint64_t part = bytes - done < kStagingBytes ? bytes - done : kStagingBytes;
    memcpy(device.staging.mapped, from + done, part);
    LAIC_TRY(copyThrough(device, device.staging.buffer, 0, to, offset + done, part));
    done += part;
  }
  return nullptr;
}

laic_status_t *readLocked(Device &device, VkBuffer from, uint64_t offset, uint8_t *to, uint64_t bytes) {
  LAIC_TRY(createStaging(device));
  for (uint64_t done = 0; done < bytes;) {
    uint64_t part = bytes - done < kStagingBytes ? bytes - done : kStagingBytes;
    LAIC_TRY(copyThrough(device, from, offset + done, device.staging.buffer, 0, part));
    memcpy(to + done, device.staging.mapped, part);
    done += part;
  }
  return nullptr;
}

} // namespace

laic_status_t *vulkan::allocate(void *opaque, uint64_t bytes, DeviceMemory *out) {
  Device &device = deviceOf(opaque);
  *out = {};
  pthread_mutex_lock(&device.lock);
  Allocation *made = create<Allocation>(device.allocator);
  pthread_mutex_unlock(&device.lock);
  if (!made)
    return outOfMemory();
  *made = {};
  *out = {made, bytes};
  laic_status_t *status = createBuffer(device, bytes, &made->buffer);
  if (!status)
    status = bindMemory(device, made->buffer, false, &made->memory, &made->mapped);
  if (status)
    release(opaque, out);
  return status;
}

void vulkan::release(void *opaque, DeviceMemory *memory) {
  Device &device = deviceOf(opaque);
  Allocation *allocation = static_cast<Allocation *>(memory->handle);
  *memory = {};
  if (!allocation)
    return;
  freeAllocation(device, allocation->buffer, allocation->memory);
  pthread_mutex_lock(&device.lock);
  destroy(device.allocator, allocation);
  pthread_mutex_unlock(&device.lock);
}

laic_status_t *vulkan::write(void *opaque, const DeviceMemory &to, uint64_t offset, const void *from, uint64_t bytes) {
  const Allocation &allocation = *static_cast<const Allocation *>(to.handle);
  if (allocation.mapped) {
    memcpy(static_cast<uint8_t *>(allocation.mapped) + offset, from, bytes);
    return nullptr;
  }
  Device &device = deviceOf(opaque);
  pthread_mutex_lock(&device.lock);
  laic_status_t *status = writeLocked(device, allocation.buffer, offset, static_cast<const uint8_t *>(from), bytes);
  pthread_mutex_unlock(&device.lock);
  return status;
}

laic_status_t *vulkan::read(void *opaque, const DeviceMemory &from, uint64_t offset, void *to, uint64_t bytes) {
  const Allocation &allocation = *static_cast<const Allocation *>(from.handle);
  if (allocation.mapped) {
    memcpy(to, static_cast<const uint8_t *>(allocation.mapped) + offset, bytes);
    return nullptr;
  }
  Device &device = deviceOf(opaque);
  pthread_mutex_lock(&device.lock);
  laic_status_t *status = readLocked(device, allocation.buffer, offset, static_cast<uint8_t *>(to), bytes);
  pthread_mutex_unlock(&device.lock);
  return status;
}

void vulkan::releaseStaging(Device &device) {
  Staging &staging = device.staging;
  if (staging.fence)
    device.call.DestroyFence(device.device, staging.fence, nullptr);
  if (staging.pool)
    device.call.DestroyCommandPool(device.device, staging.pool, nullptr);
  freeAllocation(device, staging.buffer, staging.memory);
  staging = {};
}
