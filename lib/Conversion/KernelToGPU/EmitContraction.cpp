// Contractions in tiles through workgroup memory.
#include "MatrixTileEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::gpu;

static constexpr int64_t kDepth = 16; // k's in workgroup memory
static constexpr int64_t kUnroll = 4; // of the loop over them
static constexpr int64_t kLanes = 4;

bool ContractionEmitter::splitLoops() {
  const AffineMap *maps = l.maps;
  SmallVector<unsigned> own[2];
  for (unsigned d = 0; d < l.sizes.size(); ++d) {
    bool a = maps[0].isFunctionOfDim(d), bb = maps[1].isFunctionOfDim(d);
    if (llvm::is_contained(l.reduction, d)) {
      if (!a || !bb)
        return false;
      kExtents.push_back(l.sizes[d]);
    } else if (a && bb) {
      batchLoops.push_back(d);
      batchExtents.push_back(l.sizes[d]);
    } else if (a || bb) {
      own[a ? 0 : 1].push_back(d);
    } else if (!l.sizes[d].is(1)) {
      return false;
    }
  }
  if (own[0].empty() || own[1].empty() || kExtents.empty() || l.parallel.empty())
    return false;
  // The innermost dim of C that is longer than 1 decides which side runs along the vectors.
  unsigned innermost = l.parallel.back();
  for (unsigned loop : l.parallel)
    if (!l.sizes[loop].is(1))
      innermost = loop;
  unsigned first = llvm::is_contained(own[1], innermost) ? 1 : 0;
  x.input = first;
  y.input = 1 - first;
  for (Side *side : {&x, &y}) {
    side->loops = own[side->input];
    AffineMap map = maps[side->input];
    for (unsigned loop : side->loops)
      side->extents.push_back(l.sizes[loop]);
    AffineExpr last = map.getNumResults() ? map.getResult(map.getNumResults() - 1) : AffineExpr();
    side->contiguous = last && llvm::any_of(side->loops, [&](unsigned loop) { return last.isFunctionOfDim(loop); });
  }
  return true;
}

int64_t laic::gpu::estimate(ArrayRef<Extent> extents, int64_t unknown) {
  int64_t total = 1;
  for (Extent extent : extents)
    total *= extent.estimate(unknown);
  return total;
}

bool laic::gpu::isWhole(ArrayRef<Extent> extents, int64_t tile) {
  return llvm::all_of(extents, [](Extent extent) { return extent.isFixed(); }) && estimate(extents) % tile == 0;
}

void ContractionEmitter::chooseTile() {
  int64_t wanted = estimate(y.extents);
  threadsX = 16;
  threadsY = e.options.threads / threadsX;
  rows = wanted >= 48 ? 8 : wanted >= 24 ? 4 : wanted >= 12 ? 2 : 1;
  // Rows of y come in vectors of 4 from workgroup memory.
  while (rows * threadsY % kLanes != 0)
    rows *= 2;
  columns = estimate(x.extents) >= 2 * threadsX * kLanes ? 2 : 1;
  x.quads = threadsX * columns;
  y.quads = rows * threadsY / kLanes;
}

bool ContractionEmitter::recognise() {
  if (!l.inputs[0].memref || !l.inputs[1].memref || !splitLoops())
    return false;
  if (MatrixTileEmitter(*this).recognise())
    return onMatrixUnit = true;
  // Small sides leave most of a tile idle.
  if (estimate(x.extents) < 16 || estimate(y.extents) < 4 || estimate(kExtents) < 8)
    return false;
  if (elementsPerWord(l.output.element) > 1 && !storesWords())
    return false;
  chooseTile();
  return true;
}

/// Small elements are stored as words: the 4 x's of a vector must be neighbours of one row of C.
bool ContractionEmitter::storesWords() const {
  Extent inner = l.sizes[l.parallel.back()];
  return x.loops.back() == l.parallel.back() && inner.isFixed() && inner.fixed % kLanes == 0;
}

