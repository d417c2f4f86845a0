// If and Loop steps: sizes that come late, memory that is kept, errors, and artifacts that lie about them.
#include "TestArtifact.h"

#include <gtest/gtest.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

laic_binding_t outputOf(laic_context_t *context, size_t index) {
  laic_binding_t output;
  output.struct_size = sizeof output;
  EXPECT_EQ(errorOf(laic_output(context, index, &output)), "");
  return output;
}

uint64_t allocationsOf(laic_context_t *context) {
  laic_memory_info_t info = {};
  info.struct_size = sizeof info;
  laic_context_memory(context, &info);
  return info.allocations;
}

struct LoopCall {
  ContextPtr context;
  int64_t trips = 0;
  uint8_t condition = 1;
  std::vector<float> x = std::vector<float>(64, 1);

  LoopCall(laic_module_t *module, const laic_allocator_t *allocator = nullptr)
      : context(createContext(module, nullptr, allocator)) {}
  laic_status_t *run(int64_t count, int64_t size) {
    trips = count;
    EXPECT_EQ(errorOf(bindInput(context.get(), 0, LAIC_I64, &trips, {})), "");
    EXPECT_EQ(errorOf(bindInput(context.get(), 1, LAIC_BOOL, &condition, {})), "");
    EXPECT_EQ(errorOf(bindInput(context.get(), 2, LAIC_F32, x.data(), {size})), "");
    return laic_run(context.get());
  }
};

TEST(Call, BranchesOfDifferentSizes) {
  TemporaryFile file(makeBranch().bytes());
  ModulePtr module = loadFile(file.path());
  CountingAllocator allocator;
  {
    ContextPtr context = createContext(module.get(), nullptr, &allocator.functions);
    float x[8] = {};
    int64_t made = 0;
    for (int round = 0; round < 3; ++round)
      for (int64_t n : {8, 3, 0})
        for (uint8_t c : {0, 1}) {
          ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_BOOL, &c, {})), "");
          ASSERT_EQ(errorOf(bindInput(context.get(), 1, LAIC_F32, x, {n})), "");
          ASSERT_EQ(errorOf(laic_infer(context.get())), "");
          EXPECT_EQ(outputOf(context.get(), 0).sizes[0], -1);
          ASSERT_EQ(errorOf(laic_run(context.get())), "");
          laic_binding_t y = outputOf(context.get(), 0);
          ASSERT_EQ(y.sizes[0], c ? n : 2 * n);
          if (n) {
            EXPECT_EQ(static_cast<int64_t *>(y.data)[y.sizes[0] - 1], c ? n : 2 * n);
          }
          if (round == 0)
            made = allocator.made;
          EXPECT_EQ(allocator.made, made) << "round " << round;
        }
    EXPECT_EQ(static_cast<int64_t>(allocationsOf(context.get())), allocator.made);
  }
  EXPECT_EQ(allocator.live, 0);
}

TEST(Call, LoopsStackAndCarry) {
  TemporaryFile file(makeLoop().bytes());
  ModulePtr module = loadFile(file.path());
  CountingAllocator allocator;
  {
    LoopCall call(module.get(), &allocator.functions);
    int64_t made = 0;
    for (int64_t trips : {6, 0, 3, 1, 6, 2}) {
      ASSERT_EQ(errorOf(call.run(trips, 5)), "");
      laic_binding_t s = outputOf(call.context.get(), 0), z = outputOf(call.context.get(), 1);
      EXPECT_EQ(static_cast<float *>(s.data)[4], static_cast<float>(1 << trips));
      ASSERT_EQ(z.sizes[0], trips);
      for (int64_t i = 0; i < trips; ++i)
        EXPECT_EQ(static_cast<float *>(z.data)[5 * i + 2], static_cast<float>(2 << i));
      if (!made)
        made = allocator.made;
      EXPECT_EQ(allocator.made, made) << trips << " trips";
    }
    call.condition = 0;
    ASSERT_EQ(errorOf(call.run(6, 5)), "");
    EXPECT_EQ(outputOf(call.context.get(), 1).sizes[0], 0);
    EXPECT_EQ(static_cast<float *>(outputOf(call.context.get(), 0).data)[0], 1.0f);
    call.condition = 1;
    ASSERT_EQ(errorOf(call.run(2, 64)), "");
    EXPECT_EQ(outputOf(call.context.get(), 1).sizes[1], 64);
  }
  EXPECT_EQ(allocator.live, 0);
}

