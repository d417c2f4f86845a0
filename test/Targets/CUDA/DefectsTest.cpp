// Planted defects are found, and the same kernel without the defect passes.
#include "PtxTest.h"

using namespace laic::ptx;
using namespace laic::ptx::test;

namespace {

std::vector<uint32_t> ramp(size_t count) {
  std::vector<uint32_t> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<uint32_t>(i);
  return values;
}

// Runs a kernel that takes one output of `threads` words.
LaunchResult runOutput(const std::string &file, const std::string &kernel, uint32_t threads, std::vector<uint32_t> *out = nullptr,
                       bool checked = true) {
  std::unique_ptr<Module> module = loadFile(file);
  Bench bench(checked);
  const uint64_t y = bench.buffer(std::vector<uint32_t>(threads));
  bench.arg(y);
  const LaunchResult result = bench.launch(*module, kernel, {1, 1, 1}, {threads, 1, 1});
  if (out)
    *out = bench.read<uint32_t>(y, threads);
  return result;
}

void expectFault(const LaunchResult &result, FaultKind kind, const std::string &what) {
  ASSERT_TRUE(result.fault);
  EXPECT_EQ(result.fault->kind, kind) << result.fault->text();
  EXPECT_NE(result.fault->text().find(what), std::string::npos) << result.fault->text();
}

LaunchResult copyKernel(const std::string &kernel, uint32_t threads, bool checked = true, uint32_t words = 32) {
  std::unique_ptr<Module> module = loadFile("memory.ptx");
  Bench bench(checked);
  bench.arg(bench.buffer(ramp(words))).arg(bench.unwritten(4 * words));
  if (kernel.find("bounds") == 0)
    bench.arg(words);
  return bench.launch(*module, kernel, {1, 1, 1}, {threads, 1, 1});
}

TEST(Defects, OutOfBounds) {
  EXPECT_FALSE(copyKernel("bounds_good", 64).fault);
  expectFault(copyKernel("bounds_bad", 64, false), FaultKind::OutOfBounds,
              "kernel 'bounds_bad', line 37, block (0,0,0), thread (32,0,0): `ld.global.b32`: out of bounds: reads 4 bytes at "
              "global address 0x");
  expectFault(copyKernel("bounds_bad", 64, false), FaultKind::OutOfBounds, "0 bytes behind the end of the 128 bytes at 0x");
}

TEST(Defects, Misaligned) {
  EXPECT_FALSE(copyKernel("aligned_good", 8).fault);
  EXPECT_FALSE(copyKernel("aligned_bad", 7, false).fault); // only where it is asked for
  expectFault(copyKernel("aligned_bad", 7), FaultKind::Misaligned, "is no multiple of 16");
}

TEST(Defects, UseAfterFree) {
  for (bool freed : {false, true}) {
    std::unique_ptr<Module> module = loadFile("memory.ptx");
    Bench bench;
    const uint64_t x = bench.buffer(ramp(32));
    bench.arg(x).arg(bench.unwritten(128)).arg(32u);
    if (freed) {
      EXPECT_TRUE(bench.memory.release(x));
      EXPECT_FALSE(bench.memory.release(x));
    }
    const LaunchResult result = bench.launch(*module, "bounds_good", {1, 1, 1}, {32, 1, 1});
    if (freed)
      expectFault(result, FaultKind::UseAfterFree, "use after free: reads 4 bytes at global address");
    else
      EXPECT_FALSE(result.fault);
  }
}

TEST(Defects, UninitializedGlobal) {
  std::unique_ptr<Module> module = loadFile("memory.ptx");
  Bench bench;
  bench.arg(bench.unwritten(128)).arg(bench.unwritten(128)).arg(32u);
  expectFault(bench.launch(*module, "bounds_good", {1, 1, 1}, {32, 1, 1}), FaultKind::Uninitialized,
              "byte 0 of an allocation, which was never written");
}

TEST(Defects, SharedMemory) {
  std::vector<uint32_t> out;
  EXPECT_FALSE(runOutput("memory.ptx", "shared_good", 32, &out).fault);
  EXPECT_EQ(out, ramp(32));
  expectFault(runOutput("memory.ptx", "shared_uninitialized_bad", 32), FaultKind::Uninitialized,
              "reads shared byte 128, which was never written");
  expectFault(runOutput("memory.ptx", "shared_bounds_bad", 32, nullptr, false), FaultKind::OutOfBounds,
              "thread (31,0,0): `st.shared.b32`: out of bounds: writes 4 bytes at shared address 0x100, outside of the block's "
              "256 bytes");
}

TEST(Defects, LocalMemory) {
  std::vector<uint32_t> out;
  EXPECT_FALSE(runOutput("memory.ptx", "local_good", 32, &out).fault);
  EXPECT_EQ(out, ramp(32));
  expectFault(runOutput("memory.ptx", "local_bad", 32), FaultKind::OutOfBounds,
              "local address 0x10 is outside of the thread's 16 bytes");
}

TEST(Defects, MissingBarrierReadAfterWrite) {
  std::vector<uint32_t> out, want = ramp(64);
  std::reverse(want.begin(), want.end());
  EXPECT_FALSE(runOutput("barriers.ptx", "reverse_good", 64, &out).fault);
  EXPECT_EQ(out, want);
  expectFault(runOutput("barriers.ptx", "reverse_bad", 64), FaultKind::Race, "with no barrier between");
}

TEST(Defects, MissingBarrierWriteAfterRead) {
  EXPECT_FALSE(runOutput("barriers.ptx", "rotate_good", 64).fault);
  expectFault(runOutput("barriers.ptx", "rotate_bad", 64), FaultKind::Race, "race: writes shared byte");
}

TEST(Defects, WriteWriteRace) {
  std::vector<uint32_t> out;
  EXPECT_FALSE(runOutput("barriers.ptx", "total_good", 64, &out).fault);
  EXPECT_EQ(out[0], 63u * 64 / 2);
  expectFault(runOutput("barriers.ptx", "total_bad", 64), FaultKind::Race, "race: writes shared byte 0, which line");
}

TEST(Defects, LanesOfAWarp) {
  EXPECT_FALSE(runOutput("barriers.ptx", "lanes_good", 64).fault);
  expectFault(runOutput("barriers.ptx", "lanes_bad", 64), FaultKind::Race, "race: reads");
}

TEST(Defects, Barriers) {
  std::vector<uint32_t> out;
  EXPECT_FALSE(runOutput("barriers.ptx", "handover_good", 64, &out).fault);
  EXPECT_EQ(out[31], 31u);
  expectFault(runOutput("barriers.ptx", "divergent_warp_bad", 64, nullptr, false), FaultKind::Barrier,
              "divergent barrier: other threads of the warp are not here");
  EXPECT_FALSE(runOutput("barriers.ptx", "exited_bad", 64, nullptr, false).fault); // hardware lets it pass
  expectFault(runOutput("barriers.ptx", "exited_bad", 64), FaultKind::Barrier, "thread 32 of the block exited before it");
  expectFault(runOutput("barriers.ptx", "deadlock_bad", 64, nullptr, false), FaultKind::Barrier,
              "deadlock: barrier 1 never opens; thread 32 waits at barrier 2 in line");
  EXPECT_FALSE(runOutput("barriers.ptx", "elsewhere_bad", 64, nullptr, false).fault);
  expectFault(runOutput("barriers.ptx", "elsewhere_bad", 64), FaultKind::Barrier, "thread 32 waits at the barrier of line");
}

TEST(Defects, EndlessLoop) {
  std::vector<uint32_t> out;
  EXPECT_FALSE(runOutput("control.ptx", "loop_good", 32, &out).fault);
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i * (i + 1) / 2);
  expectFault(runOutput("control.ptx", "loop_bad", 32), FaultKind::Limit,
              "the limit of 1000000 instructions of a warp is reached");
}

