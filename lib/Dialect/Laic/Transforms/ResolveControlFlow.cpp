// Replaces branches, loops and maps over sequences by what they do, where that is known when compiling.
#include "Resolver.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LogicOps.h"
#include "laic/Dialect/Laic/Passes.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

namespace laic {
#define GEN_PASS_DEF_LAICRESOLVECONTROLFLOW
#include "laic/Dialect/Laic/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

// Operations that unrolling may make in one function ...
constexpr int64_t kMostCloned = 4096;
// ... and that the branches of one `if` may have when both are computed.
constexpr int64_t kMostSpeculated = 64;

int64_t countOps(Region &region) {
  int64_t count = 0;
  region.walk([&](Operation *op) { count += !isa<OutputsOp>(op); });
  return count;
}

Operation::operand_range outputsOf(Region &region) { return region.front().getTerminator()->getOperands(); }

// Whether a kernel may refuse a call because of the data, which must not happen in a branch that is not taken: true but for what is
// known to take any.
bool mayRefuseData(Region &region) {
  static const llvm::StringSet<> takesAny = {"average_pool",
                                             "cast_like",
                                             "concat",
                                             "constant_of_shape",
                                             "conv",
                                             "conv_transpose",
                                             "depth_to_space",
                                             "expand",
                                             "flatten",
                                             "gemm",
                                             "max_pool",
                                             "layer_normalization",
                                             "log_softmax",
                                             "matmul",
                                             "pad",
                                             "reshape",
                                             "shape",
                                             "size",
                                             "slice",
                                             "softmax",
                                             "space_to_depth",
                                             "split",
                                             "squeeze",
                                             "tile",
                                             "transpose",
                                             "trilu",
                                             "unsqueeze"};
  auto check = [](Operation *op) {
    llvm::StringRef name = op->getName().stripDialect();
    // Of a shape, as exporters take dims; other data may have fewer elements than the index asks for.
    bool isGather = isa<GatherOp>(op) && op->getOperand(1).getDefiningOp<ConstantOp>() &&
                    isa_and_nonnull<ShapeOp, ConstantOp>(op->getOperand(0).getDefiningOp());
    bool isFine = isa<ConstantOp, NoneOp, OutputsOp, ScalarBodyInterface>(op) || isGather || takesAny.contains(name) ||
                  name.starts_with("reduce_") || (isStructural(op) && !isa<SequenceAtOp>(op));
    return isFine ? WalkResult::advance() : WalkResult::interrupt();
  };
  return region.walk(check).wasInterrupted();
}

} // namespace

//===-- If ----------------------------------------------------------------------------------------------------===//

LogicalResult Resolver::resolveIf(IfOp op) {
  if (std::optional<int64_t> cond = constant(op.getCond())) {
    inlineBranch(op, *cond ? op.getThenBranch() : op.getElseBranch());
    return success();
  }
  return hoisted.count(op) ? selectOutputs(op) : ifAtRunTime(op);
}

bool Resolver::isSmall(IfOp op) const {
  return llvm::all_of(op->getRegions(),
                      [](Region &branch) { return countOps(branch) <= kMostSpeculated && !mayRefuseData(branch); });
}

void Resolver::inlineBranch(IfOp op, Region &branch) {
  Block &from = branch.front();
  op->getBlock()->getOperations().splice(op->getIterator(), from.getOperations(), from.begin(), std::prev(from.end()));
  (void)replace(op, from.getTerminator()->getOperands());
}

// Both branches are computed in front of the `if`, which chooses when their outputs are known.
void Resolver::hoistBranches(IfOp op) {
  hoisted.insert(op);
  for (Region &branch : op->getRegions()) {
    Block &from = branch.front();
    op->getBlock()->getOperations().splice(op->getIterator(), from.getOperations(), from.begin(), std::prev(from.end()));
  }
}

LogicalResult Resolver::selectOutputs(IfOp op) {
  const ValueFacts *facts = factsOf(op.getCond());
  Value cond = op.getCond();
  if (!facts->shape->empty())
    cond = SqueezeOp::create(b, tensor, cond, NoneOp::create(b, b.getNoneType()));
  llvm::SmallVector<Value> chosen;
  for (auto [yes, no] : llvm::zip(outputsOf(op.getThenBranch()), outputsOf(op.getElseBranch()))) {
    chosen.push_back(select(op, cond, yes, no));
    if (!chosen.back())
      return failure();
  }
  hoisted.erase(op);
  return replace(op, chosen);
}

