// Input tensors and their conversion to and from npz arrays.
#include "Tensor.h"

#include "Element.h"
#include "Failure.h"
#include "Text.h"

#include <cstring>

using namespace laic;
using namespace laic::run;

namespace {

constexpr uint64_t kSeed = 0x1a1c;
constexpr int64_t kMaxBytes = int64_t{1} << 46; // beyond any machine; keeps products in range

// SplitMix64: one multiplication chain per number, the same on every machine.
uint64_t nextRandom(uint64_t &state) {
  uint64_t z = state += 0x9e3779b97f4a7c15ull;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

int64_t denseElements(const std::vector<int64_t> &sizes, size_t elementSize, const std::string &name) {
  int64_t elements = 1, bytes = static_cast<int64_t>(elementSize);
  for (int64_t size : sizes) {
    elements *= size;
    if (__builtin_mul_overflow(bytes, size ? size : 1, &bytes) || bytes > kMaxBytes)
      throw Failure(kExitFault, "input '" + name + "' is too large");
  }
  return elements;
}

void makeDense(Tensor &tensor) {
  const size_t elementSize = laic_type_size(tensor.type);
  const int64_t elements = denseElements(tensor.sizes, elementSize, tensor.name);
  tensor.strides.assign(tensor.sizes.size(), 1);
  for (size_t i = tensor.sizes.size(); i-- > 1;)
    tensor.strides[i - 1] = tensor.strides[i] * tensor.sizes[i];
  tensor.capacity = static_cast<size_t>(elements) * elementSize;
  tensor.memory.assign(tensor.capacity / sizeof(uint64_t) + 1, 0);
}

laic_tensor_info_t inputInfo(const laic_module_t *module, size_t index) {
  laic_tensor_info_t info;
  info.struct_size = sizeof info;
  check(laic_module_input(module, index, &info));
  return info;
}

// Calls visit(offset in elements) for every element in row-major order.
template <typename Visit> void forEachElement(const int64_t *sizes, const int64_t *strides, size_t rank, Visit visit) {
  for (size_t i = 0; i < rank; ++i)
    if (sizes[i] == 0)
      return;
  std::vector<int64_t> index(rank, 0);
  int64_t offset = 0;
  for (;;) {
    visit(offset);
    size_t dim = rank;
    for (;;) {
      if (dim-- == 0)
        return;
      offset += strides[dim];
      if (++index[dim] < sizes[dim])
        break;
      offset -= strides[dim] * sizes[dim];
      index[dim] = 0;
    }
  }
}

double randomValue(laic_type_t type, uint64_t bits) {
  if (isFloat(type))
    return static_cast<double>(bits >> 11) * 0x1p-52 - 1.0;
  if (type == LAIC_U8)
    return static_cast<double>(bits & 255);
  if (type == LAIC_I8)
    return static_cast<double>(bits & 255) - 128;
  return static_cast<double>(bits & 1);
}

// Makes the elements of a dense tensor strings.
void setTexts(Tensor &tensor, std::vector<std::string> texts) {
  tensor.texts = std::make_shared<std::vector<std::string>>(std::move(texts));
  laic_string_t *strings = reinterpret_cast<laic_string_t *>(tensor.data());
  for (const std::string &text : *tensor.texts)
    *strings++ = {text.data(), text.size()};
}

Tensor fromArray(const npz::Array &array, const laic_tensor_info_t &info, const std::string &path) {
  Tensor tensor;
  tensor.name = info.name;
  tensor.type = info.type;
  if (info.type == LAIC_STRING && isText(array)) {
    tensor.sizes = array.shape;
    makeDense(tensor);
    setTexts(tensor, textsOf(array));
    return tensor;
  }
  const NpyForm form = npyForm(info.type);
  if (array.kind != form.kind || array.itemSize != form.itemSize) {
    npz::Array wanted;
    wanted.kind = form.kind;
    wanted.itemSize = form.itemSize;
    throw Failure(kExitFault, "'" + path + "': input '" + tensor.name + "' (" + laic_type_name(info.type) +
                                  ") must be stored as " + (info.type == LAIC_STRING ? "U or S" : wanted.dtype()) + ", got " +
                                  array.dtype());
  }
  tensor.sizes = array.shape;
  makeDense(tensor);
  if (tensor.capacity)
    memcpy(tensor.data(), array.data.data(), tensor.capacity);
  for (size_t i = 0; form.itemSize == 1 && i < tensor.capacity; ++i)
    if (!isValid(info.type, tensor.data() + i))
      throw Failure(kExitFault, "'" + path + "': input '" + tensor.name + "': element " + std::to_string(i) +
                                    " is no value of type " + laic_type_name(info.type));
  return tensor;
}

} // namespace

laic_binding_t Tensor::binding() {
  laic_binding_t binding = {};
  binding.struct_size = sizeof binding;
  binding.data = memory.data();
  binding.type = type;
  binding.rank = static_cast<int32_t>(sizes.size());
  binding.sizes = sizes.data();
  binding.strides = strides.data();
  binding.capacity = capacity;
  return binding;
}

std::vector<Tensor> run::inputsFromNpz(const laic_module_t *module, const npz::File &file, const std::string &path) {
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < laic_module_input_count(module); ++i) {
    const laic_tensor_info_t info = inputInfo(module, i);
    const auto found = file.find(info.name);
    if (found == file.end())
      throw Failure(kExitFault, "'" + path + "' has no array for input '" + info.name + "'");
    inputs.push_back(fromArray(found->second, info, path));
  }
  return inputs;
}

