// DFT, STFT, the windows and MelWeightMatrix. Sums and the roots of unity are f64: the parts of a transform differ by orders of
// magnitude, and each of them is to be right.
#include "IndexBuilder.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/SignalOps.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr double kTwoPi = 2 * llvm::numbers::pi;

// The one integer in operand i.
FailureOr<AffineExpr> scalarSize(ShapeContext &ctx, unsigned i, StringRef name) {
  auto values = ctx.sizes(i, name);
  if (failed(values))
    return failure();
  if (values->size() != 1)
    return LogicalResult(ctx.fail("expects '" + name + "' to be one number, got " + Twine(values->size())));
  return values->front();
}

FailureOr<AffineExpr> positiveSize(ShapeContext &ctx, unsigned i, StringRef name) {
  FailureOr<AffineExpr> size = scalarSize(ctx, i, name);
  if (failed(size) ||
      failed(ctx.atLeast(*size, ctx.cst(1), "'" + name + "' must be at least 1",
                         "expects '" + name + "' to be at least 1, got " + Twine(constantSize(*size).value_or(0)))))
    return failure();
  return size;
}

// The last dim of operand 0: 1 for real numbers, 2 for complex ones.
FailureOr<int64_t> parts(ShapeContext &ctx, StringRef name) {
  std::optional<int64_t> size = constantSize(ctx.shape(0).back());
  if (size == 1 || size == 2)
    return *size;
  return LogicalResult(ctx.fail("expects the last dim of " + name + " to be 1 (real) or 2 (complex)"));
}

Value number(ScalarBuilder &s, Value index) {
  return s.cast(IndexBuilder(s.b, s.loc).toInt(index, s.b.getI64Type()), s.b.getF64Type(), false, false);
}

Value extractAsF64(LowerContext &ctx, ScalarBuilder &s, unsigned operand, ValueRange at) {
  Value v = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(operand), at);
  return s.cast(ctx.toCompute(s, v, ctx.element(operand)), s.b.getF64Type(), false, false);
}

// [n, 2]: cosine and sine of 2 pi i / n.
Value rootsOfUnity(LowerContext &ctx, AffineExpr n) {
  Value count = ctx.size(n);
  return ctx.gather({n, ctx.cst(2)}, ctx.b.getF64Type(), [&](ScalarBuilder &s, ValueRange at) {
    IndexBuilder ib(s.b, s.loc);
    Value fraction = s.div(number(s, at[0]), number(s, count));
    Value angle = s.mul(fraction, s.cst(kTwoPi, fraction));
    return s.select(ib.eq(at[1], ib.cst(0)), s.cos(angle), s.sin(angle));
  });
}

// One part of z * exp(-+ 2 pi i k j / length) in a sum's body. `part`: 0 real, 1 imaginary.
struct Twiddle {
  Value table, length; // of rootsOfUnity; index
  bool inverse;

  Value multiply(ScalarBuilder &s, Value re, Value im, Value k, Value j, Value part) const {
    IndexBuilder ib(s.b, s.loc);
    Value turn = ib.rem(ib.mul(k, j), length);
    Value cosine = tensor::ExtractOp::create(s.b, s.loc, table, ValueRange{turn, ib.cst(0)});
    Value sine = tensor::ExtractOp::create(s.b, s.loc, table, ValueRange{turn, ib.cst(1)});
    if (!inverse)
      sine = s.neg(sine);
    Value real = s.mul(re, cosine), imaginary = s.mul(re, sine);
    if (im) {
      real = s.sub(real, s.mul(im, sine));
      imaginary = s.add(imaginary, s.mul(im, cosine));
    }
    return s.select(ib.eq(part, ib.cst(0)), real, imaginary);
  }
};

// Indices of a reduction's loops.
SmallVector<Value> loopIndices(ScalarBuilder &s, unsigned count) {
  SmallVector<Value> at;
  for (unsigned i = 0; i < count; ++i)
    at.push_back(linalg::IndexOp::create(s.b, s.loc, i));
  return at;
}

