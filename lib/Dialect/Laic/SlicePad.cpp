// Slice and Pad: parts of tensors and borders around them, with sizes that may be unknown until run time.
#include "Contents.h"
#include "IndexBuilder.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/LowerContext.h"

using namespace mlir;
using namespace laic;

// ---- Slice ----

namespace {

struct SliceDim {
  AffineExpr start, count, step;
};

/// Exporters write "to the end" as the largest integer of 32 or 64 bits.
constexpr int64_t kHuge = (int64_t{1} << 31) - 1;

// A possibly negative index, counted from the end where it is negative.
AffineExpr wrapIndex(SizeSymbols &s, AffineExpr index, AffineExpr dim) {
  if (s.knownAtLeast(index, 0))
    return index;
  AffineExpr wrapped = canonicalSize(index + dim);
  if (s.knownAtLeast(canonicalSize(-index), 1))
    return wrapped;
  return s.select(s.less(index, s.constant(0)), wrapped, index);
}

AffineExpr limitHuge(SizeSymbols &s, AffineExpr index) {
  auto c = constantSize(index);
  return c ? s.constant(std::clamp<int64_t>(*c, -(int64_t{1} << 40), int64_t{1} << 40)) : index;
}

// numpy's rules for start:end:step on one dim.
SliceDim sliceDim(SizeSymbols &s, AffineExpr dim, AffineExpr start, AffineExpr end, int64_t step) {
  AffineExpr zero = s.constant(0), last = canonicalSize(dim - 1);
  start = limitHuge(s, canonicalSize(start));
  end = limitHuge(s, canonicalSize(end));
  auto startConstant = constantSize(start), endConstant = constantSize(end);
  SliceDim result;
  result.step = s.constant(step);
  AffineExpr span;
  if (step > 0) {
    // A start beyond the end needs no clamping for the count, since the end is clamped.
    result.start = startConstant && *startConstant <= -kHuge ? zero : s.max(wrapIndex(s, start, dim), zero);
    AffineExpr stop = endConstant && *endConstant >= kHuge ? dim : s.min(wrapIndex(s, end, dim), dim);
    span = canonicalSize(stop - result.start);
  } else {
    bool fromLast = startConstant && (*startConstant == -1 || *startConstant >= kHuge);
    result.start = fromLast ? last : s.min(s.max(wrapIndex(s, start, dim), zero), last);
    bool toFirst = endConstant && *endConstant <= -kHuge;
    AffineExpr stop = toFirst ? s.constant(-1) : s.max(wrapIndex(s, end, dim), s.constant(-1));
    span = canonicalSize(result.start - stop);
  }
  int64_t width = std::abs(step);
  result.count = s.max(s.floorDiv(canonicalSize(span + (width - 1)), s.constant(width)), zero);
  return result;
}

// The same where only a call knows the step: both directions, and the sign chooses. A step of 0 is refused by a check.
SliceDim sliceDim(SizeSymbols &s, AffineExpr dim, AffineExpr start, AffineExpr end, AffineExpr step) {
  if (auto c = constantSize(step))
    return sliceDim(s, dim, start, end, *c);
  AffineExpr zero = s.constant(0), one = s.constant(1), down = s.less(step, zero);
  AffineExpr width = s.max(s.select(down, canonicalSize(-step), step), one);
  AffineExpr from = s.max(wrapIndex(s, start, dim), zero), to = wrapIndex(s, end, dim);
  AffineExpr first = s.select(down, s.min(from, canonicalSize(dim - 1)), s.min(from, dim));
  AffineExpr span = s.select(down, canonicalSize(first - s.max(to, s.constant(-1))), canonicalSize(s.min(to, dim) - first));
  AffineExpr count = s.truncDiv(canonicalSize(s.max(span, zero) + width - 1), width);
  return {first, count, step};
}

using Contents = llvm::SmallVector<AffineExpr, 4>;

bool allConstant(const std::optional<Contents> &sizes) {
  return !sizes || llvm::all_of(*sizes, [](AffineExpr e) { return constantSize(e).has_value(); });
}

template <typename Context> std::optional<Contents> elementsOf(Context &ctx, unsigned i) {
  return ctx.has(i) ? std::optional<Contents>(Contents(ctx.facts(i).elements())) : std::nullopt;
}

// Does the element stand for none where the vector is shorter?
bool isAbsent(const SizeSymbols &s, AffineExpr e) {
  auto symbol = dyn_cast<AffineSymbolExpr>(e);
  return symbol && s[symbol.getPosition()].kind == "select" &&
         constantSize(s[symbol.getPosition()].args[2]) == ShapeContext::kAbsent;
}

// The slices of all dims; axes that only a call knows choose, dim by dim, what applies.
llvm::SmallVector<SliceDim> sliceDims(SizeSymbols &s, llvm::ArrayRef<AffineExpr> shape, llvm::ArrayRef<AffineExpr> starts,
                                      llvm::ArrayRef<AffineExpr> ends, const std::optional<Contents> &axes,
                                      const std::optional<Contents> &steps) {
  llvm::SmallVector<SliceDim> dims;
  for (AffineExpr dim : shape)
    dims.push_back({s.constant(0), dim, s.constant(1)});
  // Without axes an absent start says that its dim is whole.
  bool counted = llvm::none_of(starts, [&](AffineExpr e) { return isAbsent(s, e); });
  if (!allConstant(axes) || !allConstant(steps) || !counted) {
    for (auto [d, dim] : llvm::enumerate(shape)) {
      AffineExpr start = s.constant(0), end = dim, step = s.constant(1);
      for (size_t i = 0; i < starts.size(); ++i) {
        AffineExpr axis = axes ? s.wrapAxis((*axes)[i], shape.size()) : s.constant(i);
        AffineExpr chosen = s.equal(axis, s.constant(d));
        if (!axes && !counted)
          chosen = s.mul(chosen, s.equal(s.equal(starts[i], s.constant(ShapeContext::kAbsent)), s.constant(0)));
        start = s.select(chosen, starts[i], start);
        end = s.select(chosen, ends[i], end);
        step = s.select(chosen, steps ? (*steps)[i] : s.constant(1), step);
      }
      dims[d] = sliceDim(s, dim, start, end, step);
    }
    return dims;
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    int64_t axis = axes ? *constantSize((*axes)[i]) : static_cast<int64_t>(i);
    axis = axis < 0 ? axis + shape.size() : axis;
    int64_t step = steps ? *constantSize((*steps)[i]) : 1;
    dims[axis] = sliceDim(s, shape[axis], starts[i], ends[i], step);
  }
  return dims;
}

// Lengths that only a call knows.
LogicalResult expectSameLength(ShapeContext &ctx, unsigned i, llvm::StringRef name) {
  std::string what = ("'" + name + "' of a slice must be as many as its 'starts'").str();
  return ctx.facts(i).ints ? success() : ctx.equal(ctx.shape(i)[0], ctx.shape(1)[0], what, what);
}

// Checks the operands `axes` and `steps`.
LogicalResult checkSlice(ShapeContext &ctx, size_t count) {
  if (count > static_cast<size_t>(ctx.rank(0)))
    return ctx.fail("slices " + Twine(count) + " axes of an operand of rank " + Twine(ctx.rank(0)));
  if (ctx.has(3)) {
    auto axes = ctx.elements(3, "axes", ctx.rank(0));
    if (failed(axes) || failed(expectSameLength(ctx, 3, "axes")))
      return failure();
    if (axes->size() != count)
      return ctx.fail("expects " + Twine(count) + " 'axes', got " + Twine(axes->size()));
    if (failed(ctx.axisMask(*axes, ctx.rank(0))))
      return failure();
  }
  if (ctx.has(4)) {
    auto steps = ctx.elements(4, "steps", ctx.rank(0));
    if (failed(steps) || failed(expectSameLength(ctx, 4, "steps")))
      return failure();
    if (steps->size() != count)
      return ctx.fail("expects " + Twine(count) + " 'steps', got " + Twine(steps->size()));
    AffineExpr zero = ctx.cst(0);
    for (AffineExpr step : *steps)
      if (failed(ctx.equal(ctx.symbols.equal(step, zero), zero, "'steps' must not be 0", "expects 'steps' other than 0")))
        return failure();
  }
  return success();
}

} // namespace

