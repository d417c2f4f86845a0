// Exchange between lanes, and lanes that take different ways.
#include "PtxTest.h"

using namespace laic::ptx;
using namespace laic::ptx::test;

namespace {

std::vector<uint32_t> lanes() {
  std::vector<uint32_t> values(32);
  for (uint32_t i = 0; i < 32; ++i)
    values[i] = 100 + i;
  return values;
}

// 64 threads run; the second warp's values are zero and not looked at.
template <typename F> void checkLanes(const std::string &body, F expected) {
  const std::vector<uint32_t> got = evaluate<uint32_t>(body, lanes());
  for (uint32_t i = 0; i < 32; ++i)
    EXPECT_EQ(got[i], static_cast<uint32_t>(expected(i))) << body << " lane " << i;
}

TEST(Warp, Shuffles) {
  checkLanes("shfl.sync.bfly.b32 %d, %a, 5, 31, -1;", [](uint32_t i) { return 100 + (i ^ 5); });
  checkLanes("shfl.sync.up.b32 %d, %a, 3, 0, -1;", [](uint32_t i) { return 100 + (i < 3 ? i : i - 3); });
  checkLanes("shfl.sync.down.b32 %d, %a, 3, 31, -1;", [](uint32_t i) { return 100 + (i + 3 > 31 ? i : i + 3); });
  checkLanes("shfl.sync.idx.b32 %d, %a, 9, 31, -1;", [](uint32_t) { return 109; });
  // Segments of 8 lanes: c = (32 - 8) << 8 | 7, and for up (32 - 8) << 8.
  checkLanes("shfl.sync.idx.b32 %d, %a, 2, 0x1807, -1;", [](uint32_t i) { return 100 + (i & 24) + 2; });
  checkLanes("shfl.sync.down.b32 %d, %a, 2, 0x1807, -1;", [](uint32_t i) { return 100 + ((i & 7) + 2 > 7 ? i : i + 2); });
  checkLanes("shfl.sync.up.b32 %d, %a, 2, 0x1800, -1;", [](uint32_t i) { return 100 + ((i & 7) < 2 ? i : i - 2); });
  checkLanes("shfl.sync.down.b32 %r0|%p0, %a, 4, 31, -1;\nselp.u32 %d, 1, 0, %p0;", [](uint32_t i) { return i + 4 <= 31; });
}

TEST(Warp, Votes) {
  checkLanes("setp.gt.u32 %p0, %a, 115;\nvote.sync.ballot.b32 %d, %p0, -1;", [](uint32_t) { return 0xffff0000; });
  checkLanes("setp.gt.u32 %p0, %a, 115;\nvote.sync.any.pred %p1, %p0, -1;\nselp.u32 %d, 1, 0, %p1;", [](uint32_t) { return 1; });
  checkLanes("setp.gt.u32 %p0, %a, 115;\nvote.sync.all.pred %p1, !%p0, -1;\nselp.u32 %d, 1, 0, %p1;", [](uint32_t) { return 0; });
  checkLanes("and.b32 %r0, %a, 3;\nmatch.any.sync.b32 %d, %r0, -1;", [](uint32_t i) { return 0x11111111u << (i & 3); });
  checkLanes("match.all.sync.b32 %d|%p0, 5, -1;", [](uint32_t) { return UINT32_MAX; });
  checkLanes("redux.sync.add.s32 %d, %a, -1;", [](uint32_t) { return 3200 + 31 * 16; });
  checkLanes("redux.sync.max.u32 %d, %a, -1;", [](uint32_t) { return 131; });
  checkLanes("activemask.b32 %d;", [](uint32_t) { return UINT32_MAX; });
  checkLanes("elect.sync %r0|%p0, -1;\nselp.u32 %d, 1, 0, %p0;", [](uint32_t i) { return i == 0; });
}

TEST(Warp, SpecialRegisters) {
  checkLanes("mov.u32 %d, %laneid;", [](uint32_t i) { return i; });
  checkLanes("mov.u32 %d, %lanemask_lt;", [](uint32_t i) { return (1u << i) - 1; });
  checkLanes("mov.u32 %d, %lanemask_ge;", [](uint32_t i) { return ~((1u << i) - 1); });
  checkLanes("mov.u32 %d, %ntid.x;", [](uint32_t) { return 64; });
  checkLanes("mov.u32 %d, %nwarpid;", [](uint32_t) { return 2; });
}

TEST(Warp, GridPositions) {
  std::unique_ptr<Module> module = loadText(moduleWith(R"(
	.reg .b32 %r<14>;
	.reg .b64 %x;
	ld.param.u64 %x, [y];
	mov.u32 %r0, %tid.x;
	mov.u32 %r1, %tid.y;
	mov.u32 %r2, %tid.z;
	mov.u32 %r3, %ctaid.x;
	mov.u32 %r4, %ctaid.y;
	mov.u32 %r5, %ctaid.z;
	mov.u32 %r6, %nctaid.x;
	mov.u32 %r7, %nctaid.y;
	// ((z * ny + y) * nx + x) * 24 + (tz * 3 + ty) * 4 + tx: each thread has a word of its own.
	mad.lo.u32 %r8, %r5, %r7, %r4;
	mad.lo.u32 %r8, %r8, %r6, %r3;
	mad.lo.u32 %r9, %r2, 3, %r1;
	mad.lo.u32 %r9, %r9, 4, %r0;
	mad.lo.u32 %r10, %r8, 24, %r9;
	mad.wide.u32 %x, %r10, 4, %x;
	st.global.b32 [%x], %r10;
	ret;)",
                                                       ".param .u64 y"));
  Bench bench;
  const uint64_t y = bench.buffer(std::vector<uint32_t>(24 * 30));
  bench.arg(y);
  ASSERT_FALSE(bench.launch(*module, "k", {5, 3, 2}, {4, 3, 2}).fault);
  const std::vector<uint32_t> out = bench.read<uint32_t>(y, 24 * 30);
  for (uint32_t i = 0; i < out.size(); ++i)
    EXPECT_EQ(out[i], i);
}

