// Registers the `plan` dialect; prints, parses and verifies its operations.
#include "laic/Dialect/Plan/Plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace laic::plan;

// ---- sizes: `[s0, s0 * 4, 3]` stands for affine_map<()[s0, ...] -> (s0, s0 * 4, 3)> ----

static void printSizes(AsmPrinter &printer, AffineMap map) {
  printer << '[';
  llvm::interleaveComma(map.getResults(), printer, [&](AffineExpr e) { e.print(printer.getStream()); });
  printer << ']';
}

static ParseResult parseSizes(AsmParser &parser, AffineMap &map) {
  // More symbols than any text in use has; a map keeps as many as it mentions.
  constexpr unsigned kSymbols = 512;
  MLIRContext *ctx = parser.getContext();
  llvm::SmallVector<std::string> names;
  for (unsigned i = 0; i < kSymbols; ++i)
    names.push_back("s" + std::to_string(i));
  llvm::SmallVector<std::pair<llvm::StringRef, AffineExpr>> symbols;
  for (unsigned i = 0; i < kSymbols; ++i)
    symbols.emplace_back(names[i], getAffineSymbolExpr(i, ctx));
  llvm::SmallVector<AffineExpr> exprs;
  auto parseOne = [&]() { return parser.parseAffineExpr(symbols, exprs.emplace_back()); };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
    return failure();
  int64_t used = 0;
  for (AffineExpr e : exprs)
    e.walk([&](AffineExpr part) {
      if (auto s = dyn_cast<AffineSymbolExpr>(part))
        used = std::max<int64_t>(used, s.getPosition() + 1);
    });
  map = AffineMap::get(0, used, exprs, ctx);
  return success();
}

static void printSizesAttr(OpAsmPrinter &printer, Operation *, AffineMapAttr map) { printSizes(printer, map.getValue()); }
static ParseResult parseSizesAttr(OpAsmParser &parser, AffineMapAttr &attr) {
  AffineMap map;
  if (parseSizes(parser, map))
    return failure();
  attr = AffineMapAttr::get(map);
  return success();
}

#include "laic/Dialect/Plan/PlanDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "laic/Dialect/Plan/PlanTypes.cpp.inc"

#define GET_OP_CLASSES
#include "laic/Dialect/Plan/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "laic/Dialect/Plan/PlanTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "laic/Dialect/Plan/PlanOps.cpp.inc"
      >();
}

// ---- verifiers ----

LogicalResult DispatchOp::verify() {
  if (getShapes().size() != getNumResults())
    return emitOpError("expects one shape per result, got ") << getShapes().size() << " for " << getNumResults();
  for (auto [shape, type] : llvm::zip(getShapes().getAsValueRange<AffineMapAttr>(), getResultTypes()))
    if (shape.getNumDims() != 0 || shape.getNumResults() != cast<RankedTensorType>(type).getRank())
      return emitOpError("expects the shape of ") << type << " to be a map over symbols with one result per dim";
  return success();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto kernel = symbols.lookupNearestSymbolFrom<func::FuncOp>(*this, getKernelAttr());
  if (!kernel)
    return emitOpError("refers to unknown kernel '") << getKernel() << "'";
  FunctionType type = kernel.getFunctionType();
  if (!llvm::equal(type.getInputs(), getOperandTypes()) || !llvm::equal(type.getResults(), getResultTypes()))
    return emitOpError("does not fit kernel '") << getKernel() << "' of type " << type;
  return success();
}

LogicalResult StepOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom(*this, getKernelAttr()))
    return emitOpError("refers to unknown kernel '") << getKernel() << "'";
  return success();
}

LogicalResult StepOp::verify() {
  if (getTiles().getNumResults() != 1 || getWorkspace().getNumResults() != 1)
    return emitOpError("expects one expression each for tiles and workspace");
  return success();
}

LogicalResult CallOp::verifySymbolUses(SymbolTableCollection &symbols) {
  for (auto program : getPrograms().getAsRange<FlatSymbolRefAttr>())
    if (!symbols.lookupNearestSymbolFrom(*this, program))
      return emitOpError("refers to unknown program '") << program.getValue() << "'";
  return success();
}

LogicalResult CallOp::verify() {
  bool isLoop = getKind() == "loop";
  if (!isLoop && getKind() != "if")
    return emitOpError("expects kind \"if\" or \"loop\", got \"") << getKind() << "\"";
  if (getPrograms().size() != (isLoop ? 1 : 2))
    return emitOpError("expects ") << (isLoop ? "1 program" : "2 programs") << ", got " << getPrograms().size();
  if (static_cast<int64_t>(getRead()) < 0 && !getLate().empty())
    return emitOpError("has late dims, but no read");
  return success();
}

LogicalResult CheckOp::verify() {
  if (getRelation() != "eq" && getRelation() != "ge")
    return emitOpError("expects relation \"eq\" or \"ge\", got \"") << getRelation() << "\"";
  if (getLhs().getNumResults() != 1 || getRhs().getNumResults() != 1)
    return emitOpError("compares one expression with one expression");
  return success();
}

LogicalResult EntryOp::verify() {
  if (getArena().getNumResults() != 1 || getHostArena().getNumResults() != 1)
    return emitOpError("expects one expression for the arena");
  unsigned symbols = getSymbols().size();
  auto fits = [&](AffineMap map) { return map.getNumDims() == 0 && map.getNumSymbols() <= symbols; };
  for (Operation &op : getBody().front()) {
    for (NamedAttribute attr : op.getAttrs())
      if (auto map = dyn_cast<AffineMapAttr>(attr.getValue()); map && !fits(map.getValue()))
        return op.emitOpError("uses size symbols that the entry does not have");
    for (Type type : op.getResultTypes())
      if (auto buffer = dyn_cast<BufferType>(type); buffer && !fits(buffer.getShape()))
        return op.emitOpError("uses size symbols that the entry does not have");
  }
  return success();
}
