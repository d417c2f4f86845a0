// Bit operations: and, or, xor, not, cnot, lop3, shl, shr, shf, bfe, bfi, bfind, brev, clz, popc, prmt.
#include "Lanes.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

struct And {
  template <typename T> static T apply(T a, T b) { return static_cast<T>(a & b); }
};
struct Or {
  template <typename T> static T apply(T a, T b) { return static_cast<T>(a | b); }
};
struct Xor {
  template <typename T> static T apply(T a, T b) { return static_cast<T>(a ^ b); }
};
struct Not {
  template <typename T> static T apply(T a) { return static_cast<T>(~a); }
};
struct LogicalNot {
  template <typename T> static T apply(T a) { return a == 0; }
};
// Shifts by the width or more give 0, or the sign.
struct ShiftLeft {
  template <typename T> static T apply(T a, uint32_t by) {
    return by >= 8 * sizeof(T) ? 0 : static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) << by);
  }
};
struct ShiftRight {
  template <typename T> static T apply(T a, uint32_t by) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    if (by >= kBits)
      return std::is_signed_v<T> ? static_cast<T>(a >> (kBits - 1)) : 0;
    return static_cast<T>(a >> by);
  }
};
template <bool Left, bool Wrap> struct Funnel {
  static uint32_t apply(uint32_t low, uint32_t high, uint32_t by) {
    by = Wrap ? by & 31 : std::min(by, 32u);
    const uint64_t both = uint64_t(high) << 32 | low;
    return Left ? static_cast<uint32_t>((both << by) >> 32) : static_cast<uint32_t>(both >> by);
  }
};
struct ExtractField {
  template <typename T> static T apply(T a, uint32_t position, uint32_t length) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    position &= 0xff;
    length &= 0xff;
    if (length == 0)
      return 0;
    // The sign is the field's top bit, or the value's when the field runs over its end.
    const uint32_t top = std::min(position + length - 1, kBits - 1);
    const bool sign = std::is_signed_v<T> && (a >> top & 1);
    using U = std::make_unsigned_t<T>;
    U out = position >= kBits ? U(0) : static_cast<U>(static_cast<U>(a) >> position);
    const uint32_t kept = position >= kBits ? 0 : std::min(length, kBits - position);
    const U mask = kept >= kBits ? ~U(0) : static_cast<U>((U(1) << kept) - 1);
    out &= mask;
    return static_cast<T>(sign ? out | static_cast<U>(~mask) : out);
  }
};
template <typename T> struct InsertField {
  static T run(T a, T b, uint32_t position, uint32_t length) {
    constexpr uint32_t kBits = 8 * sizeof(T);
    position &= 0xff;
    length &= 0xff;
    if (length == 0 || position >= kBits)
      return b;
    const T field = length >= kBits ? ~T(0) : (T(1) << length) - 1;
    return (b & ~(field << position)) | ((a & field) << position);
  }
};
template <bool ShiftAmount> struct FindLeading {
  template <typename T> static uint32_t apply(T a) {
    const uint64_t bits = std::is_signed_v<T> && a < 0 ? static_cast<uint64_t>(static_cast<std::make_unsigned_t<T>>(~a))
                                                       : static_cast<uint64_t>(static_cast<std::make_unsigned_t<T>>(a));
    if (bits == 0)
      return UINT32_MAX;
    const uint32_t position = 63 - static_cast<uint32_t>(__builtin_clzll(bits));
    return ShiftAmount ? 8 * sizeof(T) - 1 - position : position;
  }
};
struct Reverse {
  template <typename T> static T apply(T a) {
    T out = 0;
    for (unsigned i = 0; i < 8 * sizeof(T); ++i, a = static_cast<T>(a >> 1))
      out = static_cast<T>(out << 1 | (a & 1));
    return out;
  }
};
struct CountLeadingZeros {
  template <typename T> static uint32_t apply(T a) {
    return a == 0 ? 8 * sizeof(T) : static_cast<uint32_t>(__builtin_clzll(a)) - (64 - 8 * sizeof(T));
  }
};
struct PopulationCount {
  template <typename T> static uint32_t apply(T a) { return static_cast<uint32_t>(__builtin_popcountll(a)); }
};

