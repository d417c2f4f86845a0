// Loading, sharing and describing modules.
#include "Module.h"

#include "Driver.h"
#include "Status.h"

#include <cstring>

using namespace laic;
using namespace laic::rt;
using namespace laic::artifact;

static void destroyModule(laic_module *module) {
  for (PlanChoices &plan : module->plans) {
    for (PlanChoice &choice : plan.ordinals) {
      if (choice.state)
        plan.driver->closePlan(*plan.driver, *module, choice.state);
      choice.reason.release(module->allocator);
    }
  }
  for (CodeMapping &code : module->code)
    unmapCode(code);
  module->code.release(module->allocator);
  module->plans.release(module->allocator);
  module->sections.release(module->allocator);
  module->segments.release(module->allocator);
  module->explain.release(module->allocator);
  if (module->ownsFile)
    unmapFile(module->file);
  pthread_mutex_destroy(&module->lock);
  pthread_mutex_destroy(&module->planLock);
  destroy(module->allocator, module);
}

static laic_status_t *openLocked(laic_module &module, uint32_t index, int32_t ordinal, PlanChoice &choice) {
  const Plan &plan = *module.entry->plans()->Get(index);
  const Driver *driver = module.plans[index].driver;
  choice.opened = true;
  if (!driver) {
    choice.reason.append(module.allocator, "this runtime has no driver '%s'", plan.device()->c_str());
  } else if (laic_status_t *status = driver->openPlan(*driver, module, plan, ordinal, &choice.state)) {
    choice.state = nullptr;
    if (laic_status_code(status) == LAIC_OUT_OF_MEMORY) {
      choice.opened = false;
      return status;
    }
    choice.reason.append(module.allocator, "%s", laic_status_message(status));
    laic_status_free(status);
  }
  module.explain.append(module.allocator, "plan %u (%s): %s%s\n", index, plan.device()->c_str(),
                        choice.state ? "usable" : "not usable: ", choice.state ? "" : choice.reason.get());
  return nullptr;
}

laic_status_t *rt::openChoice(laic_module &module, uint32_t plan, int32_t ordinal, const PlanChoice **out) {
  if (ordinal >= kMaxOrdinals)
    return fail(LAIC_INVALID_ARGUMENT, "device number %d: at most %d are possible", ordinal, kMaxOrdinals - 1);
  pthread_mutex_lock(&module.planLock);
  PlanChoice &choice = module.plans[plan].ordinals[1 + ordinal];
  laic_status_t *status = choice.opened ? nullptr : openLocked(module, plan, ordinal, choice);
  pthread_mutex_unlock(&module.planLock);
  *out = &choice;
  return status;
}

// A plan that cannot run here is no error: another may, and the signature can be read in any case.
static laic_status_t *findPlans(laic_module &module) {
  uint32_t plans = count(module.entry->plans());
  if (!module.plans.allocate(module.allocator, plans))
    return outOfMemory();
  for (uint32_t i = 0; i < plans; ++i) {
    const Plan &plan = *module.entry->plans()->Get(i);
    const Driver *driver = module.plans[i].driver = findDriver(plan.device()->c_str(), plan.device()->size());
    const PlanChoice *choice;
    if (!driver || driver->host)
      LAIC_TRY(openChoice(module, i, -1, &choice));
  }
  return nullptr;
}

static laic_status_t *verifyAndOpen(laic_module &module, laic_verify_t level) {
  const uint8_t *program;
  size_t programSize = 0;
  LAIC_TRY(verifyFile(module, level, &program, &programSize));
  LAIC_TRY(verifyProgram(module, program, programSize));
  return findPlans(module);
}

static laic_status_t *checkOptions(const laic_module_options_t *options) {
  if (!options)
    return nullptr;
  if (options->struct_size < sizeof *options)
    return fail(LAIC_INVALID_ARGUMENT, "laic_module_load: struct_size of the options is not set");
  int verify; // a caller may have written any number, which C++ must not read as the enum
  static_assert(sizeof verify == sizeof options->verify);
  memcpy(&verify, &options->verify, sizeof verify);
  if (verify != LAIC_VERIFY_FULL && verify != LAIC_VERIFY_STRUCTURE)
    return fail(LAIC_INVALID_ARGUMENT, "laic_module_load: verify is %d", verify);
  if (!Allocator::isValid(options->allocator))
    return fail(LAIC_INVALID_ARGUMENT, "laic_module_load: the allocator lacks struct_size or a function");
  return nullptr;
}

