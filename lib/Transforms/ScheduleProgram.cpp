// Turns each program and its dispatches into a plan.entry: order, lifetimes, arena, checks.
//
// The order is that of the dispatches in the function. A value lives in the memory of an output when it is returned,
// otherwise in the arena; views share the storage of their source.
#include "laic/Transforms/Passes.h"

#include "ArenaPlanner.h"
#include "Room.h"
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/Programs.h"
#include "laic/Dialect/Laic/StructuredOps.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Transforms/SymbolicShapes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

namespace laic {
#define GEN_PASS_DEF_SCHEDULEPROGRAM
#include "laic/Transforms/Passes.h.inc"
} // namespace laic

using namespace mlir;
using namespace laic;

namespace {

/// Steps that may run at the same time are looked at together; more of them would not fill more threads.
constexpr size_t kMaxConcurrent = 16;

enum class Place { Input, Constant, Output, Arena, HostArena, Late };

/// Memory that one or several tensors (views of each other) lie in.
struct Storage {
  Place place = Place::Arena;
  Value owner;        // the tensor that is no view
  int64_t index = -1; // Input, Output
  unsigned arena = 0; // Arena, HostArena: index into the planner's values. Late: slot
  unsigned first = 0, last = 0;
  Value buffer; // made on first use
};

class Scheduler {
public:
  /// `host`: the device of the dispatches that the host runs; empty in a plan for the host.
  Scheduler(ModuleOp module, func::FuncOp main, SymbolicShapes &shapes, llvm::StringRef device, llvm::StringRef host)
      : module(module), main(main), shapes(shapes), device(device), host(host), b(module.getContext()) {}
  LogicalResult run();

private:
  void findStorage();
  void findLifetimes();
  void assignOutputs();
  void planMemory();
  void planLate();
  LogicalResult checkOrder();
  llvm::SmallVector<unsigned> readStepsOf(llvm::ArrayRef<AffineExpr> sizes);
  void createEntry();
  ArrayAttr describe(bool inputs);
  std::optional<int64_t> grownInput(Value output);
  void addChecks();
  void addCheck(llvm::StringRef relation, AffineExpr a, AffineExpr b, const llvm::Twine &message);
  LogicalResult addStep(plan::DispatchOp dispatch);
  void addCopy(plan::TransferOp transfer);
  void addRead(ReadSizesOp read);
  void addCall(CallOp call);
  bool isHost(llvm::StringRef of) const { return !host.empty() && of == host; }
  void addOutputCopies();
  llvm::SmallVector<AffineExpr> kernelSizes(plan::DispatchOp dispatch, AffineMap formula);
  AffineExpr kernelSize(plan::DispatchOp dispatch, func::FuncOp kernel, llvm::StringRef attr, int64_t otherwise);

  Value bufferOf(Value tensor);
  Value createBuffer(Storage &storage);
  plan::BufferType bufferType(Value tensor);
  std::optional<int64_t> roomOf(Value tensor);
  bool conflicts(const Storage &x, const Storage &y) const;
  bool mayRunWith(llvm::ArrayRef<unsigned> reads, llvm::ArrayRef<unsigned> writes) const;
  bool joinGroup(ValueRange reads, ValueRange writes);
  AffineMap map(AffineExpr e) { return shapes.symbols().map(e); }
  std::string describeDim(int64_t input, int64_t dim, llvm::StringRef symbol);
  llvm::StringRef argName(int64_t i);

  ModuleOp module;
  func::FuncOp main;
  SymbolicShapes &shapes;
  llvm::StringRef device, host;
  OpBuilder b;
  plan::EntryOp entry;
  std::vector<Storage> storages;
  llvm::DenseMap<Value, unsigned> storageOf;
  llvm::SmallVector<Operation *> steps;        // dispatches, transfers, reads and calls
  llvm::DenseMap<int64_t, unsigned> readSteps; // by the read's number
  /// The device's arena, then the host's.
  struct Arena {
    llvm::SmallVector<ArenaValue> values;
    ArenaPlan plan;
  };
  Arena arenas[2];
  Arena &arenaOf(const Storage &s) { return arenas[s.place == Place::HostArena]; }
  const Arena &arenaOf(const Storage &s) const { return arenas[s.place == Place::HostArena]; }
  llvm::DenseMap<Value, Value> buffers;
  llvm::SetVector<std::pair<AffineExpr, AffineExpr>> checked;
  struct GroupStep {
    llvm::SmallVector<unsigned> reads, writes; // storages
  };
  llvm::SmallVector<GroupStep> group; // steps since the last barrier
  llvm::StringMap<func::FuncOp> kernels;
};

} // namespace