// The eight bytes {b, a}; a nibble's top bit replicates the byte's sign.
uint32_t permuteByte(uint64_t bytes, uint32_t selector) {
  const auto byte = static_cast<uint32_t>(bytes >> (8 * (selector & 7)) & 0xff);
  return selector & 8 ? (byte & 0x80 ? 0xff : 0) : byte;
}
struct Permute {
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t selectors) {
    const uint64_t bytes = uint64_t(b) << 32 | a;
    uint32_t out = 0;
    for (unsigned i = 0; i < 4; ++i)
      out |= permuteByte(bytes, selectors >> (4 * i) & 15) << (8 * i);
    return out;
  }
};
enum class PermuteMode { F4e, B4e, Rc8, Ecl, Ecr, Rc16 };
template <PermuteMode Mode> struct PermuteBy {
  static uint32_t selectorOf(uint32_t i, uint32_t c) {
    switch (Mode) {
    case PermuteMode::F4e:
      return c + i;
    case PermuteMode::B4e:
      return (c - i) & 7;
    case PermuteMode::Rc8:
      return c;
    case PermuteMode::Ecl:
      return std::max(i, c);
    case PermuteMode::Ecr:
      return std::min(i, c);
    case PermuteMode::Rc16:
      return (c & 1) * 2 + (i & 1);
    }
    return 0;
  }
  static uint32_t apply(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t out = 0;
    for (uint32_t i = 0; i < 4; ++i)
      out |= permuteByte(uint64_t(b) << 32 | a, selectorOf(i, c & 3) & 7) << (8 * i);
    return out;
  }
};

template <typename T> void insertField(Warp &warp, const Instruction &i, uint32_t mask) {
  const T *a = warp.lanes<T>(i.operands[1]), *b = warp.lanes<T>(i.operands[2]);
  const uint32_t *position = warp.lanes<uint32_t>(i.operands[3]), *length = warp.lanes<uint32_t>(i.operands[4]);
  T out[kWarpSize];
  for (unsigned lane = 0; lane < kWarpSize; ++lane)
    out[lane] = InsertField<T>::run(a[lane], b[lane], position[lane], length[lane]);
  storeLanes(warp, i.operands[0], out, mask);
}

void lookUp(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t *a = warp.lanes<uint32_t>(i.operands[1]), *b = warp.lanes<uint32_t>(i.operands[2]),
                 *c = warp.lanes<uint32_t>(i.operands[3]);
  uint32_t out[kWarpSize] = {};
  for (unsigned row = 0; row < 8; ++row) {
    if (!(i.mode >> row & 1))
      continue;
    for (unsigned lane = 0; lane < kWarpSize; ++lane)
      out[lane] |= (row & 4 ? a[lane] : ~a[lane]) & (row & 2 ? b[lane] : ~b[lane]) & (row & 1 ? c[lane] : ~c[lane]);
  }
  storeLanes(warp, i.operands[0], out, mask);
}

void logicPredicate(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t a = warp.predicate(i.operands[1]);
  const uint32_t b = i.operands.size() > 2 ? warp.predicate(i.operands[2]) : kAllLanes;
  const uint32_t out = i.logic == Logic::And ? a & b : i.logic == Logic::Or ? a | b : a ^ b; // not: a xor all
  warp.setPredicate(i.operands[0], out, mask);
}