TEST(Call, MemoryMayBeShort) {
  TemporaryFile file(makeLoop().bytes());
  ModulePtr module = loadFile(file.path());
  for (int64_t failAt = 0; failAt < 200; ++failAt) {
    CountingAllocator allocator;
    allocator.failAt = failAt;
    laic_context_options_t options = {};
    options.struct_size = sizeof options;
    options.allocator = &allocator.functions;
    laic_context_t *raw = nullptr;
    Outcome made = outcome(laic_context_create(module.get(), &options, &raw));
    ContextPtr context(raw);
    if (made.code != LAIC_OK) {
      EXPECT_EQ(made.code, LAIC_OUT_OF_MEMORY);
      EXPECT_EQ(allocator.live, 0);
      continue;
    }
    int64_t trips = 3;
    uint8_t condition = 1;
    float x[4] = {1, 2, 3, 4};
    ASSERT_EQ(errorOf(bindInput(raw, 0, LAIC_I64, &trips, {})), "");
    ASSERT_EQ(errorOf(bindInput(raw, 1, LAIC_BOOL, &condition, {})), "");
    ASSERT_EQ(errorOf(bindInput(raw, 2, LAIC_F32, x, {4})), "");
    Outcome ran = outcome(laic_run(raw));
    if (ran.code == LAIC_OK)
      return;
    EXPECT_EQ(ran.code, LAIC_OUT_OF_MEMORY) << ran.message;
    ASSERT_EQ(errorOf(laic_run(raw)), "");
    EXPECT_EQ(static_cast<float *>(outputOf(raw, 0).data)[3], 32.0f);
  }
  FAIL() << "no attempt had memory enough";
}

TEST(Call, ErrorsTellTheIteration) {
  TestArtifact a = makeLoop();
  auto check = std::make_unique<CheckT>(); // the body refuses iteration 2
  check->kind = CheckKind::AtLeast;
  PlanT &body = *a.program.entries[1]->plans[0];
  body.scalars.push_back(Scalar(ScalarOp::Const, 0, 0, 1));
  body.scalars.push_back(Scalar(ScalarOp::InputElement, 0, 0, 0));
  check->a = static_cast<uint32_t>(body.scalars.size() - 2);
  check->b = static_cast<uint32_t>(body.scalars.size() - 1);
  check->message = "too late";
  body.checks.push_back(std::move(check));
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  LoopCall call(module.get());
  ASSERT_EQ(errorOf(call.run(2, 4)), "");
  EXPECT_EQ(errorOf(call.run(5, 4)), "too late (got 1, needs at least 2) (in iteration 2 of node 'node_2')");
  ASSERT_EQ(errorOf(call.run(1, 4)), "");
}

TEST(Call, LoopsAreCancelled) {
  TemporaryFile file(makeLoop().bytes());
  ModulePtr module = loadFile(file.path());
  LoopCall call(module.get());
  struct Canceller {
    laic_context_t *context;
    int ended;
  } canceller = {call.context.get(), 0};
  laic_set_trace(
      call.context.get(),
      [](void *self, int begin, const char *, const char *kernel, int64_t) {
        Canceller &all = *static_cast<Canceller *>(self);
        if (!begin && std::string(kernel) == "copy" && ++all.ended == 4) // the last step of the second iteration
          laic_cancel(all.context);
      },
      &canceller);
  const Outcome result = outcome(call.run(5, 3));
  EXPECT_EQ(result.code, LAIC_CANCELLED);
  EXPECT_EQ(result.message, "cancelled before iteration 2 of node 'node_2'");
}

