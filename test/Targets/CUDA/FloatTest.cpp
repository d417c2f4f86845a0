// Floating-point instructions and conversions against C++.
#include "PtxTest.h"

#include <cfenv>
#include <cmath>
#include <tuple>

using namespace laic::ptx::test;

namespace {

const std::string kGive = "\nselp.u32 %d, 1, 0, %p0;";

// All bit patterns of f16 by their definition.
float halfValue(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const float sign = bits >> 15 ? -1.0f : 1.0f;
  if (exponent == 31)
    return mantissa ? NAN : sign * INFINITY;
  return sign * std::ldexp(static_cast<float>(exponent ? mantissa + 1024 : mantissa), std::max(exponent, 1) - 25);
}

// The nearest f16 by search over all of them; ties to the even pattern.
uint16_t nearestHalf(double value) {
  if (std::isnan(value))
    return 0x7fff;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  if (magnitude >= 65520)
    return sign | 0x7c00;
  uint16_t low = 0, high = 0x7c00; // the greatest pattern that is not above the value
  while (high - low > 1) {
    const auto middle = static_cast<uint16_t>((low + high) / 2);
    (halfValue(middle) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - halfValue(low),
               above = (low == 0x7bff ? 65536.0 : halfValue(static_cast<uint16_t>(low + 1))) - magnitude;
  return static_cast<uint16_t>(sign | (below > above || (below == above && (low & 1)) ? low + 1 : low));
}

uint32_t bits(float value) {
  uint32_t out;
  memcpy(&out, &value, 4);
  return out;
}
float fromBits(uint32_t value) {
  float out;
  memcpy(&out, &value, 4);
  return out;
}

std::vector<uint16_t> halfEdges() {
  return {0,      0x8000, 1,      0x8001, 0x3ff,  0x400,  0x3c00, 0xbc00, 0x3555,
          0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0x4248, 0x5640, 0x1234, 0xb555};
}

template <typename F> float rounded(int mode, F f) {
  const int before = fegetround();
  fesetround(mode);
  volatile float result = f();
  fesetround(before);
  return result;
}

TEST(Float, Arithmetic) {
  check2<float>("add.f32 %d, %a, %b;", floatEdges(), [](float a, float b) { return a + b; });
  check2<float>("sub.rn.f32 %d, %a, %b;", floatEdges(), [](float a, float b) { return a - b; });
  check2<float>("mul.rn.f32 %d, %a, %b;", floatEdges(), [](float a, float b) { return a * b; });
  check2<float>("div.rn.f32 %d, %a, %b;", floatEdges(), [](float a, float b) { return a / b; });
  check2<float>("fma.rn.f32 %d, %a, %b, %a;", floatEdges(), [](float a, float b) { return std::fma(a, b, a); });
  check1<float>("sqrt.rn.f32 %d, %a;", floatEdges(), [](float a) { return std::sqrt(a); });
  check1<float>("rcp.rn.f32 %d, %a;", floatEdges(), [](float a) { return 1.0f / a; });
  check1<float>("neg.f32 %d, %a;", floatEdges(), [](float a) { return -a; });
  check1<float>("abs.f32 %d, %a;", floatEdges(), [](float a) { return std::fabs(a); });
  check2<float>("copysign.f32 %d, %a, %b;", floatEdges(), [](float a, float b) { return std::copysign(b, a); });
}

TEST(Float, Doubles) {
  const std::vector<double> values = {0.0, -0.0, 1.0, -3.5, 1e300, 1e-300, 0.1, INFINITY, NAN};
  check2<double>("add.f64 %d, %a, %b;", values, [](double a, double b) { return a + b; });
  check2<double>("fma.rn.f64 %d, %a, %b, %b;", values, [](double a, double b) { return std::fma(a, b, b); });
  check2<double>("max.f64 %d, %a, %b;", values, [](double a, double b) {
    return std::isnan(a) ? b : std::isnan(b) ? a : a == b ? (std::signbit(a) ? b : a) : std::max(a, b);
  });
  check1<double>("sqrt.rn.f64 %d, %a;", values, [](double a) { return std::sqrt(a); });
}

TEST(Float, RoundsAsDirected) {
  for (auto [suffix, mode] : {std::pair{"rz", FE_TOWARDZERO}, {"rm", FE_DOWNWARD}, {"rp", FE_UPWARD}}) {
    const std::string name = suffix;
    check2<float>("add." + name + ".f32 %d, %a, %b;", floatEdges(),
                  [m = mode](volatile float a, volatile float b) { return rounded(m, [&] { return a + b; }); });
    check2<float>("mul." + name + ".f32 %d, %a, %b;", floatEdges(),
                  [m = mode](volatile float a, volatile float b) { return rounded(m, [&] { return a * b; }); });
    check2<float>("div." + name + ".f32 %d, %a, %b;", floatEdges(),
                  [m = mode](volatile float a, volatile float b) { return rounded(m, [&] { return a / b; }); });
  }
}

TEST(Float, FlushesAndSaturates) {
  const auto flush = [](float a) { return std::fabs(a) < 0x1p-126f ? std::copysign(0.0f, a) : a; };
  const auto saturate = [](float a) { return a > 0 ? std::min(a, 1.0f) : 0.0f; };
  check2<float>("add.ftz.f32 %d, %a, %b;", floatEdges(), [&](float a, float b) { return flush(flush(a) + flush(b)); });
  check2<float>("mul.ftz.sat.f32 %d, %a, %b;", floatEdges(),
                [&](float a, float b) { return saturate(flush(flush(a) * flush(b))); });
  check2<float>("fma.rn.sat.f32 %d, %a, %b, %a;", floatEdges(), [&](float a, float b) { return saturate(std::fma(a, b, a)); });
}

TEST(Float, MinMax) {
  const auto least = [](float a, float b) {
    return std::isnan(a) ? b : std::isnan(b) ? a : a == b ? (std::signbit(a) ? a : b) : std::min(a, b);
  };
  check2<float>("min.f32 %d, %a, %b;", floatEdges(), least);
  check2<float>("max.f32 %d, %a, %b;", floatEdges(), [&](float a, float b) { return -least(-a, -b); });
  check2<float>("max.NaN.f32 %d, %a, %b;", floatEdges(),
                [&](float a, float b) { return std::isnan(a) || std::isnan(b) ? NAN : -least(-a, -b); });
  check2<float>("min.f32 %d, %a, %b, 0f3F000000;", floatEdges(), [&](float a, float b) { return least(least(a, b), 0.5f); });
}

// Within 2 ulp of f32 of the exact value: PTX allows the approximations more.
TEST(Float, Approximations) {
  const std::vector<float> values = {0.1f, 0.5f, 1.0f, 1.5f, 2.0f, 3.14159f, 10.0f, 0.001f, 100.0f};
  const auto check = [&](const std::string &name, auto exact) {
    const std::vector<float> got = evaluate<float>(name + " %d, %a;", values);
    for (size_t i = 0; i < values.size(); ++i) {
      const double want = exact(static_cast<double>(values[i]));
      EXPECT_NEAR(got[i], want, std::fabs(want) * 0x1p-22 + 0x1p-30) << name << " " << values[i];
    }
  };
  check("ex2.approx.f32", [](double a) { return std::exp2(a); });
  check("ex2.approx.ftz.f32", [](double a) { return std::exp2(a); });
  check("lg2.approx.f32", [](double a) { return std::log2(a); });
  check("sin.approx.f32", [](double a) { return std::sin(a); });
  check("cos.approx.f32", [](double a) { return std::cos(a); });
  check("tanh.approx.f32", [](double a) { return std::tanh(a); });
  check("rsqrt.approx.f32", [](double a) { return 1 / std::sqrt(a); });
  check("rcp.approx.ftz.f32", [](double a) { return 1 / a; });
  check("sqrt.approx.f32", [](double a) { return std::sqrt(a); });
  check2<float>("div.full.f32 %d, %a, %b;", values, [](float a, float b) { return a / b; });
}

TEST(Float, Compares) {
  const auto check = [](const std::string &name, auto want) {
    check2<uint32_t>("setp." + name + ".f32 %p0, %a, %b;" + kGive, floatEdges(), want);
  };
  const auto nan = [](float a, float b) { return std::isnan(a) || std::isnan(b); };
  check("eq", [](float a, float b) { return a == b; });
  check("ne", [&](float a, float b) { return a != b && !nan(a, b); });
  check("lt", [](float a, float b) { return a < b; });
  check("le", [](float a, float b) { return a <= b; });
  check("gt", [](float a, float b) { return a > b; });
  check("ge", [](float a, float b) { return a >= b; });
  check("equ", [&](float a, float b) { return a == b || nan(a, b); });
  check("neu", [](float a, float b) { return a != b; });
  check("ltu", [&](float a, float b) { return a < b || nan(a, b); });
  check("leu", [&](float a, float b) { return a <= b || nan(a, b); });
  check("gtu", [&](float a, float b) { return a > b || nan(a, b); });
  check("geu", [&](float a, float b) { return a >= b || nan(a, b); });
  check("num", [&](float a, float b) { return !nan(a, b); });
  check("nan", [&](float a, float b) { return nan(a, b); });
}

TEST(Float, Tests) {
  check1<uint32_t>("testp.finite.f32 %p0, %a;" + kGive, floatEdges(), [](float a) { return std::isfinite(a); });
  check1<uint32_t>("testp.infinite.f32 %p0, %a;" + kGive, floatEdges(), [](float a) { return std::isinf(a); });
  check1<uint32_t>("testp.notanumber.f32 %p0, %a;" + kGive, floatEdges(), [](float a) { return std::isnan(a); });
  check1<uint32_t>("testp.subnormal.f32 %p0, %a;" + kGive, floatEdges(),
                   [](float a) { return std::fpclassify(a) == FP_SUBNORMAL; });
}

TEST(Half, ConvertsEveryValue) {
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<uint16_t>(i);
  const std::vector<float> got = evaluate<float>("cvt.f32.f16 %d, %a;", all);
  const std::vector<uint16_t> back = evaluate<uint16_t>("cvt.f32.f16 %r0, %a;\ncvt.rn.f16.f32 %d, %r0;", all);
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(same(got[i], halfValue(all[i]))) << i;
    ASSERT_TRUE(std::isnan(got[i]) ? back[i] == 0x7fff : back[i] == all[i]) << i;
  }
}

TEST(Half, RoundsFloats) {
  std::vector<float> values = floatEdges();
  for (uint32_t i = 0; i < 3000; ++i)
    values.push_back(fromBits(0x32000000 + i * 0x5af1f)); // from 2^-27 upwards, beyond the greatest f16
  check1<uint16_t>("cvt.rn.f16.f32 %d, %a;", values, [](float a) { return nearestHalf(a); });
  check1<uint16_t>("cvt.rz.f16.f32 %d, %a;", values, [](float a) {
    uint16_t near = nearestHalf(a);
    if (!std::isnan(a) && !std::isinf(a) && std::fabs(halfValue(near)) > std::fabs(a))
      --near;
    return near;
  });
  check1<uint16_t>("cvt.rn.bf16.f32 %d, %a;", values, [](float a) {
    if (std::isnan(a))
      return uint16_t(0x7fff);
    const uint32_t low = bits(a) & 0xffff, high = bits(a) >> 16;
    return uint16_t(low > 0x8000 || (low == 0x8000 && (high & 1)) ? high + 1 : high);
  });
  check2<uint32_t>("cvt.rn.f16x2.f32 %d, %a, %b;", floatEdges(),
                   [](float a, float b) { return uint32_t(nearestHalf(a)) << 16 | nearestHalf(b); });
  check2<uint32_t>("cvt.rn.relu.f16x2.f32 %d, %a, %b;", std::vector<float>{1, -1, 2.5f}, [](float a, float b) {
    return uint32_t(nearestHalf(std::max(a, 0.0f))) << 16 | nearestHalf(std::max(b, 0.0f));
  });
  check1<float>("cvt.rna.tf32.f32 %d, %a;", std::vector<float>{1.0f, 1.00048828125f, -1.00048828125f, 3.14159274f},
                [](float a) { return fromBits((bits(a) + 0x1000) & 0xffffe000); });
}

TEST(Half, Arithmetic) {
  std::vector<uint16_t> a, b;
  pairs(halfEdges(), a, b);
  const auto check = [&](const std::string &name, auto exact) {
    const std::vector<uint16_t> got = evaluate<uint16_t>(name + " %d, %a, %b;", a, b);
    std::vector<uint32_t> wideA, wideB; // the same in the upper half of a pair
    for (size_t i = 0; i < a.size(); ++i) {
      wideA.push_back(uint32_t(a[i]) << 16 | b[i]);
      wideB.push_back(uint32_t(b[i]) << 16 | a[i]);
    }
    const std::vector<uint32_t> pair = evaluate<uint32_t>(name + "x2 %d, %a, %b;", wideA, wideB);
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(got[i], nearestHalf(exact(halfValue(a[i]), halfValue(b[i])))) << name << " " << a[i] << " " << b[i];
      EXPECT_EQ(pair[i] >> 16, got[i]);
      EXPECT_EQ(pair[i] & 0xffff, nearestHalf(exact(halfValue(b[i]), halfValue(a[i]))));
    }
  };
  check("add.f16", [](double x, double y) { return x + y; });
  check("sub.rn.f16", [](double x, double y) { return x - y; });
  check("mul.f16", [](double x, double y) { return x * y; });
  check("max.NaN.f16", [](double x, double y) {
    return std::isnan(x) || std::isnan(y) ? NAN : x == y ? (std::signbit(x) ? y : x) : std::max(x, y);
  });
}

// a * b + c with a sum that needs more than the digits of a double: the tail must decide the rounding.
TEST(Half, FusedSumsRoundOnce) {
  const std::vector<uint16_t> a = {0x3c01, 0x3c01, 0x0001, 0x7bff}, b = {0x3c01, 0xbc01, 0x0001, 0x0001},
                              c = {0x4000, 0x7bff, 0x6801, 0x3800};
  const std::vector<uint16_t> got = evaluate<uint16_t>("fma.rn.f16 %d, %a, %b, %c;", a, b, c);
  for (size_t i = 0; i < a.size(); ++i) {
    const long double exact = static_cast<long double>(halfValue(a[i])) * halfValue(b[i]) + halfValue(c[i]);
    EXPECT_EQ(got[i], nearestHalf(static_cast<double>(exact))) << i;
  }
  // 1 + 2^-8 is a tie of bf16; 2^-80 more tips it, though double cannot hold the sum.
  EXPECT_EQ(evaluate<uint16_t>("fma.rn.bf16 %d, %a, %b, %c;", std::vector<uint16_t>{0x3f80, 0x3f80},
                               std::vector<uint16_t>{0x3b80, 0x3b80}, std::vector<uint16_t>{0x3f80, 0x3f81}),
            (std::vector<uint16_t>{0x3f80, 0x3f82}));
}

TEST(Half, Bfloats) {
  const auto up = [](uint16_t a) { return fromBits(uint32_t(a) << 16); };
  const auto down = [](float a) { return uint16_t((bits(a) + 0x7fff + (bits(a) >> 16 & 1)) >> 16); };
  const std::vector<uint16_t> values = {0, 0x3f80, 0xbf80, 0x4049, 0x3dcd, 0x7f7f, 0x0080, 0xc2f7};
  check2<uint16_t>("add.bf16 %d, %a, %b;", values, [&](uint16_t a, uint16_t b) { return down(up(a) + up(b)); });
  check2<uint16_t>("mul.bf16 %d, %a, %b;", values, [&](uint16_t a, uint16_t b) { return down(up(a) * up(b)); });
  check2<uint32_t>("setp.lt.bf16 %p0, %a, %b;" + kGive, values, [&](uint16_t a, uint16_t b) { return up(a) < up(b); });
  check1<uint16_t>("fma.rn.relu.bf16 %d, %a, %a, 0xC000;", std::vector<uint16_t>{0x3f80, 0x4000},
                   [&](uint16_t a) { return down(std::max(up(a) * up(a) - 2, 0.0f)); });
}

TEST(Half, MixedWithFloats) {
  const std::vector<uint16_t> halves = {0x3c00, 0x3555, 0xc248, 0x0001};
  const std::vector<float> floats = {1e-8f, 3.0f, -0.1f, 65504.0f};
  const auto check = [&](const std::string &name, auto want) {
    const std::vector<float> got = evaluate<float>(name, halves, floats);
    for (size_t i = 0; i < halves.size(); ++i)
      EXPECT_TRUE(same(got[i], want(halfValue(halves[i]), floats[i]))) << name << " " << i;
  };
  check("add.rn.f32.f16 %d, %a, %b;", [](float a, float b) { return a + b; });
  check("sub.f32.f16 %d, %a, %b;", [](float a, float b) { return a - b; });
  check("fma.rn.f32.f16 %d, %a, %a, %b;", [](float a, float b) { return std::fma(a, a, b); });
  check("fma.rn.f32.bf16 %d, %a, 0x4000, %b;", [&](float a, float b) {
    const auto found = std::find_if(halves.begin(), halves.end(), [&](uint16_t bits) { return halfValue(bits) == a; });
    return std::fma(fromBits(uint32_t(*found) << 16), 2.0f, b);
  });
}

TEST(Half, Compares) {
  check2<uint32_t>("setp.geu.f16 %p0, %a, %b;" + kGive, halfEdges(),
                   [](uint16_t a, uint16_t b) { return !(halfValue(a) < halfValue(b)); });
  check2<uint32_t>(
      "mov.b32 %r0, {%a, %b};\nmov.b32 %r1, {%b, %a};\nsetp.lt.f16x2 %p0|%p1, %r0, %r1;\nselp.u32 %r2, 1, 0, %p0;\nselp.u32 %r3, "
      "2, 0, %p1;\nor.b32 %d, %r2, %r3;",
      halfEdges(), [](uint16_t a, uint16_t b) { return (halfValue(a) < halfValue(b)) | (halfValue(b) < halfValue(a)) << 1; });
}

// The value of each pattern by the formats' definition; e4m3 ends at 448 and has one NaN of each sign.
float byteValue(unsigned byte, unsigned mantissaBits, int bias) {
  const int exponent = static_cast<int>(byte >> mantissaBits & (0x7fu >> mantissaBits)),
            mantissa = static_cast<int>(byte & ((1u << mantissaBits) - 1));
  const bool e4m3 = mantissaBits == 3;
  if (e4m3 ? (byte & 0x7f) == 0x7f : exponent == 31 && mantissa)
    return NAN;
  if (!e4m3 && exponent == 31)
    return byte & 0x80 ? -INFINITY : INFINITY;
  const int whole = exponent ? mantissa + (1 << mantissaBits) : mantissa;
  return (byte & 0x80 ? -1.0f : 1.0f) *
         std::ldexp(static_cast<float>(whole), std::max(exponent, 1) - bias - static_cast<int>(mantissaBits));
}

TEST(Convert, EightBitFloats) {
  std::vector<uint16_t> all(256);
  for (unsigned i = 0; i < 256; ++i)
    all[i] = static_cast<uint16_t>(i | i << 8);
  for (auto [name, mantissa, bias] : {std::tuple{"e4m3x2", 3u, 7}, {"e5m2x2", 2u, 15}}) {
    const std::string format = name;
    const std::vector<uint32_t> halves = evaluate<uint32_t>("cvt.rn.f16x2." + format + " %d, %a;", all);
    const std::vector<uint16_t> back =
        evaluate<uint16_t>("cvt.rn.f16x2." + format +
                               " %r0, %a;\nmov.b32 {%h0, %h1}, %r0;\ncvt.f32.f16 %r1, %h1;\ncvt.f32.f16 %r2, "
                               "%h0;\ncvt.rn.satfinite." +
                               format + ".f32 %d, %r1, %r2;",
                           all);
    for (unsigned i = 0; i < 256; ++i) {
      const float value = byteValue(i, mantissa, bias);
      EXPECT_TRUE(same(halfValue(static_cast<uint16_t>(halves[i])), value)) << format << " " << i;
      EXPECT_EQ(halves[i] >> 16, halves[i] & 0xffff);
      EXPECT_TRUE(!std::isfinite(value) || back[i] == all[i]) << format << " " << i;
    }
  }
  // Ties to even, saturation, and what is lost below.
  const std::vector<float> values = {1.0625f, 1.1875f, 448.0f, 1e9f, -INFINITY, 0x1p-10f, 0x1.8p-9f, NAN};
  EXPECT_EQ(evaluate<uint16_t>("cvt.rn.satfinite.e4m3x2.f32 %d, 0f00000000, %a;", values),
            (std::vector<uint16_t>{0x38, 0x3a, 0x7e, 0x7e, 0xfe, 0x00, 0x02, 0x7f}));
}

TEST(Float, Pairs) {
  std::vector<float> a, b;
  pairs(std::vector<float>{1.5f, -2.25f, 1e-40f, 3e38f, 0.1f}, a, b);
  const auto check = [&](const std::string &name, auto want) {
    const std::vector<uint64_t> got = evaluate<uint64_t>("mov.b64 %l0, {%a, %b};\nmov.b64 %l1, {%b, %a};\n" + name, a, b);
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(same(fromBits(static_cast<uint32_t>(got[i])), static_cast<float>(want(a[i], b[i])))) << name;
      EXPECT_TRUE(same(fromBits(static_cast<uint32_t>(got[i] >> 32)), static_cast<float>(want(b[i], a[i])))) << name;
    }
  };
  check("add.rn.f32x2 %d, %l0, %l1;", [](float x, float y) { return x + y; });
  check("mul.rn.f32x2 %d, %l0, %l1;", [](float x, float y) { return x * y; });
  check("fma.rn.f32x2 %d, %l0, %l1, %l0;", [](float x, float y) { return std::fma(x, y, x); });
}