// Takes over `file` when `owned`, also on failure.
static laic_status_t *load(MappedFile file, bool owned, const laic_module_options_t *options, laic_module_t **out) {
  Allocator allocator(options ? options->allocator : nullptr);
  laic_module *module = create<laic_module>(allocator, allocator);
  if (!module) {
    if (owned)
      unmapFile(file);
    return outOfMemory();
  }
  module->file = file;
  module->ownsFile = owned;
  if (laic_status_t *status = verifyAndOpen(*module, options ? options->verify : LAIC_VERIFY_FULL)) {
    destroyModule(module);
    return status;
  }
  *out = module;
  return nullptr;
}

laic_status_t *rt::codeOf(laic_module &module, uint32_t segment, const uint8_t **out) {
  const SegmentView &view = module.segments[segment];
  CodeMapping &code = module.code[segment];
  laic_status_t *status = nullptr;
  pthread_mutex_lock(&module.lock);
  if (!code.data)
    status = mapCode(module.file.descriptor, view.offset, view.data, view.length, code);
  *out = code.data;
  pthread_mutex_unlock(&module.lock);
  return status;
}

static laic_status_t *describe(const Tensor &tensor, laic_tensor_info_t *out) {
  if (!out || out->struct_size < sizeof *out)
    return fail(LAIC_INVALID_ARGUMENT, "laic_tensor_info_t: struct_size is not set");
  size_t size = out->struct_size;
  memset(out, 0, sizeof *out);
  out->struct_size = size;
  out->name = tensor.name()->c_str();
  out->type = static_cast<laic_type_t>(tensor.type());
  out->rank = static_cast<int32_t>(count(tensor.shape()));
  for (int32_t i = 0; i < out->rank; ++i) {
    const Dim &dim = *tensor.shape()->Get(static_cast<uint32_t>(i));
    out->dims[i] = dim.value();
    out->symbols[i] = dim.value() < 0 && dim.symbol() ? dim.symbol()->c_str() : nullptr;
  }
  return nullptr;
}

extern "C" {

laic_status_t *laic_module_load(const char *path, const laic_module_options_t *options, laic_module_t **out) {
  if (!out)
    return fail(LAIC_INVALID_ARGUMENT, "laic_module_load: out is NULL");
  *out = nullptr;
  if (!path)
    return fail(LAIC_INVALID_ARGUMENT, "laic_module_load: path is NULL");
  LAIC_TRY(checkOptions(options));
  MappedFile file;
  LAIC_TRY(mapFile(path, file));
  return load(file, true, options, out);
}

laic_status_t *laic_module_load_memory(const void *data, size_t size, const laic_module_options_t *options, laic_module_t **out) {
  constexpr uintptr_t kPage = 4096;
  if (!out)
    return fail(LAIC_INVALID_ARGUMENT, "laic_module_load_memory: out is NULL");
  *out = nullptr;
  LAIC_TRY(checkOptions(options));
  if (!data || reinterpret_cast<uintptr_t>(data) % kPage != 0)
    return fail(LAIC_INVALID_ARGUMENT, "laic_module_load_memory: data does not start on a page of %d bytes",
                static_cast<int>(kPage));
  MappedFile file;
  file.data = static_cast<const uint8_t *>(data);
  file.size = size;
  return load(file, false, options, out);
}

void laic_module_retain(laic_module_t *module) {
  if (module)
    module->references.fetch_add(1, std::memory_order_relaxed);
}

void laic_module_release(laic_module_t *module) {
  if (module && module->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    destroyModule(module);
}

size_t laic_module_input_count(const laic_module_t *module) { return count(module->entry->inputs()); }

size_t laic_module_output_count(const laic_module_t *module) { return count(module->entry->outputs()); }

laic_status_t *laic_module_input(const laic_module_t *module, size_t index, laic_tensor_info_t *out) {
  if (index >= laic_module_input_count(module))
    return fail(LAIC_INVALID_ARGUMENT, "input %zu of %zu", index, laic_module_input_count(module));
  return describe(*module->entry->inputs()->Get(static_cast<uint32_t>(index)), out);
}

laic_status_t *laic_module_output(const laic_module_t *module, size_t index, laic_tensor_info_t *out) {
  if (index >= laic_module_output_count(module))
    return fail(LAIC_INVALID_ARGUMENT, "output %zu of %zu", index, laic_module_output_count(module));
  return describe(*module->entry->outputs()->Get(static_cast<uint32_t>(index)), out);
}

int laic_module_may_alias(const laic_module_t *module, size_t output, size_t input) {
  if (output >= laic_module_output_count(module))
    return 0;
  const auto *list = module->entry->outputs()->Get(static_cast<uint32_t>(output))->may_alias();
  for (uint32_t i = 0; i < count(list); ++i)
    if (list->Get(i) == input)
      return 1;
  return 0;
}

const char *laic_module_explain(const laic_module_t *module) { return module->explain.get(); }

} // extern "C"
