// Turns TensorProto and SparseTensorProto into Tensor.
#include "TensorReader.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace laic {
namespace onnx {

using onnx_proto::SparseTensorProto;
using onnx_proto::TensorProto;

namespace {
constexpr uint64_t kMostDenseBytes = 1u << 30; // for all sparse tensors of a model together
constexpr int kFloatData = 4, kDoubleData = 10;
} // namespace

static std::string shapeText(const std::vector<int64_t> &dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size() && i < 16; ++i)
    text += (i ? "," : "") + std::to_string(dims[i]);
  return text + (dims.size() > 16 ? ",...]" : "]");
}

static std::string typeText(const Tensor &tensor) { return dataTypeName(tensor.type) + shapeText(tensor.dims); }

static uint64_t bytesFor(uint64_t count, DataType type) { return (count * dataTypeBits(type) + 7) / 8; }

bool countElements(const std::vector<int64_t> &dims, DataType type, uint64_t &count) {
  int64_t product = std::max(1u, dataTypeBits(type));
  bool zero = false;
  count = 1;
  for (int64_t dim : dims) {
    if (dim < 0 || (dim > 0 && __builtin_mul_overflow(product, dim, &product)))
      return false;
    zero |= dim == 0;
    count *= static_cast<uint64_t>(dim);
  }
  if (zero)
    count = 0;
  return true;
}

void TensorReader::adopt(Tensor &tensor, std::vector<uint8_t> bytes) {
  storage.owned.push_back(std::move(bytes));
  tensor.data = storage.owned.back().data();
  tensor.size = storage.owned.back().size();
  tensor.file.clear();
  tensor.offset = 0;
}

std::shared_ptr<Tensor> TensorReader::own(DataType type, std::vector<int64_t> dims, std::vector<uint8_t> bytes) {
  auto tensor = std::make_shared<Tensor>();
  tensor->type = type;
  tensor->dims = std::move(dims);
  adopt(*tensor, std::move(bytes));
  return tensor;
}

const Payload *TensorReader::payload(const TensorProto &proto) const {
  const auto &unknown = proto.unknown_fields();
  for (int i = 0; i < unknown.field_count(); ++i) {
    const auto &field = unknown.field(i);
    if (field.number() == kMarkerField && field.type() == google::protobuf::UnknownField::TYPE_VARINT &&
        field.varint() < source.payloads->size())
      return &(*source.payloads)[field.varint()];
  }
  return nullptr;
}

// The number of carriers that hold elements.
static int carriers(const TensorProto &proto, const Payload *payload) {
  return (payload != nullptr) + proto.has_raw_data() + (proto.float_data_size() > 0) + (proto.int32_data_size() > 0) +
         (proto.string_data_size() > 0) + (proto.int64_data_size() > 0) + (proto.double_data_size() > 0) +
         (proto.uint64_data_size() > 0);
}

bool TensorReader::convertHeader(const TensorProto &proto, const std::string &where, Tensor &tensor, uint64_t &count) {
  tensor.name = proto.name();
  if (proto.data_type() <= 0 || proto.data_type() > static_cast<int>(DataType::F6E3M2))
    return reporter.error(where + ": unknown data type " + std::to_string(proto.data_type()),
                          "types 1 (f32) to 28 (f6E3M2) are known; export the model with one of them");
  tensor.type = static_cast<DataType>(proto.data_type());
  tensor.dims.assign(proto.dims().begin(), proto.dims().end());
  for (int64_t dim : tensor.dims)
    if (dim < 0)
      return reporter.error(where + ": dims " + shapeText(tensor.dims) + " hold a negative number",
                            "the dims of a constant are known sizes; export the model again");
  if (!countElements(tensor.dims, tensor.type, count))
    return reporter.error(where + ": dims " + shapeText(tensor.dims) + " name more elements than any memory holds",
                          "export the model again");
  if (proto.has_segment())
    return reporter.error(where + ": is stored in segments", "no exporter is known to write segments; save the tensor whole");
  const auto &unknown = proto.unknown_fields();
  for (int i = 0; i < unknown.field_count(); ++i)
    if (unknown.field(i).number() == TensorProto::kDataLocationFieldNumber)
      return reporter.error(where + ": unknown data_location", "expects DEFAULT (0) or EXTERNAL (1)");
  return true;
}

std::shared_ptr<Tensor> TensorReader::read(const TensorProto &proto, const std::string &where) {
  auto inserted = done.try_emplace(&proto);
  if (inserted.second)
    inserted.first->second = convert(proto, where);
  return inserted.first->second;
}