// ---- where tensors live ----

void Scheduler::findStorage() {
  auto add = [&](Value owner, Place place, int64_t index = -1) {
    storageOf[owner] = storages.size();
    Storage &s = storages.emplace_back();
    s.owner = owner;
    s.place = place;
    s.index = index;
  };
  for (BlockArgument arg : main.getArguments())
    add(arg, Place::Input, arg.getArgNumber());
  for (Operation &op : main.getBody().front()) {
    if (isa<ConstantOp>(op)) {
      add(op.getResult(0), Place::Constant);
    } else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op)) {
      storageOf[op.getResult(0)] = storageOf.lookup(op.getOperand(0));
    } else if (auto dispatch = dyn_cast<plan::DispatchOp>(op)) {
      steps.push_back(dispatch);
      for (Value result : dispatch.getResults())
        add(result, isHost(dispatch.getDevice()) ? Place::HostArena : Place::Arena);
    } else if (auto transfer = dyn_cast<plan::TransferOp>(op)) {
      steps.push_back(transfer);
      add(transfer.getResult(), isHost(transfer.getDevice()) ? Place::HostArena : Place::Arena);
    } else if (auto read = dyn_cast<ReadSizesOp>(op)) {
      readSteps[read.getRead()] = steps.size();
      steps.push_back(read);
    } else if (auto call = dyn_cast<CallOp>(op)) {
      if (int64_t read = call.getRead(); read >= 0)
        readSteps[read] = steps.size();
      steps.push_back(call);
      for (Value result : call.getResults())
        add(result, host.empty() ? Place::Arena : Place::HostArena);
    } else if (isa<tensor::EmptyOp>(op)) {
      add(op.getResult(0), Place::Arena); // nobody writes it: its contents do not matter
    }
  }
}

void Scheduler::findLifetimes() {
  for (auto [step, op] : llvm::enumerate(steps)) {
    for (Value result : op->getResults()) {
      Storage &s = storages[storageOf.lookup(result)];
      s.first = s.last = step;
    }
    for (Value input : op->getOperands()) {
      if (!isa<RankedTensorType>(input.getType()))
        continue;
      Storage &s = storages[storageOf.lookup(input)];
      s.last = std::max<unsigned>(s.last, step);
    }
  }
}

/// A returned value is written straight into the output; what is returned twice, an input or a constant is
/// copied at the end.
void Scheduler::assignOutputs() {
  Operation *terminator = main.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    Storage &s = storages[storageOf.lookup(operand.get())];
    s.last = steps.size(); // copies come after the last dispatch
    if (s.place != (host.empty() ? Place::Arena : Place::HostArena))
      continue;
    s.place = Place::Output;
    s.index = operand.getOperandNumber();
  }
}

/// The reads that the sizes wait for; none: they are known before the call.
llvm::SmallVector<unsigned> Scheduler::readStepsOf(llvm::ArrayRef<AffineExpr> sizes) {
  llvm::SmallVector<int64_t> reads;
  for (AffineExpr size : sizes)
    shapes.symbols().collectReads(size, reads);
  llvm::SmallVector<unsigned> found;
  for (int64_t read : reads) {
    auto step = readSteps.find(read);
    assert(step != readSteps.end() && "a size waits for a read that is gone");
    found.push_back(step->second);
  }
  return found;
}

