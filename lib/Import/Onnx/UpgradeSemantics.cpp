// Upgrades of operators whose meaning or defaults have changed.
#include "UpgradeTable.h"

#include "Opset.h"

namespace laic {
namespace onnx {

// Softmax, LogSoftmax, Hardmax before opset 13 see their input as a matrix: dims before `axis`, dims from it
// on.
//   y = Softmax(x) {axis = k}   becomes   y = Reshape(Softmax(Flatten(x) {axis = k}) {axis = -1}, Shape(x))
// unless the axis is the last one.
bool softmaxAxis(Node &node, Rewriter &rewriter) {
  int64_t axis = takeInt(node, "axis", 1);
  if (node.inputs.size() != 1 || node.outputs.size() != 1)
    return true;
  int rank = rewriter.of(node.inputs[0]).rank;
  set(node, intAttribute("axis", -1));
  if (axis == -1 || (rank >= 0 && axis == rank - 1))
    return true;
  std::string input = node.inputs[0], flat = rewriter.fresh("matrix");
  std::string shape = rewriter.emit("Shape", {input});
  node.inputs[0] = rewriter.emit("Flatten", {input}, {intAttribute("axis", axis)});
  rewriter.emitAfter("Reshape", {flat, shape}, node.outputs[0], {intAttribute("allowzero", 1)});
  node.outputs[0] = flat;
  return true;
}

// Models of opsets 1 to 6 that were exported for inference say is_test; those that ask for one output mean it
// too.
bool batchNormalizationTest(Node &node, Rewriter &) {
  if (takeInt(node, "is_test", 0) != 0 && node.outputs.size() > 1)
    node.outputs.resize(1);
  return true;
}

// spatial = 0: one mean and variance for every element of a sample, which is plain broadcasting arithmetic.
bool batchNormalizationSpatial(Node &node, Rewriter &rewriter) {
  if (takeInt(node, "spatial", 1) != 0 || node.inputs.size() != 5)
    return true;
  const Attribute *epsilon = node.attribute("epsilon");
  std::string x = node.inputs[0];
  std::string small = rewriter.scalarLike(epsilon ? epsilon->f : 1e-5f, node.inputs[4], "epsilon");
  std::string deviation = rewriter.emit("Sqrt", {rewriter.emit("Add", {node.inputs[4], small})});
  std::string centred = rewriter.emit("Sub", {x, node.inputs[3]});
  std::string scaled = rewriter.emit("Mul", {rewriter.emit("Div", {centred, deviation}), node.inputs[1]});
  node.op = "Add";
  node.inputs = {scaled, node.inputs[2]};
  node.outputs.resize(1);
  node.attributes.clear();
  return true;
}

// Y, mean, var, saved_mean, saved_var became Y, running_mean, running_var under training_mode. Outputs that
// nothing uses do not make a node a training one: exporters wrote them for inference, too.
bool batchNormalizationOutputs(Node &node, Rewriter &rewriter) {
  if (node.op != "BatchNormalization")
    return true; // decomposed
  while (node.outputs.size() > 1 && !rewriter.isUsed(node.outputs.back()))
    node.outputs.pop_back();
  if (node.outputs.size() > 3)
    return rewriter.fail("the outputs saved_mean and saved_var have no counterpart since opset 14",
                         "export the model for inference, or for opset 14 or newer");
  if (node.outputs.size() > 1)
    set(node, intAttribute("training_mode", 1));
  return true;
}

// scale and bias were given per group and are given per channel:
//   s'[C] = Reshape(Expand(Unsqueeze(s, 1), [groups, C / groups]), [-1])
bool groupNormalizationChannels(Node &node, Rewriter &rewriter) {
  const Attribute *groups = node.attribute("num_groups");
  if (node.inputs.size() != 3 || !groups || groups->i < 1)
    return rewriter.fail("expects three inputs and the attribute 'num_groups'", "export the model for opset 21 or newer");
  std::string count = rewriter.constant({groups->i}, "groups");
  std::string channels = rewriter.emit("Shape", {node.inputs[0]}, {intAttribute("start", 1), intAttribute("end", 2)});
  std::string perGroup = rewriter.emit("Div", {channels, count});
  std::string shape = rewriter.emit("Concat", {count, perGroup}, {intAttribute("axis", 0)});
  std::string one = rewriter.constant({1}, "axis"), all = rewriter.constant({-1}, "all");
  for (size_t i : {size_t(1), size_t(2)}) {
    std::string column = rewriter.emit("Unsqueeze", {node.inputs[i], one});
    node.inputs[i] = rewriter.emit("Reshape", {rewriter.emit("Expand", {column, shape}), all});
  }
  return true;
}

bool upsampleScales(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> scales = take(node, "scales");
  if (node.inputs.size() != 1)
    return true;
  if (!scales || scales->kind != Attribute::Kind::Floats)
    return rewriter.fail("has no attribute 'scales'", "export the model for opset 9 or newer");
  std::vector<uint8_t> bytes(scales->floats.size() * 4);
  if (!bytes.empty())
    memcpy(bytes.data(), scales->floats.data(), bytes.size());
  node.inputs.push_back(
      rewriter.constant(DataType::F32, {static_cast<int64_t>(scales->floats.size())}, std::move(bytes), "scales"));
  return true;
}

// Resize-10 and Upsample map output x to input x / scale and take the element below.
bool resizeModes(Node &node, Rewriter &rewriter) {
  if (node.inputs.size() != 2)
    return rewriter.fail("expects two inputs, got " + std::to_string(node.inputs.size()),
                         "export the model for opset 11 or newer");
  node.inputs = {node.inputs[0], "", node.inputs[1]};
  set(node, stringAttribute("coordinate_transformation_mode", "asymmetric"));
  set(node, stringAttribute("nearest_mode", "floor"));
  return true;
}

// Upsample went into Resize-10.
bool upsampleModes(Node &node, Rewriter &rewriter) {
  node.op = "Resize";
  return resizeModes(node, rewriter) && resizeEmptyInputs(node, rewriter);
}

// tf_half_pixel_for_nn, dropped in opset 13, is half_pixel with 0.5 added, which changes how to round.
bool resizeHalfPixelNearest(Node &node, Rewriter &rewriter) {
  const Attribute *transformation = node.attribute("coordinate_transformation_mode");
  if (!transformation || transformation->s != "tf_half_pixel_for_nn")
    return true;
  const Attribute *mode = node.attribute("mode"), *nearest = node.attribute("nearest_mode");
  std::string rounding = nearest ? nearest->s : "round_prefer_floor";
  std::string replacement = rounding == "floor" ? "round_prefer_ceil" : rounding == "round_prefer_floor" ? "ceil" : "";
  if ((mode && mode->s != "nearest") || replacement.empty())
    return rewriter.fail("coordinate_transformation_mode 'tf_half_pixel_for_nn' with mode '" +
                             (mode ? printable(mode->s) : "nearest") + "' and nearest_mode '" + printable(rounding) +
                             "' has no counterpart since opset 13",
                         "export the model for opset 13 or newer");
  set(node, stringAttribute("coordinate_transformation_mode", "half_pixel"));
  set(node, stringAttribute("nearest_mode", replacement));
  return true;
}

// An absent roi, scales or sizes may come as a tensor without elements, even where inputs may be left out.
bool resizeEmptyInputs(Node &node, Rewriter &rewriter) {
  const Attribute *transformation = node.attribute("coordinate_transformation_mode");
  bool crops = transformation && transformation->s == "tf_crop_and_resize";
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    const Tensor *constant = rewriter.of(node.inputs[i]).constant;
    bool isEmpty = constant && constant->dims.size() == 1 && constant->dims[0] == 0;
    if (isEmpty || (i == 1 && !crops))
      node.inputs[i].clear();
  }
  if (node.inputs.size() == 4 && !node.inputs[3].empty())
    node.inputs[2].clear(); // sizes win: scales must be empty then
  while (!node.inputs.empty() && node.inputs.back().empty())
    node.inputs.pop_back();
  return true;
}

// The default was what is called output_half_pixel since opset 16.
bool roiAlignMode(Node &node, Rewriter &) {
  if (!node.attribute("coordinate_transformation_mode"))
    set(node, stringAttribute("coordinate_transformation_mode", "output_half_pixel"));
  return true;
}

bool gridSampleModes(Node &node, Rewriter &) {
  const Attribute *mode = node.attribute("mode");
  if (mode && mode->s == "bilinear")
    set(node, stringAttribute("mode", "linear"));
  else if (mode && mode->s == "bicubic")
    set(node, stringAttribute("mode", "cubic"));
  return true;
}

bool scatterToElements(Node &node, Rewriter &) {
  node.op = "ScatterElements";
  return true;
}

// Scan-8 runs over dim 1 of batched values. Since opset 9 there is no batch, so a second Scan runs over it:
//   (s..., y...) = Scan-8(, s0..., x...) {body}   becomes
//   (s..., y...) = Scan(s0..., x...) {every value is scanned along dim 0, body = { Scan(s0[b]..., x[b]...)
//   {body} }}
bool scanBatch(Node &node, Rewriter &rewriter) {
  const Attribute *body = node.attribute("body"), *scanned = node.attribute("num_scan_inputs");
  if (node.inputs.empty() || !node.inputs[0].empty())
    return rewriter.fail("sequence_lens has no counterpart since opset 9", "export the model for opset 9 or newer");
  if (!body || !body->graph || !scanned)
    return rewriter.fail("expects the attributes 'body' and 'num_scan_inputs'", "export the model again");
  Node inner = node;
  inner.name = node.name + "/sample";
  if (std::optional<Attribute> directions = take(inner, "directions")) {
    directions->name = "scan_input_directions";
    set(inner, *directions);
  }
  auto perSample = std::make_shared<Graph>();
  perSample->name = inner.name;
  auto bind = [&](const std::string &hint, std::vector<ValueInfo> &list) {
    ValueInfo &info = list.emplace_back();
    info.name = rewriter.fresh(hint);
    return info.name;
  };
  inner.inputs.clear();
  for (size_t i = 1; i < node.inputs.size(); ++i)
    inner.inputs.push_back(bind("in", perSample->inputs));
  for (std::string &output : inner.outputs)
    output = bind("out", perSample->outputs);
  perSample->nodes.push_back(std::move(inner));
  node.inputs.erase(node.inputs.begin());
  node.attributes.clear();
  set(node, intAttribute("num_scan_inputs", static_cast<int64_t>(node.inputs.size())));
  Attribute graph;
  graph.name = "body";
  graph.kind = Attribute::Kind::Graph;
  graph.graph = std::move(perSample);
  set(node, graph);
  return true;
}

// classes_strings mapped between strings and their positions, in the direction that the input's type asked
// for.
bool labelEncoderClasses(Node &node, Rewriter &rewriter) {
  std::optional<Attribute> classes = take(node, "classes_strings");
  if (!classes)
    return true;
  DataType type = node.inputs.empty() ? DataType::Undefined : rewriter.of(node.inputs[0]).type;
  if (type != DataType::String && type != DataType::I64)
    return rewriter.fail("cannot tell whether the input is of strings or of i64",
                         "export the model for ai.onnx.ml opset 2 or newer");
  bool fromStrings = type == DataType::String;
  Attribute positions;
  positions.kind = Attribute::Kind::Ints;
  positions.name = fromStrings ? "values_int64s" : "keys_int64s";
  for (size_t i = 0; i < classes->strings.size(); ++i)
    positions.ints.push_back(static_cast<int64_t>(i));
  classes->name = fromStrings ? "keys_strings" : "values_strings";
  set(node, *classes);
  set(node, positions);
  return true;
}

} // namespace onnx
} // namespace laic
