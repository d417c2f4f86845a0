// Finished artifacts, found by what they were made from: `--cache=DIR`.
#ifndef LAIC_LIB_PIPELINES_ARTIFACTCACHE_H
#define LAIC_LIB_PIPELINES_ARTIFACTCACHE_H

#include "laic/Support/Workers.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <optional>
#include <string>

namespace laic {

/// One artifact's place in a folder. Add everything that decides the artifact, then ask. The build of laic decides, too, and is added
/// first. Files of the folder may be deleted at any time; several processes may share it.
class ArtifactCache {
public:
  /// threads: of what is hashed; 0: all.
  ArtifactCache(std::string folder, unsigned threads);
  void add(llvm::StringRef text); // with its length, so that neighbours cannot be taken for each other
  void add(llvm::ArrayRef<uint8_t> bytes);

  /// The artifact, which lives as long as this object; nothing where there is none, or where its file is damaged.
  std::optional<llvm::StringRef> find();
  /// Keeps an artifact. Returns a problem, or "".
  std::string store(llvm::StringRef artifact);

private:
  std::string path();

  std::string folder, name;
  Workers workers;
  llvm::BLAKE3 hasher;
  std::unique_ptr<llvm::MemoryBuffer> found;
};

} // namespace laic
#endif
