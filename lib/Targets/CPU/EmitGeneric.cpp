// linalg.generic: elementwise loops, reductions, gathers.
//
// Loops are collapsed where every operand allows it, then one loop is vectorised: the innermost parallel one (reductions run
// inside it, accumulators in registers), or the innermost reduction (several partial accumulators, combined at the end).
#include "KernelEmitter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

#include <numeric>

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace laic::cpu {

class GenericEmitter {
public:
  GenericEmitter(KernelEmitter &e, linalg::GenericOp op) : e(e), op(op), body(op.getRegion().front()) {}
  LogicalResult run();

private:
  /// How two partial results of an output become one, for vectorised reductions: an operation, or the maximum (minimum) as compare and
  /// select say it.
  struct Combiner {
    Operation *op = nullptr;
    std::optional<arith::CmpFPredicate> prefers; // the partial result that is greater (less)
    bool keepsNaN = false;
  };

  LogicalResult gather();
  void simplify();
  bool mergeable(unsigned d) const;
  void eraseLoop(unsigned d);
  void chooseVectorLoop();
  bool recogniseCombiners();
  bool isLong() const;
  bool smooth(unsigned d) const;
  int64_t chooseLanes(const Size &size) const;
  int64_t unitOfWork() const;
  bool callsMath() const;
  SmallVector<int64_t> narrowerThan(int64_t lanes, std::optional<int64_t> rest) const;
  LaneValue indexOf(unsigned dim, int64_t lanes);
  FailureOr<SmallVector<LaneValue>> compute(ArrayRef<LaneValue> accumulators, int64_t lanes, Value mask);
  void parallelNest(unsigned at, ArrayRef<Value> lo, ArrayRef<Value> hi);
  void vectorStrip(Value lo, Value hi);
  void point(Value start, int64_t count, int64_t lanes, Value mask);
  SmallVector<Value> reduceLoops(unsigned at, int64_t count, int64_t lanes, Value mask, Value start, ValueRange carried);
  void vectorReduction();
  SmallVector<Value> sweepReduction(unsigned at, ValueRange carried);
  Value combine(unsigned output, Value x, Value y);
  Value horizontal(unsigned output, Value v, ArrayRef<Value> narrower);
  TypedAttr neutralElement(const Combiner &combiner, Type type);

  KernelEmitter &e;
  linalg::GenericOp op;
  Block &body;
  SmallVector<Size> sizes;
  SmallVector<bool> reduction;
  SmallVector<int> loopOf; // original dim -> loop, -1: size 1
  SmallVector<Access> inputs, outputs, inits;
  SmallVector<unsigned> parallelLoops, reductionLoops; // emission order; a vectorised loop is the last of its kind
  int candidate = -1; // the loop that a level may vectorise, whichever level it is: tiles depend on it alone
  int vectorLoop = -1;
  bool vectorisesReduction = false;
  int64_t lanes = 0, flight = 1;
  int64_t tileStep = 1;              // tiles cut the candidate at multiples of this
  SmallVector<LaneValue> unchanging; // per input, where it is the same all along the vectorised loop
  bool readsByIndex = false, usesIndex = false;
  bool hasLongSums = false;        // of floats, and nothing else
  SmallVector<Combiner> combiners; // per output
  SmallVector<int64_t> tails;      // of a vectorised reduction: the widths of what whole vectors leave, widest first
  SmallVector<Value> ivs;          // current position, per loop
  bool broken = false;
};

} // namespace laic::cpu

