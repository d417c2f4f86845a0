// From dispatches to an artifact that runs: constants folded, equal weights stored once, sizes computed from
// the inputs.
//
// The target of this test has three hand-written kernels, so that no code generator stands between the
// schedule and its test.
#include "laic/Pipelines/Backend.h"

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Pipelines/Explain.h"
#include "laic/kernel_abi.h"
#include "laic/runtime.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

using namespace mlir;

// Kernels are copied out of this section: nothing in them may refer to anything outside it.
#define KERNEL                                                                                                                   \
  extern "C" __attribute__((section("laic_test_code"), optnone, noinline, no_sanitize("all"), disable_sanitizer_instrumentation, \
                            no_profile_instrument_function, used)) int32_t

KERNEL testMatmul(const laic_tensor_t *t, const int64_t *, int64_t begin, int64_t end, void *, laic_kernel_error_t *) {
  const float *a = static_cast<const float *>(t[0].data), *b = static_cast<const float *>(t[1].data);
  float *c = static_cast<float *>(t[2].data);
  int64_t k = t[0].sizes[1], n = t[2].sizes[1];
  for (int64_t i = begin; i < end; ++i)
    for (int64_t j = 0; j < n; ++j) {
      c[i * n + j] = 0;
      for (int64_t l = 0; l < k; ++l)
        c[i * n + j] += a[i * k + l] * b[l * n + j];
    }
  return 0;
}

KERNEL testBiasRelu(const laic_tensor_t *t, const int64_t *, int64_t begin, int64_t end, void *, laic_kernel_error_t *) {
  const float *x = static_cast<const float *>(t[0].data), *bias = static_cast<const float *>(t[1].data);
  float *y = static_cast<float *>(t[2].data);
  int64_t n = t[2].sizes[1];
  for (int64_t i = begin * n; i < end * n; ++i) {
    y[i] = x[i] + bias[i % n];
    y[i] = y[i] < 0 ? 0 : y[i];
  }
  return 0;
}

KERNEL testTranspose(const laic_tensor_t *t, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *error) {
  const float *x = static_cast<const float *>(t[0].data);
  float *y = static_cast<float *>(t[1].data);
  int64_t rows = t[1].sizes[0], columns = t[1].sizes[1];
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      y[i * columns + j] = x[j * rows + i];
  if (x[0] > x[1]) { // stands for data that a kernel refuses
    error->code = LAIC_KERNEL_INDEX_OUT_OF_RANGE;
    error->value = 7;
    return error->code;
  }
  return 0;
}

extern "C" const char __start_laic_test_code[], __stop_laic_test_code[];

