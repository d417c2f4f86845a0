// Costs of steps from their buffers' sizes and their kernels' loops.
#include "laic/Pipelines/Explain.h"

#include "NodeNames.h"
#include "laic/Dialect/Laic/DepthwiseOps.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/PanelsOps.h"
#include "laic/Dialect/Laic/RowsOps.h"
#include "laic/Dialect/Laic/SizeSymbols.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Dialect/Laic/WinogradOps.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <set>

using namespace mlir;
using namespace laic;

namespace {

// Additions, products, maxima and functions of elements; not what chooses or converts them, nor arithmetic of indices.
bool isArithmetic(Operation &op) {
  if (op.getNumResults() != 1 || op.getResult(0).getType().isIndex() || op.getResult(0).getType().isInteger(1))
    return false;
  if (isa<arith::ConstantOp, arith::SelectOp, arith::CmpFOp, arith::CmpIOp>(op) || isa<CastOpInterface>(op))
    return false;
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op.getDialect());
}

class LoopCounter {
public:
  LoopCounter(plan::StepOp step, func::FuncOp kernel) : context(step.getContext()) {
    unsigned next = 0;
    for (BlockArgument arg : kernel.getArguments())
      if (isa<TensorType>(arg.getType()) && next < step.getInputs().size())
        shapes[arg] = shapeOf(step.getInputs()[next++]);
    Operation *end = kernel.getBody().front().getTerminator();
    for (auto [value, buffer] : llvm::zip(end->getOperands(), step.getOutputs()))
      shapes[value] = shapeOf(buffer);
    kernel.walk([&](Operation *op) { add(op); });
  }

  AffineExpr total() const { return unknown ? AffineExpr() : canonicalSize(sum); }

private:
  static SmallVector<AffineExpr> shapeOf(Value buffer) {
    return SmallVector<AffineExpr>(cast<plan::BufferType>(buffer.getType()).getShape().getResults());
  }

  AffineExpr constant(int64_t value) const { return getAffineConstantExpr(value, context); }

  SmallVector<AffineExpr> sizesOf(Value tensor) {
    if (auto known = shapes.find(tensor); known != shapes.end())
      return known->second;
    SmallVector<AffineExpr> sizes;
    if (auto rows = dyn_cast_or_null<RowsOp>(tensor.getParentBlock()->getParentOp()); rows && tensor.getDefiningOp())
      for (auto [inner, outer] : llvm::zip(rows.getBody().front().getTerminator()->getOperands(), rows.getResults()))
        if (inner == tensor)
          return sizesOf(outer);
    if (auto panels = tensor.getDefiningOp<PanelsOp>()) {
      SmallVector<AffineExpr> source = sizesOf(panels.getSource());
      if (!llvm::is_contained(source, AffineExpr()))
        return panels.resultShape(source);
    }
    if (auto type = dyn_cast<RankedTensorType>(tensor.getType()))
      for (int64_t size : type.getShape())
        sizes.push_back(ShapedType::isDynamic(size) ? AffineExpr() : constant(size));
    return sizes;
  }

  void add(Operation *op) {
    if (isa<StructuredOpInterface>(op))
      unknown = true;
    else if (auto generic = dyn_cast<linalg::GenericOp>(op))
      addLoops(generic);
    else if (auto contract = dyn_cast<ContractOp>(op))
      addContraction(contract);
    else if (auto depthwise = dyn_cast<DepthwiseOp>(op))
      addDepthwise(depthwise);
    else if (auto winograd = dyn_cast<WinogradOp>(op))
      addWinograd(winograd);
  }

  void addWork(int64_t operations, llvm::ArrayRef<AffineExpr> loops) {
    AffineExpr work = constant(operations);
    for (AffineExpr size : loops) {
      unknown |= !size;
      work = size ? work * size : work;
    }
    sum = sum + work;
  }

  void addLoops(linalg::GenericOp op) {
    SmallVector<AffineExpr> loops(op.getNumLoops());
    auto learn = [&](Value tensor, AffineMap map) {
      SmallVector<AffineExpr> sizes = sizesOf(tensor);
      for (auto [size, index] : llvm::zip(sizes, map.getResults()))
        if (auto dim = dyn_cast<AffineDimExpr>(index); dim && size && !loops[dim.getPosition()])
          loops[dim.getPosition()] = size;
    };
    for (OpResult result : op->getResults())
      learn(result, op.getMatchingIndexingMap(op.getDpsInitOperand(result.getResultNumber())));
    for (OpOperand &operand : op->getOpOperands())
      learn(operand.get(), op.getMatchingIndexingMap(&operand));
    int64_t operations = llvm::count_if(op.getRegion().front(), isArithmetic);
    if (operations)
      addWork(operations, loops);
  }