// cond ? yes : no, of tensors of one shape or element by element; null after a diagnostic.
Value Resolver::select(IfOp op, Value cond, Value yes, Value no) {
  auto refuse = [&](const char *what) -> Value {
    op.emitError() << "has a condition that is computed at run time and branches whose outputs " << what
                   << ", which laic does not support yet";
    return {};
  };
  if (yes == no)
    return yes;
  if (auto a = yes.getDefiningOp<OptionalOp>()) {
    auto c = no.getDefiningOp<OptionalOp>();
    if (!c || isa<NoneType>(a.getInput().getType()) != isa<NoneType>(c.getInput().getType()))
      return refuse("are present in one branch alone");
    if (isa<NoneType>(a.getInput().getType()))
      return yes;
    Value element = select(op, cond, a.getInput(), c.getInput());
    return element ? Value(OptionalOp::create(b, yes.getType(), element, TypeAttr())) : Value();
  }
  if (isa<SequenceType>(yes.getType())) {
    SequenceConstructOp a = elementsOf(yes), c = elementsOf(no);
    if (!a || !c)
      return {}; // reported where it was not resolved
    if (a.getInputs().size() != c.getInputs().size())
      return refuse("are sequences of different lengths");
    llvm::SmallVector<Value> elements;
    for (auto [x, y] : llvm::zip(a.getInputs(), c.getInputs())) {
      elements.push_back(select(op, cond, x, y));
      if (!elements.back())
        return {};
    }
    return construct(elements);
  }
  const ValueFacts *a = factsOf(yes), *c = factsOf(no);
  if (!a || !c)
    return {};
  assert(a->shape == c->shape && a->element == c->element && "branches that are both computed have outputs of one type");
  return WhereOp::create(b, tensor, cond, yes, no);
}

//===-- loops -------------------------------------------------------------------------------------------------===//

LogicalResult Resolver::charge(Operation *op, Region &body) {
  cloned += countOps(body) + 1;
  if (cloned <= kMostCloned)
    return success();
  return op->emitError() << "unrolls to more than " << kMostCloned << " operations";
}

llvm::SmallVector<Value> Resolver::cloneBody(Region &body, ValueRange arguments) {
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  for (Operation &inner : body.front().without_terminator())
    b.clone(inner, mapping);
  return llvm::map_to_vector(outputsOf(body), [&](Value v) { return mapping.lookupOrDefault(v); });
}

// A count without any other meaning than "until the condition ends it" is beyond kEndless.
bool Resolver::isLong(Operation *op, int64_t most) const {
  constexpr int64_t kEndless = int64_t{1} << 31;
  return most < kEndless && most * (countOps(op->getRegion(0)) + 1) > kMostCloned;
}

// One iteration is taken out at a time: whether another follows may depend on what it computes.
LogicalResult Resolver::resolveLoop(LoopOp op) {
  Unrolled &state = loops[op];
  if (state.isSample)
    return finishLoop(op, state);
  bool isBounded = !isa<NoneType>(op.getM().getType()), hasCondition = !isa<NoneType>(op.getCond().getType());
  std::optional<int64_t> most = isBounded ? constant(op.getM()) : INT64_MAX;
  std::optional<int64_t> goesOn = hasCondition ? constant(op.getCond()) : 1;
  bool stacks = op.getNumResults() > op.getNumCarried();
  if (!goesOn || (*goesOn && (!most || isLong(op, *most)))) {
    // What was unrolled stays so but where it was stacked: of no further iteration only the runtime would know the size.
    if (stacks && state.iterations > 0) {
      op.getCondMutable().assign(state.initial.front());
      op.getVInitialMutable().assign(llvm::ArrayRef<Value>(state.initial).drop_front());
      for (SequenceConstructOp list : state.scanned)
        list.erase();
      state = Unrolled();
    }
    return loopAtRunTime(op, state);
  }
  if (*goesOn && state.iterations < *most)
    return unrollOnce(op, state);
  if (state.iterations > 0 || !stacks)
    return finishLoop(op, state);
  state.isSample = true;
  return unrollOnce(op, state);
}

LogicalResult Resolver::unrollOnce(LoopOp op, Unrolled &state) {
  if (failed(charge(op, op.getBody())))
    return failure();
  llvm::SmallVector<Value> arguments = {integers({state.iterations}, /*isScalar=*/true), truth(true)};
  llvm::append_range(arguments, op.getVInitial());
  llvm::SmallVector<Value> outputs = cloneBody(op.getBody(), arguments);
  unsigned carried = op.getNumCarried();
  if (state.initial.empty()) {
    state.initial.push_back(op.getCond());
    llvm::append_range(state.initial, op.getVInitial());
  }
  // Lists are operations, so that inference may replace what they hold. They stand behind the loop, where the walk has not been.
  if (state.scanned.empty()) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(op);
    for (size_t i = 0; i < op.getNumResults() - carried; ++i)
      state.scanned.push_back(elementsOf(construct(ValueRange())));
  }
  for (auto [list, value] : llvm::zip(state.scanned, llvm::ArrayRef<Value>(outputs).drop_front(1 + carried)))
    list.getInputsMutable().append(value);
  if (state.isSample)
    return success();
  ++state.iterations;
  op.getCondMutable().assign(outputs[0]);
  op.getVInitialMutable().assign(llvm::ArrayRef<Value>(outputs).slice(1, carried));
  return success();
}

