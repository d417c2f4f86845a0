// Recognises contractions and chooses which operand to pack and which loop to vectorise.
#include "laic/Transforms/Contracts/Contraction.h"

#include "laic/Dialect/Laic/Laic.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace {

/// The scalar body of a contraction: which input is which factor, and how bytes are extended.
struct Body {
  bool isUnsigned[2] = {false, false};
};

/// Follows a factor back to the block argument it extends.
BlockArgument stripExtension(Value factor, bool &isUnsigned) {
  if (Operation *op = factor.getDefiningOp())
    if (isa<arith::ExtFOp, arith::ExtSIOp, arith::ExtUIOp>(op)) {
      isUnsigned = isa<arith::ExtUIOp>(op);
      factor = op->getOperand(0);
    }
  return dyn_cast<BlockArgument>(factor);
}

FailureOr<Body> matchBody(linalg::GenericOp op) {
  Block *block = op.getBody();
  if (block->getNumArguments() != 3)
    return failure();
  Operation *add = cast<linalg::YieldOp>(block->getTerminator()).getOperand(0).getDefiningOp();
  if (!add || !isa<arith::AddFOp, arith::AddIOp>(add) || add->getBlock() != block)
    return failure();
  Value product = add->getOperand(0), accumulator = add->getOperand(1);
  if (product == block->getArgument(2))
    std::swap(product, accumulator);
  Operation *mul = product.getDefiningOp();
  if (accumulator != block->getArgument(2) || !mul || !isa<arith::MulFOp, arith::MulIOp>(mul) || mul->getBlock() != block)
    return failure();
  Body body;
  bool isUnsigned[2] = {false, false};
  BlockArgument args[2];
  for (unsigned i = 0; i < 2; ++i) {
    args[i] = stripExtension(mul->getOperand(i), isUnsigned[i]);
    if (!args[i] || args[i].getOwner() != block || args[i].getArgNumber() > 1)
      return failure();
  }
  if (args[0] == args[1])
    return failure();
  for (unsigned i = 0; i < 2; ++i)
    body.isUnsigned[args[i].getArgNumber()] = isUnsigned[i];
  return body;
}

bool supportedTypes(linalg::GenericOp op) {
  Type a = getElementTypeOrSelf(op.getInputs()[0]), b = getElementTypeOrSelf(op.getInputs()[1]);
  Type c = getElementTypeOrSelf(op.getOutputs()[0]);
  if (c.isF32())
    return a == b && (a.isF32() || a.isF16() || a.isBF16());
  return c.isInteger(32) && a.isInteger(8) && b.isInteger(8);
}

/// Whether every index is one loop (or 0), no loop twice.
bool isProjection(AffineMap map) {
  llvm::SmallBitVector seen(map.getNumDims());
  for (AffineExpr expr : map.getResults()) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      if (constant.getValue() != 0)
        return false;
      continue;
    }
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim || seen[dim.getPosition()])
      return false;
    seen.set(dim.getPosition());
  }
  return true;
}

std::optional<unsigned> soleIndex(AffineMap map, unsigned loop) {
  return map.getResultPosition(getAffineDimExpr(loop, map.getContext()));
}

struct Candidate {
  unsigned b = 0, n = 0;
  bool depthwise = false;
  int score = -1;
};

class Chooser {
public:
  Chooser(linalg::GenericOp op, Prefer prefer)
      : op(op), prefer(prefer), maps(op.getIndexingMapsArray()), sizes(op.getStaticLoopRanges()) {}

  /// The best operand to pack with the loop to vectorise; score < 0 when there is none.
  Candidate choose() {
    Candidate best;
    for (unsigned b = 0; b < 2; ++b)
      if (isProjection(maps[b]))
        for (unsigned loop = 0; loop < maps[b].getNumDims(); ++loop)
          consider(b, loop, best);
    return best;
  }

private:
  bool anyCompound(AffineMap map) const {
    return llvm::any_of(map.getResults(), [](AffineExpr expr) { return isa<AffineBinaryOpExpr>(expr); });
  }

  void consider(unsigned b, unsigned loop, Candidate &best) {
    if (op.getIteratorTypesArray()[loop] != utils::IteratorType::parallel || !soleIndex(maps[b], loop) ||
        !soleIndex(maps[2], loop))
      return;
    AffineMap other = maps[1 - b];
    bool inA = other.isFunctionOfDim(loop);
    bool constantB = isConstantValue(op.getInputs()[b]);
    // Vectors of A: worth it for depthwise convolutions only.
    if (inA && (!soleIndex(other, loop) || !(constantB || anyCompound(other))))
      return;
    bool innermost = *soleIndex(maps[2], loop) + 1 == maps[2].getNumResults();
    int score = (prefer == Prefer::Constant ? 8 : 4) * constantB + 6 * innermost + (b == 1);
    if (!inA)
      score += 32;
    if (sizes[loop] != 1)
      score += 64;
    if (score > best.score)
      best = {b, loop, inA, score};
  }

  linalg::GenericOp op;
  Prefer prefer;
  SmallVector<AffineMap> maps;
  SmallVector<int64_t> sizes;
};

