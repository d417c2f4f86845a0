// Names of kernel functions that say what a kernel does: laic_<op>_<dtypes>_<result size>[_<n>].
#ifndef LAIC_LIB_TRANSFORMS_KERNELNAMES_H
#define LAIC_LIB_TRANSFORMS_KERNELNAMES_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include <string>

namespace laic {

class KernelNames {
public:
  /// Names are unique among the module's symbols and those given before.
  explicit KernelNames(mlir::ModuleOp module);
  std::string make(mlir::Operation *root);

private:
  llvm::StringMap<unsigned> taken;
};

} // namespace laic
#endif
