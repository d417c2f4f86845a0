// Runs the phases of one compilation.
#include "laic/Pipelines/Compile.h"

#include "ArtifactCache.h"
#include "Calibrate.h"
#include "Diagnostics.h"
#include "PhaseDump.h"
#include "Phases.h"
#include "RuntimeRunner.h"
#include "WriteProject.h"
#include "laic/Artifact/Writer.h"
#include "laic/Dialect/Laic/BlocksOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxForm.h"
#include "laic/Dialect/Laic/Programs.h"
#include "laic/Dialect/Laic/WinogradOps.h"
#include "laic/Export/ExportModel.h"
#include "laic/Import/ImportModel.h"
#include "laic/Pipelines/Backend.h"
#include "laic/Pipelines/Explain.h"
#include "laic/Pipelines/Registration.h"
#include "laic/Quantize/Quantize.h"
#include "laic/Support/AtomicFile.h"
#include "laic/Target/Target.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace laic;

namespace {

/// What --math=strict excludes and the module holds, or nothing.
StringRef looseOperations(ModuleOp module) {
  StringRef found;
  module.walk([&](Operation *op) {
    auto product = dyn_cast<BlockProductOp>(op);
    if (isa<WinogradOp>(op))
      found = "convolutions by Winograd's algorithm";
    else if (product && product.getRoundRows())
      found = "products with rounded rows";
    return found.empty() ? WalkResult::advance() : WalkResult::interrupt();
  });
  return found;
}

class Compilation {
public:
  Compilation(const CompileOptions &options, const CompileInput &input, CompileOutput &output)
      : options(options), input(input), output(output), context(registry(), MLIRContext::Threading::DISABLED),
        diagnostics(&context, options, llvm::sys::path::filename(input.path).str()) {
    context.loadAllAvailableDialects();
  }

  CompileCode run() {
    CompileCode code = checkOptions();
    if (code != CompileCode::Ok)
      return code;
    code = load();
    if (cached)
      return code;
    for (int i = static_cast<int>(done) + 1; code == CompileCode::Ok && i <= static_cast<int>(lastPhase()); ++i)
      code = runPhase(static_cast<Phase>(i));
    if (code == CompileCode::Ok && options.emit == "mlir")
      code = emitText();
    if (code == CompileCode::Ok && emitsOnnx())
      code = emitModel();
    if (code == CompileCode::Ok && cache)
      keep();
    return code;
  }

private:
  static const DialectRegistry &registry() {
    static const DialectRegistry *all = [] {
      auto *r = new DialectRegistry;
      registerAllDialects(*r);
      return r;
    }();
    return *all;
  }

  bool emitsOnnx() const { return options.emit == "onnx"; }
  // Behind the quantize phase nothing is ONNX any more.
  Phase lastPhase() const { return emitsOnnx() ? Phase::Quantize : options.to; }

  CompileCode usage(const std::string &message, const std::string &note) {
    diagnostics.report(Severity::Error, message, note);
    return CompileCode::Usage;
  }

  // What a target is asked for. --chip is one list for all: each takes the words it knows, and a word that none knows.
  std::string levelsFor(const Target &target) {
    if (target.isHost())
      return options.cpu;
    auto knows = [](const Target &one, llvm::StringRef word) {
      std::vector<std::string> ignored;
      return !one.isHost() && !one.parseLevels(word, ignored);
    };
    llvm::SmallVector<llvm::StringRef> words;
    llvm::StringRef(options.chip).split(words, ',', -1, /*KeepEmpty=*/false);
    llvm::erase_if(words, [&](llvm::StringRef word) {
      return !knows(target, word) && llvm::any_of(targets, [&](const Target *other) { return knows(*other, word); });
    });
    return llvm::join(words, ",");
  }