/// Sorts loops: parallel ones by C, reductions by where A is contiguous.
void orderLoops(Contraction &contraction) {
  for (AffineExpr expr : contraction.cMap().getResults())
    if (auto dim = dyn_cast<AffineDimExpr>(expr); dim && dim.getPosition() != contraction.n)
      contraction.parallel.push_back(dim.getPosition());
  contraction.parallel.push_back(contraction.n);
  auto iterators = linalg::GenericOp(contraction.op).getIteratorTypesArray();
  auto add = [&](unsigned loop) {
    if (iterators[loop] == utils::IteratorType::reduction && !llvm::is_contained(contraction.reduction, loop))
      contraction.reduction.push_back(loop);
  };
  for (AffineExpr expr : contraction.aMap().getResults()) {
    auto loops = sumOfLoops(expr); // named: a range of a temporary would not outlive its expression
    for (auto [loop, factor] : *loops)
      add(loop);
  }
  for (unsigned loop = 0; loop < iterators.size(); ++loop)
    add(loop);
}

} // namespace

FailureOr<SmallVector<std::pair<unsigned, int64_t>, 3>> laic::contracts::sumOfLoops(AffineExpr expr) {
  SmallVector<std::pair<unsigned, int64_t>, 3> loops;
  SmallVector<AffineExpr, 4> open{expr};
  while (!open.empty()) {
    AffineExpr term = open.pop_back_val();
    int64_t factor = 1;
    if (auto constant = dyn_cast<AffineConstantExpr>(term)) {
      if (constant.getValue() != 0)
        return failure();
      continue;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(term);
    if (binary && binary.getKind() == AffineExprKind::Add) {
      open.push_back(binary.getRHS());
      open.push_back(binary.getLHS());
      continue;
    }
    if (binary && binary.getKind() == AffineExprKind::Mul) {
      auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
      if (!constant || constant.getValue() <= 0)
        return failure();
      factor = constant.getValue();
      term = binary.getLHS();
    }
    auto dim = dyn_cast<AffineDimExpr>(term);
    if (!dim)
      return failure();
    loops.push_back({dim.getPosition(), factor});
  }
  return loops;
}

bool Contraction::innermost() const {
  AffineMap map = cMap();
  auto dim = dyn_cast<AffineDimExpr>(map.getResult(map.getNumResults() - 1));
  return dim && dim.getPosition() == n;
}

int64_t Contraction::rowsPerPack() const {
  linalg::GenericOp generic = op;
  SmallVector<int64_t> sizes = generic.getStaticLoopRanges();
  int64_t rows = 1;
  for (unsigned loop : parallel) {
    if (bMap().isFunctionOfDim(loop))
      continue;
    if (ShapedType::isDynamic(sizes[loop]))
      return ShapedType::kDynamic;
    rows *= sizes[loop];
  }
  return rows;
}

bool Contraction::tooFewRows() const {
  constexpr int64_t kFewestRows = 3;
  linalg::GenericOp generic = op;
  int64_t rows = rowsPerPack();
  return !ShapedType::isDynamic(rows) && rows < kFewestRows && !isConstantValue(generic.getInputs()[b]);
}

bool laic::contracts::isConstantValue(Value value) {
  constexpr unsigned kMost = 4096; // beyond that nobody folds
  SmallVector<Value> work = {value};
  SmallPtrSet<Operation *, 16> seen;
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (!op || seen.size() > kMost)
      return false;
    if (!seen.insert(op).second || isa<ConstantOp, arith::ConstantOp, tensor::EmptyOp>(op))
      continue;
    if (!isPure(op))
      return false;
    // A generic without inputs (resize, range) may read captured tensors.
    op->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() == op->getBlock())
          work.push_back(operand);
    });
  }
  return true;
}

FailureOr<Contraction> laic::contracts::matchContraction(linalg::GenericOp op, Prefer prefer, StringRef &why, bool fewRows) {
  auto decline = [&](StringRef reason) {
    why = reason;
    return failure();
  };
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !op.hasPureTensorSemantics() || op.getNumReductionLoops() == 0)
    return decline("not a reduction of two operands");
  for (Value operand : op->getOperands())
    if (!isa<RankedTensorType>(operand.getType()))
      return decline("a scalar operand");
  FailureOr<Body> body = matchBody(op);
  if (failed(body))
    return decline("not a sum of products");
  if (!supportedTypes(op))
    return decline("its element types have no tile kernel");
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (maps[2].getNumResults() == 0)
    return decline("a dot product");
  if (!maps[2].isProjectedPermutation())
    return decline("its result is not indexed by loops");
  Candidate choice = Chooser(op, prefer).choose();
  if (choice.score < 0)
    return decline("no loop to vectorise");

  Contraction contraction;
  contraction.op = op;
  contraction.b = choice.b;
  contraction.a = 1 - choice.b;
  contraction.n = choice.n;
  contraction.depthwise = choice.depthwise;
  contraction.unsignedA = body->isUnsigned[contraction.a];
  contraction.unsignedB = body->isUnsigned[contraction.b];
  for (AffineExpr expr : contraction.aMap().getResults()) {
    auto loops = sumOfLoops(expr);
    if (failed(loops))
      return decline("an index of its left operand is no sum of loops");
    contraction.convolution |= loops->size() > 1;
  }
  orderLoops(contraction);
  for (unsigned loop : contraction.reduction)
    if (!contraction.bMap().isFunctionOfDim(loop) && op.getStaticLoopRanges()[loop] != 1)
      return decline("a reduction over one operand alone");
  if (!fewRows && contraction.tooFewRows())
    return decline("too few rows to pay for packing at run time");
  return contraction;
}