// f64 sums over `terms` for every element of `shape`; the body gets all loops' indices, the term's last.
Value sumTerms(LowerContext &ctx, ArrayRef<AffineExpr> shape, AffineExpr terms, LowerContext::IndexBody body) {
  unsigned rank = shape.size();
  Value bounds = ctx.empty({terms}, ctx.b.getI8Type()); // only its size is read
  AffineMap last = AffineMap::get(rank + 1, 0, {ctx.b.getAffineDimExpr(rank)}, ctx.b.getContext());
  return ctx.reduce(shape, ctx.b.getF64Type(), 0, 1, {bounds}, {last},
                    [&](ScalarBuilder &s, ValueRange in) { return s.add(in[1], body(s, loopIndices(s, rank + 1))); });
}

Value storeSums(LowerContext &ctx, Value sums, ArrayRef<AffineExpr> shape, Type element, Value divisor) {
  return ctx.generic(shape, element, {sums}, {ctx.b.getMultiDimIdentityMap(shape.size())}, [&](ScalarBuilder &s, ValueRange in) {
    Value y = divisor ? s.div(in[0], number(s, divisor)) : in[0];
    return ctx.toStorage(s, y, element);
  });
}

} // namespace

//===-- DFT -----------------------------------------------------------------------------------------------------===//

namespace {

// The transform of one axis, which may be a size that is known at run time only.
struct Transform {
  AffineExpr axis;
  AffineExpr outer, n, inner; // the input around the axis, without its last dim
  AffineExpr length;          // of the transform
  AffineExpr out;             // results along the axis
};

Transform transformOf(SizeSymbols &symbols, ArrayRef<AffineExpr> x, AffineExpr axis, std::optional<AffineExpr> length,
                      bool inverse, bool onesided) {
  AffineExpr one = symbols.constant(1), zero = symbols.constant(0), two = symbols.constant(2);
  Transform t{axis, one, zero, one, {}, {}};
  for (int64_t d = 0; d + 1 < int64_t(x.size()); ++d) {
    AffineExpr here = symbols.constant(d);
    t.outer = symbols.mul(t.outer, symbols.select(symbols.less(here, axis), x[d], one));
    t.n = canonicalSize(t.n + symbols.mul(symbols.equal(here, axis), x[d]));
    t.inner = symbols.mul(t.inner, symbols.select(symbols.less(axis, here), x[d], one));
  }
  t.length = length ? *length : inverse && onesided ? canonicalSize(symbols.mul(symbols.max(t.n, one), two) - 2) : t.n;
  t.out = onesided && !inverse ? canonicalSize(symbols.floorDiv(t.length, two) + 1) : t.length;
  return t;
}

// Operand 2, which counts from the end where it is negative; without it the last axis.
template <typename Context> AffineExpr dftAxis(Context &ctx) {
  int64_t rank = ctx.rank(0);
  if (!ctx.has(2))
    return ctx.cst(rank - 2);
  AffineExpr axis = ctx.facts(2).ints->front();
  return ctx.symbols.select(ctx.symbols.less(axis, ctx.cst(0)), canonicalSize(axis + rank), axis);
}

template <typename Context> Transform dftOf(DFTOp op, Context &ctx) {
  std::optional<AffineExpr> length;
  if (ctx.has(1))
    length = ctx.facts(1).ints->front();
  return transformOf(ctx.symbols, ctx.shape(0), dftAxis(ctx), length, op.getInverse() != 0, op.getOnesided() != 0);
}

LogicalResult checkAxis(ShapeContext &ctx, AffineExpr axis) {
  int64_t last = ctx.rank(0) - 2;
  std::string what = ("be one of the " + Twine(last + 1) + " dims before the last").str();
  std::string otherwise = "expects 'axis' to " + what + ", got " + std::to_string(constantSize(axis).value_or(0));
  what = "'axis' must " + what;
  return failed(ctx.atLeast(axis, ctx.cst(0), what, otherwise)) ? failure() : ctx.atLeast(ctx.cst(last), axis, what, otherwise);
}

} // namespace

