// Batches of launches on a stream of the context's own.
#include "Device.h"

#include "../../core/Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::cuda;

namespace {

constexpr uint32_t kMaxGroups = 65535; // in y, and as many in x: together more than a call record can count
constexpr uint32_t kMaxOperands = 256;

struct Queue {
  Device &device;
  StreamHandle stream;
  const DeviceStep *steps; // the core's; a stream needs no recording of its own
  const uint32_t *first;
};

DevicePointer addressOf(const DeviceOperand &operand) { return cuda::addressOf(*operand.memory) + operand.offset; }

laic_status_t *launch(Queue &queue, const DeviceStep &step) {
  Device &device = queue.device;
  if (!step.kernel) {
    LAIC_CUDA_TRY(device.call, copyAsync, addressOf(step.operands[1]), addressOf(step.operands[0]), step.operands[1].bytes,
                  queue.stream);
    return nullptr;
  }
  const Kernel &kernel = *static_cast<const Kernel *>(step.kernel);
  DevicePointer addresses[kMaxOperands];
  void *parameters[kMaxOperands];
  for (uint32_t i = 0; i < step.operandCount; ++i) {
    addresses[i] = addressOf(step.operands[i]);
    parameters[i] = &addresses[i];
  }
  uint32_t x = step.groups < kMaxGroups ? step.groups : kMaxGroups, y = (step.groups - 1) / x + 1;
  LAIC_CUDA_TRY(device.call, launch, kernel.function, x, y, 1, kernel.threads, 1, 1, 0, queue.stream, parameters, nullptr);
  return nullptr;
}

} // namespace

laic_status_t *cuda::createQueue(void *opaque, laic_context &context, void **out) {
  Device &device = deviceOf(opaque);
  Queue *queue = create<Queue>(context.allocator, Queue{device, nullptr, nullptr, nullptr});
  if (!queue)
    return outOfMemory();
  *out = queue;
  LAIC_CUDA_TRY(device.call, setContext, device.context);
  LAIC_CUDA_TRY(device.call, createStream, &queue->stream, 0);
  return nullptr;
}

void cuda::destroyQueue(void *opaque, laic_context &context, void *handle) {
  Queue *queue = static_cast<Queue *>(handle);
  if (!queue)
    return;
  Device &device = deviceOf(opaque);
  if (queue->stream && device.call.setContext(device.context) == kSuccess)
    device.call.destroyStream(queue->stream);
  destroy(context.allocator, queue);
}

laic_status_t *cuda::record(void *handle, const DeviceStep *steps, const uint32_t *first, uint32_t batches) {
  Queue &queue = *static_cast<Queue *>(handle);
  queue.steps = steps;
  queue.first = first;
  for (uint32_t i = 0; i < first[batches]; ++i)
    if (steps[i].operandCount > kMaxOperands)
      return fail(LAIC_UNSUPPORTED, "a step has %u operands, at most %u are possible", steps[i].operandCount, kMaxOperands);
  return nullptr;
}

laic_status_t *cuda::run(void *handle, uint32_t batch) {
  Queue &queue = *static_cast<Queue *>(handle);
  Device &device = queue.device;
  LAIC_CUDA_TRY(device.call, setContext, device.context);
  for (uint32_t i = queue.first[batch]; i < queue.first[batch + 1]; ++i)
    LAIC_TRY(launch(queue, queue.steps[i]));
  LAIC_CUDA_TRY(device.call, synchronize, queue.stream);
  return nullptr;
}
