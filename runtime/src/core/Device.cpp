// Walks plans of devices with memory of their own: batches on the device, steps on the host, copies between them.
#include "Device.h"

#include "Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

namespace {

// The call record (laic/Conversion/KernelToGPU.h): error code, its value in two words, workgroups, parameters.
constexpr uint32_t kRecordValue = 1, kRecordGroups = 3, kRecordParameters = 4;
constexpr uint64_t kRecordAlignment = 256;
// A batch ends after so much: devices of desktops reset drivers that hold them for seconds.
constexpr uint32_t kMaxBatchSteps = 64;
constexpr double kMaxBatchFlops = 2e10;
constexpr uint64_t kMaxSlab = uint64_t{1} << 30;
constexpr uint32_t kNoPlace = 0xffffffff;

// Where a constant of the plan lies on the device, shared by all contexts.
struct WeightPlace {
  uint32_t slab; // kNoPlace: no step on the device reads it
  uint64_t offset;
};

struct PlanState {
  void *device;
  void *hostPlan; // the host driver's state; NULL without host steps
  const Plan *plan;
  Array<void *> kernels; // per kernel of the program, NULL: unused
  pthread_mutex_t lock;  // guards what follows until `uploaded`
  bool uploaded;
  Array<WeightPlace> weights; // per buffer of the plan
  Array<DeviceMemory> slabs;
};

enum class Action : uint8_t { Batch, HostStep, Upload, Download, HostCopy };

struct Item {
  Action action;
  uint32_t index; // of the batch or of the step
};

struct ContextState {
  void *queue;
  DeviceMemory arena, records;
  Block recordShadow;
  Array<uint64_t> recordOffsets; // per step of the plan
  Array<DeviceOperand> operands;
  Array<DeviceStep> steps;      // those on the device
  Array<uint32_t> planSteps;    // which step of the plan each of them is
  Array<uint32_t> firstOfBatch; // one more than batches
  Array<Item> items;
  uint32_t itemCount, stepCount, batchCount;
  uint64_t recordBytes;
  bool stepwise; // batches of one step, for traces
};

PlanState &planOf(const laic_context &context) { return *static_cast<PlanState *>(context.planState); }
ContextState &stateOf(const laic_context &context) { return *static_cast<ContextState *>(context.driverState); }
const DeviceApi &apiOf(const laic_context &context) { return *context.driver->device; }

bool onDevice(const Buffer &buffer) { return buffer.storage() == Storage::Arena; }

// What the device does: dispatches that are not the host's, copies inside device memory.
bool isDeviceStep(const Plan &plan, const Step &step) {
  if (step.kind() != StepKind::Copy)
    return step.kind() == StepKind::Dispatch && !step.host();
  const Buffer &from = *plan.buffers()->Get(step.operands()->Get(0)), &to = *plan.buffers()->Get(step.operands()->Get(1));
  return onDevice(to) && (onDevice(from) || from.storage() == Storage::Constant);
}

// ---- plans ----

laic_status_t *checkDispatch(const Plan &plan, const Step &step, uint32_t index) {
  for (uint32_t k = 0; k < count(step.operands()); ++k) {
    Storage storage = plan.buffers()->Get(step.operands()->Get(k))->storage();
    if (storage != Storage::Arena && storage != Storage::Constant)
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u runs on '%s' on memory of the host", index,
                  plan.device()->c_str());
  }
  return nullptr;
}

laic_status_t *openKernels(const DeviceApi &api, laic_module &module, PlanState &state) {
  const Plan &plan = *state.plan;
  for (uint32_t i = 0; i < count(plan.steps()); ++i) {
    const Step &step = *plan.steps()->Get(i);
    if ((step.kind() == StepKind::Read || isCall(step)) && !step.host())
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u reads memory of '%s'", i, plan.device()->c_str());
    if (step.kind() == StepKind::HostCall && !step.host())
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u calls a host function on '%s'", i, plan.device()->c_str());
    if (step.kind() != StepKind::Dispatch || step.host())
      continue;
    LAIC_TRY(checkDispatch(plan, step, i));
    if (!state.kernels[step.kernel()])
      LAIC_TRY(api.openKernel(state.device, module, *module.program->kernels()->Get(step.kernel()), count(step.operands()) + 1,
                              &state.kernels[step.kernel()]));
  }
  return nullptr;
}

