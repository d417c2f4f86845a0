// Roots that move data without computing: fills, pads, slices, concatenations, sizes.
#include "KernelEmitter.h"
#include "laic/Transforms/Padding.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

static int64_t elementBytes(Type type) { return std::max<int64_t>(1, type.getIntOrFloatBitWidth() / 8); }

FailureOr<Linear> KernelEmitter::linearOf(OpFoldResult size) {
  if (auto v = dyn_cast<Value>(size)) {
    FailureOr<Value> scalar = scalarOf(v);
    if (failed(scalar))
      return fail("a size is neither a constant nor computed from index arguments");
    Size term = sizeOfIndex(v);
    return term.is(0) ? Linear{} : Linear{term};
  }
  int64_t constant = *getConstantIntValue(size);
  return constant ? Linear{Size(constant)} : Linear{};
}

void KernelEmitter::copyRun(const Buffer &dst, Value to, const Access &src, Value from, Value length) {
  int64_t lanes = level.vectorBytes / elementBytes(dst.element);
  std::optional<int64_t> fixed = constantOf(length);
  while (fixed && !level.masks && lanes > 1 && lanes > *fixed)
    lanes /= 2;
  auto move = [&](Value at, int64_t width, Value mask) {
    Value v;
    if (src.isScalar())
      v = width ? splat(src.scalar, width) : src.scalar;
    else
      v = width ? loadVector(src.buffer, add(from, at), width, mask) : load(src.buffer, add(from, at));
    if (width)
      storeVector(v, dst, add(to, at), mask);
    else
      store(v, dst, add(to, at));
  };
  Value stop = mul(floorDiv(length, lanes), lanes);
  if (lanes > 1)
    loop(index(0), stop, lanes, [&](Value at) { move(at, lanes, nullptr); });
  else
    stop = index(0);
  if (fixed && lanes > 1 && *fixed % lanes == 0)
    return;
  if (!level.masks)
    return loop(stop, length, 1, [&](Value at) { move(at, 0, nullptr); });
  when(less(stop, length), [&] { move(stop, lanes, maskOf(sub(length, stop), lanes)); });
}

void KernelEmitter::copyLoops(unsigned at, ArrayRef<TileDim> dims, ArrayRef<Value> lo, ArrayRef<Value> hi,
                              SmallVectorImpl<Value> &ivs, const Access &dst, const Access &src) {
  if (at == dims.size()) {
    LaneValue v = loadLanes(src, ivs, -1, 0, nullptr);
    return store(v.scalar, dst.buffer, address(dst, ivs));
  }
  bool dense = isOne(dst.coefficients[at]) && (src.isScalar() || isOne(src.coefficients[at]));
  if (at + 1 == dims.size() && dense) {
    ivs[at] = lo[at];
    Value from = src.isScalar() ? Value() : address(src, ivs);
    return copyRun(dst.buffer, address(dst, ivs), src, from, sub(hi[at], lo[at]));
  }
  loop(lo[at], hi[at], 1, [&](Value iv) {
    ivs[at] = iv;
    copyLoops(at + 1, dims, lo, hi, ivs, dst, src);
  });
}

void KernelEmitter::emitCopy(ArrayRef<Size> given, const Access &givenDst, const Access &givenSrc) {
  SmallVector<Size> sizes = llvm::map_to_vector(given, [&](const Size &s) { return canonical(s); });
  Access dst = givenDst, src = givenSrc;
  auto erase = [&](unsigned d) {
    sizes.erase(sizes.begin() + d);
    dst.coefficients.erase(dst.coefficients.begin() + d);
    if (!src.isScalar())
      src.coefficients.erase(src.coefficients.begin() + d);
  };
  auto walksOn = [&](const Access &access, unsigned d) {
    if (access.isScalar())
      return true;
    const Linear &outer = access.coefficients[d], &inner = access.coefficients[d + 1];
    return outer.size() == 1 && inner.size() == 1 && canonical(outer[0]) == canonical(inner[0] * sizes[d + 1]);
  };
  for (unsigned d = sizes.size(); d-- > 0;)
    if (sizes[d].is(1))
      erase(d);
  for (unsigned d = sizes.size(); d-- > 1;)
    if (walksOn(dst, d - 1) && walksOn(src, d - 1)) {
      Size merged = sizes[d - 1] * sizes[d];
      erase(d - 1);
      sizes[d - 1] = merged;
    }
  bool dense = !sizes.empty() && isOne(dst.coefficients.back()) && (src.isScalar() || isOne(src.coefficients.back()));
  SmallVector<TileDim> dims = planTiles(sizes, dense ? 1 : 4, dense ? 64 : 1);
  SmallVector<Value> ivs(sizes.size());
  tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) { copyLoops(0, dims, lo, hi, ivs, dst, src); });
}

