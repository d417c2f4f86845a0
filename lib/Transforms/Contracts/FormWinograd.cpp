// Turns 3x3 convolutions of stride 1 with constant weights into laic.winograd where that pays and its error stays bounded.
//
// Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2016): Y = A^T [ (G g G^T) * (B^T d B) ] A. The bound and the
// rule for uneven weights are stated in docs/Numerics.md.
#include "FormContracts.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Dialect/Laic/WinogradOps.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace laic;
using namespace laic::contracts;

namespace laic::contracts {
#define GEN_PASS_DEF_FORMWINOGRAD
#include "laic/Transforms/Contracts/Passes.h.inc"
} // namespace laic::contracts

namespace {

constexpr int64_t kTaps = 3;                    // per side of a filter
constexpr int64_t kFewOutputs = 49;             // below, reading the transformed weights costs more than the products save
constexpr int64_t kManyOutputs = 14 * 14;       // from here on tiles of 4, whose weights are 2.25 times those of tiles of 2
constexpr int64_t kLargest = int64_t(48) << 20; // bytes of transformed weights: of one convolution ...
constexpr int64_t kAll = int64_t(512) << 20;    // ... and of all, since they are up to four times what they stand for
constexpr double kUneven = 10; // ratio of the largest to the smallest tap (rms over input channels) of one filter

/// A 3x3 convolution of stride 1 as laic.contract has it.
struct Convolution {
  ContractOp contract;
  Value input;                        // [n, h, w, c], before padding where that is known
  SmallVector<int64_t> pads = {0, 0}; // before h and w
  Value filter;                       // [f / 32, kh, kw, c, 32]
  int64_t channels = 0, filters = 0, panels = 0;
};

/// collapse_shape of [.., x, c, ..] where `dim` and the one after it became one.
Value splitDim(Value value, int64_t dim, int64_t rank) {
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse || collapse.getSrcType().getRank() != rank || collapse.getResultType().getRank() != rank - 1)
    return {};
  return collapse.getReassociationIndices()[dim].size() == 2 ? collapse.getSrc() : Value();
}

/// (n, oh, ow, f, kh, kw * channels + c) -> (n, oh + kh, ow * channels + kw * channels + c) on [n, h, w * channels].
std::optional<Convolution> matchConvolution(ContractOp contract) {
  Convolution result;
  result.contract = contract;
  RankedTensorType b = contract.getB().getType(), c = contract.getC().getType();
  bool floats = contract.getA().getType().getElementType().isF32() && b.getElementType().isF32();
  if (contract.getParallel() != 4 || !contract.getBBatch().empty() || !floats || b.getRank() != 4 || !b.hasStaticShape() ||
      b.getDimSize(1) != kTaps || b.getDimSize(2) % kTaps || c.isDynamicDim(3))
    return std::nullopt;
  result.panels = b.getDimSize(0);
  result.channels = b.getDimSize(2) / kTaps;
  result.filters = c.getDimSize(3);
  AffineMap map = contract.getAMap();
  if (map.getNumDims() != 6 || map.getNumResults() != 3)
    return std::nullopt;
  SmallVector<AffineExpr> d;
  for (unsigned i = 0; i < 6; ++i)
    d.push_back(getAffineDimExpr(i, contract.getContext()));
  AffineExpr expected[] = {d[0], d[1] + d[4], d[2] * result.channels + d[5]};
  for (auto [index, wanted] : llvm::zip(map.getResults(), expected))
    if (simplifyAffineExpr(index - wanted, 6, 0) != 0)
      return std::nullopt;
  result.input = splitDim(contract.getA(), 2, 4);
  result.filter = splitDim(contract.getB(), 2, 5);
  if (!result.input || !result.filter || cast<RankedTensorType>(result.input.getType()).getDimSize(3) != result.channels)
    return std::nullopt;
  return result;
}

