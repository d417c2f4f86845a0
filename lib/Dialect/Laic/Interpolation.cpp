// Resampling along one axis: coordinates, indices and weights, in the operator's f32 arithmetic.
#include "Interpolation.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

// What bodies need of an axis. Sizes are materialised before a generic is opened.
class AxisBody {
public:
  AxisBody(LowerContext &ctx, const ResizeAxis &axis, const ResizeRule &rule)
      : axis(axis), rule(rule), inSize(ctx.size(axis.in)), outSize(ctx.size(axis.out)) {
    if (axis.scale)
      return;
    numerator = ctx.size(axis.numerator);
    denominator = ctx.size(axis.denominator);
  }

  Value coordinate(ScalarBuilder &s, Value outputIndex) const;
  Value last(ScalarBuilder &s) const { return s.sub(number(s, inSize), f32(s, 1)); }
  Value outside(ScalarBuilder &s, Value coordinate) const {
    return s.ori(s.lt(coordinate, f32(s, 0)), s.gt(coordinate, last(s)));
  }
  Value clampToInput(ScalarBuilder &s, Value v) const { return s.clamp(v, f32(s, 0), last(s)); }
  static Value f32(ScalarBuilder &s, double v) { return s.cst(v, s.b.getF32Type()); }
  static Value toIndex(ScalarBuilder &s, Value v) { return arith::FPToSIOp::create(s.b, s.loc, s.b.getI64Type(), v); }

  static Value number(ScalarBuilder &s, Value index) {
    Value wide = arith::IndexCastOp::create(s.b, s.loc, s.b.getI64Type(), index);
    return arith::SIToFPOp::create(s.b, s.loc, s.b.getF32Type(), wide);
  }
  Value scale(ScalarBuilder &s) const {
    return axis.scale ? f32(s, *axis.scale) : s.div(number(s, numerator), number(s, denominator));
  }

private:
  // The start or end of the region of interest.
  Value roi(ScalarBuilder &s, float known, int64_t at) const {
    if (!axis.roi)
      return f32(s, known);
    Value index = arith::ConstantIndexOp::create(s.b, s.loc, at);
    return s.cast(tensor::ExtractOp::create(s.b, s.loc, axis.roi, index), s.b.getF32Type(), false, false);
  }

  const ResizeAxis &axis;
  const ResizeRule &rule;
  Value inSize, outSize, numerator, denominator;
};

Value AxisBody::coordinate(ScalarBuilder &s, Value outputIndex) const {
  Value x = number(s, outputIndex), in = number(s, inSize), out = number(s, outSize);
  Value one = f32(s, 1), half = f32(s, 0.5);
  StringRef kind = rule.coordinates;
  auto halfPixel = [&] { return s.sub(s.div(s.add(x, half), scale(s)), half); };
  if (kind == "half_pixel")
    return halfPixel();
  if (kind == "asymmetric")
    return s.div(x, scale(s));
  if (kind == "pytorch_half_pixel")
    return s.select(s.gt(out, one), halfPixel(), f32(s, 0));
  if (kind == "half_pixel_symmetric") {
    Value adjustment = s.div(out, s.mul(scale(s), in));
    Value offset = s.mul(s.mul(in, half), s.sub(one, adjustment));
    return s.add(offset, halfPixel());
  }
  if (axis.givenScale)
    out = s.mul(in, scale(s));
  Value lastIn = s.sub(in, one), lastOut = s.sub(out, one);
  if (kind == "align_corners")
    return s.select(s.gt(out, one), s.div(s.mul(x, lastIn), lastOut), f32(s, 0));
  // tf_crop_and_resize
  Value start = roi(s, axis.roiStart, axis.roiStartAt), end = roi(s, axis.roiEnd, axis.roiEndAt);
  Value within = s.add(s.mul(start, lastIn), s.div(s.mul(x, s.mul(s.sub(end, start), lastIn)), lastOut));
  return s.select(s.gt(out, one), within, s.mul(s.mul(half, s.add(start, end)), lastIn));
}

Value roundNearest(ScalarBuilder &s, Value x, StringRef mode) {
  Value floor = s.floor(x);
  if (mode == "floor")
    return floor;
  if (mode == "ceil")
    return s.ceil(x);
  Value half = AxisBody::f32(s, 0.5), fraction = s.sub(x, floor), above = s.add(floor, AxisBody::f32(s, 1));
  Value up = mode == "round_prefer_ceil" ? s.ge(fraction, half) : s.gt(fraction, half);
  return s.select(up, above, floor);
}

} // namespace

SmallVector<Value, 4> laic::cubicWeights(ScalarBuilder &s, Value t, double a) {
  auto cst = [&](double v) { return s.cst(v, t); };
  auto outer = [&](Value d) { // 1 <= d <= 2
    Value v = s.add(s.mul(s.sub(s.mul(cst(a), d), cst(5 * a)), d), cst(8 * a));
    return s.sub(s.mul(v, d), cst(4 * a));
  };
  auto inner = [&](Value d) { // 0 <= d <= 1
    Value v = s.mul(s.sub(s.mul(cst(a + 2), d), cst(a + 3)), d);
    return s.add(s.mul(v, d), cst(1));
  };
  Value rest = s.sub(cst(1), t);
  return {outer(s.add(t, cst(1))), inner(t), inner(rest), outer(s.add(rest, cst(1)))};
}

