// Upgrades from opsets 1 to 6.
#include "UpgradeTable.h"

#include <algorithm>

namespace laic {
namespace onnx {

// A hint of the first version that inputs may be overwritten.
bool dropConsumedInputs(Node &node, Rewriter &) {
  take(node, "consumed_inputs");
  return true;
}

// broadcast = 1: B is laid along A from dim `axis` on, or along A's last dims. The latter is what
// broadcasting does today; for the former B gets as many trailing dims of size 1 as A has left.
bool legacyBroadcast(Node &node, Rewriter &rewriter) {
  bool broadcast = takeInt(node, "broadcast", 0) != 0;
  std::optional<Attribute> axis = take(node, "axis");
  if (!broadcast || !axis || axis->kind != Attribute::Kind::Int || node.inputs.size() != 2)
    return true;
  int rankA = rewriter.of(node.inputs[0]).rank, rankB = rewriter.of(node.inputs[1]).rank;
  if (rankB >= 0 && (rankA >= 0 || axis->i < 0)) {
    int64_t trailing = axis->i < 0 ? -axis->i - rankB : rankA - axis->i - rankB;
    if (trailing < 0)
      return rewriter.fail("axis " + std::to_string(axis->i) + " lays " + std::to_string(rankB) + " dims beyond the " +
                               std::to_string(rankA) + " of the first input",
                           "export the model for opset 7 or newer");
    std::vector<int64_t> axes;
    for (int64_t i = 0; i < trailing; ++i)
      axes.push_back(rankB + i);
    if (trailing > 0)
      node.inputs[1] = rewriter.emit("Unsqueeze", {node.inputs[1], rewriter.constant(axes, "axes")});
    return true;
  }
  std::string end = axis->i < 0 ? rewriter.constant({-axis->i}, "axis")
                                : rewriter.emit("Sub", {rewriter.rank(node.inputs[0]), rewriter.constant({axis->i}, "axis")});
  std::string trailing = rewriter.emit("Sub", {end, rewriter.rank(node.inputs[1])});
  node.inputs[1] = rewriter.appendOnes(node.inputs[1], trailing);
  return true;
}

// Since opset 7 C broadcasts by itself.
bool legacyGemm(Node &node, Rewriter &) {
  take(node, "broadcast");
  return true;
}

// The slope is one number or one per channel; since opset 7 it broadcasts, so channels need dims behind them.
bool legacyPRelu(Node &node, Rewriter &rewriter) {
  if (node.inputs.size() != 2)
    return true;
  Facts::Value slope = rewriter.of(node.inputs[1]);
  bool isOne = slope.constant && (slope.constant->dims.empty() || slope.constant->dims == std::vector<int64_t>{1});
  int rank = rewriter.of(node.inputs[0]).rank;
  if (isOne || slope.rank > 1 || rank == 1 || rank == 2)
    return true;
  std::string trailing = rewriter.emit("Sub", {rewriter.rank(node.inputs[0]), rewriter.constant({2}, "leading")});
  node.inputs[1] = rewriter.appendOnes(node.inputs[1], trailing);
  return true;
}

// `to` was the name of the type.
bool legacyCast(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> to = take(node, "to");
  if (!to || to->kind != Attribute::Kind::String) {
    if (to)
      set(node, *to);
    return true;
  }
  static const char *const names[] = {"UNDEFINED", "FLOAT", "UINT8",   "INT8",   "UINT16", "INT16",  "INT32",     "INT64",
                                      "STRING",    "BOOL",  "FLOAT16", "DOUBLE", "UINT32", "UINT64", "COMPLEX64", "COMPLEX128"};
  std::string upper = to->s;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(toupper(c)); });
  auto found = std::find(std::begin(names), std::end(names), upper);
  if (found == std::end(names) || found == std::begin(names))
    return rewriter.fail("unknown type '" + printable(to->s) + "' to cast to", "expects FLOAT, INT64, ...");
  set(node, intAttribute("to", found - std::begin(names)));
  return true;
}

// The axis was optional and 1.
bool legacyConcat(Node &node, Rewriter &) {
  if (!node.attribute("axis"))
    set(node, intAttribute("axis", 1));
  return true;
}

