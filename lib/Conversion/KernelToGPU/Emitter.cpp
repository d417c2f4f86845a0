// The kernel interface, sizes and addresses that all roots are emitted with.
#include "Emitter.h"
#include "ContractionEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace laic;
using namespace laic::gpu;

Emitter::Emitter(func::FuncOp kernel, mlir::gpu::GPUModuleOp module, const GpuKernelOptions &options, std::string &whyNot)
    : kernel(kernel), module(module), options(options), whyNot(whyNot), context(kernel.getContext()), b(context),
      loc(kernel.getLoc()) {}

LogicalResult Emitter::fail(const llvm::Twine &reason) {
  if (whyNot.empty())
    whyNot = reason.str();
  return failure();
}

// ---- the interface ----

LogicalResult Emitter::findRoot(Operation *&root) {
  Operation *fill = nullptr;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isa<linalg::FillOp>(op)) {
      fill = &op;
      continue;
    }
    if (!isa<linalg::GenericOp, linalg::TransposeOp, tensor::PadOp, tensor::ConcatOp, tensor::ExtractSliceOp,
             tensor::InsertSliceOp, SizesTensorOp, StructuredOpInterface, ContractOp>(op))
      continue;
    if (root)
      return fail("it holds two roots");
    root = &op;
  }
  root = root ? root : fill;
  return root ? success() : fail("it holds nothing to compute");
}

LogicalResult Emitter::createFunction() {
  SmallVector<Type> types;
  auto tensorTypes = [&](TypeRange list) -> LogicalResult {
    for (Type type : list) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (tensor && tensor.hasStaticShape() && tensor.getNumElements() > std::numeric_limits<int32_t>::max())
        return fail("a tensor has more than 2^31 elements");
      if (tensor)
        types.push_back(MemRefType::get({ShapedType::kDynamic}, tensor.getElementType()));
      else if (!type.isIndex())
        return fail("an operand is neither a ranked tensor nor an index");
    }
    return success();
  };
  if (failed(tensorTypes(kernel.getArgumentTypes())) || failed(tensorTypes(kernel.getResultTypes())))
    return failure();
  types.push_back(MemRefType::get({ShapedType::kDynamic}, b.getI32Type()));
  b.setInsertionPointToEnd(module.getBody());
  function = mlir::gpu::GPUFuncOp::create(b, loc, kernel.getName(), b.getFunctionType(types, {}));
  function->setAttr(mlir::gpu::GPUDialect::getKernelFuncAttrName(), b.getUnitAttr());
  setThreads(options.threads);
  Block *entry = &function.getBody().front();
  b.setInsertionPointToStart(entry);
  threadId = mlir::gpu::ThreadIdOp::create(b, loc, mlir::gpu::Dimension::x);
  entryEnd = arith::ConstantIndexOp::create(b, loc, 0);
  indexCache[0] = entryEnd->getResult(0);
  unsigned next = 0;
  auto addOperand = [&](RankedTensorType type) {
    Operand operand;
    operand.memref = entry->getArgument(next++);
    operand.element = type.getElementType();
    for (int64_t size : type.getShape()) {
      if (!ShapedType::isDynamic(size)) {
        operand.dims.push_back({size});
        continue;
      }
      operand.dims.push_back({0, int(symbolValues.size())});
      symbolValues.emplace_back();
    }
    return operand;
  };
  for (Type type : kernel.getArgumentTypes())
    arguments.push_back(isa<RankedTensorType>(type) ? addOperand(cast<RankedTensorType>(type)) : Operand());
  for (Type type : kernel.getResultTypes())
    results.push_back(addOperand(cast<RankedTensorType>(type)));
  for (BlockArgument arg : kernel.getArguments())
    if (arg.getType().isIndex()) {
      localSymbols[arg] = symbolValues.size();
      symbolValues.emplace_back();
    }
  exportedSymbols = symbolValues.size();
  for (unsigned i = 0; i < exportedSymbols; ++i)
    symbolParents.push_back(i);
  record = entry->getArgument(next);
  groups = getAffineConstantExpr(1, context);
  b.setInsertionPointToEnd(entry);
  return success();
}

void Emitter::setThreads(int64_t threads) {
  options.threads = threads;
  function.setKnownBlockSize(ArrayRef<int32_t>{int32_t(threads), 1, 1});
}

