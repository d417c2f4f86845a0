/* Runs an artifact on raw arrays: for machines that have the runtime's sources and a C compiler, such as an emulated one.

   RunRaw ARTIFACT THREADS FOLDER [DIMS...]
     DIMS    sizes of one input, as 1x3x224x224 ("-" for a scalar); its bytes are FOLDER/i<index>.bin
   Writes FOLDER/o<index>.bin and prints each output's type (a number of onnx.TensorProto.DataType) and sizes on a line. Exit code 1
   with the runtime's message on failure. */
#include "laic/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kMaxRank = 16 };

static int report(laic_status_t *status) {
  fprintf(stderr, "error: %s\n", laic_status_message(status));
  laic_status_free(status);
  return 1;
}

static int complain(const char *what, const char *path) {
  fprintf(stderr, "error: cannot %s %s\n", what, path);
  return 1;
}

/* All bytes of a file, which the caller frees; NULL where it cannot be read. */
static void *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file)
    return NULL;
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  void *bytes = aligned_alloc(64, ((size_t)size + 64) / 64 * 64);
  if (bytes && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
    free(bytes);
    bytes = NULL;
  }
  fclose(file);
  return bytes;
}

static int32_t parse_sizes(const char *text, int64_t *sizes) {
  int32_t rank = 0;
  while (*text && *text != '-' && rank < kMaxRank) {
    char *end;
    sizes[rank++] = strtoll(text, &end, 10);
    text = *end == 'x' ? end + 1 : end;
  }
  return rank;
}

static int write_output(const laic_binding_t *output, const char *path) {
  size_t count = laic_type_size(output->type);
  printf("%d ", (int)output->type);
  for (int32_t i = 0; i < output->rank; ++i) {
    count *= (size_t)output->sizes[i];
    printf("%lld%s", (long long)output->sizes[i], i + 1 < output->rank ? "x" : "");
  }
  puts(output->rank ? "" : "-");
  FILE *file = fopen(path, "wb");
  if (!file)
    return complain("write", path);
  int written = fwrite(output->data, 1, count, file) == count;
  return fclose(file) == 0 && written ? 0 : complain("write", path);
}

int main(int argc, char **argv) {
  if (argc < 4)
    return complain("run without", "ARTIFACT THREADS FOLDER [DIMS...]");
  char path[4096];
  laic_module_t *module;
  laic_context_t *context;
  laic_status_t *status = laic_module_load(argv[1], NULL, &module);
  if (status)
    return report(status);
  laic_pool_options_t threads = {.struct_size = sizeof threads, .threads = (uint32_t)atoi(argv[2])};
  laic_context_options_t options = {.struct_size = sizeof options};
  if ((status = laic_pool_create(&threads, &options.pool)))
    return report(status);
  if ((status = laic_context_create(module, &options, &context)))
    return report(status);
  for (int i = 4; i < argc; ++i) {
    laic_tensor_info_t info = {.struct_size = sizeof info};
    int64_t sizes[kMaxRank];
    laic_binding_t input = {.struct_size = sizeof input, .sizes = sizes, .rank = parse_sizes(argv[i], sizes)};
    snprintf(path, sizeof path, "%s/i%d.bin", argv[3], i - 4);
    if (!(input.data = read_file(path)))
      return complain("read", path);
    if ((status = laic_module_input(module, (size_t)i - 4, &info)))
      return report(status);
    input.type = info.type;
    if ((status = laic_bind_input(context, (size_t)i - 4, &input)))
      return report(status);
  }
  if ((status = laic_run(context)))
    return report(status);
  for (size_t i = 0; i < laic_module_output_count(module); ++i) {
    laic_binding_t output = {.struct_size = sizeof output};
    if ((status = laic_output(context, i, &output)))
      return report(status);
    snprintf(path, sizeof path, "%s/o%zu.bin", argv[3], i);
    if (write_output(&output, path))
      return 1;
  }
  laic_context_release(context);
  laic_pool_release(options.pool);
  laic_module_release(module);
  return 0;
}
