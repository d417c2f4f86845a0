// RegexFullMatch by RE2, whose time is linear in the text whatever the pattern.
#include "Text.h"

#include <memory>
#include <re2/re2.h>

using namespace laic;
using namespace laic::host;

namespace {

// The last pattern of this thread: a model has few, and compiling one takes longer than matching.
const RE2 &compiled(std::string_view pattern) {
  thread_local std::unique_ptr<RE2> last;
  if (!last || last->pattern() != pattern) {
    RE2::Options options;
    options.set_log_errors(false);
    last = std::make_unique<RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  }
  return *last;
}

} // namespace

laic_code_t host::regexFullMatch(laic_host_call_t *call) {
  Packed pattern;
  if (!counts(call, 2, 1, 0) || !isStrings(input(call, 0)) || !pattern.open(input(call, 1)) || pattern.size() != 1 ||
      !isFlags(output(call, 0)) || output(call, 0).elements != input(call, 0).elements)
    return misfit(call);
  const RE2 &expression = compiled(view(pattern[0]));
  if (!expression.ok())
    return refuse(call, LAIC_DATA_ERROR, "the pattern is no regular expression of RE2: %s", expression.error().c_str());
  for (uint64_t i = 0; i < input(call, 0).elements; ++i) {
    std::string_view text = view(strings(input(call, 0))[i]);
    static_cast<uint8_t *>(output(call, 0).data)[i] = RE2::FullMatch(re2::StringPiece(text.data(), text.size()), expression);
  }
  return LAIC_OK;
}
