// Runs compiled kernels in the compiler's own process, for folding constants.
#ifndef LAIC_LIB_PIPELINES_KERNELRUNNER_H
#define LAIC_LIB_PIPELINES_KERNELRUNNER_H

#include "laic/kernel_abi.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace laic {

/// Operands of one call; shapes are copied, data is not.
class KernelCall {
public:
  void addInput(llvm::ArrayRef<int64_t> shape, const char *data) { add(shape, const_cast<char *>(data)); }
  void addOutput(llvm::ArrayRef<int64_t> shape, char *data) { add(shape, data); }
  /// Valid until the next addition.
  std::vector<laic_tensor_t> tensors() const;

private:
  void add(llvm::ArrayRef<int64_t> shape, char *data);
  struct Operand {
    llvm::SmallVector<int64_t> sizes, strides;
    char *data;
  };
  std::vector<Operand> operands;
};

class KernelRunner {
public:
  /// Copies the code to executable memory. Null and an error text where the system forbids that. threads: 0
  /// for all.
  static std::unique_ptr<KernelRunner> create(llvm::ArrayRef<char> code, unsigned threads, std::string &error);
  ~KernelRunner();

  /// Runs all tiles of the kernel at `offset`; returns an error text, empty on success. `bytes` that are read
  /// and written say whether threads are worth their start.
  std::string run(uint64_t offset, const KernelCall &call, int64_t tiles, int64_t workspace, int64_t bytes) const;

private:
  KernelRunner(char *code, size_t size, unsigned threads) : code(code), size(size), threads(threads) {}
  char *code;
  size_t size;
  unsigned threads;
};

} // namespace laic
#endif
