// Every operation that the importer's table knows becomes the node that the table says.
#include "GraphWriter.h"

#include "laic/Dialect/Laic/HostCalls.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxForm.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/WeightStore.h"

#include <cstring>

using namespace mlir;
using namespace laic;
using onnx_proto::AttributeProto;

std::string UniqueNames::make(const std::string &name) {
  std::string made = name;
  for (unsigned &count = next[name]; !taken.insert(made).second;)
    made = name + "_" + std::to_string(++count);
  return made;
}

// ---- what locations tell ----

namespace {

// The node that an operation comes from: its name, and its operator with the domain before it; empty where nothing tells.
struct Origin {
  std::string node, op;
};

Origin originOf(Location loc) {
  Origin origin;
  loc->walk([&](Location part) {
    auto name = dyn_cast<NameLoc>(part);
    if (!name)
      return WalkResult::advance();
    origin.node = name.getName().str();
    if (auto what = dyn_cast<NameLoc>(name.getChildLoc()))
      origin.op = what.getName().getValue().split(',').first.str();
    return WalkResult::interrupt();
  });
  return origin;
}

// 'conv1' for the node itself, 'norm1/Sqrt' for a part of what it has become.
std::string nodeName(Operation &op, const OnnxOpRow &row) {
  std::string name = row.onnx, full = (*row.domain ? std::string(row.domain) + "." : "") + name;
  Origin origin = originOf(op.getLoc());
  if (origin.node.empty())
    return name;
  return origin.op.empty() || origin.op == full ? origin.node : origin.node + "/" + name;
}

std::string constantName(ConstantOp op) {
  if (auto weight = dyn_cast<WeightAttr>(op.getValue())) { // "weight:3:conv1.weight", as import calls it
    auto [kind, rest] = weight.getSource().getValue().split(':');
    if (llvm::StringRef name = rest.split(':').second; kind == "weight" && !name.empty())
      return name.str();
  }
  Origin origin = originOf(op.getLoc());
  if (origin.node.empty())
    return "constant";
  return origin.op.empty() ? origin.node : origin.node + "_constant"; // an initialiser has no operator
}

} // namespace

// ---- types ----

void GraphWriter::writeType(onnx_proto::ValueInfoProto &info, Type type, ArrayAttr dims) {
  auto tensor = cast<TensorType>(type);
  onnx_proto::TypeProto::Tensor *proto = info.mutable_type()->mutable_tensor_type();
  proto->set_elem_type(static_cast<int32_t>(onnxElementCode(tensor.getElementType())));
  std::set<std::string> elements;
  noteElement(type, elements);
  for (const std::string &element : elements)
    require("", onnx::elementOpset(element));
  if (!tensor.hasRank())
    return;
  onnx_proto::TensorShapeProto *shape = proto->mutable_shape();
  for (auto [i, size] : llvm::enumerate(tensor.getShape())) {
    onnx_proto::TensorShapeProto::Dimension *dim = shape->add_dim();
    Attribute given = dims && dims.size() == static_cast<size_t>(tensor.getRank()) ? dims[i] : Attribute();
    if (!ShapedType::isDynamic(size))
      dim->set_dim_value(size);
    else if (auto number = dyn_cast_or_null<IntegerAttr>(given))
      dim->set_dim_value(number.getInt());
    else if (auto name = dyn_cast_or_null<StringAttr>(given); name && !name.empty())
      dim->set_dim_param(name.str());
  }
}

void GraphWriter::noteElement(Type type, std::set<std::string> &elements) {
  if (auto tensor = dyn_cast<ShapedType>(type))
    elements.insert(elementTypeName(tensor.getElementType()));
}

void GraphWriter::require(const std::string &domain, int64_t opset) {
  int64_t &known = opsets[domain];
  known = std::max(known, opset);
}

// ---- inputs and outputs ----

void GraphWriter::writeInputs() {
  for (BlockArgument argument : function.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto name = function.getArgAttrOfType<StringAttr>(i, "laic.name");
    names[argument] = name ? name.str() : "input_" + std::to_string(i);
    values.reserve(names[argument]);
    onnx_proto::ValueInfoProto *info = graph.add_input();
    info->set_name(names[argument]);
    writeType(*info, argument.getType(), function.getArgAttrOfType<ArrayAttr>(i, "laic.dims"));
  }
}

