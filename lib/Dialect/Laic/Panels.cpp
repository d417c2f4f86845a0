// laic.panels: sizes.
#include "laic/Dialect/Laic/PanelsOps.h"

using namespace mlir;
using namespace laic;

llvm::SmallVector<AffineExpr> PanelsOp::resultShape(llvm::ArrayRef<AffineExpr> source) {
  llvm::ArrayRef<int64_t> known = cast<RankedTensorType>(getResult().getType()).getShape();
  llvm::SmallVector<AffineExpr> shape(known.size());
  for (auto [index, size] : llvm::zip(getMap().getResults(), source))
    if (auto dim = dyn_cast<AffineDimExpr>(index))
      shape[dim.getPosition()] = dim.getPosition() == getBatch() ? size.ceilDiv(known.back()) : size;
  for (auto [d, size] : llvm::enumerate(known))
    if (!ShapedType::isDynamic(size))
      shape[d] = getAffineConstantExpr(size, getContext());
  return shape;
}