  CompileCode checkTargets() {
    for (const std::string &name : options.targets) {
      const Target *target = findTarget(name);
      if (!target) {
        std::string names;
        for (const auto &known : getTargets())
          names += (names.empty() ? "" : ", ") + known->getName().str();
        return usage("unknown target '" + name + "'", "the targets of this build are: " + names);
      }
      if (llvm::is_contained(targets, target))
        return usage("target '" + name + "' is given twice", "an artifact holds one plan per target");
      TargetOptions of;
      of.threads = options.threads;
      of.explain = options.explain;
      of.math = math;
      if (!target->hasMath(math))
        return usage("--math=" + options.math + " is not available for target '" + name + "' yet",
                     "use default or strict, or compile for cpu");
      targets.push_back(target);
      targetOptions.push_back(std::move(of));
    }
    for (const Target *target : targets)
      if (target->getProject() && targets.size() > 1)
        return usage("target '" + target->getName().str() + "' writes a project, which cannot be part of an artifact",
                     "compile for it alone");
    project = targets.front()->getProject();
    if (project && output.path.empty() && options.emit == "artifact")
      return usage("target '" + targets.front()->getName().str() + "' writes a project, which needs a folder",
                   "name one as the output");
    bool writesProject = project && options.emit == "artifact";
    if (writesProject && options.quantize && options.quantize->kind != QuantizeKind::Int8)
      return usage("--quantize=" + options.quantize->text + " has no form in a project of target '" +
                       targets.front()->getName().str() + "'",
                   "quantise to int8, or leave it to the target, which learns ranges from --calibration");
    if (writesProject && options.quantize && options.quantize->calibration.empty())
      return usage("--quantize=" + options.quantize->text + " for a project learns ranges from samples",
                   "give some with --calibration=FILE.npz");
    if (!options.calibration.empty() && !project && !options.quantize)
      return usage("--calibration has nothing to serve",
                   "it goes with --quantize, or with a target that writes projects, which learns ranges from it");
    for (size_t i = 0; i < targets.size(); ++i)
      if (auto problem = targets[i]->parseLevels(levelsFor(*targets[i]), targetOptions[i].levels))
        return usage(*problem, "");
    return checkHost();
  }

  // Whoever the targets are, the host folds constants and runs what they leave.
  CompileCode checkHost() {
    host.target = findHostTarget();
    if (!host.target)
      return CompileCode::Ok;
    host.options.threads = options.threads;
    host.options.explain = options.explain;
    if (auto problem = host.target->parseLevels(options.cpu, host.options.levels))
      return usage(*problem, "");
    here = host;
    here.options.levels = {host.target->levelOfThisMachine(host.options.levels)};
    return CompileCode::Ok;
  }

  // Text is one module, and a dump is resumed with one target.
  CompileCode checkOneTarget() {
    if (targets.size() == 1)
      return CompileCode::Ok;
    if (options.emit != "artifact" && static_cast<int>(lastPhase()) > static_cast<int>(Phase::Fuse))
      return usage("--emit=" + options.emit + " writes what one target makes, got " + std::to_string(targets.size()) + " targets",
                   "give one target, or stop with --to=fuse or before");
    if (static_cast<int>(options.from) > static_cast<int>(Phase::Dispatch))
      return usage(std::string("--from=") + phaseName(options.from) + " resumes what one target made, got " +
                       std::to_string(targets.size()) + " targets",
                   "give the target of the dump");
    return CompileCode::Ok;
  }

  CompileCode checkMath() {
    static const std::pair<llvm::StringRef, Math> kinds[] = {
        {"", Math::Default}, {"default", Math::Default}, {"strict", Math::Strict}, {"bf16", Math::BF16}};
    const auto *kind = llvm::find_if(kinds, [&](const auto &kind) { return kind.first == options.math; });
    if (kind == std::end(kinds))
      return usage("unknown --math '" + options.math + "'", "use default, strict or bf16");
    math = kind->second;
    return CompileCode::Ok;
  }

  CompileCode checkEmitOnnx() {
    if (options.to != Phase::Emit && options.to != Phase::Quantize)
      return usage(std::string("--emit=onnx writes the model as the quantize phase leaves it, got --to=") + phaseName(options.to),
                   "leave --to out; --emit=mlir shows the module after any phase");
    if (static_cast<int>(options.from) > static_cast<int>(Phase::Fuse))
      return usage(std::string("--emit=onnx writes the model as the quantize phase leaves it, got --from=") +
                       phaseName(options.from),
                   "start from the model, or from the dump of an earlier phase");
    return CompileCode::Ok;
  }

