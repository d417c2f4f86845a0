// Loops of select_slices, non_zero_indices and unique_slices. Where an element goes depends on all before it: each is one tile.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "laic/Dialect/Laic/SelectionOps.h"

using namespace mlir;
using namespace laic;

namespace {

AffineMap oneTile(Operation *op) {
  return tileCountOf(op, [&](auto &) { return getAffineConstantExpr(1, op->getContext()); });
}

Value zeroOf(const LoopBuilder &lb, Value memref) {
  Type type = getElementTypeOrSelf(memref.getType());
  return arith::ConstantOp::create(lb.b, lb.loc, lb.b.getZeroAttr(type));
}

// f16 and bf16 as f32; everything else as it is.
Value widened(const LoopBuilder &lb, Value v) {
  if (!v.getType().isF16() && !v.getType().isBF16())
    return v;
  return arith::ExtFOp::create(lb.b, lb.loc, lb.b.getF32Type(), v);
}

// [outer, k, inner] of `to` = [outer, from, inner] of `data`, for all of outer and inner.
void copySlice(const LoopBuilder &lb, Value data, Value from, Value to, Value k) {
  lb.nest({lb.dim(data, 0), lb.dim(data, 2)},
          [&](llvm::ArrayRef<Value> at) { lb.store(lb.load(data, {at[0], from, at[1]}), to, {at[0], k, at[1]}); });
}

void clearSlices(const LoopBuilder &lb, Value result, Value from) {
  Value zero = zeroOf(lb, result);
  lb.loop(from, lb.dim(result, 1), [&](Value k) {
    lb.nest({lb.dim(result, 0), lb.dim(result, 2)}, [&](llvm::ArrayRef<Value> at) { lb.store(zero, result, {at[0], k, at[1]}); });
  });
}

// A number in memory that loops count up: element 0 of a tensor [1] of i64.
struct Counter {
  const LoopBuilder &lb;
  Value memory;

  Value get() const { return lb.toIndex(lb.load(memory, {lb.cst(0)})); }
  void set(Value index) const { lb.store(lb.toInt(index, lb.b.getI64Type()), memory, {lb.cst(0)}); }
  void increment() const { set(lb.add(get(), lb.cst(1))); }
};

} // namespace

// ---- select_slices ----

AffineMap SelectSlicesOp::tileCount() { return oneTile(*this); }

LogicalResult SelectSlicesOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value data = buffers[0], flags = buffers[1], selected = buffers[2];
  Counter count{lb, buffers[3]};
  lb.loop(begin, end, [&](Value) {
    count.set(lb.cst(0));
    lb.loop(lb.cst(0), lb.min(lb.dim(data, 1), lb.dim(flags, 0)), [&](Value i) {
      Value isSet = lb.cmp(arith::CmpIPredicate::ne, lb.load(flags, {i}), zeroOf(lb, flags));
      lb.when(isSet, [&] {
        copySlice(lb, data, i, selected, count.get());
        count.increment();
      });
    });
    clearSlices(lb, selected, count.get());
  });
  return success();
}

// ---- non_zero_indices ----

AffineMap NonZeroIndicesOp::tileCount() { return oneTile(*this); }

LogicalResult NonZeroIndicesOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value x = buffers[0], indices = buffers[1];
  Counter count{lb, buffers[2]};
  LoopBuilder::Values sizes = lb.dims(x);
  lb.loop(begin, end, [&](Value) {
    count.set(lb.cst(0));
    lb.nest(sizes, [&](llvm::ArrayRef<Value> at) {
      Value v = widened(lb, lb.load(x, at)), zero = arith::ConstantOp::create(b, getLoc(), b.getZeroAttr(v.getType()));
      Value found = isa<FloatType>(v.getType()) ? Value(arith::CmpFOp::create(b, getLoc(), arith::CmpFPredicate::UNE, v, zero))
                                                : lb.cmp(arith::CmpIPredicate::ne, v, zero);
      lb.when(found, [&] {
        Value column = count.get();
        for (size_t d = 0; d < at.size(); ++d)
          lb.store(lb.toInt(at[d], b.getI64Type()), indices, {lb.cst(static_cast<int64_t>(d)), column});
        count.increment();
      });
    });
    lb.loop(lb.cst(0), lb.dim(indices, 0), [&](Value d) {
      lb.loop(count.get(), lb.dim(indices, 1), [&](Value k) { lb.store(zeroOf(lb, indices), indices, {d, k}); });
    });
  });
  return success();
}

// ---- unique_slices: sorts the slices' numbers, then numbers the runs of equal slices ----

AffineMap UniqueSlicesOp::tileCount() { return oneTile(*this); }

namespace {

// Heap sort of the numbers of slices, in place, by slice and then by number.
struct SliceSort {
  const LoopBuilder &lb;
  Value data, order; // order: [n] i64
  bool isUnsigned;

  Value get(Value at) const { return lb.toIndex(lb.load(order, {at})); }
  void put(Value slice, Value at) const { lb.store(lb.toInt(slice, lb.b.getI64Type()), order, {at}); }

