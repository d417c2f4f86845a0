// If and Loop steps: programs of the artifact, each in a context of its own, on the memory of the step that runs them.
//
// A program's inputs are bound to the step's operands where they lie; its outputs are its context's, and are copied when their sizes have
// made room in the caller. Between iterations a loop exchanges the memory of a carried value with that of the body's output, so that
// nothing is copied and nothing allocated once it is large enough.
#include "Context.h"

#include "Pool.h"
#include "Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

// ---- contexts of programs ----

static laic_status_t *createChild(laic_context &context, uint32_t index, laic_context **out) {
  laic_context *child = create<laic_context>(context.allocator, context.allocator.uncounted());
  if (!child)
    return outOfMemory();
  *out = child;
  laic_module_retain(context.module);
  child->module = context.module;
  child->parent = &context;
  child->pool = context.pool;
  retainPool(child->pool);
  child->entry = context.module->program->entries()->Get(index);
  child->plan = child->entry->plans()->Get(0);
  const Driver *host = findHostDriver();
  if (!host || strcmp(child->plan->device()->c_str(), host->name) != 0)
    return fail(LAIC_UNSUPPORTED, "a branch or loop needs device '%s', which is not this runtime's host",
                child->plan->device()->c_str());
  child->driver = host;
  child->planState = child->hostPlanState = context.hostPlanState;
  return setUpContext(*child);
}

static laic_status_t *attachCall(laic_context &context, const Step &step, CallState &state) {
  for (uint32_t k = 0; k < count(step.programs()); ++k)
    LAIC_TRY(createChild(context, step.programs()->Get(k), &state.children[k]));
  size_t dims = 0, first = count(step.operands()) - step.outputs();
  for (uint32_t k = 0; k < step.outputs(); ++k)
    dims += context.buffers[step.operands()->Get(static_cast<uint32_t>(first) + k)].rank;
  bool loop = step.kind() == StepKind::Loop;
  if (!state.dims.allocate(context.allocator, dims) || !state.values.allocate(context.allocator, loop ? step.carried() : 0) ||
      !state.stacks.allocate(context.allocator, loop ? step.outputs() - step.carried() : 0))
    return outOfMemory();
  return nullptr;
}

laic_status_t *rt::attachCalls(laic_context &context) {
  uint32_t steps = count(context.plan->steps()), calls = 0;
  for (uint32_t i = 0; i < steps; ++i)
    calls += isCall(*context.plan->steps()->Get(i));
  if (!calls)
    return nullptr;
  if (!context.calls.allocate(context.allocator, steps))
    return outOfMemory();
  for (uint32_t i = 0; i < steps; ++i)
    if (const Step &step = *context.plan->steps()->Get(i); isCall(step))
      LAIC_TRY(attachCall(context, step, context.calls[i]));
  return nullptr;
}

void rt::detachCalls(laic_context &context) {
  for (CallState &call : context.calls) {
    for (laic_context *child : call.children)
      if (child)
        destroyContext(child);
    for (Array<Block> *blocks : {&call.values, &call.stacks}) {
      for (Block &block : *blocks)
        block.release(context.allocator);
      blocks->release(context.allocator);
    }
    call.dims.release(context.allocator);
  }
  context.calls.release(context.allocator);
}

// ---- inputs and outputs ----

static laic_status_t *bind(laic_context &child, uint32_t input, void *data, const int64_t *sizes) {
  const Port &port = child.inputs[input];
  const laic_binding_t binding = {
      sizeof binding, data, static_cast<laic_type_t>(port.info->type()), static_cast<int32_t>(port.rank()), sizes, nullptr, 0};
  return laic_bind_input(&child, input, &binding);
}

// Binds operands of the step from `operand` on to inputs of the program from `input` on.
static laic_status_t *bindOperands(laic_context &context, uint32_t index, const laic_tensor_t *tensors, laic_context &child,
                                   uint32_t operand, uint32_t input, uint32_t total) {
  const Step &step = *context.plan->steps()->Get(index);
  for (uint32_t i = 0; i < total; ++i) {
    const BufferSize &size = context.buffers[step.operands()->Get(operand + i)];
    if (size.late)
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u needs sizes that are read after it", index);
    LAIC_TRY(bind(child, input + i, tensors[operand + i].data, context.bufferDims.data() + size.firstDim));
  }
  return nullptr;
}

static laic_status_t *runChild(laic_context &context, laic_context &child) {
  child.trace = context.trace;
  child.traceSelf = context.traceSelf;
  return runContext(child);
}

// What an output has come to: memory of its own, or of what it was bound to; sizes are those of the port.
static const void *dataOf(const Port &port) { return port.memory; }

static const char *nodeOf(const laic_context &context, const Step &step) {
  return textOf(context.module->program->nodes()->Get(step.node())->name());
}

