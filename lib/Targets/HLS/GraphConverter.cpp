// Flows, fused tails, ports and forks.
#include "GraphConverter.h"

#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/Ranges.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "laic/Dialect/Laic/VariadicOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::hls;

GraphConverter::GraphConverter(func::FuncOp main, OpBuilder &b, unsigned width, llvm::ArrayRef<Folding> foldings)
    : design(b, main.getLoc(), "top"), main(main), width(width), foldings(foldings) {}

LogicalResult GraphConverter::refuse(Operation *op, const llvm::Twine &why) {
  return op->emitError() << "cannot be streamed: " << why;
}

static bool isView(Operation *op) { return isa<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp, IdentityOp, DropoutOp>(op); }

static Value onlyUseResult(Value value, Operation *&user) {
  if (!value.hasOneUse())
    return {};
  user = *value.getUsers().begin();
  return user->getNumResults() ? user->getResult(0) : Value();
}

// ---- encodings ----

FailureOr<Encoding> GraphConverter::quantizedEncoding(QuantizeLinearOp op) {
  std::optional<double> scale = evaluateScalar(op.getYScale());
  if (!scale || *scale <= 0)
    return refuse(op, "expects one positive scale that is known when compiling");
  auto element = dyn_cast<IntegerType>(cast<RankedTensorType>(op.getY().getType()).getElementType());
  if (!element || element.getWidth() > 16)
    return refuse(op, "expects integers of at most 16 bits");
  double zero = evaluateScalar(op.getYZeroPoint()).value_or(0);
  return Encoding{NumType::getInt(op.getContext(), element.getWidth(), !element.isUnsigned()), *scale, static_cast<int64_t>(zero),
                  false};
}

static std::optional<std::pair<double, double>> rangeIn(Attribute attr) {
  auto range = dyn_cast_or_null<ArrayAttr>(attr);
  if (!range || range.size() != 2 || !isa<FloatAttr>(range[0]) || !isa<FloatAttr>(range[1]))
    return std::nullopt;
  return std::make_pair(cast<FloatAttr>(range[0]).getValueAsDouble(), cast<FloatAttr>(range[1]).getValueAsDouble());
}

static InFlightDiagnostic needsRange(InFlightDiagnostic diagnostic) {
  diagnostic << "is a float tensor whose range is not known";
  diagnostic.attachNote() << "give --calibration=FILE.npz with typical inputs, or quantise the model";
  return diagnostic;
}

FailureOr<Encoding> GraphConverter::floatEncoding(Operation *op, Value value) {
  auto range = value.getDefiningOp() ? rangeIn(value.getDefiningOp()->getAttr(laic::kRangeAttr)) : std::nullopt;
  if (!range)
    return needsRange(op->emitError() << "its result ");
  return Encoding::forRange(op->getContext(), width, range->first, range->second, Encoding::kMeasuredMargin);
}

/// An input that is quantised at once comes quantised into the design.
FailureOr<Encoding> GraphConverter::inputEncoding(BlockArgument argument) {
  Value value = argument;
  Operation *user = nullptr;
  for (Value next = onlyUseResult(value, user); next && (isView(user) || isa<TransposeOp>(user));
       next = onlyUseResult(next, user))
    value = next;
  if (value.hasOneUse())
    if (auto quantize = dyn_cast<QuantizeLinearOp>(*value.getUsers().begin()); quantize && quantize.getX() == value)
      return quantizedEncoding(quantize);
  auto name = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "laic.name");
  auto type = cast<RankedTensorType>(argument.getType());
  if (auto integer = dyn_cast<IntegerType>(type.getElementType()); integer && integer.getWidth() > 1 && integer.getWidth() <= 16)
    return Encoding{NumType::getInt(main.getContext(), integer.getWidth(), !integer.isUnsigned()), 1, 0, false};
  if (!isa<FloatType>(type.getElementType()))
    return main.emitError() << "input '" << name.getValue()
                            << "' cannot be streamed: expects floats or integers of 2 to 16 bits, got " << type.getElementType();
  auto range = rangeIn(main.getArgAttr(argument.getArgNumber(), laic::kRangeAttr));
  if (!range)
    return needsRange(main.emitError() << "input '" << name.getValue() << "' ");
  return Encoding::forRange(main.getContext(), width, range->first, range->second, Encoding::kMeasuredMargin);
}

