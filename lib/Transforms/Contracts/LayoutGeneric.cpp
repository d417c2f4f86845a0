// Layouts through linalg.generic: convolutions ask for channels last, everything else follows its operands.
#include "LayoutRewriter.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace {

bool isParallel(linalg::GenericOp op, unsigned loop) { return op.getIteratorTypesArray()[loop] == utils::IteratorType::parallel; }

/// The parallel loops of an index, in the order they are written.
SmallVector<unsigned> parallelLoops(linalg::GenericOp op, AffineExpr expr) {
  SmallVector<unsigned> loops;
  expr.walk([&](AffineExpr term) {
    if (auto dim = dyn_cast<AffineDimExpr>(term))
      if (isParallel(op, dim.getPosition()))
        loops.push_back(dim.getPosition());
  });
  return loops;
}

/// Sorts dims of a tensor by a key; equal keys keep their order.
template <typename Key> Order sortedBy(int64_t rank, Key key) {
  Order order = identityOrder(rank);
  llvm::sort(order, [&](int64_t l, int64_t r) { return std::make_pair(key(l), l) < std::make_pair(key(r), r); });
  return order;
}

SmallVector<int64_t> positions(ArrayRef<unsigned> loops) {
  SmallVector<int64_t> result(loops.size());
  for (auto [i, loop] : llvm::enumerate(loops))
    result[loop] = i;
  return result;
}

/// The order of an operand's dims that follows the loops; dims without parallel loops stay behind the dim
/// before them.
Order followLoops(linalg::GenericOp op, AffineMap map, ArrayRef<int64_t> position) {
  SmallVector<int64_t> keys;
  for (AffineExpr expr : map.getResults()) {
    SmallVector<unsigned> loops = parallelLoops(op, expr);
    keys.push_back(!loops.empty() ? position[loops.front()] : keys.empty() ? -1 : keys.back());
  }
  return sortedBy(keys.size(), [&](int64_t dim) { return keys[dim]; });
}

} // namespace

bool LayoutRewriter::rewrite(linalg::GenericOp op) {
  StringRef why;
  FailureOr<Contraction> contraction = matchContraction(op, Prefer::Constant, why);
  if (succeeded(contraction)) {
    bool pointwise =
        isConstantValue(op.getInputs()[contraction->b]) && !contraction->innermost() &&
        llvm::count_if(contraction->parallel, [&](unsigned loop) { return contraction->bMap().isFunctionOfDim(loop); }) == 1;
    if (contraction->convolution || pointwise)
      return rewriteConvolution(*contraction);
    if (!readsRewritten(op))
      return false;
    // Any order of operands will do: packing and tiles read them where they are.
    Plan plan;
    plan.loops = llvm::to_vector(llvm::seq<unsigned>(0, op.getNumLoops()));
    for (Value input : op.getInputs())
      plan.operands.push_back(layouts.preferred(input));
    plan.operands.push_back(identityOrder(contraction->cMap().getNumResults()));
    emit(op, plan);
    return true;
  }
  if (!readsRewritten(op))
    return false;
  emit(op, planGeneric(op));
  return true;
}

/// n, spatial dims, groups, channels: for A with the summed channels, for C with the output channels
/// innermost.
bool LayoutRewriter::rewriteConvolution(const Contraction &contraction) {
  linalg::GenericOp op = contraction.op;
  enum { Rows, Groups, Channels };
  auto classOf = [&](unsigned loop) -> int64_t {
    if (loop == contraction.n || !isParallel(op, loop))
      return Channels;
    return contraction.bMap().isFunctionOfDim(loop) ? Groups : Rows;
  };
  Plan plan;
  for (int64_t kind : {Rows, Groups, Channels})
    for (unsigned loop : contraction.parallel)
      if (classOf(loop) == kind)
        plan.loops.push_back(loop);
  plan.loops.append(contraction.reduction);
  SmallVector<int64_t> position = positions(plan.loops);
  auto key = [&](AffineMap map, int64_t dim) {
    std::pair<int64_t, int64_t> best{Channels, int64_t(plan.loops.size())};
    map.getResult(dim).walk([&](AffineExpr term) {
      if (auto loop = dyn_cast<AffineDimExpr>(term))
        best = std::min(best, {classOf(loop.getPosition()), position[loop.getPosition()]});
    });
    return best;
  };
  AffineMap aMap = contraction.aMap();
  plan.operands.resize(3);
  plan.operands[contraction.a] = sortedBy(aMap.getNumResults(), [&](int64_t dim) { return key(aMap, dim); });
  plan.operands[contraction.b] = layouts.preferred(op.getInputs()[contraction.b]);
  plan.operands[2] = followLoops(op, contraction.cMap(), position);
  emit(op, plan);
  return true;
}

