// Recognises sums of products among linalg.generic operations.
#ifndef LAIC_TRANSFORMS_CONTRACTS_CONTRACTION_H
#define LAIC_TRANSFORMS_CONTRACTS_CONTRACTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace laic::contracts {

/// A linalg.generic that adds products of two operands to its init: the operand to pack (B), the vectorised
/// loop n, and loop orders.
struct Contraction {
  mlir::linalg::GenericOp op;
  unsigned a = 0, b = 1; // operand numbers
  bool unsignedA = false, unsignedB = false;
  unsigned n = 0;                        // loop of the output channel or column
  bool depthwise = false;                // n is in A, too
  bool convolution = false;              // some index of A is a sum of two loops
  llvm::SmallVector<unsigned> parallel;  // parallel loops in the order of C without n, then n
  llvm::SmallVector<unsigned> reduction; // in the order of A, innermost last

  mlir::AffineMap mapOf(unsigned operand) const {
    mlir::linalg::GenericOp generic = op;
    return generic.getIndexingMapsArray()[operand];
  }
  mlir::AffineMap aMap() const { return mapOf(a); }
  mlir::AffineMap bMap() const { return mapOf(b); }
  mlir::AffineMap cMap() const { return mapOf(2); }
  /// True where C's innermost dim is n already.
  bool innermost() const;
  /// Product of the sizes of the loops that share B; kDynamic when unknown.
  int64_t rowsPerPack() const;
  /// B is no constant, and so few rows share it that packing it would take longer than the product.
  bool tooFewRows() const;
};

/// Which choice of n `matchContraction` prefers when there are several.
enum class Prefer {
  Innermost, // an n that is C's innermost dim now
  Constant,  // an n of a constant operand, even if C has to be transposed
};

/// True for a value that is known when compiling: a constant, or computed from constants alone. Looks it up every time: passes
/// that ask are rewriting what it would otherwise remember.
bool isConstantValue(mlir::Value value);

/// The contraction that `op` is, or failure with the reason in `why`. Products of activations with very few rows are none but with
/// `fewRows`: packing would take longer than the product.
llvm::FailureOr<Contraction> matchContraction(mlir::linalg::GenericOp op, Prefer prefer, llvm::StringRef &why,
                                              bool fewRows = false);

/// Loops of an index expression that is a sum of loops times positive constants: (loop, factor) pairs;
/// failure for anything else.
llvm::FailureOr<llvm::SmallVector<std::pair<unsigned, int64_t>, 3>> sumOfLoops(mlir::AffineExpr expr);

} // namespace laic::contracts
#endif
