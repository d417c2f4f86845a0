// Batches of dispatches as recorded command buffers, one per batch, submitted again and again.
#include "Device.h"

#include "../../core/Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::vulkan;

namespace {

constexpr uint32_t kMaxGroupsX = 65535; // in x, and as many in y, are what every device has: more than a call record can count
constexpr uint64_t kTimeout = uint64_t{120} * 1000 * 1000 * 1000;

struct Queue {
  Device &device;
  Allocator &allocator; // the context's
  VkCommandPool pool;
  VkDescriptorPool descriptors;
  uint32_t maxSets, maxBindings; // of `descriptors`
  Array<VkCommandBuffer> commands;
  VkFence fence;
};

const Allocation &allocationOf(const DeviceOperand &operand) { return *static_cast<const Allocation *>(operand.memory->handle); }

laic_status_t *reserveDescriptors(Queue &queue, const DeviceStep *steps, uint32_t count) {
  uint32_t sets = 0, bindings = 0;
  for (uint32_t i = 0; i < count; ++i)
    if (steps[i].kernel) {
      ++sets;
      bindings += steps[i].operandCount;
    }
  Device &device = queue.device;
  if (sets <= queue.maxSets && bindings <= queue.maxBindings) {
    if (queue.descriptors)
      LAIC_VULKAN_TRY(device.call, ResetDescriptorPool, device.device, queue.descriptors, 0);
    return nullptr;
  }
  if (queue.descriptors)
    device.call.DestroyDescriptorPool(device.device, queue.descriptors, nullptr);
  queue.descriptors = VK_NULL_HANDLE;
  queue.maxSets = queue.maxBindings = 0;
  VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, bindings};
  auto create = info<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
  create.maxSets = sets;
  create.poolSizeCount = 1;
  create.pPoolSizes = &size;
  LAIC_VULKAN_TRY(device.call, CreateDescriptorPool, device.device, &create, nullptr, &queue.descriptors);
  queue.maxSets = sets;
  queue.maxBindings = bindings;
  return nullptr;
}

laic_status_t *reserveCommands(Queue &queue, uint32_t batches) {
  Device &device = queue.device;
  LAIC_VULKAN_TRY(device.call, ResetCommandPool, device.device, queue.pool, 0);
  if (batches <= queue.commands.size())
    return nullptr;
  // The old ones go with the pool: allocating a few more is simpler than keeping them.
  queue.commands.release(queue.allocator);
  if (!queue.commands.allocate(queue.allocator, batches))
    return outOfMemory();
  auto create = info<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
  create.commandPool = queue.pool;
  create.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  create.commandBufferCount = batches;
  VkResult result = device.call.AllocateCommandBuffers(device.device, &create, queue.commands.data());
  if (result == VK_SUCCESS)
    return nullptr;
  queue.commands.release(queue.allocator);
  return callFailed("vkAllocateCommandBuffers", result);
}

laic_status_t *bindOperands(Queue &queue, VkCommandBuffer commands, const DeviceStep &step) {
  Device &device = queue.device;
  const Kernel &kernel = *static_cast<const Kernel *>(step.kernel);
  auto allocate = info<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
  allocate.descriptorPool = queue.descriptors;
  allocate.descriptorSetCount = 1;
  allocate.pSetLayouts = &kernel.sets;
  VkDescriptorSet set;
  LAIC_VULKAN_TRY(device.call, AllocateDescriptorSets, device.device, &allocate, &set);
  uint64_t limit = device.properties.limits.maxStorageBufferRange;
  for (uint32_t i = 0; i < step.operandCount; ++i) {
    const DeviceOperand &operand = step.operands[i];
    // Small elements are read as words.
    uint64_t range = operand.bytes ? (operand.bytes + 3) / 4 * 4 : 4;
    if (range > limit)
      return fail(LAIC_UNSUPPORTED, "a tensor inside the model has %llu bytes, '%s' allows %llu per tensor",
                  static_cast<unsigned long long>(range), device.properties.deviceName, static_cast<unsigned long long>(limit));
    VkDescriptorBufferInfo buffer = {allocationOf(operand).buffer, operand.offset, range};
    auto write = info<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
    write.dstSet = set;
    write.dstBinding = i;
    write.descriptorCount = 1;
    write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    write.pBufferInfo = &buffer;
    device.call.UpdateDescriptorSets(device.device, 1, &write, 0, nullptr);
  }
  device.call.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.pipeline);
  device.call.CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel.layout, 0, 1, &set, 0, nullptr);
  return nullptr;
}

