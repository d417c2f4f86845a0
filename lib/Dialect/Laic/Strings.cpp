// Operators that look into strings: what they become in terms of the runtime's functions.
#include "laic/Dialect/Laic/StringsOps.h"

#include "HostFunctions.h"

using namespace mlir;
using namespace laic;

namespace {

Type i64(MLIRContext *mlir) { return IntegerType::get(mlir, 64); }

AffineMap sameShape(MLIRContext *mlir, int64_t rank) { return AffineMap::getMultiDimIdentityMap(rank, mlir); }
// One number.
AffineMap oneElement(MLIRContext *mlir, int64_t rank) { return AffineMap::get(rank, 0, {getAffineConstantExpr(1, mlir)}, mlir); }

LogicalResult inferBroadcast(ShapeContext &ctx, Type element) {
  if (!isString(ctx.element(0)) || !isString(ctx.element(1)))
    return ctx.fail("expects two tensors of strings");
  auto shape = ctx.broadcast(ctx.shape(0), ctx.shape(1));
  if (failed(shape))
    return failure();
  ctx.set(0, *shape, element);
  return success();
}

} // namespace

// ---- StringConcat, Equal ----

LogicalResult StringConcatOp::inferShapes(ShapeContext &ctx) { return inferBroadcast(ctx, ctx.element(0)); }

LogicalResult StringConcatOp::lower(LowerContext &ctx) {
  ctx.set(0, callHost(ctx, "core.concat", {ctx.operand(0), ctx.operand(1)}, {}, ctx.resultShape(), ctx.resultElement()));
  return success();
}

LogicalResult StringEqualOp::inferShapes(ShapeContext &ctx) { return inferBroadcast(ctx, IntegerType::get(getContext(), 1)); }

LogicalResult StringEqualOp::lower(LowerContext &ctx) {
  ctx.set(0, callHost(ctx, "core.equal", {ctx.operand(0), ctx.operand(1)}, {}, ctx.resultShape(), ctx.resultElement()));
  return success();
}

// ---- RegexFullMatch ----

LogicalResult RegexFullMatchOp::inferShapes(ShapeContext &ctx) {
  HostResult result{sameShape(getContext(), ctx.rank(0)), IntegerType::get(getContext(), 1)};
  return ctx.replace([&](RewriterBase &b) {
    Value pattern = createPacked(b, getLoc(), getPattern());
    return createHostFunction(b, getLoc(), "text.regex_full_match", {getX(), pattern}, {}, result);
  });
}

// ---- StringSplit: how many parts each string has and the most that one has; then the parts ----

LogicalResult StringSplitOp::inferShapes(ShapeContext &ctx) {
  MLIRContext *mlir = getContext();
  int64_t rank = ctx.rank(0);
  SmallVector<AffineExpr> parts(sameShape(mlir, rank).getResults());
  parts.push_back(getAffineSymbolExpr(0, mlir));
  HostResult counts{sameShape(mlir, rank), i64(mlir)}, most{oneElement(mlir, rank), i64(mlir)};
  HostResult split{AffineMap::get(rank, 1, parts, mlir), ctx.element(0)};
  constexpr int64_t kUnlimited = -1;
  int64_t limit = getMaxsplit() ? static_cast<int64_t>(*getMaxsplit()) : kUnlimited;
  return ctx.replace([&](RewriterBase &b) {
    llvm::SmallVector<Value> inputs{getX(), createPacked(b, getLoc(), getDelimiter().value_or(""))};
    auto counted = createHostFunction(b, getLoc(), "core.count_parts", inputs, limit, {counts, most});
    auto made = createHostFunction(b, getLoc(), "core.split", inputs, limit, split, counted[1]);
    return llvm::SmallVector<Value>{made[0], counted[0]};
  });
}

// ---- StringNormalizer ----

LogicalResult StringNormalizerOp::inferShapes(ShapeContext &ctx) {
  MLIRContext *mlir = getContext();
  int64_t rank = ctx.rank(0);
  if (rank < 1 || rank > 2)
    return ctx.fail("expects an input of rank 1 or 2, got rank " + Twine(rank));
  if (rank == 2 && failed(ctx.equal(ctx.shape(0)[0], ctx.cst(1), "dim 0 must be 1", "expects dim 0 to be 1")))
    return failure();
  const llvm::StringRef actions[] = {"NONE", "LOWER", "UPPER"};
  const auto *action = llvm::find(actions, getCaseChangeAction());
  if (action == std::end(actions))
    return ctx.fail("unknown case_change_action '" + getCaseChangeAction() + "'");
  int64_t parameters[] = {action - actions, static_cast<int64_t>(getIsCaseSensitive())};
  SmallVector<AffineExpr> left;
  if (rank == 2)
    left.push_back(getAffineConstantExpr(1, mlir));
  left.push_back(getAffineSymbolExpr(0, mlir));
  HostResult count{oneElement(mlir, rank), i64(mlir)}, kept{AffineMap::get(rank, 1, left, mlir), ctx.element(0)};
  HostResult same{sameShape(mlir, rank), ctx.element(0)};
  llvm::SmallVector<llvm::StringRef> stopwords = stringsOf(getStopwords());
  // Without stop words as many come out as go in, but for none.
  bool isSame = stopwords.empty() && constantSize(ctx.shape(0).back()).value_or(0) > 0;
  return ctx.replace([&](RewriterBase &b) {
    llvm::SmallVector<Value> inputs{getX(), createPacked(b, getLoc(), stopwords)};
    if (isSame)
      return createHostFunction(b, getLoc(), "text.normalize", inputs, parameters, same);
    auto counted = createHostFunction(b, getLoc(), "text.count_kept", inputs, parameters, count);
    return createHostFunction(b, getLoc(), "text.normalize", inputs, parameters, kept, counted[0]);
  });
}
