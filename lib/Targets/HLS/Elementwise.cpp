// Elementwise operations: functions of one tensor by table, arithmetic with constants, arithmetic of two tensors.
#include "GraphConverter.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::hls;

namespace {

constexpr unsigned kTableBits = 12; // a table has at most 2^12 entries; wider numbers lose their last bits

/// What stays arithmetic, exact to the last bit, instead of a table.
bool isArithmetic(Operation *op) { return isa<laic::AddOp, SumOp, laic::SubOp, laic::MulOp, laic::DivOp>(op); }

/// A function of one real number: elementwise operations, one behind the other, each with constants beside what it gets.
class Chain {
public:
  /// Takes the operation and as many users of its result as are functions too. `in` is the operand that is no constant.
  static std::optional<Chain> start(GraphConverter &g, Operation *op, Value in) {
    Chain chain;
    if (!chain.append(op, in))
      return std::nullopt;
    chain.end = op->getResult(0);
    while (chain.end.hasOneUse()) {
      Operation *user = *chain.end.getUsers().begin();
      if (user->getNumResults() != 1 || isArithmetic(user) || isa<ReluOp>(user) || !isa<ScalarBodyInterface>(user) ||
          !chain.append(user, chain.end))
        break;
      g.skip(user);
      chain.end = user->getResult(0);
    }
    return chain;
  }

  std::optional<double> operator()(double x) {
    std::optional<double> y = x;
    for (Link &link : links) {
      link.arguments[link.place] = *y;
      if (!(y = link.function(link.arguments)))
        return std::nullopt;
    }
    return y;
  }

  Value end;

private:
  struct Link {
    ScalarFunction function;
    llvm::SmallVector<double> arguments; // constants; what the function is of goes to `place`
    unsigned place;
  };

  bool append(Operation *op, Value in) {
    llvm::SmallVector<double> arguments;
    std::optional<unsigned> place;
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      arguments.push_back(0);
      if (operand == in) {
        if (place)
          return false;
        place = i;
        continue;
      }
      std::optional<double> number = evaluateScalar(operand);
      if (!number)
        return false;
      arguments.back() = *number;
    }
    std::optional<ScalarFunction> function = ScalarFunction::create(op);
    if (!function || !place)
      return false;
    links.push_back({std::move(*function), std::move(arguments), *place});
    return true;
  }

  std::vector<Link> links;
};

/// One result word per operand word.
Flow mapWords(GraphConverter &g, Location loc, llvm::StringRef kind, llvm::ArrayRef<Flow> in, const Encoding &out,
              llvm::ArrayRef<int64_t> shape,
              llvm::function_ref<Value(StageBuilder &, ValueRange values, Value word, Value lane)> body) {
  int64_t lanes = in[0].lanes();
  llvm::SmallVector<Value> streams;
  for (const Flow &flow : in)
    streams.push_back(flow.stream);
  Flow result = g.make(loc, "", static_cast<unsigned>(lanes), out, shape, in[0].order);
  StageBuilder s(g.design.stage(loc, g.design.uniqueName(loc, kind), kind, streams, {result.stream}));
  llvm::SmallVector<Value> words;
  for (auto [i, flow] : llvm::enumerate(in))
    words.push_back(s.buffer("word" + std::to_string(i), {lanes}, flow.encoding.type, {lanes}));
  Value made = s.buffer("made", {lanes}, out.type, {lanes});
  s.pipelined("words", in[0].words(), [&](Value i) {
    for (unsigned k = 0; k < in.size(); ++k)
      s.read(k, words[k], {s.index(0)});
    s.unrolled("lanes", lanes, [&](Value lane) {
      llvm::SmallVector<Value> values;
      for (Value word : words)
        values.push_back(s.load(word, {lane}));
      s.store(body(s, values, i, lane), made, {lane});
    });
    s.write(0, made, {s.index(0)});
  });
  return result;
}

