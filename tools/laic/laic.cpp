// The `laic` command: compiles an ONNX model into one artifact, through the compiler's C interface.
#include "laic-c/laic.h"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

struct Output {
  bool progress = false; // a line that is redrawn, on a terminal only
  bool dirty = false;
  void clear() {
    if (dirty)
      std::fprintf(stderr, "\r\x1b[K");
    dirty = false;
  }
};

void onDiagnostic(void *self, const laic_diagnostic_t *d) {
  static_cast<Output *>(self)->clear();
  const char *kind = d->severity == LAIC_SEVERITY_ERROR ? "error" : d->severity == LAIC_SEVERITY_WARNING ? "warning" : "remark";
  std::fprintf(stderr, "laic: %s: %s\n", kind, d->message);
  if (!d->note)
    return;
  std::string notes = d->note;
  for (size_t at = 0; at <= notes.size();) {
    size_t end = std::min(notes.find('\n', at), notes.size());
    std::fprintf(stderr, "  note: %s\n", notes.substr(at, end - at).c_str());
    at = end + 1;
  }
}

int onProgress(void *self, const char *phase, uint64_t done, uint64_t total) {
  auto *output = static_cast<Output *>(self);
  if (!output->progress)
    return 0;
  std::fprintf(stderr, "\r\x1b[K[%llu/%llu] %s", static_cast<unsigned long long>(done + 1),
               static_cast<unsigned long long>(total), phase);
  std::fflush(stderr);
  output->dirty = true;
  return 0;
}

// A crash is a defect of ours: say so with the exit code that the contract gives to defects.
void onCrash(int) {
  static const char text[] = "laic: error: internal error (crash); this is a defect of laic\n"
                             "  note: please report it; --dump-phases=DIR writes a reproducer of the phase before\n";
  if (write(2, text, sizeof(text) - 1) < 0) {
  }
  _exit(LAIC_COMPILE_DEFECT);
}

void installSignalHandlers() {
  static char stack[1 << 16]; // stack overflows need a stack of their own
  stack_t alternative = {};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof(stack);
  sigaltstack(&alternative, nullptr);
  struct sigaction action = {};
  action.sa_handler = onCrash;
  action.sa_flags = SA_ONSTACK;
  for (int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL})
    sigaction(signal, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN); // a limit on file sizes is an error of write(), as a full disk is
}

bool writeDepfile(const std::string &path, const std::string &target, const laic_compile_result_t *result) {
  std::unique_ptr<FILE, int (*)(FILE *)> file(std::fopen(path.c_str(), "w"), std::fclose);
  auto escaped = [](const std::string &text) {
    std::string out;
    for (char c : text)
      out += c == ' ' || c == '#' ? std::string("\\") + c : c == '$' ? std::string("$$") : std::string(1, c);
    return out;
  };
  if (!file)
    return false;
  std::fprintf(file.get(), "%s:", escaped(target).c_str());
  for (size_t i = 0; i < laic_compile_result_dependency_count(result); ++i)
    std::fprintf(file.get(), " \\\n  %s", escaped(laic_compile_result_dependency(result, i)).c_str());
  std::fprintf(file.get(), "\n");
  return std::fflush(file.get()) == 0;
}

} // namespace

