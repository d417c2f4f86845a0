// From the sizes of the inputs to the sizes of everything else.
#include "Context.h"

#include "Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

bool rt::denseStrides(const int64_t *sizes, uint32_t rank, int64_t *strides) {
  int64_t stride = 1;
  for (uint32_t i = rank; i-- > 0;) {
    strides[i] = stride;
    if (__builtin_mul_overflow(stride, sizes[i] ? sizes[i] : 1, &stride))
      return false;
  }
  return true;
}

bool rt::denseBytes(const int64_t *sizes, uint32_t rank, size_t elementSize, uint64_t *bytes) {
  int64_t total = static_cast<int64_t>(elementSize);
  bool empty = false;
  for (uint32_t i = 0; i < rank; ++i) {
    empty |= sizes[i] == 0;
    // Also with an empty dim the others must multiply, so that strides exist.
    if (__builtin_mul_overflow(total, sizes[i] ? sizes[i] : 1, &total))
      return false;
  }
  *bytes = empty ? 0 : static_cast<uint64_t>(total);
  return true;
}

static Fault readDim(void *self, uint32_t input, uint32_t dim, int64_t *out) {
  *out = static_cast<laic_context *>(self)->inputs[input].sizes[dim];
  return Fault::None;
}

static Fault readElement(void *self, uint32_t input, uint32_t element, int64_t *out) {
  const Port &port = static_cast<laic_context *>(self)->inputs[input];
  int64_t index = element, offset = 0;
  for (uint32_t i = port.rank(); i-- > 0;) {
    if (port.sizes[i] == 0)
      return Fault::Element;
    offset += index % port.sizes[i] * port.strides[i];
    index /= port.sizes[i];
  }
  if (index != 0)
    return Fault::Element;
  if (!port.data)
    return Fault::NoData;
  const char *address = static_cast<const char *>(port.data) + offset * static_cast<int64_t>(port.elementSize());
  if (port.info->type() == ElementType::I64) {
    memcpy(out, address, sizeof *out);
    return Fault::None;
  }
  int32_t narrow;
  memcpy(&narrow, address, sizeof narrow);
  *out = narrow;
  return Fault::None;
}

static Fault readBack(void *self, uint32_t read, uint32_t element, int64_t *out) {
  const ReadValues &from = static_cast<laic_context *>(self)->reads[read];
  if (!from.done)
    return Fault::Late;
  if (element >= from.count)
    return Fault::Element;
  *out = from.values[element];
  return Fault::None;
}

static SizeSource sourceOf(laic_context &context) { return {&context, readDim, readElement, readBack}; }

bool rt::elementsChanged(laic_context &context) { return context.scalars.elementsChanged(sourceOf(context)); }

static laic_status_t *runChecks(const laic_context &context) {
  for (uint32_t i = 0; i < count(context.plan->checks()); ++i) {
    const Check &check = *context.plan->checks()->Get(i);
    int64_t a, b;
    if (context.scalars.isLate(check.a()) || context.scalars.isLate(check.b()))
      continue;
    LAIC_TRY(context.scalars.get(check.a(), textOf(check.message()), &a));
    LAIC_TRY(context.scalars.get(check.b(), textOf(check.message()), &b));
    bool holds = check.kind() == CheckKind::Equal ? a == b : a >= b;
    if (!holds)
      return fail(LAIC_INVALID_ARGUMENT, "%s (got %lld, needs %s%lld)", textOf(check.message()), static_cast<long long>(a),
                  check.kind() == CheckKind::Equal ? "" : "at least ", static_cast<long long>(b));
  }
  return nullptr;
}

