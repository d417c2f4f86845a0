// Layers of com.microsoft whose weights or elements are quantised.
#ifndef LAIC_CONTRIBQUANTIZED_TD
#define LAIC_CONTRIBQUANTIZED_TD

include "laic/Dialect/Laic/LaicBase.td"

let onnxDomain = "com.microsoft" in {

// W [directions, inputs, 4 * hidden] and R [directions, hidden, 4 * hidden] are transposed against LSTM's; scales and zero points
// [directions] or [directions, 4 * hidden]. The products are computed in floats: the inputs are not quantised.
def Laic_DynamicQuantizeLSTMOp : Laic_DecomposedOp<"dynamic_quantize_lstm", "DynamicQuantizeLSTM", 1> {
  let dtypes = "f32";
  let arguments = (ins Laic_Tensor:$X, Laic_Tensor:$W, Laic_Tensor:$R, Laic_OptTensor:$B, Laic_OptTensor:$sequence_lens,
                   Laic_OptTensor:$initial_h, Laic_OptTensor:$initial_c, Laic_OptTensor:$P, Laic_Tensor:$W_scale,
                   Laic_Tensor:$W_zero_point, Laic_Tensor:$R_scale, Laic_Tensor:$R_zero_point,
                   OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta,
                   OptionalAttr<StrArrayAttr>:$activations, OptionalAttr<F32Attr>:$clip,
                   DefaultValuedAttr<StrAttr, "\"forward\"">:$direction, OptionalAttr<I64Attr>:$hidden_size,
                   DefaultValuedAttr<I64Attr, "0">:$input_forget);
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Y_h, Laic_Tensor:$Y_c);
}

// MaxPool with the channels in the last dim.
def Laic_NhwcMaxPoolOp : Laic_DecomposedOp<"nhwc_max_pool", "NhwcMaxPool", 1> {
  let dtypes = "i8 u8";
  let arguments = (ins Laic_Tensor:$x, DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad,
                   DefaultValuedAttr<I64Attr, "0">:$ceil_mode, OptionalAttr<DenseI64ArrayAttr>:$dilations,
                   DenseI64ArrayAttr:$kernel_shape, OptionalAttr<DenseI64ArrayAttr>:$pads,
                   OptionalAttr<DenseI64ArrayAttr>:$strides);
  let results = (outs Laic_Tensor:$y);
}

}

#endif
