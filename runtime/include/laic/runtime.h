/* laic runtime: loads and runs artifacts made by `laic`. C11, no dependency beyond libc, libm and threads.
 *
 * Objects.   A module is an immutable, verified, mapped artifact; it may be shared by any number of threads and is
 *            reference-counted. A context runs one module's entry for one thread at a time and owns its arena. A pool is a set of
 *            worker threads that contexts share.
 * Errors.    Every fallible call returns a laic_status_t*: NULL on success, otherwise an object to be read with
 *            laic_status_code/message and freed with laic_status_free. Out-parameters come last and are set to NULL first.
 * Memory.    Every create function takes an allocator (NULL: malloc/free). After the first call with given sizes laic_run
 *            allocates nothing.
 * Structs    that cross the interface start with struct_size, set by the caller to sizeof; they only grow.
 */
#ifndef LAIC_RUNTIME_H
#define LAIC_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LAIC_RUNTIME_VERSION_MAJOR 0
#define LAIC_RUNTIME_VERSION_MINOR 1

#if defined(_WIN32)
#define LAIC_API
#else
#define LAIC_API __attribute__((visibility("default")))
#endif

#define LAIC_MAX_RANK 16

typedef struct laic_status laic_status_t;
typedef struct laic_module laic_module_t;
typedef struct laic_context laic_context_t;
typedef struct laic_pool laic_pool_t;

typedef enum laic_code {
  LAIC_OK = 0,
  LAIC_INVALID_ARGUMENT = 1, /* the caller's mistake: wrong name, rank, size, type, binding */
  LAIC_INVALID_ARTIFACT = 2, /* damaged, truncated or hostile file */
  LAIC_UNSUPPORTED = 3,      /* needs a newer runtime, another device or another instruction set */
  LAIC_OUT_OF_MEMORY = 4,
  LAIC_IO_ERROR = 5,
  LAIC_DATA_ERROR = 6, /* a kernel refused the data: index out of range, ... */
  LAIC_DEVICE_ERROR = 7,
  LAIC_CANCELLED = 8
} laic_code_t;

LAIC_API laic_code_t laic_status_code(const laic_status_t *status);    /* LAIC_OK for NULL */
LAIC_API const char *laic_status_message(const laic_status_t *status); /* UTF-8, never NULL, owned by status */
LAIC_API void laic_status_free(laic_status_t *status);                 /* accepts NULL */

typedef struct laic_allocator {
  size_t struct_size;
  void *self;
  void *(*allocate)(void *self, size_t size, size_t alignment); /* NULL when out of memory */
  void (*release)(void *self, void *ptr, size_t size);
} laic_allocator_t;

/* Element types are numbered as onnx.TensorProto.DataType. */
typedef enum laic_type {
  LAIC_F32 = 1,
  LAIC_U8 = 2,
  LAIC_I8 = 3,
  LAIC_U16 = 4,
  LAIC_I16 = 5,
  LAIC_I32 = 6,
  LAIC_I64 = 7,
  LAIC_STRING = 8,
  LAIC_BOOL = 9,
  LAIC_F16 = 10,
  LAIC_F64 = 11,
  LAIC_U32 = 12,
  LAIC_U64 = 13,
  LAIC_BF16 = 16,
  LAIC_F8E4M3FN = 17,
  LAIC_F8E4M3FNUZ = 18,
  LAIC_F8E5M2 = 19,
  LAIC_F8E5M2FNUZ = 20,
  LAIC_U4 = 21,
  LAIC_I4 = 22,
  LAIC_F4E2M1 = 23,
  LAIC_F8E8M0 = 24,
  LAIC_U2 = 25,
  LAIC_I2 = 26,
  LAIC_TYPE_ANY = 0x7fffffff /* no type: lets the enum hold numbers that this version does not know */
} laic_type_t;

LAIC_API const char *laic_type_name(laic_type_t type); /* "f32", "i64", ...; "?" for an unknown one */
LAIC_API size_t laic_type_size(laic_type_t type);      /* bytes of one element in memory; 0 for unknown types. Below a
                                                             byte 1: i4 and i2 as int8_t, u4 and u2 as uint8_t,
                                                             f4e2m1 as its code. Strings: sizeof(laic_string_t) */

/* An element of a LAIC_STRING tensor: UTF-8 text, not terminated, of bytes that the tensor does not own. data may be NULL where size is 0.
 * Inputs: the bytes must stay as they are until the run has ended, and as long as outputs are read, which may point to them.
 * Outputs: the bytes stay valid until the context runs again or is released, or an input that they came from changes. */
typedef struct laic_string {
  const char *data;
  uint64_t size; /* bytes */
} laic_string_t;

/* ---- modules ---- */

typedef enum laic_verify {
  LAIC_VERIFY_FULL = 0,     /* hashes of every byte */
  LAIC_VERIFY_STRUCTURE = 1 /* header, program, code; not the hashes of the weights */
} laic_verify_t;

typedef struct laic_module_options {
  size_t struct_size;
  laic_verify_t verify;
  const laic_allocator_t *allocator;
} laic_module_options_t;

/* Maps and verifies an artifact. options may be NULL. The file must stay unchanged while the module lives. */
LAIC_API laic_status_t *laic_module_load(const char *path, const laic_module_options_t *options, laic_module_t **out);
/* The same for bytes in memory, which must outlive the module and start on a page (4 KiB) so that code can be copied
 * to executable memory. */
