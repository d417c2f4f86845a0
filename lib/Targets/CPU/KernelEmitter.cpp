// Sizes, buffers, tiles and loops that all roots are emitted with.
#include "KernelEmitter.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

#include <numeric>

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

Size Size::operator*(const Size &other) const {
  Size product(factor * other.factor);
  if (product.factor == 0)
    return product;
  product.symbols = symbols;
  product.symbols.append(other.symbols.begin(), other.symbols.end());
  llvm::sort(product.symbols);
  return product;
}

Linear Buffer::stride(unsigned dim) const {
  bool before = int64_t(dim) < room;
  Size product = before ? pitch : Size(1);
  for (unsigned i = dim + 1, end = before ? room : sizes.size(); i < end; ++i)
    product = product * sizes[i];
  return product.is(0) ? Linear{} : Linear{product};
}

KernelEmitter::KernelEmitter(func::FuncOp kernel, const Level &level, ModuleOp module)
    : kernel(kernel), level(level), module(module), context(kernel.getContext()), b(context), loc(kernel.getLoc()) {}

LogicalResult KernelEmitter::fail(const llvm::Twine &message) {
  return kernel.emitError() << "kernel '" << kernel.getName() << "' has no code for " << level.name << ": " << message;
}

// ---- roots ----

FailureOr<KernelInfo> KernelEmitter::run() {
  if (!llvm::hasSingleElement(kernel.getBody()))
    return fail("it has no body of one block");
  Operation *root = nullptr, *fill = nullptr;
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    if (isa<linalg::FillOp>(op)) {
      fill = &op;
      continue;
    }
    if (!isa<linalg::GenericOp, linalg::TransposeOp, ContractOp, tensor::PadOp, tensor::ConcatOp, tensor::ExtractSliceOp,
             tensor::InsertSliceOp, SizesTensorOp, RowsOp, BlockProductOp, PackPanelsOp, DepthwiseOp, WinogradOp,
             StructuredOpInterface>(op))
      continue;
    if (root && isa<tensor::PadOp>(op) && padBehind(root) == &op)
      continue;
    if (root)
      return fail("it holds two roots, '" + root->getName().getStringRef() + "' and '" + op.getName().getStringRef() + "'");
    root = &op;
  }
  if (!root)
    root = fill;
  if (!root)
    return fail("it holds nothing to compute");
  if (failed(createFunction()) || failed(emitRoot(root)))
    return failure();
  finish();
  KernelInfo info;
  info.tiles = AffineMap::get(0, exportedSymbols, tileCount);
  info.workspace = AffineMap::get(0, exportedSymbols, workspaceBytes);
  return info;
}

