// Window and global pooling: inference and lowering to padding, one reduction and what follows it.
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ConvOps.h"

using namespace mlir;
using namespace laic;

namespace {

template <typename Op> WindowAttributes poolAttributes(Op op) {
  return {op.getAutoPad(),      op.getStrides(), op.getDilations(), op.getPads(), ArrayRef<int64_t>(op.getKernelShape()),
          op.getCeilMode() != 0};
}

template <typename Op>
FailureOr<SmallVector<Window, 3>> poolWindows(Op op, SizeSymbols &symbols, ArrayRef<AffineExpr> shape, Failure fail) {
  ArrayRef<int64_t> kernel = op.getKernelShape();
  return makeWindows(symbols, shape.drop_front(2), kernelSizes(symbols, kernel), poolAttributes(op), fail);
}

template <typename Op> LogicalResult inferPool(Op op, ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 3, "the input")))
    return failure();
  auto windows = poolWindows(op, ctx.symbols, ctx.shape(0), [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  SymShape result(ctx.shape(0).take_front(2));
  for (const Window &window : *windows)
    result.push_back(window.out);
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    ctx.set(i, result, i == 0 ? ctx.element(0) : Type(IntegerType::get(op.getContext(), 64)));
  return success();
}

LogicalResult inferGlobalPool(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 3, "the input")))
    return failure();
  SymShape result(ctx.shape(0).take_front(2));
  result.resize(ctx.rank(0), ctx.cst(1));
  ctx.set(0, result, ctx.element(0));
  return success();
}

// Smallest value of a lowered element type.
TypedAttr lowestAttr(OpBuilder &b, Type element) {
  Type storage = lowerElement(element);
  if (auto type = dyn_cast<FloatType>(storage))
    return b.getFloatAttr(type, APFloat::getInf(type.getFloatSemantics(), /*Negative=*/true));
  unsigned width = storage.getIntOrFloatBitWidth();
  return b.getIntegerAttr(storage, isUnsignedElement(element) ? APInt::getZero(width) : APInt::getSignedMinValue(width));
}
double lowest(Type element) {
  if (isa<FloatType>(element))
    return -std::numeric_limits<double>::infinity();
  return isUnsignedElement(element) ? 0 : -std::ldexp(1.0, element.getIntOrFloatBitWidth() - 1);
}

// A reduction over windows of x (padded): the window's sizes come from an operand without contents.
Value reduceWindows(LowerContext &ctx, Sized x, ArrayRef<Window> windows, Type element, double init, LowerContext::Body body,
                    bool isUnsigned = false) {
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = windows.size();
  SymShape kernel;
  SmallVector<AffineExpr> kernelDims;
  for (auto [i, window] : llvm::enumerate(windows)) {
    kernel.push_back(window.kernel);
    kernelDims.push_back(getAffineDimExpr(2 + rank + i, mlir));
  }
  Value shapeOnly = ctx.empty(kernel, ctx.b.getF32Type());
  AffineMap maps[] = {poolMap(mlir, windows), AffineMap::get(2 + 2 * rank, 0, kernelDims, mlir)};
  return ctx.reduce(ctx.resultShape(), element, init, rank, {x.value, shapeOnly}, maps, body, isUnsigned);
}

// Elementwise map of the result.
Value mapResult(LowerContext &ctx, Value value, LowerContext::Body body) {
  AffineMap identity = AffineMap::getMultiDimIdentityMap(ctx.resultShape().size(), ctx.b.getContext());
  return ctx.generic(ctx.resultShape(), ctx.resultElement(), {value}, {identity}, body);
}

} // namespace

//===-- MaxPool -------------------------------------------------------------------------------------------------===//

LogicalResult MaxPoolOp::inferShapes(ShapeContext &ctx) { return inferPool(*this, ctx); }

