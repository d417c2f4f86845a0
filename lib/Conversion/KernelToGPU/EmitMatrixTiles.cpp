// Contractions of f16 in tiles for a matrix unit.
#include "MatrixTileEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::gpu;

static constexpr int64_t kSlice = 32; // k's in workgroup memory
static constexpr int64_t kRing = 3;   // slices
static constexpr int64_t kChunk = 8;  // elements of 16 bytes
static constexpr int64_t kFragment = 16;

// ---- is it worth it? ----

bool MatrixTileEmitter::recognise() {
  auto half = [&](unsigned input) { return l.inputs[input].element.isF16(); };
  if (!unit || !half(0) || !half(1) || !l.sumType.isF32())
    return false;
  // Below, most of what the unit multiplies would be edges, and a vector of f32 does as well.
  return estimate(c.x.extents) >= 8 && estimate(c.y.extents) >= 8 && estimate(c.kExtents) >= kFragment;
}

/// The tile that takes the least time by a rough model: its own area, and its edges, which are loaded; times the rounds that a device of
/// about `kWorkgroups` at a time needs. Larger tiles load less, smaller ones leave less idle.
MatrixTileEmitter::Shape MatrixTileEmitter::chooseShape(int64_t y, int64_t x, int64_t batch) {
  constexpr Shape kShapes[] = {{2, 4, 4, 2}, {2, 4, 2, 2}, {2, 2, 2, 4}, {2, 2, 2, 2}, {2, 1, 2, 2},
                               {2, 2, 2, 1}, {4, 2, 1, 1}, {1, 1, 4, 2}, {1, 1, 4, 1}, {2, 1, 2, 1}};
  constexpr int64_t kWorkgroups = 128, kEdge = 32;
  auto cost = [&](const Shape &shape) {
    int64_t tiles = llvm::divideCeil(y, shape.tileY()) * llvm::divideCeil(x, shape.tileX()) * batch;
    int64_t rounds = std::max(tiles, kWorkgroups);
    return rounds * (shape.tileY() * shape.tileX() + kEdge * (shape.tileY() + shape.tileX()));
  };
  return *std::min_element(std::begin(kShapes), std::end(kShapes),
                           [&](const Shape &a, const Shape &b) { return cost(a) < cost(b); });
}

/// Are `run` neighbours along a slice's rows, from a multiple of `run` on, aligned neighbours in memory? Sizes whose product must be a
/// multiple of `run` for that, but which nobody knows yet, are added to `atRunTime`; without it they say no.
bool MatrixTileEmitter::isRun(const Staged &s, int64_t run, SmallVector<SmallVector<Extent>> *atRunTime) {
  auto divides = [&](ArrayRef<Extent> factors) {
    int64_t fixed = 1;
    SmallVector<Extent> unknown;
    for (Extent factor : factors)
      factor.isFixed() ? void(fixed *= factor.fixed) : unknown.push_back(factor);
    if (fixed % run == 0)
      return true;
    if (unknown.empty() || !atRunTime)
      return false;
    atRunTime->emplace_back(factors);
    return true;
  };
  ArrayRef<unsigned> loops = s.alongSide() ? ArrayRef(s.side->loops) : ArrayRef(l.reduction);
  ArrayRef<Extent> extents = s.alongSide() ? ArrayRef(s.side->extents) : ArrayRef(c.kExtents);
  unsigned inner = loops.size() - 1;
  while (inner > 0 && extents[inner].is(1))
    --inner;
  // A run must not go on in the next round of the loop around.
  bool alone = llvm::all_of(extents.take_front(inner), [](Extent extent) { return extent.is(1); });
  if (!alone && !divides(extents[inner]))
    return false;
  AffineMap map = l.maps[s.side->input];
  AffineExpr loop = getAffineDimExpr(loops[inner], e.context), none = getAffineConstantExpr(0, e.context);
  ArrayRef<Extent> dims = l.inputs[s.side->input].dims;
  auto isPanel = [&](AffineExpr expr, AffineExprKind kind) { // loop floordiv or mod a multiple of the run
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    auto size = binary && binary.getKind() == kind ? dyn_cast<AffineConstantExpr>(binary.getRHS()) : AffineConstantExpr();
    return size && binary.getLHS() == loop && size.getValue() % run == 0;
  };
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    bool last = i + 1 == dims.size();
    AffineExpr rest = simplifyAffineExpr(expr.replace(loop, none), map.getNumDims(), 0);
    AffineExpr own = simplifyAffineExpr(expr - rest, map.getNumDims(), 0);
    if (last && (!rest.isMultipleOf(run) || (own != loop && !isPanel(own, AffineExprKind::Mod))))
      return false;
    if (!last && own != none && !isPanel(own, AffineExprKind::FloorDiv))
      return false;
    if (!last && expr != none && !divides(dims.drop_front(i + 1)))
      return false;
  }
  return true;
}

