// Gathers chains of operations that need one row at a time into laic.rows.
#include "FormContracts.h"
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Laic/RowsOps.h"
#include "laic/Transforms/Contracts/Contraction.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "laic/Transforms/TensorSizes.h"
#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_FORMROWS
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

namespace {

constexpr unsigned kMaxMembers = 24;             // code of a body grows with them
constexpr int64_t kMaxRowElements = 1 << 16;     // a row and what is made of it stay in the second-level cache
constexpr int64_t kFewRows = 4, kLongRow = 4096; // fewer long rows than this leave threads without work

bool isReduction(linalg::GenericOp op) { return op.getNumReductionLoops() > 0; }

/// Every operand is indexed by loops and constants, and nothing is read by a computed index.
bool isPlain(linalg::GenericOp op) {
  for (AffineMap map : op.getIndexingMapsArray())
    if (!llvm::all_of(map.getResults(), llvm::IsaPred<AffineDimExpr, AffineConstantExpr>))
      return false;
  bool plain = true;
  op.getBody()->walk([&](Operation *inner) { plain &= !isa<tensor::ExtractOp, CheckIndexOp>(inner); });
  return plain && op->getNumResults() > 0;
}

/// A reshape that only adds or drops dims of size 1: for each dim of the source its dim of the result, -1 where it is dropped.
std::optional<SmallVector<int64_t>> unitReshape(Operation *reshape) {
  auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(reshape);
  auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(reshape);
  if (!expand && !collapse)
    return std::nullopt;
  auto big = cast<RankedTensorType>(expand ? reshape->getResult(0).getType() : reshape->getOperand(0).getType());
  auto source = cast<RankedTensorType>(reshape->getOperand(0).getType());
  SmallVector<int64_t> positions(source.getRank(), -1);
  auto groups = expand ? expand.getReassociationIndices() : collapse.getReassociationIndices();
  for (auto [small, group] : llvm::enumerate(groups)) {
    int64_t kept = group.front();
    for (int64_t dim : group)
      if (big.getDimSize(dim) != 1)
        kept = dim;
    if (llvm::any_of(group, [&](int64_t dim) { return dim != kept && big.getDimSize(dim) != 1; }))
      return std::nullopt;
    positions[expand ? small : kept] = expand ? kept : small;
  }
  return positions;
}

/// generic(expand_shape(x)) -> generic(x) where the reshape adds or drops dims of size 1 alone: the index says it.
void foldUnitReshapes(func::FuncOp func) {
  for (auto op : func.getBody().front().getOps<linalg::GenericOp>()) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    bool changed = false;
    for (OpOperand *input : op.getDpsInputOperands())
      while (std::optional<SmallVector<int64_t>> positions = unitReshape(input->get().getDefiningOp())) {
        AffineMap &map = maps[input->getOperandNumber()];
        SmallVector<AffineExpr> results;
        for (int64_t position : *positions)
          results.push_back(position < 0 ? getAffineConstantExpr(0, op.getContext()) : map.getResult(position));
        AffineMap folded = AffineMap::get(map.getNumDims(), 0, results, op.getContext());
        // Loops must still be found from some operand.
        SmallVector<AffineMap> all(maps);
        all[input->getOperandNumber()] = folded;
        if (!inversePermutation(concatAffineMaps(all, op.getContext())))
          break;
        map = folded;
        input->set(input->get().getDefiningOp()->getOperand(0));
        changed = true;
      }
    if (changed)
      op.setIndexingMapsAttr(OpBuilder(op).getAffineMapArrayAttr(maps));
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(func.getBody().front())))
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op) && op.use_empty())
      op.erase(); // a reader that is none would keep the value alive
}

/// The operations that will be one laic.rows, grown from a reduction.
class Group {
public:
  Group(linalg::GenericOp seed, TensorSizes &sizes) : seed(seed), sizes(sizes) {}

  /// False where there is nothing to gain.
  bool grow();
  void build(IRRewriter &rewriter);

private:
  bool isSeed();
  bool isInside(Value value) const { return inside.contains(value.getDefiningOp()); }
  bool joins(Operation *op);
  void readWhereItLies(ContractOp contract, Block *body, IRRewriter &rewriter);
  void takeProducers();
  void takeConsumers();
  bool worthIt();

  linalg::GenericOp seed;
  TensorSizes &sizes;
  unsigned rows = 0;
  llvm::SmallPtrSet<Operation *, 16> inside;
  SmallVector<Operation *> members; // in program order
};

} // namespace

