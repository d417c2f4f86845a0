// Turns convolutions of stride 1 with 3 or 5 constant taps along one or two dims into laic.winograd where that pays and its error stays
// bounded.
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
#include "llvm/ADT/StringExtras.h"
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

constexpr int64_t kChannels = 16;               // lanes of the widest vectors
constexpr int64_t kFewOutputs = 49;             // below, reading the transformed weights costs more than the products save
constexpr int64_t kManyOutputs = 14 * 14;       // from here on tiles of 4, whose weights are 2.25 times those of tiles of 2
constexpr int64_t kLargest = int64_t(48) << 20; // bytes of transformed weights: of one convolution ...
constexpr int64_t kAll = int64_t(512) << 20;    // ... and of all, since they are up to four times what they stand for
constexpr double kUneven = 10; // ratio of the largest to the smallest tap (rms over input channels) of one filter

/// A convolution of stride 1 as laic.contract has it. `taps` and `pads` (before the first element) are of rows and columns, or of columns alone
/// where `input` is [n, l, c].
struct Convolution {
  ContractOp contract;
  Value input;              // [n, h, w, c] or [n, l, c], before padding where that is known
  bool joinsImages = false; // `input` is [n, h, l, c], and what is meant is [n * h, l, c]
  SmallVector<int64_t> taps, pads;
  Value filter; // [f / 32, kh, kw, c, 32], without the dim of `taps` that is not there or has one tap
  int64_t channels = 0, filters = 0, panels = 0;

  int64_t tapsOfRows() const { return taps.size() == 2 ? taps[0] : 1; }
  int64_t tapsOfColumns() const { return taps.back(); }
  int64_t allTaps() const { return tapsOfRows() * tapsOfColumns(); }
  /// The dim that `filter` is without.
  std::optional<unsigned> missingDim() const {
    if (cast<RankedTensorType>(filter.getType()).getRank() == 5)
      return std::nullopt;
    return taps.size() == 1 ? 1 : 2;
  }
};

/// [.., x, c, ..] of which a collapse_shape joined `dim` and the one after it.
Value splitDim(Value value, int64_t dim, int64_t rank) {
  auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
  if (!collapse || collapse.getSrcType().getRank() != rank || collapse.getResultType().getRank() != rank - 1)
    return {};
  return collapse.getReassociationIndices()[dim].size() == 2 ? collapse.getSrc() : Value();
}

bool hasMap(ContractOp contract, unsigned dims, ArrayRef<AffineExpr> wanted) {
  AffineMap map = contract.getAMap();
  return map.getNumDims() == dims && map.getNumResults() == wanted.size() &&
         llvm::all_of(llvm::zip(map.getResults(), wanted),
                      [&](auto pair) { return simplifyAffineExpr(std::get<0>(pair) - std::get<1>(pair), dims, 0) == 0; });
}

/// Taps along both dims: (n, oh, ow, f, kh, kw * channels + c) -> (n, oh + kh, ow * channels + kw * channels + c) on
/// [n, h, w * channels].
bool matchBoth(Convolution &conv, ArrayRef<AffineExpr> d) {
  conv.input = splitDim(conv.contract.getA(), 2, 4);
  conv.filter = splitDim(conv.contract.getB(), 2, 5);
  if (!conv.input || !conv.filter)
    return false;
  ArrayRef<int64_t> shape = cast<RankedTensorType>(conv.filter.getType()).getShape();
  conv.channels = shape[3];
  conv.taps = {shape[1], shape[2]};
  return hasMap(conv.contract, 6, {d[0], d[1] + d[4], d[2] * conv.channels + d[5]});
}

/// Taps along h alone: (n, oh, ow, f, kh, c) -> (n, oh + kh, ow, c).
bool matchVertical(Convolution &conv, ArrayRef<AffineExpr> d) {
  conv.input = conv.contract.getA();
  conv.filter = conv.contract.getB();
  auto filter = cast<RankedTensorType>(conv.filter.getType());
  if (cast<RankedTensorType>(conv.input.getType()).getRank() != 4 || filter.getRank() != 4)
    return false;
  conv.channels = filter.getDimSize(2);
  conv.taps = {filter.getDimSize(1), 1};
  return hasMap(conv.contract, 6, {d[0], d[1] + d[4], d[2], d[5]});
}