// A value that the function returns has the output's name from the start; what is no node's, or has a name, is copied at the end.
void GraphWriter::nameOutputs() {
  for (auto [i, value] : llvm::enumerate(function.front().getTerminator()->getOperands())) {
    auto name = function.getResultAttrOfType<StringAttr>(i, "laic.name");
    std::string text = name ? name.str() : "output_" + std::to_string(i);
    values.reserve(text);
    Operation *op = value.getDefiningOp();
    if (op && findOnnxOp(op->getName()) && !names.count(value))
      names[value] = text;
  }
}

void GraphWriter::writeOutputs(Operation &terminator) {
  for (auto [i, value] : llvm::enumerate(terminator.getOperands())) {
    auto name = function.getResultAttrOfType<StringAttr>(i, "laic.name");
    std::string text = name ? name.str() : "output_" + std::to_string(i);
    if (names.lookup(value) != text) {
      onnx_proto::NodeProto &copy = addNode("Identity", text);
      copy.add_input(names.lookup(value));
      copy.add_output(text);
      onnx::NodeUse use{"", "Identity", {}, {}, 1};
      noteElement(value.getType(), use.elements);
      require("", onnx::lowestOpset(use));
    }
    onnx_proto::ValueInfoProto *info = graph.add_output();
    info->set_name(text);
    writeType(*info, value.getType(), function.getResultAttrOfType<ArrayAttr>(i, "laic.dims"));
  }
}

// ---- constants ----

void GraphWriter::writeConstant(ConstantOp op) {
  if (llvm::all_of(op->getUsers(), isStringConstant)) // nobody, or the bytes of strings
    return;
  onnx_proto::TensorProto *tensor = graph.add_initializer();
  names[op.getResult()] = values.make(constantName(op));
  tensor->set_name(names[op.getResult()]);
  std::set<std::string> elements;
  noteElement(op.getType(), elements);
  require("", onnx::elementOpset(*elements.begin()));
  tensors.add(*tensor, op.getValue());
}

// Constants of strings are bytes that a function of the runtime makes strings of: offsets, then the characters.
void GraphWriter::writeStrings(HostFunctionOp op) {
  auto packed = op.getInputs().front().getDefiningOp<ConstantOp>();
  auto type = cast<RankedTensorType>(op.getResult(0).getType());
  WeightStore &store = op.getContext()->getOrLoadDialect<LaicDialect>()->getWeights();
  std::vector<char> scratch;
  llvm::ArrayRef<char> bytes = constantBytes(store, packed.getValue(), scratch);
  onnx_proto::TensorProto *tensor = graph.add_initializer();
  names[op.getResult(0)] = values.make(originOf(op.getLoc()).node.empty() ? "constant" : originOf(op.getLoc()).node);
  tensor->set_name(names[op.getResult(0)]);
  tensor->set_data_type(static_cast<int32_t>(onnxElementCode(type.getElementType())));
  for (int64_t size : type.getShape())
    tensor->add_dims(size);
  for (int64_t i = 0; i < type.getNumElements(); ++i) {
    uint64_t ends[2];
    std::memcpy(ends, bytes.data() + i * sizeof(uint64_t), sizeof ends);
    tensor->add_string_data(bytes.data() + ends[0], ends[1] - ends[0]);
  }
}

// ---- nodes ----

onnx_proto::NodeProto &GraphWriter::addNode(const std::string &op, const std::string &name) {
  onnx_proto::NodeProto *node = graph.add_node();
  node->set_op_type(op);
  node->set_name(nodes.make(name));
  return *node;
}

static void writeAttribute(AttributeProto &proto, OnnxAttributeRow::Kind kind, Attribute value, TensorWriter &tensors) {
  switch (kind) {
  case OnnxAttributeRow::Int:
    proto.set_type(AttributeProto::INT);
    return proto.set_i(cast<IntegerAttr>(value).getValue().getSExtValue());
  case OnnxAttributeRow::Float:
    proto.set_type(AttributeProto::FLOAT);
    return proto.set_f(cast<FloatAttr>(value).getValue().convertToFloat());
  case OnnxAttributeRow::String:
    proto.set_type(AttributeProto::STRING);
    return proto.set_s(cast<StringAttr>(value).str());
  case OnnxAttributeRow::Ints:
    proto.set_type(AttributeProto::INTS);
    for (int64_t number : cast<DenseI64ArrayAttr>(value).asArrayRef())
      proto.add_ints(number);
    return;
  case OnnxAttributeRow::Floats:
    proto.set_type(AttributeProto::FLOATS);
    for (float number : cast<DenseF32ArrayAttr>(value).asArrayRef())
      proto.add_floats(number);
    return;
  case OnnxAttributeRow::Strings:
    proto.set_type(AttributeProto::STRINGS);
    for (StringAttr text : cast<ArrayAttr>(value).getAsRange<StringAttr>())
      proto.add_strings(text.str());
    return;
  case OnnxAttributeRow::Tensor:
    proto.set_type(AttributeProto::TENSOR);
    return tensors.add(*proto.mutable_t(), value);
  case OnnxAttributeRow::Type:
  case OnnxAttributeRow::Graph:
    assert(false && "optionals and control flow have no form in ONNX any more");
  }
}

