// ReduceSum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare.
#include "Contents.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/ReductionOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

// Axes whose number only a call knows: no axes are all, or none.
SymShape anyAxesMask(SizeSymbols &symbols, const ValueFacts &axes, int64_t rank, bool noop) {
  SymShape mask = symbols.axisMask(axes.elements(), rank);
  AffineExpr none = symbols.equal(axes.shape->front(), symbols.constant(0));
  for (AffineExpr &reduced : mask)
    reduced = noop ? reduced : symbols.max(reduced, none);
  return mask;
}

LogicalResult inferReduceAnyAxes(ShapeContext &ctx, bool keep, bool noop) {
  int64_t rank = ctx.rank(0);
  if (failed(ctx.axisMask(ctx.facts(1).elements(), rank)))
    return failure();
  SymShape mask = anyAxesMask(ctx.symbols, ctx.facts(1), rank, noop), kept;
  AffineExpr total = ctx.cst(0);
  for (auto [dim, reduced] : llvm::zip(ctx.shape(0), mask)) {
    kept.push_back(ctx.symbols.select(reduced, ctx.cst(1), dim));
    total = canonicalSize(total + reduced);
  }
  if (!keep) {
    auto left = ctx.declaredRank(0);
    if (!left || *left > rank)
      return ctx.fail("expects a known number of 'axes', or the rank of the result in the model");
    StringRef what = "a reduction must leave as many dims as the model states";
    if (failed(ctx.equal(total, ctx.cst(rank - *left), what, what)))
      return failure();
    kept = ctx.compact(ctx.shape(0), mask, *left);
  }
  ctx.set(0, kept, ctx.element(0));
  return success();
}

LogicalResult inferReduce(ShapeContext &ctx, bool keep, bool noop) {
  llvm::SmallVector<AffineExpr, 4> axes;
  if (ctx.has(1)) {
    auto given = ctx.elements(1, "axes", ctx.rank(0));
    if (failed(given))
      return failure();
    axes = *given;
    if (!ctx.facts(1).ints)
      return inferReduceAnyAxes(ctx, keep, noop);
  }
  auto result = reducedShape(ctx, axes, keep, noop);
  if (failed(result))
    return failure();
  ctx.set(0, *result, ctx.element(0));
  return success();
}

// The one size that a reduction of a shape's sizes gives.
void foldReduce(ShapeContext &ctx, llvm::function_ref<AffineExpr(AffineExpr, AffineExpr)> fold) {
  if (!ctx.facts(0).ints || ctx.rank(0) != 1 || ctx.facts(0).ints->empty())
    return;
  AffineExpr value = ctx.facts(0).ints->front();
  for (AffineExpr e : llvm::drop_begin(*ctx.facts(0).ints))
    value = fold(value, e);
  ctx.setInts(0, {value});
}

// How a lowered reduction sees its loops: result dims first, then the reduced ones.
struct ReduceLoops {
  SymShape kept;
  AffineExpr count; // elements per result
  unsigned reductions = 0;
  AffineMap operand;   // loops -> operand
  AffineMap perResult; // loops -> kept dims
  // Where only a call knows the axes: a tensor without contents that gives the reductions their sizes, and its map.
  Value window;
  AffineMap windowMap;
};

// Every dim is kept and reduced, one of the two with a single step: the index is the sum.
ReduceLoops lateReduceLoops(LowerContext &ctx, bool noop) {
  ReduceLoops loops;
  int64_t rank = ctx.rank(0);
  SymShape reduced, mask = ctx.facts(1).ints ? ctx.symbols.axisMask(*ctx.facts(1).ints, rank)
                                             : anyAxesMask(ctx.symbols, ctx.facts(1), rank, noop);
  llvm::SmallVector<AffineExpr> from, leading, trailing;
  loops.count = ctx.cst(1);
  loops.reductions = rank;
  for (int64_t d = 0; d < rank; ++d) {
    loops.kept.push_back(ctx.symbols.select(mask[d], ctx.cst(1), ctx.shape(0)[d]));
    reduced.push_back(ctx.symbols.select(mask[d], ctx.shape(0)[d], ctx.cst(1)));
    loops.count = ctx.symbols.mul(loops.count, reduced[d]);
    leading.push_back(ctx.b.getAffineDimExpr(d));
    trailing.push_back(ctx.b.getAffineDimExpr(rank + d));
    from.push_back(leading[d] + trailing[d]);
  }
  MLIRContext *mlir = ctx.b.getContext();
  loops.operand = AffineMap::get(2 * rank, 0, from, mlir);
  loops.perResult = AffineMap::get(2 * rank, 0, leading, mlir);
  loops.window = ctx.empty(reduced, ctx.b.getF32Type());
  loops.windowMap = AffineMap::get(2 * rank, 0, trailing, mlir);
  return loops;
}

