// Loops of arg_reduce_rows, arg_reduce_columns, top_k_rows and scan.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "laic/Dialect/Laic/StructuredOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;

namespace {

/// Columns that a tile of the column-wise operations covers: enough for vectors, few enough for the first-level cache.
constexpr int64_t kColumnBlock = 64;
/// Rows are searched in this many lanes.
constexpr int64_t kLanes = 16;

// x comes before y: larger, or smaller. Works on scalars and vectors.
Value before(const IndexBuilder &ib, Value x, Value y, bool smallest, bool isUnsigned, bool orEqual) {
  using F = arith::CmpFPredicate;
  using I = arith::CmpIPredicate;
  if (isa<FloatType>(getElementTypeOrSelf(x.getType()))) {
    F p = smallest ? (orEqual ? F::OLE : F::OLT) : (orEqual ? F::OGE : F::OGT);
    return arith::CmpFOp::create(ib.b, ib.loc, p, x, y);
  }
  I p = smallest ? (orEqual ? I::sle : I::slt) : (orEqual ? I::sge : I::sgt);
  if (isUnsigned)
    p = smallest ? (orEqual ? I::ule : I::ult) : (orEqual ? I::uge : I::ugt);
  return ib.cmp(p, x, y);
}

} // namespace

// ---- arg_reduce_rows: [rows, n] -> [rows]; one row per tile ----

AffineMap ArgReduceRowsOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}

namespace {

struct RowSearch {
  bool smallest, last, isUnsigned;

  // (value, index) of the better of two candidates; on a tie the smaller (or with `last` the larger) index.
  std::pair<Value, Value> better(const LoopBuilder &lb, Value v, Value i, Value w, Value j) const {
    Value wins = before(lb, w, v, smallest, isUnsigned, false);
    Value ties = lb.both(before(lb, w, v, smallest, isUnsigned, true), last ? lb.lt(i, j) : lb.lt(j, i));
    Value take = lb.either(wins, ties);
    return {lb.select(take, w, v), lb.select(take, j, i)};
  }
};

// All full vectors of a row, lane by lane: the best value and its vector's number, per lane.
LoopBuilder::Values searchLanes(const LoopBuilder &lb, Value x, Value row, Value vectors, const RowSearch &search) {
  auto type = VectorType::get({kLanes}, getElementTypeOrSelf(x.getType()));
  auto numbers = VectorType::get({kLanes}, lb.b.getI32Type());
  auto load = [&](Value k) -> Value {
    return vector::LoadOp::create(lb.b, lb.loc, type, x, ValueRange{row, lb.mul(k, lb.cst(kLanes))});
  };
  Value zeros = arith::ConstantOp::create(lb.b, lb.loc, lb.b.getZeroAttr(numbers));
  return lb.loop(lb.cst(1), vectors, lb.cst(1), {load(lb.cst(0)), zeros}, [&](Value k, ValueRange best) {
    Value next = load(k);
    Value number = vector::BroadcastOp::create(lb.b, lb.loc, numbers, lb.toInt(k, lb.b.getI32Type()));
    Value take = before(lb, next, best[0], search.smallest, search.isUnsigned, search.last);
    return LoopBuilder::Values{lb.select(take, next, best[0]), lb.select(take, number, best[1])};
  });
}

void searchRow(const LoopBuilder &lb, Value x, Value result, Value row, const RowSearch &search) {
  Value n = lb.dim(x, 1), lanes = lb.cst(kLanes), one = lb.cst(1), zero = lb.cst(0);
  Value vectors = lb.div(n, lanes);
  // Short rows and what is left of long ones, element by element.
  Value first = lb.load(x, {row, zero});
  Type valueType = first.getType();
  auto enough = lb.le(one, vectors);
  auto found = scf::IfOp::create(lb.b, lb.loc, TypeRange{valueType, lb.b.getIndexType()}, enough, true);
  {
    OpBuilder::InsertionGuard guard(lb.b);
    lb.b.setInsertionPointToStart(found.thenBlock());
    auto best = searchLanes(lb, x, row, vectors, search);
    auto lane = [&](int64_t l) {
      Value v = vector::ExtractOp::create(lb.b, lb.loc, best[0], l);
      Value k = vector::ExtractOp::create(lb.b, lb.loc, best[1], l);
      return std::make_pair(v, lb.add(lb.mul(lb.toIndex(k), lanes), lb.cst(l)));
    };
    auto [value, index] = lane(0);
    for (int64_t l = 1; l < kLanes; ++l) {
      auto [w, j] = lane(l);
      std::tie(value, index) = search.better(lb, value, index, w, j);
    }
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{value, index});
    lb.b.setInsertionPointToStart(found.elseBlock());
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{first, zero});
  }
  auto best = lb.loop(lb.mul(vectors, lanes), n, one, found.getResults(), [&](Value k, ValueRange best) {
    Value next = lb.load(x, {row, k});
    Value take = before(lb, next, best[0], search.smallest, search.isUnsigned, search.last);
    return LoopBuilder::Values{lb.select(take, next, best[0]), lb.select(take, k, best[1])};
  });
  lb.store(lb.toInt(best[1], lb.b.getI64Type()), result, {row});
}

} // namespace

