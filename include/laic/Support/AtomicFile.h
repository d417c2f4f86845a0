// Output files that appear whole or not at all: written beside the target, then renamed over it.
#ifndef LAIC_SUPPORT_ATOMICFILE_H
#define LAIC_SUPPORT_ATOMICFILE_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace laic {

// One output file on its way. Until commit() succeeds the target is untouched; a file that is destroyed uncommitted leaves
// nothing behind. A target that exists and is no regular file (a pipe, /dev/null) is written directly.
// What a crash of the machine may take with it is what commit() alone has written: artifacts, reports and caches, which the same command
// makes again and whose readers check them. What cannot be made again (the state of a training run) calls sync() first, which waits
// for the disk.
// Errors are sentences without the program's name, e.g. "cannot write 'out.bin': No space left on device"; empty means success.
// Not thread-safe; several files may be open at once.
class AtomicFile {
public:
  AtomicFile() = default;
  AtomicFile(const AtomicFile &) = delete;
  AtomicFile &operator=(const AtomicFile &) = delete;
  ~AtomicFile();

  std::string open(const std::string &path);
  std::string write(const void *data, size_t size);
  std::string writeAt(uint64_t offset, const void *data, size_t size); // within what write() has covered
  std::string sync(); // to the disk: afterwards nothing but taking the target's place can fail
  std::string commit();
  uint64_t position() const { return written; }

private:
  std::string failure(const char *action);
  void abandon();

  std::string target;    // what the user named, links resolved
  std::string temporary; // empty when written directly
  int descriptor = -1;
  int slot = -1;
  uint64_t written = 0;
  bool synced = false;
};

// Makes SIGINT, SIGTERM and SIGHUP remove the temporaries of all open files before the process dies of the signal. For programs,
// not for libraries: call once at the start of main.
void removeTemporariesOnSignal();

} // namespace laic
#endif
