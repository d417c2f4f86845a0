// Loads modules and places their variables in device memory.
#include "Module.h"

#include "Decoder.h"

#include <algorithm>
#include <cstring>
#include <tuple>

using namespace laic::ptx;

std::unique_ptr<Module> Module::load(std::string_view text, Diagnostics &diagnostics) {
  ModuleSyntax syntax = parse(text, diagnostics);
  if (diagnostics.empty() && syntax.version.empty())
    diagnostics.push_back({0, "no .version: this is no PTX module"});
  std::unique_ptr<Module> module(new Module);
  module->version_ = syntax.version;
  module->target_ = syntax.target;
  module->variables_ = syntax.variables;
  Diagnostics found;
  for (const KernelSyntax &kernel : syntax.kernels) {
    Diagnostics own;
    module->kernels_.push_back(decode(kernel, module->variables_, own));
    found.insert(found.end(), own.begin(), own.end());
  }
  diagnostics.insert(diagnostics.end(), found.begin(), found.end());
  std::sort(diagnostics.begin(), diagnostics.end(),
            [](const Diagnostic &a, const Diagnostic &b) { return std::tie(a.line, a.message) < std::tie(b.line, b.message); });
  return diagnostics.empty() ? std::move(module) : nullptr;
}

bool Module::place(DeviceMemory &memory) {
  addresses.assign(variables_.size(), 0);
  for (size_t i = 0; i < variables_.size(); ++i) {
    const Variable &variable = variables_[i];
    if (variable.space == Space::Shared)
      continue;
    addresses[i] = memory.allocate(variable.bytes);
    if (!addresses[i]) {
      unplace(memory);
      return false;
    }
    // Without an initialiser it is zero, as the language says; so is new memory, which only has to count as written.
    const uint8_t zero = 0;
    if (!variable.data.empty())
      memory.copyIn(addresses[i], variable.data.data(), variable.data.size());
    else if (memory.tracksWrites())
      memory.fill(addresses[i], &zero, 1, variable.bytes);
  }
  for (Kernel &kernel : kernels_)
    for (const Relocation &relocation : kernel.relocations) {
      const uint64_t address = addresses[relocation.variable] + static_cast<uint64_t>(relocation.addend);
      for (unsigned lane = 0; lane < kWarpSize; ++lane)
        memcpy(&kernel.constants[relocation.constant + lane * relocation.width], &address, relocation.width);
    }
  return true;
}

void Module::unplace(DeviceMemory &memory) {
  for (uint64_t &address : addresses)
    if (address) {
      memory.release(address);
      address = 0;
    }
}

const Kernel *Module::find(std::string_view name) const {
  for (const Kernel &kernel : kernels_)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}
