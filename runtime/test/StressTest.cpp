// The pool under stress: many tiny jobs, more threads than CPUs, shared pools, creation and release in loops.
// A lost wake-up shows as a test that never ends. LAIC_STRESS multiplies the rounds (default 1; thousands of
// them take minutes).
#include "TestArtifact.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <thread>

using namespace laic;
using namespace laic::test;

namespace {

int rounds(int base) {
  const char *text = getenv("LAIC_STRESS");
  const int factor = text ? atoi(text) : 1;
  return base * (factor > 0 ? factor : 1);
}

// x, its expected y and a context that computes it; `rows` rows of four make as many tiles in the first step
// and four times in the second.
struct Affine {
  ContextPtr context;
  std::vector<float> x, y;

  Affine(laic_module_t *module, laic_pool_t *pool, int64_t rows)
      : context(createContext(module, pool)), x(static_cast<size_t>(rows) * 4), y(x.size()) {
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = static_cast<float>(i);
    EXPECT_EQ(errorOf(bindInput(context.get(), 0, LAIC_F32, x.data(), {rows, 4})), "");
    EXPECT_EQ(errorOf(bindOutput(context.get(), 0, LAIC_F32, y.data(), {rows, 4})), "");
  }

  // Runs once with new data; does every element hold what it should?
  bool runsRight(int round) {
    x[0] = static_cast<float>(round);
    if (laic_status_t *status = laic_run(context.get())) {
      laic_status_free(status);
      return false;
    }
    for (size_t i = 0; i < y.size(); ++i)
      if (y[i] != 2 * (x[i] + static_cast<float>(i % 4 + 1)))
        return false;
    return true;
  }
};

TEST(Stress, TinyJobsOnEveryThreadCount) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  for (uint32_t threads = 2; threads <= 8; ++threads) {
    PoolPtr pool = createPool(threads);
    for (int64_t rows : {1, 2, 3, 5, 9, 40}) {
      Affine affine(module.get(), pool.get(), rows);
      int wrong = 0;
      for (int round = 0; round < rounds(40); ++round)
        wrong += !affine.runsRight(round);
      EXPECT_EQ(wrong, 0) << threads << " threads, " << rows << " rows";
    }
  }
}

// Pauses between the jobs, so that workers spin in some rounds, are about to sleep in others and sleep in
// most.
TEST(Stress, JobsThatMeetSleepingWorkers) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  for (uint32_t threads : {2u, 4u, 8u}) {
    PoolPtr pool = createPool(threads);
    Affine affine(module.get(), pool.get(), 13);
    int wrong = 0;
    for (int round = 0; round < rounds(150); ++round) {
      wrong += !affine.runsRight(round);
      std::this_thread::sleep_for(std::chrono::microseconds(round % 150));
    }
    EXPECT_EQ(wrong, 0) << threads;
  }
}

TEST(Stress, ContextsOnManyThreadsShareOnePool) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  for (uint32_t poolThreads : {2u, 3u, 8u}) {
    PoolPtr pool = createPool(poolThreads);
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int t = 0; t < 6; ++t)
      callers.emplace_back([&, t] {
        Affine affine(module.get(), pool.get(), t * 7 + 1);
        for (int round = 0; round < rounds(150); ++round)
          wrong += !affine.runsRight(round);
      });
    for (std::thread &caller : callers)
      caller.join();
    EXPECT_EQ(wrong, 0) << poolThreads;
  }
}

// Workers may not even have begun when the pool goes away, or may be falling asleep.
TEST(Stress, PoolsComeAndGo) {
  TemporaryFile file(makeAffine().bytes());
  ModulePtr module = loadFile(file.path());
  int wrong = 0;
  for (int round = 0; round < rounds(60); ++round) {
    PoolPtr pool = createPool(static_cast<uint32_t>(round % 7 + 2));
    if (round % 3 == 0)
      continue;
    Affine affine(module.get(), pool.get(), round % 11 + 1);
    if (round % 2)
      pool.reset(); // the context holds it
    for (int i = 0; i < round % 4; ++i)
      wrong += !affine.runsRight(i);
  }
  EXPECT_EQ(wrong, 0);
}

// Several threads that create, run and release contexts and modules of their own on one pool.
TEST(Stress, EverythingComesAndGoesAtOnce) {
  TemporaryFile file(makeAffine().bytes());
  PoolPtr pool = createPool(4);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&, t] {
      for (int round = 0; round < rounds(30); ++round) {
        ModulePtr module = loadFile(file.path());
        Affine affine(module.get(), pool.get(), (round + t) % 17 + 1);
        module.reset();
        wrong += !affine.runsRight(round);
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

} // namespace
