// Weights alone in blocks of few bits: MatMulNBits and GatherBlockQuantized.
#ifndef LAIC_LIB_QUANTIZE_WEIGHTONLY_H
#define LAIC_LIB_QUANTIZE_WEIGHTONLY_H

#include "Blocks.h"
#include "ChannelDivision.h"
#include "Report.h"

namespace laic {

/// What is decided for one product or table.
struct BlockPlan {
  std::string name, kind, kept;
  std::shared_ptr<BlockWeights> weights; // null where it is kept
  int64_t weightBytes = 0;               // as f32
  double noise = 0;                      // squares of the weights' rounding errors
  // What the weights are to be multiplied by, per input channel, and divided by, per output channel: blocks are, others are still as they
  // were in the model. Empty: nothing.
  std::vector<float> inputFactors, outputDivisors;
};

class WeightOnly {
public:
  /// `samples`: null where none are given; then no loss is measured.
  WeightOnly(mlir::ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, const Samples *samples)
      : module(module), options(options), runner(runner), samples(samples), workers(options.threads) {}
  llvm::LogicalResult run();
  llvm::ArrayRef<BlockPlan> getPlan() const { return plan; }
  llvm::ArrayRef<OutputLoss> getLosses() const { return losses; }
  std::vector<LayerReport> report() const;

private:
  BlockForm form() const { return {options.blockSize, options.kind == QuantizeKind::Int4 ? 4 : 8, options.asymmetric}; }
  void apply(mlir::func::FuncOp main, llvm::ArrayRef<BlockPlan> decided) const;
  llvm::LogicalResult decide();
  llvm::LogicalResult observe();
  void scale(llvm::MutableArrayRef<Layer> layers);
  std::vector<float> chooseFactors(llvm::ArrayRef<const Layer *> readers, size_t tensor) const;
  void round(const Layer &layer, size_t number);
  void addTables();
  std::string whyKept(const Layer &layer) const;
  llvm::LogicalResult widen();

  mlir::ModuleOp module;
  const QuantizeOptions &options;
  GraphRunner &runner;
  const Samples *samples;
  Workers workers;
  std::optional<FloatRun> floats;
  std::vector<ChannelMoments> moments; // per tensor, as `scale` leaves it
  std::vector<ErrorFeedback> feedback;
  std::vector<BlockPlan> plan; // layers as findLayers has them, then tables
  std::vector<OutputLoss> losses;
};

} // namespace laic
#endif
