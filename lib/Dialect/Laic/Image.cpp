// Col2Im, CenterCropPad, MaxUnpool.
#include "IndexBuilder.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ImageOps.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

//===-- Col2Im --------------------------------------------------------------------------------------------------===//

namespace {

// One dim of the image and how blocks lie on it.
struct BlockDim {
  AffineExpr image, block, count; // sizes, and how many blocks there are
  int64_t low = 0, high = 0, stride = 1, dilation = 1;
};

LogicalResult checkBlocks(ShapeContext &ctx, std::optional<ArrayRef<int64_t>> values, size_t want, int64_t least,
                          StringRef name) {
  if (!values)
    return success();
  if (values->size() != want)
    return ctx.fail("expects attribute '" + name + "' to have " + Twine(want) + " values, got " + Twine(values->size()));
  for (int64_t value : *values)
    if (value < least)
      return ctx.fail("expects values of attribute '" + name + "' to be at least " + Twine(least) + ", got " + Twine(value));
  return success();
}

// The dims of the image; operands and attributes were checked.
template <typename Context> SmallVector<BlockDim> blockDims(Col2ImOp op, Context &ctx) {
  SmallVector<BlockDim> dims;
  size_t rank = ctx.facts(1).ints->size();
  for (size_t d = 0; d < rank; ++d) {
    BlockDim dim;
    dim.image = (*ctx.facts(1).ints)[d];
    dim.block = (*ctx.facts(2).ints)[d];
    if (op.getPads()) {
      dim.low = (*op.getPads())[d];
      dim.high = (*op.getPads())[rank + d];
    }
    dim.stride = op.getStrides() ? (*op.getStrides())[d] : 1;
    dim.dilation = op.getDilations() ? (*op.getDilations())[d] : 1;
    AffineExpr slack = canonicalSize(dim.image + dim.low + dim.high - (dim.block - 1) * dim.dilation - 1);
    dim.count = canonicalSize(ctx.symbols.floorDiv(slack, ctx.cst(dim.stride)) + 1);
    dims.push_back(dim);
  }
  return dims;
}

} // namespace

LogicalResult Col2ImOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectRank(ctx, 0, 3, "the input")))
    return failure();
  auto image = ctx.sizes(1, "image_shape"), block = ctx.sizes(2, "block_shape");
  if (failed(image) || failed(block))
    return failure();
  size_t rank = image->size();
  if (rank == 0 || block->size() != rank)
    return ctx.fail("expects 'image_shape' and 'block_shape' of as many values, got " + Twine(rank) + " and " +
                    Twine(block->size()));
  if (failed(checkBlocks(ctx, getDilations(), rank, 1, "dilations")) ||
      failed(checkBlocks(ctx, getPads(), 2 * rank, 0, "pads")) || failed(checkBlocks(ctx, getStrides(), rank, 1, "strides")))
    return failure();
  AffineExpr elements = ctx.cst(1), blocks = ctx.cst(1);
  for (const BlockDim &dim : blockDims(*this, ctx)) {
    if (failed(
            ctx.atLeast(dim.block, ctx.cst(1), "'block_shape' must be at least 1", "expects 'block_shape' to be at least 1")) ||
        failed(ctx.atLeast(dim.count, ctx.cst(1), "a block must fit into the padded image",
                           "expects an image that a block fits into, got " + Twine(constantSize(dim.image).value_or(0)))))
      return failure();
    elements = ctx.symbols.mul(elements, dim.block);
    blocks = ctx.symbols.mul(blocks, dim.count);
  }
  AffineExpr rows = ctx.shape(0)[1], channels = ctx.symbols.floorDiv(rows, elements);
  if (failed(
          expectSize(ctx, rows, ctx.symbols.mul(channels, elements), "dim 1 of the input", "a multiple of a block's elements")) ||
      failed(expectSize(ctx, ctx.shape(0)[2], blocks, "dim 2 of the input", "blocks of the image")))
    return failure();
  SymShape result = {ctx.shape(0)[0], channels};
  llvm::append_range(result, *image);
  ctx.set(0, result, ctx.element(0));
  return success();
}