// The reduction dims are the innermost ones of the tensor that it reduces, the others are the rows.
bool Group::isSeed() {
  rows = seed.getNumParallelLoops();
  if (rows == 0 || !isReduction(seed) || !isPlain(seed))
    return false;
  for (unsigned i = 0; i < seed.getNumLoops(); ++i)
    if ((seed.getIteratorTypesArray()[i] == utils::IteratorType::parallel) != (i < rows))
      return false;
  auto reducesRows = [&](OpOperand *input) { return seed.getMatchingIndexingMap(input).isIdentity(); };
  return llvm::any_of(seed.getDpsInputOperands(), reducesRows);
}

/// Whether an operation may be a member, given those inside.
bool Group::joins(Operation *op) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    if (!isPlain(generic))
      return false;
    for (Value init : generic.getDpsInits())
      if (!init.getDefiningOp<tensor::EmptyOp>() && !init.getDefiningOp<linalg::FillOp>())
        return false;
    // What pairs every element of one operand with every one of another costs more than a pass over memory.
    unsigned longest = 0;
    for (OpOperand &operand : op->getOpOperands())
      longest = std::max<unsigned>(longest, generic.getMatchingIndexingMap(&operand).getNumResults());
    if (generic.getNumLoops() > longest)
      return false;
  } else if (auto contract = dyn_cast<ContractOp>(op)) {
    if (isConstantValue(contract.getB()) || contract.getBBatch().empty())
      return false;
  } else {
    return false;
  }
  auto loops = RowsOp::rowLoops(op, rows, [&](Value value) { return isInside(value); });
  return loops && (isa<ContractOp>(op) || RowsOp::makesRows(op, *loops));
}

/// What makes a member's rows: pointwise operations, and products of activations.
void Group::takeProducers() {
  SmallVector<Operation *> work = {seed};
  while (!work.empty() && inside.size() < kMaxMembers) {
    Operation *op = work.pop_back_val();
    std::optional<SmallVector<unsigned>> loops =
        RowsOp::rowLoops(op, rows, [&](Value value) { return isInside(value) && value.getDefiningOp() != op; });
    auto reader = dyn_cast<linalg::GenericOp>(op);
    if (!reader || !loops)
      continue;
    for (OpOperand *input : reader.getDpsInputOperands()) {
      Value value = input->get();
      AffineMap map = reader.getMatchingIndexingMap(input);
      Operation *producer = value.getDefiningOp();
      if (!producer || producer->getBlock() != seed->getBlock() || isInside(value) ||
          map.getNumResults() <= rows) // what is not longer than a row per row costs little to make apart
        continue;
      bool aligned = true;
      for (unsigned row = 0; row < rows; ++row) {
        auto dim = dyn_cast<AffineDimExpr>(map.getResult(row));
        aligned &= dim && dim.getPosition() == (*loops)[row];
      }
      auto generic = dyn_cast<linalg::GenericOp>(producer);
      if (!aligned || (generic && isReduction(generic)) || !joins(producer))
        continue;
      auto rowsOfProducer = RowsOp::rowLoops(producer, rows, [](Value) { return false; });
      if (!rowsOfProducer || !RowsOp::makesRows(producer, *rowsOfProducer))
        continue;
      inside.insert(producer);
      work.push_back(producer);
    }
  }
}

/// What uses members' rows, in program order; nothing that a user outside has touched first.
void Group::takeConsumers() {
  llvm::SmallPtrSet<Operation *, 32> behind; // depends on a member, but is none
  auto first = *llvm::min_element(inside, [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); });
  for (Operation *op = first; op; op = op->getNextNode()) {
    if (inside.contains(op)) {
      members.push_back(op);
      continue;
    }
    llvm::SetVector<Value> reads(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), reads);
    bool uses = false, stands = true;
    for (Value value : reads) {
      uses |= isInside(value);
      stands &= !value.getDefiningOp() || !behind.contains(value.getDefiningOp());
    }
    if (uses && stands && inside.size() < kMaxMembers && joins(op)) {
      inside.insert(op);
      members.push_back(op);
    } else if (uses || !stands) {
      behind.insert(op);
    }
  }
  // A producer that was taken may depend on what stands behind another one.
  for (Operation *op : members)
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp(); def && behind.contains(def))
        members.clear();
}

bool Group::worthIt() {
  int64_t count = 1, longest = 1;
  for (unsigned row = 0; row < rows; ++row) {
    AffineExpr size = sizes.loop(seed, row);
    count *= size ? staticSize(size).value_or(1024) : 1024;
  }
  for (Operation *op : members)
    for (Value result : op->getResults()) {
      int64_t row = 1;
      for (int64_t size : cast<RankedTensorType>(result.getType()).getShape().drop_front(rows))
        row *= ShapedType::isDynamic(size) ? 1 : size;
      if (!isa<ContractOp>(op) || llvm::any_of(op->getUsers(), [&](Operation *user) { return inside.contains(user); }))
        longest = std::max(longest, row);
    }
  return longest <= kMaxRowElements && (count >= kFewRows || longest <= kLongRow);
}