std::shared_ptr<Tensor> TensorReader::convert(const TensorProto &proto, const std::string &where) {
  auto tensor = std::make_shared<Tensor>();
  uint64_t count = 0;
  if (!convertHeader(proto, where, *tensor, count))
    return nullptr;
  uint64_t bytes = tensor->type == DataType::String ? 0 : bytesFor(count, tensor->type);
  const Payload *cut = payload(proto);
  int given = carriers(proto, cut);
  bool isExternal = proto.data_location() == TensorProto::EXTERNAL;
  if (given + isExternal > 1) {
    reporter.error(where + ": its data is given more than once",
                   "expects one of raw_data, external_data and the list for its type; save the model again");
    return nullptr;
  }
  bool ok = true;
  if (isExternal) {
    ok = readExternal(proto, where, bytes, *tensor);
  } else if (!given && count > 0) {
    if (missing++ == 0)
      firstMissing = where + ": " + typeText(*tensor) + " has no data";
    return nullptr;
  } else if (proto.has_raw_data() || (cut && cut->field != kFloatData && cut->field != kDoubleData)) {
    ok = readRaw(proto, where, bytes, *tensor);
  } else {
    ok = readTyped(proto, where, count, *tensor);
  }
  ok = ok && (tensor->type != DataType::Bool || checkBool(where, *tensor));
  return ok ? tensor : nullptr;
}

void TensorReader::reportMissing() {
  if (missing)
    reporter.error(firstMissing + (missing > 1 ? "; nor have " + std::to_string(missing - 1) + " other tensors" : ""),
                   "the file is a skeleton without weights; save the model with its tensors");
}

bool TensorReader::readRaw(const TensorProto &proto, const std::string &where, uint64_t bytes, Tensor &tensor) {
  const Payload *cut = payload(proto);
  uint64_t size = cut ? cut->size : proto.raw_data().size();
  if (tensor.type == DataType::String)
    return reporter.error(where + ": strings in raw_data", "expects string_data; save the model again");
  if (size != bytes)
    return reporter.error(where + ": raw_data of " + std::to_string(size) + " bytes, but " + typeText(tensor) + " takes " +
                              std::to_string(bytes),
                          "the file is damaged or its dims are wrong; save the model again");
  if (!cut) {
    adopt(tensor, std::vector<uint8_t>(proto.raw_data().begin(), proto.raw_data().end()));
    return true;
  }
  tensor.data = source.data + cut->offset;
  tensor.size = size;
  tensor.file = source.file;
  tensor.offset = source.file.empty() ? 0 : cut->offset;
  return true;
}

// Exactly a non-negative decimal number that fits.
static bool parseNumber(const std::string &text, uint64_t &value) {
  value = 0;
  for (char c : text)
    if (c < '0' || c > '9' || __builtin_mul_overflow(value, uint64_t(10), &value) ||
        __builtin_add_overflow(value, uint64_t(c - '0'), &value))
      return false;
  return !text.empty();
}

bool TensorReader::readExternal(const TensorProto &proto, const std::string &where, uint64_t bytes, Tensor &tensor) {
  if (tensor.type == DataType::String)
    return reporter.error(where + ": strings in external data", "expects string_data; save the model again");
  std::map<std::string, std::string> entries;
  for (const auto &entry : proto.external_data()) {
    static const std::set<std::string> known = {"location", "offset", "length", "checksum", "basepath"};
    if (!known.count(entry.key()))
      return reporter.error(where + ": external data has the unknown key '" + printable(entry.key()) + "'",
                            "expects location, offset, length and checksum");
    if (!entries.emplace(entry.key(), entry.value()).second)
      return reporter.error(where + ": external data has the key '" + entry.key() + "' twice", "save the model again");
  }
  if (!entries.count("location"))
    return reporter.error(where + ": external data names no location", "save the model again");
  uint64_t offset = 0, length = bytes;
  for (auto wanted : {std::make_pair("offset", &offset), std::make_pair("length", &length)})
    if (entries.count(wanted.first) && !parseNumber(entries[wanted.first], *wanted.second))
      return reporter.error(where + ": external data has the " + wanted.first + " '" + printable(entries[wanted.first]) + "'",
                            "expects a decimal number of bytes");
  if (length != bytes)
    return reporter.error(where + ": external data of " + std::to_string(length) + " bytes, but " + typeText(tensor) + " takes " +
                              std::to_string(bytes),
                          "the model and its data do not belong together; save the model again");
  std::string problem, note;
  const std::string &location = entries["location"];
  const ExternalFile *file = external.find(location, problem, note);
  if (!file)
    return reporter.error(where + ": external data '" + printable(location) + "' " + problem, note);
  uint64_t size = file->mapping->size();
  if (offset > size || length > size - offset)
    return reporter.error(where + ": external data '" + printable(location) + "' has " + std::to_string(size) + " bytes, but " +
                              std::to_string(length) + " at offset " + std::to_string(offset) + " are asked for",
                          "the external file is truncated or belongs to another model");
  tensor.data = file->mapping->data() + offset;
  tensor.size = length;
  tensor.file = file->path;
  tensor.offset = offset;
  return true;
}

