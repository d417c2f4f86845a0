// Drives the compilation of kernel functions: batches of kernels times feature levels, on several threads.
#include "Codegen.h"
#include "Features.h"
#include "KernelEmitter.h"
#include "LowerToLLVM.h"
#include "ObjectCode.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <atomic>
#include <mutex>
#include <thread>

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace {

constexpr size_t kBatch = 4;      // kernels per LLVM module: the unit that threads share out
constexpr uint64_t kAlign = 4096; // of a batch in the blob, so that AArch64's page-relative addresses hold

struct Job {
  const Level *level;
  llvm::ArrayRef<func::FuncOp> kernels;
  bool quick;
  std::vector<KernelInfo> infos;
  LinkedCode code;
  bool failed = false;
};

// Emits, lowers and compiles one batch. Diagnostics go to the context's handler.
llvm::LogicalResult compile(Job &job) {
  MLIRContext *context = func::FuncOp(job.kernels.front())->getContext();
  OwningOpRef<ModuleOp> module = ModuleOp::create(func::FuncOp(job.kernels.front()).getLoc());
  bool failed = false;
  for (func::FuncOp kernel : job.kernels) {
    FailureOr<KernelInfo> info = KernelEmitter(kernel, *job.level, *module).run();
    failed |= mlir::failed(info);
    if (succeeded(info))
      job.infos.push_back(*info);
  }
  if (failed)
    return failure();
  if (llvm::sys::Process::GetEnv("LAIC_DUMP_KERNELS"))
    module->dump();
  if (mlir::failed(lowerToLLVM(*module, *job.level)))
    return failure();
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> translated =
      translateModuleToLLVMIR(*module, llvmContext, "kernels", /*disableVerification=*/true);
  if (!translated)
    return failure();
  std::string assembly;
  bool wantsText = bool(llvm::sys::Process::GetEnv("LAIC_DUMP_KERNELS"));
  llvm::Expected<LinkedCode> code = compileModule(*translated, *job.level, job.quick, wantsText ? &assembly : nullptr);
  llvm::errs() << assembly;
  if (!code)
    return emitError(UnknownLoc::get(context))
           << llvm::toString(code.takeError()) << " (level " << job.level->name << ", kernels "
           << func::FuncOp(job.kernels.front()).getName() << " to " << func::FuncOp(job.kernels.back()).getName() << ")";
  job.code = std::move(*code);
  return success();
}

void runJobs(MLIRContext *context, std::vector<Job> &jobs, unsigned threads) {
  if (threads == 0)
    threads = std::max(1u, std::thread::hardware_concurrency());
  // A context that serves one thread everywhere else learns here to serve several.
  bool serial = !context->isMultithreadingEnabled(), several = threads > 1 && jobs.size() > 1;
  if (serial && several)
    context->enableMultithreading();
  ParallelDiagnosticHandler diagnostics(context);
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < jobs.size(); i = next++) {
      diagnostics.setOrderIDForThread(i);
      jobs[i].failed = failed(compile(jobs[i]));
      diagnostics.eraseOrderIDForThread();
    }
  };
  std::vector<std::thread> pool;
  for (unsigned i = 1; i < threads && i < jobs.size(); ++i)
    pool.emplace_back(work);
  work();
  for (std::thread &thread : pool)
    thread.join();
  if (serial && several)
    context->disableMultithreading();
}

// Appends a batch; its kernels come in the order of the functions, whatever the object's order was.
void append(CodeBlob &blob, const Job &job) {
  uint64_t base = llvm::alignTo(blob.bytes.size(), kAlign);
  blob.bytes.resize(base);
  blob.bytes.insert(blob.bytes.end(), job.code.bytes.begin(), job.code.bytes.end());
  for (func::FuncOp kernel : job.kernels)
    for (const KernelCode &code : job.code.kernels)
      if (code.name == kernel.getName())
        blob.kernels.push_back({code.name, base + code.offset, code.size});
}

} // namespace

llvm::FailureOr<CodegenResult> laic::cpu::generateCode(llvm::ArrayRef<func::FuncOp> kernels, const TargetOptions &options) {
  CodegenResult result;
  std::vector<std::string> names = options.levels;
  if (names.empty())
    names.push_back("native");
  std::vector<Level> levels;
  for (const std::string &name : names) {
    std::string error;
    std::optional<Level> level = parseLevel(name, error);
    if (!level) {
      if (kernels.empty())
        return failure();
      return func::FuncOp(kernels.front()).emitError() << error;
    }
    levels.push_back(std::move(*level));
  }
  for (const Level &level : levels) {
    CodeBlob blob;
    blob.requires_ = level.requires_;
    blob.hostRunnable = hostRuns(level);
    result.blobs.push_back(std::move(blob));
  }
  if (kernels.empty())
    return result;

  MLIRContext *context = func::FuncOp(kernels.front())->getContext();
  DialectRegistry registry;
  registerCodegenDialects(registry);
  context->appendDialectRegistry(registry);
  loadCodegenDialects(context);
  initialiseBackends();
  std::vector<Job> jobs;
  for (const Level &level : levels)
    for (size_t i = 0; i < kernels.size(); i += kBatch)
      jobs.push_back({&level, kernels.slice(i, std::min(kBatch, kernels.size() - i)), options.quick, {}, {}});
  runJobs(context, jobs, options.threads);
  if (llvm::any_of(jobs, [](const Job &job) { return job.failed; }))
    return failure();
  size_t batches = jobs.size() / levels.size();
  for (auto [i, job] : llvm::enumerate(jobs)) {
    append(result.blobs[i / batches], job);
    if (i < batches)
      llvm::append_range(result.infos, job.infos);
    for (auto [k, info] : llvm::enumerate(job.infos))
      if (info.tiles != result.infos[i % batches * kBatch + k].tiles)
        return func::FuncOp(job.kernels[k]).emitError("internal error: levels disagree about the tiles of this kernel");
  }
  return result;
}
