// Makes programs of the branches and loops that only the call decides, and the laic.call that runs them.
//
// A program is a function of what its subgraph captures. It is resolved before the caller goes on, so that ranks and sizes of its
// outputs are known; dims that follow from no operand of the call are late. Constants are no captures: programs repeat them, and an
// artifact holds equal bytes once.
#include "Resolver.h"
#include "laic/Dialect/Laic/DataMovementOps.h"
#include "laic/Dialect/Laic/ElementwiseOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/HostCallsOps.h"
#include "laic/Dialect/Laic/LogicOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Dialect/Laic/Programs.h"
#include "laic/Dialect/Laic/ShapeOps.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace laic;

namespace {

// Captured values with known contents are constants up to this size.
constexpr int64_t kMaxKnownContents = 64;

bool isFloatOrInteger(Type type) { return isa<FloatType>(type) || (isa<IntegerType>(type) && type.getIntOrFloatBitWidth() != 4); }

// Runs other programs, reads sizes or calls functions that may refuse data: nothing that should happen where its results are not wanted.
bool waitsForData(func::FuncOp func) {
  Block &block = func.front();
  return !block.getOps<CallOp>().empty() || !block.getOps<ReadSizesOp>().empty() || !block.getOps<HostFunctionOp>().empty();
}

} // namespace

//===-- what programs capture ---------------------------------------------------------------------------------===//

// Numbers are known; sizes that depend on the call are not, since a program has size symbols of its own.
bool Resolver::isContentKnown(Value value) const {
  const ValueFacts *known = factsOf(value);
  if (!known || !known->shape || !known->element || !isFloatOrInteger(known->element))
    return false;
  if (llvm::any_of(*known->shape, [](AffineExpr dim) { return !constantSize(dim); }))
    return false;
  if (known->floats)
    return static_cast<int64_t>(known->floats->size()) <= kMaxKnownContents;
  return known->ints && static_cast<int64_t>(known->ints->size()) <= kMaxKnownContents &&
         llvm::all_of(*known->ints, [](AffineExpr e) { return constantSize(e).has_value(); });
}

Value Resolver::constantOf(OpBuilder &to, Location loc, const ValueFacts &known) const {
  auto type = RankedTensorType::get(staticShape(*known.shape), known.element);
  if (known.floats) {
    llvm::SmallVector<APFloat> values;
    for (double d : *known.floats) {
      bool lost;
      values.push_back(APFloat(d));
      values.back().convert(cast<FloatType>(known.element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
    }
    return ConstantOp::create(to, loc, type, DenseElementsAttr::get(type, values));
  }
  llvm::SmallVector<APInt> values;
  for (AffineExpr e : *known.ints)
    values.push_back(APInt(64, static_cast<uint64_t>(*constantSize(e))).trunc(known.element.getIntOrFloatBitWidth()));
  return ConstantOp::create(to, loc, type, DenseElementsAttr::get(type, values));
}

// What the operation's subgraphs use of this function and a program cannot repeat.
llvm::SmallVector<Value> Resolver::capturesOf(Operation *op) const {
  llvm::SetVector<Value> captures;
  auto add = [&](Value value, auto &self) -> void {
    Operation *producer = value.getDefiningOp();
    if (isa_and_nonnull<ConstantOp, NoneOp>(producer) || isContentKnown(value))
      return;
    if (!isa_and_nonnull<SequenceConstructOp, OptionalOp>(producer)) {
      captures.insert(value);
      return;
    }
    for (Value element : producer->getOperands())
      self(element, self);
  };
  for (Region &region : op->getRegions())
    region.walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (!region.isAncestor(operand.getParentRegion()))
          add(operand, add);
    });
  return captures.takeVector();
}

