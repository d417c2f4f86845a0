// Status objects: a code and a sentence. They outlive module, context and allocator, so they come from malloc.
#include "Status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct laic_status {
  laic_code_t code;
  char message[1]; // as long as it needs to be
};

static const laic_status noMemory = {LAIC_OUT_OF_MEMORY, {0}};

laic_status_t *laic::rt::outOfMemory() { return const_cast<laic_status_t *>(&noMemory); }

laic_status_t *laic::rt::fail(laic_code_t code, const char *format, ...) {
  char text[1001];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  size_t length = strlen(text);
  laic_status_t *status = static_cast<laic_status_t *>(malloc(sizeof(laic_status) + length));
  if (!status)
    return outOfMemory();
  status->code = code;
  memcpy(status->message, text, length + 1);
  return status;
}

extern "C" {

laic_code_t laic_status_code(const laic_status_t *status) { return status ? status->code : LAIC_OK; }

const char *laic_status_message(const laic_status_t *status) {
  if (!status)
    return "";
  return status == &noMemory ? "out of memory" : status->message;
}

void laic_status_free(laic_status_t *status) {
  if (status != &noMemory)
    free(status);
}

} // extern "C"
