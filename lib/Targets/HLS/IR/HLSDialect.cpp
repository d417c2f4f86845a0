// Registers the `hls` dialect; prints, parses and verifies its types and operations.
#include "laic/Targets/HLS/HLS.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace laic::hls;

// ---- text of types ----

static void printSign(AsmPrinter &printer, bool isSigned) { printer << (isSigned ? "signed" : "unsigned"); }
static ParseResult parseSign(AsmParser &parser, bool &isSigned) {
  isSigned = succeeded(parser.parseOptionalKeyword("signed"));
  return isSigned ? ParseResult(success()) : parser.parseKeyword("unsigned");
}

#include "laic/Targets/HLS/HLSDialect.cpp.inc"
#include "laic/Targets/HLS/HLSEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "laic/Targets/HLS/HLSTypes.cpp.inc"

#define GET_OP_CLASSES
#include "laic/Targets/HLS/HLSOps.cpp.inc"

void HLSDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "laic/Targets/HLS/HLSTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "laic/Targets/HLS/HLSOps.cpp.inc"
      >();
}

// ---- types ----

LogicalResult NumType::verify(llvm::function_ref<InFlightDiagnostic()> emitError, unsigned width, int integer, bool isSigned) {
  if (width == 0 || width > kMaxWidth)
    return emitError() << "expects a number of 1 to " << kMaxWidth << " bits, got " << width;
  return success();
}

int64_t NumType::getLowest() const { return getIsSigned() ? llvm::minIntN(std::min(getWidth(), 64u)) : 0; }
int64_t NumType::getHighest() const { return llvm::maxIntN(std::min(getWidth() + (getIsSigned() ? 0 : 1), 64u)); }

LogicalResult ArrayType::verify(llvm::function_ref<InFlightDiagnostic()> emitError, llvm::ArrayRef<int64_t> shape, NumType) {
  if (shape.empty() || llvm::any_of(shape, [](int64_t size) { return size < 1; }))
    return emitError() << "expects an array with extents of at least 1";
  return success();
}

LogicalResult StreamType::verify(llvm::function_ref<InFlightDiagnostic()> emitError, unsigned lanes, NumType element) {
  if (lanes < 1 || lanes * element.getWidth() > kMaxBits)
    return emitError() << "expects a word of 1 to " << kMaxBits << " bits, got " << lanes * element.getWidth();
  return success();
}

// ---- designs and stages ----

/// The tasks on the ends of a stream; ports are ends as well.
static LogicalResult verifyEnds(Value stream, bool writtenByPort, bool readByPort) {
  unsigned writers = writtenByPort, readers = readByPort;
  for (OpOperand &use : stream.getUses()) {
    auto stage = dyn_cast<StageOp>(use.getOwner());
    if (!stage)
      return use.getOwner()->emitOpError("uses a stream outside of a stage");
    ++(use.getOperandNumber() < stage.getInputs().size() ? readers : writers);
  }
  if (writers == 1 && readers == 1)
    return success();
  return stream.getDefiningOp()->emitOpError("expects a stream with one writer and one reader, got ")
         << writers << " and " << readers;
}

LogicalResult DesignOp::verifyRegions() {
  for (Operation &op : getBody().front()) {
    if (auto port = dyn_cast<PortOp>(op)) {
      if (failed(verifyEnds(port.getStream(), !port.getOutput(), port.getOutput())))
        return failure();
    } else if (auto stream = dyn_cast<StreamOp>(op)) {
      if (failed(verifyEnds(stream.getStream(), false, false)))
        return failure();
    } else if (!isa<RomOp, StageOp>(op)) {
      return op.emitOpError("is neither a port, a stream, a ROM nor a stage of the design");
    }
  }
  return success();
}