void MatrixTileEmitter::learnRun(Staged &s) {
  SmallVector<SmallVector<Extent>> atRunTime;
  s.run = 1;
  for (int64_t run : {2, 4, 8})
    if (isRun(s, run, nullptr))
      s.run = run;
  if (s.run > 1 || !isRun(s, kChunk, &atRunTime))
    return;
  for (ArrayRef<Extent> factors : atRunTime) {
    Value odd = e.modulo(e.product(factors), e.index(kChunk));
    Value even = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, odd, e.index(0));
    s.aligned = e.both(s.aligned, even);
  }
}

// ---- places in workgroup memory ----

/// Without wrapping, so that a constant summand can become a part of the instruction that uses the address.
Value MatrixTileEmitter::plus(Value a, Value b) {
  if (getConstantIntValue(a) == 0 || getConstantIntValue(b) == 0)
    return getConstantIntValue(a) == 0 ? b : a;
  return arith::AddIOp::create(e.b, e.loc, a, b, arith::IntegerOverflowFlags::nsw);
}

Value MatrixTileEmitter::times(Value a, int64_t b) {
  return arith::MulIOp::create(e.b, e.loc, a, e.index(b), arith::IntegerOverflowFlags::nsw);
}

/// Where a slice's chunk lies in its row. 8 chunks fill the 128 bytes that memory serves at a time; rows of fewer share them.
Value MatrixTileEmitter::swizzled(Value row, Value chunk, int64_t rowChunks) {
  int64_t turns = std::min(rowChunks, kChunk);
  Value turn = e.modulo(e.divide(row, e.index(kChunk / turns)), e.index(turns));
  return arith::XOrIOp::create(e.b, e.loc, chunk, turn);
}

/// Where the lane's row of each fragment of its subgroup lies in a slice: along k first, for the fragment at the start of the side, where
/// k is contiguous, otherwise along the side, for the fragment at k = 0. The other ones are a constant further.
SmallVector<Value> MatrixTileEmitter::fragmentPlaces(Staged &s, int64_t fragments, bool isRows) {
  Value block = e.divide(lane, e.index(kChunk)), inBlock = e.modulo(lane, e.index(kChunk));
  Value fast = e.modulo(block, e.index(2)), slow = e.divide(block, e.index(2));
  Value blockOfSide = isRows ? fast : slow, blockOfK = isRows ? slow : fast;
  int64_t rowChunks = s.rowChunks(kSlice);
  SmallVector<Value> places;
  for (int64_t i = 0; i < (s.alongSide() ? fragments : kSlice / kFragment); ++i) {
    Value row, chunk, step = e.index(i * kFragment / kChunk);
    if (s.alongSide()) {
      row = plus(times(blockOfK, kChunk), inBlock);
      chunk = plus(plus(e.divide(s.warpFirst, e.index(kChunk)), blockOfSide), step);
    } else {
      row = plus(s.warpFirst, plus(times(blockOfSide, kChunk), inBlock));
      chunk = plus(blockOfK, step);
    }
    places.push_back(plus(times(row, rowChunks * kChunk), times(swizzled(row, chunk, rowChunks), kChunk)));
  }
  return places;
}

// ---- copies ----

Value MatrixTileEmitter::addressOf(Staged &s, Value at, Value k) {
  SmallVector<Value> ivs(l.sizes.size(), e.index(0));
  auto set = [&](ArrayRef<unsigned> loops, ArrayRef<Value> values) {
    for (auto [loop, iv] : llvm::zip(loops, values))
      ivs[loop] = iv;
  };
  set(c.batchLoops, batch);
  set(s.side->loops, e.delinearize(at, s.side->extents));
  set(l.reduction, e.delinearize(k, c.kExtents));
  unsigned input = s.side->input;
  return e.linearize(e.apply(l.maps[input], ivs), l.inputs[input].dims);
}

