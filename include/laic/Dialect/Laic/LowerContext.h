// What an operation's `lower` sees and sets: lowered operand tensors, symbolic sizes, and a builder for linalg.
//
// Lowered tensors are signless and bytes: i1 becomes i8 (0 or 1), ui8 becomes i8, i4 its value in an i8, f8E5M2 its code in an i8,
// ...; f16 and bf16 stay. Dynamic sizes are `laic.size` values. Fusion, layout and tiling come later: emit the plain, canonical form.
#ifndef LAIC_DIALECT_LAIC_LOWERCONTEXT_H
#define LAIC_DIALECT_LAIC_LOWERCONTEXT_H

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/ScalarBuilder.h"
#include "laic/Dialect/Laic/ShapeContext.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace laic {

/// i1 and everything narrower than a byte -> i8, ui<N> -> i<N>, 8-bit floats -> i8; everything else as it is.
mlir::Type lowerElement(mlir::Type element);
inline bool isUnsignedElement(mlir::Type element) { return element.isUnsignedInteger(); }

class LowerContext {
public:
  LowerContext(mlir::Operation *op, mlir::OpBuilder &builder, SizeSymbols &symbols,
               llvm::ArrayRef<const ValueFacts *> operandFacts, llvm::ArrayRef<mlir::Value> operands,
               llvm::ArrayRef<const ValueFacts *> resultFacts)
      : b(op->getLoc(), builder), symbols(symbols), op(op), operandFacts(operandFacts), operands(operands),
        resultFacts(resultFacts), results(op->getNumResults()) {}

  mlir::ImplicitLocOpBuilder b;
  SizeSymbols &symbols;

  bool has(unsigned i) const { return i < operandFacts.size() && operandFacts[i]->element; }
  unsigned operandCount() const { return operands.size(); }
  /// The lowered tensor; its facts (ONNX element type, symbolic shape, contents when known).
  mlir::Value operand(unsigned i) const { return operands[i]; }
  const ValueFacts &facts(unsigned i) const { return *operandFacts[i]; }
  llvm::ArrayRef<mlir::AffineExpr> shape(unsigned i) const { return *operandFacts[i]->shape; }
  int64_t rank(unsigned i) const { return operandFacts[i]->shape->size(); }
  mlir::Type element(unsigned i) const { return operandFacts[i]->element; } // ONNX type: i1, ui8, ...
  llvm::ArrayRef<mlir::AffineExpr> resultShape(unsigned i = 0) const { return *resultFacts[i]->shape; }
  mlir::Type resultElement(unsigned i = 0) const { return resultFacts[i]->element; }
  const ValueFacts &resultFact(unsigned i = 0) const { return *resultFacts[i]; }

  void set(unsigned i, mlir::Value value) { results[i] = value; }
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }
  llvm::LogicalResult fail(const llvm::Twine &message);

  // ---- sizes ----
  mlir::AffineExpr cst(int64_t v) const { return symbols.constant(v); }
  mlir::Value size(mlir::AffineExpr expr);        // index: constant or laic.size
  mlir::OpFoldResult fold(mlir::AffineExpr expr); // attribute when constant
  llvm::SmallVector<mlir::OpFoldResult> folds(llvm::ArrayRef<mlir::AffineExpr> exprs);
  mlir::RankedTensorType type(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element); // lowers the element type
  mlir::Value empty(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element);
  mlir::Value filled(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element, double value);
  mlir::Value filled(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Value scalar);
  mlir::Value constantTensor(mlir::DenseElementsAttr value); // lowered laic.constant

  // ---- building blocks ----
  /// Body of a generic: scalars of the inputs in lowered storage types -> scalar in the result's lowered type.
  using Body = llvm::function_ref<mlir::Value(ScalarBuilder &s, mlir::ValueRange in)>;
  /// Parallel linalg.generic over `shape`; maps: result indices -> indices of each input.
  mlir::Value generic(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element, mlir::ValueRange inputs,
                      llvm::ArrayRef<mlir::AffineMap> maps, Body body, bool isUnsigned = false);
  /// Reduction generic: loops = result dims then `reductions` dims (sizes in input operands); accumulator starts at `init`.
  /// The body gets the inputs' scalars and, last, the accumulator.
  mlir::Value reduce(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element, double init, unsigned reductions,
                     mlir::ValueRange inputs, llvm::ArrayRef<mlir::AffineMap> maps, Body body, bool isUnsigned = false);
  /// Map that broadcasts operand dims (aligned at the end) to `rank` loops: size-1 dims read index 0. Dims that may or may not
  /// be 1 at run time need `dynamicBroadcast`.
  mlir::AffineMap broadcastMap(llvm::ArrayRef<mlir::AffineExpr> from, llvm::ArrayRef<mlir::AffineExpr> to);
  bool needsDynamicBroadcast(llvm::ArrayRef<mlir::AffineExpr> from, llvm::ArrayRef<mlir::AffineExpr> to);
  mlir::Value dynamicBroadcast(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> from, llvm::ArrayRef<mlir::AffineExpr> to);
  /// A generic whose body computes each element from result indices by reading tensors (`tensor.extract`).
  using IndexBody = llvm::function_ref<mlir::Value(ScalarBuilder &s, mlir::ValueRange indices)>;
  mlir::Value gather(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element, IndexBody body);
  /// Row-major reinterpretation (same element count), as collapse/expand_shape; never moves data.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> from, llvm::ArrayRef<mlir::AffineExpr> to);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value castTo(mlir::Value value, mlir::RankedTensorType type); // tensor.cast where the static shapes differ
  /// tensor.pad with a constant; low/high may be any sizes >= 0.
  mlir::Value pad(mlir::Value value, llvm::ArrayRef<mlir::AffineExpr> low, llvm::ArrayRef<mlir::AffineExpr> high,
                  llvm::ArrayRef<mlir::AffineExpr> resultShape, mlir::Value scalar);
  /// Extends storage scalars to what ScalarBuilder computes in (f16 -> f32, i8 bool -> i1) and back. Narrow floats stay codes.
  mlir::Value toCompute(ScalarBuilder &s, mlir::Value v, mlir::Type onnxElement);
  mlir::Value toStorage(ScalarBuilder &s, mlir::Value v, mlir::Type onnxElement);
  mlir::Type computeElement(mlir::Type onnxElement);
  /// The value of an operand that is one known number.
  std::optional<double> scalarConstant(unsigned i) const;
  /// Accumulation type of sums: f32 for f16/bf16/f32, f64, i32 for i8/i16/i32, i64.
  mlir::Type accumulator(mlir::Type onnxElement);

  llvm::LogicalResult lowerElementwise(mlir::Operation *op);

private:
  mlir::Operation *op;
  llvm::ArrayRef<const ValueFacts *> operandFacts;
  llvm::ArrayRef<mlir::Value> operands;
  llvm::ArrayRef<const ValueFacts *> resultFacts;
  llvm::SmallVector<mlir::Value> results;
};

} // namespace laic
#endif
