// Loops over the 32 lanes of a warp that the families share.
//
// Results are computed for all lanes into a local array, so that the compiler vectorises, and stored for the lanes of the mask.
#ifndef LAIC_PTX_LANES_H
#define LAIC_PTX_LANES_H

#include "Decoder.h"
#include "Warp.h"

#include <cstring>
#include <type_traits>

namespace laic {
namespace ptx {

template <typename T> void storeLanes(Warp &warp, const Operand &operand, const T (&values)[kWarpSize], uint32_t mask) {
  if (operand.kind == Operand::Sink)
    return;
  T *out = warp.lanes<T>(operand);
  if (mask == kAllLanes) {
    memcpy(out, values, sizeof values);
    return;
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    if (mask >> lane & 1)
      out[lane] = values[lane];
}

template <typename F, typename D, typename S> void unary(Warp &warp, const Instruction &i, uint32_t mask) {
  const S *a = warp.lanes<S>(i.operands[1]);
  D out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = F::apply(a[lane]);
  storeLanes(warp, i.operands[0], out, mask);
}

template <typename F, typename D, typename A, typename B> void binary(Warp &warp, const Instruction &i, uint32_t mask) {
  const A *a = warp.lanes<A>(i.operands[1]);
  const B *b = warp.lanes<B>(i.operands[2]);
  D out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = F::apply(a[lane], b[lane]);
  storeLanes(warp, i.operands[0], out, mask);
}

template <typename F, typename D, typename A, typename B, typename C>
void ternary(Warp &warp, const Instruction &i, uint32_t mask) {
  const A *a = warp.lanes<A>(i.operands[1]);
  const B *b = warp.lanes<B>(i.operands[2]);
  const C *c = warp.lanes<C>(i.operands[3]);
  D out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = F::apply(a[lane], b[lane], c[lane]);
  storeLanes(warp, i.operands[0], out, mask);
}

// A register's 32 values as T, whatever wider width it has.
template <typename T> void loadWide(Warp &warp, const Operand &operand, T (&out)[kWarpSize]) {
  const auto copy = [&](auto *in) {
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      out[lane] = static_cast<T>(in[lane]);
  };
  switch (operand.width) {
  case 1:
    return copy(warp.lanes<uint8_t>(operand));
  case 2:
    return copy(warp.lanes<uint16_t>(operand));
  case 4:
    return copy(warp.lanes<uint32_t>(operand));
  default:
    return copy(warp.lanes<uint64_t>(operand));
  }
}

// The reverse: signed T are sign-extended to the register, others zero-extended.
template <typename T> void storeWide(Warp &warp, const Operand &operand, const T (&values)[kWarpSize], uint32_t mask) {
  const auto store = [&](auto example) {
    using Wide = decltype(example);
    Wide wide[kWarpSize];
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      wide[lane] = static_cast<Wide>(values[lane]);
    storeLanes(warp, operand, wide, mask);
  };
  switch (operand.width) {
  case 1:
    return store(uint8_t());
  case 2:
    return store(uint16_t());
  case 4:
    return store(uint32_t());
  default:
    return store(uint64_t());
  }
}

// Calls `f` with each lane of the mask.
template <typename F> void forLanes(uint32_t mask, F f) {
  for (; mask; mask &= mask - 1)
    f(static_cast<unsigned>(__builtin_ctz(mask)));
}

// The handlers of an integer operation F for each integer type; null for others.
template <typename F> Handler unaryInteger(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return unary<F, uint16_t, uint16_t>;
  case Type::S16:
    return unary<F, int16_t, int16_t>;
  case Type::U32:
  case Type::B32:
    return unary<F, uint32_t, uint32_t>;
  case Type::S32:
    return unary<F, int32_t, int32_t>;
  case Type::U64:
  case Type::B64:
    return unary<F, uint64_t, uint64_t>;
  case Type::S64:
    return unary<F, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

template <typename F> Handler binaryInteger(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return binary<F, uint16_t, uint16_t, uint16_t>;
  case Type::S16:
    return binary<F, int16_t, int16_t, int16_t>;
  case Type::U32:
  case Type::B32:
    return binary<F, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return binary<F, int32_t, int32_t, int32_t>;
  case Type::U64:
  case Type::B64:
    return binary<F, uint64_t, uint64_t, uint64_t>;
  case Type::S64:
    return binary<F, int64_t, int64_t, int64_t>;
  default:
    return nullptr;
  }
}

} // namespace ptx
} // namespace laic
#endif
