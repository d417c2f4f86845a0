// Runs passes on a function given as text and compares what it computes before and after.
#ifndef LAIC_TEST_TARGETS_CPU_CHECK_H
#define LAIC_TEST_TARGETS_CPU_CHECK_H

#include "Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

#include <functional>

namespace laic::test {

class PassTest : public ::testing::Test {
protected:
  PassTest();

  /// Parses a module with one function, gives every laic.constant pseudo-random contents, evaluates it, runs
  /// `pipeline`, evaluates it again and expects equal results. Dynamic dims of arguments take the values of
  /// `symbols` in order of `laic.symbols`
  /// ({kind = "dim", arg, index}). The rewritten module stays in `module`.
  void check(llvm::StringRef text, std::function<void(mlir::OpPassManager &)> pipeline, llvm::ArrayRef<int64_t> symbols = {});

  /// All operations of a kind in the rewritten function.
  template <typename Op> llvm::SmallVector<Op> all() {
    llvm::SmallVector<Op> found;
    module->walk([&](Op op) { found.push_back(op); });
    return found;
  }
  template <typename Op> int64_t count() { return all<Op>().size(); }
  /// The rewritten module as text, for failure messages.
  std::string print();

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<std::string> remarks;
};

} // namespace laic::test
#endif
