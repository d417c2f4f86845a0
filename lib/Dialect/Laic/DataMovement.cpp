// Transpose, Concat, Split, DepthToSpace, SpaceToDepth: elements moved by fixed rules.
#include "Contents.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/LowerContext.h"

using namespace mlir;
using namespace laic;

// ---- Transpose ----

namespace {
llvm::SmallVector<int64_t> permutationOf(TransposeOp op, int64_t rank) {
  if (op.getPerm())
    return llvm::SmallVector<int64_t>(*op.getPerm());
  llvm::SmallVector<int64_t> perm;
  for (int64_t d = rank - 1; d >= 0; --d)
    perm.push_back(d);
  return perm;
}
} // namespace

LogicalResult TransposeOp::inferShapes(ShapeContext &ctx) {
  int64_t rank = ctx.rank(0);
  llvm::SmallVector<int64_t> perm = permutationOf(*this, rank);
  llvm::SmallVector<bool> seen(rank, false);
  for (int64_t p : perm) {
    if (p < 0 || p >= rank || seen[p])
      return ctx.fail("expects 'perm' to be a permutation of the dims 0 to " + Twine(rank - 1));
    seen[p] = true;
  }
  if (static_cast<int64_t>(perm.size()) != rank)
    return ctx.fail("expects 'perm' to have " + Twine(rank) + " entries, got " + Twine(perm.size()));
  SymShape result;
  for (int64_t p : perm)
    result.push_back(ctx.shape(0)[p]);
  ctx.set(0, result, ctx.element(0));
  auto strides = rowMajorStrides(staticShape(ctx.shape(0)));
  moveContents(ctx, 0, 0, result, [&](llvm::ArrayRef<int64_t> at) {
    int64_t flat = 0;
    for (int64_t d = 0; d < rank; ++d)
      flat += at[d] * strides[perm[d]];
    return flat;
  });
  return success();
}

LogicalResult TransposeOp::lower(LowerContext &ctx) {
  ctx.set(0, ctx.transpose(ctx.operand(0), permutationOf(*this, ctx.rank(0))));
  return success();
}

// ---- Concat ----

FailureOr<SymShape> laic::concatShape(ShapeContext &ctx, llvm::ArrayRef<unsigned> operands, int64_t axis) {
  unsigned first = operands.front();
  int64_t rank = ctx.rank(first);
  auto along = ctx.axis(axis, rank);
  if (failed(along))
    return failure();
  SymShape result(ctx.shape(first));
  for (unsigned i : operands.drop_front()) {
    if (ctx.rank(i) != rank)
      return LogicalResult(ctx.fail("expects operands of one rank, got " + Twine(rank) + " and " + Twine(ctx.rank(i))));
    if (ctx.element(i) != ctx.element(first))
      return LogicalResult(ctx.fail("expects operands of one element type"));
    for (int64_t d = 0; d < rank; ++d) {
      AffineExpr dim = ctx.shape(i)[d];
      if (d == *along) {
        result[d] = canonicalSize(result[d] + dim);
        continue;
      }
      auto have = constantSize(result[d]), got = constantSize(dim);
      if (failed(ctx.equal(dim, result[d], "operands must agree in dim " + Twine(d),
                           "expects operands that agree in dim " + Twine(d) + ", got " + Twine(have.value_or(0)) + " and " +
                               Twine(got.value_or(0)))))
        return failure();
      if (!have && got)
        result[d] = dim;
    }
  }
  return result;
}

LogicalResult ConcatOp::inferShapes(ShapeContext &ctx) {
  if (ctx.operandCount() == 0)
    return ctx.fail("expects at least one operand");
  auto shape = concatShape(ctx, llvm::to_vector(llvm::seq(0u, ctx.operandCount())), static_cast<int64_t>(getAxis()));
  if (failed(shape))
    return failure();
  SymShape &result = *shape;
  auto axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0));
  ctx.set(0, result, ctx.element(0));
  if (*axis != 0 && !contentCount(result))
    return success();
  // Row by row: the operands' rows of the concatenated dims lie behind each other.
  auto count = contentCount(result);
  bool ints = true, floats = true;
  for (unsigned i = 0; i < ctx.operandCount(); ++i) {
    bool isEmpty = contentCount(ctx.shape(i)) == 0;
    ints &= isEmpty || ctx.facts(i).ints.has_value();
    floats &= isEmpty || ctx.facts(i).floats.has_value();
  }
  if (!count || *count == 0 || (!ints && !floats))
    return success();
  llvm::SmallVector<AffineExpr, 4> intContents;
  llvm::SmallVector<double, 4> floatContents;
  int64_t rows = *contentCount(llvm::ArrayRef<AffineExpr>(result).take_front(*axis));
  for (int64_t row = 0; row < rows; ++row)
    for (unsigned i = 0; i < ctx.operandCount(); ++i) {
      int64_t length = *contentCount(ctx.shape(i).drop_front(*axis));
      for (int64_t k = row * length; k < (row + 1) * length; ++k) {
        if (ints)
          intContents.push_back((*ctx.facts(i).ints)[k]);
        else
          floatContents.push_back((*ctx.facts(i).floats)[k]);
      }
    }
  if (ints)
    ctx.setInts(0, intContents);
  else
    ctx.setFloats(0, floatContents);
  return success();
}

