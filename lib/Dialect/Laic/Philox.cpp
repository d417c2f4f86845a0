// Philox 4x32-10, and uniform and normal numbers of its words.
#include "Philox.h"

#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

constexpr unsigned kRounds = 10;
constexpr uint32_t kMultiplier[] = {0xD2511F53, 0xCD9E8D57};
constexpr uint32_t kWeyl[] = {0x9E3779B9, 0xBB67AE85};
constexpr uint32_t kSeeded = 0, kUnseeded = 1; // key words that keep the streams of both kinds apart

Value word(ScalarBuilder &s, uint32_t value) {
  return arith::ConstantOp::create(s.b, s.loc, s.b.getIntegerAttr(s.b.getI32Type(), APInt(32, value)));
}

// High and low half of a 32-bit product.
std::pair<Value, Value> multiply(ScalarBuilder &s, uint32_t factor, Value x) {
  Type i64 = s.b.getI64Type(), i32 = s.b.getI32Type();
  Value wide = arith::ExtUIOp::create(s.b, s.loc, i64, x);
  Value scale = arith::ConstantOp::create(s.b, s.loc, s.b.getI64IntegerAttr(factor));
  Value product = arith::MulIOp::create(s.b, s.loc, wide, scale);
  Value half = arith::ConstantOp::create(s.b, s.loc, s.b.getI64IntegerAttr(32));
  Value high = arith::ShRUIOp::create(s.b, s.loc, product, half);
  return {arith::TruncIOp::create(s.b, s.loc, i32, high), arith::TruncIOp::create(s.b, s.loc, i32, product)};
}

// The upper `bits` of a word as a float that holds them exactly.
Value topBits(ScalarBuilder &s, Value x, unsigned bits, Type type) {
  Value shifted = bits == 32 ? x : Value(arith::ShRUIOp::create(s.b, s.loc, x, word(s, 32 - bits)));
  return arith::UIToFPOp::create(s.b, s.loc, type, shifted);
}

} // namespace

PhiloxKey laic::philoxKey(Operation *op, std::optional<llvm::APFloat> seed) {
  if (seed)
    return {static_cast<uint32_t>(seed->bitcastToAPInt().getZExtValue()), kSeeded};
  llvm::StringRef name;
  if (auto loc = op->getLoc()->findInstanceOf<NameLoc>())
    name = loc.getName().getValue();
  return {static_cast<uint32_t>(llvm::xxh3_64bits(name)), kUnseeded};
}

std::array<Value, 4> laic::philox(ScalarBuilder &s, PhiloxKey key, Value index) {
  Type i64 = s.b.getI64Type(), i32 = s.b.getI32Type();
  Value counter = arith::IndexCastOp::create(s.b, s.loc, i64, index);
  Value half = arith::ConstantOp::create(s.b, s.loc, s.b.getI64IntegerAttr(32));
  Value high = arith::ShRUIOp::create(s.b, s.loc, counter, half);
  std::array<Value, 4> c = {arith::TruncIOp::create(s.b, s.loc, i32, counter), arith::TruncIOp::create(s.b, s.loc, i32, high),
                            word(s, 0), word(s, 0)};
  for (unsigned round = 0; round < kRounds; ++round) {
    auto [high0, low0] = multiply(s, kMultiplier[0], c[0]);
    auto [high1, low1] = multiply(s, kMultiplier[1], c[2]);
    c = {s.xori(s.xori(high1, c[1]), word(s, key.low)), low1, s.xori(s.xori(high0, c[3]), word(s, key.high)), low0};
    key.low += kWeyl[0];
    key.high += kWeyl[1];
  }
  return c;
}

Value laic::uniform(ScalarBuilder &s, llvm::ArrayRef<Value> words, Type type, unsigned bits) {
  if (bits <= 32)
    return s.mul(topBits(s, words[0], bits, type), s.cst(std::ldexp(1.0, -static_cast<int>(bits)), type));
  // 27 and 26 bits, as every generator of doubles does.
  Value high = s.mul(topBits(s, words[0], 27, type), s.cst(std::ldexp(1.0, 26), type));
  return s.mul(s.add(high, topBits(s, words[1], 26, type)), s.cst(std::ldexp(1.0, -53), type));
}

Value laic::normal(ScalarBuilder &s, llvm::ArrayRef<Value> words, Type type) {
  constexpr double kTwoPi = 6.283185307179586;
  bool wide = type.isF64();
  // Half a step up: the logarithm never sees 0.
  Value radius = wide ? s.add(uniform(s, words, type, 53), s.cst(std::ldexp(1.0, -54), type))
                      : s.add(uniform(s, words, type, 32), s.cst(std::ldexp(1.0, -33), type));
  Value turn = wide ? uniform(s, words.drop_front(2), type, 53) : uniform(s, words.drop_front(2), type, 24);
  Value length = s.sqrt(s.mul(s.cst(-2, type), s.log(radius)));
  return s.mul(length, s.cos(s.mul(s.cst(kTwoPi, type), turn)));
}
