// Writes artifacts: header, section table, the program, then weight and code segments that are streamed once.
#ifndef LAIC_ARTIFACT_WRITER_H
#define LAIC_ARTIFACT_WRITER_H

#include "laic/Artifact/artifact_generated.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace laic {
class AtomicFile;
namespace artifact {

// Where a segment's producer puts its bytes. write and padTo return false once something has failed; a producer may then
// return at once.
class SegmentSink {
public:
  virtual ~SegmentSink() = default;
  virtual bool write(const void *data, size_t size) = 0;
  // Zero bytes up to `offset` from the segment's start.
  virtual bool padTo(uint64_t offset) = 0;
  // Bytes of this segment so far.
  virtual uint64_t position() const = 0;
};

// One weight or code segment. `produce` is called once, in order; it writes at most `length` bytes (zeros fill the rest) and
// returns an error text, empty on success.
struct SegmentSource {
  SegmentKind kind = SegmentKind::Weights;
  uint64_t length = 0;
  std::function<std::string(SegmentSink &)> produce;
  bool lookUp = false; // weights of which a run reads few bytes (kSectionLookUp)
};

// The section that segment i of writeArtifact's list becomes; what Program.segments[i].section must say.
constexpr uint32_t sectionOfSegment(uint32_t segment) { return segment + 1; }

// Writes the artifact whole or not at all. `program` is the finished FlatBuffer (a Program with file identifier "LAIC").
// Returns an error text, empty on success. Equal arguments give equal bytes.
std::string writeArtifact(const std::string &path, const void *program, size_t programSize,
                          const std::vector<SegmentSource> &segments);

// Writes a finished artifact once more, as writeArtifact would have. Returns an error text, empty on success. Bytes that are no artifact are
// written all the same.
std::string copyArtifact(AtomicFile &file, const void *data, size_t size);

// The same as writeArtifact into memory.
std::string serializeArtifact(const void *program, size_t programSize, const std::vector<SegmentSource> &segments,
                              std::vector<uint8_t> &out);

} // namespace artifact
} // namespace laic
#endif