/// Values of late size share slots where their lives do not overlap. A slot may grow, and lose its contents, as soon as one of the reads
/// has run that a size of the value or of a view of it mentions: a choice between sizes may need one of them alone.
void Scheduler::planLate() {
  std::vector<SmallVector<AffineExpr>> sizes(storages.size());
  for (auto [tensor, storage] : storageOf)
    llvm::append_range(sizes[storage], shapes.shape(tensor));
  struct Life {
    unsigned begin, end;
    Storage *storage;
  };
  llvm::SmallVector<Life> lives;
  for (Storage &s : storages) {
    if (s.place != Place::Arena && s.place != Place::HostArena)
      continue;
    llvm::SmallVector<unsigned> reads = readStepsOf(sizes[&s - storages.data()]);
    if (reads.empty())
      continue;
    s.place = Place::Late;
    lives.push_back({*llvm::min_element(reads), s.last, &s});
  }
  llvm::sort(lives, [](const Life &a, const Life &b) { return std::tie(a.begin, a.storage) < std::tie(b.begin, b.storage); });
  llvm::SmallVector<unsigned> busyUntil; // per slot
  for (Life &life : lives) {
    auto slot = llvm::find_if(busyUntil, [&](unsigned end) { return end < life.begin; });
    life.storage->arena = slot - busyUntil.begin();
    if (slot == busyUntil.end())
      busyUntil.push_back(life.end);
    else
      *slot = life.end;
  }
}

/// Sizes must be read before a step uses them: the order of @main sees to that.
LogicalResult Scheduler::checkOrder() {
  for (auto [step, op] : llvm::enumerate(steps)) {
    SmallVector<AffineExpr> sizes;
    llvm::SmallVector<Value> values(op->getOperands());
    if (!isa<CallOp>(op)) // which finds the sizes of its results itself
      llvm::append_range(values, op->getResults());
    for (Value v : values) {
      if (isa<RankedTensorType>(v.getType()))
        llvm::append_range(sizes, shapes.shape(v));
      else if (AffineExpr size = shapes.index(v))
        sizes.push_back(size);
    }
    if (llvm::any_of(readStepsOf(sizes), [&, step = step](unsigned read) { return read >= step; }))
      return op->emitError("uses sizes that are read after it");
  }
  return success();
}

void Scheduler::planMemory() {
  planLate();
  for (Storage &s : storages) {
    if (s.place != Place::Arena && s.place != Place::HostArena)
      continue;
    AffineExpr bytes = shapes.symbols().constant(elementBytes(cast<RankedTensorType>(s.owner.getType()).getElementType()));
    for (AffineExpr dim : shapes.shape(s.owner))
      bytes = bytes * dim;
    Arena &arena = arenaOf(s);
    s.arena = arena.values.size();
    arena.values.push_back({canonicalSize(bytes), s.first, s.last});
  }
  for (Arena &arena : arenas)
    arena.plan = planArena(arena.values, shapes.symbols());
}

// ---- signature and checks ----

/// The input that an output starts with: concat(input, ...), as a key-value cache grows. Without room both are copied.
std::optional<int64_t> Scheduler::grownInput(Value output) {
  auto origin = [](Value value) {
    while (Operation *op = value.getDefiningOp()) {
      if (!isa<tensor::CastOp, plan::TransferOp>(op))
        break;
      value = op->getOperand(0);
    }
    return value;
  };
  auto dispatch = origin(output).getDefiningOp<plan::DispatchOp>();
  func::FuncOp kernel = dispatch ? kernels.lookup(dispatch.getKernel()) : func::FuncOp();
  if (!kernel || kernel.isExternal())
    return std::nullopt;
  Operation *root = kernel.getBody().front().getTerminator()->getOperand(0).getDefiningOp();
  auto append = dyn_cast_or_null<AppendOp>(root);
  bool grows = isa_and_nonnull<tensor::ConcatOp>(root) || (append && !append.getPositions());
  auto first = grows ? dyn_cast<BlockArgument>(root->getOperand(0)) : BlockArgument();
  if (!first || first.getArgNumber() >= dispatch.getInputs().size())
    return std::nullopt;
  auto input = dyn_cast<BlockArgument>(origin(dispatch.getInputs()[first.getArgNumber()]));
  if (!input || input.getOwner() != &main.getBody().front())
    return std::nullopt;
  return input.getArgNumber();
}