namespace {

class HandTarget : public laic::Target {
public:
  llvm::StringRef getName() const override { return "cpu"; }
  llvm::StringRef getSummary() const override { return "three kernels"; }
  std::vector<std::string> getChips() const override { return {}; }
  std::optional<std::string> parseLevels(llvm::StringRef, std::vector<std::string> &levels) const override {
    levels.push_back("hand");
    return std::nullopt;
  }
  LogicalResult prepare(ModuleOp, const laic::TargetOptions &) const override { return success(); }
  llvm::FailureOr<laic::CodegenResult> codegen(llvm::ArrayRef<func::FuncOp> kernels, const laic::TargetOptions &) const override {
    laic::CodegenResult result;
    laic::CodeBlob &blob = result.blobs.emplace_back();
    blob.bytes.assign(__start_laic_test_code, __stop_laic_test_code);
    blob.hostRunnable = true;
    for (func::FuncOp kernel : kernels) {
      const char *entry = reinterpret_cast<const char *>(&testBiasRelu);
      if (kernel.getSymName().contains("reduce"))
        entry = reinterpret_cast<const char *>(&testMatmul);
      else if (kernel.getSymName().contains("transpose"))
        entry = reinterpret_cast<const char *>(&testTranspose);
      uint64_t offset = entry - __start_laic_test_code;
      blob.kernels.push_back({kernel.getSymName().str(), offset, blob.bytes.size() - offset});
      laic::KernelInfo &info = result.infos.emplace_back();
      Builder b(kernel.getContext());
      bool isStatic = kernel.getSymName().contains("transpose");
      info.tiles = isStatic ? AffineMap::getConstantMap(1, b.getContext())
                            : AffineMap::get(0, 1, b.getAffineSymbolExpr(0), b.getContext());
      info.workspace = AffineMap::getConstantMap(0, b.getContext());
    }
    return result;
  }
};

/// relu(x W^T + b) with W = [[lead, 1, 2, ...]].
std::string model(const char *lead) {
  std::string weight = std::string("[[") + lead;
  for (int i = 1; i < 8; ++i)
    weight += (i % 2 ? ", " : "], [") + std::to_string(i) + ".0";
  weight += "]]";
  return R"(
func.func @main(%x: tensor<?x2xf32> {laic.name = "x", laic.dims = ["N", 2]})
    -> (tensor<?x4xf32> {laic.name = "y", laic.dims = ["N", 4]}, tensor<2x4xf32> {laic.name = "w"})
    attributes {laic.symbols = [{kind = "dim", arg = 0 : i64, index = 0 : i64, name = "N"}]} {
  %w = laic.constant {value = dense<)" +
         weight + R"(> : tensor<4x2xf32>} : tensor<4x2xf32>
  %b = laic.constant {value = dense<[0.0, -10.0, 1.0, 2.0]> : tensor<4xf32>} : tensor<4xf32>
  %n = laic.size affine_map<()[s0] -> (s0)>
  %zero = arith.constant 0.0 : f32
  %et = tensor.empty() : tensor<2x4xf32>
  %t = linalg.transpose ins(%w : tensor<4x2xf32>) outs(%et : tensor<2x4xf32>) permutation = [1, 0] loc("turn")
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %m = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>,
                                        affine_map<(i, j, k) -> (i, j)>],
                       iterator_types = ["parallel", "parallel", "reduction"]}
       ins(%x, %t : tensor<?x2xf32>, tensor<2x4xf32>) outs(%f : tensor<?x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.mulf %a, %c : f32
    %q = arith.addf %o, %p : f32
    linalg.yield %q : f32
  } -> tensor<?x4xf32> loc("gemm")
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
                       iterator_types = ["parallel", "parallel"]}
       ins(%m, %b : tensor<?x4xf32>, tensor<4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %p = arith.addf %a, %c : f32
    %q = arith.maximumf %p, %zero : f32
    linalg.yield %q : f32
  } -> tensor<?x4xf32> loc("relu")
  return %r, %t : tensor<?x4xf32>, tensor<2x4xf32>
})";
}

struct EmitArtifact : public ::testing::Test {
  EmitArtifact() : context(MLIRContext::Threading::DISABLED) {
    context.loadDialect<laic::LaicDialect, laic::plan::PlanDialect, arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect,
                        tensor::TensorDialect>();
    handler = context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      errors += diagnostic.str() + "\n";
      return success();
    });
  }

  LogicalResult emit(const std::string &text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return failure();
    laic::TargetChoice choice{&target, options};
    laic::Backend backend(choice, choice, std::move(module), true);
    if (failed(backend.dispatch()) || failed(backend.codegen()) || failed(backend.schedule()))
      return failure();
    rows = laic::explainSchedule(backend.getModule());
    return laic::writeProgram(backend.getPlan(), {}, bytes);
  }

  MLIRContext context;
  DiagnosticEngine::HandlerID handler;
  std::string errors;
  HandTarget target;
  laic::TargetOptions options;
  std::vector<uint8_t> bytes;
  std::vector<laic::ExplainRow> rows;
};

void expectOk(laic_status_t *status) {
  EXPECT_EQ(status, nullptr) << laic_status_message(status);
  laic_status_free(status);
}

/// Keeps the bytes on a page, as the runtime asks for.
struct Loaded {
  explicit Loaded(const std::vector<uint8_t> &bytes) {
    constexpr size_t kPage = 4096;
    memory = std::aligned_alloc(kPage, (bytes.size() + kPage - 1) / kPage * kPage);
    std::memcpy(memory, bytes.data(), bytes.size());
    expectOk(laic_module_load_memory(memory, bytes.size(), nullptr, &module));
    if (module)
      expectOk(laic_context_create(module, nullptr, &context));
  }
  ~Loaded() {
    laic_context_release(context);
    laic_module_release(module);
    std::free(memory);
  }
  void *memory = nullptr;
  laic_module_t *module = nullptr;
  laic_context_t *context = nullptr;
};

