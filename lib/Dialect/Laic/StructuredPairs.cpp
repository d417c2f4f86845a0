// Loops of couple_pairs.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/MlLinearOps.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr int64_t kLeastRounds = 100;
constexpr double kPrecision = 0.005; // of the gradient, divided by the number of classes

int64_t classesOf(CouplePairsOp op) { return cast<RankedTensorType>(op.getProbabilities().getType()).getDimSize(1); }

// One row: minimises the sum of (r[j, i] p[i] - r[i, j] p[j])^2 with p >= 0 and the sum of p being 1, one p at a time. All in f64.
struct Coupling {
  const LoopBuilder &lb;
  ScalarBuilder s;
  Value r, q, qp, p; // [k * k], [k * k], [k], [k]
  int64_t k;
  Value zero, one, count;

  Coupling(const LoopBuilder &lb, Value workspace, int64_t k)
      : lb(lb), s(lb.b, lb.loc), k(k), zero(lb.cst(0)), one(lb.cst(1)), count(lb.cst(k)) {
    Type f64 = lb.b.getF64Type();
    r = lb.scratch(workspace, 0, k * k, f64);
    q = lb.scratch(workspace, 8 * k * k, k * k, f64);
    qp = lb.scratch(workspace, 16 * k * k, k, f64);
    p = lb.scratch(workspace, 16 * k * k + 8 * k, k, f64);
  }

  Value number(double v) { return s.cst(v, lb.b.getF64Type()); }
  Value at(Value i, Value j) const { return lb.add(lb.mul(i, count), j); }
  void each(llvm::function_ref<void(Value)> body) const { lb.loop(zero, count, body); }
  Value sum(llvm::function_ref<Value(Value)> term) {
    return lb.loop(zero, count, one, {number(0)},
                   [&](Value i, ValueRange sum) { return LoopBuilder::Values{s.add(sum[0], term(i))}; })[0];
  }
  Value square(Value v) { return s.mul(v, v); }

  // Both triangles of r, from a row of pairs.
  void readPairs(Value pairs, Value row) {
    each([&](Value i) { lb.store(number(0), r, {at(i, i)}); });
    lb.loop(zero, count, one, {zero}, [&](Value i, ValueRange first) {
      return lb.loop(lb.add(i, one), count, one, first, [&](Value j, ValueRange column) {
        Value v = s.cast(lb.load(pairs, {row, column[0]}), lb.b.getF64Type(), false, false);
        lb.store(v, r, {at(i, j)});
        lb.store(s.sub(number(1), v), r, {at(j, i)});
        return LoopBuilder::Values{lb.add(column[0], one)};
      });
    });
  }
  // q[t, t] = sum of r[j, t]^2, q[t, j] = -r[j, t] r[t, j]; every class as likely as the others.
  void start() {
    each([&](Value t) {
      lb.store(number(1.0 / static_cast<double>(k)), p, {t});
      each([&](Value j) { lb.store(s.neg(s.mul(lb.load(r, {at(j, t)}), lb.load(r, {at(t, j)}))), q, {at(t, j)}); });
      lb.store(sum([&](Value j) { return square(lb.load(r, {at(j, t)})); }), q, {at(t, t)});
    });
  }
  // qp = q p; the value p qp, and how far the gradient is from even.
  std::pair<Value, Value> gradient() {
    each([&](Value t) { lb.store(sum([&](Value j) { return s.mul(lb.load(q, {at(t, j)}), lb.load(p, {j})); }), qp, {t}); });
    Value value = sum([&](Value t) { return s.mul(lb.load(p, {t}), lb.load(qp, {t})); });
    Value error = lb.loop(zero, count, one, {number(0)}, [&](Value t, ValueRange most) {
      return LoopBuilder::Values{s.max(most[0], s.abs(s.sub(lb.load(qp, {t}), value)))};
    })[0];
    return {value, error};
  }
  // One step for each class in turn.
  void step(Value value) {
    lb.loop(zero, count, one, {value}, [&](Value t, ValueRange state) {
      Value qtt = lb.load(q, {at(t, t)}), qpt = lb.load(qp, {t});
      Value change = s.div(s.sub(state[0], qpt), qtt), scale = s.add(number(1), change);
      lb.store(s.add(lb.load(p, {t}), change), p, {t});
      Value gain = s.mul(change, s.add(s.mul(change, qtt), s.mul(number(2), qpt)));
      Value next = s.div(s.div(s.add(state[0], gain), scale), scale);
      each([&](Value j) {
        lb.store(s.div(s.add(lb.load(qp, {j}), s.mul(change, lb.load(q, {at(t, j)}))), scale), qp, {j});
        lb.store(s.div(lb.load(p, {j}), scale), p, {j});
      });
      return LoopBuilder::Values{next};
    });
  }
  void solve() {
    start();
    Value no = arith::ConstantIntOp::create(lb.b, lb.loc, 0, 1);
    lb.loop(zero, lb.cst(std::max(kLeastRounds, k)), one, {no}, [&](Value, ValueRange done) {
      auto round = scf::IfOp::create(lb.b, lb.loc, TypeRange{lb.b.getI1Type()}, done[0], true);
      OpBuilder::InsertionGuard guard(lb.b);
      lb.b.setInsertionPointToStart(round.thenBlock());
      scf::YieldOp::create(lb.b, lb.loc, done[0]);
      lb.b.setInsertionPointToStart(round.elseBlock());
      auto [value, error] = gradient();
      Value stop = s.lt(error, number(kPrecision / static_cast<double>(k)));
      Value current = value; // a lambda cannot capture a structured binding
      lb.when(stop, [] {}, [&] { step(current); });
      scf::YieldOp::create(lb.b, lb.loc, stop);
      return LoopBuilder::Values{round.getResult(0)};
    });
  }
};

} // namespace

AffineMap CouplePairsOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}

int64_t CouplePairsOp::workspaceBytes() {
  int64_t k = classesOf(*this);
  return 8 * (2 * k * k + 2 * k);
}

LogicalResult CouplePairsOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value workspace) {
  LoopBuilder lb(b, getLoc());
  Value pairs = buffers[0], probabilities = buffers[1];
  Coupling coupling(lb, workspace, classesOf(*this));
  Type type = getElementTypeOrSelf(probabilities.getType());
  lb.loop(begin, end, [&](Value row) {
    coupling.readPairs(pairs, row);
    coupling.solve();
    coupling.each(
        [&](Value i) { lb.store(coupling.s.cast(lb.load(coupling.p, {i}), type, false, false), probabilities, {row, i}); });
  });
  return success();
}
