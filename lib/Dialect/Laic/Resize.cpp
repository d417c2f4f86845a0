// Resize: inference and lowering, one pass per resized axis (one for all axes where nothing is mixed).
#include "Decomposer.h"
#include "Interpolation.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/OnnxForm.h"
#include "laic/Dialect/Laic/ResizeOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

enum Operand { kX, kRoi, kScales, kSizes };

ResizeRule ruleOf(ResizeOp op) {
  return {op.getMode(),
          op.getCoordinateTransformationMode(),
          op.getNearestMode(),
          op.getCubicCoeffA().convertToFloat(),
          op.getExtrapolationValue().convertToFloat(),
          op.getExcludeOutside() != 0,
          op.getAntialias() != 0 && op.getMode() != "nearest"};
}

// Operands of no elements stand for absent ones in older models.
template <typename Context> bool given(Context &ctx, unsigned i) {
  return ctx.has(i) && (ctx.shape(i).empty() || constantSize(ctx.shape(i)[0]) != 0);
}

// floor(in * scale) for an unknown size: `scale` as the simplest fraction that rounds to it.
AffineExpr scaledSize(SizeSymbols &symbols, AffineExpr in, float scale) {
  if (std::optional<int64_t> size = constantSize(in))
    return symbols.constant(int64_t(std::floor(float(*size) * scale)));
  constexpr int64_t kLargestDenominator = 4096;
  for (int64_t q = 1; q <= kLargestDenominator; ++q) {
    int64_t p = std::llround(double(scale) * q);
    if (float(double(p) / q) == scale)
      return symbols.floorDiv(symbols.mul(in, symbols.constant(p)), symbols.constant(q));
  }
  int exponent;
  int64_t mantissa = std::ldexp(std::frexp(scale, &exponent), 24);
  int shift = std::clamp(24 - exponent, 0, 62);
  return symbols.floorDiv(symbols.mul(in, symbols.constant(mantissa)), symbols.constant(int64_t(1) << shift));
}

// Contents of an operand: sizes that inference finds, or has found. Where there are none it has refused.
FailureOr<SmallVector<AffineExpr, 4>> contents(ShapeContext &ctx, unsigned i, StringRef name, size_t count) {
  return ctx.sizes(i, name, count);
}
FailureOr<SmallVector<AffineExpr, 4>> contents(LowerContext &ctx, unsigned i, StringRef, size_t) {
  return SmallVector<AffineExpr, 4>(ctx.facts(i).elements());
}

// Scales of a call are kept as integers, in units of 2^-30: exact down to 2^-7, and sizes like any other.
constexpr int64_t kScaleUnits = int64_t{1} << 30;

// The region of interest as a tensor; inference has none.
Value runTimeRoi(ShapeContext &) { return {}; }
Value runTimeRoi(LowerContext &ctx) { return ctx.operand(kRoi); }

// What the operator's operands and attributes say about one axis each.
template <typename Context> class AxisReader {
public:
  AxisReader(ResizeOp op, Context &ctx) : op(op), ctx(ctx), rule(ruleOf(op)) {}
  FailureOr<SmallVector<ResizeAxis>> read();

private:
  LogicalResult readDims();
  LogicalResult readRoi();
  LogicalResult readScales();
  LogicalResult readSizes();
  LogicalResult readLateScales();
  LogicalResult keepRatio();
  void keepUnknownRatio(bool smallest);
  LogicalResult expectCount(size_t count, StringRef name, size_t want) {
    return count == want
               ? success()
               : LogicalResult(ctx.fail("expects '" + name + "' to have " + Twine(want) + " values, got " + Twine(count)));
  }

  ResizeOp op;
  Context &ctx;
  ResizeRule rule;
  SmallVector<ResizeAxis> axes;
};