Value ContractionEmitter::multiplyAdd(Value p, Value q, Value sum) {
  if (l.sumType.isF32())
    return vector::FMAOp::create(e.b, e.loc, p, q, sum);
  return arith::AddIOp::create(e.b, e.loc, sum, arith::MulIOp::create(e.b, e.loc, p, q));
}

/// The side's operand at (batch, at, k) as an accumulator's type; zero unless `valid`.
Value ContractionEmitter::element(Side &side, ArrayRef<Value> batch, Value at, ArrayRef<Value> k, Value valid) {
  auto read = [&]() -> SmallVector<Value> {
    SmallVector<Value> ivs(l.sizes.size(), e.index(0));
    for (auto [loop, iv] : llvm::zip(batchLoops, batch))
      ivs[loop] = iv;
    for (auto [loop, iv] : llvm::zip(side.loops, e.delinearize(at, side.extents)))
      ivs[loop] = iv;
    for (auto [loop, iv] : llvm::zip(l.reduction, k))
      ivs[loop] = iv;
    return {l.extend(side.input, e.load(l.inputs[side.input], e.apply(l.maps[side.input], ivs)))};
  };
  if (!valid)
    return read().front();
  return e.choose(valid, l.sumType, read, [&] { return SmallVector<Value>{e.zero(l.sumType)}; }).front();
}

/// Threads fetch quads of 4 neighbouring x's (or y's) for one k. Where k is contiguous in memory neighbouring threads take
/// neighbouring k's, otherwise neighbouring quads.
void ContractionEmitter::loadTile(Side &side, ArrayRef<Value> batch, Value k0) {
  Value total = e.index(kDepth * side.quads);
  e.loop(e.threadId, total, e.index(e.options.threads), ValueRange(), [&](Value slot, ValueRange) {
    Value major = e.index(side.contiguous ? side.quads : kDepth);
    Value quad = side.contiguous ? e.modulo(slot, major) : e.divide(slot, major);
    Value depth = side.contiguous ? e.divide(slot, major) : e.modulo(slot, major);
    loadQuad(side, batch, k0, quad, depth);
    return SmallVector<Value>();
  });
}

void ContractionEmitter::loadQuad(Side &side, ArrayRef<Value> batch, Value k0, Value quad, Value depth) {
  Value k = e.add(k0, depth);
  Value validK = isWhole(kExtents, kDepth) ? Value() : e.less(k, kSize);
  bool wholeSide = isWhole(side.extents, side.quads * kLanes);
  SmallVector<Value> kIvs = e.delinearize(k, kExtents), lanes;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    Value at = e.add(side.first, e.add(e.mul(quad, e.index(kLanes)), e.index(lane)));
    Value valid = wholeSide ? validK : e.both(validK, e.less(at, side.size));
    lanes.push_back(element(side, batch, at, kIvs, valid));
  }
  Value packed = vector::FromElementsOp::create(e.b, e.loc, VectorType::get(kLanes, l.sumType), lanes);
  memref::StoreOp::create(e.b, e.loc, packed, side.tile, ValueRange{depth, quad});
}

/// One k: a thread's vector of x's times each of its y's.
void ContractionEmitter::multiplyTile(Value k, SmallVectorImpl<Value> &sums) {
  OpBuilder &b = e.b;
  auto vec = VectorType::get(kLanes, l.sumType);
  SmallVector<Value> p;
  for (int64_t c = 0; c < columns; ++c)
    p.push_back(memref::LoadOp::create(b, e.loc, x.tile, ValueRange{k, e.add(tx, e.index(c * threadsX))}));
  // A thread's y's: whole vectors where it has 4 or more, otherwise a part of one.
  for (int64_t r = 0; r < rows; ++r) {
    Value q;
    if (rows >= kLanes) {
      Value quad = e.add(e.mul(ty, e.index(rows / kLanes)), e.index(r / kLanes));
      Value four = memref::LoadOp::create(b, e.loc, y.tile, ValueRange{k, quad});
      q = vector::ExtractOp::create(b, e.loc, four, r % kLanes);
    } else {
      Value at = e.add(e.mul(ty, e.index(rows)), e.index(r));
      Value four = memref::LoadOp::create(b, e.loc, y.tile, ValueRange{k, e.divide(at, e.index(kLanes))});
      q = vector::ExtractOp::create(b, e.loc, four, OpFoldResult(e.modulo(at, e.index(kLanes))));
    }
    Value splat = vector::BroadcastOp::create(b, e.loc, vec, q);
    for (int64_t c = 0; c < columns; ++c)
      sums[r * columns + c] = multiplyAdd(p[c], splat, sums[r * columns + c]);
  }
}

