// Independent work on several threads.
#ifndef LAIC_SUPPORT_WORKERS_H
#define LAIC_SUPPORT_WORKERS_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/ThreadPool.h"

#include <algorithm>
#include <atomic>

namespace laic {

/// Threads that wait for work. The order in which it is done is not known, so that items must not depend on each other.
class Workers {
public:
  /// threads: 0 for as many as this process may use.
  explicit Workers(unsigned threads) : pool(llvm::hardware_concurrency(threads)) {}

  /// Calls `work` for each number below `count`, and returns when all are done. It builds no types, attributes or operations: the MLIR context
  /// may serve one thread.
  void each(size_t count, llvm::function_ref<void(size_t)> work) {
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

private:
  llvm::DefaultThreadPool pool;
};

} // namespace laic
#endif
