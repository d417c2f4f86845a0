// What the runtime asks of the operating system. Platform_linux.cpp is the only file that knows it.
#ifndef LAIC_RUNTIME_PLATFORM_H
#define LAIC_RUNTIME_PLATFORM_H

#include "laic/runtime.h"

#include <atomic>

namespace laic {
namespace rt {

// A file mapped read-only. The descriptor stays open so that parts can be mapped executable later.
struct MappedFile {
  const uint8_t *data = nullptr;
  size_t size = 0;
  int descriptor = -1;
};

laic_status_t *mapFile(const char *path, MappedFile &out);
void unmapFile(MappedFile &file);
// Few bytes of a part of the file will be read: its pages leave this process, and those that are read come back from the system's cache one
// by one: a wish, which systems without that ignore.
void expectFewReads(const MappedFile &file, size_t offset, size_t length);

// Executable, never writable memory that holds `length` bytes of code: the file's own pages when `descriptor` >= 0 and the
// system allows it, otherwise a copy of `bytes`.
struct CodeMapping {
  const uint8_t *data = nullptr;
  size_t length = 0;
};
laic_status_t *mapCode(int descriptor, uint64_t offset, const uint8_t *bytes, size_t length, CodeMapping &out);
void unmapCode(CodeMapping &code);

// The function `symbol` of an optional library that stands beside the runtime, or where the system's loader searches. NULL: `reason` says
// why there is none. The library stays open.
void *openBeside(const char *file, const char *symbol, char *reason, size_t capacity);

constexpr size_t kHugePage = 2u << 20;
// Asks for huge pages behind memory that was not touched yet: a wish, which systems without them ignore. Both aligned to kHugePage.
void preferHugePages(void *memory, size_t size);

// Sleeps until woken, or returns at once when *word != expected.
void futexWait(std::atomic<uint32_t> &word, uint32_t expected);
void futexWake(std::atomic<uint32_t> &word, int count);

uint64_t nanoseconds(); // monotonic

// CPUs that the affinity mask and the cgroup quota leave to this process, at least 1.
uint32_t usableCpus();

// One spin of a waiting loop.
inline void spinPause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ __volatile__("yield");
#endif
}

// Sets the thread's floating-point control to the default (round to nearest, denormals kept, no traps), so that a thread's
// history never changes results; the destructor restores it.
class FloatEnvironment {
public:
  FloatEnvironment();
  ~FloatEnvironment();

private:
  uint64_t saved;
};

} // namespace rt
} // namespace laic
#endif