LogicalResult KernelEmitter::emitRoot(Operation *root) {
  loc = root->getLoc();
  // A result dim that tensor.empty takes from an index argument is that argument.
  auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
  for (auto [i, operand] : llvm::enumerate(ret.getOperands())) {
    Operation *maker = operand.getDefiningOp(), *pad = padBehind(root);
    if (maker != root && (!pad || maker != pad))
      return fail("it returns something that its root does not compute");
    auto style = dyn_cast<DestinationStyleOpInterface>(root);
    Value init = style ? style.getDpsInitOperand(cast<OpResult>(operand).getResultNumber())->get() : Value();
    while (init && init.getDefiningOp<linalg::FillOp>())
      init = init.getDefiningOp<linalg::FillOp>().getDpsInitOperand(0)->get();
    if (auto empty = init ? init.getDefiningOp<tensor::EmptyOp>() : tensor::EmptyOp())
      for (auto [size, dim] : llvm::zip(empty.getMixedSizes(), resultBuffers[i].sizes))
        if (auto dynamic = dyn_cast<Value>(size))
          unify(dim, sizeOfIndex(dynamic));
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(root)
      .Case([&](linalg::GenericOp op) { return emitGeneric(op); })
      .Case([&](linalg::TransposeOp op) { return emitTranspose(op); })
      .Case([&](linalg::FillOp op) { return emitFill(op); })
      .Case([&](ContractOp op) { return emitContract(op); })
      .Case([&](tensor::PadOp op) { return emitPad(op); })
      .Case([&](tensor::ConcatOp op) { return emitConcat(op); })
      .Case([&](AppendOp op) { return emitAppend(op); })
      .Case([&](tensor::ExtractSliceOp op) { return emitExtractSlice(op); })
      .Case([&](tensor::InsertSliceOp op) { return emitInsertSlice(op); })
      .Case([&](SizesTensorOp op) { return emitSizesTensor(op); })
      .Case([&](RowsOp op) { return emitRows(op); })
      .Case([&](BlockProductOp op) { return emitBlockProduct(op); })
      .Case([&](PackPanelsOp op) { return emitPackPanels(op); })
      .Case([&](DepthwiseOp op) { return emitDepthwise(op); })
      .Case([&](WinogradOp op) { return emitWinograd(op); })
      .Default([&](Operation *op) { return emitStructured(cast<StructuredOpInterface>(op)); });
}

Buffer KernelEmitter::resultBuffer(OpResult result) {
  if (rows) {
    if (auto inside = rows->inside.find(result); inside != rows->inside.end())
      return inside->second;
    auto yielded = rows->resultOf.find(result);
    return yielded == rows->resultOf.end() ? Buffer() : resultBuffers[yielded->second];
  }
  auto ret = cast<func::ReturnOp>(kernel.getBody().front().getTerminator());
  for (auto [i, operand] : llvm::enumerate(ret.getOperands()))
    if (operand == result)
      return resultBuffers[i];
  tensor::PadOp pad = padBehind(result.getOwner());
  return pad ? middleOf(pad, cast<RankedTensorType>(result.getType())) : Buffer();
}

// ---- sizes ----

Size KernelEmitter::canonical(const Size &size) const {
  Size result(size.factor);
  for (unsigned symbol : size.symbols) {
    while (symbolParents[symbol] != symbol)
      symbol = symbolParents[symbol];
    result.symbols.push_back(symbol);
  }
  llvm::sort(result.symbols);
  return result;
}

void KernelEmitter::unify(const Size &a, const Size &b) {
  Size x = canonical(a), y = canonical(b);
  if (x.factor == 1 && y.factor == 1 && x.symbols.size() == 1 && y.symbols.size() == 1)
    symbolParents[std::max(x.symbols[0], y.symbols[0])] = std::min(x.symbols[0], y.symbols[0]);
}

Size KernelEmitter::sizeOfIndex(Value index) {
  if (std::optional<int64_t> constant = getConstantIntValue(index))
    return Size(*constant);
  auto [it, inserted] = localSymbols.try_emplace(index, symbolValues.size());
  if (inserted) {
    symbolParents.push_back(symbolValues.size());
    FailureOr<Value> scalar = scalarOf(index);
    symbolValues.push_back(succeeded(scalar) ? *scalar : Value());
  }
  return Size::symbol(it->second);
}

SmallVector<Size> KernelEmitter::sizesOf(Value tensor) {
  FailureOr<Buffer> buffer = bufferOf(tensor);
  if (succeeded(buffer))
    return llvm::map_to_vector(buffer->sizes, [&](const Size &s) { return canonical(s); });
  return {};
}

Value KernelEmitter::value(const Size &given) {
  Size size = canonical(given);
  if (size.isStatic())
    return index(size.factor);
  for (auto &[known, value] : sizeCache)
    if (known == size)
      return value;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(entryEnd);
  Value product = symbolValues[size.symbols[0]];
  for (unsigned symbol : llvm::drop_begin(size.symbols))
    product = arith::MulIOp::create(b, loc, product, symbolValues[symbol]);
  if (size.factor != 1)
    product = arith::MulIOp::create(b, loc, product, arith::ConstantIndexOp::create(b, loc, size.factor));
  sizeCache.emplace_back(size, product);
  return product;
}

Value KernelEmitter::value(const Linear &sum) {
  Value result = index(0);
  for (const Size &term : sum)
    result = add(result, value(term));
  return result;
}

AffineExpr KernelEmitter::expr(const Size &given) {
  Size size = canonical(given);
  AffineExpr result = getAffineConstantExpr(size.factor, context);
  for (unsigned symbol : size.symbols)
    result = getAffineSymbolExpr(symbol, context) * result;
  return result;
}

// ---- buffers ----

Value KernelEmitter::makeMemRef(const Buffer &buffer, MemRefType type) {
  Type ptr = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type();
  int64_t rank = type.getRank();
  SmallVector<Type> fields = {ptr, ptr, i64};
  if (rank)
    fields.append(2, LLVM::LLVMArrayType::get(i64, rank));
  Type descriptorType = LLVM::LLVMStructType::getLiteral(context, fields);
  Value descriptor = LLVM::PoisonOp::create(b, loc, descriptorType);
  auto insert = [&](Value v, ArrayRef<int64_t> at) {
    if (v.getType().isIndex())
      v = arith::IndexCastOp::create(b, loc, i64, v);
    descriptor = LLVM::InsertValueOp::create(b, loc, descriptor, v, at);
  };
  insert(buffer.pointer, 0);
  insert(buffer.pointer, 1);
  insert(arith::ConstantIntOp::create(b, loc, i64, 0), 2);
  Value stride = arith::ConstantIndexOp::create(b, loc, 1);
  for (int64_t dim = rank - 1; dim >= 0; --dim) {
    Value size = rank == 1 && type.isDynamicDim(0) && buffer.sizes.size() != 1
                     ? arith::ConstantIndexOp::create(b, loc, ShapedType::kDynamic - 1).getResult()
                     : value(buffer.sizes[dim]);
    insert(size, {3, dim});
    insert(stride, {4, dim});
    if (dim)
      stride = mul(stride, size);
  }
  return UnrealizedConversionCastOp::create(b, loc, type, descriptor).getResult(0);
}

Buffer KernelEmitter::makeBuffer(Value pointer, Type element, ArrayRef<Size> sizes) {
  Type ptr = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type();
  auto array = LLVM::LLVMArrayType::get(i64, 1);
  Value descriptor = LLVM::PoisonOp::create(b, loc, LLVM::LLVMStructType::getLiteral(context, {ptr, ptr, i64, array, array}));
  Value zero = arith::ConstantIntOp::create(b, loc, i64, 0), one = arith::ConstantIntOp::create(b, loc, i64, 1);
  Value all = arith::ConstantIntOp::create(b, loc, i64, std::numeric_limits<int64_t>::max());
  auto insert = [&](Value v, ArrayRef<int64_t> at) { descriptor = LLVM::InsertValueOp::create(b, loc, descriptor, v, at); };
  insert(pointer, 0);
  insert(pointer, 1);
  insert(zero, 2);
  insert(all, {3, 0});
  insert(one, {4, 0});
  Buffer buffer;
  buffer.pointer = pointer;
  buffer.element = element;
  buffer.sizes.assign(sizes.begin(), sizes.end());
  buffer.memref =
      UnrealizedConversionCastOp::create(b, loc, MemRefType::get({ShapedType::kDynamic}, storedAs(element)), descriptor)
          .getResult(0);
  return buffer;
}

/// The source with the sizes of its panels; of an unknown number of columns there are at most as many panels.
FailureOr<Buffer> KernelEmitter::panelsOf(PanelsOp op) {
  FailureOr<Buffer> source = bufferOf(op.getSource());
  if (failed(source))
    return failure();
  Buffer panels = *source;
  panels.room = -1; // readers ask the source for strides
  panels.sizes.assign(op.getMap().getNumDims(), Size(1));
  panels.sizes.push_back(kPanel);
  for (auto [index, size] : llvm::zip(op.getMap().getResults(), source->sizes))
    if (auto dim = dyn_cast<AffineDimExpr>(index)) {
      bool columns = dim.getPosition() == op.getBatch() && size.isStatic();
      panels.sizes[dim.getPosition()] = columns ? Size(llvm::divideCeil(size.factor, kPanel)) : canonical(size);
    }
  return panels;
}

FailureOr<Buffer> KernelEmitter::bufferOf(Value tensor) {
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    if (arg.getOwner() == &kernel.getBody().front())
      return argBuffers[arg.getArgNumber()];
  if (auto result = dyn_cast<OpResult>(tensor))
    if (Buffer buffer = resultBuffer(result); buffer.memref)
      return buffer;
  Operation *op = tensor.getDefiningOp();
  if (auto panels = dyn_cast_or_null<PanelsOp>(op))
    return panels.getPacked() ? bufferOf(panels.getPacked()) : panelsOf(panels);
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(op) && type.hasStaticShape()) {
    FailureOr<Buffer> source = bufferOf(op->getOperand(0));
    if (succeeded(source))
      source->sizes = llvm::map_to_vector(type.getShape(), [](int64_t size) { return Size(size); });
    return source;
  }
  DenseElementsAttr dense;
  if (auto constant = dyn_cast_or_null<arith::ConstantOp>(op))
    dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (auto constant = dyn_cast_or_null<ConstantOp>(op))
    dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!dense)
    return failure();
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(module.getBody());
  auto memref = MemRefType::get(type.getShape(), type.getElementType());
  std::string name = (kernel.getName() + "_constant" + llvm::Twine(globals++)).str();
  memref::GlobalOp::create(b, loc, name, b.getStringAttr("private"), memref, dense, /*constant=*/true, IntegerAttr());
  b.setInsertionPoint(entryEnd);
  Value global = memref::GetGlobalOp::create(b, loc, memref, name);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, loc, global);
  address = arith::IndexCastOp::create(b, loc, b.getI64Type(), address);
  Value pointer = LLVM::IntToPtrOp::create(b, loc, LLVM::LLVMPointerType::get(context), address);
  return makeBuffer(pointer, type.getElementType(), llvm::map_to_vector(type.getShape(), [](int64_t s) { return Size(s); }));
}

