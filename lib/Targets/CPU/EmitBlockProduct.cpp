// laic.block_product: integers of few bits become f32 in registers, next to the multiplication.
//
//   for panels of 32 columns:  for row tiles:
//     for blocks:  sum = 0;  for bytes of the block:  sum[r][w] += broadcast(A[r, k]) * (q[k, w] - z[w]);  C += sum * scale[w]
//
// One row (a decoder's step) is bound by reading the integers: it takes a whole panel at once, in the order of memory. Several rows
// share what was unpacked.
#include "KernelEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace laic::cpu {

class BlockProductEmitter {
public:
  BlockProductEmitter(KernelEmitter &e, BlockProductOp op) : e(e), op(op), bits(op.getBits()) {}
  LogicalResult run();

private:
  static constexpr int64_t kPanel = 32;

  LogicalResult gather();
  void panel(Value number, int64_t columns);
  void tile(int64_t count, Value row, Value number, int64_t offset, int64_t width, int64_t columns);
  SmallVector<Value> block(int64_t count, Value row, Value number, int64_t offset, Value at, ArrayRef<Value> zeros);
  Value unpack(Value bytes, int64_t part);
  Value toFloat(Value integers);
  Value multiplyAdd(Value x, Value y, Value sum);
  void store(ArrayRef<Value> sums, int64_t count, Value row, Value column, int64_t columns);
  /// The position in a tensor [panel][at][32].
  Value placeOf(const Buffer &buffer, Value number, Value at, int64_t offset);

  KernelEmitter &e;
  BlockProductOp op;
  int64_t bits;
  Buffer a, packed, scales, zeros, c;
  Size m;
  int64_t n = 0, k = 0, blocks = 0, blockBytes = 0, lanes = 0, vectors = 0;
};

} // namespace laic::cpu

LogicalResult BlockProductEmitter::gather() {
  auto read = [&](Value tensor, Buffer &buffer) {
    FailureOr<Buffer> found = e.bufferOf(tensor);
    if (succeeded(found))
      buffer = *found;
    return succeeded(found);
  };
  c = e.resultBuffer(cast<OpResult>(op.getC()));
  if (!read(op.getA(), a) || !read(op.getPacked(), packed) || !read(op.getScales(), scales) ||
      (op.getZeros() && !read(op.getZeros(), zeros)) || !c.memref)
    return e.fail("an operand is neither an argument nor a constant");
  m = e.canonical(c.sizes[0]);
  n = cast<RankedTensorType>(op.getC().getType()).getDimSize(1);
  k = cast<RankedTensorType>(op.getA().getType()).getDimSize(1);
  blocks = k / int64_t(op.getBlockSize());
  blockBytes = int64_t(op.getBlockSize()) * bits / 8;
  lanes = e.level.vectorBytes / 4;
  vectors = kPanel / lanes;
  return success();
}

Value BlockProductEmitter::placeOf(const Buffer &buffer, Value number, Value at, int64_t offset) {
  int64_t rows = buffer.sizes[1].factor;
  return e.add(e.mul(e.add(e.mul(number, rows), at), kPanel), offset);
}

Value BlockProductEmitter::toFloat(Value integers) {
  auto type = VectorType::get(lanes, e.b.getF32Type());
  return arith::SIToFPOp::create(e.b, e.loc, type, integers);
}

// The integers of one k for neighbouring columns, from bytes that were extended to i32.
Value BlockProductEmitter::unpack(Value bytes, int64_t part) {
  auto constant = [&](int32_t value) {
    return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(cast<VectorType>(bytes.getType()), value));
  };
  bool isLast = (part + 1) * bits == 8;
  if (part)
    bytes = arith::ShRUIOp::create(e.b, e.loc, bytes, constant(part * bits));
  return isLast ? bytes : arith::AndIOp::create(e.b, e.loc, bytes, constant((1 << bits) - 1)).getResult();
}

Value BlockProductEmitter::multiplyAdd(Value x, Value y, Value sum) {
  if (e.level.fma)
    return vector::FMAOp::create(e.b, e.loc, x, y, sum);
  return arith::AddFOp::create(e.b, e.loc, sum, arith::MulFOp::create(e.b, e.loc, x, y));
}

