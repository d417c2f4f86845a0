// Builders, owners and shorthands for the runtime's tests.
#include "TestArtifact.h"

#include "laic/Artifact/Format.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

// Sanitizers return NULL for what no machine has, as malloc does.
extern "C" const char *__asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char *__tsan_default_options() { return "allocator_may_return_null=1"; }

TestArtifact::TestArtifact() {
  program.kernel_abi = LAIC_KERNEL_ABI_VERSION;
  program.producer = "test";
  program.model = "test";
  program.entries.push_back(std::make_unique<EntryT>());
  entry().name = "main";
  entry().plans.push_back(std::make_unique<PlanT>());
  plan().device = "cpu";
  constant(0); // scalar 0 is 0: the default of every field that names a scalar
  segment(SegmentKind::Code, std::vector<uint8_t>(__start_laic_kernels, __stop_laic_kernels));
}

uint32_t TestArtifact::scalar(ScalarOp op, uint32_t a, uint32_t b, int64_t value) {
  plan().scalars.push_back(Scalar(op, a, b, value));
  return static_cast<uint32_t>(plan().scalars.size() - 1);
}

uint32_t TestArtifact::input(const std::string &name, ElementType type, const std::vector<int64_t> &shape,
                             const std::vector<std::string> &symbols) {
  auto tensor = std::make_unique<TensorT>();
  tensor->name = name;
  tensor->type = type;
  for (size_t i = 0; i < shape.size(); ++i) {
    auto dim = std::make_unique<DimT>();
    dim->value = shape[i];
    dim->symbol = i < symbols.size() ? symbols[i] : "";
    tensor->shape.push_back(std::move(dim));
  }
  entry().inputs.push_back(std::move(tensor));
  return static_cast<uint32_t>(entry().inputs.size() - 1);
}

uint32_t TestArtifact::output(const std::string &name, ElementType type, const std::vector<uint32_t> &shape) {
  auto tensor = std::make_unique<TensorT>();
  tensor->name = name;
  tensor->type = type;
  for (uint32_t size : shape) {
    auto dim = std::make_unique<DimT>();
    const Scalar &value = plan().scalars[size];
    dim->value = value.op() == ScalarOp::Const ? value.value() : -1;
    tensor->shape.push_back(std::move(dim));
    entry().output_shapes.push_back(size);
  }
  entry().outputs.push_back(std::move(tensor));
  return static_cast<uint32_t>(entry().outputs.size() - 1);
}

uint32_t TestArtifact::segment(SegmentKind kind, std::vector<uint8_t> bytes) {
  auto record = std::make_unique<SegmentT>();
  record->kind = kind;
  record->section = sectionOfSegment(static_cast<uint32_t>(segments.size()));
  record->length = bytes.size();
  program.segments.push_back(std::move(record));
  segments.push_back(std::move(bytes));
  return static_cast<uint32_t>(segments.size() - 1);
}

uint32_t TestArtifact::buffer(Storage storage, uint32_t index, ElementType type, const std::vector<uint32_t> &shape,
                              uint64_t offset, uint32_t offsetScalar) {
  auto record = std::make_unique<BufferT>();
  record->storage = storage;
  record->index = index;
  record->type = type;
  record->shape = shape;
  record->offset = offset;
  record->offset_scalar = offsetScalar;
  plan().buffers.push_back(std::move(record));
  return static_cast<uint32_t>(plan().buffers.size() - 1);
}

uint32_t TestArtifact::kernel(const std::string &name, laic_kernel_fn function, const std::vector<std::string> &needs) {
  auto variant = std::make_unique<VariantT>();
  variant->requires_ = needs;
  variant->segment = 0;
  variant->offset = static_cast<uint64_t>(reinterpret_cast<const unsigned char *>(function) - __start_laic_kernels);
  variant->size = 16;
  auto record = std::make_unique<KernelT>();
  record->name = name;
  record->variants.push_back(std::move(variant));
  program.kernels.push_back(std::move(record));
  return static_cast<uint32_t>(program.kernels.size() - 1);
}