FailureOr<Value> KernelEmitter::scalarOf(Value v) {
  if (Value known = scalarCache.lookup(v))
    return known;
  Operation *op = v.getDefiningOp();
  if (!op || op->getNumRegions())
    return failure();
  if (std::optional<int64_t> constant = v.getType().isIndex() ? getConstantIntValue(v) : std::nullopt)
    return index(*constant);
  OpBuilder::InsertionGuard guard(b);
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    SmallVector<Size> sizes = sizesOf(dim.getSource());
    std::optional<int64_t> at = dim.getConstantIndex();
    if (!at || *at >= int64_t(sizes.size()))
      return failure();
    return scalarCache[v] = value(sizes[*at]);
  }
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> scalar = isa<TensorType>(operand.getType()) ? FailureOr<Value>() : scalarOf(operand);
    if (failed(scalar))
      return failure();
    mapping.map(operand, *scalar);
  }
  b.setInsertionPoint(entryEnd);
  Operation *clone = b.clone(*op, mapping);
  for (auto [old, made] : llvm::zip(op->getResults(), clone->getResults()))
    scalarCache[old] = made;
  return scalarCache[v];
}

// Adds factor * expr to the access, expr being linear in the loops. Returns false where it divides.
static bool addLinear(AffineExpr expr, int64_t factor, const Linear &stride, Access &access) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    for (const Size &term : stride)
      if (constant.getValue() * factor != 0)
        access.offset.push_back(term * Size(constant.getValue() * factor));
    return true;
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    for (const Size &term : stride) {
      Linear &sum = access.coefficients[dim.getPosition()];
      Size scaled = term * Size(factor);
      auto same = llvm::find_if(sum, [&](const Size &s) { return s.symbols == scaled.symbols; });
      if (same == sum.end())
        sum.push_back(scaled);
      else if ((same->factor += scaled.factor) == 0)
        sum.erase(same);
    }
    return true;
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  if (expr.getKind() == AffineExprKind::Add)
    return addLinear(binary.getLHS(), factor, stride, access) && addLinear(binary.getRHS(), factor, stride, access);
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() == AffineExprKind::Mul && constant)
    return constant.getValue() == 0 || addLinear(binary.getLHS(), factor * constant.getValue(), stride, access);
  return false;
}

