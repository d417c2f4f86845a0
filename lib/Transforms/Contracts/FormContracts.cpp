// Turns contractions into a packing of B and laic.contract, then fuses epilogues and merges loops.
#include "FormContracts.h"
#include "SharedHeads.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_FORMCONTRACTS
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

SmallVector<Value> laic::contracts::resultSizes(OpBuilder &b, Location loc, ArrayRef<AffineExpr> shape,
                                                const TensorSizes &sizes) {
  SmallVector<Value> values;
  for (AffineExpr size : shape)
    if (!staticSize(size))
      values.push_back(sizes.value(b, loc, size));
  return values;
}

/// Does the transpose, if there is one, move channels, the second of `rank` dims, behind all others, or from there `back`?
static bool movesChannels(linalg::TransposeOp transpose, int64_t rank, bool back) {
  SmallVector<int64_t> order = {0};
  for (int64_t dim = 1; dim < rank; ++dim)
    order.push_back(back ? (dim == 1 ? rank - 1 : dim - 1) : dim + 1 == rank ? 1 : dim + 1);
  return transpose && transpose.getPermutation() == ArrayRef<int64_t>(order);
}

std::optional<ChannelsMoved> laic::contracts::betweenTransposes(Value a, Value result) {
  auto there = a.getDefiningOp<linalg::TransposeOp>();
  auto back = result.hasOneUse() ? dyn_cast<linalg::TransposeOp>(*result.user_begin()) : linalg::TransposeOp();
  int64_t rank = cast<RankedTensorType>(a.getType()).getRank();
  if (!movesChannels(there, rank, /*back=*/false) || !movesChannels(back, rank, /*back=*/true) || !a.hasOneUse() ||
      back.getInput() != result)
    return std::nullopt;
  return ChannelsMoved{there.getInput(), back};
}

bool laic::contracts::endsInVectors(Value tensor) {
  constexpr int64_t kMostLanes = 16;
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t last = type.getRank() ? type.getShape().back() : 0;
  return type.getElementType().isF32() && last > 0 && last % kMostLanes == 0;
}

bool laic::contracts::liesInVectors(Value b, AffineExpr last, AffineExpr column, AffineExpr reduction, bool contiguousA) {
  return endsInVectors(b) && (last == column || (last == reduction && contiguousA));
}

namespace {

/// Rows, known when compiling, for which an operand that no constant is read where it lies, if it can be.
bool hasFewRows(const Contraction &contraction) {
  int64_t rows = contraction.rowsPerPack();
  return !ShapedType::isDynamic(rows) && rows < PackPanelsOp::kManyRows;
}

/// Builds one contract.
class Former {
public:
  Former(IRRewriter &rewriter, const Contraction &contraction, TensorSizes &sizes, bool panels, int64_t group)
      : rewriter(rewriter), contraction(contraction), op(contraction.op), sizes(sizes), loc(op.getLoc()), panels(panels),
        group(group) {}

  ContractOp form() {
    for (unsigned loop = 0; loop < op.getNumLoops(); ++loop) {
      loopSizes.push_back(sizes.loop(op, loop));
      if (!loopSizes.back())
        return {};
    }
    rewriter.setInsertionPoint(op);
    reductions = llvm::filter_to_vector(contraction.reduction, [&](unsigned loop) { return loopSizes[loop] != 1; });
    if (reductions.empty()) // one product: keep a loop, so that there is a reduction
      reductions.push_back(contraction.reduction.back());
    for (unsigned loop : contraction.parallel)
      if (loop != contraction.n && contraction.bMap().isFunctionOfDim(loop))
        batch.push_back(loop);
    Value a = contiguousChannels(op.getInputs()[contraction.a]);
    if (!takesGroups())
      group = 1;
    if (group != 1)
      a = padToGroups(a);
    Value b = packB(op.getInputs()[contraction.b]);
    if (!b)
      return {};
    ContractOp contract = build(a, b);
    addInit(contract);
    rewriter.replaceOp(op, restoreOrder(contract));
    return contract;
  }

private:
  /// A depthwise contraction reads vectors of A: n has to be A's last dim.
  Value contiguousChannels(Value a) {
    aMap = contraction.aMap();
    if (!contraction.depthwise)
      return a;
    unsigned position = *aMap.getResultPosition(getAffineDimExpr(contraction.n, aMap.getContext()));
    if (position + 1 == aMap.getNumResults())
      return a;
    SmallVector<int64_t> order;
    for (unsigned i = 0; i < aMap.getNumResults(); ++i)
      if (i != position)
        order.push_back(i);
    order.push_back(position);
    SmallVector<AffineExpr> results, shape;
    for (int64_t i : order) {
      results.push_back(aMap.getResult(i));
      shape.push_back(sizes.get(a, i));
    }
    aMap = AffineMap::get(aMap.getNumDims(), 0, results, aMap.getContext());
    Value empty = sizes.empty(rewriter, loc, shape, getElementTypeOrSelf(a));
    return linalg::TransposeOp::create(rewriter, loc, a, empty, order).getResult()[0];
  }

