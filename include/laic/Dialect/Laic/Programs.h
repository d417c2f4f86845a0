// The programs of a module: @main, and the functions that laic.call runs.
#ifndef LAIC_DIALECT_LAIC_PROGRAMS_H
#define LAIC_DIALECT_LAIC_PROGRAMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace laic {

/// On functions that laic.call runs: programs on the host, with a schedule of their own.
constexpr llvm::StringLiteral kProgramAttr = "laic.program";

/// @main, where there is one, then the programs that are called, each behind its caller.
inline llvm::SmallVector<mlir::func::FuncOp> programsOf(mlir::ModuleOp module) {
  llvm::SmallVector<mlir::func::FuncOp> programs;
  if (auto main = module.lookupSymbol<mlir::func::FuncOp>("main"))
    programs.push_back(main);
  for (auto func : module.getOps<mlir::func::FuncOp>())
    if (func->hasAttr(kProgramAttr))
      programs.push_back(func);
  return programs;
}

} // namespace laic
#endif
