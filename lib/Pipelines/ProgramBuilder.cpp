// From a scheduled module to the artifact's program.
#include "ProgramBuilder.h"

#include "NodeNames.h"
#include "laic/Artifact/Format.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/OnnxTypes.h"
#include "laic/Pipelines/Explain.h"
#include "laic/Transforms/Passes.h"
#include "laic/kernel_abi.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace mlir;
using namespace laic;
using artifact::Storage;

// ---- weights ----

bool WeightTable::add(Attribute value, uint64_t bytes, Use use) {
  if (byAttribute.contains(value))
    return true;
  std::vector<char> scratch;
  llvm::ArrayRef<char> content = constantBytes(store, value, scratch);
  if (content.size() < bytes)
    return false;
  XXH128_hash_t hash = XXH3_128bits(content.data(), bytes);
  Part &part = parts[use];
  auto [it, inserted] =
      byContent.try_emplace({bytes, hash.high64, hash.low64}, use, llvm::alignTo(part.end, artifact::kTensorAlignment));
  if (inserted) {
    part.entries.push_back({value, it->second.second, bytes});
    part.end = it->second.second + bytes;
  }
  byAttribute[value] = it->second;
  return true;
}

WeightTable::Position WeightTable::position(Attribute value) const {
  auto [use, offset] = byAttribute.at(value);
  return {use == LookUp && !parts[Read].entries.empty() ? 1u : 0u, offset};
}

std::vector<artifact::SegmentSource> WeightTable::segments() const {
  std::vector<artifact::SegmentSource> list;
  for (Use use : {Read, LookUp})
    if (const Part &part = parts[use]; !part.entries.empty())
      list.push_back({artifact::SegmentKind::Weights, part.end,
                      [this, use](artifact::SegmentSink &sink) { return write(use, sink); }, use == LookUp});
  return list;
}

std::string WeightTable::write(Use use, artifact::SegmentSink &sink) const {
  std::vector<char> scratch;
  for (const Entry &entry : parts[use].entries) {
    llvm::ArrayRef<char> content = constantBytes(store, entry.value, scratch);
    if (content.size() < entry.bytes)
      return "the bytes of a constant have gone";
    if (!sink.padTo(entry.offset) || !sink.write(content.data(), entry.bytes))
      break; // the writer knows why
  }
  return "";
}

// ---- program ----

static WeightStore &storeOf(ModuleOp module) { return module.getContext()->getOrLoadDialect<LaicDialect>()->getWeights(); }

ProgramBuilder::ProgramBuilder(llvm::ArrayRef<PlanSource> sources, const EmitOptions &options)
    : sources(sources), options(options), weights(storeOf(sources.front().module)) {}

ProgramBuilder::Indices ProgramBuilder::scalarList(AffineMap map) {
  Indices list;
  for (AffineExpr e : map.getResults())
    list.push_back(scalars->get(e));
  return list;
}

ProgramBuilder::Indices ProgramBuilder::buffersOf(ValueRange values) {
  Indices list;
  for (Value v : values)
    list.push_back(bufferIndex.lookup(v));
  return list;
}

static artifact::ElementType elementOf(Type type) { return artifact::ElementType(onnxElementCode(type)); }

LogicalResult ProgramBuilder::addBuffer(Value value, const Place &place) {
  auto type = cast<plan::BufferType>(value.getType());
  artifact::ElementType element = elementOf(type.getElement());
  if (element == artifact::ElementType::Undefined)
    return emitError(value.getLoc(), "buffers of ") << type.getElement() << " cannot be kept in an artifact";
  Indices shape = scalarList(type.getShape());
  bufferIndex[value] = buffers.size();
  places.push_back(place);
  uint32_t room = type.getRoom() < 0 ? artifact::kNoDim : uint32_t(type.getRoom());
  buffers.push_back(artifact::CreateBuffer(builder, place.storage, place.index, place.offset, place.offsetScalar, element,
                                           builder.CreateVector(shape), room));
  return success();
}

static uint64_t staticBytes(plan::BufferType type) {
  uint64_t bytes = elementBytes(type.getElement());
  for (AffineExpr e : type.getShape().getResults())
    bytes *= std::max<int64_t>(constantSize(e).value_or(0), 0);
  return bytes;
}

