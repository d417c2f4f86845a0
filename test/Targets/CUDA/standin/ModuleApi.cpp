// The driver API's modules, functions and launches.
#include "Driver.h"

#include "Stats.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace laic;
using namespace laic::standin;

namespace {

constexpr double kNewestPtx = 9.0; // that a driver of CUDA 13.0 takes
constexpr uint64_t kStaticShared = 48 * 1024;

// Writes a log into the buffers that the options name.
void writeLog(const std::string &log, unsigned count, CUjit_option *options, void **values) {
  char *buffer = nullptr;
  size_t size = 0, sizeIndex = count;
  for (unsigned i = 0; i < count; ++i) {
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
      buffer = static_cast<char *>(values[i]);
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) {
      size = reinterpret_cast<uintptr_t>(values[i]);
      sizeIndex = i;
    }
  }
  size_t written = 0;
  if (buffer && size) {
    written = std::min(size - 1, log.size());
    memcpy(buffer, log.data(), written);
    buffer[written] = 0;
  }
  if (sizeIndex < count) // the driver tells how much it wrote
    values[sizeIndex] = reinterpret_cast<void *>(written);
}

// Whether this device runs PTX for `target`: that of an older chip, or for `sm_90a` exactly this one.
bool runsTarget(const std::string &target, int sm) {
  char *end = nullptr;
  if (target.compare(0, 3, "sm_") != 0)
    return false;
  const long wanted = strtol(target.c_str() + 3, &end, 10);
  if (*end == 'a')
    return wanted == sm;
  return *end == 'f' ? wanted / 10 == sm / 10 && wanted <= sm : wanted <= sm;
}

CUresult load(Driver &state, CUmodule *out, const void *image, std::string &log) {
  if (!out || !image)
    return CUDA_ERROR_INVALID_VALUE;
  const char *text = static_cast<const char *>(image);
  if (memcmp(text, "\177ELF", 4) == 0) {
    log = "the stand-in runs PTX alone, got a cubin";
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  }
  ptx::Diagnostics diagnostics;
  auto loaded = std::make_unique<LoadedModule>();
  loaded->module = ptx::Module::load(text, diagnostics);
  if (!loaded->module) {
    log = ptx::toString(diagnostics);
    return CUDA_ERROR_INVALID_PTX;
  }
  if (strtod(loaded->module->version().c_str(), nullptr) > kNewestPtx) {
    log = "unsupported .version " + loaded->module->version() + "; current version is '9.0'";
    return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  }
  if (!runsTarget(loaded->module->target(), state.settings.sm)) {
    log = ".target " + loaded->module->target() + " does not run on sm_" + std::to_string(state.settings.sm);
    return CUDA_ERROR_INVALID_PTX;
  }
  if (!loaded->module->place(*state.memory))
    return CUDA_ERROR_OUT_OF_MEMORY;
  *out = reinterpret_cast<CUmodule>(loaded.get());
  state.modules.insert(loaded.release());
  return CUDA_SUCCESS;
}

CUresult loadWithLog(const char *function, CUmodule *module, const void *image, unsigned count, CUjit_option *options,
                     void **values) {
  return call(function, Needs::Context, [&](Driver &state) {
    if (count && (!options || !values))
      return CUDA_ERROR_INVALID_VALUE;
    std::string log;
    const CUresult result = load(state, module, image, log);
    writeLog(log, count, options, values);
    return result;
  });
}

Function *findFunction(const Driver &state, CUfunction handle) {
  auto found = state.functions.find(reinterpret_cast<Function *>(handle));
  return found == state.functions.end() ? nullptr : *found;
}

CUresult resultOf(const ptx::Fault &fault) {
  switch (fault.kind) {
  case ptx::FaultKind::Misaligned:
    return CUDA_ERROR_MISALIGNED_ADDRESS;
  case ptx::FaultKind::OutOfBounds:
  case ptx::FaultKind::UseAfterFree:
    return CUDA_ERROR_ILLEGAL_ADDRESS;
  case ptx::FaultKind::Limit:
    return CUDA_ERROR_LAUNCH_TIMEOUT;
  case ptx::FaultKind::Launch:
    return CUDA_ERROR_INVALID_VALUE;
  default:
    return CUDA_ERROR_LAUNCH_FAILED;
  }
}

void appendStats(const Driver &state, const ptx::Kernel &kernel, const ptx::LaunchResult &result) {
  if (state.settings.statsFile.empty())
    return;
  FILE *file = fopen(state.settings.statsFile.c_str(), "a");
  if (!file) {
    fprintf(stderr, "stand-in: cannot write '%s'\n", state.settings.statsFile.c_str());
    return;
  }
  fprintf(file, "%s\n", ptx::statsAsJson(kernel.name, result).c_str());
  fclose(file);
}

