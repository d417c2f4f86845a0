// Read-only mappings of a model file and of the external files that its tensors lie in.
//
// External data is opened by one function that trusts nothing: no absolute path, no `..`, no symbolic link
// below the model's folder, regular files with exactly one name only. ReadOptions::externalDataRoot relaxes
// where a file may lie, never what it is.
#ifndef LAIC_LIB_IMPORT_ONNX_FILES_H
#define LAIC_LIB_IMPORT_ONNX_FILES_H

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace laic {
namespace onnx {

// A closed-over file descriptor.
class Descriptor {
public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd(fd) {}
  Descriptor(Descriptor &&other) noexcept : fd(other.fd) { other.fd = -1; }
  Descriptor &operator=(Descriptor &&other) noexcept;
  ~Descriptor();
  explicit operator bool() const { return fd >= 0; }
  int get() const { return fd; }

private:
  int fd = -1;
};

// A whole file, mapped privately and read-only. An empty file has no data.
class Mapping {
public:
  // Null with a problem ("cannot be read: ...") when the descriptor is no regular file or cannot be mapped.
  static std::unique_ptr<Mapping> create(const Descriptor &file, std::string &problem);
  ~Mapping();
  Mapping(const Mapping &) = delete;
  Mapping &operator=(const Mapping &) = delete;
  const uint8_t *data() const { return bytes; }
  uint64_t size() const { return length; }

private:
  Mapping(const uint8_t *bytes, uint64_t length) : bytes(bytes), length(length) {}
  const uint8_t *bytes;
  uint64_t length;
};

// What the tensors of a Model point to.
struct Storage {
  std::vector<std::unique_ptr<Mapping>> mappings;
  std::deque<std::vector<uint8_t>> owned;
};

struct ExternalFile {
  const Mapping *mapping = nullptr;
  std::string path; // as a compiler of dependency files wants it
};

// Opens each external file of a model once.
class ExternalFiles {
public:
  // `directory` is the model's folder, "" when the model has none; `root` as ReadOptions::externalDataRoot.
  ExternalFiles(std::string directory, std::string root, Storage &storage);

  // Null with a problem and a note when `location` must not or cannot be read. The answer for a location is
  // remembered.
  const ExternalFile *find(const std::string &location, std::string &problem, std::string &note);

  std::vector<std::string> paths() const;

private:
  struct Entry {
    ExternalFile file;
    std::string problem, note;
  };
  void open(const std::string &location, Entry &entry);

  std::string directory, root;
  Storage &storage;
  std::map<std::string, Entry> entries;
};

// Opens `path` below `directory` for reading without following any symbolic link or leaving it; on failure
// errno is set. `componentwise` takes the way for kernels without openat2.
Descriptor openBeneath(const Descriptor &directory, const std::string &path, bool componentwise = false);

} // namespace onnx
} // namespace laic
#endif
