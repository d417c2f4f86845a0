// laic.contract as a register tile: rows x vectors of accumulators that live through all reduction loops.
//
//   for outer dims, row blocks, panels of 32 columns (or panels first, where B is larger than A)
//     for row tiles:  acc[r][w] = 0;  for reductions: acc[r][w] += broadcast(A[r, k]) * B[k, w];  C = epilogue(acc)
//
// Bytes in groups of four along the reduction, and pairs of bf16, are multiplied by instructions that add neighbours up (EmitGroups.cpp).
//
// Vectors have the native width: wider ones make the register allocator spill. Tiles of work are the same for all levels.
#include "ContractEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/SaveAndRestore.h"

#include <numeric>

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

LogicalResult ContractEmitter::gather() {
  parallel = op.getParallel();
  AffineMap aMap = op.getAMap();
  unsigned total = aMap.getNumDims(), reductions = total - parallel;
  FailureOr<Access> accessA = e.accessOf(op.getA(), aMap, total);
  auto panels = op.getB().getDefiningOp<PanelsOp>();
  bool direct = panels && (!panels.getPacked() || (e.rows && e.rows->direct));
  FailureOr<Buffer> bufferB = e.bufferOf(op.getB());
  Buffer result = e.resultBuffer(cast<OpResult>(op.getC()));
  if (failed(accessA) || failed(bufferB) || !result.memref || accessA->nonLinear)
    return e.fail("an operand of its laic.contract is neither an argument nor a constant");
  a = *accessA;
  b = *bufferB;
  SmallVector<int64_t> batch(op.getBBatch());
  group = op.getGroup();
  size_t dimsOfB = batch.size() + 2 + reductions + (group != 1);
  if (b.sizes.size() != dimsOfB || result.sizes.size() != parallel)
    return e.fail("the packed operand of its laic.contract has " + llvm::Twine(b.sizes.size()) + " dims, not " +
                  llvm::Twine(dimsOfB));
  for (unsigned d = 0; d < total; ++d) {
    Loop loop;
    loop.access = d;
    loop.size = e.canonical(d < parallel ? result.sizes[d] : b.sizes[batch.size() + 1 + d - parallel]);
    if (d >= parallel)
      loop.b = b.stride(batch.size() + 1 + d - parallel);
    loops.push_back(loop);
  }
  for (auto [i, d] : llvm::enumerate(batch)) {
    loops[d].b = b.stride(i);
    int64_t all = op.getC().getType().getDimSize(d), own = op.getB().getType().getDimSize(i);
    if (all > 0 && own > 0) // known ones
      loops[d].shared = all / own;
  }
  for (Size &term : a.coefficients.back()) // from group to group
    term = term * Size(group);
  panelStride = b.stride(batch.size());
  panelTotal = b.sizes[batch.size()];
  if (direct && failed(readSource(panels, batch)))
    return failure();
  if (e.rows)
    for (auto [loop, at] : llvm::zip(e.rows->loops, e.rows->at)) {
      bStart = e.add(bStart ? bStart : e.index(0), batchOfB(loop, at));
      loops[loop].b.clear();
    }
  if (e.rows) {
    for (unsigned loop : e.rows->loops)
      loops[loop].size = 1;
    loops[e.rows->loops.back()].size = e.rows->count;
  }
  n = loops[parallel - 1].size;
  AffineMap toC = AffineMap::getMultiDimIdentityMap(total, e.context).getMajorSubMap(parallel);
  FailureOr<Access> accessC = e.accessOfResult(cast<OpResult>(op.getC()), toC, total);
  if (failed(accessC))
    return failure();
  c = *accessC;
  FailureOr<SmallVector<Access>> operands = e.epilogueOperands(op, op.getExtras(), op.getExtraMaps(), total);
  if (failed(operands))
    return failure();
  extras = *operands;
  accumulatorType = op.getEpilogue().front().getArgument(0).getType();
  integer = isa<IntegerType>(accumulatorType);
  depthwise = !isZero(a.coefficients[parallel - 1]);
  bool isGroup = integer ? group == kGroup : group == kPair && b.element.isBF16() && a.buffer.element.isF32();
  if (group != 1 && (!isGroup || depthwise || direct || e.rows))
    return e.fail("its laic.contract has groups of " + llvm::Twine(group) + " where there is no code for them");
  if (depthwise && !isOne(a.coefficients[parallel - 1]))
    return e.fail("its laic.contract reads A with a stride along the columns");
  return success();
}

// What iteration `iv` of a loop adds to the place in B.
Value ContractEmitter::batchOfB(unsigned loop, Value iv) {
  const Loop &batch = loops[loop];
  return e.mul(batch.shared == 1 ? iv : e.floorDiv(iv, batch.shared), e.value(batch.b));
}

