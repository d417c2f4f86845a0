// An artifact in memory, loaded by the runtime that lives in the compiler.
#include "RuntimeRunner.h"

#include "Phases.h"
#include "laic/Dialect/Laic/AttentionOps.h"
#include "laic/Dialect/Laic/ContribLinearOps.h"
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/Passes.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/RecurrentOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Pipelines/Backend.h"
#include "laic/runtime.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <cstring>
#include <sys/mman.h>

using namespace mlir;
using namespace laic;

namespace {

struct Release {
  void operator()(laic_module_t *module) const { laic_module_release(module); }
  void operator()(laic_pool_t *pool) const { laic_pool_release(pool); }
  void operator()(laic_context_t *context) const { laic_context_release(context); }
};

/// The text of a status, which is freed; "" for success.
std::string textOf(laic_status_t *status) {
  std::string text = status ? laic_status_message(status) : "";
  laic_status_free(status);
  return text;
}

class LoadedGraph : public RunnableGraph {
public:
  ~LoadedGraph() override {
    context.reset();
    module.reset();
    if (pages)
      munmap(pages, size);
  }

  std::string load(llvm::ArrayRef<uint8_t> bytes, unsigned threads) {
    void *mapped = mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
      return "out of memory";
    pages = mapped;
    size = bytes.size();
    std::memcpy(pages, bytes.data(), size);
    laic_module_options_t moduleOptions = {};
    moduleOptions.struct_size = sizeof moduleOptions;
    moduleOptions.verify = LAIC_VERIFY_STRUCTURE; // the bytes were made here
    laic_module_t *loaded = nullptr;
    if (std::string problem = textOf(laic_module_load_memory(pages, size, &moduleOptions, &loaded)); !problem.empty())
      return problem;
    module.reset(loaded);
    laic_pool_options_t poolOptions = {};
    poolOptions.struct_size = sizeof poolOptions;
    poolOptions.threads = threads;
    laic_pool_t *created = nullptr;
    if (std::string problem = textOf(laic_pool_create(&poolOptions, &created)); !problem.empty())
      return problem;
    pool.reset(created);
    laic_context_options_t contextOptions = {};
    contextOptions.struct_size = sizeof contextOptions;
    contextOptions.pool = created;
    laic_context_t *made = nullptr;
    std::string problem = textOf(laic_context_create(loaded, &contextOptions, &made));
    context.reset(made);
    return problem;
  }

  std::string run(llvm::ArrayRef<TensorView> inputs, llvm::SmallVectorImpl<TensorView> &outputs) override {
    for (auto [i, input] : llvm::enumerate(inputs)) {
      laic_binding_t binding = {};
      binding.struct_size = sizeof binding;
      binding.data = const_cast<char *>(input.bytes.data());
      binding.type = static_cast<laic_type_t>(input.type);
      binding.rank = static_cast<int32_t>(input.shape.size());
      binding.sizes = input.shape.data();
      if (std::string problem = textOf(laic_bind_input(context.get(), i, &binding)); !problem.empty())
        return problem;
    }
    if (std::string problem = textOf(laic_run(context.get())); !problem.empty())
      return problem;
    outputs.clear();
    for (size_t i = 0; i < laic_module_output_count(module.get()); ++i) {
      laic_binding_t binding = {};
      binding.struct_size = sizeof binding;
      if (std::string problem = textOf(laic_output(context.get(), i, &binding)); !problem.empty())
        return problem;
      TensorView view;
      view.type = binding.type;
      view.shape.assign(binding.sizes, binding.sizes + binding.rank);
      view.bytes = llvm::ArrayRef(static_cast<const char *>(binding.data), view.elements() * laic_type_size(binding.type));
      outputs.push_back(std::move(view));
    }
    return "";
  }

private:
  void *pages = nullptr;
  size_t size = 0;
  std::unique_ptr<laic_module_t, Release> module;
  std::unique_ptr<laic_pool_t, Release> pool;
  std::unique_ptr<laic_context_t, Release> context;
};

/// Of a tensor; 1 of what is not there, infinite where its sizes are not known.
double elementsOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return isa<TensorType>(value.getType()) ? HUGE_VAL : 1;
  return type.hasStaticShape() ? static_cast<double>(type.getNumElements()) : HUGE_VAL;
}

