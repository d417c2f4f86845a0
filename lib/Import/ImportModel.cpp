// Builds `laic` operations from a validated model, driven by the table that laic-tblgen makes from the operator records.
#include "laic/Import/ImportModel.h"

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace laic;

namespace {

// What is wrong with a node, and how to mend it.
struct Complaint {
  std::string message;
  std::string note;
};

class GraphImporter {
public:
  GraphImporter(std::shared_ptr<onnx::Model> model, const ImportOptions &options, MLIRContext *context)
      : model(std::move(model)), options(options), context(context), builder(context),
        store(context->getOrLoadDialect<LaicDialect>()->getWeights()) {}

  OwningOpRef<ModuleOp> run() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
    (*module)->setAttr("laic.model", builder.getStringAttr(model->graph.name));
    (*module)->setAttr("laic.producer", builder.getStringAttr(model->producer));
    builder.setInsertionPointToEnd(module->getBody());
    if (!checkDims() || !createFunction())
      return {};
    LogicalResult status = success();
    for (const onnx::Node &node : model->graph.nodes)
      if (failed(importNode(node)))
        status = failure();
    if (failed(status) || failed(finish()) || failed(verify(*module)))
      return {};
    return module;
  }

private:
  Location nodeLocation(const onnx::Node &node) {
    std::string what = (node.domain.empty() ? "" : node.domain + ".") + node.op + ", opset " + std::to_string(node.opset);
    return NameLoc::get(builder.getStringAttr(node.name), NameLoc::get(builder.getStringAttr(what)));
  }

  // Every --dim must name a dim of an input.
  bool checkDims() {
    std::map<std::string, bool> known;
    for (const onnx::ValueInfo &input : model->graph.inputs)
      if (input.shape)
        for (const onnx::Dim &dim : *input.shape)
          if (!dim.symbol.empty())
            known[dim.symbol] = true;
    for (const auto &[name, value] : options.dims)
      if (!known.count(name)) {
        std::string names;
        for (const auto &entry : known)
          names += (names.empty() ? "'" : ", '") + entry.first + "'";
        auto diag = emitError(builder.getUnknownLoc()) << "no input has a dim named '" << name << "'";
        diag.attachNote() << (names.empty() ? "no input of this model has a named dim" : "the named dims are " + names);
        return false;
      }
    return true;
  }

  bool createFunction() {
    llvm::SmallVector<Type> types;
    llvm::SmallVector<DictionaryAttr> attributes;
    bool good = true;
    for (const onnx::ValueInfo &input : model->graph.inputs) {
      std::string problem = inputProblem(input);
      if (!problem.empty()) {
        emitError(builder.getUnknownLoc()) << "input '" << input.name << "' " << problem;
        good = false;
        continue;
      }
      llvm::SmallVector<int64_t> shape;
      llvm::SmallVector<Attribute> dims;
      for (auto [i, dim] : llvm::enumerate(*input.shape)) {
        auto bound = options.dims.find(dim.symbol);
        int64_t value = dim.value >= 0 ? dim.value : bound != options.dims.end() && !dim.symbol.empty() ? bound->second : -1;
        shape.push_back(value >= 0 ? value : ShapedType::kDynamic);
        std::string symbol = dim.symbol.empty() ? input.name + "_dim_" + std::to_string(i) : dim.symbol;
        dims.push_back(value >= 0 ? Attribute(builder.getI64IntegerAttr(value)) : builder.getStringAttr(symbol));
      }
      types.push_back(RankedTensorType::get(shape, onnxElementType(context, static_cast<int64_t>(input.type))));
      attributes.push_back(builder.getDictionaryAttr({builder.getNamedAttr("laic.name", builder.getStringAttr(input.name)),
                                                      builder.getNamedAttr("laic.dims", builder.getArrayAttr(dims))}));
    }
    if (!good)
      return false;
    function = func::FuncOp::create(builder, builder.getUnknownLoc(), "main", builder.getFunctionType(types, {}));
    Block *block = function.addEntryBlock();
    for (auto [i, input] : llvm::enumerate(model->graph.inputs)) {
      function.setArgAttrs(i, attributes[i]);
      values[input.name] = block->getArgument(i);
    }
    builder.setInsertionPointToStart(block);
    return true;
  }

  std::string inputProblem(const onnx::ValueInfo &input) {
    if (input.kind != onnx::ValueInfo::Kind::Tensor)
      return "is a sequence or optional, which laic does not support as an input yet";
    if (!onnxElementType(context, static_cast<int64_t>(input.type)))
      return std::string("has element type ") + onnx::dataTypeName(input.type) + ", which laic does not support yet";
    if (!input.shape)
      return "has no shape; its rank must be known";
    if (input.shape->size() > 16)
      return "has rank " + std::to_string(input.shape->size()) + "; at most 16 dims are supported";
    return "";
  }

  // ---- constants ----

