// Typical inputs from an npz file, one set of tensors per sample.
#ifndef LAIC_LIB_QUANTIZE_SAMPLES_H
#define LAIC_LIB_QUANTIZE_SAMPLES_H

#include "laic/Quantize/GraphRunner.h"
#include "laic/Support/Npz.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace laic {

/// Every input by name, all samples stacked on a new first axis; or `name/0`, `name/1`, ... , one array per sample, whose dynamic dims may
/// then differ. An input whose own first dim is static may also come with a multiple of it.
class Samples {
public:
  /// Reads the file for @main's inputs. Problems are diagnostics at `main`: errors for what cannot be used (names, shapes, element types,
  /// numbers that are not finite, no sample), warnings for what says little (one sample, the same value everywhere).
  static std::optional<Samples> read(const std::string &path, mlir::func::FuncOp main);

  size_t size() const { return samples.size(); }
  llvm::ArrayRef<TensorView> operator[](size_t i) const { return samples[i]; }
  /// Gives the arguments of @main the sizes that all samples have: code for known sizes is made, and runs, in less time.
  void bindSizes(mlir::func::FuncOp main) const;

private:
  std::shared_ptr<npz::File> file; // owns the bytes
  std::vector<llvm::SmallVector<TensorView>> samples;
};

} // namespace laic
#endif
