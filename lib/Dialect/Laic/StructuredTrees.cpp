// Loops of forest.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/MlTreesOps.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"

#include <cmath>

using namespace mlir;
using namespace laic;

AffineMap ForestOp::tileCount() {
  return tileCountOf(*this, [](auto &tensors) { return tensors[0][0]; });
}

namespace {

constexpr int64_t kLeaf = 6;

// The buffers of a forest, in the order of its operands.
struct Tables {
  Value x, threshold, feature, mode, missing, yes, no, roots, target, weight, scores;
  explicit Tables(ValueRange b)
      : x(b[0]), threshold(b[1]), feature(b[2]), mode(b[3]), missing(b[4]), yes(b[5]), no(b[6]), roots(b[7]), target(b[8]),
        weight(b[9]), scores(b[10]) {}
};

Value compare(const LoopBuilder &lb, int64_t mode, Value x, Value threshold) {
  using P = arith::CmpFPredicate;
  constexpr P predicates[] = {P::OLE, P::OLT, P::OGE, P::OGT, P::OEQ, P::UNE};
  return arith::CmpFOp::create(lb.b, lb.loc, predicates[mode], x, threshold);
}

// The node after `node` for this row.
Value next(const LoopBuilder &lb, const Tables &t, Value row, Value node, Value mode, llvm::ArrayRef<int64_t> modes) {
  Value x = lb.load(t.x, {row, lb.toIndex(lb.load(t.feature, {node}))}), threshold = lb.load(t.threshold, {node});
  Value taken = compare(lb, modes.front(), x, threshold);
  for (int64_t other : modes.drop_front()) {
    Value is = lb.eq(mode, arith::ConstantIntOp::create(lb.b, lb.loc, other, 8));
    taken = lb.select(is, compare(lb, other, x, threshold), taken);
  }
  Value isMissing = arith::CmpFOp::create(lb.b, lb.loc, arith::CmpFPredicate::UNO, x, x);
  Value tracks = arith::TruncIOp::create(lb.b, lb.loc, lb.b.getI1Type(), lb.load(t.missing, {node}));
  taken = lb.either(taken, lb.both(isMissing, tracks));
  return lb.toIndex(lb.select(taken, lb.load(t.yes, {node}), lb.load(t.no, {node})));
}

// The leaf that a row reaches from a root.
Value descend(const LoopBuilder &lb, const Tables &t, Value row, Value root, llvm::ArrayRef<int64_t> modes) {
  if (modes.empty())
    return root; // nothing but leaves
  Type index = lb.b.getIndexType(), i8 = lb.b.getI8Type();
  auto loop = scf::WhileOp::create(lb.b, lb.loc, TypeRange{index, i8}, ValueRange{root});
  OpBuilder::InsertionGuard guard(lb.b);
  Block *test = lb.b.createBlock(&loop.getBefore(), {}, {index}, {lb.loc});
  Value mode = lb.load(t.mode, {test->getArgument(0)});
  Value inner = lb.cmp(arith::CmpIPredicate::ne, mode, arith::ConstantIntOp::create(lb.b, lb.loc, kLeaf, 8));
  scf::ConditionOp::create(lb.b, lb.loc, inner, ValueRange{test->getArgument(0), mode});
  Block *step = lb.b.createBlock(&loop.getAfter(), {}, {index, i8}, {lb.loc, lb.loc});
  scf::YieldOp::create(lb.b, lb.loc, ValueRange{next(lb, t, row, step->getArgument(0), step->getArgument(1), modes)});
  return loop.getResult(0);
}

} // namespace

LogicalResult ForestOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value) {
  LoopBuilder lb(b, getLoc());
  ScalarBuilder s(b, getLoc());
  Tables t(buffers);
  Type type = getElementTypeOrSelf(t.scores.getType());
  bool isSum = getAggregate() == "sum", isMin = getAggregate() == "min";
  Value zero = lb.cst(0), nothing = s.cst(isSum ? 0.0 : isMin ? INFINITY : -INFINITY, type);
  lb.loop(begin, end, [&](Value row) {
    auto eachTarget = [&](llvm::function_ref<void(Value)> body) { lb.loop(zero, lb.dim(t.scores, 1), body); };
    eachTarget([&](Value k) { lb.store(nothing, t.scores, {row, k}); });
    lb.loop(zero, lb.dim(t.roots, 0), [&](Value tree) {
      Value leaf = descend(lb, t, row, lb.toIndex(lb.load(t.roots, {tree})), getModes());
      lb.loop(lb.toIndex(lb.load(t.yes, {leaf})), lb.toIndex(lb.load(t.no, {leaf})), [&](Value vote) {
        Value to = lb.toIndex(lb.load(t.target, {vote})), weight = lb.load(t.weight, {vote});
        Value old = lb.load(t.scores, {row, to});
        lb.store(isSum ? s.add(old, weight) : isMin ? s.min(old, weight) : s.max(old, weight), t.scores, {row, to});
      });
    });
    if (isSum)
      return;
    eachTarget([&](Value k) {
      Value score = lb.load(t.scores, {row, k});
      lb.store(lb.select(s.eq(score, nothing), s.cst(0, type), score), t.scores, {row, k});
    });
  });
  return success();
}
