// The registry of host functions: the runtime's own, and optional libraries that are opened when an artifact names them.
#include "HostCalls.h"

#include "Context.h"
#include "Platform.h"
#include "Status.h"

#include "laic/kernel_abi.h"

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

namespace {

struct Optional {
  const char *name;
  const char *file;
  const char *what;
};
constexpr Optional kOptional[] = {{"text", "liblaic_runtime_text.so", "regular expressions, letter case, numbers as text"},
                                  {"image", "liblaic_runtime_image.so", "decoding of images"}};

constexpr const char *kExport = "laic_host_library";
constexpr uint64_t kLeastPiece = 64 * 1024;
constexpr uint64_t kTextAlignment = 16;

laic_status_t *openOptional(const Optional &optional, const char *function, const laic_host_library_t **out) {
  char reason[256];
  laic_host_library_fn entry;
  void *symbol = openBeside(optional.file, kExport, reason, sizeof reason);
  if (!symbol)
    return fail(LAIC_UNSUPPORTED,
                "the artifact calls '%s', which is in %s (%s), an optional library of the runtime that cannot be opened: %s; "
                "install it beside the runtime or in a folder that the system's loader searches",
                function, optional.file, optional.what, reason);
  memcpy(&entry, &symbol, sizeof entry);
  *out = entry();
  if (*out && (*out)->abi == LAIC_HOST_ABI_VERSION)
    return nullptr;
  return fail(LAIC_UNSUPPORTED, "%s has another version than this runtime: install the two together", optional.file);
}

bool startsWith(const char *name, const char *library, size_t length) {
  return strlen(library) == length && memcmp(name, library, length) == 0;
}

void *allocateText(laic_host_call_t *call, uint64_t bytes) {
  laic_context &context = *static_cast<laic_context *>(call->self);
  laic_context &root = rootOf(context); // strings outlive the program that makes them
  return root.texts.allocate(root.allocator, bytes);
}

} // namespace

void *TextArena::allocate(Allocator &allocator, uint64_t bytes) {
  if (bytes > UINT64_MAX / 2)
    return nullptr;
  bytes = (bytes + kTextAlignment - 1) / kTextAlignment * kTextAlignment;
  while (current && bytes > current->capacity - current->used && current->next)
    current = current->next;
  if (!current || bytes > current->capacity - current->used) {
    uint64_t capacity = bytes > kLeastPiece ? bytes : kLeastPiece;
    static_assert(sizeof(Piece) <= kAlignment);
    Piece *piece = static_cast<Piece *>(allocator.allocate(kAlignment + capacity));
    if (!piece)
      return nullptr;
    *piece = {nullptr, capacity, 0};
    (current ? current->next : first) = piece;
    current = piece;
  }
  char *at = reinterpret_cast<char *>(current) + kAlignment + current->used;
  current->used += bytes;
  return at;
}

void TextArena::reset() {
  for (Piece *piece = first; piece; piece = piece->next)
    piece->used = 0;
  current = first;
}

void TextArena::release(Allocator &allocator) {
  while (first) {
    Piece *next = first->next;
    allocator.release(first, kAlignment + first->capacity);
    first = next;
  }
  current = nullptr;
}

bool rt::isHostName(const char *name, size_t length) {
  size_t dots = 0;
  for (size_t i = 0; i < length; ++i) {
    dots += name[i] == '.';
    if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= '0' && name[i] <= '9') && name[i] != '_' && name[i] != '.')
      return false;
  }
  return length <= kMaxHostName && dots == 1 && name[0] != '.' && name[length - 1] != '.';
}

laic_status_t *rt::findHostFunction(const char *name, laic_host_fn *out) {
  const size_t prefix = strcspn(name, ".");
  const laic_host_library_t *library = startsWith(name, "core", prefix) ? &kCoreFunctions : nullptr;
  for (const Optional &optional : kOptional)
    if (startsWith(name, optional.name, prefix))
      LAIC_TRY(openOptional(optional, name, &library));
  for (uint32_t i = 0; library && i < library->count; ++i)
    if (strcmp(name + prefix + 1, library->functions[i].name) == 0) {
      *out = library->functions[i].function;
      return nullptr;
    }
  return fail(LAIC_UNSUPPORTED, "artifact needs a newer runtime: this one has no function '%s'", name);
}

laic_status_t *rt::callHost(laic_context &context, uint32_t index, laic_host_fn function, const laic_tensor *tensors,
                            const int64_t *parameters) {
  const Step &step = *context.plan->steps()->Get(index);
  const uint32_t operands = count(step.operands());
  laic_host_tensor_t list[kMaxHostOperands];
  for (uint32_t k = 0; k < operands; ++k) {
    const uint32_t buffer = step.operands()->Get(k);
    const laic_type_t type = static_cast<laic_type_t>(context.plan->buffers()->Get(buffer)->type());
    list[k] = {tensors[k].data, type, context.buffers[buffer].rank, tensors[k].sizes,
               context.buffers[buffer].bytes / laic_type_size(type)};
  }
  laic_host_call_t call = {};
  call.struct_size = sizeof call;
  call.tensors = list;
  call.inputs = operands - step.outputs();
  call.outputs = step.outputs();
  call.parameters = parameters;
  call.parameter_count = count(step.scalars());
  call.allocate = allocateText;
  call.self = &context;
  const laic_code_t code = function(&call);
  if (code == LAIC_OK)
    return nullptr;
  const Node &node = *context.module->program->nodes()->Get(step.node());
  call.message[sizeof call.message - 1] = 0;
  return fail(code, "node '%s' (%s): %s", textOf(node.name()), textOf(node.op()),
              code == LAIC_OUT_OF_MEMORY ? "out of memory" : call.message);
}

laic_status_t *rt::checkStrings(const laic_context &context) {
  for (const Port &port : context.inputs) {
    if (port.info->type() != ElementType::String)
      continue;
    const laic_string_t *texts = static_cast<const laic_string_t *>(port.dense);
    for (uint64_t i = 0; i < port.bytes / sizeof *texts; ++i)
      if (!texts[i].data && texts[i].size)
        return fail(LAIC_INVALID_ARGUMENT, "input '%s': string %llu has %llu bytes at address 0", port.info->name()->c_str(),
                    static_cast<unsigned long long>(i), static_cast<unsigned long long>(texts[i].size));
  }
  return nullptr;
}
