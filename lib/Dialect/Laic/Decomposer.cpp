// The operations that decompositions are written in.
#include "Decomposer.h"

#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/LogicOps.h"
#include "laic/Dialect/Laic/NormOps.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"

using namespace mlir;
using namespace laic;

using V = Value;

static V constant(const Decomposer &d, DenseElementsAttr value) {
  return ConstantOp::create(d.rewriter, d.loc, value.getType(), value);
}

void Decomposer::replace(ValueRange values) const {
  // Until inference runs again, users are promised the types that they have seen.
  for (auto [value, result] : llvm::zip_equal(values, op->getResults()))
    if (isa<UnrankedTensorType>(value.getType()))
      value.setType(result.getType());
  rewriter.replaceOp(op, values);
}

V Decomposer::none() const { return NoneOp::create(rewriter, loc, rewriter.getNoneType()); }

V Decomposer::ints(ArrayRef<int64_t> values) const {
  auto type = RankedTensorType::get(static_cast<int64_t>(values.size()), i64());
  return constant(*this, DenseElementsAttr::get(type, values));
}

V Decomposer::scalar(int64_t value) const {
  return constant(*this, DenseElementsAttr::get(RankedTensorType::get({}, i64()), ArrayRef(value)));
}

V Decomposer::number(double value, Type element) const {
  auto type = RankedTensorType::get({}, element);
  if (auto floatType = dyn_cast<FloatType>(element)) {
    APFloat number(value);
    bool lost;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
    return constant(*this, DenseElementsAttr::get(type, number));
  }
  APInt bits(element.getIntOrFloatBitWidth(), static_cast<uint64_t>(static_cast<int64_t>(value)), /*isSigned=*/true,
             /*implicitTrunc=*/true);
  return constant(*this, DenseElementsAttr::get(type, bits));
}

V Decomposer::size(V x, int64_t dim) const {
  // The end of a slice that counts from the end must not wrap to the first dim.
  IntegerAttr end = dim == -1 ? IntegerAttr() : rewriter.getI64IntegerAttr(dim + 1);
  return make<ShapeOp>(i64(), x, end, dim);
}

V Decomposer::scalarSize(V x, int64_t dim) const { return make<SqueezeOp>(i64(), size(x, dim), ints({0})); }

V Decomposer::positions(V count) const { return make<RangeOp>(i64(), scalar(0), count, scalar(1)); }

V Decomposer::add(V x, V y) const { return make<AddOp>(elementOf(x), x, y); }
V Decomposer::sub(V x, V y) const { return make<SubOp>(elementOf(x), x, y); }
V Decomposer::mul(V x, V y) const { return make<MulOp>(elementOf(x), x, y); }
V Decomposer::div(V x, V y) const { return make<DivOp>(elementOf(x), x, y); }
V Decomposer::lessOrEqual(V x, V y) const { return make<LessOrEqualOp>(rewriter.getI1Type(), x, y); }
V Decomposer::less(V x, V y) const { return make<LessOp>(rewriter.getI1Type(), x, y); }
V Decomposer::equal(V x, V y) const { return make<EqualOp>(rewriter.getI1Type(), x, y); }
V Decomposer::both(V x, V y) const { return !x ? y : !y ? x : make<AndOp>(rewriter.getI1Type(), x, y); }
V Decomposer::select(V condition, V x, V y) const { return make<WhereOp>(elementOf(x), condition, x, y); }
V Decomposer::power(V x, V y) const { return make<PowOp>(elementOf(x), x, y); }
V Decomposer::tanh(V x) const { return make<TanhOp>(elementOf(x), x); }
V Decomposer::sigmoid(V x) const { return make<SigmoidOp>(elementOf(x), x); }

V Decomposer::cast(V x, Type element) const {
  return elementOf(x) == element ? x : make<CastOp>(element, x, onnxElementCode(element));
}

V Decomposer::reshape(V x, V shape) const { return make<ReshapeOp>(elementOf(x), x, shape); }
V Decomposer::unsqueeze(V x, ArrayRef<int64_t> axes) const { return make<UnsqueezeOp>(elementOf(x), x, ints(axes)); }
V Decomposer::transpose(V x, ArrayRef<int64_t> permutation) const {
  return make<TransposeOp>(elementOf(x), x, rewriter.getDenseI64ArrayAttr(permutation));
}
V Decomposer::concat(ValueRange parts, int64_t axis) const { return make<ConcatOp>(elementOf(parts.front()), parts, axis); }
V Decomposer::slice(V x, V start, V end, int64_t axis, int64_t step) const {
  return make<SliceOp>(elementOf(x), x, start, end, ints({axis}), ints({step}));
}
V Decomposer::gather(V data, V indices, int64_t axis) const { return make<GatherOp>(elementOf(data), data, indices, axis); }
V Decomposer::pad(V x, V pads, V value) const { return make<PadOp>(elementOf(x), x, pads, value, none()); }

V Decomposer::matmul(V a, V b) const { return make<MatMulOp>(elementOf(a), a, b); }
V Decomposer::softmax(V x) const { return make<SoftmaxOp>(elementOf(x), x, /*axis=*/-1); }
V Decomposer::reduceMax(V x, int64_t axis) const { return make<ReduceMaxOp>(elementOf(x), x, ints({axis}), /*keepdims=*/1); }