static Access denseAccess(const Buffer &buffer) {
  Access access;
  access.buffer = buffer;
  for (unsigned d = 0; d < buffer.sizes.size(); ++d)
    access.coefficients.push_back(buffer.stride(d));
  return access;
}

LogicalResult KernelEmitter::emitFill(linalg::FillOp op) {
  Buffer result = resultBuffer(cast<OpResult>(op.getResult(0)));
  FailureOr<Value> scalar = scalarOf(op.getInputs()[0]);
  if (failed(scalar))
    return fail("its fill value is neither a constant nor computed from index arguments");
  Access source;
  source.scalar = *scalar;
  emitCopy(result.sizes, denseAccess(result), source);
  return success();
}

void KernelEmitter::emitWindow(const Buffer &result, ArrayRef<Linear> givenLow, ArrayRef<Size> givenInner, const Access &inner,
                               const Access &outside) {
  // Trailing dims that the window covers whole join the run of the last dim that it does not.
  SmallVector<Linear> low(givenLow);
  SmallVector<Size> sizes = result.sizes, innerSizes(givenInner);
  Size run(1);
  while (sizes.size() > 1 && isZero(low.back()) && canonical(sizes.back()) == canonical(innerSizes.back())) {
    run = run * sizes.back();
    sizes.pop_back();
    low.pop_back();
    innerSizes.pop_back();
  }
  if (sizes.empty()) {
    sizes.push_back(1);
    innerSizes.push_back(1);
    low.push_back({});
  }
  unsigned outer = sizes.size() - 1;
  Value rowSize = mul(value(sizes.back()), value(run)), innerRow = mul(value(innerSizes.back()), value(run));
  Value lowRow = mul(value(low.back()), value(run));
  SmallVector<Value> innerStrides(outer + 1), strides(outer + 1);
  innerStrides[outer] = strides[outer] = index(1);
  for (int64_t d = int64_t(outer) - 1; d >= 0; --d) {
    strides[d] = d + 1 == int64_t(outer) ? rowSize : mul(strides[d + 1], value(sizes[d + 1]));
    innerStrides[d] = d + 1 == int64_t(outer) ? innerRow : mul(innerStrides[d + 1], value(innerSizes[d + 1]));
  }
  auto surround = [&](Value to, Value length) { copyRun(result, to, outside, to, length); };
  auto row = [&](Value at, Value from, Value within) {
    auto ifOp = scf::IfOp::create(b, loc, within, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(ifOp.thenBlock()->getTerminator());
    surround(at, lowRow);
    copyRun(result, add(at, lowRow), inner, from, innerRow);
    Value done = add(lowRow, innerRow);
    surround(add(at, done), sub(rowSize, done));
    b.setInsertionPoint(ifOp.elseBlock()->getTerminator());
    surround(at, rowSize);
  };
  Size rowEstimate = sizes.back() * run;
  SmallVector<TileDim> dims = planTiles(ArrayRef<Size>(sizes).drop_back(), rowEstimate.estimate(1024), 1);
  tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    std::function<void(unsigned, Value, Value, Value)> nest = [&](unsigned d, Value at, Value from, Value within) {
      if (d == outer)
        return row(at, from, within);
      loop(lo[d], hi[d], 1, [&](Value iv) {
        Value inside = sub(iv, value(low[d]));
        Value here = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, inside, value(innerSizes[d]));
        nest(d + 1, add(at, mul(iv, strides[d])), add(from, mul(inside, innerStrides[d])),
             arith::AndIOp::create(b, loc, within, here));
      });
    };
    nest(0, index(0), index(0), arith::ConstantIntOp::create(b, loc, b.getI1Type(), 1));
  });
}

