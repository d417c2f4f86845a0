/* A C11 program that uses the runtime: loads argv[1], runs it on ones and prints the first element of the first output. */
#include "laic/runtime.h"

#include <stdio.h>

static int report(laic_status_t *status) {
  fprintf(stderr, "error: %s\n", laic_status_message(status));
  laic_status_free(status);
  return 1;
}

int main(int argc, char **argv) {
  laic_module_t *module;
  laic_context_t *context;
  laic_status_t *status = laic_module_load(argc > 1 ? argv[1] : "model.bin", NULL, &module);
  if (status)
    return report(status);
  if ((status = laic_context_create(module, NULL, &context)))
    return report(status);

  float x[4] = {1, 1, 1, 1};
  int64_t sizes[2] = {1, 4};
  laic_binding_t input = {.struct_size = sizeof input, .data = x, .type = LAIC_F32, .rank = 2, .sizes = sizes};
  laic_binding_t output = {.struct_size = sizeof output};
  if ((status = laic_bind_input(context, 0, &input)) || (status = laic_run(context)) ||
      (status = laic_output(context, 0, &output)))
    return report(status);
  printf("%g\n", ((const float *)output.data)[0]);
  laic_context_release(context);
  laic_module_release(module);
  return 0;
}
