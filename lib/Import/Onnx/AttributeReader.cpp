// Builds a Model from a parsed ModelProto: attributes, Constant nodes and calls of model-local functions.
#include "GraphReader.h"

#include "Opset.h"

#include <algorithm>
#include <cstring>

namespace laic {
namespace onnx {

using onnx_proto::AttributeProto;
using onnx_proto::FunctionProto;
using onnx_proto::GraphProto;
using onnx_proto::NodeProto;

namespace {
constexpr int kDeepestCalls = 64;
constexpr uint64_t kMostInlined = 1u << 18; // nodes
constexpr uint64_t kBytesPerNode = 128;     // of a function's body, to bound memory
} // namespace

// The declared type; files of the first IR versions leave it out, then the only field that is set tells it.
static AttributeProto::AttributeType typeOf(const AttributeProto &proto) {
  if (proto.type() != AttributeProto::UNDEFINED)
    return proto.type();
  const std::pair<bool, AttributeProto::AttributeType> present[] = {{proto.has_f(), AttributeProto::FLOAT},
                                                                    {proto.has_i(), AttributeProto::INT},
                                                                    {proto.has_s(), AttributeProto::STRING},
                                                                    {proto.has_t(), AttributeProto::TENSOR},
                                                                    {proto.has_g(), AttributeProto::GRAPH},
                                                                    {proto.has_sparse_tensor(), AttributeProto::SPARSE_TENSOR},
                                                                    {proto.has_tp(), AttributeProto::TYPE_PROTO},
                                                                    {proto.floats_size() > 0, AttributeProto::FLOATS},
                                                                    {proto.ints_size() > 0, AttributeProto::INTS},
                                                                    {proto.strings_size() > 0, AttributeProto::STRINGS},
                                                                    {proto.tensors_size() > 0, AttributeProto::TENSORS},
                                                                    {proto.graphs_size() > 0, AttributeProto::GRAPHS}};
  AttributeProto::AttributeType found = AttributeProto::UNDEFINED;
  for (const auto &entry : present) {
    if (entry.first && found != AttributeProto::UNDEFINED)
      return AttributeProto::UNDEFINED;
    if (entry.first)
      found = entry.second;
  }
  return found;
}

bool GraphReader::readAttribute(const AttributeProto &proto, const Node &node, const Scope &scope, Attribute &attribute,
                                bool &absent) {
  absent = false;
  if (proto.name().empty())
    return reporter.error(node, "an attribute has no name", "export the model again");
  if (proto.ref_attr_name().empty()) {
    attribute.name = proto.name();
    return readAttributeValue(proto, node, scope, attribute);
  }
  if (!scope.bindings)
    return reporter.error(node,
                          "attribute '" + printable(proto.name()) + "' refers to '" + printable(proto.ref_attr_name()) +
                              "' of a function, but the node is in none",
                          "export the model again");
  auto bound = scope.bindings->find(proto.ref_attr_name());
  absent = bound == scope.bindings->end();
  if (absent)
    return true;
  attribute = bound->second;
  attribute.name = proto.name();
  if (attribute.graph)
    attribute.graph = clone(*attribute.graph);
  for (std::shared_ptr<Graph> &graph : attribute.graphs)
    graph = clone(*graph);
  return !exhausted;
}

// Later stages change graphs in place, so no two nodes may share one.
std::shared_ptr<Graph> GraphReader::clone(const Graph &graph) {
  auto copy = std::make_shared<Graph>();
  inlined += graph.nodes.size();
  if (exhausted || inlined > kMostInlined) {
    exhausted = true;
    return copy;
  }
  *copy = graph;
  for (Node &node : copy->nodes) {
    for (Attribute &attribute : node.attributes) {
      if (attribute.graph)
        attribute.graph = clone(*attribute.graph);
      for (std::shared_ptr<Graph> &nested : attribute.graphs)
        nested = clone(*nested);
    }
  }
  return copy;
}

bool GraphReader::readAttributeValue(const AttributeProto &proto, const Node &node, const Scope &scope, Attribute &attribute) {
  std::string shown = "attribute '" + printable(proto.name()) + "'";
  std::string where = describe(node) + ": " + shown;
  using Kind = Attribute::Kind;
  auto tensor = [&](std::shared_ptr<Tensor> value) {
    attribute.kind = Kind::Tensor;
    attribute.tensor = std::move(value);
    return attribute.tensor != nullptr;
  };
  switch (typeOf(proto)) {
  case AttributeProto::FLOAT:
    attribute.kind = Kind::Float;
    attribute.f = proto.f();
    return true;
  case AttributeProto::INT:
    attribute.kind = Kind::Int;
    attribute.i = proto.i();
    return true;
  case AttributeProto::STRING:
    attribute.kind = Kind::String;
    attribute.s = proto.s();
    return true;
  case AttributeProto::FLOATS:
    attribute.kind = Kind::Floats;
    attribute.floats.assign(proto.floats().begin(), proto.floats().end());
    return true;
  case AttributeProto::INTS:
    attribute.kind = Kind::Ints;
    attribute.ints.assign(proto.ints().begin(), proto.ints().end());
    return true;
  case AttributeProto::STRINGS:
    attribute.kind = Kind::Strings;
    attribute.strings.assign(proto.strings().begin(), proto.strings().end());
    return true;
  case AttributeProto::TENSOR:
    return tensor(tensors.read(proto.t(), where));
  case AttributeProto::SPARSE_TENSOR:
    return tensor(tensors.readSparse(proto.sparse_tensor(), where));
  case AttributeProto::TENSORS:
    attribute.kind = Kind::Tensors;
    for (const auto &value : proto.tensors())
      attribute.tensors.push_back(tensors.read(value, where));
    return std::all_of(attribute.tensors.begin(), attribute.tensors.end(), [](const auto &t) { return t != nullptr; });
  case AttributeProto::GRAPH:
    attribute.kind = Kind::Graph;
    attribute.graph = readSubgraph(proto.g(), node, proto.name(), scope);
    return attribute.graph != nullptr;
  case AttributeProto::GRAPHS:
    attribute.kind = Kind::Graphs;
    for (const GraphProto &value : proto.graphs())
      attribute.graphs.push_back(readSubgraph(value, node, proto.name(), scope));
    return std::all_of(attribute.graphs.begin(), attribute.graphs.end(), [](const auto &g) { return g != nullptr; });
  case AttributeProto::TYPE_PROTO: {
    attribute.kind = Kind::Type;
    attribute.type = std::make_shared<ValueInfo>();
    onnx_proto::ValueInfoProto wrapped;
    *wrapped.mutable_type() = proto.tp();
    return readValueInfo(wrapped, where, scope, *attribute.type, false);
  }
  default:
    return reporter.error(node, shown + " has an unknown type or several values", "export the model again");
  }
}

template <typename Value> static std::vector<uint8_t> bytesOf(const Value *values, size_t count) {
  std::vector<uint8_t> bytes(count * sizeof(Value));
  if (count)
    memcpy(bytes.data(), values, bytes.size());
  return bytes;
}

// Constant in all its spellings becomes an initialiser of the graph that it is in.
bool GraphReader::readConstant(const NodeProto &proto, const Scope &scope, const Node &node, Graph &graph) {
  Attribute value;
  bool absent = true;
  int given = 0;
  for (const AttributeProto &attribute : proto.attribute()) {
    if (!readAttribute(attribute, node, scope, value, absent))
      return false;
    given += !absent;
  }
  if (given != 1 || node.outputs.size() != 1 || proto.input_size() != 0)
    return reporter.error(node,
                          "expects one attribute, no input and one output, got " + std::to_string(given) + ", " +
                              std::to_string(proto.input_size()) + " and " + std::to_string(node.outputs.size()),
                          "export the model again");
  if (node.outputs[0].empty())
    return true;
  std::shared_ptr<Tensor> tensor;
  int64_t floats = static_cast<int64_t>(value.floats.size()), ints = static_cast<int64_t>(value.ints.size());
  bool isStrings = value.kind == Attribute::Kind::String || value.kind == Attribute::Kind::Strings;
  if (value.kind == Attribute::Kind::Tensor)
    tensor = value.tensor;
  else if (value.kind == Attribute::Kind::Int)
    tensor = tensors.own(DataType::I64, {}, bytesOf(&value.i, 1));
  else if (value.kind == Attribute::Kind::Ints)
    tensor = tensors.own(DataType::I64, {ints}, bytesOf(value.ints.data(), value.ints.size()));
  else if (value.kind == Attribute::Kind::Float)
    tensor = tensors.own(DataType::F32, {}, bytesOf(&value.f, 1));
  else if (value.kind == Attribute::Kind::Floats)
    tensor = tensors.own(DataType::F32, {floats}, bytesOf(value.floats.data(), value.floats.size()));
  else if (!isStrings)
    return reporter.error(node, "attribute '" + printable(value.name) + "' is no constant", "export the model again");
  if (isStrings) {
    tensor = std::make_shared<Tensor>();
    tensor->type = DataType::String;
    tensor->strings = value.kind == Attribute::Kind::String ? std::vector<std::string>{value.s} : value.strings;
    if (value.kind == Attribute::Kind::Strings)
      tensor->dims = {static_cast<int64_t>(value.strings.size())};
  }
  return addInitializer(graph, node.outputs[0], tensor, describe(node));
}

// Replaces a call by the function's body:
//   y = f(a, b) {k = 3}    with  f(p, q) -> r { t = Mul(p, q); r = Op(t) {n: @k} }
// becomes  call/t = Mul(a, b); y = Op(call/t) {n = 3}.
void GraphReader::inlineCall(const NodeProto &proto, const FunctionProto &function, const Scope &scope, Node &call,
                             Graph &graph) {
  auto refuse = [&](const std::string &what, const std::string &note) { reporter.error(call, what, note); };
  if (std::find(calls.begin(), calls.end(), &function) != calls.end())
    return refuse("function '" + printable(function.name()) + "' calls itself", "functions of a model must not recurse");
  if (calls.size() >= kDeepestCalls)
    return refuse("functions call each other more than " + std::to_string(kDeepestCalls) + " deep", "inline them before export");
  if (proto.input_size() > function.input_size() || proto.output_size() > function.output_size())
    return refuse("function has " + std::to_string(function.input_size()) + " inputs and " +
                      std::to_string(function.output_size()) + " outputs, the call " + std::to_string(proto.input_size()) +
                      " and " + std::to_string(proto.output_size()),
                  "call it with at most as many");
  inlined += 1 + function.ByteSizeLong() / kBytesPerNode;
  if (exhausted || inlined > kMostInlined) {
    exhausted = true;
    return refuse("inlining the model's functions gives more than " + std::to_string(kMostInlined) + " nodes",
                  "simplify the model before export");
  }
  Bindings bindings;
  for (const auto *list : {&proto.attribute(), &function.attribute_proto()}) {
    for (const AttributeProto &attributeProto : *list) {
      Attribute attribute;
      bool absent = false;
      if (!bindings.count(attributeProto.name()) && readAttribute(attributeProto, call, scope, attribute, absent) && !absent)
        bindings.emplace(attributeProto.name(), std::move(attribute));
    }
  }
  Opsets opsets;
  if (!readOpsets(function.opset_import(), "function '" + printable(function.name()) + "'", opsets))
    return;
  Scope body;
  body.renames = true;
  body.prefix = call.name + "/";
  body.opsets = &opsets;
  body.bindings = &bindings;
  for (int i = 0; i < function.input_size(); ++i)
    body.replaced[function.input(i)] = i < proto.input_size() ? rename(proto.input(i), scope) : "";
  std::vector<std::pair<std::string, std::string>> copies; // outputs that are inputs, or other outputs once more
  for (int i = 0; i < proto.output_size(); ++i) {
    std::string outer = rename(proto.output(i), scope);
    if (!outer.empty() && !body.replaced.emplace(function.output(i), outer).second)
      copies.emplace_back(function.output(i), outer);
  }
  calls.push_back(&function);
  readNodes(function.node(), body, graph);
  calls.pop_back();
  for (const auto &copy : copies) {
    Node node;
    node.name = body.prefix + copy.first;
    node.op = "Identity";
    node.opset = opsetOf("", body);
    node.inputs = {rename(copy.first, body)};
    node.outputs = {copy.second};
    graph.nodes.push_back(std::move(node));
  }
}

} // namespace onnx
} // namespace laic
