// The driver that stands in for NVIDIA's: what a program that opens libcuda.so.1 meets.
#include "standin/DriverApi.h"

#include "PtxTest.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

using namespace laic::ptx::test;

namespace {

// The driver's functions by their names in libcuda.so.1.
struct Api {
  explicit Api(void *library) : library(library) {}
  template <typename F> F *find(const char *name) {
    void *address = dlsym(library, name);
    EXPECT_TRUE(address) << name;
    return reinterpret_cast<F *>(address);
  }
  void *library;
};
#define CALL(name, ...) (api.find<decltype(name)>(#name)(__VA_ARGS__))

// Runs `body` in a process of its own, since the stand-in reads the environment once; returns what it printed to stderr.
template <typename Body> std::string withDriver(const std::map<std::string, std::string> &environment, Body body) {
  int channel[2];
  EXPECT_EQ(pipe(channel), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(channel[1], STDERR_FILENO);
    for (const auto &[name, value] : environment)
      setenv(name.c_str(), value.c_str(), 1);
    Api api(dlopen(LAIC_STANDIN, RTLD_NOW | RTLD_LOCAL));
    body(api);
    fflush(nullptr);
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  close(channel[1]);
  std::string out;
  char buffer[4096];
  for (ssize_t count; (count = read(channel[0], buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<size_t>(count));
  close(channel[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << out;
  return out;
}

void start(Api &api) {
  CUcontext context;
  ASSERT_EQ(CALL(cuInit, 0), CUDA_SUCCESS);
  ASSERT_EQ(CALL(cuDevicePrimaryCtxRetain, &context, 0), CUDA_SUCCESS);
  ASSERT_EQ(CALL(cuCtxSetCurrent, context), CUDA_SUCCESS);
}

CUfunction load(Api &api, const std::string &file, const char *kernel) {
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  EXPECT_EQ(CALL(cuModuleLoadDataEx, &module, slurp(LAIC_PTX_FOLDER "/" + file).c_str(), 0, nullptr, nullptr), CUDA_SUCCESS);
  EXPECT_EQ(CALL(cuModuleGetFunction, &function, module, kernel), CUDA_SUCCESS);
  return function;
}

// y = x for 32 words by a kernel of memory.ptx; `threads` may be too many for it.
CUresult copyWords(Api &api, const char *kernel, unsigned threads, std::vector<uint32_t> &out, bool fill = true) {
  CUdeviceptr x = 0, y = 0;
  std::vector<uint32_t> in(32, 7);
  EXPECT_EQ(CALL(cuMemAlloc_v2, &x, 128), CUDA_SUCCESS);
  EXPECT_EQ(CALL(cuMemAlloc_v2, &y, 128), CUDA_SUCCESS);
  EXPECT_TRUE(!fill || CALL(cuMemcpyHtoD_v2, x, in.data(), 128) == CUDA_SUCCESS);
  uint32_t n = 32;
  void *params[] = {&x, &y, &n};
  const CUresult result =
      CALL(cuLaunchKernel, load(api, "memory.ptx", kernel), 1, 1, 1, threads, 1, 1, 0, nullptr, params, nullptr);
  if (result == CUDA_SUCCESS) {
    out.assign(32, 0);
    EXPECT_EQ(CALL(cuMemcpyDtoHAsync_v2, out.data(), y, 128, nullptr), CUDA_SUCCESS);
  }
  return result;
}

TEST(Standin, TellsOfItsDevice) {
  withDriver({{"LAIC_STANDIN_SM", "120"}, {"LAIC_STANDIN_MEMORY", "1000000"}}, [](Api &api) {
    int value = 0, device = -1;
    EXPECT_EQ(CALL(cuDeviceGetCount, &value), CUDA_ERROR_NOT_INITIALIZED);
    start(api);
    EXPECT_EQ(CALL(cuDriverGetVersion, &value), CUDA_SUCCESS);
    EXPECT_EQ(value, 13000);
    EXPECT_EQ(CALL(cuDeviceGet, &device, 0), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuDeviceGet, &device, 1), CUDA_ERROR_INVALID_DEVICE);
    EXPECT_EQ(CALL(cuDeviceGetAttribute, &value, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0), CUDA_SUCCESS);
    EXPECT_EQ(value, 12);
    EXPECT_EQ(CALL(cuDeviceGetAttribute, &value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0), CUDA_SUCCESS);
    EXPECT_EQ(value, 99 * 1024);
    char name[64];
    EXPECT_EQ(CALL(cuDeviceGetName, name, sizeof name, 0), CUDA_SUCCESS);
    EXPECT_STREQ(name, "PTX interpreter, sm_120");
    size_t unused = 0, total = 0;
    EXPECT_EQ(CALL(cuDeviceTotalMem_v2, &total, 0), CUDA_SUCCESS);
    EXPECT_EQ(total, 1000000u);
    CUdeviceptr address = 0;
    EXPECT_EQ(CALL(cuMemAlloc_v2, &address, 1000001), CUDA_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(CALL(cuMemAlloc_v2, &address, 400000), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemGetInfo_v2, &unused, &total), CUDA_SUCCESS);
    EXPECT_EQ(unused, 600000u);
    EXPECT_EQ(CALL(cuMemFree_v2, address), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemFree_v2, address), CUDA_ERROR_INVALID_VALUE);
    const char *text = nullptr;
    EXPECT_EQ(CALL(cuGetErrorName, CUDA_ERROR_ILLEGAL_ADDRESS, &text), CUDA_SUCCESS);
    EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
    EXPECT_EQ(CALL(cuGetErrorString, CUDA_ERROR_OUT_OF_MEMORY, &text), CUDA_SUCCESS);
    EXPECT_STREQ(text, "out of memory");
  });
}

TEST(Standin, GivesFunctionsByName) {
  withDriver({}, [](Api &api) {
    void *function = nullptr;
    CUdriverProcAddressQueryResult status;
    EXPECT_EQ(CALL(cuGetProcAddress_v2, "cuMemAlloc", &function, 12000, 0, &status), CUDA_SUCCESS);
    EXPECT_EQ(function, dlsym(api.library, "cuMemAlloc_v2"));
    EXPECT_EQ(CALL(cuGetProcAddress_v2, "cuNothing", &function, 12000, 0, &status), CUDA_ERROR_NOT_FOUND);
    EXPECT_EQ(status, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
  });
}

TEST(Standin, RunsKernels) {
  withDriver({}, [](Api &api) {
    start(api);
    std::vector<uint32_t> out;
    EXPECT_EQ(copyWords(api, "bounds_good", 64, out), CUDA_SUCCESS);
    EXPECT_EQ(out, std::vector<uint32_t>(32, 7));
  });
}

TEST(Standin, MovesMemory) {
  withDriver({}, [](Api &api) {
    start(api);
    CUdeviceptr x = 0, y = 0;
    void *host = nullptr;
    CUstream stream = nullptr;
    CUevent first = nullptr, second = nullptr;
    float milliseconds = -1;
    EXPECT_EQ(CALL(cuMemAlloc_v2, &x, 64), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemAlloc_v2, &y, 64), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemHostAlloc, &host, 64, 0), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuStreamCreate, &stream, 1), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuEventCreate, &first, 0), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuEventCreate, &second, 0), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuEventElapsedTime, &milliseconds, first, second), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(CALL(cuEventRecord, first, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemsetD32Async, x, 0x01020304, 16, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemsetD8Async, x, 9, 4, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemcpyDtoDAsync_v2, y, x, 64, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemcpyDtoHAsync_v2, host, y, 64, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuEventRecord, second, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuStreamWaitEvent, stream, second, 0), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuStreamSynchronize, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuEventElapsedTime, &milliseconds, first, second), CUDA_SUCCESS);
    EXPECT_GE(milliseconds, 0);
    EXPECT_EQ(static_cast<uint32_t *>(host)[0], 0x09090909u);
    EXPECT_EQ(static_cast<uint32_t *>(host)[15], 0x01020304u);
    EXPECT_EQ(CALL(cuMemcpyDtoH_v2, host, y + 4, 64), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(CALL(cuStreamDestroy_v2, stream), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuStreamSynchronize, stream), CUDA_ERROR_INVALID_HANDLE);
    EXPECT_EQ(CALL(cuEventDestroy_v2, first), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemFreeHost, host), CUDA_SUCCESS);
  });
}