FailureOr<GpuKernel> Emitter::run() {
  if (!llvm::hasSingleElement(kernel.getBody()))
    return fail("it has no body of one block");
  Operation *root = nullptr;
  if (failed(findRoot(root)) || failed(createFunction()))
    return failure();
  loc = root->getLoc();
  if (failed(learnResultSizes(root)) || failed(emitRoot(root)))
    return failure();
  mlir::gpu::ReturnOp::create(b, loc);
  GpuKernel result;
  result.function = function;
  result.threads = options.threads;
  result.groups = AffineMap::get(0, exportedSymbols, groups);
  SmallVector<AffineExpr> list;
  for (unsigned symbol : parameters)
    list.push_back(getAffineSymbolExpr(symbol, context));
  result.parameters = AffineMap::get(0, exportedSymbols, list, context);
  return result;
}

/// A result dim that tensor.empty takes from an index argument is that argument.
LogicalResult Emitter::learnResultSizes(Operation *root) {
  auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
  for (auto [i, operand] : llvm::enumerate(ret.getOperands())) {
    if (operand.getDefiningOp() != root)
      return fail("it returns something that its root does not compute");
    auto style = dyn_cast<DestinationStyleOpInterface>(root);
    Value init = style ? style.getDpsInitOperand(cast<OpResult>(operand).getResultNumber())->get() : Value();
    while (init && init.getDefiningOp<linalg::FillOp>())
      init = init.getDefiningOp<linalg::FillOp>().getDpsInitOperand(0)->get();
    if (auto empty = init ? init.getDefiningOp<tensor::EmptyOp>() : tensor::EmptyOp())
      for (auto [size, dim] : llvm::zip(empty.getMixedSizes(), results[i].dims))
        if (auto dynamic = dyn_cast<Value>(size))
          unify(dim, extentOfIndex(dynamic));
  }
  return success();
}

LogicalResult Emitter::emitRoot(Operation *root) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(root)
      .Case([&](linalg::GenericOp op) { return emitGeneric(op); })
      .Case([&](ContractOp op) { return emitContract(op); })
      .Case([&](linalg::TransposeOp op) { return emitTranspose(op); })
      .Case([&](linalg::FillOp op) { return emitFill(op); })
      .Case([&](tensor::PadOp op) { return emitPad(op); })
      .Case([&](tensor::ConcatOp op) { return emitConcat(op); })
      .Case([&](tensor::ExtractSliceOp op) { return emitExtractSlice(op); })
      .Case([&](tensor::InsertSliceOp op) { return emitInsertSlice(op); })
      .Case([&](SizesTensorOp op) { return emitSizesTensor(op); })
      .Default([&](Operation *op) { return fail("'" + op->getName().getStringRef() + "' has no GPU code yet"); });
}

// ---- sizes ----

Extent Emitter::canonical(Extent extent) const {
  while (extent.symbol >= 0 && symbolParents[extent.symbol] != extent.symbol)
    extent.symbol = symbolParents[extent.symbol];
  return extent;
}

void Emitter::unify(Extent x, Extent y) {
  x = canonical(x);
  y = canonical(y);
  if (!x.isFixed() && !y.isFixed())
    symbolParents[std::max(x.symbol, y.symbol)] = std::min(x.symbol, y.symbol);
}

Extent Emitter::extentOfIndex(Value index) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return {*constant};
  auto [it, inserted] = localSymbols.try_emplace(index, symbolValues.size());
  if (inserted) {
    symbolParents.push_back(symbolValues.size());
    symbolValues.emplace_back();
    FailureOr<Value> scalar = scalarOf(index);
    symbolValues[it->second] = succeeded(scalar) ? *scalar : this->index(0);
  }
  return {0, int(it->second)};
}

AffineExpr Emitter::expr(const Extent &given) {
  Extent extent = canonical(given);
  return extent.isFixed() ? getAffineConstantExpr(extent.fixed, context) : getAffineSymbolExpr(extent.symbol, context);
}

Value Emitter::parameter(unsigned symbol) {
  Value &known = symbolValues[symbol];
  if (known)
    return known;
  Value loaded = atEntry([&] {
    Value at = arith::ConstantIndexOp::create(b, loc, kCallRecordParameters + int64_t(parameters.size()));
    Value word = memref::LoadOp::create(b, loc, record, at);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), word).getResult();
  });
  parameters.push_back(symbol);
  return symbolValues[symbol] = loaded;
}

Value Emitter::value(Extent given) {
  Extent extent = canonical(given);
  return extent.isFixed() ? index(extent.fixed) : parameter(extent.symbol);
}

// ---- operands ----

int Emitter::resultNumber(OpResult result) {
  auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
  for (auto [i, operand] : llvm::enumerate(ret.getOperands()))
    if (operand == result)
      return i;
  return -1;
}

Operand Emitter::resultOf(unsigned number) {
  Operand result = results[number];
  for (Extent &dim : result.dims)
    dim = canonical(dim);
  return result;
}

