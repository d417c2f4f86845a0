// Kernels that move data: fills, pads, concatenations, slices, transposes, sizes.
#include "KernelTest.h"

using namespace laic;
using namespace laic::test;

namespace {

class CodegenCopy : public KernelTest {};

TEST_F(CodegenCopy, Fill) {
  check("func.func private @k() -> tensor<3x41xf32> {\n%c = arith.constant 2.5 : f32\n%e = tensor.empty() : tensor<3x41xf32>\n"
        "%r = linalg.fill ins(%c : f32) outs(%e : tensor<3x41xf32>) -> tensor<3x41xf32>\nreturn %r : tensor<3x41xf32>\n}");
}

TEST_F(CodegenCopy, Pad) {
  check(R"(func.func private @k(%x: tensor<2x5x6x7xf32>) -> tensor<2x8x9x7xf32> {
    %c = arith.constant -1.0 : f32
    %r = tensor.pad %x low[0, 1, 2, 0] high[0, 2, 1, 0] {
    ^bb0(%a: index, %b: index, %d: index, %e: index):
      tensor.yield %c : f32
    } : tensor<2x5x6x7xf32> to tensor<2x8x9x7xf32>
    return %r : tensor<2x8x9x7xf32>
  })");
  check(R"(func.func private @k(%x: tensor<5xi8>) -> tensor<45xi8> {
    %c = arith.constant 3 : i8
    %r = tensor.pad %x low[33] high[7] {
    ^bb0(%a: index):
      tensor.yield %c : i8
    } : tensor<5xi8> to tensor<45xi8>
    return %r : tensor<45xi8>
  })");
}

TEST_F(CodegenCopy, PadDynamic) {
  for (int64_t n : {0, 1, 70})
    check(R"(func.func private @k(%x: tensor<?x?xf32>, %l: index) -> tensor<?x?xf32> {
      %c = arith.constant 0.0 : f32
      %r = tensor.pad %x low[%l, 0] high[1, %l] {
      ^bb0(%a: index, %b: index):
        tensor.yield %c : f32
      } : tensor<?x?xf32> to tensor<?x?xf32>
      return %r : tensor<?x?xf32>
    })",
          {{n, 9, n + 3, 11}, {2}});
}

TEST_F(CodegenCopy, Concat) {
  for (std::string axis : {"0", "1"})
    check("func.func private @k(%x: tensor<5x5xf32>, %y: tensor<5x5xf32>, %z: tensor<5x5xf32>) -> tensor<" +
          std::string(axis == "0" ? "15x5" : "5x15") + "xf32> {\n%r = tensor.concat dim(" + axis +
          ") %x, %y, %z : (tensor<5x5xf32>, tensor<5x5xf32>, tensor<5x5xf32>) -> tensor<" + (axis == "0" ? "15x5" : "5x15") +
          "xf32>\nreturn %r : tensor<" + (axis == "0" ? "15x5" : "5x15") + "xf32>\n}");
  check("func.func private @k(%x: tensor<30000xi64>, %y: tensor<7xi64>) -> tensor<30007xi64> {\n%r = tensor.concat dim(0) %x, %y"
        " : (tensor<30000xi64>, tensor<7xi64>) -> tensor<30007xi64>\nreturn %r : tensor<30007xi64>\n}");
  for (int64_t n : {0, 3, 40})
    check("func.func private @k(%x: tensor<3x?xf32>, %y: tensor<3x4xf32>) -> tensor<3x?xf32> {\n%r = tensor.concat dim(1) "
          "%x, %y : (tensor<3x?xf32>, tensor<3x4xf32>) -> tensor<3x?xf32>\nreturn %r : tensor<3x?xf32>\n}",
          {{n, n + 4}, {}});
}

// More parts than are written out: a loop over a table.
TEST_F(CodegenCopy, ConcatOfManyUnknownSizes) {
  constexpr int kParts = 11;
  std::string arguments, operands, types;
  Shape shape;
  int64_t total = 0;
  for (int i = 0; i < kParts; ++i) {
    std::string name = "%x" + std::to_string(i);
    arguments += (i ? ", " : "") + name + ": tensor<3x?x5xf32>";
    operands += (i ? ", " : "") + name;
    types += std::string(i ? ", " : "") + "tensor<3x?x5xf32>";
    shape.dims.push_back(i % 4 == 1 ? 0 : 7 * i + 1); // some are empty
    total += shape.dims.back();
  }
  shape.dims.push_back(total);
  check("func.func private @k(" + arguments + ") -> tensor<3x?x5xf32> {\n%r = tensor.concat dim(1) " + operands + " : (" + types +
            ") -> tensor<3x?x5xf32>\nreturn %r : tensor<3x?x5xf32>\n}",
        shape, 0);
}