ReduceLoops reduceLoops(LowerContext &ctx, bool noop) {
  bool all = !ctx.has(1) || ctx.facts(1).elements().empty();
  if (!all && llvm::any_of(ctx.facts(1).elements(), [](AffineExpr e) { return !constantSize(e); }))
    return lateReduceLoops(ctx, noop);
  ReduceLoops loops;
  int64_t rank = ctx.rank(0);
  llvm::SmallVector<bool> reduced(rank, all && !noop);
  if (!all)
    for (AffineExpr e : *ctx.facts(1).ints) {
      int64_t axis = *constantSize(e);
      reduced[axis < 0 ? axis + rank : axis] = true;
    }
  loops.count = ctx.cst(1);
  loops.reductions = llvm::count(reduced, true);
  unsigned nextKept = 0, nextReduced = rank - loops.reductions;
  llvm::SmallVector<AffineExpr> from;
  for (int64_t d = 0; d < rank; ++d) {
    from.push_back(ctx.b.getAffineDimExpr(reduced[d] ? nextReduced++ : nextKept++));
    if (reduced[d])
      loops.count = ctx.symbols.mul(loops.count, ctx.shape(0)[d]);
    else
      loops.kept.push_back(ctx.shape(0)[d]);
  }
  loops.operand = AffineMap::get(rank, 0, from, ctx.b.getContext());
  llvm::SmallVector<AffineExpr> leading;
  for (unsigned d = 0; d < loops.kept.size(); ++d)
    leading.push_back(ctx.b.getAffineDimExpr(d));
  loops.perResult = AffineMap::get(rank, 0, leading, ctx.b.getContext());
  return loops;
}

using Unary = llvm::function_ref<Value(ScalarBuilder &, Value)>;
using Binary = llvm::function_ref<Value(ScalarBuilder &, Value, Value)>;

struct ReduceBody {
  double init;
  Type accumulator; // a lowered type; the operand's scalars are converted to it first
  Unary before;
  Binary combine;
};

Value toAccumulator(LowerContext &ctx, ScalarBuilder &s, Value v, Type accumulator) {
  Type element = ctx.element(0);
  bool isUnsigned = isUnsignedElement(element) || element.isInteger(1);
  return s.cast(isa<FloatType>(element) ? ctx.toCompute(s, v, element) : v, accumulator, isUnsigned, isUnsigned);
}

void addWindow(const ReduceLoops &loops, llvm::SmallVectorImpl<Value> &inputs, llvm::SmallVectorImpl<AffineMap> &maps) {
  if (!loops.window)
    return;
  inputs.push_back(loops.window);
  maps.push_back(loops.windowMap);
}

// The reduced tensor in the accumulator's type, over the kept dims.
Value reduceWith(LowerContext &ctx, const ReduceLoops &loops, const ReduceBody &body) {
  bool isUnsigned = isUnsignedElement(ctx.element(0)) || ctx.element(0).isInteger(1);
  auto prepare = [&](ScalarBuilder &s, Value v) { return body.before(s, toAccumulator(ctx, s, v, body.accumulator)); };
  if (loops.reductions == 0)
    return ctx.generic(
        loops.kept, body.accumulator, ctx.operand(0), loops.operand,
        [&](ScalarBuilder &s, ValueRange in) { return prepare(s, in[0]); }, isUnsigned);
  llvm::SmallVector<Value> inputs{ctx.operand(0)};
  llvm::SmallVector<AffineMap> maps{loops.operand};
  addWindow(loops, inputs, maps);
  return ctx.reduce(
      loops.kept, body.accumulator, body.init, loops.reductions, inputs, maps,
      [&](ScalarBuilder &s, ValueRange in) { return body.combine(s, prepare(s, in[0]), in.back()); }, isUnsigned);
}

// Converts to the result's type after `after`, and puts the reduced dims back as ones.
void finishReduce(LowerContext &ctx, const ReduceLoops &loops, Value value, Unary after, bool always) {
  Type from = cast<RankedTensorType>(value.getType()).getElementType();
  if (always || from != lowerElement(ctx.resultElement())) {
    AffineMap identity = ctx.b.getMultiDimIdentityMap(loops.kept.size());
    bool isUnsigned = isUnsignedElement(ctx.element(0));
    value = ctx.generic(
        loops.kept, ctx.resultElement(), value, identity,
        [&](ScalarBuilder &s, ValueRange in) {
          return s.cast(after(s, in[0]), lowerElement(ctx.resultElement()), isUnsigned, isUnsigned);
        },
        isUnsigned);
  }
  ctx.set(0, ctx.reshape(value, loops.kept, ctx.resultShape()));
}

