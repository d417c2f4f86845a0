// Attention whose scores and weights subgraphs may change: two products and a softmax, with the subgraphs' operations between them.
#include "../GroupedHeads.h"
#include "Resolver.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace laic;

LogicalResult Resolver::checkFlexAttention(FlexAttentionOp op) {
  SymShape shapes[3];
  for (unsigned i = 0; i < 3; ++i) {
    const ValueFacts *facts = factsOf(op->getOperand(i));
    if (!facts->shape || facts->shape->size() != 4)
      return op.emitError() << "expects " << "QKV"[i] << " to have rank 4";
    shapes[i] = *facts->shape;
  }
  auto &[q, k, v] = shapes;
  std::optional<int64_t> queryHeads = constantSize(q[1]), heads = constantSize(k[1]);
  if (queryHeads && heads && (*heads < 1 || *queryHeads % *heads != 0))
    return op.emitError() << "expects the " << *queryHeads << " heads of Q to be a multiple of the " << *heads << " heads of K";
  if (op.getSoftmaxPrecision() && !isa_and_nonnull<FloatType>(onnxElementType(op.getContext(), *op.getSoftmaxPrecision())))
    return op.emitError() << "expects 'softmax_precision' to be a float type (1, 10, 11 or 16), got "
                          << *op.getSoftmaxPrecision();
  return success();
}

LogicalResult Resolver::resolveFlexAttention(FlexAttentionOp op) {
  if (failed(checkFlexAttention(op)))
    return failure();
  const ValueFacts *q = factsOf(op.getQ()), *k = factsOf(op.getK());
  Type element = q->element, precision = element.isF64() ? element : Type(b.getF32Type());
  if (op.getSoftmaxPrecision())
    precision = onnxElementType(op.getContext(), *op.getSoftmaxPrecision());

  IRRewriter rewriter(op);
  Decomposer d(rewriter, op);
  auto cast = [&](Value x, Type to) -> Value { return d.make<CastOp>(to, x, onnxElementCode(to)); };
  // The subgraph's operations on the value, or the value where there is none.
  auto modify = [&](Region &modifier, Value x) -> FailureOr<Value> {
    if (modifier.empty())
      return x;
    if (failed(charge(op, modifier)))
      return failure();
    return cast(cloneBody(modifier, x)[0], precision);
  };

  Value root; // of the scale: both sides of the product have it, lest it overflows
  if (std::optional<int64_t> size = constantSize((*q->shape)[3]); size || op.getScale()) {
    double scale = op.getScale() ? op.getScale()->convertToDouble() : 1 / std::sqrt(static_cast<double>(*size));
    root = d.number(std::sqrt(scale), element);
  } else {
    root = cast(d.power(cast(d.scalarSize(op.getQ(), 3), b.getF32Type()), d.number(-0.25, b.getF32Type())), element);
  }
  HeadCounts heads = headCounts(d, op.getQ(), op.getK(), constantSize((*q->shape)[1]), constantSize((*k->shape)[1]));
  if ((*q->shape)[1] == (*k->shape)[1]) // of an unknown number, too
    heads.times = 1;
  Value scores = groupedScores(d, d.mul(op.getQ(), root), d.mul(op.getK(), root), heads);
  FailureOr<Value> modified = modify(op.getScoreMod(), cast(scores, precision));
  if (failed(modified))
    return failure();
  FailureOr<Value> weights = modify(op.getProbMod(), d.softmax(*modified));
  if (failed(weights))
    return failure();
  return replace(op, cast(groupedValues(d, *weights, cast(op.getV(), precision), heads), element));
}