namespace {

// Flat index of each window's first element that equals its maximum, in the unpadded input.
Value maxIndices(LowerContext &ctx, Sized x, Value maxima, ArrayRef<Window> windows, bool columnMajor) {
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = windows.size();
  constexpr double none = 9.2e18;
  SymShape kernel;
  SmallVector<AffineExpr> kernelDims;
  SmallVector<Value> sizes, lows;
  for (auto [i, window] : llvm::enumerate(windows)) {
    kernel.push_back(window.kernel);
    kernelDims.push_back(getAffineDimExpr(2 + rank + i, mlir));
    sizes.push_back(ctx.size(window.in));
    lows.push_back(ctx.size(window.low));
  }
  Value channels = ctx.size(x.shape[1]), zero = ctx.size(ctx.cst(0));
  Value shapeOnly = ctx.empty(kernel, ctx.b.getF32Type());
  unsigned loops = 2 + 2 * rank;
  AffineMap maps[] = {poolMap(mlir, windows), AffineMap::get(loops, 0, kernelDims, mlir),
                      AffineMap::getMultiDimIdentityMap(loops, mlir).getMajorSubMap(2 + rank)};
  auto body = [&](ScalarBuilder &s, ValueRange in) {
    OpBuilder &b = s.b;
    auto loop = [&](unsigned i) -> Value { return linalg::IndexOp::create(b, s.loc, i); };
    Value flat = arith::AddIOp::create(b, s.loc, arith::MulIOp::create(b, s.loc, loop(0), channels), loop(1));
    Value take = s.ori(s.eq(in[0], in[2]), isa<FloatType>(in[0].getType()) ? s.isnan(in[0]) : s.boolean(false));
    SmallVector<Value> at;
    for (auto [i, window] : llvm::enumerate(windows)) {
      Value stride = arith::ConstantIndexOp::create(b, s.loc, window.stride);
      Value dilation = arith::ConstantIndexOp::create(b, s.loc, window.dilation);
      Value position = arith::AddIOp::create(b, s.loc, arith::MulIOp::create(b, s.loc, loop(2 + i), stride),
                                             arith::MulIOp::create(b, s.loc, loop(2 + rank + i), dilation));
      position = arith::SubIOp::create(b, s.loc, position, lows[i]);
      Value above = arith::CmpIOp::create(b, s.loc, arith::CmpIPredicate::sge, position, zero);
      Value below = arith::CmpIOp::create(b, s.loc, arith::CmpIPredicate::slt, position, sizes[i]);
      take = s.andi(take, s.andi(above, below));
      at.push_back(position);
    }
    for (unsigned n = 0; n < rank; ++n)
      flat = arith::MulIOp::create(b, s.loc, flat, sizes[n]);
    Value offset = zero;
    for (unsigned n = 0; n < rank; ++n) {
      unsigned i = columnMajor ? rank - 1 - n : n;
      offset = arith::AddIOp::create(b, s.loc, arith::MulIOp::create(b, s.loc, offset, sizes[i]), at[i]);
    }
    flat = arith::AddIOp::create(b, s.loc, flat, offset);
    Value index = arith::IndexCastOp::create(b, s.loc, b.getI64Type(), flat);
    return s.min(in[3], s.select(take, index, s.cst(none, index)));
  };
  return ctx.reduce(ctx.resultShape(), ctx.b.getI64Type(), none, rank, {x.value, shapeOnly, maxima}, maps, body);
}

} // namespace

