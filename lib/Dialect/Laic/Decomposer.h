// Short spellings for decompositions: every function creates one laic operation, whose shape inference fills in afterwards.
#ifndef LAIC_LIB_DIALECT_LAIC_DECOMPOSER_H
#define LAIC_LIB_DIALECT_LAIC_DECOMPOSER_H

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/IR/PatternMatch.h"

namespace laic {

inline bool isAbsent(mlir::Value v) { return llvm::isa<mlir::NoneType>(v.getType()); }

/// Creates at the rewriter's insertion point, with the location of the operation that is replaced. Sizes are i64 vectors; what is
/// known of them is known to inference, so a size that is static costs nothing.
class Decomposer {
public:
  using V = mlir::Value;

  Decomposer(mlir::RewriterBase &rewriter, mlir::Operation *op) : rewriter(rewriter), op(op), loc(op->getLoc()) {}

  /// Any operation of the dialect, with results of this element type.
  template <typename Op, typename... Args> V make(mlir::Type element, Args &&...args) const {
    return Op::create(rewriter, loc, mlir::UnrankedTensorType::get(element), std::forward<Args>(args)...);
  }

  /// Replaces the operation by these values, one for each result.
  void replace(mlir::ValueRange values) const;

  // ---- constants ----
  V none() const;
  V ints(llvm::ArrayRef<int64_t> values) const; // i64 vector
  V scalar(int64_t value) const;                // i64, no dims
  V number(double value, mlir::Type element) const;

  // ---- sizes ----
  V size(V x, int64_t dim) const;       // one dim, as a vector of one element
  V scalarSize(V x, int64_t dim) const; // the same without dims
  V positions(V count) const;           // 0, 1, .. below a scalar

  // ---- elementwise ----
  V add(V x, V y) const;
  V sub(V x, V y) const;
  V mul(V x, V y) const;
  V div(V x, V y) const;
  V scale(V x, double factor) const { return factor == 1 ? x : mul(x, number(factor, elementOf(x))); }
  V lessOrEqual(V x, V y) const;
  V less(V x, V y) const;
  V equal(V x, V y) const;
  V both(V x, V y) const; // either may be null
  V select(V condition, V x, V y) const;
  V power(V x, V y) const;
  V tanh(V x) const;
  V sigmoid(V x) const;
  V cast(V x, mlir::Type element) const; // x where it has that type

  // ---- shapes and data movement ----
  V reshape(V x, llvm::ArrayRef<int64_t> shape) const { return reshape(x, ints(shape)); } // 0 copies a dim, -1 is what is left
  V reshape(V x, V shape) const;
  V unsqueeze(V x, llvm::ArrayRef<int64_t> axes) const;
  V transpose(V x, llvm::ArrayRef<int64_t> permutation) const;
  V concat(mlir::ValueRange parts, int64_t axis) const;
  V slice(V x, V start, V end, int64_t axis, int64_t step = 1) const;
  V slice(V x, int64_t start, int64_t end, int64_t axis, int64_t step = 1) const {
    return slice(x, ints({start}), ints({end}), axis, step);
  }
  V gather(V data, V indices, int64_t axis = 0) const;
  V pad(V x, V pads, V value) const;

  // ---- products and reductions ----
  V matmul(V a, V b) const;
  V softmax(V x) const; // along the last dim
  V reduceMax(V x, int64_t axis) const;

  mlir::Type f32() const { return rewriter.getF32Type(); }
  mlir::Type i64() const { return rewriter.getI64Type(); }
  static mlir::Type elementOf(V x) { return mlir::getElementTypeOrSelf(x.getType()); }

  mlir::RewriterBase &rewriter;
  mlir::Operation *op;
  mlir::Location loc;
};

} // namespace laic
#endif
