// Keeps physical tensors by logical value and converts between orders of dims.
#include "Layouts.h"

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

bool laic::contracts::isIdentity(ArrayRef<int64_t> order) {
  return llvm::all_of(llvm::enumerate(order), [](auto it) { return int64_t(it.index()) == it.value(); });
}

bool laic::contracts::isChannelsLast(ArrayRef<int64_t> order) {
  if (order.size() < 3 || order.front() != 0 || order.back() != 1)
    return false;
  return llvm::is_sorted(order.drop_back());
}

Order laic::contracts::identityOrder(int64_t rank) {
  auto dims = llvm::seq<int64_t>(0, rank);
  return Order(dims.begin(), dims.end());
}

Order laic::contracts::inverse(ArrayRef<int64_t> order) {
  Order result(order.size());
  for (auto [i, dim] : llvm::enumerate(order))
    result[dim] = i;
  return result;
}

static int64_t rankOf(Value value) { return cast<RankedTensorType>(value.getType()).getRank(); }

Order Layouts::preferred(Value value) const {
  auto found = known.find(value);
  return found == known.end() ? identityOrder(rankOf(value)) : found->second.front().order;
}

Value Layouts::physical(Value value) const {
  auto found = known.find(value);
  return found == known.end() ? value : found->second.front().physical;
}

void Layouts::add(Value value, ArrayRef<int64_t> order, Value physical) { known[value].push_back({Order(order), physical}); }

void Layouts::addAlternative(Value value, ArrayRef<int64_t> order, Value physical) {
  alternatives[value].push_back({Order(order), physical});
}

bool Layouts::isUnit(Value value, int64_t dim) const { return cast<RankedTensorType>(value.getType()).getDimSize(dim) == 1; }

SmallVector<AffineExpr> Layouts::shape(Value value) {
  SmallVector<AffineExpr> result;
  for (int64_t i = 0, rank = rankOf(value); i < rank; ++i)
    result.push_back(sizes.get(value, i));
  return result;
}

Value Layouts::get(Value value, ArrayRef<int64_t> order) {
  auto found = known.find(value);
  if (found == known.end() && isIdentity(order))
    return value;
  auto matches = [&](const Entry &entry) { return ArrayRef(entry.order) == order; };
  for (auto *map : {&known, &alternatives})
    if (auto entries = map->find(value); entries != map->end())
      if (const Entry *entry = llvm::find_if(entries->second, matches); entry != entries->second.end())
        return entry->physical;
  if (Value remade = remake(value, order))
    return remade;
  Entry from = found == known.end() ? Entry{identityOrder(rankOf(value)), value} : found->second.front();
  Value converted = convert(value, from, order);
  addAlternative(value, order, converted);
  return converted;
}

/// Tensors without contents of their own are made anew instead of being transposed.
Value Layouts::remake(Value value, ArrayRef<int64_t> order) {
  Operation *op = value.getDefiningOp();
  if (isa_and_nonnull<tensor::EmptyOp>(op))
    return sizes.empty(rewriter, op->getLoc(), permuted<AffineExpr>(shape(value), order), getElementTypeOrSelf(value));
  if (auto fill = dyn_cast_or_null<linalg::FillOp>(op)) {
    Value empty = sizes.empty(rewriter, op->getLoc(), permuted<AffineExpr>(shape(value), order), getElementTypeOrSelf(value));
    return linalg::FillOp::create(rewriter, op->getLoc(), fill.getInputs(), ValueRange(empty)).getResult(0);
  }
  if (auto constant = dyn_cast_or_null<ConstantOp>(op))
    if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()); dense && dense.isSplat()) {
      auto type = RankedTensorType::get(permuted<int64_t>(dense.getType().getShape(), order), dense.getElementType());
      return ConstantOp::create(rewriter, op->getLoc(), type, dense.resizeSplat(type));
    }
  return {};
}

Value Layouts::convert(Value value, const Entry &from, ArrayRef<int64_t> order) {
  Location loc = value.getLoc();
  auto nonUnit = [&](ArrayRef<int64_t> dims) {
    return llvm::filter_to_vector(dims, [&](int64_t dim) { return !isUnit(value, dim); });
  };
  Order back = inverse(from.order);
  Order moves; // dim i of the new tensor is dim moves[i] of the physical one
  for (int64_t dim : order)
    moves.push_back(back[dim]);
  SmallVector<AffineExpr> target = permuted<AffineExpr>(shape(from.physical), moves);
  if (nonUnit(from.order) == nonUnit(order))
    return reshapeUnits(loc, from.physical, target);
  Value empty = sizes.empty(rewriter, loc, target, getElementTypeOrSelf(value));
  return linalg::TransposeOp::create(rewriter, loc, from.physical, empty, moves).getResult()[0];
}

/// Groups of dims, one per dim that is not of size 1; unit dims join the group before them (the first ones:
/// the group after).
static SmallVector<ReassociationIndices> coreGroups(ArrayRef<AffineExpr> shape, SmallVector<AffineExpr> &core) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (auto [i, size] : llvm::enumerate(shape)) {
    bool unit = staticSize(size) == 1;
    if (!unit) {
      groups.emplace_back(std::move(leading));
      leading.clear();
      core.push_back(size);
    }
    (unit && groups.empty() ? leading : groups.back()).push_back(i);
  }
  return groups;
}

Value Layouts::reshapeUnits(Location loc, Value value, ArrayRef<AffineExpr> target) {
  Type element = getElementTypeOrSelf(value);
  SmallVector<AffineExpr> from = shape(value), core, targetCore;
  if (from == SmallVector<AffineExpr>(target))
    return value;
  SmallVector<ReassociationIndices> groups = coreGroups(from, core), targetGroups = coreGroups(target, targetCore);
  if (core.size() != from.size())
    value = tensor::CollapseShapeOp::create(rewriter, loc, RankedTensorType::get(staticSizes(core), element), value, groups);
  if (core.size() == target.size())
    return value;
  SmallVector<OpFoldResult> mixed;
  for (AffineExpr size : target)
    mixed.push_back(sizes.fold(rewriter, loc, size));
  return tensor::ExpandShapeOp::create(rewriter, loc, RankedTensorType::get(staticSizes(target), element), value, targetGroups,
                                       mixed);
}
