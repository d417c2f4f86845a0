// What the operations with subgraphs hold of their regions: block arguments and outputs as the operator defines them.
#include "laic/Dialect/Laic/ControlFlowOps.h"

using namespace mlir;
using namespace laic;

namespace {

Operation::operand_range outputsOf(Region &region) { return region.front().getTerminator()->getOperands(); }

LogicalResult expectArguments(Operation *op, Region &region, unsigned expected) {
  if (region.getNumArguments() == expected)
    return success();
  return op->emitOpError() << "expects " << expected << " inputs of its subgraph, got " << region.getNumArguments();
}

LogicalResult expectOutputs(Operation *op, Region &region, unsigned expected) {
  if (!isa<OutputsOp>(region.front().getTerminator()))
    return op->emitOpError("expects its subgraph to end with laic.outputs");
  unsigned count = outputsOf(region).size();
  if (count == expected)
    return success();
  return op->emitOpError() << "expects " << expected << " outputs of its subgraph, got " << count;
}

} // namespace

LogicalResult IfOp::verifyRegions() {
  for (Region *region : getRegions())
    if (failed(expectArguments(*this, *region, 0)) || failed(expectOutputs(*this, *region, getNumResults())))
      return failure();
  return success();
}

LogicalResult LoopOp::verifyRegions() {
  if (getNumResults() < getNumCarried())
    return emitOpError() << "expects a result for each of its " << getNumCarried() << " carried values, got " << getNumResults();
  if (failed(expectArguments(*this, getBody(), 2 + getNumCarried())))
    return failure();
  return expectOutputs(*this, getBody(), 1 + getNumResults());
}

LogicalResult ScanLoopOp::verifyRegions() {
  int64_t operands = getNumOperands(), scanned = static_cast<int64_t>(getNumScanInputs());
  if (scanned < 1 || scanned > operands)
    return emitOpError() << "expects num_scan_inputs in [1, " << operands << "], got " << scanned;
  if (getNumResults() < operands - scanned)
    return emitOpError() << "expects a result for each of its " << operands - scanned << " carried values, got "
                         << getNumResults();
  if (failed(expectArguments(*this, getBody(), operands)))
    return failure();
  return expectOutputs(*this, getBody(), getNumResults());
}

LogicalResult SequenceMapOp::verifyRegions() {
  if (failed(expectArguments(*this, getBody(), getNumOperands())))
    return failure();
  return expectOutputs(*this, getBody(), getNumResults());
}

LogicalResult FlexAttentionOp::verifyRegions() {
  for (Region *region : getRegions())
    if (!region->empty() && (failed(expectArguments(*this, *region, 1)) || failed(expectOutputs(*this, *region, 1))))
      return failure();
  return success();
}
