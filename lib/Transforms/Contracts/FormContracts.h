// Steps of laic-form-contracts.
#ifndef LAIC_LIB_TRANSFORMS_CONTRACTS_FORMCONTRACTS_H
#define LAIC_LIB_TRANSFORMS_CONTRACTS_FORMCONTRACTS_H

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Transforms/Contracts/Contraction.h"
#include "laic/Transforms/TensorSizes.h"

namespace laic::contracts {

/// Columns of a packed panel; part of laic.contract's definition.
constexpr int64_t kPanel = 32;

/// Packs B and replaces the generic by a contract (and a transpose where C's last dim is not n). Null when a
/// size is unknown, or rows are too few. With `panels`, laic.pack_panels packs what is no constant; constant bytes are packed in groups of `group`.
ContractOp formContract(mlir::IRRewriter &rewriter, const Contraction &contraction, TensorSizes &sizes, bool panels,
                        int64_t group);

/// Is the last dim of a tensor made of whole vectors of f32, on any level?
bool endsInVectors(mlir::Value tensor);

/// Can B be read where it lies, in such vectors? Its last index is `last`; the contraction has one reduction of more than
/// one step, which A's last index is where `contiguousA`.
bool liesInVectors(mlir::Value b, mlir::AffineExpr last, mlir::AffineExpr column, mlir::AffineExpr reduction, bool contiguousA);

/// expand_shape(transpose(collapse_shape(x))) -> transpose(x) where the reshapes do not mix dims: exporters join batches and heads to
/// transpose keys, and a product only absorbs the transpose without that.
void liftTransposes(mlir::func::FuncOp func, mlir::IRRewriter &rewriter);

/// Scalar constants by which both operands, or B alone, of a product of f32 are multiplied become one factor of its result, which the
/// epilogue applies: exporters scale keys of attention so, and B needs no pass more before it is packed. Every product has the roundings it
/// had, or one less.
void moveFactors(mlir::func::FuncOp func, mlir::IRRewriter &rewriter);

/// Moves the only consumer of a contract into its epilogue when it is elementwise. Null when it does not fit,
/// with the reason.
ContractOp fuseConsumer(mlir::IRRewriter &rewriter, ContractOp contract, TensorSizes &sizes, llvm::StringRef &why);

/// Merges neighbouring loops that are contiguous in every operand; returns the contract that is there
/// afterwards.
ContractOp mergeContractDims(mlir::IRRewriter &rewriter, ContractOp contract, TensorSizes &sizes);

/// Every element of a tensor of floats of known size, rounded to the narrower `element`.
mlir::Value roundElements(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor, mlir::Type element);

/// What stands between transposes: the tensor whose channels, its second dim, were moved behind all others to make `a`, and who moves those of
/// `result` back.
struct ChannelsMoved {
  mlir::Value input;
  mlir::linalg::TransposeOp back;
};
/// Nothing where something else is between, or reads `a` or `result`, too.
std::optional<ChannelsMoved> betweenTransposes(mlir::Value a, mlir::Value result);

/// Calls form(rewriter, found) for every laic.contract of a function with one block of which match(contract) finds something. `form` may erase
/// that contract.
template <typename Match, typename Form> void formEach(mlir::func::FuncOp func, Match match, Form form) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return;
  mlir::IRRewriter rewriter(func.getContext());
  for (auto contract : llvm::make_early_inc_range(func.getBody().front().getOps<ContractOp>()))
    if (auto found = match(contract))
      form(rewriter, *found);
}

/// Size operands of a contract whose result has `shape`: one index per dynamic dim.
llvm::SmallVector<mlir::Value> resultSizes(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<mlir::AffineExpr> shape,
                                           const TensorSizes &sizes);

} // namespace laic::contracts
#endif