std::vector<Tensor> run::seededInputs(const laic_module_t *module, const std::map<std::string, int64_t> &dims) {
  std::vector<Tensor> inputs;
  uint64_t state = kSeed;
  for (size_t i = 0; i < laic_module_input_count(module); ++i) {
    const laic_tensor_info_t info = inputInfo(module, i);
    Tensor tensor;
    tensor.name = info.name;
    tensor.type = info.type;
    for (int32_t d = 0; d < info.rank; ++d) {
      const auto named = info.symbols[d] ? dims.find(info.symbols[d]) : dims.end();
      tensor.sizes.push_back(info.dims[d] >= 0 ? info.dims[d] : named != dims.end() ? named->second : 1);
    }
    makeDense(tensor);
    const size_t elementSize = laic_type_size(tensor.type);
    if (tensor.type == LAIC_STRING) {
      std::vector<std::string> words(tensor.capacity / elementSize);
      for (std::string &word : words)
        word = std::to_string(nextRandom(state) % 100); // short, and some of them equal
      setTexts(tensor, std::move(words));
      inputs.push_back(std::move(tensor));
      continue;
    }
    for (size_t at = 0; at < tensor.capacity; at += elementSize)
      encode(tensor.type, randomValue(tensor.type, nextRandom(state)), tensor.data() + at);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

void run::growCapacity(Tensor &tensor, size_t axis, int64_t size) {
  Tensor grown = tensor;
  grown.sizes[axis] = size;
  makeDense(grown);
  grown.sizes = tensor.sizes;
  const size_t elementSize = laic_type_size(tensor.type);
  const uint8_t *from = tensor.data();
  forEachElement(grown.sizes.data(), grown.strides.data(), grown.sizes.size(), [&](int64_t offset) {
    memcpy(grown.data() + static_cast<size_t>(offset) * elementSize, from, elementSize);
    from += elementSize;
  });
  tensor = std::move(grown);
}

npz::Array run::toArray(const laic_binding_t &binding) {
  npz::Array array;
  if (binding.type == LAIC_STRING) {
    array.shape.assign(binding.sizes, binding.sizes + binding.rank);
    std::vector<laic_string_t> dense;
    forEachElement(binding.sizes, binding.strides, array.shape.size(),
                   [&](int64_t offset) { dense.push_back(static_cast<const laic_string_t *>(binding.data)[offset]); });
    return textArray(textsOf(dense.data(), dense.size()), array.shape);
  }
  const NpyForm form = npyForm(binding.type);
  array.kind = form.kind;
  array.itemSize = form.itemSize;
  const size_t rank = static_cast<size_t>(binding.rank);
  array.shape.assign(binding.sizes, binding.sizes + rank);
  array.data.resize(array.elements() * array.itemSize);
  uint8_t *to = array.data.data();
  forEachElement(binding.sizes, binding.strides, rank, [&](int64_t offset) {
    memcpy(to, static_cast<const uint8_t *>(binding.data) + static_cast<size_t>(offset) * form.itemSize, form.itemSize);
    to += form.itemSize;
  });
  return array;
}

std::string run::describe(laic_type_t type, const int64_t *sizes, size_t rank) {
  std::string text = std::string(laic_type_name(type)) + "[";
  for (size_t i = 0; i < rank; ++i)
    text += (i ? ", " : "") + (sizes[i] < 0 ? std::string("?") : std::to_string(sizes[i]));
  return text + "]";
}
