// How data movement carries known contents along.
#include "Contents.h"

using namespace mlir;
using namespace laic;

std::optional<int64_t> laic::contentCount(llvm::ArrayRef<AffineExpr> shape) {
  int64_t count = 1;
  for (AffineExpr e : shape) {
    auto c = constantSize(e);
    if (!c || (count *= *c) > ShapeContext::kMaxContents)
      return std::nullopt;
  }
  return count;
}

llvm::SmallVector<int64_t> laic::rowMajorStrides(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> strides(shape.size(), 1);
  for (int64_t d = static_cast<int64_t>(shape.size()) - 2; d >= 0; --d)
    strides[d] = strides[d + 1] * shape[d + 1];
  return strides;
}

llvm::SmallVector<int64_t> laic::unflatten(int64_t flat, llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t> indices(shape.size());
  for (int64_t d = static_cast<int64_t>(shape.size()) - 1; d >= 0; --d) {
    indices[d] = flat % shape[d];
    flat /= shape[d];
  }
  return indices;
}

void laic::moveContents(ShapeContext &ctx, unsigned operand, unsigned result, llvm::ArrayRef<AffineExpr> resultShape,
                        llvm::function_ref<int64_t(llvm::ArrayRef<int64_t>)> pick) {
  const ValueFacts &facts = ctx.facts(operand);
  auto count = contentCount(resultShape);
  if (!count || (!facts.ints && !facts.floats))
    return;
  auto dims = staticShape(resultShape);
  llvm::SmallVector<AffineExpr, 4> ints;
  llvm::SmallVector<double, 4> floats;
  for (int64_t flat = 0; flat < *count; ++flat) {
    int64_t from = pick(unflatten(flat, dims));
    if (facts.ints)
      ints.push_back((*facts.ints)[from]);
    else
      floats.push_back((*facts.floats)[from]);
  }
  if (facts.ints)
    ctx.setInts(result, ints);
  else
    ctx.setFloats(result, floats);
}

void laic::keepContents(ShapeContext &ctx, unsigned operand, unsigned result) {
  if (ctx.facts(operand).ints)
    ctx.setInts(result, *ctx.facts(operand).ints);
  if (ctx.facts(operand).floats)
    ctx.setFloats(result, *ctx.facts(operand).floats);
}
