// Lowers kernels through NVVM and LLVM's NVPTX back end, in process.
#include "LowerToPTX.h"
#include "TensorCores.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/NVGPU/IR/NVGPUDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

#include <mutex>

using namespace mlir;
using namespace laic;

void cuda::registerDialects(DialectRegistry &registry) {
  registry.insert<cf::ControlFlowDialect, gpu::GPUDialect, LLVM::LLVMDialect, memref::MemRefDialect, nvgpu::NVGPUDialect,
                  NVVM::NVVMDialect, scf::SCFDialect, ub::UBDialect, vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerGPUDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
}

namespace {

constexpr int64_t kPointerAlignment = 16; // tensors start on 64 bytes

void initialiseBackend() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
}

/// Operands become bare pointers, which upstream allows for static shapes alone; the size is never looked at.
void fixSignature(gpu::GPUFuncOp kernel) {
  constexpr int64_t kAnySize = int64_t{1} << 31;
  OpBuilder b(kernel.getContext());
  SmallVector<Type> types;
  for (BlockArgument arg : kernel.getArguments()) {
    types.push_back(MemRefType::get({kAnySize}, cast<MemRefType>(arg.getType()).getElementType()));
    arg.setType(types.back());
  }
  kernel.setFunctionType(b.getFunctionType(types, {}));
  for (unsigned i = 0; i < types.size(); ++i) {
    kernel.setArgAttr(i, LLVM::LLVMDialect::getAlignAttrName(), b.getI64IntegerAttr(kPointerAlignment));
    kernel.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
  }
}

/// memref.alloc in memory space 3 -> workgroup attribution. Alignment is stated: 16-byte accesses need it.
void attributeSharedMemory(gpu::GPUFuncOp kernel) {
  SmallVector<memref::AllocOp> allocs;
  kernel.walk([&](memref::AllocOp op) { allocs.push_back(op); });
  OpBuilder b(kernel.getContext());
  auto space = gpu::AddressSpaceAttr::get(kernel.getContext(), gpu::AddressSpace::Workgroup);
  for (memref::AllocOp op : allocs) {
    auto type = MemRefType::get(op.getType().getShape(), op.getType().getElementType(), MemRefLayoutAttrInterface(), space);
    BlockArgument memory = kernel.addWorkgroupAttribution(type, op.getLoc());
    kernel.setWorkgroupAttributionAttr(kernel.getNumWorkgroupAttributions() - 1, LLVM::LLVMDialect::getAlignAttrName(),
                                       b.getI64IntegerAttr(kPointerAlignment));
    op.replaceAllUsesWith(memory);
    op.erase();
  }
}

/// What is left of the math dialect has an instruction; upstream's own lowering would call a library for it.
LogicalResult mathToLLVM(gpu::GPUModuleOp module) {
  MLIRContext *context = module.getContext();
  LLVMTypeConverter converter(context);
  RewritePatternSet patterns(context);
  populateMathToLLVMConversionPatterns(converter, patterns);
  ConversionTarget target(*context);
  target.addIllegalDialect<math::MathDialect>();
  target.addLegalDialect<LLVM::LLVMDialect>();
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  return applyPartialConversion(module, target, std::move(patterns));
}

LogicalResult toNVVM(gpu::GPUModuleOp module) {
  MLIRContext *context = module.getContext();
  LowerToLLVMOptions options(context);
  options.overrideIndexBitwidth(32); // no tensor has more elements; 64-bit indices would cost registers
  options.useBarePtrCallConv = true;
  LLVMTypeConverter converter(context, options);
  configureGpuToNVVMTypeConverter(converter);
  RewritePatternSet patterns(context);
  arith::populateArithToLLVMConversionPatterns(converter, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
  populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns);
  populateGpuToNVVMConversionPatterns(converter, patterns);
  populateVectorToLLVMConversionPatterns(converter, patterns);
  vector::populateVectorBroadcastLoweringPatterns(patterns);
  ub::populateUBToLLVMConversionPatterns(converter, patterns);
  cuda::populateTensorCorePatterns(converter, patterns);
  LLVMConversionTarget target(*context);
  configureGpuToNVVMConversionLegality(target);
  target.addLegalOp<gpu::GPUModuleOp>();
  target.addLegalDialect<math::MathDialect>(); // mathToLLVM's
  return applyFullConversion(module, target, std::move(patterns));
}

LogicalResult lower(ModuleOp holder, gpu::GPUModuleOp module) {
  PassManager before(holder.getContext()), after(holder.getContext());
  before.addNestedPass<gpu::GPUModuleOp>(createSCFToControlFlowPass());
  after.addNestedPass<gpu::GPUModuleOp>(createReconcileUnrealizedCastsPass());
  return success(succeeded(before.run(holder)) && succeeded(toNVVM(module)) && succeeded(mathToLLVM(module)) &&
                 succeeded(after.run(holder)));
}

void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

FailureOr<std::string> emitPTX(llvm::Module &module, llvm::StringRef chip) {
  initialiseBackend();
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return failure();
  llvm::TargetOptions options;
  // What one kernel rounds another must round: x * s - max(x * s) is 0, and would not be with the product kept exact.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  // Without features LLVM takes the oldest PTX version that knows the chip, which the oldest drivers understand.
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, chip, "", options, std::nullopt, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return failure();
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  optimise(module, *machine);
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return failure();
  passes.run(module);
  return text.str().str();
}

} // namespace

FailureOr<std::string> cuda::lowerToPTX(gpu::GPUModuleOp module, llvm::StringRef chip, std::string &whyNot) {
  MLIRContext *context = module.getContext();
  auto fail = [&](const llvm::Twine &reason) {
    if (whyNot.empty())
      whyNot = reason.str();
    return failure();
  };
  std::string missing;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    if (missing.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      missing = diagnostic.str();
    return success();
  });
  for (auto kernel : module.getOps<gpu::GPUFuncOp>()) {
    kernel.setName("main");
    fixSignature(kernel);
    attributeSharedMemory(kernel);
  }
  OwningOpRef<ModuleOp> holder = ModuleOp::create(module.getLoc());
  module->moveBefore(holder->getBody(), holder->getBody()->end());
  if (failed(lower(*holder, module)))
    return fail(missing.empty() ? "an operation has no form in NVVM" : missing);
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> translated = translateModuleToLLVMIR(module, llvmContext, "kernel");
  if (!translated)
    return fail(missing.empty() ? "the kernel cannot be translated to LLVM" : missing);
  FailureOr<std::string> ptx = emitPTX(*translated, chip);
  if (failed(ptx))
    return fail("LLVM has no back end for " + chip);
  if (ptx->find(".extern .func") != std::string::npos)
    return fail("it calls a function of a library");
  return ptx;
}
