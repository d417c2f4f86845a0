// Range, ConstantOfShape, EyeLike, OneHot, Trilu, CastLike: tensors made from indices, and a cast.
#include "Contents.h"
#include "IndexBuilder.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/ShapeOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

// ---- Range ----

namespace {

// ceil((limit - start) / delta), at least 0.
FailureOr<AffineExpr> rangeCount(ShapeContext &ctx) {
  if (isa<FloatType>(ctx.element(0))) {
    double start = (*ctx.facts(0).floats)[0], limit = (*ctx.facts(1).floats)[0], delta = (*ctx.facts(2).floats)[0];
    double count = std::ceil((limit - start) / delta);
    if (!(std::abs(count) < 1e15))
      return ctx.fail("has no finite number of elements");
    return ctx.cst(std::max<int64_t>(static_cast<int64_t>(count), 0));
  }
  auto start = ctx.sizes(0, "start"), limit = ctx.sizes(1, "limit"), delta = ctx.sizes(2, "delta");
  if (failed(start) || failed(limit) || failed(delta))
    return failure();
  SizeSymbols &s = ctx.symbols;
  AffineExpr step = (*delta)[0], zero = ctx.cst(0), down = s.less(step, zero);
  if (failed(ctx.equal(s.equal(step, zero), zero, "'delta' must not be 0", "expects a 'delta' other than 0")))
    return failure();
  AffineExpr up = canonicalSize((*limit)[0] - (*start)[0]);
  AffineExpr span = s.select(down, canonicalSize(-up), up), width = s.select(down, canonicalSize(-step), step);
  if (constantSize(width))
    return s.max(s.floorDiv(canonicalSize(span + width - 1), width), zero);
  return s.truncDiv(canonicalSize(s.max(span, zero) + width - 1), s.max(width, ctx.cst(1)));
}

Value integerConstant(RewriterBase &rewriter, Location loc, Type element, int64_t value) {
  auto type = RankedTensorType::get({}, element);
  return ConstantOp::create(rewriter, loc, type, DenseElementsAttr::get(type, rewriter.getIntegerAttr(element, value)));
}

// Floats that only a call knows: the count is computed and read back, element i is start + i * delta in the precision of sums.
LogicalResult replaceLateRange(ShapeContext &ctx, RangeOp op) {
  return ctx.replace([&](RewriterBase &rewriter) -> llvm::SmallVector<Value> {
    Location loc = op.getLoc();
    Type element = getElementTypeOrSelf(op.getStart().getType()), index = rewriter.getI64Type();
    Type compute = element.isF64() ? element : Type(rewriter.getF32Type());
    auto any = [](Type element) { return UnrankedTensorType::get(element); };
    auto cast = [&](Value v, Type to) -> Value {
      auto code = rewriter.getIntegerAttr(index, onnxElementCode(to));
      return CastOp::create(rewriter, loc, any(to), v, code, rewriter.getIntegerAttr(index, 1), rewriter.getStringAttr("up"));
    };
    Value count = RangeCountOp::create(rewriter, loc, any(index), op.getStart(), op.getLimit(), op.getDelta());
    Value zero = integerConstant(rewriter, loc, index, 0), one = integerConstant(rewriter, loc, index, 1);
    Value steps = RangeOp::create(rewriter, loc, any(index), zero, count, one);
    Value offset = MulOp::create(rewriter, loc, any(compute), cast(steps, compute), cast(op.getDelta(), compute));
    Value result = AddOp::create(rewriter, loc, any(compute), offset, cast(op.getStart(), compute));
    return {compute == element ? result : cast(result, element)};
  });
}

} // namespace

LogicalResult RangeOp::inferShapes(ShapeContext &ctx) {
  for (unsigned i = 0; i < 3; ++i)
    if (contentCount(ctx.shape(i)) != 1)
      return ctx.fail("expects scalars");
  if (isa<FloatType>(ctx.element(0)) && !llvm::all_of(llvm::seq(3u), [&](unsigned i) { return ctx.facts(i).floats.has_value(); }))
    return replaceLateRange(ctx, *this);
  auto count = rangeCount(ctx);
  if (failed(count))
    return failure();
  ctx.set(0, {*count}, ctx.element(0));
  auto n = contentCount({*count});
  if (!n)
    return success();
  llvm::SmallVector<AffineExpr, 4> ints;
  llvm::SmallVector<double, 4> floats;
  for (int64_t i = 0; i < *n; ++i) {
    if (ctx.facts(0).floats)
      floats.push_back((*ctx.facts(0).floats)[0] + i * (*ctx.facts(2).floats)[0]);
    else
      ints.push_back((*ctx.facts(0).ints)[0] + (*ctx.facts(2).ints)[0] * i);
  }
  if (!floats.empty())
    ctx.setFloats(0, floats);
  if (!ints.empty())
    ctx.setInts(0, ints);
  return success();
}

