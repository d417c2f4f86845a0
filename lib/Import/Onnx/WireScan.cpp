// A wire-level scan of a serialised ModelProto that leaves large tensor payloads where they lie.
#include "WireScan.h"

#include <climits>

namespace laic {
namespace onnx {

namespace {

// The messages that the scan enters; all others are opaque to it and left to protobuf.
enum class Message : uint8_t { Opaque, Model, Graph, Node, Attribute, Tensor, Sparse, Function, Training };

enum WireType { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

constexpr uint64_t kMostMessages = 4u << 20;
constexpr int kFloatData = 4, kRawData = 9, kDoubleData = 10;

Message childOf(Message parent, int field) {
  switch (parent) {
  case Message::Model:
    return field == 7 ? Message::Graph : field == 20 ? Message::Training : field == 25 ? Message::Function : Message::Opaque;
  case Message::Training:
    return field == 1 || field == 2 ? Message::Graph : Message::Opaque;
  case Message::Function:
    return field == 7 ? Message::Node : field == 11 ? Message::Attribute : Message::Opaque;
  case Message::Graph:
    return field == 1 ? Message::Node : field == 5 ? Message::Tensor : field == 15 ? Message::Sparse : Message::Opaque;
  case Message::Node:
    return field == 5 ? Message::Attribute : Message::Opaque;
  case Message::Attribute:
    if (field == 5 || field == 10)
      return Message::Tensor;
    if (field == 6 || field == 11)
      return Message::Graph;
    return field == 22 || field == 23 ? Message::Sparse : Message::Opaque;
  case Message::Sparse:
    return field == 1 || field == 2 ? Message::Tensor : Message::Opaque;
  default:
    return Message::Opaque;
  }
}

const char *nameOf(Message message) {
  static const char *const names[] = {"?",           "ModelProto",        "GraphProto",    "NodeProto",        "AttributeProto",
                                      "TensorProto", "SparseTensorProto", "FunctionProto", "TrainingInfoProto"};
  return names[static_cast<int>(message)];
}

struct Field {
  int number;
  int wireType;
  uint64_t start;  // of the tag
  uint64_t body;   // of the value; after the length for Bytes
  uint64_t end;    // one past the value
  int lengthWidth; // bytes of the length varint, Bytes only
};

class Scanner {
public:
  Scanner(const uint8_t *data, Skeleton &out, std::string &problem) : data(data), out(out), problem(problem) {}

  bool message(Message kind, uint64_t begin, uint64_t end, int depth);

private:
  bool fail(uint64_t at, const std::string &what) {
    problem = "at byte " + std::to_string(at) + ": " + what;
    return false;
  }
  bool varint(uint64_t &at, uint64_t end, uint64_t &value);
  bool field(Message kind, uint64_t &at, uint64_t end, Field &result);
  bool tensor(uint64_t begin, uint64_t end);
  bool nested(Message kind, const Field &f, int depth);
  void copy(uint64_t begin, uint64_t end) { out.bytes.append(reinterpret_cast<const char *>(data + begin), end - begin); }
  void appendVarint(uint64_t value);