LogicalResult GenericEmitter::gather() {
  unsigned loops = op.getNumLoops();
  sizes.assign(loops, Size(-1));
  for (utils::IteratorType type : op.getIteratorTypesArray())
    reduction.push_back(type == utils::IteratorType::reduction);
  auto learnSizes = [&](Value tensor, AffineMap map) {
    SmallVector<Size> dims = e.sizesOf(tensor);
    if (dims.size() != map.getNumResults())
      return;
    for (auto [dim, expr] : llvm::zip(dims, map.getResults())) {
      auto position = dyn_cast<AffineDimExpr>(expr);
      if (!position)
        continue;
      Size &size = sizes[position.getPosition()];
      if (size.is(-1) || (!size.isStatic() && dim.isStatic()))
        size = dim;
      else
        e.unify(size, dim);
    }
  };
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (auto [i, init] : llvm::enumerate(op.getDpsInits())) {
    Buffer result = e.resultBuffer(op->getResult(i));
    if (result.memref)
      learnSizes(op->getResult(i), maps[op.getNumDpsInputs() + i]);
    else
      learnSizes(init, maps[op.getNumDpsInputs() + i]);
  }
  for (auto [i, input] : llvm::enumerate(op.getDpsInputs()))
    if (isa<RankedTensorType>(input.getType()))
      learnSizes(input, maps[i]);
  // Inputs that are empty tensors give window sizes (pooling).
  for (auto [i, input] : llvm::enumerate(op.getDpsInputs()))
    if (auto empty = input.getDefiningOp<tensor::EmptyOp>())
      for (auto [size, expr] : llvm::zip(empty.getMixedSizes(), maps[i].getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(expr); dim && sizes[dim.getPosition()].is(-1)) {
          auto dynamic = dyn_cast<Value>(size);
          sizes[dim.getPosition()] = dynamic ? e.sizeOfIndex(dynamic) : Size(*getConstantIntValue(size));
        }
  if (e.rows) {
    for (unsigned loop : e.rows->loops)
      sizes[loop] = 1;
    sizes[e.rows->loops.back()] = e.rows->count;
  }
  for (Size &size : sizes) {
    if (size.is(-1))
      return e.fail("a loop of its linalg.generic has no size");
    size = e.canonical(size);
  }
  for (auto [i, input] : llvm::enumerate(op.getDpsInputs())) {
    bool unused = body.getArgument(i).use_empty();
    if (!unused && input.getDefiningOp<tensor::EmptyOp>())
      return e.fail("it reads an uninitialised tensor");
    if (unused) { // gives sizes only; a constant may have been folded into the body
      Access none;
      none.coefficients.resize(loops);
      none.scalar = e.zero(body.getArgument(i).getType());
      inputs.push_back(none);
      continue;
    }
    FailureOr<Access> access = e.accessOf(input, maps[i], loops);
    if (failed(access))
      return e.fail("operand " + llvm::Twine(i) + " of its linalg.generic is neither an argument nor a constant");
    inputs.push_back(*access);
  }
  for (auto [i, init] : llvm::enumerate(op.getDpsInits())) {
    AffineMap map = maps[op.getNumDpsInputs() + i];
    Access output;
    output.coefficients.resize(loops);
    if (e.resultBuffer(op->getResult(i)).memref) {
      FailureOr<Access> access = e.accessOf(op->getResult(i), map, loops);
      if (failed(access) || access->nonLinear)
        return e.fail("a result's indexing map divides");
      output = *access;
    }
    outputs.push_back(output);
    Access from;
    from.coefficients.resize(loops);
    bool read = !body.getArgument(op.getNumDpsInputs() + i).use_empty();
    if (init.getDefiningOp<tensor::EmptyOp>()) {
      from.scalar = e.zero(body.getArgument(op.getNumDpsInputs() + i).getType());
    } else if (read || llvm::is_contained(reduction, true)) {
      FailureOr<Access> access = e.accessOf(init, map, loops);
      if (failed(access))
        return e.fail("an initial value is neither an argument nor a constant");
      from = *access;
    } else {
      from.scalar = e.zero(body.getArgument(op.getNumDpsInputs() + i).getType());
    }
    inits.push_back(from);
  }
  loopOf.resize(loops);
  std::iota(loopOf.begin(), loopOf.end(), 0);
  body.walk([&](Operation *inner) {
    readsByIndex |= isa<tensor::ExtractOp, CheckIndexOp>(inner);
    usesIndex |= isa<linalg::IndexOp>(inner);
  });
  return success();
}

void GenericEmitter::eraseLoop(unsigned d) {
  sizes.erase(sizes.begin() + d);
  reduction.erase(reduction.begin() + d);
  for (SmallVector<Access> *list : {&inputs, &outputs, &inits})
    for (Access &access : *list)
      access.coefficients.erase(access.coefficients.begin() + d);
  for (int &loop : loopOf)
    loop = loop == int(d) ? -1 : loop > int(d) ? loop - 1 : loop;
}

// Loops d and d + 1 walk every operand like one loop.
bool GenericEmitter::mergeable(unsigned d) const {
  if (reduction[d] != reduction[d + 1])
    return false;
  bool indexed = false;
  body.walk([&](linalg::IndexOp index) {
    int loop = loopOf[index.getDim()];
    indexed |= loop == int(d) || loop == int(d + 1);
  });
  if (indexed)
    return false;
  for (const SmallVector<Access> *list : {&inputs, &outputs, &inits})
    for (const Access &access : *list) {
      if (access.isScalar())
        continue;
      if (access.nonLinear)
        return false;
      const Linear &outer = access.coefficients[d], &inner = access.coefficients[d + 1];
      if (isZero(outer) && isZero(inner))
        continue;
      if (outer.size() != 1 || inner.size() != 1 || e.canonical(outer[0]) != e.canonical(inner[0] * sizes[d + 1]))
        return false;
    }
  return true;
}

void GenericEmitter::simplify() {
  bool nonLinear = false;
  for (Access &access : inputs)
    nonLinear |= bool(access.nonLinear);
  if (nonLinear)
    return; // such maps speak of the original loops
  for (unsigned d = sizes.size(); d-- > 0;)
    if (sizes[d].is(1))
      eraseLoop(d);
  for (unsigned d = sizes.size(); d-- > 1;)
    if (mergeable(d - 1)) {
      Size merged = sizes[d - 1] * sizes[d];
      eraseLoop(d - 1);
      sizes[d - 1] = merged;
    }
}

// Every input is read with unit stride along the loop, or does not change.
bool GenericEmitter::smooth(unsigned d) const {
  return llvm::all_of(inputs,
                      [&](const Access &a) { return a.isScalar() || isZero(a.coefficients[d]) || isOne(a.coefficients[d]); });
}

/// select(x > accumulator, x, accumulator), or with "less": which x is taken.
static std::optional<arith::CmpFPredicate> matchPreference(arith::SelectOp select, BlockArgument accumulator) {
  auto wins = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  if (!wins || select.getFalseValue() != accumulator || select.getTrueValue() == accumulator)
    return std::nullopt;
  Value x = select.getTrueValue();
  arith::CmpFPredicate greater = arith::CmpFPredicate::OGT, less = arith::CmpFPredicate::OLT, said = wins.getPredicate();
  if (said != greater && said != less)
    return std::nullopt;
  if (wins.getLhs() == x && wins.getRhs() == accumulator)
    return said;
  if (wins.getLhs() == accumulator && wins.getRhs() == x)
    return said == greater ? less : greater;
  return std::nullopt;
}

/// select(x != x, x, select(x > accumulator, x, accumulator)): the greatest one, or NaN where there is one.
static std::optional<arith::CmpFPredicate> matchExtremum(arith::SelectOp outer, BlockArgument accumulator) {
  auto isNaN = outer ? outer.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  auto inner = outer ? outer.getFalseValue().getDefiningOp<arith::SelectOp>() : arith::SelectOp();
  if (!isNaN || !inner || isNaN.getPredicate() != arith::CmpFPredicate::UNO)
    return std::nullopt;
  Value x = outer.getTrueValue();
  bool keeps = isNaN.getLhs() == x && isNaN.getRhs() == x && inner.getTrueValue() == x;
  return keeps ? matchPreference(inner, accumulator) : std::nullopt;
}

bool GenericEmitter::recogniseCombiners() {
  combiners.clear();
  for (auto [i, yielded] : llvm::enumerate(body.getTerminator()->getOperands())) {
    BlockArgument accumulator = body.getArgument(op.getNumDpsInputs() + i);
    Operation *combiner = yielded.getDefiningOp();
    auto select = dyn_cast_or_null<arith::SelectOp>(combiner);
    bool readTwice = llvm::range_size(accumulator.getUses()) == 2; // by a compare and a select
    if (auto predicate = matchExtremum(select, accumulator); predicate && readTwice) {
      combiners.push_back({combiner, predicate, /*keepsNaN=*/true});
      continue;
    }
    if (auto predicate = matchPreference(select, accumulator); predicate && readTwice) {
      combiners.push_back({combiner, predicate, /*keepsNaN=*/false});
      continue;
    }
    if (!combiner || !accumulator.hasOneUse() || *accumulator.user_begin() != combiner || combiner->getBlock() != &body ||
        !isa<arith::AddFOp, arith::AddIOp, arith::MulFOp, arith::MulIOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
             arith::MinNumFOp, arith::MaxSIOp, arith::MaxUIOp, arith::MinSIOp, arith::MinUIOp, arith::AndIOp, arith::OrIOp,
             arith::XOrIOp>(combiner))
      return false;
    combiners.push_back({combiner, std::nullopt, false});
  }
  return true;
}

int64_t GenericEmitter::chooseLanes(const Size &size) const {
  unsigned widest = 1;
  auto see = [&](Type type) {
    if (type.isIntOrFloat())
      widest = std::max(widest, type.getIntOrFloatBitWidth() / 8);
  };
  for (BlockArgument arg : body.getArguments())
    see(arg.getType());
  for (Operation &inner : body)
    for (Type type : inner.getResultTypes())
      see(type);
  constexpr unsigned kString = 16; // bytes of an element that no vector instruction reads by lane
  if (widest >= kString)
    return 0;
  int64_t lanes = e.level.vectorBytes / std::min(widest, 4u);
  bool masked = e.level.masks && !readsByIndex;
  if (size.isStatic() && !masked)
    while (lanes > 4 && lanes > size.factor)
      lanes /= 2;
  return size.isStatic() && size.factor < (masked ? 3 : lanes) ? 0 : lanes;
}

// More terms than a piece has, and so many in the innermost loop that starting anew with it is no work.
bool GenericEmitter::isLong() const {
  constexpr int64_t kUnknown = KernelEmitter::kPiece + 1, kWorthIt = 16;
  int64_t terms = 1;
  for (unsigned d : reductionLoops)
    terms *= sizes[d].estimate(kUnknown);
  return terms > KernelEmitter::kPiece && sizes[reductionLoops.back()].estimate(kUnknown) >= kWorthIt;
}

void GenericEmitter::chooseVectorLoop() {
  for (unsigned d = 0; d < sizes.size(); ++d)
    (reduction[d] ? reductionLoops : parallelLoops).push_back(d);
  for (unsigned d : parallelLoops)
    if (llvm::all_of(outputs, [&](const Access &a) { return !a.buffer.memref || isOne(a.coefficients[d]); }) &&
        llvm::all_of(inits, [&](const Access &a) { return a.isScalar() || isOne(a.coefficients[d]); }))
      candidate = d;
  bool anyNonLinear = llvm::any_of(inputs, [](const Access &a) { return bool(a.nonLinear); });
  if (anyNonLinear)
    candidate = -1;
  if (candidate >= 0) {
    llvm::erase(parallelLoops, unsigned(candidate));
    parallelLoops.push_back(candidate);
  }
  int inner = reductionLoops.empty() ? -1 : int(reductionLoops.back());
  bool combines = inner >= 0 && recogniseCombiners();
  bool canReduce = combines && !anyNonLinear && smooth(inner) && !readsByIndex;
  hasLongSums = combines && isLong() && llvm::all_of(combiners, [](const Combiner &c) { return isa<arith::AddFOp>(c.op); });
  // Tiles are the same for all levels, so that one plan fits every blob: 64 is the most lanes that any level has.
  tileStep = candidate >= 0 && (smooth(candidate) || !canReduce) ? 64 : 1;
  int64_t parallelLanes = candidate >= 0 ? chooseLanes(sizes[candidate]) : 0;
  int64_t reductionLanes = canReduce ? chooseLanes(sizes[inner]) : 0;
  if (e.level.masks && reductionLanes && sizes[inner].isStatic() && sizes[inner].factor < reductionLanes)
    reductionLanes = sizes[inner].factor >= 8 ? 8 : sizes[inner].factor >= 4 ? 4 : 0;
  if (parallelLanes && (smooth(candidate) || !reductionLanes)) {
    vectorLoop = candidate;
    lanes = parallelLanes;
    flight = 4;
  } else if (reductionLanes) {
    vectorLoop = inner;
    vectorisesReduction = true;
    lanes = reductionLanes;
    flight = 4;
  }
  if (vectorLoop >= 0 && sizes[vectorLoop].isStatic())
    while (flight > 1 && sizes[vectorLoop].factor < flight * lanes)
      flight /= 2;
}

static bool isMath(Operation *op) { return op->getDialect() && op->getDialect()->getNamespace() == "math"; }

bool GenericEmitter::callsMath() const {
  return body.walk([](Operation *inner) { return isMath(inner) ? WalkResult::interrupt() : WalkResult::advance(); })
      .wasInterrupted();
}

// What whole vectors leave of a loop, `rest` elements where that is known, is done by vectors of these widths, widest first, before single
// elements: a row of 197 ends in 4 + 1. Where it is known only at run time, one width halves what is left.
SmallVector<int64_t> GenericEmitter::narrowerThan(int64_t lanes, std::optional<int64_t> rest) const {
  SmallVector<int64_t> widths;
  int64_t bytes = std::max<int64_t>(1, e.level.vectorBytes / lanes),
          least = std::max<int64_t>(2, 8 / bytes); // half a NEON register
  for (int64_t width = lanes / 2; width >= least; width /= 2)
    if (rest ? *rest & width : widths.empty())
      widths.push_back(width);
  return widths;
}

int64_t GenericEmitter::unitOfWork() const {
  int64_t cost = 1;
  body.walk([&](Operation *inner) { cost += isMath(inner) ? 8 : 0; });
  if (readsByIndex || candidate < 0)
    cost *= 8;
  for (unsigned d : reductionLoops)
    cost *= std::max<int64_t>(1, sizes[d].estimate(64));
  return cost;
}

LaneValue GenericEmitter::indexOf(unsigned dim, int64_t lanes) {
  int loop = loopOf[dim];
  Value index = loop < 0 ? e.index(0) : ivs[loop];
  if (e.rows)
    if (const unsigned *row = llvm::find(e.rows->loops, dim); row != e.rows->loops.end())
      index = e.add(index, row + 1 == e.rows->loops.end() ? e.rows->start : e.rows->at[row - e.rows->loops.begin()]);
  LaneValue value(index);
  value.iota = lanes != 0 && loop >= 0 && loop == vectorLoop;
  return value;
}

FailureOr<SmallVector<LaneValue>> GenericEmitter::compute(ArrayRef<LaneValue> accumulators, int64_t lanes, Value mask) {
  SmallVector<LaneValue> args;
  for (auto [i, access] : llvm::enumerate(inputs))
    args.push_back(body.getArgument(i).use_empty()                 ? LaneValue()
                   : i < unchanging.size() && unchanging[i].scalar ? unchanging[i]
                                                                   : e.loadLanes(access, ivs, vectorLoop, lanes, mask));
  llvm::append_range(args, accumulators);
  auto result = e.emitBody(body, args, [&](unsigned dim) { return indexOf(dim, lanes); }, lanes);
  broken |= failed(result);
  return result;
}

// Reduction loops around `count` neighbouring vectors (or one scalar) that start at `start` of the vectorised loop.
SmallVector<Value> GenericEmitter::reduceLoops(unsigned at, int64_t count, int64_t lanes, Value mask, Value start,
                                               ValueRange carried) {
  if (at == reductionLoops.size()) {
    SmallVector<Value> next;
    for (int64_t u = 0; u < count; ++u) {
      if (start)
        ivs[vectorLoop] = e.add(start, u * lanes);
      SmallVector<LaneValue> accumulators;
      for (unsigned o = 0; o < outputs.size(); ++o) {
        Value v = carried[u * outputs.size() + o];
        accumulators.push_back(lanes ? LaneValue::ofVector(v) : LaneValue(v));
      }
      auto results = compute(accumulators, lanes, mask);
      if (failed(results))
        return llvm::to_vector(carried);
      for (LaneValue &v : *results)
        next.push_back(lanes ? e.asVector(v, lanes) : v.scalar);
    }
    return next;
  }
  unsigned d = reductionLoops[at];
  Value size = e.value(sizes[d]);
  auto walk = [&](Value from, Value to, ValueRange carried) {
    return e.loop(from, to, 1, carried, [&](Value iv, ValueRange inner) {
      ivs[d] = iv;
      return reduceLoops(at + 1, count, lanes, mask, start, inner);
    });
  };
  if (at + 1 < reductionLoops.size() || !hasLongSums)
    return walk(e.index(0), size, carried);
  return e.loop(e.index(0), size, KernelEmitter::kPiece, carried, [&](Value from, ValueRange totals) {
    Value to = e.minimum(e.add(from, KernelEmitter::kPiece), size);
    return e.addPiece(totals, [&](ValueRange zeros) { return walk(from, to, zeros); });
  });
}

// Computes and stores `count` vectors (or one scalar, lanes 0) from `start` on.
void GenericEmitter::point(Value start, int64_t count, int64_t lanes, Value mask) {
  auto move = [&](int64_t u) {
    if (start)
      ivs[vectorLoop] = e.add(start, u * lanes);
  };
  if (reductionLoops.empty()) {
    for (int64_t u = 0; u < count; ++u) {
      move(u);
      SmallVector<LaneValue> before;
      for (auto [i, init] : llvm::enumerate(inits))
        before.push_back(body.getArgument(inputs.size() + i).use_empty() ? LaneValue()
                                                                         : e.loadLanes(init, ivs, vectorLoop, lanes, mask));
      auto results = compute(before, lanes, mask);
      if (failed(results))
        return;
      for (auto [value, output] : llvm::zip(*results, outputs))
        e.storeLanes(value, output, ivs, lanes, mask);
    }
    return;
  }
  SmallVector<Value> accumulators;
  for (int64_t u = 0; u < count; ++u) {
    move(u);
    for (const Access &init : inits) {
      LaneValue v = e.loadLanes(init, ivs, vectorLoop, lanes, mask);
      accumulators.push_back(lanes ? e.asVector(v, lanes) : v.scalar);
    }
  }
  accumulators = reduceLoops(0, count, lanes, mask, start, accumulators);
  for (int64_t u = 0; u < count; ++u) {
    move(u);
    for (auto [o, output] : llvm::enumerate(outputs)) {
      Value v = accumulators[u * outputs.size() + o];
      e.storeLanes(lanes ? LaneValue::ofVector(v) : LaneValue(v), output, ivs, lanes, mask);
    }
  }
}

// The vectorised parallel loop: several vectors at a time, then one, then the rest (masked, or element by element).
void GenericEmitter::vectorStrip(Value lo, Value hi) {
  if (vectorLoop < 0 || vectorisesReduction)
    return vectorisesReduction ? vectorReduction() : point(nullptr, 1, 0, nullptr);
  // What does not change along the loop is read before it: stores in the loop would make LLVM read it again.
  unchanging.assign(inputs.size(), LaneValue());
  for (auto [i, access] : llvm::enumerate(inputs))
    if (reductionLoops.empty() && !access.isScalar() && !access.nonLinear && isZero(access.coefficients[vectorLoop]) &&
        !body.getArgument(i).use_empty())
      unchanging[i] = e.load(access.buffer, e.address(access, ivs));
  std::optional<int64_t> from = e.constantOf(lo), to = e.constantOf(hi);
  auto strip = [&](Value from, int64_t count, int64_t lanes) {
    Value length = e.mul(e.floorDiv(e.sub(hi, from), count * lanes), count * lanes);
    Value stop = e.add(from, length);
    // One wide vector lets the instructions of several native ones mix; a store between them would keep them apart.
    bool wide = reductionLoops.empty() && !readsByIndex && smooth(vectorLoop);
    e.loop(from, stop, count * lanes,
           [&](Value iv) { wide ? point(iv, 1, count * lanes, nullptr) : point(iv, count, lanes, nullptr); });
    return stop;
  };
  Value at = strip(lo, flight, lanes);
  if (flight > 1)
    at = strip(at, 1, lanes);
  if (from && to && (*to - *from) % lanes == 0)
    return;
  if (tileStep % lanes == 0 && sizes[vectorLoop].isStatic() && sizes[vectorLoop].factor % lanes == 0)
    return;
  if (!e.level.masks || readsByIndex) {
    std::optional<int64_t> rest;
    if (from && to)
      rest = (*to - *from) % lanes;
    if (!readsByIndex && (rest || callsMath()))
      for (int64_t width : narrowerThan(lanes, rest))
        at = strip(at, 1, width);
    e.loop(at, hi, 1, [&](Value iv) { point(iv, 1, 0, nullptr); });
    return;
  }
  auto masked = [&] { point(at, 1, lanes, e.maskOf(e.sub(hi, at), lanes)); };
  if (from && to)
    return masked();
  e.when(e.less(at, hi), masked);
}

Value GenericEmitter::combine(unsigned output, Value x, Value y) {
  bool vector = isa<VectorType>(x.getType());
  LaneValue a = vector ? LaneValue::ofVector(x) : LaneValue(x), c = vector ? LaneValue::ofVector(y) : LaneValue(y);
  if (auto predicate = combiners[output].prefers) {
    Value wins = arith::CmpFOp::create(e.b, e.loc, *predicate, x, y);
    Value better = arith::SelectOp::create(e.b, e.loc, wins, x, y);
    if (!combiners[output].keepsNaN)
      return better;
    Value isNaN = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO, x, x);
    return arith::SelectOp::create(e.b, e.loc, isNaN, x, better);
  }
  LaneValue result = e.emitOp(combiners[output].op, {a, c}, vector ? cast<VectorType>(x.getType()).getNumElements() : 0);
  return vector ? result.vector : result.scalar;
}

