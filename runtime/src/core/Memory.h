// Memory of the runtime: an allocator the caller may supply, and the few containers that the runtime needs on top of it.
//
// Nothing here throws or constructs elements: containers hold plain data, start as zero bytes and are released by hand, because
// every owner must release through the allocator that it was made with.
#ifndef LAIC_RUNTIME_MEMORY_H
#define LAIC_RUNTIME_MEMORY_H

#include "laic/runtime.h"

#include <new>
#include <stdarg.h>
#include <string.h>
#include <type_traits>

namespace laic {
namespace rt {

constexpr size_t kAlignment = 64; // of everything a kernel may touch

// The caller's allocator, or the C library's with huge pages behind what is large. Not thread-safe unless the caller's is; each owner has one
// of its own.
class Allocator {
public:
  static bool isValid(const laic_allocator_t *user);
  explicit Allocator(const laic_allocator_t *user);

  void *allocate(size_t size, size_t alignment = kAlignment); // NULL when out of memory, never for size 0 alone
  void release(void *pointer, size_t size);                   // accepts NULL
  uint64_t allocations() const { return count; }
  Allocator uncounted() const { // the same one for another owner
    Allocator other = *this;
    other.count = 0;
    return other;
  }

private:
  laic_allocator_t functions;
  uint64_t count = 0;
};

// A fixed number of zero-initialised elements.
template <typename T> class Array {
  static_assert(std::is_trivially_destructible<T>::value, "elements are never destroyed");

public:
  bool allocate(Allocator &allocator, size_t count) {
    size_t bytes;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes))
      return false;
    elements = static_cast<T *>(allocator.allocate(bytes));
    if (!elements)
      return false;
    memset(static_cast<void *>(elements), 0, bytes);
    length = count;
    return true;
  }
  void release(Allocator &allocator) {
    allocator.release(elements, length * sizeof(T));
    elements = nullptr;
    length = 0;
  }
  T &operator[](size_t index) { return elements[index]; }
  const T &operator[](size_t index) const { return elements[index]; }
  T *begin() { return elements; }
  T *end() { return elements + length; }
  const T *begin() const { return elements; }
  const T *end() const { return elements + length; }
  T *data() const { return elements; }
  size_t size() const { return length; }

private:
  T *elements = nullptr;
  size_t length = 0;
};

// Bytes that only grow; the contents do not survive growing.
struct Block {
  void *data = nullptr;
  size_t capacity = 0;

  bool reserve(Allocator &allocator, size_t bytes) {
    if (data && bytes <= capacity)
      return true;
    release(allocator);
    data = allocator.allocate(bytes);
    capacity = data ? bytes : 0;
    return data != nullptr;
  }
  void release(Allocator &allocator) {
    allocator.release(data, capacity);
    data = nullptr;
    capacity = 0;
  }
};

// A growing NUL-terminated string; running out of memory truncates it.
class Text {
public:
  void append(Allocator &allocator, const char *format, ...) __attribute__((format(printf, 3, 4)));
  void release(Allocator &allocator);
  const char *get() const { return block.data ? static_cast<const char *>(block.data) : ""; }

private:
  Block block;
  size_t length = 0;
};

template <typename T, typename... Args> T *create(Allocator &allocator, Args &&...args) {
  void *memory = allocator.allocate(sizeof(T), alignof(T) > kAlignment ? alignof(T) : kAlignment);
  return memory ? new (memory) T(static_cast<Args &&>(args)...) : nullptr;
}

// An owner destroys itself through a copy of its own allocator.
template <typename T> void destroy(Allocator allocator, T *object) {
  if (!object)
    return;
  object->~T();
  allocator.release(object, sizeof(T));
}

} // namespace rt
} // namespace laic
#endif
