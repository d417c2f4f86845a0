// Pooling: the greatest or the mean element of windows, channel by channel.
#include "Window.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::hls;

namespace {

/// What is pooled, however its operator is called.
struct Pooling {
  bool maximum = false;
  int64_t taps = 0, windows = 0;
  std::vector<int64_t> counts; // divisors of means, one per window
};

/// Elements of a window come tap by tap, all channels each.
class PoolStage {
public:
  PoolStage(GraphConverter &g, Location loc, Flow in, int64_t channels, const Pooling &pooling, const Tail &tail)
      : g(g), loc(loc), in(in), p(pooling), tail(tail), lanes(in.lanes()), words(channels / lanes) {}

  Flow build(llvm::ArrayRef<int64_t> shape, const Order &order) {
    p.maximum ? prepareMaximum() : prepareMean();
    Flow result = g.make(loc, "", static_cast<unsigned>(lanes), tail.encoding, shape, order);
    StageBuilder s(g.design.stage(loc, g.design.uniqueName(loc, "pool"), p.maximum ? "max pool" : "average pool", {in.stream},
                                  {result.stream}));
    Value word = s.buffer("word", {lanes}, in.encoding.type, {lanes}),
          pooled = s.buffer("pooled", {words, lanes}, acc, {1, lanes}),
          out = s.buffer("out", {lanes}, tail.encoding.type, {lanes});
    s.loop("windows", p.windows, [&](Value window) {
      s.pipelined("taps", p.taps * words, [&](Value i) {
        Value c = s.rem(i, words), first = s.compare(arith::CmpIPredicate::ult, i, words);
        s.read(0, word, {s.index(0)});
        s.unrolled("lanes", lanes, [&](Value lane) { take(s, s.load(word, {lane}), pooled, {c, lane}, first); });
      });
      s.pipelined("finish", words, [&](Value c) {
        s.unrolled("results", lanes, [&](Value lane) { s.store(give(s, s.load(pooled, {c, lane}), window), out, {lane}); });
        s.write(0, out, {s.index(0)});
      });
    });
    return result;
  }

private:
  void prepareMaximum() {
    acc = in.encoding.type;
    rescale.out = tail.encoding;
  }

  /// A mean is the sum times a factor; where pads make windows of several sizes, each has its own.
  void prepareMean() {
    const Encoding &from = in.encoding;
    rescale.fixed = from.fixed && tail.encoding.fixed;
    rescale.out = tail.encoding;
    rescale.clamp = tail.clamp;
    unsigned bits = from.type.getWidth() + llvm::Log2_64_Ceil(p.taps) + 3; // the zero point is taken off as well
    std::vector<double> factors;
    for (int64_t count : p.counts)
      factors.push_back((rescale.fixed ? 1 : from.scale / tail.encoding.scale) / static_cast<double>(count));
    if (llvm::all_equal(factors))
      factors.resize(1);
    if (!rescale.fixed) {
      acc = NumType::getInt(loc.getContext(), bits);
      rescale.integer = requantization(acc, factors, tail.encoding, tail.clamp);
      if (factors.size() > 1)
        rescale.multipliers = g.design.rom(loc, g.design.uniqueName(loc, "multipliers"), rescale.integer.multipliers, {p.windows},
                                           NumType::getInt(loc.getContext(), rescale.integer.bits, false));
      return;
    }
    acc = NumType::get(loc.getContext(), bits, static_cast<int>(bits) - from.type.getFraction(), true);
    double most = *llvm::max_element(factors);
    Encoding inverse = Encoding::forRange(loc.getContext(), kInverseBits, 0, most);
    inverseType = inverse.type;
    for (double factor : factors)
      inverses.push_back(inverse.quantize(factor));
    if (inverses.size() > 1)
      rescale.multipliers = g.design.rom(loc, g.design.uniqueName(loc, "inverses"), inverses, {p.windows}, inverseType);
  }

  void take(StageBuilder &s, Value value, Value pooled, ValueRange at, Value first) {
    if (p.maximum) {
      s.when(first, [&] { s.store(value, pooled, at); });
      s.when(s.negate(first), [&] { s.store(hls::MaxOp::create(s.b, value, s.load(pooled, at)), pooled, at); });
      return;
    }
    s.when(first, [&] { s.store(s.constant(acc, -in.encoding.zero * p.taps), pooled, at); });
    Value term = rescale.fixed ? value : s.raw(value);
    AccumulateOp::create(s.b, term, pooled, at, s.b.getI64IntegerAttr(p.taps));
  }

  Value give(StageBuilder &s, Value value, Value window) {
    if (p.maximum)
      return value;
    if (!rescale.fixed)
      return rescale.emit(s, value, window);
    Value inverse = rescale.multipliers ? s.load(rescale.multipliers, window) : s.constant(inverseType, inverses[0]);
    return rescale.emit(s, hls::MulOp::create(s.b, value, inverse), window);
  }