LogicalResult ConcatOp::lower(LowerContext &ctx) {
  int64_t axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + ctx.rank(0) : axis;
  llvm::SmallVector<Value> parts;
  for (unsigned i = 0; i < ctx.operandCount(); ++i)
    if (constantSize(ctx.shape(i)[axis]) != 0)
      parts.push_back(ctx.operand(i));
  if (parts.empty())
    parts.push_back(ctx.operand(0));
  RankedTensorType type = ctx.type(ctx.resultShape(), ctx.resultElement());
  ctx.set(0, parts.size() == 1 ? ctx.castTo(parts[0], type) : Value(tensor::ConcatOp::create(ctx.b, type, axis, parts)));
  return success();
}

// ---- Split ----

LogicalResult SplitOp::inferShapes(ShapeContext &ctx) {
  auto axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0));
  if (failed(axis))
    return failure();
  AffineExpr dim = ctx.shape(0)[*axis];
  int64_t count = getNumResults();
  if (count == 0)
    return ctx.fail("expects at least one result");
  llvm::SmallVector<AffineExpr, 4> parts;
  if (ctx.has(1)) {
    auto given = ctx.sizes(1, "split", count);
    if (failed(given))
      return failure();
    if (static_cast<int64_t>(given->size()) != count)
      return ctx.fail("expects " + Twine(count) + " sizes in 'split', one per result, got " + Twine(given->size()));
    parts = *given;
    AffineExpr sum = ctx.cst(0);
    for (AffineExpr p : parts)
      sum = sum + p;
    AffineExpr total = canonicalSize(sum);
    if (failed(ctx.equal(total, dim, "the sizes in 'split' must add up to the dim that is split",
                         "expects 'split' to add up to " + Twine(constantSize(dim).value_or(0)) + ", got " +
                             Twine(constantSize(total).value_or(0)))))
      return failure();
  } else {
    if (getNumOutputs() && static_cast<int64_t>(*getNumOutputs()) != count)
      return ctx.fail("expects as many results as 'num_outputs' says");
    // Equal parts; the last one is smaller where they do not divide.
    AffineExpr part = ctx.symbols.floorDiv(canonicalSize(dim + (count - 1)), ctx.cst(count));
    if (AffineExpr whole = ctx.symbols.floorDiv(dim, ctx.cst(count)); canonicalSize(whole * count) == dim)
      part = whole;
    parts.assign(count - 1, part);
    parts.push_back(canonicalSize(dim - part * (count - 1)));
  }
  AffineExpr offset = ctx.cst(0);
  auto strides = rowMajorStrides(staticShape(ctx.shape(0)));
  for (int64_t i = 0; i < count; ++i) {
    SymShape shape(ctx.shape(0));
    shape[*axis] = parts[i];
    ctx.set(i, shape, ctx.element(0));
    if (auto start = constantSize(canonicalSize(offset)))
      moveContents(ctx, 0, i, shape, [&](llvm::ArrayRef<int64_t> at) {
        int64_t flat = *start * strides[*axis];
        for (size_t d = 0; d < at.size(); ++d)
          flat += at[d] * strides[d];
        return flat;
      });
    offset = offset + parts[i];
  }
  return success();
}

LogicalResult SplitOp::lower(LowerContext &ctx) {
  int64_t rank = ctx.rank(0), axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + rank : axis;
  if (getNumResults() == 1) {
    ctx.set(0, ctx.operand(0));
    return success();
  }
  AffineExpr offset = ctx.cst(0);
  llvm::SmallVector<OpFoldResult> ones(rank, ctx.b.getIndexAttr(1));
  for (unsigned i = 0; i < getNumResults(); ++i) {
    SymShape offsets(rank, ctx.cst(0));
    offsets[axis] = canonicalSize(offset);
    // A slice may not even start where the operand ends.
    if (constantSize(ctx.resultShape(i)[axis]) == 0 || constantSize(ctx.shape(0)[axis]) == 0) {
      ctx.set(i, ctx.filled(ctx.resultShape(i), ctx.resultElement(i), 0));
      continue;
    }
    ctx.set(i, tensor::ExtractSliceOp::create(ctx.b, ctx.operand(0), ctx.folds(offsets), ctx.folds(ctx.resultShape(i)), ones));
    offset = offset + ctx.resultShape(i)[axis];
  }
  return success();
}