tensor::PadOp KernelEmitter::padBehind(Operation *root) {
  auto only = [](Operation *op) { return op->hasOneUse() ? *op->user_begin() : nullptr; };
  if (!isa<ContractOp, linalg::TransposeOp>(root) || root->getParentOp() != kernel)
    return {};
  Operation *user = only(root);
  if (isa_and_nonnull<tensor::ExpandShapeOp>(user) && isa<ContractOp>(root))
    user = only(user);
  auto pad = dyn_cast_or_null<tensor::PadOp>(user);
  return pad && isAroundRows(pad) ? pad : tensor::PadOp();
}

Buffer KernelEmitter::middleOf(tensor::PadOp pad, RankedTensorType inner) {
  Buffer buffer = resultBuffer(cast<OpResult>(pad.getResult()));
  Size first = buffer.sizes[0]; // which is not padded where it is unknown
  if (auto expand = pad.getSource().getDefiningOp<tensor::ExpandShapeOp>()) {
    ReassociationIndices joined = expand.getReassociationIndices()[0];
    for (int64_t dim : ArrayRef(joined).drop_front())
      first = first * Size(expand.getResultType().getDimSize(dim));
  }
  buffer.sizes = llvm::map_to_vector(inner.getShape(), [](int64_t size) { return Size(size); });
  if (inner.isDynamicDim(0))
    buffer.sizes[0] = first;
  return buffer;
}

FailureOr<Access> KernelEmitter::accessOfResult(OpResult result, AffineMap map, unsigned loops) {
  tensor::PadOp pad = rows ? tensor::PadOp() : padBehind(result.getOwner());
  if (!pad)
    return accessOf(result, map, loops);
  SmallVector<AffineExpr> indices(map.getResults());
  if (auto expand = pad.getSource().getDefiningOp<tensor::ExpandShapeOp>()) {
    SmallVector<AffineExpr> split;
    for (auto [index, group] : llvm::zip(indices, expand.getReassociationIndices())) {
      int64_t step = 1;
      SmallVector<AffineExpr> parts;
      for (int64_t dim : llvm::reverse(group)) {
        int64_t size = expand.getResultType().getDimSize(dim);
        parts.push_back(dim == group.front() ? index.floorDiv(step) : index.floorDiv(step) % size);
        step *= size;
      }
      split.append(parts.rbegin(), parts.rend());
    }
    indices = split;
  }
  for (auto [index, low] : llvm::zip(indices, pad.getStaticLow()))
    index = index + low;
  return accessOf(pad.getResult(), AffineMap::get(loops, 0, indices, context), loops);
}

LogicalResult KernelEmitter::fillBorder(Operation *root) {
  tensor::PadOp pad = rows ? tensor::PadOp() : padBehind(root);
  if (!pad)
    return success();
  FailureOr<Value> padding = scalarOf(pad.getConstantPaddingValue());
  if (failed(padding))
    return fail("tensor.pad needs a constant value");
  Buffer result = resultBuffer(cast<OpResult>(pad.getResult()));
  ArrayRef<int64_t> shape = pad.getResultType().getShape(), inner = pad.getSourceType().getShape(), low = pad.getStaticLow();
  int64_t lanes = std::max<int64_t>(1, level.vectorBytes * 8 / result.element.getIntOrFloatBitWidth());
  Value whole = splat(*padding, lanes);
  auto fill = [&](Value at, int64_t count) {
    int64_t vectors = count / lanes * lanes;
    loop(index(0), index(vectors), lanes, [&](Value i) { storeVector(whole, result, add(at, i)); });
    loop(index(vectors), index(count), 1, [&](Value i) { store(*padding, result, add(at, i)); });
  };
  // Before and after what is padded along one dim, inside of what is padded along those before it.
  std::function<void(unsigned, Value)> walk = [&](unsigned dim, Value at) {
    if (shape.drop_front(dim) == inner.drop_front(dim))
      return;
    int64_t stride = 1;
    for (int64_t size : shape.drop_front(dim + 1))
      stride *= size;
    int64_t after = low[dim] + inner[dim]; // of a first dim of unknown size, which is not padded: nothing
    if (low[dim])
      fill(at, low[dim] * stride);
    if (!ShapedType::isDynamic(shape[dim]) && after < shape[dim])
      fill(add(at, after * stride), (shape[dim] - after) * stride);
    Value stop = ShapedType::isDynamic(inner[dim]) ? value(result.sizes[dim]) : index(after);
    loop(index(low[dim]), stop, 1, [&](Value i) { walk(dim + 1, add(at, mul(i, stride))); });
  };
  Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, begin, index(0));
  when(first, [&] { walk(0, index(0)); });
  return success();
}

