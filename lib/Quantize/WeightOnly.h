// Weights alone in blocks of few bits: MatMulNBits and GatherBlockQuantized.
#ifndef LAIC_LIB_QUANTIZE_WEIGHTONLY_H
#define LAIC_LIB_QUANTIZE_WEIGHTONLY_H

#include "ErrorFeedback.h"
#include "Report.h"

namespace laic {

/// A matrix [rows][columns], each row in blocks of neighbouring columns. An integer q of block b stands for (q - zeros[b]) * scales[b].
struct BlockWeights {
  std::vector<uint8_t> packed;  // [rows][blocks][bytes of a block], the lowest bits first
  std::vector<float> scales;    // [rows][blocks]
  std::vector<uint8_t> zeros;   // packed like a row; empty: 2^(bits - 1)
  double signal = 0, noise = 0; // sums of squares: of the weights, and of their rounding errors
};

/// How blocks are made.
struct BlockForm {
  int64_t blockSize = 32, bits = 4;
  bool asymmetric = false;
};

/// Rounds to nearest, with the scale of each block that has the least square error. Columns beyond the last whole block are filled up with
/// zeros. `feedback`, where given: rounding errors of a column are made up for by the columns behind it. `importance`: a weight for the error
/// of each column, or empty.
BlockWeights quantizeBlocks(llvm::ArrayRef<float> matrix, int64_t rows, int64_t columns, BlockForm form,
                            llvm::ArrayRef<double> importance = {}, const ErrorFeedback *feedback = nullptr);

/// What is decided for one product or table.
struct BlockPlan {
  std::string name, kind, kept;
  std::shared_ptr<BlockWeights> weights; // null where it is kept
  int64_t weightBytes = 0;               // as f32
  double noise = 0;                      // squares of the weights' rounding errors
};

class WeightOnly {
public:
  /// `samples`: null where none are given; then no loss is measured.
  WeightOnly(mlir::ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, const Samples *samples)
      : module(module), options(options), runner(runner), samples(samples) {}
  llvm::LogicalResult run();
  llvm::ArrayRef<BlockPlan> getPlan() const { return plan; }
  llvm::ArrayRef<OutputLoss> getLosses() const { return losses; }
  std::vector<LayerReport> report() const;

private:
  BlockForm form() const { return {options.blockSize, options.kind == QuantizeKind::Int4 ? 4 : 8, options.asymmetric}; }
  void apply(mlir::func::FuncOp main, llvm::ArrayRef<BlockPlan> decided) const;
  llvm::LogicalResult decide();
  llvm::LogicalResult widen();

  mlir::ModuleOp module;
  const QuantizeOptions &options;
  GraphRunner &runner;
  const Samples *samples;
  std::optional<FloatRun> floats;
  std::vector<BlockPlan> plan; // layers as findLayers has them, then tables
  std::vector<OutputLoss> losses;
};

} // namespace laic
#endif
