// Contractions in tiles through workgroup memory.
#include "ContractionEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace laic;
using namespace laic::gpu;

static constexpr int64_t kDepth = 16; // k's in workgroup memory
static constexpr int64_t kUnroll = 4; // of the loop over them
static constexpr int64_t kLanes = 4;

/// sum + extend(a) * extend(b), with nothing else in the body.
bool ContractionEmitter::recogniseBody() {
  auto yield = g.body.getTerminator();
  Operation *sum = yield->getOperand(0).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum))
    return false;
  BlockArgument accumulator = g.body.getArgument(2);
  Value product = sum->getOperand(sum->getOperand(0) == accumulator ? 1 : 0);
  if (!llvm::is_contained(sum->getOperands(), accumulator) || !accumulator.hasOneUse())
    return false;
  Operation *mul = product.getDefiningOp();
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(mul))
    return false;
  sumType = accumulator.getType();
  if (!sumType.isF32() && !sumType.isInteger(32))
    return false;
  auto factor = [&](Value v) {
    if (isa_and_nonnull<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(v.getDefiningOp()))
      v = v.getDefiningOp()->getOperand(0);
    return v == g.body.getArgument(0) || v == g.body.getArgument(1);
  };
  return factor(mul->getOperand(0)) && factor(mul->getOperand(1));
}

bool ContractionEmitter::splitLoops() {
  AffineMap maps[] = {g.inputMaps[0], g.inputMaps[1]};
  SmallVector<unsigned> own[2];
  for (unsigned d = 0; d < g.sizes.size(); ++d) {
    bool a = maps[0].isFunctionOfDim(d), bb = maps[1].isFunctionOfDim(d);
    if (llvm::is_contained(g.reductionLoops, d)) {
      if (!a || !bb)
        return false;
      kExtents.push_back(g.sizes[d]);
    } else if (a && bb) {
      batchLoops.push_back(d);
      batchExtents.push_back(g.sizes[d]);
    } else if (a || bb) {
      own[a ? 0 : 1].push_back(d);
    } else if (!g.sizes[d].is(1)) {
      return false;
    }
  }
  if (own[0].empty() || own[1].empty() || kExtents.empty() || g.loopOfSpace.empty())
    return false;
  // The innermost dim of C that is longer than 1 decides which side runs along the vectors.
  unsigned innermost = g.loopOfSpace.back();
  for (unsigned loop : g.loopOfSpace)
    if (!g.sizes[loop].is(1))
      innermost = loop;
  unsigned first = llvm::is_contained(own[1], innermost) ? 1 : 0;
  x.input = first;
  y.input = 1 - first;
  for (Side *side : {&x, &y}) {
    side->loops = own[side->input];
    AffineMap map = maps[side->input];
    for (unsigned loop : side->loops)
      side->extents.push_back(g.sizes[loop]);
    AffineExpr last = map.getNumResults() ? map.getResult(map.getNumResults() - 1) : AffineExpr();
    side->contiguous = last && llvm::any_of(side->loops, [&](unsigned loop) { return last.isFunctionOfDim(loop); });
  }
  return true;
}

static int64_t estimate(ArrayRef<Extent> extents) {
  int64_t total = 1;
  for (Extent extent : extents)
    total *= extent.estimate(256);
  return total;
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
  if (g.inputs.size() != 2 || g.outputs.size() != 1 || g.reductionLoops.empty() || !g.inputs[0].memref || !g.inputs[1].memref)
    return false;
  if (!recogniseBody() || !splitLoops())
    return false;
  // Small sides leave most of a tile idle.
  if (estimate(x.extents) < 16 || estimate(y.extents) < 4 || estimate(kExtents) < 8)
    return false;
  chooseTile();
  return true;
}

Value ContractionEmitter::multiplyAdd(Value p, Value q, Value sum) {
  if (sumType.isF32())
    return vector::FMAOp::create(e.b, e.loc, p, q, sum);
  return arith::AddIOp::create(e.b, e.loc, sum, arith::MulIOp::create(e.b, e.loc, p, q));
}

