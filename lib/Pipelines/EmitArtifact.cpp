// The last phases, one after the other.
#include "laic/Pipelines/EmitArtifact.h"

#include "NodeNames.h"
#include "ProgramBuilder.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace laic;

llvm::FailureOr<CodegenResult> laic::generateCode(ModuleOp module, const Target &target,
                                                  const TargetOptions &options) {
  llvm::SmallVector<func::FuncOp> kernels;
  for (auto function : module.getOps<func::FuncOp>())
    if (function.isPrivate() && !function.isDeclaration())
      kernels.push_back(function);
  if (kernels.empty())
    return CodegenResult();
  llvm::FailureOr<CodegenResult> code = target.codegen(kernels, options);
  if (failed(code))
    return failure();
  if (code->infos.size() != kernels.size())
    return module.emitError("target '") << target.getName() << "' returned code for " << code->infos.size()
                                        << " of " << kernels.size() << " kernels";
  Builder b(module.getContext());
  for (auto [kernel, info] : llvm::zip(kernels, code->infos)) {
    if (info.tiles)
      kernel->setAttr(kTilesAttr, AffineMapAttr::get(info.tiles));
    if (info.workspace)
      kernel->setAttr(kWorkspaceAttr, AffineMapAttr::get(info.workspace));
    kernel->setAttr(kFlopsAttr, b.getF64FloatAttr(info.flops));
  }
  return code;
}

/// -1 where a size depends on inputs.
static int64_t bufferBytes(Value buffer) {
  auto type = cast<plan::BufferType>(buffer.getType());
  int64_t bytes = elementBytes(type.getElement());
  for (AffineExpr e : type.getShape().getResults()) {
    std::optional<int64_t> size = constantSize(e);
    if (!size)
      return -1;
    bytes *= *size;
  }
  return bytes;
}

std::vector<ExplainRow> laic::explainSchedule(ModuleOp module) {
  std::vector<ExplainRow> rows;
  for (auto entry : module.getOps<plan::EntryOp>())
    for (Operation &op : entry.getBody().front()) {
      auto step = dyn_cast<plan::StepOp>(op);
      if (!step && !isa<plan::CopyOp>(op))
        continue;
      ExplainRow row;
      row.nodes = nodeNames(op.getLoc());
      row.kernel = step ? step.getKernel().str() : "copy";
      for (Value operand : op.getOperands()) {
        int64_t bytes = bufferBytes(operand);
        row.bytes = bytes < 0 || row.bytes < 0 ? -1 : row.bytes + bytes;
      }
      auto kernel = step ? module.lookupSymbol<func::FuncOp>(step.getKernel()) : func::FuncOp();
      if (auto flops = kernel ? kernel->getAttrOfType<FloatAttr>(kFlopsAttr) : FloatAttr())
        row.flops = flops.getValueAsDouble();
      rows.push_back(std::move(row));
    }
  return rows;
}

std::string laic::formatExplanation(const std::vector<ExplainRow> &rows) {
  size_t widest = 6;
  for (const ExplainRow &row : rows)
    widest = std::max(widest, row.kernel.size());
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::left_justify("kernel", widest) << "       bytes        flops  nodes\n";
  for (const ExplainRow &row : rows) {
    os << llvm::left_justify(row.kernel, widest);
    row.bytes < 0 ? os << "           ?" : os << llvm::format(" %11lld", static_cast<long long>(row.bytes));
    row.flops > 0 ? os << llvm::format(" %12.0f", row.flops) : os << "            ?";
    os << "  " << row.nodes << '\n';
  }
  return text;
}

static LogicalResult report(ModuleOp module, const std::string &error) {
  return error.empty() ? success() : LogicalResult(emitError(UnknownLoc::get(module.getContext())) << error);
}

LogicalResult laic::writeProgram(ModuleOp module, const CodegenResult &code, const EmitOptions &options,
                                 llvm::StringRef path) {
  ProgramBuilder program(module, code, options);
  if (failed(program.build()))
    return failure();
  return report(module,
                artifact::writeArtifact(path.str(), program.data(), program.size(), program.segments()));
}

LogicalResult laic::writeProgram(ModuleOp module, const CodegenResult &code, const EmitOptions &options,
                                 std::vector<uint8_t> &bytes) {
  ProgramBuilder program(module, code, options);
  if (failed(program.build()))
    return failure();
  return report(module,
                artifact::serializeArtifact(program.data(), program.size(), program.segments(), bytes));
}

template <typename Destination>
static LogicalResult emit(ModuleOp module, const Target &target, const EmitOptions &options,
                          Destination &&destination) {
  if (failed(foldConstantDispatches(module, target, options.target)))
    return failure();
  llvm::FailureOr<CodegenResult> code = generateCode(module, target, options.target);
  if (failed(code))
    return failure();
  PassManager schedule(module.getContext());
  schedule.addPass(createScheduleProgram());
  if (failed(schedule.run(module)))
    return failure();
  if (options.explain)
    *options.explain = explainSchedule(module);
  return writeProgram(module, *code, options, destination);
}

LogicalResult laic::emitArtifact(ModuleOp module, const Target &target, const EmitOptions &options,
                                 llvm::StringRef path) {
  return emit(module, target, options, path);
}

LogicalResult laic::emitArtifact(ModuleOp module, const Target &target, const EmitOptions &options,
                                 std::vector<uint8_t> &bytes) {
  return emit(module, target, options, bytes);
}