// LpPool, GlobalLpPool: p was a float.
bool legacyPower(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> p = take(node, "p");
  if (!p)
    return true;
  if (p->kind != Attribute::Kind::Float) {
    set(node, *p);
    return true;
  }
  if (!(p->f >= 1 && p->f < 1000) || p->f != static_cast<float>(static_cast<int>(p->f)))
    return rewriter.fail("expects a whole number p from 1 on, got " + std::to_string(p->f),
                         "export the model for opset 2 or newer");
  set(node, intAttribute("p", static_cast<int64_t>(p->f)));
  return true;
}

bool legacyPaddings(Node &node, Rewriter &) {
  std::optional<Attribute> pads = take(node, "paddings");
  if (pads) {
    pads->name = "pads";
    set(node, *pads);
  }
  return true;
}

// The defaults had five digits.
bool legacySelu(Node &node, Rewriter &) {
  for (auto entry : {std::make_pair("alpha", 1.6732f), std::make_pair("gamma", 1.0507f)}) {
    if (node.attribute(entry.first))
      continue;
    Attribute attribute;
    attribute.name = entry.first;
    attribute.kind = Attribute::Kind::Float;
    attribute.f = entry.second;
    set(node, attribute);
  }
  return true;
}

// Sizes came as an input, or (as until opset 13) as an attribute; the input of opset 1 is the one of
// opset 13.
bool legacySplit(Node &node, Rewriter &rewriter) {
  if (node.inputs.size() > 1 && !node.inputs[1].empty()) {
    take(node, "split");
    DataType type = rewriter.of(node.inputs[1]).type;
    if (type != DataType::I64)
      node.inputs[1] = rewriter.emit("Cast", {node.inputs[1]}, {intAttribute("to", static_cast<int64_t>(DataType::I64))});
  }
  return true;
}

// (input, tiles, axis) repeated one dim only: repeats is 1 everywhere but at the axis.
bool legacyTile(Node &node, Rewriter &rewriter) {
  if (node.inputs.size() != 3)
    return true;
  auto toIndex = [&](const std::string &value) {
    std::string whole = rewriter.emit("Cast", {value}, {intAttribute("to", static_cast<int64_t>(DataType::I64))});
    return rewriter.emit("Reshape", {whole, rewriter.constant({1}, "one")});
  };
  std::string rank = rewriter.rank(node.inputs[0]);
  std::string ones = rewriter.emit("Expand", {rewriter.constant({1}, "one"), rank});
  std::string repeats = rewriter.emit("ScatterElements", {ones, toIndex(node.inputs[2]), toIndex(node.inputs[1])});
  node.inputs = {node.inputs[0], repeats};
  return true;
}

// LSTM, GRU, RNN: whether Y is wanted is told by the outputs themselves. GRU-1 misspelt its default
// direction.
bool legacyRecurrent(Node &node, Rewriter &) {
  take(node, "output_sequence");
  const Attribute *direction = node.attribute("direction");
  if (direction && direction->s == "foward")
    set(node, stringAttribute("direction", "forward"));
  return true;
}

bool legacyReshape(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> shape = take(node, "shape");
  if (node.inputs.size() != 1)
    return true;
  if (!shape || shape->kind != Attribute::Kind::Ints)
    return rewriter.fail("has no attribute 'shape'", "export the model for opset 5 or newer");
  node.inputs.push_back(rewriter.constant(shape->ints, "shape"));
  return true;
}

// Two factors for the last two of four dims.
bool legacyUpsample(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> height = take(node, "height_scale"), width = take(node, "width_scale");
  if (!height || !width || height->kind != Attribute::Kind::Float || width->kind != Attribute::Kind::Float)
    return node.attribute("scales") ||
           rewriter.fail("expects the attributes 'height_scale' and 'width_scale'", "export the model for opset 9 or newer");
  const Attribute *mode = node.attribute("mode");
  if (mode && mode->s == "bilinear")
    set(node, stringAttribute("mode", "linear"));
  Attribute scales;
  scales.name = "scales";
  scales.kind = Attribute::Kind::Floats;
  scales.floats = {1, 1, height->f, width->f};
  set(node, scales);
  return true;
}

} // namespace onnx
} // namespace laic
