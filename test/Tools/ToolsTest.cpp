// laic-run and laic-inspect as their users see them.
#include "TestArtifact.h"

#include "laic/Support/Npz.h"

#include <cstdio>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;
using nlohmann::json;

namespace {

struct Result {
  int exitCode; // -1: died of a signal
  std::string out;
  std::string err;
};

std::string slurp(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

class Tools : public ::testing::Test {
protected:
  void SetUp() override {
    char pattern[] = "/tmp/laic-tools-XXXXXX";
    folder = mkdtemp(pattern);
    write("affine.bin", makeAffine().bytes());
    write("append.bin", makeAppend().bytes());
    write("gather.bin", makeGather().bytes());
  }
  void TearDown() override { ASSERT_EQ(system(("rm -r " + folder).c_str()), 0); }

  std::string at(const std::string &name) { return folder + "/" + name; }
  void write(const std::string &name, const std::vector<uint8_t> &bytes) {
    std::ofstream(at(name), std::ios::binary)
        .write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  Result shell(const std::string &command) {
    const int status = system(("cd " + folder + " && " + command + " >stdout 2>stderr").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(at("stdout")), slurp(at("stderr"))};
  }
  Result run(const std::string &arguments) { return shell(LAIC_RUN " " + arguments); }
  Result inspect(const std::string &arguments) { return shell(LAIC_INSPECT " " + arguments); }

  template <typename T> npz::Array array(char kind, const std::vector<int64_t> &shape, const std::vector<T> &values) {
    npz::Array out;
    out.kind = kind;
    out.itemSize = sizeof(T);
    out.shape = shape;
    out.data.resize(values.size() * sizeof(T));
    memcpy(out.data.data(), values.data(), out.data.size());
    return out;
  }
  void npzFile(const std::string &name, const npz::File &file) { ASSERT_EQ(npz::write(at(name), file), ""); }
  std::vector<float> floats(const std::string &name, const std::string &key) {
    npz::File file;
    EXPECT_EQ(npz::read(at(name), file), "");
    std::vector<float> values(file[key].data.size() / sizeof(float));
    memcpy(values.data(), file[key].data.data(), file[key].data.size());
    return values;
  }
  std::string folder;
};

TEST_F(Tools, RunsOnInputsAndWritesOutputs) {
  npzFile("in.npz", {{"x", array<float>('f', {1, 4}, {0, 1, 2, 3})}});
  const Result result = run("affine.bin --inputs in.npz --outputs out.npz --threads=2");
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(floats("out.npz", "y"), (std::vector<float>{2, 6, 10, 14}));
}

TEST_F(Tools, SeededInputsAreTheSameEveryTime) {
  EXPECT_EQ(run("affine.bin --dim N=3 --outputs a.npz --threads=1").exitCode, 0);
  EXPECT_EQ(run("affine.bin --dim=N=3 --outputs b.npz").exitCode, 0);
  EXPECT_EQ(slurp(at("a.npz")), slurp(at("b.npz")));
  EXPECT_EQ(floats("a.npz", "y").size(), 12u);
  const Result summary = run("affine.bin");
  EXPECT_NE(summary.out.find("y: f32[1,4]  min "), std::string::npos) << summary.out;
}

TEST_F(Tools, CompareNamesTheWorstElement) {
  npzFile("in.npz", {{"x", array<float>('f', {1, 4}, {0, 1, 2, 3})}});
  npzFile("good.npz", {{"y", array<float>('f', {1, 4}, {2, 6, 10, 14.001f})}});
  npzFile("bad.npz", {{"y", array<float>('f', {1, 4}, {2, 6.5f, 11, 14})}});
  npzFile("nan.npz", {{"y", array<float>('f', {1, 4}, {2, 6, 10, NAN})}});
  npzFile("shape.npz", {{"y", array<float>('f', {4}, {2, 6, 10, 14})}});
  npzFile("other.npz", {{"z", array<float>('f', {4}, {2, 6, 10, 14})}});
  EXPECT_EQ(run("affine.bin --inputs in.npz --compare good.npz").exitCode, 0);
  EXPECT_EQ(run("affine.bin --inputs in.npz --compare good.npz --rtol=1e-6 --atol=0").exitCode, 1);
  EXPECT_EQ(run("affine.bin --inputs in.npz --compare bad.npz --rtol=0 --atol=0.08").exitCode, 0); // 0.08 * 14 > 1
  Result result = run("affine.bin --inputs in.npz --compare bad.npz");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_NE(result.err.find("output 'y': worst at [0, 2]: got 10, want 11, differs by 1"), std::string::npos) << result.err;
  result = run("affine.bin --inputs in.npz --compare nan.npz --rtol=100 --atol=100");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_NE(result.err.find("[0, 3]"), std::string::npos) << result.err;
  EXPECT_EQ(run("affine.bin --inputs in.npz --compare shape.npz").exitCode, 1);
  EXPECT_EQ(run("affine.bin --inputs in.npz --compare other.npz").exitCode, 1);
}

TEST_F(Tools, IntegersAreComparedExactlyButForQuanta) {
  TestArtifact a;
  const uint32_t n = a.constant(3), value = a.constant(INT64_MAX);
  const uint32_t y = a.output("y", ElementType::I64, {n});
  a.dispatch(a.kernel("fill", test_fill), {a.buffer(Storage::Output, y, ElementType::I64, {n})}, 1, n, {value});
  write("fill.bin", a.bytes());
  npzFile("same.npz", {{"y", array<int64_t>('i', {3}, {INT64_MAX, INT64_MAX, INT64_MAX})}});
  npzFile("near.npz", {{"y", array<int64_t>('i', {3}, {INT64_MAX, INT64_MAX - 2, INT64_MAX})}});
  EXPECT_EQ(run("fill.bin --compare same.npz").exitCode, 0);
  EXPECT_EQ(run("fill.bin --compare near.npz --rtol=1 --atol=1").exitCode, 1);
  EXPECT_EQ(run("fill.bin --compare near.npz --quanta=1").exitCode, 1);
  EXPECT_EQ(run("fill.bin --compare near.npz --quanta=2").exitCode, 0);
}

TEST_F(Tools, BenchPrintsOneLineOfJson) {
  const Result result = run("affine.bin --bench=20 --json --threads=1");
  ASSERT_EQ(result.exitCode, 0) << result.err;
  const json line = json::parse(result.out);
  EXPECT_GT(line["min_ms"].get<double>(), 0);
  EXPECT_LE(line["min_ms"].get<double>(), line["median_ms"].get<double>());
  EXPECT_LE(line["median_ms"].get<double>(), line["p90_ms"].get<double>());
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 1);
  EXPECT_NE(run("affine.bin --bench=3").out.find("median "), std::string::npos);
}

TEST_F(Tools, ProfileHoldsOneEventPerStep) {
  ASSERT_EQ(run("affine.bin --profile p.json").exitCode, 0);
  const json profile = json::parse(slurp(at("p.json")));
  ASSERT_EQ(profile["traceEvents"].size(), 2u);
  EXPECT_EQ(profile["traceEvents"][1]["name"], "node_1");
  EXPECT_EQ(profile["traceEvents"][1]["args"]["kernel"], "double");
  EXPECT_EQ(profile["traceEvents"][1]["ph"], "X");
}

TEST_F(Tools, AliasBindsOutputToInput) {
  npzFile("in.npz", {{"past", array<float>('f', {1, 4}, {0, 1, 2, 3})}, {"next", array<float>('f', {1, 4}, {4, 5, 6, 7})}});
  const Result result = run("append.bin --inputs in.npz --outputs out.npz --alias present=past:0:5");
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(floats("out.npz", "present"), (std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_NE(run("append.bin --inputs in.npz --alias present=next:0:5").err.find("may not share memory"), std::string::npos);
  EXPECT_EQ(run("append.bin --inputs in.npz --alias present=next:0:5").exitCode, 1);
  EXPECT_EQ(run("append.bin --inputs in.npz --alias present=past:0:1").exitCode, 1); // no room
  EXPECT_EQ(run("append.bin --inputs in.npz --alias present=past:2:5").exitCode, 2);
  EXPECT_EQ(run("append.bin --inputs in.npz --alias nothing=past:0:5").exitCode, 2);
  EXPECT_NE(run("append.bin --inputs in.npz --alias present=nothing:0:5").err.find("the artifact has no input 'nothing'"),
            std::string::npos);
  EXPECT_EQ(run("append.bin --inputs in.npz --alias present=past:0").exitCode, 2);
}

TEST_F(Tools, UsageErrorsExitWithTwo) {
  for (const char *arguments :
       {"", "--no-such-option affine.bin", "affine.bin --bench=x", "affine.bin --dim N", "affine.bin --dim M=3",
        "affine.bin --rtol=-1", "affine.bin --require-device", "affine.bin --threads=-2"}) {
    const Result result = run(arguments);
    EXPECT_EQ(result.exitCode, 2) << arguments << ": " << result.err;
    EXPECT_EQ(result.err.empty(), false) << arguments;
  }
  EXPECT_EQ(run("--help").exitCode, 0);
  EXPECT_EQ(run("--version").exitCode, 0);
  EXPECT_EQ(inspect("--help").exitCode, 0);
  EXPECT_EQ(inspect("--version").out, "laic-inspect 0.1.0 (artifact format 1.1)\n");
  EXPECT_EQ(inspect("").exitCode, 2);
}

TEST_F(Tools, DataErrorsExitWithOneAndWriteNothing) {
  npzFile("in.npz", {{"index", array<int64_t>('i', {2}, {3, 10})}});
  Result result = run("gather.bin --inputs in.npz --outputs out.npz");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(result.err, "laic-run: error: node 'node_0' (gather): index 10 is out of range\n");
  EXPECT_NE(access(at("out.npz").c_str(), F_OK), 0);
  npzFile("type.npz", {{"index", array<float>('f', {2}, {3, 1})}});
  result = run("gather.bin --inputs type.npz");
  EXPECT_EQ(result.err, "laic-run: error: 'type.npz': input 'index' (i64) must be stored as <i8, got <f4\n");
  npzFile("missing.npz", {{"other", array<float>('f', {2}, {3, 1})}});
  EXPECT_NE(run("gather.bin --inputs missing.npz").err.find("has no array for input 'index'"), std::string::npos);
  EXPECT_EQ(run("nothing.bin").exitCode, 1);
  EXPECT_EQ(run("affine.bin --outputs /nonexistent/out.npz").exitCode, 1);
  EXPECT_EQ(run("affine.bin --outputs /dev/full").exitCode, 1);
}

TEST_F(Tools, SizesAndValuesOfInputsAreChecked) {
  npzFile("in.npz", {{"x", array<float>('f', {1, 4}, {0, 1, 2, 3})}});
  Result result = run("affine.bin --inputs in.npz --dim N=2");
  EXPECT_EQ(result.exitCode, 2);
  EXPECT_NE(result.err.find("sizes come from --inputs; give one of the two"), std::string::npos) << result.err;
  result = run("affine.bin --dim N=99999999999999");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(result.err, "laic-run: error: input 'x' is too large\n");
  TestArtifact a;
  const uint32_t n = a.constant(2), x = a.input("flags", ElementType::Bool, {2}), y = a.output("y", ElementType::Bool, {n});
  a.copy(a.buffer(Storage::Input, x, ElementType::Bool, {n}), a.buffer(Storage::Output, y, ElementType::Bool, {n}));
  write("flags.bin", a.bytes());
  npzFile("flags.npz", {{"flags", array<uint8_t>('b', {2}, {1, 7})}});
  result = run("flags.bin --inputs flags.npz");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(result.err, "laic-run: error: 'flags.npz': input 'flags': element 1 is no value of type bool\n");
}

TEST_F(Tools, AFullDiskBehindStandardOutput) {
  const Result result = shell("bash -c '" LAIC_RUN " affine.bin >/dev/full'");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_NE(result.err.find("cannot write to standard output: No space left on device"), std::string::npos) << result.err;
}

TEST_F(Tools, LimitsOnMemoryAreErrors) {
#if !defined(__has_feature) || !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
  std::vector<uint8_t> bytes = makeAffine().bytes();
  bytes.resize(256 << 20);
  write("large.bin", bytes);
  const Result result = shell("bash -c 'ulimit -v 200000; " LAIC_INSPECT " large.bin'");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_NE(result.err.find("cannot map 'large.bin': Cannot allocate memory"), std::string::npos) << result.err;
  EXPECT_EQ(shell("bash -c 'ulimit -v 4000000; " LAIC_RUN " affine.bin --threads=1 --dim N=1000000000'").err,
            "laic-run: error: out of memory\n");
#endif
}

TEST_F(Tools, AClosedPipeIsNoSignal) {
  TestArtifact a = makeAffine();
  for (int i = 0; i < 5000; ++i) { // more than a pipe holds
    a.program.metadata.push_back(std::make_unique<MetadataT>());
    a.program.metadata.back()->value = std::string(40, 'v');
  }
  write("long.bin", a.bytes());
  EXPECT_EQ(shell("bash -c 'set -o pipefail; " LAIC_INSPECT " long.bin | head -c1'").exitCode, 1);
}

TEST_F(Tools, APipeIsNoArtifact) {
  EXPECT_EQ(shell("mkfifo pipe && timeout 20 " LAIC_RUN " pipe").exitCode, 1);
  EXPECT_EQ(shell("timeout 20 " LAIC_INSPECT " pipe").exitCode, 1);
}

TEST_F(Tools, DevicesFallBackUnlessRequired) {
  Result result = run("affine.bin --device=cuda:1");
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_NE(result.err.find("note: the artifact has no plan for device 'cuda:1'"), std::string::npos) << result.err;
  result = run("affine.bin --device=cuda:1 --require-device");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(run("affine.bin --device=cpu --require-device").exitCode, 0);
  EXPECT_NE(run("affine.bin --explain").err.find("plan 0 (cpu): usable"), std::string::npos);
}

#if !defined(__has_feature) || !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
TEST_F(Tools, AKernelThatCrashesIsADefectWithAReproducer) {
  TestArtifact a = makeAffine();
#ifdef __x86_64__
  const std::pair<std::string, const char *> crashes[] = {
      {std::string("\x31\xc9\xf7\xf1", 4), "laic-run: a defect of laic: arithmetic trap"},   // xor ecx, ecx; div ecx
      {std::string("\x31\xc0\xc6\x00\x00", 5), "laic-run: a defect of laic: memory fault"}}; // xor eax, eax; mov [rax], 0
  for (const auto &[code, text] : crashes) {
    for (const auto &kernel : a.program.kernels)
      std::copy(code.begin(), code.end(), a.segments[0].begin() + static_cast<int64_t>(kernel->variants[0]->offset));
    write("crash.bin", a.bytes());
    const Result result = shell("TMPDIR=" + folder + " " LAIC_RUN " crash.bin --dim N=2");
    EXPECT_EQ(result.exitCode, 70) << result.err;
    EXPECT_NE(result.err.find(text), std::string::npos) << result.err;
  }
#endif
  a.segments[0].assign(a.segments[0].size(), 0x06); // no instruction of x86-64; a permanently undefined word of AArch64
  write("crash.bin", a.bytes());
  const Result result = shell("TMPDIR=" + folder + " " LAIC_RUN " crash.bin --dim N=2");
  EXPECT_EQ(result.exitCode, 70) << result.err;
  EXPECT_NE(result.err.find("laic-run: a defect of laic: illegal instruction; please report it with"), std::string::npos);
  const size_t begin = result.err.find(folder + "/laic-run-");
  ASSERT_NE(begin, std::string::npos) << result.err;
  EXPECT_NE(slurp(result.err.substr(begin, result.err.find(".txt") + 4 - begin)).find("'crash.bin' '--dim' 'N=2'"),
            std::string::npos);
}
#endif

TEST_F(Tools, InspectShowsPlanAndKernels) {
  const Result result = inspect("append.bin");
  ASSERT_EQ(result.exitCode, 0) << result.err;
  for (const char *expected : {"laic artifact 1.1", "input   past: f32[P, 4]", "output  present: f32[?, 4]  may alias past",
                               "plan 0 for cpu: 1 steps", "%2    output present           f32[P + M, 4]",
                               "append(%0, %1) -> %2  tiles P + M  # node_0 (append)", "generic", "plan 0 (cpu): usable"})
    EXPECT_NE(result.out.find(expected), std::string::npos) << expected << "\n" << result.out;
  const json root = json::parse(inspect("append.bin --json").out);
  EXPECT_EQ(root["inputs"][0]["shape"], json({"P", 4}));
  EXPECT_EQ(root["outputs"][0]["may_alias"], json({"past"}));
  EXPECT_EQ(root["plans"][0]["steps"][0]["tiles"], "P + M");
  EXPECT_EQ(root["kernels"][0]["variants"][0]["requires"], json({"generic"}));
}

TEST_F(Tools, InspectAddsUpOperations) {
  TestArtifact a = makeAffine();
  a.program.nodes[0]->flops = 1500;
  a.program.nodes[1]->flops = 500;
  write("counted.bin", a.bytes());
  EXPECT_NE(inspect("counted.bin").out.find("2000 floating-point operations per run"), std::string::npos);
  EXPECT_NE(inspect("nothing.bin").err.find("cannot open 'nothing.bin': No such file or directory"), std::string::npos);
}

TEST_F(Tools, InspectNamesLongFormulasOnce) {
  // Each scalar doubles the formula of the one before: written out, the last would have 2^60 terms.
  TestArtifact a = makeAffine();
  uint32_t last = 3;
  for (int i = 0; i < 60; ++i)
    last = a.scalar(ScalarOp::Max, last, last);
  a.plan().arena_size = a.scalar(ScalarOp::Mul, last, last);
  write("long.bin", a.bytes());
  const Result result = inspect("long.bin");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_LT(result.out.size(), 20000u);
}

TEST_F(Tools, InspectVerifiesWeightsOnDemand) {
  std::vector<uint8_t> bytes = makeAffine().bytes();
  bytes.back() ^= 1;
  write("damaged.bin", bytes);
  EXPECT_EQ(inspect("damaged.bin").exitCode, 0);
  const Result result = inspect("damaged.bin --verify");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_EQ(result.err, "laic-inspect: error: artifact is damaged: the hash of section 2 differs\n");
  EXPECT_NE(inspect("affine.bin --verify").out.find("verified: the hashes of all 3 sections agree"), std::string::npos);
  EXPECT_EQ(run("damaged.bin").exitCode, 1);
  EXPECT_EQ(run("damaged.bin --verify=structure").exitCode, 0);
}

TEST_F(Tools, InspectRunsNothingAndObeysNoEscapes) {
  TestArtifact a = makeAffine();
  a.segments[0].assign(a.segments[0].size(), 0x06);
  a.program.model = "evil\x1b[2Jname";
  write("crash.bin", a.bytes());
  const Result result = inspect("crash.bin");
  EXPECT_EQ(result.exitCode, 0);
  EXPECT_NE(result.out.find("model 'evil?[2Jname'"), std::string::npos) << result.out;
}

} // namespace
