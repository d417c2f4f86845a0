// Small changes to @main: constants, pairs of QuantizeLinear and DequantizeLinear, more results.
#ifndef LAIC_LIB_QUANTIZE_GRAPHEDIT_H
#define LAIC_LIB_QUANTIZE_GRAPHEDIT_H

#include "Ranges.h"
#include "Weights.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace laic {

/// Creates operations at the insertion point of `b`.
class GraphEditor {
public:
  GraphEditor(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  template <typename T> mlir::Value constant(llvm::ArrayRef<T> values, llvm::ArrayRef<int64_t> shape, mlir::Type element) {
    llvm::ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
    return constantOf(bytes, mlir::RankedTensorType::get(shape, element));
  }
  mlir::Value ints(llvm::ArrayRef<int64_t> values) {
    return constant(values, {static_cast<int64_t>(values.size())}, b.getI64Type());
  }
  mlir::Value floats(llvm::ArrayRef<float> values, llvm::ArrayRef<int64_t> shape) {
    return constant(values, shape, b.getF32Type());
  }
  mlir::Value none();
  /// x in another element type.
  mlir::Value castTo(mlir::Value x, mlir::Type element);

  /// x in u8, and as f32 again.
  mlir::Value quantized(mlir::Value x, AffineScale scale);
  /// x in s8, and as f32 again. Each row, along the last dim, which is `size` long, gets the scale of its largest magnitude.
  mlir::Value quantizedRows(mlir::Value x, int64_t size);
  /// Constants as f32.
  mlir::Value dequantized(const ByteWeights &weights, llvm::ArrayRef<int64_t> shape, int64_t axis);
  mlir::Value dequantized(llvm::ArrayRef<int32_t> values, llvm::ArrayRef<float> scales, llvm::ArrayRef<int64_t> shape);
  /// Over all axes but one, which is left.
  template <typename Op> mlir::Value reduceAllBut(mlir::Value x, int64_t axis) {
    llvm::SmallVector<int64_t> axes;
    for (int64_t d = 0; d < llvm::cast<mlir::RankedTensorType>(x.getType()).getRank(); ++d)
      if (d != axis)
        axes.push_back(d);
    auto type = mlir::UnrankedTensorType::get(b.getF32Type());
    return Op::create(b, loc, type, x, ints(axes), /*keepdims=*/0, /*noop_with_empty_axes=*/1);
  }

private:
  mlir::Value constantOf(llvm::ArrayRef<char> bytes, mlir::RankedTensorType type);
  template <typename T> mlir::Value dequantize(mlir::Value x, llvm::ArrayRef<float> scales, int64_t axis);
  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// Erases what nothing uses.
void eraseUnused(mlir::func::FuncOp main);
/// @main also returns these values, after its own results.
void addResults(mlir::func::FuncOp main, llvm::ArrayRef<mlir::Value> values);
/// What @main returns in f16 or bf16 it returns in f32.
void returnFloats(mlir::func::FuncOp main);

} // namespace laic
#endif
