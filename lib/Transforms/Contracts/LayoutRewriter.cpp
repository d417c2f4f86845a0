// Layouts through operations that only move elements.
#include "LayoutRewriter.h"

#include "laic/Dialect/Laic/Laic.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

void LayoutRewriter::rewrite(Operation *op) {
  rewriter.setInsertionPoint(op);
  bool done = false;
  if (isa<linalg::GenericOp, linalg::TransposeOp>(op) || readsRewritten(op))
    done = !unknownShape(op) &&
           TypeSwitch<Operation *, bool>(op)
               .Case<linalg::GenericOp, linalg::TransposeOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::PadOp,
                     tensor::ConcatOp, tensor::ExtractSliceOp, tensor::InsertSliceOp>([&](auto typed) { return rewrite(typed); })
               .Default(false);
  if (!done)
    useOriginalOrder(op);
}

bool LayoutRewriter::readsRewritten(Operation *op) const {
  return op
      ->walk([&](Operation *inner) {
        bool found = llvm::any_of(inner->getOperands(), [&](Value v) { return layouts.isRewritten(v); });
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

bool LayoutRewriter::unknownShape(Operation *op) {
  auto unknown = [&](Value value) {
    return isa<RankedTensorType>(value.getType()) && llvm::is_contained(layouts.shape(value), AffineExpr());
  };
  return llvm::any_of(op->getOperands(), unknown) || llvm::any_of(op->getResults(), unknown);
}

void LayoutRewriter::useOriginalOrder(Operation *op) {
  op->walk([&](Operation *inner) {
    for (OpOperand &operand : inner->getOpOperands())
      if (layouts.isRewritten(operand.get()))
        operand.set(layouts.get(operand.get(), identityOrder(cast<RankedTensorType>(operand.get().getType()).getRank())));
  });
}

/// A transpose names the same elements by other dims: nothing moves until somebody needs the order.
bool LayoutRewriter::rewrite(linalg::TransposeOp op) {
  Value source = op.getInput(), result = op.getResult()[0];
  Order order = layouts.preferred(source), back = inverse(op.getPermutation());
  Order renamed;
  for (int64_t dim : order)
    renamed.push_back(back[dim]);
  if (isIdentity(order) && !isChannelsLast(renamed)) {
    layouts.addAlternative(result, renamed, layouts.physical(source));
    return false;
  }
  layouts.add(result, renamed, layouts.physical(source));
  return true;
}

bool LayoutRewriter::rewrite(tensor::ExpandShapeOp op) {
  if (op.getSrcType().getRank() == 0) // no dim to keep an order of
    return false;
  Order order = layouts.preferred(op.getSrc()), result;
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices(), newGroups;
  for (int64_t dim : order) {
    newGroups.emplace_back();
    for (int64_t i : groups[dim]) {
      newGroups.back().push_back(result.size());
      result.push_back(i);
    }
  }
  SmallVector<OpFoldResult> shape = getMixedValues(op.getStaticOutputShape(), op.getOutputShape(), op.getContext());
  RankedTensorType type = op.getResultType();
  auto expanded = tensor::ExpandShapeOp::create(
      rewriter, op.getLoc(), RankedTensorType::get(permuted<int64_t>(type.getShape(), result), type.getElementType()),
      layouts.physical(op.getSrc()), newGroups, permuted<OpFoldResult>(shape, result));
  layouts.add(op.getResult(), result, expanded);
  return true;
}

/// Possible where the dims of each group are neighbours in the physical tensor, whatever unit dims lie
/// between.
bool LayoutRewriter::rewrite(tensor::CollapseShapeOp op) {
  Value source = op.getSrc(), physical = layouts.physical(source);
  SmallVector<int64_t> groupOf(op.getSrcType().getRank());
  SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
  for (auto [g, group] : llvm::enumerate(groups))
    for (int64_t dim : group)
      groupOf[dim] = g;
  Order blocks; // groups with elements to move, in physical order
  SmallVector<ReassociationIndices> newGroups;
  ReassociationIndices leading;
  int64_t previous = -1;
  for (auto [i, dim] : llvm::enumerate(layouts.preferred(source))) {
    bool unit = layouts.isUnit(source, dim);
    if (!unit && !blocks.empty() && groupOf[dim] == blocks.back()) {
      if (dim < previous)
        return false;
    } else if (!unit) {
      if (llvm::is_contained(blocks, groupOf[dim]))
        return false;
      blocks.push_back(groupOf[dim]);
      newGroups.emplace_back(std::move(leading));
      leading.clear();
    }
    previous = unit ? previous : dim;
    (newGroups.empty() ? leading : newGroups.back()).push_back(i);
  }
  // Groups of unit dims alone follow the group before them.
  Order result(blocks);
  for (int64_t g = 0; g < int64_t(groups.size()); ++g)
    if (!llvm::is_contained(blocks, g)) {
      int64_t *before = llvm::find(result, g - 1);
      result.insert(before == result.end() ? result.begin() : before + 1, g);
    }
  Type element = op.getSrcType().getElementType();
  SmallVector<AffineExpr> shape = layouts.shape(op.getResult());
  Value collapsed = physical;
  if (newGroups.size() != groupOf.size())
    collapsed = tensor::CollapseShapeOp::create(rewriter, op.getLoc(),
                                                RankedTensorType::get(staticSizes(permuted<AffineExpr>(shape, blocks)), element),
                                                physical, newGroups);
  layouts.add(op.getResult(), result, layouts.reshapeUnits(op.getLoc(), collapsed, permuted<AffineExpr>(shape, result)));
  return true;
}

bool LayoutRewriter::rewrite(tensor::PadOp op) {
  Value padding = op.getConstantPaddingValue();
  if (!padding)
    return false;
  Order order = layouts.preferred(op.getSource());
  if (padding.getParentBlock() != op->getBlock())
    padding = rewriter.clone(*padding.getDefiningOp())->getResult(0);
  RankedTensorType type = op.getResultType();
  auto padded = tensor::PadOp::create(rewriter, op.getLoc(),
                                      RankedTensorType::get(permuted<int64_t>(type.getShape(), order), type.getElementType()),
                                      layouts.physical(op.getSource()), permuted<OpFoldResult>(op.getMixedLowPad(), order),
                                      permuted<OpFoldResult>(op.getMixedHighPad(), order), padding, op.getNofold());
  layouts.add(op.getResult(), order, padded);
  return true;
}

bool LayoutRewriter::rewrite(tensor::ConcatOp op) {
  // The order that most operands have; among equals one that a convolution asked for.
  Order best;
  int64_t votes = 0;
  for (Value input : op.getInputs()) {
    Order order = layouts.preferred(input);
    int64_t count =
        2 * llvm::count_if(op.getInputs(), [&](Value v) { return layouts.preferred(v) == order; }) + !isIdentity(order);
    if (count > votes) {
      best = order;
      votes = count;
    }
  }
  SmallVector<Value> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(layouts.get(input, best));
  RankedTensorType type = op.getResultType();
  auto joined = tensor::ConcatOp::create(rewriter, op.getLoc(),
                                         RankedTensorType::get(permuted<int64_t>(type.getShape(), best), type.getElementType()),
                                         inverse(best)[op.getDim()], inputs);
  layouts.add(op.getResult(), best, joined);
  return true;
}

bool LayoutRewriter::rewrite(tensor::ExtractSliceOp op) {
  Order order = layouts.preferred(op.getSource()), result;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  for (int64_t dim : order)
    if (!dropped[dim]) {
      int64_t before = 0;
      for (int64_t i = 0; i < dim; ++i)
        before += dropped[i];
      result.push_back(dim - before);
    }
  RankedTensorType type = op.getResultType();
  auto slice = tensor::ExtractSliceOp::create(
      rewriter, op.getLoc(), RankedTensorType::get(permuted<int64_t>(type.getShape(), result), type.getElementType()),
      layouts.physical(op.getSource()), permuted<OpFoldResult>(op.getMixedOffsets(), order),
      permuted<OpFoldResult>(op.getMixedSizes(), order), permuted<OpFoldResult>(op.getMixedStrides(), order));
  layouts.add(op.getResult(), result, slice);
  return true;
}

bool LayoutRewriter::rewrite(tensor::InsertSliceOp op) {
  if (op.getSourceType().getRank() != op.getDestType().getRank())
    return false;
  Order order = layouts.preferred(op.getDest());
  if (isIdentity(order))
    order = layouts.preferred(op.getSource());
  auto inserted = tensor::InsertSliceOp::create(
      rewriter, op.getLoc(), layouts.get(op.getSource(), order), layouts.get(op.getDest(), order),
      permuted<OpFoldResult>(op.getMixedOffsets(), order), permuted<OpFoldResult>(op.getMixedSizes(), order),
      permuted<OpFoldResult>(op.getMixedStrides(), order));
  layouts.add(op.getResult(), order, inserted);
  return true;
}
