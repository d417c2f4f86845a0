// Reads integers of few bits that share bytes.
#ifndef LAIC_LIB_DIALECT_LAIC_PACKEDREADER_H
#define LAIC_LIB_DIALECT_LAIC_PACKEDREADER_H

#include "IndexBuilder.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace laic {

/// Elements of `bits` bits (2, 4 or 8) in a tensor of bytes, the lowest bits of a byte first.
struct PackedReader {
  using V = mlir::Value;

  PackedReader(int64_t bits, mlir::OpBuilder &b, mlir::Location loc) : bits(bits), b(b), loc(loc), ib(b, loc) {}

  /// The element at `place` of the last dim, as i32; `at` are the other indices.
  V read(V table, llvm::ArrayRef<V> at, V place) const {
    constexpr int64_t kByte = 8;
    mlir::Type i32 = b.getI32Type();
    V position = ib.mul(place, ib.cst(bits));
    llvm::SmallVector<V> from(at);
    from.push_back(ib.div(position, ib.cst(kByte)));
    V byte = mlir::arith::ExtUIOp::create(b, loc, i32, mlir::tensor::ExtractOp::create(b, loc, table, from));
    V shift = ib.toInt(ib.rem(position, ib.cst(kByte)), i32);
    V shifted = bits == kByte ? byte : V(mlir::arith::ShRUIOp::create(b, loc, byte, shift));
    V mask = mlir::arith::ConstantIntOp::create(b, loc, (int64_t{1} << bits) - 1, 32);
    return mlir::arith::AndIOp::create(b, loc, shifted, mask);
  }
  V middle() const { return mlir::arith::ConstantIntOp::create(b, loc, int64_t{1} << (bits - 1), 32); }
  V toF32(V integer) const { return mlir::arith::SIToFPOp::create(b, loc, b.getF32Type(), integer); }

  int64_t bits;
  mlir::OpBuilder &b;
  mlir::Location loc;
  IndexBuilder ib;
};

} // namespace laic
#endif
