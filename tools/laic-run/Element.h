// Element types outside the runtime: their values as doubles, and how they travel in npz files.
#ifndef LAIC_RUN_ELEMENT_H
#define LAIC_RUN_ELEMENT_H

#include "laic/runtime.h"

#include <cstddef>
#include <cstdint>

namespace laic {
namespace run {

// The npy kind and item size of a type: 'f' 4 for f32, 'u' 2 for bf16 (its bits), 'i' 1 for i4 (its value), ...
struct NpyForm {
  char kind;
  size_t itemSize;
};
NpyForm npyForm(laic_type_t type);

bool isFloat(laic_type_t type);
bool isSigned(laic_type_t type);

// The value of one element. Exact, but for 64-bit integers beyond 2^53.
double decode(laic_type_t type, const void *element);
// The value of an integer or boolean element, as 64 bits of its own signedness.
uint64_t decodeInteger(laic_type_t type, const void *element);
// The nearest element; for types of 16 bits and less one of the nearest.
void encode(laic_type_t type, double value, void *element);
// Does the byte or word hold a value of the type? (i4 holds -8 to 7 in a byte.)
bool isValid(laic_type_t type, const void *element);

} // namespace run
} // namespace laic
#endif
