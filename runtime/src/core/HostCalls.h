// Finding and calling the functions that steps of kind HostCall name.
#ifndef LAIC_RUNTIME_HOSTCALLS_H
#define LAIC_RUNTIME_HOSTCALLS_H

#include "HostFunction.h"
#include "Memory.h"

struct laic_tensor;

namespace laic {
namespace rt {

constexpr uint32_t kMaxHostOperands = 16;
constexpr size_t kMaxHostName = 64;

// Memory for the strings of one call: pieces that only become more.
class TextArena {
public:
  void *allocate(Allocator &allocator, uint64_t bytes); // NULL when out of memory
  void reset();                                         // all of it is free again
  void release(Allocator &allocator);

private:
  struct Piece {
    Piece *next;
    uint64_t capacity, used; // bytes behind the piece's head
  };
  Piece *first = nullptr, *current = nullptr;
};

// "<library>.<name>", both of a-z, 0-9 and _: nothing else reaches the loader of libraries.
bool isHostName(const char *name, size_t length);

// The function of that name; LAIC_UNSUPPORTED with the cure where its library is not installed.
laic_status_t *findHostFunction(const char *name, laic_host_fn *out);

// Runs step `index`, a HostCall, on the given operands.
laic_status_t *callHost(laic_context &context, uint32_t index, laic_host_fn function, const laic_tensor *tensors,
                        const int64_t *parameters);

// Input strings must have bytes where they have a length.
laic_status_t *checkStrings(const laic_context &context);

// The functions that every runtime has: "core".
extern const laic_host_library_t kCoreFunctions;

} // namespace rt
} // namespace laic
#endif