void decodeLogic(Decoding &d) {
  const Type type = d.takeType();
  const bool inverts = d.is("not") || d.is("cnot");
  d.expectCount(inverts ? 2 : 3);
  if (type == Type::Pred) {
    if (d.is("cnot"))
      d.unsupported();
    d.out.logic = d.is("and") ? Logic::And : d.is("or") ? Logic::Or : Logic::Xor;
    d.out.execute = logicPredicate;
    d.predicateDestination(d.syntax(0));
    d.predicateSource(1);
    if (!inverts)
      d.predicateSource(2);
    return;
  }
  d.out.execute = d.is("and")   ? binaryInteger<And>(type)
                  : d.is("or")  ? binaryInteger<Or>(type)
                  : d.is("xor") ? binaryInteger<Xor>(type)
                  : d.is("not") ? unaryInteger<Not>(type)
                                : unaryInteger<LogicalNot>(type);
  d.destination(0, type);
  for (size_t i = 1; i < d.count(); ++i)
    d.source(i, type);
}

template <typename F> Handler shiftHandler(Type type) {
  switch (type) {
  case Type::B16:
  case Type::U16:
    return binary<F, uint16_t, uint16_t, uint32_t>;
  case Type::S16:
    return binary<F, int16_t, int16_t, uint32_t>;
  case Type::B32:
  case Type::U32:
    return binary<F, uint32_t, uint32_t, uint32_t>;
  case Type::S32:
    return binary<F, int32_t, int32_t, uint32_t>;
  case Type::B64:
  case Type::U64:
    return binary<F, uint64_t, uint64_t, uint32_t>;
  case Type::S64:
    return binary<F, int64_t, int64_t, uint32_t>;
  default:
    return nullptr;
  }
}

void decodeShift(Decoding &d) {
  const Type type = d.takeType();
  d.expectCount(3);
  d.out.execute = d.is("shl") ? shiftHandler<ShiftLeft>(type) : shiftHandler<ShiftRight>(type);
  d.destination(0, type);
  d.source(1, type);
  d.source(2, Type::U32);
}

void decodeFunnel(Decoding &d) {
  const int left = d.takeOneOf({"r", "l"});
  const int wrap = d.takeOneOf({"clamp", "wrap"});
  if (left < 0 || wrap < 0 || d.takeType() != Type::B32)
    d.unsupported();
  using U = uint32_t;
  d.out.execute = left ? (wrap ? ternary<Funnel<true, true>, U, U, U, U> : ternary<Funnel<true, false>, U, U, U, U>)
                       : (wrap ? ternary<Funnel<false, true>, U, U, U, U> : ternary<Funnel<false, false>, U, U, U, U>);
  d.expectCount(4);
  d.destination(0, Type::B32);
  for (size_t i = 1; i < 4; ++i)
    d.source(i, Type::B32);
}

void decodeExtract(Decoding &d) {
  const Type type = d.takeType();
  d.out.execute = type == Type::U32   ? ternary<ExtractField, uint32_t, uint32_t, uint32_t, uint32_t>
                  : type == Type::S32 ? ternary<ExtractField, int32_t, int32_t, uint32_t, uint32_t>
                  : type == Type::U64 ? ternary<ExtractField, uint64_t, uint64_t, uint32_t, uint32_t>
                  : type == Type::S64 ? ternary<ExtractField, int64_t, int64_t, uint32_t, uint32_t>
                                      : Handler(nullptr);
  d.expectCount(4);
  d.destination(0, type);
  d.source(1, type);
  d.source(2, Type::U32);
  d.source(3, Type::U32);
}

void decodeInsert(Decoding &d) {
  const Type type = d.takeType();
  d.out.execute = type == Type::B32 ? insertField<uint32_t> : type == Type::B64 ? insertField<uint64_t> : Handler(nullptr);
  d.expectCount(5);
  for (size_t i = 0; i < 3; ++i)
    d.source(i, type);
  d.source(3, Type::U32);
  d.source(4, Type::U32);
}

