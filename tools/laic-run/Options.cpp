// Parses and documents the command line.
#include "Options.h"

#include "Failure.h"

#include "laic/Artifact/Format.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

using namespace laic;
using namespace laic::run;

namespace {

constexpr char kVersion[] = "laic-run " LAIC_VERSION;

constexpr char kFooter[] = R"(
npz files hold one array per graph input or output, named as in the model; a map 'm' is m/keys and m/values. bf16 travels as u2
bits, 8-bit and 4-bit floats as u1 bits, int4 and int2 as i1 values, uint4 and uint2 as u1 values.

--compare fails (exit 1, the worst element is named) where |got - want| > R*|want| + A*max|want|. NaN and infinities must agree;
integers and booleans must be equal, integers up to --quanta.

Examples:
  laic-run model.bin                                        run once on seeded inputs
  laic-run model.bin --inputs in.npz --outputs out.npz      run on data
  laic-run model.bin --dim batch=8 --bench=100 --json       time it
  laic-run model.bin --inputs in.npz --compare want.npz --rtol=1e-3

Exit codes: 0 done; 1 the artifact, the data or the device is at fault; 2 wrong usage; 70 a defect of laic.)";

bool parseNumber(const std::string &text, int64_t &out) {
  char *end = nullptr;
  errno = 0;
  out = strtoll(text.c_str(), &end, 10);
  return !text.empty() && *end == 0 && errno == 0 && out >= 0;
}

void parseDim(const std::string &text, Options &options) {
  const size_t equal = text.rfind('=');
  int64_t value;
  if (equal == std::string::npos || equal == 0 || !parseNumber(text.substr(equal + 1), value))
    throw CLI::ValidationError("--dim", "expects NAME=VALUE, got '" + text + "'");
  options.dims[text.substr(0, equal)] = value;
}

void parseAlias(const std::string &text, Options &options) {
  AliasRequest request;
  const size_t last = text.rfind(':');
  const size_t middle = last == std::string::npos || last == 0 ? std::string::npos : text.rfind(':', last - 1);
  const size_t equal = text.find('=');
  int64_t axis = 0;
  if (middle == std::string::npos || equal == std::string::npos || equal > middle ||
      !parseNumber(text.substr(middle + 1, last - middle - 1), axis) || !parseNumber(text.substr(last + 1), request.capacity))
    throw CLI::ValidationError("--alias", "expects OUT=IN:AXIS:CAPACITY, got '" + text + "'");
  request.output = text.substr(0, equal);
  request.input = text.substr(equal + 1, middle - equal - 1);
  request.axis = static_cast<size_t>(axis);
  options.aliases.push_back(request);
}

void declare(CLI::App &app, Options &options, std::vector<std::string> &dims, std::vector<std::string> &aliases,
             std::string &verify) {
  app.add_option("ARTIFACT", options.artifact, "What `laic` has made")->required();
  app.add_option("--inputs", options.inputs, "Inputs by name; without it they are seeded")->type_name("IN.npz");
  app.add_option("--outputs", options.outputs, "Where to write the outputs by name")->type_name("OUT.npz");
  app.add_option(
         "--device", options.device,
         "Which plan to run: a device that the artifact was made for (laic-inspect lists them), with :N for one of several")
      ->type_name("NAME[:N]");
  app.add_flag("--require-device", options.requireDevice,
               "Fail when --device cannot be used, or some steps of its plan run on the host");
  app.add_option("--threads", options.threads, "Threads; 0 for as many as this process may use")->type_name("N");
  app.add_option("--dim", dims, "Size of a symbolic dim of seeded inputs; others are 1 (repeatable)")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  app.add_option("--alias", aliases, "Bind an output to an input's memory, with room for CAPACITY along AXIS (repeatable)")
      ->allow_extra_args(false)
      ->type_name("OUT=IN:AXIS:CAPACITY");
  app.add_option("--bench", options.bench, "Time N runs after a warm-up: median, min and p90 in ms")->type_name("N");
  app.add_flag("--json", options.json, "Print results as one line of JSON");
  app.add_option("--compare", options.compare, "Compare the outputs with these")->type_name("REF.npz");
  app.add_option("--rtol", options.rtol, "R of --compare")->capture_default_str()->type_name("R");
  app.add_option("--atol", options.atol, "A of --compare")->capture_default_str()->type_name("A");
  app.add_option("--quanta", options.quanta, "By how much integers may differ in --compare")
      ->capture_default_str()
      ->type_name("N");
  app.add_option("--profile", options.profile, "Write trace events for Perfetto or chrome://tracing")->type_name("FILE.json");
  app.add_flag("--explain", options.explain, "Print which plan and kernels are used and why");
  app.add_option("--verify", verify, "What to hash when loading: full or structure (all but weights)")
      ->check(CLI::IsMember({"full", "structure"}))
      ->type_name("WHAT");
}

} // namespace

std::optional<Options> run::parseOptions(int argc, char **argv, int &exitCode) {
  CLI::App app("Runs, times and checks an artifact made by `laic`.", "laic-run");
  Options options;
  std::vector<std::string> dims, aliases;
  std::string verify = "full";
  declare(app, options, dims, aliases, verify);
  app.set_version_flag("--version", kVersion + (" (artifact format " + std::to_string(artifact::kMajor) + "." +
                                                std::to_string(artifact::kMinor) + ")"));
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
    for (const std::string &text : dims)
      parseDim(text, options);
    for (const std::string &text : aliases)
      parseAlias(text, options);
    if (!(options.rtol >= 0) || !(options.atol >= 0))
      throw CLI::ValidationError("--rtol, --atol", "must not be negative");
    if (options.requireDevice && options.device.empty())
      throw CLI::ValidationError("--require-device", "needs --device");
    if (!options.inputs.empty() && !options.dims.empty())
      throw CLI::ValidationError("--dim", "sizes come from --inputs; give one of the two");
  } catch (const CLI::ParseError &error) {
    exitCode = app.exit(error) == 0 ? 0 : kExitUsage;
    return std::nullopt;
  }
  options.structureOnly = verify == "structure";
  return options;
}