  // One element in one byte or more: what the file packs is laid out in `scratch`, integers with their sign.
  llvm::ArrayRef<char> bytesOf(const onnx::Tensor &tensor, RankedTensorType type, std::vector<char> &scratch) {
    unsigned bits = onnx::dataTypeBits(tensor.type);
    if (bits >= 8)
      return {reinterpret_cast<const char *>(tensor.data), static_cast<size_t>(tensor.size)};
    bool isSigned = isa<IntegerType>(type.getElementType()) && !type.getElementType().isUnsignedInteger();
    scratch.resize(type.getNumElements());
    for (size_t i = 0; i < scratch.size(); ++i) { // the first element in the lowest bits
      unsigned code = tensor.data[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
      bool isNegative = isSigned && code >> (bits - 1);
      scratch[i] = static_cast<char>(isNegative ? code - (1u << bits) : code);
    }
    return scratch;
  }

  Value constant(const onnx::Tensor &tensor, Location loc) {
    Type element = onnxElementType(context, static_cast<int64_t>(tensor.type));
    if (!element)
      return {};
    auto type = RankedTensorType::get(tensor.dims, element);
    std::vector<char> scratch;
    llvm::ArrayRef<char> bytes = bytesOf(tensor, type, scratch);
    if (!scratch.empty() || tensor.size <= static_cast<uint64_t>(kInlineConstantBytes))
      return ConstantOp::create(builder, loc, type, makeConstant(store, bytes, type));
    // One source per tensor: the bytes stay mapped, and the name says where they lie without naming a path.
    std::string source = "weight:" + std::to_string(weights++) + ":" + tensor.name;
    store.addSource(source, bytes, std::static_pointer_cast<void>(model));
    auto attr = WeightAttr::get(context, builder.getStringAttr(source), 0, tensor.size, type);
    return ConstantOp::create(builder, loc, type, attr);
  }

  // The value of a name, making its initialiser's constant on first use; null when its type is unsupported.
  Value lookup(const std::string &name, Location loc) {
    if (name.empty()) {
      if (!none)
        none = NoneOp::create(builder, builder.getUnknownLoc(), builder.getNoneType());
      return none;
    }
    auto it = values.find(name);
    if (it != values.end())
      return it->second;
    auto initializer = model->graph.initializers.find(name);
    if (initializer == model->graph.initializers.end())
      return {};
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&function.front());
    return values[name] = constant(*initializer->second, NameLoc::get(builder.getStringAttr(name)));
  }

  // ---- nodes ----

  LogicalResult importNode(const onnx::Node &node) {
    Location loc = nodeLocation(node);
    const OnnxOpRow *row = findOnnxOp(node.domain, node.op);
    if (!row)
      return refuse(loc, {"laic does not support this operator yet", ""});
    OperationState state(loc, row->mnemonic);
    if (auto complaint = addOperands(node, *row, state))
      return refuse(loc, *complaint);
    if (auto complaint = addAttributes(node, *row, state))
      return refuse(loc, *complaint);
    unsigned results = row->results < 0 ? node.outputs.size() : row->results;
    if (node.outputs.size() > results)
      return refuse(loc,
                    {"has " + std::to_string(node.outputs.size()) + " outputs, expects at most " + std::to_string(results), ""});
    for (unsigned i = 0; i < results; ++i)
      state.addTypes(UnrankedTensorType::get(builder.getF32Type()));
    Operation *op = builder.create(state);
    setDeclaredRanks(node, op);
    for (auto [i, name] : llvm::enumerate(node.outputs))
      if (!name.empty())
        values[name] = op->getResult(i);
    return success();
  }

  // The ranks that the model states for its outputs: they tell how many elements a shape of unknown length has.
  void setDeclaredRanks(const onnx::Node &node, Operation *op) {
    llvm::SmallVector<int64_t> ranks;
    for (const std::string &name : node.outputs) {
      auto it = llvm::find_if(model->graph.outputs, [&](const onnx::ValueInfo &output) { return output.name == name; });
      bool known = it != model->graph.outputs.end() && it->shape;
      ranks.push_back(known ? static_cast<int64_t>(it->shape->size()) : -1);
    }
    if (llvm::any_of(ranks, [](int64_t rank) { return rank >= 0; }))
      op->setAttr("laic.ranks", builder.getDenseI64ArrayAttr(ranks));
  }

  LogicalResult refuse(Location loc, const Complaint &complaint) {
    auto diag = emitError(loc) << complaint.message;
    if (!complaint.note.empty())
      diag.attachNote() << complaint.note;
    return failure();
  }

