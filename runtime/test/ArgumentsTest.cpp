// What callers can get wrong: options and results without sizes, allocators without functions, memory that cannot be had, and what
// kernels report of data.
#include "TestArtifact.h"

#include <cstring>
#include <gtest/gtest.h>
#include <sys/resource.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

void expectRefused(laic_status_t *status, const std::string &fragment, laic_code_t code = LAIC_INVALID_ARGUMENT) {
  const Outcome result = outcome(status);
  EXPECT_EQ(result.code, code) << result.message;
  EXPECT_NE(result.message.find(fragment), std::string::npos) << result.message;
}

class Arguments : public ::testing::Test {
protected:
  Arguments() : bytes(makeAffine().bytes()), file(bytes), module(loadFile(file.path())), context(createContext(module.get())) {}

  std::vector<uint8_t> bytes;
  TemporaryFile file;
  ModulePtr module;
  ContextPtr context;
  laic_allocator_t halfAllocator = {sizeof(laic_allocator_t), nullptr, nullptr, nullptr};
};

TEST_F(Arguments, OfModules) {
  laic_module_t *none = nullptr;
  laic_module_options_t options = {};
  expectRefused(laic_module_load(file.path().c_str(), &options, &none),
                "laic_module_load: struct_size of the options is not set");
  options.struct_size = sizeof options;
  const int unknown = 7;
  memcpy(&options.verify, &unknown, sizeof unknown);
  expectRefused(laic_module_load(file.path().c_str(), &options, &none), "laic_module_load: verify is 7");
  options.verify = LAIC_VERIFY_FULL;
  options.allocator = &halfAllocator;
  expectRefused(laic_module_load(file.path().c_str(), &options, &none), "the allocator lacks struct_size or a function");
  EXPECT_EQ(none, nullptr);
}

TEST_F(Arguments, OfContexts) {
  expectRefused(laic_context_create(module.get(), nullptr, nullptr), "laic_context_create: out is NULL");
  laic_context_t *none = nullptr;
  laic_context_options_t options = {};
  options.struct_size = sizeof options;
  options.allocator = &halfAllocator;
  expectRefused(laic_context_create(module.get(), &options, &none), "the allocator lacks struct_size or a function");
  laic_binding_t binding = {};
  expectRefused(laic_output(context.get(), 0, &binding), "laic_output: struct_size of the result is not set");
  expectRefused(laic_output(context.get(), 0, nullptr), "laic_output: struct_size of the result is not set");
  binding.struct_size = sizeof binding;
  expectRefused(laic_output(context.get(), 1, &binding), "output 1 of 1");
  expectRefused(laic_output(context.get(), 0, &binding), "laic_output: call laic_infer or laic_run first");
  binding.type = LAIC_F32;
  binding.rank = 2;
  expectRefused(laic_bind_input(context.get(), 0, &binding), "input 'x': sizes is NULL");
}

TEST_F(Arguments, OfPools) {
  laic_pool_t *none = nullptr;
  laic_pool_options_t options = {};
  expectRefused(laic_pool_create(&options, nullptr), "laic_pool_create: out is NULL");
  expectRefused(laic_pool_create(&options, &none), "laic_pool_create: struct_size of the options is not set");
  options.struct_size = sizeof options;
  options.threads = 1025;
  expectRefused(laic_pool_create(&options, &none), "1025 threads, at most 1024 are possible");
  options.threads = 2;
  options.allocator = &halfAllocator;
  expectRefused(laic_pool_create(&options, &none), "laic_pool_create: the allocator lacks struct_size or a function");
  EXPECT_EQ(none, nullptr);
}

TEST_F(Arguments, OfBindingsThatReachTooFar) {
  float x[8] = {};
  const int64_t far = INT64_MAX / 2;
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x, {3, 4}, {far, 1})), "");
  expectRefused(laic_run(context.get()), "input 'x': its strides are too large");
  auto *end = reinterpret_cast<float *>(UINTPTR_MAX - 15);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, end, {2, 4})), "");
  expectRefused(laic_run(context.get()), "input 'x' reaches beyond the address space");
}

TEST(Outputs, MustNotShareMemory) {
  TestArtifact a;
  const uint32_t n = a.constant(2), value = a.constant(5);
  const uint32_t y = a.output("y", ElementType::I64, {n}), z = a.output("z", ElementType::I64, {n});
  const uint32_t fill = a.kernel("fill", test_fill);
  a.dispatch(fill, {a.buffer(Storage::Output, y, ElementType::I64, {n})}, 1, n, {value});
  a.dispatch(fill, {a.buffer(Storage::Output, z, ElementType::I64, {n})}, 1, n, {value});
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  int64_t memory[4] = {};
  ASSERT_EQ(errorOf(bindOutput(context.get(), 0, LAIC_I64, memory, {2})), "");
  ASSERT_EQ(errorOf(bindOutput(context.get(), 1, LAIC_I64, memory + 1, {2})), "");
  expectRefused(laic_run(context.get()), "outputs 'y' and 'z' share memory");
  ASSERT_EQ(errorOf(bindOutput(context.get(), 1, LAIC_I64, memory + 2, {2})), "");
  EXPECT_EQ(errorOf(laic_run(context.get())), "");
}

