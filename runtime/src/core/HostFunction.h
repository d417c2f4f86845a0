/* Functions that steps call on the host: the runtime's own, and those of the optional libraries beside it (src/host).
 *
 * Plain C, so that such a library need not be built by the compiler that built the runtime, nor link it. Changing anything here raises
 * LAIC_HOST_ABI_VERSION.
 */
#ifndef LAIC_HOST_FUNCTION_H
#define LAIC_HOST_FUNCTION_H

#include "laic/runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LAIC_HOST_ABI_VERSION 1

/* One operand, dense and row-major. The type is that of the plan's buffer: booleans and unsigned integers come as signed integers of
 * their size. Elements of LAIC_STRING are laic_string_t. */
typedef struct laic_host_tensor {
  void *data; /* may be NULL where there are no elements */
  laic_type_t type;
  uint32_t rank;
  const int64_t *sizes;
  uint64_t elements;
} laic_host_tensor_t;

typedef struct laic_host_call laic_host_call_t;
struct laic_host_call {
  size_t struct_size;
  const laic_host_tensor_t *tensors; /* inputs, then outputs */
  uint32_t inputs;
  uint32_t outputs;
  const int64_t *parameters;
  uint32_t parameter_count;
  /* Memory for what the strings of the outputs point to, aligned to 16 bytes: it lives until the context runs again. NULL: there is
   * none left. */
  void *(*allocate)(laic_host_call_t *call, uint64_t bytes);
  void *self;
  char message[256]; /* filled before a function returns anything but LAIC_OK and LAIC_OUT_OF_MEMORY */
};

/* Called on the thread that called laic_run. A function trusts neither the number, types and sizes of its operands nor their contents,
 * but strings point to what they say. */
typedef laic_code_t (*laic_host_fn)(laic_host_call_t *call);

typedef struct laic_host_function {
  const char *name; /* behind "<library>." */
  laic_host_fn function;
} laic_host_function_t;

typedef struct laic_host_library {
  uint32_t abi; /* LAIC_HOST_ABI_VERSION */
  uint32_t count;
  const laic_host_function_t *functions;
} laic_host_library_t;

/* What an optional library exports as `laic_host_library`. */
typedef const laic_host_library_t *(*laic_host_library_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
