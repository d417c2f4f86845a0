// The semantic verifier: after it, every index, offset and size in the program can be relied on.
//
// What depends on run-time sizes (shapes, arena offsets, tile counts) is bounded again whenever sizes change; see Context.cpp.
// The work is linear in the bytes of the program: FlatBuffers may share a vector among many tables, so elements are paid for out
// of a budget.
#include "Context.h"
#include "HostCalls.h"
#include "Module.h"
#include "Sizes.h"
#include "Status.h"

#include "laic/kernel_abi.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

namespace {

constexpr size_t kMinProgram = 16;
constexpr size_t kMaxProgram = size_t{1} << 30; // FlatBuffers offsets have 31 bits
constexpr uint32_t kMaxDepth = 16;
constexpr uint32_t kMaxTables = 8u << 20;
constexpr uint64_t kBudgetPerByte = 4;
constexpr uint64_t kCodeAlignment = 4;
constexpr uint32_t kMaxNesting = 8; // of programs in programs

#define INVALID(...) fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: " __VA_ARGS__)

// A dim that the plan knows without inputs.
struct Known {
  int64_t value;
  bool known;
};

// How the entries of a program run each other: each but the first in at most one step of an entry before it.
struct Nesting {
  uint32_t depth; // 0: no step has named the entry
};

struct Verifier {
  laic_module &module;
  const Program &program;
  uint64_t budget;
  Array<Nesting> nesting; // per entry
  uint32_t current;       // the entry in hand

  laic_status_t *pay(uint64_t elements) {
    if (elements > budget)
      return INVALID("its tables hold more than its %s", "bytes allow");
    budget -= elements;
    return nullptr;
  }

