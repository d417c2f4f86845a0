/* The call interface between compiled CPU kernels and the runtime. Standalone; shared by compiler and runtime.
 *
 * A kernel is position-independent code that imports nothing. It is called once per contiguous range of tiles; ranges may
 * run on any thread in any order, and the result does not depend on how [0, tiles) was split. Changing anything here
 * raises LAIC_KERNEL_ABI_VERSION, which every artifact carries.
 */
#ifndef LAIC_KERNEL_ABI_H
#define LAIC_KERNEL_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LAIC_KERNEL_ABI_VERSION 1

/* One operand: inputs first, then outputs, in the order of the dispatch.
 * sizes:   one per dim, in elements. Rank 0 has none; the pointer may then be NULL.
 * strides: one per dim, in elements. Kernels may assume dense row-major data unless the plan says otherwise.
 * Booleans are one byte, 0 or 1. data is aligned to 64 bytes for arena and weight buffers, to the element size for
 * tensors bound by the caller. */
typedef struct laic_tensor {
  void *data;
  const int64_t *sizes;
  const int64_t *strides;
} laic_tensor_t;

/* Codes of laic_kernel_error_t. Data that comes at run time is checked in the kernel, never trusted. */
enum {
  LAIC_KERNEL_OK = 0,
  LAIC_KERNEL_INDEX_OUT_OF_RANGE = 1, /* value: the index */
  LAIC_KERNEL_BAD_AXIS = 2,           /* value: the axis */
  LAIC_KERNEL_BAD_SIZE = 3,           /* value: the size */
  LAIC_KERNEL_DIVISION_BY_ZERO = 4    /* integer division; value: the dividend */
};

typedef struct laic_kernel_error {
  int32_t code; /* LAIC_KERNEL_* */
  int32_t node; /* set by the runtime: the step that ran */
  int64_t value;
} laic_kernel_error_t;

/* Returns 0, or a LAIC_KERNEL_* code after filling *error. Each call gets an error cell of its own; the runtime keeps the
 * one of the lowest tile. workspace: private to the call, aligned to 64 bytes, of the size the plan states. */
typedef int32_t (*laic_kernel_fn)(const laic_tensor_t *tensors, const int64_t *scalars, int64_t tile_begin, int64_t tile_end,
                                  void *workspace, laic_kernel_error_t *error);

#ifdef __cplusplus
}
#endif
#endif