void GraphWriter::writeAttributes(Operation &op, const OnnxOpRow &row, onnx_proto::NodeProto &node, onnx::NodeUse &use) {
  Operation *&plain = defaults[op.getName()];
  if (!plain)
    plain = Operation::create(OperationState(UnknownLoc::get(op.getContext()), op.getName()));
  for (const OnnxAttributeRow &r : llvm::ArrayRef<OnnxAttributeRow>(row.attributes, row.attributeCount)) {
    Attribute value = op.getAttr(r.name);
    if (!value)
      continue;
    bool isDefault = !r.required && value == plain->getAttr(r.name);
    if (isDefault && !onnx::isAlwaysWritten(row.domain, row.onnx, r.name))
      continue;
    AttributeProto *attribute = node.add_attribute();
    attribute->set_name(r.name);
    writeAttribute(*attribute, r.kind, value, tensors);
    if (!isDefault)
      use.attributes.insert(r.name);
  }
}

// Outputs that nobody asks for and that the operator can do without; those of operators with any number of them tell it how many.
static bool isLeftOut(OpResult result, const OnnxOpRow &row) {
  return result.use_empty() && row.results >= 0 && result.getResultNumber() >= onnx::requiredOutputs(row.domain, row.onnx);
}

void GraphWriter::writeNode(Operation &op, const OnnxOpRow &row) {
  onnx::NodeUse use{row.domain, row.onnx, {}, {}, 0};
  onnx_proto::NodeProto &node = addNode(row.onnx, nodeName(op, row));
  if (*row.domain)
    node.set_domain(row.domain);
  size_t count = op.getNumOperands();
  while (count > 0 && isa<NoneType>(op.getOperand(count - 1).getType()))
    --count;
  for (Value operand : op.getOperands().take_front(count)) {
    node.add_input(names.lookup(operand)); // absent ones have none
    noteElement(operand.getType(), use.elements);
  }
  use.inputs = count;
  unsigned outputs = op.getNumResults();
  while (outputs > 0 && isLeftOut(op.getResult(outputs - 1), row))
    --outputs;
  for (OpResult result : op.getResults().take_front(outputs)) {
    std::string &name = names[result];
    if (name.empty() && !isLeftOut(result, row))
      name = values.make(node.name() + "_out" + (outputs > 1 ? std::to_string(result.getResultNumber()) : ""));
    node.add_output(name);
    noteElement(result.getType(), use.elements);
  }
  writeAttributes(op, row, node, use);
  require(row.domain, onnx::lowestOpset(use));
}

LogicalResult GraphWriter::writeOperation(Operation &op) {
  if (!hasOnnxForm(&op)) {
    auto diag = op.emitError("cannot be written as ONNX: it has become '") << op.getName() << "', which is no operator of ONNX";
    diag.attachNote() << "compile the model to an artifact, or make what decides the structure here known (--dim NAME=VALUE)";
    return diag;
  }
  if (auto constant = dyn_cast<ConstantOp>(op))
    writeConstant(constant);
  else if (isStringConstant(&op))
    writeStrings(cast<HostFunctionOp>(op));
  else if (const OnnxOpRow *row = findOnnxOp(op.getName()))
    writeNode(op, *row);
  return success(); // others are absent operands and marks for sizes, which a graph computes by itself
}

LogicalResult GraphWriter::run() {
  writeInputs();
  nameOutputs();
  LogicalResult status = success();
  for (Operation &op : function.front().without_terminator())
    if (failed(writeOperation(op)))
      status = failure();
  writeOutputs(*function.front().getTerminator());
  for (auto [name, op] : defaults)
    op->destroy();
  return status;
}
