// Linux: mapping, futexes, CPU counts, floating-point control.
#include "Platform.h"

#include "Status.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

using namespace laic;
using namespace laic::rt;

laic_status_t *rt::mapFile(const char *path, MappedFile &out) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not make us wait
  if (descriptor < 0)
    return fail(LAIC_IO_ERROR, "cannot open '%s': %s", path, strerror(errno));
  struct stat info;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(descriptor);
    return fail(LAIC_IO_ERROR, "cannot read '%s': not a regular file", path);
  }
  if (info.st_size == 0) {
    close(descriptor);
    return fail(LAIC_INVALID_ARTIFACT, "'%s' is empty", path);
  }
  size_t size = static_cast<size_t>(info.st_size);
  void *data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) {
    int reason = errno;
    close(descriptor);
    return fail(reason == ENOMEM ? LAIC_OUT_OF_MEMORY : LAIC_IO_ERROR, "cannot map '%s': %s", path, strerror(reason));
  }
  out.data = static_cast<const uint8_t *>(data);
  out.size = size;
  out.descriptor = descriptor;
  return nullptr;
}

void rt::expectFewReads(const MappedFile &file, size_t offset, size_t length) {
  if (file.descriptor < 0)
    return; // the caller's memory
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t begin = (offset + page - 1) / page * page, end = (offset + length) / page * page;
  const int before = errno; // which nobody shall see changed by a wish
  constexpr int kWishes[] = {MADV_DONTNEED, MADV_RANDOM, MADV_NOHUGEPAGE};
  for (int wish : kWishes)
    if (begin < end)
      (void)madvise(const_cast<uint8_t *>(file.data) + begin, end - begin, wish);
  errno = before;
}

void rt::preferHugePages(void *memory, size_t size) {
  const int before = errno; // which nobody shall see changed by a wish
  (void)madvise(memory, size, MADV_HUGEPAGE);
  errno = before;
}

// Something of this library, by which its file is found.
static const char kPlace = 0;

void *rt::openBeside(const char *file, const char *symbol, char *reason, size_t capacity) {
  Dl_info own;
  char path[PATH_MAX];
  void *library = nullptr;
  const char *slash = dladdr(&kPlace, &own) && own.dli_fname ? strrchr(own.dli_fname, '/') : nullptr;
  constexpr const char *kFolders[] = {"", "../lib/"}; // a program that carries the runtime stands in bin/
  for (const char *between : kFolders) {
    const int folder = slash ? static_cast<int>(slash - own.dli_fname) + 1 : 0;
    const int length = slash ? snprintf(path, sizeof path, "%.*s%s%s", folder, own.dli_fname, between, file) : 0;
    if (!library && length > 0 && static_cast<size_t>(length) < sizeof path && access(path, F_OK) == 0)
      library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  }
  if (!library)
    library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  void *found = library ? dlsym(library, symbol) : nullptr;
  if (!found) {
    const char *why = dlerror();
    snprintf(reason, capacity, "%s", why ? why : "");
  }
  return found;
}

void rt::unmapFile(MappedFile &file) {
  if (file.data)
    munmap(const_cast<uint8_t *>(file.data), file.size);
  if (file.descriptor >= 0)
    close(file.descriptor);
  file = MappedFile();
}

laic_status_t *rt::mapCode(int descriptor, uint64_t offset, const uint8_t *bytes, size_t length, CodeMapping &out) {
  if (descriptor >= 0) {
    void *mapped = mmap(nullptr, length, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, static_cast<off_t>(offset));
    if (mapped != MAP_FAILED) {
      out.data = static_cast<const uint8_t *>(mapped);
      out.length = length;
      return nullptr;
    }
    // A file system mounted noexec refuses; a private copy serves as well.
  }
  void *copy = mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED)
    return fail(LAIC_OUT_OF_MEMORY, "cannot map %zu bytes for code: %s", length, strerror(errno));
  memcpy(copy, bytes, length);
  __builtin___clear_cache(static_cast<char *>(copy), static_cast<char *>(copy) + length);
  if (mprotect(copy, length, PROT_READ | PROT_EXEC) != 0) {
    int reason = errno;
    munmap(copy, length);
    return fail(LAIC_UNSUPPORTED, "this system refuses executable memory: %s", strerror(reason));
  }
  out.data = static_cast<const uint8_t *>(copy);
  out.length = length;
  return nullptr;
}

void rt::unmapCode(CodeMapping &code) {
  if (code.data)
    munmap(const_cast<uint8_t *>(code.data), code.length);
  code = CodeMapping();
}

