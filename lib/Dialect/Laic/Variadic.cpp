// Min, Max, Sum, Mean, Clip.
#include "Contents.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/VariadicOps.h"

using namespace mlir;
using namespace laic;

namespace {

// Contents of one-dim or scalar integer operands, combined one operand at a time.
void foldSizes(ShapeContext &ctx, llvm::function_ref<AffineExpr(AffineExpr, AffineExpr)> fold) {
  std::optional<size_t> count;
  for (unsigned i = 0; i < ctx.operandCount(); ++i) {
    if (!ctx.facts(i).ints || ctx.rank(i) > 1)
      return;
    size_t n = ctx.facts(i).ints->size();
    if (n != 1 && count && *count != 1 && *count != n)
      return;
    count = count && *count != 1 ? *count : n;
  }
  llvm::SmallVector<AffineExpr, 4> result;
  for (size_t k = 0; k < count.value_or(0); ++k) {
    AffineExpr value;
    for (unsigned i = 0; i < ctx.operandCount(); ++i) {
      const auto &ints = *ctx.facts(i).ints;
      AffineExpr next = ints[ints.size() == 1 ? 0 : k];
      value = value ? fold(value, next) : next;
    }
    result.push_back(value);
  }
  ctx.setInts(0, result);
}

LogicalResult inferVariadic(Operation *op, ShapeContext &ctx) {
  if (ctx.operandCount() == 0)
    return ctx.fail("expects at least one operand");
  return ctx.inferElementwise(op);
}

} // namespace

LogicalResult MinOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferVariadic(*this, ctx)))
    return failure();
  foldSizes(ctx, [&](AffineExpr a, AffineExpr b) { return ctx.symbols.min(a, b); });
  return success();
}
LogicalResult MaxOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferVariadic(*this, ctx)))
    return failure();
  foldSizes(ctx, [&](AffineExpr a, AffineExpr b) { return ctx.symbols.max(a, b); });
  return success();
}
LogicalResult SumOp::inferShapes(ShapeContext &ctx) { return inferVariadic(*this, ctx); }
LogicalResult MeanOp::inferShapes(ShapeContext &ctx) { return inferVariadic(*this, ctx); }

// ---- Clip ----

LogicalResult ClipOp::inferShapes(ShapeContext &ctx) {
  for (unsigned i = 1; i < 3; ++i) {
    if (!ctx.has(i))
      continue;
    if (ctx.element(i) != ctx.element(0))
      return ctx.fail("expects bounds of the operand's element type");
    if (auto count = contentCount(ctx.shape(i)); count && *count != 1)
      return ctx.fail("expects scalar bounds, got " + Twine(*count) + " elements");
  }
  if (failed(ctx.same(0)))
    return failure();
  auto known = [&](unsigned i) { return !ctx.has(i) || (ctx.facts(i).ints && ctx.facts(i).ints->size() == 1); };
  if (!ctx.facts(0).ints || !known(1) || !known(2))
    return success();
  llvm::SmallVector<AffineExpr, 4> contents;
  for (AffineExpr e : *ctx.facts(0).ints) {
    e = ctx.has(1) ? ctx.symbols.max(e, ctx.facts(1).ints->front()) : e;
    contents.push_back(ctx.has(2) ? ctx.symbols.min(e, ctx.facts(2).ints->front()) : e);
  }
  ctx.setInts(0, contents);
  return success();
}

LogicalResult ClipOp::lower(LowerContext &ctx) {
  llvm::ArrayRef<AffineExpr> shape = ctx.resultShape();
  Type element = ctx.element(0);
  llvm::SmallVector<Value> inputs{ctx.operand(0)};
  llvm::SmallVector<AffineMap> maps{ctx.b.getMultiDimIdentityMap(shape.size())};
  // Constant bounds become scalars of the body, so that clipping fuses into what comes before.
  std::optional<size_t> slot[3];
  auto isConstant = [&](unsigned i) {
    const ValueFacts &facts = ctx.facts(i);
    return (facts.floats && facts.floats->size() == 1) ||
           (facts.ints && facts.ints->size() == 1 && constantSize(facts.ints->front()));
  };
  for (unsigned i = 1; i < 3; ++i) {
    if (!ctx.has(i) || isConstant(i))
      continue;
    slot[i] = inputs.size();
    inputs.push_back(ctx.operand(i));
    llvm::SmallVector<AffineExpr> zeros(ctx.rank(i), ctx.b.getAffineConstantExpr(0));
    maps.push_back(AffineMap::get(shape.size(), 0, zeros, getContext()));
  }
  auto bound = [&](ScalarBuilder &s, ValueRange in, unsigned i, Value like) -> Value {
    if (slot[i])
      return ctx.toCompute(s, in[*slot[i]], element);
    const ValueFacts &facts = ctx.facts(i);
    if (facts.floats)
      return s.cst(facts.floats->front(), like);
    return arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(like.getType(), *constantSize(facts.ints->front())));
  };
  bool isUnsigned = isUnsignedElement(element);
  ctx.set(0, ctx.generic(
                 shape, element, inputs, maps,
                 [&](ScalarBuilder &s, ValueRange in) {
                   Value x = ctx.toCompute(s, in[0], element);
                   x = ctx.has(1) ? s.max(x, bound(s, in, 1, x)) : x;
                   x = ctx.has(2) ? s.min(x, bound(s, in, 2, x)) : x;
                   return ctx.toStorage(s, x, element);
                 },
                 isUnsigned));
  return success();
}
