// libFuzzer target: bytes with hashes made to agree go through load, signature, context and size inference. Kernels are not run:
// code that is wrong is beyond what a verifier can promise.
#include "TestArtifact.h"

#include "laic/Artifact/Format.h"

#include <cstring>

using namespace laic;
using namespace laic::test;

namespace {

constexpr size_t kMostSections = 16;
constexpr int64_t kSize = 3; // of every dynamic dim

void inferSizes(laic_module_t *module) {
  laic_context_t *context = nullptr;
  laic_status_free(laic_context_create(module, nullptr, &context));
  if (!context)
    return;
  for (size_t i = 0; i < laic_module_input_count(module); ++i) {
    laic_tensor_info_t info;
    info.struct_size = sizeof info;
    laic_status_free(laic_module_input(module, i, &info));
    for (int64_t &dim : info.dims)
      dim = dim < 0 ? kSize : dim;
    laic_binding_t binding = {};
    binding.struct_size = sizeof binding;
    binding.type = info.type;
    binding.rank = info.rank;
    binding.sizes = info.dims;
    laic_status_free(laic_bind_input(context, i, &binding));
  }
  laic_status_free(laic_infer(context));
  laic_context_release(context);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::vector<uint8_t> bytes(data, data + size);
  artifact::FileHeader header;
  if (size >= sizeof header) {
    memcpy(&header, data, sizeof header);
    const size_t table = sizeof header + header.section_count * sizeof(artifact::SectionEntry);
    if (header.section_count <= kMostSections && table <= size) {
      header.file_size = size;
      memcpy(bytes.data(), &header, sizeof header);
      resign(bytes);
    }
  }
  PageBuffer buffer(bytes);
  laic_module_t *module = nullptr;
  laic_status_free(laic_module_load_memory(buffer.data(), buffer.size(), nullptr, &module));
  if (module)
    inferSizes(module);
  laic_module_release(module);
  return 0;
}
