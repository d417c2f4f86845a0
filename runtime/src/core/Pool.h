// Worker threads that share out the tiles of one step at a time.
#ifndef LAIC_RUNTIME_POOL_H
#define LAIC_RUNTIME_POOL_H

#include "Memory.h"

#include <atomic>
#include <pthread.h>

namespace laic {
namespace rt {

// Works on tiles [begin, end). `worker` is below laic_pool's thread count and unique among the calls that run at once.
typedef void (*TileFunction)(void *self, uint32_t worker, int64_t begin, int64_t end);

// Calls fn on ranges that cover [0, tiles) exactly once and returns when all are done. The ranges run on the calling thread
// (worker 0) and, when the pool is free, on its workers; a pool that serves another caller is not waited for.
// pool may be NULL. Allocates nothing.
void parallelFor(laic_pool_t *pool, int64_t tiles, TileFunction fn, void *self);

uint32_t threadCount(const laic_pool_t *pool); // the caller included; 1 for NULL
void retainPool(laic_pool_t *pool);            // accepts NULL

} // namespace rt
} // namespace laic
#endif
