// atom and red on global and shared memory: add, min, max, inc, dec, and, or, xor, exch, cas.
//
// Lanes go one after the other; blocks of other workers at the same time, hence the host's atomics.
#include "Lanes.h"
#include "Numbers.h"

using namespace laic::ptx;

namespace {

struct HalfAdd {
  static uint16_t apply(uint16_t a, uint16_t b) { return floatToHalf(halfToFloat(a) + halfToFloat(b)); }
};
struct BfloatAdd {
  static uint16_t apply(uint16_t a, uint16_t b) { return floatToBfloat(bfloatToFloat(a) + bfloatToFloat(b)); }
};

// What the memory holds afterwards. T is the type of the numbers, U of their bits.
template <typename T, typename U> U combine(const Instruction &i, U oldBits, U operandBits, U extraBits) {
  const T old = bitCast<T>(oldBits), operand = bitCast<T>(operandBits);
  switch (i.atomic) {
  case AtomicOp::Add:
    if constexpr (std::is_integral_v<T>)
      return static_cast<U>(oldBits + operandBits);
    else
      return bitCast<U>(static_cast<T>(old + operand));
  case AtomicOp::Min:
    return operand < old ? operandBits : oldBits;
  case AtomicOp::Max:
    return operand > old ? operandBits : oldBits;
  case AtomicOp::Inc:
    return oldBits >= operandBits ? 0 : static_cast<U>(oldBits + 1);
  case AtomicOp::Dec:
    return oldBits == 0 || oldBits > operandBits ? operandBits : static_cast<U>(oldBits - 1);
  case AtomicOp::And:
    return oldBits & operandBits;
  case AtomicOp::Or:
    return oldBits | operandBits;
  case AtomicOp::Xor:
    return oldBits ^ operandBits;
  case AtomicOp::Exchange:
    return operandBits;
  case AtomicOp::CompareSwap: // operand: what is compared; extra: the new value
    return oldBits == operandBits ? extraBits : oldBits;
  }
  return oldBits;
}

// Packed and 16-bit sums.
template <typename F, typename U> struct Halves {
  U bits;
  friend Halves operator+(Halves a, Halves b) {
    U out = 0;
    for (unsigned at = 0; at < 8 * sizeof(U); at += 16)
      out = static_cast<U>(
          out | static_cast<U>(F::apply(static_cast<uint16_t>(a.bits >> at), static_cast<uint16_t>(b.bits >> at))) << at);
    return {out};
  }
  friend bool operator<(Halves, Halves) { return false; }
  friend bool operator>(Halves, Halves) { return false; }
};

// Operands: the old value or a sink, the address, b, and of cas c.
template <typename T, typename U> void atomic(Warp &warp, const Instruction &i, uint32_t mask) {
  const Operand &base = i.operands[1];
  const bool three = i.atomic == AtomicOp::CompareSwap;
  const U *operand = warp.lanes<U>(i.operands[2]), *extra = three ? warp.lanes<U>(i.operands[3]) : operand;
  U out[kWarpSize];
  forLanes(mask, [&](unsigned lane) {
    const uint64_t address =
        (base.width == 4 ? warp.lanes<uint32_t>(base)[lane] : warp.lanes<uint64_t>(base)[lane]) + static_cast<uint64_t>(i.offset);
    warp.requireAligned(i, i.space, address, sizeof(U), lane);
    warp.locate(i, i.space, address, sizeof(U), lane, AccessKind::StrongRead);
    U *place = reinterpret_cast<U *>(warp.locate(i, i.space, address, sizeof(U), lane, AccessKind::StrongWrite));
    U old = __atomic_load_n(place, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(place, &old, combine<T, U>(i, old, operand[lane], extra[lane]), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
      continue;
    out[lane] = old;
  });
  storeLanes(warp, i.operands[0], out, mask);
}

Handler handlerOf(Type type) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return atomic<uint16_t, uint16_t>;
  case Type::B32:
  case Type::U32:
    return atomic<uint32_t, uint32_t>;
  case Type::S32:
    return atomic<int32_t, uint32_t>;
  case Type::B64:
  case Type::U64:
    return atomic<uint64_t, uint64_t>;
  case Type::S64:
    return atomic<int64_t, uint64_t>;
  case Type::F32:
    return atomic<float, uint32_t>;
  case Type::F64:
    return atomic<double, uint64_t>;
  case Type::F16:
    return atomic<Halves<HalfAdd, uint16_t>, uint16_t>;
  case Type::F16x2:
    return atomic<Halves<HalfAdd, uint32_t>, uint32_t>;
  case Type::BF16:
    return atomic<Halves<BfloatAdd, uint16_t>, uint16_t>;
  case Type::BF16x2:
    return atomic<Halves<BfloatAdd, uint32_t>, uint32_t>;
  default:
    return nullptr;
  }
}

} // namespace

bool laic::ptx::decodeAtomic(Decoding &d) {
  if (!d.is("atom") && !d.is("red"))
    return false;
  d.takeOneOf({"relaxed", "acquire", "release", "acq_rel"});
  d.takeOneOf({"cta", "gpu", "sys", "cluster"});
  d.take("noftz");
  const int space = d.takeOneOf({"global", "shared", "shared::cta"});
  const int op = d.takeOneOf({"add", "min", "max", "inc", "dec", "and", "or", "xor", "exch", "cas"});
  if (op < 0)
    d.unsupported();
  d.out.atomic = static_cast<AtomicOp>(op);
  d.out.type = d.takeType();
  d.out.execute = handlerOf(d.out.type);
  if (!d.out.execute || (isFloat(d.out.type) && d.out.atomic != AtomicOp::Add))
    d.unsupported();
  const bool returns = d.is("atom"), three = d.out.atomic == AtomicOp::CompareSwap;
  d.expectCount(2 + (returns ? 1 : 0) + (three ? 1 : 0));
  size_t next = 0;
  if (returns)
    d.destination(next++, d.out.type);
  else
    d.out.operands.push_back({Operand::Sink, static_cast<uint8_t>(sizeOf(d.out.type)), false, 0});
  d.address(next++, space < 0 ? Space::Generic : space == 0 ? Space::Global : Space::Shared);
  for (; next < d.count(); ++next)
    d.source(next, d.out.type);
  return true;
}
