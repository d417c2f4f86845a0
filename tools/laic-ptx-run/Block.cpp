// Runs the warps of one block in turn, lets them meet at barriers, and finds barriers that never open.
#include "Warp.h"

#include "Decoder.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

constexpr uint64_t kSlice = 4096; // instructions of a warp before the next one has its turn
constexpr uint8_t kJunk = 0xff;   // what shared memory holds at first: a NaN in every format

} // namespace

Block::Block(const Kernel &kernel, DeviceMemory &memory, const LaunchConfig &config)
    : kernel(kernel), memory(memory), config(config), executions(kernel.code.size() + 1), constants(kernel.constants) {
  const auto threads = static_cast<uint32_t>(config.block.count());
  const uint32_t count = (threads + kWarpSize - 1) / kWarpSize;
  shared.resize(kernel.dynamicShared + config.dynamicShared);
  local.resize(size_t(kernel.localBytes) * count * kWarpSize);
  frames.resize(size_t(kernel.frameBytes) * count + 64);
  useShadow = (config.checks.races || config.checks.uninitialized) && !shared.empty();
  auto *base = frames.data() + (64 - reinterpret_cast<uintptr_t>(frames.data()) % 64) % 64;
  warps.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    Warp &warp = warps.emplace_back(*this, i);
    warp.frame = base + size_t(i) * kernel.frameBytes;
    warp.constants = constants.data();
    const uint32_t lanes = std::min(kWarpSize, threads - i * kWarpSize);
    warp.started = lanes == kWarpSize ? kAllLanes : (1u << lanes) - 1;
  }
}

uint32_t Block::specialValue(const std::string &name, uint32_t thread) const {
  const uint32_t lane = thread % kWarpSize, bit = 1u << lane;
  const Dim3 &size = config.block;
  const uint32_t tid[3] = {thread % size.x, thread / size.x % size.y, thread / size.x / size.y};
  const uint32_t ntid[3] = {size.x, size.y, size.z}, nctaid[3] = {config.grid.x, config.grid.y, config.grid.z};
  const auto axis = static_cast<unsigned>(name.back() - 'x');
  if (name.compare(0, 5, "%tid.") == 0)
    return tid[axis];
  if (name.compare(0, 6, "%ntid.") == 0)
    return ntid[axis];
  if (name.compare(0, 7, "%ctaid.") == 0)
    return position[axis];
  if (name.compare(0, 8, "%nctaid.") == 0)
    return nctaid[axis];
  if (name == "%laneid")
    return lane;
  if (name == "%warpid")
    return thread / kWarpSize;
  if (name == "%nwarpid")
    return static_cast<uint32_t>(warps.size());
  if (name == "%nsmid")
    return 1;
  if (name == "%lanemask_eq")
    return bit;
  if (name == "%lanemask_lt")
    return bit - 1;
  if (name == "%lanemask_le")
    return bit | (bit - 1);
  if (name == "%lanemask_gt")
    return ~(bit | (bit - 1));
  if (name == "%lanemask_ge")
    return ~(bit - 1);
  if (name == "%dynamic_smem_size")
    return config.dynamicShared;
  if (name == "%total_smem_size")
    return static_cast<uint32_t>(shared.size());
  return 0; // %smid, %gridid: there is one of each
}

void Block::fillSpecials(Warp &warp) {
  for (const SpecialRegister &special : kernel.specials)
    for (uint32_t lane = 0; lane < kWarpSize; ++lane) {
      const uint64_t value = specialValue(special.name, warp.thread(lane));
      memcpy(warp.frame + special.offset + lane * special.width, &value, special.width);
    }
}

void Block::start() {
  std::fill(shared.begin(), shared.end(), kJunk);
  std::fill(local.begin(), local.end(), kJunk);
  if (useShadow)
    shadow.reset(static_cast<uint32_t>(shared.size()), static_cast<unsigned>(warps.size()));
  for (std::vector<uint32_t> &list : arrived)
    list.clear();
  for (Warp &warp : warps) {
    memset(warp.frame, 0, kernel.frameBytes);
    fillSpecials(warp);
    warp.state = Warp::Running;
    warp.exited = 0;
    warp.executed = 0;
    warp.paths.assign(1, {0, static_cast<uint32_t>(kernel.code.size()), warp.started});
    warp.copies.clear();
    std::fill(warp.group, warp.group + kWarpSize, 0);
  }
}