LogicalResult SliceOp::inferShapes(ShapeContext &ctx) {
  auto starts = ctx.elements(1, "starts", ctx.rank(0)), ends = ctx.elements(2, "ends", ctx.rank(0));
  if (failed(starts) || failed(ends) || failed(expectSameLength(ctx, 2, "ends")))
    return failure();
  if (starts->size() != ends->size())
    return ctx.fail("expects as many 'ends' as 'starts', got " + Twine(ends->size()) + " and " + Twine(starts->size()));
  if (failed(checkSlice(ctx, starts->size())))
    return failure();
  auto dims = sliceDims(ctx.symbols, ctx.shape(0), *starts, *ends, elementsOf(ctx, 3), elementsOf(ctx, 4));
  SymShape result;
  bool fixed = true;
  for (const SliceDim &d : dims) {
    result.push_back(d.count);
    fixed &= constantSize(d.start) && constantSize(d.step);
  }
  ctx.set(0, result, ctx.element(0));
  if (!fixed || !contentCount(ctx.shape(0)))
    return success();
  auto strides = rowMajorStrides(staticShape(ctx.shape(0)));
  moveContents(ctx, 0, 0, result, [&](llvm::ArrayRef<int64_t> at) {
    int64_t flat = 0;
    for (auto [d, dim] : llvm::enumerate(dims))
      flat += (*constantSize(dim.start) + at[d] * *constantSize(dim.step)) * strides[d];
    return flat;
  });
  return success();
}

