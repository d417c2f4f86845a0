// Convolutions and matrix products with constant weights, and what the design does of each at once.
#include "Window.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::hls;

namespace {

/// Weights of a layer: one row per output channel, its terms in the order in which the stream brings their factors.
struct Weights {
  int64_t outputs = 0, terms = 0;
  std::vector<double> values;
  std::vector<int64_t> raw;   // with `scales`: value = raw * scale; empty: not quantised
  std::vector<double> scales; // one per output channel
};

/// Numbers of the layer as its stage has them.
struct Coefficients {
  bool fixed = false;
  NumType weight, acc;
  std::vector<int64_t> raw, bias;
  Rescaler rescale;
};

/// Integer weights per output channel, in units that the results' scales may still change.
void quantizeWeights(Weights &w, unsigned width, MLIRContext *context) {
  if (!w.raw.empty())
    return;
  double most = 0;
  for (double value : w.values)
    most = std::max(most, std::abs(value));
  Encoding encoding = Encoding::forRange(context, width, -most, most);
  for (double value : w.values)
    w.raw.push_back(encoding.quantize(value));
  w.scales.assign(w.outputs, encoding.scale);
}

/// All operands are fixed point: products and sums carry their binary point, the result is rounded once.
Coefficients fixedCoefficients(Weights w, const Tail &tail, const Encoding &in, unsigned width, MLIRContext *context) {
  Coefficients k;
  k.fixed = true;
  double most = 0;
  for (int64_t o = 0; o < w.outputs; ++o)
    for (int64_t i = 0; i < w.terms; ++i) {
      double &value = w.values[o * w.terms + i];
      value *= tail.scale[o];
      most = std::max(most, std::abs(value));
    }
  Encoding encoding = Encoding::forRange(context, width, -most, most);
  k.weight = encoding.type;
  for (double value : w.values)
    k.raw.push_back(encoding.quantize(value));
  int fraction = in.type.getFraction() + k.weight.getFraction();
  double bound = 1;
  for (double bias : tail.bias) {
    k.bias.push_back(static_cast<int64_t>(std::floor(std::ldexp(bias, fraction) + 0.5)));
    bound = std::max(bound, std::abs(static_cast<double>(k.bias.back())));
  }
  unsigned product = in.type.getWidth() + k.weight.getWidth();
  unsigned bits = std::max(product + llvm::Log2_64_Ceil(w.terms) + 1, signedBits(bound) + 1);
  k.acc = NumType::get(context, bits, static_cast<int>(bits) - fraction, true);
  k.rescale.fixed = true;
  k.rescale.out = tail.encoding;
  k.rescale.clamp = tail.clamp;
  return k;
}

/// Integers with a scale each: sums are integers, one multiplication brings them to the result's scale.
Coefficients integerCoefficients(Weights w, const Tail &tail, const Encoding &in, unsigned width, MLIRContext *context) {
  Coefficients k;
  quantizeWeights(w, width, context);
  std::vector<double> factors;
  int64_t most = 1;
  double bound = 1;
  for (int64_t o = 0; o < w.outputs; ++o) {
    double scale = tail.scale[o];
    int64_t sum = 0;
    for (int64_t i = 0; i < w.terms; ++i) {
      int64_t &raw = w.raw[o * w.terms + i];
      raw = scale < 0 ? -raw : scale == 0 ? 0 : raw;
      sum += raw;
      most = std::max(most, std::abs(raw));
    }
    double unit = in.scale * w.scales[o] * (scale == 0 ? 1 : std::abs(scale));
    factors.push_back(unit / tail.encoding.scale);
    k.bias.push_back(static_cast<int64_t>(std::floor(tail.bias[o] / unit + 0.5)) - in.zero * sum);
    bound = std::max(bound, std::abs(static_cast<double>(k.bias.back())));
  }
  k.raw = std::move(w.raw);
  k.weight = NumType::getInt(context, signedBits(static_cast<double>(most)));
  unsigned product = in.type.getWidth() + k.weight.getWidth();
  k.acc = NumType::getInt(context, std::max(product + llvm::Log2_64_Ceil(w.terms) + 1, signedBits(bound) + 1));
  if (llvm::all_equal(factors))
    factors.resize(1);
  k.rescale.out = tail.encoding;
  k.rescale.integer = requantization(k.acc, factors, tail.encoding, tail.clamp);
  return k;
}

Coefficients coefficients(GraphConverter &g, Weights w, const Tail &tail, const Encoding &in) {
  MLIRContext *context = g.design.getContext();
  if (in.fixed && tail.encoding.fixed && w.raw.empty())
    return fixedCoefficients(std::move(w), tail, in, g.getWidth(), context);
  return integerCoefficients(std::move(w), tail, in, g.getWidth(), context);
}

/// ROMs of multipliers where they differ by channel: `groups` x `lanes`.
void placeMultipliers(GraphConverter &g, Location loc, Coefficients &k, int64_t groups, int64_t lanes) {
  llvm::ArrayRef<int64_t> all = k.rescale.integer.multipliers;
  if (k.fixed || all.size() == 1)
    return;
  NumType type = NumType::getInt(g.design.getContext(), k.rescale.integer.bits, false);
  k.rescale.multipliers = g.design.rom(loc, g.design.uniqueName(loc, "multipliers"), all, {groups, lanes}, type, {1, lanes});
}

/// The factor that a stream brings, as the products take it.
Value factor(StageBuilder &s, const Coefficients &k, Value value) { return k.fixed ? value : s.raw(value); }

/// The matrix-vector unit: PE x SIMD products per cycle. The terms of a pixel are read once and kept for its other outputs.
Flow multiply(GraphConverter &g, Location loc, llvm::StringRef kind, Flow in, Weights w, const Tail &tail,
              const LinearLayer &layer, llvm::ArrayRef<int64_t> shape, const Order &order, Folding f) {
  Coefficients k = coefficients(g, w, tail, in.encoding);
  int64_t groups = w.outputs / f.pe, steps = w.terms / f.simd;
  std::vector<int64_t> tiled;
  tiled.reserve(k.raw.size());
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t step = 0; step < steps; ++step)
      for (int64_t e = 0; e < f.pe; ++e)
        for (int64_t i = 0; i < f.simd; ++i)
          tiled.push_back(k.raw[(group * f.pe + e) * w.terms + step * f.simd + i]);
  RomOp weights =
      g.design.rom(loc, g.design.uniqueName(loc, "weights"), tiled, {groups * steps, f.pe, f.simd}, k.weight, {1, f.pe, f.simd});
  RomOp bias = g.design.rom(loc, g.design.uniqueName(loc, "bias"), k.bias, {groups, f.pe}, k.acc, {1, f.pe});
  placeMultipliers(g, loc, k, groups, f.pe);
  Flow result = g.make(loc, "", static_cast<unsigned>(f.pe), tail.encoding, shape, order);
  StageBuilder s(g.design.stage(loc, g.design.uniqueName(loc, kind), kind, {in.stream}, {result.stream}));
  Value terms = s.buffer("terms", {steps, f.simd}, in.encoding.type, {1, f.simd});
  Value sums = s.buffer("sums", {f.pe}, k.acc, {f.pe}), word = s.buffer("word", {f.pe}, tail.encoding.type, {f.pe});
  s.loop("pixels", layer.pixels, [&](Value) {
    s.loop("groups", groups, [&](Value group) {
      s.unrolled("start", f.pe, [&](Value e) { s.store(s.load(bias, {group, e}), sums, {e}); });
      s.pipelined("steps", steps, [&](Value step) {
        Value first = groups > 1 ? s.compare(arith::CmpIPredicate::eq, group, 0) : Value();
        s.when(first, [&] { s.read(0, terms, {step, s.index(0)}); });
        Value place = s.add(s.mul(group, steps), step);
        s.unrolled("outputs", f.pe, [&](Value e) {
          s.unrolled("inputs", f.simd, [&](Value i) {
            Value product = hls::MulOp::create(s.b, factor(s, k, s.load(terms, {step, i})), s.load(weights, {place, e, i}));
            AccumulateOp::create(s.b, product, sums, ValueRange{e}, s.b.getI64IntegerAttr(w.terms));
          });
        });
      });
      s.unrolled("finish", f.pe, [&](Value e) { s.store(k.rescale.emit(s, s.load(sums, {e}), {group, e}), word, {e}); });
      s.write(0, word, {s.index(0)});
    });
  });
  return result;
}

