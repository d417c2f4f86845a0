// A wire-level scan of a serialised ModelProto that leaves large tensor payloads where they lie.
//
// The scan follows the messages that can hold a tensor and copies everything else into a `skeleton`, which
// protobuf can parse cheaply: every payload above kPayloadThreshold is cut out and a marker field takes its
// place. Lengths are checked against the enclosing message, nesting and the number of messages are bounded,
// so that hostile bytes cost neither stack nor memory.
#ifndef LAIC_LIB_IMPORT_ONNX_WIRESCAN_H
#define LAIC_LIB_IMPORT_ONNX_WIRESCAN_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace laic {
namespace onnx {

constexpr uint64_t kPayloadThreshold = 1024;
// A varint field of TensorProto that no version of the standard uses: index into Skeleton::payloads.
constexpr int kMarkerField = 60000;
// Deepest nesting of messages: thirty levels of subgraphs.
constexpr int kDeepestMessage = 96;

struct Payload {
  int field;       // raw_data, float_data or double_data
  uint64_t offset; // in the scanned bytes
  uint64_t size;
};

struct Skeleton {
  std::string bytes;
  std::vector<Payload> payloads;
};

// Returns false and says what is wrong and where ("at byte 17: ...") when the bytes are no well-formed model.
bool scanModel(const uint8_t *data, uint64_t size, Skeleton &skeleton, std::string &problem);

} // namespace onnx
} // namespace laic
#endif
