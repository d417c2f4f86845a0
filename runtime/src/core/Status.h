// Making status objects.
#ifndef LAIC_RUNTIME_STATUS_H
#define LAIC_RUNTIME_STATUS_H

#include "laic/runtime.h"

// Returns the status of a call that failed.
#define LAIC_TRY(expression)                                                                                                     \
  do {                                                                                                                           \
    if (laic_status_t *status_ = (expression))                                                                                   \
      return status_;                                                                                                            \
  } while (0)

namespace laic {
namespace rt {

// Never NULL: without memory it is the one shared "out of memory" status. Text beyond 1,000 bytes is cut.
laic_status_t *fail(laic_code_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));
laic_status_t *outOfMemory();

} // namespace rt
} // namespace laic
#endif
