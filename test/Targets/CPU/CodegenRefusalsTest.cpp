// Kernels that the compiler does not form itself but that a dump or another pipeline may hold: refused by name, never miscompiled.
#include "KernelTest.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "llvm/ADT/StringExtras.h"

using namespace laic;
using namespace laic::test;

namespace {

struct Refusal {
  const char *name;
  const char *signature; // of @k
  const char *body;
  const char *message;
};

// Where a tensor comes from that is neither an argument nor a constant.
const char kOutside[] = "func.func private @outside() -> tensor<4xf32>\n";

const Refusal kRefusals[] = {
    {"NothingToCompute", "(%x: tensor<4xf32>) -> tensor<4xf32>", "return %x : tensor<4xf32>", "it holds nothing to compute"},
    {"TwoRoots", "(%x: tensor<4x4xf32>) -> tensor<4x4xf32>", R"(
       %e = tensor.empty() : tensor<4x4xf32>
       %a = linalg.transpose ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
       %b = linalg.transpose ins(%a : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
       return %b : tensor<4x4xf32>)",
     "it holds two roots, 'linalg.transpose' and 'linalg.transpose'"},
    {"NoRankedTensor", "(%x: tensor<*xf32>) -> tensor<4xf32>", R"(
       %c = tensor.cast %x : tensor<*xf32> to tensor<4xf32>
       %r = tensor.concat dim(0) %c : (tensor<4xf32>) -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "an operand is neither a ranked tensor nor an index"},
    {"ResultOfAnother", "(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)", R"(
       %e = tensor.empty() : tensor<4x4xf32>
       %a = linalg.transpose ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
       return %a, %x : tensor<4x4xf32>, tensor<4x4xf32>)",
     "it returns something that its root does not compute"},
    {"TwoBlocks", "(%x: tensor<4xf32>) -> tensor<4xf32>", "cf.br ^next\n^next:\nreturn %x : tensor<4xf32>",
     "it has no body of one block"},
    {"Transpose", "() -> tensor<4xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %e = tensor.empty() : tensor<4xf32>
       %a = linalg.transpose ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) permutation = [0]
       return %a : tensor<4xf32>)",
     "linalg.transpose reads something that is no argument"},
    {"Concat", "() -> tensor<4xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %r = tensor.concat dim(0) %x : (tensor<4xf32>) -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "tensor.concat reads something that is no argument"},
    {"Append", "(%y: tensor<1xf32>) -> tensor<5xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %r = laic.append %x, %y {axis = 0 : i64} : (tensor<4xf32>, tensor<1xf32>) -> tensor<5xf32>
       return %r : tensor<5xf32>)",
     "laic.append reads something that is no argument"},
    {"Room", "(%x: tensor<4xf32> {laic.room = 1 : i64}) -> tensor<4xf32>", R"(
       %r = tensor.concat dim(0) %x : (tensor<4xf32>) -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "it has room along dim 1 of a tensor of rank 1"},
    {"ExtractSlice", "() -> tensor<2xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %r = tensor.extract_slice %x[1] [2] [1] : tensor<4xf32> to tensor<2xf32>
       return %r : tensor<2xf32>)",
     "tensor.extract_slice reads something that is no argument"},
    {"ExtractSliceSize", "(%x: tensor<4xf32>, %y: tensor<1xindex>) -> tensor<2xf32>", R"(
       %zero = arith.constant 0 : index
       %at = tensor.extract %y[%zero] : tensor<1xindex>
       %r = tensor.extract_slice %x[%at] [2] [1] : tensor<4xf32> to tensor<2xf32>
       return %r : tensor<2xf32>)",
     "a size is neither a constant nor computed from index arguments"},
    {"InsertSlice", "(%y: tensor<8xf32>) -> tensor<8xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %r = tensor.insert_slice %x into %y[0] [4] [1] : tensor<4xf32> into tensor<8xf32>
       return %r : tensor<8xf32>)",
     "tensor.insert_slice reads something that is no argument"},
    {"InsertSliceStride", "(%x: tensor<4xf32>, %y: tensor<8xf32>) -> tensor<8xf32>", R"(
       %r = tensor.insert_slice %x into %y[0] [4] [2] : tensor<4xf32> into tensor<8xf32>
       return %r : tensor<8xf32>)",
     "tensor.insert_slice with a stride other than 1"},
    {"Pad", "(%x: tensor<4xf32>) -> tensor<6xf32>", R"(
       %r = tensor.pad %x low[1] high[1] {
       ^bb0(%i: index):
         %n = arith.index_cast %i : index to i32
         %f = arith.sitofp %n : i32 to f32
         tensor.yield %f : f32
       } : tensor<4xf32> to tensor<6xf32>
       return %r : tensor<6xf32>)",
     "tensor.pad needs a constant value and an argument to pad"},
    {"Fill", "(%y: tensor<1xf32>) -> tensor<4xf32>", R"(
       %zero = arith.constant 0 : index
       %v = tensor.extract %y[%zero] : tensor<1xf32>
       %e = tensor.empty() : tensor<4xf32>
       %r = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "its fill value is neither a constant nor computed from index arguments"},
    {"SizesTensor", "(%y: tensor<1xindex>) -> tensor<1xi64>", R"(
       %zero = arith.constant 0 : index
       %v = tensor.extract %y[%zero] : tensor<1xindex>
       %r = laic.sizes_tensor %v : (index) -> tensor<1xi64>
       return %r : tensor<1xi64>)",
     "an element of laic.sizes_tensor is not computed from index arguments"},
    {"Structured", "() -> tensor<1x4x1xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %w = tensor.expand_shape %x [[0, 1, 2]] output_shape [1, 4, 1] : tensor<4xf32> into tensor<1x4x1xf32>
       %r = laic.scan %w : (tensor<1x4x1xf32>) -> tensor<1x4x1xf32>
       return %r : tensor<1x4x1xf32>)",
     "an operand is neither an argument nor a constant"},
    {"StructuredResult", "(%x: tensor<1x4xf32>) -> tensor<1x2xf32>", R"(
       %v, %i = laic.top_k_rows %x : (tensor<1x4xf32>) -> (tensor<1x2xf32>, tensor<1x2xi64>)
       return %v : tensor<1x2xf32>)",
     "result 1 is not returned"},
    {"GenericOperand", "() -> tensor<4xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %e = tensor.empty() : tensor<4xf32>
       %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
           ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
       ^bb0(%a: f32, %o: f32):
         linalg.yield %a : f32
       } -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "operand 0 of its linalg.generic is neither an argument nor a constant"},
    {"GenericInitial", "(%x: tensor<4xf32>) -> tensor<4xf32>", R"(
       %y = func.call @outside() : () -> tensor<4xf32>
       %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
           ins(%x : tensor<4xf32>) outs(%y : tensor<4xf32>) {
       ^bb0(%a: f32, %o: f32):
         %s = arith.addf %a, %o : f32
         linalg.yield %s : f32
       } -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "an initial value is neither an argument nor a constant"},
    {"GenericUninitialised", "(%x: tensor<4xf32>) -> tensor<4xf32>", R"(
       %e = tensor.empty() : tensor<4xf32>
       %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>, affine_map<(a) -> (a)>],
           iterator_types = ["parallel"]} ins(%x, %e : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
       ^bb0(%a: f32, %b: f32, %o: f32):
         %s = arith.addf %a, %b : f32
         linalg.yield %s : f32
       } -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "it reads an uninitialised tensor"},
    {"GenericResultDivides", "(%x: tensor<4xf32>) -> tensor<2xf32>", R"(
       %e = tensor.empty() : tensor<2xf32>
       %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a floordiv 2)>], iterator_types = ["reduction"]}
           ins(%x : tensor<4xf32>) outs(%e : tensor<2xf32>) {
       ^bb0(%a: f32, %o: f32):
         linalg.yield %a : f32
       } -> tensor<2xf32>
       return %r : tensor<2xf32>)",
     "a result's indexing map divides"},
    {"BodyValue", "(%x: tensor<4xf32>, %y: tensor<1xf32>) -> tensor<4xf32>", R"(
       %zero = arith.constant 0 : index
       %v = tensor.extract %y[%zero] : tensor<1xf32>
       %e = tensor.empty() : tensor<4xf32>
       %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
           ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
       ^bb0(%a: f32, %o: f32):
         %s = arith.addf %a, %v : f32
         linalg.yield %s : f32
       } -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "its body uses a value that is neither a constant nor an index argument"},
    {"BodyTensor", "(%x: tensor<4xf32>) -> tensor<4xf32>", R"(
       %y = func.call @outside() : () -> tensor<4xf32>
       %e = tensor.empty() : tensor<4xf32>
       %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
           ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
       ^bb0(%a: f32, %o: f32):
         %i = linalg.index 0 : index
         %v = tensor.extract %y[%i] : tensor<4xf32>
         linalg.yield %v : f32
       } -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "its body reads a tensor that is no operand"},
    {"BodyRegion", "(%x: tensor<4xf32>) -> tensor<4xf32>", R"(
       %e = tensor.empty() : tensor<4xf32>
       %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
           ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
       ^bb0(%a: f32, %o: f32):
         %d, %m = math.sincos %a : f32
         linalg.yield %d : f32
       } -> tensor<4xf32>
       return %r : tensor<4xf32>)",
     "its body holds 'math.sincos'"},
    {"ContractOperand", "(%b: tensor<1x4x32xf32>) -> tensor<1x32xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %a = tensor.expand_shape %x [[0, 1]] output_shape [1, 4] : tensor<4xf32> into tensor<1x4xf32>
       %r = laic.contract %a, %b {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []} :
           (tensor<1x4xf32>, tensor<1x4x32xf32>) -> tensor<1x32xf32> {
       ^bb0(%s: f32):
         laic.yield %s : f32
       }
       return %r : tensor<1x32xf32>)",
     "an operand of its laic.contract is neither an argument nor a constant"},
    {"ContractPanels", "(%a: tensor<1x4xf32>, %b: tensor<4x32xf32>) -> tensor<1x32xf32>", R"(
       %r = laic.contract %a, %b {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = []} :
           (tensor<1x4xf32>, tensor<4x32xf32>) -> tensor<1x32xf32> {
       ^bb0(%s: f32):
         laic.yield %s : f32
       }
       return %r : tensor<1x32xf32>)",
     "the packed operand of its laic.contract has 2 dims, not 3"},
    {"ContractStridedColumns", "(%a: tensor<1x64xf32>, %b: tensor<1x1x32xf32>) -> tensor<1x32xf32>", R"(
       %r = laic.contract %a, %b {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, n * 2 + k)>, b_batch = array<i64>,
           extra_maps = []} : (tensor<1x64xf32>, tensor<1x1x32xf32>) -> tensor<1x32xf32> {
       ^bb0(%s: f32):
         laic.yield %s : f32
       }
       return %r : tensor<1x32xf32>)",
     "its laic.contract reads A with a stride along the columns"},
    {"ContractDepthwiseUnknown", "(%a: tensor<4x?xf32>, %b: tensor<?x3x32xf32>, %n: index) -> tensor<2x?xf32>", R"(
       %r = laic.contract %a, %b sizes %n {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m + k, n)>, b_batch = array<i64>,
           extra_maps = []} : (tensor<4x?xf32>, tensor<?x3x32xf32>, index) -> tensor<2x?xf32> {
       ^bb0(%s: f32):
         laic.yield %s : f32
       }
       return %r : tensor<2x?xf32>)",
     "a depthwise convolution with a channel count that is unknown when compiling needs AVX-512"},
    {"ContractExtra", "(%a: tensor<1x4xf32>, %b: tensor<1x4x32xf32>) -> tensor<1x32xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %r = laic.contract %a, %b extras %x {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>,
           extra_maps = [affine_map<(m, n) -> (m)>]} : (tensor<1x4xf32>, tensor<1x4x32xf32>, tensor<4xf32>) -> tensor<1x32xf32> {
       ^bb0(%s: f32, %e: f32):
         %t = arith.addf %s, %e : f32
         laic.yield %t : f32
       }
       return %r : tensor<1x32xf32>)",
     "an epilogue operand of its laic.contract cannot be read"},
    {"WinogradOperand", "(%u: tensor<1x16x32x32xf32>) -> tensor<1x8x8x32xf32>", R"(
       %a = tensor.empty() : tensor<1x8x8x32xf32>
       %r = laic.winograd %a, %u {tiles = array<i64: 2, 2>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = []} :
           (tensor<1x8x8x32xf32>, tensor<1x16x32x32xf32>) -> tensor<1x8x8x32xf32> {
       ^bb0(%s: f32):
         laic.winograd_yield %s : f32
       }
       return %r : tensor<1x8x8x32xf32>)",
     "an operand of its laic.winograd is neither an argument nor a constant"},
    {"WinogradExtra", "(%a: tensor<1x8x8x32xf32>, %u: tensor<1x16x32x32xf32>) -> tensor<1x8x8x32xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %r = laic.winograd %a, %u extras %x {tiles = array<i64: 2, 2>, taps = array<i64: 3, 3>, pads = array<i64: 1, 1>, extra_maps = [affine_map<(n, h, w, f) -> (n)>]} :
           (tensor<1x8x8x32xf32>, tensor<1x16x32x32xf32>, tensor<4xf32>) -> tensor<1x8x8x32xf32> {
       ^bb0(%s: f32, %e: f32):
         %t = arith.addf %s, %e : f32
         laic.winograd_yield %t : f32
       }
       return %r : tensor<1x8x8x32xf32>)",
     "an epilogue operand of its laic.winograd cannot be read"},
    {"DepthwiseOperand", "(%w: tensor<1x3x3x32xf32>) -> tensor<1x32x8x8xf32>", R"(
       %a = tensor.empty() : tensor<1x32x8x8xf32>
       %r = laic.depthwise %a, %w {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>,
           extra_maps = []} : (tensor<1x32x8x8xf32>, tensor<1x3x3x32xf32>) -> tensor<1x32x8x8xf32> {
       ^bb0(%s: f32):
         laic.depthwise_yield %s : f32
       }
       return %r : tensor<1x32x8x8xf32>)",
     "an operand of its laic.depthwise is neither an argument nor a constant"},
    {"DepthwiseExtra", "(%a: tensor<1x32x8x8xf32>, %w: tensor<1x3x3x32xf32>) -> tensor<1x32x8x8xf32>", R"(
       %x = func.call @outside() : () -> tensor<4xf32>
       %r = laic.depthwise %a, %w extras %x {taps = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1>,
           extra_maps = [affine_map<(n, c, h, w) -> (n)>]} : (tensor<1x32x8x8xf32>, tensor<1x3x3x32xf32>, tensor<4xf32>) -> tensor<1x32x8x8xf32> {
       ^bb0(%s: f32, %e: f32):
         %t = arith.addf %s, %e : f32
         laic.depthwise_yield %t : f32
       }
       return %r : tensor<1x32x8x8xf32>)",
     "an epilogue operand of its laic.depthwise cannot be read"},
    {"GroupSize", "(%a: tensor<4x8xi8>, %b: tensor<1x4x32x2xi8>) -> tensor<4x32xi32>", R"(
       %r = laic.contract %a, %b {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = [],
                                  group = 2 : i64} : (tensor<4x8xi8>, tensor<1x4x32x2xi8>) -> tensor<4x32xi32> {
       ^bb0(%s: i32):
         laic.yield %s : i32
       }
       return %r : tensor<4x32xi32>)",
     "its laic.contract has groups of 2 where there is no code for them"},
    {"GroupsOfUnknownNumber", "(%a: tensor<4x?xi8>, %b: tensor<1x?x32x4xi8>) -> tensor<4x32xi32>", R"(
       %r = laic.contract %a, %b {parallel = 2 : i64, a_map = affine_map<(m, n, k) -> (m, k)>, b_batch = array<i64>, extra_maps = [],
                                  group = 4 : i64} : (tensor<4x?xi8>, tensor<1x?x32x4xi8>) -> tensor<4x32xi32> {
       ^bb0(%s: i32):
         laic.yield %s : i32
       }
       return %r : tensor<4x32xi32>)",
     "its laic.contract has groups and a reduction of unknown size"},
};

