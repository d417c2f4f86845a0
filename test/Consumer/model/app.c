/* Runs the linked model on ones and prints its first output's elements. */
#include "net.h"

#include <laic/runtime.h>

#include <stdio.h>
#include <stdlib.h>

static void check(laic_status_t *status) {
  if (!status)
    return;
  fprintf(stderr, "%s\n", laic_status_message(status));
  exit(1);
}

int main(void) {
  laic_module_t *module;
  laic_context_t *context;
  float input[2 * 4] = {1, 1, 1, 1, 1, 1, 1, 1};
  int64_t sizes[] = {2, 4};
  laic_binding_t in = {sizeof in, input, LAIC_F32, NET_INPUT_0_RANK, sizes, NULL, 0};
  laic_binding_t out = {sizeof out, NULL, LAIC_F32, 0, NULL, NULL, 0};
  check(laic_module_load_memory(net_data, NET_SIZE, NULL, &module));
  check(laic_context_create(module, NULL, &context));
  check(laic_bind_input(context, 0, &in));
  check(laic_run(context));
  check(laic_output(context, 0, &out));
  printf("%s:", NET_OUTPUT_0);
  for (int64_t i = 0; i < out.sizes[0] * out.sizes[1]; ++i)
    printf(" %g", ((float *)out.data)[i]);
  printf("\n");
  laic_context_release(context);
  laic_module_release(module);
  return 0;
}