// The value inside a program: an argument, or what stands for it repeated there.
Value Resolver::bring(Value value, IRMapping &mapping, OpBuilder &to) const {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  Operation *producer = value.getDefiningOp();
  Value inside;
  if (isa_and_nonnull<ConstantOp, NoneOp>(producer)) {
    inside = to.clone(*producer)->getResult(0);
  } else if (isa_and_nonnull<SequenceConstructOp, OptionalOp>(producer)) {
    for (Value element : producer->getOperands())
      bring(element, mapping, to);
    inside = to.clone(*producer, mapping)->getResult(0);
  } else {
    inside = constantOf(to, value.getLoc(), *factsOf(value));
  }
  mapping.map(value, inside);
  return inside;
}

//===-- programs ----------------------------------------------------------------------------------------------===//

void Resolver::discard(func::FuncOp program) {
  auto module = program->getParentOfType<ModuleOp>();
  for (auto call : program.front().getOps<CallOp>())
    for (auto name : call.getPrograms().getAsRange<FlatSymbolRefAttr>())
      discard(module.lookupSymbol<func::FuncOp>(name.getAttr()));
  program.erase();
}

// Captured dims of one size share a name, so that the program knows them to be equal.
FailureOr<Resolver::Program> Resolver::outline(Operation *op, Region &region, llvm::StringRef suffix,
                                               llvm::ArrayRef<Parameter> parameters, ValueRange captures) {
  llvm::DenseMap<AffineExpr, std::string> names;
  llvm::StringSet<> taken;
  for (unsigned i = 0; i < symbols.size(); ++i)
    if (symbols[i].kind == "dim") {
      names[getAffineSymbolExpr(i, b.getContext())] = symbols[i].name;
      taken.insert(symbols[i].name);
    }
  auto newName = [&]() {
    std::string name;
    for (size_t n = taken.size(); name.empty() || !taken.insert(name).second; ++n)
      name = ("size " + Twine(n)).str();
    return name;
  };
  auto nameOf = [&](AffineExpr size) -> Attribute {
    if (!size)
      return b.getStringAttr(newName());
    if (auto constant = constantSize(size))
      return b.getI64IntegerAttr(*constant);
    std::string &name = names[size];
    return b.getStringAttr(name = name.empty() ? newName() : name);
  };
  Program program;
  program.parameters.assign(parameters.begin(), parameters.end());
  program.captures.assign(captures.begin(), captures.end());
  llvm::SmallVector<Type> types;
  llvm::SmallVector<DictionaryAttr> attributes;
  auto addArgument = [&](Type element, llvm::ArrayRef<AffineExpr> shape) {
    llvm::SmallVector<int64_t> sizes;
    llvm::SmallVector<Attribute> dims;
    for (AffineExpr size : shape) {
      sizes.push_back(size ? constantSize(size).value_or(ShapedType::kDynamic) : ShapedType::kDynamic);
      dims.push_back(nameOf(size));
    }
    types.push_back(RankedTensorType::get(sizes, element));
    attributes.push_back(b.getDictionaryAttr({b.getNamedAttr("laic.dims", b.getArrayAttr(dims)),
                                              b.getNamedAttr("laic.name", b.getStringAttr("input" + Twine(types.size() - 1)))}));
  };
  for (const Parameter &parameter : parameters)
    addArgument(parameter.element, parameter.shape);
  for (Value capture : captures) {
    const ValueFacts *known = factsOf(capture);
    if (!known)
      return failure(); // reported there
    if (!known->shape)
      return op->emitError("captures a value of unknown rank");
    addArgument(known->element, *known->shape);
  }

  auto module = func->getParentOfType<ModuleOp>();
  std::string name = (func.getName() + "_" + suffix).str();
  for (int n = 1; module.lookupSymbol(name); ++n)
    name = (func.getName() + "_" + suffix + "_" + Twine(n)).str();
  llvm::SmallVector<Type> results(region.front().getTerminator()->getOperandTypes());
  program.func = func::FuncOp::create(op->getLoc(), name, b.getFunctionType(types, results));
  program.func->setAttr(kProgramAttr, b.getUnitAttr());
  program.func.setAllArgAttrs(attributes);
  module.push_back(program.func);
  Block *block = program.func.addEntryBlock();
  OpBuilder inside = OpBuilder::atBlockEnd(block);
  IRMapping mapping;
  mapping.map(region.getArguments(), block->getArguments().take_front(region.getNumArguments()));
  mapping.map(captures, block->getArguments().drop_front(parameters.size()));
  region.walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (!region.isAncestor(operand.getParentRegion()))
        bring(operand, mapping, inside);
  });
  for (Operation &inner : region.front().without_terminator())
    inside.clone(inner, mapping);
  llvm::SmallVector<Value> outputs;
  for (Value output : region.front().getTerminator()->getOperands())
    outputs.push_back(mapping.lookup(output));
  func::ReturnOp::create(inside, op->getLoc(), outputs);

  program.inside = std::make_unique<Resolver>(program.func);
  program.inside->depth = depth + 1;
  if (depth >= kMaxDepth) {
    op->emitError() << "is nested in more than " << kMaxDepth << " branches and loops whose structure only the call knows";
    program.func.erase();
    return failure();
  }
  if (failed(program.inside->walk()) || failed(findLeaves(program))) {
    program.inside.reset();
    discard(program.func);
    return failure();
  }
  return std::move(program);
}