/// Copies a run without waiting for it.
void MatrixTileEmitter::copyRun(Staged &s, Value at, Value k, Value to, int64_t run) {
  Value along = s.alongSide() ? at : k, across = s.alongSide() ? k : at;
  Value size = s.alongSide() ? s.side->size : c.kSize, sizeAcross = s.alongSide() ? c.kSize : s.side->size;
  ArrayRef<Extent> extents = s.alongSide() ? s.side->extents : c.kExtents, others = s.alongSide() ? c.kExtents : s.side->extents;
  int64_t tile = s.alongSide() ? s.tile : kSlice, tileAcross = s.alongSide() ? kSlice : s.tile;
  Value valid; // elements
  if (!isWhole(extents, tile)) {
    valid = e.minimum(e.sub(size, e.minimum(along, size)), e.index(run));
    if (isWhole(extents, run))
      valid = arith::SelectOp::create(e.b, e.loc, e.less(along, size), e.index(run), e.index(0));
  }
  if (!isWhole(others, tileAcross))
    valid = arith::SelectOp::create(e.b, e.loc, e.less(across, sizeAcross), valid ? valid : e.index(run), e.index(0));
  unit->copy(e.b, e.loc, l.inputs[s.side->input].memref, addressOf(s, at, k), s.memory, to, run, valid);
}

/// Loads a chunk's elements one by one, wherever they lie.
void MatrixTileEmitter::loadRun(Staged &s, Value at, Value k, Value to) {
  SmallVector<Value> elements;
  for (int64_t i = 0; i < kChunk; ++i) {
    Value itsAt = s.alongSide() ? e.add(at, e.index(i)) : at, itsK = s.alongSide() ? k : e.add(k, e.index(i));
    Value valid = isWhole(s.side->extents, s.tile) ? Value() : e.less(itsAt, s.side->size);
    if (!isWhole(c.kExtents, kSlice))
      valid = e.both(valid, e.less(itsK, c.kSize));
    Value address = addressOf(s, itsAt, itsK);
    if (valid) // what is beyond an edge reads the first element instead
      address = arith::SelectOp::create(e.b, e.loc, valid, address, e.index(0));
    Value element = e.loadFlat(l.inputs[s.side->input], address);
    if (valid)
      element = arith::SelectOp::create(e.b, e.loc, valid, element, e.zero(element.getType()));
    elements.push_back(element);
  }
  auto type = VectorType::get(kChunk, e.b.getF16Type());
  Value chunk = vector::FromElementsOp::create(e.b, e.loc, type, elements);
  vector::StoreOp::create(e.b, e.loc, chunk, s.memory, to, /*nontemporal=*/false, llvm::Align(MatrixUnit::kCopyBytes));
}

void MatrixTileEmitter::stageSlot(Staged &s, Value k0, Value buffer, Value slot, int64_t run) {
  int64_t parts = run > 1 ? kChunk / run : 1, rowChunks = s.rowChunks(kSlice);
  Value part = times(e.modulo(slot, e.index(parts)), run), number = e.divide(slot, e.index(parts));
  Value row = e.divide(number, e.index(rowChunks)), chunk = e.modulo(number, e.index(rowChunks));
  Value place = plus(times(row, rowChunks * kChunk), times(swizzled(row, chunk, rowChunks), kChunk));
  Value to = plus(times(buffer, s.tile * kSlice), parts > 1 ? plus(place, part) : place);
  Value along = e.mul(chunk, e.index(kChunk));
  if (parts > 1)
    along = e.add(along, part);
  Value at = e.add(s.side->first, s.alongSide() ? along : row), k = e.add(k0, s.alongSide() ? row : along);
  if (run > 1)
    copyRun(s, at, k, to, run);
  else
    loadRun(s, at, k, to);
}