TEST_F(CodegenCopy, Slices) {
  check("func.func private @k(%x: tensor<6x9x8xf32>) -> tensor<2x9x3xf32> {\n%r = tensor.extract_slice %x[1, 0, 2] [2, 9, 3] "
        "[2, 1, 2] : tensor<6x9x8xf32> to tensor<2x9x3xf32>\nreturn %r : tensor<2x9x3xf32>\n}");
  check("func.func private @k(%x: tensor<6x9x8xf32>) -> tensor<9x8xf32> {\n%r = tensor.extract_slice %x[4, 0, 0] [1, 9, 8] "
        "[1, 1, 1] : tensor<6x9x8xf32> to tensor<9x8xf32>\nreturn %r : tensor<9x8xf32>\n}");
  check("func.func private @k(%x: tensor<6x90xf32>, %o: index, %n: index) -> tensor<6x?xf32> {\n%r = tensor.extract_slice "
        "%x[0, %o] [6, %n] [1, 1] : tensor<6x90xf32> to tensor<6x?xf32>\nreturn %r : tensor<6x?xf32>\n}",
        {{33}, {5, 33}});
  check("func.func private @k(%x: tensor<2x3xf32>, %y: tensor<5x6xf32>) -> tensor<5x6xf32> {\n%r = tensor.insert_slice %x into "
        "%y[1, 2] [2, 3] [1, 1] : tensor<2x3xf32> into tensor<5x6xf32>\nreturn %r : tensor<5x6xf32>\n}");
}

TEST_F(CodegenCopy, Transposes) {
  auto transpose = [&](std::string in, std::string out, std::string permutation, std::string type) {
    check("func.func private @k(%x: tensor<" + in + type + ">) -> tensor<" + out + type + "> {\n%e = tensor.empty() : tensor<" +
          out + type + ">\n%r = linalg.transpose ins(%x : tensor<" + in + type + ">) outs(%e : tensor<" + out + type +
          ">) permutation = [" + permutation + "]\nreturn %r : tensor<" + out + type + ">\n}");
  };
  for (std::string type : {"f32", "i8", "i64", "bf16"}) {
    transpose("37x50x", "50x37x", "1, 0", type);
    transpose("2x3x40x", "2x40x3x", "0, 2, 1", type);
    transpose("2x5x7x16x", "2x7x5x16x", "0, 2, 1, 3", type);
    transpose("2x33x4x5x", "2x4x5x33x", "0, 2, 3, 1", type);
  }
  transpose("300x200x", "200x300x", "1, 0", "f32");
}

TEST_F(CodegenCopy, TransposeDynamic) {
  for (int64_t n : {0, 1, 70})
    check("func.func private @k(%x: tensor<?x20xf32>, %n: index) -> tensor<20x?xf32> {\n%e = tensor.empty(%n) : tensor<20x?xf32>"
          "\n%r = linalg.transpose ins(%x : tensor<?x20xf32>) outs(%e : tensor<20x?xf32>) permutation = [1, 0]\n"
          "return %r : tensor<20x?xf32>\n}",
          {{n, n}, {n}});
}

TEST_F(CodegenCopy, SizesTensor) {
  parse("func.func private @k(%a: index, %b: index) -> tensor<2xi32> {\n%r = laic.sizes_tensor %a, %b : (index, index) -> "
        "tensor<2xi32>\nreturn %r : tensor<2xi32>\n}");
  auto result = compile({"native"});
  ASSERT_TRUE(llvm::succeeded(result));
  MappedCode code(result->blobs[0]);
  std::vector<Tensor> tensors = makeTensors({});
  run(code, *result, tensors, {17, -3}, {17, -3}, 1);
  EXPECT_EQ(tensors[0].get(0), 17);
  EXPECT_EQ(tensors[0].get(1), -3);
}

} // namespace