LogicalResult convertByTable(GraphConverter &g, Operation *op, Value operand) {
  FailureOr<Flow> in = g.take(op, operand);
  if (failed(in))
    return failure();
  std::optional<Chain> chain = Chain::start(g, op, operand);
  if (!chain)
    return g.refuse(op, "its function of one number cannot be computed when compiling");
  FailureOr<Tail> tail = g.fuseTail(chain->end.getDefiningOp(), chain->end, 0, 0);
  if (failed(tail))
    return failure();
  NumType type = in->encoding.type;
  unsigned dropped = type.getWidth() > kTableBits ? type.getWidth() - kTableBits : 0;
  int64_t entries = int64_t(1) << (type.getWidth() - dropped), offset = -(type.getLowest() >> dropped);
  std::vector<int64_t> table;
  for (int64_t i = 0; i < entries; ++i) {
    double middle = static_cast<double>((i - offset) << dropped) + (dropped ? std::ldexp(1.0, static_cast<int>(dropped) - 1) : 0);
    std::optional<double> y = (*chain)((middle - static_cast<double>(in->encoding.zero)) * in->encoding.scale);
    if (!y)
      return g.refuse(op, "its function of one number cannot be computed when compiling");
    double bounded = std::max(tail->clamp.lo.value_or(-INFINITY), std::min(tail->clamp.hi.value_or(INFINITY), *y));
    table.push_back(std::isnan(bounded) ? 0 : tail->encoding.quantize(bounded));
  }
  RomOp rom = g.design.rom(op->getLoc(), g.design.uniqueName(op->getLoc(), "table"), table, {entries}, tail->encoding.type);
  g.set(tail->end, mapWords(g, op->getLoc(), "table", {*in}, tail->encoding, in->shape,
                            [&](StageBuilder &s, ValueRange values, Value, Value) {
                              return s.load(rom, {IndexOp::create(s.b, s.raw(values[0]), s.b.getI64IntegerAttr(dropped),
                                                                  s.b.getI64IntegerAttr(offset))});
                            }));
  return success();
}

/// x * scale + bias with one pair per element, in the order of the stream.
///
/// Scales are integers of GraphConverter's width in units of a power of two; the sum is requantised once.
Flow multiplyAdd(GraphConverter &g, Location loc, Flow in, llvm::ArrayRef<double> scale, llvm::ArrayRef<double> bias,
                 const Tail &tail) {
  MLIRContext *context = g.design.getContext();
  double most = 0;
  for (double value : scale)
    most = std::max(most, std::abs(value));
  Encoding factor = Encoding::forRange(context, g.getWidth(), -most, most);
  double unit = in.encoding.scale * factor.scale, bound = 1;
  std::vector<int64_t> scales, biases;
  for (auto [s, b] : llvm::zip(scale, bias)) {
    scales.push_back(factor.quantize(s));
    biases.push_back(static_cast<int64_t>(std::floor(b / unit + 0.5)) - in.encoding.zero * scales.back());
    bound = std::max(bound, std::abs(static_cast<double>(biases.back())));
  }
  // Only as much of them as does not repeat.
  int64_t lanes = in.lanes(), period = lanes, count = scales.size();
  auto repeats = [&](int64_t p) {
    for (int64_t i = p; i < count; ++i)
      if (scales[i] != scales[i - p] || biases[i] != biases[i - p])
        return false;
    return true;
  };
  while (period < count && (count % period != 0 || !repeats(period)))
    period += lanes;
  scales.resize(period);
  biases.resize(period);
  NumType weight = NumType::getInt(context, factor.type.getWidth());
  unsigned product = in.encoding.type.getWidth() + weight.getWidth();
  NumType sum = NumType::getInt(context, std::max(product + 1, signedBits(bound) + 1));
  RomOp scaleRom = g.design.rom(loc, g.design.uniqueName(loc, "scale"), scales, {period / lanes, lanes}, weight, {1, lanes});
  RomOp biasRom = g.design.rom(loc, g.design.uniqueName(loc, "bias"), biases, {period / lanes, lanes}, sum, {1, lanes});
  Rescaler rescale;
  rescale.out = tail.encoding;
  NumType whole = NumType::getInt(context, sum.getWidth() + 1); // of a product and a bias
  rescale.integer = requantization(whole, {unit / tail.encoding.scale}, tail.encoding, tail.clamp);
  return mapWords(g, loc, "affine", {in}, tail.encoding, in.shape,
                  [&](StageBuilder &s, ValueRange values, Value word, Value lane) {
                    Value at = s.rem(word, period / lanes);
                    Value product = hls::MulOp::create(s.b, s.raw(values[0]), s.load(scaleRom, {at, lane}));
                    Value total = hls::AddOp::create(s.b, product, s.load(biasRom, {at, lane}));
                    return rescale.emit(s, s.convert(total, whole, Rounding::Trn, Overflow::Wrap), {});
                  });
}

/// A constant as one number per element of a stream that it is broadcast to.
std::vector<double> inStreamOrder(const RealTensor &tensor, const Flow &flow) {
  std::vector<double> values;
  for (int64_t element : flow.order.indices())
    values.push_back(tensor.broadcast(flow.shape, element));
  return values;
}