class CodegenRefusalsAfterLLVM : public KernelTest {};

// A function that only a library has: kernels may call none.
TEST_F(CodegenRefusalsAfterLLVM, LibraryFunctions) {
  parse(R"(
    func.func private @k(%x: tensor<4xf32>) -> tensor<4xf32> {
      %e = tensor.empty() : tensor<4xf32>
      %r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], iterator_types = ["parallel"]}
          ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
      ^bb0(%a: f32, %o: f32):
        %d = math.exp2 %a : f32
        linalg.yield %d : f32
      } -> tensor<4xf32>
      return %r : tensor<4xf32>
    })");
  EXPECT_TRUE(failed(compile({"x86-64-v3"})));
  std::string said = llvm::join(diagnostics, "\n");
  EXPECT_NE(said.find("internal error in code generation: a kernel needs 'exp2f', which no library may provide"),
            std::string::npos)
      << said;
}

class CodegenRefusals : public KernelTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(CodegenRefusals, NameKernelAndLevel) {
  const Refusal &refusal = GetParam();
  context.loadDialect<mlir::cf::ControlFlowDialect>();
  parse(std::string(kOutside) + "func.func private @k" + refusal.signature + " {\n" + refusal.body + "\n}");
  if (HasFatalFailure())
    return;
  llvm::SmallVector<mlir::func::FuncOp> kernels = {module->lookupSymbol<mlir::func::FuncOp>("k")};
  TargetOptions options;
  options.levels = {"x86-64-v3"};
  options.threads = 1;
  EXPECT_TRUE(failed(findTarget("cpu")->codegen(kernels, options)));
  std::string said = llvm::join(diagnostics, "\n");
  EXPECT_NE(said.find(std::string("kernel 'k' has no code for x86-64-v3: ") + refusal.message), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(All, CodegenRefusals, ::testing::ValuesIn(kRefusals),
                         [](const auto &info) { return std::string(info.param.name); });

} // namespace