// The tensors of the outputs become those of the function.
LogicalResult Resolver::findLeaves(Program &program) {
  Operation *terminator = program.func.front().getTerminator();
  program.outputs.assign(terminator->operand_begin(), terminator->operand_end());
  auto add = [&](Value value, auto &self) -> LogicalResult {
    if (isa<NoneType>(value.getType()))
      return success();
    if (Operation *holder = value.getDefiningOp(); isa_and_nonnull<SequenceConstructOp, OptionalOp>(holder)) {
      for (Value element : holder->getOperands())
        if (failed(self(element, self)))
          return failure();
      return success();
    }
    const ValueFacts *known = program.inside->factsOf(value);
    if (!known)
      return failure(); // reported there
    assert(known->shape && "arguments have a rank, and inference gives every result one");
    program.leaves.push_back(value);
    return success();
  };
  for (Value output : program.outputs)
    if (failed(add(output, add)))
      return failure();
  terminator->setOperands(program.leaves);
  program.func.setFunctionType(b.getFunctionType(program.func.getArgumentTypes(), terminator->getOperandTypes()));
  return success();
}

// A program's size in sizes of the caller; null where it has none.
AffineExpr Resolver::translate(AffineExpr size, const Program &program) {
  if (constantSize(size))
    return size;
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(size)) {
    AffineExpr a = translate(binary.getLHS(), program), c = translate(binary.getRHS(), program);
    return a && c ? canonicalSize(getAffineBinaryOpExpr(size.getKind(), a, c)) : AffineExpr();
  }
  const SizeSymbol &s = program.inside->symbols[cast<AffineSymbolExpr>(size).getPosition()];
  if (s.kind == "dim" || s.kind == "element") {
    bool isDim = s.kind == "dim";
    if (s.arg < static_cast<int64_t>(program.parameters.size()))
      return isDim ? program.parameters[s.arg].shape[s.index] : AffineExpr();
    const ValueFacts *known = factsOf(program.captures[s.arg - program.parameters.size()]);
    if (isDim)
      return (*known->shape)[s.index];
    return known->ints && s.index < static_cast<int64_t>(known->ints->size()) ? (*known->ints)[s.index] : AffineExpr();
  }
  llvm::SmallVector<AffineExpr, 3> args;
  for (AffineExpr arg : s.args)
    if (!args.emplace_back(translate(arg, program)))
      return {};
  if (s.kind == "min")
    return symbols.min(args[0], args[1]);
  if (s.kind == "max")
    return symbols.max(args[0], args[1]);
  if (s.kind == "select")
    return symbols.select(args[0], args[1], args[2]);
  if (s.kind == "equal")
    return symbols.equal(args[0], args[1]);
  if (s.kind == "less")
    return symbols.less(args[0], args[1]);
  if (s.kind == "div")
    return symbols.truncDiv(args[0], args[1]);
  if (s.kind == "mod")
    return symbols.mod(args[0], args[1]);
  return {}; // read in the program
}

