// Small models for the tests of the reader, good and bad.
#include "ModelBuilder.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace laic {
namespace onnx {

using namespace onnx_proto;

constexpr int kF32 = TensorProto::FLOAT;
constexpr int64_t kElements = 300; // above the size at which payloads stay mapped

ModelProto emptyModel(int64_t opset) {
  ModelProto model;
  model.set_ir_version(10);
  auto *import = model.add_opset_import();
  import->set_version(opset);
  addInput(*model.mutable_graph(), "x", kF32, {2, 3});
  addOutput(*model.mutable_graph(), "y");
  return model;
}

ModelProto reluModel(int64_t opset) {
  ModelProto model = emptyModel(opset);
  addNode(*model.mutable_graph(), "Relu", {"x"}, {"y"}, "relu");
  return model;
}

NodeProto *addNode(GraphProto &graph, const std::string &op, const std::vector<std::string> &inputs,
                   const std::vector<std::string> &outputs, const std::string &name) {
  NodeProto *node = graph.add_node();
  node->set_op_type(op);
  node->set_name(name);
  for (const std::string &input : inputs)
    node->add_input(input);
  for (const std::string &output : outputs)
    node->add_output(output);
  return node;
}

static AttributeProto *addAttribute(NodeProto &node, const std::string &name, AttributeProto::AttributeType type) {
  AttributeProto *attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return attribute;
}

AttributeProto *addInt(NodeProto &node, const std::string &name, int64_t value) {
  AttributeProto *attribute = addAttribute(node, name, AttributeProto::INT);
  attribute->set_i(value);
  return attribute;
}

AttributeProto *addInts(NodeProto &node, const std::string &name, const std::vector<int64_t> &values) {
  AttributeProto *attribute = addAttribute(node, name, AttributeProto::INTS);
  attribute->mutable_ints()->Assign(values.begin(), values.end());
  return attribute;
}

AttributeProto *addText(NodeProto &node, const std::string &name, const std::string &value) {
  AttributeProto *attribute = addAttribute(node, name, AttributeProto::STRING);
  attribute->set_s(value);
  return attribute;
}

GraphProto *addGraph(NodeProto &node, const std::string &name) {
  return addAttribute(node, name, AttributeProto::GRAPH)->mutable_g();
}

ValueInfoProto *addInput(GraphProto &graph, const std::string &name, int type, const std::vector<int64_t> &dims) {
  ValueInfoProto *input = graph.add_input();
  input->set_name(name);
  auto *tensor = input->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  for (int64_t dim : dims)
    tensor->mutable_shape()->add_dim()->set_dim_value(dim);
  return input;
}

ValueInfoProto *addOutput(GraphProto &graph, const std::string &name) {
  ValueInfoProto *output = graph.add_output();
  output->set_name(name);
  output->mutable_type()->mutable_tensor_type()->set_elem_type(kF32);
  return output;
}

void fillTensor(TensorProto &tensor, const std::string &name, int type, const std::vector<int64_t> &dims, uint64_t bytes) {
  tensor.set_name(name);
  tensor.set_data_type(type);
  tensor.mutable_dims()->Assign(dims.begin(), dims.end());
  tensor.set_raw_data(std::string(bytes, '\0'));
}

void setExternal(TensorProto &tensor, const std::string &location, const std::string &offset, const std::string &length) {
  tensor.clear_raw_data();
  tensor.set_data_location(TensorProto::EXTERNAL);
  for (const auto &entry :
       {std::make_pair("location", location), std::make_pair("offset", offset), std::make_pair("length", length)}) {
    if (entry.second.empty())
      continue;
    auto *added = tensor.add_external_data();
    added->set_key(entry.first);
    added->set_value(entry.second);
  }
}

static void fillSparse(SparseTensorProto &sparse, const std::function<void(TensorProto &)> &fill) {
  fillTensor(*sparse.mutable_values(), "w", kF32, {kElements}, kElements * 4);
  fill(*sparse.mutable_values());
  fillTensor(*sparse.mutable_indices(), "", TensorProto::INT64, {kElements}, kElements * 8);
  std::string indices;
  for (int64_t i = 0; i < kElements; ++i)
    indices.append(reinterpret_cast<const char *>(&i), 8);
  sparse.mutable_indices()->set_raw_data(indices);
  sparse.add_dims(kElements);
}

static void fillConstant(NodeProto &node, const std::function<void(TensorProto &)> &fill) {
  TensorProto &tensor = *addAttribute(node, "value", AttributeProto::TENSOR)->mutable_t();
  fillTensor(tensor, "w", kF32, {kElements}, kElements * 4);
  fill(tensor);
}

ModelProto carrierModel(Carrier carrier, const std::function<void(TensorProto &)> &fill) {
  ModelProto model = emptyModel();
  GraphProto &graph = *model.mutable_graph();
  if (carrier == Carrier::Initializer) {
    fillTensor(*graph.add_initializer(), "w", kF32, {kElements}, kElements * 4);
    fill(*graph.mutable_initializer(0));
  } else if (carrier == Carrier::SparseInitializer) {
    fillSparse(*graph.add_sparse_initializer(), fill);
  } else if (carrier == Carrier::Constant) {
    fillConstant(*addNode(graph, "Constant", {}, {"w"}, "constant"), fill);
  } else if (carrier == Carrier::SparseConstant) {
    NodeProto *node = addNode(graph, "Constant", {}, {"w"}, "constant");
    fillSparse(*addAttribute(*node, "sparse_value", AttributeProto::SPARSE_TENSOR)->mutable_sparse_tensor(), fill);
  } else if (carrier == Carrier::Attribute) {
    NodeProto *node = addNode(graph, "Custom", {"x"}, {"w"}, "custom");
    node->set_domain("example");
    fillConstant(*node, fill);
  } else if (carrier == Carrier::FunctionBody) {
    FunctionProto *function = model.add_functions();
    function->set_domain("local");
    function->set_name("F");
    function->add_output("r");
    NodeProto *node = function->add_node();
    node->set_op_type("Constant");
    node->add_output("r");
    fillConstant(*node, fill);
    addNode(graph, "F", {}, {"w"}, "call")->set_domain("local");
  } else {
    NodeProto *node = addNode(graph, "If", {"condition"}, {"w"}, "if");
    addInput(graph, "condition", TensorProto::BOOL, {});
    for (const char *branch : {"then_branch", "else_branch"}) {
      GraphProto *inner = addGraph(*node, branch);
      addOutput(*inner, "v");
      fillTensor(*inner->add_initializer(), "v", kF32, {kElements}, kElements * 4);
      if (branch[0] == 't')
        fill(*inner->mutable_initializer(0));
    }
  }
  addNode(graph, "Add", {"x", "w"}, {"y"}, "add");
  return model;
}

std::string Outcome::text() const {
  std::string text;
  for (const Diagnostic &diagnostic : diagnostics)
    text += diagnostic.message + " (" + diagnostic.note + ")\n";
  return text;
}

Outcome readBytes(const std::string &bytes) {
  Outcome outcome;
  outcome.model = readModel(bytes.data(), bytes.size(), "model.onnx", "", {}, outcome.diagnostics);
  return outcome;
}

Outcome readProto(const ModelProto &proto) {
  static std::vector<std::unique_ptr<std::string>> alive; // models in memory must outlive their Model
  alive.push_back(std::make_unique<std::string>(proto.SerializeAsString()));
  return readBytes(*alive.back());
}

Outcome readFile(const std::string &path, const std::string &externalDataRoot) {
  Outcome outcome;
  ReadOptions options;
  options.externalDataRoot = externalDataRoot;
  outcome.model = readModel(path, options, outcome.diagnostics);
  return outcome;
}

TemporaryFolder::TemporaryFolder() {
  const char *base = getenv("TMPDIR");
  std::string pattern = std::string(base ? base : "/tmp") + "/laic-import-XXXXXX";
  if (mkdtemp(pattern.data()))
    folder = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!folder.empty())
    std::filesystem::remove_all(folder, ignored);
}

std::string TemporaryFolder::write(const std::string &name, const std::string &bytes) const {
  std::ofstream(path(name), std::ios::binary) << bytes;
  return path(name);
}

} // namespace onnx
} // namespace laic