// Halves the vector until one element is left; on the way it meets the narrower ones.
Value GenericEmitter::horizontal(unsigned output, Value v, ArrayRef<Value> narrower) {
  for (int64_t n = cast<VectorType>(v.getType()).getNumElements(); n > 1; n /= 2) {
    if (!narrower.empty() && narrower.front().getType() == v.getType()) {
      v = combine(output, narrower.front(), v);
      narrower = narrower.drop_front();
    }
    SmallVector<int64_t> low(n / 2), high(n / 2);
    std::iota(low.begin(), low.end(), 0);
    std::iota(high.begin(), high.end(), n / 2);
    v = combine(output, vector::ShuffleOp::create(e.b, e.loc, v, v, low), vector::ShuffleOp::create(e.b, e.loc, v, v, high));
  }
  return vector::ExtractOp::create(e.b, e.loc, v, 0);
}

TypedAttr GenericEmitter::neutralElement(const Combiner &combiner, Type type) {
  if (combiner.prefers)
    return FloatAttr::get(type, llvm::APFloat::getInf(cast<FloatType>(type).getFloatSemantics(),
                                                      /*Negative=*/*combiner.prefers == arith::CmpFPredicate::OGT));
  if (auto kind = arith::getNeutralElement(combiner.op))
    return *kind;
  return e.b.getZeroAttr(type);
}