ArrayAttr Scheduler::describe(bool inputs) {
  llvm::SmallVector<Attribute> list;
  unsigned count = inputs ? main.getNumArguments() : main.getNumResults();
  Operation *terminator = main.getBody().front().getTerminator();
  for (unsigned i = 0; i < count; ++i) {
    auto attr = [&](llvm::StringRef name) { return inputs ? main.getArgAttr(i, name) : main.getResultAttr(i, name); };
    Value value = inputs ? Value(main.getArgument(i)) : terminator->getOperand(i);
    auto type = cast<RankedTensorType>(value.getType());
    auto given = dyn_cast_or_null<ArrayAttr>(attr("laic.dims"));
    llvm::SmallVector<Attribute> dims;
    for (auto [d, size] : llvm::enumerate(shapes.shape(value))) {
      Attribute name = given && d < given.size() ? given[d] : Attribute();
      if (auto c = constantSize(size))
        dims.push_back(b.getI64IntegerAttr(*c));
      else
        dims.push_back(isa_and_nonnull<StringAttr>(name) ? name : b.getStringAttr(""));
    }
    auto name = dyn_cast_or_null<StringAttr>(attr("laic.name"));
    auto element = dyn_cast_or_null<TypeAttr>(attr("laic.element"));
    llvm::SmallVector<NamedAttribute> fields{
        b.getNamedAttr("name", name ? name : b.getStringAttr((inputs ? "input" : "output") + llvm::Twine(i))),
        b.getNamedAttr("element", element ? element : TypeAttr::get(type.getElementType())),
        b.getNamedAttr("dims", b.getArrayAttr(dims))};
    auto grows = cast_or_null<IntegerAttr>(inputs ? Attribute() : attr(kGrowsAttr));
    if (std::optional<int64_t> grown = inputs || grows ? std::nullopt : grownInput(value))
      grows = b.getI64IntegerAttr(*grown);
    if (grows)
      fields.push_back(b.getNamedAttr("grows", grows));
    if (Attribute room = attr(kRoomAttr))
      fields.push_back(b.getNamedAttr("room", room));
    if (!inputs)
      fields.push_back(b.getNamedAttr("shape", AffineMapAttr::get(shapes.symbols().map(shapes.shape(value)))));
    list.push_back(b.getDictionaryAttr(fields));
  }
  return b.getArrayAttr(list);
}

void Scheduler::createEntry() {
  b.setInsertionPoint(main);
  ArrayAttr empty = b.getArrayAttr({});
  AffineMap zero = AffineMap::getConstantMap(0, b.getContext());
  entry = plan::EntryOp::create(b, main.getLoc(), main.getSymName(), device, empty, empty, empty, zero, zero);
  b.setInsertionPointToStart(&entry.getBody().emplaceBlock());
}

llvm::StringRef Scheduler::argName(int64_t i) {
  auto name = main.getArgAttrOfType<StringAttr>(i, "laic.name");
  return name ? name.getValue() : llvm::StringRef();
}

std::string Scheduler::describeDim(int64_t input, int64_t dim, llvm::StringRef symbol) {
  std::string text = ("input '" + argName(input) + "': dim " + llvm::Twine(dim)).str();
  return symbol.empty() ? text : text + " (" + symbol.str() + ")";
}

void Scheduler::addCheck(llvm::StringRef relation, AffineExpr lhs, AffineExpr rhs, const llvm::Twine &message) {
  llvm::SmallVector<int64_t> reads;
  shapes.symbols().collectReads(lhs, reads);
  shapes.symbols().collectReads(rhs, reads);
  // Checks of what was read before its contents became known are out of date.
  if (llvm::any_of(reads, [&](int64_t read) { return !readSteps.count(read); }) || !checked.insert({lhs, rhs}))
    return;
  plan::CheckOp::create(b, main.getLoc(), relation, map(lhs), map(rhs), message.str());
}

