// Symbolic shapes of every tensor of a lowered function.
#include "laic/Transforms/SymbolicShapes.h"

#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Plan/Plan.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace laic;

llvm::FailureOr<SymbolicShapes> SymbolicShapes::compute(func::FuncOp func) {
  SymbolicShapes result(SizeSymbols::load(func));
  if (failed(result.addArguments(func)))
    return failure();
  for (Operation &op : func.getBody().front())
    if (failed(result.visit(&op)))
      return failure();
  return result;
}

llvm::LogicalResult SymbolicShapes::addArguments(func::FuncOp func) {
  // Dims of one name share a symbol; unnamed ones are found by where they stand.
  llvm::StringMap<AffineExpr> byName;
  std::map<std::pair<int64_t, int64_t>, AffineExpr> byPlace;
  for (unsigned i = 0; i < sizeSymbols.size(); ++i) {
    const SizeSymbol &s = sizeSymbols[i];
    if (s.kind != "dim")
      continue;
    AffineExpr e = getAffineSymbolExpr(i, func.getContext());
    byPlace[{s.arg, s.index}] = e;
    if (!s.name.empty())
      byName[s.name] = e;
  }
  for (BlockArgument arg : func.getArguments()) {
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    if (!type)
      return func.emitError("argument ") << arg.getArgNumber() << " is no ranked tensor but " << arg.getType();
    auto dims = func.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), "laic.dims");
    SymShape shape;
    for (int64_t d = 0; d < type.getRank(); ++d) {
      if (!type.isDynamicDim(d)) {
        shape.push_back(sizeSymbols.constant(type.getDimSize(d)));
        continue;
      }
      AffineExpr e;
      if (auto name = dims && d < int64_t(dims.size()) ? dyn_cast<StringAttr>(dims[d]) : StringAttr())
        e = byName.lookup(name.getValue());
      if (!e)
        e = byPlace[{arg.getArgNumber(), d}];
      if (!e)
        return func.emitError("no size symbol stands for dim ") << d << " of argument " << arg.getArgNumber();
      shape.push_back(e);
    }
    shapes[arg] = std::move(shape);
  }
  return success();
}

llvm::LogicalResult SymbolicShapes::visit(Operation *op) {
  if (visitIndex(op))
    return success();
  for (OpResult result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      continue;
    SymShape shape;
    if (type.hasStaticShape()) {
      for (int64_t d : type.getShape())
        shape.push_back(sizeSymbols.constant(d));
    } else {
      llvm::FailureOr<SymShape> inferred = infer(result);
      if (failed(inferred) || int64_t(inferred->size()) != type.getRank())
        return op->emitError("the sizes of '") << op->getName() << "' do not follow from its operands";
      shape = std::move(*inferred);
      for (auto [d, e] : llvm::enumerate(shape))
        e = type.isDynamicDim(d) ? canonicalSize(e) : sizeSymbols.constant(type.getDimSize(d));
    }
    shapes[result] = std::move(shape);
  }
  return success();
}

/// Index arithmetic; true when the operation is of that kind.
bool SymbolicShapes::visitIndex(Operation *op) {
  if (op->getNumResults() != 1 || !op->getResult(0).getType().isIntOrIndex())
    return false;
  auto operand = [&](unsigned i) { return index(op->getOperand(i)); };
  auto binary = [&](auto fn) -> AffineExpr {
    AffineExpr a = operand(0), b = operand(1);
    return a && b ? fn(a, b) : AffineExpr();
  };
  AffineExpr value =
      llvm::TypeSwitch<Operation *, AffineExpr>(op)
          .Case([&](SizeOp size) { return size.getMap().getResult(0); })
          .Case([&](arith::ConstantOp c) {
            auto attr = dyn_cast<IntegerAttr>(c.getValue());
            return attr ? sizeSymbols.constant(attr.getInt()) : AffineExpr();
          })
          .Case([&](tensor::DimOp d) {
            AffineExpr which = operand(1);
            auto c = which ? constantSize(which) : std::nullopt;
            auto it = shapes.find(d.getSource());
            return c && it != shapes.end() && *c >= 0 && *c < int64_t(it->second.size()) ? it->second[*c] : AffineExpr();
          })
          .Case<arith::IndexCastOp, arith::ExtSIOp>([&](auto) { return operand(0); })
          .Case([&](arith::AddIOp) { return binary([&](auto a, auto b) { return a + b; }); })
          .Case([&](arith::SubIOp) { return binary([&](auto a, auto b) { return a - b; }); })
          .Case([&](arith::MulIOp) { return binary([&](auto a, auto b) { return a * b; }); })
          .Case([&](arith::DivSIOp) { return binary([&](auto a, auto b) { return sizeSymbols.truncDiv(a, b); }); })
          .Case([&](arith::FloorDivSIOp) { return binary([&](auto a, auto b) { return sizeSymbols.floorDiv(a, b); }); })
          .Case([&](arith::MinSIOp) { return binary([&](auto a, auto b) { return sizeSymbols.min(a, b); }); })
          .Case([&](arith::MaxSIOp) { return binary([&](auto a, auto b) { return sizeSymbols.max(a, b); }); })
          .Default(AffineExpr());
  if (!value)
    return false;
  indices[op->getResult(0)] = canonicalSize(value);
  return true;
}

