// Sizes of tensors as expressions over a function's size symbols, without tensor.dim.
#ifndef LAIC_TRANSFORMS_TENSORSIZES_H
#define LAIC_TRANSFORMS_TENSORSIZES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/PatternMatch.h"

#include <optional>

namespace laic {

/// Answers from `laic.size`, function arguments (`laic.dims`, `laic.symbols`) and the shapes of operations.
/// Listens to the rewriter while it lives: operations may be added to the function in any way, but are erased
/// through that rewriter only, since a new value may stand where an erased one was in memory.
class TensorSizes : public mlir::RewriterBase::Listener {
public:
  TensorSizes(mlir::func::FuncOp func, mlir::RewriterBase &rewriter);
  ~TensorSizes() override;
  TensorSizes(const TensorSizes &) = delete;
  TensorSizes &operator=(const TensorSizes &) = delete;

  /// Size of a dim; a null expression where it cannot be told.
  mlir::AffineExpr get(mlir::Value tensor, int64_t dim);
  /// The expression behind an index value; null where it cannot be told.
  mlir::AffineExpr get(mlir::Value index);
  mlir::AffineExpr get(mlir::OpFoldResult size);
  /// Trip count of a loop of a linalg operation; null where it cannot be told.
  mlir::AffineExpr loop(mlir::linalg::LinalgOp op, unsigned dim);

  /// An attribute when constant, otherwise a laic.size.
  mlir::OpFoldResult fold(mlir::OpBuilder &b, mlir::Location loc, mlir::AffineExpr size) const;
  /// An index value: arith.constant or laic.size.
  mlir::Value value(mlir::OpBuilder &b, mlir::Location loc, mlir::AffineExpr size) const;
  /// tensor.empty of that shape.
  mlir::Value empty(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element) const;
  mlir::AffineExpr constant(int64_t value) const { return mlir::getAffineConstantExpr(value, context); }

  void notifyOperationErased(mlir::Operation *op) override;

private:
  mlir::AffineExpr compute(mlir::Value tensor, int64_t dim);
  mlir::AffineExpr ofArgument(mlir::BlockArgument arg, int64_t dim);

  mlir::func::FuncOp func;
  mlir::RewriterBase &rewriter;
  mlir::MLIRContext *context;
  unsigned symbolCount = 0;
  llvm::DenseMap<std::pair<unsigned, int64_t>, unsigned> dimSymbols; // (argument, dim) -> symbol
  llvm::StringMap<unsigned> namedSymbols;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, mlir::AffineExpr> known;
};

/// The static value of a size, or nullopt.
std::optional<int64_t> staticSize(mlir::AffineExpr size);
/// kDynamic where a size is not static.
llvm::SmallVector<int64_t> staticSizes(llvm::ArrayRef<mlir::AffineExpr> sizes);

} // namespace laic
#endif
