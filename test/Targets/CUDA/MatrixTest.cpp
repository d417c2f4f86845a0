// Tensor-core instructions against products of whole matrices, and a GEMM.
#include "PtxTest.h"

#include <cmath>
#include <random>

using namespace laic::ptx;
using namespace laic::ptx::test;

namespace {

uint16_t toHalf(float value) { // small integers and quarters only: exact
  if (value == 0)
    return 0;
  int exponent;
  const float mantissa = std::frexp(std::fabs(value), &exponent);
  return static_cast<uint16_t>((value < 0 ? 0x8000 : 0) | (exponent + 14) << 10 | static_cast<int>((mantissa * 2 - 1) * 1024));
}
uint16_t toBfloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return static_cast<uint16_t>(bits >> 16);
}

class Product {
public:
  Product(unsigned depth, unsigned seed) : depth(depth), a(16 * depth), b(depth * 8), c(16 * 8) {
    std::mt19937 random(seed);
    for (auto *matrix : {&a, &b, &c})
      for (float &value : *matrix)
        value = static_cast<float>(static_cast<int>(random() % 9) - 4);
  }
  float want(unsigned row, unsigned column) const {
    float sum = c[row * 8 + column];
    for (unsigned k = 0; k < depth; ++k)
      sum += a[row * depth + k] * b[k * 8 + column];
    return sum;
  }
  unsigned depth;
  std::vector<float> a, b, c;
};

// 16-bit elements: registers a0..a3 hold (row g | g + 8, columns 2t, 2t + 1 | + 8), b0, b1 rows 2t, 2t + 1 | + 8 of column g.
template <typename Encode> std::vector<std::vector<uint32_t>> fragments16(const Product &p, Encode encode) {
  std::vector<std::vector<uint32_t>> out(p.depth == 16 ? 6 : 3, std::vector<uint32_t>(32));
  const unsigned registersA = p.depth == 16 ? 4 : 2;
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane >> 2, t = lane & 3;
    for (unsigned r = 0; r < registersA; ++r) {
      const unsigned row = r == 0 || r == 2 ? g : g + 8, column = 2 * t + (r >= 2 ? 8 : 0);
      out[r][lane] = encode(p.a[row * p.depth + column]) | static_cast<uint32_t>(encode(p.a[row * p.depth + column + 1])) << 16;
    }
    for (unsigned r = 0; r < out.size() - registersA; ++r)
      out[registersA + r][lane] =
          encode(p.b[(2 * t + 8 * r) * 8 + g]) | static_cast<uint32_t>(encode(p.b[(2 * t + 8 * r + 1) * 8 + g])) << 16;
  }
  return out;
}

std::string list(const std::string &name, unsigned count) {
  std::string text;
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", " : "") + name + std::to_string(i);
  return "{" + text + "}";
}

// Runs `mma` over registers: inputs are words of lanes; returns D's registers.
std::vector<std::vector<uint32_t>> runMma(const std::string &instruction, unsigned registersD, unsigned registersA,
                                          unsigned registersB, const std::vector<std::vector<uint32_t>> &inputs) {
  std::string text = ".reg .b32 %d<8>, %a<8>, %b<8>, %c<8>, %t;\n.reg .b64 %x, %y;\nld.param.u64 %x, [in];\nld.param.u64 %y, "
                     "[out];\nmov.u32 %t, "
                     "%tid.x;\nmad.wide.u32 %x, %t, 4, %x;\nmad.wide.u32 %y, %t, 4, %y;\n";
  unsigned at = 0;
  const auto load = [&](const std::string &name, unsigned count) {
    for (unsigned i = 0; i < count; ++i)
      text += "ld.global.b32 " + name + std::to_string(i) + ", [%x+" + std::to_string(128 * at++) + "];\n";
  };
  load("%a", registersA);
  load("%b", registersB);
  load("%c", registersD);
  text += instruction + " " + list("%d", registersD) + ", " + list("%a", registersA) + ", " + list("%b", registersB) + ", " +
          list("%c", registersD) + ";\n";
  for (unsigned i = 0; i < registersD; ++i)
    text += "st.global.b32 [%y+" + std::to_string(128 * i) + "], %d" + std::to_string(i) + ";\n";
  std::unique_ptr<Module> module = loadText(moduleWith(text + "ret;", ".param .u64 in, .param .u64 out"));
  std::vector<uint32_t> words;
  for (const auto &input : inputs)
    words.insert(words.end(), input.begin(), input.end());
  Bench bench;
  const uint64_t in = bench.buffer(words), out = bench.buffer(std::vector<uint32_t>(32 * registersD));
  bench.arg(in).arg(out);
  const LaunchResult result = bench.launch(*module, "k", {1, 1, 1}, {32, 1, 1});
  EXPECT_FALSE(result.fault) << result.fault->text();
  const std::vector<uint32_t> got = bench.read<uint32_t>(out, 32 * registersD);
  std::vector<std::vector<uint32_t>> registers;
  for (unsigned i = 0; i < registersD; ++i)
    registers.emplace_back(got.begin() + 32 * i, got.begin() + 32 * (i + 1));
  return registers;
}