static laic_status_t *sizeOutputs(laic_context &context) {
  const SizeValues &shapes = context.shapes.plan ? context.shapes : context.scalars;
  uint32_t next = 0;
  for (Port &port : context.outputs) {
    port.late = false;
    port.bytes = 0;
    for (uint32_t d = 0; d < port.rank(); ++d) {
      uint32_t scalar = context.entry->output_shapes()->Get(next++);
      if (shapes.isLate(scalar)) {
        port.late = port.comesLate = true;
        port.sizes[d] = -1;
        continue;
      }
      LAIC_TRY(shapes.get(scalar, port.info->name()->c_str(), &port.sizes[d]));
      int64_t declared = port.info->shape()->Get(d)->value();
      if (port.sizes[d] < 0 || (declared >= 0 && declared != port.sizes[d]))
        return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: dim %u of output '%s' comes out as %lld", d,
                    port.info->name()->c_str(), static_cast<long long>(port.sizes[d]));
    }
    if (!port.late && !denseBytes(port.sizes, port.rank(), port.elementSize(), &port.bytes))
      return fail(LAIC_INVALID_ARGUMENT, "output '%s' is too large", port.info->name()->c_str());
  }
  return nullptr;
}

static int64_t product(const int64_t *sizes, uint32_t begin, uint32_t end) {
  int64_t result = 1;
  for (uint32_t i = begin; i < end; ++i)
    result *= sizes[i];
  return result;
}

// Memory with room has gaps, at the same places for all that see it: both what is before the dim and what is from it on must fit.
static bool fitsWithRoom(const laic_context &context, uint32_t i, const Port &port) {
  const BufferSize &size = context.buffers[i];
  const int64_t *dims = context.bufferDims.data() + size.firstDim;
  uint32_t room = context.plan->buffers()->Get(i)->room_dim();
  return size.bytes == 0 || (product(dims, 0, room) <= product(port.sizes, 0, port.roomDim) &&
                             product(dims, room, size.rank) <= product(port.sizes, port.roomDim, port.rank()));
}

// Does buffer i lie inside what it is a view of?
static laic_status_t *boundBuffer(laic_context &context, uint32_t i) {
  const Buffer &buffer = *context.plan->buffers()->Get(i);
  BufferSize &size = context.buffers[i];
  uint64_t room = 0, offset = 0;
  switch (buffer.storage()) {
  case Storage::Input:
  case Storage::Output: {
    const Port &port = *portOf(context, buffer);
    if (port.roomDim != kNoDim && !fitsWithRoom(context, i, port))
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: buffer %u does not fit '%s'", i, port.info->name()->c_str());
    room = port.bytes;
    break;
  }
  case Storage::Constant: // bounded when the module was loaded
  case Storage::Late:     // has a slot that grows with it
    return nullptr;
  case Storage::HostArena:
  case Storage::Arena: {
    int64_t value;
    LAIC_TRY(context.scalars.get(buffer.offset_scalar(), "the offset of a buffer", &value));
    if (value < 0 || static_cast<uint64_t>(value) % kTensorAlignment != 0)
      return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: buffer %u starts at byte %lld of the arena", i,
                  static_cast<long long>(value));
    offset = static_cast<uint64_t>(value);
    size.arenaOffset = offset;
    room = buffer.storage() == Storage::Arena ? context.arenaBytes : context.hostArenaBytes;
    break;
  }
  }
  if (offset > room || size.bytes > room - offset)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: buffer %u has %llu bytes from %llu on, there are %llu", i,
                static_cast<unsigned long long>(size.bytes), static_cast<unsigned long long>(offset),
                static_cast<unsigned long long>(room));
  return nullptr;
}

static laic_status_t *sizeArena(laic_context &context, uint32_t scalar, uint64_t &bytes) {
  int64_t arena = 0;
  if (scalar != kNoScalar)
    LAIC_TRY(context.scalars.get(scalar, "the size of the arena", &arena));
  if (arena < 0)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: the arena has %lld bytes", static_cast<long long>(arena));
  bytes = static_cast<uint64_t>(arena);
  return nullptr;
}