LogicalResult PortOp::verify() {
  auto tensor = dyn_cast<RankedTensorType>(getTensor());
  if (!tensor || !tensor.hasStaticShape())
    return emitOpError("expects a static tensor type, got ") << getTensor();
  llvm::ArrayRef<int64_t> order = getOrder();
  int64_t elements = order.size() % 2 == 0 ? 1 : 0, last = 0;
  for (size_t i = 0; i + 1 < order.size(); i += 2) {
    elements *= order[i];
    last += (order[i] - 1) * order[i + 1];
  }
  if (elements != tensor.getNumElements() || last != elements - 1)
    return emitOpError("expects an order that visits every element of ") << tensor << " once";
  if (elements % getStream().getType().getLanes() != 0)
    return emitOpError("expects lanes that divide the number of elements");
  return success();
}

LogicalResult StreamOp::verify() {
  if (getDepth() < 1)
    return emitOpError("expects a depth of at least 1, got ") << getDepth();
  return success();
}

LogicalResult StageOp::verifyRegions() {
  llvm::SmallVector<Type> expected(getInputs().getTypes());
  llvm::append_range(expected, getOutputs().getTypes());
  if (!llvm::equal(getBody().getArgumentTypes(), expected))
    return emitOpError("expects its body to take the streams it reads, then those it writes");
  for (BlockArgument argument : getBody().getArguments())
    for (Operation *user : argument.getUsers()) {
      bool reads = argument.getArgNumber() < getInputs().size();
      if (reads ? !isa<ReadOp>(user) : !isa<WriteOp>(user))
        return user->emitOpError(reads ? "writes a stream that the stage reads" : "reads a stream that the stage writes");
    }
  llvm::StringSet<> names;
  WalkResult walk = getBody().walk([&](Operation *op) -> WalkResult {
    llvm::StringRef name;
    if (auto loop = dyn_cast<ForOp>(op))
      name = loop.getLabel();
    else if (auto buffer = dyn_cast<BufferOp>(op))
      name = buffer.getName();
    else if (op->getDialect() != (*this)->getDialect() && !isa<arith::ArithDialect>(op->getDialect()))
      return op->emitOpError("is no operation of a stage"), WalkResult::interrupt();
    if (!name.empty() && !names.insert(name).second)
      return op->emitOpError("expects a name of its own in the stage, got '") << name << "' again", WalkResult::interrupt();
    return WalkResult::advance();
  });
  return failure(walk.wasInterrupted());
}

// ---- control ----

LogicalResult ForOp::verifyRegions() {
  if (getBody().getNumArguments() != 1 || !getIndex().getType().isIndex())
    return emitOpError("expects one index as the argument of its body");
  if (getTrip() < 1)
    return emitOpError("expects at least one iteration, got ") << getTrip();
  if (getUnroll() && getIi())
    return emitOpError("is either pipelined or unrolled");
  if (getIi() && *getIi() < 1)
    return emitOpError("expects an initiation interval of at least 1, got ") << *getIi();
  // A pipelined loop unrolls those inside of it; bodies must stay below what tools unroll.
  int64_t instances = 1;
  for (Operation *op = *this; auto loop = dyn_cast_or_null<ForOp>(op); op = loop->getParentOfType<ForOp>()) {
    if (loop != *this && loop.getUnroll() && !getUnroll())
      return emitOpError("is neither pipelined nor unrolled inside of the unrolled loop '") << loop.getLabel() << "'";
    if (loop != *this && loop.getIi() && !getUnroll())
      return emitOpError("must be unrolled inside of the pipelined loop '") << loop.getLabel() << "'";
    if (loop.getUnroll())
      instances *= loop.getTrip();
  }
  if (instances > kMaxUnroll)
    return emitOpError("unrolls its body ") << instances << " times; tools stop at " << kMaxUnroll;
  return success();
}

// ---- storage ----

static LogicalResult verifyPartition(Operation *op, ArrayType array, std::optional<llvm::ArrayRef<int64_t>> partition) {
  if (!partition)
    return success();
  if (partition->size() != array.getShape().size())
    return op->emitOpError("expects a partition per dim, got ") << partition->size() << " for " << array;
  int64_t memories = 1;
  for (auto [factor, size] : llvm::zip(*partition, array.getShape())) {
    if (factor < 1 || size % factor != 0)
      return op->emitOpError("partitions an extent of ") << size << " into " << factor << " memories";
    memories *= factor;
  }
  if (memories > BufferOp::kMaxPartition)
    return op->emitOpError("partitions into ") << memories << " memories; tools take " << BufferOp::kMaxPartition;
  return success();
}

