// Creating contexts, binding and running.
#include "Context.h"

#include "Pool.h"
#include "Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

void rt::destroyContext(laic_context *context) {
  detachCalls(*context);
  if (context->driver)
    context->driver->detach(*context);
  for (Array<Port> *ports : {&context->inputs, &context->outputs}) {
    for (Port &port : *ports) {
      port.staging.release(context->allocator);
      port.owned.release(context->allocator);
    }
    ports->release(context->allocator);
  }
  context->hostArena.release(context->allocator);
  for (Block &slot : context->lateSlots)
    slot.release(context->allocator);
  context->lateSlots.release(context->allocator);
  context->texts.release(context->allocator);
  context->reads.release(context->allocator);
  context->scalars.release(context->allocator);
  context->shapes.release(context->allocator);
  context->buffers.release(context->allocator);
  context->bufferDims.release(context->allocator);
  context->bufferStrides.release(context->allocator);
  laic_pool_release(context->pool);
  laic_module_release(context->module);
  destroy(context->allocator, context);
}

// A device as callers name it: a plan's device, then ":N" for one of several.
struct DeviceName {
  const char *name; // NULL: any
  size_t length;
  int32_t ordinal; // -1: the best
};

static laic_status_t *parseDevice(const char *device, DeviceName &out) {
  out = {device, device ? strcspn(device, ":") : 0, -1};
  if (!device || !device[out.length])
    return nullptr;
  const char *digits = device + out.length + 1;
  out.ordinal = 0;
  for (const char *at = digits; *at; ++at) {
    if (*at < '0' || *at > '9' || at - digits > 3)
      return fail(LAIC_INVALID_ARGUMENT, "device '%s': expects a number behind the colon", device);
    out.ordinal = out.ordinal * 10 + (*at - '0');
  }
  return *digits ? nullptr : fail(LAIC_INVALID_ARGUMENT, "device '%s': expects a number behind the colon", device);
}

// Refuses a plan for another device that leaves steps to the host.
static laic_status_t *checkWhole(const Plan &plan) {
  uint32_t steps = 0, left = 0;
  for (uint32_t i = 0; i < count(plan.steps()); ++i)
    if (const Step &step = *plan.steps()->Get(i);
        step.kind() == StepKind::Dispatch || step.kind() == StepKind::HostCall || isCall(step)) {
      ++steps;
      left += step.host();
    }
  if (left == 0)
    return nullptr;
  return fail(LAIC_UNSUPPORTED, "%u of %u steps of the plan for '%s' run on the host; `laic --explain` says which and why", left,
              steps, plan.device()->c_str());
}

static laic_status_t *choosePlan(laic_context &context, const char *device, bool whole) {
  laic_module &module = *context.module;
  DeviceName wanted;
  LAIC_TRY(parseDevice(device, wanted));
  const PlanChoice *refused = nullptr;
  const char *refusedDevice = nullptr;
  for (uint32_t i = 0; i < module.plans.size(); ++i) {
    const Plan &plan = *module.entry->plans()->Get(i);
    if (device && (plan.device()->size() != wanted.length || memcmp(wanted.name, plan.device()->c_str(), wanted.length) != 0))
      continue;
    const Driver *driver = module.plans[i].driver;
    const PlanChoice *choice;
    LAIC_TRY(openChoice(module, i, driver && driver->host ? -1 : wanted.ordinal, &choice));
    if (!choice->state) {
      if (!refused) {
        refused = choice;
        refusedDevice = plan.device()->c_str();
      }
      continue;
    }
    if (whole)
      LAIC_TRY(checkWhole(plan));
    context.plan = &plan;
    context.driver = driver;
    context.planState = choice->state;
    if (driver->host)
      context.hostPlanState = choice->state;
    return nullptr;
  }
  if (refused)
    return fail(LAIC_UNSUPPORTED, "the plan for '%s' cannot run here: %s", refusedDevice, refused->reason.get());
  return fail(LAIC_UNSUPPORTED, "the artifact has no plan for device '%s'", device ? device : "");
}