LogicalResult ProgramBuilder::addStorage(Operation *op) {
  Place place;
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](plan::InputOp input) { place = {Storage::Input, uint32_t(input.getIndex())}; })
      .Case([&](plan::OutputOp output) { place = {Storage::Output, uint32_t(output.getIndex())}; })
      .Case([&](plan::AllocOp alloc) {
        place = {alloc.getHost() ? Storage::HostArena : Storage::Arena, 0, 0, scalar(alloc.getOffset())};
      })
      .Case([&](plan::LateOp late) { place = {Storage::Late, uint32_t(late.getSlot())}; })
      .Case([&](plan::ViewOp view) { place = places[bufferIndex.lookup(view.getSource())]; });
  if (auto constant = dyn_cast<plan::ConstantOp>(op)) {
    WeightTable::Position position = weights.position(constant.getValue());
    place = {Storage::Constant, position.segment, position.offset};
  }
  return addBuffer(op->getResult(0), place);
}

uint32_t ProgramBuilder::node(Operation *op, llvm::StringRef kind, double flops) {
  std::string name = nodeNames(op->getLoc());
  auto [it, inserted] = nodeIndex.try_emplace({name, kind.str(), flops}, nodes.size());
  if (inserted)
    nodes.push_back(artifact::CreateNode(builder, builder.CreateString(name), builder.CreateString(kind.str()), flops));
  return it->second;
}

/// laic_add_f32_dx4 -> add
static llvm::StringRef kindOf(llvm::StringRef kernel) {
  kernel.consume_front("laic_");
  return kernel.take_until([](char c) { return c == '_'; });
}

void ProgramBuilder::addHostCall(plan::StepOp op, llvm::StringRef function) {
  uint32_t index = llvm::find(hostFunctions, function) - hostFunctions.begin();
  if (index == hostFunctions.size())
    hostFunctions.push_back(function.str());
  Indices operands = buffersOf(op.getOperands()), sizes = scalarList(op.getSizes());
  uint32_t where = node(op, function.split('.').second, 0);
  uint32_t zero = scalars->constant(0), one = scalars->constant(1);
  auto operandsOffset = builder.CreateVector(operands), sizesOffset = builder.CreateVector(sizes);
  steps.push_back(artifact::CreateStep(builder, artifact::StepKind::HostCall, index, operandsOffset, op.getOutputs().size(),
                                       sizesOffset, one, zero, where, !op.getConcurrent(), op.getHost()));
}

LogicalResult ProgramBuilder::addStep(plan::StepOp op) {
  auto kernel = kernelIndex.find(op.getKernel());
  if (kernel == kernelIndex.end()) {
    auto function = module.lookupSymbol<func::FuncOp>(op.getKernel());
    auto name = function ? function->getAttrOfType<StringAttr>(kHostFunctionAttr) : StringAttr();
    if (!name)
      return op.emitError("kernel '") << op.getKernel() << "' has no code";
    addHostCall(op, name.getValue());
    return success();
  }
  Indices operands = buffersOf(op.getOperands()), sizes = scalarList(op.getSizes());
  AffineExpr flops = costOfStep(op).flops;
  uint32_t where = node(op, kindOf(op.getKernel()), flops ? constantSize(flops).value_or(0) : 0);
  auto operandsOffset = builder.CreateVector(operands), sizesOffset = builder.CreateVector(sizes);
  steps.push_back(artifact::CreateStep(builder, artifact::StepKind::Dispatch, kernel->second, operandsOffset,
                                       op.getOutputs().size(), sizesOffset, scalar(op.getTiles()), scalar(op.getWorkspace()),
                                       where, !op.getConcurrent(), op.getHost()));
  return success();
}

void ProgramBuilder::addCopy(plan::CopyOp op) {
  Indices operands = buffersOf(op.getOperands());
  uint32_t where = node(op, "copy", 0);
  uint32_t zero = scalars->constant(0), one = scalars->constant(1);
  auto operandsOffset = builder.CreateVector(operands), none = builder.CreateVector(Indices());
  steps.push_back(
      artifact::CreateStep(builder, artifact::StepKind::Copy, 0, operandsOffset, 1, none, one, zero, where, !op.getConcurrent()));
}