// c0, c1: row g, columns 2t, 2t + 1; c2, c3: row g + 8.
template <typename Encode> std::vector<std::vector<uint32_t>> sums(const Product &p, Encode encode) {
  std::vector<std::vector<uint32_t>> out(4, std::vector<uint32_t>(32));
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned r = 0; r < 4; ++r)
      out[r][lane] = encode(p.c[(lane / 4 + (r >= 2 ? 8 : 0)) * 8 + 2 * (lane % 4) + (r & 1)]);
  return out;
}
uint32_t floatBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

template <typename Encode> void expectSums(const Product &p, const std::vector<std::vector<uint32_t>> &got, Encode encode) {
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned r = 0; r < 4; ++r)
      EXPECT_EQ(got[r][lane], encode(p.want(lane / 4 + (r >= 2 ? 8 : 0), 2 * (lane % 4) + (r & 1))))
          << "lane " << lane << " d" << r;
}

template <typename T> void append(std::vector<T> &to, const std::vector<T> &from) {
  to.insert(to.end(), from.begin(), from.end());
}

TEST(Matrix, SixteenBits) {
  for (unsigned depth : {8u, 16u}) {
    const Product p(depth, depth);
    const std::string shape = "mma.sync.aligned.m16n8k" + std::to_string(depth) + ".row.col.f32.";
    for (bool brain : {false, true}) {
      auto inputs = brain ? fragments16(p, toBfloat) : fragments16(p, toHalf);
      append(inputs, sums(p, floatBits));
      const std::string type = brain ? "bf16" : "f16";
      expectSums(p, runMma(shape + type + "." + type + ".f32", 4, depth / 4, depth / 8, inputs), floatBits);
    }
  }
}

TEST(Matrix, HalfSums) {
  const Product p(16, 3);
  auto inputs = fragments16(p, toHalf);
  const auto c = sums(p, toHalf);
  const auto pair = [](const std::vector<uint32_t> &low, const std::vector<uint32_t> &high) {
    std::vector<uint32_t> out(32);
    for (unsigned lane = 0; lane < 32; ++lane)
      out[lane] = low[lane] | high[lane] << 16;
    return out;
  };
  inputs.push_back(pair(c[0], c[1]));
  inputs.push_back(pair(c[2], c[3]));
  const auto got = runMma("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16", 2, 4, 2, inputs);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned r = 0; r < 2; ++r)
      EXPECT_EQ(got[r][lane], toHalf(p.want(lane / 4 + 8 * r, 2 * (lane % 4))) |
                                  static_cast<uint32_t>(toHalf(p.want(lane / 4 + 8 * r, 2 * (lane % 4) + 1))) << 16);
}

