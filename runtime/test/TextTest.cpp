// Strings as inputs, outputs and constants, and the functions that steps call on them.
#include "TestArtifact.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

using Texts = std::vector<std::string>;

std::vector<laic_string_t> stringsOf(const Texts &texts) {
  std::vector<laic_string_t> strings;
  for (const std::string &text : texts)
    strings.push_back({text.data(), text.size()});
  return strings;
}

Texts textsOf(laic_context_t *context, size_t output) {
  laic_binding_t binding = {};
  binding.struct_size = sizeof binding;
  EXPECT_EQ(errorOf(laic_output(context, output, &binding)), "");
  size_t count = 1;
  for (int32_t i = 0; i < binding.rank; ++i)
    count *= static_cast<size_t>(binding.sizes[i]);
  Texts texts;
  for (size_t i = 0; i < count; ++i) {
    const laic_string_t &text = static_cast<const laic_string_t *>(binding.data)[i];
    texts.emplace_back(text.data ? text.data : "", text.size);
  }
  return texts;
}

// z[n] = function(x[n], y[n]), all strings.
TestArtifact makePair(const std::string &function) {
  TestArtifact a;
  a.input("x", ElementType::String, {-1}, {"N"});
  a.input("y", ElementType::String, {-1}, {"N"});
  const uint32_t n = a.dim(0, 0);
  a.output("z", ElementType::String, {n});
  const uint32_t x = a.buffer(Storage::Input, 0, ElementType::String, {n}),
                 y = a.buffer(Storage::Input, 1, ElementType::String, {n});
  a.hostCall(function, {x, y, a.buffer(Storage::Output, 0, ElementType::String, {n})}, 1);
  a.plan().arena_size = a.constant(0);
  return a;
}

std::vector<uint8_t> packed(const std::vector<uint64_t> &offsets, const std::string &bytes) {
  std::vector<uint8_t> result(offsets.size() * 8);
  memcpy(result.data(), offsets.data(), result.size());
  result.insert(result.end(), bytes.begin(), bytes.end());
  return result;
}

// z[2]: the strings of a constant.
TestArtifact makeConstants(const std::vector<uint8_t> &bytes) {
  TestArtifact a;
  const uint32_t two = a.constant(2), length = a.constant(static_cast<int64_t>(bytes.size()));
  a.output("z", ElementType::String, {two});
  const uint32_t segment = a.segment(SegmentKind::Weights, bytes);
  const uint32_t from = a.buffer(Storage::Constant, segment, ElementType::I8, {length});
  a.hostCall("core.strings", {from, a.buffer(Storage::Output, 0, ElementType::String, {two})}, 1);
  a.plan().arena_size = a.constant(0);
  return a;
}

struct Session {
  explicit Session(const TestArtifact &artifact) : file(artifact.bytes()), module(loadFile(file.path())) {
    if (module)
      context = createContext(module.get());
  }
  Outcome run(const Texts &x, const Texts &y) {
    inputs[0] = stringsOf(x);
    inputs[1] = stringsOf(y);
    for (size_t i = 0; i < 2; ++i)
      if (laic_status_t *status =
              bindInput(context.get(), i, LAIC_STRING, inputs[i].data(), {static_cast<int64_t>(inputs[i].size())}))
        return outcome(status);
    return outcome(laic_run(context.get()));
  }
  TemporaryFile file;
  ModulePtr module;
  ContextPtr context;
  std::vector<laic_string_t> inputs[2];
};

TEST(Strings, AreConcatenated) {
  Session session(makePair("core.concat"));
  const Texts x = {"ab", "", "\xc3\xa4", std::string("\0", 1)}, y = {"c", "d", "\xe2\x82\xac", "e"};
  EXPECT_EQ(session.run(x, y).message, "");
  EXPECT_EQ(textsOf(session.context.get(), 0), (Texts{"abc", "d", "\xc3\xa4\xe2\x82\xac", std::string("\0e", 2)}));
  EXPECT_EQ(session.run({}, {}).message, "");
  EXPECT_EQ(textsOf(session.context.get(), 0), Texts());
}

