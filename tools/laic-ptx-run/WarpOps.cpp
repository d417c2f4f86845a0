// Exchange between the lanes of a warp: shfl, vote, match, redux, activemask, elect.
#include "Lanes.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

// Operands: d, p or a sink, a, b, c, membermask.
template <int Mode> void shuffle(Warp &warp, const Instruction &i, uint32_t mask) { // Mode: 0 up, 1 down, 2 bfly, 3 idx
  const uint32_t *a = warp.lanes<uint32_t>(i.operands[2]), *b = warp.lanes<uint32_t>(i.operands[3]),
                 *c = warp.lanes<uint32_t>(i.operands[4]);
  warp.requireMembers(i, warp.lanes<uint32_t>(i.operands[5])[__builtin_ctz(mask)], mask);
  uint32_t out[kWarpSize];
  uint32_t inRange = 0;
  forLanes(mask, [&](unsigned lane) {
    const uint32_t by = b[lane] & 31, clamp = c[lane] & 31, segment = c[lane] >> 8 & 31;
    const uint32_t last = (lane & segment) | (clamp & ~segment), first = lane & segment;
    uint32_t from = lane;
    bool valid = false;
    switch (Mode) {
    case 0: // the clamp is the lowest lane here
      valid = lane >= by && lane - by >= last;
      from = lane - by;
      break;
    case 1:
      from = lane + by;
      valid = from <= last;
      break;
    case 2:
      from = lane ^ by;
      valid = from <= last;
      break;
    default:
      from = first | (by & ~segment & 31);
      valid = from <= last;
    }
    if (!valid)
      from = lane;
    if (!(mask >> from & 1) && warp.block.config.checks.barriers)
      warp.fail(i, FaultKind::Divergence, lane, "reads lane " + std::to_string(from) + ", which does not take part");
    out[lane] = a[from];
    inRange |= uint32_t(valid) << lane;
  });
  storeLanes(warp, i.operands[0], out, mask);
  warp.setPredicate(i.operands[1], inRange, mask);
}

// Operands: d, predicate, membermask.
void vote(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t members = warp.lanes<uint32_t>(i.operands[2])[__builtin_ctz(mask)];
  warp.requireMembers(i, members, mask);
  const uint32_t yes = warp.predicate(i.operands[1]) & mask & members, all = mask & members;
  if (i.mode == 3) {
    uint32_t out[kWarpSize];
    std::fill(out, out + kWarpSize, yes);
    return storeLanes(warp, i.operands[0], out, mask);
  }
  const bool result = i.mode == 0 ? yes == all : i.mode == 1 ? yes != 0 : yes == all || yes == 0; // all, any, uni
  warp.setPredicate(i.operands[0], result ? kAllLanes : 0, mask);
}

// Operands: d, p or a sink, a, membermask.
template <typename T> void match(Warp &warp, const Instruction &i, uint32_t mask) {
  const T *a = warp.lanes<T>(i.operands[2]);
  const uint32_t members = warp.lanes<uint32_t>(i.operands[3])[__builtin_ctz(mask)];
  warp.requireMembers(i, members, mask);
  uint32_t out[kWarpSize] = {};
  const uint32_t all = mask & members;
  forLanes(all,
           [&](unsigned lane) { forLanes(all, [&](unsigned other) { out[lane] |= uint32_t(a[lane] == a[other]) << other; }); });
  if (i.mode == 1) { // .all: all of them or none
    const bool same = out[__builtin_ctz(mask)] == all;
    std::fill(out, out + kWarpSize, same ? all : 0);
    warp.setPredicate(i.operands[1], same ? kAllLanes : 0, mask);
  }
  storeLanes(warp, i.operands[0], out, mask);
}

// Operands: d, a, membermask.
template <typename T> void reduce(Warp &warp, const Instruction &i, uint32_t mask) {
  const T *a = warp.lanes<T>(i.operands[1]);
  const uint32_t members = warp.lanes<uint32_t>(i.operands[2])[__builtin_ctz(mask)];
  warp.requireMembers(i, members, mask);
  T result = a[__builtin_ctz(mask)];
  forLanes(mask & members & (mask - 1), [&](unsigned lane) {
    switch (i.atomic) {
    case AtomicOp::Add:
      result = static_cast<T>(static_cast<uint32_t>(result) + static_cast<uint32_t>(a[lane]));
      break;
    case AtomicOp::Min:
      result = std::min(result, a[lane]);
      break;
    case AtomicOp::Max:
      result = std::max(result, a[lane]);
      break;
    case AtomicOp::And:
      result &= a[lane];
      break;
    case AtomicOp::Or:
      result |= a[lane];
      break;
    default:
      result ^= a[lane];
    }
  });
  T out[kWarpSize];
  std::fill(out, out + kWarpSize, result);
  storeLanes(warp, i.operands[0], out, mask);
}

void activeMask(Warp &warp, const Instruction &i, uint32_t mask) {
  uint32_t out[kWarpSize];
  std::fill(out, out + kWarpSize, mask);
  storeLanes(warp, i.operands[0], out, mask);
}