// The unscaled sums of one block: [row][vector].
SmallVector<Value> BlockProductEmitter::block(int64_t count, Value row, Value number, int64_t offset, Value at,
                                              ArrayRef<Value> zeros) {
  int64_t width = zeros.size(), perByte = 8 / bits;
  Type f32 = e.b.getF32Type(), i32 = e.b.getI32Type();
  SmallVector<Value> sums(count * width, e.zero(VectorType::get(lanes, f32)));
  constexpr int64_t kUnroll = 4;
  Value first = e.mul(at, blockBytes);
  return e.loop(e.index(0), e.index(blockBytes), kUnroll, sums, [&](Value byte, ValueRange carried) {
    SmallVector<Value> now = llvm::to_vector(carried);
    for (int64_t u = 0; u < kUnroll; ++u) {
      Value place = e.add(e.add(first, byte), u);
      SmallVector<Value> bytes;
      for (int64_t w = 0; w < width; ++w) {
        Value loaded = e.loadVector(packed, placeOf(packed, number, place, offset + w * lanes), lanes);
        bytes.push_back(arith::ExtUIOp::create(e.b, e.loc, VectorType::get(lanes, i32), loaded));
      }
      for (int64_t part = 0; part < perByte; ++part) {
        SmallVector<Value> weights;
        for (int64_t w = 0; w < width; ++w)
          weights.push_back(arith::SubFOp::create(e.b, e.loc, toFloat(unpack(bytes[w], part)), zeros[w]));
        for (int64_t r = 0; r < count; ++r) {
          Value from = e.add(e.mul(e.add(row, r), k), e.add(e.mul(place, perByte), part));
          Value left = e.splat(e.load(a, from), lanes);
          for (int64_t w = 0; w < width; ++w)
            now[r * width + w] = multiplyAdd(left, weights[w], now[r * width + w]);
        }
      }
    }
    return now;
  });
}

void BlockProductEmitter::tile(int64_t count, Value row, Value number, int64_t offset, int64_t width, int64_t columns) {
  Type f32 = e.b.getF32Type();
  auto type = VectorType::get(lanes, f32);
  SmallVector<Value> sums(count * width, e.zero(type));
  Value middle = e.splat(arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(1 << (bits - 1))), lanes);
  sums = e.loop(e.index(0), e.index(blocks), 1, sums, [&](Value at, ValueRange carried) {
    SmallVector<Value> centres(width, middle);
    for (int64_t w = 0; op.getZeros() && w < width; ++w) {
      Value loaded = e.loadVector(zeros, placeOf(zeros, number, at, offset + w * lanes), lanes);
      centres[w] = toFloat(arith::ExtUIOp::create(e.b, e.loc, VectorType::get(lanes, e.b.getI32Type()), loaded));
    }
    SmallVector<Value> inner = block(count, row, number, offset, at, centres), now;
    for (int64_t w = 0; w < width; ++w) {
      Value scale = e.loadVector(scales, placeOf(scales, number, at, offset + w * lanes), lanes);
      for (int64_t r = 0; r < count; ++r)
        inner[r * width + w] = multiplyAdd(inner[r * width + w], scale, carried[r * width + w]);
    }
    return inner;
  });
  store(sums, count, row, e.add(e.mul(number, kPanel), offset), columns - offset);
}

void BlockProductEmitter::store(ArrayRef<Value> sums, int64_t count, Value row, Value column, int64_t columns) {
  int64_t width = sums.size() / count;
  for (int64_t r = 0; r < count; ++r)
    for (int64_t w = 0; w < width; ++w) {
      int64_t left = columns - w * lanes;
      Value at = e.add(e.add(e.mul(e.add(row, r), n), column), w * lanes), sum = sums[r * width + w];
      if (left >= lanes)
        e.storeVector(sum, c, at);
      else if (left > 0 && e.level.masks)
        e.storeVector(sum, c, at, e.maskOf(e.index(left), lanes));
      else
        for (int64_t lane = 0; lane < left; ++lane)
          e.store(vector::ExtractOp::create(e.b, e.loc, sum, lane), c, e.add(at, lane));
    }
}

void BlockProductEmitter::panel(Value number, int64_t columns) {
  // Tiles of several rows are narrow, so that their sums stay in registers.
  int64_t most = e.level.registers == 32 ? 8 : e.level.fma ? 4 : 2, width = std::min<int64_t>(vectors, 2);
  Value rows = e.value(m), done = e.index(0);
  auto narrow = [&](int64_t count, Value row) {
    for (int64_t offset = 0; offset < columns; offset += width * lanes)
      tile(count, row, number, offset, width, columns);
  };
  if (!m.isStatic() || m.factor >= most) {
    done = e.mul(e.floorDiv(rows, most), most);
    e.loop(e.index(0), done, most, [&](Value row) { narrow(most, row); });
  }
  e.loop(done, rows, 1, [&](Value row) { tile(1, row, number, 0, vectors, columns); });
}

LogicalResult BlockProductEmitter::run() {
  if (failed(gather()))
    return failure();
  constexpr int64_t kWork = 1 << 18; // multiply-adds of a tile, for each row
  int64_t panels = llvm::divideCeil(n, kPanel), rest = n % kPanel;
  TileDim dim{Size(panels), std::max<int64_t>(1, kWork / (k * kPanel))};
  e.tiles(dim, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    Value full = rest ? e.minimum(hi[0], e.index(panels - 1)) : hi[0];
    e.loop(lo[0], full, 1, [&](Value number) { panel(number, kPanel); });
    if (rest)
      e.when(e.less(full, hi[0]), [&] { panel(e.index(panels - 1), rest); });
  });
  return success();
}

LogicalResult KernelEmitter::emitBlockProduct(BlockProductOp op) { return BlockProductEmitter(*this, op).run(); }
