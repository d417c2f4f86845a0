// Counts what memory accesses cost: wavefronts of shared memory and sectors of global memory.
//
// Shared memory has 32 banks of 4 bytes. A wavefront serves one word of each bank; accesses of 8 bytes are served for 16 lanes at a
// time, those of 16 bytes for 8.
#include "Warp.h"

#include <algorithm>

using namespace laic::ptx;

namespace {

constexpr unsigned kBanks = 32;
constexpr uint64_t kSector = 32;

// Wavefronts of up to 32 words: the most different words that one bank must deliver.
unsigned wavefronts(const uint64_t *words, unsigned count) {
  uint64_t seen[kBanks][kBanks];
  unsigned perBank[kBanks] = {};
  unsigned most = 0;
  for (unsigned i = 0; i < count; ++i) {
    const unsigned bank = words[i] % kBanks;
    if (std::find(seen[bank], seen[bank] + perBank[bank], words[i]) != seen[bank] + perBank[bank])
      continue;
    seen[bank][perBank[bank]++] = words[i];
    most = std::max(most, perBank[bank]);
  }
  return most;
}

} // namespace

void Block::countShared(const uint64_t *addresses, uint32_t mask, uint32_t bytes) {
  const unsigned wordsEach = std::max(1u, bytes / 4), group = kWarpSize / std::min(wordsEach, 4u);
  ++counters.sharedAccesses;
  for (unsigned begin = 0; begin < kWarpSize; begin += group) {
    uint64_t words[kWarpSize * 2];
    unsigned count = 0;
    for (unsigned lane = begin; lane < begin + group; ++lane)
      for (unsigned word = 0; (mask >> lane & 1) && word < std::min(wordsEach, 4u); ++word)
        words[count++] = addresses[lane] / 4 + word;
    if (!count)
      continue;
    const unsigned parts = std::max(1u, wordsEach / 4); // 32 bytes a lane: twice 16
    counters.sharedWavefronts += uint64_t(parts) * wavefronts(words, count);
    std::sort(words, words + count);
    const auto distinct = static_cast<uint64_t>(std::unique(words, words + count) - words);
    counters.sharedIdeal += parts * ((distinct + kBanks - 1) / kBanks);
  }
}

void Block::countGlobal(const uint64_t *addresses, uint32_t mask, uint32_t bytes) {
  uint64_t sectors[kWarpSize * 2];
  unsigned count = 0;
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    if (!(mask >> lane & 1))
      continue;
    sectors[count++] = addresses[lane] / kSector;
    const uint64_t last = (addresses[lane] + bytes - 1) / kSector;
    if (last != sectors[count - 1])
      sectors[count++] = last;
  }
  std::sort(sectors, sectors + count);
  ++counters.globalAccesses;
  counters.globalBytes += uint64_t(bytes) * static_cast<unsigned>(__builtin_popcount(mask));
  counters.globalSectors += static_cast<uint64_t>(std::unique(sectors, sectors + count) - sectors);
}