Value same(ScalarBuilder &, Value v) { return v; }
Value sum(ScalarBuilder &s, Value x, Value acc) { return s.add(acc, x); }
Value product(ScalarBuilder &s, Value x, Value acc) { return s.mul(acc, x); }

// Sums and products of something, and something of the result.
LogicalResult lowerSums(LowerContext &ctx, bool noop, Unary before, Binary combine, double init, Unary after, bool always) {
  ReduceLoops loops = reduceLoops(ctx, noop);
  Value value = reduceWith(ctx, loops, {init, ctx.accumulator(ctx.element(0)), before, combine});
  finishReduce(ctx, loops, value, after, always);
  return success();
}

// Largest element. Integers' minimum is the complement of the maximum of complements: its start value is exact as a double.
LogicalResult lowerExtreme(LowerContext &ctx, bool noop, bool smallest) {
  ReduceLoops loops = reduceLoops(ctx, noop);
  Type element = ctx.element(0);
  if (isa<FloatType>(element)) {
    auto combine = [&](ScalarBuilder &s, Value x, Value acc) { return smallest ? s.min(acc, x) : s.max(acc, x); };
    Value value = reduceWith(ctx, loops, {smallest ? INFINITY : -INFINITY, ctx.accumulator(element), same, combine});
    finishReduce(ctx, loops, value, same, false);
    return success();
  }
  bool isUnsigned = isUnsignedElement(element) || element.isInteger(1);
  Type lowered = lowerElement(element);
  double init = isUnsigned ? 0 : -std::ldexp(1.0, static_cast<int>(lowered.getIntOrFloatBitWidth()) - 1);
  auto complement = [&](ScalarBuilder &s, Value x) { return smallest ? s.noti(x) : x; };
  auto combine = [&](ScalarBuilder &s, Value x, Value acc) { return s.max(acc, x); };
  Value value = reduceWith(ctx, loops, {init, lowered, complement, combine});
  finishReduce(ctx, loops, value, complement, smallest);
  return success();
}

} // namespace

FailureOr<SymShape> laic::reducedShape(ShapeContext &ctx, llvm::ArrayRef<AffineExpr> axes, bool keep, bool noop) {
  int64_t rank = ctx.rank(0), gone = axes.empty() && !noop ? rank : axes.size();
  auto mask = ctx.axisMask(axes, rank);
  if (failed(mask))
    return failure();
  if (axes.empty() && !noop)
    mask->assign(rank, ctx.cst(1));
  if (keep) {
    SymShape result;
    for (auto [dim, reduced] : llvm::zip(ctx.shape(0), *mask))
      result.push_back(ctx.symbols.select(reduced, ctx.cst(1), dim));
    return result;
  }
  // Axes named twice leave more dims; where only a call knows them they must differ, for the rank is known before.
  AffineExpr total = ctx.cst(0);
  for (AffineExpr reduced : *mask)
    total = canonicalSize(total + reduced);
  if (auto known = constantSize(total))
    gone = *known;
  else if (StringRef what = "a reduction without keepdims must name each axis once";
           failed(ctx.equal(total, ctx.cst(gone), what, what)))
    return failure();
  return ctx.compact(ctx.shape(0), *mask, rank - gone);
}

LogicalResult ReduceSumOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes())))
    return failure();
  foldReduce(ctx, [](AffineExpr a, AffineExpr b) { return a + b; });
  return success();
}
LogicalResult ReduceSumOp::lower(LowerContext &ctx) { return lowerSums(ctx, getNoopWithEmptyAxes(), same, sum, 0, same, false); }

LogicalResult ReduceProdOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes())))
    return failure();
  foldReduce(ctx, [&](AffineExpr a, AffineExpr b) { return ctx.symbols.mul(a, b); });
  return success();
}
LogicalResult ReduceProdOp::lower(LowerContext &ctx) {
  return lowerSums(ctx, getNoopWithEmptyAxes(), same, product, 1, same, false);
}

LogicalResult ReduceMaxOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes())))
    return failure();
  foldReduce(ctx, [&](AffineExpr a, AffineExpr b) { return ctx.symbols.max(a, b); });
  return success();
}
LogicalResult ReduceMaxOp::lower(LowerContext &ctx) { return lowerExtreme(ctx, getNoopWithEmptyAxes(), false); }

LogicalResult ReduceMinOp::inferShapes(ShapeContext &ctx) {
  if (failed(inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes())))
    return failure();
  foldReduce(ctx, [&](AffineExpr a, AffineExpr b) { return ctx.symbols.min(a, b); });
  return success();
}
LogicalResult ReduceMinOp::lower(LowerContext &ctx) { return lowerExtreme(ctx, getNoopWithEmptyAxes(), true); }

