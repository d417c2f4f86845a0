// Places values of static and symbolic size in one arena, so that values which are live together never
// overlap.
#ifndef LAIC_LIB_TRANSFORMS_ARENAPLANNER_H
#define LAIC_LIB_TRANSFORMS_ARENAPLANNER_H

#include "laic/Dialect/Laic/SizeSymbols.h"

namespace laic {

/// A value that is live from step `first` to step `last`, both included.
struct ArenaValue {
  mlir::AffineExpr bytes;
  unsigned first = 0, last = 0;
};

/// Where a value lies, in units of its region; ranges of different regions never overlap.
struct ArenaRange {
  unsigned region = 0;
  int64_t begin = 0, end = 0;
  bool overlaps(const ArenaRange &other) const { return region == other.region && begin < other.end && other.begin < end; }
};

struct ArenaPlan {
  llvm::SmallVector<mlir::AffineExpr> offsets; // bytes, multiples of 64
  llvm::SmallVector<ArenaRange> ranges;
  mlir::AffineExpr size; // bytes
  int64_t hintBytes = 0; // the size where every unknown input dim is 64
};

/// Two plans are made and the smaller (with every unknown dim 64) is taken: one puts values whose sizes are
/// multiples of the same expression into a common region, best fit first; the other shares slots of the size
/// of their largest value. May add derived symbols (maxima).
ArenaPlan planArena(llvm::ArrayRef<ArenaValue> values, SizeSymbols &symbols);

/// The value of an expression where every input dim and element has the value `hint`.
int64_t evaluateSize(mlir::AffineExpr expr, const SizeSymbols &symbols, int64_t hint);

} // namespace laic
#endif
