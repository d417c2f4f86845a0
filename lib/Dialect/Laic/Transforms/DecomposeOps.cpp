// Replaces composed operations by simpler ones, innermost decompositions included.
#include "laic/Dialect/Laic/OnnxForm.h"
#include "laic/Dialect/Laic/Passes.h"

namespace laic {
#define GEN_PASS_DEF_LAICDECOMPOSEOPS
#include "laic/Dialect/Laic/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

struct DecomposeOpsPass : public laic::impl::LaicDecomposeOpsBase<DecomposeOpsPass> {
  using LaicDecomposeOpsBase::LaicDecomposeOpsBase;
  void runOnOperation() override {
    if (!foreignOnly)
      getOperation()->removeAttr(kOnnxAttr);
    IRRewriter rewriter(&getContext());
    llvm::SmallVector<OnnxOpInterface> ops;
    getOperation().walk([&](OnnxOpInterface op) {
      if (!foreignOnly || !hasOnnxForm(op))
        ops.push_back(op);
    });
    for (OnnxOpInterface op : ops) {
      rewriter.setInsertionPoint(op);
      // An operation without a decomposition declines without touching anything.
      (void)op.decompose(rewriter);
    }
  }
};

} // namespace
