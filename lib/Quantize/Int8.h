// Products in integers: s8 weights, and activations in u8 with scales learnt from samples or in s8 with scales that each row gets when
// the model runs.
#ifndef LAIC_LIB_QUANTIZE_INT8_H
#define LAIC_LIB_QUANTIZE_INT8_H

#include "FloatRun.h"
#include "GraphEdit.h"
#include "Report.h"
#include "Smoothing.h"

namespace laic {

/// What is decided for one layer; by its number in findLayers.
struct LayerPlan {
  std::string name, kind;
  std::string kept;                           // why it stays in floats; empty: it does not
  AffineScale x;                              // of its activation
  std::shared_ptr<ByteWeights> weights;       // null where it is kept
  std::vector<float> biasShift;               // taken off each channel: the mean error that quantisation makes there
  double contextSignal = 0, contextNoise = 0; // of its output in the quantised model; measured for reports alone
  // For the report.
  const RangeObserver *observed = nullptr;
  std::array<double, 2> range = {0, 0};
  double signal = 0, noise = 0; // of its own output, and what its own rounding adds there: mean squares, summed over channels
  int64_t weightBytes = 0;      // as f32
};

/// What quantisation decides.
struct Int8Plan {
  bool perRow = false;           // rows of activations get their scales when the model runs
  std::vector<LayerPlan> layers; // as findLayers has them, then tables as findTables has them, whose weights alone become bytes
};

/// Puts pairs of QuantizeLinear and DequantizeLinear around the layers of a plan.
void applyInt8(mlir::func::FuncOp main, const Int8Plan &plan);

/// Decides and applies. `runner` compiles the graphs that are measured. Without samples, which QuantizeKind::Int8 needs, nothing is measured.
class Int8 {
public:
  Int8(mlir::ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, const Samples *samples)
      : module(module), options(options), runner(runner), samples(samples), workers(options.threads) {
    if (!samples)
      return;
    floats.emplace(module, runner, *samples, workers);
    smoothing.emplace(module, *floats);
  }
  llvm::LogicalResult run();
  const Int8Plan &getPlan() const { return plan; }
  llvm::ArrayRef<OutputLoss> getLosses() const { return losses; }
  std::vector<LayerReport> report() const;

private:
  void makePlan();
  bool leavesIntegers(const Layer &layer) const;
  void addTables();
  llvm::LogicalResult observe();
  void chooseScales();
  llvm::LogicalResult estimateNoise();
  void estimateNoise(const Layer &layer, LayerPlan &decided, const ChannelMoments &moments);
  llvm::LogicalResult widen();
  llvm::LogicalResult measureContext();

  mlir::ModuleOp module;
  const QuantizeOptions &options;
  GraphRunner &runner;
  const Samples *samples;
  Workers workers;
  std::optional<FloatRun> floats;
  std::optional<Smoothing> smoothing;
  std::vector<RangeObserver> observers; // one per tensor that layers read
  std::vector<AffineScale> scales;      // likewise
  Int8Plan plan;
  std::vector<OutputLoss> losses;
};

} // namespace laic
#endif
