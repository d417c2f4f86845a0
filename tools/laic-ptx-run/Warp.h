// The state of a block while it runs: its warps, their registers and stacks of diverged lanes, and its memories.
#ifndef LAIC_PTX_WARP_H
#define LAIC_PTX_WARP_H

#include "SharedShadow.h"

#include <cstring>

namespace laic {
namespace ptx {

class Block;

// What handlers throw; the launch adds where.
struct FaultError {
  Fault fault;
};

// Lanes that run together until `reconverge`.
struct Path {
  uint32_t pc;
  uint32_t reconverge;
  uint32_t mask;
};

// A cp.async that was issued and not yet waited for.
struct AsyncCopy {
  uint32_t lane;
  uint32_t to;   // in shared memory
  uint64_t from; // in global memory
  uint32_t bytes;
  uint32_t sourceBytes; // the rest is zero
  uint32_t group;
  const Instruction *instruction;
};

class Warp {
public:
  enum State : uint8_t { Running, Waiting, Done };

  Warp(Block &block, uint32_t index) : block(block), index(index) {}

  // Values.
  template <typename T> T *lanes(const Operand &operand) {
    return reinterpret_cast<T *>((operand.kind == Operand::Constant ? constants : frame) + operand.offset);
  }
  uint32_t predicate(const Operand &operand) {
    const uint32_t mask = *lanes<uint32_t>(operand);
    return operand.negated ? ~mask : mask;
  }
  void setPredicate(const Operand &operand, uint32_t value, uint32_t mask) {
    if (operand.kind == Operand::Sink)
      return;
    uint32_t &old = *lanes<uint32_t>(operand);
    old = (old & ~mask) | (value & mask);
  }

  uint32_t active() const { return paths.back().mask; }
  uint32_t live() const { return started & ~exited; }
  void exitLanes(uint32_t mask);

  // Executes up to `slice` instructions; returns when they are spent, at a barrier and when all lanes are done.
  void run(uint64_t slice);

  // Memory. `bytes` at `address` for one lane, checked; throws FaultError.
  uint8_t *locate(const Instruction &instruction, Space space, uint64_t address, uint32_t bytes, uint32_t lane, AccessKind kind);
  uint8_t *locateGlobal(const Instruction &instruction, uint64_t address, uint32_t bytes, uint32_t lane, AccessKind kind);
  uint8_t *locateShared(const Instruction &instruction, uint64_t address, uint32_t bytes, uint32_t lane, AccessKind kind);
  void requireAligned(const Instruction &instruction, Space space, uint64_t address, uint32_t bytes, uint32_t lane);

  // Instructions of a whole warp: all live lanes must be here.
  void requireConverged(const Instruction &instruction, uint32_t mask);
  // Instructions with a member mask: all live members must be here.
  void requireMembers(const Instruction &instruction, uint32_t members, uint32_t mask);

  [[noreturn]] void fail(const Instruction &instruction, FaultKind kind, uint32_t lane, const std::string &what);

  uint32_t thread(uint32_t lane) const { return index * kWarpSize + lane; }

  Block &block;
  const uint32_t index; // inside the block
  uint8_t *frame = nullptr;
  uint8_t *constants = nullptr; // never written
  State state = Running;
  uint32_t started = 0; // lanes that exist
  uint32_t exited = 0;
  std::vector<Path> paths;
  uint64_t executed = 0; // instructions
  Allocation recent;     // of global memory, where the last access was

  // While Waiting.
  uint32_t barrier = 0;
  uint32_t barrierThreads = 0; // 0: all of the block
  const Instruction *waitingAt = nullptr;

  std::vector<AsyncCopy> copies;
  uint32_t group[kWarpSize] = {}; // that the next cp.async of each lane joins
};

// One worker's block; used again for the next.
class Block {
public:
  Block(const Kernel &kernel, DeviceMemory &memory, const LaunchConfig &config);

  void run(uint64_t number); // throws FaultError

  const Kernel &kernel;
  DeviceMemory &memory;
  const LaunchConfig &config;
  Counters counters;
  std::vector<uint64_t> executions; // of each instruction, by lanes
  uint32_t position[3] = {0, 0, 0};
  std::vector<uint8_t> shared, local;
  SharedShadow shadow;
  bool useShadow = false;
  std::vector<Warp> warps;

  // Counts the wavefronts of shared accesses of `bytes` by the lanes in `mask`.
  void countShared(const uint64_t *addresses, uint32_t mask, uint32_t bytes);
  void countGlobal(const uint64_t *addresses, uint32_t mask, uint32_t bytes);
  // Fills block and thread of a fault.
  void locateThread(Fault &fault, uint32_t thread) const;
  // bar.arrive: counts the warp in and lets it go on.
  void arriveAtBarrier(Warp &warp, const Instruction &instruction);

private:
  void start();
  void fillSpecials(Warp &warp);
  uint32_t specialValue(const std::string &name, uint32_t thread) const;
  bool releaseBarriers();
  bool releaseBarrier(Warp &waiting);
  void checkBarrier(const std::vector<Warp *> &waiting);
  [[noreturn]] void failDeadlock();

  std::vector<uint8_t> frames;
  std::vector<uint8_t> constants;
  std::vector<uint32_t> arrived[16]; // warps that went through bar.arrive, by barrier
};

} // namespace ptx
} // namespace laic
#endif
