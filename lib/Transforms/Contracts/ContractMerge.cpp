// Merges neighbouring loops of a contract that are contiguous in every operand: longer rows, fewer loops.
#include "FormContracts.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace {

using Groups = SmallVector<ReassociationIndices>;

/// Merges the loops of one contract.
class Merger {
public:
  Merger(IRRewriter &rewriter, ContractOp contract, TensorSizes &sizes)
      : rewriter(rewriter), contract(contract), sizes(sizes), loc(contract.getLoc()), parallel(contract.getParallel()),
        batch(contract.getBBatch()), aMap(contract.getAMap()) {
    for (Attribute attr : contract.getExtraMaps())
      extraMaps.push_back(cast<AffineMapAttr>(attr).getValue());
    for (int64_t i = 0; i < int64_t(parallel); ++i)
      loopSizes.push_back(sizes.get(contract.getC(), i));
    for (int64_t i = batch.size() + 1, end = contract.getB().getType().getRank() - insidePanel(); i < end; ++i)
      loopSizes.push_back(sizes.get(contract.getB(), i));
    if (loopSizes.back())
      loopSizes.back() = loopSizes.back() * contract.getGroup();
  }

  ContractOp merge() {
    unsigned loops = aMap.getNumDims();
    if (loops != loopSizes.size() || llvm::is_contained(loopSizes, AffineExpr()))
      return contract;
    for (unsigned loop = 0; loop < loops; ++loop) {
      bool merges = false;
      if (loop != 0 && loop + 1 < parallel)
        merges = mergesParallel(loop - 1);
      else if (loop > parallel)
        merges = mergesReduction(loop - 1);
      if (merges)
        groups.back().push_back(loop);
      else
        groups.push_back({int64_t(loop)});
    }
    if (groups.size() == loops)
      return contract;
    return rebuild();
  }

private:
  AffineExpr dim(unsigned loop) const { return getAffineDimExpr(loop, rewriter.getContext()); }

  /// Whether `map` uses both loops in neighbouring dims of their own, or neither. Loops of one iteration
  /// before the first that is used may be absent.
  bool adjacent(AffineMap map, unsigned loop) const {
    bool first = map.isFunctionOfDim(loop), second = map.isFunctionOfDim(loop + 1);
    if (!first && !second)
      return true;
    std::optional<unsigned> i = map.getResultPosition(dim(loop)), j = map.getResultPosition(dim(loop + 1));
    if (!first)
      return j && llvm::all_of(groups.back(), [&](int64_t other) { return loopSizes[other] == 1; });
    return i && j && *i + 1 == *j && usedOnce(map, loop) && usedOnce(map, loop + 1);
  }
  bool usedOnce(AffineMap map, unsigned loop) const {
    return llvm::count_if(map.getResults(), [&](AffineExpr expr) { return expr.isFunctionOfDim(loop); }) == 1;
  }

  bool mergesParallel(unsigned loop) const {
    bool batched = llvm::is_contained(batch, loop);
    if (batched != llvm::is_contained(batch, loop + 1))
      return false;
    return adjacent(aMap, loop) && llvm::all_of(extraMaps, [&](AffineMap map) { return adjacent(map, loop); });
  }

  /// (..., w + kw, c): kw and c form one contiguous run when c is a whole dim of A.
  bool mergesReduction(unsigned loop) const {
    std::optional<unsigned> inner = aMap.getResultPosition(dim(loop + 1));
    if (!inner || *inner == 0 || !usedOnce(aMap, loop + 1) || !usedOnce(aMap, loop))
      return false;
    AffineExpr outer = aMap.getResult(*inner - 1);
    if (outer == dim(loop))
      return true;
    auto terms = sumOfLoops(outer);
    if (failed(terms) || !staticSize(loopSizes[loop + 1]))
      return false;
    return llvm::any_of(*terms, [&](auto term) { return term.first == loop && term.second == 1; });
  }

  AffineExpr product(ArrayRef<int64_t> group) const {
    AffineExpr size = sizes.constant(1);
    for (int64_t loop : group)
      size = size * loopSizes[loop];
    return size;
  }

  /// `value` with neighbouring dims collapsed, and its new map.
  std::pair<Value, AffineMap> collapse(Value value, AffineMap map) {
    Groups shape;
    for (int64_t i = 0; i < int64_t(map.getNumResults()); ++i) {
      if (i != 0 && joinsPrevious(map, i))
        shape.back().push_back(i);
      else
        shape.push_back({i});
    }
    SmallVector<AffineExpr> results;
    for (const ReassociationIndices &dims : shape)
      results.push_back(mergedIndex(map, dims));
    unsigned loops = map.getNumDims() == parallel ? newParallel() : groups.size();
    if (shape.size() != map.getNumResults())
      value = tensor::CollapseShapeOp::create(rewriter, loc, value, shape);
    return {value, AffineMap::get(loops, 0, results, map.getContext())};
  }

