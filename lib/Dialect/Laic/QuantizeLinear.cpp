// QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear: per tensor, per axis and blocked.
#include "NarrowTypes.h"
#include "NormReductions.h"
#include "Quantized.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/QuantOps.h"

#include <cmath>

using namespace mlir;
using namespace laic;

LogicalResult laic::expectByte(ShapeContext &ctx, unsigned i, StringRef name) {
  if (ctx.element(i).isInteger(8))
    return success();
  std::string type;
  llvm::raw_string_ostream(type) << ctx.element(i);
  return ctx.fail("expects " + name + " to be int8 or uint8, got " + type);
}

bool laic::isSingle(ArrayRef<AffineExpr> shape) {
  return llvm::all_of(shape, [](AffineExpr dim) { return constantSize(dim) == 1; });
}

AffineMap laic::singleMap(MLIRContext *ctx, unsigned loops, ArrayRef<AffineExpr> shape) {
  SmallVector<AffineExpr> indices(shape.size(), getAffineConstantExpr(0, ctx));
  return AffineMap::get(loops, 0, indices, ctx);
}

Value laic::asI32(ScalarBuilder &s, Value v, Type onnxElement) {
  return s.cast(v, s.b.getI32Type(), isUnsignedElement(onnxElement), false);
}

Value laic::asFloat(LowerContext &ctx, ScalarBuilder &s, Value v, Type onnxElement) {
  if (isNarrowFloat(onnxElement))
    return decodeNarrowFloat(s, v, onnxElement);
  if (isa<FloatType>(onnxElement))
    return ctx.toCompute(s, v, onnxElement);
  return s.cast(v, s.b.getF32Type(), isUnsignedElement(onnxElement), false);
}

Value laic::requantize(ScalarBuilder &s, Value value, Value zeroPoint, Type element) {
  unsigned width = element.getIntOrFloatBitWidth();
  bool isUnsigned = isUnsignedElement(element);
  double low = isUnsigned ? 0 : -std::ldexp(1.0, width - 1);
  double high = std::ldexp(1.0, isUnsigned ? width : width - 1) - 1;
  Value y = s.round(value);
  if (zeroPoint)
    y = s.add(y, s.cast(zeroPoint, y.getType(), false, false));
  Value lowest = s.cst(low, y), highest = s.cst(high, y);
  y = s.select(s.gt(y, lowest), y, lowest);
  y = s.select(s.lt(y, highest), y, highest);
  Value whole = arith::FPToSIOp::create(s.b, s.loc, s.b.getI32Type(), y);
  return s.cast(whole, lowerElement(element), false, isUnsigned);
}

bool laic::isZeroPointZero(LowerContext &ctx, unsigned i) {
  if (!ctx.has(i))
    return true;
  const auto &ints = ctx.facts(i).ints;
  return ints && llvm::all_of(*ints, [](AffineExpr value) { return constantSize(value) == 0; });
}

