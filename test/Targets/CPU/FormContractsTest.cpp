// Which generics become laic.contract, in which form, and that they compute the same.
#include "Check.h"
#include "Networks.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "laic/Transforms/TensorSizes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;
using namespace laic::test;

namespace {

const char *kMatmul = "affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>";
const char *kMatmulLoops = "\"parallel\", \"parallel\", \"reduction\"";

class FormContracts : public PassTest {
protected:
  void form(std::string text, ArrayRef<int64_t> symbols = {}) {
    check(
        text,
        [](OpPassManager &manager) {
          manager.addPass(contracts::createFormContracts());
          manager.addPass(createCanonicalizerPass());
          manager.addPass(createCSEPass());
        },
        symbols);
  }
  ContractOp only() {
    auto found = all<ContractOp>();
    EXPECT_EQ(found.size(), 1u) << print();
    return found.empty() ? ContractOp() : found.front();
  }
};

TEST_F(FormContracts, MatmulWithConstantWeights) {
  form(function("%x: tensor<5x7xf32>", "tensor<5x40xf32>",
                constant("w", "tensor<7x40xf32>") +
                    product("y", kMatmul, kMatmulLoops, "%x", "tensor<5x7xf32>", "%w", "tensor<7x40xf32>", "tensor<5x40xf32>"),
                "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getB().getType().getShape(), ArrayRef<int64_t>({2, 7, 32}));
  EXPECT_EQ(contract.getParallel(), 2u);
  EXPECT_TRUE(contract.getBBatch().empty());
}

TEST_F(FormContracts, WholePanelsArePackedByTranspose) {
  form(function("%x: tensor<5x7xf32>", "tensor<5x64xf32>",
                constant("w", "tensor<7x64xf32>") +
                    product("y", kMatmul, kMatmulLoops, "%x", "tensor<5x7xf32>", "%w", "tensor<7x64xf32>", "tensor<5x64xf32>"),
                "%y"));
  ASSERT_TRUE(only());
  EXPECT_EQ(count<linalg::TransposeOp>(), 1);
  EXPECT_EQ(count<linalg::GenericOp>(), 0);
}

TEST_F(FormContracts, TransposedWeightsAndRowsLast) {
  // Gemm with transB, and einsum whose result has the rows innermost: C is transposed.
  std::string maps = "affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (n, m)>";
  form(function("%x: tensor<5x7xf32>, %w: tensor<33x7xf32>", "tensor<33x5xf32>",
                product("y", maps, kMatmulLoops, "%x", "tensor<5x7xf32>", "%w", "tensor<33x7xf32>", "tensor<33x5xf32>"), "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  // x holds the columns now: no transpose is needed.
  EXPECT_EQ(count<linalg::TransposeOp>(), 0);
}

// Without laic.rows, whose softmax has heads and batches apart, they are one dim, unless B has one of them alone.
TEST_F(FormContracts, BatchesMergeOrBroadcast) {
  std::string maps = "affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (b, h, k, n)>, "
                     "affine_map<(b, h, m, n, k) -> (b, h, m, n)>";
  std::string loops = "\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"reduction\"";
  form(function("%x: tensor<2x3x5x7xf32>, %w: tensor<2x3x7x9xf32>", "tensor<2x3x5x9xf32>",
                product("y", maps, loops, "%x", "tensor<2x3x5x7xf32>", "%w", "tensor<2x3x7x9xf32>", "tensor<2x3x5x9xf32>"),
                "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getC().getType().getShape(), ArrayRef<int64_t>({6, 5, 9}));
  EXPECT_EQ(contract.getBBatch(), ArrayRef<int64_t>({0}));

  maps = "affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (h, k, n)>, "
         "affine_map<(b, h, m, n, k) -> (b, h, m, n)>";
  form(function("%x: tensor<2x3x5x7xf32>, %w: tensor<3x7x9xf32>", "tensor<2x3x5x9xf32>",
                product("y", maps, loops, "%x", "tensor<2x3x5x7xf32>", "%w", "tensor<3x7x9xf32>", "tensor<2x3x5x9xf32>"), "%y"));
  contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getBBatch(), ArrayRef<int64_t>({1}));
}

TEST_F(FormContracts, ChannelsLastConvolutionFusesItsEpilogue) {
  std::string d = "affine_map<(n, h, w, f, c, kh, kw) -> ";
  std::string maps = d + "(n, h * 2 + kh, w * 2 + kw, c)>, " + d + "(f, c, kh, kw)>, " + d + "(n, h, w, f)>";
  std::string type = "tensor<2x4x4x40xf32>";
  std::string last = "affine_map<(n, c, h, w) -> (w)>";
  std::string body = constant("w", "tensor<40x3x3x3xf32>") + constant("bias", "tensor<40xf32>") +
                     product("c", maps, kConvIterators, "%x", "tensor<2x9x9x3xf32>", "%w", "tensor<40x3x3x3xf32>", type) +
                     elementwise("s", std::string(kIdentity) + ", " + last, "%c, %bias", type + ", tensor<40xf32>", type,
                                 "%a: f32, %b: f32", "%r = arith.addf %a, %b : f32") +
                     elementwise("y", std::string(kIdentity) + ", " + kIdentity, "%s, %res", type + ", " + type, type,
                                 "%a: f32, %b: f32", "%t = arith.addf %a, %b : f32\n%r = arith.maximumf %t, %zero : f32");
  form(function("%x: tensor<2x9x9x3xf32>, %res: " + type, type, body, "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getExtras().size(), 2u);
  // kw and c are one run of 9.
  EXPECT_EQ(contract.getB().getType().getShape(), ArrayRef<int64_t>({2, 3, 9, 32}));
  EXPECT_EQ(contract.getA().getType().getShape(), ArrayRef<int64_t>({2, 9, 27}));
  EXPECT_EQ(count<linalg::GenericOp>(), 1); // packing of ragged columns
}

TEST_F(FormContracts, NoFusionWithSeveralUsers) {
  std::string type = "tensor<2x4x4x40xf32>";
  std::string d = "affine_map<(n, h, w, f, c, kh, kw) -> ";
  std::string maps = d + "(n, h + kh, w + kw, c)>, " + d + "(f, c, kh, kw)>, " + d + "(n, h, w, f)>";
  std::string body = constant("w", "tensor<40x3x1x1xf32>") +
                     product("c", maps, kConvIterators, "%x", "tensor<2x4x4x3xf32>", "%w", "tensor<40x3x1x1xf32>", type) +
                     add("y", "%c", "%c", type) + add("z", "%c", "%y", type);
  form(function("%x: tensor<2x4x4x3xf32>", type + ", " + type, body, "%y, %z"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_TRUE(contract.getExtras().empty());
  EXPECT_EQ(contract.getC().getType().getShape(), ArrayRef<int64_t>({32, 40})); // 1x1: rows merge
  EXPECT_EQ(remarks, std::vector<std::string>{"epilogue not fused: several users"});
}

// A product c [5, 40] and one consumer y, an elementwise generic in the words of the test.
std::string withConsumer(std::string arguments, std::string maps, std::string operands, std::string types, std::string type,
                         std::string body) {
  return function("%x: tensor<5x7xf32>" + arguments, type,
                  constant("w", "tensor<7x40xf32>") +
                      product("c", kMatmul, kMatmulLoops, "%x", "tensor<5x7xf32>", "%w", "tensor<7x40xf32>", "tensor<5x40xf32>") +
                      "%e = tensor.empty() : " + type + "\n%start = linalg.fill ins(%zero : f32) outs(%e : " + type + ") -> " +
                      type + "\n%y = linalg.generic {indexing_maps = [" + maps +
                      "], iterator_types = [\"parallel\", \"parallel\"]} ins(" + operands + " : " + types +
                      ") outs(%start : " + type + ") {\n" + body + "\nlinalg.yield %r : f32\n} -> " + type + "\n",
                  "%y");
}

TEST_F(FormContracts, ConsumersThatCannotBeFused) {
  const std::string identity = "affine_map<(m, n) -> (m, n)>", c = "tensor<5x40xf32>";
  const std::string add = "^bb0(%a: f32, %b: f32, %o: f32):\n%r = arith.addf %a, %b : f32";
  form(withConsumer(", %t: tensor<9x40xf32>", identity + ", affine_map<(m, n) -> (m + 1, n)>, " + identity, "%c, %t",
                    c + ", tensor<9x40xf32>", c, add));
  form(withConsumer("", "affine_map<(n, m) -> (m, n)>, affine_map<(n, m) -> (n, m)>", "%c", c, "tensor<40x5xf32>",
                    "^bb0(%a: f32, %o: f32):\n%r = arith.negf %a : f32"));
  form(withConsumer("", identity + ", " + identity, "%c", c, c, "^bb0(%a: f32, %o: f32):\n%r = arith.addf %a, %o : f32"));
  EXPECT_EQ(remarks, (std::vector<std::string>{"epilogue not fused: an operand is not indexed by loops",
                                               "epilogue not fused: the consumer permutes",
                                               "epilogue not fused: the consumer accumulates"}));
}

TEST_F(FormContracts, ScaledRowsBlockMerging) {
  // The gate of a squeeze-and-excite block reads [n, c]: n stays a loop of its own, h and w merge.
  std::string type = "tensor<2x4x4x40xf32>";
  std::string d = "affine_map<(n, h, w, f, c, kh, kw) -> ";
  std::string maps = d + "(n, h + kh, w + kw, c)>, " + d + "(f, c, kh, kw)>, " + d + "(n, h, w, f)>";
  std::string body = constant("w", "tensor<40x3x1x1xf32>") +
                     product("c", maps, kConvIterators, "%x", "tensor<2x4x4x3xf32>", "%w", "tensor<40x3x1x1xf32>", type) +
                     elementwise("y", std::string(kIdentity) + ", affine_map<(n, c, h, w) -> (n, 0, 0, w)>", "%c, %g",
                                 type + ", tensor<2x1x1x40xf32>", type, "%a: f32, %b: f32", "%r = arith.mulf %a, %b : f32");
  form(function("%x: tensor<2x4x4x3xf32>, %g: tensor<2x1x1x40xf32>", type, body, "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getC().getType().getShape(), ArrayRef<int64_t>({2, 16, 40}));
}

TEST_F(FormContracts, Depthwise) {
  std::string d = "affine_map<(n, h, w, c, kh, kw) -> ";
  std::string maps = d + "(n, h + kh * 2, w + kw * 2, c)>, " + d + "(c, kh, kw)>, " + d + "(n, h, w, c)>";
  std::string loops = "\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"reduction\", \"reduction\"";
  form(function("%x: tensor<1x8x8x35xf32>", "tensor<1x4x4x35xf32>",
                constant("w", "tensor<35x3x3xf32>") +
                    product("y", maps, loops, "%x", "tensor<1x8x8x35xf32>", "%w", "tensor<35x3x3xf32>", "tensor<1x4x4x35xf32>"),
                "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_TRUE(contract.getAMap().isFunctionOfDim(contract.getParallel() - 1));
  EXPECT_EQ(contract.getB().getType().getShape(), ArrayRef<int64_t>({2, 3, 3, 32}));
}

TEST_F(FormContracts, Grouped) {
  std::string d = "affine_map<(n, h, w, g, f, c, kh, kw) -> ";
  std::string maps = d + "(n, h + kh, w + kw, g, c)>, " + d + "(g, f, c, kh, kw)>, " + d + "(n, h, w, g, f)>";
  std::string loops = "\"parallel\", " + std::string(kConvIterators);
  form(function("%x: tensor<1x6x6x2x3xf32>", "tensor<1x4x4x2x5xf32>",
                constant("w", "tensor<2x5x3x3x3xf32>") + product("y", maps, loops, "%x", "tensor<1x6x6x2x3xf32>", "%w",
                                                                 "tensor<2x5x3x3x3xf32>", "tensor<1x4x4x2x5xf32>"),
                "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getBBatch().size(), 1u);
}

TEST_F(FormContracts, Bytes) {
  std::string body = R"(
    %i = arith.constant 3 : i32
    %e = tensor.empty() : tensor<5x9xi32>
    %z = linalg.fill ins(%i : i32) outs(%e : tensor<5x9xi32>) -> tensor<5x9xi32>
    %y = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                         affine_map<(m, n, k) -> (m, n)>], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<5x7xi8>, tensor<7x9xi8>) outs(%z : tensor<5x9xi32>) {
    ^bb0(%a: i8, %b: i8, %c: i32):
      %s = arith.extui %a : i8 to i32
      %t = arith.extsi %b : i8 to i32
      %p = arith.muli %s, %t : i32
      %q = arith.addi %p, %c : i32
      linalg.yield %q : i32
    } -> tensor<5x9xi32>
)";
  form(function("%x: tensor<5x7xi8>, %w: tensor<7x9xi8>", "tensor<5x9xi32>", body, "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_TRUE(contract.getUnsignedA());
  EXPECT_FALSE(contract.getUnsignedB());
}

TEST_F(FormContracts, DynamicSizes) {
  std::string body = R"(
    %m = laic.size affine_map<()[s0, s1] -> (s0)>
    %n = laic.size affine_map<()[s0, s1] -> (s1)>
    %e = tensor.empty(%m, %n) : tensor<2x?x?xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<2x?x?xf32>) -> tensor<2x?x?xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>,
                         affine_map<(b, m, n, k) -> (b, m, n)>],
                         iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x?x7xf32>, tensor<2x?x7xf32>) outs(%z : tensor<2x?x?xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %p, %c : f32
      linalg.yield %q : f32
    } -> tensor<2x?x?xf32>
)";
  form(function(
           "%x: tensor<2x?x7xf32>, %w: tensor<2x?x7xf32>", "tensor<2x?x?xf32>", body, "%y",
           R"(laic.symbols = [{kind = "dim", arg = 0, index = 1, name = "m"}, {kind = "dim", arg = 1, index = 1, name = "n"}])"),
       {5, 37});
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getResultSizes().size(), 2u);
}

TEST_F(FormContracts, DynamicRowsMerge) {
  std::string type = "tensor<?x?x9xf32>";
  std::string body = constant("w", "tensor<7x9xf32>") + R"(
    %m = laic.size affine_map<()[s0, s1] -> (s0)>
    %n = laic.size affine_map<()[s0, s1] -> (s1)>
    %e = tensor.empty(%m, %n) : tensor<?x?x9xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x?x9xf32>) -> tensor<?x?x9xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>,
                         affine_map<(b, m, n, k) -> (b, m, n)>],
                         iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<?x?x7xf32>, tensor<7x9xf32>) outs(%z : tensor<?x?x9xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32):
      %p = arith.mulf %a, %b : f32
      %q = arith.addf %p, %c : f32
      linalg.yield %q : f32
    } -> tensor<?x?x9xf32>
)";
  form(function(
           "%x: tensor<?x?x7xf32>", type, body, "%y",
           R"(laic.symbols = [{kind = "dim", arg = 0, index = 0, name = "b"}, {kind = "dim", arg = 0, index = 1, name = "m"}])"),
       {2, 3});
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getC().getType().getRank(), 2);
}

TEST_F(FormContracts, TransposesOfHeadsAreAbsorbed) {
  std::string body =
      R"(
    %qe = tensor.empty() : tensor<2x3x5x7xf32>
    %q = linalg.transpose ins(%x : tensor<2x5x3x7xf32>) outs(%qe : tensor<2x3x5x7xf32>) permutation = [0, 2, 1, 3]
    %ke = tensor.empty() : tensor<2x3x7x9xf32>
    %k = linalg.transpose ins(%w : tensor<2x9x3x7xf32>) outs(%ke : tensor<2x3x7x9xf32>) permutation = [0, 2, 3, 1]
)" +
      product("s0",
              "affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (b, h, k, n)>, "
              "affine_map<(b, h, m, n, k) -> (b, h, m, n)>",
              "\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"reduction\"", "%q", "tensor<2x3x5x7xf32>", "%k",
              "tensor<2x3x7x9xf32>", "tensor<2x3x5x9xf32>") +
      R"(
    %ye = tensor.empty() : tensor<2x5x3x9xf32>
    %y = linalg.transpose ins(%s0 : tensor<2x3x5x9xf32>) outs(%ye : tensor<2x5x3x9xf32>) permutation = [0, 2, 1, 3]
)";
  form(function("%x: tensor<2x5x3x7xf32>, %w: tensor<2x9x3x7xf32>", "tensor<2x5x3x9xf32>", body, "%y"));
  ContractOp contract = only();
  ASSERT_TRUE(contract);
  EXPECT_EQ(count<linalg::TransposeOp>(), 0);
  EXPECT_EQ(contract.getBBatch(), ArrayRef<int64_t>({0, 2}));
}

TEST_F(FormContracts, StaysGeneric) {
  // A dot product, and a product of one row with run-time weights.
  std::string dot = "affine_map<(k) -> (k)>, affine_map<(k) -> (k)>, affine_map<(k) -> ()>";
  form(function("%x: tensor<7xf32>, %w: tensor<7xf32>", "tensor<f32>",
                product("y", dot, "\"reduction\"", "%x", "tensor<7xf32>", "%w", "tensor<7xf32>", "tensor<f32>"), "%y"));
  EXPECT_EQ(count<ContractOp>(), 0);
  form(function("%x: tensor<1x7xf32>, %w: tensor<7x9xf32>", "tensor<1x9xf32>",
                product("y", kMatmul, kMatmulLoops, "%x", "tensor<1x7xf32>", "%w", "tensor<7x9xf32>", "tensor<1x9xf32>"), "%y"));
  EXPECT_EQ(count<ContractOp>(), 0);
}

TEST_F(FormContracts, OneRowOfConstantWeights) {
  form(function("%x: tensor<1x7xf32>", "tensor<1x9xf32>",
                constant("w", "tensor<7x9xf32>") +
                    product("y", kMatmul, kMatmulLoops, "%x", "tensor<1x7xf32>", "%w", "tensor<7x9xf32>", "tensor<1x9xf32>"),
                "%y"));
  EXPECT_EQ(count<ContractOp>(), 1);
}

TEST_F(FormContracts, ErasedTensorsLeaveNoSizes) {
  // New operations often stand where erased ones were in memory; contracts replace each other like this.
  form(function("%x: tensor<?x7xf32>", "tensor<?x7xf32>", "", "%x",
                R"(laic.symbols = [{kind = "dim", arg = 0, index = 0, name = "m"}])"),
       {2});
  auto func = *module->getOps<func::FuncOp>().begin();
  IRRewriter rewriter(&context);
  rewriter.setInsertionPointToStart(&func.getBody().front());
  TensorSizes sizes(func, rewriter);
  AffineExpr m = rewriter.getAffineSymbolExpr(0);
  for (int64_t i = 1; i < 100; ++i) {
    Value value = sizes.empty(rewriter, func.getLoc(), {m * i}, rewriter.getF32Type());
    ASSERT_EQ(sizes.get(value, 0), m * i);
    rewriter.eraseOp(value.getDefiningOp());
  }
}

// Products of bytes with constant weights, the last reduction in groups of four.
class FormGroups : public FormContracts {
protected:
  ContractOp formed(std::string arguments, std::string type, std::string body) {
    check(function(arguments, type, body, "%y"), [](OpPassManager &manager) {
      contracts::FormContractsOptions options;
      options.group = 4;
      manager.addPass(contracts::createFormContracts(options));
      manager.addPass(createCanonicalizerPass());
      manager.addPass(createCSEPass());
    });
    return only();
  }
  static std::string bytes(std::string maps, std::string iterators, std::string x, std::string w, std::string type,
                           std::string from = "%x", std::string extendX = "extui", std::string extendW = "extsi") {
    return "%i = arith.constant 3 : i32\n%e = tensor.empty() : " + type + "\n%z = linalg.fill ins(%i : i32) outs(%e : " + type +
           ") -> " + type + "\n%y = linalg.generic {indexing_maps = [" + maps + "], iterator_types = [" + iterators + "]} ins(" +
           from + ", %w : " + x + ", " + w + ") outs(%z : " + type + ") {\n^bb0(%a: i8, %b: i8, %c: i32):\n%s = arith." +
           extendX + " %a : i8 to i32\n%t = arith." + extendW +
           " %b : i8 to i32\n%p = arith.muli %s, %t : i32\n%q = arith.addi %p, %c : "
           "i32\nlinalg.yield %q : i32\n} -> " +
           type + "\n";
  }
  ContractOp matrices(std::string m, std::string k, std::string n, std::string extendX = "extui", std::string extendW = "extsi") {
    std::string x = "tensor<" + m + "x" + k + "xi8>", w = "tensor<" + k + "x" + n + "xi8>", y = "tensor<" + m + "x" + n + "xi32>";
    return formed("%x: " + x, y, weights(w) + bytes(kMatmul, kMatmulLoops, x, w, y, "%x", extendX, extendW));
  }
  static std::string weights(std::string type) { return "%w = laic.constant {value = dense<1> : " + type + "} : " + type + "\n"; }
  static std::string window(std::string strides = "h + p, w + q", std::string weights = "f, c, p, q") {
    std::string d = "affine_map<(n, h, w, f, c, p, q) -> (";
    return d + "n, " + strides + ", c)>, " + d + weights + ")>, " + d + "n, h, w, f)>";
  }
  static std::string border(std::string from, std::string to, std::string value) {
    return "%v = arith.constant " + value +
           " : i8\n%x1 = tensor.pad %x low[0, 1, 2, 0] high[0, 2, 1, 0] {\n^bb0(%i0: index, %i1: "
           "index, %i2: index, %i3: index):\ntensor.yield %v : i8\n} : " +
           from + " to " + to + "\n";
  }
};

TEST_F(FormGroups, Matrices) {
  for (const char *k : {"1", "4", "7", "8", "13"})
    for (const char *n : {"9", "32", "45", "64"})
      for (auto [x, w] : {std::make_pair("extui", "extsi"), {"extsi", "extsi"}, {"extui", "extui"}, {"extsi", "extui"}}) {
        ContractOp contract = matrices("5", k, n, x, w);
        ASSERT_TRUE(contract);
        EXPECT_EQ(contract.getGroup(), 4);
        EXPECT_EQ(contract.getB().getType().getShape(),
                  ArrayRef<int64_t>({(std::stoi(n) + 31) / 32, (std::stoi(k) + 3) / 4, 32, 4}));
      }
}

TEST_F(FormGroups, ConvolutionOfThreeChannelsAndABorder) {
  for (const char *value : {"0", "7", "-128"}) {
    ContractOp contract =
        formed("%x: tensor<2x6x5x3xi8>", "tensor<2x7x6x8xi32>",
               weights("tensor<8x3x3x3xi8>") + border("tensor<2x6x5x3xi8>", "tensor<2x9x8x3xi8>", value) +
                   bytes(window(), kConvIterators, "tensor<2x9x8x3xi8>", "tensor<8x3x3x3xi8>", "tensor<2x7x6x8xi32>", "%x1"));
    ASSERT_TRUE(contract);
    EXPECT_EQ(contract.getGroup(), 4);
    EXPECT_EQ(count<tensor::PadOp>(), 1) << print(); // one copy for both
    EXPECT_EQ(contract.getB().getType().getShape(), ArrayRef<int64_t>({1, 3, 3, 32, 4}));
  }
}

TEST_F(FormGroups, ConvolutionsWithStrides) {
  for (const char *order : {"f, c, p, q", "f, p, q, c", "p, q, c, f"}) {
    std::string w = order[0] == 'p' ? "3x2x8x64" : order[3] == 'c' ? "64x8x3x2" : "64x3x2x8";
    ContractOp contract =
        formed("%x: tensor<1x9x8x8xi8>", "tensor<1x4x4x64xi32>",
               weights("tensor<" + w + "xi8>") + bytes(window("h * 2 + p, w * 2 + q", order), kConvIterators,
                                                       "tensor<1x9x8x8xi8>", "tensor<" + w + "xi8>", "tensor<1x4x4x64xi32>"));
    ASSERT_TRUE(contract);
    EXPECT_EQ(contract.getGroup(), 4);
    EXPECT_EQ(contract.getB().getType().getShape(), ArrayRef<int64_t>({2, 3, 4, 32, 4}));
  }
}

TEST_F(FormGroups, Batches) {
  std::string d = "affine_map<(b, m, n, k) -> (";
  ContractOp contract = formed("%x: tensor<3x5x7xi8>", "tensor<3x5x9xi32>",
                               weights("tensor<3x7x9xi8>") + bytes(d + "b, m, k)>, " + d + "b, k, n)>, " + d + "b, m, n)>",
                                                                   "\"parallel\", \"parallel\", \"parallel\", \"reduction\"",
                                                                   "tensor<3x5x7xi8>", "tensor<3x7x9xi8>", "tensor<3x5x9xi32>"));
  ASSERT_TRUE(contract);
  EXPECT_EQ(contract.getB().getType().getShape(), ArrayRef<int64_t>({3, 1, 2, 32, 4}));
}

} // namespace
