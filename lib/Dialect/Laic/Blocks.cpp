// laic.unpack_blocks as loops, for targets that multiply by f32 alone.
#include "laic/Dialect/Laic/BlocksOps.h"

#include "PackedReader.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace laic;

Value UnpackBlocksOp::expand(OpBuilder &b) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(*this);
  auto type = cast<RankedTensorType>(getResult().getType());
  Value empty = tensor::EmptyOp::create(b, getLoc(), type.getShape(), type.getElementType());
  auto identity = AffineMap::getMultiDimIdentityMap(2, getContext());
  llvm::SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange) {
    PackedReader reader(getBits(), nested, loc);
    const IndexBuilder &ib = reader.ib;
    Value row = linalg::IndexOp::create(nested, loc, 0), k = linalg::IndexOp::create(nested, loc, 1);
    Value block = ib.div(k, ib.cst(getBlockSize()));
    Value value = reader.toF32(reader.read(getPacked(), row, k));
    Value zero = reader.toF32(getZeros() ? reader.read(getZeros(), row, block) : reader.middle());
    Value scale = tensor::ExtractOp::create(nested, loc, getScales(), ValueRange{row, block});
    Value centred = arith::SubFOp::create(nested, loc, value, zero);
    linalg::YieldOp::create(nested, loc, arith::MulFOp::create(nested, loc, centred, scale).getResult());
  };
  return linalg::GenericOp::create(b, getLoc(), type, ValueRange(), empty, llvm::ArrayRef<AffineMap>(identity), iterators, body)
      .getResult(0);
}
