// The one exception of laic-run: a sentence for stderr and the exit code that goes with it.
#ifndef LAIC_RUN_FAILURE_H
#define LAIC_RUN_FAILURE_H

#include "laic/runtime.h"

#include <stdexcept>
#include <string>

namespace laic {
namespace run {

constexpr int kExitFault = 1;   // the artifact, the data or the device
constexpr int kExitUsage = 2;   // the command line
constexpr int kExitDefect = 70; // laic itself

struct Failure : std::runtime_error {
  Failure(int exitCode, const std::string &text) : std::runtime_error(text), exitCode(exitCode) {}
  int exitCode;
};

// Throws what a runtime call reports; does nothing for NULL.
inline void check(laic_status_t *status) {
  if (!status)
    return;
  std::string text = laic_status_message(status);
  laic_status_free(status);
  throw Failure(kExitFault, text);
}

} // namespace run
} // namespace laic
#endif
