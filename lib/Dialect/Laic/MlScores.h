// What the classifiers and regressors of ai.onnx.ml do with their raw scores.
#ifndef LAIC_LIB_DIALECT_LAIC_MLSCORES_H
#define LAIC_LIB_DIALECT_LAIC_MLSCORES_H

#include "laic/Dialect/Laic/LowerContext.h"

namespace laic {

/// "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT", or a diagnostic.
llvm::LogicalResult checkPostTransform(ShapeContext &ctx, llvm::StringRef name);
/// What the classes are called: integers or strings.
struct ClassLabels {
  ClassLabels(std::optional<llvm::ArrayRef<int64_t>> ints, std::optional<mlir::ArrayAttr> strings);
  llvm::ArrayRef<int64_t> ints;
  llvm::SmallVector<llvm::StringRef> strings;
  size_t size() const { return strings.empty() ? ints.size() : strings.size(); }
  mlir::Type element(mlir::MLIRContext *mlir) const;
};
/// There are at least two class labels, of one kind; or a diagnostic.
llvm::LogicalResult checkLabels(ShapeContext &ctx, const ClassLabels &labels);

/// `scores` [rows, classes] of type f32 or f64, transformed row by row.
mlir::Value postTransform(LowerContext &ctx, mlir::Value scores, llvm::ArrayRef<mlir::AffineExpr> shape, llvm::StringRef name);
/// The label of the (first) largest score of each row, [rows].
mlir::Value largestLabel(LowerContext &ctx, mlir::Value scores, llvm::ArrayRef<mlir::AffineExpr> shape,
                         const ClassLabels &labels);
/// labels[1] where the score [rows] is above the threshold, else labels[0].
mlir::Value thresholdLabel(LowerContext &ctx, mlir::Value score, mlir::AffineExpr rows, double threshold,
                           const ClassLabels &labels);
/// Both classes' scores [rows, 2] of the one score [rows] that there is: [-s, s] (or with `complement` [1 - s, s]), through a sigmoid
/// for LOGISTIC. Other transforms see a complement as a probability already, as onnxruntime does.
mlir::Value bothClasses(LowerContext &ctx, mlir::Value score, mlir::AffineExpr rows, bool complement, llvm::StringRef transform);
/// The scores in the result's element type.
mlir::Value storeScores(LowerContext &ctx, mlir::Value scores, llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element);

} // namespace laic
#endif
