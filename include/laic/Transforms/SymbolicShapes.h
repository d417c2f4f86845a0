// Symbolic shapes of every tensor of a lowered function, found in one walk from the arguments down.
#ifndef LAIC_TRANSFORMS_SYMBOLICSHAPES_H
#define LAIC_TRANSFORMS_SYMBOLICSHAPES_H

#include "laic/Dialect/Laic/SizeSymbols.h"
#include "llvm/ADT/DenseMap.h"

namespace laic {

/// Dims of tensors and values of index computations as expressions over the function's `laic.symbols`. Only
/// the function's own block is looked at, not the regions of its operations.
class SymbolicShapes {
public:
  /// Fails with a diagnostic on the first operation whose sizes do not follow from its operands.
  static llvm::FailureOr<SymbolicShapes> compute(mlir::func::FuncOp func);

  /// The dims of a ranked tensor.
  llvm::ArrayRef<mlir::AffineExpr> shape(mlir::Value tensor) const { return shapes.find(tensor)->second; }
  /// The value of an index computation; null where it is not a size.
  mlir::AffineExpr index(mlir::Value value) const { return indices.lookup(value); }
  /// Adds a value that was made after `compute`.
  void set(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> shape) { shapes[tensor] = SymShape(shape); }
  void setIndex(mlir::Value value, mlir::AffineExpr expr) { indices[value] = expr; }

  /// May grow: derived symbols are added on the way. Store it back when expressions go into attributes.
  SizeSymbols &symbols() { return sizeSymbols; }

private:
  explicit SymbolicShapes(SizeSymbols symbols) : sizeSymbols(std::move(symbols)) {}
  llvm::LogicalResult addArguments(mlir::func::FuncOp func);
  llvm::LogicalResult visit(mlir::Operation *op);
  bool visitIndex(mlir::Operation *op);
  llvm::FailureOr<SymShape> infer(mlir::OpResult result);
  mlir::AffineExpr dim(mlir::OpFoldResult ofr) const;
  llvm::FailureOr<SymShape> fromMixed(llvm::ArrayRef<mlir::OpFoldResult> sizes) const;
  llvm::FailureOr<SymShape> fromTrailingSizes(mlir::OpResult result);

  SizeSymbols sizeSymbols;
  llvm::DenseMap<mlir::Value, SymShape> shapes;
  llvm::DenseMap<mlir::Value, mlir::AffineExpr> indices;
};

} // namespace laic
#endif