// One element of the results: per output, `flight` partial vectors, one for each of the tails and one scalar are carried through the
// reduction loops.
void GenericEmitter::vectorReduction() {
  unsigned n = outputs.size();
  const Size &length = sizes[reductionLoops.back()];
  tails = narrowerThan(lanes, length.isStatic() ? std::optional<int64_t>(length.factor % lanes) : std::nullopt);
  SmallVector<Value> carried;
  auto neutral = [&](int64_t width) {
    for (unsigned o = 0; o < n; ++o) {
      Type type = combiners[o].op->getResult(0).getType();
      carried.push_back(e.splat(arith::ConstantOp::create(e.b, e.loc, neutralElement(combiners[o], type)), width));
    }
  };
  for (int64_t u = 0; u < flight; ++u)
    neutral(lanes);
  for (int64_t width : tails)
    neutral(width);
  for (const Access &init : inits)
    carried.push_back(e.loadLanes(init, ivs, -1, 0, nullptr).scalar);
  SmallVector<Value> sums = sweepReduction(0, carried);
  for (unsigned o = 0; o < n; ++o) {
    SmallVector<Value> parts, narrower;
    for (int64_t u = 0; u < flight; ++u)
      parts.push_back(sums[u * n + o]);
    for (size_t t = 0; t < tails.size(); ++t)
      narrower.push_back(sums[(flight + t) * n + o]);
    for (; parts.size() > 1; parts.resize(parts.size() / 2))
      for (size_t i = 0; i < parts.size() / 2; ++i)
        parts[i] = combine(o, parts[2 * i], parts[2 * i + 1]);
    Value total = combine(o, sums[sums.size() - n + o], horizontal(o, parts[0], narrower));
    e.storeLanes(LaneValue(total), outputs[o], ivs, 0, nullptr);
  }
}

