// The state of laic-resolve-control-flow: one forward walk that infers what is known of each value and replaces each structural
// operation, when its operands are known, by what it stands for.
//
// A resolved sequence is the result of laic.sequence_construct, a resolved optional that of laic.optional: what they hold are
// those operations' operands.
#ifndef LAIC_LIB_DIALECT_LAIC_TRANSFORMS_RESOLVER_H
#define LAIC_LIB_DIALECT_LAIC_TRANSFORMS_RESOLVER_H

#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/Facts.h"
#include "laic/Dialect/Laic/SequenceOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

#include <memory>

namespace laic {

class Resolver {
public:
  explicit Resolver(mlir::func::FuncOp func);
  llvm::LogicalResult run();

private:
  /// How far a loop has been unrolled in front of its operation.
  struct Unrolled {
    int64_t iterations = 0;
    std::vector<SequenceConstructOp> scanned; // by scanned output, one value per iteration
    llvm::SmallVector<mlir::Value> initial;   // condition and carried values before the first iteration
    bool isSample = false;                    // one iteration was made for its shapes alone
  };
  using Indices = llvm::ArrayRef<int64_t>;
  static constexpr int kMaxDepth = 8; // of programs in programs, as the runtime's verifier has it

  // ---- the walk ----
  llvm::LogicalResult resolve(mlir::Operation *op);
  bool operandsKnown(mlir::Operation *op) const;
  void eraseUnused();

  // ---- subgraphs (ResolveControlFlow.cpp) ----
  llvm::LogicalResult resolveIf(IfOp op);
  void inlineBranch(IfOp op, mlir::Region &branch);
  void hoistBranches(IfOp op);
  llvm::LogicalResult selectOutputs(IfOp op);
  mlir::Value select(IfOp op, mlir::Value cond, mlir::Value a, mlir::Value b);
  llvm::LogicalResult resolveLoop(LoopOp op);
  bool isLong(mlir::Operation *op, int64_t most) const;
  llvm::LogicalResult unrollOnce(LoopOp op, Unrolled &state);
  llvm::LogicalResult finishLoop(LoopOp op, Unrolled &state);
  llvm::LogicalResult resolveScan(ScanLoopOp op);
  llvm::FailureOr<int64_t> scanLength(ScanLoopOp op, Indices axes); // -1: only the call knows it
  llvm::FailureOr<llvm::SmallVector<int64_t>> scanAxes(ScanLoopOp op);
  llvm::LogicalResult resolveMap(SequenceMapOp op);
  llvm::LogicalResult checkFlexAttention(FlexAttentionOp op); // ResolveFlexAttention.cpp
  llvm::LogicalResult resolveFlexAttention(FlexAttentionOp op);
  llvm::LogicalResult charge(mlir::Operation *op, mlir::Region &body);
  llvm::SmallVector<mlir::Value> cloneBody(mlir::Region &body, mlir::ValueRange arguments);

