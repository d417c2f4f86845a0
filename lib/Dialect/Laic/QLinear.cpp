// The operators of com.microsoft on quantised tensors: inference, and decomposition into dequantize_linear of every tensor operand,
// one operator on floats and quantize_linear.
#include "Quantized.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ActivationOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/NormOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/QLinearOps.h"
#include "laic/Dialect/Laic/QuantOps.h"
#include "laic/Dialect/Laic/ReductionOps.h"
#include "laic/Dialect/Laic/ShapeOps.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr int64_t kSoftmaxPerAxis = 13; // the opset since which Softmax works along one axis

//===-- inference -----------------------------------------------------------------------------------------------===//

LogicalResult expectSingle(ShapeContext &ctx, unsigned i, const Twine &what) {
  if (isSingle(ctx.shape(i)))
    return success();
  auto dims = llvm::map_to_vector(ctx.shape(i), [](AffineExpr dim) {
    std::optional<int64_t> size = constantSize(dim);
    return size ? std::to_string(*size) : std::string("?");
  });
  return ctx.fail("expects " + what + " to have one element, got shape [" + llvm::join(dims, ", ") + "]");
}

LogicalResult expectElement(ShapeContext &ctx, unsigned i, Type element, const Twine &what) {
  if (ctx.element(i) == element)
    return success();
  return ctx.fail("expects " + what + " to have element type " + elementTypeName(element) + ", got " +
                  elementTypeName(ctx.element(i)));
}

LogicalResult expectScale(ShapeContext &ctx, unsigned i, StringRef tensor) {
  return expectElement(ctx, i, Float32Type::get(ctx.element(i).getContext()), "the scale of " + tensor);
}

LogicalResult expectZeroPoint(ShapeContext &ctx, unsigned i, Type element, StringRef tensor) {
  return ctx.has(i) ? expectElement(ctx, i, element, "the zero point of " + tensor) : success();
}

// One scale for the whole tensor at operand `scale`, and behind it its zero point, which may be absent.
LogicalResult expectPerTensor(ShapeContext &ctx, unsigned scale, Type element, StringRef tensor) {
  unsigned zero = scale + 1;
  if (failed(expectScale(ctx, scale, tensor)) || failed(expectSingle(ctx, scale, "the scale of " + tensor)) ||
      failed(expectZeroPoint(ctx, zero, element, tensor)))
    return failure();
  return ctx.has(zero) ? expectSingle(ctx, zero, "the zero point of " + tensor) : success();
}

// Operands of one tensor and of the result.
LogicalResult checkUnary(ShapeContext &ctx) {
  if (failed(expectPerTensor(ctx, 1, ctx.element(0), "X")))
    return failure();
  return expectPerTensor(ctx, 3, ctx.element(0), "Y");
}

LogicalResult inferBinary(ShapeContext &ctx) {
  Type element = ctx.element(0);
  if (failed(expectElement(ctx, 3, element, "B")) || failed(expectPerTensor(ctx, 1, element, "A")) ||
      failed(expectPerTensor(ctx, 4, element, "B")) || failed(expectPerTensor(ctx, 6, element, "C")))
    return failure();
  FailureOr<SymShape> shape = ctx.broadcast(ctx.shape(0), ctx.shape(3));
  if (failed(shape))
    return failure();
  ctx.set(0, *shape, element);
  return success();
}

// The input of a pooling, with channels in dim 1.
LogicalResult checkPool(ShapeContext &ctx, bool channelsLast) {
  if (failed(checkUnary(ctx)))
    return failure();
  if (channelsLast)
    return ctx.fail("does not support channels_last = 1; expects the channels in dim 1");
  return expectMinRank(ctx, 0, 3, "the input");
}

//===-- decomposition -------------------------------------------------------------------------------------------===//

Type anyFloat(RewriterBase &rewriter) { return UnrankedTensorType::get(rewriter.getF32Type()); }

