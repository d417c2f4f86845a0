// What an operation's `inferShapes` sees and sets: symbolic shapes and, for small integer and float tensors, contents.
#ifndef LAIC_DIALECT_LAIC_SHAPECONTEXT_H
#define LAIC_DIALECT_LAIC_SHAPECONTEXT_H

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/SizeSymbols.h"

#include <optional>

namespace laic {

/// What is known of a value. Contents are flat in row-major order and kept for at most kMaxContents elements.
struct ValueFacts {
  mlir::Type element;                                         // null: absent operand (laic.none)
  std::optional<SymShape> shape;                              // nullopt: rank unknown
  std::optional<llvm::SmallVector<mlir::AffineExpr, 4>> ints; // integer and bool tensors: sizes or constants
  std::optional<llvm::SmallVector<double, 4>> floats;         // float tensors: constants
  mlir::Attribute constant;                                   // value of a laic.constant, whatever its size; null otherwise
  // Integer vectors of unknown length that are arguments: their number, and their elements as `ShapeContext::elements` saw them, kAbsent
  // from the length on.
  std::optional<int64_t> argument;
  std::optional<llvm::SmallVector<mlir::AffineExpr, 4>> padded;
  /// `ints`, or `padded` where the length is not known.
  llvm::ArrayRef<mlir::AffineExpr> elements() const {
    return ints ? *ints : padded ? *padded : llvm::ArrayRef<mlir::AffineExpr>();
  }
};

class ShapeContext {
public:
  static constexpr int64_t kMaxContents = 4096;
  static constexpr int64_t kAbsent = int64_t{1} << 40; // no axis, no element

  ShapeContext(mlir::Operation *op, SizeSymbols &symbols, llvm::ArrayRef<ValueFacts *> operands,
               llvm::MutableArrayRef<ValueFacts> results)
      : symbols(symbols), op(op), operands(operands), results(results) {}

  SizeSymbols &symbols;

  bool has(unsigned i) const { return i < operands.size() && operands[i]->element; }
  const ValueFacts &facts(unsigned i) const { return *operands[i]; }
  unsigned operandCount() const { return operands.size(); }
  mlir::Type element(unsigned i) const { return operands[i]->element; }
  /// Rank and dims of an operand. Inference of an op runs only when all present operands have a known rank.
  llvm::ArrayRef<mlir::AffineExpr> shape(unsigned i) const { return *operands[i]->shape; }
  int64_t rank(unsigned i) const { return operands[i]->shape->size(); }
  /// Contents of a small integer operand. Where only a call will know them they are read back then (laic.read_sizes): late sizes.
  /// Refuses what is not a small tensor of integers or booleans with a known number of elements.
  /// A vector of unknown length must have `count` elements, where that is given.
  llvm::FailureOr<llvm::SmallVector<mlir::AffineExpr, 4>> sizes(unsigned i, llvm::StringRef what,
                                                                std::optional<int64_t> count = std::nullopt);
  /// The same for a vector that has at most `most` elements (every call is checked): as many, kAbsent where there are less.
  llvm::FailureOr<llvm::SmallVector<mlir::AffineExpr, 4>> elements(unsigned i, llvm::StringRef what, int64_t most);
  /// The rank that the model states for result i.
  std::optional<int64_t> declaredRank(unsigned i) const;

  mlir::AffineExpr cst(int64_t v) const { return symbols.constant(v); }
  /// axis in [-rank, rank) made non-negative, or a diagnostic.
  llvm::FailureOr<int64_t> axis(int64_t axis, int64_t rank);
  /// For axes that may be any sizes, negative or kAbsent: 1 for each dim of `rank` that is among them, 0 for others. Axes out of range
  /// are refused, now or by every call.
  llvm::FailureOr<SymShape> axisMask(llvm::ArrayRef<mlir::AffineExpr> axes, int64_t rank);
  /// An axis that may be any size, made non-negative.
  llvm::FailureOr<mlir::AffineExpr> axis(mlir::AffineExpr axis, int64_t rank);
  /// The dims whose mask is 0 in order, as many as `count`; dims are moved by what stands masked before them.
  SymShape compact(llvm::ArrayRef<mlir::AffineExpr> dims, llvm::ArrayRef<mlir::AffineExpr> mask, int64_t count);
  /// numpy broadcasting of two dims: equal, or one is 1. What is unknown is decided and checked when a call is made.
  llvm::FailureOr<mlir::AffineExpr> broadcast(mlir::AffineExpr a, mlir::AffineExpr b);
  llvm::FailureOr<SymShape> broadcast(llvm::ArrayRef<mlir::AffineExpr> a, llvm::ArrayRef<mlir::AffineExpr> b);
  /// Product of dims.
  mlir::AffineExpr product(llvm::ArrayRef<mlir::AffineExpr> dims) const;

  void set(unsigned i, llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element);
  void setInts(unsigned i, llvm::ArrayRef<mlir::AffineExpr> contents);
  void setFloats(unsigned i, llvm::ArrayRef<double> contents);
  /// Result 0 has operand i's shape and element type (and contents when `contents`).
  llvm::LogicalResult same(unsigned i, bool contents = false);
  llvm::LogicalResult fail(const llvm::Twine &message);
  /// Puts other operations in the place of this one, where inference finds that its general form is better said by them (a count that
  /// must be computed and read back). Their result types may be unranked; inference goes on with them. Return its value from
  /// inferShapes at once.
  using Build = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::RewriterBase &rewriter)>;
  llvm::LogicalResult replace(Build build);
  bool wasReplaced() const { return !op; }
  /// The two sizes must be equal. Where both are constants that differ: the diagnostic `otherwise`; where one is unknown, every
  /// call is checked, and refused as "node 'n': `what`".
  llvm::LogicalResult equal(mlir::AffineExpr got, mlir::AffineExpr want, const llvm::Twine &what, const llvm::Twine &otherwise);
  /// got >= want, in the same way.
  llvm::LogicalResult atLeast(mlir::AffineExpr got, mlir::AffineExpr want, const llvm::Twine &what, const llvm::Twine &otherwise);
  /// The size is a multiple of `factor`, in the same way.
  llvm::LogicalResult multiple(mlir::AffineExpr size, int64_t factor, const llvm::Twine &what, const llvm::Twine &otherwise);

  /// All elementwise operations: broadcast of all operands; folds contents of + - * / and comparisons.
  llvm::LogicalResult inferElementwise(mlir::Operation *op);

private:
  std::string named(const llvm::Twine &what) const;
  void foldCast(mlir::Type result);
  bool allHaveInts() const;
  static std::string debugTypes(mlir::Type a, mlir::Type b);

  mlir::Operation *op;
  llvm::ArrayRef<ValueFacts *> operands;
  llvm::MutableArrayRef<ValueFacts> results;
};

/// Where a `laic.read_sizes` reads the tensor back and nothing else tells its contents, they are the read's symbols.
void addReadContents(mlir::Value tensor, ValueFacts &facts, SizeSymbols &symbols);
/// Are the contents of `facts` those that a call reads back from the tensor?
bool isReadBack(mlir::Value tensor, const ValueFacts &facts, SizeSymbols &symbols);

} // namespace laic
#endif