  laic_status_t *segments();
  laic_status_t *kernels();
  laic_status_t *hostFunctions();
  laic_status_t *entry(const Entry &entry);
  laic_status_t *tensor(const Tensor *tensor, const char *role, uint32_t index, const Entry &entry, bool output);
  laic_status_t *plan(const Plan *plan, uint32_t index, const Entry &entry);
  laic_status_t *entries();
};

bool isText(const flatbuffers::String *text) { return text != nullptr; }

uint32_t rankOf(const Tensor &tensor) { return count(tensor.shape()); }

laic_status_t *checkType(ElementType type, const char *where, uint32_t index) {
  if (laic_type_size(static_cast<laic_type_t>(type)) == 0)
    return fail(LAIC_UNSUPPORTED, "artifact needs a newer runtime: %s %u has element type %u", where, index,
                static_cast<unsigned>(type));
  return nullptr;
}

laic_status_t *Verifier::segments() {
  uint32_t total = count(program.segments());
  LAIC_TRY(pay(total));
  if (!module.segments.allocate(module.allocator, total) || !module.code.allocate(module.allocator, total))
    return outOfMemory();
  for (uint32_t i = 0; i < total; ++i) {
    const Segment &segment = *program.segments()->Get(i);
    if (segment.kind() > SegmentKind::MAX)
      return INVALID("segment %u has kind %u", i, static_cast<unsigned>(segment.kind()));
    if (segment.section() >= module.sections.size())
      return INVALID("segment %u refers to section %u of %zu", i, segment.section(), module.sections.size());
    const SectionEntry &section = module.sections[segment.section()];
    SectionKind kind = segment.kind() == SegmentKind::Code ? SectionKind::Code : SectionKind::Weights;
    if (section.kind != static_cast<uint32_t>(kind))
      return INVALID("segment %u and its section %u differ in kind", i, segment.section());
    if (section.length != segment.length())
      return INVALID("segment %u says %llu bytes, its section has %llu", i, static_cast<unsigned long long>(segment.length()),
                     static_cast<unsigned long long>(section.length));
    module.segments[i] = {segment.kind(), module.file.data + section.offset, section.offset, section.length};
  }
  return nullptr;
}

laic_status_t *Verifier::kernels() {
  for (uint32_t i = 0; i < count(program.kernels()); ++i) {
    const Kernel &kernel = *program.kernels()->Get(i);
    LAIC_TRY(pay(1 + count(kernel.variants())));
    if (!isText(kernel.name()))
      return INVALID("kernel %u has no name", i);
    if (count(kernel.variants()) == 0)
      return INVALID("kernel %u has no variants", i);
    for (uint32_t j = 0; j < count(kernel.variants()); ++j) {
      const Variant &variant = *kernel.variants()->Get(j);
      LAIC_TRY(pay(count(variant.requires_())));
      if (variant.segment() >= module.segments.size() || module.segments[variant.segment()].kind != SegmentKind::Code)
        return INVALID("variant %u of kernel %u refers to segment %u, which is no code segment", j, i, variant.segment());
      uint64_t length = module.segments[variant.segment()].length;
      if (variant.size() == 0 || variant.offset() > length || variant.size() > length - variant.offset())
        return INVALID("variant %u of kernel %u lies outside its segment", j, i);
      if (variant.offset() % kCodeAlignment != 0)
        return INVALID("variant %u of kernel %u is not aligned", j, i);
    }
  }
  return nullptr;
}

laic_status_t *Verifier::hostFunctions() {
  for (uint32_t i = 0; i < count(program.host_functions()); ++i) {
    const flatbuffers::String *name = program.host_functions()->Get(i);
    LAIC_TRY(pay(1 + name->size()));
    if (!isHostName(name->c_str(), name->size()))
      return INVALID("host function %u has no name of the form 'library.name'", i);
  }
  return nullptr;
}

laic_status_t *Verifier::tensor(const Tensor *tensor, const char *role, uint32_t index, const Entry &entry, bool output) {
  LAIC_TRY(pay(1 + rankOf(*tensor) + count(tensor->may_alias())));
  if (!isText(tensor->name()))
    return INVALID("%s %u has no name", role, index);
  LAIC_TRY(checkType(tensor->type(), role, index));
  if (rankOf(*tensor) > LAIC_MAX_RANK)
    return INVALID("%s %u has rank %u, at most %d is possible", role, index, rankOf(*tensor), LAIC_MAX_RANK);
  for (uint32_t i = 0; i < rankOf(*tensor); ++i)
    if (tensor->shape()->Get(i)->value() < -1)
      return INVALID("%s %u has a negative size", role, index);
  if (tensor->room_dim() != kNoDim && tensor->type() == ElementType::String)
    return INVALID("%s %u holds strings, which have no room", role, index);
  if (tensor->room_dim() != kNoDim && tensor->room_dim() >= rankOf(*tensor))
    return INVALID("%s %u has room along dim %u, its rank is %u", role, index, tensor->room_dim(), rankOf(*tensor));
  for (uint32_t i = 0; i < count(tensor->may_alias()); ++i)
    if (!output || tensor->may_alias()->Get(i) >= count(entry.inputs()))
      return INVALID("%s %u may alias input %u of %u", role, index, tensor->may_alias()->Get(i), count(entry.inputs()));
  return nullptr;
}

laic_status_t *Verifier::entry(const Entry &entry) {
  LAIC_TRY(pay(uint64_t{1} + count(entry.inputs()) + count(entry.outputs()) + count(entry.output_shapes())));
  for (uint32_t i = 0; i < count(entry.inputs()); ++i)
    LAIC_TRY(tensor(entry.inputs()->Get(i), "input", i, entry, false));
  uint64_t dims = 0;
  for (uint32_t i = 0; i < count(entry.outputs()); ++i) {
    LAIC_TRY(tensor(entry.outputs()->Get(i), "output", i, entry, true));
    dims += rankOf(*entry.outputs()->Get(i));
  }
  if (count(entry.plans()) == 0)
    return INVALID("an entry has no %s", "plan");
  for (uint32_t i = 0; i < count(entry.plans()); ++i)
    LAIC_TRY(plan(entry.plans()->Get(i), i, entry));
  uint32_t scalars = count(entry.plans()->Get(0)->scalars());
  if (count(entry.output_shapes()) != dims)
    return INVALID("output_shapes has %u sizes, the outputs have %llu dims", count(entry.output_shapes()),
                   static_cast<unsigned long long>(dims));
  for (uint32_t i = 0; i < dims; ++i)
    if (entry.output_shapes()->Get(i) >= scalars)
      return INVALID("output_shapes refers to scalar %u of %u", entry.output_shapes()->Get(i), scalars);
  return nullptr;
}

// ---- plans ----

struct PlanVerifier {
  Verifier &program;
  const Plan &plan;
  const Entry &entry;
  uint32_t index;
  Array<Known> known; // per scalar
  Array<bool> reads;  // per read: is there a step for it?

