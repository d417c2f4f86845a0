// Rewrites a function front to back so that convolutions and what lies between them work on channels-last
// tensors.
//
// Every value may exist in another order of dims than in the original function (Layouts). An operation either
// takes its operands in the order they have and passes it on to its results, or asks for the original order,
// which costs a transpose once per value. Rewritten operations leave the original ones without users; those
// are erased at the end.
#include "laic/Transforms/Contracts/Prepare.h"

#include "LayoutRewriter.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Transforms/Contracts/Contraction.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_PROPAGATELAYOUT
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

namespace {

bool hasConvolution(func::FuncOp func) {
  return llvm::any_of(func.getBody().front().getOps<linalg::GenericOp>(), [&](linalg::GenericOp op) {
    StringRef why;
    FailureOr<Contraction> contraction = matchContraction(op, Prefer::Constant, why);
    return succeeded(contraction) && contraction->convolution;
  });
}

struct PropagateLayoutPass : contracts::impl::PropagateLayoutBase<PropagateLayoutPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    if (!hasConvolution(func))
      return;
    IRRewriter rewriter(&getContext());
    TensorSizes sizes(func, rewriter);
    Block &block = func.getBody().front();
    SmallVector<Operation *> originals = llvm::map_to_vector(block, [](Operation &op) { return &op; });
    LayoutRewriter layout(rewriter, sizes);
    for (Operation *op : originals)
      layout.rewrite(op);
    for (Operation *op : llvm::reverse(originals))
      if (isOpTriviallyDead(op))
        rewriter.eraseOp(op);
    padLast(func, rewriter, sizes);
    report(func);
  }

private:
  /// transpose(pad(x)) -> pad(transpose(x)): less is moved, and the transpose may write into the padding.
  static void padLast(func::FuncOp func, IRRewriter &rewriter, TensorSizes &sizes) {
    for (auto transpose : llvm::make_early_inc_range(func.getBody().front().getOps<linalg::TransposeOp>())) {
      auto pad = transpose.getInput().getDefiningOp<tensor::PadOp>();
      if (!pad || !pad->hasOneUse() || !pad.getConstantPaddingValue() || isConstantValue(pad.getSource()))
        continue;
      SmallVector<AffineExpr> shape;
      SmallVector<OpFoldResult> low, high, givenLow = pad.getMixedLowPad(), givenHigh = pad.getMixedHighPad();
      for (int64_t from : transpose.getPermutation()) {
        shape.push_back(sizes.get(pad.getSource(), from));
        low.push_back(givenLow[from]);
        high.push_back(givenHigh[from]);
      }
      if (llvm::is_contained(shape, AffineExpr()))
        continue;
      rewriter.setInsertionPoint(transpose);
      Location loc = transpose.getLoc();
      Value empty = sizes.empty(rewriter, loc, shape, getElementTypeOrSelf(pad.getSource()));
      Value moved = linalg::TransposeOp::create(rewriter, loc, pad.getSource(), empty, transpose.getPermutation()).getResult()[0];
      rewriter.replaceOpWithNewOp<tensor::PadOp>(transpose, transpose.getResult()[0].getType(), moved, low, high,
                                                 pad.getConstantPaddingValue());
      rewriter.eraseOp(pad);
    }
  }

  void report(func::FuncOp func) {
    int64_t transposes = llvm::count_if(func.getBody().front().getOps<linalg::TransposeOp>(),
                                        [&](linalg::TransposeOp op) { return !isConstantValue(op.getInput()); });
    // At the location: a remark on the operation would print the whole function.
    emitRemark(func.getLoc()) << "channels-last layout: " << transposes
                              << (transposes == 1 ? " transpose remains" : " transposes remain");
  }
};

} // namespace