  /// Constant bytes along which A is contiguous.
  bool takesGroups() {
    unsigned k = reductions.back();
    return group != 1 && !contraction.depthwise && getElementTypeOrSelf(op.getInputs()[contraction.b]).isInteger(8) &&
           isConstantValue(op.getInputs()[contraction.b]) && staticSize(loopSizes[k]) &&
           aMap.getResult(aMap.getNumResults() - 1) == rewriter.getAffineDimExpr(k) &&
           llvm::count_if(aMap.getResults(), [&](AffineExpr index) { return index.isFunctionOfDim(k); }) == 1;
  }

  /// Whole groups along A's last dim; what is added meets zeros of B.
  Value padToGroups(Value a) {
    AffineExpr size = loopSizes[reductions.back()];
    int64_t missing = llvm::alignTo(*staticSize(size), group) - *staticSize(size);
    if (missing == 0)
      return a;
    int64_t rank = aMap.getNumResults();
    SmallVector<OpFoldResult> low(rank, rewriter.getIndexAttr(0)), high = low;
    high.back() = rewriter.getIndexAttr(missing);
    SmallVector<AffineExpr> shape;
    for (int64_t i = 0; i < rank; ++i)
      shape.push_back(sizes.get(a, i));
    shape.back() = shape.back() + missing;
    if (auto pad = a.getDefiningOp<tensor::PadOp>(); pad && pad->hasOneUse() && pad.getConstantPaddingValue()) {
      // One copy for the border and for this.
      low = pad.getMixedLowPad();
      high = pad.getMixedHighPad();
      if (isConstantIntValue(high.back(), 0)) {
        high.back() = rewriter.getIndexAttr(missing);
        return tensor::PadOp::create(rewriter, pad.getLoc(), typeOf(shape, a), pad.getSource(), low, high,
                                     pad.getConstantPaddingValue());
      }
      low.assign(rank, rewriter.getIndexAttr(0));
      high = low;
      high.back() = rewriter.getIndexAttr(missing);
    }
    Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(getElementTypeOrSelf(a)));
    return tensor::PadOp::create(rewriter, loc, typeOf(shape, a), a, low, high, zero);
  }

  /// B[batch..., n floordiv 32, reductions..., n mod 32] from B as it is. Null where the rows are too few for that.
  Value packB(Value b) {
    AffineExpr n = loopSizes[contraction.n];
    SmallVector<unsigned> loops(batch);
    loops.push_back(contraction.n);
    loops.append(reductions);
    if (panels && !isConstantValue(b)) {
      if (Value packed = packByPanels(b, loops))
        return packed;
      if (contraction.tooFewRows())
        return {};
    }
    std::optional<int64_t> columns = staticSize(n), depth = staticSize(loopSizes[reductions.back()]);
    if (columns && *columns % kPanel == 0 && (group == 1 || *depth % group == 0))
      if (Value packed = packByTranspose(b, loops))
        return packed;
    return packByGather(b, loops);
  }

