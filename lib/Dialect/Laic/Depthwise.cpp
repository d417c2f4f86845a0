// laic.depthwise: what its operands have to be.
#include "laic/Dialect/Laic/DepthwiseOps.h"
#include "laic/Dialect/Laic/Laic.h"

using namespace mlir;
using namespace laic;

LogicalResult DepthwiseOp::verify() {
  RankedTensorType a = getA().getType(), w = getW().getType(), c = getC().getType();
  int64_t rank = a.getRank();
  if ((rank != 3 && rank != 4) || c.getRank() != rank || a.isDynamicDim(1) || c.getDimSize(1) != a.getDimSize(1) ||
      !a.getElementType().isF32() || !c.getElementType().isF32())
    return emitOpError("expects A and its result to be f32 [n, channels, h, w] or [n, channels, l] of as many known channels");
  size_t dims = rank - 2;
  auto isAtLeast = [&](ArrayRef<int64_t> list, int64_t least) {
    return list.size() == dims && llvm::all_of(list, [&](int64_t x) { return x >= least; });
  };
  if (!isAtLeast(getTaps(), 1) || !isAtLeast(getStrides(), 1) || !isAtLeast(getDilations(), 1) || !isAtLeast(getPads(), 0))
    return emitOpError("expects positive taps, strides and dilations and a pad that is not negative for each of ")
           << dims << " dims";
  int64_t elements = llvm::divideCeil(a.getDimSize(1), 32) * 32;
  for (int64_t taps : getTaps())
    elements *= taps;
  if (!w.hasStaticShape() || w.getRank() < 2 || w.getNumElements() != elements || w.getShape().back() != 32 ||
      !w.getElementType().isF32())
    return emitOpError("expects weights of ") << elements << " f32 in panels of 32 channels, got " << w;
  if (getExtraMaps().size() != getExtras().size() || getEpilogue().front().getNumArguments() != getExtras().size() + 1)
    return emitOpError("expects a map and an argument of its epilogue for each of its ")
           << getExtras().size() << " extra operands";
  for (auto [extra, map] : llvm::zip(getExtras(), getExtraMaps().getAsValueRange<AffineMapAttr>()))
    if (map.getNumDims() != rank || map.isFunctionOfDim(rank - 1) ||
        map.getNumResults() != cast<RankedTensorType>(extra.getType()).getRank())
      return emitOpError("expects extra operands to be indexed by its dims, and the same along the last one");
  auto yield = dyn_cast<DepthwiseYieldOp>(getEpilogue().front().getTerminator());
  if (!yield || yield.getValue().getType() != c.getElementType())
    return emitOpError("expects an epilogue that ends in laic.depthwise_yield of f32");
  if (getResultSizes().size() != c.getNumDynamicDims())
    return emitOpError("expects a size for each of the ") << c.getNumDynamicDims() << " unknown dims of its result";
  return success();
}
