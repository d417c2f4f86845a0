// NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss.
#include "IndexBuilder.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/LossOps.h"
#include "laic/Dialect/Laic/NormOps.h"

using namespace mlir;
using namespace laic;

namespace {

enum Operand { kX, kTarget, kWeight };

// x [N, C, ...], target [N, ...] and weights [C]; result 0 is the loss.
LogicalResult inferLoss(ShapeContext &ctx, StringRef reduction) {
  if (!llvm::is_contained({"none", "mean", "sum"}, reduction))
    return ctx.fail("expects reduction 'none', 'mean' or 'sum', got '" + reduction + "'");
  if (failed(expectMinRank(ctx, kX, 2, "the input")) || failed(expectRank(ctx, kTarget, ctx.rank(kX) - 1, "the target")))
    return failure();
  if (!isa<IntegerType>(ctx.element(kTarget)))
    return ctx.fail("expects integers in the target");
  ArrayRef<AffineExpr> x = ctx.shape(kX), target = ctx.shape(kTarget);
  for (unsigned d = 0; d < target.size(); ++d)
    if (failed(expectSize(ctx, target[d], x[d == 0 ? 0 : d + 1], "dim " + Twine(d) + " of the target", "as the input")))
      return failure();
  if (ctx.has(kWeight) && failed(expectVector(ctx, kWeight, x[1], "weights", "classes")))
    return failure();
  ctx.set(0, reduction == "none" ? SymShape(target) : SymShape(), ctx.element(kX));
  return success();
}

class LossLowering {
public:
  LossLowering(LowerContext &ctx, std::optional<int64_t> ignored)
      : ctx(ctx), ignored(ignored), element(ctx.element(kX)), compute(ctx.accumulator(element)),
        classes(ctx.size(ctx.shape(kX)[1])) {}

  Value run(StringRef reduction);

private:
  // A target's class, 0 where it is ignored, and whether it is (null: never).
  std::pair<Value, Value> target(ScalarBuilder &s, ValueRange at);
  Value losses(Type type);
  Value weights();
  Value total(Value perTarget);
  Value mean(Value losses);
  bool weighs() const { return ctx.has(kWeight) || ignored; }

  LowerContext &ctx;
  std::optional<int64_t> ignored;
  Type element, compute;
  Value classes;
};

std::pair<Value, Value> LossLowering::target(ScalarBuilder &s, ValueRange at) {
  IndexBuilder ib(s.b, s.loc);
  Value index =
      ib.toIndex(tensor::ExtractOp::create(s.b, s.loc, ctx.operand(kTarget), at), isUnsignedElement(ctx.element(kTarget)));
  Value isIgnored;
  if (ignored) {
    isIgnored = ib.eq(index, ib.cst(*ignored));
    index = ib.select(isIgnored, ib.cst(0), index);
  }
  Value original = ib.toInt(index, s.b.getI64Type());
  Value checked =
      CheckIndexOp::create(s.b, s.loc, s.b.getIndexType(), index, classes, original, s.b.getI32IntegerAttr(1)); // BAD_INDEX
  return {checked, isIgnored};
}

// -x[n, class, ...] * weight[class] of every target, 0 where it is ignored.
Value LossLowering::losses(Type type) {
  return ctx.gather(ctx.shape(kTarget), type, [&](ScalarBuilder &s, ValueRange at) {
    auto [index, isIgnored] = target(s, at);
    SmallVector<Value> from = {at[0], index};
    llvm::append_range(from, at.drop_front());
    auto read = [&](unsigned operand, ValueRange where) {
      Value v = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(operand), where);
      return toAccumulator(ctx, s, v, ctx.element(operand), compute);
    };
    Value loss = s.neg(read(kX, from));
    if (ctx.has(kWeight))
      loss = s.mul(loss, read(kWeight, index));
    if (isIgnored)
      loss = s.select(isIgnored, s.cst(0, loss), loss);
    return type == compute ? loss : ctx.toStorage(s, loss, type);
  });
}

// The weight of every target.
Value LossLowering::weights() {
  return ctx.gather(ctx.shape(kTarget), compute, [&](ScalarBuilder &s, ValueRange at) {
    auto [index, isIgnored] = target(s, at);
    Value weight = s.cst(1, compute);
    if (ctx.has(kWeight))
      weight = toAccumulator(ctx, s, tensor::ExtractOp::create(s.b, s.loc, ctx.operand(kWeight), index), ctx.element(kWeight),
                             compute);
    return isIgnored ? s.select(isIgnored, s.cst(0, weight), weight) : weight;
  });
}

Value LossLowering::total(Value perTarget) {
  unsigned rank = ctx.rank(kTarget);
  return ctx.reduce({}, compute, 0, rank, {perTarget}, {ctx.b.getMultiDimIdentityMap(rank)},
                    [](ScalarBuilder &s, ValueRange in) { return s.add(in[1], in[0]); });
}

Value LossLowering::mean(Value losses) {
  AffineMap scalar = AffineMap::get(0, 0, {}, ctx.b.getContext());
  SmallVector<Value> sums = {total(losses)};
  Value count;
  if (weighs()) {
    sums.push_back(total(weights()));
  } else {
    AffineExpr targets = ctx.cst(1);
    for (AffineExpr dim : ctx.shape(kTarget))
      targets = ctx.symbols.mul(targets, dim);
    count = ctx.size(targets);
  }
  SmallVector<AffineMap> maps(sums.size(), scalar);
  return ctx.generic({}, element, sums, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value divisor = count ? s.cast(IndexBuilder(s.b, s.loc).toInt(count, s.b.getI64Type()), compute, false, false) : in[1];
    return ctx.toStorage(s, s.div(in[0], divisor), element);
  });
}

Value LossLowering::run(StringRef reduction) {
  if (reduction == "none")
    return losses(element);
  Value all = losses(compute);
  if (reduction == "mean")
    return mean(all);
  return ctx.generic({}, element, {total(all)}, {AffineMap::get(0, 0, {}, ctx.b.getContext())},
                     [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, in[0], element); });
}

} // namespace

LogicalResult NegativeLogLikelihoodLossOp::inferShapes(ShapeContext &ctx) { return inferLoss(ctx, getReduction()); }

LogicalResult NegativeLogLikelihoodLossOp::lower(LowerContext &ctx) {
  ctx.set(0, LossLowering(ctx, getIgnoreIndex()).run(getReduction()));
  return success();
}

LogicalResult SoftmaxCrossEntropyLossOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferLoss(ctx, getReduction())))
    return failure();
  ctx.set(1, ctx.shape(kX), ctx.element(kX));
  return success();
}

LogicalResult SoftmaxCrossEntropyLossOp::decompose(RewriterBase &rewriter) {
  Value logProb = LogSoftmaxOp::create(rewriter, getLoc(), getLogProb().getType(), getScores(), /*axis=*/1);
  Value loss = NegativeLogLikelihoodLossOp::create(rewriter, getLoc(), getLoss().getType(), logProb, getLabels(), getWeights(),
                                                   getIgnoreIndexAttr(), getReductionAttr());
  rewriter.replaceOp(*this, {loss, logProb});
  return success();
}