// B as it lies in the source of its panels.
LogicalResult ContractEmitter::readSource(PanelsOp panels, ArrayRef<int64_t> batch) {
  FailureOr<Buffer> source = e.bufferOf(panels.getSource());
  if (failed(source))
    return e.fail("an operand is neither an argument nor a constant");
  SmallVector<Linear> strides(panels.getMap().getNumDims());
  for (auto [i, index] : llvm::enumerate(panels.getMap().getResults()))
    if (auto dim = dyn_cast<AffineDimExpr>(index))
      strides[dim.getPosition()] = source->stride(i);
  b = *source;
  for (auto [i, d] : llvm::enumerate(batch))
    loops[d].b = strides[i];
  for (unsigned d = parallel; d < loops.size(); ++d)
    loops[d].b = strides[batch.size() + 1 + d - parallel];
  columnStride = strides[batch.size()];
  panelStride.clear();
  for (const Size &term : columnStride)
    panelStride.push_back(term * Size(kPanel));
  return success();
}

void ContractEmitter::eraseLoop(unsigned d) {
  for (Access *access : {&a, &c})
    access->coefficients.erase(access->coefficients.begin() + d);
  for (Access &extra : extras)
    extra.coefficients.erase(extra.coefficients.begin() + d);
  if (c.nonLinear) { // the loop has one iteration
    unsigned dims = c.nonLinear.getNumDims();
    SmallVector<AffineExpr> left;
    for (unsigned i = 0; i < dims; ++i)
      left.push_back(i == d ? getAffineConstantExpr(0, e.context) : getAffineDimExpr(i - (i > d), e.context));
    c.nonLinear = c.nonLinear.replaceDimsAndSymbols(left, {}, dims - 1, 0);
  }
  loops.erase(loops.begin() + d);
  parallel -= d < parallel;
}

// Do two steps, `inner` taken `count` times before each `outer`, walk like one?
bool ContractEmitter::smooth(const Linear &outer, const Linear &inner, const Size &count) const {
  if (isZero(outer) && isZero(inner))
    return true;
  return outer.size() == 1 && inner.size() == 1 && e.canonical(outer[0]) == e.canonical(inner[0] * count);
}

// Loops x and y = x + 1 walk B and everything of C's shape like one loop.
bool ContractEmitter::smoothInC(unsigned x, unsigned y) const {
  const Size &count = loops[y].size;
  if (loops[x].shared != 1 || loops[y].shared != 1)
    return false;
  return smooth(c.coefficients[x], c.coefficients[y], count) && smooth(loops[x].b, loops[y].b, count) &&
         llvm::all_of(extras, [&](const Access &extra) {
           return extra.isScalar() || smooth(extra.coefficients[x], extra.coefficients[y], count);
         });
}

// The same for every operand.
bool ContractEmitter::mergeable(unsigned x, unsigned y) const {
  return smooth(a.coefficients[x], a.coefficients[y], loops[y].size) && smoothInC(x, y);
}

void ContractEmitter::simplify() {
  for (unsigned d = loops.size(); d-- > 0;)
    if (loops[d].size.is(1) && d != parallel - 1 && (group == 1 || d + 1 != loops.size())) // the last one says where groups lie
      eraseLoop(d);
  for (unsigned y = loops.size(); y-- > 1;) {
    if (y == parallel - 1 || y == parallel || !mergeable(y - 1, y))
      continue;
    Size merged = loops[y - 1].size * loops[y].size;
    eraseLoop(y - 1);
    loops[y - 1].size = merged;
  }
  // The longest one makes the fullest tiles; of equal ones the innermost. What only the call knows may well be a batch of one.
  constexpr int64_t kUnknown = 6;
  for (unsigned d = 0; d + 1 < parallel; ++d)
    if (!isZero(a.coefficients[d]) && isZero(loops[d].b) &&
        (rowLoop < 0 || loops[d].size.estimate(kUnknown) >= loops[rowLoop].size.estimate(kUnknown)))
      rowLoop = d;
}

// Where a row of A starts.
Value ContractEmitter::startOfRow(Value row, Value column) {
  if (rowLength == 0)
    return baseOf(a, row, column);
  Value line = e.floorDiv(row, rowLength), place = e.sub(row, e.mul(line, rowLength));
  Value start = e.add(baseOf(a, e.index(0), column), e.mul(line, e.value(lineStep)));
  return e.add(start, e.mul(place, e.value(a.coefficients[rowLoop])));
}

void ContractEmitter::placeRows(int64_t count, Value row) {
  rowOffsets.clear();
  for (int64_t r = 0; r < count; ++r)
    if (copiesRows())
      rowOffsets.push_back(e.index(r * rowPitch));
    else if (rowLength && r)
      rowOffsets.push_back(e.sub(startOfRow(e.add(row, r), e.index(0)), startOfRow(row, e.index(0))));
    else
      rowOffsets.push_back(r == 0 ? e.index(0) : e.mul(e.value(a.coefficients[rowLoop]), r));
}