LogicalResult convertWithConstant(GraphConverter &g, Operation *op, unsigned variable) {
  FailureOr<Flow> in = g.take(op, op->getOperand(variable));
  std::optional<RealTensor> constant = evaluateConstant(op->getOperand(1 - variable));
  if (failed(in))
    return failure();
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!constant || type.getShape() != llvm::ArrayRef<int64_t>(in->shape))
    return g.refuse(op, "expects a constant that is broadcast to the other operand");
  if (isa<laic::DivOp>(op) && variable == 1)
    return g.refuse(op, "a division by a tensor is not supported");
  FailureOr<Tail> tail = g.fuseTail(op, op->getResult(0), 0, 0);
  if (failed(tail))
    return failure();
  std::vector<double> numbers = inStreamOrder(*constant, *in), scale(numbers.size(), 1), bias(numbers.size(), 0);
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (isa<laic::MulOp, laic::DivOp>(op))
      scale[i] = isa<laic::MulOp>(op) ? numbers[i] : 1 / numbers[i];
    else
      bias[i] = isa<laic::SubOp>(op) && variable == 0 ? -numbers[i] : numbers[i];
    if (isa<laic::SubOp>(op) && variable == 1)
      scale[i] = -1;
  }
  g.set(tail->end, multiplyAdd(g, op->getLoc(), *in, scale, bias, *tail));
  return success();
}

/// The second tensor in the order and words of the first.
LogicalResult convertTwo(GraphConverter &g, Operation *op) {
  FailureOr<Flow> x = g.take(op, op->getOperand(0)), y = g.take(op, op->getOperand(1));
  if (failed(x) || failed(y))
    return failure();
  if (x->shape != y->shape)
    return g.refuse(op, "expects two tensors of one shape; broadcasting one of them is not supported");
  if (!isa<laic::AddOp, SumOp, laic::SubOp, laic::MulOp>(op))
    return g.refuse(op, "the target has no stage for this operation on two tensors");
  FailureOr<Tail> tail = g.fuseTail(op, op->getResult(0), 0, 0);
  if (failed(tail))
    return failure();
  Location loc = op->getLoc();
  Flow second = g.withLanes(loc, g.inOrder(loc, *y, x->order), x->lanes());
  const Encoding &a = x->encoding, &b = second.encoding, &out = tail->encoding;
  MLIRContext *context = op->getContext();
  Rescaler rescale;
  rescale.out = out;
  rescale.clamp = tail->clamp;
  rescale.fixed = a.fixed && b.fixed && out.fixed;
  auto without = [&](StageBuilder &s, Value value, const Encoding &encoding) -> Value { // the zero point
    Value raw = s.raw(value);
    return encoding.zero == 0 ? raw
                              : Value(hls::SubOp::create(s.b, raw, s.constant(cast<NumType>(raw.getType()), encoding.zero)));
  };
  bool product = isa<laic::MulOp>(op), minus = isa<laic::SubOp>(op);
  NumType acc = NumType::getInt(context, a.type.getWidth() + b.type.getWidth() + 3); // of a product without zero points
  if (product && !rescale.fixed)
    rescale.integer = requantization(acc, {a.scale * b.scale / out.scale}, out, tail->clamp);
  // Sums: both in units of the result over 2^shift, so that one rounding is left.
  constexpr int kFactorBits = 20;
  int shift = kFactorBits - 1 - static_cast<int>(std::floor(std::log2(std::max(a.scale, b.scale) / out.scale)));
  shift = std::max(0, std::min(shift, 40));
  int64_t factors[2];
  for (int i = 0; i < 2; ++i)
    factors[i] = static_cast<int64_t>(std::floor(std::ldexp((i ? b : a).scale / out.scale, shift) + 0.5));
  auto body = [&](StageBuilder &s, ValueRange values, Value, Value) -> Value {
    if (rescale.fixed) {
      Value exact = product ? Value(hls::MulOp::create(s.b, values[0], values[1]))
                    : minus ? Value(hls::SubOp::create(s.b, values[0], values[1]))
                            : Value(hls::AddOp::create(s.b, values[0], values[1]));
      return rescale.emit(s, exact, {});
    }
    Value left = without(s, values[0], a), right = without(s, values[1], b), total;
    if (product) {
      total = hls::MulOp::create(s.b, left, right);
      return rescale.emit(s, s.convert(total, acc, Rounding::Trn, Overflow::Wrap), {});
    }
    NumType factor = NumType::getInt(context, kFactorBits + 2);
    left = hls::MulOp::create(s.b, left, s.constant(factor, factors[0]));
    right = hls::MulOp::create(s.b, right, s.constant(factor, factors[1]));
    total = minus ? Value(hls::SubOp::create(s.b, left, right)) : Value(hls::AddOp::create(s.b, left, right));
    Rescaler sum = rescale;
    sum.integer = requantization(cast<NumType>(total.getType()), {1.0}, out, tail->clamp);
    sum.integer.multipliers = {1};
    sum.integer.bits = 1;
    sum.integer.shift = shift;
    return sum.emit(s, total, {});
  };
  g.set(tail->end, mapWords(g, loc, product ? "multiply" : minus ? "subtract" : "add", {*x, second}, out, x->shape, body));
  return success();
}

} // namespace