LogicalResult SliceOp::lower(LowerContext &ctx) {
  auto dims = sliceDims(ctx.symbols, ctx.shape(0), ctx.facts(1).elements(), ctx.facts(2).elements(), elementsOf(ctx, 3),
                        elementsOf(ctx, 4));
  bool whole = true, unit = true, affine = true;
  SymShape starts, steps;
  for (auto [d, dim] : llvm::enumerate(dims)) {
    auto step = constantSize(dim.step);
    unit &= step == 1;
    whole &= step == 1 && constantSize(dim.start) == 0 && dim.count == ctx.shape(0)[d];
    affine &= step > 0 && constantSize(dim.start).has_value();
    starts.push_back(dim.start);
    steps.push_back(dim.step);
  }
  Value data = ctx.operand(0);
  if (whole) {
    ctx.set(0, data);
    return success();
  }
  // A slice may not even start in a dim without elements.
  auto isEmpty = [](AffineExpr e) { return constantSize(e) == 0; };
  if (llvm::any_of(ctx.resultShape(), isEmpty) || llvm::any_of(ctx.shape(0), isEmpty)) {
    ctx.set(0, ctx.filled(ctx.resultShape(), ctx.resultElement(), 0));
    return success();
  }
  if (unit) {
    llvm::SmallVector<OpFoldResult> ones(dims.size(), ctx.b.getIndexAttr(1));
    ctx.set(0, tensor::ExtractSliceOp::create(ctx.b, data, ctx.folds(starts), ctx.folds(ctx.resultShape()), ones));
    return success();
  }
  if (affine) {
    llvm::SmallVector<AffineExpr> from;
    for (auto [d, dim] : llvm::enumerate(dims))
      from.push_back(ctx.b.getAffineDimExpr(d) * *constantSize(dim.step) + *constantSize(dim.start));
    ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), data, AffineMap::get(dims.size(), 0, from, getContext()),
                           [](ScalarBuilder &, ValueRange in) { return in[0]; }));
    return success();
  }
  llvm::SmallVector<Value> first, step;
  for (auto [e, width] : llvm::zip(starts, steps)) {
    first.push_back(ctx.size(e));
    step.push_back(ctx.size(width));
  }
  ctx.set(0, ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) -> Value {
    IndexBuilder ib(s.b, s.loc);
    llvm::SmallVector<Value> from;
    for (size_t d = 0; d < first.size(); ++d)
      from.push_back(ib.add(first[d], ib.mul(at[d], step[d])));
    return tensor::ExtractOp::create(s.b, s.loc, data, from);
  }));
  return success();
}

// ---- Pad ----

