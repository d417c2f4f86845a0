// Loops of recurrence: the time steps of an LSTM, GRU or RNN for a block of rows of the batch.
//
// Every step computes gates += h * R for all rows of the block while a few rows of R are in the first-level cache, then updates
// the state in place in the results `h` and `c`.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/StructuredOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;

namespace {

/// Rows of the batch per tile: they share the loads of R.
constexpr int64_t kRows = 4;
/// Rows of R that one pass over the gates multiplies in.
constexpr int64_t kUnroll = 4;
constexpr int64_t kLanes = 16;

/// Float arithmetic on scalars (lanes 1) or vectors of kLanes.
struct Lanes {
  const LoopBuilder &lb;
  int64_t lanes;
  Type element;
  static constexpr arith::FastMathFlags kContract = arith::FastMathFlags::contract;

  Type type() const { return lanes == 1 ? element : Type(VectorType::get({lanes}, element)); }
  Value cst(double v) const {
    Value scalar = arith::ConstantOp::create(lb.b, lb.loc, lb.b.getFloatAttr(element, v));
    return splat(scalar);
  }
  Value splat(Value scalar) const {
    return lanes == 1 ? scalar : Value(vector::BroadcastOp::create(lb.b, lb.loc, type(), scalar));
  }
  Value load(Value memref, ValueRange at) const {
    return lanes == 1 ? lb.load(memref, at) : Value(vector::LoadOp::create(lb.b, lb.loc, cast<VectorType>(type()), memref, at));
  }
  void store(Value v, Value memref, ValueRange at) const {
    if (lanes == 1)
      lb.store(v, memref, at);
    else
      vector::StoreOp::create(lb.b, lb.loc, v, memref, at);
  }
  Value add(Value x, Value y) const { return arith::AddFOp::create(lb.b, lb.loc, x, y, kContract); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(lb.b, lb.loc, x, y, kContract); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(lb.b, lb.loc, x, y, kContract); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(lb.b, lb.loc, x, y); }
  Value exp(Value x) const { return math::ExpOp::create(lb.b, lb.loc, x); }
  Value tanh(Value x) const { return math::TanhOp::create(lb.b, lb.loc, x); }
  Value abs(Value x) const { return math::AbsFOp::create(lb.b, lb.loc, x); }
  Value ge(Value x, Value y) const { return arith::CmpFOp::create(lb.b, lb.loc, arith::CmpFPredicate::OGE, x, y); }
  Value select(Value c, Value x, Value y) const { return arith::SelectOp::create(lb.b, lb.loc, c, x, y); }
  Value max(Value x, Value y) const { return select(ge(y, x), y, x); }
  Value min(Value x, Value y) const { return select(ge(x, y), y, x); }
};

// The activation functions that ONNX names for recurrent layers.
Value activate(const Lanes &f, llvm::StringRef name, double alpha, double beta, Value x) {
  auto sigmoid = [&](Value v) {
    Value minus = arith::NegFOp::create(f.lb.b, f.lb.loc, v);
    return f.div(f.cst(1), f.add(f.cst(1), f.exp(minus)));
  };
  auto line = [&](Value v) { return f.add(f.mul(f.cst(alpha), v), f.cst(beta)); };
  Value zero = f.cst(0);
  if (name == "Sigmoid")
    return sigmoid(x);
  if (name == "Tanh")
    return f.tanh(x);
  if (name == "Relu")
    return f.max(x, zero);
  if (name == "Affine")
    return line(x);
  if (name == "LeakyRelu")
    return f.select(f.ge(x, zero), x, f.mul(f.cst(alpha), x));
  if (name == "ThresholdedRelu")
    return f.select(f.ge(x, f.cst(alpha)), x, zero);
  if (name == "ScaledTanh")
    return f.mul(f.cst(alpha), f.tanh(f.mul(f.cst(beta), x)));
  if (name == "HardSigmoid")
    return f.min(f.max(line(x), zero), f.cst(1));
  if (name == "Elu")
    return f.select(f.ge(x, zero), x, f.mul(f.cst(alpha), f.sub(f.exp(x), f.cst(1))));
  if (name == "Softsign")
    return f.div(x, f.add(f.cst(1), f.abs(x)));
  // Softplus = max(x, 0) + log(1 + e^-|x|), which does not overflow.
  Value minus = arith::NegFOp::create(f.lb.b, f.lb.loc, f.abs(x));
  Value log = math::LogOp::create(f.lb.b, f.lb.loc, f.add(f.cst(1), f.exp(minus)));
  return f.add(f.max(x, zero), log);
}

class RecurrenceEmitter {
public:
  RecurrenceEmitter(RecurrenceOp op, OpBuilder &b, ValueRange buffers, Value workspace)
      : op(op), lb(b, op.getLoc()), hidden(op.hiddenSize()), gates(op.gates()) {
    auto next = buffers.begin();
    xw = *next++;
    r = *next++;
    h0 = *next++;
    c0 = op.getC0() ? *next++ : Value();
    lens = op.getLens() ? *next++ : Value();
    peephole = op.getPeephole() ? *next++ : Value();
    hiddenBias = op.getHiddenBias() ? *next++ : Value();
    y = *next++;
    h = *next++;
    c = op.getC() ? *next++ : Value();
    element = getElementTypeOrSelf(xw.getType());
    gate = lb.scratch(workspace, 0, kRows * gates * hidden, element);
    int64_t offset = kRows * gates * hidden * element.getIntOrFloatBitWidth() / 8;
    if (twoPhases())
      reset = lb.scratch(workspace, offset, kRows * hidden, element);
  }

