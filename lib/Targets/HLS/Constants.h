// What a graph knows before it runs: tensors of constants as real numbers, and scalar functions evaluated for tables.
#ifndef LAIC_LIB_TARGETS_HLS_CONSTANTS_H
#define LAIC_LIB_TARGETS_HLS_CONSTANTS_H

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <vector>

namespace laic::hls {

/// A constant tensor, row-major. Where it was quantised, also its integers without the zero point: values = raw * scale.
struct RealTensor {
  llvm::SmallVector<int64_t> shape;
  std::vector<double> values;
  std::vector<int64_t> raw;   // empty where it was not quantised
  std::vector<double> scales; // one, or one per index of `axis`
  int64_t axis = 0;

  int64_t elements() const { return static_cast<int64_t>(values.size()); }
  bool isQuantized() const { return !raw.empty(); }
  /// The number at row-major index `element` once the tensor is broadcast to `to`.
  double broadcast(llvm::ArrayRef<int64_t> to, int64_t element) const;
};

/// The constant that a value is, through dequantisation, reshapes, transposes and elementwise arithmetic; nothing if it depends on
/// an input or on anything else.
std::optional<RealTensor> evaluateConstant(mlir::Value value);

/// A constant that is one number (any rank), or nothing.
std::optional<double> evaluateScalar(mlir::Value value);

/// The computation of one element by an elementwise operation (ScalarBodyInterface) on floats, run at compile time.
class ScalarFunction {
public:
  /// `op` must outlive the object. Nothing when it is no function from floats to a float.
  static std::optional<ScalarFunction> create(mlir::Operation *op);
  /// Nothing when an operation of the body cannot be evaluated.
  std::optional<double> operator()(llvm::ArrayRef<double> arguments);

private:
  mlir::OwningOpRef<mlir::ModuleOp> holder; // keeps the body
  mlir::Block *body = nullptr;
  mlir::Value result;
};

} // namespace laic::hls
#endif