// A size that is element `index` of the input 'shape'.
ModulePtr sizedByElement(int64_t index) {
  TestArtifact a;
  const uint32_t shape = a.input("shape", ElementType::I64, {-1}, {"R"});
  const uint32_t n = a.scalar(ScalarOp::InputElement, shape, static_cast<uint32_t>(index));
  const uint32_t y = a.output("y", ElementType::I64, {n});
  a.dispatch(a.kernel("fill", test_fill), {a.buffer(Storage::Output, y, ElementType::I64, {n})}, 1, n, {n});
  return loadFile(TemporaryFile(a.bytes()).path());
}

TEST(Sizes, FromElementsThatAreNotThere) {
  ModulePtr module = sizedByElement(2);
  ContextPtr context = createContext(module.get());
  int64_t shape[3] = {1, 2, 3};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_I64, shape, {2})), "");
  expectRefused(laic_run(context.get()), "reads an element that the input does not have");
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_I64, nullptr, {3})), "");
  expectRefused(laic_run(context.get()), "depends on an input without data");
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_I64, shape, {3})), "");
  EXPECT_EQ(errorOf(laic_run(context.get())), "");
}

TEST(KernelErrors, SayWhatTheDataDid) {
  const std::pair<int64_t, const char *> expected[] = {
      {LAIC_KERNEL_INDEX_OUT_OF_RANGE, "index -9 is out of range"},
      {LAIC_KERNEL_BAD_AXIS, "axis -9 is out of range"},
      {LAIC_KERNEL_BAD_SIZE, "size -9 does not fit"},
      {LAIC_KERNEL_DIVISION_BY_ZERO, "integer division of -9 by zero"},
      {77, "the kernel failed with code 77, value -9"},
  };
  for (auto [code, text] : expected) {
    TestArtifact a;
    const uint32_t one = a.constant(1), raised = a.constant(code), value = a.constant(-9);
    const uint32_t y = a.output("y", ElementType::I64, {one});
    a.dispatch(a.kernel("fail", test_fail), {a.buffer(Storage::Output, y, ElementType::I64, {one})}, 1, one, {raised, value});
    TemporaryFile file(a.bytes());
    ModulePtr module = loadFile(file.path());
    ContextPtr context = createContext(module.get());
    expectRefused(laic_run(context.get()), std::string("node 'node_0' (fail): ") + text, LAIC_DATA_ERROR);
  }
}

#if !defined(__has_feature) ||                                                                                                   \
    !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)) // they take memory of their own
// Runs `body` where address space ends soon; gtest's death test gives it a process of its own.
template <typename Body> void withLittleMemory(rlim_t extra, Body body) {
  FILE *statm = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (fscanf(statm, "%lu", &pages) != 1)
    exit(2);
  fclose(statm);
  struct rlimit before;
  getrlimit(RLIMIT_AS, &before);
  struct rlimit limit = {pages * 4096 + extra, before.rlim_max};
  setrlimit(RLIMIT_AS, &limit);
  const Outcome result = outcome(body());
  setrlimit(RLIMIT_AS, &before);
  fprintf(stderr, "%s", result.message.c_str());
  exit(result.code == LAIC_OUT_OF_MEMORY ? 1 : 3);
}

TEST(LittleMemory, IsAnErrorOfThreads) {
  EXPECT_EXIT(withLittleMemory(1 << 20,
                               [] {
                                 laic_pool_options_t options = {};
                                 options.struct_size = sizeof options;
                                 options.threads = 512;
                                 laic_pool_t *pool = nullptr;
                                 return laic_pool_create(&options, &pool);
                               }),
              ::testing::ExitedWithCode(1), "cannot start thread [0-9]+ of 512");
}

TEST(LittleMemory, IsAnErrorOfFiles) {
  std::vector<uint8_t> bytes = makeAffine().bytes();
  bytes.resize(64 << 20);
  TemporaryFile file(bytes);
  EXPECT_EXIT(withLittleMemory(1 << 20,
                               [&] {
                                 laic_module_t *module = nullptr;
                                 return laic_module_load(file.path().c_str(), nullptr, &module);
                               }),
              ::testing::ExitedWithCode(1), "cannot map '");
}

TEST(LittleMemory, IsAnErrorOfCode) {
  TestArtifact a = makeAffine();
  a.segments[0].resize(64 << 20);
  a.program.segments[0]->length = 64 << 20;
  PageBuffer bytes(a.bytes());
  laic_module_t *module = nullptr;
  ASSERT_EQ(errorOf(laic_module_load_memory(bytes.data(), bytes.size(), nullptr, &module)), "");
  EXPECT_EXIT(withLittleMemory(1 << 20,
                               [&] {
                                 laic_context_t *context = nullptr;
                                 laic_status_t *status = laic_context_create(module, nullptr, &context);
                                 float x[8] = {};
                                 if (!status)
                                   status = bindInput(context, 0, LAIC_F32, x, {2, 4});
                                 return status ? status : laic_run(context);
                               }),
              ::testing::ExitedWithCode(1), "bytes for code: Cannot allocate memory");
  laic_module_release(module);
}
#endif

} // namespace