TEST(Standin, ReportsWhatIsWrongWithAModule) {
  withDriver({{"LAIC_STANDIN_SM", "80"}}, [](Api &api) {
    start(api);
    const auto loadText = [&](const std::string &text, std::string &log) {
      CUmodule module = nullptr;
      char buffer[256] = "";
      CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
      void *values[] = {buffer, reinterpret_cast<void *>(sizeof buffer)};
      const CUresult result = CALL(cuModuleLoadDataEx, &module, text.c_str(), 2, options, values);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(values[1]), strlen(buffer));
      log = buffer;
      return result;
    };
    std::string log;
    EXPECT_EQ(loadText(".version 7.0\n.target sm_80\n.entry k() { frob.u32; }", log), CUDA_ERROR_INVALID_PTX);
    EXPECT_EQ(log, "line 3: kernel 'k': instruction 'frob.u32' is not supported");
    EXPECT_EQ(loadText(".version 7.8\n.target sm_90\n.entry k() { ret; }", log), CUDA_ERROR_INVALID_PTX);
    EXPECT_EQ(log, ".target sm_90 does not run on sm_80");
    EXPECT_EQ(loadText(".version 9.9\n.target sm_80\n.entry k() { ret; }", log), CUDA_ERROR_UNSUPPORTED_PTX_VERSION);
    EXPECT_EQ(log, "unsupported .version 9.9; current version is '9.0'");
    EXPECT_EQ(loadText("\177ELF", log), CUDA_ERROR_NO_BINARY_FOR_GPU);
    EXPECT_EQ(log, "the stand-in runs PTX alone, got a cubin");
    EXPECT_EQ(loadText(".version 7.0\n.target sm_75\n.entry k() { ret; }", log), CUDA_SUCCESS);
  });
}