template <typename Context> LogicalResult AxisReader<Context>::readDims() {
  int64_t rank = ctx.rank(kX);
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (std::optional<ArrayRef<int64_t>> listed = op.getAxes(); listed && !listed->empty())
    dims.assign(listed->begin(), listed->end());
  for (int64_t dim : dims) {
    int64_t positive = dim < 0 ? dim + rank : dim;
    if (positive < 0 || positive >= rank)
      return ctx.fail("expects attribute 'axes' to lie within rank " + Twine(rank) + ", got " + Twine(dim));
    AffineExpr size = ctx.shape(kX)[positive];
    axes.push_back({positive, size, size, std::nullopt, size, size});
  }
  return success();
}

template <typename Context> LogicalResult AxisReader<Context>::readRoi() {
  if (!rule.crops())
    return success();
  if (!given(ctx, kRoi))
    return ctx.fail("needs 'roi', since coordinate_transformation_mode is tf_crop_and_resize");
  std::optional<int64_t> count = constantSize(ctx.shape(kRoi)[0]);
  if (!count)
    return ctx.fail("needs the size of 'roi' to be known when compiling");
  if (failed(expectCount(*count, "roi", 2 * axes.size())))
    return failure();
  for (auto [i, axis] : llvm::enumerate(axes)) {
    axis.roiStartAt = i;
    axis.roiEndAt = i + axes.size();
    if (!ctx.facts(kRoi).floats) {
      axis.roi = runTimeRoi(ctx);
      continue;
    }
    axis.roiStart = (*ctx.facts(kRoi).floats)[axis.roiStartAt];
    axis.roiEnd = (*ctx.facts(kRoi).floats)[axis.roiEndAt];
  }
  return success();
}

template <typename Context> LogicalResult AxisReader<Context>::readScales() {
  ArrayRef<double> scales = *ctx.facts(kScales).floats;
  if (failed(expectCount(scales.size(), "scales", axes.size())))
    return failure();
  for (auto [axis, scale] : llvm::zip_equal(axes, scales)) {
    if (!(scale > 0) || std::isinf(scale))
      return ctx.fail("expects scales above 0, got " + Twine(std::to_string(scale)));
    axis.scale = scale;
    axis.givenScale = true;
    float portion = rule.crops() ? axis.roiEnd - axis.roiStart : 1;
    axis.out = canonicalSize(scaledSize(ctx.symbols, axis.in, portion * *axis.scale));
  }
  return success();
}

template <typename Context> LogicalResult AxisReader<Context>::readSizes() {
  auto sizes = contents(ctx, kSizes, "sizes", axes.size());
  if (failed(sizes) || failed(expectCount(sizes->size(), "sizes", axes.size())))
    return failure();
  for (auto [axis, size] : llvm::zip_equal(axes, *sizes)) {
    axis.out = canonicalSize(size);
    std::optional<int64_t> in = constantSize(axis.in), out = constantSize(axis.out);
    if (in && out && *in > 0)
      axis.scale = float(*out) / float(*in);
    else if (axis.in == axis.out)
      axis.scale = 1;
    axis.numerator = axis.out;
    axis.denominator = axis.in;
  }
  return success();
}

// Sizes and scales that replaceLateScales has made.
template <typename Context> LogicalResult AxisReader<Context>::readLateScales() {
  auto scales = contents(ctx, kScales, "scales", axes.size());
  if (failed(readSizes()) || failed(scales) || failed(expectCount(scales->size(), "scales", axes.size())))
    return failure();
  for (auto [axis, scale] : llvm::zip_equal(axes, *scales)) {
    axis.scale = std::nullopt;
    ctx.symbols.requireAtLeast(scale, ctx.cst(1), "Resize expects scales above 0");
    axis.givenScale = true;
    axis.numerator = scale;
    axis.denominator = ctx.cst(kScaleUnits);
  }
  return success();
}