LogicalResult KernelEmitter::emitPad(tensor::PadOp op) {
  Value padding = op.getConstantPaddingValue();
  FailureOr<Value> scalar = padding ? scalarOf(padding) : FailureOr<Value>();
  FailureOr<Buffer> source = bufferOf(op.getSource());
  if (failed(scalar) || failed(source))
    return fail("tensor.pad needs a constant value and an argument to pad");
  SmallVector<Linear> low;
  for (OpFoldResult amount : op.getMixedLowPad()) {
    FailureOr<Linear> linear = linearOf(amount);
    if (failed(linear))
      return failure();
    low.push_back(*linear);
  }
  Access inner, outside;
  inner.buffer = *source;
  outside.scalar = *scalar;
  emitWindow(resultBuffer(cast<OpResult>(op.getResult())), low, source->sizes, inner, outside);
  return success();
}

LogicalResult KernelEmitter::emitInsertSlice(tensor::InsertSliceOp op) {
  FailureOr<Buffer> source = bufferOf(op.getSource());
  Buffer result = resultBuffer(cast<OpResult>(op.getResult()));
  unsigned rank = result.sizes.size();
  FailureOr<Access> outside = accessOf(op.getDest(), AffineMap::getMultiDimIdentityMap(rank, context), rank);
  if (failed(source) || failed(outside))
    return fail("tensor.insert_slice reads something that is no argument");
  for (OpFoldResult stride : op.getMixedStrides())
    if (getConstantIntValue(stride) != 1)
      return fail("tensor.insert_slice with a stride other than 1");
  SmallVector<Linear> low;
  SmallVector<Size> sizes;
  for (auto [offset, size] : llvm::zip(op.getMixedOffsets(), op.getMixedSizes())) {
    FailureOr<Linear> linear = linearOf(offset), extent = linearOf(size);
    if (failed(linear) || failed(extent))
      return failure();
    low.push_back(*linear);
    sizes.push_back(extent->empty() ? Size(0) : (*extent)[0]);
  }
  Access inner;
  inner.buffer = *source;
  emitWindow(result, low, sizes, inner, *outside);
  return success();
}

LogicalResult KernelEmitter::emitExtractSlice(tensor::ExtractSliceOp op) {
  FailureOr<Buffer> source = bufferOf(op.getSource());
  Buffer result = resultBuffer(cast<OpResult>(op.getResult()));
  if (failed(source))
    return fail("tensor.extract_slice reads something that is no argument");
  Access from;
  from.buffer = *source;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  SmallVector<OpFoldResult> steps = op.getMixedStrides();
  SmallVector<OpFoldResult> offsets = op.getMixedOffsets();
  for (unsigned d = 0; d < offsets.size(); ++d) {
    FailureOr<Linear> start = linearOf(offsets[d]), step = linearOf(steps[d]);
    if (failed(start) || failed(step))
      return failure();
    auto times = [&](const Linear &sum) {
      Linear scaled;
      for (const Size &x : sum)
        for (const Size &y : source->stride(d))
          scaled.push_back(x * y);
      return scaled;
    };
    llvm::append_range(from.offset, times(*start));
    if (!dropped.test(d))
      from.coefficients.push_back(times(*step));
  }
  emitCopy(result.sizes, denseAccess(result), from);
  return success();
}

