// Products with matrices of few bits keep their weights as they are.
#include "FormContracts.h"
#include "laic/Dialect/Laic/BlocksOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Transforms/Contracts/Contraction.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "laic/Transforms/TensorSizes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_FORMBLOCKPRODUCTS
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

namespace {

constexpr int64_t kWordBytes = 4; // of a row that stay together: what a lane of i32 takes
constexpr uint64_t kRoundedBits = 4;

/// sum over k of A[m, k] * W[n, k], from zero, where W is the operand `w`.
bool isProduct(linalg::GenericOp op, OpOperand &w) {
  StringRef why;
  FailureOr<Contraction> contraction = matchContraction(op, Prefer::Innermost, why);
  if (failed(contraction) || contraction->b != w.getOperandNumber() || contraction->parallel.size() != 2 ||
      contraction->reduction.size() != 1)
    return false;
  auto fill = op.getOutputs()[0].getDefiningOp<linalg::FillOp>();
  if (!fill || !matchPattern(fill.getInputs()[0], m_AnyZeroFloat()))
    return false;
  AffineExpr m = getAffineDimExpr(contraction->parallel[0], op.getContext());
  AffineExpr n = getAffineDimExpr(contraction->parallel[1], op.getContext());
  AffineExpr k = getAffineDimExpr(contraction->reduction[0], op.getContext());
  auto is = [&](AffineMap map, AffineExpr first, AffineExpr second) {
    return map.getNumResults() == 2 && map.getResult(0) == first && map.getResult(1) == second;
  };
  auto isF32 = [](Value value) { return getElementTypeOrSelf(value).isF32(); };
  return is(contraction->aMap(), m, k) && is(contraction->bMap(), n, k) && is(contraction->cMap(), m, n) &&
         isF32(op.getInputs()[contraction->a]) && isF32(op.getResult(0));
}

class Former {
public:
  Former(IRRewriter &rewriter, UnpackBlocksOp op, TensorSizes &sizes)
      : rewriter(rewriter), op(op), sizes(sizes), loc(op.getLoc()) {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    n = type.getDimSize(0);
    k = type.getDimSize(1);
  }

  /// Few bits, so that sums of 16 products with bytes stay below 2^15, and rows enough to pay.
  bool roundsRows(linalg::GenericOp product) {
    auto type = cast<RankedTensorType>(product.getResult(0).getType());
    bool manyRows = type.isDynamicDim(0) || type.getDimSize(0) >= BlockProductOp::kRoundedRows;
    return op.getRoundRows() && op.getBits() == kRoundedBits && manyRows;
  }

  void replace(linalg::GenericOp product, Value a, bool roundRows) {
    if (!packed)
      pack();
    rewriter.setInsertionPoint(product);
    SmallVector<Value> resultSizes;
    auto type = cast<RankedTensorType>(product.getResult(0).getType());
    for (int64_t dim = 0; dim < 2; ++dim)
      if (type.isDynamicDim(dim))
        resultSizes.push_back(sizes.value(rewriter, loc, sizes.get(product.getResult(0), dim)));
    rewriter.replaceOpWithNewOp<BlockProductOp>(product, type, a, packed, scales, zeros, resultSizes, op.getBits(),
                                                op.getBlockSize(), roundRows);
  }

private:
  void pack() {
    rewriter.setInsertionPoint(op);
    packed = panels(op.getPacked(), kWordBytes);
    scales = panels(op.getScales(), 1);
    if (op.getZeros())
      zeros = panels(unpackZeros(), 1);
  }

