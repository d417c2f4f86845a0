/* laic compiler: compiles an ONNX model into an artifact, in process. C11; the library is liblaic.so.
 *
 * Objects.   An options object says how to compile and whom to tell; it may be used for any number of compilations, by several
 *            threads at once as long as nobody changes it. A result holds what one compilation made.
 * Threads.   There is no global state: any number of compilations may run at the same time in one process. Callbacks are called
 *            on the thread that called laic_compile_*, never after it has returned.
 * Errors.    Codes are the exit codes of the `laic` command. Whatever is wrong with the model, the options or the disk is
 *            reported through the diagnostics callback; no input makes the library abort, exit or raise a signal.
 * Files.     Output files appear whole or not at all (write, rename).
 * Structs    that cross the interface start with struct_size; they only grow.
 */
#ifndef LAIC_C_LAIC_H
#define LAIC_C_LAIC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define LAIC_COMPILER_API
#else
#define LAIC_COMPILER_API __attribute__((visibility("default")))
#endif

typedef struct laic_compile_options laic_compile_options_t;
typedef struct laic_compile_result laic_compile_result_t;

typedef enum laic_compile_code {
  LAIC_COMPILE_OK = 0,
  LAIC_COMPILE_FAILED = 1,    /* the model, its data or the disk is at fault; diagnostics say how */
  LAIC_COMPILE_USAGE = 2,     /* an unknown option or a value that it does not take; diagnostics say which */
  LAIC_COMPILE_CANCELLED = 3, /* the progress callback asked to stop */
  LAIC_COMPILE_DEFECT = 70    /* a defect of the compiler; the diagnostic names the path of a reproducer */
} laic_compile_code_t;

typedef enum laic_severity {
  LAIC_SEVERITY_ERROR = 0,
  LAIC_SEVERITY_WARNING = 1,
  LAIC_SEVERITY_REMARK = 2 /* what was fused, chosen or declined; only with the option "explain" */
} laic_severity_t;

/* One diagnostic. Strings are UTF-8 and live until the callback returns. */
typedef struct laic_diagnostic {
  size_t struct_size;
  laic_severity_t severity;
  const char *message; /* one lower-case sentence that names model, node, operator and opset; never NULL */
  const char *note;    /* further places and the cure, one per line; NULL when there are none */
} laic_diagnostic_t;

typedef void (*laic_diagnostic_fn)(void *self, const laic_diagnostic_t *diagnostic);

/* Called now and then: phase is "import", "simplify", ..., "emit"; done of total steps of that phase. A value
 * other than 0 asks to stop; the compilation then returns LAIC_COMPILE_CANCELLED and leaves no file. */
typedef int (*laic_progress_fn)(void *self, const char *phase, uint64_t done, uint64_t total);

/* "0.1.0". */
LAIC_COMPILER_API const char *laic_compiler_version(void);

/* ---- options ---- */

/* NULL when out of memory. */
LAIC_COMPILER_API laic_compile_options_t *laic_compile_options_create(void);
LAIC_COMPILER_API void laic_compile_options_destroy(laic_compile_options_t *options); /* accepts NULL */

/* key: a long option of the `laic` command without its dashes: "target", "cpu", "chip", "dim" ("NAME=VALUE"),
 * "external-data-root", "emit", "explain", "dump-phases", "from", "to", ... "dim" may be set once per name;
 * every other key keeps the value set last. A flag takes "1" or "0". Both strings are copied. Returns
 * LAIC_COMPILE_USAGE for a key that does not exist (nothing is changed); values are checked by
 * laic_compile_*. */
LAIC_COMPILER_API laic_compile_code_t laic_compile_options_set(laic_compile_options_t *options, const char *key,
                                                               const char *value);

/* Without a callback diagnostics are dropped; the library never prints. */
LAIC_COMPILER_API void laic_compile_options_set_diagnostics(laic_compile_options_t *options, laic_diagnostic_fn fn, void *self);
LAIC_COMPILER_API void laic_compile_options_set_progress(laic_compile_options_t *options, laic_progress_fn fn, void *self);

/* ---- compiling ---- */

/* Compiles the model in the file model_path. External data is looked up beside it and never outside its folder, unless
 * "external-data-root" admits it.
 * options      NULL: defaults.
 * output_path  where the artifact goes (a directory for a target that emits a project). NULL: the bytes are kept in the result.
 * result       set to NULL first; NULL when not wanted (then output_path must be given). Also set when compiling fails, so that
 *              the dependencies read so far can be had; free it with laic_compile_result_destroy. */
LAIC_COMPILER_API laic_compile_code_t laic_compile_file(const laic_compile_options_t *options, const char *model_path,
                                                        const char *output_path, laic_compile_result_t **result);

/* The same for a serialised ModelProto in memory, which must stay unchanged until the call returns.
 * name    stands for the model in diagnostics; NULL: "<memory>".
 * folder  where external data is looked up; NULL: a model with external data is refused. */
LAIC_COMPILER_API laic_compile_code_t laic_compile_memory(const laic_compile_options_t *options, const void *data, size_t size,
                                                          const char *name, const char *folder, const char *output_path,
                                                          laic_compile_result_t **result);

/* ---- results ---- */

LAIC_COMPILER_API void laic_compile_result_destroy(laic_compile_result_t *result); /* accepts NULL */

/* The artifact's bytes when output_path was NULL and compiling succeeded, otherwise NULL and 0. They start on
 * a page (4 KiB), as laic_module_load_memory asks for, and live as long as the result. */
LAIC_COMPILER_API const void *laic_compile_result_data(const laic_compile_result_t *result);
LAIC_COMPILER_API size_t laic_compile_result_size(const laic_compile_result_t *result);

/* Every file that was read: the model and its external data. For depfiles. Owned by the result; NULL past the
 * end. */
LAIC_COMPILER_API size_t laic_compile_result_dependency_count(const laic_compile_result_t *result);
LAIC_COMPILER_API const char *laic_compile_result_dependency(const laic_compile_result_t *result, size_t index);

/* What `laic --explain` prints, when the option "explain" was set; otherwise "". Owned by the result. */
LAIC_COMPILER_API const char *laic_compile_result_explanation(const laic_compile_result_t *result);

/* With the option "quantize": what was done and what it cost, one line. Otherwise "". Owned by the result; NULL is allowed. */
LAIC_COMPILER_API const char *laic_compile_result_quantization(const laic_compile_result_t *result);

#ifdef __cplusplus
}
#endif
#endif
