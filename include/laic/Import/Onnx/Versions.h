// What the standard's operator versions mean for a writer: the lowest opset that knows a node.
#ifndef LAIC_IMPORT_ONNX_VERSIONS_H
#define LAIC_IMPORT_ONNX_VERSIONS_H

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace laic {
namespace onnx {

/// Opsets below this one are not written: since then no operator of ai.onnx has changed what its nodes mean, only grown.
constexpr int64_t kOldestWrittenOpset = 21;
/// The same for ai.onnx.ml.
constexpr int64_t kOldestWrittenMLOpset = 3;

/// What a node asks of its operator.
struct NodeUse {
  std::string domain, op;
  std::set<std::string> elements;   // of its inputs and outputs, as in the support matrix: "bf16"
  std::set<std::string> attributes; // that are not at their default
  size_t inputs = 0;
};

/// The lowest opset of the node's domain, not below the oldest one written, that gives the node the meaning it has in the newest.
/// 1 for domains other than ai.onnx and ai.onnx.ml.
int64_t lowestOpset(const NodeUse &use);

/// The lowest opset of ai.onnx whose tensors may have that element type.
int64_t elementOpset(const std::string &element);

/// The IR version that an opset of ai.onnx came with, from the oldest one written on.
int64_t irVersion(int64_t opset);

/// How many of an operator's outputs must be there, from the first on.
unsigned requiredOutputs(const std::string &domain, const std::string &op);

/// Whether an attribute is written at its default, too: operators without versions had some before they had a default.
bool isAlwaysWritten(const std::string &domain, const std::string &op, const std::string &attribute);

/// An operator that must have more than one output.
struct RequiredOutputs {
  const char *domain;
  const char *op;
  unsigned required;
};
const std::vector<RequiredOutputs> &requiredOutputs();

/// One version that admits more than the one before, or says more precisely what was admitted.
struct Widening {
  const char *domain;
  const char *op;
  int64_t version;
  const char *elements;  // that are new, separated by blanks
  const char *attribute; // one that is new, or whose meaning is where it is not at its default
  size_t inputs;         // more than this many are new; 0: no change
  const char *unless;    // the new elements are old ones where that attribute is not at its default
};
/// All of them above the oldest opset that is written; by operator, ascending.
const std::vector<Widening> &widenings();

} // namespace onnx
} // namespace laic
#endif
