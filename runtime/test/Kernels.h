/* Kernels for tests, laid out as a code segment would be: one after the other in a section of the test program. */
#ifndef LAIC_TEST_KERNELS_H
#define LAIC_TEST_KERNELS_H

#include "laic/kernel_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The first and the last byte of the section that holds all kernels. */
extern const unsigned char __start_laic_kernels[], __stop_laic_kernels[];

/* y[r, c] = x[r, c] + b[c]; a tile is a row. */
int32_t test_add_row(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* y[i] = x[i] + x[i]; a tile is an element of the flat tensor. */
int32_t test_double(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* y[i] = x[index[i]]; a tile is an index, i64, checked against scalars[0]. */
int32_t test_gather(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* y[r] = sum over c of x[r, c], added up in workspace; a tile is a row. Wrong when two threads share a workspace. */
int32_t test_row_sum(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* y = concat(past, next) along dim 0 of [n, k]; a tile is a row of y. */
int32_t test_append(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* present = concat(past, next) along dim 1 of [h, n, 4], by strides; a tile is one of dim 0. Leaves past alone where it is in present. */
int32_t test_grow(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* y[i] = scalars[0] for i64 y. */
int32_t test_fill(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* Fails with the code scalars[0] and the value scalars[1]. */
int32_t test_fail(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);
/* Spins until the i64 behind x[0] is not 0, then copies it to y[0]. */
int32_t test_wait(const laic_tensor_t *, const int64_t *, int64_t, int64_t, void *, laic_kernel_error_t *);

#ifdef __cplusplus
}
#endif
#endif