TEST(Matrix, TensorFloats) {
  const Product p(8, 5);
  std::vector<std::vector<uint32_t>> inputs(6, std::vector<uint32_t>(32));
  for (unsigned lane = 0; lane < 32; ++lane) {
    const unsigned g = lane >> 2, t = lane & 3;
    for (unsigned r = 0; r < 4; ++r)
      inputs[r][lane] = floatBits(p.a[(g + (r % 2 ? 8 : 0)) * 8 + t + (r >= 2 ? 4 : 0)]) | 0xfff; // the lost bits are set
    for (unsigned r = 0; r < 2; ++r)
      inputs[4 + r][lane] = floatBits(p.b[(t + 4 * r) * 8 + g]);
  }
  append(inputs, sums(p, floatBits));
  expectSums(p, runMma("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32", 4, 4, 2, inputs), floatBits);
}

TEST(Matrix, EightBits) {
  for (unsigned depth : {16u, 32u}) {
    const Product p(depth, 7);
    std::vector<std::vector<uint32_t>> inputs(depth / 8 + depth / 16, std::vector<uint32_t>(32));
    const auto byte = [](float value, unsigned i) { return (static_cast<uint32_t>(static_cast<int>(value)) & 0xff) << (8 * i); };
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned g = lane >> 2, t = lane & 3;
      for (unsigned i = 0; i < 4; ++i) {
        for (unsigned r = 0; r < depth / 8; ++r)
          inputs[r][lane] |= byte(p.a[(g + (r % 2 ? 8 : 0)) * depth + 4 * t + (r >= 2 ? 16 : 0) + i], i);
        for (unsigned r = 0; r < depth / 16; ++r)
          inputs[depth / 8 + r][lane] |= byte(p.b[(4 * t + 16 * r + i) * 8 + g], i);
      }
    }
    const auto integer = [](float value) { return static_cast<uint32_t>(static_cast<int32_t>(value)); };
    append(inputs, sums(p, integer));
    expectSums(
        p, runMma("mma.sync.aligned.m16n8k" + std::to_string(depth) + ".row.col.s32.s8.s8.s32", 4, depth / 8, depth / 16, inputs),
        integer);
  }
  // u8 x s8 with all ones, and sums at their end: they wrap, or saturate where that is asked for.
  std::vector<std::vector<uint32_t>> ends(6, std::vector<uint32_t>(32, 0x01010101));
  append(ends, std::vector<std::vector<uint32_t>>(4, std::vector<uint32_t>(32, INT32_MAX)));
  EXPECT_EQ(runMma("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32", 4, 4, 2, ends)[0][0], uint32_t(INT32_MAX) + 32);
  EXPECT_EQ(runMma("mma.sync.aligned.m16n8k32.row.col.satfinite.s32.u8.s8.s32", 4, 4, 2, ends)[0][0], uint32_t(INT32_MAX));
}

// e4m3 and e5m2 of the small integers in a Product: all are exact.
uint32_t toByte(float value, unsigned mantissa, int bias) {
  if (value == 0)
    return 0;
  int exponent;
  const float fraction = std::frexp(std::fabs(value), &exponent) * 2 - 1;
  return (value < 0 ? 0x80u : 0) | static_cast<uint32_t>(exponent - 1 + bias) << mantissa |
         static_cast<uint32_t>(std::ldexp(fraction, static_cast<int>(mantissa)));
}

TEST(Matrix, EightBitFloats) {
  const Product p(32, 11);
  std::vector<std::vector<uint32_t>> inputs(6, std::vector<uint32_t>(32));
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned g = lane >> 2, t = lane & 3;
      for (unsigned r = 0; r < 4; ++r)
        inputs[r][lane] |= toByte(p.a[(g + (r % 2 ? 8 : 0)) * 32 + 4 * t + (r >= 2 ? 16 : 0) + i], 3, 7) << (8 * i);
      for (unsigned r = 0; r < 2; ++r)
        inputs[4 + r][lane] |= toByte(p.b[(4 * t + 16 * r + i) * 8 + g], 2, 15) << (8 * i);
    }
  append(inputs, sums(p, floatBits));
  expectSums(p, runMma("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e5m2.f32", 4, 4, 2, inputs), floatBits);
}

