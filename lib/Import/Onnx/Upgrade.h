// Brings nodes from the opset of the file to the newest one: semantics change here and nowhere else.
#ifndef LAIC_LIB_IMPORT_ONNX_UPGRADE_H
#define LAIC_LIB_IMPORT_ONNX_UPGRADE_H

#include "Files.h"
#include "GraphReader.h"
#include "Reporter.h"

namespace laic {
namespace onnx {

// Rewrites every node of a sorted graph, subgraphs included. All nodes that cannot be upgraded are reported.
// Linear in nodes.
bool upgrade(Graph &graph, NameSet &names, Storage &storage, Reporter &reporter);

// Facts about the tables, for tests that compare them with the standard.
std::vector<std::pair<std::string, int64_t>> listOperators(); // ai.onnx operators with their first version
std::vector<std::pair<std::string, int64_t>> listUpgrades();  // "domain.op" or "op" with the version that a step leads to

} // namespace onnx
} // namespace laic
#endif
