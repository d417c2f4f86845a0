// What is certain about the values of a graph before shape inference: element types and ranks.
#include "Facts.h"

#include <algorithm>
#include <cstring>

namespace laic {
namespace onnx {

namespace {

enum class Rule : uint8_t {
  LikeFirst,   // type and rank of input 0
  LikeWeights, // type of any input, rank of input 0 or 1
  Broadcast,   // type of any input, the largest rank
  Compare,     // bool, the largest rank
  Shape,       // i64 [n]
  Cast,        // attribute `to`, rank of input 0
  CastLike,    // type of input 1, rank of input 0
  Reshape,     // rank is the length of input 1
  Matrix,      // rank 2
  MatMul,      // the larger rank, when both have at least 2
  Concat,      // rank of any input
  Squeeze,     // rank less the number of axes
  Unsqueeze,   // rank plus the number of axes
  Gather,      // ranks add up
  Reduce,      // like input 0 while keepdims holds
  Recurrent,   // Y has rank 4, the states 3
  Index,       // i64, rank as Reduce
};

const std::unordered_map<std::string, Rule> &rules() {
  static const std::unordered_map<std::string, Rule> table = [] {
    std::unordered_map<std::string, Rule> t;
    auto add = [&](Rule rule, std::initializer_list<const char *> ops) {
      for (const char *op : ops)
        t.emplace(op, rule);
    };
    add(Rule::LikeFirst, {"Abs",
                          "Acos",
                          "Asin",
                          "Atan",
                          "AveragePool",
                          "Ceil",
                          "Clip",
                          "Cos",
                          "CumSum",
                          "DepthToSpace",
                          "Dropout",
                          "Elu",
                          "Erf",
                          "Exp",
                          "Floor",
                          "Gelu",
                          "Hardmax",
                          "HardSigmoid",
                          "HardSwish",
                          "Identity",
                          "LRN",
                          "LeakyRelu",
                          "Log",
                          "LogSoftmax",
                          "LpPool",
                          "MaxPool",
                          "Mish",
                          "Neg",
                          "Not",
                          "Pad",
                          "Reciprocal",
                          "Relu",
                          "Resize",
                          "Round",
                          "Selu",
                          "Sigmoid",
                          "Sign",
                          "Sin",
                          "Slice",
                          "Softmax",
                          "Softplus",
                          "Softsign",
                          "SpaceToDepth",
                          "Split",
                          "Sqrt",
                          "Tan",
                          "Tanh",
                          "ThresholdedRelu",
                          "Tile",
                          "Transpose",
                          "Trilu",
                          "GlobalAveragePool",
                          "GlobalMaxPool",
                          "GlobalLpPool",
                          "LpNormalization",
                          "ReverseSequence",
                          "ScatterElements",
                          "ScatterND",
                          "TopK"});
    add(Rule::LikeWeights, {"Conv", "ConvTranspose", "BatchNormalization", "InstanceNormalization", "PRelu"});
    add(Rule::Broadcast, {"Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Mod"});
    add(Rule::Compare, {"And", "Or", "Xor", "Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual"});
    add(Rule::Shape, {"Shape"});
    add(Rule::Cast, {"Cast"});
    add(Rule::CastLike, {"CastLike"});
    add(Rule::Reshape, {"Reshape"});
    add(Rule::Matrix, {"Flatten", "Gemm"});
    add(Rule::MatMul, {"MatMul"});
    add(Rule::Concat, {"Concat"});
    add(Rule::Squeeze, {"Squeeze"});
    add(Rule::Unsqueeze, {"Unsqueeze"});
    add(Rule::Gather, {"Gather"});
    add(Rule::Reduce, {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
                       "ReduceProd", "ReduceSum", "ReduceSumSquare"});
    add(Rule::Recurrent, {"LSTM", "GRU", "RNN"});
    add(Rule::Index, {"ArgMax", "ArgMin"});
    return t;
  }();
  return table;
}

} // namespace

bool integersOf(const Tensor *constant, std::vector<int64_t> &result) {
  if (!constant || (constant->type != DataType::I64 && constant->type != DataType::I32))
    return false;
  bool wide = constant->type == DataType::I64;
  result.clear();
  for (uint64_t at = 0; at < constant->size; at += wide ? 8 : 4) {
    int64_t value = 0;
    int32_t narrow = 0;
    memcpy(wide ? static_cast<void *>(&value) : &narrow, constant->data + at, wide ? 8 : 4);
    result.push_back(wide ? value : narrow);
  }
  return true;
}

void Facts::enter(const Graph &graph, bool isMain) {
  for (const auto &entry : graph.initializers)
    values[entry.first] = {entry.second->type, static_cast<int>(entry.second->dims.size()), entry.second.get()};
  for (const ValueInfo &input : graph.inputs) {
    Value value;
    if (isMain && input.kind == ValueInfo::Kind::Tensor)
      value = {input.type, input.shape ? static_cast<int>(input.shape->size()) : -1, nullptr};
    values[input.name] = value;
  }
}

Facts::Value Facts::of(const std::string &name) const {
  for (const Facts *facts = this; facts; facts = facts->outer) {
    auto found = facts->values.find(name);
    if (found != facts->values.end())
      return found->second;
  }
  return {};
}

static int lengthOf(const Tensor *constant) {
  return constant && constant->dims.size() == 1 && constant->dims[0] < 1024 ? static_cast<int>(constant->dims[0]) : -1;
}

Facts::Value Facts::infer(const Node &node, size_t output) const {
  auto found = rules().find(node.op);
  if (found == rules().end() || node.inputs.empty())
    return {};
  Rule rule = found->second;
  std::vector<Value> in;
  DataType any = DataType::Undefined;
  int largest = 0, some = -1;
  for (const std::string &name : node.inputs) {
    in.push_back(name.empty() ? Value() : of(name));
    if (any == DataType::Undefined)
      any = in.back().type;
    some = std::max(some, in.back().rank);
    largest = in.back().rank < 0 || largest < 0 ? -1 : std::max(largest, in.back().rank);
  }
  Value first = in[0], second = in.size() > 1 ? in[1] : Value();
  bool hasSecond = in.size() > 1 && !node.inputs[1].empty();
  int axes = hasSecond ? lengthOf(second.constant) : -1;
  auto with = [&](DataType type, int rank) { return Value{type, rank, nullptr}; };
  auto attribute = [&](const char *name, int64_t otherwise) {
    const Attribute *a = node.attribute(name);
    return a ? a->i : otherwise;
  };
  switch (rule) {
  case Rule::LikeFirst:
    return output == 0 ? with(first.type, first.rank) : node.op == "Split" ? with(first.type, first.rank) : Value();
  case Rule::LikeWeights: {
    bool isConv = node.op == "Conv" || node.op == "ConvTranspose";
    return output ? Value() : with(any, first.rank >= 0 ? first.rank : isConv ? second.rank : -1);
  }
  case Rule::Broadcast:
    return with(any, largest);
  case Rule::Compare:
    return with(DataType::Bool, largest);
  case Rule::Shape:
    return with(DataType::I64, 1);
  case Rule::Cast: {
    int64_t to = attribute("to", 0);
    return with(to > 0 && to <= static_cast<int64_t>(DataType::F6E3M2) ? static_cast<DataType>(to) : DataType::Undefined,
                first.rank);
  }
  case Rule::CastLike:
    return with(second.type, first.rank);
  case Rule::Reshape:
    return with(first.type, axes);
  case Rule::Matrix:
    return with(node.op == "Gemm" ? any : first.type, 2);
  case Rule::MatMul:
    return with(any, first.rank >= 2 && second.rank >= 2 ? largest : -1);
  case Rule::Concat:
    return with(any, some);
  case Rule::Squeeze:
    return with(first.type, first.rank >= axes && axes >= 0 ? first.rank - axes : -1);
  case Rule::Unsqueeze:
    return with(first.type, first.rank >= 0 && axes >= 0 ? first.rank + axes : -1);
  case Rule::Gather:
    return with(first.type, first.rank >= 1 && second.rank >= 0 ? first.rank + second.rank - 1 : -1);
  case Rule::Reduce:
    return with(first.type, attribute("keepdims", 1) ? first.rank : -1);
  case Rule::Recurrent:
    return with(any, output == 0 ? 4 : 3);
  case Rule::Index:
    return with(DataType::I64, attribute("keepdims", 1) ? first.rank : -1);
  }
  return {};
}

void Facts::learn(const Node &node) {
  for (size_t i = 0; i < node.outputs.size(); ++i)
    if (!node.outputs[i].empty())
      values[node.outputs[i]] = node.domain.empty() ? infer(node, i) : Value();
}

} // namespace onnx
} // namespace laic
