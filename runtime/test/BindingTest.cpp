// Bindings: what is refused, strides, capacity and sharing of memory.
#include "TestArtifact.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

class Binding : public ::testing::Test {
protected:
  void use(const TestArtifact &artifact) {
    TemporaryFile file(artifact.bytes());
    module = loadFile(file.path()); // an unlinked file stays mapped
    context = createContext(module.get());
  }
  void expectRefused(laic_status_t *status, const std::string &fragment) {
    Outcome result = outcome(status);
    EXPECT_EQ(result.code, LAIC_INVALID_ARGUMENT) << result.message;
    EXPECT_NE(result.message.find(fragment), std::string::npos) << result.message;
  }
  laic_context_t *get() { return context.get(); }
  std::string input(size_t index, float *data, const std::vector<int64_t> &sizes, const std::vector<int64_t> &strides = {},
                    size_t capacity = 0) {
    return errorOf(bindInput(get(), index, LAIC_F32, data, sizes, strides, capacity));
  }
  std::string output(float *data, const std::vector<int64_t> &sizes, const std::vector<int64_t> &strides = {},
                     size_t capacity = 0) {
    return errorOf(bindOutput(get(), 0, LAIC_F32, data, sizes, strides, capacity));
  }

  ModulePtr module;
  ContextPtr context;
  float memory[256] = {};
};

TEST_F(Binding, RefusesWhatDoesNotFitTheSignature) {
  use(makeAffine());
  expectRefused(bindInput(get(), 1, LAIC_F32, memory, {3, 4}), "input 1 of 1");
  expectRefused(bindInput(get(), 0, LAIC_I32, memory, {3, 4}), "input 'x' has type f32, got i32");
  expectRefused(bindInput(get(), 0, LAIC_F32, memory, {12}), "input 'x' has rank 2, got 1");
  expectRefused(bindInput(get(), 0, LAIC_F32, memory, {3, 5}), "dim 1 must be 4, got 5");
  expectRefused(bindInput(get(), 0, LAIC_F32, memory, {-3, 4}), "dim 0 must be at least 0, got -3");
  expectRefused(bindInput(get(), 0, LAIC_F32, memory, {3, 4}, {-4, 1}), "stride 0 is negative");
  expectRefused(bindInput(get(), 0, LAIC_F32, memory, {INT64_MAX / 2, 4}), "input 'x' is too large");
  laic_binding_t binding = {};
  expectRefused(laic_bind_input(get(), 0, &binding), "struct_size");
  expectRefused(laic_bind_input(get(), 0, nullptr), "struct_size");
  expectRefused(laic_run(get()), "input 'x' is not bound");
  EXPECT_EQ(input(0, nullptr, {3, 4}), "");
  expectRefused(laic_run(get()), "input 'x' has no data");
}

TEST_F(Binding, OutputSizesAndCapacityAreChecked) {
  use(makeAffine());
  ASSERT_EQ(input(0, memory, {3, 4}), "");
  ASSERT_EQ(output(memory + 128, {4, 4}), "");
  expectRefused(laic_run(get()), "output 'y' is bound with size 4 in dim 0, the inputs make it 3");
  ASSERT_EQ(output(memory + 128, {3, 4}, {}, 47), "");
  expectRefused(laic_run(get()), "output 'y' touches 48 bytes, its capacity is 47");
  ASSERT_EQ(input(0, memory, {3, 4}, {5, 1}, 55), "");
  expectRefused(laic_run(get()), "input 'x' touches 56 bytes, its capacity is 55");
  ASSERT_EQ(input(0, memory, {3, 4}, {INT64_MAX / 2, 1}), "");
  expectRefused(laic_run(get()), "its strides are too large");
  ASSERT_EQ(input(0, memory, {3, 4}, {5, 1}, 56), "");
  ASSERT_EQ(output(memory + 128, {3, 4}, {}, 48), "");
  EXPECT_EQ(errorOf(laic_run(get())), "");
  ASSERT_EQ(output(memory + 128, {3, 4}, {2, 1}), "");
  expectRefused(laic_run(get()), "its strides let elements overlap");
}