void addBarrier(Device &device, VkCommandBuffer commands, VkPipelineStageFlags after) {
  constexpr VkPipelineStageFlags kWork = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  auto barrier = info<VkMemoryBarrier>(VK_STRUCTURE_TYPE_MEMORY_BARRIER);
  barrier.srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;
  device.call.CmdPipelineBarrier(commands, kWork, kWork | after, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

laic_status_t *recordStep(Queue &queue, VkCommandBuffer commands, const DeviceStep &step) {
  Device &device = queue.device;
  if (!step.kernel) {
    VkBufferCopy region = {step.operands[0].offset, step.operands[1].offset, step.operands[1].bytes};
    device.call.CmdCopyBuffer(commands, allocationOf(step.operands[0]).buffer, allocationOf(step.operands[1]).buffer, 1, &region);
    return nullptr;
  }
  LAIC_TRY(bindOperands(queue, commands, step));
  uint32_t x = step.groups < kMaxGroupsX ? step.groups : kMaxGroupsX, y = (step.groups - 1) / x + 1;
  device.call.CmdDispatch(commands, x, y, 1);
  return nullptr;
}

laic_status_t *recordBatch(Queue &queue, VkCommandBuffer commands, const DeviceStep *steps, uint32_t count) {
  Device &device = queue.device;
  auto begin = info<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
  LAIC_VULKAN_TRY(device.call, BeginCommandBuffer, commands, &begin);
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0 && steps[i].barrier)
      addBarrier(device, commands, 0);
    LAIC_TRY(recordStep(queue, commands, steps[i]));
  }
  addBarrier(device, commands, VK_PIPELINE_STAGE_HOST_BIT);
  LAIC_VULKAN_TRY(device.call, EndCommandBuffer, commands);
  return nullptr;
}

} // namespace

laic_status_t *vulkan::submit(Device &device, VkCommandBuffer commands, VkFence fence) {
  auto work = info<VkSubmitInfo>(VK_STRUCTURE_TYPE_SUBMIT_INFO);
  work.commandBufferCount = 1;
  work.pCommandBuffers = &commands;
  LAIC_VULKAN_TRY(device.call, QueueSubmit, device.queue, 1, &work, fence);
  VkResult result = device.call.WaitForFences(device.device, 1, &fence, VK_TRUE, kTimeout);
  if (result == VK_TIMEOUT)
    return fail(LAIC_DEVICE_ERROR, "the GPU '%s' has not answered for two minutes", device.properties.deviceName);
  if (result != VK_SUCCESS)
    return callFailed("vkWaitForFences", result);
  LAIC_VULKAN_TRY(device.call, ResetFences, device.device, 1, &fence);
  return nullptr;
}

laic_status_t *vulkan::createQueue(void *opaque, laic_context &context, void **out) {
  Device &device = deviceOf(opaque);
  Queue *queue = create<Queue>(context.allocator, Queue{device, context.allocator, {}, {}, 0, 0, {}, {}});
  if (!queue)
    return outOfMemory();
  *out = queue;
  auto pool = info<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
  pool.queueFamilyIndex = device.queueFamily;
  LAIC_VULKAN_TRY(device.call, CreateCommandPool, device.device, &pool, nullptr, &queue->pool);
  auto fence = info<VkFenceCreateInfo>(VK_STRUCTURE_TYPE_FENCE_CREATE_INFO);
  LAIC_VULKAN_TRY(device.call, CreateFence, device.device, &fence, nullptr, &queue->fence);
  return nullptr;
}

void vulkan::destroyQueue(void *opaque, laic_context &context, void *handle) {
  Queue *queue = static_cast<Queue *>(handle);
  if (!queue)
    return;
  Device &device = deviceOf(opaque);
  pthread_mutex_lock(&device.lock);
  device.call.DeviceWaitIdle(device.device);
  pthread_mutex_unlock(&device.lock);
  if (queue->fence)
    device.call.DestroyFence(device.device, queue->fence, nullptr);
  if (queue->descriptors)
    device.call.DestroyDescriptorPool(device.device, queue->descriptors, nullptr);
  if (queue->pool)
    device.call.DestroyCommandPool(device.device, queue->pool, nullptr);
  queue->commands.release(context.allocator);
  destroy(context.allocator, queue);
}

laic_status_t *vulkan::record(void *handle, const DeviceStep *steps, const uint32_t *first, uint32_t batches) {
  Queue &queue = *static_cast<Queue *>(handle);
  LAIC_TRY(reserveDescriptors(queue, steps, first[batches]));
  LAIC_TRY(reserveCommands(queue, batches));
  for (uint32_t i = 0; i < batches; ++i)
    LAIC_TRY(recordBatch(queue, queue.commands[i], steps + first[i], first[i + 1] - first[i]));
  return nullptr;
}

laic_status_t *vulkan::run(void *handle, uint32_t batch) {
  Queue &queue = *static_cast<Queue *>(handle);
  Device &device = queue.device;
  pthread_mutex_lock(&device.lock);
  laic_status_t *status = submit(device, queue.commands[batch], queue.fence);
  pthread_mutex_unlock(&device.lock);
  return status;
}