laic_status_t *openHostPart(laic_module &module, PlanState &state) {
  bool needed = false;
  for (uint32_t i = 0; i < count(state.plan->steps()); ++i)
    needed |= state.plan->steps()->Get(i)->host();
  const Driver *host = findHostDriver();
  if (!needed)
    return nullptr;
  if (!host)
    return fail(LAIC_UNSUPPORTED, "the plan has steps on the host, for which this runtime has no driver");
  return host->openPlan(*host, module, *state.plan, -1, &state.hostPlan);
}

} // namespace

void rt::closeDevicePlan(const Driver &driver, laic_module &module, void *opaque) {
  PlanState *state = static_cast<PlanState *>(opaque);
  const DeviceApi &api = *driver.device;
  if (state->device) {
    for (void *kernel : state->kernels)
      if (kernel)
        api.closeKernel(state->device, module, kernel);
    for (DeviceMemory &slab : state->slabs)
      api.release(state->device, &slab);
    api.close(module, state->device);
  }
  if (state->hostPlan)
    findHostDriver()->closePlan(*findHostDriver(), module, state->hostPlan);
  state->kernels.release(module.allocator);
  state->weights.release(module.allocator);
  state->slabs.release(module.allocator);
  pthread_mutex_destroy(&state->lock);
  destroy(module.allocator, state);
}

laic_status_t *rt::openDevicePlan(const Driver &driver, laic_module &module, const Plan &plan, int32_t ordinal, void **out) {
  PlanState *state = create<PlanState>(module.allocator);
  if (!state)
    return outOfMemory();
  memset(static_cast<void *>(state), 0, sizeof *state);
  pthread_mutex_init(&state->lock, nullptr);
  state->plan = &plan;
  laic_status_t *status = outOfMemory();
  if (state->kernels.allocate(module.allocator, count(module.program->kernels())) &&
      state->weights.allocate(module.allocator, count(plan.buffers()))) {
    status = driver.device->open(module, ordinal, &state->device);
    if (!status)
      status = openKernels(*driver.device, module, *state);
    if (!status)
      status = openHostPart(module, *state);
  }
  if (status) {
    closeDevicePlan(driver, module, state);
    return status;
  }
  *out = state;
  return nullptr;
}