/// Relu and Clip that nothing before them takes along: bounds on a change of encoding.
static LogicalResult convertBounds(GraphConverter &g, Operation *op) {
  FailureOr<Flow> in = g.take(op, op->getOperand(0));
  std::optional<Clamp> clamp = g.boundsOf(op, op->getOperand(0));
  if (failed(in))
    return failure();
  if (!clamp)
    return g.refuse(op, "expects constant bounds");
  FailureOr<Tail> tail = g.fuseTail(op, op->getResult(0), 0, 0);
  if (failed(tail))
    return failure();
  if (tail->clamp.lo)
    clamp->atLeast(*tail->clamp.lo);
  if (tail->clamp.hi)
    clamp->atMost(*tail->clamp.hi);
  g.set(tail->end, g.rescaled(op->getLoc(), *in, tail->encoding, *clamp));
  return success();
}

LogicalResult laic::hls::convertElementwise(GraphConverter &g, Operation *op) {
  if (isa<ReluOp, ClipOp>(op))
    return convertBounds(g, op);
  llvm::SmallVector<unsigned> variables;
  for (auto [i, operand] : llvm::enumerate(op->getOperands()))
    if (!g.isConstant(operand))
      variables.push_back(i);
  if (variables.size() == 2 && op->getNumOperands() == 2)
    return convertTwo(g, op);
  if (variables.size() == 1) {
    bool divides = isa<laic::DivOp>(op) && variables[0] == 1;
    if (isArithmetic(op) && op->getNumOperands() == 2 && (!divides || !evaluateScalar(op->getOperand(0))))
      return convertWithConstant(g, op, variables[0]);
    if (llvm::all_of(llvm::enumerate(op->getOperands()), [&](auto operand) {
          return operand.index() == variables[0] || evaluateScalar(operand.value()).has_value();
        }))
      return convertByTable(g, op, op->getOperand(variables[0]));
  }
  return g.refuse(op, "the target has no stage for this operation with these operands");
}

LogicalResult laic::hls::convertBatchNormalization(GraphConverter &g, BatchNormalizationOp op) {
  FailureOr<Flow> in = g.take(op, op.getX());
  if (failed(in))
    return failure();
  FailureOr<Tail> tail = g.fuseTail(op, op.getY(), 0, 0);
  if (failed(tail))
    return failure();
  std::optional<Normalization> n = normalizationOf(op);
  if (!n || in->shape.size() < 2 || static_cast<int64_t>(n->factor.size()) != in->shape[1])
    return g.refuse(op, "expects constant statistics");
  RealTensor factors, offsets;
  factors.values = n->factor;
  for (size_t c = 0; c < n->factor.size(); ++c)
    offsets.values.push_back(n->shift[c] - n->mean[c] * n->factor[c]);
  factors.shape.assign(in->shape.size() - 1, 1); // C x 1 x ...
  factors.shape[0] = factors.elements();
  offsets.shape = factors.shape;
  g.set(tail->end, multiplyAdd(g, op.getLoc(), *in, inStreamOrder(factors, *in), inStreamOrder(offsets, *in), *tail));
  return success();
}

Flow GraphConverter::rescaled(Location loc, Flow flow, const Encoding &encoding, const Clamp &clamp) {
  if (flow.encoding == encoding && !clamp.lo && !clamp.hi)
    return flow;
  Tail tail;
  tail.encoding = encoding;
  tail.clamp = clamp;
  std::vector<double> ones(flow.elements(), 1), zeros(flow.elements(), 0);
  return multiplyAdd(*this, loc, flow, ones, zeros, tail);
}