namespace {

// What QuantizeLinear yields.
bool isQuantized(Type element) {
  if (auto i = dyn_cast<IntegerType>(element))
    return i.getWidth() > 1 && i.getWidth() <= 32;
  return isNarrowFloat(element) && !isa<Float8E8M0FNUType>(element);
}

// What computes: an element type of ONNX, or null.
FloatType floatType(MLIRContext *ctx, int64_t onnx) {
  auto element = dyn_cast_or_null<FloatType>(onnxElementType(ctx, onnx));
  return element && !isNarrowFloat(element) ? element : FloatType();
}

// Scales are floats, or powers of two.
bool isScale(Type element) { return isa<FloatType>(element) && (!isNarrowFloat(element) || isa<Float8E8M0FNUType>(element)); }

LogicalResult failType(ShapeContext &ctx, Type type, StringRef what) {
  return ctx.fail(what + " of type " + elementTypeName(type) + " is not supported");
}

// Scale (operand 1) and zero point (operand 2) of an input: one element, one per index of an axis, or one per block.
LogicalResult checkScale(ShapeContext &ctx, int64_t axisAttribute, int64_t blockSize) {
  ArrayRef<AffineExpr> x = ctx.shape(0), scale = ctx.shape(1);
  // Quantisers write one zero point for all channels, too.
  if (ctx.has(2) && !isSingle(ctx.shape(2))) {
    if (ctx.rank(2) != ctx.rank(1))
      return ctx.fail("expects zero point and scale of equal rank, got " + Twine(ctx.rank(2)) + " and " + Twine(ctx.rank(1)));
    for (int64_t d = 0; d < ctx.rank(1); ++d)
      if (failed(expectSize(ctx, ctx.shape(2)[d], scale[d], "zero point dim " + Twine(d), "as the scale")))
        return failure();
  }
  if (isSingle(scale))
    return success();
  FailureOr<int64_t> axis = ctx.axis(axisAttribute, x.size());
  if (failed(axis))
    return failure();
  if (blockSize == 0) {
    if (scale.size() != 1)
      return ctx.fail("expects a scale of rank 0 or 1 without block_size, got rank " + Twine(scale.size()));
    return expectSize(ctx, scale[0], x[*axis], "scale dim 0", "input dim " + std::to_string(*axis));
  }
  if (blockSize < 0)
    return ctx.fail("expects attribute 'block_size' to be positive, got " + Twine(blockSize));
  if (scale.size() != x.size())
    return ctx.fail("expects a blocked scale to have rank " + Twine(x.size()) + ", got " + Twine(scale.size()));
  for (size_t d = 0; d < x.size(); ++d) {
    bool blocked = int64_t(d) == *axis;
    AffineExpr want = blocked ? ctx.symbols.floorDiv(x[d] + (blockSize - 1), ctx.cst(blockSize)) : x[d];
    if (failed(expectSize(ctx, scale[d], want, "scale dim " + Twine(d), blocked ? "blocks of the input" : "as the input")))
      return failure();
  }
  return success();
}

// An elementwise computation of x with its scale and zero point.
class ScaledMap {
public:
  ScaledMap(LowerContext &ctx, int64_t axis, int64_t blockSize) : ctx(ctx), shape(ctx.shape(0)), x(ctx.operand(0)) {
    this->axis = axis < 0 ? axis + int64_t(shape.size()) : axis;
    if (isSingle(ctx.shape(1)))
      return;
    if (blockSize == 0) {
      map = AffineMap::get(shape.size(), 0, {dim(this->axis)}, ctx.b.getContext());
      return;
    }
    splitBlocks(blockSize);
  }

  // The body gets x, the scale, and the zero point when there is one that may not be zero.
  Value apply(Type element, LowerContext::Body body) {
    MLIRContext *mlir = ctx.b.getContext();
    SmallVector<Value> inputs = {x};
    SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(shape.size(), mlir)};
    for (unsigned i = 1; i <= 2; ++i) {
      if (i == 2 && isZeroPointZero(ctx, 2))
        continue;
      Value value = ctx.operand(i);
      bool single = isSingle(ctx.shape(i));
      if (expandedTo && !single)
        value = expand(value);
      inputs.push_back(value);
      maps.push_back(map && !single ? map : singleMap(mlir, shape.size(), ctx.shape(i)));
    }
    return ctx.reshape(ctx.generic(shape, element, inputs, maps, body), shape, ctx.resultShape());
  }

private:
  AffineExpr dim(unsigned i) { return getAffineDimExpr(i, ctx.b.getContext()); }

