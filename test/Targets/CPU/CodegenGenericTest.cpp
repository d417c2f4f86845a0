// Elementwise kernels, reductions and gathers.
#include "KernelTest.h"

using namespace laic;
using namespace laic::test;

namespace {

class CodegenGeneric : public KernelTest {};

TEST_F(CodegenGeneric, StaticAddRelu) {
  check(R"(
    func.func private @k(%x: tensor<3x37xf32>, %y: tensor<37xf32>) -> tensor<3x37xf32> {
      %e = tensor.empty() : tensor<3x37xf32>
      %zero = arith.constant 0.0 : f32
      %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (b)>,
          affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
          ins(%x, %y : tensor<3x37xf32>, tensor<37xf32>) outs(%e : tensor<3x37xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %s = arith.addf %a, %b : f32
        %m = arith.maximumf %s, %zero : f32
        linalg.yield %m : f32
      } -> tensor<3x37xf32>
      return %r : tensor<3x37xf32>
    })");
}

TEST_F(CodegenGeneric, DynamicSizes) {
  for (int64_t rows : {0, 1, 5})
    for (int64_t columns : {0, 1, 15, 16, 17, 63, 700})
      check(R"(
        func.func private @k(%x: tensor<?x?xf32>, %y: tensor<?x?xf32>, %n: index, %m: index) -> tensor<?x?xf32> {
          %e = tensor.empty(%n, %m) : tensor<?x?xf32>
          %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>,
              affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
              ins(%x, %y : tensor<?x?xf32>, tensor<?x?xf32>) outs(%e : tensor<?x?xf32>) {
          ^bb0(%a: f32, %b: f32, %o: f32):
            %s = arith.mulf %a, %b : f32
            %t = arith.subf %s, %b : f32
            linalg.yield %t : f32
          } -> tensor<?x?xf32>
          return %r : tensor<?x?xf32>
        })",
            {{rows, columns, rows, columns, rows, columns}, {rows, columns}});
}

// The combiner is none that partial results could be combined with, so rows are lanes, each read with a stride: rows that do not
// exist must not be read.
TEST_F(CodegenGeneric, StridedTail) {
  for (int64_t rows : {1, 2, 15, 17, 65})
    check(R"(
      func.func private @k(%x: tensor<?x214xf32>, %n: index) -> tensor<?xf32> {
        %least = arith.constant -3.0 : f32
        %e = tensor.empty(%n) : tensor<?xf32>
        %f = linalg.fill ins(%least : f32) outs(%e : tensor<?xf32>) -> tensor<?xf32>
        %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a)>],
            iterator_types = ["parallel", "reduction"]} ins(%x : tensor<?x214xf32>) outs(%f : tensor<?xf32>) {
        ^bb0(%a: f32, %o: f32):
          %c = arith.cmpf ogt, %a, %o : f32
          %s = arith.select %c, %a, %o : f32
          linalg.yield %s : f32
        } -> tensor<?xf32>
        return %r : tensor<?xf32>
      })",
          {{rows, rows}, {rows}});
}

TEST_F(CodegenGeneric, LargeManyTiles) {
  check(R"(
    func.func private @k(%x: tensor<100003xf32>) -> tensor<100003xf32> {
      %e = tensor.empty() : tensor<100003xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
          ins(%x : tensor<100003xf32>) outs(%e : tensor<100003xf32>) {
      ^bb0(%a: f32, %o: f32):
        %s = math.exp %a : f32
        linalg.yield %s : f32
      } -> tensor<100003xf32>
      return %r : tensor<100003xf32>
    })");
}

TEST_F(CodegenGeneric, BroadcastsTransposesAndStrides) {
  check(R"(
    func.func private @k(%x: tensor<19x7xf32>, %y: tensor<7x1xf32>, %z: tensor<40xf32>) -> tensor<7x19xf32> {
      %e = tensor.empty() : tensor<7x19xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (b, a)>, affine_map<(a, b) -> (a, 0)>,
          affine_map<(a, b) -> (b * 2 + 1)>, affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
          ins(%x, %y, %z : tensor<19x7xf32>, tensor<7x1xf32>, tensor<40xf32>) outs(%e : tensor<7x19xf32>) {
      ^bb0(%a: f32, %b: f32, %c: f32, %o: f32):
        %s = arith.addf %a, %b : f32
        %t = arith.mulf %s, %c : f32
        linalg.yield %t : f32
      } -> tensor<7x19xf32>
      return %r : tensor<7x19xf32>
    })");
}

