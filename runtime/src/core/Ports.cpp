// Where inputs and outputs live: the caller's memory when a kernel can use it as it is, a dense copy otherwise.
//
// A kernel can use dense memory, and memory with room along one dim where the plan says so: dense from that dim on, and the same number of
// elements (the pitch) from each of what lies before it to the next.
#include "Context.h"

#include "Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

// Copies a tensor between two layouts; strides in elements.
static void copyStrided(char *to, const int64_t *toStrides, const char *from, const int64_t *fromStrides, const int64_t *sizes,
                        uint32_t rank, size_t elementSize) {
  // Innermost dims that are dense on both sides are one run.
  int64_t run = 1;
  uint32_t outer = rank;
  while (outer > 0 && (sizes[outer - 1] == 1 || (toStrides[outer - 1] == run && fromStrides[outer - 1] == run)))
    run *= sizes[--outer];
  const size_t runBytes = static_cast<size_t>(run) * elementSize;
  const int64_t element = static_cast<int64_t>(elementSize);
  int64_t index[LAIC_MAX_RANK] = {};
  for (;;) {
    memcpy(to, from, runBytes);
    uint32_t dim = outer;
    for (;;) {
      if (dim-- == 0)
        return;
      to += toStrides[dim] * element;
      from += fromStrides[dim] * element;
      if (++index[dim] < sizes[dim])
        break;
      to -= sizes[dim] * toStrides[dim] * element;
      from -= sizes[dim] * fromStrides[dim] * element;
      index[dim] = 0;
    }
  }
}

static bool isDense(const Port &port) {
  int64_t run = 1;
  for (uint32_t i = port.rank(); i-- > 0;) {
    if (port.sizes[i] != 1 && port.strides[i] != run)
      return false;
    run *= port.sizes[i];
  }
  return true;
}

// Do different indices name different elements? Sufficient, not necessary: each stride steps over what smaller ones reach.
static bool isInjective(const Port &port) {
  bool used[LAIC_MAX_RANK] = {};
  int64_t reach = 1; // elements spanned so far
  for (uint32_t round = 0; round < port.rank(); ++round) {
    uint32_t smallest = LAIC_MAX_RANK;
    for (uint32_t i = 0; i < port.rank(); ++i)
      if (!used[i] && (smallest == LAIC_MAX_RANK || port.strides[i] < port.strides[smallest]))
        smallest = i;
    used[smallest] = true;
    if (port.sizes[smallest] <= 1)
      continue;
    if (port.strides[smallest] < reach)
      return false;
    reach += (port.sizes[smallest] - 1) * port.strides[smallest];
  }
  return true;
}

// Sets port.strides and port.span from what is bound.
static laic_status_t *measure(Port &port, const char *role) {
  const char *name = port.info->name()->c_str();
  if (port.hasStrides)
    memcpy(port.strides, port.boundStrides, sizeof port.strides);
  else if (!denseStrides(port.sizes, port.rank(), port.strides))
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s' is too large", role, name);
  port.span = 0;
  if (port.bytes == 0)
    return nullptr;
  int64_t span = 1;
  for (uint32_t i = 0; i < port.rank(); ++i) {
    int64_t reach;
    if (__builtin_mul_overflow(port.sizes[i] - 1, port.strides[i], &reach) || __builtin_add_overflow(span, reach, &span))
      return fail(LAIC_INVALID_ARGUMENT, "%s '%s': its strides are too large", role, name);
  }
  int64_t bytes;
  if (__builtin_mul_overflow(span, static_cast<int64_t>(port.elementSize()), &bytes))
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s': its strides are too large", role, name);
  port.span = static_cast<uint64_t>(bytes);
  if (port.capacity && port.span > port.capacity)
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s' touches %llu bytes, its capacity is %zu", role, name,
                static_cast<unsigned long long>(port.span), port.capacity);
  if (port.data && reinterpret_cast<uintptr_t>(port.data) + port.span < port.span)
    return fail(LAIC_INVALID_ARGUMENT, "%s '%s' reaches beyond the address space", role, name);
  return nullptr;
}

