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

/// Products with shared heads get two loops instead of the one over query heads, so that nothing repeats keys and values: the second of them
/// walks rows. Where the target `readsSharedHeads` (laic.contract), only products of few rows that cannot read them in place.
void splitSharedHeads(mlir::func::FuncOp func, mlir::IRRewriter &rewriter, bool readsSharedHeads);

} // namespace laic::contracts
#endif
