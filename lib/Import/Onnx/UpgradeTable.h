// Upgrade steps, found by (domain, operator, version).
#ifndef LAIC_LIB_IMPORT_ONNX_UPGRADETABLE_H
#define LAIC_LIB_IMPORT_ONNX_UPGRADETABLE_H

#include "Rewriter.h"

namespace laic {
namespace onnx {

// One change of semantics: rewrites `node` from the version before `version` to `version`. False after
// Rewriter::fail.
struct UpgradeStep {
  const char *domain;
  const char *op;
  int64_t version;
  bool (*apply)(Node &node, Rewriter &rewriter);
};

// Steps by family, in the files named after it.
bool dropConsumedInputs(Node &node, Rewriter &rewriter); // UpgradeLegacy.cpp
bool legacyBroadcast(Node &node, Rewriter &rewriter);
bool legacyGemm(Node &node, Rewriter &rewriter);
bool legacyPRelu(Node &node, Rewriter &rewriter);
bool legacyCast(Node &node, Rewriter &rewriter);
bool legacyConcat(Node &node, Rewriter &rewriter);
bool legacyPower(Node &node, Rewriter &rewriter);
bool legacyPaddings(Node &node, Rewriter &rewriter);
bool legacySelu(Node &node, Rewriter &rewriter);
bool legacySplit(Node &node, Rewriter &rewriter);
bool legacyTile(Node &node, Rewriter &rewriter);
bool legacyRecurrent(Node &node, Rewriter &rewriter);
bool legacyReshape(Node &node, Rewriter &rewriter);
bool legacyUpsample(Node &node, Rewriter &rewriter);
bool axesToInput(Node &node, Rewriter &rewriter); // UpgradeInputs.cpp
bool clipToInputs(Node &node, Rewriter &rewriter);
bool padToInputs(Node &node, Rewriter &rewriter);
bool sliceToInputs(Node &node, Rewriter &rewriter);
bool experimentalSlice(Node &node, Rewriter &rewriter);
bool splitToInput(Node &node, Rewriter &rewriter);
bool splitCount(Node &node, Rewriter &rewriter);
bool topKToInput(Node &node, Rewriter &rewriter);
bool dropoutToInputs(Node &node, Rewriter &rewriter);
bool dropoutMask(Node &node, Rewriter &rewriter);
bool dftAxisToInput(Node &node, Rewriter &rewriter);
bool softmaxAxis(Node &node, Rewriter &rewriter); // UpgradeSemantics.cpp
bool batchNormalizationTest(Node &node, Rewriter &rewriter);
bool batchNormalizationSpatial(Node &node, Rewriter &rewriter);
bool batchNormalizationOutputs(Node &node, Rewriter &rewriter);
bool groupNormalizationChannels(Node &node, Rewriter &rewriter);
bool upsampleScales(Node &node, Rewriter &rewriter);
bool upsampleModes(Node &node, Rewriter &rewriter);
bool resizeModes(Node &node, Rewriter &rewriter);
bool resizeHalfPixelNearest(Node &node, Rewriter &rewriter);
bool resizeEmptyInputs(Node &node, Rewriter &rewriter);
bool roiAlignMode(Node &node, Rewriter &rewriter);
bool gridSampleModes(Node &node, Rewriter &rewriter);
bool scatterToElements(Node &node, Rewriter &rewriter);
bool scanBatch(Node &node, Rewriter &rewriter);
bool labelEncoderClasses(Node &node, Rewriter &rewriter);

// The steps of an operator in ascending order of version; a node takes those above its opset.
const std::vector<const UpgradeStep *> &upgradeSteps(const std::string &domain, const std::string &op);

// The opset since which ai.onnx has an operator; 0 for one that it does not have.
int64_t firstVersion(const std::string &op);

// Whether releases of the standard before that opset had the operator as an experiment, with the meaning of its first version.
bool wasExperimental(const std::string &op);

} // namespace onnx
} // namespace laic
#endif