// Many parts from a table: LLVM takes a minute for a hundred copies that each begin behind sums of unknown sizes.
void KernelEmitter::concatInLoop(const Buffer &result, ArrayRef<TileDim> dims, const Size &rowSize, ArrayRef<Access> parts,
                                 ArrayRef<Value> lengths) {
  Type pointer = LLVM::LLVMPointerType::get(context), i64 = b.getI64Type();
  Value pointerTable, lengthTable;
  auto cell = [&](Value table, Type type, Value at) -> Value {
    Value position = arith::IndexCastOp::create(b, loc, i64, at);
    return LLVM::GEPOp::create(b, loc, pointer, type, table, ArrayRef<LLVM::GEPArg>{position});
  };
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(entryEnd);
    Value count = arith::ConstantIntOp::create(b, loc, i64, parts.size());
    pointerTable = LLVM::AllocaOp::create(b, loc, pointer, pointer, count);
    lengthTable = LLVM::AllocaOp::create(b, loc, pointer, i64, count);
  }
  for (auto [i, part, length] : llvm::enumerate(parts, lengths)) {
    LLVM::StoreOp::create(b, loc, part.buffer.pointer, cell(pointerTable, pointer, index(i)));
    LLVM::StoreOp::create(b, loc, arith::IndexCastOp::create(b, loc, i64, length), cell(lengthTable, i64, index(i)));
  }
  tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    loop(lo[0], hi[0], 1, [&](Value at) {
      Value row = mul(at, value(rowSize));
      loop(index(0), index(parts.size()), 1, index(0), [&](Value i, ValueRange carried) {
        Value start = carried[0];
        Value length =
            arith::IndexCastOp::create(b, loc, b.getIndexType(), LLVM::LoadOp::create(b, loc, i64, cell(lengthTable, i64, i)));
        Access part;
        part.buffer = makeBuffer(LLVM::LoadOp::create(b, loc, pointer, cell(pointerTable, pointer, i)), result.element, {});
        Value stop = add(start, length), from = arith::MaxSIOp::create(b, loc, lo[1], start), to = minimum(hi[1], stop);
        when(less(from, to),
             [&] { copyRun(result, add(row, from), part, add(mul(at, length), sub(from, start)), sub(to, from)); });
        return SmallVector<Value>{stop};
      });
    });
  });
}

// Every operand gives a run of each row; tiles cut rows too, so that joining two large tensors is parallel.
LogicalResult KernelEmitter::emitConcat(tensor::ConcatOp op) {
  Buffer result = resultBuffer(cast<OpResult>(op.getResult()));
  unsigned axis = op.getDim();
  Size outer(1), inner(1);
  for (auto [d, size] : llvm::enumerate(result.sizes)) {
    outer = d < axis ? outer * size : outer;
    inner = d > axis ? inner * size : inner;
  }
  SmallVector<Access> parts;
  for (Value input : op.getInputs()) {
    FailureOr<Access> part =
        accessOf(input, AffineMap::getMultiDimIdentityMap(result.sizes.size(), context), result.sizes.size());
    if (failed(part))
      return fail("tensor.concat reads something that is no argument");
    if (part->isScalar())
      part->buffer.sizes =
          llvm::map_to_vector(cast<RankedTensorType>(input.getType()).getShape(), [](int64_t s) { return Size(s); });
    parts.push_back(*part);
  }
  Size rowSize = result.sizes[axis] * inner;
  SmallVector<TileDim> dims = planTiles({canonical(outer), canonical(rowSize)}, 1, 64);
  auto lengthOf = [&](const Access &part) { return mul(value(part.buffer.sizes[axis]), value(inner)); };
  constexpr size_t kWrittenOut = 8;
  bool ofUnknownSizes = llvm::any_of(parts, [&](const Access &part) { return !part.buffer.sizes[axis].isStatic(); });
  if (parts.size() > kWrittenOut && ofUnknownSizes && llvm::none_of(parts, [](const Access &part) { return part.isScalar(); })) {
    concatInLoop(result, dims, rowSize, parts, llvm::map_to_vector(parts, lengthOf));
    return success();
  }
  tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    loop(lo[0], hi[0], 1, [&](Value at) {
      Value row = mul(at, value(rowSize)), start = index(0);
      for (const Access &part : parts) {
        Value length = lengthOf(part);
        Value from = arith::MaxSIOp::create(b, loc, lo[1], start), to = minimum(hi[1], add(start, length));
        Value source = add(mul(at, length), sub(from, start));
        bool whole = constantOf(lo[1]) == 0 && constantOf(hi[1]) && constantOf(length);
        if (whole) // keeps constant lengths constant
          copyRun(result, add(row, start), part, mul(at, length), length);
        else
          copyRun(result, add(row, from), part, source, arith::MaxSIOp::create(b, loc, sub(to, from), index(0)));
        start = add(start, length);
      }
    });
  });
  return success();
}

