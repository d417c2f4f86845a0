// Makes PTX of kernel functions, one text per kernel and chip.
#include "Codegen.h"
#include "LowerToPTX.h"
#include "TensorCores.h"
#include "laic/Conversion/KernelToGPU.h"
#include "mlir/IR/OwningOpRef.h"

using namespace mlir;
using namespace laic;
using namespace laic::cuda;

static FailureOr<std::string> compile(func::FuncOp kernel, llvm::StringRef chip, const GpuKernelOptions &options,
                                      KernelInfo &info, int64_t &threads) {
  OwningOpRef<ModuleOp> holder = ModuleOp::create(kernel.getLoc());
  OpBuilder b = OpBuilder::atBlockBegin(holder->getBody());
  auto module = gpu::GPUModuleOp::create(b, kernel.getLoc(), "kernels");
  FailureOr<GpuKernel> emitted = emitGpuKernel(kernel, module, options, info.whyNot);
  if (failed(emitted))
    return failure();
  info.tiles = emitted->groups;
  info.workspace = AffineMap::get(0, emitted->groups.getNumSymbols(), getAffineConstantExpr(0, kernel.getContext()));
  info.parameters = emitted->parameters;
  threads = emitted->threads;
  if (failed(expandGpuMath(module))) {
    info.whyNot = "a mathematical function has no arithmetic form";
    return failure();
  }
  return lowerToPTX(module, chip, info.whyNot);
}

FailureOr<CodegenResult> cuda::generateCode(llvm::ArrayRef<func::FuncOp> kernels, const TargetOptions &options) {
  MLIRContext *context = func::FuncOp(kernels.front())->getContext();
  DialectRegistry registry;
  registerDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();
  std::vector<std::string> chips = options.levels;
  if (chips.empty())
    chips.push_back(kDefaultChip.str());
  GpuKernelOptions emission;
  emission.unrollLanes = true;
  emission.matrixUnit = tensorCoresOf(chips); // one launch geometry for all chips
  CodegenResult result;
  result.infos.resize(kernels.size());
  for (const std::string &chip : chips) {
    CodeBlob &blob = result.blobs.emplace_back();
    blob.requires_ = {chip};
    for (auto [i, info] : llvm::enumerate(result.infos)) {
      int64_t threads = 0;
      FailureOr<std::string> ptx =
          info.whyNot.empty() ? compile(kernels[i], chip, emission, info, threads) : FailureOr<std::string>();
      if (failed(ptx))
        continue;
      // With the zero byte at its end, which drivers look for.
      appendCode(blob, func::FuncOp(kernels[i]).getName(), llvm::StringRef(ptx->c_str(), ptx->size() + 1), uint32_t(threads));
    }
  }
  return result;
}
