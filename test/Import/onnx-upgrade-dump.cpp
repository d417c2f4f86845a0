// Reads ONNX models as the compiler does and says what came of it; a tool of the tests.
//
// usage: onnx-upgrade-dump MODEL... [--external-data-root=DIR] [--summary]
// Prints "PATH: N nodes, M initialisers" per model, or its diagnostics. Exit status 1 when any model was refused.
#include "laic/Import/Onnx/Model.h"

#include <cstdio>
#include <cstring>

using namespace laic::onnx;

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

static bool readOne(const std::string &path, const ReadOptions &options) {
  std::vector<Diagnostic> diagnostics;
  std::unique_ptr<Model> model = readModel(path, options, diagnostics);
  for (const Diagnostic &diagnostic : diagnostics) {
    fprintf(stderr, "error: %s\n", diagnostic.message.c_str());
    if (!diagnostic.note.empty())
      fprintf(stderr, "note: %s\n", diagnostic.note.c_str());
  }
  if (model)
    printf("%s: %zu nodes, %zu initialisers\n", path.c_str(), countNodes(model->graph), model->graph.initializers.size());
  return model != nullptr;
}

int main(int argc, char **argv) {
  ReadOptions options;
  bool ok = true;
  const char root[] = "--external-data-root=";
  for (int i = 1; i < argc; ++i) {
    if (strncmp(argv[i], root, strlen(root)) == 0)
      options.externalDataRoot = argv[i] + strlen(root);
    else
      ok &= readOne(argv[i], options);
  }
  return ok ? 0 : 1;
}
