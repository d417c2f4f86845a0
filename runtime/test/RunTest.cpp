// What running does: results, changing sizes, errors of kernels, threads, allocations.
#include "TestArtifact.h"

#include <atomic>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

std::vector<float> iota(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(i);
  return values;
}

std::vector<float> affine(const std::vector<float> &x) {
  std::vector<float> y(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = 2 * (x[i] + static_cast<float>(i % 4 + 1));
  return y;
}

TEST(Run, ComputesOnOneThread) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  std::vector<float> x = iota(12), y(12, -1);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {3, 4})), "");
  ASSERT_EQ(errorOf(bindOutput(context.get(), 0, LAIC_F32, y.data(), {3, 4})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(y, affine(x));
}

TEST(Run, LoadsFromMemoryAndCopiesTheCode) {
  PageBuffer buffer(makeAffine().bytes());
  laic_module_t *raw = nullptr;
  ASSERT_EQ(errorOf(laic_module_load_memory(buffer.data(), buffer.size(), nullptr, &raw)), "");
  ModulePtr module(raw);
  ContextPtr context = createContext(module.get());
  std::vector<float> x = iota(4);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {1, 4})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(floatsOf(context.get(), 0), affine(x));
}

TEST(Run, SizesChangeBetweenRuns) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  for (int64_t rows : {3, 1, 0, 64, 2, 64}) {
    std::vector<float> x = iota(static_cast<size_t>(rows) * 4);
    ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {rows, 4})), "");
    ASSERT_EQ(errorOf(laic_run(context.get())), "");
    EXPECT_EQ(floatsOf(context.get(), 0), affine(x)) << rows;
  }
}

TEST(Run, InferGivesSizesWithoutData) {
  TemporaryFile file(makeAppend().bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, nullptr, {5, 4})), "");
  ASSERT_EQ(errorOf(bindInput(context.get(), 1, LAIC_F32, nullptr, {2, 4})), "");
  ASSERT_EQ(errorOf(laic_infer(context.get())), "");
  laic_binding_t output = {};
  output.struct_size = sizeof output;
  ASSERT_EQ(errorOf(laic_output(context.get(), 0, &output)), "");
  EXPECT_EQ(output.sizes[0], 7);
  EXPECT_EQ(output.strides[0], 4);
  EXPECT_EQ(output.data, nullptr);
  EXPECT_NE(errorOf(laic_run(context.get())).find("input 'past' has no data"), std::string::npos);
}

TEST(Run, AllocatesNothingAfterTheFirstRun) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  PoolPtr pool = createPool(3);
  CountingAllocator allocator;
  ContextPtr context = createContext(module.get(), pool.get(), &allocator.functions);
  std::vector<float> x = iota(400), other = x, y(400);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {100, 4})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  laic_memory_info_t info = {};
  info.struct_size = sizeof info;
  laic_context_memory(context.get(), &info);
  EXPECT_EQ(info.arena_bytes, 1600u);
  EXPECT_EQ(info.allocations, static_cast<uint64_t>(allocator.made));
  const int64_t before = allocator.made;
  for (int i = 0; i < 10; ++i) {
    // Other memory, and smaller sizes, need nothing new either.
    ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, i % 2 ? x.data() : other.data(), {i == 5 ? 7 : 100, 4})), "");
    if (i == 7)
      ASSERT_EQ(errorOf(bindOutput(context.get(), 0, LAIC_F32, y.data(), {100, 4})), "");
    ASSERT_EQ(errorOf(laic_run(context.get())), "");
  }
  EXPECT_EQ(allocator.made, before);
  EXPECT_EQ(y, affine(x));
  context.reset();
  EXPECT_EQ(allocator.live, 0);
}

