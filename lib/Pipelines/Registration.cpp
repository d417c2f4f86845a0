// Registers laic's dialects and passes.
#include "laic/Pipelines/Registration.h"

#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/Passes.h"
#include "laic/Dialect/Plan/Plan.h"
#include "laic/Target/Target.h"
#include "laic/Transforms/Contracts/Prepare.h"
#include "laic/Transforms/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/Extensions/InlinerExtension.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/Passes.h"

void laic::registerAllDialects(mlir::DialectRegistry &registry) {
  registry.insert<LaicDialect, plan::PlanDialect, mlir::affine::AffineDialect, mlir::arith::ArithDialect,
                  mlir::cf::ControlFlowDialect, mlir::func::FuncDialect, mlir::index::IndexDialect, mlir::LLVM::LLVMDialect,
                  mlir::linalg::LinalgDialect, mlir::math::MathDialect, mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::tensor::TensorDialect, mlir::ub::UBDialect, mlir::vector::VectorDialect>();
  mlir::func::registerInlinerExtension(registry);
  for (const std::unique_ptr<Target> &target : getTargets())
    target->registerDialects(registry);
}

void laic::registerAllPasses() {
  registerLaicDialectPasses();
  registerLaicTransformsPasses();
  contracts::registerLaicContractsPasses();
  for (const std::unique_ptr<Target> &target : getTargets())
    target->registerPasses();
  mlir::registerCanonicalizerPass();
  mlir::registerCSEPass();
  mlir::registerSymbolDCEPass();
}