// Shared memory holds value 8 * row + column of four matrices, 64 apart.
std::vector<uint32_t> loadMatrix(const std::string &instruction, unsigned result) {
  std::vector<uint32_t> rows(32);
  return evaluate<uint32_t>(
      ".shared .align 16 .b8 s[512];\nmov.u64 %l0, s;\nmul.lo.u32 %r0, %i, 8;\nmov.u32 %r1, 0;\nsetp.ge.u32 %p0, %i, 32;\n@%p0 "
      "bra "
      "END;\nmad.wide.u32 %l1, %i, 16, %l0;\nL:\ncvt.u16.u32 %h0, %r0;\nst.shared.b16 [%l1], %h0;\nadd.u32 %r0, %r0, 1;\nadd.u64 "
      "%l1, %l1, 2;\nadd.u32 %r1, %r1, 1;\nsetp.lt.u32 %p1, %r1, 8;\n@%p1 bra L;\nbar.warp.sync -1;\nmad.wide.u32 %l1, %i, 16, "
      "%l0;\n" +
          instruction + "\nmov.b32 %d, %r" + std::to_string(result) + ";\nEND:",
      rows);
}

TEST(Matrix, Loads) {
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    const auto plain = loadMatrix("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r2, %r3, %r4, %r5}, [%l1];", 2 + matrix);
    const auto turned = loadMatrix("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%r2, %r3, %r4, %r5}, [%l1];", 2 + matrix);
    for (uint32_t lane = 0; lane < 32; ++lane) {
      const uint32_t r = lane / 4, c = 2 * (lane % 4), base = 64 * matrix;
      EXPECT_EQ(plain[lane], (base + 8 * r + c) | (base + 8 * r + c + 1) << 16);
      EXPECT_EQ(turned[lane], (base + 8 * c + r) | (base + 8 * (c + 1) + r) << 16);
    }
  }
  // stmatrix is its inverse.
  const auto again =
      loadMatrix("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r2, %r3}, [%l1];\nbar.warp.sync "
                 "-1;\nstmatrix.sync.aligned.m8n8.x2.trans.shared.b16 "
                 "[%l1], {%r2, %r3};\nbar.warp.sync -1;\nldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%r4, %r5}, [%l1];",
                 5);
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(again[lane], (64 + 8 * (lane / 4) + 2 * (lane % 4)) | (65 + 8 * (lane / 4) + 2 * (lane % 4)) << 16);
}

TEST(Matrix, GemmAndItsWrongTwin) {
  constexpr uint32_t kM = 48, kN = 40, kK = 64;
  std::mt19937 random(1);
  std::vector<float> a(kM * kK), b(kK * kN);
  std::vector<uint16_t> halfA, halfB;
  for (float &value : a)
    halfA.push_back(toHalf(value = static_cast<float>(random() % 33) / 4 - 4));
  for (float &value : b)
    halfB.push_back(toHalf(value = static_cast<float>(random() % 33) / 4 - 4));
  for (const char *kernel : {"gemm_good", "gemm_bad"})
    for (bool checked : {false, true}) {
      std::unique_ptr<Module> module = loadFile("gemm.ptx");
      Bench bench(checked);
      const uint64_t c = bench.unwritten(kM * kN * 4);
      bench.arg(bench.buffer(halfA)).arg(bench.buffer(halfB)).arg(c).arg(kN).arg(kK);
      const LaunchResult result = bench.launch(*module, kernel, {kN / 8, kM / 16, 1}, {32, 1, 1});
      ASSERT_FALSE(result.fault) << result.fault->text();
      const std::vector<float> got = bench.read<float>(c, kM * kN);
      unsigned wrong = 0;
      for (uint32_t row = 0; row < kM; ++row)
        for (uint32_t column = 0; column < kN; ++column) {
          float want = 0;
          for (uint32_t k = 0; k < kK; ++k)
            want += a[row * kK + k] * b[k * kN + column];
          wrong += got[row * kN + column] != want;
        }
      EXPECT_TRUE(std::string(kernel) == "gemm_good" ? wrong == 0 : wrong > kM * kN / 2) << kernel << ": " << wrong;
    }
}

} // namespace