LogicalResult BufferOp::verify() { return verifyPartition(*this, getArray().getType(), getPartition()); }

LogicalResult RomOp::verify() {
  auto type = cast<ArrayType>(getType());
  auto tensor = dyn_cast<RankedTensorType>(getValue().getType());
  if (!tensor || tensor.getShape() != type.getShape())
    return emitOpError("expects a value of shape ") << type << ", got " << getValue().getType();
  auto element = dyn_cast<IntegerType>(tensor.getElementType());
  if (!element || element.getWidth() < type.getElement().getWidth())
    return emitOpError("expects integers that hold ") << type.getElement() << ", got " << tensor.getElementType();
  return verifyPartition(*this, type, getPartition());
}

static LogicalResult verifyIndices(Operation *op, ArrayType array, unsigned indices) {
  if (array.getShape().size() == indices)
    return success();
  return op->emitOpError("expects ") << array.getShape().size() << " indices, got " << indices;
}

static LogicalResult verifyElement(Operation *op, ArrayType array, Type type) {
  if (array.getElement() == type)
    return success();
  return op->emitOpError("expects an element of type ") << array.getElement() << ", got " << type;
}

static LogicalResult verifyWord(Operation *op, StreamType stream, ArrayType array, unsigned indices) {
  if (failed(verifyIndices(op, array, indices)) || failed(verifyElement(op, array, stream.getElement())))
    return failure();
  if (array.getShape().back() % stream.getLanes() != 0)
    return op->emitOpError("expects the array's last extent to be a multiple of ") << stream.getLanes() << " lanes";
  return success();
}

LogicalResult ReadOp::verify() { return verifyWord(*this, getStream().getType(), getArray().getType(), getIndices().size()); }
LogicalResult WriteOp::verify() { return verifyWord(*this, getStream().getType(), getArray().getType(), getIndices().size()); }

LogicalResult LoadOp::verify() {
  if (failed(verifyIndices(*this, getArray().getType(), getIndices().size())))
    return failure();
  return verifyElement(*this, getArray().getType(), getType());
}

LogicalResult StoreOp::verify() {
  if (failed(verifyIndices(*this, getArray().getType(), getIndices().size())))
    return failure();
  return verifyElement(*this, getArray().getType(), getValue().getType());
}

LogicalResult RomLoadOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto rom = symbols.lookupNearestSymbolFrom<RomOp>(*this, getRomAttr());
  if (!rom)
    return emitOpError("refers to unknown ROM '") << getRom() << "'";
  auto type = cast<ArrayType>(rom.getType());
  if (failed(verifyIndices(*this, type, getIndices().size())))
    return failure();
  return verifyElement(*this, type, getType());
}

LogicalResult AccumulateOp::verify() {
  if (failed(verifyIndices(*this, getArray().getType(), getIndices().size())))
    return failure();
  NumType value = getValue().getType(), sum = getArray().getType().getElement();
  if (value.getFraction() != sum.getFraction() || !sum.getIsSigned())
    return emitOpError("expects a signed accumulator with the binary point of ") << value << ", got " << sum;
  if (getTerms() < 1)
    return emitOpError("expects at least one term, got ") << getTerms();
  unsigned needed = value.getWidth() + llvm::Log2_64_Ceil(getTerms()) + 1;
  if (sum.getWidth() < needed)
    return emitOpError("expects an accumulator of ")
           << needed << " bits for " << getTerms() << " values of " << value << ", got " << sum.getWidth();
  return success();
}

// ---- arithmetic ----

LogicalResult ConstantOp::verify() {
  int64_t raw = getRaw();
  if (raw < getType().getLowest() || raw > getType().getHighest())
    return emitOpError("expects a raw integer within ") << getType() << ", got " << raw;
  return success();
}

