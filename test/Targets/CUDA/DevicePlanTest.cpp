// Plans for a device with memory of its own (runtime/src/core/Device.cpp), made by hand and run on the stand-in for the driver.
#include "TestArtifact.h"

#include <gtest/gtest.h>

#include <cstdlib>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

// out[i] = 2 * in[i] for i below the first parameter, one thread each; raises error 1 with the value in words 1 and 2 where in[i] < 0.
constexpr char kDouble[] = R"(.version 7.0
.target sm_80
.address_size 64
.visible .entry main(.param .u64 a, .param .u64 b, .param .u64 r)
{
  .reg .b64 %rd<8>; .reg .b32 %r<8>; .reg .f32 %f<4>; .reg .pred %p<3>;
  ld.param.u64 %rd1, [a];
  ld.param.u64 %rd2, [b];
  ld.param.u64 %rd3, [r];
  mov.u32 %r1, %tid.x;
  ld.global.u32 %r2, [%rd3+16];
  setp.ge.s32 %p1, %r1, %r2;
  @%p1 bra DONE;
  mul.wide.u32 %rd4, %r1, 4;
  add.s64 %rd5, %rd1, %rd4;
  ld.global.f32 %f1, [%rd5];
  setp.ge.f32 %p2, %f1, 0f00000000;
  @%p2 bra FINE;
  mov.u32 %r3, 1;
  st.global.u32 [%rd3], %r3;
  mov.u32 %r4, -7;
  st.global.u32 [%rd3+4], %r4;
  mov.u32 %r5, -1;
  st.global.u32 [%rd3+8], %r5;
FINE:
  add.f32 %f2, %f1, %f1;
  add.s64 %rd6, %rd2, %rd4;
  st.global.f32 [%rd6], %f2;
DONE:
  ret;
}
)";

// y[n] = 2 * x[n] on the device: buffers 0 x, 1 and 2 in the device's arena, 3 y; steps 0 copy, 1 double, 2 copy.
struct DevicePlan : TestArtifact {
  uint32_t n;

  DevicePlan() {
    plan().device = "cuda";
    input("x", ElementType::F32, {-1}, {"N"});
    n = dim(0, 0);
    output("y", ElementType::F32, {n});
    uint32_t zero = constant(0), one = constant(1), second = constant(4096);
    plan().arena_size = constant(8192);
    uint32_t x = buffer(Storage::Input, 0, ElementType::F32, {n});
    uint32_t a = buffer(Storage::Arena, 0, ElementType::F32, {n}, 0, zero);
    uint32_t b = buffer(Storage::Arena, 0, ElementType::F32, {n}, 0, second);
    uint32_t y = buffer(Storage::Output, 0, ElementType::F32, {n});
    uint32_t kernel = this->kernel("double", test_double, {"sm_80"});
    setCode(std::string(kDouble, sizeof kDouble));
    copy(x, a);
    dispatch(kernel, {a, b}, 1, one, {n});
    copy(b, y);
  }

  void setCode(const std::string &text) {
    auto &variant = *program.kernels.back()->variants[0];
    variant.segment = segment(SegmentKind::Code, std::vector<uint8_t>(text.begin(), text.end()));
    variant.offset = 0;
    variant.size = text.size();
    variant.threads = 32;
  }
  StepT &step(size_t i) { return *plan().steps[i]; }
};

class DevicePlans : public ::testing::Test {
protected:
  void SetUp() override {
    setenv("LAIC_CUDA_LIBRARY", LAIC_STANDIN, 1);
    setenv("LAIC_STANDIN_CHECK", "1", 1);
  }

  // The message of the first call that fails, or nothing.
  std::string run(const DevicePlan &plan, std::vector<float> x = {1, 2, 3}) {
    PageBuffer bytes(plan.bytes());
    laic_module_t *loaded = nullptr;
    std::string error = errorOf(laic_module_load_memory(bytes.data(), bytes.size(), nullptr, &loaded));
    ModulePtr module(loaded);
    if (!module)
      return error;
    laic_context_t *created = nullptr;
    laic_context_options_t options = {};
    options.struct_size = sizeof options;
    options.device = "cuda";
    error = errorOf(laic_context_create(module.get(), &options, &created));
    ContextPtr context(created);
    if (!context)
      return error;
    error = errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {static_cast<int64_t>(x.size())}));
    if (error.empty())
      error = errorOf(laic_run(context.get()));
    if (error.empty())
      result = floatsOf(context.get(), 0);
    return error;
  }

  std::vector<float> result;
};

