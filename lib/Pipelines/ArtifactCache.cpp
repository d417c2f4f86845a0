// A file of the cache is an artifact and its XXH3 hash by pieces, which finds damage as quickly as memory is read; its name is the BLAKE3 hash of what
// the artifact was made from, which tells contents apart whoever wrote them.
#include "ArtifactCache.h"

#include "laic/Support/AtomicFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <dlfcn.h>

using namespace laic;
using llvm::StringRef;

using Digest = XXH128_canonical_t;

/// Large contents are hashed in pieces, which threads share, and then the hashes of those.
constexpr size_t kPiece = 8 << 20;

/// Calls `hash(number, piece)` for all of them.
template <typename Fn> static void eachPiece(Workers &workers, StringRef bytes, Fn hash) {
  workers.each(llvm::divideCeil(bytes.size(), kPiece), [&](size_t i) { hash(i, bytes.substr(i * kPiece, kPiece)); });
}

static Digest digestOf(Workers &workers, StringRef bytes) {
  std::vector<Digest> pieces(llvm::divideCeil(bytes.size(), kPiece));
  eachPiece(workers, bytes,
            [&](size_t i, StringRef piece) { XXH128_canonicalFromHash(&pieces[i], XXH3_128bits(piece.data(), piece.size())); });
  Digest digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits(pieces.data(), pieces.size() * sizeof(Digest)));
  return digest;
}

// The version alone does not tell builds of one version apart: the library's file does, by its size and time.
static std::string buildIdentity() {
  std::string text = LAIC_VERSION;
  Dl_info info;
  llvm::sys::fs::file_status status;
  if (dladdr(reinterpret_cast<void *>(&buildIdentity), &info) && info.dli_fname && !llvm::sys::fs::status(info.dli_fname, status))
    text += " " + std::to_string(status.getSize()) + " " +
            std::to_string(status.getLastModificationTime().time_since_epoch().count());
  return text;
}

ArtifactCache::ArtifactCache(std::string folder, unsigned threads) : folder(std::move(folder)), workers(threads) {
  add(buildIdentity());
}

void ArtifactCache::add(StringRef text) { add(llvm::ArrayRef(text.bytes_begin(), text.bytes_end())); }

void ArtifactCache::add(llvm::ArrayRef<uint8_t> bytes) {
  uint64_t length = bytes.size();
  hasher.update(llvm::ArrayRef(reinterpret_cast<const uint8_t *>(&length), sizeof length));
  if (length <= kPiece)
    return hasher.update(bytes);
  std::vector<llvm::BLAKE3Result<32>> pieces(llvm::divideCeil(length, kPiece));
  StringRef all(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  eachPiece(workers, all, [&](size_t i, StringRef piece) {
    pieces[i] = llvm::BLAKE3::hash<32>(llvm::ArrayRef(piece.bytes_begin(), piece.bytes_end()));
  });
  for (const llvm::BLAKE3Result<32> &piece : pieces)
    hasher.update(piece);
}

std::string ArtifactCache::path() {
  if (name.empty())
    name = llvm::toHex(hasher.final<16>(), /*LowerCase=*/true) + ".laic";
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

std::optional<StringRef> ArtifactCache::find() {
  auto file = llvm::MemoryBuffer::getFile(path(), /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file || (*file)->getBufferSize() < sizeof(Digest))
    return std::nullopt;
  found = std::move(*file);
  StringRef bytes = found->getBuffer(), artifact = bytes.drop_back(sizeof(Digest));
  Digest digest = digestOf(workers, artifact);
  if (bytes.drop_front(artifact.size()) != StringRef(reinterpret_cast<const char *>(digest.digest), sizeof digest.digest))
    return std::nullopt;
  return artifact;
}

std::string ArtifactCache::store(StringRef artifact) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return "cannot make the folder '" + folder + "': " + error.message();
  AtomicFile file;
  std::string problem = file.open(path());
  if (problem.empty())
    problem = file.write(artifact.data(), artifact.size());
  Digest digest = digestOf(workers, artifact);
  if (problem.empty())
    problem = file.write(digest.digest, sizeof digest.digest);
  return problem.empty() ? file.commit() : problem;
}