  const uint8_t *data;
  Skeleton &out;
  std::string &problem;
  uint64_t messages = 0;
};

bool Scanner::varint(uint64_t &at, uint64_t end, uint64_t &value) {
  value = 0;
  uint64_t start = at;
  for (int shift = 0; shift < 70; shift += 7) {
    if (at == end)
      return fail(start, "the file ends inside a number");
    uint8_t byte = data[at++];
    value |= shift < 64 ? static_cast<uint64_t>(byte & 0x7F) << shift : 0;
    if (!(byte & 0x80))
      return true;
  }
  return fail(start, "a number is longer than ten bytes");
}

bool Scanner::field(Message kind, uint64_t &at, uint64_t end, Field &f) {
  f.start = at;
  uint64_t tag = 0, value = 0;
  if (!varint(at, end, tag))
    return false;
  if (tag >> 3 == 0 || tag > UINT32_MAX)
    return fail(f.start, std::string("no field number in ") + nameOf(kind));
  f.number = static_cast<int>(tag >> 3);
  f.wireType = static_cast<int>(tag & 7);
  f.body = at;
  f.lengthWidth = 0;
  switch (f.wireType) {
  case Varint:
    if (!varint(at, end, value))
      return false;
    break;
  case Fixed64:
  case Fixed32:
    value = f.wireType == Fixed64 ? 8 : 4;
    if (value > end - at)
      return fail(f.start, std::string("a number of ") + nameOf(kind) + " ends beyond its message");
    at += value;
    break;
  case Bytes:
    if (!varint(at, end, value))
      return false;
    if (value > end - at)
      return fail(f.start, "field " + std::to_string(f.number) + " of " + nameOf(kind) + " has length " + std::to_string(value) +
                               ", but only " + std::to_string(end - at) + " bytes are left");
    f.lengthWidth = static_cast<int>(at - f.body);
    f.body = at;
    at += value;
    break;
  default:
    return fail(f.start, "field " + std::to_string(f.number) + " of " + nameOf(kind) + " has the unknown wire type " +
                             std::to_string(f.wireType));
  }
  f.end = at;
  return true;
}

void Scanner::appendVarint(uint64_t value) {
  for (; value > 0x7F; value >>= 7)
    out.bytes.push_back(static_cast<char>(value | 0x80));
  out.bytes.push_back(static_cast<char>(value));
}

// Copies a tensor without its large payload. A carrier that comes in several pieces is left to protobuf,
// which joins them.
bool Scanner::tensor(uint64_t begin, uint64_t end) {
  Field f;
  int pieces[kDoubleData + 1] = {};
  for (uint64_t at = begin; at < end;) {
    if (!field(Message::Tensor, at, end, f))
      return false;
    if (f.number <= kDoubleData)
      ++pieces[f.number];
  }
  if (pieces[kRawData] > 1)
    return fail(begin, "a TensorProto has raw_data twice");
  for (uint64_t at = begin; at < end;) {
    if (!field(Message::Tensor, at, end, f))
      return false;
    uint64_t size = f.end - f.body;
    uint64_t unit = f.number == kRawData ? 1 : f.number == kFloatData ? 4 : f.number == kDoubleData ? 8 : 0;
    bool isPayload = unit && f.wireType == Bytes && size > kPayloadThreshold && size % unit == 0 && pieces[f.number] == 1;
    if (isPayload) {
      appendVarint(static_cast<uint64_t>(kMarkerField) << 3 | Varint);
      appendVarint(out.payloads.size());
      out.payloads.push_back({f.number, f.body, size});
    } else if (f.number != kMarkerField) {
      copy(f.start, f.end);
    }
  }
  return true;
}

// Copies tag and length, then the message; the length is patched to what is left, in as many bytes as it had.
bool Scanner::nested(Message kind, const Field &f, int depth) {
  int width = f.lengthWidth < 5 ? f.lengthWidth : 5;
  copy(f.start, f.body - f.lengthWidth);
  size_t patch = out.bytes.size();
  out.bytes.append(width, '\0');
  if (!message(kind, f.body, f.end, depth))
    return false;
  uint64_t length = out.bytes.size() - patch - width;
  if (length > INT_MAX)
    return fail(f.start, std::string(nameOf(kind)) + " holds more than 2 GiB besides large tensors");
  for (int i = 0; i < width; ++i, length >>= 7)
    out.bytes[patch + i] = static_cast<char>((length & 0x7F) | (i + 1 < width ? 0x80 : 0));
  return true;
}

bool Scanner::message(Message kind, uint64_t begin, uint64_t end, int depth) {
  if (depth > kDeepestMessage)
    return fail(begin, "messages nest deeper than " + std::to_string(kDeepestMessage) + " levels");
  if (kind == Message::Tensor)
    return tensor(begin, end);
  Field f;
  for (uint64_t at = begin; at < end;) {
    if (!field(kind, at, end, f))
      return false;
    if (f.wireType != Bytes) {
      copy(f.start, f.end);
      continue;
    }
    if (++messages > kMostMessages)
      return fail(f.start, "more than " + std::to_string(kMostMessages) + " fields");
    Message child = childOf(kind, f.number);
    if (child == Message::Opaque)
      copy(f.start, f.end);
    else if (!nested(child, f, depth + 1))
      return false;
    if (out.bytes.size() > INT_MAX)
      return fail(f.start, "the model holds more than 2 GiB besides large tensors");
  }
  return true;
}

} // namespace

bool scanModel(const uint8_t *data, uint64_t size, Skeleton &skeleton, std::string &problem) {
  return Scanner(data, skeleton, problem).message(Message::Model, 0, size, 0);
}

} // namespace onnx
} // namespace laic
