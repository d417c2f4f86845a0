// From an ONNX model to an artifact: the named phases, what can be asked of them, and how they report.
#ifndef LAIC_PIPELINES_COMPILE_H
#define LAIC_PIPELINES_COMPILE_H

#include "laic/Quantize/QuantizeOptions.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace laic {

/// The phases, in order. Each can be dumped, started from and stopped after.
enum class Phase { Import, Simplify, Quantize, Fuse, Dispatch, Codegen, Schedule, Emit };
constexpr int kPhaseCount = 8;
const char *phaseName(Phase phase);
std::optional<Phase> parsePhase(const std::string &name);

enum class Severity { Error, Warning, Remark };
/// `message`: "model.onnx: node 'conv1' (Conv, opset 11): ..."; `note`: other places and the cure, one per line.
using DiagnosticFn = std::function<void(Severity, const std::string &message, const std::string &note)>;
/// Returns false to cancel.
using ProgressFn = std::function<bool(const char *phase, uint64_t done, uint64_t total)>;

struct CompileOptions {
  std::vector<std::string> targets = {"cpu"};
  std::string cpu = "native"; // --cpu
  std::string chip;           // --chip
  std::string math;           // --math: default (or empty), strict, bf16
  std::map<std::string, int64_t> dims;
  std::string calibration;                 // npz file of typical inputs, or empty
  std::optional<QuantizeOptions> quantize; // --quantize and what belongs to it; its `calibration` is the one above
  std::string externalDataRoot;
  std::string emit = "artifact"; // artifact, mlir, onnx (the model after quantize), or what the target declares
  bool explain = false;
  std::string dumpPhases; // folder, or empty
  std::string cache;      // folder of finished artifacts, or empty: what was made before from the same is not made again
  Phase from = Phase::Import, to = Phase::Emit;
  unsigned threads = 0; // for compiling; 0: all
  DiagnosticFn diagnostic;
  ProgressFn progress;
};

/// The exit codes of the `laic` command.
enum class CompileCode { Ok = 0, Failed = 1, Usage = 2, Cancelled = 3, Defect = 70 };

struct CompileInput {
  std::string path;           // a model, or with `from` a phase dump
  const void *data = nullptr; // model bytes in memory; then `path` is only its name
  size_t size = 0;
  std::string folder; // where external data of a model in memory lies
};

struct CompileOutput {
  std::string path; // a file, or the folder of a project; empty: keep the bytes
  std::vector<char> bytes;
  std::vector<std::string> dependencies; // every file that was read
  std::string explanation;               // with `explain`
  std::string quantization;              // with `quantize`: a line that says what was done and what it cost
};

/// Thread-safe, without global state. Output appears whole or not at all.
CompileCode compile(const CompileOptions &options, const CompileInput &input, CompileOutput &output);

} // namespace laic
#endif
