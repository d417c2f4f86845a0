// A context: bindings, evaluated sizes and the driver's state. Used by one thread at a time.
#ifndef LAIC_RUNTIME_CONTEXT_H
#define LAIC_RUNTIME_CONTEXT_H

#include "Driver.h"
#include "HostCalls.h"
#include "Sizes.h"

#include "laic/kernel_abi.h"

namespace laic {
namespace rt {

// One input or output of the entry.
struct Port {
  const artifact::Tensor *info;
  // What the caller bound. Without `bound` an output is the context's to allocate.
  bool bound;
  bool hasSizes;
  bool hasStrides;
  void *data;
  size_t capacity; // bytes, 0: what the sizes span
  int64_t boundSizes[LAIC_MAX_RANK];
  int64_t boundStrides[LAIC_MAX_RANK];
  uint32_t roomDim; // the dim along which memory may have room, where all kernels of the plan take strides for it; or kNoDim
  // What sizes make of it.
  int64_t sizes[LAIC_MAX_RANK];
  int64_t strides[LAIC_MAX_RANK]; // of the memory at `memory`
  bool late;                      // the call itself computes the sizes, and has not yet: they are -1
  bool comesLate;                 // they were late when the call began
  uint64_t bytes;                 // dense
  uint64_t span;                  // bytes touched from `memory` on
  void *memory;                   // the caller's or the context's
  void *dense;                    // what the plan reads or writes: memory, or the staging buffer
  int64_t pitch;                  // of `dense`: elements from one to the next of what lies before roomDim; 0: it is dense
  Block staging;
  Block owned;

  uint32_t rank() const { return count(info->shape()); }
  size_t elementSize() const { return laic_type_size(static_cast<laic_type_t>(info->type())); }
};

// What a Read step has read.
struct ReadValues {
  bool done;
  uint32_t count;
  int64_t values[artifact::kMaxReadElements];
};

// A buffer of the plan at the current sizes.
struct BufferSize {
  uint32_t firstDim; // in laic_context::bufferDims and bufferStrides
  uint32_t rank;
  uint64_t bytes;
  uint64_t arenaOffset;
  bool late; // a read that its size waits for has not run
};

// What an If or Loop step needs; see Calls.cpp.
struct CallState {
  laic_context *children[2]; // one per program
  Array<int64_t> dims;       // of the step's outputs, one behind the other
  Array<Block> values;       // Loop: what each carried value is now, when an iteration has run
  Array<Block> stacks;       // Loop: slices of each scanned output
  int64_t iteration;         // Loop: what the body reads
  uint8_t condition;
};

} // namespace rt
} // namespace laic

struct laic_context {
  explicit laic_context(const laic::rt::Allocator &source) : allocator(source) {}

  laic::rt::Allocator allocator;
  laic_module_t *module = nullptr;
  laic_pool_t *pool = nullptr;
  const laic::artifact::Entry *entry = nullptr;
  const laic::artifact::Plan *plan = nullptr;
  const laic::rt::Driver *driver = nullptr;
  void *planState = nullptr; // the driver's
  void *driverState = nullptr;
  void *hostPlanState = nullptr; // the host driver's; in a plan for the host planState
  void *hostState = nullptr;

  laic::rt::Array<laic::rt::Port> inputs;
  laic::rt::Array<laic::rt::Port> outputs;
  laic::rt::SizeValues scalars; // of the plan
  laic::rt::SizeValues shapes;  // of plans[0], which output_shapes refers to; unused when that is the plan
  laic::rt::Array<laic::rt::BufferSize> buffers;
  laic::rt::Array<int64_t> bufferDims;
  laic::rt::Array<int64_t> bufferStrides;
  uint64_t arenaBytes = 0;
  uint64_t hostArenaBytes = 0;
  laic::rt::Block hostArena; // Storage::HostArena
  laic::rt::Array<laic::rt::ReadValues> reads;
  laic::rt::Array<laic::rt::Block> lateSlots; // Storage::Late
  laic::rt::Array<laic::rt::CallState> calls; // per step, in a plan with If or Loop steps
  laic_context *parent = nullptr;             // whose step runs this context
  laic::rt::TextArena texts;                  // of a root: what strings that the call makes point to

