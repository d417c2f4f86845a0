// Loops over memrefs for structured operations.
#ifndef LAIC_DIALECT_LAIC_LOOPBUILDER_H
#define LAIC_DIALECT_LAIC_LOOPBUILDER_H

#include "IndexBuilder.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace laic {

/// Emits at the builder's insertion point; bodies are emitted inside the loops that they belong to.
struct LoopBuilder : IndexBuilder {
  using IndexBuilder::IndexBuilder;
  using Values = llvm::SmallVector<mlir::Value>;

  void loop(V lo, V hi, V step, llvm::function_ref<void(V)> body) const {
    auto op = mlir::scf::ForOp::create(b, loc, lo, hi, step);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    body(op.getInductionVar());
  }
  void loop(V lo, V hi, llvm::function_ref<void(V)> body) const { loop(lo, hi, cst(1), body); }
  /// A loop that carries values.
  Values loop(V lo, V hi, V step, mlir::ValueRange init, llvm::function_ref<Values(V, mlir::ValueRange)> body) const {
    auto op = mlir::scf::ForOp::create(b, loc, lo, hi, step, init);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    mlir::scf::YieldOp::create(b, loc, body(op.getInductionVar(), op.getRegionIterArgs()));
    return Values(op.getResults());
  }
  /// From the last step down to the first.
  void countDown(V lo, V hi, llvm::function_ref<void(V)> body) const {
    loop(lo, hi, [&](V i) { body(sub(sub(add(lo, hi), cst(1)), i)); });
  }
  /// Nested loops over [0, sizes).
  void nest(llvm::ArrayRef<V> sizes, llvm::function_ref<void(llvm::ArrayRef<V>)> body) const {
    Values at;
    nestFrom(sizes, at, body);
  }
  void when(V condition, llvm::function_ref<void()> body, llvm::function_ref<void()> otherwise = nullptr) const {
    auto op = mlir::scf::IfOp::create(b, loc, condition, /*withElseRegion=*/bool(otherwise));
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.thenBlock());
    body();
    if (!otherwise)
      return;
    b.setInsertionPointToStart(op.elseBlock());
    otherwise();
  }

  V dim(V memref, int64_t d) const {
    auto type = mlir::cast<mlir::MemRefType>(memref.getType());
    if (!type.isDynamicDim(d))
      return cst(type.getDimSize(d));
    return mlir::memref::DimOp::create(b, loc, memref, d);
  }
  Values dims(V memref) const {
    Values result;
    for (int64_t d = 0; d < mlir::cast<mlir::MemRefType>(memref.getType()).getRank(); ++d)
      result.push_back(dim(memref, d));
    return result;
  }
  V load(V memref, mlir::ValueRange at) const { return mlir::memref::LoadOp::create(b, loc, memref, at); }
  void store(V value, V memref, mlir::ValueRange at) const { mlir::memref::StoreOp::create(b, loc, value, memref, at); }
  /// A view of `count` elements of a byte workspace, from byte `offset` on.
  V scratch(V workspace, int64_t offset, int64_t count, mlir::Type element) const {
    auto type = mlir::MemRefType::get({count}, element);
    return mlir::memref::ViewOp::create(b, loc, type, workspace, cst(offset), mlir::ValueRange{});
  }

private:
  void nestFrom(llvm::ArrayRef<V> sizes, Values &at, llvm::function_ref<void(llvm::ArrayRef<V>)> body) const {
    if (at.size() == sizes.size())
      return body(at);
    loop(cst(0), sizes[at.size()], [&](V i) {
      at.push_back(i);
      nestFrom(sizes, at, body);
      at.pop_back();
    });
  }
};

/// `()[dims] -> (count)` over all dims of an operation's tensors, given the rank of each, operands first.
template <typename Count> mlir::AffineMap tileCountOf(mlir::Operation *op, Count count) {
  llvm::SmallVector<llvm::SmallVector<mlir::AffineExpr>> tensors;
  unsigned next = 0;
  auto add = [&](mlir::Value v) {
    auto type = mlir::dyn_cast<mlir::RankedTensorType>(v.getType());
    if (!type)
      return;
    auto &dims = tensors.emplace_back();
    for (int64_t d = 0; d < type.getRank(); ++d)
      dims.push_back(mlir::getAffineSymbolExpr(next++, op->getContext()));
  };
  for (mlir::Value v : op->getOperands())
    add(v);
  for (mlir::Value v : op->getResults())
    add(v);
  return mlir::AffineMap::get(0, next, count(tensors), op->getContext());
}

} // namespace laic
#endif
