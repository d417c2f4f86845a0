// What a machine can do at most: fused multiply-adds of f32, and bytes read from memory, on one thread and on several.
//
// usage: limits THREADS        prints one line of JSON: GFLOP/s and GB/s in total, not per thread
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int kBytes = 64;
constexpr const char *kIsa = "AVX-512";
#elif defined(__AVX2__)
constexpr int kBytes = 32;
constexpr const char *kIsa = "AVX2";
#else
constexpr int kBytes = 16;
constexpr const char *kIsa = "128 bits";
#endif
typedef float Vector __attribute__((vector_size(kBytes)));
constexpr int kLanes = kBytes / 4;
constexpr int kChains = 12; // independent sums, more than latency times ports; all stay in registers
constexpr long kSteps = 4000000;
constexpr size_t kMemory = size_t(512) << 20; // larger than any cache

volatile float sink; // keeps results alive

void multiplyAdd() {
  Vector sums[kChains], factor, term;
  for (int lane = 0; lane < kLanes; ++lane) {
    factor[lane] = 0.999f;
    term[lane] = 0.001f;
  }
  for (auto &sum : sums)
    sum = term;
  for (long step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (int chain = 0; chain < kChains; ++chain)
      sums[chain] = sums[chain] * factor + term;
  }
  Vector total = sums[0];
  for (int chain = 1; chain < kChains; ++chain)
    total += sums[chain];
  sink = total[0];
}

void readAll(const Vector *data, size_t count) {
  Vector sums[8] = {};
  for (size_t i = 0; i + 8 <= count; i += 8) {
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k)
      sums[k] += data[i + k];
  }
  for (int k = 1; k < 8; ++k)
    sums[0] += sums[k];
  sink = sums[0][0];
}

// Seconds that the slowest of these threads takes, the best of several tries.
template <typename Work> double best(int threads, int tries, Work work) {
  double shortest = 1e9;
  for (int attempt = 0; attempt < tries; ++attempt) {
    auto begun = std::chrono::steady_clock::now();
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t)
      others.emplace_back(work, t);
    work(0);
    for (auto &other : others)
      other.join();
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    shortest = seconds < shortest ? seconds : shortest;
  }
  return shortest;
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  if (threads < 1)
    return 2;
  void *memory = std::aligned_alloc(4096, kMemory);
  if (!memory)
    return 1;
  std::memset(memory, 0, kMemory); // of its own, not the system's page of zeros
  const Vector *data = static_cast<const Vector *>(memory);
  size_t share = kMemory / kBytes / threads;
  double fma = best(threads, 15, [](int) { multiplyAdd(); });
  double read = best(threads, 15, [&](int t) { readAll(data + t * share, share); });
  std::printf("{\"isa\": \"%s\", \"fma_gflops\": %.1f, \"read_gbs\": %.1f}\n", kIsa,
              2e-9 * threads * kSteps * kChains * kLanes / fma, 1e-9 * threads * share * kBytes / read);
  std::free(memory);
}
