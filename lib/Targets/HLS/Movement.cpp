// Stages that only move numbers: orders, word sizes, transposes and concatenation.
#include "GraphConverter.h"

#include <numeric>

using namespace mlir;
using namespace laic;
using namespace laic::hls;

/// An input port that nobody reads yet may still bring its tensor as its first reader wants it.
static PortOp freePort(Value stream) {
  auto port = stream.getDefiningOp<PortOp>();
  return port && !port.getOutput() && stream.use_empty() ? port : PortOp();
}

/// Orders are in elements of the tensor that a flow stands for, which reshapes and transposes have made of the port's. False where the
/// port's own elements would come in no nest of axes.
bool GraphConverter::setPortOrder(const Flow &flow, const Order &order) {
  auto port = flow.stream.getDefiningOp<PortOp>();
  // Which place of the stream as it is now brings the element that the new order has at each place.
  std::vector<int64_t> now = flow.order.indices(), place(now.size()), wanted = order.indices();
  for (size_t i = 0; i < now.size(); ++i)
    place[now[i]] = i;
  auto moved = [&](const Order &from) {
    std::vector<int64_t> indices = from.indices(), result;
    for (int64_t element : wanted)
      result.push_back(indices[place[element]]);
    return Order::fromIndices(std::move(result));
  };
  llvm::SmallVector<std::pair<int64_t, int64_t>> axes;
  for (size_t i = 0; i + 1 < port.getOrder().size(); i += 2)
    axes.emplace_back(port.getOrder()[i], port.getOrder()[i + 1]);
  std::optional<Order> ofPort = moved(Order(axes));
  llvm::SmallVector<std::pair<Flow *, Order>> changes;
  for (auto &entry : flows)
    if (entry.second.stream == flow.stream) {
      std::optional<Order> changed = moved(entry.second.order);
      if (!changed)
        return false;
      changes.emplace_back(&entry.second, *changed);
    }
  if (!ofPort)
    return false;
  port.setOrder(ofPort->flat());
  for (auto &[changed, to] : changes)
    changed->order = to;
  return true;
}

Flow GraphConverter::inOrder(Location loc, Flow flow, const Order &order) {
  if (flow.order == order)
    return flow;
  if (freePort(flow.stream) && setPortOrder(flow, order)) {
    flow.order = order;
    return flow;
  }
  // Where in the stream the elements of the new order are.
  std::vector<int64_t> now = flow.order.indices(), position(now.size()), wanted = order.indices();
  for (size_t i = 0; i < now.size(); ++i)
    position[now[i]] = i;
  for (int64_t &element : wanted)
    element = position[element];
  Order places = *Order::fromIndices(std::move(wanted)); // both are nests of axes

  Flow result = make(loc, "reordered", 1, flow.encoding, flow.shape, order);
  StageOp stage = design.stage(loc, design.uniqueName(loc, "reorder"), "reorder", {flow.stream}, {result.stream});
  StageBuilder s(stage);
  int64_t lanes = flow.lanes();
  Value tensor = s.buffer("tensor", {flow.elements()}, flow.encoding.type, {lanes});
  s.pipelined("fill", flow.words(), [&](Value i) { s.read(0, tensor, {s.mul(i, lanes)}); });
  llvm::SmallVector<std::pair<int64_t, int64_t>> axes(places.getAxes());
  std::function<void(size_t, Value)> nest = [&](size_t depth, Value base) {
    if (depth == axes.size())
      return s.write(0, tensor, {base});
    int64_t size = axes[depth].first, stride = axes[depth].second;
    auto body = [&](Value i) { nest(depth + 1, s.add(base, s.mul(i, stride))); };
    std::string label = "axis" + std::to_string(depth);
    depth + 1 == axes.size() ? s.pipelined(label, size, body) : s.loop(label, size, body);
  };
  nest(0, s.index(0));
  return result;
}