LogicalResult RangeOp::lower(LowerContext &ctx) {
  Type element = ctx.resultElement();
  bool integers = ctx.facts(0).ints.has_value();
  Value start = integers ? ctx.size((*ctx.facts(0).ints)[0]) : Value();
  Value delta = integers ? ctx.size((*ctx.facts(2).ints)[0]) : Value();
  ctx.set(0, ctx.gather(ctx.resultShape(), element, [&](ScalarBuilder &s, ValueRange at) -> Value {
    IndexBuilder ib(s.b, s.loc);
    if (start) {
      Value value = ib.add(start, ib.mul(at[0], delta));
      return ib.toInt(value, lowerElement(element));
    }
    Type compute = element.isF64() ? element : Type(s.b.getF32Type());
    Value step = s.cast(ib.toInt(at[0], s.b.getI64Type()), compute, false, false);
    Value value = s.add(s.cst((*ctx.facts(0).floats)[0], compute), s.mul(step, s.cst((*ctx.facts(2).floats)[0], compute)));
    return ctx.toStorage(s, value, element);
  }));
  return success();
}

LogicalResult RangeCountOp::inferShapes(ShapeContext &ctx) {
  ctx.set(0, {}, IntegerType::get(getContext(), 64));
  return success();
}

LogicalResult RangeCountOp::lower(LowerContext &ctx) {
  ctx.set(0, ctx.gather({}, ctx.resultElement(), [&](ScalarBuilder &s, ValueRange) -> Value {
    Type wide = s.b.getF64Type();
    auto scalar = [&](unsigned i) {
      llvm::SmallVector<Value> zeros(ctx.rank(i), arith::ConstantIndexOp::create(s.b, s.loc, 0));
      Value element = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(i), zeros);
      return s.cast(ctx.toCompute(s, element, ctx.element(i)), wide, false, false);
    };
    Value count = s.ceil(s.div(s.sub(scalar(1), scalar(0)), scalar(2)));
    // What is no number of elements, with a delta of 0 say, is refused as a negative size.
    Value finite = s.lt(count, s.cst(1e15, count));
    return s.cast(s.select(finite, s.max(count, s.cst(0, count)), s.cst(-1, count)), s.b.getI64Type(), false, false);
  }));
  return success();
}

// ---- ConstantOfShape, EyeLike ----

LogicalResult ConstantOfShapeOp::inferShapes(ShapeContext &ctx) {
  auto target = ctx.sizes(0, "input", ctx.declaredRank(0));
  if (failed(target))
    return failure();
  for (AffineExpr e : *target)
    if (auto c = constantSize(e); c && *c < 0)
      return ctx.fail("expects sizes >= 0, got " + Twine(*c));
  Type element = Float32Type::get(getContext());
  auto value = dyn_cast_or_null<DenseElementsAttr>(getValueAttr());
  if (getValueAttr() && (!value || value.getNumElements() != 1))
    return ctx.fail("expects a 'value' of one element");
  if (value)
    element = value.getElementType();
  ctx.set(0, *target, element);
  auto count = contentCount(*target);
  if (!count)
    return success();
  if (auto i = dyn_cast<IntegerType>(element)) {
    APInt v = *value.value_begin<APInt>();
    int64_t n = i.isUnsigned() || i.getWidth() == 1 ? v.getZExtValue() : v.getSExtValue();
    ctx.setInts(0, llvm::SmallVector<AffineExpr, 4>(*count, ctx.cst(n)));
  } else if (isa<FloatType>(element) && !isNarrowFloat(element)) {
    double v = value ? (*value.value_begin<APFloat>()).convertToDouble() : 0;
    ctx.setFloats(0, llvm::SmallVector<double, 4>(*count, v));
  }
  return success();
}

