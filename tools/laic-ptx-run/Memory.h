// The memory of a device: allocations at made-up addresses, each backed by host memory.
//
// Addresses are never handed out twice and lie apart, so a stray access hits a gap or a freed range and can be named.
// Host calls are serialised by a lock; kernels read the table while no host call changes it.
#ifndef LAIC_PTX_MEMORY_H
#define LAIC_PTX_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace laic {
namespace ptx {

struct Allocation {
  uint64_t base = 0;
  uint64_t size = 0;
  uint8_t *bytes = nullptr;
  uint8_t *written = nullptr; // one byte for each byte: whether it was ever written; null when not tracked

  bool holds(uint64_t address, uint64_t count) const { return address - base < size && size - (address - base) >= count; }
};

class DeviceMemory {
public:
  explicit DeviceMemory(uint64_t capacity, bool trackWrites) : capacity_(capacity), trackWrites_(trackWrites) {}
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  // A new allocation's address, aligned to 256; 0 when the capacity does not suffice.
  uint64_t allocate(uint64_t size);
  // False when `address` is not the start of a live allocation.
  bool release(uint64_t address);
  // The live allocation that holds all `count` bytes at `address`, or null.
  const Allocation *find(uint64_t address, uint64_t count) const;
  // Whether these bytes lay in an allocation that was freed.
  bool wasFreed(uint64_t address) const;
  // "17 bytes behind the end of the 64 bytes at 0x...": for a message about an address that find() does not know.
  std::string describe(uint64_t address) const;

  // Host copies. False when the range is not inside one live allocation.
  bool copyIn(uint64_t to, const void *from, uint64_t count);
  bool copyOut(void *to, uint64_t from, uint64_t count) const;
  bool copy(uint64_t to, uint64_t from, uint64_t count);
  bool fill(uint64_t to, const void *pattern, uint64_t patternBytes, uint64_t times);

  uint64_t capacity() const { return capacity_; }
  uint64_t used() const;
  size_t live() const;
  bool tracksWrites() const { return trackWrites_; }

private:
  mutable std::mutex lock;
  std::map<uint64_t, Allocation> allocations;
  std::map<uint64_t, uint64_t> freed; // base to size
  uint64_t next = 0x1000000000;
  uint64_t capacity_;
  uint64_t used_ = 0;
  bool trackWrites_;
};

} // namespace ptx
} // namespace laic
#endif
