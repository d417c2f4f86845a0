// LLVM modules to relocation-free code.
#ifndef LAIC_LIB_TARGETS_CPU_OBJECTCODE_H
#define LAIC_LIB_TARGETS_CPU_OBJECTCODE_H

#include "Features.h"
#include "laic/Target/Target.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace laic::cpu {

/// Code and constants of one module, laid out for a page boundary.
struct LinkedCode {
  std::vector<char> bytes;
  std::vector<KernelCode> kernels; // every defined function
};

/// Makes LLVM's X86 and AArch64 back ends available; callable any number of times.
void initialiseBackends();
/// Optimises the module, emits an object and links it. `assembly`, where given, gets the text form too.
llvm::Expected<LinkedCode> compileModule(llvm::Module &module, const Level &level, bool quick, std::string *assembly = nullptr);
/// Lays the sections of an ELF object out and applies its relocations, which must all be relative to the code itself.
llvm::Expected<LinkedCode> linkObject(llvm::StringRef object, const Level &level);

} // namespace laic::cpu
#endif