void ProgramBuilder::addRead(plan::ReadOp op) {
  Indices operands = buffersOf(op->getOperands());
  uint32_t where = node(op, "read", 0);
  uint32_t zero = scalars->constant(0), one = scalars->constant(1);
  auto operandsOffset = builder.CreateVector(operands), none = builder.CreateVector(Indices());
  steps.push_back(artifact::CreateStep(builder, artifact::StepKind::Read, readIndex.lookup(op.getNumber()), operandsOffset, 0,
                                       none, one, zero, where,
                                       /*barrier=*/true, op.getHost()));
}

void ProgramBuilder::addCall(plan::CallOp op) {
  bool isLoop = op.getKind() == "loop";
  Indices operands = buffersOf(op->getOperands()), late(op.getLate().begin(), op.getLate().end()), runs;
  for (auto program : op.getPrograms().getAsRange<FlatSymbolRefAttr>())
    runs.push_back(programIndex.lookup(program.getValue()));
  uint32_t where = node(op, op.getKind(), 0);
  uint32_t zero = scalars->constant(0), one = scalars->constant(1);
  uint32_t read = static_cast<int64_t>(op.getRead()) < 0 ? artifact::kNoScalar : readIndex.lookup(op.getRead());
  auto operandsOffset = builder.CreateVector(operands), lateOffset = builder.CreateVector(late),
       programsOffset = builder.CreateVector(runs);
  steps.push_back(artifact::CreateStep(builder, isLoop ? artifact::StepKind::Loop : artifact::StepKind::If, read, operandsOffset,
                                       op.getOutputs().size(), lateOffset, one, zero, where, /*barrier=*/true, op.getHost(),
                                       programsOffset, op.getCarried(), op.getFirst()));
}

LogicalResult ProgramBuilder::addOperation(Operation *op) {
  if (auto step = dyn_cast<plan::StepOp>(op))
    return addStep(step);
  if (auto copy = dyn_cast<plan::CopyOp>(op)) {
    addCopy(copy);
    return success();
  }
  if (auto read = dyn_cast<plan::ReadOp>(op)) {
    addRead(read);
    return success();
  }
  if (auto call = dyn_cast<plan::CallOp>(op)) {
    addCall(call);
    return success();
  }
  if (auto check = dyn_cast<plan::CheckOp>(op)) {
    auto kind = check.getRelation() == "eq" ? artifact::CheckKind::Equal : artifact::CheckKind::AtLeast;
    uint32_t lhs = scalar(check.getLhs()), rhs = scalar(check.getRhs());
    checks.push_back(artifact::CreateCheck(builder, kind, lhs, rhs, builder.CreateString(check.getMessage().str())));
    return success();
  }
  return addStorage(op);
}

/// In the order of their segments.
static llvm::SmallVector<const CodeBlob *> blobsOf(const PlanSource &source) {
  llvm::SmallVector<const CodeBlob *> blobs;
  for (const CodegenResult *code : {&source.code->device, &source.code->host})
    for (const CodeBlob &blob : code->blobs)
      blobs.push_back(&blob);
  return blobs;
}

void ProgramBuilder::addKernels(const PlanSource &source) {
  uint32_t first = kernels.size(), count = 0;
  auto functions = llvm::make_filter_range(module.getOps<func::FuncOp>(), [](func::FuncOp f) { return !f.isExternal(); });
  for (auto function : functions)
    kernelIndex.try_emplace(function.getSymName(), first + count++);
  std::vector<std::vector<flatbuffers::Offset<artifact::Variant>>> variants(count);
  for (const CodeBlob *blob : blobsOf(source)) {
    for (const KernelCode &kernel : blob->kernels) {
      auto it = kernelIndex.find(kernel.name);
      if (it == kernelIndex.end())
        continue;
      auto needs = builder.CreateVectorOfStrings(blob->requires_);
      variants[it->second - first].push_back(
          artifact::CreateVariant(builder, needs, codeSegments, kernel.offset, kernel.size, kernel.threads));
    }
    ++codeSegments;
  }
  for (auto function : functions) {
    auto list = builder.CreateVector(variants[kernelIndex.lookup(function.getSymName()) - first]);
    kernels.push_back(artifact::CreateKernel(builder, builder.CreateString(function.getSymName().str()), list));
  }
}

