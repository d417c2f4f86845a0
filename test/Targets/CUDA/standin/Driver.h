// The state behind the stand-in: one device, its primary context and what lives in it.
//
// Work is done at once, in the caller's thread; streams and events only have to exist. As on hardware, a kernel's fault is sticky: every
// later call fails with it until the context is released.
#ifndef LAIC_STANDIN_DRIVER_H
#define LAIC_STANDIN_DRIVER_H

#include "DriverApi.h"

#include "Interpreter.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace laic {
namespace standin {

struct Settings {
  int sm = 80;
  bool check = false;
  uint64_t memory = 8ull << 30;
  int devices = 1;
  std::string failFunction; // the failAt-th call of it fails
  uint64_t failAt = 0;
  std::string statsFile;
  uint64_t limit = 0;
  std::string problem; // of the environment; every cuInit fails with it
};

Settings readSettings();

struct LoadedModule;

struct Function {
  LoadedModule *module = nullptr;
  const ptx::Kernel *kernel = nullptr;
  int maxDynamicShared = 48 * 1024;
};

struct LoadedModule {
  std::unique_ptr<ptx::Module> module;
  std::vector<std::unique_ptr<Function>> functions;
};

using Instant = std::chrono::steady_clock::time_point;

struct Event {
  bool recorded = false;
  Instant when;
};

class Driver {
public:
  Driver();

  // Whether this call of `function` is the one that is to fail.
  bool mustFail(const char *function);
  int sharedOptIn() const; // bytes of shared memory that a block may have
  void reset();            // drops all that lives in the context

  std::mutex lock;
  Settings settings;
  bool initialized = false;
  unsigned retained = 0;
  CUresult sticky = CUDA_SUCCESS;
  std::unique_ptr<ptx::DeviceMemory> memory;
  std::set<LoadedModule *> modules;
  std::set<Function *> functions;
  std::set<void *> streams;
  std::set<Event *> events;
  std::set<void *> hostMemory;

private:
  uint64_t calls = 0;
};

Driver &driver();
bool isCurrent(); // whether this thread has the context
void setCurrent(bool current);

// What the injected failure of `function` returns.
CUresult injectedError(const char *function);

enum class Needs { Nothing, Init, Context };

// Runs the body of an API function under the lock, after the checks that all of them share.
template <typename Body> CUresult call(const char *function, Needs needs, Body body) {
  Driver &state = driver();
  std::lock_guard<std::mutex> guard(state.lock);
  if (state.mustFail(function))
    return injectedError(function);
  if (needs != Needs::Nothing && !state.initialized)
    return CUDA_ERROR_NOT_INITIALIZED;
  if (needs == Needs::Context && !(isCurrent() && state.retained))
    return CUDA_ERROR_INVALID_CONTEXT;
  if (needs == Needs::Context && state.sticky)
    return state.sticky;
  try {
    return body(state);
  } catch (const std::bad_alloc &) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  }
}

} // namespace standin
} // namespace laic
#endif