/// Products channel by channel: the stream brings tap by tap all channels of a window.
Flow multiplyDepthwise(GraphConverter &g, Location loc, Flow in, Weights w, const Tail &tail, int64_t pixels,
                       llvm::ArrayRef<int64_t> shape, const Order &order) {
  Coefficients k = coefficients(g, w, tail, in.encoding);
  int64_t lanes = in.lanes(), words = w.outputs / lanes;
  std::vector<int64_t> tapFirst;
  for (int64_t tap = 0; tap < w.terms; ++tap)
    for (int64_t c = 0; c < w.outputs; ++c)
      tapFirst.push_back(k.raw[c * w.terms + tap]);
  RomOp weights =
      g.design.rom(loc, g.design.uniqueName(loc, "weights"), tapFirst, {w.terms * words, lanes}, k.weight, {1, lanes});
  RomOp bias = g.design.rom(loc, g.design.uniqueName(loc, "bias"), k.bias, {words, lanes}, k.acc, {1, lanes});
  placeMultipliers(g, loc, k, words, lanes);
  Flow result = g.make(loc, "", static_cast<unsigned>(lanes), tail.encoding, shape, order);
  StageBuilder s(g.design.stage(loc, g.design.uniqueName(loc, "depthwise"), "depthwise", {in.stream}, {result.stream}));
  Value word = s.buffer("word", {lanes}, in.encoding.type, {lanes}), sums = s.buffer("sums", {words, lanes}, k.acc, {1, lanes}),
        out = s.buffer("out", {lanes}, tail.encoding.type, {lanes});
  s.loop("pixels", pixels, [&](Value) {
    s.pipelined("taps", w.terms * words, [&](Value i) {
      Value c = s.rem(i, words);
      s.read(0, word, {s.index(0)});
      s.unrolled("products", lanes, [&](Value lane) {
        s.when(s.compare(arith::CmpIPredicate::ult, i, words), [&] { s.store(s.load(bias, {c, lane}), sums, {c, lane}); });
        Value product = hls::MulOp::create(s.b, factor(s, k, s.load(word, {lane})), s.load(weights, {i, lane}));
        AccumulateOp::create(s.b, product, sums, ValueRange{c, lane}, s.b.getI64IntegerAttr(w.terms));
      });
    });
    s.pipelined("finish", words, [&](Value c) {
      s.unrolled("results", lanes,
                 [&](Value lane) { s.store(k.rescale.emit(s, s.load(sums, {c, lane}), {c, lane}), out, {lane}); });
      s.write(0, out, {s.index(0)});
    });
  });
  return result;
}