// not_larger, not_smaller: one scale for all axes, sizes rounded half up.
template <typename Context> LogicalResult AxisReader<Context>::keepRatio() {
  StringRef policy = op.getKeepAspectRatioPolicy();
  if (policy != "not_larger" && policy != "not_smaller")
    return ctx.fail("unknown keep_aspect_ratio_policy '" + policy + "'");
  if (llvm::any_of(axes, [](const ResizeAxis &axis) { return !axis.scale || !constantSize(axis.in); })) {
    keepUnknownRatio(policy == "not_larger");
    return success();
  }
  std::optional<float> common;
  for (const ResizeAxis &axis : axes)
    common = !common ? *axis.scale : policy == "not_larger" ? std::min(*common, *axis.scale) : std::max(*common, *axis.scale);
  for (ResizeAxis &axis : axes) {
    axis.scale = common;
    axis.out = ctx.cst(int64_t(std::floor(*common * float(*constantSize(axis.in)) + 0.5f)));
  }
  return success();
}

// The same for sizes that a call gives; scales are fractions, compared by cross products.
template <typename Context> void AxisReader<Context>::keepUnknownRatio(bool smallest) {
  SizeSymbols &symbols = ctx.symbols;
  AffineExpr numerator = axes.front().out, denominator = axes.front().in;
  for (const ResizeAxis &axis : ArrayRef(axes).drop_front()) {
    AffineExpr own = symbols.mul(axis.out, denominator), common = symbols.mul(numerator, axis.in);
    AffineExpr better = smallest ? symbols.less(own, common) : symbols.less(common, own);
    numerator = symbols.select(better, axis.out, numerator);
    denominator = symbols.select(better, axis.in, denominator);
  }
  for (ResizeAxis &axis : axes) {
    AffineExpr twice = canonicalSize(symbols.mul(symbols.mul(numerator, axis.in), ctx.cst(2)) + denominator);
    axis.scale = std::nullopt;
    axis.numerator = numerator;
    axis.denominator = denominator;
    axis.out = symbols.floorDiv(twice, symbols.mul(denominator, ctx.cst(2)));
  }
}

template <typename Context> FailureOr<SmallVector<ResizeAxis>> AxisReader<Context>::read() {
  bool scales = given(ctx, kScales), sizes = given(ctx, kSizes);
  bool late = op->hasAttr(kLateScales);
  if (scales == sizes && !late)
    return LogicalResult(ctx.fail("expects either 'scales' or 'sizes'"));
  if (failed(readDims()) || failed(readRoi()) || failed(late ? readLateScales() : scales ? readScales() : readSizes()))
    return failure();
  if (sizes && !late && op.getKeepAspectRatioPolicy() != "stretch" && failed(keepRatio()))
    return failure();
  return axes;
}

// Scales that only a call knows: the result's sizes are computed, as ONNX does in f32, and read back with the scales.
LogicalResult replaceLateScales(ShapeContext &ctx, ResizeOp op) {
  int64_t rank = ctx.rank(kX);
  SmallVector<int64_t> dims = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (std::optional<ArrayRef<int64_t>> listed = op.getAxes(); listed && !listed->empty())
    dims.assign(listed->begin(), listed->end());
  for (int64_t &dim : dims) {
    dim = dim < 0 ? dim + rank : dim;
    if (dim < 0 || dim >= rank)
      return ctx.fail("expects attribute 'axes' to lie within rank " + Twine(rank));
  }
  int64_t count = dims.size();
  if (failed(ctx.equal(ctx.shape(kScales)[0], ctx.cst(count), "'scales' must have one value per axis",
                       "expects 'scales' to have " + Twine(count) + " values, got " +
                           Twine(constantSize(ctx.shape(kScales)[0]).value_or(0)))))
    return failure();
  return ctx.replace([&](RewriterBase &rewriter) -> SmallVector<Value> {
    Decomposer d(rewriter, op);
    SmallVector<Value> in;
    for (int64_t dim : dims)
      in.push_back(d.size(op.getX(), dim));
    Value scales = d.cast(d.reshape(op.getScales(), ArrayRef<int64_t>{count}), d.f32()), portion = scales;
    if (ruleOf(op).crops()) {
      Value roi = d.cast(op.getRoi(), d.f32());
      portion = d.mul(scales, d.sub(d.slice(roi, count, 2 * count, 0), d.slice(roi, 0, count, 0)));
    }
    Value product = d.mul(d.cast(in.size() == 1 ? in[0] : d.concat(in, 0), d.f32()), portion);
    Value sizes = d.cast(d.make<FloorOp>(d.f32(), product), d.i64());
    Value units = d.cast(d.make<RoundOp>(d.f32(), d.scale(scales, kScaleUnits)), d.i64());
    auto resized = cast<ResizeOp>(rewriter.clone(*op));
    resized.getScalesMutable().assign(units);
    resized.getSizesMutable().assign(sizes);
    resized->setAttr(kLateScales, rewriter.getUnitAttr());
    return {resized.getY()};
  });
}