  laic_status_t *scalar(uint32_t i);
  laic_status_t *checks();
  laic_status_t *buffer(uint32_t i);
  laic_status_t *constant(const Buffer &buffer, uint32_t i);
  laic_status_t *step(uint32_t i);
  laic_status_t *read(const Step &step, uint32_t i);
  laic_status_t *port(const Buffer &buffer, const Tensor &port, uint32_t i);
  laic_status_t *readNumber(const Step &step, uint32_t i);
  laic_status_t *call(const Step &step, uint32_t i);
  laic_status_t *callee(const Step &step, uint32_t i, uint32_t index);
  laic_status_t *fits(const Step &step, uint32_t i, uint32_t operand, const Tensor &tensor, uint32_t rank);
  laic_status_t *hostCall(const Step &step, uint32_t i);
  laic_status_t *hostMemory(const Step &step, uint32_t i);
  laic_status_t *arguments(const Step &step, uint32_t i);
  laic_status_t *run();

  uint32_t scalarCount() const { return count(plan.scalars()); }
};

laic_status_t *PlanVerifier::scalar(uint32_t i) {
  const Scalar &s = *plan.scalars()->Get(i);
  if (s.op() > ScalarOp::MAX)
    return fail(LAIC_UNSUPPORTED, "artifact needs a newer runtime: plan %u: scalar %u has operation %u", index, i,
                static_cast<unsigned>(s.op()));
  if (s.op() == ScalarOp::Const) {
    known[i] = {s.value(), true};
    return nullptr;
  }
  if (s.op() == ScalarOp::ReadElement) {
    if (s.a() >= reads.size() || s.b() >= kMaxReadElements)
      return INVALID("plan %u: scalar %u refers to element %u of read %u of %zu", index, i, s.b(), s.a(), reads.size());
    return nullptr;
  }
  if (s.op() == ScalarOp::InputDim || s.op() == ScalarOp::InputElement) {
    if (s.a() >= count(entry.inputs()))
      return INVALID("plan %u: scalar %u refers to input %u of %u", index, i, s.a(), count(entry.inputs()));
    const Tensor &input = *entry.inputs()->Get(s.a());
    if (s.op() == ScalarOp::InputElement) {
      if (input.type() != ElementType::I64 && input.type() != ElementType::I32)
        return INVALID("plan %u: scalar %u reads an element of input %u, which is not i64 or i32", index, i, s.a());
      return nullptr;
    }
    if (s.b() >= rankOf(input))
      return INVALID("plan %u: scalar %u refers to dim %u of input %u, which has rank %u", index, i, s.b(), s.a(), rankOf(input));
    int64_t size = input.shape()->Get(s.b())->value();
    known[i] = {size, size >= 0};
    return nullptr;
  }
  bool select = s.op() == ScalarOp::Select;
  if (s.a() >= i || s.b() >= i || (select && (s.value() < 0 || s.value() >= i)))
    return INVALID("plan %u: scalar %u refers to a scalar that is not before it", index, i);
  if (select) {
    const Known &condition = known[static_cast<size_t>(s.value())];
    if (condition.known)
      known[i] = known[condition.value ? s.a() : s.b()];
    return nullptr;
  }
  if (known[s.a()].known && known[s.b()].known)
    known[i].known = computeScalar(s.op(), known[s.a()].value, known[s.b()].value, &known[i].value) == Fault::None;
  return nullptr;
}

laic_status_t *PlanVerifier::checks() {
  for (uint32_t i = 0; i < count(plan.checks()); ++i) {
    const Check &check = *plan.checks()->Get(i);
    if (check.kind() > CheckKind::MAX)
      return fail(LAIC_UNSUPPORTED, "artifact needs a newer runtime: plan %u: check %u has kind %u", index, i,
                  static_cast<unsigned>(check.kind()));
    if (check.a() >= scalarCount() || check.b() >= scalarCount())
      return INVALID("plan %u: check %u refers to scalar %u of %u", index, i, check.a() >= scalarCount() ? check.a() : check.b(),
                     scalarCount());
  }
  return nullptr;
}

laic_status_t *PlanVerifier::constant(const Buffer &buffer, uint32_t i) {
  const Array<SegmentView> &segments = program.module.segments;
  if (buffer.index() >= segments.size() || segments[buffer.index()].kind != SegmentKind::Weights)
    return INVALID("plan %u: buffer %u refers to segment %u, which is no weight segment", index, i, buffer.index());
  if (buffer.type() == ElementType::String)
    return INVALID("plan %u: constant buffer %u holds strings, whose addresses no file knows", index, i);
  int64_t bytes = static_cast<int64_t>(laic_type_size(static_cast<laic_type_t>(buffer.type())));
  bool empty = false;
  for (uint32_t d = 0; d < count(buffer.shape()); ++d) {
    const Known &size = known[buffer.shape()->Get(d)];
    if (!size.known || size.value < 0)
      return INVALID("plan %u: constant buffer %u has no static size in dim %u", index, i, d);
    empty |= size.value == 0;
    if (__builtin_mul_overflow(bytes, size.value ? size.value : 1, &bytes))
      return INVALID("plan %u: the size of constant buffer %u overflows", index, i);
  }
  uint64_t length = segments[buffer.index()].length, needed = empty ? 0 : static_cast<uint64_t>(bytes);
  if (buffer.offset() > length || needed > length - buffer.offset())
    return INVALID("plan %u: constant buffer %u lies outside segment %u", index, i, buffer.index());
  if (buffer.offset() % kTensorAlignment != 0)
    return INVALID("plan %u: constant buffer %u is not aligned to %d bytes", index, i, static_cast<int>(kTensorAlignment));
  return nullptr;
}

laic_status_t *PlanVerifier::buffer(uint32_t i) {
  const Buffer &buffer = *plan.buffers()->Get(i);
  LAIC_TRY(program.pay(1 + count(buffer.shape())));
  LAIC_TRY(checkType(buffer.type(), "buffer", i));
  if (count(buffer.shape()) > LAIC_MAX_RANK)
    return INVALID("plan %u: buffer %u has rank %u, at most %d is possible", index, i, count(buffer.shape()), LAIC_MAX_RANK);
  for (uint32_t d = 0; d < count(buffer.shape()); ++d)
    if (buffer.shape()->Get(d) >= scalarCount())
      return INVALID("plan %u: dim %u of buffer %u refers to scalar %u of %u", index, d, i, buffer.shape()->Get(d),
                     scalarCount());
  bool callers = buffer.storage() == Storage::Input || buffer.storage() == Storage::Output;
  if (buffer.room_dim() != kNoDim && (!callers || buffer.room_dim() >= count(buffer.shape())))
    return INVALID("plan %u: buffer %u cannot have room along dim %u", index, i, buffer.room_dim());
  switch (buffer.storage()) {
  case Storage::Input:
    if (buffer.index() >= count(entry.inputs()))
      return INVALID("plan %u: buffer %u refers to input %u of %u", index, i, buffer.index(), count(entry.inputs()));
    return port(buffer, *entry.inputs()->Get(buffer.index()), i);
  case Storage::Output:
    if (buffer.index() >= count(entry.outputs()))
      return INVALID("plan %u: buffer %u refers to output %u of %u", index, i, buffer.index(), count(entry.outputs()));
    return port(buffer, *entry.outputs()->Get(buffer.index()), i);
  case Storage::Constant:
    return constant(buffer, i);
  case Storage::Late:
    if (buffer.index() >= count(plan.buffers()))
      return INVALID("plan %u: buffer %u refers to slot %u, there are %u buffers", index, i, buffer.index(),
                     count(plan.buffers()));
    return nullptr;
  case Storage::HostArena:
    if (plan.host_arena_size() == kNoScalar)
      return INVALID("plan %u: buffer %u lies in host memory, of which the plan has none", index, i);
    [[fallthrough]];
  case Storage::Arena:
    if (buffer.offset_scalar() >= scalarCount())
      return INVALID("plan %u: buffer %u refers to scalar %u of %u", index, i, buffer.offset_scalar(), scalarCount());
    return nullptr;
  }
  return INVALID("plan %u: buffer %u has storage %u", index, i, static_cast<unsigned>(buffer.storage()));
}

// Numbers of the caller are no strings, nor strings numbers; a buffer has room where its input or output has.
laic_status_t *PlanVerifier::port(const Buffer &buffer, const Tensor &port, uint32_t i) {
  auto sizeOf = [](ElementType type) { return laic_type_size(static_cast<laic_type_t>(type)); };
  if (buffer.room_dim() != kNoDim && (port.room_dim() == kNoDim || sizeOf(buffer.type()) != sizeOf(port.type())))
    return INVALID("plan %u: buffer %u has room that its input or output does not have", index, i);
  if ((buffer.type() == ElementType::String) != (port.type() == ElementType::String))
    return INVALID("plan %u: buffer %u sees an input or output of strings as numbers, or of numbers as strings", index, i);
  return nullptr;
}

laic_status_t *PlanVerifier::readNumber(const Step &step, uint32_t i) {
  if (step.kernel() >= reads.size() || reads[step.kernel()])
    return INVALID("plan %u: step %u is read %u of %zu, or not the only one of that number", index, i, step.kernel(),
                   reads.size());
  reads[step.kernel()] = true;
  return nullptr;
}

// A program lies behind the entry that runs it, and no other step runs it: contexts of programs form a small tree.
laic_status_t *PlanVerifier::callee(const Step &step, uint32_t i, uint32_t callee) {
  const uint32_t entries = count(program.program.entries());
  if (callee <= program.current || callee >= entries)
    return INVALID("plan %u: step %u runs entry %u, there are %u to %u", index, i, callee, program.current + 1, entries);
  Nesting &nesting = program.nesting[callee];
  if (nesting.depth)
    return INVALID("plan %u: step %u runs entry %u, which another step runs", index, i, callee);
  nesting.depth = program.nesting[program.current].depth + 1;
  if (nesting.depth > kMaxNesting)
    return INVALID("plan %u: step %u runs entry %u, which lies in more than %u others", index, i, callee, kMaxNesting);
  const Entry &entry = *program.program.entries()->Get(callee);
  if (count(entry.plans()) != 1)
    return INVALID("plan %u: step %u runs entry %u, which has %u plans", index, i, callee, count(entry.plans()));
  const bool loop = step.kind() == StepKind::Loop;
  const uint32_t given = count(step.operands()) - step.outputs(), leading = loop ? 2 : 1; // trip count and condition
  const uint32_t inputs = given - leading + (loop ? 2 : 0), outputs = step.outputs() + (loop ? 1 : 0);
  if (count(entry.inputs()) != inputs || count(entry.outputs()) != outputs)
    return INVALID("plan %u: step %u runs entry %u, which has %u inputs and %u outputs", index, i, callee, count(entry.inputs()),
                   count(entry.outputs()));
  for (uint32_t k = 0; k + leading < given; ++k)
    LAIC_TRY(fits(step, i, leading + k, *entry.inputs()->Get((loop ? 2 : 0) + k), 0));
  for (uint32_t k = 0; k < step.outputs(); ++k) {
    const bool stacked = loop && k >= step.carried();
    LAIC_TRY(fits(step, i, given + k, *entry.outputs()->Get((loop ? 1 : 0) + k), stacked ? 1 : 0));
  }
  if (!loop)
    return nullptr;
  // What the step itself binds and reads. Carried values come back as they went in.
  const Tensor &iteration = *entry.inputs()->Get(0), &before = *entry.inputs()->Get(1), &after = *entry.outputs()->Get(0);
  if (iteration.type() != ElementType::I64 || rankOf(iteration) != 0 || before.type() != ElementType::Bool ||
      rankOf(before) != 0 || after.type() != ElementType::Bool)
    return INVALID("plan %u: step %u runs entry %u, which is no body of a loop", index, i, callee);
  for (uint32_t k = 0; k < step.carried(); ++k)
    LAIC_TRY(fits(step, i, leading + k, *entry.outputs()->Get(1 + k), 0));
  return nullptr;
}

// Does the operand have the tensor's element size, and `rank` dims more than it?
laic_status_t *PlanVerifier::fits(const Step &step, uint32_t i, uint32_t operand, const Tensor &tensor, uint32_t rank) {
  const Buffer &buffer = *plan.buffers()->Get(step.operands()->Get(operand));
  if (laic_type_size(static_cast<laic_type_t>(buffer.type())) != laic_type_size(static_cast<laic_type_t>(tensor.type())) ||
      (buffer.type() == ElementType::String) != (tensor.type() == ElementType::String) ||
      count(buffer.shape()) != rankOf(tensor) + rank)
    return INVALID("plan %u: operand %u of step %u does not fit the program that it runs", index, operand, i);
  return nullptr;
}

laic_status_t *PlanVerifier::call(const Step &step, uint32_t i) {
  const bool loop = step.kind() == StepKind::Loop;
  const uint32_t operands = count(step.operands()), given = operands - step.outputs();
  LAIC_TRY(program.pay(count(step.programs())));
  if (count(step.programs()) != (loop ? 1u : 2u))
    return INVALID("plan %u: step %u runs %u programs", index, i, count(step.programs()));
  if (given < (loop ? 2u : 1u) || (loop && (step.carried() > given - 2 || step.carried() > step.outputs())))
    return INVALID("plan %u: step %u is a call with %u operands, %u written", index, i, operands, step.outputs());
  uint32_t dims = 0;
  for (uint32_t k = 0; k < operands; ++k) {
    const Buffer &buffer = *plan.buffers()->Get(step.operands()->Get(k));
    if (buffer.storage() == Storage::Arena && step.host())
      return INVALID("plan %u: step %u runs on the host on buffer %u, which lies on the device", index, i,
                     step.operands()->Get(k));
    dims += k >= given ? count(buffer.shape()) : 0;
  }
  for (uint32_t k = 0; k < (loop ? 2u : 1u); ++k) {
    const Buffer &buffer = *plan.buffers()->Get(step.operands()->Get(k));
    const size_t size = laic_type_size(static_cast<laic_type_t>(buffer.type()));
    bool single = size == (loop && k == 0 ? sizeof(int64_t) : 1);
    for (uint32_t d = 0; d < count(buffer.shape()); ++d)
      single = single && known[buffer.shape()->Get(d)].known && known[buffer.shape()->Get(d)].value == 1;
    if (!single)
      return INVALID("plan %u: step %u is decided by buffer %u, which is no single number", index, i, step.operands()->Get(k));
  }
  if (count(step.scalars()) > (step.kernel() == kNoScalar ? 0 : kMaxReadElements))
    return INVALID("plan %u: step %u reads %u sizes", index, i, count(step.scalars()));
  for (uint32_t k = 0; k < count(step.scalars()); ++k)
    if (step.scalars()->Get(k) >= dims)
      return INVALID("plan %u: step %u reads dim %u of its outputs, which have %u", index, i, step.scalars()->Get(k), dims);
  if (step.kernel() != kNoScalar)
    LAIC_TRY(readNumber(step, i));
  for (uint32_t k = 0; k < count(step.programs()); ++k)
    LAIC_TRY(callee(step, i, step.programs()->Get(k)));
  return nullptr;
}

// A read has one operand, small and of a size that is known now.
laic_status_t *PlanVerifier::read(const Step &step, uint32_t i) {
  if (count(step.operands()) != 1 || step.outputs() != 0)
    return INVALID("plan %u: step %u is a read with %u operands, %u written", index, i, count(step.operands()), step.outputs());
  LAIC_TRY(readNumber(step, i));
  const Buffer &buffer = *plan.buffers()->Get(step.operands()->Get(0));
  if (buffer.storage() == Storage::Arena && step.host())
    return INVALID("plan %u: step %u reads buffer %u, which lies on the device", index, i, step.operands()->Get(0));
  ElementType type = buffer.type();
  if (type != ElementType::I64 && type != ElementType::I32 && type != ElementType::I16 && type != ElementType::I8 &&
      type != ElementType::Bool)
    return INVALID("plan %u: step %u reads a buffer that does not hold integers", index, i);
  int64_t elements = 1;
  for (uint32_t d = 0; d < count(buffer.shape()); ++d) {
    const Known &size = known[buffer.shape()->Get(d)];
    if (!size.known || size.value < 0 || size.value > kMaxReadElements || (elements *= size.value) > kMaxReadElements)
      return INVALID("plan %u: step %u reads a buffer without a known size of at most %u elements", index, i, kMaxReadElements);
  }
  return nullptr;
}

laic_status_t *PlanVerifier::hostCall(const Step &step, uint32_t i) {
  if (step.kernel() >= count(program.program.host_functions()))
    return INVALID("plan %u: step %u refers to host function %u of %u", index, i, step.kernel(),
                   count(program.program.host_functions()));
  if (step.outputs() == 0 || count(step.operands()) > kMaxHostOperands)
    return INVALID("plan %u: step %u calls a host function with %u operands, %u written", index, i, count(step.operands()),
                   step.outputs());
  LAIC_TRY(hostMemory(step, i));
  return arguments(step, i);
}

laic_status_t *PlanVerifier::hostMemory(const Step &step, uint32_t i) {
  for (uint32_t k = 0; k < count(step.operands()) && step.host(); ++k)
    if (plan.buffers()->Get(step.operands()->Get(k))->storage() == Storage::Arena)
      return INVALID("plan %u: step %u runs on the host on buffer %u, which lies on the device", index, i,
                     step.operands()->Get(k));
  return nullptr;
}

laic_status_t *PlanVerifier::arguments(const Step &step, uint32_t i) {
  for (uint32_t k = 0; k < count(step.scalars()); ++k)
    if (step.scalars()->Get(k) >= scalarCount())
      return INVALID("plan %u: step %u refers to scalar %u of %u", index, i, step.scalars()->Get(k), scalarCount());
  if (step.tiles() >= scalarCount() || step.workspace() >= scalarCount())
    return INVALID("plan %u: step %u refers to scalar %u of %u", index, i,
                   step.tiles() >= scalarCount() ? step.tiles() : step.workspace(), scalarCount());
  return nullptr;
}

laic_status_t *PlanVerifier::step(uint32_t i) {
  const Step &step = *plan.steps()->Get(i);
  uint32_t operands = count(step.operands());
  LAIC_TRY(program.pay(uint64_t{1} + operands + count(step.scalars())));
  if (step.kind() > StepKind::MAX)
    return fail(LAIC_UNSUPPORTED, "artifact needs a newer runtime: plan %u: step %u has kind %u", index, i,
                static_cast<unsigned>(step.kind()));
  if (step.node() >= count(program.program.nodes()))
    return INVALID("plan %u: step %u refers to node %u of %u", index, i, step.node(), count(program.program.nodes()));
  if (step.outputs() > operands)
    return INVALID("plan %u: step %u writes %u of %u operands", index, i, step.outputs(), operands);
  for (uint32_t k = 0; k < operands; ++k) {
    uint32_t operand = step.operands()->Get(k);
    if (operand >= count(plan.buffers()))
      return INVALID("plan %u: step %u refers to buffer %u of %u", index, i, operand, count(plan.buffers()));
    Storage storage = plan.buffers()->Get(operand)->storage();
    if (k >= operands - step.outputs() && (storage == Storage::Input || storage == Storage::Constant))
      return INVALID("plan %u: step %u writes buffer %u, which is %s", index, i, operand,
                     storage == Storage::Input ? "an input" : "a constant");
    if (step.kind() != StepKind::Dispatch && plan.buffers()->Get(operand)->room_dim() != kNoDim)
      return INVALID("plan %u: step %u runs no kernel, yet its buffer %u has room", index, i, operand);
  }
  if (step.kind() == StepKind::Copy) {
    if (operands != 2 || step.outputs() != 1)
      return INVALID("plan %u: step %u is a copy with %u operands, %u written", index, i, operands, step.outputs());
    const Buffer &from = *plan.buffers()->Get(step.operands()->Get(0)), &to = *plan.buffers()->Get(step.operands()->Get(1));
    if ((from.type() == ElementType::String) != (to.type() == ElementType::String))
      return INVALID("plan %u: step %u copies between strings and numbers", index, i);
    return nullptr;
  }
  if (step.kind() == StepKind::Read)
    return read(step, i);
  if (isCall(step))
    return call(step, i);
  if (step.kind() == StepKind::HostCall)
    return hostCall(step, i);
  LAIC_TRY(hostMemory(step, i));
  if (step.kernel() >= count(program.program.kernels()))
    return INVALID("plan %u: step %u refers to kernel %u of %u", index, i, step.kernel(), count(program.program.kernels()));
  return arguments(step, i);
}

laic_status_t *PlanVerifier::run() {
  if (!isText(plan.device()))
    return INVALID("plan %u names no device", index);
  LAIC_TRY(program.pay(uint64_t{1} + scalarCount() + count(plan.checks())));
  uint32_t total = 0;
  for (uint32_t i = 0; i < count(plan.steps()); ++i)
    total += isRead(*plan.steps()->Get(i));
  if (!known.allocate(program.module.allocator, scalarCount()) || !reads.allocate(program.module.allocator, total))
    return outOfMemory();
  for (uint32_t i = 0; i < scalarCount(); ++i)
    LAIC_TRY(scalar(i));
  LAIC_TRY(checks());
  for (uint32_t i = 0; i < count(plan.buffers()); ++i)
    LAIC_TRY(buffer(i));
  if (plan.arena_size() >= scalarCount())
    return INVALID("plan %u: arena_size refers to scalar %u of %u", index, plan.arena_size(), scalarCount());
  if (plan.host_arena_size() != kNoScalar && plan.host_arena_size() >= scalarCount())
    return INVALID("plan %u: host_arena_size refers to scalar %u of %u", index, plan.host_arena_size(), scalarCount());
  for (uint32_t i = 0; i < count(plan.steps()); ++i)
    LAIC_TRY(step(i));
  return nullptr;
}

laic_status_t *Verifier::plan(const Plan *plan, uint32_t index, const Entry &entry) {
  PlanVerifier verifier = {*this, *plan, entry, index, {}, {}};
  laic_status_t *status = verifier.run();
  verifier.known.release(module.allocator);
  verifier.reads.release(module.allocator);
  return status;
}

laic_status_t *Verifier::entries() {
  if (!nesting.allocate(module.allocator, count(program.entries())))
    return outOfMemory();
  for (current = 0; current < count(program.entries()); ++current)
    LAIC_TRY(entry(*program.entries()->Get(current)));
  return nullptr;
}

} // namespace