static bool allocatePorts(laic_context &context, Array<Port> &ports,
                          const flatbuffers::Vector<flatbuffers::Offset<Tensor>> *tensors) {
  if (!ports.allocate(context.allocator, count(tensors)))
    return false;
  for (uint32_t i = 0; i < count(tensors); ++i)
    ports[i].info = tensors->Get(i);
  return true;
}

// Memory with room is of use to a plan whose kernels all take strides for it.
static void findRoom(laic_context &context) {
  for (Port &port : context.inputs)
    port.roomDim = context.driver->host ? port.info->room_dim() : kNoDim;
  for (Port &port : context.outputs)
    port.roomDim = context.driver->host ? port.info->room_dim() : kNoDim;
  for (uint32_t i = 0; i < count(context.plan->buffers()); ++i)
    if (const Buffer &buffer = *context.plan->buffers()->Get(i); buffer.room_dim() == kNoDim)
      if (Port *port = portOf(context, buffer))
        port->roomDim = kNoDim;
}

static uint32_t countReads(const Plan &plan) {
  uint32_t reads = 0;
  for (uint32_t i = 0; i < count(plan.steps()); ++i)
    reads += isRead(*plan.steps()->Get(i));
  return reads;
}

// What the plan's reads need: their values (also for the size program of plans[0]), and the slots of memory that its buffers name.
static bool allocateLate(laic_context &context) {
  const uint32_t own = countReads(*context.plan), first = countReads(*context.entry->plans()->Get(0));
  const uint32_t reads = own > first ? own : first;
  uint32_t slots = 0;
  for (uint32_t i = 0; i < count(context.plan->buffers()); ++i)
    if (const Buffer &buffer = *context.plan->buffers()->Get(i); buffer.storage() == Storage::Late && buffer.index() >= slots)
      slots = buffer.index() + 1;
  return context.reads.allocate(context.allocator, reads) && context.lateSlots.allocate(context.allocator, slots);
}

static laic_status_t *allocateContext(laic_context &context) {
  size_t dims = 0;
  uint32_t buffers = count(context.plan->buffers());
  const Plan *first = context.entry->plans()->Get(0);
  bool allocated = allocatePorts(context, context.inputs, context.entry->inputs()) &&
                   allocatePorts(context, context.outputs, context.entry->outputs()) &&
                   context.scalars.allocate(context.allocator, *context.plan) &&
                   (first == context.plan || context.shapes.allocate(context.allocator, *first)) &&
                   context.buffers.allocate(context.allocator, buffers) && allocateLate(context);
  if (!allocated)
    return outOfMemory();
  findRoom(context);
  for (uint32_t i = 0; i < buffers; ++i) {
    context.buffers[i].firstDim = static_cast<uint32_t>(dims);
    context.buffers[i].rank = count(context.plan->buffers()->Get(i)->shape());
    dims += context.buffers[i].rank;
  }
  if (!context.bufferDims.allocate(context.allocator, dims) || !context.bufferStrides.allocate(context.allocator, dims))
    return outOfMemory();
  return nullptr;
}

laic_status_t *rt::setUpContext(laic_context &context) {
  LAIC_TRY(allocateContext(context));
  LAIC_TRY(context.driver->attach(context));
  return attachCalls(context);
}

static laic_status_t *setUp(laic_context &context, const char *device, bool whole) {
  LAIC_TRY(choosePlan(context, device, whole));
  return setUpContext(context);
}

