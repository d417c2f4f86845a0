// The outer layers of an artifact: header, section table, gaps and hashes.
#include "Module.h"

#include "Status.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

static bool sameHash(XXH128_hash_t hash, const uint8_t expected[16]) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  return memcmp(canonical.digest, expected, 16) == 0;
}

// The hash of a section. Pages of one that is looked up are given back bit by bit: what no run touches (most of a table of embeddings) is
// never resident then. Others stay, since giving them back would fault every page twice.
static XXH128_hash_t hashOf(const MappedFile &file, const SectionEntry &entry) {
  if (!(entry.flags & kSectionLookUp))
    return XXH3_128bits(file.data + entry.offset, entry.length);
  constexpr uint64_t kPiece = 4u << 20;
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  for (uint64_t done = 0; done < entry.length;) {
    const uint64_t piece = entry.length - done < kPiece ? entry.length - done : kPiece;
    XXH3_128bits_update(&state, file.data + entry.offset + done, piece);
    expectFewReads(file, entry.offset + done, piece);
    done += piece;
  }
  return XXH3_128bits_digest(&state);
}

static bool isZero(const uint8_t *bytes, uint64_t length) {
  for (uint64_t i = 0; i < length; ++i)
    if (bytes[i])
      return false;
  return true;
}

static laic_status_t *verifyHeader(const MappedFile &file, FileHeader &header) {
  if (file.size < sizeof header)
    return fail(LAIC_INVALID_ARTIFACT, "not a laic artifact: %zu bytes are too few for a header", file.size);
  memcpy(&header, file.data, sizeof header);
  if (memcmp(header.magic, kMagic, sizeof kMagic) != 0)
    return fail(LAIC_INVALID_ARTIFACT, "not a laic artifact: the first bytes are wrong");
  if (header.major != kMajor)
    return fail(LAIC_UNSUPPORTED, "artifact has format %u.%u, this runtime reads %u.x; %s", header.major, header.minor, kMajor,
                header.major > kMajor ? "use a newer runtime" : "compile the model again");
  if (header.file_size != file.size)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: it says %llu bytes, the file has %zu",
                static_cast<unsigned long long>(header.file_size), file.size);
  if (header.section_count == 0 || header.section_count > kMaxSections ||
      header.section_count > (file.size - sizeof header) / sizeof(SectionEntry))
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: %u sections", header.section_count);

  FileHeader plain = header;
  memset(plain.table_hash, 0, sizeof plain.table_hash);
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, &plain, sizeof plain);
  XXH3_128bits_update(&state, file.data + sizeof header, header.section_count * sizeof(SectionEntry));
  if (!sameHash(XXH3_128bits_digest(&state), header.table_hash))
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: the hash of its section table differs");
  return nullptr;
}

static uint64_t alignmentOf(uint32_t kind) {
  bool segment = kind == static_cast<uint32_t>(SectionKind::Weights) || kind == static_cast<uint32_t>(SectionKind::Code);
  return segment ? kSegmentAlignment : kTensorAlignment;
}

// Position and kind of one section; `end` is where the one before it ends.
static laic_status_t *verifyEntry(const MappedFile &file, const FileHeader &header, const SectionEntry &entry, uint32_t index,
                                  uint64_t end) {
  bool known =
      entry.kind >= static_cast<uint32_t>(SectionKind::Program) && entry.kind <= static_cast<uint32_t>(SectionKind::Code);
  if ((entry.flags & kSectionCritical) && (!known || entry.min_minor > kMinor))
    return fail(LAIC_UNSUPPORTED, "artifact needs a runtime of format %u.%u or newer (section %u, kind %u); this one is %u.%u",
                header.major, entry.min_minor > header.minor ? entry.min_minor : header.minor, index, entry.kind, kMajor, kMinor);
  if (header.minor <= kMinor &&
      (entry.flags & ~(kSectionCritical | kSectionLookUp) || !isZero(entry.reserved, sizeof entry.reserved)))
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: reserved fields of section %u are set", index);
  if (entry.offset < end || entry.offset > file.size || entry.length > file.size - entry.offset)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: section %u lies outside the file or overlaps another", index);
  if (entry.offset % alignmentOf(entry.kind) != 0)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: section %u is not aligned to %llu bytes", index,
                static_cast<unsigned long long>(alignmentOf(entry.kind)));
  if (!isZero(file.data + end, entry.offset - end))
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: bytes before section %u are not zero", index);
  return nullptr;
}

laic_status_t *rt::verifyFile(laic_module &module, laic_verify_t level, const uint8_t **program, size_t *programSize) {
  const MappedFile &file = module.file;
  FileHeader header;
  LAIC_TRY(verifyHeader(file, header));
  if (header.minor <= kMinor && !isZero(header.reserved, sizeof header.reserved))
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: reserved fields of the header are set");
  if (!module.sections.allocate(module.allocator, header.section_count))
    return outOfMemory();
  memcpy(static_cast<void *>(module.sections.data()), file.data + sizeof header, header.section_count * sizeof(SectionEntry));

  uint64_t end = sizeof header + header.section_count * sizeof(SectionEntry);
  *program = nullptr;
  for (uint32_t i = 0; i < header.section_count; ++i) {
    const SectionEntry &entry = module.sections[i];
    LAIC_TRY(verifyEntry(file, header, entry, i, end));
    bool weights = entry.kind == static_cast<uint32_t>(SectionKind::Weights);
    if ((!weights || level == LAIC_VERIFY_FULL) && !sameHash(hashOf(file, entry), entry.hash))
      return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: the hash of section %u differs", i);
    if (entry.kind == static_cast<uint32_t>(SectionKind::Program)) {
      if (*program)
        return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: it has two programs");
      *program = file.data + entry.offset;
      *programSize = entry.length;
    }
    end = entry.offset + entry.length;
  }
  if (end != file.size)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: bytes after the last section");
  if (!*program)
    return fail(LAIC_INVALID_ARTIFACT, "artifact is damaged: it has no program");
  return nullptr;
}