template <typename Value, typename List> static std::vector<uint8_t> packed(const List &list) {
  std::vector<uint8_t> bytes(list.size() * sizeof(Value));
  for (int i = 0; i < list.size(); ++i) {
    Value value = static_cast<Value>(list.Get(i));
    memcpy(bytes.data() + i * sizeof(Value), &value, sizeof(Value));
  }
  return bytes;
}

bool TensorReader::readTyped(const TensorProto &proto, const std::string &where, uint64_t count, Tensor &tensor) {
  auto expect = [&](const char *carrier, uint64_t wanted, uint64_t came) {
    if (came == wanted)
      return true;
    return reporter.error(where + ": " + typeText(tensor) + " takes " + std::to_string(wanted) + " entries of " + carrier +
                              ", got " + std::to_string(came),
                          "the file is damaged or its dims are wrong; save the model again");
  };
  const Payload *cut = payload(proto);
  bool isFloat = tensor.type == DataType::F32 || tensor.type == DataType::C64;
  if (cut && cut->field != (isFloat ? kFloatData : kDoubleData))
    cut = nullptr; // a list for another type: its elements are missing here
  bool isComplex = tensor.type == DataType::C64 || tensor.type == DataType::C128;
  uint64_t entries = count * (isComplex ? 2 : 1);
  switch (tensor.type) {
  case DataType::F32:
  case DataType::C64:
    if (!expect("float_data", entries, cut ? cut->size / 4 : proto.float_data_size()))
      return false;
    if (!cut)
      adopt(tensor, packed<float>(proto.float_data()));
    break;
  case DataType::F64:
  case DataType::C128:
    if (!expect("double_data", entries, cut ? cut->size / 8 : proto.double_data_size()))
      return false;
    if (!cut)
      adopt(tensor, packed<double>(proto.double_data()));
    break;
  case DataType::I64:
    if (!expect("int64_data", entries, proto.int64_data_size()))
      return false;
    adopt(tensor, packed<int64_t>(proto.int64_data()));
    return true;
  case DataType::U64:
  case DataType::U32:
    if (!expect("uint64_data", entries, proto.uint64_data_size()))
      return false;
    adopt(tensor, tensor.type == DataType::U64 ? packed<uint64_t>(proto.uint64_data()) : packed<uint32_t>(proto.uint64_data()));
    return true;
  case DataType::String:
    if (!expect("string_data", entries, proto.string_data_size()))
      return false;
    tensor.strings.assign(proto.string_data().begin(), proto.string_data().end());
    return true;
  default:
    return readInt32Data(proto, where, count, tensor);
  }
  if (cut) { // packed float_data and double_data have the bytes of raw_data
    tensor.data = source.data + cut->offset;
    tensor.size = cut->size;
    tensor.file = source.file;
    tensor.offset = source.file.empty() ? 0 : cut->offset;
  }
  return true;
}

// Six bits per element, four elements in three bytes, the first in the lowest bits.
static std::vector<uint8_t> packSixBits(const google::protobuf::RepeatedField<int32_t> &list) {
  std::vector<uint8_t> bytes((static_cast<size_t>(list.size()) * 6 + 7) / 8);
  for (int i = 0; i < list.size(); ++i) {
    size_t bit = static_cast<size_t>(i) * 6;
    unsigned value = (static_cast<unsigned>(list.Get(i)) & 63) << (bit % 8);
    bytes[bit / 8] |= static_cast<uint8_t>(value);
    if (value > 255)
      bytes[bit / 8 + 1] |= static_cast<uint8_t>(value >> 8);
  }
  return bytes;
}