// The two numbers of laic.call that tell a dim; null: only the call knows it.
void Resolver::addDim(AffineExpr size, ValueRange operands, llvm::SmallVectorImpl<int64_t> &dims, int64_t &late) const {
  if (auto constant = size ? constantSize(size) : std::nullopt)
    return dims.append({CallOp::kConstant, *constant});
  for (auto [i, operand] : llvm::enumerate(operands))
    if (const ValueFacts *facts = factsOf(operand))
      for (auto [d, known] : llvm::enumerate(*facts->shape))
        if (size && known == size)
          return dims.append({static_cast<int64_t>(i), static_cast<int64_t>(d)});
  dims.append({CallOp::kLate, late++});
}

// Null after a diagnostic.
CallOp Resolver::call(Operation *op, llvm::StringRef kind, llvm::ArrayRef<Program *> programs, ValueRange operands,
                      llvm::ArrayRef<Parameter> results, int64_t carried, int64_t first) {
  llvm::SmallVector<int64_t> dims;
  llvm::SmallVector<Type> types;
  int64_t late = 0;
  for (const Parameter &result : results) {
    llvm::SmallVector<int64_t> sizes;
    for (AffineExpr size : result.shape) {
      sizes.push_back(size ? constantSize(size).value_or(ShapedType::kDynamic) : ShapedType::kDynamic);
      addDim(size, operands, dims, late);
    }
    types.push_back(RankedTensorType::get(sizes, result.element));
  }
  if (late > kMaxReadElements) {
    op->emitError() << "has outputs with " << late << " sizes that only the call knows, at most " << kMaxReadElements
                    << " are possible";
    return {};
  }
  llvm::SmallVector<Attribute> names;
  for (Program *program : programs)
    names.push_back(FlatSymbolRefAttr::get(program->func.getSymNameAttr()));
  return CallOp::create(b, types, kind, b.getArrayAttr(names), operands, carried, first, late ? symbols.nextRead() : -1, dims,
                        ArrayAttr());
}

// An output of the subgraph from the tensors that the call returns.
Value Resolver::rebuild(Value like, ValueRange &leaves) {
  Operation *holder = like.getDefiningOp();
  if (!isa_and_nonnull<SequenceConstructOp, OptionalOp, NoneOp>(holder)) {
    Value leaf = leaves.front();
    leaves = leaves.drop_front();
    return leaf;
  }
  if (isa<NoneOp>(holder))
    return NoneOp::create(b, b.getNoneType());
  llvm::SmallVector<Value> elements;
  for (Value element : holder->getOperands())
    elements.push_back(rebuild(element, leaves));
  if (isa<SequenceConstructOp>(holder))
    return construct(elements);
  return OptionalOp::create(b, like.getType(), elements.front(), TypeAttr());
}

Value Resolver::scalarOf(Value value) {
  if (factsOf(value)->shape->empty())
    return value;
  return ReshapeOp::create(b, tensor, value, integers({}));
}

//===-- If ----------------------------------------------------------------------------------------------------===//

// Ranks and lengths of both branches' outputs must agree; reports where they do not.
bool Resolver::haveOneStructure(IfOp op, Value a, Value c) {
  auto refuse = [&](const char *what) {
    op.emitError() << "has a condition that is computed at run time and branches whose outputs " << what
                   << ", which laic does not support yet";
    return false;
  };
  auto isHolder = [](Value v) { return isa_and_nonnull<SequenceConstructOp, OptionalOp>(v.getDefiningOp()); };
  if (isa<NoneType>(a.getType()) != isa<NoneType>(c.getType()))
    return refuse("are present in one branch alone");
  if (isHolder(a) != isHolder(c))
    return refuse("are sequences or optionals in one branch alone");
  if (!isHolder(a))
    return true;
  auto from = a.getDefiningOp()->getOperands(), other = c.getDefiningOp()->getOperands();
  if (from.size() != other.size())
    return refuse("are sequences of different lengths");
  return llvm::all_of(llvm::zip(from, other),
                      [&](auto pair) { return haveOneStructure(op, std::get<0>(pair), std::get<1>(pair)); });
}

