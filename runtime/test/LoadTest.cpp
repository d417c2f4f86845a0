// Loading: damage of every kind is refused, and so are files from another time.
#include "TestArtifact.h"

#include "laic/Artifact/Format.h"

#include <cstring>
#include <gtest/gtest.h>

using namespace laic;
using namespace laic::test;
using namespace laic::artifact;

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LAIC_TEST_SLOW 1
#endif
#endif
#ifdef LAIC_TEST_SLOW
constexpr size_t kZeroStep = 61; // instrumented hashing is slow: of the zero padding, test every 61st byte only
#else
constexpr size_t kZeroStep = 1;
#endif

FileHeader headerOf(const std::vector<uint8_t> &bytes) {
  FileHeader header;
  memcpy(&header, bytes.data(), sizeof header);
  return header;
}

SectionEntry entryOf(const std::vector<uint8_t> &bytes, size_t index) {
  SectionEntry entry;
  memcpy(&entry, bytes.data() + sizeof(FileHeader) + index * sizeof entry, sizeof entry);
  return entry;
}

void setEntry(std::vector<uint8_t> &bytes, size_t index, const SectionEntry &entry) {
  memcpy(bytes.data() + sizeof(FileHeader) + index * sizeof entry, &entry, sizeof entry);
}

void setHeader(std::vector<uint8_t> &bytes, const FileHeader &header) { memcpy(bytes.data(), &header, sizeof header); }

// Just above 64 KiB: the program fills the first segment's alignment, the code follows.
std::vector<uint8_t> smallest() {
  TestArtifact a;
  const uint32_t x = a.input("x", ElementType::F32, {-1}, {"N"});
  const uint32_t n = a.dim(x, 0);
  const uint32_t y = a.output("y", ElementType::F32, {n});
  const uint32_t in = a.buffer(Storage::Input, x, ElementType::F32, {n});
  const uint32_t out = a.buffer(Storage::Output, y, ElementType::F32, {n});
  a.dispatch(a.kernel("double", test_double), {in, out}, 1, n);
  return a.bytes();
}

TEST(Load, GoodArtifactIsAccepted) {
  EXPECT_EQ(loadBytes(smallest()).message, "");
  EXPECT_EQ(loadBytes(makeAffine().bytes()).message, "");
  EXPECT_EQ(loadBytes(makeAffine().bytes(), LAIC_VERIFY_STRUCTURE).message, "");
}

TEST(Load, EveryTruncationIsRefused) {
  const std::vector<uint8_t> bytes = smallest();
  PageBuffer buffer(bytes);
  laic_module_t *module = nullptr;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Outcome result = outcome(laic_module_load_memory(buffer.data(), size, nullptr, &module));
    ASSERT_EQ(result.code, LAIC_INVALID_ARTIFACT) << size << ": " << result.message;
  }
}

TEST(Load, EveryTruncationWithAFittingHeaderIsRefused) {
  // The header says the shorter size and all hashes agree: the section table or the program must betray it.
  const std::vector<uint8_t> bytes = smallest();
  const SectionEntry program = entryOf(bytes, 0);
  for (size_t size = sizeof(FileHeader) + 2 * sizeof(SectionEntry); size < program.offset + program.length; ++size) {
    std::vector<uint8_t> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
    FileHeader header = headerOf(cut);
    header.file_size = size;
    setHeader(cut, header);
    SectionEntry entry = entryOf(cut, 0);
    entry.length = size > entry.offset ? size - entry.offset : 0;
    setEntry(cut, 0, entry);
    SectionEntry code = entryOf(cut, 1);
    code.kind = 99; // an unknown section that nobody needs
    code.flags = 0;
    code.offset = (size + 63) / 64 * 64;
    code.length = 0;
    cut.resize(code.offset);
    header.file_size = cut.size();
    setHeader(cut, header);
    setEntry(cut, 1, code);
    resign(cut);
    ASSERT_NE(loadBytes(cut).code, LAIC_OK) << size;
  }
}

TEST(Load, EveryBitFlipIsRefused) {
  const std::vector<uint8_t> bytes = smallest();
  const SectionEntry program = entryOf(bytes, 0), code = entryOf(bytes, 1);
  PageBuffer buffer(bytes);
  laic_module_t *module = nullptr;
  for (size_t i = 0; i<bytes.size(); i += i> program.offset + program.length && i < code.offset ? kZeroStep : 1)
    for (int bit = 0; bit < 8; ++bit) {
      buffer.data()[i] ^= static_cast<uint8_t>(1 << bit);
      const Outcome result = outcome(laic_module_load_memory(buffer.data(), bytes.size(), nullptr, &module));
      buffer.data()[i] ^= static_cast<uint8_t>(1 << bit);
      ASSERT_TRUE(result.code == LAIC_INVALID_ARTIFACT || result.code == LAIC_UNSUPPORTED)
          << "byte " << i << " bit " << bit << ": " << result.message;
    }
  EXPECT_EQ(outcome(laic_module_load_memory(buffer.data(), bytes.size(), nullptr, &module)).message, "");
  laic_module_release(module);
}

