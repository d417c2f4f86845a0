// Which operations ONNX has.
#include "laic/Dialect/Laic/OnnxForm.h"

#include "laic/Dialect/Laic/HostCalls.h"
#include "laic/Dialect/Laic/MlMapsOps.h"
#include "laic/Dialect/Laic/OnnxElements.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace laic;

bool laic::keepsOnnx(Operation *op) {
  auto function = op->getParentOfType<func::FuncOp>();
  return function && function->hasAttr(kOnnxAttr);
}

bool laic::isStringConstant(Operation *op) {
  auto host = dyn_cast<HostFunctionOp>(op);
  if (!host || host.getFunction() != "core.strings" || host.getInputs().size() != 1)
    return false;
  auto type = dyn_cast<RankedTensorType>(host.getResult(0).getType());
  return type && type.hasStaticShape() && host.getInputs().front().getDefiningOp<ConstantOp>();
}

bool laic::hasOnnxForm(Operation *op) {
  if (isa<NoneOp, ConstantOp, ReadSizesOp>(op) || isStringConstant(op))
    return true;
  if (isa<CastMapOp, DictVectorizerOp, ZipMapOp>(op)) // a map is two values here
    return false;
  bool isStructural = op->getNumRegions() > 0 || op->hasTrait<StructuralOp>();
  return findOnnxOp(op->getName()) && !isStructural && !op->hasAttr(kLateScales);
}
