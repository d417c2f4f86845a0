// StringNormalizer: Unicode's simple case mappings, the same in every locale.
#include "Text.h"

#include <set>
#include <utf8proc.h>

using namespace laic;
using namespace laic::host;

namespace {

enum class Case { Same = 0, Lower = 1, Upper = 2 };

// Bytes that are no UTF-8 stay as they are.
std::string mapped(std::string_view text, Case to) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    utf8proc_int32_t point;
    utf8proc_ssize_t size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t *>(text.data()) + at,
                                             static_cast<utf8proc_ssize_t>(text.size() - at), &point);
    if (size <= 0 || point < 0) {
      result += text[at++];
      continue;
    }
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t length = utf8proc_encode_char(to == Case::Lower ? utf8proc_tolower(point) : utf8proc_toupper(point), bytes);
    result.append(reinterpret_cast<const char *>(bytes), static_cast<size_t>(length));
    at += static_cast<size_t>(size);
  }
  return result;
}

class StopWords {
public:
  bool open(const laic_host_call_t *call) {
    Packed packed;
    if (call->inputs != 2 || call->outputs != 1 || call->parameter_count != 2 || !isStrings(input(call, 0)) ||
        !packed.open(input(call, 1)))
      return false;
    exact = call->parameters[1] != 0;
    for (uint64_t i = 0; i < packed.size(); ++i)
      words.insert(exact ? std::string(view(packed[i])) : mapped(view(packed[i]), Case::Lower));
    return true;
  }
  bool contain(const laic_string_t &text) const {
    if (words.empty())
      return false;
    return words.count(exact ? std::string(view(text)) : mapped(view(text), Case::Lower)) > 0;
  }

private:
  std::set<std::string> words;
  bool exact = false;
};

} // namespace

laic_code_t host::countKept(laic_host_call_t *call) {
  StopWords stop;
  if (!stop.open(call) || !isIntegers(output(call, 0)) || output(call, 0).elements != 1)
    return misfit(call);
  int64_t kept = 0;
  for (uint64_t i = 0; i < input(call, 0).elements; ++i)
    kept += !stop.contain(strings(input(call, 0))[i]);
  integers(output(call, 0))[0] = kept ? kept : 1;
  return LAIC_OK;
}

laic_code_t host::normalize(laic_host_call_t *call) {
  StopWords stop;
  if (!stop.open(call) || !isStrings(output(call, 0)) || call->parameters[0] < 0 || call->parameters[0] > 2)
    return misfit(call);
  const Case to = static_cast<Case>(call->parameters[0]);
  const laic_host_tensor_t &from = input(call, 0), &result = output(call, 0);
  uint64_t kept = 0;
  for (uint64_t i = 0; i < from.elements; ++i) {
    const laic_string_t &text = strings(from)[i];
    if (stop.contain(text))
      continue;
    if (kept == result.elements)
      return misfit(call);
    laic_string_t &out = strings(result)[kept++];
    if (to == Case::Same)
      out = text;
    else if (!store(call, mapped(view(text), to), out))
      return LAIC_OUT_OF_MEMORY;
  }
  if (kept == 0 && result.elements == 1)
    strings(result)[kept++] = {nullptr, 0};
  return kept == result.elements ? LAIC_OK : misfit(call);
}