// Copies a binding into the port; what depends on other tensors is checked when running.
static laic_status_t *store(Port &port, const laic_binding_t *binding, const char *role, bool sizesOptional) {
  const char *name = port.info->name()->c_str();
  if (!binding || binding->struct_size < sizeof *binding)
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s': struct_size of the binding is not set", role, name);
  if (binding->type != static_cast<laic_type_t>(port.info->type()))
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s' has type %s, got %s", role, name,
                laic_type_name(static_cast<laic_type_t>(port.info->type())), laic_type_name(binding->type));
  uint32_t rank = port.rank();
  if (binding->rank < 0 || static_cast<uint32_t>(binding->rank) != rank)
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s' has rank %u, got %d", role, name, rank, binding->rank);
  if (rank && !binding->sizes && !sizesOptional)
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s': sizes is NULL", role, name);
  for (uint32_t i = 0; i < rank && binding->sizes; ++i) {
    int64_t declared = port.info->shape()->Get(i)->value();
    if (binding->sizes[i] < 0 || (declared >= 0 && declared != binding->sizes[i]))
      return fail(LAIC_INVALID_ARGUMENT, "%s '%s': dim %u must be %s%lld, got %lld", role, name, i,
                  declared < 0 ? "at least " : "", declared < 0 ? 0ll : static_cast<long long>(declared),
                  static_cast<long long>(binding->sizes[i]));
  }
  for (uint32_t i = 0; i < rank && binding->strides; ++i)
    if (binding->strides[i] < 0)
      return fail(LAIC_INVALID_ARGUMENT, "%s '%s': stride %u is negative", role, name, i);
  port.data = binding->data;
  port.capacity = binding->capacity;
  port.hasSizes = binding->sizes != nullptr;
  port.hasStrides = binding->strides != nullptr;
  for (uint32_t i = 0; i < rank; ++i) {
    port.boundSizes[i] = binding->sizes ? binding->sizes[i] : 0;
    port.boundStrides[i] = binding->strides ? binding->strides[i] : 0;
  }
  port.bound = true;
  return nullptr;
}

static laic_status_t *updateSizes(laic_context &context) {
  for (const Port &port : context.inputs)
    if (!port.bound)
      return fail(LAIC_INVALID_ARGUMENT, "input '%s' is not bound", port.info->name()->c_str());
  return context.sizesKnown && !elementsChanged(context) ? nullptr : computeSizes(context);
}

static laic_status_t *makeReady(laic_context &context) {
  LAIC_TRY(updateSizes(context));
  if (!context.prepared) {
    if (!context.hostArena.reserve(context.allocator, context.hostArenaBytes))
      return fail(LAIC_OUT_OF_MEMORY, "out of memory: the model needs %llu bytes of host arena",
                  static_cast<unsigned long long>(context.hostArenaBytes));
    LAIC_TRY(reserveLate(context));
    LAIC_TRY(context.driver->prepare(context));
    context.prepared = true;
  }
  if (!context.placed) {
    LAIC_TRY(placePorts(context));
    context.driver->bind(context);
    context.placed = true;
  }
  return nullptr;
}

laic_status_t *rt::runContext(laic_context &context) {
  if (context.reads.size())
    context.sizesKnown = false; // what the last call read says nothing about this one
  LAIC_TRY(makeReady(context));
  if (!context.parent)
    context.texts.reset();
  copyIn(context);
  LAIC_TRY(checkStrings(context));
  LAIC_TRY(context.driver->run(context));
  copyOut(context);
  return nullptr;
}

static uint64_t allocationsOf(const laic_context &context) {
  uint64_t made = context.allocator.allocations();
  for (const CallState &call : context.calls)
    for (const laic_context *child : call.children)
      made += child ? allocationsOf(*child) : 0;
  return made;
}