uint32_t TestArtifact::dispatch(uint32_t kernel, const std::vector<uint32_t> &operands, uint32_t outputs, uint32_t tiles,
                                const std::vector<uint32_t> &scalars, int64_t workspace) {
  auto step = std::make_unique<StepT>();
  step->kernel = kernel;
  step->operands = operands;
  step->outputs = outputs;
  step->tiles = tiles;
  step->scalars = scalars;
  step->workspace = constant(workspace);
  step->node = static_cast<uint32_t>(program.nodes.size());
  auto node = std::make_unique<NodeT>();
  node->name = "node_" + std::to_string(step->node);
  node->op = program.kernels[kernel]->name;
  program.nodes.push_back(std::move(node));
  plan().steps.push_back(std::move(step));
  return static_cast<uint32_t>(plan().steps.size() - 1);
}

uint32_t TestArtifact::copy(uint32_t from, uint32_t to) {
  if (program.nodes.empty())
    program.nodes.push_back(std::make_unique<NodeT>());
  auto step = std::make_unique<StepT>();
  step->kind = StepKind::Copy;
  step->operands = {from, to};
  step->outputs = 1;
  plan().steps.push_back(std::move(step));
  return static_cast<uint32_t>(plan().steps.size() - 1);
}

uint32_t TestArtifact::hostCall(const std::string &function, const std::vector<uint32_t> &operands, uint32_t outputs,
                                const std::vector<uint32_t> &scalars) {
  auto node = std::make_unique<NodeT>();
  node->name = "call";
  node->op = function;
  program.nodes.push_back(std::move(node));
  auto step = std::make_unique<StepT>();
  step->kind = StepKind::HostCall;
  step->kernel = static_cast<uint32_t>(program.host_functions.size());
  program.host_functions.push_back(function);
  step->operands = operands;
  step->outputs = outputs;
  step->scalars = scalars;
  step->tiles = constant(1);
  step->workspace = constant(0);
  step->node = static_cast<uint32_t>(program.nodes.size() - 1);
  plan().steps.push_back(std::move(step));
  return static_cast<uint32_t>(plan().steps.size() - 1);
}

uint32_t TestArtifact::read(uint32_t buffer, uint32_t number) {
  if (program.nodes.empty())
    program.nodes.push_back(std::make_unique<NodeT>());
  auto step = std::make_unique<StepT>();
  step->kind = StepKind::Read;
  step->operands = {buffer};
  step->kernel = number;
  plan().steps.push_back(std::move(step));
  return static_cast<uint32_t>(plan().steps.size() - 1);
}

StepT &TestArtifact::call(StepKind kind, const std::vector<uint32_t> &programs, const std::vector<uint32_t> &operands,
                          uint32_t outputs, uint32_t read, const std::vector<uint32_t> &late) {
  auto step = std::make_unique<StepT>();
  step->kind = kind;
  step->programs = programs;
  step->operands = operands;
  step->outputs = outputs;
  step->kernel = read;
  step->scalars = late;
  step->node = static_cast<uint32_t>(program.nodes.size());
  program.nodes.push_back(std::make_unique<NodeT>());
  program.nodes.back()->name = "node_" + std::to_string(step->node);
  plan().steps.push_back(std::move(step));
  return *plan().steps.back();
}

uint32_t TestArtifact::begin(const std::string &name) {
  current = program.entries.size();
  program.entries.push_back(std::make_unique<EntryT>());
  entry().name = name;
  entry().plans.push_back(std::make_unique<PlanT>());
  plan().device = "cpu";
  constant(0);
  return static_cast<uint32_t>(current);
}

std::vector<uint8_t> TestArtifact::bytes() const {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(Program::Pack(builder, &program), ProgramIdentifier());
  std::vector<SegmentSource> sources;
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::vector<uint8_t> &data = segments[i];
    sources.push_back({program.segments[i]->kind, data.size(), [&data](SegmentSink &sink) {
                         sink.write(data.data(), data.size());
                         return std::string();
                       }});
  }
  std::vector<uint8_t> out;
  EXPECT_EQ(serializeArtifact(builder.GetBufferPointer(), builder.GetSize(), sources, out), "");
  return out;
}

