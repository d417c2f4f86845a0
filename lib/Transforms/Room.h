// Tensors in memory that has room for more than they have elements, along one dim: `laic.room`.
#ifndef LAIC_LIB_TRANSFORMS_ROOM_H
#define LAIC_LIB_TRANSFORMS_ROOM_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace laic {

/// Where the dim `room` of a view's source is in its result, where it is there alone and what is before it stays before it; otherwise
/// nothing.
std::optional<int64_t> roomBehind(mlir::Operation *view, int64_t room);

/// The value of `laic.room` among the attributes of an argument or result.
std::optional<int64_t> roomOf(mlir::DictionaryAttr attributes);

} // namespace laic
#endif
