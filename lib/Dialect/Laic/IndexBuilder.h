// Short spellings for index arithmetic in bodies and loops.
#ifndef LAIC_DIALECT_LAIC_INDEXBUILDER_H
#define LAIC_DIALECT_LAIC_INDEXBUILDER_H

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace laic {

/// Signed arithmetic on `index` (or any one integer type, given two operands of it).
struct IndexBuilder {
  IndexBuilder(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}
  using V = mlir::Value;
  using P = mlir::arith::CmpIPredicate;

  V cst(int64_t value) const { return mlir::arith::ConstantIndexOp::create(b, loc, value); }
  V add(V x, V y) const { return mlir::arith::AddIOp::create(b, loc, x, y); }
  V sub(V x, V y) const { return mlir::arith::SubIOp::create(b, loc, x, y); }
  V mul(V x, V y) const { return mlir::arith::MulIOp::create(b, loc, x, y); }
  V div(V x, V y) const { return mlir::arith::DivUIOp::create(b, loc, x, y); } // operands >= 0
  V rem(V x, V y) const { return mlir::arith::RemUIOp::create(b, loc, x, y); } // operands >= 0
  V min(V x, V y) const { return mlir::arith::MinSIOp::create(b, loc, x, y); }
  V max(V x, V y) const { return mlir::arith::MaxSIOp::create(b, loc, x, y); }
  V cmp(P p, V x, V y) const { return mlir::arith::CmpIOp::create(b, loc, p, x, y); }
  V lt(V x, V y) const { return cmp(P::slt, x, y); }
  V le(V x, V y) const { return cmp(P::sle, x, y); }
  V eq(V x, V y) const { return cmp(P::eq, x, y); }
  V both(V x, V y) const { return mlir::arith::AndIOp::create(b, loc, x, y); }
  V either(V x, V y) const { return mlir::arith::OrIOp::create(b, loc, x, y); }
  V select(V c, V x, V y) const { return mlir::arith::SelectOp::create(b, loc, c, x, y); }
  /// A signless integer of any width (or an index) as an index, and back.
  V toIndex(V x, bool isUnsigned = false) const {
    if (x.getType().isIndex())
      return x;
    if (isUnsigned)
      return mlir::arith::IndexCastUIOp::create(b, loc, b.getIndexType(), x);
    return mlir::arith::IndexCastOp::create(b, loc, b.getIndexType(), x);
  }
  V toInt(V x, mlir::Type type) const { return x.getType() == type ? x : V(mlir::arith::IndexCastOp::create(b, loc, type, x)); }
  /// The remainder with the sign of y > 0, for any x.
  V floorMod(V x, V y) const {
    V r = mlir::arith::RemSIOp::create(b, loc, x, y);
    return select(lt(r, cst(0)), add(r, y), r);
  }
  /// An index that came as data: negative ones count from the end, and `laic.check_index` refuses what is out of range.
  V checked(V raw, V bound, bool isUnsigned = false) const {
    V index = toIndex(raw, isUnsigned);
    V wrapped = isUnsigned ? index : select(lt(index, cst(0)), add(index, bound), index);
    V original = toInt(index, b.getI64Type());
    return CheckIndexOp::create(b, loc, b.getIndexType(), wrapped, bound, original, b.getI32IntegerAttr(1));
  }

  mlir::OpBuilder &b;
  mlir::Location loc;
};

} // namespace laic
#endif