// Makes the sizes in state.dims known to the caller.
static laic_status_t *publish(laic_context &context, const Step &step, const CallState &state) {
  if (step.kernel() == kNoScalar)
    return nullptr;
  ReadValues &read = context.reads[step.kernel()];
  read.done = true;
  read.count = count(step.scalars());
  for (uint32_t i = 0; i < read.count; ++i)
    read.values[i] = state.dims[step.scalars()->Get(i)];
  return settleSizes(context);
}

// Copies `bytes` to output k of the step, whose sizes the caller has found to be `dims`.
static laic_status_t *deliver(laic_context &context, uint32_t index, const laic_tensor_t *tensors, uint32_t k,
                              const int64_t *dims, const void *data, uint64_t bytes) {
  const Step &step = *context.plan->steps()->Get(index);
  const uint32_t operand = count(step.operands()) - step.outputs() + k;
  const BufferSize &size = context.buffers[step.operands()->Get(operand)];
  if (bytes == 0 && size.bytes == 0 && !size.late)
    return nullptr;
  if (size.late || size.bytes != bytes || memcmp(context.bufferDims.data() + size.firstDim, dims, size.rank * sizeof *dims) != 0)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: node '%s': output %u has another size than was computed for it",
                nodeOf(context, step), k);
  memmove(tensors[operand].data, data, bytes);
  return nullptr;
}

// ---- If ----

static laic_status_t *runIf(laic_context &context, uint32_t index, const laic_tensor_t *tensors) {
  const Step &step = *context.plan->steps()->Get(index);
  CallState &state = context.calls[index];
  laic_context &child = *state.children[*static_cast<const uint8_t *>(tensors[0].data) ? 0 : 1];
  const uint32_t inputs = count(step.operands()) - step.outputs();
  LAIC_TRY(bindOperands(context, index, tensors, child, 1, 0, inputs - 1));
  LAIC_TRY(runChild(context, child));
  int64_t *dims = state.dims.data();
  for (const Port &port : child.outputs) {
    memcpy(dims, port.sizes, port.rank() * sizeof *dims);
    dims += port.rank();
  }
  LAIC_TRY(publish(context, step, state));
  dims = state.dims.data();
  for (uint32_t k = 0; k < step.outputs(); ++k) {
    const Port &port = child.outputs[k];
    LAIC_TRY(deliver(context, index, tensors, k, dims, dataOf(port), port.bytes));
    dims += port.rank();
  }
  return nullptr;
}

// ---- Loop ----

// A block that keeps its first `used` bytes when it grows; at least doubles.
static bool extend(Allocator &allocator, Block &block, size_t used, size_t bytes) {
  if (block.data && bytes <= block.capacity)
    return true;
  size_t doubled = block.capacity > SIZE_MAX / 2 ? bytes : 2 * block.capacity;
  Block larger;
  if (!larger.reserve(allocator, doubled > bytes ? doubled : bytes))
    return false;
  if (used)
    memcpy(larger.data, block.data, used);
  block.release(allocator);
  block = larger;
  return true;
}

// The error of an iteration, told where it happened.
static laic_status_t *inIteration(laic_status_t *status, const laic_context &context, const Step &step, int64_t iteration) {
  laic_code_t code = laic_status_code(status);
  if (code == LAIC_CANCELLED || code == LAIC_OUT_OF_MEMORY)
    return status;
  laic_status_t *told = fail(code, "%s (in iteration %lld of node '%s')", laic_status_message(status),
                             static_cast<long long>(iteration), nodeOf(context, step));
  laic_status_free(status);
  return told;
}

namespace {

struct Loop {
  laic_context &context;
  uint32_t index;
  const laic_tensor_t *tensors;
  const Step &step;
  CallState &state;
  laic_context &body;
  uint64_t runs; // iterations that have ended

  laic_status_t *iterate();
  laic_status_t *takeScanned(uint32_t scan, int64_t *dims);
  laic_status_t *finish();
  void emptyScans();
};

} // namespace

// Keeps the slice behind those of the iterations before; `dims` are the stack's.
laic_status_t *Loop::takeScanned(uint32_t scan, int64_t *dims) {
  const Port &port = body.outputs[1 + step.carried() + scan];
  if (runs && memcmp(dims + 1, port.sizes, port.rank() * sizeof *dims) != 0)
    return fail(LAIC_DATA_ERROR, "node '%s': its iterations give output %u different shapes", nodeOf(context, step),
                step.carried() + scan);
  memcpy(dims + 1, port.sizes, port.rank() * sizeof *dims);
  size_t used, bytes;
  if (__builtin_mul_overflow(port.bytes, runs, &used) || __builtin_add_overflow(used, port.bytes, &bytes) ||
      !extend(context.allocator, state.stacks[scan], used, bytes))
    return outOfMemory();
  if (port.bytes)
    memcpy(static_cast<char *>(state.stacks[scan].data) + used, dataOf(port), port.bytes);
  return nullptr;
}

