// Quantised computation.
#ifndef LAIC_QUANT_TD
#define LAIC_QUANT_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_QuantizeLinearOp : Laic_LoweredOp<"quantize_linear", "QuantizeLinear", 28> {
  let dtypes = "f32 f16 bf16 i32";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$y_scale, Laic_OptTensor:$y_zero_point,
                   DefaultValuedAttr<I64Attr, "1">:$axis, DefaultValuedAttr<I64Attr, "0">:$block_size,
                   DefaultValuedAttr<I64Attr, "0">:$output_dtype, DefaultValuedAttr<I64Attr, "0">:$precision,
                   DefaultValuedAttr<I64Attr, "1">:$saturate);
  let results = (outs Laic_Tensor:$y);
}
def Laic_DequantizeLinearOp : Laic_LoweredOp<"dequantize_linear", "DequantizeLinear", 28> {
  let dtypes = "i8 i16 i32 u8 u16 f8E4M3FN f8E4M3FNUZ f8E5M2 f8E5M2FNUZ f4E2M1 i4 u4 i2 u2";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$x_scale, Laic_OptTensor:$x_zero_point,
                   DefaultValuedAttr<I64Attr, "1">:$axis, DefaultValuedAttr<I64Attr, "0">:$block_size,
                   DefaultValuedAttr<I64Attr, "0">:$output_dtype);
  let results = (outs Laic_Tensor:$y);
}
def Laic_DynamicQuantizeLinearOp : Laic_LoweredOp<"dynamic_quantize_linear", "DynamicQuantizeLinear", 11> {
  let dtypes = "f32";
  let arguments = (ins Laic_Tensor:$x);
  let results = (outs Laic_Tensor:$y, Laic_Tensor:$y_scale, Laic_Tensor:$y_zero_point);
}
def Laic_MatMulIntegerOp : Laic_LoweredOp<"matmul_integer", "MatMulInteger", 10> {
  let dtypes = "i8 u8";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, Laic_OptTensor:$a_zero_point, Laic_OptTensor:$b_zero_point);
  let results = (outs Laic_Tensor:$y);
}
def Laic_ConvIntegerOp : Laic_LoweredOp<"conv_integer", "ConvInteger", 10> {
  let dtypes = "i8 u8";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$w, Laic_OptTensor:$x_zero_point, Laic_OptTensor:$w_zero_point,
                   DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, OptionalAttr<DenseI64ArrayAttr>:$dilations,
                   DefaultValuedAttr<I64Attr, "1">:$group, OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}
def Laic_QLinearMatMulOp : Laic_LoweredOp<"qlinear_matmul", "QLinearMatMul", 21> {
  let dtypes = "i8 u8";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$a_scale, Laic_Tensor:$a_zero_point, Laic_Tensor:$b,
                   Laic_Tensor:$b_scale, Laic_Tensor:$b_zero_point, Laic_Tensor:$y_scale, Laic_Tensor:$y_zero_point);
  let results = (outs Laic_Tensor:$y);
}
def Laic_QLinearConvOp : Laic_LoweredOp<"qlinear_conv", "QLinearConv", 10> {
  let dtypes = "i8 u8";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$x_scale, Laic_Tensor:$x_zero_point, Laic_Tensor:$w,
                   Laic_Tensor:$w_scale, Laic_Tensor:$w_zero_point, Laic_Tensor:$y_scale, Laic_Tensor:$y_zero_point,
                   Laic_OptTensor:$b, DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad,
                   OptionalAttr<DenseI64ArrayAttr>:$dilations, DefaultValuedAttr<I64Attr, "1">:$group,
                   OptionalAttr<DenseI64ArrayAttr>:$kernel_shape, OptionalAttr<DenseI64ArrayAttr>:$pads,
                   OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}

#endif
