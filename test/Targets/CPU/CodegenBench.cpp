// Speed of contracts as models have them. Not run by default:
//   laic-cpu-codegen-test --gtest_also_run_disabled_tests --gtest_filter='CodegenBench.*'
#include "KernelTest.h"

#include <chrono>
#include <cstdio>

using namespace laic;
using namespace laic::test;

namespace {

class CodegenBench : public KernelTest {
protected:
  void measure(const char *name, std::string in, std::string weights, std::string out, std::string map, double flops) {
    auto rank = std::count(out.begin(), out.end(), 'x') + 1;
    std::string n = out.substr(out.rfind('x') + 1), dims;
    for (int i = 0; i < rank; ++i)
      dims += std::string(i ? ", " : "") + "d" + std::to_string(i);
    parse("func.func private @k(%a: tensor<" + in + "xf32>, %b: tensor<" + weights + "xf32>, %c: tensor<" + n +
          "xf32>) -> tensor<" + out + "xf32> {\n%r = laic.contract %a, %b extras %c {parallel = " + std::to_string(rank) +
          " : i64, a_map = affine_map<" + map + ">, b_batch = array<i64>, extra_maps = [affine_map<(" + dims + ") -> (d" +
          std::to_string(rank - 1) + ")>]} : (tensor<" + in + "xf32>, tensor<" + weights + "xf32>, tensor<" + n +
          "xf32>) -> tensor<" + out +
          "xf32> {\n^bb0(%s: f32, %t: f32):\n%u = arith.addf %s, %t : f32\n%z = arith.constant 0.0 : "
          "f32\n%v = arith.maximumf %u, %z : f32\nlaic.yield %v : f32\n}\nreturn %r : tensor<" +
          out + "xf32>\n}");
    ASSERT_TRUE(module);
    using Clock = std::chrono::steady_clock;
    auto start = Clock::now();
    auto result = compile({"native"});
    ASSERT_TRUE(llvm::succeeded(result));
    double compiling = std::chrono::duration<double>(Clock::now() - start).count();
    MappedCode code(result->blobs[0]);
    std::vector<Tensor> tensors = makeTensors({});
    double best = 1e9;
    for (int round = 0; round < 60; ++round) {
      auto from = Clock::now();
      run(code, *result, tensors, {}, {}, 1);
      best = std::min(best, std::chrono::duration<double>(Clock::now() - from).count());
    }
    std::printf("%-28s %7.1f GFLOPS  %8.1f us  compile %3.0f ms  code %6zu bytes\n", name, flops / best * 1e-9, best * 1e6,
                compiling * 1e3, size_t(result->blobs[0].kernels[0].size));
  }
  void gemm(int m, int n, int k) {
    auto s = [](int v) { return std::to_string(v); };
    measure(("gemm " + s(m) + "x" + s(n) + "x" + s(k)).c_str(), s(m) + "x" + s(k), s((n + 31) / 32) + "x" + s(k) + "x32",
            s(m) + "x" + s(n), "(m, n, k) -> (m, k)", 2.0 * m * n * k);
  }
  void conv(int size, int c, int f, int kernel, int stride, bool depthwise = false) {
    auto s = [](int v) { return std::to_string(v); };
    int out = size / stride, in = (out - 1) * stride + kernel;
    std::string q = s(stride);
    std::string map = depthwise ? "(b, h, w, n, p, q) -> (b, h * " + q + " + p, w * " + q + " + q, n)"
                                : "(b, h, w, n, p, q, c) -> (b, h * " + q + " + p, w * " + q + " + q, c)";
    measure(
        ((depthwise ? "depthwise " : "conv ") + s(kernel) + "x" + s(kernel) + "/" + q + " " + s(out) + " " + s(c) + "->" + s(f))
            .c_str(),
        "1x" + s(in) + "x" + s(in) + "x" + s(c),
        s((f + 31) / 32) + "x" + s(kernel) + "x" + s(kernel) + "x" + (depthwise ? "" : s(c) + "x") + "32",
        "1x" + s(out) + "x" + s(out) + "x" + s(f), map, 2.0 * out * out * f * kernel * kernel * (depthwise ? 1 : c));
  }
};

TEST_F(CodegenBench, DISABLED_Contracts) {
  gemm(512, 512, 512);
  gemm(128, 768, 768);
  gemm(128, 3072, 768);
  gemm(128, 768, 3072);
  gemm(197, 768, 768);
  gemm(1, 1000, 2048);
  gemm(1, 4096, 4096);
  gemm(3136, 64, 64);
  gemm(3136, 256, 64);
  gemm(784, 512, 128);
  gemm(196, 1024, 256);
  gemm(49, 2048, 512);
  conv(224, 3, 64, 7, 2);
  conv(56, 64, 64, 3, 1);
  conv(28, 128, 128, 3, 1);
  conv(14, 256, 256, 3, 1);
  conv(7, 512, 512, 3, 1);
  conv(56, 128, 128, 3, 2);
  conv(112, 32, 32, 3, 1, true);
  conv(56, 144, 144, 3, 1, true);
  conv(14, 576, 576, 3, 1, true);
  conv(7, 960, 960, 3, 1, true);
}

} // namespace
