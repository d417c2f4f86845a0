// laic.contract as machine code: products, convolutions, tails, epilogues, element types.
#include "KernelTest.h"
#include "TileMachine.h"

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

TEST_F(CodegenContract, QuickCode) {
  quick = true;
  for (std::string m : {"1", "7", "300"})
    product({m, "45", "131"});
  product({"?", "?", "?"}, {{13, 37, 2, 37, 45, 13, 45, 13, 45}, {13, 45}});
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

// Bytes that lie in groups of four along the reduction. Every result is exact.
class CodegenGroups : public CodegenContract {
protected:
  CodegenGroups() {
    levels = {"x86-64-v4+avx512vnni",         "x86-64-v3+avxvnni", "x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64-v3+amx-int8",
              "x86-64-v4+avx512vnni+amx-int8"};
    low = -16; // all bytes
    high = 16;
  }
  struct Product {
    std::string a, b, c; // shapes
    std::string map;     // of A
    std::string batch = "", signs = "";
    std::string sizes = "", extras = "", maps = ""; // of operands beside A and B
  };
  static std::string types(std::string operands) { // what stands behind the colons
    std::string found;
    for (auto [first, rest] = llvm::StringRef(operands).split(','); !first.empty(); std::tie(first, rest) = rest.split(','))
      found += ", " + first.split(": ").second.str();
    return found;
  }
  static std::string names(std::string operands) {
    std::string found;
    for (auto [first, rest] = llvm::StringRef(operands).split(','); !first.empty(); std::tie(first, rest) = rest.split(','))
      found += (found.empty() ? "" : ", ") + first.split(": ").first.trim().str();
    return found;
  }
  /// `epilogue`: the body of the region, from %s and the extras' %x and %y to %r of type `element`.
  static std::string text(const Product &p, std::string element = "i32", std::string arguments = "%s: i32",
                          std::string epilogue = "%r = arith.addi %s, %s : i32") {
    std::string a = "tensor<" + p.a + "xi8>", b = "tensor<" + p.b + "x32x4xi8>", c = "tensor<" + p.c + "x" + element + ">";
    std::string others = (p.extras.empty() ? "" : ", " + p.extras) + (p.sizes.empty() ? "" : ", " + p.sizes);
    return "func.func private @k(%a: " + a + ", %b: " + b + others + ") -> " + c + " {\n%c = laic.contract %a, %b " +
           (p.extras.empty() ? "" : "extras " + names(p.extras) + " ") +
           (p.sizes.empty() ? "" : "sizes " + names(p.sizes) + " ") +
           "{parallel = " + std::to_string(std::count(p.c.begin(), p.c.end(), 'x') + 1) +
           " : i64, group = 4 : i64, a_map = affine_map<" + p.map + ">, b_batch = array<i64" + p.batch + ">, extra_maps = [" +
           p.maps + "]" + p.signs + "} : (" + a + ", " + b + types(p.extras) + types(p.sizes) + ") -> " + c + " {\n^bb0(" +
           arguments + "):\n" + epilogue + "\nlaic.yield %r : " + element + "\n}\nreturn %c : " + c + "\n}";
  }
  static Product matrices(std::string m, std::string n, int64_t groups, std::string signs = "") {
    return {m + "x" + std::to_string(4 * groups),
            panels(n) + "x" + std::to_string(groups),
            m + "x" + n,
            "(m, n, k) -> (m, k)",
            "",
            signs,
            m == "?" ? "%sm: index" : ""};
  }
  void exactly(const Product &p, Shape shape = {}, llvm::ArrayRef<Array> inputs = {}) { check(text(p), shape, 0, inputs); }

  /// One of `values` for every element.
  static Array some(llvm::SmallVector<int64_t> shape, std::vector<double> values) {
    Array array{shape, {}};
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    uint64_t state = 1;
    for (int64_t i = 0; i < count; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      array.data.push_back(values[(state >> 33) % values.size()]);
    }
    return array;
  }
};

const char *const kSigns[] = {"", ", unsigned_a", ", unsigned_b", ", unsigned_a, unsigned_b"};

TEST_F(CodegenGroups, RowsAndColumns) {
  unsigned signs = 0; // all four come by
  for (std::string m : {"1", "2", "5", "7", "8", "13", "130"})
    for (std::string n : {"8", "31", "32", "45", "96"})
      exactly(matrices(m, n, 3, kSigns[signs++ % 4]));
}

TEST_F(CodegenGroups, DepthsAndSigns) {
  for (int64_t groups : {3, 8, 20})
    for (const char *signs : kSigns)
      for (std::string m : {"1", "13"})
        exactly(matrices(m, "45", groups, signs));
}

TEST_F(CodegenGroups, OneGroup) {
  for (const char *signs : kSigns)
    for (std::string m : {"1", "13"})
      exactly(matrices(m, "45", 1, signs));
  exactly({"1x9x9x4", "1x1x1x1", "1x9x9x8", "(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)"});
}

// Taps whose channels are one group, apart from each other in A.
TEST_F(CodegenGroups, OneGroupPerTap) {
  for (const char *signs : kSigns)
    exactly({"1x9x9x4", "1x3x3x1", "1x7x5x8", "(n, h, w, f, p, q, c) -> (n, h + p, w + q * 2, c)", "", signs});
  exactly({"1x9x9x2x4", "2x1x3x3x1", "1x7x7x2x12", "(n, h, w, g, f, p, q, c) -> (n, h + p, w + q, g, c)", ": 3"});
}

TEST_F(CodegenGroups, DynamicRows) {
  unsigned signs = 0;
  for (int64_t m : {0, 1, 2, 3, 5, 7, 8, 13, 130})
    exactly(matrices("?", "45", 8, kSigns[signs++ % 4]), {{m, m}, {m}});
}

// Sums of products that 16 bits do not hold.
TEST_F(CodegenGroups, ExtremeBytes) {
  for (const char *signs : kSigns)
    for (int64_t m : {1, 7})
      for (auto [x, y] : {std::make_pair(std::vector<double>{-128}, std::vector<double>{-128}),
                          {{-1}, {127}}, // unsigned, the first is 255
                          {{-1}, {-128}},
                          {{-1}, {-1}},
                          {{127}, {127}},
                          {{-128, 127, -1}, {-128, 127, -1}}})
        exactly(matrices(std::to_string(m), "45", 8, signs), {}, {some({m, 32}, x), some({2, 8, 32, 4}, y)});
}

TEST_F(CodegenGroups, Convolutions) {
  const char *unit = "(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)";
  const char *strided = "(n, h, w, f, p, q, c) -> (n, h * 2 + p, w * 2 + q * 2, c)";
  for (const char *signs : kSigns) {
    exactly({"1x9x9x20", "2x3x3x5", "1x7x7x40", unit, "", signs});
    exactly({"1x21x21x8", "1x3x3x2", "1x9x8x32", strided, "", signs});
  }
  exactly({"2x16x16x4", "1x3x3x1", "2x14x14x8", unit, "", ", unsigned_a"});
  exactly({"2x7x7x64", "3x1x1x16", "2x7x7x70", unit});
  // kw and c as one loop
  exactly({"1x16x40", "2x3x3", "1x14x7x45", "(n, h, w, f, p, c) -> (n, h + p, w * 4 + c)", "", ", unsigned_a"});
}

TEST_F(CodegenGroups, Batches) {
  for (std::string m : {"1", "9"})
    exactly({"2x3x" + m + "x20", "2x3x2x5", "2x3x" + m + "x40", "(x, y, m, n, k) -> (x, y, m, k)", ": 0, 1"});
  exactly(
      {"1x9x9x2x12", "2x1x3x3x3", "1x7x7x2x12", "(n, h, w, g, f, p, q, c) -> (n, h + p, w + q, g, c)", ": 3", ", unsigned_a"});
}

// The sums, a start and a factor per column, rounded to bytes of either sign.
TEST_F(CodegenGroups, BytesAsResults) {
  for (bool isUnsigned : {false, true})
    for (std::string m : {"1", "13"})
      for (std::string n : {"31", "32", "96"}) {
        Product p = matrices(m, n, 8, ", unsigned_a");
        p.extras = "%start: tensor<" + n + "xi32>, %factor: tensor<" + n + "xf32>";
        p.maps = "affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (n)>";
        std::string type = isUnsigned ? "ui" : "si", lo = isUnsigned ? "0.0" : "-128.0", hi = isUnsigned ? "255.0" : "127.0";
        std::string body = "%1 = arith.addi %s, %x : i32\n%2 = arith.sitofp %1 : i32 to f32\n%3 = arith.mulf %2, %y : f32\n"
                           "%4 = math.roundeven %3 : f32\n%lo = arith.constant " +
                           lo + " : f32\n%hi = arith.constant " + hi +
                           " : f32\n%5 = arith.maximumf %4, %lo : f32\n%6 = arith.minimumf %5, %hi : f32\n%7 = arith.fpto" +
                           type + " %6 : f32 to i32\n%r = arith.trunci %7 : i32 to i8";
        int64_t columns = std::stoi(n);
        check(text(p, "i8", "%s: i32, %x: i32, %y: f32", body), {}, 0,
              {some({std::stoi(m), 32}, {0, 17, -128, 127, -1}), some({(columns + 31) / 32, 8, 32, 4}, {-128, -3, 0, 5, 127}),
               some({columns}, {-20000, 0, 333}), some({columns}, {0.0078125, 0.001953125, 0.000244140625})});
      }
}

// Tiles of rows and groups: whole ones, smaller ones, and both; rows that are joined from short lines; unknown sizes.
TEST_F(CodegenGroups, Tiles) {
  unsigned signs = 0;
  for (std::string m : {"8", "16", "17", "32", "33", "150"})
    for (int64_t groups : {8, 15, 16, 17, 32, 40})
      exactly(matrices(m, groups % 2 ? "45" : "64", groups, kSigns[signs++ % 4]));
  for (int64_t m : {0, 1, 15, 40})
    exactly(matrices("?", "45", 18, kSigns[signs++ % 4]), {{m, m}, {m}});
  exactly({"1x9x9x32", "2x3x3x8", "1x7x7x40", "(n, h, w, f, p, q, c) -> (n, h + p, w + q, c)", "", ", unsigned_a"});
  exactly({"1x9x9x2x36", "2x1x3x3x9", "1x7x7x2x12", "(n, h, w, g, f, p, q, c) -> (n, h + p, w + q, g, c)", ": 3"});
}

// Do the tests above run what they are about? Each of four kinds of signs has an instruction of its own.
TEST_F(CodegenGroups, TilesAreUsed) {
  if (!allowTiles())
    GTEST_SKIP() << "for Linux on x86-64";
  int64_t before = emulatedProducts();
  exactly(matrices("33", "64", 17));
  // Four runs, which cut 33 rows at most once more: whole tiles of 16 rows, two panels of 32 columns, 17 groups as 16 and one.
  int64_t products = emulatedProducts() - before;
  if (!machineHasTiles())
    EXPECT_EQ(products, 4 * 3 * 4 * 2);
}

// Pairs of bf16, whose products and sums f32 holds exactly.
class CodegenPairs : public CodegenGroups {
protected:
  CodegenPairs() {
    levels = {"x86-64-v4+avx512bf16",         "x86-64-v4", "x86-64-v3", "x86-64-v2", "x86-64-v3+amx-bf16",
              "x86-64-v4+avx512bf16+amx-bf16"};
  }
  void product(std::string m, int64_t n, int64_t pairs, Shape shape = {}) {
    std::string columns = std::to_string(n), a = "tensor<" + m + "x" + std::to_string(2 * pairs) + "xf32>";
    std::string b = "tensor<" + panels(columns) + "x" + std::to_string(pairs) + "x32x2xbf16>";
    std::string c = "tensor<" + m + "x" + columns + "xf32>";
    bool unknown = m == "?";
    std::vector<double> few = {-3, -1.25, -0.5, 0, 0.75, 1, 2.5};
    int64_t rows = unknown ? shape.scalars[0] : std::stoi(m);
    check("func.func private @k(%a: " + a + ", %b: " + b + (unknown ? ", %m: index" : "") + ") -> " + c +
              " {\n%c = laic.contract %a, %b " + (unknown ? "sizes %m " : "") +
              "{parallel = 2 : i64, group = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, "
              "extra_maps = []} : (" +
              a + ", " + b + (unknown ? ", index" : "") + ") -> " + c +
              " {\n^bb0(%s: f32):\nlaic.yield %s : f32\n}\nreturn %c : " + c + "\n}",
          shape, 0, {some({rows, 2 * pairs}, few), some({(n + 31) / 32, pairs, 32, 2}, few)});
  }
};

TEST_F(CodegenPairs, Products) {
  for (std::string m : {"1", "7", "16", "33", "130"})
    for (int64_t pairs : {3, 16, 40})
      product(m, 45, pairs);
  for (int64_t m : {0, 1, 40})
    product("?", 64, 24, {{m, m}, {m}});
}

TEST_F(CodegenPairs, TilesAreUsed) {
  if (!allowTiles())
    GTEST_SKIP() << "for Linux on x86-64";
  int64_t before = emulatedProducts();
  product("40", 32, 16);
  EXPECT_EQ(emulatedProducts() - before, machineHasTiles() ? 0 : 4 * 3 * 2);
}

} // namespace