LogicalResult ConstantOfShapeOp::lower(LowerContext &ctx) {
  Type element = lowerElement(ctx.resultElement());
  TypedAttr scalar = ctx.b.getZeroAttr(element);
  if (auto value = dyn_cast_or_null<DenseElementsAttr>(getValueAttr())) {
    unsigned width = element.getIntOrFloatBitWidth();
    if (isNarrowFloat(ctx.resultElement()))
      scalar = ctx.b.getIntegerAttr(element, (*value.value_begin<APFloat>()).bitcastToAPInt().zext(width));
    else if (isa<IntegerType>(element) && ctx.resultElement().isSignlessInteger() && !ctx.resultElement().isInteger(1))
      scalar = ctx.b.getIntegerAttr(element, (*value.value_begin<APInt>()).sext(width));
    else if (isa<IntegerType>(element))
      scalar = ctx.b.getIntegerAttr(element, (*value.value_begin<APInt>()).zext(width));
    else
      scalar = ctx.b.getFloatAttr(element, *value.value_begin<APFloat>());
  }
  ctx.set(0, ctx.filled(ctx.resultShape(), arith::ConstantOp::create(ctx.b, scalar)));
  return success();
}

LogicalResult EyeLikeOp::inferShapes(ShapeContext &ctx) {
  if (ctx.rank(0) != 2)
    return ctx.fail("expects an operand of rank 2, got rank " + Twine(ctx.rank(0)));
  Type element = getDtype() ? onnxElementType(getContext(), *getDtype()) : ctx.element(0);
  if (!element || !element.isIntOrFloat())
    return ctx.fail("has an unsupported 'dtype'");
  ctx.set(0, ctx.shape(0), element);
  return success();
}

LogicalResult EyeLikeOp::lower(LowerContext &ctx) {
  Type element = lowerElement(ctx.resultElement());
  int64_t k = static_cast<int64_t>(getK());
  ctx.set(0, ctx.gather(ctx.resultShape(), ctx.resultElement(), [&](ScalarBuilder &s, ValueRange at) {
    IndexBuilder ib(s.b, s.loc);
    Value hit = ib.eq(at[1], ib.add(at[0], ib.cst(k)));
    return s.select(hit, s.cst(1, element), s.cst(0, element));
  }));
  return success();
}

// ---- OneHot ----

LogicalResult OneHotOp::inferShapes(ShapeContext &ctx) {
  AffineExpr depth;
  if (ctx.facts(1).floats && !ctx.facts(1).floats->empty()) {
    depth = ctx.cst(static_cast<int64_t>(ctx.facts(1).floats->front()));
  } else if (isa<FloatType>(ctx.element(1))) {
    return ctx.replace([&](RewriterBase &rewriter) -> llvm::SmallVector<Value> {
      Type i64 = rewriter.getI64Type();
      Value depth = CastOp::create(rewriter, getLoc(), UnrankedTensorType::get(i64), getDepth(),
                                   rewriter.getIntegerAttr(i64, onnxElementCode(i64)), rewriter.getIntegerAttr(i64, 1),
                                   rewriter.getStringAttr("up"));
      return {OneHotOp::create(rewriter, getLoc(), getOutput().getType(), getIndices(), depth, getValues(), getAxisAttr())};
    });
  } else {
    auto contents = ctx.sizes(1, "depth", 1);
    if (failed(contents))
      return failure();
    if (contents->size() != 1)
      return ctx.fail("expects one 'depth'");
    depth = contents->front();
  }
  if (auto count = contentCount(ctx.shape(2)); count && *count != 2)
    return ctx.fail("expects two 'values', [off, on], got " + Twine(*count));
  auto axis = ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0) + 1);
  if (failed(axis))
    return failure();
  SymShape shape(ctx.shape(0));
  shape.insert(shape.begin() + *axis, depth);
  ctx.set(0, shape, ctx.element(2));
  return success();
}

