// Programs whose hashes agree and whose contents lie: each is refused, and for the right reason.
#include "TestArtifact.h"

#include <gtest/gtest.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

struct Case {
  const char *name;
  void (*breakIt)(TestArtifact &);
  const char *fragment; // of the message
  laic_code_t code = LAIC_INVALID_ARTIFACT;
};

std::ostream &operator<<(std::ostream &out, const Case &c) { return out << c.name; }

StepT &step(TestArtifact &a, size_t i) { return *a.plan().steps[i]; }
BufferT &buffer(TestArtifact &a, size_t i) { return *a.plan().buffers[i]; }
VariantT &variant(TestArtifact &a) { return *a.program.kernels[0]->variants[0]; }
template <typename T> void put(T &scalars, size_t i, ScalarOp op, uint32_t a, uint32_t b, int64_t value) {
  scalars[i] = Scalar(op, a, b, value);
}

// Indices into makeAffine(): buffers 0 input, 1 constant, 2 arena, 3 output; steps 0 add_row, 1 double; scalar 3 is N.
const Case kLoadCases[] = {
    {"KernelAbi", [](TestArtifact &a) { a.program.kernel_abi = 2; }, "kernel interface 2", LAIC_UNSUPPORTED},
    {"NoEntry", [](TestArtifact &a) { a.program.entries.clear(); }, "no entry"},
    {"NoPlan", [](TestArtifact &a) { a.entry().plans.clear(); }, "no plan"},
    {"NoDevice", [](TestArtifact &a) { a.plan().device.clear(); }, "names no device"},
    {"InputWithoutName", [](TestArtifact &a) { a.entry().inputs[0]->name.clear(); }, "input 0 has no name"},
    {"ComplexInput", [](TestArtifact &a) { a.entry().inputs[0]->type = ElementType::C64; }, "element type 14", LAIC_UNSUPPORTED},
    {"NumbersAsStrings", [](TestArtifact &a) { buffer(a, 0).type = ElementType::String; },
     "buffer 0 sees an input or output of strings as numbers, or of numbers as strings"},
    {"CopyOfStrings",
     [](TestArtifact &a) {
       step(a, 1).kind = StepKind::Copy;
       buffer(a, step(a, 1).operands[0]).type = ElementType::String;
     },
     "step 1 copies between strings and numbers"},
    {"ConstantStrings", [](TestArtifact &a) { buffer(a, 1).type = ElementType::String; },
     "constant buffer 1 holds strings, whose addresses no file knows"},
    {"HostFunctionPath", [](TestArtifact &a) { a.program.host_functions = {"../../evil.strings"}; },
     "host function 0 has no name of the form 'library.name'"},
    {"HostFunctionWithoutLibrary", [](TestArtifact &a) { a.program.host_functions = {"strings"}; },
     "host function 0 has no name"},
    {"HostFunctionWithoutName", [](TestArtifact &a) { a.program.host_functions = {"core."}; }, "host function 0 has no name"},
    {"HostFunctionLongName", [](TestArtifact &a) { a.program.host_functions = {"core." + std::string(100, 'a')}; },
     "host function 0 has no name"},
    {"HostCallOfNoFunction", [](TestArtifact &a) { step(a, 0).kind = StepKind::HostCall; }, "refers to host function 0 of 0"},
    {"HostCallWritesNothing",
     [](TestArtifact &a) {
       a.program.host_functions = {"core.equal"};
       step(a, 0).kind = StepKind::HostCall;
       step(a, 0).outputs = 0;
     },
     "step 0 calls a host function with 3 operands, 0 written"},
    {"HostCallOnTheDevice",
     [](TestArtifact &a) {
       a.program.host_functions = {"core.equal"};
       step(a, 0).kind = StepKind::HostCall;
       step(a, 0).host = true;
     },
     "step 0 runs on the host on buffer 2, which lies on the device"},
    {"HostCallScalar",
     [](TestArtifact &a) {
       a.program.host_functions = {"core.equal"};
       step(a, 0).kind = StepKind::HostCall;
       step(a, 0).scalars = {1000};
     },
     "step 0 refers to scalar 1000"},
    {"UnknownType", [](TestArtifact &a) { a.entry().outputs[0]->type = static_cast<ElementType>(200); }, "element type 200",
     LAIC_UNSUPPORTED},
    {"RankOfInput",
     [](TestArtifact &a) {
       for (int i = 0; i < 20; ++i)
         a.entry().inputs[0]->shape.push_back(std::make_unique<DimT>());
     },
     "input 0 has rank 22"},
    {"NegativeDim", [](TestArtifact &a) { a.entry().inputs[0]->shape[1]->value = -2; }, "negative size"},
    {"AliasOfNoInput", [](TestArtifact &a) { a.entry().outputs[0]->may_alias = {1}; }, "may alias input 1 of 1"},
    {"AliasOnInput", [](TestArtifact &a) { a.entry().inputs[0]->may_alias = {0}; }, "may alias"},
    {"RoomBeyondRank", [](TestArtifact &a) { a.entry().inputs[0]->room_dim = 2; }, "input 0 has room along dim 2, its rank is 2"},
    {"RoomForStrings",
     [](TestArtifact &a) {
       a.entry().inputs[0]->type = ElementType::String;
       a.entry().inputs[0]->room_dim = 1;
     },
     "input 0 holds strings, which have no room"},
    {"RoomInTheArena", [](TestArtifact &a) { buffer(a, 2).room_dim = 0; }, "buffer 2 cannot have room along dim 0"},
    {"RoomBeyondBuffer", [](TestArtifact &a) { buffer(a, 0).room_dim = 2; }, "buffer 0 cannot have room along dim 2"},
    {"RoomOfNoInput", [](TestArtifact &a) { buffer(a, 0).room_dim = 1; },
     "buffer 0 has room that its input or output does not have"},
    {"RoomOfAnotherSize",
     [](TestArtifact &a) {
       a.entry().inputs[0]->room_dim = buffer(a, 0).room_dim = 1;
       buffer(a, 0).type = ElementType::F64;
     },
     "buffer 0 has room that its input or output does not have"},
    {"RoomWithoutKernel",
     [](TestArtifact &a) {
       a.entry().inputs[0]->room_dim = buffer(a, 0).room_dim = 1;
       step(a, 0).kind = StepKind::Copy;
     },
     "step 0 runs no kernel, yet its buffer 0 has room"},
    {"OutputShapesMissing", [](TestArtifact &a) { a.entry().output_shapes.pop_back(); }, "output_shapes has 1 sizes"},
    {"OutputShapesIndex", [](TestArtifact &a) { a.entry().output_shapes[0] = 1000; }, "output_shapes refers to scalar 1000"},
    {"ScalarForward", [](TestArtifact &a) { put(a.plan().scalars, 4, ScalarOp::Mul, 5, 1, 0); }, "not before it"},
    {"ScalarCycle", [](TestArtifact &a) { put(a.plan().scalars, 4, ScalarOp::Mul, 4, 4, 0); }, "not before it"},
    {"SelectForward", [](TestArtifact &a) { put(a.plan().scalars, 4, ScalarOp::Select, 1, 1, 4); }, "not before it"},
    {"SelectNegative", [](TestArtifact &a) { put(a.plan().scalars, 4, ScalarOp::Select, 1, 1, -1); }, "not before it"},
    {"ScalarOperation", [](TestArtifact &a) { put(a.plan().scalars, 4, static_cast<ScalarOp>(99), 1, 1, 0); }, "operation 99",
     LAIC_UNSUPPORTED},
    {"DimOfNoInput", [](TestArtifact &a) { put(a.plan().scalars, 3, ScalarOp::InputDim, 1, 0, 0); }, "input 1 of 1"},
    {"DimBeyondRank", [](TestArtifact &a) { put(a.plan().scalars, 3, ScalarOp::InputDim, 0, 2, 0); }, "dim 2 of input 0"},
    {"ElementOfFloats", [](TestArtifact &a) { put(a.plan().scalars, 3, ScalarOp::InputElement, 0, 0, 0); }, "not i64 or i32"},
    {"ElementOfNoInput", [](TestArtifact &a) { put(a.plan().scalars, 3, ScalarOp::InputElement, 7, 0, 0); }, "input 7 of 1"},
    {"CheckIndex",
     [](TestArtifact &a) {
       a.plan().checks.push_back(std::make_unique<CheckT>());
       a.plan().checks[0]->b = 1000;
     },
     "check 0 refers to scalar 1000"},
    {"CheckKind",
     [](TestArtifact &a) {
       a.plan().checks.push_back(std::make_unique<CheckT>());
       a.plan().checks[0]->kind = static_cast<CheckKind>(9);
     },
     "check 0 has kind 9", LAIC_UNSUPPORTED},
    {"ArenaSizeIndex", [](TestArtifact &a) { a.plan().arena_size = 1000; }, "arena_size refers to scalar 1000"},
    {"HostArenaSizeIndex", [](TestArtifact &a) { a.plan().host_arena_size = 1000; },
     "plan 0: host_arena_size refers to scalar 1000"},
    {"NoHostArena", [](TestArtifact &a) { buffer(a, 2).storage = Storage::HostArena; },
     "buffer 2 lies in host memory, of which the plan has none"},
    {"HostStepOnTheDevice", [](TestArtifact &a) { step(a, 0).host = true; },
     "step 0 runs on the host on buffer 2, which lies on the device"},
    {"BufferShapeIndex", [](TestArtifact &a) { buffer(a, 2).shape[0] = 1000; }, "refers to scalar 1000"},
    {"BufferRank", [](TestArtifact &a) { buffer(a, 2).shape.assign(17, 1); }, "buffer 2 has rank 17"},
    {"BufferType", [](TestArtifact &a) { buffer(a, 2).type = ElementType::Undefined; }, "element type 0", LAIC_UNSUPPORTED},
    {"BufferStorage", [](TestArtifact &a) { buffer(a, 2).storage = static_cast<Storage>(9); }, "buffer 2 has storage 9"},
    {"BufferOfNoInput", [](TestArtifact &a) { buffer(a, 0).index = 4; }, "buffer 0 refers to input 4 of 1"},
    {"BufferOfNoOutput", [](TestArtifact &a) { buffer(a, 3).index = 4; }, "buffer 3 refers to output 4 of 1"},
    {"ArenaOffsetIndex", [](TestArtifact &a) { buffer(a, 2).offset_scalar = 1000; }, "buffer 2 refers to scalar 1000"},
    {"ConstantInNoSegment", [](TestArtifact &a) { buffer(a, 1).index = 9; }, "refers to segment 9, which is no weight segment"},
    {"ConstantInCode", [](TestArtifact &a) { buffer(a, 1).index = 0; }, "refers to segment 0, which is no weight segment"},
    {"ConstantBeyondSegment", [](TestArtifact &a) { buffer(a, 1).offset = 64; }, "lies outside segment 1"},
    {"ConstantOffsetWraps", [](TestArtifact &a) { buffer(a, 1).offset = UINT64_MAX - 63; }, "lies outside segment 1"},
    {"ConstantTooLarge", [](TestArtifact &a) { buffer(a, 1).shape = {1, 1}; }, "lies outside segment 1"},
    {"ConstantOverflows",
     [](TestArtifact &a) {
       const uint32_t huge = a.constant(INT64_MAX / 2);
       buffer(a, 1).shape = {huge, huge};
     },
     "the size of constant buffer 1 overflows"},
    {"ConstantDynamic", [](TestArtifact &a) { buffer(a, 1).shape = {3}; }, "no static size in dim 0"},
    {"ConstantNegative", [](TestArtifact &a) { buffer(a, 1).shape = {a.constant(-4)}; }, "no static size in dim 0"},
    {"ConstantUnaligned",
     [](TestArtifact &a) {
       a.segments[1].resize(64);
       a.program.segments[1]->length = 64;
       buffer(a, 1).offset = 4;
     },
     "not aligned to 64"},
    {"StepKernel", [](TestArtifact &a) { step(a, 0).kernel = 5; }, "step 0 refers to kernel 5 of 2"},
    {"StepOperand", [](TestArtifact &a) { step(a, 0).operands[0] = 5; }, "step 0 refers to buffer 5 of 4"},
    {"StepOutputs", [](TestArtifact &a) { step(a, 0).outputs = 4; }, "step 0 writes 4 of 3 operands"},
    {"StepScalar", [](TestArtifact &a) { step(a, 0).scalars = {1000}; }, "step 0 refers to scalar 1000"},
    {"StepTiles", [](TestArtifact &a) { step(a, 0).tiles = 1000; }, "step 0 refers to scalar 1000"},
    {"StepWorkspace", [](TestArtifact &a) { step(a, 0).workspace = 1000; }, "step 0 refers to scalar 1000"},
    {"StepNode", [](TestArtifact &a) { step(a, 0).node = 1000; }, "step 0 refers to node 1000"},
    {"StepKind", [](TestArtifact &a) { step(a, 0).kind = static_cast<StepKind>(7); }, "step 0 has kind 7", LAIC_UNSUPPORTED},
    {"ReadOperands", [](TestArtifact &a) { step(a, 0).kind = StepKind::Read; }, "is a read with 3 operands"},
    {"ReadNumber", [](TestArtifact &a) { a.read(1, 1); }, "step 2 is read 1 of 1"},
    {"ReadTwice",
     [](TestArtifact &a) {
       const uint32_t count = a.buffer(Storage::Arena, 0, ElementType::I64, {a.constant(1)});
       a.read(count, 0);
       a.read(count, 0);
     },
     "step 3 is read 0 of 2, or not the only one of that number"},
    {"ReadOfFloats", [](TestArtifact &a) { a.read(1, 0); }, "step 2 reads a buffer that does not hold integers"},
    {"ReadOfUnknownSize", [](TestArtifact &a) { a.read(a.buffer(Storage::Arena, 0, ElementType::I64, {3}), 0); },
     "step 2 reads a buffer without a known size of at most 64 elements"},
    {"ReadOfMany", [](TestArtifact &a) { a.read(a.buffer(Storage::Arena, 0, ElementType::I64, {a.constant(65)}), 0); },
     "step 2 reads a buffer without a known size of at most 64 elements"},
    {"ReadOnTheDevice",
     [](TestArtifact &a) {
       a.read(a.buffer(Storage::Arena, 0, ElementType::I64, {a.constant(1)}), 0);
       step(a, 2).host = true;
     },
     "step 2 reads buffer 4, which lies on the device"},
    {"ElementOfNoRead", [](TestArtifact &a) { put(a.plan().scalars, 3, ScalarOp::ReadElement, 0, 0, 0); },
     "scalar 3 refers to element 0 of read 0 of 0"},
    {"LateSlot", [](TestArtifact &a) { buffer(a, 2).storage = Storage::Late, buffer(a, 2).index = 4; },
     "buffer 2 refers to slot 4, there are 4 buffers"},
    {"WritesConstant", [](TestArtifact &a) { step(a, 0).operands[2] = 1; }, "writes buffer 1, which is a constant"},
    {"WritesInput", [](TestArtifact &a) { step(a, 0).operands[2] = 0; }, "writes buffer 0, which is an input"},
    {"CopyOperands", [](TestArtifact &a) { step(a, 0).kind = StepKind::Copy; }, "is a copy with 3 operands"},
    {"KernelWithoutVariants", [](TestArtifact &a) { a.program.kernels[0]->variants.clear(); }, "kernel 0 has no variants"},
    {"KernelWithoutName", [](TestArtifact &a) { a.program.kernels[0]->name.clear(); }, "kernel 0 has no name"},
    {"VariantInWeights", [](TestArtifact &a) { variant(a).segment = 1; }, "segment 1, which is no code segment"},
    {"VariantInNoSegment", [](TestArtifact &a) { variant(a).segment = 9; }, "segment 9, which is no code segment"},
    {"VariantBeyondSegment", [](TestArtifact &a) { variant(a).offset = 1 << 20; }, "lies outside its segment"},
    {"VariantWraps", [](TestArtifact &a) { variant(a).size = UINT64_MAX; }, "lies outside its segment"},
    {"VariantEmpty", [](TestArtifact &a) { variant(a).size = 0; }, "lies outside its segment"},
    {"VariantUnaligned", [](TestArtifact &a) { variant(a).offset += 1; }, "not aligned"},
    {"SegmentSection", [](TestArtifact &a) { a.program.segments[0]->section = 9; }, "segment 0 refers to section 9 of 3"},
    {"SegmentLength", [](TestArtifact &a) { a.program.segments[1]->length = 1 << 20; }, "segment 1 says 1048576 bytes"},
    {"SegmentIsProgram", [](TestArtifact &a) { a.program.segments[0]->section = 0; }, "differ in kind"},
    {"SegmentIsOther", [](TestArtifact &a) { std::swap(a.program.segments[0]->section, a.program.segments[1]->section); },
     "differ in kind"},
};

