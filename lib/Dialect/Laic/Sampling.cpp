// GridSample, AffineGrid, DeformConv.
#include "IndexBuilder.h"
#include "Sampler.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/SamplingOps.h"

using namespace mlir;
using namespace laic;

namespace {

Type positionType(OpBuilder &b, Type element) { return element.isF64() ? Type(b.getF64Type()) : Type(b.getF32Type()); }

Value toFloat(ScalarBuilder &s, Value index, Type type) {
  return s.cast(IndexBuilder(s.b, s.loc).toInt(index, s.b.getI64Type()), type, false, false);
}

} // namespace

//===-- GridSample ----------------------------------------------------------------------------------------------===//

LogicalResult GridSampleOp::inferShapes(ShapeContext &ctx) {
  auto among = [&](StringRef value, ArrayRef<StringRef> known, StringRef what) -> LogicalResult {
    return llvm::is_contained(known, value) ? success() : ctx.fail("unknown " + what + " '" + value + "'");
  };
  if (failed(among(getMode(), {"linear", "nearest", "cubic"}, "mode")) ||
      failed(among(getPaddingMode(), {"zeros", "border", "reflection"}, "padding_mode")))
    return failure();
  if (failed(expectMinRank(ctx, 0, 3, "the input")) || failed(expectRank(ctx, 1, ctx.rank(0), "the grid")))
    return failure();
  if (!isa<FloatType>(ctx.element(1)))
    return ctx.fail("expects floats in the grid");
  ArrayRef<AffineExpr> x = ctx.shape(0), grid = ctx.shape(1);
  if (failed(expectSize(ctx, grid[0], x[0], "dim 0 of the grid", "as the input")) ||
      failed(expectSize(ctx, grid.back(), ctx.cst(ctx.rank(0) - 2), "the last dim of the grid", "spatial dims")) ||
      failed(expectElements(ctx, 0, 2)))
    return failure();
  SymShape result(x.take_front(2));
  llvm::append_range(result, grid.drop_front().drop_back());
  ctx.set(0, result, ctx.element(0));
  return success();
}

namespace {

// Coordinates from -1 to 1, the last dim of the grid first, as positions in elements.
SmallVector<Value> gridPosition(LowerContext &ctx, ScalarBuilder &s, ValueRange at, ArrayRef<Value> sizes, bool alignCorners) {
  Type type = positionType(s.b, ctx.element(1));
  unsigned spatial = sizes.size();
  SmallVector<Value> position, from = {at[0]};
  llvm::append_range(from, at.drop_front(2));
  from.push_back(Value());
  for (unsigned d = 0; d < spatial; ++d) {
    from.back() = arith::ConstantIndexOp::create(s.b, s.loc, spatial - 1 - d);
    Value v = toAccumulator(ctx, s, tensor::ExtractOp::create(s.b, s.loc, ctx.operand(1), from), ctx.element(1), type);
    Value size = toFloat(s, sizes[d], type), one = s.cst(1, v), half = s.cst(0.5, v);
    Value shifted = s.add(v, one);
    position.push_back(alignCorners ? s.mul(s.mul(shifted, half), s.sub(size, one))
                                    : s.mul(s.sub(s.mul(shifted, size), one), half));
  }
  return position;
}

} // namespace

LogicalResult GridSampleOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  Beyond beyond = getPaddingMode() == "zeros"    ? Beyond::Zeros
                  : getPaddingMode() == "border" ? Beyond::Border
                                                 : Beyond::Reflection;
  Sampler sampler(ctx, x, x.shape.size() - 2, beyond, getAlignCorners() != 0, ctx.accumulator(x.element));
  SmallVector<Value> sizes;
  for (AffineExpr size : ArrayRef(x.shape).drop_front(2))
    sizes.push_back(ctx.size(size));
  StringRef mode = getMode();
  ctx.set(0, ctx.gather(ctx.resultShape(), x.element, [&](ScalarBuilder &s, ValueRange at) {
    SmallVector<Value> position = gridPosition(ctx, s, at, sizes, getAlignCorners() != 0);
    ValueRange outer = at.take_front(2);
    Value y = mode == "nearest"  ? sampler.nearest(s, outer, position)
              : mode == "linear" ? sampler.linear(s, outer, position)
                                 : sampler.cubic(s, outer, position);
    return ctx.toStorage(s, y, x.element);
  }));
  return success();
}