FailureOr<Access> KernelEmitter::accessOf(Value tensor, AffineMap map, unsigned loops) {
  Access access;
  access.coefficients.resize(loops);
  DenseElementsAttr dense;
  if (auto fill = tensor.getDefiningOp<linalg::FillOp>()) {
    FailureOr<Value> scalar = scalarOf(fill.getInputs()[0]);
    if (failed(scalar))
      return failure();
    access.scalar = *scalar;
    return access;
  }
  if (matchPattern(tensor, m_Constant(&dense)) && dense.isSplat()) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(entryEnd);
    access.scalar = arith::ConstantOp::create(b, loc, cast<TypedAttr>(dense.getSplatValue<Attribute>()));
    return access;
  }
  if (!isa<RankedTensorType>(tensor.getType())) {
    FailureOr<Value> scalar = scalarOf(tensor);
    if (failed(scalar))
      return failure();
    access.scalar = *scalar;
    return access;
  }
  FailureOr<Buffer> buffer = bufferOf(tensor);
  if (failed(buffer))
    return failure();
  access.buffer = *buffer;
  for (Size &size : access.buffer.sizes)
    size = canonical(size);
  bool linear = true;
  for (unsigned i = 0; i < map.getNumResults() && linear; ++i)
    linear = addLinear(map.getResult(i), 1, access.buffer.stride(i), access);
  if (!linear) {
    access.nonLinear = map;
    access.offset.clear();
    for (unsigned d = 0; d < loops; ++d)
      access.coefficients[d] = map.isFunctionOfDim(d) ? Linear{Size(1), Size(1)} : Linear{};
  }
  if (rows && failed(moveToRows(tensor, access)))
    return failure();
  return access;
}

