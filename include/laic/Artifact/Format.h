// The byte layout around the FlatBuffer: header and section table. Shared by compiler and runtime; plain C++11.
//
//   offset 0    FileHeader                      64 bytes
//   offset 64   SectionEntry[section_count]     64 bytes each
//   then the sections, in table order, each on its alignment; bytes between them are zero.
//
// Every byte is covered: header and table by FileHeader::table_hash, sections by their own hashes, gaps must be zero and the
// file must end with the last section.
#ifndef LAIC_ARTIFACT_FORMAT_H
#define LAIC_ARTIFACT_FORMAT_H

#include <cstdint>

namespace laic {
namespace artifact {

constexpr char kMagic[8] = {'L', 'A', 'I', 'C', '\x89', '\r', '\n', '\x1a'};
constexpr uint16_t kMajor = 1;
constexpr uint16_t kMinor = 1;                    // 1: kSectionLookUp
constexpr uint32_t kMaxReadElements = 64;         // of what a Read step reads
constexpr uint64_t kSegmentAlignment = 64 * 1024; // weight and code segments: mappable, importable by a GPU
constexpr uint64_t kTensorAlignment = 64;
constexpr uint32_t kMaxSections = 1024;
constexpr uint32_t kNoScalar = 0xffffffff; // Plan.host_arena_size of a plan without one
constexpr uint32_t kNoDim = 0xffffffff;    // room_dim of what has no room

enum class SectionKind : uint32_t { Program = 1, Weights = 2, Code = 3, Signature = 4 };

constexpr uint32_t kSectionCritical = 1; // a reader that does not know the kind must refuse the file
constexpr uint32_t kSectionLookUp = 2; // tables of whose bytes a run on the host reads few; a loader need not keep them resident

struct FileHeader {
  char magic[8];
  uint16_t major;
  uint16_t minor;
  uint32_t section_count;
  uint64_t file_size;
  uint8_t table_hash[16]; // XXH3-128 (canonical, big endian) of header and table with this field zero
  uint8_t reserved[24];   // zero
};

struct SectionEntry {
  uint32_t kind;
  uint32_t flags;
  uint64_t offset;
  uint64_t length;
  uint8_t hash[16];     // XXH3-128 (canonical) of [offset, offset + length)
  uint32_t min_minor;   // oldest minor version that understands the section
  uint8_t reserved[20]; // zero
};

static_assert(sizeof(FileHeader) == 64, "the header is 64 bytes");
static_assert(sizeof(SectionEntry) == 64, "a section entry is 64 bytes");

} // namespace artifact
} // namespace laic
#endif