LogicalResult DFTOp::inferShapes(ShapeContext &ctx) {
  bool inverse = getInverse() != 0, onesided = getOnesided() != 0;
  if (failed(expectMinRank(ctx, 0, 2, "the input")) || (ctx.has(1) && failed(positiveSize(ctx, 1, "dft_length"))) ||
      (ctx.has(2) && failed(scalarSize(ctx, 2, "axis"))))
    return failure();
  FailureOr<int64_t> size = parts(ctx, "the input");
  if (failed(size) || failed(checkAxis(ctx, dftAxis(ctx))))
    return failure();
  if (inverse && onesided && *size != 2)
    return ctx.fail("expects complex numbers for the inverse of a one-sided transform");
  Transform t = dftOf(*this, ctx);
  SymShape result(ctx.shape(0));
  for (int64_t d = 0; d + 1 < ctx.rank(0) && (onesided || ctx.has(1)); ++d)
    result[d] = ctx.symbols.select(ctx.symbols.equal(ctx.cst(d), t.axis), t.out, result[d]);
  result.back() = ctx.cst(inverse && onesided ? 1 : 2);
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult DFTOp::lower(LowerContext &ctx) {
  Transform t = dftOf(*this, ctx);
  bool inverse = getInverse() != 0, mirrors = inverse && getOnesided() != 0, isComplex = constantSize(ctx.shape(0).back()) == 2;
  SymShape from = {t.outer, t.n, t.inner, ctx.shape(0).back()}, to = {t.outer, t.out, t.inner, ctx.resultShape().back()};
  Value x = ctx.reshape(ctx.operand(0), ctx.shape(0), from);
  Twiddle twiddle{rootsOfUnity(ctx, t.length), ctx.size(t.length), inverse};
  // Inputs beyond the length are left out; missing ones are zeros. Of a one-sided spectrum only the first half is read.
  AffineExpr half = canonicalSize(ctx.symbols.floorDiv(t.length, ctx.cst(2)) + 1);
  AffineExpr terms = ctx.symbols.min(t.n, mirrors ? half : t.length);
  Value sums = sumTerms(ctx, to, terms, [&](ScalarBuilder &s, ValueRange at) {
    IndexBuilder ib(s.b, s.loc);
    Value j = at[4];
    auto read = [&](int64_t part) {
      Value v = tensor::ExtractOp::create(s.b, s.loc, x, ValueRange{at[0], j, at[2], ib.cst(part)});
      return s.cast(ctx.toCompute(s, v, ctx.element(0)), s.b.getF64Type(), false, false);
    };
    Value term = twiddle.multiply(s, read(0), isComplex ? read(1) : Value(), at[1], j, at[3]);
    if (!mirrors)
      return term;
    // Frequencies between 0 and length / 2 stand for their mirror images too, whose imaginary parts cancel.
    Value once = ib.either(ib.eq(j, ib.cst(0)), ib.eq(ib.mul(j, ib.cst(2)), twiddle.length));
    return s.select(once, term, s.add(term, term));
  });
  Value y = storeSums(ctx, sums, to, ctx.resultElement(), inverse ? twiddle.length : Value());
  ctx.set(0, ctx.reshape(y, to, ctx.resultShape()));
  return success();
}

//===-- STFT ----------------------------------------------------------------------------------------------------===//

namespace {
enum StftOperand { kSignal, kFrameStep, kWindow, kFrameLength };

template <typename Context> AffineExpr frameLength(Context &ctx) {
  if (ctx.has(kFrameLength))
    return ctx.facts(kFrameLength).ints->front();
  return ctx.has(kWindow) ? ctx.shape(kWindow)[0] : ctx.shape(kSignal)[1];
}
} // namespace

LogicalResult STFTOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectRank(ctx, kSignal, 3, "the signal")) || failed(parts(ctx, "the signal")))
    return failure();
  FailureOr<AffineExpr> step = positiveSize(ctx, kFrameStep, "frame_step");
  if (failed(step) || (ctx.has(kFrameLength) && failed(positiveSize(ctx, kFrameLength, "frame_length"))) ||
      (ctx.has(kWindow) && failed(expectRank(ctx, kWindow, 1, "the window"))))
    return failure();
  AffineExpr length = frameLength(ctx), signal = ctx.shape(kSignal)[1];
  if (ctx.has(kWindow) && failed(expectSize(ctx, ctx.shape(kWindow)[0], length, "dim 0 of the window", "frame_length")))
    return failure();
  if (failed(ctx.atLeast(signal, length, "the signal must be at least one frame long",
                         "expects a signal of at least one frame of " + Twine(constantSize(length).value_or(0)) + ", got " +
                             Twine(constantSize(signal).value_or(0)))))
    return failure();
  AffineExpr frames = ctx.symbols.floorDiv(canonicalSize(signal - length), *step) + 1;
  AffineExpr bins = getOnesided() ? ctx.symbols.floorDiv(length, ctx.cst(2)) + 1 : length;
  ctx.set(0, {ctx.shape(kSignal)[0], frames, bins, ctx.cst(2)}, ctx.element(kSignal));
  return success();
}