LogicalResult MaxPoolOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  auto windows = poolWindows(*this, ctx.symbols, x.shape, [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  Value lowestValue = arith::ConstantOp::create(ctx.b, lowestAttr(ctx.b, x.element));
  std::tie(x.value, x.shape) = padWindows(ctx, x.value, x.shape, *windows, lowestValue);
  Value maxima = reduceWindows(
      ctx, x, *windows, x.element, lowest(x.element),
      [&](ScalarBuilder &s, ValueRange in) {
        Value y = s.max(ctx.toCompute(s, in[2], x.element), ctx.toCompute(s, in[0], x.element));
        return ctx.toStorage(s, y, x.element);
      },
      isUnsignedElement(x.element));
  ctx.set(0, maxima);
  if (getIndices().use_empty())
    ctx.set(1, ctx.empty(ctx.resultShape(1), ctx.resultElement(1)));
  else
    ctx.set(1, maxIndices(ctx, x, maxima, *windows, getStorageOrder() != 0));
  return success();
}

//===-- AveragePool ---------------------------------------------------------------------------------------------===//

LogicalResult AveragePoolOp::inferShapes(ShapeContext &ctx) { return inferPool(*this, ctx); }

namespace {

// For one spatial dim, 1 / (window positions in [first, last) of the padded input), by output index. With last =
// first + size of what counts, in coordinates of the padded input.
Value reciprocalCounts(LowerContext &ctx, const Window &window, AffineExpr first, AffineExpr last, Type compute) {
  Value firstValue = ctx.size(first), lastValue = ctx.size(last), kernel = ctx.size(window.kernel);
  return ctx.gather({window.out}, compute, [&](ScalarBuilder &s, ValueRange indices) {
    OpBuilder &b = s.b;
    auto constant = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(b, s.loc, v); };
    Value start = arith::MulIOp::create(b, s.loc, indices[0], constant(window.stride));
    // Positions before `limit`: ceil((limit - start) / dilation), between 0 and the window's size.
    auto before = [&](Value limit) -> Value {
      Value distance = arith::SubIOp::create(b, s.loc, limit, start);
      distance = arith::MaxSIOp::create(b, s.loc, distance, constant(0));
      distance = arith::AddIOp::create(b, s.loc, distance, constant(window.dilation - 1));
      Value count = arith::DivUIOp::create(b, s.loc, distance, constant(window.dilation));
      return arith::MinSIOp::create(b, s.loc, count, kernel);
    };
    Value count = arith::SubIOp::create(b, s.loc, before(lastValue), before(firstValue));
    count = arith::MaxSIOp::create(b, s.loc, count, constant(1));
    Value wide = arith::IndexCastOp::create(b, s.loc, b.getI64Type(), count);
    Value number = arith::SIToFPOp::create(b, s.loc, compute, wide);
    return Value(s.div(s.cst(1, number), number));
  });
}

} // namespace

LogicalResult AveragePoolOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  auto fail = [&](const Twine &message) { return ctx.fail(message); };
  auto windows = poolWindows(*this, ctx.symbols, x.shape, fail);
  if (failed(windows))
    return failure();
  MLIRContext *mlir = getContext();
  Type element = x.element, compute = ctx.accumulator(element);
  unsigned rank = windows->size();
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(element)));
  std::tie(x.value, x.shape) = padWindows(ctx, x.value, x.shape, *windows, zero);
  Value sums = reduceWindows(ctx, x, *windows, compute, 0, [&](ScalarBuilder &s, ValueRange in) {
    return s.add(in[2], toAccumulator(ctx, s, in[0], element, compute));
  });

  bool countPads = getCountIncludePad() != 0;
  double constantCount = 1;
  SmallVector<Value> inputs = {sums};
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(2 + rank, mlir)};
  for (auto [i, window] : llvm::enumerate(*windows)) {
    // What counts: the input alone, or the input with the padding that was asked for (not what ceil_mode adds).
    AffineExpr first = countPads ? ctx.cst(0) : window.low;
    AffineExpr last = countPads ? window.padded : canonicalSize(window.low + window.in);
    if (constantSize(first) == 0 && last == x.shape[2 + i]) {
      constantCount *= *constantSize(window.kernel);
      continue;
    }
    inputs.push_back(reciprocalCounts(ctx, window, first, last, compute));
    maps.push_back(AffineMap::get(2 + rank, 0, {getAffineDimExpr(2 + i, mlir)}, mlir));
  }
  ctx.set(0, ctx.generic(ctx.resultShape(), element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value y = in[0];
    if (constantCount != 1)
      y = s.mul(y, s.cst(1 / constantCount, y));
    for (Value reciprocal : in.drop_front())
      y = s.mul(y, reciprocal);
    return ctx.toStorage(s, y, element);
  }));
  return success();
}

//===-- LpPool --------------------------------------------------------------------------------------------------===//

namespace {

// |x| ** p, and the p-th root of a sum of such.
Value raised(ScalarBuilder &s, Value x, int64_t p) {
  if (p == 2)
    return s.mul(x, x);
  Value y = s.abs(x);
  return p == 1 ? y : s.pow(y, s.cst(p, y));
}
Value root(ScalarBuilder &s, Value sum, int64_t p) {
  if (p == 1)
    return sum;
  return p == 2 ? s.sqrt(sum) : s.pow(sum, s.cst(1.0 / p, sum));
}

LogicalResult checkP(ShapeContext &ctx, int64_t p) {
  return p >= 1 ? success() : ctx.fail("expects attribute 'p' to be at least 1, got " + Twine(p));
}

} // namespace

LogicalResult LpPoolOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkP(ctx, getP())))
    return failure();
  return inferPool(*this, ctx);
}

