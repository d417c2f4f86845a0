// Reads ONNX models as the compiler does and says what came of it; a tool of the tests.
//
// usage: onnx-upgrade-dump MODEL... [--external-data-root=DIR] [--opset=N -o OUT.onnx]
//        onnx-upgrade-dump --list-operators | --list-upgrades | --list-widenings | --list-outputs
// Prints "PATH: N nodes, M initialisers" per model, or its diagnostics; -o writes the (last) model as it is
// after upgrading, claiming opset N. Exit status 1 when any model was refused.
#include "OnnxWriter.h"
#include "Upgrade.h"
#include "laic/Import/Onnx/Versions.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace laic::onnx;

namespace {
struct Options {
  ReadOptions read;
  std::string output;
  int64_t opset = 21;
};
} // namespace

static size_t countNodes(const Graph &graph) {
  size_t count = graph.nodes.size();
  for (const Node &node : graph.nodes) {
    for (const Attribute &attribute : node.attributes) {
      count += attribute.graph ? countNodes(*attribute.graph) : 0;
      for (const auto &nested : attribute.graphs)
        count += countNodes(*nested);
    }
  }
  return count;
}

static bool readOne(const std::string &path, const Options &options) {
  std::vector<Diagnostic> diagnostics;
  std::unique_ptr<Model> model = readModel(path, options.read, diagnostics);
  for (const Diagnostic &diagnostic : diagnostics) {
    fprintf(stderr, "error: %s\n", diagnostic.message.c_str());
    if (!diagnostic.note.empty())
      fprintf(stderr, "note: %s\n", diagnostic.note.c_str());
  }
  if (!model)
    return false;
  printf("%s: %zu nodes, %zu initialisers\n", path.c_str(), countNodes(model->graph), model->graph.initializers.size());
  return options.output.empty() || writeOnnx(*model, options.opset, options.output);
}

static int list(const std::vector<std::pair<std::string, int64_t>> &rows) {
  for (const auto &row : rows)
    printf("%s %lld\n", row.first.c_str(), static_cast<long long>(row.second));
  return 0;
}

// "OPERATOR VERSION|ELEMENTS|ATTRIBUTE|INPUTS|UNLESS", with the domain before the operator.
static int listWidenings() {
  for (const Widening &row : widenings())
    printf("%s%s%s %lld|%s|%s|%zu|%s\n", row.domain, *row.domain ? "." : "", row.op, static_cast<long long>(row.version),
           row.elements, row.attribute, row.inputs, row.unless);
  return 0;
}

// "OPERATOR REQUIRED" for every operator of the standard that must have more than one output.
static int listOutputs() {
  for (const RequiredOutputs &row : requiredOutputs())
    printf("%s%s%s %u\n", row.domain, *row.domain ? "." : "", row.op, row.required);
  return 0;
}

int main(int argc, char **argv) {
  Options options;
  std::vector<std::string> models;
  const char root[] = "--external-data-root=", opset[] = "--opset=";
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--list-operators")
      return list(listOperators());
    if (argument == "--list-upgrades")
      return list(listUpgrades());
    if (argument == "--list-widenings")
      return listWidenings();
    if (argument == "--list-outputs")
      return listOutputs();
    if (argument.compare(0, strlen(root), root) == 0)
      options.read.externalDataRoot = argument.substr(strlen(root));
    else if (argument.compare(0, strlen(opset), opset) == 0)
      options.opset = atoi(argument.c_str() + strlen(opset));
    else if (argument == "-o" && i + 1 < argc)
      options.output = argv[++i];
    else
      models.push_back(argument);
  }
  bool ok = true;
  for (const std::string &model : models)
    ok &= readOne(model, options);
  return ok ? 0 : 1;
}