/// Inputs must have the sizes that the signature states, and no computed size may be negative.
void Scheduler::addChecks() {
  SizeSymbols &symbols = shapes.symbols();
  for (BlockArgument arg : main.getArguments()) {
    int64_t input = arg.getArgNumber();
    for (auto [d, size] : llvm::enumerate(shapes.shape(arg))) {
      if (auto symbol = dyn_cast<AffineSymbolExpr>(size)) {
        SizeSymbol s = symbols[symbol.getPosition()];
        if (s.arg == input && s.index == int64_t(d))
          continue;
        AffineExpr here = symbols.inputDim(describeDim(input, d, ""), input, d);
        addCheck("eq", here, size, describeDim(input, d, s.name) + " must be equal to " + describeDim(s.arg, s.index, ""));
        continue;
      }
      AffineExpr here = symbols.inputDim(describeDim(input, d, ""), input, d);
      addCheck("eq", here, size, describeDim(input, d, "") + " must be " + llvm::Twine(*constantSize(size)));
    }
  }
  for (const SizeCheck &check : symbols.checks())
    addCheck(check.atLeast ? "ge" : "eq", check.a, check.b, check.message);
  for (plan::DispatchOp dispatch : main.getBody().front().getOps<plan::DispatchOp>())
    for (Value result : dispatch.getResults())
      for (auto [d, size] : llvm::enumerate(shapes.shape(result)))
        if (!symbols.knownAtLeast(size, 0)) {
          std::string where;
          llvm::raw_string_ostream os(where);
          if (auto name = dispatch.getLoc()->findInstanceOf<NameLoc>())
            os << "node '" << name.getName().getValue() << "'";
          else
            os << "kernel '" << dispatch.getKernel() << "'";
          addCheck("ge", size, symbols.constant(0), where + ": dim " + llvm::Twine(d) + " of its result would be negative");
        }
}

// ---- steps ----

/// The dim along which the memory of a tensor has room: that of an argument or of what is returned, through views.
std::optional<int64_t> Scheduler::roomOf(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    return laic::roomOf(main.getArgAttrDict(argument.getArgNumber()));
  Operation *op = tensor.getDefiningOp();
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op)) {
    std::optional<int64_t> room = roomOf(op->getOperand(0));
    return room ? roomBehind(op, *room) : std::nullopt;
  }
  const Storage &s = storages[storageOf.lookup(tensor)];
  return s.place == Place::Output ? laic::roomOf(main.getResultAttrDict(s.index)) : std::nullopt;
}

plan::BufferType Scheduler::bufferType(Value tensor) {
  return plan::BufferType::get(b.getContext(), cast<RankedTensorType>(tensor.getType()).getElementType(),
                               shapes.symbols().map(shapes.shape(tensor)), roomOf(tensor).value_or(-1));
}

Value Scheduler::createBuffer(Storage &s) {
  plan::BufferType type = bufferType(s.owner);
  Location loc = s.owner.getLoc();
  switch (s.place) {
  case Place::Input:
    return plan::InputOp::create(b, loc, type, s.index);
  case Place::Output:
    return plan::OutputOp::create(b, loc, type, s.index);
  case Place::Constant:
    return plan::ConstantOp::create(b, loc, type, s.owner.getDefiningOp<ConstantOp>().getValue());
  case Place::Late:
    return plan::LateOp::create(b, loc, type, s.arena);
  case Place::Arena:
  case Place::HostArena:
    Arena &arena = arenaOf(s);
    return plan::AllocOp::create(b, loc, type, map(arena.plan.offsets[s.arena]), map(arena.values[s.arena].bytes),
                                 s.place == Place::HostArena);
  }
  llvm_unreachable("all places are handled");
}

/// The buffer of a tensor: its storage's, under the tensor's own shape.
Value Scheduler::bufferOf(Value tensor) {
  Value &buffer = buffers[tensor];
  if (buffer)
    return buffer;
  Storage &s = storages[storageOf.lookup(tensor)];
  if (!s.buffer)
    s.buffer = createBuffer(s);
  plan::BufferType type = bufferType(tensor);
  buffer = type == s.buffer.getType() ? s.buffer : plan::ViewOp::create(b, tensor.getLoc(), type, s.buffer);
  return buffer;
}

bool Scheduler::conflicts(const Storage &x, const Storage &y) const {
  if (x.place != y.place)
    return false;
  if (x.place == Place::Arena || x.place == Place::HostArena)
    return arenaOf(x).plan.ranges[x.arena].overlaps(arenaOf(x).plan.ranges[y.arena]);
  if (x.place == Place::Late)
    return x.arena == y.arena;
  return x.place == Place::Output && x.index == y.index;
}

