// The products with constant weights that quantisation is about.
#ifndef LAIC_LIB_QUANTIZE_LAYERS_H
#define LAIC_LIB_QUANTIZE_LAYERS_H

#include "laic/Quantize/Quantize.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace laic {

/// Conv, MatMul or Gemm of an f32 activation and f32 constants.
struct Layer {
  mlir::Operation *op = nullptr;
  std::string name;        // of the node
  std::string kind;        // the ONNX operator
  mlir::Value x, weights;  // operands
  mlir::Value bias;        // a constant of one element per output channel, or null
  int64_t channelAxis = 0; // of the weights: output channels
  std::string kept;        // why it stays in floats; empty: it does not

  unsigned xOperand() const { return 0; }
  unsigned weightsOperand() const { return 1; }
  mlir::RankedTensorType xType() const { return llvm::cast<mlir::RankedTensorType>(x.getType()); }
  mlir::RankedTensorType weightsType() const { return llvm::cast<mlir::RankedTensorType>(weights.getType()); }
  int64_t channels() const { return weightsType().getDimSize(channelAxis); }
  /// The axis of the result along which its channels lie, and that of the activation.
  int64_t resultAxis() const;
  int64_t xAxis() const;
  /// Calls fn(position, output channel, input channel) for every weight.
  template <typename Fn> void eachWeight(Fn fn) const;

private:
  /// How weights lie: [outputs][inputs of a group][taps], or a matrix with its output channels in rows or in columns, taps 0.
  struct Order {
    int64_t rows, columns, taps, outputsOfGroup;
  };
  Order orderOfWeights() const;
};

template <typename Fn> void Layer::eachWeight(Fn fn) const {
  Order order = orderOfWeights();
  int64_t at = 0;
  for (int64_t row = 0; row < order.rows; ++row) {
    int64_t first = order.taps ? row / order.outputsOfGroup * order.columns : 0;
    for (int64_t column = 0; column < order.columns; ++column) {
      if (order.taps == 0) {
        channelAxis == 0 ? fn(at, row, column) : fn(at, column, row);
        ++at;
      }
      for (int64_t tap = 0; tap < order.taps; ++tap)
        fn(at++, row, first + column);
    }
  }
}

/// All of them in @main, in the order of the graph. What matches a glob of `keepFloat` has `kept` set.
std::vector<Layer> findLayers(mlir::func::FuncOp main, llvm::ArrayRef<std::string> keepFloat);
/// Gather of rows of a constant f32 matrix.
struct Table {
  mlir::Operation *op = nullptr;
  std::string name; // of the node
  mlir::Value data;
  mlir::RankedTensorType type() const { return llvm::cast<mlir::RankedTensorType>(data.getType()); }
};

/// All of them in @main, in the order of the graph.
std::vector<Table> findTables(mlir::func::FuncOp main);
/// Why a table stays in floats; empty: it does not.
std::string whyKept(const Table &table, llvm::ArrayRef<std::string> keepFloat);
/// Whether a value is a constant of f32 with one element per channel, along its last axis.
bool isBias(mlir::Value value, int64_t channels);
/// Fewer weights than these are not worth the trouble, where weights alone are quantised.
constexpr int64_t kFewWeights = 1024;
/// Whether one of the globs matches a name.
bool matchesGlob(llvm::ArrayRef<std::string> globs, llvm::StringRef name);
/// Whether some glob matches nothing at all; the first such, or "".
std::string unusedGlob(mlir::func::FuncOp main, llvm::ArrayRef<std::string> keepFloat);

/// The elements of a constant of f32; empty for anything else.
llvm::ArrayRef<float> floatsOf(mlir::Value constant, std::vector<char> &scratch);
/// Whether all elements of a constant of f32 are finite.
bool isFinite(mlir::Value constant);
constexpr llvm::StringLiteral kHasFewWeights = "it has few weights";
constexpr llvm::StringLiteral kNamed = "--keep-float names it";
/// Why a layer with others stays in floats.
constexpr llvm::StringLiteral kNotFinite = "its weights hold NaN or infinity";
/// The name of the node that an operation comes from.
std::string nodeName(mlir::Operation *op);

} // namespace laic
#endif