/// Fills a slice, neighbouring threads with neighbouring parts of its rows.
void MatrixTileEmitter::stage(Staged &s, Value k0, Value buffer) {
  constexpr int64_t kUnrolled = 4;
  auto slots = [&](int64_t run) {
    int64_t total = s.tile * kSlice / (run > 1 ? run : kChunk);
    auto round = [&](Value number, ValueRange) {
      Value slot = e.add(e.threadId, e.mul(number, e.index(e.options.threads)));
      e.when(total % e.options.threads ? e.less(slot, e.index(total)) : Value(), [&] { stageSlot(s, k0, buffer, slot, run); });
      return SmallVector<Value>();
    };
    int64_t rounds = llvm::divideCeil(total, e.options.threads);
    if (run == 1 || rounds > kUnrolled)
      e.loop(e.index(0), e.index(rounds), e.index(1), ValueRange(), round);
    else
      for (int64_t i = 0; i < rounds; ++i)
        round(e.index(i), {});
  };
  if (!s.aligned)
    return slots(s.run);
  auto ifOp = scf::IfOp::create(e.b, e.loc, s.aligned, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(ifOp.thenBlock()->getTerminator());
  slots(kChunk);
  e.b.setInsertionPoint(ifOp.elseBlock()->getTerminator());
  slots(1);
}

// ---- products ----

void MatrixTileEmitter::multiply(Value buffer, MutableArrayRef<Value> sums) {
  auto load = [&](Staged &s, ArrayRef<Value> places, int64_t fragment, int64_t step) {
    int64_t rowElements = s.rowChunks(kSlice) * kChunk * kFragment;
    Value place = places[s.alongSide() ? fragment : step];
    Value at = plus(plus(times(buffer, s.tile * kSlice), place), e.index((s.alongSide() ? step : fragment) * rowElements));
    return unit->load(e.b, e.loc, s.memory, at, s.alongSide());
  };
  for (int64_t step = 0; step < kSlice / kFragment; ++step) {
    SmallVector<Value> a, b;
    for (int64_t i = 0; i < shape.fragmentsY; ++i)
      a.push_back(load(y, placesY, i, step));
    for (int64_t i = 0; i < shape.fragmentsX; ++i)
      b.push_back(load(x, placesX, i, step));
    for (int64_t i = 0; i < shape.fragmentsY; ++i)
      for (int64_t column = 0; column < 2 * shape.fragmentsX; ++column) {
        Value &sum = sums[i * 2 * shape.fragmentsX + column];
        sum = unit->multiply(e.b, e.loc, a[i], b[column / 2], column % 2, sum);
      }
  }
}

/// A slice is asked for two rounds before it is multiplied, into the place of the one multiplied in the round before: the barrier says
/// that everybody has done with that one, and that everybody's copies of the next have arrived.
SmallVector<Value> MatrixTileEmitter::accumulate() {
  auto fill = [&](Value k0, Value buffer) {
    std::optional<int64_t> at = getConstantIntValue(k0), size = getConstantIntValue(c.kSize);
    if (!at || !size || *at < *size)
      e.when(at && size ? Value() : e.less(k0, c.kSize), [&] {
        stage(y, k0, buffer);
        stage(x, k0, buffer);
      });
    unit->closeGroup(e.b, e.loc);
  };
  for (int64_t i = 0; i + 1 < kRing; ++i)
    fill(e.index(i * kSlice), e.index(i));
  SmallVector<Value> carried(shape.fragmentsY * shape.fragmentsX * 2, e.zero(VectorType::get(4, e.b.getF32Type())));
  carried.push_back(e.index(0)); // the slice to multiply
  auto next = [&](Value buffer, int64_t by) {
    Value moved = plus(buffer, e.index(by));
    Value wraps = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::uge, moved, e.index(kRing));
    Value back = arith::SubIOp::create(e.b, e.loc, moved, e.index(kRing));
    return arith::SelectOp::create(e.b, e.loc, wraps, back, moved).getResult();
  };
  carried = e.loop(e.index(0), c.kSize, e.index(kSlice), carried, [&](Value k0, ValueRange values) {
    SmallVector<Value> sums = llvm::to_vector(values);
    Value buffer = sums.pop_back_val();
    unit->waitForGroups(e.b, e.loc, kRing - 2);
    e.barrier();
    fill(e.add(k0, e.index((kRing - 1) * kSlice)), next(buffer, kRing - 1));
    multiply(buffer, sums);
    sums.push_back(next(buffer, 1));
    return sums;
  });
  carried.pop_back();
  return carried;
}

// ---- results ----

/// Two neighbouring elements of a row, as one vector where they always are neighbours in C as well.
void MatrixTileEmitter::storePair(ArrayRef<Value> yIvs, Value atX, ArrayRef<SmallVector<Value>> xIvs, ArrayRef<Value> pair) {
  Extent inner = l.sizes[l.parallel.back()];
  bool neighbours = c.x.loops.back() == l.parallel.back() && inner.isFixed() && inner.fixed % 2 == 0;
  bool whole = isWhole(c.x.extents, x.tile);
  auto ivsAt = [&](unsigned i) { return c.place(batch, xIvs[i], yIvs); };
  if (!neighbours) {
    for (unsigned i = 0; i < 2; ++i)
      e.when(whole ? Value() : e.less(e.add(atX, e.index(i)), c.x.size), [&] { c.storeElement(ivsAt(i), pair[i]); });
    return;
  }
  e.when(whole ? Value() : e.less(atX, c.x.size), [&] {
    SmallVector<Value> elements = {c.finished(ivsAt(0), pair[0]), c.finished(ivsAt(1), pair[1])};
    Type element = l.output.element;
    Value packed = vector::FromElementsOp::create(e.b, e.loc, VectorType::get(2, element), elements);
    llvm::Align alignment(llvm::divideCeil(2 * element.getIntOrFloatBitWidth(), 8));
    vector::StoreOp::create(e.b, e.loc, packed, l.output.memref, e.linearize(c.indexOf(ivsAt(0)), l.output.dims),
                            /*nontemporal=*/false, alignment);
  });
}

