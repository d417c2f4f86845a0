// Turns convolutions of one tap between transposes into products that need neither: of the weights with planes of pixels.
//
//   back(contract(there(x) [n, h, w, c], W by panels of filters))  ->  contract(W [f, c], x [n, c, h w] by panels of pixels)
#include "FormContracts.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_FORMPOINTWISE
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

namespace {

struct Pointwise {
  ContractOp contract;
  Value input;              // [n, c, ..]
  Value weights;            // [f, c], perhaps with dims of 1 behind
  linalg::TransposeOp back; // of the result
  SmallVector<int64_t> strides;
  int64_t pixels = 1; // of a plane of the result
};

/// What was packed by panels of rows: [f, c, 1..] -> [f / 32, c, 32]. Null for another form.
Value beforePacking(Value packed) {
  Value source;
  if (auto transpose = packed.getDefiningOp<linalg::TransposeOp>()) {
    auto split = transpose.getInput().getDefiningOp<tensor::ExpandShapeOp>();
    if (split && transpose.getPermutation() == ArrayRef<int64_t>({0, 2, 1}) && split.getSrcType().getRank() == 2 &&
        split.getReassociationIndices().front().size() == 2)
      source = split.getSrc();
  } else if (auto gather = packed.getDefiningOp<linalg::GenericOp>()) {
    for (auto extract : gather.getBody()->getOps<tensor::ExtractOp>())
      source = source ? Value() : extract.getTensor();
  }
  auto type = source ? cast<RankedTensorType>(source.getType()) : RankedTensorType();
  bool isMatrix =
      type && type.getRank() >= 2 && llvm::all_of(type.getShape().drop_front(2), [](int64_t size) { return size == 1; });
  return isMatrix && isConstantValue(source) ? source : Value();
}

/// Is every pixel a row: (n, o.., f, c) -> (n, o * stride.., c)?
bool readStrides(Pointwise &conv) {
  AffineMap map = conv.contract.getAMap();
  unsigned parallel = conv.contract.getParallel();
  if (map.getNumDims() != parallel + 1 || map.getNumResults() != parallel ||
      map.getResults().back() != getAffineDimExpr(parallel, map.getContext()))
    return false;
  for (auto [dim, index] : llvm::enumerate(map.getResults().drop_back())) {
    auto terms = sumOfLoops(index);
    if (failed(terms) || terms->size() != 1 || terms->front().first != dim || terms->front().second < 1)
      return false;
    conv.strides.push_back(terms->front().second);
  }
  if (conv.strides.empty() || conv.strides.front() != 1) // of images
    return false;
  conv.strides.erase(conv.strides.begin());
  return true;
}

std::optional<Pointwise> match(ContractOp contract) {
  Pointwise conv;
  conv.contract = contract;
  RankedTensorType b = contract.getB().getType(), c = contract.getC().getType();
  unsigned parallel = contract.getParallel();
  if (!readStrides(conv) || contract.getGroup() != 1 || !contract.getBBatch().empty() || !b.hasStaticShape() ||
      !b.getElementType().isF32() || !c.getElementType().isF32())
    return std::nullopt;
  Value a = contract.getA(), result = contract.getC();
  if (auto joined = a.getDefiningOp<tensor::CollapseShapeOp>(); joined && joined->hasOneUse())
    a = joined.getSrc();
  if (auto apart = result.hasOneUse() ? dyn_cast<tensor::ExpandShapeOp>(*result.user_begin()) : tensor::ExpandShapeOp())
    result = apart.getResult();
  std::optional<ChannelsMoved> moved = betweenTransposes(a, result);
  int64_t rank = cast<RankedTensorType>(a.getType()).getRank();
  if (parallel != unsigned(rank)) { // some dims were joined: whose stride is whose cannot be told any more
    if (llvm::any_of(conv.strides, [](int64_t stride) { return stride != 1; }))
      return std::nullopt;
    conv.strides.assign(std::max<int64_t>(rank - 2, 0), 1);
  }
  if (!moved || rank < 3)
    return std::nullopt;
  conv.input = moved->input;
  conv.back = moved->back;
  conv.weights = beforePacking(contract.getB());
  auto inputType = cast<RankedTensorType>(conv.input.getType());
  if (!conv.weights || !inputType.hasStaticShape() || !inputType.getElementType().isF32())
    return std::nullopt;
  // Where a last panel of few pixels is a good part of an image, transposes take no longer: of seven shapes from 12x12 to 15x15 five were 1 to 15 %
  // slower and two 4 to 16 % faster. Fifteen from 16x16 on were 1.04 to 2.5 times as fast, but for one in one of two runs, 0.99 (interleaved
  // minima, one thread, AVX2).
  for (int64_t size : cast<RankedTensorType>(conv.back.getResult()[0].getType()).getShape().drop_front(2))
    conv.pixels *= size;
  if (llvm::alignTo(conv.pixels, kPanel) * 16 > uint64_t(conv.pixels) * 17)
    return std::nullopt;
  // Operands of the epilogue are the same for all pixels.
  for (AffineMap extra : contract.getExtraMaps().getAsValueRange<AffineMapAttr>())
    for (unsigned dim = 0; dim + 1 < parallel; ++dim)
      if (extra.isFunctionOfDim(dim))
        return std::nullopt;
  return conv;
}

void form(IRRewriter &b, Pointwise &conv) {
  ContractOp contract = conv.contract;
  b.setInsertionPoint(conv.back);
  Location loc = contract.getLoc();
  auto type = cast<RankedTensorType>(conv.input.getType()), weightsType = cast<RankedTensorType>(conv.weights.getType()),
       resultType = cast<RankedTensorType>(conv.back.getResult()[0].getType());
  int64_t images = type.getDimSize(0), channels = type.getDimSize(1), filters = resultType.getDimSize(1);
  ReassociationIndices spatial, matrix = {1};
  for (int64_t dim = 2; dim < type.getRank(); ++dim)
    spatial.push_back(dim);
  for (int64_t dim = 2; dim < weightsType.getRank(); ++dim)
    matrix.push_back(dim);
  Value weights = conv.weights, planes = conv.input;
  if (llvm::any_of(conv.strides, [](int64_t stride) { return stride != 1; })) {
    SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)), sizes = offsets,
                                                                          strides(type.getRank(), b.getIndexAttr(1));
    SmallVector<int64_t> shape(resultType.getShape());
    shape[1] = channels;
    for (auto [dim, size] : llvm::enumerate(shape))
      sizes[dim] = b.getIndexAttr(size);
    for (auto [dim, stride] : llvm::enumerate(conv.strides))
      strides[dim + 2] = b.getIndexAttr(stride);
    planes = tensor::ExtractSliceOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()), planes, offsets, sizes,
                                            strides);
  }
  if (matrix.size() > 1)
    weights = tensor::CollapseShapeOp::create(b, loc, weights, ArrayRef<ReassociationIndices>{{0}, matrix});
  SmallVector<ReassociationIndices> flat = {{0}, {1}, spatial};
  if (spatial.size() > 1)
    planes = tensor::CollapseShapeOp::create(b, loc, planes, flat);
  Type element = b.getF32Type();
  auto map = [&](unsigned dims, ArrayRef<unsigned> results) {
    auto exprs = llvm::map_to_vector(results, [&](unsigned dim) { return b.getAffineDimExpr(dim); });
    return AffineMap::get(dims, 0, exprs, b.getContext());
  };
  auto packedType = RankedTensorType::get({images, int64_t(llvm::divideCeil(conv.pixels, kPanel)), channels, kPanel}, element);
  Value packed = PackPanelsOp::create(b, loc, packedType, planes, Value(), ValueRange(),
                                      map(3, {0, 2, 1}) /* image, pixel, channel */, /*batch=*/1);
  SmallVector<AffineMap> maps;
  SmallVector<AffineExpr> dims(contract.getParallel(), b.getAffineDimExpr(1)); // the last one is the filter, others take no part
  for (AffineMap extra : contract.getExtraMaps().getAsValueRange<AffineMapAttr>())
    maps.push_back(extra.replaceDimsAndSymbols(dims, {}, 3, 0));
  auto product = ContractOp::create(b, loc, RankedTensorType::get({images, filters, conv.pixels}, element), weights, packed,
                                    contract.getExtras(), ValueRange(), /*parallel=*/3,
                                    map(4, {1, 3}) /* of image, filter, pixel, channel */, ArrayRef<int64_t>{0},
                                    b.getAffineMapArrayAttr(maps), /*unsigned_a=*/false, /*unsigned_b=*/false, /*group=*/1);
  product.getEpilogue().takeBody(contract.getEpilogue());
  Value result = product.getC();
  if (spatial.size() > 1)
    result = tensor::ExpandShapeOp::create(b, loc, resultType, result, flat);
  b.replaceOp(conv.back, result);
  for (Operation *reader : llvm::make_early_inc_range(contract->getUsers())) // a reshape that nobody reads any more
    b.eraseOp(reader);
  b.eraseOp(contract);
}

struct FormPointwisePass : contracts::impl::FormPointwiseBase<FormPointwisePass> {
  void runOnOperation() override { formEach(getOperation(), match, form); }
};

} // namespace
