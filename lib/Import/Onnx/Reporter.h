// Collects diagnostics about one model, each prefixed with the model's name and made safe to print.
#ifndef LAIC_LIB_IMPORT_ONNX_REPORTER_H
#define LAIC_LIB_IMPORT_ONNX_REPORTER_H

#include "laic/Import/Onnx/Model.h"

namespace laic {
namespace onnx {

// A name from a file as it may be shown: control characters and invalid bytes escaped, shortened beyond 120
// bytes.
std::string printable(const std::string &name);

// "node 'conv1' (Conv, opset 11)"; operators outside ai.onnx carry their domain.
std::string describe(const Node &node);

class Reporter {
public:
  Reporter(std::string model, std::vector<Diagnostic> &diagnostics)
      : model(std::move(model)), diagnostics(diagnostics), first(diagnostics.size()) {}

  // Adds one diagnostic; always returns false, so that a check can end with it. Beyond 10,000 only counts.
  bool error(const std::string &message, const std::string &note = "");
  bool error(const Node &node, const std::string &message, const std::string &note = "") {
    return error(describe(node) + ": " + message, note);
  }
  bool failed() const { return diagnostics.size() != first; }
  size_t count() const { return diagnostics.size() - first; }

private:
  std::string model;
  std::vector<Diagnostic> &diagnostics;
  size_t first;
};

} // namespace onnx
} // namespace laic
#endif
