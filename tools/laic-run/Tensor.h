// Tensors that laic-run binds: from npz arrays, from a seed, and back.
#ifndef LAIC_RUN_TENSOR_H
#define LAIC_RUN_TENSOR_H

#include "laic/Support/Npz.h"
#include "laic/runtime.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace laic {
namespace run {

// A tensor and its memory. Strides are in elements; the memory may be larger than the sizes ask for.
struct Tensor {
  std::string name;
  laic_type_t type = LAIC_F32;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
  std::vector<uint64_t> memory;                    // as words, so that every element type is aligned
  std::shared_ptr<std::vector<std::string>> texts; // of strings: what the elements point to
  size_t capacity = 0;                             // bytes

  uint8_t *data() { return reinterpret_cast<uint8_t *>(memory.data()); }
  laic_binding_t binding();
};

// Dense tensors of one name each for all inputs of the module.
std::vector<Tensor> inputsFromNpz(const laic_module_t *module, const npz::File &file, const std::string &path);
// Seeded inputs; dims maps names of dynamic dims to sizes, others are 1. Floats lie in [-1, 1), integers are 0 or 1 (8-bit ones
// use their range), so that masks, token types and indices stay legal.
std::vector<Tensor> seededInputs(const laic_module_t *module, const std::map<std::string, int64_t> &dims);

// Gives the tensor room for `size` along `axis` and spreads its contents accordingly.
void growCapacity(Tensor &tensor, size_t axis, int64_t size);

// The tensor behind a binding as a dense array; `type` decides the npy form.
npz::Array toArray(const laic_binding_t &binding);

// "f32[2, 3]"
std::string describe(laic_type_t type, const int64_t *sizes, size_t rank);

} // namespace run
} // namespace laic
#endif
