// Collects diagnostics about one model.
#include "Reporter.h"

#include <cstdio>

namespace laic {
namespace onnx {

namespace {
constexpr size_t kLongestName = 120;
constexpr size_t kMostDiagnostics = 10000;
} // namespace

// Length of the well-formed UTF-8 sequence at `at`, or 0.
static size_t utf8Length(const std::string &text, size_t at) {
  auto byte = [&](size_t i) -> unsigned { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  unsigned lead = byte(at);
  size_t length = lead >= 0xF0 && lead < 0xF5 ? 4 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xC2 && lead < 0xE0 ? 2 : 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(at + i) & 0xC0) != 0x80)
      return 0;
  return length;
}

std::string printable(const std::string &name) {
  std::string out;
  for (size_t i = 0; i < name.size();) {
    if (out.size() >= kLongestName)
      return out + "...";
    uint8_t c = static_cast<uint8_t>(name[i]);
    size_t length = c >= 0x20 && c < 0x7F ? 1 : utf8Length(name, i);
    if (length) {
      out.append(name, i, length);
      i += length;
      continue;
    }
    char escaped[8];
    snprintf(escaped, sizeof(escaped), "\\x%02x", c);
    out += escaped;
    ++i;
  }
  return out;
}

std::string describe(const Node &node) {
  std::string op = node.domain.empty() ? node.op : node.domain + "." + node.op;
  return "node '" + printable(node.name) + "' (" + printable(op) + ", opset " + std::to_string(node.opset) + ")";
}

bool Reporter::error(const std::string &message, const std::string &note) {
  if (count() < kMostDiagnostics)
    diagnostics.push_back({model + ": " + message, note});
  else if (count() == kMostDiagnostics)
    diagnostics.push_back({model + ": more than " + std::to_string(kMostDiagnostics) + " problems; the rest is not shown", ""});
  return false;
}

} // namespace onnx
} // namespace laic