// Loading, creating and running with the n-th allocation failing: an error, never a crash or a leak.
TEST(Run, SurvivesEveryFailedAllocation) {
  TemporaryFile file(makeAffine().bytes());
  bool completed = false;
  for (int64_t failAt = 0; !completed && failAt < 200; ++failAt) {
    CountingAllocator allocator;
    allocator.failAt = failAt;
    laic_module_options_t moduleOptions = {sizeof moduleOptions, LAIC_VERIFY_FULL, &allocator.functions};
    laic_pool_options_t poolOptions = {sizeof poolOptions, 2, &allocator.functions};
    laic_module_t *module = nullptr;
    laic_pool_t *pool = nullptr;
    laic_context_t *context = nullptr;
    std::vector<float> x = iota(12), y(24);
    Outcome result = outcome(laic_module_load(file.path().c_str(), &moduleOptions, &module));
    if (result.code == LAIC_OK)
      result = outcome(laic_pool_create(&poolOptions, &pool));
    laic_context_options_t options = {sizeof options, pool, nullptr, &allocator.functions, 0};
    if (result.code == LAIC_OK)
      result = outcome(laic_context_create(module, &options, &context));
    if (result.code == LAIC_OK) {
      ASSERT_EQ(errorOf(bindInput(context, 0, LAIC_F32, x.data(), {3, 4})), "");
      ASSERT_EQ(errorOf(bindOutput(context, 0, LAIC_F32, y.data(), {3, 4}, {8, 1})), "");
      result = outcome(laic_run(context));
    }
    if (result.code != LAIC_OK)
      EXPECT_EQ(result.code, LAIC_OUT_OF_MEMORY) << result.message;
    completed = result.code == LAIC_OK && allocator.made <= failAt;
    laic_context_release(context);
    laic_pool_release(pool);
    laic_module_release(module);
    EXPECT_EQ(allocator.live, 0) << failAt;
  }
  EXPECT_TRUE(completed);
}

TEST(Run, LowestTileReportsTheError) {
  TemporaryFile file(makeGather().bytes());
  ModulePtr module = loadFile(file.path());
  for (uint32_t threads : {1u, 2u, 7u}) {
    PoolPtr pool = createPool(threads);
    ContextPtr context = createContext(module.get(), pool.get());
    std::vector<int64_t> index(1000, 3);
    ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_I64, index.data(), {1000})), "");
    for (int round = 0; round < 50; ++round) {
      index.assign(1000, 3);
      index[400] = -41;
      index[401] = 77;
      index[900] = 12;
      Outcome result = outcome(laic_run(context.get()));
      EXPECT_EQ(result.code, LAIC_DATA_ERROR);
      EXPECT_EQ(result.message, "node 'node_0' (gather): index -41 is out of range");
    }
    index.assign(1000, 9);
    ASSERT_EQ(errorOf(laic_run(context.get())), "");
    EXPECT_EQ(floatsOf(context.get(), 0), std::vector<float>(1000, 9.0f));
  }
}

// y[r] = sum of a row, through the workspace: wrong if threads shared one.
TestArtifact makeRowSum() {
  TestArtifact a;
  const uint32_t x = a.input("x", ElementType::F32, {-1, -1}, {"N", "K"});
  const uint32_t n = a.dim(x, 0), k = a.dim(x, 1);
  const uint32_t y = a.output("y", ElementType::F32, {n});
  const uint32_t in = a.buffer(Storage::Input, x, ElementType::F32, {n, k});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::F32, {n});
  a.dispatch(a.kernel("row_sum", test_row_sum), {in, out}, 1, n, {}, 4);
  return a;
}

TEST(Run, ThreadCountDoesNotChangeBits) {
  TemporaryFile file(makeRowSum().bytes());
  ModulePtr module = loadFile(file.path());
  constexpr int64_t kRows = 173, kColumns = 97;
  std::vector<float> x(kRows * kColumns);
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = 1.0f / static_cast<float>(i + 1);
  std::vector<float> first;
  for (uint32_t threads : {1u, 2u, 3u, 8u, 16u}) {
    PoolPtr pool = createPool(threads);
    ContextPtr context = createContext(module.get(), pool.get());
    ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {kRows, kColumns})), "");
    for (int round = 0; round < 20; ++round) {
      ASSERT_EQ(errorOf(laic_run(context.get())), "");
      std::vector<float> y = floatsOf(context.get(), 0);
      if (first.empty())
        first = y;
      ASSERT_EQ(memcmp(y.data(), first.data(), kRows * sizeof(float)), 0) << threads;
    }
  }
}

