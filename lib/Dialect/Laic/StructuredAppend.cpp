// Loops of append.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

// Elements of a row are neighbours in memory: threads of a GPU take one each.
AffineMap AppendOp::tileCount() {
  return tileCountOf(*this, [&](auto &tensors) {
    AffineExpr count = getAffineConstantExpr(1, getContext());
    for (AffineExpr size : tensors.back())
      count = count * size;
    return count;
  });
}

LogicalResult AppendOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value past = buffers[0], now = buffers[1], positions = getPositions() ? buffers[2] : Value(), present = buffers.back();
  size_t axis = getAxis();
  auto sizes = lb.dims(present);
  Value length = lb.dim(past, axis), count = lb.dim(now, axis);
  lb.loop(begin, end, [&](Value tile) {
    LoopBuilder::Values at(sizes.size());
    Value rest = tile;
    for (size_t d = sizes.size(); d-- > 0;) {
      at[d] = lb.rem(rest, sizes[d]);
      rest = lb.div(rest, sizes[d]);
    }
    Value start = length;
    if (positions) {
      Value given = lb.toIndex(lb.load(positions, at[0]));
      start = CheckIndexOp::create(b, getLoc(), b.getIndexType(), given, lb.add(lb.sub(sizes[axis], count), lb.cst(1)),
                                   lb.toInt(given, b.getI64Type()), b.getI32IntegerAttr(1));
    }
    Value offset = lb.sub(at[axis], start);
    auto takeNew = [&] {
      LoopBuilder::Values from(at);
      from[axis] = offset;
      lb.store(lb.load(now, from), present, at);
    };
    auto takeZero = [&] {
      Type element = cast<MemRefType>(present.getType()).getElementType();
      lb.store(arith::ConstantOp::create(b, getLoc(), b.getZeroAttr(element)), present, at);
    };
    auto takeOld = [&] { lb.when(lb.lt(at[axis], length), [&] { lb.store(lb.load(past, at), present, at); }, takeZero); };
    lb.when(lb.both(lb.le(lb.cst(0), offset), lb.lt(offset, count)), takeNew, takeOld);
  });
  return success();
}
