// How many transposes channels-last layouts leave, and that the function computes the same.
#include "Check.h"
#include "Networks.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;
using namespace laic::test;

namespace {

class PropagateLayout : public PassTest {
protected:
  void propagate(std::string text, ArrayRef<int64_t> symbols = {}) {
    check(
        text,
        [](OpPassManager &manager) {
          manager.addPass(contracts::createPropagateLayout());
          manager.addPass(createCanonicalizerPass());
          manager.addPass(createCSEPass());
        },
        symbols);
  }
  /// All of the CPU target's dispatch phase.
  void prepareAll(std::string text, ArrayRef<int64_t> symbols = {}) {
    check(text, [](OpPassManager &manager) { contracts::buildPrepare(manager); }, symbols);
  }
  int64_t transposes() { return count<linalg::TransposeOp>(); }
};

std::string pad(std::string name, std::string x, std::string from, std::string to) {
  return "%" + name + " = tensor.pad " + x +
         " low[0, 0, 1, 1] high[0, 0, 1, 1] {\n^bb0(%i: index, %j: index, %k: index, %l: index):\n"
         "tensor.yield %zero : f32\n} : " +
         from + " to " + to + "\n";
}

std::string reduceSpatial(std::string name, std::string x, std::string from, std::string type) {
  return zero(name, type) + "%" + name +
         " = linalg.generic {indexing_maps = [affine_map<(n, c, a, b, h, w) -> (n, c, h, w)>, affine_map<(n, "
         "c, a, b, h, w) -> (n, c, a, b)>], "
         "iterator_types = [\"parallel\", \"parallel\", \"parallel\", \"parallel\", \"reduction\", "
         "\"reduction\"]} ins(" +
         x + " : " + from + ") outs(%" + name + "_z : " + type +
         ") {\n^bb0(%a: f32, %c: f32):\n%s = arith.addf %c, %a : f32\nlinalg.yield %s : f32\n} -> " + type + "\n";
}

std::string maxPool(std::string name, std::string x, std::string from, std::string type) {
  return "%" + name + "_k = tensor.empty() : tensor<2x2xf32>\n" + zero(name, type) + "%" + name +
         " = linalg.generic {indexing_maps = [affine_map<(n, c, h, w, i, j) -> (n, c, h * 2 + i, w * 2 + "
         "j)>, affine_map<(n, c, h, w, i, j) -> (i, j)>, "
         "affine_map<(n, c, h, w, i, j) -> (n, c, h, w)>], iterator_types = [\"parallel\", \"parallel\", "
         "\"parallel\", \"parallel\", \"reduction\", \"reduction\"]} ins(" +
         x + ", %" + name + "_k : " + from + ", tensor<2x2xf32>) outs(%" + name + "_z : " + type +
         ") {\n^bb0(%a: f32, %b: f32, %c: f32):\n%s = arith.maximumf %c, %a : f32\nlinalg.yield %s : f32\n} "
         "-> " +
         type + "\n";
}

/// A residual network in small: stem, pooling, a block with a shortcut, global pooling, a dense layer.
std::string residualNet() {
  return constant("w1", "tensor<8x3x3x3xf32>") + constant("b1", "tensor<8xf32>") + constant("w2", "tensor<8x8x3x3xf32>") +
         constant("b2", "tensor<8xf32>") + constant("fc", "tensor<8x5xf32>") +
         pad("p1", "%x", "tensor<2x3x8x8xf32>", "tensor<2x3x10x10xf32>") +
         conv("c1", "%p1", "tensor<2x3x10x10xf32>", "%w1", "tensor<8x3x3x3xf32>", "tensor<2x8x8x8xf32>") +
         biasRelu("r1", "%c1", "%b1", "tensor<8xf32>", "tensor<2x8x8x8xf32>") +
         maxPool("m1", "%r1", "tensor<2x8x8x8xf32>", "tensor<2x8x4x4xf32>") +
         pad("p2", "%m1", "tensor<2x8x4x4xf32>", "tensor<2x8x6x6xf32>") +
         conv("c2", "%p2", "tensor<2x8x6x6xf32>", "%w2", "tensor<8x8x3x3xf32>", "tensor<2x8x4x4xf32>") +
         biasRelu("r2", "%c2", "%b2", "tensor<8xf32>", "tensor<2x8x4x4xf32>") + add("a1", "%r2", "%m1", "tensor<2x8x4x4xf32>") +
         reduceSpatial("g1", "%a1", "tensor<2x8x4x4xf32>", "tensor<2x8x1x1xf32>") +
         "%flat = tensor.collapse_shape %g1 [[0], [1, 2, 3]] : tensor<2x8x1x1xf32> into tensor<2x8xf32>\n" +
         product("y",
                 "affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> "
                 "(m, n)>",
                 "\"parallel\", \"parallel\", \"reduction\"", "%flat", "tensor<2x8xf32>", "%fc", "tensor<8x5xf32>",
                 "tensor<2x5xf32>");
}

TEST_F(PropagateLayout, ResidualNetworkNeedsOneTranspose) {
  std::string text = function("%x: tensor<2x3x8x8xf32>", "tensor<2x5xf32>", residualNet(), "%y");
  propagate(text);
  EXPECT_EQ(transposes(), 1) << print(); // of the image
  EXPECT_EQ(remarks, std::vector<std::string>{"channels-last layout: 1 transpose remains"});
  prepareAll(text);
  EXPECT_EQ(count<ContractOp>(), 3) << print();
  // Pooling, global pooling and the packing of three weights; bias, relu and the shortcut are in epilogues.
  EXPECT_EQ(count<linalg::GenericOp>(), 5) << print();
}

TEST_F(PropagateLayout, ReturnedTensorsKeepTheirOrder) {
  propagate(function("%x: tensor<1x3x6x6xf32>", "tensor<1x8x4x4xf32>",
                     constant("w", "tensor<8x3x3x3xf32>") +
                         conv("y", "%x", "tensor<1x3x6x6xf32>", "%w", "tensor<8x3x3x3xf32>", "tensor<1x8x4x4xf32>"),
                     "%y"));
  EXPECT_EQ(transposes(), 2);
}

TEST_F(PropagateLayout, NoConvolutionNoChange) {
  std::string type = "tensor<2x3x4x4xf32>";
  propagate(function("%x: " + type, "tensor<2x4x4x3xf32>",
                     add("s", "%x", "%x", type) +
                         "%e = tensor.empty() : tensor<2x4x4x3xf32>\n"
                         "%y = linalg.transpose ins(%s : " +
                         type + ") outs(%e : tensor<2x4x4x3xf32>) permutation = [0, 2, 3, 1]\n",
                     "%y"));
  EXPECT_EQ(transposes(), 1);
  EXPECT_TRUE(remarks.empty());
}

TEST_F(PropagateLayout, ImagesGivenChannelsLastNeedNone) {
  std::string planar = "tensor<1x3x6x6xf32>", out = "tensor<1x8x4x4xf32>";
  propagate(function("%x: tensor<1x6x6x3xf32>", "tensor<1x4x4x8xf32>",
                     constant("w", "tensor<8x3x3x3xf32>") + "%e = tensor.empty() : " + planar +
                         "\n%t = linalg.transpose ins(%x : tensor<1x6x6x3xf32>) outs(%e : " + planar +
                         ") permutation = [0, 3, 1, 2]\n" + add("s0", "%t", "%t", planar) +
                         conv("c0", "%s0", planar, "%w", "tensor<8x3x3x3xf32>", out) +
                         "%f = tensor.empty() : tensor<1x4x4x8xf32>\n%y = linalg.transpose ins(%c0 : " + out +
                         ") outs(%f : tensor<1x4x4x8xf32>) permutation = [0, 2, 3, 1]\n",
                     "%y"));
  EXPECT_EQ(transposes(), 0) << print();
}

TEST_F(PropagateLayout, GroupsAndDepthwise) {
  std::string d = "affine_map<(n, g, f, h, w, c, i, j) -> ";
  auto grouped = [&](std::string name, std::string x, std::string xType, std::string w, std::string wType, std::string type) {
    return product(name, d + "(n, g, c, h + i, w + j)>, " + d + "(g, f, c, i, j)>, " + d + "(n, g, f, h, w)>",
                   "\"parallel\", " + std::string(kConvIterators), x, xType, w, wType, type);
  };
  std::string body = constant("w0", "tensor<6x3x1x1xf32>") + constant("w1", "tensor<2x4x3x3x3xf32>") +
                     constant("w2", "tensor<8x1x1x3x3xf32>") +
                     conv("c0", "%x", "tensor<1x3x8x8xf32>", "%w0", "tensor<6x3x1x1xf32>", "tensor<1x6x8x8xf32>") +
                     "%e1 = tensor.expand_shape %c0 [[0], [1, 2], [3], [4]] output_shape [1, 2, 3, 8, 8] : "
                     "tensor<1x6x8x8xf32> into tensor<1x2x3x8x8xf32>\n" +
                     grouped("g1", "%e1", "tensor<1x2x3x8x8xf32>", "%w1", "tensor<2x4x3x3x3xf32>", "tensor<1x2x4x6x6xf32>") +
                     "%k1 = tensor.collapse_shape %g1 [[0], [1, 2], [3], [4]] : tensor<1x2x4x6x6xf32> into "
                     "tensor<1x8x6x6xf32>\n"
                     "%e2 = tensor.expand_shape %k1 [[0], [1, 2], [3], [4]] output_shape [1, 8, 1, 6, 6] : "
                     "tensor<1x8x6x6xf32> into tensor<1x8x1x6x6xf32>\n" +
                     grouped("g2", "%e2", "tensor<1x8x1x6x6xf32>", "%w2", "tensor<8x1x1x3x3xf32>", "tensor<1x8x1x4x4xf32>") +
                     "%k2 = tensor.collapse_shape %g2 [[0], [1, 2], [3], [4]] : tensor<1x8x1x4x4xf32> into "
                     "tensor<1x8x4x4xf32>\n" +
                     reduceSpatial("y", "%k2", "tensor<1x8x4x4xf32>", "tensor<1x8x1x1xf32>");
  std::string text = function("%x: tensor<1x3x8x8xf32>", "tensor<1x8x1x1xf32>", body, "%y");
  propagate(text);
  EXPECT_EQ(transposes(), 1) << print();
  prepareAll(text);
  ASSERT_EQ(count<ContractOp>(), 3) << print();
  ContractOp depthwise = all<ContractOp>()[2];
  EXPECT_TRUE(depthwise.getAMap().isFunctionOfDim(depthwise.getParallel() - 1)) << print();
}

TEST_F(PropagateLayout, GroupedEpilogue) {
  std::string d = "affine_map<(n, g, f, h, w, c, i, j) -> ";
  std::string body =
      constant("w", "tensor<2x4x3x3x3xf32>") + constant("bias", "tensor<8xf32>") +
      "%e1 = tensor.expand_shape %x [[0], [1, 2], [3], [4]] output_shape [1, 2, 3, 8, 8] : tensor<1x6x8x8xf32> into "
      "tensor<1x2x3x8x8xf32>\n" +
      product("g1", d + "(n, g, c, h + i, w + j)>, " + d + "(g, f, c, i, j)>, " + d + "(n, g, f, h, w)>",
              "\"parallel\", " + std::string(kConvIterators), "%e1", "tensor<1x2x3x8x8xf32>", "%w", "tensor<2x4x3x3x3xf32>",
              "tensor<1x2x4x6x6xf32>") +
      "%k1 = tensor.collapse_shape %g1 [[0], [1, 2], [3], [4]] : tensor<1x2x4x6x6xf32> into tensor<1x8x6x6xf32>\n" +
      biasRelu("y", "%k1", "%bias", "tensor<8xf32>", "tensor<1x8x6x6xf32>");
  prepareAll(function("%x: tensor<1x6x8x8xf32>", "tensor<1x8x6x6xf32>", body, "%y"));
  ASSERT_EQ(count<ContractOp>(), 1) << print();
  EXPECT_EQ(all<ContractOp>()[0].getExtras().size(), 1u) << print();
}

TEST_F(PropagateLayout, SqueezeAndExcite) {
  std::string type = "tensor<2x8x4x4xf32>", gate = "tensor<2x8x1x1xf32>";
  std::string body =
      constant("w", "tensor<8x3x3x3xf32>") + constant("v", "tensor<8x8x1x1xf32>") +
      conv("c0", "%x", "tensor<2x3x6x6xf32>", "%w", "tensor<8x3x3x3xf32>", type) + reduceSpatial("g0", "%c0", type, gate) +
      conv("s0", "%g0", gate, "%v", "tensor<8x8x1x1xf32>", gate) +
      elementwise("z0", std::string(kIdentity) + ", affine_map<(n, c, h, w) -> (n, c, 0, 0)>", "%c0, %s0", type + ", " + gate,
                  type, "%a: f32, %b: f32", "%t = math.tanh %b : f32\n%r = arith.mulf %a, %t : f32") +
      reduceSpatial("y", "%z0", type, gate);
  propagate(function("%x: tensor<2x3x6x6xf32>", gate, body, "%y"));
  EXPECT_EQ(transposes(), 1) << print();
}

TEST_F(PropagateLayout, ConcatSliceAndResize) {
  std::string type = "tensor<1x8x4x4xf32>";
  std::string body = constant("w", "tensor<8x3x3x3xf32>") + constant("v", "tensor<8x16x1x1xf32>") +
                     conv("a0", "%x", "tensor<1x3x6x6xf32>", "%w", "tensor<8x3x3x3xf32>", type) + add("b0", "%a0", "%a0", type) +
                     "%cat = tensor.concat dim(1) %a0, %b0 : (" + type + ", " + type + ") -> tensor<1x16x4x4xf32>\n" +
                     conv("c0", "%cat", "tensor<1x16x4x4xf32>", "%v", "tensor<8x16x1x1xf32>", type) +
                     "%half = tensor.extract_slice %c0[0, 4, 0, 0] [1, 4, 4, 4] [1, 1, 1, 1] : " + type +
                     " to tensor<1x4x4x4xf32>\n" + R"(
      %ue = tensor.empty() : tensor<1x4x8x8xf32>
      %up = linalg.generic {indexing_maps = [affine_map<(n, c, h, w) -> (n, c, h, w)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
          outs(%ue : tensor<1x4x8x8xf32>) {
      ^bb0(%o: f32):
        %n = linalg.index 0 : index
        %k = linalg.index 1 : index
        %h = linalg.index 2 : index
        %l = linalg.index 3 : index
        %two = arith.constant 2 : index
        %h2 = arith.divui %h, %two : index
        %l2 = arith.divui %l, %two : index
        %v0 = tensor.extract %half[%n, %k, %h2, %l2] : tensor<1x4x4x4xf32>
        linalg.yield %v0 : f32
      } -> tensor<1x4x8x8xf32>
)" + reduceSpatial("y", "%up", "tensor<1x4x8x8xf32>", "tensor<1x4x1x1xf32>");
  propagate(function("%x: tensor<1x3x6x6xf32>", "tensor<1x4x1x1xf32>", body, "%y"));
  EXPECT_EQ(transposes(), 1) << print();
}

TEST_F(PropagateLayout, PatchEmbedding) {
  // A vision transformer's patches: [n, c, h, w] -> [n, h w, c] is free after the convolution.
  std::string type = "tensor<1x8x3x3xf32>";
  std::string d = "affine_map<(n, f, oh, ow, c, kh, kw) -> ";
  std::string body = constant("w", "tensor<8x3x2x2xf32>") +
                     product("c0", d + "(n, c, oh * 2 + kh, ow * 2 + kw)>, " + d + "(f, c, kh, kw)>, " + d + "(n, f, oh, ow)>",
                             kConvIterators, "%x", "tensor<1x3x6x6xf32>", "%w", "tensor<8x3x2x2xf32>", type) +
                     "%k = tensor.collapse_shape %c0 [[0], [1], [2, 3]] : " + type +
                     " into tensor<1x8x9xf32>\n%e = tensor.empty() : tensor<1x9x8xf32>\n"
                     "%y = linalg.transpose ins(%k : tensor<1x8x9xf32>) outs(%e : tensor<1x9x8xf32>) permutation = [0, 2, "
                     "1]\n";
  propagate(function("%x: tensor<1x3x6x6xf32>", "tensor<1x9x8xf32>", body, "%y"));
  EXPECT_EQ(transposes(), 1) << print();
}

TEST_F(PropagateLayout, DynamicBatchAndSize) {
  std::string in = "tensor<?x3x?x?xf32>", padded = "tensor<?x3x?x?xf32>", type = "tensor<?x8x?x?xf32>";
  std::string body = constant("w", "tensor<8x3x3x3xf32>") + constant("bias", "tensor<8xf32>") + R"(
    %n = laic.size affine_map<()[s0, s1, s2] -> (s0)>
    %h = laic.size affine_map<()[s0, s1, s2] -> (s1)>
    %w0 = laic.size affine_map<()[s0, s1, s2] -> (s2)>
)" + pad("p", "%x", in, padded) +
                     R"(
    %e = tensor.empty(%n, %h, %w0) : tensor<?x8x?x?xf32>
    %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8x?x?xf32>) -> tensor<?x8x?x?xf32>
    %c = linalg.generic {indexing_maps = [affine_map<(n, f, oh, ow, c, kh, kw) -> (n, c, oh + kh, ow + kw)>,
      affine_map<(n, f, oh, ow, c, kh, kw) -> (f, c, kh, kw)>, affine_map<(n, f, oh, ow, c, kh, kw) -> (n, f, oh, ow)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%p, %w : tensor<?x3x?x?xf32>, tensor<8x3x3x3xf32>) outs(%z : tensor<?x8x?x?xf32>) {
    ^bb0(%a: f32, %b: f32, %s: f32):
      %m = arith.mulf %a, %b : f32
      %t = arith.addf %s, %m : f32
      linalg.yield %t : f32
    } -> tensor<?x8x?x?xf32>
    %y = linalg.generic {indexing_maps = [affine_map<(n, c, h, w) -> (n, c, h, w)>, affine_map<(n, c, h, w) -> (c)>,
      affine_map<(n, c, h, w) -> (n, c, h, w)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%c, %bias : tensor<?x8x?x?xf32>, tensor<8xf32>) outs(%e : tensor<?x8x?x?xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %t = arith.addf %a, %b : f32
      linalg.yield %t : f32
    } -> tensor<?x8x?x?xf32>
)";
  std::string text = function(
      "%x: " + in, type, body, "%y",
      R"(laic.symbols = [{kind = "dim", arg = 0, index = 0, name = "n"}, {kind = "dim", arg = 0, index = 2, name = "h"}, {kind = "dim", arg = 0, index = 3, name = "w"}])");
  propagate(text, {2, 5, 6});
  EXPECT_EQ(transposes(), 2) << print();
  prepareAll(text, {2, 5, 6});
  ASSERT_EQ(count<ContractOp>(), 1) << print();
  EXPECT_EQ(all<ContractOp>()[0].getExtras().size(), 1u);
}

TEST_F(PropagateLayout, VolumesAndSequences) {
  std::string d = "affine_map<(n, f, ol, c, k) -> ";
  std::string text = function("%x: tensor<2x3x9xf32>", "tensor<2x8xf32>",
                              constant("w", "tensor<8x3x3xf32>") +
                                  product("c0", d + "(n, c, ol * 2 + k)>, " + d + "(f, c, k)>, " + d + "(n, f, ol)>",
                                          "\"parallel\", \"parallel\", \"parallel\", \"reduction\", \"reduction\"", "%x",
                                          "tensor<2x3x9xf32>", "%w", "tensor<8x3x3xf32>", "tensor<2x8x4xf32>") +
                                  zero("y", "tensor<2x8xf32>") +
                                  "%y = linalg.generic {indexing_maps = [affine_map<(n, c, l) -> (n, c, l)>, affine_map<(n, "
                                  "c, l) -> (n, c)>], iterator_types = "
                                  "[\"parallel\", \"parallel\", \"reduction\"]} ins(%c0 : tensor<2x8x4xf32>) outs(%y_z : "
                                  "tensor<2x8xf32>) {\n^bb0(%a: f32, %o: f32):\n"
                                  "%s = arith.addf %a, %o : f32\nlinalg.yield %s : f32\n} -> tensor<2x8xf32>\n",
                              "%y");
  prepareAll(text);
  ASSERT_EQ(count<ContractOp>(), 1);
  EXPECT_EQ(transposes(), 1) << print();
}

} // namespace
