// laic.winograd: what its operands have to be.
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/WinogradOps.h"

using namespace mlir;
using namespace laic;

/// Is there code for tiles of so many outputs of a filter of so many taps?
static bool hasTransforms(int64_t tile, int64_t taps) {
  return taps == 1 ? tile == 1 : taps == 3 ? tile == 2 || tile == 4 : taps == 5 && tile == 2;
}

LogicalResult WinogradOp::verify() {
  RankedTensorType a = getA().getType(), u = getU().getType(), c = getC().getType();
  int64_t rank = a.getRank(), last = rank - 1;
  if ((rank != 3 && rank != 4) || c.getRank() != rank || a.isDynamicDim(last) || c.isDynamicDim(last) ||
      !a.getElementType().isF32())
    return emitOpError("expects A and its result to be [n, h, w, channels] or [n, l, channels] of known channels, A of f32");
  size_t dims = rank - 2;
  if (getTiles().size() != dims || getTaps().size() != dims || getPads().size() != dims ||
      llvm::any_of(getPads(), [](int64_t pad) { return pad < 0; }))
    return emitOpError("expects a tile, taps and a pad, none of them negative, for each of ") << dims << " dims";
  int64_t products = 1;
  for (auto [tile, taps] : llvm::zip(getTiles(), getTaps())) {
    if (!hasTransforms(tile, taps))
      return emitOpError("expects tiles of 2 or 4 for 3 taps, of 2 for 5 and of 1 for 1, got ") << tile << " for " << taps;
    products *= tile + taps - 1;
  }
  int64_t channels = a.getDimSize(last), filters = c.getDimSize(last);
  if (channels % 16 || filters % 32 || channels == 0)
    return emitOpError("expects a multiple of 16 channels and one of 32 filters, got ") << channels << " and " << filters;
  if (u != RankedTensorType::get({filters / 32, products, channels, 32}, a.getElementType()))
    return emitOpError("expects transformed weights ")
           << filters / 32 << "x" << products << "x" << channels << "x32 of f32, got " << u;
  if (getExtraMaps().size() != getExtras().size() || getEpilogue().front().getNumArguments() != getExtras().size() + 1)
    return emitOpError("expects a map and an argument of its epilogue for each of its ")
           << getExtras().size() << " extra operands";
  if (!isa<WinogradYieldOp>(getEpilogue().front().getTerminator()))
    return emitOpError("expects an epilogue that ends in laic.winograd_yield");
  return success();
}