TEST(Run, FloatingPointStateOfTheCallerDoesNotMatter) {
#if defined(__x86_64__)
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  std::vector<float> x(4, 0);
  const float denormal = 1e-40f;
  TestArtifact doubler = makeAffine();
  doubler.segments[1].assign(16, 0); // b = 0
  TemporaryFile doublerFile(doubler.bytes());
  module = loadFile(doublerFile.path());
  context = createContext(module.get());
  x.assign(4, denormal);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {1, 4})), "");
  const unsigned before = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before | 0x8040); // flush to zero, denormals are zero
  laic_status_t *status = laic_run(context.get());
  const unsigned after = __builtin_ia32_stmxcsr();
  __builtin_ia32_ldmxcsr(before);
  ASSERT_EQ(errorOf(status), "");
  EXPECT_EQ(after & 0xffc0, (before | 0x8040) & 0xffc0);
  EXPECT_EQ(floatsOf(context.get(), 0)[0], denormal * 2);
#else
  GTEST_SKIP() << "reads MXCSR, which is x86";
#endif
}

TEST(Run, EightThreadsShareAModuleAndAPool) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  PoolPtr pool = createPool(4);
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      ContextPtr context = createContext(module.get(), pool.get());
      std::vector<float> x = iota(static_cast<size_t>(t + 1) * 40);
      for (int round = 0; round < 200; ++round) {
        x[0] = static_cast<float>(round);
        std::string error = errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {(t + 1) * 10, 4}));
        error += errorOf(laic_run(context.get()));
        wrong += !error.empty() || floatsOf(context.get(), 0) != affine(x);
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Run, ContextKeepsModuleAndPoolAlive) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  PoolPtr pool = createPool(2);
  ContextPtr context = createContext(module.get(), pool.get());
  module.reset();
  pool.reset();
  std::vector<float> x = iota(400);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {100, 4})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(floatsOf(context.get(), 0), affine(x));
}

TEST(Run, CopyStepMovesBytes) {
  TestArtifact a;
  const uint32_t x = a.input("x", ElementType::F32, {-1}, {"N"});
  const uint32_t n = a.dim(x, 0);
  const uint32_t y = a.output("y", ElementType::F32, {n});
  a.copy(a.buffer(Storage::Input, x, ElementType::F32, {n}), a.buffer(Storage::Output, y, ElementType::F32, {n}));
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  std::vector<float> values = iota(9);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, values.data(), {9})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(floatsOf(context.get(), 0), values);
}

TEST(Run, ChecksRefuseWithTheirMessage) {
  TestArtifact a = makeAppend();
  auto check = std::make_unique<CheckT>();
  check->kind = CheckKind::AtLeast;
  check->a = 2; // P
  check->b = a.constant(2);
  check->message = "input 'past': dim 0 is too small";
  a.plan().checks.push_back(std::move(check));
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  std::vector<float> x = iota(40);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {1, 4})), "");
  ASSERT_EQ(errorOf(bindInput(context.get(), 1, LAIC_F32, x.data(), {1, 4})), "");
  Outcome result = outcome(laic_run(context.get()));
  EXPECT_EQ(result.code, LAIC_INVALID_ARGUMENT);
  EXPECT_EQ(result.message, "input 'past': dim 0 is too small (got 1, needs at least 2)");
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {2, 4})), "");
  EXPECT_EQ(errorOf(laic_run(context.get())), "");
}

// The output's size is an element of an input: new data means new sizes without a new binding.
TEST(Run, ShapeThatIsData) {
  TestArtifact a;
  const uint32_t shape = a.input("shape", ElementType::I64, {2});
  const uint32_t n = a.scalar(ScalarOp::InputElement, shape, 1);
  const uint32_t y = a.output("y", ElementType::I64, {n});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::I64, {n});
  a.dispatch(a.kernel("fill", test_fill), {out}, 1, n, {n});
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  int64_t size[2] = {-7, 3};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_I64, size, {2})), "");
  laic_binding_t output;
  output.struct_size = sizeof output;
  for (int64_t wanted : {3, 5, 2}) {
    size[1] = wanted;
    ASSERT_EQ(errorOf(laic_run(context.get())), "");
    ASSERT_EQ(errorOf(laic_output(context.get(), 0, &output)), "");
    EXPECT_EQ(output.sizes[0], wanted);
    EXPECT_EQ(static_cast<int64_t *>(output.data)[wanted - 1], wanted);
  }
  size[1] = -1;
  EXPECT_NE(errorOf(laic_run(context.get())), "");
  size[1] = INT64_MAX;
  EXPECT_NE(errorOf(laic_run(context.get())), "");
  size[1] = 4;
  EXPECT_EQ(errorOf(laic_run(context.get())), "");
}

