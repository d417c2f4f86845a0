// Parses and documents the command line.
#include "Options.h"

#include "Numbers.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>

using namespace laic::ptx;

namespace {

constexpr char kVersion[] = "laic-ptx-run " LAIC_VERSION;

constexpr char kFooter[] = R"(
Arguments, in the order of the kernel's parameters:
  u8: u16: u32: u64: s8: s16: s32: s64: f16: f32: f64: VALUE   a scalar
  in:FILE            a buffer with the file's bytes
  out:BYTES:FILE     an unwritten buffer, saved to the file at the end
  inout:IN:OUT       a buffer with the bytes of IN, saved to OUT at the end

--check reports the first misaligned access, read of uninitialised memory, race in shared memory and divergent barrier, and sets
the limit of instructions to 100 million. Accesses outside of all memory, after free, and traps end every run.

Examples:
  laic-ptx-run k.ptx                                                           list the kernels
  laic-ptx-run k.ptx --kernel add --grid 4 --block 256 --arg in:x.bin --arg out:4096:y.bin --arg u32:1024
  laic-ptx-run k.ptx --kernel add ... --check --stats=json

Exit codes: 0 done; 1 the PTX, the data or a check is at fault; 2 wrong usage.)";

constexpr uint64_t kCheckedLimit = 100'000'000;

[[noreturn]] void refuse(const std::string &option, const std::string &expected, const std::string &got) {
  throw CLI::ValidationError(option, "expects " + expected + ", got '" + got + "'");
}

Dim3 parseDim(const std::string &option, const std::string &text) {
  uint32_t values[3] = {1, 1, 1};
  const char *at = text.c_str();
  for (unsigned i = 0; i < 3; ++i) {
    char *end = nullptr;
    errno = 0;
    const unsigned long long value = strtoull(at, &end, 10);
    if (end == at || errno || value == 0 || value > UINT32_MAX || *at == '-')
      refuse(option, "X[,Y[,Z]]", text);
    values[i] = static_cast<uint32_t>(value);
    at = end;
    if (*at != ',')
      break;
    ++at;
  }
  if (*at)
    refuse(option, "X[,Y[,Z]]", text);
  return {values[0], values[1], values[2]};
}

template <typename T> std::vector<uint8_t> bytesOf(T value) {
  const auto *begin = reinterpret_cast<const uint8_t *>(&value);
  return std::vector<uint8_t>(begin, begin + sizeof value);
}

std::vector<uint8_t> parseScalar(const std::string &kind, const std::string &value, const std::string &whole) {
  const std::optional<Type> type = typeNamed(kind);
  if (!type || *type == Type::Pred || (isFloat(*type) && *type != Type::F16 && *type != Type::F32 && *type != Type::F64) ||
      kind[0] == 'b')
    refuse("--arg", "a type and a value", whole);
  char *end = nullptr;
  errno = 0;
  if (isFloat(*type)) {
    const double number = strtod(value.c_str(), &end);
    if (value.empty() || *end)
      refuse("--arg", "a number", whole);
    if (*type == Type::F16)
      return bytesOf(toHalf(number, Rounding::Nearest));
    return *type == Type::F32 ? bytesOf(static_cast<float>(number)) : bytesOf(number);
  }
  const uint64_t bits =
      isSigned(*type) ? static_cast<uint64_t>(strtoll(value.c_str(), &end, 0)) : strtoull(value.c_str(), &end, 0);
  const unsigned unused = 64 - 8 * sizeOf(*type);
  const bool fits = isSigned(*type) ? static_cast<int64_t>(bits << unused) >> unused == static_cast<int64_t>(bits)
                                    : bits << unused >> unused == bits;
  if (value.empty() || *end || errno || !fits || (!isSigned(*type) && value[0] == '-'))
    refuse("--arg", "a number that fits " + kind, whole);
  std::vector<uint8_t> bytes = bytesOf(bits);
  bytes.resize(sizeOf(*type));
  return bytes;
}

Argument parseArgument(const std::string &text) {
  const size_t first = text.find(':');
  if (first == std::string::npos)
    refuse("--arg", "KIND:VALUE", text);
  const std::string kind = text.substr(0, first), rest = text.substr(first + 1);
  Argument argument;
  if (kind != "in" && kind != "out" && kind != "inout") {
    argument.scalar = parseScalar(kind, rest, text);
    return argument;
  }
  argument.isBuffer = true;
  const size_t second = rest.find(':');
  if (kind == "in") {
    argument.in = rest;
  } else if (second == std::string::npos) {
    refuse("--arg", kind == "out" ? "out:BYTES:FILE" : "inout:IN:OUT", text);
  } else {
    argument.out = rest.substr(second + 1);
    if (kind == "inout") {
      argument.in = rest.substr(0, second);
    } else {
      char *end = nullptr;
      argument.bytes = strtoull(rest.c_str(), &end, 10);
      if (end != rest.c_str() + second || argument.bytes == 0)
        refuse("--arg", "out:BYTES:FILE", text);
    }
  }
  if ((kind != "out" && argument.in.empty()) || (kind != "in" && argument.out.empty()))
    refuse("--arg", "the name of a file", text);
  return argument;
}

} // namespace

std::optional<Options> laic::ptx::parseOptions(int argc, char **argv, int &exitCode) {
  CLI::App app("Runs kernels of a PTX module on the CPU, with checks and counters.", "laic-ptx-run");
  Options options;
  std::string grid = "1", block = "1", stats;
  std::vector<std::string> arguments;
  app.add_option("FILE", options.file, "The PTX module")->required();
  app.add_option("--kernel", options.kernel, "Which kernel to run; without it the kernels are listed")->type_name("NAME");
  app.add_option("--grid", grid, "Blocks")->type_name("X[,Y[,Z]]");
  app.add_option("--block", block, "Threads of a block")->type_name("X[,Y[,Z]]");
  app.add_option("--shared", options.shared, "Dynamic shared memory of a block")->type_name("BYTES");
  app.add_option("--arg", arguments, "An argument of the kernel (repeatable)")->allow_extra_args(false)->type_name("KIND:VALUE");
  app.add_flag("--check", options.check, "Look for defects that hardware would let pass");
  app.add_option("--stats", stats, "Print counters: text or json")->expected(0, 1)->default_str("text")->type_name("FORM");
  app.add_option("--threads", options.threads, "Threads of the host; 0 for as many as there are")->type_name("N");
  app.add_option("--limit", options.limit, "Instructions that a warp may execute")->type_name("N");
  app.set_version_flag("--version", kVersion);
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
    options.grid = parseDim("--grid", grid);
    options.block = parseDim("--block", block);
    for (const std::string &argument : arguments)
      options.arguments.push_back(parseArgument(argument));
    if (app.count("--stats")) {
      if (!stats.empty() && stats != "text" && stats != "json")
        refuse("--stats", "text or json", stats);
      options.stats = stats == "json" ? Stats::Json : Stats::Text;
    }
  } catch (const CLI::ParseError &error) {
    exitCode = app.exit(error) == 0 ? 0 : kExitUsage;
    return std::nullopt;
  }
  if (options.check && !options.limit)
    options.limit = kCheckedLimit;
  return options;
}