int main(int argc, char **argv) {
  installSignalHandlers();
  CLI::App app{"laic compiles an ONNX model, ahead of time, into one artifact that laic-run or the runtime library runs.",
               "laic"};
  app.footer("Exit codes: 0 done; 1 the model, its data or the disk is at fault; 2 wrong usage; 70 a defect of laic.\n"
             "Example:    laic model.onnx --target=cpu --cpu=x86-64-v3,x86-64-v4 -o model.bin");
  std::string model, output, depfile;
  std::vector<std::string> dims;
  bool explain = false, quiet = false;
  std::map<std::string, std::string> values;
  app.add_option("MODEL", model, "the model (.onnx), or a phase dump with --from")->required();
  app.add_option("-o,--output", output, "where the artifact goes; for a project (FPGAs) its folder")->required();
  auto text = [&](const char *name, const char *help) { return app.add_option(std::string("--") + name, values[name], help); };
  text("target", "what to compile for: cpu (default); several make one artifact with a plan for each, best first")
      ->type_name("NAME[,..]");
  text("cpu", "instruction set levels, best one chosen when loading: native (default), x86-64-v3, x86-64-v4, "
              "aarch64:v8.2+dotprod, ...")
      ->type_name("LEVEL[,..]");
  text("chip", "GPU architecture or FPGA part")->type_name("CHIP[,..]");
  text("math", "default; strict: every element keeps the bound of a plain sum; bf16: weights of products rounded to bf16, sums "
               "in f32 (docs/Numerics.md)")
      ->type_name("KIND");
  app.add_option("--dim", dims, "bind a symbolic input dim; unbound dims stay dynamic")->type_name("NAME=VALUE");
  text("quantize", "int8[:mse|minmax|percentile|entropy], from --calibration; int8-dynamic, rows scaled at run time; "
                   "int8-weights or int4[:32|64|128][:asymmetric], the weights "
                   "alone; f16 or bf16, all of it (docs/Quantization.md)")
      ->type_name("KIND");
  text("calibration", "samples: typical inputs by name, stacked on a new first axis, or NAME/0, NAME/1, ...")
      ->type_name("FILE.npz");
  text("quantize-loss", "what outputs must keep on the samples: decibels (default 20) or top1=PERCENT")->type_name("LOSS");
  text("keep-float", "nodes that are not quantised, by name")->type_name("GLOB[,..]");
  text("quantize-report", "per layer and output what quantisation did (.json or .html)")->type_name("FILE");
  text("external-data-root", "admit external data below this folder when symlinks lead out of the model's")->type_name("DIR");
  text("emit", "artifact (default); mlir, the module after the last phase; onnx, the model after quantize, for any engine")
      ->type_name("KIND");
  text("dump-phases", "write the module after every phase, with its weights, into this folder")->type_name("DIR");
  text("cache", "keep finished artifacts in this folder, and take what was made before from the same model and options")
      ->type_name("DIR");
  text("from", "start from a phase dump: simplify, quantize, fuse, ...")->type_name("PHASE");
  text("to", "stop after this phase")->type_name("PHASE");
  text("threads", "threads for compiling (default: all)")->type_name("N");
  app.add_option("--depfile", depfile, "write a Makefile rule with every file that was read")->type_name("FILE");
  app.add_flag("--explain", explain, "say per node what was fused, which kernel was chosen, bytes and FLOPs, and why not better");
  app.add_flag("-q,--quiet", quiet, "no progress");
  app.set_version_flag("--version", std::string("laic ") + LAIC_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  Output sink;
  sink.progress = !quiet && isatty(2);
  laic_compile_options_t *options = laic_compile_options_create();
  laic_compile_options_set_diagnostics(options, onDiagnostic, &sink);
  laic_compile_options_set_progress(options, onProgress, &sink);
  if (explain)
    laic_compile_options_set(options, "explain", "1");
  for (const auto &[key, value] : values)
    if (app.count("--" + key) && laic_compile_options_set(options, key.c_str(), value.c_str()) != LAIC_COMPILE_OK) {
      std::fprintf(stderr, "laic: error: --%s=%s is not understood\n", key.c_str(), value.c_str());
      return 2;
    }
  for (const std::string &dim : dims)
    if (laic_compile_options_set(options, "dim", dim.c_str()) != LAIC_COMPILE_OK) {
      std::fprintf(stderr, "laic: error: --dim %s: expects NAME=VALUE\n", dim.c_str());
      return 2;
    }
  laic_compile_result_t *result = nullptr;
  laic_compile_code_t code = laic_compile_file(options, model.c_str(), output.c_str(), &result);
  sink.clear();
  if (code == LAIC_COMPILE_OK && !quiet && *laic_compile_result_quantization(result))
    std::fprintf(stderr, "laic: %s\n", laic_compile_result_quantization(result));
  if (code == LAIC_COMPILE_OK && explain)
    std::printf("%s", laic_compile_result_explanation(result));
  if (code == LAIC_COMPILE_OK && !depfile.empty() && !writeDepfile(depfile, output, result)) {
    std::fprintf(stderr, "laic: error: cannot write '%s': %s\n", depfile.c_str(), std::strerror(errno));
    code = LAIC_COMPILE_FAILED;
  }
  laic_compile_result_destroy(result);
  laic_compile_options_destroy(options);
  return code;
}
