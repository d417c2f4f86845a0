// Operators on quantised tensors of domain com.microsoft, which static quantisation writes in QOperator format: each becomes
// dequantize_linear of its tensor operands, one operator on floats, and quantize_linear.
#ifndef LAIC_QLINEAR_TD
#define LAIC_QLINEAR_TD

include "laic/Dialect/Laic/LaicBase.td"

// Scale and zero point follow each tensor operand; those of the result stand last. An absent zero point is 0.
class Laic_QLinearOp<string mnemonic, string onnx, dag inputs> : Laic_DecomposedOp<mnemonic, onnx, 1> {
  let onnxDomain = "com.microsoft";
  let dtypes = "i8 u8";
  let arguments = inputs;
  let results = (outs Laic_Tensor:$y);
}
class Laic_QLinearUnaryOp<string mnemonic, string onnx, dag attributes = (ins)>
    : Laic_QLinearOp<mnemonic, onnx, !con((ins Laic_Tensor:$x, Laic_Tensor:$x_scale, Laic_OptTensor:$x_zero_point,
                                               Laic_Tensor:$y_scale, Laic_OptTensor:$y_zero_point), attributes)>;
class Laic_QLinearBinaryOp<string mnemonic, string onnx>
    : Laic_QLinearOp<mnemonic, onnx, (ins Laic_Tensor:$a, Laic_Tensor:$a_scale, Laic_OptTensor:$a_zero_point,
                                          Laic_Tensor:$b, Laic_Tensor:$b_scale, Laic_OptTensor:$b_zero_point,
                                          Laic_Tensor:$c_scale, Laic_OptTensor:$c_zero_point)>;

def Laic_QLinearAddOp : Laic_QLinearBinaryOp<"qlinear_add", "QLinearAdd">;
def Laic_QLinearMulOp : Laic_QLinearBinaryOp<"qlinear_mul", "QLinearMul">;

def Laic_QLinearSigmoidOp : Laic_QLinearUnaryOp<"qlinear_sigmoid", "QLinearSigmoid">;
def Laic_QLinearLeakyReluOp
    : Laic_QLinearUnaryOp<"qlinear_leaky_relu", "QLinearLeakyRelu", (ins DefaultValuedAttr<F32Attr, "0.01">:$alpha)>;
// `opset` is the version of Softmax that is meant: before 13 it sees a matrix. The axis is the last one by default in every version.
def Laic_QLinearSoftmaxOp
    : Laic_QLinearUnaryOp<"qlinear_softmax", "QLinearSoftmax", (ins DefaultValuedAttr<I64Attr, "-1">:$axis, I64Attr:$opset)>;

// With count_include_pad every window counts as a whole, what ceil_mode adds to the input included; AveragePool leaves that out.
def Laic_QLinearAveragePoolOp
    : Laic_QLinearUnaryOp<"qlinear_average_pool", "QLinearAveragePool",
                          (ins DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, DefaultValuedAttr<I64Attr, "0">:$ceil_mode,
                               DefaultValuedAttr<I64Attr, "0">:$channels_last,
                               DefaultValuedAttr<I64Attr, "0">:$count_include_pad, DenseI64ArrayAttr:$kernel_shape,
                               OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides)>;
def Laic_QLinearGlobalAveragePoolOp
    : Laic_QLinearUnaryOp<"qlinear_global_average_pool", "QLinearGlobalAveragePool",
                          (ins DefaultValuedAttr<I64Attr, "0">:$channels_last)>;
def Laic_QLinearReduceMeanOp
    : Laic_QLinearUnaryOp<"qlinear_reduce_mean", "QLinearReduceMean",
                          (ins OptionalAttr<DenseI64ArrayAttr>:$axes, DefaultValuedAttr<I64Attr, "1">:$keepdims)>;

// `inputs` are triples: tensor, scale, zero point.
def Laic_QLinearConcatOp
    : Laic_QLinearOp<"qlinear_concat", "QLinearConcat",
                     (ins Laic_Tensor:$y_scale, Laic_OptTensor:$y_zero_point, Variadic<Laic_OptTensor>:$inputs, I64Attr:$axis)> {
  let typedOperand = 2;
}

// alpha * (A B + C), where C is int32 and its scale is A's times B's. Without y_scale the result stays float.
def Laic_QGemmOp
    : Laic_QLinearOp<"qgemm", "QGemm",
                     (ins Laic_Tensor:$a, Laic_Tensor:$a_scale, Laic_OptTensor:$a_zero_point, Laic_Tensor:$b,
                          Laic_Tensor:$b_scale, Laic_OptTensor:$b_zero_point, Laic_OptTensor:$c, Laic_OptTensor:$y_scale,
                          Laic_OptTensor:$y_zero_point, DefaultValuedAttr<F32Attr, "1.0">:$alpha,
                          DefaultValuedAttr<I64Attr, "0">:$transA, DefaultValuedAttr<I64Attr, "0">:$transB)>;

#endif
