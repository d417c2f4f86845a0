// Structured operations emit their own loops; here they get memrefs, a tile range and workspace.
#include "KernelEmitter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace {

/// Reads index arithmetic back as an expression over the kernel's symbols; null where it is none.
class CountReader {
public:
  CountReader(llvm::function_ref<AffineExpr(Value buffer, int64_t dim)> dimOf, llvm::function_ref<AffineExpr(Value)> argument,
              MLIRContext *context)
      : dimOf(dimOf), argument(argument), context(context) {}

  AffineExpr read(Value v) {
    if (std::optional<int64_t> constant = getConstantIntValue(v))
      return getAffineConstantExpr(*constant, context);
    Operation *op = v.getDefiningOp();
    if (AffineExpr known = argument(v))
      return known;
    if (!op)
      return nullptr;
    if (auto dim = dyn_cast<memref::DimOp>(op))
      return dim.getConstantIndex() ? dimOf(dim.getSource(), *dim.getConstantIndex()) : AffineExpr();
    if (auto apply = dyn_cast<affine::AffineApplyOp>(op)) {
      SmallVector<AffineExpr> operands;
      for (Value operand : apply.getMapOperands())
        operands.push_back(read(operand));
      if (llvm::is_contained(operands, AffineExpr()))
        return nullptr;
      AffineMap map = apply.getAffineMap();
      ArrayRef<AffineExpr> all(operands);
      return map.getResult(0).replaceDimsAndSymbols(all.take_front(map.getNumDims()), all.drop_front(map.getNumDims()));
    }
    if (op->getNumOperands() != 2)
      return isa<arith::IndexCastOp>(op) ? read(op->getOperand(0)) : nullptr;
    AffineExpr x = read(op->getOperand(0)), y = read(op->getOperand(1));
    if (!x || !y)
      return nullptr;
    return llvm::TypeSwitch<Operation *, AffineExpr>(op)
        .Case([&](arith::AddIOp) { return x + y; })
        .Case([&](arith::SubIOp) { return x - y; })
        .Case([&](arith::MulIOp) { return x * y; })
        .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>([&](auto) { return x.floorDiv(y); })
        .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>([&](auto) { return x.ceilDiv(y); })
        .Default([](Operation *) { return AffineExpr(); });
  }

private:
  llvm::function_ref<AffineExpr(Value, int64_t)> dimOf;
  llvm::function_ref<AffineExpr(Value)> argument;
  MLIRContext *context;
};

} // namespace

LogicalResult KernelEmitter::emitStructured(StructuredOpInterface op) {
  SmallVector<Value> buffers;
  llvm::DenseMap<Value, SmallVector<Size>> sizes;
  llvm::DenseMap<Value, AffineExpr> arguments;
  auto addBuffer = [&](Value tensor, Buffer buffer) {
    auto type = cast<RankedTensorType>(tensor.getType());
    Value memref = makeMemRef(buffer, MemRefType::get(type.getShape(), type.getElementType()));
    buffers.push_back(memref);
    sizes[memref] = buffer.sizes;
  };
  for (Value operand : op->getOperands()) {
    if (!isa<RankedTensorType>(operand.getType())) {
      FailureOr<Value> scalar = scalarOf(operand);
      if (failed(scalar))
        return fail("an operand is neither a tensor nor computed from index arguments");
      buffers.push_back(*scalar);
      Size size = sizeOfIndex(operand);
      if (size.isStatic() || size.symbols[0] < exportedSymbols)
        arguments[*scalar] = expr(size);
      continue;
    }
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
  Value count = op.emitTileCount(b, buffers);
  CountReader reader(
      [&](Value buffer, int64_t dim) { return sizes.count(buffer) ? expr(sizes[buffer][dim]) : AffineExpr(); },
      [&](Value v) { return arguments.lookup(v); }, context);
  AffineExpr tilesHere = count ? reader.read(count) : AffineExpr();
  if (!tilesHere)
    return fail("the tile count of '" + op->getName().getStringRef() + "' is no expression over its sizes");
  tileCount = tilesHere;
  workspaceBytes = op.workspaceBytes();
  Buffer scratch;
  scratch.pointer = workspace;
  scratch.sizes.push_back(Size(workspaceBytes));
  Value memory = makeMemRef(scratch, MemRefType::get({ShapedType::kDynamic}, b.getI8Type()));
  return op.emitLoops(b, buffers, begin, end, memory);
}