  // 2 per multiply-add, and the epilogue once per element of C.
  void addContraction(ContractOp op) {
    SmallVector<AffineExpr> loops = sizesOf(op.getC()), b = sizesOf(op.getB());
    int64_t epilogue = llvm::count_if(op.getEpilogue().front(), isArithmetic);
    if (epilogue)
      addWork(epilogue, loops);
    unsigned outer = op.getBBatch().size() + 1;   // batch dims and panels, then the reduction, then columns of a panel
    unsigned inside = op.getGroup() == 1 ? 1 : 2; // columns of a panel, and neighbours of a group
    if (b.size() > outer)
      loops.append(b.begin() + outer, b.end() - inside);
    addWork(2 * op.getGroup(), loops);
  }

  void addDepthwise(DepthwiseOp op) {
    int64_t taps = 1;
    for (int64_t of : op.getTaps())
      taps *= of;
    addWork(2 * taps + llvm::count_if(op.getEpilogue().front(), isArithmetic), sizesOf(op.getC()));
  }

  // 2 per multiply-add of transformed values; the transforms are not counted.
  void addWinograd(WinogradOp op) {
    SmallVector<AffineExpr> loops = sizesOf(op.getC());
    if (int64_t epilogue = llvm::count_if(op.getEpilogue().front(), isArithmetic))
      addWork(epilogue, loops);
    for (auto [size, tile] : llvm::zip(llvm::MutableArrayRef(loops).drop_front(), op.getTiles()))
      size = size ? size.ceilDiv(tile) : size;
    ArrayRef<int64_t> u = op.getU().getType().getShape(); // panels, products per tile, channels
    addWork(2 * u[1] * u[2], loops);
  }

  MLIRContext *context;
  llvm::DenseMap<Value, SmallVector<AffineExpr>> shapes;
  AffineExpr sum = constant(0);
  bool unknown = false;
};

// A size in the words of the model: "4 * N * (H + 2)"; beyond a length that one reads, which dims it depends on.
class SizeText {
public:
  explicit SizeText(const SizeSymbols &symbols) : symbols(symbols) {}

  std::string text(AffineExpr expr) const {
    if (!expr)
      return "?";
    std::string whole = write(expr);
    constexpr size_t kReadable = 36;
    if (whole.size() <= kReadable)
      return whole;
    std::set<std::string> names;
    collect(expr, names);
    return "f(" + llvm::join(names, ", ") + ")";
  }

private:
  std::string write(AffineExpr expr) const {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr))
      return std::to_string(constant.getValue());
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
      const SizeSymbol &s = symbols[symbol.getPosition()];
      if (s.args.empty())
        return s.name.empty() ? "input " + std::to_string(s.arg) + "[" + std::to_string(s.index) + "]" : s.name;
      return s.kind + "(" + llvm::join(llvm::map_range(s.args, [&](AffineExpr arg) { return write(arg); }), ", ") + ")";
    }
    auto binary = cast<AffineBinaryOpExpr>(expr);
    const char *sign = expr.getKind() == AffineExprKind::Add        ? " + "
                       : expr.getKind() == AffineExprKind::Mul      ? " * "
                       : expr.getKind() == AffineExprKind::Mod      ? " mod "
                       : expr.getKind() == AffineExprKind::FloorDiv ? " floordiv "
                                                                    : " ceildiv ";
    auto side = [&](AffineExpr part) {
      return part.getKind() == AffineExprKind::Add && expr.getKind() != AffineExprKind::Add ? "(" + write(part) + ")"
                                                                                            : write(part);
    };
    AffineExpr left = binary.getLHS(), right = binary.getRHS();
    if (expr.getKind() == AffineExprKind::Mul && isa<AffineConstantExpr>(right))
      std::swap(left, right);
    return side(left) + sign + side(right);
  }

  void collect(AffineExpr expr, std::set<std::string> &names) const {
    expr.walk([&](AffineExpr part) {
      auto symbol = dyn_cast<AffineSymbolExpr>(part);
      if (!symbol)
        return;
      const SizeSymbol &s = symbols[symbol.getPosition()];
      if (s.args.empty())
        names.insert(write(symbol));
      for (AffineExpr arg : s.args)
        collect(arg, names);
    });
  }

  const SizeSymbols &symbols;
};

} // namespace

