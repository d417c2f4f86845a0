// Passes that know no target; see Passes.td.
#ifndef LAIC_TRANSFORMS_PASSES_H
#define LAIC_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace laic {

#define GEN_PASS_DECL
#include "laic/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "laic/Transforms/Passes.h.inc"

/// Kernel attributes that codegen leaves on kernel functions for the schedule.
constexpr llvm::StringLiteral kTilesAttr = "laic.tiles";
constexpr llvm::StringLiteral kWorkspaceAttr = "laic.workspace";

} // namespace laic
#endif
