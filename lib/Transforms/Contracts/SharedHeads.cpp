// Recognises repeated heads, and splits loops over them.
#include "SharedHeads.h"

#include "FormContracts.h"
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

/// Dims `at` and `at` + 1 of `rank` dims in one group, the others alone.
SmallVector<ReassociationIndices> joinedAt(int64_t rank, int64_t at) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim < rank; ++dim)
    if (dim == at + 1)
      groups.back().push_back(dim);
    else
      groups.push_back({dim});
  return groups;
}

class HeadSplitter {
public:
  HeadSplitter(IRRewriter &rewriter, TensorSizes &sizes) : rewriter(rewriter), sizes(sizes) {}

  void split(linalg::GenericOp op, bool readsSharedHeads) {
    StringRef why;
    FailureOr<Contraction> contraction = matchContraction(op, Prefer::Innermost, why, /*fewRows=*/true);
    if (failed(contraction) || !op.getOutputs()[0].getDefiningOp<linalg::FillOp>())
      return;
    rewriter.setInsertionPoint(op);
    Value b = op.getInputs()[contraction->b];
    auto transpose = b.getDefiningOp<linalg::TransposeOp>();
    std::optional<SharedHeads> shared = sharedHeads(rewriter, transpose ? transpose.getInput() : b);
    if (!shared || (readsSharedHeads && (!contraction->tooFewRows() || endsInVectors(shared->source))))
      return;
    if (transpose) {
      shared->dim = llvm::find(transpose.getPermutation(), int64_t(shared->dim)) - transpose.getPermutation().begin();
      shared->source = transposed(shared->source, transpose.getPermutation());
      if (!shared->source)
        return;
    }
    auto head = dyn_cast<AffineDimExpr>(contraction->bMap().getResult(shared->dim));
    if (!head || !contraction->aMap().getResultPosition(head) || !contraction->cMap().getResultPosition(head))
      return;
    replace(*contraction, *shared, head);
  }

private:
  /// The loop over query heads becomes one over shared heads and one, behind it, over those that share.
  void replace(const Contraction &contraction, const SharedHeads &shared, AffineDimExpr head) {
    linalg::GenericOp op = contraction.op;
    Location loc = op.getLoc();
    unsigned inA = *contraction.aMap().getResultPosition(head), inC = *contraction.cMap().getResultPosition(head);
    std::optional<SmallVector<AffineExpr>> a = apart(op.getInputs()[contraction.a], inA, shared.times),
                                           c = apart(op.getResult(0), inC, shared.times);
    if (!a || !c)
      return;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (auto [i, map] : llvm::enumerate(maps))
      map = moved(map, head, /*both=*/i != contraction.b);
    SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
    iterators.insert(iterators.begin() + head.getPosition() + 1, utils::IteratorType::parallel);
    SmallVector<Value> inputs(2);
    inputs[contraction.a] = expand(op.getInputs()[contraction.a], *a, inA);
    inputs[contraction.b] = shared.source;
    Value empty = sizes.empty(rewriter, loc, *c, getElementTypeOrSelf(op.getResult(0)));
    Value zero = op.getOutputs()[0].getDefiningOp<linalg::FillOp>().getInputs()[0];
    Value init = linalg::FillOp::create(rewriter, loc, ValueRange(zero), ValueRange(empty)).getResult(0);
    auto product = linalg::GenericOp::create(rewriter, loc, TypeRange(init.getType()), inputs, init, maps, iterators);
    rewriter.cloneRegionBefore(op.getRegion(), product.getRegion(), product.getRegion().end());
    rewriter.replaceOpWithNewOp<tensor::CollapseShapeOp>(op, product.getResult(0), joinedAt(c->size(), inC));
  }

  /// The map with a loop more behind `head`, which indexes a dim of its own where there are `both`.
  static AffineMap moved(AffineMap map, AffineDimExpr head, bool both) {
    SmallVector<AffineExpr> loops, results;
    for (unsigned loop = 0; loop < map.getNumDims(); ++loop)
      loops.push_back(getAffineDimExpr(loop + (loop > head.getPosition()), map.getContext()));
    for (AffineExpr index : map.getResults()) {
      results.push_back(index.replaceDims(loops));
      if (both && index == head)
        results.push_back(getAffineDimExpr(head.getPosition() + 1, map.getContext()));
    }
    return AffineMap::get(map.getNumDims() + 1, 0, results, map.getContext());
  }

  /// The sizes of a tensor whose dim `at` is two.
  std::optional<SmallVector<AffineExpr>> apart(Value value, unsigned at, int64_t times) {
    SmallVector<AffineExpr> shape;
    for (int64_t dim = 0, rank = cast<RankedTensorType>(value.getType()).getRank(); dim < rank; ++dim)
      if (!shape.emplace_back(sizes.get(value, dim)))
        return std::nullopt;
    shape[at] = shape[at].floorDiv(times);
    shape.insert(shape.begin() + at + 1, sizes.constant(times));
    return shape;
  }

  Value expand(Value value, ArrayRef<AffineExpr> shape, unsigned at) {
    SmallVector<OpFoldResult> mixed =
        llvm::map_to_vector(shape, [&](AffineExpr size) { return sizes.fold(rewriter, value.getLoc(), size); });
    auto type = RankedTensorType::get(staticSizes(shape), getElementTypeOrSelf(value));
    return tensor::ExpandShapeOp::create(rewriter, value.getLoc(), type, value, joinedAt(shape.size(), at), mixed);
  }

  /// Null where a size is not known.
  Value transposed(Value value, ArrayRef<int64_t> order) {
    SmallVector<AffineExpr> shape;
    for (int64_t dim : order)
      if (!shape.emplace_back(sizes.get(value, dim)))
        return {};
    Value empty = sizes.empty(rewriter, value.getLoc(), shape, getElementTypeOrSelf(value));
    return linalg::TransposeOp::create(rewriter, value.getLoc(), value, empty, order).getResult()[0];
  }

  IRRewriter &rewriter;
  TensorSizes &sizes;
};

} // namespace

void laic::contracts::splitSharedHeads(func::FuncOp func, IRRewriter &rewriter, bool readsSharedHeads) {
  TensorSizes sizes(func, rewriter);
  HeadSplitter splitter(rewriter, sizes);
  for (auto generic : llvm::make_early_inc_range(func.getBody().front().getOps<linalg::GenericOp>()))
    splitter.split(generic, readsSharedHeads);
}