StepCost laic::costOfStep(Operation *op) {
  StepCost cost;
  AffineExpr bytes = getAffineConstantExpr(0, op->getContext());
  for (Value operand : op->getOperands()) {
    auto type = cast<plan::BufferType>(operand.getType());
    AffineExpr size = getAffineConstantExpr(elementBytes(type.getElement()), op->getContext());
    for (AffineExpr dim : type.getShape().getResults())
      size = size * dim;
    bytes = bytes + size;
  }
  cost.bytes = canonicalSize(bytes);
  auto step = dyn_cast<plan::StepOp>(op);
  if (!step) {
    cost.flops = getAffineConstantExpr(0, op->getContext());
    return cost;
  }
  auto kernel = op->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>(step.getKernel());
  if (kernel && !kernel.isExternal())
    cost.flops = LoopCounter(step, kernel).total();
  return cost;
}

// Does a copy in a plan for another device end on the host?
static bool isHostMemory(Value buffer) {
  Operation *op = buffer.getDefiningOp();
  while (auto view = dyn_cast<plan::ViewOp>(op))
    op = view.getSource().getDefiningOp();
  auto alloc = dyn_cast<plan::AllocOp>(op);
  return alloc ? alloc.getHost() : isa<plan::OutputOp>(op);
}

// The kernel that a step runs, or the function of the runtime that it calls.
static std::string kernelName(ModuleOp module, plan::StepOp step) {
  auto kernel = module.lookupSymbol<func::FuncOp>(step.getKernel());
  auto function = kernel ? kernel->getAttrOfType<StringAttr>(kHostFunctionAttr) : StringAttr();
  return function ? function.getValue().str() : step.getKernel().str();
}

static std::string whyHost(ModuleOp module, plan::StepOp step) {
  auto kernel = module.lookupSymbol<func::FuncOp>(step.getKernel());
  auto why = kernel ? kernel->getAttrOfType<StringAttr>(kWhyHostAttr) : StringAttr();
  return why ? why.getValue().str() : "";
}

std::vector<ExplainRow> laic::explainSchedule(ModuleOp module) {
  std::vector<ExplainRow> rows;
  for (auto entry : module.getOps<plan::EntryOp>()) {
    SizeSymbols symbols = SizeSymbols::fromAttr(entry.getSymbols());
    SizeText words(symbols);
    for (Operation &op : entry.getBody().front()) {
      auto step = dyn_cast<plan::StepOp>(op);
      if (auto call = dyn_cast<plan::CallOp>(op)) {
        bool onHost = call.getHost();
        rows.push_back({nodeNames(op.getLoc()), call.getKind().str(), onHost ? "host" : entry.getDevice().str(),
                        onHost ? "only the call decides what it runs" : "", words.text(costOfStep(&op).bytes), "?"});
        continue;
      }
      if (!step && !isa<plan::CopyOp>(op))
        continue;
      StepCost cost = costOfStep(&op);
      std::string device = (step ? step.getHost() : isHostMemory(cast<plan::CopyOp>(op).getTarget())) ? "host" : "";
      std::string kernel = step ? kernelName(module, step) : "copy";
      rows.push_back({nodeNames(op.getLoc()), kernel, device.empty() ? entry.getDevice().str() : device,
                      step && step.getHost() ? whyHost(module, step) : "", words.text(cost.bytes), words.text(cost.flops)});
    }
  }
  return rows;
}

std::string laic::formatExplanation(const std::vector<ExplainRow> &rows) {
  ExplainRow head{"nodes", "kernel", "device", "", "bytes", "flops"};
  size_t kernel = head.kernel.size(), device = head.device.size(), bytes = head.bytes.size(), flops = head.flops.size();
  for (const ExplainRow &row : rows) {
    kernel = std::max(kernel, row.kernel.size());
    device = std::max(device, row.device.size());
    bytes = std::max(bytes, row.bytes.size());
    flops = std::max(flops, row.flops.size());
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  auto line = [&](const ExplainRow &row) {
    os << llvm::left_justify(row.kernel, kernel) << "  " << llvm::left_justify(row.device, device) << "  "
       << llvm::right_justify(row.bytes, bytes) << "  " << llvm::right_justify(row.flops, flops) << "  " << row.nodes << '\n';
  };
  line(head);
  for (const ExplainRow &row : rows)
    line(row);
  for (const ExplainRow &row : rows)
    if (!row.whyHost.empty())
      os << "on the host: " << row.kernel << ": " << row.whyHost << '\n';
  return text;
}