// With the hashes made to agree again, a flipped bit of the program may mean something else, but it never crashes the reader.
TEST(Load, BitFlipsBehindGoodHashesNeverCrash) {
  const std::vector<uint8_t> bytes = makeAffine().bytes();
  const SectionEntry program = entryOf(bytes, 0);
  size_t accepted = 0;
  for (size_t i = 0; i < program.offset + program.length; ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::vector<uint8_t> changed = bytes;
      changed[i] ^= static_cast<uint8_t>(1 << bit);
      const uint32_t sections = headerOf(changed).section_count;
      if (sections <= 16)
        resign(changed);
      accepted += loadBytes(changed, LAIC_VERIFY_STRUCTURE).code == LAIC_OK;
#ifdef LAIC_TEST_SLOW
      bit += 2;
#endif
    }
  EXPECT_GT(accepted, 0u); // a changed name, for instance
}

TEST(Load, StructureSkipsWeightsAlone) {
  std::vector<uint8_t> bytes = makeAffine().bytes();
  const SectionEntry code = entryOf(bytes, 1), weights = entryOf(bytes, 2);
  ASSERT_EQ(weights.kind, static_cast<uint32_t>(SectionKind::Weights));
  bytes[weights.offset] ^= 1;
  EXPECT_EQ(loadBytes(bytes, LAIC_VERIFY_STRUCTURE).message, "");
  EXPECT_EQ(loadBytes(bytes).message, "artifact is damaged: the hash of section 2 differs");
  bytes[weights.offset] ^= 1;
  bytes[code.offset] ^= 1;
  EXPECT_EQ(loadBytes(bytes, LAIC_VERIFY_STRUCTURE).message, "artifact is damaged: the hash of section 1 differs");
}

TEST(Load, GapsMustBeZero) {
  std::vector<uint8_t> bytes = makeAffine().bytes();
  bytes[entryOf(bytes, 1).offset - 1] = 1;
  resign(bytes);
  EXPECT_EQ(loadBytes(bytes, LAIC_VERIFY_STRUCTURE).message, "artifact is damaged: bytes before section 1 are not zero");
}

TEST(Load, NewerMajorIsRefusedByName) {
  std::vector<uint8_t> bytes = makeAffine().bytes();
  FileHeader header = headerOf(bytes);
  header.major = 2;
  setHeader(bytes, header);
  resign(bytes);
  const Outcome result = loadBytes(bytes);
  EXPECT_EQ(result.code, LAIC_UNSUPPORTED);
  EXPECT_EQ(result.message, "artifact has format 2.1, this runtime reads 1.x; use a newer runtime");
}

TEST(Load, NewerMinorIsReadUnlessASectionIsCritical) {
  std::vector<uint8_t> bytes = makeAffine().bytes();
  // One more section at the end.
  SectionEntry extra = {};
  extra.kind = 77;
  extra.offset = (bytes.size() + 63) / 64 * 64;
  extra.length = 5;
  extra.min_minor = 9;
  FileHeader header = headerOf(bytes);
  const size_t tableEnd = sizeof header + header.section_count * sizeof extra;
  ASSERT_GE(entryOf(bytes, 0).offset, tableEnd);
  // The table grows into the program: move the program to behind everything.
  SectionEntry program = entryOf(bytes, 0);
  std::vector<uint8_t> moved(65536, 0);
  const uint64_t programAt = 64 + 5 * 64;
  memcpy(moved.data() + programAt, bytes.data() + program.offset, program.length);
  moved.insert(moved.end(), bytes.begin() + 65536, bytes.end());
  program.offset = programAt;
  extra.offset = (moved.size() + 63) / 64 * 64;
  moved.resize(extra.offset + extra.length, 7);
  std::fill(moved.begin() + static_cast<std::ptrdiff_t>(bytes.size()), moved.begin() + static_cast<std::ptrdiff_t>(extra.offset),
            0);
  header.minor = 9;
  header.section_count += 1;
  header.file_size = moved.size();
  setHeader(moved, header);
  setEntry(moved, 0, program);
  setEntry(moved, 1, entryOf(bytes, 1));
  setEntry(moved, 2, entryOf(bytes, 2));
  setEntry(moved, 3, extra);
  resign(moved);
  EXPECT_EQ(loadBytes(moved).message, "");

  extra.flags = kSectionCritical;
  setEntry(moved, 3, extra);
  resign(moved);
  const Outcome result = loadBytes(moved);
  EXPECT_EQ(result.code, LAIC_UNSUPPORTED);
  EXPECT_EQ(result.message, "artifact needs a runtime of format 1.9 or newer (section 3, kind 77); this one is 1.1");

  extra.kind = static_cast<uint32_t>(SectionKind::Signature); // reserved: nobody checks signatures yet
  setEntry(moved, 3, extra);
  resign(moved);
  EXPECT_EQ(loadBytes(moved).code, LAIC_UNSUPPORTED);
}