/// Taps along the last dim alone: (n, ol, f, k * channels + c) -> (n, ol * channels + k * channels + c) on [n, l * channels].
bool matchHorizontal(Convolution &conv, ArrayRef<AffineExpr> d) {
  conv.input = splitDim(conv.contract.getA(), 1, 3);
  conv.filter = splitDim(conv.contract.getB(), 1, 4);
  auto collapse = conv.contract.getA().getDefiningOp<tensor::CollapseShapeOp>();
  if (collapse && collapse.getReassociationIndices() == SmallVector<ReassociationIndices>{{0, 1}, {2, 3}}) {
    conv.input = collapse.getSrc();
    conv.joinsImages = true;
  }
  if (!conv.input || !conv.filter)
    return false;
  auto filter = cast<RankedTensorType>(conv.filter.getType());
  conv.channels = filter.getDimSize(2);
  conv.taps = {filter.getDimSize(1)};
  return hasMap(conv.contract, 4, {d[0], d[1] * conv.channels + d[3]});
}

std::optional<Convolution> matchConvolution(ContractOp contract) {
  Convolution conv;
  conv.contract = contract;
  RankedTensorType b = contract.getB().getType(), c = contract.getC().getType();
  bool floats = contract.getA().getType().getElementType().isF32() && b.getElementType().isF32();
  unsigned parallel = contract.getParallel();
  if (!contract.getBBatch().empty() || !floats || !b.hasStaticShape() || c.getRank() != parallel || c.isDynamicDim(parallel - 1))
    return std::nullopt;
  SmallVector<AffineExpr> d;
  for (unsigned i = 0; i < 6; ++i)
    d.push_back(getAffineDimExpr(i, contract.getContext()));
  if (!(parallel == 4 && (matchBoth(conv, d) || matchVertical(conv, d))) && !(parallel == 3 && matchHorizontal(conv, d)))
    return std::nullopt;
  auto known = [](int64_t taps) { return taps == 1 || taps == 3 || taps == 5; };
  auto input = cast<RankedTensorType>(conv.input.getType());
  if (!llvm::all_of(conv.taps, known) || conv.allTaps() == 1 || input.getDimSize(input.getRank() - 1) != conv.channels)
    return std::nullopt;
  conv.panels = b.getDimSize(0);
  conv.filters = c.getDimSize(parallel - 1);
  conv.pads.assign(conv.taps.size(), 0);
  return conv;
}