// ---- flows ----

FailureOr<Flow> GraphConverter::take(Operation *user, Value value) {
  if (auto known = flows.find(value); known != flows.end())
    return known->second;
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument) {
    if (constants.contains(value))
      return refuse(user, "expects a tensor that depends on an input where it got a constant");
    return failure(); // what makes it was refused
  }
  FailureOr<Encoding> encoding = inputEncoding(argument);
  if (failed(encoding))
    return failure();
  auto type = cast<RankedTensorType>(argument.getType());
  auto name = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "laic.name").getValue();
  Order order = Order::rowMajor(type.getNumElements());
  PortOp port = design.port(main.getLoc(), name, false, argument.getArgNumber(), type, order, *encoding,
                            StreamType::get(main.getContext(), 1, encoding->type));
  Flow flow{port.getStream(), *encoding, llvm::SmallVector<int64_t>(type.getShape()), order};
  set(value, flow);
  return flow;
}

Flow GraphConverter::make(Location loc, llvm::StringRef suffix, unsigned lanes, const Encoding &encoding,
                          llvm::ArrayRef<int64_t> shape, const Order &order) {
  StreamOp stream = design.stream(loc, design.uniqueName(loc, suffix), lanes, encoding.type);
  return {stream.getStream(), encoding, llvm::SmallVector<int64_t>(shape), order};
}

Folding GraphConverter::folding(const LinearLayer &layer) {
  layers.push_back(layer);
  return layers.size() <= foldings.size() ? foldings[layers.size() - 1] : Folding();
}

// ---- tails ----

/// A constant operand as one number per channel; nothing where it varies along other axes.
static std::optional<std::vector<double>> perChannel(Value operand, Value result, int64_t channels, int64_t axis) {
  std::optional<RealTensor> tensor = evaluateConstant(operand);
  if (!tensor)
    return std::nullopt;
  int64_t rank = cast<RankedTensorType>(result.getType()).getRank(), offset = rank - static_cast<int64_t>(tensor->shape.size());
  for (auto [d, size] : llvm::enumerate(tensor->shape))
    if (size != 1 && (static_cast<int64_t>(d) + offset != axis || size != channels))
      return std::nullopt;
  if (tensor->elements() == 1)
    return std::vector<double>(channels, tensor->values[0]);
  return tensor->values;
}

std::optional<Normalization> laic::hls::normalizationOf(BatchNormalizationOp op) {
  std::optional<RealTensor> scale = evaluateConstant(op.getScale()), shift = evaluateConstant(op.getB()),
                            mean = evaluateConstant(op.getInputMean()), variance = evaluateConstant(op.getInputVar());
  if (!scale || !shift || !mean || !variance || op.getTrainingMode() != 0)
    return std::nullopt;
  Normalization n{{}, mean->values, shift->values};
  for (auto [s, v] : llvm::zip(scale->values, variance->values))
    n.factor.push_back(s / std::sqrt(v + op.getEpsilon().convertToDouble()));
  return n;
}

