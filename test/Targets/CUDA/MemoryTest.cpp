// Loads, stores, state spaces, atomics and what accesses cost.
#include "PtxTest.h"

using namespace laic::ptx;
using namespace laic::ptx::test;

namespace {

TEST(Memory, WidthsAndExtension) {
  const std::string store = ".local .align 8 .b8 mine[16];\nmov.u64 %l0, mine;\nst.local.b64 [%l0], %a;\n";
  const std::vector<uint64_t> values = edges<uint64_t>();
  check1<int32_t>(store + "ld.local.s8 %d, [%l0+1];", values, [](uint64_t a) { return int32_t(int8_t(a >> 8)); });
  check1<uint32_t>(store + "ld.local.u8 %d, [%l0+7];", values, [](uint64_t a) { return uint32_t(a >> 56); });
  check1<int64_t>(store + "ld.local.s16 %d, [%l0+2];", values, [](uint64_t a) { return int64_t(int16_t(a >> 16)); });
  check1<uint64_t>(store + "ld.local.b32 %d, [%l0+4];", values, [](uint64_t a) { return a >> 32; });
  check1<uint64_t>(store + "mov.b32 %r0, 0x11223344;\nst.local.b8 [%l0+3], %r0;\nld.local.b64 %d, [%l0];", values,
                   [](uint64_t a) { return (a & ~0xff000000ull) | 0x44000000; });
  check1<uint64_t>(".reg .b128 %q;\n.local .align 16 .b8 mine[16];\nmov.u64 %l0, mine;\nst.local.v2.b64 [%l0], {%a, 9};\n"
                   "ld.local.b128 %q, [%l0];\nmov.b128 {%l1, %l2}, %q;\nadd.u64 %d, %l1, %l2;",
                   values, [](uint64_t a) { return a + 9; });
}

TEST(Memory, GenericAddresses) {
  const std::string body =
      ".shared .align 8 .b8 s[512];\nmov.u64 %l0, s;\nmad.wide.u32 %l0, %i, 8, %l0;\ncvta.shared.u64 %l1, %l0;\n"
      "st.b64 [%l1], %a;\nld.volatile.shared.b64 %l2, [%l0];\nisspacep.shared %p0, %l1;\nisspacep.global %p1, %l1;\n"
      "cvta.to.shared.u64 %l3, %l1;\nsetp.eq.and.u64 %p0, %l3, %l0, %p0;\nselp.b64 %d, %l2, 0, %p0;\n@%p1 mov.b64 %d, 0;";
  std::vector<uint64_t> values(64);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i * 0x123456789;
  check1<uint64_t>(body, values, [](uint64_t a) { return a; });
  check1<uint64_t>(
      ".local .align 8 .b8 m[8];\nmov.u64 %l0, m;\ncvta.local.u64 %l1, %l0;\nst.b64 [%l1], %a;\nld.local.b64 %d, [%l0];", values,
      [](uint64_t a) { return a; });
}

TEST(Memory, VariablesOfTheModule) {
  std::unique_ptr<Module> module = loadText(R"(.version 7.0
.target sm_80
.address_size 64
.const .align 4 .b8 table[12] = {1, 0, 0, 0, 2, 0, 0, 0, 253, 255, 255, 255};
.visible .global .align 8 .u64 g = 5;
.global .align 4 .f32 zeros[4];
.visible .entry k(.param .u64 y, .param .align 4 .b8 pair[8])
{
	.reg .b32 %r<8>;
	.reg .b64 %rd<5>;
	ld.param.u64 %rd1, [y];
	mov.u64 %rd2, table;
	ld.const.b32 %r1, [%rd2+8];
	ld.const.b32 %r2, [table+4];
	ld.global.b64 %rd3, [g];
	ld.global.b32 %r3, [zeros+12];
	ld.param.b32 %r4, [pair+4];
	mov.b64 %rd4, pair;
	ld.param.b32 %r5, [%rd4];
	cvt.u32.u64 %r6, %rd3;
	st.global.v2.b32 [%rd1], {%r1, %r2};
	st.global.v4.b32 [%rd1+16], {%r6, %r3, %r4, %r5};
	ret;
})");
  Bench bench;
  const uint64_t y = bench.buffer(std::vector<int32_t>(8));
  bench.arg(y).arg(30).arg(40);
  ASSERT_FALSE(bench.launch(*module, "k", {1, 1, 1}, {1, 1, 1}).fault);
  EXPECT_EQ(bench.read<int32_t>(y, 8), (std::vector<int32_t>{-3, 2, 0, 0, 5, 0, 40, 30}));
  EXPECT_EQ(bench.memory.live(), 1u); // the module's variables are gone
}

TEST(Memory, DynamicSharedMemory) {
  std::unique_ptr<Module> module = loadText(R"(.version 7.0
.target sm_80
.address_size 64
.extern .shared .align 16 .b8 dynamic[];
.entry k(.param .u64 y)
{
	.shared .align 4 .b8 fixed[20];
	.reg .b32 %r<4>;
	.reg .b64 %rd<2>;
	ld.param.u64 %rd1, [y];
	mov.u32 %r1, dynamic;
	mov.u32 %r2, %dynamic_smem_size;
	st.shared.b32 [fixed+16], 7;
	st.shared.b32 [dynamic+60], %r1;
	ld.shared.b32 %r3, [%r1+60];
	st.global.v2.b32 [%rd1], {%r3, %r2};
	ret;
})");
  Bench bench;
  const uint64_t y = bench.buffer(std::vector<uint32_t>(2));
  bench.arg(y);
  bench.config.dynamicShared = 64;
  ASSERT_FALSE(bench.launch(*module, "k", {1, 1, 1}, {1, 1, 1}).fault);
  EXPECT_EQ(bench.read<uint32_t>(y, 2), (std::vector<uint32_t>{32, 64}));
  bench.config.dynamicShared = 60;
  EXPECT_TRUE(bench.launch(*module, "k", {1, 1, 1}, {1, 1, 1}).fault);
}

// 64 blocks of 64 threads on several threads of the host: no update may be lost.
TEST(Memory, Atomics) {
  const auto run = [](const std::string &op, uint64_t start) {
    std::unique_ptr<Module> module =
        loadText(moduleWith(".reg .b16 %h;\n.reg .b32 %r<4>;\n.reg .f32 %f;\n.reg .b64 %x, %l;\n.reg .f64 %g;\nld.param.u64 %x, "
                            "[y];\nmov.u32 %r0, %tid.x;\nmov.u32 "
                            "%r1, %ctaid.x;\nmad.lo.u32 %r0, %r1, 64, %r0;\ncvt.u64.u32 %l, %r0;\ncvt.rn.f32.u32 %f, "
                            "%r0;\ncvt.f64.f32 %g, %f;\ncvt.rn.f16.u32 "
                            "%h, 1;\n" +
                                op + "\nret;",
                            ".param .u64 y"));
    Bench bench;
    const uint64_t y = bench.buffer(std::vector<uint64_t>{start});
    bench.arg(y);
    const LaunchResult result = bench.launch(*module, "k", {64, 1, 1}, {64, 1, 1});
    EXPECT_FALSE(result.fault) << result.fault->text();
    return bench.read<uint64_t>(y, 1)[0];
  };
  constexpr uint64_t kSum = 4095ull * 4096 / 2;
  EXPECT_EQ(run("red.global.add.u32 [%x], %r0;", 0), kSum);
  EXPECT_EQ(run("atom.global.add.u64 %l, [%x], %l;", 0), kSum);
  EXPECT_EQ(run("atom.relaxed.gpu.global.max.u32 %r2, [%x], %r0;", 17), 4095u);
  EXPECT_EQ(run("neg.s32 %r0, %r0;\nred.global.min.s32 [%x], %r0;", 0), uint32_t(-4095));
  EXPECT_EQ(run("red.global.or.b32 [%x], %r0;", 0), 4095u);
  EXPECT_EQ(run("red.global.and.b32 [%x], %r0;", 0xffffffff), 0u);
  EXPECT_EQ(run("red.global.xor.b64 [%x], %l;", 0), 0u);
  EXPECT_EQ(run("atom.global.inc.u32 %r2, [%x], 9;", 0), 4096u % 10);
  EXPECT_EQ(run("atom.global.dec.u32 %r2, [%x], 9;", 0), (10 - 4096 % 10) % 10u);
  EXPECT_EQ(run("atom.global.exch.b32 %r2, [%x], 77;", 0), 77u);
  EXPECT_EQ(run("mov.u32 %r3, 0;\natom.acquire.sys.global.cas.b32 %r2, [%x], 5, 6;", 5), 6u);
  EXPECT_EQ(run("red.global.add.noftz.f16 [%x], %h;", 0), 0x6800u); // 2048: adding 1 to it changes nothing
  const uint32_t single = static_cast<uint32_t>(run("red.global.add.f32 [%x], 0f3F800000;", 0));
  EXPECT_EQ(single, 0x45800000u); // 4096.0
  const uint64_t wide = run("red.global.add.f64 [%x], %g;", 0);
  double sum;
  memcpy(&sum, &wide, 8);
  EXPECT_EQ(sum, double(kSum));
  EXPECT_EQ(run(".reg .pred %p;\n.shared .align 4 .b32 s;\nmov.u32 %r3, %tid.x;\nsetp.ne.u32 %p, %r3, 0;\n@!%p st.shared.b32 "
                "[s], 0;\nbar.sync "
                "0;\nred.shared.add.u32 [s], 1;\nbar.sync 0;\nld.shared.b32 %r2, [s];\nsetp.ne.u32 %p, %r0, 0;\n@!%p "
                "st.global.b32 [%x], %r2;",
                0),
            64u);
}

TEST(Memory, CountsTraffic) {
  const auto count = [](const std::string &stride, const std::string &access) {
    std::unique_ptr<Module> module =
        loadText(moduleWith(".shared .align 16 .b8 s[16384];\n.reg .b32 %r<6>;\n.reg .b64 %x, %l;\nld.param.u64 %x, "
                            "[y];\nmov.u32 %r0, %tid.x;\nmul.lo.u32 %r1, %r0, " +
                                stride + ";\ncvt.u64.u32 %l, %r1;\nadd.u64 %x, %x, %l;\n" + access + "\nret;",
                            ".param .u64 y"));
    Bench bench(false);
    bench.config.countTraffic = true;
    bench.arg(bench.buffer(std::vector<uint32_t>(4096)));
    const LaunchResult result = bench.launch(*module, "k", {1, 1, 1}, {32, 1, 1});
    EXPECT_FALSE(result.fault);
    return result.counters;
  };
  EXPECT_EQ(count("4", "st.shared.b32 [%r1], %r0;").sharedWavefronts, 1u);
  EXPECT_EQ(count("8", "st.shared.b32 [%r1], %r0;").sharedWavefronts, 2u);
  EXPECT_EQ(count("128", "st.shared.b32 [%r1], %r0;").sharedWavefronts, 32u);
  EXPECT_EQ(count("0", "ld.shared.b32 %r2, [%r1];").sharedWavefronts, 1u); // one word for all
  EXPECT_EQ(count("16", "ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1];").sharedWavefronts, 4u);
  EXPECT_EQ(count("16", "ld.shared.v4.b32 {%r2, %r3, %r4, %r5}, [%r1];").sharedIdeal, 4u);
  EXPECT_EQ(count("4", "ld.global.b32 %r2, [%x];").globalSectors, 4u);
  EXPECT_EQ(count("16", "ld.global.v4.b32 {%r2, %r3, %r4, %r5}, [%x];").globalSectors, 16u);
  EXPECT_EQ(count("128", "ld.global.b32 %r2, [%x];").globalSectors, 32u);
  const Counters counters = count("4", "st.global.b32 [%x], %r0;");
  EXPECT_EQ(counters.globalBytes, 128u);
  EXPECT_EQ(counters.threadInstructions, 7u * 32);
  EXPECT_EQ(counters.byOpcode.at("mul.lo.u32"), 32u);
}

} // namespace
