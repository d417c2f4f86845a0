// Comparisons: setp and set for integers, floats and pairs of halves, with the combined forms d|q and .and/.or/.xor.
#include "Lanes.h"
#include "Numbers.h"

using namespace laic::ptx;

namespace {

template <typename T> bool compareOne(Compare compare, T a, T b) {
  const bool unordered = std::is_floating_point_v<T> && (a != a || b != b);
  switch (compare) {
  case Compare::Eq:
    return a == b;
  case Compare::Ne:
    return a != b && !unordered;
  case Compare::Lt:
    return a < b;
  case Compare::Le:
    return a <= b;
  case Compare::Gt:
    return a > b;
  case Compare::Ge:
    return a >= b;
  case Compare::Equ:
    return unordered || a == b;
  case Compare::Neu:
    return a != b;
  case Compare::Ltu:
    return unordered || a < b;
  case Compare::Leu:
    return unordered || a <= b;
  case Compare::Gtu:
    return unordered || a > b;
  case Compare::Geu:
    return unordered || a >= b;
  case Compare::Num:
    return !unordered;
  case Compare::Nan:
    return unordered;
  }
  return false;
}

template <typename T> uint32_t maskOf(Compare compare, const T *a, const T *b) {
  uint32_t out = 0;
  const auto pack = [&](auto test) {
    uint8_t bits[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      bits[lane] = test(a[lane], b[lane]);
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      out |= static_cast<uint32_t>(bits[lane]) << lane;
  };
  switch (compare) { // the frequent ones without a choice for each lane
  case Compare::Lt:
    pack([](T x, T y) { return x < y; });
    break;
  case Compare::Ge:
    pack([](T x, T y) { return x >= y; });
    break;
  case Compare::Gt:
    pack([](T x, T y) { return x > y; });
    break;
  case Compare::Eq:
    pack([](T x, T y) { return x == y; });
    break;
  default:
    pack([&](T x, T y) { return compareOne(compare, x, y); });
  }
  return out;
}

uint32_t combine(Logic logic, uint32_t compared, uint32_t other) {
  return logic == Logic::And   ? compared & other
         : logic == Logic::Or  ? compared | other
         : logic == Logic::Xor ? compared ^ other
                               : compared;
}

// Operands: d, q, a, b and perhaps c. q gets the complement of the comparison, combined as well.
template <typename T> void setPredicates(Warp &warp, const Instruction &i, uint32_t mask) {
  const T *a = warp.lanes<T>(i.operands[2]), *b = warp.lanes<T>(i.operands[3]);
  uint32_t compared;
  if (std::is_same_v<T, float> && i.flush) {
    T flushedA[kWarpSize], flushedB[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      flushedA[lane] = static_cast<T>(flushed(static_cast<float>(a[lane])));
      flushedB[lane] = static_cast<T>(flushed(static_cast<float>(b[lane])));
    }
    compared = maskOf(i.compare, flushedA, flushedB);
  } else {
    compared = maskOf(i.compare, a, b);
  }
  const uint32_t other = i.logic == Logic::None ? 0 : warp.predicate(i.operands[4]);
  warp.setPredicate(i.operands[0], combine(i.logic, compared, other), mask);
  warp.setPredicate(i.operands[1], combine(i.logic, ~compared, other), mask);
}

// The halves' comparisons; of a pair, d is about the low one and q about the high one.
template <bool Brain, bool Pair> void compareHalves(Warp &warp, const Instruction &i, uint32_t (&out)[2]) {
  const uint16_t *a = warp.lanes<uint16_t>(i.operands[2]), *b = warp.lanes<uint16_t>(i.operands[3]);
  constexpr unsigned kParts = Pair ? 2 : 1;
  for (unsigned part = 0; part < kParts; ++part) {
    float x[kWarpSize], y[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      x[lane] = Brain ? bfloatToFloat(a[lane * kParts + part]) : halfToFloat(a[lane * kParts + part]);
      y[lane] = Brain ? bfloatToFloat(b[lane * kParts + part]) : halfToFloat(b[lane * kParts + part]);
    }
    out[part] = maskOf(i.compare, x, y);
  }
  if (!Pair)
    out[1] = ~out[0];
}

template <bool Brain, bool Pair> void setHalfPredicates(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t compared[2];
  compareHalves<Brain, Pair>(warp, i, compared);
  const uint32_t other = i.logic == Logic::None ? 0 : warp.predicate(i.operands[4]);
  for (unsigned part = 0; part < 2; ++part)
    warp.setPredicate(i.operands[part], combine(i.logic, compared[part], other), mask);
}

// set: all ones or 1.0 where the comparison holds. Shares its operands' order with setp; operand 1 is a sink.
void writeSet(Warp &warp, const Instruction &i, uint32_t mask, uint32_t holds) {
  const uint32_t yes = i.type == Type::F32 ? 0x3f800000 : UINT32_MAX;
  uint32_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = holds >> lane & 1 ? yes : 0;
  storeLanes(warp, i.operands[0], out, mask);
}

template <typename T> void setValue(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t compared = maskOf(i.compare, warp.lanes<T>(i.operands[2]), warp.lanes<T>(i.operands[3]));
  writeSet(warp, i, mask, combine(i.logic, compared, i.logic == Logic::None ? 0 : warp.predicate(i.operands[4])));
}

template <bool Brain, bool Pair> void setHalfValue(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t compared[2];
  compareHalves<Brain, Pair>(warp, i, compared);
  if (!Pair)
    return writeSet(warp, i, mask, compared[0]);
  const uint32_t yes = i.type == Type::F16x2 ? 0x3c00 : i.type == Type::BF16x2 ? 0x3f80 : 0xffff;
  uint32_t out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = (compared[0] >> lane & 1 ? yes : 0) | (compared[1] >> lane & 1 ? yes : 0) << 16;
  storeLanes(warp, i.operands[0], out, mask);
}

#define HANDLERS(name)                                                                                                           \
  {name<uint16_t>, name<int16_t>, name<uint32_t>, name<int32_t>, name<uint64_t>, name<int64_t>, name<float>, name<double>}
constexpr Handler kSetPredicates[] = HANDLERS(setPredicates);
constexpr Handler kSetValue[] = HANDLERS(setValue);
#undef HANDLERS

Handler handlerOf(Type type, const Handler (&table)[8], bool value) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return table[0];
  case Type::S16:
    return table[1];
  case Type::U32:
  case Type::B32:
    return table[2];
  case Type::S32:
    return table[3];
  case Type::U64:
  case Type::B64:
    return table[4];
  case Type::S64:
    return table[5];
  case Type::F32:
    return table[6];
  case Type::F64:
    return table[7];
  case Type::F16:
    return value ? setHalfValue<false, false> : setHalfPredicates<false, false>;
  case Type::F16x2:
    return value ? setHalfValue<false, true> : setHalfPredicates<false, true>;
  case Type::BF16:
    return value ? setHalfValue<true, false> : setHalfPredicates<true, false>;
  case Type::BF16x2:
    return value ? setHalfValue<true, true> : setHalfPredicates<true, true>;
  default:
    return nullptr;
  }
}

