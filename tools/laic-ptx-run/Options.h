// The command line of laic-ptx-run.
#ifndef LAIC_PTX_OPTIONS_H
#define LAIC_PTX_OPTIONS_H

#include "Interpreter.h"

#include <stdexcept>

namespace laic {
namespace ptx {

constexpr int kExitFault = 1; // the PTX, the data or a check
constexpr int kExitUsage = 2; // the command line

struct Failure : std::runtime_error {
  Failure(int exitCode, const std::string &text) : std::runtime_error(text), exitCode(exitCode) {}
  int exitCode;
};

// One kernel argument: a scalar's bytes, or a buffer that is filled from `in` and saved to `out`.
struct Argument {
  std::vector<uint8_t> scalar;
  std::string in, out;
  uint64_t bytes = 0; // of a buffer without `in`
  bool isBuffer = false;
};

enum class Stats { None, Text, Json };

struct Options {
  std::string file, kernel;
  Dim3 grid, block;
  uint32_t shared = 0;
  std::vector<Argument> arguments;
  bool check = false;
  Stats stats = Stats::None;
  unsigned threads = 0;
  uint64_t limit = 0;
};

// Nothing when the program is to end at once, with `exitCode`.
std::optional<Options> parseOptions(int argc, char **argv, int &exitCode);

} // namespace ptx
} // namespace laic
#endif
