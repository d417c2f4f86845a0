// How a kernel is called: its function, what it reads of its tensors and scalars, how it ends; see laic/kernel_abi.h.
#include "KernelEmitter.h"
#include "laic/Transforms/Passes.h"
#include "laic/kernel_abi.h"

#include <cstddef>

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

/// What lies at `base`, so many bytes on.
static Value field(OpBuilder &b, Location loc, Value base, int64_t offset, Type type) {
  Type ptr = LLVM::LLVMPointerType::get(b.getContext());
  Value at = LLVM::GEPOp::create(b, loc, ptr, b.getI8Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(offset)});
  return LLVM::LoadOp::create(b, loc, type, at);
}

LogicalResult KernelEmitter::createFunction() {
  Type ptr = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type();
  b.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(b, loc, kernel.getName(), b.getFunctionType({ptr, ptr, i64, i64, ptr, ptr}, b.getI32Type()));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  tensors = entry->getArgument(0);
  scalars = entry->getArgument(1);
  workspace = entry->getArgument(4);
  error = entry->getArgument(5);
  entryEnd = arith::ConstantIndexOp::create(b, loc, 0);
  indexCache[0] = entryEnd->getResult(0);
  b.setInsertionPoint(entryEnd);
  begin = arith::IndexCastOp::create(b, loc, b.getIndexType(), entry->getArgument(2));
  end = arith::IndexCastOp::create(b, loc, b.getIndexType(), entry->getArgument(3));

  unsigned tensorNumber = 0;
  auto addTensor = [&](RankedTensorType type) {
    int64_t at = tensorNumber++ * sizeof(laic_tensor_t);
    SmallVector<Size> sizes;
    Value sizesPointer;
    for (auto [dim, size] : llvm::enumerate(type.getShape())) {
      if (!ShapedType::isDynamic(size)) {
        sizes.push_back(size);
        continue;
      }
      if (!sizesPointer)
        sizesPointer = field(b, loc, tensors, at + offsetof(laic_tensor_t, sizes), ptr);
      sizes.push_back(Size::symbol(symbolValues.size()));
      Value loaded = field(b, loc, sizesPointer, dim * 8, i64);
      symbolValues.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), loaded));
    }
    return makeBuffer(field(b, loc, tensors, at + offsetof(laic_tensor_t, data), ptr), type.getElementType(), sizes);
  };
  auto tensorTypes = [&](TypeRange types, SmallVector<Buffer> &buffers) -> LogicalResult {
    for (Type type : types) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor && !type.isIndex())
        return fail("an operand is neither a ranked tensor nor an index");
      buffers.push_back(tensor ? addTensor(tensor) : Buffer());
    }
    return success();
  };
  if (failed(tensorTypes(kernel.getArgumentTypes(), argBuffers)) || failed(tensorTypes(kernel.getResultTypes(), resultBuffers)))
    return failure();
  int64_t scalarNumber = 0;
  for (BlockArgument arg : kernel.getArguments()) {
    if (!arg.getType().isIndex())
      continue;
    Value loaded = field(b, loc, scalars, 8 * scalarNumber++, i64);
    Value size = arith::IndexCastOp::create(b, loc, b.getIndexType(), loaded);
    scalarCache[arg] = size;
    localSymbols[arg] = symbolValues.size();
    symbolValues.push_back(size);
  }
  exportedSymbols = symbolValues.size();
  if (failed(readPitches()))
    return failure();
  for (unsigned i = 0; i < symbolValues.size(); ++i)
    symbolParents.push_back(i);
  tileCount = getAffineConstantExpr(1, context);
  workspaceBytes = getAffineConstantExpr(0, context);
  b.setInsertionPointToEnd(entry);
  return success();
}

LogicalResult KernelEmitter::readPitches() {
  Type ptr = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type();
  unsigned number = 0;
  auto read = [&](Buffer &buffer, DictionaryAttr attributes) -> LogicalResult {
    unsigned at = number++;
    auto room = attributes ? attributes.getAs<IntegerAttr>(kRoomAttr) : IntegerAttr();
    if (!room || room.getInt() == 0)
      return success();
    if (room.getInt() < 0 || room.getInt() >= int64_t(buffer.sizes.size()))
      return fail("it has room along dim " + llvm::Twine(room.getInt()) + " of a tensor of rank " +
                  llvm::Twine(buffer.sizes.size()));
    Value strides = field(b, loc, tensors, at * sizeof(laic_tensor_t) + offsetof(laic_tensor_t, strides), ptr);
    buffer.room = room.getInt();
    buffer.pitch = Size::symbol(symbolValues.size());
    Value pitch = field(b, loc, strides, (buffer.room - 1) * 8, i64);
    symbolValues.push_back(arith::IndexCastOp::create(b, loc, b.getIndexType(), pitch));
    return success();
  };
  for (auto [i, argument] : llvm::enumerate(kernel.getArgumentTypes()))
    if (isa<RankedTensorType>(argument) && failed(read(argBuffers[i], kernel.getArgAttrDict(i))))
      return failure();
  for (auto [i, buffer] : llvm::enumerate(resultBuffers))
    if (failed(read(buffer, kernel.getResultAttrDict(i))))
      return failure();
  return success();
}

void KernelEmitter::finish() {
  lowerCheckIndex();
  Value code;
  if (usesError) {
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(entryEnd);
      LLVM::StoreOp::create(b, loc, arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0), error);
    }
    code = LLVM::LoadOp::create(b, loc, b.getI32Type(), error);
  } else {
    code = arith::ConstantIntOp::create(b, loc, b.getI32Type(), 0);
  }
  func::ReturnOp::create(b, loc, code);
}
