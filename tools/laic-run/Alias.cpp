// --alias: an output that grows in the memory of an input, such as a key-value cache.
#include "Failure.h"
#include "Session.h"

using namespace laic;
using namespace laic::run;

namespace {

size_t findOutput(const laic_module_t *module, const std::string &name) {
  for (size_t i = 0; i < laic_module_output_count(module); ++i) {
    laic_tensor_info_t info;
    info.struct_size = sizeof info;
    check(laic_module_output(module, i, &info));
    if (name == info.name)
      return i;
  }
  throw Failure(kExitUsage, "--alias: the artifact has no output '" + name + "'");
}

size_t findInput(const std::vector<Tensor> &inputs, const std::string &name) {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].name == name)
      return i;
  throw Failure(kExitUsage, "--alias: the artifact has no input '" + name + "'");
}

void bindAlias(laic_module_t *module, laic_context_t *context, std::vector<Tensor> &inputs, const AliasRequest &request) {
  const size_t output = findOutput(module, request.output), input = findInput(inputs, request.input);
  if (!laic_module_may_alias(module, output, input))
    throw Failure(kExitFault, "--alias: output '" + request.output + "' may not share memory with input '" + request.input +
                                  "'; the compiler has not proven it safe");
  Tensor &tensor = inputs[input];
  if (request.axis >= tensor.sizes.size() || request.capacity < tensor.sizes[request.axis])
    throw Failure(kExitUsage, "--alias: axis " + std::to_string(request.axis) + " with capacity " +
                                  std::to_string(request.capacity) + " does not fit input '" + request.input + "', " +
                                  describe(tensor.type, tensor.sizes.data(), tensor.sizes.size()));
  growCapacity(tensor, request.axis, request.capacity);
  laic_binding_t binding = tensor.binding();
  check(laic_bind_input(context, input, &binding));

  laic_binding_t shape;
  shape.struct_size = sizeof shape;
  check(laic_infer(context));
  check(laic_output(context, output, &shape));
  bool fits = static_cast<size_t>(shape.rank) == tensor.sizes.size() && shape.type == tensor.type;
  for (size_t i = 0; fits && i < tensor.sizes.size(); ++i)
    fits = i == request.axis ? shape.sizes[i] <= request.capacity : shape.sizes[i] == tensor.sizes[i];
  if (!fits)
    throw Failure(kExitFault, "--alias: output '" + request.output + "', " +
                                  describe(shape.type, shape.sizes, static_cast<size_t>(shape.rank)) +
                                  ", does not fit into the memory of input '" + request.input + "'");
  binding.sizes = nullptr; // whatever the run computes
  check(laic_bind_output(context, output, &binding));
}

} // namespace

void run::bindAliases(laic_module_t *module, laic_context_t *context, std::vector<Tensor> &inputs,
                      const std::vector<AliasRequest> &requests) {
  for (const AliasRequest &request : requests)
    bindAlias(module, context, inputs, request);
}