TEST_F(CodegenGeneric, MixedWidthsAndSelect) {
  check(R"(
    func.func private @k(%c: tensor<77xi8>, %x: tensor<77xi64>, %y: tensor<1xi64>) -> (tensor<77xi64>, tensor<77xf32>) {
      %e = tensor.empty() : tensor<77xi64>
      %f = tensor.empty() : tensor<77xf32>
      %zero = arith.constant 0 : i8
      %r:2 = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>, affine_map<(a) -> (0)>,
          affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
          ins(%c, %x, %y : tensor<77xi8>, tensor<77xi64>, tensor<1xi64>) outs(%e, %f : tensor<77xi64>, tensor<77xf32>) {
      ^bb0(%a: i8, %b: i64, %d: i64, %o: i64, %p: f32):
        %m = arith.cmpi sgt, %a, %zero : i8
        %s = arith.select %m, %b, %d : i64
        %t = arith.sitofp %s : i64 to f32
        linalg.yield %s, %t : i64, f32
      } -> (tensor<77xi64>, tensor<77xf32>)
      return %r#0, %r#1 : tensor<77xi64>, tensor<77xf32>
    })");
}

TEST_F(CodegenGeneric, HalfPrecision) {
  for (std::string type : {"f16", "bf16"})
    check("func.func private @k(%x: tensor<5x21x" + type + ">) -> tensor<5x21x" + type + "> {\n" +
              "%e = tensor.empty() : tensor<5x21x" + type + ">\n" + R"(
          %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>, affine_map<(a, b) -> (a, b)>],
              iterator_types = ["parallel", "parallel"]} )" +
              "ins(%x : tensor<5x21x" + type + ">) outs(%e : tensor<5x21x" + type + ">) {\n^bb0(%a: " + type + ", %o: " + type +
              "):\n%w = arith.extf %a : " + type + " to f32\n%s = arith.mulf %w, %w : f32\n" + "%n = arith.truncf %s : f32 to " +
              type + "\nlinalg.yield %n : " + type + "\n} -> tensor<5x21x" + type + ">\nreturn %r : tensor<5x21x" + type + ">\n}",
          {}, 5e-3);
}

TEST_F(CodegenGeneric, RankZero) {
  check(R"(
    func.func private @k(%x: tensor<f64>, %y: tensor<f64>) -> tensor<f64> {
      %e = tensor.empty() : tensor<f64>
      %r = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
          ins(%x, %y : tensor<f64>, tensor<f64>) outs(%e : tensor<f64>) {
      ^bb0(%a: f64, %b: f64, %o: f64):
        %s = arith.divf %a, %b : f64
        linalg.yield %s : f64
      } -> tensor<f64>
      return %r : tensor<f64>
    })");
}

std::string reduction(std::string in, std::string out, std::string inMap, std::string outMap, std::string iterators,
                      std::string type, std::string init, std::string combine) {
  return "func.func private @k(%x: tensor<" + in + type + ">) -> tensor<" + out + type + "> {\n%c = arith.constant " + init +
         " : " + type + "\n%e = tensor.empty() : tensor<" + out + type + ">\n%f = linalg.fill ins(%c : " + type +
         ") outs(%e : tensor<" + out + type + ">) -> tensor<" + out + type +
         ">\n%r = linalg.generic {indexing_maps = [affine_map<" + inMap + ">, affine_map<" + outMap + ">], iterator_types = [" +
         iterators + "]} ins(%x : tensor<" + in + type + ">) outs(%f : tensor<" + out + type + ">) {\n^bb0(%a: " + type +
         ", %o: " + type + "):\n%s = " + combine + " %a, %o : " + type + "\nlinalg.yield %s : " + type + "\n} -> tensor<" + out +
         type + ">\nreturn %r : tensor<" + out + type + ">\n}";
}

