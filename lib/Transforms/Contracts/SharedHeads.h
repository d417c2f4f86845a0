// Keys and values that several query heads share.
#ifndef LAIC_LIB_TRANSFORMS_CONTRACTS_SHAREDHEADS_H
#define LAIC_LIB_TRANSFORMS_CONTRACTS_SHAREDHEADS_H

#include "laic/Transforms/Contracts/Contraction.h"

#include <optional>

namespace laic::contracts {

/// A tensor whose elements are those of `source` with `times` neighbours along `dim` for each of them; the other dims are the same.
struct SharedHeads {
  mlir::Value source;
  unsigned dim = 0;
  int64_t times = 1;
};

/// collapse_shape [.., [kv, times], ..] of a source that a linalg.generic repeats along `times`: how grouped attention expands keys and
/// values. Nothing else is repeated, and nothing computed. May make a reshape at `b`.
std::optional<SharedHeads> sharedHeads(mlir::OpBuilder &b, mlir::Value value);

/// For targets whose contractions cannot share a dim of B: the rows of all query heads that share one head of keys lie behind each other,
/// and one product serves them. Nothing is copied but the keys that are transposed anyway.
void joinRowsOfSharedHeads(mlir::func::FuncOp func, mlir::IRRewriter &rewriter);

} // namespace laic::contracts
#endif