class HostileProgram : public ::testing::TestWithParam<Case> {};

TEST_P(HostileProgram, IsRefusedWhenLoading) {
  TestArtifact a = makeAffine();
  GetParam().breakIt(a);
  const Outcome result = loadBytes(a.bytes());
  EXPECT_EQ(result.code, GetParam().code) << result.message;
  EXPECT_NE(result.message.find(GetParam().fragment), std::string::npos) << result.message;
}

INSTANTIATE_TEST_SUITE_P(All, HostileProgram, ::testing::ValuesIn(kLoadCases),
                         [](const auto &info) { return std::string(info.param.name); });

// What only shows with sizes at hand is refused when running.
const Case kRunCases[] = {
    {"ArenaTooSmall", [](TestArtifact &a) { a.plan().arena_size = 1; }, "buffer 2 has 32 bytes from 0 on, there are 4"},
    {"ArenaNegative", [](TestArtifact &a) { a.plan().arena_size = a.constant(-1); }, "the arena has -1 bytes"},
    {"ArenaOffsetBeyond", [](TestArtifact &a) { buffer(a, 2).offset_scalar = a.constant(64); },
     "buffer 2 has 32 bytes from 64 on, there are 32"},
    {"ArenaOffsetNegative", [](TestArtifact &a) { buffer(a, 2).offset_scalar = a.constant(-64); }, "starts at byte -64"},
    {"ArenaOffsetUnaligned", [](TestArtifact &a) { buffer(a, 2).offset_scalar = a.constant(4); }, "starts at byte 4"},
    {"ArenaHuge",
     [](TestArtifact &a) {
       const uint32_t huge = a.constant(INT64_MAX / 64 * 64);
       a.plan().arena_size = huge;
     },
     "out of memory", LAIC_OUT_OF_MEMORY},
    {"InputViewTooLarge", [](TestArtifact &a) { buffer(a, 0).shape = {3, 1, 1}; },
     "buffer 0 has 128 bytes from 0 on, there are 32"},
    {"OutputViewTooLarge", [](TestArtifact &a) { buffer(a, 3).type = ElementType::F64; },
     "buffer 3 has 64 bytes from 0 on, there are 32"},
    {"SizeOverflows",
     [](TestArtifact &a) {
       const uint32_t huge = a.constant(INT64_MAX);
       buffer(a, 2).shape[0] = a.scalar(ScalarOp::Mul, huge, 3);
     },
     "overflows 64 bits", LAIC_INVALID_ARGUMENT},
    {"BytesOverflow",
     [](TestArtifact &a) {
       const uint32_t huge = a.constant(INT64_MAX / 2);
       buffer(a, 2).shape = {huge, huge};
     },
     "overflows 64 bits", LAIC_INVALID_ARGUMENT},
    {"NegativeSize", [](TestArtifact &a) { buffer(a, 2).shape[0] = a.constant(-3); }, "size of -3", LAIC_INVALID_ARGUMENT},
    {"DivisionByZero", [](TestArtifact &a) { buffer(a, 2).shape[0] = a.scalar(ScalarOp::FloorDiv, 1, 0); },
     "divides by a size that is not positive", LAIC_INVALID_ARGUMENT},
    {"TilesNegative", [](TestArtifact &a) { step(a, 0).tiles = a.constant(-1); }, "the number of tiles of a step is -1"},
    {"TilesHuge", [](TestArtifact &a) { step(a, 0).tiles = a.constant(INT64_MAX); }, "the number of tiles"},
    {"WorkspaceNegative", [](TestArtifact &a) { step(a, 0).workspace = a.constant(-8); }, "the workspace of a step is -8"},
    {"WorkspaceHuge", [](TestArtifact &a) { step(a, 0).workspace = a.constant(INT64_MAX); }, "the workspace of a step"},
    {"OutputSizeContradicts", [](TestArtifact &a) { a.entry().outputs[0]->shape[1]->value = 5; },
     "dim 1 of output 'y' comes out as 4"},
    {"OutputSizeNegative",
     [](TestArtifact &a) {
       a.entry().outputs[0]->shape[1]->value = -1;
       a.entry().output_shapes[1] = a.constant(-4);
     },
     "dim 1 of output 'y' comes out as -4"},
    {"CopyOfUnequalSizes",
     [](TestArtifact &a) {
       step(a, 0).kind = StepKind::Copy;
       step(a, 0).operands = {1, 2};
     },
     "step 0 copies between different sizes"},
    {"RoomOfOtherDims",
     [](TestArtifact &a) {
       a.entry().inputs[0]->room_dim = buffer(a, 0).room_dim = 1;
       std::swap(buffer(a, 0).shape[0], buffer(a, 0).shape[1]);
     },
     "buffer 0 does not fit 'x'"},
};

