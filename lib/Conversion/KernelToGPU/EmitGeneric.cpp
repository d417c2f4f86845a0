// linalg.generic: a thread per element, or a workgroup per row that is reduced.
#include "ContractionEmitter.h"
#include "GenericEmitter.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace laic;
using namespace laic::gpu;

LogicalResult GenericEmitter::gather() {
  unsigned loops = op.getNumLoops();
  SmallVector<std::optional<Extent>> known(loops);
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto learn = [&](ArrayRef<Extent> dims, AffineMap map) {
    if (dims.size() != map.getNumResults())
      return;
    for (auto [dim, expr] : llvm::zip(dims, map.getResults())) {
      auto position = dyn_cast<AffineDimExpr>(expr);
      if (!position)
        continue;
      std::optional<Extent> &size = known[position.getPosition()];
      if (!size || (!size->isFixed() && dim.isFixed()))
        size = dim;
      else
        e.unify(*size, dim);
    }
  };
  for (unsigned i = 0; i < op.getNumDpsInits(); ++i)
    if (int number = e.resultNumber(op->getResult(i)); number >= 0)
      learn(e.resultOf(number).dims, maps[op.getNumDpsInputs() + i]);
  for (auto [i, input] : llvm::enumerate(op.getDpsInputs())) {
    if (FailureOr<Operand> operand = e.operandOf(input); succeeded(operand))
      learn(operand->dims, maps[i]);
    // Empty tensors give window sizes (pooling).
    if (auto empty = input.getDefiningOp<tensor::EmptyOp>())
      learn(llvm::map_to_vector(empty.getMixedSizes(),
                                [&](OpFoldResult size) {
                                  auto dynamic = dyn_cast<Value>(size);
                                  return dynamic ? e.extentOfIndex(dynamic) : Extent{*getConstantIntValue(size)};
                                }),
            maps[i]);
  }
  for (auto [i, type] : llvm::enumerate(op.getIteratorTypesArray()))
    (type == utils::IteratorType::reduction ? reductionLoops : parallelLoops).push_back(i);
  for (std::optional<Extent> &size : known) {
    if (!size)
      return e.fail("a loop of its linalg.generic has no size");
    sizes.push_back(e.canonical(*size));
  }
  return gatherOperands();
}

LogicalResult GenericEmitter::gatherOperands() {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  for (auto [i, input] : llvm::enumerate(op.getDpsInputs())) {
    inputMaps.push_back(maps[i]);
    if (body.getArgument(i).use_empty()) { // gives sizes only
      inputs.emplace_back();
      continue;
    }
    if (input.getDefiningOp<tensor::EmptyOp>())
      return e.fail("it reads an uninitialised tensor");
    FailureOr<Operand> operand = e.readOf(input);
    if (failed(operand))
      return e.fail("operand " + llvm::Twine(i) + " of its linalg.generic is neither an argument nor a constant");
    inputs.push_back(*operand);
  }
  for (auto [i, init] : llvm::enumerate(op.getDpsInits())) {
    int number = e.resultNumber(op->getResult(i));
    if (number < 0)
      return e.fail("a result of its linalg.generic is not returned");
    outputs.push_back(e.resultOf(number));
    outputMaps.push_back(maps[op.getNumDpsInputs() + i]);
    Operand from;
    bool read = !body.getArgument(op.getNumDpsInputs() + i).use_empty() && !init.getDefiningOp<tensor::EmptyOp>();
    if (read) {
      FailureOr<Operand> operand = e.readOf(init);
      if (failed(operand))
        return e.fail("an initial value is neither an argument nor a constant");
      from = *operand;
    }
    inits.push_back(from);
    initRead.push_back(read);
  }
  return invertOutput();
}

/// Threads run over the first output's elements: each of its indices must be one loop.
LogicalResult GenericEmitter::invertOutput() {
  space = outputs.front().dims;
  llvm::SmallBitVector seen(sizes.size());
  for (AffineExpr result : outputMaps.front().getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim || seen[dim.getPosition()])
      return e.fail("a result's indexing map is no permutation of its loops");
    seen.set(dim.getPosition());
    loopOfSpace.push_back(dim.getPosition());
  }
  if (loopOfSpace.size() != parallelLoops.size())
    return e.fail("a result's indexing map leaves a parallel loop out");
  return success();
}

bool GenericEmitter::recogniseCombiners() {
  combiners.clear();
  for (auto [i, yielded] : llvm::enumerate(body.getTerminator()->getOperands())) {
    BlockArgument accumulator = body.getArgument(op.getNumDpsInputs() + i);
    Operation *combiner = yielded.getDefiningOp();
    if (!combiner || !accumulator.hasOneUse() || *accumulator.user_begin() != combiner || combiner->getBlock() != &body ||
        combiner->getNumOperands() != 2 || !arith::getNeutralElement(combiner))
      return false;
    combiners.push_back(combiner);
  }
  return true;
}

