// Operations that the runtime's own functions compute: their constants, shapes and lowering.
#include "laic/Dialect/Laic/HostCalls.h"

#include "DynamicSizes.h"
#include "HostFunctions.h"
#include "IndexBuilder.h"
#include "WeightTensor.h"

using namespace mlir;
using namespace laic;

// ---- before lowering ----

std::vector<char> laic::packStrings(llvm::ArrayRef<llvm::StringRef> strings) {
  std::vector<char> bytes((strings.size() + 1) * sizeof(uint64_t));
  uint64_t end = bytes.size();
  for (size_t i = 0; i <= strings.size(); ++i) {
    memcpy(bytes.data() + i * sizeof end, &end, sizeof end);
    end += i < strings.size() ? strings[i].size() : 0;
  }
  for (llvm::StringRef text : strings)
    bytes.insert(bytes.end(), text.begin(), text.end());
  return bytes;
}

llvm::SmallVector<Value> laic::createHostFunction(OpBuilder &b, Location loc, llvm::StringRef function, ValueRange inputs,
                                                  llvm::ArrayRef<int64_t> parameters, llvm::ArrayRef<HostResult> results,
                                                  Value sizes) {
  llvm::SmallVector<Value> operands(inputs);
  if (sizes)
    operands.push_back(sizes);
  llvm::SmallVector<Type> types;
  llvm::SmallVector<Attribute> shapes, elements;
  for (const HostResult &result : results) {
    types.push_back(UnrankedTensorType::get(result.element));
    shapes.push_back(AffineMapAttr::get(result.shape));
    elements.push_back(TypeAttr::get(result.element));
  }
  auto op = HostFunctionOp::create(b, loc, types, operands, function, parameters, b.getArrayAttr(shapes),
                                   b.getArrayAttr(elements), static_cast<bool>(sizes));
  return llvm::SmallVector<Value>(op.getOutputs());
}

Value laic::createPacked(OpBuilder &b, Location loc, llvm::ArrayRef<llvm::StringRef> strings) {
  std::vector<char> bytes = packStrings(strings);
  auto type = RankedTensorType::get({static_cast<int64_t>(bytes.size())}, b.getI8Type());
  WeightStore &store = b.getContext()->getOrLoadDialect<LaicDialect>()->getWeights();
  return ConstantOp::create(b, loc, type, makeConstant(store, bytes, type));
}

Value laic::createStrings(OpBuilder &b, Location loc, llvm::ArrayRef<llvm::StringRef> strings, llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<AffineExpr> dims;
  for (int64_t size : shape)
    dims.push_back(b.getAffineConstantExpr(size));
  HostResult result{AffineMap::get(1, 0, dims, b.getContext()), StringType::get(b.getContext())};
  Value packed = createPacked(b, loc, strings);
  Value value = createHostFunction(b, loc, "core.strings", packed, {}, result).front();
  value.setType(RankedTensorType::get(shape, result.element));
  return value;
}

LogicalResult HostFunctionOp::verify() {
  if (getResultShapes().size() != getNumResults() || getResultElements().size() != getNumResults())
    return emitOpError("expects a shape and an element type for each of its ") << getNumResults() << " results";
  return success();
}

LogicalResult HostFunctionOp::inferShapes(ShapeContext &ctx) {
  llvm::SmallVector<AffineExpr, 4> sizes;
  if (getSized()) {
    auto given = ctx.sizes(ctx.operandCount() - 1, "sizes");
    if (failed(given))
      return failure();
    sizes = *given;
  }
  for (auto [i, map, element] :
       llvm::enumerate(getResultShapes().getAsValueRange<AffineMapAttr>(), getResultElements().getAsValueRange<TypeAttr>())) {
    if (map.getNumDims() > ctx.shape(0).size() || map.getNumSymbols() > sizes.size())
      return ctx.fail("has a result whose shape needs more dims or sizes than its operands have");
    SymShape shape;
    for (AffineExpr size : map.getResults())
      shape.push_back(size.replaceDimsAndSymbols(ctx.shape(0), sizes));
    ctx.set(i, shape, element);
  }
  return success();
}

// ---- while lowering ----

LogicalResult HostFunctionOp::lower(LowerContext &ctx) {
  llvm::SmallVector<Value> inputs, sizes;
  for (unsigned i = 0; i + getSized() < ctx.operandCount(); ++i)
    inputs.push_back(ctx.operand(i));
  llvm::SmallVector<Type> types;
  for (unsigned i = 0; i < getNumResults(); ++i) {
    types.push_back(ctx.type(ctx.resultShape(i), ctx.resultElement(i)));
    llvm::append_range(sizes, dynamicSizes(ctx, ctx.resultShape(i)));
  }
  auto call = HostCallOp::create(ctx.b, types, inputs, sizes, getFunction(), getParameters());
  for (auto [i, result] : llvm::enumerate(call.getOutputs()))
    ctx.set(i, result);
  return success();
}

Value laic::callHost(LowerContext &ctx, llvm::StringRef function, ValueRange inputs, llvm::ArrayRef<int64_t> parameters,
                     llvm::ArrayRef<AffineExpr> shape, Type element) {
  return HostCallOp::create(ctx.b, TypeRange{ctx.type(shape, element)}, inputs, dynamicSizes(ctx, shape), function, parameters)
      .getResult(0);
}

Value laic::stringTable(LowerContext &ctx, llvm::ArrayRef<llvm::StringRef> strings) {
  Value packed = createPacked(ctx.b, ctx.b.getLoc(), strings);
  SymShape shape{ctx.cst(strings.size())};
  return callHost(ctx, "core.strings", packed, {}, shape, StringType::get(ctx.b.getContext()));
}

Value laic::pick(LowerContext &ctx, Value table, Value positions, llvm::ArrayRef<AffineExpr> shape, Type element) {
  return ctx.generic(shape, element, positions, ctx.b.getMultiDimIdentityMap(shape.size()),
                     [&](ScalarBuilder &s, ValueRange in) -> Value {
                       return tensor::ExtractOp::create(s.b, s.loc, table, IndexBuilder(s.b, s.loc).toIndex(in[0]));
                     });
}

SortedStrings::SortedStrings(llvm::ArrayRef<llvm::StringRef> from) {
  std::vector<size_t> order(from.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](size_t a, size_t b) { return std::tie(from[a], a) < std::tie(from[b], b); });
  for (size_t i : order) {
    if (!strings.empty() && strings.back() == from[i])
      continue;
    strings.push_back(from[i]);
    firsts.push_back(i);
  }
}

size_t SortedStrings::position(llvm::StringRef text) const { return llvm::lower_bound(strings, text) - strings.begin(); }

Value laic::findStrings(LowerContext &ctx, Value x, llvm::ArrayRef<AffineExpr> shape, const SortedStrings &among) {
  Value packed = createPacked(ctx.b, ctx.b.getLoc(), among.strings);
  return callHost(ctx, "core.find", {x, packed}, {}, shape, ctx.b.getI64Type());
}

llvm::SmallVector<llvm::StringRef> laic::stringsOf(ArrayAttr list) { return llvm::to_vector(list.getAsValueRange<StringAttr>()); }