  /// One operation that says what is packed, where every loop is an index of B.
  Value packByPanels(Value b, ArrayRef<unsigned> loops) {
    std::optional<SharedHeads> shared = sharedHeads(rewriter, b);
    SmallVector<AffineExpr> indices, shape;
    unsigned found = 0;
    for (auto [i, index] : llvm::enumerate(contraction.bMap().getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(index);
      const unsigned *loop = dim ? llvm::find(loops, dim.getPosition()) : loops.end();
      if (loop == loops.end() && (!dim || loopSizes[dim.getPosition()] != 1) && !isa<AffineConstantExpr>(index))
        return {};
      indices.push_back(loop == loops.end() ? sizes.constant(0) : rewriter.getAffineDimExpr(loop - loops.begin()));
      found += loop != loops.end();
      if (shared && i == shared->dim && (!dim || !llvm::is_contained(batch, dim.getPosition())))
        shared.reset();
    }
    if (found != loops.size())
      return {};
    if (shared)
      b = shared->source;
    for (unsigned loop : loops)
      shape.push_back(loop == contraction.n ? loopSizes[loop].ceilDiv(kPanel) : loopSizes[loop]);
    if (shared)
      shape[cast<AffineDimExpr>(indices[shared->dim]).getPosition()] = sizes.get(b, shared->dim);
    shape.push_back(sizes.constant(kPanel));
    AffineMap map = AffineMap::get(loops.size(), 0, indices, rewriter.getContext());
    bool contiguousA = aMap.getResults().back() == rewriter.getAffineDimExpr(reductions.back());
    if (hasFewRows(contraction) && reductions.size() == 1 &&
        liesInVectors(b, indices.back(), rewriter.getAffineDimExpr(batch.size()), rewriter.getAffineDimExpr(batch.size() + 1),
                      contiguousA))
      return PanelsOp::create(rewriter, loc, typeOf(shape, b), b, Value(), map, batch.size());
    if (contraction.tooFewRows())
      return {};
    return PackPanelsOp::create(rewriter, loc, typeOf(shape, b), b, Value(), resultSizes(rewriter, loc, shape, sizes), map,
                                batch.size());
  }

  /// Whole panels: split n (and the last reduction, for groups) in two dims and transpose.
  Value packByTranspose(Value b, ArrayRef<unsigned> loops) {
    AffineMap map = contraction.bMap();
    SmallVector<ReassociationIndices> groups;
    SmallVector<AffineExpr> shape;
    llvm::DenseMap<unsigned, int64_t> position; // loop -> dim of the split B
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      AffineExpr size = sizes.get(b, i);
      if (!dim || !size || !llvm::is_contained(loops, dim.getPosition())) {
        // Unit dims join the dim before them.
        if (size != 1)
          return {};
        if (groups.empty())
          return {};
        unitDims.push_back(i);
        continue;
      }
      groups.push_back({int64_t(shape.size())});
      position[dim.getPosition()] = shape.size();
      bool isColumn = dim.getPosition() == contraction.n;
      if (isColumn || (group != 1 && dim.getPosition() == reductions.back())) {
        int64_t inside = isColumn ? kPanel : group;
        shape.push_back(size.floorDiv(inside));
        groups.back().push_back(shape.size());
        size = sizes.constant(inside);
      }
      shape.push_back(size);
    }
    if (position.size() != loops.size())
      return {};
    Value split = rewriter.createOrFold<tensor::ExpandShapeOp>(loc, typeOf(shape, b), dropUnitDims(b), groups, mixed(shape));
    SmallVector<int64_t> order;
    for (unsigned loop : loops)
      order.push_back(position[loop]);
    order.push_back(position[contraction.n] + 1);
    if (group != 1)
      order.push_back(position[reductions.back()] + 1);
    SmallVector<AffineExpr> packedShape;
    for (int64_t i : order)
      packedShape.push_back(shape[i]);
    if (llvm::is_sorted(order))
      return split;
    Value empty = sizes.empty(rewriter, loc, packedShape, getElementTypeOrSelf(b));
    return linalg::TransposeOp::create(rewriter, loc, split, empty, order).getResult()[0];
  }

  /// Collapses the unit dims noted in `unitDims` into the dims before them.
  Value dropUnitDims(Value b) {
    if (unitDims.empty())
      return b;
    SmallVector<ReassociationIndices> groups;
    for (int64_t i = 0, rank = cast<RankedTensorType>(b.getType()).getRank(); i < rank; ++i) {
      if (llvm::is_contained(unitDims, i))
        groups.back().push_back(i);
      else
        groups.push_back({i});
    }
    return tensor::CollapseShapeOp::create(rewriter, loc, b, groups);
  }

