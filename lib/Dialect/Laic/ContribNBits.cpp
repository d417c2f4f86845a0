// MatMulNBits and GatherBlockQuantized: tables of 2, 4 and 8 bits with one scale per block.
#include "PackedReader.h"
#include "Products.h"
#include "ShapeChecks.h"
#include "laic/Dialect/Laic/BlocksOps.h"
#include "laic/Dialect/Laic/ContribLinearOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"

using namespace mlir;
using namespace laic;

using V = Value;

namespace {

constexpr int64_t kByte = 8;
constexpr uint64_t kAccuracyOfBytes = 4; // accuracy_level: A may be rounded to int8

LogicalResult checkPacking(ShapeContext &ctx, int64_t bits, int64_t blockSize) {
  if (bits != 2 && bits != 4 && bits != 8)
    return ctx.fail("expects 'bits' to be 2, 4 or 8, got " + Twine(bits));
  if (blockSize < 16 || !llvm::isPowerOf2_64(blockSize))
    return ctx.fail("expects 'block_size' to be a power of two of at least 16, got " + Twine(blockSize));
  return success();
}

LogicalResult expectBytes(ShapeContext &ctx, unsigned i, StringRef name) {
  if (ctx.element(i).isUnsignedInteger(8))
    return success();
  return ctx.fail("expects " + name + " to have element type u8, got " + elementTypeName(ctx.element(i)));
}

} // namespace

//===-- MatMulNBits ---------------------------------------------------------------------------------------------===//

namespace {
enum Operand : unsigned { A, B, Scales, ZeroPoints, Groups, Bias };

AffineExpr elements(ShapeContext &ctx, unsigned i) { return ctx.product(ctx.shape(i)); }
} // namespace

LogicalResult MatMulNBitsOp::inferShapes(ShapeContext &ctx) {
  int64_t n = getN(), k = getK(), bits = getBits(), blockSize = getBlockSize();
  if (failed(checkPacking(ctx, bits, blockSize)) || failed(expectMinRank(ctx, A, 1, "A")) || failed(expectBytes(ctx, B, "B")))
    return failure();
  if (n < 1 || k < 1)
    return ctx.fail("expects 'N' and 'K' to be at least 1, got " + Twine(n) + " and " + Twine(k));
  if (getWeightPrepacked() != 0)
    return ctx.fail("does not support weight_prepacked, whose layout is one device's");
  int64_t blocks = llvm::divideCeil(k, blockSize), zeroBytes = llvm::divideCeil(blocks * bits, kByte);
  if (failed(expectSize(ctx, ctx.shape(A).back(), ctx.cst(k), "the last dim of A", "K")) ||
      failed(
          expectSize(ctx, elements(ctx, B), ctx.cst(n * blocks * blockSize * bits / kByte), "the size of B", "N blocks of K")) ||
      failed(expectSize(ctx, elements(ctx, Scales), ctx.cst(n * blocks), "the size of scales", "N blocks")))
    return failure();
  if (ctx.has(ZeroPoints)) {
    bool isPacked = ctx.element(ZeroPoints).isUnsignedInteger(8);
    if (!isPacked && !isa<FloatType>(ctx.element(ZeroPoints)))
      return ctx.fail("expects zero_points to have element type u8 or a float type, got " +
                      elementTypeName(ctx.element(ZeroPoints)));
    if (failed(expectSize(ctx, elements(ctx, ZeroPoints), ctx.cst(n * (isPacked ? zeroBytes : blocks)), "the size of zero_points",
                          "N blocks")))
      return failure();
  }
  // A padded block's indices may stand behind K.
  if (ctx.has(Groups) && failed(ctx.atLeast(elements(ctx, Groups), ctx.cst(k), "g_idx must have an entry for each row",
                                            "expects g_idx to have at least " + Twine(k) + " entries")))
    return failure();
  if (ctx.has(Bias) && failed(expectVector(ctx, Bias, ctx.cst(n), "the bias", "N")))
    return failure();
  SymShape result(ctx.shape(A));
  result.back() = ctx.cst(n);
  ctx.set(0, result, ctx.element(A));
  return success();
}

