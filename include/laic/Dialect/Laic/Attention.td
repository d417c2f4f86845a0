// Attention over keys and values, and what stands around it in decoders.
#ifndef LAIC_ATTENTION_TD
#define LAIC_ATTENTION_TD

include "laic/Dialect/Laic/LaicBase.td"

def Laic_AttentionOp : Laic_DecomposedOp<"attention", "Attention", 25> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$Q, Laic_Tensor:$K, Laic_Tensor:$V, Laic_OptTensor:$attn_mask, Laic_OptTensor:$past_key,
                   Laic_OptTensor:$past_value, Laic_OptTensor:$nonpad_kv_seqlen,
                   DefaultValuedAttr<I64Attr, "0">:$is_causal, OptionalAttr<I64Attr>:$kv_num_heads,
                   DefaultValuedAttr<I64Attr, "-1">:$left_window_size, OptionalAttr<I64Attr>:$q_num_heads,
                   DefaultValuedAttr<I64Attr, "0">:$qk_matmul_output_mode,
                   DefaultValuedAttr<I64Attr, "-1">:$right_window_size, OptionalAttr<F32Attr>:$scale,
                   DefaultValuedAttr<F32Attr, "0.0">:$softcap, OptionalAttr<I64Attr>:$softmax_precision);
  let results = (outs Laic_Tensor:$Y, Laic_Tensor:$present_key, Laic_Tensor:$present_value, Laic_Tensor:$qk_matmul_output);
}

// Without position_ids the caches are those of the positions, [batch, sequence, half].
def Laic_RotaryEmbeddingOp : Laic_DecomposedOp<"rotary_embedding", "RotaryEmbedding", 23> {
  let dtypes = "f32 f16 bf16";
  let arguments = (ins Laic_Tensor:$X, Laic_Tensor:$cos_cache, Laic_Tensor:$sin_cache, Laic_OptTensor:$position_ids,
                   DefaultValuedAttr<I64Attr, "0">:$interleaved, OptionalAttr<I64Attr>:$num_heads,
                   DefaultValuedAttr<I64Attr, "0">:$rotary_embedding_dim);
  let results = (outs Laic_Tensor:$Y);
}

def Laic_SwiGLUOp : Laic_DecomposedOp<"swiglu", "SwiGLU", 28> {
  let dtypes = "float";
  let arguments = (ins Laic_Tensor:$A, Laic_Tensor:$B, DefaultValuedAttr<F32Attr, "1.0">:$alpha);
  let results = (outs Laic_Tensor:$Y);
}

def Laic_TensorScatterOp : Laic_LoweredOp<"tensor_scatter", "TensorScatter", 24> {
  let arguments = (ins Laic_Tensor:$past_cache, Laic_Tensor:$update, Laic_OptTensor:$write_indices,
                   DefaultValuedAttr<I64Attr, "-2">:$axis, DefaultValuedAttr<StrAttr, "\"linear\"">:$mode);
  let results = (outs Laic_Tensor:$present_cache);
}

#endif
