// Throughput of the PTX interpreter: thread-instructions a second, plain and with all checks, for three kinds of kernels.
//
// Usage: laic-ptx-bench [THREADS]. Each figure is the best of three launches; the others show how the machine was loaded.
#include "Interpreter.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace laic::ptx;

namespace {

constexpr char kModule[] = R"(.version 7.0
.target sm_80
.address_size 64

// y[i] = a polynomial of x[i], 64 times.
.visible .entry arithmetic(.param .u64 x, .param .u64 y)
{
	.reg .pred %p;
	.reg .b32 %r<8>;
	.reg .f32 %f<8>;
	.reg .b64 %rd<6>;
	ld.param.u64 %rd1, [x];
	ld.param.u64 %rd2, [y];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r2, %ntid.x;
	mov.u32 %r3, %tid.x;
	mad.lo.s32 %r4, %r1, %r2, %r3;
	mul.wide.u32 %rd3, %r4, 4;
	add.s64 %rd4, %rd1, %rd3;
	add.s64 %rd5, %rd2, %rd3;
	ld.global.f32 %f1, [%rd4];
	mov.f32 %f2, 0f00000000;
	mov.u32 %r5, 0;
LOOP:
	fma.rn.f32 %f3, %f2, %f1, 0f3E000000;
	fma.rn.f32 %f4, %f3, %f1, 0f3F000000;
	max.f32 %f5, %f4, 0fC2C80000;
	min.f32 %f5, %f5, 0f42C80000;
	mul.f32 %f2, %f5, 0f3F666666;
	xor.b32 %r6, %r5, %r4;
	add.s32 %r5, %r5, 1;
	setp.lt.s32 %p, %r5, 64;
	@%p bra LOOP;
	st.global.f32 [%rd5], %f2;
	ret;
}

// Sums of a block's 256 values through shared memory, 16 times.
.visible .entry shared(.param .u64 x, .param .u64 y)
{
	.shared .align 16 .b8 tile[1024];
	.reg .pred %p, %q;
	.reg .b32 %r<12>;
	.reg .f32 %f<6>;
	.reg .b64 %rd<6>;
	ld.param.u64 %rd1, [x];
	ld.param.u64 %rd2, [y];
	mov.u32 %r1, %ctaid.x;
	mov.u32 %r3, %tid.x;
	shl.b32 %r2, %r1, 8;
	add.s32 %r4, %r2, %r3;
	mul.wide.u32 %rd3, %r4, 4;
	add.s64 %rd4, %rd1, %rd3;
	add.s64 %rd5, %rd2, %rd3;
	ld.global.f32 %f1, [%rd4];
	mov.u32 %r7, tile;
	shl.b32 %r8, %r3, 2;
	add.s32 %r9, %r7, %r8;
	mov.u32 %r10, 0;
ROUND:
	st.shared.f32 [%r9], %f1;
	bar.sync 0;
	mov.u32 %r5, 128;
HALVE:
	setp.ge.u32 %p, %r3, %r5;
	@%p bra MEET;
	shl.b32 %r6, %r5, 2;
	add.s32 %r11, %r9, %r6;
	ld.shared.f32 %f2, [%r11];
	ld.shared.f32 %f3, [%r9];
	add.f32 %f3, %f3, %f2;
	st.shared.f32 [%r9], %f3;
MEET:
	bar.sync 0;
	shr.u32 %r5, %r5, 1;
	setp.ne.u32 %q, %r5, 0;
	@%q bra HALVE;
	ld.shared.f32 %f4, [tile];
	bar.sync 0;
	add.s32 %r10, %r10, 1;
	setp.lt.u32 %q, %r10, 16;
	@%q bra ROUND;
	st.global.f32 [%rd5], %f4;
	ret;
}

// Tensor-core products of one tile, 256 times, with its fragments loaded each time.
.visible .entry matrix(.param .u64 x, .param .u64 y)
{
	.shared .align 16 .b8 tile[1024];
	.reg .pred %p;
	.reg .b32 %r<16>;
	.reg .f32 %f<6>;
	.reg .b64 %rd<6>;
	ld.param.u64 %rd1, [x];
	ld.param.u64 %rd2, [y];
	mov.u32 %r1, %tid.x;
	and.b32 %r1, %r1, 31;
	mul.wide.u32 %rd3, %r1, 16;
	add.s64 %rd4, %rd1, %rd3;
	add.s64 %rd5, %rd2, %rd3;
	mov.u32 %r2, tile;
	shl.b32 %r3, %r1, 4;
	add.s32 %r4, %r2, %r3;
	mov.u32 %r14, %tid.x;
	setp.ge.u32 %p, %r14, 32;
	@%p bra READY;
	cp.async.cg.shared.global [%r4], [%rd4], 16;
	cp.async.wait_all;
READY:
	bar.sync 0;
	mov.f32 %f1, 0f00000000;
	mov.f32 %f2, 0f00000000;
	mov.f32 %f3, 0f00000000;
	mov.f32 %f4, 0f00000000;
	mov.u32 %r5, 0;
LOOP:
	ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r6, %r7, %r8, %r9}, [%r4];
	ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r10, %r11}, [%r4];
	mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r6, %r7, %r8, %r9}, {%r10, %r11}, {%f1, %f2, %f3, %f4};
	mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4}, {%r6, %r7, %r8, %r9}, {%r10, %r11}, {%f1, %f2, %f3, %f4};
	add.s32 %r5, %r5, 1;
	setp.lt.u32 %p, %r5, 256;
	@%p bra LOOP;
	st.global.v4.f32 [%rd5], {%f1, %f2, %f3, %f4};
	ret;
}
)";

constexpr uint32_t kBlocks = 512, kThreads = 256, kValues = kBlocks * kThreads;

double measure(Module &module, const char *name, uint32_t blocks, bool checked, unsigned threads) {
  double best = 0;
  for (int repeat = 0; repeat < 3; ++repeat) {
    DeviceMemory memory(1 << 28, checked);
    const std::vector<uint8_t> zeros(kValues * 4);
    const uint64_t x = memory.allocate(zeros.size()), y = memory.allocate(zeros.size());
    memory.copyIn(x, zeros.data(), zeros.size());
    LaunchConfig config;
    config.grid.x = blocks;
    config.block.x = kThreads;
    config.workers = threads;
    const uint64_t addresses[] = {x, y};
    config.params.resize(sizeof addresses);
    memcpy(config.params.data(), addresses, sizeof addresses);
    if (checked)
      config.checks = Checks::all();
    module.place(memory);
    const LaunchResult result = launch(*module.find(name), memory, config);
    module.unplace(memory);
    if (result.fault) {
      fprintf(stderr, "%s\n", result.fault->text().c_str());
      return 0;
    }
    best = std::max(best, static_cast<double>(result.counters.threadInstructions) / result.seconds);
  }
  return best / 1e6;
}

} // namespace

int main(int argc, char **argv) {
  const unsigned threads = argc > 1 ? static_cast<unsigned>(strtoul(argv[1], nullptr, 10)) : 0;
  Diagnostics diagnostics;
  const std::unique_ptr<Module> module = Module::load(kModule, diagnostics);
  if (!module) {
    fprintf(stderr, "%s\n", toString(diagnostics).c_str());
    return 1;
  }
  printf("million thread-instructions a second    plain  checked\n");
  for (auto [name, blocks] : {std::pair{"arithmetic", kBlocks}, {"shared", kBlocks / 2}, {"matrix", kBlocks / 32}})
    printf("%-36s %8.1f %8.1f\n", name, measure(*module, name, blocks, false, threads),
           measure(*module, name, blocks, true, threads));
  return 0;
}