laic_status_t *rt::verifyProgram(laic_module &module, const uint8_t *bytes, size_t size) {
  if (size < kMinProgram || size > kMaxProgram)
    return INVALID("a program of %zu bytes", size);
  flatbuffers::Verifier structure(bytes, size, kMaxDepth, kMaxTables);
  if (!VerifyProgramBuffer(structure))
    return INVALID("the program is no valid %s", "FlatBuffer");
  module.program = GetProgram(bytes);
  const Program &program = *module.program;
  if (program.kernel_abi() != LAIC_KERNEL_ABI_VERSION)
    return fail(LAIC_UNSUPPORTED, "artifact has kernel interface %u, this runtime has %u; %s", program.kernel_abi(),
                LAIC_KERNEL_ABI_VERSION,
                program.kernel_abi() > LAIC_KERNEL_ABI_VERSION ? "use a newer runtime" : "compile the model again");
  Verifier verifier = {module, program, size * kBudgetPerByte, {}, 0};
  LAIC_TRY(verifier.segments());
  LAIC_TRY(verifier.kernels());
  LAIC_TRY(verifier.hostFunctions());
  if (count(program.entries()) == 0)
    return INVALID("it has no %s", "entry");
  laic_status_t *status = verifier.entries();
  verifier.nesting.release(module.allocator);
  module.entry = status ? nullptr : program.entries()->Get(0);
  return status;
}
