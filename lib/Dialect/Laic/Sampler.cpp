// Sampling at fractional positions: nearest, multilinear and cubic.
#include "Sampler.h"

#include "IndexBuilder.h"
#include "Interpolation.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr double kFarthest = 1 << 30; // positions beyond are all alike, and no index overflows
constexpr double kCubicA = -0.75;

Value toFloat(ScalarBuilder &s, Value index, Type type) {
  return s.cast(IndexBuilder(s.b, s.loc).toInt(index, s.b.getI64Type()), type, false, false);
}

// A finite position; NaN becomes the lowest.
Value finite(ScalarBuilder &s, Value x) {
  x = arith::MaxNumFOp::create(s.b, s.loc, x, s.cst(-kFarthest, x));
  return arith::MinNumFOp::create(s.b, s.loc, x, s.cst(kFarthest, x));
}

} // namespace

LogicalResult laic::expectElements(ShapeContext &ctx, unsigned i, int64_t first) {
  for (AffineExpr dim : ctx.shape(i).drop_front(first))
    if (failed(ctx.atLeast(dim, ctx.cst(1), "the input must have elements", "expects an input with elements")))
      return failure();
  return success();
}

Sampler::Sampler(LowerContext &ctx, Sized x, unsigned spatial, Beyond beyond, bool alignCorners, Type compute)
    : ctx(ctx), x(x), beyond(beyond), alignCorners(alignCorners), compute(compute) {
  for (AffineExpr size : ArrayRef(this->x.shape).take_back(spatial))
    sizes.push_back(ctx.size(size));
}

// The distance from the nearer border, folded back and forth over the range between the two.
Value Sampler::reflect(ScalarBuilder &s, unsigned dim, Value position) const {
  Value size = toFloat(s, sizes[dim], position.getType()), half = s.cst(0.5, position), zero = s.cst(0, position);
  Value low = alignCorners ? zero : s.neg(half);
  Value range = alignCorners ? s.sub(size, s.cst(1, size)) : size, high = s.add(low, range);
  Value below = s.lt(position, low);
  Value distance = s.select(below, s.sub(low, position), s.sub(position, high));
  // A single element mirrors itself.
  Value turns = s.select(s.gt(range, zero), s.floor(s.div(distance, range)), zero);
  Value rest = s.sub(distance, s.mul(turns, range));
  Value isEven = s.eq(s.mul(s.floor(s.mul(turns, half)), s.cst(2, turns)), turns);
  Value fromLow = arith::XOrIOp::create(s.b, s.loc, below, s.noti(isEven)); // below and even, or above and odd
  Value mirrored = s.select(fromLow, s.add(low, rest), s.sub(high, rest));
  return s.select(s.ori(below, s.gt(position, high)), mirrored, position);
}

// The element at a whole position, which the rule for what lies beyond moves into the image.
Sampler::Place Sampler::place(ScalarBuilder &s, unsigned dim, Value position) const {
  IndexBuilder ib(s.b, s.loc);
  if (beyond == Beyond::Reflection)
    position = reflect(s, dim, position);
  Value index = ib.toIndex(arith::FPToSIOp::create(s.b, s.loc, s.b.getI64Type(), position));
  Value last = ib.sub(sizes[dim], ib.cst(1)), clamped = ib.max(ib.cst(0), ib.min(index, last));
  return {clamped, beyond == Beyond::Zeros ? ib.eq(index, clamped) : Value()};
}

Value Sampler::read(ScalarBuilder &s, ValueRange outer, ArrayRef<Place> at) const {
  SmallVector<Value> from(outer);
  Value inside;
  for (const Place &p : at) {
    from.push_back(p.index);
    inside = inside && p.inside ? s.andi(inside, p.inside) : p.inside;
  }
  Value v = toAccumulator(ctx, s, tensor::ExtractOp::create(s.b, s.loc, x.value, from), x.element, compute);
  return inside ? s.select(inside, v, s.cst(0, v)) : v;
}

Value Sampler::nearest(ScalarBuilder &s, ValueRange outer, ValueRange position) const {
  SmallVector<Place, 3> at;
  for (auto [d, p] : llvm::enumerate(position))
    at.push_back(place(s, d, finite(s, s.round(p))));
  return read(s, outer, at);
}

// A weighted sum over all combinations of neighbours, the first of which is floor(position) + `first` in each dim.
Value Sampler::mix(ScalarBuilder &s, ValueRange outer, ValueRange position, int64_t first, Weights weights) const {
  SmallVector<SmallVector<Place, 4>, 3> places;
  SmallVector<SmallVector<Value, 4>, 3> factors;
  for (auto [d, p] : llvm::enumerate(position)) {
    Value at = finite(s, p), floor = s.floor(at);
    factors.push_back(
        llvm::map_to_vector<4>(weights(s.sub(at, floor)), [&](Value w) { return s.cast(w, compute, false, false); }));
    auto &row = places.emplace_back();
    for (size_t k = 0; k < factors.back().size(); ++k)
      row.push_back(place(s, d, s.add(floor, s.cst(first + double(k), floor))));
  }
  SmallVector<Place, 3> at;
  std::function<Value()> sum = [&]() -> Value {
    size_t d = at.size();
    if (d == places.size())
      return read(s, outer, at);
    Value total;
    for (auto [p, w] : llvm::zip_equal(places[d], factors[d])) {
      at.push_back(p);
      Value term = s.mul(sum(), w);
      at.pop_back();
      total = total ? s.add(total, term) : term;
    }
    return total;
  };
  return sum();
}

Value Sampler::linear(ScalarBuilder &s, ValueRange outer, ValueRange position) const {
  return mix(s, outer, position, 0, [&](Value t) { return SmallVector<Value, 4>{s.sub(s.cst(1, t), t), t}; });
}

Value Sampler::cubic(ScalarBuilder &s, ValueRange outer, ValueRange position) const {
  return mix(s, outer, position, -1, [&](Value t) { return cubicWeights(s, t, kCubicA); });
}