void takeComparison(Decoding &d) {
  // .lo .ls .hi .hs are unsigned lt, le, gt, ge.
  const int compare = d.takeOneOf(
      {"eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan", "lo", "ls", "hi", "hs"});
  if (compare < 0)
    d.refuse("expects a comparison");
  d.out.compare = static_cast<Compare>(compare < 14 ? compare : compare - 12);
  constexpr Logic kLogic[] = {Logic::None, Logic::And, Logic::Or, Logic::Xor};
  d.out.logic = kLogic[d.takeOneOf({"and", "or", "xor"}) + 1];
  d.out.flush = d.take("ftz");
}

void finishSources(Decoding &d, Type type) {
  const bool combined = d.out.logic != Logic::None;
  d.expectCount(combined ? 4 : 3);
  d.source(1, type);
  d.source(2, type);
  if (combined)
    d.predicateSource(3);
}

void decodeSetPredicate(Decoding &d) {
  takeComparison(d);
  const Type type = d.takeType();
  d.out.execute = handlerOf(type, kSetPredicates, false);
  if (!d.out.execute)
    d.unsupported();
  const OperandSyntax &target = d.syntax(0);
  if (target.kind == OperandSyntax::Pair) {
    d.predicateDestination(target.parts[0]);
    d.predicateDestination(target.parts[1]);
  } else {
    d.predicateDestination(target);
    d.out.operands.push_back({Operand::Sink, 4, false, 0});
  }
  finishSources(d, type);
}

void decodeSet(Decoding &d) {
  takeComparison(d);
  const Type result = d.takeType(), type = d.takeType();
  d.out.type = result;
  d.out.execute = handlerOf(type, kSetValue, true);
  const bool pair = type == Type::F16x2 || type == Type::BF16x2;
  const bool fits = pair ? sizeOf(result) == 4 && result != Type::F32
                         : result == Type::U32 || result == Type::S32 || result == Type::F32 || result == Type::B32;
  if (!d.out.execute || !fits || d.out.flush)
    d.unsupported();
  d.destination(0, result);
  d.out.operands.push_back({Operand::Sink, 4, false, 0});
  finishSources(d, type);
}

} // namespace

bool laic::ptx::decodeCompare(Decoding &d) {
  if (d.is("setp"))
    decodeSetPredicate(d);
  else if (d.is("set"))
    decodeSet(d);
  else
    return false;
  return true;
}
