// The default allocator and the growing string.
#include "Memory.h"

#include "Platform.h"

#include <stdio.h>
#include <stdlib.h>

using namespace laic::rt;

// Large memory (the arena, workspaces) asks for huge pages: transposes and packing walk many small pages at once, whose addresses a
// processor does not keep, and small pages that lie anywhere push each other out of the second-level cache.
static void *allocateDefault(void *, size_t size, size_t alignment) {
  void *pointer = nullptr;
  const bool large = size >= kHugePage;
  if (posix_memalign(&pointer, large ? kHugePage : alignment, size) != 0)
    return nullptr;
  if (large)
    preferHugePages(pointer, size / kHugePage * kHugePage); // what is left of the last one would only cost memory
  return pointer;
}

static void releaseDefault(void *, void *pointer, size_t) { free(pointer); }

bool Allocator::isValid(const laic_allocator_t *user) {
  return !user || (user->struct_size >= sizeof(laic_allocator_t) && user->allocate && user->release);
}

Allocator::Allocator(const laic_allocator_t *user) {
  if (user) {
    functions = *user;
    return;
  }
  functions.struct_size = sizeof functions;
  functions.self = nullptr;
  functions.allocate = allocateDefault;
  functions.release = releaseDefault;
}

void *Allocator::allocate(size_t size, size_t alignment) {
  ++count;
  return functions.allocate(functions.self, size ? size : 1, alignment);
}

void Allocator::release(void *pointer, size_t size) {
  if (pointer)
    functions.release(functions.self, pointer, size ? size : 1);
}

void Text::append(Allocator &allocator, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int needed = vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  if (needed < 0)
    return;
  size_t total = length + static_cast<size_t>(needed) + 1;
  if (total > block.capacity) {
    Block larger;
    if (!larger.reserve(allocator, total * 2))
      return;
    memcpy(larger.data, get(), length + 1);
    block.release(allocator);
    block = larger;
  }
  va_start(arguments, format);
  vsnprintf(static_cast<char *>(block.data) + length, block.capacity - length, format, arguments);
  va_end(arguments);
  length = total - 1;
}

void Text::release(Allocator &allocator) {
  block.release(allocator);
  length = 0;
}
