// Mathematical functions without a library: accuracy of every function in f32 and f64.
#include "KernelTest.h"

#include <cmath>

using namespace laic;
using namespace laic::test;

namespace {

class CodegenMath : public KernelTest {
protected:
  void unary(std::string function, std::string type, double tolerance) {
    SCOPED_TRACE(function + " " + type);
    check("func.func private @k(%x: tensor<1003x" + type + ">) -> tensor<1003x" + type +
              "> {\n%e = tensor.empty() : tensor<1003x" + type +
              ">\n%r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>], "
              "iterator_types = [\"parallel\"]} ins(%x : tensor<1003x" +
              type + ">) outs(%e : tensor<1003x" + type + ">) {\n^bb0(%a: " + type + ", %o: " + type + "):\n%s = math." +
              function + " %a : " + type + "\nlinalg.yield %s : " + type + "\n} -> tensor<1003x" + type +
              ">\nreturn %r : tensor<1003x" + type + ">\n}",
          {}, tolerance);
  }
  void binary(std::string operation, std::string type, double tolerance, llvm::ArrayRef<Array> inputs = {}) {
    SCOPED_TRACE(operation + " " + type);
    check("func.func private @k(%x: tensor<24x" + type + ">, %y: tensor<24x" + type + ">) -> tensor<24x" + type +
              "> {\n%e = tensor.empty() : tensor<24x" + type +
              ">\n%r = linalg.generic {indexing_maps = [affine_map<(a) -> (a)>, affine_map<(a) -> (a)>, affine_map<(a) -> "
              "(a)>], iterator_types = [\"parallel\"]} ins(%x, %y : tensor<24x" +
              type + ">, tensor<24x" + type + ">) outs(%e : tensor<24x" + type + ">) {\n^bb0(%a: " + type + ", %b: " + type +
              ", %o: " + type + "):\n%s = " + operation + " %a, %b : " + type + "\nlinalg.yield %s : " + type +
              "\n} -> tensor<24x" + type + ">\nreturn %r : tensor<24x" + type + ">\n}",
          {}, tolerance, inputs);
  }
};

TEST_F(CodegenMath, EveryFunction) {
  for (auto [type, tolerance] : {std::make_pair("f32", 5e-7), std::make_pair("f64", 2e-14)}) {
    for (const char *function :
         {"exp", "tanh", "erf", "sin", "cos", "atan", "asin", "acos", "log", "sqrt", "floor", "ceil", "roundeven", "absf"})
      unary(function, type, tolerance);
    low = -60, high = 60;
    for (const char *function : {"exp", "tanh", "erf", "sin", "cos", "atan"})
      unary(function, type, tolerance);
    low = 1e-30, high = 1e-3;
    for (const char *function : {"log", "tanh", "erf", "sin"})
      unary(function, type, tolerance);
    low = -2, high = 2;
  }
}

TEST_F(CodegenMath, Power) {
  Array x{{24}, {2, -2, -2, 3, 0, 0, 9, 1.5, -1.5, 10, 2, -8, 5, 7, 1, 4, 4, 4, 2, 2, 2, 2, 2, 2}};
  Array y{{24}, {10, 3, 0.5, 20, 2, 0, 0.5, 2.5, 4, -2, -1, 1, 0, 1, 100, 0.5, -0.5, 1.5, 1, 2, 3, 4, 5, 6}};
  binary("math.powf", "f32", 2e-7, {x, y});
  binary("math.powf", "f64", 1e-15, {x, y});
}

TEST_F(CodegenMath, Remainder) {
  Array x{{24}, {5, -5, 5, -5, 7.5, 1e6, 0, 3, -0.1, 12, 9, 8, 7, 6, 5, 4, 3, 2, 1, 100, 101, 102, 103, 104}};
  Array y{{24}, {3, 3, -3, -3, 2.5, 7, 3, INFINITY, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3, 7, 7, 7, 7, 7}};
  binary("arith.remf", "f32", 1e-7, {x, y});
  binary("arith.remf", "f64", 1e-15, {x, y});
}

} // namespace
