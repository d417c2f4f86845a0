// What the elementwise records cannot say in one expression: Cast's types and rules.
#include "NarrowTypes.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/OnnxTypes.h"

#include <map>

using namespace mlir;
using namespace laic;

static const std::map<StringRef, PowerRounding> &powerRoundings() {
  static const std::map<StringRef, PowerRounding> roundings = {
      {"up", PowerRounding::Up}, {"down", PowerRounding::Down}, {"nearest", PowerRounding::Nearest}};
  return roundings;
}

Type CastOp::targetElement() { return onnxElementType(getContext(), getTo()); }

LogicalResult CastOp::verify() {
  if (powerRoundings().count(getRoundMode()))
    return success();
  return emitError() << "expects attribute 'round_mode' to be 'up', 'down' or 'nearest', got '" << getRoundMode() << "'";
}

Value CastOp::convert(ScalarBuilder &s, Value x) {
  CastRules rules{getSaturate() != 0, powerRoundings().at(getRoundMode())};
  return castElement(s, x, cast<ShapedType>(getX().getType()).getElementType(), targetElement(), rules);
}