  void emitTile(Value tile) {
    Value batch = lb.dim(xw, 1);
    first = lb.mul(tile, lb.cst(kRows));
    rows = lb.min(lb.sub(batch, first), lb.cst(kRows));
    forRows([&](Value, Value b) {
      overHidden([&](const Lanes &f, Value j) {
        f.store(f.load(h0, {b, j}), h, {b, j});
        if (c)
          f.store(f.load(c0, {b, j}), c, {b, j});
      });
    });
    lb.loop(lb.cst(0), lb.dim(xw, 0), [&](Value step) { emitStep(step); });
  }

private:
  // GRU's gate h with linear_before_reset = 0 needs r before its own product.
  bool twoPhases() { return op.getCell() == "gru" && !op.getLinearBeforeReset(); }
  bool linearBeforeReset() { return op.getCell() == "gru" && op.getLinearBeforeReset(); }

  void forRows(llvm::function_ref<void(Value row, Value b)> body) {
    lb.loop(lb.cst(0), rows, [&](Value row) { body(row, lb.add(first, row)); });
  }
  // [from, to) in vectors, the rest one by one.
  void overLanes(int64_t from, int64_t to, llvm::function_ref<void(const Lanes &, Value)> body) {
    int64_t vectorEnd = from + (to - from) / kLanes * kLanes;
    if (vectorEnd > from)
      lb.loop(lb.cst(from), lb.cst(vectorEnd), lb.cst(kLanes), [&](Value j) { body(Lanes{lb, kLanes, element}, j); });
    if (vectorEnd < to)
      lb.loop(lb.cst(vectorEnd), lb.cst(to), [&](Value j) { body(Lanes{lb, 1, element}, j); });
  }
  void overHidden(llvm::function_ref<void(const Lanes &, Value)> body) { overLanes(0, hidden, body); }

  Value gateAt(Value row, Value j, int64_t g = 0) {
    return lb.add(lb.add(lb.mul(row, lb.cst(gates * hidden)), lb.cst(g * hidden)), j);
  }

  // gate[row, from..to) += source(row, k) * R[k, from..to) over all k.
  void multiply(int64_t from, int64_t to, llvm::function_ref<Value(Value row, Value b, Value k)> source) {
    auto pass = [&](Value k, int64_t count) {
      forRows([&](Value row, Value b) {
        LoopBuilder::Values factors, ks;
        for (int64_t u = 0; u < count; ++u) {
          ks.push_back(lb.add(k, lb.cst(u)));
          factors.push_back(source(row, b, ks.back()));
        }
        overLanes(from, to, [&](const Lanes &f, Value j) {
          Value at = gateAt(row, j);
          Value sum = f.load(gate, at);
          for (int64_t u = 0; u < count; ++u)
            sum = f.add(sum, f.mul(f.splat(factors[u]), f.load(r, {ks[u], j})));
          f.store(sum, gate, at);
        });
      });
    };
    int64_t unrolled = hidden / kUnroll * kUnroll;
    if (unrolled > 0)
      lb.loop(lb.cst(0), lb.cst(unrolled), lb.cst(kUnroll), [&](Value k) { pass(k, kUnroll); });
    if (unrolled < hidden)
      lb.loop(lb.cst(unrolled), lb.cst(hidden), [&](Value k) { pass(k, 1); });
  }

  // Which time step a row is at, and whether its sequence still runs.
  std::pair<Value, Value> timeOf(Value b, Value step) {
    Value length = lb.dim(xw, 0);
    Value active;
    if (lens) {
      length = lb.max(lb.min(lb.toIndex(lb.load(lens, {b})), length), lb.cst(0));
      active = lb.lt(step, length);
    }
    Value mirrored = lb.sub(lb.sub(length, lb.cst(1)), step);
    if (!op.getReverse())
      return {step, active};
    return {active ? lb.select(active, mirrored, step) : mirrored, active};
  }

