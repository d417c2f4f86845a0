// The optional library "text": regular expressions, letter case, numbers as text.
#include "Guarded.h"
#include "Text.h"

using namespace laic::host;

namespace {
const laic_host_function_t kFunctions[] = {{"count_kept", guarded<countKept>},
                                           {"from_numbers", guarded<fromNumbers>},
                                           {"normalize", guarded<normalize>},
                                           {"regex_full_match", guarded<regexFullMatch>},
                                           {"to_numbers", guarded<toNumbers>}};
const laic_host_library_t kLibrary = {LAIC_HOST_ABI_VERSION, sizeof kFunctions / sizeof kFunctions[0], kFunctions};
} // namespace

extern "C" LAIC_API const laic_host_library_t *laic_host_library() { return &kLibrary; }