CUresult run(Driver &state, const Function &function, ptx::LaunchConfig &config, void **params) {
  const ptx::Kernel &kernel = *function.kernel;
  config.params.resize(kernel.paramBytes);
  for (size_t i = 0; i < kernel.params.size(); ++i) {
    if (!params || !params[i])
      return CUDA_ERROR_INVALID_VALUE;
    memcpy(config.params.data() + kernel.params[i].offset, params[i], kernel.params[i].bytes);
  }
  if (state.settings.check)
    config.checks = ptx::Checks::all();
  config.countTraffic = !state.settings.statsFile.empty();
  config.limit = state.settings.limit;
  config.maxShared = static_cast<uint32_t>(state.sharedOptIn());
  const ptx::LaunchResult result = ptx::launch(kernel, *state.memory, config);
  if (!result.fault) {
    appendStats(state, kernel, result);
    return CUDA_SUCCESS;
  }
  fprintf(stderr, "stand-in: %s\n", result.fault->text().c_str());
  const CUresult error = resultOf(*result.fault);
  if (error != CUDA_ERROR_INVALID_VALUE)
    state.sticky = error;
  return error;
}

} // namespace

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
  return loadWithLog("cuModuleLoadData", module, image, 0, nullptr, nullptr);
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
  return loadWithLog("cuModuleLoadDataEx", module, image, count, options, values);
}

CUresult cuModuleUnload(CUmodule handle) {
  return call("cuModuleUnload", Needs::Context, [&](Driver &state) {
    auto *module = reinterpret_cast<LoadedModule *>(handle);
    if (!state.modules.erase(module))
      return CUDA_ERROR_INVALID_HANDLE;
    for (const std::unique_ptr<Function> &function : module->functions)
      state.functions.erase(function.get());
    module->module->unplace(*state.memory);
    delete module;
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule handle, const char *name) {
  return call("cuModuleGetFunction", Needs::Context, [&](Driver &state) {
    auto found = state.modules.find(reinterpret_cast<LoadedModule *>(handle));
    if (found == state.modules.end())
      return CUDA_ERROR_INVALID_HANDLE;
    if (!function || !name)
      return CUDA_ERROR_INVALID_VALUE;
    const ptx::Kernel *kernel = (*found)->module->find(name);
    if (!kernel)
      return CUDA_ERROR_NOT_FOUND;
    auto made = std::make_unique<Function>();
    made->module = *found;
    made->kernel = kernel;
    *function = reinterpret_cast<CUfunction>(made.get());
    state.functions.insert(made.get());
    (*found)->functions.push_back(std::move(made));
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute, int value) {
  return call("cuFuncSetAttribute", Needs::Context, [&](Driver &state) {
    Function *function = findFunction(state, handle);
    if (!function)
      return CUDA_ERROR_INVALID_HANDLE;
    if (attribute == CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT)
      return CUDA_SUCCESS; // a hint
    const int64_t room = state.sharedOptIn() - static_cast<int64_t>(function->kernel->staticShared);
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value < 0 || value > room)
      return CUDA_ERROR_INVALID_VALUE;
    function->maxDynamicShared = value;
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncGetAttribute(int *value, CUfunction_attribute attribute, CUfunction handle) {
  return call("cuFuncGetAttribute", Needs::Context, [&](Driver &state) {
    const Function *function = findFunction(state, handle);
    if (!function)
      return CUDA_ERROR_INVALID_HANDLE;
    if (!value)
      return CUDA_ERROR_INVALID_VALUE;
    const ptx::Kernel &kernel = *function->kernel;
    switch (attribute) {
    case CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK:
      *value = kernel.maxThreads ? static_cast<int>(kernel.maxThreads) : 1024;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES:
      *value = static_cast<int>(kernel.staticShared);
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES:
      *value = 0;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES:
      *value = static_cast<int>(kernel.localBytes);
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_NUM_REGS: // virtual ones: nothing allocates registers here
      *value = static_cast<int>(std::min(kernel.registers, 255u));
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_PTX_VERSION:
    case CU_FUNC_ATTRIBUTE_BINARY_VERSION:
      *value = state.settings.sm;
      return CUDA_SUCCESS;
    case CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES:
      *value = function->maxDynamicShared;
      return CUDA_SUCCESS;
    default:
      return CUDA_ERROR_INVALID_VALUE;
    }
  });
}

CUresult cuLaunchKernel(CUfunction handle, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream, void **params, void **extra) {
  return call("cuLaunchKernel", Needs::Context, [&](Driver &state) {
    const Function *function = findFunction(state, handle);
    if (!function || (reinterpret_cast<uintptr_t>(stream) > 2 && !state.streams.count(stream)))
      return CUDA_ERROR_INVALID_HANDLE;
    if (extra) // parameters packed by the caller are not supported
      return CUDA_ERROR_INVALID_VALUE;
    const uint64_t dynamicLimit = static_cast<uint64_t>(function->maxDynamicShared);
    const bool isPlain = sharedBytes + uint64_t(function->kernel->staticShared) <= kStaticShared;
    if (sharedBytes > dynamicLimit || (!isPlain && dynamicLimit == kStaticShared)) {
      fprintf(stderr, "stand-in: kernel '%s' needs %u bytes of dynamic shared memory; cuFuncSetAttribute has not allowed them\n",
              function->kernel->name.c_str(), sharedBytes);
      return CUDA_ERROR_INVALID_VALUE;
    }
    ptx::LaunchConfig config;
    config.grid = {gridX, gridY, gridZ};
    config.block = {blockX, blockY, blockZ};
    config.dynamicShared = sharedBytes;
    return run(state, *function, config, params);
  });
}