  // [N, X] -> [N / 32, X, 32], filled up with zeros; where `together` neighbours stay neighbours, [N / 32, X / together, 32, together].
  Value panels(Value matrix, int64_t together) {
    auto type = cast<RankedTensorType>(matrix.getType());
    int64_t columns = type.getDimSize(1), count = llvm::divideCeil(n, kPanel);
    Type element = type.getElementType();
    if (n % kPanel) {
      Value zero = arith::ConstantOp::create(rewriter, loc, rewriter.getZeroAttr(element));
      SmallVector<OpFoldResult> low(2, rewriter.getIndexAttr(0));
      SmallVector<OpFoldResult> high = {rewriter.getIndexAttr(count * kPanel - n), rewriter.getIndexAttr(0)};
      matrix = tensor::PadOp::create(rewriter, loc, RankedTensorType::get({count * kPanel, columns}, element), matrix, low, high,
                                     zero);
    }
    SmallVector<int64_t> split = {count, kPanel, columns / together}, order = {0, 2, 1};
    SmallVector<ReassociationIndices> groups = {{0, 1}, {2}};
    if (together > 1) {
      split.push_back(together);
      order.push_back(3);
      groups[1].push_back(3);
    }
    Value expanded = tensor::ExpandShapeOp::create(rewriter, loc, RankedTensorType::get(split, element), matrix, groups);
    SmallVector<int64_t> shape(split);
    std::swap(shape[1], shape[2]);
    Value empty = tensor::EmptyOp::create(rewriter, loc, shape, element);
    return linalg::TransposeOp::create(rewriter, loc, expanded, empty, order).getResult()[0];
  }

  // One byte for each of the zero points, which share bytes.
  Value unpackZeros() {
    int64_t blocks = k / op.getBlockSize(), perByte = 8 / op.getBits();
    if (perByte == 1)
      return op.getZeros();
    Value empty = tensor::EmptyOp::create(rewriter, loc, ArrayRef<int64_t>{n, blocks}, rewriter.getI8Type());
    AffineMap identity = rewriter.getMultiDimIdentityMap(2);
    SmallVector<utils::IteratorType> iterators(2, utils::IteratorType::parallel);
    auto body = [&](OpBuilder &b, Location loc, ValueRange) {
      auto index = [&](int64_t value) -> Value { return arith::ConstantIndexOp::create(b, loc, value); };
      Type i8 = b.getI8Type();
      Value row = linalg::IndexOp::create(b, loc, 0), block = linalg::IndexOp::create(b, loc, 1);
      Value byte = tensor::ExtractOp::create(b, loc, op.getZeros(),
                                             ValueRange{row, arith::DivUIOp::create(b, loc, block, index(perByte)).getResult()});
      Value place = arith::RemUIOp::create(b, loc, block, index(perByte));
      Value shift = arith::IndexCastOp::create(b, loc, i8, arith::MulIOp::create(b, loc, place, index(op.getBits())));
      Value mask = arith::ConstantOp::create(b, loc, b.getIntegerAttr(i8, (1 << op.getBits()) - 1));
      Value shifted = arith::ShRUIOp::create(b, loc, byte, shift);
      linalg::YieldOp::create(b, loc, arith::AndIOp::create(b, loc, shifted, mask).getResult());
    };
    return linalg::GenericOp::create(rewriter, loc, empty.getType(), ValueRange(), empty, ArrayRef<AffineMap>(identity),
                                     iterators, body)
        .getResult(0);
  }

  IRRewriter &rewriter;
  UnpackBlocksOp op;
  TensorSizes &sizes;
  Location loc;
  int64_t n = 0, k = 0;
  Value packed, scales, zeros;
};

struct FormBlockProductsPass : contracts::impl::FormBlockProductsBase<FormBlockProductsPass> {
  using FormBlockProductsBase::FormBlockProductsBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    IRRewriter rewriter(&getContext());
    SmallVector<UnpackBlocksOp> matrices;
    func.walk([&](UnpackBlocksOp op) { matrices.push_back(op); });
    if (matrices.empty())
      return;
    TensorSizes sizes(func, rewriter);
    for (UnpackBlocksOp op : matrices) {
      Former former(rewriter, op, sizes);
      for (OpOperand &use : llvm::make_early_inc_range(op.getResult().getUses()))
        if (auto product = dyn_cast<linalg::GenericOp>(use.getOwner()); product && products && isProduct(product, use)) {
          bool roundRows = rounding && former.roundsRows(product);
          if (roundRows)
            emitRemark(product.getLoc()) << "rows rounded to int8 where there are " << BlockProductOp::kRoundedRows
                                         << " and more (accuracy_level 4)";
          former.replace(product, product.getInputs()[1 - use.getOperandNumber()], roundRows);
        }
      if (op.getResult().use_empty())
        rewriter.eraseOp(op);
      else
        rewriter.replaceOp(op, op.expand(rewriter));
    }
  }
};

} // namespace