AffineExpr SymbolicShapes::dim(OpFoldResult ofr) const {
  if (auto attr = dyn_cast<Attribute>(ofr))
    return sizeSymbols.constant(cast<IntegerAttr>(attr).getInt());
  return index(cast<Value>(ofr));
}

llvm::FailureOr<SymShape> SymbolicShapes::fromMixed(llvm::ArrayRef<OpFoldResult> sizes) const {
  SymShape shape;
  for (OpFoldResult ofr : sizes)
    if (!shape.emplace_back(dim(ofr)))
      return failure();
  return shape;
}

/// Operations that carry the sizes of their dynamic result dims as their last index operands, in order.
llvm::FailureOr<SymShape> SymbolicShapes::fromTrailingSizes(OpResult result) {
  Operation *op = result.getOwner();
  int64_t total = 0, before = 0;
  for (OpResult r : op->getResults()) {
    int64_t dynamic = cast<RankedTensorType>(r.getType()).getNumDynamicDims();
    before += r.getResultNumber() < result.getResultNumber() ? dynamic : 0;
    total += dynamic;
  }
  llvm::SmallVector<Value> sizes;
  for (Value operand : op->getOperands())
    if (operand.getType().isIndex())
      sizes.push_back(operand);
  if (int64_t(sizes.size()) < total)
    return failure();
  size_t next = sizes.size() - total + before;
  auto type = cast<RankedTensorType>(result.getType());
  SymShape shape;
  for (int64_t d : type.getShape())
    if (!shape.emplace_back(ShapedType::isDynamic(d) ? index(sizes[next++]) : sizeSymbols.constant(d)))
      return failure();
  return shape;
}

llvm::FailureOr<SymShape> SymbolicShapes::infer(OpResult result) {
  Operation *op = result.getOwner();
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return shapes.lookup(dps.getTiedOpOperand(result)->get());
  return llvm::TypeSwitch<Operation *, llvm::FailureOr<SymShape>>(op)
      .Case([&](tensor::EmptyOp empty) { return fromMixed(empty.getMixedSizes()); })
      .Case<tensor::CastOp, plan::TransferOp>([&](auto move) { return shapes.lookup(move.getSource()); })
      .Case([&](tensor::ExpandShapeOp expand) { return fromMixed(expand.getMixedOutputShape()); })
      .Case([&](tensor::CollapseShapeOp collapse) -> llvm::FailureOr<SymShape> {
        llvm::ArrayRef<AffineExpr> from = shape(collapse.getSrc());
        SymShape to;
        for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
          AffineExpr product = sizeSymbols.constant(1);
          for (int64_t d : group)
            product = product * from[d];
          to.push_back(product);
        }
        return to;
      })
      .Case([&](tensor::PadOp pad) -> llvm::FailureOr<SymShape> {
        llvm::FailureOr<SymShape> low = fromMixed(pad.getMixedLowPad()), high = fromMixed(pad.getMixedHighPad());
        if (failed(low) || failed(high))
          return failure();
        SymShape to(shape(pad.getSource()));
        for (auto [d, e] : llvm::enumerate(to))
          e = e + (*low)[d] + (*high)[d];
        return to;
      })
      .Case([&](tensor::ConcatOp concat) -> llvm::FailureOr<SymShape> {
        SymShape to(shape(concat.getInputs().front()));
        AffineExpr sum = sizeSymbols.constant(0);
        for (Value input : concat.getInputs())
          sum = sum + shape(input)[concat.getDim()];
        to[concat.getDim()] = sum;
        return to;
      })
      .Case([&](tensor::ExtractSliceOp slice) -> llvm::FailureOr<SymShape> {
        llvm::FailureOr<SymShape> sizes = fromMixed(slice.getMixedSizes());
        if (failed(sizes))
          return failure();
        llvm::SmallBitVector dropped = slice.getDroppedDims();
        SymShape to;
        for (auto [d, e] : llvm::enumerate(*sizes))
          if (!dropped[d])
            to.push_back(e);
        return to;
      })
      .Case([&](tensor::InsertSliceOp insert) { return shapes.lookup(insert.getDest()); })
      .Case([&](PanelsOp panels) { return SymShape(panels.resultShape(shape(panels.getSource()))); })
      .Case([&](CallOp call) -> llvm::FailureOr<SymShape> {
        if (!call.getShapes())
          return failure();
        auto map = cast<AffineMapAttr>((*call.getShapes())[result.getResultNumber()]).getValue();
        return SymShape(map.getResults());
      })
      .Case([&](plan::DispatchOp dispatch) -> llvm::FailureOr<SymShape> {
        auto map = cast<AffineMapAttr>(dispatch.getShapes()[result.getResultNumber()]).getValue();
        return SymShape(map.getResults());
      })
      .Default([&](Operation *) { return fromTrailingSizes(result); });
}