  CompileCode checkOptions() {
    if (CompileCode code = checkMath(); code != CompileCode::Ok)
      return code;
    if (CompileCode code = checkTargets(); code != CompileCode::Ok)
      return code;
    if (CompileCode code = checkOneTarget(); code != CompileCode::Ok)
      return code;
    if (static_cast<int>(options.to) < static_cast<int>(options.from) && !emitsOnnx())
      return usage(std::string("--to=") + phaseName(options.to) + " comes before --from=" + phaseName(options.from), "");
    if (static_cast<int>(options.from) > static_cast<int>(Phase::Codegen))
      return usage(std::string("--from=") + phaseName(options.from) + " is not possible: machine code is not part of a dump",
                   "start from codegen or an earlier phase");
    if (options.quantize && (options.from > Phase::Quantize || options.to < Phase::Quantize))
      return usage("--quantize works in phase quantize, which --from or --to leaves out", "start before it, and stop behind it");
    const Target &first = *targets.front();
    if (emitsOnnx())
      return checkEmitOnnx();
    if (options.emit != "artifact" && options.emit != "mlir" && !llvm::is_contained(first.getEmitKinds(), options.emit))
      return usage("target '" + first.getName().str() + "' cannot emit '" + options.emit + "'", "use artifact, mlir or onnx");
    if (options.to != Phase::Emit && options.emit != "mlir" && options.dumpPhases.empty())
      return usage(std::string("--to=") + phaseName(options.to) + " leaves nothing to write",
                   "add --emit=mlir or --dump-phases=DIR");
    return CompileCode::Ok;
  }

  /// What is to be ONNX again keeps its operators.
  void keepWhole() {
    if (auto main = module && emitsOnnx() ? module->lookupSymbol<func::FuncOp>("main") : func::FuncOp())
      main->setAttr(kOnnxAttr, UnitAttr::get(&context));
  }

  // The code of a failure: what the user can mend, or a defect of ours with a reproducer.
  CompileCode failed(Phase phase) {
    if (diagnostics.sawError() && !diagnostics.sawDefect())
      return CompileCode::Failed;
    std::string place = "no reproducer could be written";
    llvm::SmallString<128> folder;
    if (reproducer && !llvm::sys::fs::createUniqueDirectory("laic-reproducer", folder) &&
        !dumpPhase(*reproducer, static_cast<Phase>(std::max(0, static_cast<int>(phase) - 1)), folder.str().str()))
      place = ("reproducer: " + folder).str();
    diagnostics.report(Severity::Error, std::string("internal error in phase '") + phaseName(phase) + "'; " + place,
                       "this is a defect of laic; please report it with the reproducer");
    return CompileCode::Defect;
  }

  CompileCode load() {
    if (!progress(options.from))
      return CompileCode::Cancelled;
    if (options.from != Phase::Import) {
      output.dependencies.push_back(input.path);
      module = readPhaseDump(input.path, &context);
      return module ? resume() : CompileCode::Failed; // whatever is wrong with a dump, a hand may have changed it
    }
    std::vector<onnx::Diagnostic> problems;
    onnx::ReadOptions readOptions{options.externalDataRoot};
    std::shared_ptr<onnx::Model> model =
        input.data ? onnx::readModel(input.data, input.size, input.path, input.folder, readOptions, problems)
                   : onnx::readModel(input.path, readOptions, problems);
    for (const onnx::Diagnostic &problem : problems)
      diagnostics.report(model ? Severity::Warning : Severity::Error, problem.message, problem.note);
    if (!input.data)
      output.dependencies.push_back(input.path);
    if (!model)
      return CompileCode::Failed;
    output.dependencies.insert(output.dependencies.end(), model->externalFiles.begin(), model->externalFiles.end());
    if (usesCache()) {
      makeCache(*model);
      if (std::optional<llvm::StringRef> artifact = cache->find())
        return deliver(*artifact);
    }
    module = importModel(model, ImportOptions{options.dims}, &context);
    keepWhole();
    return module ? dump(Phase::Import) : failed(Phase::Import);
  }

  // ---- --cache ----

  /// Only for what is an artifact and nothing else: dumps and explanations come from the phases themselves.
  bool usesCache() const {
    return !options.cache.empty() && !project && !(options.quantize && !options.quantize->report.empty()) &&
           options.emit == "artifact" && !options.explain && options.dumpPhases.empty() && options.from == Phase::Import &&
           options.to == Phase::Emit;
  }