llvm::FailureOr<flatbuffers::Offset<artifact::Tensor>> ProgramBuilder::tensor(Attribute description) {
  auto dict = cast<DictionaryAttr>(description);
  llvm::StringRef name = dict.getAs<StringAttr>("name").getValue();
  Type type = dict.getAs<TypeAttr>("element").getValue();
  artifact::ElementType element = elementOf(type);
  if (element == artifact::ElementType::Undefined)
    return emitError(entry.getLoc(), "'") << name << "' has element type " << type << ", which ONNX does not have";
  std::vector<flatbuffers::Offset<artifact::Dim>> dims;
  for (Attribute dim : dict.getAs<ArrayAttr>("dims")) {
    if (auto size = dyn_cast<IntegerAttr>(dim)) {
      dims.push_back(artifact::CreateDim(builder, size.getInt()));
      continue;
    }
    std::string symbol = cast<StringAttr>(dim).getValue().str();
    dims.push_back(artifact::CreateDim(builder, -1, symbol.empty() ? 0 : builder.CreateString(symbol)));
  }
  flatbuffers::Offset<flatbuffers::Vector<uint32_t>> grown;
  if (auto input = dict.getAs<IntegerAttr>("grows"))
    grown = builder.CreateVector(std::vector<uint32_t>{uint32_t(input.getInt())});
  auto nameOffset = builder.CreateString(name.str());
  auto room = dict.getAs<IntegerAttr>("room");
  return artifact::CreateTensor(builder, nameOffset, element, builder.CreateVector(dims), grown,
                                room ? uint32_t(room.getInt()) : artifact::kNoDim);
}

LogicalResult ProgramBuilder::findEntries() {
  for (const PlanSource &source : sources) {
    ModuleOp of = source.module;
    auto found = of.getOps<plan::EntryOp>();
    if (found.empty())
      return of.emitError("there is no plan.entry; run laic-schedule-program first");
    entries.emplace_back(found.begin(), found.end());
    // Programs stand behind what runs them: the artifact's verifier counts on that.
    auto main = llvm::find_if(entries.back(), [](plan::EntryOp entry) { return entry.getSymName() == "main"; });
    if (main != entries.back().end())
      std::rotate(entries.back().begin(), main, main + 1);
  }
  return success();
}

/// Does a value in the body of an operation follow from elements of tensors, and not from its place alone?
static bool followsFromElements(Value value) {
  llvm::SetVector<Value> behind;
  behind.insert(value);
  for (size_t i = 0; i < behind.size(); ++i) {
    Operation *op = behind[i].getDefiningOp();
    auto argument = dyn_cast<BlockArgument>(behind[i]);
    if (argument ? isa<linalg::LinalgOp>(argument.getOwner()->getParentOp()) : isa<tensor::ExtractOp>(op))
      return true;
    if (op)
      behind.insert(op->operand_begin(), op->operand_end());
  }
  return false;
}

/// Does a step read single elements of a buffer alone, at places that elements of another tensor name: rows of a table?
static bool looksUp(plan::StepOp step, Value buffer) {
  auto kernel = step->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(step.getKernel());
  if (!kernel || kernel.isExternal())
    return false;
  auto isLookUp = [](Operation *user) {
    auto extract = dyn_cast<tensor::ExtractOp>(user);
    return extract && llvm::any_of(extract.getIndices(), followsFromElements);
  };
  for (auto [i, input] : llvm::enumerate(step.getInputs()))
    if (input == buffer && !llvm::all_of(kernel.getArgument(i).getUsers(), isLookUp))
      return false;
  return true;
}

/// Does everything that reads a buffer look it up? Small ones are not worth the question.
static bool isLookedUp(Value buffer) {
  constexpr uint64_t kLarge = 1 << 20;
  return staticBytes(cast<plan::BufferType>(buffer.getType())) >= kLarge && llvm::all_of(buffer.getUsers(), [&](Operation *user) {
           if (auto view = dyn_cast<plan::ViewOp>(user))
             return isLookedUp(view.getResult());
           auto step = dyn_cast<plan::StepOp>(user);
           return step && looksUp(step, buffer);
         });
}