//===-- AffineGrid ----------------------------------------------------------------------------------------------===//

LogicalResult AffineGridOp::inferShapes(ShapeContext &ctx) {
  auto size = ctx.sizes(1, "size");
  if (failed(size) || failed(expectRank(ctx, 0, 3, "theta")))
    return failure();
  int64_t spatial = int64_t(size->size()) - 2;
  if (spatial != 2 && spatial != 3)
    return ctx.fail("expects 'size' to have 4 or 5 values, got " + Twine(size->size()));
  ArrayRef<AffineExpr> theta = ctx.shape(0);
  if (failed(expectSize(ctx, theta[0], (*size)[0], "dim 0 of theta", "'size'")) ||
      failed(expectSize(ctx, theta[1], ctx.cst(spatial), "dim 1 of theta", "spatial dims")) ||
      failed(expectSize(ctx, theta[2], ctx.cst(spatial + 1), "dim 2 of theta", "spatial dims and the translation")))
    return failure();
  SymShape result = {(*size)[0]};
  llvm::append_range(result, ArrayRef(*size).drop_front(2));
  result.push_back(ctx.cst(spatial));
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult AffineGridOp::lower(LowerContext &ctx) {
  Type element = ctx.resultElement(), compute = ctx.accumulator(element);
  SmallVector<Value> sizes;
  for (AffineExpr size : ctx.resultShape().drop_front().drop_back())
    sizes.push_back(ctx.size(size));
  unsigned spatial = sizes.size();
  bool alignCorners = getAlignCorners() != 0;
  ctx.set(0, ctx.gather(ctx.resultShape(), element, [&](ScalarBuilder &s, ValueRange at) {
    auto theta = [&](unsigned column) {
      Value c = arith::ConstantIndexOp::create(s.b, s.loc, column);
      Value v = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(0), ValueRange{at[0], at.back(), c});
      return toAccumulator(ctx, s, v, element, compute);
    };
    // Columns of theta are x, y(, z) and the translation; the grid's dims are (z,) y, x. Positions run from -1 to 1.
    Value sum = theta(spatial);
    for (unsigned d = 0; d < spatial; ++d) {
      Value i = toFloat(s, at[1 + d], compute), size = toFloat(s, sizes[d], compute), one = s.cst(1, i), two = s.cst(2, i);
      Value position = alignCorners ? s.div(s.mul(two, i), s.sub(size, one)) : s.div(s.add(s.mul(two, i), one), size);
      sum = s.add(sum, s.mul(theta(spatial - 1 - d), s.sub(position, one)));
    }
    return ctx.toStorage(s, sum, element);
  }));
  return success();
}

//===-- DeformConv ----------------------------------------------------------------------------------------------===//

namespace {

enum DeformOperand { kX, kW, kOffset, kBias, kMask };

WindowAttributes deformAttributes(DeformConvOp op) {
  return {"NOTSET", op.getStrides(), op.getDilations(), op.getPads(), op.getKernelShape(), false};
}

// Operands in the form the loops use: channels by groups, offsets and masks by the elements of the kernel.
class DeformLowering {
public:
  DeformLowering(DeformConvOp op, LowerContext &ctx, ArrayRef<Window> windows);
  // [N, group, C / group, kernel..., out...]: what every element of the kernel reads.
  Sized columns();
  // [N, F, out...]
  Sized sums(Sized columns);

private:
  Value position(ScalarBuilder &s, unsigned d, ValueRange at, Value offsetGroup);
  Value offsetGroupOf(ScalarBuilder &s, ValueRange at);
  void splitOperands();

