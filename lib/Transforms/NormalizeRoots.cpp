// Leaves one data-moving operation at a time: what dispatches are formed of.
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Transforms/Passes.h"
#include "laic/Transforms/TensorSizes.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;

namespace laic {
#define GEN_PASS_DEF_NORMALIZEROOTS
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

namespace {

/// Removes a cast where every user takes the source's type; otherwise the source's type is refined by
/// canonicalization.
void dropCasts(func::FuncOp func) {
  for (auto cast : llvm::make_early_inc_range(func.getBody().getOps<tensor::CastOp>())) {
    auto source = dyn_cast<RankedTensorType>(cast.getSource().getType());
    auto result = dyn_cast<RankedTensorType>(cast.getType());
    if (!source || !result || source != result)
      continue;
    cast.replaceAllUsesWith(cast.getSource());
    cast.erase();
  }
}

/// Every accumulation gets a fill of its own, so that a kernel takes it along.
void unshareFills(func::FuncOp func) {
  for (auto fill : llvm::make_early_inc_range(func.getBody().getOps<linalg::FillOp>())) {
    bool first = true;
    for (OpOperand &use : llvm::make_early_inc_range(fill.getResult(0).getUses())) {
      auto style = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
      if (!style || !style.isDpsInit(&use))
        continue;
      if (first && fill.getResult(0).hasOneUse())
        break;
      OpBuilder b(use.getOwner());
      use.set(b.clone(*fill)->getResult(0));
      first = false;
    }
    if (fill->use_empty())
      fill.erase();
  }
}

struct NormalizeRootsPass : laic::impl::NormalizeRootsBase<NormalizeRootsPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> named;
    func.walk([&](linalg::LinalgOp op) {
      if (!isa<linalg::GenericOp, linalg::FillOp, linalg::TransposeOp>(*op))
        named.push_back(op);
    });
    for (linalg::LinalgOp op : named) {
      rewriter.setInsertionPoint(op);
      (void)linalg::generalizeNamedOp(rewriter, op);
    }
    dropCasts(func);
    unshareFills(func);
    TensorSizes sizes(func, rewriter);
    func.walk([&](tensor::DimOp dim) {
      rewriter.setInsertionPoint(dim);
      if (AffineExpr size = sizes.get(dim.getResult()))
        rewriter.replaceOp(dim, sizes.value(rewriter, dim.getLoc(), size));
    });
  }
};

} // namespace
