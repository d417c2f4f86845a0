// The readable listing.
#include "Expressions.h"
#include "Print.h"

#include "laic/runtime.h"

#include <cstdarg>
#include <cstdio>

using namespace laic;
using namespace laic::inspect;
using namespace laic::artifact;

namespace {

// Lines of text, formatted.
class Page {
public:
  void line(const char *format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    std::string text(static_cast<size_t>(vsnprintf(nullptr, 0, format, arguments)), ' ');
    vsnprintf(&text[0], text.size() + 1, format, again);
    va_end(again);
    va_end(arguments);
    while (!text.empty() && text.back() == ' ')
      text.pop_back();
    for (char &c : text) // names come from models; a terminal must not obey them
      if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
        c = '?';
    all += text + "\n";
  }
  std::string all;
};

// 1,234,567
std::string grouped(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t i = digits.size(); i > 3; i -= 3)
    digits.insert(i - 3, ",");
  return digits;
}

const char *typeName(ElementType type) { return laic_type_name(static_cast<laic_type_t>(type)); }

void printSections(Page &page, const ArtifactFile &file) {
  page.line("sections");
  for (size_t i = 0; i < file.sections().size(); ++i) {
    const SectionEntry &section = file.sections()[i];
    page.line("  %2zu  %-9s %15s bytes from %s%s%s", i, sectionName(section.kind), grouped(section.length).c_str(),
              grouped(section.offset).c_str(), section.flags & kSectionCritical ? "" : "  (optional)",
              section.flags & kSectionLookUp ? "  (tables, resident where read)" : "");
  }
}

void printSignature(Page &page, const Entry &entry) {
  page.line("signature");
  for (uint32_t i = 0; i < count(entry.inputs()); ++i) {
    const Tensor &input = *entry.inputs()->Get(i);
    page.line("  input   %s: %s", text(input.name()).c_str(), signatureType(input).c_str());
  }
  for (uint32_t i = 0; i < count(entry.outputs()); ++i) {
    const Tensor &output = *entry.outputs()->Get(i);
    std::string aliases;
    for (uint32_t k = 0; k < count(output.may_alias()); ++k)
      aliases += (k ? ", " : "  may alias ") + text(entry.inputs()->Get(output.may_alias()->Get(k))->name());
    if (output.room_dim() != kNoDim)
      aliases += ", grows in place along dim " + std::to_string(output.room_dim());
    page.line("  output  %s: %s%s", text(output.name()).c_str(), signatureType(output).c_str(), aliases.c_str());
  }
}

void printBuffers(Page &page, const Entry &entry, const Plan &plan, const Expressions &sizes) {
  page.line("  buffers");
  for (uint32_t i = 0; i < count(plan.buffers()); ++i) {
    const Buffer &buffer = *plan.buffers()->Get(i);
    page.line("    %%%-4u %-24s %s%s", i, placeOf(entry, buffer, sizes).c_str(), typeName(buffer.type()),
              sizes.shape(buffer.shape()).c_str());
  }
}

void printStep(Page &page, const Program &program, const Plan &plan, uint32_t index, const Expressions &sizes) {
  const Step &step = *plan.steps()->Get(index);
  const uint32_t operands = count(step.operands()), inputs = operands - step.outputs();
  std::string in, out, scalars;
  for (uint32_t k = 0; k < operands; ++k) {
    std::string &list = k < inputs ? in : out;
    list += (list.empty() ? "%" : ", %") + std::to_string(step.operands()->Get(k));
  }
  const bool takesSizes = step.kind() == StepKind::Dispatch || step.kind() == StepKind::HostCall; // calls list dims
  for (uint32_t k = 0; takesSizes && k < count(step.scalars()); ++k)
    scalars += (k ? ", " : "  scalars ") + sizes[step.scalars()->Get(k)];
  const Node &node = *program.nodes()->Get(step.node());
  const std::string origin = text(node.name()) + (text(node.op()).empty() ? "" : " (" + text(node.op()) + ")");
  if (step.kind() == StepKind::Copy) {
    page.line("    %4u  copy %s -> %s  # %s", index, in.c_str(), out.c_str(), origin.c_str());
    return;
  }
  if (step.kind() == StepKind::Read) {
    page.line("    %4u  read %u = %s  # %s", index, step.kernel(), in.c_str(), origin.c_str());
    return;
  }
  if (step.kind() == StepKind::If || step.kind() == StepKind::Loop) {
    std::string programs;
    for (uint32_t k = 0; k < count(step.programs()); ++k)
      programs += (k ? ", " : "") + text(program.entries()->Get(step.programs()->Get(k))->name());
    page.line("    %4u  %s %s(%s) -> %s  # %s", index, stepName(step.kind()), programs.c_str(), in.c_str(), out.c_str(),
              origin.c_str());
    return;
  }
  if (step.kind() == StepKind::HostCall) {
    page.line("    %4u  host function %s(%s) -> %s%s%s  # %s", index, text(program.host_functions()->Get(step.kernel())).c_str(),
              in.c_str(), out.c_str(), scalars.c_str(), step.barrier() ? "" : "  no barrier", origin.c_str());
    return;
  }
  std::string workspace = sizes[step.workspace()] == "0" ? "" : "  workspace " + sizes[step.workspace()];
  page.line("    %4u  %s(%s) -> %s  tiles %s%s%s%s  # %s", index, text(program.kernels()->Get(step.kernel())->name()).c_str(),
            in.c_str(), out.c_str(), sizes[step.tiles()].c_str(), scalars.c_str(), workspace.c_str(),
            step.barrier() ? "" : "  no barrier", origin.c_str());
}

