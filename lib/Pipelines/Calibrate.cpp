// Frames of inputs become constants, and folding of constants runs the graph on them.
#include "Calibrate.h"

#include "Phases.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/Ranges.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Pipelines/Backend.h"
#include "laic/Support/Npz.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>

using namespace mlir;
using namespace laic;

namespace {

constexpr int64_t kFramesAtOnce = 16; // in one module; its kernels are compiled once

struct Range {
  double lo = INFINITY, hi = -INFINITY;
  void add(double value) {
    if (!std::isfinite(value))
      return;
    lo = std::min(lo, value);
    hi = std::max(hi, value);
  }
};

template <typename T> void addAll(llvm::ArrayRef<char> bytes, Range &range) {
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    range.add(static_cast<double>(value));
  }
}

class Calibration {
public:
  Calibration(ModuleOp module, func::FuncOp main, const TargetChoice &host, const std::string &path)
      : module(module), main(main), host(host), path(path),
        store(module.getContext()->getLoadedDialect<LaicDialect>()->getWeights()) {}

  LogicalResult run() {
    if (std::string problem = npz::read(path, file); !problem.empty())
      return main.emitError() << "--calibration: " << problem;
    if (!host.target)
      return main.emitError("--calibration needs a target that runs on this machine");
    if (failed(readInputs()))
      return failure();
    findWatched();
    ranges.resize(watched.size());
    for (int64_t frame = 0; frame < frames; frame += kFramesAtOnce)
      if (failed(runFrames(frame, std::min(kFramesAtOnce, frames - frame))))
        return failure();
    writeRanges();
    return success();
  }

private:
  /// One array per argument: whole frames of its element type, joined along its first dim or stacked on one more in front of it.
  LogicalResult readInputs() {
    for (BlockArgument argument : main.getArguments()) {
      auto type = cast<RankedTensorType>(argument.getType());
      auto name = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "laic.name").getValue().str();
      auto found = file.find(name);
      if (found == file.end())
        return (main.emitError() << "--calibration: " << path << " has no input '" << name << "'").attachNote()
                   << "a project takes all frames of an input in one array of its name",
               failure();
      npz::Array &array = found->second;
      bool isStacked = array.shape.size() == static_cast<size_t>(type.getRank()) + 1;
      bool fits = (isStacked || array.shape.size() == static_cast<size_t>(type.getRank())) && type.getNumElements() > 0 &&
                  static_cast<int64_t>(array.elements()) % type.getNumElements() == 0 && array.elements() > 0;
      for (int64_t d = isStacked ? 0 : 1; fits && d < type.getRank(); ++d)
        fits = array.shape[d + isStacked] == type.getDimSize(d);
      if (!fits || (type.getElementType().isF32() ? array.dtype() != "<f4"
                                                  : static_cast<int64_t>(array.itemSize) != elementBytes(type.getElementType())))
        return main.emitError() << "--calibration: input '" << name << "' of " << path << " does not fit " << type;
      int64_t count = static_cast<int64_t>(array.elements()) / type.getNumElements();
      if (argument.getArgNumber() > 0 && count != frames)
        return main.emitError() << "--calibration: input '" << name << "' has " << count << " frames, the one before has "
                                << frames;
      frames = count;
      arrays.push_back(&array);
    }
    return success();
  }

  /// Operations with float results that depend on an argument, by their number in the block.
  void findWatched() {
    llvm::DenseSet<Value> variable(main.getArguments().begin(), main.getArguments().end());
    for (auto [i, op] : llvm::enumerate(main.getBody().front().without_terminator())) {
      if (llvm::none_of(op.getOperands(), [&](Value operand) { return variable.contains(operand); }))
        continue;
      variable.insert(op.result_begin(), op.result_end());
      auto type = op.getNumResults() ? dyn_cast<RankedTensorType>(op.getResult(0).getType()) : RankedTensorType();
      if (type && isa<FloatType>(type.getElementType()))
        watched.push_back(i);
    }
  }

  Value frameOf(OpBuilder &b, unsigned argument, int64_t frame) {
    auto type = cast<RankedTensorType>(main.getArgument(argument).getType());
    size_t bytes = type.getNumElements() * elementBytes(type.getElementType());
    const uint8_t *from = arrays[argument]->data.data() + frame * bytes;
    TypedAttr value = makeConstant(store, {reinterpret_cast<const char *>(from), bytes}, type);
    return ConstantOp::create(b, main.getLoc(), type, value);
  }

  /// A module whose @main takes nothing and returns every watched tensor of every frame.
  OwningOpRef<ModuleOp> framesModule(int64_t first, int64_t count) {
    OwningOpRef<ModuleOp> clone = cast<ModuleOp>(module->clone());
    auto body = clone->lookupSymbol<func::FuncOp>("main");
    Block &block = body.getBody().front();
    llvm::SmallVector<Operation *> originals;
    for (Operation &op : block.without_terminator())
      originals.push_back(&op);
    Operation *end = block.getTerminator();
    OpBuilder b(end);
    llvm::SmallVector<Value> results;
    llvm::SmallVector<Type> types;
    for (int64_t frame = first; frame < first + count; ++frame) {
      IRMapping mapping;
      for (BlockArgument argument : block.getArguments())
        mapping.map(argument, frameOf(b, argument.getArgNumber(), frame));
      llvm::SmallVector<Operation *> copies;
      for (Operation *op : originals)
        copies.push_back(isa<ConstantOp, NoneOp>(op) ? op : b.clone(*op, mapping));
      for (unsigned number : watched)
        results.push_back(copies[number]->getResult(0));
    }
    for (Value result : results)
      types.push_back(result.getType());
    end->setOperands(results);
    for (Operation *op : llvm::reverse(originals))
      if (op->use_empty())
        op->erase();
    block.eraseArguments(0, block.getNumArguments());
    body.setArgAttrsAttr(ArrayAttr());
    body.setResAttrsAttr(ArrayAttr());
    body.setFunctionType(b.getFunctionType({}, types));
    return clone;
  }

  LogicalResult runFrames(int64_t first, int64_t count) {
    // How these copies are compiled is of no interest to the user.
    ScopedDiagnosticHandler quiet(module.getContext(),
                                  [](Diagnostic &d) { return success(d.getSeverity() == DiagnosticSeverity::Remark); });
    OwningOpRef<ModuleOp> owned = framesModule(first, count);
    PassManager pm(module.getContext());
    buildFusePhase(pm);
    if (failed(pm.run(*owned)))
      return failure();
    Backend backend(host, host, std::move(owned), /*alone=*/false);
    if (failed(backend.dispatch()) || failed(foldConstantDispatches(backend.getModule(), host, /*keepSources=*/true)))
      return failure();
    Operation *end = backend.getModule().lookupSymbol<func::FuncOp>("main").getBody().front().getTerminator();
    for (auto [i, value] : llvm::enumerate(end->getOperands()))
      if (failed(addRange(value, ranges[i % watched.size()])))
        return failure();
    return success();
  }

  LogicalResult addRange(Value value, Range &range) {
    while (isa_and_nonnull<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(value.getDefiningOp()))
      value = value.getDefiningOp()->getOperand(0);
    auto constant = value.getDefiningOp<ConstantOp>();
    if (!constant)
      return main.emitError("--calibration: a tensor of the model could not be computed on this machine");
    std::vector<char> scratch;
    addNumbers(cast<RankedTensorType>(value.getType()).getElementType(), constantBytes(store, constant.getValue(), scratch),
               range);
    return success();
  }

  static void addNumbers(Type element, llvm::ArrayRef<char> bytes, Range &range) {
    if (element.isF32())
      return addAll<float>(bytes, range);
    if (element.isF64())
      return addAll<double>(bytes, range);
    for (size_t at = 0; at + 2 <= bytes.size(); at += 2) {
      uint16_t bits;
      std::memcpy(&bits, bytes.data() + at, 2);
      range.add(llvm::APFloat(cast<FloatType>(element).getFloatSemantics(), llvm::APInt(16, bits)).convertToDouble());
    }
  }

  ArrayAttr attrOf(const Range &range) {
    Builder b(module.getContext());
    bool seen = range.lo <= range.hi;
    return b.getArrayAttr({b.getF64FloatAttr(seen ? range.lo : 0), b.getF64FloatAttr(seen ? range.hi : 0)});
  }

  void writeRanges() {
    unsigned number = 0, next = 0;
    for (Operation &op : main.getBody().front().without_terminator()) {
      if (next < watched.size() && watched[next] == number)
        op.setAttr(kRangeAttr, attrOf(ranges[next++]));
      ++number;
    }
    for (BlockArgument argument : main.getArguments()) {
      auto type = cast<RankedTensorType>(argument.getType());
      if (!isa<FloatType>(type.getElementType()))
        continue;
      const npz::Array &array = *arrays[argument.getArgNumber()];
      Range range;
      addNumbers(type.getElementType(), {reinterpret_cast<const char *>(array.data.data()), array.data.size()}, range);
      main.setArgAttr(argument.getArgNumber(), kRangeAttr, attrOf(range));
    }
  }

  ModuleOp module;
  func::FuncOp main;
  const TargetChoice &host;
  const std::string &path;
  WeightStore &store;
  npz::File file;
  std::vector<npz::Array *> arrays; // one per argument
  int64_t frames = 1;
  std::vector<unsigned> watched;
  std::vector<Range> ranges;
};

} // namespace

LogicalResult laic::calibrate(ModuleOp module, const TargetChoice &host, const std::string &path) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || llvm::any_of(main.getArgumentTypes(), [](Type type) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        return !tensor || !tensor.hasStaticShape();
      }))
    return success();
  return Calibration(module, main, host, path).run();
}
