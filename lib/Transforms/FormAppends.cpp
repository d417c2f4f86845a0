// concat(input, new elements) that is returned -> laic.append.
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/StructuredOps.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace laic {
#define GEN_PASS_DEF_FORMAPPENDS
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

/// What a value is but for casts of its type.
static Value withoutCasts(Value value) {
  while (auto cast = value.getDefiningOp<tensor::CastOp>())
    value = cast.getSource();
  return value;
}

static bool isReturned(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    auto cast = dyn_cast<tensor::CastOp>(user);
    return isa<func::ReturnOp>(user) || (cast && isReturned(cast.getDest()));
  });
}

static bool isZero(Value number) { return matchPattern(number, m_PosZeroFloat()) || matchPattern(number, m_Zero()); }

/// A fill, or an expanded constant.
static bool isZeros(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return isZero(fill.getInputs()[0]);
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  return generic && generic->getNumResults() == 1 && isZero(generic.getBody()->getTerminator()->getOperand(0));
}

namespace {
struct FormAppends : public laic::impl::FormAppendsBase<FormAppends> {
  using FormAppendsBase::FormAppendsBase;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (Operation &op : llvm::make_early_inc_range(getOperation().getBody().front())) {
      if (auto concat = dyn_cast<tensor::ConcatOp>(op))
        turn(rewriter, concat);
      else if (auto append = dyn_cast<AppendOp>(op))
        takeZeros(append);
    }
  }

private:
  static void turn(IRRewriter &rewriter, tensor::ConcatOp concat) {
    auto type = concat.getResultType();
    if (concat.getInputs().size() != 2 || !type.getElementType().isIntOrFloat() || !isReturned(concat) ||
        !isa<BlockArgument>(withoutCasts(concat.getInputs()[0])))
      return;
    rewriter.setInsertionPoint(concat);
    SmallVector<Value> sizes;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size))
        continue;
      Value total;
      for (Value input : concat.getInputs().take_front(dim == concat.getDim() ? 2 : 1)) {
        Value part = tensor::DimOp::create(rewriter, concat.getLoc(), input, dim);
        total = total ? arith::AddIOp::create(rewriter, concat.getLoc(), total, part).getResult() : part;
      }
      sizes.push_back(total);
    }
    rewriter.replaceOpWithNewOp<AppendOp>(concat, type, concat.getInputs()[0], concat.getInputs()[1], Value(), sizes,
                                          concat.getDim());
  }

  /// append(concat(x, 0), ..) -> append(x, ..): what x does not have is 0.
  static void takeZeros(AppendOp append) {
    auto concat = append.getPast().getDefiningOp<tensor::ConcatOp>();
    if (!append.getPositions() || !concat || concat.getInputs().size() != 2 || concat.getDim() != append.getAxis() ||
        !isZeros(concat.getInputs()[1]))
      return;
    append.getPastMutable().assign(concat.getInputs()[0]);
    if (concat->use_empty())
      concat.erase();
  }
};
} // namespace
