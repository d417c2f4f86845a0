// The target's part of a compilation.
#include "Backend.h"

#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;

LogicalResult Backend::dispatch(ModuleOp module) { return target.prepare(module, options); }
LogicalResult Backend::codegen(ModuleOp module) { return module.emitError("codegen is not integrated"); }
LogicalResult Backend::schedule(ModuleOp module) { return success(); }
LogicalResult Backend::emit(ModuleOp module, CompileOutput &output) { return success(); }