namespace {

// The weights [N, K] in the type of A.
V unpackedWeights(LowerContext &ctx, MatMulNBitsOp op) {
  int64_t n = op.getN(), k = op.getK(), bits = op.getBits(), blockSize = op.getBlockSize();
  int64_t blocks = llvm::divideCeil(k, blockSize);
  auto matrix = [&](unsigned i, int64_t columns) {
    return ctx.reshape(ctx.operand(i), ctx.shape(i), {ctx.cst(n), ctx.cst(columns)});
  };
  V packed = matrix(B, blocks * blockSize * bits / kByte), scales = matrix(Scales, blocks), zeros;
  bool isPacked = ctx.has(ZeroPoints) && ctx.element(ZeroPoints).isUnsignedInteger(8);
  if (ctx.has(ZeroPoints))
    zeros = matrix(ZeroPoints, isPacked ? llvm::divideCeil(blocks * bits, kByte) : blocks);
  Type element = ctx.element(A), f32 = ctx.b.getF32Type();
  bool plain = element.isF32() && ctx.element(Scales).isF32() && (!zeros || isPacked) && !ctx.has(Groups) && k % blockSize == 0;
  if (plain)
    return UnpackBlocksOp::create(ctx.b, op.getLoc(), RankedTensorType::get({n, k}, element), packed, scales, zeros, bits,
                                  blockSize, op.getAccuracyLevel() == kAccuracyOfBytes);
  return ctx.gather({ctx.cst(n), ctx.cst(k)}, element, [&](ScalarBuilder &s, ValueRange at) -> V {
    PackedReader reader(bits, s.b, s.loc);
    const IndexBuilder &ib = reader.ib;
    V row = at[0], block = ib.div(at[1], ib.cst(blockSize));
    if (ctx.has(Groups))
      block = ib.checked(tensor::ExtractOp::create(s.b, s.loc, ctx.operand(Groups), at[1]), ib.cst(blocks));
    V value = reader.toF32(reader.read(packed, row, at[1]));
    V zero = reader.toF32(reader.middle());
    if (isPacked)
      zero = reader.toF32(reader.read(zeros, row, block));
    else if (zeros)
      zero = toAccumulator(ctx, s, tensor::ExtractOp::create(s.b, s.loc, zeros, ValueRange{row, block}), ctx.element(ZeroPoints),
                           f32);
    V scale =
        toAccumulator(ctx, s, tensor::ExtractOp::create(s.b, s.loc, scales, ValueRange{row, block}), ctx.element(Scales), f32);
    return ctx.toStorage(s, s.mul(s.sub(value, zero), scale), element);
  });
}

} // namespace

LogicalResult MatMulNBitsOp::lower(LowerContext &ctx) {
  MLIRContext *mlir = getContext();
  Type element = ctx.element(A), f32 = ctx.b.getF32Type();
  ArrayRef<AffineExpr> shape = ctx.shape(A);
  AffineExpr rows = ctx.cst(1);
  for (AffineExpr size : shape.drop_back())
    rows = ctx.symbols.mul(rows, size);
  SymShape result = {rows, ctx.cst(getN())};
  V a = ctx.reshape(ctx.operand(A), shape, {rows, shape.back()});
  AffineExpr m = getAffineDimExpr(0, mlir), n = getAffineDimExpr(1, mlir), k = getAffineDimExpr(2, mlir);
  V sums =
      ctx.reduce(result, f32, 0, 1, {a, unpackedWeights(ctx, *this)},
                 {AffineMap::get(3, 0, {m, k}, mlir), AffineMap::get(3, 0, {n, k}, mlir)}, [&](ScalarBuilder &s, ValueRange in) {
                   V x = toAccumulator(ctx, s, in[0], element, f32), y = toAccumulator(ctx, s, in[1], element, f32);
                   return s.add(in[2], s.mul(x, y));
                 });
  std::optional<Sized> bias = ctx.has(Bias) ? std::optional<Sized>(sizedOperand(ctx, Bias)) : std::nullopt;
  ctx.set(0, ctx.reshape(finishSums(ctx, {sums, result, f32}, bias, element), result, ctx.resultShape()));
  return success();
}

