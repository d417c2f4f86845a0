// Products of dequantised tensors become products of the integers themselves.
//
//   conv(dequantize(x), dequantize(w), dequantize(b)) -> quantize     becomes  qlinear_conv(x, w, b)
//   conv(dequantize(x), dequantize(w), b)                             becomes  dequantize(conv_integer(x, w)) + b
//   matmul(dequantize(x, scales of rows), dequantize(w))              becomes  matmul_integer(x, w) * scales of rows * scales of w
//
// Sums of integers are exact, where those of floats round, and weights stay as narrow as the model has them.
#include "../Decomposer.h"
#include "QuantizedConstants.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/Passes.h"
#include "laic/Dialect/Laic/QuantOps.h"

#include <cmath>

namespace laic {
#define GEN_PASS_DEF_LAICFORMINTEGERPRODUCTS
#include "laic/Dialect/Laic/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

std::optional<SmallVector<float>> floatsOf(Value v) { return valuesOf<float>(v, getElementTypeOrSelf(v.getType()).isF32()); }

bool isByte(Value v) { return getElementTypeOrSelf(v.getType()).isInteger(8); }

/// An absent zero point, or a constant whose elements are all `value`.
bool isZeroPoint(Value zero, int value) {
  if (isAbsent(zero))
    return value == 0;
  auto type = cast<ShapedType>(zero.getType()).getElementType();
  if (type.isInteger(32)) {
    auto values = valuesOf<int32_t>(zero, true);
    return values && llvm::all_of(*values, [&](int32_t v) { return v == value; });
  }
  auto values = valuesOf<uint8_t>(zero, type.isInteger(8));
  return values && llvm::all_of(*values, [&](uint8_t v) { return v == static_cast<uint8_t>(value); });
}

/// A float tensor as its integers, scale and zero point.
struct Dequantized {
  Value x, scale, zero;
  int64_t axis = 0; // of more scales than one
  SmallVector<float> scales;
};

std::optional<Dequantized> dequantizedFrom(Value v) {
  auto op = v.getDefiningOp<DequantizeLinearOp>();
  if (!op || op.getBlockSize() != 0 || !getElementTypeOrSelf(v.getType()).isF32())
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(op.getX().getType());
  std::optional<SmallVector<float>> scales = floatsOf(op.getXScale());
  if (!type || !scales || scales->empty() || !llvm::all_of(*scales, [](float s) { return std::isfinite(s); }))
    return std::nullopt;
  auto axis = static_cast<int64_t>(op.getAxis()); // the accessor's type is unsigned
  if (axis < 0)
    axis += type.getRank();
  return Dequantized{op.getX(), op.getXScale(), op.getXZeroPoint(), axis, std::move(*scales)};
}

/// Bytes with one scale and one zero point, which is known.
std::optional<Dequantized> activation(Value v) {
  std::optional<Dequantized> a = dequantizedFrom(v);
  bool known = a && isByte(a->x) && a->scales.size() == 1 && (isAbsent(a->zero) || a->zero.getDefiningOp<ConstantOp>());
  return known ? a : std::nullopt;
}

/// Rows of signed bytes around 0, each of which is one block with a scale that may come at run time.
struct ScaledRows {
  Value x, scale; // [.., K], [.., 1]
};

std::optional<ScaledRows> scaledRows(Value v) {
  auto op = v.getDefiningOp<DequantizeLinearOp>();
  auto type = op ? dyn_cast<RankedTensorType>(op.getX().getType()) : RankedTensorType();
  if (!type || type.getRank() == 0 || !type.getElementType().isSignlessInteger(8) || !isAbsent(op.getXZeroPoint()) ||
      !getElementTypeOrSelf(v.getType()).isF32() || !getElementTypeOrSelf(op.getXScale().getType()).isF32())
    return std::nullopt;
  auto axis = static_cast<int64_t>(op.getAxis()), blockSize = static_cast<int64_t>(op.getBlockSize());
  auto scale = dyn_cast<RankedTensorType>(op.getXScale().getType());
  bool isLast = axis == -1 || axis == type.getRank() - 1;
  if (!isLast || blockSize <= 0 || !scale || scale.getRank() != type.getRank() || scale.getShape().back() != 1)
    return std::nullopt;
  return ScaledRows{op.getX(), op.getXScale()};
}

/// What sums of `depth` products of bytes may at most be, zero points taken off. Beyond 32 bits they would wrap, where floats do not.
int64_t largestSum(int64_t depth, int64_t largestActivation = 255) { return depth * largestActivation * 128; }
constexpr int64_t kLimit = (int64_t(1) << 31) - 1;

/// At least as many products as each sum has: all dims of the weights but `columns`.
int64_t depthOf(const Dequantized &w, int64_t columns) {
  auto type = cast<RankedTensorType>(w.x.getType());
  return type.getNumElements() / std::max<int64_t>(1, type.getDimSize(columns));
}

/// Constant bytes around 0 with one scale, or one for each index of `axis`.
std::optional<Dequantized> weights(Value v, int64_t axis) {
  std::optional<Dequantized> w = dequantizedFrom(v);
  if (!w || !isByte(w->x) || !w->x.getDefiningOp<ConstantOp>() || (w->scales.size() != 1 && w->axis != axis))
    return std::nullopt;
  bool isUnsigned = getElementTypeOrSelf(w->x.getType()).isUnsignedInteger();
  return isZeroPoint(w->zero, isUnsigned ? 128 : 0) ? w : std::nullopt;
}

SmallVector<float> products(ArrayRef<float> a, ArrayRef<float> b) {
  return llvm::map_to_vector(b, [&](float scale) { return a[0] * scale; });
}

/// The integers of a bias whose scale is that of the sums, none larger than `limit`; null for others.
Value integerBias(Value bias, ArrayRef<float> scales, int64_t limit) {
  std::optional<Dequantized> b = dequantizedFrom(bias);
  if (!b || !getElementTypeOrSelf(b->x.getType()).isInteger(32) || !isZeroPoint(b->zero, 0))
    return {};
  auto values = valuesOf<int32_t>(b->x, true);
  if (!values || llvm::any_of(*values, [&](int32_t v) { return std::abs(int64_t(v)) > limit; }))
    return {};
  for (size_t i = 0; i < std::max(scales.size(), b->scales.size()); ++i) {
    float want = scales[scales.size() == 1 ? 0 : i], have = b->scales[b->scales.size() == 1 ? 0 : i];
    if (!(std::abs(want - have) <= 1e-4f * std::abs(want)))
      return {};
  }
  return b->x;
}

/// The quantisation that is the only use of a value, to bytes with one scale.
QuantizeLinearOp quantizationOf(Value v) {
  auto q = v.hasOneUse() ? dyn_cast<QuantizeLinearOp>(*v.user_begin()) : QuantizeLinearOp();
  if (!q || q.getX() != v || q.getBlockSize() != 0 || q.getPrecision() != 0 || isAbsent(q.getYZeroPoint()) ||
      !isByte(q.getYZeroPoint()))
    return {};
  std::optional<SmallVector<float>> scales = floatsOf(q.getYScale());
  return scales && scales->size() == 1 ? q : QuantizeLinearOp();
}

class Former {
public:
  explicit Former(IRRewriter &rewriter) : rewriter(rewriter) {}