void ContractEmitter::nest(unsigned at, ArrayRef<Value> lo, ArrayRef<Value> hi) {
  // Walks the ranges of one tile in the tile order; rows and panels are the two innermost whichever comes last.
  unsigned columns = parallel - 1;
  unsigned columnsAt = llvm::find(order, columns) - order.begin();
  SmallVector<unsigned> outer;
  for (unsigned i = 0; i < order.size(); ++i)
    if (order[i] != columns && int(order[i]) != rowLoop)
      outer.push_back(i);
  Value rowLo = e.index(0), rowHi = e.index(1);
  if (rowLoop >= 0) {
    unsigned rowsAt = llvm::find(order, unsigned(rowLoop)) - order.begin();
    rowLo = lo[rowsAt];
    rowHi = hi[rowsAt];
  }
  std::function<void(unsigned, bool, function_ref<void()>)> walk = [&](unsigned i, bool before, function_ref<void()> body) {
    while (i < outer.size() && (outer[i] < columnsAt) != before)
      ++i;
    if (i == outer.size())
      return body();
    e.loop(lo[outer[i]], hi[outer[i]], 1, [&](Value iv) {
      ivs[order[outer[i]]] = iv;
      walk(i + 1, before, body);
    });
  };
  auto block = [&](Value from, Value to) {
    panels(lo[columnsAt], hi[columnsAt],
           [&](Value panel, const Part &part) { walk(0, false, [&] { rows(from, to, panel, part); }); });
  };
  walk(0, true, [&] {
    if (onTiles())
      return walk(0, false, [&] { rowsOnTiles(rowLo, rowHi, lo[columnsAt], hi[columnsAt]); });
    if (depthBlocks == 1 || oneRow)
      return block(rowLo, rowHi);
    // A call may be given several row blocks; the workspace has room for the sums of one.
    e.loop(rowLo, rowHi, rowsOfBlock(), [&](Value from) { block(from, e.minimum(e.add(from, rowsOfBlock()), rowHi)); });
  });
}

// Splits a panel of `columns` columns (-1: not known, from `left`) into what one tile is wide.
void ContractEmitter::parts(Value panel, int64_t columns, function_ref<void(Value, const Part &)> body) {
  if (copiesRows()) // the tile cuts the panel
    return body(panel, Part{0, lanes, kPanel / lanes, columns, nullptr, 1, nullptr});
  if (depthBlocks == 1 || oneRow)
    return cut(panel, columns, body);
  Value zero = e.zero(VectorType::get(lanes, accumulatorType));
  e.loop(e.index(0), e.index(rowsOfBlock() * kPanel), lanes, [&](Value at) { e.storeVector(zero, sums, at); });
  e.loop(e.index(0), e.index(depthBlocks), 1, [&](Value block) {
    depthBlock = block;
    cut(panel, columns, body);
    depthBlock = nullptr;
  });
}

void ContractEmitter::cut(Value panel, int64_t columns, function_ref<void(Value, const Part &)> body) {
  int64_t width = lanes * vectors;
  for (int64_t offset = 0; offset < kPanel && (columns < 0 || offset < columns); offset += width) {
    Part part{offset, lanes, vectors, -1, nullptr, 1, nullptr};
    if (columns < 0) {
      part.left = e.sub(e.value(n), e.add(e.mul(panel, kPanel), offset));
      e.when(e.less(e.index(0), part.left), [&] { body(panel, part); });
      continue;
    }
    int64_t here = std::min(columns - offset, width);
    if (here == width) {
      body(panel, part);
      continue;
    }
    if (!depthwise || e.level.masks) {
      part.vectors = llvm::divideCeil(here, lanes);
      part.columns = here % lanes || !e.level.masks ? here : -1;
      if (here == part.vectors * lanes)
        part.columns = -1;
      body(panel, part);
      continue;
    }
    // Vectors of A must not reach beyond its end: ever narrower ones.
    for (int64_t done = 0, narrow = lanes; done < here; narrow /= 2)
      for (; here - done >= narrow; done += narrow)
        body(panel, Part{offset + done, narrow, 1, -1, nullptr, 1, nullptr});
  }
}