// int32_data holds everything of at most 32 bits: one element per entry, but two (or four) 4-bit (2-bit)
// elements per entry.
bool TensorReader::readInt32Data(const TensorProto &proto, const std::string &where, uint64_t count, Tensor &tensor) {
  const auto &list = proto.int32_data();
  unsigned bits = dataTypeBits(tensor.type);
  uint64_t entries = bits == 4 ? count / 2 + count % 2 : bits == 2 ? count / 4 + (count % 4 != 0) : count;
  if (static_cast<uint64_t>(list.size()) != entries)
    return reporter.error(where + ": " + typeText(tensor) + " takes " + std::to_string(entries) + " entries of int32_data, got " +
                              std::to_string(list.size()),
                          "the file is damaged or its dims are wrong; save the model again");
  bool isSigned = tensor.type == DataType::I8 || tensor.type == DataType::I16 || bits < 8;
  unsigned width = bits < 8 ? (bits == 6 ? 6 : 8) : bits;
  if (width < 32) {
    int32_t lowest = isSigned ? -(1 << (width - 1)) : 0;
    int32_t highest = tensor.type == DataType::I8 || tensor.type == DataType::I16 ? (1 << (width - 1)) - 1 : (1 << width) - 1;
    for (int32_t value : list)
      if (value < lowest || value > highest)
        return reporter.error(where + ": " + std::to_string(value) + " in int32_data is no " + dataTypeName(tensor.type),
                              "expects values from " + std::to_string(lowest) + " to " + std::to_string(highest));
  }
  if (bits == 6)
    adopt(tensor, packSixBits(list));
  else if (bits == 32)
    adopt(tensor, packed<int32_t>(list));
  else if (bits == 16)
    adopt(tensor, packed<uint16_t>(list));
  else
    adopt(tensor, packed<uint8_t>(list));
  return true;
}

// Kernels rely on 0 and 1; other non-zero bytes become 1.
bool TensorReader::checkBool(const std::string &where, Tensor &tensor) {
  if (std::all_of(tensor.data, tensor.data + tensor.size, [](uint8_t b) { return b <= 1; }))
    return true;
  std::vector<uint8_t> bytes(tensor.data, tensor.data + tensor.size);
  for (uint8_t &b : bytes)
    b = b != 0;
  adopt(tensor, std::move(bytes));
  return true;
}

std::shared_ptr<Tensor> TensorReader::readSparse(const SparseTensorProto &proto, const std::string &where) {
  auto cached = done.find(&proto);
  if (cached != done.end())
    return cached->second;
  auto refuse = [&](const std::string &what, const std::string &note) {
    reporter.error(where + ": " + what, note);
    return nullptr;
  };
  std::shared_ptr<Tensor> values = read(proto.values(), where + ": values");
  std::shared_ptr<Tensor> indices = values ? read(proto.indices(), where + ": indices") : nullptr;
  if (!indices)
    return nullptr;
  std::vector<int64_t> dims(proto.dims().begin(), proto.dims().end());
  size_t rank = dims.size();
  unsigned bits = dataTypeBits(values->type);
  uint64_t total = 0;
  if (bits < 8)
    return refuse(std::string("sparse tensor of ") + dataTypeName(values->type),
                  "expects elements of whole bytes; save it dense");
  if (!countElements(dims, values->type, total) || total * (bits / 8) > kMostDenseBytes - densified)
    return refuse("sparse tensor " + shapeText(dims) + " is too large to be expanded",
                  "the sparse tensors of a model may take 1 GiB when dense; store large ones dense, in external data");
  int64_t stored = values->dims.size() == 1 ? values->dims[0] : -1;
  bool isLinear = indices->dims.size() == 1 && indices->dims[0] == stored;
  bool isPerAxis = indices->dims.size() == 2 && indices->dims[0] == stored && indices->dims[1] == static_cast<int64_t>(rank);
  if (stored < 0 || indices->type != DataType::I64 || !(isLinear || isPerAxis))
    return refuse("sparse tensor with values " + typeText(*values) + " and indices " + typeText(*indices),
                  "expects values [n] and i64 indices [n] or [n," + std::to_string(rank) + "]");
  size_t width = bits / 8;
  std::vector<uint8_t> bytes(total * width);
  for (int64_t i = 0; i < stored; ++i) {
    int64_t linear = 0;
    size_t parts = isLinear ? 1 : rank;
    for (size_t axis = 0; axis < parts; ++axis) {
      int64_t index, extent = isLinear ? static_cast<int64_t>(total) : dims[axis];
      memcpy(&index, indices->data + (static_cast<size_t>(i) * parts + axis) * 8, 8);
      if (index < 0 || index >= extent)
        return refuse("sparse index " + std::to_string(index) + " lies outside 0 to " + std::to_string(extent - 1),
                      "save the model again");
      linear = linear * extent + index;
    }
    memcpy(bytes.data() + static_cast<size_t>(linear) * width, values->data + static_cast<size_t>(i) * width, width);
  }
  densified += bytes.size();
  std::shared_ptr<Tensor> dense = own(values->type, std::move(dims), std::move(bytes));
  dense->name = values->name;
  done[&proto] = dense;
  return dense;
}

} // namespace onnx
} // namespace laic
