// What is certain about the values of a graph before shape inference: element types and ranks.
//
// Only sources that cannot be wrong are used: constants, the model's inputs and the operators themselves.
// Declared types of inner values (value_info) are not, since exporters get them wrong.
#ifndef LAIC_LIB_IMPORT_ONNX_FACTS_H
#define LAIC_LIB_IMPORT_ONNX_FACTS_H

#include "laic/Import/Onnx/Model.h"

#include <unordered_map>

namespace laic {
namespace onnx {

class Facts {
public:
  explicit Facts(const Facts *outer = nullptr) : outer(outer) {}

  struct Value {
    DataType type = DataType::Undefined; // Undefined: unknown
    int rank = -1;                       // -1: unknown
    const Tensor *constant = nullptr;
  };

  // Learns inputs (of the main graph only) and constants.
  void enter(const Graph &graph, bool isMain);
  void learn(const std::string &name, Value value) { values[name] = value; }
  // Learns the outputs of a node at its newest version.
  void learn(const Node &node);
  Value of(const std::string &name) const;

private:
  Value infer(const Node &node, size_t output) const;

  const Facts *outer;
  std::unordered_map<std::string, Value> values;
};

// The elements of an i64 or i32 constant; false when it is none or has other elements.
bool integersOf(const Tensor *constant, std::vector<int64_t> &result);

} // namespace onnx
} // namespace laic
#endif