/// Multiply-adds of one run, to choose by: those of products and convolutions, and ten for each element that another operation makes. Infinite
/// where sizes or counts of passes are not known.
double multiplyAdds(ModuleOp module) {
  constexpr double kPerElement = 10;
  double work = 0;
  module.walk([&](Operation *op) {
    if (op->getNumResults() == 0 || op->hasTrait<OpTrait::ConstantLike>())
      return;
    double y = elementsOf(op->getResult(0));
    if (isa<LSTMOp, GRUOp, RNNOp, LoopOp, ScanLoopOp>(op)) {
      work = HUGE_VAL;
    } else if (isa<ConvOp, ConvTransposeOp>(op)) {
      // Weights of a filter for each output; transposed, those of a channel for each input.
      double walked = isa<ConvOp>(op) ? y : elementsOf(op->getOperand(0)), weights = elementsOf(op->getOperand(1));
      auto w = dyn_cast<RankedTensorType>(op->getOperand(1).getType());
      work += walked * weights / static_cast<double>(w && w.getRank() > 0 ? std::max<int64_t>(w.getDimSize(0), 1) : 1);
    } else if (isa<MatMulOp, GemmOp, MatMulNBitsOp, MatMulIntegerOp, QLinearMatMulOp, EinsumOp, AttentionOp>(op)) {
      // [m, k] x [k, n] is m * k * n: the root of all three sizes. Near enough for what is a stack, or packed.
      work += std::sqrt(elementsOf(op->getOperand(0)) * elementsOf(op->getOperand(1)) * y);
    } else {
      work += kPerElement * y;
    }
  });
  return work;
}

} // namespace

// Decided by the model and its samples alone: what is made twice from the same is the same, and sums of quick code may differ in the last bit.
std::unique_ptr<RunnableGraph> RuntimeRunner::compile(OwningOpRef<ModuleOp> module, std::optional<size_t> runs) {
  // Quick code takes about two and a half times as long to run as fast code, which takes as much longer to make. Beyond a second or two of
  // running the latter is the lesser evil.
  constexpr double kMostQuickWork = 15e9;
  PassManager infer(module->getContext()); // sizes that the samples have
  infer.addNestedPass<func::FuncOp>(createLaicInferShapes());
  if (failed(infer.run(*module)))
    return nullptr;
  bool quick = runs && multiplyAdds(*module) * static_cast<double>(*runs) <= kMostQuickWork;
  return compileNow(std::move(module), quick);
}

std::unique_ptr<RunnableGraph> RuntimeRunner::compileNow(OwningOpRef<ModuleOp> module, bool quick) {
  ScopedDiagnosticHandler quiet(module->getContext(),
                                [](Diagnostic &d) { return success(d.getSeverity() == DiagnosticSeverity::Remark); });
  Location loc = module->getLoc();
  TargetChoice choice = host;
  choice.options.quick = quick;
  PassManager pm(module->getContext());
  pm.enableVerifier(false);
  buildDecomposition(pm);
  buildFusePhase(pm);
  if (failed(pm.run(*module)) || failed(verify(*module)))
    return nullptr;
  Backend backend(choice, choice, std::move(module), /*alone=*/false);
  if (failed(backend.dispatch()) || failed(backend.codegen()) || failed(backend.schedule()))
    return nullptr;
  std::vector<uint8_t> bytes;
  if (failed(writeProgram({backend.getPlan()}, EmitOptions(), bytes)))
    return nullptr;
  auto graph = std::make_unique<LoadedGraph>();
  if (std::string problem = graph->load(bytes, host.options.threads); !problem.empty()) {
    emitError(loc) << "the model cannot be run on this machine: " << problem;
    return nullptr;
  }
  return graph;
}