class HostileSizes : public ::testing::TestWithParam<Case> {};

TEST_P(HostileSizes, AreRefusedWhenRunning) {
  TestArtifact a = makeAffine();
  GetParam().breakIt(a);
  TemporaryFile file(a.bytes());
  ModulePtr module = loadFile(file.path());
  ASSERT_TRUE(module);
  ContextPtr context = createContext(module.get());
  std::vector<float> x(8);
  ASSERT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {2, 4})), "");
  const Outcome result = outcome(laic_run(context.get()));
  EXPECT_EQ(result.code, GetParam().code) << result.message;
  EXPECT_NE(result.message.find(GetParam().fragment), std::string::npos) << result.message;
}

INSTANTIATE_TEST_SUITE_P(All, HostileSizes, ::testing::ValuesIn(kRunCases),
                         [](const auto &info) { return std::string(info.param.name); });

// Many tables that share one long vector: small to store, expensive to walk.
TEST(HostileProgram, SharedVectorsArePaidFor) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<uint32_t> operands(20000, 0);
  const auto shared = builder.CreateVector(operands);
  std::vector<flatbuffers::Offset<Step>> steps;
  for (int i = 0; i < 20000; ++i)
    steps.push_back(CreateStep(builder, StepKind::Dispatch, 0, shared));
  TestArtifact a = makeAffine();
  std::vector<flatbuffers::Offset<Buffer>> buffers = {Buffer::Pack(builder, a.plan().buffers[0].get())};
  std::vector<flatbuffers::Offset<Node>> nodes = {CreateNode(builder)};
  std::vector<flatbuffers::Offset<Segment>> segments = {Segment::Pack(builder, a.program.segments[0].get()),
                                                        Segment::Pack(builder, a.program.segments[1].get())};
  std::vector<flatbuffers::Offset<Kernel>> kernels = {Kernel::Pack(builder, a.program.kernels[0].get())};
  std::vector<flatbuffers::Offset<Tensor>> inputs = {Tensor::Pack(builder, a.entry().inputs[0].get())};
  const auto plan = CreatePlan(builder, builder.CreateString("cpu"), builder.CreateVectorOfStructs(a.plan().scalars), 0,
                               builder.CreateVector(buffers), builder.CreateVector(steps), 0);
  std::vector<flatbuffers::Offset<Plan>> plans = {plan};
  const auto entry = CreateEntry(builder, 0, builder.CreateVector(inputs), 0, 0, builder.CreateVector(plans));
  std::vector<flatbuffers::Offset<Entry>> entries = {entry};
  builder.Finish(CreateProgram(builder, LAIC_KERNEL_ABI_VERSION, 0, 0, builder.CreateVector(entries),
                               builder.CreateVector(kernels), builder.CreateVector(segments), builder.CreateVector(nodes)),
                 ProgramIdentifier());
  std::vector<SegmentSource> sources;
  for (const std::vector<uint8_t> &data : a.segments)
    sources.push_back({sources.empty() ? SegmentKind::Code : SegmentKind::Weights, data.size(), [&data](SegmentSink &sink) {
                         sink.write(data.data(), data.size());
                         return std::string();
                       }});
  std::vector<uint8_t> bytes;
  ASSERT_EQ(serializeArtifact(builder.GetBufferPointer(), builder.GetSize(), sources, bytes), "");
  EXPECT_EQ(loadBytes(bytes).message, "artifact is invalid: its tables hold more than its bytes allow");
}

} // namespace
