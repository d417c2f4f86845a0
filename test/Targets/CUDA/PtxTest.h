// Runs PTX in tests: kernels of files and single instructions over arrays.
#ifndef LAIC_TEST_PTX_TEST_H
#define LAIC_TEST_PTX_TEST_H

#include "Interpreter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace laic {
namespace ptx {
namespace test {

std::string slurp(const std::string &path);
std::unique_ptr<Module> loadText(const std::string &text); // fails the test when it has diagnostics
std::unique_ptr<Module> loadFile(const std::string &name); // of test/Targets/CUDA/ptx
// The diagnostics of a module whose kernel `k` has this body.
std::string complaintOf(const std::string &body);
std::string moduleWith(const std::string &body, const std::string &params = "");

// A memory, buffers in it, and a launch.
class Bench {
public:
  explicit Bench(bool checked = true) : memory(1 << 28, checked) {
    if (checked)
      config.checks = Checks::all();
    config.limit = 1'000'000;
    config.workers = 2;
  }

  template <typename T> uint64_t buffer(const std::vector<T> &values) {
    const uint64_t address = memory.allocate(values.size() * sizeof(T));
    memory.copyIn(address, values.data(), values.size() * sizeof(T));
    return address;
  }
  uint64_t unwritten(uint64_t bytes) { return memory.allocate(bytes); }
  template <typename T> std::vector<T> read(uint64_t address, size_t count) {
    std::vector<T> values(count);
    EXPECT_TRUE(memory.copyOut(values.data(), address, count * sizeof(T)));
    return values;
  }
  template <typename T> Bench &arg(T value) {
    size_t at = (config.params.size() + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    config.params.resize(at + sizeof(T));
    memcpy(config.params.data() + at, &value, sizeof(T));
    return *this;
  }
  LaunchResult launch(Module &module, const std::string &kernel, Dim3 grid, Dim3 block);

  DeviceMemory memory;
  LaunchConfig config;
};

// `body` for 64 threads or as many as there are inputs, each with its values in %a, %b, %c, %e (registers as wide as the types);
// returns what is in %d. Free to use: predicates %p<4>, %h<4> (16 bits), %r<8>, %l<4> (64 bits).
class Evaluator {
public:
  template <typename T> Evaluator &input(const std::vector<T> &values) {
    std::vector<uint64_t> wide(values.size());
    for (size_t i = 0; i < values.size(); ++i)
      memcpy(&wide[i], &values[i], sizeof(T));
    inputs.push_back({sizeof(T), wide});
    return *this;
  }
  template <typename D> std::vector<D> run(const std::string &body) {
    const std::vector<uint64_t> wide = runWide(body, sizeof(D));
    std::vector<D> out(wide.size());
    for (size_t i = 0; i < wide.size(); ++i)
      memcpy(&out[i], &wide[i], sizeof(D));
    return out;
  }

private:
  struct Input {
    size_t width;
    std::vector<uint64_t> values;
  };
  std::vector<uint64_t> runWide(const std::string &body, size_t width);
  std::vector<Input> inputs;
};

template <typename D, typename A> std::vector<D> evaluate(const std::string &body, const std::vector<A> &a) {
  return Evaluator().input(a).template run<D>(body);
}
template <typename D, typename A, typename B>
std::vector<D> evaluate(const std::string &body, const std::vector<A> &a, const std::vector<B> &b) {
  return Evaluator().input(a).input(b).template run<D>(body);
}
template <typename D, typename A, typename B, typename C>
std::vector<D> evaluate(const std::string &body, const std::vector<A> &a, const std::vector<B> &b, const std::vector<C> &c) {
  return Evaluator().input(a).input(b).input(c).template run<D>(body);
}

// Every pair of `values`: x[i], y[i].
template <typename T> void pairs(const std::vector<T> &values, std::vector<T> &x, std::vector<T> &y) {
  for (T a : values)
    for (T b : values) {
      x.push_back(a);
      y.push_back(b);
    }
}

// Edge cases of an integer type.
template <typename T> std::vector<T> edges() {
  using Limits = std::numeric_limits<T>;
  return {0,
          1,
          2,
          3,
          7,
          31,
          32,
          100,
          static_cast<T>(-1),
          static_cast<T>(-2),
          static_cast<T>(-7),
          Limits::min(),
          static_cast<T>(Limits::min() + 1),
          Limits::max(),
          static_cast<T>(Limits::max() - 1),
          static_cast<T>(0x1234567890abcdef)};
}

inline std::vector<float> floatEdges() {
  return {0.0f,   -0.0f,   1.0f,     -1.0f,       0.5f,          1.5f, -2.5f,     3.0f,   65504.0f, 65520.0f,  1e-7f, -6e-8f,
          1e-40f, 3.4e38f, -3.4e38f, 16777217.0f, 1.0009765625f, 0.1f, -123.456f, 255.5f, INFINITY, -INFINITY, NAN};
}

// NaN equals NaN here, and zeros have signs.
inline bool same(float a, float b) { return (std::isnan(a) && std::isnan(b)) || memcmp(&a, &b, 4) == 0; }
inline bool same(double a, double b) { return (std::isnan(a) && std::isnan(b)) || memcmp(&a, &b, 8) == 0; }
template <typename T> bool same(T a, T b) { return a == b; }

template <typename D, typename A, typename F> void check1(const std::string &body, const std::vector<A> &a, F expected) {
  const std::vector<D> got = evaluate<D>(body, a);
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(same(got[i], static_cast<D>(expected(a[i]))))
        << body << " of " << +a[i] << " gives " << +got[i] << ", want " << +static_cast<D>(expected(a[i]));
}
template <typename D, typename A, typename F> void check2(const std::string &body, const std::vector<A> &values, F expected) {
  std::vector<A> a, b;
  pairs(values, a, b);
  const std::vector<D> got = evaluate<D>(body, a, b);
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(same(got[i], static_cast<D>(expected(a[i], b[i]))))
        << body << " of " << +a[i] << ", " << +b[i] << " gives " << +got[i] << ", want " << +static_cast<D>(expected(a[i], b[i]));
}

} // namespace test
} // namespace ptx
} // namespace laic
#endif