  void makeCache(const onnx::Model &model) {
    cache.emplace(options.cache, options.threads);
    cache->add(llvm::sys::path::filename(input.path)); // the artifact names its model
    cache->add(options.math);
    for (auto [target, of] : llvm::zip(targets, targetOptions)) {
      cache->add(target->getName());
      cache->add(llvm::join(of.levels, ","));
    }
    cache->add("host " + llvm::join(host.options.levels, ","));
    cache->add("here " + llvm::join(here.options.levels, ","));
    for (const auto &[name, size] : options.dims)
      cache->add(name + "=" + std::to_string(size));
    if (options.quantize)
      addQuantize(*options.quantize);
    cache->add(llvm::ArrayRef(static_cast<const uint8_t *>(input.data), input.size));
    for (auto [bytes, size] : model.mappings)
      cache->add(llvm::ArrayRef(bytes, size));
  }

  // A file that cannot be read is refused later, and nothing is kept then.
  void addQuantize(const QuantizeOptions &quantize) {
    cache->add("quantize " + quantize.text + " " + std::to_string(quantize.leastDecibels) + " " +
               std::to_string(quantize.leastAgreement.value_or(-1)));
    cache->add(llvm::join(quantize.keepFloat, ","));
    if (quantize.calibration.empty())
      return;
    if (auto samples = llvm::MemoryBuffer::getFile(quantize.calibration, /*IsText=*/false, /*RequiresNullTerminator=*/false))
      cache->add(llvm::ArrayRef(reinterpret_cast<const uint8_t *>((*samples)->getBufferStart()), (*samples)->getBufferSize()));
  }

  CompileCode deliver(llvm::StringRef artifact) {
    cached = true;
    if (output.path.empty()) {
      output.bytes.assign(artifact.begin(), artifact.end());
      return CompileCode::Ok;
    }
    AtomicFile file;
    std::string problem = file.open(output.path);
    if (problem.empty())
      problem = artifact::copyArtifact(file, artifact.data(), artifact.size());
    if (problem.empty())
      problem = file.commit();
    if (problem.empty())
      return CompileCode::Ok;
    diagnostics.report(Severity::Error, problem, "");
    return CompileCode::Failed;
  }