  /// A ragged last panel or group: every packed element looks its place up, what is beyond the end is 0.
  Value packByGather(Value b, ArrayRef<unsigned> loops) {
    AffineExpr n = loopSizes[contraction.n];
    SmallVector<AffineExpr> shape;
    for (unsigned loop : loops)
      shape.push_back(loop == contraction.n ? n.ceilDiv(kPanel) : loopSizes[loop]);
    int64_t columnDim = shape.size(), depth = 0;
    shape.push_back(sizes.constant(kPanel));
    if (group != 1) {
      depth = *staticSize(loopSizes[loops.back()]);
      shape[columnDim - 1] = sizes.constant(llvm::divideCeil(depth, group));
      shape.push_back(sizes.constant(group));
    }
    Type element = getElementTypeOrSelf(b);
    Value empty = sizes.empty(rewriter, loc, shape, element);
    Value columns = sizes.value(rewriter, loc, n);
    SmallVector<utils::IteratorType> iterators(shape.size(), utils::IteratorType::parallel);
    auto body = [&](OpBuilder &nested, Location loc, ValueRange) {
      auto index = [&](int64_t i) -> Value { return linalg::IndexOp::create(nested, loc, i); };
      auto constant = [&](int64_t i) -> Value { return arith::ConstantIndexOp::create(nested, loc, i); };
      int64_t panel = llvm::find(loops, contraction.n) - loops.begin();
      Value column = arith::MulIOp::create(nested, loc, index(panel), constant(kPanel));
      column = arith::AddIOp::create(nested, loc, column, index(columnDim));
      Value inside = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::slt, column, columns);
      Value safe = arith::SelectOp::create(nested, loc, inside, column, constant(0)), last;
      if (group != 1) {
        last = arith::MulIOp::create(nested, loc, index(columnDim - 1), constant(group));
        last = arith::AddIOp::create(nested, loc, last, index(columnDim + 1));
        Value within = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::slt, last, constant(depth));
        last = arith::SelectOp::create(nested, loc, within, last, constant(0));
        inside = arith::AndIOp::create(nested, loc, inside, within);
      }
      SmallVector<Value> indices;
      for (AffineExpr expr : contraction.bMap().getResults()) {
        auto dim = dyn_cast<AffineDimExpr>(expr);
        const unsigned *found = dim ? llvm::find(loops, dim.getPosition()) : loops.end();
        if (found == loops.end())
          indices.push_back(constant(0));
        else
          indices.push_back(*found == contraction.n          ? safe
                            : last && *found == loops.back() ? last
                                                             : index(found - loops.begin()));
      }
      Value loaded = tensor::ExtractOp::create(nested, loc, b, indices);
      Value zero = arith::ConstantOp::create(nested, loc, nested.getZeroAttr(element));
      Value value = arith::SelectOp::create(nested, loc, inside, loaded, zero);
      linalg::YieldOp::create(nested, loc, value);
    };
    AffineMap identity = rewriter.getMultiDimIdentityMap(shape.size());
    return linalg::GenericOp::create(rewriter, loc, empty.getType(), ValueRange(), empty, ArrayRef<AffineMap>(identity),
                                     iterators, body)
        .getResult(0);
  }

  ContractOp build(Value a, Value b) {
    unsigned parallel = contraction.parallel.size();
    SmallVector<AffineExpr> dims(op.getNumLoops(), sizes.constant(0));
    SmallVector<AffineExpr> shape;
    for (auto [i, loop] : llvm::enumerate(contraction.parallel)) {
      dims[loop] = rewriter.getAffineDimExpr(i);
      shape.push_back(loopSizes[loop]);
    }
    for (auto [i, loop] : llvm::enumerate(reductions))
      dims[loop] = rewriter.getAffineDimExpr(parallel + i);
    AffineMap map = aMap.replaceDimsAndSymbols(dims, {}, parallel + reductions.size(), 0);
    SmallVector<int64_t> batchDims;
    for (auto [i, loop] : llvm::enumerate(contraction.parallel))
      if (llvm::is_contained(batch, loop))
        batchDims.push_back(i);
    Type element = getElementTypeOrSelf(op.getResult(0));
    auto contract = ContractOp::create(rewriter, loc, RankedTensorType::get(staticSizes(shape), element), a, b, ValueRange(),
                                       resultSizes(rewriter, loc, shape, sizes), parallel, map, batchDims,
                                       rewriter.getArrayAttr({}), contraction.unsignedA, contraction.unsignedB, group);
    OpBuilder::InsertionGuard guard(rewriter);
    Block *block = rewriter.createBlock(&contract.getEpilogue(), {}, {element}, {loc});
    YieldOp::create(rewriter, loc, block->getArguments());
    return contract;
  }

  /// A sum that does not start from zero adds its init at the end.
  void addInit(ContractOp contract) {
    Value init = op.getOutputs()[0];
    auto fill = init.getDefiningOp<linalg::FillOp>();
    Block *block = &contract.getEpilogue().front();
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(block->getTerminator());
    Value start;
    if (fill) {
      Attribute value;
      if (matchPattern(fill.getInputs()[0], m_AnyZeroFloat()) || matchPattern(fill.getInputs()[0], m_Zero()))
        return;
      if (matchPattern(fill.getInputs()[0], m_Constant(&value)))
        start = arith::ConstantOp::create(rewriter, loc, cast<TypedAttr>(value));
    }
    if (!start) {
      contract.getExtrasMutable().append(init);
      SmallVector<AffineExpr> results;
      for (AffineExpr expr : contraction.cMap().getResults()) {
        unsigned loop = cast<AffineDimExpr>(expr).getPosition();
        results.push_back(rewriter.getAffineDimExpr(llvm::find(contraction.parallel, loop) - contraction.parallel.begin()));
      }
      AffineMap map = AffineMap::get(contraction.parallel.size(), 0, results, rewriter.getContext());
      contract.setExtraMapsAttr(rewriter.getAffineMapArrayAttr(map));
      start = block->addArgument(getElementTypeOrSelf(init), loc);
    }
    Value sum = start.getType().isFloat() ? arith::AddFOp::create(rewriter, loc, block->getArgument(0), start).getResult()
                                          : arith::AddIOp::create(rewriter, loc, block->getArgument(0), start).getResult();
    block->getTerminator()->setOperand(0, sum);
  }

  Value restoreOrder(ContractOp contract) {
    SmallVector<int64_t> order;
    SmallVector<AffineExpr> shape;
    for (AffineExpr expr : contraction.cMap().getResults()) {
      unsigned loop = cast<AffineDimExpr>(expr).getPosition();
      order.push_back(llvm::find(contraction.parallel, loop) - contraction.parallel.begin());
      shape.push_back(loopSizes[loop]);
    }
    if (llvm::is_sorted(order))
      return contract.getC();
    Value empty = sizes.empty(rewriter, loc, shape, getElementTypeOrSelf(contract.getC()));
    return linalg::TransposeOp::create(rewriter, loc, contract.getC(), empty, order).getResult()[0];
  }

  RankedTensorType typeOf(ArrayRef<AffineExpr> shape, Value like) {
    return RankedTensorType::get(staticSizes(shape), getElementTypeOrSelf(like));
  }
  SmallVector<OpFoldResult> mixed(ArrayRef<AffineExpr> shape) {
    return llvm::map_to_vector(shape, [&](AffineExpr size) { return sizes.fold(rewriter, loc, size); });
  }

  IRRewriter &rewriter;
  const Contraction &contraction;
  linalg::GenericOp op;
  TensorSizes &sizes;
  Location loc;
  bool panels;
  int64_t group; // of the last reduction; 1 where it has none
  AffineMap aMap;
  SmallVector<AffineExpr> loopSizes;
  SmallVector<unsigned> batch, reductions;
  SmallVector<int64_t> unitDims;
};

