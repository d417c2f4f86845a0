// Loops of linear_recurrence: the time steps of one head's state in one row of the batch.
//
// A block of columns of the state does not depend on the others, so each block runs through all steps while its part of the state is
// in the first-level cache.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/LinearAttentionOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;

AffineMap LinearRecurrenceOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[1][0] * tensors[1][2]; });
}

namespace {

class RecurrenceLoops {
public:
  using Values = LoopBuilder::Values;

  RecurrenceLoops(LinearRecurrenceOp op, OpBuilder &b, ValueRange buffers) : lb(b, op.getLoc()) {
    unsigned next = 3;
    query = buffers[0], key = buffers[1], value = buffers[2];
    past = op.getPast() ? buffers[next++] : Value();
    decay = op.getDecay() ? buffers[next++] : Value();
    beta = op.getBeta() ? buffers[next++] : Value();
    y = buffers[next++];
    state = buffers[next];
    scale = op.getScale().convertToDouble();
    int64_t columns = cast<MemRefType>(state.getType()).getDimSize(3);
    for (int64_t width : {16, 8, 4})
      if (lanes == 1 && !ShapedType::isDynamic(columns) && columns % width == 0)
        lanes = width;
  }

  void emitTile(Value tile) {
    Value heads = lb.dim(key, 2);
    batch = lb.div(tile, heads);
    head = lb.rem(tile, heads);
    rows = lb.dim(state, 2);
    group = lb.div(lb.dim(query, 2), heads);
    lb.loop(lb.cst(0), lb.dim(state, 3), lb.cst(lanes), [&](Value column) {
      this->column = column;
      lb.loop(lb.cst(0), rows,
              [&](Value row) { store(past ? load(past, {batch, head, row, column}) : number(0), stateAt(row)); });
      lb.loop(lb.cst(0), lb.dim(key, 1), [&](Value step) { emitStep(step); });
    });
  }

private:
  Type element() const { return lb.b.getF32Type(); }
  Type type() const { return lanes == 1 ? element() : Type(VectorType::get({lanes}, element())); }
  Value splat(Value scalar) const {
    return lanes == 1 ? scalar : Value(vector::BroadcastOp::create(lb.b, lb.loc, type(), scalar));
  }
  Value number(double v) const { return splat(arith::ConstantOp::create(lb.b, lb.loc, lb.b.getF32FloatAttr(v))); }
  Value load(Value memref, ValueRange at) const {
    return lanes == 1 ? lb.load(memref, at) : Value(vector::LoadOp::create(lb.b, lb.loc, cast<VectorType>(type()), memref, at));
  }
  struct Place {
    Value memref;
    SmallVector<Value> at;
  };
  void store(Value v, const Place &place) const {
    if (lanes == 1)
      lb.store(v, place.memref, place.at);
    else
      vector::StoreOp::create(lb.b, lb.loc, v, place.memref, place.at);
  }
  Place stateAt(Value row) const { return {state, {batch, head, row, column}}; }
  Value add(Value x, Value y) const { return arith::AddFOp::create(lb.b, lb.loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(lb.b, lb.loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(lb.b, lb.loc, x, y); }
  // Index 0 in dims that hold one factor for all.
  Value within(Value index, Value memref, int64_t dim) const {
    return cast<MemRefType>(memref.getType()).getDimSize(dim) == 1 ? lb.cst(0) : index;
  }

  // The decayed row of the state.
  Value decayed(Value step, Value row) const {
    Value before = load(state, stateAt(row).at);
    if (!decay)
      return before;
    return mul(before, splat(lb.load(decay, {batch, step, head, within(row, decay, 3)})));
  }

  void emitStep(Value step) {
    Value zero = lb.cst(0), one = lb.cst(1);
    auto keyAt = [&](Value row) { return splat(lb.load(key, {batch, step, head, row})); };
    Value written = load(value, {batch, step, head, column});
    if (beta) {
      Values found = lb.loop(zero, rows, one, {number(0)},
                             [&](Value row, ValueRange sum) { return Values{add(sum[0], mul(decayed(step, row), keyAt(row)))}; });
      written = mul(splat(lb.load(beta, {batch, step, within(head, beta, 2)})), sub(written, found[0]));
    }
    lb.loop(zero, rows, [&](Value row) { store(add(decayed(step, row), mul(keyAt(row), written)), stateAt(row)); });
    lb.loop(zero, group, [&](Value member) {
      Value reader = lb.add(lb.mul(head, group), member);
      Values read = lb.loop(zero, rows, one, {number(0)}, [&](Value row, ValueRange sum) {
        Value factor = splat(lb.load(query, {batch, step, reader, row}));
        return Values{add(sum[0], mul(factor, load(state, stateAt(row).at)))};
      });
      store(mul(read[0], number(scale)), {y, {batch, step, reader, column}});
    });
  }

  LoopBuilder lb;
  Value query, key, value, past, decay, beta, y, state;
  Value batch, head, rows, group, column;
  double scale;
  int64_t lanes = 1;
};

} // namespace

LogicalResult LinearRecurrenceOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  RecurrenceLoops loops(*this, b, buffers);
  LoopBuilder(b, getLoc()).loop(begin, end, [&](Value tile) { loops.emitTile(tile); });
  return success();
}
