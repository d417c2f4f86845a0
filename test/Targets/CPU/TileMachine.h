// AMX for machines without it: a handler of SIGILL that executes the instructions.
#ifndef LAIC_TEST_TARGETS_CPU_TILEMACHINE_H
#define LAIC_TEST_TARGETS_CPU_TILEMACHINE_H

#include <cstdint>

namespace laic::test {

/// From here on every thread of this process runs AMX instructions (tiles, int8, bf16): the machine's own where it has them, otherwise as
/// Intel's Software Developer's Manual describes them, about a thousand times as slow. What the manual calls an invalid operation ends the
/// process with a message, as does any other illegal instruction. For Linux on x86-64; elsewhere false.
bool allowTiles();

/// Does this machine have them, so that nothing is emulated?
bool machineHasTiles();

/// Products of tiles that were emulated in this process.
int64_t emulatedProducts();

} // namespace laic::test
#endif
