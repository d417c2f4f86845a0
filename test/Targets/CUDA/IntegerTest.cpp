// Integer and bit instructions against C++.
#include "PtxTest.h"

#include <algorithm>
#include <limits>

using namespace laic::ptx::test;

namespace {

template <typename T> void checkArithmetic(const std::string &type) {
  using U = std::make_unsigned_t<T>;
  using Wide = std::conditional_t<std::is_signed_v<T>, __int128, unsigned __int128>;
  const std::vector<T> values = edges<T>();
  constexpr unsigned kBits = 8 * sizeof(T);
  check2<T>("add." + type + " %d, %a, %b;", values, [](T a, T b) { return T(U(U(a) + U(b))); });
  check2<T>("sub." + type + " %d, %a, %b;", values, [](T a, T b) { return T(U(U(a) - U(b))); });
  check2<T>("mul.lo." + type + " %d, %a, %b;", values, [](T a, T b) { return T(Wide(a) * Wide(b)); });
  check2<T>("mul.hi." + type + " %d, %a, %b;", values, [](T a, T b) { return T((Wide(a) * Wide(b)) >> kBits); });
  check2<T>("mad.lo." + type + " %d, %a, %b, %a;", values, [](T a, T b) { return T(Wide(a) * Wide(b) + Wide(a)); });
  check2<T>("mad.hi." + type + " %d, %a, %b, %a;", values, [](T a, T b) { return T(U(U((Wide(a) * Wide(b)) >> kBits) + U(a))); });
  check2<T>("min." + type + " %d, %a, %b;", values, [](T a, T b) { return std::min(a, b); });
  check2<T>("max." + type + " %d, %a, %b;", values, [](T a, T b) { return std::max(a, b); });
  check2<T>("div." + type + " %d, %a, %b;", values, [](T a, T b) { return b == 0 ? T(-1) : T(Wide(a) / Wide(b)); });
  check2<T>("rem." + type + " %d, %a, %b;", values, [](T a, T b) { return b == 0 ? a : T(Wide(a) % Wide(b)); });
  check2<T>("sad." + type + " %d, %a, %b, %a;", values,
            [](T a, T b) { return T(U(U(std::max(a, b)) - U(std::min(a, b)) + U(a))); });
}

TEST(Integer, Arithmetic16) {
  checkArithmetic<int16_t>("s16");
  checkArithmetic<uint16_t>("u16");
}
TEST(Integer, Arithmetic32) {
  checkArithmetic<int32_t>("s32");
  checkArithmetic<uint32_t>("u32");
}
TEST(Integer, Arithmetic64) {
  checkArithmetic<int64_t>("s64");
  checkArithmetic<uint64_t>("u64");
}

TEST(Integer, NegAbsNot) {
  check1<int32_t>("neg.s32 %d, %a;", edges<int32_t>(), [](int32_t a) { return int32_t(0u - uint32_t(a)); });
  check1<int32_t>("abs.s32 %d, %a;", edges<int32_t>(), [](int32_t a) { return a < 0 ? int32_t(0u - uint32_t(a)) : a; });
  check1<int64_t>("neg.s64 %d, %a;", edges<int64_t>(), [](int64_t a) { return int64_t(0ull - uint64_t(a)); });
  check1<int16_t>("abs.s16 %d, %a;", edges<int16_t>(), [](int16_t a) { return int16_t(a < 0 ? -a : a); });
  check1<uint32_t>("not.b32 %d, %a;", edges<uint32_t>(), [](uint32_t a) { return ~a; });
  check1<uint16_t>("cnot.b16 %d, %a;", edges<uint16_t>(), [](uint16_t a) { return a == 0; });
}

TEST(Integer, WideProducts) {
  check2<int32_t>("mul.wide.s16 %d, %a, %b;", edges<int16_t>(), [](int16_t a, int16_t b) { return int32_t(a) * b; });
  check2<uint64_t>("mul.wide.u32 %d, %a, %b;", edges<uint32_t>(), [](uint32_t a, uint32_t b) { return uint64_t(a) * b; });
  check2<int64_t>("mul.wide.s32 %d, %a, %b;", edges<int32_t>(), [](int32_t a, int32_t b) { return int64_t(a) * b; });
  check2<int64_t>("mov.b64 %l0, {%a, %b};\nmad.wide.s32 %d, %a, %b, %l0;", edges<int32_t>(), [](int32_t a, int32_t b) {
    return int64_t(uint64_t(int64_t(a) * b) + (uint64_t(uint32_t(b)) << 32 | uint32_t(a)));
  });
}

TEST(Integer, Products24) {
  const auto sign = [](int32_t a) { return int64_t(int32_t(uint32_t(a) << 8) >> 8); };
  check2<int32_t>("mul24.lo.s32 %d, %a, %b;", edges<int32_t>(), [&](int32_t a, int32_t b) { return int32_t(sign(a) * sign(b)); });
  check2<int32_t>("mul24.hi.s32 %d, %a, %b;", edges<int32_t>(),
                  [&](int32_t a, int32_t b) { return int32_t((sign(a) * sign(b)) >> 16); });
  check2<uint32_t>("mul24.hi.u32 %d, %a, %b;", edges<uint32_t>(),
                   [](uint32_t a, uint32_t b) { return uint32_t((uint64_t(a & 0xffffff) * (b & 0xffffff)) >> 16); });
  check2<uint32_t>("mad24.lo.u32 %d, %a, %b, %a;", edges<uint32_t>(),
                   [](uint32_t a, uint32_t b) { return uint32_t(uint64_t(a & 0xffffff) * (b & 0xffffff)) + a; });
}

TEST(Integer, Saturates) {
  const auto clamp = [](int64_t a) { return int32_t(std::clamp<int64_t>(a, INT32_MIN, INT32_MAX)); };
  check2<int32_t>("add.sat.s32 %d, %a, %b;", edges<int32_t>(), [&](int32_t a, int32_t b) { return clamp(int64_t(a) + b); });
  check2<int32_t>("sub.sat.s32 %d, %a, %b;", edges<int32_t>(), [&](int32_t a, int32_t b) { return clamp(int64_t(a) - b); });
  check2<int32_t>("mad.hi.sat.s32 %d, %a, %b, %a;", edges<int32_t>(),
                  [&](int32_t a, int32_t b) { return clamp(((int64_t(a) * b) >> 32) + a); });
}

TEST(Integer, PackedPairs) {
  const auto each = [](uint32_t a, uint32_t b, auto f) {
    return uint32_t(uint16_t(f(uint16_t(a), uint16_t(b)))) | uint32_t(uint16_t(f(uint16_t(a >> 16), uint16_t(b >> 16)))) << 16;
  };
  check2<uint32_t>("add.u16x2 %d, %a, %b;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return each(a, b, [](uint16_t x, uint16_t y) { return x + y; }); });
  check2<uint32_t>("max.s16x2 %d, %a, %b;", edges<uint32_t>(), [&](uint32_t a, uint32_t b) {
    return each(a, b, [](uint16_t x, uint16_t y) { return std::max(int16_t(x), int16_t(y)); });
  });
  check2<uint32_t>("min.u16x2 %d, %a, %b;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return each(a, b, [](uint16_t x, uint16_t y) { return std::min(x, y); }); });
}

TEST(Integer, Dots) {
  const auto dot = [](uint32_t a, uint32_t b, auto x, auto y) {
    uint32_t sum = a;
    for (int i = 0; i < 4; ++i)
      sum += uint32_t(int32_t(decltype(x)(a >> (8 * i))) * int32_t(decltype(y)(b >> (8 * i))));
    return sum;
  };
  check2<uint32_t>("dp4a.s32.s32 %d, %a, %b, %a;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return dot(a, b, int8_t(), int8_t()); });
  check2<uint32_t>("dp4a.u32.s32 %d, %a, %b, %a;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return dot(a, b, uint8_t(), int8_t()); });
  check2<uint32_t>("dp4a.u32.u32 %d, %a, %b, %a;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return dot(a, b, uint8_t(), uint8_t()); });
  check2<uint32_t>("dp2a.hi.s32.u32 %d, %a, %b, 5;", edges<uint32_t>(), [](uint32_t a, uint32_t b) {
    return uint32_t(5 + int16_t(a) * int32_t(uint8_t(b >> 16)) + int16_t(a >> 16) * int32_t(uint8_t(b >> 24)));
  });
}

TEST(Bits, Logic) {
  check2<uint32_t>("and.b32 %d, %a, %b;", edges<uint32_t>(), [](uint32_t a, uint32_t b) { return a & b; });
  check2<uint64_t>("or.b64 %d, %a, %b;", edges<uint64_t>(), [](uint64_t a, uint64_t b) { return a | b; });
  check2<uint16_t>("xor.b16 %d, %a, %b;", edges<uint16_t>(), [](uint16_t a, uint16_t b) { return uint16_t(a ^ b); });
  check2<uint32_t>("lop3.b32 %d, %a, %b, 0x0F0F3C3C, 0xE8;", edges<uint32_t>(), [](uint32_t a, uint32_t b) {
    const uint32_t c = 0x0f0f3c3c; // 0xE8: the majority
    return (a & b) | (a & c) | (b & c);
  });
}

TEST(Bits, Predicates) {
  const std::string set = "setp.ne.u32 %p0, %a, 0;\nsetp.ne.u32 %p1, %b, 0;\n", give = "selp.u32 %d, 1, 0, %p2;";
  const std::vector<uint32_t> values = {0, 1};
  check2<uint32_t>(set + "and.pred %p2, %p0, %p1;\n" + give, values, [](uint32_t a, uint32_t b) { return a & b; });
  check2<uint32_t>(set + "or.pred %p2, %p0, !%p1;\n" + give, values, [](uint32_t a, uint32_t b) { return a | !b; });
  check2<uint32_t>(set + "xor.pred %p2, %p0, %p1;\n" + give, values, [](uint32_t a, uint32_t b) { return a ^ b; });
  check2<uint32_t>(set + "not.pred %p2, %p1;\n" + give, values, [](uint32_t, uint32_t b) { return !b; });
  check2<uint32_t>(set + "mov.pred %p2, %p0;\n@!%p1 mov.pred %p2, -1;\n" + give, values,
                   [](uint32_t a, uint32_t b) { return b ? a : 1; });
}

TEST(Bits, Shifts) {
  check2<uint32_t>("shl.b32 %d, %a, %b;", edges<uint32_t>(), [](uint32_t a, uint32_t b) { return b > 31 ? 0 : a << b; });
  check2<uint32_t>("shr.u32 %d, %a, %b;", edges<uint32_t>(), [](uint32_t a, uint32_t b) { return b > 31 ? 0 : a >> b; });
  check2<int32_t>("shr.s32 %d, %a, %b;", edges<int32_t>(), [](int32_t a, int32_t b) { return a >> std::min(uint32_t(b), 31u); });
  check1<uint16_t>("shl.b16 %d, %a, 5;", edges<uint16_t>(), [](uint16_t a) { return uint16_t(a << 5); });
  check1<int64_t>("shr.s64 %d, %a, 40;", edges<int64_t>(), [](int64_t a) { return a >> 40; });
  const auto funnel = [](uint32_t a, uint32_t b) { return uint64_t(b) << 32 | a; };
  check2<uint32_t>("shf.l.wrap.b32 %d, %a, %b, 37;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return uint32_t((funnel(a, b) << 5) >> 32); });
  check2<uint32_t>("shf.l.clamp.b32 %d, %a, %b, 37;", edges<uint32_t>(), [&](uint32_t a, uint32_t) { return a; });
  check2<uint32_t>("shf.r.wrap.b32 %d, %a, %b, 37;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return uint32_t(funnel(a, b) >> 5); });
  check2<uint32_t>("shf.r.clamp.b32 %d, %a, %b, 9;", edges<uint32_t>(),
                   [&](uint32_t a, uint32_t b) { return uint32_t(funnel(a, b) >> 9); });
}

// The definition in the PTX ISA, bit by bit.
template <typename T> T extractField(T a, uint32_t position, uint32_t length) {
  constexpr uint32_t kMost = 8 * sizeof(T) - 1;
  const bool sign = std::is_signed_v<T> && length && (uint64_t(a) >> std::min(position + length - 1, kMost) & 1);
  uint64_t out = 0;
  for (uint32_t i = 0; i <= kMost; ++i)
    out |= uint64_t(i < length && position + i <= kMost ? uint64_t(a) >> (position + i) & 1 : sign) << i;
  return T(out);
}

TEST(Bits, Fields) {
  for (auto [position, length] : {std::pair{0, 8}, {4, 12}, {28, 8}, {31, 1}, {0, 32}, {40, 4}, {3, 0}}) {
    const std::string at = std::to_string(position) + ", " + std::to_string(length) + ";";
    check1<uint32_t>("bfe.u32 %d, %a, " + at, edges<uint32_t>(),
                     [&, p = position, l = length](uint32_t a) { return extractField(a, uint32_t(p), uint32_t(l)); });
    check1<int32_t>("bfe.s32 %d, %a, " + at, edges<int32_t>(),
                    [&, p = position, l = length](int32_t a) { return extractField(a, uint32_t(p), uint32_t(l)); });
    check1<int64_t>("bfe.s64 %d, %a, " + at, edges<int64_t>(),
                    [&, p = position, l = length](int64_t a) { return extractField(a, uint32_t(p), uint32_t(l)); });
    check2<uint32_t>("bfi.b32 %d, %a, %b, " + at, edges<uint32_t>(), [&, p = position, l = length](uint32_t a, uint32_t b) {
      for (int i = 0; i < l && p + i < 32; ++i)
        b = (b & ~(1u << (p + i))) | (a >> i & 1) << (p + i);
      return b;
    });
  }
}

TEST(Bits, Counts) {
  check1<uint32_t>("clz.b32 %d, %a;", edges<uint32_t>(), [](uint32_t a) { return a ? __builtin_clz(a) : 32; });
  check1<uint32_t>("clz.b64 %d, %a;", edges<uint64_t>(), [](uint64_t a) { return a ? __builtin_clzll(a) : 64; });
  check1<uint32_t>("popc.b64 %d, %a;", edges<uint64_t>(), [](uint64_t a) { return __builtin_popcountll(a); });
  check1<uint32_t>("bfind.u32 %d, %a;", edges<uint32_t>(),
                   [](uint32_t a) { return a ? uint32_t(31 - __builtin_clz(a)) : UINT32_MAX; });
  check1<uint32_t>("bfind.shiftamt.s32 %d, %a;", edges<int32_t>(), [](int32_t a) {
    const uint32_t bits = uint32_t(a < 0 ? ~a : a);
    return bits ? uint32_t(__builtin_clz(bits)) : UINT32_MAX;
  });
  check1<uint32_t>("brev.b32 %d, %a;", edges<uint32_t>(), [](uint32_t a) {
    uint32_t out = 0;
    for (int i = 0; i < 32; ++i)
      out |= (a >> i & 1) << (31 - i);
    return out;
  });
}

TEST(Bits, Permutes) {
  check2<uint32_t>("prmt.b32 %d, %a, %b, 0x7250;", edges<uint32_t>(), [](uint32_t a, uint32_t b) {
    return (a & 0xff) | ((b >> 8 & 0xff) << 8) | ((a >> 16 & 0xff) << 16) | (b >> 24) << 24;
  });
  check2<uint32_t>("prmt.b32 %d, %a, %b, 0xB3;", edges<uint32_t>(),
                   [](uint32_t a, uint32_t) { return a >> 24 | (a >> 31 ? 0xff00 : 0) | (a & 0xff) << 16 | a << 24; });
  check2<uint32_t>("prmt.b32.f4e %d, %a, %b, 1;", edges<uint32_t>(), [](uint32_t a, uint32_t b) { return a >> 8 | b << 24; });
  check2<uint32_t>("prmt.b32.rc16 %d, %a, %b, 1;", edges<uint32_t>(),
                   [](uint32_t a, uint32_t) { return a >> 16 | (a >> 16) << 16; });
}

TEST(Moves, PackAndUnpack) {
  check2<uint64_t>("mov.b64 %d, {%a, %b};", edges<uint32_t>(), [](uint32_t a, uint32_t b) { return uint64_t(b) << 32 | a; });
  check1<uint32_t>("mov.b64 {%r0, %r1}, %a;\nmov.b32 %d, %r1;", edges<uint64_t>(), [](uint64_t a) { return uint32_t(a >> 32); });
  check1<uint32_t>("mov.b32 {%h0, %h1}, %a;\nmov.b32 %d, {%h1, %h0};", edges<uint32_t>(),
                   [](uint32_t a) { return a >> 16 | a << 16; });
  check1<uint16_t>("mov.b32 {_, %d}, %a;", edges<uint32_t>(), [](uint32_t a) { return uint16_t(a >> 16); });
  check1<uint64_t>(".reg .b128 %q;\nmov.b128 %q, {%a, 7};\nmov.b128 {%l0, %l1}, %q;\nadd.u64 %d, %l0, %l1;", edges<uint64_t>(),
                   [](uint64_t a) { return a + 7; });
}

TEST(Moves, Selects) {
  check2<int32_t>("slct.b32.s32 %d, %a, %b, %a;", edges<int32_t>(), [](int32_t a, int32_t b) { return a >= 0 ? a : b; });
  check2<int64_t>("setp.gt.s64 %p0, %a, %b;\nselp.b64 %d, %a, %b, %p0;", edges<int64_t>(),
                  [](int64_t a, int64_t b) { return std::max(a, b); });
}

TEST(Compare, Integers) {
  check2<uint32_t>("setp.lt.s32 %p0, %a, %b;\nselp.u32 %d, 1, 0, %p0;", edges<int32_t>(),
                   [](int32_t a, int32_t b) { return a < b; });
  check2<uint32_t>("setp.lo.u32 %p0, %a, %b;\nselp.u32 %d, 1, 0, %p0;", edges<uint32_t>(),
                   [](uint32_t a, uint32_t b) { return a < b; });
  check2<uint32_t>("setp.hs.u16 %p0, %a, %b;\nselp.u32 %d, 1, 0, %p0;", edges<uint16_t>(),
                   [](uint16_t a, uint16_t b) { return a >= b; });
  check2<uint32_t>("set.le.u32.s64 %d, %a, %b;", edges<int64_t>(), [](int64_t a, int64_t b) { return a <= b ? UINT32_MAX : 0; });
  check2<float>("set.ne.f32.b32 %d, %a, %b;", edges<uint32_t>(), [](uint32_t a, uint32_t b) { return a != b ? 1.0f : 0.0f; });
  // d|q and a combination: d = (a == b) && (b == 7), q = (a != b) && (b == 7).
  check2<uint32_t>(
      "setp.eq.u32 %p0, %b, 7;\nsetp.eq.and.u32 %p1|%p2, %a, %b, %p0;\nselp.u32 %r0, 1, 0, %p1;\nselp.u32 %d, 2, %r0, %p2;",
      edges<uint32_t>(), [](uint32_t a, uint32_t b) { return b != 7   ? 0
                                                             : a == b ? 1
                                                                      : 2; });
}

} // namespace
