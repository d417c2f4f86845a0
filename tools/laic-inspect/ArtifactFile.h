// A verified artifact to look into.
#ifndef LAIC_INSPECT_ARTIFACTFILE_H
#define LAIC_INSPECT_ARTIFACTFILE_H

#include "laic/Artifact/Format.h"
#include "laic/Artifact/artifact_generated.h"

#include <string>
#include <vector>

namespace laic {
namespace inspect {

// The file's bytes in memory, verified by the runtime's own reader, so that every index in the program can be relied on. No code is
// mapped executable.
class ArtifactFile {
public:
  // Returns an error text, empty on success. full: hash the weights too.
  std::string open(const std::string &path, bool full);
  ~ArtifactFile();

  const artifact::FileHeader &header() const { return head; }
  const std::vector<artifact::SectionEntry> &sections() const { return table; }
  const artifact::Program &program() const { return *root; }
  const artifact::Entry &entry() const { return *root->entries()->Get(0); }
  uint64_t size() const { return length; }
  // The runtime's account of what it would use on this machine.
  const std::string &explanation() const { return explain; }

private:
  std::string map(const std::string &path);
  std::string verify(bool full);

  const uint8_t *data = nullptr;
  uint64_t length = 0;
  artifact::FileHeader head;
  std::vector<artifact::SectionEntry> table;
  const artifact::Program *root = nullptr;
  std::string explain;
};

// Length of an optional vector.
template <typename T> uint32_t count(const flatbuffers::Vector<T> *vector) { return vector ? vector->size() : 0; }
// Text of an optional string.
inline std::string text(const flatbuffers::String *string) { return string ? string->str() : std::string(); }

const char *sectionName(uint32_t kind);

} // namespace inspect
} // namespace laic
#endif
