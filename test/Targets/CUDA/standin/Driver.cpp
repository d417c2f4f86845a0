// The stand-in's state and its settings, read from the environment.
#include "Driver.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace laic;
using namespace laic::standin;

namespace {

thread_local bool current = false;

uint64_t number(const char *name, uint64_t otherwise, std::string &problem) {
  const char *text = getenv(name);
  if (!text)
    return otherwise;
  char *end = nullptr;
  errno = 0;
  const uint64_t value = strtoull(text, &end, 10);
  if (end == text || *end || errno)
    problem = std::string(name) + " expects a number, got '" + text + "'";
  return value;
}

// "cuMemAlloc" for "cuMemAlloc_v2".
std::string plainName(const std::string &name) {
  const size_t suffix = name.rfind("_v");
  return suffix == std::string::npos ? name : name.substr(0, suffix);
}

} // namespace

Settings standin::readSettings() {
  Settings settings;
  settings.sm = static_cast<int>(number("LAIC_STANDIN_SM", 80, settings.problem));
  settings.check = number("LAIC_STANDIN_CHECK", 0, settings.problem) != 0;
  settings.memory = number("LAIC_STANDIN_MEMORY", settings.memory, settings.problem);
  settings.devices = number("LAIC_STANDIN_DEVICES", 1, settings.problem) ? 1 : 0;
  settings.limit = number("LAIC_STANDIN_LIMIT", settings.check ? 100'000'000 : 0, settings.problem);
  if (const char *file = getenv("LAIC_STANDIN_STATS"))
    settings.statsFile = file;
  if (const char *text = getenv("LAIC_STANDIN_FAIL")) {
    const char *colon = strchr(text, ':');
    char *end = nullptr;
    settings.failAt = colon ? strtoull(colon + 1, &end, 10) : 0;
    if (!settings.failAt || *end)
      settings.problem = std::string("LAIC_STANDIN_FAIL expects FUNCTION:N, got '") + text + "'";
    else
      settings.failFunction = plainName(std::string(text, colon));
  }
  return settings;
}

Driver::Driver() : settings(readSettings()) { memory = std::make_unique<ptx::DeviceMemory>(settings.memory, settings.check); }

bool Driver::mustFail(const char *function) {
  if (settings.failAt == 0 || plainName(function) != settings.failFunction)
    return false;
  return ++calls == settings.failAt;
}

int Driver::sharedOptIn() const {
  switch (settings.sm) {
  case 70:
    return 96 * 1024;
  case 75:
    return 64 * 1024;
  case 80:
  case 87:
    return 163 * 1024;
  case 90:
  case 100:
  case 103:
    return 227 * 1024;
  default: // 86, 89, 120
    return 99 * 1024;
  }
}

void Driver::reset() {
  for (LoadedModule *module : modules)
    delete module;
  for (void *stream : streams)
    delete static_cast<char *>(stream);
  for (Event *event : events)
    delete event;
  for (void *host : hostMemory)
    free(host);
  modules.clear();
  functions.clear();
  streams.clear();
  events.clear();
  hostMemory.clear();
  sticky = CUDA_SUCCESS;
  memory = std::make_unique<ptx::DeviceMemory>(settings.memory, settings.check);
}

// Never destroyed: programs may call the driver while the process ends.
Driver &standin::driver() {
  static Driver *const instance = new Driver;
  return *instance;
}

bool standin::isCurrent() { return current; }

void standin::setCurrent(bool value) { current = value; }

CUresult standin::injectedError(const char *function) {
  const std::string name = plainName(function);
  fprintf(stderr, "stand-in: %s fails as LAIC_STANDIN_FAIL asks\n", name.c_str());
  if (name == "cuMemAlloc" || name == "cuMemHostAlloc")
    return CUDA_ERROR_OUT_OF_MEMORY;
  if (name == "cuModuleLoadData" || name == "cuModuleLoadDataEx")
    return CUDA_ERROR_INVALID_PTX;
  return name == "cuLaunchKernel" ? CUDA_ERROR_LAUNCH_FAILED : CUDA_ERROR_UNKNOWN;
}