TEST_F(Binding, OutputWithoutSizesTakesWhatComes) {
  use(makeAffine());
  laic_binding_t binding = {sizeof binding, memory + 128, LAIC_F32, 2, nullptr, nullptr, 64};
  ASSERT_EQ(errorOf(laic_bind_output(get(), 0, &binding)), "");
  for (int64_t rows : {1, 4, 2}) {
    ASSERT_EQ(input(0, memory, {rows, 4}), "");
    EXPECT_EQ(errorOf(laic_run(get())), "");
  }
  ASSERT_EQ(input(0, memory, {5, 4}), "");
  expectRefused(laic_run(get()), "output 'y' touches 80 bytes, its capacity is 64");
}

TEST_F(Binding, StridedTensorsAreStaged) {
  use(makeAffine());
  // x is column-major, y has rows of 7.
  std::vector<float> x(12), y(21, -1);
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 4; ++c)
      x[c * 3 + r] = static_cast<float>(10 * r + c);
  ASSERT_EQ(input(0, x.data(), {3, 4}, {1, 3}), "");
  ASSERT_EQ(output(y.data(), {3, 4}, {7, 1}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 7; ++c)
      EXPECT_EQ(y[r * 7 + c], c < 4 ? 2 * (10 * r + c + c + 1) : -1) << r << "," << c;
}

