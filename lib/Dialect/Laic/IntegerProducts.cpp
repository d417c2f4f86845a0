// Products of quantised tensors: MatMulInteger, ConvInteger, QLinearMatMul, QLinearConv. The contraction itself runs
// on plain bytes; zero points become corrections that are constant wherever the weights are.
#include "Quantized.h"
#include "ShapeChecks.h"
#include "WeightTensor.h"
#include "laic/Dialect/Laic/QuantOps.h"

using namespace mlir;
using namespace laic;

namespace {

// Operand numbers; a zero point may be absent.
struct ProductOperands {
  unsigned a, aZero, b, bZero;
};

struct MappedValue {
  Value value;
  AffineMap map;
};

// A zero point or scale of A (or B) in the loops of a result: single, per row (column), or of full rank. Where only a call knows which,
// it is broadcast first.
MappedValue alongLoop(LowerContext &ctx, Value value, ArrayRef<AffineExpr> shape, ArrayRef<AffineExpr> result, int64_t loop) {
  MLIRContext *mlir = ctx.b.getContext();
  if (isSingle(shape))
    return {value, singleMap(mlir, result.size(), shape)};
  if (shape.size() == 1) {
    if (ctx.needsDynamicBroadcast(shape, result[loop]))
      value = ctx.dynamicBroadcast(value, shape, result[loop]);
    return {value, AffineMap::get(result.size(), 0, {getAffineDimExpr(loop, mlir)}, mlir)};
  }
  if (!ctx.needsDynamicBroadcast(shape, result))
    return {value, ctx.broadcastMap(shape, result)};
  return {ctx.dynamicBroadcast(value, shape, result), AffineMap::getMultiDimIdentityMap(result.size(), mlir)};
}
MappedValue alongLoop(LowerContext &ctx, unsigned operand, ArrayRef<AffineExpr> result, int64_t loop) {
  return alongLoop(ctx, ctx.operand(operand), ctx.shape(operand), result, loop);
}

// Sums of an integer tensor over one dim, in i32.
Value sumOver(LowerContext &ctx, Sized x, unsigned dim) {
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = x.shape.size();
  SymShape kept(x.shape);
  kept.erase(kept.begin() + dim);
  SmallVector<AffineExpr> indices;
  for (unsigned d = 0, next = 0; d < rank; ++d)
    indices.push_back(getAffineDimExpr(d == dim ? rank - 1 : next++, mlir));
  return ctx.reduce(kept, ctx.b.getI32Type(), 0, 1, {x.value}, {AffineMap::get(rank, 0, indices, mlir)},
                    [&](ScalarBuilder &s, ValueRange in) { return s.add(in[1], asI32(s, in[0], x.element)); });
}

ArrayRef<char> constantBytes(LowerContext &ctx, unsigned operand, std::vector<char> &scratch) {
  WeightStore &store = ctx.b.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  return constantBytes(store, ctx.facts(operand).constant, scratch);
}

// Sums over all dims but `kept` where the bytes are known: kernels that compute them would cost more than they are worth.
std::optional<SmallVector<int32_t>> knownSums(LowerContext &ctx, unsigned operand, unsigned kept) {
  const ValueFacts &facts = ctx.facts(operand);
  SmallVector<int64_t> shape;
  for (AffineExpr dim : *facts.shape)
    shape.push_back(constantSize(dim).value_or(0));
  if (!facts.constant || !facts.element.isInteger(8) || llvm::is_contained(shape, 0))
    return std::nullopt;
  std::vector<char> scratch;
  ArrayRef<char> bytes = constantBytes(ctx, operand, scratch);
  int64_t channels = shape[kept], inner = 1, all = 1;
  for (auto [d, size] : llvm::enumerate(shape)) {
    all *= size;
    inner *= d > kept ? size : 1;
  }
  if (int64_t(bytes.size()) != all)
    return std::nullopt;
  SmallVector<int32_t> sums(channels, 0);
  auto add = [&](auto number) {
    for (size_t at = 0; at < bytes.size();)
      for (int32_t &sum : sums)
        for (int64_t i = 0; i < inner; ++i)
          sum += static_cast<decltype(number)>(bytes[at++]);
  };
  isUnsignedElement(facts.element) ? add(uint8_t()) : add(int8_t());
  return sums;
}

// bias[f] - zero * sums[f] in i32, where both are known.
std::optional<Value> knownOffset(LowerContext &ctx, SmallVector<int32_t> sums, std::optional<unsigned> bias, int64_t zero) {
  std::vector<char> scratch;
  ArrayRef<char> bytes;
  if (bias) {
    if (!ctx.facts(*bias).constant)
      return std::nullopt;
    bytes = constantBytes(ctx, *bias, scratch);
    if (bytes.size() != sums.size() * sizeof(int32_t))
      return std::nullopt;
  }
  for (auto [i, sum] : llvm::enumerate(sums)) {
    int32_t start = 0;
    if (bias)
      std::memcpy(&start, bytes.data() + i * sizeof(int32_t), sizeof(int32_t));
    sum = static_cast<int32_t>(start - zero * sum);
  }
  return weightTensor<int32_t>(ctx, sums);
}

// A map without the loops' reduction dim and without the result that used it.
AffineMap withoutReduction(AffineMap map) {
  unsigned last = map.getNumDims() - 1;
  SmallVector<AffineExpr> indices;
  for (AffineExpr index : map.getResults())
    if (!index.isFunctionOfDim(last))
      indices.push_back(index);
  return AffineMap::get(last, 0, indices, map.getContext());
}

// (A - za) @ (B - zb) = A @ B - za * columns(B) - zb * rows(A) + k * za * zb, in i32.
Sized integerMatrixProduct(LowerContext &ctx, ProductOperands operands, ArrayRef<AffineExpr> result) {
  Type i32 = ctx.b.getI32Type();
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = result.size();
  bool aVector = ctx.rank(operands.a) == 1, bVector = ctx.rank(operands.b) == 1;
  ArrayRef<AffineExpr> batch = result.drop_back(2 - aVector - bVector);
  Sized a = expandBatch(ctx, sizedOperand(ctx, operands.a), batch);
  Sized b = expandBatch(ctx, sizedOperand(ctx, operands.b), batch);
  Sized sums = matrixProduct(ctx, a, b, result, i32);
  bool aShifted = !isZeroPointZero(ctx, operands.aZero), bShifted = !isZeroPointZero(ctx, operands.bZero);
  if (!aShifted && !bShifted)
    return sums;

  SmallVector<Value> inputs = {sums.value};
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(rank, mlir)};
  auto input = [&](MappedValue mapped) {
    inputs.push_back(mapped.value);
    maps.push_back(mapped.map);
    return inputs.size() - 1;
  };
  size_t za = 0, zb = 0, columns = 0, rows = 0;
  if (aShifted) {
    za = input(alongLoop(ctx, operands.aZero, result, int64_t(rank) - (bVector ? 1 : 2)));
    std::optional<SmallVector<int32_t>> known;
    if (ctx.rank(operands.b) == 2)
      known = knownSums(ctx, operands.b, 1);
    columns = input({known ? weightTensor<int32_t>(ctx, *known) : sumOver(ctx, b, bVector ? 0 : b.shape.size() - 2),
                     withoutReduction(matmulMap(mlir, b.shape, result, false, aVector))});
  }
  if (bShifted) {
    zb = input(alongLoop(ctx, operands.bZero, result, rank - 1));
    rows = input({sumOver(ctx, a, a.shape.size() - 1), withoutReduction(matmulMap(mlir, a.shape, result, true, bVector))});
  }
  Value depth = aShifted && bShifted ? ctx.size(a.shape.back()) : Value();
  Value y = ctx.generic(result, i32, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value sum = in[0], az = aShifted ? asI32(s, in[za], a.element) : Value(),
          bz = bShifted ? asI32(s, in[zb], b.element) : Value();
    if (aShifted)
      sum = s.sub(sum, s.mul(az, in[columns]));
    if (bShifted)
      sum = s.sub(sum, s.mul(bz, in[rows]));
    if (depth) {
      Value k = arith::IndexCastOp::create(s.b, s.loc, i32, depth);
      sum = s.add(sum, s.mul(k, s.mul(az, bz)));
    }
    return sum;
  });
  return {y, SymShape(result), i32};
}

