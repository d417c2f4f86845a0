// The pool: a static split of the tiles over the threads, and whoever is done takes chunks from those who are not.
//
// One 64-bit word carries a job's life: number, an open bit and how many workers are inside. A worker enters only while the job is
// open; the caller closes it when no tile is left and waits for those inside. So a worker that wakes late costs nobody anything.
#include "Pool.h"

#include "Platform.h"
#include "Status.h"

#include <signal.h>

using namespace laic;
using namespace laic::rt;

namespace {

constexpr uint64_t kSpinNanoseconds = 50000; // then a waiting thread sleeps
constexpr int kSpinsPerClock = 64;
constexpr int64_t kChunksPerThread = 4;
constexpr uint32_t kMaxThreads = 1024;

constexpr uint64_t kOpen = uint64_t{1} << 31;
constexpr uint64_t kInside = kOpen - 1; // mask: workers inside
constexpr uint64_t kJobNumber = uint64_t{1} << 32;

// The tiles of one thread. Anyone takes the next chunk from `next`.
struct alignas(kAlignment) Share {
  std::atomic<int64_t> next;
  int64_t end;
};

struct Worker {
  pthread_t thread;
  uint32_t index; // 1...; the caller is 0
  laic_pool_t *pool;
};

} // namespace

struct laic_pool {
  explicit laic_pool(const Allocator &source) : allocator(source) {}

  Allocator allocator;
  std::atomic<uint32_t> references{1};
  uint32_t threads = 1; // the caller included
  uint32_t started = 0; // workers
  Array<Worker> workers;
  Array<Share> shares; // one per thread

  std::atomic<uint32_t> busy{0};
  std::atomic<uint32_t> stop{0};
  // The job: plain fields are written before the word opens and read only by workers inside.
  TileFunction fn = nullptr;
  void *self = nullptr;
  int64_t grain = 1;
  uint32_t sharers = 1;

  alignas(kAlignment) std::atomic<uint64_t> job{0};
  alignas(kAlignment) std::atomic<uint32_t> wake{0}; // changes with every job and at the end; workers sleep on it
  std::atomic<uint32_t> sleepers{0};
  alignas(kAlignment) std::atomic<uint32_t> left{0}; // changes when the last worker leaves a closed job
  std::atomic<uint32_t> callerSleeps{0};
};

// Takes chunks from `share` until it is empty.
static void drain(laic_pool_t &pool, Share &share, uint32_t worker) {
  for (;;) {
    int64_t begin = share.next.fetch_add(pool.grain, std::memory_order_relaxed);
    if (begin >= share.end)
      return;
    int64_t end = share.end - begin < pool.grain ? share.end : begin + pool.grain;
    pool.fn(pool.self, worker, begin, end);
  }
}

static void work(laic_pool_t &pool, uint32_t worker) {
  for (uint32_t i = 0; i < pool.sharers; ++i)
    drain(pool, pool.shares[(worker + i) % pool.sharers], worker);
}

