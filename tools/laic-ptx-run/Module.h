// A PTX module ready to run: kernels as arrays of decoded instructions.
#ifndef LAIC_PTX_MODULE_H
#define LAIC_PTX_MODULE_H

#include "Instruction.h"
#include "Memory.h"
#include "Syntax.h"

namespace laic {
namespace ptx {

// A register that the hardware fills, such as %tid.x, and where a kernel that reads it finds it.
struct SpecialRegister {
  std::string name;
  uint32_t offset; // in the frame
  uint8_t width;
};

// A constant that is the address of a .global or .const variable, known once the module is placed in a memory.
struct Relocation {
  uint32_t constant; // offset into the constants
  uint8_t width;
  size_t variable; // index into the module's variables
  int64_t addend;
};

struct Kernel {
  std::string name;
  unsigned line = 0;
  std::vector<Variable> params;
  uint32_t paramBytes = 0;
  uint32_t staticShared = 0;  // bytes; dynamic shared memory begins here, aligned as it asks for
  uint32_t dynamicShared = 0; // offset of dynamic shared memory
  uint32_t localBytes = 0;    // of each thread
  uint32_t frameBytes = 0;    // of each warp's registers
  uint32_t registers = 0;
  uint32_t requiredThreads[3] = {0, 0, 0};
  uint32_t maxThreads = 0; // of a block, from .maxntid; 0: the device's limit
  std::vector<SpecialRegister> specials;
  std::vector<uint8_t> constants; // of each, 32 equal lanes
  std::vector<Relocation> relocations;
  std::vector<std::string> opcodes;
  std::vector<Instruction> code;
};

class Module {
public:
  // Null and at least one diagnostic when the text cannot be run.
  static std::unique_ptr<Module> load(std::string_view text, Diagnostics &diagnostics);

  // Allocates the module's .global and .const variables; false when the memory does not suffice. Before any launch.
  bool place(DeviceMemory &memory);
  void unplace(DeviceMemory &memory);

  const Kernel *find(std::string_view name) const;
  const std::vector<Kernel> &kernels() const { return kernels_; }
  const std::vector<Variable> &variables() const { return variables_; }
  const std::string &target() const { return target_; }
  const std::string &version() const { return version_; }

private:
  std::string version_, target_;
  std::vector<Variable> variables_;
  std::vector<uint64_t> addresses;
  std::vector<Kernel> kernels_;
};

} // namespace ptx
} // namespace laic
#endif