static bool overlap(const Port &a, const Port &b) {
  uintptr_t first = reinterpret_cast<uintptr_t>(a.data), second = reinterpret_cast<uintptr_t>(b.data);
  return a.data && b.data && a.span && b.span && first < second + b.span && second < first + a.span;
}

static laic_status_t *stage(laic_context &context, Port &port) {
  port.pitch = 0;
  if (!port.staging.reserve(context.allocator, port.bytes))
    return outOfMemory();
  port.dense = port.staging.data;
  return nullptr;
}

// Sets port.pitch where the memory is dense but for room along port.roomDim.
static bool hasRoom(Port &port) {
  if (port.roomDim == kNoDim)
    return false;
  int64_t run = 1;
  for (uint32_t i = port.rank(); i-- > port.roomDim;) {
    if (port.sizes[i] != 1 && port.strides[i] != run)
      return false;
    run *= port.sizes[i];
  }
  int64_t pitch = 0, before = 1;
  for (uint32_t i = port.roomDim; i-- > 0;) {
    if (port.sizes[i] == 1)
      continue;
    if (pitch == 0 && (pitch = port.strides[i]) < run)
      return false;
    int64_t stride;
    if (__builtin_mul_overflow(pitch, before, &stride) || port.strides[i] != stride)
      return false;
    before *= port.sizes[i];
  }
  port.pitch = pitch;
  return true;
}

static bool usableInPlace(Port &port) {
  bool laidOut = hasRoom(port) || isDense(port);
  return laidOut && reinterpret_cast<uintptr_t>(port.memory) % port.elementSize() == 0;
}

// May the output grow where the input lies? The kernel that makes it then finds the elements of the input in their places.
static bool growsInPlace(const Port &output, const Port &input) {
  return output.roomDim != kNoDim && output.roomDim == input.roomDim && input.dense == input.data && input.data == output.data &&
         input.pitch == output.pitch;
}

static laic_status_t *placeInput(laic_context &context, Port &port) {
  if (!port.data && port.bytes)
    return fail(LAIC_INVALID_ARGUMENT, "input '%s' has no data", port.info->name()->c_str());
  LAIC_TRY(measure(port, "input"));
  port.memory = port.dense = port.data;
  port.pitch = 0;
  return port.bytes && !usableInPlace(port) ? stage(context, port) : nullptr;
}

static laic_status_t *checkOutputSizes(const Port &port) {
  for (uint32_t i = 0; i < port.rank() && port.hasSizes; ++i)
    if (port.boundSizes[i] != port.sizes[i])
      return fail(LAIC_INVALID_ARGUMENT, "output '%s' is bound with size %lld in dim %u, the inputs make it %lld",
                  port.info->name()->c_str(), static_cast<long long>(port.boundSizes[i]), i,
                  static_cast<long long>(port.sizes[i]));
  return nullptr;
}

static laic_status_t *placeOutput(laic_context &context, uint32_t index) {
  Port &port = context.outputs[index];
  const char *name = port.info->name()->c_str();
  port.pitch = 0;
  if (port.late) {
    port.memory = port.dense = nullptr;
    port.span = 0;
    return nullptr;
  }
  LAIC_TRY(checkOutputSizes(port));
  if (port.comesLate && port.data && !port.capacity && !port.hasSizes)
    return fail(LAIC_INVALID_ARGUMENT, "output '%s' has a size that the run computes: bind it with a capacity, or without data",
                name);
  if (!port.data) {
    port.hasStrides = false;
    LAIC_TRY(measure(port, "output"));
    if (!port.owned.reserve(context.allocator, port.bytes))
      return outOfMemory();
    port.memory = port.dense = port.owned.data;
    return nullptr;
  }
  LAIC_TRY(measure(port, "output"));
  if (port.bytes && !isInjective(port))
    return fail(LAIC_INVALID_ARGUMENT, "output '%s': its strides let elements overlap", name);
  port.memory = port.dense = port.data;
  const bool usable = port.bytes && usableInPlace(port);
  bool shared = false;
  for (uint32_t i = 0; i < context.inputs.size(); ++i) {
    if (!overlap(port, context.inputs[i]))
      continue;
    if (!laic_module_may_alias(context.module, index, i))
      return fail(LAIC_INVALID_ARGUMENT, "output '%s' shares memory with input '%s', which this model does not allow", name,
                  context.inputs[i].info->name()->c_str());
    shared |= !usable || !growsInPlace(port, context.inputs[i]);
  }
  for (uint32_t i = 0; i < index; ++i)
    if (overlap(port, context.outputs[i]))
      return fail(LAIC_INVALID_ARGUMENT, "outputs '%s' and '%s' share memory", context.outputs[i].info->name()->c_str(), name);
  return port.bytes && (shared || !usable) ? stage(context, port) : nullptr;
}

