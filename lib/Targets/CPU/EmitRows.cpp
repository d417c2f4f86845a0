// laic.rows: the operations of the body one after the other for a few rows, then for the next ones.
//
//   for blocks of rows:  for operations of the body:  their loops over these rows
//
// What the body does not yield lives in the workspace, one stretch per value that is alive at a time.
#include "KernelEmitter.h"
#include "laic/Dialect/Laic/ControlFlowOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;
using namespace laic::cpu;

namespace laic::cpu {

class RowsEmitter {
public:
  RowsEmitter(KernelEmitter &e, RowsOp op) : e(e), op(op), rowDims(op.getRows()) {}
  LogicalResult run();

private:
  /// Where a value of the body lies in the workspace.
  struct Place {
    Value value;
    SmallVector<Size> row; // its dims without the row dims
    Linear offset;         // bytes
  };

  void gather();
  SmallVector<Size> shapeOf(OpResult result);
  void placeValues();
  int64_t unitOfWork(Operation *member);
  void walk(unsigned dim, ArrayRef<Value> lo, ArrayRef<Value> hi);
  void walkLast(Value lo, Value hi);
  void walkBlocks(Value lo, Value hi);
  void block(int64_t count, Value start);

  KernelEmitter &e;
  RowsOp op;
  unsigned rowDims;
  SmallVector<Operation *> members;
  SmallVector<SmallVector<unsigned>> loops; // per member: the loops of the row dims
  SmallVector<Size> rowSizes;
  SmallVector<Place> places;
  RowScope scope;
  int64_t together = 1; // rows that are computed at a time
  bool broken = false;
};

} // namespace laic::cpu

SmallVector<Size> RowsEmitter::shapeOf(OpResult result) {
  SmallVector<Size> shape;
  if (auto contract = dyn_cast<ContractOp>(result.getOwner())) {
    auto next = contract.getResultSizes().begin();
    for (int64_t size : contract.getC().getType().getShape())
      shape.push_back(ShapedType::isDynamic(size) ? e.canonical(e.sizeOfIndex(*next++)) : Size(size));
    return shape;
  }
  Value init = cast<DestinationStyleOpInterface>(result.getOwner()).getDpsInitOperand(result.getResultNumber())->get();
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    init = fill.getOutputs()[0];
  for (OpFoldResult size : init.getDefiningOp<tensor::EmptyOp>().getMixedSizes()) {
    auto dynamic = dyn_cast<Value>(size);
    shape.push_back(dynamic ? e.canonical(e.sizeOfIndex(dynamic)) : Size(*getConstantIntValue(size)));
  }
  return shape;
}

void RowsEmitter::gather() {
  for (Operation &member : op.getBody().front().without_terminator())
    if (isa<linalg::GenericOp, ContractOp>(member))
      members.push_back(&member);
  auto isMember = [&](Value value) { return value.getDefiningOp() && llvm::is_contained(members, value.getDefiningOp()); };
  auto outputs = cast<OutputsOp>(op.getBody().front().getTerminator());
  auto ret = cast<func::ReturnOp>(e.kernel.getBody().front().getTerminator());
  for (auto [inner, outer] : llvm::zip(outputs.getValues(), op.getResults()))
    for (auto [i, returned] : llvm::enumerate(ret.getOperands()))
      if (returned == outer)
        scope.resultOf[inner] = i;
  for (Operation *member : members) {
    loops.push_back(*RowsOp::rowLoops(member, rowDims, isMember));
    for (OpResult result : member->getResults()) {
      SmallVector<Size> shape = shapeOf(result);
      if (rowSizes.empty() && RowsOp::makesRows(member, loops.back()))
        rowSizes.assign(shape.begin(), shape.begin() + rowDims);
      if (auto yielded = scope.resultOf.find(result); yielded != scope.resultOf.end()) {
        for (auto [known, size] : llvm::zip(e.resultBuffers[yielded->second].sizes, shape))
          e.unify(known, size);
        continue;
      }
      if (!result.use_empty())
        places.push_back({result, SmallVector<Size>(llvm::drop_begin(shape, rowDims)), {}});
    }
  }
}

// Several rows share what a contraction reads of B; elsewhere one row stays in the first-level cache.
static int64_t rowsTogether(ArrayRef<Operation *> members, const Size &last) {
  constexpr int64_t kShared = 24; // whole tiles of 4, 6 and 8 rows
  if (llvm::none_of(members, llvm::IsaPred<ContractOp>))
    return 1;
  return last.isStatic() ? std::min<int64_t>(std::max<int64_t>(last.factor, 1), kShared) : kShared;
}

void RowsEmitter::placeValues() {
  // The last member that reads a value ends its life; a later one of the same size may lie there.
  auto lastUse = [&](Value value) {
    size_t last = 0;
    for (auto [i, member] : llvm::enumerate(members))
      if (llvm::is_contained(value.getUsers(), member))
        last = i;
    return last;
  };
  auto made = [&](Value value) { return size_t(llvm::find(members, value.getDefiningOp()) - members.begin()); };
  auto bytesOf = [&](const Place &place) {
    unsigned bits = cast<RankedTensorType>(place.value.getType()).getElementTypeBitWidth();
    Size bytes(together * std::max<int64_t>(1, bits / 8));
    for (const Size &size : place.row)
      bytes = bytes * size;
    if (bytes.isStatic())
      bytes.factor = llvm::alignTo(bytes.factor, 64);
    return bytes;
  };
  struct Stretch {
    Size bytes;
    Linear offset;
    size_t freeAt;
  };
  SmallVector<Stretch> stretches;
  Linear end;
  for (Place &place : places) {
    Size bytes = bytesOf(place);
    auto free = llvm::find_if(stretches, [&](const Stretch &s) { return s.bytes == bytes && s.freeAt < made(place.value); });
    if (free == stretches.end()) {
      stretches.push_back({bytes, end, 0});
      free = std::prev(stretches.end());
      end.push_back(bytes);
    }
    place.offset = free->offset;
    free->freeAt = lastUse(place.value);
  }
  AffineExpr total = getAffineConstantExpr(0, e.context);
  for (const Size &bytes : end)
    total = total + e.expr(bytes);
  e.workspaceBytes = total;
}

