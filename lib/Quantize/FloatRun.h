// The model in floats on the samples: what its layers read, and what they make of it.
#ifndef LAIC_LIB_QUANTIZE_FLOATRUN_H
#define LAIC_LIB_QUANTIZE_FLOATRUN_H

#include "Layers.h"
#include "Measure.h"
#include "Ranges.h"
#include "laic/Support/Workers.h"

namespace laic {

/// What one sample holds of a tensor, its channels last.
struct Activation {
  size_t tensor = 0; // its number
  llvm::ArrayRef<float> values;
  int64_t channels = 1;
};

/// Sums over all elements of each channel of an activation: of x, x squared, its rounding error, and that squared; and its ends.
struct ChannelMoments {
  std::vector<double> x, square, error, errorSquare;
  std::vector<float> lo, hi;
  int64_t count = 0; // elements of a channel
  /// `rounding`: null where nothing is rounded.
  void add(const Activation &activation, const AffineScale *rounding);
  /// Each row, of all channels, is rounded to s8 with a scale of its own.
  void addRows(const Activation &activation);

private:
  void start(const Activation &activation);
  void addRow(llvm::ArrayRef<float> row);
  void addErrors(llvm::ArrayRef<float> row, AffineScale scale, float low, float high);
};

/// The activation with each channel divided by a number of its own; `storage` holds it. Without divisors, as it is.
Activation divided(const Activation &activation, llvm::ArrayRef<float> divisors, std::vector<float> &storage);

/// A layer in the float run.
struct WatchedLayer {
  size_t tensor = 0;            // which of the tensors it reads
  std::vector<double> energies; // mean square of the elements of each channel of its output
};

/// Compiles @main of a module once, with what its layers read and yield as further results, and runs it as often as asked.
class FloatRun {
public:
  /// `workers`: who look at the tensors.
  FloatRun(mlir::ModuleOp module, GraphRunner &runner, const Samples &samples, Workers &workers)
      : module(module), runner(runner), samples(samples), workers(workers) {}

  /// `passes`: how often the samples will be observed.
  mlir::LogicalResult compile(llvm::ArrayRef<std::string> keepFloat, size_t passes);
  /// For each sample what every tensor holds: calls for different tensors may come on different threads, those for one in the order of the
  /// samples. The first time it runs all samples and keeps the outputs as the reference, the energies, and
  /// for later times the tensors of samples that take longer to run than they are large.
  mlir::LogicalResult observe(llvm::function_ref<void(const Activation &x)> take);
  /// Gives back the memory of the compiled model and of the tensors.
  void release();

  size_t tensors() const { return tensorCount; }
  llvm::ArrayRef<WatchedLayer> layers() const { return watched; } // as findLayers has them
  /// The layers that read each tensor, by their numbers.
  std::vector<llvm::SmallVector<size_t>> readers() const;
  const Reference &getReference() const { return *reference; }

private:
  mlir::LogicalResult run(size_t sample, llvm::SmallVectorImpl<TensorView> &outputs);
  void keep(size_t sample, llvm::ArrayRef<TensorView> tensors, double seconds);
  void addEnergies(const Activation &y, std::vector<double> &energies) const;

  mlir::ModuleOp module;
  GraphRunner &runner;
  const Samples &samples;
  Workers &workers;
  std::unique_ptr<RunnableGraph> graph;
  size_t ownResults = 0, tensorCount = 0, passes = 1;
  struct KeptTensor {
    std::vector<float> values;
    int64_t channels;
  };
  std::vector<std::vector<KeptTensor>> kept; // per sample; empty where it is run again
  size_t keptBytes = 0;
  bool observed = false;
  std::vector<WatchedLayer> watched;
  std::optional<Reference> reference;
};

/// "the model fails on the samples: ..." at @main.
mlir::LogicalResult reportRun(mlir::ModuleOp module, const std::string &problem);
mlir::func::FuncOp mainOf(mlir::ModuleOp module);
/// Of the outputs, in their order.
std::vector<std::string> resultNames(mlir::func::FuncOp main);

} // namespace laic
#endif