/// The side's operand at (batch, at, k) as an accumulator's type; zero unless `valid`.
Value ContractionEmitter::element(Side &side, ArrayRef<Value> batch, Value at, ArrayRef<Value> k, Value valid) {
  OpBuilder &b = e.b;
  auto read = [&]() -> SmallVector<Value> {
    SmallVector<Value> ivs(g.sizes.size(), e.index(0));
    for (auto [loop, iv] : llvm::zip(batchLoops, batch))
      ivs[loop] = iv;
    for (auto [loop, iv] : llvm::zip(side.loops, e.delinearize(at, side.extents)))
      ivs[loop] = iv;
    for (auto [loop, iv] : llvm::zip(g.reductionLoops, k))
      ivs[loop] = iv;
    Value v = e.load(g.inputs[side.input], e.apply(g.inputMaps[side.input], ivs));
    BlockArgument arg = g.body.getArgument(side.input);
    if (v.getType() == sumType)
      return {v};
    Operation *extend = *arg.user_begin();
    IRMapping mapping;
    mapping.map(arg, v);
    return {b.clone(*extend, mapping)->getResult(0)};
  };
  if (!valid)
    return read().front();
  return e.choose(valid, sumType, read, [&] { return SmallVector<Value>{e.zero(sumType)}; }).front();
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
  auto isWhole = [](ArrayRef<Extent> extents, int64_t tile) {
    return llvm::all_of(extents, [](Extent extent) { return extent.isFixed(); }) && estimate(extents) % tile == 0;
  };
  Value k = e.add(k0, depth);
  Value validK = isWhole(kExtents, kDepth) ? Value() : e.less(k, kSize);
  bool wholeSide = isWhole(side.extents, side.quads * kLanes);
  SmallVector<Value> kIvs = e.delinearize(k, kExtents), lanes;
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    Value at = e.add(side.first, e.add(e.mul(quad, e.index(kLanes)), e.index(lane)));
    Value valid = wholeSide ? validK : e.both(validK, e.less(at, side.size));
    lanes.push_back(element(side, batch, at, kIvs, valid));
  }
  Value packed = vector::FromElementsOp::create(e.b, e.loc, VectorType::get(kLanes, sumType), lanes);
  memref::StoreOp::create(e.b, e.loc, packed, side.tile, ValueRange{depth, quad});
}

/// One k: a thread's vector of x's times each of its y's.
void ContractionEmitter::multiplyTile(Value k, SmallVectorImpl<Value> &sums) {
  OpBuilder &b = e.b;
  auto vec = VectorType::get(kLanes, sumType);
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
  auto vec = VectorType::get(kLanes, sumType);
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
        auto storeLane = [&](Value lane, OpFoldResult position) {
          Value sum = vector::ExtractOp::create(e.b, e.loc, sums[r * columns + c], position);
          storeElement(batch, yIvs, e.delinearize(e.add(firstX, lane), x.extents), sum);
        };
        if (e.options.unrollLanes) {
          for (int64_t lane = 0; lane < kLanes; ++lane)
            e.when(e.less(e.add(firstX, e.index(lane)), x.size), [&] { storeLane(e.index(lane), e.b.getIndexAttr(lane)); });
          continue;
        }
        Value lanes = e.minimum(e.sub(x.size, e.minimum(firstX, x.size)), e.index(kLanes));
        e.loop(e.index(0), lanes, e.index(1), ValueRange(), [&](Value lane, ValueRange) {
          storeLane(lane, OpFoldResult(lane));
          return SmallVector<Value>();
        });
      }
    });
  }
}

void ContractionEmitter::storeElement(ArrayRef<Value> batch, ArrayRef<Value> yIvs, ArrayRef<Value> xIvs, Value sum) {
  SmallVector<Value> ivs(g.sizes.size(), e.index(0));
  auto set = [&](ArrayRef<unsigned> loops, ArrayRef<Value> values) {
    for (auto [loop, iv] : llvm::zip(loops, values))
      ivs[loop] = iv;
  };
  set(batchLoops, batch);
  set(y.loops, yIvs);
  set(x.loops, xIvs);
  SmallVector<Value> at = e.apply(g.outputMaps[0], ivs);
  if (g.initRead[0]) {
    Value before = e.load(g.inits[0], at);
    sum = sumType.isF32() ? arith::AddFOp::create(e.b, e.loc, before, sum).getResult()
                          : arith::AddIOp::create(e.b, e.loc, before, sum).getResult();
  }
  e.store(sum, g.outputs[0], at);
}

LogicalResult ContractionEmitter::run() {
  auto vec = VectorType::get(kLanes, sumType);
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
  return success();
}
