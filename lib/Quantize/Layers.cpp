// Finds products with constant weights and names them.
#include "Layers.h"

#include "laic/Dialect/Laic/ConvOps.h"
#include "laic/Dialect/Laic/CoreOps.h"
#include "laic/Dialect/Laic/GatherScatterOps.h"
#include "laic/Dialect/Laic/LinearOps.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "llvm/Support/GlobPattern.h"

#include <cmath>

using namespace mlir;
using namespace laic;

int64_t Layer::resultAxis() const {
  return isa<ConvOp>(op) ? 1 : cast<RankedTensorType>(op->getResult(0).getType()).getRank() - 1;
}

int64_t Layer::xAxis() const { return isa<ConvOp>(op) ? 1 : xType().getRank() - 1; }

Layer::Order Layer::orderOfWeights() const {
  llvm::ArrayRef<int64_t> shape = weightsType().getShape();
  auto conv = dyn_cast<ConvOp>(op);
  if (!conv)
    return {shape[0], shape[1], 0, 1};
  int64_t taps = weightsType().getNumElements() / (shape[0] * shape[1]);
  return {shape[0], shape[1], taps, std::max<int64_t>(1, shape[0] / static_cast<int64_t>(conv.getGroup()))};
}

std::string laic::nodeName(Operation *op) {
  std::string name;
  op->getLoc()->walk([&](Location part) {
    if (auto named = dyn_cast<NameLoc>(part)) {
      name = named.getName().str();
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return name;
}

llvm::ArrayRef<float> laic::floatsOf(Value value, std::vector<char> &scratch) {
  auto constant = value.getDefiningOp<ConstantOp>();
  if (!constant || !getElementTypeOrSelf(value.getType()).isF32())
    return {};
  WeightStore &store = value.getContext()->getLoadedDialect<LaicDialect>()->getWeights();
  llvm::ArrayRef<char> bytes = constantBytes(store, constant.getValue(), scratch);
  if (static_cast<int64_t>(bytes.size()) != cast<RankedTensorType>(value.getType()).getNumElements() * 4)
    return {}; // a source that is not there
  return {reinterpret_cast<const float *>(bytes.data()), bytes.size() / sizeof(float)};
}

bool laic::isFinite(Value constant) {
  std::vector<char> scratch;
  return llvm::all_of(floatsOf(constant, scratch), [](float x) { return std::isfinite(x); });
}

static bool isFloatConstant(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() && type.getNumElements() > 0 && type.getElementType().isF32() &&
         value.getDefiningOp<ConstantOp>();
}

static bool isFloatActivation(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32() && !value.getDefiningOp<ConstantOp>();
}

bool laic::isBias(Value value, int64_t channels) {
  if (!isFloatConstant(value))
    return false;
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() >= 1 && type.getNumElements() == channels && type.getShape().back() == channels;
}

static std::optional<Layer> layerOf(Operation *op) {
  if (!isa<ConvOp, MatMulOp, GemmOp>(op) || !isFloatActivation(op->getOperand(0)) || !isFloatConstant(op->getOperand(1)))
    return std::nullopt;
  Layer layer;
  layer.op = op;
  layer.name = nodeName(op);
  layer.kind = isa<ConvOp>(op) ? "Conv" : isa<MatMulOp>(op) ? "MatMul" : "Gemm";
  layer.x = op->getOperand(0);
  layer.weights = op->getOperand(1);
  if (isa<MatMulOp>(op)) {
    if (layer.weightsType().getRank() != 2)
      return std::nullopt;
    layer.channelAxis = 1;
  } else if (auto gemm = dyn_cast<GemmOp>(op)) {
    layer.channelAxis = gemm.getTransB() ? 0 : 1;
    if (gemm.getTransA() || !gemm.getAlpha().isExactlyValue(1) || !gemm.getBeta().isExactlyValue(1))
      layer.kept = "its factors or its transposed A have no form in integers";
  }
  if (op->getNumOperands() > 2 && isBias(op->getOperand(2), layer.channels()))
    layer.bias = op->getOperand(2);
  return layer;
}

bool laic::matchesGlob(llvm::ArrayRef<std::string> globs, llvm::StringRef name) {
  return llvm::any_of(globs, [&](const std::string &text) {
    llvm::Expected<llvm::GlobPattern> glob = llvm::GlobPattern::create(text);
    bool found = glob ? glob->match(name) : name == text;
    llvm::consumeError(glob.takeError());
    return found;
  });
}

std::vector<Layer> laic::findLayers(func::FuncOp main, llvm::ArrayRef<std::string> keepFloat) {
  std::vector<Layer> layers;
  for (Operation &op : main.getBody().front())
    if (std::optional<Layer> layer = layerOf(&op)) {
      if (layer->kept.empty() && matchesGlob(keepFloat, layer->name))
        layer->kept = kNamed.str();
      layers.push_back(std::move(*layer));
    }
  return layers;
}

std::vector<Table> laic::findTables(func::FuncOp main) {
  std::vector<Table> tables;
  for (auto op : main.getOps<GatherOp>())
    if (isFloatConstant(op.getData()) && cast<RankedTensorType>(op.getData().getType()).getRank() == 2 && op.getAxis() == 0)
      tables.push_back({op, nodeName(op), op.getData()});
  return tables;
}

std::string laic::whyKept(const Table &table, llvm::ArrayRef<std::string> keepFloat) {
  if (table.type().getNumElements() < kFewWeights)
    return kHasFewWeights.str();
  if (matchesGlob(keepFloat, table.name))
    return kNamed.str();
  return isFinite(table.data) ? "" : kNotFinite.str();
}

std::string laic::unusedGlob(func::FuncOp main, llvm::ArrayRef<std::string> keepFloat) {
  for (const std::string &glob : keepFloat) {
    bool used = false;
    for (Operation &op : main.getBody().front())
      used = used || matchesGlob(glob, nodeName(&op));
    if (!used)
      return glob;
  }
  return "";
}