void ContractEmitter::panels(Value lo, Value hi, function_ref<void(Value, const Part &)> body) {
  if (!n.isStatic()) {
    Value full = e.minimum(hi, e.floorDiv(e.value(n), kPanel));
    e.loop(lo, full, 1, [&](Value panel) { parts(panel, kPanel, body); });
    return e.when(e.less(full, hi), [&] {
      Value last = e.sub(hi, e.index(1));
      parts(last, -1, body);
    });
  }
  int64_t full = n.factor / kPanel, rest = n.factor % kPanel;
  Value stop = rest ? e.minimum(hi, e.index(full)) : hi;
  int64_t sumsTogether = corrects() ? kOneRowVectors / 2 : kOneRowVectors;
  int64_t together = oneRow ? sumsTogether / vectors : 1; // panels, so that enough sums are under way
  if (full >= together && together > 1) {
    Value whole = e.add(lo, e.mul(e.floorDiv(e.sub(stop, lo), together), together));
    auto several = [&](Value panel, const Part &part) {
      Part wide = part;
      wide.panels = together;
      body(panel, wide);
    };
    e.loop(lo, whole, together, [&](Value panel) { parts(panel, kPanel, several); });
    e.loop(whole, stop, 1, [&](Value panel) { parts(panel, kPanel, body); });
  } else if (full) {
    e.loop(lo, stop, 1, [&](Value panel) { parts(panel, kPanel, body); });
  }
  if (!rest)
    return;
  if (full == 0)
    return parts(e.index(0), rest, body);
  e.when(e.less(e.index(full), hi), [&] { parts(e.index(full), rest, body); });
}

void ContractEmitter::rows(Value lo, Value hi, Value panel, const Part &part) {
  if (rowLoop < 0 || oneRow)
    return tile(1, rowLoop < 0 ? Value() : lo, panel, part);
  const Size &m = loops[rowLoop].size;
  int64_t block = rowsOfBlock();
  firstRow = lo;
  Value length = e.sub(hi, lo);
  Value stop = e.add(lo, e.mul(e.floorDiv(length, tileRows), tileRows));
  e.loop(lo, stop, tileRows, [&](Value row) { tile(tileRows, row, panel, part); });
  std::optional<int64_t> first = e.constantOf(stop), last = e.constantOf(hi);
  if (first && last) {
    if (*first < *last)
      tile(*last - *first, stop, panel, part);
    return;
  }
  if (m.isStatic() && block % tileRows == 0) {
    if (int64_t rest = m.factor % tileRows)
      e.when(e.less(stop, hi), [&] { tile(rest, stop, panel, part); });
    return;
  }
  Value rest = e.sub(hi, stop), at = stop;
  // What is left is a multiple of the rows that all batches, blocks and tiles have in common; of those, the power of two says which counts
  // it never needs.
  int64_t unit = std::gcd(std::gcd(m.factor, block), tileRows);
  unit &= -unit;
  for (int64_t count = llvm::bit_floor(uint64_t(std::max<int64_t>(tileRows - 1, 1))); count >= 1; count /= 2) {
    if (count >= tileRows || count % unit)
      continue;
    Value bit = arith::AndIOp::create(e.b, e.loc, rest, e.index(count));
    e.when(e.less(e.index(0), bit), [&] { tile(count, at, panel, part); });
    at = e.add(at, bit);
  }
}

SmallVector<Value> ContractEmitter::positions(Value row, Value column) const {
  SmallVector<Value> at = ivs;
  if (rowLoop >= 0)
    at[rowLoop] = row;
  at[parallel - 1] = column;
  for (unsigned d = parallel; d < loops.size(); ++d)
    at[d] = e.index(0);
  return at;
}

Value ContractEmitter::baseOf(const Access &access, Value row, Value column) { return e.address(access, positions(row, column)); }

void ContractEmitter::tile(int64_t count, Value row, Value panel, const Part &part) {
  if (!copiesRows())
    return sumUp(count, row, panel, part);
  fillGroupRows(e.index(count), row);
  int64_t width = lanes * vectors;
  auto some = [&](Value panel, Part here) {
    here.panels = part.panels;
    sumUp(count, row, panel, here);
  };
  if (part.columns != kPanel || width == kPanel)
    return cut(panel, part.columns, some);
  e.loop(e.index(0), e.index(kPanel), width, [&](Value shift) {
    Part here{0, lanes, vectors, -1, nullptr, 1, nullptr};
    here.shift = shift;
    some(panel, here);
  });
}

// Where the columns of a panel from `offset` on start in B.
Value ContractEmitter::startInB(Value panel, int64_t offset) {
  Value start = e.add(e.mul(panel, e.value(panelStride)), offset * group);
  if (bStart)
    start = e.add(bStart, start);
  for (unsigned d = 0; d + 1 < parallel; ++d)
    if (!isZero(loops[d].b))
      start = e.add(start, batchOfB(d, ivs[d]));
  return start;
}

