// laic-run: runs, times and checks an artifact. See Options.cpp for the command line.
#include "Compare.h"
#include "Element.h"
#include "Failure.h"
#include "Measure.h"

#include "laic/Support/AtomicFile.h"

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace laic;
using namespace laic::run;
using nlohmann::json;

namespace {

char reproducerPath[256];

// Leaves the command line in a file and says where. Signal-safe but for snprintf on fixed buffers.
void reportDefect(const char *what) {
  char text[512];
  int length = snprintf(text, sizeof text, "laic-run: a defect of laic: %s; please report it with %s and the artifact\n", what,
                        reproducerPath);
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) < 0)
    return;
}

std::string commandLine;

void writeReproducer() {
  if (FILE *file = fopen(reproducerPath, "w")) {
    fputs(commandLine.c_str(), file);
    fclose(file);
  }
}

std::atomic<pid_t> crashing{0}; // the thread that reports

[[maybe_unused]] void onCrash(int signal) { // sanitizers bring their own
  const pid_t self = gettid();
  pid_t first = 0;
  if (!crashing.compare_exchange_strong(first, self)) {
    if (first == self)
      _exit(kExitDefect); // a fault in the report itself
    while (true)
      pause(); // several threads may fault at once; the first one ends the process
  }
  reportDefect(signal == SIGILL    ? "illegal instruction"
               : signal == SIGFPE  ? "arithmetic trap"
               : signal == SIGABRT ? "abort"
                                   : "memory fault");
  writeReproducer();
  _exit(kExitDefect);
}

void prepareForDefects(int argc, char **argv) {
  const char *folder = getenv("TMPDIR");
  snprintf(reproducerPath, sizeof reproducerPath, "%s/laic-run-%ld.txt", folder && strlen(folder) < 200 ? folder : "/tmp",
           static_cast<long>(getpid()));
  for (int i = 0; i < argc; ++i)
    commandLine += std::string(i ? " '" : "'") + argv[i] + "'";
  commandLine += "\n";
#ifndef LAIC_SANITIZED // sanitizers report better
  // On a stack of its own: the fault may be that the other one is full.
  static char stack[64 * 1024];
  stack_t alternative = {};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof stack;
  sigaltstack(&alternative, nullptr);
  struct sigaction action = {};
  action.sa_handler = onCrash;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
    sigaction(signal, &action, nullptr);
#endif
}

// Range and mean of an output's finite values, for a reader's glance.
json summarize(const Session &session, size_t index) {
  const laic_binding_t output = session.output(index);
  const npz::Array array = toArray(output);
  double low = INFINITY, high = -INFINITY, sum = 0;
  size_t finite = 0;
  const size_t elements = array.elements();
  for (size_t i = 0; i < elements; ++i) {
    const double value = decode(output.type, &array.data[i * array.itemSize]);
    if (!std::isfinite(value))
      continue;
    low = std::min(low, value);
    high = std::max(high, value);
    sum += value;
    ++finite;
  }
  json summary = {{"name", session.outputName(index)},
                  {"type", laic_type_name(output.type)},
                  {"shape", array.shape},
                  {"not_finite", elements - finite}};
  if (finite) {
    summary["min"] = low;
    summary["max"] = high;
    summary["mean"] = sum / static_cast<double>(finite);
  }
  return summary;
}

std::string readable(const json &summary) {
  char text[160] = "";
  if (summary.contains("min"))
    snprintf(text, sizeof text, "  min %.6g  max %.6g  mean %.6g", summary["min"].get<double>(), summary["max"].get<double>(),
             summary["mean"].get<double>());
  std::string line =
      summary["name"].get<std::string>() + ": " + summary["type"].get<std::string>() + summary["shape"].dump() + text;
  if (summary["not_finite"].get<size_t>())
    line += "  NaN or infinite: " + std::to_string(summary["not_finite"].get<size_t>());
  return line;
}

void print(const json &result, const Options &options) {
  if (options.json) {
    printf("%s\n", result.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    return;
  }
  if (result.contains("median_ms"))
    printf("median %.4f ms  min %.4f ms  p90 %.4f ms  (%u runs)\n", result["median_ms"].get<double>(),
           result["min_ms"].get<double>(), result["p90_ms"].get<double>(), options.bench);
  if (result.contains("outputs"))
    for (const json &summary : result["outputs"])
      printf("%s\n", readable(summary).c_str());
  if (result.contains("compare"))
    printf("%s\n", result["compare"].get<std::string>().c_str());
}

void execute(const Options &options) {
  Session session(options);
  json result = json::object();
  session.run();
  if (!options.outputs.empty()) {
    std::string error = npz::write(options.outputs, session.outputs());
    if (!error.empty())
      throw Failure(kExitFault, error);
  }
  if (!options.compare.empty())
    result["compare"] = compareOutputs(session, options);
  if (options.bench) {
    const Timing timing = measure(session, options.bench);
    result["median_ms"] = timing.median;
    result["min_ms"] = timing.min;
    result["p90_ms"] = timing.p90;
  } else if (options.outputs.empty() && options.compare.empty()) {
    for (size_t i = 0; i < session.outputCount(); ++i)
      result["outputs"].push_back(summarize(session, i));
  }
  if (!options.profile.empty())
    writeProfile(session, options.profile);
  print(result, options);
  if (fflush(stdout) != 0)
    throw Failure(kExitFault, std::string("cannot write to standard output: ") + strerror(errno));
}

} // namespace

int main(int argc, char **argv) {
  removeTemporariesOnSignal();
  std::signal(SIGPIPE, SIG_IGN); // a reader that leaves early is an error to report
  std::signal(SIGXFSZ, SIG_IGN); // and so is a limit on file sizes
  prepareForDefects(argc, argv);
  try {
    int exitCode = 0;
    const std::optional<Options> options = parseOptions(argc, argv, exitCode);
    if (!options)
      return exitCode;
    execute(*options);
    return 0;
  } catch (const Failure &failure) {
    fprintf(stderr, "laic-run: error: %s\n", failure.what());
    return failure.exitCode;
  } catch (const std::bad_alloc &) {
    fprintf(stderr, "laic-run: error: out of memory\n");
    return kExitFault;
  } catch (const std::exception &error) {
    writeReproducer();
    reportDefect(error.what());
    return kExitDefect;
  }
}
