// Transposes of joined dims become transposes of the dims themselves.
#include "FormContracts.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace {

class Lifter {
public:
  Lifter(IRRewriter &rewriter, TensorSizes &sizes) : rewriter(rewriter), sizes(sizes) {}

  void lift(tensor::ExpandShapeOp expand) {
    auto transpose = expand.getSrc().getDefiningOp<linalg::TransposeOp>();
    auto collapse = transpose && expand.getSrc().hasOneUse() ? transpose.getInput().getDefiningOp<tensor::CollapseShapeOp>()
                                                             : tensor::CollapseShapeOp();
    if (!collapse)
      return;
    // Groups of source dims, one per result dim, in the order of the source.
    SmallVector<ReassociationIndices> joined = collapse.getReassociationIndices(), apart = expand.getReassociationIndices(),
                                      groups;
    SmallVector<int64_t> first(joined.size()); // of a dim between the reshapes: its first group
    SmallVector<int64_t> place(joined.size()); // its place behind the transpose
    for (auto [to, from] : llvm::enumerate(transpose.getPermutation()))
      place[from] = to;
    for (auto [i, group] : llvm::enumerate(joined)) {
      first[i] = groups.size();
      if (!split(collapse.getSrc(), group, expand.getResult(), apart[place[i]], groups))
        return;
    }
    SmallVector<int64_t> order;
    for (int64_t from : transpose.getPermutation())
      for (size_t i = 0; i < apart[place[from]].size(); ++i)
        order.push_back(first[from] + i);
    rewriter.setInsertionPoint(expand);
    Location loc = transpose.getLoc();
    Value source = rewriter.createOrFold<tensor::CollapseShapeOp>(loc, collapse.getSrc(), groups);
    SmallVector<AffineExpr> shape = llvm::map_to_vector(order, [&](int64_t dim) { return sizes.get(source, dim); });
    Value empty = sizes.empty(rewriter, loc, shape, getElementTypeOrSelf(source));
    if (empty.getType() == expand.getType())
      rewriter.replaceOp(expand, linalg::TransposeOp::create(rewriter, loc, source, empty, order).getResult());
  }

private:
  /// Appends to `groups` which of the dims `from` of `source` make each of the dims `to` of `result`, where that can be told.
  bool split(Value source, ArrayRef<int64_t> from, Value result, ArrayRef<int64_t> to,
             SmallVectorImpl<ReassociationIndices> &groups) {
    for (int64_t dim : to) {
      AffineExpr wanted = sizes.get(result, dim), size = sizes.constant(1);
      ReassociationIndices &group = groups.emplace_back();
      while (!from.empty() && (group.empty() || size != wanted)) {
        AffineExpr next = sizes.get(source, from.front());
        if (!next || !wanted)
          return false;
        size = size * next;
        group.push_back(from.front());
        from = from.drop_front();
      }
      if (size != wanted || group.empty())
        return false;
    }
    return from.empty();
  }

  IRRewriter &rewriter;
  TensorSizes &sizes;
};

} // namespace

void laic::contracts::liftTransposes(func::FuncOp func, IRRewriter &rewriter) {
  TensorSizes sizes(func, rewriter);
  Lifter lifter(rewriter, sizes);
  for (auto expand : llvm::make_early_inc_range(func.getBody().front().getOps<tensor::ExpandShapeOp>()))
    lifter.lift(expand);
}
