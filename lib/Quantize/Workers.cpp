// Hands out numbers to the threads of LLVM's pool.
#include "Workers.h"

#include <algorithm>
#include <atomic>

using namespace laic;

void Workers::each(size_t count, llvm::function_ref<void(size_t)> work) {
  size_t threads = std::min<size_t>(pool.getMaxConcurrency(), count);
  std::atomic<size_t> next{0};
  auto some = [&] {
    for (size_t i = next++; i < count; i = next++)
      work(i);
  };
  for (size_t i = 1; i < threads; ++i)
    pool.async(some);
  some();
  pool.wait();
}
