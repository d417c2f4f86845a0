// Moves elementwise consumers into the epilogue of a contract.
#include "FormContracts.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace {

bool hasOnlyScalarBody(linalg::GenericOp op) {
  for (Operation &inner : op.getBody()->without_terminator()) {
    if (inner.getNumRegions() != 0 || isa<linalg::IndexOp, tensor::ExtractOp>(inner) || !isMemoryEffectFree(&inner))
      return false;
    for (Value operand : inner.getOperands())
      if (operand.getParentBlock() != op.getBody() && !operand.getDefiningOp<arith::ConstantOp>())
        return false;
  }
  return true;
}

/// The only user of all uses of a value, or null.
Operation *singleUser(Value value) {
  Operation *user = nullptr;
  for (Operation *candidate : value.getUsers()) {
    if (user && user != candidate)
      return nullptr;
    user = candidate;
  }
  return user;
}

/// One consumer to absorb: checked first, then moved.
class EpilogueFuser {
public:
  EpilogueFuser(IRRewriter &rewriter, ContractOp contract, TensorSizes &sizes)
      : rewriter(rewriter), contract(contract), sizes(sizes) {}

  bool matches(StringRef &why) {
    auto decline = [&](StringRef reason) {
      why = reason;
      return false;
    };
    Operation *user = singleUser(contract.getC());
    if (!user)
      return decline("several users");
    op = dyn_cast<linalg::GenericOp>(user);
    if (!op || op.getNumDpsInits() != 1 || op.getNumParallelLoops() != op.getNumLoops() || op->getBlock() != contract->getBlock())
      return decline("the consumer is not elementwise");
    if (!hasOnlyScalarBody(op))
      return decline("the consumer reads indices or tensors");
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    AffineMap resultMap = maps.back();
    if (!resultMap.isPermutation() || op.getRegionOutputArgs()[0].getNumUses() != 0)
      return decline("the consumer accumulates");
    // Loops of the consumer as dims of C.
    loopToDim.assign(op.getNumLoops(), AffineExpr());
    for (auto [i, expr] : llvm::enumerate(resultMap.getResults()))
      loopToDim[cast<AffineDimExpr>(expr).getPosition()] = rewriter.getAffineDimExpr(i);
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap map = maps[input->getOperandNumber()];
      if (input->get() == contract.getC()) {
        if (map != resultMap)
          return decline("the consumer permutes");
        continue;
      }
      if (!isa<RankedTensorType>(input->get().getType()))
        return decline("a scalar operand");
      extraMaps.push_back(extraMap(map, input->get()));
      if (!extraMaps.back())
        return decline("an operand is not indexed by loops");
    }
    return true;
  }

  ContractOp fuse() {
    rewriter.setInsertionPoint(op);
    SmallVector<Value> extras(contract.getExtras());
    SmallVector<Attribute> maps(contract.getExtraMaps().begin(), contract.getExtraMaps().end());
    for (OpOperand *input : op.getDpsInputOperands())
      if (input->get() != contract.getC())
        extras.push_back(input->get());
    for (AffineMap map : extraMaps)
      maps.push_back(AffineMapAttr::get(map));
    Location loc = rewriter.getFusedLoc({contract.getLoc(), op.getLoc()});
    // The sizes stay valid: they are defined before the contract.
    auto fused =
        ContractOp::create(rewriter, loc, op.getResult(0).getType(), contract.getA(), contract.getB(), extras,
                           contract.getResultSizes(), contract.getParallel(), contract.getAMap(), contract.getBBatch(),
                           rewriter.getArrayAttr(maps), contract.getUnsignedA(), contract.getUnsignedB(), contract.getGroup());
    fused.getEpilogue().takeBody(contract.getEpilogue());
    appendBody(&fused.getEpilogue().front());
    rewriter.replaceOp(op, fused.getC());
    rewriter.eraseOp(contract);
    return fused;
  }

private:
  AffineMap extraMap(AffineMap map, Value operand) {
    SmallVector<AffineExpr> results;
    for (auto [i, expr] : llvm::enumerate(map.getResults())) {
      AffineExpr size = sizes.get(operand, i);
      if (auto dim = dyn_cast<AffineDimExpr>(expr))
        results.push_back(size == 1 ? sizes.constant(0) : loopToDim[dim.getPosition()]);
      else if (auto constant = dyn_cast<AffineConstantExpr>(expr); constant && constant.getValue() == 0)
        results.push_back(expr);
      else
        return {};
    }
    return AffineMap::get(contract.getParallel(), 0, results, map.getContext());
  }

  void appendBody(Block *block) {
    Operation *oldYield = block->getTerminator();
    IRMapping mapping;
    for (OpOperand *input : op.getDpsInputOperands()) {
      BlockArgument argument = op.getMatchingBlockArgument(input);
      if (input->get() == contract.getC())
        mapping.map(argument, oldYield->getOperand(0));
      else
        mapping.map(argument, block->addArgument(argument.getType(), op.getLoc()));
    }
    rewriter.setInsertionPoint(oldYield);
    // Scalars from outside travel along.
    op.getBody()->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands())
        if (operand.getParentBlock() != op.getBody() && !mapping.contains(operand))
          mapping.map(operand, rewriter.clone(*operand.getDefiningOp())->getResult(0));
    });
    for (Operation &inner : op.getBody()->without_terminator())
      rewriter.clone(inner, mapping);
    oldYield->setOperand(0, mapping.lookupOrDefault(op.getBody()->getTerminator()->getOperand(0)));
    oldYield->setLoc(op.getLoc());
  }

  IRRewriter &rewriter;
  ContractOp contract;
  TensorSizes &sizes;
  linalg::GenericOp op;
  SmallVector<AffineExpr> loopToDim;
  SmallVector<AffineMap> extraMaps;
};

} // namespace

ContractOp laic::contracts::fuseConsumer(IRRewriter &rewriter, ContractOp contract, TensorSizes &sizes, StringRef &why) {
  EpilogueFuser fuser(rewriter, contract, sizes);
  return fuser.matches(why) ? fuser.fuse() : ContractOp();
}