namespace {

// Element `at` of operand i: a constant where it is known, else read.
Value knownOrRead(LowerContext &ctx, ScalarBuilder &s, unsigned i, llvm::ArrayRef<int64_t> at) {
  const ValueFacts &facts = ctx.facts(i);
  int64_t flat = at.empty() ? 0 : at.back();
  Type type = lowerElement(ctx.element(i));
  if (facts.floats)
    return s.cst((*facts.floats)[flat], type);
  auto known = facts.ints ? constantSize((*facts.ints)[flat]) : std::nullopt;
  if (known)
    return arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(type, *known));
  llvm::SmallVector<Value> indices;
  for (int64_t index : at)
    indices.push_back(arith::ConstantIndexOp::create(s.b, s.loc, index));
  return tensor::ExtractOp::create(s.b, s.loc, ctx.operand(i), indices);
}

} // namespace

LogicalResult OneHotOp::lower(LowerContext &ctx) {
  int64_t rank = ctx.resultShape().size();
  int64_t axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + rank : axis;
  llvm::SmallVector<AffineExpr> from;
  for (int64_t d = 0; d < rank; ++d)
    if (d != axis)
      from.push_back(ctx.b.getAffineDimExpr(d));
  Value depth = ctx.size(ctx.resultShape()[axis]);
  bool isUnsigned = isUnsignedElement(ctx.element(0));
  AffineMap map = AffineMap::get(rank, 0, from, getContext());
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), ctx.operand(0), map, [&](ScalarBuilder &s, ValueRange in) {
    IndexBuilder ib(s.b, s.loc);
    Value raw = s.cast(ctx.toCompute(s, in[0], ctx.element(0)), s.b.getI64Type(), isUnsigned, false);
    Value index = ib.toIndex(raw);
    index = ib.select(ib.lt(index, ib.cst(0)), ib.add(index, depth), index);
    Value hit = ib.eq(index, linalg::IndexOp::create(s.b, s.loc, axis));
    return s.select(hit, knownOrRead(ctx, s, 2, {1}), knownOrRead(ctx, s, 2, {0}));
  }));
  return success();
}

// ---- Trilu ----

LogicalResult TriluOp::inferShapes(ShapeContext &ctx) {
  if (ctx.rank(0) < 2)
    return ctx.fail("expects an operand of rank 2 or more, got rank " + Twine(ctx.rank(0)));
  return ctx.same(0);
}

LogicalResult TriluOp::lower(LowerContext &ctx) {
  int64_t rank = ctx.rank(0);
  AffineMap map = ctx.b.getMultiDimIdentityMap(rank);
  llvm::SmallVector<int64_t> at(ctx.has(1) ? ctx.rank(1) : 0, 0);
  // A `k` that is a size is one more operand of the kernel, not a tensor to read.
  Value size = ctx.has(1) && ctx.facts(1).ints ? ctx.size(ctx.facts(1).ints->front()) : Value();
  ctx.set(0, ctx.generic(ctx.resultShape(), ctx.resultElement(), ctx.operand(0), map, [&](ScalarBuilder &s, ValueRange in) {
    IndexBuilder ib(s.b, s.loc);
    Value row = linalg::IndexOp::create(s.b, s.loc, rank - 2), column = linalg::IndexOp::create(s.b, s.loc, rank - 1);
    Value k = size;
    if (!k)
      k = ctx.has(1) ? ib.toIndex(knownOrRead(ctx, s, 1, at)) : ib.cst(0);
    Value diagonal = ib.add(row, k);
    Value keep = getUpper() ? ib.le(diagonal, column) : ib.le(column, diagonal);
    return s.select(keep, in[0], s.cst(0, in[0]));
  }));
  return success();
}

// ---- CastLike ----

LogicalResult CastLikeOp::inferShapes(ShapeContext &ctx) {
  ctx.set(0, ctx.shape(0), ctx.element(1));
  return success();
}

LogicalResult CastLikeOp::decompose(RewriterBase &rewriter) {
  int64_t code = onnxElementCode(getElementTypeOrSelf(getTargetType().getType()));
  if (code == 0)
    return emitError("has a target type that ONNX cannot cast to");
  auto attr = [&](int64_t v) { return rewriter.getIntegerAttr(rewriter.getIntegerType(64), v); };
  rewriter.replaceOpWithNewOp<CastOp>(getOperation(), getResult().getType(), getInput(), attr(code),
                                      attr(static_cast<int64_t>(getSaturate())), getRoundModeAttr());
  return success();
}