TEST(Control, Divergence) {
  const auto run = [](const std::string &kernel) {
    std::unique_ptr<Module> module = loadFile("control.ptx");
    Bench bench;
    const uint64_t y = bench.buffer(std::vector<uint32_t>(32));
    bench.arg(y);
    const LaunchResult result = bench.launch(*module, kernel, {1, 1, 1}, {32, 1, 1});
    EXPECT_FALSE(result.fault) << result.fault->text();
    return bench.read<uint32_t>(y, 32);
  };
  const std::vector<uint32_t> nested = run("nested_good"), table = run("table_good");
  for (uint32_t i = 0; i < 32; ++i) {
    EXPECT_EQ(nested[i], static_cast<uint32_t>(__builtin_popcount(i)));
    EXPECT_EQ(table[i], 10 * (i % 3 + 1));
  }
}

// Lanes that leave inside a branch, and a loop with two exits.
TEST(Control, Exits) {
  checkLanes("mov.b32 %d, 1;\nld.param.u64 %y, [out];\nmad.wide.u32 %y, %i, 8, %y;\nsetp.lt.u32 %p0, %a, 110;\nst.global.b32 "
             "[%y], 77;\n@%p0 exit;",
             [](uint32_t i) { return i < 10 ? 77 : 1; });
  checkLanes("mov.u32 %d, 0;\nL:\nadd.u32 %d, %d, 1;\nsetp.eq.u32 %p0, %d, %i;\n@%p0 bra A;\nsetp.ge.u32 %p1, %d, 20;\n@%p1 bra "
             "B;\nbra L;\n"
             "A:\nadd.u32 %d, %d, 1000;\nB:\nactivemask.b32 %r0;\nsetp.ne.u32 %p0, %r0, -1;\n@%p0 mov.u32 %d, 0;",
             [](uint32_t i) { return i >= 1 && i <= 20 ? 1000 + i : 20; });
}

} // namespace