LogicalResult STFTOp::lower(LowerContext &ctx) {
  AffineExpr length = frameLength(ctx);
  Value step = ctx.size(ctx.facts(kFrameStep).ints->front());
  bool isComplex = constantSize(ctx.shape(kSignal).back()) == 2;
  Twiddle twiddle{rootsOfUnity(ctx, length), ctx.size(length), /*inverse=*/false};
  Value sums = sumTerms(ctx, ctx.resultShape(), length, [&](ScalarBuilder &s, ValueRange at) {
    IndexBuilder ib(s.b, s.loc);
    Value j = at[4], time = ib.add(ib.mul(at[1], step), j);
    Value weight = ctx.has(kWindow) ? extractAsF64(ctx, s, kWindow, j) : Value();
    auto read = [&](int64_t part) {
      Value v = extractAsF64(ctx, s, kSignal, {at[0], time, ib.cst(part)});
      return weight ? s.mul(v, weight) : v;
    };
    return twiddle.multiply(s, read(0), isComplex ? read(1) : Value(), at[2], j, at[3]);
  });
  ctx.set(0, storeSums(ctx, sums, ctx.resultShape(), ctx.resultElement(), Value()));
  return success();
}

//===-- windows -------------------------------------------------------------------------------------------------===//

namespace {

LogicalResult inferGenerated(ShapeContext &ctx, ArrayRef<AffineExpr> shape, int64_t type) {
  Type element = onnxElementType(ctx.element(0).getContext(), type);
  if (!element || !element.isIntOrFloat() || element.isInteger(1))
    return ctx.fail("has an unsupported 'output_datatype'");
  ctx.set(0, shape, element);
  return success();
}

LogicalResult inferWindow(ShapeContext &ctx, int64_t type) {
  FailureOr<AffineExpr> size = scalarSize(ctx, 0, "size");
  if (failed(size) || failed(ctx.atLeast(*size, ctx.cst(0), "'size' must be at least 0",
                                         "expects 'size' to be at least 0, got " + Twine(constantSize(*size).value_or(0)))))
    return failure();
  return inferGenerated(ctx, {*size}, type);
}

// a0 - a1 cos(2 pi i / n) + a2 cos(4 pi i / n), with n one less for a symmetric window.
void lowerWindow(LowerContext &ctx, bool periodic, double a0, double a1, double a2) {
  AffineExpr size = ctx.resultShape()[0];
  Value period = ctx.size(periodic ? size : canonicalSize(size - 1));
  Type element = ctx.resultElement();
  bool isUnsigned = isUnsignedElement(element);
  ctx.set(0, ctx.gather(ctx.resultShape(), element, [&](ScalarBuilder &s, ValueRange at) {
    Value fraction = s.div(number(s, at[0]), number(s, period));
    auto wave = [&](double factor, double turns) {
      return s.mul(s.cst(factor, fraction), s.cos(s.mul(fraction, s.cst(turns * kTwoPi, fraction))));
    };
    Value y = s.sub(s.cst(a0, fraction), wave(a1, 1));
    if (a2 != 0)
      y = s.add(y, wave(a2, 2));
    return s.cast(y, lowerElement(element), false, isUnsigned);
  }));
}

} // namespace

LogicalResult BlackmanWindowOp::inferShapes(ShapeContext &ctx) { return inferWindow(ctx, getOutputDatatype()); }
LogicalResult BlackmanWindowOp::lower(LowerContext &ctx) {
  lowerWindow(ctx, getPeriodic() != 0, 0.42, 0.5, 0.08);
  return success();
}

LogicalResult HammingWindowOp::inferShapes(ShapeContext &ctx) { return inferWindow(ctx, getOutputDatatype()); }
LogicalResult HammingWindowOp::lower(LowerContext &ctx) {
  lowerWindow(ctx, getPeriodic() != 0, 25.0 / 46, 21.0 / 46, 0);
  return success();
}

