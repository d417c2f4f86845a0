// Builds a Model from a parsed ModelProto: the header, graphs and their boundaries, and nodes.
#include "GraphReader.h"

#include "Opset.h"

#include <cstring>

namespace laic {
namespace onnx {

using onnx_proto::AttributeProto;
using onnx_proto::FunctionProto;
using onnx_proto::GraphProto;
using onnx_proto::NodeProto;
using onnx_proto::TypeProto;
using onnx_proto::ValueInfoProto;

namespace {
constexpr int64_t kNewestIR = 14;
constexpr int kDeepestNesting = 64;
} // namespace

std::string NameSet::fresh(const std::string &wanted) {
  if (names.insert(wanted).second)
    return wanted;
  for (uint64_t &n = next[wanted];;) {
    std::string candidate = wanted + "_" + std::to_string(++n);
    if (names.insert(candidate).second)
      return candidate;
  }
}

static std::string normalDomain(const std::string &domain) { return domain == "ai.onnx" ? "" : domain; }

static std::string functionKey(const std::string &domain, const std::string &name, const std::string &overload) {
  return normalDomain(domain) + '\0' + name + '\0' + overload;
}

bool GraphReader::read() {
  if (!readHeader())
    return false;
  collectNames(proto.graph());
  if (!collectFunctions())
    return false;
  Scope top;
  top.opsets = &model.opsets;
  readGraph(proto.graph(), "graph", top, model.graph);
  tensors.reportMissing();
  if (model.graph.outputs.empty() && !reporter.failed())
    reporter.error("the graph has no outputs", "mark the values to compute as graph outputs");
  return !reporter.failed();
}

bool GraphReader::readHeader() {
  if (!proto.has_graph())
    return reporter.error("not an ONNX model: it holds no graph", "export the model again");
  if (proto.ir_version() < 1 || proto.ir_version() > kNewestIR)
    return reporter.error("expects ir_version 1 to " + std::to_string(kNewestIR) + ", got " + std::to_string(proto.ir_version()),
                          "export the model with onnx 1.23 or older");
  model.irVersion = proto.ir_version();
  model.producer = proto.producer_name() + (proto.producer_version().empty() ? "" : " " + proto.producer_version());
  for (const auto &entry : proto.metadata_props())
    model.metadata[entry.key()] = entry.value();
  if (!readOpsets(proto.opset_import(), "the model", model.opsets))
    return false;
  // Before IR 3 there were no imports: all operators were at version 1.
  if (!model.opsets.count(""))
    model.opsets[""] = proto.ir_version() < 3 ? 1 : kNewestOpset;
  return true;
}

bool GraphReader::readOpsets(const google::protobuf::RepeatedPtrField<onnx_proto::OperatorSetIdProto> &list,
                             const std::string &where, Opsets &opsets) {
  for (const auto &entry : list) {
    std::string domain = normalDomain(entry.domain());
    std::string shown = domain.empty() ? "ai.onnx" : printable(domain);
    if (!opsets.emplace(domain, entry.version()).second && opsets[domain] != entry.version())
      return reporter.error(where + " imports two opsets of " + shown, "import each domain once");
    int64_t newest = domain.empty() ? kNewestOpset : domain == "ai.onnx.ml" ? kNewestMLOpset : INT32_MAX;
    if (entry.version() < 1 || entry.version() > newest)
      return reporter.error(where + " imports opset " + std::to_string(entry.version()) + " of " + shown + "; expects 1 to " +
                                std::to_string(newest),
                            "export the model for opset " + std::to_string(newest < INT32_MAX ? newest : 1) + " or older");
  }
  return true;
}

bool GraphReader::collectFunctions() {
  for (const FunctionProto &function : proto.functions()) {
    if (!functions.emplace(functionKey(function.domain(), function.name(), function.overload()), &function).second)
      reporter.error("function '" + printable(function.name()) + "' of domain '" + printable(function.domain()) +
                         "' is defined twice",
                     "give one of them another name or overload");
  }
  return !reporter.failed();
}

void GraphReader::collectNames(const GraphProto &graph) {
  for (const auto &input : graph.input())
    names.add(input.name());
  for (const auto &tensor : graph.initializer())
    names.add(tensor.name());
  for (const auto &tensor : graph.sparse_initializer())
    names.add(tensor.values().name());
  for (const NodeProto &node : graph.node()) {
    for (const std::string &output : node.output())
      names.add(output);
    for (const AttributeProto &attribute : node.attribute()) {
      if (attribute.has_g())
        collectNames(attribute.g());
      for (const GraphProto &nested : attribute.graphs())
        collectNames(nested);
    }
  }
}

std::string GraphReader::rename(const std::string &name, const Scope &scope) {
  if (name.empty() || !scope.renames)
    return name;
  const Scope *outermost = &scope;
  for (const Scope *s = &scope; s; s = s->parent) {
    auto found = s->replaced.find(name);
    if (found != s->replaced.end())
      return found->second;
    outermost = s;
  }
  return outermost->replaced[name] = names.fresh(outermost->prefix + name);
}

int64_t GraphReader::opsetOf(const std::string &domain, const Scope &scope) const {
  for (const Opsets *opsets : {scope.opsets, static_cast<const Opsets *>(&model.opsets)}) {
    auto found = opsets->find(domain);
    if (found != opsets->end())
      return found->second;
  }
  return 1;
}

bool GraphReader::addInitializer(Graph &graph, const std::string &name, std::shared_ptr<Tensor> tensor,
                                 const std::string &where) {
  if (name.empty())
    return reporter.error(where + ": has no name", "name every initialiser");
  if (tensor->name != name) {
    tensor = std::make_shared<Tensor>(*tensor);
    tensor->name = name;
  }
  if (!graph.initializers.emplace(name, std::move(tensor)).second)
    return reporter.error(where + ": value '" + printable(name) + "' is defined twice",
                          "every value has one definition; rename one of them");
  return true;
}

void GraphReader::readInitializers(const GraphProto &proto, const std::string &where, const Scope &scope, Graph &graph) {
  std::string prefix = where == "graph" ? "" : where + ": ";
  for (const auto &tensor : proto.initializer()) {
    std::string shown = prefix + "initializer '" + printable(tensor.name()) + "'";
    if (std::shared_ptr<Tensor> value = tensors.read(tensor, shown))
      addInitializer(graph, rename(tensor.name(), scope), value, shown);
  }
  for (const auto &sparse : proto.sparse_initializer()) {
    std::string shown = prefix + "sparse initializer '" + printable(sparse.values().name()) + "'";
    if (std::shared_ptr<Tensor> value = tensors.readSparse(sparse, shown))
      addInitializer(graph, rename(sparse.values().name(), scope), value, shown);
  }
}

bool GraphReader::readGraph(const GraphProto &proto, const std::string &where, const Scope &scope, Graph &graph) {
  std::string prefix = where == "graph" ? "" : where + ": ";
  graph.name = proto.name();
  readInitializers(proto, where, scope, graph);
  std::unordered_set<std::string> initialised;
  for (const auto &tensor : proto.initializer())
    initialised.insert(tensor.name());
  for (const auto &sparse : proto.sparse_initializer())
    initialised.insert(sparse.values().name());
  std::unordered_set<std::string> seen;
  for (const ValueInfoProto &input : proto.input()) {
    std::string shown = prefix + "input '" + printable(input.name()) + "'";
    if (input.name().empty() || !seen.insert(input.name()).second)
      reporter.error(shown +
                         (input.name().empty() ? " has no name" : ": value '" + printable(input.name()) + "' is defined twice"),
                     "every input needs a name of its own");
    else if (!initialised.count(input.name()) &&
             readValueInfo(input, shown, scope, graph.inputs.emplace_back(), !prefix.empty()) && prefix.empty() &&
             graph.inputs.back().kind != ValueInfo::Kind::Other && graph.inputs.back().type == DataType::Undefined)
      reporter.error(shown + " has no element type", "declare the types of all inputs");
  }
  for (const ValueInfoProto &output : proto.output())
    readValueInfo(output, prefix + "output '" + printable(output.name()) + "'", scope, graph.outputs.emplace_back(),
                  !prefix.empty());
  for (const ValueInfoProto &value : proto.value_info()) {
    ValueInfo info;
    if (readValueInfo(value, "", scope, info, true))
      graph.values[info.name] = std::move(info);
  }
  readNodes(proto.node(), scope, graph);
  return !reporter.failed();
}

static void readShape(const onnx_proto::TensorShapeProto &proto, std::vector<Dim> &dims) {
  for (const auto &dim : proto.dim()) {
    Dim &out = dims.emplace_back();
    if (dim.has_dim_value())
      out.value = dim.dim_value();
    else
      out.symbol = dim.dim_param();
  }
}

// A hint is never refused: what makes no sense in it is forgotten. Inputs and outputs are refused.
bool GraphReader::readValueInfo(const ValueInfoProto &proto, const std::string &where, const Scope &scope, ValueInfo &info,
                                bool isHint) {
  info.name = rename(proto.name(), scope);
  const TypeProto *type = &proto.type();
  if (type->has_optional_type()) {
    info.kind = ValueInfo::Kind::Optional;
    type = &type->optional_type().elem_type();
  }
  if (type->has_sequence_type()) {
    info.ofSequence = info.kind == ValueInfo::Kind::Optional;
    info.kind = info.ofSequence ? info.kind : ValueInfo::Kind::Sequence;
    type = &type->sequence_type().elem_type();
  }
  if (type->has_map_type() && info.kind != ValueInfo::Kind::Optional) {
    info.ofSequence = info.kind == ValueInfo::Kind::Sequence;
    info.kind = ValueInfo::Kind::Map;
    int key = type->map_type().key_type();
    info.key = key > 0 && key <= static_cast<int>(DataType::F6E3M2) ? static_cast<DataType>(key) : DataType::Undefined;
    type = &type->map_type().value_type();
  }
  if (!type->has_tensor_type()) {
    if (type->value_case() != TypeProto::VALUE_NOT_SET)
      info.kind = ValueInfo::Kind::Other;
    return true;
  }
  int element = type->tensor_type().elem_type();
  if (element < 0 || element > static_cast<int>(DataType::F6E3M2))
    return isHint ? false
                  : reporter.error(where + ": unknown data type " + std::to_string(element),
                                   "types 1 (f32) to 28 (f6E3M2) are known; export the model with one of them");
  info.type = static_cast<DataType>(element);
  if (!type->tensor_type().has_shape())
    return true;
  info.shape.emplace();
  readShape(type->tensor_type().shape(), *info.shape);
  std::vector<int64_t> known;
  for (Dim &dim : *info.shape) {
    if (dim.value < -1 && !isHint)
      return reporter.error(where + ": dim of size " + std::to_string(dim.value),
                            "expects a size, a name, or nothing when unknown");
    dim.value = std::max<int64_t>(dim.value, -1);
    if (dim.value >= 0)
      known.push_back(dim.value);
  }
  uint64_t count = 0;
  if (countElements(known, info.type, count))
    return true;
  info.shape.reset();
  return isHint || reporter.error(where + ": its dims name more elements than any memory holds", "export the model again");
}

void GraphReader::readNodes(const NodeList &list, const Scope &scope, Graph &graph) {
  graph.nodes.reserve(graph.nodes.size() + list.size());
  for (int i = 0; i < list.size() && !exhausted; ++i)
    readNode(list.Get(i), i, scope, graph);
}

void GraphReader::readNode(const NodeProto &proto, int index, const Scope &scope, Graph &graph) {
  Node node;
  node.domain = normalDomain(proto.domain());
  node.op = proto.op_type();
  node.opset = opsetOf(node.domain, scope);
  node.name = scope.prefix + (proto.name().empty() ? node.op + "_" + std::to_string(index) : proto.name());
  if (node.op.empty()) {
    reporter.error("node '" + printable(node.name) + "' has no operator", "export the model again");
    return;
  }
  auto function = functions.find(functionKey(proto.domain(), proto.op_type(), proto.overload()));
  if (function != functions.end()) {
    inlineCall(proto, *function->second, scope, node, graph);
    return;
  }
  if (!proto.overload().empty()) {
    reporter.error(node, "no function of the model has the overload '" + printable(proto.overload()) + "'",
                   "save the model with its functions");
    return;
  }
  for (const std::string &output : proto.output())
    node.outputs.push_back(rename(output, scope));
  if (node.op == "Constant" && node.domain.empty()) {
    readConstant(proto, scope, node, graph);
    return;
  }
  for (const std::string &input : proto.input())
    node.inputs.push_back(rename(input, scope));
  for (const AttributeProto &attributeProto : proto.attribute()) {
    Attribute attribute;
    bool absent = false;
    if (!readAttribute(attributeProto, node, scope, attribute, absent) || absent)
      continue;
    if (node.attribute(attribute.name))
      reporter.error(node, "attribute '" + printable(attribute.name) + "' is given twice", "export the model again");
    else
      node.attributes.push_back(std::move(attribute));
  }
  graph.nodes.push_back(std::move(node));
}

std::shared_ptr<Graph> GraphReader::readSubgraph(const GraphProto &proto, const Node &node, const std::string &attribute,
                                                 const Scope &scope) {
  if (nesting >= kDeepestNesting) {
    reporter.error(node, "subgraphs and functions nest deeper than " + std::to_string(kDeepestNesting) + " levels",
                   "simplify the model before export");
    return nullptr;
  }
  ++nesting;
  Scope inner;
  inner.parent = &scope;
  inner.renames = scope.renames;
  inner.prefix = scope.prefix;
  inner.opsets = scope.opsets;
  inner.bindings = scope.bindings;
  if (scope.renames) { // local definitions must not meet names of the caller
    auto define = [&](const std::string &name) {
      if (!name.empty() && !inner.replaced.count(name))
        inner.replaced[name] = names.fresh(scope.prefix + name);
    };
    for (const auto &input : proto.input())
      define(input.name());
    for (const auto &tensor : proto.initializer())
      define(tensor.name());
    for (const auto &tensor : proto.sparse_initializer())
      define(tensor.values().name());
    for (const NodeProto &n : proto.node())
      for (const std::string &output : n.output())
        define(output);
  }
  auto graph = std::make_shared<Graph>();
  readGraph(proto, describe(node) + ": attribute '" + printable(attribute) + "'", inner, *graph);
  --nesting;
  return graph;
}

} // namespace onnx
} // namespace laic