// ---- DepthToSpace, SpaceToDepth ----

namespace {

FailureOr<int64_t> blockSize(ShapeContext &ctx, int64_t block, llvm::StringRef mode) {
  if (ctx.rank(0) != 4)
    return ctx.fail("expects an operand of rank 4, got rank " + Twine(ctx.rank(0)));
  if (mode != "DCR" && mode != "CRD")
    return ctx.fail("expects mode 'DCR' or 'CRD', got '" + mode + "'");
  if (block < 1)
    return ctx.fail("expects a 'blocksize' of at least 1, got " + Twine(block));
  return block;
}

LogicalResult needMultiple(ShapeContext &ctx, int64_t dim, int64_t factor) {
  AffineExpr size = ctx.shape(0)[dim];
  std::string what = ("dim " + Twine(dim) + " to be a multiple of " + Twine(factor)).str();
  return ctx.multiple(size, factor, "expects " + what, "expects " + what + ", got " + Twine(constantSize(size).value_or(0)));
}

// Reshape, transpose, reshape.
LogicalResult lowerBlocks(LowerContext &ctx, llvm::ArrayRef<AffineExpr> blocks, llvm::ArrayRef<int64_t> perm) {
  Value value = ctx.transpose(ctx.reshape(ctx.operand(0), ctx.shape(0), blocks), perm);
  SymShape moved;
  for (int64_t p : perm)
    moved.push_back(blocks[p]);
  ctx.set(0, ctx.reshape(value, moved, ctx.resultShape()));
  return success();
}

} // namespace

LogicalResult DepthToSpaceOp::inferShapes(ShapeContext &ctx) {
  auto block = blockSize(ctx, static_cast<int64_t>(getBlocksize()), getMode());
  if (failed(block) || failed(needMultiple(ctx, 1, *block * *block)))
    return failure();
  llvm::ArrayRef<AffineExpr> in = ctx.shape(0);
  AffineExpr depth = ctx.symbols.floorDiv(in[1], ctx.cst(*block * *block));
  ctx.set(0, {in[0], depth, in[2] * *block, in[3] * *block}, ctx.element(0));
  return success();
}

LogicalResult DepthToSpaceOp::lower(LowerContext &ctx) {
  llvm::ArrayRef<AffineExpr> in = ctx.shape(0);
  AffineExpr block = ctx.cst(static_cast<int64_t>(getBlocksize())), depth = ctx.resultShape()[1];
  if (getMode() == "DCR")
    return lowerBlocks(ctx, {in[0], block, block, depth, in[2], in[3]}, {0, 3, 4, 1, 5, 2});
  return lowerBlocks(ctx, {in[0], depth, block, block, in[2], in[3]}, {0, 1, 4, 2, 5, 3});
}

LogicalResult SpaceToDepthOp::inferShapes(ShapeContext &ctx) {
  auto block = blockSize(ctx, static_cast<int64_t>(getBlocksize()), getMode());
  if (failed(block) || failed(needMultiple(ctx, 2, *block)) || failed(needMultiple(ctx, 3, *block)))
    return failure();
  llvm::ArrayRef<AffineExpr> in = ctx.shape(0);
  AffineExpr b = ctx.cst(*block);
  ctx.set(0, {in[0], in[1] * (*block * *block), ctx.symbols.floorDiv(in[2], b), ctx.symbols.floorDiv(in[3], b)}, ctx.element(0));
  return success();
}

LogicalResult SpaceToDepthOp::lower(LowerContext &ctx) {
  llvm::ArrayRef<AffineExpr> in = ctx.shape(0), out = ctx.resultShape();
  AffineExpr block = ctx.cst(static_cast<int64_t>(getBlocksize()));
  llvm::SmallVector<int64_t> perm =
      getMode() == "DCR" ? llvm::SmallVector<int64_t>{0, 3, 5, 1, 2, 4} : llvm::SmallVector<int64_t>{0, 1, 3, 5, 2, 4};
  return lowerBlocks(ctx, {in[0], in[1], out[2], block, out[3], block}, perm);
}