SmallVector<Value> ContractionEmitter::accumulate(ArrayRef<Value> batch) {
  auto vec = VectorType::get(kLanes, l.sumType);
  SmallVector<Value> zeros(rows * columns, e.zero(vec));
  return e.loop(e.index(0), kSize, e.index(kDepth), zeros, [&](Value k0, ValueRange outer) {
    e.barrier();
    loadTile(x, batch, k0);
    loadTile(y, batch, k0);
    e.barrier();
    return e.loop(e.index(0), e.index(kDepth), e.index(kUnroll), outer, [&](Value k, ValueRange inner) {
      SmallVector<Value> sums = llvm::to_vector(inner);
      for (int64_t u = 0; u < kUnroll; ++u)
        multiplyTile(e.add(k, e.index(u)), sums);
      return sums;
    });
  });
}
void ContractionEmitter::storeTile(ArrayRef<Value> batch, ArrayRef<Value> sums) {
  Value firstY = e.add(y.first, e.mul(ty, e.index(rows)));
  for (int64_t r = 0; r < rows; ++r) {
    Value atY = e.add(firstY, e.index(r));
    e.when(e.less(atY, y.size), [&] {
      SmallVector<Value> yIvs = e.delinearize(atY, y.extents);
      for (int64_t c = 0; c < columns; ++c) {
        Value firstX = e.add(x.first, e.mul(e.add(tx, e.index(c * threadsX)), e.index(kLanes)));
        storeRow(batch, yIvs, firstX, sums[r * columns + c]);
      }
    });
  }
}

/// One vector of sums.
void ContractionEmitter::storeRow(ArrayRef<Value> batch, ArrayRef<Value> yIvs, Value firstX, Value sums) {
  auto ivsAt = [&](Value lane) { return place(batch, e.delinearize(e.add(firstX, lane), x.extents), yIvs); };
  auto sumAt = [&](OpFoldResult lane) -> Value { return vector::ExtractOp::create(e.b, e.loc, sums, lane); };
  int64_t word = elementsPerWord(l.output.element);
  if (word > 1) {
    auto storeWord = [&](Value start, ValueRange) {
      SmallVector<Value> elements;
      for (int64_t i = 0; i < word; ++i) {
        Value lane = e.add(start, e.index(i));
        std::optional<int64_t> fixed = getConstantIntValue(lane);
        elements.push_back(finished(ivsAt(lane), sumAt(fixed ? OpFoldResult(e.b.getIndexAttr(*fixed)) : OpFoldResult(lane))));
      }
      Value packed = vector::FromElementsOp::create(e.b, e.loc, VectorType::get(word, l.output.element), elements);
      vector::StoreOp::create(e.b, e.loc, packed, l.output.memref, e.linearize(indexOf(ivsAt(start)), l.output.dims));
      return SmallVector<Value>();
    };
    e.when(e.less(firstX, x.size), [&] {
      if (!e.options.unrollLanes)
        e.loop(e.index(0), e.index(kLanes), e.index(word), ValueRange(), storeWord);
      for (int64_t start = 0; start < kLanes && e.options.unrollLanes; start += word)
        storeWord(e.index(start), {});
    });
    return;
  }
  if (e.options.unrollLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      e.when(e.less(e.add(firstX, e.index(lane)), x.size),
             [&] { storeElement(ivsAt(e.index(lane)), sumAt(e.b.getIndexAttr(lane))); });
    return;
  }
  Value lanes = e.minimum(e.sub(x.size, e.minimum(firstX, x.size)), e.index(kLanes));
  e.loop(e.index(0), lanes, e.index(1), ValueRange(), [&](Value lane, ValueRange) {
    storeElement(ivsAt(lane), sumAt(OpFoldResult(lane)));
    return SmallVector<Value>();
  });
}