static std::vector<uint8_t> bytesOf(const std::vector<float> &values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(float));
  memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TestArtifact test::makeAffine() {
  TestArtifact a;
  const uint32_t four = a.constant(4), sixteen = a.constant(16);
  const uint32_t x = a.input("x", ElementType::F32, {-1, 4}, {"N"});
  const uint32_t n = a.dim(x, 0);
  const uint32_t y = a.output("y", ElementType::F32, {n, four});
  const uint32_t weights = a.segment(SegmentKind::Weights, bytesOf({1, 2, 3, 4}));
  const uint32_t elements = a.scalar(ScalarOp::Mul, n, four);
  a.plan().arena_size = a.scalar(ScalarOp::Mul, n, sixteen);
  const uint32_t in = a.buffer(Storage::Input, x, ElementType::F32, {n, four});
  const uint32_t bias = a.buffer(Storage::Constant, weights, ElementType::F32, {four});
  const uint32_t sum = a.buffer(Storage::Arena, 0, ElementType::F32, {n, four});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::F32, {n, four});
  a.dispatch(a.kernel("add_row", test_add_row), {in, bias, sum}, 1, n);
  a.dispatch(a.kernel("double", test_double), {sum, out}, 1, elements);
  return a;
}

TestArtifact test::makeGather() {
  TestArtifact a;
  const uint32_t ten = a.constant(10);
  const uint32_t index = a.input("index", ElementType::I64, {-1}, {"N"});
  const uint32_t n = a.dim(index, 0);
  const uint32_t y = a.output("y", ElementType::F32, {n});
  const uint32_t weights = a.segment(SegmentKind::Weights, bytesOf({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  const uint32_t table = a.buffer(Storage::Constant, weights, ElementType::F32, {ten});
  const uint32_t in = a.buffer(Storage::Input, index, ElementType::I64, {n});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::F32, {n});
  a.dispatch(a.kernel("gather", test_gather), {table, in, out}, 1, n, {ten});
  return a;
}

TestArtifact test::makeAppend() {
  TestArtifact a;
  const uint32_t four = a.constant(4);
  const uint32_t past = a.input("past", ElementType::F32, {-1, 4}, {"P"});
  const uint32_t next = a.input("next", ElementType::F32, {-1, 4}, {"M"});
  const uint32_t p = a.dim(past, 0), m = a.dim(next, 0);
  const uint32_t total = a.scalar(ScalarOp::Add, p, m);
  const uint32_t present = a.output("present", ElementType::F32, {total, four});
  a.entry().outputs[present]->may_alias = {past};
  const uint32_t first = a.buffer(Storage::Input, past, ElementType::F32, {p, four});
  const uint32_t second = a.buffer(Storage::Input, next, ElementType::F32, {m, four});
  const uint32_t out = a.buffer(Storage::Output, present, ElementType::F32, {total, four});
  a.dispatch(a.kernel("append", test_append), {first, second, out}, 1, total);
  return a;
}

TestArtifact test::makeGrow() {
  TestArtifact a;
  const uint32_t four = a.constant(4);
  const uint32_t past = a.input("past", ElementType::F32, {-1, -1, 4}, {"H", "P", ""});
  const uint32_t next = a.input("next", ElementType::F32, {-1, -1, 4}, {"H", "M", ""});
  const uint32_t h = a.dim(past, 0), p = a.dim(past, 1), m = a.dim(next, 1);
  const uint32_t total = a.scalar(ScalarOp::Add, p, m);
  const uint32_t present = a.output("present", ElementType::F32, {h, total, four});
  a.entry().outputs[present]->may_alias = {past};
  a.entry().outputs[present]->room_dim = a.entry().inputs[past]->room_dim = 1;
  const uint32_t first = a.buffer(Storage::Input, past, ElementType::F32, {h, p, four});
  const uint32_t second = a.buffer(Storage::Input, next, ElementType::F32, {h, m, four});
  const uint32_t out = a.buffer(Storage::Output, present, ElementType::F32, {h, total, four});
  a.plan().buffers[first]->room_dim = a.plan().buffers[out]->room_dim = 1;
  a.dispatch(a.kernel("grow", test_grow), {first, second, out}, 1, h);
  return a;
}

// A branch: `factor` * n values of that number.
static uint32_t addBranch(TestArtifact &a, uint32_t fill, int64_t factor) {
  const uint32_t index = a.begin("branch");
  const uint32_t x = a.input("x", ElementType::F32, {-1});
  const uint32_t size = a.scalar(ScalarOp::Mul, a.dim(x, 0), a.constant(factor));
  const uint32_t y = a.output("y", ElementType::I64, {size});
  a.dispatch(fill, {a.buffer(Storage::Output, y, ElementType::I64, {size})}, 1, size, {size});
  a.end();
  return index;
}

TestArtifact test::makeBranch() {
  TestArtifact a;
  const uint32_t fill = a.kernel("fill", test_fill);
  const uint32_t yes = addBranch(a, fill, 1), no = addBranch(a, fill, 2);
  const uint32_t c = a.input("c", ElementType::Bool, {}), x = a.input("x", ElementType::F32, {-1}, {"N"});
  const uint32_t n = a.dim(x, 0), m = a.scalar(ScalarOp::ReadElement, 0, 0);
  const uint32_t y = a.output("y", ElementType::I64, {m});
  const uint32_t condition = a.buffer(Storage::Input, c, ElementType::Bool, {});
  const uint32_t in = a.buffer(Storage::Input, x, ElementType::F32, {n});
  const uint32_t late = a.buffer(Storage::Late, 0, ElementType::I64, {m});
  a.call(StepKind::If, {yes, no}, {condition, in, late}, 1, 0, {0});
  a.copy(late, a.buffer(Storage::Output, y, ElementType::I64, {m}));
  return a;
}

TestArtifact test::makeLoop() {
  TestArtifact a;
  const uint32_t twice = a.kernel("double", test_double);
  const uint32_t body = a.begin("body");
  {
    a.input("i", ElementType::I64, {});
    const uint32_t g = a.input("g", ElementType::Bool, {}), s = a.input("s", ElementType::F32, {-1}, {"N"});
    const uint32_t n = a.dim(s, 0);
    const uint32_t h = a.output("h", ElementType::Bool, {}), t = a.output("t", ElementType::F32, {n});
    const uint32_t u = a.output("u", ElementType::F32, {n});
    const uint32_t out = a.buffer(Storage::Output, t, ElementType::F32, {n});
    a.copy(a.buffer(Storage::Input, g, ElementType::Bool, {}), a.buffer(Storage::Output, h, ElementType::Bool, {}));
    a.dispatch(twice, {a.buffer(Storage::Input, s, ElementType::F32, {n}), out}, 1, n);
    a.copy(out, a.buffer(Storage::Output, u, ElementType::F32, {n}));
  }
  a.end();
  const uint32_t trips = a.input("trips", ElementType::I64, {}), c = a.input("c", ElementType::Bool, {});
  const uint32_t x = a.input("x", ElementType::F32, {-1}, {"N"});
  const uint32_t n = a.dim(x, 0), k = a.scalar(ScalarOp::ReadElement, 0, 0);
  const uint32_t s = a.output("s", ElementType::F32, {n}), z = a.output("z", ElementType::F32, {k, n});
  const uint32_t count = a.buffer(Storage::Input, trips, ElementType::I64, {});
  const uint32_t condition = a.buffer(Storage::Input, c, ElementType::Bool, {});
  const uint32_t in = a.buffer(Storage::Input, x, ElementType::F32, {n});
  const uint32_t last = a.buffer(Storage::Output, s, ElementType::F32, {n});
  const uint32_t stack = a.buffer(Storage::Output, z, ElementType::F32, {k, n});
  a.call(StepKind::Loop, {body}, {count, condition, in, last, stack}, 2, 0, {1}).carried = 1;
  return a;
}

PageBuffer::PageBuffer(const std::vector<uint8_t> &bytes) : length(bytes.size()) {
  memory = static_cast<uint8_t *>(aligned_alloc(4096, (length / 4096 + 1) * 4096));
  std::copy(bytes.begin(), bytes.end(), memory);
}

PageBuffer::~PageBuffer() { free(memory); }

TemporaryFile::TemporaryFile(const std::vector<uint8_t> &bytes) {
  char pattern[] = "/tmp/laic-test-XXXXXX";
  int descriptor = mkstemp(pattern);
  name = pattern;
  EXPECT_EQ(write(descriptor, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  close(descriptor);
}

TemporaryFile::~TemporaryFile() { unlink(name.c_str()); }

void test::resign(std::vector<uint8_t> &bytes) {
  FileHeader header;
  memcpy(&header, bytes.data(), sizeof header);
  XXH128_canonical_t canonical;
  for (uint32_t i = 0; i < header.section_count; ++i) {
    uint8_t *at = bytes.data() + sizeof header + i * sizeof(SectionEntry);
    SectionEntry entry;
    memcpy(&entry, at, sizeof entry);
    if (entry.offset <= bytes.size() && entry.length <= bytes.size() - entry.offset)
      XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data() + entry.offset, entry.length));
    memcpy(entry.hash, canonical.digest, sizeof entry.hash);
    memcpy(at, &entry, sizeof entry);
  }
  memset(header.table_hash, 0, sizeof header.table_hash);
  memcpy(bytes.data(), &header, sizeof header);
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), sizeof header + header.section_count * sizeof(SectionEntry)));
  memcpy(header.table_hash, canonical.digest, sizeof header.table_hash);
  memcpy(bytes.data(), &header, sizeof header);
}

