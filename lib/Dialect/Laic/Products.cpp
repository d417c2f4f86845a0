// Contractions that several operators lower to.
#include "Products.h"

using namespace mlir;
using namespace laic;

Value laic::toAccumulator(LowerContext &ctx, ScalarBuilder &s, Value v, Type onnxElement, Type accumulator) {
  if (isa<FloatType>(onnxElement) && isa<FloatType>(accumulator)) {
    Value compute = ctx.toCompute(s, v, onnxElement);
    return compute.getType() == accumulator ? compute : s.cast(compute, accumulator, false, false);
  }
  if (v.getType() == accumulator)
    return v;
  return s.cast(v, accumulator, isUnsignedElement(onnxElement), false);
}

SymShape laic::matmulShape(ArrayRef<AffineExpr> a, ArrayRef<AffineExpr> b, ArrayRef<AffineExpr> batch) {
  SymShape shape(batch);
  if (a.size() > 1)
    shape.push_back(a[a.size() - 2]);
  if (b.size() > 1)
    shape.push_back(b.back());
  return shape;
}

AffineMap laic::matmulMap(MLIRContext *ctx, ArrayRef<AffineExpr> operand, ArrayRef<AffineExpr> result, bool isA,
                          bool otherIsVector) {
  unsigned loops = result.size() + 1;
  AffineExpr k = getAffineDimExpr(result.size(), ctx);
  if (operand.size() == 1)
    return AffineMap::get(loops, 0, {k}, ctx);
  unsigned batchLoops = result.size() - (otherIsVector ? 1 : 2);
  unsigned batch = operand.size() - 2;
  SmallVector<AffineExpr> indices;
  for (unsigned i = 0; i < batch; ++i) {
    unsigned loop = batchLoops - batch + i;
    bool broadcast = constantSize(operand[i]) == 1 && constantSize(result[loop]) != 1;
    indices.push_back(broadcast ? getAffineConstantExpr(0, ctx) : getAffineDimExpr(loop, ctx));
  }
  AffineExpr m = getAffineDimExpr(batchLoops, ctx), n = getAffineDimExpr(result.size() - 1, ctx);
  indices.push_back(isA ? m : k);
  indices.push_back(isA ? k : n);
  return AffineMap::get(loops, 0, indices, ctx);
}

Sized laic::expandBatch(LowerContext &ctx, Sized operand, ArrayRef<AffineExpr> batch) {
  if (operand.shape.size() < 3)
    return operand;
  ArrayRef<AffineExpr> own = ArrayRef(operand.shape).drop_back(2);
  if (!ctx.needsDynamicBroadcast(own, batch))
    return operand;
  SymShape full(batch);
  llvm::append_range(full, ArrayRef(operand.shape).take_back(2));
  return {ctx.dynamicBroadcast(operand.value, operand.shape, full), full, operand.element};
}

Sized laic::matrixProduct(LowerContext &ctx, Sized a, Sized b, ArrayRef<AffineExpr> result, Type accumulator) {
  bool aVector = a.shape.size() == 1, bVector = b.shape.size() == 1;
  ArrayRef<AffineExpr> batch = result.drop_back(2 - aVector - bVector);
  a = expandBatch(ctx, a, batch);
  b = expandBatch(ctx, b, batch);
  MLIRContext *mlir = ctx.b.getContext();
  AffineMap maps[] = {matmulMap(mlir, a.shape, result, true, bVector), matmulMap(mlir, b.shape, result, false, aVector)};
  Value sums = ctx.reduce(result, accumulator, 0, 1, {a.value, b.value}, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value x = toAccumulator(ctx, s, in[0], a.element, accumulator);
    Value y = toAccumulator(ctx, s, in[1], b.element, accumulator);
    return s.add(in[2], s.mul(x, y));
  });
  return {sums, SymShape(result), accumulator};
}