FailureOr<SmallVector<Value>> GenericEmitter::loadInits(ArrayRef<Value> ivs) {
  SmallVector<Value> values;
  for (auto [init, map, read, output] : llvm::zip(inits, outputMaps, initRead, outputs))
    values.push_back(read ? flat ? e.loadFlat(init, ivs[0]) : e.load(init, e.apply(map, ivs)) : e.zero(output.element));
  return values;
}

FailureOr<SmallVector<Value>> GenericEmitter::compute(ArrayRef<Value> ivs, ValueRange accumulators) {
  SmallVector<Value> args;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (body.getArgument(i).use_empty())
      args.emplace_back();
    else if (flat || input.scalar)
      args.push_back(e.loadFlat(input, ivs.empty() ? Value() : ivs[0]));
    else
      args.push_back(e.load(input, e.apply(inputMaps[i], ivs)));
  }
  llvm::append_range(args, accumulators);
  auto values = e.emitBody(body, args, [&](unsigned dim) { return ivs[dim]; });
  broken |= failed(values);
  return values;
}

SmallVector<Value> GenericEmitter::reduce(unsigned at, SmallVector<Value> &ivs, ValueRange carried) {
  if (at == reductionLoops.size()) {
    auto values = compute(ivs, carried);
    return succeeded(values) ? *values : llvm::to_vector(carried);
  }
  unsigned d = reductionLoops[at];
  return e.loop(e.index(0), e.value(sizes[d]), e.index(1), carried, [&](Value iv, ValueRange inner) {
    ivs[d] = iv;
    return reduce(at + 1, ivs, inner);
  });
}

FailureOr<SmallVector<Value>> GenericEmitter::point(ArrayRef<Value> at) {
  SmallVector<Value> ivs(at);
  if (!flat) {
    ivs.assign(sizes.size(), e.index(0));
    for (auto [loop, iv] : llvm::zip(loopOfSpace, at))
      ivs[loop] = iv;
  }
  FailureOr<SmallVector<Value>> values = loadInits(ivs);
  values = reduce(0, ivs, *values);
  return broken ? FailureOr<SmallVector<Value>>() : values;
}

/// Every operand is walked element by element in one order.
bool GenericEmitter::isFlat() const {
  bool indexed = false;
  body.walk([&](Operation *inner) { indexed |= isa<linalg::IndexOp>(inner); });
  if (indexed || !reductionLoops.empty() || sizes.empty())
    return false;
  auto flat = [](const Operand &operand, AffineMap map) { return !operand.memref || map.isIdentity(); };
  return llvm::all_of(llvm::zip(inputs, inputMaps), [&](auto pair) { return flat(std::get<0>(pair), std::get<1>(pair)); }) &&
         llvm::all_of(outputMaps, [](AffineMap map) { return map.isIdentity(); });
}

LogicalResult GenericEmitter::perThread() {
  SmallVector<AffineExpr> loopAsSpace(sizes.size(), getAffineConstantExpr(0, e.context));
  for (auto [i, loop] : llvm::enumerate(loopOfSpace))
    loopAsSpace[loop] = getAffineDimExpr(i, e.context);
  SmallVector<Emitter::Output> list;
  for (auto [output, map] : llvm::zip(outputs, outputMaps))
    list.push_back({output, map.replaceDimsAndSymbols(loopAsSpace, {}, space.size(), 0)});
  flat = isFlat();
  return e.perElement(space, list, flat, [&](ArrayRef<Value> at) { return point(at); });
}

// ---- a workgroup per row ----

/// Long reductions of few rows: one thread each would leave the device idle.
bool GenericEmitter::reducesRows() const {
  constexpr int64_t kLong = 256, kFew = 4096;
  if (reductionLoops.empty())
    return false;
  int64_t length = 1, rows = 1;
  for (unsigned d : reductionLoops)
    length *= sizes[d].estimate(kLong);
  for (Extent extent : space)
    rows *= extent.estimate(1);
  auto small = [](const Operand &output) { return output.element.getIntOrFloatBitWidth() < 32; };
  return length >= kLong && rows <= kFew && llvm::none_of(outputs, small);
}

Value GenericEmitter::combine(unsigned output, Value x, Value y) {
  Operation *combiner = combiners[output];
  IRMapping mapping;
  mapping.map(combiner->getOperand(0), x);
  mapping.map(combiner->getOperand(1), y);
  return e.b.clone(*combiner, mapping)->getResult(0);
}

