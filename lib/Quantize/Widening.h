// How many layers must stay in floats so that the outputs keep what --quantize-loss asks for.
#ifndef LAIC_LIB_QUANTIZE_WIDENING_H
#define LAIC_LIB_QUANTIZE_WIDENING_H

#include "FloatRun.h"

namespace laic {

/// A layer that may be widened.
struct Candidate {
  size_t layer = 0;  // its number
  double noise = 0;  // what quantising it adds to its own output, or to its weights, as a share of their energy
  int64_t bytes = 0; // of its weights in floats
};

/// Why a widened layer stays in floats.
constexpr llvm::StringLiteral kWidened = "the outputs would lose more than --quantize-loss allows";

/// Says so in a plan, whose entries have `kept`.
template <typename Entry> std::vector<Entry> widened(std::vector<Entry> plan, llvm::ArrayRef<Candidate> wide) {
  for (const Candidate &one : wide)
    plan[one.layer].kept = kWidened.str();
  return plan;
}

/// Searches by halves, as more floats lose less: first nothing is widened, and only where that loses too much, more.
class Widening {
public:
  Widening(mlir::ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, const Samples &samples,
           const Reference &reference)
      : module(module), options(options), runner(runner), samples(samples), reference(reference) {}

  /// Quantises a copy of the module with all candidates but these.
  using Apply = llvm::function_ref<void(mlir::ModuleOp copy, llvm::ArrayRef<Candidate> widened)>;
  /// Which candidates are widened. Fails when a copy cannot be compiled or run.
  llvm::FailureOr<std::vector<Candidate>> search(std::vector<Candidate> candidates, Apply apply);
  /// The same for a plan, whose entries the candidates number: says in it which are kept. `apply(copy, plan)` applies one to a copy of the module.
  template <typename Entry, typename Fn>
  llvm::LogicalResult widen(std::vector<Entry> &plan, std::vector<Candidate> candidates, Fn apply) {
    llvm::FailureOr<std::vector<Candidate>> wide = search(
        std::move(candidates), [&](mlir::ModuleOp copy, llvm::ArrayRef<Candidate> some) { apply(copy, widened(plan, some)); });
    if (mlir::failed(wide))
      return mlir::failure();
    plan = widened(std::move(plan), *wide);
    return mlir::success();
  }
  /// Of what was chosen.
  llvm::ArrayRef<OutputLoss> getLosses() const { return losses; }

private:
  llvm::FailureOr<bool> holds(llvm::ArrayRef<Candidate> widened, Apply apply);
  /// How many from the front on.
  llvm::FailureOr<size_t> fewest(llvm::ArrayRef<Candidate> candidates, Apply apply);

  mlir::ModuleOp module;
  const QuantizeOptions &options;
  GraphRunner &runner;
  const Samples &samples;
  const Reference &reference;
  std::vector<OutputLoss> losses; // of the last attempt
};

} // namespace laic
#endif
