// What drivers share: choosing variants; around a step cancelling, tracing, saying what a kernel refused.
#include "Context.h"
#include "Status.h"

#include "laic/kernel_abi.h"

#include <stdio.h>

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

bool rt::pickVariant(const Kernel &kernel, HasFeature has, const void *device, uint32_t *out, char *missing, size_t capacity) {
  missing[0] = 0;
  for (uint32_t i = 0; i < count(kernel.variants()); ++i) {
    const Variant &variant = *kernel.variants()->Get(i);
    char lacks[160] = "";
    bool holds = true;
    for (uint32_t k = 0; k < count(variant.requires_()) && holds; ++k)
      holds = has(device, variant.requires_()->Get(k)->c_str(), lacks, sizeof lacks);
    if (holds) {
      *out = i;
      return true;
    }
    size_t length = strlen(missing);
    if ((!length || !strstr(missing, lacks)) && length < capacity)
      snprintf(missing + length, capacity - length, "%s%s", length ? ", " : "", lacks);
  }
  return false;
}

const char *rt::kernelName(const laic_context &context, const Step &step) {
  if (isCall(step))
    return step.kind() == StepKind::If ? "if" : "loop";
  if (step.kind() == StepKind::HostCall)
    return context.module->program->host_functions()->Get(step.kernel())->c_str();
  if (step.kind() != StepKind::Dispatch)
    return step.kind() == StepKind::Copy ? "copy" : "read";
  return context.module->program->kernels()->Get(step.kernel())->name()->c_str();
}

laic_status_t *rt::traceStep(laic_context &context, uint32_t index, int64_t tiles,
                             laic_status_t *(*run)(laic_context &context, uint32_t step)) {
  if (isCancelled(context))
    return fail(LAIC_CANCELLED, "cancelled before step %u of %u", index + 1, count(context.plan->steps()));
  const Step &step = *context.plan->steps()->Get(index);
  if (step.kind() == StepKind::Dispatch && tiles == 0)
    return nullptr;
  if (!context.trace)
    return run(context, index);
  const char *node = textOf(context.module->program->nodes()->Get(step.node())->name());
  const char *kernel = kernelName(context, step);
  context.trace(context.traceSelf, 1, node, kernel, tiles);
  laic_status_t *status = run(context, index);
  context.trace(context.traceSelf, 0, node, kernel, tiles);
  return status;
}

laic_status_t *rt::kernelError(const laic_context &context, const Step &step, int32_t code, int64_t value64) {
  const Node &node = *context.module->program->nodes()->Get(step.node());
  const char *name = textOf(node.name()), *op = textOf(node.op());
  const long long value = value64;
  switch (code) {
  case LAIC_KERNEL_INDEX_OUT_OF_RANGE:
    return fail(LAIC_DATA_ERROR, "node '%s' (%s): index %lld is out of range", name, op, value);
  case LAIC_KERNEL_BAD_AXIS:
    return fail(LAIC_DATA_ERROR, "node '%s' (%s): axis %lld is out of range", name, op, value);
  case LAIC_KERNEL_BAD_SIZE:
    return fail(LAIC_DATA_ERROR, "node '%s' (%s): size %lld does not fit", name, op, value);
  case LAIC_KERNEL_DIVISION_BY_ZERO:
    return fail(LAIC_DATA_ERROR, "node '%s' (%s): integer division of %lld by zero", name, op, value);
  default:
    return fail(LAIC_DATA_ERROR, "node '%s' (%s): the kernel failed with code %d, value %lld", name, op, code, value);
  }
}