  void convolution(ConvOp op) {
    std::optional<Dequantized> x = activation(op.getX()), w = weights(op.getW(), 0);
    if (!takes(op, op.getX(), x, w, 0))
      return;
    rewriter.setInsertionPoint(op);
    Decomposer d(rewriter, op);
    makeSigned(d, *w);
    SmallVector<float> scales = products(x->scales, w->scales);
    bool hasBias = !isAbsent(op.getB());
    Value bias = hasBias ? integerBias(op.getB(), scales, kLimit - largestSum(depthOf(*w, 0))) : d.none();
    if (QuantizeLinearOp q = quantizationOf(op.getY()); q && bias) {
      rewriter.setInsertionPoint(q);
      Location both = rewriter.getFusedLoc({op.getLoc(), q.getLoc()});
      rewriter
          .replaceOpWithNewOp<QLinearConvOp>(q, q.getType(), x->x, x->scale, zero(d, *x), w->x, w->scale, zero(d, *w),
                                             q.getYScale(), q.getYZeroPoint(), bias, op.getAutoPadAttr(), op.getDilationsAttr(),
                                             op.getGroupAttr(), op.getKernelShapeAttr(), op.getPadsAttr(), op.getStridesAttr())
          ->setLoc(both);
      rewriter.eraseOp(op);
      return;
    }
    Value sums =
        d.make<ConvIntegerOp>(rewriter.getI32Type(), x->x, w->x, x->zero, w->zero, op.getAutoPadAttr(), op.getDilationsAttr(),
                              op.getGroupAttr(), op.getKernelShapeAttr(), op.getPadsAttr(), op.getStridesAttr());
    Value y = dequantize(d, sums, scales, /*axis=*/1);
    if (hasBias)
      y = d.add(y, d.unsqueeze(op.getB(), axesBehind(1, cast<RankedTensorType>(x->x.getType()).getRank())));
    d.replace(y);
  }

