// Which instruction sets this CPU and operating system offer.
#ifndef LAIC_RUNTIME_CPU_FEATURES_H
#define LAIC_RUNTIME_CPU_FEATURES_H

#include <stddef.h>
#include <stdint.h>

namespace laic {
namespace rt {
namespace cpu {

// One bit per known feature; see Features.cpp.
struct Features {
  uint64_t bits;
};

// What the machine has, reduced by the environment variable LAIC_CPU where set: the same spelling as a requirement, for trying the code
// of smaller machines ("x86-64-v3", "x86-64-v3+avxvnni"). It can only take away.
Features detect();

// Does `features` satisfy a requirement: "generic", a level ("x86-64-v3", "aarch64", "aarch64:v8.2"), "+feature", or a level
// followed by features ("aarch64:v8.2+dotprod")? On false, `missing` gets the part that is not there.
bool satisfies(Features features, const char *requirement, char *missing, size_t capacity);

} // namespace cpu
} // namespace rt
} // namespace laic
#endif