Value dequantize(RewriterBase &rewriter, Location loc, Value x, Value scale, Value zeroPoint, int64_t axis = 1) {
  return DequantizeLinearOp::create(rewriter, loc, anyFloat(rewriter), x, scale, zeroPoint, axis);
}

// `like` gives the element type where no zero point does.
LogicalResult replaceByQuantized(RewriterBase &rewriter, Operation *op, Value y, Value scale, Value zeroPoint, Value like) {
  bool isAbsent = isa<NoneType>(zeroPoint.getType());
  int64_t type = isAbsent ? onnxElementCode(getElementTypeOrSelf(like.getType())) : 0;
  rewriter.replaceOpWithNewOp<QuantizeLinearOp>(op, op->getResult(0).getType(), y, scale, zeroPoint, /*axis=*/1,
                                                /*block_size=*/0, type);
  return success();
}

// f(DequantizeLinear(x)), quantised.
template <typename Op>
LogicalResult decomposeUnary(Op op, RewriterBase &rewriter, llvm::function_ref<Value(Location, Type, Value)> f) {
  Value x = dequantize(rewriter, op.getLoc(), op.getX(), op.getXScale(), op.getXZeroPoint());
  Value y = f(op.getLoc(), anyFloat(rewriter), x);
  return replaceByQuantized(rewriter, op, y, op.getYScale(), op.getYZeroPoint(), op.getX());
}

template <typename Float, typename Op> LogicalResult decomposeBinary(Op op, RewriterBase &rewriter) {
  Value a = dequantize(rewriter, op.getLoc(), op.getA(), op.getAScale(), op.getAZeroPoint());
  Value b = dequantize(rewriter, op.getLoc(), op.getB(), op.getBScale(), op.getBZeroPoint());
  Value c = Float::create(rewriter, op.getLoc(), anyFloat(rewriter), a, b);
  return replaceByQuantized(rewriter, op, c, op.getCScale(), op.getCZeroPoint(), op.getA());
}

} // namespace

//===-- elementwise ---------------------------------------------------------------------------------------------===//

LogicalResult QLinearAddOp::inferShapes(ShapeContext &ctx) { return inferBinary(ctx); }
LogicalResult QLinearAddOp::decompose(RewriterBase &rewriter) { return decomposeBinary<AddOp>(*this, rewriter); }

LogicalResult QLinearMulOp::inferShapes(ShapeContext &ctx) { return inferBinary(ctx); }
LogicalResult QLinearMulOp::decompose(RewriterBase &rewriter) { return decomposeBinary<MulOp>(*this, rewriter); }

LogicalResult QLinearSigmoidOp::inferShapes(ShapeContext &ctx) { return failed(checkUnary(ctx)) ? failure() : ctx.same(0); }
LogicalResult QLinearSigmoidOp::decompose(RewriterBase &rewriter) {
  return decomposeUnary(*this, rewriter,
                        [&](Location loc, Type any, Value x) -> Value { return SigmoidOp::create(rewriter, loc, any, x); });
}

LogicalResult QLinearLeakyReluOp::inferShapes(ShapeContext &ctx) { return failed(checkUnary(ctx)) ? failure() : ctx.same(0); }
LogicalResult QLinearLeakyReluOp::decompose(RewriterBase &rewriter) {
  return decomposeUnary(*this, rewriter, [&](Location loc, Type any, Value x) -> Value {
    return LeakyReluOp::create(rewriter, loc, any, x, getAlphaAttr());
  });
}

//===-- QLinearSoftmax ------------------------------------------------------------------------------------------===//

LogicalResult QLinearSoftmaxOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkUnary(ctx)) || failed(ctx.axis(static_cast<int64_t>(getAxis()), ctx.rank(0))))
    return failure();
  return ctx.same(0);
}

