// The compiler's C interface: options as strings, diagnostics through a callback, results as objects.
#include "laic-c/laic.h"

#include "laic/Pipelines/Compile.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <sys/mman.h>

using namespace laic;

struct laic_compile_options {
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> dims;
  laic_diagnostic_fn diagnostic = nullptr;
  void *diagnosticSelf = nullptr;
  laic_progress_fn progress = nullptr;
  void *progressSelf = nullptr;
};

struct laic_compile_result {
  CompileOutput output;
  void *pages = nullptr; // the artifact's bytes, page-aligned
  size_t size = 0;
  ~laic_compile_result() {
    if (pages)
      munmap(pages, size);
  }
};

namespace {

constexpr const char *kKeys[] = {"target",    "cpu",      "chip",          "external-data-root",
                                 "emit",      "explain",  "from",          "dump-phases",
                                 "to",        "quantize", "calibration",   "threads",
                                 "math",      "cache",    "quantize-loss", "quantize-report",
                                 "keep-float"};

class Translator {
public:
  explicit Translator(const laic_compile_options_t *source) : source(source) {}

  // Empty when all is well, otherwise what is wrong.
  std::string translate(CompileOptions &out) {
    if (!source)
      return "";
    for (const auto &[key, value] : source->values) {
      std::string problem = apply(out, key, value);
      if (!problem.empty())
        return problem;
    }
    if (std::string problem = finishQuantize(out); !problem.empty())
      return problem;
    for (const auto &[name, text] : source->dims) {
      int64_t value;
      if (llvm::StringRef(text).getAsInteger(10, value) || value < 0)
        return "--dim " + name + "=" + text + ": expects a size >= 0";
      out.dims[name] = value;
    }
    return "";
  }

private:
  std::string apply(CompileOptions &out, const std::string &key, const std::string &value) {
    if (key == "target")
      return list(value, out.targets, "target");
    if (key == "from" || key == "to")
      return phase(key, value, key == "from" ? out.from : out.to);
    if (key == "explain")
      return flag(key, value, out.explain);
    if (key == "quantize")
      return parseQuantize(value, quantizeOf(out));
    if (key == "quantize-loss")
      return parseQuantizeLoss(value, quantizeOf(out));
    if (key == "quantize-report") {
      quantizeOf(out).report = value;
      return llvm::StringRef(value).ends_with(".json") || llvm::StringRef(value).ends_with(".html")
                 ? ""
                 : "--quantize-report=" + value + ": expects a file that ends in .json or .html";
    }
    if (key == "keep-float")
      return list(value, quantizeOf(out).keepFloat, "keep-float");
    if (key == "threads") {
      if (llvm::StringRef(value).getAsInteger(10, out.threads) || out.threads > 1024)
        return "--threads=" + value + ": expects a number from 0 to 1024";
      return "";
    }
    std::string &text = key == "cpu"                  ? out.cpu
                        : key == "chip"               ? out.chip
                        : key == "calibration"        ? out.calibration
                        : key == "external-data-root" ? out.externalDataRoot
                        : key == "emit"               ? out.emit
                        : key == "math"               ? out.math
                        : key == "cache"              ? out.cache
                                                      : out.dumpPhases;
    text = value;
    return "";
  }

  QuantizeOptions &quantizeOf(CompileOptions &out) {
    if (!out.quantize)
      out.quantize.emplace();
    return *out.quantize;
  }

  // What belongs to --quantize says nothing without it.
  std::string finishQuantize(CompileOptions &out) {
    if (!out.quantize)
      return "";
    if (!source->values.count("quantize"))
      for (const char *key : {"quantize-loss", "quantize-report", "keep-float"})
        if (source->values.count(key))
          return std::string("--") + key + " needs --quantize=KIND";
    out.quantize->calibration = out.calibration;
    return "";
  }

  std::string list(const std::string &value, std::vector<std::string> &out, const char *what) {
    llvm::SmallVector<llvm::StringRef> parts;
    llvm::StringRef(value).split(parts, ',');
    out.clear();
    for (llvm::StringRef part : parts) {
      if (part.empty())
        return std::string("--") + what + "=" + value + ": has an empty entry";
      out.push_back(part.str());
    }
    return "";
  }

  std::string phase(const std::string &key, const std::string &value, Phase &out) {
    if (auto parsed = parsePhase(value)) {
      out = *parsed;
      return "";
    }
    std::string names;
    for (int i = 0; i < kPhaseCount; ++i)
      names += (i ? ", " : "") + std::string(phaseName(static_cast<Phase>(i)));
    return "--" + key + "=" + value + ": the phases are " + names;
  }

  std::string flag(const std::string &key, const std::string &value, bool &out) {
    if (value != "0" && value != "1")
      return "--" + key + ": expects 0 or 1, got '" + value + "'";
    out = value == "1";
    return "";
  }

