// Loops of scatter_along and scatter_tuples.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "laic/Dialect/Laic/StructuredOps.h"

using namespace mlir;
using namespace laic;

namespace {

// What an update does to the element that is there; 16-bit floats are combined in f32.
Value combine(OpBuilder &b, Location loc, llvm::StringRef reduction, bool isUnsigned, Value old, Value update) {
  if (reduction == "none")
    return update;
  ScalarBuilder s(b, loc, isUnsigned);
  Type storage = old.getType();
  if (storage.isF16() || storage.isBF16()) {
    old = s.cast(old, b.getF32Type(), false, false);
    update = s.cast(update, b.getF32Type(), false, false);
  }
  Value result = reduction == "add"   ? s.add(old, update)
                 : reduction == "mul" ? s.mul(old, update)
                 : reduction == "max" ? s.max(old, update)
                                      : s.min(old, update);
  return s.cast(result, storage, false, false);
}

} // namespace

// ---- scatter_along: the dims before the axis are independent ----

AffineMap ScatterAlongOp::tileCount() {
  int64_t axis = static_cast<int64_t>(getAxis());
  return tileCountOf(*this, [&](auto &tensors) {
    AffineExpr count = getAffineConstantExpr(1, getContext());
    for (int64_t d = 0; d < axis; ++d)
      count = count * tensors[0][d];
    return count;
  });
}

LogicalResult ScatterAlongOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value data = buffers[0], indices = buffers[1], updates = buffers[2], result = buffers[3];
  size_t axis = getAxis();
  auto sizes = lb.dims(data), updateSizes = lb.dims(updates);
  lb.loop(begin, end, [&](Value tile) {
    LoopBuilder::Values prefix(axis);
    Value rest = tile, inside = arith::ConstantIntOp::create(b, getLoc(), 1, 1);
    for (size_t d = axis; d-- > 0;) {
      prefix[d] = lb.rem(rest, sizes[d]);
      rest = lb.div(rest, sizes[d]);
      inside = lb.both(inside, lb.lt(prefix[d], updateSizes[d]));
    }
    auto at = [&](llvm::ArrayRef<Value> inner) {
      LoopBuilder::Values all(prefix);
      llvm::append_range(all, inner);
      return all;
    };
    lb.nest(llvm::ArrayRef<Value>(sizes).drop_front(axis),
            [&](llvm::ArrayRef<Value> inner) { lb.store(lb.load(data, at(inner)), result, at(inner)); });
    // Updates may cover less than the data; dims before the axis too.
    lb.when(inside, [&] {
      lb.nest(llvm::ArrayRef<Value>(updateSizes).drop_front(axis), [&](llvm::ArrayRef<Value> inner) {
        LoopBuilder::Values from = at(inner), to = from;
        to[axis] = lb.checked(lb.load(indices, from), sizes[axis]);
        Value old = lb.load(result, to), update = lb.load(updates, from);
        lb.store(combine(b, getLoc(), getReduction(), getIsUnsigned(), old, update), result, to);
      });
    });
  });
  return success();
}

// ---- scatter_tuples: the first dim of the slices is independent ----

namespace {
// The last dim of the indices, which the ranks tell.
int64_t tupleLength(ScatterTuplesOp op) {
  auto rank = [](Value tensor) { return cast<RankedTensorType>(tensor.getType()).getRank(); };
  return rank(op.getData()) + rank(op.getIndices()) - 1 - rank(op.getUpdates());
}
} // namespace

AffineMap ScatterTuplesOp::tileCount() {
  int64_t length = tupleLength(*this);
  return tileCountOf(*this, [&](auto &tensors) {
    bool slices = length < static_cast<int64_t>(tensors[0].size());
    return slices ? tensors[0][length] : getAffineConstantExpr(1, getContext());
  });
}

LogicalResult ScatterTuplesOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value data = buffers[0], indices = buffers[1], updates = buffers[2], result = buffers[3];
  size_t length = tupleLength(*this);
  auto sizes = lb.dims(data);
  auto tupleSizes = lb.dims(indices);
  tupleSizes.pop_back();
  bool slices = length < sizes.size();
  auto innerSizes = llvm::ArrayRef<Value>(sizes).drop_front(length + slices);
  lb.loop(begin, end, [&](Value tile) {
    auto join = [&](llvm::ArrayRef<Value> outer, llvm::ArrayRef<Value> inner) {
      LoopBuilder::Values all(outer);
      if (slices)
        all.push_back(tile);
      llvm::append_range(all, inner);
      return all;
    };
    lb.nest(llvm::ArrayRef<Value>(sizes).take_front(length), [&](llvm::ArrayRef<Value> outer) {
      lb.nest(innerSizes, [&](llvm::ArrayRef<Value> inner) {
        auto at = join(outer, inner);
        lb.store(lb.load(data, at), result, at);
      });
    });
    lb.nest(tupleSizes, [&](llvm::ArrayRef<Value> tuple) {
      LoopBuilder::Values target;
      for (size_t k = 0; k < length; ++k) {
        LoopBuilder::Values place(tuple);
        place.push_back(lb.cst(k));
        target.push_back(lb.checked(lb.load(indices, place), sizes[k]));
      }
      lb.nest(innerSizes, [&](llvm::ArrayRef<Value> inner) {
        auto to = join(target, inner);
        Value old = lb.load(result, to), update = lb.load(updates, join(tuple, inner));
        lb.store(combine(b, getLoc(), getReduction(), getIsUnsigned(), old, update), result, to);
      });
    });
  });
  return success();
}
