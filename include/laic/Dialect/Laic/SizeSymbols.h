// Symbolic sizes: every unknown dim is an affine expression over a function's size symbols.
//
// A symbol is a dim of an input, an element of an integer input, an element of a tensor that the call computes (late), or a
// function of earlier sizes that affine expressions cannot say (min, max, select, ...). Two sizes are known to be equal when their
// expressions are.
#ifndef LAIC_DIALECT_LAIC_SIZESYMBOLS_H
#define LAIC_DIALECT_LAIC_SIZESYMBOLS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace laic {

using SymShape = llvm::SmallVector<mlir::AffineExpr, 4>;

/// One size symbol. Kept on the function as a dictionary in `laic.symbols`:
///   {kind = "dim", arg, dim, name}         size of a dim of an argument
///   {kind = "element", arg, index}         flat element of an integer argument
///   {kind = "read", arg, index}            flat element of what `laic.read_sizes` number `arg` reads: known late, in the call
///   {kind = "min"|"max"|"select"|"equal"|"less"|"div"|"mod", map = affine_map<()[...] -> (a, b[, c])>}
/// select: a != 0 ? b : c. equal, less: 0 or 1. div truncates toward zero as ONNX's integer Div does.
struct SizeSymbol {
  std::string kind;
  std::string name; // for messages: "batch", or "dim 0 of 'x'"
  int64_t arg = 0, index = 0;
  llvm::SmallVector<mlir::AffineExpr, 3> args;
};

/// What must hold of a call's sizes, since inference could not tell. Kept on the function in `laic.size_checks` as
/// {relation = "eq"|"ge", sizes = affine_map<()[...] -> (a, b)>, message}.
struct SizeCheck {
  bool atLeast = false; // a >= b; otherwise a == b
  mlir::AffineExpr a, b;
  std::string message; // says what a is and what it must fit; the runtime adds both values
};

class SizeSymbols {
public:
  explicit SizeSymbols(mlir::MLIRContext *ctx) : ctx(ctx) {}
  /// Reads `laic.symbols` and `laic.size_checks` of a function; `store` writes them back.
  static SizeSymbols load(mlir::func::FuncOp func);
  void store(mlir::func::FuncOp func) const;
  /// From the attribute's value.
  static SizeSymbols fromAttr(mlir::ArrayAttr list);

  /// The symbol for a dim of an argument; dims of the same non-empty name share one.
  mlir::AffineExpr inputDim(llvm::StringRef name, int64_t arg, int64_t dim);
  mlir::AffineExpr inputElement(int64_t arg, int64_t index);
  mlir::AffineExpr readElement(int64_t read, int64_t index);
  /// A number that no `laic.read_sizes` has yet.
  int64_t nextRead() const;
  /// The reads that must have run before the expression has a value, each once.
  void collectReads(mlir::AffineExpr expr, llvm::SmallVectorImpl<int64_t> &reads) const;
  bool isLate(mlir::AffineExpr expr) const;
  mlir::AffineExpr constant(int64_t value) const { return mlir::getAffineConstantExpr(value, ctx); }
  /// Folds where it can, otherwise finds or makes a derived symbol.
  mlir::AffineExpr min(mlir::AffineExpr a, mlir::AffineExpr b) { return extremum(true, a, b); }
  mlir::AffineExpr max(mlir::AffineExpr a, mlir::AffineExpr b) { return extremum(false, a, b); }
  mlir::AffineExpr select(mlir::AffineExpr cond, mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::AffineExpr equal(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::AffineExpr less(mlir::AffineExpr a, mlir::AffineExpr b);
  /// floor(a / b) and ONNX's truncating division; exact products are cancelled ((a * b) / b = a).
  mlir::AffineExpr floorDiv(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::AffineExpr truncDiv(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::AffineExpr mod(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::AffineExpr mul(mlir::AffineExpr a, mlir::AffineExpr b);
  /// An axis that may be negative, made non-negative; 1 for each dim of `rank` that is among the axes and 0 for others. In range they are
  /// when ShapeContext has checked them.
  mlir::AffineExpr wrapAxis(mlir::AffineExpr axis, int64_t rank);
  SymShape axisMask(llvm::ArrayRef<mlir::AffineExpr> axes, int64_t rank);
  /// The size that two dims of unknown size broadcast to: b where a is 1, otherwise a. Requires that they fit.
  mlir::AffineExpr broadcast(mlir::AffineExpr a, mlir::AffineExpr b, const llvm::Twine &message);

  /// Makes a == b (a >= b) a condition of every call, unless it is known to hold.
  void requireEqual(mlir::AffineExpr a, mlir::AffineExpr b, const llvm::Twine &message) { require(false, a, b, message); }
  void requireAtLeast(mlir::AffineExpr a, mlir::AffineExpr b, const llvm::Twine &message) { require(true, a, b, message); }
  llvm::ArrayRef<SizeCheck> checks() const { return required; }

  /// True when the expression depends on an element of a tensor: it may be any number, and -1 or 0 with a meaning of their own.
  bool isData(mlir::AffineExpr expr) const;
  /// True when the expression can be shown to be >= value, given that dims are >= 0.
  bool knownAtLeast(mlir::AffineExpr expr, int64_t value) const;
  /// The map `()[s0...] -> (exprs)` that attributes hold, with symbols up to the last one used.
  mlir::AffineMap map(llvm::ArrayRef<mlir::AffineExpr> exprs) const;
  const SizeSymbol &operator[](unsigned i) const { return symbols[i]; }
  unsigned size() const { return symbols.size(); }
  mlir::MLIRContext *getContext() const { return ctx; }

private:
  mlir::AffineExpr derived(llvm::StringRef kind, llvm::ArrayRef<mlir::AffineExpr> args);
  mlir::AffineExpr leaf(llvm::StringRef kind, int64_t arg, int64_t index);
  std::string key(const SizeSymbol &symbol) const;
  void require(bool atLeast, mlir::AffineExpr a, mlir::AffineExpr b, const llvm::Twine &message);
  mlir::AffineExpr extremum(bool smallest, mlir::AffineExpr a, mlir::AffineExpr b);
  bool tookPart(mlir::AffineExpr size, mlir::AffineExpr part) const;
  mlir::MLIRContext *ctx;
  std::vector<SizeSymbol> symbols;
  std::map<std::string, unsigned> byName;
  std::vector<SizeCheck> required;
};

/// Canonical form: sums of products with like terms collected and factors ordered, so that equal sizes are identical.
mlir::AffineExpr canonicalSize(mlir::AffineExpr expr);
/// The constant, or nullopt.
std::optional<int64_t> constantSize(mlir::AffineExpr expr);
/// kDynamic for every non-constant dim.
llvm::SmallVector<int64_t> staticShape(llvm::ArrayRef<mlir::AffineExpr> shape);

} // namespace laic
#endif