  static constexpr unsigned kInverseBits = 18; // a DSP's narrower factor

  GraphConverter &g;
  Location loc;
  Flow in;
  const Pooling &p;
  const Tail &tail;
  int64_t lanes, words;
  NumType acc, inverseType;
  Rescaler rescale;
  std::vector<int64_t> inverses;
};

/// A maximum keeps its operand's numbers: what follows starts from them.
FailureOr<Tail> poolTail(GraphConverter &g, Operation *op, const Flow &in, bool maximum) {
  if (!maximum)
    return g.fuseTail(op, op->getResult(0), 0, 0);
  Tail tail;
  tail.end = op->getResult(0);
  tail.encoding = in.encoding;
  return tail;
}

LogicalResult convertGlobal(GraphConverter &g, Operation *op, bool maximum) {
  FailureOr<Flow> image = g.take(op, op->getOperand(0));
  if (failed(image))
    return failure();
  FailureOr<Tail> tail = poolTail(g, op, *image, maximum);
  if (failed(tail))
    return failure();
  auto type = cast<RankedTensorType>(op->getOperand(0).getType()), result = cast<RankedTensorType>(op->getResult(0).getType());
  if (type.getRank() < 3 || type.getDimSize(0) != 1)
    return g.refuse(op, "expects one image, got " + llvm::Twine(type.getDimSize(0)) + " of rank " + llvm::Twine(type.getRank()));
  int64_t channels = type.getDimSize(1);
  Pooling pooling;
  pooling.maximum = maximum;
  pooling.windows = 1;
  pooling.taps = type.getNumElements() / channels;
  pooling.counts = {pooling.taps};
  Flow in = g.inOrder(op->getLoc(), *image, Order::channelsLast(type.getShape()));
  g.set(tail->end, PoolStage(g, op->getLoc(), in, channels, pooling, *tail).build(result.getShape(), Order::rowMajor(channels)));
  return success();
}

} // namespace

LogicalResult laic::hls::convertPool(GraphConverter &g, Operation *op) {
  bool maximum = isa<MaxPoolOp, GlobalMaxPoolOp>(op);
  if (isa<GlobalAveragePoolOp, GlobalMaxPoolOp>(op))
    return convertGlobal(g, op, maximum);
  if (op->getNumResults() > 1 && !op->getResult(1).use_empty())
    return g.refuse(op, "indices of the greatest elements are not supported");
  FailureOr<Flow> image = g.take(op, op->getOperand(0));
  if (failed(image))
    return failure();
  auto type = cast<RankedTensorType>(op->getOperand(0).getType()), result = cast<RankedTensorType>(op->getResult(0).getType());
  FailureOr<Window> window = windowOf(g, op, type, result, op->getAttrOfType<DenseI64ArrayAttr>("kernel_shape").asArrayRef());
  if (failed(window))
    return failure();
  FailureOr<Tail> tail = poolTail(g, op, *image, maximum);
  if (failed(tail))
    return failure();
  Pooling pooling;
  pooling.maximum = maximum;
  pooling.taps = window->taps();
  pooling.windows = window->windows();
  auto includePads = op->getAttrOfType<IntegerAttr>("count_include_pad");
  pooling.counts = window->counts(includePads && includePads.getInt() != 0);
  Flow in = g.inOrder(op->getLoc(), *image, Order::channelsLast(type.getShape()));
  int64_t fill = maximum ? in.encoding.type.getLowest() : in.encoding.zero;
  if (!window->isIdentity())
    in = streamWindows(g, op->getLoc(), in, *window, in.lanes(), fill);
  g.set(tail->end, PoolStage(g, op->getLoc(), in, window->channels, pooling, *tail)
                       .build(result.getShape(), Order::channelsLast(result.getShape())));
  return success();
}

/// The mean over all spatial dims is a global average pool.
LogicalResult laic::hls::convertReduceMean(GraphConverter &g, ReduceMeanOp op) {
  auto type = cast<RankedTensorType>(op->getOperand(0).getType());
  std::optional<RealTensor> axes = op->getNumOperands() > 1 ? evaluateConstant(op->getOperand(1)) : std::nullopt;
  llvm::SmallVector<bool> reduced(type.getRank(), false);
  if (axes)
    for (double axis : axes->values)
      reduced[(static_cast<int64_t>(axis) + type.getRank()) % type.getRank()] = true;
  bool spatial = axes && type.getRank() >= 3;
  for (int64_t d = 0; d < type.getRank(); ++d)
    spatial &= reduced[d] == (d >= 2);
  if (!spatial)
    return g.refuse(op, "expects a mean over all spatial dims of N x C x spatial");
  return convertGlobal(g, op, false);
}