bool Scheduler::mayRunWith(llvm::ArrayRef<unsigned> reads, llvm::ArrayRef<unsigned> writes) const {
  auto clash = [&](llvm::ArrayRef<unsigned> xs, llvm::ArrayRef<unsigned> ys) {
    return llvm::any_of(
        xs, [&](unsigned x) { return llvm::any_of(ys, [&](unsigned y) { return conflicts(storages[x], storages[y]); }); });
  };
  return llvm::none_of(group, [&](const GroupStep &other) {
    return clash(other.writes, reads) || clash(other.writes, writes) || clash(other.reads, writes);
  });
}

/// True when a step may start before the others of the group have ended; otherwise a new group begins.
bool Scheduler::joinGroup(ValueRange reads, ValueRange writes) {
  GroupStep step;
  for (Value v : reads)
    step.reads.push_back(storageOf.lookup(v));
  for (Value v : writes)
    step.writes.push_back(storageOf.lookup(v));
  bool joins = !group.empty() && group.size() < kMaxConcurrent && mayRunWith(step.reads, step.writes);
  if (!joins)
    group.clear();
  group.push_back(std::move(step));
  return joins;
}

/// A kernel's formulas for the sizes of one dispatch.
llvm::SmallVector<AffineExpr> Scheduler::kernelSizes(plan::DispatchOp dispatch, AffineMap formula) {
  llvm::SmallVector<AffineExpr> arguments;
  auto addDims = [&](ValueRange tensors) {
    for (Value v : tensors)
      for (auto [d, size] : llvm::enumerate(shapes.shape(v)))
        if (cast<RankedTensorType>(v.getType()).isDynamicDim(d))
          arguments.push_back(size);
  };
  addDims(dispatch.getInputs());
  addDims(dispatch.getOutputs());
  for (Value size : dispatch.getSizes())
    arguments.push_back(shapes.index(size));
  arguments.resize(std::max<size_t>(arguments.size(), formula.getNumSymbols()), shapes.symbols().constant(0));
  return llvm::map_to_vector(formula.getResults(),
                             [&](AffineExpr result) { return canonicalSize(result.replaceSymbols(arguments)); });
}

AffineExpr Scheduler::kernelSize(plan::DispatchOp dispatch, func::FuncOp kernel, llvm::StringRef attr, int64_t otherwise) {
  auto formula = kernel->getAttrOfType<AffineMapAttr>(attr);
  return formula ? kernelSizes(dispatch, formula.getValue()).front() : shapes.symbols().constant(otherwise);
}

LogicalResult Scheduler::addStep(plan::DispatchOp dispatch) {
  func::FuncOp kernel = kernels.lookup(dispatch.getKernel());
  if (!kernel)
    return dispatch.emitError("refers to unknown kernel '") << dispatch.getKernel() << "'";
  llvm::SmallVector<Value> ins, outs;
  for (Value v : dispatch.getInputs())
    ins.push_back(bufferOf(v));
  for (Value v : dispatch.getOutputs())
    outs.push_back(bufferOf(v));
  llvm::SmallVector<AffineExpr> sizes;
  for (Value v : dispatch.getSizes()) {
    if (!shapes.index(v))
      return dispatch.emitError("one of its sizes is not known before the call");
    sizes.push_back(shapes.index(v));
  }
  if (auto parameters = kernel->getAttrOfType<AffineMapAttr>(kParametersAttr))
    sizes = kernelSizes(dispatch, parameters.getValue());
  bool concurrent = joinGroup(dispatch.getInputs(), dispatch.getOutputs());
  plan::StepOp::create(b, dispatch.getLoc(), dispatch.getKernel(), ins, outs, shapes.symbols().map(sizes),
                       map(kernelSize(dispatch, kernel, kTilesAttr, 1)), map(kernelSize(dispatch, kernel, kWorkspaceAttr, 0)),
                       concurrent, isHost(dispatch.getDevice()));
  return success();
}

