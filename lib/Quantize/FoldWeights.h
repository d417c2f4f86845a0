// Weights that the model computes from constants: transposed, reshaped, scaled.
#ifndef LAIC_LIB_QUANTIZE_FOLDWEIGHTS_H
#define LAIC_LIB_QUANTIZE_FOLDWEIGHTS_H

#include "laic/Quantize/GraphRunner.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseSet.h"

namespace laic {

/// The operands of a layer that quantisation wants as constants, weights or the table first; none of other operations.
mlir::OperandRange constantOperandsOf(mlir::Operation *op);
/// What depends on constants alone. What constants that are quantised already become in floats does not count: computed, it would be larger
/// than they are.
llvm::DenseSet<mlir::Value> constantsOf(mlir::func::FuncOp main);
/// Computes what products take as weights and biases and gather as tables, where that depends on constants alone, and makes it constants
/// of their own. Weights of MatMul that are a stack of one matrix lose their leading dims.
llvm::LogicalResult foldWeights(mlir::ModuleOp module, GraphRunner &runner);

} // namespace laic
#endif