/// winograd(pad(x)) -> winograd(x): what lies outside x counts as 0 anyway.
void absorbPadding(Convolution &conv) {
  auto pad = conv.input.getDefiningOp<tensor::PadOp>();
  if (!pad || !pad.getConstantPaddingValue() || !matchPattern(pad.getConstantPaddingValue(), m_AnyZeroFloat()))
    return;
  ArrayRef<int64_t> low = pad.getStaticLow(), high = pad.getStaticHigh();
  if (low[0] != 0 || low[3] != 0 || high[0] != 0 || high[3] != 0 || ShapedType::isDynamic(low[1]) ||
      ShapedType::isDynamic(low[2]))
    return;
  conv.input = pad.getSource();
  conv.pads = {low[1], low[2]};
}

/// Where the elements of a view of a constant lie.
struct ConstantView {
  Attribute value;
  SmallVector<int64_t> strides;
};

/// Follows transposes and reshapes back to a constant.
std::optional<ConstantView> viewOf(Value value) {
  Operation *op = value.getDefiningOp();
  auto type = cast<RankedTensorType>(value.getType());
  Attribute constant;
  if (auto laicConstant = dyn_cast_or_null<ConstantOp>(op))
    constant = laicConstant.getValue();
  else if (auto arithConstant = dyn_cast_or_null<arith::ConstantOp>(op))
    constant = arithConstant.getValue();
  if (constant)
    return ConstantView{constant, computeStrides(type.getShape())};
  if (auto transpose = dyn_cast_or_null<linalg::TransposeOp>(op)) {
    std::optional<ConstantView> view = viewOf(transpose.getInput());
    if (view)
      view->strides = applyPermutation(ArrayRef<int64_t>(view->strides), transpose.getPermutation());
    return view;
  }
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op)) {
    std::optional<ConstantView> view = viewOf(expand.getSrc());
    if (!view)
      return std::nullopt;
    SmallVector<int64_t> strides(type.getRank());
    for (auto [group, stride] : llvm::zip(expand.getReassociationIndices(), view->strides)) {
      int64_t step = stride;
      for (int64_t dim : llvm::reverse(group)) {
        strides[dim] = step;
        step *= type.getDimSize(dim);
      }
    }
    view->strides = strides;
    return view;
  }
  auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op);
  std::optional<ConstantView> view = collapse ? viewOf(collapse.getSrc()) : std::nullopt;
  if (!view)
    return std::nullopt;
  SmallVector<int64_t> strides;
  for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
    int64_t stride = 1, next = 0;
    for (int64_t dim : llvm::reverse(group)) {
      if (collapse.getSrcType().getDimSize(dim) == 1)
        continue;
      if (next == 0)
        stride = view->strides[dim];
      else if (view->strides[dim] != next)
        return std::nullopt;
      next = view->strides[dim] * collapse.getSrcType().getDimSize(dim);
    }
    strides.push_back(stride);
  }
  view->strides = strides;
  return view;
}

/// Whether some filter has a tap that is much larger than another: rounding of the large one then swamps outputs that depend on the small.
bool isUneven(const Convolution &conv, const ConstantView &view, ArrayRef<char> bytes) {
  const auto *weights = reinterpret_cast<const float *>(bytes.data());
  ArrayRef<int64_t> strides = view.strides;
  for (int64_t f = 0; f < conv.filters; ++f) {
    double least = INFINITY, most = 0;
    for (int64_t tap = 0; tap < kTaps * kTaps; ++tap) {
      const float *at =
          weights + f / kPanel * strides[0] + tap / kTaps * strides[1] + tap % kTaps * strides[2] + f % kPanel * strides[4];
      double squares = 0;
      for (int64_t c = 0; c < conv.channels; ++c)
        squares += double(at[c * strides[3]]) * at[c * strides[3]];
      if (!std::isfinite(squares))
        return true;
      least = std::min(least, squares);
      most = std::max(most, squares);
    }
    if (most > kUneven * kUneven * least)
      return true;
  }
  return false;
}

