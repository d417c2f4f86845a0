// Read-only mappings of a model file and of the external files that its tensors lie in.
#include "Files.h"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace laic {
namespace onnx {

namespace {
// O_NONBLOCK: a named pipe must not make us wait; such files are refused after fstat.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
} // namespace

Descriptor &Descriptor::operator=(Descriptor &&other) noexcept {
  std::swap(fd, other.fd);
  return *this;
}

Descriptor::~Descriptor() {
  if (fd >= 0)
    ::close(fd);
}

Mapping::~Mapping() {
  if (bytes)
    ::munmap(const_cast<uint8_t *>(bytes), length);
}

std::unique_ptr<Mapping> Mapping::create(const Descriptor &file, std::string &problem) {
  struct stat info;
  if (::fstat(file.get(), &info) != 0) {
    problem = std::string("cannot be read: ") + strerror(errno);
    return nullptr;
  }
  if (!S_ISREG(info.st_mode)) {
    problem = S_ISDIR(info.st_mode) ? "is a directory, not a regular file" : "is not a regular file";
    return nullptr;
  }
  uint64_t size = static_cast<uint64_t>(info.st_size);
  if (size == 0)
    return std::unique_ptr<Mapping>(new Mapping(nullptr, 0));
  void *bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (bytes == MAP_FAILED) {
    problem = std::string("cannot be mapped: ") + strerror(errno);
    return nullptr;
  }
  return std::unique_ptr<Mapping>(new Mapping(static_cast<const uint8_t *>(bytes), size));
}

static Descriptor openComponentwise(const Descriptor &directory, const std::string &path) {
  Descriptor current(::fcntl(directory.get(), F_DUPFD_CLOEXEC, 0));
  size_t begin = 0;
  while (current) {
    size_t slash = path.find('/', begin);
    bool last = slash == std::string::npos;
    std::string component = path.substr(begin, last ? std::string::npos : slash - begin);
    if (component == ".." || (last && component.empty())) {
      errno = component.empty() ? ENOENT : EXDEV;
      return Descriptor();
    }
    if (last)
      return Descriptor(::openat(current.get(), component.c_str(), kReadFlags | O_NOFOLLOW));
    begin = slash + 1;
    if (component.empty() || component == ".")
      continue;
    int fd = ::openat(current.get(), component.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR) { // with O_DIRECTORY a symbolic link is reported as no directory
      struct stat info;
      if (::fstatat(current.get(), component.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0)
        errno = S_ISLNK(info.st_mode) ? ELOOP : ENOTDIR;
    }
    current = Descriptor(fd);
  }
  return current;
}

Descriptor openBeneath(const Descriptor &directory, const std::string &path, bool componentwise) {
  if (!componentwise) {
    struct open_how how = {};
    how.flags = kReadFlags;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    int fd = static_cast<int>(::syscall(SYS_openat2, directory.get(), path.c_str(), &how, sizeof(how)));
    // Old kernels do not know the call, some sandboxes forbid it.
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EINVAL))
      return Descriptor(fd);
  }
  return openComponentwise(directory, path);
}

ExternalFiles::ExternalFiles(std::string directory, std::string root, Storage &storage)
    : directory(std::move(directory)), root(std::move(root)), storage(storage) {}

const ExternalFile *ExternalFiles::find(const std::string &location, std::string &problem, std::string &note) {
  auto inserted = entries.try_emplace(location);
  Entry &entry = inserted.first->second;
  if (inserted.second)
    open(location, entry);
  problem = entry.problem;
  note = entry.note;
  return entry.file.mapping ? &entry.file : nullptr;
}

std::vector<std::string> ExternalFiles::paths() const {
  std::vector<std::string> result;
  for (const auto &entry : entries)
    if (entry.second.file.mapping)
      result.push_back(entry.second.file.path);
  return result;
}

static bool hasParentComponent(const std::string &path) {
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    if (path.compare(begin, end - begin, "..") == 0)
      return true;
    begin = end + 1;
  }
  return false;
}

static std::string realPath(const std::string &path) {
  char *resolved = ::realpath(path.c_str(), nullptr);
  std::string result = resolved ? resolved : "";
  free(resolved);
  return result;
}

// Opens `path`, links and all, when what it leads to lies below `root`. The second opening follows no link,
// so that a link that changes in between cannot lead out.
static Descriptor openBelowRoot(const std::string &root, const std::string &path) {
  std::string realRoot = realPath(root), real = realRoot.empty() ? "" : realPath(path);
  if (real.empty())
    return Descriptor();
  std::string prefix = realRoot == "/" ? realRoot : realRoot + "/";
  if (real.compare(0, prefix.size(), prefix) != 0) {
    errno = EXDEV;
    return Descriptor();
  }
  Descriptor folder(::open(realRoot.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  return folder ? openBeneath(folder, real.substr(prefix.size())) : Descriptor();
}

void ExternalFiles::open(const std::string &location, Entry &entry) {
  auto refuse = [&](const std::string &problem, const std::string &note) {
    entry.problem = problem;
    entry.note = note;
  };
  const char *inside = "save the model with external data in the model's own folder, or name a trusted folder with "
                       "--external-data-root";
  if (location.empty() || location.find('\0') != std::string::npos || location.size() >= PATH_MAX)
    return refuse("has no usable name", "save the model again");
  if (directory.empty())
    return refuse("cannot be found: the model comes from memory and has no folder", "compile the model from its file");
  if (location[0] == '/')
    return refuse("is named by an absolute path", inside);
  if (root.empty() && hasParentComponent(location))
    return refuse("lies outside the model's folder", inside);
  entry.file.path = directory == "." ? location : directory + (directory == "/" ? "" : "/") + location;
  Descriptor file;
  Descriptor folder(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder && !hasParentComponent(location))
    file = openBeneath(folder, location);
  if (!file && !root.empty())
    file = openBelowRoot(root, directory + "/" + location);
  if (!file && errno == EXDEV)
    return refuse(
        root.empty() ? "lies outside the model's folder" : "lies neither in the model's folder nor below '" + root + "'", inside);
  if (!file && errno == ELOOP)
    return refuse("is reached through a symbolic link", inside);
  if (!file)
    return refuse(std::string("cannot be opened: ") + strerror(errno),
                  "place the file that the model was saved with beside the model");
  struct stat info;
  if (::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink != 1)
    return refuse("has " + std::to_string(info.st_nlink) + " hard links; expects a file with one name",
                  "replace it by a copy of its own (cp)");
  std::unique_ptr<Mapping> mapping = Mapping::create(file, entry.problem);
  if (!mapping) {
    entry.note = inside;
    return;
  }
  entry.file.mapping = mapping.get();
  storage.mappings.push_back(std::move(mapping));
}

} // namespace onnx
} // namespace laic
