// Lays out and hashes an artifact in one pass over its bytes; header and table follow once the hashes are known.
#include "laic/Artifact/Writer.h"

#include "laic/Artifact/Format.h"
#include "laic/Support/AtomicFile.h"

#define XXH_INLINE_ALL
#include "xxhash.h"

#include <algorithm>
#include <cstring>

using namespace laic;
using namespace laic::artifact;

namespace {

// A seekable destination: a file or memory.
class Output {
public:
  virtual ~Output() = default;
  virtual std::string append(const void *data, size_t size) = 0;
  virtual std::string patch(uint64_t offset, const void *data, size_t size) = 0;
};

class FileOutput : public Output {
public:
  explicit FileOutput(AtomicFile &file) : file(file) {}
  std::string append(const void *data, size_t size) override { return file.write(data, size); }
  std::string patch(uint64_t offset, const void *data, size_t size) override { return file.writeAt(offset, data, size); }

private:
  AtomicFile &file;
};

class MemoryOutput : public Output {
public:
  explicit MemoryOutput(std::vector<uint8_t> &bytes) : bytes(bytes) {}
  std::string append(const void *data, size_t size) override {
    const uint8_t *begin = static_cast<const uint8_t *>(data);
    bytes.insert(bytes.end(), begin, begin + size);
    return std::string();
  }
  std::string patch(uint64_t offset, const void *data, size_t size) override {
    memcpy(bytes.data() + offset, data, size);
    return std::string();
  }

private:
  std::vector<uint8_t> &bytes;
};

void storeHash(XXH128_hash_t hash, uint8_t out[16]) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  memcpy(out, canonical.digest, 16);
}

uint64_t alignUp(uint64_t value, uint64_t alignment) { return (value + alignment - 1) / alignment * alignment; }

std::string appendZeros(Output &output, uint64_t count) {
  static const uint8_t zeros[4096] = {};
  while (count > 0) {
    size_t chunk = static_cast<size_t>(std::min<uint64_t>(count, sizeof zeros));
    std::string error = output.append(zeros, chunk);
    if (!error.empty())
      return error;
    count -= chunk;
  }
  return std::string();
}

// Linux caches together, and maps together, what one call wrote. What is read wholly likes that, rows of tables do not.
uint64_t pieceOf(const SectionEntry &entry) {
  constexpr uint64_t kRows = 64 * 1024;
  return entry.flags & kSectionLookUp ? kRows : UINT64_MAX;
}

std::string appendInPieces(Output &output, const void *data, size_t size, uint64_t piece) {
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  std::string error;
  while (size > 0 && error.empty()) {
    const size_t now = static_cast<size_t>(std::min<uint64_t>(size, piece));
    error = output.append(bytes, now);
    bytes += now;
    size -= now;
  }
  return error;
}

// Hashes and forwards the bytes of one section; refuses more than it has.
class SectionSink : public SegmentSink {
public:
  SectionSink(Output &output, const SectionEntry &entry) : output(output), limit(entry.length), piece(pieceOf(entry)) {
    XXH3_128bits_reset(&state);
  }

  bool write(const void *data, size_t size) override {
    if (!error.empty())
      return false;
    if (size > limit - written) {
      error = "a segment of " + std::to_string(limit) + " bytes was given more data than it declared";
      return false;
    }
    XXH3_128bits_update(&state, data, size);
    written += size;
    error = appendInPieces(output, data, size, piece);
    return error.empty();
  }

  bool padTo(uint64_t offset) override {
    static const uint8_t zeros[4096] = {};
    while (written < offset)
      if (!write(zeros, static_cast<size_t>(std::min<uint64_t>(offset - written, sizeof zeros))))
        return false;
    return true;
  }

  uint64_t position() const override { return written; }
  void finish(uint8_t hash[16]) { storeHash(XXH3_128bits_digest(&state), hash); }

  std::string error;

private:
  Output &output;
  uint64_t limit, piece;
  uint64_t written = 0;
  XXH3_state_t state;
};

