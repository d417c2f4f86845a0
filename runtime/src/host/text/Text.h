// What the library "text" is made of.
#ifndef LAIC_RUNTIME_HOST_TEXT_H
#define LAIC_RUNTIME_HOST_TEXT_H

#include "HostArguments.h"

#include <string>
#include <string_view>

namespace laic {
namespace host {

inline std::string_view view(const laic_string_t &text) {
  return text.size ? std::string_view(text.data, text.size) : std::string_view();
}

// Text for a message: what prints, cut.
std::string quoted(const laic_string_t &text);

// A copy in the call's memory; false when there is none left.
bool store(laic_host_call_t *call, std::string_view text, laic_string_t &out);

// strings, the packed pattern -> which of them it matches as a whole. RE2's syntax.
laic_code_t regexFullMatch(laic_host_call_t *call);
// strings, packed stop words; parameters: case (0 as it is, 1 lower, 2 upper), are stop words compared with their case?
// How many strings are no stop words, but at least 1.
laic_code_t countKept(laic_host_call_t *call);
// Those in the case asked for; one empty string where there are none.
laic_code_t normalize(laic_host_call_t *call);
// Parameter: the number's element type, as laic_type_t.
laic_code_t toNumbers(laic_host_call_t *call);
laic_code_t fromNumbers(laic_host_call_t *call);

} // namespace host
} // namespace laic
#endif