//===-- GatherBlockQuantized ------------------------------------------------------------------------------------===//

namespace {
enum TableOperand : unsigned { Table, Indices, TableScales, TableZeros };

int64_t positive(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }
} // namespace

LogicalResult GatherBlockQuantizedOp::inferShapes(ShapeContext &ctx) {
  int64_t bits = getBits(), blockSize = getBlockSize(), rank = ctx.rank(Table);
  FailureOr<int64_t> gather = ctx.axis(static_cast<int64_t>(getGatherAxis()), rank);
  FailureOr<int64_t> blocked = ctx.axis(static_cast<int64_t>(getQuantizeAxis()), rank);
  if (failed(checkPacking(ctx, bits, blockSize)) || failed(gather) || failed(blocked) ||
      failed(expectRank(ctx, TableScales, rank, "scales")))
    return failure();
  if (*blocked != rank - 1 || *gather == rank - 1)
    return ctx.fail("expects quantize_axis to be the last dim, and gather_axis another one");
  if (!isa<IntegerType>(ctx.element(Indices)))
    return ctx.fail("expects integers in 'indices'");
  SymShape table(ctx.shape(Table));
  table.back() = canonicalSize(table.back() * (kByte / bits));
  auto blocks = [&](AffineExpr size, int64_t by) { return ctx.symbols.floorDiv(canonicalSize(size + (by - 1)), ctx.cst(by)); };
  SymShape scales(table);
  scales.back() = blocks(table.back(), blockSize);
  SymShape zeros(scales);
  zeros.back() = blocks(canonicalSize(scales.back() * bits), kByte);
  for (int64_t dim = 0; dim < rank; ++dim)
    if (failed(
            expectSize(ctx, ctx.shape(TableScales)[dim], scales[dim], "dim " + Twine(dim) + " of scales", "blocks of the data")))
      return failure();
  if (ctx.has(TableZeros)) {
    if (failed(expectRank(ctx, TableZeros, rank, "zero_points")) || failed(expectBytes(ctx, TableZeros, "zero_points")))
      return failure();
    for (int64_t dim = 0; dim < rank; ++dim)
      if (failed(expectSize(ctx, ctx.shape(TableZeros)[dim], zeros[dim], "dim " + Twine(dim) + " of zero_points",
                            "packed, as scales")))
        return failure();
  }
  SymShape result(ArrayRef(table).take_front(*gather));
  llvm::append_range(result, ctx.shape(Indices));
  llvm::append_range(result, ArrayRef(table).drop_front(*gather + 1));
  ctx.set(0, result, ctx.element(TableScales));
  return success();
}

LogicalResult GatherBlockQuantizedOp::lower(LowerContext &ctx) {
  int64_t rank = ctx.rank(Table), axis = positive(getGatherAxis(), rank), inner = ctx.rank(Indices);
  Type element = ctx.resultElement(), f32 = ctx.b.getF32Type();
  V bound = ctx.size(ctx.shape(Table)[axis]);
  ctx.set(0, ctx.gather(ctx.resultShape(), element, [&](ScalarBuilder &s, ValueRange at) -> V {
    PackedReader reader(getBits(), s.b, s.loc);
    const IndexBuilder &ib = reader.ib;
    SmallVector<V> from(at.take_front(axis));
    V raw = tensor::ExtractOp::create(s.b, s.loc, ctx.operand(Indices), at.slice(axis, inner));
    from.push_back(ib.checked(raw, bound, isUnsignedElement(ctx.element(Indices))));
    llvm::append_range(from, at.drop_front(axis + inner));
    V place = from.pop_back_val(), block = ib.div(place, ib.cst(getBlockSize()));
    V value = reader.read(ctx.operand(Table), from, place);
    V zero = ctx.has(TableZeros) ? reader.read(ctx.operand(TableZeros), from, block) : reader.middle();
    from.push_back(block);
    V scale = toAccumulator(ctx, s, tensor::ExtractOp::create(s.b, s.loc, ctx.operand(TableScales), from), element, f32);
    return ctx.toStorage(s, s.mul(reader.toF32(arith::SubIOp::create(s.b, s.loc, value, zero)), scale), element);
  }));
  return success();
}