LogicalResult checkRule(const ResizeRule &rule, ShapeContext &ctx) {
  auto among = [&](StringRef value, ArrayRef<StringRef> known, StringRef what) -> LogicalResult {
    return llvm::is_contained(known, value) ? success() : ctx.fail("unknown " + what + " '" + value + "'");
  };
  if (failed(among(rule.mode, {"nearest", "linear", "cubic"}, "mode")) ||
      failed(among(rule.nearest, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}, "nearest_mode")))
    return failure();
  return among(rule.coordinates,
               {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"},
               "coordinate_transformation_mode");
}

} // namespace

LogicalResult ResizeOp::inferShapes(ShapeContext &ctx) {
  ResizeRule rule = ruleOf(*this);
  if (failed(checkRule(rule, ctx)))
    return failure();
  for (auto [i, name] : {std::pair(kRoi, "'roi'"), {kScales, "'scales'"}, {kSizes, "'sizes'"}})
    if (given(ctx, i) && failed(expectRank(ctx, i, 1, name)))
      return failure();
  bool lateRoi = rule.crops() && given(ctx, kRoi) && !ctx.facts(kRoi).floats;
  if (given(ctx, kScales) && !given(ctx, kSizes) && !(*this)->hasAttr(kLateScales) && (!ctx.facts(kScales).floats || lateRoi))
    return replaceLateScales(ctx, *this);
  FailureOr<SmallVector<ResizeAxis>> axes = AxisReader<ShapeContext>(*this, ctx).read();
  if (failed(axes))
    return failure();
  SymShape shape(ctx.shape(kX));
  for (const ResizeAxis &axis : *axes)
    shape[axis.dim] = axis.out;
  ctx.set(0, shape, ctx.element(kX));
  return success();
}

//===-- lowering ------------------------------------------------------------------------------------------------===//

namespace {

// Integers that interpolation gives are truncated, within the type's range.
Value storeMixed(LowerContext &ctx, ScalarBuilder &s, Value y, Type element) {
  auto type = dyn_cast<IntegerType>(element);
  if (!type || type.getWidth() > 32)
    return ctx.toStorage(s, y, element);
  int width = type.getWidth();
  double low = type.isUnsigned() ? 0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, type.isUnsigned() ? width : width - 1) - 1;
  return s.cast(s.clamp(y, s.cst(low, y), s.cst(high, y)), lowerElement(element), false, type.isUnsigned());
}

class ResizeLowering {
public:
  ResizeLowering(LowerContext &ctx, const ResizeRule &rule)
      : ctx(ctx), rule(rule), x(sizedOperand(ctx, kX)),
        compute(isa<FloatType>(x.element) ? ctx.accumulator(x.element) : Type(ctx.b.getF32Type())) {}

  Value run(ArrayRef<ResizeAxis> axes);

private:
  void repeat(ArrayRef<ResizeAxis> axes, ArrayRef<int64_t> factors);
  void pick(ArrayRef<ResizeAxis> axes);
  void mix(const ResizeAxis &axis, bool last);
  void filter(const ResizeAxis &axis, bool last);
  FilterTensors filterTensors(const ResizeAxis &axis);
  Value read(ScalarBuilder &s, Value source, int64_t dim, Value index);
  Value extended(ScalarBuilder &s, Value v);
  Value stored(ScalarBuilder &s, Value v, bool last) { return last ? storeMixed(ctx, s, v, element) : v; }

  LowerContext &ctx;
  const ResizeRule &rule;
  Sized x;
  Type compute;
  Type element = x.element; // of the result
};