TEST(Defects, Trap) {
  expectFault(runOutput("control.ptx", "trap_bad", 32), FaultKind::Trap, "thread (7,0,0): `trap`: trap was executed");
}

TEST(Defects, DivergentExchange) {
  expectFault(runOutput("control.ptx", "exchange_bad", 32, nullptr, false), FaultKind::Divergence, "which is not here");
}

LaunchResult asyncKernel(const std::string &kernel, bool checked, std::vector<uint32_t> &out) {
  std::unique_ptr<Module> module = loadFile("async.ptx");
  Bench bench(checked);
  const uint64_t y = bench.buffer(std::vector<uint32_t>(256));
  bench.arg(bench.buffer(ramp(256))).arg(y);
  const LaunchResult result = bench.launch(*module, kernel, {1, 1, 1}, {32, 1, 1});
  out = bench.read<uint32_t>(y, 256);
  return result;
}

TEST(Defects, WeakAsyncWait) {
  std::vector<uint32_t> out;
  EXPECT_FALSE(asyncKernel("wait_good", true, out).fault);
  for (uint32_t i = 0; i < 128; ++i)
    EXPECT_EQ(out[i], i ^ 4);
  // Unchecked it shows as wrong data; checked it is named.
  EXPECT_FALSE(asyncKernel("wait_bad", false, out).fault);
  EXPECT_EQ(out[0], UINT32_MAX);
  expectFault(asyncKernel("wait_bad", true, out), FaultKind::Race, "while a cp.async of line");
}

