// Evaluates lowered functions element by element: the oracle for the CPU target's rewrites.
#ifndef LAIC_TEST_TARGETS_CPU_INTERPRETER_H
#define LAIC_TEST_TARGETS_CPU_INTERPRETER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace laic::test {

/// A tensor in row-major order; every element type is computed in double.
struct Array {
  llvm::SmallVector<int64_t> shape;
  std::vector<double> data;
};

/// Runs a one-block function of tensors. `symbols` are the values of its size symbols. Operations that it
/// does not know end up in `error`.
struct Interpretation {
  std::vector<Array> results;
  std::string error;
};
Interpretation interpret(mlir::func::FuncOp func, llvm::ArrayRef<Array> arguments, llvm::ArrayRef<int64_t> symbols);

} // namespace laic::test
#endif
