// Large constants: registration and lookup of their bytes.
#include "laic/Dialect/Laic/WeightStore.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

using namespace mlir;
using namespace laic;

void WeightStore::addSource(llvm::StringRef source, llvm::ArrayRef<char> bytes, std::shared_ptr<void> keepAlive, bool mapped) {
  std::lock_guard<std::mutex> lock(mutex);
  sources[source] = {bytes, std::move(keepAlive), mapped};
}

WeightAttr WeightStore::addOwned(std::vector<char> bytes, RankedTensorType type) {
  auto owner = std::make_shared<std::vector<char>>(std::move(bytes));
  llvm::ArrayRef<char> view(owner->data(), owner->size());
  std::lock_guard<std::mutex> lock(mutex);
  std::string name = ("spill:" + llvm::Twine(owned++)).str();
  sources[name] = {view, owner, false};
  MLIRContext *ctx = type.getContext();
  return WeightAttr::get(ctx, StringAttr::get(ctx, name), 0, view.size(), type);
}

void WeightStore::release(WeightAttr weight) {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = sources.find(weight.getSource().getValue());
  if (it == sources.end())
    return;
  if (it->getKey().starts_with("spill:"))
    return sources.erase(it);
  if (!it->second.mapped)
    return;
  // Whole pages only: those at the ends have other tensors, too.
  uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), start = reinterpret_cast<uintptr_t>(it->second.bytes.data());
  uintptr_t first = llvm::alignTo(start, page), last = (start + it->second.bytes.size()) / page * page;
  if (first < last)
    madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED);
}

llvm::ArrayRef<char> WeightStore::lookup(WeightAttr weight) const {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = sources.find(weight.getSource().getValue());
  if (it == sources.end() || weight.getOffset() < 0 || weight.getLength() < 0)
    return {};
  llvm::ArrayRef<char> bytes = it->second.bytes;
  uint64_t offset = weight.getOffset(), length = weight.getLength();
  if (offset > bytes.size() || length > bytes.size() - offset)
    return {};
  return bytes.slice(offset, length);
}

int64_t laic::elementBytes(Type element) {
  if (!element.isIntOrFloat())
    return element.isIndex() ? 8 : 0;
  return std::max<int64_t>(1, (element.getIntOrFloatBitWidth() + 7) / 8);
}

static bool isPartOfByte(Type element) { return isa<IntegerType>(element) && element.getIntOrFloatBitWidth() < 8; }

TypedAttr laic::makeConstant(WeightStore &store, llvm::ArrayRef<char> bytes, RankedTensorType type) {
  Type element = type.getElementType();
  if (static_cast<int64_t>(bytes.size()) > kInlineConstantBytes)
    return store.addOwned(std::vector<char>(bytes.begin(), bytes.end()), type);
  if (element.isInteger(1)) {
    llvm::SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, values);
  }
  if (isPartOfByte(element)) { // whose sign is extended in bytes, but not in attributes
    llvm::SmallVector<APInt> values;
    for (char byte : bytes)
      values.push_back(APInt(8, static_cast<uint8_t>(byte)).trunc(element.getIntOrFloatBitWidth()));
    return DenseElementsAttr::get(type, values);
  }
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

llvm::ArrayRef<char> laic::constantBytes(WeightStore &store, Attribute value, std::vector<char> &scratch) {
  if (auto weight = dyn_cast<WeightAttr>(value))
    return store.lookup(weight);
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense || isa<DenseStringElementsAttr>(value))
    return {};
  int64_t count = dense.getNumElements(), size = elementBytes(dense.getElementType());
  if (dense.getElementType().isInteger(1)) {
    scratch.clear();
    for (bool bit : dense.getValues<bool>())
      scratch.push_back(bit);
    return scratch;
  }
  if (isPartOfByte(dense.getElementType())) {
    bool isUnsigned = dense.getElementType().isUnsignedInteger();
    scratch.clear();
    for (const APInt &value : dense.getValues<APInt>())
      scratch.push_back(static_cast<char>(isUnsigned ? value.getZExtValue() : value.getSExtValue()));
    return scratch;
  }
  llvm::ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return raw;
  scratch.resize(count * size);
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(scratch.data() + i * size, raw.data(), size);
  return scratch;
}