namespace {

// Splits dim `dim` of a shape into [group, size / group].
SymShape splitGroups(SizeSymbols &symbols, ArrayRef<AffineExpr> shape, unsigned dim, int64_t group) {
  SymShape split(shape);
  split[dim] = symbols.floorDiv(shape[dim], symbols.constant(group));
  split.insert(split.begin() + dim, symbols.constant(group));
  return split;
}

// Which loops and operand indices a convolution has besides the spatial ones.
struct ConvForm {
  SmallVector<AffineExpr> x, w; // leading indices in loop dims
  SymShape result;              // leading parallel sizes
  unsigned channelLoops;        // reduction loops before the window's
};

} // namespace

Sized laic::convolve(LowerContext &ctx, Sized x, Sized w, ArrayRef<Window> windows, int64_t group, Type accumulator) {
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = windows.size();
  SymShape flat = {x.shape[0], w.shape[0]};
  bool depthwise = group > 1 && constantSize(w.shape[1]) == 1 && constantSize(w.shape[0]) == group;
  ConvForm form;
  auto dim = [&](unsigned i) { return getAffineDimExpr(i, mlir); };
  if (depthwise) {
    SymShape squeezed(w.shape);
    squeezed.erase(squeezed.begin() + 1);
    w = {ctx.reshape(w.value, w.shape, squeezed), squeezed, w.element};
    form = {{dim(0), dim(1)}, {dim(1)}, flat, 0};
  } else if (group > 1) {
    SymShape xSplit = splitGroups(ctx.symbols, x.shape, 1, group), wSplit = splitGroups(ctx.symbols, w.shape, 0, group);
    x = {ctx.reshape(x.value, x.shape, xSplit), xSplit, x.element};
    w = {ctx.reshape(w.value, w.shape, wSplit), wSplit, w.element};
    AffineExpr c = dim(3 + rank);
    form = {{dim(0), dim(1), c}, {dim(1), dim(2), c}, {x.shape[0], ctx.cst(group), w.shape[1]}, 1};
  } else {
    AffineExpr c = dim(2 + rank);
    form = {{dim(0), c}, {dim(1), c}, flat, 1};
  }

  unsigned out = form.result.size(), kernel = out + rank + form.channelLoops;
  SymShape shape = form.result;
  for (auto [i, window] : llvm::enumerate(windows)) {
    shape.push_back(window.out);
    flat.push_back(window.out);
    form.x.push_back(dim(out + i) * window.stride + dim(kernel + i) * window.dilation);
    form.w.push_back(dim(kernel + i));
  }
  AffineMap maps[] = {AffineMap::get(kernel + rank, 0, form.x, mlir), AffineMap::get(kernel + rank, 0, form.w, mlir)};
  Value sums =
      ctx.reduce(shape, accumulator, 0, form.channelLoops + rank, {x.value, w.value}, maps, [&](ScalarBuilder &s, ValueRange in) {
        Value a = toAccumulator(ctx, s, in[0], x.element, accumulator);
        Value b = toAccumulator(ctx, s, in[1], w.element, accumulator);
        return s.add(in[2], s.mul(a, b));
      });
  if (shape.size() != flat.size())
    sums = ctx.reshape(sums, shape, flat);
  return {sums, flat, accumulator};
}

Value laic::finishSums(LowerContext &ctx, Sized sums, std::optional<Sized> bias, Type element) {
  if (!bias && sums.value.getType() == ctx.type(sums.shape, element))
    return sums.value;
  MLIRContext *mlir = ctx.b.getContext();
  unsigned rank = sums.shape.size();
  SmallVector<Value> inputs = {sums.value};
  SmallVector<AffineMap> maps = {AffineMap::getMultiDimIdentityMap(rank, mlir)};
  if (bias) {
    inputs.push_back(bias->value);
    maps.push_back(AffineMap::get(rank, 0, {getAffineDimExpr(1, mlir)}, mlir));
  }
  return ctx.generic(sums.shape, element, inputs, maps, [&](ScalarBuilder &s, ValueRange in) {
    Value y = in[0];
    if (bias)
      y = s.add(y, toAccumulator(ctx, s, in[1], bias->element, sums.element));
    return ctx.toStorage(s, y, element);
  });
}