LogicalResult KernelEmitter::moveToRows(Value tensor, Access &access) {
  if (access.nonLinear)
    return failure();
  bool inside = rows->inside.contains(tensor);
  auto move = [&](unsigned loop, Value at) {
    if (!inside && !isZero(access.coefficients[loop]))
      access.base = add(access.base ? access.base : index(0), mul(at, value(access.coefficients[loop])));
  };
  for (auto [loop, at] : llvm::zip(rows->loops, rows->at)) {
    move(loop, at);
    access.coefficients[loop].clear();
  }
  move(rows->loops.back(), rows->start);
  return success();
}

// ---- building blocks ----

Value KernelEmitter::index(int64_t value) {
  Value &known = indexCache[value];
  if (!known) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&function.getBody().front());
    known = arith::ConstantIndexOp::create(b, loc, value);
  }
  return known;
}

std::optional<int64_t> KernelEmitter::constantOf(Value v) {
  if (auto constant = v.getDefiningOp<arith::ConstantIndexOp>())
    return constant.value();
  return std::nullopt;
}

Value KernelEmitter::add(Value x, Value y) {
  std::optional<int64_t> cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return index(*cx + *cy);
  if (cx == 0)
    return y;
  return cy == 0 ? x : arith::AddIOp::create(b, loc, x, y).getResult();
}

Value KernelEmitter::sub(Value x, Value y) {
  std::optional<int64_t> cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return index(*cx - *cy);
  return cy == 0 ? x : arith::SubIOp::create(b, loc, x, y).getResult();
}

Value KernelEmitter::mul(Value x, Value y) {
  std::optional<int64_t> cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return index(*cx * *cy);
  if (cx == 0 || cy == 0)
    return index(0);
  if (cx == 1)
    return y;
  return cy == 1 ? x : arith::MulIOp::create(b, loc, x, y).getResult();
}

Value KernelEmitter::minimum(Value x, Value y) {
  std::optional<int64_t> cx = constantOf(x), cy = constantOf(y);
  if (cx && cy)
    return index(std::min(*cx, *cy));
  return arith::MinSIOp::create(b, loc, x, y);
}

Value KernelEmitter::ceilDiv(Value x, int64_t y) { return y == 1 ? x : floorDiv(add(x, y - 1), y); }

Value KernelEmitter::floorDiv(Value x, int64_t y) {
  if (std::optional<int64_t> cx = constantOf(x))
    return index(*cx / y);
  return y == 1 ? x : arith::DivUIOp::create(b, loc, x, index(y)).getResult();
}

Value KernelEmitter::less(Value x, Value y) { return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y); }