// Whether both branches may be computed, whichever is taken, and their outputs be chosen element by element.
bool Resolver::canCompute(IfOp op, const Program &a, const Program &c) {
  for (const Program *program : {&a, &c})
    if (waitsForData(program->func) || !program->inside->symbols.checks().empty())
      return false;
  for (auto [yes, no] : llvm::zip(a.leaves, c.leaves))
    for (auto [m, n] : llvm::zip(*a.inside->factsOf(yes)->shape, *c.inside->factsOf(no)->shape)) {
      AffineExpr size = translate(m, a);
      if (!size || size != translate(n, c))
        return false;
    }
  return true;
}

// Does the condition ask for nothing but dims of inputs?
bool Resolver::asksForDims(Value cond) const {
  const ValueFacts *known = factsOf(cond);
  return known->ints && known->ints->size() == 1 && !symbols.isData(known->ints->front());
}

// What follows fits one rank alone. Exporters write `squeeze` as a branch on whether the dim is 1, though they have traced the model with
// one that is: the branch of fewer dims is taken, and calls are refused whose sizes ask for the other one.
LogicalResult Resolver::assumeBranch(IfOp op, bool isThen) {
  std::string message = (Twine("has branches whose outputs differ in rank, and was compiled for the ") +
                         (isThen ? "then" : "else") + " branch, which these sizes do not take")
                            .str();
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    message = ("node '" + name.getName().getValue() + "': " + message).str();
  symbols.requireEqual(factsOf(op.getCond())->ints->front(), symbols.constant(isThen), message);
  inlineBranch(op, isThen ? op.getThenBranch() : op.getElseBranch());
  return success();
}

LogicalResult Resolver::ifAtRunTime(IfOp op) {
  if (Type element = factsOf(op.getCond())->element; !element.isInteger(1))
    return op.emitError() << "expects a condition of element type bool, got " << elementTypeName(element);
  llvm::SmallVector<Value> captures = capturesOf(op);
  auto yes = outline(op, op.getThenBranch(), "then", {}, captures);
  auto no = outline(op, op.getElseBranch(), "else", {}, captures);
  if (failed(yes) || failed(no))
    return failure();
  for (auto [a, c] : llvm::zip(yes->outputs, no->outputs))
    if (!haveOneStructure(op, a, c))
      return failure();
  for (auto [a, c] : llvm::zip(yes->leaves, no->leaves)) {
    const ValueFacts *x = yes->inside->factsOf(a), *y = no->inside->factsOf(c);
    if (x->element == y->element && x->shape->size() == y->shape->size())
      continue;
    if (x->element == y->element && asksForDims(op.getCond())) {
      discard(yes->func);
      discard(no->func);
      return assumeBranch(op, x->shape->size() < y->shape->size());
    }
    return op.emitError("has a condition that is computed at run time and branches whose outputs differ in rank or element type, "
                        "which laic does not support yet");
  }
  if (isSmall(op) && canCompute(op, *yes, *no)) {
    discard(yes->func);
    discard(no->func);
    hoistBranches(op);
    return success();
  }
  llvm::SmallVector<Parameter> results;
  for (auto [a, c] : llvm::zip(yes->leaves, no->leaves)) {
    const ValueFacts *x = yes->inside->factsOf(a), *y = no->inside->factsOf(c);
    Parameter &result = results.emplace_back(Parameter{x->element, {}});
    for (auto [m, n] : llvm::zip(*x->shape, *y->shape)) {
      AffineExpr size = translate(m, *yes);
      result.shape.push_back(size && size == translate(n, *no) ? size : AffineExpr());
    }
  }
  llvm::SmallVector<Value> operands{scalarOf(op.getCond())};
  llvm::append_range(operands, captures);
  CallOp made = call(op, "if", {&*yes, &*no}, operands, results, /*carried=*/0, /*first=*/0);
  if (!made)
    return failure();
  ValueRange leaves = made.getResults();
  llvm::SmallVector<Value> outputs;
  for (Value like : yes->outputs)
    outputs.push_back(rebuild(like, leaves));
  if (failed(yes->inside->finish()) || failed(no->inside->finish()))
    return failure();
  return replace(op, outputs);
}