TEST_F(Binding, BroadcastAndUnalignedInputs) {
  use(makeAffine());
  float row[4] = {1, 2, 3, 4};
  char bytes[17];
  memcpy(bytes + 1, row, 16);
  ASSERT_EQ(input(0, reinterpret_cast<float *>(bytes + 1), {3, 4}, {0, 1}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  EXPECT_EQ(floatsOf(get(), 0), (std::vector<float>{4, 8, 12, 16, 4, 8, 12, 16, 4, 8, 12, 16}));
}

TEST_F(Binding, SharedMemoryIsRefusedUnlessProven) {
  use(makeAffine());
  ASSERT_EQ(input(0, memory, {3, 4}), "");
  ASSERT_EQ(output(memory, {3, 4}), "");
  expectRefused(laic_run(get()), "output 'y' shares memory with input 'x'");
  ASSERT_EQ(output(memory + 11, {3, 4}), "");
  expectRefused(laic_run(get()), "output 'y' shares memory with input 'x'");
  ASSERT_EQ(output(memory + 12, {3, 4}), "");
  EXPECT_EQ(errorOf(laic_run(get())), "");
  EXPECT_FALSE(laic_module_may_alias(module.get(), 0, 0));
  EXPECT_FALSE(laic_module_may_alias(module.get(), 9, 0));
}

TEST_F(Binding, CacheGrowsInPlace) {
  use(makeAppend());
  EXPECT_TRUE(laic_module_may_alias(module.get(), 0, 0));
  EXPECT_FALSE(laic_module_may_alias(module.get(), 0, 1));
  constexpr int64_t kCapacity = 16;
  std::vector<float> cache(kCapacity * 4, -1), next(4);
  for (int64_t length = 0; length < kCapacity; ++length) {
    for (size_t c = 0; c < 4; ++c)
      next[c] = static_cast<float>(length * 4) + static_cast<float>(c);
    ASSERT_EQ(input(0, cache.data(), {length, 4}, {}, cache.size() * 4), "");
    ASSERT_EQ(input(1, next.data(), {1, 4}), "");
    ASSERT_EQ(output(cache.data(), {length + 1, 4}, {}, cache.size() * 4), "");
    ASSERT_EQ(errorOf(laic_run(get())), "");
  }
  for (size_t i = 0; i < cache.size(); ++i)
    EXPECT_EQ(cache[i], static_cast<float>(i));
  // One more does not fit.
  ASSERT_EQ(input(0, cache.data(), {kCapacity, 4}), "");
  ASSERT_EQ(output(cache.data(), {kCapacity + 1, 4}, {}, cache.size() * 4), "");
  expectRefused(laic_run(get()), "capacity");
}

TEST_F(Binding, StridedCacheGrowsInPlace) {
  use(makeAppend());
  // Rows of 6 of which 4 are used; present starts one row before past, so both halves move.
  std::vector<float> cache(60, -1), next = {40, 41, 42, 43};
  for (int r = 0; r < 4; ++r)
    for (int c = 0; c < 4; ++c)
      cache[(r + 1) * 6 + c] = static_cast<float>(10 * r + c);
  ASSERT_EQ(input(0, cache.data() + 6, {4, 4}, {6, 1}), "");
  ASSERT_EQ(input(1, next.data(), {1, 4}), "");
  ASSERT_EQ(output(cache.data(), {5, 4}, {6, 1}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  for (int r = 0; r < 5; ++r)
    for (int c = 0; c < 6; ++c)
      EXPECT_EQ(cache[r * 6 + c], c < 4 ? 10 * r + c : -1) << r << "," << c;
}

// Elements of a cache [H, length, 4] in memory with room: what `at` gives, by plane and place.
template <typename At> void expectPlanes(const std::vector<float> &cache, int64_t planes, int64_t room, int64_t length, At at) {
  for (int64_t h = 0; h < planes; ++h)
    for (int64_t i = 0; i < length * 4; ++i)
      EXPECT_EQ(cache[h * room * 4 + i], at(h, i)) << h << "," << i;
}

TEST_F(Binding, MemoryWithRoomIsUsedAsItIs) {
  use(makeGrow());
  constexpr int64_t kPlanes = 3, kRoom = 16;
  std::vector<float> cache(kPlanes * kRoom * 4, -1), next(kPlanes * 4);
  auto element = [](int64_t h, int64_t i) { return static_cast<float>(1000 * h + i); };
  uint64_t allocations = 0;
  for (int64_t length = 0; length < kRoom; ++length) {
    for (int64_t h = 0; h < kPlanes; ++h)
      for (int64_t c = 0; c < 4; ++c)
        next[h * 4 + c] = element(h, length * 4 + c);
    ASSERT_EQ(input(0, cache.data(), {kPlanes, length, 4}, {kRoom * 4, 4, 1}), "");
    ASSERT_EQ(input(1, next.data(), {kPlanes, 1, 4}), "");
    ASSERT_EQ(output(cache.data(), {kPlanes, length + 1, 4}, {kRoom * 4, 4, 1}), "");
    ASSERT_EQ(errorOf(laic_run(get())), "");
    laic_memory_info_t info = {sizeof info, 0, 0, 0};
    laic_context_memory(get(), &info);
    allocations = length == 0 ? info.allocations : allocations;
    EXPECT_EQ(info.allocations, allocations) << length; // however long it gets, nothing is copied
  }
  expectPlanes(cache, kPlanes, kRoom, kRoom, element);
}

TEST_F(Binding, RoomThatInputAndOutputDoNotShareIsNoRoom) {
  use(makeGrow());
  constexpr int64_t kPlanes = 2, kRoom = 8, kWide = 10;
  auto element = [](int64_t h, int64_t i) { return static_cast<float>(1000 * h + i); };
  std::vector<float> next(kPlanes * 4);
  for (int64_t h = 0; h < kPlanes; ++h)
    for (int64_t c = 0; c < 4; ++c)
      next[h * 4 + c] = element(h, 12 + c);
  ASSERT_EQ(input(1, next.data(), {kPlanes, 1, 4}), "");
  auto fill = [&](std::vector<float> &cache, int64_t room, float *at) {
    for (float &value : cache)
      value = -1;
    for (int64_t h = 0; h < kPlanes; ++h)
      for (int64_t i = 0; i < 12; ++i)
        at[h * room * 4 + i] = element(h, i);
  };
  // Planes further apart in the output than in the input; an output that begins before its input; memory of its own; dense memory.
  std::vector<float> cache(kPlanes * kWide * 4), other(kPlanes * kRoom * 4, -1);
  fill(cache, kRoom, cache.data());
  ASSERT_EQ(input(0, cache.data(), {kPlanes, 3, 4}, {kRoom * 4, 4, 1}), "");
  ASSERT_EQ(output(cache.data(), {kPlanes, 4, 4}, {kWide * 4, 4, 1}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  expectPlanes(cache, kPlanes, kWide, 4, element);
  fill(cache, kRoom, cache.data() + 4);
  ASSERT_EQ(input(0, cache.data() + 4, {kPlanes, 3, 4}, {kRoom * 4, 4, 1}), "");
  ASSERT_EQ(output(cache.data(), {kPlanes, 4, 4}, {kRoom * 4, 4, 1}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  expectPlanes(cache, kPlanes, kRoom, 4, element);
  fill(cache, kRoom, cache.data());
  ASSERT_EQ(input(0, cache.data(), {kPlanes, 3, 4}, {kRoom * 4, 4, 1}), "");
  ASSERT_EQ(output(other.data(), {kPlanes, 4, 4}, {kRoom * 4, 4, 1}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  expectPlanes(other, kPlanes, kRoom, 4, element);
  EXPECT_EQ(other[16], -1);
  ASSERT_EQ(output(nullptr, {kPlanes, 4, 4}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  std::vector<float> dense = floatsOf(get(), 0);
  expectPlanes(dense, kPlanes, 4, 4, element);
  // Elements of a row apart from each other are no room along dim 1.
  std::vector<float> apart(kPlanes * 3 * 8);
  for (int64_t h = 0; h < kPlanes; ++h)
    for (int64_t i = 0; i < 12; ++i)
      apart[h * 24 + i * 2] = element(h, i);
  ASSERT_EQ(input(0, apart.data(), {kPlanes, 3, 4}, {24, 8, 2}), "");
  ASSERT_EQ(errorOf(laic_run(get())), "");
  dense = floatsOf(get(), 0);
  expectPlanes(dense, kPlanes, 4, 4, element);
}

TEST_F(Binding, NullArgumentsAreErrors) {
  use(makeAffine());
  expectRefused(laic_module_load(nullptr, nullptr, nullptr), "out is NULL");
  laic_module_t *none = nullptr;
  expectRefused(laic_module_load(nullptr, nullptr, &none), "path is NULL");
  expectRefused(laic_module_load_memory(memory, 8, nullptr, nullptr), "out is NULL");
  laic_context_t *nothing = nullptr;
  expectRefused(laic_context_create(nullptr, nullptr, &nothing), "module is NULL");
  laic_context_options_t empty = {};
  expectRefused(laic_context_create(module.get(), &empty, &nothing), "struct_size");
  laic_tensor_info_t info = {};
  expectRefused(laic_module_input(module.get(), 0, &info), "struct_size");
  info.struct_size = sizeof info;
  expectRefused(laic_module_input(module.get(), 1, &info), "input 1 of 1");
  expectRefused(laic_module_output(module.get(), 1, &info), "output 1 of 1");
  laic_module_release(nullptr);
  laic_context_release(nullptr);
  laic_pool_release(nullptr);
  laic_status_free(nullptr);
}

TEST_F(Binding, SignatureIsReadable) {
  use(makeAppend());
  laic_tensor_info_t info;
  info.struct_size = sizeof info;
  ASSERT_EQ(laic_module_input_count(module.get()), 2u);
  ASSERT_EQ(errorOf(laic_module_input(module.get(), 1, &info)), "");
  EXPECT_STREQ(info.name, "next");
  EXPECT_EQ(info.type, LAIC_F32);
  ASSERT_EQ(info.rank, 2);
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_STREQ(info.symbols[0], "M");
  EXPECT_EQ(info.dims[1], 4);
  EXPECT_EQ(info.symbols[1], nullptr);
  EXPECT_STREQ(laic_type_name(LAIC_BF16), "bf16");
  EXPECT_STREQ(laic_type_name(static_cast<laic_type_t>(999)), "?");
  EXPECT_EQ(laic_type_size(LAIC_STRING), sizeof(laic_string_t));
}

} // namespace