SmallVector<Value> KernelEmitter::loop(Value lo, Value hi, int64_t step, ValueRange init, LoopBody body) {
  std::optional<int64_t> from = constantOf(lo), to = constantOf(hi);
  if (from && to && *to <= *from)
    return llvm::to_vector(init);
  if (from && to && *to <= *from + step)
    return body(lo, init);
  auto forOp = scf::ForOp::create(b, loc, lo, hi, index(step), init);
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

void KernelEmitter::loop(Value lo, Value hi, int64_t step, function_ref<void(Value)> body) {
  loop(lo, hi, step, ValueRange(), [&](Value iv, ValueRange) {
    body(iv);
    return SmallVector<Value>();
  });
}

SmallVector<Value> KernelEmitter::addPiece(ValueRange totals, function_ref<SmallVector<Value>(ValueRange zeros)> piece) {
  SmallVector<Value> zeros;
  for (Value total : totals)
    zeros.push_back(zero(total.getType()));
  SmallVector<Value> sums = piece(zeros);
  for (auto [sum, total] : llvm::zip(sums, totals))
    sum = arith::AddFOp::create(b, loc, total, sum);
  return sums;
}

void KernelEmitter::when(Value condition, function_ref<void()> body) {
  auto ifOp = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(ifOp.thenBlock()->getTerminator());
  body();
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
  case AffineExprKind::CeilDiv:
    return arith::CeilDivUIOp::create(b, loc, x, y);
  default:
    return arith::DivUIOp::create(b, loc, x, y);
  }
}

Value KernelEmitter::address(const Access &access, ArrayRef<Value> ivs) {
  Value at = value(access.offset);
  if (access.base)
    at = add(access.base, at);
  if (access.nonLinear) {
    for (auto [i, result] : llvm::enumerate(access.nonLinear.getResults()))
      at = add(at, mul(expand(result, ivs, b, loc), value(access.buffer.stride(i))));
    return at;
  }
  for (auto [coefficient, iv] : llvm::zip(access.coefficients, ivs))
    if (!isZero(coefficient))
      at = add(at, mul(iv, value(coefficient)));
  return at;
}

Type KernelEmitter::storedAs(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (!element.isBF16())
    return type;
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(b.getI16Type())) : b.getI16Type();
}

Value KernelEmitter::as(Value v, Type type) {
  return v.getType() == type ? v : arith::BitcastOp::create(b, loc, type, v).getResult();
}

Value KernelEmitter::load(const Buffer &buffer, Value at) {
  return as(memref::LoadOp::create(b, loc, buffer.memref, at), buffer.element);
}

void KernelEmitter::store(Value v, const Buffer &buffer, Value at) {
  memref::StoreOp::create(b, loc, as(v, storedAs(v.getType())), buffer.memref, at);
}

Value KernelEmitter::zero(Type type) { return arith::ConstantOp::create(b, loc, cast<TypedAttr>(b.getZeroAttr(type))); }

Value KernelEmitter::loadVector(const Buffer &buffer, Value at, int64_t lanes, Value mask) {
  auto type = VectorType::get(lanes, buffer.element), stored = cast<VectorType>(storedAs(type));
  if (mask)
    return as(vector::MaskedLoadOp::create(b, loc, stored, buffer.memref, at, mask, zero(stored)), type);
  return as(vector::LoadOp::create(b, loc, stored, buffer.memref, at), type);
}

void KernelEmitter::storeVector(Value v, const Buffer &buffer, Value at, Value mask) {
  v = as(v, storedAs(v.getType()));
  if (mask)
    vector::MaskedStoreOp::create(b, loc, buffer.memref, at, mask, v);
  else
    vector::StoreOp::create(b, loc, v, buffer.memref, at);
}

void KernelEmitter::prefetch(const Buffer &buffer, Value at, int64_t elements) {
  constexpr int64_t kLineBits = 64 * 8, kSecondLevel = 2;
  int64_t line = kLineBits / buffer.element.getIntOrFloatBitWidth();
  for (int64_t i = 0; i < elements; i += line)
    memref::PrefetchOp::create(b, loc, buffer.memref, add(at, i), /*isWrite=*/false, kSecondLevel, /*isDataCache=*/true);
}

Value KernelEmitter::splat(Value scalar, int64_t lanes) {
  Type stored = storedAs(scalar.getType());
  Value vector = vector::BroadcastOp::create(b, loc, VectorType::get(lanes, stored), as(scalar, stored));
  return as(vector, VectorType::get(lanes, scalar.getType()));
}

Value KernelEmitter::fromElements(ArrayRef<Value> elements) {
  Type element = elements.front().getType(), stored = storedAs(element);
  auto bits = llvm::map_to_vector(elements, [&](Value v) { return as(v, stored); });
  int64_t lanes = elements.size();
  return as(vector::FromElementsOp::create(b, loc, VectorType::get(lanes, stored), bits), VectorType::get(lanes, element));
}

