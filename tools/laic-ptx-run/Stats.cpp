// Prints what a launch did, as text and as JSON.
#include "Stats.h"

#include <algorithm>
#include <cstdio>

using namespace laic::ptx;

namespace {

double rate(const LaunchResult &result) {
  return result.seconds > 0 ? static_cast<double>(result.counters.threadInstructions) / result.seconds : 0;
}

std::string row(const char *name, uint64_t value) {
  char text[96];
  snprintf(text, sizeof text, "%-52s %14llu\n", name, static_cast<unsigned long long>(value));
  return text;
}

} // namespace

std::string laic::ptx::statsAsText(const LaunchResult &result) {
  const Counters &counters = result.counters;
  std::string out = row("thread-instructions", counters.threadInstructions) +
                    row("warp-instructions", counters.warpInstructions) + row("shared accesses", counters.sharedAccesses) +
                    row("shared wavefronts", counters.sharedWavefronts) +
                    row("  beyond the ideal (bank conflicts)", counters.sharedWavefronts - counters.sharedIdeal) +
                    row("global accesses", counters.globalAccesses) + row("global bytes asked for", counters.globalBytes) +
                    row("global sectors of 32 bytes", counters.globalSectors);
  char text[128];
  snprintf(text, sizeof text, "%.3f s, %.1f million thread-instructions a second\n", result.seconds, rate(result) / 1e6);
  out += text;
  std::vector<std::pair<std::string, uint64_t>> opcodes(counters.byOpcode.begin(), counters.byOpcode.end());
  std::sort(opcodes.begin(), opcodes.end(),
            [](const auto &a, const auto &b) { return a.second != b.second ? a.second > b.second : a.first < b.first; });
  for (const auto &[opcode, count] : opcodes)
    out += row(("  " + opcode).c_str(), count);
  return out;
}

// Names of kernels and opcodes are words of PTX: nothing in them needs an escape.
std::string laic::ptx::statsAsJson(const std::string &kernel, const LaunchResult &result) {
  const Counters &counters = result.counters;
  std::string out = "{\"kernel\": \"" + kernel + "\"";
  const auto field = [&](const char *name, uint64_t value) {
    out += std::string(", \"") + name + "\": " + std::to_string(value);
  };
  field("thread_instructions", counters.threadInstructions);
  field("warp_instructions", counters.warpInstructions);
  field("shared_accesses", counters.sharedAccesses);
  field("shared_wavefronts", counters.sharedWavefronts);
  field("shared_bank_conflicts", counters.sharedWavefronts - counters.sharedIdeal);
  field("global_accesses", counters.globalAccesses);
  field("global_bytes", counters.globalBytes);
  field("global_sectors", counters.globalSectors);
  char text[96];
  snprintf(text, sizeof text, ", \"seconds\": %.6f, \"thread_instructions_per_second\": %.0f", result.seconds, rate(result));
  out += text;
  out += ", \"opcodes\": {";
  const char *separator = "";
  for (const auto &[opcode, count] : counters.byOpcode) {
    out += separator + ("\"" + opcode + "\": ") + std::to_string(count);
    separator = ", ";
  }
  return out + "}}";
}