Outcome test::outcome(laic_status_t *status) {
  Outcome result = {laic_status_code(status), laic_status_message(status)};
  laic_status_free(status);
  return result;
}

std::string test::errorOf(laic_status_t *status) { return outcome(status).message; }

ModulePtr test::loadFile(const std::string &path) {
  laic_module_t *module = nullptr;
  EXPECT_EQ(errorOf(laic_module_load(path.c_str(), nullptr, &module)), "");
  return ModulePtr(module);
}

ContextPtr test::createContext(laic_module_t *module, laic_pool_t *pool, const laic_allocator_t *allocator) {
  laic_context_options_t options = {sizeof options, pool, nullptr, allocator, 0};
  laic_context_t *context = nullptr;
  EXPECT_EQ(errorOf(laic_context_create(module, &options, &context)), "");
  return ContextPtr(context);
}

PoolPtr test::createPool(uint32_t threads) {
  laic_pool_options_t options = {sizeof options, threads, nullptr};
  laic_pool_t *pool = nullptr;
  EXPECT_EQ(errorOf(laic_pool_create(&options, &pool)), "");
  return PoolPtr(pool);
}

Outcome test::loadBytes(const std::vector<uint8_t> &bytes, laic_verify_t verify) {
  PageBuffer buffer(bytes);
  laic_module_options_t options = {sizeof options, verify, nullptr};
  laic_module_t *module = nullptr;
  Outcome result = outcome(laic_module_load_memory(buffer.data(), buffer.size(), &options, &module));
  EXPECT_EQ(module == nullptr, result.code != LAIC_OK);
  laic_module_release(module);
  return result;
}