  const laic_compile_options_t *source;
};

void connect(const laic_compile_options_t *source, CompileOptions &out) {
  if (!source)
    return;
  if (source->diagnostic)
    out.diagnostic = [source](Severity severity, const std::string &message, const std::string &note) {
      laic_diagnostic_t d{sizeof(laic_diagnostic_t), static_cast<laic_severity_t>(severity), message.c_str(),
                          note.empty() ? nullptr : note.c_str()};
      source->diagnostic(source->diagnosticSelf, &d);
    };
  if (source->progress)
    out.progress = [source](const char *phase, uint64_t done, uint64_t total) {
      return source->progress(source->progressSelf, phase, done, total) == 0;
    };
}

// Moves the artifact to pages of its own, as laic_module_load_memory asks.
bool placeOnPages(laic_compile_result &result) {
  if (result.output.bytes.empty())
    return true;
  result.size = result.output.bytes.size();
  void *pages = mmap(nullptr, result.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    return false;
  std::memcpy(pages, result.output.bytes.data(), result.size);
  result.pages = pages;
  result.output.bytes = {};
  return true;
}

laic_compile_code_t run(const laic_compile_options_t *options, const CompileInput &input, const char *output_path,
                        laic_compile_result_t **result) {
  CompileOptions compileOptions;
  connect(options, compileOptions);
  auto report = [&](const std::string &message) {
    if (compileOptions.diagnostic)
      compileOptions.diagnostic(Severity::Error, message, "");
    return LAIC_COMPILE_USAGE;
  };
  std::string problem = Translator(options).translate(compileOptions);
  if (!problem.empty())
    return report(problem);
  if (!output_path && !result)
    return report("an output path or a place for the result must be given");
  auto *made = new (std::nothrow) laic_compile_result;
  if (!made)
    return report("out of memory");
  if (output_path)
    made->output.path = output_path;
  auto code = static_cast<laic_compile_code_t>(compile(compileOptions, input, made->output));
  if (code == LAIC_COMPILE_OK && !placeOnPages(*made)) {
    code = LAIC_COMPILE_FAILED;
    report("out of memory");
  }
  if (result)
    *result = made;
  else
    delete made;
  return code;
}

} // namespace

extern "C" {

const char *laic_compiler_version(void) { return LAIC_VERSION; }

laic_compile_options_t *laic_compile_options_create(void) { return new (std::nothrow) laic_compile_options; }
void laic_compile_options_destroy(laic_compile_options_t *options) { delete options; }

laic_compile_code_t laic_compile_options_set(laic_compile_options_t *options, const char *key, const char *value) {
  if (!options || !key || !value)
    return LAIC_COMPILE_USAGE;
  llvm::StringRef name(key);
  if (name == "dim") {
    auto [dim, size] = llvm::StringRef(value).rsplit('=');
    if (dim.empty() || dim.size() == std::strlen(value))
      return LAIC_COMPILE_USAGE;
    options->dims[dim.str()] = size.str();
    return LAIC_COMPILE_OK;
  }
  for (const char *known : kKeys)
    if (name == known) {
      options->values[name.str()] = value;
      return LAIC_COMPILE_OK;
    }
  return LAIC_COMPILE_USAGE;
}

void laic_compile_options_set_diagnostics(laic_compile_options_t *options, laic_diagnostic_fn fn, void *self) {
  options->diagnostic = fn;
  options->diagnosticSelf = self;
}

void laic_compile_options_set_progress(laic_compile_options_t *options, laic_progress_fn fn, void *self) {
  options->progress = fn;
  options->progressSelf = self;
}

laic_compile_code_t laic_compile_file(const laic_compile_options_t *options, const char *model_path, const char *output_path,
                                      laic_compile_result_t **result) {
  if (result)
    *result = nullptr;
  if (!model_path)
    return LAIC_COMPILE_USAGE;
  CompileInput input;
  input.path = model_path;
  return run(options, input, output_path, result);
}

laic_compile_code_t laic_compile_memory(const laic_compile_options_t *options, const void *data, size_t size, const char *name,
                                        const char *folder, const char *output_path, laic_compile_result_t **result) {
  if (result)
    *result = nullptr;
  if (!data && size)
    return LAIC_COMPILE_USAGE;
  CompileInput input;
  input.path = name ? name : "<memory>";
  input.data = data ? data : "";
  input.size = size;
  input.folder = folder ? folder : "";
  return run(options, input, output_path, result);
}

void laic_compile_result_destroy(laic_compile_result_t *result) { delete result; }
const void *laic_compile_result_data(const laic_compile_result_t *result) { return result ? result->pages : nullptr; }
size_t laic_compile_result_size(const laic_compile_result_t *result) { return result ? result->size : 0; }
size_t laic_compile_result_dependency_count(const laic_compile_result_t *result) {
  return result ? result->output.dependencies.size() : 0;
}
const char *laic_compile_result_dependency(const laic_compile_result_t *result, size_t index) {
  return index < laic_compile_result_dependency_count(result) ? result->output.dependencies[index].c_str() : nullptr;
}
const char *laic_compile_result_explanation(const laic_compile_result_t *result) {
  return result ? result->output.explanation.c_str() : "";
}
const char *laic_compile_result_quantization(const laic_compile_result_t *result) {
  return result ? result->output.quantization.c_str() : "";
}

} // extern "C"