// Before opset 13 all dims from the axis on are one: unless the axis is the last one, the operator sees Flatten(x).
LogicalResult QLinearSoftmaxOp::decompose(RewriterBase &rewriter) {
  int64_t rank = cast<RankedTensorType>(getX().getType()).getRank(), axis = static_cast<int64_t>(getAxis());
  axis = axis < 0 ? axis + rank : axis;
  bool isMatrix = static_cast<int64_t>(getOpset()) < kSoftmaxPerAxis && axis != rank - 1;
  return decomposeUnary(*this, rewriter, [&](Location loc, Type any, Value x) -> Value {
    if (!isMatrix)
      return SoftmaxOp::create(rewriter, loc, any, x, axis);
    Type anySizes = UnrankedTensorType::get(rewriter.getI64Type());
    Value shape = ShapeOp::create(rewriter, loc, anySizes, x, /*end=*/IntegerAttr());
    Value matrix = FlattenOp::create(rewriter, loc, any, x, axis);
    Value y = SoftmaxOp::create(rewriter, loc, any, matrix, /*axis=*/-1);
    return ReshapeOp::create(rewriter, loc, any, y, shape, /*allowzero=*/1);
  });
}

//===-- pooling and QLinearReduceMean ---------------------------------------------------------------------------===//

namespace {

// With count_include_pad and ceil_mode the operator counts what ceil mode adds to the input, which AveragePool leaves out. Padding
// that reaches to the end of the last window gives the same windows without ceil mode, so that all of each counts.
bool countsCeiling(QLinearAveragePoolOp op) {
  return op.getCountIncludePad() && op.getCeilMode() && !op.getAutoPad().starts_with("SAME");
}

// That padding behind one dim of `size`; nullopt where an unknown size (dynamic) decides whether the last window is dropped for
// starting behind the input.
std::optional<int64_t> ceilingPad(int64_t size, int64_t kernel, int64_t stride, int64_t low, int64_t high) {
  if (ShapedType::isDynamic(size))
    return high + stride <= kernel ? std::optional<int64_t>(high + stride - 1) : std::nullopt;
  int64_t last = llvm::divideCeilSigned(size + low + high - kernel, stride);
  if (last * stride >= size + low)
    --last;
  return std::max<int64_t>(0, last * stride + kernel - size - low);
}

// Attribute `pads` (checked) with the ceiling's padding of every dim; fails where one is unknown.
FailureOr<SmallVector<int64_t>> ceilingPads(QLinearAveragePoolOp op, ArrayRef<int64_t> spatial) {
  size_t rank = spatial.size();
  SmallVector<int64_t> pads(2 * rank, 0);
  if (op.getPads() && op.getAutoPad() == "NOTSET")
    llvm::copy(*op.getPads(), pads.begin());
  for (size_t i = 0; i < rank; ++i) {
    int64_t stride = op.getStrides() ? (*op.getStrides())[i] : 1;
    std::optional<int64_t> pad = ceilingPad(spatial[i], op.getKernelShape()[i], stride, pads[i], pads[rank + i]);
    if (!pad)
      return failure();
    pads[rank + i] = *pad;
  }
  return pads;
}

} // namespace

