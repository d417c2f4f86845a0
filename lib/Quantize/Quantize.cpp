// The ways of --quantize.
#include "laic/Quantize/Quantize.h"

#include "FoldNorms.h"
#include "FoldWeights.h"
#include "HalfLayers.h"
#include "Halves.h"
#include "Int8.h"
#include "WeightOnly.h"
#include "laic/Dialect/Laic/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <chrono>

using namespace mlir;
using namespace laic;

std::string laic::parseQuantize(llvm::StringRef text, QuantizeOptions &options) {
  options.text = text.str();
  llvm::SmallVector<llvm::StringRef> words;
  text.split(words, ':');
  auto wrong = [&](const Twine &why) { return ("--quantize=" + text + ": " + why).str(); };
  if (words[0] == "int8")
    options.kind = QuantizeKind::Int8;
  else if (words[0] == "int8-dynamic")
    options.kind = QuantizeKind::Int8Dynamic;
  else if (words[0] == "int8-weights")
    options.kind = QuantizeKind::Int8Weights;
  else if (words[0] == "int4")
    options.kind = QuantizeKind::Int4;
  else if (words[0] == "f16")
    options.kind = QuantizeKind::F16;
  else if (words[0] == "bf16")
    options.kind = QuantizeKind::BF16;
  else
    return wrong("expects int8, int8-dynamic, int8-weights, int4, f16 or bf16");
  bool blocks = options.kind == QuantizeKind::Int8Weights || options.kind == QuantizeKind::Int4;
  for (llvm::StringRef word : llvm::drop_begin(words)) {
    static const std::pair<llvm::StringRef, RangeMethod> methods[] = {{"mse", RangeMethod::MeanSquare},
                                                                      {"minmax", RangeMethod::MinMax},
                                                                      {"percentile", RangeMethod::Percentile},
                                                                      {"entropy", RangeMethod::Entropy}};
    const auto *method = llvm::find_if(methods, [&](const auto &one) { return one.first == word; });
    if (options.kind == QuantizeKind::Int8 && method != std::end(methods)) {
      options.method = method->second;
    } else if (blocks && word == "asymmetric") {
      options.asymmetric = true;
    } else if (blocks && (word == "32" || word == "64" || word == "128")) {
      word.getAsInteger(10, options.blockSize);
    } else {
      return wrong("'" + word + "' is not understood; " + words[0] + " takes " +
                   (options.kind == QuantizeKind::Int8 ? "mse, minmax, percentile or entropy"
                    : blocks                           ? "a block size (32, 64, 128) and asymmetric"
                                                       : "no further words"));
    }
  }
  return "";
}

std::string laic::parseQuantizeLoss(llvm::StringRef text, QuantizeOptions &options) {
  llvm::StringRef number = text;
  double value = 0;
  bool agreement = number.consume_front("top1=");
  if (number.getAsDouble(value) || !(value >= 0) || (agreement && value > 100) || value > 200)
    return ("--quantize-loss=" + text + ": expects decibels (20), or top1=PERCENT (top1=99)").str();
  options.asksForLoss = true;
  if (agreement)
    options.leastAgreement = value;
  else
    options.leastDecibels = value;
  return "";
}

// "quantised 52 of 53 layers to int8; 'logits' keeps 32.2 dB, 98.5 % top-1"
template <typename Plan>
static std::string summaryOf(llvm::ArrayRef<Plan> plan, llvm::StringRef did, llvm::StringRef what,
                             llvm::ArrayRef<OutputLoss> losses) {
  size_t quantized = llvm::count_if(plan, [](const Plan &layer) { return layer.kept.empty(); });
  std::string text = llvm::formatv("{0} {1} of {2} {3}", did, quantized, plan.size(), what).str();
  const auto *worst = std::min_element(losses.begin(), losses.end(),
                                       [](const OutputLoss &a, const OutputLoss &b) { return a.sqnr() < b.sqnr(); });
  if (worst == losses.end())
    return text;
  text += llvm::formatv("; '{0}' keeps {1:F1} dB", worst->name, worst->sqnr()).str();
  if (worst->rows)
    text += llvm::formatv(", {0:F1} % top-1", worst->agreement()).str();
  if (losses.size() > 1)
    text += llvm::formatv(", the worst of {0} outputs", losses.size()).str();
  return text;
}

template <typename Plan> static void explainKept(func::FuncOp main, llvm::ArrayRef<Plan> plan, llvm::StringRef wide = "floats") {
  for (const Plan &layer : plan)
    if (!layer.kept.empty())
      main.emitRemark() << "node '" << layer.name << "' (" << layer.kind << ") stays in " << wide << ": " << layer.kept;
}

