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
constexpr llvm::StringLiteral kParametersAttr = "laic.parameters";
/// On arguments and results of a program, and on arguments of kernels: the dim along which their memory may have room for more than the
/// tensor has elements (an integer). Strides before that dim are those of the memory; all else is dense.
constexpr llvm::StringLiteral kRoomAttr = "laic.room";
/// On results of a program: the number of the argument whose memory it may share.
constexpr llvm::StringLiteral kGrowsAttr = "laic.grows";
/// Why the plan's device does not run a kernel that the host therefore does.
constexpr llvm::StringLiteral kWhyHostAttr = "laic.why_host";
/// Of a kernel without a body: the function of the runtime that the host calls; the sizes of its dispatches are its parameters.
constexpr llvm::StringLiteral kHostFunctionAttr = "laic.host_function";

} // namespace laic
#endif
