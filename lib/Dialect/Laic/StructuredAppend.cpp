// Loops of append.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

AffineMap AppendOp::tileCount() {
  return tileCountOf(*this, [&](auto &tensors) {
    AffineExpr count = getAffineConstantExpr(1, getContext());
    for (AffineExpr size : ArrayRef(tensors.back()).take_front(getAxis() + 1))
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
  auto inner = ArrayRef<Value>(sizes).drop_front(axis + 1);
  lb.loop(begin, end, [&](Value tile) {
    LoopBuilder::Values prefix(axis + 1);
    Value rest = tile;
    for (size_t d = axis + 1; d-- > 0;) {
      prefix[d] = lb.rem(rest, sizes[d]);
      rest = lb.div(rest, sizes[d]);
    }
    Value start = length;
    if (positions) {
      Value at = lb.toIndex(lb.load(positions, prefix[0]));
      start = CheckIndexOp::create(b, getLoc(), b.getIndexType(), at, lb.add(lb.sub(sizes[axis], count), lb.cst(1)),
                                   lb.toInt(at, b.getI64Type()), b.getI32IntegerAttr(1));
    }
    auto fill = [&](function_ref<Value(LoopBuilder::Values)> element) {
      lb.nest(inner, [&](ArrayRef<Value> behind) {
        LoopBuilder::Values at(prefix);
        llvm::append_range(at, behind);
        lb.store(element(at), present, at);
      });
    };
    Value offset = lb.sub(prefix[axis], start);
    lb.when(
        lb.both(lb.le(lb.cst(0), offset), lb.lt(offset, count)),
        [&] {
          fill([&](LoopBuilder::Values at) {
            at[axis] = offset;
            return lb.load(now, at);
          });
        },
        [&] {
          lb.when(
              lb.lt(prefix[axis], length), [&] { fill([&](const LoopBuilder::Values &at) { return lb.load(past, at); }); },
              [&] {
                Type element = cast<MemRefType>(present.getType()).getElementType();
                Value zero = arith::ConstantOp::create(b, getLoc(), b.getZeroAttr(element));
                fill([&](const LoopBuilder::Values &) { return zero; });
              });
        });
  });
  return success();
}