// Rows of `past`, `now` and zeros, as emitConcat joins them. Where `past` lies in the memory of the result already, it stays there.
LogicalResult KernelEmitter::emitAppend(AppendOp op) {
  Buffer result = resultBuffer(cast<OpResult>(op.getResult()));
  FailureOr<Buffer> past = bufferOf(op.getPast()), now = bufferOf(op.getNow());
  FailureOr<Buffer> positions = op.getPositions() ? bufferOf(op.getPositions()) : FailureOr<Buffer>(Buffer());
  if (failed(past) || failed(now) || failed(positions))
    return fail("laic.append reads something that is no argument");
  unsigned axis = op.getAxis();
  Size outer(1), behindFirst(1), inner(1);
  for (auto [d, size] : llvm::enumerate(result.sizes)) {
    outer = d < axis ? outer * size : outer;
    behindFirst = d > 0 && d < axis ? behindFirst * size : behindFirst;
    inner = d > axis ? inner * size : inner;
  }
  auto step = [&](const Buffer &buffer) { return axis ? value(buffer.stride(axis - 1)) : index(0); };
  auto lengthOf = [&](const Buffer &buffer) { return mul(value(buffer.sizes[axis]), value(inner)); };
  Access from[2];
  from[0].buffer = *past;
  from[1].buffer = *now;
  Access nothing;
  nothing.scalar = zero(result.element);
  Value pastLength = lengthOf(*past), nowLength = lengthOf(*now);
  Value stays = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, past->pointer, result.pointer);
  Value places = sub(value(result.sizes[axis]), value(now->sizes[axis])); // where new elements may begin

  SmallVector<TileDim> dims = planTiles({canonical(outer), canonical(result.sizes[axis] * inner)}, 1, 64);
  tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    loop(lo[0], hi[0], 1, [&](Value at) {
      Value start = pastLength, row = mul(at, step(result));
      if (positions->memref) {
        Value position = load(*positions, arith::DivUIOp::create(b, loc, at, value(behindFirst)));
        Value place = arith::IndexCastOp::create(b, loc, b.getIndexType(), position);
        place = CheckIndexOp::create(b, loc, b.getIndexType(), place, add(places, 1),
                                     arith::IndexCastOp::create(b, loc, b.getI64Type(), place), b.getI32IntegerAttr(1));
        start = mul(place, value(inner));
      }
      Value stop = add(start, nowLength);
      // [begin, end) of the row, cut to the tile, from where `source` has it.
      auto copy = [&](Value begin, Value end, const Access &source, Value sourceRow) {
        begin = arith::MaxSIOp::create(b, loc, begin, lo[1]);
        end = minimum(end, hi[1]);
        when(less(begin, end), [&] {
          copyRun(result, add(row, begin), source, source.isScalar() ? Value() : add(sourceRow, begin), sub(end, begin));
        });
      };
      Value pastRow = mul(at, step(*past));
      auto notWhere = arith::XOrIOp::create(b, loc, stays, arith::ConstantIntOp::create(b, loc, b.getI1Type(), 1));
      when(notWhere, [&] {
        copy(index(0), minimum(pastLength, start), from[0], pastRow);
        if (positions->memref)
          copy(stop, pastLength, from[0], pastRow);
      });
      copy(start, stop, from[1], sub(mul(at, step(*now)), start));
      if (!positions->memref)
        return;
      copy(pastLength, start, nothing, Value());
      copy(arith::MaxSIOp::create(b, loc, pastLength, stop), hi[1], nothing, Value());
    });
  });
  return success();
}

LogicalResult KernelEmitter::emitSizesTensor(SizesTensorOp op) {
  Buffer result = resultBuffer(cast<OpResult>(op.getResult()));
  SmallVector<Value> elements;
  for (Value element : op.getElements()) {
    FailureOr<Value> scalar = scalarOf(element);
    if (failed(scalar))
      return fail("an element of laic.sizes_tensor is not computed from index arguments");
    elements.push_back(*scalar);
  }
  tiles({}, [&](ArrayRef<Value>, ArrayRef<Value>) {
    for (auto [i, element] : llvm::enumerate(elements))
      store(arith::IndexCastOp::create(b, loc, result.element, element), result, index(i));
  });
  return success();
}