//===-- loops -------------------------------------------------------------------------------------------------===//

// Sizes of carried values that an iteration changes are the call's. Which these are is found by trying: sizes are taken to stay what they
// are at first until the body says otherwise.
LogicalResult Resolver::loopAtRunTime(LoopOp op, Unrolled &state) {
  unsigned carried = op.getNumCarried();
  if (!isa<NoneType>(op.getM().getType()) && !factsOf(op.getM())->element.isInteger(64))
    return op.emitError() << "expects a trip count of element type i64, got " << elementTypeName(factsOf(op.getM())->element);
  if (!isa<NoneType>(op.getCond().getType()) && !factsOf(op.getCond())->element.isInteger(1))
    return op.emitError() << "expects a condition of element type bool, got " << elementTypeName(factsOf(op.getCond())->element);
  llvm::SmallVector<Parameter> parameters{{b.getI64Type(), {}}, {b.getI1Type(), {}}};
  for (Value initial : op.getVInitial()) {
    const ValueFacts *known = factsOf(initial);
    if (!known || !known->shape)
      return op.emitError(
          "carries a sequence or an optional, and only the call knows how often it runs, which laic does not support "
          "yet");
    parameters.push_back({known->element, llvm::SmallVector<AffineExpr>(known->shape->begin(), known->shape->end())});
  }
  llvm::SmallVector<Value> captures = capturesOf(op);
  FailureOr<Program> body;
  auto carriedParameters = llvm::MutableArrayRef<Parameter>(parameters).drop_front(2);
  for (bool changed = true; changed;) {
    // A body may fit no more than the sizes that it has later, as when a list grows from nothing.
    bool guesses = llvm::any_of(
        carriedParameters, [](const Parameter &p) { return llvm::any_of(p.shape, [](AffineExpr size) { return bool(size); }); });
    {
      ScopedDiagnosticHandler quiet(b.getContext(), [&](Diagnostic &) { return success(guesses); });
      body = outline(op, op.getBody(), "body", parameters, captures);
    }
    if (failed(body)) {
      if (!guesses)
        return failure();
      for (Parameter &parameter : carriedParameters)
        std::fill(parameter.shape.begin(), parameter.shape.end(), AffineExpr());
      continue;
    }
    if (body->leaves.size() != body->outputs.size())
      return op.emitError(
          "makes a sequence or an optional, and only the call knows how often it runs, which laic does not support yet");
    changed = false;
    for (unsigned c = 0; c < carried; ++c) {
      Parameter &parameter = parameters[2 + c];
      const ValueFacts *before = body->inside->factsOf(body->func.getArgument(2 + c));
      const ValueFacts *after = body->inside->factsOf(body->leaves[1 + c]);
      if (after->element != parameter.element || after->shape->size() != parameter.shape.size())
        return op.emitError("carries a value whose rank or element type changes, and only the call knows how often it runs");
      for (auto [d, size] : llvm::enumerate(parameter.shape))
        if (size && (*after->shape)[d] != (*before->shape)[d]) {
          size = AffineExpr();
          changed = true;
        }
    }
    if (changed)
      discard(body->func);
  }
  if (!body->inside->factsOf(body->leaves.front())->element.isInteger(1))
    return op.emitError("expects the condition that its body computes to be a boolean");

  llvm::SmallVector<Parameter> results(llvm::drop_begin(parameters, 2));
  for (Value scanned : llvm::ArrayRef<Value>(body->leaves).drop_front(1 + carried)) {
    const ValueFacts *slice = body->inside->factsOf(scanned);
    Parameter &result = results.emplace_back(Parameter{slice->element, {AffineExpr()}});
    for (AffineExpr size : *slice->shape)
      result.shape.push_back(translate(size, *body));
  }
  llvm::SmallVector<Value> operands{isa<NoneType>(op.getM().getType()) ? integers({INT64_MAX}, /*isScalar=*/true)
                                                                       : scalarOf(op.getM()),
                                    isa<NoneType>(op.getCond().getType()) ? truth(true) : scalarOf(op.getCond())};
  llvm::append_range(operands, op.getVInitial());
  llvm::append_range(operands, captures);
  CallOp made = call(op, "loop", {&*body}, operands, results, carried, state.iterations);
  if (!made || failed(body->inside->finish()))
    return failure();
  llvm::SmallVector<Value> outputs(made.getResults());
  loops.erase(op);
  return replace(op, outputs);
}