LogicalResult Resolver::finishLoop(LoopOp op, Unrolled &state) {
  llvm::SmallVector<Value> results(op.getVInitial());
  for (SequenceConstructOp list : state.scanned) {
    Value stacked = stack(llvm::SmallVector<Value>(list.getInputs()), 0);
    list.erase();
    // Nothing of a sample but its shape: no iteration was to be made.
    if (state.isSample)
      stacked =
          SliceOp::create(b, tensor, stacked, integers({0}), integers({0}), integers({0}), NoneOp::create(b, b.getNoneType()));
    results.push_back(stacked);
  }
  loops.erase(op);
  return replace(op, results);
}

//===-- Scan --------------------------------------------------------------------------------------------------===//

// The axes of the scanned inputs, non-negative.
FailureOr<llvm::SmallVector<int64_t>> Resolver::scanAxes(ScanLoopOp op) {
  size_t count = op.getNumScanInputs();
  auto given = op.getScanInputAxes();
  if (given && given->size() != count)
    return op.emitError() << "expects " << count << " scan_input_axes, got " << given->size();
  llvm::SmallVector<int64_t> axes;
  for (size_t i = 0; i < count; ++i) {
    int64_t rank = factsOf(op->getOperand(op->getNumOperands() - count + i))->shape->size();
    int64_t axis = given ? (*given)[i] : 0;
    if (axis < -rank || axis >= rank)
      return op.emitError() << "expects scan_input_axes in [" << -rank << ", " << rank - 1 << "], got " << axis;
    axes.push_back(axis < 0 ? axis + rank : axis);
  }
  return axes;
}

FailureOr<int64_t> Resolver::scanLength(ScanLoopOp op, Indices axes) {
  std::optional<int64_t> length;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    auto size = constantSize((*factsOf(op->getOperand(op->getNumOperands() - axes.size() + i))->shape)[axis]);
    if (!size)
      return -1; // the call's
    if (length && *length != *size)
      return op.emitError() << "expects scanned inputs of one length, got " << *length << " and " << *size;
    length = *size;
  }
  if (*length == 0)
    return op.emitError("scans a dim of size 0, which laic does not support yet");
  return *length;
}

LogicalResult Resolver::resolveScan(ScanLoopOp op) {
  size_t scans = op.getNumScanInputs(), carried = op->getNumOperands() - scans, stacks = op->getNumResults() - carried;
  auto axes = scanAxes(op);
  auto length = failed(axes) ? FailureOr<int64_t>(failure()) : scanLength(op, *axes);
  if (failed(length))
    return failure();
  if (*length < 0 || isLong(op, *length))
    return scanAtRunTime(op, *axes);
  auto entry = [](std::optional<llvm::ArrayRef<int64_t>> list, size_t i) { return list && i < list->size() ? (*list)[i] : 0; };
  llvm::SmallVector<Value> state(op->getOperands().take_front(carried));
  std::vector<llvm::SmallVector<Value>> scanned(stacks);
  for (int64_t t = 0; t < *length; ++t) {
    if (failed(charge(op, op.getBody())))
      return failure();
    llvm::SmallVector<Value> arguments(state);
    for (size_t i = 0; i < scans; ++i) {
      int64_t at = entry(op.getScanInputDirections(), i) ? *length - 1 - t : t;
      arguments.push_back(pick(op->getOperand(carried + i), (*axes)[i], at));
    }
    llvm::SmallVector<Value> outputs = cloneBody(op.getBody(), arguments);
    state.assign(outputs.begin(), outputs.begin() + carried);
    for (size_t i = 0; i < stacks; ++i)
      scanned[i].push_back(outputs[carried + i]);
  }
  for (size_t i = 0; i < stacks; ++i) {
    if (entry(op.getScanOutputDirections(), i))
      std::reverse(scanned[i].begin(), scanned[i].end());
    state.push_back(stack(scanned[i], entry(op.getScanOutputAxes(), i)));
  }
  return replace(op, state);
}

//===-- SequenceMap -------------------------------------------------------------------------------------------===//

