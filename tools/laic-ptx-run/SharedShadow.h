// What is known of every byte of a block's shared memory: who wrote and read it last, and when.
//
// Time is counted for each warp: its clock ticks at every barrier that it passes. `seen(w, x)` is the last tick of warp x that warp w
// is ordered behind. An access is ordered before another by a different thread if its tick was seen. Barriers of a warp
// (bar.warp.sync) order the threads of that warp alone.
#ifndef LAIC_PTX_SHARED_SHADOW_H
#define LAIC_PTX_SHARED_SHADOW_H

#include "Interpreter.h"

namespace laic {
namespace ptx {

enum class AccessKind : uint8_t { Read, Write, StrongRead, StrongWrite, AsyncWrite };

class SharedShadow {
public:
  void reset(uint32_t bytes, unsigned warps);

  // Notes an access by `thread` to bytes [at, at + count) and returns what is wrong with it, or an empty string.
  std::string access(AccessKind kind, uint32_t thread, uint32_t line, uint32_t at, uint32_t count, const Checks &checks);
  // The bytes of a cp.async have arrived: from now on they are an ordinary write of `thread`.
  void arrive(uint32_t thread, uint32_t at, uint32_t count);

  // All warps of `warps` meet.
  void meet(const std::vector<uint32_t> &warps);
  void tick(uint32_t warp); // the lanes of one warp meet

private:
  struct Access {
    uint32_t thread = 0; // plus one; 0: none
    uint32_t clock = 0;
    uint32_t line = 0;
    bool strong = false; // atomic or volatile
  };
  struct Byte {
    Access write, read, otherRead; // the two reads are of different threads
    bool pending = false;          // the write is of a cp.async that nobody has waited for
  };

  bool races(const Access &earlier, AccessKind kind, uint32_t thread) const;
  const Access *raceOf(const Byte &byte, AccessKind kind, uint32_t thread) const;

  std::vector<Byte> bytes;
  std::vector<uint32_t> seen; // [warp][warp]; the diagonal is the warp's own last tick
  std::vector<uint32_t> clock;
  unsigned warps = 0;
};

} // namespace ptx
} // namespace laic
#endif