LogicalResult HannWindowOp::inferShapes(ShapeContext &ctx) { return inferWindow(ctx, getOutputDatatype()); }
LogicalResult HannWindowOp::lower(LowerContext &ctx) {
  lowerWindow(ctx, getPeriodic() != 0, 0.5, 0.5, 0);
  return success();
}

//===-- MelWeightMatrix -----------------------------------------------------------------------------------------===//

namespace {

enum MelOperand { kBins, kDftLength, kSampleRate, kLowest, kHighest };
constexpr double kMelFactor = 2595, kMelBase = 700; // mel(f) = 2595 log10(1 + f / 700)

class MelScale {
public:
  MelScale(LowerContext &ctx, ScalarBuilder &s) : ctx(ctx), s(s), low(mel(edge(kLowest))) {
    Value bins = edge(kBins);
    step = s.div(s.sub(mel(edge(kHighest)), low), s.add(bins, s.cst(2, bins)));
  }
  // The spectrum's bin, a whole number, where band i (an f64) begins.
  Value bin(Value i) {
    Value exponent = s.mul(s.add(s.mul(i, step), low), s.cst(llvm::numbers::ln10 / kMelFactor, i));
    Value hertz = s.mul(s.cst(kMelBase, i), s.sub(s.exp(exponent), s.cst(1, i)));
    Value length = edge(kDftLength);
    return s.floor(s.div(s.mul(s.add(length, s.cst(1, length)), hertz), edge(kSampleRate)));
  }

private:
  Value edge(unsigned operand) {
    SmallVector<Value> first(ctx.rank(operand), arith::ConstantIndexOp::create(s.b, s.loc, 0));
    return extractAsF64(ctx, s, operand, first);
  }
  Value mel(Value hertz) {
    Value ratio = s.add(s.cst(1, hertz), s.div(hertz, s.cst(kMelBase, hertz)));
    return s.mul(s.log(ratio), s.cst(kMelFactor / llvm::numbers::ln10, hertz));
  }

  LowerContext &ctx;
  ScalarBuilder &s;
  Value low, step;
};

} // namespace

LogicalResult MelWeightMatrixOp::inferShapes(ShapeContext &ctx) {
  FailureOr<AffineExpr> bins = positiveSize(ctx, kBins, "num_mel_bins"), length = positiveSize(ctx, kDftLength, "dft_length");
  if (failed(bins) || failed(length))
    return failure();
  static constexpr StringRef names[] = {"sample_rate", "lower_edge_hertz", "upper_edge_hertz"};
  for (unsigned i = kSampleRate; i <= kHighest; ++i)
    if (constantSize(ctx.product(ctx.shape(i))) != 1)
      return ctx.fail("expects '" + names[i - kSampleRate] + "' to be one number");
  return inferGenerated(ctx, {ctx.symbols.floorDiv(*length, ctx.cst(2)) + 1, *bins}, getOutputDatatype());
}

// A triangle per band: up from the bin where the band begins, 1 where the next one does, and down to where the one after does.
LogicalResult MelWeightMatrixOp::lower(LowerContext &ctx) {
  Type element = ctx.resultElement();
  bool isUnsigned = isUnsignedElement(element);
  ctx.set(0, ctx.gather(ctx.resultShape(), element, [&](ScalarBuilder &s, ValueRange at) {
    MelScale scale(ctx, s);
    Value j = number(s, at[0]), band = number(s, at[1]), one = s.cst(1, j), zero = s.cst(0, j);
    Value left = scale.bin(band), centre = scale.bin(s.add(band, one)), right = scale.bin(s.add(band, s.cst(2, j)));
    Value rising = s.div(s.sub(j, left), s.sub(centre, left)), falling = s.div(s.sub(right, j), s.sub(right, centre));
    Value isFlat = s.eq(left, centre);
    Value y = s.select(s.andi(s.ge(j, left), s.le(j, centre)), s.select(isFlat, one, rising), zero);
    y = s.select(s.andi(s.ge(j, centre), s.lt(j, right)), falling, y);
    return s.cast(y, lowerElement(element), false, isUnsigned);
  }));
  return success();
}
