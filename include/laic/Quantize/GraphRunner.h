// How quantisation runs a model: compiled for this machine, on tensors in memory.
#ifndef LAIC_QUANTIZE_GRAPHRUNNER_H
#define LAIC_QUANTIZE_GRAPHRUNNER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace laic {

/// A dense row-major tensor that somebody else owns.
struct TensorView {
  int32_t type = 0; // numbered as onnx.TensorProto.DataType
  llvm::SmallVector<int64_t> shape;
  llvm::ArrayRef<char> bytes;

  int64_t elements() const;
  /// Of a tensor of f32.
  llvm::ArrayRef<float> floats() const;
};

/// A compiled module. Not thread-safe.
class RunnableGraph {
public:
  virtual ~RunnableGraph() = default;
  /// One view per argument of @main, then one per result, which stay valid until the next run. An error text, empty on success.
  virtual std::string run(llvm::ArrayRef<TensorView> inputs, llvm::SmallVectorImpl<TensorView> &outputs) = 0;
};

class GraphRunner {
public:
  virtual ~GraphRunner() = default;
  /// Compiles a module as the simplify phase leaves it, which will run about so many times: for few of them fast code may not be worth its
  /// making. Without a number the code is the fastest. Null when that failed, which diagnostics have reported. The result must not outlive
  /// the runner.
  virtual std::unique_ptr<RunnableGraph> compile(mlir::OwningOpRef<mlir::ModuleOp> module, std::optional<size_t> runs) = 0;
};

} // namespace laic
#endif
