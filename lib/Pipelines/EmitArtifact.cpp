// The last phases, one after the other.
#include "laic/Pipelines/EmitArtifact.h"

#include "ProgramBuilder.h"
#include "laic/Transforms/Passes.h"

using namespace mlir;
using namespace laic;

llvm::FailureOr<CodegenResult> laic::generateCode(ModuleOp module, const Target &target, const TargetOptions &options) {
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
    return module.emitError("target '") << target.getName() << "' returned code for " << code->infos.size() << " of "
                                        << kernels.size() << " kernels";
  Builder b(module.getContext());
  for (auto [kernel, info] : llvm::zip(kernels, code->infos)) {
    if (info.tiles)
      kernel->setAttr(kTilesAttr, AffineMapAttr::get(info.tiles));
    if (info.workspace)
      kernel->setAttr(kWorkspaceAttr, AffineMapAttr::get(info.workspace));
  }
  return code;
}

static LogicalResult report(llvm::ArrayRef<PlanSource> plans, const std::string &error) {
  if (error.empty())
    return success();
  ModuleOp module = plans.front().module;
  return emitError(UnknownLoc::get(module.getContext())) << error;
}

LogicalResult laic::writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, llvm::StringRef path) {
  ProgramBuilder program(plans, options);
  if (failed(program.build()))
    return failure();
  return report(plans, artifact::writeArtifact(path.str(), program.data(), program.size(), program.segments()));
}

LogicalResult laic::writeProgram(llvm::ArrayRef<PlanSource> plans, const EmitOptions &options, std::vector<uint8_t> &bytes) {
  ProgramBuilder program(plans, options);
  if (failed(program.build()))
    return failure();
  return report(plans, artifact::serializeArtifact(program.data(), program.size(), program.segments(), bytes));
}