static laic_status_t *sizeBuffers(laic_context &context) {
  LAIC_TRY(sizeArena(context, context.plan->arena_size(), context.arenaBytes));
  LAIC_TRY(sizeArena(context, context.plan->host_arena_size(), context.hostArenaBytes));
  for (uint32_t i = 0; i < context.buffers.size(); ++i) {
    const Buffer &buffer = *context.plan->buffers()->Get(i);
    BufferSize &size = context.buffers[i];
    int64_t *dims = context.bufferDims.data() + size.firstDim;
    size.late = false;
    for (uint32_t d = 0; d < size.rank; ++d) {
      dims[d] = 0;
      if (context.scalars.isLate(buffer.shape()->Get(d))) {
        size.late = true;
        continue;
      }
      LAIC_TRY(context.scalars.get(buffer.shape()->Get(d), "the size of a buffer", &dims[d]));
      if (dims[d] < 0)
        return fail(LAIC_INVALID_ARGUMENT, "the input sizes give a tensor inside the model a size of %lld",
                    static_cast<long long>(dims[d]));
    }
    if (!denseBytes(dims, size.rank, laic_type_size(static_cast<laic_type_t>(buffer.type())), &size.bytes) ||
        !denseStrides(dims, size.rank, context.bufferStrides.data() + size.firstDim))
      return fail(LAIC_INVALID_ARGUMENT, "the input sizes are too large: a tensor inside the model overflows 64 bits");
    if (size.late)
      size.bytes = 0;
    else
      LAIC_TRY(boundBuffer(context, i));
  }
  return nullptr;
}

static laic_status_t *evaluateSizes(laic_context &context) {
  context.scalars.evaluate(sourceOf(context));
  if (context.shapes.plan)
    context.shapes.evaluate(sourceOf(context));
  LAIC_TRY(runChecks(context));
  LAIC_TRY(sizeOutputs(context));
  return sizeBuffers(context);
}

// A value is live in its slot from the first read on that its size mentions, so growing loses nothing.
laic_status_t *rt::reserveLate(laic_context &context) {
  for (uint32_t i = 0; i < context.buffers.size(); ++i) {
    const Buffer &buffer = *context.plan->buffers()->Get(i);
    if (buffer.storage() == Storage::Late && !context.buffers[i].late &&
        !context.lateSlots[buffer.index()].reserve(context.allocator, context.buffers[i].bytes))
      return fail(LAIC_OUT_OF_MEMORY, "out of memory: a tensor inside the model needs %llu bytes",
                  static_cast<unsigned long long>(context.buffers[i].bytes));
  }
  return nullptr;
}

// The element at `address`, of an integer type that the verifier admits.
static int64_t readInteger(ElementType type, const void *address) {
  switch (type) {
  case ElementType::I64: {
    int64_t value;
    memcpy(&value, address, sizeof value);
    return value;
  }
  case ElementType::I32: {
    int32_t value;
    memcpy(&value, address, sizeof value);
    return value;
  }
  case ElementType::I16: {
    int16_t value;
    memcpy(&value, address, sizeof value);
    return value;
  }
  default: {
    int8_t value;
    memcpy(&value, address, sizeof value);
    return value;
  }
  }
}

laic_status_t *rt::readSizes(laic_context &context, uint32_t index, const void *data) {
  const Step &step = *context.plan->steps()->Get(index);
  uint32_t operand = step.operands()->Get(0);
  const Buffer &buffer = *context.plan->buffers()->Get(operand);
  const size_t elementSize = laic_type_size(static_cast<laic_type_t>(buffer.type()));
  ReadValues &read = context.reads[step.kernel()];
  read.done = true;
  read.count = static_cast<uint32_t>(context.buffers[operand].bytes / elementSize);
  for (uint32_t i = 0; i < read.count; ++i)
    read.values[i] = readInteger(buffer.type(), static_cast<const char *>(data) + i * elementSize);
  return settleSizes(context);
}

laic_status_t *rt::settleSizes(laic_context &context) {
  LAIC_TRY(evaluateSizes(context));
  LAIC_TRY(reserveLate(context));
  LAIC_TRY(placePorts(context));
  const Driver *host = context.driver->host ? context.driver : findHostDriver();
  LAIC_TRY(host->prepare(context));
  host->bind(context);
  return nullptr;
}

laic_status_t *rt::computeSizes(laic_context &context) {
  context.sizesKnown = context.prepared = context.placed = false;
  for (ReadValues &read : context.reads)
    read.done = false;
  for (Port &port : context.outputs)
    port.comesLate = false;
  LAIC_TRY(evaluateSizes(context));
  context.sizesKnown = true;
  return nullptr;
}