Value ResizeLowering::extended(ScalarBuilder &s, Value v) {
  if (isa<FloatType>(x.element))
    return toAccumulator(ctx, s, v, x.element, compute);
  return s.cast(ctx.toCompute(s, v, x.element), compute, isUnsignedElement(x.element), false);
}

// Every element `factor` times: an expanded shape whose new dims the input's indices leave out.
void ResizeLowering::repeat(ArrayRef<ResizeAxis> axes, ArrayRef<int64_t> factors) {
  MLIRContext *mlir = ctx.b.getContext();
  SymShape expanded, result(x.shape);
  SmallVector<AffineExpr> indices;
  for (auto [dim, size] : llvm::enumerate(x.shape)) {
    indices.push_back(getAffineDimExpr(expanded.size(), mlir));
    expanded.push_back(size);
    for (auto [axis, factor] : llvm::zip_equal(axes, factors))
      if (axis.dim == int64_t(dim)) {
        expanded.push_back(ctx.cst(factor));
        result[dim] = axis.out;
      }
  }
  Value repeated = ctx.generic(expanded, element, {x.value}, {AffineMap::get(expanded.size(), 0, indices, mlir)},
                               [](ScalarBuilder &, ValueRange in) { return in[0]; });
  x = {ctx.reshape(repeated, expanded, result), result, element};
}

// Nearest: one read per element.
void ResizeLowering::pick(ArrayRef<ResizeAxis> axes) {
  MLIRContext *mlir = ctx.b.getContext();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SymShape result(x.shape);
  for (const ResizeAxis &axis : axes) {
    inputs.push_back(makeTaps(ctx, axis, rule).index[0]);
    maps.push_back(AffineMap::get(x.shape.size(), 0, {getAffineDimExpr(axis.dim, mlir)}, mlir));
    result[axis.dim] = axis.out;
  }
  Value picked = ctx.generic(result, element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    SmallVector<Value> at;
    for (unsigned d = 0; d < x.shape.size(); ++d)
      at.push_back(linalg::IndexOp::create(s.b, s.loc, d));
    Value outside = s.boolean(false);
    for (auto [axis, index] : llvm::zip_equal(axes, in)) {
      Value zero = s.cst(0, index), inside = index;
      if (rule.crops()) {
        outside = s.ori(outside, s.lt(index, zero));
        inside = s.max(index, zero);
      }
      at[axis.dim] = arith::IndexCastOp::create(s.b, s.loc, s.b.getIndexType(), inside);
    }
    Value y = tensor::ExtractOp::create(s.b, s.loc, x.value, at);
    return rule.crops() ? s.select(outside, s.cst(rule.extrapolation, y), y) : y;
  });
  x = {picked, result, element};
}

Value ResizeLowering::read(ScalarBuilder &s, Value source, int64_t dim, Value index) {
  SmallVector<Value> at;
  for (unsigned d = 0; d < x.shape.size(); ++d)
    at.push_back(linalg::IndexOp::create(s.b, s.loc, d));
  at[dim] = arith::IndexCastOp::create(s.b, s.loc, s.b.getIndexType(), index);
  return extended(s, tensor::ExtractOp::create(s.b, s.loc, source, at));
}

// A weighted sum of a few elements along one axis.
void ResizeLowering::mix(const ResizeAxis &axis, bool last) {
  Taps taps = makeTaps(ctx, axis, rule);
  SmallVector<Value> inputs(taps.index);
  llvm::append_range(inputs, taps.weight);
  MLIRContext *mlir = ctx.b.getContext();
  SmallVector<AffineMap> maps(inputs.size(), AffineMap::get(x.shape.size(), 0, {getAffineDimExpr(axis.dim, mlir)}, mlir));
  SymShape result(x.shape);
  result[axis.dim] = axis.out;
  Type type = last ? element : compute;
  Value mixed = ctx.generic(result, type, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value sum, outside;
    unsigned count = in.size() / 2;
    for (unsigned k = 0; k < count; ++k) {
      Value index = in[k];
      if (k == 0 && rule.crops()) {
        outside = s.lt(index, s.cst(0, index));
        index = s.max(index, s.cst(0, index));
      }
      Value weight = in[count + k];
      if (weight.getType() != compute)
        weight = s.cast(weight, compute, false, false);
      Value term = s.mul(read(s, x.value, axis.dim, index), weight);
      sum = sum ? s.add(sum, term) : term;
    }
    if (outside)
      sum = s.select(outside, s.cst(rule.extrapolation, sum), sum);
    return stored(s, sum, last);
  });
  x = {mixed, result, type};
}