TEST(Convert, FloatToInteger) {
  const auto clamp = [](double value, double least, double most) {
    return std::isnan(value) ? 0.0 : std::min(std::max(value, least), most);
  };
  check1<int32_t>("cvt.rni.s32.f32 %d, %a;", floatEdges(),
                  [&](float a) { return int32_t(clamp(std::nearbyint(a), INT32_MIN, INT32_MAX)); });
  check1<int32_t>("cvt.rzi.s32.f32 %d, %a;", floatEdges(),
                  [&](float a) { return int32_t(clamp(std::trunc(a), INT32_MIN, INT32_MAX)); });
  check1<uint32_t>("cvt.rmi.u32.f32 %d, %a;", floatEdges(),
                   [&](float a) { return uint32_t(clamp(std::floor(a), 0, UINT32_MAX)); });
  check1<int16_t>("cvt.rpi.s16.f32 %d, %a;", floatEdges(),
                  [&](float a) { return int16_t(clamp(std::ceil(a), INT16_MIN, INT16_MAX)); });
  check1<uint32_t>("cvt.rni.u8.f32 %d, %a;", floatEdges(), [&](float a) { return uint32_t(clamp(std::nearbyint(a), 0, 255)); });
  check1<int32_t>("cvt.rni.s8.f32 %d, %a;", floatEdges(), [&](float a) { return int32_t(clamp(std::nearbyint(a), -128, 127)); });
  check1<int64_t>("cvt.rzi.s64.f32 %d, %a;", floatEdges(), [&](float a) {
    return std::isnan(a) ? 0 : a >= 0x1p63f ? INT64_MAX : a < -0x1p63f ? INT64_MIN : int64_t(a);
  });
  check1<float>("cvt.rmi.f32.f32 %d, %a;", floatEdges(), [](float a) { return std::floor(a); });
  check1<float>("cvt.sat.f32.f32 %d, %a;", floatEdges(), [](float a) { return a > 0 ? std::min(a, 1.0f) : 0.0f; });
}