LogicalResult LpPoolOp::lower(LowerContext &ctx) {
  Sized x = sizedOperand(ctx, 0);
  auto windows = poolWindows(*this, ctx.symbols, x.shape, [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  Type element = x.element, compute = ctx.accumulator(element);
  Value zero = arith::ConstantOp::create(ctx.b, ctx.b.getZeroAttr(lowerElement(element)));
  std::tie(x.value, x.shape) = padWindows(ctx, x.value, x.shape, *windows, zero);
  int64_t p = getP();
  Value sums = reduceWindows(ctx, x, *windows, compute, 0, [&](ScalarBuilder &s, ValueRange in) {
    return s.add(in[2], raised(s, toAccumulator(ctx, s, in[0], element, compute), p));
  });
  ctx.set(0, mapResult(ctx, sums, [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, root(s, in[0], p), element); }));
  return success();
}

//===-- global pooling ------------------------------------------------------------------------------------------===//

namespace {

// Reduces all spatial dims of operand 0; `finish` maps a sum to a result, or null.
void lowerGlobalPool(LowerContext &ctx, Type accumulator, double init, LowerContext::Body body,
                     llvm::function_ref<Value(ScalarBuilder &, Value)> finish) {
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = ctx.rank(0);
  SymShape kept(ctx.shape(0).take_front(2));
  Value reduced =
      ctx.reduce(kept, accumulator, init, rank - 2, {ctx.operand(0)}, {AffineMap::getMultiDimIdentityMap(rank, mlir)}, body);
  if (finish)
    reduced =
        ctx.generic(kept, ctx.resultElement(), {reduced}, {AffineMap::getMultiDimIdentityMap(2, mlir)},
                    [&](ScalarBuilder &s, ValueRange in) { return ctx.toStorage(s, finish(s, in[0]), ctx.resultElement()); });
  ctx.set(0, ctx.reshape(reduced, kept, ctx.resultShape()));
}

} // namespace

LogicalResult GlobalAveragePoolOp::inferShapes(ShapeContext &ctx) { return inferGlobalPool(ctx); }

LogicalResult GlobalAveragePoolOp::lower(LowerContext &ctx) {
  Type element = ctx.element(0), compute = ctx.accumulator(element);
  AffineExpr count = ctx.cst(1);
  for (AffineExpr dim : ctx.shape(0).drop_front(2))
    count = ctx.symbols.mul(count, dim);
  std::optional<int64_t> known = constantSize(count);
  Value countValue = known ? Value() : ctx.size(count);
  lowerGlobalPool(
      ctx, compute, 0,
      [&](ScalarBuilder &s, ValueRange in) { return s.add(in[1], toAccumulator(ctx, s, in[0], element, compute)); },
      [&](ScalarBuilder &s, Value sum) -> Value {
        if (known)
          return s.mul(sum, s.cst(1.0 / *known, sum));
        Value wide = arith::IndexCastOp::create(s.b, s.loc, s.b.getI64Type(), countValue);
        return s.div(sum, arith::SIToFPOp::create(s.b, s.loc, compute, wide));
      });
  return success();
}

LogicalResult GlobalMaxPoolOp::inferShapes(ShapeContext &ctx) { return inferGlobalPool(ctx); }

LogicalResult GlobalMaxPoolOp::lower(LowerContext &ctx) {
  Type element = ctx.element(0);
  auto body = [&](ScalarBuilder &s, ValueRange in) {
    return ctx.toStorage(s, s.max(ctx.toCompute(s, in[1], element), ctx.toCompute(s, in[0], element)), element);
  };
  lowerGlobalPool(ctx, element, lowest(element), body, nullptr);
  return success();
}

LogicalResult GlobalLpPoolOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkP(ctx, getP())))
    return failure();
  return inferGlobalPool(ctx);
}

LogicalResult GlobalLpPoolOp::lower(LowerContext &ctx) {
  Type element = ctx.element(0), compute = ctx.accumulator(element);
  int64_t p = getP();
  lowerGlobalPool(
      ctx, compute, 0,
      [&](ScalarBuilder &s, ValueRange in) { return s.add(in[1], raised(s, toAccumulator(ctx, s, in[0], element, compute), p)); },
      [&](ScalarBuilder &s, Value sum) { return root(s, sum, p); });
  return success();
}
