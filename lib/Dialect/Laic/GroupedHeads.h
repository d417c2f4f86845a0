// Products of attention in which several query heads share one head of keys and values.
#ifndef LAIC_LIB_DIALECT_LAIC_GROUPEDHEADS_H
#define LAIC_LIB_DIALECT_LAIC_GROUPEDHEADS_H

#include "Decomposer.h"
#include "laic/Dialect/Laic/ShapeContext.h"

namespace laic {

/// How many heads the queries have, and how many the keys and values: vectors of one size.
struct HeadCounts {
  mlir::Value query, shared;
  int64_t times; // query heads that share one head of keys; 0 where that is not known
};
/// Of tensors [batch, heads, sequence, head], whose sizes of the second dim are known when compiling or not.
HeadCounts headCounts(const Decomposer &d, mlir::Value query, mlir::Value key, std::optional<int64_t> queryHeads,
                      std::optional<int64_t> sharedHeads);
/// The same; both have known types.
HeadCounts headCounts(const Decomposer &d, mlir::Value query, mlir::Value key);
HeadCounts headCounts(const Decomposer &d, int64_t query, int64_t shared);

/// [batch, sequence, heads * head] as [batch, heads, sequence, head], and back.
mlir::Value splitHeads(const Decomposer &d, mlir::Value x, int64_t heads);
mlir::Value mergeHeads(const Decomposer &d, mlir::Value x);

/// query [batch, heads, n, head] times the transposed keys [batch, shared heads, m, head]: [batch, heads, n, m].
mlir::Value groupedScores(const Decomposer &d, mlir::Value query, mlir::Value key, const HeadCounts &heads);
/// weights [batch, heads, n, m] times values [batch, shared heads, m, head]: [batch, heads, n, head].
mlir::Value groupedValues(const Decomposer &d, mlir::Value weights, mlir::Value value, const HeadCounts &heads);

/// softcap * tanh(scores / softcap); the scores where softcap is 0.
mlir::Value capScores(const Decomposer &d, mlir::Value scores, double softcap);

/// Which keys a query may see. Positions are i64; bounds of -1 do not bound. Each part is null where it lets everything pass.
struct Visibility {
  mlir::Value query, key;        // positions, broadcastable to [batch, heads, n, m]
  mlir::Value keyCount;          // keys from here on are padding; may be null
  int64_t left = -1, right = -1; // how far a key may lie before and behind the query
};
/// True where the query may see the key; null where all may.
mlir::Value visible(const Decomposer &d, const Visibility &rule);

/// The heads of operand i [batch, sequence, hidden], or of [batch, heads, sequence, head], as a shape of the latter kind; fails
/// unless hidden is a multiple of `heads`.
llvm::FailureOr<SymShape> headShape(ShapeContext &ctx, unsigned i, int64_t heads, llvm::StringRef name);

} // namespace laic
#endif
