// Fuses pointwise linalg operations where that repeats no work worth mentioning.
#include "laic/Transforms/Passes.h"

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace laic {
#define GEN_PASS_DEF_FUSEELEMENTWISE
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

/// Bodies beyond this stop growing: registers spill, and fusing a chain must stay linear in its length.
constexpr unsigned kMaxBodyOps = 64;
/// A body this small may be computed more than once.
constexpr unsigned kCheapOps = 4;

/// What a body costs per element.
struct BodyCost {
  unsigned ops = 0;
  bool expensive = false; // transcendental, division, root
  bool gathers = false;
};

BodyCost costOf(linalg::GenericOp op) {
  BodyCost cost;
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (isa<arith::ConstantOp, linalg::IndexOp>(inner))
      continue;
    ++cost.ops;
    cost.gathers |= isa<tensor::ExtractOp, CheckIndexOp>(inner);
    cost.expensive |= isa<math::MathDialect>(inner.getDialect()) && !isa<math::AbsFOp, math::AbsIOp, math::FmaOp>(inner);
    cost.expensive |= isa<arith::DivFOp, arith::DivSIOp, arith::DivUIOp, arith::RemFOp, arith::RemSIOp, arith::RemUIOp>(inner);
  }
  return cost;
}

/// Inputs of which the operation reads a different element in every iteration.
unsigned countFullInputs(linalg::GenericOp op) {
  unsigned full = 0;
  for (OpOperand *input : op.getDpsInputOperands())
    full += op.getMatchingIndexingMap(input).getNumResults() == op.getNumLoops();
  return full;
}

/// A sum of products of several operands: its operands are read again and again, and a target packs them.
bool isContraction(linalg::GenericOp op) {
  if (op.getNumReductionLoops() == 0)
    return false;
  unsigned partial = 0;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap map = op.getMatchingIndexingMap(input);
    bool scalar = map.getNumResults() == 0 || llvm::all_of(map.getResults(), llvm::IsaPred<AffineConstantExpr>);
    partial += !scalar && !(map.isProjectedPermutation() && map.getNumResults() == op.getNumLoops());
  }
  return partial >= 1 && op.getNumDpsInputs() >= 2;
}

bool isWorthFusing(OpOperand *operand, unsigned maxOperands) {
  auto producer = operand->get().getDefiningOp<linalg::GenericOp>();
  auto consumer = dyn_cast<linalg::GenericOp>(operand->getOwner());
  if (!producer || !consumer || isContraction(consumer))
    return false;
  BodyCost cost = costOf(producer), with = costOf(consumer);
  if (cost.ops + with.ops > kMaxBodyOps)
    return false;
  llvm::SmallPtrSet<Value, 16> inputs;
  for (Value v : producer.getDpsInputs())
    inputs.insert(v);
  for (Value v : consumer.getDpsInputs())
    if (v != operand->get())
      inputs.insert(v);
  if (inputs.size() + consumer.getNumDpsInits() > maxOperands)
    return false;

  AffineMap map = consumer.getMatchingIndexingMap(operand);
  if (!map.isProjectedPermutation())
    return false; // windows read an element many times
  bool readOnce = map.getNumResults() == map.getNumDims();
  bool cheap = !cost.expensive && !cost.gathers && cost.ops <= kCheapOps;
  if (cost.gathers && (!readOnce || consumer.getNumReductionLoops()))
    return false;
  if (!readOnce && !cheap)
    return false;
  bool singleUse = llvm::all_of(operand->get().getUsers(), [&](Operation *user) { return user == consumer; });
  if (producer->getNumResults() != 1)
    return false;
  // Repeating x + y for every reader would read both again; a chain of residuals would grow without end.
  return singleUse || (cheap && countFullInputs(producer) <= 1);
}

/// generic ins(%c) with %c = laic.constant dense<2.0> (a splat)  ->  arith.constant 2.0 in the body.
struct InlineSplat : public OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(linalg::GenericOp op, PatternRewriter &rewriter) const override {
    if (isContraction(op))
      return rewriter.notifyMatchFailure(op, "a target wants both operands of a contraction");
    for (OpOperand *input : op.getDpsInputOperands()) {
      auto constant = input->get().getDefiningOp<ConstantOp>();
      auto dense = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
      if (!dense || !dense.isSplat() || !dense.getElementType().isIntOrFloat())
        continue;
      llvm::SmallVector<Value> inputs(op.getDpsInputs());
      llvm::SmallVector<AffineMap> maps = op.getIndexingMapsArray();
      unsigned index = input->getOperandNumber();
      inputs.erase(inputs.begin() + index);
      maps.erase(maps.begin() + index);
      if (!inversePermutation(concatAffineMaps(maps, op.getContext())))
        continue; // the operand alone says how long a loop is
      auto fused = linalg::GenericOp::create(rewriter, op.getLoc(), op->getResultTypes(), inputs, op.getDpsInits(),
                                             rewriter.getAffineMapArrayAttr(maps), op.getIteratorTypes(), op.getDocAttr(),
                                             op.getLibraryCallAttr());
      for (NamedAttribute attr : op->getDiscardableAttrs())
        fused->setDiscardableAttr(attr.getName(), attr.getValue());
      rewriter.inlineRegionBefore(op.getRegion(), fused.getRegion(), fused.getRegion().end());
      Block &body = fused.getRegion().front();
      rewriter.setInsertionPointToStart(&body);
      auto value = arith::ConstantOp::create(rewriter, constant.getLoc(), dense.getSplatValue<TypedAttr>());
      rewriter.replaceAllUsesWith(body.getArgument(index), value);
      body.eraseArgument(index);
      rewriter.replaceOp(op, fused.getResults());
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no splat constant among the inputs");
  }
};

struct FuseElementwise : public laic::impl::FuseElementwiseBase<FuseElementwise> {
  using FuseElementwiseBase::FuseElementwiseBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isDeclaration())
      return;
    MLIRContext *ctx = &getContext();
    IRRewriter rewriter(ctx);
    {
      DominanceInfo dominance;
      eliminateCommonSubExpressions(rewriter, dominance, func);
    }

    RewritePatternSet patterns(ctx);
    patterns.add<InlineSplat>(ctx);
    unsigned limit = maxOperands;
    linalg::populateElementwiseOpsFusionPatterns(patterns, [limit](OpOperand *operand) { return isWorthFusing(operand, limit); });
    linalg::GenericOp::getCanonicalizationPatterns(patterns, ctx);
    tensor::ExpandShapeOp::getCanonicalizationPatterns(patterns, ctx);
    tensor::CollapseShapeOp::getCanonicalizationPatterns(patterns, ctx);
    tensor::CastOp::getCanonicalizationPatterns(patterns, ctx);
    GreedyRewriteConfig config;
    config.setUseTopDownTraversal(true).setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    // A function that has not settled after the usual number of rounds is still correct.
    (void)applyPatternsGreedily(func, std::move(patterns), config);
    DominanceInfo dominance;
    eliminateCommonSubExpressions(rewriter, dominance, func);
  }
};

} // namespace
