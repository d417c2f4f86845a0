// The choice of plans and kernel variants.
#include "TestArtifact.h"

#include <cstdlib>
#include <gtest/gtest.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

// Variants of the affine model's second kernel, best first; the last one is the right code, the others are another kernel.
TestArtifact withVariants(const std::vector<std::vector<std::string>> &requirements) {
  TestArtifact a = makeAffine();
  KernelT &kernel = *a.program.kernels[1];
  const uint64_t right = kernel.variants[0]->offset;
  kernel.variants.clear();
  for (const std::vector<std::string> &needs : requirements) {
    auto variant = std::make_unique<VariantT>();
    variant->requires_ = needs;
    variant->offset = right;
    variant->size = 16;
    kernel.variants.push_back(std::move(variant));
  }
  return a;
}

std::string explain(const TestArtifact &artifact) {
  TemporaryFile file(artifact.bytes());
  ModulePtr module = loadFile(file.path());
  return module ? laic_module_explain(module.get()) : "";
}

class Limit {
public:
  explicit Limit(const char *level) { setenv("LAIC_CPU", level, 1); }
  ~Limit() { unsetenv("LAIC_CPU"); }
};

TEST(Device, FirstUsableVariantIsTaken) {
  const std::string text = explain(withVariants({{"+no-such-feature"}, {"generic"}}));
  EXPECT_NE(text.find("kernel 'double': variant 2 of 2, for generic; better ones need +no-such-feature\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("plan 0 (cpu): usable"), std::string::npos) << text;
}

TEST(Device, LevelsFormALadder) {
#if defined(__x86_64__)
  const TestArtifact a = withVariants({{"x86-64-v4", "+avx512vnni"}, {"x86-64-v4"}, {"x86-64-v3"}, {"x86-64-v2"}, {"x86-64"}});
  {
    Limit limit("x86-64");
    EXPECT_NE(explain(a).find("variant 5 of 5, for x86-64; better ones need x86-64-v4, x86-64-v3, x86-64-v2"), std::string::npos)
        << explain(a);
  }
  {
    Limit limit("x86-64-v2");
    EXPECT_NE(explain(a).find("variant 4 of 5"), std::string::npos) << explain(a);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    Limit limit("x86-64-v3");
    EXPECT_NE(explain(a).find("variant 3 of 5"), std::string::npos) << explain(a);
  }
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
    Limit limit("x86-64-v4");
    EXPECT_NE(explain(a).find("variant 2 of 5, for x86-64-v4; better ones need +avx512vnni"), std::string::npos) << explain(a);
  }
  // The limit only takes away.
  const bool wide = __builtin_cpu_supports("avx512f");
  Limit limit("x86-64-v4+avx512vnni");
  EXPECT_EQ(explain(a).find("variant 1 of 5") != std::string::npos, wide && __builtin_cpu_supports("avx512vnni"));
#else
  GTEST_SKIP() << "the ladder is that of x86-64";
#endif
}

TEST(Device, WrongArchitectureIsAReason) {
#if defined(__aarch64__)
  const char *foreign = "x86-64-v3";
#else
  const char *foreign = "aarch64:v8.2+dotprod";
#endif
  TemporaryFile file(withVariants({{foreign}}).bytes());
  ModulePtr module = loadFile(file.path());
  ASSERT_TRUE(module);
  EXPECT_EQ(laic_module_input_count(module.get()), 1u); // the signature is readable
  EXPECT_NE(std::string(laic_module_explain(module.get())).find("plan 0 (cpu): not usable"), std::string::npos);
  laic_context_t *context = nullptr;
  Outcome result = outcome(laic_context_create(module.get(), nullptr, &context));
  EXPECT_EQ(result.code, LAIC_UNSUPPORTED);
  EXPECT_EQ(context, nullptr);
  EXPECT_NE(result.message.find("kernel 'double' has no code for this CPU, which lacks "), std::string::npos) << result.message;
}

TEST(Device, UnknownDeviceFallsToTheNextPlan) {
  TestArtifact a = makeAffine();
  auto other = std::make_unique<PlanT>(a.plan()); // the same schedule for a device that nobody has
  other->device = "abacus";
  a.entry().plans.insert(a.entry().plans.begin(), std::move(other));
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  EXPECT_NE(
      std::string(laic_module_explain(module.get())).find("plan 0 (abacus): not usable: this runtime has no driver 'abacus'"),
      std::string::npos);
  ContextPtr context = createContext(module.get());
  std::vector<float> x = {1, 1, 1, 1};
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {1, 4})), "");
  ASSERT_EQ(errorOf(laic_run(context.get())), "");
  EXPECT_EQ(floatsOf(context.get(), 0), (std::vector<float>{4, 6, 8, 10}));

  laic_context_t *none = nullptr;
  laic_context_options_t options = {sizeof options, nullptr, "abacus", nullptr, 0};
  EXPECT_EQ(outcome(laic_context_create(module.get(), &options, &none)).code, LAIC_UNSUPPORTED);
  options.device = "sundial:1";
  EXPECT_EQ(errorOf(laic_context_create(module.get(), &options, &none)), "the artifact has no plan for device 'sundial:1'");
  options.device = "cpu";
  EXPECT_EQ(errorOf(laic_context_create(module.get(), &options, &none)), "");
  laic_context_release(none);
}

} // namespace
