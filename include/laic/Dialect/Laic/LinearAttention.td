// Attention whose past is a state of fixed size, and the causal convolution before it.
#ifndef LAIC_LINEARATTENTION_TD
#define LAIC_LINEARATTENTION_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_CausalConvWithStateOp : Laic_DecomposedOp<"causal_conv_with_state", "CausalConvWithState", 27> {
  let dtypes = "f32 f16 bf16";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$weight, Laic_OptTensor:$bias, Laic_OptTensor:$past_state,
                   DefaultValuedAttr<StrAttr, "\"none\"">:$activation);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present_state);
}

def Laic_LinearAttentionOp : Laic_LoweredOp<"linear_attention", "LinearAttention", 27> {
  let dtypes = "f32 f16 bf16";
  let arguments = (ins Laic_Tensor:$query, Laic_Tensor:$key, Laic_Tensor:$value, Laic_OptTensor:$past_state,
                   Laic_OptTensor:$decay, Laic_OptTensor:$beta, DefaultValuedAttr<I64Attr, "64">:$chunk_size,
                   I64Attr:$kv_num_heads, I64Attr:$q_num_heads, DefaultValuedAttr<F32Attr, "0.0">:$scale,
                   DefaultValuedAttr<StrAttr, "\"gated_delta\"">:$update_rule);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present_state);
}

// The forms of com.microsoft, which have further attributes at values that change nothing.
let onnxDomain = "com.microsoft" in {

def Laic_ContribLinearAttentionOp : Laic_DecomposedOp<"contrib_linear_attention", "LinearAttention", 1> {
  let dtypes = "f32 f16";
  let arguments = (ins Laic_Tensor:$query, Laic_Tensor:$key, Laic_Tensor:$value, Laic_OptTensor:$past_state,
                   Laic_OptTensor:$decay, Laic_OptTensor:$beta, DefaultValuedAttr<I64Attr, "64">:$chunk_size,
                   I64Attr:$kv_num_heads, I64Attr:$q_num_heads, DefaultValuedAttr<F32Attr, "0.0">:$scale,
                   DefaultValuedAttr<I64Attr, "0">:$state_window, DefaultValuedAttr<StrAttr, "\"gated_delta\"">:$update_rule);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present_state);
}
def Laic_ContribCausalConvWithStateOp : Laic_DecomposedOp<"contrib_causal_conv_with_state", "CausalConvWithState", 1> {
  let dtypes = "f32 f16";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$weight, Laic_OptTensor:$bias, Laic_OptTensor:$past_state,
                   DefaultValuedAttr<StrAttr, "\"none\"">:$activation, DefaultValuedAttr<I64Attr, "0">:$channels_last,
                   DefaultValuedAttr<I64Attr, "1">:$dilation, DefaultValuedAttr<I64Attr, "1">:$ndim,
                   DefaultValuedAttr<I64Attr, "-1">:$state_channels_last, DefaultValuedAttr<I64Attr, "0">:$state_window);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present_state);
}

}

def Laic_LinearRecurrenceOp
    : Laic_Op<"linear_recurrence", [Pure, AttrSizedOperandSegments, DeclareOpInterfaceMethods<StructuredOpInterface>]> {
  let summary = "the time loop of linear attention over a state of one matrix per head";
  let description = [{
    All tensors are f32. `query` [B, T, Hq, dk], `key` [B, T, H, dk], `value` [B, T, H, dv], `past` [B, H, dk, dv]; `decay`
    [B, T, H, dk or 1] is a factor, not its logarithm; `beta` [B, T, H or 1]. At each step the state is multiplied by the decay, then
    grows by key times (value - state^T key) beta, or without beta by key times value; a query reads query^T state * scale.
    Results: y [B, T, Hq, dv] and the last state. A head of the state in one row of the batch is a tile.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key, AnyRankedTensor:$value, Optional<AnyRankedTensor>:$past,
                   Optional<AnyRankedTensor>:$decay, Optional<AnyRankedTensor>:$beta, Variadic<Index>:$result_sizes,
                   F32Attr:$scale);
  let results = (outs AnyRankedTensor:$y, AnyRankedTensor:$state);
}

#endif