void MatrixTileEmitter::storeTile(ArrayRef<Value> sums) {
  Value row = e.divide(lane, e.index(4)), pair = e.mul(e.modulo(lane, e.index(4)), e.index(2));
  Value firstY = e.add(e.add(c.y.first, y.warpFirst), row), firstX = e.add(e.add(c.x.first, x.warpFirst), pair);
  SmallVector<Value> atX;
  SmallVector<SmallVector<Value>> xIvs;
  for (int64_t column = 0; column < 2 * shape.fragmentsX; ++column) {
    atX.push_back(e.add(firstX, e.index(column * MatrixUnit::kColumns)));
    for (int64_t i = 0; i < 2; ++i)
      xIvs.push_back(e.delinearize(e.add(atX.back(), e.index(i)), c.x.extents));
  }
  for (int64_t i = 0; i < 2 * shape.fragmentsY; ++i) {
    Value atY = e.add(firstY, e.index(i * kChunk));
    e.when(isWhole(c.y.extents, y.tile) ? Value() : e.less(atY, c.y.size), [&] {
      SmallVector<Value> yIvs = e.delinearize(atY, c.y.extents);
      for (int64_t column = 0; column < 2 * shape.fragmentsX; ++column) {
        Value sum = sums[i / 2 * 2 * shape.fragmentsX + column];
        Value values[2];
        for (int64_t j = 0; j < 2; ++j)
          values[j] = vector::ExtractOp::create(e.b, e.loc, sum, i % 2 * 2 + j);
        storePair(yIvs, atX[column], ArrayRef(xIvs).slice(2 * column, 2), values);
      }
    });
  }
}

void MatrixTileEmitter::startGroup(Value group) {
  c.x.size = e.product(c.x.extents);
  c.y.size = e.product(c.y.extents);
  c.kSize = e.product(c.kExtents);
  auto tiles = [&](Value size, int64_t tile) { return e.divide(e.add(size, e.index(tile - 1)), e.index(tile)); };
  Value tilesX = tiles(c.x.size, x.tile), tilesY = tiles(c.y.size, y.tile);
  c.x.first = e.mul(e.modulo(group, tilesX), e.index(x.tile));
  Value rest = e.divide(group, tilesX);
  c.y.first = e.mul(e.modulo(rest, tilesY), e.index(y.tile));
  batch = e.delinearize(e.divide(rest, tilesY), c.batchExtents);
  lane = e.modulo(e.threadId, e.index(MatrixUnit::kLanes));
  Value subgroup = e.divide(e.threadId, e.index(MatrixUnit::kLanes));
  x.warpFirst = times(e.modulo(subgroup, e.index(shape.groupsX)), shape.fragmentsX * kFragment);
  y.warpFirst = times(e.divide(subgroup, e.index(shape.groupsX)), shape.fragmentsY * kFragment);
  placesY = fragmentPlaces(y, shape.fragmentsY, /*isRows=*/true);
  placesX = fragmentPlaces(x, shape.fragmentsX, /*isRows=*/false);
}

LogicalResult MatrixTileEmitter::run() {
  constexpr int64_t kUnknown = 512; // a tile too large leaves a part of a small product idle, one too small slows all large ones
  shape = chooseShape(estimate(c.y.extents, kUnknown), estimate(c.x.extents, kUnknown), estimate(c.batchExtents, 1));
  e.setThreads(shape.groupsY * shape.groupsX * MatrixUnit::kLanes);
  x.side = &c.x;
  y.side = &c.y;
  x.tile = shape.tileX();
  y.tile = shape.tileY();
  for (Staged *s : {&y, &x}) {
    s->memory = e.shared({kRing * s->tile * kSlice}, e.b.getF16Type());
    learnRun(*s);
  }
  AffineExpr countX = e.productExpr(c.x.extents).ceilDiv(x.tile), countY = e.productExpr(c.y.extents).ceilDiv(y.tile);
  e.perGroup(e.productExpr(c.batchExtents) * countY * countX, [&](Value group) {
    startGroup(group);
    storeTile(accumulate());
  });
  return failure(c.broken);
}