laic_binding_t binding(void *data, std::initializer_list<int64_t> sizes) {
  return {sizeof(laic_binding_t), data, LAIC_F32, int32_t(sizes.size()), sizes.begin(), nullptr, 0};
}

} // namespace

TEST_F(EmitArtifact, runsWithEveryBatch) {
  ASSERT_TRUE(succeeded(emit(model("0.0")))) << errors;
  Loaded loaded(bytes);
  ASSERT_NE(loaded.context, nullptr);
  for (int64_t batch : {1, 3, 40}) {
    std::vector<float> x(batch * 2), y(batch * 4, -1), w(8);
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = float(i) - 3;
    std::initializer_list<int64_t> xs = {batch, 2}, ys = {batch, 4}, ws = {2, 4};
    laic_binding_t in = binding(x.data(), xs), out = binding(y.data(), ys), weight = binding(w.data(), ws);
    expectOk(laic_bind_input(loaded.context, 0, &in));
    expectOk(laic_bind_output(loaded.context, 0, &out));
    expectOk(laic_bind_output(loaded.context, 1, &weight));
    expectOk(laic_run(loaded.context));
    const float bias[] = {0, -10, 1, 2};
    for (int64_t i = 0; i < batch; ++i)
      for (int64_t j = 0; j < 4; ++j)
        EXPECT_EQ(y[i * 4 + j], std::max(0.f, x[i * 2] * (2 * j) + x[i * 2 + 1] * (2 * j + 1) + bias[j])) << i << ' ' << j;
    EXPECT_EQ(w, (std::vector<float>{0, 2, 4, 6, 1, 3, 5, 7}));
  }
}

TEST_F(EmitArtifact, foldsConstants) {
  ASSERT_TRUE(succeeded(emit(model("0.0")))) << errors;
  std::vector<std::string> kernels;
  for (const laic::ExplainRow &row : rows)
    kernels.push_back(row.kernel);
  EXPECT_EQ(kernels, (std::vector<std::string>{"laic_reduce_mul_add_f32_dx4", "laic_add_max_f32_dx4", "copy"}));
  EXPECT_EQ(rows[0].nodes, "gemm");
  // x, weights and result: 4 * (N * 2 + 8 + N * 4); a multiplication and an addition for each of 2 * 4 weights and row.
  EXPECT_EQ(rows[0].bytes, "24 * N + 32");
  EXPECT_EQ(rows[0].flops, "16 * N");
  EXPECT_EQ(rows[1].flops, "8 * N");
  EXPECT_EQ(rows[2].bytes, "64");
  EXPECT_EQ(rows[2].flops, "0");
}

TEST_F(EmitArtifact, namesTheNodeThatCannotBeFolded) {
  EXPECT_TRUE(failed(emit(model("9.0"))));
  EXPECT_NE(errors.find("node 'turn' cannot be computed from its constants: index 7 is out of range"), std::string::npos)
      << errors;
}

TEST_F(EmitArtifact, givesTheSameBytesAgain) {
  ASSERT_TRUE(succeeded(emit(model("0.0")))) << errors;
  std::vector<uint8_t> first = bytes;
  ASSERT_TRUE(succeeded(emit(model("0.0")))) << errors;
  EXPECT_EQ(first, bytes);
}

TEST_F(EmitArtifact, refusesOtherSizes) {
  ASSERT_TRUE(succeeded(emit(model("0.0")))) << errors;
  Loaded loaded(bytes);
  ASSERT_NE(loaded.context, nullptr);
  float x[6] = {};
  std::initializer_list<int64_t> sizes = {2, 3};
  laic_binding_t in = binding(x, sizes);
  laic_status_t *status = laic_bind_input(loaded.context, 0, &in);
  if (!status)
    status = laic_infer(loaded.context);
  EXPECT_EQ(laic_status_code(status), LAIC_INVALID_ARGUMENT);
  EXPECT_NE(std::string(laic_status_message(status)).find("input 'x'"), std::string::npos) << laic_status_message(status);
  laic_status_free(status);
}