void Scheduler::addCopy(plan::TransferOp transfer) {
  Value source = bufferOf(transfer.getSource()), target = bufferOf(transfer.getResult());
  bool concurrent = joinGroup(transfer.getSource(), transfer.getResult());
  plan::CopyOp::create(b, transfer.getLoc(), source, target, concurrent);
}

/// All steps before it have ended when it reads, and none after it starts earlier.
void Scheduler::addRead(ReadSizesOp read) {
  plan::ReadOp::create(b, read.getLoc(), bufferOf(read.getTensor()), read.getRead(), !host.empty());
  group.clear();
}

/// As a read: nothing runs beside it.
void Scheduler::addCall(CallOp call) {
  llvm::SmallVector<Value> ins, outs;
  for (Value v : call.getInputs())
    ins.push_back(bufferOf(v));
  for (Value v : call.getOutputs())
    outs.push_back(bufferOf(v));
  plan::CallOp::create(b, call.getLoc(), call.getKind(), call.getPrograms(), ins, outs, call.getCarried(), call.getFirst(),
                       call.getRead(), call.getLateDims(), !host.empty());
  group.clear();
}

void Scheduler::addOutputCopies() {
  Operation *terminator = main.getBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value value = operand.get();
    int64_t index = operand.getOperandNumber();
    Storage &s = storages[storageOf.lookup(value)];
    if (s.place == Place::Output && s.index == index)
      continue;
    Value source = bufferOf(value);
    auto target = plan::OutputOp::create(b, value.getLoc(), bufferType(value), index);
    // Reads what a step of the group may still be writing; the output itself is nobody else's.
    bool concurrent = joinGroup(value, {});
    plan::CopyOp::create(b, value.getLoc(), source, target, concurrent);
  }
}

LogicalResult Scheduler::run() {
  for (auto kernel : module.getOps<func::FuncOp>())
    kernels[kernel.getSymName()] = kernel;
  findStorage();
  findLifetimes();
  assignOutputs();
  if (failed(checkOrder()))
    return failure();
  planMemory();
  createEntry();
  addChecks();
  for (Operation *op : steps) {
    if (auto transfer = dyn_cast<plan::TransferOp>(op))
      addCopy(transfer);
    else if (auto read = dyn_cast<ReadSizesOp>(op))
      addRead(read);
    else if (auto call = dyn_cast<CallOp>(op))
      addCall(call);
    else if (failed(addStep(cast<plan::DispatchOp>(op))))
      return failure();
  }
  addOutputCopies();

  // Symbols were added on the way; only now are all known.
  entry.setInputsAttr(describe(/*inputs=*/true));
  entry.setOutputsAttr(describe(/*inputs=*/false));
  entry.setArena(map(arenas[0].plan.size));
  entry.setHostArena(map(arenas[1].plan.size));
  shapes.symbols().store(main);
  entry.setSymbolsAttr(main->getAttrOfType<ArrayAttr>("laic.symbols"));
  main.erase();
  return success();
}

namespace {
struct ScheduleProgram : public laic::impl::ScheduleProgramBase<ScheduleProgram> {
  using ScheduleProgramBase::ScheduleProgramBase;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    for (func::FuncOp program : programsOf(module)) {
      bool isCalled = program->hasAttr(kProgramAttr); // such a program is the host's
      std::string own = isCalled && !host.empty() ? std::string(host) : std::string(device),
                  left = isCalled ? std::string() : std::string(host);
      llvm::FailureOr<SymbolicShapes> shapes = SymbolicShapes::compute(program);
      if (failed(shapes) || failed(checkOps(program)) || failed(Scheduler(module, program, *shapes, own, left).run()))
        return signalPassFailure();
    }
  }

  /// What a schedule can be made of.
  static LogicalResult checkOps(func::FuncOp main) {
    for (Operation &op : main.getBody().front()) {
      bool tensors = llvm::any_of(op.getResultTypes(), llvm::IsaPred<RankedTensorType>);
      if (tensors && !isa<ConstantOp, plan::DispatchOp, plan::TransferOp, CallOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp,
                          tensor::CastOp, tensor::EmptyOp>(op))
        return op.emitError("'") << op.getName() << "' is no dispatch; run laic-form-dispatches first";
    }
    return success();
  }
};
} // namespace