bool GraphConverter::fuseAffine(Operation *user, Tail &tail, int64_t channels, int64_t axis) {
  if (channels == 0 || tail.clamp.lo || tail.clamp.hi)
    return false;
  Value result = user->getResult(0);
  if (auto norm = dyn_cast<BatchNormalizationOp>(user)) {
    std::optional<Normalization> n = normalizationOf(norm);
    if (norm.getX() != tail.end || axis != 1 || !n || static_cast<int64_t>(n->factor.size()) != channels)
      return false;
    for (int64_t c = 0; c < channels; ++c) {
      tail.scale[c] *= n->factor[c];
      tail.bias[c] = (tail.bias[c] - n->mean[c]) * n->factor[c] + n->shift[c];
    }
    return true;
  }
  if (!isa<laic::AddOp, laic::SubOp, laic::MulOp, laic::DivOp>(user))
    return false;
  bool first = user->getOperand(0) == tail.end;
  Value other = user->getOperand(first ? 1 : 0);
  if (other == tail.end ||
      cast<RankedTensorType>(result.getType()).getShape() != cast<RankedTensorType>(tail.end.getType()).getShape())
    return false;
  std::optional<std::vector<double>> numbers = perChannel(other, result, channels, axis);
  if (!numbers || (isa<laic::DivOp>(user) && (!first || llvm::is_contained(*numbers, 0.0))))
    return false;
  for (int64_t c = 0; c < channels; ++c) {
    double number = (*numbers)[c];
    if (isa<laic::AddOp>(user))
      tail.bias[c] += number;
    else if (isa<laic::SubOp>(user) && first)
      tail.bias[c] -= number;
    else if (isa<laic::SubOp>(user))
      tail.scale[c] = -tail.scale[c], tail.bias[c] = number - tail.bias[c];
    else
      tail.scale[c] = isa<laic::MulOp>(user) ? tail.scale[c] * number : tail.scale[c] / number,
      tail.bias[c] = isa<laic::MulOp>(user) ? tail.bias[c] * number : tail.bias[c] / number;
  }
  return true;
}

std::optional<Clamp> GraphConverter::boundsOf(Operation *op, Value value) {
  Clamp clamp;
  if (isa<ReluOp>(op))
    return clamp.atLeast(0), clamp;
  auto clip = dyn_cast<ClipOp>(op);
  if (!clip || clip.getInput() != value)
    return std::nullopt;
  std::optional<double> lo = evaluateScalar(clip.getMin()), hi = evaluateScalar(clip.getMax());
  if ((!lo && isa<RankedTensorType>(clip.getMin().getType())) || (!hi && isa<RankedTensorType>(clip.getMax().getType())))
    return std::nullopt;
  if (lo)
    clamp.atLeast(*lo);
  if (hi)
    clamp.atMost(*hi);
  return clamp;
}

bool GraphConverter::fuse(Operation *user, Tail &tail, int64_t channels, int64_t axis) {
  if (std::optional<Clamp> clamp = boundsOf(user, tail.end)) {
    if (clamp->lo)
      tail.clamp.atLeast(*clamp->lo);
    if (clamp->hi)
      tail.clamp.atMost(*clamp->hi);
    return true;
  }
  return isa<IdentityOp>(user) || fuseAffine(user, tail, channels, axis);
}

FailureOr<Tail> GraphConverter::fuseTail(Operation *op, Value result, int64_t channels, int64_t axis) {
  Tail tail;
  tail.end = result;
  tail.scale.assign(channels, 1);
  tail.bias.assign(channels, 0);
  Operation *user = nullptr;
  while (Value next = onlyUseResult(tail.end, user)) {
    if (auto quantize = dyn_cast<QuantizeLinearOp>(user); quantize && quantize.getX() == tail.end) {
      FailureOr<Encoding> encoding = quantizedEncoding(quantize);
      if (failed(encoding))
        return failure();
      skip(user);
      tail.end = next;
      tail.encoding = *encoding;
      return tail;
    }
    if (!fuse(user, tail, channels, axis))
      break;
    skip(user);
    tail.end = next;
  }
  FailureOr<Encoding> encoding = floatEncoding(op, tail.end);
  if (failed(encoding))
    return failure();
  tail.encoding = *encoding;
  return tail;
}

