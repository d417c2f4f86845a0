// laic.winograd: what its operands have to be.
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/WinogradOps.h"

using namespace mlir;
using namespace laic;

LogicalResult WinogradOp::verify() {
  int64_t tile = getTile(), inputs = tile + 2;
  if (tile != 2 && tile != 4)
    return emitOpError("expects tiles of 2 or 4, got ") << tile;
  RankedTensorType a = getA().getType(), u = getU().getType(), c = getC().getType();
  if (a.getRank() != 4 || c.getRank() != 4 || a.isDynamicDim(3) || c.isDynamicDim(3) || !a.getElementType().isF32())
    return emitOpError("expects A and its result to be [n, h, w, channels] of known channels, A of f32");
  int64_t channels = a.getDimSize(3), filters = c.getDimSize(3);
  if (channels % 32 || filters % 32 || channels == 0)
    return emitOpError("expects multiples of 32 channels, got ") << channels << " and " << filters;
  if (u != RankedTensorType::get({filters / 32, inputs * inputs, channels, 32}, a.getElementType()))
    return emitOpError("expects transformed weights ")
           << filters / 32 << "x" << inputs * inputs << "x" << channels << "x32 of f32, got " << u;
  if (getPads().size() != 2 || llvm::any_of(getPads(), [](int64_t pad) { return pad < 0; }))
    return emitOpError("expects two pads, which are not negative");
  if (getExtraMaps().size() != getExtras().size() || getEpilogue().front().getNumArguments() != getExtras().size() + 1)
    return emitOpError("expects a map and an argument of its epilogue for each of its ")
           << getExtras().size() << " extra operands";
  if (!isa<WinogradYieldOp>(getEpilogue().front().getTerminator()))
    return emitOpError("expects an epilogue that ends in laic.winograd_yield");
  return success();
}