namespace {

struct PadDims {
  SymShape low, high; // one per dim; negative ones cut
};

// The pads of all dims; `axes` were checked by inference.
PadDims padDims(SizeSymbols &s, int64_t rank, llvm::ArrayRef<AffineExpr> pads, const std::optional<Contents> &axes) {
  PadDims result;
  result.low.assign(rank, s.constant(0));
  result.high.assign(rank, s.constant(0));
  size_t count = pads.size() / 2;
  if (!allConstant(axes)) {
    for (int64_t d = 0; d < rank; ++d)
      for (size_t i = 0; i < count; ++i) {
        AffineExpr chosen = s.equal(s.wrapAxis((*axes)[i], rank), s.constant(d));
        result.low[d] = s.select(chosen, pads[i], result.low[d]);
        result.high[d] = s.select(chosen, pads[count + i], result.high[d]);
      }
    return result;
  }
  for (size_t i = 0; i < count; ++i) {
    int64_t axis = axes ? *constantSize((*axes)[i]) : static_cast<int64_t>(i);
    axis = axis < 0 ? axis + rank : axis;
    result.low[axis] = pads[i];
    result.high[axis] = pads[count + i];
  }
  return result;
}

// Cuts where pads are negative; `shape` becomes what is left and the pads become >= 0.
Value cutNegative(LowerContext &ctx, SymShape &shape, PadDims &pads) {
  SizeSymbols &s = ctx.symbols;
  AffineExpr zero = ctx.cst(0);
  SymShape offsets;
  bool cuts = false;
  for (size_t d = 0; d < shape.size(); ++d) {
    AffineExpr cutLow = s.max(canonicalSize(-pads.low[d]), zero), cutHigh = s.max(canonicalSize(-pads.high[d]), zero);
    cuts |= constantSize(cutLow) != 0 || constantSize(cutHigh) != 0;
    offsets.push_back(cutLow);
    shape[d] = canonicalSize(shape[d] - cutLow - cutHigh);
    pads.low[d] = s.max(pads.low[d], zero);
    pads.high[d] = s.max(pads.high[d], zero);
  }
  if (!cuts)
    return ctx.operand(0);
  llvm::SmallVector<OpFoldResult> ones(shape.size(), ctx.b.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(ctx.b, ctx.operand(0), ctx.folds(offsets), ctx.folds(shape), ones);
}

// Where a result position reads in a dim of `size` elements whose first one stands at `low`.
Value borderIndex(const IndexBuilder &ib, llvm::StringRef mode, Value at, Value low, Value size) {
  Value zero = ib.cst(0), one = ib.cst(1);
  Value index = ib.sub(at, low);
  if (mode == "edge")
    return ib.max(ib.min(index, ib.sub(size, one)), zero);
  if (mode == "wrap")
    return ib.floorMod(index, ib.max(size, one));
  // reflect: a triangle wave whose period is twice the distance of the ends.
  Value period = ib.mul(ib.cst(2), ib.sub(size, one));
  Value phase = ib.floorMod(index, ib.max(period, one));
  return ib.select(ib.lt(phase, size), phase, ib.sub(period, phase));
}

// Pads by reading: any mode, and constants that come at run time.
Value padByReading(LowerContext &ctx, Value data, llvm::ArrayRef<AffineExpr> shape, const PadDims &pads, llvm::StringRef mode) {
  llvm::SmallVector<Value> low, size;
  for (size_t d = 0; d < shape.size(); ++d) {
    low.push_back(ctx.size(pads.low[d]));
    size.push_back(ctx.size(shape[d]));
  }
  return ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) -> Value {
    IndexBuilder ib(s.b, s.loc);
    llvm::SmallVector<Value> from;
    Value inside = s.boolean(true);
    for (size_t d = 0; d < shape.size(); ++d) {
      bool touched = constantSize(pads.low[d]) != 0 || constantSize(pads.high[d]) != 0;
      if (!touched) {
        from.push_back(at[d]);
        continue;
      }
      if (mode == "constant") {
        Value index = ib.sub(at[d], low[d]);
        inside = ib.both(inside, ib.both(ib.le(ib.cst(0), index), ib.lt(index, size[d])));
      }
      from.push_back(borderIndex(ib, mode == "constant" ? "edge" : mode, at[d], low[d], size[d]));
    }
    Value element = tensor::ExtractOp::create(s.b, s.loc, data, from);
    if (mode != "constant")
      return element;
    llvm::SmallVector<Value> zeros(ctx.rank(2), ib.cst(0));
    Value border = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(2), zeros);
    return s.select(inside, element, border);
  });
}

} // namespace

