// laic.rows: which loops of the operations in its body stand for rows.
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/RowsOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;

using Loops = llvm::SmallVector<unsigned>;

/// The loops that index the first `rows` dims of an operand; nullopt where an index is not one loop, or a loop comes twice.
static std::optional<Loops> leadingLoops(AffineMap map, unsigned rows) {
  if (map.getNumResults() < rows)
    return std::nullopt;
  Loops loops;
  for (AffineExpr index : map.getResults().take_front(rows)) {
    auto loop = dyn_cast<AffineDimExpr>(index);
    if (!loop || llvm::is_contained(loops, loop.getPosition()))
      return std::nullopt;
    loops.push_back(loop.getPosition());
  }
  return loops;
}

/// Every map's leading loops, which have to be the same; nullopt otherwise.
static std::optional<Loops> commonLoops(llvm::ArrayRef<AffineMap> maps, unsigned rows) {
  std::optional<Loops> common;
  for (AffineMap map : maps) {
    std::optional<Loops> loops = leadingLoops(map, rows);
    if (!loops || (common && *common != *loops))
      return std::nullopt;
    common = loops;
  }
  return common;
}

static std::optional<Loops> rowLoopsOf(linalg::GenericOp op, unsigned rows, llvm::function_ref<bool(Value)> isInside) {
  llvm::SmallVector<AffineMap> maps;
  for (OpOperand &operand : op->getOpOperands())
    if (isInside(operand.get()))
      maps.push_back(op.getMatchingIndexingMap(&operand));
  if (maps.empty())
    maps.push_back(op.getMatchingIndexingMap(op.getDpsInitOperand(0)));
  std::optional<Loops> loops = commonLoops(maps, rows);
  auto isParallel = [&](unsigned loop) { return op.getIteratorTypesArray()[loop] == utils::IteratorType::parallel; };
  return loops && llvm::all_of(*loops, isParallel) ? loops : std::nullopt;
}

static std::optional<Loops> rowLoopsOf(ContractOp op, unsigned rows, llvm::function_ref<bool(Value)> isInside) {
  if (isInside(op.getB()))
    return std::nullopt;
  unsigned parallel = op.getParallel();
  llvm::SmallVector<AffineMap> maps;
  if (isInside(op.getA()))
    maps.push_back(op.getAMap());
  for (auto [extra, map] : llvm::zip(op.getExtras(), op.getExtraMaps().getAsValueRange<AffineMapAttr>()))
    if (isInside(extra))
      maps.push_back(map);
  if (maps.empty())
    maps.push_back(AffineMap::getMultiDimIdentityMap(parallel, op.getContext()));
  std::optional<Loops> loops = commonLoops(maps, rows);
  // The columns are inside a row, and the last row dim is the one whose neighbours share what they read of B.
  if (!loops || llvm::any_of(*loops, [&](unsigned loop) { return loop + 1 >= parallel; }) ||
      llvm::is_contained(op.getBBatch(), int64_t(loops->back())))
    return std::nullopt;
  return loops;
}

std::optional<Loops> RowsOp::rowLoops(Operation *op, unsigned rows, llvm::function_ref<bool(Value)> isInside) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return rowLoopsOf(generic, rows, isInside);
  if (auto contract = dyn_cast<ContractOp>(op))
    return rowLoopsOf(contract, rows, isInside);
  return std::nullopt;
}

bool RowsOp::makesRows(Operation *op, llvm::ArrayRef<unsigned> loops) {
  auto leads = [&](AffineMap map) {
    std::optional<Loops> leading = leadingLoops(map, loops.size());
    return leading && llvm::ArrayRef(*leading) == loops;
  };
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return llvm::all_of(generic.getDpsInitsMutable(),
                        [&](OpOperand &init) { return leads(generic.getMatchingIndexingMap(&init)); });
  auto contract = dyn_cast<ContractOp>(op);
  return contract && leads(AffineMap::getMultiDimIdentityMap(contract.getParallel(), contract.getContext()));
}

LogicalResult RowsOp::verifyRegions() {
  unsigned rows = getRows();
  auto outputs = dyn_cast<OutputsOp>(getBody().front().getTerminator());
  if (rows == 0 || !outputs)
    return emitOpError("expects at least one row dim and a body that ends in laic.outputs");
  if (outputs.getValues().getTypes() != getResultTypes())
    return emitOpError("expects its body to yield its results");
  auto isMember = [](Operation &op) { return isa<linalg::GenericOp, ContractOp>(op); };
  auto isInside = [&](Value value) {
    Operation *def = value.getDefiningOp();
    return def && def->getBlock() == &getBody().front() && isMember(*def);
  };
  bool rowsAreMade = false;
  for (Operation &op : getBody().front().without_terminator()) {
    if (!isMember(op))
      continue;
    if (auto generic = dyn_cast<linalg::GenericOp>(op))
      for (Value init : generic.getDpsInits()) {
        auto fill = init.getDefiningOp<linalg::FillOp>();
        if (!(fill ? fill.getOutputs()[0] : init).getDefiningOp<tensor::EmptyOp>())
          return op.emitOpError("starts from values that its laic.rows does not make");
      }
    std::optional<Loops> loops = rowLoops(&op, rows, isInside);
    if (!loops)
      return op.emitOpError("does not walk the ") << rows << " row dims of the laic.rows around it";
    rowsAreMade |= makesRows(&op, *loops);
    auto isUsed = [&](Operation *user) { return user != outputs; };
    if (llvm::any_of(op.getUsers(), isUsed) && !makesRows(&op, *loops))
      return op.emitOpError("makes what another operation of its laic.rows reads, but not row by row");
  }
  if (!rowsAreMade)
    return emitOpError("expects an operation that makes rows in their order");
  return success();
}