int64_t RowsEmitter::unitOfWork(Operation *member) {
  constexpr int64_t kUnknown = 64;
  if (auto contract = dyn_cast<ContractOp>(member)) {
    FailureOr<Buffer> b = e.bufferOf(contract.getB()); // multiply-adds of a row
    int64_t work = 1;
    for (const Size &size : llvm::drop_begin(b->sizes, contract.getBBatch().size()))
      work *= std::max<int64_t>(1, size.estimate(kUnknown));
    return work / 16;
  }
  int64_t cost = 1;
  for (Operation &inner : cast<linalg::GenericOp>(member).getRegion().front())
    if (isa_and_nonnull<math::MathDialect>(inner.getDialect()))
      cost += 8;
  Value largest = member->getResult(0);
  for (Value operand : member->getOperands())
    if (auto type = dyn_cast<RankedTensorType>(operand.getType());
        type && type.getRank() > cast<RankedTensorType>(largest.getType()).getRank())
      largest = operand;
  for (int64_t size : cast<RankedTensorType>(largest.getType()).getShape().drop_front(rowDims))
    cost *= ShapedType::isDynamic(size) ? kUnknown : std::max<int64_t>(1, size);
  return cost;
}

void RowsEmitter::block(int64_t count, Value start) {
  scope.count = count;
  scope.start = start;
  for (const Place &place : places) {
    SmallVector<Size> sizes(rowDims, Size(1));
    sizes.back() = count;
    sizes.append(place.row);
    Value pointer = e.workspace;
    if (!place.offset.empty()) {
      Value bytes = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), e.value(place.offset));
      pointer = LLVM::GEPOp::create(e.b, e.loc, pointer.getType(), e.b.getI8Type(), pointer, ArrayRef<LLVM::GEPArg>{bytes});
    }
    scope.inside[place.value] = e.makeBuffer(pointer, cast<RankedTensorType>(place.value.getType()).getElementType(), sizes);
  }
  for (auto [member, rowLoops] : llvm::zip(members, loops)) {
    scope.loops = rowLoops;
    auto contract = dyn_cast<ContractOp>(member);
    broken |= failed(contract ? e.emitContract(contract) : e.emitGeneric(cast<linalg::GenericOp>(member)));
  }
}

// Where some B may be read where it lies, few rows have code of their own.
void RowsEmitter::walkLast(Value lo, Value hi) {
  const Size &size = rowSizes.back();
  scope.direct = llvm::any_of(op.getBody().front().getOps<ContractOp>(),
                              [](ContractOp contract) { return bool(contract.getB().getDefiningOp<PanelsOp>()); });
  if (!scope.direct)
    return walkBlocks(lo, hi);
  auto each = [&] { e.loop(lo, hi, 1, [&](Value start) { block(1, start); }); };
  if (size.isStatic())
    return each(); // only few rows leave the choice
  Value few = e.less(e.value(size), e.index(PackPanelsOp::kManyRows));
  auto branch = scf::IfOp::create(e.b, e.loc, few, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(e.b);
  e.b.setInsertionPoint(branch.thenBlock()->getTerminator());
  each();
  scope.direct = false;
  e.b.setInsertionPoint(branch.elseBlock()->getTerminator());
  walkBlocks(lo, hi);
}

void RowsEmitter::walkBlocks(Value lo, Value hi) {
  auto blocks = [&](Value from, Value to, int64_t count) {
    Value stop = count == 1 ? to : e.add(from, e.mul(e.floorDiv(e.sub(to, from), count), count));
    e.loop(from, stop, count, [&](Value start) { block(count, start); });
    return stop;
  };
  Value done = blocks(lo, hi, together);
  if (together == 1)
    return;
  if (const Size &size = rowSizes.back(); size.isStatic()) { // tiles are cut at whole blocks
    if (int64_t rest = size.factor % together)
      e.when(e.less(done, hi), [&] { block(rest, done); });
    return;
  }
  constexpr int64_t kFew = 4;
  blocks(blocks(done, hi, kFew), hi, 1);
}

void RowsEmitter::walk(unsigned dim, ArrayRef<Value> lo, ArrayRef<Value> hi) {
  if (dim + 1 == rowDims)
    return walkLast(lo[dim], hi[dim]);
  e.loop(lo[dim], hi[dim], 1, [&](Value at) {
    scope.at[dim] = at;
    walk(dim + 1, lo, hi);
  });
}

LogicalResult RowsEmitter::run() {
  e.rows = &scope;
  gather();
  together = rowsTogether(members, rowSizes.back());
  placeValues();
  double unit = 0;
  for (Operation *member : members)
    unit += unitOfWork(member);
  SmallVector<TileDim> dims = e.planTiles(rowSizes, unit, together);
  scope.at.resize(rowDims - 1);
  e.tiles(dims, [&](ArrayRef<Value> lo, ArrayRef<Value> hi) { walk(0, lo, hi); });
  e.rows = nullptr;
  return failure(broken);
}

LogicalResult KernelEmitter::emitRows(RowsOp op) { return RowsEmitter(*this, op).run(); }
