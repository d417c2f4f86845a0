// DynamicQuantizeLSTM and NhwcMaxPool of com.microsoft, decomposed into the layers of the standard.
#include "Decomposer.h"
#include "Quantized.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/ContribQuantizedOps.h"
#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/RecurrentOps.h"

using namespace mlir;
using namespace laic;

using V = Value;

//===-- DynamicQuantizeLSTM -------------------------------------------------------------------------------------===//

namespace {

enum Operand : unsigned { X, W, R, Bias, Lengths, InitialH, InitialC, Peephole, WScale, WZero, RScale, RZero };

constexpr int64_t kGates = 4;

LogicalResult checkScales(ShapeContext &ctx, unsigned i, ArrayRef<AffineExpr> weights, StringRef name) {
  ArrayRef<AffineExpr> shape = ctx.shape(i);
  bool isPerDirection = shape.size() == 1 && shape[0] == weights[0];
  bool isPerColumn = shape.size() == 2 && shape[0] == weights[0] && shape[1] == weights[2];
  if (isPerDirection || isPerColumn)
    return success();
  return ctx.fail("expects " + name + " to have one number for each direction, or one for each column");
}

// The weights in floats, laid out as LSTM's.
V dequantized(const Decomposer &d, V weights, V scale, V zero) {
  auto spread = [&](V x) {
    bool isPerColumn = cast<RankedTensorType>(x.getType()).getRank() == 2;
    return d.unsqueeze(x, isPerColumn ? ArrayRef<int64_t>{1} : ArrayRef<int64_t>{1, 2});
  };
  V number = d.sub(d.cast(weights, d.f32()), d.cast(spread(zero), d.f32()));
  return d.transpose(d.mul(number, spread(scale)), {0, 2, 1});
}

} // namespace

LogicalResult DynamicQuantizeLSTMOp::inferShapes(ShapeContext &ctx) {
  if (ctx.rank(X) != 3 || ctx.rank(W) != 3 || ctx.rank(R) != 3)
    return ctx.fail("expects X, W and R to have rank 3");
  if (failed(expectByte(ctx, W, "W")) || failed(expectByte(ctx, R, "R")))
    return failure();
  ArrayRef<AffineExpr> x = ctx.shape(X), w = ctx.shape(W), r = ctx.shape(R);
  AffineExpr hidden = r[1], directions = ctx.cst(getDirection() == "bidirectional" ? 2 : 1);
  if (!constantSize(hidden))
    return ctx.fail("needs dim 1 of R (the hidden size) to be known when compiling");
  SymShape wantW = {directions, x[2], canonicalSize(hidden * kGates)}, wantR = {directions, hidden, wantW[2]};
  for (unsigned dim = 0; dim < 3; ++dim)
    if (failed(expectSize(ctx, w[dim], wantW[dim], "dim " + Twine(dim) + " of W", "inputs and gates")) ||
        failed(expectSize(ctx, r[dim], wantR[dim], "dim " + Twine(dim) + " of R", "inputs and gates")))
      return failure();
  if (failed(checkScales(ctx, WScale, w, "W_scale")) || failed(checkScales(ctx, WZero, w, "W_zero_point")) ||
      failed(checkScales(ctx, RScale, r, "R_scale")) || failed(checkScales(ctx, RZero, r, "R_zero_point")))
    return failure();
  ctx.set(0, {x[0], directions, x[1], hidden}, ctx.element(X));
  for (unsigned i : {1, 2})
    ctx.set(i, {directions, x[1], hidden}, ctx.element(X));
  return success();
}

LogicalResult DynamicQuantizeLSTMOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  V w = dequantized(d, getW(), getWScale(), getWZeroPoint()), r = dequantized(d, getR(), getRScale(), getRZeroPoint());
  rewriter.replaceOpWithNewOp<LSTMOp>(*this, getResultTypes(), getX(), w, r, getB(), getSequenceLens(), getInitialH(),
                                      getInitialC(), getP(), getActivationAlphaAttr(), getActivationBetaAttr(),
                                      getActivationsAttr(), getClipAttr(), getDirectionAttr(), getHiddenSizeAttr(),
                                      getInputForgetAttr(), rewriter.getI64IntegerAttr(0));
  return success();
}

//===-- NhwcMaxPool ---------------------------------------------------------------------------------------------===//

LogicalResult NhwcMaxPoolOp::inferShapes(ShapeContext &ctx) {
  if (failed(expectMinRank(ctx, 0, 3, "the input")))
    return failure();
  WindowAttributes attributes = {getAutoPad(), getStrides(), getDilations(), getPads(), getKernelShape(), getCeilMode() != 0};
  ArrayRef<AffineExpr> x = ctx.shape(0);
  auto windows = makeWindows(ctx.symbols, x.drop_front().drop_back(), kernelSizes(ctx.symbols, getKernelShape()), attributes,
                             [&](const Twine &message) { return ctx.fail(message); });
  if (failed(windows))
    return failure();
  SymShape result = {x[0]};
  for (const Window &window : *windows)
    result.push_back(window.out);
  result.push_back(x.back());
  ctx.set(0, result, ctx.element(0));
  return success();
}

LogicalResult NhwcMaxPoolOp::decompose(RewriterBase &rewriter) {
  Decomposer d(rewriter, *this);
  int64_t rank = cast<RankedTensorType>(getX().getType()).getRank();
  SmallVector<int64_t> first = {0, rank - 1}, last = {0};
  for (int64_t i = 1; i + 1 < rank; ++i)
    first.push_back(i);
  for (int64_t i = 2; i < rank; ++i)
    last.push_back(i);
  last.push_back(1);
  Type any = UnrankedTensorType::get(Decomposer::elementOf(getX())), index = UnrankedTensorType::get(d.i64());
  auto pool = MaxPoolOp::create(rewriter, getLoc(), TypeRange{any, index}, d.transpose(getX(), first), getAutoPadAttr(),
                                getCeilModeAttr(), getDilationsAttr(), getKernelShapeAttr(), getPadsAttr(),
                                rewriter.getI64IntegerAttr(0), getStridesAttr());
  d.replace(d.transpose(pool->getResult(0), last));
  return success();
}