// Every pixel sums what the blocks that cover it hold: one term per element of a block, where a block lies such that this element
// falls on the pixel.
LogicalResult Col2ImOp::lower(LowerContext &ctx) {
  SmallVector<BlockDim> dims = blockDims(*this, ctx);
  unsigned rank = dims.size();
  Type element = ctx.element(0), compute = ctx.accumulator(element);
  SymShape block;
  SmallVector<Value> counts, blockSizes;
  SmallVector<AffineExpr> loops;
  AffineExpr elements = ctx.cst(1);
  for (auto [d, dim] : llvm::enumerate(dims)) {
    block.push_back(dim.block);
    blockSizes.push_back(ctx.size(dim.block));
    counts.push_back(ctx.size(dim.count));
    loops.push_back(ctx.b.getAffineDimExpr(2 + rank + d));
    elements = ctx.symbols.mul(elements, dim.block);
  }
  Value elementCount = ctx.size(elements), bounds = ctx.empty(block, ctx.b.getI8Type()); // only its sizes are read
  AffineMap map = AffineMap::get(2 + 2 * rank, 0, loops, ctx.b.getContext());
  Value sums = ctx.reduce(ctx.resultShape(), compute, 0, rank, {bounds}, {map}, [&](ScalarBuilder &s, ValueRange in) {
    IndexBuilder ib(s.b, s.loc);
    auto loop = [&](unsigned i) -> Value { return linalg::IndexOp::create(s.b, s.loc, i); };
    Value row = ib.cst(0), column = ib.cst(0), zero = ib.cst(0), inside = s.boolean(true);
    for (auto [d, dim] : llvm::enumerate(dims)) {
      Value k = loop(2 + rank + d), stride = ib.cst(dim.stride);
      Value start = ib.sub(ib.add(loop(2 + d), ib.cst(dim.low)), ib.mul(k, ib.cst(dim.dilation)));
      Value clamped = ib.max(start, zero), which = ib.div(clamped, stride);
      inside = s.andi(inside, ib.both(ib.eq(start, ib.mul(which, stride)), ib.lt(which, counts[d])));
      row = ib.add(ib.mul(row, blockSizes[d]), k);
      column = ib.add(ib.mul(column, counts[d]), ib.min(which, ib.sub(counts[d], ib.cst(1))));
    }
    row = ib.add(ib.mul(loop(1), elementCount), row);
    Value v = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(0), ValueRange{loop(0), row, column});
    v = toAccumulator(ctx, s, v, element, compute);
    return s.add(in[1], s.select(inside, v, s.cst(0, v)));
  });
  ctx.set(0, finishSums(ctx, {sums, SymShape(ctx.resultShape()), compute}, std::nullopt, element));
  return success();
}

//===-- CenterCropPad -------------------------------------------------------------------------------------------===//

namespace {

// The dims that 'shape' speaks of.
template <typename Context> SmallVector<int64_t> croppedDims(CenterCropPadOp op, Context &ctx) {
  int64_t rank = ctx.rank(0);
  if (!op.getAxes())
    return llvm::to_vector(llvm::seq<int64_t>(0, rank));
  return llvm::map_to_vector(*op.getAxes(), [&](int64_t axis) { return axis < 0 ? axis + rank : axis; });
}

} // namespace

LogicalResult CenterCropPadOp::inferShapes(ShapeContext &ctx) {
  auto target = ctx.sizes(1, "shape");
  if (failed(target))
    return failure();
  for (int64_t axis : getAxes().value_or(ArrayRef<int64_t>()))
    if (failed(ctx.axis(axis, ctx.rank(0))))
      return failure();
  SmallVector<int64_t> dims = croppedDims(*this, ctx);
  if (target->size() != dims.size())
    return ctx.fail("expects 'shape' to have " + Twine(dims.size()) + " values, got " + Twine(target->size()));
  SymShape result(ctx.shape(0));
  for (auto [dim, size] : llvm::zip_equal(dims, *target)) {
    if (failed(ctx.atLeast(size, ctx.cst(0), "'shape' must not be negative",
                           "expects sizes of at least 0 in 'shape', got " + Twine(constantSize(size).value_or(0)))))
      return failure();
    result[dim] = size;
  }
  ctx.set(0, result, ctx.element(0));
  return success();
}

// A slice of what is too large and zeros around what is too small; of an odd difference the smaller half comes first.
LogicalResult CenterCropPadOp::lower(LowerContext &ctx) {
  SizeSymbols &symbols = ctx.symbols;
  unsigned rank = ctx.rank(0);
  AffineExpr zero = ctx.cst(0), two = ctx.cst(2);
  SymShape offsets(rank, zero), kept(ctx.shape(0)), low(rank, zero), high(rank, zero);
  for (int64_t d : croppedDims(*this, ctx)) {
    AffineExpr have = ctx.shape(0)[d], want = ctx.resultShape()[d];
    kept[d] = symbols.min(have, want);
    offsets[d] = symbols.floorDiv(canonicalSize(have - kept[d]), two);
    AffineExpr missing = canonicalSize(want - kept[d]);
    low[d] = symbols.floorDiv(missing, two);
    high[d] = canonicalSize(missing - low[d]);
  }
  Value x = ctx.operand(0);
  if (kept != SymShape(ctx.shape(0))) {
    SmallVector<OpFoldResult> ones(rank, ctx.b.getIndexAttr(1));
    x = tensor::ExtractSliceOp::create(ctx.b, x, ctx.folds(offsets), ctx.folds(kept), ones);
    x = ctx.castTo(x, ctx.type(kept, ctx.element(0)));
  }
  Value scalar = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(ctx.element(0))));
  ctx.set(0, ctx.pad(x, low, high, ctx.resultShape(), scalar));
  return success();
}

