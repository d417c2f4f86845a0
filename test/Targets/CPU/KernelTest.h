// Compiles kernels given as text, runs the code through the kernel interface and compares it with the interpreter.
#ifndef LAIC_TEST_TARGETS_CPU_KERNELTEST_H
#define LAIC_TEST_TARGETS_CPU_KERNELTEST_H

#include "Interpreter.h"
#include "laic/Target/Target.h"
#include "laic/kernel_abi.h"
#include "mlir/IR/OwningOpRef.h"
#include "gtest/gtest.h"

namespace laic::test {

/// A tensor in memory as kernels see it.
struct Tensor {
  llvm::SmallVector<int64_t> shape;
  mlir::Type element;
  std::vector<char> bytes;
  int64_t count() const;
  double get(int64_t i) const;
  void set(int64_t i, double value);
};
Tensor makeTensor(llvm::ArrayRef<int64_t> shape, mlir::Type element);

/// Code of one level, mapped and callable.
class MappedCode {
public:
  explicit MappedCode(const CodeBlob &blob);
  ~MappedCode();
  MappedCode(const MappedCode &) = delete;
  laic_kernel_fn kernel(size_t i) const;

private:
  const CodeBlob &blob;
  void *memory;
  size_t size;
};

struct Shape {
  llvm::SmallVector<int64_t> dims; // sizes of dynamic dims, tensor by tensor: arguments, then results
  llvm::SmallVector<int64_t> scalars;
};

class KernelTest : public ::testing::Test {
protected:
  KernelTest();
  /// Parses kernel functions; failures to parse fail the test.
  void parse(llvm::StringRef text);
  llvm::FailureOr<CodegenResult> compile(std::vector<std::string> levels);
  /// Compiles the only function for every level that this machine runs (with AMX emulated: TileMachine.h), calls it with pseudo-random data (or `inputs`) and
  /// compares all results with the interpreter within `tolerance`, relative to the largest magnitude. Ranges of
  /// tiles are split in several ways and must agree bit by bit.
  void check(llvm::StringRef text, Shape shape = {}, double tolerance = 1e-5, llvm::ArrayRef<Array> inputs = {});
  /// Runs kernel 0 for all tiles; `parts` calls.
  laic_kernel_error_t run(const MappedCode &code, const CodegenResult &result, std::vector<Tensor> &tensors,
                          llvm::ArrayRef<int64_t> scalars, llvm::ArrayRef<int64_t> symbols, int64_t parts);
  mlir::func::FuncOp function();
  std::vector<Tensor> makeTensors(const Shape &shape);

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<std::string> diagnostics;
  std::vector<std::string> levels = {"x86-64-v4", "x86-64-v3", "x86-64-v2"};
  double low = -2, high = 2; // of random floats
  bool quick = false;        // TargetOptions::quick
};

} // namespace laic::test
#endif