void ContractEmitter::sumUp(int64_t count, Value row, Value panel, const Part &part) {
  Value column = e.add(e.mul(panel, kPanel), part.offset);
  Value aBase = copiesRows() ? e.index(0) : startOfRow(row, depthwise ? column : e.index(0));
  placeRows(count, row);
  Value bBase = startInB(panel, part.offset);
  if (part.shift)
    bBase = e.add(bBase, e.mul(part.shift, group));
  Value zero = e.zero(VectorType::get(part.lanes, accumulatorType));
  int64_t vectors = part.vectors * part.panels;
  SmallVector<Value> accumulators((count + corrects()) * vectors, zero);
  if (aheadStep && !oneRow) {
    int64_t steps = stepsInside(parallel) * (depthBlock ? depth : loops[parallel].size.factor), width = lanes * vectors;
    int64_t tiles = rowsOfBlock() / tileRows;
    Value pass = e.add(e.floorDiv(e.sub(row, firstRow), tileRows), part.offset / width * tiles);
    ahead = e.add(e.mul(e.add(panel, 1), e.value(panelStride)), e.mul(pass, steps * aheadStep));
    if (depthBlock)
      ahead = e.add(ahead, e.mul(depthBlock, e.mul(e.value(loops[parallel].b), depth)));
  } else {
    ahead = nullptr;
  }
  if (depthBlock) {
    Value first = e.mul(depthBlock, depth);
    aBase = e.add(aBase, e.mul(first, stepOfA(parallel)));
    bBase = e.add(bBase, e.mul(first, e.value(loops[parallel].b)));
    auto place = [&](int64_t i) {
      Value at = e.add(e.mul(e.add(e.sub(row, firstRow), i / vectors), kPanel), part.offset + i % vectors * part.lanes);
      return at;
    };
    llvm::SaveAndRestore whole(loops[parallel].size, Size(depth));
    accumulators = reduceInPieces(parallel, count, part, aBase, bBase, accumulators);
    for (auto [i, sum] : llvm::enumerate(accumulators))
      sum = arith::AddFOp::create(e.b, e.loc, e.loadVector(sums, place(i), part.lanes), sum);
    Value last = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, depthBlock, e.index(depthBlocks - 1));
    auto branch = scf::IfOp::create(e.b, e.loc, last, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPoint(branch.elseBlock()->getTerminator());
    for (auto [i, sum] : llvm::enumerate(accumulators))
      e.storeVector(sum, sums, place(i));
    e.b.setInsertionPoint(branch.thenBlock()->getTerminator());
    return finish(count, row, panel, part, accumulators);
  }
  accumulators = reduceInPieces(parallel, count, part, aBase, bBase, accumulators);
  if (corrects())
    for (int64_t i = 0; i < count * vectors; ++i)
      accumulators[i] = arith::SubIOp::create(e.b, e.loc, accumulators[i], accumulators[count * vectors + i % vectors]);
  finish(count, row, panel, part, ArrayRef(accumulators).take_front(count * vectors));
}

// Long sums in pieces: the loop of which one piece takes some steps is cut, those around it are walked as they are.
SmallVector<Value> ContractEmitter::reduceInPieces(unsigned at, int64_t count, const Part &part, Value aBase, Value bBase,
                                                   ValueRange totals) {
  constexpr int64_t kPiece = KernelEmitter::kPiece;
  if (at == loops.size() || integer || depthwise)
    return reduce(at, count, part, aBase, bBase, totals);
  bool known = llvm::all_of(ArrayRef(loops).drop_front(at), [](const Loop &loop) { return loop.size.isStatic(); });
  int64_t inside = known ? stepsInside(at) : 1;
  if ((!known && at + 1 < loops.size()) || inside == 0)
    return reduce(at, count, part, aBase, bBase, totals);
  int64_t longest = std::max<int64_t>(kPiece / inside, 1);
  auto some = [&](Value k, const Size &length, ValueRange carried) {
    llvm::SaveAndRestore further(ahead, ahead ? e.add(ahead, e.mul(k, inside * aheadStep)) : ahead);
    Value a = e.add(aBase, e.mul(k, stepOfA(at))), b = e.add(bBase, e.mul(k, e.value(loops[at].b)));
    if (inside > kPiece)
      return reduceInPieces(at + 1, count, part, a, b, carried);
    llvm::SaveAndRestore shorter(loops[at].size, length);
    return e.addPiece(carried, [&](ValueRange zeros) { return reduce(at, count, part, a, b, zeros); });
  };
  if (!known) {
    Value size = e.value(loops[at].size), whole = e.mul(e.floorDiv(size, longest), longest);
    SmallVector<Value> state =
        e.loop(e.index(0), whole, longest, totals, [&](Value k, ValueRange carried) { return some(k, Size(longest), carried); });
    llvm::SaveAndRestore rest(sizeLeft, e.sub(size, whole));
    return some(whole, loops[at].size, state);
  }
  int64_t steps = loops[at].size.factor, pieces = llvm::divideCeil(steps, longest);
  if (pieces <= 1 && inside <= kPiece)
    return reduce(at, count, part, aBase, bBase, totals);
  int64_t length = inside > kPiece ? 1 : llvm::divideCeil(steps, pieces), whole = steps / length * length;
  SmallVector<Value> state = e.loop(e.index(0), e.index(whole), length, totals,
                                    [&](Value k, ValueRange carried) { return some(k, Size(length), carried); });
  return whole == steps ? state : some(e.index(whole), Size(steps - whole), state);
}