// A loop over the positions of the scanned dims.
LogicalResult Resolver::scanAtRunTime(ScanLoopOp op, Indices axes) {
  auto entry = [](std::optional<llvm::ArrayRef<int64_t>> list, size_t i) { return list && i < list->size() ? (*list)[i] : 0; };
  size_t scans = axes.size(), carried = op->getNumOperands() - scans;
  ValueRange scanned = op->getOperands().drop_front(carried);
  for (size_t i = 0; i + carried < op->getNumResults(); ++i)
    if (entry(op.getScanOutputAxes(), i) != 0)
      return op.emitError(
          "scans a dim whose size is known at run time only and stacks outputs along another dim than the first, which "
          "laic does not support yet");
  llvm::SmallVector<Value> lengths;
  std::string message = "expects scanned inputs of one length";
  if (auto name = op->getLoc()->findInstanceOf<NameLoc>())
    message = ("node '" + name.getName().getValue() + "': " + message).str();
  auto sizeOf = [&](size_t i) { return (*factsOf(scanned[i])->shape)[axes[i]]; };
  for (size_t i = 0; i < scans; ++i) {
    Value shape = ShapeOp::create(b, tensor, scanned[i], IntegerAttr());
    lengths.push_back(GatherOp::create(b, tensor, shape, integers({axes[i]}, /*isScalar=*/true), /*axis=*/0));
    symbols.requireEqual(sizeOf(i), sizeOf(0), message);
  }
  Value none = NoneOp::create(b, b.getNoneType());
  auto loop = LoopOp::create(b, llvm::SmallVector<Type>(op->getNumResults(), tensor), lengths[0], none,
                             op->getOperands().take_front(carried));
  Block &block = loop.getBody().emplaceBlock();
  for (size_t i = 0; i < 2 + carried; ++i)
    block.addArgument(tensor, op.getLoc());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&block);
    IRMapping mapping;
    mapping.map(op.getBody().getArguments().take_front(carried), block.getArguments().drop_front(2));
    Value one = integers({1}, /*isScalar=*/true);
    for (size_t i = 0; i < scans; ++i) {
      Value at = block.getArgument(0);
      if (entry(op.getScanInputDirections(), i))
        at = SubOp::create(b, tensor, SubOp::create(b, tensor, lengths[i], one), at);
      mapping.map(op.getBody().getArgument(carried + i), Value(GatherOp::create(b, tensor, scanned[i], at, axes[i])));
    }
    for (Operation &inner : op.getBody().front().without_terminator())
      b.clone(inner, mapping);
    llvm::SmallVector<Value> outputs{truth(true)};
    for (Value output : op.getBody().front().getTerminator()->getOperands())
      outputs.push_back(mapping.lookupOrDefault(output));
    OutputsOp::create(b, outputs);
  }
  llvm::SmallVector<Value> results(loop.getResults());
  for (size_t i = 0; i + carried < results.size(); ++i) {
    Value &result = results[carried + i];
    if (entry(op.getScanOutputDirections(), i))
      result = SliceOp::create(b, tensor, result, integers({-1}), integers({INT64_MIN}), integers({0}), integers({-1}));
  }
  return replace(op, results);
}
