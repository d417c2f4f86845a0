// Recognises repeated heads, and joins the rows that share them.
#include "SharedHeads.h"

#include "laic/Transforms/TensorSizes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

std::optional<SharedHeads> laic::contracts::sharedHeads(OpBuilder &b, Value value) {
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  auto repeat = collapse ? collapse.getSrc().getDefiningOp<linalg::GenericOp>() : linalg::GenericOp();
  if (!repeat || repeat.getNumDpsInputs() != 1 || repeat.getNumResults() != 1 || repeat.getNumReductionLoops() ||
      !llvm::hasSingleElement(*repeat.getBody()) || !repeat.getIndexingMapsArray()[1].isIdentity() ||
      repeat.getBody()->getTerminator()->getOperand(0) != repeat.getBody()->getArgument(0))
    return std::nullopt;
  RankedTensorType big = collapse.getSrcType();
  std::optional<unsigned> joined;
  SmallVector<ReassociationIndices> groups = collapse.getReassociationIndices();
  for (auto [i, group] : llvm::enumerate(groups)) {
    if (group.size() == 1)
      continue;
    if (joined || group.size() != 2)
      return std::nullopt;
    joined = i;
  }
  if (!joined)
    return std::nullopt;
  int64_t repeated = groups[*joined].back();
  if (big.isDynamicDim(repeated) || big.isDynamicDim(repeated - 1))
    return std::nullopt;
  // All dims but the repeated one, in order; that one may be there with size 1.
  Value source = repeat.getInputs()[0];
  auto type = dyn_cast<RankedTensorType>(source.getType());
  AffineMap map = repeat.getIndexingMapsArray()[0];
  if (!type)
    return std::nullopt;
  bool unit = type.getRank() == big.getRank();
  if (!unit && type.getRank() + 1 != big.getRank())
    return std::nullopt;
  for (auto [i, index] : llvm::enumerate(map.getResults())) {
    int64_t dim = int64_t(i) + (!unit && int64_t(i) >= repeated);
    if (unit && dim == repeated ? type.getDimSize(i) != 1 : index != b.getAffineDimExpr(dim))
      return std::nullopt;
  }
  if (unit) // dropped together with the dim before it, as the repeated one was
    source = b.createOrFold<tensor::CollapseShapeOp>(value.getLoc(), source, groups);
  return SharedHeads{source, *joined, big.getDimSize(repeated)};
}

namespace {

/// Two neighbouring dims made one, at `at` and `at` + 1.
SmallVector<ReassociationIndices> joinedAt(int64_t rank, int64_t at) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim == at + 1)
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  return groups;
}

class SharedRows {
public:
  SharedRows(IRRewriter &rewriter, TensorSizes &sizes) : rewriter(rewriter), sizes(sizes) {}

