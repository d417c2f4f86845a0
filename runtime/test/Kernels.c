/* Kernels for tests. Compiled without sanitizers, library calls and data of their own, so that the section is a relocation-free
 * blob like those that the compiler makes. */
#include "Kernels.h"

#define KERNEL __attribute__((section("laic_kernels"), used, aligned(16)))

KERNEL int32_t test_add_row(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                            laic_kernel_error_t *error) {
  const float *x = t[0].data, *b = t[1].data;
  float *y = t[2].data;
  const int64_t columns = t[2].sizes[1];
  for (int64_t r = begin; r < end; ++r)
    for (int64_t c = 0; c < columns; ++c)
      y[r * columns + c] = x[r * columns + c] + b[c];
  return LAIC_KERNEL_OK;
}

KERNEL int32_t test_double(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                           laic_kernel_error_t *error) {
  const float *x = t[0].data;
  float *y = t[1].data;
  for (int64_t i = begin; i < end; ++i)
    y[i] = x[i] + x[i];
  return LAIC_KERNEL_OK;
}

KERNEL int32_t test_gather(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                           laic_kernel_error_t *error) {
  const float *x = t[0].data;
  const int64_t *index = t[1].data;
  float *y = t[2].data;
  for (int64_t i = begin; i < end; ++i) {
    if (index[i] < 0 || index[i] >= scalars[0]) {
      error->code = LAIC_KERNEL_INDEX_OUT_OF_RANGE;
      error->value = index[i];
      return LAIC_KERNEL_INDEX_OUT_OF_RANGE;
    }
    y[i] = x[index[i]];
  }
  return LAIC_KERNEL_OK;
}

KERNEL int32_t test_row_sum(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                            laic_kernel_error_t *error) {
  const float *x = t[0].data;
  float *y = t[1].data;
  volatile float *sum = workspace;
  const int64_t columns = t[0].sizes[1];
  for (int64_t r = begin; r < end; ++r) {
    *sum = x[r * columns];
    for (int64_t c = 1; c < columns; ++c)
      *sum = *sum + x[r * columns + c];
    y[r] = *sum;
  }
  return LAIC_KERNEL_OK;
}

KERNEL int32_t test_append(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                           laic_kernel_error_t *error) {
  const float *past = t[0].data, *next = t[1].data;
  float *y = t[2].data;
  const int64_t rows = t[0].sizes[0], columns = t[2].sizes[1];
  for (int64_t r = begin; r < end; ++r)
    for (int64_t c = 0; c < columns; ++c)
      y[r * columns + c] = r < rows ? past[r * columns + c] : next[(r - rows) * columns + c];
  return LAIC_KERNEL_OK;
}

KERNEL int32_t test_fill(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                         laic_kernel_error_t *error) {
  int64_t *y = t[0].data;
  for (int64_t i = begin; i < end; ++i)
    y[i] = scalars[0];
  return LAIC_KERNEL_OK;
}

KERNEL int32_t test_fail(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                         laic_kernel_error_t *error) {
  error->value = scalars[1];
  return (int32_t)scalars[0];
}

KERNEL int32_t test_wait(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                         laic_kernel_error_t *error) {
  int64_t *flag = t[0].data, *y = t[1].data;
  while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
  }
  *y = *flag;
  return LAIC_KERNEL_OK;
}

KERNEL int32_t test_grow(const laic_tensor_t *t, const int64_t *scalars, int64_t begin, int64_t end, void *workspace,
                         laic_kernel_error_t *error) {
  (void)scalars, (void)workspace, (void)error;
  for (int64_t h = begin; h < end; ++h) {
    const float *past = (const float *)t[0].data + h * t[0].strides[0], *next = (const float *)t[1].data + h * t[1].strides[0];
    float *present = (float *)t[2].data + h * t[2].strides[0];
    const int64_t old = t[0].sizes[1] * 4, all = t[2].sizes[1] * 4;
    for (int64_t i = t[0].data == t[2].data ? old : 0; i < all; ++i)
      present[i] = i < old ? past[i] : next[i - old];
  }
  return 0;
}