TEST(Standin, FaultsAreStickyErrors) {
  const std::string told = withDriver({}, [](Api &api) {
    start(api);
    std::vector<uint32_t> out;
    EXPECT_EQ(copyWords(api, "bounds_bad", 64, out), CUDA_ERROR_ILLEGAL_ADDRESS);
    CUdeviceptr address = 0;
    EXPECT_EQ(CALL(cuMemAlloc_v2, &address, 64), CUDA_ERROR_ILLEGAL_ADDRESS);
    EXPECT_EQ(CALL(cuDevicePrimaryCtxRelease_v2, 0), CUDA_SUCCESS);
    start(api);
    EXPECT_EQ(CALL(cuMemAlloc_v2, &address, 64), CUDA_SUCCESS);
  });
  EXPECT_NE(told.find("stand-in: kernel 'bounds_bad', line 37"), std::string::npos) << told;
}

TEST(Standin, ChecksWhereAsked) {
  for (bool checked : {false, true}) {
    const std::string told = withDriver({{"LAIC_STANDIN_CHECK", checked ? "1" : "0"}}, [&](Api &api) {
      start(api);
      std::vector<uint32_t> out;
      EXPECT_EQ(copyWords(api, "bounds_good", 32, out, false), checked ? CUDA_ERROR_LAUNCH_FAILED : CUDA_SUCCESS);
    });
    EXPECT_EQ(told.find("which was never written") != std::string::npos, checked) << told;
    withDriver({{"LAIC_STANDIN_CHECK", checked ? "1" : "0"}}, [&](Api &api) {
      start(api);
      std::vector<uint32_t> out;
      EXPECT_EQ(copyWords(api, "aligned_bad", 7, out), checked ? CUDA_ERROR_MISALIGNED_ADDRESS : CUDA_SUCCESS);
    });
  }
}

