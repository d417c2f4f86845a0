// Functions of libraries that are written in C++: no exception leaves them.
#ifndef LAIC_RUNTIME_HOST_GUARDED_H
#define LAIC_RUNTIME_HOST_GUARDED_H

#include "HostFunction.h"

namespace laic {
namespace host {

template <laic_code_t (*function)(laic_host_call_t *)> laic_code_t guarded(laic_host_call_t *call) {
  try {
    return function(call);
  } catch (...) { // of the standard library: memory alone
    return LAIC_OUT_OF_MEMORY;
  }
}

} // namespace host
} // namespace laic
#endif
