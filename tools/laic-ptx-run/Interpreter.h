// Runs kernels: the launch of a grid over a device's memory, with checks and counters.
#ifndef LAIC_PTX_INTERPRETER_H
#define LAIC_PTX_INTERPRETER_H

#include "Module.h"

namespace laic {
namespace ptx {

// What is looked for beyond what always ends a launch (accesses outside of all memory, traps, divergent barriers).
struct Checks {
  bool misaligned = false;
  bool uninitialized = false; // reads of shared memory, and of global memory where the memory tracks writes
  bool races = false;         // in shared memory, within a block
  bool barriers = false;      // reached by some threads of a block while others exited or wait elsewhere

  static Checks all() { return {true, true, true, true}; }
  bool any() const { return misaligned || uninitialized || races || barriers; }
};

enum class FaultKind : uint8_t {
  Misaligned,
  OutOfBounds,
  UseAfterFree,
  Uninitialized,
  Race,
  Barrier,
  Divergence, // an instruction for whole warps in a diverged one
  Limit,
  Trap,
  Launch, // the configuration does not fit the kernel
};

// Why a launch ended early, and where.
struct Fault {
  FaultKind kind;
  std::string what; // the defect alone
  std::string kernel;
  std::string opcode;
  unsigned line = 0; // 0: no instruction is at fault
  uint32_t block[3] = {0, 0, 0};
  uint32_t thread[3] = {0, 0, 0};

  // "kernel 'k', line 9, block (0,0,0), thread (1,0,0): `st.global.b32`: ..."
  std::string text() const;
};

// What a launch did. Wavefronts and sectors are counted on request only.
struct Counters {
  uint64_t threadInstructions = 0; // of lanes whose predicate held
  uint64_t warpInstructions = 0;
  uint64_t sharedAccesses = 0;              // instructions of a warp that touch shared memory; a matrix of ldmatrix counts alone
  uint64_t sharedIdeal = 0;                 // wavefronts that their bytes need at least
  uint64_t sharedWavefronts = 0;            // that the banks need
  uint64_t globalAccesses = 0;              // instructions of a warp that touch global memory
  uint64_t globalBytes = 0;                 // that their lanes ask for
  uint64_t globalSectors = 0;               // of 32 bytes, that the memory moves for them
  std::map<std::string, uint64_t> byOpcode; // thread-instructions

  void add(const Counters &other);
};

struct Dim3 {
  uint32_t x = 1, y = 1, z = 1;
  uint64_t count() const { return uint64_t(x) * y * z; }
};

struct LaunchConfig {
  Dim3 grid, block;
  uint32_t dynamicShared = 0;
  std::vector<uint8_t> params; // laid out as Kernel::params say
  Checks checks;
  bool countTraffic = false; // wavefronts and sectors
  unsigned workers = 0;      // threads of the host; 0: all that this process may use
  uint64_t limit = 0;        // instructions that a warp may execute; 0: no limit
  uint32_t maxShared = 227 * 1024;
};

struct LaunchResult {
  std::optional<Fault> fault; // of the first block at fault, in the order of block numbers
  Counters counters;
  double seconds = 0;
};

LaunchResult launch(const Kernel &kernel, DeviceMemory &memory, const LaunchConfig &config);

} // namespace ptx
} // namespace laic
#endif
