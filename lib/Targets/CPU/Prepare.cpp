// Prepares lowered modules for the CPU target.
#include "Prepare.h"

using namespace mlir;

llvm::LogicalResult laic::prepareForCPU(ModuleOp module, const TargetOptions &options) { return success(); }
