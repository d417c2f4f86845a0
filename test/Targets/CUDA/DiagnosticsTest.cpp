// What the interpreter says about PTX, launches and kernels that other tests do not meet.
#include "PtxTest.h"

using namespace laic::ptx;
using namespace laic::ptx::test;

namespace {

std::string loadComplaint(const std::string &text) {
  Diagnostics diagnostics;
  EXPECT_FALSE(Module::load(text, diagnostics)) << text;
  return toString(diagnostics);
}

const std::string kHead = ".version 7.0\n.target sm_80\n";
const std::string kRegisters = ".reg .pred %p<3>;\n.reg .b16 %h;\n.reg .b32 %r<6>;\n.reg .b64 %x<3>;\n";

// What running `body` reports, with `threads` threads; %x0 holds the address of 64 bytes.
std::string faultOf(const std::string &body, uint32_t threads = 32, bool checked = true) {
  std::unique_ptr<Module> module =
      loadText(moduleWith(kRegisters + "ld.param.u64 %x0, [y];\n" + body + "\nret;", ".param .u64 y"));
  Bench bench(checked);
  bench.arg(bench.buffer(std::vector<uint32_t>(16)));
  const LaunchResult result = bench.launch(*module, "k", {1, 1, 1}, {threads, 1, 1});
  return result.fault ? result.fault->text() : "";
}

#define EXPECT_HAS(text, part)                                                                                                   \
  do {                                                                                                                           \
    const std::string has = (text);                                                                                              \
    EXPECT_NE(has.find(part), std::string::npos) << has;                                                                         \
  } while (false)

TEST(Diagnostics, OfDeclarations) {
  EXPECT_HAS(loadComplaint(".version 7.0\n.target 7\n"), "line 2: expects a chip such as sm_80, got '7'");
  EXPECT_HAS(loadComplaint(".version 7.0\n.target sm_80, 7\n"), "expects an option of .target, got '7'");
  EXPECT_HAS(loadComplaint(kHead + ".section 7 {}"), "expects a section, got '7'");
  EXPECT_HAS(loadComplaint(kHead + ".entry 7() { ret; }"), "expects the kernel's name, got '7'");
  EXPECT_HAS(loadComplaint(kHead + ".entry k() .reqntid x { ret; }"), "expects a count of threads, got 'x'");
  EXPECT_HAS(loadComplaint(kHead + ".entry k() .maxnreg 1.5 { ret; }"), "expects a count, got a number with a fraction");
  EXPECT_HAS(loadComplaint(kHead + ".entry k(.param .align x .b8 a[4]) { ret; }"), "expects an alignment, got 'x'");
  EXPECT_HAS(complaintOf(".reg .b32 5;"), "expects a register, got '5'");
  EXPECT_HAS(complaintOf(".reg .b32 %r<x>;"), "expects a count of registers, got 'x'");
  EXPECT_HAS(complaintOf(".reg .b32 %r<2000000>;"), "kernel 'k' has more than a million registers");
  EXPECT_HAS(complaintOf("@5 ret;"), "expects a predicate, got '5'");
  EXPECT_HAS(complaintOf("= 5;"), "expects an instruction, got '='");
}

TEST(Diagnostics, OfOperands) {
  const auto complaint = [](const std::string &line) { return complaintOf(kRegisters + line + "\nret;"); };
  EXPECT_HAS(complaint("mov.u16 %h, %tid.x;"), "'%tid.x' has 32 bits, expects .u16");
  EXPECT_HAS(complaint("add.u32 5, %r0, %r1;"), "expects a register");
  EXPECT_HAS(complaint("add.u32 %r0, [%x0], %r1;"), "expects a register or a number");
  EXPECT_HAS(complaint("wgmma.mma %r0;"), "instruction 'wgmma.mma' is not supported");
  EXPECT_HAS(complaint("mov.b32;"), "expects 2 operands, got 0");
  EXPECT_HAS(complaint("setp.eq.u32;"), "expects more operands than 0");
  EXPECT_HAS(complaint("elect.sync;"), "expects 2 operands, got 0");
}

TEST(Diagnostics, OfBarriers) {
  EXPECT_HAS(faultOf("bar.sync 16;"), "barrier 16 does not exist: there are 16");
  EXPECT_HAS(faultOf("bar.sync 0, 33;"), "expects a multiple of 32 threads, got 33");
  EXPECT_HAS(faultOf("bar.arrive 1, 64;\nbar.arrive 1, 64;"), "arrives twice at barrier 1 before it opened");
  const std::string second = "mov.u32 %r0, %tid.x;\nsetp.ge.u32 %p0, %r0, 32;\n";
  EXPECT_HAS(faultOf(second + "@%p0 exit;\nbar.sync 0;", 64), "divergent barrier: thread 32 of the block exited before it");
  EXPECT_HAS(faultOf(second + "@%p0 bra B;\nbar.sync 0, 64;\nbra E;\nB:\nbar.sync 0, 32;\nE:", 64),
             "threads at the barrier, line");
}

TEST(Diagnostics, OfWholeWarps) {
  const std::string half = "mov.u32 %r0, %laneid;\nsetp.ge.u32 %p0, %r0, 16;\n";
  EXPECT_HAS(
      faultOf(".shared .align 16 .b8 s[512];\nmov.u64 %x1, s;\nldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r1}, [%x1];", 16),
      "expects all 32 threads of the warp, got 16");
  EXPECT_HAS(faultOf(half + "@%p0 bra E;\nvote.sync.any.pred %p1, %p0, -1;\nE:\nbar.warp.sync -1;", 32),
             "member mask 0xffffffff names lane 16, which is not here");
  EXPECT_HAS(faultOf("bar.warp.sync 0xffff;"), "thread (16,0,0): `bar.warp.sync`: the thread is not in the member mask 0xffff");
  EXPECT_HAS(faultOf(half + "@%p0 exit;\nshfl.sync.idx.b32 %r1, %r0, 20, 31, 0xffff;"),
             "reads lane 20, which does not take part");
  EXPECT_EQ(faultOf(half + "@%p0 exit;\nshfl.sync.idx.b32 %r1, %r0, 2, 31, 0xffff;"), "");
}

TEST(Diagnostics, OfMemory) {
  EXPECT_HAS(faultOf("ld.global.b32 %r0, [%x0-4];"),
             "reads 4 bytes at global address 0xffffffffc, 4 bytes before the 64 bytes at 0x1000000000");
  EXPECT_HAS(faultOf("ld.global.b64 %x1, [%x0+60];", 1, false), "running over the end of the 64 bytes at 0x1000000000");
  EXPECT_HAS(faultOf("mov.u64 %x1, 8;\nst.global.b64 [%x1], %x1;"),
             "writes 8 bytes at global address 0x8, outside every allocation");
  EXPECT_HAS(faultOf(".local .b32 m;\nst.local.b32 [m+4], 5;"),
             "out of bounds: local address 0x4 is outside of the thread's 4 bytes");
  EXPECT_HAS(faultOf("ld.param.b32 %r0, [y+8];"), "out of bounds: byte 8 is outside of the 8 bytes of parameters");
  EXPECT_HAS(faultOf("mov.u64 %x1, y;\ncvta.param.u64 %x1, %x1;\nst.b32 [%x1], 5;"), "parameters cannot be written");
  EXPECT_HAS(faultOf("mov.u32 %r0, 7;\nE: .branchtargets A;\nbrx.idx %r0, E;\nA:"), "index 7 is outside of the 1 branch targets");
  EXPECT_HAS(faultOf("L: bra L;"), "the limit of 1000000 instructions of a warp is reached: an endless loop");
  EXPECT_HAS(faultOf("atom.global.add.u32 %r0, [%x0+2], 1;", 1, false),
             "misaligned: global address 0x1000000002 is no multiple of 4");
  Bench bench;
  const uint64_t freed = bench.unwritten(64);
  bench.memory.release(freed);
  EXPECT_EQ(bench.memory.describe(freed + 5), "inside memory that was freed");
}

TEST(Diagnostics, OfSharedMemory) {
  const std::string copy =
      ".shared .align 16 .b8 s[512];\nmov.u32 %r0, %tid.x;\nmul.wide.u32 %x1, %r0, 4;\nadd.u64 %x0, %x0, %x1;\nmov.u64 %x2, "
      "s;\nadd.u64 %x2, %x2, %x1;\ncp.async.ca.shared.global [%x2], [%x0], 4;\n";
  EXPECT_HAS(faultOf(copy + "ld.shared.b32 %r1, [%x2];", 4),
             "touches shared byte 0 while a cp.async of line 17 by thread 0 may still write it");
  EXPECT_EQ(faultOf(copy + "cp.async.wait_all;\nld.shared.b32 %r1, [%x2];", 4), "");
  // A copy from memory that nobody has written.
  std::unique_ptr<Module> module =
      loadText(moduleWith(kRegisters + "ld.param.u64 %x0, [y];\n" + copy + "cp.async.wait_all;\nret;", ".param .u64 y"));
  Bench bench;
  bench.arg(bench.unwritten(64));
  EXPECT_HAS(bench.launch(*module, "k", {1, 1, 1}, {4, 1, 1}).fault->text(), "uninitialised: reads global address 0x1000000000");
}

TEST(Diagnostics, OfLaunches) {
  std::unique_ptr<Module> module = loadText(kHead + ".entry k() { .shared .b8 a[400]; .reg .b32 %r; mov.u32 %r, a; ret; }");
  const auto complaint = [&](Dim3 grid, Dim3 block) {
    Bench bench;
    bench.config.maxShared = 399;
    return bench.launch(*module, "k", grid, block).fault->text();
  };
  std::unique_ptr<Module> large = loadText(kHead + ".entry k() { .local .b8 a[2000000]; .reg .b64 %x; mov.u64 %x, a; ret; }");
  EXPECT_HAS(Bench().launch(*large, "k", {1, 1, 1}, {1024, 1, 1}).fault->text(),
             "the block's registers and local memory take 2048008192 bytes of the host, more than a gigabyte");
  EXPECT_EQ(complaint({1, 1, 65536}, {1, 1, 1}), "kernel 'k': the grid may have 2147483647 x 65535 x 65535 blocks at most");
  EXPECT_EQ(complaint({1, 1, 1}, {1, 1, 65}), "kernel 'k': a block may have 1024 threads, and 64 in z, at most; got 1 x 1 x 65");
  EXPECT_EQ(complaint({1, 1, 1}, {1, 1, 1}), "kernel 'k': the block needs 400 bytes of shared memory, 399 are there");
}

} // namespace
