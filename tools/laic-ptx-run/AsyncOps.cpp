// cp.async and its groups.
//
// Data arrive as late as the program permits: at the wait that covers their group. A wait that is missing or too weak therefore
// shows as stale bytes in every run.
#include "Lanes.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

// Operands: shared address, global address, and perhaps how many bytes to read; the others become zero.
void issue(Warp &warp, const Instruction &i, uint32_t mask) {
  const uint32_t bytes = i.mode;
  uint64_t to[kWarpSize] = {}, from[kWarpSize] = {};
  forLanes(mask, [&](unsigned lane) {
    const Operand &target = i.operands[0];
    to[lane] = (target.width == 4 ? warp.lanes<uint32_t>(target)[lane] : warp.lanes<uint64_t>(target)[lane]) +
               static_cast<uint64_t>(i.offset);
    from[lane] = warp.lanes<uint64_t>(i.operands[1])[lane] + static_cast<uint64_t>(i.sourceOffset);
    uint32_t sourceBytes = i.operands.size() > 2 ? warp.lanes<uint32_t>(i.operands[2])[lane] : bytes;
    sourceBytes = std::min(sourceBytes, bytes);
    warp.requireAligned(i, Space::Shared, to[lane], bytes, lane);
    warp.requireAligned(i, Space::Global, from[lane], bytes, lane);
    warp.locateShared(i, to[lane], bytes, lane, AccessKind::AsyncWrite);
    if (sourceBytes)
      warp.locateGlobal(i, from[lane], sourceBytes, lane, AccessKind::Read);
    warp.copies.push_back({lane, static_cast<uint32_t>(to[lane]), from[lane], bytes, sourceBytes, warp.group[lane], &i});
  });
  if (warp.block.config.countTraffic) {
    warp.block.countGlobal(from, mask, bytes);
    warp.block.countShared(to, mask, bytes);
  }
}

void arrive(Warp &warp, const AsyncCopy &copy) {
  uint8_t *to = warp.block.shared.data() + copy.to;
  if (copy.sourceBytes) // looked up again: the memory may be gone by now
    memcpy(to, warp.locateGlobal(*copy.instruction, copy.from, copy.sourceBytes, copy.lane, AccessKind::Read), copy.sourceBytes);
  memset(to + copy.sourceBytes, 0, copy.bytes - copy.sourceBytes);
  if (warp.block.useShadow)
    warp.block.shadow.arrive(warp.thread(copy.lane), copy.to, copy.bytes);
}

void commit(Warp &warp, const Instruction &, uint32_t mask) {
  forLanes(mask, [&](unsigned lane) { ++warp.group[lane]; });
}

// Completes the groups of each lane but for the latest `k` committed ones; wait_all also what is in no group yet.
void wait(Warp &warp, const Instruction &i, uint32_t mask) {
  const auto isDue = [&](const AsyncCopy &copy) {
    if (!(mask >> copy.lane & 1))
      return false;
    return i.mode == 1 || int64_t(copy.group) < int64_t(warp.group[copy.lane]) - static_cast<int64_t>(i.target);
  };
  for (const AsyncCopy &copy : warp.copies)
    if (isDue(copy))
      arrive(warp, copy);
  warp.copies.erase(std::remove_if(warp.copies.begin(), warp.copies.end(), isDue), warp.copies.end());
}

void decodeIssue(Decoding &d) {
  const bool bypass = d.take("cg");
  if (!bypass && !d.take("ca"))
    d.unsupported();
  if (!d.take("shared") && !d.take("shared::cta"))
    d.unsupported();
  if (!d.take("global"))
    d.unsupported();
  d.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  d.expectCount(3, 4);
  const uint64_t bytes = d.immediate(2);
  if (bypass ? bytes != 16 : bytes != 4 && bytes != 8 && bytes != 16)
    d.refuse("copies of " + std::to_string(bytes) + " bytes do not exist");
  d.out.mode = static_cast<uint8_t>(bytes);
  d.address(1, Space::Global);
  const int64_t sourceOffset = d.out.offset;
  const Operand source = d.out.operands.back();
  d.out.operands.pop_back();
  d.address(0, Space::Shared);
  d.out.operands.push_back(source);
  d.out.sourceOffset = sourceOffset;
  if (d.count() == 4)
    d.source(3, Type::U32);
  d.out.execute = issue;
}

} // namespace

bool laic::ptx::decodeAsync(Decoding &d) {
  if (!d.is("cp") || !d.take("async"))
    return false;
  if (d.take("commit_group")) {
    d.expectCount(0);
    d.out.execute = commit;
  } else if (d.take("wait_group")) {
    d.expectCount(1);
    d.out.target = static_cast<uint32_t>(d.immediate(0));
    d.out.execute = wait;
  } else if (d.take("wait_all")) {
    d.expectCount(0);
    d.out.mode = 1;
    d.out.execute = wait;
  } else {
    decodeIssue(d);
  }
  return true;
}
