// Products of domain com.microsoft: with what was fused into them, and with weights of few bits.
#ifndef LAIC_CONTRIBLINEAR_TD
#define LAIC_CONTRIBLINEAR_TD

include "laic/Dialect/Laic/LaicBase.td"

let onnxDomain = "com.microsoft" in {

def Laic_FusedMatMulOp : Laic_DecomposedOp<"fused_matmul", "FusedMatMul", 1> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, DefaultValuedAttr<F32Attr, "1.0">:$alpha,
                   DefaultValuedAttr<I64Attr, "0">:$transA, DefaultValuedAttr<I64Attr, "0">:$transB,
                   DefaultValuedAttr<I64Attr, "0">:$transBatchA, DefaultValuedAttr<I64Attr, "0">:$transBatchB);
  let results = (outs Laic_Tensor:$y);
}
def Laic_FusedGemmOp : Laic_DecomposedOp<"fused_gemm", "FusedGemm", 1> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, Laic_OptTensor:$c, DefaultValuedAttr<StrAttr, "\"\"">:$activation,
                   OptionalAttr<F32Attr>:$activation_alpha, OptionalAttr<F32Attr>:$activation_beta,
                   OptionalAttr<F32Attr>:$activation_gamma, DefaultValuedAttr<F32Attr, "1.0">:$alpha,
                   DefaultValuedAttr<F32Attr, "1.0">:$beta, DefaultValuedAttr<I64Attr, "0">:$transA,
                   DefaultValuedAttr<I64Attr, "0">:$transB);
  let results = (outs Laic_Tensor:$y);
}
// activation(Conv(x, w, b) + z).
def Laic_FusedConvOp : Laic_DecomposedOp<"fused_conv", "FusedConv", 1> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$x, Laic_Tensor:$w, Laic_OptTensor:$b, Laic_OptTensor:$z,
                   DefaultValuedAttr<StrAttr, "\"\"">:$activation, OptionalAttr<DenseF32ArrayAttr>:$activation_params,
                   DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, OptionalAttr<DenseI64ArrayAttr>:$dilations,
                   DefaultValuedAttr<I64Attr, "1">:$group, OptionalAttr<DenseI64ArrayAttr>:$kernel_shape,
                   OptionalAttr<DenseI64ArrayAttr>:$pads, OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}

// B [N, blocks, bytes of a block]: `bits` bits an element, the first in the lowest bits. Scales [N, blocks]; zero points are packed
// like B, or numbers of A's type. Element k belongs to block k / block_size, or to g_idx[k].
def Laic_MatMulNBitsOp : Laic_LoweredOp<"matmul_nbits", "MatMulNBits", 1> {
  let dtypes = "f32 f16 bf16";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, Laic_Tensor:$scales, Laic_OptTensor:$zero_points, Laic_OptTensor:$g_idx,
                   Laic_OptTensor:$bias, I64Attr:$K, I64Attr:$N, DefaultValuedAttr<I64Attr, "0">:$accuracy_level,
                   DefaultValuedAttr<I64Attr, "4">:$bits, I64Attr:$block_size,
                   DefaultValuedAttr<I64Attr, "0">:$weight_prepacked);
  let results = (outs Laic_Tensor:$y);
}
// Rows of a quantised table; the last dim of `data` is packed like that of MatMulNBits, and so is that of the zero points.
def Laic_GatherBlockQuantizedOp : Laic_LoweredOp<"gather_block_quantized", "GatherBlockQuantized", 1> {
  let dtypes = "u8";
  let arguments = (ins Laic_Tensor:$data, Laic_Tensor:$indices, Laic_Tensor:$scales, Laic_OptTensor:$zero_points,
                   DefaultValuedAttr<I64Attr, "4">:$bits, DefaultValuedAttr<I64Attr, "128">:$block_size,
                   DefaultValuedAttr<I64Attr, "0">:$gather_axis, DefaultValuedAttr<I64Attr, "1">:$quantize_axis);
  let results = (outs Laic_Tensor:$output);
}

def Laic_DynamicQuantizeMatMulOp : Laic_DecomposedOp<"dynamic_quantize_matmul", "DynamicQuantizeMatMul", 1> {
  let dtypes = "f32";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, Laic_Tensor:$b_scale, Laic_OptTensor:$b_zero_point, Laic_OptTensor:$bias);
  let results = (outs Laic_Tensor:$y);
}
def Laic_MatMulIntegerToFloatOp : Laic_DecomposedOp<"matmul_integer_to_float", "MatMulIntegerToFloat", 1> {
  let dtypes = "i8 u8";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, Laic_Tensor:$a_scale, Laic_Tensor:$b_scale, Laic_OptTensor:$a_zero_point,
                   Laic_OptTensor:$b_zero_point, Laic_OptTensor:$bias);
  let results = (outs Laic_Tensor:$y);
}

// Distances between all rows of A and all rows of B.
def Laic_CDistOp : Laic_DecomposedOp<"cdist", "CDist", 1> {
  let dtypes = "f32 f64";
  let arguments = (ins Laic_Tensor:$a, Laic_Tensor:$b, DefaultValuedAttr<StrAttr, "\"sqeuclidean\"">:$metric);
  let results = (outs Laic_Tensor:$c);
}

}

#endif
