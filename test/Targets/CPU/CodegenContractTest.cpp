// laic.contract as machine code: products, convolutions, tails, epilogues, element types.
#include "KernelTest.h"

using namespace laic;
using namespace laic::test;

namespace {

std::string panels(std::string n) { return n == "?" ? "?" : std::to_string((std::stoi(n) + 31) / 32); }

class CodegenContract : public KernelTest {
protected:
  struct Gemm {
    std::string m = "37", n = "70", k = "45", a = "f32", sum = "f32";
    std::string attributes = "";
  };
  // C = max(A . B + bias, 0) + residual
  static std::string gemm(const Gemm &g) {
    bool integer = g.sum == "i32";
    std::string add = integer ? "arith.addi" : "arith.addf", c = "tensor<" + g.m + "x" + g.n + "x" + g.sum + ">";
    std::string a = "tensor<" + g.m + "x" + g.k + "x" + g.a + ">", b = "tensor<" + panels(g.n) + "x" + g.k + "x32x" + g.a + ">",
                bias = "tensor<" + g.n + "x" + g.sum + ">";
    std::string sizes, sizeTypes, sizeArgs;
    for (auto [size, name] : {std::make_pair(g.m, "%sm"), std::make_pair(g.n, "%sn")})
      if (size == "?") {
        sizes += std::string(sizes.empty() ? "" : ", ") + name;
        sizeTypes += ", index";
        sizeArgs += std::string(", ") + name + ": index";
      }
    return "func.func private @k(%a: " + a + ", %b: " + b + ", %bias: " + bias + ", %res: " + c + sizeArgs + ") -> " + c +
           " {\n%r = laic.contract %a, %b extras %bias, %res " + (sizes.empty() ? "" : "sizes " + sizes) +
           " {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = "
           "[affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m, n)>]" +
           g.attributes + "} : (" + a + ", " + b + ", " + bias + ", " + c + sizeTypes + ") -> " + c + " {\n^bb0(%s: " + g.sum +
           ", %x: " + g.sum + ", %y: " + g.sum + "):\n%t = " + add + " %s, %x : " + g.sum + "\n" +
           (integer ? "%z = arith.constant 0 : i32\n%u = arith.maxsi %t, %z : i32\n"
                    : "%z = arith.constant 0.0 : " + g.sum + "\n%u = arith.maximumf %t, %z : " + g.sum + "\n") +
           "%v = " + add + " %u, %y : " + g.sum + "\nlaic.yield %v : " + g.sum + "\n}\nreturn %r : " + c + "\n}";
  }
  void product(const Gemm &g, Shape shape = {}, double tolerance = 1e-5) { check(gemm(g), shape, tolerance); }
};

TEST_F(CodegenContract, StaticSizes) {
  for (std::string m : {"1", "2", "7", "8", "13", "300"})
    for (std::string n : {"1", "16", "31", "32", "45", "64", "200"})
      product({m, n, "9"});
  product({"130", "96", "131"});
  product({"1", "300", "131"});
  product({"5", "32", "0"});
}

TEST_F(CodegenContract, DynamicRows) {
  for (int64_t m : {0, 1, 2, 3, 5, 7, 8, 13, 127, 128, 129, 300})
    product({"?", "70", "45"}, {{m, m, m}, {m}});
}

TEST_F(CodegenContract, EverythingDynamic) {
  for (auto [m, n, k] : {std::make_tuple(1, 1, 1), {13, 45, 37}, {8, 32, 4}, {65, 65, 65}, {3, 17, 0}}) {
    int64_t panels = (n + 31) / 32;
    product({"?", "?", "?"}, {{m, k, panels, k, n, m, n, m, n}, {m, n}});
  }
}

TEST_F(CodegenContract, ElementTypes) {
  product({"13", "45", "37", "f16", "f32"}, {}, 1e-3);
  product({"13", "45", "37", "bf16", "f32"}, {}, 1e-3);
  product({"13", "45", "37", "i8", "i32"});
  product({"13", "45", "37", "i8", "i32", ", unsigned_a"});
  product({"13", "45", "37", "f64", "f64"}, {}, 1e-12);
}

TEST_F(CodegenContract, Batched) {
  for (std::string m : {"1", "9"})
    check("func.func private @k(%a: tensor<2x3x" + m + "x20xf32>, %b: tensor<2x3x2x20x32xf32>) -> tensor<2x3x" + m +
          "x40xf32> {\n%r = laic.contract %a, %b {parallel = 4 : i64, a_map = affine_map<(x, y, m, n, k) -> (x, y, m, k)>, "
          "b_batch = array<i64: 0, 1>, extra_maps = []} : (tensor<2x3x" +
          m + "x20xf32>, tensor<2x3x2x20x32xf32>) -> tensor<2x3x" + m +
          "x40xf32> {\n^bb0(%s: f32):\nlaic.yield %s : f32\n}\nreturn %r : tensor<2x3x" + m + "x40xf32>\n}");
}

std::string convolution(std::string in, std::string weights, std::string out, std::string map, std::string batch = "") {
  return "func.func private @k(%a: tensor<" + in + "xf32>, %b: tensor<" + weights + "xf32>) -> tensor<" + out +
         "xf32> {\n%r = laic.contract %a, %b {parallel = " + std::to_string(std::count(out.begin(), out.end(), 'x') + 1) +
         " : i64, a_map = affine_map<" + map + ">, b_batch = array<i64" + batch + ">, extra_maps = []} : (tensor<" + in +
         "xf32>, tensor<" + weights + "xf32>) -> tensor<" + out +
         "xf32> {\n^bb0(%s: f32):\nlaic.yield %s : f32\n}\nreturn %r : tensor<" + out + "xf32>\n}";
}

TEST_F(CodegenContract, Convolutions) {
  const char *unit = "(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)";
  const char *strided = "(n, h, w, f, p, q, c) -> (n, h * 2 + p, w * 2 + q * 2, c)";
  check(convolution("1x9x9x20", "2x3x3x20x32", "1x7x7x40", unit));
  check(convolution("2x16x16x3", "1x3x3x3x32", "2x14x14x8", unit));
  check(convolution("1x21x21x5", "1x3x3x5x32", "1x9x8x32", strided));
  check(convolution("2x7x7x64", "3x1x1x64x32", "2x7x7x70", unit));
  check(convolution("1x230x12x3", "2x7x7x3x32", "1x112x3x64", "(n, h, w, f, p, q, c) -> (n, h * 2 + p, w * 2 + q, c)"));
}

TEST_F(CodegenContract, GroupedConvolution) {
  check(convolution("1x9x9x2x10", "2x1x3x3x10x32", "1x7x7x2x12", "(n, h, w, g, f, p, q, c) -> (n, h + p, w + q, g, c)", ": 3"));
}

TEST_F(CodegenContract, Depthwise) {
  for (std::string c : {"1", "7", "32", "45", "96"})
    check(convolution("2x11x11x" + c, panels(c) + "x3x3x32", "2x9x9x" + c, "(n, h, w, c, p, q) -> (n, h + p, w + q, c)"));
  check(convolution("1x21x21x40", "2x5x5x32", "1x9x9x40", "(n, h, w, c, p, q) -> (n, h * 2 + p, w * 2 + q, c)"));
  check(convolution("1x30x30x40", "2x9x9x32", "1x22x22x40", "(n, h, w, c, p, q) -> (n, h + p, w + q, c)"));
}

} // namespace