// Gives buffers with room the strides of the memory that they see.
static void setStrides(laic_context &context) {
  for (uint32_t i = 0; i < context.buffers.size(); ++i) {
    const Buffer &buffer = *context.plan->buffers()->Get(i);
    const BufferSize &size = context.buffers[i];
    const Port *port = buffer.room_dim() == kNoDim || size.late ? nullptr : portOf(context, buffer);
    if (!port)
      continue;
    const int64_t *dims = context.bufferDims.data() + size.firstDim;
    int64_t *strides = context.bufferStrides.data() + size.firstDim;
    denseStrides(dims, size.rank, strides);
    int64_t stride = port->pitch;
    for (uint32_t d = buffer.room_dim(); port->pitch && d-- > 0;) {
      strides[d] = stride;
      if (__builtin_mul_overflow(stride, dims[d], &stride)) // of a dim before the first: nobody's
        break;
    }
  }
}

laic_status_t *rt::placePorts(laic_context &context) {
  for (Port &port : context.inputs)
    LAIC_TRY(placeInput(context, port));
  for (uint32_t i = 0; i < context.outputs.size(); ++i)
    LAIC_TRY(placeOutput(context, i));
  setStrides(context);
  return nullptr;
}

void rt::copyIn(laic_context &context) {
  for (Port &port : context.inputs) {
    if (port.dense == port.memory || !port.bytes)
      continue;
    int64_t dense[LAIC_MAX_RANK];
    denseStrides(port.sizes, port.rank(), dense);
    copyStrided(static_cast<char *>(port.dense), dense, static_cast<const char *>(port.memory), port.strides, port.sizes,
                port.rank(), port.elementSize());
  }
}

// How far along `dim` an output that grows in an input's memory lies there already; 0 when all of it has to be written.
static int64_t presentAlready(const laic_context &context, uint32_t index, uint32_t &dim) {
  const Port &output = context.outputs[index];
  if (output.info->room_dim() != kNoDim) // such an output may change elements of the input
    return 0;
  for (uint32_t i = 0; i < context.inputs.size(); ++i) {
    const Port &input = context.inputs[i];
    if (input.data != output.data || input.rank() != output.rank() || !laic_module_may_alias(context.module, index, i))
      continue;
    uint32_t grown = 0, differ = 0;
    for (uint32_t d = 0; d < output.rank(); ++d) {
      if (input.strides[d] != output.strides[d])
        return 0;
      if (input.sizes[d] != output.sizes[d]) {
        grown = d;
        ++differ;
      }
    }
    if (differ != 1 || input.sizes[grown] > output.sizes[grown])
      return 0;
    dim = grown;
    return input.sizes[grown];
  }
  return 0;
}

void rt::copyOut(laic_context &context) {
  for (uint32_t i = 0; i < context.outputs.size(); ++i) {
    Port &port = context.outputs[i];
    if (port.dense == port.memory || !port.bytes)
      continue;
    int64_t dense[LAIC_MAX_RANK], sizes[LAIC_MAX_RANK];
    denseStrides(port.sizes, port.rank(), dense);
    memcpy(sizes, port.sizes, sizeof sizes);
    uint32_t dim = 0;
    const int64_t start = presentAlready(context, i, dim), element = static_cast<int64_t>(port.elementSize());
    char *to = static_cast<char *>(port.memory);
    const char *from = static_cast<const char *>(port.dense);
    if (start > 0) {
      to += start * port.strides[dim] * element;
      from += start * dense[dim] * element;
      sizes[dim] -= start;
    }
    copyStrided(to, port.strides, from, dense, sizes, port.rank(), port.elementSize());
  }
}
