// Constant tensors that lowering makes out of attributes.
#ifndef LAIC_LIB_DIALECT_LAIC_WEIGHTTENSOR_H
#define LAIC_LIB_DIALECT_LAIC_WEIGHTTENSOR_H

#include "laic/Dialect/Laic/LowerContext.h"
#include "laic/Dialect/Laic/WeightStore.h"

namespace laic {

/// A laic.constant of these values, in one dim or the given shape; large ones lie in the WeightStore.
template <typename T> mlir::Value weightTensor(LowerContext &ctx, llvm::ArrayRef<T> values, llvm::ArrayRef<int64_t> shape = {}) {
  mlir::Type element = std::is_same_v<T, double>  ? mlir::Type(ctx.b.getF64Type())
                       : std::is_same_v<T, float> ? mlir::Type(ctx.b.getF32Type())
                                                  : mlir::Type(ctx.b.getIntegerType(8 * sizeof(T)));
  llvm::SmallVector<int64_t> dims(shape);
  if (dims.empty())
    dims.push_back(values.size());
  auto type = mlir::RankedTensorType::get(dims, element);
  WeightStore &store = ctx.b.getContext()->getOrLoadDialect<LaicDialect>()->getWeights();
  llvm::ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
  return ConstantOp::create(ctx.b, type, makeConstant(store, bytes, type));
}

} // namespace laic
#endif
