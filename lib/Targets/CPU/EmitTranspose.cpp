// linalg.transpose: rows that stay dense are copied; otherwise square blocks are transposed in registers.
#include "KernelEmitter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

// Transposes n vectors of n lanes by log2(n) stages that exchange halves of ever smaller groups.
SmallVector<Value> KernelEmitter::transposeInRegisters(SmallVector<Value> rows) {
  int64_t n = rows.size();
  for (int64_t half = n / 2; half >= 1; half /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < n; ++i) {
      bool second = (i / half) % 2;
      low.push_back(second ? n + i - half : i);
      high.push_back(second ? n + i : i + half);
    }
    SmallVector<Value> next(rows);
    for (int64_t i = 0; i < n; ++i) {
      if ((i / half) % 2)
        continue;
      next[i] = vector::ShuffleOp::create(b, loc, rows[i], rows[i + half], low);
      next[i + half] = vector::ShuffleOp::create(b, loc, rows[i], rows[i + half], high);
    }
    rows = next;
  }
  return rows;
}

LogicalResult KernelEmitter::emitTranspose(linalg::TransposeOp op) {
  FailureOr<Buffer> source = bufferOf(op.getInput());
  Buffer result = resultBuffer(op->getResult(0));
  if (failed(source))
    return fail("linalg.transpose reads something that is no argument");
  SmallVector<Size> sizes;
  int64_t rank = op.getPermutation().size();
  FailureOr<Access> access = accessOfResult(op->getOpResult(0), AffineMap::getMultiDimIdentityMap(rank, context), rank);
  if (failed(access) || failed(fillBorder(op)))
    return failure();
  Access dst = *access, src;
  src.buffer = *source;
  for (auto [d, from] : llvm::enumerate(op.getPermutation())) {
    unify(result.sizes[d], source->sizes[from]);
    sizes.push_back(canonical(result.sizes[d].isStatic() ? result.sizes[d] : source->sizes[from]));
    src.coefficients.push_back(source->stride(from));
  }
  // Drop unit dims, join dims that stay neighbours.
  auto erase = [&](unsigned d) {
    sizes.erase(sizes.begin() + d);
    dst.coefficients.erase(dst.coefficients.begin() + d);
    src.coefficients.erase(src.coefficients.begin() + d);
  };
  for (unsigned d = sizes.size(); d-- > 0;)
    if (sizes[d].is(1))
      erase(d);
  auto same = [&](const Linear &outer, const Linear &inner, const Size &size) {
    return outer.size() == 1 && inner.size() == 1 && canonical(outer[0]) == canonical(inner[0] * size);
  };
  for (unsigned d = sizes.size(); d-- > 1;)
    if (same(src.coefficients[d - 1], src.coefficients[d], sizes[d]) &&
        same(dst.coefficients[d - 1], dst.coefficients[d], sizes[d])) {
      Size merged = sizes[d - 1] * sizes[d];
      erase(d - 1);
      sizes[d - 1] = merged;
    }
  int row = -1, column = int(sizes.size()) - 1; // `row` is dense in the source, `column` in the result
  for (auto [d, coefficient] : llvm::enumerate(src.coefficients))
    if (isOne(coefficient))
      row = d;
  if (row < 0 || row == column || sizes.size() < 2 ||
      !isOne(dst.coefficients[column])) { // padded unit dims may be behind `column`
    emitCopy(sizes, dst, src);
    return success();
  }
  int64_t bytes = std::max<int64_t>(1, result.element.getIntOrFloatBitWidth() / 8);
  int64_t n = std::min<int64_t>(16, level.vectorBytes / bytes);
  for (int d : {row, column})
    while (sizes[d].isStatic() && n > 1 && sizes[d].factor < n)
      n /= 2;
  SmallVector<unsigned> order;
  for (unsigned d = 0; d < sizes.size(); ++d)
    if (int(d) != row && int(d) != column)
      order.push_back(d);
  order.push_back(row);
  order.push_back(column);
  SmallVector<TileDim> dims = planTiles(llvm::map_to_vector(order, [&](unsigned d) { return sizes[d]; }), 2, 64);
  dims[dims.size() - 2].block = std::max<int64_t>(dims[dims.size() - 2].block, 64);
  SmallVector<Value> ivs(sizes.size());
  auto single = [&] { store(load(src.buffer, address(src, ivs)), dst.buffer, address(dst, ivs)); };
  auto block = [&] {
    SmallVector<Value> rows;
    Value from = address(src, ivs), to = address(dst, ivs);
    Value fromStep = value(src.coefficients[column]), toStep = value(dst.coefficients[row]);
    for (int64_t i = 0; i < n; ++i)
      rows.push_back(loadVector(src.buffer, add(from, mul(fromStep, i)), n));
    rows = transposeInRegisters(rows);
    for (int64_t i = 0; i < n; ++i)
      storeVector(rows[i], dst.buffer, add(to, mul(toStep, i)));
  };
  auto plane = [&](Value rowLo, Value rowHi, Value columnLo, Value columnHi) {
    Value rowStop = add(rowLo, mul(floorDiv(sub(rowHi, rowLo), n), n));
    Value columnStop = add(columnLo, mul(floorDiv(sub(columnHi, columnLo), n), n));
    // `together` steps along the rows before the next one along the columns.
    auto over = [&](Value r0, Value r1, Value c0, Value c1, int64_t step, int64_t together, function_ref<void()> body) {
      loop(r0, r1, step * together, [&](Value r) {
        loop(c0, c1, step, [&](Value c) {
          ivs[column] = c;
          for (int64_t i = 0; i < together; ++i) {
            ivs[row] = add(r, i * step);
            body();
          }
        });
      });
    };
    if (n > 1) {
      // Whole lines of the source: columns far apart may share few places in the cache, and would drive halves of lines out.
      constexpr int64_t kLine = 64;
      int64_t lines = std::max<int64_t>(1, kLine / (n * bytes));
      Value wholeLines = add(rowLo, mul(floorDiv(sub(rowHi, rowLo), n * lines), n * lines));
      over(rowLo, wholeLines, columnLo, columnStop, n, lines, block);
      if (lines > 1)
        over(wholeLines, rowStop, columnLo, columnStop, n, 1, block);
    } else {
      rowStop = rowLo;
    }
    over(rowLo, rowStop, columnStop, columnHi, 1, 1, single);
    over(rowStop, rowHi, columnLo, columnHi, 1, 1, single);
  };
  tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    std::function<void(unsigned)> nest = [&](unsigned at) {
      if (at + 2 == order.size())
        return plane(lo[at], hi[at], lo[at + 1], hi[at + 1]);
      loop(lo[at], hi[at], 1, [&](Value iv) {
        ivs[order[at]] = iv;
        nest(at + 1);
      });
    };
    nest(0);
  });
  return success();
}