Value KernelEmitter::multiplyAdd(Value x, Value y, Value sum) {
  if (isa<IntegerType>(getElementTypeOrSelf(sum)))
    return arith::AddIOp::create(b, loc, sum, arith::MulIOp::create(b, loc, x, y));
  if (level.fma)
    return vector::FMAOp::create(b, loc, x, y, sum);
  return arith::AddFOp::create(b, loc, sum, arith::MulFOp::create(b, loc, x, y));
}

Value KernelEmitter::sumOfLanes(Value vector) {
  Value sum = vector::ExtractOp::create(b, loc, vector, 0);
  for (int64_t lane = 1, lanes = cast<VectorType>(vector.getType()).getNumElements(); lane < lanes; ++lane)
    sum = arith::AddFOp::create(b, loc, sum, vector::ExtractOp::create(b, loc, vector, lane));
  return sum;
}

Value KernelEmitter::maskOf(Value count, int64_t lanes) {
  if (std::optional<int64_t> fixed = constantOf(count)) {
    SmallVector<bool> set(lanes);
    for (int64_t i = 0; i < lanes; ++i)
      set[i] = i < *fixed;
    return arith::ConstantOp::create(b, loc, b.getBoolVectorAttr(set));
  }
  SmallVector<int32_t> numbers(lanes);
  std::iota(numbers.begin(), numbers.end(), 0);
  Value lane = arith::ConstantOp::create(
      b, loc, DenseElementsAttr::get(VectorType::get(lanes, b.getI32Type()), llvm::ArrayRef<int32_t>(numbers)));
  Value left = arith::IndexCastOp::create(b, loc, b.getI32Type(), minimum(count, index(lanes)));
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, lane, splat(left, lanes));
}

// ---- tiles ----

void KernelEmitter::tiles(ArrayRef<TileDim> dims, function_ref<void(ArrayRef<Value>, ArrayRef<Value>)> body) {
  SmallVector<unsigned> cut;
  tileCount = getAffineConstantExpr(1, context);
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (dim.isWhole())
      continue;
    cut.push_back(i);
    tileCount = expr(dim.size).ceilDiv(dim.block) * tileCount;
  }
  SmallVector<Value> lo, hi;
  for (const TileDim &dim : dims) {
    lo.push_back(index(0));
    hi.push_back(value(dim.size));
  }
  if (cut.empty()) // one tile: a call with an empty range computes nothing
    return when(less(begin, end), [&] { body(lo, hi); });
  auto range = [&](unsigned i, Value first, Value last) {
    lo[i] = mul(first, dims[i].block);
    hi[i] = dims[i].block == 1 ? last : minimum(mul(last, dims[i].block), value(dims[i].size));
  };
  if (cut.size() == 1) {
    range(cut[0], begin, end);
    return body(lo, hi);
  }
  loop(begin, end, 1, [&](Value tile) {
    Value rest = tile;
    for (unsigned i : llvm::reverse(cut)) {
      Value at = rest;
      if (i != cut.front()) {
        Value count = ceilDiv(value(dims[i].size), dims[i].block);
        at = arith::RemUIOp::create(b, loc, rest, count);
        rest = arith::DivUIOp::create(b, loc, rest, count);
      }
      range(i, at, add(at, 1));
    }
    body(lo, hi);
  });
}

SmallVector<TileDim> KernelEmitter::planTiles(ArrayRef<Size> sizes, double unit, int64_t innermostStep) {
  constexpr double kBudget = 16384; // elements that one cheap pass over memory handles in some microseconds
  SmallVector<TileDim> dims = llvm::map_to_vector(sizes, [](const Size &size) { return TileDim{size, 1}; });
  double work = std::max(unit, 1.0);
  for (int64_t i = dims.size() - 1; i >= 0; --i) {
    const Size &size = dims[i].size;
    int64_t room = std::max<int64_t>(1, int64_t(kBudget / work));
    if (i == int64_t(dims.size()) - 1)
      room = std::max<int64_t>(innermostStep, room / innermostStep * innermostStep);
    dims[i].block = room;
    if (!size.isStatic() || size.factor > room)
      break;
    work *= std::max<int64_t>(1, size.factor);
  }
  return dims;
}
