// The JSON form: the same facts by name.
#include "Expressions.h"
#include "Print.h"

#include "laic/runtime.h"

#include <nlohmann/json.hpp>

using namespace laic;
using namespace laic::inspect;
using namespace laic::artifact;
using nlohmann::json;

namespace {

std::string hex(const uint8_t *bytes, size_t size) {
  static const char digits[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < size; ++i)
    out += {digits[bytes[i] >> 4], digits[bytes[i] & 15]};
  return out;
}

const char *typeName(ElementType type) { return laic_type_name(static_cast<laic_type_t>(type)); }

json sectionsOf(const ArtifactFile &file) {
  json list = json::array();
  for (const SectionEntry &section : file.sections())
    list.push_back({{"kind", sectionName(section.kind)},
                    {"offset", section.offset},
                    {"length", section.length},
                    {"critical", (section.flags & kSectionCritical) != 0},
                    {"look_up", (section.flags & kSectionLookUp) != 0},
                    {"xxh3_128", hex(section.hash, sizeof section.hash)}});
  return list;
}

json tensorOf(const Entry &entry, const Tensor &tensor) {
  json shape = json::array(), aliases = json::array();
  for (uint32_t i = 0; i < count(tensor.shape()); ++i) {
    const Dim &dim = *tensor.shape()->Get(i);
    const std::string symbol = text(dim.symbol());
    shape.push_back(dim.value() >= 0 ? json(dim.value()) : symbol.empty() ? json(nullptr) : json(symbol));
  }
  for (uint32_t i = 0; i < count(tensor.may_alias()); ++i)
    aliases.push_back(text(entry.inputs()->Get(tensor.may_alias()->Get(i))->name()));
  json out = {{"name", text(tensor.name())}, {"type", typeName(tensor.type())}, {"shape", shape}};
  if (!aliases.empty())
    out["may_alias"] = aliases;
  if (tensor.room_dim() != kNoDim)
    out["room_dim"] = tensor.room_dim();
  return out;
}

json sizesOf(const flatbuffers::Vector<uint32_t> *scalars, const Expressions &sizes) {
  json list = json::array();
  for (uint32_t i = 0; i < count(scalars); ++i)
    list.push_back(sizes[scalars->Get(i)]);
  return list;
}

json stepOf(const Program &program, const Step &step, const Expressions &sizes) {
  json operands = json::array();
  for (uint32_t i = 0; i < count(step.operands()); ++i)
    operands.push_back(step.operands()->Get(i));
  const Node &node = *program.nodes()->Get(step.node());
  json out = {{"kind", stepName(step.kind())}, {"operands", operands},  {"outputs", step.outputs()},
              {"node", text(node.name())},     {"op", text(node.op())}, {"barrier", step.barrier()}};
  if (step.kind() == StepKind::Dispatch) {
    out["kernel"] = text(program.kernels()->Get(step.kernel())->name());
    out["tiles"] = sizes[step.tiles()];
    out["workspace"] = sizes[step.workspace()];
    out["scalars"] = sizesOf(step.scalars(), sizes);
  }
  for (uint32_t i = 0; i < count(step.programs()); ++i)
    out["programs"].push_back(text(program.entries()->Get(step.programs()->Get(i))->name()));
  if (step.kind() == StepKind::Read)
    out["read"] = step.kernel();
  if (step.kind() == StepKind::HostCall) {
    out["function"] = text(program.host_functions()->Get(step.kernel()));
    out["scalars"] = sizesOf(step.scalars(), sizes);
  }
  return out;
}

json planOf(const ArtifactFile &file, const Entry &entry, const Plan &plan) {
  const Expressions sizes(entry, plan);
  json definitions = json::object(), checks = json::array(), buffers = json::array(), steps = json::array();
  for (const auto &[name, formula] : sizes.definitions())
    definitions[name] = formula;
  for (uint32_t i = 0; i < count(plan.checks()); ++i) {
    const Check &check = *plan.checks()->Get(i);
    checks.push_back({{"a", sizes[check.a()]},
                      {"relation", check.kind() == CheckKind::Equal ? "==" : ">="},
                      {"b", sizes[check.b()]},
                      {"message", text(check.message())}});
  }
  for (uint32_t i = 0; i < count(plan.buffers()); ++i) {
    const Buffer &buffer = *plan.buffers()->Get(i);
    buffers.push_back(
        {{"place", placeOf(entry, buffer, sizes)}, {"type", typeName(buffer.type())}, {"shape", sizesOf(buffer.shape(), sizes)}});
  }
  for (uint32_t i = 0; i < count(plan.steps()); ++i)
    steps.push_back(stepOf(file.program(), *plan.steps()->Get(i), sizes));
  return {{"device", text(plan.device())},
          {"arena_bytes", sizes[plan.arena_size()]},
          {"sizes", definitions},
          {"checks", checks},
          {"buffers", buffers},
          {"steps", steps}};
}

json kernelsOf(const Program &program) {
  json list = json::array();
  for (uint32_t i = 0; i < count(program.kernels()); ++i) {
    const Kernel &kernel = *program.kernels()->Get(i);
    json variants = json::array();
    for (uint32_t k = 0; k < count(kernel.variants()); ++k) {
      const Variant &variant = *kernel.variants()->Get(k);
      json needs = json::array();
      for (uint32_t r = 0; r < count(variant.requires_()); ++r)
        needs.push_back(variant.requires_()->Get(r)->str());
      variants.push_back(
          {{"requires", needs}, {"segment", variant.segment()}, {"offset", variant.offset()}, {"size", variant.size()}});
    }
    list.push_back({{"name", text(kernel.name())}, {"variants", variants}});
  }
  return list;
}

} // namespace

std::string inspect::asJson(const ArtifactFile &file) {
  const Program &program = file.program();
  json inputs = json::array(), outputs = json::array(), plans = json::array(), programs = json::array(),
       metadata = json::object();
  for (uint32_t i = 0; i < count(file.entry().inputs()); ++i)
    inputs.push_back(tensorOf(file.entry(), *file.entry().inputs()->Get(i)));
  for (uint32_t i = 0; i < count(file.entry().outputs()); ++i)
    outputs.push_back(tensorOf(file.entry(), *file.entry().outputs()->Get(i)));
  for (uint32_t i = 0; i < count(file.entry().plans()); ++i)
    plans.push_back(planOf(file, file.entry(), *file.entry().plans()->Get(i)));
  for (uint32_t i = 1; i < count(program.entries()); ++i) {
    const Entry &entry = *program.entries()->Get(i);
    programs.push_back({{"name", text(entry.name())}, {"plan", planOf(file, entry, *entry.plans()->Get(0))}});
  }
  for (uint32_t i = 0; i < count(program.metadata()); ++i)
    metadata[text(program.metadata()->Get(i)->key())] = text(program.metadata()->Get(i)->value());
  const json root = {{"format", {file.header().major, file.header().minor}},
                     {"bytes", file.size()},
                     {"model", text(program.model())},
                     {"producer", text(program.producer())},
                     {"kernel_abi", program.kernel_abi()},
                     {"metadata", metadata},
                     {"sections", sectionsOf(file)},
                     {"inputs", inputs},
                     {"outputs", outputs},
                     {"plans", plans},
                     {"programs", programs},
                     {"kernels", kernelsOf(program)},
                     {"explain", file.explanation()}};
  return root.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}