template <typename F> Handler countHandler(Type type) {
  switch (type) {
  case Type::B32:
  case Type::U32:
    return unary<F, uint32_t, uint32_t>;
  case Type::B64:
  case Type::U64:
    return unary<F, uint32_t, uint64_t>;
  default:
    return nullptr;
  }
}
template <typename F> Handler findHandler(Type type) {
  return type == Type::S32   ? unary<F, uint32_t, int32_t>
         : type == Type::S64 ? unary<F, uint32_t, int64_t>
                             : countHandler<F>(type);
}

void decodeCount(Decoding &d) {
  const bool amount = d.is("bfind") && d.take("shiftamt");
  const Type type = d.takeType();
  d.out.execute = d.is("clz")    ? countHandler<CountLeadingZeros>(type)
                  : d.is("popc") ? countHandler<PopulationCount>(type)
                  : amount       ? findHandler<FindLeading<true>>(type)
                                 : findHandler<FindLeading<false>>(type);
  d.expectCount(2);
  d.destination(0, Type::U32);
  d.source(1, type);
}

void decodePermute(Decoding &d) {
  using U = uint32_t;
  if (d.takeType() != Type::B32)
    d.unsupported();
  switch (d.takeOneOf({"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"})) {
  case 0:
    d.out.execute = ternary<PermuteBy<PermuteMode::F4e>, U, U, U, U>;
    break;
  case 1:
    d.out.execute = ternary<PermuteBy<PermuteMode::B4e>, U, U, U, U>;
    break;
  case 2:
    d.out.execute = ternary<PermuteBy<PermuteMode::Rc8>, U, U, U, U>;
    break;
  case 3:
    d.out.execute = ternary<PermuteBy<PermuteMode::Ecl>, U, U, U, U>;
    break;
  case 4:
    d.out.execute = ternary<PermuteBy<PermuteMode::Ecr>, U, U, U, U>;
    break;
  case 5:
    d.out.execute = ternary<PermuteBy<PermuteMode::Rc16>, U, U, U, U>;
    break;
  default:
    d.out.execute = ternary<Permute, U, U, U, U>;
  }
  d.expectCount(4);
  d.destination(0, Type::B32);
  for (size_t i = 1; i < 4; ++i)
    d.source(i, Type::B32);
}

void decodeLookUp(Decoding &d) {
  if (d.takeType() != Type::B32)
    d.unsupported();
  d.expectCount(5);
  const uint64_t table = d.immediate(4);
  if (table > 255)
    d.refuse("expects a table of 0 to 255");
  d.out.mode = static_cast<uint8_t>(table);
  d.out.execute = lookUp;
  d.destination(0, Type::B32);
  for (size_t i = 1; i < 4; ++i)
    d.source(i, Type::B32);
}

void decodeReverse(Decoding &d) {
  const Type type = d.takeType();
  d.out.execute = type == Type::B32   ? unary<Reverse, uint32_t, uint32_t>
                  : type == Type::B64 ? unary<Reverse, uint64_t, uint64_t>
                                      : Handler(nullptr);
  d.expectCount(2);
  d.destination(0, type);
  d.source(1, type);
}

constexpr std::pair<const char *, void (*)(Decoding &)> kFamily[] = {
    {"and", decodeLogic},   {"or", decodeLogic},     {"xor", decodeLogic},   {"not", decodeLogic},
    {"cnot", decodeLogic},  {"shl", decodeShift},    {"shr", decodeShift},   {"shf", decodeFunnel},
    {"bfe", decodeExtract}, {"bfi", decodeInsert},   {"clz", decodeCount},   {"popc", decodeCount},
    {"bfind", decodeCount}, {"prmt", decodePermute}, {"lop3", decodeLookUp}, {"brev", decodeReverse}};

} // namespace

bool laic::ptx::decodeBits(Decoding &d) {
  for (auto [name, decode] : kFamily)
    if (d.is(name)) {
      decode(d);
      if (!d.out.execute)
        d.unsupported();
      return true;
    }
  return false;
}
