// Maps the file once, has the runtime verify those very bytes, then reads header, table and program.
#include "ArtifactFile.h"

#include "laic/runtime.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace laic;
using namespace laic::inspect;
using namespace laic::artifact;

ArtifactFile::~ArtifactFile() {
  if (data)
    munmap(const_cast<uint8_t *>(data), length);
}

std::string ArtifactFile::map(const std::string &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a pipe must not make us wait
  if (descriptor < 0)
    return "cannot open '" + path + "': " + strerror(errno);
  struct stat info;
  std::string error;
  if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) {
    error = "cannot read '" + path + "': not a regular file";
  } else if (info.st_size == 0) {
    error = "'" + path + "' is empty";
  } else {
    length = static_cast<uint64_t>(info.st_size);
    void *mapped = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapped == MAP_FAILED)
      error = "cannot map '" + path + "': " + strerror(errno);
    else
      data = static_cast<const uint8_t *>(mapped);
  }
  close(descriptor);
  return error;
}

std::string ArtifactFile::verify(bool full) {
  laic_module_options_t options = {};
  options.struct_size = sizeof options;
  options.verify = full ? LAIC_VERIFY_FULL : LAIC_VERIFY_STRUCTURE;
  laic_module_t *module = nullptr;
  laic_status_t *status = laic_module_load_memory(data, length, &options, &module);
  if (status) {
    std::string error = laic_status_message(status);
    laic_status_free(status);
    return error;
  }
  explain = laic_module_explain(module);
  laic_module_release(module);
  return std::string();
}

std::string ArtifactFile::open(const std::string &path, bool full) {
  std::string error = map(path);
  if (error.empty())
    error = verify(full);
  if (!error.empty())
    return error;
  memcpy(&head, data, sizeof head);
  table.resize(head.section_count);
  memcpy(static_cast<void *>(table.data()), data + sizeof head, table.size() * sizeof(SectionEntry));
  for (const SectionEntry &section : table)
    if (section.kind == static_cast<uint32_t>(SectionKind::Program))
      root = GetProgram(data + section.offset);
  return std::string();
}

const char *inspect::sectionName(uint32_t kind) {
  switch (static_cast<SectionKind>(kind)) {
  case SectionKind::Program:
    return "program";
  case SectionKind::Weights:
    return "weights";
  case SectionKind::Code:
    return "code";
  case SectionKind::Signature:
    return "signature";
  }
  return "unknown";
}