LAIC_API laic_status_t *laic_module_load_memory(const void *data, size_t size, const laic_module_options_t *options,
                                                laic_module_t **out);
LAIC_API void laic_module_retain(laic_module_t *module);
LAIC_API void laic_module_release(laic_module_t *module); /* accepts NULL */

/* Signature of the main entry. Strings are owned by the module. */
typedef struct laic_tensor_info {
  size_t struct_size;
  const char *name;
  laic_type_t type;
  int32_t rank;
  int64_t dims[LAIC_MAX_RANK];        /* -1: dynamic */
  const char *symbols[LAIC_MAX_RANK]; /* name of a dynamic dim, or NULL */
} laic_tensor_info_t;

LAIC_API size_t laic_module_input_count(const laic_module_t *module);
LAIC_API size_t laic_module_output_count(const laic_module_t *module);
LAIC_API laic_status_t *laic_module_input(const laic_module_t *module, size_t index, laic_tensor_info_t *out);
LAIC_API laic_status_t *laic_module_output(const laic_module_t *module, size_t index, laic_tensor_info_t *out);
/* May output share memory with input? Proven by the compiler. */
LAIC_API int laic_module_may_alias(const laic_module_t *module, size_t output, size_t input);
/* Which plans, devices and kernel variants the module uses here and why, one line per decision. Plans for other devices than the CPU
 * are looked at when a context first asks for them. Owned by the module, valid until a context is created. */
LAIC_API const char *laic_module_explain(const laic_module_t *module);

/* ---- threads ---- */

typedef struct laic_pool_options {
  size_t struct_size;
  uint32_t threads; /* 0: as many as the affinity mask and the cgroup quota allow */
  const laic_allocator_t *allocator;
} laic_pool_options_t;

LAIC_API laic_status_t *laic_pool_create(const laic_pool_options_t *options, laic_pool_t **out);
LAIC_API void laic_pool_release(laic_pool_t *pool); /* accepts NULL; contexts that use it keep it alive */

/* ---- running ---- */

typedef struct laic_context_options {
  size_t struct_size;
  laic_pool_t *pool;  /* NULL: run on the calling thread alone */
  const char *device; /* NULL: the first usable plan; a plan's device, "cpu", or one of several of its kind, "NAME:1" */
  const laic_allocator_t *allocator;
  int whole_device; /* not 0: refuse a plan (LAIC_UNSUPPORTED) some of whose steps run on the host instead of its device */
} laic_context_options_t;

LAIC_API laic_status_t *laic_context_create(laic_module_t *module, const laic_context_options_t *options, laic_context_t **out);
LAIC_API void laic_context_release(laic_context_t *context); /* accepts NULL */

/* A tensor bound by the caller. strides are in elements, row-major dense when NULL. capacity: bytes that may be touched from
 * data on; 0 means exactly what sizes and strides span. */
typedef struct laic_binding {
  size_t struct_size;
  void *data;
  laic_type_t type;
  int32_t rank;
  const int64_t *sizes;
  const int64_t *strides;
  size_t capacity;
} laic_binding_t;

/* Bindings hold until changed; sizes and strides are copied. An input's sizes must fit the signature. An output bound with
 * data == NULL (or never bound) is allocated by the context and stays valid until the next run with other sizes, or release;
 * one bound with sizes == NULL takes whatever sizes the run computes, inside its capacity (which must be given where a run computes
 * its own sizes, see laic_infer). An output may share memory with an
 * input only where laic_module_may_alias says so.
 * Strides must not be negative. Tensors that are not dense, not aligned to their element size, or shared are copied to or from
 * memory of the context; but not what grows in place along a dim with room (see README.md, "Growing in place"). */
LAIC_API laic_status_t *laic_bind_input(laic_context_t *context, size_t index, const laic_binding_t *binding);
LAIC_API laic_status_t *laic_bind_output(laic_context_t *context, size_t index, const laic_binding_t *binding);

/* Computes the sizes of all outputs from the bound inputs, without running. Sizes that depend on what the run computes (how many
 * elements are not zero, ...) are -1 until laic_run has ended, and data is NULL unless bound. */
LAIC_API laic_status_t *laic_infer(laic_context_t *context);
/* Runs to completion. */
LAIC_API laic_status_t *laic_run(laic_context_t *context);
/* What is bound to an output after laic_infer or laic_run: data, sizes, strides; owned by the context. */
LAIC_API laic_status_t *laic_output(laic_context_t *context, size_t index, laic_binding_t *out);
/* From another thread: makes a running laic_run return LAIC_CANCELLED at the next step. Without effect on later runs. */
LAIC_API void laic_cancel(laic_context_t *context);

/* Called before and after each step of laic_run on the thread that called it; begin is 1 or 0. node: the ONNX node's name. */
typedef void (*laic_trace_fn)(void *self, int begin, const char *node, const char *kernel, int64_t tiles);
LAIC_API void laic_set_trace(laic_context_t *context, laic_trace_fn fn, void *self);

/* Bytes of arena and of the largest workspace in use; how many allocations the context made so far (for tests). */
typedef struct laic_memory_info {
  size_t struct_size;
  uint64_t arena_bytes;
  uint64_t workspace_bytes;
  uint64_t allocations;
} laic_memory_info_t;
LAIC_API void laic_context_memory(const laic_context_t *context, laic_memory_info_t *out);

#ifdef __cplusplus
}
#endif
#endif
