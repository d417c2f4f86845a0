// Gather, GatherElements, GatherND, ScatterElements, ScatterND, ReverseSequence: elements moved by indices that are data.
#include "Contents.h"
#include "DynamicSizes.h"
#include "IndexBuilder.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

namespace {

LogicalResult needIntegers(ShapeContext &ctx, unsigned i, llvm::StringRef what) {
  if (isa<IntegerType>(ctx.element(i)))
    return success();
  return ctx.fail("expects integers in '" + what + "'");
}

// Element `at` of operand i, an index into a dim of size `bound`.
Value readIndex(LowerContext &ctx, ScalarBuilder &s, unsigned i, ValueRange at, Value bound) {
  Value raw = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(i), at);
  return IndexBuilder(s.b, s.loc).checked(raw, bound, isUnsignedElement(ctx.element(i)));
}

} // namespace

// ---- Gather ----

LogicalResult GatherOp::inferShapes(ShapeContext &ctx) {
  auto axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0));
  if (failed(axis) || failed(needIntegers(ctx, 1, "indices")))
    return failure();
  llvm::ArrayRef<AffineExpr> data = ctx.shape(0);
  SymShape result(data.take_front(*axis));
  llvm::append_range(result, ctx.shape(1));
  llvm::append_range(result, data.drop_front(*axis + 1));
  ctx.set(0, result, ctx.element(0));
  if (!ctx.facts(1).ints)
    return success();
  auto bound = constantSize(data[*axis]);
  llvm::SmallVector<int64_t> indices;
  for (AffineExpr e : *ctx.facts(1).ints) {
    auto index = constantSize(e);
    if (!index || !bound)
      return success();
    if (*index < -*bound || *index >= *bound)
      return ctx.fail("index " + Twine(*index) + " is out of range for axis " + Twine(*axis) + " of size " + Twine(*bound));
    indices.push_back(*index < 0 ? *index + *bound : *index);
  }
  if (!contentCount(data))
    return success();
  auto strides = rowMajorStrides(staticShape(data));
  auto indexStrides = rowMajorStrides(staticShape(ctx.shape(1)));
  moveContents(ctx, 0, 0, result, [&](llvm::ArrayRef<int64_t> at) {
    int64_t flat = 0, which = 0, inner = indexStrides.size();
    for (int64_t d = 0; d < *axis; ++d)
      flat += at[d] * strides[d];
    for (int64_t d = 0; d < inner; ++d)
      which += at[*axis + d] * indexStrides[d];
    for (size_t d = *axis + 1; d < strides.size(); ++d)
      flat += at[d - 1 + inner] * strides[d];
    return flat + indices[which] * strides[*axis];
  });
  return success();
}

LogicalResult GatherOp::lower(LowerContext &ctx) {
  int64_t rank = ctx.rank(0), axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + rank : axis;
  llvm::ArrayRef<AffineExpr> data = ctx.shape(0);
  // One known index is a slice.
  auto known = ctx.facts(1).ints && ctx.facts(1).ints->size() == 1 ? constantSize(ctx.facts(1).ints->front()) : std::nullopt;
  if (known && constantSize(data[axis])) {
    SymShape offsets(rank, ctx.cst(0)), sizes(data);
    offsets[axis] = *known < 0 ? data[axis] + *known : ctx.cst(*known);
    sizes[axis] = ctx.cst(1);
    llvm::SmallVector<OpFoldResult> ones(rank, ctx.b.getIndexAttr(1));
    Value slice = ctx.operand(0);
    if (constantSize(data[axis]) != 1)
      slice = tensor::ExtractSliceOp::create(ctx.b, slice, ctx.folds(offsets), ctx.folds(sizes), ones);
    ctx.set(0, ctx.reshape(slice, sizes, ctx.resultShape()));
    return success();
  }
  int64_t inner = ctx.rank(1);
  Value bound = ctx.size(data[axis]);
  ctx.set(0, ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) -> Value {
    llvm::SmallVector<Value> from(at.take_front(axis));
    from.push_back(readIndex(ctx, s, 1, at.slice(axis, inner), bound));
    llvm::append_range(from, at.drop_front(axis + inner));
    return tensor::ExtractOp::create(s.b, s.loc, ctx.operand(0), from);
  }));
  return success();
}

// ---- GatherElements, GatherND ----

LogicalResult GatherElementsOp::inferShapes(ShapeContext &ctx) {
  auto axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0));
  if (failed(axis) || failed(needIntegers(ctx, 1, "indices")))
    return failure();
  if (ctx.rank(0) != ctx.rank(1))
    return ctx.fail("expects 'indices' of the data's rank " + Twine(ctx.rank(0)) + ", got rank " + Twine(ctx.rank(1)));
  for (int64_t d = 0; d < ctx.rank(0); ++d) {
    AffineExpr have = ctx.shape(0)[d], asked = ctx.shape(1)[d];
    if (d != *axis &&
        failed(ctx.atLeast(have, asked, "dim " + Twine(d) + " of the data must be as large as that of 'indices'",
                           "expects dim " + Twine(d) + " of 'indices' to be at most " + Twine(constantSize(have).value_or(0)) +
                               ", got " + Twine(constantSize(asked).value_or(0)))))
      return failure();
  }
  ctx.set(0, ctx.shape(1), ctx.element(0));
  return success();
}