/// Rows of a weight tensor as `outputs` x `terms`, by a function from (output, term) to its index, or -1 for a zero.
Weights arrange(const RealTensor &tensor, int64_t outputs, int64_t terms, int64_t scaleAxis,
                llvm::function_ref<int64_t(int64_t, int64_t)> place) {
  Weights w;
  w.outputs = outputs;
  w.terms = terms;
  bool perOutput = tensor.scales.size() > 1 && tensor.axis == scaleAxis;
  bool keepRaw = tensor.isQuantized() && (tensor.scales.size() == 1 || perOutput);
  for (int64_t o = 0; o < outputs; ++o)
    for (int64_t t = 0; t < terms; ++t) {
      int64_t at = place(o, t);
      w.values.push_back(at < 0 ? 0 : tensor.values[at]);
      if (keepRaw)
        w.raw.push_back(at < 0 ? 0 : tensor.raw[at]);
    }
  for (int64_t o = 0; keepRaw && o < outputs; ++o)
    w.scales.push_back(tensor.scales[perOutput ? o : 0]);
  return w;
}

LogicalResult addBias(GraphConverter &g, Operation *op, Value bias, double factor, Tail &tail) {
  if (!isa<RankedTensorType>(bias.getType()))
    return success();
  std::optional<RealTensor> tensor = evaluateConstant(bias);
  int64_t channels = tail.bias.size();
  if (!tensor || (tensor->elements() != channels && tensor->elements() != 1))
    return g.refuse(op, "expects a constant bias with one number per output channel");
  for (int64_t c = 0; c < channels; ++c)
    tail.bias[c] += tail.scale[c] * factor * tensor->values[tensor->elements() == 1 ? 0 : c];
  return success();
}