/// The least time that a sample takes, in milliseconds.
static FailureOr<double> timeOf(ModuleOp module, GraphRunner &runner, const Samples &samples) {
  constexpr std::chrono::milliseconds kLong(300);
  OwningOpRef<ModuleOp> copy = cast<ModuleOp>(module->clone());
  samples.bindSizes(mainOf(*copy));
  std::unique_ptr<RunnableGraph> graph = runner.compile(std::move(copy), std::nullopt);
  if (!graph)
    return failure();
  using Clock = std::chrono::steady_clock;
  Clock::duration least = Clock::duration::max();
  llvm::SmallVector<TensorView> outputs;
  for (Clock::time_point end = Clock::now() + kLong, begun = Clock::now(); begun < end; begun = Clock::now()) {
    if (std::string problem = graph->run(samples[0], outputs); !problem.empty())
      return reportRun(module, problem);
    least = std::min(least, Clock::now() - begun);
  }
  return std::chrono::duration<double, std::milli>(least).count();
}

static LogicalResult inferShapes(ModuleOp module) {
  PassManager pm(module.getContext());
  pm.addNestedPass<func::FuncOp>(createLaicInferShapes());
  return pm.run(module);
}

LogicalResult laic::quantize(ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, std::string &summary) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (options.kind == QuantizeKind::Int8 && options.calibration.empty())
    return main.emitError("--quantize=int8 learns the ranges of activations from samples").attachNote()
               << "give some with --calibration=FILE.npz, or have ranges found when the model runs, with --quantize=int8-dynamic",
           failure();
  if (options.asksForLoss && options.calibration.empty())
    return main.emitError("--quantize-loss is measured on samples").attachNote() << "give some with --calibration=FILE.npz",
           failure();
  if (std::string glob = unusedGlob(main, options.keepFloat); !glob.empty())
    return main.emitError() << "--keep-float=" << glob << " matches no node", failure();
  AtomicFile reportFile; // opened first: a folder that is not there is no reason to work in vain
  if (!options.report.empty())
    if (std::string problem = reportFile.open(options.report); !problem.empty())
      return main.emitError() << "--quantize-report: " << problem;
  std::optional<Samples> samples;
  if (!options.calibration.empty()) {
    samples = Samples::read(options.calibration, main);
    if (!samples)
      return failure();
  }
  OwningOpRef<ModuleOp> floats;
  if (samples && !options.report.empty())
    floats = cast<ModuleOp>(module->clone());
  bool intoBytes = options.kind != QuantizeKind::F16 && options.kind != QuantizeKind::BF16;
  if (intoBytes)
    halfLayersToFloats(main);
  if (failed(foldWeights(module, runner)))
    return failure();
  if (intoBytes)
    foldNorms(main);
  QuantizeReport report;
  report.kind = options.text;
  report.samples = samples ? samples->size() : 0;
  if (auto model = module->getAttrOfType<StringAttr>("laic.model"))
    report.model = llvm::sys::path::filename(model.getValue()).str();
  if (options.kind == QuantizeKind::Int8 || options.kind == QuantizeKind::Int8Dynamic) {
    Int8 int8(module, options, runner, samples ? &*samples : nullptr);
    if (failed(int8.run()))
      return failure();
    report.layers = int8.report();
    report.outputs = int8.getLosses().vec();
    explainKept<LayerPlan>(main, int8.getPlan().layers);
    summary = summaryOf<LayerPlan>(int8.getPlan().layers, "quantised", "layers to int8", int8.getLosses());
  } else if (options.kind == QuantizeKind::F16 || options.kind == QuantizeKind::BF16) {
    Halves halves(module, options, runner, samples ? &*samples : nullptr);
    if (failed(halves.run()))
      return failure();
    report.layers = halves.report();
    report.outputs = halves.getLosses().vec();
    explainKept<HalfPlan>(main, halves.getPlan(), "f32");
    summary =
        summaryOf<HalfPlan>(halves.getPlan(), "converted",
                            options.kind == QuantizeKind::F16 ? "operators to f16" : "operators to bf16", halves.getLosses());
  } else {
    WeightOnly weights(module, options, runner, samples ? &*samples : nullptr);
    if (failed(weights.run()))
      return failure();
    report.layers = weights.report();
    report.outputs = weights.getLosses().vec();
    explainKept<BlockPlan>(main, weights.getPlan());
    summary =
        summaryOf<BlockPlan>(weights.getPlan(), "quantised",
                             options.kind == QuantizeKind::Int4 ? "weights to int4" : "weights to int8", weights.getLosses());
  }
  floatsToHalfLayers(main);
  if (report.layers.empty())
    main.emitWarning("--quantize has found nothing: no Conv, MatMul or Gemm has constant weights on the right").attachNote()
        << "bodies of branches and loops are not looked into, nor other types than f32" << (intoBytes ? ", f16 and bf16" : "");
  if (floats) {
    FailureOr<double> before = timeOf(*floats, runner, *samples), after = timeOf(module, runner, *samples);
    if (failed(before) || failed(after))
      return failure();
    report.milliseconds = {*before, *after};
  }
  if (!options.report.empty())
    if (std::string problem = writeReport(report, options.report, reportFile); !problem.empty())
      return main.emitError() << "--quantize-report: " << problem;
  return inferShapes(module);
}