void printPlan(Page &page, const ArtifactFile &file, const Entry &entry, uint32_t index) {
  const Plan &plan = *entry.plans()->Get(index);
  const Expressions sizes(entry, plan);
  page.line("plan %u for %s: %u steps, arena of %s bytes", index, text(plan.device()).c_str(), count(plan.steps()),
            sizes[plan.arena_size()].c_str());
  if (!sizes.definitions().empty()) {
    page.line("  sizes");
    for (const auto &[name, formula] : sizes.definitions())
      page.line("    %s = %s", name.c_str(), formula.c_str());
  }
  if (count(plan.checks()))
    page.line("  checks");
  for (uint32_t i = 0; i < count(plan.checks()); ++i) {
    const Check &check = *plan.checks()->Get(i);
    page.line("    %s %s %s  # %s", sizes[check.a()].c_str(),
              check.kind() == CheckKind::Equal ? "==" : ">=", sizes[check.b()].c_str(), text(check.message()).c_str());
  }
  printBuffers(page, entry, plan, sizes);
  page.line("  steps");
  for (uint32_t i = 0; i < count(plan.steps()); ++i)
    printStep(page, file.program(), plan, i, sizes);
}

void printKernels(Page &page, const Program &program) {
  page.line("kernels");
  for (uint32_t i = 0; i < count(program.kernels()); ++i) {
    const Kernel &kernel = *program.kernels()->Get(i);
    page.line("  %s", text(kernel.name()).c_str());
    for (uint32_t k = 0; k < count(kernel.variants()); ++k) {
      const Variant &variant = *kernel.variants()->Get(k);
      std::string needs;
      for (uint32_t r = 0; r < count(variant.requires_()); ++r)
        needs += (r ? " " : "") + variant.requires_()->Get(r)->str();
      page.line("    %-24s %10s bytes at segment %u + %s", needs.empty() ? "anywhere" : needs.c_str(),
                grouped(variant.size()).c_str(), variant.segment(), grouped(variant.offset()).c_str());
    }
  }
}

} // namespace

const char *inspect::stepName(StepKind kind) {
  switch (kind) {
  case StepKind::Dispatch:
    return "dispatch";
  case StepKind::Copy:
    return "copy";
  case StepKind::Read:
    return "read";
  case StepKind::If:
    return "if";
  case StepKind::Loop:
    return "loop";
  case StepKind::HostCall:
    return "host call";
  }
  return "?";
}

std::string inspect::placeOf(const Entry &entry, const Buffer &buffer, const Expressions &sizes) {
  switch (buffer.storage()) {
  case Storage::Input:
    return "input " + text(entry.inputs()->Get(buffer.index())->name());
  case Storage::Output:
    return "output " + text(entry.outputs()->Get(buffer.index())->name());
  case Storage::Constant:
    return "segment " + std::to_string(buffer.index()) + " + " + std::to_string(buffer.offset());
  case Storage::Arena:
    return "arena + " + sizes[buffer.offset_scalar()];
  case Storage::HostArena:
    return "host arena + " + sizes[buffer.offset_scalar()];
  case Storage::Late:
    return "slot " + std::to_string(buffer.index());
  }
  return "?";
}

std::string inspect::asText(const ArtifactFile &file, const std::string &path) {
  const Program &program = file.program();
  Page page;
  page.line("%s: laic artifact %u.%u, %s bytes", path.c_str(), file.header().major, file.header().minor,
            grouped(file.size()).c_str());
  page.line("model '%s', made by %s, kernel interface %u", text(program.model()).c_str(),
            text(program.producer()).empty() ? "an unknown producer" : text(program.producer()).c_str(), program.kernel_abi());
  for (uint32_t i = 0; i < count(program.metadata()); ++i)
    page.line("  %s = %s", text(program.metadata()->Get(i)->key()).c_str(), text(program.metadata()->Get(i)->value()).c_str());
  double flops = 0;
  for (uint32_t i = 0; i < count(program.nodes()); ++i)
    flops += program.nodes()->Get(i)->flops();
  if (flops > 0)
    page.line("  %.4g floating-point operations per run", flops);
  printSections(page, file);
  printSignature(page, file.entry());
  for (uint32_t i = 0; i < count(file.entry().plans()); ++i)
    printPlan(page, file, file.entry(), i);
  for (uint32_t i = 1; i < count(program.entries()); ++i) {
    const Entry &entry = *program.entries()->Get(i);
    page.line("program %s", text(entry.name()).c_str());
    printSignature(page, entry);
    printPlan(page, file, entry, 0);
  }
  printKernels(page, program);
  page.line("on this machine");
  for (size_t begin = 0, end; (end = file.explanation().find('\n', begin)) != std::string::npos; begin = end + 1)
    page.line("  %s", file.explanation().substr(begin, end - begin).c_str());
  return page.all;
}