TEST(Defects, AsyncCopyWithoutBarrier) {
  std::vector<uint32_t> out;
  expectFault(asyncKernel("wait_no_barrier_bad", true, out), FaultKind::Race, "race: reads");
  EXPECT_FALSE(asyncKernel("reuse_good", true, out).fault);
  EXPECT_EQ(out[128], 128u ^ 4);
  expectFault(asyncKernel("reuse_bad", true, out), FaultKind::Race, "race: writes");
}

TEST(Defects, AsyncCopyOfFewerBytes) {
  for (uint32_t bytes : {0u, 4u, 12u, 16u}) {
    std::unique_ptr<Module> module = loadFile("async.ptx");
    Bench bench;
    const uint64_t y = bench.buffer(std::vector<uint32_t>(128));
    bench.arg(bench.buffer(ramp(128))).arg(y).arg(bytes);
    EXPECT_FALSE(bench.launch(*module, "partial_good", {1, 1, 1}, {32, 1, 1}).fault);
    const std::vector<uint32_t> out = bench.read<uint32_t>(y, 128);
    for (uint32_t i = 0; i < 128; ++i)
      EXPECT_EQ(out[i], i % 4 * 4 < bytes ? i : 0) << bytes << " " << i;
  }
}

TEST(Defects, LaunchesThatDoNotFit) {
  std::unique_ptr<Module> module =
      loadText(".version 7.0\n.target sm_80\n.entry k(.param .u32 n) .reqntid 32 { ret; }\n.entry m() .maxntid 64 { ret; }\n"
               ".entry s() { .shared .b8 a[40000]; .reg .b32 %r; mov.u32 %r, a; ret; }");
  const auto complaint = [&](const std::string &kernel, Dim3 grid, Dim3 block, uint32_t shared = 0) {
    Bench bench;
    bench.config.maxShared = 48 * 1024;
    bench.config.dynamicShared = shared;
    if (kernel == "k")
      bench.arg(1u);
    const LaunchResult result = bench.launch(*module, kernel, grid, block);
    return result.fault ? result.fault->text() : "";
  };
  EXPECT_EQ(complaint("k", {1, 1, 1}, {32, 1, 1}), "");
  EXPECT_EQ(complaint("k", {1, 1, 1}, {64, 1, 1}), "kernel 'k': .reqntid asks for a block of 32 x 1 x 1 threads");
  EXPECT_EQ(complaint("m", {1, 1, 1}, {65, 1, 1}), "kernel 'm': .maxntid allows 64 threads in a block, got 65");
  EXPECT_EQ(complaint("m", {1, 1, 1}, {0, 1, 1}), "kernel 'm': grid and block must not be empty");
  EXPECT_NE(complaint("m", {1, 70000, 1}, {1, 1, 1}).find("the grid may have"), std::string::npos);
  EXPECT_NE(complaint("s", {1, 1, 1}, {2048, 1, 1}).find("a block may have 1024 threads, and 64 in z, at most"),
            std::string::npos);
  EXPECT_NE(complaint("s", {1, 1, 1}, {32, 1, 1}, 10000).find("bytes of shared memory, 49152 are there"), std::string::npos);
  Bench bench;
  EXPECT_NE(bench.launch(*module, "k", {1, 1, 1}, {32, 1, 1}).fault->text().find("expects 4 bytes of parameters, got 0"),
            std::string::npos);
}

// Whatever the order in which the host's threads run, the first block at fault is reported.
TEST(Defects, TheFirstBlockIsReported) {
  std::unique_ptr<Module> module =
      loadText(moduleWith(".reg .pred %p;\n.reg .b32 %r;\nmov.u32 %r, %ctaid.x;\nsetp.ge.u32 %p, %r, 5;\n@%p trap;\nret;"));
  for (int i = 0; i < 20; ++i) {
    Bench bench;
    const LaunchResult result = bench.launch(*module, "k", {64, 1, 1}, {32, 1, 1});
    ASSERT_TRUE(result.fault);
    EXPECT_EQ(result.fault->block[0], 5u);
  }
}

} // namespace