Value Rescaler::emit(StageBuilder &s, Value acc, ValueRange channel) const {
  NumType raw =
      NumType::get(out.type.getContext(), out.type.getWidth(), static_cast<int>(out.type.getWidth()), out.type.getIsSigned());
  if (fixed) {
    Value value = s.convert(acc, out.type, Rounding::RndConv, Overflow::Sat);
    if (clamp.lo)
      value = hls::MaxOp::create(s.b, value, s.constant(out.type, out.quantize(*clamp.lo)));
    if (clamp.hi)
      value = hls::MinOp::create(s.b, value, s.constant(out.type, out.quantize(*clamp.hi)));
    return value;
  }
  Value multiplier = multipliers
                         ? s.load(multipliers, channel)
                         : s.constant(NumType::getInt(out.type.getContext(), integer.bits, false), integer.multipliers[0]);
  Value value =
      RequantizeOp::create(s.b, raw, acc, multiplier, s.b.getI64IntegerAttr(integer.shift), s.b.getI64IntegerAttr(out.zero),
                           s.b.getI64IntegerAttr(integer.lowest), s.b.getI64IntegerAttr(integer.highest));
  return s.asEncoded(value, out);
}

// ---- the walk ----

LogicalResult GraphConverter::convert(Operation *op) {
  if (isView(op)) {
    FailureOr<Flow> flow = take(op, op->getOperand(0));
    if (failed(flow))
      return failure();
    flow->shape.assign(cast<RankedTensorType>(op->getResult(0).getType()).getShape());
    set(op->getResult(0), *flow);
    return success();
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](QuantizeLinearOp quantize) -> LogicalResult {
        FailureOr<Flow> flow = take(op, quantize.getX());
        FailureOr<Encoding> encoding = quantizedEncoding(quantize);
        if (failed(flow) || failed(encoding))
          return failure();
        set(quantize.getY(), rescaled(op->getLoc(), *flow, *encoding));
        return success();
      })
      .Case([&](DequantizeLinearOp dequantize) -> LogicalResult {
        FailureOr<Flow> flow = take(op, dequantize.getX());
        std::optional<double> scale = evaluateScalar(dequantize.getXScale());
        if (failed(flow))
          return failure();
        if (!scale || *scale <= 0)
          return refuse(op, "expects one positive scale that is known when compiling");
        flow->encoding.scale = *scale;
        flow->encoding.zero = static_cast<int64_t>(evaluateScalar(dequantize.getXZeroPoint()).value_or(0));
        set(dequantize.getY(), *flow);
        return success();
      })
      .Case([&](TransposeOp transpose) { return convertTranspose(*this, transpose); })
      .Case([&](ConvOp conv) { return convertConv(*this, conv); })
      .Case([&](MatMulOp matmul) { return convertMatMul(*this, matmul); })
      .Case([&](GemmOp gemm) { return convertGemm(*this, gemm); })
      .Case([&](ReduceMeanOp mean) { return convertReduceMean(*this, mean); })
      .Case([&](BatchNormalizationOp norm) { return convertBatchNormalization(*this, norm); })
      .Case([&](SoftmaxOp softmax) { return convertSoftmax(*this, softmax); })
      .Case([&](ConcatOp concat) { return convertConcat(*this, concat); })
      .Case<MaxPoolOp, AveragePoolOp, GlobalAveragePoolOp, GlobalMaxPoolOp>([&](auto) { return convertPool(*this, op); })
      .Default([&](Operation *) -> LogicalResult {
        if (isa<ScalarBodyInterface, ClipOp>(op))
          return convertElementwise(*this, op);
        return refuse(op, "the target has no stage for this operation");
      });
}

LogicalResult GraphConverter::run() {
  LogicalResult status = success();
  for (Operation &op : main.getBody().front().without_terminator()) {
    bool known = !op.getOperands().empty() || isa<laic::ConstantOp, laic::NoneOp>(op);
    known &= llvm::all_of(op.getOperands(), [&](Value operand) { return constants.contains(operand); });
    known |= isa<ShapeOp, SizeOfOp>(op); // sizes are static
    if (known)
      constants.insert(op.result_begin(), op.result_end());
    else if (!op.use_empty() && !done.contains(&op) && failed(convert(&op)))
      status = failure();
  }
  if (failed(status))
    return failure();
  if (failed(finish(cast<func::ReturnOp>(main.getBody().front().getTerminator()))))
    return failure();
  insertForks();
  return success();
}

/// The stage that writes a stream, or null for an input port.
static StageOp writerOf(Value stream) {
  for (OpOperand &use : stream.getUses())
    if (auto stage = dyn_cast<StageOp>(use.getOwner()); stage && use.getOperandNumber() >= stage.getInputs().size())
      return stage;
  return {};
}