// Which segment code lies in depends on the weights: look at those first. What some plan reads wholly is settled before what all look up.
LogicalResult ProgramBuilder::addWeights() {
  llvm::MapVector<Attribute, llvm::SmallVector<plan::ConstantOp, 1>> constants;
  for (const std::vector<plan::EntryOp> &list : entries)
    for (plan::EntryOp of : list)
      for (auto constant : of.getBody().front().getOps<plan::ConstantOp>())
        constants[constant.getValue()].push_back(constant);
  llvm::SmallVector<plan::ConstantOp> byUse[2];
  for (auto &[value, list] : constants) {
    bool lookUp = llvm::all_of(list, [](plan::ConstantOp constant) { return isLookedUp(constant.getBuffer()); });
    byUse[lookUp ? WeightTable::LookUp : WeightTable::Read].push_back(list.front());
  }
  for (WeightTable::Use use : {WeightTable::Read, WeightTable::LookUp})
    for (plan::ConstantOp constant : byUse[use])
      if (!weights.add(constant.getValue(), staticBytes(constant.getBuffer().getType()), use))
        return constant.emitError("the bytes of this constant are not available");
  codeSegments = weights.segments().size();
  return success();
}

/// What the entry says of an input (side 0) or output. Room for growth that some plan makes use of is everyone's to give.
DictionaryAttr ProgramBuilder::withRoom(int side, size_t index) {
  auto describe = [&](plan::EntryOp of) { return cast<DictionaryAttr>((side == 0 ? of.getInputs() : of.getOutputs())[index]); };
  DictionaryAttr own = describe(entry);
  for (const std::vector<plan::EntryOp> &list : entries)
    for (plan::EntryOp of : list) {
      if (of.getSymName() != entry.getSymName() || !describe(of).contains("room"))
        continue;
      NamedAttrList fields(own);
      for (llvm::StringRef name : {"room", "grows"})
        if (Attribute value = describe(of).get(name))
          fields.set(name, value);
      return fields.getDictionary(own.getContext());
    }
  return own;
}

LogicalResult ProgramBuilder::addSignature(Signature &signature) {
  ArrayAttr described[] = {entry.getInputs(), entry.getOutputs()};
  for (int side = 0; side < 2; ++side)
    for (auto [i, description] : llvm::enumerate(described[side])) {
      auto offset = tensor(withRoom(side, i));
      if (failed(offset))
        return failure();
      signature.tensors[side].push_back(*offset);
    }
  for (Attribute description : entry.getOutputs()) {
    auto shape = cast<DictionaryAttr>(description).getAs<AffineMapAttr>("shape");
    llvm::append_range(signature.outputShapes, scalarList(shape.getValue()));
  }
  return success();
}

/// A schedule; with `signature` also what the entry's callers see.
llvm::FailureOr<flatbuffers::Offset<artifact::Plan>> ProgramBuilder::addPlan(plan::EntryOp of, Signature *signature) {
  entry = of;
  symbols = std::make_unique<SizeSymbols>(SizeSymbols::fromAttr(entry.getSymbols()));
  readIndex.clear();
  for (Operation &op : entry.getBody().front()) {
    if (auto read = dyn_cast<plan::ReadOp>(op))
      readIndex.try_emplace(read.getNumber(), readIndex.size());
    else if (auto call = dyn_cast<plan::CallOp>(op); call && int64_t(call.getRead()) >= 0)
      readIndex.try_emplace(call.getRead(), readIndex.size());
  }
  scalars = std::make_unique<ScalarProgram>(*symbols, readIndex);
  places.clear();
  buffers.clear();
  bufferIndex.clear();
  steps.clear();
  checks.clear();
  for (Operation &op : entry.getBody().front())
    if (failed(addOperation(&op)))
      return failure();
  if (signature && failed(addSignature(*signature)))
    return failure();
  uint32_t arena = scalar(entry.getArena()), hostArena = scalar(entry.getHostArena());
  auto device = builder.CreateString(entry.getDevice().str());
  auto scalarOffset = builder.CreateVectorOfStructs(scalars->scalars());
  auto checkOffset = builder.CreateVector(checks);
  auto bufferOffset = builder.CreateVector(buffers);
  auto stepOffset = builder.CreateVector(steps);
  return artifact::CreatePlan(builder, device, scalarOffset, checkOffset, bufferOffset, stepOffset, arena, hostArena);
}

