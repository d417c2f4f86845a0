// Traces sizes of tensors back to size symbols.
#include "laic/Transforms/TensorSizes.h"

#include "laic/Dialect/Laic/BlocksOps.h"
#include "laic/Dialect/Laic/DepthwiseOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Laic/WinogradOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;

std::optional<int64_t> laic::staticSize(AffineExpr size) {
  if (auto constant = dyn_cast_or_null<AffineConstantExpr>(size))
    return constant.getValue();
  return std::nullopt;
}

SmallVector<int64_t> laic::staticSizes(ArrayRef<AffineExpr> sizes) {
  SmallVector<int64_t> result;
  for (AffineExpr size : sizes)
    result.push_back(staticSize(size).value_or(ShapedType::kDynamic));
  return result;
}

TensorSizes::TensorSizes(func::FuncOp func, RewriterBase &rewriter) : func(func), rewriter(rewriter), context(func.getContext()) {
  assert(!rewriter.getListener() && "the rewriter has another listener");
  rewriter.setListener(this);
  auto symbols = func->getAttrOfType<ArrayAttr>("laic.symbols");
  if (!symbols)
    return;
  symbolCount = symbols.size();
  for (auto [i, attr] : llvm::enumerate(symbols)) {
    auto entry = dyn_cast<DictionaryAttr>(attr);
    if (!entry)
      continue;
    auto kind = entry.getAs<StringAttr>("kind");
    if (!kind || kind.getValue() != "dim")
      continue;
    auto arg = entry.getAs<IntegerAttr>("arg"), dim = entry.getAs<IntegerAttr>("index");
    if (arg && dim)
      dimSymbols[{unsigned(arg.getInt()), dim.getInt()}] = i;
    if (auto name = entry.getAs<StringAttr>("name"); name && !name.getValue().empty())
      namedSymbols[name.getValue()] = i;
  }
}

TensorSizes::~TensorSizes() { rewriter.setListener(nullptr); }

void TensorSizes::notifyOperationErased(Operation *op) {
  for (OpResult result : op->getResults())
    if (auto type = dyn_cast<RankedTensorType>(result.getType()))
      for (int64_t dim = 0; dim < type.getRank(); ++dim)
        known.erase({result, dim});
}

AffineExpr TensorSizes::ofArgument(BlockArgument arg, int64_t dim) {
  if (arg.getOwner() != &func.getBody().front())
    return {};
  auto found = dimSymbols.find({arg.getArgNumber(), dim});
  if (found != dimSymbols.end())
    return getAffineSymbolExpr(found->second, context);
  auto dims = func.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), "laic.dims");
  if (!dims || dim >= int64_t(dims.size()))
    return {};
  auto name = dyn_cast<StringAttr>(dims[dim]);
  if (!name)
    return {};
  auto symbol = namedSymbols.find(name.getValue());
  return symbol == namedSymbols.end() ? AffineExpr() : getAffineSymbolExpr(symbol->second, context);
}

AffineExpr TensorSizes::get(OpFoldResult size) {
  if (std::optional<int64_t> constantValue = getConstantIntValue(size))
    return constant(*constantValue);
  auto value = dyn_cast<Value>(size);
  return value ? get(value) : AffineExpr();
}

AffineExpr TensorSizes::get(Value index) {
  if (std::optional<int64_t> constantValue = getConstantIntValue(index))
    return constant(*constantValue);
  Operation *op = index.getDefiningOp();
  if (!op)
    return {};
  if (auto size = dyn_cast<SizeOp>(op))
    return size.getMap().getResult(0);
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    std::optional<int64_t> i = dim.getConstantIndex();
    return i ? get(dim.getSource(), *i) : AffineExpr();
  }
  auto binary = [&](auto combine) {
    AffineExpr l = get(op->getOperand(0)), r = get(op->getOperand(1));
    return l && r ? combine(l, r) : AffineExpr();
  };
  if (isa<arith::AddIOp>(op))
    return binary([](AffineExpr l, AffineExpr r) { return l + r; });
  if (isa<arith::SubIOp>(op))
    return binary([](AffineExpr l, AffineExpr r) { return l - r; });
  if (isa<arith::MulIOp>(op))
    return binary([](AffineExpr l, AffineExpr r) { return l * r; });
  if (isa<arith::DivUIOp, arith::DivSIOp>(op))
    return binary([](AffineExpr l, AffineExpr r) { return isa<AffineConstantExpr>(r) ? l.floorDiv(r) : AffineExpr(); });
  return {};
}

AffineExpr TensorSizes::get(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(dim))
    return constant(type.getDimSize(dim));
  auto found = known.find({tensor, dim});
  if (found != known.end())
    return found->second;
  AffineExpr size = compute(tensor, dim);
  if (size)
    known[{tensor, dim}] = size;
  return size;
}