TEST_F(CodegenGeneric, Reductions) {
  for (std::string columns : {"1", "3", "16", "77", "1000"}) {
    check(reduction("5x" + columns + "x", "5x", "(a, b) -> (a, b)", "(a, b) -> (a)", "\"parallel\", \"reduction\"", "f32", "0.5",
                    "arith.addf"));
    check(reduction(columns + "x5x", "5x", "(b, a) -> (b, a)", "(b, a) -> (a)", "\"reduction\", \"parallel\"", "f32", "-1.0e30",
                    "arith.maximumf"));
    check(reduction("7x" + columns + "x", columns + "x", "(b, a) -> (b, a)", "(b, a) -> (a)", "\"reduction\", \"parallel\"",
                    "i32", "0", "arith.addi"));
    check(reduction("2x" + columns + "x3x", "", "(a, b, c) -> (a, b, c)", "(a, b, c) -> ()",
                    "\"reduction\", \"reduction\", \"reduction\"", "f64", "1.0", "arith.minimumf"));
    check(reduction("2x" + columns + "x3x", columns + "x", "(a, b, c) -> (a, b, c)", "(a, b, c) -> (b)",
                    "\"reduction\", \"parallel\", \"reduction\"", "i64", "3", "arith.maxsi"));
  }
}

TEST_F(CodegenGeneric, WindowPooling) {
  check(R"(
    func.func private @k(%x: tensor<2x9x9x35xf32>) -> tensor<2x4x4x35xf32> {
      %low = arith.constant -3.0e38 : f32
      %e = tensor.empty() : tensor<2x4x4x35xf32>
      %w = tensor.empty() : tensor<3x3xf32>
      %f = linalg.fill ins(%low : f32) outs(%e : tensor<2x4x4x35xf32>) -> tensor<2x4x4x35xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(n, h, w, c, p, q) -> (n, h * 2 + p, w * 2 + q, c)>,
          affine_map<(n, h, w, c, p, q) -> (p, q)>, affine_map<(n, h, w, c, p, q) -> (n, h, w, c)>],
          iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
          ins(%x, %w : tensor<2x9x9x35xf32>, tensor<3x3xf32>) outs(%f : tensor<2x4x4x35xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %s = arith.maximumf %a, %o : f32
        linalg.yield %s : f32
      } -> tensor<2x4x4x35xf32>
      return %r : tensor<2x4x4x35xf32>
    })");
}

const char *kGather = R"(
    func.func private @k(%table: tensor<11x20xf32>, %ids: tensor<6xi64>) -> tensor<6x20xf32> {
      %e = tensor.empty() : tensor<6x20xf32>
      %c11 = arith.constant 11 : index
      %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a)>, affine_map<(a, b) -> (a, b)>],
          iterator_types = ["parallel", "parallel"]} ins(%ids : tensor<6xi64>) outs(%e : tensor<6x20xf32>) {
      ^bb0(%id: i64, %o: f32):
        %i = arith.index_cast %id : i64 to index
        %ok = laic.check_index %i below %c11 value %id
        %j = linalg.index 1 : index
        %v = tensor.extract %table[%ok, %j] : tensor<11x20xf32>
        linalg.yield %v : f32
      } -> tensor<6x20xf32>
      return %r : tensor<6x20xf32>
    })";

TEST_F(CodegenGeneric, GatherRows) {
  Array table{{11, 20}, {}}, ids{{6}, {0, 10, 3, 3, 7, 1}};
  for (int i = 0; i < 220; ++i)
    table.data.push_back(i);
  check(kGather, {}, 0, {table, ids});
}

TEST_F(CodegenGeneric, GatherOutOfRange) {
  parse(kGather);
  auto result = compile({"native"});
  ASSERT_TRUE(llvm::succeeded(result));
  MappedCode code(result->blobs[0]);
  std::vector<Tensor> tensors = makeTensors({});
  double ids[] = {0, 1, 11, -4, 2, 3};
  for (int i = 0; i < 6; ++i)
    tensors[1].set(i, ids[i]);
  laic_kernel_error_t error = run(code, *result, tensors, {}, {}, 1);
  EXPECT_EQ(error.code, LAIC_KERNEL_INDEX_OUT_OF_RANGE);
  EXPECT_EQ(error.value, 11);
  ids[2] = 4;
  tensors[1].set(2, 4);
  EXPECT_EQ(run(code, *result, tensors, {}, {}, 1).value, -4);
  tensors[1].set(3, 4);
  EXPECT_EQ(run(code, *result, tensors, {}, {}, 1).code, 0);
}