LogicalResult GatherElementsOp::lower(LowerContext &ctx) {
  int64_t axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + ctx.rank(0) : axis;
  Value bound = ctx.size(ctx.shape(0)[axis]);
  ctx.set(0, ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) -> Value {
    llvm::SmallVector<Value> from(at);
    from[axis] = readIndex(ctx, s, 1, at, bound);
    return tensor::ExtractOp::create(s.b, s.loc, ctx.operand(0), from);
  }));
  return success();
}

namespace {
// The length of the index tuples in the last dim of operand 1.
// `otherwise` is what the ranks of other tensors make it.
FailureOr<int64_t> tupleLength(ShapeContext &ctx, int64_t limit, std::optional<int64_t> otherwise) {
  if (ctx.rank(1) == 0)
    return ctx.fail("expects 'indices' of rank 1 or more");
  auto length = constantSize(ctx.shape(1).back());
  if (!length && otherwise && *otherwise >= 0) {
    llvm::StringRef what = "the last dim of 'indices' must fit the ranks";
    if (failed(ctx.equal(ctx.shape(1).back(), ctx.cst(*otherwise), what, what)))
      return failure();
    length = otherwise;
  }
  if (!length)
    return ctx.fail("expects the last dim of 'indices' to be known when compiling");
  if (*length > limit)
    return ctx.fail("expects index tuples of at most " + Twine(limit) + " elements, got " + Twine(*length));
  return *length;
}
} // namespace

LogicalResult GatherNDOp::inferShapes(ShapeContext &ctx) {
  int64_t batch = static_cast<int64_t>(getBatchDims());
  if (failed(needIntegers(ctx, 1, "indices")))
    return failure();
  if (batch < 0 || batch >= std::min(ctx.rank(0), ctx.rank(1)))
    return ctx.fail("expects 'batch_dims' below both ranks, got " + Twine(batch));
  std::optional<int64_t> implied;
  if (auto rank = ctx.declaredRank(0))
    implied = ctx.rank(0) + ctx.rank(1) - 1 - batch - *rank;
  auto length = tupleLength(ctx, ctx.rank(0) - batch, implied);
  if (failed(length))
    return failure();
  SymShape result(ctx.shape(1).drop_back());
  llvm::append_range(result, ctx.shape(0).drop_front(batch + *length));
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult GatherNDOp::lower(LowerContext &ctx) {
  int64_t batch = static_cast<int64_t>(getBatchDims());
  int64_t tuples = ctx.rank(1) - 1, length = ctx.rank(0) + tuples - batch - static_cast<int64_t>(ctx.resultShape().size());
  llvm::SmallVector<Value> bounds;
  for (int64_t k = 0; k < length; ++k)
    bounds.push_back(ctx.size(ctx.shape(0)[batch + k]));
  ctx.set(0, ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) -> Value {
    IndexBuilder ib(s.b, s.loc);
    llvm::SmallVector<Value> from(at.take_front(batch));
    for (int64_t k = 0; k < length; ++k) {
      llvm::SmallVector<Value> place(at.take_front(tuples));
      place.push_back(ib.cst(k));
      from.push_back(readIndex(ctx, s, 1, place, bounds[k]));
    }
    llvm::append_range(from, at.drop_front(tuples));
    return tensor::ExtractOp::create(s.b, s.loc, ctx.operand(0), from);
  }));
  return success();
}

// ---- ScatterElements, ScatterND ----

namespace {
LogicalResult checkScatter(ShapeContext &ctx, llvm::StringRef reduction) {
  if (failed(needIntegers(ctx, 1, "indices")))
    return failure();
  if (!llvm::is_contained({"none", "add", "mul", "max", "min"}, reduction))
    return ctx.fail("expects reduction 'none', 'add', 'mul', 'max' or 'min', got '" + reduction + "'");
  if (ctx.element(0) != ctx.element(2))
    return ctx.fail("expects 'updates' of the data's element type");
  if ((ctx.element(0).isInteger(1) || isa<StringType>(ctx.element(0))) && reduction != "none")
    return ctx.fail("reduces booleans or strings, which ONNX does not define");
  return success();
}

LogicalResult expectDim(ShapeContext &ctx, llvm::StringRef what, AffineExpr have, AffineExpr expected) {
  return ctx.equal(have, expected, what + " must have the size that the data and the indices give it",
                   "expects " + what + " of size " + Twine(constantSize(expected).value_or(0)) + ", got " +
                       Twine(constantSize(have).value_or(0)));
}
} // namespace