  DeformConvOp op;
  LowerContext &ctx;
  ArrayRef<Window> windows;
  Sized x;
  Type compute;
  Value offsets, mask;       // [N, offset group, kernel..., dims, out...], [N, offset group, kernel..., out...]
  Value perGroup, perOffset; // channels; index
  AffineExpr groupChannels;  // C / group
};

DeformLowering::DeformLowering(DeformConvOp op, LowerContext &ctx, ArrayRef<Window> windows)
    : op(op), ctx(ctx), windows(windows), x(sizedOperand(ctx, kX)), compute(ctx.accumulator(x.element)),
      groupChannels(ctx.shape(kW)[1]) {
  perGroup = ctx.size(groupChannels);
  perOffset = ctx.size(ctx.symbols.floorDiv(x.shape[1], ctx.cst(int64_t(op.getOffsetGroup()))));
  splitOperands();
}

void DeformLowering::splitOperands() {
  SymShape places = {x.shape[0], ctx.cst(int64_t(op.getOffsetGroup()))}, out;
  for (const Window &window : windows) {
    places.push_back(window.kernel);
    out.push_back(window.out);
  }
  SymShape split(places);
  split.push_back(ctx.cst(windows.size()));
  llvm::append_range(split, out);
  offsets = ctx.reshape(ctx.operand(kOffset), ctx.shape(kOffset), split);
  llvm::append_range(places, out);
  if (ctx.has(kMask))
    mask = ctx.reshape(ctx.operand(kMask), ctx.shape(kMask), places);
}

Value DeformLowering::offsetGroupOf(ScalarBuilder &s, ValueRange at) {
  IndexBuilder ib(s.b, s.loc);
  return ib.div(ib.add(ib.mul(at[1], perGroup), at[2]), perOffset);
}

// Where the kernel's element `at` reads along spatial dim d. at: n, group, channel, kernel..., out...
Value DeformLowering::position(ScalarBuilder &s, unsigned d, ValueRange at, Value offsetGroup) {
  IndexBuilder ib(s.b, s.loc);
  unsigned rank = windows.size();
  const Window &window = windows[d];
  Value k = at[3 + d], o = at[3 + rank + d];
  Value base = ib.add(ib.mul(o, ib.cst(window.stride)), ib.mul(k, ib.cst(window.dilation)));
  base = ib.sub(base, ib.cst(*constantSize(window.low)));
  SmallVector<Value> from = {at[0], offsetGroup};
  llvm::append_range(from, at.slice(3, rank));
  from.push_back(ib.cst(d));
  llvm::append_range(from, at.drop_front(3 + rank));
  Value offset = tensor::ExtractOp::create(s.b, s.loc, offsets, from);
  return s.add(toFloat(s, base, compute), toAccumulator(ctx, s, offset, ctx.element(kOffset), compute));
}

Sized DeformLowering::columns() {
  unsigned rank = windows.size();
  SymShape shape = {x.shape[0], ctx.cst(int64_t(op.getGroup())), groupChannels};
  for (const Window &window : windows)
    shape.push_back(window.kernel);
  for (const Window &window : windows)
    shape.push_back(window.out);
  Sampler sampler(ctx, x, rank, Beyond::Zeros, /*alignCorners=*/true, compute);
  Value value = ctx.gather(shape, compute, [&](ScalarBuilder &s, ValueRange at) {
    IndexBuilder ib(s.b, s.loc);
    Value channel = ib.add(ib.mul(at[1], perGroup), at[2]), offsetGroup = offsetGroupOf(s, at);
    SmallVector<Value> positions;
    for (unsigned d = 0; d < rank; ++d)
      positions.push_back(position(s, d, at, offsetGroup));
    Value y = sampler.linear(s, {at[0], channel}, positions);
    if (!mask)
      return y;
    SmallVector<Value> from = {at[0], offsetGroup};
    llvm::append_range(from, at.drop_front(3));
    Value factor = tensor::ExtractOp::create(s.b, s.loc, mask, from);
    return s.mul(y, toAccumulator(ctx, s, factor, ctx.element(kMask), compute));
  });
  return {value, shape, compute};
}

Sized DeformLowering::sums(Sized columns) {
  unsigned rank = windows.size();
  int64_t group = op.getGroup();
  SymShape split(ctx.shape(kW)), result = {x.shape[0], ctx.cst(group)};
  AffineExpr filters = ctx.symbols.floorDiv(split[0], ctx.cst(group));
  split[0] = filters;
  split.insert(split.begin(), ctx.cst(group));
  Value w = ctx.reshape(ctx.operand(kW), ctx.shape(kW), split);
  result.push_back(filters);
  for (const Window &window : windows)
    result.push_back(window.out);
  // Loops: n, group, filter, out..., channel, kernel...
  MLIRContext *mlir = ctx.b.getContext();
  auto dim = [&](unsigned i) { return getAffineDimExpr(i, mlir); };
  unsigned loops = 4 + 2 * rank;
  SmallVector<AffineExpr> fromColumns = {dim(0), dim(1), dim(3 + rank)}, fromWeights = {dim(1), dim(2), dim(3 + rank)};
  for (unsigned d = 0; d < rank; ++d) {
    fromColumns.push_back(dim(4 + rank + d));
    fromWeights.push_back(dim(4 + rank + d));
  }
  for (unsigned d = 0; d < rank; ++d)
    fromColumns.push_back(dim(3 + d));
  AffineMap maps[] = {AffineMap::get(loops, 0, fromColumns, mlir), AffineMap::get(loops, 0, fromWeights, mlir)};
  Value sums = ctx.reduce(result, compute, 0, 1 + rank, {columns.value, w}, maps, [&](ScalarBuilder &s, ValueRange in) {
    return s.add(in[2], s.mul(in[0], toAccumulator(ctx, s, in[1], ctx.element(kW), compute)));
  });
  return {ctx.reshape(sums, result, ctx.resultShape()), SymShape(ctx.resultShape()), compute};
}

// Offsets and masks: [N, ..., out...] with `count` entries in dim 1.
LogicalResult expectPlaces(ShapeContext &ctx, unsigned i, AffineExpr count, ArrayRef<Window> windows, StringRef name) {
  if (failed(expectRank(ctx, i, ctx.rank(kX), name)) ||
      failed(expectSize(ctx, ctx.shape(i)[0], ctx.shape(kX)[0], "dim 0 of " + name, "as the input")) ||
      failed(expectSize(ctx, ctx.shape(i)[1], count, "dim 1 of " + name, "the kernel's elements in all offset groups")))
    return failure();
  for (auto [d, window] : llvm::enumerate(windows))
    if (failed(expectSize(ctx, ctx.shape(i)[2 + d], window.out, "dim " + Twine(2 + d) + " of " + name, "as the result")))
      return failure();
  return success();
}

FailureOr<SmallVector<Window, 3>> deformWindows(DeformConvOp op, SizeSymbols &symbols, ArrayRef<AffineExpr> x,
                                                ArrayRef<AffineExpr> w, Failure fail) {
  return makeWindows(symbols, x.drop_front(2), w.drop_front(2), deformAttributes(op), fail);
}

} // namespace

