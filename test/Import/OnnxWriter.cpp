// Writes a Model back as an ONNX file, so that tests can run it elsewhere.
#include "OnnxWriter.h"

#include "laic/Import/Onnx/onnx.pb.h"

#include <algorithm>
#include <fstream>

using namespace laic::onnx;
namespace proto = laic::onnx_proto;

static void writeGraph(const Graph &graph, proto::GraphProto &out);

static void writeTensor(const Tensor &tensor, proto::TensorProto &out) {
  out.set_name(tensor.name);
  out.set_data_type(static_cast<int>(tensor.type));
  for (int64_t dim : tensor.dims)
    out.add_dims(dim);
  if (tensor.type != DataType::String)
    out.set_raw_data(tensor.data, tensor.size);
  for (const std::string &text : tensor.strings)
    out.add_string_data(text);
}

static void writeType(const ValueInfo &info, proto::TypeProto &out) {
  proto::TypeProto *type = &out;
  if (info.kind == ValueInfo::Kind::Optional)
    type = type->mutable_optional_type()->mutable_elem_type();
  if (info.kind == ValueInfo::Kind::Sequence || info.ofSequence)
    type = type->mutable_sequence_type()->mutable_elem_type();
  if (info.kind == ValueInfo::Kind::Map) {
    type->mutable_map_type()->set_key_type(static_cast<int>(info.key));
    type = type->mutable_map_type()->mutable_value_type();
  }
  auto *tensor = type->mutable_tensor_type();
  tensor->set_elem_type(static_cast<int>(info.type));
  if (!info.shape)
    return;
  auto *shape = tensor->mutable_shape();
  for (const Dim &dim : *info.shape) {
    auto *d = shape->add_dim();
    if (dim.value >= 0)
      d->set_dim_value(dim.value);
    else if (!dim.symbol.empty())
      d->set_dim_param(dim.symbol);
  }
}

static void writeAttribute(const Attribute &attribute, proto::AttributeProto &out) {
  using Proto = proto::AttributeProto;
  out.set_name(attribute.name);
  switch (attribute.kind) {
  case Attribute::Kind::Int:
    out.set_type(Proto::INT);
    out.set_i(attribute.i);
    break;
  case Attribute::Kind::Float:
    out.set_type(Proto::FLOAT);
    out.set_f(attribute.f);
    break;
  case Attribute::Kind::String:
    out.set_type(Proto::STRING);
    out.set_s(attribute.s);
    break;
  case Attribute::Kind::Tensor:
    out.set_type(Proto::TENSOR);
    writeTensor(*attribute.tensor, *out.mutable_t());
    break;
  case Attribute::Kind::Graph:
    out.set_type(Proto::GRAPH);
    writeGraph(*attribute.graph, *out.mutable_g());
    break;
  case Attribute::Kind::Ints:
    out.set_type(Proto::INTS);
    out.mutable_ints()->Assign(attribute.ints.begin(), attribute.ints.end());
    break;
  case Attribute::Kind::Floats:
    out.set_type(Proto::FLOATS);
    out.mutable_floats()->Assign(attribute.floats.begin(), attribute.floats.end());
    break;
  case Attribute::Kind::Strings:
    out.set_type(Proto::STRINGS);
    for (const std::string &text : attribute.strings)
      out.add_strings(text);
    break;
  case Attribute::Kind::Tensors:
    out.set_type(Proto::TENSORS);
    for (const auto &tensor : attribute.tensors)
      writeTensor(*tensor, *out.add_tensors());
    break;
  case Attribute::Kind::Graphs:
    out.set_type(Proto::GRAPHS);
    for (const auto &graph : attribute.graphs)
      writeGraph(*graph, *out.add_graphs());
    break;
  case Attribute::Kind::Type:
    out.set_type(Proto::TYPE_PROTO);
    writeType(*attribute.type, *out.mutable_tp());
    break;
  }
}

static void writeGraph(const Graph &graph, proto::GraphProto &out) {
  out.set_name(graph.name.empty() ? "graph" : graph.name);
  for (const ValueInfo &input : graph.inputs) {
    auto *info = out.add_input();
    info->set_name(input.name);
    if (input.type != DataType::Undefined)
      writeType(input, *info->mutable_type());
  }
  for (const ValueInfo &output : graph.outputs) {
    auto *info = out.add_output();
    info->set_name(output.name);
    if (output.type != DataType::Undefined)
      writeType(output, *info->mutable_type());
  }
  for (const auto &entry : graph.initializers)
    writeTensor(*entry.second, *out.add_initializer());
  for (const Node &node : graph.nodes) {
    auto *n = out.add_node();
    n->set_name(node.name);
    n->set_domain(node.domain);
    n->set_op_type(node.op);
    for (const std::string &input : node.inputs)
      n->add_input(input);
    for (const std::string &output : node.outputs)
      n->add_output(output);
    for (const Attribute &attribute : node.attributes)
      writeAttribute(attribute, *n->add_attribute());
  }
}

bool writeOnnx(const Model &model, int64_t opset, const std::string &path) {
  proto::ModelProto out;
  out.set_ir_version(10);
  auto opsets = model.opsets;
  opsets[""] = opset;
  if (opsets.count("ai.onnx.ml"))
    opsets["ai.onnx.ml"] = std::max<int64_t>(opsets["ai.onnx.ml"], 3);
  for (const auto &entry : opsets) {
    auto *import = out.add_opset_import();
    import->set_domain(entry.first);
    import->set_version(entry.second);
  }
  writeGraph(model.graph, *out.mutable_graph());
  std::ofstream file(path, std::ios::binary);
  return out.SerializeToOstream(&file) && file.flush().good();
}
