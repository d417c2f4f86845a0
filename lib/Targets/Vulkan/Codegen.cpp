// Makes SPIR-V modules of kernel functions, one per kernel and level.
#include "Codegen.h"
#include "LegalizeTypes.h"
#include "LowerToSPIRV.h"
#include "laic/Conversion/KernelToGPU.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>

using namespace mlir;
using namespace laic;
using namespace laic::vulkan;

namespace {

struct Code {
  Features features;
  SmallVector<uint32_t, 0> words;
};

/// Which wide types a kernel uses.
Features usedFeatures(gpu::GPUModuleOp module) {
  Features used;
  auto see = [&](Type type) {
    if (auto memref = dyn_cast<MemRefType>(type))
      type = memref.getElementType();
    type = getElementTypeOrSelf(type);
    used.int64 |= type.isInteger(64);
    used.float64 |= type.isF64();
    used.float16 |= type.isF16();
  };
  module.walk([&](Operation *op) {
    for (Type type : op->getResultTypes())
      see(type);
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (Type type : block.getArgumentTypes())
          see(type);
  });
  return used;
}

/// Elements that need no packing are stored one by one: SPIR-V has no vector access to arrays of scalars.
void splitVectorStores(gpu::GPUModuleOp module) {
  SmallVector<vector::StoreOp> stores;
  module.walk([&](vector::StoreOp op) { stores.push_back(op); });
  for (vector::StoreOp op : stores) {
    OpBuilder b(op);
    for (int64_t i = 0; i < op.getVectorType().getNumElements(); ++i) {
      Value element = vector::ExtractOp::create(b, op.getLoc(), op.getValueToStore(), i);
      Value at =
          arith::AddIOp::create(b, op.getLoc(), op.getIndices().front(), arith::ConstantIndexOp::create(b, op.getLoc(), i));
      memref::StoreOp::create(b, op.getLoc(), element, op.getBase(), at);
    }
    op.erase();
  }
}

FailureOr<Code> compile(func::FuncOp kernel, bool float16, KernelInfo &info) {
  MLIRContext *context = kernel.getContext();
  OwningOpRef<ModuleOp> holder = ModuleOp::create(kernel.getLoc());
  OpBuilder b = OpBuilder::atBlockBegin(holder->getBody());
  auto module = gpu::GPUModuleOp::create(b, kernel.getLoc(), "kernels");
  FailureOr<GpuKernel> emitted = emitGpuKernel(kernel, module, GpuKernelOptions(), info.whyNot);
  if (failed(emitted))
    return failure();
  info.tiles = emitted->groups;
  info.workspace = AffineMap::get(0, emitted->groups.getNumSymbols(), getAffineConstantExpr(0, context));
  info.parameters = emitted->parameters;
  if (failed(legalizeTypes(module, float16))) {
    info.whyNot = "it uses a type that has no form in 32-bit words";
    return failure();
  }
  splitVectorStores(module);
  if (failed(expandGpuMath(module))) {
    info.whyNot = "a mathematical function has no arithmetic form";
    return failure();
  }
  Code code;
  code.features = usedFeatures(module);
  FailureOr<SmallVector<uint32_t, 0>> words = lowerToSPIRV(module, code.features, info.whyNot);
  if (failed(words))
    return failure();
  code.words = std::move(*words);
  return code;
}

llvm::StringRef bytesOf(ArrayRef<uint32_t> words) {
  return {reinterpret_cast<const char *>(words.data()), words.size() * sizeof(uint32_t)};
}

/// The words that a driver must know to run the code.
std::vector<std::string> requirements(llvm::StringRef level, const Features &features) {
  std::vector<std::string> words = {level == "fp16" ? "vulkan1.1+fp16" : "vulkan1.1"};
  if (features.int64)
    words.push_back("+int64");
  if (features.float64)
    words.push_back("+float64");
  return words;
}

} // namespace

FailureOr<CodegenResult> vulkan::generateCode(llvm::ArrayRef<func::FuncOp> kernels, const TargetOptions &options) {
  MLIRContext *context = func::FuncOp(kernels.front())->getContext();
  DialectRegistry registry;
  registerDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();
  CodegenResult result;
  result.infos.resize(kernels.size());
  std::vector<std::string> levels = options.levels;
  if (levels.empty())
    levels.assign(std::begin(kLevels), std::end(kLevels));
  std::map<std::pair<size_t, std::vector<std::string>>, CodeBlob> blobs; // level, then requirements
  for (auto [index, info] : llvm::enumerate(result.infos)) {
    func::FuncOp kernel = kernels[index];
    std::vector<std::pair<size_t, Code>> made;
    for (auto [i, level] : llvm::enumerate(levels)) {
      FailureOr<Code> code = compile(kernel, level == "fp16", info);
      if (failed(code))
        break;
      made.emplace_back(i, std::move(*code));
    }
    if (!info.whyNot.empty())
      continue;
    for (auto &[i, code] : made) {
      // Where 16-bit floats play no part the level makes no difference.
      std::vector<std::string> needs = requirements(code.features.float16 ? levels[i] : "base", code.features);
      CodeBlob &blob = blobs[{code.features.float16 ? i : levels.size(), needs}];
      blob.requires_ = needs;
      if (blob.kernels.empty() || blob.kernels.back().name != kernel.getName())
        appendCode(blob, kernel.getName(), bytesOf(code.words), 0); // SPIR-V says its workgroup itself
    }
  }
  for (auto &[key, blob] : blobs)
    result.blobs.push_back(std::move(blob));
  return result;
}
