// The interpreter's loop over a warp's instructions, and its accesses to memory.
#include "Warp.h"

#include "Decoder.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

std::string hex(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

// Blocks on other threads of the host may mark the same bytes (by atomics, for one), hence atomic accesses to the marks.
void markWritten(uint8_t *marks, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i)
    __atomic_store_n(&marks[i], 1, __ATOMIC_RELAXED);
}

uint32_t firstUnwritten(const uint8_t *marks, uint32_t count) {
  uint32_t i = 0;
  while (i < count && __atomic_load_n(&marks[i], __ATOMIC_RELAXED))
    ++i;
  return i;
}

bool reads(AccessKind kind) { return kind == AccessKind::Read || kind == AccessKind::StrongRead; }

} // namespace

void Warp::exitLanes(uint32_t mask) {
  exited |= mask;
  for (Path &path : paths)
    path.mask &= ~mask;
  paths.erase(std::remove_if(paths.begin(), paths.end(), [](const Path &path) { return path.mask == 0; }), paths.end());
  if (paths.empty())
    state = Done;
}

void Warp::run(uint64_t slice) {
  const std::vector<Instruction> &code = block.kernel.code;
  const auto size = static_cast<uint32_t>(code.size());
  uint64_t *executions = block.executions.data();
  for (uint64_t step = 0; step < slice && state == Running; ++step) {
    Path &top = paths.back();
    if (top.pc >= size) { // past the end is an exit
      exitLanes(top.mask);
      continue;
    }
    if (top.pc == top.reconverge) {
      paths.pop_back();
      continue;
    }
    const Instruction &instruction = code[top.pc];
    uint32_t mask = top.mask;
    if (instruction.guarded) {
      const uint32_t guard = *reinterpret_cast<const uint32_t *>(frame + instruction.guard);
      mask &= instruction.guardNegated ? ~guard : guard;
    }
    executions[top.pc++] += static_cast<uint64_t>(__builtin_popcount(mask));
    ++executed;
    if (mask)
      instruction.execute(*this, instruction, mask);
  }
  if (block.config.limit && executed > block.config.limit && state == Running) {
    const Path &top = paths.back();
    fail(code[std::min(top.pc, size - 1)], FaultKind::Limit, static_cast<uint32_t>(__builtin_ctz(top.mask)),
         "the limit of " + std::to_string(block.config.limit) + " instructions of a warp is reached: an endless loop");
  }
}

void Warp::fail(const Instruction &instruction, FaultKind kind, uint32_t lane, const std::string &what) {
  Fault fault;
  fault.kind = kind;
  fault.what = what;
  fault.kernel = block.kernel.name;
  fault.opcode = block.kernel.opcodes[instruction.opcode];
  fault.line = instruction.line;
  block.locateThread(fault, thread(lane));
  throw FaultError{fault};
}

void Warp::requireAligned(const Instruction &instruction, Space space, uint64_t address, uint32_t bytes, uint32_t lane) {
  if (address & (bytes - 1))
    fail(instruction, FaultKind::Misaligned, lane,
         std::string("misaligned: ") + nameOf(space) + " address " + hex(address) + " is no multiple of " +
             std::to_string(bytes));
}

void Warp::requireConverged(const Instruction &instruction, uint32_t mask) {
  if (mask != kAllLanes)
    fail(instruction, FaultKind::Divergence, static_cast<uint32_t>(__builtin_ctz(mask)),
         "expects all 32 threads of the warp, got " + std::to_string(__builtin_popcount(mask)));
}

void Warp::requireMembers(const Instruction &instruction, uint32_t members, uint32_t mask) {
  const auto lane = static_cast<uint32_t>(__builtin_ctz(mask));
  if (mask & ~members)
    fail(instruction, FaultKind::Divergence, static_cast<uint32_t>(__builtin_ctz(mask & ~members)),
         "the thread is not in the member mask " + hex(members));
  // Threads that exist and have not exited would be waited for, and never come: diverged lanes run one after the other.
  const uint32_t missing = members & (block.config.checks.barriers ? started : live()) & ~mask;
  if (missing)
    fail(instruction, FaultKind::Divergence, lane,
         "member mask " + hex(members) + " names lane " + std::to_string(__builtin_ctz(missing)) + ", which is not here");
}