LogicalResult DeformConvOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferConvolution(ctx, {kX, kW, kBias}, deformAttributes(*this), getGroup(), ctx.element(kX))) ||
      failed(expectElements(ctx, kX, 2)))
    return failure();
  auto windows = deformWindows(*this, ctx.symbols, ctx.shape(kX), ctx.shape(kW), [&](const Twine &m) { return ctx.fail(m); });
  if (failed(windows))
    return failure();
  int64_t groups = getOffsetGroup();
  std::string what = ("expects input channels to be a multiple of offset_group " + Twine(groups)).str();
  if (groups < 1)
    return ctx.fail("expects attribute 'offset_group' to be at least 1, got " + Twine(groups));
  AffineExpr channels = ctx.shape(kX)[1];
  if (failed(ctx.multiple(channels, groups, what, what + ", got " + Twine(constantSize(channels).value_or(0)))))
    return failure();
  AffineExpr places = ctx.symbols.mul(ctx.product(ctx.shape(kW).drop_front(2)), ctx.cst(groups));
  if (failed(expectPlaces(ctx, kOffset, ctx.symbols.mul(places, ctx.cst(windows->size())), *windows, "the offsets")))
    return failure();
  return ctx.has(kMask) ? expectPlaces(ctx, kMask, places, *windows, "the mask") : success();
}

LogicalResult DeformConvOp::lower(LowerContext &ctx) {
  auto windows = deformWindows(*this, ctx.symbols, ctx.shape(kX), ctx.shape(kW), [&](const Twine &m) { return ctx.fail(m); });
  if (failed(windows))
    return failure();
  DeformLowering lowering(*this, ctx, *windows);
  std::optional<Sized> bias;
  if (ctx.has(kBias))
    bias = sizedOperand(ctx, kBias);
  ctx.set(0, finishSums(ctx, lowering.sums(lowering.columns()), bias, ctx.resultElement()));
  return success();
}