LogicalResult ScatterElementsOp::inferShapes(ShapeContext &ctx) {
  if (failed(ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0))) || failed(checkScatter(ctx, getReduction())))
    return failure();
  if (ctx.rank(1) != ctx.rank(0) || ctx.rank(2) != ctx.rank(0))
    return ctx.fail("expects 'indices' and 'updates' of the data's rank " + Twine(ctx.rank(0)));
  for (int64_t d = 0; d < ctx.rank(0); ++d)
    if (failed(expectDim(ctx, "dims of 'updates' as of 'indices',", ctx.shape(2)[d], ctx.shape(1)[d])))
      return failure();
  return ctx.same(0);
}

LogicalResult ScatterElementsOp::lower(LowerContext &ctx) {
  int64_t axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + ctx.rank(0) : axis;
  auto op = ScatterAlongOp::create(ctx.b, ctx.type(ctx.resultShape(), ctx.resultElement()), ctx.operand(0), ctx.operand(1),
                                   ctx.operand(2), dynamicSizes(ctx, ctx.resultShape()), axis, getReduction(),
                                   isUnsignedElement(ctx.resultElement()));
  ctx.set(0, op.getResult());
  return success();
}

LogicalResult ScatterNDOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkScatter(ctx, getReduction())))
    return failure();
  auto length = tupleLength(ctx, ctx.rank(0), ctx.rank(0) + ctx.rank(1) - 1 - ctx.rank(2));
  if (failed(length))
    return failure();
  SymShape expected(ctx.shape(1).drop_back());
  llvm::append_range(expected, ctx.shape(0).drop_front(*length));
  if (ctx.rank(2) != static_cast<int64_t>(expected.size()))
    return ctx.fail("expects 'updates' of rank " + Twine(expected.size()) + ", got rank " + Twine(ctx.rank(2)));
  for (size_t d = 0; d < expected.size(); ++d)
    if (failed(expectDim(ctx, "dim " + std::to_string(d) + " of 'updates'", ctx.shape(2)[d], expected[d])))
      return failure();
  if (failed(ctx.same(0)))
    return failure();
  // Sizes put into a shape, one element each.
  const ValueFacts &data = ctx.facts(0), &indices = ctx.facts(1), &updates = ctx.facts(2);
  if (!data.ints || !indices.ints || !updates.ints || ctx.rank(0) != 1 || getReduction() != "none")
    return success();
  llvm::SmallVector<AffineExpr, 4> contents(*data.ints);
  for (auto [index, value] : llvm::zip(*indices.ints, *updates.ints)) {
    auto i = constantSize(index);
    int64_t size = contents.size();
    if (!i || *i < -size || *i >= size)
      return success();
    contents[*i < 0 ? *i + size : *i] = value;
  }
  ctx.setInts(0, contents);
  return success();
}

LogicalResult ScatterNDOp::lower(LowerContext &ctx) {
  auto op = ScatterTuplesOp::create(ctx.b, ctx.type(ctx.resultShape(), ctx.resultElement()), ctx.operand(0), ctx.operand(1),
                                    ctx.operand(2), dynamicSizes(ctx, ctx.resultShape()), getReduction(),
                                    isUnsignedElement(ctx.resultElement()));
  ctx.set(0, op.getResult());
  return success();
}

// ---- ReverseSequence ----

LogicalResult ReverseSequenceOp::inferShapes(ShapeContext &ctx) {
  int64_t batch = static_cast<int64_t>(getBatchAxis()), time = static_cast<int64_t>(getTimeAxis());
  if (ctx.rank(0) < 2)
    return ctx.fail("expects an operand of rank 2 or more, got rank " + Twine(ctx.rank(0)));
  if (batch + time != 1 || batch < 0 || time < 0)
    return ctx.fail("expects 'batch_axis' and 'time_axis' to be 0 and 1 or 1 and 0");
  if (ctx.rank(1) != 1)
    return ctx.fail("expects 'sequence_lens' of rank 1, one per batch entry, got rank " + Twine(ctx.rank(1)));
  if (failed(expectDim(ctx, "'sequence_lens'", ctx.shape(1)[0], ctx.shape(0)[batch])))
    return failure();
  return ctx.same(0);
}

LogicalResult ReverseSequenceOp::lower(LowerContext &ctx) {
  int64_t batch = static_cast<int64_t>(getBatchAxis()), time = static_cast<int64_t>(getTimeAxis());
  Value steps = ctx.size(ctx.shape(0)[time]);
  ctx.set(0, ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) -> Value {
    IndexBuilder ib(s.b, s.loc);
    Value raw = ib.toIndex(tensor::ExtractOp::create(s.b, s.loc, ctx.operand(1), ValueRange{at[batch]}));
    constexpr int32_t kBadSize = 3; // LAIC_KERNEL_BAD_SIZE
    Value length = CheckIndexOp::create(s.b, s.loc, s.b.getIndexType(), raw, ib.add(steps, ib.cst(1)),
                                        ib.toInt(raw, s.b.getI64Type()), s.b.getI32IntegerAttr(kBadSize));
    Value mirrored = ib.sub(ib.sub(length, ib.cst(1)), at[time]);
    llvm::SmallVector<Value> from(at);
    from[time] = ib.select(ib.lt(at[time], length), mirrored, at[time]);
    return tensor::ExtractOp::create(s.b, s.loc, ctx.operand(0), from);
  }));
  return success();
}