  void matrixProduct(MatMulOp op) {
    auto b = dyn_cast<RankedTensorType>(op.getB().getType());
    if (b && b.getRank() == 2 &&
        scaledProduct(op, op.getA(), op.getB(), /*transB=*/false, [](Decomposer &, Value y) { return y; }))
      return;
    std::optional<Dequantized> x = activation(op.getA());
    std::optional<Dequantized> w = b && b.getRank() > 1 ? weights(op.getB(), b.getRank() - 1) : std::nullopt;
    if (!takes(op, op.getA(), x, w, b ? b.getRank() - 1 : 0))
      return;
    rewriter.setInsertionPoint(op);
    Decomposer d(rewriter, op);
    makeSigned(d, *w);
    if (QuantizeLinearOp q = quantizationOf(op.getY())) {
      rewriter.setInsertionPoint(q);
      Location both = rewriter.getFusedLoc({op.getLoc(), q.getLoc()});
      rewriter
          .replaceOpWithNewOp<QLinearMatMulOp>(q, q.getType(), x->x, x->scale, zero(d, *x), w->x, w->scale, zero(d, *w),
                                               q.getYScale(), q.getYZeroPoint())
          ->setLoc(both);
      rewriter.eraseOp(op);
      return;
    }
    Value sums = d.make<MatMulIntegerOp>(rewriter.getI32Type(), x->x, w->x, x->zero, w->zero);
    d.replace(dequantize(d, sums, products(x->scales, w->scales), /*axis=*/-1));
  }

  /// Without a form of its own in integers: a MatMul, and the bias behind it.
  void gemm(GemmOp op) {
    auto withC = [&](Decomposer &d, Value y) {
      return isAbsent(op.getC()) ? y : d.add(y, d.scale(op.getC(), op.getBeta().convertToDouble()));
    };
    if (!op.getTransA() && op.getAlpha().isExactlyValue(1) && scaledProduct(op, op.getA(), op.getB(), op.getTransB(), withC))
      return;
    std::optional<Dequantized> x = activation(op.getA()), w = weights(op.getB(), op.getTransB() ? 0 : 1);
    if (op.getTransA() || !op.getAlpha().isExactlyValue(1) || !takes(op, op.getA(), x, w, op.getTransB() ? 0 : 1))
      return;
    rewriter.setInsertionPoint(op);
    Decomposer d(rewriter, op);
    makeSigned(d, *w);
    Value b = op.getTransB() ? d.transpose(w->x, {1, 0}) : w->x;
    Value sums = d.make<MatMulIntegerOp>(rewriter.getI32Type(), x->x, b, x->zero, w->zero);
    d.replace(withC(d, dequantize(d, sums, products(x->scales, w->scales), /*axis=*/-1)));
  }

  /// Rows of a constant are picked before they are dequantised: the table stays narrow.
  void gather(GatherOp op) {
    auto table = op.getData().getDefiningOp<DequantizeLinearOp>();
    auto isWhole = [](Type type) { return isa<IntegerType>(type) && type.getIntOrFloatBitWidth() >= 8; }; // as Gather takes it
    if (!table || !table.getX().getDefiningOp<ConstantOp>() || table.getBlockSize() != 0 ||
        !isWhole(Decomposer::elementOf(table.getX())))
      return;
    if (hasScalePerRow(op, table))
      return gatherScaledRows(op, table);
    for (Value parameter : {table.getXScale(), table.getXZeroPoint()}) {
      auto type = dyn_cast<RankedTensorType>(parameter.getType());
      if (!isAbsent(parameter) && !(type && type.hasStaticShape() && type.getNumElements() == 1))
        return;
    }
    rewriter.setInsertionPoint(op);
    Decomposer d(rewriter, op);
    Value rows = d.make<GatherOp>(Decomposer::elementOf(table.getX()), table.getX(), op.getIndices(), op.getAxis());
    d.replace(d.make<DequantizeLinearOp>(Decomposer::elementOf(table.getY()), rows, table.getXScale(), table.getXZeroPoint(),
                                         table.getAxis(), table.getBlockSize(), table.getOutputDtype()));
  }

private:
  static constexpr const char *kStaysInFloats = "product of quantised tensors stays in floats: ";
  static constexpr const char *kTooDeep = "sums of so many products could leave 32 bits";

  /// Rows of bytes that have a scale each, times a matrix of constant bytes. `finish` adds what else the operation does. False for others.
  bool scaledProduct(Operation *op, Value a, Value b, bool transB, llvm::function_ref<Value(Decomposer &, Value)> finish) {
    std::optional<ScaledRows> x = scaledRows(a);
    int64_t columns = transB ? 0 : 1;
    std::optional<Dequantized> w = x ? weights(b, columns) : std::nullopt;
    if (!w)
      return false;
    if (largestSum(depthOf(*w, columns), 128) > kLimit) {
      emitRemark(op->getLoc()) << kStaysInFloats << kTooDeep;
      return true;
    }
    rewriter.setInsertionPoint(op);
    Decomposer d(rewriter, op);
    makeSigned(d, *w);
    Value matrix = transB ? d.transpose(w->x, {1, 0}) : w->x;
    Value sums = d.make<MatMulIntegerOp>(rewriter.getI32Type(), x->x, matrix, d.none(), d.none());
    d.replace(finish(d, d.mul(dequantize(d, sums, w->scales, /*axis=*/-1), x->scale)));
    return true;
  }