SmallVector<Value> GenericEmitter::sweepReduction(unsigned at, ValueRange carried) {
  unsigned d = reductionLoops[at], n = outputs.size();
  Value size = e.value(sizes[d]);
  if (at + 1 < reductionLoops.size())
    return e.loop(e.index(0), size, 1, carried, [&](Value iv, ValueRange inner) {
      ivs[d] = iv;
      return sweepReduction(at + 1, inner);
    });
  auto step = [&](Value iv, MutableArrayRef<Value> state, int64_t width) {
    ivs[d] = iv;
    SmallVector<LaneValue> accumulators;
    for (Value v : state)
      accumulators.push_back(width ? LaneValue::ofVector(v) : LaneValue(v));
    auto results = compute(accumulators, width, nullptr);
    if (succeeded(results))
      for (auto [v, result] : llvm::zip(state, *results))
        v = width ? e.asVector(result, width) : result.scalar;
  };
  SmallVector<Value> state = llvm::to_vector(carried);
  // `count` neighbouring vectors at a time, whose accumulators are those from `first` on; width 0: single elements.
  auto strip = [&](Value from, size_t first, int64_t count, int64_t width) {
    int64_t stride = count * std::max<int64_t>(width, 1);
    Value stop = width ? e.add(from, e.mul(e.floorDiv(e.sub(size, from), stride), stride)) : size;
    MutableArrayRef<Value> part = MutableArrayRef<Value>(state).slice(first * n, count * n);
    SmallVector<Value> next = e.loop(from, stop, stride, part, [&](Value iv, ValueRange inner) {
      SmallVector<Value> current = llvm::to_vector(inner);
      for (int64_t u = 0; u < count; ++u)
        step(e.add(iv, u * stride / count), MutableArrayRef<Value>(current).slice(u * n, n), width);
      return current;
    });
    llvm::copy(next, part.begin());
    return stop;
  };
  Value stop = strip(e.index(0), 0, flight, lanes);
  if (flight > 1)
    stop = strip(stop, 0, 1, lanes);
  for (auto [t, width] : llvm::enumerate(tails))
    stop = strip(stop, flight + t, 1, width);
  strip(stop, flight + tails.size(), 1, 0);
  return state;
}