void Block::run(uint64_t number) {
  position[0] = static_cast<uint32_t>(number % config.grid.x);
  position[1] = static_cast<uint32_t>(number / config.grid.x % config.grid.y);
  position[2] = static_cast<uint32_t>(number / config.grid.x / config.grid.y);
  start();
  const uint64_t slice = config.limit ? std::min(kSlice, config.limit) : kSlice;
  while (true) {
    bool ran = false, allDone = true;
    for (Warp &warp : warps) {
      if (warp.state == Warp::Running) {
        warp.run(slice);
        ran = true;
      }
      allDone &= warp.state == Warp::Done;
    }
    if (allDone)
      break;
    if (!releaseBarriers() && !ran)
      failDeadlock();
  }
  for (const Warp &warp : warps)
    counters.warpInstructions += warp.executed;
}

bool Block::releaseBarriers() {
  bool released = false;
  for (Warp &warp : warps)
    if (warp.state == Warp::Waiting)
      released |= releaseBarrier(warp);
  return released;
}

// Opens the barrier that `waiting` waits at if all of its threads have come. Warps that exited count as present.
bool Block::releaseBarrier(Warp &waiting) {
  const uint32_t id = waiting.barrier;
  std::vector<Warp *> here;
  std::vector<uint32_t> together = arrived[id];
  size_t live = 0;
  for (Warp &warp : warps) {
    live += warp.state != Warp::Done;
    if (warp.state == Warp::Waiting && warp.barrier == id) {
      here.push_back(&warp);
      together.push_back(warp.index);
    }
  }
  const uint32_t wanted = waiting.barrierThreads ? waiting.barrierThreads / kWarpSize : static_cast<uint32_t>(live);
  if (together.size() < wanted)
    return false;
  if (config.checks.barriers)
    checkBarrier(here);
  arrived[id].clear();
  for (Warp *warp : here)
    warp->state = Warp::Running;
  if (useShadow)
    shadow.meet(together);
  return true;
}

// What hardware may let pass and the language does not: threads that exited before, threads at different instructions.
void Block::checkBarrier(const std::vector<Warp *> &waiting) {
  Warp &first = *waiting[0];
  for (Warp &warp : warps) {
    const bool takesPart = std::find(waiting.begin(), waiting.end(), &warp) != waiting.end();
    if (!first.barrierThreads ? warp.exited != 0 : takesPart && warp.exited != 0)
      first.fail(*first.waitingAt, FaultKind::Barrier, static_cast<uint32_t>(__builtin_ctz(first.active())),
                 "divergent barrier: thread " + std::to_string(warp.thread(static_cast<uint32_t>(__builtin_ctz(warp.exited)))) +
                     " of the block exited before it");
    if (takesPart && !warp.barrierThreads && warp.waitingAt != first.waitingAt)
      first.fail(*first.waitingAt, FaultKind::Barrier, static_cast<uint32_t>(__builtin_ctz(first.active())),
                 "divergent barrier: thread " + std::to_string(warp.thread(0)) + " waits at the barrier of line " +
                     std::to_string(warp.waitingAt->line));
    if (takesPart && warp.barrierThreads != first.barrierThreads)
      first.fail(*first.waitingAt, FaultKind::Barrier, static_cast<uint32_t>(__builtin_ctz(first.active())),
                 "expects " + std::to_string(first.barrierThreads) + " threads at the barrier, line " +
                     std::to_string(warp.waitingAt->line) + " expects " + std::to_string(warp.barrierThreads));
  }
}

void Block::arriveAtBarrier(Warp &warp, const Instruction &instruction) {
  if (std::find(arrived[warp.barrier].begin(), arrived[warp.barrier].end(), warp.index) != arrived[warp.barrier].end())
    warp.fail(instruction, FaultKind::Barrier, static_cast<uint32_t>(__builtin_ctz(warp.active())),
              "arrives twice at barrier " + std::to_string(warp.barrier) + " before it opened");
  arrived[warp.barrier].push_back(warp.index);
}

void Block::failDeadlock() {
  Warp *first = nullptr;
  std::string others;
  for (Warp &warp : warps) {
    if (warp.state != Warp::Waiting)
      continue;
    if (!first)
      first = &warp;
    else if (warp.barrier != first->barrier && others.empty())
      others = "; thread " + std::to_string(warp.thread(0)) + " waits at barrier " + std::to_string(warp.barrier) + " in line " +
               std::to_string(warp.waitingAt->line);
  }
  first->fail(*first->waitingAt, FaultKind::Barrier, static_cast<uint32_t>(__builtin_ctz(first->active())),
              "deadlock: barrier " + std::to_string(first->barrier) + " never opens" + others);
}

void Block::locateThread(Fault &fault, uint32_t thread) const {
  std::copy(position, position + 3, fault.block);
  fault.thread[0] = thread % config.block.x;
  fault.thread[1] = thread / config.block.x % config.block.y;
  fault.thread[2] = thread / config.block.x / config.block.y;
}