namespace {

// ---- weights ----

// Gives every constant that the device reads a place, equal ones the same; returns the number of slabs and their sizes in `sizes`.
uint32_t placeWeights(const laic_context &context, PlanState &plan, uint64_t *sizes) {
  uint32_t slabs = 0;
  uint64_t used = kMaxSlab;
  for (WeightPlace &place : plan.weights)
    place.slab = kNoPlace;
  for (uint32_t i = 0; i < count(plan.plan->steps()); ++i) {
    const Step &step = *plan.plan->steps()->Get(i);
    if (!isDeviceStep(*plan.plan, step))
      continue;
    for (uint32_t k = 0; k < count(step.operands()); ++k) {
      uint32_t index = step.operands()->Get(k);
      const Buffer &buffer = *plan.plan->buffers()->Get(index);
      WeightPlace &place = plan.weights[index];
      if (buffer.storage() != Storage::Constant || place.slab != kNoPlace)
        continue;
      uint64_t bytes = (context.buffers[index].bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
      if (slabs == 0 || bytes > kMaxSlab - used || used > kMaxSlab) {
        used = 0;
        if (sizes)
          sizes[slabs] = 0;
        ++slabs;
      }
      place = {slabs - 1, used};
      used += bytes;
      if (sizes)
        sizes[slabs - 1] = used;
      // Other buffers on the same bytes.
      for (uint32_t other = 0; other < plan.weights.size(); ++other) {
        const Buffer &twin = *plan.plan->buffers()->Get(other);
        if (other != index && twin.storage() == Storage::Constant && twin.index() == buffer.index() &&
            twin.offset() == buffer.offset() && context.buffers[other].bytes == context.buffers[index].bytes)
          plan.weights[other] = place;
      }
    }
  }
  return slabs;
}

laic_status_t *uploadLocked(laic_context &context, PlanState &plan) {
  const DeviceApi &api = apiOf(context);
  Array<uint64_t> sizes;
  uint32_t slabs = placeWeights(context, plan, nullptr);
  if (!sizes.allocate(context.allocator, slabs + 1))
    return outOfMemory();
  placeWeights(context, plan, sizes.data());
  laic_status_t *status = nullptr;
  if (!plan.slabs.size() && !plan.slabs.allocate(context.module->allocator, slabs))
    status = outOfMemory();
  for (uint32_t i = 0; i < slabs && !status; ++i)
    if (!plan.slabs[i].handle)
      status = api.allocate(plan.device, sizes[i] + kTensorAlignment, &plan.slabs[i]);
  sizes.release(context.allocator);
  for (uint32_t i = 0; i < plan.weights.size() && !status; ++i) {
    const Buffer &buffer = *plan.plan->buffers()->Get(i);
    const WeightPlace &place = plan.weights[i];
    if (buffer.storage() != Storage::Constant || place.slab == kNoPlace || !context.buffers[i].bytes)
      continue;
    const uint8_t *from = context.module->segments[buffer.index()].data + buffer.offset();
    status = api.write(plan.device, plan.slabs[place.slab], place.offset, from, context.buffers[i].bytes);
  }
  plan.uploaded = !status;
  return status;
}

laic_status_t *upload(laic_context &context) {
  PlanState &plan = planOf(context);
  pthread_mutex_lock(&plan.lock);
  laic_status_t *status = plan.uploaded ? nullptr : uploadLocked(context, plan);
  pthread_mutex_unlock(&plan.lock);
  return status;
}

} // namespace

// ---- contexts ----

void rt::detachDevice(laic_context &context) {
  ContextState *state = static_cast<ContextState *>(context.driverState);
  if (context.hostPlanState)
    findHostDriver()->detach(context);
  if (!state)
    return;
  PlanState &plan = planOf(context);
  apiOf(context).destroyQueue(plan.device, context, state->queue);
  apiOf(context).release(plan.device, &state->arena);
  apiOf(context).release(plan.device, &state->records);
  state->recordShadow.release(context.allocator);
  state->recordOffsets.release(context.allocator);
  state->operands.release(context.allocator);
  state->steps.release(context.allocator);
  state->planSteps.release(context.allocator);
  state->firstOfBatch.release(context.allocator);
  state->items.release(context.allocator);
  destroy(context.allocator, state);
  context.driverState = nullptr;
}

laic_status_t *rt::attachDevice(laic_context &context) {
  ContextState *state = create<ContextState>(context.allocator);
  if (!state)
    return outOfMemory();
  memset(static_cast<void *>(state), 0, sizeof *state);
  context.driverState = state;
  PlanState &plan = planOf(context);
  size_t operands = 0, steps = count(plan.plan->steps());
  for (uint32_t i = 0; i < steps; ++i)
    operands += count(plan.plan->steps()->Get(i)->operands()) + 1;
  bool allocated = state->recordOffsets.allocate(context.allocator, steps) &&
                   state->operands.allocate(context.allocator, operands) && state->steps.allocate(context.allocator, steps) &&
                   state->planSteps.allocate(context.allocator, steps) &&
                   state->firstOfBatch.allocate(context.allocator, steps + 1) && state->items.allocate(context.allocator, steps);
  if (!allocated)
    return outOfMemory();
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < steps; ++i) {
    const Step &step = *plan.plan->steps()->Get(i);
    state->recordOffsets[i] = bytes;
    if (step.kind() == StepKind::Dispatch && !step.host())
      bytes += ((kRecordParameters + uint64_t{count(step.scalars())}) * 4 + kRecordAlignment - 1) / kRecordAlignment *
               kRecordAlignment;
  }
  state->recordBytes = bytes;
  if (!state->recordShadow.reserve(context.allocator, bytes))
    return outOfMemory();
  if (plan.hostPlan) {
    context.hostPlanState = plan.hostPlan;
    LAIC_TRY(findHostDriver()->attach(context));
  }
  return apiOf(context).createQueue(plan.device, context, &state->queue);
}

