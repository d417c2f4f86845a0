// Attention as com.microsoft defines it: packed operands, masks of several kinds, caches that grow or stay.
#ifndef LAIC_CONTRIBATTENTION_TD
#define LAIC_CONTRIBATTENTION_TD

include "laic/Dialect/Laic/LaicBase.td"

let onnxDomain = "com.microsoft" in {

def Laic_ContribRotaryEmbeddingOp : Laic_DecomposedOp<"contrib_rotary_embedding", "RotaryEmbedding", 1> {
  let dtypes = "f32 f16 bf16";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$position_ids, Laic_Tensor:$cos_cache, Laic_Tensor:$sin_cache,
                   DefaultValuedAttr<I64Attr, "0">:$interleaved, DefaultValuedAttr<I64Attr, "0">:$is_packed_batching,
                   DefaultValuedAttr<I64Attr, "0">:$num_heads, DefaultValuedAttr<I64Attr, "0">:$rotary_embedding_dim,
                   DefaultValuedAttr<F32Attr, "1.0">:$scale);
  let results = (outs Laic_Tensor:$output);
}

// Without key and value the query holds all three, [batch, sequence, heads, 3, head]; without value the key holds both.
def Laic_MultiHeadAttentionOp : Laic_DecomposedOp<"multi_head_attention", "MultiHeadAttention", 1> {
  let dtypes = "f32 f16";
  let arguments = (ins Laic_Tensor:$query, Laic_OptTensor:$key, Laic_OptTensor:$value, Laic_OptTensor:$bias,
                   Laic_OptTensor:$key_padding_mask, Laic_OptTensor:$attention_bias, Laic_OptTensor:$past_key,
                   Laic_OptTensor:$past_value, Laic_OptTensor:$past_sequence_length, Laic_OptTensor:$cache_indirection,
                   DefaultValuedAttr<F32Attr, "-10000.0">:$mask_filter_value, I64Attr:$num_heads, OptionalAttr<F32Attr>:$scale,
                   DefaultValuedAttr<I64Attr, "0">:$unidirectional);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present_key, Laic_Tensor:$present_value);
}

// The projections of query, key and value stand side by side in `weights`. Caches are [2, batch, heads, sequence, head].
def Laic_ContribAttentionOp : Laic_DecomposedOp<"contrib_attention", "Attention", 1> {
  let dtypes = "f32 f16";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$weights, Laic_OptTensor:$bias, Laic_OptTensor:$mask_index,
                   Laic_OptTensor:$past, Laic_OptTensor:$attention_bias, Laic_OptTensor:$past_sequence_length,
                   DefaultValuedAttr<I64Attr, "0">:$do_rotary, DefaultValuedAttr<F32Attr, "-10000.0">:$mask_filter_value,
                   I64Attr:$num_heads, DefaultValuedAttr<I64Attr, "0">:$past_present_share_buffer,
                   OptionalAttr<DenseI64ArrayAttr>:$qkv_hidden_sizes, DefaultValuedAttr<I64Attr, "0">:$rotary_embedding_dim,
                   OptionalAttr<F32Attr>:$scale, DefaultValuedAttr<I64Attr, "0">:$unidirectional);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present);
}

def Laic_QAttentionOp : Laic_DecomposedOp<"qattention", "QAttention", 1> {
  let dtypes = "u8";
  let arguments = (ins Laic_Tensor:$input, Laic_Tensor:$weight, Laic_Tensor:$bias, Laic_Tensor:$input_scale,
                   Laic_Tensor:$weight_scale, Laic_OptTensor:$mask_index, Laic_OptTensor:$input_zero_point,
                   Laic_OptTensor:$weight_zero_point, Laic_OptTensor:$past, DefaultValuedAttr<I64Attr, "0">:$do_rotary,
                   DefaultValuedAttr<F32Attr, "-10000.0">:$mask_filter_value, I64Attr:$num_heads,
                   DefaultValuedAttr<I64Attr, "0">:$past_present_share_buffer, OptionalAttr<F32Attr>:$scale,
                   DefaultValuedAttr<I64Attr, "0">:$unidirectional);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present);
}

// `seqlens_k` holds one less than the number of keys of each row of the batch, new ones included.
def Laic_GroupQueryAttentionOp : Laic_DecomposedOp<"group_query_attention", "GroupQueryAttention", 1> {
  let dtypes = "f32 f16";
  let arguments = (ins Laic_Tensor:$query, Laic_OptTensor:$key, Laic_OptTensor:$value, Laic_OptTensor:$past_key,
                   Laic_OptTensor:$past_value, Laic_Tensor:$seqlens_k, Laic_Tensor:$total_sequence_length,
                   Laic_OptTensor:$cos_cache, Laic_OptTensor:$sin_cache, Laic_OptTensor:$position_ids,
                   Laic_OptTensor:$attention_bias, Laic_OptTensor:$head_sink, DefaultValuedAttr<I64Attr, "0">:$do_rotary,
                   I64Attr:$kv_num_heads, DefaultValuedAttr<I64Attr, "-1">:$local_window_size, I64Attr:$num_heads,
                   DefaultValuedAttr<I64Attr, "0">:$rotary_interleaved, OptionalAttr<F32Attr>:$scale,
                   DefaultValuedAttr<I64Attr, "-1">:$smooth_softmax, DefaultValuedAttr<F32Attr, "0.0">:$softcap);
  let results = (outs Laic_Tensor:$output, Laic_Tensor:$present_key, Laic_Tensor:$present_value);
}

}

#endif