/// The ivs of all loops.
SmallVector<Value> ContractionEmitter::place(ArrayRef<Value> batch, ArrayRef<Value> xIvs, ArrayRef<Value> yIvs) {
  SmallVector<Value> ivs(l.sizes.size(), e.index(0));
  auto set = [&](ArrayRef<unsigned> loops, ArrayRef<Value> values) {
    for (auto [loop, iv] : llvm::zip(loops, values))
      ivs[loop] = iv;
  };
  set(batchLoops, batch);
  set(x.loops, xIvs);
  set(y.loops, yIvs);
  return ivs;
}

SmallVector<Value> ContractionEmitter::indexOf(ArrayRef<Value> ivs) {
  return llvm::map_to_vector(l.parallel, [&](unsigned loop) { return ivs[loop]; });
}

Value ContractionEmitter::finished(ArrayRef<Value> ivs, Value sum) {
  FailureOr<Value> value = l.finish(ivs, sum);
  broken |= failed(value);
  return broken ? e.zero(l.output.element) : *value;
}

void ContractionEmitter::storeElement(ArrayRef<Value> ivs, Value sum) { e.store(finished(ivs, sum), l.output, indexOf(ivs)); }

SmallVector<Value> ContractionEmitter::sumUp(unsigned at, SmallVector<Value> &ivs, ValueRange carried) {
  if (at == l.reduction.size()) {
    Value factors[2];
    for (unsigned i = 0; i < 2; ++i)
      factors[i] = l.extend(i, e.load(l.inputs[i], e.apply(l.maps[i], ivs)));
    if (isa<IntegerType>(l.sumType)) {
      Value product = arith::MulIOp::create(e.b, e.loc, factors[0], factors[1]);
      return {arith::AddIOp::create(e.b, e.loc, carried[0], product)};
    }
    Value product = arith::MulFOp::create(e.b, e.loc, factors[0], factors[1]);
    return {arith::AddFOp::create(e.b, e.loc, carried[0], product)};
  }
  unsigned d = l.reduction[at];
  return e.loop(e.index(0), e.value(l.sizes[d]), e.index(1), carried, [&](Value iv, ValueRange inner) {
    ivs[d] = iv;
    return sumUp(at + 1, ivs, inner);
  });
}

LogicalResult ContractionEmitter::runPerElement() {
  LogicalResult status = e.perElement(l.output, [&](ArrayRef<Value> at) -> FailureOr<SmallVector<Value>> {
    SmallVector<Value> ivs(l.sizes.size(), e.index(0));
    for (auto [loop, iv] : llvm::zip(l.parallel, at))
      ivs[loop] = iv;
    SmallVector<Value> outer = ivs;
    Value sum = sumUp(0, ivs, e.zero(l.sumType)).front();
    return SmallVector<Value>{finished(outer, sum)};
  });
  return success(succeeded(status) && !broken);
}

LogicalResult ContractionEmitter::run() {
  if (onMatrixUnit)
    return MatrixTileEmitter(*this).run();
  auto vec = VectorType::get(kLanes, l.sumType);
  x.tile = e.shared({kDepth, x.quads}, vec);
  y.tile = e.shared({kDepth, y.quads}, vec);
  int64_t tileX = x.quads * kLanes, tileY = y.quads * kLanes;
  AffineExpr countX = e.productExpr(x.extents).ceilDiv(tileX), countY = e.productExpr(y.extents).ceilDiv(tileY);
  e.perGroup(e.productExpr(batchExtents) * countY * countX, [&](Value group) {
    x.size = e.product(x.extents);
    y.size = e.product(y.extents);
    kSize = e.product(kExtents);
    auto tiles = [&](Value size, int64_t tile) { return e.divide(e.add(size, e.index(tile - 1)), e.index(tile)); };
    Value tilesX = tiles(x.size, tileX), tilesY = tiles(y.size, tileY);
    x.first = e.mul(e.modulo(group, tilesX), e.index(tileX));
    Value rest = e.divide(group, tilesX);
    y.first = e.mul(e.modulo(rest, tilesY), e.index(tileY));
    SmallVector<Value> batch = e.delinearize(e.divide(rest, tilesY), batchExtents);
    tx = e.modulo(e.threadId, e.index(threadsX));
    ty = e.divide(e.threadId, e.index(threadsX));
    storeTile(batch, accumulate(batch));
  });
  return failure(broken);
}

