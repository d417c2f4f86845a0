// Loads, chooses the device, makes and binds inputs.
#include "Session.h"

#include "Failure.h"

#include <cstdio>

using namespace laic;
using namespace laic::run;

void Session::check_(laic_status_t *status) { check(status); }

Session::Session(const Options &options) {
  laic_module_options_t moduleOptions = {};
  moduleOptions.struct_size = sizeof moduleOptions;
  moduleOptions.verify = options.structureOnly ? LAIC_VERIFY_STRUCTURE : LAIC_VERIFY_FULL;
  laic_module_t *module = nullptr;
  check(laic_module_load(options.artifact.c_str(), &moduleOptions, &module));
  loaded.reset(module);
  if (options.threads != 1) {
    laic_pool_options_t poolOptions = {};
    poolOptions.struct_size = sizeof poolOptions;
    poolOptions.threads = options.threads;
    laic_pool_t *created = nullptr;
    check(laic_pool_create(&poolOptions, &created));
    pool.reset(created);
  }
  createContext(options);
  if (options.explain)
    fputs(laic_module_explain(module), stderr);
  bindInputs(options);
}

void Session::createContext(const Options &options) {
  laic_context_options_t contextOptions = {};
  contextOptions.struct_size = sizeof contextOptions;
  contextOptions.pool = pool.get();
  contextOptions.device = options.device.empty() ? nullptr : options.device.c_str();
  contextOptions.whole_device = options.requireDevice;
  laic_context_t *context = nullptr;
  laic_status_t *status = laic_context_create(loaded.get(), &contextOptions, &context);
  if (status && laic_status_code(status) == LAIC_UNSUPPORTED && contextOptions.device && !options.requireDevice) {
    contextOptions.device = nullptr;
    laic_status_t *second = laic_context_create(loaded.get(), &contextOptions, &context);
    if (!second)
      fprintf(stderr, "laic-run: note: %s; running on another device (--require-device makes this an error)\n",
              laic_status_message(status));
    laic_status_free(status);
    status = second;
  }
  check(status);
  running.reset(context);
}

static void checkDims(const laic_module_t *module, const Options &options) {
  for (const auto &[name, size] : options.dims) {
    bool known = false;
    for (size_t i = 0; i < laic_module_input_count(module); ++i) {
      laic_tensor_info_t info;
      info.struct_size = sizeof info;
      check(laic_module_input(module, i, &info));
      for (int32_t d = 0; d < info.rank; ++d)
        known |= info.symbols[d] && name == info.symbols[d];
    }
    if (!known)
      throw Failure(kExitUsage, "--dim: no input has a dynamic dim named '" + name + "'");
  }
}

void Session::bindInputs(const Options &options) {
  if (options.inputs.empty()) {
    checkDims(module(), options);
    inputs = seededInputs(module(), options.dims);
  } else {
    npz::File file;
    std::string error = npz::read(options.inputs, file);
    if (!error.empty())
      throw Failure(kExitFault, error);
    inputs = inputsFromNpz(module(), file, options.inputs);
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const laic_binding_t binding = inputs[i].binding();
    check(laic_bind_input(context(), i, &binding));
  }
  bindAliases(module(), context(), inputs, options.aliases);
}

laic_binding_t Session::output(size_t index) const {
  laic_binding_t binding;
  binding.struct_size = sizeof binding;
  check(laic_output(context(), index, &binding));
  return binding;
}

std::string Session::outputName(size_t index) const {
  laic_tensor_info_t info;
  info.struct_size = sizeof info;
  check(laic_module_output(module(), index, &info));
  return info.name;
}

npz::File Session::outputs() const {
  npz::File file;
  for (size_t i = 0; i < outputCount(); ++i)
    file[outputName(i)] = toArray(output(i));
  return file;
}