void rt::futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  static_assert(sizeof(std::atomic<uint32_t>) == 4, "a futex is 32 bits");
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void rt::futexWake(std::atomic<uint32_t> &word, int count) {
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

uint64_t rt::nanoseconds() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
}

// ---- CPU count ----

// Reads a small file; false when it cannot be read.
static bool readFile(const char *path, char *buffer, size_t capacity) {
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return false;
  size_t length = 0;
  while (length + 1 < capacity) {
    ssize_t count = read(descriptor, buffer + length, capacity - 1 - length);
    if (count <= 0)
      break;
    length += static_cast<size_t>(count);
  }
  close(descriptor);
  buffer[length] = 0;
  return true;
}

static uint32_t cpusOf(long long quota, long long period, uint32_t most) {
  if (quota <= 0 || period <= 0)
    return most;
  long long cpus = (quota + period - 1) / period;
  return cpus < most ? static_cast<uint32_t>(cpus) : most;
}

// The quota of one group and of each of its parents. `group` is changed.
static uint32_t limitByGroup(const char *root, char *group, bool unified, uint32_t most) {
  for (;;) {
    char path[2048], text[128];
    long long quota = -1, period = -1;
    if (unified) {
      snprintf(path, sizeof path, "%s%s/cpu.max", root, group);
      if (readFile(path, text, sizeof text) && sscanf(text, "%lld %lld", &quota, &period) != 2)
        quota = -1; // "max"
    } else {
      snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", root, group);
      if (readFile(path, text, sizeof text))
        quota = atoll(text);
      snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", root, group);
      if (readFile(path, text, sizeof text))
        period = atoll(text);
    }
    most = cpusOf(quota, period, most);
    char *slash = strrchr(group, '/');
    if (!slash)
      return most;
    *slash = 0;
  }
}

// Does a comma-separated list hold `name`?
static bool lists(const char *list, size_t length, const char *name) {
  size_t size = strlen(name);
  for (size_t begin = 0; begin < length;) {
    size_t end = begin;
    while (end < length && list[end] != ',')
      ++end;
    if (end - begin == size && memcmp(list + begin, name, size) == 0)
      return true;
    begin = end + 1;
  }
  return false;
}

static uint32_t limitByQuota(uint32_t most) {
  static const char *const kCpuRoots[] = {"/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"};
  char table[4096];
  if (!readFile("/proc/self/cgroup", table, sizeof table))
    return most;
  for (char *line = table; line && *line;) {
    char *next = strchr(line, '\n');
    if (next)
      *next++ = 0;
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : nullptr;
    if (group && strlen(group) < 1500) {
      ++controllers;
      size_t length = static_cast<size_t>(group - controllers);
      ++group;
      char copy[1600];
      if (length == 0) {
        strcpy(copy, group);
        most = limitByGroup("/sys/fs/cgroup", copy, true, most);
      } else if (lists(controllers, length, "cpu")) {
        for (const char *root : kCpuRoots) {
          strcpy(copy, group);
          most = limitByGroup(root, copy, false, most);
        }
      }
    }
    line = next;
  }
  return most;
}

uint32_t rt::usableCpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  uint32_t count = 0;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    count = static_cast<uint32_t>(CPU_COUNT(&set));
  else if (long online = sysconf(_SC_NPROCESSORS_ONLN); online > 0) // more CPUs than cpu_set_t can say
    count = static_cast<uint32_t>(online);
  count = limitByQuota(count ? count : 1);
  return count ? count : 1;
}

// ---- floating-point control ----

#if defined(__x86_64__)
constexpr uint32_t kDefaultMxcsr = 0x1f80;
FloatEnvironment::FloatEnvironment() {
  uint32_t now;
  __asm__ __volatile__("stmxcsr %0" : "=m"(now));
  saved = now;
  __asm__ __volatile__("ldmxcsr %0" : : "m"(kDefaultMxcsr));
}
FloatEnvironment::~FloatEnvironment() {
  uint32_t before = static_cast<uint32_t>(saved);
  __asm__ __volatile__("ldmxcsr %0" : : "m"(before));
}
#elif defined(__aarch64__)
FloatEnvironment::FloatEnvironment() {
  __asm__ __volatile__("mrs %0, fpcr" : "=r"(saved));
  __asm__ __volatile__("msr fpcr, %0" : : "r"(uint64_t{0}));
}
FloatEnvironment::~FloatEnvironment() { __asm__ __volatile__("msr fpcr, %0" : : "r"(saved)); }
#else
FloatEnvironment::FloatEnvironment() : saved(0) {}
FloatEnvironment::~FloatEnvironment() {}
#endif