// ---- laic.contract ----

/// Loops of the operation, in its order: parallel ones, then reductions (Structured.td).
static AffineMap packedMap(ContractOp op, unsigned parallel, unsigned reductions) {
  MLIRContext *context = op.getContext();
  constexpr int64_t kPanel = 32;
  SmallVector<AffineExpr> indices;
  for (int64_t loop : op.getBBatch())
    indices.push_back(getAffineDimExpr(loop, context));
  AffineExpr n = getAffineDimExpr(parallel - 1, context);
  indices.push_back(n.floorDiv(kPanel));
  for (unsigned r = 0; r < reductions; ++r)
    indices.push_back(getAffineDimExpr(parallel + r, context));
  indices.push_back(n % kPanel);
  return AffineMap::get(parallel + reductions, 0, indices, context);
}

LogicalResult Emitter::emitContract(ContractOp op) {
  ContractionLoops loops;
  Block &epilogue = op.getEpilogue().front();
  unsigned parallel = op.getParallel();
  FailureOr<Operand> a = operandOf(op.getA()), packed = operandOf(op.getB());
  if (failed(a) || failed(packed))
    return fail("laic.contract reads something that is no argument");
  SmallVector<Operand> extras;
  for (Value extra : op.getExtras()) {
    FailureOr<Operand> operand = readOf(extra);
    if (failed(operand))
      return fail("an extra operand of laic.contract is neither an argument nor a constant");
    extras.push_back(*operand);
  }
  unsigned outer = op.getBBatch().size() + 1, reductions = packed->dims.size() - outer - 1;
  loops.output = resultOf(0);
  loops.sizes = loops.output.dims;
  loops.sizes.append(packed->dims.begin() + outer, packed->dims.end() - 1);
  for (unsigned d = 0; d < loops.sizes.size(); ++d)
    (d < parallel ? loops.parallel : loops.reduction).push_back(d);
  loops.inputs[0] = *a;
  loops.inputs[1] = *packed;
  loops.maps[0] = op.getAMap();
  loops.maps[1] = packedMap(op, parallel, reductions);
  loops.sumType = epilogue.getArgument(0).getType();
  loops.extend = [&](unsigned input, Value v) -> Value {
    if (v.getType() == loops.sumType)
      return v;
    if (isa<FloatType>(v.getType()))
      return arith::ExtFOp::create(b, loc, loops.sumType, v);
    if (input == 0 ? op.getUnsignedA() : op.getUnsignedB())
      return arith::ExtUIOp::create(b, loc, loops.sumType, v);
    return arith::ExtSIOp::create(b, loc, loops.sumType, v);
  };
  loops.finish = [&](ArrayRef<Value> ivs, Value sum) -> FailureOr<Value> {
    SmallVector<Value> args = {sum};
    for (auto [extra, map] : llvm::zip(extras, op.getExtraMaps().getAsValueRange<AffineMapAttr>()))
      args.push_back(extra.scalar ? extra.scalar : load(extra, apply(map, ivs.take_front(parallel))));
    auto values = emitBody(epilogue, args, [&](unsigned dim) { return ivs[dim]; });
    return failed(values) ? FailureOr<Value>() : values->front();
  };
  ContractionEmitter contraction(*this, loops);
  return contraction.recognise() ? contraction.run() : contraction.runPerElement();
}
