// Mathematical functions as arithmetic.
#include "LowerToLLVM.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace laic;

llvm::LogicalResult laic::cpu::expandMath(ModuleOp module, const Level &level) {
  bool needed = false;
  module.walk([&](Operation *op) {
    needed |= isa<arith::ExtFOp, arith::TruncFOp, arith::CeilDivSIOp, arith::CeilDivUIOp, arith::FloorDivSIOp>(op) ||
              (op->getDialect() && op->getDialect()->getNamespace() == "math");
  });
  if (!needed)
    return success();
  RewritePatternSet patterns(module.getContext());
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  arith::populateExpandBFloat16Patterns(patterns);
  math::populateExpansionPatterns(patterns, {"sinh", "cosh", "tan", "asinh", "acosh", "atanh", "powf", "rsqrt", "exp2f"});
  populateMathPolynomialApproximationPatterns(
      patterns, [](StringRef name) { return name != math::CosOp::getOperationName() || true; });
  GreedyRewriteConfig config;
  config.enableFolding(true);
  return applyPatternsGreedily(module, std::move(patterns), config);
}
