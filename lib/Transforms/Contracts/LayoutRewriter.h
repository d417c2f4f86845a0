// Rewrites one operation after the other to the layouts that its operands have.
#ifndef LAIC_LIB_TRANSFORMS_CONTRACTS_LAYOUTREWRITER_H
#define LAIC_LIB_TRANSFORMS_CONTRACTS_LAYOUTREWRITER_H

#include "Layouts.h"
#include "laic/Transforms/Contracts/Contraction.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace laic::contracts {

/// Operations have to come in the order of their block.
class LayoutRewriter {
public:
  LayoutRewriter(mlir::IRRewriter &rewriter, TensorSizes &sizes) : rewriter(rewriter), sizes(sizes), layouts(rewriter, sizes) {}

  void rewrite(mlir::Operation *op);

private:
  // Each returns false when the operation cannot work in another order.
  bool rewrite(mlir::linalg::GenericOp op);
  bool rewrite(mlir::linalg::TransposeOp op);
  bool rewrite(mlir::tensor::ExpandShapeOp op);
  bool rewrite(mlir::tensor::CollapseShapeOp op);
  bool rewrite(mlir::tensor::PadOp op);
  bool rewrite(mlir::tensor::ConcatOp op);
  bool rewrite(mlir::tensor::ExtractSliceOp op);
  bool rewrite(mlir::tensor::InsertSliceOp op);
  bool rewriteConvolution(const Contraction &contraction);

  bool readsRewritten(mlir::Operation *op) const;
  bool unknownShape(mlir::Operation *op);
  void useOriginalOrder(mlir::Operation *op);

  /// What a generic becomes: loops in a new order (new position -> old loop) and operands, each in an order.
  struct Plan {
    llvm::SmallVector<unsigned> loops;
    llvm::SmallVector<Order> operands; // inputs, then results
  };
  void emit(mlir::linalg::GenericOp op, const Plan &plan);
  void remapBody(mlir::linalg::GenericOp op, llvm::ArrayRef<int64_t> newPosition);
  Plan planGeneric(mlir::linalg::GenericOp op);
  llvm::SmallVector<unsigned> loopOrder(mlir::linalg::GenericOp op);
  Order operandOrder(mlir::linalg::GenericOp op, mlir::OpOperand &operand, llvm::ArrayRef<int64_t> position);

  mlir::IRRewriter &rewriter;
  TensorSizes &sizes;
  Layouts layouts;
};

} // namespace laic::contracts
#endif