LogicalResult QLinearAveragePoolOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkPool(ctx, getChannelsLast())))
    return failure();
  WindowAttributes attributes = {getAutoPad(), getStrides(), std::nullopt, getPads(), getKernelShape(), getCeilMode() != 0};
  ArrayRef<AffineExpr> spatial = ctx.shape(0).drop_front(2);
  auto windows = makeWindows(ctx.symbols, spatial, kernelSizes(ctx.symbols, getKernelShape()), attributes,
                             [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  if (countsCeiling(*this) && failed(ceilingPads(*this, staticShape(spatial))))
    return ctx.fail("needs all spatial dims to be known when compiling, for ceil_mode with count_include_pad");
  SymShape result(ctx.shape(0).take_front(2));
  for (const Window &window : *windows)
    result.push_back(window.out);
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult QLinearAveragePoolOp::decompose(RewriterBase &rewriter) {
  DenseI64ArrayAttr pads = getPadsAttr();
  StringAttr autoPad = getAutoPadAttr();
  IntegerAttr ceilMode = getCeilModeAttr();
  if (countsCeiling(*this)) {
    auto known = ceilingPads(*this, cast<RankedTensorType>(getX().getType()).getShape().drop_front(2));
    if (failed(known))
      return failure();
    pads = rewriter.getDenseI64ArrayAttr(*known);
    autoPad = rewriter.getStringAttr("NOTSET");
    ceilMode = rewriter.getI64IntegerAttr(0);
  }
  return decomposeUnary(*this, rewriter, [&](Location loc, Type any, Value x) -> Value {
    return AveragePoolOp::create(rewriter, loc, any, x, autoPad, ceilMode, getCountIncludePadAttr(),
                                 /*dilations=*/DenseI64ArrayAttr(), getKernelShapeAttr(), pads, getStridesAttr());
  });
}

LogicalResult QLinearGlobalAveragePoolOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkPool(ctx, getChannelsLast())))
    return failure();
  SymShape result(ctx.shape(0).take_front(2));
  result.resize(ctx.rank(0), ctx.cst(1));
  ctx.set(0, result, ctx.element(0));
  return success();
}
LogicalResult QLinearGlobalAveragePoolOp::decompose(RewriterBase &rewriter) {
  return decomposeUnary(*this, rewriter, [&](Location loc, Type any, Value x) -> Value {
    return GlobalAveragePoolOp::create(rewriter, loc, any, x);
  });
}

LogicalResult QLinearReduceMeanOp::inferShapes(ShapeContext &ctx) {
  if (failed(checkUnary(ctx)))
    return failure();
  SymShape axes;
  for (int64_t axis : getAxes().value_or(ArrayRef<int64_t>()))
    axes.push_back(ctx.cst(axis));
  FailureOr<SymShape> shape = reducedShape(ctx, axes, getKeepdims(), /*noop=*/false);
  if (failed(shape))
    return failure();
  ctx.set(0, *shape, ctx.element(0));
  return success();
}
LogicalResult QLinearReduceMeanOp::decompose(RewriterBase &rewriter) {
  return decomposeUnary(*this, rewriter, [&](Location loc, Type any, Value x) -> Value {
    ArrayRef<int64_t> axes = getAxes().value_or(ArrayRef<int64_t>());
    auto type = RankedTensorType::get(static_cast<int64_t>(axes.size()), rewriter.getI64Type());
    Value given = ConstantOp::create(rewriter, loc, type, DenseElementsAttr::get(type, axes));
    return ReduceMeanOp::create(rewriter, loc, any, x, given, getKeepdimsAttr());
  });
}

//===-- QLinearConcat -------------------------------------------------------------------------------------------===//

LogicalResult QLinearConcatOp::inferShapes(ShapeContext &ctx) {
  unsigned count = getInputs().size();
  if (count == 0 || count % 3 != 0)
    return ctx.fail("expects a tensor, its scale and its zero point for every input, got " + Twine(count) + " operands");
  SmallVector<unsigned> tensors;
  for (unsigned i = 2; i < 2 + count; i += 3) {
    if (!ctx.has(i) || !ctx.has(i + 1))
      return ctx.fail("expects operands " + Twine(i) + " and " + Twine(i + 1) + " (a tensor and its scale), got none");
    std::string name = ("input " + Twine((i - 2) / 3)).str();
    if (failed(expectPerTensor(ctx, i + 1, ctx.element(i), name)))
      return failure();
    tensors.push_back(i);
  }
  Type element = ctx.element(2);
  FailureOr<SymShape> shape = concatShape(ctx, tensors, static_cast<int64_t>(getAxis()));
  if (failed(shape) || failed(expectPerTensor(ctx, 0, element, "Y")))
    return failure();
  ctx.set(0, *shape, element);
  return success();
}

LogicalResult QLinearConcatOp::decompose(RewriterBase &rewriter) {
  OperandRange inputs = getInputs();
  SmallVector<Value> parts;
  for (size_t i = 0; i < inputs.size(); i += 3)
    parts.push_back(dequantize(rewriter, getLoc(), inputs[i], inputs[i + 1], inputs[i + 2]));
  Value y = ConcatOp::create(rewriter, getLoc(), anyFloat(rewriter), parts, getAxisAttr());
  return replaceByQuantized(rewriter, *this, y, getYScale(), getYZeroPoint(), inputs.front());
}

