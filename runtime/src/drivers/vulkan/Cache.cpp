// Compiled pipelines in a file, so that a driver compiles a kernel once per machine and not once per process.
//
// $LAIC_CACHE_DIR, otherwise $XDG_CACHE_HOME/laic or ~/.cache/laic; an empty LAIC_CACHE_DIR turns the cache off. One file per device and
// driver version; the driver checks its contents itself. Whatever goes wrong is a miss.
#include "Device.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace laic;
using namespace laic::rt;
using namespace laic::rt::vulkan;

namespace {

constexpr size_t kMaxPath = 1024, kMaxCache = size_t{256} << 20;

bool cacheFolder(char *path) {
  const char *own = getenv("LAIC_CACHE_DIR"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length = -1;
  if (own)
    length = *own ? snprintf(path, kMaxPath, "%s", own) : -1;
  else if (cache && *cache == '/')
    length = snprintf(path, kMaxPath, "%s/laic", cache);
  else if (home && *home == '/')
    length = snprintf(path, kMaxPath, "%s/.cache/laic", home);
  return length > 0 && length < static_cast<int>(kMaxPath);
}

bool cacheFile(const Device &device, char *path) {
  char folder[kMaxPath];
  if (!cacheFolder(folder))
    return false;
  char uuid[2 * VK_UUID_SIZE + 1];
  for (uint32_t i = 0; i < VK_UUID_SIZE; ++i)
    snprintf(uuid + 2 * i, 3, "%02x", device.properties.pipelineCacheUUID[i]);
  int length = snprintf(path, kMaxPath, "%s/vulkan-%08x-%08x-%08x-%s", folder, device.properties.vendorID,
                        device.properties.deviceID, device.properties.driverVersion, uuid);
  return length > 0 && length < static_cast<int>(kMaxPath) - 16;
}

// Creates the folder and its parent.
void makeFolder(const char *file) {
  char path[kMaxPath];
  snprintf(path, sizeof path, "%s", file);
  char *slash = strrchr(path, '/');
  if (!slash)
    return;
  *slash = 0;
  if (char *parent = strrchr(path, '/'); parent && parent != path) {
    *parent = 0;
    (void)mkdir(path, 0700);
    *parent = '/';
  }
  (void)mkdir(path, 0700);
}

bool writeAll(int file, const char *bytes, size_t size) {
  while (size) {
    ssize_t written = ::write(file, bytes, size);
    if (written <= 0)
      return false;
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return true;
}

bool readAll(int file, char *bytes, size_t size) {
  while (size) {
    ssize_t got = ::read(file, bytes, size);
    if (got <= 0)
      return false;
    bytes += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

// The file's bytes in `block`, or none.
void readCache(Device &device, Block &block) {
  char path[kMaxPath];
  if (!cacheFile(device, path))
    return;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file >= 0 && fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
      static_cast<size_t>(status.st_size) <= kMaxCache && block.reserve(device.allocator, static_cast<size_t>(status.st_size)) &&
      readAll(file, static_cast<char *>(block.data), block.capacity))
    device.cachedBytes = block.capacity;
  if (file >= 0)
    close(file);
}

} // namespace

laic_status_t *vulkan::openCache(Device &device) {
  Block block;
  readCache(device, block);
  auto create = info<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
  create.initialDataSize = device.cachedBytes;
  create.pInitialData = block.data;
  VkResult result = device.call.CreatePipelineCache(device.device, &create, nullptr, &device.cache);
  block.release(device.allocator);
  if (result == VK_SUCCESS)
    return nullptr;
  create.initialDataSize = device.cachedBytes = 0;
  create.pInitialData = nullptr;
  LAIC_VULKAN_TRY(device.call, CreatePipelineCache, device.device, &create, nullptr, &device.cache);
  return nullptr;
}

void vulkan::saveCache(Device &device) {
  char path[kMaxPath], temporary[kMaxPath];
  size_t size = 0;
  if (!cacheFile(device, path) || device.call.GetPipelineCacheData(device.device, device.cache, &size, nullptr) != VK_SUCCESS ||
      size <= device.cachedBytes || size > kMaxCache)
    return;
  Block block;
  if (!block.reserve(device.allocator, size))
    return;
  if (device.call.GetPipelineCacheData(device.device, device.cache, &size, block.data) == VK_SUCCESS) {
    makeFolder(path);
    snprintf(temporary, sizeof temporary, "%s.%d", path, static_cast<int>(getpid()));
    int file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) {
      bool whole = writeAll(file, static_cast<const char *>(block.data), size);
      whole &= close(file) == 0;
      if (!whole || rename(temporary, path) != 0)
        unlink(temporary);
    }
  }
  block.release(device.allocator);
}