FailureOr<Operand> Emitter::operandOf(Value tensor) {
  Operand operand;
  if (auto arg = dyn_cast<BlockArgument>(tensor); arg && arg.getOwner() == &kernel.getBody().front())
    operand = arguments[arg.getArgNumber()];
  Operation *op = tensor.getDefiningOp();
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op) && type.hasStaticShape()) {
    FailureOr<Operand> source = operandOf(op->getOperand(0));
    if (succeeded(source))
      source->dims = llvm::map_to_vector(type.getShape(), [](int64_t size) { return Extent{size}; });
    return source;
  }
  if (!operand.memref)
    return failure();
  for (Extent &dim : operand.dims)
    dim = canonical(dim);
  return operand;
}

FailureOr<Operand> Emitter::readOf(Value tensor) {
  Operand operand;
  if (auto type = dyn_cast<RankedTensorType>(tensor.getType()))
    operand.dims = llvm::map_to_vector(type.getShape(), [](int64_t s) { return Extent{s}; });
  DenseElementsAttr dense;
  FailureOr<Value> scalar;
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>())
    scalar = scalarOf(fill.getInputs()[0]);
  else if (matchPattern(tensor, m_Constant(&dense)) && dense.isSplat())
    scalar =
        atEntry([&] { return arith::ConstantOp::create(b, loc, cast<TypedAttr>(dense.getSplatValue<Attribute>())).getResult(); });
  else if (!isa<RankedTensorType>(tensor.getType()))
    scalar = scalarOf(tensor);
  else
    return operandOf(tensor);
  if (failed(scalar))
    return failure();
  operand.scalar = *scalar;
  operand.element = scalar->getType();
  return operand;
}

FailureOr<Value> Emitter::scalarOf(Value v) {
  if (Value known = scalarCache.lookup(v))
    return known;
  if (auto it = localSymbols.find(v); it != localSymbols.end() && isa<BlockArgument>(v))
    return scalarCache[v] = value({0, int(it->second)});
  Operation *op = v.getDefiningOp();
  if (!op || op->getNumRegions())
    return failure();
  if (std::optional<int64_t> constant = v.getType().isIndex() ? getConstantIntValue(v) : std::nullopt)
    return index(*constant);
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    FailureOr<Operand> source = operandOf(dim.getSource());
    std::optional<int64_t> at = dim.getConstantIndex();
    if (failed(source) || !at || *at >= int64_t(source->dims.size()))
      return failure();
    return scalarCache[v] = value(source->dims[*at]);
  }
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> scalar = isa<TensorType>(operand.getType()) ? FailureOr<Value>() : scalarOf(operand);
    if (failed(scalar))
      return failure();
    mapping.map(operand, *scalar);
  }
  Operation *clone = atEntry([&] { return b.clone(*op, mapping); });
  for (auto [old, made] : llvm::zip(op->getResults(), clone->getResults()))
    scalarCache[old] = made;
  return scalarCache[v];
}

// ---- building blocks ----

Value Emitter::index(int64_t value) {
  Value &known = indexCache[value];
  if (!known) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    known = arith::ConstantIndexOp::create(b, loc, value);
  }
  return known;
}

Value Emitter::add(Value x, Value y) {
  std::optional<int64_t> cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(*cx + *cy);
  if (cx == 0)
    return y;
  return cy == 0 ? x : arith::AddIOp::create(b, loc, x, y).getResult();
}

Value Emitter::sub(Value x, Value y) {
  std::optional<int64_t> cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(*cx - *cy);
  return cy == 0 ? x : arith::SubIOp::create(b, loc, x, y).getResult();
}

Value Emitter::mul(Value x, Value y) {
  std::optional<int64_t> cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(*cx * *cy);
  if (cx == 0 || cy == 0)
    return index(0);
  if (cx == 1)
    return y;
  return cy == 1 ? x : arith::MulIOp::create(b, loc, x, y).getResult();
}

Value Emitter::divide(Value x, Value y) {
  std::optional<int64_t> cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy && *cy > 0)
    return index(*cx / *cy);
  return cy == 1 ? x : arith::DivUIOp::create(b, loc, x, y).getResult();
}

Value Emitter::modulo(Value x, Value y) {
  std::optional<int64_t> cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cy == 1)
    return index(0);
  if (cx && cy && *cy > 0)
    return index(*cx % *cy);
  return arith::RemUIOp::create(b, loc, x, y);
}

Value Emitter::less(Value x, Value y) { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, x, y); }

