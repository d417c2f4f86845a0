// Rounds constant f32 weights of contractions to bf16, two neighbours along the reduction side by side.
#include "FormContracts.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_NARROWWEIGHTS
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

Value laic::contracts::roundElements(OpBuilder &b, Location loc, Value tensor, Type element) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value empty = tensor::EmptyOp::create(b, loc, type.getShape(), element);
  AffineMap identity = b.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto round = [](OpBuilder &nested, Location loc, ValueRange args) {
    linalg::YieldOp::create(nested, loc, arith::TruncFOp::create(nested, loc, args[1].getType(), args[0]).getResult());
  };
  return linalg::GenericOp::create(b, loc, empty.getType(), tensor, empty, ArrayRef<AffineMap>{identity, identity}, iterators,
                                   round)
      .getResult(0);
}

namespace {

constexpr int64_t kPair = 2;
constexpr int64_t kShort = 16; // reductions below read few weights: frequencies of rotary embeddings, say, which need their bits

/// Does A hold neighbours along the last reduction side by side, in pairs?
bool takesPairs(ContractOp contract) {
  RankedTensorType b = contract.getB().getType();
  AffineMap map = contract.getAMap();
  unsigned k = map.getNumDims() - 1;
  return b.getDimSize(b.getRank() - 2) % kPair == 0 && map.getResults().back() == getAffineDimExpr(k, contract.getContext()) &&
         llvm::count_if(map.getResults(), [&](AffineExpr index) { return index.isFunctionOfDim(k); }) == 1;
}

/// [.., k, n mod 32] -> [.., k / 2, n mod 32, k mod 2]
Value pairUp(IRRewriter &rewriter, Location loc, Value b) {
  auto type = cast<RankedTensorType>(b.getType());
  int64_t rank = type.getRank(), k = rank - 2;
  SmallVector<ReassociationIndices> groups;
  SmallVector<int64_t> split(type.getShape()), order;
  split[k] /= kPair;
  split.insert(split.begin() + k + 1, kPair);
  for (int64_t i = 0; i < rank; ++i)
    groups.push_back(i < k ? ReassociationIndices{i} : i == k ? ReassociationIndices{i, i + 1} : ReassociationIndices{i + 1});
  Value expanded = tensor::ExpandShapeOp::create(rewriter, loc, type.clone(split), b, groups);
  for (int64_t i = 0; i <= k; ++i)
    order.push_back(i);
  order.append({k + 2, k + 1});
  SmallVector<int64_t> shape = llvm::map_to_vector(order, [&](int64_t i) { return split[i]; });
  Value empty = tensor::EmptyOp::create(rewriter, loc, shape, type.getElementType());
  return linalg::TransposeOp::create(rewriter, loc, expanded, empty, order).getResult()[0];
}

struct NarrowWeightsPass : contracts::impl::NarrowWeightsBase<NarrowWeightsPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    IRRewriter rewriter(&getContext());
    for (auto contract : func.getBody().front().getOps<ContractOp>()) {
      RankedTensorType b = contract.getB().getType();
      int64_t depth = 1;
      for (int64_t size : b.getShape().drop_front(contract.getBBatch().size() + 1).drop_back())
        depth *= size;
      bool depthwise = contract.getAMap().isFunctionOfDim(contract.getParallel() - 1);
      if (!b.getElementType().isF32() || !b.hasStaticShape() || depthwise || depth < kShort || contract.getGroup() != 1 ||
          !isConstantValue(contract.getB()))
        continue;
      rewriter.setInsertionPoint(contract);
      Value packed = contract.getB();
      if (takesPairs(contract)) {
        packed = pairUp(rewriter, contract.getLoc(), packed);
        contract.setGroup(kPair);
      }
      emitRemark(contract.getLoc()) << "weights rounded to bf16";
      contract.getBMutable().assign(roundElements(rewriter, contract.getLoc(), packed, rewriter.getBF16Type()));
    }
  }
};

} // namespace