// Offsets and kinds of all sections; hashes still zero.
std::vector<SectionEntry> layOut(size_t programSize, const std::vector<SegmentSource> &segments) {
  std::vector<SectionEntry> table(1 + segments.size());
  memset(static_cast<void *>(table.data()), 0, table.size() * sizeof(SectionEntry));
  uint64_t end = sizeof(FileHeader) + table.size() * sizeof(SectionEntry);
  for (size_t i = 0; i < table.size(); ++i) {
    SectionEntry &entry = table[i];
    entry.flags = kSectionCritical;
    if (i == 0) {
      entry.kind = static_cast<uint32_t>(SectionKind::Program);
      entry.offset = alignUp(end, kTensorAlignment);
      entry.length = programSize;
    } else {
      bool code = segments[i - 1].kind == SegmentKind::Code;
      entry.kind = static_cast<uint32_t>(code ? SectionKind::Code : SectionKind::Weights);
      entry.offset = alignUp(end, kSegmentAlignment);
      entry.length = segments[i - 1].length;
      entry.flags |= segments[i - 1].lookUp ? kSectionLookUp : 0;
    }
    end = entry.offset + entry.length;
  }
  return table;
}

std::string emitSection(Output &output, SectionEntry &entry, const void *program, const SegmentSource *segment) {
  SectionSink sink(output, entry);
  if (!segment) {
    sink.write(program, entry.length);
  } else {
    std::string error = segment->produce ? segment->produce(sink) : std::string();
    if (!error.empty())
      return error;
    sink.padTo(entry.length);
  }
  sink.finish(entry.hash);
  return sink.error;
}

std::string emitArtifact(Output &output, const void *program, size_t programSize, const std::vector<SegmentSource> &segments) {
  if (segments.size() + 1 > kMaxSections)
    return "an artifact holds at most " + std::to_string(kMaxSections - 1) + " segments, got " + std::to_string(segments.size());
  std::vector<SectionEntry> table = layOut(programSize, segments);
  const size_t tableBytes = table.size() * sizeof(SectionEntry);
  uint64_t position = 0;
  for (size_t i = 0; i < table.size(); ++i) {
    std::string error = appendZeros(output, table[i].offset - position);
    if (error.empty())
      error = emitSection(output, table[i], program, i == 0 ? nullptr : &segments[i - 1]);
    if (!error.empty())
      return error;
    position = table[i].offset + table[i].length;
  }

  std::vector<uint8_t> head(sizeof(FileHeader) + tableBytes);
  FileHeader header;
  memset(&header, 0, sizeof header);
  memcpy(header.magic, kMagic, sizeof kMagic);
  header.major = kMajor;
  header.minor = kMinor;
  header.section_count = static_cast<uint32_t>(table.size());
  header.file_size = position;
  memcpy(head.data(), &header, sizeof header);
  memcpy(head.data() + sizeof header, table.data(), tableBytes);
  storeHash(XXH3_128bits(head.data(), head.size()), header.table_hash);
  memcpy(head.data(), &header, sizeof header);
  return output.patch(0, head.data(), head.size());
}

} // namespace

std::string artifact::writeArtifact(const std::string &path, const void *program, size_t programSize,
                                    const std::vector<SegmentSource> &segments) {
  AtomicFile file;
  std::string error = file.open(path);
  if (!error.empty())
    return error;
  FileOutput output(file);
  error = emitArtifact(output, program, programSize, segments);
  return error.empty() ? file.commit() : error;
}

std::string artifact::copyArtifact(AtomicFile &file, const void *data, size_t size) {
  const uint8_t *bytes = static_cast<const uint8_t *>(data);
  FileOutput output(file);
  if (size < sizeof(FileHeader))
    return output.append(bytes, size);
  FileHeader header;
  uint64_t done = 0;
  memcpy(&header, bytes, sizeof header);
  for (uint64_t i = 0; i < header.section_count; ++i) {
    SectionEntry entry;
    const uint64_t at = sizeof header + i * sizeof entry;
    if (at + sizeof entry > size)
      break;
    memcpy(&entry, bytes + at, sizeof entry);
    if (entry.offset < done || entry.offset > size || entry.length > size - entry.offset)
      break;
    std::string error = output.append(bytes + done, entry.offset - done);
    if (error.empty())
      error = appendInPieces(output, bytes + entry.offset, entry.length, pieceOf(entry));
    if (!error.empty())
      return error;
    done = entry.offset + entry.length;
  }
  return output.append(bytes + done, size - done);
}

std::string artifact::serializeArtifact(const void *program, size_t programSize, const std::vector<SegmentSource> &segments,
                                        std::vector<uint8_t> &out) {
  out.clear();
  MemoryOutput output(out);
  return emitArtifact(output, program, programSize, segments);
}