  std::optional<Complaint> addOperands(const onnx::Node &node, const OnnxOpRow &row, OperationState &state) {
    size_t most = row.variadicOperands ? SIZE_MAX : row.operands;
    if (node.inputs.size() > most)
      return Complaint{"has " + std::to_string(node.inputs.size()) + " inputs, expects at most " + std::to_string(most), ""};
    for (const std::string &name : node.inputs) {
      Value value = lookup(name, state.location);
      // What an unsupported node should have made was already reported there.
      if (!value && model->graph.initializers.count(name))
        return Complaint{"input '" + name + "' has element type " + onnx::dataTypeName(model->graph.initializers.at(name)->type) +
                             ", which laic does not support yet",
                         ""};
      state.operands.push_back(value ? value : placeholder());
    }
    while (state.operands.size() < static_cast<size_t>(row.operands))
      state.operands.push_back(lookup("", state.location));
    return std::nullopt;
  }

  // Stands for the output of a node that was refused, so that the nodes after it are checked too.
  Value placeholder() { return lookup("", builder.getUnknownLoc()); }

  std::optional<Complaint> addAttributes(const onnx::Node &node, const OnnxOpRow &row, OperationState &state) {
    llvm::ArrayRef<OnnxAttributeRow> rows(row.attributes, row.attributeCount);
    for (const onnx::Attribute &attribute : node.attributes) {
      auto it = llvm::find_if(rows, [&](const OnnxAttributeRow &r) { return attribute.name == r.name; });
      if (it == rows.end())
        return Complaint{"has attribute '" + attribute.name + "', which the newest version of the operator does not know", ""};
      Attribute value = convert(attribute, it->kind);
      if (!value)
        return Complaint{"attribute '" + attribute.name + "' has the wrong kind", ""};
      state.addAttribute(attribute.name, value);
    }
    for (const OnnxAttributeRow &r : rows)
      if (r.required && !node.attribute(r.name))
        return Complaint{std::string("needs attribute '") + r.name + "'", ""};
    return std::nullopt;
  }

  Attribute convert(const onnx::Attribute &a, OnnxAttributeRow::Kind kind) {
    using Kind = onnx::Attribute::Kind;
    switch (kind) {
    case OnnxAttributeRow::Int:
      return a.kind == Kind::Int ? Attribute(builder.getI64IntegerAttr(a.i)) : Attribute();
    case OnnxAttributeRow::Float:
      return a.kind == Kind::Float ? Attribute(builder.getF32FloatAttr(a.f)) : Attribute();
    case OnnxAttributeRow::String:
      return a.kind == Kind::String ? Attribute(builder.getStringAttr(a.s)) : Attribute();
    case OnnxAttributeRow::Ints:
      return a.kind == Kind::Ints ? Attribute(builder.getDenseI64ArrayAttr(a.ints)) : Attribute();
    case OnnxAttributeRow::Floats:
      return a.kind == Kind::Floats ? Attribute(builder.getDenseF32ArrayAttr(a.floats)) : Attribute();
    case OnnxAttributeRow::Strings: {
      if (a.kind != Kind::Strings)
        return {};
      llvm::SmallVector<llvm::StringRef> strings(a.strings.begin(), a.strings.end());
      return builder.getStrArrayAttr(strings);
    }
    case OnnxAttributeRow::Tensor: {
      Type element = a.kind == Kind::Tensor && a.tensor ? onnxElementType(context, static_cast<int64_t>(a.tensor->type)) : Type();
      if (!element)
        return {};
      auto type = RankedTensorType::get(a.tensor->dims, element);
      std::vector<char> scratch;
      return makeConstant(store, bytesOf(*a.tensor, type, scratch), type);
    }
    }
    return {};
  }

  LogicalResult finish() {
    llvm::SmallVector<Value> results;
    llvm::SmallVector<Type> types;
    for (const onnx::ValueInfo &output : model->graph.outputs) {
      Value value = lookup(output.name, builder.getUnknownLoc());
      if (!value)
        return emitError(builder.getUnknownLoc())
               << "output '" << output.name << "' has an element type that laic does not support yet";
      results.push_back(value);
      types.push_back(value.getType());
    }
    func::ReturnOp::create(builder, builder.getUnknownLoc(), results);
    function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), types));
    for (auto [i, output] : llvm::enumerate(model->graph.outputs)) {
      llvm::SmallVector<Attribute> dims;
      if (output.shape)
        for (const onnx::Dim &dim : *output.shape)
          dims.push_back(dim.value >= 0 ? Attribute(builder.getI64IntegerAttr(dim.value)) : builder.getStringAttr(dim.symbol));
      function.setResultAttr(i, "laic.name", builder.getStringAttr(output.name));
      function.setResultAttr(i, "laic.dims", builder.getArrayAttr(dims));
    }
    return success();
  }

  std::shared_ptr<onnx::Model> model;
  const ImportOptions &options;
  MLIRContext *context;
  OpBuilder builder;
  WeightStore &store;
  func::FuncOp function;
  llvm::StringMap<Value> values;
  Value none;
  unsigned weights = 0;
};

} // namespace

OwningOpRef<ModuleOp> laic::importModel(std::shared_ptr<onnx::Model> model, const ImportOptions &options, MLIRContext *context) {
  context->getOrLoadDialect<func::FuncDialect>();
  return GraphImporter(std::move(model), options, context).run();
}