  // ---- what only the call knows (ResolveCalls.cpp) ----
  /// An argument of a program that is no captured value: null sizes are the call's.
  struct Parameter {
    mlir::Type element;
    llvm::SmallVector<mlir::AffineExpr> shape;
  };
  /// A subgraph as a function of its own, resolved.
  struct Program {
    mlir::func::FuncOp func;
    std::unique_ptr<Resolver> inside;
    llvm::SmallVector<Parameter> parameters; // its arguments: these, then those that the caller hands over
    llvm::SmallVector<mlir::Value> captures;
    llvm::SmallVector<mlir::Value> outputs; // as the subgraph states them: tensors, sequences and optionals
    llvm::SmallVector<mlir::Value> leaves;  // the tensors that they hold, which the function returns
  }; // `inside` is to be finished when outputs are not looked at any more
  llvm::LogicalResult ifAtRunTime(IfOp op);
  bool asksForDims(mlir::Value cond) const;
  llvm::LogicalResult assumeBranch(IfOp op, bool isThen);
  llvm::LogicalResult loopAtRunTime(LoopOp op, Unrolled &state);
  llvm::LogicalResult scanAtRunTime(ScanLoopOp op, Indices axes);
  llvm::SmallVector<mlir::Value> capturesOf(mlir::Operation *op) const;
  llvm::FailureOr<Program> outline(mlir::Operation *op, mlir::Region &region, llvm::StringRef suffix,
                                   llvm::ArrayRef<Parameter> parameters, mlir::ValueRange captures);
  llvm::LogicalResult findLeaves(Program &program);
  static void discard(mlir::func::FuncOp program);
  bool isContentKnown(mlir::Value value) const;
  mlir::Value constantOf(mlir::OpBuilder &to, mlir::Location loc, const ValueFacts &known) const;
  mlir::Value bring(mlir::Value value, mlir::IRMapping &mapping, mlir::OpBuilder &to) const;
  bool haveOneStructure(IfOp op, mlir::Value a, mlir::Value c);
  bool isSmall(IfOp op) const;
  bool canCompute(IfOp op, const Program &a, const Program &c);
  mlir::AffineExpr translate(mlir::AffineExpr size, const Program &program);
  void addDim(mlir::AffineExpr size, mlir::ValueRange operands, llvm::SmallVectorImpl<int64_t> &dims, int64_t &late) const;
  CallOp call(mlir::Operation *op, llvm::StringRef kind, llvm::ArrayRef<Program *> programs, mlir::ValueRange operands,
              llvm::ArrayRef<Parameter> results, int64_t carried, int64_t first);
  mlir::Value rebuild(mlir::Value like, mlir::ValueRange &leaves);
  mlir::Value scalarOf(mlir::Value value);
  llvm::LogicalResult walk();
  llvm::LogicalResult finish();

  // ---- sequences and optionals (ResolveSequences.cpp) ----
  llvm::LogicalResult resolveInsert(SequenceInsertOp op);
  llvm::LogicalResult resolveErase(SequenceEraseOp op);
  llvm::LogicalResult resolveAt(SequenceAtOp op);
  llvm::LogicalResult resolveConcat(ConcatFromSequenceOp op);
  llvm::LogicalResult resolveSplit(SplitToSequenceOp op);
  llvm::LogicalResult resolveHasElement(OptionalHasElementOp op);
  llvm::LogicalResult resolveGetElement(OptionalGetElementOp op);
  llvm::FailureOr<int64_t> position(mlir::Operation *op, mlir::Value position, int64_t length, int64_t end);
  bool isKnownPosition(mlir::Value position) const;
  mlir::Value positionOfCall(mlir::Operation *op, mlir::Value position, int64_t length, int64_t end);
  llvm::FailureOr<bool> haveOneShape(mlir::Operation *op, mlir::ValueRange tensors);
  mlir::Value choose(mlir::Value cond, mlir::Value a, mlir::Value c, bool haveOneShape);
  mlir::Value construct(mlir::ValueRange elements);

  // ---- outputs of the model ----
  llvm::LogicalResult flattenOutputs();

  // ---- building blocks, in front of the operation that is being resolved ----
  mlir::Value integers(Indices values, bool isScalar = false);
  mlir::Value truth(bool value);
  mlir::Value unsqueeze(mlir::Value value, int64_t axis);
  mlir::Value stack(mlir::ValueRange values, int64_t axis); // along a new dim
  mlir::Value pick(mlir::Value value, int64_t axis, int64_t index);
  mlir::Value concat(mlir::ValueRange values, int64_t axis);
  llvm::LogicalResult replace(mlir::Operation *op, mlir::ValueRange values);

  // ---- what is known ----
  std::optional<int64_t> constant(mlir::Value value) const;
  const ValueFacts *factsOf(mlir::Value value) const;

  mlir::func::FuncOp func;
  SizeSymbols symbols;
  FactsMap facts;
  mlir::ImplicitLocOpBuilder b;
  mlir::Type tensor; // of every result until inference
  llvm::DenseMap<mlir::Operation *, Unrolled> loops;
  llvm::DenseSet<mlir::Operation *> hoisted; // `if`s whose branches stand in front of them
  int64_t cloned = 0;                        // operations that unrolling has made
  int depth = 0;                             // of a program: how many others it stands in
};

/// The operation that says what a resolved sequence or optional holds; null while it is not resolved.
inline SequenceConstructOp elementsOf(mlir::Value sequence) { return sequence.getDefiningOp<SequenceConstructOp>(); }

} // namespace laic
#endif
