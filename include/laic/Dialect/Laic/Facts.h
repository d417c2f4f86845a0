// Symbolic shape inference over a function: what is known of every value.
#ifndef LAIC_DIALECT_LAIC_FACTS_H
#define LAIC_DIALECT_LAIC_FACTS_H

#include "laic/Dialect/Laic/ShapeContext.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace laic {

using FactsMap = llvm::DenseMap<mlir::Value, ValueFacts>;

/// Walks the function's operations in order and infers every result. Reports every operation that contradicts its operands
/// (not the first alone); what depends on a failed one is skipped silently. With `refineTypes`, result types become ranked and
/// exact.
llvm::LogicalResult inferFacts(mlir::func::FuncOp func, SizeSymbols &symbols, FactsMap &facts, bool refineTypes);

enum class Inferred { Yes, No, Replaced };

/// The same for one operation, whose operands' facts are known; No when it, or something that it needs, failed: `status` fails
/// where that was news. Replaced: it is gone, and what stands for it, behind the operation before it, is to be inferred.
Inferred inferOperation(mlir::Operation &op, SizeSymbols &symbols, FactsMap &facts, llvm::LogicalResult &status);

/// Whether laic-resolve-control-flow has to replace the operation before shapes can be inferred.
bool isStructural(mlir::Operation *op);

/// Facts of an argument: its type, and symbols for its unknown dims (named by `laic.dims`) and, for small integer vectors, elements.
ValueFacts argumentFacts(mlir::BlockArgument arg, mlir::func::FuncOp func, SizeSymbols &symbols);

} // namespace laic
#endif