AffineExpr TensorSizes::compute(Value tensor, int64_t dim) {
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    return ofArgument(arg, dim);
  Operation *op = tensor.getDefiningOp();
  auto result = cast<OpResult>(tensor);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return get(empty.getMixedSizes()[dim]);
  if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
    return get(style.getTiedOpOperand(result)->get(), dim);
  // The sizes of the dynamic dims, in order.
  auto listed = [&](ValueRange sizes) {
    unsigned position = 0;
    for (int64_t d = 0; d < dim; ++d)
      position += cast<RankedTensorType>(tensor.getType()).isDynamicDim(d);
    return get(sizes[position]);
  };
  if (auto contract = dyn_cast<ContractOp>(op))
    return listed(contract.getResultSizes());
  if (auto product = dyn_cast<BlockProductOp>(op))
    return listed(product.getResultSizes());
  if (auto pack = dyn_cast<PackPanelsOp>(op))
    return listed(pack.getResultSizes());
  if (auto panels = dyn_cast<PanelsOp>(op)) {
    SmallVector<AffineExpr> source;
    for (int64_t d = 0, rank = cast<RankedTensorType>(panels.getSource().getType()).getRank(); d < rank; ++d)
      if (!source.emplace_back(get(panels.getSource(), d)))
        return {};
    return panels.resultShape(source)[dim];
  }
  if (auto depthwise = dyn_cast<DepthwiseOp>(op))
    return listed(depthwise.getResultSizes());
  if (isa<StructuredOpInterface>(op)) {
    // Those of all results, one after the other, are the last operands.
    unsigned behind = 0;
    for (OpResult other : llvm::drop_begin(op->getResults(), result.getResultNumber()))
      behind += cast<RankedTensorType>(other.getType()).getNumDynamicDims();
    return listed(op->getOperands().take_back(behind));
  }
  if (auto winograd = dyn_cast<WinogradOp>(op))
    return listed(winograd.getResultSizes());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return get(getMixedValues(expand.getStaticOutputShape(), expand.getOutputShape(), op->getContext())[dim]);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    AffineExpr product = constant(1);
    // A name of its own: the loop would outlive the temporary that the call returns.
    ReassociationIndices group = collapse.getReassociationIndices()[dim];
    for (int64_t d : group) {
      AffineExpr size = get(collapse.getSrc(), d);
      if (!size)
        return {};
      product = product * size;
    }
    return product;
  }
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    AffineExpr size = get(pad.getSource(), dim), low = get(pad.getMixedLowPad()[dim]), high = get(pad.getMixedHighPad()[dim]);
    return size && low && high ? size + low + high : AffineExpr();
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    if (dim != int64_t(concat.getDim())) {
      for (Value input : concat.getInputs())
        if (AffineExpr size = get(input, dim))
          return size;
      return {};
    }
    AffineExpr sum = constant(0);
    for (Value input : concat.getInputs()) {
      AffineExpr size = get(input, dim);
      if (!size)
        return {};
      sum = sum + size;
    }
    return sum;
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    int64_t kept = -1;
    for (auto [i, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped[i] && ++kept == dim)
        return get(size);
    return {};
  }
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return get(cast.getSource(), dim);
  if (auto shapes = op->getAttrOfType<ArrayAttr>("laic.shapes"); shapes && result.getResultNumber() < shapes.size())
    if (auto map = dyn_cast<AffineMapAttr>(shapes[result.getResultNumber()]))
      if (dim < int64_t(map.getValue().getNumResults()))
        return map.getValue().getResult(dim);
  return {};
}

AffineExpr TensorSizes::loop(linalg::LinalgOp op, unsigned dim) {
  AffineExpr found;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      auto loopDim = dyn_cast<AffineDimExpr>(expr);
      if (!loopDim || loopDim.getPosition() != dim)
        continue;
      AffineExpr size = get(operand.get(), i);
      if (size && (!found || staticSize(size)))
        found = size;
    }
  }
  return found;
}

OpFoldResult TensorSizes::fold(OpBuilder &b, Location loc, AffineExpr size) const {
  if (std::optional<int64_t> constantValue = staticSize(size))
    return b.getIndexAttr(*constantValue);
  return value(b, loc, size);
}

Value TensorSizes::value(OpBuilder &b, Location loc, AffineExpr size) const {
  if (std::optional<int64_t> constantValue = staticSize(size))
    return arith::ConstantIndexOp::create(b, loc, *constantValue);
  return SizeOp::create(b, loc, b.getIndexType(), AffineMap::get(0, symbolCount, size));
}

Value TensorSizes::empty(OpBuilder &b, Location loc, ArrayRef<AffineExpr> shape, Type element) const {
  SmallVector<OpFoldResult> sizes;
  for (AffineExpr size : shape)
    sizes.push_back(fold(b, loc, size));
  return tensor::EmptyOp::create(b, loc, sizes, element);
}
