// What the emission of all roots shares: operands, sizes, parameters, addresses, scalar bodies.
#ifndef LAIC_LIB_CONVERSION_KERNELTOGPU_EMITTER_H
#define LAIC_LIB_CONVERSION_KERNELTOGPU_EMITTER_H

#include "laic/Conversion/KernelToGPU.h"
#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace laic::gpu {

using llvm::ArrayRef;
using llvm::FailureOr;
using llvm::function_ref;
using llvm::LogicalResult;
using llvm::SmallVector;
using mlir::Value;
using mlir::ValueRange;

/// The size of a dim: a constant, or a symbol of the kernel.
struct Extent {
  int64_t fixed = 0;
  int symbol = -1;
  bool isFixed() const { return symbol < 0; }
  bool is(int64_t value) const { return isFixed() && fixed == value; }
  /// The constant, or a guess.
  int64_t estimate(int64_t unknown) const { return isFixed() ? fixed : unknown; }
};

/// A tensor in device memory, dense and row-major; or, with `scalar`, one value everywhere.
struct Operand {
  Value memref, scalar;
  mlir::Type element;
  SmallVector<Extent> dims;
};

class Emitter {
public:
  Emitter(mlir::func::FuncOp kernel, mlir::gpu::GPUModuleOp module, const GpuKernelOptions &options, std::string &whyNot);
  FailureOr<GpuKernel> run();

private:
  friend class GenericEmitter;
  friend class ContractionEmitter;
  friend class MatrixTileEmitter;

  // ---- Emitter.cpp ----
  LogicalResult fail(const llvm::Twine &reason);
  LogicalResult findRoot(mlir::Operation *&root);
  LogicalResult createFunction();
  /// Of a workgroup, where a root needs another number than the options say.
  void setThreads(int64_t threads);
  LogicalResult learnResultSizes(mlir::Operation *root);
  LogicalResult emitRoot(mlir::Operation *root);
  mlir::AffineExpr expr(const Extent &extent);
  void unify(Extent a, Extent b);
  Extent canonical(Extent extent) const;
  Extent extentOfIndex(Value index); // a constant or an index argument; otherwise symbol of a local value
  FailureOr<Operand> operandOf(Value tensor);
  /// An operand that may also be a fill or a splat.
  FailureOr<Operand> readOf(Value tensor);
  Operand resultOf(unsigned number);
  int resultNumber(mlir::OpResult result);
  FailureOr<Value> scalarOf(Value value);
  Value parameter(unsigned symbol);

  // ---- building blocks, at the insertion point ----
  Value index(int64_t value);
  Value value(Extent extent);
  Value add(Value a, Value b);
  Value sub(Value a, Value b);
  Value mul(Value a, Value b);
  Value divide(Value a, Value b); // both not negative
  Value modulo(Value a, Value b);
  Value less(Value a, Value b);
  Value minimum(Value a, Value b);
  Value both(Value a, Value b);
  Value zero(mlir::Type type);
  /// Runs `body` at the start of the function, where values hold everywhere.
  template <typename Body> auto atEntry(Body body) {
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(entryEnd);
    return body();
  }
  SmallVector<Value> loop(Value lo, Value hi, Value step, ValueRange init,
                          function_ref<SmallVector<Value>(Value iv, ValueRange carried)> body);
  void when(Value condition, function_ref<void()> body);
  SmallVector<Value> choose(Value condition, mlir::TypeRange types, function_ref<SmallVector<Value>()> yes,
                            function_ref<SmallVector<Value>()> no);
  Value product(ArrayRef<Extent> extents);
  mlir::AffineExpr productExpr(ArrayRef<Extent> extents);
  SmallVector<Value> delinearize(Value flat, ArrayRef<Extent> extents);
  Value linearize(ArrayRef<Value> ivs, ArrayRef<Extent> extents);
  SmallVector<Value> apply(mlir::AffineMap map, ArrayRef<Value> ivs);
  Value load(const Operand &from, ArrayRef<Value> ivs);
  Value loadFlat(const Operand &from, Value at);
  void store(Value v, const Operand &to, ArrayRef<Value> ivs);
  /// Workgroup memory.
  Value shared(ArrayRef<int64_t> shape, mlir::Type element);
  void barrier();

  // ---- shares of the work ----
  /// One workgroup per number below the product of `extents`: sets the group count.
  void perGroup(mlir::AffineExpr count, function_ref<void(Value group)> body);
  using Point = function_ref<FailureOr<SmallVector<Value>>(ArrayRef<Value> ivs)>;
  /// A result and how the indices of the space that threads run over become its own.
  struct Output {
    Operand operand;
    mlir::AffineMap map;
  };
  /// One thread per element, or per word of small elements: `compute` gives one element of each output at `ivs` of `space`, or with
  /// `flat`, where every map is the identity, at the one index of a dense element.
  LogicalResult perElement(ArrayRef<Extent> space, ArrayRef<Output> outputs, bool flat, Point compute);
  void storeRun(ArrayRef<Extent> space, const Output &output, ArrayRef<Value> elements, Value first, Value count, bool flat);
  LogicalResult perElement(const Operand &result, Point compute);

  // ---- EmitBody.cpp ----
  using IndexOf = function_ref<Value(unsigned dim)>;
  FailureOr<SmallVector<Value>> emitBody(mlir::Block &block, ArrayRef<Value> args, IndexOf indexOf);
  Value emitCheckIndex(CheckIndexOp op, ArrayRef<Value> operands);

  // ---- roots ----
  LogicalResult emitGeneric(mlir::linalg::GenericOp op);
  LogicalResult emitContract(ContractOp op);
  LogicalResult emitTranspose(mlir::linalg::TransposeOp op);
  LogicalResult emitFill(mlir::linalg::FillOp op);
  LogicalResult emitPad(mlir::tensor::PadOp op);
  LogicalResult emitConcat(mlir::tensor::ConcatOp op);
  LogicalResult emitExtractSlice(mlir::tensor::ExtractSliceOp op);
  LogicalResult emitInsertSlice(mlir::tensor::InsertSliceOp op);
  LogicalResult emitSizesTensor(SizesTensorOp op);
  FailureOr<SmallVector<Value>> valuesOf(ArrayRef<mlir::OpFoldResult> sizes);
  /// inner[ivs - low] inside the window, outside elsewhere.
  LogicalResult emitWindow(const Operand &result, ArrayRef<Value> low, ArrayRef<Value> sizes, const Operand &inner,
                           const Operand &outside);

  mlir::func::FuncOp kernel;
  mlir::gpu::GPUModuleOp module;
  GpuKernelOptions options;
  std::string &whyNot;
  mlir::MLIRContext *context;
  mlir::OpBuilder b;
  mlir::Location loc;
  mlir::gpu::GPUFuncOp function;
  mlir::Operation *entryEnd = nullptr;
  Value record, threadId;
  SmallVector<Operand> arguments, results;
  SmallVector<Value> symbolValues;  // null: a parameter that nobody has asked for
  SmallVector<int> symbolParents;   // union-find
  unsigned exportedSymbols = 0;     // those that GpuKernel's maps speak of; later ones are computed in the kernel
  SmallVector<unsigned> parameters; // symbols
  llvm::DenseMap<Value, Value> scalarCache;
  llvm::DenseMap<Value, unsigned> localSymbols;
  llvm::DenseMap<int64_t, Value> indexCache;
  mlir::AffineExpr groups;
};

} // namespace laic::gpu
#endif
