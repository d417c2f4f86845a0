// Writes beside the target, syncs and renames; remembers temporaries in a table that a signal handler can walk.
#include "laic/Support/AtomicFile.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace laic;

namespace {
constexpr int kSlots = 16;
constexpr size_t kMaxPath = 4096;
enum SlotState : int { Free, Claimed, Armed };

// Signal-safe: fixed storage, and a slot's path is complete before the state says Armed.
struct Slot {
  std::atomic<int> state{Free};
  char path[kMaxPath];
};
Slot slots[kSlots];

int armSlot(const std::string &path) {
  if (path.size() >= kMaxPath)
    return -1;
  for (int i = 0; i < kSlots; ++i) {
    int expected = Free;
    if (!slots[i].state.compare_exchange_strong(expected, Claimed))
      continue;
    memcpy(slots[i].path, path.c_str(), path.size() + 1);
    slots[i].state.store(Armed);
    return i;
  }
  return -1;
}

void disarmSlot(int slot) {
  if (slot >= 0)
    slots[slot].state.store(Free);
}

void removeAndDie(int signal) {
  for (Slot &slot : slots)
    if (slot.state.load() == Armed)
      unlink(slot.path);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

std::string directoryOf(const std::string &path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}
} // namespace

void laic::removeTemporariesOnSignal() {
  for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction previous;
    // A shell that started us with the signal ignored (nohup) means it.
    if (sigaction(signal, nullptr, &previous) == 0 && previous.sa_handler == SIG_IGN)
      continue;
    struct sigaction action = {};
    action.sa_handler = removeAndDie;
    sigaction(signal, &action, nullptr);
  }
}

AtomicFile::~AtomicFile() { abandon(); }

void AtomicFile::abandon() {
  if (descriptor >= 0)
    close(descriptor);
  descriptor = -1;
  if (!temporary.empty())
    unlink(temporary.c_str());
  temporary.clear();
  disarmSlot(slot);
  slot = -1;
}

std::string AtomicFile::failure(const char *action) {
  std::string text = std::string("cannot ") + action + " '" + target + "': " + strerror(errno);
  abandon();
  return text;
}

std::string AtomicFile::open(const std::string &path) {
  abandon();
  target = path;
  written = 0;
  synced = false;
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) {
      errno = EISDIR;
      return failure("write");
    }
    if (!S_ISREG(info.st_mode)) {
      descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      return descriptor < 0 ? failure("write") : std::string();
    }
    // Replace what a link leads to, not the link.
    if (char *resolved = realpath(path.c_str(), nullptr)) {
      target = resolved;
      free(resolved);
    }
  }
  static std::atomic<unsigned> counter{0};
  for (int attempt = 0; attempt < 100; ++attempt) {
    char suffix[64];
    snprintf(suffix, sizeof suffix, ".tmp-%ld-%u", static_cast<long>(getpid()), counter.fetch_add(1));
    std::string candidate = target + suffix;
    int armed = armSlot(candidate); // before the file exists, so that no signal can fall between
    descriptor = ::open(candidate.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) {
      temporary = candidate;
      slot = armed;
      return std::string();
    }
    disarmSlot(armed);
    if (errno != EEXIST)
      break;
  }
  return failure("create");
}

std::string AtomicFile::write(const void *data, size_t size) {
  const char *bytes = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t count = ::write(descriptor, bytes, size < (1u << 30) ? size : (1u << 30));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return failure("write");
    bytes += count;
    size -= static_cast<size_t>(count);
    written += static_cast<uint64_t>(count);
  }
  return std::string();
}

std::string AtomicFile::writeAt(uint64_t offset, const void *data, size_t size) {
  const char *bytes = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t count = pwrite(descriptor, bytes, size, static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return failure("write");
    bytes += count;
    offset += static_cast<uint64_t>(count);
    size -= static_cast<size_t>(count);
  }
  return std::string();
}

std::string AtomicFile::sync() {
  if (descriptor < 0) {
    errno = EBADF;
    return failure("write");
  }
  if (!temporary.empty() && fsync(descriptor) != 0)
    return failure("write");
  synced = true;
  return std::string();
}

std::string AtomicFile::commit() {
  int closed = close(descriptor);
  descriptor = -1;
  if (closed != 0)
    return failure("write");
  if (temporary.empty())
    return std::string();
  if (rename(temporary.c_str(), target.c_str()) != 0)
    return failure("write");
  temporary.clear();
  disarmSlot(slot);
  slot = -1;
  if (!synced)
    return std::string();
  // The name is durable only once its directory is; a file system that cannot sync directories is no failure.
  int directory = ::open(directoryOf(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    (void)fsync(directory);
    close(directory);
  }
  return std::string();
}
