// Passes on the `laic` dialect.
#ifndef LAIC_PASSES_TD
#define LAIC_PASSES_TD

include "mlir/Pass/PassBase.td"

def LaicInferShapes : Pass<"laic-infer-shapes", "::mlir::func::FuncOp"> {
  let summary = "Give every value its symbolic shape";
  let description = [{
    Result types become ranked with all sizes that are known; the function gets `laic.symbols`. Unknown sizes
    stay `?`; that two of them are equal is known through the symbols.

    ```mlir
    func.func @main(%x: tensor<?x3xf32> {laic.dims = ["N", 3]}) -> tensor<*xf32> {
      %0 = laic.relu %x : (tensor<?x3xf32>) -> tensor<*xf32>     // becomes tensor<?x3xf32>
    ```
  }];
}

def LaicDecomposeOps : Pass<"laic-decompose-ops", "::mlir::func::FuncOp"> {
  let summary = "Replace composed operations by simpler laic operations";
  let description = "Runs `decompose` of every operation that has one, until none is left; results may be unranked afterwards.";
}

def LaicLowerToLinalg : Pass<"laic-lower-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower laic operations to linalg, tensor and structured operations";
  let description = [{
    Signatures become lowered types (i1 as i8, unsigned as signless; `laic.element` keeps the ONNX type). Values whose contents are
    known sizes become `laic.sizes_tensor`, known numbers `laic.constant`; what only moved sizes around disappears.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect"];
}

#endif