TEST(Standin, NeedsPermissionForMuchSharedMemory) {
  const std::string told = withDriver({}, [](Api &api) {
    start(api);
    CUmodule module = nullptr;
    CUfunction function = nullptr;
    const char *text =
        ".version 7.0\n.target sm_80\n.extern .shared .align 16 .b8 s[];\n.entry k() { .reg .b32 %r; mov.u32 %r, s; ret; }";
    ASSERT_EQ(CALL(cuModuleLoadData, &module, text), CUDA_SUCCESS);
    ASSERT_EQ(CALL(cuModuleGetFunction, &function, module, "k"), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuModuleGetFunction, &function, module, "none"), CUDA_ERROR_NOT_FOUND);
    ASSERT_EQ(CALL(cuModuleGetFunction, &function, module, "k"), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuLaunchKernel, function, 1, 1, 1, 32, 1, 1, 100000, nullptr, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(CALL(cuFuncSetAttribute, function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100000), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuLaunchKernel, function, 1, 1, 1, 32, 1, 1, 100000, nullptr, nullptr, nullptr), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuFuncSetAttribute, function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 200000),
              CUDA_ERROR_INVALID_VALUE);
    int value = 0;
    EXPECT_EQ(CALL(cuFuncGetAttribute, &value, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, function), CUDA_SUCCESS);
    EXPECT_EQ(value, 100000);
    EXPECT_EQ(CALL(cuLaunchKernel, function, 1, 1, 1, 2048, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_INVALID_VALUE);
    EXPECT_EQ(CALL(cuModuleUnload, module), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuLaunchKernel, function, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr), CUDA_ERROR_INVALID_HANDLE);
  });
  EXPECT_NE(told.find("cuFuncSetAttribute has not allowed them"), std::string::npos) << told;
}

TEST(Standin, FailsAsAsked) {
  const std::string told = withDriver({{"LAIC_STANDIN_FAIL", "cuMemAlloc:2"}}, [](Api &api) {
    start(api);
    CUdeviceptr address = 0;
    EXPECT_EQ(CALL(cuMemAlloc_v2, &address, 64), CUDA_SUCCESS);
    EXPECT_EQ(CALL(cuMemAlloc_v2, &address, 64), CUDA_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(CALL(cuMemAlloc_v2, &address, 64), CUDA_SUCCESS);
  });
  EXPECT_NE(told.find("cuMemAlloc fails as LAIC_STANDIN_FAIL asks"), std::string::npos);
  withDriver({{"LAIC_STANDIN_DEVICES", "0"}}, [](Api &api) { EXPECT_EQ(CALL(cuInit, 0), CUDA_ERROR_NO_DEVICE); });
  const std::string wrong =
      withDriver({{"LAIC_STANDIN_FAIL", "cuMemAlloc"}}, [](Api &api) { EXPECT_EQ(CALL(cuInit, 0), CUDA_ERROR_UNKNOWN); });
  EXPECT_NE(wrong.find("LAIC_STANDIN_FAIL expects FUNCTION:N, got 'cuMemAlloc'"), std::string::npos) << wrong;
}

TEST(Standin, WritesStatistics) {
  char file[] = "/tmp/laic-standin-XXXXXX";
  close(mkstemp(file));
  withDriver({{"LAIC_STANDIN_STATS", file}}, [](Api &api) {
    start(api);
    std::vector<uint32_t> out;
    EXPECT_EQ(copyWords(api, "bounds_good", 32, out), CUDA_SUCCESS);
  });
  EXPECT_NE(slurp(file).find("{\"kernel\": \"bounds_good\", \"thread_instructions\": 352,"), std::string::npos) << slurp(file);
  unlink(file);
}

} // namespace