static void enterAndWork(laic_pool_t &pool, uint32_t worker) {
  uint64_t seen = pool.job.load(std::memory_order_acquire);
  do {
    if (!(seen & kOpen))
      return;
  } while (!pool.job.compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  work(pool, worker);
  uint64_t before = pool.job.fetch_sub(1, std::memory_order_acq_rel);
  if ((before & kInside) != 1 || (before & kOpen))
    return;
  pool.left.fetch_add(1);
  if (pool.callerSleeps.load())
    futexWake(pool.left, 1);
}

// Returns once `wake` differs from `seen`: spins for a moment, then sleeps.
static uint32_t awaitJob(laic_pool_t &pool, uint32_t seen) {
  const uint64_t deadline = nanoseconds() + kSpinNanoseconds;
  do {
    for (int i = 0; i < kSpinsPerClock; ++i) {
      uint32_t now = pool.wake.load(std::memory_order_acquire);
      if (now != seen)
        return now;
      spinPause();
    }
  } while (nanoseconds() < deadline);
  pool.sleepers.fetch_add(1);
  while (pool.wake.load() == seen)
    futexWait(pool.wake, seen);
  pool.sleepers.fetch_sub(1);
  return pool.wake.load();
}

static void *workerMain(void *argument) {
  Worker &worker = *static_cast<Worker *>(argument);
  laic_pool_t &pool = *worker.pool;
  FloatEnvironment floats;
  uint32_t seen = 0;
  for (;;) {
    seen = awaitJob(pool, seen);
    if (pool.stop.load())
      return nullptr;
    enterAndWork(pool, worker.index);
  }
}

// Waits until no worker is inside the closed job.
static void awaitWorkers(laic_pool_t &pool) {
  const uint64_t deadline = nanoseconds() + kSpinNanoseconds;
  do {
    for (int i = 0; i < kSpinsPerClock; ++i) {
      if (!(pool.job.load(std::memory_order_acquire) & kInside))
        return;
      spinPause();
    }
  } while (nanoseconds() < deadline);
  pool.callerSleeps.store(1);
  for (;;) {
    uint32_t seen = pool.left.load();
    if (!(pool.job.load(std::memory_order_acquire) & kInside))
      break;
    futexWait(pool.left, seen);
  }
  pool.callerSleeps.store(0);
}

static void runJob(laic_pool_t &pool, int64_t tiles, TileFunction fn, void *self) {
  const int64_t threads = pool.threads;
  pool.fn = fn;
  pool.self = self;
  pool.sharers = static_cast<uint32_t>(tiles < threads ? tiles : threads);
  const int64_t sharers = pool.sharers;
  pool.grain = tiles / (sharers * kChunksPerThread);
  if (pool.grain < 1)
    pool.grain = 1;
  const int64_t each = tiles / sharers, rest = tiles % sharers;
  int64_t begin = 0;
  for (int64_t i = 0; i < sharers; ++i) {
    int64_t end = begin + each + (i < rest ? 1 : 0);
    pool.shares[static_cast<size_t>(i)].next.store(begin, std::memory_order_relaxed);
    pool.shares[static_cast<size_t>(i)].end = end;
    begin = end;
  }
  // Number and open bit in one step: nobody is inside, so the low bits are zero.
  uint64_t number = (pool.job.load(std::memory_order_relaxed) & ~(kJobNumber - 1)) + kJobNumber;
  pool.job.store(number | kOpen);
  pool.wake.fetch_add(1);
  if (pool.sleepers.load())
    futexWake(pool.wake, static_cast<int>(pool.sharers - 1));
  work(pool, 0);
  pool.job.fetch_and(~kOpen, std::memory_order_acq_rel);
  awaitWorkers(pool);
}

void rt::parallelFor(laic_pool_t *pool, int64_t tiles, TileFunction fn, void *self) {
  if (tiles <= 0)
    return;
  if (!pool || pool->threads == 1 || tiles == 1 || pool->busy.exchange(1, std::memory_order_acquire)) {
    fn(self, 0, 0, tiles);
    return;
  }
  runJob(*pool, tiles, fn, self);
  pool->busy.store(0, std::memory_order_release);
}

uint32_t rt::threadCount(const laic_pool_t *pool) { return pool ? pool->threads : 1; }

void rt::retainPool(laic_pool_t *pool) {
  if (pool)
    pool->references.fetch_add(1, std::memory_order_relaxed);
}

static void stopWorkers(laic_pool_t &pool) {
  pool.stop.store(1);
  pool.wake.fetch_add(1);
  futexWake(pool.wake, static_cast<int>(kMaxThreads));
  for (uint32_t i = 0; i < pool.started; ++i)
    pthread_join(pool.workers[i].thread, nullptr);
  pool.started = 0;
}

// Starts as many workers as the system gives. They take no signals from outside: handlers are the application's threads' business.
// Faults of their own they do take: a blocked fault would end the process behind its handler's back.
static void startWorkers(laic_pool_t &pool) {
  sigset_t all, before;
  sigfillset(&all);
  constexpr int kFaults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};
  for (int fault : kFaults)
    sigdelset(&all, fault);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (uint32_t i = 0; i + 1 < pool.threads; ++i) {
    Worker &worker = pool.workers[i];
    worker.index = i + 1;
    worker.pool = &pool;
    if (pthread_create(&worker.thread, nullptr, workerMain, &worker) != 0)
      break;
    ++pool.started;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

static void destroyPool(laic_pool_t *pool) {
  stopWorkers(*pool);
  pool->workers.release(pool->allocator);
  pool->shares.release(pool->allocator);
  destroy(pool->allocator, pool);
}

extern "C" {

laic_status_t *laic_pool_create(const laic_pool_options_t *options, laic_pool_t **out) {
  if (!out)
    return fail(LAIC_INVALID_ARGUMENT, "laic_pool_create: out is NULL");
  *out = nullptr;
  if (options && options->struct_size < sizeof *options)
    return fail(LAIC_INVALID_ARGUMENT, "laic_pool_create: struct_size of the options is not set");
  const laic_allocator_t *user = options ? options->allocator : nullptr;
  if (!Allocator::isValid(user))
    return fail(LAIC_INVALID_ARGUMENT, "laic_pool_create: the allocator lacks struct_size or a function");
  uint32_t threads = options && options->threads ? options->threads : usableCpus();
  if (threads > kMaxThreads)
    return fail(LAIC_INVALID_ARGUMENT, "laic_pool_create: %u threads, at most %u are possible", threads, kMaxThreads);
  Allocator allocator(user);
  laic_pool_t *pool = create<laic_pool_t>(allocator, allocator);
  if (!pool)
    return outOfMemory();
  pool->threads = threads;
  if (!pool->workers.allocate(pool->allocator, threads - 1) || !pool->shares.allocate(pool->allocator, threads)) {
    destroyPool(pool);
    return outOfMemory();
  }
  startWorkers(*pool);
  if (pool->started + 1 < threads) {
    uint32_t missing = pool->started + 1;
    destroyPool(pool);
    return fail(LAIC_OUT_OF_MEMORY, "cannot start thread %u of %u", missing, threads);
  }
  *out = pool;
  return nullptr;
}

void laic_pool_release(laic_pool_t *pool) {
  if (pool && pool->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    destroyPool(pool);
}

} // extern "C"
