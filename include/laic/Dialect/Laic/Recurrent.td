// Recurrent layers: the input projections become one contraction over all steps, the rest a `laic.recurrence`.
#ifndef LAIC_RECURRENT_TD
#define LAIC_RECURRENT_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_LSTMOp : Laic_LoweredOp<"lstm", "LSTM", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$X, Laic_Tensor:$W, Laic_Tensor:$R, Laic_OptTensor:$B, Laic_OptTensor:$sequence_lens,
                   Laic_OptTensor:$initial_h, Laic_OptTensor:$initial_c, Laic_OptTensor:$P,
                   OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta,
                   OptionalAttr<StrArrayAttr>:$activations, OptionalAttr<F32Attr>:$clip,
                   DefaultValuedAttr<StrAttr, "\"forward\"">:$direction, OptionalAttr<I64Attr>:$hidden_size,
                   DefaultValuedAttr<I64Attr, "0">:$input_forget, DefaultValuedAttr<I64Attr, "0">:$layout);
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Y_h, Laic_Tensor:$Y_c);
}
def Laic_GRUOp : Laic_LoweredOp<"gru", "GRU", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$X, Laic_Tensor:$W, Laic_Tensor:$R, Laic_OptTensor:$B, Laic_OptTensor:$sequence_lens,
                   Laic_OptTensor:$initial_h,
                   OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta,
                   OptionalAttr<StrArrayAttr>:$activations, OptionalAttr<F32Attr>:$clip,
                   DefaultValuedAttr<StrAttr, "\"forward\"">:$direction, OptionalAttr<I64Attr>:$hidden_size,
                   DefaultValuedAttr<I64Attr, "0">:$layout, DefaultValuedAttr<I64Attr, "0">:$linear_before_reset);
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Y_h);
}
def Laic_RNNOp : Laic_LoweredOp<"rnn", "RNN", 22> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$X, Laic_Tensor:$W, Laic_Tensor:$R, Laic_OptTensor:$B, Laic_OptTensor:$sequence_lens,
                   Laic_OptTensor:$initial_h,
                   OptionalAttr<DenseF32ArrayAttr>:$activation_alpha, OptionalAttr<DenseF32ArrayAttr>:$activation_beta,
                   OptionalAttr<StrArrayAttr>:$activations, OptionalAttr<F32Attr>:$clip,
                   DefaultValuedAttr<StrAttr, "\"forward\"">:$direction, OptionalAttr<I64Attr>:$hidden_size,
                   DefaultValuedAttr<I64Attr, "0">:$layout);
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$Y_h);
}

#endif