  bool sizesKnown = false; // scalars, output sizes and buffers fit the bound inputs
  bool prepared = false;   // the driver has seen these sizes
  bool placed = false;     // every port has its memory

  std::atomic<uint32_t> cancelled{0};
  laic_trace_fn trace = nullptr;
  void *traceSelf = nullptr;
};

namespace laic {
namespace rt {

// Evaluates the plan for the bound inputs and bounds every buffer, but for late ones: no read has run. Allocates nothing.
laic_status_t *computeSizes(laic_context &context);
// Gives slots to the values of late size whose size is known. One whose size is known before any read is no honest plan's, but has memory.
laic_status_t *reserveLate(laic_context &context);
// Runs the Read step `index` on the elements at `data`: gives everything that waited for it its size and memory, prepares and binds the
// host's steps again.
laic_status_t *readSizes(laic_context &context, uint32_t index, const void *data);
// Do the elements of the inputs that sizes depend on differ from those seen?
bool elementsChanged(laic_context &context);

// Settles everything that waited for a read, which has its values: sizes and memory; prepares and binds the host's steps again.
laic_status_t *settleSizes(laic_context &context);

// Sets up what the plan says of the context, whose entry, plan and driver are chosen.
laic_status_t *setUpContext(laic_context &context);
void destroyContext(laic_context *context);
// laic_run without forgetting what was cancelled.
laic_status_t *runContext(laic_context &context);
// The context that was called: of programs, the one whose steps run them.
inline laic_context &rootOf(laic_context &context) {
  laic_context *at = &context;
  while (at->parent)
    at = at->parent;
  return *at;
}
inline bool isCancelled(laic_context &context) { return rootOf(context).cancelled.load(std::memory_order_relaxed) != 0; }

// If and Loop steps: creates the contexts of their programs, runs one of them. `tensors`: the step's operands as the host sees them.
inline bool isCall(const artifact::Step &step) {
  return step.kind() == artifact::StepKind::If || step.kind() == artifact::StepKind::Loop;
}
// Does the step give a read its values?
inline bool isRead(const artifact::Step &step) {
  return step.kind() == artifact::StepKind::Read || (isCall(step) && step.kernel() != artifact::kNoScalar);
}
laic_status_t *attachCalls(laic_context &context);
void detachCalls(laic_context &context);
laic_status_t *runCall(laic_context &context, uint32_t step, const laic_tensor_t *tensors);

// Does the host run the step? Copies of a plan for another device are the device's driver's.
inline bool isHostStep(const laic_context &context, const artifact::Step &step) {
  return context.driver->host || (step.host() && step.kind() != artifact::StepKind::Copy);
}

// What --profile and traces call a step.
const char *kernelName(const laic_context &context, const artifact::Step &step);
// Runs one step unless the call is cancelled, with the trace's calls around it. Skips steps without tiles.
laic_status_t *traceStep(laic_context &context, uint32_t step, int64_t tiles,
                         laic_status_t *(*run)(laic_context &context, uint32_t step));
// A status for an error that a kernel has recorded (LAIC_KERNEL_*).
laic_status_t *kernelError(const laic_context &context, const artifact::Step &step, int32_t code, int64_t value);

// The input or output that a buffer is a view of; NULL for other storage.
inline Port *portOf(laic_context &context, const artifact::Buffer &buffer) {
  if (buffer.storage() == artifact::Storage::Input)
    return &context.inputs[buffer.index()];
  return buffer.storage() == artifact::Storage::Output ? &context.outputs[buffer.index()] : nullptr;
}

// Finds memory for every port whose size is known, staged where the caller's is shared, not aligned, or neither dense nor laid out with room
// for a plan that takes that. Buffers with room get its strides.
laic_status_t *placePorts(laic_context &context);
void copyIn(laic_context &context);
void copyOut(laic_context &context);

// Row-major strides in elements; false when they overflow.
bool denseStrides(const int64_t *sizes, uint32_t rank, int64_t *strides);
// Bytes of a dense tensor; false when they overflow. Sizes are not negative.
bool denseBytes(const int64_t *sizes, uint32_t rank, size_t elementSize, uint64_t *bytes);

} // namespace rt
} // namespace laic
#endif