Value Emitter::minimum(Value x, Value y) {
  std::optional<int64_t> cx = getConstantIntValue(x), cy = getConstantIntValue(y);
  if (cx && cy)
    return index(std::min(*cx, *cy));
  return arith::MinUIOp::create(b, loc, x, y);
}

Value Emitter::both(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return arith::AndIOp::create(b, loc, x, y);
}

Value Emitter::zero(Type type) { return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(type))); }

SmallVector<Value> Emitter::loop(Value lo, Value hi, Value step, ValueRange init,
                                 function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  std::optional<int64_t> from = getConstantIntValue(lo), to = getConstantIntValue(hi), by = getConstantIntValue(step);
  if (from && to && *to <= *from)
    return llvm::to_vector(init);
  if (from && to && by && *to <= *from + *by)
    return body(lo, init);
  auto forOp = scf::ForOp::create(b, loc, lo, hi, step, init);
  OpBuilder::InsertionGuard guard(b);
  if (init.empty())
    b.setInsertionPoint(forOp.getBody()->getTerminator());
  else
    b.setInsertionPointToEnd(forOp.getBody());
  SmallVector<Value> next = body(forOp.getInductionVar(), forOp.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>(forOp.getResults().begin(), forOp.getResults().end());
}

void Emitter::when(Value condition, function_ref<void()> body) {
  if (!condition)
    return body();
  auto ifOp = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(ifOp.thenBlock()->getTerminator());
  body();
}

SmallVector<Value> Emitter::choose(Value condition, TypeRange types, function_ref<SmallVector<Value>()> yes,
                                   function_ref<SmallVector<Value>()> no) {
  auto ifOp = scf::IfOp::create(b, loc, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(ifOp.thenBlock());
  scf::YieldOp::create(b, loc, yes());
  b.setInsertionPointToEnd(ifOp.elseBlock());
  scf::YieldOp::create(b, loc, no());
  return SmallVector<Value>(ifOp.getResults());
}

Value Emitter::product(ArrayRef<Extent> extents) {
  Value result = index(1);
  for (Extent extent : extents)
    result = mul(result, value(extent));
  return result;
}

AffineExpr Emitter::productExpr(ArrayRef<Extent> extents) {
  AffineExpr result = getAffineConstantExpr(1, context);
  for (Extent extent : extents)
    result = result * expr(extent);
  return result;
}

SmallVector<Value> Emitter::delinearize(Value flat, ArrayRef<Extent> extents) {
  SmallVector<Value> ivs(extents.size());
  for (unsigned i = extents.size(); i-- > 0;) {
    bool outermost = llvm::all_of(extents.take_front(i), [&](Extent e) { return canonical(e).is(1); });
    Value size = value(extents[i]);
    ivs[i] = outermost && !canonical(extents[i]).is(1) ? flat : modulo(flat, size);
    if (!outermost)
      flat = divide(flat, size);
    if (outermost && !canonical(extents[i]).is(1))
      flat = index(0);
  }
  return ivs;
}

Value Emitter::linearize(ArrayRef<Value> ivs, ArrayRef<Extent> extents) {
  Value at = index(0);
  for (auto [iv, extent] : llvm::zip(ivs, extents))
    at = add(mul(at, value(extent)), iv);
  return at;
}

static Value expand(AffineExpr expr, ArrayRef<Value> ivs, OpBuilder &b, Location loc) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return arith::ConstantIndexOp::create(b, loc, constant.getValue());
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return ivs[dim.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value x = expand(binary.getLHS(), ivs, b, loc), y = expand(binary.getRHS(), ivs, b, loc);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return arith::AddIOp::create(b, loc, x, y);
  case AffineExprKind::Mul:
    return arith::MulIOp::create(b, loc, x, y);
  case AffineExprKind::Mod: // loops and sizes are not negative
    return arith::RemUIOp::create(b, loc, x, y);
  case AffineExprKind::CeilDiv: {
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value up = arith::AddIOp::create(b, loc, x, arith::SubIOp::create(b, loc, y, one));
    return arith::DivUIOp::create(b, loc, up, y);
  }
  default:
    return arith::DivUIOp::create(b, loc, x, y);
  }
}

SmallVector<Value> Emitter::apply(AffineMap map, ArrayRef<Value> ivs) {
  return llvm::map_to_vector(map.getResults(), [&](AffineExpr result) { return expand(result, ivs, b, loc); });
}

Value Emitter::loadFlat(const Operand &from, Value at) {
  return from.scalar ? from.scalar : memref::LoadOp::create(b, loc, from.memref, at).getResult();
}

Value Emitter::load(const Operand &from, ArrayRef<Value> ivs) {
  return from.scalar ? from.scalar : loadFlat(from, linearize(ivs, from.dims));
}

void Emitter::store(Value v, const Operand &to, ArrayRef<Value> ivs) {
  memref::StoreOp::create(b, loc, v, to.memref, linearize(ivs, to.dims));
}

Value Emitter::shared(ArrayRef<int64_t> shape, Type element) {
  auto type = MemRefType::get(shape, element, MemRefLayoutAttrInterface(), b.getI64IntegerAttr(3));
  return atEntry([&] { return memref::AllocOp::create(b, loc, type).getResult(); });
}

void Emitter::barrier() { mlir::gpu::BarrierOp::create(b, loc); }

// ---- shares of the work ----

void Emitter::perGroup(AffineExpr count, function_ref<void(Value)> body) {
  groups = count;
  using mlir::gpu::Dimension;
  Value x = mlir::gpu::BlockIdOp::create(b, loc, Dimension::x), y = mlir::gpu::BlockIdOp::create(b, loc, Dimension::y);
  Value row = mlir::gpu::GridDimOp::create(b, loc, Dimension::x);
  Value group = arith::AddIOp::create(b, loc, x, arith::MulIOp::create(b, loc, y, row));
  Value limit = memref::LoadOp::create(b, loc, record, index(kCallRecordGroups));
  when(less(group, arith::IndexCastOp::create(b, loc, b.getIndexType(), limit)), [&] { body(group); });
}

int64_t laic::gpu::elementsPerWord(Type type) {
  unsigned bits = type.isIntOrFloat() ? type.getIntOrFloatBitWidth() : 32;
  return bits >= 32 ? 1 : 32 / std::max(bits, 8u);
}

LogicalResult Emitter::perElement(const Operand &result, Point compute) {
  return perElement(result.dims, {{result, AffineMap::getMultiDimIdentityMap(result.dims.size(), context)}}, /*flat=*/false,
                    compute);
}

/// Words of small elements; larger elements one by one, the last ones of the last thread not twice.
void Emitter::storeRun(ArrayRef<Extent> space, const Output &output, ArrayRef<Value> elements, Value first, Value count,
                       bool flat) {
  auto storeOne = [&](Value v, Value at) {
    if (flat)
      memref::StoreOp::create(b, loc, v, output.operand.memref, at);
    else
      store(v, output.operand, apply(output.map, delinearize(at, space)));
  };
  int64_t word = elementsPerWord(output.operand.element), run = elements.size();
  for (int64_t i = 0; i < run; i += word) {
    Value at = add(first, index(i));
    when(i ? less(at, count) : Value(), [&] {
      if (word == 1)
        return storeOne(elements[i], at);
      auto type = VectorType::get(word, output.operand.element);
      Value packed = vector::FromElementsOp::create(b, loc, type, elements.slice(i, word));
      vector::StoreOp::create(b, loc, packed, output.operand.memref, at);
    });
  }
}

LogicalResult Emitter::perElement(ArrayRef<Extent> space, ArrayRef<Output> outputs, bool flat, Point compute) {
  // A thread owns whole words, so that no two write to one.
  int64_t run = 1;
  for (const Output &output : outputs) {
    run = std::max(run, elementsPerWord(output.operand.element));
    if (elementsPerWord(output.operand.element) > 1 && !output.map.isIdentity())
      return fail("a result of small elements is written in another order than it is computed in");
  }
  LogicalResult status = success();
  perGroup(productExpr(space).ceilDiv(run * options.threads), [&](Value group) {
    Value count = product(space);
    Value first = mul(add(mul(group, index(options.threads)), threadId), index(run));
    when(less(first, count), [&] {
      SmallVector<SmallVector<Value>> elements(outputs.size());
      for (int64_t i = 0; i < run && succeeded(status); ++i) {
        Value at = add(first, index(i));
        if (i > 0) // beyond the end: any element will do
          at = minimum(at, sub(count, index(1)));
        FailureOr<SmallVector<Value>> values = compute(flat ? SmallVector<Value>{at} : delinearize(at, space));
        status = failed(values) ? failure() : status;
        for (unsigned k = 0; k < outputs.size() && succeeded(status); ++k)
          elements[k].push_back((*values)[k]);
      }
      for (unsigned k = 0; k < outputs.size() && succeeded(status); ++k)
        storeRun(space, outputs[k], elements[k], first, count, flat);
    });
  });
  return status;
}

FailureOr<GpuKernel> laic::emitGpuKernel(func::FuncOp kernel, mlir::gpu::GPUModuleOp module, const GpuKernelOptions &options,
                                         std::string &whyNot) {
  return Emitter(kernel, module, options, whyNot).run();
}