LogicalResult ArgReduceRowsOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  RowSearch search{getSmallest(), getLastIndex(), getIsUnsigned()};
  // A row without elements has no answer; the result is left at 0.
  lb.loop(begin, end, [&](Value row) {
    lb.when(
        lb.lt(lb.cst(0), lb.dim(buffers[0], 1)), [&] { searchRow(lb, buffers[0], buffers[1], row, search); },
        [&] { lb.store(arith::ConstantIntOp::create(b, getLoc(), 0, 64), buffers[1], {row}); });
  });
  return success();
}

// ---- arg_reduce_columns: [outer, n, inner] -> [outer, inner]; a block of columns per tile ----

AffineMap ArgReduceColumnsOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0] * tensors[0][2].ceilDiv(kColumnBlock); });
}

int64_t ArgReduceColumnsOp::workspaceBytes() { return kColumnBlock * 8; }

namespace {
struct ColumnTile {
  Value outer, from, to; // columns [from, to)
};
ColumnTile columnTile(const LoopBuilder &lb, Value tile, Value inner) {
  Value block = lb.cst(kColumnBlock);
  Value blocks = lb.div(lb.add(inner, lb.cst(kColumnBlock - 1)), block);
  Value from = lb.mul(lb.rem(tile, blocks), block);
  return {lb.div(tile, blocks), from, lb.min(lb.add(from, block), inner)};
}
} // namespace

LogicalResult ArgReduceColumnsOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value workspace) {
  LoopBuilder lb(b, getLoc());
  Value x = buffers[0], result = buffers[1];
  Value best = lb.scratch(workspace, 0, kColumnBlock, getElementTypeOrSelf(x.getType()));
  lb.loop(begin, end, [&](Value tile) {
    ColumnTile t = columnTile(lb, tile, lb.dim(x, 2));
    Value zero = arith::ConstantIntOp::create(b, getLoc(), 0, 64);
    lb.loop(t.from, t.to, [&](Value j) {
      lb.store(lb.load(x, {t.outer, lb.cst(0), j}), best, {lb.sub(j, t.from)});
      lb.store(zero, result, {t.outer, j});
    });
    lb.loop(lb.cst(1), lb.dim(x, 1), [&](Value k) {
      Value number = lb.toInt(k, b.getI64Type());
      lb.loop(t.from, t.to, [&](Value j) {
        Value slot = lb.sub(j, t.from);
        Value have = lb.load(best, {slot}), next = lb.load(x, {t.outer, k, j});
        Value take = before(lb, next, have, getSmallest(), getIsUnsigned(), getLastIndex());
        lb.store(lb.select(take, next, have), best, {slot});
        lb.store(lb.select(take, number, lb.load(result, {t.outer, j})), result, {t.outer, j});
      });
    });
  });
  return success();
}

// ---- top_k_rows: a heap of the k best so far whose root is the worst of them; one row per tile ----

AffineMap TopKRowsOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}

namespace {

struct Heap {
  const LoopBuilder &lb;
  Value values, indices, row;
  bool smallest, isUnsigned;