/// y = x @ w, with w as terms x outputs (or the other way round).
LogicalResult convertProduct(GraphConverter &g, Operation *op, Value x, Value weight, bool transposed, double alpha, Value bias,
                             double beta) {
  FailureOr<Flow> in = g.take(op, x);
  std::optional<RealTensor> tensor = evaluateConstant(weight);
  if (failed(in))
    return failure();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!tensor || tensor->shape.size() != 2)
    return g.refuse(op, "expects a constant matrix as its second operand");
  int64_t terms = tensor->shape[transposed ? 1 : 0], outputs = tensor->shape[transposed ? 0 : 1], rows = in->elements() / terms;
  FailureOr<Tail> tail = g.fuseTail(op, op->getResult(0), outputs, type.getRank() - 1);
  if (failed(tail))
    return failure();
  if (bias && failed(addBias(g, op, bias, beta, *tail)))
    return failure();
  for (double &scale : tail->scale)
    scale *= alpha;

  // Terms of a row may come in any order that is the same for all rows.
  std::vector<int64_t> order = in->order.indices();
  for (int64_t i = 0; i < in->elements(); ++i)
    if (order[i] != i / terms * terms + order[i % terms] || order[i % terms] >= terms) {
      *in = g.inOrder(op->getLoc(), *in, Order::rowMajor(in->elements()));
      order = in->order.indices();
      break;
    }
  Weights w = arrange(*tensor, outputs, terms, transposed ? 0 : 1,
                      [&](int64_t o, int64_t t) { return transposed ? o * terms + order[t] : order[t] * outputs + o; });
  LinearLayer layer{g.design.uniqueName(op->getLoc(), ""), rows, outputs, terms, 1};
  Folding f = g.folding(layer);
  Flow result = multiply(g, op->getLoc(), "matmul", g.withLanes(op->getLoc(), *in, static_cast<unsigned>(f.simd)), std::move(w),
                         *tail, layer, type.getShape(), Order::rowMajor(type.getNumElements()), f);
  g.set(tail->end, result);
  return success();
}

} // namespace

LogicalResult laic::hls::convertMatMul(GraphConverter &g, MatMulOp op) {
  return convertProduct(g, op, op.getA(), op.getB(), false, 1, {}, 0);
}

LogicalResult laic::hls::convertGemm(GraphConverter &g, GemmOp op) {
  if (op.getTransA() && cast<RankedTensorType>(op.getA().getType()).getDimSize(1) != 1)
    return g.refuse(op, "a transposed first operand is not supported");
  return convertProduct(g, op, op.getA(), op.getB(), op.getTransB(), op.getAlpha().convertToDouble(), op.getC(),
                        op.getBeta().convertToDouble());
}

LogicalResult laic::hls::convertConv(GraphConverter &g, ConvOp op) {
  FailureOr<Flow> image = g.take(op, op.getX());
  std::optional<RealTensor> tensor = evaluateConstant(op.getW());
  auto type = cast<RankedTensorType>(op.getY().getType());
  if (failed(image))
    return failure();
  if (!tensor)
    return g.refuse(op, "expects constant weights");
  FailureOr<Window> window =
      windowOf(g, op, cast<RankedTensorType>(op.getX().getType()), type, llvm::ArrayRef<int64_t>(tensor->shape).drop_front(2));
  if (failed(window))
    return failure();
  int64_t outputs = tensor->shape[0], perGroup = tensor->shape[1], taps = window->taps(), channels = window->channels,
          outputsPerGroup = outputs / static_cast<int64_t>(op.getGroup());
  FailureOr<Tail> tail = g.fuseTail(op, op.getY(), outputs, 1);
  if (failed(tail) || failed(addBias(g, op, op.getB(), 1, *tail)))
    return failure();
  Location loc = op.getLoc();
  Flow in = g.inOrder(loc, *image, Order::channelsLast(cast<RankedTensorType>(op.getX().getType()).getShape()));
  Order order = Order::channelsLast(type.getShape());
  if (perGroup == 1 && outputs == channels && channels > 1) {
    Weights w = arrange(*tensor, outputs, taps, 0, [&](int64_t o, int64_t t) { return o * taps + t; });
    if (!window->isIdentity())
      in = streamWindows(g, loc, in, *window, in.lanes(), in.encoding.zero);
    g.set(tail->end, multiplyDepthwise(g, loc, in, std::move(w), *tail, window->windows(), type.getShape(), order));
    return success();
  }
  // The window brings all channels of a tap, then the next tap. Channels of other groups count nothing.
  Weights w = arrange(*tensor, outputs, taps * channels, 0, [&](int64_t o, int64_t t) {
    int64_t tap = t / channels, c = t % channels - o / outputsPerGroup * perGroup;
    return c < 0 || c >= perGroup ? -1 : (o * perGroup + c) * taps + tap;
  });
  LinearLayer layer{g.design.uniqueName(loc, ""), window->windows(), outputs, channels, taps};
  Folding f = g.folding(layer);
  in = window->isIdentity() ? g.withLanes(loc, in, static_cast<unsigned>(f.simd))
                            : streamWindows(g, loc, in, *window, static_cast<unsigned>(f.simd), in.encoding.zero);
  g.set(tail->end, multiply(g, loc, "convolution", in, std::move(w), *tail, layer, type.getShape(), order, f));
  return success();
}