  /// The artifact is there already: what goes wrong now is a warning.
  void keep() {
    std::string problem;
    if (output.path.empty()) {
      problem = cache->store(llvm::StringRef(output.bytes.data(), output.bytes.size()));
    } else if (llvm::sys::fs::is_regular_file(output.path)) {
      auto file = llvm::MemoryBuffer::getFile(output.path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
      problem = file ? cache->store((*file)->getBuffer()) : "cannot read '" + output.path + "': " + file.getError().message();
    }
    if (!problem.empty())
      diagnostics.report(Severity::Warning, problem, "the artifact is complete; only --cache has no copy of it");
  }

  // `--from=PHASE` names the first phase to run; the dump says which one made it. The dump of PHASE itself is taken too.
  CompileCode resume() {
    auto attr = (*module)->getAttrOfType<StringAttr>("laic.phase");
    std::optional<Phase> made = attr ? parsePhase(attr.getValue().str()) : std::nullopt;
    if (!made) {
      diagnostics.report(Severity::Error, input.path + ": is not a phase dump: it has no attribute 'laic.phase'",
                         "dumps are written by --dump-phases=DIR");
      return CompileCode::Failed;
    }
    int from = static_cast<int>(options.from), state = static_cast<int>(*made);
    if (from != state && from != state + 1) {
      diagnostics.report(Severity::Error,
                         input.path + ": is the dump of phase '" + phaseName(*made) + "', from which " + phaseName(options.from) +
                             " cannot start",
                         std::string("use --from=") + phaseName(static_cast<Phase>(std::min(state + 1, kPhaseCount - 1))));
      return CompileCode::Failed;
    }
    if (StringRef loose = looseOperations(*module); math == Math::Strict && !loose.empty()) {
      diagnostics.report(Severity::Error, input.path + ": holds " + loose.str() + ", which --math=strict excludes",
                         "start from dispatch or an earlier phase");
      return CompileCode::Failed;
    }
    keepWhole();
    done = *made;
    return CompileCode::Ok;
  }

  bool progress(Phase phase) {
    return !options.progress || options.progress(phaseName(phase), static_cast<int>(phase), kPhaseCount);
  }

  CompileCode dump(Phase phase) { return dump(phase, *module, ""); }

  CompileCode dumpBackends(Phase phase) {
    for (auto &backend : backends)
      if (CompileCode code = dump(phase, backend->getModule(), backends.size() > 1 ? backend->getTarget().getName() : "");
          code != CompileCode::Ok)
        return code;
    return CompileCode::Ok;
  }

  CompileCode dump(Phase phase, ModuleOp of, llvm::StringRef target) {
    of->setAttr("laic.phase", StringAttr::get(&context, phaseName(phase)));
    if (options.dumpPhases.empty())
      return CompileCode::Ok;
    if (auto problem = dumpPhase(of, phase, options.dumpPhases, target)) {
      diagnostics.report(Severity::Error, *problem, "");
      return CompileCode::Failed;
    }
    return CompileCode::Ok;
  }

  // Refuses every operation whose element type a target cannot compute.
  LogicalResult checkTarget(const Target *target) {
    LogicalResult status = success();
    (*module)->walk([&](OnnxOpInterface op) {
      const OnnxOpRow *row = findOnnxOp(op->getName());
      if (!row || typedOperand(*row) >= op->getNumOperands())
        return;
      auto type = dyn_cast<ShapedType>(op->getOperand(typedOperand(*row)).getType());
      auto function = op->getParentOfType<func::FuncOp>();
      bool isHosts = host.target && function && function->hasAttr(kProgramAttr); // whatever the target is
      if (!type || (isHosts && target != host.target))
        return;
      std::string element = elementTypeName(type.getElementType());
      if (auto why = target->refusal(*row, element))
        status = op->emitError() << "target '" << target->getName() << "' cannot compute it on " << element << ": " << *why;
    });
    return status;
  }

  LogicalResult runPasses(void (*build)(OpPassManager &)) {
    PassManager pm(&context);
    pm.enableVerifier(false); // once per phase is enough, and a tenth faster
    build(pm);
    return success(succeeded(pm.run(*module)) && succeeded(verify(*module)));
  }

  CompileCode runPhase(Phase phase) {
    if (!progress(phase))
      return CompileCode::Cancelled;
    if (module)
      reproducer = cast<ModuleOp>((*module)->clone());
    LogicalResult status = success();
    switch (phase) {
    case Phase::Import:
      break;
    case Phase::Quantize:
      status = quantizePhase();
      break;
    case Phase::Simplify:
      status = runPasses(buildSimplifyPhase);
      if (project && mlir::succeeded(status)) // calibration sees what becomes hardware
        status = runPasses(buildDecomposition);
      break;
    case Phase::Fuse:
      if (!project)
        status = runPasses(buildDecomposition);
      if (mlir::failed(status))
        break;
      for (const Target *target : targets)
        if (mlir::failed(checkTarget(target)))
          status = failure();
      if (mlir::succeeded(status) && !project) // which takes the graph
        status = runPasses(buildFusePhase);
      break;
    case Phase::Dispatch:
      if (!project)
        return runBackends(phase);
      status = project->convert(*module, targetOptions.front());
      break;
    case Phase::Codegen:
      if (!project)
        return runBackends(phase);
      break;
    case Phase::Schedule:
      if (!project)
        return runBackends(phase);
      status = project->schedule(*module, targetOptions.front());
      break;
    case Phase::Emit:
      if (options.emit == "artifact")
        status = project ? emitProject() : emitArtifact();
      break;
    }
    if (mlir::failed(status) || diagnostics.sawError())
      return failed(phase);
    return phase == Phase::Emit ? dumpBackends(phase) : dump(phase);
  }

  LogicalResult quantizePhase() {
    if (options.quantize) {
      if (!host.target)
        return module->emitError("--quantize needs a target that runs on this machine");
      RuntimeRunner runner(here);
      QuantizeOptions how = *options.quantize;
      how.threads = options.threads;
      if (mlir::failed(quantize(*module, how, runner, output.quantization)))
        return failure();
      if (!project) // which needs the ranges of what stays in floats
        return success();
    }
    return options.calibration.empty() ? success() : calibrate(*module, here, options.calibration);
  }

  void addBackend(size_t i, OwningOpRef<ModuleOp> of) {
    backends.push_back(
        std::make_unique<Backend>(TargetChoice{targets[i], targetOptions[i]}, host, std::move(of), targets.size() == 1));
  }

  // From here on each target has a module of its own; the last one takes what the phases before have left.
  void makeBackends() {
    if (!backends.empty())
      return;
    for (size_t i = 0; i + 1 < targets.size(); ++i)
      addBackend(i, cast<ModuleOp>((*module)->clone()));
    addBackend(targets.size() - 1, std::move(module));
  }

  CompileCode runBackends(Phase phase) {
    makeBackends();
    for (auto &backend : backends) {
      reproducer = cast<ModuleOp>(backend->getModule()->clone());
      LogicalResult status = phase == Phase::Dispatch  ? backend->dispatch()
                             : phase == Phase::Codegen ? backend->codegen()
                                                       : backend->schedule();
      if (mlir::failed(status) || diagnostics.sawError())
        return failed(phase);
    }
    return dumpBackends(phase);
  }

  LogicalResult emitProject() {
    std::string explanation;
    std::vector<ProjectFile> files = project->print(*module, explanation);
    if (options.explain)
      output.explanation += explanation;
    std::string problem = writeProject(files, output.path);
    if (problem.empty())
      return success();
    diagnostics.report(Severity::Error, problem, "");
    return failure();
  }

  LogicalResult emitArtifact() {
    makeBackends();
    std::vector<PlanSource> plans;
    EmitOptions emit;
    for (auto &backend : backends) {
      plans.push_back(backend->getPlan());
      if (!options.explain)
        continue;
      if (backends.size() > 1)
        output.explanation += "plan for " + backend->getTarget().getName().str() + ":\n";
      output.explanation += formatExplanation(explainSchedule(backend->getModule()));
    }
    if (auto model = backends.front()->getModule()->getAttrOfType<StringAttr>("laic.model"))
      emit.model = llvm::sys::path::filename(model.getValue()).str();
    if (!output.path.empty())
      return writeProgram(plans, emit, output.path);
    std::vector<uint8_t> bytes;
    if (mlir::failed(writeProgram(plans, emit, bytes)))
      return failure();
    output.bytes.assign(bytes.begin(), bytes.end());
    return success();
  }

  CompileCode emitModel() {
    ExportOptions of;
    of.producerVersion = LAIC_VERSION;
    LogicalResult status = runPasses(buildOnnxForm);
    if (mlir::succeeded(status))
      status = output.path.empty() ? exportModel(*module, of, output.bytes) : exportModel(*module, of, output.path);
    return mlir::succeeded(status) ? CompileCode::Ok : failed(Phase::Emit);
  }

  CompileCode emitText() {
    std::string text;
    llvm::raw_string_ostream os(text);
    ModuleOp last = backends.empty() ? *module : backends.front()->getModule();
    last.print(os, OpPrintingFlags().enableDebugInfo(false));
    if (output.path.empty()) {
      output.bytes.assign(text.begin(), text.end());
      return CompileCode::Ok;
    }
    auto error = llvm::writeToOutput(output.path, [&](llvm::raw_ostream &out) {
      out << text;
      return llvm::Error::success();
    });
    if (!error)
      return CompileCode::Ok;
    diagnostics.report(Severity::Error, "cannot write '" + output.path + "': " + llvm::toString(std::move(error)), "");
    return CompileCode::Failed;
  }

  const CompileOptions &options;
  const CompileInput &input;
  CompileOutput &output;
  MLIRContext context;
  DiagnosticBridge diagnostics;
  std::vector<const Target *> targets;
  Math math = Math::Default;
  std::vector<TargetOptions> targetOptions; // one per target
  const ProjectTarget *project = nullptr;   // of the only target, where it writes one
  TargetChoice host, here;                  // `here`: for what runs while compiling
  OwningOpRef<ModuleOp> module;             // until the targets part
  std::vector<std::unique_ptr<Backend>> backends;
  OwningOpRef<ModuleOp> reproducer;
  std::optional<ArtifactCache> cache;
  bool cached = false;        // the artifact came from there
  Phase done = Phase::Import; // the phase that made the module when the first one starts
};

} // namespace

CompileCode laic::compile(const CompileOptions &options, const CompileInput &input, CompileOutput &output) {
  return Compilation(options, input, output).run();
}