bool Group::grow() {
  if (!isSeed() || seed->getParentOfType<RowsOp>())
    return false;
  inside.insert(seed);
  takeProducers();
  takeConsumers();
  return members.size() > 1 && worthIt();
}

static bool liesInVectors(PackPanelsOp pack, ContractOp contract) {
  AffineMap map = pack.getMap(), a = contract.getAMap();
  unsigned columns = pack.getBatch(), reduction = columns + 1;
  if (map.getNumDims() != reduction + 1 || map.getNumResults() == 0)
    return false;
  auto dim = [&](unsigned position) { return getAffineDimExpr(position, pack.getContext()); };
  return contracts::liesInVectors(pack.getSource(), map.getResults().back(), dim(columns), dim(reduction),
                                  a.getResults().back() == dim(contract.getParallel()));
}

/// A decoder's step has one row: packing keys and values would take longer than the products.
void Group::readWhereItLies(ContractOp contract, Block *body, IRRewriter &rewriter) {
  auto pack = contract.getB().getDefiningOp<PackPanelsOp>();
  if (!pack || pack.getRows() || contract.getParallel() != rows + 1 ||
      !llvm::all_of(pack->getUsers(), [&](Operation *user) { return inside.contains(user); }) || !liesInVectors(pack, contract))
    return;
  AffineExpr count = sizes.loop(seed, rows - 1);
  if (!count || staticSize(count).value_or(0) >= PackPanelsOp::kManyRows)
    return;
  rewriter.setInsertionPoint(pack);
  pack.getRowsMutable().assign(sizes.value(rewriter, pack.getLoc(), count));
  rewriter.setInsertionPointToEnd(body);
  Value both = PanelsOp::create(rewriter, contract.getLoc(), pack.getType(), pack.getSource(), pack, pack.getMapAttr(),
                                pack.getBatchAttr());
  contract.getBMutable().assign(both);
}

void Group::build(IRRewriter &rewriter) {
  Operation *last = members.back();
  Location loc = seed.getLoc();
  rewriter.setInsertionPointAfter(last);
  SmallVector<Value> yielded, resultSizes;
  SmallVector<Type> types;
  for (Operation *op : members)
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !inside.contains(user); })) {
        yielded.push_back(result);
        types.push_back(result.getType());
      }
  for (Value value : yielded)
    for (int64_t dim = 0, rank = cast<RankedTensorType>(value.getType()).getRank(); dim < rank; ++dim)
      if (cast<RankedTensorType>(value.getType()).isDynamicDim(dim))
        resultSizes.push_back(sizes.value(rewriter, loc, sizes.get(value, dim)));
  auto group = RowsOp::create(rewriter, loc, types, resultSizes, rows);
  Block *body = rewriter.createBlock(&group.getBody());
  for (Operation *op : members) {
    // Initial values are made inside, where a kernel sees them.
    rewriter.setInsertionPointToEnd(body);
    if (auto style = dyn_cast<DestinationStyleOpInterface>(op))
      for (OpOperand &init : style.getDpsInitsMutable()) {
        Operation *made = init.get().getDefiningOp();
        if (auto fill = dyn_cast<linalg::FillOp>(made)) {
          Operation *empty = rewriter.clone(*fill.getOutputs()[0].getDefiningOp());
          Operation *filled = rewriter.clone(*fill);
          filled->setOperand(1, empty->getResult(0));
          init.set(filled->getResult(0));
        } else {
          init.set(rewriter.clone(*made)->getResult(0));
        }
      }
    if (auto contract = dyn_cast<ContractOp>(op))
      readWhereItLies(contract, body, rewriter);
    rewriter.moveOpBefore(op, body, body->end());
  }
  rewriter.setInsertionPointToEnd(body);
  Operation *outputs = OutputsOp::create(rewriter, loc, yielded);
  for (auto [value, result] : llvm::zip(yielded, group.getResults()))
    rewriter.replaceUsesWithIf(value, result,
                               [&](OpOperand &use) { return use.getOwner() != outputs && use.getOwner()->getBlock() != body; });
}

namespace {
struct FormRowsPass : contracts::impl::FormRowsBase<FormRowsPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    foldUnitReshapes(func);
    IRRewriter rewriter(&getContext());
    TensorSizes sizes(func, rewriter);
    SmallVector<linalg::GenericOp> seeds;
    for (auto op : func.getBody().front().getOps<linalg::GenericOp>())
      if (isReduction(op))
        seeds.push_back(op);
    for (linalg::GenericOp seed : seeds) {
      Group group(seed, sizes);
      if (seed->getBlock() != &func.getBody().front() || !group.grow())
        continue;
      group.build(rewriter);
      // What used the rows before the last member stood has moved in front of the operation that makes them.
      sortTopologically(&func.getBody().front());
    }
  }
};
} // namespace