static void copyWords(StageOp stage, int64_t words) {
  StageBuilder s(stage);
  StreamType type = cast<StreamType>(stage.getInputs()[0].getType());
  int64_t lanes = type.getLanes();
  Value word = s.buffer("word", {lanes}, type.getElement(), {lanes});
  s.pipelined("words", words, [&](Value) {
    s.read(0, word, {s.index(0)});
    for (unsigned i = 0; i < stage.getOutputs().size(); ++i)
      s.write(i, word, {s.index(0)});
  });
}

void GraphConverter::rename(Value from, Value to) {
  from.replaceAllUsesWith(to);
  for (auto &entry : flows)
    if (entry.second.stream == from)
      entry.second.stream = to;
}

/// An output port takes the place of the stream that it ends; one that something else needs as well is copied.
LogicalResult GraphConverter::finish(func::ReturnOp end) {
  llvm::DenseMap<Value, unsigned> ends;
  for (Value value : end.getOperands())
    if (auto known = flows.find(value); known != flows.end())
      ++ends[known->second.stream];
  for (auto [i, value] : llvm::enumerate(end.getOperands())) {
    auto name = main.getResultAttrOfType<StringAttr>(i, "laic.name").getValue();
    if (constants.contains(value))
      return end.emitError() << "output '" << name << "' cannot be streamed: it does not depend on any input";
    FailureOr<Flow> flow = take(end, value);
    if (failed(flow))
      return failure();
    Value stream = flow->stream;
    PortOp port = design.port(end.getLoc(), name, true, i, cast<RankedTensorType>(value.getType()), flow->order, flow->encoding,
                              cast<StreamType>(stream.getType()));
    if (isa<StreamOp>(stream.getDefiningOp()) && stream.hasOneUse() && ends.lookup(stream) == 1) {
      Operation *old = stream.getDefiningOp();
      rename(stream, port.getStream());
      old->erase();
      continue;
    }
    StageOp stage = design.stage(end.getLoc(), design.uniqueName(end.getLoc(), "output"), "copy", {stream}, {port.getStream()});
    copyWords(stage, flow->words());
  }
  return success();
}

void GraphConverter::insertForks() {
  llvm::SmallVector<Operation *> streams;
  for (Operation &op : getDesign().getBody().front())
    if (isa<StreamOp, PortOp>(op))
      streams.push_back(&op);
  for (Operation *op : streams) {
    Value stream = op->getResult(0);
    llvm::SmallVector<OpOperand *> readers;
    for (OpOperand &use : stream.getUses())
      if (auto stage = dyn_cast<StageOp>(use.getOwner()); stage && use.getOperandNumber() < stage.getInputs().size())
        readers.push_back(&use);
    if (readers.size() < 2)
      continue;
    llvm::sort(readers, [](OpOperand *x, OpOperand *y) { return x->getOwner()->isBeforeInBlock(y->getOwner()); });
    auto type = cast<StreamType>(stream.getType());
    StageOp writer = writerOf(stream);
    llvm::SmallVector<Value> copies;
    Operation *first = readers.front()->getOwner();
    for (size_t i = 0; i < readers.size(); ++i) {
      StreamOp copy = design.stream(op->getLoc(), design.uniqueName(writer ? writer.getLoc() : op->getLoc(), "fork"),
                                    type.getLanes(), type.getElement());
      copy->moveBefore(first);
      copies.push_back(copy.getStream());
    }
    for (auto [reader, copy] : llvm::zip(readers, copies))
      reader->set(copy);
    StageOp fork = design.stage(op->getLoc(), design.uniqueName(writer ? writer.getLoc() : op->getLoc(), "split"), "split",
                                {stream}, copies);
    fork->moveBefore(first);
    int64_t words = 0; // of the flow with this stream
    for (const auto &[value, flow] : flows)
      if (flow.stream == stream)
        words = flow.words();
    copyWords(fork, words);
  }
}
