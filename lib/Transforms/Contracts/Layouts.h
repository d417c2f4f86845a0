// In which orders of dims the tensors of a function exist while laic-propagate-layout rewrites it.
#ifndef LAIC_LIB_TRANSFORMS_CONTRACTS_LAYOUTS_H
#define LAIC_LIB_TRANSFORMS_CONTRACTS_LAYOUTS_H

#include "laic/Transforms/TensorSizes.h"
#include "mlir/IR/PatternMatch.h"

namespace laic::contracts {

/// An order of dims: dim i of the physical tensor is dim order[i] of the logical one (the value in the
/// original function).
using Order = llvm::SmallVector<int64_t, 6>;

bool isIdentity(llvm::ArrayRef<int64_t> order);
/// N, spatial dims, C.
bool isChannelsLast(llvm::ArrayRef<int64_t> order);
Order identityOrder(int64_t rank);
Order inverse(llvm::ArrayRef<int64_t> order);

/// `list` rearranged: element i is list[order[i]].
template <typename T> llvm::SmallVector<T> permuted(llvm::ArrayRef<T> list, llvm::ArrayRef<int64_t> order) {
  llvm::SmallVector<T> result;
  for (int64_t i : order)
    result.push_back(list[i]);
  return result;
}

/// Physical tensors by logical value. New operations are made at the rewriter's insertion point, which only
/// moves forward.
class Layouts {
public:
  Layouts(mlir::IRRewriter &rewriter, TensorSizes &sizes) : rewriter(rewriter), sizes(sizes) {}

  /// The order a value is best read in; identity for values that were not rewritten.
  Order preferred(mlir::Value value) const;
  /// Whether anything but the value itself stands for it.
  bool isRewritten(mlir::Value value) const { return known.contains(value); }
  /// The physical tensor in the preferred order.
  mlir::Value physical(mlir::Value value) const;
  /// The value in this order; makes a reshape or a transpose when it does not exist yet.
  mlir::Value get(mlir::Value value, llvm::ArrayRef<int64_t> order);
  /// Notes a physical tensor; the first one of a value is the preferred one.
  void add(mlir::Value value, llvm::ArrayRef<int64_t> order, mlir::Value physical);
  /// Notes a tensor that may be used but is not preferred.
  void addAlternative(mlir::Value value, llvm::ArrayRef<int64_t> order, mlir::Value physical);

  bool isUnit(mlir::Value value, int64_t dim) const;
  llvm::SmallVector<mlir::AffineExpr> shape(mlir::Value value);
  /// `value` with dims of size 1 added or dropped to get `target`; the other dims agree in number and order.
  mlir::Value reshapeUnits(mlir::Location loc, mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> target);

private:
  struct Entry {
    Order order;
    mlir::Value physical;
  };
  mlir::Value convert(mlir::Value value, const Entry &from, llvm::ArrayRef<int64_t> order);
  mlir::Value remake(mlir::Value value, llvm::ArrayRef<int64_t> order);

  mlir::IRRewriter &rewriter;
  TensorSizes &sizes;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Entry, 2>> known;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<Entry, 2>> alternatives;
};

} // namespace laic::contracts
#endif