  // a < b, with NaN above all numbers.
  Value less(Value a, Value b) const {
    if (!isa<FloatType>(a.getType()))
      return lb.cmp(isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, a, b);
    auto is = [&](arith::CmpFPredicate p, Value x, Value y) { return Value(arith::CmpFOp::create(lb.b, lb.loc, p, x, y)); };
    return lb.either(is(arith::CmpFPredicate::OLT, a, b),
                     lb.both(is(arith::CmpFPredicate::ORD, a, a), is(arith::CmpFPredicate::UNO, b, b)));
  }
  // -1, 0, 1 (index) as slice a is below, equal to, above slice b.
  Value compare(Value a, Value b) const {
    Value zero = lb.cst(0), one = lb.cst(1);
    return lb.loop(zero, lb.dim(data, 0), one, {zero}, [&](Value i, ValueRange outer) {
      return lb.loop(zero, lb.dim(data, 2), one, outer, [&](Value j, ValueRange known) {
        Value x = widened(lb, lb.load(data, {i, a, j})), y = widened(lb, lb.load(data, {i, b, j}));
        Value here = lb.select(less(x, y), lb.cst(-1), lb.select(less(y, x), one, zero));
        return LoopBuilder::Values{lb.select(lb.eq(known[0], zero), here, known[0])};
      });
    })[0];
  }
  // Slice number a comes after b: a total order.
  Value after(Value a, Value b) const {
    Value order = compare(a, b), zero = lb.cst(0);
    return lb.either(lb.lt(zero, order), lb.both(lb.eq(order, zero), lb.lt(b, a)));
  }
  // Moves `slice` down from `at` in the heap of the first `size` entries, whose root comes last.
  void sink(Value slice, Value at, Value size) const {
    Type index = lb.b.getIndexType();
    auto loop = scf::WhileOp::create(lb.b, lb.loc, TypeRange{index, index}, ValueRange{at});
    OpBuilder::InsertionGuard guard(lb.b);
    Block *test = lb.b.createBlock(&loop.getBefore(), {}, {index}, {lb.loc});
    Value here = test->getArgument(0), child = lb.add(lb.mul(here, lb.cst(2)), lb.cst(1));
    auto choice = scf::IfOp::create(lb.b, lb.loc, TypeRange{lb.b.getI1Type(), index}, lb.lt(child, size), true);
    lb.b.setInsertionPointToStart(choice.thenBlock());
    Value right = lb.min(lb.add(child, lb.cst(1)), lb.sub(size, lb.cst(1)));
    Value last = lb.select(after(get(right), get(child)), right, child);
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{after(get(last), slice), last});
    lb.b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{Value(arith::ConstantIntOp::create(lb.b, lb.loc, 0, 1)), here});
    lb.b.setInsertionPointAfter(choice);
    scf::ConditionOp::create(lb.b, lb.loc, choice.getResult(0), ValueRange{here, choice.getResult(1)});
    Block *step = lb.b.createBlock(&loop.getAfter(), {}, {index, index}, {lb.loc, lb.loc});
    put(get(step->getArgument(1)), step->getArgument(0));
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{step->getArgument(1)});
    lb.b.setInsertionPointAfter(loop);
    put(slice, loop.getResult(0));
  }
  void run(Value n) const {
    Value zero = lb.cst(0);
    lb.loop(zero, n, [&](Value i) { put(i, i); });
    lb.countDown(zero, lb.div(n, lb.cst(2)), [&](Value i) { sink(get(i), i, n); });
    lb.countDown(lb.cst(1), n, [&](Value last) {
      Value first = get(zero), moved = get(last);
      put(first, last);
      sink(moved, zero, last);
    });
  }
};

// Lists of i64 indices that unique_slices makes.
struct UniqueLists {
  const LoopBuilder &lb;
  Value indices, inverse, counts;
  Counter count;

  Value get(Value list, Value at) const { return lb.toIndex(lb.load(list, {at})); }
  void put(Value value, Value list, Value at) const { lb.store(lb.toInt(value, lb.b.getI64Type()), list, {at}); }
  // One more group, of the slice `first` so far.
  void open(Value first) const {
    Value group = count.get();
    put(first, indices, group);
    put(lb.cst(1), counts, group);
    put(group, inverse, first);
    count.increment();
  }
  void join(Value slice, Value group) const {
    put(group, inverse, slice);
    put(lb.add(get(counts, group), lb.cst(1)), counts, group);
  }
};

} // namespace

LogicalResult UniqueSlicesOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value data = buffers[0], slices = buffers[1], n = lb.dim(data, 1), zero = lb.cst(0), one = lb.cst(1);
  UniqueLists lists{lb, buffers[2], buffers[3], buffers[4], {lb, buffers[5]}};
  lb.loop(begin, end, [&](Value) {
    // The sorted numbers lie in `counts`: a run's entry is written after the entries that it replaces were read.
    SliceSort sort{lb, data, lists.counts, getIsUnsigned()};
    sort.run(n);
    lists.count.set(zero);
    lb.loop(zero, n, one, {zero}, [&](Value i, ValueRange state) {
      Value slice = sort.get(i), first = state[0];
      Value isNew = lb.either(lb.eq(i, zero), lb.cmp(arith::CmpIPredicate::ne, sort.compare(slice, first), zero));
      if (getSorted())
        lb.when(isNew, [&] { lists.open(slice); }, [&] { lists.join(slice, lb.sub(lists.count.get(), one)); });
      else
        lists.put(lb.select(isNew, slice, first), lists.inverse, slice); // for now: where its like is first
      return LoopBuilder::Values{lb.select(isNew, slice, first)};
    });
    if (!getSorted())
      lb.loop(zero, n, [&](Value i) {
        Value first = lists.get(lists.inverse, i);
        lb.when(lb.eq(first, i), [&] { lists.open(i); }, [&] { lists.join(i, lists.get(lists.inverse, first)); });
      });
    Value count = lists.count.get();
    lb.loop(zero, count, [&](Value k) { copySlice(lb, data, lists.get(lists.indices, k), slices, k); });
    clearSlices(lb, slices, count);
    lb.loop(count, n, [&](Value k) {
      lists.put(zero, lists.indices, k);
      lists.put(zero, lists.counts, k);
    });
  });
  return success();
}