  // [.., D, ..] becomes [.., D / block, block, ..]; where blocks do not divide D, scales are repeated instead. One block stays as it is.
  void splitBlocks(int64_t blockSize) {
    if (constantSize(ctx.shape(1)[axis]) == 1) {
      SmallVector<AffineExpr> indices;
      for (size_t d = 0; d < shape.size(); ++d)
        indices.push_back(int64_t(d) == axis ? getAffineConstantExpr(0, ctx.b.getContext()) : dim(d));
      map = AffineMap::get(shape.size(), 0, indices, ctx.b.getContext());
      return;
    }
    AffineExpr block = ctx.cst(blockSize), blocks = ctx.symbols.floorDiv(shape[axis], block);
    if (canonicalSize(ctx.symbols.mul(blocks, block)) != canonicalSize(shape[axis])) {
      expandedTo = blockSize;
      map = AffineMap::getMultiDimIdentityMap(shape.size(), ctx.b.getContext());
      return;
    }
    SymShape split(shape);
    split[axis] = blocks;
    split.insert(split.begin() + axis + 1, block);
    x = ctx.reshape(x, shape, split);
    shape = split;
    SmallVector<AffineExpr> indices;
    for (size_t d = 0; d < shape.size(); ++d)
      if (int64_t(d) != axis + 1)
        indices.push_back(dim(d));
    map = AffineMap::get(shape.size(), 0, indices, ctx.b.getContext());
  }
  Value expand(Value value) {
    Type element = cast<RankedTensorType>(value.getType()).getElementType();
    return ctx.gather(shape, element, [&](ScalarBuilder &s, ValueRange indices) -> Value {
      SmallVector<Value> at(indices);
      Value block = arith::ConstantIndexOp::create(s.b, s.loc, *expandedTo);
      at[axis] = arith::DivUIOp::create(s.b, s.loc, at[axis], block);
      return tensor::ExtractOp::create(s.b, s.loc, value, at);
    });
  }

  LowerContext &ctx;
  SymShape shape;
  Value x;
  int64_t axis;
  AffineMap map; // of the scale; null: a single one
  std::optional<int64_t> expandedTo;
};

} // namespace

//===-- QuantizeLinear ------------------------------------------------------------------------------------------===//

LogicalResult QuantizeLinearOp::inferShapes(ShapeContext &ctx) {
  constexpr int64_t kUint8 = 2;
  Type element = ctx.has(2) ? ctx.element(2) : onnxElementType(getContext(), getOutputDtype() ? getOutputDtype() : kUint8);
  if (!element || (!ctx.has(2) && !isQuantized(element)))
    return ctx.fail("output_dtype " + Twine(getOutputDtype()) + " is not supported");
  if (!isQuantized(element))
    return failType(ctx, element, "a zero point");
  if (!isScale(ctx.element(1)))
    return failType(ctx, ctx.element(1), "a scale");
  if (getPrecision() && !floatType(getContext(), getPrecision()))
    return ctx.fail("expects attribute 'precision' to name a float type, got " + Twine(getPrecision()));
  if (failed(checkScale(ctx, getAxis(), getBlockSize())))
    return failure();
  ctx.set(0, ctx.shape(0), element);
  return success();
}

namespace {

// x / scale, rounded to the element type that the quotient has.
Value quotient(ScalarBuilder &s, Value x, Value scale, Type rounded) {
  Type compute = rounded.isF64() ? rounded : Type(s.b.getF32Type());
  auto round = [&](Value v) { // f32 holds every product, quotient and operand of f16 and bf16 well enough to round twice
    v = s.cast(v, compute, false, false);
    return rounded == compute ? v : s.cast(s.cast(v, rounded, false, false), compute, false, false);
  };
  return round(s.div(round(x), round(scale)));
}

// The code of value + zero point (which may be null).
Value quantizeToFloat(ScalarBuilder &s, Value value, Value zeroPoint, Type element, bool saturate) {
  if (zeroPoint) {
    Value zero = s.cast(decodeNarrowFloat(s, zeroPoint, element), value.getType(), false, false);
    value = s.select(s.eq(zero, s.cst(0, zero)), value, s.add(value, zero)); // minus zero stays
  }
  return encodeNarrowFloat(s, value, element, {saturate});
}

} // namespace