uint8_t *Warp::locate(const Instruction &instruction, Space space, uint64_t address, uint32_t bytes, uint32_t lane,
                      AccessKind kind) {
  if ((address & (bytes - 1)) && block.config.checks.misaligned)
    requireAligned(instruction, space, address, bytes, lane);
  if (space == Space::Generic && address >= kSharedWindow) {
    space = address < kLocalWindow ? Space::Shared : address < kParamWindow ? Space::Local : Space::Param;
    address -= space == Space::Shared ? kSharedWindow : space == Space::Local ? kLocalWindow : kParamWindow;
  }
  switch (space) {
  case Space::Shared:
    return locateShared(instruction, address, bytes, lane, kind);
  case Space::Local: {
    const uint64_t size = block.kernel.localBytes;
    if (address > size || size - address < bytes)
      fail(instruction, FaultKind::OutOfBounds, lane,
           "out of bounds: local address " + hex(address) + " is outside of the thread's " + std::to_string(size) + " bytes");
    return block.local.data() + thread(lane) * size + address;
  }
  case Space::Param: {
    const std::vector<uint8_t> &params = block.config.params;
    if (address > params.size() || params.size() - address < bytes)
      fail(instruction, FaultKind::OutOfBounds, lane,
           "out of bounds: byte " + std::to_string(address) + " is outside of the " + std::to_string(params.size()) +
               " bytes of parameters");
    if (!reads(kind))
      fail(instruction, FaultKind::OutOfBounds, lane, "parameters cannot be written");
    return const_cast<uint8_t *>(params.data()) + address;
  }
  default:
    return locateGlobal(instruction, address, bytes, lane, kind);
  }
}

uint8_t *Warp::locateGlobal(const Instruction &instruction, uint64_t address, uint32_t bytes, uint32_t lane, AccessKind kind) {
  if (!recent.holds(address, bytes)) {
    const Allocation *found = block.memory.find(address, bytes);
    if (!found) {
      const bool freed = block.memory.wasFreed(address);
      fail(instruction, freed ? FaultKind::UseAfterFree : FaultKind::OutOfBounds, lane,
           std::string(freed ? "use after free: " : "out of bounds: ") + (reads(kind) ? "reads " : "writes ") +
               std::to_string(bytes) + " bytes at global address " + hex(address) + ", " + block.memory.describe(address));
    }
    recent = *found;
  }
  const uint64_t at = address - recent.base;
  if (recent.written) {
    uint8_t *written = recent.written + at;
    if (!reads(kind)) {
      markWritten(written, bytes);
    } else if (block.config.checks.uninitialized) {
      const uint32_t never = firstUnwritten(written, bytes);
      if (never < bytes)
        fail(instruction, FaultKind::Uninitialized, lane,
             "uninitialised: reads global address " + hex(address + never) + ", byte " + std::to_string(at + never) +
                 " of an allocation, which was never written");
    }
  }
  return recent.bytes + at;
}

uint8_t *Warp::locateShared(const Instruction &instruction, uint64_t address, uint32_t bytes, uint32_t lane, AccessKind kind) {
  const uint64_t size = block.shared.size();
  if (address > size || size - address < bytes)
    fail(instruction, FaultKind::OutOfBounds, lane,
         std::string("out of bounds: ") + (reads(kind) ? "reads " : "writes ") + std::to_string(bytes) +
             " bytes at shared address " + hex(address) + ", outside of the block's " + std::to_string(size) + " bytes");
  if (block.useShadow) {
    const std::string problem =
        block.shadow.access(kind, thread(lane), instruction.line, static_cast<uint32_t>(address), bytes, block.config.checks);
    if (!problem.empty())
      fail(instruction, problem.compare(0, 5, "reads") == 0 ? FaultKind::Uninitialized : FaultKind::Race, lane, problem);
  }
  return block.shared.data() + address;
}
