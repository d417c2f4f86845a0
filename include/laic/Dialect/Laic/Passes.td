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

    Operators whose results only a call can size are replaced by operations that count. In a function with the attribute `laic.onnx` they
    stay, and all that is known of such a result is that its size comes late.
  }];
}

def LaicResolveControlFlow : Pass<"laic-resolve-control-flow", "::mlir::ModuleOp"> {
  let summary = "Replace control flow, sequences and optionals by what they stand for";
  let description = [{
    Where what they depend on is known when compiling (the branch that is taken, how often a loop runs, how long a sequence is), the
    branch is inlined and the loop unrolled. Of an `if` on a condition that is computed at run time both branches are, and their outputs
    selected, where they are small, cannot refuse a call and have equal shapes. Other branches and loops become programs: functions that
    a `laic.call` runs. Whatever cannot be resolved is refused.

    ```mlir
    %s = laic.sequence_construct %a, %b : (tensor<*xf32>, tensor<*xf32>) -> !laic.seq<tensor<*xf32>>
    %n = laic.sequence_length %s : (!laic.seq<tensor<*xf32>>) -> tensor<*xf32>     // becomes laic.constant dense<2>
    ```
  }];
}

def LaicDecomposeOps : Pass<"laic-decompose-ops", "::mlir::func::FuncOp"> {
  let summary = "Replace composed operations by simpler laic operations";
  let description = [{
    Runs `decompose` of every operation that has one, until none is left; results may be unranked afterwards. A function is not
    `laic.onnx` any more, unless `foreign-only` is set: then operators of ONNX stay.
  }];
  let options = [Option<"foreignOnly", "foreign-only", "bool", "false", "Only operations that have no form in ONNX">];
}

def LaicRaiseQuantization : Pass<"laic-raise-quantization", "::mlir::func::FuncOp"> {
  let summary = "Quantise before data is moved, not after";
  let description = [{
    A quantisation to bytes with one scale is the same for each element, so it may come before Concat, Reshape, Flatten, Transpose,
    Squeeze, Unsqueeze, DepthToSpace and SpaceToDepth, and before MaxPool, since rounding with a positive scale keeps order: what they move
    is a quarter as large, and the rounding becomes part of what computes their operands. Of what was dequantised with the same scale nothing is left. A Relu
    whose zero is the least integer is part of the rounding.

    ```mlir
    %y = laic.concat %a, %b ... tensor<1x8x4x4xf32>
    %q = laic.quantize_linear %y, %s, %z         // becomes laic.concat of two laic.quantize_linear
    ```
  }];
}
def LaicFormIntegerProducts : Pass<"laic-form-integer-products", "::mlir::func::FuncOp"> {
  let summary = "Multiply quantised tensors, and pick from them, as the integers that they are";
  let description = [{
    Conv, MatMul and Gemm of a dequantised activation (bytes, one scale) and dequantised constant weights (bytes around 0, one scale or
    one per output channel) become integer products. Where nothing but a quantisation to bytes follows, and the bias is in units of the
    sums, the whole becomes `laic.qlinear_conv` or `laic.qlinear_matmul`; elsewhere the sums are dequantised. Rows that Gather picks
    from a dequantised constant are dequantised afterwards. Results may be unranked then.

    ```mlir
    %x = laic.dequantize_linear %q, %s, %z ...
    %y = laic.matmul %x, %w ...                  // becomes laic.matmul_integer and laic.dequantize_linear
    ```
  }];
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
