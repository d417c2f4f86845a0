// Walks the simplified graph and turns every operation, with what can be fused into it, into stages of a design.
//
// Families of operations (Linear.cpp, Pool.cpp, Elementwise.cpp, Softmax.cpp, Movement.cpp) take flows of their operands, build stages,
// and set the flow of the value that comes out. Streams may have several readers until `run` ends; forks are put in then.
#ifndef LAIC_LIB_TARGETS_HLS_GRAPHCONVERTER_H
#define LAIC_LIB_TARGETS_HLS_GRAPHCONVERTER_H

#include "Constants.h"
#include "Encoding.h"
#include "StageBuilder.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/NormOps.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace laic::hls {

/// A tensor on its way through the design.
struct Flow {
  mlir::Value stream;
  Encoding encoding;
  llvm::SmallVector<int64_t> shape;
  Order order;

  unsigned lanes() const { return llvm::cast<StreamType>(stream.getType()).getLanes(); }
  int64_t elements() const { return order.elements(); }
  int64_t words() const { return elements() / lanes(); }
};

/// What is fused behind an operation: per channel result * scale + bias, then bounds, then the encoding of what comes out.
struct Tail {
  mlir::Value end;
  Encoding encoding;
  std::vector<double> scale, bias; // one per channel
  Clamp clamp;
};

/// A batch normalisation with constant statistics, per channel: (x - mean) * factor + shift.
struct Normalization {
  std::vector<double> factor, mean, shift;
};
/// Nothing where a statistic is no constant.
std::optional<Normalization> normalizationOf(BatchNormalizationOp op);

/// A layer of products: `pixels` results of `outputs` channels, each a sum over `inputs` channels at `taps` places.
struct LinearLayer {
  std::string name;
  int64_t pixels, outputs, inputs, taps;
};
/// How many output and input channels a layer works on at once; they divide them.
struct Folding {
  int64_t pe = 1, simd = 1;
};

class GraphConverter {
public:
  /// `foldings`: one per linear layer in the order in which they come; empty: all products one by one. `width`: bits of fixed-point numbers.
  GraphConverter(mlir::func::FuncOp main, mlir::OpBuilder &b, unsigned width, llvm::ArrayRef<Folding> foldings);

  /// Reports everything that cannot be converted.
  llvm::LogicalResult run();
  DesignOp getDesign() const { return design.getDesign(); }
  llvm::ArrayRef<LinearLayer> getLayers() const { return layers; }

  // ---- for the families ----

  llvm::LogicalResult refuse(mlir::Operation *op, const llvm::Twine &why);
  bool isConstant(mlir::Value value) const { return constants.contains(value); }
  /// The flow of an operand; a port where it is an input that was not used before.
  llvm::FailureOr<Flow> take(mlir::Operation *user, mlir::Value value);
  void set(mlir::Value value, const Flow &flow) { flows.insert({value, flow}); }
  /// A new stream. `shape` and `order` are those of the result.
  Flow make(mlir::Location loc, llvm::StringRef suffix, unsigned lanes, const Encoding &encoding, llvm::ArrayRef<int64_t> shape,
            const Order &order);
  /// The same tensor in another order, with words of other sizes, with other numbers within bounds; the flow itself where nothing is to do.
  Flow inOrder(mlir::Location loc, Flow flow, const Order &order);
  Flow withLanes(mlir::Location loc, Flow flow, unsigned lanes);
  Flow rescaled(mlir::Location loc, Flow flow, const Encoding &encoding, const Clamp &clamp = {});
  /// What follows the result of `op` and can be computed along with it. `channels` along `axis` of the result take scales and biases;
  /// 0: none are fused, bounds alone.
  llvm::FailureOr<Tail> fuseTail(mlir::Operation *op, mlir::Value result, int64_t channels, int64_t axis);
  /// The bounds of a Relu or a Clip with constant ones on `value`; nothing for other operations.
  std::optional<Clamp> boundsOf(mlir::Operation *op, mlir::Value value);
  /// The encoding that quantize_linear gives its result.
  llvm::FailureOr<Encoding> quantizedEncoding(QuantizeLinearOp op);
  void skip(mlir::Operation *op) { done.insert(op); }
  Folding folding(const LinearLayer &layer);
  unsigned getWidth() const { return width; }
  DesignBuilder design;

private:
  llvm::LogicalResult convert(mlir::Operation *op);
  llvm::FailureOr<Encoding> inputEncoding(mlir::BlockArgument argument);
  llvm::FailureOr<Encoding> floatEncoding(mlir::Operation *op, mlir::Value value);
  bool setPortOrder(const Flow &flow, const Order &order);
  bool fuse(mlir::Operation *user, Tail &tail, int64_t channels, int64_t axis);
  bool fuseAffine(mlir::Operation *user, Tail &tail, int64_t channels, int64_t axis);
  llvm::LogicalResult finish(mlir::func::ReturnOp end);
  void insertForks();
  void rename(mlir::Value from, mlir::Value to);

  mlir::func::FuncOp main;
  unsigned width;
  llvm::ArrayRef<Folding> foldings;
  std::vector<LinearLayer> layers;
  llvm::DenseMap<mlir::Value, Flow> flows;
  llvm::DenseSet<mlir::Value> constants;
  llvm::DenseSet<mlir::Operation *> done;
};

// ---- families; each converts one operation ----

llvm::LogicalResult convertConv(GraphConverter &g, ConvOp op);
llvm::LogicalResult convertMatMul(GraphConverter &g, MatMulOp op);
llvm::LogicalResult convertGemm(GraphConverter &g, GemmOp op);
llvm::LogicalResult convertPool(GraphConverter &g, mlir::Operation *op); // max, average, global ones
llvm::LogicalResult convertReduceMean(GraphConverter &g, ReduceMeanOp op);
llvm::LogicalResult convertElementwise(GraphConverter &g, mlir::Operation *op);
llvm::LogicalResult convertBatchNormalization(GraphConverter &g, BatchNormalizationOp op);
llvm::LogicalResult convertSoftmax(GraphConverter &g, SoftmaxOp op);
llvm::LogicalResult convertConcat(GraphConverter &g, ConcatOp op);
llvm::LogicalResult convertTranspose(GraphConverter &g, TransposeOp op);

/// Emits the number that stands for `value` bits of `acc` after rounding to the encoding: hls.convert or hls.requantize with bounds.
struct Rescaler {
  Encoding out;
  Clamp clamp;
  bool fixed = false;     // accumulators carry the binary point
  Requantization integer; // otherwise
  RomOp multipliers;      // per channel; null: one for all

  /// `channel`: indices into `multipliers`.
  mlir::Value emit(StageBuilder &s, mlir::Value acc, mlir::ValueRange channel) const;
};

} // namespace laic::hls
#endif