//===-- MaxUnpool -----------------------------------------------------------------------------------------------===//

namespace {

// What the indices speak of: the input of a pooling with these attributes.
template <typename Context> SymShape unpooledShape(MaxUnpoolOp op, Context &ctx) {
  SymShape shape(ctx.shape(0));
  size_t spatial = shape.size() - 2;
  for (size_t d = 0; d < spatial; ++d) {
    int64_t stride = op.getStrides() ? (*op.getStrides())[d] : 1;
    int64_t pads = op.getPads() ? (*op.getPads())[d] + (*op.getPads())[spatial + d] : 0;
    shape[2 + d] = canonicalSize((shape[2 + d] - 1) * stride + op.getKernelShape()[d] - pads);
  }
  return shape;
}

} // namespace

LogicalResult MaxUnpoolOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 3, "the input")) || failed(expectRank(ctx, 1, ctx.rank(0), "the indices")))
    return failure();
  if (!isa<IntegerType>(ctx.element(1)))
    return ctx.fail("expects integers in the indices");
  size_t spatial = ctx.rank(0) - 2;
  if (failed(checkBlocks(ctx, getKernelShape(), spatial, 1, "kernel_shape")) ||
      failed(checkBlocks(ctx, getPads(), 2 * spatial, 0, "pads")) ||
      failed(checkBlocks(ctx, getStrides(), spatial, 1, "strides")))
    return failure();
  for (int64_t d = 0; d < ctx.rank(0); ++d)
    if (failed(expectSize(ctx, ctx.shape(1)[d], ctx.shape(0)[d], "dim " + Twine(d) + " of the indices", "as the input")))
      return failure();
  SymShape inner = unpooledShape(*this, ctx), result = inner;
  if (ctx.has(2)) {
    auto asked = ctx.sizes(2, "output_shape");
    if (failed(asked))
      return failure();
    if (asked->size() != inner.size())
      return ctx.fail("expects 'output_shape' to have " + Twine(inner.size()) + " values, got " + Twine(asked->size()));
    result.assign(asked->begin(), asked->end());
  }
  for (auto [d, sizes] : llvm::enumerate(llvm::zip_equal(result, inner))) {
    auto [size, least] = sizes;
    if (failed(ctx.atLeast(size, least, "dim " + Twine(d) + " of the result must hold what was pooled",
                           "expects dim " + Twine(d) + " of the result to be at least " + Twine(constantSize(least).value_or(0)) +
                               ", got " + Twine(constantSize(size).value_or(0)))))
      return failure();
  }
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult MaxUnpoolOp::lower(LowerContext &ctx) {
  Type element = ctx.element(0);
  SymShape inner = unpooledShape(*this, ctx);
  auto flat = [&](ArrayRef<AffineExpr> shape) {
    AffineExpr count = ctx.cst(1);
    for (AffineExpr dim : shape)
      count = ctx.symbols.mul(count, dim);
    return SymShape{count};
  };
  SymShape from = flat(ctx.shape(0)), to = flat(inner);
  SmallVector<Value> sizes;
  if (!constantSize(to[0]))
    sizes.push_back(ctx.size(to[0]));
  Value scattered = ScatterAlongOp::create(ctx.b, ctx.type(to, element), ctx.filled(to, element, 0),
                                           ctx.reshape(ctx.operand(1), ctx.shape(1), from),
                                           ctx.reshape(ctx.operand(0), ctx.shape(0), from), sizes, /*axis=*/0, "none",
                                           /*is_unsigned=*/false)
                        .getResult();
  SymShape low(inner.size(), ctx.cst(0)), high;
  for (auto [size, least] : llvm::zip_equal(ctx.resultShape(), inner))
    high.push_back(canonicalSize(size - least));
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(element)));
  ctx.set(0, ctx.pad(ctx.reshape(scattered, to, inner), low, high, ctx.resultShape(), zero));
  return success();
}