SmallVector<Value> ContractEmitter::reduce(unsigned at, int64_t count, const Part &part, Value aBase, Value bBase,
                                           ValueRange accumulators) {
  SmallVector<Value> state = llvm::to_vector(accumulators);
  if (at == loops.size()) {
    step(count, part, aBase, bBase, state);
    return state;
  }
  Loop loop = loops[at];
  Value aStep = stepOfA(at), bStep = e.value(loop.b), size = sizeLeft ? sizeLeft : e.value(loop.size);
  auto inner = [&](Value k, ValueRange carried) {
    llvm::SaveAndRestore restore(ahead, ahead ? e.add(ahead, e.mul(k, stepsInside(at) * aheadStep)) : ahead);
    return reduce(at + 1, count, part, e.add(aBase, e.mul(k, aStep)), e.add(bBase, e.mul(k, bStep)), carried);
  };
  bool innermost = at + 1 == loops.size();
  int64_t total = 1; // trips of this loop and those inside it
  for (unsigned d = at; d < loops.size(); ++d)
    total *= d == at ? loop.size.estimate(1 << 20) : loops[d].size.estimate(1 << 20);
  // LLVM adds the products of several steps to each other before it adds them to a sum of integers, and runs out of registers.
  int64_t sums = count * part.vectors * part.panels;
  bool stepByStep = group != 1 && integer && sums > 6;
  int64_t unroll = depthwise ? 50 : stepByStep ? 1 : 12; // small kernels are written out
  if (total <= unroll) {
    for (int64_t k = 0; k < loop.size.factor; ++k)
      state = inner(e.index(k), state);
    return state;
  }
  if (!innermost)
    return e.loop(e.index(0), size, 1, state, inner);
  int64_t by = depthwise || stepByStep ? 1 : sums <= 4 ? 8 : 4;
  Value stop = e.mul(e.floorDiv(size, by), by);
  state = e.loop(e.index(0), stop, by, state, [&](Value k, ValueRange carried) {
    SmallVector<Value> now = llvm::to_vector(carried);
    Value aAt = e.add(aBase, e.mul(k, aStep)), bAt = e.add(bBase, e.mul(k, bStep));
    if (ahead)
      e.prefetch(b, e.add(ahead, e.mul(k, aheadStep)), by * aheadStep);
    for (int64_t u = 0; u < by; ++u)
      step(count, part, e.add(aAt, e.mul(aStep, u)), e.add(bAt, e.mul(bStep, u)), now);
    return now;
  });
  if (std::optional<int64_t> done = e.constantOf(stop)) {
    for (int64_t k = *done; k < loop.size.factor; ++k)
      state = inner(e.index(k), state);
    return state;
  }
  return e.loop(stop, size, 1, state, inner);
}

Value ContractEmitter::widen(Value v, bool isUnsigned) {
  Type type = accumulatorType;
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    type = vector.clone(accumulatorType);
  if (v.getType() == type)
    return v;
  if (!integer)
    return arith::ExtFOp::create(e.b, e.loc, type, v);
  return isUnsigned ? arith::ExtUIOp::create(e.b, e.loc, type, v).getResult()
                    : arith::ExtSIOp::create(e.b, e.loc, type, v).getResult();
}

// One step of all reduction loops: `a` and `b` are linear positions of the first row and column.
void ContractEmitter::step(int64_t count, const Part &part, Value a, Value b, MutableArrayRef<Value> accumulators) {
  if (group != 1)
    return integer ? byteStep(count, part, a, b, accumulators) : brainStep(count, part, a, b, accumulators);
  SmallVector<Value> right;
  for (int64_t p = 0; p < part.panels; ++p)
    for (int64_t w = 0; w < part.vectors; ++w) {
      Value at = e.add(e.add(b, e.mul(e.value(panelStride), p)), w * part.lanes);
      right.push_back(widen(e.loadVector(this->b, at, part.lanes), op.getUnsignedB()));
    }
  for (int64_t r = 0; r < count; ++r) {
    Value at = e.add(a, rowOffsets[r]);
    Value left;
    if (depthwise) {
      Value mask;
      if (part.columns >= 0 || part.left)
        mask = e.maskOf(part.left ? part.left : e.index(part.columns), part.lanes);
      left = widen(e.loadVector(this->a.buffer, at, part.lanes, mask), op.getUnsignedA());
    } else {
      left = e.splat(widen(e.load(this->a.buffer, at), op.getUnsignedA()), part.lanes);
    }
    for (auto [w, vector] : llvm::enumerate(right)) {
      Value &sum = accumulators[r * right.size() + w];
      sum = e.multiplyAdd(left, vector, sum);
    }
  }
}

LaneValue ContractEmitter::epilogue(LaneValue accumulator, ArrayRef<Value> at, int64_t lanes, Value mask) {
  FailureOr<LaneValue> result =
      e.emitEpilogue(op.getEpilogue().front(), accumulator, extras, at, lanes ? int(parallel) - 1 : -1, lanes, mask);
  broken |= failed(result);
  return succeeded(result) ? *result : accumulator;
}