int64_t bytesOfTransformed(const Convolution &conv, int64_t tile) {
  return (tile + 2) * (tile + 2) * conv.channels * conv.filters * int64_t(sizeof(float));
}

/// Outputs per side of a tile, or 0 with the reason in `why`. `room`: bytes that transformed weights may have.
int64_t chooseTile(const Convolution &conv, WeightStore &store, int64_t room, StringRef &why) {
  auto decline = [&](StringRef reason) {
    why = reason;
    return 0;
  };
  if (conv.channels % kPanel || conv.filters % kPanel)
    return decline("its channels are no multiples of 32");
  auto c = cast<RankedTensorType>(ContractOp(conv.contract).getC().getType());
  int64_t height = c.getDimSize(1), width = c.getDimSize(2);
  bool known = !ShapedType::isDynamic(height) && !ShapedType::isDynamic(width);
  if (known && height * width < kFewOutputs)
    return decline("it has fewer than 49 outputs");
  // Multiplications per pair of channels, with those of tiles that reach beyond the border.
  auto products = [&](int64_t tile) -> int64_t {
    return llvm::divideCeil(height, tile) * llvm::divideCeil(width, tile) * (tile + 2) * (tile + 2);
  };
  int64_t tile = !known || (height * width >= kManyOutputs && products(4) <= products(2)) ? 4 : 2;
  if (known && 4 * products(tile) > 3 * kTaps * kTaps * height * width)
    return decline("its tiles reach too far beyond its border");
  if (bytesOfTransformed(conv, tile) > std::min(room, kLargest))
    tile = 2;
  if (bytesOfTransformed(conv, tile) > std::min(room, kLargest))
    return decline("its transformed weights are too large");
  std::optional<ConstantView> view = viewOf(conv.filter);
  std::vector<char> scratch;
  ArrayRef<char> bytes = view ? constantBytes(store, view->value, scratch) : ArrayRef<char>();
  int64_t count = kTaps * kTaps * conv.channels * conv.filters;
  if (int64_t(bytes.size()) < count * int64_t(sizeof(float)))
    return decline("its weights are not constant");
  if (isUneven(conv, *view, bytes))
    return decline("taps of a filter differ by more than 10 times");
  return tile;
}

/// G, by rows of three: values, at the interpolation points, of the polynomial that a row of taps is, over the product of the
/// differences of the point to the others.
SmallVector<double> filterTransform(int64_t tile) {
  if (tile == 2)
    return {1, 0, 0, .5, .5, .5, .5, -.5, .5, 0, 0, 1};
  // The points that Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for DNNs" (2020), look for by
  // search: magnitudes around 1 whose products are 1 round 4 to 6 times less than 1 and 2 do.
  const double a = std::sqrt(0.5), b = std::sqrt(2.0);
  const double points[] = {0, a, -a, b, -b};
  SmallVector<double> rows;
  for (double x : points) {
    double scale = 1;
    for (double other : points)
      if (other != x)
        scale *= x - other;
    for (int64_t power = 0; power < kTaps; ++power)
      rows.push_back((power == 0 ? 1 : power == 1 ? x : x * x) / scale);
  }
  rows.append({0, 0, 1});
  return rows;
}

class WinogradFormer {
public:
  WinogradFormer(IRRewriter &rewriter, const Convolution &conv, int64_t tile)
      : b(rewriter), conv(conv), loc(ContractOp(conv.contract).getLoc()), tile(tile), inputs(tile + 2) {}

