// Names of kernel functions.
#include "KernelNames.h"

#include "laic/Dialect/Laic/BlocksOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Laic/RowsOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace laic;

KernelNames::KernelNames(ModuleOp module) {
  for (Operation &op : module.getBody()->getOperations())
    if (auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName()))
      taken[name.getValue()] = 1;
}

/// Last part of an operation's name without the operand kind: arith.addf -> add, math.exp -> exp.
static llvm::StringRef scalarName(Operation *op) {
  llvm::StringRef name = op->getName().stripDialect();
  if (name.consume_back("imumf") || name.consume_back("numf"))
    return name; // max, min
  if (isa<arith::ArithDialect>(op->getDialect()) && name.size() > 3)
    name.consume_back("f") || name.consume_back("i");
  return name;
}

constexpr size_t kParts = 3;

static std::string join(llvm::ArrayRef<llvm::StringRef> parts, std::string name) {
  for (llvm::StringRef part : parts.take_front(kParts))
    name += (name.empty() ? "" : "_") + part.str();
  return name + (parts.size() > kParts ? "_etc" : "");
}

/// The computation of a generic: its first few distinct operations, what it reduces with, or how it moves
/// data.
static std::string genericName(linalg::GenericOp op) {
  llvm::SetVector<llvm::StringRef> parts;
  bool gathers = false;
  for (Operation &inner : op.getBody()->without_terminator()) {
    gathers |= isa<tensor::ExtractOp>(inner);
    if (isa<arith::ConstantOp, linalg::IndexOp, tensor::ExtractOp, CheckIndexOp, CastOpInterface>(inner))
      continue;
    if (!isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()))
      continue;
    if (inner.getNumResults() == 1 && !inner.getResult(0).getType().isIndex())
      parts.insert(scalarName(&inner));
  }
  if (gathers)
    return "gather";
  if (parts.empty()) {
    bool permutes = llvm::any_of(op.getIndexingMapsArray(), [](AffineMap m) { return !m.isIdentity(); });
    return permutes ? "move" : "cast";
  }
  return join(parts.getArrayRef(), op.getNumReductionLoops() ? "reduce" : "");
}

/// Attention where products take part, otherwise the first few operations.
static std::string rowsName(RowsOp op) {
  bool products = false;
  llvm::SetVector<llvm::StringRef> parts;
  op.getBody().walk([&](Operation *inner) {
    products |= isa<ContractOp>(inner);
    if (isa_and_nonnull<arith::ArithDialect, math::MathDialect>(inner->getDialect()) && !isa<arith::ConstantOp>(inner))
      parts.insert(scalarName(inner));
  });
  return join(parts.getArrayRef(), products ? "attention" : "rows");
}

static std::string kindName(Operation *root) {
  if (auto generic = dyn_cast<linalg::GenericOp>(root))
    return genericName(generic);
  if (isa<PackPanelsOp>(root))
    return "pack";
  if (isa<BlockProductOp>(root))
    return "matmul_nbits";
  if (auto rows = dyn_cast<RowsOp>(root))
    return rowsName(rows);
  if (auto contract = dyn_cast<ContractOp>(root)) {
    AffineMap a = contract.getAMap();
    bool plain = llvm::all_of(a.getResults(), [](AffineExpr e) { return isa<AffineDimExpr>(e); });
    return plain ? "matmul" : "conv";
  }
  return root->getName().stripDialect().str();
}

static void appendType(llvm::raw_ostream &os, Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    os << 'i' << integer.getWidth();
  else
    os << type;
}

std::string KernelNames::make(Operation *root) {
  std::string name;
  llvm::raw_string_ostream os(name);
  os << "laic_" << kindName(root) << '_';
  Type in;
  for (Value operand : root->getOperands())
    if (auto tensor = dyn_cast<RankedTensorType>(operand.getType())) {
      in = tensor.getElementType();
      break;
    }
  auto result = cast<RankedTensorType>(root->getResultTypes().front());
  if (in && in != result.getElementType())
    appendType(os, in);
  appendType(os, result.getElementType());
  for (auto [i, d] : llvm::enumerate(result.getShape())) {
    os << (i ? "x" : "_");
    if (ShapedType::isDynamic(d))
      os << 'd';
    else
      os << d;
  }
  unsigned &count = taken[name];
  if (count++ == 0)
    return name;
  std::string unique;
  do
    unique = name + "_" + std::to_string(count++);
  while (!taken.try_emplace(unique, 1).second);
  return unique;
}
