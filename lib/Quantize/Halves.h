// A float model in 16-bit floats: f16 or bf16 between casts.
#ifndef LAIC_LIB_QUANTIZE_HALVES_H
#define LAIC_LIB_QUANTIZE_HALVES_H

#include "FloatPeaks.h"
#include "HalfConstants.h"
#include "HalfOperators.h"
#include "Report.h"
#include "laic/Dialect/Laic/CoreOps.h"

namespace laic {

/// What is decided for one operation that reads or yields f32.
struct HalfPlan {
  std::string name, kind;              // of the node, and its ONNX operator
  const HalfOperator *known = nullptr; // null: always in f32
  std::string kept;                    // why it stays in f32; empty: it does not
  bool exact = false;                  // it is kept because digits count; so is what only such operations read
  bool large = false;                  // its constants are beyond the range
  int64_t weightBytes = 0;             // of its constants, as f32
  double signal = 0, noise = 0;        // of its constants, and of their rounding

  bool moves() const { return known && known->manner == HalfManner::Move; }
  bool sums() const { return known && known->manner == HalfManner::Sum; }
};

class Halves {
public:
  /// `samples`: null where none are given; then nothing is known of what activations reach, and no loss is measured.
  Halves(mlir::ModuleOp module, const QuantizeOptions &options, GraphRunner &runner, const Samples *samples);
  llvm::LogicalResult run();
  llvm::ArrayRef<HalfPlan> getPlan() const { return plan; }
  llvm::ArrayRef<OutputLoss> getLosses() const { return losses; }
  std::vector<LayerReport> report() const;

private:
  /// A constant and its form in 16 bits, which copies of the module share.
  struct Constant {
    mlir::TypedAttr value;
    double largest = 0, signal = 0, noise = 0;
    bool vanishes = false; // most of what was not zero becomes zero
  };

  llvm::LogicalResult decide();
  HalfPlan planOf(mlir::Operation *op);
  std::string checkConstants(mlir::Operation *op, HalfPlan &decided);
  void keepIntegers();
  void keepWhatIsReadWide();
  void keepBeyondRange();
  bool isBounded(mlir::Operation *op, const HalfPlan &one);
  llvm::SmallVector<mlir::Value> findWatched();
  llvm::LogicalResult keepPeaks();
  llvm::LogicalResult widen();
  void apply(mlir::func::FuncOp main, llvm::ArrayRef<HalfPlan> decided);
  void releaseConstants();
  const Constant &constantOf(ConstantOp op);

  mlir::ModuleOp module;
  const QuantizeOptions &options;
  GraphRunner &runner;
  const Samples *samples;
  mlir::FloatType narrow;
  std::string typeName; // "f16"
  std::optional<FloatPeaks> floats;
  llvm::SmallVector<mlir::Operation *> operations; // of @main, one per element of the plan
  std::vector<HalfPlan> plan;
  llvm::DenseMap<mlir::Attribute, Constant> constants; // by their value in f32
  std::vector<OutputLoss> losses;
};

} // namespace laic
#endif
