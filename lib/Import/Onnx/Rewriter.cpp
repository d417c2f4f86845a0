// What an upgrade step may do to the graph around the node that it rewrites.
#include "Rewriter.h"

#include "Opset.h"

#include <algorithm>

namespace laic {
namespace onnx {

Attribute intAttribute(const std::string &name, int64_t value) {
  Attribute attribute;
  attribute.name = name;
  attribute.kind = Attribute::Kind::Int;
  attribute.i = value;
  return attribute;
}

Attribute stringAttribute(const std::string &name, const std::string &value) {
  Attribute attribute;
  attribute.name = name;
  attribute.kind = Attribute::Kind::String;
  attribute.s = value;
  return attribute;
}

std::optional<Attribute> take(Node &node, const std::string &name) {
  for (auto it = node.attributes.begin(); it != node.attributes.end(); ++it) {
    if (it->name != name)
      continue;
    Attribute attribute = std::move(*it);
    node.attributes.erase(it);
    return attribute;
  }
  return std::nullopt;
}

int64_t takeInt(Node &node, const std::string &name, int64_t otherwise) {
  std::optional<Attribute> attribute = take(node, name);
  return attribute && attribute->kind == Attribute::Kind::Int ? attribute->i : otherwise;
}

void set(Node &node, Attribute attribute) {
  take(node, attribute.name);
  node.attributes.push_back(std::move(attribute));
}

void Rewriter::begin(const Node &current) {
  name = current.name;
  description = describe(current);
  before.clear();
  after.clear();
}

std::string Rewriter::fresh(const std::string &hint) { return names.fresh(name + "/" + hint); }

std::string Rewriter::constant(DataType type, std::vector<int64_t> dims, std::vector<uint8_t> bytes, const std::string &hint) {
  auto tensor = std::make_shared<Tensor>();
  tensor->name = fresh(hint);
  tensor->type = type;
  tensor->dims = std::move(dims);
  storage.owned.push_back(std::move(bytes));
  tensor->data = storage.owned.back().data();
  tensor->size = storage.owned.back().size();
  std::string result = tensor->name;
  facts.learn(result, {type, static_cast<int>(tensor->dims.size()), tensor.get()});
  graph.initializers[result] = std::move(tensor);
  return result;
}

std::string Rewriter::constant(const std::vector<int64_t> &values, const std::string &hint) {
  std::vector<uint8_t> bytes(values.size() * 8);
  if (!values.empty())
    memcpy(bytes.data(), values.data(), bytes.size());
  return constant(DataType::I64, {static_cast<int64_t>(values.size())}, std::move(bytes), hint);
}

std::string Rewriter::scalar(int64_t value, const std::string &hint) {
  std::vector<uint8_t> bytes(8);
  memcpy(bytes.data(), &value, 8);
  return constant(DataType::I64, {}, std::move(bytes), hint);
}

std::string Rewriter::scalarLike(float value, const std::string &like, const std::string &hint) {
  DataType type = of(like).type;
  if (type == DataType::F64) {
    double wide = value;
    std::vector<uint8_t> bytes(8);
    memcpy(bytes.data(), &wide, 8);
    return constant(DataType::F64, {}, std::move(bytes), hint);
  }
  std::vector<uint8_t> bytes(4);
  memcpy(bytes.data(), &value, 4);
  std::string single = constant(DataType::F32, {}, std::move(bytes), hint);
  return type == DataType::F32 ? single : emit("CastLike", {single, like});
}

Node Rewriter::make(const std::string &op, std::vector<std::string> inputs, const std::string &output,
                    std::vector<Attribute> attributes) {
  Node made;
  made.name = output;
  made.op = op;
  made.opset = kNewestOpset;
  made.inputs = std::move(inputs);
  made.outputs = {output};
  made.attributes = std::move(attributes);
  return made;
}

std::string Rewriter::emit(const std::string &op, std::vector<std::string> inputs, std::vector<Attribute> attributes) {
  std::string output = fresh(op);
  before.push_back(make(op, std::move(inputs), output, std::move(attributes)));
  return output;
}

void Rewriter::emitAfter(const std::string &op, std::vector<std::string> inputs, const std::string &output,
                         std::vector<Attribute> attributes) {
  // A later step lies closer to the node: what it adds feeds what earlier steps have added.
  Node made = make(op, std::move(inputs), output, std::move(attributes));
  made.name = names.fresh(name + "/" + op);
  after.insert(after.begin(), std::move(made));
}

std::string Rewriter::rank(const std::string &value) {
  int known = of(value).rank;
  if (known >= 0)
    return constant({known}, "rank");
  return emit("Shape", {emit("Shape", {value})});
}

std::string Rewriter::appendOnes(const std::string &value, const std::string &count) {
  Attribute one;
  one.name = "value";
  one.kind = Attribute::Kind::Tensor;
  one.tensor = graph.initializers[constant(std::vector<int64_t>{1}, "one")];
  graph.initializers.erase(one.tensor->name);
  std::string ones = emit("ConstantOfShape", {count}, {one});
  std::string shape = emit("Concat", {emit("Shape", {value}), ones}, {intAttribute("axis", 0)});
  return emit("Reshape", {value, shape}, {intAttribute("allowzero", 1)});
}

bool Rewriter::fail(const std::string &problem, const std::string &note) {
  return reporter.error(description + ": " + problem, note);
}

} // namespace onnx
} // namespace laic