void ContractEmitter::finish(int64_t count, Value row, Value panel, const Part &part, ArrayRef<Value> accumulators) {
  bool partial = part.columns >= 0 || part.left;
  if (partial && !e.level.masks)
    return finishByElement(count, row, e.add(e.mul(panel, kPanel), part.offset), part, accumulators);
  for (int64_t p = 0; p < part.panels; ++p)
    for (int64_t w = 0; w < part.vectors; ++w) {
      int64_t offset = part.offset + w * part.lanes;
      Value column = e.add(e.mul(e.add(panel, p), kPanel), offset);
      if (part.shift)
        column = e.add(column, part.shift);
      Value mask;
      if (part.left || (partial && part.columns < (w + 1) * part.lanes)) {
        Value left = part.left ? e.sub(part.left, e.index(w * part.lanes)) : e.index(part.columns - w * part.lanes);
        mask = e.maskOf(left, part.lanes);
      }
      SmallVector<LaneValue> results; // all before the first store: a store might change what a load must read again
      auto at = [&](int64_t r) { return positions(row ? e.add(row, r) : row, column); };
      for (int64_t r = 0; r < count; ++r)
        results.push_back(
            epilogue(LaneValue::ofVector(accumulators[(r * part.panels + p) * part.vectors + w]), at(r), part.lanes, mask));
      for (int64_t r = 0; r < count; ++r)
        e.storeLanes(results[r], c, at(r), part.lanes, mask);
    }
}

// Without masks the columns of a last, narrow panel pass through memory and are finished one by one.
void ContractEmitter::finishByElement(int64_t count, Value row, Value column, const Part &part, ArrayRef<Value> accumulators) {
  int64_t width = part.lanes * part.vectors;
  Value scratch;
  {
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPoint(e.entryEnd);
    scratch = memref::AllocaOp::create(e.b, e.loc, MemRefType::get({count * width}, accumulatorType), e.b.getI64IntegerAttr(64));
  }
  for (auto [i, accumulator] : llvm::enumerate(accumulators))
    vector::StoreOp::create(e.b, e.loc, accumulator, scratch, ValueRange{e.index(i * part.lanes)});
  Value columns = part.left ? e.minimum(part.left, e.index(width)) : e.index(part.columns);
  e.loop(e.index(0), e.index(count), 1, [&](Value r) {
    e.loop(e.index(0), columns, 1, [&](Value j) {
      Value sum = memref::LoadOp::create(e.b, e.loc, scratch, ValueRange{e.add(e.mul(r, width), j)});
      SmallVector<Value> at = positions(row ? e.add(row, r) : row, e.add(column, j));
      e.storeLanes(epilogue(LaneValue(sum), at, 0, nullptr), c, at, 0, nullptr);
    });
  });
}

void ContractEmitter::takeOneRow() {
  oneRow = true;
  tileRows = 1;
  vectors = kPanel / lanes;
}

// One row times the columns [from, to) of a matrix whose columns lie along the reduction: products of vectors, as many at a time as a
// vector has lanes.
void ContractEmitter::dotsOf(Value from, Value to) {
  Value aBase = baseOf(a, nullptr, e.index(0)), start = bStart ? bStart : e.index(0);
  for (unsigned d = 0; d + 1 < parallel; ++d)
    if (!isZero(loops[d].b))
      start = e.add(start, batchOfB(d, ivs[d]));
  Value stride = e.value(columnStride);
  auto sums = [&](Value column, int64_t count) {
    SmallVector<Value> zeros(count, e.zero(VectorType::get(lanes, accumulatorType)));
    Value first = e.add(start, e.mul(column, stride));
    auto part = [&](Value lo, Value hi, ValueRange carried) {
      return e.loop(lo, hi, lanes, carried, [&](Value k, ValueRange carried) {
        SmallVector<Value> now = llvm::to_vector(carried);
        Value left = e.loadVector(a.buffer, e.add(aBase, k), lanes);
        for (int64_t i = 0; i < count; ++i)
          now[i] = e.multiplyAdd(left, e.loadVector(b, e.add(e.add(first, e.mul(stride, i)), k), lanes), now[i]);
        return now;
      });
    };
    constexpr int64_t kPiece = KernelEmitter::kPiece;
    Value size = e.value(loops[parallel].size);
    if (loops[parallel].size.isStatic() && loops[parallel].size.factor <= kPiece * lanes)
      return part(e.index(0), size, zeros);
    return e.loop(e.index(0), size, kPiece * lanes, zeros, [&](Value k, ValueRange carried) {
      return e.addPiece(carried, [&](ValueRange zeros) { return part(k, e.minimum(e.add(k, kPiece * lanes), size), zeros); });
    });
  };
  auto finish = [&](Value column, Value sum, int64_t width) {
    SmallVector<Value> at = positions(nullptr, column);
    LaneValue value = width ? LaneValue::ofVector(sum) : LaneValue(sum);
    e.storeLanes(epilogue(value, at, width, nullptr), c, at, width, nullptr);
  };
  Value whole = e.add(from, e.mul(e.floorDiv(e.sub(to, from), lanes), lanes));
  e.loop(from, whole, lanes, [&](Value column) {
    SmallVector<Value> parts = e.transposeInRegisters(sums(column, lanes));
    for (; parts.size() > 1; parts.resize(parts.size() / 2))
      for (size_t i = 0; i < parts.size() / 2; ++i)
        parts[i] = arith::AddFOp::create(e.b, e.loc, parts[2 * i], parts[2 * i + 1]);
    finish(column, parts[0], lanes);
  });
  e.loop(whole, to, 1, [&](Value column) { finish(column, e.sumOfLanes(sums(column, 1)[0]), 0); });
}