TEST(Call, ConditionsHaveOneElement) {
  TestArtifact a = makeLoop();
  EntryT &body = *a.program.entries[1];
  body.outputs[0]->shape.push_back(std::make_unique<DimT>());
  body.outputs[0]->shape[0]->value = -1;
  body.output_shapes.insert(body.output_shapes.begin(), body.output_shapes[0]); // as many as t has
  body.plans[0]->steps.erase(body.plans[0]->steps.begin());
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  LoopCall call(module.get());
  EXPECT_EQ(errorOf(call.run(2, 3)), "the condition that it computes has 3 elements (in iteration 0 of node 'node_2')");
}

// ---- artifacts that lie ----

struct Case {
  const char *name;
  TestArtifact (*make)();
  void (*breakIt)(TestArtifact &);
  const char *fragment; // of the message
};

std::ostream &operator<<(std::ostream &out, const Case &c) { return out << c.name; }

StepT &first(TestArtifact &a) { return *a.plan().steps[0]; }
EntryT &program(TestArtifact &a, size_t i) { return *a.program.entries[i]; }

const Case kCases[] = {
    {"NoPrograms", makeBranch, [](TestArtifact &a) { first(a).programs.clear(); }, "step 0 runs 0 programs"},
    {"TwoBodies", makeLoop, [](TestArtifact &a) { first(a).programs = {1, 1}; }, "step 0 runs 2 programs"},
    {"ItsOwnEntry", makeBranch, [](TestArtifact &a) { first(a).programs[0] = 0; }, "step 0 runs entry 0, there are 1 to 3"},
    {"NoSuchEntry", makeBranch, [](TestArtifact &a) { first(a).programs[1] = 3; }, "step 0 runs entry 3, there are 1 to 3"},
    {"OneEntryTwice", makeBranch, [](TestArtifact &a) { first(a).programs[1] = 1; }, "runs entry 1, which another step runs"},
    {"TwoPlans", makeBranch,
     [](TestArtifact &a) { program(a, 1).plans.push_back(std::make_unique<PlanT>(*program(a, 1).plans[0])); },
     "runs entry 1, which has 2 plans"},
    {"FewerInputs", makeBranch, [](TestArtifact &a) { first(a).operands.erase(first(a).operands.begin() + 1); },
     "runs entry 1, which has 1 inputs and 1 outputs"},
    {"InputRank", makeBranch, [](TestArtifact &a) { a.plan().buffers[1]->shape.clear(); },
     "operand 1 of step 0 does not fit the program that it runs"},
    {"InputType", makeBranch, [](TestArtifact &a) { a.plan().buffers[1]->type = ElementType::I64; },
     "operand 1 of step 0 does not fit the program that it runs"},
    {"OutputType", makeBranch, [](TestArtifact &a) { a.plan().buffers[2]->type = ElementType::F32; },
     "operand 2 of step 0 does not fit the program that it runs"},
    {"NoOperands", makeBranch, [](TestArtifact &a) { first(a).operands = {2}; }, "step 0 is a call with 1 operands, 1 written"},
    {"ManyConditions", makeBranch, [](TestArtifact &a) { a.plan().buffers[0]->shape = {a.constant(2)}; },
     "step 0 is decided by buffer 0, which is no single number"},
    {"WideCondition", makeBranch, [](TestArtifact &a) { a.plan().buffers[0]->type = ElementType::I64; },
     "step 0 is decided by buffer 0, which is no single number"},
    {"NarrowTrips", makeLoop, [](TestArtifact &a) { a.plan().buffers[0]->type = ElementType::I32; },
     "step 0 is decided by buffer 0, which is no single number"},
    {"LateDim", makeBranch, [](TestArtifact &a) { first(a).scalars = {1}; }, "step 0 reads dim 1 of its outputs, which have 1"},
    {"ManyLateDims", makeBranch, [](TestArtifact &a) { first(a).scalars.assign(65, 0); }, "step 0 reads 65 sizes"},
    {"ReadNumber", makeBranch, [](TestArtifact &a) { first(a).kernel = 1; }, "step 0 is read 1 of 1"},
    {"Carried", makeLoop, [](TestArtifact &a) { first(a).carried = 2; }, "step 0 is a call with 5 operands, 2 written"},
    {"CarriedRank", makeLoop, [](TestArtifact &a) { std::swap(first(a).operands[3], first(a).operands[4]); },
     "operand 3 of step 0 does not fit the program that it runs"},
    {"Iteration", makeLoop, [](TestArtifact &a) { program(a, 1).inputs[0]->type = ElementType::F64; },
     "step 0 runs entry 1, which is no body of a loop"},
    {"OnTheDevice", makeLoop,
     [](TestArtifact &a) {
       a.plan().buffers[2]->storage = Storage::Arena;
       first(a).host = true;
     },
     "step 0 runs on the host on buffer 2, which lies on the device"},
    {"WritesInput", makeLoop, [](TestArtifact &a) { first(a).operands[3] = 2; }, "writes buffer 2, which is an input"},
};

