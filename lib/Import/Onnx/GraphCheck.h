// Checks the names of a graph and of its subgraphs and brings nodes into topological order.
#ifndef LAIC_LIB_IMPORT_ONNX_GRAPHCHECK_H
#define LAIC_LIB_IMPORT_ONNX_GRAPHCHECK_H

#include "Reporter.h"

namespace laic {
namespace onnx {

// After success every name has one definition per scope and is defined before its use; a subgraph may use
// names of the graphs around it. Order is kept where it is already right. Linear in nodes and names (n log n
// where nodes must move).
bool checkAndSort(Graph &graph, Reporter &reporter);

} // namespace onnx
} // namespace laic
#endif