LogicalResult Resolver::resolveMap(SequenceMapOp op) {
  size_t length = elementsOf(op.getInputSequence()).getInputs().size();
  for (Value other : op.getAdditionalInputs())
    if (isa<SequenceType>(other.getType()) && elementsOf(other).getInputs().size() != length)
      return op.emitError() << "expects sequences of one length, got " << length << " and "
                            << elementsOf(other).getInputs().size();
  std::vector<llvm::SmallVector<Value>> mapped(op->getNumResults());
  for (size_t i = 0; i < length; ++i) {
    if (failed(charge(op, op.getBody())))
      return failure();
    llvm::SmallVector<Value> arguments;
    for (Value operand : op->getOperands())
      arguments.push_back(isa<SequenceType>(operand.getType()) ? elementsOf(operand).getInputs()[i] : operand);
    for (auto [list, value] : llvm::zip(mapped, cloneBody(op.getBody(), arguments)))
      list.push_back(value);
  }
  return replace(op, llvm::map_to_vector(mapped, [&](llvm::ArrayRef<Value> list) { return construct(list); }));
}

//===-- the walk ----------------------------------------------------------------------------------------------===//

Resolver::Resolver(func::FuncOp func)
    : func(func), symbols(SizeSymbols::load(func)), b(func.getLoc(), func.getContext()),
      tensor(UnrankedTensorType::get(Float32Type::get(func.getContext()))) {}

// Every operand is resolved or inferred. What is not was reported there.
bool Resolver::operandsKnown(Operation *op) const {
  return llvm::all_of(op->getOperands(), [&](Value v) {
    if (isa<SequenceType>(v.getType()))
      return static_cast<bool>(elementsOf(v));
    if (isa<OptionalType>(v.getType()))
      return static_cast<bool>(v.getDefiningOp<OptionalOp>());
    return factsOf(v) != nullptr;
  });
}

LogicalResult Resolver::resolve(Operation *op) {
  b.setInsertionPoint(op);
  b.setLoc(op->getLoc());
  if (!operandsKnown(op))
    return failure();
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](IfOp o) { return resolveIf(o); })
      .Case([&](LoopOp o) { return resolveLoop(o); })
      .Case([&](ScanLoopOp o) { return resolveScan(o); })
      .Case([&](SequenceMapOp o) { return resolveMap(o); })
      .Case([&](FlexAttentionOp o) { return resolveFlexAttention(o); })
      .Case([&](SequenceEmptyOp o) { return replace(o, construct(ValueRange())); })
      .Case([&](SequenceInsertOp o) { return resolveInsert(o); })
      .Case([&](SequenceEraseOp o) { return resolveErase(o); })
      .Case([&](SequenceAtOp o) { return resolveAt(o); })
      .Case([&](SequenceLengthOp o) {
        int64_t length = elementsOf(o.getInputSequence()).getInputs().size();
        return replace(o, integers({length}, /*isScalar=*/true));
      })
      .Case([&](ConcatFromSequenceOp o) { return resolveConcat(o); })
      .Case([&](SplitToSequenceOp o) { return resolveSplit(o); })
      .Case([&](OptionalHasElementOp o) { return resolveHasElement(o); })
      .Case([&](OptionalGetElementOp o) { return resolveGetElement(o); })
      .Default([](Operation *) { return success(); });
}

// What a structural operation leaves in front of itself is visited next, then the operation again where it is still there.
LogicalResult Resolver::run() { return failed(walk()) ? failure() : finish(); }

LogicalResult Resolver::walk() {
  for (BlockArgument arg : func.getArguments())
    facts[arg] = argumentFacts(arg, func, symbols);
  LogicalResult status = success();
  Block &block = func.front();
  for (Operation *op = &block.front(); op != block.getTerminator();) {
    bool holds = isa<SequenceConstructOp, OptionalOp>(op); // resolved already
    Operation *before = op->getPrevNode(), *after = op->getNextNode();
    if (holds || !isStructural(op)) {
      bool replaced = !holds && inferOperation(*op, symbols, facts, status) == Inferred::Replaced;
      op = !replaced ? after : before ? before->getNextNode() : &block.front();
      continue;
    }
    if (failed(resolve(op))) {
      status = failure();
      op = after;
      continue;
    }
    op = before ? before->getNextNode() : &block.front();
  }
  return status;
}

LogicalResult Resolver::finish() {
  if (failed(flattenOutputs()))
    return failure();
  eraseUnused();
  symbols.store(func); // with the conditions on positions
  return success();
}

void Resolver::eraseUnused() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.front())))
    if (isStructural(&op) && op.use_empty())
      op.erase();
}

namespace {

struct ResolveControlFlowPass : public laic::impl::LaicResolveControlFlowBase<ResolveControlFlowPass> {
  void runOnOperation() override {
    llvm::SmallVector<func::FuncOp> functions(getOperation().getOps<func::FuncOp>());
    for (func::FuncOp func : functions) {
      bool isNeeded = !func.isExternal() && llvm::any_of(func.front(), [](Operation &op) { return isStructural(&op); });
      if (isNeeded && failed(Resolver(func).run()))
        signalPassFailure();
    }
  }
};

} // namespace