TEST(Convert, IntegerToFloat) {
  check1<float>("cvt.rn.f32.s32 %d, %a;", edges<int32_t>(), [](int32_t a) { return float(a); });
  check1<float>("cvt.rn.f32.u64 %d, %a;", edges<uint64_t>(), [](uint64_t a) { return float(a); });
  check1<float>("cvt.rz.f32.s64 %d, %a;", edges<int64_t>(),
                [](volatile int64_t a) { return rounded(FE_TOWARDZERO, [&] { return float(a); }); });
  check1<double>("cvt.rn.f64.s64 %d, %a;", edges<int64_t>(), [](int64_t a) { return double(a); });
  check1<uint16_t>("cvt.rn.f16.s32 %d, %a;", edges<int32_t>(), [](int32_t a) { return nearestHalf(a); });
  check1<uint16_t>("cvt.rn.f16.u64 %d, %a;", edges<uint64_t>(), [](uint64_t a) { return nearestHalf(static_cast<double>(a)); });
  check1<float>("cvt.rn.f32.u8 %d, %a;", edges<uint32_t>(), [](uint32_t a) { return float(uint8_t(a)); });
  check1<float>("cvt.rn.f32.f64 %d, %a;", std::vector<double>{0.1, 1e300, 1.0000000596046448, NAN},
                [](double a) { return float(a); });
  check1<double>("cvt.f64.f32 %d, %a;", floatEdges(), [](float a) { return double(a); });
}

TEST(Convert, IntegerToInteger) {
  check1<int64_t>("cvt.s64.s32 %d, %a;", edges<int32_t>(), [](int32_t a) { return int64_t(a); });
  check1<uint64_t>("cvt.u64.u32 %d, %a;", edges<uint32_t>(), [](uint32_t a) { return uint64_t(a); });
  check1<uint16_t>("cvt.u16.u64 %d, %a;", edges<uint64_t>(), [](uint64_t a) { return uint16_t(a); });
  check1<int32_t>("cvt.s32.s8 %d, %a;", edges<int32_t>(), [](int32_t a) { return int32_t(int8_t(a)); });
  check1<uint32_t>("cvt.sat.u8.s32 %d, %a;", edges<int32_t>(), [](int32_t a) { return uint32_t(std::min(std::max(a, 0), 255)); });
  check1<int32_t>("cvt.sat.s16.u32 %d, %a;", edges<uint32_t>(), [](uint32_t a) { return int32_t(std::min(a, 32767u)); });
  check1<int32_t>("cvt.sat.s8.s64 %d, %a;", edges<int64_t>(),
                  [](int64_t a) { return int32_t(std::min<int64_t>(std::max<int64_t>(a, -128), 127)); });
}

} // namespace