TEST_F(CodegenGeneric, GatherColumnsByVector) {
  check(R"(
    func.func private @k(%x: tensor<4x50xf32>) -> tensor<4x23xf32> {
      %e = tensor.empty() : tensor<4x23xf32>
      %c2 = arith.constant 2 : index
      %r = linalg.generic {indexing_maps = [affine_map<(a, b) -> (a, b)>], iterator_types = ["parallel", "parallel"]}
          outs(%e : tensor<4x23xf32>) {
      ^bb0(%o: f32):
        %i = linalg.index 0 : index
        %j = linalg.index 1 : index
        %k = arith.muli %j, %c2 : index
        %v = tensor.extract %x[%i, %k] : tensor<4x50xf32>
        linalg.yield %v : f32
      } -> tensor<4x23xf32>
      return %r : tensor<4x23xf32>
    })");
}

// A kernel like a convolution whose body reads `value` for each of 192 channels; tiles cut them at odd places.
std::string channels(std::string value) {
  return R"(
    func.func private @k(%x: tensor<4x7x48xf32>, %w: tensor<192x48x3x3xf32>) -> tensor<2x5x192xf32> {
      %zero = arith.constant 0.0 : f32
      %half = arith.constant 0.5 : f32
      %e = tensor.empty() : tensor<2x5x192xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x5x192xf32>) -> tensor<2x5x192xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(h, w, f, c, y, x) -> (h + y, w + x, c)>,
          affine_map<(h, w, f, c, y, x) -> (f, c, y, x)>, affine_map<(h, w, f, c, y, x) -> (h, w, f)>],
          iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
          ins(%x, %w : tensor<4x7x48xf32>, tensor<192x48x3x3xf32>) outs(%f : tensor<2x5x192xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %p = arith.mulf %a, )" +
         value + R"( : f32
        %s = arith.addf %o, %p : f32
        linalg.yield %s : f32
      } -> tensor<2x5x192xf32>
      return %r : tensor<2x5x192xf32>
    })";
}

TEST_F(CodegenGeneric, TilesCutRowsOfWholeVectors) {
  check(channels("%b"));
  check(channels("%half"));
  // The reduction is too short for vectors.
  check(R"(
    func.func private @k(%x: tensor<150x12xf32>, %w: tensor<192x150x3xf32>) -> tensor<10x192xf32> {
      %zero = arith.constant 0.0 : f32
      %e = tensor.empty() : tensor<10x192xf32>
      %f = linalg.fill ins(%zero : f32) outs(%e : tensor<10x192xf32>) -> tensor<10x192xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(p, f, c, x) -> (c, p + x)>,
          affine_map<(p, f, c, x) -> (f, c, x)>, affine_map<(p, f, c, x) -> (p, f)>],
          iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
          ins(%x, %w : tensor<150x12xf32>, tensor<192x150x3xf32>) outs(%f : tensor<10x192xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %p = arith.mulf %a, %b : f32
        %s = arith.addf %o, %p : f32
        linalg.yield %s : f32
      } -> tensor<10x192xf32>
      return %r : tensor<10x192xf32>
    })");
}

TEST_F(CodegenGeneric, OnlyMarkedOperationsContract) {
  // Softmax after a fused product: x - max(x) is 0, not the rounding error of the product.
  parse(R"(
    func.func private @k(%x: tensor<19xf32>, %y: tensor<19xf32>) -> tensor<19xf32> {
      %e = tensor.empty() : tensor<19xf32>
      %c = arith.constant 5.917160e-03 : f32
      %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>, affine_map<(a) -> (a)>],
          iterator_types = ["parallel"]} ins(%x, %y : tensor<19xf32>, tensor<19xf32>) outs(%e : tensor<19xf32>) {
      ^bb0(%a: f32, %b: f32, %o: f32):
        %p = arith.mulf %a, %c fastmath<contract> : f32
        %s = arith.subf %p, %b : f32
        linalg.yield %s : f32
      } -> tensor<19xf32>
      return %r : tensor<19xf32>
    })");
  auto result = compile({"native"});
  ASSERT_TRUE(llvm::succeeded(result));
  MappedCode code(result->blobs[0]);
  std::vector<Tensor> tensors = makeTensors({});
  for (int i = 0; i < 19; ++i) {
    float x = 1.6e12f + 1.0e9f * i;
    volatile float product = x * 5.917160e-03f;
    tensors[0].set(i, x);
    tensors[1].set(i, product);
  }
  EXPECT_EQ(run(code, *result, tensors, {}, {}, 1).code, 0);
  for (int i = 0; i < 19; ++i)
    EXPECT_EQ(tensors[2].get(i), 0);
}

} // namespace