LogicalResult QuantizeLinearOp::lower(LowerContext &ctx) {
  Type element = ctx.resultElement(), precision = ctx.element(1);
  if (getPrecision())
    precision = floatType(getContext(), getPrecision());
  else if (isNarrowFloat(precision))
    precision = ctx.b.getF32Type();
  ScaledMap map(ctx, getAxis(), getBlockSize());
  ctx.set(0, map.apply(element, [&](ScalarBuilder &s, ValueRange in) {
    Value x = asFloat(ctx, s, in[0], ctx.element(0)), scale = asFloat(ctx, s, in[1], ctx.element(1));
    Value value = quotient(s, x, scale, precision), zeroPoint = in.size() > 2 ? in[2] : Value();
    if (isNarrowFloat(element))
      return quantizeToFloat(s, value, zeroPoint, element, getSaturate() != 0);
    return requantize(s, value, zeroPoint ? asI32(s, zeroPoint, element) : Value(), element);
  }));
  return success();
}

//===-- DequantizeLinear ----------------------------------------------------------------------------------------===//

LogicalResult DequantizeLinearOp::inferShapes(ShapeContext &ctx) {
  Type element = getOutputDtype() ? Type(floatType(getContext(), getOutputDtype())) : ctx.element(1);
  if (!element || !isa<FloatType>(element) || isNarrowFloat(element) || !isScale(ctx.element(1)))
    return ctx.fail("expects a float scale and output_dtype");
  if (failed(checkScale(ctx, getAxis(), getBlockSize())))
    return failure();
  ctx.set(0, ctx.shape(0), element);
  return success();
}

LogicalResult DequantizeLinearOp::lower(LowerContext &ctx) {
  Type x = ctx.element(0), element = ctx.resultElement();
  ScaledMap map(ctx, getAxis(), getBlockSize());
  ctx.set(0, map.apply(element, [&](ScalarBuilder &s, ValueRange in) {
    Value scale = asFloat(ctx, s, in[1], ctx.element(1));
    auto number = [&](Value v) { return isNarrowFloat(x) ? decodeNarrowFloat(s, v, x) : asI32(s, v, x); };
    Value offset = number(in[0]);
    if (in.size() > 2)
      offset = s.sub(offset, number(in[2]));
    return ctx.toStorage(s, s.mul(s.cast(offset, scale.getType(), false, false), scale), element);
  }));
  return success();
}

//===-- DynamicQuantizeLinear -----------------------------------------------------------------------------------===//

LogicalResult DynamicQuantizeLinearOp::inferShapes(ShapeContext &ctx) {
  Type byte = IntegerType::get(getContext(), 8, IntegerType::Unsigned);
  ctx.set(0, ctx.shape(0), byte);
  ctx.set(1, {}, ctx.element(0));
  ctx.set(2, {}, byte);
  return success();
}

LogicalResult DynamicQuantizeLinearOp::lower(LowerContext &ctx) {
  Type f32 = ctx.b.getF32Type(), byte = ctx.resultElement(0);
  SymShape shape(ctx.shape(0));
  AxisReduction axes(ctx, shape, llvm::to_vector(llvm::seq<int64_t>(0, shape.size())));
  auto extreme = [&](bool largest) { // the range always includes 0
    return axes.reduce(f32, 0, ctx.operand(0), {},
                       [&](ScalarBuilder &s, ValueRange in) { return largest ? s.max(in[1], in[0]) : s.min(in[1], in[0]); });
  };
  Value high = extreme(true), low = extreme(false);
  Value scale = axes.mapKept(f32, {high, low}, [&](ScalarBuilder &s, ValueRange in) {
    Value range = s.div(s.sub(in[0], in[1]), s.cst(255, in[0]));
    return s.select(s.eq(in[0], in[1]), s.cst(1, range), range);
  });
  Value zeroPoint = axes.mapKept(byte, {low, scale}, [&](ScalarBuilder &s, ValueRange in) {
    return requantize(s, s.neg(s.div(in[0], in[1])), Value(), byte);
  });
  AffineMap kept = axes.keptMap();
  ctx.set(0, ctx.generic(shape, byte, {ctx.operand(0), scale, zeroPoint}, {axes.identity(), kept, kept},
                         [&](ScalarBuilder &s, ValueRange in) {
                           return requantize(s, s.div(in[0], in[1]), asI32(s, in[2], byte), byte);
                         }));
  ctx.set(1, scale);
  ctx.set(2, zeroPoint);
  return success();
}