  void join(linalg::GenericOp op) {
    StringRef why;
    FailureOr<Contraction> contraction = matchContraction(op, Prefer::Innermost, why, /*fewRows=*/true);
    auto fill = op.getNumDpsInits() == 1 ? op.getOutputs()[0].getDefiningOp<linalg::FillOp>() : linalg::FillOp();
    if (failed(contraction) || !fill)
      return;
    rewriter.setInsertionPoint(op);
    Value a = op.getInputs()[contraction->a], b = op.getInputs()[contraction->b], c = op.getResult(0);
    auto transpose = b.getDefiningOp<linalg::TransposeOp>();
    std::optional<SharedHeads> shared = sharedHeads(rewriter, transpose ? transpose.getInput() : b);
    if (!shared)
      return;
    if (transpose) {
      shared->dim = llvm::find(transpose.getPermutation(), int64_t(shared->dim)) - transpose.getPermutation().begin();
      shared->source = transposed(shared->source, transpose.getPermutation());
    }
    auto head = dyn_cast<AffineDimExpr>(contraction->bMap().getResult(shared->dim));
    if (!head)
      return;
    std::optional<unsigned> inA = contraction->aMap().getResultPosition(head), inC = contraction->cMap().getResultPosition(head);
    if (!inA || !inC || *inA + 1 >= contraction->aMap().getNumResults() || *inC + 1 >= contraction->cMap().getNumResults())
      return;
    auto row = dyn_cast<AffineDimExpr>(contraction->aMap().getResult(*inA + 1));
    if (!row || row != contraction->cMap().getResult(*inC + 1) || contraction->bMap().isFunctionOfDim(row.getPosition()))
      return;
    SmallVector<AffineExpr> ofA = shapeOf(a), ofC = shapeOf(c);
    if (llvm::is_contained(ofA, AffineExpr()) || llvm::is_contained(ofC, AffineExpr()))
      return;
    Value left = regroup(a, ofA, *inA, shared->times);
    SmallVector<AffineExpr> joined(ofC);
    joined[*inC] = ofC[*inC].floorDiv(shared->times);
    joined[*inC + 1] = ofC[*inC + 1] * shared->times;
    Value empty = sizes.empty(rewriter, op.getLoc(), joined, getElementTypeOrSelf(c));
    Value init = linalg::FillOp::create(rewriter, op.getLoc(), fill.getInputs(), ValueRange(empty)).getResult(0);
    SmallVector<Value> inputs(2);
    inputs[contraction->a] = left;
    inputs[contraction->b] = shared->source;
    auto product = linalg::GenericOp::create(rewriter, op.getLoc(), TypeRange(init.getType()), inputs, init,
                                             op.getIndexingMapsArray(), op.getIteratorTypesArray());
    rewriter.cloneRegionBefore(op.getRegion(), product.getRegion(), product.getRegion().end());
    rewriter.replaceOp(op, split(product.getResult(0), joined, ofC, *inC, shared->times));
  }

private:
  SmallVector<AffineExpr> shapeOf(Value value) {
    SmallVector<AffineExpr> shape;
    for (int64_t dim = 0, rank = cast<RankedTensorType>(value.getType()).getRank(); dim < rank; ++dim)
      shape.push_back(sizes.get(value, dim));
    return shape;
  }

  Value transposed(Value value, ArrayRef<int64_t> order) {
    SmallVector<AffineExpr> from = shapeOf(value), shape;
    for (int64_t dim : order)
      shape.push_back(from[dim]);
    Value empty = sizes.empty(rewriter, value.getLoc(), shape, getElementTypeOrSelf(value));
    return linalg::TransposeOp::create(rewriter, value.getLoc(), value, empty, order).getResult()[0];
  }

  Value expand(Value value, ArrayRef<AffineExpr> shape, int64_t at) {
    SmallVector<OpFoldResult> mixed =
        llvm::map_to_vector(shape, [&](AffineExpr size) { return sizes.fold(rewriter, value.getLoc(), size); });
    return tensor::ExpandShapeOp::create(rewriter, value.getLoc(),
                                         RankedTensorType::get(staticSizes(shape), getElementTypeOrSelf(value)), value,
                                         joinedAt(shape.size(), at), mixed);
  }

  /// [.., heads, rows, ..] as [.., heads / times, times * rows, ..].
  Value regroup(Value value, ArrayRef<AffineExpr> shape, int64_t at, int64_t times) {
    SmallVector<AffineExpr> apart(shape);
    apart[at] = shape[at].floorDiv(times);
    apart.insert(apart.begin() + at + 1, sizes.constant(times));
    return tensor::CollapseShapeOp::create(rewriter, value.getLoc(), expand(value, apart, at), joinedAt(apart.size(), at + 1));
  }

  /// The way back.
  Value split(Value value, ArrayRef<AffineExpr> joined, ArrayRef<AffineExpr> shape, int64_t at, int64_t times) {
    SmallVector<AffineExpr> apart(joined);
    apart[at + 1] = shape[at + 1];
    apart.insert(apart.begin() + at + 1, sizes.constant(times));
    return tensor::CollapseShapeOp::create(rewriter, value.getLoc(), expand(value, apart, at + 1), joinedAt(apart.size(), at));
  }

  IRRewriter &rewriter;
  TensorSizes &sizes;
};

} // namespace

void laic::contracts::joinRowsOfSharedHeads(func::FuncOp func, IRRewriter &rewriter) {
  TensorSizes sizes(func, rewriter);
  SharedRows rows(rewriter, sizes);
  for (auto generic : llvm::make_early_inc_range(func.getBody().front().getOps<linalg::GenericOp>()))
    rows.join(generic);
}