// x - zero point, in i32 or, with `signedByte`, in i8 (ui8 around 128).
Sized shifted(LowerContext &ctx, unsigned operand, unsigned zero, bool signedByte) {
  Sized x = sizedOperand(ctx, operand);
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = x.shape.size();
  Type element = signedByte ? ctx.b.getI8Type() : ctx.b.getI32Type();
  AffineMap map = isSingle(ctx.shape(zero)) ? singleMap(mlir, rank, ctx.shape(zero))
                                            : AffineMap::get(rank, 0, {getAffineDimExpr(0, mlir)}, mlir);
  Value y = ctx.generic(x.shape, element, {x.value, ctx.operand(zero)}, {AffineMap::getMultiDimIdentityMap(rank, mlir), map},
                        [&](ScalarBuilder &s, ValueRange in) {
                          Value v = s.sub(asI32(s, in[0], x.element), asI32(s, in[1], x.element));
                          return s.cast(v, element, false, false);
                        });
  return {y, x.shape, element};
}

// The one constant that a zero point holds, if it is known.
std::optional<int64_t> knownZeroPoint(LowerContext &ctx, unsigned i) {
  if (!ctx.has(i))
    return 0;
  const auto &ints = ctx.facts(i).ints;
  if (!ints || ints->empty() || !llvm::all_equal(*ints))
    return std::nullopt;
  return constantSize(ints->front());
}