LogicalResult GenericEmitter::perRow() {
  int64_t threads = e.options.threads;
  SmallVector<Value> memory;
  for (const Operand &output : outputs)
    memory.push_back(e.shared({threads}, output.element));
  SmallVector<Extent> reduced;
  for (unsigned d : reductionLoops)
    reduced.push_back(sizes[d]);
  auto combineInto = [&](ArrayRef<Value> mine, Value other) {
    for (auto [i, place] : llvm::enumerate(memory)) {
      Value sum = combine(i, mine[i], memref::LoadOp::create(e.b, e.loc, place, other));
      memref::StoreOp::create(e.b, e.loc, sum, place, e.threadId);
    }
  };
  auto own = [&] {
    return llvm::map_to_vector(memory,
                               [&](Value place) -> Value { return memref::LoadOp::create(e.b, e.loc, place, e.threadId); });
  };
  e.perGroup(e.productExpr(space), [&](Value row) {
    SmallVector<Value> ivs(sizes.size(), e.index(0));
    for (auto [loop, iv] : llvm::zip(loopOfSpace, e.delinearize(row, space)))
      ivs[loop] = iv;
    SmallVector<Value> neutral;
    for (Operation *combiner : combiners)
      neutral.push_back(arith::ConstantOp::create(e.b, e.loc, *arith::getNeutralElement(combiner)));
    SmallVector<Value> partial =
        e.loop(e.threadId, e.product(reduced), e.index(threads), neutral, [&](Value at, ValueRange carried) {
          SmallVector<Value> inner = ivs;
          for (auto [loop, iv] : llvm::zip(reductionLoops, e.delinearize(at, reduced)))
            inner[loop] = iv;
          auto values = compute(inner, carried);
          return succeeded(values) ? *values : llvm::to_vector(carried);
        });
    for (auto [place, v] : llvm::zip(memory, partial))
      memref::StoreOp::create(e.b, e.loc, v, place, e.threadId);
    for (int64_t half = threads / 2; half > 0; half /= 2) {
      e.barrier();
      e.when(e.less(e.threadId, e.index(half)), [&] { combineInto(own(), e.add(e.threadId, e.index(half))); });
    }
    e.when(e.less(e.threadId, e.index(1)), [&] {
      FailureOr<SmallVector<Value>> before = loadInits(ivs);
      for (auto [i, output] : llvm::enumerate(outputs)) {
        Value total = memref::LoadOp::create(e.b, e.loc, memory[i], e.index(0));
        e.store(initRead[i] ? combine(i, (*before)[i], total) : total, output, e.apply(outputMaps[i], ivs));
      }
    });
  });
  return failure(broken);
}

/// sum + extend(a) * extend(b) with nothing else in the body.
bool GenericEmitter::describeContraction(ContractionLoops &loops) {
  if (inputs.size() != 2 || outputs.size() != 1 || reductionLoops.empty())
    return false;
  Operation *sum = body.getTerminator()->getOperand(0).getDefiningOp();
  BlockArgument accumulator = body.getArgument(2);
  if (!isa_and_nonnull<arith::AddFOp, arith::AddIOp>(sum) || !llvm::is_contained(sum->getOperands(), accumulator) ||
      !accumulator.hasOneUse())
    return false;
  Operation *product = sum->getOperand(sum->getOperand(0) == accumulator ? 1 : 0).getDefiningOp();
  loops.sumType = accumulator.getType();
  if (!isa_and_nonnull<arith::MulFOp, arith::MulIOp>(product) || (!loops.sumType.isF32() && !loops.sumType.isInteger(32)))
    return false;
  for (Value factor : product->getOperands()) {
    if (isa_and_nonnull<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(factor.getDefiningOp()))
      factor = factor.getDefiningOp()->getOperand(0);
    if (factor != body.getArgument(0) && factor != body.getArgument(1))
      return false;
  }
  loops.sizes = sizes;
  loops.parallel = loopOfSpace;
  loops.reduction = reductionLoops;
  loops.output = outputs.front();
  for (unsigned i = 0; i < 2; ++i) {
    loops.inputs[i] = inputs[i];
    loops.maps[i] = inputMaps[i];
  }
  loops.extend = [this, type = loops.sumType](unsigned input, Value v) -> Value {
    if (v.getType() == type)
      return v;
    IRMapping mapping;
    mapping.map(body.getArgument(input), v);
    return e.b.clone(**body.getArgument(input).user_begin(), mapping)->getResult(0);
  };
  loops.finish = [this, type = loops.sumType](ArrayRef<Value> ivs, Value sum) -> FailureOr<Value> {
    if (!initRead[0])
      return sum;
    Value before = e.load(inits[0], e.apply(outputMaps[0], ivs));
    if (type.isF32())
      return arith::AddFOp::create(e.b, e.loc, before, sum).getResult();
    return arith::AddIOp::create(e.b, e.loc, before, sum).getResult();
  };
  return true;
}

LogicalResult GenericEmitter::run() {
  if (failed(gather()))
    return failure();
  ContractionLoops loops;
  if (describeContraction(loops))
    if (ContractionEmitter contraction(e, loops); contraction.recognise())
      return contraction.run();
  return reducesRows() && recogniseCombiners() ? perRow() : perThread();
}

LogicalResult Emitter::emitGeneric(linalg::GenericOp op) { return GenericEmitter(*this, op).run(); }