  struct Entry {
    Value value, index; // index: i64
  };
  Entry get(Value at) const { return {lb.load(values, {row, at}), lb.load(indices, {row, at})}; }
  void put(Entry e, Value at) const {
    lb.store(e.value, values, {row, at});
    lb.store(e.index, indices, {row, at});
  }
  // A total order: of equal values the one with the larger index is worse.
  Value worse(Entry a, Entry b) const {
    Value wins = before(lb, b.value, a.value, smallest, isUnsigned, false);
    Value atLeast = before(lb, b.value, a.value, smallest, isUnsigned, true);
    return lb.either(wins, lb.both(atLeast, lb.lt(b.index, a.index)));
  }
  // Moves an entry down from `at` until its children among the first `size` entries are not worse.
  void sink(Entry entry, Value at, Value size) const {
    Type index = lb.b.getIndexType();
    auto loop = scf::WhileOp::create(lb.b, lb.loc, TypeRange{index, index}, ValueRange{at});
    OpBuilder::InsertionGuard guard(lb.b);
    Block *test = lb.b.createBlock(&loop.getBefore(), {}, {index}, {lb.loc});
    Value here = test->getArgument(0), child = lb.add(lb.mul(here, lb.cst(2)), lb.cst(1));
    auto choice = scf::IfOp::create(lb.b, lb.loc, TypeRange{lb.b.getI1Type(), index}, lb.lt(child, size), true);
    lb.b.setInsertionPointToStart(choice.thenBlock());
    Value right = lb.min(lb.add(child, lb.cst(1)), lb.sub(size, lb.cst(1)));
    Value worst = lb.select(worse(get(right), get(child)), right, child);
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{worse(get(worst), entry), worst});
    lb.b.setInsertionPointToStart(choice.elseBlock());
    Value no = arith::ConstantIntOp::create(lb.b, lb.loc, 0, 1);
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{no, here});
    lb.b.setInsertionPointAfter(choice);
    scf::ConditionOp::create(lb.b, lb.loc, choice.getResult(0), ValueRange{here, choice.getResult(1)});
    Block *step = lb.b.createBlock(&loop.getAfter(), {}, {index, index}, {lb.loc, lb.loc});
    put(get(step->getArgument(1)), step->getArgument(0));
    scf::YieldOp::create(lb.b, lb.loc, ValueRange{step->getArgument(1)});
    lb.b.setInsertionPointAfter(loop);
    put(entry, loop.getResult(0));
  }
};

} // namespace

LogicalResult TopKRowsOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  Value x = buffers[0], zero = lb.cst(0), one = lb.cst(1), n = lb.dim(x, 1), asked = lb.dim(buffers[1], 1);
  lb.loop(begin, end, [&](Value row) {
    constexpr int32_t kBadSize = 3; // LAIC_KERNEL_BAD_SIZE
    Value k = CheckIndexOp::create(b, getLoc(), b.getIndexType(), asked, lb.add(n, one), lb.toInt(asked, b.getI64Type()),
                                   b.getI32IntegerAttr(kBadSize));
    Heap heap{lb, buffers[1], buffers[2], row, getSmallest(), getIsUnsigned()};
    auto entry = [&](Value i) { return Heap::Entry{lb.load(x, {row, i}), lb.toInt(i, b.getI64Type())}; };
    lb.loop(zero, k, [&](Value i) { heap.put(entry(i), i); });
    lb.countDown(zero, lb.div(k, lb.cst(2)), [&](Value i) { heap.sink(heap.get(i), i, k); });
    Value stop = lb.select(lb.eq(k, zero), zero, n);
    lb.loop(k, stop, [&](Value i) {
      Heap::Entry next = entry(i);
      lb.when(heap.worse(heap.get(zero), next), [&] { heap.sink(next, zero, k); });
    });
    // The worst of what is left goes to the end, again and again.
    lb.countDown(one, k, [&](Value last) {
      Heap::Entry worst = heap.get(zero), moved = heap.get(last);
      heap.put(worst, last);
      heap.sink(moved, zero, last);
    });
  });
  return success();
}

// ---- scan: [outer, n, inner]; a block of columns per tile ----

AffineMap ScanOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0] * tensors[0][2].ceilDiv(kColumnBlock); });
}

LogicalResult ScanOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  ScalarBuilder s(b, getLoc());
  Value x = buffers[0], y = buffers[1], n = lb.dim(x, 1), last = lb.sub(n, lb.cst(1));
  auto place = [&](Value k) { return getReverse() ? lb.sub(last, k) : k; };
  lb.loop(begin, end, [&](Value tile) {
    ColumnTile t = columnTile(lb, tile, lb.dim(x, 2));
    lb.loop(lb.cst(0), lb.min(n, lb.cst(1)), [&](Value k) {
      lb.loop(t.from, t.to, [&](Value j) {
        Value first = lb.load(x, {t.outer, place(k), j});
        lb.store(getExclusive() ? s.cst(getProduct() ? 1 : 0, first) : first, y, {t.outer, place(k), j});
      });
    });
    lb.loop(lb.cst(1), n, [&](Value k) {
      Value here = place(k), previous = place(lb.sub(k, lb.cst(1)));
      lb.loop(t.from, t.to, [&](Value j) {
        Value next = lb.load(x, {t.outer, getExclusive() ? previous : here, j});
        Value running = lb.load(y, {t.outer, previous, j});
        lb.store(getProduct() ? s.mul(running, next) : s.add(running, next), y, {t.outer, here, j});
      });
    });
  });
  return success();
}