TEST(Strings, AllocateNothingOnceWarm) {
  Session session(makePair("core.concat"));
  const Texts x(100, std::string(1000, 'x')), y(100, "y");
  laic_memory_info_t before = {}, after = {};
  before.struct_size = after.struct_size = sizeof before;
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(session.run(x, y).message, "");
  laic_context_memory(session.context.get(), &before);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(session.run(x, y).message, "");
  laic_context_memory(session.context.get(), &after);
  EXPECT_EQ(before.allocations, after.allocations);
  EXPECT_EQ(textsOf(session.context.get(), 0), Texts(100, x[0] + "y"));
}

TEST(Strings, WithoutBytesAreRefused) {
  Session session(makePair("core.concat"));
  laic_string_t bad[] = {{"a", 1}, {nullptr, 3}}, good[] = {{nullptr, 0}, {"b", 1}};
  ASSERT_EQ(errorOf(bindInput(session.context.get(), 0, LAIC_STRING, bad, {2})), "");
  ASSERT_EQ(errorOf(bindInput(session.context.get(), 1, LAIC_STRING, good, {2})), "");
  EXPECT_EQ(errorOf(laic_run(session.context.get())), "input 'x': string 1 has 3 bytes at address 0");
}

TEST(Strings, AreNamedAndSized) {
  EXPECT_STREQ(laic_type_name(LAIC_STRING), "str");
  EXPECT_EQ(laic_type_size(LAIC_STRING), sizeof(laic_string_t));
}

TEST(HostFunctions, ThatNobodyHasAreRefused) {
  for (const char *name : {"core.nothing", "text.nothing", "image.nothing", "other.concat"}) {
    TemporaryFile file(makePair(name).bytes());
    ModulePtr module = loadFile(file.path()); // its signature can be read
    ASSERT_TRUE(module);
    laic_context_t *context = nullptr;
    Outcome got = outcome(laic_context_create(module.get(), nullptr, &context));
    EXPECT_EQ(got.code, LAIC_UNSUPPORTED);
    EXPECT_NE(got.message.find(name), std::string::npos) << got.message;
  }
  TemporaryFile file(makePair("core.nothing").bytes());
  ModulePtr module = loadFile(file.path());
  laic_context_t *context = nullptr;
  EXPECT_NE(errorOf(laic_context_create(module.get(), nullptr, &context))
                .find("artifact needs a newer runtime: this one has no function 'core.nothing'"),
            std::string::npos);
}

TEST(HostFunctions, TakeNoOperandsThatDoNotFit) {
  for (const char *name : {"core.strings", "core.equal", "core.find", "core.count_parts", "core.split"}) {
    Session session(makePair(name));
    Outcome got = session.run({"a"}, {"b"});
    EXPECT_EQ(got.code, LAIC_INVALID_ARTIFACT) << name;
    EXPECT_NE(got.message.find("node 'call'"), std::string::npos) << got.message;
    EXPECT_NE(got.message.find("the function's operands do not fit it"), std::string::npos) << got.message;
  }
}

TEST(StringConstants, AreUnpacked) {
  Session session(makeConstants(packed({24, 26, 27}, "abc")));
  EXPECT_EQ(errorOf(laic_run(session.context.get())), "");
  EXPECT_EQ(textsOf(session.context.get(), 0), (Texts{"ab", "c"}));
}

TEST(StringConstants, WithBadOffsetsAreRefused) {
  const std::vector<uint64_t> bad[] = {{24, 26, 28},         // behind the end
                                       {24, 23, 27},         // into the offsets
                                       {24, 27, 26},         // back
                                       {16, 26, 27},         // of another number of strings
                                       {25, 26, 27},         // no whole offsets
                                       {0, 0, 0},            // no offsets at all
                                       {UINT64_MAX, 24, 24}, // beyond everything
                                       {24, UINT64_MAX, UINT64_MAX}};
  for (const std::vector<uint64_t> &offsets : bad) {
    Session session(makeConstants(packed(offsets, "abc")));
    Outcome got = outcome(laic_run(session.context.get()));
    EXPECT_EQ(got.code, LAIC_INVALID_ARTIFACT) << offsets[0];
    EXPECT_NE(got.message.find("node 'call' (core.strings)"), std::string::npos) << got.message;
  }
  Session session(makeConstants({1, 2, 3}));
  EXPECT_EQ(outcome(laic_run(session.context.get())).code, LAIC_INVALID_ARTIFACT);
}

} // namespace