  void form() {
    ContractOp contract = conv.contract;
    b.setInsertionPoint(contract);
    Value u = transformFilter();
    auto op = WinogradOp::create(b, loc, contract.getC().getType(), conv.input, u, contract.getExtras(),
                                 contract.getResultSizes(), tile, conv.pads, contract.getExtraMaps());
    op.getEpilogue().takeBody(contract.getEpilogue());
    Operation *yield = op.getEpilogue().front().getTerminator();
    b.setInsertionPoint(yield);
    WinogradYieldOp::create(b, yield->getLoc(), yield->getOperand(0));
    b.eraseOp(yield);
    b.replaceOp(contract, op.getC());
  }

private:
  /// Generics on constants, which are folded: sums in f64, rounded once.
  Value transformFilter() {
    Type f64 = b.getF64Type();
    auto gType = RankedTensorType::get({inputs, kTaps}, f64);
    SmallVector<double> rows = filterTransform(tile);
    Value g = ConstantOp::create(b, loc, gType, DenseElementsAttr::get(gType, llvm::ArrayRef<double>(rows)));
    SmallVector<int64_t> shape = {conv.panels, inputs, inputs, conv.channels, kPanel};
    Value zero = arith::ConstantOp::create(b, loc, b.getFloatAttr(f64, 0));
    Value empty = tensor::EmptyOp::create(b, loc, shape, f64);
    Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
    auto map = [&](ArrayRef<unsigned> dims) {
      return AffineMap::get(7, 0, llvm::map_to_vector(dims, [&](unsigned d) { return b.getAffineDimExpr(d); }), b.getContext());
    };
    // Loops: panel, i, j, channel, column, kh, kw.
    AffineMap maps[] = {map({0, 5, 6, 3, 4}), map({1, 5}), map({2, 6}), map({0, 1, 2, 3, 4})};
    SmallVector<utils::IteratorType> iterators(7, utils::IteratorType::parallel);
    iterators[5] = iterators[6] = utils::IteratorType::reduction;
    auto sum = [&](OpBuilder &nested, Location loc, ValueRange args) {
      Value weight = arith::ExtFOp::create(nested, loc, f64, args[0]);
      Value factor = arith::MulFOp::create(nested, loc, args[1], args[2]);
      Value product = arith::MulFOp::create(nested, loc, weight, factor);
      linalg::YieldOp::create(nested, loc, arith::AddFOp::create(nested, loc, args[3], product).getResult());
    };
    Value wide =
        linalg::GenericOp::create(b, loc, init.getType(), ValueRange{conv.filter, g, g}, init, maps, iterators, sum).getResult(0);
    Value rounded = roundElements(b, loc, wide, b.getF32Type());
    return tensor::CollapseShapeOp::create(b, loc, rounded, SmallVector<ReassociationIndices>{{0}, {1, 2}, {3}, {4}});
  }

  IRRewriter &b;
  Convolution conv;
  Location loc;
  int64_t tile, inputs;
};

struct FormWinogradPass : contracts::impl::FormWinogradBase<FormWinogradPass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal() || !func.getBody().hasOneBlock())
      return;
    WeightStore &store = getContext().getLoadedDialect<LaicDialect>()->getWeights();
    IRRewriter rewriter(&getContext());
    int64_t room = kAll;
    for (auto contract : llvm::make_early_inc_range(func.getBody().front().getOps<ContractOp>())) {
      std::optional<Convolution> conv = matchConvolution(contract);
      if (!conv)
        continue;
      StringRef why;
      int64_t tile = chooseTile(*conv, store, room, why);
      if (tile == 0) {
        emitRemark(contract.getLoc()) << "3x3 convolution stays direct: " << why;
        continue;
      }
      emitRemark(contract.getLoc()) << "3x3 convolution by Winograd F(" << tile << "x" << tile << ",3x3): each output within "
                                    << llvm::formatv("{0:e1}", 2 * std::sqrt(9.0 * conv->channels) * std::ldexp(1.0, -24)).str()
                                    << " of the largest sum of |input * weight| in its tile";
      room -= bytesOfTransformed(*conv, tile);
      absorbPadding(*conv);
      WinogradFormer(rewriter, *conv, tile).form();
    }
  }
};

} // namespace