namespace {

// ---- sizes ----

laic_status_t *fitsWord(laic_context &context, uint32_t scalar, const char *what, int64_t least, uint32_t *out) {
  int64_t value;
  LAIC_TRY(context.scalars.get(scalar, what, &value));
  if (value < least || value > INT32_MAX)
    return fail(LAIC_UNSUPPORTED, "%s is %lld: devices count to 2^31", what, static_cast<long long>(value));
  *out = static_cast<uint32_t>(value);
  return nullptr;
}

// Writes the call record of step `index` into the shadow; returns the number of workgroups.
laic_status_t *fillRecord(laic_context &context, uint32_t index, uint32_t *groups) {
  const Step &step = *context.plan->steps()->Get(index);
  ContextState &state = stateOf(context);
  uint32_t *record = reinterpret_cast<uint32_t *>(static_cast<uint8_t *>(state.recordShadow.data) + state.recordOffsets[index]);
  memset(record, 0, kRecordParameters * 4);
  LAIC_TRY(fitsWord(context, step.tiles(), "the number of workgroups of a step", 0, groups));
  record[kRecordGroups] = *groups;
  for (uint32_t k = 0; k < count(step.scalars()); ++k)
    LAIC_TRY(fitsWord(context, step.scalars()->Get(k), "a size of a step", INT32_MIN, &record[kRecordParameters + k]));
  return nullptr;
}

laic_status_t *placeOperand(laic_context &context, uint32_t buffer, DeviceOperand &out) {
  const Buffer &of = *context.plan->buffers()->Get(buffer);
  const BufferSize &size = context.buffers[buffer];
  uint64_t elements = 1;
  for (uint32_t d = 0; d < size.rank; ++d)
    elements *= static_cast<uint64_t>(context.bufferDims[size.firstDim + d]); // their product times a size fits 63 bits
  if (elements > INT32_MAX)
    return fail(LAIC_UNSUPPORTED, "a tensor inside the model has %llu elements: devices count to 2^31",
                static_cast<unsigned long long>(elements));
  if (of.storage() == Storage::Arena) {
    out = {&stateOf(context).arena, size.arenaOffset, size.bytes};
    return nullptr;
  }
  const WeightPlace &place = planOf(context).weights[buffer];
  out = {&planOf(context).slabs[place.slab], place.offset, size.bytes};
  return nullptr;
}

void addItem(ContextState &state, Action action, uint32_t index) { state.items[state.itemCount++] = {action, index}; }

// Appends a step to the last batch, or to a new one.
void addToBatch(laic_context &context, ContextState &state, double flops, double &batchFlops) {
  uint32_t first = state.batchCount ? state.firstOfBatch[state.batchCount - 1] : 0;
  bool open = state.itemCount && state.items[state.itemCount - 1].action == Action::Batch;
  uint32_t limit = state.stepwise ? 1 : kMaxBatchSteps;
  if (!open || state.stepCount - first >= limit || batchFlops + flops > kMaxBatchFlops) {
    state.firstOfBatch[state.batchCount] = state.stepCount;
    addItem(state, Action::Batch, state.batchCount++);
    batchFlops = 0;
  }
  batchFlops += flops;
}

laic_status_t *addDeviceStep(laic_context &context, uint32_t index, uint32_t &nextOperand, double &batchFlops) {
  ContextState &state = stateOf(context);
  const Step &step = *context.plan->steps()->Get(index);
  uint32_t groups = 1, operands = count(step.operands());
  DeviceOperand *list = &state.operands[nextOperand];
  bool dispatch = step.kind() == StepKind::Dispatch;
  if (dispatch)
    LAIC_TRY(fillRecord(context, index, &groups));
  bool empty = dispatch ? groups == 0 : context.buffers[step.operands()->Get(1)].bytes == 0;
  if (empty)
    return nullptr;
  for (uint32_t k = 0; k < operands; ++k)
    LAIC_TRY(placeOperand(context, step.operands()->Get(k), list[k]));
  if (dispatch)
    list[operands++] = {&state.records, state.recordOffsets[index], (kRecordParameters + uint64_t{count(step.scalars())}) * 4};
  nextOperand += operands;
  addToBatch(context, state, context.module->program->nodes()->Get(step.node())->flops(), batchFlops);
  state.planSteps[state.stepCount] = index;
  state.steps[state.stepCount++] = {dispatch ? planOf(context).kernels[step.kernel()] : nullptr, list, operands, groups,
                                    step.barrier()};
  return nullptr;
}

laic_status_t *addCopyItem(laic_context &context, uint32_t index) {
  const Step &step = *context.plan->steps()->Get(index);
  uint32_t from = step.operands()->Get(0), to = step.operands()->Get(1);
  if (context.buffers[from].bytes != context.buffers[to].bytes)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u copies between different sizes", index);
  bool fromDevice = onDevice(*context.plan->buffers()->Get(from)), toDevice = onDevice(*context.plan->buffers()->Get(to));
  addItem(stateOf(context), toDevice ? Action::Upload : fromDevice ? Action::Download : Action::HostCopy, index);
  return nullptr;
}

laic_status_t *planItems(laic_context &context) {
  ContextState &state = stateOf(context);
  state.itemCount = state.stepCount = state.batchCount = 0;
  uint32_t nextOperand = 0;
  double batchFlops = 0;
  for (uint32_t i = 0; i < count(context.plan->steps()); ++i) {
    const Step &step = *context.plan->steps()->Get(i);
    if (isDeviceStep(*context.plan, step))
      LAIC_TRY(addDeviceStep(context, i, nextOperand, batchFlops));
    else if (step.kind() == StepKind::Copy)
      LAIC_TRY(addCopyItem(context, i));
    else
      addItem(state, Action::HostStep, i);
  }
  state.firstOfBatch[state.batchCount] = state.stepCount;
  return nullptr;
}

laic_status_t *reserve(laic_context &context, DeviceMemory &memory, uint64_t bytes) {
  if (memory.handle && memory.bytes >= bytes)
    return nullptr;
  apiOf(context).release(planOf(context).device, &memory);
  return apiOf(context).allocate(planOf(context).device, bytes, &memory);
}

laic_status_t *prepareFor(laic_context &context, bool stepwise) {
  ContextState &state = stateOf(context);
  PlanState &plan = planOf(context);
  state.stepwise = stepwise;
  LAIC_TRY(upload(context));
  // A word behind the last tensor may be read or written.
  LAIC_TRY(reserve(context, state.arena, context.arenaBytes + kTensorAlignment));
  LAIC_TRY(reserve(context, state.records, state.recordBytes + kRecordAlignment));
  LAIC_TRY(planItems(context));
  if (state.recordBytes)
    LAIC_TRY(apiOf(context).write(plan.device, state.records, 0, state.recordShadow.data, state.recordBytes));
  return apiOf(context).record(state.queue, state.steps.data(), state.firstOfBatch.data(), state.batchCount);
}

// ---- running ----

uint8_t *hostAddress(laic_context &context, uint32_t buffer) {
  const Buffer &of = *context.plan->buffers()->Get(buffer);
  switch (of.storage()) {
  case Storage::Input:
    return static_cast<uint8_t *>(context.inputs[of.index()].dense);
  case Storage::Output:
    return static_cast<uint8_t *>(context.outputs[of.index()].dense);
  case Storage::Constant:
    return const_cast<uint8_t *>(context.module->segments[of.index()].data) + of.offset();
  case Storage::HostArena:
    return static_cast<uint8_t *>(context.hostArena.data) + context.buffers[buffer].arenaOffset;
  case Storage::Late:
    return static_cast<uint8_t *>(context.lateSlots[of.index()].data);
  case Storage::Arena:
    break;
  }
  return nullptr;
}

laic_status_t *runCopy(laic_context &context, uint32_t index) {
  const Step &step = *context.plan->steps()->Get(index);
  uint32_t from = step.operands()->Get(0), to = step.operands()->Get(1);
  uint64_t bytes = context.buffers[to].bytes;
  if (context.buffers[from].bytes != bytes) // late ones are compared here for the first time
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u copies between different sizes", index);
  ContextState &state = stateOf(context);
  void *device = planOf(context).device;
  if (!bytes)
    return nullptr;
  if (onDevice(*context.plan->buffers()->Get(to)))
    return apiOf(context).write(device, state.arena, context.buffers[to].arenaOffset, hostAddress(context, from), bytes);
  if (onDevice(*context.plan->buffers()->Get(from)))
    return apiOf(context).read(device, state.arena, context.buffers[from].arenaOffset, hostAddress(context, to), bytes);
  memmove(hostAddress(context, to), hostAddress(context, from), bytes);
  return nullptr;
}

laic_status_t *runHostStep(laic_context &context, uint32_t index) { return findHostDriver()->runStep(context, index); }

laic_status_t *runBatch(laic_context &context, uint32_t batch) {
  ContextState &state = stateOf(context);
  if (context.cancelled.load(std::memory_order_relaxed))
    return fail(LAIC_CANCELLED, "cancelled before step %u of %u", state.planSteps[state.firstOfBatch[batch]] + 1,
                count(context.plan->steps()));
  if (!context.trace)
    return apiOf(context).run(state.queue, batch);
  const DeviceStep &step = state.steps[state.firstOfBatch[batch]];
  const Step &of = *context.plan->steps()->Get(state.planSteps[state.firstOfBatch[batch]]);
  const char *node = textOf(context.module->program->nodes()->Get(of.node())->name());
  context.trace(context.traceSelf, 1, node, kernelName(context, of), step.groups);
  laic_status_t *status = apiOf(context).run(state.queue, batch);
  context.trace(context.traceSelf, 0, node, kernelName(context, of), step.groups);
  return status;
}

// The first step whose kernel refused its data. The records are zeroed again for the next call.
laic_status_t *checkRecords(laic_context &context) {
  ContextState &state = stateOf(context);
  void *device = planOf(context).device;
  if (!state.recordBytes)
    return nullptr;
  LAIC_TRY(apiOf(context).read(device, state.records, 0, state.recordShadow.data, state.recordBytes));
  laic_status_t *status = nullptr;
  for (uint32_t i = 0; i < state.stepCount; ++i) {
    if (!state.steps[i].kernel)
      continue;
    uint32_t index = state.planSteps[i];
    uint32_t *record = reinterpret_cast<uint32_t *>(static_cast<uint8_t *>(state.recordShadow.data) + state.recordOffsets[index]);
    if (!record[0])
      continue;
    uint64_t value = record[kRecordValue] | uint64_t{record[kRecordValue + 1]} << 32;
    if (!status)
      status =
          kernelError(context, *context.plan->steps()->Get(index), static_cast<int32_t>(record[0]), static_cast<int64_t>(value));
    memset(record, 0, kRecordGroups * 4);
  }
  if (!status)
    return nullptr;
  if (laic_status_t *second = apiOf(context).write(device, state.records, 0, state.recordShadow.data, state.recordBytes)) {
    laic_status_free(status);
    return second;
  }
  return status;
}

laic_status_t *runItem(laic_context &context, const Item &item) {
  switch (item.action) {
  case Action::Batch:
    return runBatch(context, item.index);
  case Action::HostStep:
    return traceStep(context, item.index, 1, runHostStep);
  case Action::Upload:
  case Action::Download:
  case Action::HostCopy:
    break;
  }
  return traceStep(context, item.index, 1, runCopy);
}

} // namespace

laic_status_t *rt::prepareDevice(laic_context &context) {
  if (context.hostPlanState)
    LAIC_TRY(findHostDriver()->prepare(context));
  return prepareFor(context, context.trace != nullptr);
}

void rt::bindDevice(laic_context &context) {
  if (context.hostPlanState)
    findHostDriver()->bind(context);
}

laic_status_t *rt::runDevice(laic_context &context) {
  ContextState &state = stateOf(context);
  if (state.stepwise != (context.trace != nullptr))
    LAIC_TRY(prepareFor(context, context.trace != nullptr));
  FloatEnvironment floats;
  for (uint32_t i = 0; i < state.itemCount; ++i)
    LAIC_TRY(runItem(context, state.items[i]));
  return checkRecords(context);
}

void rt::deviceMemory(const laic_context &context, laic_memory_info_t &out) {
  if (context.hostPlanState)
    findHostDriver()->memory(context, out);
  out.arena_bytes = stateOf(context).arena.bytes;
}