void GenericEmitter::parallelNest(unsigned at, ArrayRef<Value> lo, ArrayRef<Value> hi) {
  bool last = at + 1 == parallelLoops.size();
  if (at == parallelLoops.size() || (last && vectorLoop >= 0 && !vectorisesReduction))
    return vectorStrip(last ? lo[at] : Value(), last ? hi[at] : Value());
  e.loop(lo[at], hi[at], 1, [&](Value iv) {
    ivs[parallelLoops[at]] = iv;
    parallelNest(at + 1, lo, hi);
  });
}

LogicalResult GenericEmitter::run() {
  if (failed(gather()))
    return failure();
  simplify();
  chooseVectorLoop();
  ivs.assign(sizes.size(), e.index(0));
  SmallVector<Size> parallelSizes;
  for (unsigned d : parallelLoops)
    parallelSizes.push_back(sizes[d]);
  if (e.rows) {
    SmallVector<Value> lo(parallelSizes.size(), e.index(0));
    parallelNest(0, lo, llvm::map_to_vector(parallelSizes, [&](const Size &size) { return e.value(size); }));
    return failure(broken);
  }
  SmallVector<TileDim> dims = e.planTiles(parallelSizes, unitOfWork(), tileStep);
  e.tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) { parallelNest(0, lo, hi); });
  return failure(broken);
}

LogicalResult KernelEmitter::emitGeneric(linalg::GenericOp op) { return GenericEmitter(*this, op).run(); }
