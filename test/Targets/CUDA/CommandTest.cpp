// laic-ptx-run as its users see it, and ptxas's opinion of the kernels of these tests.
#include "PtxTest.h"

#include <cstdlib>
#include <fstream>
#include <sys/wait.h>
#include <unistd.h>

using namespace laic::ptx::test;

namespace {

struct Result {
  int exitCode;
  std::string out, err;
};

class Command : public ::testing::Test {
protected:
  void SetUp() override {
    char pattern[] = "/tmp/laic-ptx-XXXXXX";
    folder = mkdtemp(pattern);
    std::vector<uint32_t> ramp(32);
    for (uint32_t i = 0; i < 32; ++i)
      ramp[i] = i;
    write("x.bin", std::string(reinterpret_cast<const char *>(ramp.data()), 128));
  }
  void TearDown() override { ASSERT_EQ(system(("rm -r " + folder).c_str()), 0); }

  void write(const std::string &name, const std::string &text) { std::ofstream(folder + "/" + name, std::ios::binary) << text; }
  Result shell(const std::string &command) {
    const int status = system(("cd " + folder + " && " + command + " >stdout 2>stderr").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, slurp(folder + "/stdout"), slurp(folder + "/stderr")};
  }
  Result run(const std::string &arguments) { return shell(LAIC_PTX_RUN " " + arguments); }
  Result runMemory(const std::string &arguments) { return run(LAIC_PTX_FOLDER "/memory.ptx " + arguments); }
  std::string folder;
};

TEST_F(Command, ListsKernels) {
  const Result result = runMemory("");
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_NE(result.out.find(
                "bounds_good(u64 x, u64 y, u32 n)\n  12 instructions, 12 registers, 0 bytes of shared and 0 of local memory\n"),
            std::string::npos)
      << result.out;
}

TEST_F(Command, RunsAKernel) {
  const Result result =
      runMemory("--kernel bounds_good --grid 1 --block 64,1,1 --arg in:x.bin --arg out:128:y.bin --arg u32:32 --check --stats");
  EXPECT_EQ(result.exitCode, 0) << result.err;
  EXPECT_EQ(slurp(folder + "/y.bin"), slurp(folder + "/x.bin"));
  for (const char *row :
       {"warp-instructions", "shared accesses", "shared wavefronts", "beyond the ideal (bank conflicts)", "global accesses",
        "global bytes asked for", "global sectors of 32 bytes", "million thread-instructions a second"})
    EXPECT_NE(result.out.find(row), std::string::npos) << result.out;
  const Result json =
      runMemory("--kernel bounds_good --block 32 --arg in:x.bin --arg inout:x.bin:z.bin --arg u32:16 --stats=json");
  EXPECT_NE(json.out.find("\"global_sectors\": 4,"), std::string::npos) << json.out;
  EXPECT_NE(json.out.find(", \"thread_instructions_per_second\": "), std::string::npos) << json.out;
  EXPECT_EQ(slurp(folder + "/z.bin"), slurp(folder + "/x.bin"));
}

TEST_F(Command, ReportsFaults) {
  const Result result = runMemory("--kernel bounds_bad --block 64 --arg in:x.bin --arg out:128:y.bin --arg u32:32");
  EXPECT_EQ(result.exitCode, 1);
  EXPECT_NE(
      result.err.find("memory.ptx: kernel 'bounds_bad', line 37, block (0,0,0), thread (32,0,0): `ld.global.b32`: out of bounds"),
      std::string::npos)
      << result.err;
  write("bad.ptx", ".version 7.0\n.target sm_80\n.entry k() { frob.u32; ret; }\n");
  EXPECT_EQ(run("bad.ptx").err, "laic-ptx-run: error: bad.ptx:3: kernel 'k': instruction 'frob.u32' is not supported\n");
  EXPECT_EQ(run("bad.ptx").exitCode, 1);
  write("big.ptx", ".version 7.0\n.target sm_80\n.global .b8 a[4294967295], b[4294967295], c[4294967295], d[4294967295], "
                   "e[4294967295];\n.entry k() { ret; }\n");
  EXPECT_NE(run("big.ptx --kernel k").err.find("big.ptx: its variables do not fit memory"), std::string::npos);
  EXPECT_NE(run("none.ptx").err.find("none.ptx: cannot be read"), std::string::npos);
  EXPECT_NE(runMemory("--kernel local_good --arg out:128:none/y.bin").err.find("none/y.bin: cannot be written"),
            std::string::npos);
  EXPECT_NE(runMemory("--kernel local_good --arg out:99999999999999:y.bin").err.find("argument 0: cannot make a buffer of"),
            std::string::npos);
}

TEST_F(Command, RefusesWrongUsage) {
  const auto refused = [&](const std::string &arguments, const std::string &why) {
    const Result result = runMemory(arguments);
    EXPECT_EQ(result.exitCode, 2) << arguments;
    EXPECT_NE(result.err.find(why), std::string::npos) << arguments << ": " << result.err;
  };
  EXPECT_EQ(run("").exitCode, 2);
  refused("--kernel nothing", "has no kernel 'nothing'");
  refused("--kernel bounds_good", "kernel 'bounds_good' expects 3 arguments, got 0");
  refused("--kernel local_good --arg u32:1", "argument 0: parameter 'y' has 8 bytes, got 4");
  refused("--grid 0", "expects X[,Y[,Z]], got '0'");
  refused("--block 1,2,3,4", "expects X[,Y[,Z]]");
  refused("--arg 7", "expects KIND:VALUE, got '7'");
  refused("--arg u8:256", "expects a number that fits u8");
  refused("--arg f32:x", "expects a number, got");
  refused("--arg q32:1", "expects a type and a value");
  refused("--arg out:y.bin", "expects out:BYTES:FILE");
  refused("--arg in:", "expects the name of a file");
  refused("--stats=xml", "expects text or json");
}

// The kernels that the tests run are PTX that NVIDIA's assembler takes, for all generations.
TEST_F(Command, PtxasTakesTheKernels) {
  const std::string ptxas = shell("PATH=$PATH:/usr/local/cuda/bin command -v ptxas").out;
  if (ptxas.empty())
    GTEST_SKIP() << "no ptxas here";
  for (const char *file : {"async", "barriers", "control", "gemm", "memory"})
    for (const char *chip : {"sm_80", "sm_90", "sm_120"}) {
      const Result result =
          shell(ptxas.substr(0, ptxas.size() - 1) + " -arch=" + chip + " " LAIC_PTX_FOLDER "/" + file + ".ptx -o out.cubin");
      EXPECT_EQ(result.exitCode, 0) << file << " " << chip << ": " << result.out << result.err;
    }
}

} // namespace
