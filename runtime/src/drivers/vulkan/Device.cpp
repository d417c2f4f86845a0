// Finds a Vulkan device and opens it.
#include "Device.h"

#include "../../core/Status.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::vulkan;

namespace {

constexpr uint32_t kMaxDevices = 16, kMaxFamilies = 16;
constexpr uint32_t kMinInvocations = 128;

const char *kindOf(VkPhysicalDeviceType type) {
  switch (type) {
  case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    return "discrete GPU";
  case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
    return "integrated GPU";
  case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
    return "virtual GPU";
  case VK_PHYSICAL_DEVICE_TYPE_CPU:
    return "software";
  default:
    return "other";
  }
}

// Higher is better.
int scoreOf(VkPhysicalDeviceType type) {
  switch (type) {
  case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    return 4;
  case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
    return 3;
  case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
    return 2;
  case VK_PHYSICAL_DEVICE_TYPE_CPU:
    return 1;
  default:
    return 0;
  }
}

bool findQueueFamily(Device &device, VkPhysicalDevice physical, uint32_t *out) {
  VkQueueFamilyProperties families[kMaxFamilies];
  uint32_t families_count = kMaxFamilies;
  device.call.GetPhysicalDeviceQueueFamilyProperties(physical, &families_count, families);
  for (uint32_t i = 0; i < families_count; ++i)
    if (families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
      *out = i;
      return true;
    }
  return false;
}

// Why a device cannot be used at all, or NULL.
const char *refusal(Device &device, VkPhysicalDevice physical, const VkPhysicalDeviceProperties &properties) {
  uint32_t family;
  if (properties.apiVersion < VK_API_VERSION_1_1)
    return "its driver does not know Vulkan 1.1";
  if (!findQueueFamily(device, physical, &family))
    return "it has no compute queue";
  if (properties.limits.minStorageBufferOffsetAlignment > artifact::kTensorAlignment)
    return "its buffers must be aligned to more than 64 bytes";
  if (properties.limits.maxComputeWorkGroupInvocations < kMinInvocations)
    return "it has less than 128 threads per workgroup";
  return nullptr;
}

laic_status_t *createInstance(Device &device) {
  LAIC_TRY(loadGlobal(device.call));
  uint32_t version = 0;
  LAIC_VULKAN_TRY(device.call, EnumerateInstanceVersion, &version);
  if (version < VK_API_VERSION_1_1)
    return fail(LAIC_UNSUPPORTED, "the Vulkan loader knows version %u.%u, at least 1.1 is needed", VK_API_VERSION_MAJOR(version),
                VK_API_VERSION_MINOR(version));
  auto application = info<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
  application.pEngineName = "laic";
  application.apiVersion = version < VK_API_VERSION_1_2 ? VK_API_VERSION_1_1 : VK_API_VERSION_1_2;
  auto create = info<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
  create.pApplicationInfo = &application;
  LAIC_VULKAN_TRY(device.call, CreateInstance, &create, nullptr, &device.instance);
  return loadInstance(device.call, device.instance);
}

laic_status_t *choosePhysical(Device &device, laic_module &module, int32_t ordinal) {
  VkPhysicalDevice all[kMaxDevices];
  uint32_t found = kMaxDevices;
  VkResult result = device.call.EnumeratePhysicalDevices(device.instance, &found, all);
  if (result != VK_SUCCESS && result != VK_INCOMPLETE)
    return callFailed("vkEnumeratePhysicalDevices", result);
  if (found == 0)
    return fail(LAIC_UNSUPPORTED, "Vulkan finds no GPU: install its driver, or use another device");
  if (ordinal >= static_cast<int32_t>(found))
    return fail(LAIC_UNSUPPORTED, "there is no GPU number %d, Vulkan finds %u", ordinal, found);
  int best = -1;
  const char *why = "";
  VkPhysicalDeviceProperties last = {};
  for (uint32_t i = 0; i < found; ++i) {
    if (ordinal >= 0 && i != static_cast<uint32_t>(ordinal))
      continue;
    VkPhysicalDeviceProperties properties;
    device.call.GetPhysicalDeviceProperties(all[i], &properties);
    const char *problem = refusal(device, all[i], properties);
    int score = scoreOf(properties.deviceType);
    module.explain.append(module.allocator, "vulkan:%u is '%s' (%s)%s%s\n", i, properties.deviceName,
                          kindOf(properties.deviceType), problem ? ": " : "", problem ? problem : "");
    if (problem) {
      why = problem;
      last = properties;
    } else if (score > best) {
      best = score;
      device.physical = all[i];
      device.properties = properties;
    }
  }
  if (best < 0)
    return fail(LAIC_UNSUPPORTED, "the GPU '%s' cannot be used: %s", last.deviceName, why);
  module.explain.append(module.allocator, "using '%s', the first of the best kind\n", device.properties.deviceName);
  return nullptr;
}

bool hasExtension(Device &device, const char *name) {
  uint32_t total = 0;
  if (device.call.EnumerateDeviceExtensionProperties(device.physical, nullptr, &total, nullptr) != VK_SUCCESS)
    return false;
  Array<VkExtensionProperties> list;
  bool found = false;
  if (list.allocate(device.allocator, total) &&
      device.call.EnumerateDeviceExtensionProperties(device.physical, nullptr, &total, list.data()) == VK_SUCCESS)
    for (uint32_t i = 0; i < total; ++i)
      found |= strcmp(list[i].extensionName, name) == 0;
  list.release(device.allocator);
  return found;
}

laic_status_t *createDevice(Device &device) {
  const char *extension = VK_KHR_SHADER_FLOAT16_INT8_EXTENSION_NAME; // promoted to Vulkan 1.2
  bool core = device.properties.apiVersion >= VK_API_VERSION_1_2, extended = !core && hasExtension(device, extension);
  auto narrow = info<VkPhysicalDeviceShaderFloat16Int8Features>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
  auto storage = info<VkPhysicalDevice16BitStorageFeatures>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
  storage.pNext = core || extended ? &narrow : nullptr;
  auto features = info<VkPhysicalDeviceFeatures2>(VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2);
  features.pNext = &storage;
  device.call.GetPhysicalDeviceFeatures2(device.physical, &features);
  device.features = {narrow.shaderFloat16 && storage.storageBuffer16BitAccess, features.features.shaderInt64 != 0,
                     features.features.shaderFloat64 != 0};
  // Only what kernels may use: robust access and the like cost time.
  VkPhysicalDeviceFeatures wanted = {};
  wanted.shaderInt64 = features.features.shaderInt64;
  wanted.shaderFloat64 = features.features.shaderFloat64;
  features.features = wanted;
  narrow.shaderInt8 = VK_FALSE;
  storage.uniformAndStorageBuffer16BitAccess = storage.storagePushConstant16 = storage.storageInputOutput16 = VK_FALSE;

  findQueueFamily(device, device.physical, &device.queueFamily);
  float priority = 1;
  auto queue = info<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
  queue.queueFamilyIndex = device.queueFamily;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  auto create = info<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO);
  create.pNext = &features;
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = extended ? 1 : 0;
  create.ppEnabledExtensionNames = &extension;
  LAIC_VULKAN_TRY(device.call, CreateDevice, device.physical, &create, nullptr, &device.device);
  LAIC_TRY(loadDevice(device.call, device.device));
  device.call.GetDeviceQueue(device.device, device.queueFamily, 0, &device.queue);
  device.call.GetPhysicalDeviceMemoryProperties(device.physical, &device.memory);
  return openCache(device);
}

} // namespace

laic_status_t *vulkan::openDevice(laic_module &module, int32_t ordinal, void **out) {
  Device *device = create<Device>(module.allocator, module.allocator);
  if (!device)
    return outOfMemory();
  laic_status_t *status = createInstance(*device);
  if (!status)
    status = choosePhysical(*device, module, ordinal);
  if (!status)
    status = createDevice(*device);
  if (status) {
    closeDevice(module, device);
    return status;
  }
  *out = device;
  return nullptr;
}

void vulkan::closeDevice(laic_module &module, void *opaque) {
  Device &device = deviceOf(opaque);
  if (device.device && device.call.DestroyDevice) {
    if (device.call.DeviceWaitIdle)
      device.call.DeviceWaitIdle(device.device);
    if (device.cache) {
      saveCache(device);
      device.call.DestroyPipelineCache(device.device, device.cache, nullptr);
    }
    releaseStaging(device);
    device.call.DestroyDevice(device.device, nullptr);
  }
  if (device.instance && device.call.DestroyInstance)
    device.call.DestroyInstance(device.instance, nullptr);
  pthread_mutex_destroy(&device.lock);
  destroy(module.allocator, &device);
}