/// elementwise(collapse_shape(contraction)) -> collapse_shape(elementwise(contraction)), so that the epilogue
/// is next to the contraction: the groups of a grouped convolution end in such a reshape.
void moveReshapesBehindEpilogues(func::FuncOp func) {
  RewritePatternSet patterns(func.getContext());
  linalg::populateFoldReshapeOpsByExpansionPatterns(patterns, [&](OpOperand *operand) {
    auto collapse = operand->get().getDefiningOp<tensor::CollapseShapeOp>();
    auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
    if (!collapse || !consumer || !collapse->hasOneUse() || !collapse.getSrc().hasOneUse() ||
        consumer.getNumParallelLoops() != consumer.getNumLoops())
      return false;
    auto producer = collapse.getSrc().getDefiningOp<linalg::GenericOp>();
    StringRef why;
    return producer && succeeded(matchContraction(producer, Prefer::Innermost, why));
  });
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled).enableFolding(false);
  (void)applyPatternsGreedily(func, std::move(patterns), config);
}

Value beforeTranspose(Value value) {
  auto transpose = value.getDefiningOp<linalg::TransposeOp>();
  return transpose ? transpose.getInput() : value;
}

/// contraction(transpose(x)) -> contraction(x): packing reads in any order, tiles where the innermost dim
/// stays. transpose(contraction) -> contraction when the vectorised loop stays innermost. Heads of attention
/// are split and joined this way.
void absorbTransposes(func::FuncOp func, bool panels) {
  for (auto op : llvm::make_early_inc_range(func.getBody().front().getOps<linalg::GenericOp>())) {
    StringRef why;
    FailureOr<Contraction> contraction = matchContraction(op, Prefer::Innermost, why, panels);
    if (failed(contraction) || (contraction->tooFewRows() && !endsInVectors(beforeTranspose(op.getInputs()[contraction->b]))))
      continue; // a loop nest would read the transposed operand with a stride
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto transpose = input->get().getDefiningOp<linalg::TransposeOp>();
      if (!transpose)
        continue;
      // The left operand keeps its contiguous dim.
      int64_t rank = transpose.getPermutation().size();
      if (input->getOperandNumber() == contraction->a && transpose.getPermutation().back() + 1 != rank)
        continue;
      AffineMap &map = maps[input->getOperandNumber()];
      SmallVector<AffineExpr> results(map.getNumResults());
      for (auto [i, dim] : llvm::enumerate(transpose.getPermutation()))
        results[dim] = map.getResult(i);
      map = AffineMap::get(map.getNumDims(), 0, results, map.getContext());
      input->set(transpose.getInput());
    }
    auto user = op.getResult(0).hasOneUse() ? dyn_cast<linalg::TransposeOp>(*op->user_begin()) : linalg::TransposeOp();
    auto fill = op.getOutputs()[0].getDefiningOp<linalg::FillOp>();
    if (user && fill && user.getInput() == op.getResult(0) && contraction->innermost() &&
        user.getPermutation().back() + 1 == int64_t(maps[2].getNumResults())) {
      SmallVector<AffineExpr> results;
      for (int64_t dim : user.getPermutation())
        results.push_back(maps[2].getResult(dim));
      maps[2] = AffineMap::get(maps[2].getNumDims(), 0, results, op.getContext());
      OpBuilder b(user);
      Value init = linalg::FillOp::create(b, op.getLoc(), fill.getInputs(), ValueRange(user.getInit())).getResult(0);
      op->moveBefore(user);
      op.getOutputsMutable().assign(init);
      op.getResult(0).setType(cast<RankedTensorType>(init.getType()));
      user.getResult()[0].replaceAllUsesWith(op.getResult(0));
      user.erase();
    }
    op.setIndexingMapsAttr(OpBuilder(op).getAffineMapArrayAttr(maps));
  }
}