// All rows that way: those of the laic.rows at hand, or in tiles of their own.
LogicalResult ContractEmitter::dots() {
  constexpr double kElement = 16; // multiply-adds that take as long as one element of a pass over memory
  rowLoop = -1;
  SmallVector<Size> sizes;
  for (const Loop &loop : ArrayRef(loops).take_front(parallel))
    sizes.push_back(loop.size);
  auto walk = [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
    std::function<void(unsigned)> nest = [&](unsigned d) {
      if (d + 1 == parallel)
        return dotsOf(lo[d], hi[d]);
      e.loop(lo[d], hi[d], 1, [&](Value iv) {
        ivs[d] = iv;
        nest(d + 1);
      });
    };
    nest(0);
  };
  if (e.rows)
    walk(SmallVector<Value>(parallel, e.index(0)), llvm::map_to_vector(sizes, [&](const Size &size) { return e.value(size); }));
  else
    e.tiles(e.planTiles(sizes, double(loops[parallel].size.estimate(256)) / kElement, kPanel), walk);
  return failure(broken);
}

// A single row of those whose number only the call knows has code of its own: decoders take such steps. `body` is for all others.
void ContractEmitter::branchOnRows(function_ref<void()> single, function_ref<void()> body) {
  Value rows = e.value(loops[rowLoop].size);
  Value isOne = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::eq, rows, e.index(1));
  auto branch = scf::IfOp::create(e.b, e.loc, isOne, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(branch.elseBlock()->getTerminator());
  body();
  e.b.setInsertionPoint(branch.thenBlock()->getTerminator());
  takeOneRow();
  single();
}

void ContractEmitter::tilesOfWork() {
  bool mayBeSingle = rowLoop >= 0 && !loops[rowLoop].size.isStatic() && loops[rowLoop].size.factor == 1 && !depthwise && !e.rows;
  auto walk = [&](ArrayRef<Value> lo, ArrayRef<Value> hi) { nest(0, lo, hi); };
  if (!mayBeSingle)
    return e.tiles(dims, walk);
  const unsigned *columns = llvm::find(order, parallel - 1);
  if (order.size() != 2)
    return e.tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) {
      auto here = [&] { walk(lo, hi); };
      branchOnRows(here, here);
    });
  // Rows and panels alone: tiles of a single row are panels that follow each other, so that several are read at a time.
  branchOnRows(
      [&] {
        const TileDim &panels = dims[columns - order.begin()];
        SmallVector<Value> lo(2, e.index(0)), hi(2, e.index(1));
        Value all = e.value(panels.size);
        bool whole = panels.isWhole();
        lo[columns - order.begin()] = whole ? e.index(0) : e.mul(e.begin, panels.block);
        hi[columns - order.begin()] = whole ? all : e.minimum(e.mul(e.end, panels.block), all);
        e.when(e.less(e.begin, e.end), [&] { walk(lo, hi); });
      },
      [&] { e.tiles(dims, walk); });
}

LogicalResult ContractEmitter::run() {
  if (failed(gather()))
    return failure();
  simplify();
  chooseTile();
  if (group != 1 && failed(planGroupRows()))
    return failure();
  planTiles();
  planDepth();
  planPrefetch();
  if (!depthwise && rowLoop < 0)
    takeOneRow();
  ivs.assign(loops.size(), e.index(0));
  if (depthwise && !e.level.masks && !n.isStatic())
    return e.fail("a depthwise convolution with a channel count that is unknown when compiling needs AVX-512");
  if (failed(e.fillBorder(op)))
    return failure();
  if (!isOne(columnStride))
    return dots();
  if (e.rows) {
    SmallVector<Value> lo(dims.size(), e.index(0));
    nest(0, lo, llvm::map_to_vector(dims, [&](const TileDim &dim) { return e.value(dim.size); }));
    return failure(broken);
  }
  tilesOfWork();
  return failure(broken);
}

LogicalResult KernelEmitter::emitContract(ContractOp op) { return ContractEmitter(*this, op).run(); }
