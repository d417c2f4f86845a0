// Lowers kernels to SPIR-V in one conversion, checks what came out, and serialises it.
#include "LowerToSPIRV.h"
#include "mlir/Conversion/ArithToSPIRV/ArithToSPIRV.h"
#include "mlir/Conversion/FuncToSPIRV/FuncToSPIRV.h"
#include "mlir/Conversion/GPUToSPIRV/GPUToSPIRV.h"
#include "mlir/Conversion/IndexToSPIRV/IndexToSPIRV.h"
#include "mlir/Conversion/MathToSPIRV/MathToSPIRV.h"
#include "mlir/Conversion/MemRefToSPIRV/MemRefToSPIRV.h"
#include "mlir/Conversion/SCFToSPIRV/SCFToSPIRV.h"
#include "mlir/Conversion/VectorToSPIRV/VectorToSPIRV.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Dialect/SPIRV/Transforms/Passes.h"
#include "mlir/Dialect/SPIRV/Transforms/SPIRVConversion.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/SPIRV/Serialization.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;

void vulkan::registerDialects(DialectRegistry &registry) {
  registry.insert<gpu::GPUDialect, spirv::SPIRVDialect, memref::MemRefDialect, scf::SCFDialect, ub::UBDialect,
                  vector::VectorDialect>();
}

namespace {

// SPIR-V 1.3 is what Vulkan 1.1 takes. Above 1.3 upstream's version deduction is wrong for what it emits.
constexpr spirv::Version kVersion = spirv::Version::V_1_3;

spirv::TargetEnvAttr environment(MLIRContext *context, const vulkan::Features &features) {
  using C = spirv::Capability;
  SmallVector<C> capabilities{C::Shader};
  SmallVector<spirv::Extension> extensions{spirv::Extension::SPV_KHR_storage_buffer_storage_class};
  if (features.float16) {
    llvm::append_range(capabilities, ArrayRef<C>{C::Float16, C::StorageBuffer16BitAccess});
    extensions.push_back(spirv::Extension::SPV_KHR_16bit_storage);
  }
  if (features.int64)
    capabilities.push_back(C::Int64);
  if (features.float64)
    capabilities.push_back(C::Float64);
  auto triple = spirv::VerCapExtAttr::get(kVersion, capabilities, extensions, context);
  return spirv::TargetEnvAttr::get(triple, spirv::getDefaultResourceLimits(context), spirv::ClientAPI::Vulkan,
                                   spirv::Vendor::Unknown, spirv::DeviceType::Unknown, spirv::TargetEnvAttr::kUnknownDeviceID);
}

/// Upstream keeps a loop's results in variables that only the body writes: a loop without a trip would leave them undefined.
void guardEmptyLoops(gpu::GPUModuleOp module) {
  SmallVector<scf::ForOp> loops;
  module.walk([&](scf::ForOp loop) {
    std::optional<int64_t> low = getConstantIntValue(loop.getLowerBound()), high = getConstantIntValue(loop.getUpperBound());
    bool runs = low && high && *low < *high;
    if (loop.getNumResults() && !runs)
      loops.push_back(loop);
  });
  for (scf::ForOp loop : loops) {
    OpBuilder b(loop->getContext());
    b.setInsertionPointAfter(loop);
    Value runs = arith::CmpIOp::create(b, loop.getLoc(), arith::CmpIPredicate::slt, loop.getLowerBound(), loop.getUpperBound());
    for (auto [result, init] : llvm::zip(loop.getResults(), loop.getInitArgs())) {
      auto chosen = arith::SelectOp::create(b, loop.getLoc(), runs, result, init);
      result.replaceAllUsesExcept(chosen.getResult(), chosen);
    }
  }
}

LogicalResult convert(gpu::GPUModuleOp module, spirv::TargetEnvAttr environment) {
  MLIRContext *context = module.getContext();
  module->setAttr(spirv::getTargetEnvAttrName(), environment);
  for (auto f : module.getOps<gpu::GPUFuncOp>()) {
    f.setName("main");
    f->setAttr(spirv::getEntryPointABIAttrName(), spirv::getEntryPointABIAttr(context, *f.getKnownBlockSize()));
  }
  spirv::MemorySpaceToStorageClassConverter spaces(spirv::mapMemorySpaceToVulkanStorageClass);
  spirv::convertMemRefTypesAndAttrs(module, spaces);
  SPIRVTypeConverter types(environment, SPIRVConversionOptions());
  ScfToSPIRVContext scf;
  RewritePatternSet patterns(context);
  populateGPUToSPIRVPatterns(types, patterns);
  populateSCFToSPIRVPatterns(types, scf, patterns);
  arith::populateArithToSPIRVPatterns(types, patterns);
  populateMemRefToSPIRVPatterns(types, patterns);
  populateFuncToSPIRVPatterns(types, patterns);
  populateVectorToSPIRVPatterns(types, patterns);
  populateMathToSPIRVPatterns(types, patterns);
  index::populateIndexToSPIRVPatterns(types, patterns);
  return applyFullConversion(module, *SPIRVConversionTarget::get(environment), std::move(patterns));
}

/// Drivers may make one rounding of a product and a sum: x * s - max(x * s) would not be 0 where another kernel found the maximum.
void forbidContraction(spirv::ModuleOp module) {
  module.walk([](Operation *op) {
    if (isa<spirv::FAddOp, spirv::FMulOp, spirv::FSubOp>(op))
      op->setAttr("no_contraction", UnitAttr::get(op->getContext()));
  });
}

Type elementOf(Type type) {
  if (auto pointer = dyn_cast<spirv::PointerType>(type))
    return elementOf(pointer.getPointeeType());
  if (auto record = dyn_cast<spirv::StructType>(type))
    return elementOf(record.getElementType(0));
  if (auto array = dyn_cast<spirv::ArrayType>(type))
    return elementOf(array.getElementType());
  if (auto array = dyn_cast<spirv::RuntimeArrayType>(type))
    return elementOf(array.getElementType());
  return type;
}

/// Every binding must have kept the element type of its operand: upstream silently widens what the environment lacks.
std::string checkBindings(spirv::ModuleOp module, ArrayRef<Type> wanted) {
  std::string problem;
  llvm::SmallBitVector seen(wanted.size());
  module.walk([&](spirv::GlobalVariableOp variable) {
    std::optional<uint32_t> binding = variable.getBinding();
    if (!binding)
      return;
    if (*binding >= wanted.size() || elementOf(variable.getType()) != wanted[*binding])
      problem = "binding " + std::to_string(*binding) + " has changed its element type";
    else
      seen.set(*binding);
  });
  return problem;
}

} // namespace