  void emitStep(Value step) {
    forRows([&](Value row, Value b) {
      Value t = timeOf(b, step).first;
      int64_t projected = linearBeforeReset() ? 2 * hidden : gates * hidden;
      overLanes(0, projected, [&](const Lanes &f, Value j) { f.store(f.load(xw, {t, b, j}), gate, gateAt(row, j)); });
      if (linearBeforeReset())
        overHidden(
            [&](const Lanes &f, Value j) { f.store(hiddenBias ? f.load(hiddenBias, j) : f.cst(0), gate, gateAt(row, j, 2)); });
    });
    auto state = [&](Value, Value b, Value k) { return lb.load(h, {b, k}); };
    if (twoPhases()) {
      multiply(0, 2 * hidden, state);
      forRows([&](Value row, Value b) {
        overHidden([&](const Lanes &f, Value j) {
          Value reset0 = apply(f, 0, f.load(gate, gateAt(row, j, 1)));
          f.store(f.mul(reset0, f.load(h, {b, j})), reset, lb.add(lb.mul(row, lb.cst(hidden)), j));
        });
      });
      multiply(2 * hidden, 3 * hidden,
               [&](Value row, Value, Value k) { return lb.load(reset, lb.add(lb.mul(row, lb.cst(hidden)), k)); });
    } else {
      multiply(0, gates * hidden, state);
    }
    forRows([&](Value row, Value b) {
      auto [t, active] = timeOf(b, step);
      Value time = t;
      auto update = [&] {
        overHidden([&](const Lanes &f, Value j) {
          Value next = nextState(f, row, b, time, j);
          f.store(next, h, {b, j});
          f.store(next, y, {time, b, j});
        });
      };
      if (!active)
        return update();
      lb.when(active, update, [&] { overHidden([&](const Lanes &f, Value j) { f.store(f.cst(0), y, {time, b, j}); }); });
    });
  }

  // Activation number `which` of what enters a gate.
  Value apply(const Lanes &f, unsigned which, Value x, bool clips = true) {
    double clip = op.getClip().convertToDouble();
    if (clip > 0 && clips)
      x = f.min(f.max(x, f.cst(-clip)), f.cst(clip));
    auto name = cast<StringAttr>(op.getActivations()[which]).getValue();
    return activate(f, name, op.getAlpha()[which], op.getBeta()[which], x);
  }

  Value nextState(const Lanes &f, Value row, Value b, Value t, Value j) {
    auto at = [&](int64_t g) { return f.load(gate, gateAt(row, j, g)); };
    if (op.getCell() == "rnn")
      return apply(f, 0, at(0));
    if (op.getCell() == "gru") {
      Value z = apply(f, 0, at(0)), old = f.load(h, {b, j}), candidate = at(2);
      if (linearBeforeReset()) {
        Value projected = f.load(xw, {t, b, lb.add(j, lb.cst(2 * hidden))});
        candidate = f.add(projected, f.mul(apply(f, 0, at(1)), candidate));
      }
      candidate = apply(f, 1, candidate);
      return f.add(f.mul(f.sub(f.cst(1), z), candidate), f.mul(z, old));
    }
    // Gates i o f c; peepholes i o f see the cell.
    Value old = f.load(c, {b, j});
    auto peep = [&](int64_t g, Value x, Value cell) {
      return peephole ? f.add(x, f.mul(f.load(peephole, lb.add(j, lb.cst(g * hidden))), cell)) : x;
    };
    Value input = apply(f, 0, peep(0, at(0), old));
    Value forget = op.getInputForget() ? f.sub(f.cst(1), input) : apply(f, 0, peep(2, at(2), old));
    Value cell = f.add(f.mul(forget, old), f.mul(input, apply(f, 1, at(3))));
    f.store(cell, c, {b, j});
    Value output = apply(f, 0, peep(1, at(1), cell));
    return f.mul(output, apply(f, 2, cell, /*clips=*/false));
  }

  RecurrenceOp op;
  LoopBuilder lb;
  int64_t hidden, gates;
  Type element;
  Value xw, r, h0, c0, lens, peephole, hiddenBias, y, h, c;
  Value gate, reset; // scratch: [kRows, gates * hidden], [kRows, hidden]
  Value first, rows; // of the tile
};

} // namespace

AffineMap RecurrenceOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][1].ceilDiv(kRows); });
}

int64_t RecurrenceOp::workspaceBytes() {
  int64_t bytes = cast<RankedTensorType>(getXw().getType()).getElementTypeBitWidth() / 8;
  bool twoPhases = getCell() == "gru" && !getLinearBeforeReset();
  return kRows * (gates() + twoPhases) * hiddenSize() * bytes;
}

LogicalResult RecurrenceOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value workspace) {
  RecurrenceEmitter emitter(*this, b, buffers, workspace);
  LoopBuilder(b, getLoc()).loop(begin, end, [&](Value tile) { emitter.emitTile(tile); });
  return success();
}