// n = dim of x; one value is computed from it and read: m = n. A late value of m elements, and an output of twice as many.
TestArtifact makeLate() {
  TestArtifact a;
  const uint32_t x = a.input("x", ElementType::F32, {-1}, {"N"});
  const uint32_t one = a.constant(1), n = a.dim(x, 0);
  const uint32_t m = a.scalar(ScalarOp::ReadElement, 0, 0), twice = a.scalar(ScalarOp::Add, m, m);
  const uint32_t y = a.output("y", ElementType::I64, {twice});
  const uint32_t fill = a.kernel("fill", test_fill);
  a.plan().arena_size = a.constant(64);
  const uint32_t count = a.buffer(Storage::Arena, 0, ElementType::I64, {one}, 0, a.constant(0));
  const uint32_t late = a.buffer(Storage::Late, 0, ElementType::I64, {twice});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::I64, {twice});
  a.dispatch(fill, {count}, 1, one, {n});
  a.read(count, 0);
  a.dispatch(fill, {late}, 1, twice, {twice});
  a.copy(late, out);
  return a;
}

TEST(Run, SizesThatComeLate) {
  TemporaryFile file(makeLate().bytes());
  ModulePtr module = loadFile(file.path());
  CountingAllocator allocator;
  ContextPtr context = createContext(module.get(), nullptr, &allocator.functions);
  float data[8] = {};
  laic_binding_t output;
  output.struct_size = sizeof output;
  int made = 0;
  for (int64_t n : {8, 3, 0, 5, 8}) {
    ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {n})), "");
    ASSERT_EQ(errorOf(laic_infer(context.get())), "");
    ASSERT_EQ(errorOf(laic_output(context.get(), 0, &output)), "");
    EXPECT_EQ(output.sizes[0], -1);
    EXPECT_EQ(output.data, nullptr);
    ASSERT_EQ(errorOf(laic_run(context.get())), "");
    ASSERT_EQ(errorOf(laic_output(context.get(), 0, &output)), "");
    ASSERT_EQ(output.sizes[0], 2 * n);
    if (n) {
      EXPECT_EQ(static_cast<int64_t *>(output.data)[2 * n - 1], 2 * n);
    }
    if (made == 0) // the largest came first
      made = allocator.made;
    EXPECT_EQ(allocator.made, made);
  }
  // The caller cannot know the size, so its memory needs a capacity, and takes what fits.
  int64_t unbounded;
  laic_binding_t open = {sizeof open, &unbounded, LAIC_I64, 1, nullptr, nullptr, 0};
  ASSERT_EQ(errorOf(laic_bind_output(context.get(), 0, &open)), "");
  EXPECT_EQ(errorOf(laic_run(context.get())),
            "output 'y' has a size that the run computes: bind it with a capacity, or without data");
  int64_t room[8];
  laic_binding_t binding = {sizeof binding, room, LAIC_I64, 1, nullptr, nullptr, sizeof room};
  ASSERT_EQ(errorOf(laic_bind_output(context.get(), 0, &binding)), "");
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {4})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(room[7], 8);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {5})), "");
  EXPECT_EQ(errorOf(laic_run(context.get())), "output 'y' touches 80 bytes, its capacity is 64");
}

TEST(Run, LateSizesAreChecked) {
  TestArtifact a = makeLate();
  auto check = std::make_unique<CheckT>();
  check->kind = CheckKind::AtLeast;
  check->a = a.scalar(ScalarOp::ReadElement, 0, 0);
  check->b = a.constant(2);
  check->message = "too few";
  a.plan().checks.push_back(std::move(check));
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  float data[8] = {};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {1})), "");
  EXPECT_EQ(errorOf(laic_infer(context.get())), "");
  EXPECT_EQ(errorOf(laic_run(context.get())), "too few (got 1, needs at least 2)");
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {2})), "");
  EXPECT_EQ(errorOf(laic_run(context.get())), "");
}

TEST(Run, TheArenaIsKnownBeforeTheCall) {
  TestArtifact a = makeLate();
  a.plan().arena_size = a.scalar(ScalarOp::ReadElement, 0, 0);
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  float data[8] = {};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {4})), "");
  EXPECT_NE(errorOf(laic_run(context.get())).find("the size of the arena"), std::string::npos);
  EXPECT_NE(errorOf(laic_run(context.get())).find("is known only when the call has computed it"), std::string::npos);
}