//===-- QGemm ---------------------------------------------------------------------------------------------------===//

namespace {

bool hasOneElement(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  return type.hasStaticShape() && type.getNumElements() == 1;
}

// C in units of A's scale times B's, which may be one per column.
Value dequantizeBias(RewriterBase &rewriter, QGemmOp op) {
  Value c = op.getC();
  if (isa<NoneType>(c.getType()))
    return c;
  Location loc = op.getLoc();
  Type any = anyFloat(rewriter);
  Value none = NoneOp::create(rewriter, loc, rewriter.getNoneType());
  Value scale = MulOp::create(rewriter, loc, any, op.getAScale(), op.getBScale());
  ArrayRef<int64_t> shape = cast<RankedTensorType>(c.getType()).getShape();
  if (hasOneElement(op.getBScale()) || (!shape.empty() && shape.back() != 1))
    return dequantize(rewriter, loc, c, scale, none, /*axis=*/-1);
  // One number for all columns, whose scales differ.
  Value number = CastOp::create(rewriter, loc, any, c, onnxElementCode(rewriter.getF32Type()));
  return MulOp::create(rewriter, loc, any, number, scale);
}

} // namespace

LogicalResult QGemmOp::inferShapes(ShapeContext &ctx) {
  enum { A, AScale, AZero, B, BScale, BZero, C, YScale, YZero };
  if (failed(expectByte(ctx, B, "B")) || failed(expectPerTensor(ctx, AScale, ctx.element(A), "A")))
    return failure();
  if (ctx.has(C) && failed(expectElement(ctx, C, IntegerType::get(getContext(), 32), "C")))
    return failure();
  if (ctx.has(YScale) != ctx.has(YZero))
    return ctx.fail("expects both a scale and a zero point of Y, or neither");
  if (ctx.has(YZero) &&
      (failed(expectByte(ctx, YZero, "the zero point of Y")) || failed(expectPerTensor(ctx, YScale, ctx.element(YZero), "Y"))))
    return failure();
  if (failed(inferGemm(ctx, {A, B, C}, getTransA(), getTransB(),
                       ctx.has(YZero) ? ctx.element(YZero) : Float32Type::get(getContext()))))
    return failure();
  // B's scale and zero point: single, or one per column.
  if (failed(expectScale(ctx, BScale, "B")) || failed(expectZeroPoint(ctx, BZero, ctx.element(B), "B")))
    return failure();
  AffineExpr columns = ctx.shape(B)[!getTransB()];
  bool perColumn = !isSingle(ctx.shape(BScale));
  if (perColumn && failed(expectVector(ctx, BScale, columns, "the scale of B", "columns of B")))
    return failure();
  if (!ctx.has(BZero) || isSingle(ctx.shape(BZero)))
    return success();
  return perColumn ? expectVector(ctx, BZero, columns, "the zero point of B", "columns of B")
                   : expectSingle(ctx, BZero, "the zero point of B");
}

LogicalResult QGemmOp::decompose(RewriterBase &rewriter) {
  Value a = dequantize(rewriter, getLoc(), getA(), getAScale(), getAZeroPoint());
  Value b = dequantize(rewriter, getLoc(), getB(), getBScale(), getBZeroPoint(), /*axis=*/getTransB() ? 0 : 1);
  Value c = dequantizeBias(rewriter, *this);
  bool staysFloat = isa<NoneType>(getYScale().getType());
  Type type = staysFloat ? getY().getType() : anyFloat(rewriter);
  Value y = GemmOp::create(rewriter, getLoc(), type, a, b, c, getAlphaAttr(), /*beta=*/getAlphaAttr(), getTransAAttr(),
                           getTransBAttr());
  if (!staysFloat)
    return replaceByQuantized(rewriter, *this, y, getYScale(), getYZeroPoint(), getA());
  rewriter.replaceOp(*this, y);
  return success();
}
