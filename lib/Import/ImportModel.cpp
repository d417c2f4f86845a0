// Builds `laic` operations from a validated model, driven by the table that laic-tblgen makes from the operator records.
#include "laic/Import/ImportModel.h"

#include "ValueTypes.h"
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/HostCalls.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/SequenceOps.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace laic;

namespace {

// What --dim may say of an input 'x' that is a sequence or an optional: `x/len`, the rank of its tensors `x/rank` where its type
// leaves that open, and `x/present` (0 or 1).
constexpr const char *kLength = "/len";
constexpr const char *kRank = "/rank";
constexpr const char *kPresent = "/present";

// A map 'x' is two tensors, `x/keys` and `x/values`, of `x/len` elements.
constexpr const char *kKeys = "/keys";
constexpr const char *kValues = "/values";

// What a value that is a map has beside its keys. In a sequence of maps all have the same keys: row i of the values is map i.
struct MapValues {
  Value values;
  bool isSequence;
};

// A graph whose nodes are being imported, and the values that have a name in it so far.
struct Scope {
  const onnx::Graph *graph;
  llvm::StringMap<Value> values;
};

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
    if (failed(importNodes(model->graph)) || failed(finish()) || failed(verify(*module)))
      return {};
    return module;
  }

private:
  Location nodeLocation(const onnx::Node &node) {
    std::string what = (node.domain.empty() ? "" : node.domain + ".") + node.op + ", opset " + std::to_string(node.opset);
    return NameLoc::get(builder.getStringAttr(node.name), NameLoc::get(builder.getStringAttr(what)));
  }

  // Every --dim must name a dim of an input, or say of an input what its type leaves open.
  bool checkDims() {
    std::map<std::string, bool> known;
    llvm::StringSet<> structures;
    for (const onnx::ValueInfo &input : model->graph.inputs) {
      bool isTensor = input.kind == onnx::ValueInfo::Kind::Tensor;
      if (isMap(input))
        structures.insert(input.name + kLength);
      else if (!isTensor)
        for (const char *what : {kLength, kRank, kPresent})
          structures.insert(input.name + what);
      if (isTensor && input.shape)
        for (const onnx::Dim &dim : *input.shape)
          if (!dim.symbol.empty())
            known[dim.symbol] = true;
    }
    for (const auto &[name, value] : options.dims)
      if (!known.count(name) && !structures.contains(name)) {
        std::string names;
        for (const auto &entry : known)
          names += (names.empty() ? "'" : ", '") + entry.first + "'";
        auto diag = emitError(builder.getUnknownLoc()) << "no input has a dim named '" << name << "'";
        diag.attachNote() << (names.empty() ? "no input of this model has a named dim" : "the named dims are " + names);
        return false;
      }
    return true;
  }

  // One argument of the function: an input of the model, or what an input that is a sequence or an optional holds.
  struct Argument {
    std::string name;
    RankedTensorType type;
    llvm::SmallVector<Attribute> dims;
  };

  // The argument for a tensor of the declared type; `rank` is that of a declaration without a shape.
  Argument makeArgument(const onnx::ValueInfo &info, const std::string &name, int64_t rank) {
    Argument argument{name, {}, {}};
    llvm::SmallVector<int64_t> shape;
    for (auto [i, dim] : llvm::enumerate(info.shape ? *info.shape : std::vector<onnx::Dim>(rank))) {
      // The dims of a sequence's elements need not agree, whatever names they share.
      std::string symbol = name == info.name ? dim.symbol : "";
      auto bound = options.dims.find(symbol);
      int64_t value = dim.value >= 0 ? dim.value : bound != options.dims.end() && !symbol.empty() ? bound->second : -1;
      shape.push_back(value >= 0 ? value : ShapedType::kDynamic);
      symbol = symbol.empty() ? name + "_dim_" + std::to_string(i) : symbol;
      argument.dims.push_back(value >= 0 ? Attribute(builder.getI64IntegerAttr(value)) : builder.getStringAttr(symbol));
    }
    argument.type = RankedTensorType::get(shape, onnxElementType(context, static_cast<int64_t>(info.type)));
    return argument;
  }

  // The keys and the values of a map; what a call gives must agree in number.
  llvm::SmallVector<Argument> makeMap(const onnx::ValueInfo &input) {
    std::optional<int64_t> length = structure(input, kLength);
    Attribute dim = length ? Attribute(builder.getI64IntegerAttr(*length)) : builder.getStringAttr(input.name + kLength);
    auto part = [&](const char *what, onnx::DataType type) {
      Type element = onnxElementType(context, static_cast<int64_t>(type));
      return Argument{input.name + what, RankedTensorType::get(length.value_or(ShapedType::kDynamic), element), {dim}};
    };
    return {part(kKeys, input.key), part(kValues, input.type)};
  }

  std::optional<int64_t> structure(const onnx::ValueInfo &input, const char *what) {
    auto it = options.dims.find(input.name + what);
    return it == options.dims.end() ? std::nullopt : std::optional<int64_t>(it->second);
  }

  static bool isSequence(const onnx::ValueInfo &input) {
    return input.kind == onnx::ValueInfo::Kind::Sequence || input.ofSequence;
  }
  static bool isMap(const onnx::ValueInfo &input) { return input.kind == onnx::ValueInfo::Kind::Map; }
  static bool isOptional(const onnx::ValueInfo &input) { return input.kind == onnx::ValueInfo::Kind::Optional; }

  bool isAbsent(const onnx::ValueInfo &input) { return isOptional(input) && structure(input, kPresent) == 0; }

  // The arguments that an input needs: one for a tensor, one per element of a sequence, two for a map, none for an absent optional.
  llvm::SmallVector<Argument> makeArguments(const onnx::ValueInfo &input) {
    if (isAbsent(input))
      return {};
    if (isMap(input))
      return makeMap(input);
    int64_t rank = structure(input, kRank).value_or(0);
    if (!isSequence(input))
      return {makeArgument(input, input.name, rank)};
    llvm::SmallVector<Argument> list;
    for (int64_t i = 0; i < *structure(input, kLength); ++i)
      list.push_back(makeArgument(input, input.name + "/" + std::to_string(i), rank));
    return list;
  }

  // The value of an input, from its arguments.
  Value makeInput(const onnx::ValueInfo &input, ValueRange arguments) {
    if (isMap(input)) {
      maps[arguments[0]] = {arguments[1], /*isSequence=*/false};
      return arguments[0];
    }
    Location loc = NameLoc::get(builder.getStringAttr(input.name));
    Type type = declaredType(context, input);
    if (isAbsent(input))
      return OptionalOp::create(builder, loc, type, lookup("", loc), TypeAttr());
    Value value;
    if (isSequence(input)) {
      auto optional = dyn_cast<OptionalType>(type);
      value = SequenceConstructOp::create(builder, loc, optional ? optional.getElement() : type, arguments);
    } else {
      value = arguments.front();
    }
    return isOptional(input) ? Value(OptionalOp::create(builder, loc, type, value, TypeAttr())) : value;
  }

  bool createFunction() {
    llvm::SmallVector<Argument> arguments;
    llvm::SmallVector<unsigned> counts;
    bool good = true;
    for (const onnx::ValueInfo &input : model->graph.inputs) {
      Complaint problem = inputProblem(input);
      if (!problem.message.empty()) {
        (void)refuse(builder.getUnknownLoc(), {"input '" + input.name + "' " + problem.message, problem.note});
        good = false;
        continue;
      }
      llvm::SmallVector<Argument> list = makeArguments(input);
      counts.push_back(list.size());
      arguments.append(list);
    }
    if (!good)
      return false;
    auto types = llvm::map_to_vector(arguments, [](const Argument &a) -> Type { return a.type; });
    function = func::FuncOp::create(builder, builder.getUnknownLoc(), "main", builder.getFunctionType(types, {}));
    ValueRange values = function.addEntryBlock()->getArguments();
    builder.setInsertionPointToStart(&function.front());
    for (auto [i, argument] : llvm::enumerate(arguments)) {
      function.setArgAttr(i, "laic.name", builder.getStringAttr(argument.name));
      function.setArgAttr(i, "laic.dims", builder.getArrayAttr(argument.dims));
    }
    scopes.push_back({&model->graph, {}});
    for (auto [input, count] : llvm::zip(model->graph.inputs, counts)) {
      scopes.back().values[input.name] = makeInput(input, values.take_front(count));
      values = values.drop_front(count);
    }
    return true;
  }

  // What is wrong with an input; no message where nothing is.
  Complaint inputProblem(const onnx::ValueInfo &input) {
    if (input.kind == onnx::ValueInfo::Kind::Other)
      return {"is neither a tensor, nor a sequence or optional of tensors, nor a map to tensors", ""};
    if (isMap(input) && input.ofSequence)
      return {"is a sequence of maps, which no operator takes", ""};
    if (isMap(input) && input.key != onnx::DataType::I64 && input.key != onnx::DataType::String)
      return {std::string("is a map with keys of type ") + onnx::dataTypeName(input.key) + "; expects i64 or string", ""};
    if (!onnxElementType(context, static_cast<int64_t>(input.type)))
      return {std::string("has element type ") + onnx::dataTypeName(input.type) + ", which laic does not support yet", ""};
    if (isMap(input)) {
      bool isOne = !input.shape || llvm::all_of(*input.shape, [](const onnx::Dim &dim) { return dim.value == 1; });
      return {isOne ? "" : "is a map to tensors that may have more than one element, which laic does not support", ""};
    }
    auto give = [&](const char *what, const char *number) {
      return "give it with --dim '" + input.name + what + "=" + number + "'";
    };
    if (isOptional(input) && !structure(input, kPresent))
      return {"is an optional; whether it is there must be known when compiling", give(kPresent, "0' or '1")};
    if (isAbsent(input))
      return {};
    if (isSequence(input) && !structure(input, kLength))
      return {"is a sequence; its length must be known when compiling", give(kLength, "N")};
    if (!input.shape && input.kind == onnx::ValueInfo::Kind::Tensor)
      return {"has no shape; its rank must be known", ""};
    if (!input.shape && !structure(input, kRank))
      return {"holds tensors of unknown rank, which must be known when compiling", give(kRank, "N")};
    int64_t rank = input.shape ? input.shape->size() : *structure(input, kRank);
    if (rank > 16)
      return {"has rank " + std::to_string(rank) + "; at most 16 dims are supported", ""};
    return {};
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

  static llvm::SmallVector<llvm::StringRef> textsOf(const onnx::Tensor &tensor) {
    return llvm::SmallVector<llvm::StringRef>(tensor.strings.begin(), tensor.strings.end());
  }

  Value constant(const onnx::Tensor &tensor, Location loc) {
    Type element = onnxElementType(context, static_cast<int64_t>(tensor.type));
    if (!element)
      return {};
    if (isa<StringType>(element))
      return createStrings(builder, loc, textsOf(tensor), tensor.dims);
    auto type = RankedTensorType::get(tensor.dims, element);
    std::vector<char> scratch;
    llvm::ArrayRef<char> bytes = bytesOf(tensor, type, scratch);
    if (!scratch.empty() || tensor.size <= static_cast<uint64_t>(kInlineConstantBytes))
      return ConstantOp::create(builder, loc, type, makeConstant(store, bytes, type));
    // One source per tensor: the bytes stay mapped, and the name says where they lie without naming a path.
    std::string source = "weight:" + std::to_string(weights++) + ":" + tensor.name;
    store.addSource(source, bytes, std::static_pointer_cast<void>(model), model->isMapped(tensor.data));
    auto attr = WeightAttr::get(context, builder.getStringAttr(source), 0, tensor.size, type);
    return ConstantOp::create(builder, loc, type, attr);
  }

  // The value of a name as the innermost graph sees it, making its initialiser's constant on first use; null when its type is
  // unsupported. Constants stand outside of all subgraphs.
  Value lookup(const std::string &name, Location loc) {
    OpBuilder::InsertionGuard guard(builder);
    if (name.empty()) {
      builder.setInsertionPointToStart(&function.front());
      if (!none)
        none = NoneOp::create(builder, builder.getUnknownLoc(), builder.getNoneType());
      return none;
    }
    for (Scope &scope : llvm::reverse(scopes)) {
      auto it = scope.values.find(name);
      if (it != scope.values.end())
        return it->second;
      auto initializer = scope.graph->initializers.find(name);
      if (initializer == scope.graph->initializers.end())
        continue;
      builder.setInsertionPointToStart(&function.front());
      return scope.values[name] = constant(*initializer->second, NameLoc::get(builder.getStringAttr(name)));
    }
    return {};
  }

  // The initialiser of a name, or null.
  const onnx::Tensor *findInitializer(const std::string &name) {
    for (const Scope &scope : llvm::reverse(scopes))
      if (auto it = scope.graph->initializers.find(name); it != scope.graph->initializers.end())
        return it->second.get();
    return nullptr;
  }

  // ---- nodes ----

  LogicalResult importNodes(const onnx::Graph &graph) {
    LogicalResult status = success();
    for (const onnx::Node &node : graph.nodes)
      if (failed(importNode(node)))
        status = failure();
    return status;
  }

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
    unsigned results = row->results < 0 ? node.outputs.size() : row->results, most = makesMaps(state) ? 1 : results;
    if (node.outputs.size() > most)
      return refuse(loc,
                    {"has " + std::to_string(node.outputs.size()) + " outputs, expects at most " + std::to_string(most), ""});
    if (failed(importSubgraphs(node, *row, state)))
      return failure();
    // Identity is elementwise; of a sequence, an optional or a map nothing is left to compute.
    if (isIdentity(node) && (isa<SequenceType, OptionalType>(state.operands[0].getType()) || maps.count(state.operands[0])))
      return define(node, state.operands);
    state.addTypes(resultTypes(state, results));
    Operation *op = builder.create(state);
    if (auto missing = missingInput(node, op))
      return refuse(loc, {"needs input " + std::to_string(*missing) + ", which is absent", ""});
    if (makesMaps(state))
      maps[op->getResult(0)] = {op->getResult(1), /*isSequence=*/true};
    else if (scopes.size() == 1)
      setDeclaredRanks(node, op);
    return define(node, op->getResults());
  }

  static bool isIdentity(const onnx::Node &node) { return node.domain.empty() && node.op == "Identity"; }

  LogicalResult define(const onnx::Node &node, ValueRange results) {
    for (auto [name, value] : llvm::zip(node.outputs, results))
      if (!name.empty())
        scopes.back().values[name] = value;
    return success();
  }

  // The first input that the operation cannot do without and the node does not name.
  std::optional<unsigned> missingInput(const onnx::Node &node, Operation *op) {
    auto isAbsent = [&](unsigned i) { return i >= node.inputs.size() || node.inputs[i].empty(); };
    if (!llvm::any_of(llvm::seq(op->getNumOperands()), isAbsent))
      return std::nullopt;
    // The record says which operands must be tensors; its verifier names the first that is not.
    std::string complaint;
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      complaint = diagnostic.str();
      return success();
    });
    if (succeeded(op->getName().verifyInvariants(op)))
      return std::nullopt;
    llvm::StringRef number = llvm::StringRef(complaint).split("operand #").second;
    unsigned index;
    if (number.consumeInteger(10, index) || index >= op->getNumOperands() || !isAbsent(index))
      return std::nullopt;
    return index;
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

  // One region per attribute that holds a graph, in the order of the record; without a block where the node has none.
  LogicalResult importSubgraphs(const onnx::Node &node, const OnnxOpRow &row, OperationState &state) {
    LogicalResult status = success();
    for (const OnnxAttributeRow &r : llvm::ArrayRef<OnnxAttributeRow>(row.attributes, row.attributeCount)) {
      if (r.kind != OnnxAttributeRow::Graph)
        continue;
      if (const onnx::Attribute *attribute = node.attribute(r.name)) {
        if (failed(importSubgraph(*attribute->graph, state)))
          status = failure();
      } else {
        state.addRegion();
      }
    }
    return status;
  }

  LogicalResult importSubgraph(const onnx::Graph &graph, OperationState &state) {
    OpBuilder::InsertionGuard guard(builder);
    llvm::SmallVector<Type> types = subgraphInputTypes(state, graph.inputs.size());
    Block *block = builder.createBlock(state.addRegion(), {}, types, llvm::SmallVector<Location>(types.size(), state.location));
    scopes.push_back({&graph, {}});
    for (auto [input, argument] : llvm::zip(graph.inputs, block->getArguments()))
      scopes.back().values[input.name] = argument;
    LogicalResult status = importNodes(graph);
    llvm::SmallVector<Value> outputs;
    for (const onnx::ValueInfo &output : graph.outputs) {
      Value value = lookup(output.name, state.location);
      if (!value && succeeded(status)) // otherwise a node that was refused should have made it
        status = refuse(state.location, {"output '" + output.name +
                                             "' of a subgraph has an element type that laic does not "
                                             "support yet",
                                         ""});
      if (value && maps.count(value))
        status = refuse(state.location, {"output '" + output.name + "' of a subgraph is a map, which laic does not support", ""});
      outputs.push_back(value ? value : placeholder());
    }
    OutputsOp::create(builder, state.location, outputs);
    scopes.pop_back();
    return status;
  }

  LogicalResult refuse(Location loc, const Complaint &complaint) {
    auto diag = emitError(loc) << complaint.message;
    if (!complaint.note.empty())
      diag.attachNote() << complaint.note;
    return failure();
  }

  std::optional<Complaint> addOperands(const onnx::Node &node, const OnnxOpRow &row, OperationState &state) {
    size_t most = row.variadicOperands ? SIZE_MAX : takesMaps(state) ? row.operands / 2 : row.operands;
    if (node.inputs.size() > most)
      return Complaint{"has " + std::to_string(node.inputs.size()) + " inputs, expects at most " + std::to_string(most), ""};
    for (const std::string &name : node.inputs) {
      Value value = lookup(name, state.location);
      // What an unsupported node should have made was already reported there.
      if (const onnx::Tensor *tensor = value ? nullptr : findInitializer(name))
        return Complaint{"input '" + name + "' has element type " + onnx::dataTypeName(tensor->type) +
                             ", which laic does not support yet",
                         ""};
      if (auto complaint = addOperand(node, name, value ? value : placeholder(), state))
        return complaint;
    }
    while (state.operands.size() < static_cast<size_t>(row.operands))
      state.operands.push_back(lookup("", state.location));
    return std::nullopt;
  }

  // A map is two operands.
  std::optional<Complaint> addOperand(const onnx::Node &node, const std::string &name, Value value, OperationState &state) {
    auto map = maps.find(value);
    state.operands.push_back(value);
    if (takesMaps(state)) {
      if (map == maps.end() ? value != placeholder() : map->second.isSequence)
        return Complaint{"input '" + name + "' is a " + (map == maps.end() ? "tensor" : "sequence of maps") + ", expects a map",
                         ""};
      state.operands.push_back(map == maps.end() ? value : map->second.values);
    } else if (map != maps.end() && !isIdentity(node)) {
      return Complaint{"input '" + name + "' is a " + (map->second.isSequence ? "sequence of maps" : "map") +
                           ", which this operator does not take",
                       ""};
    }
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
      if (it->kind == OnnxAttributeRow::Graph && attribute.graph)
        continue;
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
    case OnnxAttributeRow::Type: {
      Type type = a.type ? declaredType(context, *a.type) : Type();
      return type ? TypeAttr::get(type) : Attribute();
    }
    case OnnxAttributeRow::Graph: // is a region
      return {};
    case OnnxAttributeRow::Tensor: {
      Type element = a.kind == Kind::Tensor && a.tensor ? onnxElementType(context, static_cast<int64_t>(a.tensor->type)) : Type();
      if (!element)
        return {};
      auto type = RankedTensorType::get(a.tensor->dims, element);
      if (isa<StringType>(element))
        return DenseStringElementsAttr::get(type, textsOf(*a.tensor));
      std::vector<char> scratch;
      return makeConstant(store, bytesOf(*a.tensor, type, scratch), type);
    }
    }
    return {};
  }

  // A result of the function.
  struct Result {
    std::string name;
    Value value;
    llvm::SmallVector<Attribute> dims;
  };

  // The results that an output makes: two for maps, one for anything else.
  llvm::SmallVector<Result> makeResults(const onnx::ValueInfo &output, Value value) {
    if (auto map = maps.find(value); map != maps.end())
      return {{output.name + kKeys, value, {}}, {output.name + kValues, map->second.values, {}}};
    Result result{output.name, value, {}};
    if (output.shape)
      for (const onnx::Dim &dim : *output.shape)
        result.dims.push_back(dim.value >= 0 ? Attribute(builder.getI64IntegerAttr(dim.value))
                                             : builder.getStringAttr(dim.symbol));
    return {result};
  }

  LogicalResult finish() {
    llvm::SmallVector<Result> results;
    for (const onnx::ValueInfo &output : model->graph.outputs) {
      Value value = lookup(output.name, builder.getUnknownLoc());
      if (!value)
        return emitError(builder.getUnknownLoc())
               << "output '" << output.name << "' has an element type that laic does not support yet";
      results.append(makeResults(output, value));
    }
    auto values = llvm::map_to_vector(results, [](const Result &r) { return r.value; });
    auto types = llvm::map_to_vector(values, [](Value value) { return value.getType(); });
    func::ReturnOp::create(builder, builder.getUnknownLoc(), values);
    function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), types));
    for (auto [i, result] : llvm::enumerate(results)) {
      function.setResultAttr(i, "laic.name", builder.getStringAttr(result.name));
      function.setResultAttr(i, "laic.dims", builder.getArrayAttr(result.dims));
    }
    return success();
  }

  std::shared_ptr<onnx::Model> model;
  const ImportOptions &options;
  MLIRContext *context;
  OpBuilder builder;
  WeightStore &store;
  func::FuncOp function;
  std::vector<Scope> scopes;             // the graph and the subgraphs around the node, innermost last
  llvm::DenseMap<Value, MapValues> maps; // by their keys, which stand for them in a scope
  Value none;
  unsigned weights = 0;
};

} // namespace

OwningOpRef<ModuleOp> laic::importModel(std::shared_ptr<onnx::Model> model, const ImportOptions &options, MLIRContext *context) {
  context->getOrLoadDialect<func::FuncDialect>();
  return GraphImporter(std::move(model), options, context).run();
}