TEST(Run, LateMemoryMayBeShort) {
  TemporaryFile file(makeLate().bytes());
  ModulePtr module = loadFile(file.path());
  CountingAllocator allocator;
  ContextPtr context = createContext(module.get(), nullptr, &allocator.functions);
  float data[8] = {};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {4})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {8})), "");
  allocator.failAt = allocator.made; // what grows first is the slot
  EXPECT_EQ(errorOf(laic_run(context.get())), "out of memory: a tensor inside the model needs 128 bytes");
  allocator.failAt = -1;
  EXPECT_EQ(errorOf(laic_run(context.get())), "");
}

TEST(Run, SizesMustBeReadBeforeTheyAreUsed) {
  TestArtifact a = makeLate();
  std::swap(a.plan().steps[1], a.plan().steps[2]);
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  float data[8] = {};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {4})), "");
  EXPECT_EQ(errorOf(laic_run(context.get())), "artifact is invalid: step 1 needs sizes that are read after it");
}

TEST(Run, SelectGuardsWhatItDoesNotChoose) {
  TestArtifact a;
  const uint32_t x = a.input("x", ElementType::F32, {-1}, {"N"});
  const uint32_t n = a.dim(x, 0), hundred = a.constant(100), one = a.constant(1);
  const uint32_t quotient = a.scalar(ScalarOp::FloorDiv, hundred, n); // a fault when N is 0
  const uint32_t positive = a.scalar(ScalarOp::Less, 0, n);
  const uint32_t size = a.scalar(ScalarOp::Select, quotient, one, positive);
  const uint32_t y = a.output("y", ElementType::I64, {size});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::I64, {size});
  a.dispatch(a.kernel("fill", test_fill), {out}, 1, size, {size});
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  float data[8] = {};
  laic_binding_t output;
  output.struct_size = sizeof output;
  for (auto [given, wanted] : std::vector<std::pair<int64_t, int64_t>>{{0, 1}, {8, 12}}) {
    ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, data, {given})), "");
    ASSERT_EQ(errorOf(laic_run(context.get())), "");
    ASSERT_EQ(errorOf(laic_output(context.get(), 0, &output)), "");
    EXPECT_EQ(output.sizes[0], wanted);
  }
}

TEST(Run, CancelStopsAtTheNextStep) {
  TestArtifact a;
  const uint32_t one = a.constant(1);
  const uint32_t x = a.input("flag", ElementType::I64, {1});
  const uint32_t y = a.output("y", ElementType::I64, {one});
  const uint32_t in = a.buffer(Storage::Input, x, ElementType::I64, {one});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::I64, {one});
  a.dispatch(a.kernel("wait", test_wait), {in, out}, 1, one);
  a.dispatch(a.kernel("fill", test_fill), {out}, 1, one, {one});
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  int64_t flag = 0, result = -1;
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_I64, &flag, {1})), "");
  ASSERT_EQ(errorOf(bindOutput(context.get(), 0, LAIC_I64, &result, {1})), "");
  struct Watch {
    std::atomic<bool> started{false};
    static void trace(void *self, int begin, const char *, const char *, int64_t) {
      if (begin)
        static_cast<Watch *>(self)->started = true;
    }
  } watch;
  laic_set_trace(context.get(), Watch::trace, &watch);
  std::thread canceller([&] {
    while (!watch.started)
      std::this_thread::yield();
    laic_cancel(context.get());
    __atomic_store_n(&flag, 5, __ATOMIC_RELEASE);
  });
  Outcome cancelled = outcome(laic_run(context.get()));
  canceller.join();
  EXPECT_EQ(cancelled.code, LAIC_CANCELLED);
  EXPECT_EQ(cancelled.message, "cancelled before step 2 of 2");
  EXPECT_EQ(result, 5);
  EXPECT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(result, 1);
}

TEST(Run, TraceSeesEveryStep) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  std::vector<float> x = iota(12);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {3, 4})), "");
  std::vector<std::string> seen;
  laic_set_trace(
      context.get(),
      [](void *self, int begin, const char *node, const char *kernel, int64_t tiles) {
        static_cast<std::vector<std::string> *>(self)->push_back(std::to_string(begin) + " " + node + " " + kernel + " " +
                                                                 std::to_string(tiles));
      },
      &seen);
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(seen,
            (std::vector<std::string>{"1 node_0 add_row 3", "0 node_0 add_row 3", "1 node_1 double 12", "0 node_1 double 12"}));
}

} // namespace
