// What the parser takes and what it refuses, with the line.
#include "PtxTest.h"

using namespace laic::ptx;
using namespace laic::ptx::test;

namespace {

std::string diagnosticsOf(const std::string &text) {
  Diagnostics diagnostics;
  EXPECT_FALSE(Module::load(text, diagnostics)) << text;
  return toString(diagnostics);
}

const std::string kHead = ".version 7.0\n.target sm_80\n.address_size 64\n";

TEST(Parser, TakesWhatLlvmWrites) {
  const auto module = loadText(kHead + R"(
.extern .shared .align 16 .b8 dynamic[];
.const .align 4 .b8 table[12] = {1, 0, 0, 0, 2, 0, 0, 0, 253, 255, 255, 255};
.visible .global .align 8 .u64 g = 5;
/* a comment
   of two lines */
.visible .entry k(
	.param .u64 .ptr .global .align 1 k_param_0,
	.param .u32 k_param_1,
	.param .align 8 .b8 k_param_2[16]
)
.maxntid 128, 1, 1
.minnctapersm 2
{
	.local .align 16 .b8 	__local_depot0[48];
	.reg .b64 	%SP;
	.reg .pred 	%p<2>;
	.reg .b32 	%r<3>;
	.loc	1 7 3
	.pragma "nounroll";
// %bb.0:                               // %entry
	mov.b64 	%SP, __local_depot0;
	mov.u32 	%r1, %tid.x;
	prmt.b32 	%r2, %r1, 0, 0x123U;
	setp.lt.s32 	%p1, %r1, -5;
	{
	.reg .b32 inner;
	mov.b32 inner, %r2;
$again:
	@%p1 bra $again;
	}
	{
	.reg .b32 inner;
	mov.b32 inner, %r2;
$again:
	@!%p1 bra $end;
	}
$end:
	ret;
}
	.file	1 "a.mlir"
	.section	.debug_abbrev
	{
.b8 1
.b8 17
	}
)");
  ASSERT_TRUE(module);
  const Kernel &kernel = module->kernels()[0];
  EXPECT_EQ(kernel.name, "k");
  ASSERT_EQ(kernel.params.size(), 3u);
  EXPECT_EQ(kernel.params[1].offset, 8u);
  EXPECT_EQ(kernel.params[2].offset, 16u);
  EXPECT_EQ(kernel.paramBytes, 32u);
  EXPECT_EQ(kernel.maxThreads, 128u);
  EXPECT_EQ(kernel.localBytes, 48u);
  EXPECT_EQ(kernel.code.size(), 9u);
  EXPECT_EQ(module->target(), "sm_80");
}

TEST(Parser, ListsAllUnsupportedInstructionsAtOnce) {
  const std::string text =
      complaintOf(".reg .b32 %r<3>;\n.reg .b64 %x;\nwgmma.fence.sync.aligned;\nadd.s32 %r0, %r1, %r2;\n"
                  "wgmma.fence.sync.aligned;\nmbarrier.init.shared.b64 [%x], 1;\nadd.cc.u32 %r0, %r1, %r2;\nret;");
  EXPECT_EQ(text, "line 8: kernel 'k': instruction 'wgmma.fence.sync.aligned' is not supported (2 times)\n"
                  "line 11: kernel 'k': instruction 'mbarrier.init.shared.b64' is not supported\n"
                  "line 12: kernel 'k': instruction 'add.cc.u32' is not supported");
}

TEST(Parser, NamesTheLineOfEachError) {
  EXPECT_EQ(diagnosticsOf(kHead + ".visible .entry k()\n{\n.reg .b32 %r<2>;\nadd.s32 %r0, ;\nmov.b32 %r0, %r9;\nret;\n}\n"),
            "line 7: expects an operand, got ';'\n"
            "line 8: kernel 'k': 'mov.b32': register '%r9' is not declared, and no special register that is supported");
  EXPECT_EQ(diagnosticsOf("int main() {}\n"), "line 1: expects a directive, got 'int'");
  EXPECT_EQ(diagnosticsOf(""), "no .version: this is no PTX module");
  EXPECT_EQ(diagnosticsOf(kHead + "/* never closed"), "line 4: comment is never closed");
  EXPECT_EQ(diagnosticsOf(kHead + ".file 1\n\"never closed"), "line 5: string is never closed");
  EXPECT_EQ(diagnosticsOf(kHead + ".entry k() { ret; "), "line 4: kernel 'k' is never closed");
  EXPECT_EQ(diagnosticsOf(kHead + "~\n"), "line 4: unexpected character '~'");
  EXPECT_EQ(diagnosticsOf(".version 7.0\n.address_size 32\n"),
            "line 2: expects .address_size 64: pointers of 32 bits are not supported");
  EXPECT_EQ(diagnosticsOf(kHead + ".section .debug {\n"), "line 5: expects '}', got the end of the file");
}

TEST(Parser, RefusesCallsAndFunctions) {
  EXPECT_EQ(diagnosticsOf(kHead + ".extern .func (.param .b32 r) __nv_erff(.param .b32 x);\n"),
            "line 4: functions are not supported: inline all calls into kernels");
  EXPECT_EQ(diagnosticsOf(kHead + ".func f() { ret; }\n.entry k() { ret; }\n"),
            "line 4: functions are not supported: inline all calls into kernels");
  EXPECT_NE(complaintOf("call f;\nret;").find("instruction 'call' is not supported"), std::string::npos);
}

TEST(Parser, ChecksDeclarations) {
  EXPECT_NE(complaintOf(".reg .b32 %r;\n.reg .b32 %r;\n").find("line 7: register '%r' is declared twice"), std::string::npos);
  EXPECT_NE(complaintOf("A:\nA:\nret;").find("line 7: label 'A' is defined twice"), std::string::npos);
  EXPECT_NE(complaintOf(".reg .q32 %r;").find("'.q32' is no type"), std::string::npos);
  EXPECT_NE(complaintOf(".reg .b32 %r<2000000>;").find("more than a million registers"), std::string::npos);
  EXPECT_NE(complaintOf(".shared .align 3 .b8 a[4];").find("alignment 3 is no power of two up to 4096"), std::string::npos);
  EXPECT_NE(complaintOf(".shared .b8 a[];").find("'a' has no size: only .extern .shared variables may leave it open"),
            std::string::npos);
  EXPECT_NE(complaintOf(".shared .b8 a[99999999999];").find("array 'a' is larger than any memory"), std::string::npos);
  EXPECT_NE(complaintOf(".shared .b32 a = 1;").find("only .global and .const variables have initialisers"), std::string::npos);
  EXPECT_NE(complaintOf(".const .b32 a;").find("a .const variable inside a kernel is not supported"), std::string::npos);
  EXPECT_NE(complaintOf(".shared .b8 a[4294967295];\n.shared .b8 b[4294967295];\nret;").find("'b' does not fit any memory"),
            std::string::npos);
  EXPECT_NE(diagnosticsOf(kHead + ".local .b32 a;").find("a .local variable belongs into a kernel"), std::string::npos);
  EXPECT_NE(diagnosticsOf(kHead + ".global .b32 a[1] = {1, 2};").find("initialiser of 'a' has more elements than the array"),
            std::string::npos);
  EXPECT_NE(diagnosticsOf(kHead + ".global .u64 a = b;").find("initialiser of 'a': only numbers are supported, got 'b'"),
            std::string::npos);
  EXPECT_NE(
      diagnosticsOf(kHead + ".entry k() .reqnctapercluster 2 { ret; }").find("directive '.reqnctapercluster' is not supported"),
      std::string::npos);
}

TEST(Parser, ChecksOperands) {
  const std::string registers = ".reg .pred %p;\n.reg .b16 %h;\n.reg .b32 %r<3>;\n.reg .f32 %f;\n.reg .b64 %x;\n";
  const auto complaint = [&](const std::string &line) { return complaintOf(registers + line + "\nret;"); };
  EXPECT_EQ(complaint("add.s32 %r0, %r1, %x;"), "line 11: kernel 'k': 'add.s32': register '%x' is .b64, expects .s32");
  EXPECT_NE(complaint("mov.b32 %r0, %r9;").find("register '%r9' is not declared, and no special register that is supported"),
            std::string::npos);
  EXPECT_NE(complaint("mov.b64 %x, nowhere;").find("'nowhere' is not declared"), std::string::npos);
  EXPECT_NE(complaint("bra NOWHERE;").find("label 'NOWHERE' is not defined"), std::string::npos);
  EXPECT_NE(complaint("brx.idx %r0, NOWHERE;").find("'NOWHERE' is no list of .branchtargets"), std::string::npos);
  EXPECT_NE(complaint("bra 7;").find("expects a label"), std::string::npos);
  EXPECT_NE(complaint("add.s32 %r0, %r1;").find("expects 3 operands, got 2"), std::string::npos);
  EXPECT_NE(complaint("add.f32 %f, %f, 1;").find("expects a floating-point number for .f32, got an integer"), std::string::npos);
  EXPECT_NE(complaint("add.f64 %x, %x, 0f3F800000;").find("a 0f number cannot be .f64"), std::string::npos);
  EXPECT_NE(complaint("mov.b16 %h, 1.5;").find("a floating-point number cannot be .b16"), std::string::npos);
  EXPECT_NE(complaint("mov.b16 %h, k;").find("the address of 'k' cannot be .b16"), std::string::npos);
  EXPECT_NE(complaint("ld.global.b32 %r0, [%r1];").find("register '%r1' is .b32, which holds no .global address"),
            std::string::npos);
  EXPECT_NE(complaint("ld.global.b32 %r0, %x;").find("expects an address in [ ]"), std::string::npos);
  EXPECT_NE(complaint("ld.global.v2.b32 {%r0}, [%x];").find("expects 2 elements, got 1"), std::string::npos);
  EXPECT_NE(
      complaint("ld.global.v8.b64 {%x, %x, %x, %x, %x, %x, %x, %x}, [%x];").find("accesses of more than 32 bytes do not exist"),
      std::string::npos);
  EXPECT_NE(complaint("ld.global.pred %p, [%x];").find("no memory holds .pred"), std::string::npos);
  EXPECT_NE(complaint("st.const.b32 [%x], %r0;").find("nothing can be stored in .const"), std::string::npos);
  EXPECT_NE(complaint("@%r0 bra NOWHERE;").find("'%r0' is no predicate register"), std::string::npos);
  EXPECT_NE(complaint("selp.b32 %r0, %r1, %r2, %r1;").find("register '%r1' is .b32, expects .pred"), std::string::npos);
  EXPECT_NE(complaint("mov.b64 {%r0, %r1, %r2}, %x;").find("cannot split .b64 into 3 parts"), std::string::npos);
  EXPECT_NE(complaint("mov.b32 %r0, {5;").find("expects '}', got ';'"), std::string::npos);
  EXPECT_NE(complaint("mov.f32 %f, 0f12;").find("'0f12' is no number of 8 hexadecimal digits"), std::string::npos);
  EXPECT_NE(complaint("mov.u64 %x, 99999999999999999999;").find("is no number of 64 bits"), std::string::npos);
  EXPECT_NE(complaint("mov.f32 %f, 1.5x;").find("'1.5x' is no number"), std::string::npos);
  EXPECT_NE(complaint("mul.s32 %r0, %r1, %r2;").find("expects .lo, .hi or .wide"), std::string::npos);
  EXPECT_NE(complaint("setp.s32 %p, %r1, %r2;").find("expects a comparison"), std::string::npos);
  EXPECT_NE(complaint("cvt.s32.f32 %r0, %f;").find("expects .rni, .rzi, .rmi or .rpi"), std::string::npos);
  EXPECT_NE(complaint("cp.async.cg.shared.global [%x], [%x], 8;").find("copies of 8 bytes do not exist"), std::string::npos);
  EXPECT_NE(complaint("cp.async.wait_group %r0;").find("expects a number as operand 0"), std::string::npos);
  EXPECT_NE(complaint("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r0}, [%x];").find("expects 2 registers in operand 0, got 1"),
            std::string::npos);
  EXPECT_NE(complaint("lop3.b32 %r0, %r1, %r2, %r1, 256;").find("expects a table of 0 to 255"), std::string::npos);
  EXPECT_NE(complaint("elect.sync %r0, -1;").find("expects d|p"), std::string::npos);
}

// Cutting a module anywhere must give diagnostics, never a crash; also with stray characters in it.
TEST(Parser, SurvivesDamage) {
  const std::string text = slurp(LAIC_PTX_FOLDER "/gemm.ptx");
  for (size_t length = 0; length < text.size(); length += 97) {
    Diagnostics diagnostics;
    Module::load(text.substr(0, length), diagnostics);
    std::string damaged = text;
    damaged[length] = static_cast<char>("{}[];,%@.-:0\"\0"[length % 14]);
    Module::load(damaged, diagnostics);
  }
}

} // namespace