  /// The index over new loops of collapsed dims (offset + l0), l1, l2, ...: offset * size(l1) * size(l2) +
  /// merged loop.
  AffineExpr mergedIndex(AffineMap map, ArrayRef<int64_t> dims) const {
    AffineExpr first = map.getResult(dims.front()), index = sizes.constant(0);
    int64_t scale = 1, merged = -1;
    if (dims.size() > 1) {
      merged = cast<AffineDimExpr>(map.getResult(dims[1])).getPosition() - 1;
      index = dim(groupOf(merged));
      if (first == dim(merged))
        return index;
      for (int64_t i : dims.drop_front())
        scale *= *staticSize(loopSizes[cast<AffineDimExpr>(map.getResult(i)).getPosition()]);
    }
    auto loops = sumOfLoops(first);
    for (auto [loop, factor] : *loops)
      if (int64_t(loop) != merged)
        index = index + dim(groupOf(loop)) * (factor * scale);
    return index;
  }

  unsigned groupOf(int64_t loop) const {
    return llvm::find_if(groups, [&](const auto &group) { return llvm::is_contained(group, loop); }) - groups.begin();
  }

  /// Whether index i of the map is a loop merged with a loop in index i - 1.
  bool joinsPrevious(AffineMap map, unsigned i) const {
    auto loop = dyn_cast<AffineDimExpr>(map.getResult(i));
    if (!loop || groups[groupOf(loop.getPosition())].front() == int64_t(loop.getPosition()))
      return false;
    return map.getResult(i - 1).isFunctionOfDim(loop.getPosition() - 1);
  }

  unsigned newParallel() const {
    return llvm::count_if(groups, [&](const auto &group) { return group.front() < int64_t(parallel); });
  }

  /// Dims of B behind the reductions: columns, and neighbours of a group.
  int64_t insidePanel() { return contract.getGroup() == 1 ? 1 : 2; }

  Value collapseB() {
    Groups shape;
    int64_t next = 0;
    auto add = [&](ArrayRef<int64_t> group) {
      shape.emplace_back();
      for (size_t i = 0; i < group.size(); ++i)
        shape.back().push_back(next++);
    };
    for (const ReassociationIndices &group : groups)
      if (llvm::is_contained(batch, group.front()))
        add(group);
    add(int64_t(0)); // panels
    for (const ReassociationIndices &group : groups)
      if (group.front() >= int64_t(parallel))
        add(group);
    for (int64_t i = 0; i < insidePanel(); ++i)
      add(int64_t(0));
    if (next == int64_t(shape.size()))
      return contract.getB();
    return tensor::CollapseShapeOp::create(rewriter, loc, contract.getB(), shape);
  }

  ContractOp rebuild() {
    rewriter.setInsertionPoint(contract);
    auto [a, newAMap] = collapse(contract.getA(), aMap);
    SmallVector<Value> extras;
    SmallVector<AffineMap> newExtraMaps;
    for (auto [extra, map] : llvm::zip_equal(contract.getExtras(), extraMaps)) {
      auto [value, newMap] = collapse(extra, map);
      extras.push_back(value);
      newExtraMaps.push_back(newMap);
    }
    SmallVector<AffineExpr> shape, oldShape(ArrayRef(loopSizes).take_front(parallel));
    SmallVector<int64_t> newBatch;
    Groups result;
    for (auto [i, group] : llvm::enumerate(ArrayRef(groups).take_front(newParallel()))) {
      shape.push_back(product(group));
      result.push_back(group);
      if (llvm::is_contained(batch, group.front()))
        newBatch.push_back(i);
    }
    Type element = contract.getC().getType().getElementType();
    auto merged = ContractOp::create(rewriter, loc, RankedTensorType::get(staticSizes(shape), element), a, collapseB(), extras,
                                     resultSizes(rewriter, loc, shape, sizes), shape.size(), newAMap, newBatch,
                                     rewriter.getAffineMapArrayAttr(newExtraMaps), contract.getUnsignedA(),
                                     contract.getUnsignedB(), contract.getGroup());
    merged.getEpilogue().takeBody(contract.getEpilogue());
    Value restored = merged.getC();
    if (shape.size() != oldShape.size()) {
      SmallVector<OpFoldResult> mixed;
      for (AffineExpr size : oldShape)
        mixed.push_back(sizes.fold(rewriter, loc, size));
      restored = tensor::ExpandShapeOp::create(rewriter, loc, contract.getC().getType(), restored, result, mixed);
    }
    rewriter.replaceOp(contract, restored);
    return merged;
  }

  IRRewriter &rewriter;
  ContractOp contract;
  TensorSizes &sizes;
  Location loc;
  unsigned parallel;
  SmallVector<int64_t> batch;
  AffineMap aMap;
  SmallVector<AffineMap> extraMaps;
  SmallVector<AffineExpr> loopSizes;
  Groups groups; // old loops of each new one
};

} // namespace

ContractOp laic::contracts::mergeContractDims(IRRewriter &rewriter, ContractOp contract, TensorSizes &sizes) {
  return Merger(rewriter, contract, sizes).merge();
}
