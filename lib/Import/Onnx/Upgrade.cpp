// Brings nodes from the opset of the file to the newest one.
#include "Upgrade.h"

#include "Opset.h"
#include "UpgradeTable.h"

namespace laic {
namespace onnx {

namespace {

constexpr int64_t kNoConsumedInputs = 6;

class Upgrader {
public:
  Upgrader(NameSet &names, Storage &storage, Reporter &reporter)
      : names(names), storage(storage), reporter(reporter),
        isUsed([this](const std::string &name) { return used.count(name) != 0; }) {}

  void collectUses(const Graph &graph);
  void run(Graph &graph, const Facts *outer);

private:
  bool apply(Node &node, Rewriter &rewriter);

  NameSet &names;
  Storage &storage;
  Reporter &reporter;
  std::unordered_set<std::string> used;
  std::function<bool(const std::string &)> isUsed;
};

} // namespace

template <typename Visit> static void forEachSubgraph(const Node &node, Visit visit) {
  for (const Attribute &attribute : node.attributes) {
    if (attribute.graph)
      visit(*attribute.graph);
    for (const std::shared_ptr<Graph> &graph : attribute.graphs)
      visit(*graph);
  }
}

void Upgrader::collectUses(const Graph &graph) {
  for (const ValueInfo &output : graph.outputs)
    used.insert(output.name);
  for (const Node &node : graph.nodes) {
    used.insert(node.inputs.begin(), node.inputs.end());
    forEachSubgraph(node, [&](const Graph &subgraph) { collectUses(subgraph); });
  }
}

bool Upgrader::apply(Node &node, Rewriter &rewriter) {
  if (node.domain.empty()) {
    int64_t since = firstVersion(node.op);
    if (node.opset < since && !wasExperimental(node.op))
      return rewriter.fail("the operator exists since opset " + std::to_string(since),
                           "export the model for opset " + std::to_string(since) + " or newer");
    if (node.opset < kNoConsumedInputs)
      dropConsumedInputs(node, rewriter);
  }
  for (const UpgradeStep *step : upgradeSteps(node.domain, node.op))
    if (step->version > node.opset && !step->apply(node, rewriter))
      return false;
  return true;
}

void Upgrader::run(Graph &graph, const Facts *outer) {
  Facts facts(outer);
  facts.enter(graph, outer == nullptr);
  Rewriter rewriter(graph, facts, names, storage, reporter, isUsed);
  std::vector<Node> result;
  result.reserve(graph.nodes.size());
  auto add = [&](Node &&node) {
    facts.learn(node);
    result.push_back(std::move(node));
  };
  for (Node &node : graph.nodes) {
    forEachSubgraph(node, [&](Graph &subgraph) { run(subgraph, &facts); });
    rewriter.begin(node);
    apply(node, rewriter); // a failure is reported; the rest of the nodes is still checked
    for (Node &added : rewriter.before)
      add(std::move(added));
    add(std::move(node));
    for (Node &added : rewriter.after)
      add(std::move(added));
  }
  graph.nodes = std::move(result);
}

bool upgrade(Graph &graph, NameSet &names, Storage &storage, Reporter &reporter) {
  Upgrader upgrader(names, storage, reporter);
  upgrader.collectUses(graph);
  upgrader.run(graph, nullptr);
  return !reporter.failed();
}

} // namespace onnx
} // namespace laic
