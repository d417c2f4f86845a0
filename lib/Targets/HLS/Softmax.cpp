// Softmax of rows: exponentials by table, one division per element.
#include "GraphConverter.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::hls;

namespace {

constexpr int kExpBits = 20;       // fraction of the exponentials; e^0 is 2^20
constexpr int kQuotientBits = 8;   // fraction of the quotient before it is rounded
constexpr unsigned kTableBits = 8; // of a difference that one table looks at

std::vector<int64_t> expTable(double step) {
  std::vector<int64_t> table;
  for (int i = 0; i < 1 << kTableBits; ++i)
    table.push_back(static_cast<int64_t>(std::floor(std::ldexp(std::exp(-i * step), kExpBits) + 0.5)));
  return table;
}

} // namespace

// With d = (greatest raw) - raw, e = table[d], or for more than 8 bits high[d >> 8] * low[d & 255] >> 20:
// result = clamp(zero point + floor((e * m + s * 2^7) / (s * 2^8))), where s is the sum of the row's e and m = round(2^8 / scale).
LogicalResult laic::hls::convertSoftmax(GraphConverter &g, SoftmaxOp op) {
  FailureOr<Flow> flow = g.take(op, op.getX());
  if (failed(flow))
    return failure();
  FailureOr<Tail> tail = g.fuseTail(op, op->getResult(0), 0, 0);
  if (failed(tail))
    return failure();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  int64_t rank = type.getRank(), axis = (static_cast<int64_t>(op.getAxis()) + rank) % rank, size = type.getDimSize(axis);
  if (tail->clamp.lo || tail->clamp.hi)
    return g.refuse(op, "an activation on a softmax is not supported");
  llvm::SmallVector<int64_t> permutation; // the axis turns fastest
  for (int64_t d = 0; d < rank; ++d)
    if (d != axis)
      permutation.push_back(d);
  permutation.push_back(axis);
  Location loc = op.getLoc();
  Order order = Order::permuted(type.getShape(), permutation);
  Flow in = g.withLanes(loc, g.inOrder(loc, *flow, order), 1);

  MLIRContext *context = op.getContext();
  unsigned width = in.encoding.type.getWidth();
  bool split = width > kTableBits;
  auto integer = [&](unsigned bits) { return NumType::getInt(context, bits, false); };
  NumType exponential = integer(kExpBits + 1), total = integer(kExpBits + 1 + llvm::Log2_64_Ceil(size));
  NumType raw = NumType::getInt(context, width, in.encoding.type.getIsSigned());
  RomOp low = g.design.rom(loc, g.design.uniqueName(loc, "exp"), expTable(in.encoding.scale), {1 << kTableBits}, exponential);
  RomOp high = split ? g.design.rom(loc, g.design.uniqueName(loc, "exp_high"), expTable(in.encoding.scale * (1 << kTableBits)),
                                    {1 << kTableBits}, exponential)
                     : RomOp();
  int64_t multiplier = static_cast<int64_t>(std::floor(std::ldexp(1.0 / tail->encoding.scale, kQuotientBits) + 0.5));
  unsigned multiplierBits = llvm::Log2_64_Ceil(static_cast<uint64_t>(multiplier) + 1);
  if (multiplierBits + kExpBits + 2 > 63)
    return g.refuse(op, "its result has too many bits behind the binary point");

  Flow result = g.make(loc, "", 1, tail->encoding, type.getShape(), order);
  StageBuilder s(g.design.stage(loc, g.design.uniqueName(loc, "softmax"), "softmax", {in.stream}, {result.stream}));
  Value row = s.buffer("row", {size, 1}, in.encoding.type, {}), exps = s.buffer("exps", {size}, exponential, {}),
        most = s.buffer("most", {1}, raw, {}), sum = s.buffer("sum", {1}, total, {}),
        out = s.buffer("out", {1}, tail->encoding.type, {});
  Value zero = s.index(0);
  s.loop("rows", type.getNumElements() / size, [&](Value) {
    s.store(s.constant(raw, raw.getLowest()), most, {zero});
    s.store(s.constant(total, 0), sum, {zero});
    s.pipelined("take", size, [&](Value i) {
      s.read(0, row, {i, zero});
      Value number = s.raw(s.load(row, {i, zero}));
      s.store(hls::MaxOp::create(s.b, number, s.load(most, {zero})), most, {zero});
    });
    s.pipelined("exponentials", size, [&](Value i) {
      Value number = s.raw(s.load(row, {i, zero}));
      Value distance = hls::SubOp::create(s.b, s.load(most, {zero}), number);
      Value e;
      if (split) {
        Value top = IndexOp::create(s.b, distance, s.b.getI64IntegerAttr(kTableBits), s.b.getI64IntegerAttr(0));
        Value bottom = s.rem(IndexOp::create(s.b, distance, s.b.getI64IntegerAttr(0), s.b.getI64IntegerAttr(0)), 1 << kTableBits);
        Value product = hls::MulOp::create(s.b, s.load(high, {top}), s.load(low, {bottom}));
        // The product has 2 * kExpBits fraction bits; as fixed point, cutting some of them off is a conversion.
        unsigned bits = cast<NumType>(product.getType()).getWidth();
        Value fraction = BitsOp::create(s.b, NumType::get(context, bits, static_cast<int>(bits) - kExpBits, false), product);
        e = s.convert(fraction, exponential, Rounding::Trn, Overflow::Wrap);
      } else {
        e = s.load(low, {IndexOp::create(s.b, distance, s.b.getI64IntegerAttr(0), s.b.getI64IntegerAttr(0))});
      }
      s.store(e, exps, {i});
      s.store(s.convert(hls::AddOp::create(s.b, s.load(sum, {zero}), e), total, Rounding::Trn, Overflow::Wrap), sum, {zero});
    });
    s.pipelined("quotients", size, [&](Value i) {
      Value all = s.load(sum, {zero});
      auto times = [&](Value x, int64_t power) {
        return Value(hls::MulOp::create(s.b, x, s.constant(integer(llvm::Log2_64(power) + 1), power)));
      };
      Value numerator = hls::MulOp::create(s.b, s.load(exps, {i}), s.constant(integer(multiplierBits), multiplier));
      numerator = hls::AddOp::create(s.b, numerator, times(all, 1 << (kQuotientBits - 1)));
      Value quotient = hls::DivOp::create(s.b, numerator, times(all, 1 << kQuotientBits));
      NumType signedQuotient = NumType::getInt(context, 33);
      Rescaler rescale;
      rescale.out = tail->encoding;
      rescale.integer = requantization(signedQuotient, {1.0}, tail->encoding, {});
      s.store(rescale.emit(s, s.convert(quotient, signedQuotient, Rounding::Trn, Overflow::Wrap), {}), out, {zero});
      s.write(0, out, {zero});
    });
  });
  g.set(tail->end, result);
  return success();
}
