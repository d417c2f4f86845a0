// The CPU driver: kernels are code inside the artifact, called on the threads of the pool.
#include "../../core/Context.h"
#include "../../core/Pool.h"
#include "../../core/Status.h"
#include "Features.h"

#include "laic/kernel_abi.h"

#include <stdio.h>

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

namespace {

constexpr int64_t kMaxTiles = int64_t{1} << 48;
constexpr int64_t kMaxWorkspace = int64_t{1} << 40;

// Per plan: the variant of each kernel that the plan calls.
struct Choice {
  bool used;
  uint32_t variant;
};
struct PlanState {
  Array<Choice> kernels;
  Array<laic_host_fn> hostFunctions;
};

struct StepState {
  laic_kernel_fn function; // NULL: no dispatch
  bool late;               // sizes of the step wait for a read that has not run
  uint32_t firstTensor;
  uint32_t firstScalar;
  int64_t tiles;
  uint64_t copyBytes;
};

// An operand whose memory belongs to an input or output.
struct Patch {
  uint32_t tensor;
  uint32_t port;
  bool output;
};

// Per context.
struct ContextState {
  Array<StepState> steps;
  Array<laic_tensor_t> tensors;
  Array<int64_t> scalars;
  Array<Patch> patches;
  Block arena;
  Block workspaces;
  uint64_t workspaceStride; // bytes between the workspaces of two threads
};

PlanState &planStateOf(laic_context &context) { return *static_cast<PlanState *>(context.hostPlanState); }
ContextState &stateOf(laic_context &context) { return *static_cast<ContextState *>(context.hostState); }

// ---- plans ----

bool hasFeature(const void *features, const char *word, char *lacks, size_t capacity) {
  return cpu::satisfies(*static_cast<const cpu::Features *>(features), word, lacks, capacity);
}

void explainKernel(laic_module &module, const Kernel &kernel, uint32_t variant, const char *missing) {
  const auto *needs = kernel.variants()->Get(variant)->requires_();
  module.explain.append(module.allocator, "kernel '%s': variant %u of %u", kernel.name()->c_str(), variant + 1,
                        count(kernel.variants()));
  for (uint32_t k = 0; k < count(needs); ++k)
    module.explain.append(module.allocator, "%s%s", k ? " " : ", for ", needs->Get(k)->c_str());
  module.explain.append(module.allocator, missing[0] ? "; better ones need %s\n" : "%s\n", missing);
}

void closePlan(const Driver &, laic_module &module, void *state) {
  PlanState *plan = static_cast<PlanState *>(state);
  plan->kernels.release(module.allocator);
  plan->hostFunctions.release(module.allocator);
  destroy(module.allocator, plan);
}

laic_status_t *chooseKernels(const Driver &driver, laic_module &module, const Plan &plan, PlanState &state) {
  cpu::Features features = cpu::detect();
  bool all = strcmp(plan.device()->c_str(), driver.name) == 0;
  for (uint32_t i = 0; i < count(plan.steps()); ++i) {
    const Step &step = *plan.steps()->Get(i);
    // The verifier bounds how deep programs lie in programs.
    for (uint32_t k = 0; isCall(step) && k < count(step.programs()); ++k)
      LAIC_TRY(chooseKernels(driver, module, *module.program->entries()->Get(step.programs()->Get(k))->plans()->Get(0), state));
    if (step.kind() != StepKind::Dispatch || !(all || step.host()) || state.kernels[step.kernel()].used)
      continue;
    const Kernel &kernel = *module.program->kernels()->Get(step.kernel());
    Choice &choice = state.kernels[step.kernel()];
    char missing[256];
    if (!pickVariant(kernel, hasFeature, &features, &choice.variant, missing, sizeof missing))
      return fail(LAIC_UNSUPPORTED, "kernel '%s' has no code for this CPU, which lacks %s", kernel.name()->c_str(), missing);
    choice.used = true;
    explainKernel(module, kernel, choice.variant, missing);
  }
  return nullptr;
}

laic_status_t *findFunctions(laic_module &module, const Plan &plan, PlanState &state) {
  for (uint32_t i = 0; i < count(plan.steps()); ++i) {
    const Step &step = *plan.steps()->Get(i);
    for (uint32_t k = 0; isCall(step) && k < count(step.programs()); ++k)
      LAIC_TRY(findFunctions(module, *module.program->entries()->Get(step.programs()->Get(k))->plans()->Get(0), state));
    if (step.kind() == StepKind::HostCall && !state.hostFunctions[step.kernel()])
      LAIC_TRY(
          findHostFunction(module.program->host_functions()->Get(step.kernel())->c_str(), &state.hostFunctions[step.kernel()]));
  }
  return nullptr;
}

laic_status_t *openPlan(const Driver &driver, laic_module &module, const Plan &plan, int32_t, void **out) {
  PlanState *state = create<PlanState>(module.allocator);
  if (!state)
    return outOfMemory();
  laic_status_t *status = outOfMemory();
  if (state->kernels.allocate(module.allocator, count(module.program->kernels())) &&
      state->hostFunctions.allocate(module.allocator, count(module.program->host_functions())))
    status = chooseKernels(driver, module, plan, *state);
  if (!status)
    status = findFunctions(module, plan, *state);
  if (status) {
    closePlan(driver, module, state);
    return status;
  }
  *out = state;
  return nullptr;
}

// ---- contexts ----

void detach(laic_context &context) {
  ContextState *state = static_cast<ContextState *>(context.hostState);
  if (!state)
    return;
  state->steps.release(context.allocator);
  state->tensors.release(context.allocator);
  state->scalars.release(context.allocator);
  state->patches.release(context.allocator);
  state->arena.release(context.allocator);
  state->workspaces.release(context.allocator);
  destroy(context.allocator, state);
  context.hostState = nullptr;
}

laic_status_t *resolveKernel(laic_context &context, uint32_t index, laic_kernel_fn *out) {
  const Kernel &kernel = *context.module->program->kernels()->Get(index);
  const Variant &variant = *kernel.variants()->Get(planStateOf(context).kernels[index].variant);
  const uint8_t *code;
  LAIC_TRY(codeOf(*context.module, variant.segment(), &code));
  uintptr_t address = reinterpret_cast<uintptr_t>(code + variant.offset());
  memcpy(out, &address, sizeof address);
  return nullptr;
}

laic_status_t *allocateState(laic_context &context, ContextState &state) {
  size_t tensors = 0, scalars = 0, patches = 0;
  for (uint32_t i = 0; i < count(context.plan->steps()); ++i) {
    const Step &step = *context.plan->steps()->Get(i);
    if (!isHostStep(context, step))
      continue;
    tensors += count(step.operands());
    scalars += count(step.scalars());
    for (uint32_t k = 0; k < count(step.operands()); ++k) {
      Storage storage = context.plan->buffers()->Get(step.operands()->Get(k))->storage();
      patches += storage == Storage::Input || storage == Storage::Output;
    }
  }
  bool allocated = state.steps.allocate(context.allocator, count(context.plan->steps())) &&
                   state.tensors.allocate(context.allocator, tensors) && state.scalars.allocate(context.allocator, scalars) &&
                   state.patches.allocate(context.allocator, patches);
  return allocated ? nullptr : outOfMemory();
}

laic_status_t *attach(laic_context &context) {
  ContextState *state = create<ContextState>(context.allocator);
  if (!state)
    return outOfMemory();
  context.hostState = state;
  LAIC_TRY(allocateState(context, *state));
  uint32_t tensor = 0, scalar = 0, patch = 0;
  for (uint32_t i = 0; i < state->steps.size(); ++i) {
    const Step &step = *context.plan->steps()->Get(i);
    if (!isHostStep(context, step))
      continue;
    StepState &out = state->steps[i];
    out.firstTensor = tensor;
    out.firstScalar = scalar;
    scalar += count(step.scalars());
    if (step.kind() == StepKind::Dispatch)
      LAIC_TRY(resolveKernel(context, step.kernel(), &out.function));
    for (uint32_t k = 0; k < count(step.operands()); ++k, ++tensor) {
      uint32_t index = step.operands()->Get(k);
      const Buffer &buffer = *context.plan->buffers()->Get(index);
      // The arrays that sizes and strides point into never move.
      uint32_t first = context.buffers[index].firstDim;
      state->tensors[tensor].sizes = context.bufferDims.data() + first;
      state->tensors[tensor].strides = context.bufferStrides.data() + first;
      if (buffer.storage() == Storage::Input || buffer.storage() == Storage::Output)
        state->patches[patch++] = {tensor, buffer.index(), buffer.storage() == Storage::Output};
    }
  }
  return nullptr;
}

// ---- sizes and memory ----

laic_status_t *boundedScalar(laic_context &context, uint32_t scalar, const char *what, int64_t limit, int64_t *out) {
  LAIC_TRY(context.scalars.get(scalar, what, out));
  if (*out < 0 || *out > limit)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: %s is %lld", what, static_cast<long long>(*out));
  return nullptr;
}

bool isLate(const laic_context &context, const Step &step) {
  bool late = context.scalars.isLate(step.tiles()) || context.scalars.isLate(step.workspace());
  for (uint32_t k = 0; k < count(step.scalars()); ++k)
    late |= context.scalars.isLate(step.scalars()->Get(k));
  for (uint32_t k = 0; k < count(step.operands()); ++k)
    late |= context.buffers[step.operands()->Get(k)].late;
  return late;
}

laic_status_t *prepareStep(laic_context &context, uint32_t index, int64_t *workspace) {
  const Step &step = *context.plan->steps()->Get(index);
  StepState &out = stateOf(context).steps[index];
  *workspace = 0;
  out.late = false;
  if (!isHostStep(context, step) || step.kind() == StepKind::Read || isCall(step))
    return nullptr;
  if ((out.late = isLate(context, step))) {
    out.tiles = 1; // not skipped as a step without tiles would be
    return nullptr;
  }
  if (step.kind() == StepKind::Copy) {
    out.copyBytes = context.buffers[step.operands()->Get(1)].bytes;
    if (context.buffers[step.operands()->Get(0)].bytes != out.copyBytes)
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u copies between different sizes", index);
    return nullptr;
  }
  LAIC_TRY(boundedScalar(context, step.tiles(), "the number of tiles of a step", kMaxTiles, &out.tiles));
  LAIC_TRY(boundedScalar(context, step.workspace(), "the workspace of a step", kMaxWorkspace, workspace));
  for (uint32_t k = 0; k < count(step.scalars()); ++k)
    LAIC_TRY(
        context.scalars.get(step.scalars()->Get(k), "an argument of a step", &stateOf(context).scalars[out.firstScalar + k]));
  return nullptr;
}

laic_status_t *prepare(laic_context &context) {
  ContextState &state = stateOf(context);
  int64_t largest = 0;
  for (uint32_t i = 0; i < state.steps.size(); ++i) {
    int64_t workspace;
    LAIC_TRY(prepareStep(context, i, &workspace));
    largest = workspace > largest ? workspace : largest;
  }
  state.workspaceStride = (static_cast<uint64_t>(largest) + kAlignment - 1) / kAlignment * kAlignment;
  size_t workspaces;
  if (__builtin_mul_overflow(state.workspaceStride, threadCount(context.pool), &workspaces) ||
      !state.arena.reserve(context.allocator, context.driver->host ? context.arenaBytes : 0) ||
      !state.workspaces.reserve(context.allocator, workspaces))
    return fail(LAIC_OUT_OF_MEMORY, "out of memory: the model needs %llu bytes of arena and %llu of workspace per thread",
                static_cast<unsigned long long>(context.arenaBytes), static_cast<unsigned long long>(largest));
  uint32_t tensor = 0;
  for (uint32_t i = 0; i < state.steps.size(); ++i) {
    if (!isHostStep(context, *context.plan->steps()->Get(i)))
      continue;
    const auto *operands = context.plan->steps()->Get(i)->operands();
    for (uint32_t k = 0; k < count(operands); ++k, ++tensor) {
      const Buffer &buffer = *context.plan->buffers()->Get(operands->Get(k));
      if (buffer.storage() == Storage::Arena)
        state.tensors[tensor].data = static_cast<uint8_t *>(state.arena.data) + context.buffers[operands->Get(k)].arenaOffset;
      else if (buffer.storage() == Storage::HostArena)
        state.tensors[tensor].data =
            static_cast<uint8_t *>(context.hostArena.data) + context.buffers[operands->Get(k)].arenaOffset;
      else if (buffer.storage() == Storage::Late)
        state.tensors[tensor].data = context.lateSlots[buffer.index()].data;
      else if (buffer.storage() == Storage::Constant)
        state.tensors[tensor].data = const_cast<uint8_t *>(context.module->segments[buffer.index()].data) + buffer.offset();
    }
  }
  return nullptr;
}

void bind(laic_context &context) {
  ContextState &state = stateOf(context);
  for (const Patch &patch : state.patches)
    state.tensors[patch.tensor].data = (patch.output ? context.outputs : context.inputs)[patch.port].dense;
}

// ---- running ----

// One dispatch, shared by the threads that work on it.
struct Job {
  laic_kernel_fn function;
  const laic_tensor_t *tensors;
  const int64_t *scalars;
  uint8_t *workspaces;
  uint64_t workspaceStride;
  pthread_mutex_t lock;
  int64_t failedTile; // begin of the lowest range that failed; -1: none
  laic_kernel_error_t error;
};

// A kernel carries no type information for the sanitizer to look at.
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
void runTiles(void *self, uint32_t worker, int64_t begin, int64_t end) {
  Job &job = *static_cast<Job *>(self);
  laic_kernel_error_t error = {};
  int32_t code = job.function(job.tensors, job.scalars, begin, end, job.workspaces + worker * job.workspaceStride, &error);
  if (code == LAIC_KERNEL_OK)
    return;
  pthread_mutex_lock(&job.lock);
  if (job.failedTile < 0 || begin < job.failedTile) {
    job.failedTile = begin;
    job.error = error;
    job.error.code = code;
  }
  pthread_mutex_unlock(&job.lock);
}

laic_status_t *runStep(laic_context &context, const Step &step, const StepState &state) {
  ContextState &all = stateOf(context);
  const laic_tensor_t *tensors = all.tensors.data() + state.firstTensor;
  if (!state.function) {
    if (state.copyBytes)
      memmove(tensors[1].data, tensors[0].data, state.copyBytes);
    return nullptr;
  }
  Job job = {state.function,
             tensors,
             all.scalars.data() + state.firstScalar,
             static_cast<uint8_t *>(all.workspaces.data),
             all.workspaceStride,
             PTHREAD_MUTEX_INITIALIZER,
             -1,
             {}};
  parallelFor(context.pool, state.tiles, runTiles, &job);
  return job.failedTile < 0 ? nullptr : kernelError(context, step, job.error.code, job.error.value);
}

laic_status_t *runHostStep(laic_context &context, uint32_t index) {
  const StepState &current = stateOf(context).steps[index];
  const Step &step = *context.plan->steps()->Get(index);
  if (current.late)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: step %u needs sizes that are read after it", index);
  if (isCall(step))
    return runCall(context, index, stateOf(context).tensors.data() + current.firstTensor);
  if (step.kind() == StepKind::HostCall)
    return callHost(context, index, planStateOf(context).hostFunctions[step.kernel()],
                    stateOf(context).tensors.data() + current.firstTensor, stateOf(context).scalars.data() + current.firstScalar);
  if (step.kind() == StepKind::Read)
    return readSizes(context, index, stateOf(context).tensors[current.firstTensor].data);
  if (current.function && current.tiles == 0)
    return nullptr;
  return runStep(context, step, current);
}

laic_status_t *run(laic_context &context) {
  FloatEnvironment floats;
  for (uint32_t i = 0; i < stateOf(context).steps.size(); ++i)
    LAIC_TRY(traceStep(context, i, stateOf(context).steps[i].tiles, runHostStep));
  return nullptr;
}

void memory(const laic_context &context, laic_memory_info_t &out) {
  const ContextState &state = *static_cast<const ContextState *>(context.hostState);
  out.arena_bytes = state.arena.capacity;
  out.workspace_bytes = state.workspaces.capacity;
}

} // namespace

namespace laic {
namespace rt {
extern const Driver cpuDriver;
const Driver cpuDriver = {"cpu", true, nullptr, openPlan, closePlan, attach, detach, prepare, bind, run, runHostStep, memory};
} // namespace rt
} // namespace laic