// Operands: d or a sink, p, membermask.
void elect(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t members = warp.lanes<uint32_t>(i.operands[2])[__builtin_ctz(mask)];
  warp.requireMembers(i, members, mask);
  const auto leader = static_cast<uint32_t>(__builtin_ctz(mask));
  uint32_t out[kWarpSize];
  std::fill(out, out + kWarpSize, leader);
  storeLanes(warp, i.operands[0], out, mask);
  warp.setPredicate(i.operands[1], 1u << leader, mask);
}

void orderLanes(Warp &warp, const Instruction &i, uint32_t mask) {
  warp.requireMembers(i, warp.lanes<uint32_t>(i.operands[0])[__builtin_ctz(mask)], mask);
  if (warp.block.useShadow)
    warp.block.shadow.tick(warp.index);
}

void pushPair(Decoding &d, const OperandSyntax &target, Type type) {
  const bool pair = target.kind == OperandSyntax::Pair;
  d.anyDestination(pair ? target.parts[0] : target, type);
  if (pair)
    d.predicateDestination(target.parts[1]);
  else
    d.out.operands.push_back({Operand::Sink, 4, false, 0});
}

void decodeShuffle(Decoding &d) {
  const int mode = d.takeOneOf({"up", "down", "bfly", "idx"});
  if (!d.take("sync") || mode < 0 || sizeOf(d.takeType()) != 4)
    d.unsupported();
  d.expectCount(5);
  pushPair(d, d.syntax(0), Type::B32);
  for (size_t i = 1; i < 5; ++i)
    d.source(i, Type::B32);
  constexpr Handler kModes[] = {shuffle<0>, shuffle<1>, shuffle<2>, shuffle<3>};
  d.out.execute = kModes[mode];
}

void decodeVote(Decoding &d) {
  const int mode = d.takeOneOf({"all", "any", "uni", "ballot"});
  if (!d.take("sync") || mode < 0)
    d.unsupported();
  d.out.mode = static_cast<uint8_t>(mode);
  const Type type = d.takeType();
  d.expectCount(3);
  d.destination(0, mode == 3 ? Type::B32 : Type::Pred);
  if ((mode == 3) != (type == Type::B32))
    d.unsupported();
  d.predicateSource(1);
  d.source(2, Type::U32);
  d.out.execute = vote;
}

void decodeMatch(Decoding &d) {
  const int mode = d.takeOneOf({"any", "all"});
  if (!d.take("sync") || mode < 0)
    d.unsupported();
  d.out.mode = static_cast<uint8_t>(mode);
  const Type type = d.takeType();
  d.expectCount(3);
  pushPair(d, d.syntax(0), Type::B32);
  d.source(1, type);
  d.source(2, Type::U32);
  d.out.execute = type == Type::B32 ? match<uint32_t> : type == Type::B64 ? match<uint64_t> : nullptr;
  if (!d.out.execute)
    d.unsupported();
}

void decodeReduce(Decoding &d) {
  constexpr AtomicOp kOps[] = {AtomicOp::Add, AtomicOp::Min, AtomicOp::Max, AtomicOp::And, AtomicOp::Or, AtomicOp::Xor};
  const int op = d.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  if (!d.take("sync") || op < 0)
    d.unsupported();
  d.out.atomic = kOps[op];
  const Type type = d.takeType();
  if (sizeOf(type) != 4 || isFloat(type) || type == Type::Pred)
    d.unsupported();
  d.expectCount(3);
  d.destination(0, type);
  d.source(1, type);
  d.source(2, Type::U32);
  d.out.execute = type == Type::S32 ? reduce<int32_t> : reduce<uint32_t>;
}

void decodeElect(Decoding &d) {
  if (!d.take("sync"))
    d.unsupported();
  d.expectCount(2);
  const OperandSyntax &target = d.syntax(0);
  if (target.kind != OperandSyntax::Pair)
    d.refuse("expects d|p");
  d.anyDestination(target.parts[0], Type::B32);
  d.predicateDestination(target.parts[1]);
  d.source(1, Type::U32);
  d.out.execute = elect;
}

} // namespace

bool laic::ptx::decodeWarp(Decoding &d) {
  if (d.is("shfl")) {
    decodeShuffle(d);
  } else if (d.is("vote")) {
    decodeVote(d);
  } else if (d.is("match")) {
    decodeMatch(d);
  } else if (d.is("redux")) {
    decodeReduce(d);
  } else if (d.is("elect")) {
    decodeElect(d);
  } else if (d.is("activemask")) {
    d.expectCount(1);
    d.destination(0, d.takeType());
    if (d.out.operands[0].width != 4)
      d.unsupported();
    d.out.execute = activeMask;
  } else if ((d.is("bar") || d.is("barrier")) && d.take("warp")) {
    if (!d.take("sync"))
      d.unsupported();
    d.expectCount(1);
    d.source(0, Type::U32);
    d.out.execute = orderLanes;
  } else {
    return false;
  }
  return true;
}