extern "C" {

laic_status_t *laic_context_create(laic_module_t *module, const laic_context_options_t *options, laic_context_t **out) {
  if (!out)
    return fail(LAIC_INVALID_ARGUMENT, "laic_context_create: out is NULL");
  *out = nullptr;
  if (!module)
    return fail(LAIC_INVALID_ARGUMENT, "laic_context_create: module is NULL");
  if (options && options->struct_size < offsetof(laic_context_options_t, whole_device)) // what the first version had
    return fail(LAIC_INVALID_ARGUMENT, "laic_context_create: struct_size of the options is not set");
  const laic_allocator_t *user = options ? options->allocator : nullptr;
  if (!Allocator::isValid(user))
    return fail(LAIC_INVALID_ARGUMENT, "laic_context_create: the allocator lacks struct_size or a function");
  Allocator allocator(user);
  laic_context *context = create<laic_context>(allocator, allocator);
  if (!context)
    return outOfMemory();
  laic_module_retain(module);
  context->module = module;
  context->entry = module->entry;
  context->pool = options ? options->pool : nullptr;
  retainPool(context->pool);
  bool whole = options && options->struct_size >= sizeof *options && options->whole_device;
  if (laic_status_t *status = setUp(*context, options ? options->device : nullptr, whole)) {
    destroyContext(context);
    return status;
  }
  *out = context;
  return nullptr;
}

void laic_context_release(laic_context_t *context) {
  if (context)
    destroyContext(context);
}

laic_status_t *laic_bind_input(laic_context_t *context, size_t index, const laic_binding_t *binding) {
  if (index >= context->inputs.size())
    return fail(LAIC_INVALID_ARGUMENT, "input %zu of %zu", index, context->inputs.size());
  Port &port = context->inputs[index];
  bool before = port.bound;
  int64_t sizes[LAIC_MAX_RANK];
  memcpy(sizes, port.boundSizes, sizeof sizes);
  LAIC_TRY(store(port, binding, "input", false));
  context->placed = false;
  uint64_t bytes;
  if (!denseBytes(port.boundSizes, port.rank(), port.elementSize(), &bytes)) {
    port.bound = false;
    return fail(LAIC_INVALID_ARGUMENT, "input '%s' is too large", port.info->name()->c_str());
  }
  if (!before || memcmp(sizes, port.boundSizes, port.rank() * sizeof(int64_t)) != 0)
    context->sizesKnown = false;
  memcpy(port.sizes, port.boundSizes, sizeof port.sizes);
  port.bytes = bytes;
  // Elements may be read before memory is placed.
  if (port.hasStrides)
    memcpy(port.strides, port.boundStrides, sizeof port.strides);
  else
    denseStrides(port.sizes, port.rank(), port.strides);
  return nullptr;
}

laic_status_t *laic_bind_output(laic_context_t *context, size_t index, const laic_binding_t *binding) {
  if (index >= context->outputs.size())
    return fail(LAIC_INVALID_ARGUMENT, "output %zu of %zu", index, context->outputs.size());
  context->placed = false;
  return store(context->outputs[index], binding, "output", true);
}

laic_status_t *laic_infer(laic_context_t *context) {
  if (context->reads.size())
    context->sizesKnown = false; // what the last call read says nothing about this one
  return updateSizes(*context);
}

laic_status_t *laic_run(laic_context_t *context) {
  context->cancelled.store(0, std::memory_order_relaxed);
  return runContext(*context);
}

laic_status_t *laic_output(laic_context_t *context, size_t index, laic_binding_t *out) {
  if (!out || out->struct_size < sizeof *out)
    return fail(LAIC_INVALID_ARGUMENT, "laic_output: struct_size of the result is not set");
  if (index >= context->outputs.size())
    return fail(LAIC_INVALID_ARGUMENT, "output %zu of %zu", index, context->outputs.size());
  if (!context->sizesKnown)
    return fail(LAIC_INVALID_ARGUMENT, "laic_output: call laic_infer or laic_run first");
  Port &port = context->outputs[index];
  if (!context->placed) {
    port.memory = port.data;
    port.span = port.bytes;
    if (port.data && port.hasStrides)
      memcpy(port.strides, port.boundStrides, sizeof port.strides);
    else if (!port.late)
      denseStrides(port.sizes, port.rank(), port.strides);
  }
  out->data = port.memory;
  out->type = static_cast<laic_type_t>(port.info->type());
  out->rank = static_cast<int32_t>(port.rank());
  out->sizes = port.sizes;
  out->strides = port.strides;
  out->capacity = port.data && port.capacity ? port.capacity : port.span;
  return nullptr;
}

void laic_cancel(laic_context_t *context) { context->cancelled.store(1, std::memory_order_relaxed); }

void laic_set_trace(laic_context_t *context, laic_trace_fn fn, void *self) {
  context->trace = fn;
  context->traceSelf = self;
}

void laic_context_memory(const laic_context_t *context, laic_memory_info_t *out) {
  if (!out || out->struct_size < sizeof *out)
    return;
  out->arena_bytes = out->workspace_bytes = 0;
  context->driver->memory(*context, *out);
  out->allocations = allocationsOf(*context);
}

} // extern "C"