laic_status_t *Loop::iterate() {
  const uint32_t carried = step.carried();
  LAIC_TRY(bind(body, 0, &state.iteration, nullptr));
  LAIC_TRY(bind(body, 1, &state.condition, nullptr));
  int64_t *dims = state.dims.data();
  for (uint32_t c = 0; c < carried && runs; ++c) {
    LAIC_TRY(bind(body, 2 + c, state.values[c].data, dims));
    dims += body.outputs[1 + c].rank();
  }
  LAIC_TRY(runChild(context, body));
  if (body.outputs[0].bytes != 1)
    return fail(LAIC_DATA_ERROR, "the condition that it computes has %llu elements",
                static_cast<unsigned long long>(body.outputs[0].bytes));
  state.condition = *static_cast<const uint8_t *>(dataOf(body.outputs[0])) != 0;
  dims = state.dims.data();
  for (uint32_t c = 0; c < carried; ++c) {
    Port &port = body.outputs[1 + c];
    memcpy(dims, port.sizes, port.rank() * sizeof *dims);
    dims += port.rank();
    const Block next = port.owned;
    port.owned = state.values[c];
    state.values[c] = next;
  }
  for (uint32_t s = 0; s < state.stacks.size(); ++s) {
    LAIC_TRY(takeScanned(s, dims));
    dims += 1 + body.outputs[1 + carried + s].rank();
  }
  return nullptr;
}

// Stacks of nothing have the sizes that the body's signature states.
void Loop::emptyScans() {
  int64_t *dims = state.dims.data();
  for (uint32_t c = 0; c < step.carried(); ++c) {
    const BufferSize &size = context.buffers[step.operands()->Get(2 + c)];
    memcpy(dims, context.bufferDims.data() + size.firstDim, size.rank * sizeof *dims);
    dims += size.rank;
  }
  for (uint32_t s = 0; s < state.stacks.size(); ++s) {
    const Port &port = body.outputs[1 + step.carried() + s];
    for (uint32_t d = 0; d < port.rank(); ++d) {
      int64_t declared = port.info->shape()->Get(d)->value();
      dims[1 + d] = declared < 0 ? 0 : declared;
    }
    dims += 1 + port.rank();
  }
}

laic_status_t *Loop::finish() {
  if (!runs)
    emptyScans();
  int64_t *dims = state.dims.data();
  for (uint32_t c = 0; c < step.carried(); ++c)
    dims += body.outputs[1 + c].rank();
  for (uint32_t s = 0; s < state.stacks.size(); ++s) {
    dims[0] = static_cast<int64_t>(runs);
    dims += 1 + body.outputs[1 + step.carried() + s].rank();
  }
  LAIC_TRY(publish(context, step, state));
  dims = state.dims.data();
  for (uint32_t k = 0; k < step.outputs(); ++k) {
    bool carried = k < step.carried();
    const Port &port = body.outputs[1 + k];
    const uint32_t rank = port.rank() + (carried ? 0 : 1);
    uint64_t bytes;
    if (!denseBytes(dims, rank, port.elementSize(), &bytes))
      return outOfMemory();
    const void *data = !carried ? state.stacks[k - step.carried()].data : runs ? state.values[k].data : tensors[2 + k].data;
    LAIC_TRY(deliver(context, index, tensors, k, dims, data, bytes));
    dims += rank;
  }
  // Each block goes back to the side from which it came: the next run needs what this one needed.
  for (uint32_t c = 0; c < step.carried() && runs % 2; ++c) {
    const Block delivered = state.values[c];
    state.values[c] = body.outputs[1 + c].owned;
    body.outputs[1 + c].owned = delivered;
  }
  return nullptr;
}

static laic_status_t *runLoop(laic_context &context, uint32_t index, const laic_tensor_t *tensors) {
  const Step &step = *context.plan->steps()->Get(index);
  CallState &state = context.calls[index];
  Loop loop = {context, index, tensors, step, state, *state.children[0], 0};
  const uint32_t inputs = count(step.operands()) - step.outputs();
  LAIC_TRY(bindOperands(context, index, tensors, loop.body, 2, 2, inputs - 2));
  int64_t trips;
  memcpy(&trips, tensors[0].data, sizeof trips);
  state.condition = *static_cast<const uint8_t *>(tensors[1].data) != 0;
  for (state.iteration = step.first(); state.condition && state.iteration < trips; ++state.iteration, ++loop.runs) {
    if (isCancelled(context))
      return fail(LAIC_CANCELLED, "cancelled before iteration %lld of node '%s'", static_cast<long long>(state.iteration),
                  nodeOf(context, step));
    if (laic_status_t *status = loop.iterate())
      return inIteration(status, context, step, state.iteration);
  }
  return loop.finish();
}

laic_status_t *rt::runCall(laic_context &context, uint32_t index, const laic_tensor_t *tensors) {
  const bool isLoop = context.plan->steps()->Get(index)->kind() == StepKind::Loop;
  for (uint32_t k = 0; k < (isLoop ? 2u : 1u); ++k) // trip count and condition; the verifier knows their sizes
    if (!tensors[k].data)
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u has no condition", index);
  return isLoop ? runLoop(context, index, tensors) : runIf(context, index, tensors);
}
