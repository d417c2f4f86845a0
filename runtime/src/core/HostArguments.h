// What the functions that steps call share: checking operands, packed strings. For src/core and src/host alike: no symbol of its own.
#ifndef LAIC_RUNTIME_HOSTARGUMENTS_H
#define LAIC_RUNTIME_HOSTARGUMENTS_H

#include "HostFunction.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace laic {
namespace host {

__attribute__((format(printf, 3, 4))) inline laic_code_t refuse(laic_host_call_t *call, laic_code_t code, const char *format,
                                                                ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(call->message, sizeof call->message, format, arguments);
  va_end(arguments);
  return code;
}

// An artifact whose operands are none that the function takes.
inline laic_code_t misfit(laic_host_call_t *call) {
  return refuse(call, LAIC_INVALID_ARTIFACT, "the function's operands do not fit it");
}

inline const laic_host_tensor_t &input(const laic_host_call_t *call, uint32_t i) { return call->tensors[i]; }
inline const laic_host_tensor_t &output(const laic_host_call_t *call, uint32_t i) { return call->tensors[call->inputs + i]; }

inline bool counts(const laic_host_call_t *call, uint32_t inputs, uint32_t outputs, uint32_t parameters) {
  return call->inputs == inputs && call->outputs == outputs && call->parameter_count == parameters;
}
inline bool isStrings(const laic_host_tensor_t &tensor) { return tensor.type == LAIC_STRING; }
inline bool isBytes(const laic_host_tensor_t &tensor) { return tensor.type == LAIC_I8 || tensor.type == LAIC_U8; }
inline bool isFlags(const laic_host_tensor_t &tensor) { return tensor.type == LAIC_I8 || tensor.type == LAIC_BOOL; }
inline bool isIntegers(const laic_host_tensor_t &tensor) { return tensor.type == LAIC_I64; }

inline laic_string_t *strings(const laic_host_tensor_t &tensor) { return static_cast<laic_string_t *>(tensor.data); }
inline int64_t *integers(const laic_host_tensor_t &tensor) { return static_cast<int64_t *>(tensor.data); }

inline bool equal(const laic_string_t &a, const laic_string_t &b) {
  return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

// Strings in one constant: n + 1 offsets of 8 bytes, then the bytes (laic::packStrings).
class Packed {
public:
  // False where the tensor holds no such thing.
  bool open(const laic_host_tensor_t &tensor) {
    bytes = static_cast<const char *>(tensor.data);
    length = tensor.elements;
    if (!isBytes(tensor) || length < sizeof(uint64_t))
      return false;
    uint64_t first = offset(0);
    if (first < sizeof(uint64_t) || first % sizeof(uint64_t) != 0 || first > length)
      return false;
    total = first / sizeof(uint64_t) - 1;
    for (uint64_t i = 0; i < total; ++i)
      if (offset(i) > offset(i + 1) || offset(i + 1) > length)
        return false;
    return true;
  }
  uint64_t size() const { return total; }
  laic_string_t operator[](uint64_t i) const { return {bytes + offset(i), offset(i + 1) - offset(i)}; }

private:
  uint64_t offset(uint64_t i) const {
    uint64_t value;
    memcpy(&value, bytes + i * sizeof value, sizeof value);
    return value;
  }
  const char *bytes = nullptr;
  uint64_t length = 0, total = 0;
};

} // namespace host
} // namespace laic
#endif