// Sections that lie, each with hashes that agree.
TEST(Load, BadSectionTablesAreRefused) {
  const std::vector<uint8_t> good = makeAffine().bytes();
  struct Case {
    const char *what;
    size_t section;
    void (*change)(SectionEntry &);
  };
  const Case cases[] = {{"beyond the file", 2, [](SectionEntry &e) { e.offset = uint64_t{1} << 40; }},
                        {"length wraps", 2, [](SectionEntry &e) { e.length = UINT64_MAX - e.offset + 2; }},
                        {"overlaps", 2, [](SectionEntry &e) { e.offset = 65536; }},
                        {"inside the table", 0, [](SectionEntry &e) { e.offset = 64; }},
                        {"unaligned segment", 1,
                         [](SectionEntry &e) {
                           e.offset += 64;
                           e.length -= 64;
                         }},
                        {"bytes after the end", 2, [](SectionEntry &e) { e.length -= 1; }},
                        {"reserved bytes", 1, [](SectionEntry &e) { e.reserved[3] = 1; }},
                        {"unknown flag", 1, [](SectionEntry &e) { e.flags |= 1u << 7; }},
                        {"two programs", 1, [](SectionEntry &e) { e.kind = 1; }},
                        {"no program", 0,
                         [](SectionEntry &e) {
                           e.kind = 50;
                           e.flags = 0;
                         }},
                        {"code that is weights", 1, [](SectionEntry &e) { e.kind = 2; }}};
  for (const Case &c : cases) {
    std::vector<uint8_t> bytes = good;
    SectionEntry entry = entryOf(bytes, c.section);
    c.change(entry);
    setEntry(bytes, c.section, entry);
    resign(bytes);
    EXPECT_EQ(loadBytes(bytes).code, LAIC_INVALID_ARTIFACT) << c.what;
  }
  for (uint32_t count : {0u, 1025u, 0xffffffffu}) {
    std::vector<uint8_t> bytes = good;
    FileHeader header = headerOf(bytes);
    header.section_count = count;
    setHeader(bytes, header);
    EXPECT_EQ(loadBytes(bytes).code, LAIC_INVALID_ARTIFACT) << count;
  }
}

TEST(Load, FilesThatAreNoArtifacts) {
  laic_module_t *module = nullptr;
  EXPECT_EQ(outcome(laic_module_load("/nonexistent/model.bin", nullptr, &module)).code, LAIC_IO_ERROR);
  EXPECT_EQ(outcome(laic_module_load("/tmp", nullptr, &module)).code, LAIC_IO_ERROR);
  EXPECT_EQ(outcome(laic_module_load("/dev/zero", nullptr, &module)).code, LAIC_IO_ERROR);
  TemporaryFile empty({});
  EXPECT_EQ(outcome(laic_module_load(empty.path().c_str(), nullptr, &module)).code, LAIC_INVALID_ARTIFACT);
  TemporaryFile text(std::vector<uint8_t>(1000, 'x'));
  EXPECT_EQ(errorOf(laic_module_load(text.path().c_str(), nullptr, &module)), "not a laic artifact: the first bytes are wrong");
}

TEST(Load, MemoryMustStartOnAPage) {
  const std::vector<uint8_t> bytes = makeAffine().bytes();
  std::vector<uint8_t> shifted(bytes.size() + 8192);
  uint8_t *odd = reinterpret_cast<uint8_t *>((reinterpret_cast<uintptr_t>(shifted.data()) + 4095) / 4096 * 4096) + 64;
  memcpy(odd, bytes.data(), bytes.size());
  laic_module_t *module = nullptr;
  EXPECT_EQ(outcome(laic_module_load_memory(odd, bytes.size(), nullptr, &module)).code, LAIC_INVALID_ARGUMENT);
}

} // namespace
