// Constants of strings, and calls of the runtime's functions before lowering.
#ifndef LAIC_DIALECT_LAIC_HOSTCALLS_H
#define LAIC_DIALECT_LAIC_HOSTCALLS_H

#include "laic/Dialect/Laic/HostCallsOps.h"
#include "laic/Dialect/Laic/Laic.h"

namespace laic {

/// Strings as the runtime's functions read them out of a constant: n + 1 offsets of 8 bytes, then the bytes.
std::vector<char> packStrings(llvm::ArrayRef<llvm::StringRef> strings);

/// What one result of a laic.host_function is; the shape is a map from the dims of the first input and the sizes.
struct HostResult {
  mlir::AffineMap shape;
  mlir::Type element;
};
/// laic.host_function on tensors whose shapes inference has yet to find. `sizes` may be null.
llvm::SmallVector<mlir::Value> createHostFunction(mlir::OpBuilder &b, mlir::Location loc, llvm::StringRef function,
                                                  mlir::ValueRange inputs, llvm::ArrayRef<int64_t> parameters,
                                                  llvm::ArrayRef<HostResult> results, mlir::Value sizes = {});
/// A laic.constant of packed strings.
mlir::Value createPacked(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<llvm::StringRef> strings);
/// A constant tensor of strings.
mlir::Value createStrings(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<llvm::StringRef> strings,
                          llvm::ArrayRef<int64_t> shape);

} // namespace laic
#endif
