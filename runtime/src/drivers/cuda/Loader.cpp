// Opens libcuda and finds its functions.
#include "Loader.h"

#include "../../core/Status.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

using namespace laic;
using namespace laic::rt;

laic_status_t *cuda::load(Functions &functions) {
  const char *chosen = getenv("LAIC_CUDA_LIBRARY");
  const char *name = chosen && *chosen ? chosen : "libcuda.so.1";
  void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return fail(LAIC_UNSUPPORTED, "there is no NVIDIA driver (%s): install it, or use another device", dlerror());
#define LAIC_CUDA_FIND(member, symbol, parameters)                                                                               \
  if (void *found = dlsym(library, symbol))                                                                                      \
    memcpy(&functions.member, &found, sizeof found);                                                                             \
  else                                                                                                                           \
    return fail(LAIC_UNSUPPORTED, "the NVIDIA driver '%s' is too old: it lacks %s", name, symbol);
  LAIC_CUDA_FUNCTIONS(LAIC_CUDA_FIND)
#undef LAIC_CUDA_FIND
  return nullptr;
}

laic_status_t *cuda::callFailed(const Functions &functions, const char *call, Result result) {
  const char *name = nullptr, *meaning = nullptr;
  functions.errorName(result, &name);
  functions.errorString(result, &meaning);
  if (result == kOutOfMemory)
    return fail(LAIC_OUT_OF_MEMORY, "out of device memory (%s): close other programs on the GPU, or use a smaller model or batch",
                call);
  return fail(LAIC_DEVICE_ERROR, "the NVIDIA driver failed in %s: %s (%d), %s", call, name ? name : "unknown error", result,
              meaning ? meaning : "which it does not explain");
}
