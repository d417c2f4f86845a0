// From the simplified graph to an hls.design: converted once to learn its layers, then with their parallelism.
#include "Folding.h"
#include "Parts.h"
#include "laic/Dialect/Laic/Laic.h"
#include "laic/Dialect/Laic/WeightStore.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace laic::hls {
#define GEN_PASS_DEF_CONVERTGRAPHTODESIGN
#include "laic/Targets/HLS/Passes.h.inc"
} // namespace laic::hls

using namespace mlir;
using namespace laic;
using namespace laic::hls;

namespace {

RankedTensorType floatLike(Value value, Builder &b) {
  return RankedTensorType::get(cast<RankedTensorType>(value.getType()).getShape(), b.getF32Type());
}

Value dequantized(OpBuilder &b, Location loc, Value x, Value scale, Value zero, int64_t axis) {
  return DequantizeLinearOp::create(b, loc, floatLike(x, b), x, scale, zero, b.getI64IntegerAttr(axis), b.getI64IntegerAttr(0),
                                    b.getI64IntegerAttr(0));
}

void requantizeResult(OpBuilder &b, Operation *op, Value result, Value scale, Value zero) {
  auto quantize =
      QuantizeLinearOp::create(b, op->getLoc(), op->getResult(0).getType(), result, scale, zero, b.getI64IntegerAttr(1),
                               b.getI64IntegerAttr(0), b.getI64IntegerAttr(0), b.getI64IntegerAttr(0), b.getI64IntegerAttr(1));
  op->getResult(0).replaceAllUsesWith(quantize.getResult());
  op->erase();
}

/// qlinear_conv(x, w, b) -> quantize_linear(conv(dequantize_linear(x), dequantize_linear(w), dequantize_linear(b)))
///
/// The bias is in units of x_scale * w_scale.
void unfold(QLinearConvOp op) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  Value x = dequantized(b, loc, op.getX(), op.getXScale(), op.getXZeroPoint(), 1);
  Value w = dequantized(b, loc, op.getW(), op.getWScale(), op.getWZeroPoint(), 0);
  Value bias = op.getB();
  if (isa<RankedTensorType>(bias.getType())) {
    std::optional<double> xScale = evaluateScalar(op.getXScale());
    std::optional<RealTensor> wScale = evaluateConstant(op.getWScale());
    if (xScale && wScale) {
      llvm::SmallVector<float> scales;
      for (double scale : wScale->values)
        scales.push_back(static_cast<float>(*xScale * scale));
      auto type = scales.size() == 1 ? RankedTensorType::get({}, b.getF32Type())
                                     : RankedTensorType::get({static_cast<int64_t>(scales.size())}, b.getF32Type());
      Value scale = laic::ConstantOp::create(b, loc, type, DenseElementsAttr::get(type, llvm::ArrayRef<float>(scales)));
      bias = dequantized(b, loc, bias, scale, NoneOp::create(b, loc, b.getNoneType()), 0);
    }
  }
  auto conv = ConvOp::create(b, loc, floatLike(op.getY(), b), ValueRange{x, w, bias}, op->getAttrs());
  requantizeResult(b, op, conv.getY(), op.getYScale(), op.getYZeroPoint());
}

/// qlinear_matmul(a, b) -> quantize_linear(matmul(dequantize_linear(a), dequantize_linear(b)))
void unfold(QLinearMatMulOp op) {
  OpBuilder b(op);
  Value x = dequantized(b, op.getLoc(), op.getA(), op.getAScale(), op.getAZeroPoint(), 0);
  Value w = dequantized(b, op.getLoc(), op.getB(), op.getBScale(), op.getBZeroPoint(), 1);
  auto product = MatMulOp::create(b, op.getLoc(), floatLike(op.getY(), b), x, w);
  requantizeResult(b, op, product.getY(), op.getYScale(), op.getYZeroPoint());
}

class ConvertGraphToDesign : public laic::hls::impl::ConvertGraphToDesignBase<ConvertGraphToDesign> {
public:
  using ConvertGraphToDesignBase::ConvertGraphToDesignBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    const Part *part = findPart(chip);
    if (!main)
      return;
    if (!part) {
      getOperation().emitError() << "unknown FPGA part '" << chip << "'";
      return signalPassFailure();
    }
    if (failed(checkStatic(main)))
      return signalPassFailure();
    main.walk([](Operation *op) {
      if (auto conv = dyn_cast<QLinearConvOp>(op))
        unfold(conv);
      else if (auto product = dyn_cast<QLinearMatMulOp>(op))
        unfold(product);
    });
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    std::vector<Folding> foldings;
    {
      GraphConverter survey(main, b, width, {});
      LogicalResult status = survey.run();
      if (succeeded(status))
        foldings = solveFolding(survey.getLayers(), static_cast<int64_t>(static_cast<double>(part->dsp) * kDspShare));
      survey.getDesign().erase();
      if (failed(status))
        return signalPassFailure();
    }
    GraphConverter converter(main, b, width, foldings);
    if (failed(converter.run())) {
      converter.getDesign().erase();
      return signalPassFailure();
    }
    converter.getDesign().setChip(part->name);
    main.erase();
  }

private:
  /// A design is of one size: every dim must be known.
  LogicalResult checkStatic(func::FuncOp main) {
    for (BlockArgument argument : main.getArguments()) {
      auto type = dyn_cast<RankedTensorType>(argument.getType());
      if (type && type.hasStaticShape())
        continue;
      auto name = main.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "laic.name");
      InFlightDiagnostic diagnostic = main.emitError()
                                      << "input '" << (name ? name.getValue() : "?") << "' has sizes that are not known";
      diagnostic.attachNote() << "a design is of one size: bind them with --dim NAME=VALUE";
      return diagnostic;
    }
    LogicalResult status = success();
    main.walk([&](Operation *op) {
      for (Type type : op->getResultTypes())
        if (auto tensor = dyn_cast<TensorType>(type); tensor && !tensor.hasStaticShape() && succeeded(status))
          status = op->emitError() << "cannot be streamed: the size of its result depends on data";
    });
    return status;
  }
};

} // namespace
