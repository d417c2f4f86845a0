// Strings between the runtime, npz arrays of kind S or U, and std::string.
#ifndef LAIC_RUN_TEXT_H
#define LAIC_RUN_TEXT_H

#include "laic/Support/Npz.h"
#include "laic/runtime.h"

#include <string>
#include <vector>

namespace laic {
namespace run {

inline bool isText(const npz::Array &array) { return array.kind == 'S' || array.kind == 'U'; }

// UTF-8 of each element of an array of kind S or U, without the zeros that fill it up.
std::vector<std::string> textsOf(const npz::Array &array);
// The runtime's strings, dense.
std::vector<std::string> textsOf(const laic_string_t *strings, size_t count);
// An array of kind U, or S where something is no UTF-8.
npz::Array textArray(const std::vector<std::string> &texts, const std::vector<int64_t> &shape);

} // namespace run
} // namespace laic
#endif