// Indices and weights of every output's taps: constants where sizes are.
FilterTensors ResizeLowering::filterTensors(const ResizeAxis &axis) {
  if (!axis.isStatic())
    return makeFilterTensors(ctx, axis, rule);
  int64_t out = *constantSize(axis.out);
  FilterTable table = makeFilterTable(*constantSize(axis.in), out, *axis.scale, axis, rule);
  auto indexType = RankedTensorType::get({table.taps, out}, ctx.b.getI64Type());
  auto weightType = RankedTensorType::get({table.taps, out}, ctx.b.getF32Type());
  return {ctx.constantTensor(DenseElementsAttr::get(indexType, ArrayRef<int64_t>(table.indices))),
          ctx.constantTensor(DenseElementsAttr::get(weightType, ArrayRef<float>(table.weights)))};
}

// Antialiasing: a weighted sum of as many elements as the stretched filter covers.
void ResizeLowering::filter(const ResizeAxis &axis, bool last) {
  MLIRContext *mlir = ctx.b.getContext();
  auto [indices, weights] = filterTensors(axis);
  unsigned rank = x.shape.size();
  SymShape result(x.shape);
  result[axis.dim] = axis.out;
  AffineMap table2d = AffineMap::get(rank + 1, 0, {getAffineDimExpr(rank, mlir), getAffineDimExpr(axis.dim, mlir)}, mlir);
  Value sums = ctx.reduce(result, compute, 0, 1, {indices, weights}, {table2d, table2d}, [&](ScalarBuilder &s, ValueRange in) {
    Value weight = s.cast(in[1], compute, false, false);
    return s.add(in[2], s.mul(read(s, x.value, axis.dim, in[0]), weight));
  });
  x = {sums, result, compute};
  if (!last || compute == element)
    return;
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, mlir);
  Value cast =
      ctx.generic(result, element, {sums}, {identity}, [&](ScalarBuilder &s, ValueRange in) { return stored(s, in[0], true); });
  x = {cast, result, element};
}

Value ResizeLowering::run(ArrayRef<ResizeAxis> all) {
  SmallVector<ResizeAxis> axes;
  SmallVector<int64_t> factors;
  for (const ResizeAxis &axis : all) {
    if (axis.in == axis.out && (!axis.scale || *axis.scale == 1) && !rule.crops())
      continue;
    axes.push_back(axis);
    int64_t factor = axis.scale ? int64_t(*axis.scale) : 0;
    bool whole =
        factor >= 1 && float(factor) == *axis.scale && canonicalSize(ctx.symbols.mul(axis.in, ctx.cst(factor))) == axis.out;
    if (whole && !rule.crops() && onlyRepeats(rule, factor))
      factors.push_back(factor);
  }
  if (axes.empty())
    return x.value;
  if (factors.size() == axes.size())
    repeat(axes, factors);
  else if (rule.mode == "nearest")
    pick(axes);
  else
    for (const ResizeAxis &axis : axes)
      rule.antialias ? filter(axis, &axis == &axes.back()) : mix(axis, &axis == &axes.back());
  return x.value;
}

} // namespace

LogicalResult ResizeOp::lower(LowerContext &ctx) {
  FailureOr<SmallVector<ResizeAxis>> axes = AxisReader<LowerContext>(*this, ctx).read();
  if (failed(axes))
    return failure();
  ResizeRule rule = ruleOf(*this);
  ctx.set(0, ResizeLowering(ctx, rule).run(*axes));
  return success();
}
