// Upgrades that turn attributes into inputs.
#include "UpgradeTable.h"

namespace laic {
namespace onnx {

// Puts `value` at an input's position; absent inputs in front of it stay absent.
static void setInput(Node &node, size_t index, const std::string &value) {
  if (node.inputs.size() <= index)
    node.inputs.resize(index + 1);
  node.inputs[index] = value;
}

static bool takeInts(Node &node, const char *name, std::vector<int64_t> &values) {
  std::optional<Attribute> attribute = take(node, name);
  if (!attribute || attribute->kind != Attribute::Kind::Ints)
    return false;
  values = attribute->ints;
  return true;
}

// Squeeze, Unsqueeze, Reduce*. No axes mean all of them, before as after.
bool axesToInput(Node &node, Rewriter &rewriter) {
  std::vector<int64_t> axes;
  bool given = takeInts(node, "axes", axes);
  if (node.op == "Unsqueeze" && !given && node.inputs.size() < 2)
    return rewriter.fail("has no attribute 'axes'", "export the model again");
  if (given && (!axes.empty() || node.op == "Unsqueeze"))
    setInput(node, 1, rewriter.constant(axes, "axes"));
  return true;
}

bool clipToInputs(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> low = take(node, "min"), high = take(node, "max");
  if (node.inputs.size() != 1)
    return true;
  // The limits of f32 stand for "no limit".
  constexpr float largest = 3.402823466e+38f;
  if (low && low->f > -largest)
    setInput(node, 1, rewriter.scalarLike(low->f, node.inputs[0], "min"));
  if (high && high->f < largest)
    setInput(node, 2, rewriter.scalarLike(high->f, node.inputs[0], "max"));
  return true;
}

bool padToInputs(Node &node, Rewriter &rewriter) {
  std::vector<int64_t> pads;
  bool given = takeInts(node, "pads", pads);
  std::optional<Attribute> value = take(node, "value");
  if (node.inputs.size() != 1)
    return true;
  if (!given)
    return rewriter.fail("has no attribute 'pads'", "export the model again");
  setInput(node, 1, rewriter.constant(pads, "pads"));
  if (value && value->f != 0)
    setInput(node, 2, rewriter.scalarLike(value->f, node.inputs[0], "value"));
  return true;
}

bool sliceToInputs(Node &node, Rewriter &rewriter) {
  std::vector<int64_t> starts, ends, axes;
  bool hasStarts = takeInts(node, "starts", starts), hasEnds = takeInts(node, "ends", ends);
  bool hasAxes = takeInts(node, "axes", axes);
  if (node.inputs.size() != 1)
    return true;
  if (!hasStarts || !hasEnds)
    return rewriter.fail("has no attributes 'starts' and 'ends'", "export the model again");
  setInput(node, 1, rewriter.constant(starts, "starts"));
  setInput(node, 2, rewriter.constant(ends, "ends"));
  if (hasAxes)
    setInput(node, 3, rewriter.constant(axes, "axes"));
  return true;
}

// Releases before Slice had inputs carried it as an experiment under another name.
bool experimentalSlice(Node &node, Rewriter &) {
  node.op = "Slice";
  return true;
}

bool splitToInput(Node &node, Rewriter &rewriter) {
  std::vector<int64_t> sizes;
  if (takeInts(node, "split", sizes) && node.inputs.size() == 1)
    setInput(node, 1, rewriter.constant(sizes, "split"));
  return true;
}

// Without sizes the number of outputs says how to split; since opset 18 an attribute does.
bool splitCount(Node &node, Rewriter &) {
  bool hasSizes = node.inputs.size() > 1 && !node.inputs[1].empty();
  if (!hasSizes && !node.attribute("num_outputs"))
    set(node, intAttribute("num_outputs", static_cast<int64_t>(node.outputs.size())));
  return true;
}

bool topKToInput(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> k = take(node, "k");
  if (node.inputs.size() != 1)
    return true;
  if (!k || k->kind != Attribute::Kind::Int)
    return rewriter.fail("has no attribute 'k'", "export the model again");
  setInput(node, 1, rewriter.constant({k->i}, "k"));
  return true;
}

// Before opset 12 Dropout has no training mode, so that the ratio has no effect.
bool dropoutToInputs(Node &node, Rewriter &) {
  take(node, "ratio");
  take(node, "is_test");
  return true;
}

// The mask had the type of the data.
bool dropoutMask(Node &node, Rewriter &rewriter) {
  if (node.outputs.size() < 2 || node.outputs[1].empty())
    return true;
  std::string mask = rewriter.fresh("mask");
  rewriter.emitAfter("CastLike", {mask, node.inputs[0]}, node.outputs[1]);
  node.outputs[1] = mask;
  return true;
}

bool dftAxisToInput(Node &node, Rewriter &rewriter) {
  setInput(node, 2, rewriter.scalar(takeInt(node, "axis", 1), "axis"));
  return true;
}

} // namespace onnx
} // namespace laic