static laic_binding_t makeBinding(laic_type_t type, void *data, const std::vector<int64_t> &sizes,
                                  const std::vector<int64_t> &strides, size_t capacity) {
  return {sizeof(laic_binding_t),
          data,
          type,
          static_cast<int32_t>(sizes.size()),
          sizes.data(),
          strides.empty() ? nullptr : strides.data(),
          capacity};
}

laic_status_t *test::bindInput(laic_context_t *context, size_t index, laic_type_t type, void *data,
                               const std::vector<int64_t> &sizes, const std::vector<int64_t> &strides, size_t capacity) {
  const laic_binding_t binding = makeBinding(type, data, sizes, strides, capacity);
  return laic_bind_input(context, index, &binding);
}

laic_status_t *test::bindOutput(laic_context_t *context, size_t index, laic_type_t type, void *data,
                                const std::vector<int64_t> &sizes, const std::vector<int64_t> &strides, size_t capacity) {
  const laic_binding_t binding = makeBinding(type, data, sizes, strides, capacity);
  return laic_bind_output(context, index, &binding);
}

std::vector<float> test::floatsOf(laic_context_t *context, size_t output) {
  laic_binding_t binding;
  binding.struct_size = sizeof binding;
  EXPECT_EQ(errorOf(laic_output(context, output, &binding)), "");
  int64_t elements = 1;
  for (int32_t i = 0; i < binding.rank; ++i)
    elements *= binding.sizes[i];
  const float *data = static_cast<const float *>(binding.data);
  return std::vector<float>(data, data + elements);
}