// Sums [N, F, ...] of (x - zx) * (w - zw) plus an i32 bias [F], in i32. x is padded with its zero point.
FailureOr<Sized> integerConvolution(LowerContext &ctx, ProductOperands operands, std::optional<unsigned> bias,
                                    const WindowAttributes &attributes, int64_t group) {
  Type i32 = ctx.b.getI32Type();
  MLIRContext *mlir = ctx.b.getContext();
  std::optional<int64_t> xZero = knownZeroPoint(ctx, operands.aZero), wZero = knownZeroPoint(ctx, operands.bZero);
  Sized x = xZero ? sizedOperand(ctx, operands.a) : shifted(ctx, operands.a, operands.aZero, false);
  Sized w = sizedOperand(ctx, operands.b);
  if (wZero != 0)
    w = shifted(ctx, operands.b, operands.bZero, wZero == 128 && isUnsignedElement(w.element));
  auto windows = makeWindows(ctx.symbols, ArrayRef(x.shape).drop_front(2), ArrayRef(w.shape).drop_front(2), attributes,
                             [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  TypedAttr padding = ctx.b.getIntegerAttr(lowerElement(x.element), xZero ? int8_t(*xZero) : 0);
  std::tie(x.value, x.shape) = padWindows(ctx, x.value, x.shape, *windows, arith::ConstantOp::create(ctx.b, padding));
  Sized sums = convolve(ctx, x, w, *windows, group, i32);

  std::optional<Sized> offset;
  SymShape channels = {w.shape[0]};
  if (bias)
    offset = sizedOperand(ctx, *bias);
  if (xZero && *xZero != 0) {
    // offset[f] = bias[f] - zx * (sum of w[f])
    unsigned rank = w.shape.size();
    if (wZero == 0)
      if (std::optional<SmallVector<int32_t>> known = knownSums(ctx, operands.b, 0))
        if (std::optional<Value> value = knownOffset(ctx, *known, bias, *xZero))
          return Sized{finishSums(ctx, sums, Sized{*value, channels, i32}, i32), sums.shape, i32};
    Value total = ctx.reduce(channels, i32, 0, rank - 1, {w.value}, {AffineMap::getMultiDimIdentityMap(rank, mlir)},
                             [&](ScalarBuilder &s, ValueRange in) { return s.add(in[1], asI32(s, in[0], w.element)); });
    SmallVector<Value> inputs = {total};
    if (bias)
      inputs.push_back(offset->value);
    SmallVector<AffineMap> maps(inputs.size(), AffineMap::getMultiDimIdentityMap(1, mlir));
    Value value = ctx.generic(channels, i32, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
      Value correction = s.mul(in[0], s.cst(-*xZero, in[0]));
      return in.size() > 1 ? s.add(correction, in[1]) : correction;
    });
    offset = Sized{value, channels, i32};
  }
  return Sized{finishSums(ctx, sums, offset, i32), sums.shape, i32};
}

// a_scale * b_scale / y_scale of each column where all are known, otherwise null.
Value knownFactors(LowerContext &ctx, ArrayRef<unsigned> scales) {
  const auto &a = ctx.facts(scales[0]).floats, &b = ctx.facts(scales[1]).floats, &y = ctx.facts(scales[2]).floats;
  if (!a || !b || !y || b->empty() || llvm::any_of(scales, [&](unsigned i) { return !ctx.element(i).isF32(); }))
    return {};
  SmallVector<float> factors;
  for (double scale : *b)
    factors.push_back(static_cast<float>(a->front()) * static_cast<float>(scale) / static_cast<float>(y->front()));
  Value vector = weightTensor<float>(ctx, factors);
  return ctx.reshape(vector, {ctx.cst(factors.size())}, ctx.shape(scales[1]));
}

// Integer sums times a_scale * b_scale / y_scale, rounded and shifted to the result's type.
Value requantizeSums(LowerContext &ctx, Sized sums, ArrayRef<unsigned> scales, unsigned yZero, int64_t rowLoop,
                     int64_t columnLoop) {
  MLIRContext *mlir = ctx.b.getContext();
  unsigned a = scales[0], b = scales[1], y = scales[2], rank = sums.shape.size();
  Type f32 = ctx.b.getF32Type(), element = ctx.resultElement();
  SmallVector<Value> inputs = {sums.value};
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(rank, mlir)};
  auto input = [&](MappedValue mapped) {
    inputs.push_back(mapped.value);
    maps.push_back(mapped.map);
  };
  auto scaleOf = [&](ScalarBuilder &s, Value v, unsigned i) { return asFloat(ctx, s, v, ctx.element(i)); };
  bool oneRowScale = isSingle(ctx.shape(a)) && isSingle(ctx.shape(y));
  if (oneRowScale) {
    // The factors have the shape of B's scale and are constant with it.
    ArrayRef<AffineExpr> shape = ctx.shape(b);
    unsigned loops = shape.size();
    Value factors = knownFactors(ctx, scales);
    if (!factors)
      factors = ctx.generic(shape, f32, {ctx.operand(a), ctx.operand(b), ctx.operand(y)},
                            {singleMap(mlir, loops, ctx.shape(a)), AffineMap::getMultiDimIdentityMap(loops, mlir),
                             singleMap(mlir, loops, ctx.shape(y))},
                            [&](ScalarBuilder &s, ValueRange in) {
                              Value product = s.mul(scaleOf(s, in[0], a), scaleOf(s, in[1], b));
                              return s.div(product, scaleOf(s, in[2], y));
                            });
    input(alongLoop(ctx, factors, shape, sums.shape, columnLoop));
  } else {
    for (auto [operand, loop] : {std::make_pair(a, rowLoop), std::make_pair(b, columnLoop), std::make_pair(y, rowLoop)}) {
      input(alongLoop(ctx, operand, sums.shape, loop));
    }
  }
  bool shiftedResult = !isZeroPointZero(ctx, yZero);
  if (shiftedResult) {
    input(alongLoop(ctx, yZero, sums.shape, rowLoop));
  }
  return ctx.generic(sums.shape, element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value factor = in[1];
    if (!oneRowScale)
      factor = s.div(s.mul(scaleOf(s, in[1], a), scaleOf(s, in[2], b)), scaleOf(s, in[3], y));
    Value v = s.mul(s.cast(in[0], s.b.getF32Type(), false, false), factor);
    return requantize(s, v, shiftedResult ? asI32(s, in.back(), element) : Value(), element);
  });
}

