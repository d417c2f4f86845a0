// Follows the dim along which a tensor's memory has room through views.
#include "Room.h"

#include "laic/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;

/// The only dim of a group that is not known to be 1, or the last dim of a group of ones.
static std::optional<int64_t> onlyDim(ArrayRef<int64_t> group, ArrayRef<int64_t> shape) {
  std::optional<int64_t> only;
  for (int64_t dim : group)
    if (shape[dim] != 1) {
      if (only)
        return std::nullopt;
      only = dim;
    }
  return only ? only : group.back();
}

std::optional<int64_t> laic::roomBehind(Operation *view, int64_t room) {
  if (isa<tensor::CastOp>(view))
    return room;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(view))
    return onlyDim(expand.getReassociationIndices()[room], expand.getResultType().getShape());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(view)) {
    for (auto [at, group] : llvm::enumerate(collapse.getReassociationIndices()))
      if (llvm::is_contained(group, room))
        return onlyDim(group, collapse.getSrcType().getShape()) == room ? std::optional<int64_t>(at) : std::nullopt;
  }
  return std::nullopt;
}

std::optional<int64_t> laic::roomOf(DictionaryAttr attributes) {
  auto room = attributes ? attributes.getAs<IntegerAttr>(kRoomAttr) : IntegerAttr();
  return room ? std::optional<int64_t>(room.getInt()) : std::nullopt;
}