Taps laic::makeTaps(LowerContext &ctx, const ResizeAxis &axis, const ResizeRule &rule) {
  AxisBody body(ctx, axis, rule);
  Type i64 = ctx.b.getI64Type(), f32 = ctx.b.getF32Type();
  using Emit = llvm::function_ref<Value(ScalarBuilder &, Value)>;
  auto vector = [&](Type element, Emit emit) {
    return ctx.gather({axis.out}, element,
                      [&](ScalarBuilder &s, ValueRange indices) { return emit(s, body.coordinate(s, indices[0])); });
  };
  auto index = [&](bool first, Emit position) {
    return vector(i64, [&](ScalarBuilder &s, Value x) {
      Value at = AxisBody::toIndex(s, body.clampToInput(s, position(s, x)));
      return first && rule.crops() ? s.select(body.outside(s, x), s.cst(-1, at), at) : at;
    });
  };

  Taps taps;
  if (rule.mode == "nearest") {
    taps.index.push_back(index(true, [&](ScalarBuilder &s, Value x) { return roundNearest(s, x, rule.nearest); }));
    return taps;
  }
  if (rule.mode == "linear") {
    auto floor = [&](ScalarBuilder &s, Value x) { return s.floor(body.clampToInput(s, x)); };
    taps.index.push_back(index(true, floor));
    taps.index.push_back(index(false, [&](ScalarBuilder &s, Value x) { return s.add(floor(s, x), AxisBody::f32(s, 1)); }));
    auto fraction = [&](ScalarBuilder &s, Value x) { return s.sub(body.clampToInput(s, x), floor(s, x)); };
    taps.weight.push_back(vector(f32, [&](ScalarBuilder &s, Value x) { return s.sub(AxisBody::f32(s, 1), fraction(s, x)); }));
    taps.weight.push_back(vector(f32, fraction));
    return taps;
  }
  for (int k = 0; k < 4; ++k) {
    taps.index.push_back(index(k == 0, [&](ScalarBuilder &s, Value x) { return s.add(s.floor(x), AxisBody::f32(s, k - 1)); }));
    taps.weight.push_back(vector(f32, [&](ScalarBuilder &s, Value x) {
      Value floor = s.floor(x);
      SmallVector<Value, 4> weights = cubicWeights(s, s.sub(x, floor), rule.cubicA);
      if (!rule.excludeOutside)
        return weights[k];
      Value sum;
      for (int tap = 0; tap < 4; ++tap) {
        Value outside = body.outside(s, s.add(floor, AxisBody::f32(s, tap - 1)));
        weights[tap] = s.select(outside, AxisBody::f32(s, 0), weights[tap]);
        sum = sum ? s.add(sum, weights[tap]) : weights[tap];
      }
      return s.div(weights[k], sum);
    }));
  }
  return taps;
}

bool laic::onlyRepeats(const ResizeRule &rule, int64_t factor) {
  bool halfPixel =
      rule.coordinates == "half_pixel" || rule.coordinates == "half_pixel_symmetric" || rule.coordinates == "pytorch_half_pixel";
  if (rule.mode != "nearest" || (!halfPixel && rule.coordinates != "asymmetric"))
    return false;
  for (int64_t i = factor; i < 3 * factor; ++i) {
    float x = halfPixel ? (float(i) + 0.5f) / float(factor) - 0.5f : float(i) / float(factor);
    float floor = std::floor(x), fraction = x - floor, at = floor;
    if (rule.nearest == "ceil")
      at = std::ceil(x);
    else if (rule.nearest == "round_prefer_ceil")
      at = fraction >= 0.5f ? floor + 1 : floor;
    else if (rule.nearest == "round_prefer_floor")
      at = fraction > 0.5f ? floor + 1 : floor;
    if (int64_t(at) != i / factor)
      return false;
  }
  // Before the first window coordinates are negative and clamped; ceil modes were refused above.
  return true;
}

//===-- antialiasing --------------------------------------------------------------------------------------------===//