struct FormContractsPass : contracts::impl::FormContractsBase<FormContractsPass> {
  using FormContractsBase::FormContractsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    IRRewriter rewriter(&getContext());
    liftTransposes(func, rewriter);
    moveFactors(func, rewriter);
    splitSharedHeads(func, rewriter, /*readsSharedHeads=*/panels);
    moveReshapesBehindEpilogues(func);
    absorbTransposes(func, panels);
    TensorSizes sizes(func, rewriter);
    SmallVector<ContractOp> contracts;
    for (auto generic : llvm::make_early_inc_range(func.getBody().front().getOps<linalg::GenericOp>())) {
      StringRef why;
      FailureOr<Contraction> contraction = matchContraction(generic, Prefer::Innermost, why, panels);
      if (failed(contraction)) {
        if (why.starts_with("its") || why.starts_with("too") || why.starts_with("no "))
          emitRemark(generic.getLoc()) << "contraction stays a loop nest: " << why;
        continue;
      }
      if (ContractOp contract = formContract(rewriter, *contraction, sizes, panels, group))
        contracts.push_back(contract);
      else if (llvm::all_of(llvm::seq(generic.getNumLoops()), [&](unsigned loop) { return bool(sizes.loop(generic, loop)); }))
        emitRemark(generic.getLoc()) << "contraction stays a loop nest: too few rows to pay for packing at run time";
      else
        emitRemark(generic.getLoc()) << "contraction stays a loop nest: a size is unknown";
    }
    for (ContractOp contract : contracts) {
      StringRef why;
      while (ContractOp fused = fuseConsumer(rewriter, contract, sizes, why))
        contract = fused;
      if (why != "the consumer is not elementwise") // nothing was there to fuse
        emitRemark(contract.getLoc()) << "epilogue not fused: " << why;
      bool heads = panels && !contract.getBBatch().empty(); // as the rows of a softmax between two products have them
      bool channels = depthwise && contract.getAMap().isFunctionOfDim(contract.getParallel() - 1);
      if (!heads && !channels)
        mergeContractDims(rewriter, contract, sizes);
    }
  }
};

} // namespace

ContractOp laic::contracts::formContract(IRRewriter &rewriter, const Contraction &contraction, TensorSizes &sizes, bool panels,
                                         int64_t group) {
  return Former(rewriter, contraction, sizes, panels, group).form();
}
