// Element types by number, elements of less than a byte packed, large tensors in a file of their own.
#include "TensorWriter.h"

#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace laic;

namespace {

constexpr unsigned kByte = 8;
constexpr uint64_t kAlignment = 4096; // of tensors in a file, so that they can be mapped

unsigned storedBits(Type element) {
  return element.isInteger(1) ? kByte : element.getIntOrFloatBitWidth(); // a boolean is a byte
}

uint64_t storedSize(ShapedType type) {
  return llvm::divideCeil(static_cast<uint64_t>(type.getNumElements()) * storedBits(type.getElementType()), kByte);
}

// One element per byte becomes several, the first in the lowest bits.
std::vector<char> pack(llvm::ArrayRef<char> codes, unsigned bits) {
  std::vector<char> packed(llvm::divideCeil(codes.size() * bits, kByte));
  for (size_t i = 0; i < codes.size(); ++i)
    packed[i * bits / kByte] |= static_cast<char>((codes[i] & ((1u << bits) - 1)) << (i * bits % kByte));
  return packed;
}

} // namespace

llvm::ArrayRef<char> TensorWriter::bytesOf(const Entry &entry, std::vector<char> &scratch) const {
  llvm::ArrayRef<char> bytes = constantBytes(store, entry.value, scratch);
  assert((!bytes.empty() || entry.size == 0) && "readers of models and of dumps see to the bytes of all weights");
  unsigned bits = storedBits(cast<ShapedType>(cast<TypedAttr>(entry.value).getType()).getElementType());
  if (bits >= kByte)
    return bytes;
  std::vector<char> packed = pack(bytes, bits);
  scratch = std::move(packed);
  return scratch;
}

void TensorWriter::add(onnx_proto::TensorProto &tensor, Attribute value) {
  auto type = cast<ShapedType>(cast<TypedAttr>(value).getType());
  tensor.set_data_type(static_cast<int32_t>(onnxElementCode(type.getElementType())));
  for (int64_t size : type.getShape())
    tensor.add_dims(size);
  if (auto texts = dyn_cast<DenseStringElementsAttr>(value)) {
    for (llvm::StringRef text : texts.getRawStringData())
      tensor.add_string_data(text.str());
    if (texts.isSplat())
      for (int64_t i = 1; i < type.getNumElements(); ++i)
        tensor.add_string_data(texts.getRawStringData().front().str());
    return;
  }
  entries.push_back({&tensor, value, storedSize(type)});
  total += entries.back().size;
}

void TensorWriter::placeInside() {
  std::vector<char> scratch;
  for (const Entry &entry : entries) {
    llvm::ArrayRef<char> bytes = bytesOf(entry, scratch);
    entry.tensor->set_raw_data(bytes.data(), bytes.size());
  }
}

std::string TensorWriter::placeOutside(const std::string &location, const Write &write) {
  std::vector<char> scratch;
  const std::vector<char> zeros(kAlignment);
  uint64_t position = 0;
  auto note = [](onnx_proto::TensorProto &tensor, const char *key, const std::string &value) {
    onnx_proto::StringStringEntryProto *pair = tensor.add_external_data();
    pair->set_key(key);
    pair->set_value(value);
  };
  for (const Entry &entry : entries) {
    llvm::ArrayRef<char> bytes = bytesOf(entry, scratch);
    if (entry.size <= static_cast<uint64_t>(kInlineConstantBytes)) {
      entry.tensor->set_raw_data(bytes.data(), bytes.size());
      continue;
    }
    uint64_t start = llvm::alignTo(position, kAlignment);
    if (std::string problem = write(zeros.data(), start - position); !problem.empty())
      return problem;
    if (std::string problem = write(bytes.data(), bytes.size()); !problem.empty())
      return problem;
    note(*entry.tensor, "location", location);
    note(*entry.tensor, "offset", std::to_string(start));
    note(*entry.tensor, "length", std::to_string(bytes.size()));
    entry.tensor->set_data_location(onnx_proto::TensorProto::EXTERNAL);
    position = start + bytes.size();
  }
  return "";
}