flatbuffers::Offset<artifact::Entry> ProgramBuilder::entryOffset(plan::EntryOp of, const Signature &signature,
                                                                 llvm::ArrayRef<flatbuffers::Offset<artifact::Plan>> plans) {
  auto name = builder.CreateString(of.getSymName().str());
  auto inputs = builder.CreateVector(signature.tensors[0]), outputs = builder.CreateVector(signature.tensors[1]);
  auto shapeOffset = builder.CreateVector(signature.outputShapes);
  auto planOffset = builder.CreateVector(plans.data(), plans.size());
  return artifact::CreateEntry(builder, name, inputs, outputs, shapeOffset, planOffset);
}

LogicalResult ProgramBuilder::addPlans(const PlanSource &source) {
  module = source.module;
  kernelIndex.clear();
  programIndex.clear();
  addKernels(source);
  llvm::ArrayRef<plan::EntryOp> list = entries[plans.size()];
  for (plan::EntryOp program : list.drop_front())
    programIndex.try_emplace(program.getSymName(), 1 + programs.size() + programIndex.size());
  auto plan = addPlan(list.front(), plans.empty() ? &signature : nullptr);
  if (failed(plan))
    return failure();
  plans.push_back(*plan);
  for (plan::EntryOp program : list.drop_front()) {
    Signature own;
    auto only = addPlan(program, &own);
    if (failed(only))
      return failure();
    programs.push_back(entryOffset(program, own, *only));
  }
  return success();
}

void ProgramBuilder::finish() {
  std::vector<flatbuffers::Offset<artifact::Entry>> list{entryOffset(entries.front().front(), signature, plans)};
  llvm::append_range(list, programs);
  std::vector<flatbuffers::Offset<artifact::Segment>> segmentRecords;
  for (const artifact::SegmentSource &segment : segments())
    segmentRecords.push_back(
        artifact::CreateSegment(builder, segment.kind, artifact::sectionOfSegment(segmentRecords.size()), segment.length));
  std::vector<flatbuffers::Offset<artifact::Metadata>> metadata;
  for (const auto &[key, value] : options.metadata) {
    auto keyOffset = builder.CreateString(key);
    metadata.push_back(artifact::CreateMetadata(builder, keyOffset, builder.CreateString(value)));
  }
  auto producer = builder.CreateString(options.producer), model = builder.CreateString(options.model);
  auto entryList = builder.CreateVector(list);
  auto kernelList = builder.CreateVector(kernels);
  auto segmentList = builder.CreateVector(segmentRecords);
  auto nodeList = builder.CreateVector(nodes);
  auto metadataList = builder.CreateVector(metadata);
  auto calls = hostFunctions.empty() ? 0 : builder.CreateVectorOfStrings(hostFunctions);
  artifact::FinishProgramBuffer(builder, artifact::CreateProgram(builder, LAIC_KERNEL_ABI_VERSION, producer, model, entryList,
                                                                 kernelList, segmentList, nodeList, metadataList, calls));
}

LogicalResult ProgramBuilder::build() {
  if (failed(findEntries()) || failed(addWeights()))
    return failure();
  for (const PlanSource &source : sources)
    if (failed(addPlans(source)))
      return failure();
  finish();
  return success();
}

std::vector<artifact::SegmentSource> ProgramBuilder::segments() const {
  std::vector<artifact::SegmentSource> list = weights.segments();
  for (const PlanSource &source : sources)
    for (const CodeBlob *blob : blobsOf(source))
      list.push_back({artifact::SegmentKind::Code, blob->bytes.size(), [blob](artifact::SegmentSink &sink) {
                        sink.write(blob->bytes.data(), blob->bytes.size());
                        return std::string();
                      }});
  return list;
}