class HostileCalls : public ::testing::TestWithParam<Case> {};

TEST_P(HostileCalls, AreRefused) {
  TestArtifact a = GetParam().make();
  GetParam().breakIt(a);
  const Outcome result = loadBytes(a.bytes());
  EXPECT_EQ(result.code, LAIC_INVALID_ARTIFACT) << result.message;
  EXPECT_NE(result.message.find(GetParam().fragment), std::string::npos) << result.message;
}

INSTANTIATE_TEST_SUITE_P(All, HostileCalls, ::testing::ValuesIn(kCases),
                         [](const auto &info) { return std::string(info.param.name); });

// A chain of programs, each with one branch of the next.
TEST(HostileProgram, NestsInBounds) {
  for (int depth : {8, 9}) {
    TestArtifact a;
    for (int i = 0; i <= depth; ++i) {
      if (i)
        a.begin("program");
      a.input("c", ElementType::Bool, {});
      if (i > 0 && i < depth) { // the other branch of the one before has no inputs of its own to run
        const uint32_t c = a.buffer(Storage::Input, 0, ElementType::Bool, {});
        a.call(StepKind::If, {static_cast<uint32_t>(2 * i + 1), static_cast<uint32_t>(2 * i + 2)}, {c, c}, 0, 0xffffffff, {});
      }
      if (i == 0) {
        const uint32_t c = a.buffer(Storage::Input, 0, ElementType::Bool, {});
        a.call(StepKind::If, {1, 2}, {c, c}, 0, 0xffffffff, {});
      } else {
        a.begin("other");
        a.input("c", ElementType::Bool, {});
      }
      a.end();
    }
    const Outcome result = loadBytes(a.bytes());
    EXPECT_EQ(result.code, depth == 8 ? LAIC_OK : LAIC_INVALID_ARTIFACT) << result.message;
    if (depth == 9) {
      EXPECT_NE(result.message.find(", which lies in more than 8 others"), std::string::npos) << result.message;
    }
  }
}

TEST(HostileRun, ProgramForAnotherDevice) {
  TestArtifact a = makeBranch();
  a.program.entries[2]->plans[0]->device = "other";
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  laic_context_t *context = nullptr;
  EXPECT_EQ(errorOf(laic_context_create(module.get(), nullptr, &context)),
            "a branch or loop needs device 'other', which is not this runtime's host");
  EXPECT_EQ(context, nullptr);
}

// The size that the program finds must be the one that was planned for it.
TEST(HostileRun, OutputOfAnotherSize) {
  TestArtifact a = makeBranch();
  a.plan().buffers[2]->shape[0] = 1; // N, whatever the branch does
  a.plan().buffers[3]->shape[0] = 1;
  a.entry().output_shapes[0] = 1;
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ContextPtr context = createContext(module.get());
  float x[4] = {};
  uint8_t c = 0;
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_BOOL, &c, {})), "");
  ASSERT_EQ(errorOf(bindInput(context.get(), 1, LAIC_F32, x, {4})), "");
  const Outcome result = outcome(laic_run(context.get()));
  EXPECT_EQ(result.code, LAIC_INVALID_ARTIFACT);
  EXPECT_NE(result.message.find("output 0 has another size than was computed for it"), std::string::npos) << result.message;
}

} // namespace
