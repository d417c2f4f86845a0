// Turns depthwise convolutions between transposes into laic.depthwise, which needs neither.
#include "FormContracts.h"
#include "laic/Dialect/Laic/DepthwiseOps.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_FORMDEPTHWISE
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

namespace {

constexpr int64_t kMostTaps = 64; // along the last dim, where every tap is an instruction

/// What laic.depthwise takes from a laic.contract over (n, o.., c, k..).
struct Depthwise {
  ContractOp contract;
  Value input;              // [n, c, ..], before transpose and padding
  linalg::TransposeOp back; // of the result
  SmallVector<int64_t> taps, strides, dilations, pads;
};

/// The value before padding with zeros along the dims between the first and the last, which `pads` notes.
Value beforePadding(Value value, SmallVectorImpl<int64_t> &pads) {
  auto pad = value.getDefiningOp<tensor::PadOp>();
  if (!pad || !pad->hasOneUse() || !pad.getConstantPaddingValue() ||
      !matchPattern(pad.getConstantPaddingValue(), m_AnyZeroFloat()))
    return value;
  ArrayRef<int64_t> low = pad.getStaticLow(), high = pad.getStaticHigh();
  if (low.front() != 0 || high.front() != 0 || low.back() != 0 || high.back() != 0 ||
      llvm::any_of(low, [](int64_t size) { return size < 0; })) // dynamic, too
    return value;
  pads.assign(low.begin() + 1, low.end() - 1);
  return pad.getSource();
}

/// Taps, strides and dilations from A's map (n, o.., c, k..) -> (n, o * stride + k * dilation, .., c).
bool readWindow(Depthwise &conv) {
  AffineMap map = conv.contract.getAMap();
  unsigned parallel = conv.contract.getParallel(), next = parallel; // the next loop of taps
  ArrayRef<int64_t> weights = conv.contract.getB().getType().getShape().drop_front();
  if (map.getResult(0) != getAffineDimExpr(0, map.getContext()) ||
      map.getResults().back() != getAffineDimExpr(parallel - 1, map.getContext()))
    return false;
  for (unsigned dim = 1; dim + 1 < parallel; ++dim) {
    auto terms = sumOfLoops(map.getResult(dim));
    if (failed(terms))
      return false;
    int64_t stride = 0, dilation = 1, taps = 1;
    for (auto [loop, factor] : *terms) {
      if (loop == dim && stride == 0) {
        stride = factor;
      } else if (loop == next && taps == 1) {
        dilation = factor;
        taps = weights[loop - parallel];
      } else {
        return false;
      }
    }
    next += llvm::any_of(*terms, [&](auto term) { return term.first == next; });
    if (stride < 1 || dilation < 1 || taps < 1)
      return false;
    conv.strides.push_back(stride);
    conv.dilations.push_back(dilation);
    conv.taps.push_back(taps);
  }
  return next == map.getNumDims() && conv.taps.back() <= kMostTaps;
}

std::optional<Depthwise> match(ContractOp contract) {
  Depthwise conv;
  conv.contract = contract;
  RankedTensorType a = contract.getA().getType(), b = contract.getB().getType(), c = contract.getC().getType();
  int64_t rank = a.getRank();
  auto isF32 = [](RankedTensorType type) { return type.getElementType().isF32(); };
  if (!isF32(a) || !isF32(b) || !isF32(c) || (rank != 3 && rank != 4) || c.getRank() != rank ||
      int64_t(contract.getParallel()) != rank || !contract.getBBatch().empty() || contract.getGroup() != 1 ||
      !b.hasStaticShape() || a.isDynamicDim(rank - 1) || a.getDimSize(rank - 1) != c.getDimSize(rank - 1))
    return std::nullopt;
  conv.pads.assign(rank - 2, 0);
  Value padded = contract.getA();
  std::optional<ChannelsMoved> moved = betweenTransposes(beforePadding(padded, conv.pads), contract.getC());
  if (!moved || !padded.hasOneUse() || !readWindow(conv))
    return std::nullopt;
  conv.input = moved->input;
  conv.back = moved->back;
  // Operands of the epilogue that differ along the last dim would be read across planes.
  for (AffineMap map : contract.getExtraMaps().getAsValueRange<AffineMapAttr>())
    if (map.isFunctionOfDim(rank - 2))
      return std::nullopt;
  return conv;
}

void form(IRRewriter &b, Depthwise &conv) {
  ContractOp contract = conv.contract;
  b.setInsertionPoint(conv.back);
  int64_t rank = contract.getC().getType().getRank();
  SmallVector<AffineExpr> dims = {b.getAffineDimExpr(0)}; // of the contract, in those of the new result
  for (int64_t dim = 2; dim < rank; ++dim)
    dims.push_back(b.getAffineDimExpr(dim));
  dims.push_back(b.getAffineDimExpr(1));
  SmallVector<AffineMap> maps;
  for (AffineMap map : contract.getExtraMaps().getAsValueRange<AffineMapAttr>())
    maps.push_back(map.replaceDimsAndSymbols(dims, {}, rank, 0));
  // Channels are known: dims whose size is not keep their order.
  auto op = DepthwiseOp::create(b, contract.getLoc(), conv.back.getResult()[0].getType(), conv.input, contract.getB(),
                                contract.getExtras(), contract.getResultSizes(), conv.taps, conv.strides, conv.dilations,
                                conv.pads, b.getAffineMapArrayAttr(maps));
  op.getEpilogue().takeBody(contract.getEpilogue());
  Operation *yield = op.getEpilogue().front().getTerminator();
  b.setInsertionPoint(yield);
  DepthwiseYieldOp::create(b, yield->getLoc(), yield->getOperand(0));
  b.eraseOp(yield);
  b.replaceOp(conv.back, op.getC());
  b.eraseOp(contract);
}

struct FormDepthwisePass : contracts::impl::FormDepthwiseBase<FormDepthwisePass> {
  void runOnOperation() override { formEach(getOperation(), match, form); }
};

} // namespace