TEST_F(DevicePlans, Run) {
  EXPECT_EQ(run(DevicePlan()), "");
  EXPECT_EQ(result, (std::vector<float>{2, 4, 6}));
}

TEST_F(DevicePlans, RunEmpty) {
  EXPECT_EQ(run(DevicePlan(), {}), "");
  EXPECT_TRUE(result.empty());
}

TEST_F(DevicePlans, ReportWhatKernelsRefuse) {
  EXPECT_NE(run(DevicePlan(), {1, -1}).find("index -7 is out of range"), std::string::npos);
}

TEST_F(DevicePlans, KeepToDeviceMemory) {
  DevicePlan plan;
  plan.step(1).operands[0] = 0;
  EXPECT_NE(run(plan).find("artifact is invalid: step 1 runs on 'cuda' on memory of the host"), std::string::npos);
}

TEST_F(DevicePlans, CopyEqualSizes) {
  DevicePlan plan;
  plan.plan().buffers[1]->shape = {plan.constant(2)};
  EXPECT_NE(run(plan).find("artifact is invalid: step 0 copies between different sizes"), std::string::npos);
}

TEST_F(DevicePlans, CopyFromTheOutput) {
  DevicePlan plan;
  plan.step(0).operands[0] = 3; // whatever the output's memory holds
  plan.plan().steps.resize(1);
  EXPECT_EQ(run(plan), "");
}

TEST_F(DevicePlans, CopyOnTheDeviceAndOnTheHost) {
  DevicePlan plan;
  plan.step(1).kind = StepKind::Copy;
  EXPECT_EQ(run(plan), "");
  EXPECT_EQ(result, (std::vector<float>{1, 2, 3}));
  DevicePlan host;
  host.step(0).operands = {0, 3};
  host.plan().steps.resize(1);
  EXPECT_EQ(run(host), "");
  EXPECT_EQ(result, (std::vector<float>{1, 2, 3}));
}

TEST_F(DevicePlans, CountToTheirLimits) {
  DevicePlan plan;
  plan.step(1).tiles = plan.constant(-1);
  EXPECT_NE(run(plan).find("the number of workgroups of a step is -1: devices count to 2^31"), std::string::npos);
  DevicePlan large;
  large.step(1).scalars = {large.constant(int64_t{1} << 32)};
  EXPECT_NE(run(large).find("a size of a step is 4294967296: devices count to 2^31"), std::string::npos);
  DevicePlan many;
  many.step(1).operands.insert(many.step(1).operands.begin(), 300, 1);
  EXPECT_NE(run(many).find("a step has 303 operands, at most 256 are possible"), std::string::npos);
}

TEST_F(DevicePlans, LookAtTheirCode) {
  DevicePlan text;
  text.setCode("no end");
  EXPECT_NE(run(text).find("artifact is invalid: the code of kernel 'double' is no PTX text"), std::string::npos);
  DevicePlan nonsense;
  nonsense.setCode(std::string("nonsense\0", 9));
  EXPECT_NE(run(nonsense).find("artifact is invalid: the NVIDIA driver refuses the code of kernel 'double':"), std::string::npos);
  DevicePlan other;
  other.program.kernels.back()->variants[0]->requires_ = {"vulkan1.1"};
  EXPECT_NE(run(other).find("has no code for 'PTX interpreter, sm_80' (sm_80)"), std::string::npos);
}

TEST_F(DevicePlans, StopWhenCancelledAndTraceEveryStep) {
  PageBuffer bytes(DevicePlan().bytes());
  laic_module_t *loaded = nullptr;
  ASSERT_EQ(errorOf(laic_module_load_memory(bytes.data(), bytes.size(), nullptr, &loaded)), "");
  ModulePtr module(loaded);
  ContextPtr context = createContext(module.get());
  std::vector<float> x = {1, 2};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {2})), "");
  std::vector<std::string> seen;
  laic_set_trace(
      context.get(),
      [](void *self, int begin, const char *, const char *kernel, int64_t) {
        if (begin)
          static_cast<std::vector<std::string> *>(self)->push_back(kernel);
      },
      &seen);
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(seen, (std::vector<std::string>{"copy", "double", "copy"}));
  laic_set_trace(
      context.get(),
      [](void *self, int, const char *, const char *, int64_t) { laic_cancel(static_cast<laic_context_t *>(self)); },
      context.get());
  EXPECT_EQ(outcome(laic_run(context.get())).code, LAIC_CANCELLED);
}

} // namespace
