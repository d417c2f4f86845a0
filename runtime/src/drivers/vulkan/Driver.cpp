// The Vulkan driver: kernels are SPIR-V modules inside the artifact.
#include "Device.h"

#include "../../core/Status.h"

#include <stdio.h>

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::vulkan;

namespace {

constexpr uint32_t kSpirvMagic = 0x07230203, kSpirvHeader = 20; // bytes

bool hasFeature(const void *opaque, const char *word, char *lacks, size_t capacity) {
  const Device &device = *static_cast<const Device *>(opaque);
  struct Known {
    const char *word, *meaning;
    bool has;
  } known[] = {{"vulkan1.1", "Vulkan 1.1", true},
               {"vulkan1.1+fp16", "16-bit floats (shaderFloat16, storageBuffer16BitAccess)", device.features.float16},
               {"+int64", "64-bit integers (shaderInt64)", device.features.int64},
               {"+float64", "64-bit floats (shaderFloat64)", device.features.float64}};
  for (const Known &feature : known)
    if (strcmp(feature.word, word) == 0) {
      snprintf(lacks, capacity, "%s", feature.meaning);
      return feature.has;
    }
  snprintf(lacks, capacity, "'%s', which this runtime does not know", word);
  return false;
}

laic_status_t *createPipeline(Device &device, const uint32_t *words, size_t bytes, uint32_t operands, Kernel &out) {
  Array<VkDescriptorSetLayoutBinding> bindings;
  if (!bindings.allocate(device.allocator, operands))
    return outOfMemory();
  for (uint32_t i = 0; i < operands; ++i)
    bindings[i] = {i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
  auto sets = info<VkDescriptorSetLayoutCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
  sets.bindingCount = operands;
  sets.pBindings = bindings.data();
  VkResult result = device.call.CreateDescriptorSetLayout(device.device, &sets, nullptr, &out.sets);
  bindings.release(device.allocator);
  if (result != VK_SUCCESS)
    return callFailed("vkCreateDescriptorSetLayout", result);
  auto layout = info<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &out.sets;
  LAIC_VULKAN_TRY(device.call, CreatePipelineLayout, device.device, &layout, nullptr, &out.layout);
  auto code = info<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
  code.codeSize = bytes;
  code.pCode = words;
  VkShaderModule module;
  LAIC_VULKAN_TRY(device.call, CreateShaderModule, device.device, &code, nullptr, &module);
  auto create = info<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
  create.stage = info<VkPipelineShaderStageCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO);
  create.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  create.stage.module = module;
  create.stage.pName = "main";
  create.layout = out.layout;
  result = device.call.CreateComputePipelines(device.device, device.cache, 1, &create, nullptr, &out.pipeline);
  device.call.DestroyShaderModule(device.device, module, nullptr);
  if (result == VK_SUCCESS && out.pipeline) // drivers exist that say success and make nothing
    return nullptr;
  return callFailed("vkCreateComputePipelines", result == VK_SUCCESS ? VK_ERROR_UNKNOWN : result);
}

void closeKernel(void *opaque, laic_module &module, void *handle) {
  Device &device = deviceOf(opaque);
  Kernel *kernel = static_cast<Kernel *>(handle);
  if (kernel->pipeline)
    device.call.DestroyPipeline(device.device, kernel->pipeline, nullptr);
  if (kernel->layout)
    device.call.DestroyPipelineLayout(device.device, kernel->layout, nullptr);
  if (kernel->sets)
    device.call.DestroyDescriptorSetLayout(device.device, kernel->sets, nullptr);
  destroy(module.allocator, kernel);
}

laic_status_t *openKernel(void *opaque, laic_module &module, const artifact::Kernel &kernel, uint32_t operands, void **out) {
  Device &device = deviceOf(opaque);
  const char *name = kernel.name()->c_str();
  uint32_t limit = device.properties.limits.maxPerStageDescriptorStorageBuffers;
  if (operands > limit)
    return fail(LAIC_UNSUPPORTED, "kernel '%s' has %u operands, '%s' allows %u", name, operands, device.properties.deviceName,
                limit);
  uint32_t index;
  char missing[512];
  if (!pickVariant(kernel, hasFeature, &device, &index, missing, sizeof missing))
    return fail(LAIC_UNSUPPORTED,
                "kernel '%s' has no code for '%s', which lacks %s; compile with --chip=base or use another device", name,
                device.properties.deviceName, missing);
  const artifact::Variant &variant = *kernel.variants()->Get(index);
  const uint8_t *bytes = module.segments[variant.segment()].data + variant.offset();
  uint32_t magic;
  if (variant.size() < kSpirvHeader || variant.size() % 4 != 0 || variant.offset() % 4 != 0 ||
      (memcpy(&magic, bytes, sizeof magic), magic != kSpirvMagic))
    return fail(LAIC_INVALID_ARTIFACT, "artifact is invalid: the code of kernel '%s' is no SPIR-V module", name);
  Kernel *made = create<Kernel>(module.allocator);
  if (!made)
    return outOfMemory();
  *made = {};
  laic_status_t *status =
      createPipeline(device, reinterpret_cast<const uint32_t *>(bytes), static_cast<size_t>(variant.size()), operands, *made);
  if (status) {
    closeKernel(opaque, module, made);
    return status;
  }
  *out = made;
  return nullptr;
}

const DeviceApi kApi = {openDevice, closeDevice, openKernel,  closeKernel,  allocate, release,
                        write,      read,        createQueue, destroyQueue, record,   run};

} // namespace

namespace laic {
namespace rt {
extern const Driver vulkanDriver;
const Driver vulkanDriver = deviceDriver("vulkan", &kApi);
} // namespace rt
} // namespace laic
