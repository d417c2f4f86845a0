// Checks the names of a graph and of its subgraphs and brings nodes into topological order.
#include "GraphCheck.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

namespace laic {
namespace onnx {

namespace {

constexpr int kNoNode = -1;
constexpr size_t kShownOnCycle = 8;

using Names = std::unordered_set<std::string>;

class Checker {
public:
  Checker(Graph &graph, const Checker *parent, Reporter &reporter) : graph(graph), parent(parent), reporter(reporter) {}

  // Adds the names that the graph takes from outside to `captured`.
  void run(Names &captured);

private:
  void define(const std::string &name, int node);
  bool isDefinedOutside(const std::string &name) const;
  void use(const std::string &name, int node, const std::string &what, Names &captured);
  void visit(int index, Names &captured);
  void sort();
  void reportCycle(const std::vector<int> &waiting);

  Graph &graph;
  const Checker *parent;
  Reporter &reporter;
  std::unordered_map<std::string, int> producers; // node index, or kNoNode for inputs and initialisers
  std::vector<std::vector<int>> needs;            // producers of each node's inputs
  Names reported;
  bool sorted = true;
};

} // namespace

void Checker::define(const std::string &name, int node) {
  if (name.empty())
    return;
  auto inserted = producers.emplace(name, node);
  if (inserted.second)
    return;
  int other = inserted.first->second;
  std::string shown = "value '" + printable(name) + "' is defined twice";
  if (other != kNoNode)
    shown += ", also by " + describe(graph.nodes[other]);
  const char *note = "every value has one definition; rename one of them";
  if (node == kNoNode)
    reporter.error(shown, note);
  else
    reporter.error(graph.nodes[node], shown, note);
}

bool Checker::isDefinedOutside(const std::string &name) const {
  for (const Checker *c = parent; c; c = c->parent)
    if (c->producers.count(name))
      return true;
  return false;
}

void Checker::use(const std::string &name, int node, const std::string &what, Names &captured) {
  if (name.empty())
    return;
  auto local = producers.find(name);
  if (local != producers.end()) {
    if (node == kNoNode || local->second == kNoNode)
      return;
    needs[node].push_back(local->second);
    sorted &= local->second < node;
    return;
  }
  if (isDefinedOutside(name)) {
    captured.insert(name);
    return;
  }
  if (!reported.insert(name).second)
    return;
  std::string message = what + " is '" + printable(name) + "', which nothing defines";
  const char *note = "export the model again; every value must be an input, an initialiser or the output of a node";
  if (node == kNoNode)
    reporter.error(message, note);
  else
    reporter.error(graph.nodes[node], message, note);
}

void Checker::visit(int index, Names &captured) {
  Node &node = graph.nodes[index];
  for (size_t i = 0; i < node.inputs.size(); ++i)
    use(node.inputs[i], index, "input " + std::to_string(i), captured);
  auto enter = [&](const Attribute &attribute, Graph &subgraph) {
    Names inner;
    Checker(subgraph, this, reporter).run(inner);
    for (const std::string &name : inner)
      use(name, index, "a value of attribute '" + printable(attribute.name) + "'", captured);
  };
  for (Attribute &attribute : node.attributes) {
    if (attribute.graph)
      enter(attribute, *attribute.graph);
    for (const std::shared_ptr<Graph> &subgraph : attribute.graphs)
      enter(attribute, *subgraph);
  }
}

void Checker::run(Names &captured) {
  for (const ValueInfo &input : graph.inputs)
    define(input.name, kNoNode);
  for (const auto &entry : graph.initializers)
    define(entry.first, kNoNode);
  int count = static_cast<int>(graph.nodes.size());
  for (int i = 0; i < count; ++i)
    for (const std::string &output : graph.nodes[i].outputs)
      define(output, i);
  needs.resize(count);
  for (int i = 0; i < count; ++i)
    visit(i, captured);
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    if (graph.outputs[i].name.empty())
      reporter.error("output " + std::to_string(i) + " of graph '" + printable(graph.name) + "' has no name",
                     "name every output");
    use(graph.outputs[i].name, kNoNode, "output " + std::to_string(i) + " of graph '" + printable(graph.name) + "'", captured);
  }
  if (!sorted)
    sort();
}

// Kahn's algorithm; among the nodes that are ready the first in the file goes first.
void Checker::sort() {
  int count = static_cast<int>(graph.nodes.size());
  std::vector<std::vector<int>> users(count);
  std::vector<int> waiting(count, 0);
  for (int i = 0; i < count; ++i) {
    waiting[i] = static_cast<int>(needs[i].size());
    for (int producer : needs[i])
      users[producer].push_back(i);
  }
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  for (int i = 0; i < count; ++i)
    if (waiting[i] == 0)
      ready.push(i);
  std::vector<int> order;
  while (!ready.empty()) {
    int next = ready.top();
    ready.pop();
    order.push_back(next);
    for (int user : users[next])
      if (--waiting[user] == 0)
        ready.push(user);
  }
  if (static_cast<int>(order.size()) < count) {
    reportCycle(waiting);
    return;
  }
  std::vector<Node> nodes;
  nodes.reserve(count);
  for (int index : order)
    nodes.push_back(std::move(graph.nodes[index]));
  graph.nodes = std::move(nodes);
}

// Every node that still waits needs another one that waits, so walking from any of them ends on a cycle.
void Checker::reportCycle(const std::vector<int> &waiting) {
  int at = 0;
  while (waiting[at] == 0)
    ++at;
  std::vector<int> path;
  std::unordered_map<int, size_t> position;
  while (position.emplace(at, path.size()).second) {
    path.push_back(at);
    for (int producer : needs[at]) {
      if (waiting[producer] > 0) {
        at = producer;
        break;
      }
    }
  }
  std::vector<int> cycle(path.begin() + static_cast<std::ptrdiff_t>(position[at]), path.end());
  std::reverse(cycle.begin(), cycle.end()); // the walk went from users to producers
  std::rotate(cycle.begin(), std::min_element(cycle.begin(), cycle.end()), cycle.end());
  std::string names;
  for (size_t i = 0; i < cycle.size() && i < kShownOnCycle; ++i)
    names += "'" + printable(graph.nodes[cycle[i]].name) + "' -> ";
  if (cycle.size() > kShownOnCycle)
    names += "(" + std::to_string(cycle.size() - kShownOnCycle) + " more) -> ";
  names += "'" + printable(graph.nodes[cycle.front()].name) + "'";
  reporter.error("the graph has a cycle: " + names, "a model must not use a value before it is computed; use Loop or Scan");
}

bool checkAndSort(Graph &graph, Reporter &reporter) {
  Names captured;
  Checker(graph, nullptr, reporter).run(captured);
  return !reporter.failed();
}

} // namespace onnx
} // namespace laic
