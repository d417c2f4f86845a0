// laic.pack_panels: blocks are transposed in registers where the source is dense along the reduction, copied where it is dense along
// the columns, and moved element by element at a ragged end.
#include "KernelEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

LogicalResult KernelEmitter::emitPackPanels(PackPanelsOp op) {
  FailureOr<Buffer> source = bufferOf(op.getSource());
  Buffer result = resultBuffer(cast<OpResult>(op.getResult()));
  if (failed(source) || !result.memref)
    return fail("an operand is neither an argument nor a constant");
  AffineMap map = op.getMap();
  unsigned batch = op.getBatch(), loops = map.getNumDims();
  SmallVector<Size> sizes(loops, Size(1));
  SmallVector<Linear> from(loops), to(loops);
  for (auto [i, index] : llvm::enumerate(map.getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(index)) {
      sizes[dim.getPosition()] = canonical(source->sizes[i]);
      from[dim.getPosition()] = source->stride(i);
    }
  for (unsigned d = 0; d < loops; ++d)
    to[d] = result.stride(d); // of n: a panel
  Value columns = value(sizes[batch]), panelFrom = mul(value(from[batch]), kPanel), columnFrom = value(from[batch]);
  SmallVector<Value> ivs(loops, index(0));
  auto sum = [&](ArrayRef<Linear> strides) {
    Value at = index(0);
    for (auto [d, iv] : llvm::enumerate(ivs))
      if (d != batch)
        at = add(at, mul(iv, value(strides[d])));
    return at;
  };
  auto source32 = [&](Value panel) { return add(sum(from), mul(panel, panelFrom)); };
  auto target32 = [&](Value panel) { return add(sum(to), mul(panel, value(to[batch]))); };

  int64_t lanes = level.vectorBytes / std::max<int64_t>(1, result.element.getIntOrFloatBitWidth() / 8);
  bool isWord = result.element.isIntOrFloat() && result.element.getIntOrFloatBitWidth() == 32;
  bool alongColumns = isOne(from[batch]) && kPanel % lanes == 0;
  bool alongReduction = isOne(from.back()) && loops > batch + 1 && isWord && kPanel % lanes == 0;

  // One place of all reduction loops: 32 columns, or as many as there are and zeros.
  auto columnsOf = [&](Value panel, Value left) {
    Value at = source32(panel), into = target32(panel);
    if (!left && alongColumns) {
      for (int64_t c = 0; c < kPanel; c += lanes)
        storeVector(loadVector(*source, add(at, c), lanes), result, add(into, c));
      return;
    }
    loop(index(0), left ? left : index(kPanel), 1,
         [&](Value c) { store(load(*source, add(at, mul(c, columnFrom))), result, add(into, c)); });
    if (left)
      loop(left, index(kPanel), 1, [&](Value c) { store(zero(result.element), result, add(into, c)); });
  };
  auto transposed = [&](Value panel) {
    Value at = source32(panel), into = target32(panel), step = value(to.back());
    for (int64_t c = 0; c < kPanel; c += lanes) {
      SmallVector<Value> rows;
      for (int64_t i = 0; i < lanes; ++i)
        rows.push_back(loadVector(*source, add(at, mul(columnFrom, c + i)), lanes));
      rows = transposeInRegisters(rows);
      for (int64_t i = 0; i < lanes; ++i)
        storeVector(rows[i], result, add(add(into, mul(step, i)), c));
    }
  };
  std::function<void(unsigned, Value, Value)> reductions = [&](unsigned d, Value panel, Value left) {
    if (d == loops)
      return columnsOf(panel, left);
    Value done = index(0), size = value(sizes[d]);
    auto each = [&](Value iv) {
      ivs[d] = iv;
      reductions(d + 1, panel, left);
    };
    if (d + 1 == loops && alongReduction && !left) {
      done = mul(floorDiv(size, lanes), lanes);
      loop(index(0), done, lanes, [&](Value iv) {
        ivs[d] = iv;
        transposed(panel);
      });
    }
    loop(done, size, 1, each);
  };
  auto panels = [&](Value lo, Value hi) {
    const Size &n = sizes[batch];
    Value full = n.isStatic() ? index(n.factor / kPanel) : floorDiv(columns, kPanel);
    Value stop = minimum(hi, full);
    loop(lo, stop, 1, [&](Value panel) { reductions(batch + 1, panel, nullptr); });
    if (!n.isStatic() || n.factor % kPanel)
      when(less(stop, hi), [&] { reductions(batch + 1, stop, sub(columns, mul(stop, kPanel))); });
  };

  double work = kPanel;
  for (unsigned d = batch + 1; d < loops; ++d)
    work *= std::max<int64_t>(1, sizes[d].estimate(64));
  SmallVector<Size> outer(sizes.begin(), sizes.begin() + batch);
  outer.push_back(result.sizes[batch]);
  SmallVector<TileDim> dims = planTiles(outer, work, 1);
  auto body = [&] {
    tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
      std::function<void(unsigned)> nest = [&](unsigned d) {
        if (d == batch)
          return panels(lo[d], hi[d]);
        loop(lo[d], hi[d], 1, [&](Value iv) {
          ivs[d] = iv;
          nest(d + 1);
        });
      };
      nest(0);
    });
  };
  if (!op.getRows()) {
    body();
    return success();
  }
  // What reads the panels reads the source where there are few rows.
  when(less(index(PackPanelsOp::kManyRows - 1), value(sizeOfIndex(op.getRows()))), body);
  return success();
}
