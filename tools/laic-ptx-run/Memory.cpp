// The memory of a device: a table of allocations.
#include "Memory.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

using namespace laic::ptx;

namespace {

constexpr uint64_t kAlign = 256;
constexpr uint64_t kGap = 4096; // so that a small overrun meets no neighbour

void releaseHost(Allocation &allocation) {
  free(allocation.bytes);
  free(allocation.written);
}

std::string hex(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

} // namespace

DeviceMemory::~DeviceMemory() {
  for (auto &[base, allocation] : allocations)
    releaseHost(allocation);
}

uint64_t DeviceMemory::allocate(uint64_t size) {
  std::lock_guard<std::mutex> guard(lock);
  if (size == 0 || size > capacity_ - used_)
    return 0;
  Allocation allocation;
  allocation.base = next;
  allocation.size = size;
  allocation.bytes = static_cast<uint8_t *>(calloc(size, 1));
  allocation.written = trackWrites_ ? static_cast<uint8_t *>(calloc(size, 1)) : nullptr;
  if (!allocation.bytes || (trackWrites_ && !allocation.written)) {
    releaseHost(allocation);
    return 0;
  }
  next += (size + kGap + kAlign - 1) / kAlign * kAlign;
  used_ += size;
  allocations.emplace(allocation.base, allocation);
  return allocation.base;
}

bool DeviceMemory::release(uint64_t address) {
  std::lock_guard<std::mutex> guard(lock);
  auto found = allocations.find(address);
  if (found == allocations.end())
    return false;
  used_ -= found->second.size;
  freed.emplace(address, found->second.size);
  releaseHost(found->second);
  allocations.erase(found);
  return true;
}

const Allocation *DeviceMemory::find(uint64_t address, uint64_t count) const {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin())
    return nullptr;
  const Allocation &allocation = std::prev(after)->second;
  return allocation.holds(address, count) ? &allocation : nullptr;
}

bool DeviceMemory::wasFreed(uint64_t address) const {
  auto after = freed.upper_bound(address);
  if (after == freed.begin())
    return false;
  auto before = std::prev(after);
  return address - before->first < before->second;
}

std::string DeviceMemory::describe(uint64_t address) const {
  if (wasFreed(address))
    return "inside memory that was freed";
  auto after = allocations.upper_bound(address);
  if (after != allocations.begin()) {
    const Allocation &before = std::prev(after)->second;
    const uint64_t distance = address - before.base;
    if (distance < before.size)
      return "running over the end of the " + std::to_string(before.size) + " bytes at " + hex(before.base);
    if (distance - before.size < kGap)
      return std::to_string(distance - before.size) + " bytes behind the end of the " + std::to_string(before.size) +
             " bytes at " + hex(before.base);
  }
  if (after != allocations.end() && after->first - address <= kGap)
    return std::to_string(after->first - address) + " bytes before the " + std::to_string(after->second.size) + " bytes at " +
           hex(after->first);
  return "outside every allocation";
}

bool DeviceMemory::copyIn(uint64_t to, const void *from, uint64_t count) {
  std::lock_guard<std::mutex> guard(lock);
  const Allocation *target = find(to, count);
  if (!target)
    return false;
  memcpy(target->bytes + (to - target->base), from, count);
  if (target->written)
    memset(target->written + (to - target->base), 1, count);
  return true;
}

bool DeviceMemory::copyOut(void *to, uint64_t from, uint64_t count) const {
  std::lock_guard<std::mutex> guard(lock);
  const Allocation *source = find(from, count);
  if (!source)
    return false;
  memcpy(to, source->bytes + (from - source->base), count);
  return true;
}

bool DeviceMemory::copy(uint64_t to, uint64_t from, uint64_t count) {
  std::lock_guard<std::mutex> guard(lock);
  const Allocation *target = find(to, count), *source = find(from, count);
  if (!target || !source)
    return false;
  memmove(target->bytes + (to - target->base), source->bytes + (from - source->base), count);
  if (target->written) // what was never written stays so
    memmove(target->written + (to - target->base), source->written + (from - source->base), count);
  return true;
}

bool DeviceMemory::fill(uint64_t to, const void *pattern, uint64_t patternBytes, uint64_t times) {
  std::lock_guard<std::mutex> guard(lock);
  uint64_t count = 0;
  const Allocation *target = __builtin_mul_overflow(patternBytes, times, &count) ? nullptr : find(to, count);
  if (!target)
    return false;
  uint8_t *bytes = target->bytes + (to - target->base);
  for (uint64_t i = 0; i < times; ++i)
    memcpy(bytes + i * patternBytes, pattern, patternBytes);
  if (target->written)
    memset(target->written + (to - target->base), 1, count);
  return true;
}

uint64_t DeviceMemory::used() const {
  std::lock_guard<std::mutex> guard(lock);
  return used_;
}

size_t DeviceMemory::live() const {
  std::lock_guard<std::mutex> guard(lock);
  return allocations.size();
}
