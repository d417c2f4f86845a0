// The command line of laic-run.
#ifndef LAIC_RUN_OPTIONS_H
#define LAIC_RUN_OPTIONS_H

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace laic {
namespace run {

// OUT=IN:AXIS:CAPACITY
struct AliasRequest {
  std::string output;
  std::string input;
  size_t axis = 0;
  int64_t capacity = 0;
};

struct Options {
  std::string artifact;
  std::string inputs;  // empty: seeded
  std::string outputs; // empty: not written
  std::string device;  // empty: the first usable one
  bool requireDevice = false;
  bool explain = false;
  bool structureOnly = false;
  uint32_t threads = 0; // 0: as many as are usable
  std::map<std::string, int64_t> dims;
  std::vector<AliasRequest> aliases;
  uint32_t bench = 0; // 0: run once
  bool json = false;
  std::string compare;
  double rtol = 1e-3;
  double atol = 1e-5;
  uint64_t quanta = 0;
  std::string profile;
};

// Parses the command line. Without a value the process should exit with `exitCode`; help and errors have been printed.
std::optional<Options> parseOptions(int argc, char **argv, int &exitCode);

} // namespace run
} // namespace laic
#endif
