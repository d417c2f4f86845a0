// Calls of the runtime's functions while lowering.
#ifndef LAIC_LIB_DIALECT_LAIC_HOSTFUNCTIONS_H
#define LAIC_LIB_DIALECT_LAIC_HOSTFUNCTIONS_H

#include "laic/Dialect/Laic/HostCalls.h"
#include "laic/Dialect/Laic/LowerContext.h"

namespace laic {

inline bool isString(mlir::Type element) { return mlir::isa_and_nonnull<StringType>(element); }

/// The one result of laic.host_call.
mlir::Value callHost(LowerContext &ctx, llvm::StringRef function, mlir::ValueRange inputs, llvm::ArrayRef<int64_t> parameters,
                     llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element);
/// A vector of strings, lowered.
mlir::Value stringTable(LowerContext &ctx, llvm::ArrayRef<llvm::StringRef> strings);
/// table[positions], a vector's elements by i64 positions of any shape that are known to be in range.
mlir::Value pick(LowerContext &ctx, mlir::Value table, mlir::Value positions, llvm::ArrayRef<mlir::AffineExpr> shape,
                 mlir::Type element);

/// Strings in ascending order of their bytes, each once.
struct SortedStrings {
  explicit SortedStrings(llvm::ArrayRef<llvm::StringRef> strings);
  std::vector<llvm::StringRef> strings;
  std::vector<size_t> firsts; // where each stands first in what was sorted
  size_t position(llvm::StringRef text) const;
};
/// For each string of a lowered tensor its position among the sorted ones, or their number where it is not among them: i64.
mlir::Value findStrings(LowerContext &ctx, mlir::Value x, llvm::ArrayRef<mlir::AffineExpr> shape, const SortedStrings &among);

/// The strings of an attribute that lists them.
llvm::SmallVector<llvm::StringRef> stringsOf(mlir::ArrayAttr list);
inline llvm::SmallVector<llvm::StringRef> stringsOf(std::optional<mlir::ArrayAttr> list) {
  return list ? stringsOf(*list) : llvm::SmallVector<llvm::StringRef>();
}

} // namespace laic
#endif