/// Parallel loops as the largest operand has its dims, then the reductions.
SmallVector<unsigned> LayoutRewriter::loopOrder(linalg::GenericOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<unsigned> best;
  std::pair<int64_t, bool> bestScore{-1, false};
  AffineMap resultMap = maps[op.getNumDpsInputs()];
  auto consider = [&](AffineMap map, ArrayRef<int64_t> order) {
    SmallVector<unsigned> loops;
    int64_t covered = 0;
    for (int64_t dim : order) {
      SmallVector<unsigned> here = parallelLoops(op, map.getResult(dim));
      // Kept dims of a reduction stand where the reduced dims stood.
      if (here.empty() && map.getNumResults() == resultMap.getNumResults())
        here = parallelLoops(op, resultMap.getResult(dim));
      for (unsigned loop : here)
        if (!llvm::is_contained(loops, loop)) {
          loops.push_back(loop);
          covered += sizes[loop] != 1;
        }
    }
    std::pair<int64_t, bool> score{covered, !isIdentity(order)};
    if (score > bestScore) {
      best = loops;
      bestScore = score;
    }
  };
  for (OpOperand *input : op.getDpsInputOperands())
    if (isa<RankedTensorType>(input->get().getType()))
      consider(maps[input->getOperandNumber()], layouts.preferred(input->get()));
  // Tensors that the body reads: a resize reads an image of the result's rank.
  if (resultMap.isIdentity())
    op.getBody()->walk([&](tensor::ExtractOp extract) {
      if (layouts.isRewritten(extract.getTensor()) &&
          extract.getTensor().getType().getRank() == int64_t(resultMap.getNumResults()))
        consider(resultMap, layouts.preferred(extract.getTensor()));
    });
  for (unsigned loop = 0, previous = 0; loop < op.getNumLoops(); ++loop) {
    if (!isParallel(op, loop))
      continue;
    if (!llvm::is_contained(best, loop)) {
      unsigned *after = loop == 0 ? best.end() : llvm::find(best, previous);
      best.insert(after == best.end() ? best.begin() : after + 1, loop);
    }
    previous = loop;
  }
  for (unsigned loop = 0; loop < op.getNumLoops(); ++loop)
    if (!isParallel(op, loop))
      best.push_back(loop);
  return best;
}

/// In place where the operand follows the loops as well as it did originally, otherwise in the order of the
/// loops.
Order LayoutRewriter::operandOrder(linalg::GenericOp op, OpOperand &operand, ArrayRef<int64_t> position) {
  AffineMap map = op.getMatchingIndexingMap(&operand);
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  auto follows = [&](ArrayRef<int64_t> order, ArrayRef<int64_t> loopPosition) {
    int64_t last = -1;
    for (int64_t dim : order)
      for (unsigned loop : parallelLoops(op, map.getResult(dim))) {
        if (sizes[loop] == 1)
          continue;
        if (loopPosition[loop] < last)
          return false;
        last = loopPosition[loop];
      }
    return true;
  };
  Order order = layouts.preferred(operand.get());
  Order original = identityOrder(order.size()), loops = identityOrder(op.getNumLoops());
  if (follows(order, position) || !follows(original, loops))
    return order;
  return followLoops(op, map, position);
}

LayoutRewriter::Plan LayoutRewriter::planGeneric(linalg::GenericOp op) {
  Plan plan;
  plan.loops = loopOrder(op);
  SmallVector<int64_t> position = positions(plan.loops);
  for (OpOperand *input : op.getDpsInputOperands())
    plan.operands.push_back(isa<RankedTensorType>(input->get().getType()) ? operandOrder(op, *input, position) : Order());
  for (OpOperand &init : op.getDpsInitsMutable())
    plan.operands.push_back(followLoops(op, op.getMatchingIndexingMap(&init), position));
  return plan;
}

/// Index operations name loops by their old position, tensor reads have indices in the old order.
void LayoutRewriter::remapBody(linalg::GenericOp op, ArrayRef<int64_t> newPosition) {
  op.getBody()->walk([&](Operation *inner) {
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      index.setDim(newPosition[index.getDim()]);
    auto extract = dyn_cast<tensor::ExtractOp>(inner);
    if (!extract || !layouts.isRewritten(extract.getTensor()))
      return;
    Order order = layouts.preferred(extract.getTensor());
    SmallVector<Value> indices = permuted<Value>(SmallVector<Value>(extract.getIndices()), order);
    Value physical = layouts.physical(extract.getTensor());
    extract.getTensorMutable().assign(physical);
    extract.getIndicesMutable().assign(indices);
  });
}

void LayoutRewriter::emit(linalg::GenericOp op, const Plan &plan) {
  SmallVector<int64_t> newPosition = positions(plan.loops);
  SmallVector<AffineExpr> renamed;
  for (int64_t position : newPosition)
    renamed.push_back(rewriter.getAffineDimExpr(position));
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned i = operand.getOperandNumber();
    AffineMap map = op.getMatchingIndexingMap(&operand).replaceDimsAndSymbols(renamed, {}, renamed.size(), 0);
    bool tensor = isa<RankedTensorType>(operand.get().getType());
    operands.push_back(tensor ? layouts.get(operand.get(), plan.operands[i]) : operand.get());
    if (tensor)
      map = AffineMap::get(renamed.size(), 0, permuted<AffineExpr>(map.getResults(), plan.operands[i]), op.getContext());
    maps.push_back(map);
  }
  SmallVector<utils::IteratorType> iterators;
  for (unsigned loop : plan.loops)
    iterators.push_back(op.getIteratorTypesArray()[loop]);
  unsigned inputs = op.getNumDpsInputs();
  auto rewritten =
      linalg::GenericOp::create(rewriter, op.getLoc(), ValueRange(ArrayRef(operands).drop_front(inputs)).getTypes(),
                                ArrayRef(operands).take_front(inputs), ArrayRef(operands).drop_front(inputs), maps, iterators);
  IRMapping mapping;
  op.getRegion().cloneInto(&rewritten.getRegion(), mapping);
  remapBody(rewritten, newPosition);
  for (auto [i, results] : llvm::enumerate(llvm::zip_equal(op.getResults(), rewritten.getResults())))
    layouts.add(std::get<0>(results), plan.operands[inputs + i], std::get<1>(results));
}