  /// A matrix around 0 whose rows, which are picked, have one scale each.
  static bool hasScalePerRow(GatherOp op, DequantizeLinearOp table) {
    auto type = dyn_cast<RankedTensorType>(table.getX().getType()),
         scales = dyn_cast<RankedTensorType>(table.getXScale().getType());
    auto axis = static_cast<int64_t>(table.getAxis());
    return type && scales && type.getRank() == 2 && scales.getRank() == 1 && scales.getElementType().isF32() &&
           type.getElementType().isSignlessInteger(8) && op.getAxis() == 0 && (axis == 0 || axis == -2) &&
           Decomposer::elementOf(table.getY()).isF32() && isZeroPoint(table.getXZeroPoint(), 0);
  }

  /// gather(x * s) becomes gather(x) * gather(s).
  void gatherScaledRows(GatherOp op, DequantizeLinearOp table) {
    rewriter.setInsertionPoint(op);
    Decomposer d(rewriter, op);
    Value rows = d.cast(d.gather(table.getX(), op.getIndices()), d.f32());
    d.replace(d.mul(rows, d.unsqueeze(d.gather(table.getXScale(), op.getIndices()), {-1})));
  }

  /// Says why not where the activation at least was quantised.
  static bool takes(Operation *op, Value activation, const std::optional<Dequantized> &x, const std::optional<Dequantized> &w,
                    int64_t columns) {
    const char *why = !x   ? "its activation is not of bytes with one scale and a zero point that is known"
                      : !w ? "its weights are not constant bytes around 0 with a scale per output channel at most"
                      : largestSum(depthOf(*w, columns)) > kLimit ? kTooDeep
                                                                  : nullptr;
    if (why && activation.getDefiningOp<DequantizeLinearOp>())
      emitRemark(op->getLoc()) << kStaysInFloats << why;
    return !why;
  }

  template <typename T> static Value constant(const Decomposer &d, ArrayRef<T> values, RankedTensorType type) {
    WeightStore &store = type.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
    ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
    return ConstantOp::create(d.rewriter, d.loc, type, makeConstant(store, bytes, type));
  }

  /// Weights around 0, without a zero for each channel. Unsigned ones, around 128, are the same bytes with their top bit flipped.
  static void makeSigned(const Decomposer &d, Dequantized &w) {
    auto type = cast<RankedTensorType>(w.x.getType());
    if (!isAbsent(w.zero) && cast<RankedTensorType>(w.zero.getType()).getNumElements() > 1)
      w.zero = d.none();
    if (!type.getElementType().isUnsignedInteger())
      return;
    SmallVector<uint8_t> values = *valuesOf<uint8_t>(w.x, true);
    for (uint8_t &value : values)
      value ^= 0x80;
    w.x = constant<uint8_t>(d, values, RankedTensorType::get(type.getShape(), d.rewriter.getI8Type()));
    w.zero = d.none();
  }

  static SmallVector<int64_t> axesBehind(int64_t first, int64_t rank) { return llvm::to_vector(llvm::seq(first, rank - 1)); }

  /// QLinear operations want zero points.
  Value zero(const Decomposer &d, const Dequantized &x) {
    return isAbsent(x.zero) ? d.number(0, getElementTypeOrSelf(x.x.getType())) : x.zero;
  }

  static Value dequantize(const Decomposer &d, Value sums, ArrayRef<float> scales, int64_t axis) {
    SmallVector<int64_t> shape;
    if (scales.size() > 1)
      shape.push_back(scales.size());
    Value scale = constant(d, scales, RankedTensorType::get(shape, d.f32()));
    return d.make<DequantizeLinearOp>(d.f32(), sums, scale, d.none(), axis, /*block_size=*/0, /*output_dtype=*/0);
  }

  IRRewriter &rewriter;
};

struct FormIntegerProductsPass : public laic::impl::LaicFormIntegerProductsBase<FormIntegerProductsPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    Former former(rewriter);
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<ConvOp, MatMulOp, GemmOp, GatherOp>(op)) // others may be erased before their turn
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      if (auto conv = dyn_cast<ConvOp>(op))
        former.convolution(conv);
      else if (auto matmul = dyn_cast<MatMulOp>(op))
        former.matrixProduct(matmul);
      else if (auto gemm = dyn_cast<GemmOp>(op))
        former.gemm(gemm);
      else if (auto gather = dyn_cast<GatherOp>(op))
        former.gather(gather);
    }
  }
};

} // namespace