/// What holds both exactly, with one more bit for the carry; as ap_fixed's operators do.
static NumType sumType(NumType lhs, NumType rhs, bool isSigned) {
  bool mixed = lhs.getIsSigned() != rhs.getIsSigned();
  auto integer = [&](NumType type) { return type.getInteger() + (mixed && !type.getIsSigned() ? 1 : 0); };
  int bits = std::max(integer(lhs), integer(rhs)) + 1;
  int fraction = std::max(lhs.getFraction(), rhs.getFraction());
  return NumType::get(lhs.getContext(), bits + fraction, bits, isSigned);
}

static LogicalResult inferResult(llvm::SmallVectorImpl<Type> &types, std::optional<Location> location, unsigned width,
                                 llvm::function_ref<NumType()> make) {
  if (width > NumType::kMaxWidth)
    return emitOptionalError(location, "a result of ", width, " bits is wider than ", NumType::kMaxWidth);
  types.push_back(make());
  return success();
}

static LogicalResult inferSum(ValueRange operands, std::optional<Location> location, llvm::SmallVectorImpl<Type> &types,
                              bool minus) {
  auto lhs = cast<NumType>(operands[0].getType()), rhs = cast<NumType>(operands[1].getType());
  int integer = std::max(lhs.getInteger(), rhs.getInteger()) + 2, fraction = std::max(lhs.getFraction(), rhs.getFraction());
  return inferResult(types, location, integer + fraction,
                     [&] { return sumType(lhs, rhs, minus || lhs.getIsSigned() || rhs.getIsSigned()); });
}

LogicalResult AddOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      llvm::SmallVectorImpl<Type> &types) {
  return inferSum(adaptor.getOperands(), location, types, false);
}
LogicalResult SubOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      llvm::SmallVectorImpl<Type> &types) {
  return inferSum(adaptor.getOperands(), location, types, true);
}
LogicalResult MulOp::inferReturnTypes(MLIRContext *context, std::optional<Location> location, Adaptor adaptor,
                                      llvm::SmallVectorImpl<Type> &types) {
  auto lhs = cast<NumType>(adaptor.getLhs().getType()), rhs = cast<NumType>(adaptor.getRhs().getType());
  unsigned width = lhs.getWidth() + rhs.getWidth();
  return inferResult(types, location, width, [&] {
    return NumType::get(context, width, lhs.getInteger() + rhs.getInteger(), lhs.getIsSigned() || rhs.getIsSigned());
  });
}

LogicalResult DivOp::verify() {
  NumType lhs = getLhs().getType(), rhs = getRhs().getType();
  if (!lhs.isInteger() || !rhs.isInteger() || lhs.getIsSigned() || rhs.getIsSigned() || lhs.getWidth() > 64 ||
      rhs.getWidth() > 64)
    return emitOpError("divides unsigned integers of at most 64 bits, got ") << lhs << " and " << rhs;
  return success();
}

LogicalResult RequantizeOp::verify() {
  NumType acc = getAcc().getType(), multiplier = getMultiplier().getType(), result = getType();
  if (!acc.isInteger() || !multiplier.isInteger() || !result.isInteger() || !acc.getIsSigned())
    return emitOpError("expects integers, the accumulator signed");
  if (acc.getWidth() + multiplier.getWidth() > 63) // and one more for the half
    return emitOpError("expects a product of at most 63 bits, got ") << acc.getWidth() << " plus " << multiplier.getWidth();
  if (getShift() < 0 || getShift() > 62)
    return emitOpError("expects a shift from 0 to 62, got ") << getShift();
  int64_t lowest = getLowest(), highest = getHighest();
  if (lowest > highest || lowest < result.getLowest() || highest > result.getHighest())
    return emitOpError("clamps to ") << lowest << " and " << highest << ", which " << result << " does not hold";
  return success();
}

LogicalResult BitsOp::verify() {
  if (getValue().getType().getWidth() != getType().getWidth())
    return emitOpError("expects a result of ") << getValue().getType().getWidth() << " bits, got " << getType().getWidth();
  return success();
}