LogicalResult ReduceMeanOp::inferShapes(ShapeContext &ctx) { return inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes()); }
LogicalResult ReduceMeanOp::lower(LowerContext &ctx) {
  ReduceLoops loops = reduceLoops(ctx, getNoopWithEmptyAxes());
  auto known = constantSize(loops.count);
  Value count = known ? Value() : ctx.size(loops.count);
  Value value = reduceWith(ctx, loops, {0, ctx.accumulator(ctx.element(0)), same, sum});
  auto divide = [&](ScalarBuilder &s, Value v) {
    Value n = known ? s.cst(static_cast<double>(*known), v)
                    : s.cast(arith::IndexCastOp::create(s.b, s.loc, s.b.getI64Type(), count), v.getType(), false, false);
    return s.div(v, n);
  };
  finishReduce(ctx, loops, value, divide, known != 1);
  return success();
}

LogicalResult ReduceL1Op::inferShapes(ShapeContext &ctx) { return inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes()); }
LogicalResult ReduceL1Op::lower(LowerContext &ctx) {
  auto magnitude = [](ScalarBuilder &s, Value x) { return s.abs(x); };
  return lowerSums(ctx, getNoopWithEmptyAxes(), magnitude, sum, 0, same, false);
}

namespace {
Value square(ScalarBuilder &s, Value x) { return s.mul(x, x); }

// Functions of floats on any accumulator: integers go through f64 and are truncated.
Value viaFloat(ScalarBuilder &s, Value x, Unary function) {
  if (s.isFloat(x))
    return function(s, x);
  Value wide = function(s, s.cast(x, s.b.getF64Type(), s.isUnsigned, false));
  return s.cast(wide, x.getType(), false, s.isUnsigned);
}
} // namespace

LogicalResult ReduceL2Op::inferShapes(ShapeContext &ctx) { return inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes()); }
LogicalResult ReduceL2Op::lower(LowerContext &ctx) {
  auto root = [](ScalarBuilder &s, Value v) { return viaFloat(s, v, [](ScalarBuilder &s, Value v) { return s.sqrt(v); }); };
  return lowerSums(ctx, getNoopWithEmptyAxes(), square, sum, 0, root, true);
}

LogicalResult ReduceSumSquareOp::inferShapes(ShapeContext &ctx) {
  return inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes());
}
LogicalResult ReduceSumSquareOp::lower(LowerContext &ctx) {
  return lowerSums(ctx, getNoopWithEmptyAxes(), square, sum, 0, same, false);
}

LogicalResult ReduceLogSumOp::inferShapes(ShapeContext &ctx) { return inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes()); }
LogicalResult ReduceLogSumOp::lower(LowerContext &ctx) {
  auto log = [](ScalarBuilder &s, Value v) { return viaFloat(s, v, [](ScalarBuilder &s, Value v) { return s.log(v); }); };
  return lowerSums(ctx, getNoopWithEmptyAxes(), same, sum, 0, log, true);
}

LogicalResult ReduceLogSumExpOp::inferShapes(ShapeContext &ctx) {
  return inferReduce(ctx, getKeepdims(), getNoopWithEmptyAxes());
}

// log(sum(exp(x))) = m + log(sum(exp(x - m))) for the maximum m: no overflow. An infinite m counts as 0.
LogicalResult ReduceLogSumExpOp::lower(LowerContext &ctx) {
  ReduceLoops loops = reduceLoops(ctx, getNoopWithEmptyAxes());
  Type accumulator = ctx.accumulator(ctx.element(0));
  if (loops.reductions == 0) {
    ctx.set(0, ctx.operand(0));
    return success();
  }
  auto larger = [](ScalarBuilder &s, Value x, Value acc) { return s.max(acc, x); };
  Value maximum = reduceWith(ctx, loops, {-INFINITY, accumulator, same, larger});
  auto finite = [](ScalarBuilder &s, Value m) { return s.select(s.isinf(m, true, true), s.cst(0, m), m); };
  llvm::SmallVector<Value> inputs{ctx.operand(0), maximum};
  llvm::SmallVector<AffineMap> maps{loops.operand, loops.perResult};
  addWindow(loops, inputs, maps);
  Value sums = ctx.reduce(loops.kept, accumulator, 0, loops.reductions, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value x = toAccumulator(ctx, s, in[0], accumulator);
    return s.add(in.back(), s.exp(s.sub(x, finite(s, in[1]))));
  });
  AffineMap identity = ctx.b.getMultiDimIdentityMap(loops.kept.size());
  Value value =
      ctx.generic(loops.kept, ctx.resultElement(), {sums, maximum}, {identity, identity}, [&](ScalarBuilder &s, ValueRange in) {
        Value result = s.add(s.log(in[0]), finite(s, in[1]));
        return s.cast(result, lowerElement(ctx.resultElement()), false, false);
      });
  ctx.set(0, ctx.reshape(value, loops.kept, ctx.resultShape()));
  return success();
}
