// What an upgrade step may do to the graph around the node that it rewrites.
#ifndef LAIC_LIB_IMPORT_ONNX_REWRITER_H
#define LAIC_LIB_IMPORT_ONNX_REWRITER_H

#include "Facts.h"
#include "Upgrade.h"

#include <cstring>
#include <functional>

namespace laic {
namespace onnx {

Attribute intAttribute(const std::string &name, int64_t value);
Attribute stringAttribute(const std::string &name, const std::string &value);

// Removes and returns an attribute; the kind is the caller's to check.
std::optional<Attribute> take(Node &node, const std::string &name);
int64_t takeInt(Node &node, const std::string &name, int64_t otherwise);
void set(Node &node, Attribute attribute); // adds or replaces

// New nodes are written for the newest opset and are not upgraded again.
class Rewriter {
public:
  Rewriter(Graph &graph, Facts &facts, NameSet &names, Storage &storage, Reporter &reporter,
           const std::function<bool(const std::string &)> &isUsed)
      : graph(graph), facts(facts), names(names), storage(storage), reporter(reporter), used(isUsed) {}

  void begin(const Node &node);

  // A constant of the graph, named after the node.
  std::string constant(DataType type, std::vector<int64_t> dims, std::vector<uint8_t> bytes, const std::string &hint);
  std::string constant(const std::vector<int64_t> &values, const std::string &hint); // [n]
  std::string scalar(int64_t value, const std::string &hint);
  // A scalar of the element type of `like`.
  std::string scalarLike(float value, const std::string &like, const std::string &hint);

  // A node in front of the current one; returns the name of its output.
  std::string emit(const std::string &op, std::vector<std::string> inputs, std::vector<Attribute> attributes = {});
  // A node behind the current one that defines `output`.
  void emitAfter(const std::string &op, std::vector<std::string> inputs, const std::string &output,
                 std::vector<Attribute> attributes = {});
  std::string fresh(const std::string &hint);
  // The [1] tensor with the rank of a value; a constant when it is known.
  std::string rank(const std::string &value);
  // `value` with `count` dims of size 1 appended, where count is a [1] tensor.
  std::string appendOnes(const std::string &value, const std::string &count);

  Facts::Value of(const std::string &value) const { return value.empty() ? Facts::Value() : facts.of(value); }
  bool isUsed(const std::string &value) const { return !value.empty() && used(value); }
  // The node cannot be brought to the newest opset. Returns false.
  bool fail(const std::string &problem, const std::string &note);

  std::vector<Node> before, after;

private:
  Node make(const std::string &op, std::vector<std::string> inputs, const std::string &output, std::vector<Attribute> attributes);

  Graph &graph;
  Facts &facts;
  NameSet &names;
  Storage &storage;
  Reporter &reporter;
  const std::function<bool(const std::string &)> &used;
  std::string name;        // of the node
  std::string description; // of the node as the file has it
};

} // namespace onnx
} // namespace laic
#endif