FailureOr<SmallVector<uint32_t, 0>> vulkan::lowerToSPIRV(gpu::GPUModuleOp module, const Features &features, std::string &whyNot) {
  MLIRContext *context = module.getContext();
  auto fail = [&](const llvm::Twine &reason) {
    if (whyNot.empty())
      whyNot = reason.str();
    return failure();
  };
  SmallVector<Type> wanted;
  for (auto f : module.getOps<gpu::GPUFuncOp>())
    for (Type type : f.getArgumentTypes())
      wanted.push_back(cast<MemRefType>(type).getElementType());
  std::string missing;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
    if (missing.empty() && diagnostic.getSeverity() == DiagnosticSeverity::Error)
      missing = diagnostic.str();
    return success();
  });
  OwningOpRef<ModuleOp> holder = ModuleOp::create(module.getLoc());
  module->moveBefore(holder->getBody(), holder->getBody()->end());
  guardEmptyLoops(module);
  if (failed(convert(module, environment(context, features))))
    return fail(missing.empty() ? "an operation has no form in SPIR-V" : missing);
  PassManager passes(context);
  OpPassManager &spv = passes.nest<spirv::ModuleOp>();
  spv.addPass(createCanonicalizerPass());
  spv.addPass(createCSEPass());
  spv.addPass(spirv::createSPIRVLowerABIAttributesPass());
  spv.addPass(createCanonicalizerPass());
  spv.addPass(createCSEPass());
  spv.addPass(spirv::createSPIRVUpdateVCEPass());
  if (failed(passes.run(*holder)))
    return fail(missing.empty() ? "the SPIR-V module is invalid" : missing);
  auto modules = holder->getOps<spirv::ModuleOp>();
  if (modules.empty())
    return fail("no SPIR-V module was made");
  spirv::ModuleOp made = *modules.begin();
  if (std::string problem = checkBindings(made, wanted); !problem.empty())
    return fail(problem);
  forbidContraction(made);
  SmallVector<uint32_t, 0> words;
  if (failed(spirv::serialize(made, words)))
    return fail(missing.empty() ? "the SPIR-V module cannot be serialised" : missing);
  return words;
}