namespace {

float coordinateOf(int64_t i, int64_t in, int64_t out, float scale, const ResizeAxis &axis, StringRef kind) {
  float x = i, length = axis.givenScale ? float(in) * scale : float(out);
  if (kind == "asymmetric")
    return x / scale;
  if (kind == "align_corners")
    return length > 1 ? x * float(in - 1) / (length - 1) : 0;
  if (kind == "pytorch_half_pixel" && out <= 1)
    return 0;
  if (kind == "tf_crop_and_resize")
    return length > 1 ? axis.roiStart * float(in - 1) + x * (axis.roiEnd - axis.roiStart) * float(in - 1) / (length - 1)
                      : 0.5f * (axis.roiStart + axis.roiEnd) * float(in - 1);
  float halfPixel = (x + 0.5f) / scale - 0.5f;
  if (kind == "half_pixel_symmetric")
    return 0.5f * float(in) * (1 - float(out) / (scale * float(in))) + halfPixel;
  return halfPixel;
}

float filterAt(float distance, const ResizeRule &rule) {
  float d = std::fabs(distance), a = rule.cubicA;
  if (rule.mode == "linear")
    return d < 1 ? 1 - d : 0;
  if (d <= 1)
    return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

} // namespace

FilterTable laic::makeFilterTable(int64_t in, int64_t out, float scale, const ResizeAxis &axis, const ResizeRule &rule) {
  float stretch = std::min(scale, 1.0f);
  int64_t reach = std::ceil((rule.mode == "linear" ? 1.0f : 2.0f) / stretch);
  FilterTable table;
  table.taps = 2 * reach + 1;
  table.weights.resize(table.taps * out);
  table.indices.resize(table.taps * out);
  for (int64_t i = 0; i < out; ++i) {
    float x = coordinateOf(i, in, out, scale, axis, rule.coordinates), sum = 0;
    int64_t first = int64_t(std::floor(x)) - reach;
    for (int64_t k = 0; k < table.taps; ++k) {
      int64_t at = first + k;
      float weight = filterAt((float(at) - x) * stretch, rule);
      if (at < 0 || at >= in)
        weight = rule.excludeOutside ? 0 : weight;
      table.weights[k * out + i] = weight;
      table.indices[k * out + i] = std::clamp<int64_t>(at, 0, in - 1);
      sum += weight;
    }
    for (int64_t k = 0; k < table.taps; ++k)
      table.weights[k * out + i] /= sum;
  }
  return table;
}

namespace {

// filterAt in a body.
Value filterValue(ScalarBuilder &s, Value distance, const ResizeRule &rule) {
  auto cst = [&](double v) { return AxisBody::f32(s, v); };
  Value d = s.abs(distance), zero = cst(0), one = cst(1);
  if (rule.mode == "linear")
    return s.max(s.sub(one, d), zero);
  double a = rule.cubicA;
  Value inner = s.add(s.mul(s.mul(s.sub(s.mul(cst(a + 2), d), cst(a + 3)), d), d), one);
  Value outer = s.sub(s.mul(s.add(s.mul(s.sub(s.mul(cst(a), d), cst(5 * a)), d), cst(8 * a)), d), cst(4 * a));
  return s.select(s.le(d, one), inner, s.select(s.lt(d, cst(2)), outer, zero));
}

} // namespace

FilterTensors laic::makeFilterTensors(LowerContext &ctx, const ResizeAxis &axis, const ResizeRule &rule) {
  SizeSymbols &symbols = ctx.symbols;
  AffineExpr support = ctx.cst(rule.mode == "linear" ? 1 : 2), reach = support;
  if (!axis.scale) { // stretched by 1 / scale where that is above 1, rounded up
    AffineExpr stretched = canonicalSize(symbols.mul(support, axis.denominator) + axis.numerator - 1);
    reach = symbols.max(support, symbols.floorDiv(stretched, axis.numerator));
  } else if (*axis.scale < 1) {
    reach = ctx.cst(int64_t(std::ceil(float(*constantSize(support)) / *axis.scale)));
  }
  AxisBody body(ctx, axis, rule);
  Value reachValue = ctx.size(reach);
  SymShape shape = {canonicalSize(reach * 2 + 1), axis.out};
  // Tap k of output i, as a float: it may lie outside of the input.
  auto tap = [&](ScalarBuilder &s, ValueRange at) {
    Value x = body.coordinate(s, at[1]), offset = s.sub(AxisBody::number(s, at[0]), AxisBody::number(s, reachValue));
    return std::make_pair(x, s.add(s.floor(x), offset));
  };
  Value indices = ctx.gather(shape, ctx.b.getI64Type(), [&](ScalarBuilder &s, ValueRange at) {
    return AxisBody::toIndex(s, body.clampToInput(s, tap(s, at).second));
  });
  Type f32 = ctx.b.getF32Type();
  Value raw = ctx.gather(shape, f32, [&](ScalarBuilder &s, ValueRange at) {
    auto [x, position] = tap(s, at);
    Value weight = filterValue(s, s.mul(s.sub(position, x), s.min(body.scale(s), AxisBody::f32(s, 1))), rule);
    return rule.excludeOutside ? s.select(body.outside(s, position), AxisBody::f32(s, 0), weight) : weight;
  });
  MLIRContext *mlir = ctx.b.getContext();
  AffineMap columns = AffineMap::get(2, 0, {getAffineDimExpr(1, mlir), getAffineDimExpr(0, mlir)}, mlir);
  Value sums =
      ctx.reduce({axis.out}, f32, 0, 1, {raw}, {columns}, [](ScalarBuilder &s, ValueRange in) { return s.add(in[1], in[0]); });
  AffineMap maps[] = {AffineMap::getMultiDimIdentityMap(2, mlir), AffineMap::get(2, 0, {getAffineDimExpr(1, mlir)}, mlir)};
  Value weights = ctx.generic(shape, f32, {raw, sums}, maps, [](ScalarBuilder &s, ValueRange in) { return s.div(in[0], in[1]); });
  return {indices, weights};
}
