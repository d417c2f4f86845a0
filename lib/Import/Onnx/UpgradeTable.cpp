// The table of changes in semantics, and the versions since which operators exist.
//
// A version that only admits more types, or adds attributes and inputs whose absence means what it meant
// before, needs no step; test/Import/upgrade_table_test.py compares the table with the standard's history.
#include "UpgradeTable.h"

#include "Opset.h"

#include <unordered_map>

namespace laic {
namespace onnx {

namespace {

constexpr int64_t kAlways = kNewestOpset + 1; // a spelling that is legal in every version

// By operator; the steps of one operator in ascending order.
constexpr UpgradeStep kSteps[] = {
    {"", "Add", 7, legacyBroadcast},
    {"", "And", 7, legacyBroadcast},
    {"", "BatchNormalization", 7, batchNormalizationTest},
    {"", "BatchNormalization", 9, batchNormalizationSpatial},
    {"", "BatchNormalization", 14, batchNormalizationOutputs},
    {"", "Cast", 6, legacyCast},
    {"", "Clip", 11, clipToInputs},
    {"", "Concat", 4, legacyConcat},
    {"", "DFT", 20, dftAxisToInput},
    {"", "Div", 7, legacyBroadcast},
    {"", "Dropout", 7, dropoutToInputs},
    {"", "Dropout", 10, dropoutMask},
    {"", "Dropout", 12, dropoutToInputs},
    {"", "DynamicSlice", kAlways, experimentalSlice},
    {"", "Equal", 7, legacyBroadcast},
    {"", "GRU", 3, legacyRecurrent},
    {"", "GRU", 7, legacyRecurrent},
    {"", "Gemm", 7, legacyGemm},
    {"", "GlobalLpPool", 2, legacyPower},
    {"", "Greater", 7, legacyBroadcast},
    {"", "GridSample", 20, gridSampleModes},
    {"", "GroupNormalization", 21, groupNormalizationChannels},
    {"", "Hardmax", 13, softmaxAxis},
    {"", "LSTM", 7, legacyRecurrent},
    {"", "Less", 7, legacyBroadcast},
    {"", "LogSoftmax", 13, softmaxAxis},
    {"", "LpPool", 2, legacyPower},
    {"", "Mul", 7, legacyBroadcast},
    {"", "Or", 7, legacyBroadcast},
    {"", "PRelu", 7, legacyPRelu},
    {"", "Pad", 2, legacyPaddings},
    {"", "Pad", 11, padToInputs},
    {"", "Pow", 7, legacyBroadcast},
    {"", "RNN", 7, legacyRecurrent},
    {"", "ReduceL1", 18, axesToInput},
    {"", "ReduceL2", 18, axesToInput},
    {"", "ReduceLogSum", 18, axesToInput},
    {"", "ReduceLogSumExp", 18, axesToInput},
    {"", "ReduceMax", 18, axesToInput},
    {"", "ReduceMean", 18, axesToInput},
    {"", "ReduceMin", 18, axesToInput},
    {"", "ReduceProd", 18, axesToInput},
    {"", "ReduceSum", 13, axesToInput},
    {"", "ReduceSumSquare", 18, axesToInput},
    {"", "Reshape", 5, legacyReshape},
    {"", "Resize", 11, resizeModes},
    {"", "Resize", kAlways, resizeHalfPixelNearest},
    {"", "Resize", kAlways, resizeEmptyInputs},
    {"", "RoiAlign", 16, roiAlignMode},
    {"", "Scan", 9, scanBatch},
    {"", "Scatter", 11, scatterToElements},
    {"", "Selu", 6, legacySelu},
    {"", "Slice", 10, sliceToInputs},
    {"", "Softmax", 13, softmaxAxis},
    {"", "Split", 2, legacySplit},
    {"", "Split", 13, splitToInput},
    {"", "Split", kAlways, splitCount},
    {"", "Squeeze", 13, axesToInput},
    {"", "Sub", 7, legacyBroadcast},
    {"", "Tile", 6, legacyTile},
    {"", "TopK", 10, topKToInput},
    {"", "Unsqueeze", 13, axesToInput},
    {"", "Upsample", 7, legacyUpsample},
    {"", "Upsample", 9, upsampleScales},
    {"", "Upsample", kAlways, upsampleModes},
    {"", "Xor", 7, legacyBroadcast},
    {"ai.onnx.ml", "LabelEncoder", 2, labelEncoderClasses},
};

struct Operator {
  const char *name;
  int64_t since;
};

constexpr Operator kOperators[] = {
    {"Abs", 1},
    {"Acos", 7},
    {"Acosh", 9},
    {"Add", 1},
    {"AffineGrid", 20},
    {"And", 1},
    {"ArgMax", 1},
    {"ArgMin", 1},
    {"Asin", 7},
    {"Asinh", 9},
    {"Atan", 7},
    {"Atanh", 9},
    {"Attention", 23},
    {"AveragePool", 1},
    {"BatchNormalization", 1},
    {"Bernoulli", 15},
    {"BitCast", 26},
    {"BitShift", 11},
    {"BitwiseAnd", 18},
    {"BitwiseNot", 18},
    {"BitwiseOr", 18},
    {"BitwiseXor", 18},
    {"BlackmanWindow", 17},
    {"Cast", 1},
    {"CastLike", 15},
    {"CausalConvWithState", 27},
    {"Ceil", 1},
    {"Celu", 12},
    {"CenterCropPad", 18},
    {"Clip", 1},
    {"Col2Im", 18},
    {"Compress", 9},
    {"Concat", 1},
    {"ConcatFromSequence", 11},
    {"Constant", 1},
    {"ConstantOfShape", 9},
    {"Conv", 1},
    {"ConvInteger", 10},
    {"ConvTranspose", 1},
    {"Cos", 7},
    {"Cosh", 9},
    {"CumProd", 26},
    {"CumSum", 11},
    {"DFT", 17},
    {"DeformConv", 19},
    {"DepthToSpace", 1},
    {"DequantizeLinear", 10},
    {"Det", 11},
    {"Div", 1},
    {"Dropout", 1},
    {"DynamicQuantizeLinear", 11},
    {"Einsum", 12},
    {"Elu", 1},
    {"Equal", 1},
    {"Erf", 9},
    {"Exp", 1},
    {"Expand", 8},
    {"EyeLike", 9},
    {"Flatten", 1},
    {"Floor", 1},
    {"GRU", 1},
    {"Gather", 1},
    {"GatherElements", 11},
    {"GatherND", 11},
    {"Gelu", 20},
    {"Gemm", 1},
    {"GlobalAveragePool", 1},
    {"GlobalLpPool", 1},
    {"GlobalMaxPool", 1},
    {"Greater", 1},
    {"GreaterOrEqual", 12},
    {"GridSample", 16},
    {"GroupNormalization", 18},
    {"HammingWindow", 17},
    {"HannWindow", 17},
    {"HardSigmoid", 1},
    {"HardSwish", 14},
    {"Hardmax", 1},
    {"Identity", 1},
    {"If", 1},
    {"ImageDecoder", 20},
    {"InstanceNormalization", 1},
    {"IsInf", 10},
    {"IsNaN", 9},
    {"LRN", 1},
    {"LSTM", 1},
    {"LayerNormalization", 17},
    {"LeakyRelu", 1},
    {"Less", 1},
    {"LessOrEqual", 12},
    {"LinearAttention", 27},
    {"Log", 1},
    {"LogSoftmax", 1},
    {"Loop", 1},
    {"LpNormalization", 1},
    {"LpPool", 1},
    {"MatMul", 1},
    {"MatMulInteger", 10},
    {"Max", 1},
    {"MaxPool", 1},
    {"MaxRoiPool", 1},
    {"MaxUnpool", 9},
    {"Mean", 1},
    {"MeanVarianceNormalization", 9},
    {"MelWeightMatrix", 17},
    {"Min", 1},
    {"Mish", 18},
    {"Mod", 10},
    {"Mul", 1},
    {"Multinomial", 7},
    {"Neg", 1},
    {"NegativeLogLikelihoodLoss", 12},
    {"NonMaxSuppression", 10},
    {"NonZero", 9},
    {"Not", 1},
    {"OneHot", 9},
    {"Optional", 15},
    {"OptionalGetElement", 15},
    {"OptionalHasElement", 15},
    {"Or", 1},
    {"PRelu", 1},
    {"Pad", 1},
    {"Pow", 1},
    {"QLinearConv", 10},
    {"QLinearMatMul", 10},
    {"QuantizeLinear", 10},
    {"RMSNormalization", 23},
    {"RNN", 1},
    {"RandomNormal", 1},
    {"RandomNormalLike", 1},
    {"RandomUniform", 1},
    {"RandomUniformLike", 1},
    {"Range", 11},
    {"Reciprocal", 1},
    {"ReduceL1", 1},
    {"ReduceL2", 1},
    {"ReduceLogSum", 1},
    {"ReduceLogSumExp", 1},
    {"ReduceMax", 1},
    {"ReduceMean", 1},
    {"ReduceMin", 1},
    {"ReduceProd", 1},
    {"ReduceSum", 1},
    {"ReduceSumSquare", 1},
    {"RegexFullMatch", 20},
    {"Relu", 1},
    {"Reshape", 1},
    {"Resize", 10},
    {"ReverseSequence", 10},
    {"RoiAlign", 10},
    {"RotaryEmbedding", 23},
    {"Round", 11},
    {"STFT", 17},
    {"Scan", 8},
    {"Scatter", 9},
    {"ScatterElements", 11},
    {"ScatterND", 11},
    {"Selu", 1},
    {"SequenceAt", 11},
    {"SequenceConstruct", 11},
    {"SequenceEmpty", 11},
    {"SequenceErase", 11},
    {"SequenceInsert", 11},
    {"SequenceLength", 11},
    {"SequenceMap", 17},
    {"Shape", 1},
    {"Shrink", 9},
    {"Sigmoid", 1},
    {"Sign", 9},
    {"Sin", 7},
    {"Sinh", 9},
    {"Size", 1},
    {"Slice", 1},
    {"Softmax", 1},
    {"SoftmaxCrossEntropyLoss", 12},
    {"Softplus", 1},
    {"Softsign", 1},
    {"SpaceToDepth", 1},
    {"Split", 1},
    {"SplitToSequence", 11},
    {"Sqrt", 1},
    {"Squeeze", 1},
    {"StringConcat", 20},
    {"StringNormalizer", 10},
    {"StringSplit", 20},
    {"Sub", 1},
    {"Sum", 1},
    {"SwiGLU", 28},
    {"Swish", 24},
    {"Tan", 7},
    {"Tanh", 1},
    {"TensorScatter", 24},
    {"TfIdfVectorizer", 9},
    {"ThresholdedRelu", 10},
    {"Tile", 1},
    {"TopK", 1},
    {"Transpose", 1},
    {"Trilu", 14},
    {"Unique", 11},
    {"Unsqueeze", 1},
    {"Upsample", 1},
    {"Where", 9},
    {"Xor", 1},
};

} // namespace

const std::vector<const UpgradeStep *> &upgradeSteps(const std::string &domain, const std::string &op) {
  using Table = std::unordered_map<std::string, std::vector<const UpgradeStep *>>;
  static const Table table = [] {
    Table t;
    for (const UpgradeStep &step : kSteps)
      t[std::string(step.domain) + '\0' + step.op].push_back(&step);
    return t;
  }();
  static const std::vector<const UpgradeStep *> none;
  auto found = table.find(domain + '\0' + op);
  return found == table.end() ? none : found->second;
}

bool wasExperimental(const std::string &op) { return op == "MeanVarianceNormalization" || op == "ThresholdedRelu"; }

int64_t firstVersion(const std::string &op) {
  static const std::unordered_map<std::string, int64_t> table = [] {
    std::unordered_map<std::string, int64_t> t;
    for (const Operator &entry : kOperators)
      t.emplace(entry.name, entry.since);
    return t;
  }();
  auto found = table.find(op);
  return found == table.end() ? 0 : found->second;
}

std::vector<std::pair<std::string, int64_t>> listOperators() {
  std::vector<std::pair<std::string, int64_t>> list;
  for (const Operator &entry : kOperators)
    list.emplace_back(entry.name, entry.since);
  return list;
}

std::vector<std::pair<std::string, int64_t>> listUpgrades() {
  std::vector<std::pair<std::string, int64_t>> list;
  for (const UpgradeStep &step : kSteps)
    list.emplace_back(*step.domain ? std::string(step.domain) + "." + step.op : step.op, step.version);
  return list;
}

} // namespace onnx
} // namespace laic
