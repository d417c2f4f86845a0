// Races and reads of uninitialised bytes in shared memory.
#include "SharedShadow.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

bool isWrite(AccessKind kind) {
  return kind == AccessKind::Write || kind == AccessKind::StrongWrite || kind == AccessKind::AsyncWrite;
}
bool isStrong(AccessKind kind) { return kind == AccessKind::StrongRead || kind == AccessKind::StrongWrite; }

} // namespace

void SharedShadow::reset(uint32_t size, unsigned warpCount) {
  warps = warpCount;
  bytes.assign(size, Byte());
  seen.assign(size_t(warps) * warps, 0);
  clock.assign(warps, 1);
}

bool SharedShadow::races(const Access &earlier, AccessKind kind, uint32_t thread) const {
  if (earlier.thread == 0 || earlier.thread == thread + 1 || (earlier.strong && isStrong(kind)))
    return false;
  return earlier.clock > seen[size_t(thread / kWarpSize) * warps + (earlier.thread - 1) / kWarpSize];
}

const SharedShadow::Access *SharedShadow::raceOf(const Byte &byte, AccessKind kind, uint32_t thread) const {
  if (races(byte.write, kind, thread))
    return &byte.write;
  if (!isWrite(kind))
    return nullptr;
  if (races(byte.read, kind, thread))
    return &byte.read;
  return races(byte.otherRead, kind, thread) ? &byte.otherRead : nullptr;
}

std::string SharedShadow::access(AccessKind kind, uint32_t thread, uint32_t line, uint32_t at, uint32_t count,
                                 const Checks &checks) {
  const bool write = isWrite(kind);
  const Access self{thread + 1, clock[thread / kWarpSize], line, isStrong(kind)};
  std::string problem;
  for (uint32_t i = at; i < at + count; ++i) {
    Byte &byte = bytes[i];
    if (problem.empty()) {
      if (byte.pending && checks.races) {
        problem = "touches shared byte " + std::to_string(i) + " while a cp.async of line " + std::to_string(byte.write.line) +
                  " by thread " + std::to_string(byte.write.thread - 1) + " may still write it";
      } else if (!write && checks.uninitialized && byte.write.thread == 0) {
        problem = "reads shared byte " + std::to_string(i) + ", which was never written";
      } else if (checks.races) {
        if (const Access *other = raceOf(byte, kind, thread))
          problem = std::string("race: ") + (write ? "writes" : "reads") + " shared byte " + std::to_string(i) + ", which line " +
                    std::to_string(other->line) + (other == &byte.write ? " wrote" : " read") + " by thread " +
                    std::to_string(other->thread - 1) + " with no barrier between";
      }
    }
    if (write) {
      byte.write = self;
      byte.pending = kind == AccessKind::AsyncWrite;
      continue;
    }
    if (byte.read.thread != self.thread)
      byte.otherRead = byte.read;
    byte.read = self;
  }
  return problem;
}

void SharedShadow::arrive(uint32_t thread, uint32_t at, uint32_t count) {
  for (uint32_t i = at; i < at + count; ++i) {
    bytes[i].pending = false;
    bytes[i].write.clock = clock[thread / kWarpSize];
  }
}

void SharedShadow::meet(const std::vector<uint32_t> &together) {
  std::vector<uint32_t> all(warps, 0);
  for (uint32_t warp : together) {
    seen[size_t(warp) * warps + warp] = clock[warp]++;
    for (unsigned other = 0; other < warps; ++other)
      all[other] = std::max(all[other], seen[size_t(warp) * warps + other]);
  }
  for (uint32_t warp : together)
    std::copy(all.begin(), all.end(), seen.begin() + static_cast<ptrdiff_t>(size_t(warp) * warps));
}

void SharedShadow::tick(uint32_t warp) { seen[size_t(warp) * warps + warp] = clock[warp]++; }
