// Structured operations emit their own loops; here they get memrefs, a tile range and workspace.
#include "KernelEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

LogicalResult KernelEmitter::emitStructured(StructuredOpInterface op) {
  SmallVector<Value> buffers;
  SmallVector<AffineExpr> dims; // of all tensors, for the tile count
  auto addBuffer = [&](Value tensor, const Buffer &buffer) {
    auto type = cast<RankedTensorType>(tensor.getType());
    buffers.push_back(makeMemRef(buffer, MemRefType::get(type.getShape(), type.getElementType())));
    for (const Size &size : buffer.sizes)
      dims.push_back(expr(size));
  };
  for (Value operand : op->getOperands()) {
    if (!isa<RankedTensorType>(operand.getType()))
      continue; // sizes of results, which the results' buffers know
    FailureOr<Buffer> buffer = bufferOf(operand);
    if (failed(buffer))
      return fail("an operand is neither an argument nor a constant");
    addBuffer(operand, *buffer);
  }
  for (OpResult result : op->getResults()) {
    Buffer buffer = resultBuffer(result);
    if (!buffer.memref)
      return fail("result " + llvm::Twine(result.getResultNumber()) + " is not returned");
    addBuffer(result, buffer);
  }
  AffineMap count = op.tileCount();
  if (count.getNumResults() != 1 || count.getNumDims() != 0 || count.getNumSymbols() != dims.size())
    return fail("'" + op->getName().getStringRef() + "' states its tile count over " + llvm::Twine(count.getNumInputs()) +
                " sizes, its tensors have " + llvm::Twine(dims.size()) + " dims");
  tileCount = simplifyAffineExpr(count.getResult(0).replaceSymbols(dims), 0, exportedSymbols);
  workspaceBytes = getAffineConstantExpr(op.workspaceBytes(), context);
  Buffer scratch;
  scratch.pointer = workspace;
  scratch.sizes.push_back(Size(op.workspaceBytes()));
  Value memory = makeMemRef(scratch, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()));
  return op.emitLoops(b, buffers, begin, end, memory);
}
