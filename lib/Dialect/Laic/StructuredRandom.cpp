// Loops of mersenne_uniform.
#include "LoopBuilder.h"
#include "laic/Dialect/Laic/RandomOps.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"

using namespace mlir;
using namespace laic;

namespace {

// MT19937: Matsumoto, Nishimura, 1998.
constexpr int64_t kState = 624, kMiddle = 397;
constexpr uint32_t kMatrix = 0x9908B0DF, kUpper = 0x80000000, kLower = 0x7FFFFFFF, kSeedFactor = 1812433253;

struct Twister {
  const LoopBuilder &lb;
  ScalarBuilder s;
  Value state;

  Twister(const LoopBuilder &lb, Value state) : lb(lb), s(lb.b, lb.loc), state(state) {}

  Value word(uint32_t value) const {
    return arith::ConstantOp::create(lb.b, lb.loc, lb.b.getIntegerAttr(lb.b.getI32Type(), APInt(32, value)));
  }
  Value right(Value x, uint32_t by) const { return arith::ShRUIOp::create(lb.b, lb.loc, x, word(by)); }
  Value left(Value x, uint32_t by) const { return arith::ShLIOp::create(lb.b, lb.loc, x, word(by)); }

  void seed(uint32_t value) {
    lb.store(word(value), state, {lb.cst(0)});
    lb.loop(lb.cst(1), lb.cst(kState), [&](Value i) {
      Value last = lb.load(state, {lb.sub(i, lb.cst(1))});
      Value mixed = s.mul(word(kSeedFactor), s.xori(last, right(last, 30)));
      lb.store(s.add(mixed, lb.toInt(i, lb.b.getI32Type())), state, {i});
    });
  }
  // The next 624 words, in place.
  void twist() {
    Value size = lb.cst(kState);
    lb.loop(lb.cst(0), size, [&](Value i) {
      Value next = lb.load(state, {lb.rem(lb.add(i, lb.cst(1)), size)});
      Value middle = lb.load(state, {lb.rem(lb.add(i, lb.cst(kMiddle)), size)});
      Value y = s.ori(s.andi(lb.load(state, {i}), word(kUpper)), s.andi(next, word(kLower)));
      Value odd = s.eq(s.andi(y, word(1)), word(1));
      lb.store(s.xori(s.xori(middle, right(y, 1)), lb.select(odd, word(kMatrix), word(0))), state, {i});
    });
  }
  Value temper(Value i) {
    Value y = lb.load(state, {i});
    y = s.xori(y, right(y, 11));
    y = s.xori(y, s.andi(left(y, 7), word(0x9D2C5680)));
    y = s.xori(y, s.andi(left(y, 15), word(0xEFC60000)));
    return s.xori(y, right(y, 18));
  }
};

} // namespace

AffineMap MersenneUniformOp::tileCount() {
  return tileCountOf(*this, [&](auto &) { return getAffineConstantExpr(1, getContext()); });
}

int64_t MersenneUniformOp::workspaceBytes() { return kState * 4; }

LogicalResult MersenneUniformOp::emitLoops(OpBuilder &b, ValueRange buffers, Value begin, Value end, Value workspace) {
  LoopBuilder lb(b, getLoc());
  constexpr int64_t kPairs = kState / 2; // a number takes two words
  Twister twister(lb, lb.scratch(workspace, 0, kState, b.getI32Type()));
  Value numbers = buffers[0], n = lb.dim(numbers, 0), pairs = lb.cst(kPairs);
  lb.loop(begin, end, [&](Value) {
    twister.seed(static_cast<uint32_t>(getSeed()));
    lb.loop(lb.cst(0), n, pairs, [&](Value first) {
      twister.twist();
      lb.loop(lb.cst(0), lb.min(pairs, lb.sub(n, first)), [&](Value k) {
        Value at = lb.mul(k, lb.cst(2));
        auto part = [&](Value i, uint32_t drop) {
          return arith::UIToFPOp::create(b, getLoc(), b.getF64Type(), twister.right(twister.temper(i), drop));
        };
        Value high = part(at, 5), low = part(lb.add(at, lb.cst(1)), 6);
        ScalarBuilder &s = twister.s;
        Value sum = s.add(s.mul(high, s.cst(67108864.0, high)), low);
        lb.store(s.mul(sum, s.cst(1.0 / 9007199254740992.0, sum)), numbers, {lb.add(first, k)});
      });
    });
  });
  return success();
}
