// The table of versions that have only widened an operator, and what follows from it for a node.
//
// test/Import/upgrade_table_test.py compares it with the standard's history.
#include "laic/Import/Onnx/Versions.h"

#include "UpgradeTable.h"

#include <algorithm>
#include <sstream>
#include <unordered_map>

namespace laic {
namespace onnx {

namespace {

constexpr const char *kFloat8 = "f8E4M3FN f8E4M3FNUZ f8E5M2 f8E5M2FNUZ";
constexpr const char *kBF16 = "bf16";

// Types that came after the oldest opset. No operator has one of them in an earlier version, so that rows leave them out.
struct ElementRow {
  const char *element;
  int64_t since;
};
constexpr ElementRow kElements[] = {{"f4E2M1", 23}, {"f8E8M0", 24}, {"i2", 25}, {"u2", 25}};

const RequiredOutputs kOutputs[] = {
    {"", "CausalConvWithState", 2},
    {"", "DynamicQuantizeLinear", 3},
    {"", "LinearAttention", 2},
    {"", "StringSplit", 2},
    {"", "TopK", 2},
    {"ai.onnx.ml", "LinearClassifier", 2},
    {"ai.onnx.ml", "SVMClassifier", 2},
    {"ai.onnx.ml", "TreeEnsembleClassifier", 2},
    {"com.microsoft", "CausalConvWithState", 2},
    {"com.microsoft", "LinearAttention", 2},
    {"com.microsoft", "QEmbedLayerNormalization", 2},
    {"com.microsoft", "Unique", 3},
};

std::vector<Widening> makeWidenings() {
  std::vector<Widening> rows = {
      {"", "Attention", 24, "", "", 0, ""}, // masks may be short since then
      {"", "Attention", 24, "", "", 6, ""},
      {"", "Attention", 25, "", "left_window_size", 0, ""},
      {"", "Attention", 25, "", "right_window_size", 0, ""},
      {"", "BitShift", 28, "i8 i16 i32 i64", "", 0, ""},
      {"", "Cast", 24, "", "round_mode", 0, ""},
      {"", "CastLike", 24, "", "round_mode", 0, ""},
      {"", "Celu", 28, "bf16 f64 f16", "", 0, ""},
      {"", "Compress", 28, kBF16, "", 0, ""},
      {"", "DequantizeLinear", 23, "", "output_dtype", 0, ""},
      {"", "Dropout", 22, kFloat8, "", 0, ""},
      {"", "Einsum", 28, kBF16, "", 0, ""},
      {"", "Mod", 28, "f32 f16 bf16 f64", "", 0, "fmod"},
      {"", "OneHot", 28, kBF16, "", 0, ""},
      {"", "QuantizeLinear", 23, "", "precision", 0, ""},
      {"", "Range", 27, "bf16 f16", "stash_type", 0, ""},
      {"", "ReverseSequence", 28, kBF16, "", 0, ""},
      {"", "SpaceToDepth", 28, "", "mode", 0, ""},
      {"", "TopK", 24, kBF16, "", 0, ""},
      {"", "Unique", 28, kBF16, "", 0, ""},
      {"ai.onnx.ml", "LabelEncoder", 4, "f64 i16 i32", "default_tensor", 0, ""},
      {"ai.onnx.ml", "LabelEncoder", 4, "", "keys_tensor", 0, ""},
      {"ai.onnx.ml", "LabelEncoder", 4, "", "values_tensor", 0, ""},
      {"ai.onnx.ml", "TreeEnsemble", 5, "", "", 0, ""},
  };
  // Where the last window would start behind the data there is none, which earlier versions leave open.
  for (const char *op : {"AveragePool", "LpPool", "MaxPool"})
    rows.push_back({"", op, 22, "", "ceil_mode", 0, ""});
  for (const char *op : {"Acos",
                         "Acosh",
                         "Asin",
                         "Asinh",
                         "Atan",
                         "Atanh",
                         "AveragePool",
                         "Bernoulli",
                         "Conv",
                         "ConvTranspose",
                         "Cos",
                         "Cosh",
                         "DeformConv",
                         "Det",
                         "Elu",
                         "EyeLike",
                         "GRU",
                         "GlobalAveragePool",
                         "GlobalLpPool",
                         "GlobalMaxPool",
                         "GridSample",
                         "HardSigmoid",
                         "HardSwish",
                         "InstanceNormalization",
                         "LSTM",
                         "LpNormalization",
                         "LpPool",
                         "MaxPool",
                         "MaxRoiPool",
                         "MaxUnpool",
                         "Mish",
                         "Multinomial",
                         "NegativeLogLikelihoodLoss",
                         "RNN",
                         "RandomNormal",
                         "RandomNormalLike",
                         "RandomUniform",
                         "RandomUniformLike",
                         "RoiAlign",
                         "Round",
                         "Selu",
                         "Sin",
                         "Sinh",
                         "Softplus",
                         "Softsign",
                         "Tan",
                         "ThresholdedRelu"})
    rows.push_back({"", op, 22, kBF16, "", 0, ""});
  return rows;
}

// Whether one of the words is in the set.
bool holdsOneOf(const std::set<std::string> &set, const char *words) {
  std::istringstream stream(words);
  for (std::string word; stream >> word;)
    if (set.count(word))
      return true;
  return false;
}

bool needs(const NodeUse &use, const Widening &row) {
  bool isWhole = !*row.elements && !*row.attribute && !row.inputs; // the operator itself is new
  bool takesElements = holdsOneOf(use.elements, row.elements) && !use.attributes.count(row.unless);
  return isWhole || takesElements || use.attributes.count(row.attribute) || (row.inputs && use.inputs > row.inputs);
}

} // namespace

const std::vector<Widening> &widenings() {
  static const std::vector<Widening> rows = makeWidenings();
  return rows;
}

int64_t elementOpset(const std::string &element) {
  for (const ElementRow &row : kElements)
    if (element == row.element)
      return row.since;
  return kOldestWrittenOpset;
}

int64_t lowestOpset(const NodeUse &use) {
  bool isStandard = use.domain.empty();
  if (!isStandard && use.domain != "ai.onnx.ml")
    return 1;
  int64_t opset = isStandard ? std::max(kOldestWrittenOpset, firstVersion(use.op)) : kOldestWrittenMLOpset;
  if (isStandard)
    for (const std::string &element : use.elements)
      opset = std::max(opset, elementOpset(element));
  using Rows = std::unordered_map<std::string, std::vector<const Widening *>>;
  static const Rows byOperator = [] {
    Rows map;
    for (const Widening &row : widenings())
      map[row.op].push_back(&row);
    return map;
  }();
  if (auto rows = byOperator.find(use.op); rows != byOperator.end())
    for (const Widening *row : rows->second)
      if (use.domain == row->domain && needs(use, *row))
        opset = std::max(opset, row->version);
  return opset;
}

int64_t irVersion(int64_t opset) {
  constexpr int64_t kNewest = 14;
  constexpr std::pair<int64_t, int64_t> kLast[] = {{22, 10}, {23, 11}, {24, 12}, {27, 13}}; // the last opset of each
  for (auto [last, version] : kLast)
    if (opset <= last)
      return version;
  return kNewest;
}

bool isAlwaysWritten(const std::string &domain, const std::string &op, const std::string &attribute) {
  return domain == "com.microsoft" && op == "MatMulNBits" && attribute == "bits";
}

const std::vector<RequiredOutputs> &requiredOutputs() {
  static const std::vector<RequiredOutputs> rows(std::begin(kOutputs), std::end(kOutputs));
  return rows;
}

unsigned requiredOutputs(const std::string &domain, const std::string &op) {
  for (const RequiredOutputs &row : kOutputs)
    if (domain == row.domain && op == row.op)
      return row.required;
  return 1;
}

} // namespace onnx
} // namespace laic
