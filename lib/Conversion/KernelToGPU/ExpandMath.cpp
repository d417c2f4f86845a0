// Mathematical functions as arithmetic that every GPU computes alike.
#include "laic/Conversion/KernelToGPU.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace laic;

LogicalResult laic::expandGpuMath(mlir::gpu::GPUModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  math::populateExpansionPatterns(patterns,
                                  {"sinh", "cosh", "tan", "asinh", "acosh", "atanh", "rsqrt", "exp2f", "powf", "round"});
  populateMathPolynomialApproximationPatterns(patterns, [](StringRef) { return true; });
  GreedyRewriteConfig config;
  config.setUseTopDownTraversal(true);
  if (failed(applyPatternsGreedily(module, std::move(patterns), config)))
    return failure();
  bool left = false;
  module.walk([&](Operation *op) {
    left |= op->getDialect() && isa<math::MathDialect>(op->getDialect()) &&
            !isa<math::AbsFOp, math::AbsIOp, math::SqrtOp, math::FloorOp, math::CeilOp, math::RoundEvenOp, math::TruncOp,
                 math::FmaOp, math::CopySignOp>(op);
  });
  if (left)
    return failure();
  PassManager passes(module.getContext(), mlir::gpu::GPUModuleOp::getOperationName());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createLoopInvariantCodeMotionPass());
  return passes.run(module);
}