namespace {
// Where borders are filled by reading the operand it must have elements; constant ones read where the constant comes with the call.
LogicalResult expectElementsToRead(ShapeContext &ctx, AffineExpr low, AffineExpr high, AffineExpr dim, llvm::StringRef mode) {
  bool knownBorder = !ctx.has(2) || ctx.facts(2).floats || ctx.facts(2).ints;
  if (constantSize(dim) || (mode == "constant" && knownBorder))
    return success();
  SizeSymbols &s = ctx.symbols;
  AffineExpr zero = ctx.cst(0), untouched = s.mul(s.equal(low, zero), s.equal(high, zero));
  llvm::StringRef what = "a dim without elements has no border to fill";
  return ctx.atLeast(canonicalSize(dim + (mode == "constant" ? zero : untouched)), ctx.cst(1), what, what);
}
} // namespace

LogicalResult PadOp::inferShapes(ShapeContext &ctx) {
  if (!llvm::is_contained({"constant", "reflect", "edge", "wrap"}, getMode()))
    return ctx.fail("expects mode 'constant', 'reflect', 'edge' or 'wrap', got '" + getMode() + "'");
  int64_t rank = ctx.rank(0);
  size_t axes = rank;
  if (ctx.has(3)) {
    auto given = ctx.sizes(3, "axes");
    if (failed(given) || failed(ctx.axisMask(*given, rank)))
      return failure();
    axes = given->size();
  }
  auto pads = ctx.sizes(1, "pads", 2 * axes);
  if (failed(pads))
    return failure();
  if (pads->size() != 2 * axes)
    return ctx.fail("expects " + Twine(2 * axes) + " 'pads', two per axis, got " + Twine(pads->size()));
  PadDims dims = padDims(ctx.symbols, rank, *pads, ctx.has(3) ? ctx.facts(3).ints : std::nullopt);
  SymShape result;
  for (int64_t d = 0; d < rank; ++d) {
    result.push_back(canonicalSize(ctx.shape(0)[d] + dims.low[d] + dims.high[d]));
    auto from = constantSize(ctx.shape(0)[d]), to = constantSize(result[d]);
    if (to && *to < 0)
      return ctx.fail("cuts dim " + Twine(d) + " to " + Twine(*to) + " elements");
    if (getMode() != "constant" && from == 0 && to && *to > 0)
      return ctx.fail("cannot fill the border of dim " + Twine(d) + ", which has no elements");
  }
  for (int64_t d = 0; d < rank; ++d)
    if (failed(expectElementsToRead(ctx, dims.low[d], dims.high[d], ctx.shape(0)[d], getMode())))
      return failure();
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult PadOp::lower(LowerContext &ctx) {
  PadDims pads = padDims(ctx.symbols, ctx.rank(0), ctx.facts(1).elements(), ctx.has(3) ? ctx.facts(3).ints : std::nullopt);
  SymShape shape(ctx.shape(0));
  Value data = cutNegative(ctx, shape, pads);
  auto isZero = [](AffineExpr e) { return constantSize(e) == 0; };
  if (llvm::all_of(pads.low, isZero) && llvm::all_of(pads.high, isZero)) {
    ctx.set(0, data);
    return success();
  }
  Type element = lowerElement(ctx.resultElement());
  TypedAttr border = ctx.b.getZeroAttr(element);
  if (ctx.has(2) && getMode() == "constant") {
    const ValueFacts &facts = ctx.facts(2);
    auto known = facts.ints && !facts.ints->empty() ? constantSize(facts.ints->front()) : std::nullopt;
    if (facts.floats && !facts.floats->empty())
      border = ctx.b.getFloatAttr(element, facts.floats->front());
    else if (known)
      border = ctx.b.getIntegerAttr(element, *known);
    else if (contentCount(ctx.shape(2)) != 0)
      border = {};
  }
  if (getMode() != "constant" || !border)
    ctx.set(0, padByReading(ctx, data, shape, pads, getMode()));
  else
    ctx.set(0, ctx.pad(data, pads.low, pads.high, ctx.resultShape(), arith::ConstantOp::create(ctx.b, border)));
  return success();
}