LogicalResult checkVector(ShapeContext &ctx, unsigned i, AffineExpr size, StringRef name, StringRef why) {
  if (!ctx.has(i) || isSingle(ctx.shape(i)) || ctx.rank(i) != 1)
    return success();
  return expectOneOr(ctx, ctx.shape(i)[0], size, "dim 0 of " + name, why);
}

} // namespace

//===-- MatMulInteger, QLinearMatMul ----------------------------------------------------------------------------===//

LogicalResult MatMulIntegerOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectByte(ctx, 1, "B")) || failed(inferMatrixProduct(ctx, 0, 1, IntegerType::get(getContext(), 32))))
    return failure();
  if (ctx.rank(0) > 1 && failed(checkVector(ctx, 2, ctx.shape(0)[ctx.rank(0) - 2], "A's zero point", "rows of A")))
    return failure();
  return checkVector(ctx, 3, ctx.shape(1).back(), "B's zero point", "columns of B");
}

LogicalResult MatMulIntegerOp::lower(LowerContext &ctx) {
  ctx.set(0, integerMatrixProduct(ctx, {0, 2, 1, 3}, ctx.resultShape()).value);
  return success();
}

LogicalResult QLinearMatMulOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectByte(ctx, 3, "B")) || failed(expectByte(ctx, 7, "Y's zero point")))
    return failure();
  if (failed(inferMatrixProduct(ctx, 0, 3, ctx.element(7))))
    return failure();
  AffineExpr one = ctx.cst(1), rows = ctx.rank(0) > 1 ? ctx.shape(0)[ctx.rank(0) - 2] : one;
  AffineExpr columns = ctx.rank(3) > 1 ? ctx.shape(3).back() : one;
  for (auto [i, name] : {std::make_pair(1u, "A's scale"), std::make_pair(2u, "A's zero point"), std::make_pair(6u, "Y's scale"),
                         std::make_pair(7u, "Y's zero point")})
    if (failed(checkVector(ctx, i, rows, name, "rows of A")))
      return failure();
  if (failed(checkVector(ctx, 4, columns, "B's scale", "columns of B")))
    return failure();
  return checkVector(ctx, 5, columns, "B's zero point", "columns of B");
}