Flow GraphConverter::withLanes(Location loc, Flow flow, unsigned lanes) {
  if (flow.lanes() == lanes)
    return flow;
  if (PortOp port = freePort(flow.stream)) {
    port.getStream().setType(StreamType::get(loc.getContext(), lanes, flow.encoding.type));
    return flow;
  }
  int64_t from = flow.lanes(), group = std::lcm<int64_t>(from, lanes);
  Flow result = make(loc, "repacked", lanes, flow.encoding, flow.shape, flow.order);
  StageOp stage = design.stage(loc, design.uniqueName(loc, "repack"), "repack", {flow.stream}, {result.stream});
  StageBuilder s(stage);
  Value words = s.buffer("words", {group}, flow.encoding.type, {std::max<int64_t>(from, lanes)});
  s.loop("groups", flow.elements() / group, [&](Value) {
    s.pipelined("take", group / from, [&](Value i) { s.read(0, words, {s.mul(i, from)}); });
    s.pipelined("give", group / lanes, [&](Value i) { s.write(0, words, {s.mul(i, lanes)}); });
  });
  return result;
}

LogicalResult laic::hls::convertTranspose(GraphConverter &g, TransposeOp op) {
  FailureOr<Flow> flow = g.take(op, op.getData());
  if (failed(flow))
    return failure();
  auto type = cast<RankedTensorType>(op.getTransposed().getType());
  int64_t rank = type.getRank();
  llvm::SmallVector<int64_t> permutation, inverse(rank);
  if (auto given = op.getPerm())
    permutation.assign(given->begin(), given->end());
  else
    for (int64_t i = rank; i-- > 0;)
      permutation.push_back(i);
  for (auto [to, from] : llvm::enumerate(permutation))
    inverse[from] = to;
  // Element i of the operand is element place[i] of the result: the result in the operand's axes order lists just that.
  std::vector<int64_t> place = Order::permuted(type.getShape(), inverse).indices(), indices = flow->order.indices();
  for (int64_t &index : indices)
    index = place[index];
  std::optional<Order> order = Order::fromIndices(std::move(indices));
  if (!order)
    return g.refuse(op, "its elements come in an order that is no nest of axes");
  flow->order = *order;
  flow->shape.assign(type.getShape());
  g.set(op.getTransposed(), *flow);
  return success();
}

LogicalResult laic::hls::convertConcat(GraphConverter &g, ConcatOp op) {
  auto type = cast<RankedTensorType>(op.getConcatResult().getType());
  int64_t rank = type.getRank(), axis = (static_cast<int64_t>(op.getAxis()) + rank) % rank;
  FailureOr<Tail> tail = g.fuseTail(op, op.getConcatResult(), 0, 0);
  if (failed(tail))
    return failure();
  // Outer axes turn slower than the joined one; the others make up a piece of each operand.
  auto slowness = [&](int64_t d) { return rank >= 3 && d == 1 ? rank : d; }; // channels last
  llvm::SmallVector<Flow> parts;
  llvm::SmallVector<int64_t> pieces;
  int64_t lanes = 0, turns = 0;
  for (Value operand : op.getInputs()) {
    FailureOr<Flow> flow = g.take(op, operand);
    if (failed(flow))
      return failure();
    auto shape = cast<RankedTensorType>(operand.getType()).getShape();
    int64_t outer = 1;
    for (int64_t d = 0; d < rank; ++d)
      if (slowness(d) < slowness(axis))
        outer *= shape[d];
    Flow part = g.rescaled(op.getLoc(), g.inOrder(op.getLoc(), *flow, Order::channelsLast(shape)), tail->encoding, tail->clamp);
    pieces.push_back(part.elements() / outer);
    turns = outer;
    lanes = std::gcd<int64_t>(lanes, std::gcd<int64_t>(part.lanes(), pieces.back()));
    parts.push_back(part);
  }
  llvm::SmallVector<Value> streams;
  for (Flow &part : parts)
    streams.push_back(g.withLanes(op.getLoc(), part, lanes).stream);
  Flow result = g.make(op.getLoc(), "joined", lanes, tail->encoding, type.getShape(), Order::channelsLast(type.getShape()));
  StageBuilder s(g.design.stage(op.getLoc(), g.design.uniqueName(op.getLoc(), "concat"), "concat", streams, {result.stream}));
  Value word = s.buffer("word", {lanes}, tail->encoding.type, {lanes});
  s.loop("turns", turns, [&](Value) {
    for (auto [i, piece] : llvm::enumerate(pieces))
      s.pipelined("part" + std::to_string(i), piece / lanes, [&, i = i](Value) {
        s.read(i, word, {s.index(0)});
        s.write(0, word, {s.index(0)});
      });
  });
  g.set(tail->end, result);
  return success();
}