/// winograd(pad(x)) -> winograd(x): what lies outside x counts as 0 anyway.
void absorbPadding(Convolution &conv) {
  auto pad = conv.input.getDefiningOp<tensor::PadOp>();
  if (!pad || !pad.getConstantPaddingValue() || !matchPattern(pad.getConstantPaddingValue(), m_AnyZeroFloat()))
    return;
  ArrayRef<int64_t> low = pad.getStaticLow(), high = pad.getStaticHigh();
  ArrayRef<int64_t> before = low.drop_back().take_back(conv.taps.size());
  auto isFree = [&](unsigned dim) { return low[dim] == 0 && high[dim] == 0; };
  if (!isFree(0) || (conv.joinsImages && !isFree(1)) || !isFree(low.size() - 1) ||
      llvm::is_contained(before, ShapedType::kDynamic))
    return;
  conv.input = pad.getSource();
  conv.pads.assign(before.begin(), before.end());
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
  int64_t columns = conv.tapsOfColumns();
  for (int64_t f = 0; f < conv.filters; ++f) {
    double least = INFINITY, most = 0;
    for (int64_t tap = 0; tap < conv.allTaps(); ++tap) {
      const float *at =
          weights + f / kPanel * strides[0] + tap / columns * strides[1] + tap % columns * strides[2] + f % kPanel * strides[4];
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

/// Outputs of a tile along each dim: as many as there are transforms for, or the fewest.
using Tiles = SmallVector<int64_t>;
Tiles tilesOf(const Convolution &conv, bool large) {
  return llvm::map_to_vector(conv.taps, [&](int64_t taps) -> int64_t { return taps == 1 ? 1 : taps == 3 && large ? 4 : 2; });
}

/// Products per pair of channels in a tile.
int64_t productsOf(const Convolution &conv, const Tiles &tiles) {
  int64_t products = 1;
  for (auto [tile, taps] : llvm::zip(tiles, conv.taps))
    products *= tile + taps - 1;
  return products;
}

int64_t bytesOfTransformed(const Convolution &conv, const Tiles &tiles) {
  return productsOf(conv, tiles) * conv.channels * conv.filters * int64_t(sizeof(float));
}

/// The tiles, or none with the reason in `why`. `room`: bytes that transformed weights may have.
Tiles chooseTiles(const Convolution &conv, WeightStore &store, int64_t room, StringRef &why) {
  auto decline = [&](StringRef reason) {
    why = reason;
    return Tiles();
  };
  if (conv.channels % kChannels || conv.filters % kPanel)
    return decline("its channels are no multiple of 16, or its filters none of 32");
  ArrayRef<int64_t> shape = cast<RankedTensorType>(ContractOp(conv.contract).getC().getType()).getShape();
  ArrayRef<int64_t> sizes = shape.drop_front().drop_back();
  bool known = !llvm::is_contained(sizes, ShapedType::kDynamic) && !(conv.joinsImages && ShapedType::isDynamic(shape[0]));
  int64_t ofImage = known ? computeProduct(sizes) : 0, outputs = conv.joinsImages ? ofImage * shape[0] : ofImage;
  if (known && outputs < kFewOutputs)
    return decline("it has fewer than 49 outputs");
  // Multiplications per pair of channels, with those of tiles that reach beyond the border.
  auto work = [&](const Tiles &tiles) {
    int64_t all = productsOf(conv, tiles);
    for (auto [size, tile] : llvm::zip(sizes, tiles))
      all *= llvm::divideCeil(size, tile);
    return all;
  };
  Tiles large = tilesOf(conv, true), small = tilesOf(conv, false);
  Tiles tiles = !known || (outputs >= kManyOutputs && work(large) <= work(small)) ? large : small;
  if (known && 4 * work(tiles) > 3 * conv.allTaps() * ofImage)
    return decline("its tiles reach too far beyond its border");
  if (bytesOfTransformed(conv, tiles) > std::min(room, kLargest))
    tiles = small;
  if (bytesOfTransformed(conv, tiles) > std::min(room, kLargest))
    return decline("its transformed weights are too large");
  std::optional<ConstantView> view = viewOf(conv.filter);
  std::vector<char> scratch;
  ArrayRef<char> bytes = view ? constantBytes(store, view->value, scratch) : ArrayRef<char>();
  int64_t count = conv.allTaps() * conv.channels * conv.filters;
  if (int64_t(bytes.size()) < count * int64_t(sizeof(float)))
    return decline("its weights are no constant, or a part of one");
  if (std::optional<unsigned> dim = conv.missingDim())
    view->strides.insert(view->strides.begin() + *dim, 0);
  if (isUneven(conv, *view, bytes))
    return decline("taps of a filter differ by more than 10 times");
  return tiles;
}

/// What Numerics.md bounds an output's error by, as a multiple of 2 * sqrt(K) * 2^-24 * the largest sum in its tile: transforms round off the same
/// for few terms as for many, and more for 5 taps.
double boundFactor(const Convolution &conv) {
  constexpr int64_t kManyChannels = 32;
  if (llvm::is_contained(conv.taps, 5))
    return 8;
  return conv.allTaps() == 9 && conv.channels >= kManyChannels ? 1 : 4;
}

/// "4x4" or "4".
std::string joined(ArrayRef<int64_t> numbers) {
  return llvm::join(llvm::map_range(numbers, [](int64_t n) { return std::to_string(n); }), "x");
}

/// G, a row for each of `inputs` interpolation points: values there of the polynomial that `taps` taps are, over the product of the
/// differences of the point to the others. The last point is infinity.
SmallVector<double> filterTransform(int64_t inputs, int64_t taps) {
  if (inputs == 1)
    return {1};
  // The points that Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for DNNs" (2020), look for by
  // search: magnitudes around 1 whose products are 1 round 4 to 6 times less than 1 and 2 do.
  const double a = std::sqrt(0.5), b = std::sqrt(2.0);
  SmallVector<double> points = inputs == 4 ? SmallVector<double>{0, 1, -1} : SmallVector<double>{0, a, -a, b, -b};
  SmallVector<double> rows;
  for (double x : points) {
    double scale = 1;
    for (double other : points)
      if (other != x)
        scale *= x - other;
    if (inputs == 4 && x == 0)
      scale = -scale; // as the transform of the inputs has it
    double value = 1 / scale;
    for (int64_t power = 0; power < taps; ++power, value *= x)
      rows.push_back(value);
  }
  rows.append(taps - 1, 0);
  rows.push_back(1);
  return rows;
}

class WinogradFormer {
public:
  WinogradFormer(IRRewriter &rewriter, const Convolution &conv, const Tiles &tiles)
      : b(rewriter), conv(conv), loc(ContractOp(conv.contract).getLoc()), tiles(tiles) {}

  void form() {
    ContractOp contract = conv.contract;
    b.setInsertionPoint(contract);
    Value u = transformFilter();
    if (conv.joinsImages)
      conv.input = tensor::CollapseShapeOp::create(b, loc, conv.input, SmallVector<ReassociationIndices>{{0, 1}, {2}, {3}});
    auto op = WinogradOp::create(b, loc, contract.getC().getType(), conv.input, u, contract.getExtras(),
                                 contract.getResultSizes(), tiles, conv.taps, conv.pads, contract.getExtraMaps());
    op.getEpilogue().takeBody(contract.getEpilogue());
    Operation *yield = op.getEpilogue().front().getTerminator();
    b.setInsertionPoint(yield);
    WinogradYieldOp::create(b, yield->getLoc(), yield->getOperand(0));
    b.eraseOp(yield);
    b.replaceOp(contract, op.getC());
  }

private:
  /// G of the rows or columns.
  Value constantG(int64_t inputs, int64_t taps) {
    auto type = RankedTensorType::get({inputs, taps}, b.getF64Type());
    SmallVector<double> rows = filterTransform(inputs, taps);
    return ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, llvm::ArrayRef<double>(rows)));
  }

  Value filterOfAllDims() {
    std::optional<unsigned> missing = conv.missingDim();
    if (!missing)
      return conv.filter;
    SmallVector<int64_t> shape(cast<RankedTensorType>(conv.filter.getType()).getShape());
    shape.insert(shape.begin() + *missing, 1);
    SmallVector<ReassociationIndices> groups = {{0}, {1, 2}, {3}, {4}};
    return tensor::ExpandShapeOp::create(b, loc, RankedTensorType::get(shape, b.getF32Type()), conv.filter, groups);
  }

  /// Generics on constants, which are folded: sums in f64, rounded once.
  Value transformFilter() {
    Type f64 = b.getF64Type();
    int64_t rowTile = tiles.size() == 2 ? tiles[0] : 1, rows = rowTile + conv.tapsOfRows() - 1;
    int64_t columns = tiles.back() + conv.tapsOfColumns() - 1;
    Value gOfRows = constantG(rows, conv.tapsOfRows()), gOfColumns = constantG(columns, conv.tapsOfColumns());
    SmallVector<int64_t> shape = {conv.panels, rows, columns, conv.channels, kPanel};
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
    Value wide = linalg::GenericOp::create(b, loc, init.getType(), ValueRange{filterOfAllDims(), gOfRows, gOfColumns}, init, maps,
                                           iterators, sum)
                     .getResult(0);
    Value rounded = roundElements(b, loc, wide, b.getF32Type());
    return tensor::CollapseShapeOp::create(b, loc, rounded, SmallVector<ReassociationIndices>{{0}, {1, 2}, {3}, {4}});
  }

  IRRewriter &b;
  Convolution conv;
  Location loc;
  Tiles tiles;
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
      Tiles tiles = chooseTiles(*conv, store, room, why);
      std::string taps = joined(conv->taps), which = taps + (conv->taps.size() == 1 ? "-tap" : "");
      if (tiles.empty()) {
        emitRemark(contract.getLoc()) << which << " convolution stays direct: " << why;
        continue;
      }
      double terms = static_cast<double>(conv->allTaps() * conv->channels);
      emitRemark(contract.getLoc())
          << which << " convolution by Winograd F(" << joined(tiles) << "," << taps << "): each output within "
          << llvm::formatv("{0:e1}", boundFactor(*conv) * 2 * std::sqrt(terms) * std::ldexp(1.0, -24)).str()
          << " of the largest sum of |input * weight| in its tile";
      room -= bytesOfTransformed(*conv, tiles);
      absorbPadding(*conv);
      WinogradFormer(rewriter, *conv, tiles).form();
    }
  }
};

} // namespace
