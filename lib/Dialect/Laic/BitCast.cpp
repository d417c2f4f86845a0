// BitCast.
#include "laic/Dialect/Laic/BitCastOps.h"

#include "NarrowTypes.h"
#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxTypes.h"

using namespace mlir;
using namespace laic;

static unsigned widthOf(Type element) { return element.isInteger(1) ? 8 : element.getIntOrFloatBitWidth(); }

LogicalResult BitCastOp::inferShapes(ShapeContext &ctx) {
  Type from = ctx.element(0), to = onnxElementType(getContext(), getTo());
  if (!to || !to.isIntOrFloat())
    return ctx.fail("expects attribute 'to' to name an element type, got " + Twine(getTo()));
  if (widthOf(from) != widthOf(to))
    return ctx.fail("expects element types of equal width, got " + elementTypeName(from) + " and " + elementTypeName(to));
  ctx.set(0, ctx.shape(0), to);
  return success();
}

LogicalResult BitCastOp::lower(LowerContext &ctx) {
  Type to = ctx.resultElement(), stored = lowerElement(to);
  AffineMap map = ctx.b.getMultiDimIdentityMap(ctx.rank(0));
  ctx.set(0, ctx.generic(ctx.resultShape(), to, ctx.operand(0), map, [&](ScalarBuilder &s, ValueRange in) -> Value {
    if (to.isInteger(1))
      return ctx.toStorage(s, s.cast(in[0], to, true, false), to);
    if (isNarrowFloat(to) && to.getIntOrFloatBitWidth() < 8)
      return s.andi(in[0], s.cst(15, in[0])); // a code has no sign to extend
    Value x = in[0].getType() == stored ? in[0] : Value(arith::BitcastOp::create(s.b, s.loc, stored, in[0]));
    return wrapNarrowInteger(s, x, to);
  }));
  return success();
}