LogicalResult QLinearMatMulOp::lower(LowerContext &ctx) {
  Sized sums = integerMatrixProduct(ctx, {0, 2, 3, 5}, ctx.resultShape());
  int64_t rank = sums.shape.size(), row = rank - (ctx.rank(3) == 1 ? 1 : 2);
  ctx.set(0, requantizeSums(ctx, sums, {1, 4, 6}, 7, row, rank - 1));
  return success();
}

//===-- ConvInteger, QLinearConv --------------------------------------------------------------------------------===//

LogicalResult ConvIntegerOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectByte(ctx, 1, "weights")))
    return failure();
  unsigned noBias = ctx.operandCount();
  if (failed(inferConvolution(ctx, {0, 1, noBias}, convAttributes(*this), getGroup(), IntegerType::get(getContext(), 32))))
    return failure();
  return checkVector(ctx, 3, ctx.shape(1)[0], "the weights' zero point", "output channels");
}

LogicalResult ConvIntegerOp::lower(LowerContext &ctx) {
  FailureOr<Sized> sums = integerConvolution(ctx, {0, 2, 1, 3}, std::nullopt, convAttributes(*this), getGroup());
  if (failed(sums))
    return failure();
  ctx.set(0, sums->value);
  return success();
}

LogicalResult QLinearConvOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectByte(ctx, 3, "weights")) || failed(expectByte(ctx, 7, "the result's zero point")))
    return failure();
  if (failed(inferConvolution(ctx, {0, 3, 8}, convAttributes(*this), getGroup(), ctx.element(7))) ||
      failed(checkVector(ctx, 4, ctx.shape(3)[0], "the weights' scale", "output channels")))
    return failure();
  return checkVector(ctx, 5, ctx.shape(3)[0], "the weights' zero point", "output channels");
}

LogicalResult QLinearConvOp::lower(LowerContext &ctx) {
  std::optional<unsigned> bias = ctx.has(8) ? std::optional<unsigned>(8) : std::nullopt;
  FailureOr<Sized> sums = integerConvolution(ctx, {0, 2, 3, 5}, bias, convAttributes(*this), getGroup());
  if (failed(sums))
    return failure();
  ctx.set(0, requantizeSums(ctx, *sums, {1, 4, 6}, 7, /*rowLoop=*/0, /*columnLoop=*/1));
  return success();
}
